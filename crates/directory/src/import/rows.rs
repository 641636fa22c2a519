use std::collections::HashMap;

use super::columns::{Layout, Role, is_email};
use super::sheet::{Cell, Line, Sheet};
use super::uses::{self, Used};
use super::{Import, NumberReason, Options, Problem, Reason, Row, letter};
use crate::recipient::fold;
use crate::{CommuneError, E164, Gazetteer, MAX_NUMBERS, NumberError, PhoneNumber, Recipient};

/// Characters of a value that a problem shows.
const SHOWN: usize = 60;

/// Reads the rows below the headers.
pub(crate) fn read(sheet: &Sheet, layout: Layout, options: &Options, communes: &Gazetteer) -> Import {
    let Layout { header_line, columns } = layout;
    let mut import = Import {
        file_name: String::new(),
        sheet: sheet.name.clone(),
        other_sheets: Vec::new(),
        header_line,
        columns,
        rows: Vec::new(),
        problems: Vec::new(),
        total: sheet
            .rows
            .last()
            .map_or(0, |line| line.number.saturating_sub(header_line)),
    };
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut expected = header_line + 1;
    for line in &sheet.rows {
        if line.number < header_line {
            let value = line
                .cells
                .iter()
                .map(Cell::shown)
                .filter(|text| !text.is_empty())
                .collect::<Vec<_>>()
                .join(" ");
            import
                .problems
                .push(problem(line.number, String::new(), &value, Reason::AboveHeader, false));
        }
        if line.number <= header_line {
            continue;
        }
        if line.number > expected {
            let mut gap = problem(expected, String::new(), "", Reason::EmptyRow, true);
            gap.last_line = line.number - 1;
            import.problems.push(gap);
        }
        expected = line.number + 1;
        let mut reading = Reading {
            line,
            import: &mut import,
            found: Vec::new(),
            uses: Vec::new(),
            unread: Vec::new(),
        };
        match reading.recipient(options, communes) {
            Ok(recipient) => {
                let (mut found, uses, unread) = (reading.found, reading.uses, reading.unread);
                match seen.get(&recipient.key) {
                    Some(first) => {
                        let reason = Reason::Duplicate { line: *first };
                        found.push(problem(
                            line.number,
                            String::new(),
                            &recipient.full_name(),
                            reason,
                            true,
                        ));
                    }
                    None => {
                        seen.insert(recipient.key.clone(), line.number);
                        import.rows.push(Row {
                            line: line.number,
                            recipient,
                            uses,
                            unread,
                        });
                    }
                }
                import.problems.append(&mut found);
            }
            Err(reason) => {
                let mut found = reading.found;
                // The row is left out: whatever was found wrong in it says why.
                found.iter_mut().for_each(|problem| problem.is_rejected = true);
                if found.is_empty() || reason == Reason::NoName {
                    found.push(problem(line.number, String::new(), &shown(line), reason, true));
                }
                import.problems.append(&mut found);
            }
        }
    }
    import
}

fn problem(line: usize, column: String, value: &str, reason: Reason, is_rejected: bool) -> Problem {
    Problem {
        line,
        last_line: line,
        column,
        value: value.chars().take(SHOWN).collect(),
        reason,
        is_rejected,
    }
}

fn shown(line: &Line) -> String {
    line.cells
        .iter()
        .map(Cell::shown)
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join(" | ")
}

/// One row while it is read.
struct Reading<'a> {
    line: &'a Line,
    import: &'a mut Import,
    found: Vec<Problem>,
    /// Numbers whose use the row says.
    uses: Vec<E164>,
    unread: Vec<Role>,
}

impl<'a> Reading<'a> {
    fn recipient(&mut self, options: &Options, communes: &Gazetteer) -> Result<Recipient, Reason> {
        self.stray();
        let mut recipient = Recipient {
            name: self.text(Role::Name),
            first_name: self.text(Role::FirstName),
            function: self.text(Role::Function),
            domain: self.text(Role::Domain),
            groups: options.groups.clone(),
            ..Recipient::default()
        };
        if recipient.function.is_empty() {
            recipient.function = options.function.clone().unwrap_or_default();
        }
        if recipient.domain.is_empty() {
            recipient.domain = options.domain.clone().unwrap_or_default();
        }
        self.numbers(&mut recipient);
        self.email(&mut recipient);
        self.language(&mut recipient, options);
        self.groups(&mut recipient);
        self.commune(&mut recipient, communes);
        recipient.key = self.text(Role::Key);
        if recipient.numbers.is_empty() && recipient.email.is_none() {
            return Err(Reason::NoContact);
        }
        if recipient.name.is_empty() && recipient.first_name.is_empty() && recipient.function.is_empty() {
            return Err(Reason::NoName);
        }
        if recipient.key.is_empty() {
            recipient.key = derived_key(&recipient);
        }
        Ok(recipient)
    }

