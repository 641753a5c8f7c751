//! One SQL text, two databases: the thin layer every statement goes through.
//!
//! ```text
//! sql("SELECT name FROM customer WHERE id = $1").bind(id).one::<(String,)>(&db).await?
//! sql("UPDATE run SET state = $1 WHERE id = $2").bind("failed").bind(run).execute(&mut tx).await?
//! ```
//! `$n` placeholders work in both drivers. The two `match` arms live here and nowhere else.

use std::borrow::Cow;

use sqlx::{Arguments, FromRow, Pool, Postgres, Sqlite, Transaction, postgres::PgRow, sqlite::SqliteRow};

use super::StoreError;
use crate::model::{Date, Id, Timestamp, money::Currency};

/// An open database. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Db {
    /// One writer connection (SQLite has one writer) beside a pool of readers.
    Sqlite {
        write: Pool<Sqlite>,
        read: Pool<Sqlite>,
    },
    Postgres(Pool<Postgres>),
}

/// An open transaction; rolled back when dropped without [`Tx::commit`].
pub enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Where a statement runs.
pub enum On<'a> {
    Db(&'a Db),
    Tx(&'a mut Tx),
}

impl<'a> From<&'a Db> for On<'a> {
    fn from(db: &'a Db) -> Self {
        Self::Db(db)
    }
}

impl<'a> From<&'a mut Tx> for On<'a> {
    fn from(tx: &'a mut Tx) -> Self {
        Self::Tx(tx)
    }
}

impl On<'_> {
    /// The same place, for one more statement.
    pub fn again(&mut self) -> On<'_> {
        match self {
            Self::Db(db) => On::Db(db),
            Self::Tx(tx) => On::Tx(tx),
        }
    }
}

impl Db {
    /// Starts a transaction that may write. On SQLite it waits for the single writer.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }
}

impl Tx {
    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    pub async fn rollback(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await?,
            Self::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}

/// A bound value. Each kind holds an `Option`, so a NULL keeps its type (PostgreSQL needs that).
#[derive(Clone, Debug)]
pub enum Value {
    Text(Option<String>),
    Int(Option<i64>),
    Bool(Option<bool>),
    Bytes(Option<Vec<u8>>),
}

/// A row type that both drivers can fill; derive `sqlx::FromRow` or use a tuple.
pub trait Record: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T> Record for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// A statement with its bound values.
#[must_use]
pub struct Sql {
    text: Cow<'static, str>,
    args: Vec<Value>,
}

/// Starts a statement. Text that is built at run time holds only placeholders and our own names,
/// never values.
pub fn sql(text: impl Into<Cow<'static, str>>) -> Sql {
    Sql { text: text.into(), args: Vec::new() }
}

macro_rules! run {
    ($self:ident, $on:expr, |$query:ident, $executor:ident| $body:expr) => {{
        let statement = sqlx::AssertSqlSafe($self.text.into_owned());
        match $on {
            On::Db(Db::Sqlite { read, .. }) => {
                let $executor = read;
                let $query = sqlx::query_with(statement, sqlite_arguments(&$self.args)?);
                $body
            }
            On::Tx(Tx::Sqlite(tx)) => {
                let $executor = &mut **tx;
                let $query = sqlx::query_with(statement, sqlite_arguments(&$self.args)?);
                $body
            }
            On::Db(Db::Postgres(pool)) => {
                let $executor = pool;
                let $query = sqlx::query_with(statement, postgres_arguments(&$self.args)?);
                $body
            }
            On::Tx(Tx::Postgres(tx)) => {
                let $executor = &mut **tx;
                let $query = sqlx::query_with(statement, postgres_arguments(&$self.args)?);
                $body
            }
        }
    }};
}

impl Sql {
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.args.push(value.into());
        self
    }

    pub fn bind_all(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.args.extend(values);
        self
    }

    /// Every row.
    pub async fn all<T: Record>(self, on: impl Into<On<'_>>) -> Result<Vec<T>, StoreError> {
        run!(self, on.into(), |query, executor| {
            let rows = query.fetch_all(executor).await?;
            rows.iter().map(|row| T::from_row(row)).collect::<Result<_, _>>().map_err(StoreError::from)
        })
    }

    /// The first row, or `None`.
    pub async fn optional<T: Record>(self, on: impl Into<On<'_>>) -> Result<Option<T>, StoreError> {
        run!(self, on.into(), |query, executor| {
            let row = query.fetch_optional(executor).await?;
            row.as_ref().map(|row| T::from_row(row)).transpose().map_err(StoreError::from)
        })
    }

    /// The only row; an error when there is none.
    pub async fn one<T: Record>(self, on: impl Into<On<'_>>) -> Result<T, StoreError> {
        run!(self, on.into(), |query, executor| {
            let row = query.fetch_one(executor).await?;
            T::from_row(&row).map_err(StoreError::from)
        })
    }

    /// Runs a statement inside a transaction and says how many rows it touched. There is no way to
    /// write outside a transaction: on SQLite that would go around the single writer.
    pub async fn execute(self, tx: &mut Tx) -> Result<u64, StoreError> {
        run!(self, On::Tx(tx), |query, executor| Ok(query.execute(executor).await?.rows_affected()))
    }
}

/// Runs several statements without values: savepoints, migrations in tests.
pub async fn execute_plain(tx: &mut Tx, text: &'static str) -> Result<(), StoreError> {
    use sqlx::Executor;
    match tx {
        Tx::Sqlite(tx) => {
            (&mut **tx).execute(sqlx::raw_sql(text)).await?;
        }
        Tx::Postgres(tx) => {
            (&mut **tx).execute(sqlx::raw_sql(text)).await?;
        }
    }
    Ok(())
}

fn sqlite_arguments(args: &[Value]) -> Result<sqlx::sqlite::SqliteArguments, StoreError> {
    let mut out = sqlx::sqlite::SqliteArguments::default();
    for value in args {
        match value {
            Value::Text(v) => out.add(v.clone()),
            Value::Int(v) => out.add(*v),
            Value::Bool(v) => out.add(*v),
            Value::Bytes(v) => out.add(v.clone()),
        }
        .map_err(StoreError::Encode)?;
    }
    Ok(out)
}

fn postgres_arguments(args: &[Value]) -> Result<sqlx::postgres::PgArguments, StoreError> {
    let mut out = sqlx::postgres::PgArguments::default();
    for value in args {
        match value {
            Value::Text(v) => out.add(v.as_deref()),
            Value::Int(v) => out.add(*v),
            Value::Bool(v) => out.add(*v),
            Value::Bytes(v) => out.add(v.as_deref()),
        }
        .map_err(StoreError::Encode)?;
    }
    Ok(out)
}

macro_rules! into_value {
    ($($from:ty => |$v:ident| $kind:ident, $some:expr;)*) => {$(
        impl From<$from> for Value { fn from($v: $from) -> Self { Self::$kind(Some($some)) } }
        impl From<Option<$from>> for Value { fn from(v: Option<$from>) -> Self { Self::$kind(v.map(|$v| $some)) } }
    )*};
}

into_value! {
    String => |v| Text, v;
    &str => |v| Text, v.to_owned();
    &String => |v| Text, v.clone();
    Id => |v| Text, v.into_string();
    &Id => |v| Text, v.as_str().to_owned();
    Date => |v| Text, v.to_string();
    Currency => |v| Text, v.to_string();
    i64 => |v| Int, v;
    Timestamp => |v| Int, v.0;
    bool => |v| Bool, v;
    &&str => |v| Text, (*v).to_owned();
    Vec<u8> => |v| Bytes, v;
    &[u8] => |v| Bytes, v.to_vec();
}
