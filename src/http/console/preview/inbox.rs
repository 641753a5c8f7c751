use super::{NOW, minutes};
use crate::{
    http::console::view::{
        failure::{self, CauseGroup, FailureDetail, FailureRow, FailuresPage, PayloadLine},
        webhook::{Changed, Refusal, WebhookPage, WebhookRow, WebhooksPage},
    },
    model::Timestamp,
};

fn failure(id: &str, stream: &str, label: &str, line: &str, kind: &str, back: i64) -> FailureRow {
    FailureRow {
        id: id.into(),
        kind: kind.into(),
        connection_name: "会計システム".into(),
        stream: stream.into(),
        label: label.into(),
        line: line.into(),
        at: minutes(back),
    }
}

fn detail(state: failure::Tab) -> FailureDetail {
    let line = |number: Option<usize>, class, before: &str, marked: &str, after: &str| PayloadLine {
        number,
        class,
        before: before.into(),
        marked: marked.into(),
        after: after.into(),
    };
    FailureDetail {
        row: failure("fai_1", "invoices", "INV-26-1241", "株式会社翡翠精密・¥1,265,000", "accounting", 14),
        cause: "FMT_REGNO".into(),
        connection_id: "con_2".into(),
        run: Some(("run_1".into(), 48212)),
        attempts: 2,
        field: Some("registration_number".into()),
        value: Some("T9009901 000098".into()),
        veiled: state == failure::Tab::Ignored,
        payload: vec![
            line(Some(6), "", "\"invoice_number\": \"INV-26-1241\",", "", ""),
            line(Some(7), "", "\"total_amount\": \"1265000\",", "", ""),
            line(Some(8), "del", "\"partner_registration_no\": \"", "T9009901 000098", "\","),
            line(None, "add", "\"registration_no\": \"", "T9009901000098", "\","),
            line(Some(9), "", "\"due_date\": \"2026-12-31\",", "", ""),
        ],
        payload_fields: 23,
        payload_all: "{\n  \"invoice_number\": \"INV-26-1241\"\n}".into(),
        tries: vec![
            failure::Attempt {
                at: minutes(12),
                trigger: "manual".into(),
                actor: Some("高梨".into()),
                run: None,
                cause: "FMT_REGNO".into(),
            },
            failure::Attempt {
                at: minutes(14),
                trigger: "schedule".into(),
                actor: None,
                run: Some(("run_1".into(), 48212)),
                cause: "FMT_REGNO".into(),
            },
        ],
        state,
        next_try: (state == failure::Tab::Retrying).then(|| NOW.plus(Timestamp::MINUTE * 3)),
        note: (state == failure::Tab::Ignored).then(|| "重複".into()),
        same_cause: 8,
        mendable: true,
        mapping: Some("/connections/con_2/mapping/invoices?f=registration_number#panel".into()),
        preview: (state == failure::Tab::Retrying).then_some((8, 0)),
        command: "musubi failure replay --cause FMT_REGNO --dry-run".into(),
    }
}

pub fn failures(tab: failure::Tab) -> FailuresPage {
    FailuresPage {
        opened: true,
        tab,
        counts: [12, 3, 27, 318],
        q: String::new(),
        connection: String::new(),
        connections: vec![("con_2".into(), "会計システム".into())],
        groups: vec![
            CauseGroup {
                cause: "FMT_REGNO".into(),
                count: 8,
                rows: vec![
                    detail(tab).row,
                    failure("fai_2", "invoices", "INV-26-1238", "有限会社たちあおい製作所・¥702,900", "accounting", 14),
                    failure("fai_3", "invoices", "INV-26-1236", "株式会社オリオン函装・¥968,000", "accounting", 14),
                ],
            },
            CauseGroup {
                cause: "REF_CUSTOMER_MISSING".into(),
                count: 1,
                rows: vec![failure("fai_4", "orders", "SO-26-11861", "C-0O733", "sales", 43)],
            },
        ],
        detail: Some(detail(tab)),
        last_check: Some(minutes(3)),
    }
}

fn hook(state: &str, duplicates: i64) -> WebhookRow {
    WebhookRow {
        id: "inb_1".into(),
        at: minutes(22),
        kind: "accounting".into(),
        connection_name: "会計システム".into(),
        event: Some("invoice.updated".into()),
        object: Some("INV-26-1241".into()),
        state: state.into(),
        cause: (state == "failed").then(|| "FMT_REGNO".into()),
        attempts: 1,
        duplicates,
        took: (state == "applied").then_some(184_000),
        next_try: (state == "pending").then(|| NOW.plus(Timestamp::MINUTE)),
    }
}

pub fn webhooks() -> WebhooksPage {
    let refusal = Refusal {
        at: minutes(40),
        kind: "accounting".into(),
        connection_name: "会計システム".into(),
        cause: "HOOK_SIGNATURE_WRONG".into(),
        detail: "X-Signature".into(),
        times: 3,
    };
    WebhooksPage {
        rows: vec![hook("applied", 2), hook("pending", 0), hook("failed", 0), hook("ignored", 0)],
        refusals: vec![refusal],
        connection: "con_2".into(),
        connections: vec![("con_2".into(), "会計システム".into())],
        state: String::new(),
        next: Some("?after=x".into()),
        retention_days: 30,
        addresses: vec![("会計システム".into(), "https://hub.example/hooks/con_2".into())],
        test_command: "curl -X POST https://hub.example/hooks/con_2".into(),
    }
}

pub fn webhook() -> WebhookPage {
    WebhookPage {
        row: hook("failed", 1),
        connection_id: "con_2".into(),
        delivery_id: "d-5530917".into(),
        headers: vec![("X-Signature".into(), "••••".into()), ("Content-Type".into(), "application/json".into())],
        body: "{\n  \"type\": \"invoice.updated\"\n}".into(),
        body_bytes: 1204,
        run: Some(("run_1".into(), 48212)),
        changed: vec![Changed {
            customer_id: "cus_0001".into(),
            customer_name: "株式会社朝凪電装".into(),
            label: "INV-26-1207".into(),
        }],
        may_replay: true,
    }
}
