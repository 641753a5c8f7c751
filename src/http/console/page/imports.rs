//! `/imports`: files are brought, checked, applied and taken back.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Multipart, Path, RawForm, State, multipart::Field},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use musubi_files::{Encoding, Wishes, roles};

use super::{
    ShellOf, done,
    outcome::{Act, audited},
};
use crate::{
    app::{Change, Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section,
            view::{
                Page,
                import::{ColumnRow, ImportPage, ImportRow, ImportsPage},
            },
        },
    },
    identity::{Action, Origin, Principal},
    imports::{self, ImportError, Match, Plan, plan, stage},
    model::Timestamp,
    store::{
        self,
        import::{self, Import},
    },
};

/// Imports in the list.
const LISTED: i64 = 50;
/// Rejected rows on the page; the file has all.
const REJECTS: i64 = 100;
/// Values shown of a column.
const VALUES: usize = 3;
/// How long a form waits for a small file to be done.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

pub fn routes() -> Router<SharedHub> {
    Router::new()
        // The limit of files is the configuration's: `read` keeps to it.
        .route("/imports", get(list).post(bring).layer(DefaultBodyLimit::disable()))
        .route("/imports/stream", get(stream))
        .route("/imports/{id}", get(show))
        .route("/imports/{id}/plan", post(decide))
        .route("/imports/{id}/apply", post(apply))
        .route("/imports/{id}/undo", post(undo))
        .route("/imports/{id}/remove", post(remove))
        .route("/imports/{id}/rejects.csv", get(rejects))
}

/// Who brings files sees every customer: a sheet names whomever it likes.
fn may(me: &Principal) -> Result<(), AppError> {
    me.require(Action::ImportFiles)?;
    if me.view.departments().is_some() {
        return Err(AppError::invalid("IMPORT_LIMITED", "files are brought by people who see all customers"));
    }
    Ok(())
}

async fn stream(State(hub): State<SharedHub>, frame: ShellOf) -> Result<impl IntoResponse, AppError> {
    may(&frame.me)?;
    Ok(super::changes(&hub, |change| matches!(change, Change::Operations)))
}

async fn sources(hub: &Hub) -> Result<Vec<String>, AppError> {
    let all = store::connection::all(&hub.db).await?;
    Ok(all.into_iter().filter(|row| row.connector == stage::CONNECTOR).map(|row| row.name).collect())
}

async fn list_page(hub: &Hub, error: Option<String>) -> Result<ImportsPage, AppError> {
    let mut rows = Vec::new();
    for kept in import::list(&hub.db, LISTED).await? {
        let plan: Option<Plan> = serde_json::from_str(&kept.plan).ok();
        let report = kept.result.as_deref().or(kept.report.as_deref());
        let report: Option<imports::Report> = report.and_then(|text| serde_json::from_str(text).ok());
        rows.push(ImportRow {
            stream: plan.map(|plan| plan.stream().to_owned()).unwrap_or_default(),
            actor: store::operations::actor_name(&hub.db, Some(&kept.actor)).await?,
            at: Timestamp(kept.created_at),
            counts: report.map(|report| report.counts),
            id: kept.id,
            name: kept.name,
            state: kept.state,
        });
    }
    let max_mib = (hub.config.files.max.0 >> 20) as i64;
    Ok(ImportsPage { rows, sources: sources(hub).await?, error, max_mib })
}

async fn list(State(hub): State<SharedHub>, frame: ShellOf) -> Result<Html<String>, AppError> {
    may(&frame.me)?;
    let page = list_page(&hub, None).await?;
    Ok(page.render(&frame.at(Section::Connections)))
}

/// What the form of a file says.
#[derive(Default)]
struct Given {
    name: String,
    bytes: Vec<u8>,
    source: String,
    noun: String,
}

/// Reads a form with a file of at most `max` bytes.
async fn read(mut form: Multipart, max: u64) -> Result<Given, AppError> {
    let broken = |_| AppError::invalid("FORM_BROKEN", "the form did not arrive whole");
    let mut given = Given::default();
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        match field.name() {
            Some("file") => {
                given.name = field.file_name().unwrap_or_default().to_owned();
                given.bytes = whole(&mut field, max).await?;
            }
            Some("source") => given.source = String::from_utf8_lossy(&whole(&mut field, FIELD).await?).into_owned(),
            Some("noun") => given.noun = String::from_utf8_lossy(&whole(&mut field, FIELD).await?).into_owned(),
            _ => drop(whole(&mut field, FIELD).await?),
        }
    }
    Ok(given)
}

