//! Sessions as two nodes on one database see them.

use std::time::{Duration, Instant};

use musubi::identity::{Found, Origin, SignedIn};
use reqwest::header;
use secrecy::ExposeSecret;

use crate::{
    hub::{OWNER, PASSPHRASE, TestHub},
    real::TestDatabase,
};

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

fn cookie(session: &SignedIn) -> String {
    format!("__Host-musubi={}", session.token.expose_secret())
}

async fn csrf(t: &TestHub, session: &SignedIn) -> String {
    match t.hub().identity.session(session.token.expose_secret()).await.unwrap() {
        Found::Active(active) => active.principal.csrf.clone(),
        other => panic!("{other:?}"),
    }
}

async fn is_in(client: &reqwest::Client, t: &TestHub, session: &SignedIn) -> bool {
    let answer = client.get(format!("{}/me", t.url)).header(header::COOKIE, cookie(session)).send().await.unwrap();
    answer.status() == 200
}

/// Asks until the session is refused: no request that began later than a second after `since` is let in.
async fn out_within_a_second(client: &reqwest::Client, t: &TestHub, session: &SignedIn, since: Instant) {
    loop {
        let begun = since.elapsed();
        if !is_in(client, t, session).await {
            return;
        }
        assert!(begun < Duration::from_secs(1), "let in {begun:?} after it was revoked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_on_one_node_is_refused_on_the_other_within_a_second() {
    let database = TestDatabase::postgres().await;
    let (here, there) = (TestHub::start(&database).await, TestHub::start(&database).await);
    let client = client();
    let first = here.owner(OWNER).await;
    let sign_in = async || {
        let identity = &there.hub().identity;
        identity.sign_in(OWNER, PASSPHRASE.to_owned().into(), None, &Origin::default()).await.unwrap()
    };
    let post = async |path: String| {
        let token = csrf(&here, &first).await;
        let url = format!("{}{path}", here.url);
        let request = client.post(url).header(header::COOKIE, cookie(&first)).form(&[("csrf", token)]);
        assert_eq!(request.send().await.unwrap().status(), 303, "{path}");
        Instant::now()
    };

    let revoked = sign_in().await;
    assert!(is_in(&client, &there, &revoked).await && is_in(&client, &here, &revoked).await);
    let since = post(format!("/me/sessions/{}/end", revoked.session_id)).await;
    assert!(!is_in(&client, &here, &revoked).await, "at once where it was ended");
    out_within_a_second(&client, &there, &revoked, since).await;

    let others = [sign_in().await, sign_in().await];
    for other in &others {
        assert!(is_in(&client, &there, other).await);
    }
    let since = post("/me/sessions/end-others".into()).await;
    for other in &others {
        out_within_a_second(&client, &there, other, since).await;
    }
    assert!(is_in(&client, &here, &first).await && is_in(&client, &there, &first).await);
    assert!(here.count("SELECT COUNT(*) FROM session").await == 1);
    here.stop().await;
    there.stop().await;
}
