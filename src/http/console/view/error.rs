//! Error pages: what happened, whether data is safe, what to do, and a number to quote.

/// See the module.
#[derive(Clone, Debug)]
pub struct ErrorPage {
    /// 403, 404, 409 or 500; others look like 500.
    pub status: u16,
    pub request_id: String,
    /// Role needed and who can grant it, for 403.
    pub needs: Option<String>,
    /// Who changed it and when, for 409.
    pub changed_by: Option<String>,
    /// Address of the same page, to load it again.
    pub back: String,
}

impl ErrorPage {
    fn known(&self) -> u16 {
        if matches!(self.status, 403 | 404 | 409) { self.status } else { 500 }
    }

    #[must_use]
    pub fn key(&self, part: &str) -> String {
        format!("error.{}.{part}", self.known())
    }
}
