use super::{NOW, Sample, minutes};
use crate::{
    http::console::{
        Lang,
        Section::{Audit, None as Nowhere, Users},
        view::{
            audit::{AuditDetailPage, AuditLine, AuditPage, Check},
            passphrase::PassphrasePage,
            prove::ProvePage,
            second_factor::{SecondFactorPage, State},
            setup::InvitationPage,
            setup::SigninCodePage,
            user::{
                DepartmentRow, InvitationRow, InvitePage, LinkRow, Mapping, MePage, PermissionsPage, Sees, SessionRow,
                UserPage, UserRow, UsersPage,
            },
        },
    },
    identity::{Access, Action, Role, can, passkey::PasskeyView},
    model::{Class, Timestamp},
};

const CHROME: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
     Version/18.1 Mobile/15E148 Safari/604.1";

pub fn person(id: &str, name: &str, role: Role) -> UserRow {
    UserRow {
        id: id.into(),
        name: name.into(),
        mail: format!("{id}@hinoki-seiki.example"),
        role,
        local: role == Role::Owner,
        providers: if role == Role::Owner { vec![] } else { vec!["社員アカウント".into()] },
        signed_in_at: (role != Role::Viewer).then(|| minutes(18)),
        disabled_at: (role == Role::Viewer).then(|| minutes(90_000)),
        glass: role == Role::Owner,
        glass_tested_at: (role == Role::Owner).then(|| minutes(900)),
        me: role == Role::Owner,
        service: false,
    }
}

fn users() -> UsersPage {
    UsersPage {
        rows: vec![
            person("usr_1", "高梨 拓", Role::Owner),
            person("usr_2", "青井 みどり", Role::Employee),
            person("usr_3", "谷 しずか", Role::Steward),
            person("usr_4", "岸 由美", Role::Viewer),
            person("usr_5", "監査法人 窓口", Role::Auditor),
        ],
        total: 128,
        first: 1,
        next: Some("/admin/users?page=2".into()),
        ..UsersPage::default()
    }
}

fn session(id: &str, agent: &str, provider: Option<&str>, current: bool) -> SessionRow {
    SessionRow {
        id: id.into(),
        agent: Some(agent.into()),
        ip: Some("192.0.2.14".into()),
        created_at: minutes(300),
        seen_at: minutes(2),
        provider: provider.map(str::to_owned),
        glass: false,
        current,
    }
}

fn line(id: &str, action: &str, object: (&str, &str, Option<&str>), refused: bool) -> AuditLine {
    AuditLine {
        id: id.into(),
        at: minutes(12),
        actor: if refused { "system".into() } else { "usr_1".into() },
        actor_name: (!refused).then(|| "高梨 拓".into()),
        action: action.into(),
        object_kind: object.0.into(),
        object_id: object.1.into(),
        object_name: object.2.map(str::to_owned),
        refused,
        ip: Some("192.0.2.14".into()),
        request_id: Some("019a0000-0000-7000-8000-000000000001".into()),
        detail: if refused {
            vec![("code".into(), "TOKEN_AUDIENCE".into())]
        } else {
            vec![("from".into(), "employee".into()), ("to".into(), "steward".into())]
        },
        place: Some((1284, "5c1f3a".repeat(10))),
    }
}

fn lines() -> Vec<AuditLine> {
    vec![
        line("aud_1", "user.role", ("user", "usr_3", Some("谷 しずか")), false),
        line("aud_2", "session.start", ("idp", "idp_1", Some("社員アカウント")), true),
        AuditLine {
            detail: vec![],
            ..line("aud_3", "customer.view", ("customer", "cus_1", Some("株式会社朝凪電装")), false)
        },
        AuditLine {
            actor: "cli".into(),
            actor_name: None,
            ..line("aud_4", "thing.unknown", ("thing", "x", None), false)
        },
    ]
}

