//! What a database says it consists of: tables, columns, unique keys, references.
//!
//! Used to copy everything without a list that somebody forgets to extend, and by the test that
//! proves both databases have one schema.
//!
//! Invariant: a column is of one of the four kinds of [`Value`](super::Value); anything else is an
//! error here, before data is touched.

use std::collections::{BTreeMap, BTreeSet};

use super::{Db, Dialect, FromRow, On, StoreError, sql::sql};

/// Kept by the migrator, never copied: every database has its own.
pub const BOOKKEEPING: &str = "_sqlx_migrations";

/// The kind of a column, as in [`Value`](super::Value).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Int,
    Bool,
    Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
    pub nullable: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    /// Columns that are unique together, the primary key among them.
    pub unique: BTreeSet<Vec<String>>,
    /// Tables this one refers to.
    pub references: BTreeSet<String>,
}

#[derive(FromRow)]
struct ColumnRow {
    table_name: String,
    column_name: String,
    kind: String,
    required: i64,
}

/// Every table of the schema in use, without the migrator's own, by name. Virtual tables of SQLite
/// (full-text indexes) are derived data and not listed.
pub async fn tables(db: &Db) -> Result<Vec<Table>, StoreError> {
    let dialect = db.dialect();
    let mut found: BTreeMap<String, Table> = BTreeMap::new();
    let rows: Vec<ColumnRow> = sql(dialect.columns_text()).all(On::Db(db)).await?;
    for row in rows.into_iter().filter(|row| row.table_name != BOOKKEEPING) {
        let kind = kind(&row)?;
        let table = found
            .entry(row.table_name.clone())
            .or_insert_with(|| Table { name: row.table_name.clone(), ..Table::default() });
        table.columns.push(Column { name: row.column_name, kind, nullable: row.required == 0 });
    }
    let rows: Vec<(String, String, String)> = sql(dialect.unique_text()).all(On::Db(db)).await?;
    let mut keys: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (table, index, column) in rows {
        keys.entry((table, index)).or_default().push(column);
    }
    for ((table, _), mut columns) in keys {
        columns.sort();
        if let Some(table) = found.get_mut(&table) {
            table.unique.insert(columns);
        }
    }
    let rows: Vec<(String, String)> = sql(dialect.references_text()).all(On::Db(db)).await?;
    for (from, to) in rows {
        if let Some(table) = found.get_mut(&from) {
            table.references.insert(to);
        }
    }
    Ok(found.into_values().collect())
}

/// The tables in an order in which each comes after those it refers to.
pub fn parents_first(tables: Vec<Table>) -> Result<Vec<Table>, StoreError> {
    let mut waiting = tables;
    let mut ordered: Vec<Table> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let names: BTreeSet<String> = waiting.iter().map(|table| table.name.clone()).collect();
        let (free, held): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|table| table.references.iter().all(|other| *other == table.name || !names.contains(other)));
        if free.is_empty() {
            return Err(StoreError::Corrupt(format!("tables refer to each other in a circle: {names:?}")));
        }
        ordered.extend(free);
        waiting = held;
    }
    Ok(ordered)
}

fn kind(row: &ColumnRow) -> Result<Kind, StoreError> {
    Ok(match row.kind.to_ascii_uppercase().as_str() {
        "TEXT" => Kind::Text,
        "BIGINT" | "INTEGER" => Kind::Int,
        "BOOLEAN" => Kind::Bool,
        "BYTEA" | "BLOB" => Kind::Bytes,
        other => {
            return Err(StoreError::Corrupt(format!(
                "column {}.{} has type {other}; the portable types are TEXT, BIGINT, BOOLEAN and BYTEA",
                row.table_name, row.column_name
            )));
        }
    })
}

impl Dialect {
    fn columns_text(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "SELECT t.name AS table_name, c.name AS column_name, c.type AS kind, c.\"notnull\" AS required
                 FROM pragma_table_list t, pragma_table_xinfo(t.name) c
                 WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT GLOB 'sqlite_*' AND c.hidden = 0
                   AND t.name <> '_sqlx_migrations'
                 ORDER BY t.name, c.cid"
            }
            Self::Postgres => {
                "SELECT c.relname::text AS table_name, a.attname::text AS column_name,
                        format_type(a.atttypid, NULL) AS kind, a.attnotnull::int::bigint AS required
                 FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
                   AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                   AND c.relname <> '_sqlx_migrations'
                 ORDER BY c.relname, a.attnum"
            }
        }
    }

    fn unique_text(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "SELECT t.name, i.name, c.name
                 FROM pragma_table_list t, pragma_index_list(t.name) i, pragma_index_info(i.name) c
                 WHERE t.schema = 'main' AND t.type = 'table' AND i.\"unique\" = 1 AND i.partial = 0
                   AND c.name IS NOT NULL"
            }
            Self::Postgres => {
                "SELECT t.relname::text, x.relname::text, a.attname::text
                 FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
                 CROSS JOIN LATERAL unnest(i.indkey) AS k(attnum)
                 JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
                 WHERE t.relnamespace = current_schema()::regnamespace AND i.indisunique AND i.indpred IS NULL"
            }
        }
    }

    fn references_text(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "SELECT t.name, f.\"table\" FROM pragma_table_list t, pragma_foreign_key_list(t.name) f
                 WHERE t.schema = 'main' AND t.type = 'table'"
            }
            Self::Postgres => {
                "SELECT t.relname::text, p.relname::text
                 FROM pg_constraint f JOIN pg_class t ON t.oid = f.conrelid JOIN pg_class p ON p.oid = f.confrelid
                 WHERE f.contype = 'f' AND t.relnamespace = current_schema()::regnamespace"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn table(name: &str, references: &[&str]) -> Table {
        Table { name: name.into(), references: references.iter().map(|&r| r.into()).collect(), ..Table::default() }
    }

    #[test]
    fn referred_tables_come_first() {
        let tables = vec![table("a", &["c", "a"]), table("b", &["a"]), table("c", &["elsewhere"])];
        let names: Vec<_> = parents_first(tables).unwrap().into_iter().map(|t| t.name).collect();
        assert_eq!(names, ["c", "a", "b"]);
        assert!(parents_first(vec![table("a", &["b"]), table("b", &["a"])]).is_err());
    }
}
