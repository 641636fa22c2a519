//! OpenDocument spreadsheets (OASIS ODF 1.3 part 3, §9.1). Read here and not by a general reader, because repeated
//! rows and cells (`table:number-rows-repeated`) have to be bounded before they are unfolded, and merged cells known.

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};

use super::sheet::{Cell, Merge, Sheet};
use super::{ImportError, Limits};

/// Reads `content.xml`.
pub(crate) fn read(content: &[u8], limits: &Limits) -> Result<Vec<Sheet>, ImportError> {
    let mut xml = Reader::from_reader(content);
    xml.config_mut().expand_empty_elements = true;
    let mut state = State {
        limits,
        sheets: Vec::new(),
        merges: Vec::new(),
        row: 0,
        cells: Vec::new(),
        repeat: 1,
        next_column: 0,
        cell: None,
    };
    let mut depth_skipped = 0usize;
    loop {
        let event = xml.read_event().map_err(damaged)?;
        match event {
            Event::Eof => break,
            // Comments, and tables inside cells or charts, are not the sheet's text.
            Event::Start(start) if depth_skipped > 0 || is_foreign(start.name().as_ref(), &state) => {
                let _ = start;
                depth_skipped += 1;
            }
            Event::End(_) if depth_skipped > 0 => depth_skipped -= 1,
            _ if depth_skipped > 0 => {}
            Event::Start(start) => state.start(&start)?,
            Event::End(end) => state.end(end.name().as_ref())?,
            Event::Text(text) => state.text(&text.decode().map_err(damaged)?),
            Event::CData(text) => state.text(&text.decode().map_err(damaged)?),
            Event::GeneralRef(entity) => {
                let name = entity.decode().map_err(damaged)?;
                match entity.resolve_char_ref().map_err(damaged)? {
                    Some(character) => state.text(character.encode_utf8(&mut [0; 4])),
                    None => state.text(resolve_xml_entity(&name).unwrap_or_default()),
                }
            }
            _ => {}
        }
    }
    Ok(state.sheets)
}

fn is_foreign(name: &[u8], state: &State<'_>) -> bool {
    match name {
        b"office:annotation" | b"table:tracked-changes" | b"draw:frame" | b"table:shapes" | b"office:forms" => true,
        b"table:table" => state.cell.is_some(),
        _ => false,
    }
}

struct State<'a> {
    limits: &'a Limits,
    sheets: Vec<Sheet>,
    merges: Vec<Merge>,
    /// From 0.
    row: usize,
    /// Column and value of the cells of the present row that are not empty.
    cells: Vec<(usize, Cell)>,
    /// Times that the present row stands.
    repeat: usize,
    next_column: usize,
    cell: Option<Open>,
}

/// The cell being read.
struct Open {
    value: Option<Cell>,
    text: String,
    has_formula: bool,
    paragraphs: usize,
    repeat: usize,
    column: usize,
    spans: (usize, usize),
    is_covered: bool,
}

