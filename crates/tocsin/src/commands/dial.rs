//! `tocsin dial`: places one call and tells what happened, step by step.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::probing::{Line, ProbeError, Show, block_on};
use sip_core::Origin;

use crate::config::Secret;
use crate::probe::{Leg, Moment, Step, Totals};
use crate::words::{Phrase, Told, Words, decimal, digit_source};

/// What `tocsin dial` takes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    line: Line,
}

/// Places the call. Exit status 0 if it was answered.
pub fn run(arguments: Arguments, words: &Words<'_>) -> ExitCode {
    call(&arguments.line, None, words)
}

/// Places one call, with these credentials unless the line names others.
pub(super) fn call(line: &Line, credentials: Option<(String, Secret)>, words: &Words<'_>) -> ExitCode {
    match block_on(dial(line, credentials, words)) {
        Ok(Ok(status)) => status,
        Ok(Err(error)) | Err(error) => super::fail(words, &error),
    }
}

async fn dial(line: &Line, credentials: Option<(String, Secret)>, words: &Words<'_>) -> Result<ExitCode, ProbeError> {
    let ready = line.prepare(1, 1.0, true, credentials).await?;
    let (totals, story) = ready
        .run(Story {
            leg: None,
            uri: line.uri.clone(),
            is_json: line.json,
            words: *words,
        })
        .await;
    if line.json {
        println!(
            "{}",
            story.leg.unwrap_or_else(|| json!({ "failed": totals.failed_by_cause }))
        );
    } else if let Some(cause) = totals.failed_by_cause.keys().next() {
        let phrase = Phrase::new("dial-not-answered").with("cause", cause.told());
        println!("{}", phrase.say(words));
    }
    Ok(if totals.answered > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

struct Story<'w> {
    leg: Option<Value>,
    uri: String,
    is_json: bool,
    words: Words<'w>,
}

impl Show for Story<'_> {
    fn totals(&mut self, _totals: &Totals) {}

    fn over(&mut self, leg: &Leg) {
        if self.is_json {
            self.leg = Some(as_json(&self.uri, leg));
            return;
        }
        println!("{}", self.uri);
        for moment in leg.story() {
            let seconds = decimal(moment.after.as_secs_f64(), 3, self.words.language());
            println!("{seconds:>9} s  {}", step(&moment.step).say(&self.words));
        }
        if let Some(stats) = leg.stats() {
            let phrase = Phrase::new("dial-rtp")
                .with("sent", stats.sent)
                .with("received", stats.received)
                .with("lost", stats.lost)
                .with("jitter", decimal(f64::from(stats.jitter_ms), 1, self.words.language()));
            println!("{}", phrase.say(&self.words));
        }
        if !leg.digits().is_empty() {
            let phrase = Phrase::new("dial-keys").with("keys", leg.digits());
            println!("{}", phrase.say(&self.words));
        }
    }
}

/// A step in words.
fn step(step: &Step) -> Phrase {
    match step {
        Step::Provisional(status) => Phrase::new("dial-provisional")
            .with("status", status.code().to_string())
            .with("phrase", status.phrase()),
        Step::Answered => Phrase::new("dial-answered"),
        Step::Agreed {
            codec,
            remote,
            has_events,
            is_encrypted,
        } => {
            let events = if *has_events { "dial-events" } else { "dial-no-events" };
            let protection = if *is_encrypted { "SRTP" } else { "RTP" };
            Phrase::new("dial-agreed")
                .with("codec", format!("{codec:?}"))
                .with("remote", remote.to_string())
                .with("events", Phrase::new(events))
                .with("protection", protection)
        }
        Step::NoAgreement(error) => Phrase::new("dial-no-agreement").with("reason", error.told()),
        Step::MediaStarted => Phrase::new("dial-media-started"),
        Step::Digit(digit, source) => Phrase::new("dial-key")
            .with("key", digit.to_string())
            .with("source", digit_source(source)),
        Step::Reoffered { is_update } => {
            Phrase::new("dial-reoffered").with("method", if *is_update { "UPDATE" } else { "re-INVITE" })
        }
        Step::OfferRefused(status) => Phrase::new("dial-offer-refused")
            .with("status", status.code().to_string())
            .with("phrase", status.phrase()),
        Step::Dead => Phrase::new("dial-dead"),
        Step::Over(cause) => {
            let mut detail = String::new();
            if let Some(status) = cause.status {
                detail.push_str(&format!(", {}", status.code()));
            }
            if let Some(reason) = &cause.reason {
                detail.push_str(&format!(" {reason}"));
            }
            if let Some(q850) = cause.q850 {
                detail.push_str(&format!(", Q.850 {q850}"));
            }
            let origin = match cause.origin {
                Origin::Remote => "dial-over-remote",
                Origin::Local => "dial-over-local",
                Origin::RingTimeout => "failure-ring-timeout",
                Origin::Timeout => "failure-timeout",
                Origin::Transport => "failure-transport",
            };
            Phrase::new("dial-over")
                .with("origin", Phrase::new(origin))
                .with("detail", detail)
        }
    }
}

fn as_json(uri: &str, leg: &Leg) -> Value {
    let steps: Vec<Value> = leg.story().iter().map(step_json).collect();
    let cause = leg.cause();
    json!({
        "uri": uri,
        "answered": leg.answered().is_some(),
        "answer_seconds": leg.answered().map(|after| after.as_secs_f64()),
        "talk_seconds": leg.talked().map(|talked| talked.as_secs_f64()),
        "status": cause.and_then(|cause| cause.status).map(|status| status.code()),
        "reason": cause.and_then(|cause| cause.reason.clone()),
        "q850": cause.and_then(|cause| cause.q850),
        "retry_after_seconds": cause.and_then(|cause| cause.retry_after).map(|after| after.as_secs()),
        "origin": cause.map(|cause| format!("{:?}", cause.origin)),
        "digits": leg.digits(),
        "rtp": leg.stats().map(|stats| json!({
            "sent": stats.sent,
            "received": stats.received,
            "lost": stats.lost,
            "jitter_ms": stats.jitter_ms,
        })),
        "steps": steps,
    })
}

fn step_json(moment: &Moment) -> Value {
    json!({ "seconds": moment.after.as_secs_f64(), "what": step(&moment.step).english() })
}
