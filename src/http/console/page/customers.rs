//! `/customers`: the list.

use std::collections::{BTreeMap, HashMap};

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};

use super::ShellOf;
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section,
            view::{
                Page,
                customers::{Column, Current, CustomersPage, ListQuery, MOST_TABS, Opened, SavedTab},
            },
        },
    },
    identity::Action,
    lists::{CUSTOMERS, query::called, views},
    store::{StoreError, saved_view},
};

pub async fn page(State(hub): State<SharedHub>, of: ShellOf) -> Result<Response, AppError> {
    of.me.require(Action::ViewCustomers)?;
    let choice = saved_view::choice(&hub.db, &of.me.user_id, CUSTOMERS).await?;
    let all = views::all(&hub.db, &of.me).await?;
    let mut query = ListQuery::parse(&of.query);
    if let Some(to) = shortcut(&of.query, &query, choice.view_id.as_deref(), &all) {
        return Ok(Redirect::to(&to).into_response());
    }
    // Who has a view that opens first comes to all customers by saying so.
    let first = choice.view_id.is_some_and(|id| all.iter().any(|view| view.id == id));
    if first && query.opened == Opened::Unsaid {
        query.opened = Opened::None;
    }
    let chosen = choice.columns.as_deref().map(Column::list).filter(|columns| !columns.is_empty());
    let columns = query.columns.clone().or(chosen).unwrap_or_else(|| Column::USUAL.to_vec());
    let dense = query.dense.unwrap_or(choice.dense);
    let (today, mine) = (of.shell.today(), called(&of.me.name));
    let tabs = hub.directory.tabs(&of.me.view, &mine, today);
    let answer = hub.directory.query(&of.me.view, &query.question(&mine), today);
    let custom = custom_values(&hub, &columns, &answer).await?;
    let view = CustomersPage {
        answer,
        tab_counts: [tabs.all, tabs.mine, tabs.quiet, tabs.overdue],
        saved: tabs_of(&hub, &of, &query, &all, &mine),
        saved_total: all.len(),
        current: current(&of, &query, &all),
        may_save: of.me.can(Action::SaveViews),
        columns: columns.into_iter().filter(|column| is_there(&of, column)).collect(),
        dense,
        custom,
        connections: of.shell.connections.unwrap_or(0),
        loading: false,
        query,
    };
    Ok(view.render(&of.at(Section::Customers)).into_response())
}

/// The whole address of a view that is named alone, or that opens first: what is seen stands in the address.
fn shortcut(raw: &str, query: &ListQuery, first: Option<&str>, all: &[saved_view::Row]) -> Option<String> {
    let find = |id: &str| all.iter().find(|view| view.id == id);
    let view = match &query.opened {
        Opened::View(id) if query.filter().is_empty() && query.page == 1 => find(id),
        Opened::Unsaid if raw.is_empty() => first.and_then(find),
        _ => None,
    }?;
    let whole = whole(view);
    // A view that narrows nothing is its own address.
    (whole != *query).then(|| whole.href())
}

/// A view as the list's question.
fn whole(view: &saved_view::Row) -> ListQuery {
    ListQuery { opened: Opened::View(view.id.clone()), ..ListQuery::parse(&view.query) }
}

/// A column of a field that is there no more is not shown.
fn is_there(of: &ShellOf, column: &Column) -> bool {
    match column {
        Column::Custom(key) => of.shell.fields.get(key).is_some_and(|field| !field.retired),
        _ => true,
    }
}

fn tabs_of(hub: &Hub, of: &ShellOf, query: &ListQuery, all: &[saved_view::Row], mine: &[String]) -> Vec<SavedTab> {
    let open = |view: &&saved_view::Row| query.opened == Opened::View(view.id.clone());
    let mut shown: Vec<&saved_view::Row> = all.iter().take(MOST_TABS).collect();
    // The one that is open stands there in any case.
    if let Some(view) = all.iter().skip(MOST_TABS).find(open) {
        shown.push(view);
    }
    let tab = |view: &saved_view::Row| {
        let question = whole(view);
        SavedTab {
            id: view.id.clone(),
            name: view.name.clone(),
            shared: view.shared,
            count: hub.directory.matching(&of.me.view, &question.question(mine), of.shell.today()),
            href: question.href(),
            current: open(&view),
        }
    };
    shown.into_iter().map(tab).collect()
}

fn current(of: &ShellOf, query: &ListQuery, all: &[saved_view::Row]) -> Option<Current> {
    let Opened::View(id) = &query.opened else { return None };
    let view = all.iter().find(|view| view.id == *id)?;
    Some(Current {
        id: view.id.clone(),
        name: view.name.clone(),
        may_change: views::may_change(&of.me, view),
        moved: ListQuery::parse(&view.query).filter() != query.filter(),
    })
}

/// Values of added fields, where a column shows one.
async fn custom_values(
    hub: &Hub,
    columns: &[Column],
    answer: &crate::analytics::directory::Answer,
) -> Result<HashMap<String, BTreeMap<String, String>>, StoreError> {
    if !columns.iter().any(|column| matches!(column, Column::Custom(_))) {
        return Ok(HashMap::new());
    }
    let ids: Vec<String> = answer.rows.iter().map(|(entry, _)| entry.id.clone()).collect();
    let rows = saved_view::custom(&hub.db, &ids).await?;
    Ok(rows.into_iter().map(|(id, json)| (id, serde_json::from_str(&json).unwrap_or_default())).collect())
}
