use super::{Sample, Section, minutes};
use crate::http::console::view::mapping::{
    Difference, Draft, Finding, Line, MappingPage, Panel, Preview, Rehearsal, Row, Step, Tally, Unused, Verdict,
    Version, View,
};

fn row(field: &str, title: &str, kind: &'static str, path: Option<&str>, steps: &[&str], bad: usize) -> Row {
    Row {
        field: field.into(),
        title: title.into(),
        full: title.into(),
        kind,
        required: matches!(field, "number" | "customer" | "issue_date" | "total"),
        nested: field.contains('/'),
        choices: path.iter().map(|path| ((*path).to_owned(), "INV-26-1241".to_owned())).collect(),
        path: path.map(str::to_owned),
        steps: steps.iter().map(|s| (*s).to_owned()).collect(),
        tally: path.map(|_| Tally { filled: 20 - bad, empty: 0, bad }),
        chosen: field == "registration_number",
        changed: field == "registration_number",
        ..Row::default()
    }
}

fn line(title: &str, raw: &str, value: &str, changed: bool) -> Line {
    Line { title: title.into(), raw: raw.into(), value: value.into(), changed, cause: None }
}

fn page() -> MappingPage {
    MappingPage {
        id: "con_2".into(),
        name: "会計システム".into(),
        kind: "accounting".into(),
        stream: "invoices".into(),
        streams: vec![("partners".into(), false), ("invoices".into(), true), ("payments".into(), false)],
        version: 14,
        published: Some(("高梨 拓".into(), minutes(70_000))),
        draft: Some(Draft { who: "高梨 拓".into(), at: minutes(4), revision: 3 }),
        next_version: 15,
        rows: vec![
            row("number", "請求番号", "text", Some("invoice_number"), &["trim"], 0),
            row("customer", "得意先", "text", Some("partner_id"), &[], 0),
            row("issue_date", "請求日", "date", Some("billing_date"), &["日付"], 0),
            row("due_date", "支払期日", "date", Some("due_date"), &["日付"], 0),
            row("total", "税込合計", "decimal", Some("total_amount"), &["数値"], 0),
            row(
                "registration_number",
                "登録番号",
                "text",
                Some("partner_registration_no"),
                &["全角→半角", "空白を除く"],
                1,
            ),
            row("lines", "明細", "lines", Some("details"), &[], 0),
            row("lines/quantity", "数量", "decimal", Some("qty"), &[], 0),
            row("corrects", "訂正元の番号", "text", None, &[], 0),
        ],
        unused: vec![Unused { path: "memo".into(), example: "締:末日/翌末".into() }],
        verdict: Some(Verdict { total: 20, good: 19 }),
        found: vec![Finding {
            index: 12,
            label: "INV-26-1188".into(),
            field: "registration_number".into(),
            field_title: "登録番号".into(),
            cause: "FMT_REGNO".into(),
            value: "T900990100009".into(),
        }],
        preview: Some(Preview {
            index: 7,
            total: 20,
            label: "INV-26-1241 株式会社翡翠精密".into(),
            lines: vec![
                line("請求番号", "INV-26-1241", "INV-26-1241", false),
                line("請求日", "2026-11-20", "2026-11-20", false),
                line("税込合計", "1265000", "1265000", false),
                line("登録番号", "T9009901 000098", "T9009901000098", true),
                Line { cause: Some("FMT_DATE".into()), ..line("支払期日", "来月末", "", false) },
            ],
            good: true,
            before: false,
            json: "{\n  \"invoice_number\": \"INV-26-1241\"\n}".into(),
            veiled: false,
        }),
        panel: Some(Panel {
            field: "registration_number".into(),
            title: "登録番号".into(),
            paths: vec!["partner_registration_no".into()],
            raw: Some("T9009901 000098".into()),
            steps: vec![
                Step { words: "全角→半角".into(), result: Some(Ok("T9009901 000098".into())) },
                Step { words: "空白を除く".into(), result: Some(Ok("T9009901000098".into())) },
            ],
            check: None,
            ..Panel::default()
        }),
        pulls: true,
        differences: vec![Difference {
            title: "登録番号".into(),
            before: "partner_registration_no".into(),
            after: "partner_registration_no → 全角→半角 → 空白を除く".into(),
        }],
        open_failures: 8,
        command: "musubi connection mapping con_2 invoices".into(),
        ..MappingPage::default()
    }
}

pub fn samples() -> Vec<Sample> {
    use Section::Connections;
    let version = |version, who: Option<&str>, comment: Option<&str>| Version {
        version,
        who: who.map(str::to_owned),
        at: who.map(|_| minutes(70_000)),
        comment: comment.map(str::to_owned),
        changed: 2,
        holds: version == 14,
    };
    let adding = |name: &str| {
        let panel = page().panel.map(|panel| Panel { adding: Some(name.into()), known: vec!["open".into()], ..panel });
        MappingPage { panel, ..page() }
    };
    let rehearsal = Rehearsal { read: 100, new: 4, updated: 90, unchanged: 5, parked: 0, failed: 1, alike: 1 };
    vec![
        ("mapping", Connections, true, Box::new(page())),
        ("mapping-diff", Connections, true, Box::new(MappingPage { view: View::Differences, ..page() })),
        (
            "mapping-versions",
            Connections,
            true,
            Box::new(MappingPage {
                view: View::Versions,
                versions: vec![version(14, Some("高梨 拓"), Some("空白の入った番号")), version(1, None, None)],
                ..page()
            }),
        ),
        ("mapping-publish", Connections, true, Box::new(MappingPage { view: View::Publish, ..page() })),
        ("mapping-rehearsed", Connections, true, Box::new(MappingPage { rehearsal: Some(rehearsal), ..page() })),
        ("mapping-values", Connections, true, Box::new(adding("values"))),
        ("mapping-part", Connections, true, Box::new(adding("part"))),
        ("mapping-replace", Connections, true, Box::new(adding("replace"))),
        (
            "mapping-new",
            Connections,
            true,
            Box::new(MappingPage {
                published: None,
                draft: None,
                preview: None,
                panel: None,
                verdict: None,
                found: vec![],
                problems: vec![("number".into(), "必須の項目です".into())],
                error: Some("正規表現を読めません".into()),
                trouble: Some(("SRC_TIMEOUT".into(), "the source takes too long to answer".into())),
                ..page()
            }),
        ),
        ("mapping-overtaken", Connections, true, Box::new(MappingPage { overtaken: true, ..page() })),
    ]
}
