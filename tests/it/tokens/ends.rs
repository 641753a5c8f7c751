//! How tokens end: by time, by hand, with their owner; here at once, elsewhere within a second.

use std::{
    sync::{Arc, atomic::AtomicI64, atomic::Ordering},
    time::{Duration, Instant},
};

use musubi::{
    clock::Clock,
    identity::{NewToken, Origin, Role, Scope},
    model::Timestamp,
};

use super::scene::{Program, SHELL, made, owner, service};
use crate::{cli_ops::Shell, hub::TestHub, real::TestDatabase};

const READ: [Scope; 1] = [Scope::CustomersRead];

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_at_its_expiry_and_use_is_noted_once_a_minute() {
    for database in TestDatabase::both().await {
        let at = Arc::new(AtomicI64::new(Clock::System.now().0));
        let clock = Clock::Manual(Arc::clone(&at));
        let forward = |micros: i64| at.fetch_add(micros, Ordering::SeqCst) + micros;
        let t = TestHub::start_at(&database, clock, |_| {}).await;
        let identity = &t.hub().identity;
        let service = service(&t, "販売連携", Role::Viewer).await;
        let program = Program::new(&t, &made(&t, &service, &READ).await.1);
        let used = "SELECT COALESCE(MAX(used_at), 0) FROM api_token";
        assert_eq!(t.count(used).await, 0);
        let first = at.load(Ordering::SeqCst);
        program.get("/api/v1/me", 200).await;
        t.until(used, |n| n == first).await;
        forward(59 * Timestamp::SECOND);
        program.get("/api/v1/me", 200).await;
        identity.write_uses().await.unwrap();
        assert_eq!(t.count(used).await, first, "to the minute");
        let later = forward(Timestamp::SECOND);
        program.get("/api/v1/me", 200).await;
        t.until(used, |n| n == later).await;

        forward(90 * Timestamp::DAY - 60 * Timestamp::SECOND - 1);
        program.get("/api/v1/me", 200).await;
        forward(1);
        program.get("/api/v1/me", 401).await;
        t.until("SELECT COUNT(*) FROM audit WHERE detail LIKE '%API_TOKEN_EXPIRED%'", |n| n == 1).await;
        assert_eq!(identity.purge_tokens().await.unwrap(), 0, "its owner may still want to know");
        forward(91 * Timestamp::DAY);
        assert_eq!(identity.purge_tokens().await.unwrap(), 1);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shorter_limit_holds_for_tokens_of_before() {
    let database = TestDatabase::sqlite().await;
    let at = Arc::new(AtomicI64::new(Clock::System.now().0));
    let t = TestHub::start_at(&database, Clock::Manual(Arc::clone(&at)), |_| {}).await;
    let service = service(&t, "販売連携", Role::Viewer).await;
    let year = Some(Duration::from_hours(24 * 365));
    let new = NewToken { name: "夜間".into(), scopes: READ.to_vec(), life: year };
    let secret = t.hub().identity.create_token(SHELL, &service, new, &Origin::default()).await.unwrap().secret;
    t.stop().await;
    at.fetch_add(40 * Timestamp::DAY, Ordering::SeqCst);
    let month = |config: &mut musubi::config::Config| {
        config.tokens.expiry = "30d".parse().unwrap();
        config.tokens.longest = "30d".parse().unwrap();
    };
    let t = TestHub::start_at(&database, Clock::Manual(Arc::clone(&at)), month).await;
    Program::new(&t, &secret).get("/api/v1/me", 401).await;
    t.stop().await;
    let t = TestHub::start_at(&database, Clock::Manual(at), |_| {}).await;
    Program::new(&t, &secret).get("/api/v1/me", 200).await;
    t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_dies_with_its_owner_and_does_not_come_back() {
    for database in TestDatabase::both().await {
        let t = TestHub::start(&database).await;
        let (identity, origin) = (&t.hub().identity, Origin::default());
        let service = service(&t, "販売連携", Role::Viewer).await;
        let other = super::service(&t, "経理連携", Role::Viewer).await;
        let (first, second) = (made(&t, &service, &READ).await, made(&t, &service, &READ).await);
        let (mine, also) = (Program::new(&t, &first.1), Program::new(&t, &second.1));
        let theirs = Program::new(&t, &made(&t, &other, &READ).await.1);
        for program in [&mine, &also, &theirs] {
            program.get("/api/v1/me", 200).await;
        }
        assert!(identity.revoke_token(SHELL, &first.0, &origin).await.unwrap());
        assert!(!identity.revoke_token(SHELL, &first.0, &origin).await.unwrap(), "once");
        mine.get("/api/v1/me", 401).await;
        also.get("/api/v1/me", 200).await;

        identity.deactivate(SHELL, &service, &origin).await.unwrap();
        also.get("/api/v1/me", 401).await;
        let new = NewToken { name: "あとから".into(), scopes: READ.to_vec(), life: None };
        let refused = identity.create_token(SHELL, &service, new, &origin).await.unwrap_err();
        assert_eq!(refused.code(), "TOKEN_OWNER_OFF");
        identity.reactivate(SHELL, &service, &origin).await.unwrap();
        also.get("/api/v1/me", 401).await;
        theirs.get("/api/v1/me", 200).await;
        let acts = "SELECT COUNT(*) FROM audit WHERE action = 'token.revoke' AND actor = 'cli' AND outcome = 'ok'";
        assert_eq!(t.count(acts).await, 2, "by hand, and with its owner");

        // An owner who is removed leaves nothing behind.
        let mut tx = t.hub().db.begin().await.unwrap();
        musubi::store::sql("DELETE FROM app_user WHERE kind = 'service'").execute(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        identity.forget(&other);
        theirs.get("/api/v1/me", 401).await;
        assert_eq!(t.count("SELECT COUNT(*) FROM api_token").await, 0);
        t.stop().await;
    }
}

/// Signing out, everywhere, is about browsers.
#[tokio::test(flavor = "multi_thread")]
async fn signing_out_everywhere_ends_no_token() {
    let database = TestDatabase::sqlite().await;
    let t = TestHub::start(&database).await;
    let owner = owner(&t).await;
    let program = Program::new(&t, &made(&t, &owner, &READ).await.1);
    t.hub().identity.sign_out_everywhere(SHELL, &owner, &Origin::default()).await.unwrap();
    assert_eq!(t.count("SELECT COUNT(*) FROM session").await, 0);
    assert_eq!(program.get("/api/v1/me", 200).await.body["kind"], "person");
    t.stop().await;
}

/// Asks until the token is refused: no request that began later than a second after `since` is let in.
async fn out_within_a_second(program: &Program, since: Instant) {
    loop {
        let begun = since.elapsed();
        if program.ask("/api/v1/me").await.status == 401 {
            return;
        }
        assert!(begun < Duration::from_secs(1), "let in {begun:?} after it ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_on_one_node_is_refused_on_the_other_within_a_second() {
    let database = TestDatabase::postgres().await;
    let (here, there) = (TestHub::start(&database).await, TestHub::start(&database).await);
    let (identity, origin) = (&here.hub().identity, Origin::default());
    let service = service(&here, "販売連携", Role::Viewer).await;
    let [one, two, three] =
        [made(&here, &service, &READ).await, made(&here, &service, &READ).await, made(&here, &service, &READ).await];
    for (_, secret) in [&one, &two, &three] {
        Program::new(&there, secret).get("/api/v1/customers", 200).await;
    }
    identity.revoke_token(SHELL, &one.0, &origin).await.unwrap();
    out_within_a_second(&Program::new(&there, &one.1), Instant::now()).await;

    let folder = tempfile::tempdir().unwrap();
    let shell = Shell { folder: folder.path(), url: &database.url };
    tokio::task::block_in_place(|| shell.run(&["token", "revoke", &two.0], 0));
    out_within_a_second(&Program::new(&there, &two.1), Instant::now()).await;

    let third = Program::new(&there, &three.1);
    third.get("/api/v1/customers", 200).await;
    identity.set_role(SHELL, &service, Role::Auditor, &origin).await.unwrap();
    let since = Instant::now();
    loop {
        let begun = since.elapsed();
        if third.ask("/api/v1/customers").await.status == 403 {
            break;
        }
        assert!(begun < Duration::from_secs(1), "the old role holds {begun:?} later");
    }
    identity.deactivate(SHELL, &service, &origin).await.unwrap();
    out_within_a_second(&third, Instant::now()).await;
    here.stop().await;
    there.stop().await;
}
