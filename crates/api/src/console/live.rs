//! The live page of one campaign: what happens, what is said, and the levers.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use dialer::{CampaignReport, CampaignState, CampaignView, Cause, Edition, Prediction};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::page::{Esc, Page, duration, put};
use crate::desk::{Caller, Desk};
use crate::extract::{Form, Part, Query};
use crate::problem::Problem;
use crate::report::{build, euros, percent};
use crate::rooms::{self, Named, NewMessage, Said, Written};
use crate::text::Words;
use crate::users::Right;

const STATES: [CampaignState; 5] = [
    CampaignState::Ready,
    CampaignState::Running,
    CampaignState::Paused,
    CampaignState::Stopped,
    CampaignState::Ended,
];

fn state_label(words: Words<'_>, state: CampaignState) -> String {
    words.get(&format!("state-{state}")).into_owned()
}

/// The state, with all its possible words for the script.
pub(super) fn badge(page: &mut Page<'_>, view: &CampaignView) {
    let labels: Map<String, Value> = STATES
        .iter()
        .map(|state| (state.to_string(), state_label(page.words, *state).into()))
        .collect();
    put!(
        page,
        "<span class=badge data-state={} data-labels=\"{}\">{}</span>",
        view.state,
        Esc(Value::Object(labels).to_string()),
        Esc(state_label(page.words, view.state)),
    );
}

/// The alarm of the journal, kept up to date by the script.
pub(super) fn alarm(page: &mut Page<'_>, alarm: Option<&str>) {
    put!(
        page,
        "<p class=\"note bad\" role=alert data-alarm {}>{} <span>{}</span></p>",
        if alarm.is_some() { "" } else { "hidden" },
        page.t("journal-alarm"),
        Esc(alarm.unwrap_or_default())
    );
}

/// The bar of recipients: confirmed, informed, not confirmed, failed; the rest is pending.
pub(super) fn bar(page: &mut Page<'_>, view: &CampaignView, class: &str) {
    let parts = [
        (view.confirmed, "fill-confirmed"),
        (view.informed, "fill-informed"),
        (view.not_confirmed, "fill-not-confirmed"),
        (view.failed.values().sum(), "fill-failed"),
    ];
    let label = page.t_with(
        "bar-label",
        &[("done", view.confirmed.into()), ("all", view.recipients.into())],
    );
    put!(
        page,
        "<svg class=\"bar {class}\" data-bar role=img aria-label=\"{label}\">"
    );
    let mut at = 0.0;
    for (count, fill) in parts {
        let width = if view.recipients == 0 {
            0.0
        } else {
            100.0 * count as f64 / view.recipients as f64
        };
        put!(
            page,
            "<rect class={fill} x=\"{at:.2}%\" y=0 width=\"{width:.2}%\" height=\"100%\" />"
        );
        at += width;
    }
    put!(page, "</svg>");
}

