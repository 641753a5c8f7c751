//! What was sent is sent again, by a person or after the process ended, and goes in the end.

use std::{collections::HashSet, os::unix::process::ExitStatusExt, time::Duration};

use musubi::{
    model::Timestamp,
    store::{read_event, sql},
    sync::{failpoint, retention},
};

use super::{OPEN, Scene};
use crate::{
    ear::{Ear, Say},
    process::{self, Process},
    real::{TestDatabase as Database, free_port},
    sender::{customer, order},
};

const PATIENCE: (&str, &str) = ("MUSUBI_WEBHOOKS__TIMEOUT", "2s");

#[tokio::test(flavor = "multi_thread")]
async fn events_are_sent_again_one_by_one_by_time_and_by_customer() {
    for database in Database::both().await {
        let s = Scene::live(&database).await;
        let ear = Ear::new().await;
        s.listens("倉庫", &ear, &["--events", "customer.*,order.*"]);
        s.happens(customer("a", 1)).await;
        s.happens(order("a1", "a", 1, 100)).await;
        s.told().await;
        s.happens(customer("b", 1)).await;
        s.happens(order("b1", "b", 1, 100)).await;
        s.told().await;
        let heard = ear.heard();
        let again = |arguments: &[&str]| s.shell().json(&[&["receiver", "replay", "倉庫"], arguments].concat());
        assert_eq!(again(&["--events", &heard[1].id])["sent_again"], 1);
        s.told().await;
        assert_eq!(ear.ids()[4..], [heard[1].id.clone()], "{}", database.name);
        let of_a = heard[0].body["data"]["customer_id"].as_str().unwrap();
        assert_eq!(again(&["--customer", of_a])["sent_again"], 2);
        s.told().await;
        assert_eq!(ear.ids()[5..].iter().collect::<HashSet<_>>(), [&heard[0].id, &heard[1].id].into());
        let since = heard[2].body["timestamp"].as_str().unwrap().to_owned();
        assert_eq!(again(&["--since", &since])["sent_again"], 2);
        s.told().await;
        assert_eq!(ear.ids()[7..].iter().collect::<HashSet<_>>(), [&heard[2].id, &heard[3].id].into());
        let nothing =
            ["receiver", "replay", "倉庫", "--since", "2020-01-01T00:00:00Z", "--until", "2021-01-01T00:00:00Z"];
        s.shell().run(&nothing, 3);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_events_go_but_never_what_waits() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        let (good, bad) = (Ear::new().await, Ear::that(|_| Say::Status(500)).await);
        s.listens("良い", &good, &[]);
        s.happens(customer("a", 1)).await;
        s.told().await;
        s.listens("悪い", &bad, &[]);
        s.happens(customer("b", 1)).await;
        s.t.until("SELECT COUNT(*) FROM event_attempt", |n| n == 3).await;
        let h = s.t.hub();
        retention::sweep(&h.engine, &h.config.retention).await.unwrap();
        assert_eq!(s.t.count("SELECT COUNT(*) FROM event").await, 2, "{}", database.name);
        s.later(31 * 86_400);
        s.t.until("SELECT COUNT(*) FROM event_attempt", |n| n > 3).await;
        retention::sweep(&h.engine, &h.config.retention).await.unwrap();
        assert_eq!(s.t.count("SELECT COUNT(*) FROM event").await, 1);
        assert_eq!((s.t.count("SELECT COUNT(*) FROM event_delivery").await, s.t.count(OPEN).await), (1, 1));
        let figures = read_event::figures(&h.db, Timestamp(0)).await.unwrap();
        assert_eq!(figures.iter().map(|f| f.waiting).sum::<i64>(), 1);
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_at_any_point_every_event_arrives() {
    for database in Database::both().await {
        let s = Scene::new(&database).await;
        let ear = Ear::new().await;
        s.listens("倉庫", &ear, &["--events", "customer.*"]);
        let mut source = s.source.clone();
        let folder = tempfile::tempdir().unwrap();
        s.t.stop().await;
        let port = free_port();
        let id = source.url.rsplit('/').next().unwrap().to_owned();
        source.url = format!("http://127.0.0.1:{port}/hooks/{id}");
        let start = |variables: &[(&str, &str)]| {
            Process::start(&process::Plan {
                database: &database.url,
                port,
                connectors: folder.path(),
                folder: folder.path(),
                variables,
                wrap: &[],
            })
        };
        for (n, point) in failpoint::EVENT_POINTS.into_iter().enumerate() {
            let mut armed = start(&[("MUSUBI_FAILPOINT", point), PATIENCE]);
            armed.ready().await;
            source.accepted(point, &customer(&format!("{point}-{n}"), 1)).await;
            let status = armed.gone().await;
            assert_eq!(status.signal(), Some(6), "{} {point}: {status}", database.name);
            let mut process = start(&[PATIENCE]);
            process.ready().await;
            let all = "SELECT COUNT(*) FROM event_delivery WHERE state = 'delivered'";
            let begun = std::time::Instant::now();
            while sql(all).one::<(i64,)>(&database.db).await.unwrap().0 < n as i64 + 1 {
                assert!(begun.elapsed() < Duration::from_secs(60), "{} {point}", database.name);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            process.kill().await;
        }
        let heard = ear.heard();
        let names: HashSet<&str> = heard.iter().map(|h| h.record("name")).collect();
        let ids: HashSet<&str> = heard.iter().map(|h| h.id.as_str()).collect();
        assert_eq!((names.len(), ids.len()), (3, 3), "{}: once more is known by its id", database.name);
    }
}
