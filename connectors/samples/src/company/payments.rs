//! Payments: most on the due date, some late (often together with the next invoice), some still
//! open, a few in part. A credit note lessens what its invoice still needs.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;

use super::{
    CompanyOptions, Customer, Invoice, InvoiceState, Payment, Profile, japan, month_start, plus_days, working_day,
};
use crate::rng::Rng;

pub(super) fn generate(options: &CompanyOptions, customers: &[Customer], invoices: &mut [Invoice]) -> Vec<Payment> {
    let rng = &mut Rng::new(options.seed ^ 0x9A7E);
    let mut credits: HashMap<String, i64> = HashMap::new();
    for note in invoices.iter() {
        if let Some(corrected) = &note.corrects {
            *credits.entry(corrected.clone()).or_default() += note.total();
        }
    }
    // One payment per customer and day; late and current invoices meet in it.
    let mut days: BTreeMap<(Date, usize), Vec<(String, i64)>> = BTreeMap::new();
    let mut settled: HashMap<String, (InvoiceState, Date)> = HashMap::new();
    for invoice in invoices.iter().filter(|i| i.corrects.is_none()) {
        let owed = invoice.total() - credits.get(&invoice.number).copied().unwrap_or(0);
        let Some((day, part)) = paid(options, &customers[invoice.customer], invoice.due, rng) else { continue };
        if day > options.today || owed <= 0 {
            continue;
        }
        let amount = owed * part / 100;
        days.entry((day, invoice.customer)).or_default().push((invoice.number.clone(), amount));
        let state = if part == 100 { InvoiceState::Settled } else { InvoiceState::Partial };
        settled.insert(invoice.number.clone(), (state, day));
    }
    for invoice in invoices.iter_mut() {
        let key = invoice.corrects.as_ref().unwrap_or(&invoice.number);
        if let Some((state, day)) = settled.get(key) {
            invoice.state = *state;
            invoice.changed = invoice.changed.max(japan(*day, 11 * 60, 0));
        }
    }
    days.into_iter()
        .zip(1_u64..)
        .map(|(((day, customer), allocations), n)| Payment {
            id: 880_000 + n,
            number: format!("PM-{:02}-{n:05}", day.year().rem_euclid(100)),
            customer,
            paid: day,
            method: if customer % 11 == 0 { "口座振替" } else { "振込" },
            amount: allocations.iter().map(|(_, amount)| amount).sum(),
            allocations,
            occurred: japan(day, 10 * 60 + (customer % 50) as i64, 0),
        })
        .collect()
}

/// The day and the share in percent; `None`: nothing came.
fn paid(options: &CompanyOptions, customer: &Customer, due: Date, rng: &mut Rng) -> Option<(Date, i64)> {
    let on_time = working_day(due);
    let recent = plus_days(due, 120) > options.today;
    let troubled = matches!(customer.profile, Profile::Declining | Profile::Dormant);
    match rng.below(100) {
        _ if customer.code == "C-00127" => Some((on_time, 100)),
        0..80 => Some((on_time, 100)),
        80..88 => Some((working_day(plus_days(due, rng.between(3, 25))), 100)),
        88..94 => {
            let next = month_start(due, 1);
            let day = if due.day() >= 28 { next.last_of_month() } else { plus_days(next, i64::from(due.day()) - 1) };
            Some((working_day(day), 100))
        }
        94..96 if recent || troubled => Some((on_time, 60)),
        96.. if recent || troubled => None,
        _ => Some((working_day(plus_days(due, 38)), 100)),
    }
}
