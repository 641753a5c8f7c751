//! The state of a customer: a list of rules that a person can read, never a bare score.
//!
//! In this order, the first that holds decides:
//! 1. Act: something is overdue.
//! 2. New: the first order is less than 90 days ago.
//! 3. Dormant: no order for 12 months, or never one.
//! 4. Act: no contact for 60 days although there were orders in the last 12 months.
//! 5. Watch: sales are more than 25 % below the year before, or no contact for 45 days.
//! 6. Good.
//!
//! Where a customer's orders are not connected, its invoices stand in for them. To change a rule,
//! change it here and in the table test.

use super::customer::Health;

const NEW_DAYS: i64 = 90;
const QUIET_DAYS: i64 = 60;
const WATCH_DAYS: i64 = 45;
const DOWN_PERCENT: i64 = 25;
/// Orders in a foreign currency are not in `orders_12m`, so the date must agree.
const YEAR_DAYS: i64 = 365;

/// What the rules look at. Days count back from today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    pub first_order_days: Option<i64>,
    pub last_order_days: Option<i64>,
    /// Orders in the last 12 months.
    pub orders_12m: i64,
    pub last_contact_days: Option<i64>,
    pub sales_12m: i64,
    pub sales_prev_12m: i64,
    pub overdue: i64,
}

/// The state and every rule that speaks for it, as catalogue keys with one number each: `overdue`
/// (minor units), `first_order_days`, `no_order_days`, `never_ordered`, `quiet_days`,
/// `never_contacted`, `sales_down_percent`, `contact_days`.
#[must_use]
pub fn health(inputs: &Inputs) -> (Health, Vec<(String, i64)>) {
    let quiet = quiet(inputs, QUIET_DAYS);
    if inputs.overdue > 0 {
        let mut reasons = vec![("overdue".to_owned(), inputs.overdue)];
        reasons.extend(quiet.filter(|_| inputs.orders_12m > 0));
        return (Health::Act, reasons);
    }
    if let Some(days) = inputs.first_order_days.filter(|days| *days < NEW_DAYS) {
        return (Health::New, vec![("first_order_days".into(), days)]);
    }
    match inputs.last_order_days {
        None => return (Health::Dormant, vec![("never_ordered".into(), 0)]),
        Some(days) if inputs.orders_12m == 0 && days >= YEAR_DAYS => {
            return (Health::Dormant, vec![("no_order_days".into(), days)]);
        }
        Some(_) => {}
    }
    if let Some(reason) = quiet {
        return (Health::Act, vec![reason]);
    }
    let watch: Vec<_> = [down(inputs), self::quiet(inputs, WATCH_DAYS)].into_iter().flatten().collect();
    if !watch.is_empty() {
        return (Health::Watch, watch);
    }
    (Health::Good, inputs.last_contact_days.map(|days| ("contact_days".into(), days)).into_iter().collect())
}

fn quiet(inputs: &Inputs, days: i64) -> Option<(String, i64)> {
    match inputs.last_contact_days {
        None => Some(("never_contacted".into(), 0)),
        Some(since) if since >= days => Some(("quiet_days".into(), since)),
        Some(_) => None,
    }
}

/// By how many percent sales fell, where that is more than the limit.
fn down(inputs: &Inputs) -> Option<(String, i64)> {
    let before = i128::from(inputs.sales_prev_12m);
    let fall = before - i128::from(inputs.sales_12m);
    let worth_saying = before > 0 && fall * 100 > before * i128::from(DOWN_PERCENT);
    worth_saying.then(|| ("sales_down_percent".into(), i64::try_from(fall * 100 / before).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_in_their_order() {
        let steady = Inputs {
            first_order_days: Some(900),
            last_order_days: Some(10),
            orders_12m: 12,
            last_contact_days: Some(3),
            sales_12m: 100,
            sales_prev_12m: 100,
            overdue: 0,
        };
        let table = [
            ("steady", steady, Health::Good, vec![("contact_days", 3)]),
            ("new", Inputs { first_order_days: Some(89), ..steady }, Health::New, vec![("first_order_days", 89)]),
            (
                "90 days are not new",
                Inputs { first_order_days: Some(90), ..steady },
                Health::Good,
                vec![("contact_days", 3)],
            ),
            (
                "new but overdue",
                Inputs { first_order_days: Some(5), overdue: 7, ..steady },
                Health::Act,
                vec![("overdue", 7)],
            ),
            (
                "dormant",
                Inputs { last_order_days: Some(366), orders_12m: 0, ..steady },
                Health::Dormant,
                vec![("no_order_days", 366)],
            ),
            ("nothing known", Inputs::default(), Health::Dormant, vec![("never_ordered", 0)]),
            ("quiet 60", Inputs { last_contact_days: Some(60), ..steady }, Health::Act, vec![("quiet_days", 60)]),
            ("quiet 59", Inputs { last_contact_days: Some(59), ..steady }, Health::Watch, vec![("quiet_days", 59)]),
            ("quiet 45", Inputs { last_contact_days: Some(45), ..steady }, Health::Watch, vec![("quiet_days", 45)]),
            ("quiet 44", Inputs { last_contact_days: Some(44), ..steady }, Health::Good, vec![("contact_days", 44)]),
            ("down 25 %", Inputs { sales_12m: 75, ..steady }, Health::Good, vec![("contact_days", 3)]),
            ("down 26 %", Inputs { sales_12m: 74, ..steady }, Health::Watch, vec![("sales_down_percent", 26)]),
            (
                "down and quiet",
                Inputs { sales_12m: 0, last_contact_days: Some(50), ..steady },
                Health::Watch,
                vec![("sales_down_percent", 100), ("quiet_days", 50)],
            ),
            (
                "overdue and quiet",
                Inputs { overdue: 1, last_contact_days: Some(70), ..steady },
                Health::Act,
                vec![("overdue", 1), ("quiet_days", 70)],
            ),
        ];
        for (case, inputs, state, reasons) in table {
            let reasons: Vec<(String, i64)> = reasons.into_iter().map(|(k, n)| (k.to_owned(), n)).collect();
            assert_eq!(health(&inputs), (state, reasons), "{case}");
        }
    }
}
