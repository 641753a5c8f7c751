//! Closing invoices (締め請求): on a customer's closing day, all orders shipped since the last one
//! become one invoice; tax is rounded down once per rate. Some get a credit note (赤伝) for goods
//! sent back.

use jiff::civil::Date;

use super::{
    CompanyOptions, Customer, Invoice, InvoiceState, Line, Order, OrderState, TaxLine, japan, month_start, plus_days,
};
use crate::rng::Rng;

/// The closing date on or after `day` of a customer that closes on `closing_day`.
pub(crate) fn closing_of(day: Date, closing_day: i8) -> Date {
    let this = on_day(day, closing_day);
    if day <= this { this } else { on_day(month_start(day, 1), closing_day) }
}

fn on_day(month: Date, day: i8) -> Date {
    if day >= month.days_in_month() {
        month.last_of_month()
    } else {
        plus_days(month.first_of_month(), i64::from(day) - 1)
    }
}

/// When an invoice closed on `closing` is due.
pub(crate) fn due_date(closing: Date, terms: &str) -> Date {
    match terms {
        "翌々月10日払い" => on_day(month_start(closing, 2), 10),
        "翌月20日払い" => on_day(month_start(closing, 1), 20),
        "翌月15日払い" => on_day(month_start(closing, 1), 15),
        _ => on_day(month_start(closing, 1), 31),
    }
}

/// Tax per rate, rounded down once.
pub(crate) fn tax_lines(lines: &[Line]) -> Vec<TaxLine> {
    [10, 8]
        .into_iter()
        .filter_map(|rate| {
            let taxable: i64 = lines.iter().filter(|l| l.tax_rate == rate).map(|l| l.amount).sum();
            (taxable != 0).then(|| TaxLine { rate, taxable, tax: taxable * rate / 100 })
        })
        .collect()
}

/// An invoice before numbering, with the place of the invoice it corrects.
struct Draft {
    invoice: Invoice,
    corrects: Option<usize>,
}

pub(super) fn generate(options: &CompanyOptions, customers: &[Customer], orders: &mut [Order]) -> Vec<Invoice> {
    let mut drafts: Vec<Draft> = Vec::new();
    for (index, customer) in customers.iter().enumerate() {
        let mut shipped: Vec<&mut Order> =
            orders.iter_mut().filter(|o| o.customer == index && o.state == OrderState::Shipped).collect();
        shipped.sort_by_key(|o| (o.delivery, o.id));
        for group in shipped.chunk_by_mut(|a, b| {
            closing_of(a.delivery, customer.closing_day) == closing_of(b.delivery, customer.closing_day)
        }) {
            let closing = closing_of(group[0].delivery, customer.closing_day);
            if closing > options.today {
                continue;
            }
            let invoice = closing_invoice(index, customer, closing, group);
            drafts.push(Draft { invoice, corrects: None });
        }
    }
    add_credit_notes(options, &mut drafts);
    numbered(drafts)
}

fn closing_invoice(index: usize, customer: &Customer, closing: Date, orders: &mut [&mut Order]) -> Invoice {
    let occurred = japan(closing, 18 * 60 + (index % 40) as i64, (index % 60) as i64);
    let mut lines = Vec::new();
    let mut numbers = Vec::new();
    for order in orders {
        order.state = OrderState::Done;
        order.changed = occurred;
        lines.extend(order.lines.iter().cloned());
        numbers.push(order.number.clone());
    }
    issued(index, customer, closing, lines, numbers)
}

/// An unnumbered invoice over these lines.
pub(crate) fn issued(
    index: usize,
    customer: &Customer,
    closing: Date,
    lines: Vec<Line>,
    orders: Vec<String>,
) -> Invoice {
    let occurred = japan(closing, 18 * 60 + (index % 40) as i64, (index % 60) as i64);
    let taxes = tax_lines(&lines);
    Invoice {
        id: 0,
        number: String::new(),
        customer: index,
        corrects: None,
        issued: closing,
        closing,
        due: due_date(closing, customer.payment_terms),
        state: InvoiceState::Unsettled,
        net: lines.iter().map(|l| l.amount).sum(),
        tax: taxes.iter().map(|t| t.tax).sum(),
        taxes,
        lines,
        orders,
        occurred,
        changed: occurred,
    }
}

/// About three in a hundred invoices: part of one line came back.
fn add_credit_notes(options: &CompanyOptions, drafts: &mut Vec<Draft>) {
    let rng = &mut Rng::new(options.seed ^ 0xC4ED);
    for place in 0..drafts.len() {
        let original = &drafts[place].invoice;
        let day = super::working_day(plus_days(original.issued, rng.between(3, 9)));
        if !rng.percent(3) || day > options.today || original.lines.is_empty() {
            continue;
        }
        let mut line = rng.pick(&original.lines).clone();
        line.quantity = rng.between(1, (line.quantity / 4).max(1));
        line.amount = line.price * line.quantity;
        let taxes = tax_lines(std::slice::from_ref(&line));
        let occurred = japan(day, rng.between(600, 1_000), rng.between(0, 59));
        let invoice = Invoice {
            issued: day,
            net: line.amount,
            tax: taxes.iter().map(|t| t.tax).sum(),
            lines: vec![line],
            taxes,
            orders: Vec::new(),
            occurred,
            changed: occurred,
            ..original.clone()
        };
        drafts.push(Draft { invoice, corrects: Some(place) });
    }
}

/// Numbers run per year in the order of issue, credit notes among them.
fn numbered(mut drafts: Vec<Draft>) -> Vec<Invoice> {
    let mut order: Vec<usize> = (0..drafts.len()).collect();
    order.sort_by_key(|&i| (drafts[i].invoice.issued, drafts[i].invoice.occurred, drafts[i].invoice.customer));
    let (mut year, mut running) = (0, 0_u32);
    for (&place, id) in order.iter().zip(700_001_u64..) {
        let invoice = &mut drafts[place].invoice;
        if invoice.issued.year() != year {
            (year, running) = (invoice.issued.year(), 0);
        }
        running += 1;
        invoice.id = id;
        invoice.number = number(invoice.issued, running);
    }
    let numbers: Vec<String> = drafts.iter().map(|d| d.invoice.number.clone()).collect();
    let mut out: Vec<Invoice> = drafts
        .into_iter()
        .map(|Draft { mut invoice, corrects }| {
            invoice.corrects = corrects.map(|place| numbers[place].clone());
            invoice
        })
        .collect();
    out.sort_by_key(|i| i.id);
    out
}

/// `INV-26-1207`
pub(crate) fn number(day: Date, running: u32) -> String {
    format!("INV-{:02}-{running:04}", day.year().rem_euclid(100))
}
