//! The sample company ひのき精機株式会社 and its two sample systems (見本), plus a bulk source for
//! benchmarks.
//!
//! The demo, the first-run page and the tests connect to these servers through the ordinary
//! connectors (`connectors/sample-sales`, `connectors/sample-accounting`), so what a person tries
//! out is the path that real systems take. Everything is invented: names, `.example` mail, phone
//! exchange 000, corporate numbers of a registry that does not exist.
//!
//! Invariants: servers listen on 127.0.0.1 only; state lives in memory; the same options make the
//! same company; change times only grow.
//!
//! - [`Company`]: the generated business, without any server.
//! - [`Samples`]: both systems, with quota, wanted trouble, and signed webhooks.
//! - [`BulkSource`]: very many orders in the sales system's shape, at benchmark speed.
//! - [`sales_event`], [`accounting_event`]: signed deliveries for tests.
//!
//! To add a sample system: a file like `accounting.rs` (tables, router, rendering), its server in
//! `samples.rs`, its events in `live.rs`, a manifest in `connectors/<name>/`.

mod accounting;
mod bulk;
mod clock;
mod company;
mod live;
pub mod numbers;
mod rng;
mod sales;
mod samples;
mod serve;
mod webhook;

pub use bulk::{BulkOptions, BulkSource};
pub use company::{
    Company, CompanyOptions, Contact, Customer, Desk, Invoice, InvoiceState, Line, Link, Order, OrderState, Payment,
    Profile, Site, TaxLine,
};
pub use samples::{Counts, Credentials, NewOrder, RunningSamples, SampleOptions, Samples};
pub use serve::gate::Trouble;
pub use webhook::{Answer, Headers, accounting_event, sales_event, sales_headers, standard_headers};
