//! Copies everything from one database into another, empty one: SQLite to PostgreSQL, back, and
//! into backup files.
//!
//! The source is read in one snapshot, the target is written in one transaction, so a copy is
//! complete and consistent or it is not there. The list of tables comes from the catalogue: a new
//! table is copied without a change here.
//!
//! Invariant: a report means that every table holds as many rows as the source had.

use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, ColumnIndex, Database, Decode, Row, Type};

use super::{
    Batch, Db, On, StoreError, Tx, Value,
    catalogue::{self, Column, Kind, Table},
    migrate,
    sql::sql,
};

/// Rows and bytes that are collected before they are written.
const BATCH_ROWS: usize = 1024;
const BATCH_BYTES: usize = 4 << 20;

/// What was copied: table and rows.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Copied {
    pub tables: Vec<(String, u64)>,
}

impl Copied {
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|(_, rows)| rows).sum()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the source has an older schema ({pending} migrations behind): run `musubi migrate` on it first")]
    SourceBehind { pending: usize },
    #[error(
        "the target is not empty ({table} has {rows} rows): name a new SQLite file or an empty PostgreSQL database; nothing was changed"
    )]
    TargetNotEmpty { table: String, rows: u64 },
    #[error("the two schemas differ at {what}: nothing was copied")]
    SchemasDiffer { what: String },
    #[error("{table} has {expected} rows in the source, but {written} arrived: the copy was taken back")]
    CountsDiffer { table: String, expected: u64, written: u64 },
    #[error("table {table} could not be copied: the copy was taken back")]
    Table {
        table: String,
        #[source]
        source: StoreError,
    },
    #[error("{path} exists already: a backup never overwrites a file")]
    FileExists { path: std::path::PathBuf },
    #[error("{path} is no Musubi backup: {reason}")]
    NotABackup { path: std::path::PathBuf, reason: String },
    #[error("{path} cannot be used")]
    File {
        path: std::path::PathBuf,
        #[source]
        source: std::io::Error,
    },
}

/// Copies all tables. `to` must hold no rows, and is migrated once that is seen.
pub async fn copy(from: &Db, to: &Db) -> Result<Copied, CopyError> {
    let pending = migrate::plan(from).await?.iter().filter(|step| !step.applied).count();
    if pending > 0 {
        return Err(CopyError::SourceBehind { pending });
    }
    // Somebody else's hub is not even migrated.
    let mut looked = to.begin().await?;
    refuse_rows(&mut looked, &catalogue::tables(to).await?).await?;
    looked.rollback().await?;
    migrate::run(to).await?;
    let tables = same_tables(catalogue::tables(from).await?, catalogue::tables(to).await?)?;
    let mut source = snapshot(from).await?;
    let mut target = to.begin().await?;
    refuse_rows(&mut target, &tables).await?;
    let mut copied = Vec::with_capacity(tables.len());
    for table in &tables {
        copy_table(&mut source, &mut target, table)
            .await
            .map_err(|source| CopyError::Table { table: table.name.clone(), source })?;
        let expected = count(&mut source, &table.name).await?;
        let written = count(&mut target, &table.name).await?;
        if expected != written {
            return Err(CopyError::CountsDiffer { table: table.name.clone(), expected, written });
        }
        copied.push((table.name.clone(), written));
    }
    target.commit().await?;
    source.rollback().await?;
    Ok(Copied { tables: copied })
}

async fn refuse_rows(tx: &mut Tx, tables: &[Table]) -> Result<(), CopyError> {
    for table in tables {
        let rows = count(tx, &table.name).await?;
        if rows > 0 {
            return Err(CopyError::TargetNotEmpty { table: table.name.clone(), rows });
        }
    }
    Ok(())
}

/// Counts the rows of every table.
pub async fn count_all(db: &Db) -> Result<Copied, StoreError> {
    let mut tx = snapshot(db).await?;
    let mut tables = Vec::new();
    for table in catalogue::tables(db).await? {
        let rows = count(&mut tx, &table.name).await?;
        tables.push((table.name, rows));
    }
    Ok(Copied { tables })
}