    /// A value under no header is not read, so it is listed. (Columns with a header and no role are known as unread.)
    fn stray(&mut self) {
        let columns = &self.import.columns;
        let has_place = |place: usize| {
            columns
                .get(place)
                .is_some_and(|column| column.role.is_some() || !column.header.is_empty())
        };
        let stray = self
            .line
            .cells
            .iter()
            .enumerate()
            .find(|(place, cell)| !cell.is_empty() && !has_place(*place));
        if let Some((place, cell)) = stray.filter(|_| self.import.header_line > 0) {
            self.found.push(problem(
                self.line.number,
                letter(place),
                &cell.shown(),
                Reason::NoHeader,
                false,
            ));
        }
    }

    /// Columns of this role with their cells in this row, from the left.
    fn cells(&self, role: Role) -> Vec<(usize, &'a Cell)> {
        let columns = self
            .import
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.role == Some(role));
        columns
            .filter_map(|(place, _)| Some((place, self.line.cells.get(place)?)))
            .filter(|(_, cell)| !cell.is_empty())
            .collect()
    }

    /// The text of the first cell of a role; what is no text is reported.
    fn text(&mut self, role: Role) -> String {
        for (place, cell) in self.cells(role) {
            if let Some(text) = self.readable(place, cell, role) {
                return text;
            }
        }
        String::new()
    }

    fn readable(&mut self, place: usize, cell: &Cell, role: Role) -> Option<String> {
        match cell {
            Cell::Error(_) => self.report(place, cell, Reason::CellError, role),
            Cell::Formula => self.report(place, cell, Reason::Formula, role),
            Cell::Cut(text) => {
                self.report(place, cell, Reason::TooLong, role);
                return Some(text.clone());
            }
            _ => return Some(cell.shown()),
        }
        None
    }

    fn report(&mut self, place: usize, cell: &Cell, reason: Reason, role: Role) {
        let header = &self.import.columns[place].header;
        let column = if header.is_empty() {
            letter(place)
        } else {
            format!("{} ({header})", letter(place))
        };
        self.found
            .push(problem(self.line.number, column, &cell.shown(), reason, false));
        if !self.unread.contains(&role) {
            self.unread.push(role);
        }
    }

    fn numbers(&mut self, recipient: &mut Recipient) {
        let uses = self.uses_by_column();
        for (place, cell) in self.cells(Role::Number) {
            let Some(text) = self.readable(place, cell, Role::Number) else {
                continue;
            };
            let used = uses.iter().find(|(column, _)| *column == place).map(|(_, used)| *used);
            for number in numbers_in(&text) {
                match number {
                    Ok(number) if recipient.has_number(number) => {}
                    Ok(_) if recipient.numbers.len() == MAX_NUMBERS => {
                        self.report(place, cell, Reason::TooManyNumbers, Role::Number);
                    }
                    Ok(e164) => {
                        let mut number = PhoneNumber::new(e164);
                        if let Some(used) = used {
                            (number.voice, number.sms) = (used.voice, used.sms);
                            self.uses.push(e164);
                        }
                        recipient.numbers.push(number);
                    }
                    Err(error) => self.report(place, cell, Reason::Number(NumberReason(error)), Role::Number),
                }
            }
        }
    }

    /// What the row says of the uses, with the place of the numbers' column.
    fn uses_by_column(&mut self) -> Vec<(usize, Used)> {
        let mut uses = Vec::new();
        for (place, cell) in self.cells(Role::Use) {
            let Some(text) = self.readable(place, cell, Role::Use) else {
                continue;
            };
            let numbers = uses::numbers_of(place, &self.import.columns);
            let is_beside_one = numbers
                .and_then(|numbers| self.line.cells.get(numbers))
                .is_some_and(|cell| !cell.is_empty());
            match (Used::parse(&text), numbers) {
                (Some(used), Some(numbers)) if is_beside_one => uses.push((numbers, used)),
                (Some(_), _) => self.report(place, cell, Reason::UseWithoutNumber, Role::Use),
                (None, _) => self.report(place, cell, Reason::Use, Role::Use),
            }
        }
        uses
    }

    fn email(&mut self, recipient: &mut Recipient) {
        for (place, cell) in self.cells(Role::Email) {
            let Some(text) = self.readable(place, cell, Role::Email) else {
                continue;
            };
            let address = text.strip_prefix("mailto:").unwrap_or(&text);
            match is_email(address) {
                true => recipient.email = Some(address.to_owned()),
                false => self.report(place, cell, Reason::Email, Role::Email),
            }
        }
    }

    fn language(&mut self, recipient: &mut Recipient, options: &Options) {
        recipient.language = options.language.unwrap_or_default();
        for (place, cell) in self.cells(Role::Language) {
            let Some(text) = self.readable(place, cell, Role::Language) else {
                continue;
            };
            let code = match fold(&text).as_str() {
                "francais" | "french" => "fr",
                "anglais" | "english" => "en",
                "allemand" | "german" => "de",
                "neerlandais" | "dutch" => "nl",
                "espagnol" | "spanish" => "es",
                "portugais" | "portuguese" => "pt",
                "arabe" | "arabic" => "ar",
                _ => &text,
            };
            match code.parse() {
                Ok(language) => recipient.language = language,
                Err(_) => self.report(place, cell, Reason::Language, Role::Language),
            }
        }
    }

    fn groups(&mut self, recipient: &mut Recipient) {
        for (place, cell) in self.cells(Role::Group) {
            let Some(text) = self.readable(place, cell, Role::Group) else {
                continue;
            };
            for group in text
                .split([',', ';', '/', '|', '\n'])
                .map(str::trim)
                .filter(|group| !group.is_empty())
            {
                if !recipient.groups.iter().any(|other| fold(other) == fold(group)) {
                    recipient.groups.push(group.to_owned());
                }
            }
        }
    }

    /// The INSEE code counts first, then the name, told from others of the same name by the postal code.
    fn commune(&mut self, recipient: &mut Recipient, communes: &Gazetteer) {
        let postal = self.text(Role::PostalCode);
        let mut unknown = None;
        for role in [Role::Insee, Role::Commune] {
            for (place, cell) in self.cells(role) {
                let Some(text) = self.readable(place, cell, role) else {
                    continue;
                };
                let found = match role {
                    Role::Insee => text
                        .parse()
                        .ok()
                        .and_then(|code| communes.get(code))
                        .ok_or(CommuneError::Unknown),
                    _ => match communes.find(&text) {
                        Err(CommuneError::Ambiguous) if !postal.is_empty() => {
                            communes.find(&format!("{text} {postal}"))
                        }
                        found => found,
                    },
                };
                match found {
                    Ok(commune) => {
                        recipient.commune = Some(commune.insee);
                        return;
                    }
                    Err(error) => unknown = unknown.or(Some((place, cell, role, error))),
                }
            }
        }
        if let Some((place, cell, role, error)) = unknown {
            let ambiguous = error == CommuneError::Ambiguous;
            let reason = if ambiguous {
                Reason::AmbiguousCommune
            } else {
                Reason::UnknownCommune
            };
            self.report(place, cell, reason, role);
        }
    }
}

