//! Corporate numbers (法人番号) of the invented companies.
//!
//! Real numbers begin, after the check digit, with the code of a registry office. No office has
//! the code 0099, so none of these numbers belongs to a real company.

/// Check digit over the 12 other digits: 9 − (Σ Pn·Qn mod 9), Pn counted from the lowest digit,
/// Qn = 1 for odd n and 2 for even n.
#[must_use]
pub fn check_digit(base: u64) -> u64 {
    let mut rest = base;
    let mut sum = 0;
    for n in 1..=12_u64 {
        let weight = if n % 2 == 1 { 1 } else { 2 };
        sum += (rest % 10) * weight;
        rest /= 10;
    }
    9 - sum % 9
}

/// The 13 digits for a running number below one million.
#[must_use]
pub fn corporate_number(serial: u32) -> String {
    let base = 9_901_000_000 + u64::from(serial % 1_000_000);
    format!("{}{base:012}", check_digit(base))
}

/// Whether 13 digits carry a right check digit.
#[must_use]
pub fn is_valid(number: &str) -> bool {
    number.len() == 13
        && number.bytes().all(|b| b.is_ascii_digit())
        && number
            .split_at_checked(1)
            .is_some_and(|(first, base)| base.parse::<u64>().is_ok_and(|base| check_digit(base).to_string() == first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_in_the_mockup() {
        assert_eq!(corporate_number(127), "5009901000127");
        assert!(is_valid("5009901000127"));
        assert!(!is_valid("4009901000127"));
        assert!(!is_valid("T009901000127"));
    }
}
