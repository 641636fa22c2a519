//! Service reports that make themselves when a period is over, and stay as they were made (R34).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dialer::statistics::{Period, Unit};
use jiff::tz::TimeZone;
use tokio::sync::watch;

use crate::audit::Operation;
use crate::desk::{Desk, blocking, now_ms};
use crate::problem::Problem;
use crate::report::document;
use crate::statements::{self, Kind, Wanted};
use crate::store;
use crate::text::Language;

/// How often it is looked whether a period is over. A report may be a little late, it is not lost by a restart.
const LOOK: Duration = Duration::from_secs(300);
/// Forms in which a report is kept.
const FORMS: [&str; 2] = ["pdf", "xlsx"];

/// Where kept reports lie.
pub(crate) fn folder(desk: &Desk) -> PathBuf {
    desk.settings.data.join("reports")
}

fn file_name(period: &Period, form: &str) -> String {
    format!("service-{period}.{form}")
}

/// The period whose report is to be made now: the one that is just over, unless its report is there or nothing had
/// happened by its end.
fn due(
    every: Unit,
    now_ms: i64,
    first_ms: Option<i64>,
    zone: &TimeZone,
    has: impl Fn(&Period) -> bool,
) -> Option<Period> {
    let over = Period::at(every, now_ms, zone).previous();
    let is_empty = first_ms.is_none_or(|first| first >= over.span(zone).to_ms);
    (!is_empty && !has(&over)).then_some(over)
}

/// Makes reports until the desk closes.
pub(crate) async fn run(desk: Arc<Desk>, mut closing: watch::Receiver<bool>) {
    let Some(every) = desk.settings.service_report else {
        return;
    };
    loop {
        let first_ms = first_launch(&desk);
        let place = folder(&desk);
        let has = |period: &Period| FORMS.iter().all(|form| place.join(file_name(period, form)).exists());
        if let Some(period) = due(every, now_ms(), first_ms, &desk.zone, has)
            && let Err(problem) = make(&desk, &period).await
        {
            let why = problem.sentence(desk.words(Language::English));
            tracing::error!(%period, %why, "the service report could not be made; it is tried again");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = closing.wait_for(|closing| *closing) => return,
        }
    }
}

fn first_launch(desk: &Desk) -> Option<i64> {
    let view = desk.services.campaigns.view();
    view.campaigns.iter().filter_map(|campaign| campaign.launched_ms).min()
}

/// Makes the report of a period, in French, the language of the service.
async fn make(desk: &Arc<Desk>, period: &Period) -> Result<(), Problem> {
    let wanted = Wanted {
        period: Some(period.to_string()),
        ..Wanted::default()
    };
    let made = statements::document(desk, Kind::Service, &wanted, Language::French).await?;
    let (asked, period) = (Arc::clone(desk), *period);
    blocking(move || {
        let place = folder(&asked);
        std::fs::create_dir_all(&place).map_err(|error| Problem::internal(&error))?;
        let words = asked.words(Language::French);
        let xlsx = document::xlsx(&made).map_err(|error| Problem::internal(&error))?;
        store::replace(&place.join(file_name(&period, "xlsx")), &xlsx)?;
        store::replace(&place.join(file_name(&period, "pdf")), &document::pdf(&made, words))?;
        Ok::<_, Problem>(())
    })
    .await??;
    desk.trace(Operation {
        user: String::new(),
        address: String::new(),
        operation: "statement.kept".into(),
        target: period.to_string(),
        status: 201,
    })
    .await;
    Ok(())
}

/// Names of the kept reports, newest first. May block.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| period_of(name).is_some())
        .collect();
    names.sort_unstable_by(|a, b| b.cmp(a));
    names
}

/// The period and form of a kept report's name; `None` for any other name, so that no path leads elsewhere.
pub(crate) fn period_of(name: &str) -> Option<(Period, &'static str)> {
    let (period, form) = name.strip_prefix("service-")?.rsplit_once('.')?;
    let form = FORMS.into_iter().find(|known| *known == form)?;
    let read: Period = period.parse().ok()?;
    // One name only for each period.
    (read.to_string() == period).then_some((read, form))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_due_once_when_its_period_is_over() {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let first = Some(at("2026-11-03T10:00:00Z"));
        let due = |now: &str, first, has: bool| {
            due(Unit::Month, at(now), first, &zone, |_| has).map(|period| period.to_string())
        };
        assert_eq!(due("2026-11-30T22:59:59Z", first, false), None, "October had nothing");
        assert_eq!(
            due("2026-11-30T23:00:00Z", first, false).as_deref(),
            Some("2026-11"),
            "midnight in Paris"
        );
        assert_eq!(due("2026-11-30T23:00:00Z", first, true), None);
        assert_eq!(
            due("2027-01-15T00:00:00Z", first, false).as_deref(),
            Some("2026-12"),
            "quiet months are told too"
        );
        assert_eq!(due("2026-11-30T23:00:00Z", None, false), None);
    }

    #[test]
    fn only_names_of_kept_reports_are_taken() {
        assert!(period_of("service-2026-11.pdf").is_some());
        for name in [
            "service-2026-11.exe",
            "../users.json",
            "service-../x.pdf",
            "service-2026-T1.pdf",
            "users.json",
            "service-.pdf",
        ] {
            assert!(period_of(name).is_none(), "{name}");
        }
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "service-2026-10.pdf",
            "service-2026-11.pdf",
            "service-2026-11.xlsx",
            "notes.txt",
        ] {
            std::fs::write(folder.path().join(name), b"x").unwrap();
        }
        let expected = ["service-2026-11.xlsx", "service-2026-11.pdf", "service-2026-10.pdf"];
        assert_eq!(names(folder.path()), expected);
        assert!(names(Path::new("/nonexistent")).is_empty());
    }
}
