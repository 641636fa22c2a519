use serde::{Deserialize, Serialize};

use super::sheet::{Cell, Line, Sheet};
use super::{Column, ImportError, Options, uses};
use crate::E164;
use crate::recipient::fold;

/// What a column of a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Key of the row in the operator's files.
    Key,
    /// Family name or name of a service.
    Name,
    /// First name.
    FirstName,
    /// Function.
    Function,
    /// Domain.
    Domain,
    /// Name of the commune, or its INSEE code.
    Commune,
    /// INSEE code.
    Insee,
    /// Postal code: tells communes of one name apart.
    PostalCode,
    /// A telephone number; several columns may hold one, in the order of calling.
    Number,
    /// What a number is used for, voice or SMS or both; one column for each column of numbers.
    Use,
    /// E-mail address.
    Email,
    /// Language.
    Language,
    /// Groups, separated by `,`, `;`, `/` or `|`; several columns may hold some.
    Group,
}

impl Role {
    /// True for roles of which several columns add up.
    fn adds_up(self) -> bool {
        matches!(self, Role::Number | Role::Use | Role::Group)
    }
}

/// What was made of a sheet's head.
pub(crate) struct Layout {
    /// From 1; 0: none.
    pub(crate) header_line: usize,
    pub(crate) columns: Vec<Column>,
}

/// Rows from the top among which headers are looked for: titles and dates may stand above.
const HEAD: usize = 20;

/// The row that looks most like headers, as its place among the rows, with at least two headers recognised, or one
/// where it is a number's or an e-mail's.
pub(crate) fn header_of(sheet: &Sheet) -> Option<usize> {
    let score = |line: &Line| -> usize {
        let roles: Vec<Role> = line.cells.iter().filter_map(header_role).collect();
        let contact = roles.iter().any(|role| matches!(role, Role::Number | Role::Email));
        if roles.len() >= 2 || contact { roles.len() } else { 0 }
    };
    let best = sheet
        .rows
        .iter()
        .take(HEAD)
        .map(score)
        .enumerate()
        .rev()
        .max_by_key(|(_, score)| *score)?;
    (best.1 > 0).then_some(best.0)
}

/// Finds the headers and what each column holds, as far as the options do not say.
pub(crate) fn layout(sheet: &Sheet, options: &Options) -> Result<Layout, ImportError> {
    let place = match options.header_line {
        Some(0) => None,
        Some(line) => sheet.rows.iter().position(|row| row.number == line),
        None => header_of(sheet),
    };
    let headers: &[Cell] = place.map_or(&[], |place| &sheet.rows[place].cells);
    let body = &sheet.rows[place.map_or(0, |place| place + 1)..];
    let width = body
        .iter()
        .take(1000)
        .map(|line| line.cells.len())
        .max()
        .unwrap_or(0)
        .max(headers.len());
    let mut columns: Vec<Column> = (0..width)
        .map(|column| Column {
            header: headers.get(column).map(Cell::shown).unwrap_or_default(),
            role: None,
        })
        .collect();
    match &options.columns {
        Some(roles) => columns
            .iter_mut()
            .zip(roles)
            .for_each(|(column, role)| column.role = *role),
        None => guess(&mut columns, headers, body),
    }
    if !columns
        .iter()
        .any(|column| matches!(column.role, Some(Role::Number | Role::Email)))
    {
        let headers = columns
            .into_iter()
            .map(|column| column.header)
            .filter(|header| !header.is_empty())
            .collect();
        return Err(ImportError::MissingColumns { headers });
    }
    Ok(Layout {
        header_line: place.map_or(0, |place| sheet.rows[place].number),
        columns,
    })
}

fn guess(columns: &mut [Column], headers: &[Cell], body: &[Line]) {
    for place in 0..columns.len() {
        let role = headers
            .get(place)
            .and_then(header_role)
            .or_else(|| content_role(place, body));
        let taken = role.is_some_and(|role| !role.adds_up() && columns.iter().any(|column| column.role == Some(role)));
        columns[place].role = role.filter(|_| !taken);
    }
}

/// A column without a telling header whose cells mostly are telephone numbers or e-mail addresses.
fn content_role(place: usize, body: &[Line]) -> Option<Role> {
    let cells: Vec<String> = body
        .iter()
        .take(200)
        .filter_map(|line| line.cells.get(place))
        .filter(|cell| !cell.is_empty())
        .map(Cell::shown)
        .collect();
    let most = |test: fn(&String) -> bool| {
        !cells.is_empty() && cells.iter().filter(|cell| test(cell)).count() * 5 >= cells.len() * 4
    };
    if most(|cell| E164::parse(cell).is_ok()) {
        Some(Role::Number)
    } else if most(|cell| is_email(cell)) {
        Some(Role::Email)
    } else {
        None
    }
}

/// Good enough to tell an address from a name; what does not exist is for the mail server to say.
/// Whether a text looks like an e-mail address.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let plain =
        |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | '"' | '@');
    !local.is_empty()
        && text.len() <= crate::MAX_EMAIL
        && text.chars().filter(|c| *c != '@').all(plain)
        && !local.contains('@')
        && domain.contains('.')
        && domain
            .split('.')
            .all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-'))
}

