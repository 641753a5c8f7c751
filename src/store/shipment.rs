//! Shipments: owned by their source, attached to a customer of the master.

use super::{
    Batch, StoreError, Tx,
    document::{Head, changed, remove_children, replace},
};
use crate::model::record::Shipment;

const SHIPMENT: [&str; 17] = [
    "id",
    "customer_id",
    "connection_id",
    "external_id",
    "number",
    "ship_date",
    "status",
    "carrier",
    "tracking",
    "subject",
    "ship_to",
    "ship_to_key",
    "line_count",
    "occurred_at",
    "seq",
    "received_at",
    "deleted_at",
];

const LINE: [&str; 6] = ["shipment_id", "line_no", "product_code", "description", "quantity", "unit"];

/// A shipment with its place resolved to an id of the hub.
pub struct ShipmentRow<'a> {
    pub shipment: &'a Shipment,
    pub ship_to: Option<&'a str>,
}

/// Writes many with their lines and order numbers. Those of changed shipments are replaced as a whole.
pub async fn put(tx: &mut Tx, rows: &[(Head<'_>, ShipmentRow<'_>)]) -> Result<(), StoreError> {
    let children = [("shipment_line", "shipment_id"), ("shipment_order", "shipment_id")];
    remove_children(tx, &children, changed(rows)).await?;
    let mut heads = Batch::new("shipment", &SHIPMENT);
    let mut lines = Batch::new("shipment_line", &LINE);
    let mut orders = Batch::new("shipment_order", &["shipment_id", "order_number"]);
    for (head, ShipmentRow { shipment, ship_to }) in rows {
        heads.push([
            head.id.into(),
            head.customer_id.into(),
            head.connection_id.into(),
            head.external_id.into(),
            shipment.number.as_str().into(),
            shipment.ship_date.into(),
            shipment.status.as_str().into(),
            shipment.carrier.as_ref().into(),
            shipment.tracking.as_ref().into(),
            shipment.subject.as_ref().into(),
            (*ship_to).into(),
            shipment.ship_to.as_ref().into(),
            (shipment.lines.len() as i64).into(),
            shipment.occurred_at.into(),
            head.seq.into(),
            head.now.into(),
            None::<i64>.into(),
        ]);
        for (no, line) in shipment.lines.iter().enumerate() {
            lines.push([
                head.id.into(),
                (no as i64 + 1).into(),
                line.product_code.as_ref().into(),
                line.description.as_str().into(),
                line.quantity.as_str().into(),
                line.unit.as_ref().into(),
            ]);
        }
        for number in &shipment.orders {
            orders.push([head.id.into(), number.into()]);
        }
    }
    heads.insert(tx, &replace(&SHIPMENT)).await?;
    lines.insert(tx, "").await?;
    orders.insert(tx, "").await?;
    Ok(())
}
