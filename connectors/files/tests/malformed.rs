//! Files as they should not be: whatever comes, every row is accounted for or the file is refused with a code.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{Cursor, Read, Write};

use musubi_files::{
    Account, Entry, FileError, Limits, Wishes, inspect, read,
    write::{Column, Kind, Workbook},
};
use proptest::prelude::*;
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// Small limits, so that a test meets them.
fn limits() -> Limits {
    Limits { rows: 500, columns: 40, cell: 200, row: 4096, unpacked: 4 << 20, shared: 1 << 20, ..Limits::default() }
}

/// Reads a file as the hub does. What was given out must be what the account says.
fn through(bytes: Vec<u8>) -> Result<Account, FileError> {
    let mut input = Cursor::new(bytes);
    let found = inspect(&mut input, &Wishes::default(), &limits())?;
    let (mut rows, mut last) = (0, 0);
    let account = read(&mut input, &found.layout, &limits(), &mut |entry| {
        let (line, count) = match &entry {
            Entry::Row(row) => {
                assert_eq!(row.cells.len(), found.layout.columns.len(), "a cell for each column");
                (row.line, 1)
            }
            Entry::Rejected(rejected) => {
                assert!(rejected.flaw.code.starts_with("FILE_"));
                (rejected.row.line, 1)
            }
            Entry::Skipped(skipped) => (skipped.line, skipped.rows),
        };
        assert!(line > last, "in the order of the file");
        last = line;
        rows += count;
        true
    })?;
    assert!(account.balances(), "{account:?}");
    assert_eq!(account.rows, rows);
    Ok(account)
}

fn csv(rows: &[[String; 3]]) -> String {
    let mut text = "コード,名称,金額\n".to_owned();
    rows.iter().for_each(|cells| text.push_str(&format!("{}\n", cells.join(","))));
    text
}

fn xlsx(rows: &[[String; 3]]) -> Vec<u8> {
    let columns = ["コード", "名称", "金額"].map(|title| Column::new(title, Kind::Text, 10));
    let mut book = Workbook::new("表", columns.to_vec()).unwrap();
    rows.iter().for_each(|cells| book.row(cells).unwrap());
    book.finish().unwrap()
}

/// A workbook with the XML of its sheet changed.
fn changed(bytes: &[u8], change: impl Fn(String) -> String) -> Vec<u8> {
    let mut from = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut to = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for index in 0..from.len() {
        let mut part = from.by_index(index).unwrap();
        let name = part.name().unwrap().into_owned();
        let mut text = String::new();
        part.read_to_string(&mut text).unwrap();
        if name.contains("worksheets/sheet1") {
            text = change(text);
        }
        to.start_file(name, options).unwrap();
        to.write_all(text.as_bytes()).unwrap();
    }
    to.finish().unwrap().into_inner()
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9]{0,8}",
        "[ぁ-んァ-ヶ一-龠]{1,6}",
        Just(String::new()),
        Just("▲1,234".replace(',', "")),
        Just("合計".to_owned()),
        Just("令和8年4月1日".to_owned()),
        Just("\"open".to_owned()),
        Just("a\tb".to_owned()),
    ]
}

