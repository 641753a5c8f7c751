use super::{Sample, Section};
use crate::{
    analytics::Health,
    http::{
        console::view::{
            error::ErrorPage,
            home::{Due, DueReason, HomePage, News, Todo, ViewLink},
            settings::SettingsPage,
            setup::{
                EnvCheck, LeavePage, Loading, SampleSize, SetupDataPage, SetupOwnerPage, SetupProgressPage, SigninPage,
            },
        },
        pages::Entry,
    },
    model::money::Currency,
};

fn checks() -> Vec<EnvCheck> {
    [("database", "ok"), ("key", "ok"), ("url", "warn"), ("mail", "warn")]
        .into_iter()
        .map(|(name, tone)| EnvCheck { name, tone, detail: if tone == "ok" { "OK".into() } else { "—".into() } })
        .collect()
}

fn home() -> HomePage {
    let due = |name: &str, health, reason| Due { id: "cus_0001".into(), name: name.into(), health, reason };
    HomePage {
        recent: super::entries::entries().into_iter().take(8).collect(),
        recent_is_orders: true,
        due: vec![
            due("株式会社ミナトノ物流機器", Health::Act, DueReason::Quiet(85)),
            due("株式会社松籟ポンプ", Health::Watch, DueReason::Overdue { minor: 702_900, currency: Currency::JPY }),
        ],
        due_total: 41,
        due_is_own: true,
        due_href: "/customers?tab=mine&health=act".into(),
        customers: true,
        views: vec![ViewLink { href: "/customers?view=viw_1".into(), name: "名寄せ候補あり".into(), count: 34 }],
        news: vec![
            News { tone: "bad", text: "価格表(表計算) 26h".into(), href: Some("/connections/con_5".into()) },
            News { tone: "warn", text: "会計システム 8".into(), href: None },
        ],
        todo: vec![
            Todo { key: "home.todo_connect", done: false, href: "/connections" },
            Todo { key: "home.todo_customer", done: true, href: "/customers" },
        ],
    }
}

fn progress(done: bool, failed: bool) -> SetupProgressPage {
    let of = |name: &str, n, of| Loading { name: name.into(), done: if done { of } else { n }, of };
    SetupProgressPage {
        owner_mail: "takanashi@hinoki-seiki.example".into(),
        kinds: vec![of("customers", 240, 240), of("orders", 820, 1830), of("invoices", 0, 1412)],
        done: done.then(|| "/customers/cus_0001?guide=1".into()),
        failed: failed.then(|| "req_01".into()),
        checks: checks(),
    }
}

fn owner() -> SetupOwnerPage {
    SetupOwnerPage {
        language: "ja".into(),
        time_zone: "Asia/Tokyo".into(),
        zones: vec!["Asia/Tokyo".into(), "UTC".into()],
        fiscal_month: 4,
        checks: checks(),
        csrf: "x".into(),
        ..SetupOwnerPage::default()
    }
}

fn settings() -> SettingsPage {
    SettingsPage {
        company: "ひのき精機株式会社".into(),
        language: "ja".into(),
        time_zone: "Asia/Tokyo".into(),
        zones: vec!["Asia/Tokyo".into()],
        fiscal_month: 4,
        sample_customers: 240,
        sample_documents: 7202,
        confirm_word: "sample".into(),
        version: "0.1.0".into(),
        ..SettingsPage::default()
    }
}

fn error(status: u16) -> ErrorPage {
    ErrorPage {
        code: "INTERNAL",
        status,
        request_id: "req_01HZX".into(),
        needs: (status == 403).then(|| "admin".into()),
        changed_by: (status == 409).then(|| "高梨 10:12".into()),
        back: "/settings".into(),
    }
}

