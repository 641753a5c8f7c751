//! Rows as JSON, written by hand where it matters: a decimal is as many digits as there are, never a float.

use serde_json::Value;

use super::{
    format::Format,
    options::{Expansion, Options},
};
use crate::store::{
    StoreError,
    feed::{Kind, Property, Row, Set, Type, decimal},
};

/// One value, or null.
pub fn value(out: &mut String, property: &Property, text: Option<&str>, format: Format) -> Result<(), StoreError> {
    let Some(text) = text else {
        out.push_str("null");
        return Ok(());
    };
    let broken = || StoreError::Corrupt(format!("a value of {} cannot be shown", property.name));
    let number = match property.kind {
        Kind::Text | Kind::Date => {
            string(out, text);
            return Ok(());
        }
        Kind::Instant => {
            let micros = text.parse().map_err(|_| broken())?;
            let instant = jiff::Timestamp::from_microsecond(micros).map_err(|_| broken())?;
            out.push_str(&format!("\"{instant:.6}\""));
            return Ok(());
        }
        Kind::Bool => {
            out.push_str(text);
            return Ok(());
        }
        Kind::Int => text.to_owned(),
        Kind::Amount { .. } | Kind::Number => decimal::plain(text).filter(|text| is_json(text)).ok_or_else(broken)?,
    };
    // Numbers that a float would change, as text for who says so.
    if format.numbers_as_text {
        string(out, &number)
    } else {
        out.push_str(&number)
    }
    Ok(())
}

fn is_json(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    digits.ends_with(|c: char| c.is_ascii_digit())
        && (!digits.starts_with('0') || digits.len() == 1 || digits[1..].starts_with('.'))
}

pub fn string(out: &mut String, text: &str) {
    out.push_str(&Value::from(text).to_string());
}

/// The members of a row, without braces. `properties` are the first of the row's values.
pub fn members(
    out: &mut String,
    set: &Set,
    properties: &[&'static Property],
    row: &Row,
    format: Format,
) -> Result<(), StoreError> {
    // Without its key in the answer, nobody could say which row it is.
    if !format.bare && !set.keys().all(|key| properties.contains(&key)) {
        out.push_str("\"@odata.id\":");
        string(out, &address(set, row));
        out.push(',');
    }
    for (property, text) in properties.iter().zip(&row.values) {
        out.push('"');
        out.push_str(property.name);
        out.push_str("\":");
        value(out, property, text.as_deref(), format)?;
        out.push(',');
    }
    out.pop();
    Ok(())
}

/// `Orders('ord_…')`, percent-encoded.
pub fn address(set: &Set, row: &Row) -> String {
    let values = row.place.iter().skip(row.place.len().saturating_sub(set.key.len()));
    let parts: Vec<String> = set
        .keys()
        .zip(values)
        .map(|(key, value)| {
            let value = value.as_deref().unwrap_or_default();
            let value = if key.kind.ty() == Type::Int {
                value.to_owned()
            } else {
                format!("'{}'", encoded(&value.replace('\'', "''")))
            };
            if set.key.len() == 1 { value } else { format!("{}={value}", key.name) }
        })
        .collect();
    format!("{}({})", set.name, parts.join(","))
}

/// For an address; a space is `%20`, which everybody reads alike.
pub fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// `(Id,Total,Lines(LineNo))`: what of a set is in the answer, for its context; empty: everything.
pub fn selection(options: &Options) -> String {
    let mut parts: Vec<String> = options.select.iter().flatten().map(|property| property.name.to_owned()).collect();
    for Expansion { way, options: inner, .. } in &options.expand {
        let inside = selection(inner);
        if options.select.is_some() || !inside.is_empty() {
            parts.push(format!("{}{}", way.name, if inside.is_empty() { "()" } else { &inside }));
        }
    }
    if parts.is_empty() { String::new() } else { format!("({})", parts.join(",")) }
}
