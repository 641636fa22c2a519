//! The directory: who is in it, lists, extracts.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use directory::{Content, Directory, Field, Position, Selection, Test, Zone};
use serde::Deserialize;

use super::page::{Esc, Page, put};
use super::{duplicates, import, recipient};
use crate::desk::{Caller, Desk, Target, blocking};
use crate::extract::{Form, Part, Query};
use crate::problem::Problem;
use crate::rest::directory::{Filter, add_list, commune, filtered};

/// Recipients on one page.
const PAGE: usize = 50;
pub(super) fn routes(desk: &Arc<Desk>) -> Router<Arc<Desk>> {
    let read = post(import::read).layer(DefaultBodyLimit::max(desk.settings.max_body));
    Router::new()
        .route("/annuaire", get(page))
        .route("/annuaire/lecture", read)
        .route("/annuaire/colonnes", post(import::columns))
        .route("/annuaire/import", post(import::apply))
        .route("/annuaire/imports/{id}/annuler", post(import::undo))
        .route("/annuaire/personnes/{id}", get(recipient::page).post(recipient::save))
        .route("/annuaire/personnes/{id}/supprimer", post(recipient::remove))
        .route("/annuaire/personnes/{id}/effacer", post(recipient::erase))
        .route("/annuaire/personnes/{id}/lien", post(recipient::link))
        .route("/annuaire/doublons", get(duplicates::page).post(duplicates::merge))
        .route("/annuaire/extraits", post(refresh))
        .route("/annuaire/listes", post(new_list))
        .route("/annuaire/listes/{id}/supprimer", post(delete_list))
}

/// `GET /annuaire`.
pub(crate) async fn page(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Query(filter): Query<Filter>,
    Query(done): Query<super::Done>,
) -> Result<Html<String>, Problem> {
    let filter = Filter {
        limit: Some(PAGE),
        ..filter
    };
    let shared = desk.services.directory.clone();
    let records = blocking(move || shared.imports()).await??;
    let mut page = Page::new(&desk, &caller);
    let directory = desk.services.directory.snapshot();
    put!(page, "<h1>{}</h1>", page.t("nav-directory"));
    page.done(done.fait.as_deref());
    put!(
        page,
        "<p class=actions><a class=button href=/annuaire/personnes/nouveau>{}</a> <a class=button href=/annuaire/doublons>{}</a></p>",
        page.t("recipient-new"),
        page.t("duplicates-title")
    );
    put!(page, "<div class=grid><div>");
    people(&mut page, &directory, &filter)?;
    put!(page, "</div><div>");
    import::form(&mut page);
    lists(&mut page, &directory);
    import::done(&mut page, &records);
    extracts(&mut page);
    put!(page, "</div></div>");
    let title = page.words.get("nav-directory");
    Ok(page.finish(&title, "/annuaire"))
}

fn people(page: &mut Page<'_>, directory: &Directory, filter: &Filter) -> Result<(), Problem> {
    let (found, total) = filtered(directory, filter)?;
    put!(
        page,
        "<form class=card role=search><label for=search>{}</label><div class=actions><input type=search id=search name=search value=\"{}\">",
        page.t("directory-search"),
        Esc(&filter.search),
    );
    if let Some(list) = filter.list {
        put!(page, "<input type=hidden name=list value={list}>");
    }
    put!(page, "<button>{}</button></div></form>", page.t("search"));
    put!(
        page,
        "<section class=\"card scroll\"><table><caption>{}</caption><thead><tr><th scope=col>{}<th scope=col>{}<th scope=col>{}<th scope=col>{}\
         <th scope=col>{}</tr></thead><tbody>",
        page.t_with("people", &[("count", total.into())]),
        page.t("column-name"),
        page.t("column-function"),
        page.t("column-domain"),
        page.t("column-commune"),
        page.t("column-numbers"),
    );
    for recipient in &found {
        put!(
            page,
            "<tr><th scope=row><a href=\"/annuaire/personnes/{}\">{}</a><td>{}<td>{}<td>{}<td>",
            recipient.id,
            Esc(recipient.full_name()),
            Esc(&recipient.function),
            Esc(&recipient.domain),
            Esc(commune(directory, recipient)),
        );
        for (index, number) in recipient.numbers.iter().enumerate() {
            put!(
                page,
                "{}{}",
                if index > 0 { "<br>" } else { "" },
                Esc(number.e164.to_string())
            );
        }
        put!(page, "</tr>");
    }
    put!(page, "</tbody></table>");
    if filter.offset + found.len() < total {
        let list = filter
            .list
            .map(|list| format!("<input type=hidden name=list value={list}>"))
            .unwrap_or_default();
        put!(
            page,
            "<form class=actions><input type=hidden name=search value=\"{}\">{list}<input type=hidden name=offset value={}><button>{}</button></form>",
            Esc(&filter.search),
            filter.offset + PAGE,
            page.t("directory-more"),
        );
    }
    put!(page, "</section>");
    Ok(())
}

