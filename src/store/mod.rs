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
//! database, `catalogue.rs` and `copy.rs`, which read what each database says of itself,
//! `feed/render.rs`, which words readers' filters, and `bi.rs`, whose logins only PostgreSQL has.

pub mod activity;
pub mod alert;
pub mod api_token;
pub mod audit;
pub mod backup;
pub mod batch;
pub mod bi;
pub mod bulk;
pub mod catalogue;
pub mod change;
pub mod conflict;
pub mod connection;
pub mod connection_change;
pub mod contract;
pub mod copy;
pub mod custom_field;
pub mod customer;
pub mod customer_value;
pub mod deal;
pub mod delivery;
pub mod department;
pub mod device;
pub mod dialect;
pub mod document;
pub mod due;
pub mod event;
pub mod export;
pub mod external_identity;
pub mod failure;
pub mod feed;
pub mod find;
pub mod freshness;
pub mod glass;
pub mod idempotency;
pub mod idp;
pub mod idp_change;
pub mod idp_domain;
pub mod import;
pub mod inbox;
pub mod invitation;
pub mod late_reference;
pub mod mail;
pub mod mapping;
pub mod migrate;
mod open;
pub mod operations;
pub mod parked;
pub mod parting;
pub mod passkey;
pub mod picked;
pub mod problem;
pub mod product;
pub mod read_console;
pub mod read_customer;
pub mod read_directory;
pub mod read_document;
pub mod read_document_page;
pub mod read_event;
pub mod read_noun;
pub mod read_operations;
pub mod read_sales;
pub mod read_timeline;
pub mod receiver;
pub mod relation;
pub mod retention;
pub mod run;
pub mod saml;
pub mod sample;
pub mod saved_view;
pub mod scope;
pub mod second_factor;
pub mod session;
pub mod setting;
pub mod shape;
pub mod shipment;
pub mod source_record;
pub mod sql;
pub mod stat;
pub mod survivorship;
pub mod sweep;
pub mod user;
pub mod version;

pub use batch::Batch;
pub use dialect::{Dialect, json_list};
pub use open::open;
pub use scope::{InView, in_view};
pub use sql::{Db, On, Record, Sql, Tx, Value, sql};
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
    #[error("the database is away")]
    Away,
    #[error("{0}")]
    Corrupt(String),
}

impl StoreError {
    /// Two transactions stood in each other's way (class 40): the same one can be tried again at once.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(e)) => e.code().is_some_and(|c| c.len() == 5 && c.starts_with("40")),
            _ => false,
        }
    }

    /// The database is away, full or locked: the same work can succeed later unchanged.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(e)) => means_outage(&e.code().unwrap_or_default()),
            Self::Database(
                // A connection that breaks off while it is made is a protocol error to the driver.
                sqlx::Error::Protocol(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Io(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                // A writer that a full disk has spoiled; it is replaced.
                | sqlx::Error::InvalidSavePointStatement,
            )
            | Self::Away => true,
            _ => false,
        }
    }
}

/// PostgreSQL: classes 08, 53, 57P and 40, and 25006 (a standby). SQLite: BUSY, LOCKED, IOERR, FULL,
/// CANTOPEN. A SQLSTATE has five characters and may be all digits; SQLite's codes have at most four.
fn means_outage(code: &str) -> bool {
    if code.len() >= 5 {
        return code == "25006" || ["08", "53", "57P", "40"].iter().any(|class| code.starts_with(class));
    }
    matches!(code.parse::<u32>().map(|c| c & 0xff), Ok(5 | 6 | 10 | 13 | 14))
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_what_passes_by_itself_is_an_outage() {
        for code in ["08006", "53300", "57P01", "40001", "40P01", "25006", "5", "517", "778", "13", "14"] {
            assert!(super::means_outage(code), "{code}");
        }
        // 22021 is a NUL in a text; its last byte looks like SQLITE_BUSY.
        for code in ["22021", "23505", "22P02", "42601", "19", "1555", ""] {
            assert!(!super::means_outage(code), "{code}");
        }
    }
}
