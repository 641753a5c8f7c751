use super::{
    Lang, NOW, Sample, Section,
    inbox::{failures, webhook, webhooks},
    minutes,
};
use crate::{
    http::console::view::{
        connection::{
            Attention, Bucket, Check, ConnectionPage, ConnectionRow, ConnectionsPage, ConnectorCard, HookInfo,
            PushInfo, PushRow, RunRow, SettingRow, StreamRow, Tab,
        },
        failure::{self, FailuresPage},
        run::{Attempt, Progress, RunPage, RunStream},
        status::{State, Status},
        webhook::WebhooksPage,
    },
    model::Timestamp,
};

fn row(
    id: &str,
    name: &str,
    kind: &str,
    streams: &[&str],
    state: State,
    failures: i64,
    back: Option<i64>,
) -> ConnectionRow {
    ConnectionRow {
        id: id.into(),
        name: name.into(),
        kind: kind.into(),
        streams: streams.iter().map(|s| (*s).to_owned()).collect(),
        state,
        open_failures: failures,
        last_ok_at: back.map(minutes),
        sample: kind == "sales",
    }
}

fn connections(lang: Lang) -> ConnectionsPage {
    let card = |name: &str, title: &str, kind: &str, ja: &str, en: &str, webhook, in_use| ConnectorCard {
        name: name.into(),
        title: title.into(),
        kind: kind.into(),
        description: if lang == Lang::Ja { ja.into() } else { en.into() },
        pulls: name != "webhook",
        pushes: false,
        webhook,
        auth: "bearer".into(),
        in_use,
    };
    let retrying =
        State { now: Status::Retrying(Some(NOW.plus(3 * Timestamp::MINUTE))), before: Some(Status::Healthy) };
    let running = State { now: Status::Running, before: Some(Status::Partial) };
    ConnectionsPage {
        rows: vec![
            row("con_3", "商談管理", "deals", &["contacts"], Status::Reconnect.into(), 0, Some(1570)),
            row("con_4", "旧会計", "accounting", &["invoices"], Status::Failed.into(), 0, Some(9000)),
            row("con_5", "価格表", "sheet", &["customers"], Status::Delayed.into(), 0, Some(1570)),
            row("con_6", "店舗", "generic", &["orders"], retrying, 0, Some(8)),
            row("con_2", "会計システム", "accounting", &["invoices", "payments"], running, 8, Some(14)),
            row("con_1", "販売管理システム", "sales", &["customers", "orders"], Status::Healthy.into(), 0, Some(2)),
            row("con_7", "試験用", "bi", &["customers"], Status::Paused.into(), 0, None),
        ],
        catalogue: vec![
            card(
                "sales",
                "サンプル販売管理",
                "sales",
                "得意先・受注を取り込みます。",
                "Brings customers and orders.",
                true,
                1,
            ),
            card(
                "accounting",
                "サンプル会計",
                "accounting",
                "請求書・入金を取り込みます。登録番号も含みます。",
                "Brings invoices and payments with registration numbers.",
                true,
                1,
            ),
            card(
                "webhook",
                "Webhook",
                "generic",
                "署名付きの通知を受け取り、すぐに反映します。",
                "Receives signed notifications and applies them at once.",
                true,
                0,
            ),
        ],
    }
}

fn stream(name: &str, state: impl Into<State>, read: i64, of: Option<i64>, failed: i64) -> RunStream {
    RunStream {
        name: name.into(),
        state: state.into(),
        read,
        new: read / 10,
        updated: read / 4,
        unchanged: read - read / 10 - read / 4 - failed,
        parked: failed / 2,
        failed,
        source_count: of,
        cursor_from: Some("updated_at 09:59:41".into()),
        cursor_to: Some("updated_at 10:13:58".into()),
    }
}

fn progress() -> Progress {
    Progress {
        run_id: "run_3".into(),
        number: 48213,
        trigger: "manual".into(),
        actor: Some("高梨".into()),
        started_at: minutes(1),
        streams: vec![
            stream("customers", Status::Healthy, 1118, Some(1118), 0),
            stream("invoices", Status::Running, 124, Some(200), 0),
            stream("payments", Status::NotRun, 0, None, 0),
        ],
    }
}

