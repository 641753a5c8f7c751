//! From stored facts to the one word a state has (UX section 6).

use crate::{
    connection::freshness,
    http::console::view::status::{State, Status},
    model::Timestamp,
    store::{connection::Row, operations::ConnectionFigures},
};

/// The state of a connection. While it runs or waits for a retry, what was before is kept beside.
pub fn of_connection(row: &Row, figures: Option<&ConnectionFigures>, now: Timestamp) -> State {
    let settled = settled(row, figures, now);
    if row.paused {
        return Status::Paused.into();
    }
    let before = figures.is_some_and(|f| f.previous_state.is_some()).then_some(settled);
    if row.leased_until.is_some_and(|until| until > now.0) {
        return State { now: Status::Running, before };
    }
    if row.auth_failed_at.is_some() {
        return Status::Reconnect.into();
    }
    if row.failures > 0
        && let Some(at) = row.retry_at.filter(|at| *at > now.0)
    {
        return State { now: Status::Retrying(Some(Timestamp(at))), before };
    }
    settled.into()
}

fn settled(row: &Row, figures: Option<&ConnectionFigures>, now: Timestamp) -> Status {
    let Some(figures) = figures else { return Status::NotRun };
    match figures.previous_state.as_deref() {
        Some("failed") => Status::Failed,
        _ if freshness::is_late(row, figures.last_ok_at, now) => Status::Delayed,
        _ if figures.open_failures > 0 || figures.lost_fields > 0 => Status::Partial,
        Some("partial") => Status::Partial,
        None if figures.last_ok_at.is_none() => Status::NotRun,
        _ => Status::Healthy,
    }
}

/// The state of a finished or running run, or of one stream in it.
pub fn of_run(state: &str) -> Status {
    match state {
        "succeeded" => Status::Healthy,
        "partial" => Status::Partial,
        "failed" => Status::Failed,
        "running" => Status::Running,
        "interrupted" => Status::Retrying(None),
        _ => Status::NotRun,
    }
}

/// As [`of_run`], but never green when a record was not taken in.
pub fn of_counts(state: &str, failed: i64) -> Status {
    match of_run(state) {
        Status::Healthy if failed > 0 => Status::Partial,
        status => status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(previous: Option<&str>, open: i64, ok: Option<i64>) -> ConnectionFigures {
        ConnectionFigures {
            connection_id: "con".into(),
            open_failures: open,
            parked: 0,
            lost_fields: 0,
            last_ok_at: ok,
            last_cause: None,
            previous_state: previous.map(str::to_owned),
        }
    }

    #[test]
    fn one_word_for_every_situation() {
        let now = Timestamp(1_000 * Timestamp::HOUR);
        let mut row = Row::unsaved("con", "rest", "sales", serde_json::Map::new(), b"");
        row.schedule = r#"{"every":60}"#.into();
        let fresh = Some(now.0 - Timestamp::MINUTE);
        let state = |row: &Row, f: &ConnectionFigures| of_connection(row, Some(f), now).now;
        assert_eq!(state(&row, &figures(None, 0, None)), Status::NotRun);
        assert_eq!(state(&row, &figures(Some("succeeded"), 0, fresh)), Status::Healthy);
        assert_eq!(state(&row, &figures(Some("succeeded"), 2, fresh)), Status::Partial);
        assert_eq!(state(&row, &figures(Some("failed"), 0, fresh)), Status::Failed);
        let old = Some(now.0 - Timestamp::HOUR);
        assert_eq!(state(&row, &figures(Some("succeeded"), 0, old)), Status::Delayed);
        row.failures = 2;
        row.retry_at = Some(now.0 + Timestamp::MINUTE);
        let retrying = of_connection(&row, Some(&figures(Some("failed"), 0, fresh)), now);
        assert_eq!(retrying.now, Status::Retrying(Some(now.plus(Timestamp::MINUTE))));
        assert_eq!(retrying.before, Some(Status::Failed));
        row.auth_failed_at = Some(now.0);
        assert_eq!(state(&row, &figures(Some("failed"), 0, fresh)), Status::Reconnect);
        row.leased_until = Some(now.0 + 1);
        assert_eq!(state(&row, &figures(Some("failed"), 0, fresh)), Status::Running);
        row.paused = true;
        assert_eq!(state(&row, &figures(Some("failed"), 0, fresh)), Status::Paused);
    }
}
