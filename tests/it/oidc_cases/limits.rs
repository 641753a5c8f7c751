//! What one answer cannot show: many at once, time that passes, two providers, two browsers, addresses.

use std::{
    sync::{Arc, atomic::AtomicI64, atomic::Ordering},
    time::Duration,
};

use futures::future::join_all;
use musubi::{clock::Clock, model::Timestamp, store};
use serde_json::json;

use super::{
    case::Way,
    scene::{NEXT, SESSION, Scene},
};
use crate::{
    issuer::{Play, Sign, Visitor, keys},
    real::TestDatabase as Database,
    sender,
};

const ROTATED: fn(&mut Play) = |p| {
    p.jwks = |set| *set = vec![keys().next.jwk()];
    p.token = |t| t.signed("RS256", keys().next.kid, Sign::Rs256(&keys().next));
};

/// A scene whose time only the test moves.
async fn in_time(database: &Database) -> (Scene, Arc<AtomicI64>) {
    let clock = Arc::new(AtomicI64::new(sender::now()));
    (Scene::at(database, Clock::Manual(clock.clone())).await, clock)
}

fn pass(clock: &AtomicI64, seconds: i64) {
    clock.fetch_add(seconds * Timestamp::SECOND, Ordering::SeqCst);
}

async fn codes(scene: &Scene, case: &str, idp: &str) -> Vec<String> {
    let refusals = scene.standing(case, idp).await.refusals;
    refusals.iter().map(|(detail, _)| detail["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_nobody_knows_do_not_make_the_hub_ask_and_ask() {
    let database = Database::sqlite().await;
    let (scene, clock) = in_time(&database).await;
    let idp = scene.added("flood").await;
    let come = || async { scene.sign_in(&Visitor::new(), &idp, Way::Straight).await.end.status };
    assert_eq!(come().await, 303);
    scene.issuers.plays("flood", |p| p.token = |t| t.head("kid", rand::random::<u64>().to_string()));
    let ends = join_all((0..12).map(|_| come())).await;
    assert!(ends.iter().all(|status| (400..500).contains(status)), "{ends:?}");
    let asked = scene.issuers.times("flood", "jwks");
    assert!((2..=3).contains(&asked), "the first time, and at most two more within a minute: {asked}");

    // Who has a known key gets in meanwhile; a new key waits for the end of that minute.
    scene.issuers.plays("flood", |_| {});
    assert_eq!(come().await, 303);
    scene.issuers.plays("flood", ROTATED);
    assert!((400..500).contains(&come().await));
    assert_eq!(scene.issuers.times("flood", "jwks"), asked);
    pass(&clock, 61);
    assert_eq!(come().await, 303);
    assert_eq!(scene.issuers.times("flood", "jwks"), asked + 1);
    assert_eq!(scene.issuers.wrong("flood"), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_key_is_refused_when_the_copy_has_run_out() {
    let database = Database::sqlite().await;
    let (scene, clock) = in_time(&database).await;
    let idp = scene.added("withdrawn").await;
    assert_eq!(scene.sign_in(&Visitor::new(), &idp, Way::Straight).await.end.status, 303);
    scene.issuers.plays("withdrawn", |p| p.jwks = |set| *set = vec![keys().next.jwk()]);
    pass(&clock, 3_601);
    assert!((400..500).contains(&scene.sign_in(&Visitor::new(), &idp, Way::Straight).await.end.status));
    assert_eq!(codes(&scene, "withdrawn", &idp).await, ["TOKEN_KEY_UNKNOWN"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_of_one_provider_at_anothers_address_is_refused_and_sent_to_neither() {
    let database = Database::sqlite().await;
    let scene = Scene::new(&database).await;
    let (honest, hostile) = (scene.added("honest").await, scene.added("hostile").await);
    for (begun, other, case) in [(&honest, &hostile, "hostile"), (&hostile, &honest, "honest")] {
        let visitor = Visitor::new();
        let (_, callback) = scene.begin(&visitor, begun).await;
        let end = visitor.get(&callback.replace(begun.as_str(), other)).await;
        assert!((400..500).contains(&end.status), "{}", end.status);
        assert_eq!(codes(&scene, case, other).await, ["PROVIDER_OTHER"]);
    }
    for case in ["honest", "hostile"] {
        assert_eq!(scene.issuers.times(case, "token"), 0, "{case} got a code");
    }
    assert_eq!(scene.t.count("SELECT COUNT(*) FROM session").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_opened_many_times_at_once_opens_one_session() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        let idp = scene.added("race").await;
        let visitor = Visitor::new();
        let (_, callback) = scene.begin(&visitor, &idp).await;
        let ends = join_all((0..20).map(|_| visitor.get(&callback))).await;
        let opened = ends.iter().filter(|end| end.status == 303 && end.sets(SESSION).is_some()).count();
        let refused = ends.iter().filter(|end| (400..500).contains(&end.status)).count();
        assert_eq!((opened, refused), (1, 19), "{}", database.name);
        assert_eq!(scene.t.count("SELECT COUNT(*) FROM session").await, 1, "{}", database.name);
        assert_eq!(scene.issuers.times("race", "token"), 1, "{}", database.name);
        scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_of_one_browser_both_arrive() {
    let database = Database::sqlite().await;
    let scene = Scene::new(&database).await;
    let idp = scene.added("tabs").await;
    let visitor = Visitor::new();
    let (_, first) = scene.begin(&visitor, &idp).await;
    let (_, second) = scene.begin(&visitor, &idp).await;
    for callback in [first, second] {
        let end = visitor.get(&callback).await;
        assert_eq!(end.status, 303, "{}", end.body);
    }
    // The second sign-in of a browser ends its first session.
    assert_eq!(scene.t.count("SELECT COUNT(*) FROM session").await, 1);
    assert_eq!(visitor.get(&format!("{}{NEXT}", scene.t.address())).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_too_long_at_the_provider_starts_again() {
    let database = Database::sqlite().await;
    let (scene, clock) = in_time(&database).await;
    let idp = scene.added("slow").await;
    let visitor = Visitor::new();
    let (_, callback) = scene.begin(&visitor, &idp).await;
    pass(&clock, 601);
    assert!((400..500).contains(&visitor.get(&callback).await.status));
    assert_eq!(codes(&scene, "slow", &idp).await, ["STATE_EXPIRED"]);
    assert_eq!(scene.issuers.times("slow", "token"), 0);
    assert_eq!(scene.sign_in(&visitor, &idp, Way::Straight).await.end.status, 303, "again, and in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_paths_of_the_hub_are_led_to() {
    let database = Database::postgres().await;
    let scene = Scene::new(&database).await;
    let idp = scene.added("next").await;
    for next in [
        "https://collect.example/",
        "//collect.example/",
        "/\\collect.example/",
        "\\\\collect.example",
        "javascript:alert(1)",
        "/\r\nset-cookie: a=b",
        "customers",
        "/signin",
        "/customers\0",
        &format!("/{}", "n".repeat(20_000)),
    ] {
        let mut url = url::Url::parse(&scene.start_url(&idp)).unwrap();
        url.query_pairs_mut().clear().append_pair("next", next);
        let visitor = Visitor::new();
        let start = visitor.get(url.as_str()).await;
        let end = visitor.get(visitor.get(start.location()).await.location()).await;
        let there = end.location().strip_prefix(&scene.t.address()).unwrap_or(end.location());
        assert_eq!((end.status, there), (303, "/"), "{next:.60}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_inside_needs_a_word_and_a_cloud_metadata_address_is_never_one() {
    let database = Database::sqlite().await;
    let scene = Scene::new(&database).await;
    let inside = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = inside.local_addr().unwrap().port();
    let add = async |issuer: &str, more: &[&str]| {
        let words = ["idp", "add", "inside", "--issuer", issuer, "--client-id", "c", "--auth", "none"];
        let ran = scene.shell(&[&words[..], more].concat(), "").await;
        assert_eq!(ran.code, 2, "{issuer}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains("IDP_ADDRESS") || ran.err.contains("IDP_DISCOVERY"), "{issuer}: {}", ran.err);
    };
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1", "2130706433", "0x7f.1"] {
        add(&format!("https://{host}:{port}"), &[]).await;
        add(&format!("http://{host}:{port}"), &[]).await;
    }
    for host in ["10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "[fd00::1]", "[fe80::1]"] {
        add(&format!("https://{host}"), &[]).await;
    }
    for issuer in ["http://169.254.169.254", "http://[fd00:ec2::254]", "file:///etc", "http://user:word@127.0.0.1"] {
        add(issuer, &["--private"]).await;
    }
    let nobody = tokio::time::timeout(Duration::ZERO, inside.accept()).await;
    assert!(nobody.is_err(), "somebody was called");
    assert_eq!(scene.t.count("SELECT COUNT(*) FROM idp").await, 0);
}

/// Three sign-ins that end badly, and the fourth is not looked at; those that end well do not count.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_only_knocks_waits_and_an_office_does_not() {
    let database = Database::sqlite().await;
    let clock = Arc::new(AtomicI64::new(sender::now()));
    let scene = Scene::paced(&database, Clock::Manual(clock.clone()), 6).await;
    let idp = scene.added("knock").await;
    for _ in 0..8 {
        assert_eq!(scene.sign_in(&Visitor::new(), &idp, Way::Straight).await.end.status, 303);
    }
    let (audit, attempts) = ("SELECT COUNT(*) FROM audit", "SELECT COUNT(*) FROM login_attempt");
    let back = format!("{}/auth/oidc/{idp}/callback?code=a&state=b", scene.t.address());
    for _ in 0..3 {
        assert_eq!(Visitor::new().get(&scene.start_url(&idp)).await.status, 303);
        assert_eq!(Visitor::new().get(&back).await.status, 403);
    }
    let before = (scene.t.count(audit).await, scene.t.count(attempts).await, scene.issuers.heard("knock").len());
    for url in [&back, &scene.start_url(&idp)] {
        let page = Visitor::new().get(url).await;
        assert_eq!((page.status, page.header("retry-after")), (429, "10"), "{url}");
        assert!(page.body.contains("Please wait a moment") && !page.body.contains(&idp), "{}", page.body);
    }
    let after = (scene.t.count(audit).await, scene.t.count(attempts).await, scene.issuers.heard("knock").len());
    assert_eq!(after, before, "nothing was looked at, nothing kept");
    pass(&clock, 20);
    assert_eq!(scene.sign_in(&Visitor::new(), &idp, Way::Straight).await.end.status, 303, "whoever waits gets in");
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_on_their_way_are_bounded_and_the_latest_stay() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        let idp = scene.added("many").await;
        let most = store::idp::MOST_ATTEMPTS;
        let mut tx = scene.t.hub().db.begin().await.unwrap();
        for n in 0..most + 50 {
            // Still good for hours, each a microsecond longer than the one before.
            let expires_at = sender::now() + Timestamp::HOUR + n;
            let attempt = store::idp::Attempt {
                browser_hash: vec![],
                idp_id: idp.clone(),
                next: "/".into(),
                expires_at,
                trial: None,
            };
            store::idp::begin(&mut tx, &n.to_be_bytes(), &attempt).await.unwrap();
        }
        store::idp::purge_attempts(&mut tx, Timestamp(sender::now())).await.unwrap();
        assert_eq!(store::idp::take(&mut tx, &50_i64.to_be_bytes()).await.unwrap().map(|_| ()), None);
        assert!(store::idp::take(&mut tx, &51_i64.to_be_bytes()).await.unwrap().is_some(), "{}", database.name);
        tx.commit().await.unwrap();
        for _ in 0..3 {
            assert_eq!(Visitor::new().get(&scene.start_url(&idp)).await.status, 303);
        }
        let left = scene.t.count("SELECT COUNT(*) FROM login_attempt").await;
        assert!(left <= most, "{}: {left}", database.name);
        scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_providers_are_not_there() {
    let database = Database::sqlite().await;
    let scene = Scene::new(&database).await;
    for path in ["start", "start?next=/", "callback", "callback?code=a&state=b"] {
        let page = Visitor::new().get(&format!("{}/auth/oidc/idp_nobody/{path}", scene.t.address())).await;
        assert_eq!(page.status, 404, "{path}");
    }
    assert_eq!(json!(scene.issuers.all_strays()), json!([]));
}