fn connection(tab: Tab) -> ConnectionPage {
    let line = |name: &str, state: Status, total, today, failures, cursor: &str| StreamRow {
        name: name.into(),
        state: state.into(),
        total,
        changed_today: today,
        open_failures: failures,
        latest_at: total.map(|_| minutes(14)),
        cursor: total.map(|_| cursor.to_owned()),
    };
    let run = |number, back, trigger: &str, state: Status, cause: Option<&str>, new, updated, failed, took| RunRow {
        id: "run_1".into(),
        number,
        started_at: minutes(back),
        trigger: trigger.into(),
        actor: (trigger == "manual").then(|| "高梨".into()),
        state: state.into(),
        cause: cause.map(str::to_owned),
        new,
        updated,
        failed,
        took: Some(took * Timestamp::SECOND),
    };
    ConnectionPage {
        pulls: true,
        id: "con_2".into(),
        name: "会計システム".into(),
        kind: "accounting".into(),
        facts: vec!["サンプル会計".into(), "ひのき精機".into()],
        state: State { now: Status::Running, before: Some(Status::Partial) },
        paused: false,
        sample: true,
        tab,
        runs_total: 2880,
        open_failures: 8,
        running: Some(progress()),
        streams: vec![
            line("customers", Status::Healthy, Some(1118), Some(6), 0, "updated_at 10:13:58"),
            line("invoices", Status::Partial, Some(21_406), Some(214), 8, "updated_at 09:59:41"),
            line("payments", Status::Healthy, Some(19_873), Some(0), 0, "id 5530917"),
            line("contacts", Status::Excluded, None, None, 0, ""),
        ],
        buckets: (0..48)
            .map(|i| Bucket {
                from: minutes((48 - i) * 30),
                records: if (16..40).contains(&i) { 20 + i % 7 * 3 } else { 180 + i * 37 % 190 },
                class: if i == 30 {
                    "bad"
                } else if (44..47).contains(&i) {
                    "warn"
                } else {
                    "bar"
                },
            })
            .collect(),
        runs: vec![
            run(48212, 14, "schedule", Status::Partial, Some("FMT_REGNO"), 12, 41, 3, 24),
            run(48211, 22, "webhook", Status::Healthy, None, 1, 0, 0, 1),
            run(48210, 29, "manual", Status::Healthy, None, 7, 22, 0, 19),
            run(48176, 524, "schedule", Status::Failed, Some("RATE_LIMIT"), 0, 0, 0, 60),
        ],
        runs_more: Some("?tab=runs&after=48176".into()),
        attention: vec![
            Attention {
                tone: "bad",
                title: "請求書 8件".into(),
                text: "T+13".into(),
                link: Some(("/failures".into(), "→".into())),
                button: None,
            },
            Attention {
                tone: "warn",
                title: "受注 12件".into(),
                text: "SO-1, SO-2".into(),
                link: None,
                button: Some(("/connections/con_1/deletes/orders/allow".into(), "削除を反映する".into())),
            },
        ],
        level: super::sync_health::level(Some(30), 9_959, 18, Some(4)),
        settings: vec![
            SettingRow { title: "URL".into(), value: "https://accounting.example/api".into(), secret_set: None },
            SettingRow { title: "API key".into(), value: String::new(), secret_set: Some(true) },
        ],
        next_at: Some(NOW.plus(Timestamp::MINUTE)),
        push: Some(PushInfo {
            mode: "changes".into(),
            rests_until: Some(NOW.plus(Timestamp::MINUTE)),
            delivered: 1_204,
            waiting: 1,
            dead: 1,
            rows: vec![
                PushRow {
                    customer_id: "cus_1".into(),
                    name: "株式会社朝凪電装".into(),
                    state: "dead".into(),
                    cause: Some("PUSH_REFUSED".into()),
                    attempts: 1,
                    at: minutes(12),
                },
                PushRow {
                    customer_id: "cus_2".into(),
                    name: "灯台商会".into(),
                    state: "pending".into(),
                    cause: None,
                    attempts: 0,
                    at: minutes(1),
                },
            ],
        }),
        hook: Some(HookInfo {
            url: "https://hub.example/hooks/con_2".into(),
            signature: "HMAC-SHA256".into(),
            last_at: Some(minutes(22)),
            received_24h: 214,
            refused_24h: 1,
            command: "musubi connection check con_2".into(),
        }),
        checks: checks(),
        checked_at: Some(minutes(90)),
        causes: vec![("FMT_REGNO".into(), 8)],
        command: "musubi connection sync con_2".into(),
    }
}

