//! Spellings of the same name made equal: width, kana, variant kanji, dashes, corporate forms.
//!
//! Unicode normalisation alone does not do it: NFKC keeps 髙 and 高, 﨑 and 崎, ー and ― apart.
//! The tables here are our own; to add a pair, add it to [`plain`] with a line in the test table.
//!
//! Invariants: every function is idempotent; results hold no spaces and no control characters, so
//! callers may use control characters as separators.

use unicode_normalization::UnicodeNormalization;

/// Corporate forms and what they become. Longer spellings stand before the shorter ones they hold.
/// The marks are single printable characters, so that a folded name stays readable in the store.
const FORMS: [(&str, &str); 22] = [
    ("株式会社", "㈱"),
    ("株式會社", "㈱"),
    ("(株)", "㈱"),
    ("有限会社", "㈲"),
    ("有限會社", "㈲"),
    ("(有)", "㈲"),
    ("合同会社", "仝"),
    ("(同)", "仝"),
    ("合資会社", "㈾"),
    ("(資)", "㈾"),
    ("合名会社", "㈴"),
    ("(名)", "㈴"),
    ("一般社団法人", "㈳"),
    ("公益社団法人", "㈳"),
    ("社団法人", "㈳"),
    ("(社)", "㈳"),
    ("一般財団法人", "㈶"),
    ("公益財団法人", "㈶"),
    ("財団法人", "㈶"),
    ("(財)", "㈶"),
    ("学校法人", "㈻"),
    ("(学)", "㈻"),
];

/// The marks that [`fold`] writes for corporate forms.
#[must_use]
pub fn is_form_mark(c: char) -> bool {
    matches!(c, '㈱' | '㈲' | '仝' | '㈾' | '㈴' | '㈳' | '㈶' | '㈻')
}

/// Text as search compares it. A corporate form becomes one mark where it stands.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return ascii(text);
    }
    // Dropping spaces and turning kana can bring a base and its combining mark together, so the
    // result is composed once more before the corporate forms are looked for.
    let plain: String = text.nfkc().flat_map(char::to_lowercase).filter_map(plain).nfkc().filter_map(plain).collect();
    forms(plain)
}

/// Text as linking compares names: [`fold`], so ㈱朝凪 (前株) and 朝凪㈱ (後株) stay different companies.
#[must_use]
pub fn name_key(name: &str) -> String {
    fold(name)
}

/// A product as the search compares it: its code, with and without dashes, and its name.
#[must_use]
pub fn product_key(code: &str, name: &str) -> String {
    let code = fold(code);
    let short = code.replace('-', "");
    let name = fold(name);
    if short == code { format!("{code} {name}") } else { format!("{code} {short} {name}") }
}

/// A folded text without its corporate forms, for a second, wider try.
#[must_use]
pub fn without_forms(folded: &str) -> String {
    folded.chars().filter(|c| !is_form_mark(*c)).collect()
}

/// The digits of a telephone or other number; `+81` becomes the leading 0.
#[must_use]
pub fn fold_digits(text: &str) -> String {
    let normal: String = text.nfkc().collect();
    let trimmed = normal.trim_start();
    let (prefix, rest) = match trimmed.strip_prefix("+81") {
        Some(rest) => ("0", rest.trim_start_matches([' ', '-', '(']).trim_start_matches("0)")),
        None => ("", trimmed),
    };
    let mut digits = String::with_capacity(rest.len() + 1);
    digits.push_str(prefix);
    digits.extend(rest.chars().filter(char::is_ascii_digit));
    digits
}

/// Whether two systems that write a value their own way mean the same by it.
#[must_use]
pub fn is_same_value(field: &str, a: &str, b: &str) -> bool {
    let squeezed = |text: &str| text.nfkc().filter(|c| !c.is_whitespace()).collect::<String>();
    match field {
        _ if a == b => true,
        "phone" | "postal_code" => fold_digits(a) == fold_digits(b) && a.is_empty() == b.is_empty(),
        _ => squeezed(a) == squeezed(b),
    }
}

fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    out.extend(text.chars().map(|c| c.to_ascii_lowercase()).filter_map(plain));
    // "(KABU)" and the like are no forms in ASCII; nothing else to do.
    out
}

fn forms(mut text: String) -> String {
    for (spelling, mark) in FORMS {
        if text.contains(spelling) {
            text = text.replace(spelling, mark);
        }
    }
    // Bank transfers write カ)アサナギ and アサナギ(カ.
    if let Some(rest) = text.strip_prefix("カ)") {
        text = format!("㈱{rest}");
    }
    if let Some(rest) = text.strip_suffix("(カ)").or_else(|| text.strip_suffix("(カ")) {
        text = format!("{rest}㈱");
    }
    text
}

