//! The chain over the audit trail: each entry's hash covers the hash before it, so that none can be changed,
//! left out or put between without every later one disagreeing.
//!
//! Entries are written first and take their place in the chain within a second ([`Identity::keep_trail`]),
//! by whichever node comes first. How long the chain is stands in one row that is sealed under the
//! installation's key: who can write to the database but does not have the key cannot make the chain anew.
//! What the database alone cannot show is a trail that was put back as a whole to how it stood before, seal
//! and all; for that the head is in the log once an hour, and `musubi audit verify --head` compares it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::{
    identity::Identity,
    model::{Timestamp, time::micros},
    secrets::{Keys, SecretError},
    store::{
        Db, On, StoreError, Tx,
        audit::{self, AuditRow, Head},
        setting,
    },
};

/// Entries sealed in one transaction.
const TOGETHER: i64 = 500;
/// Entries read at once while the chain is checked.
const PAGE: i64 = 2_000;
const CHECKED: &str = "audit_check";
const EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the audit trail cannot be sealed")]
    Seal(#[from] SecretError),
    /// The head was not sealed with a key of this installation: going on would hide what happened.
    #[error("the end of the audit trail was not sealed with this key; see `musubi audit verify`")]
    Foreign,
}

/// Where the chain first disagrees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// Place in the chain.
    pub number: i64,
    /// The entry there, where there is one.
    pub entry: Option<String>,
    /// `CHAIN_CHANGED`, `CHAIN_MISSING`, `CHAIN_END` (entries taken away at the end), `CHAIN_SEAL` (the
    /// head is not sealed with our key), `CHAIN_OTHER` (not the chain whose head was noted).
    pub code: String,
}

/// What a look at the whole chain found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub at: i64,
    /// Sealed entries, all of which were read unless something is broken.
    pub entries: i64,
    /// Hash of the last one.
    pub head: String,
    pub broken: Option<Broken>,
}

fn start() -> String {
    hex::encode(Sha256::digest(b"musubi audit 1"))
}

/// The hash of an entry at its place.
fn link(before: &str, number: i64, row: &AuditRow) -> String {
    let AuditRow { id, at, actor, action, object_kind, object_id, outcome, ip, request_id, detail, number: _, hash: _ } =
        row;
    let text = json!([before, number, id, at, actor, action, object_kind, object_id, outcome, ip, request_id, detail]);
    hex::encode(Sha256::digest(text.to_string()))
}

fn sealed(number: i64, hash: &str) -> String {
    format!("{number}:{hash}")
}

fn seal(keys: &Keys, number: i64, hash: &str, now: Timestamp) -> Result<Head, SecretError> {
    let seal = keys.seal("audit/head", sealed(number, hash).as_bytes())?;
    Ok(Head { number, hash: hash.to_owned(), seal, at: now.0 })
}

fn is_ours(keys: &Keys, head: &Head) -> bool {
    keys.open("audit/head", &head.seal).is_ok_and(|text| text == sealed(head.number, &head.hash).as_bytes())
}

/// Gives waiting entries their places. Returns how many.
pub async fn seal_open(db: &Db, keys: &Keys, now: Timestamp) -> Result<usize, ChainError> {
    let mut all = 0;
    while audit::is_open(db).await? {
        let mut tx = db.begin().await?;
        let head = audit::lock_head(&mut tx, &seal(keys, 0, &start(), now)?).await?;
        if !is_ours(keys, &head) {
            return Err(ChainError::Foreign);
        }
        let rows = audit::open(&mut tx, TOGETHER).await?;
        append(&mut tx, keys, head, &rows, now).await?;
        tx.commit().await?;
        all += rows.len();
    }
    Ok(all)
}

async fn append(tx: &mut Tx, keys: &Keys, head: Head, rows: &[AuditRow], now: Timestamp) -> Result<(), ChainError> {
    let (mut number, mut hash) = (head.number, head.hash);
    let mut places = Vec::with_capacity(rows.len());
    for row in rows {
        number += 1;
        hash = link(&hash, number, row);
        places.push((row.id.as_str(), number, hash.clone()));
    }
    audit::seal(tx, &places).await?;
    audit::set_head(tx, &seal(keys, number, &hash, now)?).await?;
    Ok(())
}

