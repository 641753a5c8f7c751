//! Configured connections: which connectors exist, which are set up, with which settings and secrets.
//!
//! Invariant: secrets leave this room only inside a built [`musubi_sdk::connector::Connector`] or for
//! checking a signature; they are sealed in the store and never shown again.

pub mod catalogue;
pub mod change;
pub mod check;
pub mod condition;
pub mod create;
pub mod expiry;
pub mod freshness;
pub mod level;
pub mod live;
pub mod mapping;
pub mod notices;
pub mod quota;
pub mod registry;
pub mod schedule;
pub mod shape;

pub use catalogue::Catalogue;
pub use level::{Level, Levels};
pub use live::{Live, connect};
pub use registry::{Registry, held};
