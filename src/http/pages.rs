//! The pages that exist before the console does, as data, and the functions that draw them.
//!
//! The console replaces the functions in [`Pages`]; the plain ones here keep the hub usable
//! without it and are what tests read.

use std::fmt::Write;

use axum::response::{Html, IntoResponse, Response};

use crate::identity::{Door, FieldError, Role};

/// What a sign-in page has to fill in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Entry {
    /// Providers, and mail address and passphrase.
    #[default]
    Any,
    /// Providers only, and the way to the break-glass page.
    Sso,
    /// The break-glass page.
    Glass,
}

impl Entry {
    #[must_use]
    pub fn door(self) -> Door {
        if self == Self::Glass { Door::Glass } else { Door::Usual }
    }

    /// Where the form goes; `None`: there is nothing to fill in. `mail_first`: the mail address alone is asked for.
    #[must_use]
    pub fn action(self, mail_first: bool) -> Option<&'static str> {
        match self {
            Self::Glass => Some("/signin/local"),
            _ if mail_first => Some("/signin/where"),
            Self::Any => Some("/signin"),
            Self::Sso => None,
        }
    }
}

/// What the sign-in page shows. Codes are words of the catalogue, not text.
#[derive(Clone, Debug, Default)]
pub struct SignInPage {
    pub company: String,
    pub entry: Entry,
    /// `SIGNIN_WRONG`, `SIGNIN_WAIT`, `SIGNIN_SSO`, `FORM_EXPIRED`, `INSECURE_TRANSPORT`.
    pub error: Option<&'static str>,
    /// Seconds to wait, with `SIGNIN_WAIT`.
    pub wait: Option<u64>,
    /// Why the person is here: `expired`, `ended`, `signed_out`, `setup_done`.
    pub notice: Option<&'static str>,
    /// The provider that the person may sign out at, too.
    pub leaving: Option<String>,
    pub mail: String,
    /// Identity providers: where the button leads, and the name on it.
    pub providers: Vec<(String, String)>,
    /// The mail address alone is asked for: its domain decides how it goes on.
    pub mail_first: bool,
    /// Where the address's domain leads: where that begins, and the provider's name.
    pub lead: Option<(String, String)>,
    /// A safe path of this site.
    pub next: String,
    pub csrf: String,
    pub language: &'static str,
    pub theme: &'static str,
}

/// What the page shows that asks for the second factor.
#[derive(Clone, Debug, Default)]
pub struct CodePage {
    /// Codes of an app are taken; recovery codes always are.
    pub app: bool,
    /// A passkey is taken.
    pub passkey: bool,
    /// `CODE_WRONG`, `PASSKEY_WRONG`, `PASSKEY_OVER`, `SIGNIN_WAIT`, `FORM_EXPIRED`.
    pub error: Option<&'static str>,
    pub wait: Option<u64>,
    pub next: String,
    pub csrf: String,
    pub language: &'static str,
    pub theme: &'static str,
}

/// What somebody sees who follows the link of an invitation; it keeps what was typed, except the passphrase.
#[derive(Clone, Debug, Default)]
pub struct InvitationPage {
    pub company: String,
    /// The link lets nobody in; nothing else is said.
    pub dead: bool,
    /// As on the sign-in page.
    pub error: Option<&'static str>,
    pub errors: Vec<FieldError>,
    /// The address that was invited.
    pub mail: String,
    /// A passphrase is not asked for: there is an account that a provider is linked to, or single sign-on is mandatory.
    pub provider_only: bool,
    pub providers: Vec<(String, String)>,
    pub name: String,
    pub csrf: String,
    pub language: &'static str,
    pub theme: &'static str,
}

/// What the first-run page shows; it keeps what was typed, except the passphrase.
#[derive(Clone, Debug, Default)]
pub struct SetupPage {
    /// As on the sign-in page.
    pub error: Option<&'static str>,
    pub wait: Option<u64>,
    pub errors: Vec<FieldError>,
    pub code: String,
    pub mail: String,
    pub name: String,
    pub company: String,
    /// Language of the installation, as chosen in the form.
    pub chosen_language: String,
    pub zone: String,
    pub fiscal_year_start: String,
    pub csrf: String,
    pub language: &'static str,
    pub theme: &'static str,
}

