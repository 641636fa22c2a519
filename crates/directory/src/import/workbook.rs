use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{Data, DataRef, Dimensions, Reader, Xls, XlsError, Xlsx, XlsxError};

use super::sheet::{Cell, Merge, Sheet};
use super::{ImportError, Limits};

/// Reads an `.xlsx` workbook cell by cell: a sheet whose only cells are A1 and XFD1048576 costs two cells.
pub(crate) fn xlsx(bytes: &[u8], limits: &Limits) -> Result<Vec<Sheet>, ImportError> {
    guarded(|| {
        let mut book = Xlsx::new(Cursor::new(bytes)).map_err(xlsx_error)?;
        let mut sheets = Vec::new();
        for name in book.sheet_names() {
            let mut sheet = Sheet::new(&name);
            // A chart or macro sheet has no cells to read.
            if let Ok(mut cells) = book.worksheet_cells_reader(&name) {
                while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(xlsx_error)? {
                    let (row, column) = (cell.pos.0 as usize, cell.pos.1 as usize);
                    let value = match cell.value {
                        DataRef::SharedString(text) => Cell::text(text),
                        other => from_data(other.into()),
                    };
                    let value = if cell.formula.is_some() && value.is_empty() {
                        Cell::Formula
                    } else {
                        value
                    };
                    sheet.put(row, column, value, limits)?;
                }
            }
            if let Ok(merges) = book.merge_cells_by_sheet_name(&name) {
                sheet.fill_down(&merges_of(&merges));
            }
            sheets.push(sheet);
        }
        Ok(sheets)
    })
}

/// Reads an `.xls` workbook. Its format bounds a sheet to 65,536 rows of 256 columns.
pub(crate) fn xls(bytes: &[u8], limits: &Limits) -> Result<Vec<Sheet>, ImportError> {
    guarded(|| {
        let mut book = Xls::new(Cursor::new(bytes)).map_err(xls_error)?;
        let mut sheets = Vec::new();
        for name in book.sheet_names() {
            let mut sheet = Sheet::new(&name);
            if let Ok(range) = book.worksheet_range(&name) {
                let (top, left) = range.start().unwrap_or_default();
                for (row, column, value) in range.used_cells() {
                    let value = from_data(value.clone());
                    sheet.put(row + top as usize, column + left as usize, value, limits)?;
                }
            }
            if let Ok(merges) = book.merge_cells_by_sheet_name(&name) {
                sheet.fill_down(&merges_of(&merges));
            }
            sheets.push(sheet);
        }
        Ok(sheets)
    })
}

/// A hostile workbook may find a panic in the reader of formats; it must not take the service with it.
fn guarded<T>(read: impl FnOnce() -> Result<T, ImportError>) -> Result<T, ImportError> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(ImportError::Damaged("its structure makes no sense".into())))
}

fn from_data(data: Data) -> Cell {
    match data {
        Data::Empty => Cell::Empty,
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => Cell::text(&text),
        Data::Int(number) => Cell::Number(number as f64),
        Data::Float(number) => Cell::Number(number),
        Data::Bool(value) => Cell::Text(if value { "VRAI" } else { "FAUX" }.into()),
        Data::DateTime(value) => Cell::Text(format!("date {}", value.as_f64())),
        Data::Error(error) => Cell::Error(error.to_string()),
    }
}

fn merges_of(dimensions: &[Dimensions]) -> Vec<Merge> {
    dimensions
        .iter()
        .map(|area| Merge {
            start: area.start,
            end: area.end,
        })
        .collect()
}

fn xlsx_error(error: XlsxError) -> ImportError {
    match error {
        XlsxError::Password => ImportError::Protected,
        other => ImportError::Damaged(other.to_string()),
    }
}

fn xls_error(error: XlsError) -> ImportError {
    match error {
        XlsError::Password => ImportError::Protected,
        other => ImportError::Damaged(other.to_string()),
    }
}
