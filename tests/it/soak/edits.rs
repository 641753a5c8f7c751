//! The hub is killed at random while people correct the same customers here and in Tryton; in the end
//! both have the same, and nobody's last word was lost.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::{Duration, Instant},
};

use musubi::{
    connection::{create, create::NewConnection, schedule::Plan},
    model::{Id, Timestamp, ids::Noun},
    store::{self, delivery, session, sql, user},
};
use reqwest::{Client, header::HeaderMap};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    kills,
    ledger::{Customer, Ledger, NAME},
    people::{self, CUSTOMERS, Office, Party},
};
use crate::{
    hub::TestHub,
    process::{self, Process},
    real::{TestDatabase as Database, Tryton, free_port},
};

/// People at each side.
const DESKS: usize = 2;
const TOKEN: &str = "a-session-that-exists-only-in-the-soak-0000";
const CSRF: &str = "soak";
/// How long it may take until both sides agree, once everybody has stopped.
const SETTLED: Duration = Duration::from_secs(240);

struct World {
    office: Arc<Office>,
    database: Database,
    connection: String,
    port: u16,
    folder: tempfile::TempDir,
}

impl World {
    async fn build(database: Database) -> Self {
        let tryton = Tryton::fresh().await;
        let t = TestHub::start(&database).await;
        let connection = connect(&t, &tryton).await;
        t.synced().await;
        assert_eq!(t.text("SELECT state || COALESCE(cause, '') FROM run").await, "succeeded", "{}", database.name);
        tell_all(&t, &connection).await;
        sign_in(&t).await;
        t.stop().await;
        let port = free_port();
        let mut headers = HeaderMap::new();
        headers.insert("cookie", format!("__Host-musubi={TOKEN}").parse().unwrap());
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .default_headers(headers)
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        let mut ledger = Ledger::default();
        for id in people::parties(&tryton).await {
            if !Party::read(&tryton, id).await.active {
                ledger.closed.push(id);
            }
        }
        let office = Office {
            db: database.db.clone(),
            tryton,
            client,
            console: format!("http://localhost:{port}"),
            csrf: CSRF,
            ledger: Mutex::new(ledger),
            enough: AtomicBool::new(false),
            next: 1.into(),
        };
        Self { office: Arc::new(office), database, connection, port, folder: tempfile::tempdir().unwrap() }
    }

