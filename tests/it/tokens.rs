//! Tokens of the API, as programs use them and as their owners end them.

mod customers;
mod documented;
mod ends;
pub mod scene;
mod secrecy;
mod wrong;

use musubi::identity::{By, NewToken, Origin, Role, Scope, TokenError, can};
use serde_json::json;

use crate::{hub::TestHub, real::TestDatabase};
use scene::{Program, owner, service, token};

const ROLES: [Role; 5] = [Role::Admin, Role::Steward, Role::Employee, Role::Viewer, Role::Auditor];

#[tokio::test(flavor = "multi_thread")]
async fn a_token_may_do_what_its_owners_role_and_its_scopes_both_say() {
    for database in TestDatabase::both().await {
        let t = TestHub::start(&database).await;
        for role in ROLES {
            let service = service(&t, &format!("連携 {}", role.as_str()), role).await;
            for scope in Scope::ALL {
                let new = NewToken { name: scope.as_str().to_owned(), scopes: vec![scope], life: None };
                let made = t.hub().identity.create_token(scene::SHELL, &service, new, &Origin::default()).await;
                if !can(role, scope.action()) {
                    let refused = made.unwrap_err();
                    assert!(matches!(&refused, TokenError::Fields(_)), "{role:?} {scope:?}: {refused}");
                    assert_eq!(refused.code(), "TOKEN_SCOPE", "{role:?} {scope:?}");
                    continue;
                }
                let program = Program::new(&t, &made.unwrap().secret);
                let me = program.get("/api/v1/me", 200).await.body;
                assert_eq!(me["may"], json!([scope.as_str()]), "{role:?}");
                assert_eq!((&me["kind"], &me["role"]), (&json!("service"), &json!(role.as_str())));
                let reads = scope == Scope::CustomersRead;
                let answer = program.get("/api/v1/customers", if reads { 200 } else { 403 }).await;
                if !reads {
                    let code = if can(role, Scope::CustomersRead.action()) { "SCOPE_MISSING" } else { "FORBIDDEN" };
                    assert_eq!(answer.body["code"], code, "{role:?} {scope:?}");
                    assert!(answer.header("www-authenticate").contains("error=\"insufficient_scope\""));
                }
            }
        }
        // Each refusal is in the trail, with who and by which token.
        let told = "SELECT COUNT(*) FROM audit a JOIN api_token t ON a.detail LIKE '%' || t.id || '%'
                    WHERE a.action = 'access.refuse' AND a.outcome = 'refused' AND a.actor = t.user_id
                      AND a.object_id = 'view_customers'";
        let other = "SELECT COUNT(*) FROM api_token WHERE scopes <> 'customers:read'";
        let tokens = t.count(other).await;
        t.until(told, |n| n == tokens).await;
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_changes_changes_what_the_tokens_may() {
    for database in TestDatabase::both().await {
        let t = TestHub::start(&database).await;
        let (service, identity) = (service(&t, "販売連携", Role::Steward).await, &t.hub().identity);
        let secret = token(&t, &service, &[Scope::CustomersRead, Scope::FailuresRead]).await;
        let program = Program::new(&t, &secret);
        assert_eq!(program.get("/api/v1/me", 200).await.body["may"], json!(["customers:read", "failures:read"]));
        let to = async |role| identity.set_role(scene::SHELL, &service, role, &Origin::default()).await;
        to(Role::Viewer).await.unwrap();
        assert_eq!(program.get("/api/v1/me", 200).await.body["may"], json!(["customers:read"]), "at once");
        to(Role::Auditor).await.unwrap();
        let answer = program.get("/api/v1/customers", 403).await;
        assert_eq!((&answer.body["code"], &answer.body["needs_role"]), (&json!("FORBIDDEN"), &json!("viewer")));
        assert_eq!(program.get("/api/v1/me", 200).await.body["may"], json!([]));
        // A scope that the role had not when the token was made does not come with a higher role.
        to(Role::Admin).await.unwrap();
        assert_eq!(program.get("/api/v1/me", 200).await.body["may"], json!(["customers:read", "failures:read"]));
        assert_eq!(to(Role::Owner).await.unwrap_err().code(), "USER_SERVICE_OWNER");
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_made_by_their_owners_and_for_services_by_administrators() {
    for database in TestDatabase::both().await {
        let t = TestHub::start(&database).await;
        let (identity, origin) = (&t.hub().identity, Origin::default());
        let owner = owner(&t).await;
        let program = service(&t, "販売連携", Role::Viewer).await;
        let new = |name: &str| NewToken { name: name.into(), scopes: vec![Scope::CustomersRead], life: None };
        let by = |actor, role| By { actor, role: Some(role) };
        let made = async |by: By<'_>, of: &str, new: NewToken| {
            identity.create_token(by, of, new, &origin).await.map_err(|error| error.code())
        };
        assert!(made(by(&owner, Role::Owner), &owner, new("自分")).await.is_ok());
        assert!(made(by(&owner, Role::Owner), &program, new("夜間")).await.is_ok());
        assert_eq!(made(by("usr_admin", Role::Admin), &owner, new("他人")).await.err(), Some("TOKEN_OTHERS"));
        assert_eq!(made(by("usr_steward", Role::Steward), &program, new("他人")).await.err(), Some("FORBIDDEN"));
        assert_eq!(made(by(&owner, Role::Owner), "usr_nobody", new("だれ")).await.err(), Some("TOKEN_MISSING"));
        let day = std::time::Duration::from_hours(24);
        for (new, code) in [
            (new(" 夜間 "), "TOKEN_NAME_TAKEN"),
            (new("  "), "TOKEN_NAME"),
            (new(&"あ".repeat(101)), "TOKEN_NAME"),
            (NewToken { scopes: vec![], ..new("何も") }, "TOKEN_NO_SCOPE"),
            (NewToken { life: Some(366 * day), ..new("長い") }, "TOKEN_EXPIRY"),
            (NewToken { life: Some(std::time::Duration::ZERO), ..new("短い") }, "TOKEN_EXPIRY"),
        ] {
            assert_eq!(made(by(&owner, Role::Owner), &program, new).await.err(), Some(code));
        }
        let service = async |name: &str, role| {
            let error = identity.add_service(by("usr_admin", Role::Admin), name, role, &origin).await.err();
            error.map(|error| error.to_string())
        };
        assert!(service("販売連携", Role::Viewer).await.is_some(), "the name is taken");
        assert!(service("経理連携", Role::Owner).await.is_some(), "a service is never owner");
        assert_eq!(service("経理連携", Role::Admin).await, None);
        let created = "SELECT COUNT(*) FROM audit WHERE action = 'token.create' AND outcome = 'ok'";
        assert_eq!(t.count(created).await, 2);
        t.stop().await;
    }
}
