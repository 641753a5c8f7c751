//! The one word that says how a connection is.

use crate::{
    connection::{freshness, schedule::Plan},
    model::Timestamp,
    store::connection::Row,
};

/// `paused`, `running`, `refused` (the source refuses our credentials), `failing`, `waiting` (asked
/// for, not taken up yet), `new` (never ran), `late` (older than its target) or `ok`. `fresh`: the oldest complete
/// reading of its data.
pub fn word(row: &Row, fresh: Option<i64>, now: Timestamp) -> &'static str {
    if row.paused {
        "paused"
    } else if row.leased_by.is_some() && row.leased_until.is_some_and(|until| until > now.0) {
        "running"
    } else if row.auth_failed_at.is_some() {
        "refused"
    } else if row.failures > 0 {
        "failing"
    } else if row.requested_by.is_some() {
        "waiting"
    } else if row.last_run_id.is_none() {
        "new"
    } else if freshness::is_late(row, fresh, now) {
        "late"
    } else {
        "ok"
    }
}

pub fn plan(row: &Row) -> Plan {
    serde_json::from_str(&row.schedule).unwrap_or(Plan::Manual)
}

/// When the next pull comes: never while paused; not before a pause that the source asked for.
pub fn next(row: &Row) -> Option<i64> {
    let due = row.due_at.filter(|_| !row.paused)?;
    Some(match (row.requested_by.as_ref(), row.retry_at) {
        (None, Some(retry)) => due.max(retry),
        _ => due,
    })
}