/// `GET /campagnes/{id}`.
pub(crate) async fn page(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Part(id): Part<u64>,
    Query(done): Query<super::Done>,
) -> Result<Html<String>, Problem> {
    let view = rooms::view(&desk, id).await?;
    let report = rooms::report(&desk, id).await.ok();
    let edition = rooms::message(&desk, view.message.0, Some(view.message_version))
        .await
        .ok();
    let is_going = matches!(
        view.state,
        CampaignState::Ready | CampaignState::Running | CampaignState::Paused
    );
    let predicted = match is_going {
        true => rooms::prediction(&desk, id).await.ok(),
        false => None,
    };
    let mut page = Page::new(&desk, &caller);
    put!(page, "<h1>{} ", Esc(&view.name));
    badge(&mut page, &view);
    if view.exercise {
        put!(
            page,
            " <span class=\"badge exercise\">{}</span>",
            page.t("preset-exercise")
        );
    }
    put!(page, "</h1>");
    page.done(done.fait.as_deref());
    alarm(&mut page, desk.services.campaigns.view().journal.alarm.as_deref());
    let shown = serde_json::to_string(&view).map_err(|error| Problem::internal(&error))?;
    put!(
        page,
        "<p class=\"note bad\" role=alert data-lost hidden>{}</p><p class=unseen role=status data-said=\"{}\"></p>\
         <div data-events=/api/v1/campaigns/{id}/events data-state={} data-version={} data-view=\"{}\">",
        page.t("live-lost"),
        page.t("live-said"),
        view.state,
        view.message_version,
        Esc(&shown),
    );
    if caller.may(Right::Launch) {
        levers(&mut page, &view, predicted.as_ref());
    }
    progress(&mut page, &view);
    if view.state != CampaignState::Ready && predicted.is_some() {
        put!(
            page,
            "<section class=card data-when=\"running paused\" aria-labelledby=t-prevu><h2 id=t-prevu>{}</h2><p class=hint>{}</p>",
            page.t("prediction-title"),
            page.t("prediction-hint")
        );
        prediction(&mut page, predicted.as_ref());
        put!(page, "</section>");
    }
    put!(
        page,
        "<div class=grid><div data-when=\"running paused stopped ended\" {}>",
        hidden_when_ready(&view)
    );
    curve(&mut page, &view, report.as_ref());
    causes(&mut page, &view);
    super::calls::panel(&mut page, Some(id));
    put!(page, "</div><div>");
    said(&mut page, &view, edition.as_ref());
    facts(&mut page, &view, report.as_ref());
    downloads(&mut page, id);
    put!(page, "</div></div></div>");
    let title = view.name.clone();
    Ok(page.finish(&title, "/"))
}

/// The states in which a lever is of use; the script shows and hides it as the state changes.
fn lever(page: &mut Page<'_>, view: &CampaignView, when: &[CampaignState], action: &str, class: &str, key: &str) {
    let hidden = if when.contains(&view.state) { "" } else { "hidden" };
    let states = when.iter().map(CampaignState::to_string).collect::<Vec<_>>().join(" ");
    page.form(
        &format!("/campagnes/{}/{action}", view.id),
        &format!("data-when=\"{states}\" {hidden}"),
    );
    put!(page, "<button class=\"{class}\">{}</button></form>", page.t(key));
}

fn levers(page: &mut Page<'_>, view: &CampaignView, predicted: Option<&Prediction>) {
    use CampaignState::{Ended, Paused, Ready, Running, Stopped};
    if view.state == Ready {
        put!(
            page,
            "<section class=\"card\" data-when=ready aria-labelledby=t-pret><h2 id=t-pret>{}</h2>",
            page.t("ready-title")
        );
        put!(
            page,
            "<p>{}</p>",
            page.t_with("ready-text", &[("count", view.recipients.into())])
        );
        prediction(page, predicted);
        page.form(&format!("/campagnes/{}/lancer", view.id), "class=actions");
        put!(
            page,
            "<button class=\"alert big\">{}</button></form></section>",
            page.t("lever-launch")
        );
    }
    put!(
        page,
        "<section class=\"actions card\" aria-label=\"{}\" data-when=\"running paused stopped ended\" {}>",
        page.t("levers"),
        if view.state == Ready { "hidden" } else { "" }
    );
    lever(page, view, &[Running], "pause", "first", "lever-pause");
    lever(page, view, &[Paused], "reprendre", "first", "lever-resume");
    lever(
        page,
        view,
        &[Running, Paused, Stopped, Ended],
        "rappeler",
        "first",
        "lever-retry",
    );
    let hidden = if matches!(view.state, Running | Paused) {
        ""
    } else {
        "hidden"
    };
    put!(
        page,
        "<details data-when=\"running paused\" {hidden}><summary>{}</summary>",
        page.t("lever-stop")
    );
    page.form(&format!("/campagnes/{}/arreter", view.id), "class=stack");
    put!(
        page,
        "<label class=check><input type=checkbox name=hang_up value=true>{}</label><button class=alert>{}</button></form></details>",
        page.t("lever-stop-hang-up"),
        page.t("lever-stop-confirm"),
    );
    put!(
        page,
        "<details data-when=\"running paused\" {hidden}><summary>{}</summary>",
        page.t("lever-extend")
    );
    page.form(&format!("/campagnes/{}/completer", view.id), "class=stack");
    put!(
        page,
        "<div><label for=more>{}</label><select id=more name=list>",
        page.t("campaign-list")
    );
    let directory = page.desk.services.directory.snapshot();
    for list in directory.lists() {
        put!(page, "<option value={}>{}</option>", list.id, Esc(&list.name));
    }
    put!(
        page,
        "</select></div><button class=first>{}</button></form></details></section>",
        page.t("lever-extend-confirm")
    );
}