/// What a header suggests, in French or English.
fn header_role(header: &Cell) -> Option<Role> {
    let Cell::Text(header) = header else { return None };
    if header.chars().count() > 60 || E164::parse(header).is_ok() || is_email(header) {
        return None;
    }
    let folded = fold(header);
    let words: Vec<&str> = folded.split(' ').collect();
    let any = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
    let starts = |wanted: &[&str]| {
        words
            .iter()
            .any(|word| wanted.iter().any(|start| word.starts_with(start)))
    };
    let whole = |wanted: &[&str]| wanted.contains(&folded.as_str());
    Some(if any(&["insee"]) || whole(&["code commune", "codgeo", "com"]) {
        Role::Insee
    } else if any(&["postal", "cp", "postcode", "zip"]) {
        Role::PostalCode
    } else if starts(&["mail", "email", "courriel", "mel", "messagerie"]) || folded.contains("e mail") {
        Role::Email
    } else if uses::is_header(&words) {
        Role::Use
    } else if starts(&[
        "tel",
        "phone",
        "mobile",
        "portable",
        "fixe",
        "gsm",
        "cellulaire",
        "astreinte",
    ]) || (starts(&["numero", "number", "num"])
        && (words.len() > 1 || folded.starts_with("num"))
        && !any(&["ordre", "rue", "insee", "siren", "siret", "id"]))
    {
        Role::Number
    } else if starts(&["prenom"]) && !any(&["nom"]) || whole(&["first name", "firstname", "given name", "forename"]) {
        Role::FirstName
    } else if any(&[
        "fonction",
        "fonctions",
        "function",
        "qualite",
        "role",
        "poste",
        "mandat",
        "position",
    ]) || whole(&["job title"])
    {
        Role::Function
    } else if any(&["domaine", "domain", "categorie", "category", "secteur", "sector"]) {
        Role::Domain
    } else if any(&["commune", "ville", "city", "town", "collectivite", "municipality"]) {
        Role::Commune
    } else if any(&["langue", "language", "lang"]) {
        Role::Language
    } else if any(&["groupe", "groupes", "group", "groups", "liste", "listes"]) {
        Role::Group
    } else if any(&[
        "nom",
        "name",
        "surname",
        "noms",
        "etablissement",
        "organisme",
        "service",
    ]) || folded.contains("raison sociale")
    {
        Role::Name
    } else if any(&[
        "identifiant",
        "id",
        "key",
        "cle",
        "matricule",
        "reference",
        "ref",
        "identifier",
    ]) || whole(&["code"])
    {
        Role::Key
    } else {
        return None;
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_understood_in_french_and_english() {
        let cases = [
            ("Nom", Some(Role::Name)),
            ("NOM DU MAIRE", Some(Role::Name)),
            ("Nom et prénom", Some(Role::Name)),
            ("Prénom", Some(Role::FirstName)),
            ("First name", Some(Role::FirstName)),
            ("Last Name", Some(Role::Name)),
            ("Fonction", Some(Role::Function)),
            ("Nom de la commune", Some(Role::Commune)),
            ("Ville", Some(Role::Commune)),
            ("Code INSEE", Some(Role::Insee)),
            ("Code postal", Some(Role::PostalCode)),
            ("CP", Some(Role::PostalCode)),
            ("Tél. 1", Some(Role::Number)),
            ("Téléphone portable", Some(Role::Number)),
            ("Mobile", Some(Role::Number)),
            ("N° de téléphone", Some(Role::Number)),
            ("Numéro d'urgence 2", Some(Role::Number)),
            ("Phone number", Some(Role::Number)),
            ("Usage 1", Some(Role::Use)),
            ("Usage du téléphone 2", Some(Role::Use)),
            ("Numéro 3 (usage)", Some(Role::Use)),
            ("Utilisation", Some(Role::Use)),
            ("Voix/SMS", Some(Role::Use)),
            ("Number 1 use", Some(Role::Use)),
            ("Nom d'usage", Some(Role::Name)),
            ("Prénom usuel", Some(Role::FirstName)),
            ("Numéro SMS", Some(Role::Number)),
            ("E-mail", Some(Role::Email)),
            ("Adresse mél", Some(Role::Email)),
            ("Courriel", Some(Role::Email)),
            ("Langue", Some(Role::Language)),
            ("Groupes", Some(Role::Group)),
            ("Domaine", Some(Role::Domain)),
            ("Identifiant", Some(Role::Key)),
            ("ID", Some(Role::Key)),
            ("Observations", None),
            ("01 99 00 12 34", None),
            ("Numéro SIREN", None),
        ];
        for (header, expected) in cases {
            assert_eq!(header_role(&Cell::Text(header.into())), expected, "{header}");
        }
    }

    #[test]
    fn addresses_are_told_from_other_texts() {
        for (text, expected) in [
            ("maire@somme.example", true),
            ("a.b+c@d-e.example.org", true),
            ("maire@somme", false),
            ("maire somme@example.org", false),
            ("@example.org", false),
            ("a@b@example.org", false),
            ("Jean <jean@example.org>", false),
            ("a@.org", false),
        ] {
            assert_eq!(is_email(text), expected, "{text}");
        }
    }
}
