//! What a folder says beside what is configured.

use std::path::Path;

use jiff::tz::TimeZone;
use musubi_sdk::{manifest::Manifest, mapping::Mapping};
use serde_json::{Map, Value};

use crate::{
    clock::Clock,
    connection::{
        Registry,
        change::{self, Change},
        create::{self, CreateError, NewConnection},
        mapping::{self, Standing},
    },
    secrets::Keys,
    store::{self, Db, connection::Row, delivery},
};

use super::{
    Alteration, Creation, Fault, Plan, PlanError, Rest, Step, Work,
    file::{self, ConnectionFile, fault},
    schedule,
};

/// What is configured, and with what it is read.
#[derive(Clone, Copy)]
pub struct Here<'a> {
    pub db: &'a Db,
    pub registry: &'a Registry,
    pub keys: &'a Keys,
    pub clock: &'a Clock,
    pub zone: &'a TimeZone,
}

/// Says what applying the folder would change. Nothing is changed and nothing asked of any system.
///
/// # Errors
/// A folder that cannot be read, everything in its files that cannot be, the database.
pub async fn plan(here: Here<'_>, folder: &Path) -> Result<Plan, PlanError> {
    let files = file::read(folder)?;
    let rows = store::connection::all(here.db).await?;
    let mut plan = Plan::default();
    let mut faults = Vec::new();
    for (path, wanted) in files {
        let shown = path.display().to_string();
        let row = rows.iter().find(|row| row.name == wanted.name);
        let compared = Compared { here, shown: &shown, wanted: &wanted, row };
        match compared.step(&mut plan.unseen).await {
            Ok(Some((changes, work))) => {
                let id = row.map(|row| row.id.clone());
                plan.steps.push(Step { file: path, name: wanted.name, id, changes, work });
            }
            Ok(None) => plan.same.push(wanted.name),
            Err(Wrong::Faults(found)) => faults.extend(found),
            Err(Wrong::Error(error)) => return Err(error),
        }
    }
    if !faults.is_empty() {
        return Err(PlanError::Faults(faults));
    }
    let named = |name: &String| plan.same.contains(name) || plan.steps.iter().any(|step| step.name == *name);
    plan.unnamed = rows.into_iter().map(|row| row.name).filter(|name| !named(name)).collect();
    Ok(plan)
}

enum Wrong {
    Faults(Vec<Fault>),
    Error(PlanError),
}

impl<E: Into<PlanError>> From<E> for Wrong {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

type Changes = (Vec<String>, Work);

/// One file beside the connection of its name.
struct Compared<'a> {
    here: Here<'a>,
    shown: &'a str,
    wanted: &'a ConnectionFile,
    row: Option<&'a Row>,
}

