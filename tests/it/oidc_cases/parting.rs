//! Signing out at the provider, after signing out here (OpenID Connect RP-Initiated Logout 1.0).

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicI64, atomic::Ordering},
};

use musubi::{clock::Clock, model::Timestamp, store::sql};
use serde_json::{Value, json};

use super::{
    case::Way,
    people::owner,
    scene::{GUARDED, Scene},
};
use crate::{
    issuer::{Page, Play, Visitor, parts, unb64},
    real::TestDatabase as Database,
    sender,
};

const PARTING: &str = "__Host-musubi-parting";
const LETS_PEOPLE_OUT: fn(&mut Play) =
    |p| p.discovery = |d, site| d["end_session_endpoint"] = json!(format!("{}/logout?tenant=1", site.issuer));

async fn somebody(scene: &Scene, idp: &str) -> Visitor {
    let visitor = Visitor::new();
    assert_eq!(scene.sign_in(&visitor, idp, Way::Straight).await.end.status, 303);
    visitor
}

/// Presses the button; the page that comes then.
async fn sign_out(scene: &Scene, visitor: &Visitor) -> (Page, Page) {
    let csrf =
        sql("SELECT csrf FROM session WHERE idp_id IS NOT NULL").one::<(String,)>(&scene.t.hub().db).await.unwrap().0;
    let hub = scene.t.address();
    let done = visitor.press(&format!("{hub}/signout"), &[("csrf".to_owned(), csrf)]).await;
    assert_eq!((done.status, done.location()), (303, "/signin?why=signed_out"));
    assert_eq!(
        scene.t.count("SELECT COUNT(*) FROM session WHERE idp_id IS NOT NULL").await,
        0,
        "signed out here in any case"
    );
    let page = visitor.click(&format!("{hub}/signin?why=signed_out")).await;
    assert_eq!(page.status, 200);
    (done, page)
}

fn offers(page: &Page) -> bool {
    page.body.contains("/auth/oidc/leave")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_out_here_may_sign_out_at_the_provider_once() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        let leave = format!("{}/auth/oidc/leave", scene.t.address());
        owner(&scene, "takanashi@hinoki-seiki.example").await;
        scene.issuers.plays("leaves", LETS_PEOPLE_OUT);
        let idp = scene.added("leaves").await;
        let visitor = somebody(&scene, &idp).await;
        let kept = sql("SELECT hint FROM session WHERE idp_id IS NOT NULL")
            .one::<(Option<Vec<u8>>,)>(&scene.t.hub().db)
            .await
            .unwrap()
            .0
            .unwrap();
        assert!(!String::from_utf8_lossy(&kept).contains("eyJ"), "{}: the ID token is readable", database.name);

        let (done, page) = sign_out(&scene, &visitor).await;
        assert!(done.sets(PARTING).is_some_and(|line| line.ends_with(GUARDED)), "{}", database.name);
        assert!(offers(&page) && page.body.contains("leaves"), "{}: {}", database.name, page.body);

        assert_eq!(visitor.get(&leave).await.location(), "/signin", "another site has no say");
        assert_eq!(Visitor::new().click(&leave).await.location(), "/signin", "nor has another browser");
        let there = visitor.click(&leave).await;
        let url = url::Url::parse(there.location()).unwrap();
        let said: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        assert!(
            there.status == 303
                && url.as_str().starts_with(&format!("{}/logout?", scene.issuers.site("leaves").issuer))
        );
        let names: Vec<&str> = said.keys().map(String::as_str).collect();
        assert_eq!(names, ["client_id", "id_token_hint", "post_logout_redirect_uri", "state", "tenant"]);
        assert_eq!(said["client_id"], "musubi-hub");
        assert_eq!(said["post_logout_redirect_uri"], format!("{}/signin", scene.t.address()));
        // As the provider sends the browser back (section 3): it says so here, as after SAML.
        let back = format!("{}?state={}", said["post_logout_redirect_uri"], said["state"]);
        let page = visitor.get(&back).await.body;
        assert!(page.contains("You are signed out of the provider as well"), "{}: {page}", database.name);
        let hint: Value = serde_json::from_slice(&unb64(&parts(&said["id_token_hint"])[1])).unwrap();
        assert_eq!(hint["sub"], scene.issuers.site("leaves").subject());

        assert!(visitor.cookie(&leave, PARTING).is_none(), "{}", database.name);
        visitor.put(&leave, PARTING, done.sets(PARTING).unwrap().split(['=', ';']).nth(1).unwrap());
        assert_eq!(visitor.click(&leave).await.location(), "/signin", "once");
        scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_offered_that_cannot_be_done() {
    let database = Database::sqlite().await;
    let clock = Arc::new(AtomicI64::new(sender::now()));
    let scene = Scene::at(&database, Clock::Manual(clock.clone())).await;
    let leave = format!("{}/auth/oidc/leave", scene.t.address());

    owner(&scene, "takanashi@hinoki-seiki.example").await;

    // A provider that lets nobody out: nothing is kept of its token.
    let silent = scene.added("silent").await;
    let visitor = somebody(&scene, &silent).await;
    assert_eq!(scene.t.count("SELECT COUNT(*) FROM session WHERE hint IS NOT NULL").await, 0);
    let (done, page) = sign_out(&scene, &visitor).await;
    assert!(done.sets(PARTING).is_none() && !offers(&page));

    scene.issuers.plays("speaks", LETS_PEOPLE_OUT);
    let speaks = scene.added("speaks").await;
    let visitor = somebody(&scene, &speaks).await;
    assert!(offers(&sign_out(&scene, &visitor).await.1));
    let elsewhere = visitor.click(&format!("{}/signin", scene.t.address())).await;
    assert!(!offers(&elsewhere), "only right after signing out");
    clock.fetch_add(601 * Timestamp::SECOND, Ordering::SeqCst);
    let later = visitor.click(&format!("{}/signin?why=signed_out", scene.t.address())).await;
    assert!(!offers(&later), "somebody else may sit there by now");
    assert_eq!(visitor.click(&leave).await.location(), "/signin");

    let visitor = somebody(&scene, &speaks).await;
    assert!(offers(&sign_out(&scene, &visitor).await.1));
    assert_eq!(scene.shell(&["idp", "disable", "speaks"], "").await.code, 0);
    assert_eq!(visitor.click(&leave).await.location(), "/signin", "a provider that is switched off");
    assert_eq!(scene.issuers.all_strays(), Vec::<String>::new());
}
