//! The generated business holds together.

use std::collections::{HashMap, HashSet};

use jiff::civil::date;
use musubi_samples::{Company, CompanyOptions, Link, OrderState, SampleOptions, numbers};

fn company() -> Company {
    let SampleOptions { customers, months, today, seed, .. } = SampleOptions::new(date(2026, 11, 20));
    Company::generate(CompanyOptions { customers, months, today, seed })
}

#[test]
fn same_input_same_company() {
    assert_eq!(format!("{:?}", company()), format!("{:?}", company()));
}

#[test]
fn counts_are_about_as_announced() {
    let c = company();
    assert_eq!(c.customers.len(), 240);
    assert_eq!(c.orders.len(), 1_830);
    assert!((1_380..=1_440).contains(&c.invoices.len()), "{}", c.invoices.len());
    assert!(c.payments.len() > 1_100, "{}", c.payments.len());
    let notes = c.invoices.iter().filter(|i| i.corrects.is_some()).count();
    assert!((20..=90).contains(&notes), "{notes}");
    assert!(c.sites.len() > 100 && c.contacts.len() > 400);
    let unlinked = c.customers.iter().filter(|c| c.link == Link::None).count();
    assert!((8..=15).contains(&unlinked), "{unlinked}");
}

#[test]
fn business_reaches_today_and_not_further() {
    let c = company();
    let today = date(2026, 11, 20);
    assert!(c.orders.iter().all(|o| o.ordered <= today));
    assert!(c.orders.iter().filter(|o| o.ordered == today).count() >= 1);
    assert!(c.invoices.iter().all(|i| i.issued <= today));
    assert!(c.payments.iter().all(|p| p.paid <= today));
}

#[test]
fn the_customer_of_the_pictures_has_most_events() {
    let c = company();
    let mut events: HashMap<usize, usize> = HashMap::new();
    let of = c.orders.iter().map(|o| o.customer);
    for customer in of.chain(c.invoices.iter().map(|i| i.customer)).chain(c.payments.iter().map(|p| p.customer)) {
        *events.entry(customer).or_default() += 1;
    }
    let mut ranked: Vec<(usize, usize)> = events.into_iter().map(|(customer, n)| (n, customer)).collect();
    ranked.sort_unstable();
    let (most, next) = (ranked[ranked.len() - 1], ranked[ranked.len() - 2]);
    let shown = &c.customers[most.1];
    assert_eq!((shown.name.as_str(), shown.code.as_str()), ("株式会社朝凪電装", "C-00127"));
    assert_eq!(shown.corporate_number, "5009901000127");
    assert_eq!((shown.closing_day, shown.payment_terms, shown.owner), (10, "翌月末払い", "佐伯"));
    assert!(most.0 > 300 && most.0 > 2 * next.0, "{most:?} {next:?}");
}

#[test]
fn numbers_and_keys_are_valid_and_unique() {
    let c = company();
    let mut seen = HashSet::new();
    for customer in &c.customers {
        assert!(numbers::is_valid(&customer.corporate_number), "{}", customer.corporate_number);
        assert_eq!(customer.corporate_number.get(1..5), Some("0099"));
        assert!(customer.phone.contains("-000-"));
        assert!(customer.domain.ends_with(".example"));
        for key in [&customer.code, &customer.name, &customer.corporate_number, &customer.domain] {
            assert!(seen.insert(key.clone()), "{key} twice");
        }
        assert!(seen.insert(format!("partner {}", customer.partner_id)));
    }
    let numbers: HashSet<&String> =
        c.orders.iter().map(|o| &o.number).chain(c.invoices.iter().map(|i| &i.number)).collect();
    assert_eq!(numbers.len(), c.orders.len() + c.invoices.len());
}

#[test]
fn sums_agree() {
    let c = company();
    for order in &c.orders {
        assert!((1..=4).contains(&order.lines.len()));
        assert_eq!(order.lines.iter().map(|l| l.amount).sum::<i64>(), order.net);
    }
    for invoice in &c.invoices {
        assert_eq!(invoice.lines.iter().map(|l| l.amount).sum::<i64>(), invoice.net, "{}", invoice.number);
        assert_eq!(invoice.taxes.iter().map(|t| t.taxable).sum::<i64>(), invoice.net);
        assert_eq!(invoice.taxes.iter().map(|t| t.tax).sum::<i64>(), invoice.tax);
        assert!(invoice.taxes.iter().all(|t| t.tax == t.taxable * t.rate / 100));
    }
    assert!(c.invoices.iter().any(|i| i.taxes.iter().any(|t| t.rate == 8)));
}

#[test]
fn invoices_cover_their_orders_once() {
    let c = company();
    let mut covered = HashSet::new();
    let orders: HashMap<&str, i64> = c.orders.iter().map(|o| (o.number.as_str(), o.net)).collect();
    for invoice in c.invoices.iter().filter(|i| i.corrects.is_none()) {
        let net: i64 = invoice.orders.iter().map(|n| orders[n.as_str()]).sum();
        assert_eq!(net, invoice.net);
        assert!(invoice.orders.iter().all(|n| covered.insert(n.clone())), "{} again", invoice.number);
    }
    let done = c.orders.iter().filter(|o| o.state == OrderState::Done).count();
    assert_eq!(done, covered.len());
}

#[test]
fn no_invoice_is_overpaid() {
    let c = company();
    let mut left: HashMap<&str, i64> =
        c.invoices.iter().filter(|i| i.corrects.is_none()).map(|i| (i.number.as_str(), i.total())).collect();
    for note in &c.invoices {
        if let Some(corrected) = &note.corrects {
            *left.get_mut(corrected.as_str()).expect("a credit note names an invoice") -= note.total();
        }
    }
    for payment in &c.payments {
        assert_eq!(payment.amount, payment.allocations.iter().map(|(_, amount)| amount).sum::<i64>());
        for (number, amount) in &payment.allocations {
            *left.get_mut(number.as_str()).expect("a payment names an invoice") -= amount;
        }
    }
    assert!(left.values().all(|open| *open >= 0));
    assert!(left.values().any(|open| *open > 0));
}

#[test]
fn any_size_works() {
    for (customers, months) in [(0, 1), (1, 1), (3, 2), (13, 6), (400, 3)] {
        let c = Company::generate(CompanyOptions { customers, months, today: date(2026, 3, 1), seed: 3 });
        assert_eq!(c.customers.len(), customers);
    }
}
