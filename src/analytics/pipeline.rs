//! What stands open at one customer: deals, contracts that run, inquiries without an answer.

use jiff::civil::Date;
use serde::Serialize;

use crate::{
    model::money::Currency,
    store::{
        Db, InView, StoreError,
        read_sales::{self as rows, ContractRow, DealRow, InquiryRow},
    },
};

/// So many days before its end a contract is worth a look.
const SOON: i32 = 60;

#[derive(Clone, Debug, Serialize)]
pub struct OpenDeal {
    pub id: String,
    pub name: String,
    /// In the source's own words.
    pub stage: Option<String>,
    /// Minor units.
    pub amount: Option<i64>,
    pub currency: Currency,
    /// Percent.
    pub probability: Option<i64>,
    pub expected_date: Option<String>,
    /// The order was expected before today.
    pub late: bool,
    pub owner: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Contract {
    pub id: String,
    pub number: String,
    pub name: String,
    pub start_date: String,
    /// Last day; `None`: until somebody ends it.
    pub end_date: Option<String>,
    /// `manual`, `automatic` or `none`.
    pub renewal: String,
    /// `active` or `draft`.
    pub status: String,
    /// Minor units.
    pub amount: Option<i64>,
    pub currency: Currency,
    /// Days to its end, where that is soon.
    pub ends_in: Option<i32>,
    /// Typed into the hub, so it can be changed here.
    pub own: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct OpenInquiry {
    pub id: String,
    pub number: Option<String>,
    pub received_date: String,
    /// `phone`, `mail`, `web`, `chat`, `visit` or `other`.
    pub channel: String,
    pub subject: String,
    pub owner: Option<String>,
    /// Typed into the hub, so it can be changed here.
    pub own: bool,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Pipeline {
    /// The next expected first.
    pub deals: Vec<OpenDeal>,
    /// The next to end first.
    pub contracts: Vec<Contract>,
    /// The oldest first.
    pub inquiries: Vec<OpenInquiry>,
}

/// Everything that stands open at a customer.
pub async fn pipeline(db: &Db, seen: &InView, today: Date) -> Result<Pipeline, StoreError> {
    let day = crate::model::Date(today).to_string();
    let (deals, contracts, inquiries) =
        tokio::try_join!(rows::deals(db, seen), rows::contracts(db, seen, &day), rows::inquiries(db, seen))?;
    Ok(Pipeline {
        deals: deals.into_iter().map(|row| deal(row, &day)).collect(),
        contracts: contracts.into_iter().map(|row| contract(row, today)).collect(),
        inquiries: inquiries.into_iter().map(inquiry).collect(),
    })
}

fn deal(row: DealRow, today: &str) -> OpenDeal {
    let DealRow { id, name, stage, currency, amount_minor, probability, expected_date, owner } = row;
    OpenDeal {
        late: expected_date.as_deref().is_some_and(|date| date < today),
        currency: currency.parse().unwrap_or(Currency::JPY),
        amount: amount_minor,
        id,
        name,
        stage,
        probability,
        expected_date,
        owner,
    }
}

fn contract(row: ContractRow, today: Date) -> Contract {
    let ContractRow { id, connection_id, number, name, start_date, end_date, renewal, status, currency, amount_minor } =
        row;
    let left = end_date.as_deref().and_then(crate::model::Date::parse).and_then(|end| end.0.since(today).ok());
    let soon = left.map(|span| span.get_days()).filter(|days| (0..=SOON).contains(days));
    Contract {
        currency: currency.parse().unwrap_or(Currency::JPY),
        amount: amount_minor,
        ends_in: soon.filter(|_| status == "active"),
        own: connection_id.is_none(),
        id,
        number,
        name,
        start_date,
        end_date,
        renewal,
        status,
    }
}

fn inquiry(row: InquiryRow) -> OpenInquiry {
    let InquiryRow { id, connection_id, number, received_date, channel, subject, status: _, owner } = row;
    OpenInquiry { own: connection_id.is_none(), id, number, received_date, channel, subject, owner }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_contract_is_told_before_it_ends() {
        let today = date(2026, 11, 20);
        for (end, status, days) in [
            (Some("2026-11-20"), "active", Some(0)),
            (Some("2027-01-19"), "active", Some(60)),
            (Some("2027-01-20"), "active", None),
            (Some("2026-11-19"), "active", None),
            (Some("2026-12-01"), "draft", None),
            (None, "active", None),
        ] {
            let row = ContractRow {
                id: "ctr_1".into(),
                connection_id: None,
                number: "K-1".into(),
                name: "保守".into(),
                start_date: "2025-12-01".into(),
                end_date: end.map(Into::into),
                renewal: "automatic".into(),
                status: status.into(),
                currency: "JPY".into(),
                amount_minor: None,
            };
            assert_eq!(contract(row, today).ends_in, days, "{end:?} {status}");
        }
    }
}
