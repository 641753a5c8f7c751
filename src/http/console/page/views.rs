//! `/customers/views` and `/customers/columns`: keeping the list under a name, and how it looks.

use axum::{
    Router,
    extract::{Path, RawForm, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};

use super::{ShellOf, done};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section, Shell,
            view::{
                Page,
                customers::{Column, ListQuery, chips_of},
                saved_view::{ColumnsPage, SavedViewPage, SavedViewsPage, ViewRow},
            },
        },
    },
    identity::{Action, Origin},
    lists::{
        CUSTOMERS,
        views::{self, ViewError, Wanted, Who},
    },
    model::Timestamp,
    store::saved_view,
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/customers/views", get(list).post(create))
        .route("/customers/views/new", get(blank))
        .route("/customers/views/{id}", get(one).post(change))
        .route("/customers/views/{id}/remove", post(remove))
        .route("/customers/columns", get(columns).post(choose))
}

/// A posted form in which a name may stand many times.
pub(super) struct Posted(Vec<(String, String)>);

impl Posted {
    pub(super) fn read(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn every(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }
}

async fn list(State(hub): State<SharedHub>, of: ShellOf) -> Result<Html<String>, AppError> {
    let of = of.allow(Action::ViewCustomers, Section::Customers)?;
    let first = saved_view::choice(&hub.db, &of.me.user_id, CUSTOMERS).await?.view_id;
    let row = |view: saved_view::Row| ViewRow {
        opens_first: first.as_deref() == Some(view.id.as_str()),
        id: view.id,
        name: view.name,
        shared: view.shared,
        owner: view.owner_name,
        at: Timestamp(view.updated_at),
    };
    let rows = views::all(&hub.db, &of.me).await?.into_iter().map(row).collect();
    Ok(SavedViewsPage { rows }.render(&of.shell))
}

async fn blank(of: ShellOf) -> Result<Html<String>, AppError> {
    let of = of.allow(Action::SaveViews, Section::Customers)?;
    let query = ListQuery::parse(&of.query).saved();
    let chips = words(&of.shell, &query);
    let view = SavedViewPage {
        chips,
        query,
        may_change: true,
        may_share: views::may_share(&of.me).is_ok(),
        ..SavedViewPage::default()
    };
    Ok(view.render(&of.shell))
}

fn words(shell: &Shell, query: &str) -> Vec<String> {
    chips_of(shell, &ListQuery::parse(query))
}

async fn create(
    State(hub): State<SharedHub>,
    of: ShellOf,
    origin: Origin,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let of = of.allow(Action::SaveViews, Section::Customers)?;
    let posted = Posted::read(&body);
    let wanted = wanted(&posted);
    let who = Who { me: &of.me, origin: &origin, token: None, now: hub.clock.now() };
    let mut tx = hub.db.begin().await?;
    match views::create(&mut tx, who, wanted.clone()).await {
        Ok(view) => {
            if posted.get("first").is_some() {
                views::open_first(&mut tx, &of.me, Some(&view.id)).await?;
            }
            tx.commit().await?;
            Ok(Redirect::to(&format!("/customers?view={}", view.id)).into_response())
        }
        Err(error) => {
            tx.rollback().await?;
            let query = wanted.query.clone().unwrap_or_default();
            let page = SavedViewPage {
                chips: words(&of.shell, &query),
                query,
                may_change: true,
                opens_first: posted.get("first").is_some(),
                ..SavedViewPage::default()
            };
            again(&of, error, page, wanted)
        }
    }
}

fn wanted(posted: &Posted) -> Wanted {
    Wanted {
        name: posted.get("name").map(str::to_owned),
        shared: posted.get("shared").map(|word| word == "1"),
        query: posted.get("query").map(str::to_owned),
    }
}

/// The form once more with what is wrong, or the refusal as a page.
fn again(of: &ShellOf, error: ViewError, page: SavedViewPage, wanted: Wanted) -> Result<Response, AppError> {
    let code = match error {
        ViewError::Name | ViewError::NameTaken | ViewError::Many | ViewError::Query => error.code(),
        ViewError::Stale(_) => "VERSION_STALE",
        ViewError::Missing => return Err(AppError::NotFound),
        ViewError::Denied(denied) => return Err(denied.into()),
        ViewError::Store(error) => return Err(error.into()),
    };
    let page = SavedViewPage {
        name: wanted.name.unwrap_or_default(),
        shared: wanted.shared.unwrap_or(page.shared),
        may_share: views::may_share(&of.me).is_ok(),
        error: Some(code),
        ..page
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page.render(&of.shell)).into_response())
}

async fn form(hub: &Hub, of: &ShellOf, id: &str) -> Result<SavedViewPage, AppError> {
    let view = saved_view::one(&hub.db, &of.me.user_id, id).await?.ok_or(AppError::NotFound)?;
    let first = saved_view::choice(&hub.db, &of.me.user_id, CUSTOMERS).await?.view_id;
    Ok(SavedViewPage {
        opens_first: first.as_deref() == Some(id),
        may_change: views::may_change(&of.me, &view),
        may_share: views::may_share(&of.me).is_ok() && (!view.shared || view.owner_id == of.me.user_id),
        chips: words(&of.shell, &view.query),
        id: Some(view.id),
        heading: view.name.clone(),
        name: view.name,
        shared: view.shared,
        query: view.query,
        error: None,
    })
}

