//! The folder of what is configured.

use std::path::{Path, PathBuf};

use musubi_sdk::manifest::{self, Manifest};
use serde_json::{Map, Value};

use crate::{
    connection::{change, mapping, schedule::Plan as Schedule},
    store::{self, connection::Row},
};

use super::{
    PlanError,
    compare::Here,
    file::{CONNECTIONS, ConnectionFile, SecretRef},
    schedule,
};

/// Writes a file for each connection and returns their paths. What planning such a folder says is "nothing".
/// Secrets are named by the variables that [`variable`] makes.
///
/// # Errors
/// A folder that cannot be written, or that holds files of the same names already; the database.
pub async fn export(here: Here<'_>, folder: &Path) -> Result<Vec<PathBuf>, PlanError> {
    let folder = folder.join(CONNECTIONS);
    let broken = |source| PlanError::Folder { path: folder.clone(), source };
    std::fs::create_dir_all(&folder).map_err(broken)?;
    let mut written = Vec::new();
    for row in store::connection::all(here.db).await? {
        let Some(manifest) = here.registry.catalogue().get(&row.connector) else { continue };
        let file = describe(here, &row, manifest).await?;
        let value = serde_json::to_value(&file).unwrap_or_default();
        let path = folder.join(format!("{}.yaml", file_name(&row.name, &row.id)));
        let mut options = std::fs::OpenOptions::new();
        let mut target = options
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|source| PlanError::Folder { path: path.clone(), source })?;
        std::io::Write::write_all(&mut target, manifest::yaml_text(&value).as_bytes()).map_err(broken)?;
        written.push(path);
    }
    Ok(written)
}

async fn describe(here: Here<'_>, row: &Row, manifest: &Manifest) -> Result<ConnectionFile, PlanError> {
    let settings: Map<String, Value> = serde_json::from_str(&row.settings).unwrap_or_default();
    let stored = change::secrets_set(here.keys, row).unwrap_or_default();
    let secrets = manifest.setting_fields().iter().filter(|field| field.secret && stored.contains(&field.name));
    let taken = store::connection::streams(here.db, &row.id).await?;
    let on = |name: &String| taken.iter().any(|stream| stream.name == *name && stream.enabled);
    let all = manifest.streams.keys().all(on);
    let mut mappings = indexmap::IndexMap::new();
    for own in store::mapping::holding(here.db, &row.id).await? {
        let spec = mapping::published(&own)?.spec;
        // What is as the connector says needs no words.
        if manifest.stream(&own.stream).is_some_and(|stream| stream.mapping != spec) {
            mappings.insert(own.stream, spec);
        }
    }
    Ok(ConnectionFile {
        name: row.name.clone(),
        connector: row.connector.clone(),
        secrets: secrets.map(|f| (f.name.clone(), SecretRef::Env(variable(&row.name, &f.name)))).collect(),
        schedule: schedule::write(&serde_json::from_str(&row.schedule).unwrap_or(Schedule::Manual)),
        streams: (!all).then(|| manifest.streams.keys().filter(|name| on(name)).cloned().collect()),
        paused: row.paused,
        push: row.push.clone(),
        settings,
        mappings,
    })
}

/// The variable that an exported file names for a secret: `MUSUBI_SECRET_` with connection and secret in capitals;
/// what a variable's name cannot hold is left out.
#[must_use]
pub fn variable(connection: &str, secret: &str) -> String {
    let plain = |text: &str| -> String {
        let kept = text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
        kept.collect::<String>().trim_matches('_').to_owned()
    };
    let words = [plain(connection), plain(secret)];
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
    format!("MUSUBI_SECRET_{}", words.join("_"))
}

/// A name that every file system takes; the connection's id where nothing of the name is left.
fn file_name(name: &str, id: &str) -> String {
    let kept: String = name.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '-' }).take(60).collect();
    let kept = kept.trim_matches('-');
    if kept.is_empty() { id.to_owned() } else { kept.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_files_and_variables() {
        assert_eq!(file_name("会計 (本社)/旧", "con_1"), "会計--本社--旧");
        assert_eq!(file_name("..", "con_1"), "con_1");
        assert_eq!(variable("会計", "token"), "MUSUBI_SECRET_TOKEN");
        assert_eq!(variable("ERP west-1", "webhook_secret"), "MUSUBI_SECRET_ERP_WEST_1_WEBHOOK_SECRET");
    }
}
