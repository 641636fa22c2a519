//! Spreadsheets into the directory: what a file holds, what is wrong with it, what it would change, and the change.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use directory::import::{self, Import, ImportError, NumberReason, Options, Reason, Role};
use directory::{ImportId, NumberError, Plan, Target};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::desk::{Caller, Desk, Target as Named, blocking, now_ms};
use crate::extract::{Part, Query, Raw};
use crate::problem::Problem;
use crate::rooms;
use crate::text::Words;

/// What to do with the rows.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Wish {
    /// The list that the rows make; without it they only go into the directory.
    #[serde(default)]
    pub(crate) list: String,
    /// The rows are added to the list instead of replacing it.
    #[serde(default)]
    pub(crate) add: bool,
    #[serde(default)]
    pub(crate) dry_run: bool,
    #[serde(default)]
    pub(crate) domain: Option<String>,
    #[serde(default)]
    pub(crate) function: Option<String>,
    /// The sheet of a workbook.
    #[serde(default)]
    pub(crate) sheet: Option<String>,
    /// What each column holds, from the left, separated by commas: `key,name,,number`. Empty: not read. Default: guessed.
    #[serde(default)]
    pub(crate) columns: Option<String>,
    /// The line of the headers, from 1; 0: none.
    #[serde(default)]
    pub(crate) header_line: Option<usize>,
}

impl Wish {
    pub(crate) fn target(&self) -> Result<Target, Problem> {
        match (self.list.trim(), self.add) {
            ("", _) => Ok(Target::Directory),
            (list, true) => Ok(Target::AddToList(rooms::name(list, "list")?)),
            (list, false) => Ok(Target::List(rooms::name(list, "list")?)),
        }
    }

