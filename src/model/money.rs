//! Amounts: `i64` minor units beside an ISO 4217 currency, as the source rounded them.

use std::{fmt, str::FromStr};

use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::{Deserialize, Serialize};

/// An ISO 4217 alphabetic code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    pub const JPY: Self = Self(*b"JPY");

    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Exponents other than 2 and the currencies that have them, as SQL is told of them too.
    pub const UNUSUAL: [(u32, &'static [&'static str]); 3] = [
        (
            0,
            &[
                "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV",
                "XAF", "XOF", "XPF",
            ],
        ),
        (3, &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]),
        (4, &["CLF", "UYW"]),
    ];
    /// The largest exponent there is.
    pub const MOST_DIGITS: u32 = 4;

    /// Digits after the decimal sign (ISO 4217 "minor unit").
    #[must_use]
    pub fn exponent(self) -> u32 {
        if self == Self::JPY {
            return 0;
        }
        Self::UNUSUAL.iter().find(|(_, codes)| codes.contains(&self.as_str())).map_or(2, |(exponent, _)| *exponent)
    }
}

impl FromStr for Currency {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let bytes: [u8; 3] = text.as_bytes().try_into().map_err(|_| ())?;
        bytes.iter().all(u8::is_ascii_uppercase).then_some(Self(bytes)).ok_or(())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(d)?;
        text.parse().map_err(|()| serde::de::Error::custom("not an ISO 4217 code"))
    }
}

/// An amount in minor units of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    /// From a decimal in major units. `None` when the currency has fewer digits than the text or
    /// when the amount does not fit: amounts are taken as rounded by their source, never re-rounded.
    #[must_use]
    pub fn from_major(text: &str, currency: Currency) -> Option<i64> {
        // Most Japanese amounts are plain digits: no decimal arithmetic needed.
        if currency.exponent() == 0
            && let Ok(whole) = text.parse::<i64>()
            && !text.starts_with('+')
        {
            return Some(whole);
        }
        let scaled =
            Decimal::from_str_exact(text).ok()?.checked_mul(Decimal::from(10_i64.checked_pow(currency.exponent())?))?;
        scaled.fract().is_zero().then(|| scaled.to_i64())?
    }

    /// The decimal in major units: `1234.50`, `-500`.
    #[must_use]
    pub fn to_major(self) -> String {
        let exponent = self.currency.exponent();
        if exponent == 0 {
            return self.minor.to_string();
        }
        Decimal::from_i128_with_scale(i128::from(self.minor), exponent).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_every_digit() {
        let usd: Currency = "USD".parse().unwrap_or(Currency::JPY);
        let table = [
            ("1265000", Currency::JPY, Some(1_265_000)),
            ("9007199254740993", Currency::JPY, Some(9_007_199_254_740_993)),
            ("-1200", Currency::JPY, Some(-1200)),
            ("12.50", Currency::JPY, None),
            ("12.00", Currency::JPY, Some(12)),
            ("12.5", usd, Some(1250)),
            ("12.505", usd, None),
            ("", usd, None),
            ("1e5", usd, None),
            ("99999999999999999999", usd, None),
        ];
        for (text, currency, minor) in table {
            assert_eq!(Money::from_major(text, currency), minor, "{text} {currency}");
        }
        assert_eq!(Money { minor: -1250, currency: usd }.to_major(), "-12.50");
    }
}
