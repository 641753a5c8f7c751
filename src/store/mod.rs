//! All SQL of the hub, for SQLite and PostgreSQL alike.
//!
//! Write SQL in the portable subset: `$n` placeholders, `RETURNING`, `ON CONFLICT`, columns of
//! TEXT, BIGINT, BOOLEAN and BYTEA; JSON is TEXT; `CAST(SUM(x) AS BIGINT)`; times are passed in.
//! Never catch a unique violation to go on: after an error PostgreSQL refuses the rest of the
//! transaction. Transactions are short and no network call happens inside one.
//!
//! To add a table group: a migration, then one file here with plain functions that take
//! `impl Into<On>` to read and `&mut Tx` to write.
//!
//! Invariant: only this room names sqlx. Only `dialect.rs`, `batch.rs` and `sql.rs` branch on the
//! database, and `catalogue.rs` and `copy.rs`, which read what each database says of itself.

pub mod activity;
pub mod audit;
pub mod backup;
pub mod batch;
pub mod catalogue;
pub mod connection;
pub mod copy;
pub mod customer;
pub mod dialect;
pub mod document;
pub mod failure;
pub mod inbox;
pub mod migrate;
mod open;
pub mod parked;
pub mod read_customer;
pub mod read_directory;
pub mod retention;
pub mod sample;
pub mod run;
pub mod session;
pub mod setting;
pub mod source_record;
pub mod read_document;
pub mod read_timeline;
pub mod sql;
pub mod stat;
pub mod user;
pub mod version;

pub use batch::Batch;
pub use dialect::{Dialect, json_list};
pub use open::open;
pub use sql::{Db, On, Sql, Tx, Value, sql};
/// Derive for rows that both drivers fill.
pub use sqlx::FromRow;

/// What can go wrong below.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("database.url {0}")]
    Url(String),
    #[error("the database refused a statement or cannot be reached")]
    Database(#[from] sqlx::Error),
    #[error("a value could not be encoded")]
    Encode(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("a migration failed")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error(
        "the database has schema version {found}, this program knows {known}: start the newer program, or restore a backup made before the upgrade"
    )]
    SchemaNewer { found: i64, known: i64 },
    #[error("{0}")]
    Corrupt(String),
}

impl StoreError {
    /// The database is away, full or locked: the same work can succeed later unchanged.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(e)) => {
                let code = e.code().unwrap_or_default();
                // PostgreSQL classes 08, 53, 57P and 40001; SQLite BUSY, LOCKED, IOERR, FULL, CANTOPEN.
                ["08", "53", "57P", "40"].iter().any(|class| code.starts_with(class) && code.len() == 5)
                    || matches!(code.parse::<u32>().map(|c| c & 0xff), Ok(5 | 6 | 10 | 13 | 14))
            }
            Self::Database(
                sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed,
            ) => true,
            _ => false,
        }
    }
}
