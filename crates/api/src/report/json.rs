//! The report for programs: numbers as numbers, times in RFC 3339.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Cell, Count, Report, Table};

/// The whole report.
pub(crate) fn write(report: &Report) -> Value {
    json!({
        "organisation": report.organisation,
        "campaign": report.title,
        "message": report.message,
        "facts": report.facts.iter().map(|fact| (fact.key.to_owned(), cell(&fact.value))).collect::<Map<_, _>>(),
        "counts": counts(&report.counts),
        "total": report.counts.iter().map(|count| count.value).sum::<u64>(),
        "causes": counts(&report.causes),
        "timeline": report.timeline.iter().map(|(s, count)| json!([s, count])).collect::<Vec<_>>(),
        "recipients": table(&report.recipients),
        "attempts": table(&report.attempts),
    })
}

fn counts(counts: &[Count]) -> Map<String, Value> {
    counts
        .iter()
        .map(|count| (count.key.to_owned(), count.value.into()))
        .collect()
}

pub(super) fn table(table: &Table) -> Vec<Value> {
    let object = |row: &Vec<Cell>| {
        let fields = table
            .columns
            .iter()
            .zip(row)
            .map(|(column, value)| (column.key.to_owned(), cell(value)));
        Value::Object(fields.collect())
    };
    table.rows.iter().map(object).collect()
}

pub(super) fn cell(cell: &Cell) -> Value {
    match cell {
        Cell::Empty => Value::Null,
        Cell::Text(text) => text.as_str().into(),
        Cell::Count(count) => (*count).into(),
        Cell::Millis(millis) | Cell::Lasting(millis) => (*millis as f64 / 1e3).into(),
        Cell::Time(utc_ms) => Timestamp::from_millisecond(*utc_ms).map_or(Value::Null, |at| at.to_string().into()),
        Cell::Micros(micros) | Cell::Ratio(micros) => (*micros as f64 / 1e6).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn programs_get_numbers_and_instants() {
        let value = write(&sample());
        assert_eq!(value["counts"]["confirmed"], 2);
        assert_eq!(value["total"], 3);
        assert_eq!(value["facts"]["launched"], "2026-11-25T01:00:00Z");
        assert_eq!(value["facts"]["cost"], 1.25);
        assert_eq!(value["recipients"][2]["confirmed"], Value::Null);
        assert_eq!(value["attempts"][0]["ringing"], 12.5);
    }
}
