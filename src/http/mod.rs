//! The HTTP surface: console pages, REST, inbound webhooks, health and metrics, on one port.
//!
//! Invariant: only this room names axum. Handlers extract, call one service function and present.
pub mod console;
