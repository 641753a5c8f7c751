//! Liveness, readiness and metrics, for machines that watch the hub. None of them needs a session
//! and none tells anything of the data.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;

use super::error::AppError;
use crate::{app::SharedHub, store::migrate};

const DATABASE_ANSWERS_WITHIN: Duration = Duration::from_secs(1);

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    database: &'static str,
    schema: &'static str,
    stopping: bool,
}

pub fn routes() -> Router<SharedHub> {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready)).route("/metrics", get(metrics))
}

async fn live() -> Response {
    Json(serde_json::json!({ "status": "ok" })).into_response()
}

/// 503 takes this node out of a load balancer; it does not restart it.
async fn ready(State(hub): State<SharedHub>) -> Response {
    let steps = tokio::time::timeout(DATABASE_ANSWERS_WITHIN, migrate::plan(&hub.db)).await;
    let (database, schema) = match steps {
        Ok(Ok(steps)) if steps.iter().all(|step| step.applied) => ("ok", "current"),
        Ok(Ok(_)) => ("ok", "behind"),
        Ok(Err(crate::store::StoreError::SchemaNewer { .. })) => ("ok", "newer"),
        Ok(Err(_)) => ("failed", "unknown"),
        Err(_) => ("slow", "unknown"),
    };
    let stopping = hub.edge.shutdown.is_cancelled();
    let fine = database == "ok" && schema == "current" && !stopping;
    let (status, word) = if fine { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "unavailable") };
    (status, Json(Ready { status: word, database, schema, stopping })).into_response()
}

async fn metrics(State(hub): State<SharedHub>) -> Result<Response, AppError> {
    let render = hub.edge.metrics.as_ref().ok_or(AppError::NotFound)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], render()).into_response())
}
