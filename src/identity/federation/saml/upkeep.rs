//! Metadata that is read again by itself, so that a provider's new key is known before it signs.
//!
//! Invariant: what was trusted stays trusted when a reading fails, until the metadata itself ran out.
//! Invariant: a reading brings no keys that nobody proves: over `http` only what a known key signed, and for a
//! provider of an owner only from where an owner said. A person may take them all the same, by reading it again.
//! Invariant: one node of several reads, and what somebody changed meanwhile is not overwritten.

use rand::RngExt;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    certificate::{ends, fingerprint},
    flow::issuer,
    manage::{Source, saml_settings, without},
    metadata::{self, Provider},
    settings::{Leaving, Settings},
};
use crate::{
    identity::{
        AuditEntry, Origin, Outcome, audit,
        federation::{
            Federation,
            manage::{Rejected, encoded},
            provider::ProviderError,
        },
    },
    model::{Timestamp, time::micros},
    store::{
        StoreError, Tx, external_identity,
        idp::{self, Row},
        saml,
    },
};

/// How often is looked whether something is due.
const LOOK: std::time::Duration = std::time::Duration::from_mins(1);
/// However soon metadata wants to be read again.
const LEAST: i64 = 10 * Timestamp::MINUTE;
/// After the first failure; then twice as long each time.
const RETRY: i64 = 15 * Timestamp::MINUTE;
/// Longer than any reading takes.
const LEASE: i64 = 5 * Timestamp::MINUTE;
/// Longest text about a failure.
const DETAIL: usize = 300;

/// Metadata that was read, and how long until it is read again.
#[derive(Clone, Copy, Debug)]
pub(in crate::identity::federation) struct Read {
    wait: i64,
}

impl Read {
    pub async fn store(&self, tx: &mut Tx, idp_id: &str, now: Timestamp) -> Result<(), StoreError> {
        saml::read(tx, idp_id, (now, now.plus(self.wait))).await
    }
}

/// What a reading changes.
struct Change {
    settings: Settings,
    come: Vec<String>,
    /// Gone from the metadata; they count for a while longer.
    go: Vec<String>,
    /// Count no more.
    gone: Vec<String>,
}

/// Up to a tenth sooner, so that installations do not all come at once.
fn spread(wait: i64) -> i64 {
    wait - rand::rng().random_range(0..=wait / 10)
}

/// What metadata means for a provider that is known, when nobody looks at it.
fn change(known: Settings, new: Provider, overlap: i64, now: Timestamp) -> Change {
    let come = without(&new.certificates, &known.certificates);
    let go = without(&known.certificates, &new.certificates);
    let leaves = |certificate: &String| {
        let until = now.plus(overlap);
        let until = ends(certificate).map_or(until, |end| until.min(end));
        Leaving { certificate: certificate.clone(), until: until.0 }
    };
    let mut leaving = known.leaving.clone();
    leaving.retain(|one| !new.certificates.contains(&one.certificate));
    leaving.extend(go.iter().map(leaves));
    let (leaving, over): (Vec<_>, Vec<_>) = leaving.into_iter().partition(|one| one.until > now.0);
    let gone = over.into_iter().map(|one| one.certificate).collect();
    Change { settings: Settings { leaving, ..known.taking(new, true) }, come, go, gone }
}

