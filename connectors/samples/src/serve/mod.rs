//! What both sample systems are served with: tables, the gate, a listener on this machine only.

pub(crate) mod gate;
pub(crate) mod table;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A server that runs until its token is cancelled.
#[derive(Debug)]
pub(crate) struct Server {
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Port 0 takes a free one. Only this machine can reach it: the samples hold no secrets, but
    /// they are not meant for a network either.
    pub(crate) async fn start(port: u16, router: Router, stop: CancellationToken) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
            if let Err(error) = served {
                tracing::warn!(error = %error, "a sample system stopped");
            }
        });
        Ok(Self { address, task })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits for open requests, but not for long.
    pub(crate) async fn finished(self) {
        let abort = self.task.abort_handle();
        if tokio::time::timeout(Duration::from_secs(2), self.task).await.is_err() {
            abort.abort();
        }
    }
}

pub(crate) fn json_body(body: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}

/// JSON text of a value; these values always serialise.
pub(crate) fn rendered(value: &serde_json::Value) -> Bytes {
    Bytes::from(value.to_string())
}
