//! Musubi: an integration hub that owns the customer master record.

pub mod analytics;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connection;
pub mod http;
pub mod identity;
pub mod master;
pub mod matching;
pub mod model;
pub mod samples;
pub mod secrets;
pub mod store;
pub mod sync;
pub mod telemetry;
