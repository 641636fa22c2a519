//! The campaign in the terminal: one bar for the people, lines for the calls.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::desk::View;

/// The bars. Where the output is no terminal, a line every ten seconds takes their place.
pub struct Screen {
    bars: MultiProgress,
    people: ProgressBar,
    confirmed: ProgressBar,
    calls: ProgressBar,
    causes: ProgressBar,
    is_terminal: bool,
    next_line: Duration,
}

impl Screen {
    /// Bars for a campaign to this many people.
    pub fn new(recipients: u64) -> Screen {
        let bars = MultiProgress::new();
        let bar = |template: &str, length: u64| {
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = bars.add(ProgressBar::new(length).with_style(style.progress_chars("█▉▊▋▌▍▎▏ ")));
            bar.tick();
            bar
        };
        let people = bar("  people done  {bar:40.cyan} {pos:>5}/{len}  {msg}", recipients);
        let confirmed = bar("  confirmed    {bar:40.green} {pos:>5}/{len}  {msg}", recipients);
        let calls = bar("  calls        {msg}", 1);
        let causes = bar("  not reached  {msg}", 1);
        let is_terminal = console_is_terminal();
        Screen {
            bars,
            people,
            confirmed,
            calls,
            causes,
            is_terminal,
            next_line: Duration::ZERO,
        }
    }

    /// Shows how things stand, `elapsed` after the launch.
    pub fn show(&mut self, view: &View, elapsed: Duration) {
        let done = view.recipients.saturating_sub(view.pending);
        // Attempts that were called off before their turn on the trunk never became calls.
        let placed = view.attempts - view.outcomes.get("cancelled").copied().unwrap_or(0).min(view.attempts);
        let calls = format!(
            "{placed} placed, {} on their way, {} ringing, {} speaking",
            view.calling, view.ringing, view.speaking
        );
        let failed: Vec<String> = view
            .failed
            .iter()
            .map(|(cause, count)| format!("{count} {cause}"))
            .collect();
        let causes = format!(
            "{} not confirmed{}{}",
            view.not_confirmed,
            if failed.is_empty() { "" } else { ", " },
            failed.join(", ")
        );
        let end = view.predicted_end_ms.map_or(String::new(), |end| {
            let left = (end - now_ms()).max(0) / 1000;
            format!("about {left} s left")
        });
        if self.is_terminal {
            self.people.set_position(done);
            self.people.set_message(end);
            self.confirmed.set_position(view.confirmed);
            self.calls.set_message(calls);
            self.causes.set_message(causes);
        } else if elapsed >= self.next_line {
            self.next_line = elapsed + Duration::from_secs(10);
            println!(
                "  {:>3} s: {done}/{} people done, {} confirmed, {causes}; {calls}; {end}",
                elapsed.as_secs(),
                view.recipients,
                view.confirmed
            );
        }
    }

    /// Leaves the last state on the terminal.
    pub fn finish(self) {
        for bar in [&self.people, &self.confirmed, &self.calls, &self.causes] {
            bar.abandon();
        }
        drop(self.bars);
    }
}

fn console_is_terminal() -> bool {
    use std::io::IsTerminal;
    std::io::stderr().is_terminal()
}

fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}