/// What a launch would lead to, if the dialer can tell.
fn prediction(page: &mut Page<'_>, predicted: Option<&Prediction>) {
    let Some(prediction) = predicted else { return };
    put!(page, "<dl class=figures>");
    for (key, value) in [
        ("prediction-half", duration(prediction.half_s)),
        ("prediction-ninety", duration(prediction.ninety_s)),
        ("prediction-ninety-nine", duration(prediction.ninety_nine_s)),
        ("prediction-end", duration(prediction.end_s)),
        ("prediction-attempts", page.number(prediction.attempts)),
        (
            "prediction-cost",
            format!("{} €", euros(prediction.cost_micros / 10_000 * 10_000)),
        ),
    ] {
        put!(page, "<div class=live><dt>{}<dd>{value}</div>", page.t(key));
    }
    put!(page, "</dl>");
}

fn progress(page: &mut Page<'_>, view: &CampaignView) {
    put!(
        page,
        "<section class=card aria-labelledby=t-avance><h2 id=t-avance>{}</h2>",
        page.t("live-progress")
    );
    bar(page, view, "");
    let failed: u64 = view.failed.values().sum();
    let shares = [
        ("confirmed", "outcome-confirmed", view.confirmed, ""),
        ("informed", "outcome-informed", view.informed, "informed"),
        ("not-confirmed", "outcome-not-confirmed", view.not_confirmed, ""),
        ("failed", "live-failed", failed, ""),
        ("spared", "live-spared", view.spared, "spared"),
        ("pending", "outcome-pending", view.pending, ""),
    ];
    put!(page, "<dl class=figures>");
    for (name, key, value, positive) in shares {
        let hide = if positive.is_empty() {
            String::new()
        } else {
            format!("data-positive={positive} {}", if value == 0 { "hidden" } else { "" })
        };
        put!(
            page,
            "<div class={name} {hide}><dt>{}<dd><span data-figure={name}>{}</span> <small data-figure=share-{name}>{}</small></div>",
            page.t(key),
            page.number(value),
            percent(value, view.recipients),
        );
    }
    put!(page, "</dl>");
    if view.waves > 0 {
        put!(
            page,
            "<p>{}</p>",
            page.t_with(
                "live-wave",
                &[
                    ("wave", u64::from(view.wave).into()),
                    ("waves", u64::from(view.waves).into()),
                    ("needed", view.needed.into())
                ]
            )
        );
    }
    put!(page, "<h3>{}</h3><dl class=figures>", page.t("live-calls"));
    let end = view.predicted_end_ms.map_or("–".to_owned(), |at| {
        page.moment(at).split(' ').next_back().unwrap_or_default().to_owned()
    });
    for (name, key, value) in [
        ("attempts", "live-attempts", page.number(view.attempts)),
        ("calling", "live-calling", page.number(view.calling)),
        ("ringing", "live-ringing", page.number(view.ringing)),
        ("speaking", "live-speaking", page.number(view.speaking)),
        ("rate", "live-rate", format!("{:.1}", view.rate).replace('.', ",")),
        ("end", "live-end", end),
    ] {
        put!(
            page,
            "<div class=live><dt>{}<dd data-figure={name}>{value}</div>",
            page.t(key)
        );
    }
    put!(page, "</dl></section>");
}

fn hidden_when_ready(view: &CampaignView) -> &'static str {
    if view.state == CampaignState::Ready {
        "hidden"
    } else {
        ""
    }
}

