//! `/connections/{id}/watch`: the targets of a connection and who is told of its problems.

use axum::{
    Router,
    extract::{Path, RawForm, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};

use super::{
    ShellOf, done,
    outcome::{Act, conclude},
};
use crate::{
    app::{Hub, SharedHub},
    connection::{
        Levels, freshness,
        notices::{Kind, Notices, RECOVERED},
        schedule::Plan,
    },
    http::{
        AppError,
        console::{
            Section,
            view::{
                Page,
                connection_watch::{Person, WatchPage},
                sync_health::LevelShown,
            },
        },
    },
    identity::{self, Action, Origin, Role},
    model::Timestamp,
    notices::tell,
    store::{self, StoreError, connection::Row},
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/connections/{id}/watch", get(page).post(save))
        .route("/connections/{id}/watch/test", post(test))
}

const UNITS: [(&str, i64); 3] = [("m", Timestamp::MINUTE), ("h", Timestamp::HOUR), ("d", Timestamp::DAY)];

async fn page(State(hub): State<SharedHub>, frame: ShellOf, Path(id): Path<String>) -> Result<Html<String>, AppError> {
    let ShellOf { shell, .. } = frame.allow(Action::ManageConnections, Section::Connections)?;
    let row = store::connection::get(&hub.db, &id).await?.ok_or(AppError::NotFound)?;
    Ok(stored(&hub, row).await?.render(&shell))
}

/// Who may be told: whoever may look after connections, and has an address.
async fn people(hub: &Hub, row: &Row) -> Result<Vec<Person>, StoreError> {
    let told = Notices::read(row.notices.as_deref()).people;
    let may = |role: &str| Role::parse(role).is_some_and(|role| identity::can(role, Action::ViewFailures));
    let all = store::user::list(&hub.db).await?;
    let fits = all.into_iter().filter(|u| u.disabled_at.is_none() && !u.mail.is_empty() && may(&u.role));
    Ok(fits.map(|u| Person { told: told.contains(&u.id), id: u.id, name: u.name, mail: u.mail }).collect())
}

async fn stored(hub: &Hub, row: Row) -> Result<WatchPage, StoreError> {
    let level = LevelShown(Levels::load(&hub.db, &hub.config.health, hub.clock.now()).await?.of(&row));
    let notices = Notices::read(row.notices.as_deref());
    let plan = serde_json::from_str(&row.schedule).unwrap_or(Plan::Manual);
    let (mode, own) = match row.freshness_target {
        None => ("plan", None),
        Some(0) => ("none", None),
        Some(own) => ("own", Some(own)),
    };
    let (unit, length) =
        own.and_then(|own| UNITS.into_iter().rev().find(|(_, length)| own % length == 0)).unwrap_or(UNITS[0]);
    let receivers = store::receiver::all(&hub.db).await?;
    Ok(WatchPage {
        people: people(hub, &row).await?,
        mode: mode.to_owned(),
        of_plan: freshness::of_plan(&plan),
        number: own.map(|own| (own / length).to_string()).unwrap_or_default(),
        unit: unit.to_owned(),
        objective: row.freshness_objective.map(percent).unwrap_or_default(),
        configured: hub.config.health.objective.to_string(),
        level,
        caretaker: row.caretaker.unwrap_or_default(),
        kinds: words().map(|word| (word, notices.wants(word))).collect(),
        no_mail: hub.mail.is_none(),
        receivers: receivers.into_iter().filter(|r| tell::hears(&r.wishes())).map(|r| r.name).collect(),
        errors: Vec::new(),
        revision: row.updated_at,
        id: row.id,
        name: row.name,
        kind: row.kind,
    })
}

fn words() -> impl Iterator<Item = &'static str> {
    Kind::ALL.into_iter().map(Kind::as_str).chain([RECOVERED])
}