/// Bytes of a field that is no file.
const FIELD: u64 = 4096;

async fn whole(field: &mut Field<'_>, max: u64) -> Result<Vec<u8>, AppError> {
    let mut bytes = Vec::new();
    while let Some(chunk) =
        field.chunk().await.map_err(|_| AppError::invalid("FORM_BROKEN", "the form did not arrive whole"))?
    {
        if (bytes.len() + chunk.len()) as u64 > max {
            return Err(AppError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn bring(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    form: Multipart,
) -> Result<Response, AppError> {
    may(&frame.me)?;
    let given = read(form, hub.config.files.max.0).await?;
    let source = Some(given.source.trim()).filter(|s| !s.is_empty()).unwrap_or(frame.shell.t("import.source_default"));
    let brought = stage::Brought {
        name: &given.name,
        bytes: &given.bytes,
        source,
        noun: plan::noun(&given.noun),
        wishes: Wishes::default(),
        actor: &frame.me.user_id,
    };
    let limits = stage::limits(hub.config.files.max.0);
    let id = match stage::stage(&hub.engine, &limits, brought).await {
        Ok(id) => id,
        Err(ImportError::Store(error)) => return Err(error.into()),
        Err(error) => {
            let page = list_page(&hub, Some(error.code().to_owned())).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page.render(&frame.at(Section::Connections))).into_response());
        }
    };
    let mut tx = hub.db.begin().await?;
    let act = Act::on(&frame.me, &origin, "import.upload", "import", &id);
    audited(&mut tx, act.detail(serde_json::json!({"bytes": given.bytes.len()})), hub.clock.now()).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/imports/{id}")).into_response())
}

async fn find(hub: &Hub, id: &str) -> Result<Import, AppError> {
    import::get(&hub.db, id).await?.ok_or(AppError::NotFound)
}

async fn show(State(hub): State<SharedHub>, frame: ShellOf, Path(id): Path<String>) -> Result<Html<String>, AppError> {
    may(&frame.me)?;
    let kept = find(&hub, &id).await?;
    let page = page_of(&hub, kept).await?;
    let mut shell = frame.at(Section::Connections);
    if page.is_working() {
        shell.refresh = Some(2);
    }
    Ok(page.render(&shell))
}

async fn page_of(hub: &Hub, kept: Import) -> Result<ImportPage, AppError> {
    let plan: Plan = serde_json::from_str(&kept.plan).map_err(AppError::internal)?;
    let report = kept.result.as_deref().or(kept.report.as_deref());
    let report = report.and_then(|text| serde_json::from_str(text).ok());
    let source = store::connection::get(&hub.db, &kept.connection_id).await?.map(|row| row.name).unwrap_or_default();
    let mut page = ImportPage {
        rejects: import::rejects(&hub.db, &kept.id, 0, REJECTS).await?,
        kept: if kept.state == "undone" { import::kept(&hub.db, &kept.id, REJECTS).await? } else { Vec::new() },
        actor: store::operations::actor_name(&hub.db, Some(&kept.actor)).await?,
        at: Timestamp(kept.created_at),
        undone: kept.undone.as_deref().and_then(|text| serde_json::from_str(text).ok()),
        sources: sources(hub).await?,
        columns: Vec::new(),
        sheets: Vec::new(),
        top: Vec::new(),
        id: kept.id.clone(),
        name: kept.name.clone(),
        size: kept.size,
        state: kept.state.clone(),
        done: kept.done,
        run: kept.run_id.clone(),
        cause: kept.cause.clone(),
        detail: kept.detail.clone(),
        source,
        plan,
        report,
    };
    if page.is_open() {
        let limits = stage::limits(hub.config.files.max.0);
        let wishes = as_planned(&page.plan);
        // A file that cannot be looked at again keeps its plan; the page says why it failed.
        if let Ok((found, _)) = stage::again(&hub.engine, &limits, &kept, Some(page.plan.noun), wishes).await {
            page.sheets = found.sheets;
            page.top = found.top;
            page.columns = columns(&page.plan, &found.sample);
        }
    }
    Ok(page)
}

fn columns(plan: &Plan, sample: &[musubi_files::Row]) -> Vec<ColumnRow> {
    let pairs = plan.layout.columns.iter().zip(&plan.columns).enumerate();
    let values = |at: usize| {
        let filled = sample.iter().filter_map(|row| row.cells.get(at)).filter(|c| !c.trim().is_empty());
        filled.take(VALUES).map(|c| c.chars().take(40).collect()).collect()
    };
    pairs
        .map(|(at, (name, guess))| ColumnRow {
            name: name.clone(),
            values: values(at),
            role: guess.role.clone(),
            confidence: guess.confidence,
        })
        .collect()
}

/// The file read as the plan says.
fn as_planned(plan: &Plan) -> Wishes {
    let (encoding, delimiter) = match plan.layout.format {
        musubi_files::Format::Delimited { encoding, delimiter } => (Some(encoding), Some(delimiter)),
        musubi_files::Format::Cards { encoding } => (Some(encoding), None),
        musubi_files::Format::Workbook { .. } => (None, None),
    };
    Wishes { encoding, delimiter, sheet: plan.layout.sheet.clone(), heading: Some(plan.layout.heading) }
}

/// What the form of columns says.
#[derive(Default)]
struct Decided {
    again: bool,
    noun: String,
    sheet: Option<String>,
    heading: Option<u64>,
    encoding: Option<Encoding>,
    source: String,
    key: String,
    matching: String,
    roles: Vec<(usize, String)>,
}

fn decided(body: &[u8]) -> Decided {
    let mut out = Decided::default();
    for (name, value) in url::form_urlencoded::parse(body) {
        match name.as_ref() {
            "do" => out.again = value == "look",
            "noun" => out.noun = value.into_owned(),
            "sheet" => out.sheet = Some(value.into_owned()).filter(|s| !s.is_empty()),
            "heading" => out.heading = value.trim().parse().ok(),
            "encoding" => out.encoding = Encoding::parse(&value),
            "source" => out.source = value.trim().to_owned(),
            "key" => out.key = value.into_owned(),
            "match" => out.matching = value.into_owned(),
            name => {
                if let Some(at) = name.strip_prefix('c').and_then(|at| at.parse().ok()) {
                    out.roles.push((at, value.into_owned()));
                }
            }
        }
    }
    out
}

/// The plan with what a person chose.
fn chosen(mut plan: Plan, of: &Decided) -> Plan {
    let known = roles::of(plan.noun);
    for (at, role) in &of.roles {
        let role = Some(role.clone()).filter(|role| known.contains(role));
        let Some(guess) = plan.columns.get_mut(*at) else { continue };
        // The version column is not offered; it stays what it was taken for.
        if guess.role.as_deref() != Some(roles::HUB_VERSION) && guess.role != role {
            *guess = roles::Guess { role, confidence: 100 };
        }
    }
    let mut given: Vec<String> = Vec::new();
    for guess in &mut plan.columns {
        match &guess.role {
            Some(role) if given.contains(role) => guess.role = None,
            Some(role) => given.push(role.clone()),
            None => {}
        }
    }
    let key: Vec<String> = of.key.split(',').filter(|k| !k.is_empty()).map(str::to_owned).collect();
    plan.key = if !key.is_empty() && key.iter().all(|role| plan.has(role)) { key } else { plan.usual_key() };
    plan.matching = Match::parse(&of.matching).unwrap_or(plan.matching);
    plan
}

async fn decide(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    Path(id): Path<String>,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    may(&frame.me)?;
    let kept = find(&hub, &id).await?;
    let of = decided(&body);
    let before: Plan = serde_json::from_str(&kept.plan).map_err(AppError::internal)?;
    let noun = plan::noun(&of.noun).unwrap_or(before.noun);
    let now = as_planned(&before);
    let wishes = Wishes {
        encoding: of.encoding.or(now.encoding),
        // Another encoding may be cut otherwise.
        delimiter: now.delimiter.filter(|_| of.encoding.is_none_or(|e| Some(e) == now.encoding)),
        sheet: of.sheet.clone().or(now.sheet.clone()),
        heading: if of.sheet.is_some() && of.sheet != now.sheet { None } else { of.heading.or(now.heading) },
    };
    let limits = stage::limits(hub.config.files.max.0);
    let anew = of.again || noun != before.noun || wishes != now;
    let plan = if anew {
        match stage::again(&hub.engine, &limits, &kept, Some(noun), wishes).await {
            Ok((_, plan)) => plan,
            Err(ImportError::Store(error)) => return Err(error.into()),
            Err(error) => return Err(AppError::invalid(error.code(), error.to_string())),
        }
    } else {
        chosen(before, &of)
    };
    let source = if of.source.is_empty() { kept.connection_id.clone() } else { of.source.clone() };
    if anew || !plan.missing().is_empty() {
        // Shown once more: something is different from what the person saw, or is missing.
        let mut tx = hub.db.begin().await?;
        let text = serde_json::to_string(&plan).map_err(AppError::internal)?;
        import::set_plan(&mut tx, &id, &text, &kept.connection_id, hub.clock.now()).await?;
        import::go(&mut tx, &id, &["draft", "ready", "failed"], "draft", hub.clock.now()).await?;
        tx.commit().await?;
        return Ok(Redirect::to(&format!("/imports/{id}")).into_response());
    }
    match stage::plan(&hub.engine, &kept, &plan, &source).await {
        Ok(()) => {}
        Err(ImportError::Store(error)) => return Err(error.into()),
        Err(error) => return Err(AppError::Conflict { code: error.code(), detail: error.to_string() }),
    }
    settled(&hub, &id).await?;
    Ok(Redirect::to(&format!("/imports/{id}")).into_response())
}

/// Wakes the worker, and gives a small file the moment that it needs.
async fn settled(hub: &SharedHub, id: &str) -> Result<(), AppError> {
    let mut changes = hub.changes.subscribe();
    hub.importer.knock.notify_one();
    let end = tokio::time::Instant::now() + PATIENCE;
    while import::WORKING.contains(&find(hub, id).await?.state.as_str()) {
        if tokio::time::timeout_at(end, changes.recv()).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn begin(
    hub: &SharedHub,
    me: &Principal,
    origin: &Origin,
    id: &str,
    (from, to, action): (&[&str], &str, &'static str),
) -> Result<(), AppError> {
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    if !import::go(&mut tx, id, from, to, now).await? {
        let code = ImportError::Overtaken.code();
        return Err(AppError::Conflict { code, detail: ImportError::Overtaken.to_string() });
    }
    audited(&mut tx, Act::on(me, origin, action, "import", id), now).await?;
    tx.commit().await?;
    settled(hub, id).await
}

async fn apply(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    may(&frame.me)?;
    find(&hub, &id).await?;
    begin(&hub, &frame.me, &origin, &id, (&["ready"], "applying", "import.apply")).await?;
    Ok(Redirect::to(&format!("/imports/{id}")).into_response())
}

async fn undo(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    may(&frame.me)?;
    find(&hub, &id).await?;
    begin(&hub, &frame.me, &origin, &id, (&["applied"], "undoing", "import.undo")).await?;
    Ok(Redirect::to(&format!("/imports/{id}")).into_response())
}

async fn remove(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    may(&frame.me)?;
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    if import::remove(&mut tx, &id).await? {
        audited(&mut tx, Act::on(&frame.me, &origin, "import.remove", "import", &id), now).await?;
    }
    tx.commit().await?;
    Ok(done("/imports", "import_removed", None))
}

async fn rejects(State(hub): State<SharedHub>, frame: ShellOf, Path(id): Path<String>) -> Result<Response, AppError> {
    may(&frame.me)?;
    let kept = find(&hub, &id).await?;
    let plan: Plan = serde_json::from_str(&kept.plan).map_err(AppError::internal)?;
    let bytes = imports::rejects_csv(&hub.db, &kept, &plan).await.map_err(AppError::internal)?;
    let name = format!("attachment; filename=\"rejects-{id}.csv\"");
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, bytes).into_response())
}