    /// The roles of the columns, if they are given.
    fn roles(&self) -> Result<Option<Vec<Option<Role>>>, Problem> {
        let role = |name: &str| match name.trim() {
            "" => Ok(None),
            name => serde_json::from_value(Value::from(name))
                .map(Some)
                .map_err(|_| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-column").with("name", name)),
        };
        let columns = self
            .columns
            .as_deref()
            .map(|columns| columns.split(',').take(256).map(role).collect());
        columns.transpose()
    }

    fn options(&self) -> Result<Options, Problem> {
        let given = |text: &Option<String>| {
            text.as_deref()
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        Ok(Options {
            domain: given(&self.domain),
            function: given(&self.function),
            sheet: given(&self.sheet),
            columns: self.roles()?,
            header_line: self.header_line,
            ..Options::default()
        })
    }
}

/// Reads a file; nothing is changed.
pub(crate) fn read(desk: &Desk, bytes: &[u8], file_name: &str, wish: &Wish) -> Result<Import, Problem> {
    let directory = desk.services.directory.snapshot();
    Ok(import::read(bytes, file_name, &wish.options()?, &directory)?)
}

/// `POST /imports?list=&add=&dry_run=`: the file is the body, its name the header `X-File-Name`.
pub(crate) async fn create(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
    Raw(bytes): Raw,
) -> Result<Response, Problem> {
    let file_name = headers
        .get("x-file-name")
        .map_or_else(String::new, |name| decoded(name.as_bytes()));
    let named = Named(file_name.clone());
    let asked = Arc::clone(&desk);
    let body = blocking(move || {
        let target = wish.target()?;
        let import = read(&asked, &bytes, &file_name, &wish)?;
        let kept_away = asked.services.directory.kept_away_lines(&import);
        let (plan, id, list) = if wish.dry_run {
            (asked.services.directory.plan(&import), None, None)
        } else {
            let applied = asked.services.directory.apply(&import, &target, now_ms())?;
            (applied.plan, Some(applied.id), applied.list)
        };
        Ok::<_, Problem>(described(
            &import,
            plan,
            &kept_away,
            id,
            list,
            asked.words(caller.language),
        ))
    })
    .await??;
    let mut response = axum::Json(body).into_response();
    response.extensions_mut().insert(named);
    Ok(response)
}

fn described(
    import: &Import,
    plan: Plan,
    kept_away: &[usize],
    id: Option<ImportId>,
    list: Option<directory::ListId>,
    words: Words<'_>,
) -> Value {
    let problems: Vec<Value> = import
        .problems
        .iter()
        .map(|problem| {
            json!({
                "line": problem.line,
                "last_line": problem.last_line,
                "column": problem.column,
                "value": problem.value,
                "reason": reason(words, &problem.reason),
                "code": code(&problem.reason),
                "rejected": problem.is_rejected,
            })
        })
        .collect();
    json!({
        "id": id,
        "list": list,
        "sheet": import.sheet,
        "columns": import.columns,
        "read": import.rows.len(),
        "rejected": import.rejected(),
        "created": plan.created,
        "updated": plan.updated,
        "unchanged": plan.unchanged,
        "kept_away": kept_away,
        "problems": problems,
    })
}

/// A header holds ASCII: other letters of a file's name come as `%C3%A9`.
pub(crate) fn decoded(name: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((first, tail)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| tail.get(..2)).flatten();
        let byte = escaped
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    let name = String::from_utf8_lossy(&bytes);
    name.rsplit(['/', '\\'])
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect()
}

/// Key of a reason in the catalogue, without its prefix.
pub(crate) fn code(reason: &Reason) -> &'static str {
    match reason {
        Reason::EmptyRow => "empty-row",
        Reason::AboveHeader => "above-header",
        Reason::Number(NumberReason(number)) => match number {
            NumberError::Empty => "number-empty",
            NumberError::Character(_) => "number-character",
            NumberError::Short => "number-short",
            NumberError::TooFewDigits(_) => "number-too-few",
            NumberError::TooManyDigits(_) => "number-too-many",
            NumberError::SpecialRate => "number-special-rate",
            NumberError::CountryCode => "number-country",
            NumberError::Shortened => "number-shortened",
        },
        Reason::TooManyNumbers => "too-many-numbers",
        Reason::Use => "use",
        Reason::UseWithoutNumber => "use-without-number",
        Reason::NoContact => "no-contact",
        Reason::NoName => "no-name",
        Reason::Duplicate { .. } => "duplicate",
        Reason::UnknownCommune => "unknown-commune",
        Reason::AmbiguousCommune => "ambiguous-commune",
        Reason::Email => "email",
        Reason::Language => "language",
        Reason::CellError => "cell-error",
        Reason::Formula => "formula",
        Reason::TooLong => "too-long",
        Reason::NoHeader => "no-header",
    }
}

/// The words for a reason.
pub(crate) fn reason(words: Words<'_>, reason: &Reason) -> String {
    let key = format!("reason-{}", code(reason));
    match reason {
        Reason::Duplicate { line } => words.with(&key, &[("line", (*line).into())]),
        _ => words.get(&key).into_owned(),
    }
}

/// `GET /imports`: those that can be undone.
pub(crate) async fn list(State(desk): State<Arc<Desk>>) -> Result<Response, Problem> {
    let shared = desk.services.directory.clone();
    let records = blocking(move || shared.imports()).await??;
    let shown: Vec<Value> = records
        .iter()
        .map(|record| {
            json!({
                "id": record.id, "file_name": record.file_name, "at_ms": record.at_ms, "created": record.created, "updated": record.updated,
            })
        })
        .collect();
    Ok(axum::Json(json!({ "imports": shown })).into_response())
}

/// `POST /imports/{id}/undo`.
pub(crate) async fn undo(State(desk): State<Arc<Desk>>, Part(id): Part<u64>) -> Result<Response, Problem> {
    let shared = desk.services.directory.clone();
    let undone = blocking(move || shared.undo(ImportId(id))).await??;
    Ok(axum::Json(undone).into_response())
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Problem {
        let refused = |code| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code);
        match error {
            ImportError::Empty => refused("file-empty"),
            ImportError::WrongType { .. } => Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "file-type"),
            ImportError::Protected => refused("file-protected"),
            ImportError::Damaged(reason) => refused("file-damaged").with("reason", reason),
            ImportError::TooLarge { .. } | ImportError::Bomb { .. } => {
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large")
            }
            ImportError::TooManyRows { limit } => refused("file-rows").with("most", limit.to_string()),
            ImportError::TooManyColumns { limit } => refused("file-columns").with("most", limit.to_string()),
            ImportError::NoSuchSheet { name, .. } => refused("file-sheet").with("sheet", name),
            ImportError::MissingColumns { headers } => refused("file-no-number").with("headers", headers.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_decoded_and_lose_their_folders() {
        for (name, expected) in [
            ("maires.xlsx", "maires.xlsx"),
            ("%C3%A9lus%20somme.ods", "élus somme.ods"),
            ("..%2F..%2Fetc%2Fpasswd", "passwd"),
            ("C:\\x\\y.csv", "y.csv"),
            ("100%.csv", "100%.csv"),
            ("%zz%", "%zz%"),
            ("a%0Ab", "ab"),
        ] {
            assert_eq!(decoded(name.as_bytes()), expected);
        }
    }
}
