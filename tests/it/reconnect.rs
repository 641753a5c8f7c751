//! Changing a connection that is there: a new password, another secret, a new key of the hub.

use std::sync::mpsc;

use axum::http::StatusCode;
use musubi::{
    connection::{
        change::{self, Change, ROTATION},
        create::CreateError,
        schedule::Plan,
    },
    secrets::Keys,
    store::{self, connection::Row},
};
use musubi_sdk::{connector::CheckItem, manifest::SignatureSpec};
use serde_json::{Map, Value, json};

use crate::{
    cli_ops::Shell,
    hooks::folder,
    hub::TestHub,
    real::TestDatabase as Database,
    sender::{self, Sender, customer},
    source::{self, Instead, Source},
};

pub const KEY: &str = "first-password-0099";
pub const SECOND: &str = "second-secret-0099";
pub const HOOK: &str = "hook-secret-0099";

/// A system that wants two secrets, and may have two more.
fn manifest() -> String {
    format!(
        r#"
musubi: 1
name: t-locked
title: {{ ja: 鍵のかかった試験, en: Locked test }}
summary: {{ ja: 試験, en: Test }}
kind: generic
settings:
  type: object
  required: [base_url, key, second]
  properties:
    base_url: {{ type: string, format: uri, title: {{ ja: 接続先URL, en: Address }} }}
    key: {{ type: string, minLength: 4, secret: true, title: {{ ja: パスワード, en: Password }} }}
    second: {{ type: string, secret: true, title: {{ ja: 二つ目の鍵, en: Second key }} }}
    spare: {{ type: string, secret: true, title: {{ ja: 予備の鍵, en: Spare key }} }}
    realm: {{ type: string, title: {{ ja: 区分, en: Realm }} }}
    rows: {{ type: integer, default: 50, title: {{ ja: 件数, en: Rows }} }}
    webhook_secret: {{ type: string, secret: true, title: {{ ja: Webhookの鍵, en: Webhook secret }} }}
auth: {{ type: api_key, header: X-Key, value: "{{{{ key }}}}" }}
check: {{ request: {{ path: /ping }} }}
{}
webhook:
  signature: {{ scheme: shared_token, header: X-Token, secret: webhook_secret }}
  event: type
  events: {{ customer.changed: {{ stream: customers, record: data }} }}
  trust: body
"#,
        source::streams("overlap: 2m, sorted: true", 10)
            .replace("timeout: 5s }", "timeout: 5s, headers: { X-Second: \"{{ second }}\" } }")
    )
}

/// A hub that pulls from a locked source only when it is asked to.
pub struct Scene {
    pub t: TestHub,
    pub source: Source,
    pub connection: String,
    pub connectors: tempfile::TempDir,
}

impl Scene {
    pub async fn start(database: &Database, plan: Plan) -> Self {
        let connectors = folder(&[("t-locked", manifest())]);
        let source = Source::start().await;
        source.fill(3, 10);
        source.wants([("x-key", KEY), ("x-second", SECOND)]);
        let t = TestHub::start_with(database, |c| {
            c.connectors.dir = connectors.path().into();
            // What must come sooner does so for another reason.
            c.sync.backoff_first = "1h".parse().unwrap();
            c.sync.backoff_max = "1h".parse().unwrap();
        })
        .await;
        let settings = json!({"base_url": source.url, "key": KEY, "second": SECOND, "spare": "spare-0099",
            "realm": "east", "webhook_secret": HOOK});
        let connection = t.connect_with("t-locked", settings, plan).await;
        Self { t, source, connection, connectors }
    }

    /// "Sync now", and waits for the end of that run.
    pub async fn pull(&self) -> String {
        self.t.request(&self.connection).await;
        self.idle().await;
        self.t.text("SELECT COALESCE(cause, state) FROM run ORDER BY number DESC LIMIT 1").await
    }

    pub async fn idle(&self) {
        let busy = "SELECT COUNT(*) FROM connection WHERE leased_by IS NOT NULL OR requested_by IS NOT NULL";
        self.t.until(busy, |n| n == 0).await;
    }

    pub async fn row(&self) -> Row {
        store::connection::get(&self.t.hub().db, &self.connection).await.unwrap().unwrap()
    }

    /// A stored secret in the clear.
    pub fn secret(&self, name: &str) -> Option<String> {
        let hub = self.t.hub();
        hub.registry.get(&self.connection).unwrap().secret(&hub.keys, name)
    }

