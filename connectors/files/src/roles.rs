//! Which column is what: guessed from its heading and from its values, always to be confirmed by a person.
//!
//! A role is a field of the hub's record (`code`, `order_date`, `lines.amount`), or one of [`HUB_ID`] and
//! [`HUB_VERSION`] of sheets that the hub itself wrote. A heading that is a known word counts most; values that
//! fit raise a guess and values that do not fit lower it; without a heading only values with a form of their own
//! (check digits, mail addresses) say anything.
//!
//! To teach a heading: one word in [`words`]. Words are compared folded (see [`crate::heading`]).

mod words;

use musubi_sdk::{
    mapping::{self, identifier},
    noun::{FieldKind, Noun},
};
use serde::{Deserialize, Serialize};

use crate::{Row, heading::folded};

/// The hub's own id of a record, in sheets that it wrote.
pub const HUB_ID: &str = "hub_id";
/// The version that the sheet was written at.
pub const HUB_VERSION: &str = "hub_version";

/// What a column is taken for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guess {
    /// `None`: it is not taken.
    pub role: Option<String>,
    /// Percent.
    pub confidence: u8,
}

/// What a whole table is taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guessed {
    pub noun: Noun,
    /// One for each column.
    pub columns: Vec<Guess>,
}

/// Every role that a column of a noun's table can have.
#[must_use]
pub fn of(noun: Noun) -> Vec<String> {
    let mut roles = vec![];
    for field in noun.fields() {
        match field.kind {
            FieldKind::Lines(fields) if field.name != "taxes" => {
                roles.extend(fields.iter().map(|inner| format!("{}.{}", field.name, inner.name)));
            }
            FieldKind::Lines(_) | FieldKind::Instant => {}
            _ if field.name == "link_code" => {}
            _ => roles.push(field.name.to_owned()),
        }
    }
    if !roles.iter().any(|role| role == HUB_ID) {
        roles.push(HUB_ID.to_owned());
    }
    roles.push(HUB_VERSION.to_owned());
    roles
}

/// What values of a role look like.
#[must_use]
pub fn kind(noun: Noun, role: &str) -> Option<FieldKind> {
    let (outer, inner) = role.split_once('.').map_or((role, None), |(outer, inner)| (outer, Some(inner)));
    let field = noun.fields().iter().find(|field| field.name == outer)?;
    match (field.kind, inner) {
        (FieldKind::Lines(fields), Some(inner)) => fields.iter().find(|f| f.name == inner).map(|f| f.kind),
        (kind, None) => Some(kind),
        _ => None,
    }
}

/// Whether a text is a heading that means something.
#[must_use]
pub fn is_known_heading(text: &str) -> bool {
    let text = bare(text);
    !text.is_empty()
        && (words::ALL.iter().any(|(_, known)| known.split(' ').any(|word| word == text)) || own(&text).is_some())
}

/// Headings that the hub's own sheets carry.
fn own(text: &str) -> Option<&'static str> {
    if text.starts_with("結び顧客id") || text.starts_with("musubicustomerid") {
        return Some(HUB_ID);
    }
    (text.starts_with("結び版") || text.starts_with("musubiversion")).then_some(HUB_VERSION)
}

/// A heading without its remarks in brackets: `金額(税抜)` is 金額, but that it is without tax counts.
fn bare(text: &str) -> String {
    let text = folded(text);
    let remark = text.split_once('(').map(|(head, remark)| (head.to_owned(), remark.trim_end_matches(')').to_owned()));
    match remark {
        Some((head, remark)) if matches!(remark.as_str(), "税抜" | "税込" | "税別" | "内税") => {
            format!("{head}{remark}")
        }
        Some((head, _)) if !head.is_empty() => head,
        _ => text,
    }
}

/// Guesses for a table. With `noun` given only its roles.
#[must_use]
pub fn guess(headings: &[String], sample: &[Row], file_name: &str, noun: Option<Noun>) -> Guessed {
    let tried = Noun::ALL.into_iter().filter(|n| noun.is_none_or(|wanted| wanted == *n));
    let best = tried
        .map(|n| (score(n, headings, sample, file_name), n))
        .max_by_key(|(score, n)| (*score, std::cmp::Reverse(*n as u8)));
    let noun = noun.or(best.map(|(_, n)| n)).unwrap_or(Noun::Customer);
    Guessed { noun, columns: columns(noun, headings, sample) }
}

