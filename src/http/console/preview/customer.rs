use std::collections::HashMap;

use super::{Sample, Section, entries::entries, minutes};
use crate::{
    analytics::{
        Basis, Health,
        customer::{Contact, Figures, Freshness, MasterValue, Month, Overview, Site, Source, Trouble},
        directory::{Answer, MatchedOn},
        timeline::{Counts, Detail, Event, Kind, Timeline},
    },
    http::console::view::{
        activity::{ActivityForm, ActivityPage},
        customer::{Conflict, CustomerPage, HistoryQuery},
        customers::{Column, CustomersPage, ListQuery, SavedTab},
    },
    model::{Shown, money::Currency},
};

fn query_columns(query: &str) -> Vec<Column> {
    ListQuery::parse(query).columns.unwrap_or_else(|| Column::USUAL.to_vec())
}

fn customers(query: &str, rows: usize) -> CustomersPage {
    let found = query.contains("q=");
    let texts = |list: &[(&str, usize)]| list.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect::<Vec<_>>();
    CustomersPage {
        query: ListQuery::parse(query),
        answer: Answer {
            total: if rows == 0 { 0 } else { 1175 },
            of: 1284,
            rows: entries().into_iter().take(rows).map(|e| (e, found.then_some(MatchedOn::Phone))).collect(),
            health: vec![
                (Health::Good, 812),
                (Health::Watch, 214),
                (Health::Act, 41),
                (Health::New, 73),
                (Health::Dormant, 144),
            ],
            industry: texts(&[
                ("金属加工", 186),
                ("産業機械", 142),
                ("電気機器", 118),
                ("食品加工", 97),
                ("包装資材", 61),
                ("化学", 50),
                ("建設", 20),
            ]),
            department: texts(&[("営業一課", 604), ("営業二課", 571), ("-", 109)]),
            owner: texts(&[("佐伯", 420), ("大野", 388), ("-", 12)]),
            source: texts(&[("sales", 1204), ("accounting", 1118)]),
            stage: vec![(true, 37), (false, 1247)],
        },
        tab_counts: [1284, 148, 96, 23],
        saved: vec![SavedTab {
            id: "viw_1".into(),
            name: "名寄せ候補あり".into(),
            shared: true,
            count: 34,
            href: "/customers?view=viw_1".into(),
            current: false,
        }],
        saved_total: 1,
        current: None,
        columns: query_columns(query),
        dense: false,
        custom: HashMap::new(),
        may_save: true,
        connections: 2,
        loading: false,
    }
}

pub fn source(kind: &str) -> Source {
    let (id, name) = match kind {
        "sales" => (Some("con_1"), "販売管理システム"),
        "accounting" => (Some("con_2"), "会計システム"),
        _ => (None, "結び"),
    };
    Source { connection_id: id.map(str::to_owned), name: name.to_owned(), kind: kind.to_owned() }
}

pub(super) fn overview() -> Overview {
    let months = [262, 218, 293, 462, 235, 247, 312, 287, 240, 359, 345, 360];
    let before = [233, 206, 252, 399, 223, 210, 266, 272, 202, 296, 302, 311];
    let orders = [6, 5, 7, 9, 5, 6, 7, 6, 5, 8, 8, 7];
    let label = |index: usize| if index == 0 { "2025-12".to_owned() } else { format!("2026-{index:02}") };
    Overview {
        id: "cus_0001".into(),
        seq: 7,
        kind: "corporation".into(),
        code: Some("C-00127".into()),
        name: "株式会社朝凪電装".into(),
        name_kana: Some("アサナギデンソウ".into()),
        city: Some("静岡県浜松市".into()),
        industry: Some("電気機器".into()),
        department: Some("営業一課".into()),
        owner: Some("佐伯".into()),
        prospect: false,
        converted_at: None,
        relations: super::customer_open::relations(),
        sample: true,
        figures: Figures {
            basis: Basis::Invoiced,
            currency: Currency::JPY,
            sales_12m: 36_184_500,
            sales_prev_12m: 31_630_000,
            orders_12m: 79,
            order_average: Some(458_032),
            receivable: 5_942_200,
            overdue: 0,
            last_contact: Some("2026-11-19".into()),
            last_contact_kind: Some("visit".into()),
            ltv: 182_400_000,
            first_order: Some("2019-09-03".into()),
            rfm: Some((5, 5, 4)),
            health: Health::Good,
            health_reasons: vec![("contact_days".into(), 1)],
            months: (0..12)
                .map(|i| Month {
                    month: label(i),
                    sales: months[i] * 10_000,
                    sales_last_year: before[i] * 10_000,
                    orders: orders[i],
                })
                .collect(),
        },
        master: master(),
        warnings: vec![Trouble {
            field: "custom.since".into(),
            source: source("sales"),
            value: "昭和の頃".into(),
            code: "FMT_DATE".into(),
        }],
        contacts: vec![
            Contact {
                id: "cnt_1".into(),
                name: "三枝 由紀".into(),
                department: Some("購買部".into()),
                title: Some("課長".into()),
                mail: Some("kobai@asanagi.example".into()),
                phone: Some("053-000-0127".into()),
            },
            Contact {
                id: "cnt_2".into(),
                name: "滝口 亮".into(),
                department: Some("生産技術".into()),
                title: Some("主任".into()),
                mail: Some("seigi@asanagi.example".into()),
                phone: None,
            },
        ],
        sites: vec![Site {
            id: "sit_1".into(),
            name: "浜北工場".into(),
            code: Some("C-00127-02".into()),
            role: "ship_to".into(),
            address: Some("静岡県浜松市浜名区 みなみ台 2-14".into()),
            phone: Some("053-000-0128".into()),
        }],
        open: super::customer_open::open(),
        freshness: vec![
            Freshness { source: source("sales"), last_ok_at: Some(minutes(2)), stale: false },
            Freshness { source: source("accounting"), last_ok_at: Some(minutes(26 * 60)), stale: true },
        ],
    }
}

