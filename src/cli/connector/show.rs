//! `musubi connector show NAME`.

use std::sync::Arc;

use musubi_sdk::manifest::{Manifest, nearest};
use serde_json::Value;

use super::list;
use crate::cli::{CliError, CliResult, Context, Outcome, cells, installation, output::Part};

pub fn run(context: &Context, name: &str) -> CliResult {
    let catalogue = installation::catalogue(context)?;
    let manifest = find(&catalogue, name)?;
    let language = context.config.organisation.language.code();
    let mut document = list::document(&manifest);
    document["settings"] = serde_json::to_value(manifest.setting_fields()).map_err(anyhow::Error::from)?;
    document["webhook_events"] = manifest.webhook.as_ref().map_or(Value::Null, |hook| {
        hook.events.iter().map(|(name, event)| (name.clone(), Value::from(event.stream.clone()))).collect()
    });
    context.output.parts(&document, &parts(&manifest, language));
    Ok(Outcome::Done)
}

/// The connector of a name, or exit code 3.
pub fn find(catalogue: &crate::connection::Catalogue, name: &str) -> Result<Arc<Manifest>, CliError> {
    catalogue.get(name).cloned().ok_or_else(|| {
        let near = nearest(name, catalogue.iter().map(|manifest| manifest.name.as_str()));
        installation::missing("connector", name, near, "musubi connector list")
    })
}

fn parts(m: &Manifest, language: &str) -> Vec<Part> {
    let about = Part::values(vec![
        ("name", m.name.clone()),
        ("title", m.title.get(language).to_owned()),
        ("summary", m.summary.get(language).to_owned()),
        ("kind", m.kind.as_str().to_owned()),
        ("webhook", list::webhook(m).unwrap_or_default().to_owned()),
    ]);
    let settings = m.setting_fields().iter().map(|field| {
        let help = field.help.as_ref().map_or("", |help| help.get(language));
        let options: Vec<String> = field.options.iter().map(plain).collect();
        let how = match (field.secret, options.is_empty()) {
            (true, _) => "secret".to_owned(),
            (false, true) => field.format.clone().unwrap_or_else(|| field.kind.clone()),
            (false, false) => options.join(" | "),
        };
        let default = field.default.as_ref().map(plain).unwrap_or_default();
        let title = field.title.get(language).to_owned();
        vec![field.name.clone(), how, cells::yes(field.required), default, title, help.to_owned()]
    });
    let streams = m.streams.iter().map(|(name, stream)| {
        let events = m.webhook.iter().flat_map(|hook| &hook.events).filter(|(_, event)| event.stream == *name);
        let events: Vec<&str> = events.map(|(event, _)| event.as_str()).collect();
        vec![
            name.clone(),
            stream.title.get(language).to_owned(),
            stream.record.as_str().to_owned(),
            cells::yes(stream.is_pulled()),
            cells::yes(stream.is_incremental()),
            events.join(" "),
        ]
    });
    vec![
        about,
        Part {
            title: "Settings",
            header: &["setting", "type", "required", "default", "title", "help"],
            rows: settings.collect(),
        },
        Part {
            title: "Streams",
            header: &["stream", "title", "record", "pulled", "incremental", "webhook events"],
            rows: streams.collect(),
        },
    ]
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