/// The page that posts a request to an identity provider.
#[derive(Clone, Debug)]
pub struct LeavePage {
    pub action: String,
    /// Names and values of its fields.
    pub fields: Vec<(&'static str, String)>,
    /// It is about signing out.
    pub out: bool,
    pub language: &'static str,
    pub theme: &'static str,
}

/// What an error page shows.
#[derive(Clone, Debug)]
pub struct ErrorPage {
    pub status: u16,
    pub code: &'static str,
    /// One English sentence; the page says it by `code` in the reader's language.
    pub detail: String,
    pub request_id: String,
    /// The role that could do what was refused.
    pub needs: Option<Role>,
    pub retry_after: Option<u64>,
    pub language: &'static str,
    pub theme: &'static str,
}

/// Who draws what. The caller sets status and cookies on the answer.
#[derive(Clone, Copy)]
pub struct Pages {
    pub sign_in: fn(SignInPage) -> Response,
    pub code: fn(CodePage) -> Response,
    pub setup: fn(SetupPage) -> Response,
    pub invitation: fn(InvitationPage) -> Response,
    pub error: fn(ErrorPage) -> Response,
    pub leave: fn(LeavePage) -> Response,
    /// Where the new owner goes: the second step of first run.
    pub after_setup: &'static str,
}

impl Default for Pages {
    fn default() -> Self {
        Self {
            sign_in: plain_sign_in,
            code: plain_code,
            setup: plain_setup,
            invitation: plain_invitation,
            error: plain_error,
            leave: plain_leave,
            after_setup: "/setup/data",
        }
    }
}

fn plain_sign_in(page: SignInPage) -> Response {
    if let Some((start, name)) = &page.lead {
        let body = format!("<h1>{}</h1><p><a href=\"{start}\">{}</a></p>", escape(&page.company), escape(name));
        return document(page.language, "Sign in", &body);
    }
    let passphrase = if page.mail_first { String::new() } else { field("passphrase", "password", "") };
    let form = page.entry.action(page.mail_first).map(|action| {
        let fields = field("mail", "email", &page.mail) + &passphrase + &field("next", "hidden", &page.next);
        let csrf = field("csrf", "hidden", &page.csrf);
        format!("<form method=\"post\" action=\"{action}\">{fields}{csrf}<button>Sign in</button></form>")
    });
    let aside = (page.entry == Entry::Sso).then_some("<p><a href=\"/signin/local\">Break-glass sign-in</a></p>");
    let body = format!(
        "<h1>{}</h1>{}{}{}{}",
        escape(&page.company),
        message(page.error.or(page.notice)),
        page.leaving
            .iter()
            .map(|name| format!("<p><a href=\"/auth/oidc/leave\">Sign out: {}</a></p>", escape(name)))
            .collect::<String>()
            + &page
                .providers
                .iter()
                .map(|(start, name)| format!("<p><a href=\"{start}\">{}</a></p>", escape(name)))
                .collect::<String>(),
        form.unwrap_or_default(),
        aside.unwrap_or_default(),
    );
    document(page.language, "Sign in", &body)
}

fn plain_code(page: CodePage) -> Response {
    let body = format!(
        "<h1>Code</h1>{}<form method=\"post\" action=\"/signin/code\">{}{}{}<button>Sign in</button></form>",
        message(page.error),
        field("code", "text", ""),
        field("next", "hidden", &page.next),
        field("csrf", "hidden", &page.csrf),
    );
    document(page.language, "Code", &body)
}

fn plain_setup(page: SetupPage) -> Response {
    let mut body = format!("<h1>Set up</h1>{}<form method=\"post\" action=\"/setup\">", message(page.error));
    for error in &page.errors {
        let _ = write!(body, "<p role=\"alert\">{}: {}</p>", error.field, error.code);
    }
    for (name, kind, value) in [
        ("code", "text", &page.code),
        ("mail", "email", &page.mail),
        ("passphrase", "password", &String::new()),
        ("name", "text", &page.name),
        ("company", "text", &page.company),
        ("language", "text", &page.chosen_language),
        ("zone", "text", &page.zone),
        ("fiscal_year_start", "number", &page.fiscal_year_start),
        ("csrf", "hidden", &page.csrf),
    ] {
        body.push_str(&field(name, kind, value));
    }
    body.push_str("<button>Create the owner</button></form>");
    document(page.language, "Set up", &body)
}

fn plain_invitation(page: InvitationPage) -> Response {
    if page.dead {
        return document(page.language, "Invitation", "<h1>Invitation</h1><p>This invitation lets nobody in.</p>");
    }
    let mut body = format!("<h1>{}</h1>{}", escape(&page.company), message(page.error));
    for error in &page.errors {
        let _ = write!(body, "<p role=\"alert\">{}: {}</p>", error.field, error.code);
    }
    for (start, name) in &page.providers {
        let _ = write!(body, "<p><a href=\"{start}\">{}</a></p>", escape(name));
    }
    if !page.provider_only {
        let fields = [("name", "text", &page.name), ("passphrase", "password", &String::new())];
        let fields: String = fields.iter().map(|(name, kind, value)| field(name, kind, value)).collect();
        let csrf = field("csrf", "hidden", &page.csrf);
        let _ = write!(body, "<form method=\"post\" action=\"/invitation\">{fields}{csrf}<button>Join</button></form>");
    }
    document(page.language, "Invitation", &body)
}

fn plain_leave(page: LeavePage) -> Response {
    let body = format!(
        "<form method=\"post\" action=\"{}\">{}<button>Continue</button></form>",
        escape(&page.action),
        page.fields.iter().map(|(name, value)| field(name, "hidden", value)).collect::<String>()
    );
    document(page.language, "Continue", &body)
}

fn plain_error(page: ErrorPage) -> Response {
    let role = page.needs.map(|role| format!("<p>Role needed: {}</p>", role.as_str())).unwrap_or_default();
    let body = format!(
        "<h1>{} {}</h1><p>{}</p>{role}<p>Request {}</p>",
        page.status,
        page.code,
        escape(&page.detail),
        escape(&page.request_id)
    );
    document(page.language, page.code, &body)
}

fn document(language: &str, title: &str, body: &str) -> Response {
    Html(format!(
        "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\
         <body><main>{body}</main></body></html>"
    ))
    .into_response()
}

fn message(code: Option<&str>) -> String {
    code.map(|code| format!("<p role=\"alert\">{code}</p>")).unwrap_or_default()
}

fn field(name: &str, kind: &str, value: &str) -> String {
    let label = if kind == "hidden" { "" } else { name };
    format!("<label>{label} <input name=\"{name}\" type=\"{kind}\" value=\"{}\"></label>", escape(value))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