fn table() -> impl Strategy<Value = Vec<[String; 3]>> {
    prop::collection::vec([cell(), cell(), cell()], 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn broken_bytes_and_encodings(rows in table(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(), windows in any::<bool>()) {
        let text = csv(&rows);
        let mut bytes = if windows { encoding_rs::SHIFT_JIS.encode(&text).0.into_owned() } else { text.into_bytes() };
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if cut { bytes.truncate(at + 1); }
        let _ = through(bytes);
    }

    #[test]
    fn columns_that_moved(rows in table(), extra in prop::collection::vec("[a-z]{1,3}", 0..50)) {
        let text = format!("{}{}\n", csv(&rows), extra.join(","));
        let plain = !text.contains('"');
        match through(text.clone().into_bytes()) {
            // Without quotes a line is a row.
            Ok(account) if plain => prop_assert_eq!(account.rows as usize, text.lines().count()),
            Ok(_) => {}
            Err(error) => prop_assert!(extra.len() > 40, "{}", error.code()),
        }
    }

    #[test]
    fn workbooks_with_broken_bytes(rows in table(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = xlsx(&rows);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if cut { bytes.truncate(at + 1); }
        let _ = through(bytes);
    }

    #[test]
    fn workbooks_with_odd_sheets(rows in table(), what in 0..8, line in 1_u32..60) {
        let rows: Vec<_> = rows.into_iter().map(|r| r.map(|c| c.replace('"', ""))).collect();
        let bytes = changed(&xlsx(&rows), |sheet| match what {
            0 => sheet.replace("</sheetData>", &format!("<row r=\"{line}\"><c r=\"A{line}\"><f>1+1</f></c></row></sheetData>")),
            1 => sheet.replace("</sheetData>", "<row><c t=\"e\"><v>#REF!</v></c></row></sheetData>"),
            2 => sheet.replace("</sheetData>", &format!("</sheetData><mergeCells><mergeCell ref=\"A2:A{}\"/></mergeCells>", line + 2)),
            3 => sheet.replace("</sheetData>", "<row r=\"1048576\"><c><v>1</v></c></row></sheetData>"),
            4 => sheet.replace("</sheetData>", "<row><c t=\"s\"><v>99999</v></c></row></sheetData>"),
            5 => sheet.replace("<sheetData>", "<!DOCTYPE x><sheetData>"),
            6 => sheet.replace("</sheetData>", "<row><c r=\"ZZZ9\" t=\"inlineStr\"><is><t>x</t></is></c></row></sheetData>"),
            _ => sheet.replace(" r=\"", " q=\""),
        });
        match through(bytes) {
            Ok(account) if what == 0 || what == 1 || what == 4 || what == 6 => prop_assert!(account.rejected >= 1 || rows.is_empty()),
            Ok(_) => {}
            Err(error) => prop_assert!(["FILE_BROKEN", "FILE_ROWS", "FILE_HEADING"].contains(&error.code()), "{}", error.code()),
        }
    }
}

#[test]
fn bombs_are_refused_before_they_are_unpacked() {
    let bytes = xlsx(&[["1".into(), "a".into(), "2".into()]]);
    let padded =
        changed(&bytes, |sheet| sheet.replace("</sheetData>", &format!("</sheetData>{}", " ".repeat(8 << 20))));
    assert!(padded.len() < 100_000, "it is packed tightly: {}", padded.len());
    assert_eq!(through(padded).unwrap_err().code(), "FILE_BOMB");
    assert_eq!(through(bytes[..40].to_vec()).unwrap_err().code(), "FILE_BROKEN");
    assert_eq!(through(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old".to_vec()).unwrap_err().code(), "FILE_OLD_EXCEL");
    assert_eq!(through(b"%PDF-1.7 x".to_vec()).unwrap_err().code(), "FILE_FORMAT");
    assert_eq!(through(Vec::new()).unwrap_err().code(), "FILE_EMPTY");
}

#[test]
fn a_workbook_reads_as_excel_shows_it() {
    let bytes = changed(
        &xlsx(&[["00123".into(), "朝凪".into(), String::new()], ["".into(), "潮見".into(), "5".into()]]),
        |sheet| {
            let merged = "</sheetData><mergeCells><mergeCell ref=\"A2:A3\"/></mergeCells>";
            sheet.replace(
                "</sheetData>",
                &format!("<row r=\"6\"><c r=\"A6\" t=\"str\"><f>B2</f><v>計算</v></c></row>{merged}"),
            )
        },
    );
    let mut input = Cursor::new(bytes);
    let found = inspect(&mut input, &Wishes::default(), &Limits::default()).unwrap();
    assert_eq!(found.layout.columns, ["コード", "名称", "金額"]);
    let mut seen = Vec::new();
    let account = read(&mut input, &found.layout, &Limits::default(), &mut |entry| {
        if let Entry::Row(row) = entry {
            seen.push((row.line, row.cells.join("|")));
        }
        true
    })
    .unwrap();
    let wanted = [(2, "00123|朝凪|"), (3, "00123|潮見|5"), (6, "計算||")].map(|(line, text)| (line, text.to_owned()));
    assert_eq!(seen, wanted);
    assert_eq!((account.rows, account.blank, account.heading), (6, 2, 1));
}
