//! What somebody should know of: once a cause and day, told together.

use super::{FromRow, On, StoreError, Tx, sql};
use crate::model::{Id, Timestamp, ids::Noun};

/// An alert that is in no mail yet.
#[derive(Clone, Debug, FromRow)]
pub struct Row {
    pub id: String,
    pub kind: String,
    pub about: String,
    /// Of what is gone by now.
    pub name: Option<String>,
    pub times: i64,
    pub at: i64,
}

/// Notes a cause. The same one again on the same day is only counted.
pub async fn raise(tx: &mut Tx, kind: &str, about: &str, day: &str, now: Timestamp) -> Result<(), StoreError> {
    raise_named(tx, kind, (about, None), day, now).await
}

/// As [`raise`], with the name of what is gone when it is told.
pub async fn raise_named(
    tx: &mut Tx,
    kind: &str,
    (about, name): (&str, Option<&str>),
    day: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sql("INSERT INTO alert (id, kind, about, day, times, at, name) VALUES ($1, $2, $3, $4, 1, $5, $6)
         ON CONFLICT (kind, about, day) DO UPDATE SET times = alert.times + 1")
    .bind(Id::new(Noun::Alert))
    .bind(kind)
    .bind(about)
    .bind(day)
    .bind(now)
    .bind(name)
    .execute(tx)
    .await?;
    Ok(())
}

/// When the oldest alert was raised that is in no mail yet.
pub async fn oldest_untold(on: impl Into<On<'_>>) -> Result<Option<Timestamp>, StoreError> {
    let oldest: (Option<i64>,) = sql("SELECT MIN(at) FROM alert WHERE told_at IS NULL").one(on).await?;
    Ok(oldest.0.map(Timestamp))
}

/// Takes all that are in no mail yet, once; oldest first.
pub async fn take_untold(tx: &mut Tx, now: Timestamp) -> Result<Vec<Row>, StoreError> {
    let mut taken: Vec<Row> =
        sql("UPDATE alert SET told_at = $1 WHERE told_at IS NULL RETURNING id, kind, about, name, times, at")
            .bind(now)
            .all(tx)
            .await?;
    taken.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(taken)
}

/// Whether this cause was noted on this day.
pub async fn is_known(on: impl Into<On<'_>>, kind: &str, about: &str, day: &str) -> Result<bool, StoreError> {
    let known = sql("SELECT id FROM alert WHERE kind = $1 AND about = $2 AND day = $3").bind(kind).bind(about);
    Ok(known.bind(day).optional::<(String,)>(on).await?.is_some())
}

/// Connections that are meant to run, have failed with every run since before a time, and of which nobody was told
/// by their own notices: id.
pub async fn stopped(on: impl Into<On<'_>>, before: Timestamp) -> Result<Vec<String>, StoreError> {
    let found: Vec<(String,)> = sql("SELECT id FROM connection WHERE failures > 0 AND NOT paused
           AND NOT EXISTS (SELECT 1 FROM problem told WHERE told.connection_id = connection.id
                             AND told.ended_at IS NULL AND told.told > 0)
           AND (SELECT MIN(failed.started_at) FROM run failed WHERE failed.connection_id = connection.id
                  AND failed.state = 'failed' AND failed.started_at > COALESCE(
                    (SELECT MAX(good.started_at) FROM run good WHERE good.connection_id = connection.id
                       AND good.state IN ('succeeded', 'partial')), 0)) < $1
         ORDER BY id")
    .bind(before)
    .all(on)
    .await?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// Whoever gets alerts: owners unless they do not want to, administrators who want to.
pub async fn recipients(on: impl Into<On<'_>>) -> Result<Vec<(String, String)>, StoreError> {
    sql("SELECT mail, language FROM app_user WHERE disabled_at IS NULL AND mail <> ''
           AND ((role = 'owner' AND (alerts IS NULL OR alerts)) OR (role = 'admin' AND alerts))
         ORDER BY id")
    .all(on)
    .await
}

/// What somebody chose: `None` as their role has it.
pub async fn choice(on: impl Into<On<'_>>, user_id: &str) -> Result<Option<bool>, StoreError> {
    let found: Option<(Option<bool>,)> =
        sql("SELECT alerts FROM app_user WHERE id = $1").bind(user_id).optional(on).await?;
    Ok(found.and_then(|(choice,)| choice))
}

pub async fn choose(tx: &mut Tx, user_id: &str, wanted: bool) -> Result<(), StoreError> {
    sql("UPDATE app_user SET alerts = $1 WHERE id = $2").bind(wanted).bind(user_id).execute(tx).await?;
    Ok(())
}
