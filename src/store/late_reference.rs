//! References that the source of an order, shipment or quote made before the site, customer or deal came: filled
//! in when it comes.

use super::{StoreError, Tx, json_list, sql};

/// Orders and shipments that named sites before these came get them now. Returns the customers concerned.
pub async fn fill_ship_to<'a>(
    tx: &mut Tx,
    connection_id: &str,
    streams: &[String],
    keys: impl Iterator<Item = &'a str>,
) -> Result<Vec<String>, StoreError> {
    let dialect = tx.dialect();
    let (streams, keys) = (json_list(streams), json_list(keys));
    let mut customers = Vec::new();
    for table in ["sales_order", "shipment"] {
        let text = format!(
            "UPDATE {table} SET ship_to = (SELECT MIN(s.record_id) FROM source_record s
               WHERE s.connection_id = $1 AND {} AND s.external_id = {table}.ship_to_key)
             WHERE connection_id = $1 AND ship_to IS NULL AND ship_to_key IS NOT NULL AND {}
             RETURNING customer_id",
            dialect.in_list("s.stream", "$2"),
            dialect.in_list("ship_to_key", "$3")
        );
        let rows: Vec<(String,)> =
            sql(text).bind(connection_id).bind(streams.as_str()).bind(keys.as_str()).all(&mut *tx).await?;
        customers.extend(rows.into_iter().map(|(id,)| id));
    }
    Ok(customers)
}

/// Quotes that named deals before these came get them now. Returns the customers concerned.
pub async fn fill_deal<'a>(
    tx: &mut Tx,
    connection_id: &str,
    streams: &[String],
    keys: impl Iterator<Item = &'a str>,
) -> Result<Vec<String>, StoreError> {
    let dialect = tx.dialect();
    let text = format!(
        "UPDATE quote SET deal_id = (SELECT MIN(s.record_id) FROM source_record s
           WHERE s.connection_id = $1 AND {} AND s.external_id = quote.deal_key)
         WHERE connection_id = $1 AND deal_id IS NULL AND deal_key IS NOT NULL AND {}
         RETURNING customer_id",
        dialect.in_list("s.stream", "$2"),
        dialect.in_list("deal_key", "$3")
    );
    let rows: Vec<(String,)> =
        sql(text).bind(connection_id).bind(json_list(streams)).bind(json_list(keys)).all(tx).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// As [`fill_ship_to`] for customers that pay, by key or 得意先コード.
pub async fn fill_bill_to(
    tx: &mut Tx,
    connection_id: &str,
    streams: &[String],
    keys: &[&str],
) -> Result<Vec<String>, StoreError> {
    let dialect = tx.dialect();
    let text = format!(
        "UPDATE sales_order SET bill_to = COALESCE(
           (SELECT MIN(s.record_id) FROM source_record s
              WHERE s.connection_id = $1 AND {} AND s.external_id = sales_order.bill_to_key),
           (SELECT c.customer_id FROM customer_code c
              WHERE c.connection_id = $1 AND c.code = sales_order.bill_to_key))
         WHERE connection_id = $1 AND bill_to IS NULL AND bill_to_key IS NOT NULL AND {}
         RETURNING customer_id",
        dialect.in_list("s.stream", "$2"),
        dialect.in_list("bill_to_key", "$3")
    );
    let rows: Vec<(String,)> =
        sql(text).bind(connection_id).bind(json_list(streams)).bind(json_list(keys)).all(tx).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
