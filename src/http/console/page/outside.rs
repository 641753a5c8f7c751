//! Pages before a session exists, drawn for [`crate::http::pages::Pages`].

use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;

use crate::{
    http::{
        console::{
            Lang, Section, Shell,
            view::{
                Page,
                error::ErrorPage,
                setup::{EnvCheck, InvitationPage, LeavePage, SetupOwnerPage, SigninCodePage, SigninPage},
            },
        },
        pages::{self, Pages},
    },
    identity::Audience,
    model::{Currency, Timestamp, custom::Definitions},
};

/// Zones offered first; any other IANA name may be typed.
pub const ZONES: [&str; 8] = [
    "Asia/Tokyo",
    "Asia/Seoul",
    "Asia/Singapore",
    "Asia/Kolkata",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Los_Angeles",
];

/// The console's own pages in place of the plain ones.
#[must_use]
pub fn pages() -> Pages {
    Pages { sign_in, code, setup, invitation, error, leave, after_setup: "/setup/data" }
}

pub(super) fn shell(language: &str, theme: &str, company: &str) -> Shell {
    Shell {
        lang: Lang::parse(language),
        theme: theme.to_owned(),
        company: company.to_owned(),
        // No instant is shown before sign-in.
        zone: TimeZone::UTC,
        now: Timestamp::default(),
        me: None,
        section: Section::None,
        path: "/".to_owned(),
        shortcuts: false,
        customers: None,
        connections: None,
        open_failures: 0,
        notice: None,
        glass: false,
        alarms: Vec::new(),
        refresh: None,
        fields: Definitions::default(),
        currency: Currency::JPY,
        audience: Audience::default(),
    }
}

fn sign_in(page: pages::SignInPage) -> Response {
    let shell = shell(page.language, page.theme, &page.company);
    let view = SigninPage {
        entry: page.entry,
        company: page.company,
        mail: page.mail,
        next: page.next,
        notice: page.notice.map(str::to_owned),
        leaving: page.leaving,
        refusal: page.error.map(str::to_owned),
        wait: page.wait.and_then(|seconds| i64::try_from(seconds).ok()),
        csrf: page.csrf,
        providers: page.providers,
        mail_first: page.mail_first,
        lead: page.lead,
    };
    view.render(&shell).into_response()
}

fn code(page: pages::CodePage) -> Response {
    let shell = shell(page.language, page.theme, "");
    let view = SigninCodePage {
        app: page.app,
        passkey: page.passkey,
        next: page.next,
        refusal: page.error.map(str::to_owned),
        wait: page.wait.and_then(|seconds| i64::try_from(seconds).ok()),
        csrf: page.csrf,
    };
    view.render(&shell).into_response()
}

fn setup(page: pages::SetupPage) -> Response {
    let shell = shell(page.language, page.theme, "");
    let ok = |name| EnvCheck { name, tone: "ok", detail: shell.t("env.ok").to_owned() };
    let view = SetupOwnerPage {
        code: page.code,
        mail: page.mail,
        name: page.name,
        company: page.company,
        language: page.chosen_language,
        time_zone: page.zone,
        zones: ZONES.map(str::to_owned).to_vec(),
        fiscal_month: page.fiscal_year_start.parse().unwrap_or(4),
        errors: page.errors.iter().map(|e| (e.field.to_owned(), e.code.to_owned())).collect(),
        refusal: page.error.map(str::to_owned),
        wait: page.wait.and_then(|seconds| i64::try_from(seconds).ok()),
        // Without either the program would not have come this far.
        checks: vec![ok("database"), ok("key")],
        csrf: page.csrf,
    };
    view.render(&shell).into_response()
}

fn invitation(page: pages::InvitationPage) -> Response {
    let shell = shell(page.language, page.theme, &page.company);
    let view = InvitationPage {
        company: page.company,
        dead: page.dead,
        mail: page.mail,
        provider_only: page.provider_only,
        providers: page.providers,
        name: page.name,
        errors: page.errors.iter().map(|e| (e.field.to_owned(), e.code.to_owned())).collect(),
        refusal: page.error.map(str::to_owned),
        csrf: page.csrf,
    };
    view.render(&shell).into_response()
}

fn leave(page: pages::LeavePage) -> Response {
    let shell = shell(page.language, page.theme, "");
    LeavePage { action: page.action, fields: page.fields, out: page.out }.render(&shell).into_response()
}

fn error(page: pages::ErrorPage) -> Response {
    let shell = shell(page.language, page.theme, "");
    let needs = page.needs.map(|role| shell.f1("error.needs", shell.word("role", role.as_str())));
    let view = ErrorPage {
        status: page.status,
        code: page.code,
        request_id: page.request_id,
        needs,
        changed_by: None,
        back: "/".to_owned(),
    };
    view.render(&shell).into_response()
}
