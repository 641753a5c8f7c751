use super::{Sample, Section, entries::entries, minutes};
use crate::{
    http::console::{
        shell::PageRef,
        view::{
            bulk::{BulkJobPage, BulkPage},
            customer_edit::EditField,
            customers::Column,
            help::HelpPage,
            saved_view::{ColumnsPage, SavedViewPage, SavedViewsPage, ViewRow},
            search::SearchPage,
        },
    },
    lists::{
        bulk::{Preview, Sight},
        search::{Group, Hit, customer},
    },
    model::Currency,
    store::bulk::Bulk,
};

fn search(text: &str) -> SearchPage {
    let customers = entries().into_iter().take(4).map(|entry| customer(entry, None)).collect();
    let order = Hit {
        href: "/customers/cus_0001/events/ord_1".into(),
        title: "SO-2026-1042".into(),
        about: vec!["株式会社朝凪電装".into()],
        date: Some("2026-11-18".into()),
        amount: Some((482_000, Currency::JPY)),
        exact: true,
        ..Hit::default()
    };
    let group = |key, hits, missing| Group { key, hits, all: None, missing };
    SearchPage {
        text: text.into(),
        groups: vec![
            group("search.orders", vec![order], false),
            Group { all: Some("/customers?q=a".into()), ..group("search.customers", customers, false) },
            group("search.products", Vec::new(), true),
        ],
        pages: vec![PageRef { href: "/settings", key: "nav.settings" }],
        recent: Vec::new(),
    }
}

fn view(id: Option<&str>, error: Option<&'static str>) -> SavedViewPage {
    SavedViewPage {
        id: id.map(str::to_owned),
        heading: "期日超過の大口".into(),
        name: "期日超過の大口".into(),
        shared: true,
        opens_first: true,
        query: "tab=overdue&sort=-overdue".into(),
        chips: vec!["2026-11".into()],
        may_change: true,
        may_share: true,
        error,
    }
}

fn job(state: &str) -> Bulk {
    Bulk {
        id: "blk_1".into(),
        actor_id: "usr_1".into(),
        actor: "高梨 拓".into(),
        field: "owner".into(),
        value: "佐伯".into(),
        pinned: false,
        state: state.into(),
        total: 148,
        done: 50,
        cause: (state == "stopped").then(|| "FORBIDDEN".into()),
        undone_by: None,
        created_at: minutes(9).0,
        updated_at: minutes(1).0,
    }
}

fn job_page(state: &str) -> BulkJobPage {
    let counts = [("changed", 140), ("same", 6), ("refused", 2), ("kept", 1)];
    BulkJobPage {
        job: job(state),
        counts: counts.map(|(state, n)| (state.to_owned(), n)).to_vec(),
        left: vec![("cus_0002".into(), "丸穂ラバー工業株式会社".into(), Some("CUSTOMER_MERGED".into()))],
        at: minutes(9),
    }
}

fn bulk(preview: bool, error: Option<&'static str>) -> BulkPage {
    let input = EditField {
        name: "owner".into(),
        added: None,
        value: "佐伯".into(),
        seen: String::new(),
        hidden: false,
        error: None,
        overtaken: None,
        source: None,
        pinned: false,
    };
    let sight = |name: &str, before: &str| Sight { id: "cus_1".into(), name: name.into(), before: before.into() };
    BulkPage {
        filter: "tab=mine".into(),
        everybody: true,
        ids: Vec::new(),
        count: 148,
        too_many: false,
        may_edit: true,
        fields: vec!["owner".into(), "department".into()],
        input: preview.then_some(input),
        known: vec!["佐伯".into(), "大野".into()],
        own_departments: Vec::new(),
        pinned: false,
        preview: preview.then(|| Preview {
            change: 142,
            same: 6,
            gone: 1,
            shown: vec![sight("株式会社朝凪電装", "大野"), sight("丸穂ラバー工業株式会社", "")],
            value: "佐伯".into(),
        }),
        error,
        jobs: vec![job("applied")],
    }
}

pub fn samples() -> Vec<Sample> {
    let columns = Column::USUAL.into_iter().map(|column| (column, true));
    let rows = columns.chain([(Column::Overdue, false), (Column::Kana, false)]).collect();
    let row = |name: &str, shared| ViewRow {
        id: "viw_1".into(),
        name: name.into(),
        shared,
        owner: "高梨 拓".into(),
        opens_first: shared,
        at: minutes(90),
    };
    let recent = SearchPage { recent: entries().into_iter().take(5).collect(), ..SearchPage::default() };
    let views = SavedViewsPage { rows: vec![row("期日超過の大口", true), row("来月の訪問先", false)] };
    let nobody = BulkPage { count: 0, jobs: Vec::new(), ..bulk(false, None) };
    vec![
        ("search", Section::None, true, Box::new(search("SO-2026-1042"))),
        ("search_empty", Section::None, true, Box::new(recent)),
        ("search_none", Section::None, true, Box::new(SearchPage { text: "zzz".into(), ..SearchPage::default() })),
        ("help", Section::None, true, Box::new(HelpPage)),
        ("columns", Section::Customers, true, Box::new(ColumnsPage { filter: String::new(), rows, dense: false })),
        ("views", Section::Customers, true, Box::new(views)),
        ("views_none", Section::Customers, true, Box::new(SavedViewsPage { rows: Vec::new() })),
        ("view_new", Section::Customers, true, Box::new(view(None, Some("VIEW_NAME_TAKEN")))),
        ("view", Section::Customers, true, Box::new(view(Some("viw_1"), None))),
        ("bulk", Section::Customers, true, Box::new(bulk(false, None))),
        ("bulk_preview", Section::Customers, true, Box::new(bulk(true, Some("BULK_MOVED")))),
        ("bulk_nobody", Section::Customers, true, Box::new(nobody)),
        ("bulk_working", Section::Customers, true, Box::new(job_page("applying"))),
        ("bulk_stopped", Section::Customers, true, Box::new(job_page("stopped"))),
    ]
}
