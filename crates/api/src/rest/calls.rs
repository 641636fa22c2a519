//! Calls in progress: a snapshot, or as they change.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use dialer::{AttemptId, CallPhase, CallState, CampaignId, RecipientId};
use futures_util::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::desk::Desk;
use crate::extract::Query;
use crate::problem::Problem;
use crate::rooms;

/// How often the table is looked at for those who follow it.
const LOOK: Duration = Duration::from_millis(500);

/// Calls shown unless the request says otherwise, and the most that it may ask for.
const USUAL: usize = 100;
const MOST: usize = 1000;

/// Which calls.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct Filter {
    /// Those of one campaign.
    pub(crate) campaign: Option<u64>,
    pub(crate) limit: Option<usize>,
}

/// One call in progress.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Row {
    pub(crate) attempt: AttemptId,
    pub(crate) campaign: CampaignId,
    pub(crate) campaign_name: String,
    pub(crate) recipient: RecipientId,
    /// Empty when the recipient was erased meanwhile.
    pub(crate) name: String,
    pub(crate) number: String,
    pub(crate) trunk: String,
    pub(crate) phase: CallPhase,
    pub(crate) since_ms: i64,
}

/// Calls in progress: how many in each phase, and the first of them: those that are farthest, longest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Calls {
    pub(crate) total: usize,
    pub(crate) phases: BTreeMap<&'static str, usize>,
    pub(crate) calls: Vec<Row>,
}

/// What the table holds now.
pub(crate) fn look(desk: &Desk, filter: Filter) -> Calls {
    let mut found: Vec<(AttemptId, CallState)> = desk
        .services
        .calls
        .iter()
        .filter(|entry| filter.campaign.is_none_or(|id| entry.campaign == CampaignId(id)))
        .map(|entry| (*entry.key(), entry.value().clone()))
        .collect();
    let mut phases: BTreeMap<&'static str, usize> = CallPhase::ALL.map(|phase| (phase.name(), 0)).into();
    for (_, state) in &found {
        *phases.entry(state.phase.name()).or_default() += 1;
    }
    let total = found.len();
    found.sort_unstable_by_key(|(attempt, state)| (std::cmp::Reverse(state.phase), state.since_ms, *attempt));
    found.truncate(filter.limit.unwrap_or(USUAL).min(MOST));
    let (view, directory) = (desk.services.campaigns.view(), desk.services.directory.snapshot());
    let row = |(attempt, state): (AttemptId, CallState)| Row {
        attempt,
        campaign: state.campaign,
        campaign_name: view
            .campaign(state.campaign)
            .map(|campaign| campaign.name.clone())
            .unwrap_or_default(),
        recipient: state.recipient,
        name: directory
            .recipient(state.recipient)
            .map(|recipient| recipient.full_name())
            .unwrap_or_default(),
        number: state.number.dialled_from_france(),
        trunk: view
            .trunks
            .get(usize::from(state.trunk.0))
            .map(|trunk| trunk.name.clone())
            .unwrap_or_default(),
        phase: state.phase,
        since_ms: state.since_ms,
    };
    Calls {
        total,
        phases,
        calls: found.into_iter().map(row).collect(),
    }
}

/// `GET /calls`.
pub(crate) async fn list(State(desk): State<Arc<Desk>>, Query(filter): Query<Filter>) -> Response {
    axum::Json(look(&desk, filter)).into_response()
}

/// `GET /calls/events`: server-sent events named `calls`, one at once and one at each change.
///
/// # Errors
/// When there is no such campaign.
pub(crate) async fn events(State(desk): State<Arc<Desk>>, Query(filter): Query<Filter>) -> Result<Response, Problem> {
    if let Some(campaign) = filter.campaign {
        rooms::view(&desk, campaign).await?;
    }
    let closing = desk.closing.subscribe();
    let keep = KeepAlive::new().interval(Duration::from_secs(15));
    Ok(Sse::new(follow(desk, filter, closing)).keep_alive(keep).into_response())
}

/// Ends when the server closes.
fn follow(
    desk: Arc<Desk>,
    filter: Filter,
    closing: watch::Receiver<bool>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(
        (desk, closing, None::<Calls>),
        move |(desk, mut closing, shown)| async move {
            loop {
                let now = look(&desk, filter);
                if shown.as_ref() != Some(&now) {
                    let event = Event::default().event("calls").json_data(&now).ok()?;
                    return Some((Ok(event), (desk, closing, Some(now))));
                }
                tokio::select! {
                    _ = closing.wait_for(|closing| *closing) => return None,
                    () = tokio::time::sleep(LOOK) => {}
                }
            }
        },
    )
}
