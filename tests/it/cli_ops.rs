//! Commands that work on a database beside a running hub.

use std::path::Path;

use musubi::store::sql;
use musubi_samples::{RunningSamples, SampleOptions, Samples};
use serde_json::{Value, json};

use crate::{
    cli::{Ran, musubi_fed},
    hub::TestHub,
    real::TestDatabase,
};

/// The shell of an admin: same database and key as the hub.
pub struct Shell<'a> {
    pub folder: &'a Path,
    pub url: &'a str,
}

impl Shell<'_> {
    pub fn fed(&self, arguments: &[&str], input: &str) -> Ran {
        let key = "0707070707070707070707070707070707070707070707070707070707070707";
        musubi_fed(
            self.folder,
            &[("MUSUBI_DATABASE__URL", self.url), ("MUSUBI_SECRETS__KEY", key), ("MUSUBI_LOG__FILTER", "warn")],
            arguments,
            input,
        )
    }

    #[track_caller]
    pub fn run(&self, arguments: &[&str], code: i32) -> Ran {
        let ran = self.fed(arguments, "");
        assert_eq!(ran.code, code, "{arguments:?}: {}{}", ran.out, ran.err);
        ran
    }

    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--json"]].concat(), 0).json()
    }
}

async fn samples() -> RunningSamples {
    let today = jiff::civil::date(2026, 11, 20);
    Samples::start(SampleOptions { customers: 12, months: 2, ..SampleOptions::new(today) }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_is_connected_and_looked_after_from_the_shell() {
    for database in TestDatabase::both().await {
        let hub = TestHub::start(&database).await;
        let samples = samples().await;
        let folder = tempfile::tempdir().unwrap();
        let shell = Shell { folder: folder.path(), url: &database.url };
        let base = format!("base_url={}", samples.sales_url());
        refusals(&shell, &base);

        let c = samples.credentials();
        std::fs::write(folder.path().join("hook"), format!("{}\n", c.sales_webhook_secret)).unwrap();
        let add = [
            "connection",
            "add",
            "sample-sales",
            "--name",
            "販売 本社",
            "--set",
            &base,
            "--secret",
            "api_key",
            "--secret-file",
            "webhook_secret=hook",
            "--every",
            "1h",
            "--json",
        ];
        let checked = shell.fed(&[&add[..], &["--check-only"]].concat(), &c.sales_api_key);
        assert_eq!(checked.code, 0, "{}", checked.err);
        assert!(checked.json().as_array().unwrap().iter().any(|item| item["item"] == "count:orders"));
        assert_eq!(shell.json(&["connection", "list"]), json!([]), "only checked");
        let added = shell.fed(&add, &format!("{}\n", c.sales_api_key));
        assert_eq!(added.code, 0, "{}", added.err);
        let id = added.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(shell.fed(&add, &c.sales_api_key).code, 2, "the name is taken");

        // The running hub takes the new connection up.
        hub.until("SELECT COUNT(*) FROM run WHERE state = 'succeeded'", |n| n == 1).await;
        hub.synced().await;
        let orders = hub.count("SELECT COUNT(*) FROM sales_order").await;
        assert_eq!(orders, i64::try_from(samples.counts().orders).unwrap());
        let synced = shell.json(&["connection", "sync", "販売 本社", "--wait"]);
        assert_eq!(
            (&synced["state"], &synced["trigger"], &synced["actor"]),
            (&json!("succeeded"), &json!("manual"), &json!("cli"))
        );
        connection(&shell, &id, &c.sales_api_key);
        runs(&shell, &id);
        customers(&shell, &hub).await;
        people(&shell);
        shell.run(&["sample", "load"], 2);
        shell.run(&["sample", "clear"], 2);
        let acts = hub.count("SELECT COUNT(*) FROM audit WHERE actor = 'cli'").await;
        assert_eq!(acts, 8, "person, add, two syncs, pause, resume, target, new secret");
        samples.shutdown().await;
        hub.stop().await;
    }
}

fn people(shell: &Shell<'_>) {
    assert_eq!(shell.json(&["user", "list"]), json!([]));
    let add = ["user", "add", "aoi@midori.example", "--name", "青井 みどり", "--role", "steward"];
    let weak = shell.fed(&add, "short\n");
    assert_eq!(weak.code, 2);
    assert!(weak.err.contains("PASSPHRASE_SHORT passphrase"), "{}", weak.err);
    let added = shell.fed(&add, "kumo-to-tetsu-no-uta 77\n");
    assert_eq!(added.code, 0, "{}", added.err);
    let taken = shell.fed(&add, "kumo-to-tetsu-no-uta 77\n");
    assert!(taken.code == 2 && taken.err.contains("MAIL_TAKEN mail"), "{}", taken.err);
    let listed = shell.json(&["user", "list"]);
    assert_eq!((&listed[0]["name"], &listed[0]["role"]), (&json!("青井 みどり"), &json!("steward")));
}

fn refusals(shell: &Shell<'_>, base: &str) {
    let add = ["connection", "add", "sample-sales", "--name", "販売", "--json"];
    let ran = shell.run(&[&add[..], &["--set", "base_url=nowhere", "--set", "color=red"]].concat(), 2);
    let fields: Value = serde_json::from_str(&ran.err).unwrap();
    let codes: Vec<(&str, &str)> = fields["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["field"].as_str().unwrap(), f["code"].as_str().unwrap()))
        .collect();
    for wanted in [("api_key", "SET_REQUIRED"), ("base_url", "SET_FORMAT"), ("color", "SET_UNKNOWN")] {
        assert!(codes.contains(&wanted), "{codes:?}");
    }
    let ran = shell.run(&[&add[..], &["--set", "api_key=in-the-open"]].concat(), 2);
    assert!(ran.err.contains("SET_SECRET") && !ran.err.contains("in-the-open"), "{}", ran.err);
    let wrong = shell.fed(&[&add[..], &["--set", base, "--secret", "api_key"]].concat(), "wrong-key-0099\n");
    assert_eq!(wrong.code, 1, "{}", wrong.err);
    assert!(wrong.json().as_array().unwrap().iter().any(|item| item["item"] == "auth" && item["ok"] == false));
    shell.run(&[&add[..], &["--set", base, "--secret", "api_key"]].concat(), 2);
    shell.run(&[&add[..], &["--every", "1h", "--daily", "08:00"]].concat(), 2);
    shell.run(&["connection", "add", "sample-sale", "--name", "x"], 3);
    assert_eq!(shell.json(&["connection", "list"]), json!([]), "nothing was stored");
}

fn connection(shell: &Shell<'_>, id: &str, key: &str) {
    let listed = shell.json(&["connection", "list"]);
    assert_eq!(
        (&listed[0]["id"], &listed[0]["state"], &listed[0]["schedule"]),
        (&json!(id), &json!("ok"), &json!("every 1h"))
    );
    let table = shell.run(&["connection", "list"], 0).out;
    assert!(table.contains("販売 本社  sample-sales"), "{table}");
    assert_eq!(shell.json(&["connection", "check", id])[0]["ok"], true);
    let missing = shell.run(&["connection", "show", "販売 本店"], 3);
    assert!(missing.err.contains("did you mean \"販売 本社\"?"), "{}", missing.err);
    shell.run(&["connection", "pause", id], 0);
    shell.run(&["connection", "sync", id], 2);
    assert_eq!(shell.json(&["connection", "list"])[0]["state"], "paused");
    shell.run(&["connection", "resume", id], 0);
    let set = shell.json(&["connection", "target", id, "--freshness", "6h", "--objective", "99.9%"]);
    assert_eq!((&set["target_seconds"], &set["objective_hundredths"]), (&json!(21_600), &json!(9_990)));
    assert_eq!(shell.json(&["connection", "list"])[0]["target_seconds"], 21_600);
    shell.run(&["connection", "target", id, "--freshness", "3s"], 2);
    let rotated = shell.json(&["connection", "rotate-secret", id]);
    let secret = rotated["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 64);
    let shown = shell.run(&["connection", "show", id, "--json"], 0);
    assert!(!shown.out.contains(secret) && !shown.out.contains(key), "{}", shown.out);
    let shown = shown.json();
    assert!(shown["old_webhook_secret_until"].is_string());
    assert_eq!(shown["streams"].as_array().unwrap().len(), 9);
    assert!(shown["webhook_url"].as_str().unwrap().ends_with(&format!("/hooks/{id}")));
}

fn runs(shell: &Shell<'_>, id: &str) {
    let listed = shell.json(&["run", "list", "--connection", id]);
    assert_eq!((&listed[0]["number"], &listed[1]["number"]), (&json!(2), &json!(1)));
    assert!(listed[1]["counts"]["new"].as_i64().unwrap() > 0);
    let shown = shell.json(&["run", "show", "#1"]);
    assert_eq!(shown["id"], listed[1]["id"]);
    assert_eq!(shown["streams"].as_array().unwrap().len(), 9);
    assert_eq!(shell.json(&["run", "retry", "1", "--wait"])["state"], "succeeded");
    shell.run(&["run", "show", "99"], 3);
    assert!(shell.run(&["run", "list"], 0).out.contains("販売 本社"));
}

async fn customers(shell: &Shell<'_>, hub: &TestHub) {
    hub.hub().refresher.settle().await;
    let (name, code): (String, String) = sql("SELECT name, code FROM customer
         WHERE id IN (SELECT customer_id FROM sales_order) ORDER BY code LIMIT 1")
    .one(&hub.hub().db)
    .await
    .unwrap();
    let found = shell.json(&["customer", "search", &name]);
    assert_eq!((&found[0]["name"], &found[0]["code"]), (&json!(name), &json!(code)));
    let shown = shell.json(&["customer", "show", &code]);
    assert_eq!(shown["name"], json!(name));
    assert!(!shown["history"]["events"].as_array().unwrap().is_empty());
    assert!(shown["figures"]["orders_12m"].as_i64().unwrap() > 0);
    let id = shown["id"].as_str().unwrap();
    let table = shell.run(&["customer", "show", id], 0).out;
    assert!(table.contains(&name) && table.contains("History, newest first"), "{table}");
    shell.run(&["customer", "show", "C-99999"], 3);
    shell.run(&["customer", "show", "cus_00000000000000000000000000"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_previewed_replayed_and_decided_from_the_shell() {
    for database in TestDatabase::both().await {
        let hub = TestHub::start(&database).await;
        let folder = tempfile::tempdir().unwrap();
        let shell = Shell { folder: folder.path(), url: &database.url };
        let added = shell.fed(
            &["connection", "add", "webhook", "--name", "通知", "--secret", "webhook_secret", "--json"],
            "invented-secret-0099\n",
        );
        assert_eq!(added.code, 0, "{}", added.err);
        let connection = added.json()["id"].as_str().unwrap().to_owned();
        let order = |id: &str, date: &str| json!({"type": "order.changed", "data": {"id": id, "customer": "C-1", "number": id, "order_date": date, "total": 1100}});
        let body = json!([
            {"type": "customer.changed", "data": {"id": "C-1", "name": "みどり文具"}},
            order("SO-1", "soon"), order("SO-2", "later"),
        ]);
        deliver(&hub, &connection, &body).await;
        hub.until("SELECT COUNT(*) FROM failure WHERE state = 'open'", |n| n == 2).await;

        let listed = shell.json(&["failure", "list", "--cause", "FMT_DATE"]);
        let (first, second) =
            if listed[0]["label"] == "SO-1" { (&listed[0], &listed[1]) } else { (&listed[1], &listed[0]) };
        assert_eq!((&first["value"], &first["connection_name"]), (&json!("soon"), &json!("通知")));
        let (first, second) = (first["id"].as_str().unwrap(), second["id"].as_str().unwrap());
        assert_eq!(shell.json(&["failure", "show", first])["payload"]["order_date"], "soon");
        assert!(shell.run(&["failure", "list", "--cause", "FMT_DAT"], 0).err.contains("FMT_DATE"));
        let preview = |succeeded: i64, failed: i64| json!({"dry_run": true, "failures": 2, "succeeded": succeeded, "failed": failed, "waiting": 0});
        let dry = ["failure", "replay", "--cause", "FMT_DATE", "--dry-run"];
        assert_eq!(shell.json(&dry), preview(0, 2));

        // As a corrected mapping would make it: the first can be applied now.
        let mut tx = hub.hub().db.begin().await.unwrap();
        sql("UPDATE failure SET payload = REPLACE(payload, 'soon', '2026-11-20')").execute(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(shell.json(&dry), preview(1, 1));
        assert_eq!(shell.run(&["failure", "replay", first, second, "--json"], 2).json(), preview(1, 1));
        assert_eq!(hub.count("SELECT COUNT(*) FROM sales_order").await, 0, "previews keep nothing");
        let done = shell.run(&["failure", "replay", "--cause", "FMT_DATE", "--yes", "--json"], 4).json();
        assert_eq!(done, json!({"dry_run": false, "failures": 2, "succeeded": 1, "failed": 1, "waiting": 0}));
        assert_eq!(hub.count("SELECT COUNT(*) FROM sales_order").await, 1);
        assert_eq!(hub.count("SELECT COUNT(*) FROM customer_stat").await, 1, "figures are up to date");
        shell.run(&["failure", "replay", second, "--yes"], 1);
        shell.run(&["failure", "replay", first, "--yes"], 2);

        shell.run(&["failure", "ignore", second, "--reason", " "], 2);
        shell.run(&["failure", "ignore", second, "--reason", "試験の伝票"], 0);
        assert_eq!(shell.json(&["failure", "list"]), json!([]));
        assert_eq!(shell.json(&["failure", "list", "--state", "ignored"])[0]["note"], "試験の伝票");
        shell.run(&["failure", "restore", second], 0);
        shell.run(&["failure", "restore", second], 2);
        shell.run(&["failure", "show", "fai_none"], 3);
        shell.run(&["failure", "replay", "--cause", "FMT_NONE", "--yes"], 3);
        hub.stop().await;
    }
}

/// As the sending system does it.
async fn deliver(hub: &TestHub, connection: &str, body: &Value) {
    use hmac::{Hmac, KeyInit, Mac};
    let bytes = body.to_string().into_bytes();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"invented-secret-0099").unwrap();
    mac.update(&bytes);
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    let headers = [("x-musubi-delivery", "try-1".to_owned()), ("x-musubi-signature", signature)];
    // The hub learns of a new connection at its next look.
    for _ in 0..100 {
        let (status, _) = hub.post_hook(connection, &headers, bytes.clone()).await;
        if status == 202 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the delivery was never taken");
}

#[tokio::test]
async fn commands_refuse_a_database_that_is_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Shell { folder: folder.path(), url: "sqlite://none.db" }.run(&["connection", "list"], 2);
    assert!(missing.err.contains("musubi migrate"), "{}", missing.err);
    assert!(!folder.path().join("none.db").exists());
    std::fs::write(folder.path().join("empty.db"), "").unwrap();
    let empty = Shell { folder: folder.path(), url: "sqlite://empty.db" }.run(&["run", "list"], 2);
    assert!(empty.err.contains("migrations wait"), "{}", empty.err);
}
