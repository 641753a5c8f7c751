//! What a Musubi connector is made of.
//!
//! | Module | Answers |
//! |---|---|
//! | [`manifest`] | what a `connector.yaml` may say, and what it said |
//! | [`noun`] | which hub records and fields a mapping may name |
//! | [`settings`] | are the values an admin typed right |
//! | [`mapping`] | how one source record becomes one hub record |
//! | [`connector`] | the trait that the sync engine drives |
//! | [`declarative`] | that trait for a plain manifest over HTTP |
//! | [`webhook`] | is a delivery genuine, and what does it carry |
//! | [`guard`] | which addresses are spoken to |
//! | [`conformance`] | the list every connector must pass |
//!
//! Invariant: nothing here knows the hub's database, and no error or `Debug` output of this crate
//! holds a setting marked `secret`, or a byte of a source's answer.
//! Invariant: a connector keeps no position of its own; where to go on is in the cursor.

pub mod conformance;
pub mod connector;
pub mod declarative;
pub mod guard;
pub mod manifest;
pub mod mapping;
pub mod noun;
pub mod settings;
mod template;
pub mod webhook;

pub use connector::{CheckItem, Connector, Cursor, Page, PageToken, PullRequest, Record, SourceError};
pub use manifest::{Manifest, ManifestError, StreamSpec, Text};
pub use noun::Noun;
