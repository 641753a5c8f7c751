//! Signing in by SAML 2.0: the service provider's side of the Web Browser SSO profile.
//!
//! | part | does |
//! |---|---|
//! | [`settings`] | what an administrator decides about a provider |
//! | `metadata` | a provider's metadata in, ours out |
//! | `certificate` | keys: pinned ones of providers, our own |
//! | `request` | our signed requests |
//! | `gate` | a response's bytes and the shape of its tree, before anything is read in it |
//! | `encryption` | an encrypted assertion or name, which is then judged like any other |
//! | `signature` | one enveloped signature by a pinned key; gives the text that was signed |
//! | `assertion`, `name` | what that text says, and the conditions |
//! | `response` | all of these in their order |
//! | `flow` | the way there and back |
//! | `logout_message`, `logout` | single logout: what its messages say; from either end |
//! | [`manage`] | adding providers |
//! | [`apart`] | answers, logout messages and metadata judged by themselves, for the fuzzer and for a second opinion |
//! | `rollover` | another key of our own |
//! | [`upkeep`] | reading their metadata again, by itself |
//!
//! Invariant: a claim is read from canonical text whose hash a pinned key signed, never from the document that
//! was received. What was not signed can refuse, not grant.
//! Invariant: an assertion signs somebody in once, on whichever node, and answers a request of the same browser
//! to the same provider. Without a request it does so only where the provider was allowed to.
//! Invariant: the POST that brings a response is only kept. It is read on the page after it, where the browser
//! shows its own cookie: a POST from another site carries none.
//!
//! What is decided beyond the specification: no comments, instructions or character data in a response; no SHA-1,
//! no HMAC; a key is pinned, so the dates of its certificate decide nothing; of a signed response an unsigned
//! assertion is believed only where an administrator said so; a `RelayState` is neither sent nor read, where
//! somebody wants to go is kept here.

pub mod apart;
pub(super) mod assertion;
pub(super) mod certificate;
mod encryption;
pub(super) mod flow;
mod gate;
mod logout;
mod logout_message;
pub mod manage;
pub(super) mod metadata;
mod name;
mod request;
mod response;
mod rollover;
pub mod settings;
mod signature;
pub mod upkeep;
mod xml;

use url::Url;

pub use certificate::{ends, fingerprint};
pub use flow::{Begun, Brought, Page, Posting, Way};
pub use logout::Parted;
pub use logout_message::{Came, End};
pub use rollover::{Other, Rolled, Stage, Step};
pub use settings::{Leaving, Settings};

/// Our name towards a provider, which is where our metadata is.
#[must_use]
pub fn entity_id(public_url: &Url, idp_id: &str) -> String {
    address(public_url, idp_id, "metadata")
}

/// Where a provider sends its answers.
#[must_use]
pub fn acs(public_url: &Url, idp_id: &str) -> String {
    address(public_url, idp_id, "acs")
}

/// Where a provider sends people whom it signs out, and its answers to ours.
#[must_use]
pub fn slo(public_url: &Url, idp_id: &str) -> String {
    address(public_url, idp_id, "slo")
}

fn address(public_url: &Url, idp_id: &str, page: &str) -> String {
    public_url.join(&format!("auth/saml/{idp_id}/{page}")).map(String::from).unwrap_or_default()
}
