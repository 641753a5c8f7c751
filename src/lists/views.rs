//! Saved views: a question to a list under a name, private or for everybody.
//!
//! Invariant: only its owner changes a private view; a shared one is changed by whoever may share views. Who opens
//! it sees what they themselves may see: it holds no customers.
//! Invariant: every change of a view is in the audit trail, by its id.

use serde_json::json;

use super::{
    CUSTOMERS,
    query::{Column, ListQuery},
};
use crate::{
    identity::{Action, AuditEntry, Denied, Lacks, Origin, Outcome, Principal, audit, can},
    matching::fold::fold,
    model::{Id, Timestamp, ids::Noun},
    store::{
        Db, StoreError, Tx,
        saved_view::{self, Choice, Put, Row, Written},
    },
};

const LONGEST_NAME: usize = 60;
const LONGEST_QUERY: usize = 4000;
/// Views that one person can have.
const MOST: i64 = 100;

/// Why a view was not kept as it was meant.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    #[error("a view has a name of 1 to {LONGEST_NAME} characters")]
    Name,
    #[error("you have another view of that name; choose another one")]
    NameTaken,
    #[error("a person has at most {MOST} views; remove one first")]
    Many,
    #[error("the query is not the address of the list: send what stands behind ? of /customers, as the list writes it")]
    Query,
    #[error("somebody changed the view meanwhile; it is at version {0} by now")]
    Stale(i64),
    #[error("there is no such view, or it is not shared with you")]
    Missing,
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ViewError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name => "VIEW_NAME",
            Self::NameTaken => "VIEW_NAME_TAKEN",
            Self::Many => "VIEW_MANY",
            Self::Query => "VIEW_QUERY",
            Self::Stale(_) => "VERSION_STALE",
            Self::Missing => "NOT_FOUND",
            Self::Denied(_) => "FORBIDDEN",
            Self::Store(_) => "INTERNAL",
        }
    }
}

/// What a view shall be. What is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub name: Option<String>,
    pub shared: Option<bool>,
    /// Behind `?` of the list's address.
    pub query: Option<String>,
}

/// Who does it, from where, when.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    pub me: &'a Principal,
    pub origin: &'a Origin,
    /// The token that was used, for the trail.
    pub token: Option<&'a str>,
    pub now: Timestamp,
}

impl Who<'_> {
    async fn record(&self, tx: &mut Tx, action: &'static str, id: &str, shared: bool) -> Result<(), StoreError> {
        let mut detail = json!({ "shared": shared });
        if let Some(token) = self.token {
            detail["token"] = token.into();
        }
        let entry = AuditEntry {
            actor: &self.me.user_id,
            action,
            object_kind: "view",
            object_id: id,
            outcome: Outcome::Ok,
            origin: self.origin,
            detail,
        };
        audit::record(tx, entry, self.now).await
    }
}

/// Whether this person may change and remove a view.
#[must_use]
pub fn may_change(me: &Principal, view: &Row) -> bool {
    me.can(Action::SaveViews) && if view.shared { may_share(me).is_ok() } else { view.owner_id == me.user_id }
}

/// Whether this person may give views to everybody: asked of the role, so that a token with `views:write` may what its
/// owner may.
pub fn may_share(me: &Principal) -> Result<(), Denied> {
    let action = Action::ShareViews;
    if can(me.role, action) { Ok(()) } else { Err(Denied { action, needs: action.needs(), lacks: Lacks::Role }) }
}

/// Every view that a person may open.
pub async fn all(db: &Db, me: &Principal) -> Result<Vec<Row>, StoreError> {
    saved_view::of(db, &me.user_id, CUSTOMERS).await
}

/// Keeps a question under a name. Returns the view.
pub async fn create(tx: &mut Tx, who: Who<'_>, wanted: Wanted) -> Result<Row, ViewError> {
    let shared = wanted.shared.unwrap_or(false);
    who.me.require(Action::SaveViews)?;
    if shared {
        may_share(who.me)?;
    }
    let name = named(wanted.name.as_deref().unwrap_or_default())?;
    let query = understood(wanted.query.as_deref().unwrap_or_default())?;
    if saved_view::count(&mut *tx, &who.me.user_id, CUSTOMERS).await? >= MOST {
        return Err(ViewError::Many);
    }
    let id = Id::new(Noun::View).into_string();
    let put = Put { name: &name, name_key: &fold(&name), shared, query: &query };
    if !saved_view::insert(tx, (&id, CUSTOMERS, &who.me.user_id), &put, who.now).await? {
        return Err(ViewError::NameTaken);
    }
    who.record(tx, "view.create", &id, shared).await?;
    saved_view::one(tx, &who.me.user_id, &id).await?.ok_or(ViewError::Missing)
}

