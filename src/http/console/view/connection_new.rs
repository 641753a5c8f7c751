//! `/connections/new/{connector}`: connecting a system.

use super::connection_form::ConnectionForm;

/// See the module.
#[derive(Clone, Debug)]
pub struct ConnectionNewPage {
    pub connector: String,
    pub title: String,
    pub kind: String,
    pub description: String,
    pub form: ConnectionForm,
    pub command: String,
}
