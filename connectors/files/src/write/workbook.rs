//! XLSX that opens clean in Japanese Excel: text as text, days as days, amounts as numbers, headings that stay.

use rust_xlsxwriter::{ExcelDateTime, Format, FormatAlign, XlsxError};

use super::{Column, Kind};

/// Why a workbook cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the workbook cannot be written")]
pub struct WriteError(#[from] XlsxError);

/// A workbook with one table. Rows go to a temporary file as they come.
pub struct Workbook {
    book: rust_xlsxwriter::Workbook,
    columns: Vec<Column>,
    formats: [Format; 3],
    row: u32,
}

impl Workbook {
    /// # Errors
    /// The sheet's name is none, or there is no place for temporary files.
    pub fn new(sheet: &str, columns: Vec<Column>) -> Result<Self, WriteError> {
        let font = |format: Format| format.set_font_name("游ゴシック").set_font_size(11);
        let formats = [
            font(Format::new().set_num_format("@")),
            font(Format::new().set_num_format("yyyy/mm/dd")),
            font(Format::new().set_num_format("#,##0.##;[Red]-#,##0.##")),
        ];
        let mut book = rust_xlsxwriter::Workbook::new();
        let page = book.add_worksheet_with_constant_memory()?;
        page.set_name(sheet)?;
        page.set_freeze_panes(1, 0)?;
        for (index, column) in (0..).zip(&columns) {
            page.set_column_width(index, f64::from(column.width))?;
            page.set_column_format(index, &formats[column.kind as usize])?;
        }
        let head =
            font(Format::new().set_bold().set_background_color("#EEF1F4").set_align(FormatAlign::VerticalCenter));
        for (index, column) in (0..).zip(&columns) {
            page.write_string_with_format(0, index, column.title.as_str(), &head)?;
        }
        Ok(Self { book, columns, formats, row: 0 })
    }

    /// One text a column; empty cells are left out.
    ///
    /// # Errors
    /// There are more rows than a sheet has.
    pub fn row(&mut self, cells: &[String]) -> Result<(), WriteError> {
        self.row += 1;
        let page = self.book.worksheet_from_index(0)?;
        for ((index, cell), column) in (0u16..).zip(cells).zip(&self.columns) {
            let format = &self.formats[column.kind as usize];
            let cell: String = cell.chars().take(32_767).collect();
            match column.kind {
                _ if cell.is_empty() => {}
                Kind::Amount if cell.parse::<f64>().is_ok_and(f64::is_finite) => {
                    page.write_number_with_format(self.row, index, cell.parse::<f64>().unwrap_or_default(), format)?;
                }
                Kind::Date if ExcelDateTime::parse_from_str(&cell).is_ok() => {
                    page.write_datetime_with_format(self.row, index, ExcelDateTime::parse_from_str(&cell)?, format)?;
                }
                _ => {
                    page.write_string_with_format(self.row, index, cell, &self.formats[Kind::Text as usize])?;
                }
            }
        }
        Ok(())
    }

    /// The whole file.
    ///
    /// # Errors
    /// Temporary files cannot be read back.
    pub fn finish(mut self) -> Result<Vec<u8>, WriteError> {
        if let Ok(last) = u16::try_from(self.columns.len().saturating_sub(1)) {
            self.book.worksheet_from_index(0)?.autofilter(0, 0, self.row.max(1), last)?;
        }
        Ok(self.book.save_to_buffer()?)
    }
}
