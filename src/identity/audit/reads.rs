//! Reads of customers and refusals of rights: what a page only shows must not wait for a writer, so these
//! entries are collected and written together, once a second and at the end of the program.
//!
//! The window: a process that is killed loses the reads of its last second. Too many at once are not kept
//! either; how many went is then an entry of its own, so that the gap is known.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;

use super::{Origin, Outcome};
use crate::{
    identity::Identity,
    model::Timestamp,
    store::{StoreError, audit},
};

/// Entries that may wait while the database is away.
const MOST: usize = 20_000;

/// One entry that waits.
struct Read {
    at: Timestamp,
    actor: String,
    action: &'static str,
    object_kind: &'static str,
    object_id: String,
    outcome: Outcome,
    ip: Option<String>,
    request_id: Option<String>,
    detail: String,
}

#[derive(Default)]
struct Waiting {
    reads: Vec<Read>,
    lost: u64,
}

/// See the module.
#[derive(Default)]
pub(in crate::identity) struct Reads(Mutex<Waiting>);

impl Reads {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, read: Read) {
        let mut waiting = self.lock();
        if waiting.reads.len() < MOST {
            waiting.reads.push(read);
        } else {
            waiting.lost += 1;
        }
    }
}

/// What was seen, or not allowed.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// User id.
    pub actor: &'a str,
    pub action: &'static str,
    pub object: (&'static str, &'a str),
    pub outcome: Outcome,
    /// What else the trail should know, as a name and an id or code.
    pub detail: Option<(&'static str, &'a str)>,
}

impl Identity {
    /// Notes that somebody saw something. Written within a second.
    pub fn note(&self, seen: Seen<'_>, origin: &Origin) {
        self.reads.push(Read {
            at: self.clock.now(),
            actor: seen.actor.to_owned(),
            action: seen.action,
            object_kind: seen.object.0,
            object_id: seen.object.1.to_owned(),
            outcome: seen.outcome,
            ip: origin.ip.map(|ip| ip.to_string()),
            request_id: origin.request_id.clone(),
            detail: seen.detail.map_or_else(|| "{}".to_owned(), |(name, value)| json!({ name: value }).to_string()),
        });
    }

    /// Writes what was noted. What cannot be written waits for the next time.
    pub async fn write_reads(&self) -> Result<usize, StoreError> {
        let Waiting { reads, lost } = std::mem::take(&mut *self.reads.lock());
        if reads.is_empty() && lost == 0 {
            return Ok(0);
        }
        match self.write(&reads, lost).await {
            Ok(()) => Ok(reads.len()),
            Err(error) => {
                let mut waiting = self.reads.lock();
                waiting.lost += lost;
                let newer = std::mem::replace(&mut waiting.reads, reads);
                waiting.reads.extend(newer);
                Err(error)
            }
        }
    }

    async fn write(&self, reads: &[Read], lost: u64) -> Result<(), StoreError> {
        let gap = json!({ "count": lost }).to_string();
        let mut entries: Vec<audit::NewAudit<'_>> = reads
            .iter()
            .map(|read| audit::NewAudit {
                at: read.at,
                actor: &read.actor,
                action: read.action,
                object_kind: read.object_kind,
                object_id: &read.object_id,
                outcome: read.outcome.as_str(),
                ip: read.ip.as_deref(),
                request_id: read.request_id.as_deref(),
                detail: &read.detail,
            })
            .collect();
        if lost > 0 {
            entries.push(audit::NewAudit {
                at: self.clock.now(),
                actor: "system",
                action: "audit.lost",
                object_kind: "audit",
                object_id: "",
                outcome: "refused",
                ip: None,
                request_id: None,
                detail: &gap,
            });
        }
        let mut tx = self.db.begin().await?;
        audit::insert_all(&mut tx, &entries).await?;
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::testing::{Bench, TestResult};

    #[tokio::test]
    async fn too_many_reads_leave_a_gap_that_is_told() -> TestResult {
        let bench = Bench::new().await?;
        let identity = bench.identity();
        let seen = Seen {
            actor: "usr_1",
            action: "customer.view",
            object: ("customer", "cus_1"),
            outcome: Outcome::Ok,
            detail: None,
        };
        for _ in 0..MOST + 3 {
            identity.note(seen, &Origin::default());
        }
        assert_eq!(identity.write_reads().await?, MOST);
        assert_eq!(identity.write_reads().await?, 0, "once");
        let rows = audit::list(&bench.db, &audit::Filter { kind: Some("audit"), ..Default::default() }, 10).await?;
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].detail, r#"{"count":3}"#);
        Ok(())
    }
}
