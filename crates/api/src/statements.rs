//! Documents about a period: asked for in the console or the interface, gathered from the dialer, built in the reader's
//! language.

use std::sync::Arc;

use axum::http::StatusCode;
use dialer::statistics::{Activity, Figures, Period, Unit, Which};
use dialer::{Answer, Preset, Query};
use serde::Deserialize;

use crate::desk::{Desk, blocking, now_ms};
use crate::problem::Problem;
use crate::report::document::Document;
use crate::report::{capacity, service};
use crate::rooms;
use crate::text::Language;

/// Lists whose launch is computed for a capacity statement; computing one takes some milliseconds.
const MOST_LISTS: usize = 20;

/// Which document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Service report and statistics.
    #[default]
    Service,
    /// Capacity statement.
    Capacity,
}

impl Kind {
    pub(crate) const ALL: [Kind; 2] = [Kind::Service, Kind::Capacity];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Service => "service",
            Kind::Capacity => "capacity",
        }
    }
}

/// What is asked for. Without a period: the current month; the current year for a capacity statement.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) period: Option<String>,
    #[serde(default)]
    pub(crate) which: Which,
    /// The table of a CSV file.
    pub(crate) table: Option<String>,
}

impl Wanted {
    pub(crate) fn period(&self, desk: &Desk, kind: Kind) -> Result<Period, Problem> {
        let unit = if kind == Kind::Capacity {
            Unit::Year
        } else {
            Unit::Month
        };
        match self.period.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            None => Ok(Period::at(unit, now_ms(), &desk.zone)),
            Some(text) => text
                .parse()
                .map_err(|_| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "period-form").with("period", text)),
        }
    }
}

/// Gathers and computes away from the serving threads.
pub(crate) async fn document(
    desk: &Arc<Desk>,
    kind: Kind,
    wanted: &Wanted,
    language: Language,
) -> Result<Document, Problem> {
    let (period, which) = (wanted.period(desk, kind)?, wanted.which);
    let desk = Arc::clone(desk);
    blocking(move || {
        let activity = activity(&desk, &period)?;
        let figures = Figures::of(&activity, &period, which, &desk.zone);
        Ok(match kind {
            Kind::Service => service::build(&desk, &figures, &period, language),
            Kind::Capacity => {
                let view = desk.services.campaigns.view();
                capacity::build(&desk, &figures, &period, &view.trunks, &launches(&desk), language)
            }
        })
    })
    .await?
}

fn activity(desk: &Desk, period: &Period) -> Result<Activity, Problem> {
    match desk
        .services
        .campaigns
        .query(Query::Activity(period.span(&desk.zone)))?
    {
        Answer::Activity(activity) => Ok(*activity),
        _ => Err(Problem::internal(&"the dialer answered another question")),
    }
}

/// What an immediate alert to each list would lead to now; the global list first.
fn launches(desk: &Desk) -> Vec<capacity::Launch> {
    let directory = desk.services.directory.snapshot();
    let policy = Preset::Immediate.policy();
    let lists = directory.lists().iter().take(MOST_LISTS);
    let launch = |list: &Arc<directory::List>| {
        let members = directory.members(list.id).ok()?;
        let contacts = rooms::contacts(&directory, &members);
        if contacts.is_empty() {
            return None;
        }
        Some(capacity::Launch {
            list: list.name.clone(),
            prediction: desk.services.campaigns.predict(&contacts, &policy)?,
        })
    };
    lists.filter_map(launch).collect()
}
