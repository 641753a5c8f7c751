//! The same change for many customers: looked at first, made in the background, taken back as a whole.
//!
//! ```text
//! look -> start -> applying -> applied -> undo -> undoing -> undone
//!                      └────────> stopped (the person may no longer) ──┘
//! ```
//!
//! A job is made in chunks, each with its customers' outcomes in one commit, so whichever node looks goes on where
//! the last one ended, after a restart too.
//!
//! Invariant: each customer is changed as its person would have done it at that moment: with the rights of now, as a
//! version with the person as actor.
//! Invariant: taking back never overwrites what somebody typed, or a source said, since; that is counted as kept.

use std::{collections::HashSet, time::Duration};

use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    identity::{Action, AuditEntry, Identity, Origin, Outcome, Principal, Role, audit, can},
    master::edit::{self, By, EditError, Was},
    model::{
        Currency, Id, Timestamp, View,
        custom::{self, Definitions},
        ids::Noun,
    },
    store::{
        Db, StoreError, bulk,
        bulk::{Bulk, Item},
        custom_field, export, user,
    },
};

/// Customers of one job.
pub const MOST: usize = 10_000;
/// Customers of one commit: webhooks wait for no more than these.
const CHUNK: i64 = 50;
/// Customers read at once while looking.
const BATCH: usize = 500;
/// Customers shown of what would happen.
const SHOWN: usize = 20;
const LEASE: i64 = 60 * Timestamp::SECOND;
/// Longest wait between two looks, when nobody knocks.
const IDLE: Duration = Duration::from_secs(5);
/// Between two chunks: others write too.
const PAUSE: Duration = Duration::from_millis(5);

/// The hub's own fields that can be set for many. Names and numbers are each customer's own.
pub const FIELDS: [&str; 6] = ["owner", "department", "industry", "closing_day", "payment_terms", "price_class"];

/// What of a customer this reader may set for many.
#[must_use]
pub fn fields(view: &View, definitions: &Definitions) -> Vec<String> {
    let own = FIELDS.into_iter().filter(|field| !view.hides_field(field, false)).map(str::to_owned);
    own.chain(definitions.living().map(custom::Definition::field)).collect()
}

/// Why a job does not begin, or is not taken back.
#[derive(Debug, thiserror::Error)]
pub enum BulkError {
    #[error("nobody is chosen")]
    Nobody,
    #[error("at most {MOST} customers are changed at once; narrow the list")]
    Many,
    #[error("this field is not set for many")]
    Field,
    #[error("the value cannot be taken: {0}")]
    Value(&'static str),
    #[error("the department is not the person's own")]
    Outside,
    #[error("the list found {0} customers by now")]
    Moved(usize),
    #[error("there is no such job, or it was another person's")]
    Missing,
    #[error("the job is not done, or it was taken back already")]
    State,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BulkError {
    /// Stable code; a word of the catalogues' `[form_error]`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Nobody => "BULK_NOBODY",
            Self::Many => "BULK_MANY",
            Self::Field => "BULK_FIELD",
            Self::Value(code) => code,
            Self::Outside => "DEPARTMENT_OUTSIDE",
            Self::Moved(_) => "BULK_MOVED",
            Self::Missing => "NOT_FOUND",
            Self::State => "BULK_STATE",
            Self::Store(_) => "INTERNAL",
        }
    }
}

/// A change as it is meant.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub field: String,
    pub value: String,
    pub pinned: bool,
}

/// One customer of what would happen.
#[derive(Clone, Debug)]
pub struct Sight {
    pub id: String,
    pub name: String,
    pub before: String,
}

/// What would happen.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    /// Customers that would get the value.
    pub change: usize,
    /// Customers that have it.
    pub same: usize,
    /// Chosen, and not there for this reader.
    pub gone: usize,
    /// The first of those that would change.
    pub shown: Vec<Sight>,
    /// The value in the form in which it is kept.
    pub value: String,
}

/// Looks what a change would do, without doing it.
pub async fn look(
    db: &Db,
    view: &View,
    currency: Currency,
    customers: &[String],
    wanted: &Wanted,
) -> Result<Preview, BulkError> {
    let value = checked(db, view, currency, customers, wanted).await?;
    let mut preview = Preview { value, ..Preview::default() };
    for batch in customers.chunks(BATCH) {
        let mut rows = export::customers(db, view, batch).await?;
        for id in batch {
            let Some(row) = rows.remove(id) else {
                preview.gone += 1;
                continue;
            };
            let before = edit::values_of(&row).remove(&wanted.field).unwrap_or_default();
            if before == preview.value {
                preview.same += 1;
                continue;
            }
            preview.change += 1;
            if preview.shown.len() < SHOWN {
                preview.shown.push(Sight { id: row.id, name: row.name, before });
            }
        }
    }
    Ok(preview)
}

