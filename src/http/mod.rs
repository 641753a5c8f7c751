//! The HTTP surface: console pages, REST, inbound webhooks, health and metrics, on one port.
//!
//! Invariant: only this room names axum. Handlers extract, call one service function and present.
//! Every page takes a `Principal`, every API handler a [`api::Caller`]; what needs none (sign-in, health, webhooks) says
//! so in its module. Every error leaves through [`error::AppError`].
//!
//! To add a room: a module with `pub fn routes() -> Router<SharedHub>`, merged in
//! [`server::router`].

pub mod api;
pub mod console;
pub mod cookie;
pub mod csrf;
pub mod edge;
pub mod error;
pub mod federation;
pub mod health;
pub mod hooks;
pub mod invitation;
pub mod layers;
pub mod moment;
pub mod odata;
pub mod pages;
pub mod preferences;
mod present;
pub mod saml;
pub mod server;
pub mod session;
pub mod signin;
pub mod signin_code;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod transport;

pub use edge::Edge;
pub use error::AppError;
pub use preferences::Preferences;

/// Every room with pages or an API.
pub fn rooms() -> axum::Router<crate::app::SharedHub> {
    axum::Router::new().merge(console::page::routes())
}
