//! `/me/passphrase`.

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct PassphrasePage {
    /// For password managers.
    pub mail: String,
    /// Of `form_error`.
    pub error: Option<&'static str>,
}
