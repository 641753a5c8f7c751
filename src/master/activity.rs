//! Activities: the one thing a person types. Visits, calls, mails, meetings and notes on a customer.

use crate::{
    model::{Date, Id, Timestamp, ids::Noun},
    store::{self, InView, StoreError, Tx},
};

use super::announce::{self, Fact};

/// Kinds a person can choose.
pub const KINDS: [&str; 5] = ["visit", "call", "mail", "meeting", "note"];

/// What a person typed.
#[derive(Clone, Debug)]
pub struct NewActivity {
    pub customer: InView,
    pub kind: String,
    pub subject: String,
    pub note: String,
    pub date: Date,
    /// Made with the form: the same key and content again is the same activity.
    pub key: Option<uuid::Uuid>,
}

/// Why an activity cannot be recorded.
#[derive(Debug, thiserror::Error)]
pub enum ActivityError {
    #[error("{field}: {code}")]
    Invalid { field: &'static str, code: &'static str },
    #[error("no such customer")]
    UnknownCustomer,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Records an activity with its first version and returns its id. A form sent twice is recorded once.
pub async fn record(tx: &mut Tx, new: NewActivity, actor: &str, now: Timestamp) -> Result<String, ActivityError> {
    let invalid = |field, code| Err(ActivityError::Invalid { field, code });
    let subject = new.subject.trim();
    if subject.is_empty() {
        return invalid("subject", "REQ_EMPTY");
    }
    if subject.chars().count() > 200 {
        return invalid("subject", "TOO_LONG");
    }
    if new.note.chars().count() > 10_000 {
        return invalid("note", "TOO_LONG");
    }
    if subject.contains('\0') || new.note.contains('\0') {
        return invalid("subject", "FMT_TYPE");
    }
    if !KINDS.contains(&new.kind.as_str()) {
        return invalid("kind", "FMT_VALUE");
    }
    let customers = store::customer::by_ids(&mut *tx, std::iter::once(new.customer.id())).await?;
    if customers.is_empty() {
        return Err(ActivityError::UnknownCustomer);
    }
    let note = Some(new.note.trim()).filter(|n| !n.is_empty());
    let body = serde_json::json!({
        "customer": new.customer.id(), "kind": new.kind, "subject": subject, "note": note, "date": new.date.to_string(),
    })
    .to_string();
    let id = id_of(new.key, &body);
    let row = store::activity::Row {
        id: id.as_str(),
        customer_id: new.customer.id(),
        kind: &new.kind,
        subject,
        note,
        date: new.date,
        actor,
        now,
    };
    if !store::activity::insert(tx, &row).await? {
        return Ok(id.into_string());
    }
    let fact = Fact {
        version: store::version::NewVersion {
            record_id: id.as_str(),
            seq: 1,
            customer_id: None,
            effective_at: None,
            connection_id: None,
            actor: Some(actor),
            run_id: None,
            reason: "created",
            body,
        },
        customer_id: Some(new.customer.id()),
        sample: customers.values().all(|customer| customer.sample),
    };
    announce::versions(tx, now, vec![fact]).await?;
    store::customer::touch(tx, std::iter::once(new.customer.id()), now).await?;
    Ok(id.into_string())
}

/// The content is part of it: who goes back, changes the form and sends it again means a second
/// activity.
fn id_of(key: Option<uuid::Uuid>, body: &str) -> Id {
    use sha2::{Digest, Sha256};
    let Some(key) = key else { return Id::new(Noun::Activity) };
    let mut half = [0; 8];
    half.copy_from_slice(&Sha256::digest(body.as_bytes())[..8]);
    // Behind the time and the version, so ids still sort by creation.
    let content = u128::from(u64::from_be_bytes(half) >> 2);
    Id::from_uuid(Noun::Activity, uuid::Uuid::from_u128(key.as_u128() ^ content))
}
