//! The fields that the administrator added, and the rules, with invented data.

use super::{Sample, Section, customer_record::custom_fields, minutes};
use crate::{
    http::console::view::{
        field::{ChoiceRow, FieldPage, FieldsPage},
        rules::{Entry, GroupRule, RulesPage, RulesPreviewPage},
    },
    master::rules::{Example, Former, Preview, Progress},
    matching::survivorship::{Group, Rule, Rules, Then},
    model::custom::CustomKind,
};

fn fields() -> FieldsPage {
    let (retired, living) = custom_fields().0.into_iter().partition(|field| field.retired);
    FieldsPage { living, retired }
}

fn field(key: Option<&str>) -> FieldPage {
    let stands = key.and_then(|key| custom_fields().get(key).cloned());
    let row = |c: &crate::model::custom::Choice| ChoiceRow {
        key: c.key.clone(),
        ja: c.ja.clone(),
        en: c.en.clone(),
        retired: c.retired,
        kept: true,
    };
    let mut choices: Vec<ChoiceRow> = stands.iter().flat_map(|field| &field.choices).map(row).collect();
    choices.extend(std::iter::repeat_with(ChoiceRow::default).take(4));
    FieldPage {
        key: String::new(),
        kind: stands.as_ref().map_or(CustomKind::Text, |field| field.kind),
        label_ja: stands.as_ref().map(|field| field.label_ja.clone()).unwrap_or_default(),
        label_en: stands.as_ref().map(|field| field.label_en.clone()).unwrap_or_default(),
        required: stands.as_ref().is_some_and(|field| field.required),
        position: "1".into(),
        choices,
        errors: Vec::new(),
        filled: 214,
        stands,
    }
}

fn wrong() -> FieldPage {
    let mistake = |part: &str, code, value: &str| (part.to_owned(), code, value.to_owned());
    let errors = vec![
        mistake("label_ja", "REQUIRED", ""),
        mistake("key", "KEY_TAKEN", "grade"),
        mistake("choices", "FMT_KEY", "等級A"),
        mistake("choices", "CHOICE_TWICE", "a"),
    ];
    FieldPage { errors, key: "grade".into(), kind: CustomKind::Choice, ..field(None) }
}

fn entries() -> Vec<Entry> {
    let entry = |id: &str, kind: &str, name: &str| Entry { id: id.into(), kind: kind.into(), name: name.into() };
    vec![
        entry("sales", "sales", "販売管理"),
        entry("con_1", "sales", "販売管理(東京)"),
        entry("con_2", "sales", "販売管理(大阪)"),
        entry("accounting", "accounting", "会計"),
        entry("deals", "deals", "商談管理"),
        entry("sheet", "sheet", "表計算"),
        entry("generic", "generic", "その他"),
    ]
}

fn rule(order: &[&str], then: Then) -> Rule {
    Rule { order: order.iter().map(|one| (*one).to_owned()).collect(), then }
}

fn rules(running: bool) -> RulesPage {
    let mut changed = Rules::default();
    changed.set(Group::Contact, rule(&["con_1", "sales", "accounting"], Then::Longest));
    let former = |seq, rules: &Rules, back| Former {
        seq,
        rules: rules.clone(),
        actor: "高梨 拓".into(),
        at: minutes(back),
        restores: None,
    };
    RulesPage {
        seq: 2,
        rules: Group::ALL.into_iter().map(|group| GroupRule { group, rule: changed.of(group).clone() }).collect(),
        entries: entries(),
        progress: Some(Progress {
            seq: 2,
            cause: "rules".into(),
            actor: "高梨 拓".into(),
            state: if running { "running" } else { "done" }.into(),
            after_id: "cus_0400".into(),
            total: 1284,
            done: if running { 400 } else { 1284 },
            changed: 31,
            started_at: minutes(2).0,
            finished_at: (!running).then(|| minutes(1).0),
        }),
        history: vec![former(2, &changed, 2), former(1, &Rules::default(), 60 * 24 * 9)],
    }
}

fn preview(customers: usize) -> RulesPreviewPage {
    let example = |id: &str, name: &str, field: &str, before: &str, after: &str| Example {
        customer_id: id.into(),
        name: name.into(),
        field: field.into(),
        before: Some(before.into()),
        after: Some(after.into()),
    };
    let (before, after) = (Rules::default(), rule(&["accounting", "sales"], Then::Longest));
    let examples = vec![
        example("cus_0001", "株式会社朝凪電装", "phone", "053-000-0127", "053-000-0128"),
        example("cus_0002", "有限会社灯台商会", "mail", "info@toudai.example", "keiri@toudai.example"),
        example("cus_0003", "岬製作所株式会社", "phone", "03-0000-0003", "03-0000-0300"),
    ];
    RulesPreviewPage {
        seq: 2,
        restores: None,
        body: "{}".into(),
        changes: vec![(Group::Contact, before.of(Group::Contact).clone(), after)],
        preview: Preview {
            looked_at: 1118,
            cut: customers > 0,
            customers,
            fields: if customers > 0 { [("phone".into(), 42), ("mail".into(), 17)].into() } else { [].into() },
            examples: if customers > 0 { examples } else { Vec::new() },
        },
        entries: entries(),
    }
}

pub fn samples() -> Vec<Sample> {
    let section = Section::Settings;
    let same = RulesPreviewPage { changes: Vec::new(), ..preview(0) };
    let empty = FieldsPage { living: Vec::new(), retired: Vec::new() };
    vec![
        ("fields", section, true, Box::new(fields())),
        ("fields-empty", section, true, Box::new(empty)),
        ("field", section, true, Box::new(field(Some("grade")))),
        ("field-new", section, true, Box::new(wrong())),
        ("field-retired", section, true, Box::new(field(Some("region")))),
        ("rules", section, true, Box::new(rules(false))),
        ("rules-running", section, true, Box::new(rules(true))),
        ("rules-preview", section, true, Box::new(preview(51))),
        ("rules-preview-none", section, true, Box::new(preview(0))),
        ("rules-preview-same", section, true, Box::new(same)),
    ]
}
