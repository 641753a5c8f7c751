//! What is sent of an event: the same bytes at every attempt.

use std::collections::HashMap;

use serde_json::{Value, json, value::RawValue};

use super::super::engine::Engine;
use crate::{
    model::{Timestamp, event as kinds},
    store::{
        StoreError,
        event::{self, Content},
    },
};

/// An event ready to be sent.
#[derive(Clone, Debug)]
pub struct Letter {
    /// `webhook-id`: the event's own, also when it is sent again.
    pub id: String,
    /// JSON: `type`, `timestamp` (RFC 3339, when it happened) and `data`.
    pub body: Vec<u8>,
}

/// Letters by event; an event whose record is gone has none.
pub(super) async fn write(engine: &Engine, ids: &[&str]) -> Result<HashMap<String, Letter>, StoreError> {
    let contents = event::contents(&engine.db, ids).await?;
    Ok(contents.into_iter().filter_map(|content| Some((content.id.clone(), letter(&content)?))).collect())
}

/// `None`: there is nothing left to tell.
#[must_use]
pub fn letter(content: &Content) -> Option<Letter> {
    let data = if content.kind == kinds::TEST { json!({"receiver_id": content.record_id}) } else { data(content)? };
    let body = json!({"type": content.kind, "timestamp": Timestamp(content.at).rfc3339(), "data": data});
    Some(Letter { id: content.id.clone(), body: body.to_string().into_bytes() })
}

fn data(content: &Content) -> Option<Value> {
    let body: Box<RawValue> = serde_json::from_str(content.body.as_deref()?).ok()?;
    if kinds::PROBLEMS.contains(&content.kind.as_str()) {
        return serde_json::from_str(body.get()).ok();
    }
    let record = (!content.kind.ends_with(".deleted")).then(|| serde_json::from_str::<Value>(body.get()).ok());
    Some(json!({
        "id": content.record_id,
        "version": content.seq,
        "customer_id": content.customer_id,
        "connection_id": content.connection_id,
        "record": record.flatten(),
    }))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    fn content(kind: &str, body: Option<&str>) -> Content {
        Content {
            id: "evt_1".into(),
            at: 1_790_000_000_000_000,
            kind: kind.into(),
            record_id: "ord_1".into(),
            seq: 2,
            customer_id: Some("cus_1".into()),
            connection_id: None,
            body: body.map(str::to_owned),
        }
    }

    #[test]
    fn a_letter_says_what_happened_and_is_the_same_twice() {
        let order = content("order.updated", Some(r#"{"number":"N-1","total":100}"#));
        let said = letter(&order).unwrap();
        let text = r#"{"type":"order.updated","timestamp":"2026-09-21T14:13:20Z","data":{"id":"ord_1","version":2,"customer_id":"cus_1","connection_id":null,"record":{"number":"N-1","total":100}}}"#;
        assert_eq!(String::from_utf8_lossy(&said.body), text);
        assert_eq!(letter(&order).unwrap().body, said.body);
        let gone = letter(&content("order.deleted", Some("{}"))).unwrap();
        assert!(String::from_utf8_lossy(&gone.body).ends_with(r#""record":null}}"#));
        assert!(letter(&content("order.updated", None)).is_none());
        assert!(letter(&content(kinds::TEST, None)).is_some());
    }
}
