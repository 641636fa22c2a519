//! The dashboard and the form of a new campaign.

use std::sync::Arc;

use axum::extract::{RawForm, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use dialer::{CampaignView, Edition, Preset};
use directory::ListId;

use super::page::{Esc, Page, put};
use super::policy::{self, Typed};
use super::users::fields;
use crate::desk::{Caller, Desk, Target};
use crate::problem::Problem;
use crate::rooms::{self, Named, Said, Wanted, Written};
use crate::users::Right;

/// `GET /`.
pub(crate) async fn dashboard(State(desk): State<Arc<Desk>>, caller: Caller) -> Response {
    if !caller.may(Right::Launch) && !caller.may(Right::Statistics) {
        let place = if caller.may(Right::Directory) {
            "/annuaire"
        } else {
            "/utilisateurs"
        };
        if caller.may(Right::Directory) || caller.may(Right::Administration) {
            return Redirect::to(place).into_response();
        }
        return Problem::forbidden().into_response();
    }
    let mut page = Page::new(&desk, &caller);
    let view = desk.services.campaigns.view();
    put!(page, "<h1>{}</h1>", page.t("dashboard-title"));
    super::live::alarm(&mut page, view.journal.alarm.as_deref());
    if caller.may(Right::Launch) {
        put!(
            page,
            "<p class=actions><a class=\"button first\" href=/campagnes/nouvelle>{}</a></p>",
            page.t("new-campaign")
        );
    }
    put!(
        page,
        "<div class=grid data-live=/api/v1/live><section class=card aria-labelledby=t-campagnes>"
    );
    put!(page, "<h2 id=t-campagnes>{}</h2>", page.t("dashboard-campaigns"));
    if view.campaigns.is_empty() {
        put!(page, "<p class=soft>{}</p>", page.t("dashboard-none"));
    } else {
        put!(
            page,
            "<div class=scroll><table><thead><tr><th scope=col>{}<th scope=col>{}<th scope=col>{}<th scope=col class=number>{}\
             <th scope=col class=number>{}<th scope=col>{}</tr></thead><tbody>",
            page.t("column-campaign"),
            page.t("column-state"),
            page.t("column-progress"),
            page.t("column-confirmed-count"),
            page.t("column-recipients"),
            page.t("column-launched"),
        );
        for campaign in view.campaigns.iter().take(200) {
            row(&mut page, campaign);
        }
        put!(page, "</tbody></table></div>");
    }
    put!(
        page,
        "</section><section class=card aria-labelledby=t-lignes><h2 id=t-lignes>{}</h2>",
        page.t("dashboard-trunks")
    );
    if view.trunks.is_empty() {
        put!(page, "<p class=soft>{}</p>", page.t("dashboard-no-trunk"));
    } else {
        put!(
            page,
            "<div class=scroll><table><thead><tr><th scope=col>{}<th scope=col>{}<th scope=col class=number>{}</tr></thead><tbody>",
            page.t("column-trunk"),
            page.t("column-state"),
            page.t("column-channels"),
        );
        for trunk in &view.trunks {
            let (class, key) = if trunk.is_up {
                ("up", "trunk-up")
            } else {
                ("down", "trunk-down")
            };
            put!(
                page,
                "<tr data-trunk><th scope=row>{}<td><span class=\"badge {class}\">{}</span><td class=number data-use>{} / {}</tr>",
                Esc(&trunk.name),
                page.t(key),
                page.number(trunk.in_use.into()),
                page.number(trunk.channels.into()),
            );
        }
        put!(page, "</tbody></table></div>");
    }
    put!(page, "</section></div>");
    let title = page.words.get("dashboard-title");
    page.finish(&title, "/").into_response()
}

fn row(page: &mut Page<'_>, campaign: &CampaignView) {
    put!(
        page,
        "<tr data-campaign={}><th scope=row><a href=/campagnes/{}>{}</a>",
        campaign.id,
        campaign.id,
        Esc(&campaign.name)
    );
    if campaign.exercise {
        put!(
            page,
            " <span class=\"badge exercise\">{}</span>",
            page.t("preset-exercise")
        );
    }
    put!(page, "<td>");
    super::live::badge(page, campaign);
    put!(page, "<td>");
    super::live::bar(page, campaign, "thin");
    put!(
        page,
        "<td class=number data-figure=confirmed>{}<td class=number data-figure=recipients>{}<td>{}</tr>",
        page.number(campaign.confirmed),
        page.number(campaign.recipients),
        campaign.launched_ms.map(|at| page.moment(at)).unwrap_or_default(),
    );
}

/// `GET /campagnes/nouvelle`.
pub(crate) async fn new(State(desk): State<Arc<Desk>>, caller: Caller) -> Result<Html<String>, Problem> {
    let library = rooms::messages(&desk).await?;
    Ok(form(&desk, &caller, &library, &Typed::default(), None))
}

/// `POST /campagnes`. What is wrong is shown above the form, which keeps what was typed.
pub(crate) async fn create(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    RawForm(form): RawForm,
) -> Result<Response, Problem> {
    let typed = Typed::new(fields(&form));
    let made = match wanted(&typed, &desk) {
        Ok(wanted) => rooms::create(&desk, wanted, &caller.login).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok(made) => {
            let id = made.id.map(|id| id.to_string()).unwrap_or_default();
            let mut response = Redirect::to(&format!("/campagnes/{id}")).into_response();
            response.extensions_mut().insert(Target(id));
            Ok(response)
        }
        Err(problem) => {
            let library = rooms::messages(&desk).await?;
            let mut response = self::form(&desk, &caller, &library, &typed, Some(&problem)).into_response();
            *response.status_mut() = problem.status();
            Ok(response)
        }
    }
}

fn wanted(typed: &Typed, desk: &Desk) -> Result<Wanted, Problem> {
    let message = match typed.get("message").parse() {
        Ok(id) => Said::Id(id),
        Err(_) => Said::Written(Written {
            text: typed.get("text").to_owned(),
            language: Some(typed.get("language").to_owned()).filter(|tag| !tag.is_empty()),
            ..Written::default()
        }),
    };
    Ok(Wanted {
        name: typed.get("name").to_owned(),
        message,
        list: None,
        lists: typed
            .all("list")
            .filter_map(|id| id.parse().ok())
            .map(Named::Id)
            .collect(),
        waves: typed.waves(),
        selection: None,
        merge: true,
        preset: preset(typed.get("preset")),
        policy: policy::overrides(typed, &desk.zone)?,
        service: typed.get("service").to_owned(),
        launch: typed.get("then") == "launch",
        dry_run: false,
    })
}

fn preset(name: &str) -> Option<Preset> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
}

