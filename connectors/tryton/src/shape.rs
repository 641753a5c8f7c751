//! What Tryton says in several fields, or in a way of its own, put into one field under `hub`.
//!
//! | Record | `hub.…` |
//! |---|---|
//! | party | `phone`, `mail`, `corporate_number`, `postal_code`, `address`, `hub_id` |
//! | address | `name`, `role`, `address`, `phone` |
//! | product | `active`, `price`, `currency` |
//! | sale | `status`; of a line `description`, `tax_rate` |
//! | shipment | `status`, `day`; of a move `description` |
//! | invoice | `kind`, `status`, `due_date`, `net`, `tax`, `total`; of a line `description`, `quantity`, `amount`, `tax_rate`; of a tax `rate`, `taxable`, `tax` |
//! | journal line | `amount`, `currency`, `allocations` of `invoice`, `amount` |
//!
//! Everything else stays as Tryton sent it. Each function says whether the record is gone for the hub.

use std::str::FromStr;

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

/// A party stays, active or not: orders refer to it, and people switch parties off and on.
pub(crate) fn party(body: &mut Object) -> bool {
    let addresses = list(body, "addresses");
    let main = addresses.iter().find(|address| truthy(&address["invoice"])).or(addresses.first());
    let hub = json!({
        "phone": phone(body),
        "mail": mechanism(body, "email"),
        "corporate_number": identifier(body, &["jp_cn", "jp_vat"]),
        "postal_code": main.map(|address| address["postal_code"].clone()),
        "address": main.and_then(one_line),
        "hub_id": hub_id(body),
    });
    body.insert("hub".to_owned(), hub);
    false
}

/// What `push` wrote among the identifiers of a party that it made.
fn hub_id(body: &Object) -> Option<String> {
    let codes = list(body, "identifiers").iter().filter(|one| one["type"].is_null());
    codes.filter_map(|one| text(&one["code_compact"])).find(|code| code.starts_with("cus_"))
}

/// An address that was switched off has left its party.
pub(crate) fn address(body: &mut Object) -> bool {
    let whole = Value::Object(body.clone());
    let line = one_line(&whole);
    let name = [text(&whole["party_name"]), text(&whole["attn"]), line.clone(), text(&whole["party"]["rec_name"])];
    let role = match (truthy(&whole["delivery"]), truthy(&whole["invoice"])) {
        (true, false) => "ship_to",
        (false, true) => "bill_to",
        _ => "both",
    };
    let hub = json!({
        "name": name.into_iter().flatten().next(), "role": role, "address": line, "phone": phone(body),
    });
    body.insert("hub".to_owned(), hub);
    body.get("active").is_some_and(|active| !truthy(active))
}

/// Quotations are no orders yet, and one that was taken back is none any more.
pub(crate) fn sale(body: &mut Object) -> bool {
    lines(body, "line_lines", |line| json!({ "description": description(line), "tax_rate": line_rate(line) }));
    let state = body.get("state").and_then(Value::as_str).unwrap_or_default();
    let sent = body.get("shipment_state").and_then(Value::as_str) == Some("sent");
    let dated = body.get("sale_date").is_some_and(|date| !date.is_null());
    let (status, gone) = match state {
        "draft" | "quotation" => ("open", true),
        "cancelled" => ("cancelled", !dated),
        "done" => ("closed", false),
        _ if sent => ("shipped", false),
        _ => ("open", false),
    };
    body.insert("hub".to_owned(), json!({ "status": status }));
    gone
}

/// What is not sold any more keeps its name: old documents show it. The price is its own or its
/// template's; where several companies ask different ones, there is no single price.
pub(crate) fn product(body: &mut Object) -> bool {
    let whole = Value::Object(body.clone());
    let on_sale = |owner: &Value| owner.get("active").is_none_or(truthy);
    let shared = whole["template"]["list_prices"].as_array();
    // Those of its variants stand in the template's list as well.
    let shared = shared.into_iter().flatten().filter(|row| row["product"].is_null());
    let price = one_price(list(body, "list_prices").iter()).or_else(|| one_price(shared));
    let (amount, currency) = price.unzip();
    let active = on_sale(&whole) && on_sale(&whole["template"]);
    body.insert("hub".to_owned(), json!({ "active": active, "price": amount, "currency": currency }));
    false
}

