//! Configuration as files: what is planned is what is done, and what is written down plans to nothing.

use std::{collections::BTreeSet, path::Path};

use indexmap::IndexMap;
use musubi::plan::{
    self, Here, PlanError,
    file::{self, ConnectionFile, SecretRef},
};
use musubi_samples::{SampleOptions, Samples};
use musubi_sdk::manifest::{self, MappingSpec};
use serde_json::{Map, Value, json};

use crate::{cli_ops::Shell, hooks::folder, hub::TestHub, real::TestDatabase as Database, source};

/// Steps of the generated history.
const CHANGES: usize = 200;

fn here(t: &TestHub) -> Here<'_> {
    let h = t.hub();
    Here { db: &h.db, registry: &h.registry, keys: &h.keys, clock: &h.clock, zone: &h.zone }
}

fn write(dir: &Path, name: &str, file: &ConnectionFile) {
    let folder = dir.join(file::CONNECTIONS);
    std::fs::create_dir_all(&folder).unwrap();
    let text = manifest::yaml_text(&serde_json::to_value(file).unwrap());
    std::fs::write(folder.join(format!("{name}.yaml")), text).unwrap();
}

/// What is configured, as [`plan::export`] writes it.
async fn written(t: &TestHub) -> IndexMap<String, ConnectionFile> {
    let dir = tempfile::tempdir().unwrap();
    plan::export(here(t), dir.path()).await.unwrap();
    file::read(dir.path()).unwrap().into_iter().map(|(_, file)| (file.name.clone(), file)).collect()
}

async fn apply(t: &TestHub, dir: &Path) -> Vec<plan::Made> {
    let planned = plan::plan(here(t), dir).await.unwrap();
    plan::apply(here(t), planned, "test", async |_, _, _| Ok(())).await.unwrap()
}

/// What really differs between two states of a connection, in the words of a plan.
fn differences(before: Option<&ConnectionFile>, after: &ConnectionFile) -> BTreeSet<String> {
    let Some(before) = before else {
        let rest = [(after.paused, "paused"), (after.push != "off", "push")];
        let rest = rest.into_iter().filter(|(on, _)| *on).map(|(_, name)| name.to_owned());
        let mappings = after.mappings.keys().map(|name| format!("mappings.{name}"));
        return rest.chain(mappings).chain(["connector".to_owned()]).collect();
    };
    let mut out = BTreeSet::new();
    let keys = |file: &ConnectionFile| file.settings.keys().cloned().collect::<BTreeSet<_>>();
    for key in keys(before).union(&keys(after)) {
        if before.settings.get(key) != after.settings.get(key) {
            out.insert(format!("settings.{key}"));
        }
    }
    for name in before.mappings.keys().chain(after.mappings.keys()) {
        if before.mappings.get(name) != after.mappings.get(name) {
            out.insert(format!("mappings.{name}"));
        }
    }
    let plain = [
        (before.schedule != after.schedule, "schedule"),
        (before.streams != after.streams, "streams"),
        (before.paused != after.paused, "paused"),
        (before.push != after.push, "push"),
    ];
    out.extend(plain.into_iter().filter(|(differs, _)| *differs).map(|(_, name)| name.to_owned()));
    out
}

/// A small generator: the same history every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.roll(all.len() as u64)).unwrap()].clone()
    }
}

fn mapping(dice: &mut Dice) -> MappingSpec {
    let number = dice.of(&[json!("number"), json!("id"), json!({"from": ["number", "id"], "join": "/"})]);
    let total = dice.of(&[json!("total"), json!({"from": "total", "as": ["decimal"], "required": true})]);
    let spec = json!({"customer": "customer", "number": number, "order_date": "order_date", "total": total});
    serde_json::from_value(spec).unwrap()
}

