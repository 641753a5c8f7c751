//! What a person changes in a mapping: the table, one field, records to look at, publishing.

use std::collections::HashMap;

use axum::{
    extract::{Path, RawForm, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use musubi_sdk::{
    connector::Record,
    manifest::{MappingSpec, Transform},
    mapping::Mapping,
    noun::{FieldKind, Noun},
};
use serde_json::{Value, json};

use super::{
    ShellOf, done,
    mapping::{Asked, Desk, SHOWN},
    mapping_view::Words,
    outcome::{Act, conclude},
};
use crate::{
    app::{Hub, SharedHub},
    connection::mapping::{self, By, Edit, MappingError, edit},
    http::{
        AppError,
        console::{
            Section, Shell,
            view::{Page, mapping as view},
        },
    },
    identity::{Action, Origin, Principal},
    model::Timestamp,
    store::{self, mapping::Sample},
    sync::{
        rehearse::{self, RehearseError},
        replay,
    },
};

/// Records that a rehearsal takes.
const REHEARSED: usize = 100;
/// Failures shown among the records: what one wants to mend.
const FAILURES: i64 = 5;
/// Failures that publishing replays.
const REPLAYED: i64 = 1_000;
/// Bytes of a pasted record.
const LONGEST_RECORD: usize = 256 * 1024;
/// Rows of a table of values.
const MOST_VALUES: usize = 200;

type Where = Path<(String, String)>;

/// A form as it came, fields by name.
struct Posted(HashMap<String, String>);

impl Posted {
    fn read(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.get(name).parse().ok()
    }

    fn revision(&self) -> i64 {
        self.get("revision").parse().unwrap_or(-1)
    }

    fn asked(&self) -> Asked {
        Asked { f: self.get("f").to_owned(), r: self.number("r").unwrap_or(1), ..Asked::default() }
    }
}

/// Where a form came from and who sent it.
struct Sent<'a> {
    hub: &'a Hub,
    shell: Shell,
    me: Principal,
    origin: Origin,
    desk: Desk,
    posted: Posted,
}

/// Reads what every form of the page has in common.
macro_rules! sent {
    ($hub:ident, $frame:ident, $origin:ident, $place:ident, $body:expr) => {{
        let ShellOf { shell, me, .. } = $frame.allow(Action::ManageConnections, Section::Connections)?;
        let Path((id, stream)) = $place;
        let desk = Desk::open(&$hub, &id, &stream).await?;
        Sent { hub: &$hub, shell, me, origin: $origin, desk, posted: Posted::read($body) }
    }};
}

/// The table: from which field of the source each of the hub's is filled.
pub async fn table(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    place: Where,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let sent = sent!(hub, frame, origin, place, &body);
    let noun = sent.noun()?;
    let mut edits = Vec::new();
    for (name, path) in &sent.posted.0 {
        let Some(field) = name.strip_prefix("from:") else { continue };
        let filled = edit::of(sent.desk.spec(), field);
        let before = filled.and_then(|spec| spec.from.as_deref().or(spec.each.as_deref())).unwrap_or_default();
        if path == before {
            continue;
        }
        let field = field.to_owned();
        let lines = edit::known(noun, &field).is_ok_and(|known| matches!(known.kind, FieldKind::Lines(_)));
        let path = path.clone();
        edits.push(if lines {
            Edit::List { field, path: Some(path).filter(|path| !path.is_empty()) }
        } else {
            let more = filled.map(|spec| (spec.and.clone(), spec.join.clone())).unwrap_or_default();
            Edit::Source { field, paths: std::iter::once(path).chain(more.0).collect(), join: more.1 }
        });
    }
    let open = sent.posted.get("open");
    let field = if open.is_empty() { sent.posted.get("f") } else { open }.to_owned();
    let index = sent.posted.number("go").or(sent.posted.number("r")).unwrap_or(1);
    let moved = !open.is_empty() || !sent.posted.get("go").is_empty();
    let hash = if open.is_empty() { "" } else { "panel" };
    sent.changed(edits, &field, index, hash, !moved).await
}

/// One field: its steps, or everything else of it.
pub async fn field(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    place: Where,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let sent = sent!(hub, frame, origin, place, &body);
    let field = sent.posted.get("f").to_owned();
    let named = || field.clone();
    let mut edits = Vec::new();
    if let Some(index) = sent.posted.number("remove") {
        edits.push(Edit::RemoveStep { field: named(), index });
    } else if let Some(index) = sent.posted.number("raise") {
        edits.push(Edit::RaiseStep { field: named(), index });
    } else if !sent.posted.get("add").is_empty() {
        match step(sent.posted.get("add"), &sent.posted) {
            Ok(step) => edits.push(Edit::AddStep { field: named(), step }),
            Err(code) => return sent.refused(code, "").await,
        }
    } else {
        let paths = sent.posted.get("paths").lines().map(|line| line.trim().to_owned());
        let join = Some(sent.posted.get("join").to_owned()).filter(|text| !text.is_empty());
        edits.push(Edit::Source { field: named(), paths: paths.collect(), join });
        let default = Some(sent.posted.get("default").trim().to_owned()).filter(|text| !text.is_empty());
        let texts = edit::known(sent.noun()?, &field).is_ok_and(|known| known.kind == FieldKind::Texts);
        if !texts {
            edits.push(Edit::Default { field: named(), value: default });
        }
        if !edit::known(sent.noun()?, &field).is_ok_and(|known| known.required) {
            edits.push(Edit::Required { field: named(), required: sent.posted.get("required") == "yes" });
        }
    }
    let index = sent.posted.number("r").unwrap_or(1);
    sent.changed(edits, &field, index, "panel", false).await
}

/// A step as a form says it, or the code of what is wrong with it.
fn step(name: &str, posted: &Posted) -> Result<Transform, &'static str> {
    let pattern = || posted.get("pattern").to_owned();
    Ok(match name {
        "trim" => Transform::Trim,
        "width" => Transform::Width,
        "no_spaces" => Transform::NoSpaces,
        "upper" => Transform::Upper,
        "lower" => Transform::Lower,
        "decimal" => Transform::Decimal,
        "integer" => Transform::Integer,
        "date" => Transform::Date,
        "instant" => Transform::Instant,
        "registration_number" => Transform::RegistrationNumber,
        "corporate_number" => Transform::CorporateNumber,
        "phone" => Transform::Phone,
        "mail" => Transform::Mail,
        "extract" => Transform::Extract(pattern()),
        "replace" => Transform::Replace { pattern: pattern(), with: posted.get("with").to_owned() },
        "part" => Transform::Part {
            separator: posted.get("separator").to_owned(),
            index: posted.get("index").parse().map_err(|_| "MAP_PART")?,
        },
        "values" => {
            let rows = posted.get("table").lines().filter(|line| !line.trim().is_empty());
            let pairs = rows.map(|row| row.split_once('=').or_else(|| row.split_once('＝')).ok_or("MAP_VALUES"));
            let table: indexmap::IndexMap<String, Value> = pairs
                .map(|pair| pair.map(|(from, to)| (from.trim().to_owned(), Value::from(to.trim()))))
                .collect::<Result<_, _>>()?;
            if table.is_empty() || table.len() > MOST_VALUES {
                return Err("MAP_VALUES");
            }
            Transform::Values(table)
        }
        _ => return Err("MAP_STEP_UNKNOWN"),
    })
}