/// How well a table fits a noun.
fn score(noun: Noun, headings: &[String], sample: &[Row], file_name: &str) -> i32 {
    let guesses = columns(noun, headings, sample);
    let has = |role: &str| guesses.iter().any(|g| g.role.as_deref() == Some(role));
    let sum: i32 = guesses.iter().filter(|g| g.role.is_some()).map(|g| i32::from(g.confidence)).sum();
    let missing = noun.fields().iter().filter(|f| f.required && !has(f.name) && !is_made(noun, f.name, &has)).count();
    let name = folded(file_name);
    let named = words::FILES.iter().any(|(n, known)| *n == noun && known.iter().any(|word| name.contains(word)));
    sum - 150 * missing as i32 + if named { 150 } else { 0 }
}

/// What is made of other columns where it has none of its own.
fn is_made(noun: Noun, field: &str, has: &dyn Fn(&str) -> bool) -> bool {
    match (noun, field) {
        (Noun::Quote | Noun::Order | Noun::Invoice, "total") => has("net") || has("lines.amount"),
        _ => false,
    }
}

/// One guess a column; no role twice.
fn columns(noun: Noun, headings: &[String], sample: &[Row]) -> Vec<Guess> {
    let roles = of(noun);
    let mut all: Vec<(u8, usize, &str)> = Vec::new();
    for (column, heading) in headings.iter().enumerate() {
        let values: Vec<&str> =
            sample.iter().filter_map(|row| row.cells.get(column)).map(|c| c.trim()).filter(|c| !c.is_empty()).collect();
        for role in &roles {
            let confidence = confidence(noun, role, heading, &values);
            if confidence >= 50 {
                all.push((confidence, column, role));
            }
        }
    }
    all.sort_by_key(|(confidence, column, _)| (std::cmp::Reverse(*confidence), *column));
    let mut out = vec![Guess { role: None, confidence: 0 }; headings.len()];
    let mut given: Vec<&str> = Vec::new();
    for (confidence, column, role) in all {
        if out[column].role.is_none() && !given.contains(&role) {
            out[column] = Guess { role: Some(role.to_owned()), confidence };
            given.push(role);
        }
    }
    out
}

fn confidence(noun: Noun, role: &str, heading: &str, values: &[&str]) -> u8 {
    let bare = bare(heading);
    let word = match own(&bare) {
        Some(own) => return if own == role { 100 } else { 0 },
        None => word_of(noun, role, &bare),
    };
    let fits = share(noun, role, values);
    let form = has_own_form(role);
    match (word, fits) {
        (Some(base), Some(share)) => {
            let change = if share >= 80 { 5 } else { -i32::from((80 - share) / 2) };
            (i32::from(base) + change).clamp(0, 100) as u8
        }
        (Some(base), None) => base,
        // Nothing but a check digit or an @ says what an unnamed column is.
        (None, Some(share)) if form && share >= 90 => 60,
        (None, _) => 0,
    }
}

/// 90: the heading is the word; 70: it holds it.
fn word_of(noun: Noun, role: &str, heading: &str) -> Option<u8> {
    let known = words::ALL.iter().filter(|(key, _)| {
        let (only, field) = key.split_once(':').map_or((None, *key), |(noun, field)| (Some(noun), field));
        field == role && only.is_none_or(|only| only.split('|').any(|n| n == noun.as_str()))
    });
    let words: Vec<&str> = known.flat_map(|(_, words)| words.split(' ')).collect();
    if let Some(at) = words.iter().position(|word| *word == heading) {
        // Earlier words mean it more surely than later ones.
        return Some(95 - (at.min(15) as u8));
    }
    let within = |word: &&str| {
        word.chars().count() >= 2 && heading.contains(word) && heading.chars().count() <= word.chars().count() + 8
    };
    words.iter().any(within).then_some(62)
}

fn has_own_form(role: &str) -> bool {
    matches!(role, "corporate_number" | "registration_number" | "mail")
}

