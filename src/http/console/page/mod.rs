//! Handlers: fill a view struct, render it. About 25 lines each.
//!
//! Pages that a role may not use answer 403 through [`crate::identity::access`], never by hiding alone.

pub mod api_docs;
mod audit;
mod audit_export;
mod bulk;
mod connection;
mod connection_attention;
mod connection_command;
mod connection_edit;
mod connection_form;
mod connection_new;
mod connection_push;
mod connection_watch;
mod connections;
mod customer;
mod customer_edit;
mod customer_record;
mod customer_relation;
mod customer_value;
mod customers;
mod export;
mod failures;
mod fields;
mod files;
mod glass;
mod help;
mod home;
mod hooks;
mod idp;
mod idp_change;
mod idp_domain;
mod idp_facts;
mod idp_form;
mod idp_keys;
mod idp_roles;
mod idp_setup;
mod idp_take;
mod idp_test;
mod idps;
mod imports;
mod invite;
mod link;
mod live;
mod mapping;
mod mapping_edit;
mod mapping_form;
mod mapping_publish;
mod mapping_sample;
mod mapping_view;
mod me;
mod outcome;
pub mod outside;
mod passphrase;
mod prove;
mod receivers;
mod rules;
mod run;
mod search;
mod second_factor;
mod sent;
mod sessions;
mod settings;
mod setup;
pub mod shell_of;
pub mod states;
mod sync_health;
mod tokens;
mod users;
mod views;

use axum::{
    Router,
    routing::{get, post},
};

pub use live::changes;
pub use outcome::done;
pub use shell_of::ShellOf;

use crate::app::SharedHub;

/// The pages of the console.
pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/", get(home::page))
        .route("/customers", get(customers::page))
        .route("/customers/{id}", get(customer::page))
        .route("/customers/export", get(export::form))
        .route("/customers/export/file", get(export::file))
        .route("/customers/new", get(customer_edit::blank).post(customer_edit::create))
        .route("/customers/{id}/edit", get(customer_edit::form).post(customer_edit::save))
        .route("/customers/{id}/stream", get(customer::stream))
        .route("/customers/{id}/events/{event}", get(customer::event))
        .route("/customers/{id}/activities/new", get(customer::new_activity))
        .route("/customers/{id}/activities", post(customer::record_activity))
        .route("/setup/data", get(setup::data).post(setup::choose))
        .route("/setup/progress", get(setup::progress))
        .route("/setup/progress/stream", get(setup::stream))
        .route("/settings", get(settings::page).post(settings::save))
        .route("/settings/mail/test", post(settings::test_mail))
        .route("/settings/sample/clear", post(settings::clear_sample))
        .route("/settings/sample/load", post(settings::load_sample))
        .route("/me/language", post(me::language))
        .route("/me/theme", post(me::theme))
        .route("/me/shortcuts", post(me::shortcuts))
        .route("/me/guide", post(me::guide))
        .route("/static/{hash}/{*name}", get(files::file))
        .merge(views::routes())
        .merge(bulk::routes())
        .merge(search::routes())
        .merge(help::routes())
        .merge(customer_relation::routes())
        .merge(customer_record::routes())
        .merge(customer_value::routes())
        .merge(fields::routes())
        .merge(rules::routes())
        .merge(sync_health::routes())
        .merge(connections::routes())
        .merge(connection_new::routes())
        .merge(connection_edit::routes())
        .merge(connection_watch::routes())
        .merge(mapping::routes())
        .merge(imports::routes())
        .merge(run::routes())
        .merge(failures::routes())
        .merge(hooks::routes())
        .merge(receivers::routes())
        .merge(sent::routes())
        .merge(sessions::routes())
        .merge(link::routes())
        .merge(passphrase::routes())
        .merge(prove::routes())
        .merge(second_factor::routes())
        .merge(invite::routes())
        .merge(tokens::routes())
        .merge(users::routes())
        .merge(glass::routes())
        .merge(idps::routes())
        .merge(idp::routes())
        .merge(idp_keys::routes())
        .merge(idp_change::routes())
        .merge(idp_domain::routes())
        .merge(idp_setup::routes())
        .merge(idp_take::routes())
        .merge(idp_roles::routes())
        .merge(idp_test::routes())
        .merge(audit::routes())
        .merge(api_docs::routes())
}
