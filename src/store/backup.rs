//! Backups: one SQLite file with everything, whichever database it was made from.
//!
//! On SQLite it is a `VACUUM INTO`, on PostgreSQL a [`copy`](super::copy); both see one consistent
//! state and may run while the hub works. A backup restores into either database.
//!
//! Invariants: a file with the wanted name is a complete, checked backup (it is made beside and
//! renamed); nothing is overwritten; the key that seals stored secrets is *not* in it.

use std::{
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use super::{
    Db, StoreError, change,
    copy::{Copied, CopyError, copy, count_all},
    migrate,
};

/// Writes a backup to `file`, which must not exist.
pub async fn backup(db: &Db, file: &Path) -> Result<Copied, CopyError> {
    if file.exists() {
        return Err(CopyError::FileExists { path: file.to_path_buf() });
    }
    let partial = beside(file, "partial");
    let made = write(db, &partial).await;
    if made.is_err() {
        remove(&partial);
        return made;
    }
    publish(&partial, file).map_err(|source| CopyError::File { path: file.to_path_buf(), source })?;
    made
}

/// Restores a backup into an empty database.
pub async fn restore(file: &Path, to: &Db) -> Result<Copied, CopyError> {
    let copied = filled(file, to).await?;
    change::begin_epoch(to).await?;
    Ok(copied)
}

async fn filled(file: &Path, to: &Db) -> Result<Copied, CopyError> {
    let source = open_file(file, true).await?;
    let pending = migrate::plan(&source).await?.iter().any(|step| !step.applied);
    if !pending {
        let copied = copy(&source, to).await;
        source.close().await;
        return copied;
    }
    // Made by an older program: the copy is brought up to date, never the backup itself.
    source.close().await;
    let upgraded = beside(file, "upgrading");
    let result = async {
        std::fs::copy(file, &upgraded).map_err(|source| CopyError::File { path: upgraded.clone(), source })?;
        let source = open_file(&upgraded, false).await?;
        migrate::run(&source).await?;
        let copied = copy(&source, to).await;
        source.close().await;
        copied
    }
    .await;
    remove(&upgraded);
    result
}

async fn write(db: &Db, partial: &Path) -> Result<Copied, CopyError> {
    remove(partial);
    // Made first and private: it will hold everything the hub knows.
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(partial);
    made.map_err(|source| CopyError::File { path: partial.to_path_buf(), source })?;
    match db {
        Db::Sqlite { read, .. } => {
            let text = partial.to_str().ok_or_else(|| CopyError::NotABackup {
                path: partial.to_path_buf(),
                reason: "its name is not UTF-8".into(),
            })?;
            sqlx::query("VACUUM INTO $1").bind(text).execute(read).await.map_err(StoreError::from)?;
        }
        Db::Postgres(_) => {
            let target = open_file(partial, false).await?;
            let copied = copy(db, &target).await;
            target.close().await;
            copied?;
        }
    }
    let written = open_file(partial, true).await?;
    let checked = check(&written, partial).await;
    written.close().await;
    checked
}

/// Reads every page of the file and counts what is in it.
async fn check(db: &Db, path: &Path) -> Result<Copied, CopyError> {
    let Db::Sqlite { read, .. } = db else { return Ok(count_all(db).await?) };
    let (found,): (String,) =
        sqlx::query_as("PRAGMA quick_check(1)").fetch_one(read).await.map_err(StoreError::from)?;
    if found != "ok" {
        return Err(CopyError::NotABackup { path: path.to_path_buf(), reason: found });
    }
    Ok(count_all(db).await?)
}

/// Opens a backup file as it is, without a write-ahead log beside it.
async fn open_file(path: &Path, read_only: bool) -> Result<Db, CopyError> {
    if !path.is_file() {
        return Err(CopyError::NotABackup { path: path.to_path_buf(), reason: "there is no such file".into() });
    }
    let mut options = SqliteConnectOptions::new().filename(path).create_if_missing(false).read_only(read_only);
    if !read_only {
        // The file is worth nothing before it is published, so it is synced once, at the end.
        options = options
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Delete)
            .synchronous(sqlx::sqlite::SqliteSynchronous::Off);
    }
    let pool = |connections| SqlitePoolOptions::new().max_connections(connections).connect_with(options.clone());
    let (write, read) = (pool(1).await.map_err(StoreError::from)?, pool(2).await.map_err(StoreError::from)?);
    let db = Db::Sqlite { write, read };
    let known = super::sql("SELECT COUNT(*) FROM sqlite_schema WHERE name IN ('_sqlx_migrations', 'customer')");
    match known.one::<(i64,)>(&db).await {
        Ok((tables,)) if tables == 2 || !read_only => Ok(db),
        Ok(_) => Err(CopyError::NotABackup { path: path.to_path_buf(), reason: "it has no Musubi tables".into() }),
        Err(e) => Err(CopyError::NotABackup { path: path.to_path_buf(), reason: cause(&e) }),
    }
}

fn cause(error: &StoreError) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

fn beside(file: &Path, what: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{what}"));
    PathBuf::from(name)
}

fn remove(path: &Path) {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        // Usually not there; a file that stays is overwritten or reported by the next step.
        drop(std::fs::remove_file(PathBuf::from(name)));
    }
}

/// On the disk under its own name, or not at all.
fn publish(partial: &Path, file: &Path) -> std::io::Result<()> {
    std::fs::File::open(partial)?.sync_all()?;
    std::fs::hard_link(partial, file).or_else(|e| match e.kind() {
        // The link refuses to replace a file that appeared meanwhile; a file system without links
        // gets a rename.
        std::io::ErrorKind::AlreadyExists => Err(e),
        _ => std::fs::rename(partial, file),
    })?;
    remove(partial);
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder)?.sync_all()
}
