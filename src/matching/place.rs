//! The part of a Japanese address that a list has room for: prefecture and municipality.

use unicode_normalization::UnicodeNormalization;

/// Prefecture and city of an address: `静岡県浜松市`. `None` when the text does not start like one.
#[must_use]
pub fn city(address: &str) -> Option<String> {
    let text: String = address.nfkc().filter(|c| !c.is_whitespace()).collect();
    let text = text.trim_start_matches(|c: char| c == '〒' || c.is_ascii_digit() || "-‐−ー".contains(c));
    let prefecture = prefecture(text).unwrap_or("");
    let rest = text.get(prefecture.len()..)?;
    let municipality = municipality(rest).unwrap_or("");
    let found = prefecture.len() + municipality.len();
    (found > 0).then(|| text.get(..found).unwrap_or(text).to_owned())
}

fn prefecture(text: &str) -> Option<&str> {
    if let Some(known) = ["東京都", "北海道", "京都府", "大阪府"].into_iter().find(|p| text.starts_with(p))
    {
        return Some(known);
    }
    // The other names have two or three characters before 県.
    let end = text.char_indices().skip(2).take(2).find(|(_, c)| *c == '県').map(|(i, c)| i + c.len_utf8())?;
    text.get(..end)
}

fn municipality(text: &str) -> Option<&str> {
    // Names that hold one of the suffixes themselves.
    const KNOWN: [&str; 9] =
        ["四日市市", "廿日市市", "野々市市", "市川市", "市原市", "町田市", "村山市", "村上市", "東村山市"];
    if let Some(known) = KNOWN.into_iter().chain(["十日町市", "大町市", "武蔵村山市"]).find(|m| text.starts_with(m))
    {
        return Some(known);
    }
    let end = text
        .char_indices()
        .take(10)
        .skip(1)
        .find(|(_, c)| matches!(c, '市' | '区' | '町' | '村'))
        .map(|(i, c)| i + c.len_utf8())?;
    text.get(..end)
}

#[cfg(test)]
mod tests {
    use super::city;

    #[test]
    fn prefecture_and_municipality() {
        let table = [
            ("静岡県浜松市中央区鍛冶町1-2", Some("静岡県浜松市")),
            ("〒430-0000 静岡県 浜松市", Some("静岡県浜松市")),
            ("東京都千代田区丸の内1", Some("東京都千代田区")),
            ("神奈川県川崎市川崎区", Some("神奈川県川崎市")),
            ("三重県四日市市", Some("三重県四日市市")),
            ("千葉県市原市五井", Some("千葉県市原市")),
            ("京都府京都市下京区", Some("京都府京都市")),
            ("新潟県十日町市本町", Some("新潟県十日町市")),
            ("浜松市中央区", Some("浜松市")),
            ("1 Main Street, Springfield", None),
            ("", None),
        ];
        for (address, expected) in table {
            assert_eq!(city(address).as_deref(), expected, "{address}");
        }
    }
}
