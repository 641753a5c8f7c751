use super::{NOW, Sample, minutes};
use crate::{
    http::console::{
        Section::Webhooks,
        view::receiver::{ReceiverPage, ReceiverRow, SentAttempt, SentDetailPage, SentPage, SentRow},
    },
    model::Timestamp,
};

fn receiver(id: &str, name: &str, state: &str, failing: bool) -> ReceiverRow {
    ReceiverRow {
        id: id.into(),
        name: name.into(),
        url: "https://hooks.hinoki-seiki.example/musubi/receive".into(),
        state: state.into(),
        waiting: if failing { 41 } else { 0 },
        delivered: 1_204,
        dead: i64::from(failing) * 2,
        next_try: failing.then(|| NOW.plus(Timestamp::MINUTE * 4)),
        failing_since: failing.then(|| minutes(95)),
    }
}

fn row(state: &str, kind: &str, status: Option<i64>, cause: Option<&str>) -> SentRow {
    SentRow {
        receiver_id: "rcv_1".into(),
        receiver_name: "倉庫管理".into(),
        event_id: format!("evt_{state}"),
        at: minutes(12),
        kind: kind.into(),
        customer: Some(("cus_0001".into(), "株式会社朝凪電装".into())),
        state: state.into(),
        status,
        cause: cause.map(str::to_owned),
        attempts: 2,
        next_try: (state == "retrying").then(|| NOW.plus(Timestamp::MINUTE * 5)),
    }
}

fn sent() -> SentPage {
    SentPage {
        receivers: vec![
            receiver("rcv_1", "倉庫管理", "on", false),
            receiver("rcv_2", "配送手配", "on", true),
            receiver("rcv_3", "旧システム", "gone", false),
            receiver("rcv_4", "試験用", "paused", false),
        ],
        rows: vec![
            row("pending", "order.created", None, None),
            row("retrying", "invoice.updated", Some(503), Some("HOOK_BUSY")),
            row("delivered", "customer.updated", Some(204), None),
            row("dead", "order.deleted", Some(401), Some("HOOK_REFUSED")),
            SentRow { customer: None, event_id: "evt_5".into(), ..row("delivered", "webhook.test", Some(200), None) },
        ],
        receiver: "rcv_1".into(),
        state: String::new(),
        next: Some("/webhooks/sent?after=x".into()),
        retention_days: 30,
    }
}

fn detail() -> SentDetailPage {
    let attempt = |at, status, cause: Option<&str>, answer: Option<&str>| SentAttempt {
        at,
        status,
        cause: cause.map(str::to_owned),
        answer: answer.map(str::to_owned),
        took_ms: 184,
    };
    SentDetailPage {
        row: row("dead", "order.created", Some(401), Some("HOOK_REFUSED")),
        url: "https://hooks.hinoki-seiki.example/musubi/receive".into(),
        body: "{\n  \"type\": \"order.created\"\n}".into(),
        attempts: vec![
            attempt(minutes(3), Some(401), Some("HOOK_REFUSED"), Some("{\"error\":\"signature\"}")),
            attempt(minutes(12), None, Some("HOOK_TIMEOUT"), None),
        ],
    }
}

fn edit(error: Option<(&str, &str)>) -> ReceiverPage {
    ReceiverPage {
        row: Some(receiver("rcv_2", "配送手配", "on", true)),
        name: "配送手配".into(),
        url: "https://hooks.hinoki-seiki.example/musubi/receive".into(),
        wishes: vec!["customer.*".into(), "order.created".into()],
        in_order: true,
        secret: error.is_none().then(|| "whsec_bWlob24tbm8taGltaXRzdS1uby1hdGFpLTIwMjY=".into()),
        rotated_until: Some(NOW.plus(Timestamp::DAY)),
        error: error.map(|(field, code)| (field.into(), code.into())),
        ..ReceiverPage::default()
    }
}

pub fn samples() -> Vec<Sample> {
    let empty = SentPage { receivers: vec![], rows: vec![], ..sent() };
    let fresh = ReceiverPage { wishes: vec!["order.*".into()], ..ReceiverPage::default() };
    let gone = ReceiverPage { row: Some(receiver("rcv_3", "旧システム", "gone", false)), ..edit(None) };
    vec![
        ("sent", Webhooks, true, Box::new(sent())),
        ("sent-empty", Webhooks, true, Box::new(empty)),
        ("sent-detail", Webhooks, true, Box::new(detail())),
        ("receiver", Webhooks, true, Box::new(edit(None))),
        ("receiver-gone", Webhooks, true, Box::new(gone)),
        ("receiver-wrong", Webhooks, true, Box::new(edit(Some(("url", "RECEIVER_PRIVATE"))))),
        ("receiver-new", Webhooks, true, Box::new(fresh)),
    ]
}