fn one_price<'a>(rows: impl Iterator<Item = &'a Value>) -> Option<(String, Option<String>)> {
    let mut prices =
        rows.filter_map(|row| Some((text(&row["list_price"])?, text(&row["company"]["currency"]["code"]))));
    let first = prices.next()?;
    prices.all(|other| other == first).then_some(first)
}

/// A draft is no shipment yet, and one without a day has no place in a history. What was called off
/// is no line of what left.
pub(crate) fn shipment(body: &mut Object) -> bool {
    let whole = Value::Object(body.clone());
    let (status, is_draft) = match whole["state"].as_str() {
        Some("shipped" | "done") => ("shipped", false),
        Some("cancelled") => ("cancelled", false),
        state => ("planned", state == Some("draft")),
    };
    if let Some(Value::Array(moves)) = body.get_mut("outgoing_moves") {
        moves.retain(|one| status == "cancelled" || one["state"] != "cancelled");
    }
    // Goods with a code go by the name that the product has today.
    lines(body, "outgoing_moves", |line| {
        let coded = text(&line["product"]["code"]).is_some();
        json!({ "description": (!coded).then(|| description(line)) })
    });
    let day = text(&whole["effective_date"]).or_else(|| text(&whole["planned_date"]));
    let gone = is_draft || day.is_none();
    body.insert("hub".to_owned(), json!({ "status": status, "day": day }));
    gone
}

/// A credit note is an invoice with a negative total; the hub wants its amounts as they are printed.
pub(crate) fn invoice(body: &mut Object) -> bool {
    let total = body.get("total_amount").and_then(Value::as_str).and_then(number);
    let is_credit = total.is_some_and(|total| total < Decimal::ZERO);
    let turned = |value: &Value| -> Value {
        match number_of(value) {
            Some(number) if is_credit => plain(-number),
            _ => value.clone(),
        }
    };
    lines(body, "line_lines", |line| {
        json!({
            "description": description(line), "quantity": turned(&line["quantity"]),
            "amount": turned(&line["amount"]), "tax_rate": line_rate(line),
        })
    });
    lines(body, "taxes", |tax| {
        json!({
            "rate": percent(&tax["tax"]).unwrap_or_else(|| "0".to_owned()),
            "taxable": turned(&tax["base"]), "tax": turned(&tax["amount"]),
        })
    });
    // Instalments: the day by which all of it is due.
    let due = list(body, "lines_to_pay").iter().filter_map(|line| text(&line["maturity_date"])).max();
    let state = body.get("state").and_then(Value::as_str).unwrap_or_default();
    let status = match state {
        "paid" => "paid",
        "cancelled" => "cancelled",
        _ => "open",
    };
    let gone = matches!(state, "draft" | "validated");
    let amount = |name: &str| body.get(name).map(turned);
    let hub = json!({
        "kind": if is_credit { "credit_note" } else { "invoice" }, "status": status, "due_date": due,
        "net": amount("untaxed_amount"), "tax": amount("tax_amount"), "total": amount("total_amount"),
    });
    body.insert("hub".to_owned(), hub);
    gone
}

/// A credit on a customer's account is money that came; in the invoice's currency where it has one.
pub(crate) fn payment(body: &mut Object) -> bool {
    let whole = Value::Object(body.clone());
    let zero = |value: &Value| number_of(value).unwrap_or_default();
    let foreign = number_of(&whole["amount_second_currency"]).zip(text(&whole["second_currency"]["code"]));
    let (amount, currency) = match foreign {
        Some((amount, code)) => (-amount, Some(code)),
        None => (zero(&whole["credit"]) - zero(&whole["debit"]), text(&whole["currency"]["code"])),
    };
    let paid = text(&whole["invoice_payment"]["number"]);
    let allocations: Vec<Value> =
        paid.into_iter().map(|invoice| json!({ "invoice": invoice, "amount": plain(amount) })).collect();
    let hub = json!({ "amount": plain(amount), "currency": currency, "allocations": allocations });
    body.insert("hub".to_owned(), hub);
    false
}