impl Compared<'_> {
    /// `None`: nothing is to be done.
    async fn step(&self, unseen: &mut Vec<(String, String)>) -> Result<Option<Changes>, Wrong> {
        let manifest = self.manifest()?;
        let plan = schedule::read(&self.wanted.schedule).map_err(|m| self.wrong("schedule", "PLAN_SCHEDULE", m))?;
        self.known(&manifest)?;
        let (secrets, missing) = self.secrets(&manifest)?;
        let mut settings = self.wanted.settings.clone();
        settings.extend(secrets);
        let rest = self.rest(&manifest).await?;
        match self.row {
            None => {
                let new = NewConnection {
                    connector: manifest.name.clone(),
                    name: self.wanted.name.clone(),
                    settings,
                    plan,
                    streams: self.wanted.streams.clone(),
                    sample: manifest.sample,
                    start_now: !self.wanted.paused,
                };
                let Here { registry, keys, clock, zone, .. } = self.here;
                let draft = create::draft(registry, keys, clock, zone, new).map_err(|e| self.refused(e))?;
                let mut changes = vec!["connector".to_owned()];
                changes.extend(rest.names());
                Ok(Some((changes, Work::Create(Box::new(Creation { draft, rest })))))
            }
            Some(row) => {
                unseen.extend(missing.into_iter().map(|secret| (self.wanted.name.clone(), secret)));
                let change = Change {
                    revision: row.updated_at,
                    name: None,
                    unset: self.unset(&manifest, row),
                    settings,
                    plan: Some(plan),
                    streams: Some(self.streams(&manifest)),
                };
                let Here { db, registry, keys, clock, .. } = self.here;
                let draft = change::draft(db, registry, keys, row.clone(), change, clock.now())
                    .await
                    .map_err(|e| self.refused(e))?;
                let mut changes: Vec<String> = draft.changed().to_vec();
                let draft = (!changes.is_empty()).then_some(draft);
                changes.extend(rest.names());
                let work = Work::Change(Box::new(Alteration { draft, rest }));
                Ok((!changes.is_empty()).then_some((changes, work)))
            }
        }
    }

    fn manifest(&self) -> Result<std::sync::Arc<Manifest>, Wrong> {
        let catalogue = self.here.registry.catalogue();
        let Some(manifest) = catalogue.get(&self.wanted.connector) else {
            let message = format!("there is no connector {}", self.wanted.connector);
            return Err(self.wrong("connector", "PLAN_CONNECTOR", message));
        };
        match self.row {
            Some(row) if row.connector != manifest.name => {
                let message =
                    format!("{} is connected by {}: another system needs another name", row.name, row.connector);
                Err(self.wrong("connector", "PLAN_CONNECTOR_OTHER", message))
            }
            _ => Ok(manifest.clone()),
        }
    }

    /// What a file names is there: settings, streams, a way to write.
    fn known(&self, manifest: &Manifest) -> Result<(), Wrong> {
        let mut faults = Vec::new();
        let mut at = |place: String, code, message: String| faults.push(fault(self.shown, &place, code, message));
        for name in self.wanted.settings.keys() {
            match manifest.setting_fields().iter().find(|field| field.name == *name) {
                Some(field) if field.secret => {
                    at(
                        format!("settings.{name}"),
                        "PLAN_SECRET_PLAIN",
                        "is a secret: name it under secrets".to_owned(),
                    );
                }
                None => at(format!("settings.{name}"), "SET_UNKNOWN", "is no setting of this connector".to_owned()),
                Some(_) => {}
            }
        }
        for name in self.wanted.secrets.keys() {
            if !manifest.setting_fields().iter().any(|field| field.name == *name && field.secret) {
                at(format!("secrets.{name}"), "SET_UNKNOWN", "is no secret of this connector".to_owned());
            }
        }
        let known: Vec<&str> = manifest.streams.keys().map(String::as_str).collect();
        for name in self.wanted.streams.iter().flatten().chain(self.wanted.mappings.keys()) {
            if !known.contains(&name.as_str()) {
                let message = format!("is no data of this connector; it has {}", known.join(", "));
                at(format!("streams.{name}"), "PLAN_STREAM", message);
            }
        }
        if ![delivery::OFF, delivery::CHANGES, delivery::ALL].contains(&self.wanted.push.as_str()) {
            at("push".to_owned(), "PLAN_PUSH", "is off, changes or all".to_owned());
        }
        if faults.is_empty() { Ok(()) } else { Err(Wrong::Faults(faults)) }
    }

    /// Secrets that are there, and names of those that are not.
    fn secrets(&self, manifest: &Manifest) -> Result<(Map<String, Value>, Vec<String>), Wrong> {
        let (mut found, mut missing) = (Map::new(), Vec::new());
        let stored = self.row.and_then(|row| change::secrets_set(self.here.keys, row)).unwrap_or_default();
        for (name, reference) in &self.wanted.secrets {
            let value = reference
                .read()
                .map_err(|error| self.wrong(&format!("secrets.{name}"), "PLAN_SECRET_UNREADABLE", error.to_string()))?;
            let field = manifest.setting_fields().iter().find(|field| field.name == *name);
            match value.zip(field).map(|(text, field)| field.value_of(&text)) {
                Some(value) => {
                    found.insert(name.clone(), value);
                }
                None if stored.contains(name) => missing.push(name.clone()),
                None => {
                    let message = "is not there: set the variable or write the file".to_owned();
                    return Err(self.wrong(&format!("secrets.{name}"), "PLAN_SECRET_MISSING", message));
                }
            }
        }
        Ok((found, missing))
    }

    /// Settings that are stored and not in the file: they go back to their defaults.
    fn unset(&self, manifest: &Manifest, row: &Row) -> Vec<String> {
        let stored: Map<String, Value> = serde_json::from_str(&row.settings).unwrap_or_default();
        let plain = manifest.setting_fields().iter().filter(|field| !field.secret);
        plain
            .map(|field| field.name.clone())
            .filter(|name| stored.contains_key(name) && !self.wanted.settings.contains_key(name))
            .collect()
    }

    fn streams(&self, manifest: &Manifest) -> Vec<String> {
        self.wanted.streams.clone().unwrap_or_else(|| manifest.streams.keys().cloned().collect())
    }

    async fn rest(&self, manifest: &Manifest) -> Result<Rest, Wrong> {
        let paused = self.row.is_some_and(|row| row.paused);
        let push = self.row.map_or(delivery::OFF, |row| row.push.as_str());
        let mut rest = Rest {
            paused: (paused != self.wanted.paused).then_some(self.wanted.paused),
            push: (push != self.wanted.push).then(|| self.wanted.push.clone()),
            mappings: Vec::new(),
        };
        let own = match self.row {
            Some(row) => store::mapping::holding(self.here.db, &row.id).await?,
            None => Vec::new(),
        };
        for (name, stream) in &manifest.streams {
            let wanted = self.wanted.mappings.get(name).unwrap_or(&stream.mapping);
            if let Err(problems) = Mapping::compile(stream.record, wanted) {
                let of = |p: musubi_sdk::mapping::MappingProblem| {
                    let place = format!("mappings.{name}{}", p.pointer.replace('/', "."));
                    fault(self.shown, &place, p.code, p.message)
                };
                return Err(Wrong::Faults(problems.into_iter().map(of).collect()));
            }
            let standing = match own.iter().find(|own| own.stream == *name) {
                Some(own) => mapping::published(own)?,
                None => Standing { version: mapping::OF_CONNECTOR, spec: stream.mapping.clone() },
            };
            if standing.spec != *wanted {
                rest.mappings.push((name.clone(), wanted.clone()));
            }
        }
        Ok(rest)
    }

    fn wrong(&self, place: &str, code: &'static str, message: String) -> Wrong {
        Wrong::Faults(vec![fault(self.shown, place, code, message)])
    }

    fn refused(&self, error: CreateError) -> Wrong {
        match error {
            CreateError::Settings(fields) => Wrong::Faults(
                fields
                    .into_iter()
                    .map(|field| fault(self.shown, &format!("settings.{}", field.field), field.code, field.message))
                    .collect(),
            ),
            CreateError::Overtaken => PlanError::Overtaken(self.wanted.name.clone()).into(),
            source => PlanError::Connection { name: self.wanted.name.clone(), source }.into(),
        }
    }
}

impl Rest {
    pub(super) fn names(&self) -> Vec<String> {
        let paused = self.paused.map(|_| "paused".to_owned());
        let push = self.push.as_ref().map(|_| "push".to_owned());
        paused.into_iter().chain(push).chain(self.mappings.iter().map(|(name, _)| format!("mappings.{name}"))).collect()
    }
}