/// One character as it is compared; `None`: it carries nothing.
fn plain(c: char) -> Option<char> {
    Some(match c {
        // Nothing to compare: spaces, dots between katakana words, quotes, controls.
        _ if c.is_whitespace() || c.is_control() => return None,
        '・' | '·' | '•' | '‧' | '∙' | '⋅' | '、' | ',' | '\'' | '’' | '‘' | '"' | '“' | '”' | '「' | '」' =>
        {
            return None;
        }
        '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' => {
            return None;
        }
        // Long vowels, dashes and tildes are one mark: people type whichever is near.
        'ー' | '－' | '―' | '‐' | '‑' | '‒' | '–' | '—' | '−' | '─' | '━' | '〜' | '～' | '~' | '﹣' | '⁃' | '〰' => {
            '-'
        }
        // ひらがな to カタカナ, small to large: キャノン finds キヤノン, 八ヶ岳 finds 八ケ岳.
        'ぁ'..='ゖ' => return plain(char::from_u32(u32::from(c) + 0x60).unwrap_or(c)),
        'ゝ' => 'ヽ',
        'ゞ' => 'ヾ',
        'ァ' => 'ア',
        'ィ' => 'イ',
        'ゥ' => 'ウ',
        'ェ' => 'エ',
        'ォ' => 'オ',
        'ッ' => 'ツ',
        'ャ' => 'ヤ',
        'ュ' => 'ユ',
        'ョ' => 'ヨ',
        'ヮ' => 'ワ',
        'ヵ' => 'カ',
        'ヶ' => 'ケ',
        'ヱ' => 'エ',
        'ヰ' => 'イ',
        'ヲ' => 'オ',
        _ => kanji(c),
    })
}

/// Variant kanji of names and their everyday form.
fn kanji(c: char) -> char {
    match c {
        '髙' => '高',
        '﨑' | '嵜' | '碕' => '崎',
        '邊' | '邉' => '辺',
        '濵' | '濱' => '浜',
        '齋' | '斎' | '齊' => '斉',
        '德' => '徳',
        '澤' => '沢',
        '廣' => '広',
        '國' | '圀' => '国',
        '嶋' | '嶌' => '島',
        '櫻' => '桜',
        '冨' => '富',
        '眞' => '真',
        '藏' => '蔵',
        '靜' => '静',
        '瀨' => '瀬',
        '渕' | '渊' => '淵',
        '龍' => '竜',
        '瀧' => '滝',
        '學' => '学',
        '會' => '会',
        '實' => '実',
        '惠' => '恵',
        '榮' => '栄',
        '萬' => '万',
        '與' => '与',
        '壽' => '寿',
        '豐' => '豊',
        '將' => '将',
        '條' => '条',
        '關' => '関',
        '鐵' => '鉄',
        '圓' => '円',
        '淺' => '浅',
        '黑' => '黒',
        '橫' => '横',
        '增' => '増',
        '來' => '来',
        '曾' => '曽',
        '𠮷' => '吉',
        '舘' => '館',
        '桒' => '桑',
        '槇' => '槙',
        '驒' => '騨',
        '莊' => '荘',
        '桧' => '檜',
        '經' => '経',
        '發' => '発',
        '總' => '総',
        '縣' => '県',
        '區' => '区',
        '濟' => '済',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_name_are_equal() {
        let groups: [&[&str]; 12] = [
            &["株式会社朝凪電装", "㈱朝凪電装", "(株)朝凪電装", "（株）朝凪 電装", "㍿朝凪電装", "( 株 )朝凪電装"],
            &["有限会社たちあおい", "㈲タチアオイ", "（有）ﾀﾁｱｵｲ"],
            &["合同会社ミナト", "(同)みなと"],
            &["髙﨑商店", "高崎商店"],
            &["渡邊", "渡邉", "渡辺"],
            &["濵田", "濱田", "浜田"],
            &["齋藤", "斎藤", "斉藤", "齊藤"],
            &["東雲ヶ原", "東雲ケ原", "東雲ｹ原"],
            &["センター", "センタ－", "ｾﾝﾀｰ", "センタ―", "センタ‐", "せんたー", "センタ～", "センタ-"],
            &["キャノン", "キヤノン", "きゃのん"],
            &["ABC・Ｄ 商事", "abcd商事", "ＡＢＣＤ商事"],
            &["カ）アサナギ", "㈱アサナギ"],
        ];
        for group in groups {
            for spelling in group {
                assert_eq!(fold(spelling), fold(group[0]), "{spelling}");
            }
        }
    }

    #[test]
    fn different_names_stay_different() {
        for (a, b) in
            [("株式会社朝凪", "朝凪株式会社"), ("株式会社朝凪", "有限会社朝凪"), ("朝凪", "朝凪電装"), ("ハハ", "パパ")]
        {
            assert_ne!(name_key(a), name_key(b), "{a} {b}");
        }
        assert_eq!(without_forms(&fold("株式会社朝凪")), without_forms(&fold("朝凪㈱")));
    }

    #[test]
    fn prefix_search_survives_folding() {
        let name = fold("株式会社朝凪電装");
        for typed in ["㈱朝凪", "(株)朝凪", "株式会社朝凪", "株式会社 朝凪"] {
            assert!(name.starts_with(&fold(typed)), "{typed}");
        }
    }

    #[test]
    fn digits_of_numbers() {
        let table = [
            ("03-0001-2345", "0300012345"),
            ("０３（０００１）２３４５", "0300012345"),
            ("+81 3-0001-2345", "0300012345"),
            ("+81 (0)3 0001 2345", "0300012345"),
            ("T1009900000001", "1009900000001"),
            ("", ""),
        ];
        for (text, digits) in table {
            assert_eq!(fold_digits(text), digits, "{text}");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,24}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once.clone());
            prop_assert!(!once.chars().any(|c| c.is_control() || c.is_whitespace()));
        }

        #[test]
        fn folding_japanese_twice_changes_nothing(text in "[ァ-ヿぁ-ゟ株式会社有限()（）㈱㍿\u{3099}\u{309A}\u{0301} ・ｱ-ﾟーA-z]{0,16}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn digits_twice_change_nothing(text in "\\PC{0,24}") {
            let once = fold_digits(&text);
            prop_assert_eq!(fold_digits(&once), once);
        }
    }
}
