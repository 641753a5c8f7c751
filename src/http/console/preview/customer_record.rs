//! One customer's record with invented data: the form, a stale form, one value, the past.

use super::{
    Sample, Section,
    customer::{overview, source},
    minutes,
};
use crate::{
    analytics::{
        customer::MasterValue,
        past::{Document, Past},
        why::{Moment, Offer, Typed, Why},
    },
    http::console::view::{
        customer_edit::{Changer, CustomerEditPage, EditField, Overtaken, StalePage},
        customer_past::PastPage,
        customer_value::ValuePage,
    },
    matching::survivorship::{Group, Rule},
    model::{
        Shown,
        custom::{Choice, CustomKind, Definition, Definitions},
        money::Currency,
        record::CUSTOMER_FIELDS,
    },
};

/// Fields that the administrator of the samples added.
pub fn custom_fields() -> Definitions {
    let choice =
        |key: &str, ja: &str, en: &str, retired| Choice { key: key.into(), ja: ja.into(), en: en.into(), retired };
    let field = |key: &str, kind, label_ja: &str, label_en: &str, position, retired| Definition {
        key: key.into(),
        kind,
        label_ja: label_ja.into(),
        label_en: label_en.into(),
        required: key == "grade",
        choices: Vec::new(),
        position,
        seq: 1,
        retired,
    };
    let mut grade = field("grade", CustomKind::Choice, "等級", "Grade", 1, false);
    grade.choices = vec![
        choice("a", "重点", "Key account", false),
        choice("b", "一般", "Regular", false),
        choice("z", "旧", "Old", true),
    ];
    Definitions(vec![
        grade,
        field("since", CustomKind::Date, "取引開始日", "Customer since", 2, false),
        field("budget", CustomKind::Money, "年間予算", "Yearly budget", 3, false),
        field("invoice_by_mail", CustomKind::Flag, "請求書の郵送", "Invoice by mail", 4, false),
        field("region", CustomKind::Text, "旧担当地域", "Former region", 5, true),
    ])
}

fn fields() -> Vec<EditField> {
    let master = overview().master;
    let definitions = custom_fields();
    let added = definitions.living().map(Definition::field).collect::<Vec<_>>();
    let field = |name: String| {
        let stands = master.iter().find(|m| m.field == name);
        let value = stands.map(|m| m.value.to_string()).unwrap_or_default();
        EditField {
            seen: value.clone(),
            hidden: name == "credit_limit",
            value,
            error: (name == "corporate_number").then_some("FMT_CORPNO"),
            overtaken: None,
            source: stands.map(|m| m.source.clone()),
            pinned: name == "address",
            added: definitions.of_field(&name).cloned(),
            name,
        }
    };
    CUSTOMER_FIELDS.into_iter().map(str::to_owned).chain(added).map(field).collect()
}

fn edited() -> CustomerEditPage {
    CustomerEditPage {
        customer: Some(("cus_0001".into(), "株式会社朝凪電装".into())),
        fields: fields(),
        departments: vec!["営業一課".into(), "東京支店".into()],
        pinned: false,
        kind: None,
    }
}

/// Somebody and a system were faster; one more value was typed besides.
fn stale() -> StalePage {
    let mut fields = fields();
    for field in &mut fields {
        let overtaken = |now: &str, by| Some(Overtaken { now: now.into(), by: Some((by, minutes(2))) });
        match field.name.as_str() {
            "phone" => {
                field.value = "053-000-0199".into();
                field.overtaken = overtaken("053-000-0128", Changer::Person("高梨".into()));
            }
            "custom.grade" => {
                field.value = "b".into();
                field.overtaken = overtaken("a", Changer::System("販売管理システム".into()));
            }
            "mail" => field.value = "keiri@asanagi.example".into(),
            _ => {}
        }
        field.error = None;
    }
    StalePage { id: "cus_0001".into(), name: "株式会社朝凪電装".into(), fields, pinned: false }
}

