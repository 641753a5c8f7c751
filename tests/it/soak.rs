//! `./x soak`: the hub is killed at random, again and again, while events arrive and a source is
//! pulled; at the end what is there is counted. Then again while people edit here and in a real ERP
//! (`edits`); at the end both sides are compared. `MUSUBI_SOAK_KILLS` says how often (200).

mod edits;
mod ledger;
mod people;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{crash::World, real::TestDatabase as Database};

const SENDERS: usize = 32;

#[expect(clippy::disallowed_methods, reason = "a parameter of this test run, not of the hub")]
fn kills() -> u32 {
    std::env::var("MUSUBI_SOAK_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(200)
}

#[expect(clippy::print_stdout, reason = "the figures of a long run are its result")]
async fn kill_at_random(database: Database) {
    let (name, kills, start) = (database.name, kills(), Instant::now());
    let mut world = World::build(database).await;
    let enough = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..SENDERS).map(|n| world.sending(format!("sent-{n}"), 1, &enough)).collect();
    let mut listed = 0;
    for kill in 0..kills {
        // Several pages, in a new minute, so that cursors move in every round.
        world.list(&format!("listed-{kill}"), 12, kill % 1_400 + 1);
        listed += 12;
        let mut process = world.start(&[]);
        // Also while it starts.
        if kill % 5 > 0 {
            process.ready().await;
        }
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..1_000))).await;
        process.kill().await;
        world.check_dead().await;
    }
    let process = world.start(&[]);
    enough.store(true, Ordering::SeqCst);
    for sender in senders {
        sender.await.unwrap();
    }
    world.settle().await;
    process.kill().await;
    println!(
        "soak {name}: {kills} kills in {} s; {} events answered 2xx and {listed} pulled, each there exactly once; \
         {} runs interrupted, none left running; no cursor ahead of its data",
        start.elapsed().as_secs(),
        world.events(),
        world.interrupted().await,
    );
}

#[ignore = "takes minutes: ./x soak"]
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_on_sqlite() {
    kill_at_random(Database::sqlite().await).await;
}

#[ignore = "takes minutes: ./x soak"]
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_on_postgres() {
    kill_at_random(Database::postgres().await).await;
}
