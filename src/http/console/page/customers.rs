use axum::{extract::State, response::Html};

use super::ShellOf;
use crate::{
    app::SharedHub,
    http::{
        AppError,
        console::{
            Section,
            view::{
                Page,
                customers::{CustomersPage, ListQuery},
            },
        },
    },
    identity::Action,
};

pub async fn page(State(hub): State<SharedHub>, of: ShellOf) -> Result<Html<String>, AppError> {
    of.me.require(Action::ViewCustomers)?;
    let query = ListQuery::parse(&of.query);
    let today = of.shell.today();
    let tabs = hub.directory.tabs(&of.me.view, today);
    let view = CustomersPage {
        answer: hub.directory.query(&of.me.view, &query.question(), today),
        query,
        tab_counts: [tabs.all, tabs.quiet, tabs.overdue],
        connections: of.shell.connections.unwrap_or(0),
        loading: false,
    };
    Ok(view.render(&of.at(Section::Customers)))
}
