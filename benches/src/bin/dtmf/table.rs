//! The table that the documentation keeps.

use std::fmt::Write;

use crate::{Report, Score};

const HEAD: &str = "# Keys heard in the audio

Most telephones send keys as telephone events (RFC 4733), which are exact. Some networks only pass the tones themselves
(ITU-T Q.23). Tocsin hears both, and reports a key once. This page shows what the in-band detector hears, by
`cargo run --release -p benches --bin dtmf -- --digits 960 --seed 99 --minutes 400 --recordings /usr/share/asterisk/sounds
--docs docs/dtmf.md`, beside the detector of spandsp (a widely used library, measured in the same run when it is installed:
Debian libspandsp-dev). The recordings are those of Debian's asterisk-core-sounds-{en,fr,es,it,ru}-wav and
asterisk-prompt-it-menardi-wav.

How it works, in `crates/rtp-media/src/dtmf/inband.rs`: every 20 ms the eight frequencies are compared with the energy of the
frame. Only a frame that two of them explain is looked at closely: both frequencies are refined, the key is followed in
steps of 5 ms to know how long it lasts, and the whole of it is judged by frequency, twist, and purity. A hole of 15 to 25 ms
within the same key may be a dropout or the pause before a second press: a dropout leaves both tones' phases where they would
have been, a second press begins with others, and so the two are told apart (by chance both phases fit in about 3 of 100 presses). To split every hole instead, as spandsp does, doubles most keys with a dropout.

Each line is a share of the keys, all sixteen in turn, at random places within a frame. *Right*: heard exactly as pressed.
*Wrong*: another key, or one more than was pressed. The second column is what ITU-T Q.24 and our own targets ask for.

Where a line asks for nothing, more is not better by itself. A tone of 26 or 30 ms lies between what Q.24 refuses (23 ms) and
what it asks for (40 ms): a detector that hears more of those also hears tones of 23 ms, which speech is full of.
";

const SPEECH: &str = "
## Talk-off

Keys that were heard in speech, where there are none. Fewer is better: a false key could confirm an alert that nobody heard.
";

const COST: &str = "
## Cost

Nanoseconds of one core for a frame of 20 ms. A hundred calls need 5,000 frames a second.
";

pub fn markdown(report: &Report) -> String {
    let mut text = HEAD.to_owned();
    let mut group = "";
    for row in &report.rows {
        if row.group != group {
            group = row.group;
            let _ = write!(
                text,
                "\n## {}\n\n| condition | wanted | tocsin right | tocsin wrong | spandsp right | spandsp wrong |\n|---|---|---|---|---|---|\n",
                capital(group)
            );
        }
        let wanted = match row.wanted {
            Some(true) => "heard",
            Some(false) => "not heard",
            None => "",
        };
        let score = |s: Option<Score>| {
            s.map_or(" | ".to_owned(), |s| {
                format!("{} | {}", percent(s.right), percent(s.wrong))
            })
        };
        let _ = writeln!(
            text,
            "| {} | {wanted} | {} | {} |",
            row.name,
            score(Some(row.tocsin)),
            score(row.spandsp)
        );
    }
    text.push_str(SPEECH);
    text.push_str("\n| speech | hours | tocsin | spandsp |\n|---|---|---|---|\n");
    for t in &report.talk_off {
        let theirs = t.spandsp.map_or(String::new(), |n| n.to_string());
        let _ = writeln!(text, "| {} | {:.1} | {} | {theirs} |", t.source, t.hours, t.tocsin);
    }
    text.push_str(COST);
    text.push_str("\n| signal | tocsin | spandsp |\n|---|---|---|\n");
    for c in &report.cost {
        let theirs = c.spandsp_ns.map_or(String::new(), |n| format!("{n:.0}"));
        let _ = writeln!(text, "| {} | {:.0} | {theirs} |", c.signal, c.tocsin_ns);
    }
    let _ = write!(text, "\n{} keys a line, seed {}.\n", report.digits, report.seed);
    text
}

fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0 %".to_owned(),
        p if (99.95..100.0).contains(&p) => "99.9 %".to_owned(),
        p if p.fract() == 0.0 => format!("{p:.0} %"),
        p => format!("{p:.1} %"),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}
