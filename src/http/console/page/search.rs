//! `/search`: one box over every noun. With `few=1` it answers what stands below the box.

use axum::{Router, extract::State, response::Html, routing::get};

use super::{ShellOf, views::Posted};
use crate::{
    app::SharedHub,
    http::{
        AppError,
        console::{
            Lang, Section,
            view::{Page, search::SearchPage},
        },
    },
    identity::Action,
    lists::search::{self, Ask, FEW, PAGE, System},
    matching::fold::fold,
};

/// Looked at last.
const RECENT: usize = 5;

pub fn routes() -> Router<SharedHub> {
    Router::new().route("/search", get(page))
}

async fn page(State(hub): State<SharedHub>, of: ShellOf) -> Result<Html<String>, AppError> {
    let asked = Posted::read(of.query.as_bytes());
    let text = search::asked(asked.get("q").unwrap_or_default());
    let limit = if asked.get("few").is_some() { FEW } else { PAGE };
    let mut view = SearchPage { text, ..SearchPage::default() };
    if view.text.is_empty() {
        if of.me.can(Action::ViewCustomers) {
            view.recent = search::recent(&hub.db, &hub.directory, &of.me, RECENT).await?;
        }
    } else {
        let system = |live: std::sync::Arc<crate::connection::Live>| System {
            id: live.row.id.clone(),
            name: live.row.name.clone(),
        };
        let systems: Vec<System> = hub.registry.all().into_iter().map(system).collect();
        let text = view.text.clone();
        let ask = Ask { db: &hub.db, directory: &hub.directory, systems: &systems, me: &of.me, text, limit };
        view.groups = search::ask(&ask).await;
        // A page is found by its name in either language.
        let wanted = fold(&view.text);
        let fits = |key: &str| [Lang::Ja, Lang::En].into_iter().any(|lang| fold(lang.t(key)).contains(&wanted));
        view.pages = of.shell.pages().into_iter().filter(|page| fits(page.key)).take(limit).collect();
    }
    Ok(view.render(&of.at(Section::None)))
}
