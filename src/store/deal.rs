//! Deals, how they went, and quotes: owned by their source, attached to a customer of the master.

use std::collections::HashMap;

use super::{
    Batch, FromRow, StoreError, Tx,
    document::{self, Head, changed, remove_children, replace},
    json_list, sql,
};
use crate::model::{
    Date, Timestamp,
    record::{Deal, Quote},
};

const DEAL: [&str; 21] = [
    "id",
    "customer_id",
    "connection_id",
    "external_id",
    "number",
    "name",
    "stage",
    "status",
    "currency",
    "amount_minor",
    "probability",
    "opened_date",
    "expected_date",
    "closed_date",
    "reason",
    "owner",
    "order_number",
    "occurred_at",
    "seq",
    "received_at",
    "deleted_at",
];

const MOVE: [&str; 14] = [
    "id",
    "deal_id",
    "customer_id",
    "connection_id",
    "first",
    "name",
    "move_date",
    "stage",
    "status",
    "currency",
    "amount_minor",
    "probability",
    "expected_date",
    "occurred_at",
];

/// A deal with the day on which it began, as far as anybody knows.
pub struct DealRow<'a> {
    pub deal: &'a Deal,
    pub opened: Date,
}

/// Where a deal stands in the table.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Standing {
    pub id: String,
    pub stage: Option<String>,
    pub status: String,
    pub opened_date: String,
}

/// Where these deals stood until now; those that are new are missing.
pub async fn standing<'a>(
    tx: &mut Tx,
    ids: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, Standing>, StoreError> {
    let text = format!("SELECT id, stage, status, opened_date FROM deal WHERE {}", tx.dialect().in_list("id", "$1"));
    let rows: Vec<Standing> = sql(text).bind(json_list(ids)).all(tx).await?;
    Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
}

pub async fn put(tx: &mut Tx, rows: &[(Head<'_>, DealRow<'_>)]) -> Result<(), StoreError> {
    let mut heads = Batch::new("deal", &DEAL);
    for (head, DealRow { deal, opened }) in rows {
        heads.push([
            head.id.into(),
            head.customer_id.into(),
            head.connection_id.into(),
            head.external_id.into(),
            deal.number.as_ref().into(),
            deal.name.as_str().into(),
            deal.stage.as_ref().into(),
            deal.status.as_str().into(),
            deal.currency.into(),
            deal.amount_minor.into(),
            deal.probability.into(),
            (*opened).into(),
            deal.expected_date.into(),
            deal.closed_date.into(),
            deal.reason.as_ref().into(),
            deal.owner.as_ref().into(),
            deal.order.as_ref().into(),
            deal.occurred_at.into(),
            head.seq.into(),
            head.now.into(),
            None::<i64>.into(),
        ]);
    }
    heads.insert(tx, &replace(&DEAL)).await?;
    Ok(())
}

/// One step of a deal, as it stood then.
pub struct Move<'a> {
    pub head: &'a Head<'a>,
    pub deal: &'a Deal,
    pub first: bool,
    pub date: Date,
    /// The instant, where the source has one.
    pub at: Option<i64>,
}

/// Appends steps. A deal that came back, or went to another customer, takes its earlier steps along.
pub async fn moved(tx: &mut Tx, heads: &[&Head<'_>], moves: &[Move<'_>]) -> Result<(), StoreError> {
    let changed: Vec<&str> = heads.iter().filter(|head| head.seq > 1).map(|head| head.id).collect();
    if !changed.is_empty() {
        let text = format!(
            "UPDATE deal_move SET deleted_at = NULL,
                customer_id = (SELECT d.customer_id FROM deal d WHERE d.id = deal_move.deal_id) WHERE {}",
            tx.dialect().in_list("deal_id", "$1")
        );
        sql(text).bind(json_list(changed)).execute(&mut *tx).await?;
    }
    let mut batch = Batch::new("deal_move", &MOVE);
    for Move { head, deal, first, date, at } in moves {
        batch.push([
            format!("{}.{}", head.id, head.seq).into(),
            head.id.into(),
            head.customer_id.into(),
            head.connection_id.into(),
            (*first).into(),
            deal.name.as_str().into(),
            (*date).into(),
            deal.stage.as_ref().into(),
            deal.status.as_str().into(),
            deal.currency.into(),
            deal.amount_minor.into(),
            deal.probability.into(),
            deal.expected_date.into(),
            (*at).into(),
        ]);
    }
    batch.insert(tx, "ON CONFLICT (id) DO NOTHING").await?;
    Ok(())
}

/// As [`document::mark_deleted`], with the steps.
pub async fn mark_deleted(tx: &mut Tx, ids: &[&str], now: Timestamp) -> Result<HashMap<String, String>, StoreError> {
    let text = format!("UPDATE deal_move SET deleted_at = $1 WHERE {}", tx.dialect().in_list("deal_id", "$2"));
    sql(text).bind(now).bind(json_list(ids)).execute(&mut *tx).await?;
    document::mark_deleted(tx, "deal", ids, now).await
}

const QUOTE: [&str; 20] = [
    "id",
    "customer_id",
    "connection_id",
    "external_id",
    "number",
    "issue_date",
    "valid_until",
    "status",
    "subject",
    "deal_id",
    "deal_key",
    "currency",
    "net_minor",
    "tax_minor",
    "total_minor",
    "line_count",
    "occurred_at",
    "seq",
    "received_at",
    "deleted_at",
];

const LINE: [&str; 9] = [
    "quote_id",
    "line_no",
    "product_code",
    "description",
    "quantity",
    "unit",
    "unit_price",
    "amount_minor",
    "tax_rate",
];

/// A quote with its deal resolved to an id of the hub.
pub struct QuoteRow<'a> {
    pub quote: &'a Quote,
    pub deal: Option<&'a str>,
}

/// Writes many with their lines. Those of changed quotes are replaced as a whole.
pub async fn put_quotes(tx: &mut Tx, rows: &[(Head<'_>, QuoteRow<'_>)]) -> Result<(), StoreError> {
    remove_children(tx, &[("quote_line", "quote_id")], changed(rows)).await?;
    let mut heads = Batch::new("quote", &QUOTE);
    let mut lines = Batch::new("quote_line", &LINE);
    for (head, QuoteRow { quote, deal }) in rows {
        heads.push([
            head.id.into(),
            head.customer_id.into(),
            head.connection_id.into(),
            head.external_id.into(),
            quote.number.as_str().into(),
            quote.issue_date.into(),
            quote.valid_until.into(),
            quote.status.as_str().into(),
            quote.subject.as_ref().into(),
            (*deal).into(),
            quote.deal.as_ref().into(),
            quote.currency.into(),
            quote.net_minor.into(),
            quote.tax_minor.into(),
            quote.total_minor.into(),
            (quote.lines.len() as i64).into(),
            quote.occurred_at.into(),
            head.seq.into(),
            head.now.into(),
            None::<i64>.into(),
        ]);
        for (no, line) in quote.lines.iter().enumerate() {
            lines.push(document::line(head.id, no, line));
        }
    }
    heads.insert(tx, &replace(&QUOTE)).await?;
    lines.insert(tx, "").await?;
    Ok(())
}
