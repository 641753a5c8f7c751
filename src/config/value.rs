//! Readable values: durations ("8h"), sizes ("1MiB"). Parsed once, typed from then on.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::model::time::micros;

/// A length of time, written as in "500ms", "15m" or "1h30m".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

/// A number of bytes, written as in "512", "64KiB" or "1MiB".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A share with at most two places, written as in "99.5%": hundredths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(i64);

impl Percent {
    #[must_use]
    pub const fn hundredths(self) -> i64 {
        self.0
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("\"{text}\" is no share; write it as \"99.5%\", from 0% to 100% with at most two places");
        let number = text.trim().strip_suffix('%').unwrap_or(text.trim()).trim();
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let is_digits =
            |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if !is_digits(whole, 3) || !is_digits(part, 2) {
            return Err(bad());
        }
        let whole: i64 = whole.parse().map_err(|_| bad())?;
        let part: i64 = format!("{part:0<2}").parse().map_err(|_| bad())?;
        Some(whole * 100 + part).filter(|all| *all <= 10_000).map(Self).ok_or_else(bad)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 100 {
            0 => write!(f, "{}%", self.0 / 100),
            part if part % 10 == 0 => write!(f, "{}.{}%", self.0 / 100, part / 10),
            part => write!(f, "{}.{part:02}%", self.0 / 100),
        }
    }
}

impl Period {
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// Whole microseconds, the unit of stored instants.
    #[must_use]
    pub fn micros(self) -> i64 {
        micros(self.0)
    }
}

impl Size {
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// For interfaces that count in memory sizes.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// Units of time from long to short, as (name, milliseconds).
const TIME_UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("\"{text}\" is no duration; write it as \"500ms\", \"30s\", \"15m\", \"8h\" or \"7d\"");
        let mut rest = text.trim();
        let mut millis: u64 = 0;
        if rest.is_empty() {
            return Err(bad());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
            let (number, tail) = rest.split_at(digits);
            let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            let (_, factor) = TIME_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(bad)?;
            let part = number.parse::<u64>().ok().and_then(|n| n.checked_mul(*factor)).ok_or_else(bad)?;
            millis = millis.checked_add(part).ok_or_else(bad)?;
            rest = tail;
        }
        Ok(Self(Duration::from_millis(millis)))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        // The longest unit that says it exactly.
        let (unit, factor) = TIME_UNITS.iter().find(|(_, factor)| millis.is_multiple_of(*factor)).unwrap_or(&("ms", 1));
        write!(f, "{}{unit}", millis / factor)
    }
}

const SIZE_UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("", 1)];

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("\"{text}\" is no size; write it as \"512\", \"64KiB\", \"1MiB\" or \"2GiB\"");
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let (_, factor) = SIZE_UNITS.iter().find(|(name, _)| *name == unit.trim()).ok_or_else(bad)?;
        number.parse::<u64>().ok().and_then(|n| n.checked_mul(*factor)).map(Self).ok_or_else(bad)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) =
            SIZE_UNITS.iter().find(|(_, factor)| self.0 > 0 && self.0.is_multiple_of(*factor)).unwrap_or(&("", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

macro_rules! as_text {
    ($type:ty) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(D::Error::custom)
            }
        }
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }
    };
}
as_text!(Period);
as_text!(Size);
as_text!(Percent);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_print_back() {
        for (text, millis, printed) in [
            ("500ms", 500, "500ms"),
            ("30s", 30_000, "30s"),
            ("60m", 3_600_000, "1h"),
            ("1h30m", 5_400_000, "90m"),
            ("7d", 604_800_000, "7d"),
        ] {
            let period: Period = text.parse().unwrap_or(Period(Duration::ZERO));
            assert_eq!(period.0.as_millis(), millis, "{text}");
            assert_eq!(period.to_string(), printed);
        }
        for text in ["", "5", "5 minutes", "-5s", "s", "5x", "99999999999999999999d"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_read_and_print_back() {
        for (text, bytes, printed) in
            [("512", 512, "512"), ("64KiB", 65_536, "64KiB"), ("1MiB", 1 << 20, "1MiB"), ("2048KiB", 2 << 20, "2MiB")]
        {
            let size: Size = text.parse().unwrap_or(Size(0));
            assert_eq!((size.0, size.to_string().as_str()), (bytes, printed), "{text}");
        }
        for text in ["", "MiB", "1MB", "-1", "1.5MiB"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    #[test]
    fn shares_read_and_print_back() {
        for (text, hundredths, printed) in [
            ("99.5%", 9_950, "99.5%"),
            ("100", 10_000, "100%"),
            ("0%", 0, "0%"),
            ("99.95 %", 9_995, "99.95%"),
            ("9.05%", 905, "9.05%"),
        ] {
            let share: Percent = text.parse().unwrap_or(Percent(-1));
            assert_eq!((share.0, share.to_string().as_str()), (hundredths, printed), "{text}");
        }
        for text in ["", "%", "100.01%", "101%", "-1%", "99.555%", "99,5%", "1e1%", "+5%"] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }
}
