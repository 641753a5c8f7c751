//! The connectors that exist: those compiled in and those in `connectors.dir`.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use musubi_sdk::manifest::{Manifest, ManifestError};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "connectors/"]
#[include = "*/connector.yaml"]
struct Shipped;

/// Manifests by name.
#[derive(Clone, Default)]
pub struct Catalogue(BTreeMap<String, Arc<Manifest>>);

/// A manifest that cannot be used, with file, line and column of every problem.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Manifest(Vec<ManifestError>),
    #[error("{path}: {source}")]
    Read { path: String, source: std::io::Error },
}

impl Catalogue {
    /// Loads the shipped manifests, then the folder's, which may replace shipped ones. A missing
    /// folder is an empty one.
    pub fn load(dir: &Path) -> Result<Self, CatalogueError> {
        let mut found = BTreeMap::new();
        for name in Shipped::iter() {
            if let Some(file) = Shipped::get(&name) {
                let manifest = parse(&format!("connectors/{name}"), &String::from_utf8_lossy(&file.data))?;
                found.insert(manifest.name.clone(), Arc::new(manifest));
            }
        }
        for path in manifests_in(dir)? {
            let text = std::fs::read_to_string(&path)
                .map_err(|source| CatalogueError::Read { path: path.display().to_string(), source })?;
            let manifest = parse(&path.display().to_string(), &text)?;
            found.insert(manifest.name.clone(), Arc::new(manifest));
        }
        Ok(Self(found))
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Manifest>> {
        self.0.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Manifest>> {
        self.0.values()
    }
}

fn parse(file: &str, text: &str) -> Result<Manifest, CatalogueError> {
    Manifest::parse(file, text).map_err(CatalogueError::Manifest)
}

fn manifests_in(dir: &Path) -> Result<Vec<std::path::PathBuf>, CatalogueError> {
    let read = |source| CatalogueError::Read { path: dir.display().to_string(), source };
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(read(e)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(read)?.path().join("connector.yaml");
        if path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
