use super::{Sample, minutes};
use crate::{
    http::console::{
        Section::SignIn,
        view::{
            audit::AuditLine,
            idp::{
                CertificateRow, DomainRow, Facts, GlassRow, IdpPage, IdpRow, IdpsPage, MetadataReading, OtherKey,
                OwnKeys, Pending, Wrong,
            },
            idp_setup::{ActivatePage, Frame, GivePage, MethodPage, RolesPage, TakePage, TestPage},
        },
    },
    identity::{
        Role,
        federation::{
            preset::Preset,
            report::{Check, Received, Report, State, What},
            saml::Stage,
            trial::Finding,
        },
    },
    model::Timestamp,
};

fn row(id: &str, name: &str, kind: &str, state: &'static str) -> IdpRow {
    IdpRow {
        id: id.into(),
        name: name.into(),
        kind: kind.into(),
        state,
        preset: if kind == "saml" { "saml" } else { "entra" },
        last: (state == "on").then(|| minutes(4)),
        ends: (kind == "saml").then(|| minutes(-20 * 24 * 60)),
        unread: kind == "saml" && state == "off",
    }
}

fn certificate(ends: Option<Timestamp>) -> CertificateRow {
    CertificateRow { fingerprint: "5C:1F:3A:".repeat(10) + "00:11", ends, leaves: None }
}

fn sso(rows: Vec<IdpRow>) -> IdpsPage {
    let account = |name: &str, tested_at: Option<Timestamp>, tested| GlassRow {
        id: "usr_1".into(),
        name: name.into(),
        tested_at,
        tested,
    };
    let old = Some(minutes(100 * 24 * 60));
    IdpsPage {
        rows,
        local_owner: true,
        required: true,
        providers: vec!["社員アカウント".into()],
        accounts: vec![account("高梨 拓", Some(minutes(900)), true), account("岸 由美", old, false)],
        stranded: 3,
        ..IdpsPage::default()
    }
}

fn facts(kind: &str) -> Facts {
    if kind == "oidc" {
        return Facts {
            issuer: "https://login.id.example/v2.0".into(),
            client_id: "8f14e45f-ceea-467f-a8e7-1c1f0d3b2a10".into(),
            algorithms: "RS256".into(),
            scopes: "openid profile email".into(),
            ..Facts::default()
        };
    }
    Facts {
        issuer: "https://id.hinoki-seiki.example/saml".into(),
        address: "https://id.hinoki-seiki.example/sso".into(),
        certificates: vec![
            certificate(Some(minutes(-20 * 24 * 60))),
            certificate(Some(minutes(-900 * 24 * 60))),
            CertificateRow { leaves: Some(minutes(-5 * 24 * 60)), ..certificate(None) },
        ],
        ..Facts::default()
    }
}

fn frame(kind: &str, at: usize, done: usize) -> Frame {
    Frame {
        id: "idp_1".into(),
        name: "社員アカウント".into(),
        kind: kind.into(),
        preset: if kind == "saml" { Preset::Saml } else { Preset::Entra },
        at,
        done,
        draft: true,
        pending: None,
    }
}

fn wrong(field: &str, code: &str, detail: &str) -> Option<Wrong> {
    Some(Wrong { field: field.into(), code: code.into(), detail: detail.into() })
}

fn take(kind: &str, wrong: Option<Wrong>) -> TakePage {
    TakePage {
        frame: frame(kind, 2, if wrong.is_some() { 2 } else { 3 }),
        seen: "5c1f".into(),
        issuer: "https://login.id.example/v2.0".into(),
        client_id: "8f14e45f-ceea-467f-a8e7-1c1f0d3b2a10".into(),
        has_secret: wrong.is_none(),
        authentication: "basic".into(),
        scopes: "openid profile email".into(),
        algorithms: "RS256".into(),
        max_age: String::new(),
        tenants: String::new(),
        private: false,
        metadata_url: "https://id.hinoki-seiki.example/metadata".into(),
        metadata: String::new(),
        subject_attribute: String::new(),
        unsolicited: false,
        response_signed: false,
        keys_url: None,
        facts: wrong.is_none().then(|| facts(kind)),
        wrong,
    }
}

fn received(name: &str, value: Option<&str>, usage: &str) -> Received {
    Received { name: name.into(), value: value.map(str::to_owned), usage: usage.into() }
}

fn report(last: (State, &str, &str), third: State) -> Report {
    let check = |what, state, code: &str, detail: &str| Check { what, state, code: code.into(), detail: detail.into() };
    Report {
        checks: vec![
            check(What::Connection, State::Ok, "", "https://login.id.example/v2.0"),
            check(What::Signature, State::Ok, "", "RS256, kid 8f2c"),
            check(What::Recipient, third, if third == State::Bad { "TOKEN_AUDIENCE" } else { "" }, "0.4"),
            check(What::Attributes, if third == State::Bad { State::Open } else { State::Warn }, "PERSON_LOCAL", ""),
            check(What::Role, last.0, last.1, last.2),
        ],
        received: vec![
            received("sub", Some("a7d1c0e9"), "subject"),
            received("email", Some("takanashi@hinoki-seiki.example"), "mail"),
            received("name", Some("高梨 拓"), "name"),
            received("groups", None, "groups"),
            received("department", Some("情報システム課"), ""),
        ],
    }
}