pub fn one(row: UserRow, error: Option<&'static str>, may_change: bool) -> UserPage {
    UserPage {
        created_at: minutes(90_000),
        sessions: vec![session("ses_1", CHROME, Some("社員アカウント"), false), session("ses_2", IPHONE, None, false)],
        sessions_at: "/admin/users/usr_2/sessions".into(),
        grantable: if may_change { Role::ALL.to_vec() } else { vec![] },
        may_change,
        departments: vec![
            DepartmentRow { name: "営業一課".into(), by_groups: true },
            DepartmentRow { name: "東京支店".into(), by_groups: false },
        ],
        known_departments: vec!["営業一課".into(), "営業二課".into()],
        limited: row.role == Role::Employee,
        role_by: row.providers.first().cloned(),
        second_factor: row.local,
        may_glass: row.local,
        tokens: vec![],
        error,
        trail: lines(),
        may_see_trail: true,
        row,
    }
}

fn permissions() -> PermissionsPage {
    let rows = Action::ALL.map(|action| (action.as_str(), Role::ALL.map(|role| can(role, action))));
    let groups = vec![("営業".into(), Role::Employee), ("情シス".into(), Role::Admin)];
    let departments = vec![("東京".into(), "東京支店".into())];
    let mapping = Mapping { provider: "社員アカウント".into(), groups, departments, otherwise: None };
    let outside =
        Mapping { otherwise: Some(Role::Viewer), provider: "協力会社".into(), groups: vec![], departments: vec![] };
    let access = Access { limited: vec![Role::Employee, Role::Viewer], ..Access::default() };
    let class = |class: Class| {
        (class.as_str(), Role::ALL.map(|role| can(role, Action::ViewCustomers).then(|| access.clears(role, class))))
    };
    PermissionsPage {
        sees: [Sees::All, Sees::All, Sees::All, Sees::OwnDepartments, Sees::OwnDepartments, Sees::None],
        classes: Class::ALL.map(class).to_vec(),
        unassigned: true,
        rows: rows.to_vec(),
        mappings: vec![outside, mapping],
    }
}

fn audit(broken: bool) -> AuditPage {
    let check = Check {
        at: minutes(14),
        entries: 48_211,
        head: "5c1f3a".repeat(10),
        broken: broken.then(|| (1284, Some("aud_2".into()), "CHAIN_CHANGED".into())),
    };
    AuditPage {
        rows: lines(),
        next: Some("/admin/audit?after=x".into()),
        check: Some(check),
        may_check: true,
        ..AuditPage::default()
    }
}

fn factor(state: State, error: Option<&'static str>) -> SecondFactorPage {
    let (passkeys, codes) = (vec![], vec![]);
    SecondFactorPage { state, passkeys, can_passkey: true, codes_left: 10, codes, error, wait: None }
}

fn passkeys() -> Vec<PasskeyView> {
    let row = |id: &str, label: &str, used_at, backed_up| PasskeyView {
        id: id.into(),
        label: label.into(),
        created_at: minutes(90_000),
        used_at,
        backed_up,
    };
    vec![row("psk_1", "会社のノートPC", Some(minutes(40)), false), row("psk_2", "自分の電話", None, true)]
}

#[test]
fn every_right_and_every_role_has_its_words() {
    let keys = Action::ALL.iter().map(|action| format!("permission.{}", action.as_str()));
    let roles = Role::ALL.iter().map(|role| format!("role_help.{}", role.as_str()));
    let missing: Vec<String> = keys.chain(roles).filter(|key| Lang::Ja.find(key).is_none()).collect();
    assert_eq!(missing, Vec::<String>::new());
}

/// What the trail is told in the sources has words on the page.
#[test]
fn every_act_has_its_words() -> std::io::Result<()> {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut missing = std::collections::BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            for call in [
                "action: \"",
                "Act::on(&of.me, &origin, \"",
                "Act::on(&frame.me, &origin, \"",
                "Act::on(&me, &origin, \"",
                "sent.act(\"",
                "self.act(\"",
            ] {
                let written = text.split(call).skip(1).filter_map(|rest| rest.split_once('"')).map(|(act, _)| act);
                missing.extend(
                    written
                        .filter(|act| {
                            act.contains('.') && act.chars().all(|c| c.is_ascii_lowercase() || "._".contains(c))
                        })
                        .filter(|act| Lang::Ja.find(&format!("audit_action.{}", act.replace('.', "_"))).is_none())
                        .map(str::to_owned),
                );
            }
        }
    }
    assert_eq!(missing, std::collections::BTreeSet::new());
    Ok(())
}

