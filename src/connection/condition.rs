//! What of a connection needs a person. The page, the notifications and the metrics ask the same questions.

use super::freshness;
use crate::{
    model::Timestamp,
    store::{connection::Row, operations::ConnectionFigures},
};

/// Failures in a row after which a retry by itself is not waited for any longer.
const PATIENCE: i64 = 3;

/// A reason why somebody has to act. In the order of how bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The source refuses our credentials.
    Reconnect,
    /// Runs fail, and retries have not helped.
    Failed,
    /// Data is older than it may get.
    Late,
    /// Records wait for a person.
    Records,
    /// The source has lost fields that the mapping reads.
    Fields,
}

impl Need {
    /// Word in events, mails and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reconnect => "reconnect",
            Self::Failed => "failed",
            Self::Late => "late",
            Self::Records => "records",
            Self::Fields => "fields",
        }
    }
}

/// Everything that needs a person, the worst first. A paused connection needs nobody.
#[must_use]
pub fn needs(row: &Row, figures: &ConnectionFigures, now: Timestamp) -> Vec<Need> {
    if row.paused {
        return Vec::new();
    }
    let failed = figures.previous_state.as_deref() == Some("failed");
    let all = [
        (row.auth_failed_at.is_some(), Need::Reconnect),
        (failed && (row.failures >= PATIENCE || row.retry_at.is_none()), Need::Failed),
        (freshness::is_late(row, figures.last_ok_at, now), Need::Late),
        (figures.open_failures > 0, Need::Records),
        (figures.lost_fields > 0, Need::Fields),
    ];
    all.into_iter().filter(|(is, _)| *is).map(|(_, need)| need).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_a_person_and_what_passes() {
        let now = Timestamp(1_000 * Timestamp::HOUR);
        let row = |failures, retry: Option<i64>, refused: bool, paused| {
            let mut row = Row::unsaved("con", "rest", "sales", serde_json::Map::new(), b"");
            (row.failures, row.retry_at, row.paused) = (failures, retry, paused);
            row.auth_failed_at = refused.then_some(1);
            row.schedule = r#"{"every":60}"#.into();
            row
        };
        let figures = |previous: &str, open, minutes: i64| ConnectionFigures {
            connection_id: "con".into(),
            open_failures: open,
            parked: 0,
            lost_fields: 0,
            last_ok_at: Some(now.0 - minutes * Timestamp::MINUTE),
            last_cause: None,
            previous_state: Some(previous.into()),
        };
        for (row, figures, wanted) in [
            (row(0, None, false, false), figures("succeeded", 0, 1), vec![]),
            (row(1, Some(now.0), false, false), figures("failed", 0, 1), vec![]),
            (row(3, Some(now.0), false, false), figures("failed", 0, 1), vec![Need::Failed]),
            (row(0, None, false, false), figures("failed", 0, 1), vec![Need::Failed]),
            (
                row(1, Some(now.0), true, false),
                figures("failed", 2, 60),
                vec![Need::Reconnect, Need::Late, Need::Records],
            ),
            (row(9, None, true, true), figures("failed", 2, 60), vec![]),
        ] {
            assert_eq!(needs(&row, &figures, now), wanted);
        }
    }
}