fn curve(page: &mut Page<'_>, view: &CampaignView, report: Option<&CampaignReport>) {
    let confirmed = report.map(build::timeline).unwrap_or_default();
    let attempts = report.map(build::started).unwrap_or_default();
    put!(
        page,
        "<section class=card aria-labelledby=t-courbe><h2 id=t-courbe>{}</h2><svg class=curve viewBox=\"0 0 700 240\" role=img \
         aria-label=\"{}\" data-confirmed=\"{}\" data-attempts=\"{}\"><g></g><polyline class=line-attempts points=\"\" />\
         <polyline class=line-confirmed points=\"\" /></svg>",
        page.t("live-curve"),
        page.t_with(
            "bar-label",
            &[("done", view.confirmed.into()), ("all", view.recipients.into())]
        ),
        json!(confirmed),
        json!(attempts),
    );
    put!(
        page,
        "<ul class=legend><li><svg viewBox=\"0 0 16 6\" aria-hidden=true><path class=line-confirmed stroke-width=3 d=\"M0 3h16\"/></svg>{}</li>\
         <li><svg viewBox=\"0 0 16 6\" aria-hidden=true><path class=line-attempts stroke-width=3 d=\"M0 3h16\"/></svg>{}</li><li>{}</li></ul></section>",
        page.t("live-curve-confirmed"),
        page.t("live-curve-attempts"),
        page.t("live-curve-axis"),
    );
}

fn causes(page: &mut Page<'_>, view: &CampaignView) {
    let ended: u64 = view.outcomes.values().sum();
    put!(
        page,
        "<section class=card><div class=scroll><table><caption>{}</caption><thead><tr><th scope=col>{}<th scope=col class=number>{}\
         <th scope=col class=number>{}<th scope=col><span class=unseen>{}</span></tr></thead><tbody>",
        page.t("report-causes"),
        page.t("column-end-cause"),
        page.t("report-number"),
        page.t("report-share"),
        page.t("report-share"),
    );
    for cause in Cause::ALL {
        let count = view.outcomes.get(&cause).copied().unwrap_or(0);
        let width = if ended == 0 {
            0.0
        } else {
            100.0 * count as f64 / ended as f64
        };
        put!(
            page,
            "<tr data-cause={} {}><th scope=row>{}<td class=number data-count>{}<td class=number data-share>{}<td>\
             <svg class=\"bar thin\" aria-hidden=true><rect class=fill-cause x=0 y=0 width=\"{width:.2}%\" height=\"100%\" /></svg></tr>",
            cause.name(),
            if count == 0 { "hidden" } else { "" },
            Esc(build::cause_label(page.words, cause)),
            page.number(count),
            percent(count, ended),
        );
    }
    put!(page, "</tbody></table></div></section>");
}

/// The message being broadcast (R11), and its change (R14).
fn said(page: &mut Page<'_>, view: &CampaignView, edition: Option<&Edition>) {
    put!(
        page,
        "<section class=card aria-labelledby=t-message><h2 id=t-message>{}</h2>",
        page.t("live-message")
    );
    for text in edition.iter().flat_map(|edition| &edition.message.texts) {
        put!(
            page,
            "<blockquote lang={}>{}</blockquote><audio controls preload=none aria-label=\"{}\" src=\"/api/v1/messages/{}/audio?version={}&amp;language={}\"></audio>",
            text.language.code(),
            Esc(&text.words),
            page.t("hear-player"),
            view.message,
            view.message_version,
            text.language.code(),
        );
    }
    if page.caller.may(Right::Launch) {
        let open = [CampaignState::Ready, CampaignState::Running, CampaignState::Paused].contains(&view.state);
        put!(
            page,
            "<details data-when=\"ready running paused\" {}><summary>{}</summary>",
            if open { "" } else { "hidden" },
            page.t("message-change")
        );
        page.form(&format!("/campagnes/{}/message", view.id), "class=stack");
        let text = edition.and_then(|edition| edition.message.texts.first());
        put!(
            page,
            "<div><label for=text>{}</label><textarea id=text name=text maxlength=8000 required>{}</textarea></div>",
            page.t("message-new-text"),
            Esc(text.map(|text| text.words.as_str()).unwrap_or_default()),
        );
        put!(
            page,
            "<input type=hidden name=language value=\"{}\">",
            text.map_or("fr", |text| text.language.code())
        );
        super::campaigns::hear(page);
        put!(
            page,
            "<div><label class=check><input type=checkbox name=in_progress value=true checked>{}</label>\
             <label class=check><input type=checkbox name=recall_confirmed value=true>{}</label></div><button class=first>{}</button></form></details>",
            page.t("message-in-progress"),
            page.t("message-recall"),
            page.t("message-submit"),
        );
    }
    put!(page, "</section>");
}

