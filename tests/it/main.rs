//! The one integration binary: real servers on real ports, both databases.
//!
//! `real/` starts what the tests talk to (PostgreSQL, Tryton, an OpenID Provider, the browser), once for
//! the whole binary; run it with `cargo test`, not one process a test. To add an area: a file here and a
//! `mod` line.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod api;
mod architecture;
mod browser;
mod cases;
mod cli;
mod cli_connector;
mod cli_ops;
mod console_audit;
mod console_behaviour;
mod console_desk;
mod console_factor;
mod console_idp;
mod console_imports;
mod console_lists;
mod console_mapping;
mod console_nouns;
mod console_operations;
mod console_people;
mod console_receivers;
mod console_reconnect;
mod console_shipments;
mod console_tokens;
mod crash;
mod deletes;
mod demo;
mod domains;
mod ear;
mod edit;
mod first_order;
mod first_run;
mod golden;
mod health;
mod hooks;
mod hub;
mod imports;
mod ingest;
mod invitation;
mod issuer;
mod link;
mod lists;
mod mail;
mod maintenance;
mod mapping;
mod nodes;
mod odata;
mod office;
mod oidc;
mod oidc_cases;
mod outgoing;
mod passkey;
mod plan;
mod process;
mod real;
mod reconnect;
mod review;
mod saml;
mod saml_cases;
mod schema;
mod schema_change;
mod scope;
mod sender;
mod sessions;
mod signing;
mod soak;
mod source;
mod tokens;
mod trouble;
mod tryton;