/// The value as it is kept, where the change can be asked for at all.
async fn checked(
    db: &Db,
    view: &View,
    currency: Currency,
    customers: &[String],
    wanted: &Wanted,
) -> Result<String, BulkError> {
    if customers.is_empty() {
        return Err(BulkError::Nobody);
    }
    if customers.len() > MOST {
        return Err(BulkError::Many);
    }
    let definitions = custom_field::list(db).await?;
    if !fields(view, &definitions).contains(&wanted.field) {
        return Err(BulkError::Field);
    }
    let value = edit::fitting(&wanted.field, &wanted.value, &definitions, currency).map_err(BulkError::Value)?;
    if wanted.field == "department" && !view.reaches(Some(value.as_str()).filter(|v| !v.is_empty())) {
        return Err(BulkError::Outside);
    }
    Ok(value)
}

/// Asks for a change. `customers`: whom the person saw when asking. Returns the job's id.
pub async fn start(
    db: &Db,
    me: &Principal,
    origin: &Origin,
    currency: Currency,
    customers: &[String],
    wanted: &Wanted,
    now: Timestamp,
) -> Result<String, BulkError> {
    let value = checked(db, &me.view, currency, customers, wanted).await?;
    let id = Id::new(Noun::Bulk).into_string();
    let mut tx = db.begin().await?;
    let Wanted { field, value: _, pinned } = wanted;
    let new = bulk::New { id: &id, actor_id: &me.user_id, actor: &me.name, field, value: &value, pinned: *pinned, now };
    bulk::insert(&mut tx, &new, customers).await?;
    let detail = json!({ "field": field, "customers": customers.len(), "pinned": pinned });
    audit::record(&mut tx, entry(me, origin, "bulk.apply", &id, detail), now).await?;
    tx.commit().await?;
    Ok(id)
}

/// A job as its person, or who may see all of them, reads it.
pub async fn open(db: &Db, me: &Principal, id: &str) -> Result<Option<Bulk>, StoreError> {
    let job = bulk::get(db, id).await?;
    Ok(job.filter(|job| job.actor_id == me.user_id || can(me.role, Action::ManageSettings)))
}

/// Takes a job back, in the background too.
pub async fn undo(db: &Db, me: &Principal, origin: &Origin, id: &str, now: Timestamp) -> Result<(), BulkError> {
    let job = open(db, me, id).await?.ok_or(BulkError::Missing)?;
    if !matches!(job.state.as_str(), "applied" | "stopped") {
        return Err(BulkError::State);
    }
    let mut tx = db.begin().await?;
    if !bulk::undo(&mut tx, id, &job.state, &me.user_id, now).await? {
        return Err(BulkError::State);
    }
    audit::record(&mut tx, entry(me, origin, "bulk.undo", id, json!({ "field": job.field })), now).await?;
    tx.commit().await?;
    Ok(())
}

fn entry<'a>(
    me: &'a Principal,
    origin: &'a Origin,
    action: &'static str,
    id: &'a str,
    detail: serde_json::Value,
) -> AuditEntry<'a> {
    AuditEntry { actor: &me.user_id, action, object_kind: "bulk", object_id: id, outcome: Outcome::Ok, origin, detail }
}

/// What a worker works with.
pub struct Bench<'a> {
    pub db: &'a Db,
    pub clock: &'a Clock,
    pub identity: &'a Identity,
    pub currency: Currency,
    pub node: &'a str,
    /// Told of the customers of each commit.
    pub told: &'a (dyn Fn(&HashSet<String>) + Send + Sync),
}

/// Who a job is done as, as they stand now.
struct Hand {
    name: String,
    view: View,
}

