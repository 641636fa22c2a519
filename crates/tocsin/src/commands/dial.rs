//! `tocsin dial`: places one call and tells what happened, step by step.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::probing::{Line, ProbeError, Show, block_on};
use crate::config::Secret;
use crate::probe::{Leg, Moment, Step, Totals};

/// What `tocsin dial` takes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    line: Line,
}

/// Places the call. Exit status 0 if it was answered.
pub fn run(arguments: Arguments) -> ExitCode {
    call(&arguments.line, None)
}

/// Places one call, with these credentials unless the line names others.
pub(super) fn call(line: &Line, credentials: Option<(String, Secret)>) -> ExitCode {
    match block_on(dial(line, credentials)) {
        Ok(Ok(status)) => status,
        Ok(Err(error)) | Err(error) => super::fail(&error),
    }
}

async fn dial(line: &Line, credentials: Option<(String, Secret)>) -> Result<ExitCode, ProbeError> {
    let ready = line.prepare(1, 1.0, true, credentials).await?;
    let (totals, story) = ready
        .run(Story {
            leg: None,
            uri: line.uri.clone(),
            is_json: line.json,
        })
        .await;
    if line.json {
        println!(
            "{}",
            story.leg.unwrap_or_else(|| json!({ "failed": totals.failed_by_cause }))
        );
    } else if let Some(cause) = totals.failed_by_cause.keys().next() {
        println!("not answered: {cause}");
    }
    Ok(if totals.answered > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

struct Story {
    leg: Option<Value>,
    uri: String,
    is_json: bool,
}

impl Show for Story {
    fn totals(&mut self, _totals: &Totals) {}

    fn over(&mut self, leg: &Leg) {
        if self.is_json {
            self.leg = Some(as_json(&self.uri, leg));
            return;
        }
        println!("{}", self.uri);
        for moment in leg.story() {
            println!("{:>9.3} s  {}", moment.after.as_secs_f64(), words(&moment.step));
        }
        if let Some(stats) = leg.stats() {
            println!(
                "RTP: {} packets sent, {} received, {} lost, jitter {:.1} ms",
                stats.sent, stats.received, stats.lost, stats.jitter_ms
            );
        }
        if !leg.digits().is_empty() {
            println!("keys: {}", leg.digits());
        }
    }
}

/// A step in words.
fn words(step: &Step) -> String {
    match step {
        Step::Provisional(status) => format!("{} {}", status.code(), status.phrase()),
        Step::Answered => "answered".to_owned(),
        Step::Agreed {
            codec,
            remote,
            has_events,
            is_encrypted,
        } => {
            let events = if *has_events {
                "telephone events"
            } else {
                "no telephone events"
            };
            let protection = if *is_encrypted { "SRTP" } else { "plain RTP" };
            format!("media agreed: {codec:?} to {remote}, {events}, {protection}")
        }
        Step::NoAgreement(error) => format!("no agreement on media: {error}"),
        Step::MediaStarted => "first RTP packet heard".to_owned(),
        Step::Digit(digit, source) => format!("key {digit} ({source})"),
        Step::Dead => "no RTP is heard any more".to_owned(),
        Step::Over(cause) => {
            let mut words = format!("over: {:?}", cause.origin);
            if let Some(status) = cause.status {
                words.push_str(&format!(", {}", status.code()));
            }
            if let Some(reason) = &cause.reason {
                words.push_str(&format!(" {reason}"));
            }
            if let Some(q850) = cause.q850 {
                words.push_str(&format!(", Q.850 cause {q850}"));
            }
            words
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
    json!({ "seconds": moment.after.as_secs_f64(), "what": words(&moment.step) })
}