/// Records to look at: the source's, with what failed before them, or one that is pasted.
pub async fn sample(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    place: Where,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let sent = sent!(hub, frame, origin, place, &body);
    let now = hub.clock.now();
    let pasted = sent.posted.get("json");
    let mut records: Vec<Sample> = Vec::new();
    if pasted.is_empty() {
        let taken = match rehearse::take(&sent.desk.live, &sent.desk.stream, SHOWN).await {
            Ok(taken) => taken,
            Err(error) => {
                let mut page = sent.page(&sent.posted.asked()).await?;
                page.trouble = Some((error.code().to_owned(), error.to_string()));
                return Ok((StatusCode::BAD_GATEWAY, page.render(&sent.shell)).into_response());
            }
        };
        let live = &sent.desk.live;
        let failed =
            store::failure::of_stream(&hub.db, &sent.me.view, &live.row.id, &sent.desk.stream, FAILURES).await?;
        records.extend(failed.into_iter().map(|f| Sample {
            external_id: f.external_id,
            source_version: f.source_version,
            body: f.payload,
            taken_at: now.0,
        }));
        records.extend(taken.into_iter().map(|record| kept(&record, now)));
    } else {
        let body = Some(pasted).filter(|text| text.len() <= LONGEST_RECORD);
        let body = body.and_then(|text| serde_json::from_str::<Value>(text).ok());
        let many = match body {
            Some(Value::Array(items)) => items,
            Some(object @ Value::Object(_)) => vec![object],
            _ => Vec::new(),
        };
        if many.is_empty() || !many.iter().all(Value::is_object) {
            return sent.refused("MAP_PASTE", "").await;
        }
        records.extend(many.into_iter().take(SHOWN).enumerate().map(|(index, body)| {
            kept(&Record { external_id: format!("{}", index + 1), version: None, body, deleted: false }, now)
        }));
    }
    let mut seen = std::collections::HashSet::new();
    records.retain(|record| seen.insert(record.external_id.clone()));
    records.truncate(SHOWN);
    let count = i64::try_from(records.len()).unwrap_or(0);
    let mut tx = hub.db.begin().await?;
    store::mapping::keep_sample(&mut tx, &sent.desk.live.row.id, &sent.desk.stream, &records).await?;
    let act = sent.act("mapping.look").detail(json!({"stream": sent.desk.stream, "records": count}));
    conclude(tx, act, now).await?;
    let said = if count == 0 { "mapping_sample_failed" } else { "mapping_sample" };
    Ok(done(&sent.at(sent.posted.get("f"), 1), said, Some(count)))
}

