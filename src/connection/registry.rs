//! The connections of this process, ready to use, as they stand in the store.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};

use crate::{
    secrets::Keys,
    store::{self, Db, StoreError, connection},
};

use musubi_sdk::manifest::Manifest;

use super::{Catalogue, Live, mapping, shape};

/// See the module. A connection whose stored form cannot be used is left out and named in the log.
pub struct Registry {
    catalogue: Catalogue,
    client: reqwest::Client,
    live: RwLock<HashMap<String, Arc<Live>>>,
    /// One reload at a time: what an earlier look at the store did not know yet must not be dropped again.
    reloading: tokio::sync::Mutex<()>,
}

impl Registry {
    #[must_use]
    pub fn new(catalogue: Catalogue, client: reqwest::Client) -> Self {
        Self { catalogue, client, live: RwLock::default(), reloading: tokio::sync::Mutex::default() }
    }

    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    #[must_use]
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    #[must_use]
    pub fn get(&self, id: &str) -> Option<Arc<Live>> {
        self.read().get(id).cloned()
    }

    #[must_use]
    pub fn all(&self) -> Vec<Arc<Live>> {
        let mut all: Vec<Arc<Live>> = self.read().values().cloned().collect();
        all.sort_by(|a, b| (a.row.created_at, &a.row.id).cmp(&(b.row.created_at, &b.row.id)));
        all
    }

    /// Takes over what changed in the store since the last call, on this or another node.
    pub async fn reload(&self, db: &Db, keys: &Keys) -> Result<(), StoreError> {
        let _alone = self.reloading.lock().await;
        let stamps: HashMap<String, i64> = connection::stamps(db).await?.into_iter().collect();
        let stale: Vec<String> = {
            let live = self.read();
            stamps
                .iter()
                .filter(|(id, stamp)| live.get(*id).is_none_or(|l| l.row.updated_at != **stamp))
                .map(|(id, _)| id.clone())
                .collect()
        };
        let mut built = Vec::new();
        for id in stale {
            let Some(row) = connection::get(db, &id).await? else { continue };
            let Some(manifest) = self.catalogue.get(&row.connector).cloned() else {
                tracing::error!(connection.id = %id, connector = %row.connector, "connector is not in the catalogue");
                continue;
            };
            let manifest = match mapping::effective(db, &id, manifest).await? {
                Ok(manifest) => manifest,
                Err(problems) => {
                    tracing::error!(connection.id = %id, ?problems, "the connection's mapping does not fit any more");
                    continue;
                }
            };
            let held = held(db, &id, &manifest).await?;
            match Live::build(row, manifest, keys, &self.client) {
                Ok(live) => built.push((id, Arc::new(live.holding(held)))),
                Err(error) => tracing::error!(connection.id = %id, %error, "connection cannot be used"),
            }
        }
        let mut live = self.live.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        live.retain(|id, _| stamps.contains_key(id));
        live.extend(built);
        Ok(())
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<String, Arc<Live>>> {
        self.live.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Fields that keep their values because their place in the source is gone, as far as the mapping reads it. What it
/// reads no longer is nobody's trouble any more.
///
/// # Errors
/// The database.
pub async fn held(db: &Db, id: &str, manifest: &Manifest) -> Result<HashMap<String, Vec<String>>, StoreError> {
    let mut held: HashMap<String, Vec<String>> = HashMap::new();
    for change in store::shape::open(db, Some(id)).await?.into_iter().filter(store::shape::Change::is_breaking) {
        let spec = manifest.stream(&change.stream).map(|stream| &stream.mapping);
        let fields = spec.map(|spec| shape::filled_from(spec, &change.path, &change.change)).unwrap_or_default();
        held.entry(change.stream).or_default().extend(fields);
    }
    held.retain(|_, fields| !fields.is_empty());
    Ok(held)
}