/// The numbers of a cell: one, or several separated by `/`, `;`, `,`, a line end, `ou`, `et` where each part is one.
fn numbers_in(text: &str) -> Vec<Result<E164, NumberError>> {
    let whole = match E164::parse(text) {
        Ok(number) => return vec![Ok(number)],
        Err(NumberError::Empty) => return Vec::new(),
        Err(error) => error,
    };
    let parts = text.replace(" ou ", "/").replace(" et ", "/").replace(" or ", "/");
    let parts: Vec<_> = parts
        .split(['/', ';', ',', '\n', '|'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(E164::parse)
        .collect();
    if parts.len() > 1 && parts.iter().any(Result::is_ok) {
        parts
    } else {
        vec![Err(whole)]
    }
}

/// The key of somebody for whom the file gives none: who and where they are, and as what.
fn derived_key(recipient: &Recipient) -> String {
    let commune = recipient.commune.map(|insee| insee.to_string()).unwrap_or_default();
    let Recipient {
        name,
        first_name,
        function,
        ..
    } = recipient;
    let mut key = format!("~{}|{}|{commune}|{}", fold(name), fold(first_name), fold(function));
    // Nobody to tell apart by name, nor by place: the number is all there is.
    if name.is_empty() && first_name.is_empty() && commune.is_empty() {
        let contact = recipient
            .numbers
            .first()
            .map(|number| number.e164.digits())
            .or_else(|| recipient.email.clone());
        key = format!("{key}|{}", contact.unwrap_or_default());
    }
    key
}
