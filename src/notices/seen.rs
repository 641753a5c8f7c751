//! What is wrong with a connection now.

use serde::{Deserialize, Serialize};

use crate::{
    connection::{
        Level,
        condition::{self, Need},
        expiry,
        freshness::SCARCE,
        notices::Kind,
    },
    model::Timestamp,
    secrets::Keys,
    store::{connection::Row, operations::ConnectionFigures, shape::Change},
};

/// A budget that is scarce is so until this much is there again, percent.
const PLENTY: i64 = SCARCE + 5;

/// What is known of a problem. Only codes, counts and names of fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Stable code of the cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Records that wait for somebody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<i64>,
    /// Age and target of its data, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<i64>,
    /// What is left of the budget, percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_left: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_ends_in_days: Option<i64>,
    /// When credentials end, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<String>,
    /// `stream.field` of what the source does not have as before.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub fields: Vec<String>,
}

/// A problem that is there now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub kind: Kind,
    pub facts: Facts,
}

/// Everything that is wrong. `changes`: fields that its source has lost; `is_open`: kinds of which a problem is open already.
pub fn of(
    keys: &Keys,
    row: &Row,
    figures: &ConnectionFigures,
    level: &Level,
    changes: &[Change],
    is_open: &impl Fn(Kind) -> bool,
    now: Timestamp,
) -> Vec<Seen> {
    if row.paused {
        return Vec::new();
    }
    let needs = condition::needs(row, figures, now);
    let has = |need: Need| needs.contains(&need);
    let mut all = Vec::new();
    let mut add = |kind, facts| all.push(Seen { kind, facts });
    if has(Need::Failed) && !has(Need::Reconnect) || has(Need::Records) {
        let cause = figures.last_cause.clone().filter(|_| has(Need::Failed));
        let records = (figures.open_failures > 0).then_some(figures.open_failures);
        add(Kind::NeedsAction, Facts { cause, records, ..Facts::default() });
    }
    // That nothing comes any more is what failing means: it is told once.
    if has(Need::Late) && (is_open(Kind::Late) || !has(Need::Failed) && !has(Need::Reconnect)) {
        let seconds = |micros: i64| micros / Timestamp::SECOND;
        let age = figures.last_ok_at.map(|at| seconds(now.0 - at));
        add(Kind::Late, Facts { age, target: level.target.map(seconds), ..Facts::default() });
    }
    let scarce = if is_open(Kind::Budget) { PLENTY } else { SCARCE };
    if level.target.is_some() && level.left < scarce {
        let (budget_left, budget_ends_in_days) = (Some(level.left), level.out_in);
        add(Kind::Budget, Facts { budget_left, budget_ends_in_days, ..Facts::default() });
    }
    if has(Need::Reconnect) {
        add(Kind::Credentials, Facts { cause: Some("AUTH_REFUSED".to_owned()), ..Facts::default() });
    } else if let Some(end) = expiry::of(keys, row).filter(|end| end.since(now) <= expiry::AHEAD) {
        add(Kind::Credentials, Facts { ends_at: Some(end.rfc3339()), ..Facts::default() });
    }
    if !changes.is_empty() {
        let fields = changes.iter().map(|change| format!("{}.{}", change.stream, change.path)).collect();
        add(Kind::Schema, Facts { cause: Some("SRC_SCHEMA_CHANGED".to_owned()), fields, ..Facts::default() });
    }
    all
}
