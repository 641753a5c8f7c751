//! The yard-stick of webhook ingest: what a careful person writes in an afternoon. HMAC, JSON check,
//! unique delivery, one durable commit for all that wait, then 202.

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use musubi::store::{self, Batch, Db};
use tokio::sync::{mpsc, oneshot};

use crate::target::HOOK_SECRET;

struct Delivery {
    connection: String,
    id: String,
    body: Bytes,
    done: oneshot::Sender<bool>,
}

/// `peer URL PORT`.
pub async fn serve(words: &[String]) -> anyhow::Result<()> {
    let [url, port] = words else { anyhow::bail!("peer URL PORT") };
    let db = store::open(url, 2).await?;
    let mut tx = db.begin().await?;
    let table = "CREATE TABLE delivery (connection_id TEXT NOT NULL, delivery_id TEXT NOT NULL, body BYTEA NOT NULL,
                 PRIMARY KEY (connection_id, delivery_id))";
    store::sql::execute_plain(&mut tx, table).await?;
    tx.commit().await?;
    let (queue, waiting) = mpsc::channel(20_000);
    tokio::spawn(commit(db, waiting));
    let app = Router::new()
        .route("/hooks/{connection}", post(receive))
        .route("/health/ready", get(async || "ready"))
        .with_state(queue);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port.parse::<u16>()?)).await?;
    Ok(axum::serve(listener, app).await?)
}

async fn receive(
    State(queue): State<mpsc::Sender<Delivery>>,
    Path(connection): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let signature = hex::decode(text("x-sales-signature").trim_start_matches("sha256=")).unwrap_or_default();
    let Ok(mut mac) = Hmac::<sha2::Sha256>::new_from_slice(HOOK_SECRET.as_bytes()) else {
        return StatusCode::INTERNAL_SERVER_ERROR;
    };
    mac.update(&body);
    if mac.verify_slice(&signature).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_err() {
        return StatusCode::BAD_REQUEST;
    }
    let (done, answer) = oneshot::channel();
    let id = text("x-delivery-id").to_owned();
    if queue.try_send(Delivery { connection, id, body, done }).is_err() {
        return StatusCode::TOO_MANY_REQUESTS;
    }
    if answer.await == Ok(true) { StatusCode::ACCEPTED } else { StatusCode::SERVICE_UNAVAILABLE }
}

async fn commit(db: Db, mut waiting: mpsc::Receiver<Delivery>) {
    let mut all = Vec::with_capacity(512);
    while waiting.recv_many(&mut all, 512).await > 0 {
        let mut batch = Batch::new("delivery", &["connection_id", "delivery_id", "body"]);
        for d in &all {
            batch.push([d.connection.as_str().into(), d.id.as_str().into(), d.body.as_ref().into()]);
        }
        let stored = async {
            let mut tx = db.begin().await?;
            batch.insert(&mut tx, "ON CONFLICT DO NOTHING").await?;
            tx.commit().await
        };
        let stored = stored.await.is_ok();
        for d in all.drain(..) {
            // A sender that hung up needs no answer.
            d.done.send(stored).ok();
        }
    }
}