/// Extracts that refresh the directory by themselves, and how that goes.
fn extracts(page: &mut Page<'_>) {
    let states = page.desk.services.extracts.states();
    if states.is_empty() {
        return;
    }
    put!(
        page,
        "<section class=card aria-labelledby=t-extracts><h2 id=t-extracts>{}</h2>",
        page.t("extracts-title")
    );
    for state in &states {
        put!(
            page,
            "<h3>{}</h3><p class=hint>{}</p>",
            Esc(&state.name),
            Esc(&state.place)
        );
        if let Some(why) = &state.failure {
            let at = state.failed_ms.map(|at| page.moment(at)).unwrap_or_default();
            let sentence = page.words.with(
                "extract-failed",
                &[
                    ("at", at.into()),
                    ("reason", why.as_str().into()),
                    ("count", u64::from(state.failures).into()),
                ],
            );
            page.wrong(&sentence);
        }
        if let Some(at) = state.checked_ms {
            let at = page.moment(at);
            put!(page, "<p>{}</p>", page.t_with("extract-checked", &[("at", at.into())]));
        }
        if let Some(at) = state.applied_ms {
            let at = page.moment(at);
            let args = [
                ("at", at.into()),
                ("created", state.created.into()),
                ("updated", state.updated.into()),
                ("rejected", state.rejected.into()),
            ];
            put!(page, "<p>{}</p>", page.t_with("extract-applied", &args));
        }
        page.form("/annuaire/extraits", "");
        put!(
            page,
            "<input type=hidden name=name value=\"{}\"><button class=small aria-label=\"{}\">{}</button></form>",
            Esc(&state.name),
            page.t_with("extract-refresh-label", &[("name", state.name.as_str().into())]),
            page.t("extract-refresh")
        );
    }
    put!(page, "</section>");
}

/// Which extract.
#[derive(Deserialize)]
pub(crate) struct Named {
    name: String,
}

/// `POST /annuaire/extraits`: refreshes one now.
async fn refresh(State(desk): State<Arc<Desk>>, Form(named): Form<Named>) -> Result<Response, Problem> {
    if !desk.services.extracts.ask(&named.name) {
        return Err(Problem::not_found());
    }
    let mut response = Redirect::to("/annuaire?fait=extract").into_response();
    response.extensions_mut().insert(Target(named.name));
    Ok(response)
}

