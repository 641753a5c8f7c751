//! `/admin/audit`: what the trail holds, narrowed by the query.

use std::collections::HashMap;

use axum::{
    Router,
    extract::{Path, Query, State},
    response::{Html, Response},
    routing::{get, post},
};
use jiff::{ToSpan, civil, tz::TimeZone};
use serde::Deserialize;

use super::{ShellOf, audit_export, done, users};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section,
            view::{
                Page,
                audit::{AuditDetailPage, AuditLine, AuditPage, Check, KINDS},
            },
        },
    },
    identity::{Action, AuditEntry, Origin, Outcome, audit, audit::chain},
    model::{Timestamp, View},
    store::{
        self, StoreError, api_token,
        audit::{AuditRow, Filter},
        user,
    },
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/admin/audit", get(list))
        .route("/admin/audit/verify", post(verify))
        .route("/admin/audit/export/{kind}", get(audit_export::file))
        .route("/admin/audit/{id}", get(show))
}

/// What the form sends; everything may be empty.
#[derive(Clone, Deserialize, Default)]
#[serde(default)]
pub struct ListQuery {
    q: String,
    who: String,
    kind: String,
    outcome: String,
    from: String,
    until: String,
    after: String,
}

const ROWS: i64 = 50;
/// People that a part of a name may mean.
const MEANT: i64 = 100;

/// A query as the store takes it.
pub struct Narrowed {
    query: ListQuery,
    actors: Option<Vec<String>>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Narrowed {
    pub async fn read(hub: &Hub, query: ListQuery, zone: &TimeZone) -> Result<Self, StoreError> {
        let clean = |text: String| text.trim().replace('\0', "").chars().take(200).collect::<String>();
        let ListQuery { q, who, kind, outcome, from, until, after } = query;
        let (from_at, until_at) = (midnight(&from, 0, zone), midnight(&until, 1, zone));
        let query = ListQuery {
            q: clean(q),
            who: clean(who),
            kind: if KINDS.contains(&kind.as_str()) { kind } else { String::new() },
            outcome: if ["ok", "refused"].contains(&outcome.as_str()) { outcome } else { String::new() },
            from: if from_at.is_some() { from } else { String::new() },
            until: if until_at.is_some() { until } else { String::new() },
            after: clean(after),
        };
        let actors = actors(hub, &query.who).await?;
        Ok(Self { query, actors, from: from_at, until: until_at })
    }

    pub fn filter<'a>(&'a self, before: Option<&'a str>) -> Filter<'a> {
        let given = |text: &'a str| (!text.is_empty()).then_some(text);
        Filter {
            actors: self.actors.clone(),
            kind: given(&self.query.kind),
            outcome: given(&self.query.outcome),
            named: given(&self.query.q),
            from: self.from,
            until: self.until,
            before,
        }
    }

    /// Whether anything is left out.
    pub fn narrows(&self) -> bool {
        !self.url("").is_empty()
    }

    /// The query again, with the entry after which the list goes on.
    fn url(&self, after: &str) -> String {
        let q = &self.query;
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("q", q.q.as_str()),
            ("who", &q.who),
            ("kind", &q.kind),
            ("outcome", &q.outcome),
            ("from", &q.from),
            ("until", &q.until),
            ("after", after),
        ] {
            if !value.is_empty() {
                out.append_pair(name, value);
            }
        }
        let query = out.finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }
}

/// The beginning of a day, or of the day after it.
fn midnight(day: &str, later: i64, zone: &TimeZone) -> Option<Timestamp> {
    let day: civil::Date = day.parse().ok()?;
    let start = day.checked_add(later.days()).ok()?.to_zoned(zone.clone()).ok()?;
    Some(Timestamp(start.timestamp().as_microsecond()))
}

/// Whom a text means: an id, a word of the trail, or a part of a name or mail address.
async fn actors(hub: &Hub, who: &str) -> Result<Option<Vec<String>>, StoreError> {
    if who.is_empty() {
        return Ok(None);
    }
    if who.starts_with("usr_") || ["system", "cli"].contains(&who) {
        return Ok(Some(vec![who.to_owned()]));
    }
    let meant = user::find(&hub.db, user::Wanted { text: who, ..Default::default() }, MEANT, 0).await?;
    Ok(Some(meant.into_iter().map(|person| person.id).collect()))
}