pub fn checks() -> Vec<Check> {
    [
        ("reach", Some(true), "https://accounting.example 42 ms"),
        ("auth", Some(true), "OK"),
        ("scopes", Some(false), "invoices.read"),
        ("counts", None, ""),
    ]
    .into_iter()
    .map(|(name, ok, detail)| Check { name: name.into(), ok, detail: detail.into(), technical: None })
    .collect()
}

fn run(running: bool) -> RunPage {
    let state =
        if running { State { now: Status::Running, before: Some(Status::Healthy) } } else { Status::Partial.into() };
    RunPage {
        pulls: true,
        id: "run_1".into(),
        number: 48212,
        connection_id: "con_2".into(),
        connection_name: "会計システム".into(),
        kind: "accounting".into(),
        trigger: "schedule".into(),
        actor: None,
        state,
        started_at: minutes(14),
        finished_at: (!running).then(|| minutes(13)),
        mapping_version: 14,
        requests: 12,
        throttled: 1,
        cause: (!running).then(|| "FMT_REGNO".into()),
        detail: None,
        streams: progress().streams.into_iter().chain([stream("payments", Status::Partial, 300, None, 3)]).collect(),
        open_failures: 3,
        attempts: vec![Attempt { at: minutes(14), state: Status::Failed.into(), cause: Some("SRC_TIMEOUT".into()) }],
        command: "musubi run show 48212".into(),
    }
}

fn unchanged() -> RunPage {
    let quiet =
        RunStream { new: 0, updated: 0, unchanged: 300, ..stream("orders", Status::Healthy, 300, Some(300), 0) };
    RunPage {
        state: Status::Healthy.into(),
        cause: None,
        streams: vec![quiet],
        open_failures: 0,
        attempts: vec![],
        ..run(false)
    }
}

pub fn samples(lang: Lang) -> Vec<Sample> {
    use Section::{Connections, Failures, Webhooks};
    let mut all: Vec<Sample> = vec![
        ("connections", Connections, true, Box::new(connections(lang))),
        ("connections-empty", Connections, true, Box::new(ConnectionsPage { rows: vec![], ..connections(lang) })),
        ("connection", Connections, true, Box::new(connection(Tab::Overview))),
        ("connection-runs", Connections, true, Box::new(connection(Tab::Runs))),
        ("connection-failures", Connections, true, Box::new(connection(Tab::Failures))),
        ("connection-webhook", Connections, true, Box::new(connection(Tab::Webhook))),
        ("connection-push", Connections, true, Box::new(connection(Tab::Push))),
        ("connection-settings", Connections, true, Box::new(connection(Tab::Settings))),
        (
            "connection-idle",
            Connections,
            true,
            Box::new(ConnectionPage {
                running: None,
                runs: vec![],
                runs_total: 0,
                buckets: vec![],
                checks: vec![],
                hook: None,
                attention: vec![],
                state: Status::NotRun.into(),
                ..connection(Tab::Overview)
            }),
        ),
        (
            "connection-reconnect",
            Connections,
            true,
            Box::new(ConnectionPage { running: None, state: Status::Reconnect.into(), ..connection(Tab::Overview) }),
        ),
        ("run", Connections, true, Box::new(run(false))),
        ("run-running", Connections, true, Box::new(run(true))),
        ("run-unchanged", Connections, true, Box::new(unchanged())),
        (
            "failures-none",
            Failures,
            true,
            Box::new(FailuresPage { groups: vec![], detail: None, ..failures(failure::Tab::Open) }),
        ),
        ("webhooks", Webhooks, true, Box::new(webhooks())),
        ("webhooks-empty", Webhooks, true, Box::new(WebhooksPage { rows: vec![], refusals: vec![], ..webhooks() })),
        ("webhook", Webhooks, true, Box::new(webhook())),
    ];
    for (name, tab) in [
        ("failures", failure::Tab::Open),
        ("failures-retrying", failure::Tab::Retrying),
        ("failures-ignored", failure::Tab::Ignored),
        ("failures-resolved", failure::Tab::Resolved),
    ] {
        all.push((name, Failures, true, Box::new(failures(tab))));
    }
    all
}