fn lists(page: &mut Page<'_>, directory: &Directory) {
    put!(
        page,
        "<section class=card aria-labelledby=t-listes><h2 id=t-listes>{}</h2><div class=scroll><table><tbody>",
        page.t("lists-title")
    );
    for list in directory.lists() {
        let size = directory.members(list.id).map_or(0, |members| members.len());
        put!(
            page,
            "<tr><th scope=row><a href=\"/annuaire?list={}\">{}</a>",
            list.id,
            Esc(&list.name)
        );
        if matches!(list.content, Content::Live(_)) {
            put!(page, " <span class=badge>{}</span>", page.t("list-live"));
        }
        put!(page, "<td class=number>{}<td>", page.number(size as u64));
        let label = page.t_with("list-export", &[("name", list.name.as_str().into())]);
        put!(
            page,
            "<a class=\"button small\" download aria-label=\"{label}\" href=\"/api/v1/lists/{}/export\">XLSX</a> ",
            list.id
        );
        for format in ["ods", "csv"] {
            let label = page.t_with(&format!("list-export-{format}"), &[("name", list.name.as_str().into())]);
            put!(
                page,
                "<a class=\"button small\" download aria-label=\"{label}\" href=\"/api/v1/lists/{}/export?format={format}\">{}</a> ",
                list.id,
                format.to_uppercase()
            );
        }
        if list.id != directory::ListId::GLOBAL {
            page.form(&format!("/annuaire/listes/{}/supprimer", list.id), "");
            let label = page.t_with("list-delete", &[("name", list.name.as_str().into())]);
            put!(
                page,
                "<button class=small aria-label=\"{label}\">{}</button></form>",
                page.t("delete")
            );
        }
        put!(page, "</tr>");
    }
    put!(
        page,
        "</tbody></table></div><details><summary>{}</summary>",
        page.t("list-new")
    );
    page.form("/annuaire/listes", "class=stack");
    put!(
        page,
        "<div><label for=list-name>{}</label><input type=text id=list-name name=name maxlength=200 required></div>",
        page.t("column-name")
    );
    let recipients = directory.recipients();
    let functions: BTreeSet<&str> = recipients.iter().map(|recipient| recipient.function.as_str()).collect();
    let domains: BTreeSet<&str> = recipients.iter().map(|recipient| recipient.domain.as_str()).collect();
    let groups: BTreeSet<&str> = recipients
        .iter()
        .flat_map(|recipient| recipient.groups.iter().map(String::as_str))
        .collect();
    let communes = directory.gazetteer().communes();
    let arrondissements: BTreeSet<&str> = communes
        .iter()
        .map(|commune| commune.arrondissement.name.as_str())
        .collect();
    let cantons: BTreeSet<&str> = communes.iter().map(|commune| commune.canton.name.as_str()).collect();
    let epcis: BTreeSet<&str> = communes.iter().map(|commune| commune.epci.name.as_str()).collect();
    for (name, key, values) in [
        ("domain", "column-domain", domains),
        ("function", "column-function", functions),
        ("group", "column-group", groups),
        ("arrondissement", "zone-arrondissement", arrondissements),
        ("canton", "zone-canton", cantons),
        ("epci", "zone-epci", epcis),
    ] {
        let values: Vec<&str> = values.into_iter().filter(|value| !value.is_empty()).take(500).collect();
        if values.is_empty() {
            continue;
        }
        put!(
            page,
            "<div><label for=\"list-{name}\">{}</label><select id=\"list-{name}\" name={name}><option value=\"\">{}</option>",
            page.t(key),
            page.t("any")
        );
        for value in values {
            put!(page, "<option>{}</option>", Esc(value));
        }
        put!(page, "</select></div>");
    }
    put!(
        page,
        "<fieldset><legend>{}</legend><div class=pair><div><label for=list-center>{}</label><input type=text id=list-center name=center maxlength=200></div>\
         <div><label for=list-radius>{}</label><input type=number id=list-radius name=radius min=0 max=500 step=any></div></div>\
         <div><label for=list-polygon>{}</label><textarea id=list-polygon name=polygon maxlength=20000 aria-describedby=list-polygon-hint></textarea>\
         <p class=hint id=list-polygon-hint>{}</p></div></fieldset>\
         <div><label for=list-join>{}</label><select id=list-join name=join><option value=and>{}</option><option value=or>{}</option><option value=not>{}</option></select></div>",
        page.t("zone-drawn"),
        page.t("zone-center"),
        page.t("zone-radius"),
        page.t("zone-polygon"),
        page.t("zone-polygon-hint"),
        page.t("list-join"),
        page.t("list-join-and"),
        page.t("list-join-or"),
        page.t("list-join-not"),
    );
    put!(
        page,
        "<p class=hint>{}</p><button>{}</button></form></details></section>",
        page.t("list-new-hint"),
        page.t("list-create")
    );
}

