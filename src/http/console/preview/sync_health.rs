use super::{NOW, Sample, Section, minutes};
use crate::{
    connection::{Level, freshness::Hour},
    http::console::view::{
        connection_watch::{Person, WatchPage},
        status::{State, Status},
        sync_health::{HOURS, Happened, HealthRow, LevelShown, SyncHealthPage},
    },
    model::Timestamp,
};

pub fn level(target: Option<i64>, rate: i64, left: i64, out_in: Option<i64>) -> LevelShown {
    let target = target.map(|minutes| minutes * Timestamp::MINUTE);
    LevelShown(Level { target, objective: 9_950, rate: Some(rate), left, out_in })
}

fn row(
    name: &str,
    kind: &str,
    facts: &str,
    status: Status,
    back: i64,
    level: LevelShown,
    lag: Option<i64>,
) -> HealthRow {
    let hours = |bad: &[usize], partial: &[usize]| -> [Hour; HOURS] {
        std::array::from_fn(|n| match n {
            n if bad.contains(&n) => Hour::Bad,
            n if partial.contains(&n) => Hour::Partial,
            _ => Hour::Good,
        })
    };
    HealthRow {
        id: format!("con_{kind}"),
        name: name.into(),
        kind: kind.into(),
        facts: facts.into(),
        state: State::from(status),
        ok_at: Some(minutes(back)),
        level,
        lag: lag.map(|minutes| minutes * Timestamp::MINUTE),
        hours: match status {
            Status::Delayed => hours(&[22, 23], &[]),
            Status::Partial => hours(&[15], &[22]),
            _ => hours(&[], &[]),
        },
        waiting: back % 22,
    }
}

fn health() -> SyncHealthPage {
    let happened = |back, tone, text: &str, sub: &str| Happened {
        at: minutes(back),
        tone,
        connection_id: "con_2".into(),
        name: "会計システム".into(),
        text: text.into(),
        sub: sub.into(),
    };
    SyncHealthPage {
        rows: vec![
            row("価格表", "sheet", "8:00", Status::Delayed, 1_570, level(Some(1_440), 9_670, 0, Some(0)), None),
            row("会計システム", "accounting", "15", Status::Partial, 14, level(Some(30), 9_959, 18, Some(4)), Some(9)),
            row("販売管理システム", "sales", "1", Status::Healthy, 2, level(Some(10), 9_998, 96, None), Some(1)),
            row("商談管理", "deals", "1", Status::Healthy, 1, level(Some(10), 9_995, 90, None), Some(1)),
            row("分析", "bi", "60", Status::Healthy, 38, level(None, 10_000, 100, None), Some(4)),
        ],
        needs: vec!["価格表 26h.".into(), "会計システム 8.".into()],
        start: Some("/connections/con_sheet".into()),
        taken: (8_412, 7_936),
        failed: 12,
        open_failures: 12,
        lag: Some(7 * Timestamp::MINUTE),
        lags: (0..24)
            .map(|n| {
                let lag = (n != 5).then(|| if n == 15 { 36 } else { 5 + n * 7 % 6 });
                (NOW.plus((n - 23) * Timestamp::HOUR), lag.map(|minutes| minutes * Timestamp::MINUTE))
            })
            .collect(),
        happened: vec![happened(14, "bad", "FMT_REGNO", "8"), happened(700, "ok", "429", "02:15")],
        auto: true,
    }
}

fn watch() -> WatchPage {
    let person = |id: &str, name: &str, told| Person {
        id: id.into(),
        name: name.into(),
        mail: format!("{id}@hinoki-seiki.example"),
        told,
    };
    WatchPage {
        id: "con_2".into(),
        name: "会計システム".into(),
        kind: "accounting".into(),
        revision: 1,
        mode: "own".into(),
        of_plan: Some(45 * Timestamp::MINUTE),
        number: "30".into(),
        unit: "m".into(),
        objective: String::new(),
        configured: "99.5%".into(),
        level: level(Some(30), 9_959, 18, Some(4)),
        people: vec![person("takanashi", "高梨 拓", true), person("kishi", "岸 真帆", false)],
        caretaker: "kishi".into(),
        kinds: vec![("needs_action", true), ("late", true), ("recovered", false)],
        no_mail: false,
        receivers: vec!["倉庫管理".into()],
        errors: Vec::new(),
    }
}

pub fn samples() -> Vec<Sample> {
    let wrong = WatchPage {
        number: "0".into(),
        no_mail: true,
        receivers: Vec::new(),
        errors: vec![("number", "FRESHNESS_TARGET"), ("objective", "FRESHNESS_OBJECTIVE")],
        ..watch()
    };
    let empty = SyncHealthPage { rows: vec![], needs: vec![], happened: vec![], ..health() };
    let well = SyncHealthPage {
        needs: vec![],
        start: None,
        lags: vec![],
        lag: None,
        happened: vec![],
        auto: false,
        rows: health().rows.split_off(2),
        ..health()
    };
    vec![
        ("sync-health", Section::Sync, true, Box::new(health())),
        ("sync-health-well", Section::Sync, true, Box::new(well)),
        ("sync-health-empty", Section::Sync, true, Box::new(empty)),
        ("connection-watch", Section::Connections, true, Box::new(watch())),
        ("connection-watch-wrong", Section::Connections, true, Box::new(wrong)),
    ]
}
