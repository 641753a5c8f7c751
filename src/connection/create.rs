//! Creating connections: settings checked against the manifest, secrets sealed. [`super::change`] shares this.

use std::sync::Arc;

use musubi_sdk::{
    connector::CheckItem,
    manifest::Manifest,
    settings::{self, FieldError},
};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use crate::{
    clock::Clock,
    connection::schedule::{Plan, PlanError},
    model::{Id, Timestamp, ids::Noun},
    secrets::{Keys, SecretError},
    store::{self, Db, StoreError, Tx},
};

use super::{
    Live, Registry,
    live::{LiveError, place},
};

/// A connection as a person describes it.
#[derive(Clone, Debug)]
pub struct NewConnection {
    pub connector: String,
    pub name: String,
    pub settings: Map<String, Value>,
    pub plan: Plan,
    /// Streams to take; `None` takes all.
    pub streams: Option<Vec<String>>,
    pub sample: bool,
    /// Pull at once instead of at the first planned time.
    pub start_now: bool,
}

/// Why a connection is not created or changed. Each names what to correct.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error("there is no connector {0}")]
    UnknownConnector(String),
    #[error("the name is empty or longer than 100 characters")]
    Name,
    #[error("another connection has this name")]
    NameTaken,
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Settings(Vec<FieldError>),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("secrets cannot be sealed")]
    Seal(#[from] SecretError),
    #[error("there is no such connection, or it receives nothing")]
    NotFound,
    #[error("somebody else changed the connection meanwhile")]
    Overtaken,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Live(#[from] LiveError),
}

pub(super) fn sealed(keys: &Keys, id: &str, secrets: &Map<String, Value>) -> Result<Vec<u8>, SecretError> {
    keys.seal(&place(id), Value::Object(secrets.clone()).to_string().as_bytes())
}

/// Plain settings and secrets.
pub(super) type Accepted = (Map<String, Value>, Map<String, Value>);

/// Settings that fit the manifest, split by how they are kept.
pub(super) fn accept(manifest: &Manifest, mut given: Map<String, Value>) -> Result<Accepted, CreateError> {
    settings::apply_defaults(manifest, &mut given);
    settings::validate_settings(manifest, &given).map_err(CreateError::Settings)?;
    let split = settings::split(manifest, given);
    let secrets = split.secret.into_iter().map(|(name, secret)| (name, Value::from(secret.expose_secret()))).collect();
    Ok((split.plain, secrets))
}

/// A name that a connection may have, without the spaces around it.
pub(super) fn named(name: &str) -> Result<String, CreateError> {
    let name = name.trim().to_owned();
    let fits = !name.is_empty() && name.chars().count() <= 100 && !name.contains('\0');
    if fits { Ok(name) } else { Err(CreateError::Name) }
}

/// The manifest of a connector.
pub(super) fn manifest(registry: &Registry, connector: &str) -> Result<Arc<Manifest>, CreateError> {
    let found = registry.catalogue().get(connector).cloned();
    found.ok_or_else(|| CreateError::UnknownConnector(connector.to_owned()))
}

/// A connection that fits its manifest, to be stored.
pub struct Draft {
    id: String,
    connector: String,
    name: String,
    kind: &'static str,
    settings: String,
    secrets: Vec<u8>,
    sample: bool,
    schedule: String,
    streams: Vec<(String, bool)>,
    due_at: Option<Timestamp>,
    now: Timestamp,
}

/// Makes a draft of a connection. Nothing is stored and nothing asked of the system.
///
/// # Errors
/// What does not fit.
pub fn draft(
    registry: &Registry,
    keys: &Keys,
    clock: &Clock,
    zone: &jiff::tz::TimeZone,
    new: NewConnection,
) -> Result<Draft, CreateError> {
    let manifest = manifest(registry, &new.connector)?;
    let name = named(&new.name)?;
    new.plan.validate()?;
    let (plain, secrets) = accept(&manifest, new.settings)?;
    let id = Id::new(Noun::Connection).into_string();
    let now = clock.now();
    let is_taken = |name: &String| new.streams.as_ref().is_none_or(|wanted| wanted.contains(name));
    Ok(Draft {
        secrets: sealed(keys, &id, &secrets)?,
        id,
        connector: manifest.name.clone(),
        name,
        kind: manifest.kind.as_str(),
        settings: Value::Object(plain).to_string(),
        sample: new.sample,
        schedule: serde_json::to_string(&new.plan).unwrap_or_default(),
        streams: manifest.streams.keys().map(|name| (name.clone(), is_taken(name))).collect(),
        due_at: if new.start_now { Some(now) } else { new.plan.next(now, zone) },
        now,
    })
}

impl Draft {
    /// The id that the connection will have.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Stores it. The caller commits and reloads the registry.
    ///
    /// # Errors
    /// [`CreateError::NameTaken`]; the transaction has changed nothing then.
    pub async fn store(&self, tx: &mut Tx) -> Result<(), CreateError> {
        let row = store::connection::New {
            id: &self.id,
            connector: &self.connector,
            name: &self.name,
            kind: self.kind,
            settings: self.settings.clone(),
            secrets: self.secrets.clone(),
            sample: self.sample,
            schedule: self.schedule.clone(),
            streams: self.streams.iter().map(|(name, taken)| (name.as_str(), *taken)).collect(),
            due_at: self.due_at,
            now: self.now,
        };
        if store::connection::insert(tx, &row).await? { Ok(()) } else { Err(CreateError::NameTaken) }
    }
}

/// Creates a connection that no person asked for, and returns its id.
pub async fn create(
    db: &Db,
    registry: &Registry,
    keys: &Keys,
    clock: &Clock,
    zone: &jiff::tz::TimeZone,
    new: NewConnection,
) -> Result<String, CreateError> {
    let draft = draft(registry, keys, clock, zone, new)?;
    let mut tx = db.begin().await?;
    draft.store(&mut tx).await?;
    tx.commit().await?;
    registry.reload(db, keys).await?;
    Ok(draft.id)
}

/// Tries settings before anything is stored.
pub async fn try_settings(
    registry: &Registry,
    keys: &Keys,
    connector: &str,
    given: Map<String, Value>,
) -> Result<Vec<CheckItem>, CreateError> {
    let manifest = manifest(registry, connector)?;
    let (plain, secrets) = accept(&manifest, given)?;
    let id = Id::new(Noun::Connection).into_string();
    let row = store::connection::Row::unsaved(
        &id,
        &manifest.name,
        manifest.kind.as_str(),
        plain,
        &sealed(keys, &id, &secrets)?,
    );
    let live = Live::build(row, manifest, keys, registry.client())?;
    Ok(live.connector.check().await)
}
