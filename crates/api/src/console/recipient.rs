//! One recipient: seen, changed, removed, erased, given a personal link.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use directory::{E164, Gazetteer, MAX_NUMBERS, PhoneNumber, Recipient, RecipientId};
use serde::Deserialize;

use super::page::{Esc, Page, put};
use super::{Done, own};
use crate::desk::{Caller, Desk, Target, blocking, now_ms};
use crate::extract::{Form, Part, Query};
use crate::links;
use crate::problem::Problem;
use crate::report::person::kind;
use crate::rest::persons;
use crate::rooms::LONGEST_NAME;

/// The path's id of somebody who is to be added.
const NEW: &str = "nouveau";

fn id_of(text: &str) -> Result<RecipientId, Problem> {
    if text == NEW {
        return Ok(RecipientId(0));
    }
    text.parse().map(RecipientId).map_err(|_| Problem::not_found())
}

/// `GET /annuaire/personnes/{id}`; `nouveau` adds somebody.
pub(crate) async fn page(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Part(id): Part<String>,
    Query(done): Query<Done>,
) -> Result<Html<String>, Problem> {
    let id = id_of(&id)?;
    let recipient = match id {
        RecipientId(0) => Recipient::default(),
        RecipientId(id) => Recipient::clone(&*persons::known(&desk.services.directory.snapshot(), id)?),
    };
    Ok(form(&desk, &caller, &recipient, None, done.fait.as_deref(), false))
}

fn form(
    desk: &Desk,
    caller: &Caller,
    recipient: &Recipient,
    problem: Option<&Problem>,
    done: Option<&str>,
    is_kept_away: bool,
) -> Html<String> {
    let mut page = Page::new(desk, caller);
    let is_new = recipient.id == RecipientId(0);
    let title = if is_new {
        page.words.get("recipient-new").into_owned()
    } else {
        recipient.full_name()
    };
    put!(page, "<h1>{}</h1>", Esc(&title));
    page.done(done);
    if let Some(problem) = problem {
        let sentence = problem.sentence(page.words);
        page.wrong(&sentence);
    }
    put!(page, "<div class=grid><section class=card>");
    let place = if is_new {
        NEW.to_owned()
    } else {
        recipient.id.to_string()
    };
    page.form(&format!("/annuaire/personnes/{place}"), "class=stack");
    put!(
        page,
        "<input type=hidden name=revision value={}><div class=pair>",
        recipient.revision
    );
    let gazetteer = desk.services.directory.snapshot().gazetteer().clone();
    let commune = recipient.commune.and_then(|insee| gazetteer.get(insee));
    let commune = commune
        .map(|commune| format!("{} ({})", commune.name, commune.insee))
        .unwrap_or_default();
    for (name, key, value) in [
        ("name", "column-name", recipient.name.as_str()),
        ("first_name", "fact-first-name", recipient.first_name.as_str()),
        ("function", "column-function", recipient.function.as_str()),
        ("domain", "column-domain", recipient.domain.as_str()),
        ("commune", "column-commune", commune.as_str()),
        ("email", "fact-email", recipient.email.as_deref().unwrap_or_default()),
        ("language", "fact-language", recipient.language.code()),
        ("groups", "column-groups", recipient.groups.join(", ").as_str()),
        ("key", "fact-key", recipient.key.as_str()),
    ] {
        put!(
            page,
            "<div><label for={name}>{}</label><input type=text id={name} name={name} maxlength={LONGEST_NAME} value=\"{}\"></div>",
            page.t(key),
            Esc(value)
        );
    }
    put!(page, "</div>");
    for place in 0..MAX_NUMBERS {
        let number = recipient.numbers.get(place);
        let shown = number.map(|number| number.e164.to_string()).unwrap_or_default();
        let checked = |is_so: bool| if is_so { " checked" } else { "" };
        let n = place + 1;
        put!(
            page,
            "<fieldset><legend>{}</legend><div class=pair><div><label for=number{n}>{}</label><input type=text inputmode=tel id=number{n} name=number{n} \
             maxlength=40 value=\"{}\">",
            page.t_with("recipient-number", &[("n", n.into())]),
            page.t("column-number"),
            Esc(shown)
        );
        if let Some(number) = number {
            let label = page.t(&format!("number-{}", kind(number.kind)));
            put!(page, "<p class=hint>{label}</p>");
        }
        put!(
            page,
            "</div><div><label class=check><input type=checkbox name=voice{n} value=1{}> {}</label>\
             <label class=check><input type=checkbox name=sms{n} value=1{}> {}</label></div></div></fieldset>",
            checked(number.is_none_or(|number| number.voice)),
            page.t("column-voice"),
            checked(number.is_some_and(|number| number.sms)),
            page.t("column-sms")
        );
    }
    put!(page, "<p class=hint>{}</p>", page.t("recipient-numbers-hint"));
    put!(
        page,
        "<label class=check><input type=checkbox name=unsubscribed value=1{}> {}</label>",
        if recipient.unsubscribed { " checked" } else { "" },
        page.t("recipient-unsubscribed")
    );
    if is_kept_away {
        put!(
            page,
            "<label class=check><input type=checkbox name=again value=1> {}</label>",
            page.t("recipient-again")
        );
    }
    put!(page, "<button class=first>{}</button></form></section>", page.t("save"));
    if !is_new {
        aside(&mut page, recipient);
    }
    put!(page, "</div>");
    page.finish(&title, "/annuaire")
}

