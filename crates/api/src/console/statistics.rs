//! Statistics, service report and capacity: the documents of a period as pages.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Html;
use dialer::statistics::{Period, Unit, Which};
use serde::Deserialize;

use super::page::{Esc, Page, put};
use crate::desk::{Caller, Desk, blocking, now_ms};
use crate::extract::Query;
use crate::kept;
use crate::problem::Problem;
use crate::report::Cell;
use crate::report::document::{Document, Section, cut_note};
use crate::report::service;
use crate::statements::{self, Kind, Wanted};
use crate::text::grouped;

/// What the page shows. The period is given as such, or by a day and a unit of the form.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    document: Kind,
    #[serde(flatten)]
    wanted: Wanted,
    /// First day, from the form.
    #[serde(default)]
    day: String,
    /// `day`, `week`, `month`, `quarter`, `year` or `days`.
    #[serde(default)]
    unit: String,
    /// Last day, for `days`.
    #[serde(default)]
    last: String,
}

const UNITS: [(&str, Unit); 5] = [
    ("day", Unit::Day),
    ("week", Unit::Week),
    ("month", Unit::Month),
    ("quarter", Unit::Quarter),
    ("year", Unit::Year),
];

impl Asked {
    /// Turns what the form holds into a period.
    fn settle(&mut self, desk: &Desk) -> Result<Period, Problem> {
        if !self.unit.is_empty() && !self.day.is_empty() {
            let text = if self.unit == "days" {
                format!(
                    "{}..{}",
                    self.day,
                    if self.last.is_empty() { &self.day } else { &self.last }
                )
            } else {
                self.day.clone()
            };
            self.wanted.period = Some(text);
            let day = self.wanted.period(desk, self.document)?;
            if let Some((_, unit)) = UNITS.iter().find(|(name, _)| *name == self.unit) {
                self.wanted.period = Some(Period::containing(*unit, day.first()).to_string());
            }
        }
        let period = self.wanted.period(desk, self.document)?;
        self.wanted.period = Some(period.to_string());
        Ok(period)
    }
}

fn which_name(which: Which) -> &'static str {
    match which {
        Which::All => "all",
        Which::Real => "real",
        Which::Exercises => "exercises",
    }
}

/// `GET /statistiques`.
pub(crate) async fn page(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Query(mut asked): Query<Asked>,
) -> Result<Html<String>, Problem> {
    let period = asked.settle(&desk)?;
    let document = statements::document(&desk, asked.document, &asked.wanted, caller.language).await?;
    let kept = match asked.document {
        Kind::Service => {
            let place = kept::folder(&desk);
            blocking(move || kept::names(&place)).await?
        }
        _ => Vec::new(),
    };
    let mut page = Page::new(&desk, &caller);
    put!(
        page,
        "<h1>{} <small class=soft>{}</small></h1>",
        Esc(&document.heading),
        Esc(&document.title)
    );
    tabs(&mut page, &asked, &period);
    form(&mut page, &asked, &period);
    downloads(&mut page, &asked, &period);
    kept_reports(&mut page, &kept);
    facts(&mut page, &document);
    for section in &document.sections {
        show(&mut page, &document, section);
    }
    let title = document.heading.clone();
    Ok(page.finish(&title, "/statistiques"))
}

fn address(kind: Kind, period: &Period, which: Which) -> String {
    format!(
        "/statistiques?document={}&amp;period={period}&amp;which={}",
        kind.name(),
        which_name(which)
    )
}

fn tabs(page: &mut Page<'_>, asked: &Asked, period: &Period) {
    put!(
        page,
        "<nav class=actions aria-label=\"{}\">",
        page.t("statistics-documents")
    );
    for kind in Kind::ALL {
        let here = if kind == asked.document {
            " aria-current=page"
        } else {
            ""
        };
        let label = page.t(&format!("document-{}", kind.name()));
        put!(
            page,
            "<a class=\"button small{}\" href=\"{}\"{here}>{label}</a>",
            if here.is_empty() { "" } else { " first" },
            address(kind, period, asked.wanted.which)
        );
    }
    put!(page, "</nav>");
}

fn form(page: &mut Page<'_>, asked: &Asked, period: &Period) {
    let today = Period::at(Unit::Day, now_ms(), &page.desk.zone).first();
    put!(
        page,
        "<form class=card action=/statistiques><input type=hidden name=document value={}><div class=pair><div><label for=unit>{}</label><select id=unit name=unit>",
        asked.document.name(),
        page.t("statistics-unit"),
    );
    let chosen = |name: &str, unit: Option<Unit>| match (period.unit(), unit) {
        (None, None) if name == "days" => " selected",
        (Some(now), Some(unit)) if now == unit => " selected",
        _ => "",
    };
    for (name, unit) in UNITS {
        let selected = chosen(name, Some(unit));
        put!(
            page,
            "<option value={name}{selected}>{}</option>",
            page.t(&format!("unit-{name}"))
        );
    }
    let selected = chosen("days", None);
    put!(
        page,
        "<option value=days{selected}>{}</option></select></div>",
        page.t("unit-days")
    );
    for (name, key, value) in [
        ("day", "statistics-day", period.first()),
        ("last", "statistics-last", period.last()),
    ] {
        put!(
            page,
            "<div><label for={name}>{}</label><input type=date id={name} name={name} value={value} max={}></div>",
            page.t(key),
            today.max(value)
        );
    }
    put!(
        page,
        "<div><label for=which>{}</label><select id=which name=which>",
        page.t("statistics-which")
    );
    for which in [Which::All, Which::Real, Which::Exercises] {
        let name = which_name(which);
        let selected = if which == asked.wanted.which { " selected" } else { "" };
        put!(
            page,
            "<option value={name}{selected}>{}</option>",
            page.t(&format!("which-{name}"))
        );
    }
    put!(
        page,
        "</select></div></div><p class=actions><button class=first>{}</button>",
        page.t("statistics-show")
    );
    for (key, other) in [
        ("statistics-before", period.previous()),
        ("statistics-after", period.next()),
    ] {
        let title = Esc(service::title(page.words, &other)).to_string();
        put!(
            page,
            "<a class=\"button small\" href=\"{}\" aria-label=\"{} : {title}\">{}</a>",
            address(asked.document, &other, asked.wanted.which),
            page.t(key),
            page.t(key),
        );
    }
    put!(page, "</p></form>");
}