fn facts(page: &mut Page<'_>, view: &CampaignView, report: Option<&CampaignReport>) {
    put!(
        page,
        "<section class=card aria-labelledby=t-faits><h2 id=t-faits>{}</h2><table><tbody>",
        page.t("live-facts")
    );
    let mut rows = vec![
        (
            "column-launched",
            view.launched_ms.map(|at| page.moment(at)).unwrap_or_default(),
            "",
        ),
        (
            "column-launched-by",
            report.and_then(|report| report.launched_by.clone()).unwrap_or_default(),
            "",
        ),
        (
            "column-ended",
            view.ended_ms.map(|at| page.moment(at)).unwrap_or_default(),
            "",
        ),
    ];
    rows.retain(|(_, value, _)| !value.is_empty());
    rows.push(("column-recipients", page.number(view.recipients), "recipients"));
    if let Some(report) = report {
        let count = page.number(build::by_call_back(report));
        rows.push(("column-by-call-back", count, ""));
    }
    rows.push(("column-billed", page.number(view.billed_seconds), "billed"));
    rows.push((
        "live-cost",
        format!("{} €", euros(view.cost_micros / 10_000 * 10_000)),
        "cost",
    ));
    for (key, value, figure) in rows {
        let figure = if figure.is_empty() {
            String::new()
        } else {
            format!("data-figure={figure}")
        };
        put!(
            page,
            "<tr><th scope=row>{}<td class=number {figure}>{}</tr>",
            page.t(key),
            Esc(value)
        );
    }
    put!(page, "</tbody></table></section>");
}

fn downloads(page: &mut Page<'_>, id: u64) {
    put!(
        page,
        "<section class=card aria-labelledby=t-rapports><h2 id=t-rapports>{}</h2><p class=actions>",
        page.t("live-reports")
    );
    for (extension, name) in [
        ("xlsx", "Excel (XLSX)"),
        ("pdf", "PDF"),
        ("csv", "CSV"),
        ("json", "JSON"),
    ] {
        put!(
            page,
            "<a class=\"button small\" download href=/api/v1/campaigns/{id}/report.{extension}>{name}</a> "
        );
    }
    put!(page, "</p></section>");
}

/// Back to the campaign's page.
pub(crate) fn back(id: u64, query: &str) -> Response {
    let place = HeaderValue::from_str(&format!("/campagnes/{id}{query}")).unwrap_or(HeaderValue::from_static("/"));
    (axum::http::StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response()
}

/// The form that adds people.
#[derive(Deserialize)]
pub(crate) struct More {
    list: u64,
}

/// `POST /campagnes/{id}/completer`.
pub(crate) async fn extend(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Part(id): Part<u64>,
    Form(More { list }): Form<More>,
) -> Result<Response, Problem> {
    rooms::extend(&desk, id, vec![Named::Id(list)], None, caller.login).await?;
    Ok(back(id, ""))
}

/// The form that changes the message.
#[derive(Deserialize)]
pub(crate) struct Change {
    text: String,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    in_progress: bool,
    #[serde(default)]
    recall_confirmed: bool,
}

/// `POST /campagnes/{id}/message`.
pub(crate) async fn message(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Part(id): Part<u64>,
    Form(change): Form<Change>,
) -> Result<Response, Problem> {
    let Change {
        text,
        language,
        in_progress,
        recall_confirmed,
    } = change;
    let written = Written {
        text,
        language,
        ..Written::default()
    };
    let new = NewMessage {
        message: Said::Written(written),
        in_progress,
        recall_confirmed,
    };
    rooms::change_message(&desk, id, new, &caller.login).await?;
    Ok(back(id, "?fait=message"))
}
