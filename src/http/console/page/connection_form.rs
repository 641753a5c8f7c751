//! The form of a connection: made from a manifest, read as it was posted, told what is wrong with it.
//!
//! Invariant: no secret goes back to a page in the clear. One that was typed travels sealed, for this
//! person and this form, so that a check does not make it be typed twice.

use base64::{Engine, prelude::BASE64_STANDARD};
use musubi_sdk::{manifest::Manifest, settings};
use serde_json::{Map, Value};

use super::connection;
use crate::{
    connection::{create::CreateError, schedule::Plan},
    http::{
        AppError,
        console::{
            Shell,
            view::{
                connection::Check,
                connection_form::{ConnectionForm, SettingField},
            },
        },
    },
    secrets::Keys,
};

/// The form before anything is typed.
pub fn blank(manifest: &Manifest, shell: &Shell) -> ConnectionForm {
    let lang = shell.lang.code();
    let schedules = PRESETS.iter().map(|(word, _)| ((*word).to_owned(), shell.word("schedule", word).to_owned()));
    ConnectionForm {
        name: manifest.title.get(lang).to_owned(),
        fields: manifest.setting_fields().iter().map(|f| field(f, lang)).collect(),
        streams: manifest.streams.keys().map(|name| (name.clone(), true)).collect(),
        pulls: connection::pulls(manifest),
        schedules: schedules.collect(),
        schedule: "15m".to_owned(),
        ..ConnectionForm::default()
    }
}

/// A value as a field shows it.
pub fn words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn field(f: &settings::SettingField, lang: &str) -> SettingField {
    let input = match (f.kind.as_str(), f.format.as_deref(), f.options.is_empty()) {
        (_, _, false) => "select",
        ("boolean", ..) => "boolean",
        ("integer" | "number", ..) => "number",
        (_, Some("uri"), _) => "url",
        _ => "text",
    };
    SettingField {
        name: f.name.clone(),
        title: f.title.get(lang).to_owned(),
        help: f.help.as_ref().map(|t| t.get(lang).to_owned()).unwrap_or_default(),
        required: f.required,
        secret: f.secret,
        input: input.to_owned(),
        options: f.options.iter().map(|v| (words(v), words(v))).collect(),
        value: f.default.as_ref().map(words).unwrap_or_default(),
        ..SettingField::default()
    }
}

/// Schedules that the form offers. What else a plan can be is set by command.
const PRESETS: [(&str, Preset); 5] = [
    ("5m", Preset::Every(300)),
    ("15m", Preset::Every(900)),
    ("60m", Preset::Every(3600)),
    ("daily", Preset::Daily("08:00")),
    ("manual", Preset::Manual),
];

#[derive(Clone, Copy)]
enum Preset {
    Every(u64),
    Daily(&'static str),
    Manual,
}

impl From<Preset> for Plan {
    fn from(preset: Preset) -> Self {
        match preset {
            Preset::Every(seconds) => Self::Every(seconds),
            Preset::Daily(at) => Self::Daily(at.to_owned()),
            Preset::Manual => Self::Manual,
        }
    }
}

/// The word of a plan that the form offers.
pub fn preset(plan: &Plan) -> Option<&'static str> {
    PRESETS.iter().find(|(_, preset)| Plan::from(*preset) == *plan).map(|(word, _)| *word)
}

/// The posted form, as typed.
#[derive(Default)]
pub struct Posted {
    pub name: String,
    pub settings: Map<String, Value>,
    /// Secrets to take away.
    pub cleared: Vec<String>,
    pub schedule: String,
    pub streams: Vec<String>,
    /// The button: `check`, `force` or the one that stores.
    pub action: String,
    pub revision: i64,
    held: String,
}

