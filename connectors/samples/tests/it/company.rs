//! The generated business holds together.

use std::collections::{HashMap, HashSet};

use jiff::civil::date;
use musubi_samples::{Company, CompanyOptions, numbers};

fn company() -> Company {
    Company::generate(CompanyOptions { customers: 240, months: 24, today: date(2026, 11, 20), seed: 7 })
}

#[test]
fn same_input_same_company() {
    assert_eq!(format!("{:?}", company()), format!("{:?}", company()));
}

#[test]
fn counts_are_about_as_stated() {
    let c = company();
    println!(
        "{} {} {} {} {} {}",
        c.customers.len(),
        c.sites.len(),
        c.contacts.len(),
        c.orders.len(),
        c.invoices.len(),
        c.payments.len()
    );
    assert_eq!(c.customers.len(), 240);
    assert!((1_820..=1_840).contains(&c.orders.len()), "{}", c.orders.len());
    assert!((1_380..=1_440).contains(&c.invoices.len()), "{}", c.invoices.len());
}