fn kept(record: &Record, now: Timestamp) -> Sample {
    Sample {
        external_id: record.external_id.clone(),
        source_version: record.version,
        body: record.body.to_string(),
        taken_at: now.0,
    }
}

/// Real records through the draft, everything taken back.
pub async fn rehearse(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    place: Where,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let sent = sent!(hub, frame, origin, place, &body);
    let (live, stream) = (&sent.desk.live, &sent.desk.stream);
    let mut page = sent.page(&Asked::default()).await?;
    let records = match rehearse::take(live, stream, REHEARSED).await {
        Ok(records) => records,
        Err(error) => {
            page.trouble = Some((error.code().to_owned(), error.to_string()));
            return Ok((StatusCode::BAD_GATEWAY, page.render(&sent.shell)).into_response());
        }
    };
    let spec = sent.desk.spec().clone();
    match rehearse::rehearse(&hub.engine, live, stream, spec, records, &sent.me.user_id).await {
        Ok(done) => {
            let rehearse::Rehearsal { read, new, updated, unchanged, parked, failed, alike, rejected: _ } = done;
            page.rehearsal = Some(view::Rehearsal { read, new, updated, unchanged, parked, failed, alike });
            Ok(page.render(&sent.shell).into_response())
        }
        // The page says what is open.
        Err(RehearseError::Invalid(_)) => {
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page.render(&sent.shell)).into_response())
        }
        Err(RehearseError::UnknownStream) => Err(AppError::NotFound),
        Err(RehearseError::Store(error)) => Err(error.into()),
        Err(RehearseError::Live(error)) => {
            tracing::error!(connection.id = %live.row.id, %error, "a draft cannot be tried");
            Err(AppError::invalid("MAP_UNUSABLE", "the connection cannot be built with this mapping"))
        }
    }
}

