//! What the schema cannot say: names that must exist elsewhere, and combinations that cannot work.

use std::sync::Arc;

use serde_json::Value;

use super::{
    Driver, Manifest, PaginatorSpec, SignatureSpec, Trust, VersionForm,
    error::{nearest, unknown},
    schema::Report,
    yaml::escape,
};
use crate::{mapping::Mapping, template::Template};

/// The typed form. Parts are tried one by one, so that an error points at its part.
pub(super) fn typed(value: &Value, report: &mut Report<'_>) -> Option<Manifest> {
    match serde_json::from_value::<Manifest>(value.clone()) {
        Ok(manifest) => Some(manifest),
        Err(whole) => {
            let mut found = false;
            found |= part::<super::AuthSpec>(value, "/auth", report);
            found |= part::<super::HttpSpec>(value, "/http", report);
            found |= part::<SignatureSpec>(value, "/webhook/signature", report);
            for name in value["streams"].as_object().into_iter().flat_map(|s| s.keys()) {
                let at = format!("/streams/{}", escape(name));
                let inside = part::<PaginatorSpec>(value, &format!("{at}/paginator"), report);
                found |= inside || part::<super::StreamSpec>(value, &at, report);
            }
            if !found {
                report.key("", whole.to_string());
            }
            None
        }
    }
}

fn part<T: serde::de::DeserializeOwned>(whole: &Value, pointer: &str, report: &mut Report<'_>) -> bool {
    let error = whole.pointer(pointer).and_then(|value| T::deserialize(value).err());
    if let Some(error) = &error {
        report.key(pointer, format!("does not fit: {error}"));
    }
    error.is_some()
}

pub(super) fn semantics(manifest: &mut Manifest, report: &mut Report<'_>) {
    settings(manifest, report);
    templates(manifest, report);
    streams(manifest, report);
    webhook(manifest, report);
}

fn settings(manifest: &Manifest, report: &mut Report<'_>) {
    let names: Vec<&str> = manifest.setting_fields().iter().map(|f| f.name.as_str()).collect();
    for (index, required) in manifest.settings["required"].as_array().into_iter().flatten().enumerate() {
        let word = required.as_str().unwrap_or_default();
        if !names.contains(&word) {
            let message = format!("\"{word}\" {}", unknown(word, names.iter().copied()));
            report.value(&format!("/settings/required/{index}"), message);
        }
    }
    if let Err(broken) = crate::settings::validator(manifest) {
        report.key("/settings", broken);
    }
    for field in manifest.setting_fields() {
        if field.secret && field.default.is_some() {
            let at = format!("/settings/properties/{}/default", field.name);
            report.key(&at, "is not allowed for a secret");
        }
    }
}

/// Every string that may hold `{{ name }}`, with its place.
fn templates(manifest: &Manifest, report: &mut Report<'_>) {
    let names: Vec<&str> = manifest.setting_fields().iter().map(|f| f.name.as_str()).collect();
    let mut strings: Vec<(String, String)> = Vec::new();
    if let Some(http) = &manifest.http {
        strings.push(("/http/base_url".into(), http.base_url.clone()));
        strings.extend(http.headers.iter().map(|(k, v)| (format!("/http/headers/{}", escape(k)), v.clone())));
    }
    let mut request = |at: &str, spec: &super::RequestSpec| {
        strings.push((format!("{at}/path"), spec.path.clone()));
        for (key, value) in &spec.query {
            if let Value::String(text) = value {
                strings.push((format!("{at}/query/{}", escape(key)), text.clone()));
            }
        }
    };
    if let Some(check) = &manifest.check {
        request("/check/request", &check.request);
    }
    for (name, stream) in &manifest.streams {
        if let Some(spec) = &stream.request {
            request(&format!("/streams/{name}/request"), spec);
        }
    }
    strings.extend(auth_strings(&manifest.auth).into_iter().map(|(k, v)| (format!("/auth/{k}"), v)));
    for (at, text) in &strings {
        one_template(at, text, &names, report);
    }
    let with_key: Vec<&str> = names.iter().copied().chain(["key"]).collect();
    for (name, stream) in &manifest.streams {
        if let Some(fetch) = &stream.fetch {
            let at = format!("/streams/{name}/fetch/path");
            one_template(&at, &fetch.path, &with_key, report);
            let holds_key = Template::parse(&fetch.path).is_ok_and(|t| t.names().any(|n| n == "key"));
            if !holds_key {
                report.value(&at, "needs \"{{ key }}\"");
            }
        }
    }
}

fn auth_strings(auth: &super::AuthSpec) -> Vec<(&'static str, String)> {
    use super::AuthSpec::{ApiKey, Basic, Bearer, None, Oauth2ClientCredentials};
    match auth {
        None => vec![],
        ApiKey { header, query, value, prefix } => [
            ("value", Some(value.clone())),
            ("prefix", Some(prefix.clone())),
            ("header", header.clone()),
            ("query", query.clone()),
        ]
        .into_iter()
        .filter_map(|(k, v)| Some((k, v?)))
        .collect(),
        Basic { username, password } => vec![("username", username.clone()), ("password", password.clone())],
        Bearer { token } => vec![("token", token.clone())],
        Oauth2ClientCredentials { token_url, client_id, client_secret, scope } => vec![
            ("token_url", token_url.clone()),
            ("client_id", client_id.clone()),
            ("client_secret", client_secret.clone()),
            ("scope", scope.clone().unwrap_or_default()),
        ],
    }
}

