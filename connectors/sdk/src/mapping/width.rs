//! Full-width ASCII and half-width kana to their usual width; nothing else changes (㈱ stays ㈱).

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

pub(super) fn normal(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.chars().any(|c| is_wide(c) || is_half_kana(c)) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut kana = String::new();
    for c in text.chars() {
        if is_half_kana(c) {
            // Voiced marks are letters of their own here, so a run is composed as a whole.
            kana.push(c);
            continue;
        }
        out.extend(kana.nfkc());
        kana.clear();
        out.push(narrow(c));
    }
    out.extend(kana.nfkc());
    Cow::Owned(out)
}

fn is_wide(c: char) -> bool {
    matches!(c, '\u{ff01}'..='\u{ff5e}' | '\u{3000}')
}

fn is_half_kana(c: char) -> bool {
    matches!(c, '\u{ff61}'..='\u{ff9f}')
}

/// The ASCII letter of a full-width one.
pub(super) fn narrow(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    }
}
