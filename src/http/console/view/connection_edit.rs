//! `/connections/{id}/settings/edit`: changing what a connected system is reached with.

use super::connection_form::ConnectionForm;
use crate::model::Timestamp;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct ConnectionEditPage {
    pub id: String,
    /// The name as it is stored.
    pub name: String,
    pub kind: String,
    pub form: ConnectionForm,
    /// `updated_at` of what the form shows.
    pub revision: i64,
    /// The stored secrets cannot be opened: all must be typed again.
    pub unreadable: bool,
    /// Somebody changed it while the form was open: who and when, where that is known.
    pub overtaken: Option<Option<(String, Timestamp)>>,
    /// `musubi …` that does the same.
    pub command: String,
}
