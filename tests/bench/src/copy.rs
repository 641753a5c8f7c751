//! The floor of a pull: the same rows, flat and already in memory, by the database's own bulk load.
//! PostgreSQL: `COPY` in 64 KiB chunks; SQLite: 64 rows a statement in one transaction.

use std::time::Instant;

use anyhow::Context as _;
use musubi::store::{self, Batch, Db, Value};
use serde_json::Value as Json;
use sqlx::postgres::PgPoolCopyExt as _;

use crate::target::Target;

/// Orders and their lines as they will be stored.
pub struct Rows {
    orders: Vec<[String; 11]>,
    lines: Vec<[String; 8]>,
}

const ORDER: [&str; 11] = [
    "id",
    "number",
    "customer",
    "updated_at",
    "created_at",
    "subject",
    "ordered_on",
    "deliver_on",
    "state",
    "net",
    "total",
];
const LINE: [&str; 8] = ["order_id", "line_no", "sku", "name", "qty", "unit", "price", "amount"];

fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Fetches everything before the clock runs.
pub async fn fetch(base_url: &str) -> anyhow::Result<Rows> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut rows = Rows { orders: Vec::new(), lines: Vec::new() };
    for page in 1.. {
        let url = format!("{base_url}/api/v1/orders?per_page=1000&page={page}");
        let body: Json = client.get(url).header("x-api-key", "bulk").send().await?.error_for_status()?.json().await?;
        let items = body["items"].as_array().context("no items")?;
        for o in items {
            let head =
                ["id", "order_no", "customer_id", "updated_at", "created_at", "subject", "ordered_on", "deliver_on"];
            let [a, b, c, d, e, f, g, h] = head.map(|key| text(&o[key]));
            let [i, j, k] = ["state", "amount_net", "amount_total"].map(|key| text(&o[key]));
            for (no, l) in o["lines"].as_array().into_iter().flatten().enumerate() {
                let [sku, name, qty, unit, price, amount] =
                    ["sku", "name", "qty", "unit", "price", "amount"].map(|key| text(&l[key]));
                rows.lines.push([a.clone(), no.to_string(), sku, name, qty, unit, price, amount]);
            }
            rows.orders.push([a, b, c, d, e, f, g, h, i, j, k]);
        }
        if items.len() < 1000 {
            break;
        }
    }
    Ok(rows)
}

/// Orders a second.
pub async fn measure(target: &Target, rows: &Rows) -> anyhow::Result<f64> {
    let db = store::open(&target.beside().await, 2).await?;
    let columns = |names: &[&str]| names.iter().map(|n| format!("{n} TEXT NOT NULL")).collect::<Vec<_>>().join(", ");
    let tables = [
        format!("CREATE TABLE flat_order ({}, PRIMARY KEY (id))", columns(&ORDER)),
        format!("CREATE TABLE flat_line ({}, PRIMARY KEY (order_id, line_no))", columns(&LINE)),
    ];
    let mut tx = db.begin().await?;
    for table in tables {
        store::sql(table).execute(&mut tx).await?;
    }
    tx.commit().await?;
    let begun = Instant::now();
    match &db {
        Db::Postgres(pool) => {
            copy(pool, "COPY flat_order FROM STDIN", &rows.orders).await?;
            copy(pool, "COPY flat_line FROM STDIN", &rows.lines).await?;
        }
        Db::Sqlite { .. } => {
            let mut tx = db.begin().await?;
            insert(&mut tx, "flat_order", &ORDER, &rows.orders).await?;
            insert(&mut tx, "flat_line", &LINE, &rows.lines).await?;
            tx.commit().await?;
        }
    }
    let rate = rows.orders.len() as f64 / begun.elapsed().as_secs_f64();
    db.close().await;
    Ok(rate)
}

async fn copy<const N: usize>(
    pool: &sqlx::PgPool,
    statement: &'static str,
    rows: &[[String; N]],
) -> anyhow::Result<()> {
    let mut copy = pool.copy_in_raw(statement).await?;
    let mut chunk = Vec::with_capacity(80 * 1024);
    for row in rows {
        for (n, value) in row.iter().enumerate() {
            if n > 0 {
                chunk.push(b'\t');
            }
            chunk.extend_from_slice(value.as_bytes());
        }
        chunk.push(b'\n');
        if chunk.len() >= 64 * 1024 {
            copy.send(chunk.as_slice()).await?;
            chunk.clear();
        }
    }
    copy.send(chunk.as_slice()).await?;
    copy.finish().await?;
    Ok(())
}

async fn insert<const N: usize>(
    tx: &mut store::Tx,
    table: &'static str,
    names: &'static [&'static str; N],
    rows: &[[String; N]],
) -> anyhow::Result<()> {
    for part in rows.chunks(4096) {
        let mut batch = Batch::new(table, names);
        for row in part {
            batch.push(row.each_ref().map(Value::from));
        }
        batch.insert(tx, "").await?;
    }
    Ok(())
}