/// One change of one file, or a new one.
fn change(dice: &mut Dice, files: &mut Vec<ConnectionFile>, secret: &Path) -> usize {
    if files.len() < 2 || (files.len() < 12 && dice.roll(12) == 0) {
        let settings: Map<String, Value> = [("base_url".to_owned(), json!("http://127.0.0.1:9"))].into_iter().collect();
        files.push(ConnectionFile {
            name: format!("連携 {}", files.len()),
            connector: "t-source".to_owned(),
            settings,
            secrets: [("webhook_secret".to_owned(), SecretRef::File(secret.to_owned()))].into_iter().collect(),
            schedule: "manual".to_owned(),
            streams: None,
            paused: dice.roll(2) == 0,
            push: "off".to_owned(),
            mappings: IndexMap::new(),
        });
        return files.len() - 1;
    }
    let at = usize::try_from(dice.roll(files.len() as u64)).unwrap();
    let file = &mut files[at];
    for _ in 0..=dice.roll(2) {
        match dice.roll(6) {
            0 => file.schedule = dice.of(&["manual", "every 15m", "daily 08:00", "cron 0 9 * * 1-5"]).to_owned(),
            1 => file.streams = dice.of(&[None, Some(vec!["orders".to_owned()]), Some(vec!["customers".to_owned()])]),
            2 => file.paused = !file.paused,
            3 => {
                file.settings.insert("base_url".to_owned(), json!(format!("http://127.0.0.1:{}", 1 + dice.roll(9))));
            }
            4 => {
                file.mappings.shift_remove("orders");
            }
            _ => {
                file.mappings.insert("orders".to_owned(), mapping(dice));
            }
        }
    }
    at
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_planned_is_what_is_done() {
    for database in Database::both().await {
        let connectors = folder(&[("t-source", source::manifest("overlap: 2m, sorted: true", 10))]);
        let t = TestHub::start_with(&database, |c| c.connectors.dir = connectors.path().into()).await;
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("hook");
        std::fs::write(&secret, "hook-secret-0099-of-files\n").unwrap();
        let (mut dice, mut files) = (Dice(20_261_123), Vec::new());
        let mut effects = 0;
        for round in 0..CHANGES {
            let at = change(&mut dice, &mut files, &secret);
            write(dir.path(), &format!("{at:03}"), &files[at]);
            let before = written(&t).await;
            let planned = plan::plan(here(&t), dir.path()).await.unwrap();
            let steps: Vec<(String, BTreeSet<String>)> =
                planned.steps.iter().map(|s| (s.name.clone(), s.changes.iter().cloned().collect())).collect();
            let made = plan::apply(here(&t), planned, "test", async |_, _, _| Ok(())).await.unwrap();
            let after = written(&t).await;
            let really: Vec<(String, BTreeSet<String>)> = after
                .iter()
                .map(|(name, file)| (name.clone(), differences(before.get(name), file)))
                .filter(|(_, changes)| !changes.is_empty())
                .collect();
            assert_eq!(steps, really, "{} round {round}", database.name);
            let told: Vec<_> = made.iter().map(|m| (m.name.clone(), m.changes.iter().cloned().collect())).collect();
            assert_eq!(steps, told, "round {round}");
            effects += steps.iter().map(|(_, changes)| changes.len()).sum::<usize>();
            assert!(plan::plan(here(&t), dir.path()).await.unwrap().is_empty(), "round {round}: nothing is left");
        }
        assert!(effects > CHANGES, "{effects} changes were real ones");
        // What is written down is the same configuration.
        let copy = tempfile::tempdir().unwrap();
        plan::export(here(&t), copy.path()).await.unwrap();
        let again = plan::plan(here(&t), copy.path()).await.unwrap();
        assert!(again.is_empty() && again.same.len() == files.len());
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_come_by_reference_and_what_cannot_be_is_said_before_anything_is_done() {
    for database in Database::both().await {
        let connectors = folder(&[("t-source", source::manifest("overlap: 2m, sorted: true", 10))]);
        let t = TestHub::start_with(&database, |c| c.connectors.dir = connectors.path().into()).await;
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("hook");
        std::fs::write(&secret, "hook-secret-0099-of-files\n").unwrap();
        let good = ConnectionFile {
            name: "販売".to_owned(),
            connector: "t-source".to_owned(),
            settings: [("base_url".to_owned(), json!("http://127.0.0.1:9"))].into_iter().collect(),
            secrets: [("webhook_secret".to_owned(), SecretRef::File(secret.clone()))].into_iter().collect(),
            schedule: "every 15m".to_owned(),
            streams: None,
            paused: true,
            push: "off".to_owned(),
            mappings: IndexMap::new(),
        };
        write(dir.path(), "a", &good);
        let wrong = [
            (ConnectionFile { schedule: "often".into(), ..good.clone() }, "schedule", "PLAN_SCHEDULE"),
            (ConnectionFile { connector: "t-none".into(), ..good.clone() }, "connector", "PLAN_CONNECTOR"),
            (ConnectionFile { streams: Some(vec!["x".into()]), ..good.clone() }, "streams.x", "PLAN_STREAM"),
            (ConnectionFile { push: "some".into(), ..good.clone() }, "push", "PLAN_PUSH"),
            (
                ConnectionFile {
                    secrets: [("webhook_secret".to_owned(), SecretRef::Env("MUSUBI_NO_SUCH_VARIABLE".into()))].into(),
                    ..good.clone()
                },
                "secrets.webhook_secret",
                "PLAN_SECRET_MISSING",
            ),
            (
                ConnectionFile {
                    mappings: [("orders".to_owned(), MappingSpec::default())].into_iter().collect(),
                    ..good.clone()
                },
                "mappings.orders",
                "MAP_REQUIRED",
            ),
        ];
        for (file, place, code) in wrong {
            write(dir.path(), "b", &ConnectionFile { name: "間違い".into(), ..file });
            let Err(PlanError::Faults(faults)) = plan::plan(here(&t), dir.path()).await else { panic!("{code}") };
            assert_eq!((faults[0].place.as_str(), faults[0].code), (place, code), "{}", database.name);
        }
        std::fs::write(dir.path().join("connections/b.yaml"), "name: [").unwrap();
        let syntax = plan::plan(here(&t), dir.path()).await;
        assert!(
            matches!(syntax, Err(PlanError::Faults(f)) if f[0].code == "PLAN_SYNTAX" && f[0].place.contains("line"))
        );
        write(dir.path(), "b", &good);
        let twice = plan::plan(here(&t), dir.path()).await;
        assert!(matches!(twice, Err(PlanError::Faults(f)) if f[0].code == "PLAN_NAME_TWICE"));
        assert_eq!(t.count("SELECT COUNT(*) FROM connection").await, 0, "nothing was done");

        std::fs::remove_file(dir.path().join("connections/b.yaml")).unwrap();
        let made = apply(&t, dir.path()).await;
        assert!(made[0].created && made[0].changes == ["connector", "paused"]);
        assert!(apply(&t, dir.path()).await.is_empty());
        std::fs::write(&secret, "another-secret-0099-of-files\n").unwrap();
        assert_eq!(apply(&t, dir.path()).await[0].changes, ["settings.webhook_secret"]);
        // What is not there is not compared, and stays.
        std::fs::remove_file(&secret).unwrap();
        let unseen = plan::plan(here(&t), dir.path()).await.unwrap();
        assert!(unseen.is_empty());
        assert_eq!(unseen.unseen, [("販売".to_owned(), "webhook_secret".to_owned())]);
        let exported = tempfile::tempdir().unwrap();
        for path in plan::export(here(&t), exported.path()).await.unwrap() {
            let text = std::fs::read_to_string(path).unwrap();
            assert!(!text.contains("0099") && text.contains("MUSUBI_SECRET_WEBHOOK_SECRET"), "{text}");
        }
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_a_changed_mapping_does_to_records_and_keeps_nothing_of_it() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        let today = jiff::civil::date(2026, 11, 20);
        let options = SampleOptions { customers: 12, months: 2, ..SampleOptions::new(today) };
        let samples = Samples::start(options).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let shell = Shell { folder: dir.path(), url: &database.url };
        let base = format!("base_url={}", samples.sales_url());
        let add = [
            "connection",
            "add",
            "sample-sales",
            "--name",
            "販売",
            "--set",
            &base,
            "--secret",
            "api_key",
            "--every",
            "1h",
        ];
        let added = shell.fed(&add, &samples.credentials().sales_api_key);
        assert_eq!(added.code, 0, "{}", added.err);
        t.until("SELECT COUNT(*) FROM run WHERE state = 'succeeded'", |n| n == 1).await;
        t.synced().await;
        let to = dir.path().display().to_string();
        shell.run(&["plan", &to, "--export"], 0);
        let (_, mut file) = file::read(dir.path()).unwrap().remove(0);
        let spec = shell.json(&["connection", "mapping", "販売", "orders"]);
        let with = |field: &str, from: Value| -> MappingSpec {
            let mut spec = spec.clone();
            spec[field] = from;
            serde_json::from_value(spec).unwrap()
        };
        let before = t.count("SELECT COUNT(*) FROM version").await;
        let planned = |code: i32, more: &[&str]| -> Value {
            let arguments = [&["plan", &to, "--json"], more].concat();
            shell.run(&arguments, code).json()["steps"].clone()
        };
        // Nothing there is of that name: no order would be taken.
        file.mappings.insert("orders".to_owned(), with("order_date", json!({"from": "nowhere", "as": ["date"]})));
        write(dir.path(), "販売", &file);
        let broken = planned(4, &[])[0]["records"]["orders"].clone();
        let read = broken["read"].as_i64().unwrap();
        assert!(read >= 8 && broken["failed"] == read, "{broken}");
        assert_eq!(broken["failures"][0]["field"], "order_date");
        // Every order would be called otherwise.
        file.mappings.insert("orders".to_owned(), with("subject", spec["number"].clone()));
        write(dir.path(), "販売", &file);
        let other = planned(4, &[])[0]["records"]["orders"].clone();
        assert_eq!((&other["read"], &other["updated"], &other["failed"]), (&json!(read), &json!(read), &json!(0)));
        let told = shell.run(&["plan", &to], 4).out;
        assert!(told.contains(&format!("    orders: Of {read} records 0 would be new, {read} updated")), "{told}");
        assert_eq!(planned(4, &["--offline"])[0]["records"], json!({}));
        assert_eq!(t.count("SELECT COUNT(*) FROM version").await, before, "nothing is kept");
        // A system that is away is told, and everything else is planned.
        samples.shutdown().await;
        assert_eq!(planned(4, &[])[0]["records"]["orders"], json!({"unknown": "SRC_UNREACHABLE"}));
        t.stop().await;
    }
}