/// From the next record on the draft holds.
pub async fn publish(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    place: Where,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let sent = sent!(hub, frame, origin, place, &body);
    let (live, stream) = (&sent.desk.live, &sent.desk.stream);
    let now = hub.clock.now();
    let again = match sent.posted.get("again") {
        "all" => Some(Timestamp(0)),
        "days" => match sent.posted.get("days").parse::<i64>().ok().filter(|days| (1..=3650).contains(days)) {
            Some(days) => Some(now.plus(-days * Timestamp::DAY)),
            None => return sent.refused("MAP_DAYS", "").await,
        },
        _ => None,
    };
    let comment: String = sent.posted.get("comment").chars().take(200).collect();
    let mut tx = hub.db.begin().await?;
    let version = match mapping::publish(&mut tx, live, stream, Some(&comment), sent.by(now)).await {
        Ok(version) => version,
        Err(error) => {
            tx.rollback().await?;
            return sent.wrong(error).await;
        }
    };
    if let Some(since) = again {
        store::connection::ask_again(&mut tx, &live.row.id, stream, since).await?;
        store::connection::request(&mut tx, &live.row.id, &sent.me.user_id, now).await?;
    }
    let detail = json!({"stream": stream, "version": version, "reprocess": sent.posted.get("again")});
    conclude(tx, sent.act("mapping.publish").detail(detail), now).await?;
    hub.registry.reload(&hub.db, &hub.keys).await?;
    hub.engine.due_changed.notify_one();
    let mut said = ("mapping_published", None);
    if sent.posted.get("failures") == "yes" && sent.me.can(Action::ReplayFailures) {
        let failures =
            store::failure::of_stream(&hub.db, &sent.me.view, &live.row.id, stream, REPLAYED).await?;
        let replayed = replay::replay(&hub.engine, failures, &sent.me.user_id, false).await?;
        said = match store::failure::open_of_stream(&hub.db, &live.row.id, stream).await? {
            0 => ("mapping_published_replayed", Some(replayed.succeeded + replayed.parked)),
            left => ("mapping_published_left_failed", Some(left)),
        };
    }
    Ok(done(&sent.desk.address(), said.0, said.1))
}

/// Forgets the draft.
pub async fn discard(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    place: Where,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let sent = sent!(hub, frame, origin, place, &body);
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    let (id, stream) = (&sent.desk.live.row.id, &sent.desk.stream);
    if !store::mapping::drop_draft(&mut tx, id, stream, sent.posted.revision()).await? {
        tx.rollback().await?;
        return sent.wrong(MappingError::Overtaken).await;
    }
    conclude(tx, sent.act("mapping.discard").detail(json!({"stream": stream})), now).await?;
    Ok(done(&sent.desk.address(), "mapping_discarded", None))
}

/// Takes an older version up as the draft.
pub async fn restore(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    place: Where,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let sent = sent!(hub, frame, origin, place, &body);
    let now = hub.clock.now();
    let version = sent.posted.get("version").parse().unwrap_or(0);
    let (live, stream) = (&sent.desk.live, &sent.desk.stream);
    let connector = hub.registry.catalogue().get(&live.row.connector).ok_or(AppError::NotFound)?;
    let spec: MappingSpec = match mapping::version(&hub.db, connector, &live.row.id, stream, version).await {
        Ok(spec) => spec,
        Err(MappingError::Store(error)) => return Err(error.into()),
        Err(_) => return Err(AppError::NotFound),
    };
    let mut tx = hub.db.begin().await?;
    let base = (sent.desk.standing.version, &spec);
    if let Err(error) = mapping::take_up(&mut tx, live, stream, base, sent.by(now)).await {
        tx.rollback().await?;
        return sent.wrong(error).await;
    }
    let detail = json!({"stream": stream, "version": version});
    conclude(tx, sent.act("mapping.restore").detail(detail), now).await?;
    Ok(done(&format!("{}?view=diff", sent.desk.address()), "mapping_restored", None))
}

