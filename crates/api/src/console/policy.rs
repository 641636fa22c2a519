//! The detailed settings of a new campaign: what differs from the preset, as an operator types it.

use dialer::Medium;
use directory::ListId;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use axum::http::StatusCode;

use super::page::{Esc, Page, put};
use crate::problem::Problem;
use crate::rooms::Named;

/// Lists that can be called one after the other.
pub(super) const WAVES: usize = 5;

/// What was typed, field by field; a field may come several times.
#[derive(Debug, Default)]
pub(super) struct Typed(Vec<(String, String)>);

impl Typed {
    pub(super) fn new(fields: Vec<(String, String)>) -> Typed {
        Typed(fields)
    }

    /// The field as it was typed; empty if it was not sent.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value.trim())
    }

    /// Every value of a field that comes several times.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let name = name.to_owned();
        self.0
            .iter()
            .filter(move |(known, _)| *known == name)
            .map(|(_, value)| value.trim())
    }

    /// The lists of the waves that were chosen, in order.
    pub(super) fn waves(&self) -> Vec<Named> {
        (1..=WAVES)
            .filter_map(|wave| self.get(&format!("wave{wave}")).parse().ok())
            .map(Named::Id)
            .collect()
    }
}

/// Numbers of the form: name, key of the label, where they go in the policy, factor to the policy's unit.
const NUMBERS: [(&str, &str, &[&str], u64); 11] = [
    ("tries_number", "policy-tries-number", &["tries_per_number"], 1),
    ("tries_recipient", "policy-tries-recipient", &["tries_per_recipient"], 1),
    ("busy", "policy-busy", &["delays", "busy"], 60),
    ("no_answer", "policy-no-answer", &["delays", "no_answer"], 60),
    (
        "not_confirmed",
        "policy-not-confirmed",
        &["delays", "not_confirmed"],
        60,
    ),
    ("period", "policy-period", &["total_period"], 60),
    ("priority", "policy-priority", &["priority"], 1),
    ("share", "policy-share", &["channel_share"], 1),
    ("repeats", "policy-repeats", &["repeats"], 1),
    ("needed", "policy-needed", &["escalation", "needed"], 1),
    ("wait", "policy-wait", &["escalation", "wait"], 60),
];

/// One choice of the form: name, key of the label, field of the policy, and each value with the key of its words.
type Choice = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

const CHOICES: [Choice; 5] = [
    (
        "order",
        "policy-order",
        &["order"],
        &[
            ("one_after_the_other", "policy-order-one"),
            ("all_at_once", "policy-order-all"),
        ],
    ),
    (
        "machine",
        "policy-machine",
        &["machine"],
        &[
            ("hang_up", "policy-machine-hang-up"),
            ("leave_message", "policy-machine-leave"),
            ("ignore", "policy-machine-ignore"),
        ],
    ),
    (
        "confirmation",
        "policy-confirmation",
        &["confirmation"],
        &[("true", "policy-yes"), ("false", "policy-no")],
    ),
    (
        "shared",
        "policy-shared",
        &["shared_numbers"],
        &[("for_each", "policy-shared-each"), ("once", "policy-shared-once")],
    ),
    (
        "texts",
        "policy-texts",
        &["texts", "when"],
        &[
            ("never", "policy-texts-never"),
            ("together", "policy-texts-together"),
            ("after_failures", "policy-texts-after"),
            ("only", "policy-texts-only"),
        ],
    ),
];

