//! Numbers with a check digit, and mail addresses.

/// 法人番号: 13 digits, the first is the check digit of the other twelve.
///
/// Check digit = 9 - (sum of Pn * Qn mod 9), Pn being the digits from the lowest, Qn 1 for odd n
/// and 2 for even n (ordinance of the Ministry of Finance on corporate numbers).
#[must_use]
pub fn is_corporate_number(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() != 13 || !bytes.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let sum: u32 = bytes[1..]
        .iter()
        .rev()
        .zip([1, 2].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    u32::from(bytes[0] - b'0') == 9 - sum % 9
}

/// 登録番号 of qualified invoices: `T` and 13 digits of the same form.
#[must_use]
pub fn is_registration_number(text: &str) -> bool {
    text.strip_prefix('T').is_some_and(is_corporate_number)
}

/// One `@` with something on both sides, no blanks. Whether mail arrives, only mail can tell.
#[must_use]
pub fn is_mail(text: &str) -> bool {
    let sides = text.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.len() > 2);
    sides && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}
