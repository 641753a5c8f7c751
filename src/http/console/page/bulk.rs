//! `/customers/bulk`: the same for many customers.

use axum::{
    Router,
    extract::{Path, RawForm, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};

use super::{ShellOf, done, views::Posted};
use crate::{
    app::{Change, Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section,
            view::{
                Page,
                bulk::{BulkJobPage, BulkPage},
                customer_edit::EditField,
                customers::ListQuery,
            },
        },
    },
    identity::{Action, Origin},
    lists::{
        bulk::{self, BulkError, Wanted},
        query::called,
    },
    model::{Id, Timestamp, ids::Noun},
    store::bulk as rows,
};

/// Jobs of before that are listed.
const LISTED: i64 = 10;
/// Customers shown that a job left as they were.
const LEFT: i64 = 50;

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/customers/bulk", get(form).post(start))
        .route("/customers/bulk/{id}", get(show))
        .route("/customers/bulk/{id}/stream", get(stream))
        .route("/customers/bulk/{id}/undo", post(undo))
}

/// The customers that an address or a form chooses: single ones, or everybody that its question finds.
pub(super) struct Chosen {
    pub query: ListQuery,
    pub everybody: bool,
    pub ids: Vec<String>,
}

impl Chosen {
    /// `most`: more are not looked up.
    pub(super) fn read(hub: &Hub, of: &ShellOf, raw: &str, most: usize) -> Self {
        let posted = Posted::read(raw.as_bytes());
        let query = ListQuery::parse(raw);
        let everybody = posted.get("all") == Some("1");
        let ids = if everybody {
            let question = query.question(&called(&of.me.name));
            let question = crate::analytics::directory::Query { offset: 0, limit: most, ..question };
            let answer = hub.directory.query(&of.me.view, &question, of.shell.today());
            answer.rows.into_iter().map(|(entry, _)| entry.id).collect()
        } else {
            let ids = posted.every("id").into_iter().filter_map(|id| Id::parse(Noun::Customer, id));
            let mut ids: Vec<String> = ids.map(Id::into_string).collect();
            let mut seen = std::collections::HashSet::new();
            ids.retain(|id| seen.insert(id.clone()));
            ids.truncate(most);
            ids
        };
        Self { query, everybody, ids }
    }
}

fn wanted(posted: &Posted, field: &str) -> Wanted {
    Wanted {
        field: field.to_owned(),
        value: posted.get("value").unwrap_or_default().to_owned(),
        pinned: posted.get("pin") == Some("1"),
    }
}

async fn page_of(hub: &Hub, of: &ShellOf, raw: &str) -> Result<BulkPage, AppError> {
    let posted = Posted::read(raw.as_bytes());
    let chosen = Chosen::read(hub, of, raw, bulk::MOST + 1);
    let fields = bulk::fields(&of.me.view, &of.shell.fields);
    let field = posted.get("field").filter(|field| fields.iter().any(|known| known == field));
    let input = field.map(|field| EditField {
        name: field.to_owned(),
        added: of.shell.fields.of_field(field).cloned(),
        value: posted.get("value").unwrap_or_default().to_owned(),
        seen: String::new(),
        hidden: false,
        error: None,
        overtaken: None,
        source: None,
        pinned: false,
    });
    let facets = hub.directory.query(&of.me.view, &crate::analytics::directory::Query::default(), of.shell.today());
    let known = match field {
        Some("owner") => facets.owner,
        Some("department") => facets.department,
        Some("industry") => facets.industry,
        _ => Vec::new(),
    };
    let known = known.into_iter().map(|(value, _)| value).filter(|value| !crate::lists::query::is_none(value));
    let jobs = rows::list(&hub.db, Some(&of.me.user_id), LISTED).await?;
    Ok(BulkPage {
        filter: chosen.query.filter(),
        everybody: chosen.everybody,
        count: chosen.ids.len(),
        too_many: chosen.ids.len() > bulk::MOST,
        // Everybody is named by the question, not one by one.
        ids: if chosen.everybody { Vec::new() } else { chosen.ids },
        may_edit: of.me.can(Action::EditCustomers),
        input,
        fields,
        known: known.collect(),
        own_departments: of.me.view.departments().map(|of| of.names.clone()).unwrap_or_default(),
        pinned: posted.get("pin") == Some("1"),
        preview: None,
        error: None,
        jobs,
    })
}

async fn form(State(hub): State<SharedHub>, of: ShellOf) -> Result<Response, AppError> {
    let of = of.allow(Action::ViewCustomers, Section::Customers)?;
    let raw = of.query.clone();
    let page = page_of(&hub, &of, &raw).await?;
    let posted = Posted::read(raw.as_bytes());
    let ready = posted.get("look").is_some() && page.may_edit && !page.too_many && page.count > 0;
    let Some(field) = page.input.as_ref().map(|input| input.name.clone()).filter(|_| ready) else {
        return Ok(page.render(&of.shell).into_response());
    };
    looked(&hub, &of, page, &wanted(&posted, &field), &raw, None).await
}

