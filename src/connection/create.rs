//! Creating and changing connections: settings checked against the manifest, secrets sealed.

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
    store::{self, Db, StoreError},
};

use super::{
    Live, Registry,
    live::{LiveError, place, previous_place},
};

/// How long a replaced webhook secret stays valid.
pub const ROTATION: i64 = Timestamp::DAY;

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
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Live(#[from] LiveError),
}

fn sealed(keys: &Keys, id: &str, secrets: &Map<String, Value>) -> Result<Vec<u8>, SecretError> {
    keys.seal(&place(id), Value::Object(secrets.clone()).to_string().as_bytes())
}

/// Plain settings and secrets.
type Accepted = (Map<String, Value>, Map<String, Value>);

/// Settings that fit the manifest, split by how they are kept.
fn accept(manifest: &Manifest, mut given: Map<String, Value>) -> Result<Accepted, CreateError> {
    settings::apply_defaults(manifest, &mut given);
    settings::validate_settings(manifest, &given).map_err(CreateError::Settings)?;
    let split = settings::split(manifest, given);
    let secrets = split.secret.into_iter().map(|(name, secret)| (name, Value::from(secret.expose_secret()))).collect();
    Ok((split.plain, secrets))
}

/// Creates a connection and returns its id.
pub async fn create(
    db: &Db,
    registry: &Registry,
    keys: &Keys,
    clock: &Clock,
    zone: &jiff::tz::TimeZone,
    new: NewConnection,
) -> Result<String, CreateError> {
    let manifest = registry
        .catalogue()
        .get(&new.connector)
        .cloned()
        .ok_or_else(|| CreateError::UnknownConnector(new.connector.clone()))?;
    let name = new.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 100 || name.contains('\0') {
        return Err(CreateError::Name);
    }
    new.plan.validate()?;
    let (plain, secrets) = accept(&manifest, new.settings)?;
    let id = Id::new(Noun::Connection).into_string();
    let now = clock.now();
    let row = store::connection::New {
        id: &id,
        connector: &manifest.name,
        name: &name,
        kind: manifest.kind.as_str(),
        settings: Value::Object(plain).to_string(),
        secrets: sealed(keys, &id, &secrets)?,
        sample: new.sample,
        schedule: serde_json::to_string(&new.plan).unwrap_or_default(),
        streams: manifest
            .streams
            .keys()
            .map(|name| (name.as_str(), new.streams.as_ref().is_none_or(|wanted| wanted.contains(name))))
            .collect(),
        due_at: if new.start_now { Some(now) } else { new.plan.next(now, zone) },
        now,
    };
    let mut tx = db.begin().await?;
    if !store::connection::insert(&mut tx, &row).await? {
        return Err(CreateError::NameTaken);
    }
    tx.commit().await?;
    registry.reload(db, keys).await?;
    Ok(id)
}

/// Tries settings before anything is stored.
pub async fn try_settings(
    registry: &Registry,
    keys: &Keys,
    connector: &str,
    given: Map<String, Value>,
) -> Result<Vec<CheckItem>, CreateError> {
    let manifest = registry
        .catalogue()
        .get(connector)
        .cloned()
        .ok_or_else(|| CreateError::UnknownConnector(connector.to_owned()))?;
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

/// Replaces the webhook secret. The old one stays valid for [`ROTATION`], so that the sender can be
/// changed without losing a delivery.
pub async fn rotate_hook_secret(
    db: &Db,
    registry: &Registry,
    keys: &Keys,
    clock: &Clock,
    id: &str,
    secret: &str,
) -> Result<(), CreateError> {
    let row = store::connection::get(db, id).await?.ok_or(CreateError::NotFound)?;
    let manifest = registry.catalogue().get(&row.connector).ok_or(CreateError::NotFound)?;
    let name = manifest.webhook.as_ref().and_then(|w| w.signature.secret()).ok_or(CreateError::NotFound)?.to_owned();
    let plain = match &row.secrets {
        Some(bytes) => keys.open(&place(id), bytes)?,
        None => b"{}".to_vec(),
    };
    let mut secrets: Map<String, Value> = serde_json::from_slice(&plain).map_err(LiveError::from)?;
    let previous = secrets.insert(name, secret.into());
    let now = clock.now();
    let kept = match previous.as_ref().and_then(Value::as_str) {
        Some(old) => Some(keys.seal(&previous_place(id), old.as_bytes())?),
        None => None,
    };
    let mut tx = db.begin().await?;
    let previous = kept.as_deref().map(|sealed| (sealed, now.plus(ROTATION)));
    store::connection::set_secrets(&mut tx, id, &sealed(keys, id, &secrets)?, previous, now).await?;
    tx.commit().await?;
    registry.reload(db, keys).await?;
    Ok(())
}