fn test(report: Option<Report>, current: bool) -> TestPage {
    let finding = report.map(|report| Finding {
        passed: report.passed(),
        report,
        at: minutes(3),
        user_id: "usr_1".into(),
        current,
    });
    let passed = finding.as_ref().is_some_and(|finding| finding.passed && current);
    TestPage {
        frame: frame("oidc", 4, if passed { 5 } else { 4 }),
        finding,
        who: "高梨 拓".into(),
        mine: true,
        local_owner: true,
        astray: None,
        error: None,
    }
}

fn roles(wrong: Option<Wrong>) -> RolesPage {
    let named = |group: &str, role: &str| {
        let department = if group == "営業" { "営業一課" } else { "" };
        (group.to_owned(), role.to_owned(), department.to_owned())
    };
    RolesPage {
        frame: frame("oidc", 3, 4),
        groups_claim: "groups".into(),
        rows: vec![named("営業", "employee"), named("情シス", "admin"), named("", ""), named("", ""), named("", "")],
        default_role: "viewer".into(),
        seen: wrong.is_none().then(|| "営業, 野球部".into()),
        subject: "sub".into(),
        wrong,
    }
}

fn pending() -> Pending {
    Pending { who: "岸 由美".into(), at: minutes(25) }
}

fn changed(kind: &str, at: usize) -> Frame {
    Frame { draft: false, pending: Some(pending()), ..frame(kind, at, 5) }
}

fn changing(page: TestPage, error: Option<&'static str>) -> TestPage {
    TestPage { frame: changed("oidc", 4), error, ..page }
}

fn google() -> RolesPage {
    let frame = Frame { preset: Preset::Google, ..frame("oidc", 3, 4) };
    RolesPage { frame, rows: vec![], seen: None, ..roles(None) }
}

fn domains() -> Vec<DomainRow> {
    let record = "musubi-verification=kQ3vY0d1c2VjcmV0LW9mLXRoZS1wcmV2aWV3LXBhZ2Vz";
    let one = |domain: &str, verified_at, checked_at| DomainRow {
        domain: domain.into(),
        record: record.into(),
        verified_at,
        checked_at,
    };
    vec![
        one("hinoki-seiki.example", Some(minutes(90)), Some(minutes(5))),
        one("hinoki-kakou.example", None, Some(minutes(5))),
        one("hinoki-butsuryuu.example", None, None),
    ]
}

fn page(kind: &str, state: &'static str, refusals: Vec<AuditLine>) -> IdpPage {
    IdpPage {
        row: row("idp_1", "社員アカウント", kind, state),
        facts: facts(kind),
        given: given(kind),
        groups_claim: "groups".into(),
        roles: vec![("営業".into(), Role::Employee), ("情シス".into(), Role::Admin)],
        departments: vec![("営業".into(), "営業一課".into())],
        default_role: (kind == "saml").then_some(Role::Viewer),
        has_secret: kind == "oidc",
        metadata_url: if kind == "saml" { "https://id.hinoki-seiki.example/metadata".into() } else { String::new() },
        valid_until: (kind == "saml").then(|| minutes(-6 * 24 * 60)),
        reading: (kind == "saml").then(|| MetadataReading {
            due_at: minutes(-15),
            read_at: Some(minutes(26 * 60)),
            failed_at: (state == "on").then(|| minutes(120)),
            code: (state == "on").then(|| "IDP_METADATA_SIGNATURE".to_owned()),
            detail: (state == "on").then(|| "it was signed before, and is not signed by the same key now".to_owned()),
        }),
        own_keys: (kind == "saml").then(|| OwnKeys {
            signs: certificate(Some(minutes(-20 * 24 * 60))),
            other: (state == "on").then(|| OtherKey {
                certificate: certificate(Some(minutes(-3600 * 24 * 60))),
                stage: Stage::Next,
                since: minutes(60),
            }),
        }),
        pending: (state == "on").then(pending),
        wrong: None,
        refusals,
        domains: domains(),
    }
}

fn given(kind: &str) -> Vec<(&'static str, String)> {
    let hub = "https://hub.hinoki-seiki.example/auth";
    match kind {
        "saml" => vec![
            ("idp.give_metadata", format!("{hub}/saml/idp_1/metadata")),
            ("idp.give_entity", format!("{hub}/saml/idp_1/metadata")),
            ("idp.give_acs", format!("{hub}/saml/idp_1/acs")),
        ],
        _ => vec![
            ("idp.give_redirect", format!("{hub}/oidc/idp_1/callback")),
            ("idp.give_logout", format!("{hub}/oidc/idp_1/backchannel-logout")),
        ],
    }
}