    async fn change(&self, keys: &Keys, change: Change, check: bool) -> Result<Vec<CheckItem>, CreateError> {
        let h = self.t.hub();
        let change = Change { revision: self.row().await.updated_at, ..change };
        let draft = change::draft(&h.db, &h.registry, keys, self.row().await, change, h.clock.now()).await?;
        let items = if check { Some(draft.check().await) } else { None };
        let mut tx = h.db.begin().await.unwrap();
        draft.store(&mut tx, items.as_deref(), &h.zone, h.clock.now()).await?;
        tx.commit().await.unwrap();
        h.registry.reload(&h.db, &h.keys).await.unwrap();
        h.engine.due_changed.notify_one();
        Ok(items.unwrap_or_default())
    }

    /// No secret of these tests stands in the audit trail.
    pub async fn trail_is_clean(&self) {
        let trail = "SELECT COUNT(*) FROM audit WHERE detail LIKE '%0099%' OR detail LIKE '%http%'";
        assert_eq!(self.t.count(trail).await, 0);
    }
}

fn settings(value: Value) -> Change {
    let Value::Object(settings) = value else { panic!("settings are an object") };
    Change { settings, ..Change::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_ends_trouble_and_keeps_what_was_not_typed() {
    for database in Database::both().await {
        let s = Scene::start(&database, Plan::Manual).await;
        assert_eq!(s.pull().await, "succeeded");
        let cursor = s.t.text("SELECT cursor FROM stream WHERE name = 'orders'").await;
        s.source.wants([("x-key", "new-password-0099"), ("x-second", SECOND)]);
        assert_eq!(s.pull().await, "AUTH_REFUSED");
        let trouble = "SELECT COUNT(*) FROM connection WHERE auth_failed_at IS NOT NULL AND failures = 1
                         AND retry_at IS NOT NULL";
        assert_eq!(s.t.count(trouble).await, 1);
        let before = s.row().await;
        let h = s.t.hub();
        let items = s.change(&h.keys, settings(json!({"key": "new-password-0099"})), true).await.unwrap();
        assert!(items.iter().all(|item| item.ok), "{items:?}");
        // The retry was an hour away.
        s.t.until("SELECT COUNT(*) FROM run WHERE state = 'succeeded'", |n| n == 2).await;
        s.idle().await;
        let after = s.row().await;
        assert!(after.updated_at > before.updated_at && after.checked_at.is_some());
        assert_eq!((after.failures, after.retry_at, after.auth_failed_at), (0, None, None));
        assert_eq!(s.secret("second").as_deref(), Some(SECOND));
        assert_eq!(s.t.text("SELECT cursor FROM stream WHERE name = 'orders'").await, cursor, "the same system");
        let values: Map<String, Value> = serde_json::from_str(&after.settings).unwrap();
        assert_eq!((&values["realm"], &values["rows"]), (&json!("east"), &json!(50)));

        let change = Change {
            name: Some(" 受注 ".into()),
            unset: vec!["spare".into(), "realm".into()],
            plan: Some(Plan::Every(3600)),
            streams: Some(vec!["customers".into()]),
            ..settings(json!({"rows": 20}))
        };
        s.change(&h.keys, change, true).await.unwrap();
        let after = s.row().await;
        assert_eq!((after.name.as_str(), s.secret("spare")), ("受注", None));
        assert!(after.due_at.is_some_and(|due| due > h.clock.now().0), "by the new schedule");
        assert!(!after.settings.contains("realm") && after.settings.contains("20"));
        let taken = "SELECT name FROM stream WHERE enabled = TRUE";
        assert_eq!(s.t.text(taken).await, "customers");
        assert_eq!(s.secret("key").as_deref(), Some("new-password-0099"));
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_or_was_overtaken_changes_nothing() {
    for database in Database::both().await {
        let s = Scene::start(&database, Plan::Manual).await;
        let h = s.t.hub();
        s.t.connect("webhook", json!({"webhook_secret": sender::SECRET})).await;
        let before = s.row().await;
        let refused = async |change: Change| s.change(&h.keys, change, true).await.unwrap_err();
        let code = |error: CreateError| match error {
            CreateError::Settings(fields) => fields[0].code,
            other => panic!("{other}"),
        };
        assert_eq!(code(refused(settings(json!({"colour": "red"}))).await), "SET_UNKNOWN");
        assert_eq!(code(refused(settings(json!({"base_url": "nowhere"}))).await), "SET_FORMAT");
        let unset = Change { unset: vec!["key".into()], ..Change::default() };
        assert_eq!(code(refused(unset).await), "SET_REQUIRED");
        let taken = Change { name: Some("webhook 1".into()), ..Change::default() };
        assert!(matches!(refused(taken).await, CreateError::NameTaken));
        let never = Change { plan: Some(Plan::Daily("25:00".into())), ..Change::default() };
        assert!(matches!(refused(never).await, CreateError::Plan(_)));

        // Two people: both opened it now, one is faster.
        let change = Change { revision: before.updated_at, ..settings(json!({"key": "of-the-slower-0099"})) };
        let slow = change::draft(&h.db, &h.registry, &h.keys, before.clone(), change, h.clock.now()).await.unwrap();
        let stale = Change { revision: before.updated_at, ..Change::default() };
        s.change(&h.keys, settings(json!({"realm": "west"})), false).await.unwrap();
        let faster = s.row().await;
        assert!(faster.checked_at.is_none(), "it was not tried");
        let mut tx = h.db.begin().await.unwrap();
        let late = slow.store(&mut tx, None, &h.zone, h.clock.now()).await;
        assert!(matches!(late, Err(CreateError::Overtaken)));
        tx.commit().await.unwrap();
        let late = change::draft(&h.db, &h.registry, &h.keys, faster.clone(), stale, h.clock.now()).await;
        assert!(matches!(late, Err(CreateError::Overtaken)));
        let after = s.row().await;
        assert_eq!(
            (after.updated_at, after.settings, after.secrets),
            (faster.updated_at, faster.settings, faster.secrets)
        );
        assert_eq!(s.secret("key").as_deref(), Some(KEY));
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_of_the_hub_seals_again_what_is_stored() {
    for database in Database::both().await {
        let s = Scene::start(&database, Plan::Manual).await;
        let old = s.t.hub().keys.clone();
        s.change(&old, settings(json!({"webhook_secret": "newer-hook-0099"})), false).await.unwrap();
        let (rotated, new) = (Keys::new([9; 32], Some([7; 32])), Keys::new([9; 32], None));
        assert_eq!(change::secrets_set(&new, &s.row().await), None);
        s.change(&rotated, Change::default(), false).await.unwrap();
        let row = s.row().await;
        let set = change::secrets_set(&new, &row).unwrap();
        assert_eq!(set.into_iter().collect::<Vec<_>>(), ["key", "second", "spare", "webhook_secret"]);
        assert!(!new.is_outdated(&row.hook_secret_previous.unwrap()), "the replaced webhook secret as well");

        // The old key alone opens nothing any more: all that is needed must be typed, and is enough.
        let missing = s.change(&old, settings(json!({"key": KEY})), false).await.unwrap_err();
        assert!(matches!(missing, CreateError::Settings(fields) if fields.len() == 1 && fields[0].field == "second"));
        s.change(&old, settings(json!({"key": KEY, "second": SECOND})), false).await.unwrap();
        assert_eq!(s.pull().await, "succeeded");
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_webhook_secret_is_accepted_for_a_while_and_a_cleared_one_is_not() {
    for database in Database::both().await {
        let s = Scene::start(&database, Plan::Manual).await;
        let spec = SignatureSpec::SharedToken {
            header: "X-Token".into(),
            prefix: String::new(),
            secret: "webhook_secret".into(),
        };
        let by = |secret: &str| Sender {
            spec: spec.clone(),
            secret: secret.into(),
            id_header: None,
            ..Sender::generic(&s.t.url, &s.connection)
        };
        let status = async |secret: &str, n: u32| by(secret).send("", &customer(secret, n)).await.status;
        assert_eq!((status(HOOK, 1).await, status("newer-hook-0099", 1).await), (202, 401));
        let h = s.t.hub();
        s.change(&h.keys, settings(json!({"webhook_secret": "newer-hook-0099"})), false).await.unwrap();
        assert_eq!((status(HOOK, 2).await, status("newer-hook-0099", 2).await), (202, 202));
        let until = s.row().await.hook_rotated_until.unwrap();
        assert!(until > h.clock.now().0 && until <= h.clock.now().plus(ROTATION).0);
        // Another change leaves that as it is.
        s.change(&h.keys, settings(json!({"realm": "west"})), false).await.unwrap();
        assert_eq!((status(HOOK, 3).await, s.row().await.hook_rotated_until), (202, Some(until)));
        let clear = Change { unset: vec!["webhook_secret".into()], ..Change::default() };
        s.change(&h.keys, clear, false).await.unwrap();
        assert_eq!((status(HOOK, 4).await, status("newer-hook-0099", 4).await), (401, 401));
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_former_settings_says_nothing_about_new_ones() {
    for database in Database::both().await {
        let s = Scene::start(&database, Plan::Manual).await;
        let (asked, is_asked) = mpsc::channel();
        let (go, may_go) = mpsc::channel::<()>();
        let mut first = true;
        s.source.script(move |_| {
            if !std::mem::take(&mut first) {
                return None;
            }
            asked.send(()).unwrap();
            // Tasks that wait behind this one on its thread go elsewhere: one may hold the database.
            tokio::task::block_in_place(|| may_go.recv()).unwrap();
            Some(Instead::Status(StatusCode::UNAUTHORIZED, &[], String::new()))
        });
        // Planned, not asked for: nothing but the change makes it run again within the hour.
        let h = s.t.hub();
        s.change(&h.keys, Change { plan: Some(Plan::Every(3600)), ..Change::default() }, false).await.unwrap();
        let mut tx = h.db.begin().await.unwrap();
        store::sql("UPDATE connection SET due_at = $1").bind(h.clock.now()).execute(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        h.engine.due_changed.notify_one();
        tokio::task::spawn_blocking(move || is_asked.recv().unwrap()).await.unwrap();
        s.change(&h.keys, settings(json!({"realm": "west"})), false).await.unwrap();
        go.send(()).unwrap();
        s.t.until("SELECT COUNT(*) FROM run WHERE state = 'succeeded'", |n| n == 1).await;
        assert_eq!(s.t.count("SELECT COUNT(*) FROM run WHERE cause = 'AUTH_REFUSED'").await, 1);
        s.idle().await;
        let row = s.row().await;
        assert_eq!((row.failures, row.auth_failed_at), (0, None));
        s.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cli_changes_a_connection_beside_a_running_hub() {
    for database in Database::both().await {
        let s = Scene::start(&database, Plan::Manual).await;
        let folder = tempfile::tempdir().unwrap();
        let connector = folder.path().join("connectors/t-locked");
        std::fs::create_dir_all(&connector).unwrap();
        std::fs::write(connector.join("connector.yaml"), manifest()).unwrap();
        let shell = Shell { folder: folder.path(), url: &database.url };
        s.source.wants([("x-key", "new-password-0099"), ("x-second", SECOND)]);
        assert_eq!(s.pull().await, "AUTH_REFUSED");
        assert_eq!(shell.json(&["connection", "list"])[0]["state"], "refused");
        let set = ["connection", "set", "t-locked 0", "--json"];
        let with = |more: &[&'static str]| [&set[..], more].concat();
        let before = s.row().await;

        let wrong = shell.fed(&with(&["--secret", "key"]), "wrong-password-0099\n");
        assert_eq!(wrong.code, 1, "{}", wrong.err);
        assert!(wrong.err.contains("Nothing was stored"), "{}", wrong.err);
        assert!(wrong.json().as_array().unwrap().iter().any(|item| item["item"] == "auth" && item["ok"] == false));
        for (more, code) in [
            (&["--set", "key=in-the-open-0099"][..], "SET_SECRET"),
            (&["--unset", "colour"], "SET_UNKNOWN"),
            (&["--unset", "key"], "SET_REQUIRED"),
            (&["--set", "rows=many"], "SET_TYPE"),
        ] {
            let ran = shell.run(&with(more), 2);
            assert!(ran.err.contains(code) && !ran.err.contains("in-the-open"), "{}", ran.err);
        }
        shell.run(&with(&["--stream", "order"]), 3);
        shell.run(&with(&["--every", "1h", "--manual"]), 2);
        shell.run(&["connection", "set", "t-locked 9"], 3);
        let tried = shell.fed(&with(&["--secret", "key", "--check-only"]), "new-password-0099\n");
        assert_eq!(tried.code, 0, "{}", tried.err);
        assert_eq!(s.row().await.updated_at, before.updated_at, "nothing was stored");

        let more = ["--secret", "key", "--name", "受注", "--daily", "07:30", "--stream", "orders", "--unset", "spare"];
        let done = shell.fed(&[&set[..], &more].concat(), "new-password-0099\n");
        assert_eq!(done.code, 0, "{}", done.err);
        let changed = json!(["settings.key", "settings.spare", "name", "schedule", "streams"]);
        assert_eq!(done.json(), json!({"id": s.connection, "changed": changed, "checked": true}));
        // It had failed: the running hub pulls at once.
        s.t.until("SELECT COUNT(*) FROM run WHERE state = 'succeeded'", |n| n == 1).await;
        let shown = shell.run(&["connection", "show", "受注", "--json"], 0);
        assert!(!shown.out.contains("0099"), "{}", shown.out);
        assert_eq!(shown.json()["schedule"], "daily 07:30");
        let unchecked = shell
            .run(&["connection", "set", "受注", "--set", "base_url=http://127.0.0.1:9", "--unchecked", "--json"], 0);
        assert_eq!(unchecked.json()["checked"], false);
        let detail =
            "SELECT detail FROM audit WHERE action = 'connection.change' AND actor = 'cli' ORDER BY id DESC LIMIT 1";
        let told: Value = serde_json::from_str(&s.t.text(detail).await).unwrap();
        assert_eq!(told, json!({"changed": ["settings.base_url"], "checked": false}));
        s.trail_is_clean().await;
        s.t.stop().await;
    }
}
