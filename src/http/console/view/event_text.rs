//! How events of the history and values of the master record are worded.

use super::format;
use crate::{
    analytics::timeline::{Detail, Event, Kind},
    http::console::{Lang, Shell},
    matching::custom::parse,
    model::{
        Money, Shown,
        custom::{CustomKind, Definition},
        money::Currency,
    },
};

/// A value of the master record as people write it.
pub fn master_value(s: &Shell, field: &str, value: &str, currency: Currency) -> String {
    if let Some(added) = s.fields.of_field(field) {
        return custom_value(s, added, value);
    }
    match field {
        "credit_limit" | "credit_limit_minor" => {
            value.parse().map_or_else(|_| value.to_owned(), |v: i64| s.money(v, currency))
        }
        "closing_day" => match value {
            "end" | "31" | "99" | "末" => s.t("field_value.closing_end").to_owned(),
            day if day.parse::<u8>().is_ok() => s.f1("field_value.closing_day", day),
            other => other.to_owned(),
        },
        _ => value.to_owned(),
    }
}

/// A value of a field that the administrator added; what a source wrote some other way stands as it is.
fn custom_value(s: &Shell, field: &Definition, value: &str) -> String {
    let english = s.lang == Lang::En;
    match parse(field, value, s.currency) {
        Ok(Some(value)) => match field.kind {
            CustomKind::Text => value,
            CustomKind::Date => s.day_full(&value),
            CustomKind::Choice => field.choice(&value).map_or_else(|| value.clone(), |c| c.label(english).to_owned()),
            CustomKind::Flag => s.t(if value == "true" { "form.yes" } else { "form.no" }).to_owned(),
            CustomKind::Number => grouped(&value),
            CustomKind::Money => {
                Money::from_major(&value, s.currency).map_or(value, |minor| s.money(minor, s.currency))
            }
        },
        _ => value.to_owned(),
    }
}

/// A canonical decimal with its thousands apart.
fn grouped(decimal: &str) -> String {
    let (whole, rest) = decimal.split_once('.').map_or((decimal, None), |(whole, rest)| (whole, Some(rest)));
    let Ok(number) = whole.parse::<i64>() else { return decimal.to_owned() };
    let sign = if number == 0 && whole.starts_with('-') { "−" } else { "" };
    let whole = format::group(number);
    rest.map_or_else(|| format!("{sign}{whole}"), |rest| format!("{sign}{whole}.{rest}"))
}

/// Bold line of an event.
#[must_use]
pub fn event_title(s: &Shell, event: &Event) -> String {
    match (&event.kind, &event.detail) {
        (Kind::Order, _) => s.f1("event.order", &event.title),
        (Kind::Shipment, _) => s.f1("event.shipment", &event.title),
        (Kind::Invoice, _) => s.f1("event.invoice", &event.title),
        (Kind::CreditNote, _) => s.f1("event.credit_note", &event.title),
        (Kind::Payment, _) => s.f1("event.payment", &event.title),
        (Kind::Activity, Detail::Activity { activity, .. }) => {
            s.f2("event.activity", s.word("activity.kind", activity), &event.title)
        }
        (Kind::MasterChange, Detail::MasterChange { created: true, .. }) => s.t("event.created").to_owned(),
        (Kind::MasterChange, Detail::MasterChange { changes, .. }) => {
            let names: Vec<&str> = changes.iter().take(3).map(|(field, ..)| s.field(field)).collect();
            s.f1("event.changed", names.join(s.t("comma")))
        }
        _ => event.title.clone(),
    }
}

/// Grey line of an event.
#[must_use]
pub fn event_line(s: &Shell, event: &Event) -> String {
    let parts: Vec<String> = match &event.detail {
        Detail::Order { first_line, quantity, more_lines, delivery_date, status } => {
            vec![
                first_line.as_ref().map(|line| order_lines(s, line, quantity.as_deref(), *more_lines)),
                delivery_date.as_ref().map(|date| s.f1("event.delivery", s.day(date))),
                (status != "open").then(|| s.word("order_status", status).to_owned()),
            ]
        }
        Detail::Shipment { first_line, quantity, more_lines, carrier, status, orders } => vec![
            first_line.as_ref().map(|line| order_lines(s, line, quantity.as_deref(), *more_lines)),
            (!orders.is_empty()).then(|| s.f1("event.order", orders.join(s.t("comma")))),
            carrier.clone(),
            (status != "shipped").then(|| s.word("shipment_status", status).to_owned()),
        ],
        Detail::Invoice { closing_date, due_date, qualified, status, corrects } => vec![
            closing_date.as_ref().map(|date| s.f1("event.closing", s.day(date))),
            due_date.as_ref().map(|date| s.f1("event.due", s.day(date))),
            corrects.as_ref().map(|number| s.f1("event.corrects", number)),
            qualified.then(|| s.t("event.qualified").to_owned()),
            (status != "open").then(|| s.word("invoice_status", status).to_owned()),
        ],
        Detail::Payment { method, invoices } => vec![
            method.as_ref().map(|method| s.word("payment_method", method).to_owned()),
            (!invoices.is_empty()).then(|| s.f1("event.settles", invoices.join(s.t("comma")))),
        ],
        Detail::Activity { note, actor, .. } => vec![Some(actor.clone()), note.clone()],
        Detail::MasterChange { created, changes, reason } => {
            let first = changes.first().filter(|_| !created).map(|(field, from, to)| {
                let show = |v: &Option<Shown>| match v {
                    None => "—".to_owned(),
                    Some(Shown::Hidden) => s.t("masked.inline").to_owned(),
                    Some(Shown::Clear(v)) => master_value(s, field, v, event.currency),
                };
                s.f2("event.from_to", show(from), show(to))
            });
            vec![first, Some(s.word("change_reason", reason).to_owned())]
        }
    }
    .into_iter()
    .flatten()
    .collect();
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(s.t("sep"))
}

fn order_lines(s: &Shell, line: &str, quantity: Option<&str>, more: i64) -> String {
    let first = quantity.map_or_else(|| line.to_owned(), |quantity| s.f2("event.line", line, quantity));
    if more > 0 { s.n1("event.more_lines", more, first) } else { first }
}