/// Reads the whole chain. `noted`: a head that was written down earlier, which has to be in it.
pub async fn verify(db: &Db, keys: &Keys, noted: Option<(i64, &str)>, now: Timestamp) -> Result<Verdict, StoreError> {
    let head = audit::head(db).await?;
    let (end, wanted) = head.as_ref().map_or((0, start()), |head| (head.number, head.hash.clone()));
    let mut verdict = Verdict { at: now.0, entries: end, head: wanted.clone(), broken: None };
    let broken = |number, entry: Option<&AuditRow>, code: &str| {
        Some(Broken { number, entry: entry.map(|row| row.id.clone()), code: code.to_owned() })
    };
    let (mut number, mut hash) = (0, start());
    'chain: while number < end {
        let rows = audit::sealed(db, number, PAGE.min(end - number)).await?;
        if rows.is_empty() {
            verdict.broken = broken(number + 1, None, "CHAIN_END");
            break;
        }
        for row in &rows {
            number += 1;
            if row.number != Some(number) {
                verdict.broken = broken(number, None, "CHAIN_MISSING");
                break 'chain;
            }
            hash = link(&hash, number, row);
            if row.hash.as_deref() != Some(hash.as_str()) {
                verdict.broken = broken(number, Some(row), "CHAIN_CHANGED");
                break 'chain;
            }
            if noted.is_some_and(|(place, noted)| place == number && noted != hash) {
                verdict.broken = broken(number, Some(row), "CHAIN_OTHER");
                break 'chain;
            }
        }
    }
    if verdict.broken.is_none() {
        verdict.broken = match &head {
            Some(head) if head.hash != hash || !is_ours(keys, head) => broken(end, None, "CHAIN_SEAL"),
            // Somebody took the head away, or the trail is younger than what was noted.
            None if !audit::sealed(db, 0, 1).await?.is_empty() => broken(0, None, "CHAIN_SEAL"),
            _ if noted.is_some_and(|(place, _)| place > end) => broken(end + 1, None, "CHAIN_END"),
            _ => None,
        };
    }
    Ok(verdict)
}

/// Seals the chain as it stands with today's key, for an installation whose key was lost. The caller writes
/// an entry about it.
pub async fn reseal(tx: &mut Tx, keys: &Keys, now: Timestamp) -> Result<i64, ChainError> {
    let head = audit::lock_head(tx, &seal(keys, 0, &start(), now)?).await?;
    audit::set_head(tx, &seal(keys, head.number, &head.hash, now)?).await?;
    Ok(head.number)
}

/// What the last look at the chain found.
pub async fn last_check(on: impl Into<On<'_>>) -> Result<Option<Verdict>, StoreError> {
    setting::get(on, CHECKED).await
}

impl Identity {
    /// Writes reads and seals entries every second, until `stop` and once more then.
    pub async fn keep_trail(&self, keys: &Keys, stop: CancellationToken) {
        let mut said = false;
        loop {
            let stopped = stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none();
            let done = async {
                self.write_reads().await?;
                self.write_uses().await?;
                seal_open(&self.db, keys, self.clock.now()).await
            };
            match done.await {
                Ok(_) => said = false,
                // Once, not every second.
                Err(error) if !said => {
                    said = true;
                    tracing::error!(error = &error as &dyn std::error::Error, "audit.seal failed");
                }
                Err(_) => {}
            }
            if stopped {
                return;
            }
        }
    }

    /// Checks the chain when nobody did for `every`, and says in the log how long it is.
    pub async fn watch_trail(&self, keys: &Keys, every: Duration, stop: CancellationToken) {
        loop {
            let due = self.clock.now().plus(-micros(every));
            match last_check(&self.db).await {
                Ok(last) if last.as_ref().is_none_or(|last| last.at <= due.0) => {
                    if let Err(error) = self.check_trail(keys).await {
                        tracing::warn!(error = &error as &dyn std::error::Error, "audit.check failed");
                    }
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "audit.check failed"),
            }
            if stop.run_until_cancelled(tokio::time::sleep(every)).await.is_none() {
                return;
            }
        }
    }

    /// Checks the chain now; what was found is kept for the page.
    pub async fn check_trail(&self, keys: &Keys) -> Result<Verdict, StoreError> {
        let verdict = verify(&self.db, keys, None, self.clock.now()).await?;
        match &verdict.broken {
            None => tracing::info!(audit.entries = verdict.entries, audit.head = verdict.head, "audit.whole"),
            Some(broken) => tracing::error!(audit.number = broken.number, code = broken.code, "audit.broken"),
        }
        let mut tx = self.db.begin().await?;
        setting::put(&mut tx, CHECKED, &verdict, self.clock.now()).await?;
        tx.commit().await?;
        Ok(verdict)
    }
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
