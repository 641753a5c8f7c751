use super::{NOW, Sample, minutes, people};
use crate::{
    http::console::{
        Section::{None as Nowhere, Users},
        view::{
            token::{ServicePage, TokenPage, TokenRow, TokensPage},
            user::{UserPage, UserRow},
        },
    },
    identity::{FieldError, Role, Scope, Scopes, TokenView, api_token::State},
    model::Timestamp,
};

fn row(id: &str, name: &str, scopes: &[Scope], state: State, service: bool) -> TokenRow {
    TokenRow {
        token: TokenView {
            id: id.into(),
            name: name.into(),
            scopes: scopes.iter().copied().collect::<Scopes>(),
            user_id: if service { "usr_9" } else { "usr_1" }.into(),
            owner: if service { "販売分析システム" } else { "高梨 拓" }.into(),
            role: if service { Role::Viewer } else { Role::Owner },
            service,
            created_at: minutes(90_000),
            expires_at: NOW.plus(40 * Timestamp::DAY),
            used_at: service.then(|| minutes(3)),
            state,
        },
        revoke_at: (state == State::Good).then(|| format!("/me/tokens/{id}/revoke")),
        back: "/me".into(),
    }
}

pub fn rows() -> Vec<TokenRow> {
    let read = [Scope::CustomersRead];
    vec![
        row("tok_01kbexample00000000000001", "夜間の売上集計", &read, State::Good, false),
        row(
            "tok_01kbexample00000000000002",
            "名寄せの下調べに使う、とても長い名前のついたトークン",
            &[Scope::CustomersRead, Scope::FailuresRead, Scope::AuditRead],
            State::Revoked(minutes(600)),
            false,
        ),
    ]
}

fn token() -> TokenPage {
    TokenPage {
        action: "/me/tokens/new".into(),
        back: "/me".into(),
        offered: Scope::within(Role::Owner),
        days: 90,
        lives: vec![7, 30, 90, 180, 365],
        try_at: "https://musubi.hinoki-seiki.example/api/v1/me".into(),
        ..TokenPage::default()
    }
}

fn service() -> UserRow {
    UserRow {
        service: true,
        mail: String::new(),
        local: false,
        providers: vec![],
        signed_in_at: None,
        ..people::person("usr_9", "販売分析システム", Role::Employee)
    }
}

pub fn samples() -> Vec<Sample> {
    let held = vec![
        row("tok_01kbexample00000000000003", "集計", &[Scope::CustomersRead], State::Good, true),
        row("tok_01kbexample00000000000004", "監査", &[Scope::AuditRead], State::Expired(minutes(9_000)), true),
    ];
    let wrong = |field, code| FieldError { field, code };
    let made = TokenPage {
        name: "夜間の売上集計".into(),
        made: Some((format!("mus_{}", "k3Xw9".repeat(10)), NOW.plus(90 * Timestamp::DAY))),
        ..token()
    };
    let refused = TokenPage {
        name: "夜間の売上集計".into(),
        service: Some("販売分析システム".into()),
        back: "/admin/users/usr_9".into(),
        errors: vec![
            wrong("name", "TOKEN_NAME_TAKEN"),
            wrong("scope", "TOKEN_NO_SCOPE"),
            wrong("expires", "TOKEN_EXPIRY"),
        ],
        offered: Scope::within(Role::Employee),
        ..token()
    };
    let offered: Vec<Role> = Role::ALL.into_iter().filter(|role| *role != Role::Owner).collect();
    let all = TokensPage {
        services: vec![service(), UserRow { disabled_at: Some(minutes(50)), ..service() }],
        tokens: held.iter().cloned().chain(rows()).collect(),
        total: 62,
        first: 1,
        next: Some("/admin/tokens?page=2".into()),
        may_change: true,
        ..TokensPage::default()
    };
    let page =
        UserPage { tokens: held, sessions: vec![], grantable: offered.clone(), ..people::one(service(), None, true) };
    let taken = ServicePage {
        name: "販売分析システム".into(),
        role: Some(Role::Viewer),
        offered: offered.clone(),
        errors: vec![wrong("name", "SERVICE_NAME_TAKEN")],
    };
    let auditor = TokenPage { offered: vec![], ..token() };
    vec![
        ("token-new", Nowhere, true, Box::new(token())),
        ("token-made", Nowhere, true, Box::new(made)),
        ("token-none", Nowhere, true, Box::new(auditor)),
        ("token-refused", Users, true, Box::new(refused)),
        ("tokens", Users, true, Box::new(all)),
        ("tokens-empty", Users, true, Box::new(TokensPage { may_change: true, ..TokensPage::default() })),
        ("service", Users, true, Box::new(page)),
        ("service-new", Users, true, Box::new(taken)),
    ]
}
