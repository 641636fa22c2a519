//! The frame of every page, and what pages are built from. Everything that is not written in the sources is escaped.

use std::fmt::{self, Write};

use axum::response::Html;

use crate::desk::{Caller, Desk};
use crate::sessions::form_word;
use crate::text::{Language, Value, Words, grouped};
use crate::users::Right;

/// Shows a text so that a browser takes it for nothing but text, in elements and in quoted attributes.
pub(crate) struct Esc<T>(pub(crate) T);

impl<T: AsRef<str>> fmt::Display for Esc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.as_ref().chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Writes into a page; writing into memory cannot fail.
macro_rules! put {
    ($page:expr, $($part:tt)*) => {{
        use std::fmt::Write as _;
        let _ = write!($page.body, $($part)*);
    }};
}
pub(crate) use put;

/// A page being written.
pub(crate) struct Page<'a> {
    pub(crate) desk: &'a Desk,
    pub(crate) caller: &'a Caller,
    pub(crate) words: Words<'a>,
    pub(crate) body: String,
}

/// The places of the main navigation: path, key of the text, right that opens it.
const PLACES: [(&str, &str, &[Right]); 8] = [
    ("/", "nav-campaigns", &[Right::Launch, Right::Statistics]),
    ("/appels", "nav-calls", &[Right::Launch, Right::Statistics]),
    ("/messages", "nav-messages", &[Right::Launch]),
    ("/annuaire", "nav-directory", &[Right::Directory]),
    ("/facturation", "nav-metering", &[Right::Statistics]),
    ("/statistiques", "nav-statistics", &[Right::Statistics]),
    ("/utilisateurs", "nav-users", &[Right::Administration]),
    ("/journal", "nav-audit", &[Right::Administration]),
];

impl<'a> Page<'a> {
    pub(crate) fn new(desk: &'a Desk, caller: &'a Caller) -> Page<'a> {
        Page {
            desk,
            caller,
            words: desk.words(caller.language),
            body: String::with_capacity(16 << 10),
        }
    }

    /// A text of the catalogue, escaped.
    pub(crate) fn t(&self, key: &str) -> String {
        Esc(self.words.get(key)).to_string()
    }

    /// A text of the catalogue with arguments, escaped.
    pub(crate) fn t_with(&self, key: &str, args: &[(&str, Value)]) -> String {
        Esc(self.words.with(key, args)).to_string()
    }

    /// The hidden field that proves that a form is ours.
    pub(crate) fn word(&self) -> String {
        self.caller.token.as_deref().map(form_word).unwrap_or_default()
    }

    /// Opens a form that is sent to `action`.
    pub(crate) fn form(&mut self, action: &str, attributes: &str) {
        let word = self.word();
        put!(
            self,
            "<form method=post action=\"{}\" {attributes}><input type=hidden name=csrf value=\"{word}\">",
            Esc(action)
        );
    }

    /// A moment in the zone of the console.
    pub(crate) fn moment(&self, utc_ms: i64) -> String {
        crate::report::moment(utc_ms, &self.desk.zone)
    }

    /// A number with thin spaces between thousands.
    pub(crate) fn number(&self, number: u64) -> String {
        grouped(number, self.caller.language)
    }

    /// The note after something was done; `key` comes from the address and must be one of ours.
    pub(crate) fn done(&mut self, key: Option<&str>) {
        let key = match key {
            Some("message") => "done-message",
            Some("import") => "done-import",
            Some("undo") => "done-undo",
            Some("list") => "done-list",
            Some("recipient") => "done-recipient",
            Some("erased") => "done-erased",
            Some("merged") => "done-merged",
            Some("merged-dropped") => "done-merged-dropped",
            Some("extract") => "done-extract",
            Some("user") => "done-user",
            Some("group") => "done-group",
            _ => return,
        };
        let text = self.t(key);
        put!(self, "<p class=\"note good\" role=status>{text}</p>");
    }

    /// The note that says what is wrong.
    pub(crate) fn wrong(&mut self, sentence: &str) {
        put!(self, "<p class=\"note bad\" role=alert>{}</p>", Esc(sentence));
    }

    /// The whole page. `title` is already in the reader's language.
    pub(crate) fn finish(self, title: &str, at: &str) -> Html<String> {
        let narrow = at == "/connexion";
        let mut out = String::with_capacity(self.body.len() + 4096);
        let tag = self.caller.language.tag();
        let organisation = &self.desk.settings.organisation;
        let _ = write!(
            out,
            "<!doctype html><html lang={tag} data-zone=\"{}\"><head><meta charset=utf-8><title>{} – tocsin</title>\
             <meta name=viewport content=\"width=device-width, initial-scale=1\"><meta name=csrf content=\"{}\">\
             <link rel=icon href=/assets/icon.svg type=\"image/svg+xml\"><link rel=stylesheet href=/assets/console.css>\
             <script src=/assets/console.js defer></script></head><body><a class=skip href=#contenu>{}</a>\
             <header class=top><div class=row><a class=brand href=/><svg viewBox=\"0 0 24 24\" aria-hidden=true>\
             <path fill=currentColor d=\"M12 2a6 6 0 0 0-6 6v5l-2 3.2A.6.6 0 0 0 4.6 17h14.8a.6.6 0 0 0 .6-.8L18 13V8a6 6 0 0 0-6-6zm-2.4 17a2.4 2.4 0 0 0 4.8 0z\"/>\
             </svg><span>tocsin <small>{}</small></span></a>",
            Esc(&self.desk.settings.time_zone),
            Esc(title),
            self.word(),
            self.t("skip"),
            Esc(organisation),
        );
        if !self.caller.login.is_empty() {
            let _ = write!(out, "<nav class=main aria-label=\"{}\"><ul>", self.t("nav-label"));
            for (path, key, rights) in PLACES {
                if rights.iter().any(|right| self.caller.may(*right)) {
                    let here = if path == at { " aria-current=page" } else { "" };
                    let _ = write!(out, "<li><a href=\"{path}\"{here}>{}</a></li>", self.t(key));
                }
            }
            let _ = write!(
                out,
                "</ul></nav><div class=who><span>{}</span><form method=post action=/deconnexion><input type=hidden name=csrf \
                 value=\"{}\"><button>{}</button></form></div>",
                Esc(&self.caller.login),
                self.word(),
                self.t("logout"),
            );
        }
        let other = match self.caller.language {
            Language::French => "en",
            Language::English => "fr",
        };
        let class = if narrow { " class=narrow" } else { "" };
        let _ = write!(
            out,
            "</div></header><main id=contenu tabindex=-1{class}>{}</main><footer>tocsin {} – <a href=/langue/{other} lang={other}>{}</a></footer></body></html>",
            self.body,
            env!("CARGO_PKG_VERSION"),
            self.t("other-language"),
        );
        Html(out)
    }
}

/// A duration for people: `45 s`, `12 min`, `1 h 05`.
pub(crate) fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {:02}", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        assert_eq!(Esc("<script>\"'&").to_string(), "&lt;script&gt;&quot;&#39;&amp;");
    }

    #[test]
    fn figures_are_grouped() {
        assert_eq!(grouped(0, Language::French), "0");
        assert_eq!(grouped(1_234_567, Language::French), "1\u{202f}234\u{202f}567");
        assert_eq!(grouped(100_000, Language::English), "100,000");
        assert_eq!(
            (duration(44.6), duration(601.0), duration(3_900.0 * 2.0)),
            ("45 s".into(), "11 min".into(), "2 h 10".into())
        );
    }
}
