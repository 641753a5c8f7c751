//! What stands open at the customer of the pictures.

use super::minutes;
use crate::{
    analytics::{
        customer::Relation,
        pipeline::{Contract, OpenDeal, OpenInquiry, Pipeline},
    },
    http::console::view::customer_relation::RelationPage,
    model::money::Currency,
};

pub(super) fn relations() -> Vec<Relation> {
    let one = |id: &str, role: &str, name: &str, from: Option<&str>, to: Option<&str>| Relation {
        id: id.into(),
        role: role.into(),
        name: name.into(),
        from: from.map(Into::into),
        to: to.map(Into::into),
        first: from.is_none(),
        connection_id: Some("con_1".into()),
        actor: None,
        corrected_by: to.map(|_| "高梨 拓".into()),
        updated_at: minutes(4000),
    };
    vec![
        one("rel_2", "owner", "佐伯", Some("2025-04-01"), None),
        one("rel_1", "owner", "大久保", None, Some("2025-04-01")),
        one("rel_3", "department", "営業一課", None, None),
    ]
}

/// A correction that reaches into the time of another.
pub(super) fn relation() -> RelationPage {
    RelationPage {
        customer: ("cus_0001".into(), "株式会社朝凪電装".into()),
        relation: relations().remove(1),
        from: String::new(),
        to: "2026-12-24".into(),
        error: Some("OVERLAP_AFTER"),
    }
}

pub(super) fn open() -> Pipeline {
    let deal = |id: &str, name: &str, stage: &str, amount, percent, expected: &str, late| OpenDeal {
        id: id.into(),
        name: name.into(),
        stage: Some(stage.into()),
        amount: Some(amount),
        currency: Currency::JPY,
        probability: Some(percent),
        expected_date: Some(expected.into()),
        late,
        owner: Some("佐伯".into()),
    };
    let contract = |id: &str, name: &str, end: Option<&str>, renewal: &str, ends_in| Contract {
        id: id.into(),
        number: "K-26-0041".into(),
        name: name.into(),
        start_date: "2025-12-11".into(),
        end_date: end.map(Into::into),
        renewal: renewal.into(),
        status: "active".into(),
        amount: Some(1_200_000),
        currency: Currency::JPY,
        ends_in,
        own: true,
    };
    Pipeline {
        deals: vec![
            deal("dea_1", "検査治具の更新", "ヒアリング", 1_950_000, 30, "2026-11-10", true),
            deal("dea_2", "ブラケット増産", "見積提出", 8_400_000, 70, "2026-12-20", false),
        ],
        contracts: vec![
            contract("ctr_1", "年間保守契約", Some("2026-12-10"), "manual", Some(20)),
            contract("ctr_2", "継続的売買基本契約", None, "automatic", None),
        ],
        inquiries: vec![OpenInquiry {
            id: "inq_1".into(),
            number: Some("Q-26-0193".into()),
            received_date: "2026-11-18".into(),
            channel: "phone".into(),
            subject: "ブラケットの寸法公差について".into(),
            owner: Some("佐伯".into()),
            own: true,
        }],
    }
}
