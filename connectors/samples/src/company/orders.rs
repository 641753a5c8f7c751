//! Two years of orders: how many per customer, in which months, with which lines.

use jiff::civil::{Date, Weekday};

use super::catalog::{GOODS, Product, TRIAL_FOOD};
use super::{
    CompanyOptions, Customer, Line, Order, OrderState, Profile, Site, japan, month_start, plus_days, working_day,
};
use crate::rng::Rng;

/// Orders per customer and month over the whole company: 1,830 for 240 customers in 24 months.
const PER_CUSTOMER_MONTH: f64 = 1_830.0 / (240.0 * 24.0);
/// The share of the customer that the pictures show.
const SHOWN_SHARE: f64 = 0.175;
/// The running number of the first order of a 24-month company, so that the newest is near 11,873.
const FIRST_NUMBER: u64 = 10_044;

pub(super) fn generate(options: &CompanyOptions, customers: &[Customer], sites: &[Site]) -> Vec<Order> {
    let mut out = Vec::new();
    for (index, count) in counts(options, customers).into_iter().enumerate() {
        let rng = &mut Rng::fork(options.seed ^ 0x0DE5, index as u64);
        let own: Vec<u64> = sites.iter().filter(|s| s.customer == index && s.role != "bill_to").map(|s| s.id).collect();
        let mut days = order_days(options, &customers[index], count, rng);
        if customers[index].code == "C-00127"
            && let Some(last) = days.last_mut()
        {
            *last = options.today;
        }
        for day in days {
            out.push(order(options, (index, &customers[index]), &own, day, rng));
        }
    }
    if let Some(last) = out.iter_mut().rev().find(|o| customers[o.customer].code == "C-00127") {
        last.occurred = japan(options.today, 9 * 60 + 42, 17);
        picture(last);
    }
    out.sort_by_key(|o| (o.occurred, o.customer));
    for (order, n) in out.iter_mut().zip(0_u64..) {
        order.id = 300_001 + n;
        order.number = number(order.ordered, FIRST_NUMBER + n);
    }
    out
}

/// `SO-26-11873`
pub(crate) fn number(day: Date, running: u64) -> String {
    format!("SO-{:02}-{running:05}", day.year().rem_euclid(100))
}

/// The newest order of the customer the pictures show.
fn picture(order: &mut Order) {
    order.lines =
        [(0_usize, 120), (2, 250), (11, 10)].into_iter().map(|(i, quantity)| line(&GOODS[i], quantity)).collect();
    order.subject = subject(&order.lines);
    (order.net, order.tax) = net_and_tax(&order.lines);
    order.state = OrderState::Received;
    order.delivery = working_day(plus_days(order.ordered, 14));
    order.changed = order.occurred;
}

/// Splits the company's orders over the customers: a few large ones, many small ones.
fn counts(options: &CompanyOptions, customers: &[Customer]) -> Vec<usize> {
    let total = PER_CUSTOMER_MONTH * customers.len() as f64 * options.months as f64;
    let shown = (total * SHOWN_SHARE).max(options.months as f64 * 2.0);
    let weights: Vec<f64> = customers
        .iter()
        .enumerate()
        .map(|(index, customer)| {
            let rng = &mut Rng::fork(options.seed ^ 0xC0FE, index as u64);
            let size = if customer.credit_limit >= 12_000_000 { 6.0 } else { 3.0 };
            let bulk = size * (0.6 + 0.9 * rng.unit());
            match customer.profile {
                _ if customer.code == "C-00127" => 0.0,
                Profile::New => bulk * 0.3,
                Profile::Dormant => bulk * 0.6,
                _ => bulk,
            }
        })
        .collect();
    let all: f64 = weights.iter().sum::<f64>().max(1.0);
    let mut carry = 0.5;
    customers
        .iter()
        .zip(weights)
        .map(|(customer, weight)| {
            if customer.code == "C-00127" {
                return shown.round() as usize;
            }
            // The fraction goes on to the next customer, so that the sum stays.
            carry += (total - shown).max(0.0) * weight / all;
            let whole = carry.floor();
            carry -= whole;
            whole as usize
        })
        .collect()
}