fn list<'a>(body: &'a Object, name: &str) -> &'a [Value] {
    body.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn lines(body: &mut Object, name: &str, hub: impl Fn(&Value) -> Value) {
    for line in body.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten() {
        let more = hub(line);
        if let Value::Object(line) = line {
            line.insert("hub".to_owned(), more);
        }
    }
}

/// SQLite behind Tryton says 1 and 0, PostgreSQL true and false.
pub(crate) fn truthy(value: &Value) -> bool {
    value.as_bool().unwrap_or(value.as_i64() == Some(1))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn phone(body: &Object) -> Option<String> {
    mechanism(body, "phone").or_else(|| mechanism(body, "mobile"))
}

/// The first of a kind: people order them.
fn mechanism(body: &Object, kind: &str) -> Option<String> {
    list(body, "contact_mechanisms").iter().find(|one| one["type"] == kind).and_then(|one| text(&one["value"]))
}

fn identifier(body: &Object, kinds: &[&str]) -> Option<String> {
    let of = |kind: &&str| list(body, "identifiers").iter().find(|one| one["type"] == **kind);
    kinds.iter().find_map(of).and_then(|one| text(&one["code_compact"]))
}

/// An address in one line: from the large to the small where the country writes it so.
fn one_line(address: &Value) -> Option<String> {
    let street = text(&address["street"]).map(|street| street.split_whitespace().collect::<Vec<_>>().join(" "));
    let (city, subdivision) = (text(&address["city"]), text(&address["subdivision"]["name"]));
    let country = address["country"]["code"].as_str();
    // Few fill in the country of an address at home.
    let at_home = country.is_none() && city.iter().chain(&subdivision).any(|name| name.chars().all(is_han_or_kana));
    let joined = match country {
        Some("JP" | "CN" | "TW") => [subdivision, city, street].into_iter().flatten().collect::<String>(),
        None if at_home => [subdivision, city, street].into_iter().flatten().collect::<String>(),
        Some("KR") => [subdivision, city, street].into_iter().flatten().collect::<Vec<_>>().join(" "),
        _ => [street, city, subdivision].into_iter().flatten().collect::<Vec<_>>().join(", "),
    };
    (!joined.is_empty()).then_some(joined)
}

fn is_han_or_kana(c: char) -> bool {
    matches!(c, '\u{3005}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}')
}

/// A line with a product needs no text of its own, and one without a product may have none either.
fn description(line: &Value) -> String {
    let product = &line["product"];
    let said = [&line["description"], &product["name"], &product["code"]].into_iter().find_map(text);
    said.unwrap_or_else(|| "—".to_owned())
}

/// The one rate of a line, in percent; several taxes on one line have no single rate.
fn line_rate(line: &Value) -> Option<String> {
    let [tax] = line["taxes"].as_array()?.as_slice() else { return None };
    percent(tax)
}

fn percent(tax: &Value) -> Option<String> {
    if tax["type"] != "percentage" {
        return None;
    }
    let rate = number(tax["rate"].as_str()?)?;
    Some((rate * Decimal::ONE_HUNDRED).normalize().to_string())
}

fn number(text: &str) -> Option<Decimal> {
    Decimal::from_str(text).ok()
}

/// Amounts are text by now, quantities are numbers.
fn number_of(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => number(text),
        Value::Number(given) => {
            let text = given.to_string();
            number(&text).or_else(|| Decimal::from_scientific(&text).ok())
        }
        _ => None,
    }
}

/// Zero has no sign.
fn plain(number: Decimal) -> Value {
    let number = if number.is_zero() { number.abs() } else { number };
    Value::String(number.to_string())
}

#[cfg(test)]
mod tests;
