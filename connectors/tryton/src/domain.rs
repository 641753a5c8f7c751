//! Tryton's search conditions, which it calls domains: nested JSON lists.
//!
//! A list of conditions means all of them; a list that begins with `"OR"` means any of them.

use base64::{Engine, prelude::BASE64_URL_SAFE};
use serde_json::{Value, json};

/// One condition.
pub(crate) fn is(field: &str, operator: &str, value: impl Into<Value>) -> Value {
    json!([field, operator, value.into()])
}

pub(crate) fn all(conditions: Vec<Value>) -> Value {
    Value::Array(conditions)
}

pub(crate) fn any(conditions: Vec<Value>) -> Value {
    let mut list = vec![Value::from("OR")];
    list.extend(conditions);
    Value::Array(list)
}

/// Strictly behind a place in the order of these fields, empty values first.
pub(crate) fn after(place: &[(&str, Value)]) -> Value {
    let Some(((field, value), rest)) = place.split_first() else { return all(Vec::new()) };
    let operator = if value.is_null() { "!=" } else { ">" };
    let behind = is(field, operator, value.clone());
    if rest.is_empty() {
        return behind;
    }
    any(vec![behind, all(vec![is(field, "=", value.clone()), after(rest)])])
}

/// As Tryton reads domains and orders from a query string, padding included.
pub(crate) fn encoded(value: &Value) -> String {
    BASE64_URL_SAFE.encode(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_compared_field_by_field() {
        let table = [
            (vec![("id", json!(7))], json!(["id", ">", 7])),
            (vec![("write_date", Value::Null)], json!(["write_date", "!=", null])),
            (
                vec![("write_date", json!("t")), ("id", json!(7))],
                json!(["OR", ["write_date", ">", "t"], [["write_date", "=", "t"], ["id", ">", 7]]]),
            ),
            (
                vec![("write_date", Value::Null), ("create_date", json!("c")), ("id", json!(7))],
                json!([
                    "OR",
                    ["write_date", "!=", null],
                    [
                        ["write_date", "=", null],
                        ["OR", ["create_date", ">", "c"], [["create_date", "=", "c"], ["id", ">", 7]]]
                    ]
                ]),
            ),
        ];
        for (place, expected) in table {
            assert_eq!(after(&place), expected);
        }
    }

    #[test]
    fn questions_are_base64_for_addresses() {
        // 0x3e and 0x3f at the right places would be "+" and "/" in plain Base64.
        assert_eq!(encoded(&json!(["name", "=", "??>"])), "WyJuYW1lIiwiPSIsIj8_PiJd");
        assert_eq!(encoded(&json!([])), "W10=");
    }
}
