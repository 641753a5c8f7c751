//! `/customers/export`.

use musubi_files::write::Loss;

/// The form, or what would be lost.
#[derive(Clone, Debug)]
pub struct ExportPage {
    pub count: usize,
    /// The list's address behind `?`.
    pub filter: String,
    /// The same as fields.
    pub fields: Vec<(String, String)>,
    pub lost: u64,
    pub losses: Vec<Loss>,
}

impl ExportPage {
    /// The list again.
    #[must_use]
    pub fn back(&self) -> String {
        crate::lists::query::ListQuery::parse(&self.filter).href()
    }
}
