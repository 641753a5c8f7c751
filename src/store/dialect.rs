//! The only place with a per-database branch. Each entry carries its reason; more than ten entries
//! ask for a design review.

use super::sql::{Db, On, Tx};

/// Which of the two databases a statement is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Db {
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite { .. } => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }
}

impl Tx {
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }
}

impl On<'_> {
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Db(db) => db.dialect(),
            Self::Tx(tx) => tx.dialect(),
        }
    }
}

impl Dialect {
    /// Leases: rows that another node has locked are passed over. SQLite has one writer, so there
    /// is nothing to pass over.
    #[must_use]
    pub fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// Locks that serialise writers across nodes until the end of the transaction. They are advisory,
    /// so that nobody waits for a row of `connection` who only schedules it. SQLite has one writer, so
    /// nothing needs locking. `$1` is the connection, unless `all` are meant.
    #[must_use]
    pub fn origin_lock(self, all: bool) -> Option<&'static str> {
        match (self, all) {
            (Self::Sqlite, _) => None,
            (Self::Postgres, true) => Some("SELECT pg_advisory_xact_lock(7701)"),
            (Self::Postgres, false) => {
                Some("SELECT pg_advisory_xact_lock_shared(7701), pg_advisory_xact_lock(7702, hashtext($1))")
            }
        }
    }

    /// Before a query with `ORDER BY … LIMIT` that an index answers. Where its statistics lag behind a
    /// flood, PostgreSQL expects a handful of rows, reads all of them and sorts.
    #[must_use]
    pub fn follow_index(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("SET LOCAL enable_sort = off"),
        }
    }

    /// A table of one bound JSON array of objects, with text columns, to join with.
    #[must_use]
    pub fn json_rows(self, placeholder: &str, name: &str, columns: &[&str]) -> String {
        match self {
            Self::Sqlite => {
                let picked: Vec<String> = columns.iter().map(|c| format!("value ->> '{c}' AS {c}")).collect();
                format!("(SELECT {} FROM json_each({placeholder})) AS {name}", picked.join(", "))
            }
            Self::Postgres => {
                let typed: Vec<String> = columns.iter().map(|c| format!("{c} text")).collect();
                format!("jsonb_to_recordset(CAST({placeholder} AS jsonb)) AS {name} ({})", typed.join(", "))
            }
        }
    }

    /// `column IN (list)` where the list is one bound JSON array of strings (see [`json_list`]):
    /// one statement text for every length, so it stays prepared.
    #[must_use]
    pub fn in_list(self, column: &str, placeholder: &str) -> String {
        match self {
            Self::Sqlite => format!("{column} IN (SELECT value FROM json_each({placeholder}))"),
            // ARRAY(…) is evaluated once, so that the index on the column serves the whole list.
            Self::Postgres => {
                format!("{column} = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST({placeholder} AS jsonb))))")
            }
        }
    }

    /// `SELECT columns FROM table WHERE fixed AND column IN (list)` for an index that ends with the
    /// column: every key of the list is looked up by itself.
    #[must_use]
    pub fn by_key(self, columns: &str, table: &str, fixed: &str, column: &str, placeholder: &str) -> String {
        match self {
            Self::Sqlite => {
                format!("SELECT {columns} FROM {table} WHERE {fixed} AND {}", self.in_list(column, placeholder))
            }
            // Before its statistics know a table that is just being filled, PostgreSQL takes the first
            // columns of the index for selective and reads everything under them. OFFSET 0 leaves it
            // no choice.
            Self::Postgres => format!(
                "SELECT found.* FROM jsonb_array_elements_text(CAST({placeholder} AS jsonb)) AS wanted (key)
                 CROSS JOIN LATERAL (SELECT {columns} FROM {table} WHERE {fixed} AND {column} = wanted.key OFFSET 0)
                   AS found"
            ),
        }
    }
}

/// The value to bind for [`Dialect::in_list`] and [`Dialect::by_key`].
pub fn json_list<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> String {
    let items: Vec<serde_json::Value> = items.into_iter().map(|s| s.as_ref().into()).collect();
    serde_json::Value::Array(items).to_string()
}
