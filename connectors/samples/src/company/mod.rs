//! The sample company ひのき精機株式会社 and two years of its business.
//!
//! Everything is invented and follows from `(seed, customers, months, today)` alone: same input,
//! same company. Customers come first, then orders per customer, then closing invoices over the
//! shipped orders, then payments over the invoices; each step reads only the ones before it.
//!
//! Invariants (tested in `tests/it/company.rs`): an order's lines add up to its net amount; an
//! invoice's tax is rounded once per rate; what is allocated to an invoice never exceeds it.
//!
//! To add a record kind: a type here, a `generate` in a file of its own, a call in
//! [`Company::generate`], and a table in `sales/` or `accounting/`.

mod catalog;
mod customers;
mod deals;
mod invoices;
mod kana;
mod orders;
mod payments;
mod words;

use jiff::{Timestamp, civil::Date};

pub use deals::{Contract, Deal, DealState, Desk, Inquiry, Quote};
pub(crate) use invoices::{closing_of, due_date, issued, number as invoice_number, tax_lines};
pub(crate) use orders::{draw_lines, net_and_tax, number as order_number, subject};

/// What the generator is asked for.
#[derive(Clone, Copy, Debug)]
pub struct CompanyOptions {
    pub customers: usize,
    pub months: usize,
    /// The last day with business.
    pub today: Date,
    pub seed: u64,
}

/// How accounting's record of a customer can be tied to the sales record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Accounting notes the sales 得意先コード.
    Code,
    /// No code, but the corporate number and the name agree.
    Number,
    /// Neither: only a person can tell.
    None,
}

#[derive(Clone, Debug)]
pub struct Customer {
    /// Key in the sales system.
    pub id: u64,
    /// Key in accounting.
    pub partner_id: u64,
    pub code: String,
    pub name: String,
    pub sales_name: String,
    pub accounting_name: String,
    pub kana: String,
    pub corporate_number: String,
    pub industry: &'static str,
    pub postal_code: String,
    /// Prefecture and city, for sites in the same city.
    pub city: String,
    pub address: String,
    /// Accounting's bill-to address; differs for some.
    pub billing_address: String,
    pub area: &'static str,
    pub phone: String,
    pub domain: String,
    pub department: &'static str,
    pub owner: &'static str,
    /// 10, 15, 20; 31 is the last day of the month.
    pub closing_day: i8,
    pub payment_terms: &'static str,
    pub credit_limit: i64,
    /// How large its orders are: the most lots of a line.
    pub scale: i64,
    pub price_class: &'static str,
    pub link: Link,
    pub profile: Profile,
    pub registered: Date,
    pub changed: Timestamp,
}

/// How a customer's orders run over the months.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    Steady,
    Growing,
    Declining,
    /// Nothing for the last months.
    Dormant,
    /// First order within the last months.
    New,
}

