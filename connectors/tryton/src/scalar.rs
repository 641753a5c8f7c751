//! Tryton's typed scalars: JSON objects with a `__class__`, in answers and in questions alike.
//!
//! | Tryton | here |
//! |---|---|
//! | `datetime` (UTC, without saying so) | RFC 3339: `2026-11-23T06:13:20.315536Z` |
//! | `date` | `2026-11-23` |
//! | `time` | `06:13:20` |
//! | `timedelta` | `PT86400S` |
//! | `Decimal` | plain decimal text: `-1234.50` |
//! | `bytes` | Base64 without line breaks |

use jiff::{Timestamp, civil, tz::TimeZone};
use musubi_sdk::SourceError;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// Replaces every typed scalar inside a value.
///
/// # Errors
/// `SRC_SHAPE` for a scalar with missing or impossible parts.
pub fn decode(value: Value) -> Result<Value, SourceError> {
    match value {
        Value::Array(items) => items.into_iter().map(decode).collect(),
        Value::Object(object) => match object.get("__class__").and_then(Value::as_str) {
            Some(class) => match plain(class, &Value::Object(object.clone())) {
                Some(text) => Ok(Value::String(text)),
                None => Err(unreadable(class)),
            },
            None => {
                let pairs = object.into_iter().map(|(key, value)| Ok((key, decode(value)?)));
                Ok(Value::Object(pairs.collect::<Result<_, SourceError>>()?))
            }
        },
        other => Ok(other),
    }
}

/// The class is the source's word: only known ones are repeated in an error.
fn unreadable(class: &str) -> SourceError {
    const KNOWN: [&str; 6] = ["datetime", "date", "time", "timedelta", "Decimal", "bytes"];
    let class = KNOWN.iter().find(|known| **known == class).unwrap_or(&"unknown");
    SourceError::Malformed {
        code: "SRC_SHAPE",
        detail: format!("Tryton sent a value of the kind {class} that cannot be read"),
    }
}

fn plain(class: &str, scalar: &Value) -> Option<String> {
    match class {
        "datetime" => {
            let at = day(scalar)?.to_datetime(clock(scalar)?);
            Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp().to_string())
        }
        "date" => Some(day(scalar)?.to_string()),
        "time" => Some(clock(scalar)?.to_string()),
        "timedelta" => Some(format!("PT{}S", scalar["seconds"].as_number()?)),
        "Decimal" => decimal_text(scalar["decimal"].as_str()?),
        "bytes" => Some(scalar["base64"].as_str()?.split_ascii_whitespace().collect()),
        _ => None,
    }
}

fn part<T: TryFrom<i64>>(scalar: &Value, name: &str) -> Option<T> {
    T::try_from(scalar[name].as_i64()?).ok()
}

fn day(scalar: &Value) -> Option<civil::Date> {
    civil::Date::new(part(scalar, "year")?, part(scalar, "month")?, part(scalar, "day")?).ok()
}

fn clock(scalar: &Value) -> Option<civil::Time> {
    let micros: i32 = part(scalar, "microsecond")?;
    let nanos = micros.checked_mul(1000)?;
    civil::Time::new(part(scalar, "hour")?, part(scalar, "minute")?, part(scalar, "second")?, nanos).ok()
}

/// Python writes `1E+3` and `0E-8` where it likes; the digits after the point are kept.
fn decimal_text(text: &str) -> Option<String> {
    let scientific = text.contains(['e', 'E']);
    let read = if scientific { Decimal::from_scientific(text) } else { Decimal::from_str_exact(text) };
    match read {
        Ok(number) => Some(number.to_string()),
        // More digits than fit: as written, so that the mapping says which field it is.
        Err(_) if !scientific && text.bytes().all(|b| b.is_ascii_digit() || b"+-.".contains(&b)) => {
            Some(text.to_owned())
        }
        Err(_) => None,
    }
}

