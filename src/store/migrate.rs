//! Schema migrations, embedded in the binary.
//!
//! Files are `NNNN_name.sql` for both databases, or a pair `NNNN_name.sqlite.sql` and
//! `NNNN_name.postgres.sql` where the dialects force it. A shipped migration is never edited:
//! expand, move, contract.

use std::borrow::Cow;

use rust_embed::RustEmbed;
use sqlx::{
    AssertSqlSafe, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

use super::{Db, StoreError, dialect::Dialect, scope, sql::sql};

#[derive(RustEmbed)]
#[folder = "migrations/"]
struct Files;

/// One migration and whether this database has it.
#[derive(Debug, serde::Serialize)]
pub struct Step {
    pub version: i64,
    pub name: String,
    pub applied: bool,
}

/// Brings the schema to this program's version.
pub async fn run(db: &Db) -> Result<(), StoreError> {
    refuse_newer(db).await?;
    let migrator = Migrator::with_migrations(migrations(db.dialect()));
    match db {
        Db::Sqlite { write, .. } => migrator.run(write).await?,
        Db::Postgres(pool) => migrator.run(pool).await?,
    }
    // What SQL cannot fold.
    scope::fold_departments(db).await?;
    Ok(())
}

/// What [`run`] would do, without doing it.
pub async fn plan(db: &Db) -> Result<Vec<Step>, StoreError> {
    refuse_newer(db).await?;
    let applied = applied(db).await?;
    Ok(migrations(db.dialect())
        .into_iter()
        .map(|m| Step { version: m.version, name: m.description.into_owned(), applied: applied.contains(&m.version) })
        .collect())
}

/// An older program must not write into a newer schema.
async fn refuse_newer(db: &Db) -> Result<(), StoreError> {
    let known = migrations(db.dialect()).iter().map(|m| m.version).max().unwrap_or(0);
    match applied(db).await?.into_iter().max() {
        Some(found) if found > known => Err(StoreError::SchemaNewer { found, known }),
        _ => Ok(()),
    }
}

async fn applied(db: &Db) -> Result<Vec<i64>, StoreError> {
    let rows: Result<Vec<(i64,)>, _> =
        sql("SELECT version FROM _sqlx_migrations WHERE success ORDER BY version").all(db).await;
    match rows {
        Ok(rows) => Ok(rows.into_iter().map(|(v,)| v).collect()),
        // A database without the table has no migrations; anything else is a real error.
        Err(StoreError::Database(sqlx::Error::Database(e)))
            if e.code().as_deref() == Some("42P01") || e.message().contains("no such table") =>
        {
            Ok(Vec::new())
        }
        Err(e) => Err(e),
    }
}

fn migrations(dialect: Dialect) -> Vec<Migration> {
    let other = match dialect {
        Dialect::Sqlite => ".postgres.sql",
        Dialect::Postgres => ".sqlite.sql",
    };
    let mut found: Vec<Migration> = Files::iter()
        .filter(|name| !name.ends_with(other))
        .filter_map(|name| {
            let stem = name.strip_suffix(".sql")?;
            let stem = stem.strip_suffix(".sqlite").or_else(|| stem.strip_suffix(".postgres")).unwrap_or(stem);
            let (version, title) = stem.split_once('_')?;
            let text = String::from_utf8(Files::get(&name)?.data.into_owned()).ok()?;
            Some(Migration::new(
                version.parse().ok()?,
                Cow::Owned(title.to_owned()),
                MigrationType::Simple,
                AssertSqlSafe(text).into_sql_str(),
                false,
            ))
        })
        .collect();
    found.sort_by_key(|m| m.version);
    found
}
