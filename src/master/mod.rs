//! The master record: the only writer of golden records and their history.
//!
//! [`ingest::apply`] takes a chunk of mapped records of one stream and brings the master, the crosswalk,
//! versions, failures and waiting records up to date in the caller's transaction. It is idempotent: the
//! same chunk again changes nothing.
//!
//! [`custom_fields`] defines fields of the administrator's own; [`rules`] decide whose value wins.
//!
//! [`relation`] keeps who looked after a customer, from when to when.
//!
//! [`edit`] takes what people type into customers, [`typed`] their contracts and inquiries. [`activity`] takes what they
//! did. [`withdraw`] lets a source take back customers
//! that it brought.
//!
//! Every version goes through `announce`, which logs what other systems are told of it.
//!
//! Invariant: nothing else writes customers, sites, contacts, documents or versions.

pub mod activity;
mod announce;
pub mod custom_fields;
mod customers;
mod documents;
pub mod edit;
mod golden;
pub mod ingest;
pub mod relation;
pub mod rules;
mod sales;
pub mod typed;
mod waiting;
pub mod withdraw;

pub use ingest::{Chunk, Incoming, Origin, Outcome, Rejected};