fn master() -> Vec<MasterValue> {
    [
        ("registration_number", "T5009901000127", "accounting", "authority"),
        ("closing_day", "10", "sales", "only_source"),
        ("payment_terms", "翌月末払い", "sales", "only_source"),
        ("phone", "053-000-0127", "sales", "newest"),
        ("address", "静岡県浜松市浜名区 みなみ台 2-14", "accounting", "authority"),
        ("credit_limit", "12000000", "accounting", "pinned"),
        ("custom.grade", "a", "sales", "only_source"),
        ("custom.budget", "8000000", "hub", "typed"),
        ("custom.region", "西", "sales", "only_source"),
    ]
    .into_iter()
    .map(|(field, value, kind, why)| MasterValue {
        field: field.into(),
        value: value.into(),
        source: source(kind),
        at: minutes(4000),
        why: why.into(),
        losing: if field == "address" {
            vec![(source("sales"), "静岡県浜松市中央区 1-2".into())]
        } else {
            vec![]
        },
    })
    .collect()
}

#[expect(clippy::too_many_arguments, reason = "a table of events reads best in one line each")]
fn event(
    id: &str,
    kind: Kind,
    date: &str,
    back: Option<i64>,
    from: &str,
    title: &str,
    amount: Option<i64>,
    detail: Detail,
) -> Event {
    Event {
        id: id.into(),
        kind,
        date: date.into(),
        at: back.map(minutes),
        source: source(from),
        title: title.into(),
        amount,
        currency: Currency::JPY,
        detail,
    }
}

pub(super) fn order() -> Event {
    let detail = Detail::Order {
        first_line: Some("制御盤カバー KV-220".into()),
        quantity: Some("120".into()),
        more_lines: 2,
        delivery_date: Some("2026-12-04".into()),
        status: "open".into(),
    };
    event("ord_1", Kind::Order, "2026-11-20", Some(32), "sales", "SO-26-11873", Some(684_000), detail)
}

pub(super) fn shipment() -> Event {
    let detail = Detail::Shipment {
        first_line: Some("制御盤カバー KV-220".into()),
        quantity: Some("80個".into()),
        more_lines: 1,
        carrier: Some("見本運輸 4400-1187-3320".into()),
        status: "planned".into(),
        orders: vec!["SO-26-11873".into()],
    };
    event("shp_1", Kind::Shipment, "2026-11-20", Some(16), "sales", "SH-26-04411", None, detail)
}

fn invoice() -> Event {
    let detail = Detail::Invoice {
        closing_date: Some("2026-11-10".into()),
        due_date: Some("2026-12-31".into()),
        qualified: true,
        status: "open".into(),
        corrects: None,
    };
    event("inv_1", Kind::Invoice, "2026-11-10", None, "accounting", "INV-26-1207", Some(2_840_200), detail)
}

pub(super) fn timeline() -> Timeline {
    let visit = Detail::Activity {
        activity: "visit".into(),
        note: Some("先方 購買部 課長、生産技術 主任。2月から月産1.3倍。ブラケットの追加見積を12/5までに".into()),
        actor: "佐伯".into(),
    };
    let paid = Detail::Payment { method: Some("transfer".into()), invoices: vec!["INV-26-1094".into()] };
    let changed = Detail::MasterChange {
        created: false,
        changes: vec![("address".into(), Some("静岡県浜松市中央区".into()), Some("静岡県浜松市浜名区".into()))],
        reason: "source".into(),
    };
    let credit = Detail::Invoice {
        closing_date: None,
        due_date: None,
        qualified: true,
        status: "open".into(),
        corrects: Some("INV-26-1100".into()),
    };
    let events = vec![
        shipment(),
        order(),
        event("act_1", Kind::Activity, "2026-11-19", Some(18 * 60), "hub", "来期の増産計画について", None, visit),
        event(
            "pay_1",
            Kind::Payment,
            "2026-11-19",
            Some(24 * 60),
            "accounting",
            "11月10日期日分",
            Some(3_102_000),
            paid,
        ),
        event("ver_1", Kind::MasterChange, "2026-11-17", Some(4390), "hub", "", None, changed),
        event("inv_2", Kind::CreditNote, "2026-11-12", None, "accounting", "CN-26-0031", Some(-41_800), credit),
        invoice(),
    ];
    Timeline {
        events,
        next: Some("k1".into()),
        counts: Counts {
            orders: 412,
            shipments: 388,
            billing: 506,
            deals: 38,
            contracts: 2,
            inquiries: 3,
            activities: 171,
            changes: 19,
        },
        since: Some("2019-09-03".into()),
    }
}