/// The form of a live list: all criteria that are given must hold, or one of them, or none (R6).
#[derive(Deserialize)]
pub(crate) struct NewList {
    name: String,
    #[serde(default)]
    domain: String,
    #[serde(default)]
    function: String,
    #[serde(default)]
    group: String,
    #[serde(default)]
    arrondissement: String,
    #[serde(default)]
    canton: String,
    #[serde(default)]
    epci: String,
    /// A commune around which a circle is drawn.
    #[serde(default)]
    center: String,
    /// Kilometres.
    #[serde(default)]
    radius: String,
    /// Corners, one a line: latitude, longitude.
    #[serde(default)]
    polygon: String,
    #[serde(default)]
    join: Join,
}

/// How the criteria go together.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Join {
    #[default]
    And,
    Or,
    Not,
}

/// A circle around a commune; `None` when the form asks for none.
fn circle(directory: &Directory, center: &str, radius: &str) -> Result<Option<Zone>, Problem> {
    let refused = |code| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code);
    if center.trim().is_empty() {
        return Ok(None);
    }
    let commune = directory.gazetteer().find(center).map_err(|_| refused("bad-commune"))?;
    let kilometres: f64 = radius
        .trim()
        .replace(',', ".")
        .parse()
        .map_err(|_| refused("bad-radius"))?;
    Ok(Some(Zone::Circle {
        center: commune.position,
        radius_m: kilometres * 1000.0,
    }))
}

/// Corners of a polygon, one a line; `None` when the form gives none.
fn polygon(text: &str) -> Result<Option<Zone>, Problem> {
    let corner = |line: &str| -> Option<Position> {
        let line = line.trim();
        let (latitude, longitude) = line.split_once([';', ' ', '\t']).or_else(|| line.split_once(','))?;
        let number = |text: &str| text.trim().trim_end_matches([',', ';']).replace(',', ".").parse().ok();
        Some(Position {
            latitude: number(latitude)?,
            longitude: number(longitude)?,
        })
    };
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        return Ok(None);
    }
    let corners: Option<Vec<Position>> = lines.into_iter().map(corner).collect();
    corners
        .map(|corners| Some(Zone::Polygon(corners)))
        .ok_or_else(|| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-polygon"))
}

/// `POST /annuaire/listes`.
pub(crate) async fn new_list(State(desk): State<Arc<Desk>>, Form(new): Form<NewList>) -> Result<Response, Problem> {
    let mut parts = Vec::new();
    for (field, value) in [
        (Field::Domain, new.domain),
        (Field::Function, new.function),
        (Field::Group, new.group),
    ] {
        if !value.is_empty() {
            parts.push(Selection::Field {
                field,
                test: Test::Is(value),
            });
        }
    }
    let zones = [
        (Zone::Arrondissement as fn(String) -> Zone, new.arrondissement),
        (Zone::Canton as fn(String) -> Zone, new.canton),
        (Zone::Epci as fn(String) -> Zone, new.epci),
    ];
    for (zone, value) in zones {
        if !value.is_empty() {
            parts.push(Selection::Zone(zone(value)));
        }
    }
    let directory = desk.services.directory.snapshot();
    for zone in [circle(&directory, &new.center, &new.radius)?, polygon(&new.polygon)?]
        .into_iter()
        .flatten()
    {
        parts.push(Selection::Zone(zone));
    }
    let selection = match (parts.is_empty(), new.join) {
        (true, _) => Selection::All,
        (false, Join::And) => Selection::And(parts),
        (false, Join::Or) => Selection::Or(parts),
        (false, Join::Not) => Selection::Not(Box::new(Selection::Or(parts))),
    };
    let id = add_list(&desk, &new.name, Content::Live(selection)).await?;
    let mut response = Redirect::to("/annuaire?fait=list").into_response();
    response.extensions_mut().insert(Target(id.to_string()));
    Ok(response)
}

/// `POST /annuaire/listes/{id}/supprimer`.
pub(crate) async fn delete_list(State(desk): State<Arc<Desk>>, Part(id): Part<u64>) -> Result<Redirect, Problem> {
    let shared = desk.services.directory.clone();
    blocking(move || shared.remove_list(directory::ListId(id))).await??;
    Ok(Redirect::to("/annuaire?fait=list"))
}