/// `99.5` of 9950.
fn percent(hundredths: i64) -> String {
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What was typed, checked: target, objective, caretaker, notices.
struct Wanted {
    target: Option<i64>,
    objective: Option<i64>,
    caretaker: Option<String>,
    notices: Notices,
}

fn read(page: &mut WatchPage, body: &[u8]) -> Wanted {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
    let one =
        |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, v)| v.trim().to_owned()).unwrap_or_default();
    let many = |name: &str| pairs.iter().filter(|(key, _)| key == name).map(|(_, v)| v.clone()).collect::<Vec<_>>();
    page.mode = one("mode");
    page.number = one("number");
    page.unit = one("unit");
    page.objective = one("objective");
    page.caretaker = one("caretaker");
    let (people, kinds) = (many("person"), many("kind"));
    for person in &mut page.people {
        person.told = people.contains(&person.id);
    }
    for (word, told) in &mut page.kinds {
        *told = kinds.iter().any(|kind| kind == word);
    }
    let length = UNITS.into_iter().find(|(unit, _)| *unit == page.unit).map(|(_, length)| length);
    let own = page.number.parse::<i64>().ok().zip(length).and_then(|(number, length)| number.checked_mul(length));
    let target = match page.mode.as_str() {
        "none" => Some(0),
        "own" => {
            let own = own.filter(|own| (Timestamp::MINUTE..=freshness::LONGEST).contains(own));
            if own.is_none() {
                page.errors.push(("number", "FRESHNESS_TARGET"));
            }
            own
        }
        _ => None,
    };
    let typed = Some(page.objective.as_str()).filter(|text| !text.is_empty());
    let objective = typed.map(|text| text.parse::<crate::config::Percent>().map(crate::config::Percent::hundredths));
    if objective.as_ref().is_some_and(|given| !matches!(given, Ok(share) if freshness::OBJECTIVES.contains(share))) {
        page.errors.push(("objective", "FRESHNESS_OBJECTIVE"));
    }
    let known = |id: &String| page.people.iter().any(|person| person.id == *id);
    Wanted {
        target,
        objective: objective.and_then(Result::ok),
        caretaker: Some(page.caretaker.clone()).filter(known),
        notices: Notices {
            people: people.into_iter().filter(known).collect(),
            off: page.kinds.iter().filter(|(_, told)| !told).map(|(word, _)| (*word).to_owned()).collect(),
        },
    }
}

/// Sends a test to everybody who is told.
async fn test(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let ShellOf { me, .. } = frame.allow(Action::ManageConnections, Section::Connections)?;
    let row = store::connection::get(&hub.db, &id).await?.ok_or(AppError::NotFound)?;
    let mut tx = hub.db.begin().await?;
    let (mails, events) = hub.watcher().test(&mut tx, &row).await?;
    let detail = serde_json::json!({"mails": mails, "events": events});
    conclude(tx, Act::on(&me, &origin, "connection.watch_test", "connection", &id).detail(detail), hub.clock.now())
        .await?;
    hub.engine.told.notify_one();
    let word = if mails + events > 0 { "notices_tested" } else { "notices_nobody_failed" };
    Ok(done(&format!("/connections/{id}/watch"), word, i64::try_from(mails + events).ok()))
}

async fn save(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let ShellOf { shell, me, .. } = frame.allow(Action::ManageConnections, Section::Connections)?;
    let row = store::connection::get(&hub.db, &id).await?.ok_or(AppError::NotFound)?;
    let mut page = stored(&hub, row).await?;
    let wanted = read(&mut page, &body);
    if !page.errors.is_empty() {
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page.render(&shell)).into_response());
    }
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    store::freshness::set_target(&mut tx, &id, wanted.target, wanted.objective, now).await?;
    let notices = wanted.notices.written();
    store::freshness::set_notices(&mut tx, &id, wanted.caretaker.as_deref(), notices.as_deref(), now).await?;
    let detail = serde_json::json!({"target_seconds": wanted.target.map(|t| t / Timestamp::SECOND),
        "objective": wanted.objective, "caretaker": wanted.caretaker, "people": wanted.notices.people.len(),
        "off": wanted.notices.off});
    conclude(tx, Act::on(&me, &origin, "connection.watch", "connection", &id).detail(detail), now).await?;
    hub.registry.reload(&hub.db, &hub.keys).await?;
    Ok(done(&format!("/connections/{id}/watch"), "saved", None))
}
