//! Changing connections: name, settings, secrets, schedule and streams.
//!
//! What is not given stays. Secrets are opened, overlaid with what was typed and sealed again, which also
//! brings them under the current key after that was rotated.
//!
//! Invariant: what is stored fits the manifest and builds a connector; nothing that somebody else changed
//! meanwhile is overwritten; cursors stay, because a change means the same system as before.

use std::collections::BTreeSet;

use musubi_sdk::{connector::CheckItem, manifest::Manifest, settings::SettingField};
use serde_json::{Map, Value, json};

use crate::{
    clock::Clock,
    connection::schedule::Plan,
    model::Timestamp,
    secrets::Keys,
    store::{
        self, Db, Tx,
        connection::Row,
        connection_change::{self, Changed, Refused},
    },
};

use super::{
    Live, Registry,
    create::{CreateError, accept, manifest, named, sealed},
    live::{LiveError, opened, previous_place},
};

/// How long a replaced webhook secret stays valid.
pub const ROTATION: i64 = Timestamp::DAY;

/// What a person changes; `None` and what is absent stay as they are.
#[derive(Default)]
pub struct Change {
    /// `updated_at` of the connection as the person saw it.
    pub revision: i64,
    pub name: Option<String>,
    /// Settings and secrets that were given.
    pub settings: Map<String, Value>,
    /// Settings and secrets to have no value any more; those with a default go back to it.
    pub unset: Vec<String>,
    pub plan: Option<Plan>,
    /// All streams to take from now on.
    pub streams: Option<Vec<String>>,
}

/// A change that fits the manifest: to be tried, and stored.
pub struct Draft {
    revision: i64,
    /// The connection as it will be.
    live: Live,
    plan: Plan,
    streams: Vec<(String, bool)>,
    changed: Vec<String>,
}

/// Which secrets a connection has. `None`: they were sealed with a key that this hub does not have, and
/// all must be typed again.
#[must_use]
pub fn secrets_set(keys: &Keys, row: &Row) -> Option<BTreeSet<String>> {
    opened(keys, row).ok().map(|secrets| secrets.into_iter().map(|(name, _)| name).collect())
}

/// Makes a draft of a change to the connection `row`. Nothing is stored and nothing asked of the system.
///
/// # Errors
/// What does not fit, or [`CreateError::Overtaken`] where `row` is newer than what the person saw.
pub async fn draft(
    db: &Db,
    registry: &Registry,
    keys: &Keys,
    row: Row,
    change: Change,
    now: Timestamp,
) -> Result<Draft, CreateError> {
    let Change { revision, name, settings, unset, plan, streams: wanted } = change;
    if row.updated_at != revision {
        return Err(CreateError::Overtaken);
    }
    let manifest = manifest(registry, &row.connector)?;
    let name = named(name.as_deref().unwrap_or(&row.name))?;
    let before_plan: Plan = serde_json::from_str(&row.schedule).unwrap_or(Plan::Manual);
    let plan = plan.unwrap_or_else(|| before_plan.clone());
    plan.validate()?;
    let before = stored(&manifest, keys, &row)?;
    let mut merged = before.clone();
    merged.extend(settings);
    merged.retain(|name, _| !unset.contains(name));
    let (plain, secrets) = accept(&manifest, merged)?;
    let taken = store::connection::streams(db, &row.id).await?;
    let is_taken = |name: &str| taken.iter().any(|stream| stream.name == name && stream.enabled);
    let streams: Vec<(String, bool)> = manifest
        .streams
        .keys()
        .map(|name| (name.clone(), wanted.as_ref().map_or_else(|| is_taken(name), |wanted| wanted.contains(name))))
        .collect();

    let mut changed = differing(&manifest, &before, &plain, &secrets);
    changed.extend((name != row.name).then(|| "name".to_owned()));
    changed.extend((plan != before_plan).then(|| "schedule".to_owned()));
    changed.extend(streams.iter().any(|(name, on)| *on != is_taken(name)).then(|| "streams".to_owned()));
    let (hook, until) = kept_hook(&manifest, keys, &row, &secrets, now)?.unzip();
    let row = Row {
        name,
        settings: Value::Object(plain).to_string(),
        secrets: Some(sealed(keys, &row.id, &secrets)?),
        hook_secret_previous: hook,
        hook_rotated_until: until.map(|until: Timestamp| until.0),
        // A plan that stays is stored as it was written, so that the next pull stays when it was.
        schedule: if plan == before_plan { row.schedule } else { serde_json::to_string(&plan).unwrap_or_default() },
        ..row
    };
    let live = Live::build(row, manifest, keys, registry.client())?;
    Ok(Draft { revision, live, plan, streams, changed })
}

impl Draft {
    /// Tries it against the system, without side effects.
    pub async fn check(&self) -> Vec<CheckItem> {
        self.live.connector.check().await
    }

    /// What is different: `name`, `schedule`, `streams` and names of settings.
    #[must_use]
    pub fn changed(&self) -> &[String] {
        &self.changed
    }