fn one_template(at: &str, text: &str, names: &[&str], report: &mut Report<'_>) {
    match Template::parse(text) {
        Err(message) => report.value(at, message),
        Ok(template) => {
            for name in template.names().filter(|name| !names.contains(name)) {
                let hint = nearest(name, names.iter().copied());
                let hint = hint.map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
                report.value(at, format!("names \"{name}\", which is no declared setting{hint}"));
            }
        }
    }
}

fn streams(manifest: &mut Manifest, report: &mut Report<'_>) {
    let mut needs_http = manifest.check.is_some() || manifest.driver == Driver::Tryton;
    if manifest.driver != Driver::Http {
        driven(manifest, report);
    }
    for (name, stream) in &manifest.streams {
        let at = format!("/streams/{name}");
        if manifest.driver != Driver::Http {
            continue;
        }
        needs_http |= stream.request.is_some() || stream.fetch.is_some();
        if stream.sweep && manifest.driver == Driver::Http && (stream.request.is_none() || stream.fetch.is_none()) {
            let why = "needs \"request\" for the whole list and \"fetch\" to prove that a record is gone";
            report.key(&format!("{at}/sweep"), why);
        }
        if stream.cursor.is_some() {
            match &stream.version {
                Some(version) if version.form == VersionForm::Instant => {}
                _ => report.key(&format!("{at}/cursor"), "needs \"version\" with \"as: instant\" in the same stream"),
            }
        }
        if stream.request.is_none() && (stream.cursor.is_some() || stream.paginator != PaginatorSpec::None) {
            report.key(&at, "has a cursor or paginator but no \"request\"");
        }
        if stream.request.is_none() && !delivered(manifest, name) {
            report.key(&at, "has no \"request\" and no webhook event brings it");
        }
    }
    if needs_http && manifest.http.is_none() {
        report.key("", "needs \"http\"");
    }
    if let super::AuthSpec::ApiKey { header, query, .. } = &manifest.auth
        && header.is_some() == query.is_some()
    {
        report.key("/auth", "needs \"header\" or \"query\", and only one of them");
    }
    compile(manifest, report);
}

/// A driver knows how to ask; the manifest says who is asked and what the answers mean.
fn driven(manifest: &Manifest, report: &mut Report<'_>) {
    let mut unfit = |pointer: String| report.key(&pointer, "is the driver's own business");
    for (word, given) in [("check", manifest.check.is_some()), ("webhook", manifest.webhook.is_some())] {
        if given {
            unfit(format!("/{word}"));
        }
    }
    for (name, stream) in &manifest.streams {
        let words = [
            ("request", stream.request.is_some()),
            ("records", !stream.records.is_empty()),
            ("version", stream.version.is_some()),
            ("deleted", stream.deleted.is_some()),
            ("cursor", stream.cursor.is_some()),
            ("paginator", stream.paginator != PaginatorSpec::None),
            ("total", stream.total.is_some()),
            ("fetch", stream.fetch.is_some()),
        ];
        for (word, _) in words.iter().filter(|(_, given)| *given) {
            unfit(format!("/streams/{name}/{word}"));
        }
    }
}

fn delivered(manifest: &Manifest, stream: &str) -> bool {
    manifest.webhook.as_ref().is_some_and(|hook| hook.events.values().any(|event| event.stream == stream))
}

fn compile(manifest: &mut Manifest, report: &mut Report<'_>) {
    for (name, stream) in &manifest.streams {
        match Mapping::compile(stream.record, &stream.mapping) {
            Ok(mapping) => {
                manifest.compiled.insert(name.clone(), Arc::new(mapping));
            }
            Err(problems) => {
                for problem in problems {
                    report.key(&format!("/streams/{name}/mapping{}", problem.pointer), problem.message);
                }
            }
        }
    }
}

fn webhook(manifest: &Manifest, report: &mut Report<'_>) {
    let Some(hook) = &manifest.webhook else { return };
    if hook.signature == SignatureSpec::None && hook.trust != Trust::Refetch {
        report.key("/webhook/signature", "is \"none\": anyone could send records, so \"trust: refetch\" is needed");
    }
    if let Some(secret) = hook.signature.secret() {
        let fields = manifest.setting_fields();
        let known = fields.iter().filter(|f| f.secret).map(|f| f.name.as_str());
        if !known.clone().any(|name| name == secret) {
            report.value(
                "/webhook/signature/secret",
                format!("\"{secret}\" {} (a secret setting)", unknown(secret, known)),
            );
        }
    }
    if hook.event.is_none() && hook.events.len() != 1 {
        report.key("/webhook", "needs \"event\" when it lists more than one event");
    }
    for (name, event) in &hook.events {
        let at = format!("/webhook/events/{}", escape(name));
        let Some(stream) = manifest.streams.get(&event.stream) else {
            let known = manifest.streams.keys().map(String::as_str);
            report.value(&format!("{at}/stream"), format!("\"{}\" {}", event.stream, unknown(&event.stream, known)));
            continue;
        };
        if event.record.is_none() && event.key.is_none() {
            report.key(&at, "needs \"record\" or \"key\"");
        }
        let thin = hook.trust == Trust::Refetch || (event.record.is_none() && !event.deleted);
        if thin && !stream.is_fetched() {
            report.key(&at, format!("brings only a key, so the stream \"{}\" needs \"fetch\"", event.stream));
        }
    }
}
