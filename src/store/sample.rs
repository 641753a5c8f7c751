//! Removing the samples: one of the few acts that destroy, and only what came from sample connections.

use super::{StoreError, Tx, source_record, sql};

/// Rows that hang on a document of a sample connection.
const CHILDREN: [(&str, &str, &str); 8] = [
    ("quote_line", "quote_id", "quote"),
    ("sales_order_line", "order_id", "sales_order"),
    ("shipment_line", "shipment_id", "shipment"),
    ("shipment_order", "shipment_id", "shipment"),
    ("invoice_line", "invoice_id", "invoice"),
    ("invoice_tax", "invoice_id", "invoice"),
    ("invoice_order", "invoice_id", "invoice"),
    ("payment_allocation", "payment_id", "payment"),
];

/// Tables with a `connection_id` of their own.
const OWNED: [&str; 19] = [
    "product",
    "deal_move",
    "deal",
    "quote",
    "contract",
    "inquiry",
    "sales_order",
    "shipment",
    "invoice",
    "payment",
    "site",
    "contact",
    "source_record",
    "parked",
    "failure",
    "inbox",
    "hook_refusal",
    "customer_code",
    "run",
];

/// Removes sample connections with all they brought, and customers that nothing else knows. Returns
/// how many customers went.
pub async fn remove(tx: &mut Tx) -> Result<u64, StoreError> {
    source_record::lock_origin(tx, "", true).await?;
    let of_samples = "connection_id IN (SELECT id FROM connection WHERE sample = $1)";
    sql(format!(
        "DELETE FROM version WHERE record_id IN (SELECT record_id FROM source_record WHERE {of_samples})
           AND record_id NOT IN (SELECT id FROM customer)"
    ))
    .bind(true)
    .execute(&mut *tx)
    .await?;
    for (table, key, parent) in CHILDREN {
        sql(format!("DELETE FROM {table} WHERE {key} IN (SELECT id FROM {parent} WHERE {of_samples})"))
            .bind(true)
            .execute(&mut *tx)
            .await?;
    }
    sql(format!("DELETE FROM run_stream WHERE run_id IN (SELECT id FROM run WHERE {of_samples})"))
        .bind(true)
        .execute(&mut *tx)
        .await?;
    for table in OWNED {
        sql(format!("DELETE FROM {table} WHERE {of_samples}")).bind(true).execute(&mut *tx).await?;
    }
    let gone = "SELECT id FROM customer WHERE sample = $1
                AND id NOT IN (SELECT record_id FROM source_record WHERE record_id LIKE 'cus_%')";
    for (table, key) in [
        ("activity", "customer_id"),
        ("contract", "customer_id"),
        ("inquiry", "customer_id"),
        ("customer_stat", "customer_id"),
        ("customer_code", "customer_id"),
        ("customer_value", "customer_id"),
        ("customer_relation", "customer_id"),
        ("conflict", "customer_id"),
        ("version", "record_id"),
    ] {
        sql(format!("DELETE FROM {table} WHERE {key} IN ({gone})")).bind(true).execute(&mut *tx).await?;
    }
    let removed = sql(format!("DELETE FROM customer WHERE id IN ({gone})")).bind(true).execute(&mut *tx).await?;
    sql("DELETE FROM event_delivery WHERE event_id IN (SELECT id FROM event WHERE sample = $1)")
        .bind(true)
        .execute(&mut *tx)
        .await?;
    sql("DELETE FROM event WHERE sample = $1").bind(true).execute(&mut *tx).await?;
    sql("DELETE FROM stream WHERE connection_id IN (SELECT id FROM connection WHERE sample = $1)")
        .bind(true)
        .execute(&mut *tx)
        .await?;
    sql("DELETE FROM connection WHERE sample = $1").bind(true).execute(tx).await?;
    Ok(removed)
}