fn invitations() -> Vec<InvitationRow> {
    let one = |mail: &str, sent: Option<(&str, Option<&str>)>, expired| InvitationRow {
        id: format!("ivt_{mail}"),
        mail: format!("{mail}@hinoki-seiki.example"),
        role: Role::Employee,
        by: "高梨 拓".into(),
        until: minutes(-4_000),
        expired,
        sent: sent.map(|(state, cause)| (state.to_owned(), cause.map(str::to_owned))),
    };
    vec![
        one("kishi", Some(("sent", None)), false),
        one("tani", Some(("waiting", None)), false),
        one("mori", Some(("waiting", Some("MAIL_LATER"))), false),
        one("hara", Some(("dead", Some("MAIL_REFUSED"))), false),
        one("oka", None, false),
        one("sawa", Some(("sent", None)), true),
    ]
}

fn invite() -> InvitePage {
    let grantable = vec![Role::Admin, Role::Steward, Role::Employee, Role::Viewer, Role::Auditor];
    let mail = "kishi@hinoki-seiki.example".into();
    InvitePage { mail, role: Some(Role::Employee), language: "ja".into(), grantable, ..InvitePage::default() }
}

fn join() -> InvitationPage {
    InvitationPage {
        company: "ひのき精機株式会社".into(),
        mail: "kishi@hinoki-seiki.example".into(),
        providers: vec![("/auth/oidc/idp_1/start".into(), "社員アカウント".into())],
        csrf: "x".into(),
        ..InvitationPage::default()
    }
}

