use secrecy::ExposeSecret;

use super::*;
use crate::{
    identity::{
        SignInError,
        testing::{Bench, MAIL, PASSPHRASE, TestResult},
    },
    store::{FromRow, sql},
};

const HOUR: i64 = Timestamp::HOUR;

async fn state(identity: &Identity, cookie: &str) -> Result<&'static str, StoreError> {
    Ok(match identity.session(cookie).await? {
        Found::Active(_) => "active",
        Found::Expired => "expired",
        Found::Unknown => "unknown",
    })
}

async fn principal(identity: &Identity, cookie: &str) -> Result<Principal, Box<dyn std::error::Error>> {
    match identity.session(cookie).await? {
        Found::Active(session) => Ok(session.principal.clone()),
        _ => Err("not signed in".into()),
    }
}

fn browser() -> Origin {
    Origin { agent: Some("x".repeat(500)), ip: Some([192, 0, 2, 1].into()), request_id: Some("r".into()) }
}

#[tokio::test]
async fn sessions_end_when_idle_and_at_their_absolute_end() -> TestResult {
    let bench = Bench::new().await?;
    let (identity, signed_in) = bench.owned().await?;
    let cookie = signed_in.token.expose_secret();
    bench.advance(8 * HOUR - 1);
    assert_eq!(state(&identity, cookie).await?, "active");
    bench.advance(8 * HOUR);
    assert_eq!(state(&identity, cookie).await?, "expired", "idle");
    assert_eq!(state(&identity, cookie).await?, "expired", "and it stays so");

    let again = identity.sign_in(MAIL, PASSPHRASE.into(), None, &browser()).await?;
    let cookie = again.token.expose_secret();
    for _ in 0..27 {
        bench.advance(6 * HOUR);
        assert_eq!(state(&identity, cookie).await?, "active");
    }
    bench.advance(6 * HOUR);
    assert_eq!(state(&identity, cookie).await?, "expired", "seven days in use");
    bench.advance(3 * 24 * HOUR);
    assert_eq!(identity.purge_sessions().await?, 2);
    assert_eq!(state(&identity, cookie).await?, "unknown");
    Ok(())
}

#[tokio::test]
async fn what_a_page_asks_by_itself_keeps_no_session_alive() -> TestResult {
    let bench = Bench::new().await?;
    let (identity, signed_in) = bench.owned().await?;
    let cookie = signed_in.token.expose_secret();
    for _ in 0..7 {
        bench.advance(HOUR);
        assert!(matches!(identity.session_unused(cookie).await?, Found::Active(_)));
    }
    // A person acts right after the page asked: what is remembered must not swallow it.
    assert_eq!(state(&identity, cookie).await?, "active");
    bench.advance(7 * HOUR);
    assert!(matches!(identity.session_unused(cookie).await?, Found::Active(_)));
    bench.advance(HOUR);
    assert!(matches!(identity.session_unused(cookie).await?, Found::Expired));
    assert_eq!(state(&identity, cookie).await?, "expired");
    Ok(())
}

#[derive(FromRow)]
struct Stored {
    token_hash: Vec<u8>,
    csrf: String,
    seen_at: i64,
}

async fn stored(bench: &Bench) -> Result<Vec<Stored>, StoreError> {
    sql("SELECT token_hash, csrf, seen_at FROM session").all(&bench.db).await
}

#[tokio::test]
async fn use_is_noted_once_a_minute_and_the_cookie_is_not_stored() -> TestResult {
    let bench = Bench::new().await?;
    let (identity, signed_in) = bench.owned().await?;
    let cookie = signed_in.token.expose_secret();
    let first = &stored(&bench).await?[0];
    assert_eq!(first.token_hash, token::digest(cookie));
    assert_ne!(first.csrf, cookie);
    let start = first.seen_at;
    bench.advance(30 * Timestamp::SECOND);
    assert_eq!(state(&identity, cookie).await?, "active");
    assert_eq!(stored(&bench).await?[0].seen_at, start);
    bench.advance(31 * Timestamp::SECOND);
    assert_eq!(state(&identity, cookie).await?, "active");
    assert_eq!(stored(&bench).await?[0].seen_at, start + 61 * Timestamp::SECOND);
    Ok(())
}

