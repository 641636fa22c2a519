//! Whether what tocsin reports is what the carrier saw.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::desk::View;
use crate::carrier::{counts::Counts, phones::international};

/// One figure that both sides must have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// What is counted.
    pub what: String,
    /// What tocsin says.
    pub tocsin: u64,
    /// What the carrier says, or the figure that must be there.
    pub carrier: u64,
}

impl Figure {
    fn new(what: impl Into<String>, tocsin: u64, carrier: u64) -> Figure {
        Figure {
            what: what.into(),
            tocsin,
            carrier,
        }
    }

    /// Whether both say the same.
    pub fn agrees(&self) -> bool {
        self.tocsin == self.carrier
    }
}

/// An attempt, as far as it can be compared, out of tocsin's JSON report.
#[derive(Debug, Clone, PartialEq)]
struct Attempt {
    number: String,
    status: Option<u64>,
    /// Written down as begun and taken back before an INVITE left, because the trunk asked for a pause.
    is_withdrawn: bool,
}

impl Attempt {
    fn read(row: &Value) -> Attempt {
        let status = row["status"].as_u64();
        let lasted = row["ringing"].as_f64().unwrap_or_default() + row["talking"].as_f64().unwrap_or_default();
        Attempt {
            number: international(row["number"].as_str().unwrap_or_default()),
            status,
            is_withdrawn: status.is_none() && lasted == 0.0,
        }
    }
}

/// Compares. `report` is tocsin's JSON report, `people` the number of people in the spreadsheet.
pub fn compare(view: &View, report: &Value, counts: &Counts, people: u64) -> Vec<Figure> {
    let rows = report["attempts"].as_array().map_or(&[][..], Vec::as_slice);
    let (withdrawn, attempts): (Vec<Attempt>, Vec<Attempt>) =
        rows.iter().map(Attempt::read).partition(|attempt| attempt.is_withdrawn);
    let withdrawn = withdrawn.len() as u64;
    let mut figures = vec![
        Figure::new("people to alert", view.recipients, people),
        Figure::new("people accounted for", accounted(view), people),
        Figure::new("people still pending", view.pending, 0),
        Figure::new("calls placed", view.attempts.saturating_sub(withdrawn), counts.calls),
        Figure::new("calls in the report", attempts.len() as u64, counts.calls),
        Figure::new("people who confirmed", view.confirmed, counts.thanked()),
        Figure::new("calls answered", with_status(&attempts, 200), counts.answered),
        Figure::new(
            "telephones rung after their confirmation",
            0,
            counts.rung_after_thanks().len() as u64,
        ),
        Figure::new("calls that the carrier found dead", 0, counts.lost),
        Figure::new("answered calls without sound", 0, counts.unheard),
    ];
    for status in [404, 480, 486, 503] {
        let seen = counts.statuses.get(&(status as u16)).copied().unwrap_or_default();
        figures.push(Figure::new(
            format!("calls refused with {status}"),
            with_status(&attempts, status),
            seen,
        ));
    }
    figures.push(Figure::new(
        "telephones with the same number of calls on both sides",
        same(&attempts, counts),
        counts.numbers.len() as u64,
    ));
    figures
}

fn accounted(view: &View) -> u64 {
    view.confirmed + view.informed + view.not_confirmed + view.failed.values().sum::<u64>()
}

fn with_status(attempts: &[Attempt], status: u64) -> u64 {
    attempts.iter().filter(|attempt| attempt.status == Some(status)).count() as u64
}

/// Telephones that were called as often as the report says.
fn same(attempts: &[Attempt], counts: &Counts) -> u64 {
    let mut calls: BTreeMap<&str, u64> = BTreeMap::new();
    for attempt in attempts {
        *calls.entry(&attempt.number).or_default() += 1;
    }
    counts
        .numbers
        .iter()
        .filter(|(number, seen)| calls.get(number.as_str()) == Some(&seen.calls))
        .count() as u64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::carrier::counts::Telephone;

    fn world() -> (View, Value, Counts) {
        let view = View {
            recipients: 2,
            confirmed: 1,
            not_confirmed: 1,
            attempts: 4,
            ..View::default()
        };
        let report = json!({ "attempts": [
            { "number": "03 53 01 00 01", "status": 486 },
            { "number": "03 53 01 00 01", "status": 200 },
            { "number": "06 39 98 00 01", "status": 200 },
            { "number": "06 39 98 00 01", "status": null, "ringing": 0.0, "talking": 0.0 },
        ] });
        let mut counts = Counts {
            calls: 3,
            answered: 2,
            ..Counts::default()
        };
        counts.statuses.extend([(200, 2), (486, 1)]);
        let first = Telephone {
            calls: 2,
            answered: 1,
            pressed_1: 1,
            thanked: 1,
            ..Telephone::default()
        };
        let second = Telephone {
            calls: 1,
            answered: 1,
            ..Telephone::default()
        };
        counts.numbers.insert("+33353010001".into(), first);
        counts.numbers.insert("+33639980001".into(), second);
        (view, report, counts)
    }

    #[test]
    fn two_honest_accounts_agree() {
        let (view, report, counts) = world();
        let wrong: Vec<Figure> = compare(&view, &report, &counts, 2)
            .into_iter()
            .filter(|figure| !figure.agrees())
            .collect();
        assert_eq!(wrong, []);
    }

    #[test]
    fn each_lie_is_found() {
        type Lie = fn(&mut View, &mut Counts);
        let lies: [(&str, Lie); 6] = [
            ("calls placed", |_, counts| counts.calls += 1),
            ("people who confirmed", |view, _| view.confirmed = 2),
            ("people accounted for", |view, _| view.not_confirmed = 0),
            ("calls refused with 503", |_, counts| {
                *counts.statuses.entry(503).or_default() = 1;
            }),
            ("telephones rung after their confirmation", |_, counts| {
                counts
                    .numbers
                    .entry("+33353010001".into())
                    .or_default()
                    .rung_after_thanks = 1;
            }),
            ("telephones with the same number of calls on both sides", |_, counts| {
                counts.numbers.entry("+33639980001".into()).or_default().calls = 2;
            }),
        ];
        for (what, lie) in lies {
            let (mut view, report, mut counts) = world();
            lie(&mut view, &mut counts);
            let figures = compare(&view, &report, &counts, 2);
            assert!(
                figures.iter().any(|figure| figure.what == what && !figure.agrees()),
                "{what}"
            );
        }
    }
}
