use musubi_files::{Account, Encoding, Format, Layout, roles::Guess};
use musubi_sdk::noun::Noun;

use super::{Sample, minutes};
use crate::{
    http::console::{
        Section::Connections,
        view::{
            export::ExportPage,
            import::{ColumnRow, ImportPage, ImportRow, ImportsPage},
        },
    },
    imports::{Counts, Plan, Report, Shown, Undone},
    store::import::Reject,
};

fn counts() -> Counts {
    Counts { records: 1212, new: 1180, updated: 32, unchanged: 4, rejected: 3, conflicts: 0 }
}

fn report() -> Report {
    let change = |field: &str, before: Option<&str>, after: &str| crate::imports::Change {
        field: field.into(),
        before: before.map(str::to_owned),
        after: Some(after.into()),
    };
    Report {
        rows: Account {
            rows: 1224,
            taken: 1216,
            rejected: 3,
            blank: 1,
            title: 2,
            heading: 1,
            heading_again: 0,
            total: 1,
        },
        counts: counts(),
        first: vec![
            Shown {
                line: 4,
                label: "㈱髙﨑商店".into(),
                what: "new".into(),
                customer: None,
                changes: vec![change("name", None, "㈱髙﨑商店"), change("phone", None, "03-0000-0001")],
            },
            Shown {
                line: 5,
                label: "株式会社朝凪電装".into(),
                what: "updated".into(),
                customer: Some(("cus_0001".into(), "株式会社朝凪電装".into())),
                changes: vec![change("closing_day", Some("20"), "末日")],
            },
        ],
        conflicts: Vec::new(),
        causes: vec![("FMT_REGNO".into(), 2), ("DUP_ROW".into(), 1)],
    }
}

fn import(state: &str) -> ImportPage {
    let names = ["得意先コード", "得意先名", "電話", "備考"];
    let roles = [Some("code"), Some("name"), Some("phone"), None];
    let columns: Vec<Guess> = roles
        .iter()
        .map(|r| Guess { role: r.map(str::to_owned), confidence: if *r == Some("phone") { 62 } else { 95 } })
        .collect();
    let layout = Layout {
        format: Format::Delimited { encoding: Encoding::Cp932, delimiter: ',' },
        sheet: None,
        heading: 3,
        columns: names.map(str::to_owned).to_vec(),
    };
    let rows = names.iter().zip(&columns).map(|(name, guess)| ColumnRow {
        name: (*name).to_owned(),
        values: vec!["00123".into(), "㈱髙﨑商店".into()],
        role: guess.role.clone(),
        confidence: guess.confidence,
    });
    let done = matches!(state, "applied" | "undone");
    ImportPage {
        id: format!("imp_{state}"),
        name: "得意先一覧_202604.csv".into(),
        size: 182_400,
        state: state.into(),
        source: "基幹システム".into(),
        actor: Some("佐伯 薫".into()),
        at: minutes(4),
        columns: if done { Vec::new() } else { rows.collect() },
        plan: Plan::new(layout, Noun::Customer, columns),
        sheets: Vec::new(),
        top: Vec::new(),
        sources: vec!["基幹システム".into()],
        report: (state != "draft" && state != "checking").then(report),
        rejects: if state == "ready" {
            let cells = r#"["00125","潮見工業","",""]"#.to_owned();
            let reject = |line, cause: &str, value: &str| Reject {
                line,
                cause: cause.into(),
                column_name: Some("登録番号".into()),
                value: Some(value.into()),
                cells: cells.clone(),
            };
            vec![reject(7, "FMT_REGNO", "T1234567890123"), reject(8, "DUP_ROW", "00123 (4)")]
        } else {
            Vec::new()
        },
        undone: (state == "undone").then_some(Undone { removed: 1180, restored: 31, kept: 1 }),
        kept: if state == "undone" { vec![("00124".into(), "株式会社朝凪電装".into())] } else { Vec::new() },
        done: 640,
        run: done.then(|| "run_1".to_owned()),
        cause: None,
        detail: None,
    }
}

fn list() -> ImportsPage {
    let row = |state: &str, counts| ImportRow {
        id: format!("imp_{state}"),
        name: format!("得意先一覧_{state}.csv"),
        stream: "customers".into(),
        state: state.into(),
        actor: Some("佐伯 薫".into()),
        at: minutes(40),
        counts,
    };
    ImportsPage {
        rows: vec![
            row("applied", Some(counts())),
            row("ready", Some(counts())),
            row("failed", None),
            row("undone", None),
        ],
        sources: vec!["基幹システム".into()],
        error: Some("FILE_OLD_EXCEL".into()),
        max_mib: 100,
    }
}

pub fn samples() -> Vec<Sample> {
    let loss = |line, character| musubi_files::write::Loss { line, column: "得意先名".into(), character };
    let export = |lost| ExportPage {
        count: 1284,
        filter: "q=浜松".into(),
        fields: vec![("q".into(), "浜松".into())],
        lost,
        losses: if lost > 0 { vec![loss(12, '鷗'), loss(40, '𠮷')] } else { Vec::new() },
    };
    vec![
        ("imports", Connections, true, Box::new(list())),
        ("import-draft", Connections, true, Box::new(import("draft"))),
        ("import-ready", Connections, true, Box::new(import("ready"))),
        ("import-working", Connections, true, Box::new(import("applying"))),
        ("import-applied", Connections, true, Box::new(import("applied"))),
        ("import-undone", Connections, true, Box::new(import("undone"))),
        ("export", Connections, true, Box::new(export(0))),
        ("export-loss", Connections, true, Box::new(export(2))),
    ]
}
