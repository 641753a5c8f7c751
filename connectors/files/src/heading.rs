//! Where the headings of a table stand, and rows that are no records.

use unicode_normalization::UnicodeNormalization;

use crate::{Row, entry::Reason, roles};

/// Rows that may stand above the headings.
const ABOVE: usize = 30;

/// A heading as it is compared: width, case, spaces and marks make no difference.
#[must_use]
pub fn folded(text: &str) -> String {
    let marks = ['_', '-', '・', '･', '*', '※', '.', '/', '"', '\'', ':'];
    text.nfkc().flat_map(char::to_lowercase).filter(|c| !c.is_whitespace() && !marks.contains(c)).collect()
}

/// The line of the headings among the first rows; 0: the table begins with data. `None`: there is nothing.
pub fn find(rows: &[Row]) -> Option<u64> {
    let filled = |row: &Row| row.cells.iter().filter(|c| !c.trim().is_empty()).count();
    let widest = rows.iter().map(filled).max().filter(|n| *n > 0)?;
    let mut best: Option<(i64, u64)> = None;
    for (index, row) in rows.iter().take(ABOVE).enumerate() {
        let count = filled(row);
        let is_wide = count * 2 > widest || widest <= 2;
        let followed = rows.get(index + 1..).is_some_and(|after| after.iter().any(|r| filled(r) * 2 >= count));
        if !is_wide || !(followed || rows.len() == 1) || count == 0 {
            continue;
        }
        let known = row.cells.iter().filter(|c| roles::is_known_heading(c)).count() as i64;
        let data = row.cells.iter().filter(|c| is_data(c)).count() as i64;
        let score = known * 4 + count as i64 - data * 3;
        let is_better = best.is_none_or(|(of, _)| score > of);
        if (known > 0 || data == 0) && is_better {
            best = Some((score, row.line));
            // A row of words that are all known is no title and no record.
            if known as usize == count {
                break;
            }
        }
        if data > 0 && known == 0 {
            // The records have begun.
            break;
        }
    }
    Some(best.map_or(0, |(_, line)| line))
}

/// A value that a heading never is: digits, an amount, a day, a mail address.
fn is_data(cell: &str) -> bool {
    let text: String = cell.nfkc().collect();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    digits > 0 && digits * 2 >= text.chars().filter(|c| !c.is_whitespace()).count() || text.contains('@')
}

/// Names of columns: headings made unique, numbers where there is none.
pub fn columns(cells: &[String], width: usize) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(width);
    for index in 0..width.max(cells.len()) {
        let text = cells.get(index).map(|c| c.split_whitespace().collect::<Vec<_>>().join(" ")).unwrap_or_default();
        let text = if text.is_empty() { format!("#{}", index + 1) } else { text.chars().take(100).collect() };
        let mut name = text.clone();
        let mut times = 1;
        while names.contains(&name) {
            times += 1;
            name = format!("{text} ({times})");
        }
        names.push(name);
    }
    while names.len() > 1 && names.len() > width && names.last().is_some_and(|n| n.starts_with('#')) {
        names.pop();
    }
    names
}

/// Why a row below the headings holds no record.
pub fn reason(cells: &[String], headings: &[String]) -> Option<Reason> {
    let mut filled = cells.iter().map(|c| c.trim()).filter(|c| !c.is_empty());
    let Some(first) = filled.next() else { return Some(Reason::Blank) };
    let count = 1 + filled.count();
    if !headings.is_empty() && is_again(cells, headings) {
        return Some(Reason::HeadingAgain);
    }
    let word: String = folded(first)
        .chars()
        .filter(|c| !matches!(c, '[' | ']' | '(' | ')' | '<' | '>' | '【' | '】' | '《' | '》'))
        .collect();
    const TOTALS: [&str; 13] = [
        "合計",
        "総合計",
        "小計",
        "総計",
        "計",
        "累計",
        "月計",
        "合計金額",
        "合計行",
        "total",
        "subtotal",
        "grandtotal",
        "sum",
    ];
    (TOTALS.contains(&word.as_str()) && count < headings.len().max(2)).then_some(Reason::Total)
}

fn is_again(cells: &[String], headings: &[String]) -> bool {
    let filled = headings.iter().filter(|h| !h.trim().is_empty()).count();
    filled > 0 && headings.iter().enumerate().all(|(i, h)| cells.get(i).map_or("", String::as_str).trim() == h.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Row> {
        let line = |(n, l): (usize, &str)| Row { line: n as u64 + 1, cells: l.split(',').map(str::to_owned).collect() };
        text.lines().enumerate().map(line).collect()
    }

    #[test]
    fn headings_are_found_below_titles_and_not_in_data() {
        for (text, line) in [
            ("得意先コード,得意先名,電話番号\n001,朝凪電装,03-0000-0001\n", 1),
            ("得意先一覧,,\n2026年4月1日現在,,\n,,\n得意先CD,得意先名,TEL\n1,a,2\n", 4),
            ("Name,Mail\nAsanagi,info@asanagi.example\n", 1),
            ("001,朝凪電装,03-0000-0001\n002,潮見,03-0000-0002\n", 0),
            ("項目甲,項目乙\nあ,い\n", 1),
            ("名称\n朝凪電装\n", 1),
        ] {
            assert_eq!(find(&rows(text)), Some(line), "{text}");
        }
        assert_eq!(find(&rows(",,\n,\n")), None);
    }

    #[test]
    fn rows_without_a_record_are_told() {
        let of = |text: &str| {
            reason(
                &text.split(',').map(str::to_owned).collect::<Vec<_>>(),
                &["コード".into(), "名称".into(), "金額".into()],
            )
        };
        assert_eq!(of(" ,,　"), Some(Reason::Blank));
        assert_eq!(of("コード,名称,金額"), Some(Reason::HeadingAgain));
        assert_eq!(of("【合 計】,,300"), Some(Reason::Total));
        assert_eq!(of("Grand Total,,300"), Some(Reason::Total));
        assert_eq!(of("合計,合計株式会社,300"), None, "a full row is a record");
        assert_eq!(of("1,計,300"), None);
    }

    #[test]
    fn names_of_columns_are_unique() {
        let names = columns(&["名称".into(), "名称".into(), String::new(), "電話\n番号".into(), String::new()], 4);
        assert_eq!(names, ["名称", "名称 (2)", "#3", "電話 番号"]);
    }
}