pub fn samples() -> Vec<Sample> {
    let begun = State::Begun {
        secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".into(),
        url: "otpauth://totp/Musubi:takanashi%40hinoki-seiki.example?secret=JBSWY3DPEHPK3PXP&issuer=Musubi".into(),
    };
    let on = State::On { since: NOW };
    let fresh = SecondFactorPage { codes: vec!["ABCDEFGH-23456789".into(); 10], ..factor(on, None) };
    let me = person("usr_1", "高梨 拓", Role::Owner);
    let sessions = vec![session("ses_1", CHROME, None, true), session("ses_2", IPHONE, Some("社員アカウント"), false)];
    let link = |id: &str, provider: &str| LinkRow {
        id: id.into(),
        provider: provider.into(),
        on: !provider.is_empty(),
        since: minutes(90_000),
        seen_at: minutes(20),
    };
    let own = MePage {
        row: me.clone(),
        second_factor: false,
        alerts: Some(true),
        tokens: super::tokens::rows(),
        sessions,
        sessions_at: "/me/sessions".into(),
        links: vec![link("a1", "社員アカウント"), link("a2", "")],
        free: vec![("idp_2".into(), "協力会社".into())],
        error: Some("LINK_LAST_WAY"),
    };
    let quiet = MePage { alerts: Some(false), links: vec![], free: vec![], error: None, ..own.clone() };
    let prove = ProvePage {
        next: "/admin/users/usr_2".into(),
        mail: me.mail.clone(),
        passphrase: true,
        code: Some(true),
        ..ProvePage::default()
    };
    let key = ProvePage { passkey: true, code: Some(false), error: Some("PASSKEY_WRONG"), ..prove.clone() };
    let by_provider = ProvePage { provider: Some("社員アカウント".into()), passphrase: false, ..prove.clone() };
    let wrong = ProvePage { error: Some("CODE_WRONG"), provider: by_provider.provider.clone(), ..prove.clone() };
    let taken = vec![("mail".to_owned(), "MAIL_TAKEN".to_owned())];
    let weak = vec![("passphrase".to_owned(), "PASSPHRASE_SHORT".to_owned())];
    let link = format!("https://hub.hinoki-seiki.example/invitation?token={}", "x".repeat(43));
    let off =
        UserPage { sessions: vec![], trail: vec![], ..one(person("usr_4", "岸 由美", Role::Viewer), None, true) };
    let none = UsersPage { rows: vec![], q: "だれか".into(), total: 0, first: 0, ..users() };
    let unknown = SessionRow { agent: None, ip: None, ..session("ses_3", "", None, false) };
    let aoi = person("usr_2", "青井 みどり", Role::Employee);
    let strange = UserPage { sessions: vec![unknown], ..one(aoi.clone(), Some("USER_LAST_OWNER"), true) };
    let nothing = AuditPage { rows: vec![], check: None, next: None, kind: "user".into(), ..audit(false) };
    let unsealed = AuditLine {
        place: None,
        at: Timestamp(NOW.0 - 1),
        ..line("aud_9", "session.start", ("session", "ses_1", None), false)
    };
    vec![
        ("users", Users, true, Box::new(users())),
        ("users-none", Users, true, Box::new(none)),
        ("user", Users, true, Box::new(one(aoi, None, true))),
        ("user-refused", Users, true, Box::new(strange)),
        ("user-off", Users, true, Box::new(off)),
        ("user-self", Users, true, Box::new(one(me, None, false))),
        ("permissions", Users, true, Box::new(permissions())),
        ("me", Nowhere, true, Box::new(own)),
        ("passphrase", Nowhere, true, Box::new(PassphrasePage { mail: prove.mail.clone(), error: None })),
        (
            "passphrase-weak",
            Nowhere,
            true,
            Box::new(PassphrasePage { mail: prove.mail.clone(), error: Some("PASSPHRASE_COMMON") }),
        ),
        ("prove", Nowhere, true, Box::new(prove)),
        ("prove-provider", Nowhere, true, Box::new(by_provider)),
        ("prove-wrong", Nowhere, true, Box::new(wrong)),
        ("prove-passkey", Nowhere, true, Box::new(key)),
        ("me-quiet", Nowhere, true, Box::new(quiet)),
        ("users-invitations", Users, true, Box::new(UsersPage { invitations: invitations(), ..users() })),
        ("invite", Users, true, Box::new(invite())),
        ("invite-wrong", Users, true, Box::new(InvitePage { errors: taken, has_mail: true, ..invite() })),
        ("invite-link", Users, true, Box::new(InvitePage { link: Some((link, minutes(-4_320))), ..invite() })),
        ("invitation", Nowhere, false, Box::new(join())),
        ("invitation-wrong", Nowhere, false, Box::new(InvitationPage { errors: weak, ..join() })),
        ("invitation-account", Nowhere, false, Box::new(InvitationPage { provider_only: true, ..join() })),
        ("invitation-dead", Nowhere, false, Box::new(InvitationPage { dead: true, ..InvitationPage::default() })),
        ("factor-off", Nowhere, true, Box::new(factor(State::Off, Some("PASSPHRASE_WRONG")))),
        ("factor-begun", Nowhere, true, Box::new(factor(begun, Some("CODE_WRONG")))),
        (
            "factor-on",
            Nowhere,
            true,
            Box::new(SecondFactorPage { codes_left: 2, ..factor(State::On { since: minutes(90) }, None) }),
        ),
        (
            "factor-passkeys",
            Nowhere,
            true,
            Box::new(SecondFactorPage { passkeys: passkeys(), ..factor(State::Off, None) }),
        ),
        (
            "factor-no-name",
            Nowhere,
            true,
            Box::new(SecondFactorPage { can_passkey: false, ..factor(State::Off, None) }),
        ),
        ("factor-codes", Nowhere, true, Box::new(fresh)),
        (
            "signin-code",
            Nowhere,
            false,
            Box::new(SigninCodePage {
                app: true,
                refusal: Some("CODE_WRONG".into()),
                wait: Some(4),
                ..SigninCodePage::default()
            }),
        ),
        (
            "signin-passkey",
            Nowhere,
            false,
            Box::new(SigninCodePage {
                passkey: true,
                refusal: Some("PASSKEY_OVER".into()),
                ..SigninCodePage::default()
            }),
        ),
        ("audit", Audit, true, Box::new(audit(false))),
        ("audit-broken", Audit, true, Box::new(audit(true))),
        ("audit-none", Audit, true, Box::new(nothing)),
        ("audit-entry", Audit, true, Box::new(AuditDetailPage { line: lines().remove(1) })),
        ("audit-entry-new", Audit, true, Box::new(AuditDetailPage { line: unsealed })),
    ]
}