impl Posted {
    pub fn read(manifest: &Manifest, body: &[u8]) -> Self {
        let mut posted = Self::default();
        for (key, value) in url::form_urlencoded::parse(body) {
            match key.as_ref() {
                "name" => posted.name = value.into_owned(),
                "schedule" => posted.schedule = value.into_owned(),
                "stream" => posted.streams.push(value.into_owned()),
                "clear" => posted.cleared.push(value.into_owned()),
                "action" => posted.action = value.into_owned(),
                "revision" => posted.revision = value.parse().unwrap_or_default(),
                "held" => posted.held = value.into_owned(),
                key => {
                    let Some(name) = key.strip_prefix("settings.") else { continue };
                    let field = manifest.setting_fields().iter().find(|f| f.name == name);
                    posted.settings.extend(typed(field, &value).map(|value| (name.to_owned(), value)));
                }
            }
        }
        // A box that is not ticked is not sent.
        for field in manifest.setting_fields().iter().filter(|f| f.kind == "boolean" && f.options.is_empty()) {
            posted.settings.entry(field.name.clone()).or_insert(Value::Bool(false));
        }
        let Self { settings, cleared, .. } = &mut posted;
        cleared.retain(|name| !settings.contains_key(name));
        posted
    }

    /// The chosen plan; `None`: none of those that the form offers.
    pub fn plan(&self) -> Option<Plan> {
        PRESETS.iter().find(|(word, _)| *word == self.schedule).map(|(_, preset)| (*preset).into())
    }

    /// Takes the secrets in that were typed before the form was shown again. `place` names form and person.
    ///
    /// # Errors
    /// What was held is not of this form: going on without it would use an older secret unnoticed.
    pub fn take_held(&mut self, keys: &Keys, place: &str) -> Result<(), AppError> {
        if self.held.is_empty() {
            return Ok(());
        }
        let sealed = BASE64_STANDARD.decode(&self.held).map_err(|_| AppError::FormExpired)?;
        let plain = keys.open(&held_place(place), &sealed).map_err(|_| AppError::FormExpired)?;
        let held: Map<String, Value> = serde_json::from_slice(&plain).map_err(|_| AppError::FormExpired)?;
        for (name, value) in held {
            if !self.cleared.contains(&name) {
                self.settings.entry(name).or_insert(value);
            }
        }
        Ok(())
    }

    /// What was typed, in the form again; secrets sealed, but for those that are wrong.
    pub fn show_again(&self, form: &mut ConnectionForm, keys: &Keys, place: &str) -> Result<(), AppError> {
        form.name.clone_from(&self.name);
        form.schedule.clone_from(&self.schedule);
        for (name, on) in &mut form.streams {
            *on = self.streams.contains(name);
        }
        let mut held = Map::new();
        for field in &mut form.fields {
            let given = self.settings.get(&field.name);
            field.cleared = self.cleared.contains(&field.name);
            if !field.secret {
                field.value = given.map(words).unwrap_or_default();
            } else if let Some(given) = given.filter(|_| field.error.is_none()) {
                field.held = true;
                held.insert(field.name.clone(), given.clone());
            }
        }
        if !held.is_empty() {
            let sealed = keys.seal(&held_place(place), Value::Object(held).to_string().as_bytes());
            form.held = Some(BASE64_STANDARD.encode(sealed.map_err(AppError::internal)?));
        }
        Ok(())
    }
}

fn held_place(place: &str) -> String {
    format!("form/{place}")
}

/// A form sends text; the schema wants numbers and truths. Spaces around pasted addresses and keys go; in
/// other texts, such as `Bearer `, they mean something. `None`: nothing was typed.
fn typed(field: Option<&settings::SettingField>, text: &str) -> Option<Value> {
    let is_pasted = field.is_some_and(|field| field.secret || field.format.as_deref() == Some("uri"));
    let text = if is_pasted { text.trim() } else { text };
    (!text.is_empty()).then(|| field.map_or_else(|| text.into(), |field| field.value_of(text)))
}

