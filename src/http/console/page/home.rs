//! `/`: what needs the reader today.

use axum::{extract::State, response::Html};

use super::ShellOf;
use crate::{
    analytics::{Health, directory::Query},
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section, Shell,
            view::{
                Page,
                home::{Due, DueReason, HomePage, News, Todo, ViewLink},
            },
        },
    },
    identity::Action,
    lists::{
        query::{ListQuery, Opened, Tab, called},
        search, views,
    },
    store::read_console::{self, TroubleRow},
};

/// Customers of one block.
const SHOWN: usize = 8;
/// Saved views that are linked.
const VIEWS: usize = 5;

pub async fn page(State(hub): State<SharedHub>, of: ShellOf) -> Result<Html<String>, AppError> {
    let mut view = HomePage::default();
    if of.me.can(Action::ViewCustomers) {
        customers(&hub, &of, &mut view).await?;
    }
    let troubles = read_console::troubles(&hub.db, &of.me.view).await?;
    view.news = troubles.iter().filter_map(|row| news(&of.shell, row)).collect();
    if of.me.can(Action::ViewFailures) && of.shell.open_failures > 0 {
        let text = of.shell.n("home.news_failures", of.shell.open_failures);
        view.news.push(News { tone: "warn", text, href: Some("/failures".to_owned()) });
    }
    if of.shell.is_admin() {
        view.todo = todo(&hub, &of, &troubles).await?;
    }
    Ok(view.render(&of.at(Section::Home)))
}

/// What this person looked at, what of their own needs them, and their views.
async fn customers(hub: &Hub, of: &ShellOf, view: &mut HomePage) -> Result<(), AppError> {
    let (today, mine) = (of.shell.today(), called(&of.me.name));
    let ask = |query: &Query| hub.directory.query(&of.me.view, query, today);
    view.customers = true;
    view.recent = search::recent(&hub.db, &hub.directory, &of.me, SHOWN).await?;
    view.recent_is_orders = view.recent.is_empty();
    if view.recent_is_orders {
        let latest = Query { sort: "last_order".into(), descending: true, limit: SHOWN, ..Query::default() };
        view.recent = ask(&latest).rows.into_iter().map(|(entry, _)| entry).collect();
    }
    let tabs = hub.directory.tabs(&of.me.view, &mine, today);
    view.due_is_own = tabs.mine > 0;
    let due = Query {
        health: vec![Health::Act],
        mine: view.due_is_own.then_some(mine.clone()),
        sort: "sales".into(),
        descending: true,
        limit: SHOWN,
        ..Query::default()
    };
    let acute = ask(&due);
    view.due_total = i64::try_from(acute.total).unwrap_or(i64::MAX);
    view.due = acute.rows.into_iter().map(|(entry, _)| due_of(&of.shell, entry)).collect();
    let tab = if view.due_is_own { Tab::Mine } else { Tab::All };
    view.due_href =
        ListQuery { tab, health: vec![Health::Act], opened: Opened::None, page: 1, ..Default::default() }.href();
    let link = |saved: crate::store::saved_view::Row| {
        let query = ListQuery { opened: Opened::View(saved.id.clone()), ..ListQuery::parse(&saved.query) };
        let count = hub.directory.matching(&of.me.view, &query.question(&mine), today);
        ViewLink { href: query.href(), name: saved.name, count }
    };
    view.views = views::all(&hub.db, &of.me).await?.into_iter().take(VIEWS).map(link).collect();
    Ok(())
}

/// What is left of setting up, from what stands in the hub.
async fn todo(hub: &Hub, of: &ShellOf, troubles: &[TroubleRow]) -> Result<Vec<Todo>, AppError> {
    let others = crate::store::user::list(&hub.db).await?.len() > 1;
    let providers = !crate::store::idp::all(&hub.db).await?.is_empty();
    let point = |key, done, href| Todo { key, done, href };
    Ok(vec![
        point("home.todo_customer", hub.directory.count(&of.me.view) > 0, "/customers"),
        point("home.todo_connect", troubles.iter().any(|row| !row.sample), "/connections"),
        point("home.todo_check", troubles.iter().any(|row| row.checked_at.is_some()), "/connections"),
        point("home.todo_sso", providers, "/admin/idp"),
        point("home.todo_invite", others, "/admin/users"),
        point("home.todo_mail", hub.mail.is_some(), "/settings"),
    ])
}

fn due_of(shell: &Shell, entry: crate::analytics::directory::Entry) -> Due {
    let quiet = entry.last_contact.as_deref().map(|date| shell.quiet_days(date));
    let reason = match quiet {
        _ if entry.overdue > 0 => DueReason::Overdue { minor: entry.overdue, currency: entry.currency },
        Some(days) => DueReason::Quiet(days),
        None => DueReason::Health,
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