fn value() -> ValuePage {
    let offer = |kind: &str, text: &str, rank, stands, back| Offer {
        source: source(kind),
        value: text.into(),
        at: minutes(back),
        external_id: "1-000127".into(),
        rank,
        stands,
    };
    let moment =
        |text: Option<&str>, kind: Option<&str>, actor: Option<&str>, reason: &str, from, to: Option<i64>| Moment {
            value: text.map(Shown::from),
            from: minutes(from),
            to: to.map(minutes),
            source: kind.map(source),
            actor: actor.map(str::to_owned),
            reason: reason.into(),
            run_id: None,
            seq: 3,
        };
    let address = "静岡県浜松市浜名区みなみ台2-14";
    let stands = overview().master.into_iter().find(|m| m.field == "address");
    ValuePage {
        id: "cus_0001".into(),
        name: "株式会社朝凪電装".into(),
        why: Why {
            field: "address".into(),
            group: Group::Address,
            rule: Rule::default(),
            stands,
            offers: vec![
                offer("accounting", address, 0, true, 60 * 24 * 3),
                offer("sales", "静岡県浜松市中央区みなみ台2-4-1", 1, false, 60 * 24 * 30),
            ],
            typed: None,
            history: vec![
                moment(Some(address), Some("accounting"), None, "source", 60 * 24 * 3, None),
                moment(
                    Some("静岡県浜松市中央区みなみ台2-4-1"),
                    None,
                    Some("高梨 拓"),
                    "edited",
                    60 * 24 * 30,
                    Some(60 * 24 * 3),
                ),
                moment(None, Some("sales"), None, "created", 60 * 24 * 90, Some(60 * 24 * 30)),
            ],
            cut: false,
        },
        rule: "会計 → 販売管理".into(),
        warnings: Vec::new(),
        currency: Currency::JPY,
    }
}

/// Pinned, with a source that says what cannot be taken.
fn pinned_value() -> ValuePage {
    let mut page = value();
    page.why.field = "custom.since".into();
    page.why.group = Group::Custom;
    page.why.offers.clear();
    page.why.typed =
        Some(Typed { value: Some("2019-09-03".into()), actor: "高梨 拓".into(), at: minutes(90), pinned: true });
    page.why.stands = page.why.stands.map(|stands| MasterValue {
        field: "custom.since".into(),
        value: "2019-09-03".into(),
        source: source("hub"),
        why: "pinned".into(),
        ..stands
    });
    page.why.history.truncate(1);
    page.why.history[0].value = Some("2019-09-03".into());
    page.warnings = overview().warnings;
    page
}

fn past() -> PastPage {
    let o = overview();
    let mut values: Vec<(String, Shown)> = o.master.iter().map(|m| (m.field.clone(), m.value.clone())).collect();
    let now = values.clone();
    for (field, value) in &mut values {
        if field == "address" {
            *value = "静岡県浜松市中央区みなみ台2-4-1".into();
        }
    }
    values.pop();
    let document = |kind, number: &str, date: &str, total: Option<i64>, from: &str| Document {
        id: format!("ord_{number}"),
        kind,
        number: Some(number.into()),
        date: date.into(),
        status: Some("open".into()),
        total,
        currency: Currency::JPY,
        source: source(from),
    };
    PastPage {
        id: o.id,
        name: o.name.clone(),
        at: minutes(60 * 24 * 50),
        past: Some(Past {
            at: minutes(60 * 24 * 50),
            seq: 3,
            from: minutes(60 * 24 * 80),
            to: Some(minutes(60 * 24 * 20)),
            kind: o.kind,
            name: o.name,
            currency: Currency::JPY,
            values,
            sites: o.sites,
            contacts: o.contacts,
            documents: vec![
                document("order", "SO-26-11503", "2026-09-28", Some(684_000), "sales"),
                document("shipment", "SH-26-0921", "2026-09-21", None, "sales"),
                document("credit_note", "CN-26-031", "2026-09-12", Some(-12_000), "accounting"),
                document("invoice", "INV-26-1010", "2026-09-10", Some(2_840_200), "accounting"),
                document("payment", "", "2026-09-05", Some(3_102_000), "accounting"),
            ],
            counts: [396, 371, 244, 238],
        }),
        now,
        wrong: false,
    }
}

pub fn samples() -> Vec<Sample> {
    let section = Section::Customers;
    vec![
        ("customer-edit", section, true, Box::new(edited())),
        ("customer-stale", section, true, Box::new(stale())),
        ("customer-value", section, true, Box::new(value())),
        ("customer-value-pinned", section, true, Box::new(pinned_value())),
        ("customer-past", section, true, Box::new(past())),
        ("customer-past-unknown", section, true, Box::new(PastPage { past: None, wrong: true, ..past() })),
        (
            "customer-new",
            section,
            true,
            Box::new(CustomerEditPage { customer: None, kind: Some("person".into()), ..edited() }),
        ),
    ]
}