/// What is wrong, beside each field.
pub fn explain(form: &mut ConnectionForm, shell: &Shell, error: CreateError) -> Result<(), AppError> {
    let said = |code: &str| Some(shell.form_error(code).to_owned());
    match error {
        CreateError::Settings(errors) => {
            for e in errors {
                if let Some(field) = form.fields.iter_mut().find(|f| f.name == e.field) {
                    field.error = said(e.code);
                }
            }
        }
        CreateError::Name => form.name_error = said("CONNECTION_NAME_EMPTY"),
        CreateError::NameTaken => form.name_error = said("CONNECTION_NAME_TAKEN"),
        CreateError::Live(error) => {
            form.checks = vec![Check {
                name: "reach".to_owned(),
                ok: Some(false),
                detail: shell.form_error("SET_INVALID").to_owned(),
                technical: Some(error.to_string()),
            }];
        }
        CreateError::NotFound | CreateError::UnknownConnector(_) => return Err(AppError::NotFound),
        CreateError::Store(error) => return Err(error.into()),
        other => return Err(AppError::internal(other)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const MANIFEST: &str = r#"
musubi: 1
name: t-form
title: { ja: 試験, en: Test }
summary: { ja: 試験, en: Test }
kind: generic
settings:
  type: object
  required: [key]
  properties:
    base_url: { type: string, format: uri, title: { ja: 場所, en: Address } }
    key: { type: string, secret: true, title: { ja: 鍵, en: Key } }
    prefix: { type: string, title: { ja: 前, en: Prefix } }
    rows: { type: integer, title: { ja: 行, en: Rows } }
    closed: { type: boolean, default: true, title: { ja: 締め, en: Closed } }
streams:
  customers:
    record: customer
    title: { ja: 得意先, en: Customers }
    key: id
    version: { from: updated_at, as: instant }
    mapping: { name: { from: name, required: true } }
webhook:
  signature: { scheme: shared_token, header: X-T, secret: key }
  event: type
  events: { customer.changed: { stream: customers, record: data } }
  trust: body
"#;

    fn manifest() -> Manifest {
        Manifest::parse("t", MANIFEST).unwrap()
    }

    fn read(body: &str) -> Posted {
        Posted::read(&manifest(), body.as_bytes())
    }

    #[test]
    fn a_form_is_read_as_the_settings_want_it() {
        let posted = read(
            "settings.base_url=+https%3A%2F%2Fa.example+&settings.key=+k+&settings.prefix=Bearer+&settings.rows=5&clear=key&clear=prefix2&stream=customers&schedule=manual",
        );
        let wanted = serde_json::json!({"base_url": "https://a.example", "key": "k", "prefix": "Bearer ", "rows": 5,
            "closed": false});
        assert_eq!(Value::Object(posted.settings.clone()), wanted);
        assert_eq!(posted.cleared, ["prefix2"], "what was typed is not taken away");
        assert_eq!((posted.plan(), posted.streams), (Some(Plan::Manual), vec!["customers".to_owned()]));
        let blank = read("settings.key=+&settings.closed=true&schedule=keep");
        assert_eq!(Value::Object(blank.settings.clone()), serde_json::json!({"closed": true}));
        assert_eq!(blank.plan(), None);
    }

    #[test]
    fn a_typed_secret_waits_sealed_for_its_form_alone() {
        let keys = Keys::new([1; 32], None);
        let manifest = manifest();
        let shell = super::super::outside::shell("en", "system", "");
        let mut form = blank(&manifest, &shell);
        read("settings.key=hush-hush").show_again(&mut form, &keys, "a").unwrap();
        let held = form.held.unwrap();
        assert!(form.fields.iter().any(|f| f.held && f.value.is_empty()) && !held.contains("hush"));
        let body = |more: &str| {
            let held = url::form_urlencoded::Serializer::new(String::new()).append_pair("held", &held).finish();
            read(&format!("{held}{more}"))
        };
        let taken = |mut posted: Posted| {
            posted.take_held(&keys, "a").map(|()| posted.settings.get("key").and_then(Value::as_str).map(str::to_owned))
        };
        assert_eq!(taken(body("")).unwrap().as_deref(), Some("hush-hush"));
        assert_eq!(taken(body("&settings.key=newer")).unwrap().as_deref(), Some("newer"));
        assert_eq!(taken(body("&clear=key")).unwrap(), None);
        assert!(matches!(body("").take_held(&keys, "b"), Err(AppError::FormExpired)));
        // A secret that is wrong is typed again.
        let mut form = blank(&manifest, &shell);
        form.fields.iter_mut().filter(|f| f.secret).for_each(|f| f.error = Some("wrong".into()));
        read("settings.key=hush-hush").show_again(&mut form, &keys, "a").unwrap();
        assert_eq!(form.held, None);
    }
}