/// Works until `stop`. `knock` wakes it.
pub async fn run(bench: Bench<'_>, knock: &Notify, stop: CancellationToken) {
    loop {
        let wait = match bench.chunk().await {
            Ok(true) => PAUSE,
            Ok(false) => IDLE,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "changes for many wait");
                IDLE
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = knock.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

impl Bench<'_> {
    /// Does the next chunk. `false`: none waits.
    async fn chunk(&self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let Some(job) = bulk::lease(&mut tx, self.node, now, now.plus(LEASE)).await? else {
            tx.rollback().await?;
            return Ok(false);
        };
        tx.commit().await?;
        let undoing = job.state == "undoing";
        let who = if undoing { job.undone_by.as_deref().unwrap_or(&job.actor_id) } else { &job.actor_id };
        let Some(hand) = self.hand(who).await? else {
            self.end(&job, "stopped", Some("FORBIDDEN")).await?;
            return Ok(true);
        };
        let items = bulk::items(self.db, &job.id, if undoing { "changed" } else { "waiting" }, CHUNK).await?;
        if items.is_empty() {
            self.end(&job, if undoing { "undone" } else { "applied" }, None).await?;
            return Ok(true);
        }
        self.make(&job, &hand, items, undoing).await?;
        Ok(true)
    }

    /// The person as they are now; `None`: they may no longer.
    async fn hand(&self, user_id: &str) -> Result<Option<Hand>, StoreError> {
        let row = user::by_id(self.db, user_id).await?.filter(|row| row.disabled_at.is_none());
        let Some(row) = row else { return Ok(None) };
        let Some(role) = Role::parse(&row.role).filter(|role| can(*role, Action::EditCustomers)) else {
            return Ok(None);
        };
        Ok(Some(Hand { name: row.name, view: self.identity.view_of(user_id, role).await? }))
    }

    async fn make(&self, job: &Bulk, hand: &Hand, items: Vec<Item>, undoing: bool) -> Result<(), StoreError> {
        let now = self.clock.now();
        let by = By { actor: &hand.name, now, currency: self.currency, view: &hand.view };
        let mut touched = HashSet::new();
        let done = items.len() as i64;
        let mut tx = self.db.begin().await?;
        for mut item in items {
            let moved = if undoing {
                unmade(&mut tx, job, &mut item, by).await?
            } else {
                made(&mut tx, job, &mut item, by).await?
            };
            bulk::settle(&mut tx, &job.id, &item).await?;
            if moved {
                touched.insert(item.customer_id);
            }
        }
        if !bulk::progress(&mut tx, job, self.node, done, now.plus(LEASE)).await? {
            // Another node has it: what it does is done once.
            return tx.rollback().await;
        }
        tx.commit().await?;
        (self.told)(&touched);
        Ok(())
    }

    async fn end(&self, job: &Bulk, state: &str, cause: Option<&str>) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        bulk::go(&mut tx, &job.id, (&job.state, state), cause, self.clock.now()).await?;
        tx.commit().await?;
        (self.told)(&HashSet::new());
        Ok(())
    }
}

/// Changes one customer, or says why not. `true`: it changed.
async fn made(tx: &mut crate::store::Tx, job: &Bulk, item: &mut Item, by: By<'_>) -> Result<bool, StoreError> {
    match edit::assign(tx, &item.customer_id, (&job.field, &job.value), job.pinned, by).await {
        Ok(Some(was)) => {
            item.state = "changed".to_owned();
            item.typed = Some(serde_json::to_string(&was).map_err(|e| StoreError::Encode(Box::new(e)))?);
            item.value = Some(was.value);
            item.at = Some(by.now.0);
            Ok(true)
        }
        Ok(None) => {
            item.state = "same".to_owned();
            Ok(false)
        }
        Err(error) => refused(item, error),
    }
}

async fn unmade(tx: &mut crate::store::Tx, job: &Bulk, item: &mut Item, by: By<'_>) -> Result<bool, StoreError> {
    let was: Option<Was> = item.typed.as_deref().and_then(|was| serde_json::from_str(was).ok());
    let (Some(was), Some(at)) = (was, item.at) else {
        return Err(StoreError::Corrupt(format!("what stood before {} in {} cannot be read", item.position, job.id)));
    };
    match edit::unassign(tx, &item.customer_id, (&job.field, &job.value), was, at, by).await {
        Ok(back) => {
            item.state = if back { "undone" } else { "kept" }.to_owned();
            Ok(back)
        }
        Err(error) => {
            refused(item, error)?;
            item.state = "kept".to_owned();
            Ok(false)
        }
    }
}

fn refused(item: &mut Item, error: EditError) -> Result<bool, StoreError> {
    let code = match error {
        EditError::Store(error) => return Err(error),
        EditError::Invalid(mistakes) => mistakes.first().map_or("FMT_VALUE", |mistake| mistake.code),
        EditError::UnknownCustomer => "CUSTOMER_UNKNOWN",
        EditError::Merged(_) => "CUSTOMER_MERGED",
        EditError::Overtaken(_) | EditError::Stale(_) => "VERSION_STALE",
    };
    item.state = "refused".to_owned();
    item.cause = Some(code.to_owned());
    Ok(false)
}