#[tokio::test]
async fn revocation_reaches_another_node_within_a_second() -> TestResult {
    let bench = Bench::new().await?;
    let (here, first) = bench.owned().await?;
    let there = bench.identity();
    let second = here.sign_in(MAIL, PASSPHRASE.into(), None, &browser()).await?;
    let me = principal(&here, first.token.expose_secret()).await?;
    let cookie = second.token.expose_secret();
    assert_eq!(state(&there, cookie).await?, "active");

    let views = here.sessions(&me).await?;
    assert_eq!(views.len(), 2);
    let other = views.iter().find(|view| !view.current).ok_or("no other session")?;
    assert_eq!(other.agent.as_ref().map(String::len), Some(LONGEST_AGENT));
    assert!(here.revoke(&me, &other.id, &browser()).await?);
    assert!(!here.revoke(&me, &other.id, &browser()).await?, "only once");
    assert_eq!(state(&here, cookie).await?, "unknown", "at once here");
    bench.advance(Timestamp::SECOND);
    assert_eq!(state(&there, cookie).await?, "unknown", "within a second there");
    assert_eq!(state(&here, first.token.expose_secret()).await?, "active");
    Ok(())
}

#[tokio::test]
async fn nobody_ends_sessions_of_others() -> TestResult {
    let bench = Bench::new().await?;
    let (identity, mine) = bench.owned().await?;
    let me = principal(&identity, mine.token.expose_secret()).await?;
    let stranger = Principal { user_id: "usr_stranger".into(), session_id: "ses_x".into(), ..me.clone() };
    assert!(!identity.revoke(&stranger, &mine.session_id, &browser()).await?);
    assert_eq!(identity.revoke_others(&stranger, &browser()).await?, 0);
    for _ in 0..3 {
        identity.sign_in(MAIL, PASSPHRASE.into(), None, &browser()).await?;
    }
    assert_eq!(identity.revoke_others(&me, &browser()).await?, 3);
    assert_eq!(state(&identity, mine.token.expose_secret()).await?, "active");
    Ok(())
}

#[tokio::test]
async fn the_cookie_changes_at_sign_in_and_dies_at_sign_out() -> TestResult {
    let bench = Bench::new().await?;
    let (identity, first) = bench.owned().await?;
    let old = first.token.expose_secret();
    assert_eq!(state(&identity, old).await?, "active");
    let second = identity.sign_in("mina@HINOKI.example ", PASSPHRASE.into(), Some(old), &browser()).await?;
    let new = second.token.expose_secret();
    assert_ne!(old, new);
    assert_eq!(state(&identity, old).await?, "unknown");
    assert_eq!(state(&identity, new).await?, "active");
    identity.sign_out(new, &browser()).await?;
    assert_eq!(state(&identity, new).await?, "unknown");
    identity.sign_out(new, &browser()).await?;
    for junk in ["", "x", &"y".repeat(5000)] {
        assert_eq!(state(&identity, junk).await?, "unknown");
    }
    Ok(())
}

#[tokio::test]
async fn a_disabled_person_is_out_within_a_second() -> TestResult {
    let bench = Bench::new().await?;
    let (identity, mine) = bench.owned().await?;
    assert_eq!(state(&identity, mine.token.expose_secret()).await?, "active");
    let mut tx = bench.db.begin().await?;
    sql("UPDATE app_user SET disabled_at = $1").bind(1_i64).execute(&mut tx).await?;
    tx.commit().await?;
    bench.advance(Timestamp::SECOND);
    assert_eq!(state(&identity, mine.token.expose_secret()).await?, "unknown");
    let refused = identity.sign_in(MAIL, PASSPHRASE.into(), None, &browser()).await;
    assert!(matches!(refused, Err(SignInError::Wrong)));
    Ok(())
}

#[tokio::test]
async fn wrong_tries_wait_longer_and_longer_and_look_alike() -> TestResult {
    let bench = Bench::new().await?;
    let (identity, _) = bench.owned().await?;
    for mail in [MAIL, "nobody@hinoki.example"] {
        let wrong = identity.sign_in(mail, "not the passphrase".into(), None, &Origin::default()).await;
        assert!(matches!(wrong, Err(SignInError::Wrong)), "{mail}");
        let early = identity.sign_in(mail, PASSPHRASE.into(), None, &Origin::default()).await;
        assert!(matches!(early, Err(SignInError::Wait(wait)) if wait.as_secs() == 1), "{mail}");
    }
    bench.advance(Timestamp::SECOND);
    identity.sign_in(MAIL, PASSPHRASE.into(), None, &Origin::default()).await?;
    let refused: Vec<(String, String)> = crate::store::audit::list(&bench.db, &Default::default(), 20)
        .await?
        .into_iter()
        .filter(|row| row.outcome == "refused")
        .map(|row| (row.object_id, row.detail))
        .collect();
    assert_eq!(refused.len(), 2, "a try that had to wait is not a try");
    assert!(refused.iter().all(|(_, detail)| detail == r#"{"code":"SIGNIN_WRONG"}"#));
    Ok(())
}
