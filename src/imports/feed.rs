//! The rows of a kept file, piece by piece. A file lies in the database, so any node can read it; while it is read
//! it lies on this node's disk, without a name.

use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
};

use musubi_files::{Account, Entry, Layout, Limits};
use tokio::{sync::mpsc, task::JoinHandle};

use super::ImportError;
use crate::{
    store::import::{self, Import},
    sync::engine::Engine,
};

/// Entries handed over at once.
const BATCH: usize = 256;

/// The file, on this node's disk until it is dropped.
pub async fn file(engine: &Engine, kept: &Import) -> Result<File, ImportError> {
    let mut file = tempfile::tempfile()?;
    let (mut no, mut size) = (0, 0i64);
    while let Some(bytes) = import::part(&engine.db, &kept.id, no).await? {
        size += bytes.len() as i64;
        file.write_all(&bytes)?;
        no += 1;
    }
    if size != kept.size {
        return Err(ImportError::Gone);
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

/// Entries as they are read, and at the end the account of them.
pub struct Feed {
    entries: mpsc::Receiver<Vec<Entry>>,
    reading: JoinHandle<Result<Account, musubi_files::FileError>>,
}

impl Feed {
    pub fn start(mut file: File, layout: Layout, limits: Limits) -> Self {
        let (out, entries) = mpsc::channel(4);
        let reading = tokio::task::spawn_blocking(move || {
            let mut batch = Vec::with_capacity(BATCH);
            let account = musubi_files::read(&mut file, &layout, &limits, &mut |entry| {
                batch.push(entry);
                if batch.len() < BATCH {
                    return true;
                }
                // Nobody listens any more: the reading ends.
                out.blocking_send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).is_ok()
            })?;
            if !batch.is_empty() {
                let _ = out.blocking_send(batch);
            }
            Ok(account)
        });
        Self { entries, reading }
    }

    pub async fn next(&mut self) -> Option<Vec<Entry>> {
        self.entries.recv().await
    }

    /// How many rows became what. Call when there are no more entries.
    pub async fn account(self) -> Result<Account, ImportError> {
        drop(self.entries);
        Ok(self.reading.await.map_err(|_| ImportError::Interrupted)??)
    }
}
