//! Error pages: what happened, whether data is safe, what to do, and a number to quote.

/// See the module.
#[derive(Clone, Debug)]
pub struct ErrorPage {
    /// 403, 404, 409, 429 or 500; others look like 500.
    pub status: u16,
    /// A refused sign-in has words of its own: `SIGNIN_AGAIN` …
    pub code: &'static str,
    pub request_id: String,
    /// Role needed and who can grant it, for 403.
    pub needs: Option<String>,
    /// Who changed it and when, for 409.
    pub changed_by: Option<String>,
    /// Address of the same page, to load it again.
    pub back: String,
}

impl ErrorPage {
    fn known(&self) -> &'static str {
        match (self.code, self.status) {
            (code @ ("SIGNIN_AGAIN" | "SIGNIN_REFUSED" | "SIGNIN_NO_ROLE" | "SIGNIN_GROUPS"), _) => code,
            (code @ ("SIGNIN_OFF" | "SIGNIN_LOCAL" | "SIGNIN_INVITATION" | "SIGNIN_PROOF"), _) => code,
            (code @ ("SIGNIN_PROOF_OTHER" | "SIGNIN_LINK_TAKEN"), _) => code,
            (code @ "INSECURE_TRANSPORT", _) => code,
            (_, 403) => "403",
            (_, 404) => "404",
            (_, 409) => "409",
            (_, 429) => "429",
            _ => "500",
        }
    }

    /// Whether the way out is to sign in.
    #[must_use]
    pub fn is_sign_in(&self) -> bool {
        let inside = self.code.starts_with("SIGNIN_PROOF") || self.code == "SIGNIN_LINK_TAKEN";
        self.code.starts_with("SIGNIN_") && !inside
    }

    #[must_use]
    pub fn key(&self, part: &str) -> String {
        format!("error.{}.{part}", self.known())
    }
}
