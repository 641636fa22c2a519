//! The levers of a campaign: what one press does to it, from the interface and from the console alike.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use dialer::{CampaignId, Command};
use serde::Deserialize;

use crate::console::live::back;
use crate::desk::{Caller, Desk};
use crate::extract::{Form, Part, Query};
use crate::problem::Problem;
use crate::rooms;

/// What can be done to a campaign without saying more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lever {
    Launch,
    Pause,
    Resume,
    Stop,
    Retry,
}

/// Each lever by its name in the interface and in the console.
const LEVERS: [(&str, &str, Lever); 5] = [
    ("launch", "lancer", Lever::Launch),
    ("pause", "pause", Lever::Pause),
    ("resume", "reprendre", Lever::Resume),
    ("stop", "arreter", Lever::Stop),
    ("retry", "rappeler", Lever::Retry),
];

/// How it is pulled.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Pull {
    /// For [`Lever::Stop`]: whether calls in progress are hung up.
    #[serde(default)]
    hang_up: bool,
}

impl Lever {
    fn command(self, id: u64, Pull { hang_up }: Pull, by: String) -> Command {
        let campaign = CampaignId(id);
        match self {
            Lever::Launch => Command::Launch { campaign, by },
            Lever::Pause => Command::Pause { campaign, by },
            Lever::Resume => Command::Resume { campaign, by },
            Lever::Stop => Command::Stop { campaign, hang_up, by },
            Lever::Retry => Command::RetryUnconfirmed { campaign, by },
        }
    }
}

/// `POST /api/v1/campaigns/{id}/VERB` and `POST /campagnes/{id}/VERBE`.
pub(crate) fn routes() -> Router<Arc<Desk>> {
    LEVERS.iter().fold(Router::new(), |router, (verb, verbe, lever)| {
        let lever = *lever;
        let program = async move |State(desk): State<Arc<Desk>>,
                                  caller: Caller,
                                  Part(id): Part<u64>,
                                  Query(pull): Query<Pull>| {
            program(&desk, lever.command(id, pull, caller.login)).await
        };
        let person =
            async move |State(desk): State<Arc<Desk>>, caller: Caller, Part(id): Part<u64>, Form(pull): Form<Pull>| {
                person(&desk, id, lever.command(id, pull, caller.login)).await
            };
        router
            .route(&format!("/api/v1/campaigns/{{id}}/{verb}"), post(program))
            .route(&format!("/campagnes/{{id}}/{verbe}"), post(person))
    })
}

async fn program(desk: &Arc<Desk>, command: Command) -> Result<Response, Problem> {
    rooms::command(desk, command).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn person(desk: &Arc<Desk>, id: u64, command: Command) -> Result<Response, Problem> {
    rooms::steer(desk, command).await?;
    Ok(back(id, ""))
}