/// An instant as Tryton wants it in a question. Finer parts than microseconds are cut.
#[must_use]
pub fn datetime(at: Timestamp) -> Value {
    let utc = at.to_zoned(TimeZone::UTC);
    json!({
        "__class__": "datetime", "year": utc.year(), "month": utc.month(), "day": utc.day(), "hour": utc.hour(),
        "minute": utc.minute(), "second": utc.second(), "microsecond": utc.subsec_nanosecond() / 1000,
    })
}

/// A calendar day as Tryton wants it.
#[must_use]
pub fn date(day: civil::Date) -> Value {
    json!({ "__class__": "date", "year": day.year(), "month": day.month(), "day": day.day() })
}

/// An amount as Tryton wants it, digits as given.
#[must_use]
pub fn decimal(text: &str) -> Value {
    json!({ "__class__": "Decimal", "decimal": text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_become_plain_values() {
        let table = [
            (
                json!({"__class__": "datetime", "year": 2026, "month": 11, "day": 23, "hour": 6, "minute": 13,
                    "second": 20, "microsecond": 315_536}),
                "2026-11-23T06:13:20.315536Z",
            ),
            (
                json!({"__class__": "datetime", "year": 2026, "month": 1, "day": 2, "hour": 0, "minute": 0,
                    "second": 0, "microsecond": 0}),
                "2026-01-02T00:00:00Z",
            ),
            (json!({"__class__": "date", "year": 2026, "month": 4, "day": 1}), "2026-04-01"),
            (json!({"__class__": "time", "hour": 9, "minute": 5, "second": 7, "microsecond": 0}), "09:05:07"),
            (json!({"__class__": "timedelta", "seconds": 86400.0}), "PT86400.0S"),
            (json!({"__class__": "Decimal", "decimal": "10269.00"}), "10269.00"),
            (json!({"__class__": "Decimal", "decimal": "-33880"}), "-33880"),
            (json!({"__class__": "Decimal", "decimal": "1E+3"}), "1000"),
            (json!({"__class__": "Decimal", "decimal": "0E-8"}), "0.00000000"),
            (
                json!({"__class__": "Decimal", "decimal": "12345678901234567890123456789012345"}),
                "12345678901234567890123456789012345",
            ),
            (json!({"__class__": "bytes", "base64": "aGVs\nbG8=\n"}), "aGVsbG8="),
        ];
        for (tagged, expected) in table {
            let decoded = decode(json!({"a": [{"b": tagged}]})).unwrap_or_default();
            assert_eq!(decoded, json!({"a": [{"b": expected}]}), "{expected}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_and_not_repeated() {
        let table = [
            json!({"__class__": "datetime", "year": 2026, "month": 13, "day": 1, "hour": 0, "minute": 0, "second": 0,
                "microsecond": 0}),
            json!({"__class__": "date", "year": 2026, "month": 2, "day": 30}),
            json!({"__class__": "date", "year": "2026-secret"}),
            json!({"__class__": "Decimal", "decimal": "NaN-secret"}),
            json!({"__class__": "Decimal", "decimal": 5}),
            json!({"__class__": "set-secret", "x": 1}),
        ];
        for tagged in table {
            let error = decode(tagged.clone()).err().map(|error| (error.code(), error.to_string()));
            let (code, text) = error.unwrap_or_default();
            assert_eq!(code, "SRC_SHAPE", "{tagged}");
            assert!(!text.contains("secret"), "{text}");
        }
    }

    #[test]
    fn what_is_asked_is_written_as_it_would_be_answered() -> Result<(), Box<dyn std::error::Error>> {
        let at: Timestamp = "2026-11-23T06:13:20.315536Z".parse()?;
        assert_eq!(decode(datetime(at))?, json!("2026-11-23T06:13:20.315536Z"));
        let finer: Timestamp = "2026-11-23T06:13:20.315536999Z".parse()?;
        assert_eq!(datetime(finer), datetime(at));
        assert_eq!(decode(date(civil::date(2028, 2, 29)))?, json!("2028-02-29"));
        assert_eq!(decode(decimal("-0.10"))?, json!("-0.10"));
        Ok(())
    }
}
