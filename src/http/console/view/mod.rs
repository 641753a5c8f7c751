//! View structs: what each page needs to know, as plain data, and the one function that renders it.
//!
//! Handlers fill the structs; templates word and format them through [`super::Shell`]. Nothing here
//! reads the database. Operations pages keep raw values (instants, counts, cause codes) so that
//! whoever fills them only selects columns.

pub mod activity;
pub mod api_docs;
pub mod audit;
pub mod bulk;
pub mod connection;
pub mod connection_edit;
pub mod connection_form;
pub mod connection_new;
pub mod connection_watch;
pub mod customer;
pub mod customer_edit;
pub mod customer_past;
pub mod customer_record;
pub mod customer_relation;
pub mod customer_value;
pub mod customers;
pub mod device;
pub mod error;
pub mod event;
pub mod event_text;
pub mod export;
pub mod failure;
pub mod field;
pub mod format;
#[cfg(test)]
mod format_tests;
pub mod help;
pub mod home;
pub mod idp;
pub mod idp_setup;
pub mod import;
pub mod mapping;
pub mod passphrase;
pub mod prove;
pub mod receiver;
pub mod rules;
pub mod run;
pub mod saved_view;
pub mod search;
pub mod second_factor;
pub mod settings;
pub mod setup;
pub mod status;
pub mod sync_health;
pub mod token;
pub mod user;
pub mod webhook;

use askama::Template;
use axum::response::Html;

use super::Shell;

/// A page that can be drawn inside a shell.
pub trait Page {
    /// The whole document.
    fn render(&self, shell: &Shell) -> Html<String>;
}

/// Ties each view struct to its template. `$v` is the struct, `s` the shell inside the template.
macro_rules! pages {
    ($($view:ty => $file:literal as $name:ident),* $(,)?) => { $(
        #[derive(Template)]
        #[template(path = $file)]
        struct $name<'a> {
            s: &'a Shell,
            v: &'a $view,
        }

        impl Page for $view {
            fn render(&self, shell: &Shell) -> Html<String> {
                finish($name { s: shell, v: self }.render(), shell)
            }
        }
    )* };
}

