//! A provider that is switched off or removed: whoever came by it is out, on every node, and nobody slips in.

use std::{
    sync::{Arc, atomic::AtomicI64, atomic::Ordering},
    time::{Duration, Instant},
};

use musubi::{
    clock::Clock,
    model::Timestamp,
    store::{idp, session, sql},
};

use super::{
    case::Way,
    scene::{NEXT, Scene},
};
use crate::{hub::TestHub, issuer::Visitor, real::TestDatabase as Database, sender};

async fn is_in(node: &str, visitor: &Visitor) -> bool {
    match visitor.get(&format!("{node}{NEXT}")).await {
        page if page.status == 200 => true,
        page => {
            assert_eq!(page.status, 303, "{}", page.body);
            false
        }
    }
}

async fn somebody(scene: &Scene, idp: &str) -> Visitor {
    let visitor = Visitor::new();
    let trip = scene.sign_in(&visitor, idp, Way::Straight).await;
    assert_eq!(trip.end.status, 303, "{}", trip.end.body);
    visitor
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_came_by_a_provider_is_out_when_it_is_switched_off_or_removed() {
    for database in Database::both().await {
        let clock = Arc::new(AtomicI64::new(sender::now()));
        let scene = Scene::at(&database, Clock::Manual(clock.clone())).await;
        let second = TestHub::start_at(&database, Clock::Manual(clock.clone()), |_| {}).await;
        let nodes = [scene.t.address(), second.address()];
        let other = somebody(&scene, &scene.added("stays").await).await;
        let idp = scene.added("ends").await;
        for word in ["disable", "remove"] {
            let said = format!("{}, {word}", database.name);
            let people = [somebody(&scene, &idp).await, somebody(&scene, &idp).await];
            for node in &nodes {
                // Each node now remembers them.
                let both = (is_in(node, &people[0]).await, is_in(node, &people[1]).await);
                assert_eq!(both, (true, true), "{said}: {node} of {nodes:?}");
            }
            let ran = scene.shell(&["idp", word, "ends", "--json"], "").await;
            assert_eq!((ran.code, ran.json()["sessions_ended"].as_i64()), (0, Some(2)), "{said}: {}", ran.err);
            assert_eq!(scene.count_of("SELECT COUNT(*) FROM session WHERE idp_id = $1", &idp).await, 0, "{said}");
            // What a node remembers is a second old at most.
            clock.fetch_add(Timestamp::SECOND, Ordering::SeqCst);
            for node in &nodes {
                assert!(!is_in(node, &people[0]).await && !is_in(node, &people[1]).await, "{said}");
                assert!(is_in(node, &other).await, "{said}: another provider's person is out");
            }
            let enabled = scene.shell(&["idp", "enable", "ends"], "").await.code;
            assert_eq!(enabled == 0, word == "disable", "{said}: enabling it ends with {enabled}");
            assert!(!is_in(&nodes[0], &people[0]).await, "{said}: what ended does not come back");
        }
        let ended = "SELECT COUNT(*) FROM audit WHERE action = 'session.end' AND actor = 'cli' AND detail LIKE $1";
        assert_eq!(scene.count_of(ended, &format!("%{idp}%")).await, 4, "{}", database.name);
        second.stop().await;
        scene.t.stop().await;
    }
}

/// The provider said yes while an administrator switched it off: either the session ends, or it never begins.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_on_the_way_back_meanwhile_does_not_slip_in() {
    let database = Database::postgres().await;
    let scene = Scene::new(&database).await;
    let idp = scene.added("meanwhile").await;
    let visitor = Visitor::new();
    let (_, callback) = scene.begin(&visitor, &idp).await;
    let mut tx = scene.t.hub().db.begin().await.unwrap();
    idp::set_enabled(&mut tx, &idp, false, Timestamp(sender::now())).await.unwrap();
    assert_eq!(session::end_of_provider(&mut tx, &idp).await.unwrap(), []);
    let coming = tokio::spawn(async move { visitor.get(&callback).await.status });
    // Here the sign-in believes that the provider is on.
    let start = Instant::now();
    while scene.issuers.times("meanwhile", "userinfo") == 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "the sign-in does not come this far");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tx.commit().await.unwrap();
    assert_eq!(coming.await.unwrap(), 403);
    let codes = scene.standing("meanwhile", &idp).await.refusals;
    assert_eq!(codes[0].0["code"], "IDP_OFF");
    let people = sql("SELECT COUNT(*) FROM session").one::<(i64,)>(&scene.t.hub().db).await.unwrap();
    assert_eq!(people, (0,));
    scene.t.stop().await;
}
