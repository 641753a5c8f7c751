//! The configured installation as commands work on it: the database, beside a hub that may be running.
//!
//! Invariant: commands never migrate and never make a database; they say how to get one. What they
//! change, a running hub takes up at its next look (`sync.poll`), and every change is in the audit
//! trail with the actor `cli`.

use std::sync::Arc;

use jiff::tz::TimeZone;
use musubi_sdk::manifest::nearest;
use serde_json::Value;

use super::{CliError, Context};
use crate::{
    app::{Hub, Parts, SharedHub, client},
    clock::Clock,
    connection::{Catalogue, Live, Registry},
    identity::{
        Origin,
        audit::{self, AuditEntry, Outcome},
    },
    model::Timestamp,
    secrets::Keys,
    store::{self, Db, StoreError, Tx, connection::Row, migrate},
};

/// Who does what commands do.
pub const ACTOR: &str = "cli";

/// See the module.
pub struct Installation {
    pub db: Db,
    pub clock: Clock,
    pub zone: TimeZone,
}

/// An installation whose connections can be used.
pub struct Connected {
    pub base: Installation,
    pub keys: Keys,
    pub registry: Registry,
}

impl std::ops::Deref for Connected {
    type Target = Installation;

    fn deref(&self) -> &Installation {
        &self.base
    }
}

impl Installation {
    /// Opens the configured database, which must have this program's schema.
    pub async fn open(context: &Context) -> Result<Self, CliError> {
        let shown = context.config.database.shown();
        if let Some(path) = context.config.database.url.strip_prefix("sqlite://")
            && !std::path::Path::new(path).exists()
        {
            return Err(CliError::Usage(format!(
                "there is no database {path} yet: start the hub once (`musubi serve`), or run `musubi migrate`"
            )));
        }
        let db = context.database().await?;
        let waiting = migrate::plan(&db).await?.iter().filter(|step| !step.applied).count();
        if waiting > 0 {
            return Err(CliError::Usage(format!(
                "{shown} has not this program's schema ({waiting} migrations wait): run `musubi migrate`"
            )));
        }
        Ok(Self { db, clock: Clock::System, zone: context.config.organisation.zone.clone() })
    }

    /// The connection of an id or a name.
    pub async fn connection(&self, named: &str) -> Result<Row, CliError> {
        let all = store::connection::all(&self.db).await?;
        if let Some(row) = all.iter().find(|row| row.id == named || row.name == named) {
            return Ok(row.clone());
        }
        let ids = if named.starts_with("con_") { all.iter().map(|row| row.id.as_str()).collect() } else { vec![] };
        let near = nearest(named, all.iter().map(|row| row.name.as_str()).chain(ids));
        Err(missing("connection", named, near, "musubi connection list"))
    }

    /// Begins a change.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        self.db.begin().await
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Writes a change into the audit trail, with the change itself.
    pub async fn record(&self, tx: &mut Tx, action: &'static str, on: (&'static str, &str)) -> Result<(), StoreError> {
        self.record_detail(tx, action, on, Value::Null).await
    }

    /// The same with what else the trail should know: ids, codes and counts, never values.
    pub async fn record_detail(
        &self,
        tx: &mut Tx,
        action: &'static str,
        on: (&'static str, &str),
        detail: Value,
    ) -> Result<(), StoreError> {
        let origin = Origin::default();
        audit::record(tx, AuditEntry { detail, ..entry(action, on, &origin) }, self.now()).await
    }

    /// The same for a change that has a transaction of its own.
    pub async fn record_alone(&self, action: &'static str, on: (&'static str, &str)) -> Result<(), StoreError> {
        let origin = Origin::default();
        audit::record_alone(&self.db, entry(action, on, &origin), self.now()).await
    }
}

impl Connected {
    pub async fn open(context: &Context) -> Result<Self, CliError> {
        let base = Installation::open(context).await?;
        let config = &context.config;
        let keys = Keys::load(&config.secrets, config.database.is_sqlite()).map_err(anyhow::Error::from)?;
        let registry = Registry::new(catalogue(context)?, client().map_err(anyhow::Error::from)?);
        registry.reload(&base.db, &keys).await?;
        Ok(Self { base, keys, registry })
    }

    /// A connection that is ready to be used.
    pub async fn live(&self, named: &str) -> Result<Arc<Live>, CliError> {
        let row = self.connection(named).await?;
        self.registry.get(&row.id).ok_or_else(|| {
            let why = "cannot be used: its connector is missing, or its secrets were sealed with another key";
            CliError::Other(anyhow::anyhow!("{} ({}) {why}; see the log line above", row.name, row.id))
        })
    }
}

/// The whole hub, without its loops: for what needs the engine. End it with [`end`].
pub async fn assemble(context: &Context) -> Result<SharedHub, CliError> {
    Installation::open(context).await?.db.close().await;
    let parts = Parts::from_config(context.config.clone(), None).await.map_err(anyhow::Error::from)?;
    Ok(Hub::assemble(parts).await.map_err(anyhow::Error::from)?)
}

/// Finishes what was begun: with `settled`, figures are up to date afterwards.
pub async fn end(hub: &SharedHub, settled: bool) {
    if settled {
        hub.refresher.settle().await;
    }
    hub.stop_workers().await;
}

/// All connectors, built in and from `connectors.dir`.
pub fn catalogue(context: &Context) -> Result<Catalogue, CliError> {
    Catalogue::load(&context.config.connectors.dir)
        .map_err(|error| CliError::Usage(format!("a connector manifest cannot be used:\n{error}")))
}

/// Exit code 3, with what was probably meant.
pub fn missing(noun: &str, named: &str, near: Option<&str>, list: &str) -> CliError {
    let hint = match near {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("`{list}` shows them"),
    };
    CliError::NotFound(format!("there is no {noun} \"{named}\"; {hint}"))
}

fn entry<'a>(action: &'static str, (kind, id): (&'static str, &'a str), origin: &'a Origin) -> AuditEntry<'a> {
    AuditEntry {
        actor: ACTOR,
        action,
        object_kind: kind,
        object_id: id,
        outcome: Outcome::Ok,
        origin,
        detail: Value::Null,
    }
}
