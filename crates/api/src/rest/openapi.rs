//! The interface described for programs (OpenAPI 3.1), made from the very table that guards it.

use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::access::{Need, RULES, Rule};

/// What each route is for, its query parameters, and an example of its body.
type Note = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static str,
);

#[rustfmt::skip]
const NOTES: &[Note] = &[
    ("POST", "/login", "Opens a session", &[], r#"{"user":"admin","password":"…"}"#),
    ("POST", "/logout", "Ends the session", &[], ""),
    ("GET", "/me", "The user of the session and its rights", &[], ""),
    ("PUT", "/me/password", "Changes the own password", &[], r#"{"current":"…","new":"…"}"#),
    ("POST", "/imports", "Imports a spreadsheet: the body is the file, the header X-File-Name its name (percent-encoded)", &["list", "add", "dry_run", "domain", "function", "sheet", "columns", "header_line"], ""),
    ("GET", "/imports", "Imports that can be taken back", &[], ""),
    ("POST", "/imports/{id}/undo", "Takes an import back", &[], ""),
    ("GET", "/recipients", "Recipients, searched and paged", &["search", "list", "offset", "limit"], ""),
    ("POST", "/recipients", "Adds a recipient; again=true lets somebody back who was erased at their own wish", &["again"], r#"{"key":"80021-maire","name":"Martin","first_name":"Jeanne","function":"Maire","domain":"Élus","commune":"80021","numbers":[{"e164":"+33199001234","kind":"landline","voice":true,"sms":false}]}"#),
    ("PUT", "/recipients/{id}", "Changes a recipient; the revision must be the one that was read", &[], r#"{"revision":1,"name":"Martin"}"#),
    ("DELETE", "/recipients/{id}", "Removes a recipient; undoing the import that last changed them brings them back", &[], ""),
    ("GET", "/recipients/{id}", "A recipient", &[], ""),
    ("GET", "/recipients/{id}/data/{form}", "All that is known of a person, campaigns and calls included: json, pdf or xlsx", &[], ""),
    ("POST", "/recipients/{id}/erase", "Erases a person for good; later files do not bring them back unless keep_away=false", &["keep_away"], ""),
    ("POST", "/recipients/{id}/merge", "Merges others into this recipient", &[], r#"{"others":[12,57]}"#),
    ("POST", "/recipients/{id}/link", "A personal link, good for 30 days: the person sees their data, subscribes and unsubscribes without an account", &[], ""),
    ("GET", "/duplicates", "Recipients that share a number, or a name and commune", &["offset", "limit"], ""),
    ("GET", "/extracts", "Extracts that refresh the directory by themselves, and how the last refresh went", &[], ""),
    ("POST", "/extracts/{name}/refresh", "Refreshes an extract now", &[], ""),
    ("GET", "/lists", "Lists and their sizes", &[], ""),
    ("POST", "/lists", "Adds a list: fixed members, or a selection that stays live", &[], r#"{"name":"Maires","content":{"live":{"field":{"field":"function","test":{"is":"Maire"}}}}}"#),
    ("PUT", "/lists/{id}", "Changes a list", &[], r#"{"name":"Maires","content":{"static":[1,2]}}"#),
    ("DELETE", "/lists/{id}", "Deletes a list; its members stay", &[], ""),
    ("GET", "/lists/{id}/export", "The members of a list as a spreadsheet", &["format"], ""),
    ("GET", "/communes", "Communes", &[], ""),
    ("POST", "/selections/preview", "How many a list or selection chooses, and the first of them", &[], r#"{"selection":{"zone":{"arrondissement":"Abbeville"}}}"#),
    ("GET", "/messages", "The message library", &[], ""),
    ("POST", "/messages", "Adds a message", &[], r#"{"title":"Crue","text":"Ceci est une alerte.","language":"fr"}"#),
    ("GET", "/messages/{id}", "A message", &["version"], ""),
    ("PUT", "/messages/{id}", "Saves a new version of a message", &[], r#"{"title":"Crue","text":"Ceci est une alerte."}"#),
    ("GET", "/messages/{id}/audio", "A message as it is spoken (WAV)", &["version", "language"], ""),
    ("POST", "/speech", "A text as it would be spoken (WAV)", &[], r#"{"text":"Bonjour","language":"fr"}"#),
    ("GET", "/live", "Campaigns, trunks and journal at a glance", &[], ""),
    ("GET", "/calls", "Calls in progress and how far they are", &["campaign", "limit"], ""),
    ("GET", "/calls/events", "The same as server-sent events named “calls”", &["campaign", "limit"], ""),
    ("GET", "/campaigns", "Campaigns, newest first", &[], ""),
    ("POST", "/campaigns", "Makes a campaign (dry_run: only predicts; launch: starts it at once; lists are reached together, waves one after the other as policy.escalation says)", &[], r#"{"name":"Crue","message":1,"lists":["Maires","Adjoints"],"preset":"immediate","policy":{"tries_per_number":3},"service":"SIDPC","launch":false,"dry_run":false}"#),
    ("GET", "/campaigns/{id}", "The live view of a campaign, with its message", &[], ""),
    ("GET", "/campaigns/{id}/events", "The live view as server-sent events named “view”", &[], ""),
    ("GET", "/campaigns/{id}/prediction", "Time to reach 50, 90 and 99 % of those who will be reached (from the launch, in seconds) and cost: before the launch and while it runs", &[], ""),
    ("GET", "/campaigns/{id}/results", "What became of each recipient and of each of their numbers", &["offset", "limit"], ""),
    ("POST", "/campaigns/{id}/launch", "Launches", &[], ""),
    ("POST", "/campaigns/{id}/pause", "Pauses: no new calls", &[], ""),
    ("POST", "/campaigns/{id}/resume", "Resumes", &[], ""),
    ("POST", "/campaigns/{id}/stop", "Stops for good", &["hang_up"], ""),
    ("POST", "/campaigns/{id}/retry", "Calls again those who have not confirmed", &[], ""),
    ("POST", "/campaigns/{id}/extend", "Adds recipients", &[], r#"{"list":"Maires"}"#),
    ("PUT", "/campaigns/{id}/message", "Changes the message that is being broadcast", &[], r#"{"message":{"text":"Le niveau monte."},"in_progress":true,"recall_confirmed":false}"#),
    ("GET", "/campaigns/{id}/report.xlsx", "Report as a workbook", &[], ""),
    ("GET", "/campaigns/{id}/report.pdf", "Report as PDF", &[], ""),
    ("GET", "/campaigns/{id}/report.csv", "Report as CSV", &["table"], ""),
    ("GET", "/campaigns/{id}/report.json", "Report as JSON", &[], ""),
    ("GET", "/metering", "What calls cost: sums by month, service and campaign, and by trunk and tariff; the days are included", &["from", "to"], ""),
    ("GET", "/metering.csv", "The same as CSV: table is services, campaigns, lines or attempts", &["from", "to", "table"], ""),
    ("GET", "/metering.xlsx", "The same as a workbook, attempts included", &["from", "to"], ""),
    ("GET", "/statements", "Service reports that made themselves at the end of a period", &[], ""),
    ("GET", "/statements/kept/{file}", "One of these reports, as it was made", &[], ""),
    ("GET", "/statements/{file}", "Service report or capacity statement of a period: service or capacity with .json, .csv, .xlsx or .pdf; a period is 2026, 2026-Q4, 2026-11, 2026-W48, 2026-11-25 or 2026-11-01..2026-11-15", &["period", "which", "table"], ""),
    ("GET", "/users", "Users", &[], ""),
    ("POST", "/users", "Adds a user", &[], r#"{"login":"lea","name":"Léa","groups":["Annuaire"],"password":"…"}"#),
    ("PUT", "/users/{login}", "Changes a user", &[], r#"{"name":"Léa","groups":["Annuaire"],"disabled":false}"#),
    ("DELETE", "/users/{login}", "Deletes a user", &[], ""),
    ("PUT", "/users/{login}/telephone", "Gives a user the codes with which campaigns are launched by telephone: digits", &[], r#"{"code":"80","pin":"…"}"#),
    ("DELETE", "/users/{login}/telephone", "Takes a user's telephone codes away", &[], ""),
    ("GET", "/groups", "Groups and their rights", &[], ""),
    ("PUT", "/groups/{name}", "Adds a group or changes its rights", &[], r#"{"rights":["launch","statistics"]}"#),
    ("DELETE", "/groups/{name}", "Deletes a group without members", &[], ""),
    ("GET", "/audit", "Operations, newest first", &["before", "limit", "user", "operation", "target"], ""),
    ("GET", "/openapi.json", "This document", &[], ""),
];

/// `GET /openapi.json`.
pub(crate) async fn document() -> Response {
    axum::Json(whole()).into_response()
}

fn whole() -> Value {
    let mut paths = Map::new();
    for rule in RULES {
        let Some(path) = rule.route.strip_prefix("/api/v1") else {
            continue;
        };
        let operations = paths.entry(path.to_owned()).or_insert_with(|| json!({}));
        operations[rule.method.to_lowercase()] = operation(rule, path);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "tocsin", "version": env!("CARGO_PKG_VERSION") },
        "servers": [{ "url": "/api/v1" }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "responses": {
                "Refused": {
                    "description": "The request was refused; the code is for programs, the message for people",
                    "content": { "application/json": { "schema": {
                        "type": "object",
                        "required": ["error", "message"],
                        "properties": { "error": { "type": "string" }, "message": { "type": "string" } },
                    } } },
                },
            },
        },
    })
}

fn operation(rule: &Rule, path: &str) -> Value {
    let note = NOTES.iter().find(|note| note.0 == rule.method && note.1 == path);
    let (summary, query, example) = note.map_or(("", &[][..], ""), |note| (note.2, note.3, note.4));
    let in_path = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameter = |name: &str, place: &str| {
        let kind = if name == "id" { "integer" } else { "string" };
        json!({ "name": name, "in": place, "required": place == "path", "schema": { "type": kind } })
    };
    let parameters: Vec<Value> = in_path
        .map(|name| parameter(name, "path"))
        .chain(query.iter().map(|name| parameter(name, "query")))
        .collect();
    let mut operation = json!({
        "summary": summary,
        "parameters": parameters,
        "responses": { "2XX": { "description": "Done" }, "default": { "$ref": "#/components/responses/Refused" } },
    });
    if rule.need != Need::Nothing {
        operation["security"] = json!([{ "token": [] }]);
    }
    if let Need::Any(rights) = rule.need {
        operation["x-rights"] = rights.iter().map(|right| right.name()).collect();
    }
    if let Ok(example) = serde_json::from_str::<Value>(example) {
        operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": { "type": "object" }, "example": example } } });
    }
    operation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_of_the_interface_is_described_and_every_example_is_json() {
        for rule in RULES.iter().filter(|rule| rule.route.starts_with("/api/v1")) {
            let path = &rule.route["/api/v1".len()..];
            assert!(
                NOTES.iter().any(|note| note.0 == rule.method && note.1 == path),
                "{} {path}",
                rule.method
            );
        }
        for note in NOTES {
            assert!(
                RULES
                    .iter()
                    .any(|rule| rule.method == note.0 && rule.route == format!("/api/v1{}", note.1)),
                "{}",
                note.1
            );
            assert!(
                note.4.is_empty() || serde_json::from_str::<Value>(note.4).is_ok(),
                "{}",
                note.4
            );
        }
        assert!(whole()["paths"]["/campaigns/{id}"]["get"]["x-rights"].is_array());
    }
}
