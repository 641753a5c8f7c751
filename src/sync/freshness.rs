//! Looks each minute whether connections are as fresh as they have to be.
//!
//! Minutes in which nobody looked, because the hub was down, are judged when it is back: nothing arrived meanwhile,
//! and that is known. Several nodes may look: a minute counts once, because moving the mark and adding the minutes is
//! one transaction.
//!
//! Not counted: while a connection is paused, has no target, or has not yet read its data for the first time.

use std::collections::HashMap;

use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use crate::{
    connection::freshness::{self as level, Minutes, WINDOW},
    model::Timestamp,
    store::{StoreError, connection, freshness},
};

/// A mark so far ahead was made by a clock that was wrong.
const AHEAD: i64 = 10;

/// Looks until `stop`.
pub async fn run(engine: Engine, stop: CancellationToken) {
    let mut shown = HashMap::new();
    loop {
        if let Err(error) = measure(&engine).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "freshness cannot be measured now");
        }
        if let Err(error) = show(&engine, &mut shown).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "freshness cannot be shown in metrics now");
        }
        if stop.run_until_cancelled(tokio::time::sleep(engine.health.every.0)).await.is_none() {
            return;
        }
    }
}

/// Judges every minute since the last look.
pub async fn measure(engine: &Engine) -> Result<(), StoreError> {
    let minute = engine.clock.now().0 / Timestamp::MINUTE;
    let marks: HashMap<String, (i64, i64)> =
        freshness::marks(&engine.db).await?.into_iter().map(|m| (m.connection_id, (m.minute, m.ok_at))).collect();
    let complete: HashMap<String, i64> = freshness::complete(&engine.db).await?.into_iter().collect();
    let rows = connection::all(&engine.db).await?;
    let due: Vec<_> = rows
        .iter()
        .map(|row| (row, marks.get(&row.id).copied()))
        .filter(|(_, mark)| mark.is_none_or(|(at, _)| at < minute || at > minute + AHEAD))
        .collect();
    if due.is_empty() {
        return Ok(());
    }
    let mut tx = engine.db.begin().await?;
    for (row, mark) in due {
        let ok_at = complete.get(&row.id).copied();
        let known = ok_at.unwrap_or(minute * Timestamp::MINUTE);
        if !freshness::advance(&mut tx, &row.id, mark.map(|(at, _)| at), minute, known).await? {
            continue;
        }
        let (Some((from, was)), Some(is), Some(target)) = (mark, ok_at, level::target(row)) else { continue };
        if !row.paused {
            let judged = level::judge((from, minute), was, is, target).into_iter();
            freshness::add(&mut tx, &row.id, judged.map(|(hour, Minutes { total, good })| (hour, total, good))).await?;
        }
    }
    tx.commit().await
}

/// What a monitoring system may ask of each connection: age and target in seconds, what is left of the budget from
/// 0 to 1. A connection that is gone shows no number any more.
async fn show(engine: &Engine, shown: &mut HashMap<String, ()>) -> Result<(), StoreError> {
    let now = engine.clock.now();
    let complete: HashMap<String, i64> = freshness::complete(&engine.db).await?.into_iter().collect();
    let mut bad: HashMap<String, i64> = HashMap::new();
    for day in freshness::days(&engine.db, now.0 / Timestamp::HOUR - WINDOW / 60).await? {
        *bad.entry(day.connection_id).or_default() += day.total - day.good;
    }
    let mut gone = std::mem::take(shown);
    for row in connection::all(&engine.db).await? {
        gone.remove(&row.id);
        let age = complete.get(&row.id).map(|at| now.0 - at);
        let objective = engine.health.objective_of(row.freshness_objective);
        let left = level::remaining(bad.get(&row.id).copied().unwrap_or(0), objective);
        gauges(&row.id, age, level::target(&row), Some(left));
        shown.insert(row.id, ());
    }
    gone.into_keys().for_each(|id| gauges(&id, None, None, None));
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
fn gauges(id: &str, age: Option<i64>, target: Option<i64>, left: Option<i64>) {
    let seconds = |micros: Option<i64>| micros.map_or(f64::NAN, |m| m as f64 / 1e6);
    metrics::gauge!("musubi_connection_age_seconds", "connection" => id.to_owned()).set(seconds(age));
    metrics::gauge!("musubi_connection_age_target_seconds", "connection" => id.to_owned()).set(seconds(target));
    let left = left.map_or(f64::NAN, |percent| percent as f64 / 100.0);
    metrics::gauge!("musubi_connection_budget_left_ratio", "connection" => id.to_owned()).set(left);
}