impl State<'_> {
    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), ImportError> {
        match start.name().as_ref() {
            b"table:table" => {
                self.sheets
                    .push(Sheet::new(attribute(start, b"table:name")?.unwrap_or_default()));
                self.row = 0;
            }
            b"table:table-row" => {
                self.repeat = count(start, b"table:number-rows-repeated")?;
                self.cells.clear();
                self.next_column = 0;
            }
            name @ (b"table:table-cell" | b"table:covered-table-cell") => {
                let kind = attribute(start, b"office:value-type")?.unwrap_or_default();
                let value = match kind.as_str() {
                    "float" | "currency" | "percentage" => attribute(start, b"office:value")?
                        .and_then(|value| value.parse().ok())
                        .filter(|value: &f64| value.is_finite())
                        .map(Cell::Number),
                    "string" => attribute(start, b"office:string-value")?.map(|text| Cell::text(&text)),
                    _ => None,
                };
                let open = Open {
                    value,
                    text: String::new(),
                    has_formula: attribute(start, b"table:formula")?.is_some(),
                    paragraphs: 0,
                    repeat: count(start, b"table:number-columns-repeated")?,
                    column: self.next_column,
                    spans: (
                        count(start, b"table:number-rows-spanned")?,
                        count(start, b"table:number-columns-spanned")?,
                    ),
                    is_covered: name == b"table:covered-table-cell",
                };
                self.cell = Some(open);
            }
            b"text:p" => {
                if let Some(cell) = &mut self.cell {
                    cell.paragraphs += 1;
                    if cell.paragraphs > 1 {
                        cell.text.push('\n');
                    }
                }
            }
            b"text:s" => {
                let spaces = count(start, b"text:c")?.min(100);
                (0..spaces).for_each(|_| self.text(" "));
            }
            b"text:tab" => self.text("\t"),
            b"text:line-break" => self.text("\n"),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &[u8]) -> Result<(), ImportError> {
        match name {
            b"table:table-cell" | b"table:covered-table-cell" => self.end_cell(),
            b"table:table-row" => self.end_row(),
            b"table:table" => {
                let merges = std::mem::take(&mut self.merges);
                if let Some(sheet) = self.sheets.last_mut() {
                    sheet.fill_down(&merges);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn text(&mut self, text: &str) {
        // Text stands in paragraphs; what stands between them is layout of the XML.
        if let Some(cell) = self.cell.as_mut().filter(|cell| cell.paragraphs > 0) {
            cell.text.push_str(text);
        }
    }

    fn end_cell(&mut self) -> Result<(), ImportError> {
        let Some(open) = self.cell.take() else { return Ok(()) };
        self.next_column = open.column.saturating_add(open.repeat);
        let is_error = open.has_formula && (open.text.starts_with('#') || open.text.starts_with("Err:"));
        let value = match open.value {
            _ if open.is_covered => Cell::Empty,
            _ if is_error => Cell::Error(open.text),
            Some(value) => value,
            None => Cell::text(&open.text),
        };
        let value = if value.is_empty() && open.has_formula {
            Cell::Formula
        } else {
            value
        };
        if value.is_empty() {
            return Ok(());
        }
        if self.next_column > self.limits.columns {
            return Err(ImportError::TooManyColumns {
                limit: self.limits.columns,
            });
        }
        if open.spans.0 > 1 && open.spans.0 <= 1 << 20 {
            let start = (self.row as u32, open.column as u32);
            self.merges.push(Merge {
                start,
                end: (start.0 + open.spans.0 as u32 - 1, start.1),
            });
        }
        self.cells
            .extend((open.column..self.next_column).map(|column| (column, value.clone())));
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), ImportError> {
        let repeat = std::mem::replace(&mut self.repeat, 1);
        if !self.cells.is_empty() {
            if repeat > self.limits.rows {
                return Err(ImportError::TooManyRows {
                    limit: self.limits.rows,
                });
            }
            let Some(sheet) = self.sheets.last_mut() else {
                return Ok(());
            };
            for row in self.row..self.row + repeat {
                for (column, value) in &self.cells {
                    sheet.put(row, *column, value.clone(), self.limits)?;
                }
            }
            self.cells.clear();
        }
        self.row = self.row.saturating_add(repeat).min(1 << 30);
        Ok(())
    }
}

fn attribute(start: &BytesStart<'_>, name: &[u8]) -> Result<Option<String>, ImportError> {
    let Some(attribute) = start.try_get_attribute(name).map_err(damaged)? else {
        return Ok(None);
    };
    let raw = std::str::from_utf8(&attribute.value).map_err(damaged)?;
    Ok(Some(quick_xml::escape::unescape(raw).map_err(damaged)?.into_owned()))
}

/// A repetition or span: 1 when not said or not a number.
fn count(start: &BytesStart<'_>, name: &[u8]) -> Result<usize, ImportError> {
    Ok(attribute(start, name)?
        .and_then(|value| value.parse().ok())
        .unwrap_or(1)
        .clamp(1, 1 << 30))
}

fn damaged(error: impl std::fmt::Display) -> ImportError {
    ImportError::Damaged(error.to_string())
}
