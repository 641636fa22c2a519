//! What calls cost, by period: for those who pay (R7).

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dialer::{Account, Period, Totals};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::desk::{Caller, Desk, blocking, now_ms};
use crate::extract::Query;
use crate::problem::Problem;
use crate::report::invoice::{self, Choice};
use crate::rooms;

/// Attempts that one file may hold: what a sheet of a workbook can.
const MOST_ATTEMPTS: u64 = 1_000_000;

/// The days of an account; both are included. Without them: the current month.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Days {
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
}

/// Days that were understood.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) from: Date,
    pub(crate) to: Date,
    pub(crate) period: Period,
}

impl Days {
    /// The days, and their bounds in the desk's time zone.
    pub(crate) fn span(&self, desk: &Desk) -> Result<Span, Problem> {
        let today = crate::report::civil(now_ms(), &desk.zone).date();
        let day = |text: &Option<String>, usual: Date| match text.as_deref().map(str::trim) {
            None | Some("") => Ok(usual),
            Some(text) => text.parse::<Date>().map_err(|_| wrong()),
        };
        let from = day(&self.from, today.first_of_month())?;
        let to = day(&self.to, from.max(today).last_of_month())?;
        let start = |day: Date| {
            let zoned = day.to_zoned(desk.zone.clone()).map_err(|_| wrong())?;
            Ok::<_, Problem>(zoned.timestamp().as_millisecond())
        };
        let (from_ms, to_ms) = (start(from)?, start(to.tomorrow().map_err(|_| wrong())?)?);
        if from > to {
            return Err(wrong());
        }
        let period = Period { from_ms, to_ms };
        Ok(Span { from, to, period })
    }
}

fn wrong() -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-period")
}

fn sums<K>(
    key: &str,
    name: impl Fn(K) -> Value,
    sums: impl IntoIterator<Item = (K, Totals)>,
) -> Result<Value, Problem> {
    let rows = sums.into_iter().map(|(of, totals)| {
        let mut row = serde_json::to_value(totals).map_err(|error| Problem::internal(&error))?;
        row[key] = name(of);
        Ok(row)
    });
    Ok(Value::Array(rows.collect::<Result<_, Problem>>()?))
}

/// `GET /metering?from=&to=`: sums by month, service and campaign, and the finest lines.
pub(crate) async fn account(State(desk): State<Arc<Desk>>, Query(days): Query<Days>) -> Result<Response, Problem> {
    let span = days.span(&desk)?;
    let account = rooms::account(&desk, span.period, false).await?;
    let body = json!({
        "from": span.from.to_string(),
        "to": span.to.to_string(),
        "total": account.total(),
        "months": sums("month", |month: dialer::Month| month.to_string().into(), account.by(|line| line.month))?,
        "services": sums("service", Value::String, account.by(|line| line.service.clone()))?,
        "campaigns": sums("campaign", |id: dialer::CampaignId| id.0.into(), account.by(|line| line.campaign))?,
        "lines": account.lines,
    });
    Ok(axum::Json(body).into_response())
}

/// What of an account, and for which days. Flattening would make every field a text.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    from: Option<String>,
    to: Option<String>,
    #[serde(default)]
    table: Choice,
}

/// `GET /metering.csv?from=&to=&table=services|campaigns|lines|attempts`.
pub(crate) async fn as_csv(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Query(Asked { from, to, table }): Query<Asked>,
) -> Result<Response, Problem> {
    let span = Days { from, to }.span(&desk)?;
    let account = fetched(&desk, span.period, table.is_detailed()).await?;
    let asked = Arc::clone(&desk);
    let write = move || {
        invoice::csv(&account, table, asked.words(caller.language), &asked.zone)
            .map_err(|error| Problem::internal(&error))
    };
    file(span, "csv", "text/csv; charset=utf-8", blocking(write).await??)
}

/// `GET /metering.xlsx?from=&to=`: all tables.
pub(crate) async fn as_xlsx(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Query(days): Query<Days>,
) -> Result<Response, Problem> {
    let span = days.span(&desk)?;
    let account = fetched(&desk, span.period, true).await?;
    let asked = Arc::clone(&desk);
    let write = move || {
        let words = asked.words(caller.language);
        invoice::xlsx(&account, words, &asked.zone, &asked.settings.organisation)
            .map_err(|error| Problem::internal(&error))
    };
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    file(span, "xlsx", kind, blocking(write).await??)
}

/// The account; one whose attempts no sheet could hold is refused before they are gathered.
async fn fetched(desk: &Arc<Desk>, period: Period, detail: bool) -> Result<Account, Problem> {
    if detail && rooms::account(desk, period, false).await?.total().attempts > MOST_ATTEMPTS {
        let most = MOST_ATTEMPTS.to_string();
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "period-too-long").with("most", most));
    }
    rooms::account(desk, period, detail).await
}

fn file(span: Span, extension: &str, kind: &'static str, bytes: Vec<u8>) -> Result<Response, Problem> {
    let name = format!("attachment; filename=\"tocsin-{}-{}.{extension}\"", span.from, span.to);
    let disposition = HeaderValue::from_str(&name).map_err(|error| Problem::internal(&error))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, bytes).into_response())
}