/// Percent of the values that a role would take; `None`: there are none, or it takes everything.
fn share(noun: Noun, role: &str, values: &[&str]) -> Option<u8> {
    if values.is_empty() {
        return None;
    }
    let usual = |text: &str| mapping::usual_width(text).trim().to_owned();
    let fits: &dyn Fn(&str) -> bool = match role {
        "corporate_number" => &|t| identifier::is_corporate_number(&usual(t)),
        "registration_number" => &|t| identifier::is_registration_number(&usual(t)),
        "mail" => &|t| identifier::is_mail(&usual(t)),
        "phone" => &|t| (9..=11).contains(&usual(t).chars().filter(char::is_ascii_digit).count()),
        "postal_code" => &|t| usual(t).chars().filter(char::is_ascii_digit).count() == 7,
        "name_kana" => &|t| usual(t).chars().any(|c| matches!(c, 'ぁ'..='ヿ')),
        _ => match kind(noun, role)? {
            FieldKind::Date => {
                &|t| mapping::read(FieldKind::Date, t).is_ok() || crate::day_of_digits(t, false).is_some()
            }
            FieldKind::Decimal => &|t| mapping::read(FieldKind::Decimal, t).is_ok(),
            _ => return None,
        },
    };
    let good = values.iter().filter(|value| fits(value)).count();
    u8::try_from(good * 100 / values.len()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(headings: &str, rows: &[&str], file: &str) -> (Noun, Vec<String>) {
        let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let sample: Vec<Row> =
            rows.iter().enumerate().map(|(n, r)| Row { line: n as u64 + 2, cells: cells(r) }).collect();
        let of = guess(&cells(headings), &sample, file, None);
        (of.noun, of.columns.into_iter().map(|g| g.role.unwrap_or_default()).collect())
    }

    #[test]
    fn tables_of_offices_are_told_apart() {
        let table: &[(&str, &[&str], &str, Noun, &str)] = &[
            (
                "得意先コード,取引先名,フリガナ,〒,住所1,電話,登録番号,締日",
                &["001,朝凪電装,アサナギ,135-0052,東京都江東区,03-0000-0001,,20日"],
                "a.csv",
                Noun::Customer,
                "code,name,name_kana,postal_code,address,phone,registration_number,closing_day",
            ),
            (
                "受注番号,受注日,得意先CD,商品コード,商品名,数量,単価,金額",
                &["A-1,R8.4.1,001,P1,部品,2,500,\"1000\""],
                "b.csv",
                Noun::Order,
                "number,order_date,customer,lines.product_code,lines.description,lines.quantity,lines.unit_price,lines.amount",
            ),
            (
                "請求番号,請求日,得意先コード,請求金額,消費税,支払期日",
                &["I-1,2026/4/1,001,1100,100,2026/5/31"],
                "c.csv",
                Noun::Invoice,
                "number,issue_date,customer,total,tax,due_date",
            ),
            (
                "入金日,得意先,入金額,入金方法",
                &["2026/4/1,001,1100,振込"],
                "d.csv",
                Noun::Payment,
                "paid_date,customer,amount,method",
            ),
            (
                "会社名,氏名,部署,役職,メールアドレス,電話番号",
                &["朝凪電装,高梨 遥,営業,主任,h@asanagi.example,03-0000-0001"],
                "e.csv",
                Noun::Contact,
                "customer,name,department,title,mail,phone",
            ),
            ("商品コード,商品名,単位,標準単価", &["P1,部品,個,500"], "f.csv", Noun::Product, "code,name,unit,price"),
            (
                "Customer code,Company name,Phone,E-mail",
                &["1,Asanagi,03-0000-0001,i@asanagi.example"],
                "g.csv",
                Noun::Customer,
                "code,name,phone,mail",
            ),
            (
                "納品先コード,得意先コード,納品先名,住所",
                &["1,001,江東工場,東京都"],
                "h.csv",
                Noun::Site,
                "code,customer,name,address",
            ),
        ];
        for (headings, rows, file, noun, roles) in table {
            let (seen, columns) = guessed(headings, rows, file);
            assert_eq!((seen, columns.join(",").as_str()), (*noun, *roles), "{headings}");
        }
    }

    #[test]
    fn values_with_a_form_need_no_heading() {
        let (_, columns) = guessed("#1,#2,#3", &["朝凪電装,info@asanagi.example,T7000012050002"], "x.csv");
        assert_eq!(columns[1], "mail");
        let of = guess(&["結び顧客ID (変更不可)".into(), "結び版 (変更不可)".into(), "名称".into()], &[], "", None);
        let roles: Vec<_> = of.columns.iter().map(|g| g.role.as_deref().unwrap_or("")).collect();
        assert_eq!((of.noun, roles), (Noun::Customer, vec!["hub_id", "hub_version", "name"]));
    }
}