fn downloads(page: &mut Page<'_>, asked: &Asked, period: &Period) {
    put!(
        page,
        "<p class=actions><span class=soft>{}</span>",
        page.t("statistics-files")
    );
    for extension in ["pdf", "xlsx", "csv", "json"] {
        put!(
            page,
            "<a class=\"button small\" download href=\"/api/v1/statements/{}.{extension}?period={period}&amp;which={}\">{}</a>",
            asked.document.name(),
            which_name(asked.wanted.which),
            extension.to_uppercase()
        );
    }
    put!(page, "</p>");
}

/// The reports that made themselves.
fn kept_reports(page: &mut Page<'_>, names: &[String]) {
    if names.is_empty() {
        return;
    }
    put!(
        page,
        "<details class=card><summary>{}</summary><p class=hint>{}</p><ul>",
        page.t("kept-title"),
        page.t("kept-hint")
    );
    for name in names {
        let Some((period, form)) = kept::period_of(name) else {
            continue;
        };
        put!(
            page,
            "<li><a download href=\"/api/v1/statements/kept/{}\">{} ({})</a>",
            Esc(name),
            Esc(service::title(page.words, &period)),
            form.to_uppercase()
        );
    }
    put!(page, "</ul></details>");
}

fn shown(page: &Page<'_>, document: &Document, cell: &Cell) -> String {
    match cell {
        Cell::Count(number) => grouped(*number, page.caller.language),
        cell => cell.shown(&document.zone),
    }
}

pub(super) fn facts(page: &mut Page<'_>, document: &Document) {
    put!(page, "<section class=card><dl class=\"figures facts\">");
    for fact in &document.facts {
        let value = shown(page, document, &fact.value);
        put!(page, "<div class=live><dt>{}<dd>{}</div>", Esc(&fact.label), Esc(value));
    }
    put!(page, "</dl></section>");
}

pub(super) fn show(page: &mut Page<'_>, document: &Document, section: &Section) {
    put!(
        page,
        "<section class=card aria-labelledby=t-{0}><h2 id=t-{0}>{1}</h2>",
        section.key,
        Esc(&section.title)
    );
    if !section.hint.is_empty() {
        put!(page, "<p class=hint>{}</p>", Esc(&section.hint));
    }
    let rows = &section.table.rows;
    if rows.is_empty() {
        put!(page, "<p>{}</p></section>", page.t("document-nothing"));
        return;
    }
    chart(page, document, section);
    put!(page, "<div class=scroll><table><thead><tr>");
    let is_figure = |index: usize| {
        let first = rows
            .iter()
            .filter_map(|row| row.get(index))
            .find(|cell| **cell != Cell::Empty);
        first.is_some_and(|cell| !matches!(cell, Cell::Text(_) | Cell::Time(_)))
    };
    let figures: Vec<bool> = (0..section.table.columns.len()).map(is_figure).collect();
    for (column, is_figure) in section.table.columns.iter().zip(&figures) {
        let class = if *is_figure { " class=number" } else { "" };
        put!(page, "<th scope=col{class}>{}", Esc(&column.label));
    }
    put!(page, "</tr></thead><tbody>");
    for row in rows.iter().take(section.most) {
        put!(page, "<tr>");
        for (cell, is_figure) in row.iter().zip(&figures) {
            let class = if *is_figure { " class=number" } else { "" };
            let value = shown(page, document, cell);
            put!(page, "<td{class}>{}", Esc(value));
        }
        put!(page, "</tr>");
    }
    put!(page, "</tbody></table></div>");
    if let Some(note) = cut_note(page.words, section) {
        put!(page, "<p class=hint>{}</p>", Esc(note));
    }
    put!(page, "</section>");
}

/// Bars; the table below says the same in figures, so that a reader of the screen loses nothing.
fn chart(page: &mut Page<'_>, document: &Document, section: &Section) {
    let Some(bars) = section.bars(&document.zone) else {
        return;
    };
    let highest = bars.iter().map(|(_, height)| *height).max().unwrap_or(1).max(1);
    let step = 100.0 / bars.len() as f64;
    put!(page, "<svg class=bars role=img aria-label=\"{}\">", Esc(&section.title));
    for (index, (label, height)) in bars.iter().enumerate() {
        let tall = 100.0 * *height as f64 / highest as f64;
        put!(
            page,
            "<rect class=fill-confirmed x=\"{:.3}%\" y=\"{:.2}%\" width=\"{:.3}%\" height=\"{tall:.2}%\"><title>{} : {}</title></rect>",
            step * (index as f64 + 0.1),
            100.0 - tall,
            step * 0.8,
            Esc(label),
            grouped(*height, page.caller.language),
        );
    }
    put!(page, "</svg>");
}
