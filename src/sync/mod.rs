//! The sync engine: what moves records between connected systems and the master.
//!
//! | part | does |
//! |---|---|
//! | [`committer`] | the one door to the database for webhooks and chunks: shared commits, then answers |
//! | [`intake`] | maps and checks records in memory, before any transaction |
//! | [`pull`] | one run: every stream of a connection, page by page, cursor committed with its records |
//! | [`inbox`] | applies stored webhooks |
//! | [`worker`] | leases due connections, parks' expiry, the loops of one node |
//! | [`replay`] | failures again: preview, one, many, a cause |
//!
//! Invariant: no network call happens inside a transaction. A cursor never stands ahead of its data:
//! both are one commit. A lease only saves double work; correctness rests on the content hash and
//! the lock of the origin.

pub mod backoff;
pub mod committer;
pub mod engine;
pub mod failpoint;
pub mod inbox;
pub mod intake;
pub mod pull;
pub mod replay;
pub mod retention;
pub mod worker;
