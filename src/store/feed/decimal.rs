//! The order of decimals that are text, for SQLite, which has no decimals of its own: a collation.
//!
//! A decimal is `-12.50` or whole minor units with their exponent, `-1250e-2`. Nothing passes through floating
//! point, so any number of digits is exact.

use std::cmp::Ordering;

/// The collation's name in SQL.
pub const COLLATION: &str = "musubi_decimal";

/// A decimal taken apart: no leading zeros before, no trailing zeros after the sign.
#[derive(PartialEq, Eq)]
struct Parts {
    negative: bool,
    whole: String,
    fraction: String,
}

/// Larger exponents are no decimals of ours.
const MOST: i32 = 400;

fn parts(text: &str) -> Option<Parts> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok().filter(|e| e.abs() <= MOST)?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let all = format!("{whole}{fraction}");
    // Where the decimal sign stands in `all`, which may be outside of it.
    let place = i32::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or(0));
    let length = i32::try_from(all.len()).ok()?;
    let (whole, fraction) = if place <= 0 {
        (String::new(), format!("{}{all}", zeros(-place)))
    } else if place >= length {
        (format!("{all}{}", zeros(place - length)), String::new())
    } else {
        let (whole, fraction) = all.split_at(usize::try_from(place).ok()?);
        (whole.to_owned(), fraction.to_owned())
    };
    let whole = whole.trim_start_matches('0').to_owned();
    let fraction = fraction.trim_end_matches('0').to_owned();
    Some(Parts { negative: negative && !(whole.is_empty() && fraction.is_empty()), whole, fraction })
}

/// Numeric order. What is no decimal comes after all that are.
#[must_use]
pub fn compare(a: &str, b: &str) -> Ordering {
    match (parts(a), parts(b)) {
        (Some(a), Some(b)) => {
            let size = |x: &Parts, y: &Parts| {
                let whole = x.whole.len().cmp(&y.whole.len()).then_with(|| x.whole.cmp(&y.whole));
                whole.then_with(|| x.fraction.cmp(&y.fraction))
            };
            match (a.negative, b.negative) {
                (false, false) => size(&a, &b),
                (true, true) => size(&b, &a),
                (negative, _) => {
                    if negative {
                        Ordering::Less
                    } else {
                        Ordering::Greater
                    }
                }
            }
        }
        (a_is, b_is) => b_is.is_some().cmp(&a_is.is_some()).then_with(|| a.cmp(b)),
    }
}

/// The plain form, `-12.5` for `-1250e-2`; digits that say nothing are kept (`12.50` for `1250e-2`). `None`: no
/// decimal.
#[must_use]
pub fn plain(text: &str) -> Option<String> {
    let Some((minor, exponent)) = text.split_once("e-") else { return parts(text).map(|_| text.to_owned()) };
    let exponent: usize = exponent.parse().ok().filter(|e| *e <= 20)?;
    let (sign, digits) = minor.strip_prefix('-').map_or(("", minor), |digits| ("-", digits));
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if exponent == 0 {
        return Some(minor.to_owned());
    }
    let padded = format!("{digits:0>width$}", width = exponent + 1);
    let (whole, fraction) = padded.split_at(padded.len() - exponent);
    Some(format!("{sign}{whole}.{fraction}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;

    #[test]
    fn decimals_are_ordered_as_numbers() {
        let ascending = [
            "-9223372036854775808e-0",
            "-10",
            "-9.99",
            "-0.5",
            "-1e-2",
            "0",
            "1e-4",
            "0.001",
            "12e-1",
            "1.25",
            "2",
            "10",
            "1e3",
            "1000.5",
            "9007199254740993e-0",
            "9007199254740994",
            "9223372036854775807e-0",
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(compare(a, b), i.cmp(&j), "{a} {b}");
            }
        }
        for (a, b) in [("1250e-2", "12.5"), ("0", "-0.00"), ("-0e-2", "0.0"), ("007", "7")] {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} {b}");
        }
        assert_eq!(compare("7", "seven"), Ordering::Less);
        for (text, is) in [("1250e-2", "12.50"), ("-5e-2", "-0.05"), ("-1200e-0", "-1200"), ("1.5", "1.5")] {
            assert_eq!(plain(text).as_deref(), Some(is));
        }
        assert_eq!((plain("x"), plain("e-2"), plain("1e-x")), (None, None, None));
    }

    proptest! {
        #[test]
        fn as_exact_arithmetic_orders_them(a in any::<i64>(), i in 0_u32..8, b in any::<i64>(), j in 0_u32..8) {
            let (x, y) = (Decimal::from_i128_with_scale(a.into(), i), Decimal::from_i128_with_scale(b.into(), j));
            prop_assert_eq!(compare(&x.to_string(), &format!("{b}e-{j}")), x.cmp(&y));
            let plain_x = plain(&format!("{a}e-{i}"));
            prop_assert_eq!(plain_x, Some(x.to_string()));
        }

        #[test]
        fn whatever_the_text_it_is_an_order(a in ".*", b in ".*") {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        }
    }
}