pub fn samples() -> Vec<Sample> {
    use Section::{Home, None, Settings};
    let wrong: Vec<(String, String)> = [
        ("code", "SETUP_CODE_WRONG"),
        ("mail", "MAIL_INVALID"),
        ("passphrase", "PASSPHRASE_SHORT"),
        ("name", "NAME_EMPTY"),
        ("company", "COMPANY_EMPTY"),
        ("zone", "ZONE_UNKNOWN"),
    ]
    .into_iter()
    .map(|(field, code)| (field.to_owned(), code.to_owned()))
    .collect();
    let refused_mail = ("MAIL_SIGNIN".to_owned(), "permanent error (535): 5.7.8 Error".to_owned());
    let mail_host = Some("smtp.hinoki-seiki.example".to_owned());
    let mail = SettingsPage { mail_host, mail_trouble: Some(refused_mail), ..settings() };
    let blocked = vec![EnvCheck { name: "key", tone: "bad", detail: "—".into() }];
    let signin = SigninPage {
        company: "ひのき精機株式会社".into(),
        next: "/".into(),
        csrf: "x".into(),
        ..SigninPage::default()
    };
    let two =
        ["社員アカウント", "協力会社"].map(|name| ("/auth/oidc/idp_1/start".to_owned(), name.to_owned())).to_vec();
    let refused = SigninPage { refusal: Some("SIGNIN_WAIT".into()), wait: Some(8), ..signin.clone() };
    let size = SampleSize { customers: 240, orders: 1830, invoices: 1412, activities: 3960 };
    let data = SetupDataPage {
        owner_mail: "takanashi@hinoki-seiki.example".into(),
        sample: size,
        checks: checks(),
        failed: false,
    };
    vec![
        ("home", Home, true, Box::new(home())),
        ("home-empty", Home, true, Box::new(HomePage::default())),
        ("setup-owner", None, false, Box::new(owner())),
        (
            "setup-owner-wrong",
            None,
            false,
            Box::new(SetupOwnerPage {
                errors: wrong,
                refusal: Some("FORM_EXPIRED".into()),
                checks: blocked,
                ..owner()
            }),
        ),
        ("setup-data", None, true, Box::new(data.clone())),
        ("setup-data-failed", None, true, Box::new(SetupDataPage { failed: true, ..data })),
        ("setup-progress", None, true, Box::new(progress(false, false))),
        ("setup-done", None, true, Box::new(progress(true, false))),
        ("setup-failed", None, true, Box::new(progress(false, true))),
        ("settings-mail", Settings, true, Box::new(mail)),
        ("signin", None, false, Box::new(signin.clone())),
        (
            "signin-mail",
            None,
            false,
            Box::new(SigninPage { mail_first: true, providers: two.clone(), ..signin.clone() }),
        ),
        ("signin-lead", None, false, Box::new(SigninPage { lead: two.first().cloned(), ..signin.clone() })),
        ("signin-wrong", None, false, Box::new(refused)),
        (
            "signin-providers",
            None,
            false,
            Box::new(SigninPage {
                providers: vec![("/auth/oidc/idp_1/start".into(), "ひのき精機アカウント".into())],
                ..signin.clone()
            }),
        ),
        (
            "signin-leave",
            None,
            false,
            Box::new(LeavePage {
                action: "https://id.example/sso".into(),
                fields: vec![("SAMLRequest", "PHNhbWxwOkF1".into())],
                out: false,
            }),
        ),
        (
            "signin-leaving",
            None,
            false,
            Box::new(SigninPage {
                notice: Some("signed_out".into()),
                leaving: Some("ひのき精機アカウント".into()),
                ..signin.clone()
            }),
        ),
        (
            "signin-sso",
            None,
            false,
            Box::new(SigninPage {
                entry: Entry::Sso,
                providers: vec![("/auth/oidc/idp_1/start".into(), "ひのき精機アカウント".into())],
                refusal: Some("SIGNIN_SSO".into()),
                ..signin.clone()
            }),
        ),
        (
            "signin-sso-mail",
            None,
            false,
            Box::new(SigninPage { entry: Entry::Sso, mail_first: true, providers: two.clone(), ..signin.clone() }),
        ),
        (
            "signin-sso-lead",
            None,
            false,
            Box::new(SigninPage { entry: Entry::Sso, lead: two.first().cloned(), ..signin.clone() }),
        ),
        ("signin-glass", None, false, Box::new(SigninPage { entry: Entry::Glass, ..signin.clone() })),
        ("signin-proof", None, false, Box::new(ErrorPage { code: "SIGNIN_PROOF", ..error(403) })),
        ("signin-refused", None, false, Box::new(ErrorPage { code: "SIGNIN_REFUSED", ..error(403) })),
        ("signin-expired", None, false, Box::new(SigninPage { notice: Some("expired".into()), ..signin })),
        ("settings", Settings, true, Box::new(settings())),
        (
            "settings-wrong",
            Settings,
            true,
            Box::new(SettingsPage {
                confirm_wrong: true,
                errors: vec![("company".into(), "COMPANY_EMPTY".into()), ("zone".into(), "ZONE_UNKNOWN".into())],
                ..settings()
            }),
        ),
        (
            "settings-clean",
            Settings,
            true,
            Box::new(SettingsPage { sample_customers: 0, may_load_sample: true, ..settings() }),
        ),
        ("error-403", None, true, Box::new(error(403))),
        ("error-404", None, true, Box::new(error(404))),
        ("error-409", None, true, Box::new(error(409))),
        ("error-500", None, true, Box::new(error(500))),
        ("error-404-out", None, false, Box::new(error(404))),
    ]
}