/// What differs from the preset's policy.
pub(super) fn overrides(typed: &Typed, zone: &TimeZone) -> Result<Option<Value>, Problem> {
    let mut policy = Map::new();
    for (name, key, path, factor) in NUMBERS {
        match typed.get(name) {
            "" => {}
            text => {
                let number: u64 = text.parse().map_err(|_| wrong(key, text))?;
                set(&mut policy, path, json!(number.saturating_mul(factor)));
            }
        }
    }
    for (name, key, path, values) in CHOICES {
        match typed.get(name) {
            "" => {}
            "true" => set(&mut policy, path, json!(true)),
            "false" => set(&mut policy, path, json!(false)),
            text if values.iter().any(|(value, _)| *value == text) => set(&mut policy, path, json!(text)),
            text => return Err(wrong(key, text)),
        }
    }
    if let Some(escalation) = policy.get_mut("escalation").and_then(Value::as_object_mut) {
        escalation.entry("needed").or_insert(json!(1));
        escalation.entry("wait").or_insert(json!(300));
    } else if !typed.waves().is_empty() {
        policy.insert("escalation".into(), json!({ "needed": 1, "wait": 300 }));
    }
    for (name, key) in [("allowed", "allowed_hours"), ("quiet", "quiet_hours")] {
        if let Some(hours) = hours(typed, name)? {
            policy.insert(key.into(), hours);
        }
    }
    match typed.get("expires") {
        "" => {}
        text => {
            let at: DateTime = text.parse().map_err(|_| wrong("policy-expires", text))?;
            let at = at.to_zoned(zone.clone()).map_err(|_| wrong("policy-expires", text))?;
            policy.insert("expires_ms".into(), json!(at.timestamp().as_millisecond()));
        }
    }
    Ok((!policy.is_empty()).then_some(Value::Object(policy)))
}

fn wrong(key: &'static str, text: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-field")
        .with("field", key)
        .with("value", text)
}

fn set(policy: &mut Map<String, Value>, path: &[&str], value: Value) {
    match path {
        [last] => {
            policy.insert((*last).into(), value);
        }
        [first, rest @ ..] => {
            if let Some(inner) = policy.entry(*first).or_insert_with(|| json!({})).as_object_mut() {
                set(inner, rest, value);
            }
        }
        [] => {}
    }
}

/// Hours of every day, from two fields.
fn hours(typed: &Typed, name: &str) -> Result<Option<Value>, Problem> {
    let minute = |text: &str| -> Result<i32, Problem> {
        let time: Time = text.parse().map_err(|_| wrong("policy-hours", text))?;
        Ok(i32::from(time.hour()) * 60 + i32::from(time.minute()))
    };
    let (from, to) = (typed.get(&format!("{name}_from")), typed.get(&format!("{name}_to")));
    match (from, to) {
        ("", "") => Ok(None),
        ("", text) | (text, "") => Err(wrong("policy-hours", text)),
        (from, to) => {
            let to = match minute(to)? {
                0 => 1440,
                minute => minute,
            };
            Ok(Some(
                json!([{ "days": 127, "from_minute": minute(from)?, "to_minute": to }]),
            ))
        }
    }
}

/// The section of the form. Fields left empty keep the preset's values.
pub(super) fn section(page: &mut Page<'_>, typed: &Typed) {
    let is_used = NUMBERS
        .iter()
        .map(|number| number.0)
        .any(|name| !typed.get(name).is_empty());
    put!(
        page,
        "<details class=card {}><summary>{}</summary><p class=hint>{}</p><div class=stack>",
        if is_used { "open" } else { "" },
        page.t("policy-title"),
        page.t("policy-hint"),
    );
    put!(
        page,
        "<fieldset><legend>{}</legend><div class=pair>",
        page.t("policy-numbers")
    );
    choice(page, typed, &CHOICES[0]);
    choice(page, typed, &CHOICES[3]);
    numbers(page, typed, 0..5);
    put!(
        page,
        "</div></fieldset><fieldset><legend>{}</legend><div class=pair>",
        page.t("policy-time")
    );
    numbers(page, typed, 5..6);
    field(page, typed, "expires", "policy-expires", "datetime-local");
    for (name, key) in [
        ("allowed_from", "policy-allowed-from"),
        ("allowed_to", "policy-allowed-to"),
        ("quiet_from", "policy-quiet-from"),
        ("quiet_to", "policy-quiet-to"),
    ] {
        field(page, typed, name, key, "time");
    }
    put!(
        page,
        "</div></fieldset><fieldset><legend>{}</legend><div class=pair>",
        page.t("policy-calls")
    );
    choice(page, typed, &CHOICES[2]);
    choice(page, typed, &CHOICES[1]);
    numbers(page, typed, 6..9);
    let view = page.desk.services.campaigns.view();
    if view.trunks.iter().any(|trunk| trunk.medium == Medium::Text) {
        choice(page, typed, &CHOICES[4]);
    }
    put!(
        page,
        "</div></fieldset><fieldset><legend>{}</legend><p class=hint>{}</p><div class=pair>",
        page.t("policy-escalation"),
        page.t("policy-escalation-hint")
    );
    numbers(page, typed, 9..11);
    waves(page, typed);
    put!(page, "</div></fieldset>");
    field(page, typed, "service", "column-service", "text");
    put!(page, "</div></details>");
}