pages! {
    api_docs::ApiDocsPage => "api_docs.html" as ApiDocsTemplate,
    audit::AuditDetailPage => "audit_detail.html" as AuditDetailTemplate,
    audit::AuditPage => "audit.html" as AuditTemplate,
    activity::ActivityPage => "activity.html" as ActivityTemplate,
    connection::ConnectionPage => "connection.html" as ConnectionTemplate,
    connection::ConnectionsPage => "connections.html" as ConnectionsTemplate,
    connection_edit::ConnectionEditPage => "connection_edit.html" as ConnectionEditTemplate,
    connection_watch::WatchPage => "connection_watch.html" as WatchTemplate,
    connection_new::ConnectionNewPage => "connection_new.html" as ConnectionNewTemplate,
    customer_edit::CustomerEditPage => "customer_edit.html" as CustomerEditTemplate,
    customer_record::RecordPage => "customer_record.html" as CustomerRecordTemplate,
    customer_relation::RelationPage => "customer_relation.html" as CustomerRelationTemplate,
    customer_edit::StalePage => "customer_stale.html" as CustomerStaleTemplate,
    customer_past::PastPage => "customer_past.html" as CustomerPastTemplate,
    customer_value::ValuePage => "customer_value.html" as CustomerValueTemplate,
    field::FieldPage => "field.html" as FieldTemplate,
    field::FieldsPage => "fields.html" as FieldsTemplate,
    rules::RulesPage => "rules.html" as RulesTemplate,
    rules::RulesPreviewPage => "rules_preview.html" as RulesPreviewTemplate,
    customer::CustomerPage => "customer.html" as CustomerTemplate,
    customers::CustomersPage => "customers.html" as CustomersTemplate,
    error::ErrorPage => "error.html" as ErrorTemplate,
    event::EventPage => "event.html" as EventTemplate,
    export::ExportPage => "export.html" as ExportTemplate,
    failure::FailuresPage => "failures.html" as FailuresTemplate,
    bulk::BulkPage => "bulk.html" as BulkTemplate,
    bulk::BulkJobPage => "bulk_job.html" as BulkJobTemplate,
    help::HelpPage => "help.html" as HelpTemplate,
    saved_view::ColumnsPage => "columns.html" as ColumnsTemplate,
    saved_view::SavedViewPage => "saved_view.html" as SavedViewTemplate,
    saved_view::SavedViewsPage => "saved_views.html" as SavedViewsTemplate,
    search::SearchPage => "search.html" as SearchTemplate,
    home::HomePage => "home.html" as HomeTemplate,
    idp::IdpPage => "idp.html" as IdpTemplate,
    idp::IdpsPage => "idps.html" as IdpsTemplate,
    idp_setup::ActivatePage => "idp_activate.html" as IdpActivateTemplate,
    idp_setup::GivePage => "idp_give.html" as IdpGiveTemplate,
    idp_setup::MethodPage => "idp_method.html" as IdpMethodTemplate,
    idp_setup::RolesPage => "idp_roles.html" as IdpRolesTemplate,
    idp_setup::TakePage => "idp_take.html" as IdpTakeTemplate,
    idp_setup::TestPage => "idp_test.html" as IdpTestTemplate,
    mapping::MappingPage => "mapping.html" as MappingTemplate,
    import::ImportPage => "import.html" as ImportTemplate,
    import::ImportsPage => "imports.html" as ImportsTemplate,
    passphrase::PassphrasePage => "passphrase.html" as PassphraseTemplate,
    prove::ProvePage => "prove.html" as ProveTemplate,
    receiver::ReceiverPage => "receiver.html" as ReceiverTemplate,
    receiver::SentDetailPage => "sent_detail.html" as SentDetailTemplate,
    receiver::SentPage => "sent.html" as SentTemplate,
    run::RunPage => "run.html" as RunTemplate,
    settings::SettingsPage => "settings.html" as SettingsTemplate,
    setup::SetupOwnerPage => "setup_owner.html" as SetupOwnerTemplate,
    setup::SetupDataPage => "setup_data.html" as SetupDataTemplate,
    setup::SetupProgressPage => "setup_progress.html" as SetupProgressTemplate,
    setup::SigninCodePage => "signin_code.html" as SigninCodeTemplate,
    setup::SigninPage => "signin.html" as SigninTemplate,
    setup::InvitationPage => "invitation.html" as InvitationTemplate,
    setup::LeavePage => "leave.html" as LeaveTemplate,
    sync_health::SyncHealthPage => "sync_health.html" as SyncHealthTemplate,
    token::ServicePage => "service_new.html" as ServiceTemplate,
    token::TokenPage => "token.html" as TokenTemplate,
    token::TokensPage => "tokens.html" as TokensTemplate,
    user::MePage => "me.html" as MeTemplate,
    user::PermissionsPage => "permissions.html" as PermissionsTemplate,
    second_factor::SecondFactorPage => "second_factor.html" as SecondFactorTemplate,
    user::InvitePage => "invite.html" as InviteTemplate,
    user::UserPage => "user.html" as UserTemplate,
    user::UsersPage => "users.html" as UsersTemplate,
    webhook::WebhooksPage => "webhooks.html" as WebhooksTemplate,
    webhook::WebhookPage => "webhook.html" as WebhookTemplate,
}

fn finish(rendered: Result<String, askama::Error>, shell: &Shell) -> Html<String> {
    Html(rendered.unwrap_or_else(|error| {
        // Only a formatter that fails can bring us here, and ours do not.
        tracing::error!(%error, "template");
        shell.t("error.500.title").to_owned()
    }))
}