/// Changes a view. `seq`: the version that the change was made on; `None`: whatever stands.
pub async fn change(tx: &mut Tx, who: Who<'_>, id: &str, wanted: Wanted, seq: Option<i64>) -> Result<Row, ViewError> {
    let old = changeable(tx, who, id).await?;
    let shared = wanted.shared.unwrap_or(old.shared);
    if shared {
        may_share(who.me)?;
    }
    // Whose view becomes private is its owner's to say.
    if old.shared && !shared && old.owner_id != who.me.user_id {
        return Err(ViewError::Missing);
    }
    let name = wanted.name.as_deref().map_or_else(|| Ok(old.name.clone()), named)?;
    let query = wanted.query.as_deref().map_or_else(|| Ok(old.query.clone()), understood)?;
    let put = Put { name: &name, name_key: &fold(&name), shared, query: &query };
    match saved_view::update(tx, &old, &put, seq.unwrap_or(old.seq), who.now).await? {
        Written::Done => {}
        Written::NameTaken => return Err(ViewError::NameTaken),
        Written::Moved => return Err(ViewError::Stale(old.seq)),
    }
    who.record(tx, "view.change", id, shared).await?;
    saved_view::one(tx, &who.me.user_id, id).await?.ok_or(ViewError::Missing)
}

pub async fn remove(tx: &mut Tx, who: Who<'_>, id: &str) -> Result<(), ViewError> {
    let old = changeable(tx, who, id).await?;
    saved_view::remove(tx, id).await?;
    who.record(tx, "view.remove", id, old.shared).await?;
    Ok(())
}

async fn changeable(tx: &mut Tx, who: Who<'_>, id: &str) -> Result<Row, ViewError> {
    who.me.require(Action::SaveViews)?;
    let old = saved_view::one(&mut *tx, &who.me.user_id, id).await?.ok_or(ViewError::Missing)?;
    if old.shared {
        may_share(who.me)?;
    }
    Ok(old)
}

/// What a person chose of the list's looks. `columns`: `None` is the usual ones.
pub async fn look(tx: &mut Tx, me: &Principal, columns: Option<&[Column]>, dense: bool) -> Result<(), StoreError> {
    let old = saved_view::choice(&mut *tx, &me.user_id, CUSTOMERS).await?;
    let columns = columns.map(Column::join);
    saved_view::choose(tx, &me.user_id, CUSTOMERS, &Choice { columns, dense, ..old }).await
}

/// The view that opens first for this person; `None`: the list as it is.
pub async fn open_first(tx: &mut Tx, me: &Principal, view: Option<&str>) -> Result<(), StoreError> {
    let old = saved_view::choice(&mut *tx, &me.user_id, CUSTOMERS).await?;
    let view_id = view.map(str::to_owned);
    saved_view::choose(tx, &me.user_id, CUSTOMERS, &Choice { view_id, ..old }).await
}

fn named(name: &str) -> Result<String, ViewError> {
    let name = name.trim();
    let fits = (1..=LONGEST_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits && !fold(name).is_empty() { Ok(name.to_owned()) } else { Err(ViewError::Name) }
}

/// A question as the list writes it: anything that the list would not understand is refused, so that nobody
/// believes a view to narrow what it does not.
fn understood(query: &str) -> Result<String, ViewError> {
    let query = query.strip_prefix('?').unwrap_or(query);
    if query.len() > LONGEST_QUERY {
        return Err(ViewError::Query);
    }
    let read = ListQuery::parse(query);
    let known: Vec<(String, String)> = read.pairs().into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    let said = url::form_urlencoded::parse(query.as_bytes());
    // What is a default leaves no trace, and what a page or another view is, is not kept.
    let idle = |key: &str, value: &str| match key {
        "page" | "view" => true,
        "q" => value.trim().is_empty(),
        "tab" => value.is_empty(),
        "sort" => value == "-sales",
        _ => false,
    };
    let lost = |(key, value): &(std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
        !idle(key, value) && !known.iter().any(|(k, v)| k == key && (v == value || v == value.trim()))
    };
    if said.into_iter().any(|pair| lost(&pair)) {
        return Err(ViewError::Query);
    }
    Ok(read.saved())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_list_understands_is_kept() {
        for (query, kept) in [
            ("", Some("")),
            ("?health=act&sort=-sales&page=3", Some("health=act")),
            ("health=act&q= a &view=all", Some("q=a&health=act")),
            ("cols=sales,owner&dense=1", Some("cols=sales%2Cowner&dense=1")),
            ("health=awful", None),
            ("sort=drop", None),
            ("colour=red", None),
            ("tab=all", None),
            ("cols=sales,nothing", None),
        ] {
            assert_eq!(understood(query).ok().as_deref(), kept, "{query}");
        }
    }

    #[test]
    fn names_are_short_and_visible() {
        for (name, good) in [("要対応", true), (" x ", true), ("", false), (" ", false), ("a\nb", false)] {
            assert_eq!(named(name).is_ok(), good, "{name}");
        }
        assert!(named(&"あ".repeat(LONGEST_NAME + 1)).is_err());
    }
}
