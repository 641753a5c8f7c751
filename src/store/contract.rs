//! Contracts and inquiries: brought by sources, or typed into the hub.

use super::{Batch, StoreError, Tx, document::replace, sql};
use crate::model::{
    Timestamp,
    record::{Contract, Inquiry},
};

/// Who a row is, and where it came from: a source's connection and key, or the person who typed it.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    pub id: &'a str,
    pub customer_id: &'a str,
    pub connection_id: Option<&'a str>,
    pub external_id: Option<&'a str>,
    pub actor: Option<&'a str>,
    pub seq: i64,
    pub now: Timestamp,
}

impl<'a> From<&super::document::Head<'a>> for Head<'a> {
    fn from(head: &super::document::Head<'a>) -> Self {
        Self {
            id: head.id,
            customer_id: head.customer_id,
            connection_id: Some(head.connection_id),
            external_id: Some(head.external_id),
            actor: None,
            seq: head.seq,
            now: head.now,
        }
    }
}

const CONTRACT: [&str; 18] = [
    "id",
    "customer_id",
    "connection_id",
    "external_id",
    "number",
    "name",
    "start_date",
    "end_date",
    "renewal",
    "status",
    "currency",
    "amount_minor",
    "note",
    "occurred_at",
    "actor",
    "seq",
    "received_at",
    "deleted_at",
];

pub async fn put(tx: &mut Tx, rows: &[(Head<'_>, &Contract)]) -> Result<(), StoreError> {
    let mut batch = Batch::new("contract", &CONTRACT);
    for (head, contract) in rows {
        batch.push([
            head.id.into(),
            head.customer_id.into(),
            head.connection_id.into(),
            head.external_id.into(),
            contract.number.as_str().into(),
            contract.name.as_str().into(),
            contract.start_date.into(),
            contract.end_date.into(),
            contract.renewal.as_str().into(),
            contract.status.as_str().into(),
            contract.currency.into(),
            contract.amount_minor.into(),
            contract.note.as_ref().into(),
            contract.occurred_at.into(),
            head.actor.into(),
            head.seq.into(),
            head.now.into(),
            None::<i64>.into(),
        ]);
    }
    batch.insert(tx, &replace(&CONTRACT)).await?;
    Ok(())
}

const INQUIRY: [&str; 17] = [
    "id",
    "customer_id",
    "connection_id",
    "external_id",
    "number",
    "received_date",
    "channel",
    "subject",
    "note",
    "status",
    "answered_at",
    "owner",
    "occurred_at",
    "actor",
    "seq",
    "received_at",
    "deleted_at",
];

pub async fn put_inquiries(tx: &mut Tx, rows: &[(Head<'_>, &Inquiry)]) -> Result<(), StoreError> {
    let mut batch = Batch::new("inquiry", &INQUIRY);
    for (head, inquiry) in rows {
        batch.push([
            head.id.into(),
            head.customer_id.into(),
            head.connection_id.into(),
            head.external_id.into(),
            inquiry.number.as_ref().into(),
            inquiry.received_date.into(),
            inquiry.channel.as_str().into(),
            inquiry.subject.as_str().into(),
            inquiry.note.as_ref().into(),
            inquiry.status.as_str().into(),
            inquiry.answered_at.into(),
            inquiry.owner.as_ref().into(),
            inquiry.occurred_at.into(),
            head.actor.into(),
            head.seq.into(),
            head.now.into(),
            None::<i64>.into(),
        ]);
    }
    batch.insert(tx, &replace(&INQUIRY)).await?;
    Ok(())
}

/// The version at which a record that was typed into the hub stands, locked until the transaction ends; `None`: there
/// is none of this customer, it came from a source, or it is gone.
pub async fn typed_version(
    tx: &mut Tx,
    table: &'static str,
    id: &str,
    customer_id: &str,
) -> Result<Option<i64>, StoreError> {
    let text = format!(
        "UPDATE {table} SET seq = seq WHERE id = $1 AND customer_id = $2 AND connection_id IS NULL
           AND deleted_at IS NULL RETURNING seq"
    );
    let row: Option<(i64,)> = sql(text).bind(id).bind(customer_id).optional(tx).await?;
    Ok(row.map(|(seq,)| seq))
}
