//! Many rows a statement: the only way bulk data is written.
//!
//! PostgreSQL takes one array per column (`UNNEST`), so the statement text never changes with the
//! number of rows; SQLite takes `VALUES` lists of up to [`SQLITE_ROWS`] rows. Measured, this is an
//! order of magnitude above a statement per row on both.

use std::borrow::Cow;

use sqlx::{Arguments, AssertSqlSafe};

use super::{
    StoreError,
    sql::{Tx, Value},
};

/// Rows in one SQLite statement; more gains nothing and SQLite allows 32,766 values.
const SQLITE_ROWS: usize = 64;

/// The values of one column, all rows.
#[derive(Debug)]
enum Column {
    Text(Vec<Option<String>>),
    Int(Vec<Option<i64>>),
    Bool(Vec<Option<bool>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

impl Column {
    fn starting_with(value: Value) -> Self {
        match value {
            Value::Text(v) => Self::Text(vec![v]),
            Value::Int(v) => Self::Int(vec![v]),
            Value::Bool(v) => Self::Bool(vec![v]),
            Value::Bytes(v) => Self::Bytes(vec![v]),
        }
    }

    /// `false` when the value is of another kind than the column.
    fn push(&mut self, value: Value) -> bool {
        match (self, value) {
            (Self::Text(c), Value::Text(v)) => c.push(v),
            (Self::Int(c), Value::Int(v)) => c.push(v),
            (Self::Bool(c), Value::Bool(v)) => c.push(v),
            (Self::Bytes(c), Value::Bytes(v)) => c.push(v),
            _ => return false,
        }
        true
    }

    fn sql_type(&self) -> &'static str {
        match self {
            Self::Text(_) => "text[]",
            Self::Int(_) => "bigint[]",
            Self::Bool(_) => "boolean[]",
            Self::Bytes(_) => "bytea[]",
        }
    }
}

/// Rows that wait to be written into one table.
#[derive(Debug)]
pub struct Batch {
    table: Cow<'static, str>,
    names: Vec<Cow<'static, str>>,
    columns: Vec<Column>,
    rows: usize,
}

impl Batch {
    #[must_use]
    pub fn new(table: &'static str, names: &'static [&'static str]) -> Self {
        let columns = Vec::with_capacity(names.len());
        Self { table: table.into(), names: names.iter().map(|&name| name.into()).collect(), columns, rows: 0 }
    }

    /// For names that come from the catalogue: copying whole tables.
    #[must_use]
    pub(super) fn named(table: String, names: Vec<String>) -> Self {
        let columns = Vec::with_capacity(names.len());
        Self { table: table.into(), names: names.into_iter().map(Cow::from).collect(), columns, rows: 0 }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Adds a row, values in the order of the column names.
    pub fn push<const N: usize>(&mut self, row: [Value; N]) {
        debug_assert_eq!(N, self.names.len(), "{}", self.table);
        self.push_values(row);
    }

    pub(super) fn push_values(&mut self, row: impl IntoIterator<Item = Value>) {
        if self.columns.is_empty() {
            self.columns = row.into_iter().map(Column::starting_with).collect();
        } else {
            for (column, value) in self.columns.iter_mut().zip(row) {
                let same_kind = column.push(value);
                debug_assert!(same_kind, "{}: a column holds one kind of value", self.table);
            }
        }
        self.rows += 1;
    }

    /// Writes all rows. `suffix` is empty or an `ON CONFLICT …` clause. Returns the rows written.
    pub async fn insert(self, tx: &mut Tx, suffix: &str) -> Result<u64, StoreError> {
        if self.rows == 0 {
            return Ok(0);
        }
        match tx {
            Tx::Postgres(tx) => {
                let statement = self.unnest_text(suffix);
                let mut args = sqlx::postgres::PgArguments::default();
                for column in &self.columns {
                    match column {
                        Column::Text(v) => args.add(v),
                        Column::Int(v) => args.add(v),
                        Column::Bool(v) => args.add(v),
                        Column::Bytes(v) => args.add(v),
                    }
                    .map_err(StoreError::Encode)?;
                }
                let done = sqlx::query_with(AssertSqlSafe(statement), args).execute(&mut **tx).await?;
                Ok(done.rows_affected())
            }
            Tx::Sqlite(tx) => {
                let mut written = 0;
                for start in (0..self.rows).step_by(SQLITE_ROWS) {
                    let end = (start + SQLITE_ROWS).min(self.rows);
                    let mut args = sqlx::sqlite::SqliteArguments::default();
                    for row in start..end {
                        for column in &self.columns {
                            match column {
                                Column::Text(v) => args.add(v[row].clone()),
                                Column::Int(v) => args.add(v[row]),
                                Column::Bool(v) => args.add(v[row]),
                                Column::Bytes(v) => args.add(v[row].clone()),
                            }
                            .map_err(StoreError::Encode)?;
                        }
                    }
                    let statement = self.values_text(end - start, suffix);
                    // Only full statements are worth keeping prepared; the odd rest would evict them.
                    let full = end - start == SQLITE_ROWS;
                    let query = sqlx::query_with(AssertSqlSafe(statement), args).persistent(full);
                    written += query.execute(&mut **tx).await?.rows_affected();
                }
                Ok(written)
            }
        }
    }

    fn unnest_text(&self, suffix: &str) -> String {
        let arrays: Vec<String> =
            self.columns.iter().enumerate().map(|(i, c)| format!("${}::{}", i + 1, c.sql_type())).collect();
        format!(
            "INSERT INTO {} ({}) SELECT * FROM UNNEST({}) {suffix}",
            self.table,
            self.names.join(", "),
            arrays.join(", ")
        )
    }

    fn values_text(&self, rows: usize, suffix: &str) -> String {
        let width = self.names.len();
        let mut text = format!("INSERT INTO {} ({}) VALUES ", self.table, self.names.join(", "));
        for row in 0..rows {
            text.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..width {
                if column > 0 {
                    text.push_str(", ");
                }
                text.push('$');
                text.push_str(&(row * width + column + 1).to_string());
            }
            text.push(')');
        }
        text.push(' ');
        text.push_str(suffix);
        text
    }
}
