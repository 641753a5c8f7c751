//! Figures of customers from their documents, and the `customer_stat` rows that keep them.
//!
//! One definition serves the list (stored rows) and the page (live): [`measure`]. 売上 is invoiced
//! net minus credit notes, or ordered net where the customer has no invoice; the 12 months of the
//! figures end today (so a monthly closing bill is in them twelve times), the months of the chart
//! are calendar months.
//!
//! Invariant: rows can be computed again at any time, by any node, in any order.

use jiff::{Span, ToSpan, civil::Date};
use rustc_hash::FxHashMap;

use super::{
    customer::{Basis, Health},
    health::{Inputs, health},
};
use crate::{
    model::{Timestamp, money::Currency},
    store::{
        Db, StoreError,
        stat::{self as rows, MonthRow, OpenRow, Periods, StatRow, Total},
    },
};

/// Customers in one statement.
pub const BATCH: usize = 500;

/// Everything that is computed for one customer.
#[derive(Clone, Debug)]
pub struct Measured {
    pub id: String,
    pub currency: Currency,
    pub basis: Basis,
    pub sales_12m: i64,
    pub sales_prev_12m: i64,
    pub sales_24m: i64,
    pub ltv: i64,
    pub orders_12m: i64,
    pub orders_24m: i64,
    /// Ordered net of the same 12 months, whatever the basis.
    pub ordered_12m: i64,
    pub receivable: i64,
    pub overdue: i64,
    pub first_order: Option<String>,
    pub last_order: Option<String>,
    pub last_activity: Option<String>,
    pub last_contact: Option<String>,
    pub events: i64,
    pub health: Health,
    pub health_reasons: Vec<(String, i64)>,
    /// Calendar months, oldest first, the current one last.
    pub months: Vec<MonthSum>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MonthSum {
    /// `YYYY-MM`.
    pub month: String,
    pub sales: i64,
    pub orders: i64,
}

/// Recomputes the rows of these customers. `now` is when reading began: a later refresh wins.
pub async fn refresh(db: &Db, ids: &[String], today: Date, now: Timestamp) -> Result<(), StoreError> {
    for ids in ids.chunks(BATCH) {
        // Read before the transaction: SQLite has one writer and this is the long part.
        let measured = measure(db, ids, today, 12).await?;
        let found = measured.iter().map(stat_row).collect();
        let mut tx = db.begin().await?;
        rows::write(&mut tx, ids, found, now).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Recomputes everyone, batch by batch; says how many. It can be stopped at any time and what is
/// done stays done.
pub async fn refresh_all(db: &Db, today: Date, now: Timestamp) -> Result<usize, StoreError> {
    let (mut after, mut done) = (String::new(), 0);
    loop {
        let ids = rows::ids_after(db, &after, BATCH as i64).await?;
        let Some(last) = ids.last() else { return Ok(done) };
        after.clone_from(last);
        refresh(db, &ids, today, now).await?;
        done += ids.len();
    }
}

/// The figures of these customers as of today; unknown and merged ids are left out.
pub async fn measure(db: &Db, ids: &[String], today: Date, months: i32) -> Result<Vec<Measured>, StoreError> {
    let periods = periods(today, months);
    let (totals, month_rows, open) = tokio::try_join!(
        rows::totals(db, ids, &periods),
        rows::months(db, ids, &periods),
        rows::open_documents(db, ids)
    )?;
    let mut parts: FxHashMap<String, Parts> = FxHashMap::default();
    for total in totals {
        parts.entry(total.customer_id.clone()).or_default().totals.push(total);
    }
    for row in month_rows {
        parts.entry(row.customer_id.clone()).or_default().months.push(row);
    }
    for row in open {
        parts.entry(row.customer_id.clone()).or_default().open.push(row);
    }
    let names = month_names(today, months);
    Ok(parts.iter().filter_map(|(id, parts)| parts.measure(id, today, &names)).collect())
}

/// What the statements brought for one customer.
#[derive(Debug, Default)]
struct Parts {
    totals: Vec<Total>,
    months: Vec<MonthRow>,
    open: Vec<OpenRow>,
}

impl Parts {
    fn part(&self, name: &str) -> Option<&Total> {
        self.totals.iter().find(|t| t.part == name)
    }

    fn measure(&self, id: &str, today: Date, names: &[String]) -> Option<Measured> {
        let currency = self.part("customer")?.first_date.as_deref()?.parse().unwrap_or(Currency::JPY);
        let (orders, invoices) = (self.part("order"), self.part("invoice"));
        let invoiced = invoices.is_some_and(|t| t.counted > 0);
        let (basis, sales) = if invoiced { (Basis::Invoiced, invoices) } else { (Basis::Ordered, orders) };
        let figure = |part: Option<&Total>, of: fn(&Total) -> i64| part.map_or(0, of);
        let first_order = orders.and_then(|t| t.first_date.clone());
        let last_order = orders.and_then(|t| t.last_date.clone());
        let last_activity = self.part("activity").and_then(|t| t.last_date.clone());
        let last_contact = last_activity.clone().max(last_order.clone());
        let (receivable, overdue) = receivable(&self.open, today);
        let deals = if orders.is_some_and(|t| t.first_date.is_some()) { orders } else { invoices };
        let (health, health_reasons) = health(&Inputs {
            first_order_days: days_since(deals.and_then(|t| t.first_date.as_deref()), today),
            last_order_days: days_since(deals.and_then(|t| t.last_date.as_deref()), today),
            orders_12m: figure(deals, |t| t.n12),
            last_contact_days: days_since(last_contact.as_deref(), today),
            sales_12m: figure(sales, |t| t.s12),
            sales_prev_12m: figure(sales, |t| t.prev),
            overdue,
        });
        Some(Measured {
            id: id.to_owned(),
            currency,
            basis,
            sales_12m: figure(sales, |t| t.s12),
            sales_prev_12m: figure(sales, |t| t.prev),
            sales_24m: figure(sales, |t| t.s24),
            ltv: figure(sales, |t| t.total),
            orders_12m: figure(orders, |t| t.n12),
            orders_24m: figure(orders, |t| t.n24),
            ordered_12m: figure(orders, |t| t.s12),
            receivable,
            overdue,
            first_order,
            last_order,
            last_activity,
            last_contact,
            events: self.totals.iter().map(|t| t.events).sum(),
            health,
            health_reasons,
            months: self.month_sums(names, if invoiced { "invoice" } else { "order" }),
        })
    }

    fn month_sums(&self, names: &[String], sales_part: &str) -> Vec<MonthSum> {
        let of = |month: &str, part: &str| self.months.iter().find(|r| r.part == part && r.month == month);
        names
            .iter()
            .map(|month| MonthSum {
                month: month.clone(),
                sales: of(month, sales_part).map_or(0, |r| r.net),
                orders: of(month, "order").map_or(0, |r| r.n),
            })
            .collect()
    }
}

/// 売掛残高 and what of it is past its due date. Open invoices minus what payments cover minus open
/// credit notes; a credit note lowers the overdue part of the invoice it corrects.
fn receivable(open: &[OpenRow], today: Date) -> (i64, i64) {
    let today = crate::model::Date(today).to_string();
    let mut left: FxHashMap<(&str, &str), (i64, bool)> = FxHashMap::default();
    let mut receivable = 0_i64;
    for row in open.iter().filter(|r| r.kind != "credit_note") {
        let rest = row.total_minor.saturating_sub(row.allocated);
        receivable = receivable.saturating_add(rest);
        let late = row.due_date.as_ref().is_some_and(|due| *due < today);
        left.insert((&row.connection_id, &row.number), (rest, late));
    }
    for row in open.iter().filter(|r| r.kind == "credit_note") {
        receivable = receivable.saturating_sub(row.total_minor);
        if let Some(corrected) = row.corrects.as_deref().and_then(|n| left.get_mut(&(row.connection_id.as_str(), n))) {
            corrected.0 = corrected.0.saturating_sub(row.total_minor);
        }
    }
    let overdue = left.values().filter(|(rest, late)| *late && *rest > 0).map(|(rest, _)| rest).sum();
    (receivable, overdue)
}

fn stat_row(m: &Measured) -> StatRow {
    StatRow {
        customer_id: m.id.clone(),
        basis: match m.basis {
            Basis::Invoiced => "invoiced",
            Basis::Ordered => "ordered",
        }
        .to_owned(),
        sales_12m: m.sales_12m,
        sales_prev: m.sales_prev_12m,
        ltv: m.ltv,
        orders_12m: m.orders_12m,
        orders_24m: m.orders_24m,
        sales_24m: m.sales_24m,
        receivable: m.receivable,
        overdue: m.overdue,
        first_order: m.first_order.clone(),
        last_order: m.last_order.clone(),
        last_contact: m.last_contact.clone(),
        events: m.events,
        monthly: serde_json::Value::from(m.months.iter().map(|s| s.sales).collect::<Vec<_>>()).to_string(),
        health: m.health.as_str().to_owned(),
    }
}

/// Days from a stored date to today.
pub(super) fn days_since(date: Option<&str>, today: Date) -> Option<i64> {
    let date = crate::model::Date::parse(date?)?.0;
    (today - date).total((jiff::Unit::Day, today)).ok().map(|days| days as i64)
}

fn periods(today: Date, months: i32) -> Periods {
    let text = |date: Date| crate::model::Date(date).to_string();
    let start = |span: Span| today.saturating_sub(span).tomorrow().unwrap_or(today);
    Periods {
        today: text(today),
        year: text(start(1.year())),
        prev: text(start(2.years())),
        months: text(today.first_of_month().saturating_sub((months - 1).months())),
    }
}

fn month_names(today: Date, months: i32) -> Vec<String> {
    (0..months)
        .rev()
        .map(|back| {
            let first = today.first_of_month().saturating_sub(back.months());
            format!("{:04}-{:02}", first.year(), first.month())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn twelve_months_end_today() {
        let p = periods(date(2026, 11, 23), 12);
        assert_eq!((p.today.as_str(), p.year.as_str(), p.prev.as_str()), ("2026-11-23", "2025-11-24", "2024-11-24"));
        assert_eq!(p.months, "2025-12-01");
        assert_eq!(periods(date(2024, 2, 29), 24).year, "2023-03-01");
        let names = month_names(date(2026, 3, 31), 12);
        assert_eq!((names.len(), names[0].as_str(), names[11].as_str()), (12, "2025-04", "2026-03"));
    }

    #[test]
    fn days_between_dates() {
        let today = date(2026, 11, 23);
        for (text, days) in [("2026-11-23", Some(0)), ("2026-09-24", Some(60)), ("2025-11-23", Some(365)), ("", None)] {
            assert_eq!(days_since(Some(text), today), days, "{text}");
        }
    }

    #[test]
    fn what_is_owed() {
        let row = |kind: &str, number: &str, due: &str, total, allocated, corrects: Option<&str>| OpenRow {
            customer_id: "c".into(),
            connection_id: "k".into(),
            kind: kind.into(),
            number: number.into(),
            corrects: corrects.map(Into::into),
            due_date: Some(due.into()),
            total_minor: total,
            allocated,
        };
        let today = date(2026, 11, 23);
        let open = [
            row("invoice", "1", "2026-11-22", 1000, 400, None),
            row("invoice", "2", "2026-11-23", 500, 0, None),
            row("invoice", "3", "2026-10-31", 300, 0, None),
            row("credit_note", "9", "2026-10-31", 300, 0, Some("3")),
            row("credit_note", "8", "2026-10-31", 50, 0, None),
        ];
        assert_eq!(receivable(&open, today), (600 + 500 + 300 - 300 - 50, 600));
    }
}