fn field(page: &mut Page<'_>, typed: &Typed, name: &str, key: &str, kind: &str) {
    put!(
        page,
        "<div><label for={name}>{}</label><input type={kind} id={name} name={name} value=\"{}\"></div>",
        page.t(key),
        Esc(typed.get(name)),
    );
}

fn numbers(page: &mut Page<'_>, typed: &Typed, which: std::ops::Range<usize>) {
    for (name, key, ..) in &NUMBERS[which] {
        put!(
            page,
            "<div><label for={name}>{}</label><input type=number min=0 id={name} name={name} value=\"{}\"></div>",
            page.t(key),
            Esc(typed.get(name)),
        );
    }
}

fn choice(page: &mut Page<'_>, typed: &Typed, (name, key, _, values): &Choice) {
    put!(
        page,
        "<div><label for={name}>{}</label><select id={name} name={name}><option value=\"\">{}</option>",
        page.t(key),
        page.t("policy-as-preset"),
    );
    for (value, key) in *values {
        let chosen = if typed.get(name) == *value { " selected" } else { "" };
        put!(page, "<option value={value}{chosen}>{}</option>", page.t(key));
    }
    put!(page, "</select></div>");
}

fn waves(page: &mut Page<'_>, typed: &Typed) {
    let directory = page.desk.services.directory.snapshot();
    for wave in 1..=WAVES {
        let name = format!("wave{wave}");
        put!(
            page,
            "<div><label for={name}>{}</label><select id={name} name={name}><option value=\"\">–</option>",
            page.t_with("policy-wave", &[("number", wave.into())]),
        );
        for list in directory.lists() {
            let chosen = typed.get(&name).parse().ok().map(ListId) == Some(list.id);
            let chosen = if chosen { " selected" } else { "" };
            put!(page, "<option value={}{chosen}>{}</option>", list.id, Esc(&list.name));
        }
        put!(page, "</select></div>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(fields: &[(&str, &str)]) -> Typed {
        Typed(fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn what_is_typed_becomes_what_differs_from_the_preset() {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        assert_eq!(overrides(&typed(&[("order", ""), ("busy", " ")]), &zone).unwrap(), None);
        let filled = typed(&[
            ("tries_number", "3"),
            ("busy", "2"),
            ("order", "all_at_once"),
            ("confirmation", "false"),
            ("quiet_from", "22:00"),
            ("quiet_to", "07:30"),
            ("allowed_from", "08:00"),
            ("allowed_to", "00:00"),
            ("expires", "2026-12-01T06:00"),
            ("wave1", "3"),
            ("wave3", "5"),
        ]);
        let policy = overrides(&filled, &zone).unwrap().unwrap();
        assert_eq!(
            policy,
            json!({
                "tries_per_number": 3,
                "delays": { "busy": 120 },
                "order": "all_at_once",
                "confirmation": false,
                "quiet_hours": [{ "days": 127, "from_minute": 1320, "to_minute": 450 }],
                "allowed_hours": [{ "days": 127, "from_minute": 480, "to_minute": 1440 }],
                "expires_ms": 1_796_101_200_000_i64,
                "escalation": { "needed": 1, "wait": 300 },
            })
        );
        assert!(crate::rooms::policy(None, Some(&policy)).is_ok());
        assert_eq!(filled.waves().len(), 2);
        for wrong in [
            ("busy", "bientôt"),
            ("order", "x"),
            ("quiet_from", "22:00"),
            ("expires", "demain"),
        ] {
            assert_eq!(
                overrides(&typed(&[wrong]), &zone).unwrap_err().code(),
                "bad-field",
                "{wrong:?}"
            );
        }
    }
}