/// The page with what would happen, or with why it cannot.
async fn looked(
    hub: &Hub,
    of: &ShellOf,
    mut page: BulkPage,
    wanted: &Wanted,
    raw: &str,
    told: Option<BulkError>,
) -> Result<Response, AppError> {
    let ids = Chosen::read(hub, of, raw, bulk::MOST + 1).ids;
    match bulk::look(&hub.db, &of.me.view, hub.currency, &ids, wanted).await {
        Ok(preview) => page.preview = Some(preview),
        Err(BulkError::Store(error)) => return Err(error.into()),
        Err(error) => {
            if let Some(input) = &mut page.input {
                input.error = Some(error.code());
            }
        }
    }
    page.error = told.as_ref().map(BulkError::code);
    let wrong = page.error.is_some() || page.preview.is_none();
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok((status, page.render(&of.shell)).into_response())
}

async fn start(
    State(hub): State<SharedHub>,
    of: ShellOf,
    origin: Origin,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let of = of.allow(Action::EditCustomers, Section::Customers)?;
    let raw = String::from_utf8_lossy(&body).into_owned();
    let posted = Posted::read(raw.as_bytes());
    let wanted = wanted(&posted, posted.get("field").unwrap_or_default());
    let ids = Chosen::read(&hub, &of, &raw, bulk::MOST + 1).ids;
    // What was looked at is what is done: where the list found others meanwhile, it is looked at again.
    let seen = posted.get("count").and_then(|count| count.parse::<usize>().ok());
    let begun = if seen.is_some_and(|seen| seen != ids.len()) {
        Err(BulkError::Moved(ids.len()))
    } else {
        bulk::start(&hub.db, &of.me, &origin, hub.currency, &ids, &wanted, hub.clock.now()).await
    };
    match begun {
        Ok(id) => {
            hub.bulk.notify_one();
            Ok(Redirect::to(&format!("/customers/bulk/{id}")).into_response())
        }
        Err(BulkError::Store(error)) => Err(error.into()),
        Err(error) => {
            let page = page_of(&hub, &of, &raw).await?;
            looked(&hub, &of, page, &wanted, &raw, Some(error)).await
        }
    }
}

async fn show(State(hub): State<SharedHub>, Path(id): Path<String>, of: ShellOf) -> Result<Html<String>, AppError> {
    let of = of.allow(Action::ViewCustomers, Section::Customers)?;
    let job = bulk::open(&hub.db, &of.me, &id.replace('\0', "")).await?.ok_or(AppError::NotFound)?;
    let mut left = Vec::new();
    for state in ["refused", "kept"] {
        for item in rows::items(&hub.db, &job.id, state, LEFT).await? {
            // Whom the reader does not see any more has no name here.
            if let Some(entry) = hub.directory.get(&of.me.view, &item.customer_id) {
                left.push((entry.id, entry.name, item.cause));
            }
        }
    }
    let counts = rows::counts(&hub.db, &job.id).await?;
    let page = BulkJobPage { at: Timestamp(job.created_at), job, counts, left };
    let mut shell = of.shell;
    if page.is_working() {
        shell.refresh = Some(2);
    }
    Ok(page.render(&shell))
}

async fn stream(
    State(hub): State<SharedHub>,
    Path(id): Path<String>,
    of: ShellOf,
) -> Result<impl IntoResponse, AppError> {
    of.me.require(Action::ViewCustomers)?;
    bulk::open(&hub.db, &of.me, &id.replace('\0', "")).await?.ok_or(AppError::NotFound)?;
    Ok(super::changes(&hub, |change| matches!(change, Change::Operations)))
}

async fn undo(
    State(hub): State<SharedHub>,
    Path(id): Path<String>,
    of: ShellOf,
    origin: Origin,
) -> Result<Response, AppError> {
    let of = of.allow(Action::EditCustomers, Section::Customers)?;
    let id = id.replace('\0', "");
    match bulk::undo(&hub.db, &of.me, &origin, &id, hub.clock.now()).await {
        Ok(()) => {
            hub.bulk.notify_one();
            Ok(done(&format!("/customers/bulk/{id}"), "bulk_undoing", None))
        }
        Err(BulkError::State) => Ok(done(&format!("/customers/bulk/{id}"), "bulk_undo_failed", None)),
        Err(BulkError::Store(error)) => Err(error.into()),
        Err(_) => Err(AppError::NotFound),
    }
}
