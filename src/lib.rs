//! Musubi: an integration hub that owns the customer master record.
//!
//! This page is the map. `docs/architecture.md` tells the same as a story; every room's module doc says
//! what it does, what always holds in it, and how to add one more.
//!
//! # Rooms
//!
//! | Room | Does |
//! |---|---|
//! | [`model`] | plain data: ids, money, dates, the canonical records. No I/O |
//! | [`matching`] | pure decisions: folding names, which source's value wins, what a custom field takes. No I/O |
//! | [`store`] | all SQL, for SQLite and PostgreSQL alike; migrations, backup, copy |
//! | [`master`] | brings mapped records into the master: crosswalk, survivorship, versions; edits, custom fields, rules |
//! | [`plan`] | configuration as files: what differs, making it so, writing it down |
//! | [`connection`] | configured systems: settings checked, secrets sealed, connectors built |
//! | [`sync`] | moves records: inbox, pulls, schedule, replay, the one committer |
//! | [`imports`] | files that people bring: looked at, checked, applied, taken back |
//! | [`exports`] | tables of records for offices, as their reader may see them |
//! | [`lists`] | saved views, what is done to many customers at once, the search over every noun |
//! | [`analytics`] | figures, history and directory, computed from the documents; why a value is here, and what was; what BI tools ask |
//! | [`identity`] | who is calling and what they may do; the audit trail |
//! | [`mail`] | mails to people: written with their cause, sent with patience |
//! | [`notices`] | tells people and programs of the problems of connections |
//! | [`http`] | pages, API and webhooks on one port |
//! | [`cli`] | the command: one file a noun |
//! | [`samples`] | the sample company: its two systems started, connected, removed |
//! | [`app`] | puts the parts together: configuration in, a running hub out |
//! | [`config`], [`secrets`], [`clock`], [`telemetry`] | what everything else is given |
//!
//! Beside it stand the crates `connectors/sdk` (what a connector is: manifest, mapping, webhooks,
//! conformance), `connectors/samples` (the two sample systems), `connectors/files` (tables in files) and one crate for
//! each system that a manifest cannot describe (`connectors/tryton`). They know nothing of the hub.
//!
//! # Who may use whom
//!
//! ```text
//! main -> cli -> app -> http, samples -> sync -> connection -> master -> store -> model
//!                         |                                      |
//!                         +-> analytics, identity -> mail, store  +-> matching -> model
//!          connection, sync -> connectors/sdk
//! ```
//!
//! `tests/it/architecture.rs` holds the exact table and fails on any other import.
//!
//! # What always holds
//!
//! Invariant: a webhook is answered 202 only after it is on disk.
//! Invariant: a cursor is committed with the records it covers, never before; a chunk that is applied again
//! changes nothing (content hash), so a crash at any point loses and doubles nothing.
//! Invariant: a record in an older version never overwrites a newer one.
//! Invariant: no network call happens inside a transaction.
//! Invariant: a bad value of a custom field is a warning on its customer; it never stops the record.
//! Invariant: one bad record is one failure with a cause, its payload and a way out; never a stopped sync.
//! Invariant: only `master` writes golden records, documents and versions; only `store` names sqlx, only
//! `http` names axum, only `cli` prints.
//! Invariant: a stored secret leaves `connection` only inside a connector or a signature check; logs and
//! errors hold ids and codes, never names, payloads or secrets.
//! Invariant: what is read of customers for a person is read with that person's [`model::View`], which
//! [`identity::view`] alone makes.
//! Invariant: time comes from [`clock`]; amounts are minor units beside their currency; a business date is
//! never shifted by a zone.
//!
//! # Where to add what
//!
//! | To add | Go to |
//! |---|---|
//! | a system | `connectors/NAME/connector.yaml`; `docs/connectors.md` |
//! | a driver for a system | a crate like `connectors/tryton`, a word in the sdk's `Driver`, a line in [`connection::connect`] |
//! | a word in manifests | `connectors/sdk/src/manifest`, when two connectors want it |
//! | a kind of custom field | [`model::custom`], [`matching::custom`], the form's input in `view/customer_edit.rs` |
//! | a group or a step of the rules that pick values | [`matching::survivorship::rules`], both catalogues |
//! | a transform | `connectors/sdk/src/mapping/step.rs`; its words and, if it takes more, its form on the mapping page |
//! | a heading that imports know | `connectors/files/src/roles/words.rs` |
//! | something to configuration as files | [`plan::file`], its comparison in `plan/compare.rs`, `docs/plan.md` |
//! | a field of a record | `connectors/sdk/src/noun.rs`, [`model::record`], a migration, [`master`] |
//! | a kind of record | as a field; an id prefix in [`model::ids`], a file in [`store`], the history in [`analytics`], both catalogues |
//! | a record that people type | [`master::typed`], its form in `page/customer_record.rs`, its noun in `http::api` |
//! | a role in which somebody looks after customers | `ROLES` in [`master::relation`] |
//! | a table or a question to the database | `migrations/`, a file in [`store`] |
//! | a figure | [`analytics`] |
//! | a set or property for BI tools | [`store::feed`], a view in a migration, `docs/bi.md` |
//! | a page or an endpoint | [`http`]: a module with `routes()` |
//! | a column of the customers list, or a noun of the search | [`lists`] |
//! | a command | [`cli`]: a file, two lines in `cli/mod.rs` |
//! | a setting | `config/musubi.toml` (commented) and the section's file in [`config`] |
//! | a kind of event that others are told of | [`model::event`] |
//! | a mail | [`mail::letter`] and its words in both catalogues |
//! | a right | [`identity::access`]; for tokens also [`identity::Scope`] |
//! | a noun of the API | [`http::api`]: a file with `routes()`; a question in [`store::read_noun`]; its sentences in `catalogue/api_ja.toml`; `docs/api.md` |
//! | a class of fields that some roles do not see | [`model::view`], `config::access`, both catalogues |

pub mod analytics;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connection;
pub mod exports;
pub mod http;
pub mod identity;
pub mod imports;
pub mod lists;
pub mod mail;
pub mod master;
pub mod matching;
pub mod model;
pub mod notices;
pub mod plan;
pub mod samples;
pub mod secrets;
pub mod store;
pub mod sync;
pub mod telemetry;