impl Federation {
    /// Reads metadata again whenever it is due, until `stop`.
    pub async fn keep_metadata(&self, stop: CancellationToken) {
        loop {
            if let Err(error) = self.read_due_metadata().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "metadata of providers is not read for now");
            }
            if stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
                return;
            }
        }
    }

    /// Reads what is due. Returns how many providers that were.
    pub async fn read_due_metadata(&self) -> Result<usize, StoreError> {
        let mut read = 0;
        for row in idp::all(&self.db).await?.into_iter().filter(|row| row.enabled) {
            let Some(known) = saml_settings(&row).filter(|known| known.metadata_url.is_some()) else { continue };
            let now = self.clock.now();
            if saml::reading(&self.db, &row.id).await?.is_some_and(|reading| reading.due_at > now.0) {
                continue;
            }
            let mut tx = self.db.begin().await?;
            let ours = saml::lease_reading(&mut tx, &row.id, (now, now.plus(LEASE))).await?;
            tx.commit().await?;
            if ours {
                self.read_again(&row, known).await?;
                read += 1;
            }
        }
        Ok(read)
    }

    async fn read_again(&self, row: &Row, known: Settings) -> Result<(), StoreError> {
        let (change, read) = match self.look(row, known).await {
            Ok(found) => found,
            Err(Rejected::Store(error)) => return Err(error),
            Err(other) => return self.missed(row, &refusal(other)).await,
        };
        let now = self.clock.now();
        let after = encoded(&change.settings)?;
        let mut tx = self.db.begin().await?;
        // Who changed it meanwhile goes first: it is read again when the lease is over.
        if after != row.settings && !idp::replace(&mut tx, &row.id, (&row.settings, &after), None, now).await? {
            return Ok(());
        }
        read.store(&mut tx, &row.id, now).await?;
        let Change { come, go, gone, .. } = change;
        if !(come.is_empty() && go.is_empty() && gone.is_empty()) {
            let prints = |some: &[String]| some.iter().map(|text| fingerprint(text)).collect::<Vec<_>>();
            let detail = json!({"come": prints(&come), "leaving": prints(&go), "gone": prints(&gone)});
            self.told(&mut tx, row, Outcome::Ok, detail, now).await?;
        }
        tx.commit().await
    }

    /// Reads a provider's metadata from where it came, and judges what it would change.
    async fn look(&self, row: &Row, known: Settings) -> Result<(Change, Read), Rejected> {
        let refuse = |code, detail: &str| Rejected::Provider(ProviderError { code, detail: detail.to_owned() });
        let url = known.metadata_url.clone().unwrap_or_default();
        let (bytes, _) = self.metadata_of(Source::Url(url.clone()), known.private).await?;
        // A key that it announced before may sign it next.
        let pinned: Vec<String> = match &known.signer {
            Some(signer) => [signer].into_iter().chain(&known.certificates).cloned().collect(),
            None => Vec::new(),
        };
        let now = self.clock.now();
        let new = metadata::read(&bytes, known.private, now, &pinned)?;
        if new.entity_id != known.entity_id {
            return Err(refuse("IDP_ENTITY_CHANGED", "what stands there now is the metadata of another provider"));
        }
        let proven = known.signer.is_some() || url.starts_with("https://");
        let (by_owner, issuer, read) = (known.by_owner, issuer(&known), self.read_until(&new));
        let same = |some: &Settings, other: &Settings| {
            Settings { valid_until: None, ..some.clone() } == Settings { valid_until: None, ..other.clone() }
        };
        let change = change(known.clone(), new, micros(self.key_overlap), now);
        if !proven && !same(&Settings { leaving: known.leaving.clone(), ..change.settings.clone() }, &known) {
            return Err(refuse("IDP_METADATA_OPEN", "it changed, and came over http without a signature"));
        }
        if !change.come.is_empty() && !by_owner && external_identity::has_owner_of(&self.db, &issuer).await? {
            return Err(refuse("IDP_OWNER", "new keys of a provider by which an owner signs in: an owner takes them"));
        }
        tracing::debug!(idp.id = %row.id, "metadata was read");
        Ok((change, read))
    }

    /// How long metadata is kept: as is configured, or shorter as it says itself.
    pub(in crate::identity::federation) fn read_until(&self, new: &Provider) -> Read {
        let every = micros(self.metadata_every);
        // Twice in what is left of it, so that one failure does no harm.
        let left = new.valid_until.map(|end| end.since(self.clock.now()) / 2);
        let wait = [Some(every), new.cache, left].into_iter().flatten().min().unwrap_or(every);
        Read { wait: spread(wait.max(LEAST)) }
    }

    /// What was read could not be used. It is tried again, and the first time in a row stands in the audit trail.
    async fn missed(&self, row: &Row, error: &ProviderError) -> Result<(), StoreError> {
        let now = self.clock.now();
        let before = saml::reading(&self.db, &row.id).await?;
        let failures = before.as_ref().map_or(0, |reading| reading.failures);
        let wait = RETRY.saturating_mul(1 << failures.clamp(0, 10)).min(micros(self.metadata_every));
        let detail: String = error.detail.chars().take(DETAIL).collect();
        let mut tx = self.db.begin().await?;
        saml::not_read(&mut tx, &row.id, (now, now.plus(spread(wait))), (error.code, &detail)).await?;
        if before.and_then(|reading| reading.code).as_deref() != Some(error.code) {
            self.told(&mut tx, row, Outcome::Refused, json!({"code": error.code, "detail": detail}), now).await?;
        }
        tracing::warn!(idp.id = %row.id, code = error.code, "metadata of a provider was not taken");
        tx.commit().await
    }

    async fn told(
        &self,
        tx: &mut Tx,
        row: &Row,
        outcome: Outcome,
        detail: serde_json::Value,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (actor, action, object_kind) = ("system", "idp.refresh", "idp");
        let origin = Origin::default();
        let entry = AuditEntry { actor, action, object_kind, object_id: &row.id, outcome, origin: &origin, detail };
        audit::record(tx, entry, now).await
    }
}

/// As a provider's refusal.
fn refusal(rejected: Rejected) -> ProviderError {
    match rejected {
        Rejected::Provider(error) => error,
        Rejected::Field { code, message, .. } => ProviderError { code, detail: message },
        Rejected::Secret(error) => ProviderError { code: "IDP_SECRET", detail: error.to_string() },
        Rejected::Store(error) => ProviderError { code: "INTERNAL", detail: error.to_string() },
    }
}