fn aside(page: &mut Page<'_>, recipient: &Recipient) {
    let id = recipient.id;
    put!(
        page,
        "<div><section class=card aria-labelledby=t-rights><h2 id=t-rights>{}</h2><p>{}</p><p class=actions>",
        page.t("person-rights"),
        Esc(own::subscription(page, recipient))
    );
    for form in ["pdf", "json", "xlsx"] {
        put!(
            page,
            "<a class=\"button small\" download href=\"/api/v1/recipients/{id}/data/{form}\">{}</a>",
            form.to_uppercase()
        );
    }
    put!(page, "</p><p class=hint>{}</p>", page.t("person-data-hint"));
    page.form(&format!("/annuaire/personnes/{id}/lien"), "");
    put!(
        page,
        "<button>{}</button></form><p class=hint>{}</p></section>",
        page.t("person-link"),
        page.t_with("person-link-hint", &[("days", (links::DAYS as u64).into())])
    );
    put!(
        page,
        "<section class=card aria-labelledby=t-away><h2 id=t-away>{}</h2>",
        page.t("person-remove")
    );
    page.form(&format!("/annuaire/personnes/{id}/supprimer"), "");
    put!(
        page,
        "<button>{}</button></form><p class=hint>{}</p>",
        page.t("delete"),
        page.t("person-remove-hint")
    );
    put!(page, "<details><summary>{}</summary>", page.t("person-erase"));
    page.form(&format!("/annuaire/personnes/{id}/effacer"), "class=stack");
    put!(
        page,
        "<p class=hint>{}</p><label class=check><input type=checkbox name=keep_away value=1 checked> {}</label><button class=alert>{}</button></form></details></section></div>",
        page.t("person-erase-hint"),
        page.t("person-keep-away"),
        page.t("person-erase-confirm")
    );
}

/// The form of a recipient.
#[derive(Debug, Deserialize)]
pub(crate) struct Written {
    #[serde(default)]
    revision: u64,
    #[serde(default)]
    name: String,
    #[serde(default)]
    first_name: String,
    #[serde(default)]
    function: String,
    #[serde(default)]
    domain: String,
    #[serde(default)]
    commune: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    language: String,
    #[serde(default)]
    groups: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    number1: String,
    #[serde(default)]
    number2: String,
    #[serde(default)]
    number3: String,
    voice1: Option<String>,
    voice2: Option<String>,
    voice3: Option<String>,
    sms1: Option<String>,
    sms2: Option<String>,
    sms3: Option<String>,
    unsubscribed: Option<String>,
    again: Option<String>,
}

