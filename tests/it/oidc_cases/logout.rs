//! Signing out by the provider's word (OpenID Connect Back-Channel Logout 1.0): a forged word ends nothing.

use serde_json::{Value, json};

use super::{
    case::Way,
    scene::{NEXT, Scene},
};
use crate::{
    issuer::{Draft, Page, Sign, Visitor, keys},
    real::TestDatabase as Database,
    sender,
};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What is posted, whether it is heeded, and whether the session ends by it.
struct Word {
    name: &'static str,
    change: fn(&mut Draft),
    status: u16,
    ends: bool,
}

const fn heeded(name: &'static str, ends: bool, change: fn(&mut Draft)) -> Word {
    Word { name, change, status: 200, ends }
}

const fn ignored(name: &'static str, change: fn(&mut Draft)) -> Word {
    Word { name, change, status: 400, ends: false }
}

const WORDS: &[Word] = &[
    heeded("by subject", true, |_| {}),
    heeded("by session", true, |t| {
        t.without(&["sub"]);
        t.claim("sid", "at-the-provider");
    }),
    heeded("by both", true, |t| t.claim("sid", "at-the-provider")),
    heeded("another session of the person", false, |t| t.claim("sid", "on-the-telephone")),
    heeded("somebody else", false, |t| t.claim("sub", "sub-somebody-else")),
    heeded("a list of audiences", true, |t| t.claim("aud", json!([t.site.client, "another-app"]))),
    heeded("type JWT", true, |t| t.head("typ", "JWT")),
    ignored("alg none", |t| t.signed("none", "main", Sign::Bytes(vec![]))),
    ignored("alg none, signed", |t| t.head("alg", "none")),
    ignored("HS256 under the client secret", |t| t.hs256(t.site.secret)),
    ignored("HS256 under the public key", |t| t.hs256(keys().main.pem())),
    ignored("an algorithm that was not agreed", |t| t.signed("RS512", "main", Sign::Rs512(&keys().main))),
    ignored("signed by another key", |t| t.sign = Sign::Rs256(&keys().forger)),
    ignored("no event", |t| t.without(&["events"])),
    ignored("another event", |t| t.claim("events", json!({"http://schemas.openid.net/event/other": {}}))),
    ignored("the event is a text", |t| t.claim("events", json!({EVENT: "now"}))),
    ignored("a nonce", |t| t.claim("nonce", "0123456789abcdef")),
    ignored("another audience", |t| t.claim("aud", "another-app")),
    ignored("another issuer", |t| t.claim("iss", "https://login.another.example")),
    ignored("no issue time", |t| t.without(&["iat"])),
    ignored("an hour old", |t| t.claim("iat", t.now - 3_600)),
    ignored("an hour ahead", |t| t.claim("iat", t.now + 3_600)),
    ignored("run out", |t| t.claim("exp", t.now - 3_600)),
    ignored("no id", |t| t.without(&["jti"])),
    ignored("nobody", |t| t.without(&["sub"])),
    ignored("a session with a NUL", |t| {
        t.without(&["sub"]);
        t.claim("sid", "a\u{0}b");
    }),
    ignored("a subject with a NUL", |t| t.claim("sub", "a\u{0}b")),
    ignored("two parts", |t| t.finish = |token| token.rsplit_once('.').unwrap().0.to_owned()),
    ignored("an ID token", |t| {
        t.header = json!({"typ": "JWT", "alg": "RS256", "kid": keys().main.kid});
        t.without(&["events", "jti"]);
        t.claim("nonce", "0123456789abcdef");
    }),
];

fn token(scene: &Scene, case: &str, change: fn(&mut Draft)) -> String {
    let now = sender::now() / musubi::model::Timestamp::SECOND;
    let mut draft = Draft::honest(scene.issuers.site(case), now, "", String::new(), String::new());
    draft.header = json!({"typ": "logout+jwt", "alg": "RS256", "kid": keys().main.kid});
    draft.claims = json!({
        "iss": draft.site.issuer, "aud": draft.site.client, "iat": now, "exp": now + 120,
        "jti": rand::random::<u64>().to_string(), "sub": draft.site.subject(), "events": {EVENT: {}},
    });
    change(&mut draft);
    draft.compact()
}

async fn post(scene: &Scene, idp: &str, token: &str) -> Page {
    let url = format!("{}/auth/oidc/{idp}/backchannel-logout", scene.t.address());
    Visitor::new().post(&url, &[("logout_token".to_owned(), token.to_owned())]).await
}

async fn is_in(scene: &Scene, visitor: &Visitor) -> bool {
    visitor.get(&format!("{}{NEXT}", scene.t.address())).await.status == 200
}

/// Somebody who is signed in, with a session at the provider.
async fn somebody(scene: &Scene, case: &str, idp: &str) -> Visitor {
    scene.issuers.plays(case, |p| p.token = |t| t.claim("sid", "at-the-provider"));
    let visitor = Visitor::new();
    let trip = scene.sign_in(&visitor, idp, Way::Straight).await;
    assert_eq!(trip.end.status, 303, "{}", trip.end.body);
    visitor
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_providers_own_word_signs_out() {
    let mut wrong = Vec::new();
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        let idp = scene.added("logout").await;
        for word in WORDS {
            let visitor = somebody(&scene, "logout", &idp).await;
            let answer = post(&scene, &idp, &token(&scene, "logout", word.change)).await;
            let stays = is_in(&scene, &visitor).await;
            if (answer.status, !stays) != (word.status, word.ends) {
                let ended = if stays { "stays" } else { "ends" };
                wrong.push(format!("{}, {}: answers {}, the session {ended}", database.name, word.name, answer.status));
            }
            if !answer.header("cache-control").contains("no-store") {
                wrong.push(format!("{}, {}: may be cached", database.name, word.name));
            }
        }
        scene.t.stop().await;
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_counts_once_and_at_its_own_provider_only() {
    let database = Database::sqlite().await;
    let scene = Scene::new(&database).await;
    let (ours, other) = (scene.added("ours").await, scene.added("other").await);
    let (here, there) = (somebody(&scene, "ours", &ours).await, somebody(&scene, "other", &other).await);
    let word = token(&scene, "ours", |_| {});
    assert_eq!(post(&scene, &other, &word).await.status, 400, "a word of another provider");
    assert_eq!(post(&scene, &ours, &word).await.status, 200);
    assert!(!is_in(&scene, &here).await && is_in(&scene, &there).await);
    let again = somebody(&scene, "ours", &ours).await;
    assert_eq!(post(&scene, &ours, &word).await.status, 400, "the same word again");
    assert!(is_in(&scene, &again).await);

    for body in ["", "x", "a.b.c"] {
        assert_eq!(post(&scene, &ours, body).await.status, 400, "{body:?}");
    }
    let url = format!("{}/auth/oidc/{ours}/backchannel-logout", scene.t.address());
    assert_eq!(Visitor::new().get(&url).await.status, 405);
    assert_eq!(post(&scene, "idp_nobody", &word).await.status, 404);
    let ended: Value = scene.t.count("SELECT COUNT(*) FROM audit WHERE action = 'session.end'").await.into();
    assert_eq!(ended, json!(1), "one session ended, and that is on record");
}
