//! `/customers/views` and `/customers/columns`: views that people saved, and how the list looks.

use super::customers::{Column, column_label};
use crate::{http::console::Shell, model::Timestamp};

/// One view of the list of views.
#[derive(Clone, Debug)]
pub struct ViewRow {
    pub id: String,
    pub name: String,
    pub shared: bool,
    pub owner: String,
    /// The reader's list opens with it.
    pub opens_first: bool,
    pub at: Timestamp,
}

/// All views that the reader may open.
#[derive(Clone, Debug)]
pub struct SavedViewsPage {
    pub rows: Vec<ViewRow>,
}

/// One view, new or there already.
#[derive(Clone, Debug, Default)]
pub struct SavedViewPage {
    /// `None`: it is new.
    pub id: Option<String>,
    /// Its name as kept.
    pub heading: String,
    /// Its name as typed.
    pub name: String,
    pub shared: bool,
    pub opens_first: bool,
    /// What it holds, behind `?`.
    pub query: String,
    /// The same in words.
    pub chips: Vec<String>,
    pub may_change: bool,
    pub may_share: bool,
    /// Code of `form_error`, about the name.
    pub error: Option<&'static str>,
}

impl SavedViewPage {
    #[must_use]
    pub fn back(&self) -> String {
        match &self.id {
            Some(id) => format!("/customers?view={id}"),
            None if self.query.is_empty() => "/customers".to_owned(),
            None => format!("/customers?{}", self.query),
        }
    }

    #[must_use]
    pub fn action(&self) -> String {
        self.id.as_ref().map_or_else(|| "/customers/views".to_owned(), |id| format!("/customers/views/{id}"))
    }
}

/// Which columns, in which order, how close.
#[derive(Clone, Debug)]
pub struct ColumnsPage {
    /// The list's address behind `?`.
    pub filter: String,
    /// Every column, those that are shown first and in their order.
    pub rows: Vec<(Column, bool)>,
    pub dense: bool,
}

impl ColumnsPage {
    #[must_use]
    pub fn back(&self) -> String {
        if self.filter.is_empty() { "/customers".to_owned() } else { format!("/customers?{}", self.filter) }
    }

    #[must_use]
    pub fn label(&self, shell: &Shell, column: &Column) -> String {
        column_label(shell, column)
    }
}