impl Sent<'_> {
    fn noun(&self) -> Result<Noun, AppError> {
        Ok(self.desk.live.manifest.stream(&self.desk.stream).ok_or(AppError::NotFound)?.record)
    }

    fn by(&self, now: Timestamp) -> By<'_> {
        By { revision: self.posted.revision(), actor: &self.me.user_id, now }
    }

    fn act(&self, action: &'static str) -> Act<'_> {
        Act::on(&self.me, &self.origin, action, "connection", &self.desk.live.row.id)
    }

    fn at(&self, field: &str, index: usize) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("f", field).append_pair("r", &index.to_string());
        format!("{}?{}", self.desk.address(), query.finish())
    }

    async fn page(&self, asked: &Asked) -> Result<view::MappingPage, AppError> {
        self.desk.page(self.hub, &self.shell, &self.me, asked).await
    }

    /// Makes changes of the draft and leads back to the field.
    async fn changed(
        self,
        edits: Vec<Edit>,
        field: &str,
        index: usize,
        hash: &str,
        say: bool,
    ) -> Result<Response, AppError> {
        let to = self.at(field, index);
        let hashed = |to: String| if hash.is_empty() { to } else { format!("{to}#{hash}") };
        if edits.is_empty() {
            return Ok(Redirect::to(&hashed(to)).into_response());
        }
        if let Some((code, detail)) = self.unreadable(&edits)? {
            return self.refused(code, &detail).await;
        }
        let now = self.hub.clock.now();
        let mut tx = self.hub.db.begin().await?;
        let Desk { live, stream, standing, .. } = &self.desk;
        match mapping::change(&mut tx, live, stream, standing, edits, self.by(now)).await {
            Ok(_) => {
                conclude(tx, self.act("mapping.draft").detail(json!({"stream": stream})), now).await?;
                Ok(if say { done(&to, "mapping_saved", None) } else { Redirect::to(&hashed(to)).into_response() })
            }
            Err(error) => {
                tx.rollback().await?;
                self.wrong(error).await
            }
        }
    }

    /// A change that can never be run is not kept: what was typed is said to be wrong at once. What is only
    /// not finished is kept.
    fn unreadable(&self, edits: &[Edit]) -> Result<Option<(&'static str, String)>, AppError> {
        let noun = self.noun()?;
        let (_, before) = Mapping::attempt(noun, self.desk.spec());
        let mut spec = self.desk.spec().clone();
        for edit in edits.iter().cloned() {
            if edit::apply(noun, &mut spec, edit).is_err() {
                return Ok(None);
            }
        }
        let (_, after) = Mapping::attempt(noun, &spec);
        let new = after.into_iter().find(|p| !before.contains(p) && matches!(p.code, "MAP_PATTERN" | "MAP_VALUE" | "MAP_FORM"));
        Ok(new.map(|problem| (problem.code, problem.message)))
    }

    /// The page again with what stands in the way.
    async fn wrong(&self, error: MappingError) -> Result<Response, AppError> {
        match error {
            MappingError::Store(error) => Err(error.into()),
            MappingError::UnknownStream | MappingError::UnknownVersion => Err(AppError::NotFound),
            MappingError::NoDraft | MappingError::Overtaken => {
                let mut page = self.page(&self.posted.asked()).await?;
                page.overtaken = true;
                Ok((StatusCode::CONFLICT, page.render(&self.shell)).into_response())
            }
            MappingError::Unfit(unfit) => self.refused(unfit.code(), "").await,
            MappingError::Invalid(_) => self.refused("MAP_INVALID", "").await,
        }
    }

    async fn refused(&self, code: &str, detail: &str) -> Result<Response, AppError> {
        let mut page = self.page(&self.posted.asked()).await?;
        page.error = Some(Words::said(&self.shell, code, detail));
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page.render(&self.shell)).into_response())
    }
}
