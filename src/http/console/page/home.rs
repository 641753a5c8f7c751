//! `/`: what needs the reader today.

use axum::{extract::State, response::Html};

use super::ShellOf;
use crate::{
    analytics::{Health, directory::Query},
    app::SharedHub,
    http::{
        AppError,
        console::{
            Section, Shell,
            view::{
                Page,
                home::{Due, DueReason, HomePage, News, Todo},
            },
        },
    },
    identity::Action,
    store::read_console::{self, TroubleRow},
};

pub async fn page(State(hub): State<SharedHub>, of: ShellOf) -> Result<Html<String>, AppError> {
    let today = of.shell.today();
    let mut view = HomePage { recent_is_orders: true, ..HomePage::default() };
    if of.me.can(Action::ViewCustomers) {
        let latest = Query { sort: "last_order".into(), descending: true, limit: 8, ..Query::default() };
        view.recent =
            hub.directory.query(&of.me.view, &latest, today).rows.into_iter().map(|(entry, _)| entry).collect();
        let acute =
            Query { health: vec![Health::Act], sort: "sales".into(), descending: true, limit: 8, ..Query::default() };
        let acute = hub.directory.query(&of.me.view, &acute, today);
        view.due_total = i64::try_from(acute.total).unwrap_or(i64::MAX);
        view.due = acute.rows.into_iter().map(|(entry, _)| due(&of.shell, entry)).collect();
    }
    let troubles = read_console::troubles(&hub.db, &of.me.view).await?;
    view.news = troubles.iter().filter_map(|row| news(&of.shell, row)).collect();
    if of.shell.is_admin() {
        view.todo = vec![
            Todo { key: "home.todo_customer", done: hub.directory.count(&of.me.view) > 0, href: "/customers" },
            Todo { key: "home.todo_connect", done: troubles.iter().any(|row| !row.sample), href: "/connections" },
            Todo {
                key: "home.todo_check",
                done: troubles.iter().any(|row| row.checked_at.is_some()),
                href: "/connections",
            },
        ];
    }
    Ok(view.render(&of.at(Section::Home)))
}

fn due(shell: &Shell, entry: crate::analytics::directory::Entry) -> Due {
    let reason = if entry.overdue > 0 {
        DueReason::Overdue { minor: entry.overdue, currency: entry.currency }
    } else {
        DueReason::Quiet(entry.last_contact.as_deref().map_or(0, |date| shell.quiet_days(date)))
    };
    Due { id: entry.id, name: entry.name, health: entry.health, reason }
}

/// Trouble in plain words; the worst of one connection only.
fn news(shell: &Shell, row: &TroubleRow) -> Option<News> {
    let (tone, text, href) = if row.auth_failed_at.is_some() {
        ("bad", shell.f1("home.news_reconnect", &row.name), format!("/connections/{}", row.id))
    } else if row.failures > 0 {
        ("warn", shell.f1("home.news_failed", &row.name), format!("/connections/{}", row.id))
    } else if row.open_failures > 0 {
        let text = shell.n1("home.news_records", row.open_failures, &row.name);
        ("warn", text, format!("/failures?connection={}", row.id))
    } else {
        return None;
    };
    Some(News { tone, text, href: shell.is_admin().then_some(href) })
}