fn form(desk: &Desk, caller: &Caller, library: &[Edition], typed: &Typed, problem: Option<&Problem>) -> Html<String> {
    let mut page = Page::new(desk, caller);
    put!(page, "<h1>{}</h1>", page.t("new-campaign"));
    if let Some(problem) = problem {
        let sentence = problem.sentence(page.words);
        page.wrong(&sentence);
    }
    page.form("/campagnes", "class=stack");
    put!(page, "<div class=card><div class=stack>");
    put!(
        page,
        "<div><label for=name>{}</label><input type=text id=name name=name maxlength=200 required value=\"{}\"></div>",
        page.t("campaign-name"),
        Esc(typed.get("name")),
    );
    if !library.is_empty() {
        put!(
            page,
            "<div><label for=message>{}</label><select id=message name=message data-fills=text>",
            page.t("campaign-message")
        );
        put!(page, "<option value=\"\">{}</option>", page.t("campaign-write"));
        for edition in library {
            let (message, text) = (&edition.message, edition.message.texts.first());
            let chosen = if typed.get("message") == message.id.to_string() {
                " selected"
            } else {
                ""
            };
            put!(
                page,
                "<option value={} data-text=\"{}\"{chosen}>{}</option>",
                message.id,
                Esc(text.map(|text| text.words.as_str()).unwrap_or_default()),
                Esc(&message.title),
            );
        }
        put!(page, "</select></div>");
    }
    put!(
        page,
        "<div><label for=text>{}</label><textarea id=text name=text maxlength=8000 aria-describedby=text-hint>{}</textarea>\
         <p class=hint id=text-hint>{}</p></div>",
        page.t("campaign-text"),
        Esc(typed.get("text")),
        page.t("campaign-text-hint"),
    );
    language_choice(&mut page, typed.get("language"));
    hear(&mut page);
    put!(page, "</div></div><div class=card><div class=stack>");
    let directory = desk.services.directory.snapshot();
    put!(
        page,
        "<div><label for=list>{}</label><select id=list name=list multiple size=6 aria-describedby=list-hint>",
        page.t("campaign-list")
    );
    for list in directory.lists() {
        let size = directory.members(list.id).map_or(0, |members| members.len());
        let is_usual = typed.get("list").is_empty() && list.id == ListId::GLOBAL;
        let is_chosen = typed.all("list").any(|id| id.parse().ok().map(ListId) == Some(list.id));
        let chosen = if is_usual || is_chosen { " selected" } else { "" };
        put!(
            page,
            "<option value={}{chosen}>{} ({})</option>",
            list.id,
            Esc(&list.name),
            page.t_with("people", &[("count", size.into())])
        );
    }
    put!(
        page,
        "</select><p class=hint id=list-hint>{}</p></div><fieldset><legend>{}</legend>",
        page.t("campaign-list-hint"),
        page.t("campaign-preset")
    );
    for known in Preset::ALL {
        let (key, hint, value) = match known {
            Preset::Immediate => ("preset-immediate", "preset-immediate-hint", "immediate"),
            Preset::Information => ("preset-information", "preset-information-hint", "information"),
            Preset::Exercise => ("preset-exercise", "preset-exercise-hint", "exercise"),
            Preset::Roster => ("preset-roster", "preset-roster-hint", "roster"),
        };
        let chosen = if preset(typed.get("preset")).unwrap_or(Preset::Immediate) == known {
            " checked"
        } else {
            ""
        };
        put!(
            page,
            "<label class=check><input type=radio name=preset value={value}{chosen}><span><strong>{}</strong><br><span class=hint>{}</span></span></label>",
            page.t(key),
            page.t(hint),
        );
    }
    put!(page, "</fieldset></div></div>");
    policy::section(&mut page, typed);
    put!(
        page,
        "<div class=actions><button class=\"first big\">{}</button>\
         <button class=\"alert big\" name=then value=launch>{}</button></div></form>",
        page.t("campaign-prepare"),
        page.t("campaign-launch-now"),
    );
    put!(page, "<p class=hint>{}</p>", page.t("campaign-prepare-hint"));
    let title = page.words.get("new-campaign");
    page.finish(&title, "/")
}

/// The language of a text.
pub(super) fn language_choice(page: &mut Page<'_>, chosen: &str) {
    put!(
        page,
        "<div><label for=language>{}</label><select id=language name=language>",
        page.t("text-language")
    );
    for (tag, key) in [("fr", "language-fr"), ("en", "language-en")] {
        let selected = if chosen == tag { " selected" } else { "" };
        put!(page, "<option value={tag}{selected}>{}</option>", page.t(key));
    }
    put!(page, "</select></div>");
}

/// The button that speaks the text of its form; shown by the script.
pub(super) fn hear(page: &mut Page<'_>) {
    put!(
        page,
        "<div><button type=button data-hear=/api/v1/speech hidden>{}</button><p class=\"note bad\" role=alert data-problem hidden></p>\
         <audio controls hidden aria-label=\"{}\"></audio></div>",
        page.t("hear"),
        page.t("hear-player"),
    );
}
