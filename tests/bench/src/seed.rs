//! 100,000 customers with a million orders, written straight into the tables, with their figures.

use std::time::Instant;

use jiff::{ToSpan as _, civil::date};
use musubi::{
    analytics::stat,
    clock::Clock,
    matching::fold::name_key,
    model::Timestamp,
    store::{Batch, Tx, Value},
};
use musubi_samples::{Company, CompanyOptions};

use crate::{report::Report, target::Target};

pub const CUSTOMERS: usize = 100_000;
pub const ORDERS_EACH: usize = 10;
const CONNECTION: &str = "con_bench";

const CUSTOMER: [&str; 20] = [
    "id",
    "kind",
    "code",
    "name",
    "name_kana",
    "name_key",
    "corporate_number",
    "phone",
    "mail",
    "postal_code",
    "address",
    "industry",
    "department",
    "owner",
    "currency",
    "provenance",
    "seq",
    "sample",
    "created_at",
    "updated_at",
];
const ORDER: [&str; 15] = [
    "id",
    "customer_id",
    "connection_id",
    "external_id",
    "number",
    "order_date",
    "status",
    "subject",
    "currency",
    "net_minor",
    "tax_minor",
    "total_minor",
    "line_count",
    "seq",
    "received_at",
];
const LINE: [&str; 6] = ["order_id", "line_no", "product_code", "description", "quantity", "amount_minor"];
const VERSION: [&str; 7] = ["record_id", "seq", "customer_id", "valid_from", "connection_id", "reason", "body"];

pub fn customer_id(n: usize) -> String {
    format!("cus_{n:08}")
}

pub async fn run(target: &Target, report: &mut Report) -> anyhow::Result<()> {
    let begun = Instant::now();
    let today = date(2026, 11, 20);
    let company = Company::generate(CompanyOptions { customers: 2_000, months: 1, today, seed: 3 });
    let now = Clock::System.now();
    for start in (0..CUSTOMERS).step_by(2_000) {
        let mut tx = target.db.begin().await?;
        customers(&mut tx, &company, start..start + 2_000, now).await?;
        orders(&mut tx, start..start + 2_000, now).await?;
        tx.commit().await?;
    }
    let written = begun.elapsed().as_secs_f64();
    if let musubi::store::Db::Postgres(pool) = &target.db {
        // What autovacuum does by itself a minute later.
        sqlx::raw_sql("VACUUM ANALYZE").execute(pool).await?;
    }
    let begun = Instant::now();
    let day = now.zoned(&jiff::tz::TimeZone::UTC).date();
    stat::refresh_all(&target.db, day, now).await?;
    let figures = begun.elapsed().as_secs_f64();
    let figure = format!("written in {written:.0} s, figures of all customers in {figures:.0} s");
    report.figure("100,000 customers, 1,000,000 orders", target.kind, &figure, "", "", None)
}

async fn customers(
    tx: &mut Tx,
    company: &Company,
    range: std::ops::Range<usize>,
    now: Timestamp,
) -> anyhow::Result<()> {
    let mut rows = Batch::new("customer", &CUSTOMER);
    let mut versions = Batch::new("version", &VERSION);
    let all = &company.customers;
    for n in range {
        // As many names as the sample company has, with a branch each time round.
        let c = &all[n % all.len()];
        let name = if n < all.len() { c.name.clone() } else { format!("{}第{}支社", c.name, n / all.len()) };
        let text = |value: &str| Value::from(value.to_owned());
        rows.push([
            customer_id(n).into(),
            text("corporation"),
            format!("C{n:07}").into(),
            name.as_str().into(),
            text(&c.kana),
            name_key(&name).into(),
            format!("{}{n:09}", "0099").into(),
            text(&c.phone),
            format!("info@{n}.{}", c.domain).into(),
            text(&c.postal_code),
            text(&c.address),
            text(c.industry),
            text(c.department),
            text(c.owner),
            text("JPY"),
            text("{}"),
            1_i64.into(),
            false.into(),
            now.into(),
            now.into(),
        ]);
        versions.push([
            customer_id(n).into(),
            1_i64.into(),
            customer_id(n).into(),
            now.into(),
            text(CONNECTION),
            text("created"),
            text("{}"),
        ]);
    }
    rows.insert(tx, "").await?;
    versions.insert(tx, "").await?;
    Ok(())
}

async fn orders(tx: &mut Tx, range: std::ops::Range<usize>, now: Timestamp) -> anyhow::Result<()> {
    let mut heads = Batch::new("sales_order", &ORDER);
    let mut lines = Batch::new("sales_order_line", &LINE);
    let last = date(2026, 11, 20);
    for n in range {
        for k in 0..ORDERS_EACH {
            let number = n * ORDERS_EACH + k;
            let id = format!("ord_{number:08}");
            let day = last.saturating_sub((((number * 37) % 730) as i64).days());
            let amount = 10_000 + (number as i64 * 7_919) % 900_000;
            heads.push([
                id.as_str().into(),
                customer_id(n).into(),
                CONNECTION.into(),
                number.to_string().into(),
                format!("SO-{number:08}").into(),
                day.to_string().into(),
                "shipped".into(),
                "精密部品".into(),
                "JPY".into(),
                amount.into(),
                (amount / 10).into(),
                (amount + amount / 10).into(),
                1_i64.into(),
                1_i64.into(),
                now.into(),
            ]);
            lines.push([id.into(), 1_i64.into(), "P-100".into(), "精密部品".into(), "1".into(), amount.into()]);
        }
    }
    heads.insert(tx, "").await?;
    lines.insert(tx, "").await?;
    Ok(())
}