/// The days of a customer's orders, ascending.
fn order_days(options: &CompanyOptions, customer: &Customer, count: usize, rng: &mut Rng) -> Vec<Date> {
    let first = month_start(options.today, 1 - options.months as i64);
    let mut weights: Vec<f64> = (0..options.months)
        .map(|m| month_weight(options, customer.profile, m) * season(month_start(first, m as i64)))
        .collect();
    // Small customers order now and then, not twice in one month.
    let spacing = if count * 10 <= options.months * 9 { 0.02 } else { 0.9 };
    let mut days: Vec<Date> = (0..count)
        .map(|_| {
            let month = weighted(&weights, rng);
            weights[month] *= spacing;
            let start = month_start(first, month as i64);
            let last = if month + 1 == options.months { options.today.day() } else { start.days_in_month() };
            let day = plus_days(start, rng.between(0, i64::from(last) - 1));
            // Saturday's orders came on Friday, Sunday's wait for Monday.
            let day = if day.weekday() == Weekday::Saturday { plus_days(day, -1) } else { working_day(day) };
            if day > options.today { options.today } else { day }
        })
        .collect();
    days.sort();
    days
}

fn weighted(weights: &[f64], rng: &mut Rng) -> usize {
    let mut left = rng.unit() * weights.iter().sum::<f64>();
    for (index, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return index;
        }
    }
    weights.len().saturating_sub(1)
}

fn month_weight(options: &CompanyOptions, profile: Profile, month: usize) -> f64 {
    let last = options.months.saturating_sub(1);
    let age = last - month;
    let along = month as f64 / last.max(1) as f64;
    let part = if age == 0 { f64::from(options.today.day()) / 30.0 } else { 1.0 };
    part * match profile {
        Profile::Steady => 1.0,
        Profile::Growing => 0.6 + 0.8 * along,
        Profile::Declining => 1.5 - 1.25 * along,
        Profile::Dormant => {
            if age < 5 && options.months > 6 {
                0.0
            } else {
                1.0
            }
        }
        Profile::New => {
            if age > 3 {
                0.0
            } else {
                1.0
            }
        }
    }
}

/// Busy before the fiscal year's end in March and before the year's end, quiet in August.
fn season(month: Date) -> f64 {
    match month.month() {
        3 => 1.35,
        2 | 11 | 12 => 1.15,
        1 | 5 => 0.85,
        8 => 0.7,
        _ => 1.0,
    }
}

fn order(
    options: &CompanyOptions,
    (index, customer): (usize, &Customer),
    sites: &[u64],
    day: Date,
    rng: &mut Rng,
) -> Order {
    let lines = draw_lines(rng, customer);
    let (net, tax) = net_and_tax(&lines);
    let delivery = working_day(plus_days(day, rng.between(4, 24)));
    let occurred = japan(day, rng.between(8 * 60 + 30, 17 * 60 + 45), rng.between(0, 59));
    let shipped = japan(delivery, rng.between(13 * 60, 16 * 60 + 30), rng.between(0, 59));
    let (state, changed) = if rng.below(1_000) < 12 {
        (OrderState::Void, japan(day, 18 * 60 + 20, rng.between(0, 59)))
    } else if delivery <= options.today {
        (OrderState::Shipped, shipped)
    } else {
        (OrderState::Received, occurred)
    };
    Order {
        id: 0,
        number: String::new(),
        customer: index,
        site: (!sites.is_empty() && rng.percent(70)).then(|| *rng.pick(sites)),
        subject: subject(&lines),
        ordered: day,
        delivery,
        state,
        lines,
        net,
        tax,
        occurred,
        changed,
    }
}

pub(crate) fn subject(lines: &[Line]) -> String {
    match lines {
        [] => String::new(),
        [only] => format!("{} × {}", only.name, only.quantity),
        [first, rest @ ..] => format!("{} × {}、ほか{}明細", first.name, first.quantity, rest.len()),
    }
}

/// One to four different articles; food works also take trial goods at the reduced rate.
pub(crate) fn draw_lines(rng: &mut Rng, customer: &Customer) -> Vec<Line> {
    let count = [1, 1, 2, 2, 3, 4][rng.below(6)];
    let mut lines: Vec<Line> = Vec::with_capacity(count);
    while lines.len() < count {
        let product = if customer.industry == "食品加工" && rng.percent(35) {
            rng.pick(&TRIAL_FOOD)
        } else {
            rng.pick(&GOODS)
        };
        if lines.iter().any(|l| l.code == product.code) {
            continue;
        }
        let lots = if product.lot == 1 { 1 } else { rng.between((customer.scale / 4).max(1), customer.scale) };
        lines.push(line(product, product.lot * lots));
    }
    lines
}

fn line(product: &Product, quantity: i64) -> Line {
    Line {
        code: product.code,
        name: product.name,
        unit: product.unit,
        quantity,
        price: product.price,
        amount: product.price * quantity,
        tax_rate: product.tax_rate,
    }
}

pub(crate) fn net_and_tax(lines: &[Line]) -> (i64, i64) {
    (lines.iter().map(|l| l.amount).sum(), super::tax_lines(lines).iter().map(|t| t.tax).sum())
}
