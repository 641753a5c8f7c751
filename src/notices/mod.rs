//! Tells people and programs of the problems of connections: once when one begins, daily while it lasts, once when it
//! is over.
//!
//! | part | does |
//! |---|---|
//! | [`step`] | when a problem begins, is told and ends: decisions only |
//! | [`seen`] | what is wrong with a connection now |
//! | [`tell`] | one mail a person about everything of a round, and an event for each problem |
//!
//! Invariant: what is told and that it was told are one transaction, whichever node does it; every attempt to send
//! an event says the same words.
//! Invariant: what is told names connections, fields and codes; never a customer, a value or a secret.
//!
//! To add a kind: [`crate::connection::notices::Kind`], its condition in [`seen`], its words in both catalogues
//! (`[problem]`, `[problem_mail]`), its event in [`crate::model::event`].

pub mod seen;
pub mod step;
pub mod tell;

use std::{collections::HashMap, sync::Arc};

use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    config,
    connection::{Levels, notices::Kind},
    mail::Post,
    model::Timestamp,
    secrets::Keys,
    store::{Db, StoreError, connection, operations, problem, shape},
};

use seen::Seen;
use step::{Open, Step};
use tell::{Phase, Telling};

/// See the module.
#[derive(Clone)]
pub struct Watcher {
    pub db: Db,
    pub clock: Clock,
    pub keys: Arc<Keys>,
    pub expected: config::Health,
    /// `None`: there is no mail.
    pub post: Option<Post>,
    /// Wakes whoever sends events.
    pub told: Arc<tokio::sync::Notify>,
}

impl Watcher {
    /// Looks until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            if let Err(error) = self.round().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "problems cannot be told now");
            }
            if stop.run_until_cancelled(tokio::time::sleep(self.expected.every.0)).await.is_none() {
                return;
            }
        }
    }

    /// Looks once at every connection and tells what there is to tell.
    pub async fn round(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let levels = Levels::load(&self.db, &self.expected, now).await?;
        let figures: HashMap<String, operations::ConnectionFigures> =
            operations::figures(&self.db, None).await?.into_iter().map(|f| (f.connection_id.clone(), f)).collect();
        let mut open: HashMap<(String, String), problem::Row> = problem::open(&self.db)
            .await?
            .into_iter()
            .map(|p| ((p.connection_id.clone(), p.kind.clone()), p))
            .collect();
        let mut lost: HashMap<String, Vec<shape::Change>> = HashMap::new();
        for change in shape::open(&self.db, None).await?.into_iter().filter(shape::Change::is_breaking) {
            lost.entry(change.connection_id.clone()).or_default().push(change);
        }
        let mut steps = Vec::new();
        for row in connection::all(&self.db).await? {
            let Some(figures) = figures.get(&row.id) else { continue };
            let is_open = |kind: Kind| open.contains_key(&(row.id.clone(), kind.as_str().to_owned()));
            let all = seen::of(
                &self.keys,
                &row,
                figures,
                &levels.of(&row),
                lost.get(&row.id).map(Vec::as_slice).unwrap_or_default(),
                &is_open,
                now,
            );
            for kind in Kind::ALL {
                let known = open.remove(&(row.id.clone(), kind.as_str().to_owned()));
                let seen = all.iter().find(|seen| seen.kind == kind).cloned();
                let next = step::step(kind, known.as_ref().map(as_open), seen.is_some(), now);
                // Whoever pauses a connection knows of it: its problems are over, and that is no news.
                let next = if row.paused && known.is_some() { Step::End(false) } else { next };
                if next != Step::Nothing {
                    steps.push((row.clone(), kind, known, seen, next));
                }
            }
        }
        if steps.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        let mut tellings = Vec::new();
        for (row, kind, known, seen, next) in steps {
            tellings.extend(self.take(&mut tx, row, kind, known, seen, next, now).await?);
        }
        tell::all(&mut tx, self.post.as_ref(), tellings, now).await?;
        tx.commit().await?;
        self.told.notify_one();
        Ok(())
    }

    /// Writes to everybody who is told of a connection that this is a test, by mail and to the receivers that want
    /// such events; `(mails, events)`.
    pub async fn test(&self, tx: &mut crate::store::Tx, row: &connection::Row) -> Result<(usize, usize), StoreError> {
        tell::test(tx, self.post.as_ref(), row, self.clock.now()).await
    }

    /// Takes one step in the store; what is to be told of it.
    #[expect(clippy::too_many_arguments, reason = "a step and what it is about")]
    async fn take(
        &self,
        tx: &mut crate::store::Tx,
        row: connection::Row,
        kind: Kind,
        known: Option<problem::Row>,
        seen: Option<Seen>,
        next: Step,
        now: Timestamp,
    ) -> Result<Option<Telling>, StoreError> {
        let facts = seen.map(|seen| seen.facts);
        let detail =
            facts.as_ref().map_or_else(|| known.as_ref().map(|p| p.detail.clone()).unwrap_or_default(), tell::written);
        let telling = |id: String, seq: i64, begun_at: i64, phase: Phase| {
            Some(Telling {
                row: row.clone(),
                kind,
                id,
                seq,
                begun_at: Timestamp(begun_at),
                phase,
                detail: detail.clone(),
            })
        };
        match (next, known) {
            (Step::Begin(at_once), _) => {
                let Some(id) = problem::begin(tx, &row.id, kind.as_str(), &detail, now).await? else { return Ok(None) };
                if !at_once || !problem::told(tx, &id, 0, &detail, now).await? {
                    return Ok(None);
                }
                Ok(telling(id, 1, now.0, Phase::Begun))
            }
            (Step::Fade, Some(p)) => problem::fade(tx, &p.id, Some(now)).await.map(|()| None),
            (Step::Back, Some(p)) => problem::fade(tx, &p.id, None).await.map(|()| None),
            (Step::Tell | Step::TellAgain, Some(p)) => {
                let phase = if next == Step::Tell { Phase::Begun } else { Phase::Lasting };
                let mine = problem::told(tx, &p.id, p.told, &detail, now).await?;
                Ok(if mine { telling(p.id, p.told + 1, p.begun_at, phase) } else { None })
            }
            (Step::End(_), Some(p)) if p.told == 0 => problem::forget(tx, &p.id).await.map(|()| None),
            (Step::End(tell), Some(p)) => {
                let mine = problem::end(tx, &p.id, tell, now).await?;
                Ok(if mine && tell { telling(p.id, p.told + 1, p.begun_at, Phase::Ended) } else { None })
            }
            _ => Ok(None),
        }
    }
}

fn as_open(row: &problem::Row) -> Open {
    Open {
        begun_at: Timestamp(row.begun_at),
        clear_since: row.clear_since.map(Timestamp),
        told_at: row.told_at.map(Timestamp),
    }
}
