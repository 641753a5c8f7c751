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
        record::PROSPECT,
    },
};

/// A value of the master record as people write it.
pub fn master_value(s: &Shell, field: &str, value: &str, currency: Currency) -> String {
    if let Some(added) = s.fields.of_field(field) {
        return custom_value(s, added, value);
    }
    match field {
        "life_stage" => s.word("life_stage", value).to_owned(),
        "lead_date" => s.day_full(value),
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
        (Kind::Deal, Detail::Deal { status, stage, moved, .. }) => deal_title(s, &event.title, status, stage, *moved),
        (Kind::Quote, _) => s.f1("event.quote", &event.title),
        (Kind::Contract, _) => s.f1("event.contract", &event.title),
        (Kind::Inquiry, _) => s.f1("event.inquiry", &event.title),
        (Kind::Invoice, _) => s.f1("event.invoice", &event.title),
        (Kind::CreditNote, _) => s.f1("event.credit_note", &event.title),
        (Kind::Payment, _) => s.f1("event.payment", &event.title),
        (Kind::Activity, Detail::Activity { activity, .. }) => {
            s.f2("event.activity", s.word("activity.kind", activity), &event.title)
        }
        (Kind::MasterChange, Detail::MasterChange { created: true, .. }) => s.t("event.created").to_owned(),
        (Kind::MasterChange, Detail::MasterChange { changes, .. }) if became_customer(changes) => {
            s.t("event.converted").to_owned()
        }
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
        Detail::Deal { status, stage, probability, expected_date, moved } => vec![
            stage.clone().filter(|_| !moved || status != "open"),
            probability.filter(|_| status == "open").map(|percent| s.f1("event.probability", percent)),
            expected_date.as_ref().filter(|_| status == "open").map(|date| s.f1("event.expected", s.day_full(date))),
        ],
        Detail::Quote { first_line, quantity, more_lines, valid_until, status } => vec![
            first_line.as_ref().map(|line| order_lines(s, line, quantity.as_deref(), *more_lines)),
            valid_until.as_ref().map(|date| s.f1("event.valid_until", s.day(date))),
            Some(s.word("quote_status", status).to_owned()),
        ],
        Detail::Contract { number, end_date, status } => vec![
            Some(number.clone()),
            end_date.as_ref().map(|date| s.f1("event.until", s.day_full(date))),
            (status != "active").then(|| s.word("contract_status", status).to_owned()),
        ],
        Detail::Inquiry { channel, status, note, owner } => vec![
            (channel != "other").then(|| s.word("inquiry_channel", channel).to_owned()),
            Some(s.word("inquiry_status", status).to_owned()),
            owner.clone(),
            note.clone(),
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

/// A prospect became a customer.
fn became_customer(changes: &[(String, Option<Shown>, Option<Shown>)]) -> bool {
    let is = |value: &Option<Shown>, text: &str| value.as_ref().and_then(Shown::clear) == Some(text);
    changes.iter().any(|(field, from, to)| field == "life_stage" && is(from, PROSPECT) && is(to, "customer"))
}

/// What became of a deal, in its own words where it has any.
fn deal_title(s: &Shell, name: &str, status: &str, stage: &Option<String>, moved: bool) -> String {
    match (status, stage) {
        ("won", _) => s.f1("event.deal_won", name),
        ("lost", _) => s.f1("event.deal_lost", name),
        (_, Some(stage)) if moved => s.f2("event.deal_moved", name, stage),
        _ => s.f1("event.deal", name),
    }
}

fn order_lines(s: &Shell, line: &str, quantity: Option<&str>, more: i64) -> String {
    let first = quantity.map_or_else(|| line.to_owned(), |quantity| s.f2("event.line", line, quantity));
    if more > 0 { s.n1("event.more_lines", more, first) } else { first }
}
