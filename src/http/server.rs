//! One router, one port.

use std::{io, net::SocketAddr};

use axum::Router;
use tokio::net::TcpListener;

use super::{api, error::AppError, federation, health, hooks, invitation, layers, odata, saml, signin, signin_code};
use crate::app::SharedHub;

/// Every room of the hub behind the same layers. `rooms` are the routes of the console, the API
/// and the webhooks.
pub fn router(hub: &SharedHub, rooms: Router<SharedHub>) -> Router {
    let all = Router::new()
        .merge(health::routes())
        .merge(signin::routes())
        .merge(signin_code::routes())
        .merge(federation::routes())
        .merge(invitation::routes())
        .merge(saml::routes())
        .merge(api::routes(hub))
        .merge(odata::routes(hub))
        .merge(rooms)
        .fallback(async || AppError::NotFound)
        .method_not_allowed_fallback(async || AppError::MethodNotAllowed);
    // Webhooks come by the thousand a second and carry their own proof: they pass no page layers.
    hooks::routes(hub).merge(layers::apply(all, hub))
}

/// Serves until `hub.edge.shutdown` is cancelled, then lets open requests finish for as long as
/// `hub.edge.grace`.
pub async fn serve(listener: TcpListener, router: Router, hub: &SharedHub) -> io::Result<()> {
    let shutdown = hub.edge.shutdown.clone();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    tokio::select! {
        done = server.into_future() => done,
        () = async { shutdown.cancelled().await; tokio::time::sleep(hub.edge.grace).await } => {
            tracing::warn!("http.stop: open requests were cut off");
            Ok(())
        }
    }
}
