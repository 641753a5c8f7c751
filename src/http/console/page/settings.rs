//! `/settings`: the company, and removing the sample data.

use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{ShellOf, done, outside::ZONES, setup};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section, letter,
            view::{Page, settings::SettingsPage},
        },
        preferences,
    },
    identity::{Action, Audience, AuditEntry, Origin, Outcome, Settings, audit},
    mail::{Letter, What, carrier::Came},
    model::{Id, ids::Noun},
    samples,
    store::read_console,
};

/// The word to type before the sample data goes.
const CONFIRM: &str = "sample";

/// Changes with every saved value, so that nobody overwrites what they have not seen.
fn revision(settings: &Settings) -> String {
    use sha2::{Digest, Sha256};
    let text = serde_json::to_string(settings).unwrap_or_default();
    hex::encode(&Sha256::digest(text.as_bytes())[..8])
}

async fn view(hub: &Hub, settings: &Settings) -> Result<SettingsPage, AppError> {
    let (sample_customers, sample_documents) = read_console::sample_size(&hub.db).await?;
    Ok(SettingsPage {
        revision: revision(settings),
        company: settings.company.clone(),
        language: settings.language.clone(),
        time_zone: settings.zone.clone(),
        zones: ZONES.map(str::to_owned).to_vec(),
        fiscal_month: u8::try_from(settings.fiscal_year_start).unwrap_or(4),
        audience: settings.audience.as_str(),
        sample_customers,
        sample_documents,
        confirm_word: CONFIRM.to_owned(),
        may_load_sample: sample_customers == 0,
        mail_host: hub.mail.as_ref().map(|_| hub.config.mail.host.clone()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..SettingsPage::default()
    })
}

pub async fn page(State(hub): State<SharedHub>, of: ShellOf) -> Result<Html<String>, AppError> {
    of.me.require(Action::ManageSettings)?;
    let settings = Settings::load(&hub.db).await?;
    Ok(view(&hub, &settings).await?.render(&of.at(Section::Settings)))
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub struct SettingsPost {
    revision: String,
    company: String,
    language: String,
    zone: String,
    fiscal_year_start: i8,
    audience: String,
}

pub async fn save(
    State(hub): State<SharedHub>,
    of: ShellOf,
    origin: Origin,
    Form(post): Form<SettingsPost>,
) -> Result<Response, AppError> {
    of.me.require(Action::ManageSettings)?;
    let SettingsPost { revision: seen, company, language, zone, fiscal_year_start, audience } = post;
    let mut tx = hub.db.begin().await?;
    if revision(&Settings::load(&mut tx).await?) != seen {
        return Err(AppError::Conflict {
            code: "SETTINGS_CHANGED",
            detail: "somebody saved these settings after this page was opened".to_owned(),
        });
    }
    let language = preferences::language(&language).unwrap_or("ja").to_owned();
    let audience = Audience::parse(&audience).unwrap_or_default();
    let new = Settings { company: company.trim().to_owned(), language, zone, fiscal_year_start, audience };
    let errors = wrong(&new);
    if !errors.is_empty() {
        tx.rollback().await?;
        let view = SettingsPage { errors, revision: seen, ..view(&hub, &new).await? };
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, view.render(&of.at(Section::Settings))).into_response());
    }
    new.save(&mut tx, hub.clock.now()).await?;
    let entry = AuditEntry {
        actor: &of.me.user_id,
        action: "settings.save",
        object_kind: "settings",
        object_id: "company",
        outcome: Outcome::Ok,
        origin: &origin,
        detail: serde_json::Value::Null,
    };
    audit::record(&mut tx, entry, hub.clock.now()).await?;
    tx.commit().await?;
    Ok(done("/settings", "saved", None))
}

/// Sends a mail to the reader, and says what the server said.
pub async fn test_mail(State(hub): State<SharedHub>, of: ShellOf) -> Result<Response, AppError> {
    of.me.require(Action::ManageSettings)?;
    let carrier = hub.mail.as_ref().ok_or(AppError::NotFound)?;
    let settings = Settings::load(&hub.db).await?;
    let letter = Letter { company: settings.company.clone(), zone: settings.zone.clone(), what: What::Test };
    let written = letter::write(&letter, &of.me.language, hub.edge.public_url.as_str());
    match carrier.send(Id::new(Noun::Mail).as_str(), &of.me.mail, &written).await {
        Came::Taken => Ok(done("/settings", "mail_tested", None)),
        Came::Later(trouble) | Came::Never(trouble) | Came::Away(trouble) => {
            let mail_trouble = Some((trouble.cause.to_owned(), trouble.answer));
            let view = SettingsPage { mail_trouble, ..view(&hub, &settings).await? };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, view.render(&of.at(Section::Settings))).into_response())
        }
    }
}

fn wrong(new: &Settings) -> Vec<(String, String)> {
    let mut errors = Vec::new();
    let mut refuse = |field: &str, code: &str| errors.push((field.to_owned(), code.to_owned()));
    if new.company.is_empty() {
        refuse("company", "COMPANY_EMPTY");
    } else if new.company.chars().count() > 200 {
        refuse("company", "COMPANY_LONG");
    }
    if jiff::tz::TimeZone::get(&new.zone).is_err() {
        refuse("zone", "ZONE_UNKNOWN");
    }
    if !(1..=12).contains(&new.fiscal_year_start) {
        refuse("fiscal_year_start", "FISCAL_YEAR_INVALID");
    }
    errors
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub struct ClearPost {
    confirm: String,
}

pub async fn clear_sample(
    State(hub): State<SharedHub>,
    of: ShellOf,
    origin: Origin,
    Form(post): Form<ClearPost>,
) -> Result<Response, AppError> {
    of.me.require(Action::ManageSamples)?;
    if post.confirm.trim() != CONFIRM {
        let settings = Settings::load(&hub.db).await?;
        let view = SettingsPage { confirm_wrong: true, ..view(&hub, &settings).await? };
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, view.render(&of.at(Section::Settings))).into_response());
    }
    let removed = samples::clear(&hub).await.map_err(AppError::internal)?;
    let entry = AuditEntry {
        actor: &of.me.user_id,
        action: "sample.clear",
        object_kind: "settings",
        object_id: "sample",
        outcome: Outcome::Ok,
        origin: &origin,
        detail: serde_json::json!({ "customers": removed }),
    };
    audit::record_alone(&hub.db, entry, hub.clock.now()).await?;
    Ok(done("/settings", "sample_cleared", i64::try_from(removed).ok()))
}

pub async fn load_sample(State(hub): State<SharedHub>, of: ShellOf) -> Result<Response, AppError> {
    of.me.require(Action::ManageSamples)?;
    setup::start_loading(&hub).await?;
    Ok(Redirect::to("/setup/progress").into_response())
}
