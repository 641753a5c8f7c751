//! `/setup` and `/signin`: from the first start to the first customer.

use crate::http::{console::Shell, pages::Entry};

/// One check of the surroundings: `database`, `key`, `url`, `mail`.
#[derive(Clone, Debug)]
pub struct EnvCheck {
    pub name: &'static str,
    /// `ok`, `warn` (may be done later) or `bad` (blocks).
    pub tone: &'static str,
    pub detail: String,
}

/// Step 1: the owner.
#[derive(Clone, Debug, Default)]
pub struct SetupOwnerPage {
    pub code: String,
    pub mail: String,
    pub name: String,
    pub company: String,
    pub language: String,
    pub time_zone: String,
    pub zones: Vec<String>,
    pub fiscal_month: u8,
    /// Field name and code of `form_error`.
    pub errors: Vec<(String, String)>,
    /// Code of `form_error` about the whole form.
    pub refusal: Option<String>,
    pub wait: Option<i64>,
    pub checks: Vec<EnvCheck>,
    /// Token of the form before a session exists.
    pub csrf: String,
}

impl SetupOwnerPage {
    #[must_use]
    pub fn error(&self, field: &str) -> Option<&str> {
        self.errors.iter().find(|(name, _)| name == field).map(|(_, key)| key.as_str())
    }

    /// A check blocks the next step.
    #[must_use]
    pub fn blocked(&self) -> bool {
        self.checks.iter().any(|check| check.tone == "bad")
    }
}

/// Numbers of the sample data, as promised before loading.
#[derive(Clone, Copy, Debug, Default)]
pub struct SampleSize {
    pub customers: i64,
    pub orders: i64,
    pub invoices: i64,
    pub activities: i64,
}

/// Step 2: where the first data comes from.
#[derive(Clone, Debug, Default)]
pub struct SetupDataPage {
    pub owner_mail: String,
    pub sample: SampleSize,
    pub checks: Vec<EnvCheck>,
    /// The last load failed and was rolled back.
    pub failed: bool,
}

/// One kind of record being loaded.
#[derive(Clone, Debug)]
pub struct Loading {
    /// Stream name.
    pub name: String,
    pub done: i64,
    pub of: i64,
}

impl Loading {
    #[must_use]
    pub fn bar(&self, label: &str) -> crate::http::console::Markup {
        let percent = if self.of == 0 { 0 } else { self.done.saturating_mul(100) / self.of };
        let class = if percent >= 100 { "ok" } else { "run" };
        crate::http::console::chart::progress(percent, class, label)
    }
}

/// Step 3: the load with live counts.
#[derive(Clone, Debug, Default)]
pub struct SetupProgressPage {
    pub owner_mail: String,
    pub kinds: Vec<Loading>,
    /// Where to go when done: the customer with the most events.
    pub done: Option<String>,
    pub failed: Option<String>,
    pub checks: Vec<EnvCheck>,
}

/// `/signin`, and `/signin/local`.
#[derive(Clone, Debug, Default)]
pub struct SigninPage {
    pub entry: Entry,
    pub company: String,
    pub mail: String,
    /// Address to go to afterwards.
    pub next: String,
    /// Why the person is here: `expired`, `ended`, `signed_out`, `setup_done`.
    pub notice: Option<String>,
    /// The provider that the person may sign out at, too.
    pub leaving: Option<String>,
    /// Code of `form_error`.
    pub refusal: Option<String>,
    /// Seconds until the next try is taken.
    pub wait: Option<i64>,
    /// Token of the form before a session exists.
    pub csrf: String,
    /// Identity providers: where the button leads, and the name on it.
    pub providers: Vec<(String, String)>,
    /// The mail address alone is asked for: its domain decides how it goes on.
    pub mail_first: bool,
    /// Where the address's domain leads: where that begins, and the provider's name.
    pub lead: Option<(String, String)>,
}

/// `/signin/code`.
#[derive(Clone, Debug, Default)]
pub struct SigninCodePage {
    /// Codes of an app are taken; recovery codes always are.
    pub app: bool,
    /// A passkey is taken.
    pub passkey: bool,
    pub next: String,
    pub refusal: Option<String>,
    pub wait: Option<i64>,
    pub csrf: String,
}

impl SigninCodePage {
    #[must_use]
    pub fn title(&self, s: &Shell) -> &'static str {
        s.t(if self.passkey { "factor.title" } else { "factor.signin_title" })
    }
}

impl SigninPage {
    #[must_use]
    pub fn glass(&self) -> bool {
        self.entry == Entry::Glass
    }

    /// By a provider only.
    #[must_use]
    pub fn sso(&self) -> bool {
        self.entry == Entry::Sso
    }

    /// Where the form goes; `None`: nothing is asked for.
    #[must_use]
    pub fn action(&self) -> Option<&'static str> {
        self.entry.action(self.mail_first)
    }

    /// The break-glass page, with where to go afterwards.
    #[must_use]
    pub fn glass_page(&self) -> String {
        self.start("/signin/local")
    }

    /// Where a provider's button leads.
    #[must_use]
    pub fn start(&self, start: &str) -> String {
        let next: String = url::form_urlencoded::byte_serialize(self.next.as_bytes()).collect();
        format!("{start}?next={next}")
    }

    /// This page with the passphrase, for who has one.
    #[must_use]
    pub fn local(&self) -> String {
        self.start("/signin") + "&local=1"
    }
}

/// `/invitation`.
#[derive(Clone, Debug, Default)]
pub struct InvitationPage {
    pub company: String,
    /// The link lets nobody in.
    pub dead: bool,
    /// The address that was invited.
    pub mail: String,
    /// A passphrase is not asked for.
    pub provider_only: bool,
    pub providers: Vec<(String, String)>,
    pub name: String,
    /// Field name and code of `form_error`.
    pub errors: Vec<(String, String)>,
    /// Code of `form_error` about the whole form.
    pub refusal: Option<String>,
    pub csrf: String,
}

impl InvitationPage {
    #[must_use]
    pub fn error(&self, field: &str) -> Option<&str> {
        self.errors.iter().find(|(name, _)| name == field).map(|(_, key)| key.as_str())
    }
}

/// On to an identity provider that takes messages by a form.
#[derive(Clone, Debug)]
pub struct LeavePage {
    pub action: String,
    pub fields: Vec<(&'static str, String)>,
    /// It is about signing out.
    pub out: bool,
}