async fn one(State(hub): State<SharedHub>, Path(id): Path<String>, of: ShellOf) -> Result<Html<String>, AppError> {
    let of = of.allow(Action::ViewCustomers, Section::Customers)?;
    Ok(form(&hub, &of, &id.replace('\0', "")).await?.render(&of.shell))
}

async fn change(
    State(hub): State<SharedHub>,
    Path(id): Path<String>,
    of: ShellOf,
    origin: Origin,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let of = of.allow(Action::ViewCustomers, Section::Customers)?;
    let (posted, id) = (Posted::read(&body), id.replace('\0', ""));
    let page = form(&hub, &of, &id).await?;
    let mut wanted = wanted(&posted);
    if !page.may_share {
        wanted.shared = None;
    }
    let who = Who { me: &of.me, origin: &origin, token: None, now: hub.clock.now() };
    let mut tx = hub.db.begin().await?;
    // Whoever may only open it says at least with what their list opens.
    if (page.may_change || wanted.query.is_some())
        && let Err(error) = views::change(&mut tx, who, &id, wanted.clone(), None).await
    {
        tx.rollback().await?;
        return again(&of, error, page, wanted);
    }
    if posted.get("settings").is_some() {
        let first = posted.get("first").is_some();
        if first != page.opens_first {
            views::open_first(&mut tx, &of.me, first.then_some(id.as_str())).await?;
        }
    }
    tx.commit().await?;
    // The state that was kept is the address; the notice stands above it.
    let view = saved_view::one(&hub.db, &of.me.user_id, &id).await?.ok_or(AppError::NotFound)?;
    let list = if view.query.is_empty() { String::new() } else { format!("&{}", view.query) };
    Ok(done(&format!("/customers?view={id}{list}"), "view_saved", None))
}

async fn remove(
    State(hub): State<SharedHub>,
    Path(id): Path<String>,
    of: ShellOf,
    origin: Origin,
) -> Result<Response, AppError> {
    let of = of.allow(Action::SaveViews, Section::Customers)?;
    let who = Who { me: &of.me, origin: &origin, token: None, now: hub.clock.now() };
    let mut tx = hub.db.begin().await?;
    match views::remove(&mut tx, who, &id.replace('\0', "")).await {
        Ok(()) => tx.commit().await?,
        Err(ViewError::Denied(denied)) => return Err(denied.into()),
        Err(ViewError::Store(error)) => return Err(error.into()),
        Err(_) => return Err(AppError::NotFound),
    }
    Ok(done("/customers/views", "view_removed", None))
}

async fn columns(State(hub): State<SharedHub>, of: ShellOf) -> Result<Html<String>, AppError> {
    let of = of.allow(Action::ViewCustomers, Section::Customers)?;
    let choice = saved_view::choice(&hub.db, &of.me.user_id, CUSTOMERS).await?;
    let query = ListQuery::parse(&of.query);
    let chosen = choice.columns.as_deref().map(Column::list).filter(|columns| !columns.is_empty());
    let shown = query.columns.clone().or(chosen).unwrap_or_else(|| Column::USUAL.to_vec());
    let dense = query.dense.unwrap_or(choice.dense);
    let added = of.shell.fields.living().map(|field| Column::Custom(field.key.clone()));
    let rest: Vec<Column> = Column::own().chain(added).filter(|column| !shown.contains(column)).collect();
    let there = |column: &Column| match column {
        Column::Custom(key) => of.shell.fields.get(key).is_some_and(|field| !field.retired),
        _ => true,
    };
    let rows = shown.into_iter().filter(there).map(|column| (column, true));
    let rows = rows.chain(rest.into_iter().map(|column| (column, false))).collect();
    Ok(ColumnsPage { filter: query.filter(), rows, dense }.render(&of.shell))
}

async fn choose(State(hub): State<SharedHub>, of: ShellOf, RawForm(body): RawForm) -> Result<Response, AppError> {
    let of = of.allow(Action::ViewCustomers, Section::Customers)?;
    let posted = Posted::read(&body);
    let mut query = ListQuery::parse(posted.get("back").unwrap_or_default());
    let dense = posted.get("dense") == Some("1");
    let mut columns = Column::list(&posted.every("col").join(","));
    // Without script an arrow is a post of its own: the same page again, in the new order.
    let step = posted.get("up").map(|column| (column, true)).or(posted.get("down").map(|column| (column, false)));
    if let Some((column, up)) = step {
        shift(&mut columns, column, up);
        query.columns = Some(columns).filter(|columns| !columns.is_empty());
        query.dense = Some(dense);
        return Ok(Redirect::to(&query.href().replacen("/customers", "/customers/columns", 1)).into_response());
    }
    let usual = posted.get("reset").is_some() || columns.is_empty();
    let kept = (!usual && columns != Column::USUAL).then_some(columns.as_slice());
    let mut tx = hub.db.begin().await?;
    views::look(&mut tx, &of.me, kept, dense && !usual).await?;
    tx.commit().await?;
    query.columns = kept.map(<[Column]>::to_vec);
    query.dense = (dense && !usual).then_some(true);
    Ok(Redirect::to(&query.href()).into_response())
}

/// One place up or down among the chosen ones; what was not chosen stands behind them.
fn shift(columns: &mut [Column], moved: &str, up: bool) {
    let Some(at) = columns.iter().position(|column| column.value() == moved) else { return };
    let to = if up { at.checked_sub(1) } else { Some(at + 1).filter(|to| *to < columns.len()) };
    if let Some(to) = to {
        columns.swap(at, to);
    }
}
