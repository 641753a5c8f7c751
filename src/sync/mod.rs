//! The sync engine: what moves records between connected systems and the master.
//!
//! | part | does |
//! |---|---|
//! | [`committer`] | the one door to the database for webhooks and chunks: shared commits, then answers |
//! | `apply` | a work item in its transaction, at once or row by row |
//! | [`intake`] | maps and checks records in memory, before any transaction |
//! | [`pull`] | one run: every stream of a connection, page by page, cursor committed with its records |
//! | `pages` | the pages of one stream, with patience for its source |
//! | `place` | a pull's place among those that work, left while its source keeps it waiting |
//! | `fetch` | customers asked for by key |
//! | [`inbox`] | applies stored webhooks |
//! | [`knocks`] | who has something in the inbox |
//! | [`worker`] | leases due connections, parks' expiry, the loops of one node |
//! | [`outbox`] | brings customers into connected systems, one target at a time |
//! | [`webhooks`] | tells receivers what happened: the event log, signed, with patience |
//! | [`recompute`] | golden values made again after rules or fields changed |
//! | [`shape`] | what records look like; values kept of fields that their source has lost |
//! | `sweep` | compares whole lists: deletions, believed only with proof |
//! | [`replay`] | failures again: preview, one, many, a cause |
//! | [`rehearse`] | a mapping's draft with real records, everything taken back |
//! | [`freshness`] | looks whether connections are as fresh as they have to be |
//! | [`refusals`] | counts refused deliveries without a commit for each |
//!
//! Invariant: no network call happens inside a transaction. A cursor never stands ahead of its data:
//! both are one commit. A lease only saves double work; correctness rests on the content hash and
//! the lock of the origin.

mod apply;
pub mod backoff;
pub mod committer;
pub mod engine;
pub mod failpoint;
mod fetch;
pub mod freshness;
pub mod inbox;
pub mod intake;
pub mod knocks;
pub mod outbox;
mod pages;
mod place;
pub mod pull;
pub mod recompute;
pub mod refusals;
pub mod rehearse;
pub mod replay;
pub mod retention;
pub mod shape;
mod sweep;
pub mod webhooks;
pub mod worker;
