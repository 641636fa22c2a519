//! Campaigns: make, launch, steer, watch.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use dialer::{CampaignId, CampaignView};
use futures_util::stream::{self, Stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::desk::{Caller, Desk, Target};
use crate::extract::{Json, Part, Query};
use crate::problem::Problem;
use crate::rooms::{self, Made, NewMessage, Wanted};

/// How often a live page looks for news: four times a second.
const LOOK: Duration = Duration::from_millis(250);

/// `GET /live`: everything at a glance.
pub(crate) async fn live(State(desk): State<Arc<Desk>>) -> Response {
    axum::Json(&*desk.services.campaigns.view()).into_response()
}

/// `GET /campaigns`.
pub(crate) async fn list(State(desk): State<Arc<Desk>>) -> Response {
    axum::Json(json!({ "campaigns": desk.services.campaigns.view().campaigns })).into_response()
}

/// `POST /campaigns`.
pub(crate) async fn create(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Json(wanted): Json<Wanted>,
) -> Result<Response, Problem> {
    let Made {
        id,
        recipients,
        audience,
        prediction,
    } = rooms::create(&desk, wanted, &caller.login).await?;
    let body = json!({
        "id": id,
        "recipients": recipients,
        "without_number": audience.without_number,
        "in_several_lists": audience.in_several_lists,
        "same_person": audience.same_person,
        "sharing_a_number": audience.sharing,
        "prediction": prediction,
    });
    let status = if id.is_some() {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let mut response = (status, axum::Json(body)).into_response();
    response
        .extensions_mut()
        .insert(Target(id.map(|id| id.to_string()).unwrap_or_default()));
    Ok(response)
}

/// `GET /campaigns/{id}`: the live view, with the message that is being broadcast (R11) and the policy.
pub(crate) async fn one(State(desk): State<Arc<Desk>>, Part(id): Part<u64>) -> Result<Response, Problem> {
    let view = rooms::view(&desk, id).await?;
    let message = rooms::message(&desk, view.message.0, Some(view.message_version))
        .await?
        .message;
    let mut body = serde_json::to_value(&view).map_err(|error| Problem::internal(&error))?;
    if let Value::Object(fields) = &mut body {
        fields.insert("message_title".into(), message.title.into());
        let texts = message
            .texts
            .into_iter()
            .map(|text| (text.language.code().to_owned(), text.words.into()));
        fields.insert("policy".into(), rooms::policy_of(&desk, id).await?);
        fields.insert("message_texts".into(), Value::Object(texts.collect()));
    }
    Ok(axum::Json(body).into_response())
}

/// More people for a campaign.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Extension {
    list: Option<rooms::Named>,
    #[serde(default)]
    lists: Vec<rooms::Named>,
    selection: Option<directory::Selection>,
}

/// `GET /campaigns/{id}/prediction`.
pub(crate) async fn prediction(State(desk): State<Arc<Desk>>, Part(id): Part<u64>) -> Result<Response, Problem> {
    Ok(axum::Json(rooms::prediction(&desk, id).await?).into_response())
}

/// Which results.
#[derive(Deserialize)]
pub(crate) struct Paging {
    #[serde(default)]
    offset: usize,
    limit: Option<usize>,
}

/// `GET /campaigns/{id}/results?offset=&limit=`: what became of each recipient and of each of their numbers.
pub(crate) async fn results(
    State(desk): State<Arc<Desk>>,
    Part(id): Part<u64>,
    Query(Paging { offset, limit }): Query<Paging>,
) -> Result<Response, Problem> {
    let report = rooms::report(&desk, id).await?;
    let total = report.recipients.len();
    let limit = limit.unwrap_or(1_000).min(10_000);
    let rows: Vec<_> = report.recipients.into_iter().skip(offset).take(limit).collect();
    Ok(axum::Json(json!({ "total": total, "offset": offset, "results": rows })).into_response())
}

/// `POST /campaigns/{id}/extend`.
pub(crate) async fn extend(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Part(id): Part<u64>,
    Json(Extension { list, lists, selection }): Json<Extension>,
) -> Result<Response, Problem> {
    let lists: Vec<_> = list.into_iter().chain(lists).collect();
    rooms::extend(&desk, id, lists, selection, caller.login).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `PUT /campaigns/{id}/message`.
pub(crate) async fn message(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Part(id): Part<u64>,
    Json(new): Json<NewMessage>,
) -> Result<Response, Problem> {
    rooms::change_message(&desk, id, new, &caller.login).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /campaigns/{id}/events`: server-sent events named `view`, one at once and one at each change; and `alarm`, with what
/// is wrong with the journal, when that changes.
pub(crate) async fn events(State(desk): State<Arc<Desk>>, Part(id): Part<u64>) -> Result<Response, Problem> {
    rooms::view(&desk, id).await?;
    let closing = desk.closing.subscribe();
    let keep = KeepAlive::new().interval(Duration::from_secs(15));
    Ok(Sse::new(follow(desk, CampaignId(id), closing))
        .keep_alive(keep)
        .into_response())
}

/// Ends when the server closes.
fn follow(
    desk: Arc<Desk>,
    id: CampaignId,
    closing: watch::Receiver<bool>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(
        (desk, closing, None::<CampaignView>, None::<String>),
        move |(desk, mut closing, shown, told)| async move {
            loop {
                let view = desk.services.campaigns.view();
                if view.journal.alarm != told {
                    let alarm = view.journal.alarm.clone();
                    let event = Event::default()
                        .event("alarm")
                        .json_data(json!({ "alarm": alarm }))
                        .ok()?;
                    return Some((Ok(event), (desk, closing, shown, alarm)));
                }
                // A campaign that was made a moment ago is not in the view yet.
                if let Some(now) = view.campaign(id)
                    && shown.as_ref() != Some(now)
                {
                    let event = Event::default().event("view").json_data(now).ok()?;
                    return Some((Ok(event), (Arc::clone(&desk), closing, Some(now.clone()), told)));
                }
                tokio::select! {
                    _ = closing.wait_for(|closing| *closing) => return None,
                    () = tokio::time::sleep(LOOK) => {}
                }
            }
        },
    )
}