/// A transaction that sees one state of all tables and does not keep writers waiting.
async fn snapshot(db: &Db) -> Result<Tx, StoreError> {
    Ok(match db {
        Db::Sqlite { read, .. } => Tx::Sqlite(read.begin().await?),
        Db::Postgres(pool) => Tx::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?),
    })
}

/// The target's tables in writing order, after checking that both sides have the same ones with
/// the same columns.
fn same_tables(from: Vec<Table>, to: Vec<Table>) -> Result<Vec<Table>, CopyError> {
    let named = |tables: &[Table]| {
        let mut columns: Vec<String> = tables
            .iter()
            .flat_map(|t| t.columns.iter().map(move |c| format!("{}.{} ({:?})", t.name, c.name, c.kind)))
            .collect();
        columns.sort();
        columns
    };
    let (ours, theirs) = (named(&from), named(&to));
    let odd = ours.iter().find(|c| !theirs.contains(c)).or_else(|| theirs.iter().find(|c| !ours.contains(c)));
    if let Some(what) = odd {
        return Err(CopyError::SchemasDiffer { what: what.clone() });
    }
    Ok(catalogue::parents_first(to)?)
}

async fn count(tx: &mut Tx, table: &str) -> Result<u64, StoreError> {
    let (rows,): (i64,) = sql(format!("SELECT COUNT(*) FROM {}", quoted(table))).one(On::Tx(tx)).await?;
    Ok(rows.unsigned_abs())
}

async fn copy_table(source: &mut Tx, target: &mut Tx, table: &Table) -> Result<(), StoreError> {
    let names: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
    let text = format!("SELECT {} FROM {}", names.join(", "), quoted(&table.name));
    let empty = || Batch::named(quoted(&table.name), names.clone());
    let mut writer = Writer { batch: empty(), bytes: 0 };
    macro_rules! stream {
        ($tx:expr) => {{
            let mut rows = sqlx::query(AssertSqlSafe(text)).fetch(&mut **$tx);
            while let Some(row) = rows.try_next().await? {
                writer.push(values(&row, &table.columns)?);
                if writer.is_full() {
                    std::mem::replace(&mut writer, Writer { batch: empty(), bytes: 0 })
                        .batch
                        .insert(target, "")
                        .await?;
                }
            }
        }};
    }
    match source {
        Tx::Sqlite(tx) => stream!(tx),
        Tx::Postgres(tx) => stream!(tx),
    }
    writer.batch.insert(target, "").await?;
    Ok(())
}

struct Writer {
    batch: Batch,
    bytes: usize,
}

impl Writer {
    fn push(&mut self, row: Vec<Value>) {
        self.bytes += row.iter().map(size).sum::<usize>();
        self.batch.push_values(row);
    }

    fn is_full(&self) -> bool {
        self.batch.len() >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Text(Some(text)) => text.len(),
        Value::Bytes(Some(bytes)) => bytes.len(),
        _ => 8,
    }
}

/// One row in the kinds the catalogue names.
fn values<'r, R>(row: &'r R, columns: &[Column]) -> Result<Vec<Value>, StoreError>
where
    R: Row,
    usize: ColumnIndex<R>,
    Option<String>: Readable<'r, R::Database>,
    Option<i64>: Readable<'r, R::Database>,
    Option<bool>: Readable<'r, R::Database>,
    Option<Vec<u8>>: Readable<'r, R::Database>,
{
    columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            Ok(match column.kind {
                Kind::Text => Value::Text(row.try_get(at)?),
                Kind::Int => Value::Int(row.try_get(at)?),
                Kind::Bool => Value::Bool(row.try_get(at)?),
                Kind::Bytes => Value::Bytes(row.try_get(at)?),
            })
        })
        .collect()
}

/// What a driver can read from its rows.
trait Readable<'r, D: Database>: Decode<'r, D> + Type<D> {}
impl<'r, D: Database, T: Decode<'r, D> + Type<D>> Readable<'r, D> for T {}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