impl Written {
    /// The recipient as written. What cannot be read is a refusal that names the field.
    fn read(&self, id: RecipientId, gazetteer: &Gazetteer) -> Result<Recipient, Problem> {
        let refused = |code: &'static str| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code);
        let text = |value: &str| value.trim().chars().take(LONGEST_NAME).collect::<String>();
        let mut recipient = Recipient {
            id,
            revision: self.revision,
            key: text(&self.key),
            name: text(&self.name),
            first_name: text(&self.first_name),
            function: text(&self.function),
            domain: text(&self.domain),
            groups: self
                .groups
                .split([',', ';'])
                .map(text)
                .filter(|group| !group.is_empty())
                .collect(),
            email: Some(text(&self.email)).filter(|email| !email.is_empty()),
            unsubscribed: self.unsubscribed.is_some(),
            ..Recipient::default()
        };
        if recipient.full_name().is_empty() {
            return Err(refused("recipient-no-name"));
        }
        if recipient
            .email
            .as_deref()
            .is_some_and(|email| !directory::import::is_email(email))
        {
            return Err(refused("bad-email"));
        }
        if !self.commune.trim().is_empty() {
            let found = gazetteer.find(&self.commune);
            recipient.commune = Some(found.map_err(|_| refused("bad-commune"))?.insee);
        }
        if !self.language.trim().is_empty() {
            recipient.language = self.language.trim().parse().map_err(|_| refused("bad-language"))?;
        }
        for (number, voice, sms) in [
            (&self.number1, &self.voice1, &self.sms1),
            (&self.number2, &self.voice2, &self.sms2),
            (&self.number3, &self.voice3, &self.sms3),
        ] {
            if number.trim().is_empty() {
                continue;
            }
            let e164 = E164::parse(number).map_err(|_| refused("bad-number").with("number", number.trim()))?;
            recipient.numbers.push(PhoneNumber {
                voice: voice.is_some(),
                sms: sms.is_some(),
                ..PhoneNumber::new(e164)
            });
        }
        Ok(recipient)
    }
}

/// `POST /annuaire/personnes/{id}`.
pub(crate) async fn save(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Part(id): Part<String>,
    Form(written): Form<Written>,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    let gazetteer = desk.services.directory.snapshot().gazetteer().clone();
    let recipient = written.read(id, &gazetteer)?;
    let (shared, saved, again) = (
        desk.services.directory.clone(),
        recipient.clone(),
        written.again.is_some(),
    );
    let made = blocking(move || {
        if again {
            shared.let_back(&saved)?;
        }
        shared.save(saved)
    })
    .await?;
    match made {
        Ok(id) => {
            let mut response = Redirect::to(&format!("/annuaire/personnes/{id}?fait=recipient")).into_response();
            response.extensions_mut().insert(Target(id.to_string()));
            Ok(response)
        }
        // What was typed is not lost.
        Err(error) => {
            let is_kept_away = matches!(error, directory::StoreError::KeptAway);
            let problem = Problem::from(error);
            let page = form(&desk, &caller, &recipient, Some(&problem), None, is_kept_away);
            Ok((problem.status(), page).into_response())
        }
    }
}

/// `POST /annuaire/personnes/{id}/supprimer`.
pub(crate) async fn remove(State(desk): State<Arc<Desk>>, Part(id): Part<u64>) -> Result<Redirect, Problem> {
    let shared = desk.services.directory.clone();
    blocking(move || shared.remove(&[RecipientId(id)])).await??;
    Ok(Redirect::to("/annuaire?fait=recipient"))
}

/// The form of an erasure.
#[derive(Debug, Deserialize)]
pub(crate) struct Erasure {
    keep_away: Option<String>,
}

/// `POST /annuaire/personnes/{id}/effacer`.
pub(crate) async fn erase(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Part(id): Part<u64>,
    Form(Erasure { keep_away }): Form<Erasure>,
) -> Result<Redirect, Problem> {
    persons::forget(&desk, id, keep_away.is_some(), &caller.login).await?;
    Ok(Redirect::to("/annuaire?fait=erased"))
}

/// `POST /annuaire/personnes/{id}/lien`: shows the link once.
pub(crate) async fn link(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Part(id): Part<u64>,
) -> Result<Html<String>, Problem> {
    let recipient = persons::known(&desk.services.directory.snapshot(), id)?;
    let (token, end_ms) = desk.links.make(recipient.id, now_ms());
    let mut page = Page::new(&desk, &caller);
    put!(page, "<h1>{}</h1><section class=card>", Esc(recipient.full_name()));
    put!(
        page,
        "<p>{}</p><p><a href=\"/moi/{token}\">/moi/{token}</a></p><p class=hint>{}</p>",
        page.t("person-link-made"),
        page.t_with("person-link-ends", &[("at", page.moment(end_ms).into())])
    );
    put!(
        page,
        "<p><a class=button href=\"/annuaire/personnes/{id}\">{}</a></p></section>",
        page.t("back")
    );
    let title = recipient.full_name();
    Ok(page.finish(&title, "/annuaire"))
}
