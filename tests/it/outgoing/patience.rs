//! Receivers that refuse, are slow, or are gone: nothing is lost, and nobody else waits.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use musubi::model::Timestamp;
use serde_json::json;

use super::{DEAD, OPEN, Scene};
use crate::{
    ear::{Ear, Say},
    real::TestDatabase as Database,
    sender::{customer, order},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_event_goes_down_the_ladder_and_then_waits_for_a_person() {
    for database in Database::both().await {
        let s = Scene::with(&database, |c| {
            c.webhooks.ladder = [5, 300, 1_800].map(|s| musubi::config::Period(Duration::from_secs(s))).into();
            c.webhooks.circuit_after = 100;
        })
        .await;
        let ear = Ear::that(|_| Say::Status(500)).await;
        s.listens("倉庫", &ear, &["--events", "customer.*"]);
        s.happens(customer("c", 1)).await;
        for (tries, wait) in [(1, 5), (2, 300), (3, 1_800), (4, 0)] {
            s.t.until("SELECT COUNT(*) FROM event_attempt", |n| n == tries).await;
            // Nothing comes early: the clock stands one second before the step.
            let due = s.t.count("SELECT not_before FROM event_delivery").await - s.clock.load(Ordering::SeqCst);
            if wait > 0 {
                let step = wait * Timestamp::SECOND;
                assert!((step..=step + step / 10).contains(&due), "{} try {tries}: {due}", database.name);
            }
            s.later(wait + wait / 10 + 1);
        }
        assert_eq!(s.t.until(DEAD, |n| n == 1).await, 1);
        let [first, .., last] = &ear.heard()[..] else { panic!("four attempts") };
        assert_eq!((&first.id, &first.raw), (&last.id, &last.raw));
        assert_ne!(first.headers["webhook-timestamp"], last.headers["webhook-timestamp"]);
        ear.now_says(|_| Say::Status(200));
        s.shell().json(&["receiver", "replay", "倉庫", "--dead"]);
        s.told().await;
        assert_eq!((s.t.count(DEAD).await, ear.heard().len(), &ear.heard()[4].id), (0, 5, &first.id));
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_asks_for_time_gets_it() {
    let database = Database::sqlite().await;
    let s = Scene::new(&database).await;
    let ear = Ear::that(|_| Say::With(429, &[("retry-after", "900")])).await;
    s.listens("倉庫", &ear, &["--events", "customer.*"]);
    s.happens(customer("c", 1)).await;
    s.t.until("SELECT COUNT(*) FROM event_attempt", |n| n == 1).await;
    s.happens(customer("d", 1)).await;
    let resting = s.t.count("SELECT retry_at FROM receiver").await - s.clock.load(Ordering::SeqCst);
    assert_eq!(resting, 900 * Timestamp::SECOND);
    ear.now_says(|_| Say::Status(200));
    s.later(901);
    s.told().await;
    assert_eq!(ear.heard().len(), 3);
    s.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_down_is_only_probed_and_gets_everything_when_it_is_back() {
    for database in Database::both().await {
        let s = Scene::with(&database, |c| c.webhooks.parallel = 1).await;
        let ear = Ear::that(|_| Say::Status(503)).await;
        s.listens("倉庫", &ear, &["--events", "customer.*"]);
        for n in 0..30 {
            s.source.accepted(&format!("c{n}"), &customer(&format!("c{n}"), 1)).await;
        }
        s.t.inbox_empty().await;
        s.t.until("SELECT failures FROM receiver", |n| n == 5).await;
        for probe in 6..9 {
            s.later(901);
            s.t.until("SELECT failures FROM receiver", |n| n == probe).await;
            assert_eq!(ear.heard().len() as i64, probe, "{}", database.name);
        }
        ear.now_says(|_| Say::Status(200));
        s.later(901);
        s.t.until("SELECT COUNT(*) FROM event_delivery WHERE state = 'delivered'", |n| n >= 22).await;
        // What was refused before has steps of its own to wait for.
        s.later(2_000);
        s.told().await;
        let taken: HashSet<String> = ear.ids().into_iter().collect();
        assert_eq!(taken.len(), 30);
        assert_eq!(s.t.text("SELECT state || failures FROM receiver").await, "on0");
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_nothing_any_more_is_told_nothing_until_a_person_says_so() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        let ear = Ear::that(|_| Say::Status(410)).await;
        s.listens("倉庫", &ear, &["--events", "customer.*"]);
        s.happens(customer("a", 1)).await;
        s.t.until("SELECT COUNT(*) FROM receiver WHERE state = 'gone'", |n| n == 1).await;
        s.later(10);
        s.happens(customer("b", 1)).await;
        assert_eq!((s.t.count("SELECT COUNT(*) FROM event").await, s.t.count(OPEN).await), (2, 1));
        s.later(40_000);
        ear.now_says(|_| Say::Status(204));
        s.shell().json(&["receiver", "resume", "倉庫"]);
        s.told().await;
        let names: Vec<String> = ear.heard().iter().map(|h| h.record("name").to_owned()).collect();
        assert_eq!(names.len(), 3, "{} {names:?}", database.name);
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), 2);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_refuses_for_days_is_given_up() {
    let database = Database::postgres().await;
    let s = Scene::new(&database).await;
    let ear = Ear::that(|_| Say::Status(404)).await;
    s.listens("倉庫", &ear, &["--events", "customer.*"]);
    s.happens(customer("a", 1)).await;
    s.t.until("SELECT failures FROM receiver", |n| n == 1).await;
    s.later(5 * 86_400 + 1);
    s.t.until("SELECT COUNT(*) FROM receiver WHERE state = 'given_up'", |n| n == 1).await;
    let listed = s.shell().json(&["receiver", "list"]);
    assert_eq!((&listed[0]["state"], &listed[0]["waiting"]), (&json!("given_up"), &json!(1)));
    s.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_one_customer_keep_their_order() {
    for database in Database::both().await {
        let s = Scene::with(&database, |c| c.webhooks.circuit_after = 100).await;
        let refusals = AtomicI64::new(2);
        let ear = Ear::that(move |h| {
            let first_of_a = h.record("number") == "N-a0" && refusals.fetch_sub(1, Ordering::SeqCst) > 0;
            Say::Status(if first_of_a { 500 } else { 204 })
        })
        .await;
        s.happens(customer("a", 1)).await;
        s.happens(customer("b", 1)).await;
        s.listens("倉庫", &ear, &["--events", "order.*", "--in-order"]);
        for n in 0..6 {
            for c in ["a", "b"] {
                s.happens(order(&format!("{c}{n}"), c, 1, 100)).await;
            }
        }
        // B is not held up by A, whose first event was refused.
        s.t.until("SELECT COUNT(*) FROM event_delivery WHERE state = 'delivered'", |n| n == 6).await;
        s.later(6);
        s.t.until("SELECT COUNT(*) FROM event_attempt", |n| n == 8).await;
        s.later(400);
        s.told().await;
        let of = |c: &str| {
            let heard = ear.heard();
            heard.iter().map(|h| h.record("number").to_owned()).filter(|n| n.starts_with(c)).collect::<Vec<_>>()
        };
        assert_eq!(of("N-b"), ["N-b0", "N-b1", "N-b2", "N-b3", "N-b4", "N-b5"], "{}", database.name);
        assert_eq!(of("N-a"), ["N-a0", "N-a0", "N-a0", "N-a1", "N-a2", "N-a3", "N-a4", "N-a5"]);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_never_answers_slows_no_other() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        let silent = Ear::that(|_| Say::Silence).await;
        let trickling = Ear::that(|_| Say::Trickle).await;
        let good = [Ear::new().await, Ear::new().await];
        s.listens("無言", &silent, &[]);
        s.listens("点滴", &trickling, &[]);
        for (n, ear) in good.iter().enumerate() {
            s.listens(&format!("良い{n}"), ear, &[]);
        }
        for n in 0..40 {
            s.source.accepted(&format!("c{n}"), &customer(&format!("c{n}"), 1)).await;
        }
        s.t.until("SELECT COUNT(*) FROM event_delivery WHERE state = 'delivered'", |n| n == 80).await;
        // By now nothing was let go of: the good ones did not wait for the others.
        assert_eq!(good.each_ref().map(|ear| ear.heard().len()), [40, 40], "{}", database.name);
        assert!((1..=8).contains(&silent.heard().len()));
        silent.release();
        s.t.stop().await;
    }
}
