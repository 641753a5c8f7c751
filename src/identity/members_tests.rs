use secrecy::ExposeSecret;

use super::*;
use crate::{
    identity::{
        Found,
        people::NewPerson,
        testing::{Bench, PASSPHRASE, TestResult},
    },
    store::audit::Filter,
};

const CLI: By<'static> = By { actor: "cli", role: None };

fn here() -> Origin {
    Origin::default()
}

async fn person(identity: &Identity, name: &str, role: Role) -> Result<String, Box<dyn std::error::Error>> {
    let new = NewPerson {
        mail: format!("{name}@hinoki.example"),
        name: name.into(),
        role,
        passphrase: PASSPHRASE.to_owned().into(),
        language: "ja",
    };
    Ok(identity.add_person(new, "cli", &here()).await?.into_string())
}

fn by(id: &str, role: Role) -> By<'_> {
    By { actor: id, role: Some(role) }
}

#[tokio::test]
async fn nobody_reaches_above_themselves_or_at_themselves() -> TestResult {
    let bench = Bench::new().await?;
    let (identity, owner) = bench.owned().await?;
    let owner = owner.user_id;
    let (admin, aoi) =
        (person(&identity, "admin", Role::Admin).await?, person(&identity, "aoi", Role::Employee).await?);
    let admin_by = by(&admin, Role::Admin);
    for (by, on, to, code) in [
        (admin_by, &owner, Role::Employee, "FORBIDDEN"),
        (admin_by, &aoi, Role::Owner, "FORBIDDEN"),
        (by(&aoi, Role::Employee), &admin, Role::Viewer, "FORBIDDEN"),
        (by(&aoi, Role::Auditor), &admin, Role::Viewer, "FORBIDDEN"),
        (admin_by, &admin, Role::Viewer, "USER_SELF"),
        (by(&owner, Role::Owner), &owner, Role::Admin, "USER_SELF"),
        (CLI, &owner, Role::Admin, "USER_LAST_OWNER"),
        (CLI, &"usr_nobody".to_owned(), Role::Admin, "USER_MISSING"),
    ] {
        let done = identity.set_role(by, on, to, &here()).await;
        assert_eq!(done.err().map(|error| error.code()), Some(code), "{by:?} {on} {to:?}");
    }
    for (by, on, code) in
        [(admin_by, &owner, "FORBIDDEN"), (admin_by, &admin, "USER_SELF"), (CLI, &owner, "USER_LAST_OWNER")]
    {
        let done = identity.deactivate(by, on, &here()).await;
        assert_eq!(done.err().map(|error| error.code()), Some(code), "{by:?} {on}");
    }
    let refused = identity.sign_out_everywhere(admin_by, &owner, &here()).await;
    assert!(matches!(refused, Err(MemberError::Denied(_))));
    let trail = crate::store::audit::list(&bench.db, &Filter { kind: Some("user"), ..Filter::default() }, 9).await?;
    assert!(trail.iter().all(|row| row.action == "user.create"), "what was refused changed nothing");
    Ok(())
}

#[tokio::test]
async fn owners_who_remove_each_other_leave_one() -> TestResult {
    let bench = Bench::new().await?;
    let (identity, first) = bench.owned().await?;
    let first = first.user_id;
    let second = person(&identity, "second", Role::Admin).await?;
    identity.set_role(by(&first, Role::Owner), &second, Role::Owner, &here()).await?;
    let other = bench.identity();
    let origin = here();
    let (a, b) = tokio::join!(
        identity.set_role(by(&first, Role::Owner), &second, Role::Employee, &origin),
        other.deactivate(by(&second, Role::Owner), &first, &origin),
    );
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    let left = user::list(&bench.db).await?;
    let active: Vec<_> = left.iter().filter(|row| row.role == "owner" && row.disabled_at.is_none()).collect();
    assert_eq!(active.len(), 1);
    Ok(())
}

#[tokio::test]
async fn who_is_switched_off_is_out_on_every_node_and_comes_back() -> TestResult {
    let bench = Bench::new().await?;
    let (here_node, owner) = bench.owned().await?;
    let there = bench.identity();
    let aoi = person(&here_node, "aoi", Role::Employee).await?;
    let sign_in = async || there.sign_in("aoi@hinoki.example", PASSPHRASE.into(), None, &here()).await;
    let (first, second) = (sign_in().await?, sign_in().await?);
    let is_in = async |cookie: &secrecy::SecretString| {
        Ok::<_, StoreError>(matches!(there.session(cookie.expose_secret()).await?, Found::Active(_)))
    };
    assert!(is_in(&first.token).await? && is_in(&second.token).await?);
    let by = by(&owner.user_id, Role::Owner);
    assert!(here_node.end_session_of(by, &aoi, &first.session_id, &here()).await?);
    assert!(!here_node.end_session_of(by, &owner.user_id, &second.session_id, &here()).await?, "of somebody else");
    bench.advance(crate::model::Timestamp::SECOND);
    assert!(!is_in(&first.token).await? && is_in(&second.token).await?);

    assert_eq!(here_node.deactivate(by, &aoi, &here()).await?, 1);
    bench.advance(crate::model::Timestamp::SECOND);
    assert!(!is_in(&second.token).await?);
    assert!(sign_in().await.is_err());
    // A refused try has to be waited for.
    bench.advance(crate::model::Timestamp::SECOND);
    here_node.reactivate(by, &aoi, &here()).await?;
    let third = sign_in().await?;
    assert!(is_in(&third.token).await?);
    assert_eq!(here_node.sign_out_everywhere(by, &aoi, &here()).await?, 1);
    let trail = crate::store::audit::list(&bench.db, &Filter { kind: Some("user"), ..Filter::default() }, 9).await?;
    let acts: Vec<&str> = trail.iter().rev().map(|row| row.action.as_str()).collect();
    assert_eq!(acts, ["user.create", "user.deactivate", "user.reactivate", "user.sign_out"]);
    assert!(trail.iter().all(|row| row.object_id == aoi));
    Ok(())
}
