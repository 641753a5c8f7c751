//! Opening a database from its URL.

use std::{os::unix::fs::OpenOptionsExt, str::FromStr, time::Duration};

use sqlx::{
    Connection, SqliteConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Db, StoreError, feed::decimal};

/// Opens `sqlite://path` or `postgres://…`. A missing SQLite file is created, with its folder.
pub async fn open(url: &str, connections: u32) -> Result<Db, StoreError> {
    if let Some(path) = url.strip_prefix("sqlite://") {
        open_sqlite(path, connections).await
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        let options =
            PgConnectOptions::from_str(url).map_err(|_| StoreError::Url("is not a valid postgres:// URL".into()))?;
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(options.application_name("musubi"))
            .await?;
        Ok(Db::Postgres(pool))
    } else {
        Err(StoreError::Url("must start with sqlite:// or postgres://".into()))
    }
}

async fn open_sqlite(path: &str, connections: u32) -> Result<Db, StoreError> {
    let file = std::path::Path::new(path);
    if let Some(folder) = file.parent().filter(|p| !p.as_os_str().is_empty()) {
        tokio::fs::create_dir_all(folder)
            .await
            .map_err(|e| StoreError::Url(format!("names {path}, whose folder cannot be made: {e}")))?;
    }
    // Made here and not by SQLite, which would let others read it; its log files take its mode.
    let made = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(file);
    made.map_err(|e| StoreError::Url(format!("names {path}, which cannot be opened: {e}")))?;
    // FULL: a commit is on the disk before it is acknowledged. Group commit pays for it.
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(10))
        .foreign_keys(true)
        // Readers have the system's cache behind them; a large one of their own each would only be memory.
        .pragma("cache_size", "-4000")
        .pragma("temp_store", "memory")
        .collation(decimal::COLLATION, decimal::compare);
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(30))
        .after_release(|connection, _| Box::pin(async move { Ok(is_usable(connection).await) }))
        .connect_with(options.clone().pragma("cache_size", "-16000"))
        .await?;
    let read = SqlitePoolOptions::new()
        .max_connections(connections.max(2))
        .acquire_timeout(Duration::from_secs(5))
        .connect_with(options.read_only(false))
        .await?;
    Ok(Db::Sqlite { write, read })
}

/// After a commit that failed for want of room SQLite has rolled back by itself, which the driver does
/// not notice: it would refuse every later transaction on this connection, the only one that writes.
async fn is_usable(connection: &mut SqliteConnection) -> bool {
    if !connection.is_in_transaction() {
        return true;
    }
    // A transaction that was only dropped is rolled back by now.
    connection.ping().await.is_ok() && !connection.is_in_transaction()
}

impl Db {
    /// Waits for running statements and closes every connection; SQLite folds its write-ahead log
    /// into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}