fn refusal(code: &str) -> AuditLine {
    AuditLine {
        id: "aud_1".into(),
        at: Timestamp(minutes(12).0),
        actor: "system".into(),
        actor_name: None,
        action: "session.start".into(),
        object_kind: "idp".into(),
        object_id: "idp_1".into(),
        object_name: Some("社員アカウント".into()),
        refused: true,
        ip: Some("192.0.2.14".into()),
        request_id: Some("019a0000-0000-7000-8000-000000000001".into()),
        detail: vec![("code".into(), code.into())],
        place: None,
    }
}

pub fn samples() -> Vec<Sample> {
    let rows = vec![
        row("idp_1", "社員アカウント", "oidc", "on"),
        row("idp_2", "協力会社", "saml", "off"),
        row("idp_3", "関西支社", "oidc", "draft"),
    ];
    let method =
        |frame: Option<Frame>, wrong| MethodPage {
            frame, preset: Preset::Entra, name: "社員アカウント".into(), wrong
        };
    let give = |kind: &str, astray: Option<&str>| GivePage {
        frame: frame(kind, 1, 2),
        values: given(kind),
        certificate: (kind == "saml").then(|| "MIIDDzCCAfegAwIBAgIUG4u9".repeat(12)),
        astray: astray.map(str::to_owned),
    };
    let there = Some("https://hub.hinoki-seiki.example/admin/idp/idp_1/give");
    let no_groups = report((State::Bad, "GROUPS_NONE", "viewer"), State::Ok);
    let meant = report((State::Open, "", ""), State::Bad);
    let good = report((State::Ok, "", "employee"), State::Ok);
    let activate = |error: Option<&'static str>| ActivatePage {
        frame: frame("oidc", 5, 5),
        passed: error.is_none(),
        local_owner: true,
        error,
    };
    let refused = Some("IDP_UNTRIED");
    let live = report((State::Ok, "ROLE_OWNER", "employee"), State::Ok);
    let empty = report((State::Bad, "GROUPS_EMPTY", ""), State::Ok);
    vec![
        ("idps", SignIn, true, Box::new(IdpsPage { required: false, ..sso(rows.clone()) })),
        ("idps-required", SignIn, true, Box::new(IdpsPage { error: Some("SSO_LAST_PROVIDER"), ..sso(rows) })),
        ("idps-none", SignIn, true, Box::new(IdpsPage { missing: Some("SSO_NO_PROVIDER"), ..IdpsPage::default() })),
        ("idp", SignIn, true, Box::new(page("oidc", "on", vec![refusal("TOKEN_AUDIENCE"), refusal("ROLE_NONE")]))),
        ("idp-saml", SignIn, true, Box::new(page("saml", "off", vec![]))),
        ("idp-new", SignIn, true, Box::new(method(None, None))),
        ("idp-method", SignIn, true, Box::new(method(Some(frame("oidc", 0, 4)), wrong("name", "IDP_NAME_TAKEN", "")))),
        ("idp-give", SignIn, true, Box::new(give("oidc", there))),
        ("idp-give-saml", SignIn, true, Box::new(give("saml", None))),
        ("idp-take", SignIn, true, Box::new(take("oidc", None))),
        ("idp-take-wrong", SignIn, true, Box::new(take("oidc", wrong("issuer", "IDP_DISCOVERY", "HTTP 404")))),
        ("idp-take-saml", SignIn, true, Box::new(take("saml", None))),
        ("idp-take-saml-wrong", SignIn, true, Box::new(take("saml", wrong("metadata", "IDP_METADATA", "no XML")))),
        ("idp-roles", SignIn, true, Box::new(roles(None))),
        ("idp-roles-wrong", SignIn, true, Box::new(roles(wrong("roles", "IDP_NOBODY", "")))),
        ("idp-test", SignIn, true, Box::new(test(Some(no_groups), true))),
        ("idp-test-none", SignIn, true, Box::new(test(None, true))),
        ("idp-test-bad", SignIn, true, Box::new(test(Some(meant), true))),
        ("idp-test-passed", SignIn, true, Box::new(test(Some(good.clone()), true))),
        ("idp-test-stale", SignIn, true, Box::new(test(Some(good), false))),
        ("idp-test-change", SignIn, true, Box::new(changing(test(Some(live), true), Some("IDP_ISSUER_BOUND")))),
        ("idp-test-empty", SignIn, true, Box::new(changing(test(Some(empty), true), None))),
        ("idp-take-change", SignIn, true, Box::new(TakePage { frame: changed("oidc", 2), ..take("oidc", None) })),
        ("idp-roles-google", SignIn, true, Box::new(google())),
        ("idp-activate", SignIn, true, Box::new(activate(None))),
        ("idp-activate-refused", SignIn, true, Box::new(activate(refused))),
    ]
}
