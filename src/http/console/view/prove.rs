//! `/me/prove`.

/// Who is about to do something dangerous proves again who they are.
#[derive(Clone, Debug, Default)]
pub struct ProvePage {
    /// A page of this site.
    pub next: String,
    /// A page of this site that needs no proof.
    pub back: String,
    /// For password managers.
    pub mail: String,
    /// Name of the provider that vouched for this session.
    pub provider: Option<String>,
    pub passphrase: bool,
    /// A code is asked for as well: of an app (`Some(true)`), or a recovery code.
    pub code: Option<bool>,
    /// A passkey alone is enough.
    pub passkey: bool,
    /// Of `form_error`.
    pub error: Option<&'static str>,
    pub wait: Option<i64>,
}

impl ProvePage {
    /// The way to the provider.
    #[must_use]
    pub fn start(&self) -> String {
        let next: String = url::form_urlencoded::byte_serialize(self.next.as_bytes()).collect();
        format!("/me/prove/start?next={next}")
    }
}