#[derive(Clone, Debug)]
pub struct Site {
    pub id: u64,
    pub customer: usize,
    pub code: String,
    pub name: String,
    pub role: &'static str,
    pub postal_code: String,
    pub address: String,
    pub phone: String,
    pub changed: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Contact {
    pub id: u64,
    pub customer: usize,
    pub name: String,
    pub kana: String,
    pub department: &'static str,
    pub title: &'static str,
    pub mail: String,
    pub phone: String,
    pub changed: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub code: &'static str,
    pub name: &'static str,
    pub unit: &'static str,
    pub quantity: i64,
    pub price: i64,
    pub amount: i64,
    pub tax_rate: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderState {
    Received,
    Shipped,
    Done,
    Void,
}

#[derive(Clone, Debug)]
pub struct Order {
    pub id: u64,
    pub number: String,
    pub customer: usize,
    /// Key of the site it goes to.
    pub site: Option<u64>,
    pub subject: String,
    pub ordered: Date,
    pub delivery: Date,
    pub state: OrderState,
    pub lines: Vec<Line>,
    pub net: i64,
    pub tax: i64,
    pub occurred: Timestamp,
    pub changed: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvoiceState {
    Unsettled,
    Partial,
    Settled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaxLine {
    pub rate: i64,
    pub taxable: i64,
    pub tax: i64,
}

/// A closing invoice (締め請求), or a credit note (赤伝) when `corrects` names one. Amounts of a
/// credit note are positive; its kind carries the sign.
#[derive(Clone, Debug)]
pub struct Invoice {
    pub id: u64,
    pub number: String,
    pub customer: usize,
    pub corrects: Option<String>,
    pub issued: Date,
    pub closing: Date,
    pub due: Date,
    pub state: InvoiceState,
    pub lines: Vec<Line>,
    pub taxes: Vec<TaxLine>,
    pub net: i64,
    pub tax: i64,
    pub orders: Vec<String>,
    pub occurred: Timestamp,
    pub changed: Timestamp,
}

impl Invoice {
    #[must_use]
    pub fn total(&self) -> i64 {
        self.net + self.tax
    }
}

#[derive(Clone, Debug)]
pub struct Payment {
    pub id: u64,
    pub number: String,
    pub customer: usize,
    pub paid: Date,
    pub method: &'static str,
    pub amount: i64,
    /// Invoice number and the part of the amount that settles it.
    pub allocations: Vec<(String, i64)>,
    pub occurred: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Company {
    pub customers: Vec<Customer>,
    pub sites: Vec<Site>,
    pub contacts: Vec<Contact>,
    pub orders: Vec<Order>,
    pub invoices: Vec<Invoice>,
    pub payments: Vec<Payment>,
    /// Deals, quotes, contracts and inquiries.
    pub desk: Desk,
}

impl Company {
    #[must_use]
    pub fn generate(options: CompanyOptions) -> Self {
        let customers = customers::generate(&options);
        let sites = customers::sites(&customers, options.seed);
        let contacts = customers::contacts(&customers, options.seed);
        let mut orders = orders::generate(&options, &customers, &sites);
        let mut invoices = invoices::generate(&options, &customers, &mut orders);
        let payments = payments::generate(&options, &customers, &mut invoices);
        let desk = deals::generate(&options, &customers, &orders);
        Self { customers, sites, contacts, orders, invoices, payments, desk }
    }

    /// Only the customers, for sources that make their own orders.
    pub(crate) fn customers_only(options: CompanyOptions) -> Self {
        Self {
            customers: customers::generate(&options),
            sites: Vec::new(),
            contacts: Vec::new(),
            orders: Vec::new(),
            invoices: Vec::new(),
            payments: Vec::new(),
            desk: Desk::default(),
        }
    }

    /// Moves the instants of the last hours that lie after `now` to just before it, so that a
    /// demo started in the early morning does not show this afternoon's orders. Days far ahead
    /// (a test's fixed `today`) stay as they are.
    #[must_use]
    pub fn not_after(mut self, now: Timestamp) -> Self {
        let clamp = |at: &mut Timestamp| {
            let ahead = at.as_second() - now.as_second();
            if (1..86_400).contains(&ahead) {
                // Later in the day stays later: an hour ahead becomes a second.
                *at = shifted(now, ahead / 3_600 - 30);
            }
        };
        self.orders.iter_mut().for_each(|o| {
            clamp(&mut o.occurred);
            clamp(&mut o.changed);
        });
        self.invoices.iter_mut().for_each(|i| {
            clamp(&mut i.occurred);
            clamp(&mut i.changed);
        });
        self.payments.iter_mut().for_each(|p| clamp(&mut p.occurred));
        self
    }
}

/// `at` moved by seconds; unchanged at the ends of time, which no option reaches.
pub(crate) fn shifted(at: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(at.as_second() + seconds).unwrap_or(at)
}

/// An instant of that day in Japan (UTC+9 all year), given as minutes after midnight.
pub(crate) fn japan(day: Date, minutes: i64, second: i64) -> Timestamp {
    let midnight = day.duration_since(jiff::civil::date(1970, 1, 1)).as_secs();
    Timestamp::from_second(midnight + minutes * 60 + second - 9 * 3600).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The day of an instant in Japan.
pub(crate) fn day_in_japan(at: Timestamp) -> Date {
    jiff::tz::Offset::constant(9).to_datetime(at).date()
}

/// `day` plus a number of days, saturating at the calendar's end.
pub(crate) fn plus_days(day: Date, days: i64) -> Date {
    day.saturating_add(jiff::Span::new().days(days))
}

/// First day of the month `months` after (or before) the month of `day`.
pub(crate) fn month_start(day: Date, months: i64) -> Date {
    day.first_of_month().saturating_add(jiff::Span::new().months(months))
}

/// Moves a Saturday or Sunday to the following Monday.
pub(crate) fn working_day(day: Date) -> Date {
    match day.weekday() {
        jiff::civil::Weekday::Saturday => plus_days(day, 2),
        jiff::civil::Weekday::Sunday => plus_days(day, 1),
        _ => day,
    }
}
