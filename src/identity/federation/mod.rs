//! Signing in with the company's own identity provider: OpenID Connect Core 1.0, code flow with PKCE.
//!
//! | part | does |
//! |---|---|
//! | [`settings`] | what an administrator decides about a provider |
//! | `wire` | the only way out: capped, timed, without redirects, to permitted addresses |
//! | `provider` | discovery and keys of a provider, fetched when needed and kept |
//! | `gate` | an ID token's raw form, before any library reads it |
//! | `token` | signature and claims |
//! | `assertion` | how we prove ourselves by a key of our own |
//! | `claims`, `overage` | who that is: subject, name, mail, groups; groups that are too many for a token |
//! | [`domain`] | whose people are led where, by their mail domain |
//! | `flow` | the way there and back |
//! | `exchange` | what a code is exchanged for |
//! | `logout` | a provider ends its person's sessions here |
//! | [`link`] | proving again who one is, and further identities of one person |
//! | `parting` | signing out at the provider, after signing out here |
//! | `person` | the person here: found by (issuer, subject), made, given a role |
//! | [`manage`] | adding, changing, ending providers |
//! | [`setup`], [`preset`] | setting one up step by step; what is known of well-known ones |
//! | [`aside`] | what was typed so far, kept until somebody goes on |
//! | [`force`] | a draft is switched on; what was changed of a provider in use takes the place of what held |
//! | [`trial`], [`report`] | a sign-in that only finds out what works; what it found |
//! | [`apart`] | an ID token judged by itself, for the fuzzer |
//!
//! Invariant: an attempt is bound to one browser and one provider, and taken once. Nothing that could sign
//! anybody in is stored: nonce and PKCE verifier are made again from the browser's cookie.
//! Invariant: a refusal opens no session and makes no person, and is one row in the audit trail with the
//! failed check, under the request id that the person sees.
//! Invariant: a provider that is being set up signs nobody in, nor do settings that were changed and not put in
//! force, and a trial opens no session, whatever it finds.
//! Invariant: a person is (issuer, subject), never a mail address.

pub mod apart;
pub mod aside;
mod assertion;
mod claims;
pub mod domain;
mod exchange;
mod flow;
pub mod force;
mod gate;
pub mod link;
mod logout;
pub mod manage;
mod overage;
mod parting;
mod person;
pub mod preset;
mod provider;
pub mod report;
pub mod saml;
pub mod settings;
pub mod setup;
mod token;
pub mod trial;
mod wire;

use std::{net::IpAddr, sync::Arc, time::Duration};

use url::Url;

use super::pace::Pace;
use crate::{clock::Clock, config, secrets::Keys, store::Db};

pub use flow::{Arrival, Back, Begun, Refused};
pub use parting::{CAME_BACK, signed_out};
pub use settings::{Authentication, Settings};
pub use trial::Act;

/// See the module. One per process.
pub struct Federation {
    db: Db,
    clock: Clock,
    keys: Arc<Keys>,
    wire: wire::Wire,
    providers: provider::Providers,
    /// How long a person may take at the provider.
    attempt: Duration,
    /// How far the provider's clock may differ from ours.
    leeway: Duration,
    /// How often one address may try.
    pace: Pace<IpAddr>,
    /// How often metadata of SAML providers is read again.
    metadata_every: Duration,
    /// How long a certificate counts that is gone from it.
    key_overlap: Duration,
    /// Name server for TXT records; empty: those of the machine.
    dns: String,
}

impl Federation {
    pub fn new(db: Db, clock: Clock, keys: Arc<Keys>, settings: &config::Signin) -> reqwest::Result<Self> {
        let wire = wire::Wire::new(settings.timeout.0, config::proxy_hosts())?;
        let (attempt, leeway) = (settings.attempt.0, settings.leeway.0);
        let (providers, pace) = (provider::Providers::default(), Pace::new(settings.per_address));
        let (metadata_every, key_overlap) = (settings.metadata_every.0, settings.key_overlap.0);
        let dns = settings.dns.clone();
        Ok(Self { db, clock, keys, wire, providers, attempt, leeway, pace, metadata_every, key_overlap, dns })
    }
}

/// Where a provider reads our public keys.
#[must_use]
pub fn our_keys(public_url: &Url, idp_id: &str) -> String {
    public_url.join(&format!("auth/oidc/{idp_id}/jwks.json")).map(String::from).unwrap_or_default()
}

/// Where a provider sends people back to.
#[must_use]
pub fn callback(public_url: &Url, idp_id: &str) -> String {
    let path = format!("auth/oidc/{idp_id}/callback");
    public_url.join(&path).map(String::from).unwrap_or_default()
}