fn form() -> ActivityForm {
    ActivityForm {
        customer_id: "cus_0001".into(),
        customer_name: "株式会社朝凪電装".into(),
        date: "2026-11-20".into(),
        ..ActivityForm::default()
    }
}

fn customer(query: &str) -> CustomerPage {
    CustomerPage {
        overview: overview(),
        timeline: timeline(),
        query: HistoryQuery::parse(query),
        guide: false,
        merged_from: None,
        activity: form(),
        conflicts: vec![],
    }
}

/// Both sides changed: one value is pinned, one was overtaken.
fn contradicted() -> CustomerPage {
    let conflict = |field: &str, typed: &str, said: &str, typed_won| Conflict {
        field: field.into(),
        typed: Some(typed).filter(|text| !text.is_empty()).map(Shown::from),
        actor: "高梨 拓".into(),
        typed_at: minutes(90),
        said: Some(said).filter(|text| !text.is_empty()).map(Shown::from),
        source: Some(("accounting".into(), "会計システム".into())),
        at: minutes(4),
        typed_won,
    };
    let conflicts = vec![
        conflict("phone", "053-000-0128", "053-000-0131", true),
        conflict("address", "静岡県浜松市中央区みなみ台2-4-1", "", false),
    ];
    CustomerPage { conflicts, ..customer("") }
}

/// As somebody sees it whose role hides much.
fn masked() -> CustomerPage {
    let mut page = contradicted();
    let o = &mut page.overview;
    let fields = ["credit_limit", "closing_day", "payment_terms"];
    o.master.iter_mut().filter(|m| fields.contains(&m.field.as_str())).for_each(|m| m.value = Shown::Hidden);
    for contact in &mut o.contacts {
        contact.mail = contact.mail.take().map(|_| Shown::Hidden);
        contact.phone = contact.phone.take().map(|_| Shown::Hidden);
    }
    o.sites.iter_mut().for_each(|site| site.phone = Some(Shown::Hidden));
    page.conflicts[0].typed = Some(Shown::Hidden);
    page.conflicts[0].said = Some(Shown::Hidden);
    let changes = vec![("credit_limit".to_owned(), Some(Shown::Hidden), None)];
    page.timeline.events[0].kind = Kind::MasterChange;
    page.timeline.events[0].detail = Detail::MasterChange { created: false, changes, reason: "source".into() };
    page
}

fn prospect() -> CustomerPage {
    let mut page = customer("");
    page.overview.prospect = true;
    page
}

fn bare() -> CustomerPage {
    let mut page = customer("");
    let o = &mut page.overview;
    let name = "<script>alert(1)</script>\"><img src=x>";
    o.name = name.into();
    o.industry = Some(name.into());
    o.figures.order_average = None;
    o.figures.last_contact = None;
    o.figures.rfm = None;
    o.figures.health = Health::Dormant;
    o.figures.health_reasons = vec![("never_ordered".into(), 0), (name.into(), 1)];
    o.contacts[0].name = name.into();
    o.master[0].value = name.into();
    page.timeline.events[0].title = name.into();
    page.merged_from = Some(name.into());
    page
}

pub fn samples() -> Vec<Sample> {
    let section = Section::Customers;
    let empty = CustomerPage {
        timeline: Timeline { events: vec![], next: None, counts: Counts::default(), since: None },
        guide: true,
        ..customer("")
    };
    let wrong = ActivityForm {
        errors: vec![
            ("subject".into(), "REQUIRED".into()),
            ("date".into(), "DATE_INVALID".into()),
            ("note".into(), "TOO_LONG".into()),
        ],
        ..form()
    };
    vec![
        ("customers", section, true, Box::new(customers("department=%E5%96%B6%E6%A5%AD%E4%B8%80%E8%AA%B2", 12))),
        ("customers-found", section, true, Box::new(customers("q=%E6%9C%9D%E5%87%AA&page=2&sort=name", 3))),
        ("customers-none", section, true, Box::new(customers("q=zzz", 0))),
        ("customers-empty", section, true, Box::new(customers("", 0))),
        ("customer", section, true, Box::new(customer(""))),
        ("customer-prospect", section, true, Box::new(prospect())),
        ("relation", section, true, Box::new(super::customer_open::relation())),
        ("customer-contradicted", section, true, Box::new(contradicted())),
        ("customer-masked", section, true, Box::new(masked())),
        ("customer-filtered", section, true, Box::new(customer("t=billing&from=2026-01-01&h=INV"))),
        ("customer-empty", section, true, Box::new(empty)),
        ("activity", section, true, Box::new(ActivityPage { activity: wrong })),
    ]
}

pub fn hostile() -> Vec<Sample> {
    vec![("customer", Section::Customers, true, Box::new(bare()))]
}
