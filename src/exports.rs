//! Exports: tables of records for offices, as their reader may see them.
//!
//! Customers take the reader's [`View`]; documents are for the command line, which sees everything. Every export is
//! audited by whoever offers it.
//!
//! Invariant: what is hidden from the reader is an empty cell.

use musubi_files::write::{Charset, Column, Csv, Kind, Loss, Workbook, WriteError};

use crate::{
    master::edit,
    model::{Money, View, money::Currency},
    store::{Db, StoreError, customer, export},
};

/// Records read at once.
const BATCH: usize = 500;
/// Records of one export.
pub const MOST: usize = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Xlsx,
    Csv(Charset),
}

impl Format {
    /// `xlsx`, `csv` or `csv_sjis`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "xlsx" => Self::Xlsx,
            "csv" => Self::Csv(Charset::Utf8Bom),
            "csv_sjis" => Self::Csv(Charset::Cp932),
            _ => return None,
        })
    }

    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Csv(_) => "csv",
        }
    }

    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Csv(Charset::Utf8Bom) => "text/csv; charset=utf-8",
            Self::Csv(Charset::Cp932) => "text/csv; charset=shift_jis",
        }
    }
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// A file, with what could not be written into it.
pub struct Exported {
    pub bytes: Vec<u8>,
    pub rows: u64,
    /// The first of the characters that the encoding does not have.
    pub losses: Vec<Loss>,
    /// All of them.
    pub lost: u64,
}

enum Out {
    Csv(Csv),
    Xlsx(Box<Workbook>),
}

impl Out {
    fn new(format: Format, sheet: &str, columns: Vec<Column>) -> Result<Self, WriteError> {
        Ok(match format {
            Format::Xlsx => Self::Xlsx(Box::new(Workbook::new(sheet, columns)?)),
            Format::Csv(charset) => Self::Csv(Csv::new(charset, columns)),
        })
    }

    fn row(&mut self, cells: &[String]) -> Result<(), WriteError> {
        match self {
            Self::Csv(csv) => {
                csv.row(cells);
                Ok(())
            }
            Self::Xlsx(book) => book.row(cells),
        }
    }

    fn finish(self, rows: u64) -> Result<Exported, WriteError> {
        Ok(match self {
            Self::Csv(mut csv) => {
                let bytes = csv.take();
                Exported { bytes, rows, losses: csv.losses, lost: csv.lost }
            }
            Self::Xlsx(book) => Exported { bytes: book.finish()?, rows, losses: Vec::new(), lost: 0 },
        })
    }
}

/// Field, heading in Japanese and English, what it holds, width.
type Heading = (&'static str, &'static str, &'static str, Kind, u16);

const CUSTOMER: [Heading; 21] = [
    ("code", "得意先コード", "Customer code", Kind::Text, 14),
    ("name", "得意先名", "Customer name", Kind::Text, 32),
    ("name_kana", "フリガナ", "Kana", Kind::Text, 28),
    ("kind", "法人個人", "Kind", Kind::Text, 10),
    ("corporate_number", "法人番号", "Corporate number", Kind::Text, 16),
    ("registration_number", "登録番号", "Registration number", Kind::Text, 17),
    ("postal_code", "郵便番号", "Postal code", Kind::Text, 11),
    ("address", "住所", "Address", Kind::Text, 44),
    ("phone", "電話番号", "Phone", Kind::Text, 16),
    ("mail", "メールアドレス", "E-mail", Kind::Text, 28),
    ("industry", "業種", "Industry", Kind::Text, 14),
    ("department", "担当部署", "Department", Kind::Text, 14),
    ("owner", "担当者", "Owner", Kind::Text, 14),
    ("closing_day", "締め日", "Closing day", Kind::Text, 10),
    ("payment_terms", "支払条件", "Payment terms", Kind::Text, 20),
    ("credit_limit", "与信限度額", "Credit limit", Kind::Amount, 14),
    ("price_class", "価格区分", "Price class", Kind::Text, 12),
    ("life_stage", "顧客区分", "Life-cycle stage", Kind::Text, 12),
    ("lead_source", "獲得元", "Lead source", Kind::Text, 18),
    ("lead_date", "獲得日", "Lead date", Kind::Date, 12),
    ("hub_id", "結び顧客ID (変更不可)", "Musubi customer ID (do not change)", Kind::Text, 34),
];

fn columns(headings: &[Heading], english: bool) -> Vec<Column> {
    headings
        .iter()
        .map(|(_, ja, en, kind, width)| Column::new(if english { *en } else { *ja }, *kind, *width))
        .collect()
}

/// Customers in the given order, at most [`MOST`].
pub async fn customers(
    db: &Db,
    view: &View,
    ids: &[String],
    format: Format,
    sheet: &str,
    english: bool,
) -> Result<Exported, ExportError> {
    let mut out = Out::new(format, sheet, columns(&CUSTOMER, english))?;
    let mut rows = 0;
    for batch in ids[..ids.len().min(MOST)].chunks(BATCH) {
        let mut found = export::customers(db, view, batch).await?;
        for row in batch.iter().filter_map(|id| found.remove(id)) {
            out.row(&cells(&row, view, english))?;
            rows += 1;
        }
    }
    Ok(out.finish(rows)?)
}

fn cells(row: &customer::Row, view: &View, english: bool) -> Vec<String> {
    let values = edit::values_of(row);
    let person = row.kind == "person";
    let value = |field: &str| match field {
        "hub_id" => row.id.clone(),
        "kind" if english => row.kind.clone(),
        "kind" => (if person { "個人" } else { "法人" }).to_owned(),
        field if view.hides_field(field, person) => String::new(),
        field => values.get(field).cloned().unwrap_or_default(),
    };
    CUSTOMER.iter().map(|(field, ..)| value(field)).collect()
}

/// Everything there is of a kind of record: for the command line.
pub async fn everything(db: &Db, what: export::What, format: Format, english: bool) -> Result<Exported, ExportError> {
    let headings: Vec<Heading> = what.columns().iter().map(|c| (c.0, c.1, c.2, kind_of(c.3), c.4)).collect();
    let mut out = Out::new(format, what.as_str(), columns(&headings, english))?;
    let (mut after, mut rows) = (String::new(), 0);
    loop {
        let page = export::page(db, what, &after, BATCH as i64).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.id);
        for row in &page {
            let currency: Option<Currency> = row.currency.as_deref().and_then(|c| c.parse().ok());
            let money = |text: &str| match (text.parse(), currency) {
                (Ok(minor), Some(currency)) => Money { minor, currency }.to_major(),
                _ => text.to_owned(),
            };
            let cells: Vec<String> = what
                .columns()
                .iter()
                .zip(row.cells())
                .map(|(column, cell)| if column.3 == 'm' { money(&cell) } else { cell })
                .collect();
            out.row(&cells)?;
            rows += 1;
        }
    }
    Ok(out.finish(rows)?)
}

/// `t` text, `d` day, `m` minor units, `n` number.
fn kind_of(letter: char) -> Kind {
    match letter {
        'd' => Kind::Date,
        'm' | 'n' => Kind::Amount,
        _ => Kind::Text,
    }
}