async fn list(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    Query(query): Query<ListQuery>,
) -> Result<Html<String>, AppError> {
    let ShellOf { shell, me, .. } = frame.allow(Action::ViewAudit, Section::Audit)?;
    let narrowed = Narrowed::read(&hub, query, &shell.zone).await?;
    let before = Some(narrowed.query.after.as_str()).filter(|after| !after.is_empty());
    let filter = narrowed.filter(before);
    let (entries, checked) =
        tokio::try_join!(store::audit::list(&hub.db, &filter, ROWS + 1), chain::last_check(&hub.db))?;
    let more = entries.len() as i64 > ROWS;
    let shown: Vec<AuditRow> = entries.into_iter().take(ROWS as usize).collect();
    let next = shown.last().filter(|_| more).map(|last| format!("/admin/audit{}", narrowed.url(&last.id)));
    let query = narrowed.url("");
    let ListQuery { q, who, kind, outcome, from, until, after: _ } = narrowed.query;
    let view = AuditPage {
        rows: lines(&hub, &me.view, shown).await?,
        q,
        who,
        kind,
        outcome,
        from,
        until,
        query,
        next,
        // At the very first start there was nothing to check yet.
        check: checked.filter(|verdict| verdict.entries > 0 || verdict.broken.is_some()).map(check),
        may_check: me.can(Action::ViewAudit),
    };
    Ok(view.render(&shell))
}

fn check(verdict: chain::Verdict) -> Check {
    let chain::Verdict { at, entries, head, broken } = verdict;
    Check { at: Timestamp(at), entries, head, broken: broken.map(|b| (b.number, b.entry, b.code)) }
}

/// Entries as pages show them, with the names of people and things.
pub async fn lines(hub: &Hub, view: &View, entries: Vec<AuditRow>) -> Result<Vec<AuditLine>, StoreError> {
    let people: Vec<&str> = entries
        .iter()
        .flat_map(|e| [e.actor.as_str(), e.object_id.as_str()])
        .filter(|id| id.starts_with("usr_"))
        .collect();
    let (names, providers) = tokio::try_join!(user::names(&hub.db, &people), users::providers(hub))?;
    let tokens: Vec<String> = entries.iter().flat_map(tokens_named).collect();
    let tokens = api_token::names(&hub.db, &tokens).await?;
    let names: HashMap<String, String> = names.into_iter().chain(providers).chain(tokens).collect();
    Ok(entries.into_iter().map(|entry| line(hub, view, entry, &names)).collect())
}

/// Ids of tokens in an entry: what was acted on, and by which a program acted.
fn tokens_named(entry: &AuditRow) -> Vec<String> {
    let by = serde_json::from_str::<serde_json::Value>(&entry.detail).ok();
    let by = by.as_ref().and_then(|detail| detail["token"].as_str()).map(str::to_owned);
    let on = (entry.object_kind == "token").then(|| entry.object_id.clone());
    on.into_iter().chain(by).collect()
}

fn line(hub: &Hub, view: &View, entry: AuditRow, names: &HashMap<String, String>) -> AuditLine {
    let object_name = match entry.object_kind.as_str() {
        "customer" => hub.directory.get(view, &entry.object_id).map(|found| found.name),
        "connection" => hub.registry.get(&entry.object_id).map(|live| live.row.name.clone()),
        _ => names.get(&entry.object_id).cloned(),
    };
    AuditLine {
        actor_name: names.get(&entry.actor).cloned(),
        object_name,
        detail: detail(&entry.detail, names),
        refused: entry.outcome == "refused",
        place: entry.number.zip(entry.hash),
        id: entry.id,
        at: Timestamp(entry.at),
        actor: entry.actor,
        action: entry.action,
        object_kind: entry.object_kind,
        object_id: entry.object_id,
        ip: entry.ip,
        request_id: entry.request_id,
    }
}

/// Names and values of what else an entry holds; ids of people and providers become their names.
fn detail(text: &str, names: &HashMap<String, String>) -> Vec<(String, String)> {
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(text) else { return Vec::new() };
    let shown = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => names.get(&text).cloned().unwrap_or(text),
        other => other.to_string(),
    };
    fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name, shown(value))).collect()
}

async fn show(State(hub): State<SharedHub>, frame: ShellOf, Path(id): Path<String>) -> Result<Html<String>, AppError> {
    let ShellOf { shell, me, .. } = frame.allow(Action::ViewAudit, Section::Audit)?;
    let entry = store::audit::get(&hub.db, &id.replace('\0', "")).await?.ok_or(AppError::NotFound)?;
    let line = lines(&hub, &me.view, vec![entry]).await?.pop().ok_or(AppError::NotFound)?;
    Ok(AuditDetailPage { line }.render(&shell))
}

async fn verify(State(hub): State<SharedHub>, frame: ShellOf, origin: Origin) -> Result<Response, AppError> {
    frame.me.require(Action::ViewAudit)?;
    let verdict = hub.identity.check_trail(&hub.keys).await?;
    let entry = AuditEntry {
        actor: &frame.me.user_id,
        action: "audit.verify",
        object_kind: "audit",
        object_id: "",
        outcome: Outcome::Ok,
        origin: &origin,
        detail: serde_json::json!({"entries": verdict.entries, "code": verdict.broken.as_ref().map(|b| &b.code)}),
    };
    audit::record_alone(&hub.db, entry, hub.clock.now()).await?;
    let word = if verdict.broken.is_some() { "audit_check_failed" } else { "audit_checked" };
    Ok(done("/admin/audit", word, Some(verdict.entries)))
}
