//! What the operations pages and commands read: connections with their figures, runs, failures by
//! cause, the webhook log.

use super::{
    Db, FromRow, StoreError, json_list,
    scope::{self, Condition},
    sql,
};
use crate::model::{Id, Timestamp, View, ids::Noun};

/// Figures of a connection for its status.
#[derive(Clone, Debug, FromRow)]
pub struct ConnectionFigures {
    pub connection_id: String,
    pub open_failures: i64,
    pub parked: i64,
    /// Fields that the source has lost and the mapping reads.
    pub lost_fields: i64,
    pub last_ok_at: Option<i64>,
    pub last_cause: Option<String>,
    /// State of the last finished pull, whatever runs now.
    pub previous_state: Option<String>,
}

/// Figures of every connection, or of one.
pub async fn figures(db: &Db, id: Option<&str>) -> Result<Vec<ConnectionFigures>, StoreError> {
    sql("SELECT c.id AS connection_id,
           (SELECT COUNT(*) FROM failure f WHERE f.connection_id = c.id AND f.state = 'open') AS open_failures,
           (SELECT COUNT(*) FROM parked p WHERE p.connection_id = c.id) AS parked,
           (SELECT COUNT(*) FROM shape_change h WHERE h.connection_id = c.id AND h.ended_at IS NULL AND h.change <> 'new')
             AS lost_fields,
           (SELECT MIN(s.last_ok_at) FROM stream s WHERE s.connection_id = c.id AND s.enabled = $2) AS last_ok_at,
           (SELECT r.cause FROM run r WHERE r.connection_id = c.id AND r.trigger_kind IN ('schedule','manual','catch_up')
              ORDER BY r.started_at DESC LIMIT 1) AS last_cause,
           (SELECT r.state FROM run r WHERE r.connection_id = c.id AND r.trigger_kind IN ('schedule','manual','catch_up')
              AND r.state <> 'running' ORDER BY r.started_at DESC LIMIT 1) AS previous_state
         FROM connection c WHERE $1 IS NULL OR c.id = $1 ORDER BY c.created_at, c.id")
    .bind(id)
    .bind(true)
    .all(db)
    .await
}

/// Figures of a stream.
#[derive(Clone, Debug, FromRow)]
pub struct StreamFigures {
    pub stream: String,
    pub total: i64,
    pub latest_version: Option<i64>,
    pub open_failures: i64,
    pub changed_today: i64,
}

/// Records, newest change, open failures and today's changes of each stream of a connection.
pub async fn stream_figures(
    db: &Db,
    connection_id: &str,
    midnight: Timestamp,
) -> Result<Vec<StreamFigures>, StoreError> {
    sql("SELECT s.name AS stream,
           (SELECT COUNT(*) FROM source_record r
              WHERE r.connection_id = s.connection_id AND r.stream = s.name AND r.deleted_at IS NULL) AS total,
           (SELECT MAX(r.source_version) FROM source_record r
              WHERE r.connection_id = s.connection_id AND r.stream = s.name) AS latest_version,
           (SELECT COUNT(*) FROM failure f
              WHERE f.connection_id = s.connection_id AND f.stream = s.name AND f.state = 'open') AS open_failures,
           (SELECT CAST(COALESCE(SUM(rs.new_count + rs.updated_count), 0) AS BIGINT) FROM run_stream rs
              JOIN run r ON r.id = rs.run_id
              WHERE r.connection_id = s.connection_id AND rs.stream = s.name AND r.started_at >= $2) AS changed_today
         FROM stream s WHERE s.connection_id = $1 ORDER BY s.name")
    .bind(connection_id)
    .bind(midnight)
    .all(db)
    .await
}

/// A run with its sums.
#[derive(Clone, Debug, FromRow)]
pub struct RunSummary {
    pub id: String,
    pub number: i64,
    pub connection_id: String,
    pub connection_name: String,
    pub kind: String,
    pub trigger_kind: String,
    pub actor: Option<String>,
    pub state: String,
    pub started_at: i64,
    pub finished_at: Option<i64>,
    pub cause: Option<String>,
    pub read_count: i64,
    pub new_count: i64,
    pub updated_count: i64,
    pub parked_count: i64,
    pub failed_count: i64,
}

/// Newest runs first: of one connection, in one state, older than the number `before`, where given. The sums
/// are taken of the listed runs only.
pub async fn runs(
    db: &Db,
    connection_id: Option<&str>,
    state: Option<&str>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<RunSummary>, StoreError> {
    let sums = ["read", "new", "updated", "parked", "failed"].map(|word| {
        format!(
            "CAST(COALESCE((SELECT SUM({word}_count) FROM run_stream s WHERE s.run_id = r.id), 0) AS BIGINT) AS {word}_count"
        )
    });
    sql(format!(
        "SELECT r.id, r.number, r.connection_id, c.name AS connection_name, c.kind, r.trigger_kind,
           COALESCE(u.name, r.actor) AS actor, r.state, r.started_at, r.finished_at, r.cause, {}
         FROM run r JOIN connection c ON c.id = r.connection_id LEFT JOIN app_user u ON u.id = r.actor
         WHERE ($1 IS NULL OR r.connection_id = $1) AND ($2 IS NULL OR r.state = $2) AND ($3 IS NULL OR r.number < $3)
         ORDER BY r.number DESC LIMIT $4",
        sums.join(", ")
    ))
    .bind(connection_id)
    .bind(state)
    .bind(before)
    .bind(limit)
    .all(db)
    .await
}

pub async fn count_runs(db: &Db, connection_id: &str) -> Result<i64, StoreError> {
    let (n,): (i64,) = sql("SELECT COUNT(*) FROM run WHERE connection_id = $1").bind(connection_id).one(db).await?;
    Ok(n)
}

/// `(started_at, records, worst)` of runs since a time; worst is 0 good, 1 partial, 2 failed.
pub async fn activity(db: &Db, connection_id: &str, since: Timestamp) -> Result<Vec<(i64, i64, i64)>, StoreError> {
    sql("SELECT r.started_at,
           CAST(COALESCE((SELECT SUM(new_count + updated_count) FROM run_stream s WHERE s.run_id = r.id), 0) AS BIGINT),
           CAST(CASE r.state WHEN 'failed' THEN 2 WHEN 'partial' THEN 1 ELSE 0 END AS BIGINT)
         FROM run r WHERE r.connection_id = $1 AND r.started_at >= $2 ORDER BY r.started_at")
    .bind(connection_id)
    .bind(since)
    .all(db)
    .await
}

/// How many failures that the reader sees each state has.
pub async fn failure_counts(
    db: &Db,
    view: &View,
    connection_id: Option<&str>,
) -> Result<Vec<(String, i64)>, StoreError> {
    let Condition { text, values } = scope::condition_of_failures(view, db.dialect(), "f", 2);
    let text = format!(
        "SELECT f.state, COUNT(*) FROM failure f WHERE ($1 IS NULL OR f.connection_id = $1) AND {text} GROUP BY f.state"
    );
    sql(text).bind(connection_id).bind_all(values).all(db).await
}

/// What a search of failures looks at: not at values, where the reader may not see some of them.
fn found_by(view: &View, placeholder: &str) -> String {
    let value = if view.hides_any() { String::new() } else { format!("OR f.value LIKE '%' || {placeholder} || '%'") };
    format!("({placeholder} = '' OR f.label LIKE '%' || {placeholder} || '%' {value} OR f.cause = {placeholder})")
}

/// `(cause, count)` of the failures in a state that the reader sees, most first.
pub async fn causes(
    db: &Db,
    view: &View,
    state: &str,
    connection_id: Option<&str>,
    text: &str,
) -> Result<Vec<(String, i64)>, StoreError> {
    let Condition { text: within, values } = scope::condition_of_failures(view, db.dialect(), "f", 4);
    let found = found_by(view, "$3");
    sql(format!(
        "SELECT f.cause, COUNT(*) AS n FROM failure f
         WHERE f.state = $1 AND ($2 IS NULL OR f.connection_id = $2) AND {found} AND {within}
         GROUP BY f.cause ORDER BY n DESC, f.cause"
    ))
    .bind(state)
    .bind(connection_id)
    .bind(text)
    .bind_all(values)
    .all(db)
    .await
}

/// A failure as a list shows it.
#[derive(Clone, Debug, FromRow)]
pub struct FailureSummary {
    pub id: String,
    pub connection_id: String,
    pub connection_name: String,
    pub kind: String,
    pub stream: String,
    pub cause: String,
    pub label: String,
    pub value: Option<String>,
    pub last_at: i64,
}

/// Newest failures of a cause that the reader sees.
pub async fn failures_of(
    db: &Db,
    view: &View,
    state: &str,
    cause: &str,
    connection_id: Option<&str>,
    text: &str,
    limit: i64,
) -> Result<Vec<FailureSummary>, StoreError> {
    let Condition { text: within, values } = scope::condition_of_failures(view, db.dialect(), "f", 6);
    let found = found_by(view, "$4");
    let rows: Vec<FailureSummary> = sql(format!(
        "SELECT f.id, f.connection_id, c.name AS connection_name, c.kind, f.stream, f.cause, f.label, f.value, f.last_at
         FROM failure f JOIN connection c ON c.id = f.connection_id
         WHERE f.state = $1 AND f.cause = $2 AND ($3 IS NULL OR f.connection_id = $3) AND {found} AND {within}
         ORDER BY f.last_at DESC, f.id DESC LIMIT $5"
    ))
    .bind(state)
    .bind(cause)
    .bind(connection_id)
    .bind(text)
    .bind(limit)
    .bind_all(values)
    .all(db)
    .await?;
    // Which of the hub's fields a value is for is known of some failures only: none of them is shown.
    let veiled = |row| if view.hides_any() { FailureSummary { value: None, ..row } } else { row };
    Ok(rows.into_iter().map(veiled).collect())
}

/// A delivery as the webhook log shows it.
#[derive(Clone, Debug, FromRow)]
pub struct Delivery {
    pub id: String,
    pub connection_id: String,
    pub connection_name: String,
    pub kind: String,
    pub delivery_id: String,
    pub received_at: i64,
    pub state: String,
    pub attempts: i64,
    pub not_before: i64,
    pub applied_at: Option<i64>,
    pub event: Option<String>,
    pub object: Option<String>,
    pub run_id: Option<String>,
    pub cause: Option<String>,
    pub duplicates: i64,
}

const DELIVERY: &str =
    "i.id, i.connection_id, c.name AS connection_name, c.kind, i.delivery_id, i.received_at, i.state,
    i.attempts, i.not_before, i.applied_at, i.event, i.object, i.run_id, i.cause, i.duplicates";

/// Newest deliveries first; `after` is the id of the last one shown.
pub async fn deliveries(
    db: &Db,
    connection_id: Option<&str>,
    state: &str,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Delivery>, StoreError> {
    sql(format!(
        "SELECT {DELIVERY} FROM inbox i JOIN connection c ON c.id = i.connection_id
         WHERE ($1 IS NULL OR i.connection_id = $1) AND ($2 = '' OR i.state = $2) AND ($3 IS NULL OR i.id < $3)
         ORDER BY i.id DESC LIMIT $4"
    ))
    .bind(connection_id)
    .bind(state)
    .bind(after)
    .bind(limit)
    .all(db)
    .await
}

pub async fn delivery(db: &Db, id: &str) -> Result<Option<Delivery>, StoreError> {
    sql(format!("SELECT {DELIVERY} FROM inbox i JOIN connection c ON c.id = i.connection_id WHERE i.id = $1"))
        .bind(id)
        .optional(db)
        .await
}

/// `(headers, body)` of a delivery.
pub async fn delivery_content(db: &Db, id: &str) -> Result<Option<(String, Vec<u8>)>, StoreError> {
    sql("SELECT headers, body FROM inbox WHERE id = $1").bind(id).optional(db).await
}

/// A refused request.
#[derive(Clone, Debug, FromRow)]
pub struct Refused {
    pub at: i64,
    pub connection_name: String,
    pub kind: String,
    pub cause: String,
    pub detail: String,
    pub times: i64,
}

pub async fn refusals(
    db: &Db,
    connection_id: Option<&str>,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<Refused>, StoreError> {
    sql("SELECT h.at, c.name AS connection_name, c.kind, h.cause, h.detail, h.times
         FROM hook_refusal h JOIN connection c ON c.id = h.connection_id
         WHERE ($1 IS NULL OR h.connection_id = $1) AND h.at >= $2 ORDER BY h.at DESC LIMIT $3")
    .bind(connection_id)
    .bind(since)
    .bind(limit)
    .all(db)
    .await
}

/// `(received, refused, last received)` of a connection since a time; the last one also from before it,
/// to the minute.
pub async fn hook_figures(
    db: &Db,
    connection_id: &str,
    since: Timestamp,
) -> Result<(i64, i64, Option<i64>), StoreError> {
    // By id, which sorts by time: an index over times would cost every delivery of a flood.
    let (received, last): (i64, Option<i64>) =
        sql("SELECT COUNT(*), MAX(received_at) FROM inbox WHERE id >= $1 AND connection_id = $2")
            .bind(Id::first_since(Noun::Inbox, since))
            .bind(connection_id)
            .one(db)
            .await?;
    let (refused, last_run): (i64, Option<i64>) = sql("SELECT
           (SELECT CAST(COALESCE(SUM(times), 0) AS BIGINT) FROM hook_refusal WHERE connection_id = $1 AND at >= $2),
           (SELECT MAX(started_at) FROM run WHERE connection_id = $1 AND trigger_kind = 'webhook')")
    .bind(connection_id)
    .bind(since)
    .one(db)
    .await?;
    Ok((received, refused, last.or(last_run)))
}

/// The customer and label of a record that a delivery changed.
pub async fn changed_customer(
    db: &Db,
    connection_id: &str,
    stream: &str,
    external_id: &str,
) -> Result<Option<(String, String)>, StoreError> {
    sql("SELECT c.id, c.name FROM source_record s
         JOIN customer c ON c.id = COALESCE(
           (SELECT customer_id FROM sales_order WHERE id = s.record_id),
           (SELECT customer_id FROM shipment WHERE id = s.record_id),
           (SELECT customer_id FROM invoice WHERE id = s.record_id),
           (SELECT customer_id FROM payment WHERE id = s.record_id),
           (SELECT customer_id FROM deal WHERE id = s.record_id),
           (SELECT customer_id FROM quote WHERE id = s.record_id),
           (SELECT customer_id FROM contract WHERE id = s.record_id),
           (SELECT customer_id FROM inquiry WHERE id = s.record_id),
           (SELECT customer_id FROM site WHERE id = s.record_id),
           (SELECT customer_id FROM contact WHERE id = s.record_id),
           s.record_id)
         WHERE s.connection_id = $1 AND s.stream = $2 AND s.external_id = $3")
    .bind(connection_id)
    .bind(stream)
    .bind(external_id)
    .optional(db)
    .await
}

/// `(id, number)` of runs.
pub async fn run_numbers<'a>(db: &Db, ids: impl Iterator<Item = &'a str>) -> Result<Vec<(String, i64)>, StoreError> {
    let text = format!("SELECT id, number FROM run WHERE {}", db.dialect().in_list("id", "$1"));
    sql(text).bind(json_list(ids)).all(db).await
}

/// The pull of a connection that is going on.
pub async fn running(db: &Db, connection_id: &str) -> Result<Option<super::run::Run>, StoreError> {
    sql(format!(
        "SELECT {} FROM run WHERE connection_id = $1 AND state = 'running' ORDER BY started_at DESC LIMIT 1",
        super::run::COLUMNS
    ))
    .bind(connection_id)
    .optional(db)
    .await
}

/// Who asked for a run, by name.
pub async fn actor_name(db: &Db, actor: Option<&str>) -> Result<Option<String>, StoreError> {
    let Some(actor) = actor else { return Ok(None) };
    let row: Option<(String,)> = sql("SELECT name FROM app_user WHERE id = $1").bind(actor).optional(db).await?;
    Ok(Some(row.map_or_else(|| actor.to_owned(), |(name,)| name)))
}

pub async fn open_failures_of_run(db: &Db, run_id: &str) -> Result<i64, StoreError> {
    let (n,): (i64,) =
        sql("SELECT COUNT(*) FROM failure WHERE run_id = $1 AND state = 'open'").bind(run_id).one(db).await?;
    Ok(n)
}
