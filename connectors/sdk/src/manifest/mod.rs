//! `connector.yaml`: what a connector declares.
//!
//! A manifest is read in four steps, each with line and column: YAML, the schema that ships here
//! (closed: an unknown key is an error), typed structs, and what a schema cannot say ([`check`]).
//! Invariant: a `Manifest` that exists has passed all four, so its streams can be compiled and run.
//! A new keyword needs two connectors that want it, then: `schema.json`, the struct, its user.

mod check;
mod error;
mod mapping_spec;
mod schema;
mod spec;
mod webhook_spec;
mod yaml;

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

pub use error::{ManifestError, nearest};
pub use mapping_spec::{FieldSpec, MappingSpec, Transform};
pub use spec::{
    AuthSpec, Capabilities, CheckSpec, CursorFormat, CursorSpec, DeletedSpec, Driver, FetchSpec, HttpSpec, Kind,
    LinkSpec, PaginatorSpec, Quota, RequestSpec, RetrySpec, StreamSpec, Text, VersionForm, VersionSpec, parse_duration,
};
pub use webhook_spec::{DeliveryIdSpec, Encoding, EventSpec, SignatureSpec, Trust, WebhookSpec};

use crate::{
    mapping::{Mapping, MappingProblem},
    settings::{SettingField, setting_fields},
};

/// A connector as declared, checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Format version; 1.
    pub musubi: u32,
    pub name: String,
    pub title: Text,
    #[serde(default)]
    pub summary: Text,
    pub kind: Kind,
    #[serde(default)]
    pub sample: bool,
    #[serde(default)]
    pub driver: Driver,
    /// JSON Schema of the settings, with `title`, `help` and `secret` for forms.
    pub settings: Value,
    #[serde(default)]
    pub auth: AuthSpec,
    /// Absent for connectors that only receive.
    pub http: Option<HttpSpec>,
    pub check: Option<CheckSpec>,
    pub streams: IndexMap<String, StreamSpec>,
    pub webhook: Option<WebhookSpec>,
    #[serde(default)]
    pub links: Vec<LinkSpec>,
    #[serde(default)]
    pub capabilities: Capabilities,
    #[serde(skip)]
    compiled: IndexMap<String, Arc<Mapping>>,
    #[serde(skip)]
    fields: Vec<SettingField>,
}

impl Manifest {
    /// Reads and checks a manifest. `file_name` only serves the messages.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the file.
    pub fn parse(file_name: &str, text: &str) -> Result<Self, Vec<ManifestError>> {
        let (value, positions) = yaml::load(text).map_err(|broken| {
            vec![ManifestError {
                file: file_name.to_owned(),
                line: broken.at.0,
                column: broken.at.1,
                path: String::new(),
                message: broken.message,
            }]
        })?;
        let mut report = schema::Report::new(file_name, &positions);
        report.against_schema(&value);
        report.finish()?;
        let mut report = schema::Report::new(file_name, &positions);
        let manifest = check::typed(&value, &mut report);
        report.finish()?;
        let mut manifest = manifest.ok_or_else(Vec::new)?;
        let mut report = schema::Report::new(file_name, &positions);
        manifest.fields = setting_fields(&manifest.settings);
        let driven = manifest.driver != Driver::Http;
        manifest.streams.values_mut().for_each(|stream| stream.driven = driven);
        check::semantics(&mut manifest, &mut report);
        report.finish()?;
        Ok(manifest)
    }

    /// The settings in the order of a form.
    #[must_use]
    pub fn setting_fields(&self) -> &[SettingField] {
        &self.fields
    }

    #[must_use]
    pub fn stream(&self, name: &str) -> Option<&StreamSpec> {
        self.streams.get(name)
    }

    /// The stream's own mapping, compiled.
    #[must_use]
    pub fn mapping(&self, stream: &str) -> Option<&Arc<Mapping>> {
        self.compiled.get(stream)
    }

    /// The same connector with other mappings for some of its streams, for one connection.
    ///
    /// # Errors
    /// What cannot work, each with the name of its stream.
    pub fn with_mappings(
        &self,
        own: impl IntoIterator<Item = (String, MappingSpec)>,
    ) -> Result<Self, Vec<(String, MappingProblem)>> {
        let mut changed = self.clone();
        let mut problems = Vec::new();
        for (name, spec) in own {
            // A connector that was upgraded may have lost a stream; what is not there is not read either.
            let Some(stream) = changed.streams.get_mut(&name) else { continue };
            match Mapping::compile(stream.record, &spec) {
                Ok(mapping) => {
                    stream.mapping = spec;
                    changed.compiled.insert(name, Arc::new(mapping));
                }
                Err(found) => problems.extend(found.into_iter().map(|problem| (name.clone(), problem))),
            }
        }
        if problems.is_empty() { Ok(changed) } else { Err(problems) }
    }

    #[must_use]
    pub fn quota(&self) -> Option<Quota> {
        self.http.as_ref().and_then(|http| http.quota)
    }
}

/// YAML text as a value, with the same limits as a manifest: one document, no aliases, 1 MiB, nesting capped.
///
/// # Errors
/// What is wrong with its line and column.
pub fn yaml_value(file_name: &str, text: &str) -> Result<Value, ManifestError> {
    let loaded = yaml::load(text).map_err(|broken| ManifestError {
        file: file_name.to_owned(),
        line: broken.at.0,
        column: broken.at.1,
        path: String::new(),
        message: broken.message,
    })?;
    Ok(loaded.0)
}

/// A value as YAML text that [`yaml_value`] reads back.
#[must_use]
pub fn yaml_text(value: &Value) -> String {
    yaml::write(value)
}

/// The schema of manifests, for editors and documentation.
#[must_use]
pub fn schema_text() -> &'static str {
    schema::TEXT
}

#[cfg(test)]
mod tests;
