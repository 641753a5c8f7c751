//! `/settings/rules`: whose value wins; a change is shown before it is put in force.

use std::collections::{BTreeMap, HashMap};

use axum::{
    Form, Router,
    extract::{Query, State},
    response::{Html, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::json;

use super::{
    ShellOf, done,
    outcome::{Act, conclude},
};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section, Shell,
            view::{
                self, Page,
                rules::{Entry, GroupRule, RulesPage, RulesPreviewPage},
            },
        },
    },
    identity::{Action, Origin},
    master::rules::{self, RulesError},
    matching::survivorship::{Group, Rule, Rules, Then},
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route(PLACE, get(page).post(enforce))
        .route("/settings/rules/preview", get(preview_former).post(preview))
}

const PLACE: &str = "/settings/rules";
/// Former sets that are offered.
const HISTORY: i64 = 20;
/// Kinds of systems that hold customers.
const KINDS: [&str; 5] = ["sales", "accounting", "deals", "sheet", "generic"];

/// The sources that an order can name: every kind, and single connections where a kind has several.
fn entries(s: &Shell, hub: &Hub) -> Vec<Entry> {
    let live = hub.registry.all();
    let mut out = Vec::new();
    for kind in KINDS {
        let name = s.tile_name(kind).to_owned();
        out.push(Entry { id: kind.to_owned(), kind: kind.to_owned(), name });
        let of_kind: Vec<_> = live.iter().filter(|live| live.row.kind == kind).collect();
        if of_kind.len() > 1 {
            let entry = |row: &crate::store::connection::Row| Entry {
                id: row.id.clone(),
                kind: kind.to_owned(),
                name: row.name.clone(),
            };
            out.extend(of_kind.into_iter().map(|live| entry(&live.row)));
        }
    }
    out
}

/// A rule in one sentence.
pub fn sentence(s: &Shell, hub: &Hub, rule: &Rule) -> String {
    view::rules::sentence(s, rule, &entries(s, hub))
}

async fn page(State(hub): State<SharedHub>, of: ShellOf) -> Result<Html<String>, AppError> {
    let of = of.allow(Action::ManageSettings, Section::Settings)?;
    let (seq, rules) = rules::in_force(&hub.db).await?;
    let (progress, history) = tokio::try_join!(rules::progress(&hub.db), rules::history(&hub.db, HISTORY))?;
    let of_group = |group| GroupRule { group, rule: rules.of(group).clone() };
    let view = RulesPage {
        seq,
        rules: Group::ALL.into_iter().map(of_group).collect(),
        entries: entries(&of.shell, &hub),
        progress,
        history,
    };
    Ok(view.render(&of.shell))
}

/// The rules as the form has them: numbers beside the sources, the smallest first.
fn posted_rules(posted: &HashMap<String, String>, held: &Rules) -> Result<Rules, AppError> {
    let mut rules = held.clone();
    for group in Group::ALL {
        let prefix = format!("g.{}.", group.as_str());
        let mut places: BTreeMap<(u32, &str), ()> = BTreeMap::new();
        for (name, value) in posted {
            let Some(id) = name.strip_prefix(&prefix).filter(|_| !value.trim().is_empty()) else { continue };
            let place = value.trim().parse().ok().filter(|place| (1..=99).contains(place));
            let place = place.ok_or_else(|| AppError::invalid("PLACE_INVALID", "a place is a number from 1 to 99"))?;
            places.insert((place, id), ());
        }
        let then = match posted.get(&format!("then.{}", group.as_str())).map(String::as_str) {
            Some("longest") => Then::Longest,
            _ => Then::Newest,
        };
        rules.set(group, Rule { order: places.into_keys().map(|(_, id)| id.to_owned()).collect(), then });
    }
    Ok(rules)
}

async fn preview(
    State(hub): State<SharedHub>,
    of: ShellOf,
    Form(posted): Form<HashMap<String, String>>,
) -> Result<Html<String>, AppError> {
    let of = of.allow(Action::ManageSettings, Section::Settings)?;
    let (seq, held) = rules::in_force(&hub.db).await?;
    if posted.get("seq").and_then(|seen| seen.parse().ok()) != Some(seq) {
        return Err(overtaken());
    }
    let wanted = posted_rules(&posted, &held)?;
    shown(&hub, of, (seq, held), wanted, None).await
}

#[derive(Deserialize)]
struct Former {
    restore: i64,
}

async fn preview_former(
    State(hub): State<SharedHub>,
    of: ShellOf,
    Query(Former { restore }): Query<Former>,
) -> Result<Html<String>, AppError> {
    let of = of.allow(Action::ManageSettings, Section::Settings)?;
    let held = rules::in_force(&hub.db).await?;
    let wanted = rules::former(&hub.db, restore).await.map_err(refused)?;
    shown(&hub, of, held, wanted, Some(restore)).await
}

async fn shown(
    hub: &Hub,
    of: ShellOf,
    (seq, held): (i64, Rules),
    wanted: Rules,
    restores: Option<i64>,
) -> Result<Html<String>, AppError> {
    let changes: Vec<_> =
        held.differing(&wanted).into_iter().map(|g| (g, held.of(g).clone(), wanted.of(g).clone())).collect();
    let preview = if changes.is_empty() {
        rules::Preview::default()
    } else {
        rules::preview(&hub.db, &wanted, hub.currency, &of.me.view).await?
    };
    let body = serde_json::to_string(&wanted).map_err(AppError::internal)?;
    let entries = entries(&of.shell, hub);
    Ok(RulesPreviewPage { seq, restores, body, changes, preview, entries }.render(&of.shell))
}

#[derive(Deserialize)]
struct Wanted {
    seq: i64,
    rules: String,
    restores: Option<i64>,
}

async fn enforce(
    State(hub): State<SharedHub>,
    of: ShellOf,
    origin: Origin,
    Form(wanted): Form<Wanted>,
) -> Result<Response, AppError> {
    of.me.require(Action::ManageSettings)?;
    let now = hub.clock.now();
    let mut tx = hub.db.begin().await?;
    let changed = match wanted.restores {
        Some(former) => rules::restore(&mut tx, wanted.seq, former, &of.me.name, now).await,
        None => {
            let read = serde_json::from_str(&wanted.rules);
            let new = read.map_err(|_| AppError::invalid("RULES_INVALID", "the rules of the form cannot be read"))?;
            rules::put(&mut tx, wanted.seq, &new, &of.me.name, now).await
        }
    };
    let changed = changed.map_err(refused)?;
    let groups: Vec<&str> = changed.iter().map(|group| group.as_str()).collect();
    let detail = json!({ "groups": groups, "restores": wanted.restores });
    conclude(tx, Act::on(&of.me, &origin, "rules.enforce", "settings", "rules").detail(detail), now).await?;
    Ok(done(PLACE, "rules_enforced", None))
}

fn overtaken() -> AppError {
    AppError::Conflict {
        code: "RULES_CHANGED",
        detail: "somebody put other rules in force after the page was opened".to_owned(),
    }
}

fn refused(error: RulesError) -> AppError {
    match error {
        RulesError::Overtaken => overtaken(),
        RulesError::Unknown => AppError::NotFound,
        RulesError::Store(error) => error.into(),
    }
}
