//! Changes of connections by people, each made from what they saw: the revision, `connection.updated_at`.

use super::{Batch, FromRow, On, StoreError, Tx, connection, sql};
use crate::model::Timestamp;

/// What a connection is from now on.
pub struct Changed<'a> {
    pub id: &'a str,
    /// The change was made from this one and is made only on it.
    pub revision: i64,
    pub name: &'a str,
    pub settings: &'a str,
    pub secrets: &'a [u8],
    /// A replaced webhook secret, sealed, and until when it is accepted.
    pub previous_hook: Option<(&'a [u8], Timestamp)>,
    pub schedule: &'a str,
    /// The first planned time of a new schedule.
    pub planned_at: Option<Timestamp>,
    /// Report of the check that these settings passed; `None`: they were not tried.
    pub check_report: Option<&'a str>,
    /// Every stream of the connector and whether it is taken.
    pub streams: &'a [(String, bool)],
}

/// Why a change was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no such connection any more.
    Gone,
    /// Somebody changed it since that revision.
    Overtaken,
    NameTaken,
}

/// Makes a change. Troubles with the former settings are forgotten. The connection is due now where it had
/// any, was asked for, or is being pulled with the former settings; else by a schedule that is new.
pub async fn change(tx: &mut Tx, c: &Changed<'_>, now: Timestamp) -> Result<Result<(), Refused>, StoreError> {
    let changed = sql("UPDATE connection SET name = $1, settings = $2, secrets = $3, hook_secret_previous = $4,
           hook_rotated_until = $5,
           due_at = CASE WHEN failures > 0 OR auth_failed_at IS NOT NULL OR requested_by IS NOT NULL
                           OR leased_by IS NOT NULL THEN $6
                         WHEN schedule = $7 THEN due_at ELSE $8 END,
           schedule = $7, check_report = $9, checked_at = CASE WHEN $9 IS NULL THEN NULL ELSE $6 END,
           auth_failed_at = NULL, failures = 0, retry_at = NULL, push_failures = 0, push_retry_at = NULL,
           updated_at = CASE WHEN updated_at < $6 THEN $6 ELSE updated_at + 1 END
         WHERE id = $10 AND updated_at = $11 AND NOT EXISTS (SELECT 1 FROM connection WHERE name = $1 AND id <> $10)")
    .bind(c.name)
    .bind(c.settings)
    .bind(c.secrets)
    .bind(c.previous_hook.map(|(sealed, _)| sealed))
    .bind(c.previous_hook.map(|(_, until)| until))
    .bind(now)
    .bind(c.schedule)
    .bind(c.planned_at)
    .bind(c.check_report)
    .bind(c.id)
    .bind(c.revision)
    .execute(&mut *tx)
    .await?;
    if changed == 0 {
        return Ok(Err(match connection::get(&mut *tx, c.id).await? {
            None => Refused::Gone,
            Some(row) if row.updated_at != c.revision => Refused::Overtaken,
            Some(_) => Refused::NameTaken,
        }));
    }
    let mut batch = Batch::new("stream", &["connection_id", "name", "enabled"]);
    for (name, enabled) in c.streams {
        batch.push([c.id.into(), name.as_str().into(), (*enabled).into()]);
    }
    batch.insert(tx, "ON CONFLICT (connection_id, name) DO UPDATE SET enabled = excluded.enabled").await?;
    // What rested because the system refused the former settings does not rest any longer.
    sql("UPDATE delivery SET not_before = $1 WHERE connection_id = $2 AND state = 'retrying' AND not_before > $1")
        .bind(now)
        .bind(c.id)
        .execute(tx)
        .await?;
    Ok(Ok(()))
}

/// Replaces the secrets alone. `false`: the connection is not at that revision any more.
pub async fn set_secrets(
    tx: &mut Tx,
    (id, revision): (&str, i64),
    secrets: &[u8],
    previous_hook: Option<(&[u8], Timestamp)>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = sql("UPDATE connection SET secrets = $1, hook_secret_previous = $2, hook_rotated_until = $3,
           updated_at = CASE WHEN updated_at < $4 THEN $4 ELSE updated_at + 1 END WHERE id = $5 AND updated_at = $6")
    .bind(secrets)
    .bind(previous_hook.map(|(sealed, _)| sealed))
    .bind(previous_hook.map(|(_, until)| until))
    .bind(now)
    .bind(id)
    .bind(revision)
    .execute(tx)
    .await?;
    Ok(changed > 0)
}

/// Who changed a connection last, and when.
#[derive(Clone, Debug, FromRow)]
pub struct Last {
    /// A person's name; `None`: nobody who signs in, such as the command line.
    pub who: Option<String>,
    pub at: i64,
}

/// The last act on a connection that moved its revision.
pub async fn last(on: impl Into<On<'_>>, id: &str) -> Result<Option<Last>, StoreError> {
    sql("SELECT app_user.name AS who, audit.at AS at
         FROM audit LEFT JOIN app_user ON app_user.id = audit.actor
         WHERE audit.object_kind = 'connection' AND audit.object_id = $1 AND audit.outcome = 'ok'
           AND audit.action IN ('connection.change', 'connection.pause', 'connection.resume', 'connection.push', 'connection.watch',
                                'connection.rotate_secret')
         ORDER BY audit.id DESC LIMIT 1")
    .bind(id)
    .optional(on)
    .await
}
