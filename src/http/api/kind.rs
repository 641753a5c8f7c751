//! Kinds of values that stand in many records, each described once in the document: instants, business dates,
//! amounts' currencies, texts that may be masked.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use utoipa::ToSchema;

use crate::model::{Date, Shown, Timestamp};

/// An instant: RFC 3339 in UTC, to the microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime, examples("2026-11-20T01:14:00Z"))]
pub struct Instant(pub i64);

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Timestamp(self.0).rfc3339())
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || D::Error::custom("an instant is RFC 3339, as 2026-11-20T01:14:00Z");
        // 35 characters: nanoseconds and a numeric offset.
        let instant: jiff::Timestamp =
            if text.len() <= 35 { text.parse().map_err(|_| wrong())? } else { return Err(wrong()) };
        Ok(Self(instant.as_microsecond()))
    }
}

impl From<Timestamp> for Instant {
    fn from(at: Timestamp) -> Self {
        Self(at.0)
    }
}

/// A business date (order, issue, due date …): a calendar day that belongs to no time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = Date, examples("2026-11-20"))]
pub struct Day(pub String);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let date = Date::parse(&text).ok_or_else(|| D::Error::custom("a date is YYYY-MM-DD, as 2026-11-20"))?;
        Ok(Self(date.to_string()))
    }
}

/// A text, or that there is one which the role of the token's owner does not see: `{"masked": true}`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(examples("03-5555-0142"))]
pub enum Maskable {
    Text(String),
    Masked { masked: bool },
}

impl From<Shown> for Maskable {
    fn from(shown: Shown) -> Self {
        match shown {
            Shown::Clear(text) => Self::Text(text),
            Shown::Hidden => Self::Masked { masked: true },
        }
    }
}

/// ISO 4217 code of the amounts beside it, which are whole minor units: 1980 is ¥1,980 in JPY and $19.80 in USD.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, min_length = 3, max_length = 3, examples("JPY"))]
pub struct Money(pub String);

impl From<crate::model::Currency> for Money {
    fn from(currency: crate::model::Currency) -> Self {
        Self(currency.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_goes_out_the_same() {
        for (text, out) in [
            ("\"2026-11-20T01:14:00Z\"", "\"2026-11-20T01:14:00Z\""),
            ("\"2026-11-20T10:14:00.000001+09:00\"", "\"2026-11-20T01:14:00.000001Z\""),
        ] {
            let instant: Instant = serde_json::from_str(text).unwrap_or(Instant(0));
            assert_eq!(serde_json::to_string(&instant).unwrap_or_default(), out, "{text}");
        }
        for bad in ["\"2026-11-20\"", "\"\"", "5", "\"yesterday\"", "\"99999-01-01T00:00:00Z\""] {
            assert!(serde_json::from_str::<Instant>(bad).is_err(), "{bad}");
        }
        for bad in ["\"2026-02-30\"", "\"20260220\"", "\"\"", "null"] {
            assert!(serde_json::from_str::<Day>(bad).is_err(), "{bad}");
        }
    }
}