    /// What is different, for the audit trail: `name`, `schedule`, `streams` and names of settings, never
    /// a value.
    #[must_use]
    pub fn detail(&self, checked: bool) -> Value {
        json!({"changed": self.changed, "checked": checked})
    }

    /// Stores it, with the report of its check. The caller commits, reloads the registry and wakes the
    /// scheduler.
    ///
    /// # Errors
    /// [`CreateError::Overtaken`], [`CreateError::NameTaken`] or [`CreateError::NotFound`]; the transaction
    /// has changed nothing then.
    pub async fn store(
        &self,
        tx: &mut Tx,
        checked: Option<&[CheckItem]>,
        zone: &jiff::tz::TimeZone,
        now: Timestamp,
    ) -> Result<(), CreateError> {
        let row = &self.live.row;
        let report = checked.and_then(|items| serde_json::to_string(items).ok());
        let changed = Changed {
            id: &row.id,
            revision: self.revision,
            name: &row.name,
            settings: &row.settings,
            secrets: row.secrets.as_deref().unwrap_or_default(),
            previous_hook: row.hook_secret_previous.as_deref().zip(row.hook_rotated_until.map(Timestamp)),
            schedule: &row.schedule,
            planned_at: self.plan.next(now, zone),
            check_report: report.as_deref(),
            streams: &self.streams,
        };
        connection_change::change(tx, &changed, now).await?.map_err(|refused| match refused {
            Refused::Gone => CreateError::NotFound,
            Refused::Overtaken => CreateError::Overtaken,
            Refused::NameTaken => CreateError::NameTaken,
        })
    }
}

/// Settings and secrets as they are stored, those that the manifest still knows. Secrets that cannot be
/// opened are as good as absent: typing them again is the way out.
fn stored(manifest: &Manifest, keys: &Keys, row: &Row) -> Result<Map<String, Value>, CreateError> {
    let mut all: Map<String, Value> = serde_json::from_str(&row.settings).map_err(LiveError::from)?;
    let secrets = match opened(keys, row) {
        Err(LiveError::Sealed) => Map::new(),
        other => other?,
    };
    let field = |name: &str| manifest.setting_fields().iter().find(|field| field.name == name);
    for (name, value) in secrets {
        // Sealed values are text, whatever their setting is.
        let value = field(&name).zip(value.as_str()).map(|(field, text): (&SettingField, _)| field.value_of(text));
        all.extend(value.map(|value| (name, value)));
    }
    all.retain(|name, _| field(name).is_some());
    Ok(all)
}

/// Names of the settings whose values are not what they were.
fn differing(
    manifest: &Manifest,
    before: &Map<String, Value>,
    plain: &Map<String, Value>,
    secrets: &Map<String, Value>,
) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let is_same = |name: &str| {
        let after = plain.get(name).or_else(|| secrets.get(name));
        before.get(name).map(text) == after.map(text)
    };
    let names = manifest.setting_fields().iter().map(|field| field.name.as_str());
    names.filter(|name| !is_same(name)).map(|name| format!("settings.{name}")).collect()
}

/// The webhook secret to accept for a while beside the new ones, sealed: the one that is being replaced,
/// else one that was replaced before. One that is cleared is not accepted any longer.
fn kept_hook(
    manifest: &Manifest,
    keys: &Keys,
    row: &Row,
    secrets: &Map<String, Value>,
    now: Timestamp,
) -> Result<Option<(Vec<u8>, Timestamp)>, CreateError> {
    let Some(name) = manifest.webhook.as_ref().and_then(|hook| hook.signature.secret()) else { return Ok(None) };
    let Some(new) = secrets.get(name) else { return Ok(None) };
    let place = previous_place(&row.id);
    let before = opened(keys, row).unwrap_or_default();
    if let Some(old) = before.get(name).filter(|old| *old != new).and_then(Value::as_str) {
        return Ok(Some((keys.seal(&place, old.as_bytes())?, now.plus(ROTATION))));
    }
    let earlier = row.hook_secret_previous.as_ref().zip(row.hook_rotated_until).filter(|(_, until)| *until > now.0);
    let Some((bytes, until)) = earlier else { return Ok(None) };
    match keys.open(&place, bytes) {
        Ok(plain) => Ok(Some((keys.seal(&place, &plain)?, Timestamp(until)))),
        Err(_) => Ok(None),
    }
}

/// Replaces the webhook secret alone. The old one stays valid for [`ROTATION`], so that the sender can be
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
    let name = manifest.webhook.as_ref().and_then(|w| w.signature.secret()).ok_or(CreateError::NotFound)?;
    let mut secrets = opened(keys, &row)?;
    secrets.insert(name.to_owned(), secret.into());
    let now = clock.now();
    let kept = kept_hook(manifest, keys, &row, &secrets, now)?;
    let kept = kept.as_ref().map(|(sealed, until)| (sealed.as_slice(), *until));
    let mut tx = db.begin().await?;
    let secrets = sealed(keys, id, &secrets)?;
    if !connection_change::set_secrets(&mut tx, (id, row.updated_at), &secrets, kept, now).await? {
        return Err(CreateError::Overtaken);
    }
    tx.commit().await?;
    registry.reload(db, keys).await?;
    Ok(())
}