    fn start(&self) -> Process {
        Process::start(&process::Plan {
            database: &self.database.url,
            port: self.port,
            connectors: &self.folder.path().join("none"),
            folder: self.folder.path(),
            variables: &[],
            wrap: &[],
        })
    }

    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("serve.log")).unwrap_or_default();
        log.lines().rev().take(15).collect::<Vec<_>>().join("\n")
    }

    async fn count(&self, statement: &'static str) -> i64 {
        sql(statement).one::<(i64,)>(&self.database.db).await.unwrap().0
    }

    /// Deliveries that are not done, but for new names of closed parties, which Tryton does not take.
    async fn open(&self) -> Vec<delivery::Row> {
        let all = delivery::open(&self.database.db, &self.connection, 1_000).await.unwrap();
        all.into_iter().filter(|row| row.cause.as_deref() != Some("PUSH_CLOSED")).collect()
    }

    /// Everybody has stopped: waits until a pull that began after the last edit has brought everything,
    /// nothing is left to tell Tryton, and another pull after that changed nothing of it.
    async fn settle(&self) {
        let (start, mut quiet, mut since) = (Instant::now(), 0, now());
        while quiet < 2 {
            let pulled = sql("SELECT COUNT(*) FROM run WHERE started_at > $1 AND state = 'succeeded'
                                AND trigger_kind IN ('schedule', 'catch_up')")
            .bind(since)
            .one::<(i64,)>(&self.database.db);
            let (pulled, open) = (pulled.await.unwrap().0, self.open().await);
            if pulled > 0 {
                quiet = if open.is_empty() { quiet + 1 } else { 0 };
                since = now();
            }
            let given_up = open.iter().any(|row| row.state == "dead");
            if given_up || start.elapsed() > SETTLED {
                let tried = self.tried(&open).await;
                panic!("not settled: {pulled} pulls; {open:#?}\nattempts {tried:#?}\n{}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Every attempt to bring these to Tryton.
    async fn tried(&self, rows: &[delivery::Row]) -> Vec<(String, String, Option<String>)> {
        let mut tried = Vec::new();
        for row in rows {
            let each = sql("SELECT outcome || COALESCE(' ' || cause, ''), fields, external_id FROM attempt
                            WHERE record_id = $1 ORDER BY at");
            let each = each.bind(row.record_id.as_str()).all::<(String, String, Option<String>)>(&self.database.db);
            tried.extend(each.await.unwrap());
        }
        tried
    }

    /// Every customer here beside its party there, field by field. Returns how many.
    async fn compare(&self) -> usize {
        let here: Vec<Customer> = sql(CUSTOMERS).all(&self.database.db).await.unwrap();
        let linked: Vec<(String, String)> =
            sql("SELECT record_id, external_id FROM source_record WHERE stream = 'customers' AND deleted_at IS NULL")
                .all(&self.database.db)
                .await
                .unwrap();
        let mut parties: HashMap<&str, Vec<i64>> = HashMap::new();
        for (customer, party) in &linked {
            parties.entry(customer).or_default().push(party.parse().unwrap());
        }
        let mut there = BTreeMap::new();
        for id in people::parties(&self.office.tryton).await {
            there.insert(id, Party::read(&self.office.tryton, id).await);
        }
        let mut wrong = Vec::new();
        for customer in &here {
            match parties.get(customer.id.as_str()).map(Vec::as_slice) {
                Some([party]) => wrong.extend(self.of_one(customer, there.remove(party))),
                other => wrong.push(format!("{} has parties {other:?}", customer.id)),
            }
        }
        wrong.extend(there.values().map(|party| format!("party {} {:?} has no customer", party.id, party.values)));
        wrong.extend(self.missing(&here));
        assert!(wrong.is_empty(), "{}: {} wrong\n{}", self.database.name, wrong.len(), wrong.join("\n"));
        here.len()
    }

    fn of_one(&self, customer: &Customer, party: Option<Party>) -> Vec<String> {
        let Some(party) = party else { return vec![format!("{}: its party is another's, or gone", customer.id)] };
        let ledger = self.office.ledger.lock().unwrap();
        let skipped = if party.active { None } else { Some(NAME) };
        let mut wrong = ledger.judge(customer, &party, skipped);
        if party.active == ledger.closed.contains(&party.id) {
            wrong.push(format!("party {} is active: {}", party.id, party.active));
        }
        if party.hub_ids.iter().any(|id| *id != customer.id) {
            wrong.push(format!("party {} of {} carries {:?}", party.id, customer.id, party.hub_ids));
        }
        wrong
    }

    fn missing(&self, here: &[Customer]) -> Vec<String> {
        let ledger = self.office.ledger.lock().unwrap();
        let gone = ledger.created.iter().filter(|id| !here.iter().any(|c| c.id == **id));
        gone.map(|id| format!("{id} was acknowledged and is gone")).collect()
    }
}

fn now() -> Timestamp {
    musubi::clock::Clock::System.now()
}

/// Only parties, every two seconds: what is not asked for leaves requests to what is told.
async fn connect(t: &TestHub, tryton: &Tryton) -> String {
    let h = t.hub();
    let settings =
        json!({"base_url": tryton.url, "database": tryton.database, "key": tryton.key, "overlap_minutes": 1});
    let Value::Object(settings) = settings else { unreachable!() };
    let new = NewConnection {
        connector: "tryton".into(),
        name: "ERP".into(),
        settings,
        plan: Plan::Every(2),
        streams: Some(vec!["customers".into()]),
        sample: false,
        start_now: true,
    };
    let id = create::create(&h.db, &h.registry, &h.keys, &h.clock, &h.zone, new).await.unwrap();
    h.engine.due_changed.notify_one();
    id
}

async fn tell_all(t: &TestHub, connection: &str) {
    let mut tx = t.hub().db.begin().await.unwrap();
    assert!(store::connection::set_push(&mut tx, connection, delivery::ALL, now()).await.unwrap());
    tx.commit().await.unwrap();
}

/// A session that lasts as long as its database, however often the hub is killed.
async fn sign_in(t: &TestHub) {
    let (id, session_id) = (Id::new(Noun::User), Id::new(Noun::Session));
    let mut tx = t.hub().db.begin().await.unwrap();
    let person = user::NewUser {
        id: &id,
        mail: "saeki@hinoki-seiki.example",
        mail_key: "saeki@hinoki-seiki.example",
        name: "佐伯",
        role: "owner",
        password_hash: None,
        language: "ja",
        theme: "system",
        now: now(),
        kind: user::PERSON,
    };
    user::insert(&mut tx, &person).await.unwrap();
    let hash = Sha256::digest(TOKEN.as_bytes());
    let row = session::NewSession {
        token_hash: &hash,
        id: &session_id,
        user_id: id.as_str(),
        csrf: CSRF,
        now: now(),
        expires_at: now().plus(Timestamp::DAY),
        ip: None,
        agent: None,
        idp_id: None,
        subject: None,
        sid: None,
        proved_at: None,
        glass: false,
        name_id: None,
    };
    session::insert(&mut tx, &row).await.unwrap();
    tx.commit().await.unwrap();
}

#[expect(clippy::print_stdout, reason = "the figures of a long run are its result")]
async fn kill_while_both_sides_edit(database: Database) {
    let (name, kills, start) = (database.name, kills(), Instant::now());
    let world = World::build(database).await;
    let mut people = Vec::new();
    for desk in 0..DESKS {
        people.push(tokio::spawn(people::edit_here(world.office.clone(), desk, DESKS)));
        people.push(tokio::spawn(people::write_there(world.office.clone(), desk, DESKS)));
    }
    for kill in 0..kills {
        let mut process = world.start();
        // Also while it starts.
        if kill % 5 > 0 {
            process.ready().await;
        }
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..3_000))).await;
        process.kill().await;
    }
    let process = world.start();
    world.office.stop();
    for person in people {
        person.await.unwrap();
    }
    let stopped = Instant::now();
    world.settle().await;
    let settled = stopped.elapsed();
    process.kill().await;
    let compared = world.compare().await;
    let shown = world.count("SELECT COUNT(*) FROM conflict").await;
    let interrupted = world.count("SELECT COUNT(*) FROM run WHERE state = 'interrupted'").await;
    let attempts = outcomes(&world).await;
    let ledger = world.office.ledger.lock().unwrap();
    println!(
        "soak with edits {name}: {kills} kills in {} s; {} values typed here ({} pinned), {} written in Tryton, \
         {} customers begun here, {} parties closed; {} forms refused as overtaken, {} cut off; \
         {interrupted} runs interrupted, settled in {} s; {compared} customers equal on both sides, no last word \
         lost, no party twice; {shown} contradictions shown to a person; attempts: {}",
        start.elapsed().as_secs(),
        ledger.here,
        ledger.pinned,
        ledger.there,
        ledger.created.len(),
        ledger.closed.len(),
        ledger.refused,
        ledger.cut_off,
        settled.as_secs(),
        attempts.join(", "),
    );
}

/// `12 changed`, `3 overtaken PUSH_OVERTAKEN`
async fn outcomes(world: &World) -> Vec<String> {
    let each = sql("SELECT outcome || COALESCE(' ' || cause, ''), COUNT(*) FROM attempt GROUP BY 1 ORDER BY 1");
    let each: Vec<(String, i64)> = each.all(&world.database.db).await.unwrap();
    each.into_iter().map(|(outcome, times)| format!("{times} {outcome}")).collect()
}

#[ignore = "takes minutes: ./x soak"]
#[tokio::test(flavor = "multi_thread")]
async fn killed_while_both_sides_edit_on_sqlite() {
    kill_while_both_sides_edit(Database::sqlite().await).await;
}

#[ignore = "takes minutes: ./x soak"]
#[tokio::test(flavor = "multi_thread")]
async fn killed_while_both_sides_edit_on_postgres() {
    kill_while_both_sides_edit(Database::postgres().await).await;
}
