//! Operations that the interface and the console share: they turn what people ask into commands and queries.

use std::sync::Arc;

use axum::http::StatusCode;
use dialer::{
    Account, Answer, CampaignId, CampaignReport, CampaignView, Command, CommandError, Contact, Contacts, Edition,
    Message, MessageId, Period, Policy, Prediction, Preset, Query, Reply, Text,
};
use directory::{Directory, ListId, RecipientId, Selection};
use serde::Deserialize;
use serde_json::Value;

use crate::audience::{self, Audience, Chosen};
use crate::desk::{Desk, blocking};
use crate::problem::Problem;

/// Longest text of a message, in characters: about ten minutes of speech.
pub(crate) const LONGEST_TEXT: usize = 8000;
/// Longest name or title, in characters.
pub(crate) const LONGEST_NAME: usize = 200;

/// Something named by its number or by its name.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Named {
    Id(u64),
    Name(String),
}

/// A message of the library, or one written on the spot.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Said {
    Id(u64),
    Written(Written),
}

/// A message as an operator writes it: one text, or one in each language.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Written {
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) language: Option<String>,
    #[serde(default)]
    pub(crate) texts: Vec<WrittenText>,
}

/// A message in one language.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct WrittenText {
    pub(crate) language: String,
    pub(crate) text: String,
}

/// A campaign as an operator asks for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) message: Said,
    pub(crate) list: Option<Named>,
    /// Further lists that are reached together with it.
    #[serde(default)]
    pub(crate) lists: Vec<Named>,
    /// Lists that are called one after the other, instead of the others (escalation).
    #[serde(default)]
    pub(crate) waves: Vec<Named>,
    pub(crate) selection: Option<Selection>,
    /// Two entries with the same name and a number in common are one person.
    #[serde(default = "yes")]
    pub(crate) merge: bool,
    pub(crate) preset: Option<Preset>,
    /// Fields that differ from the preset's.
    pub(crate) policy: Option<Value>,
    #[serde(default)]
    pub(crate) service: String,
    /// Starts at once: one request instead of two, for those who have no time.
    #[serde(default)]
    pub(crate) launch: bool,
    /// Only checks and predicts.
    #[serde(default)]
    pub(crate) dry_run: bool,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) id: Option<CampaignId>,
    pub(crate) recipients: usize,
    /// The others who were chosen, and why they are not called on their own.
    pub(crate) audience: Audience,
    pub(crate) prediction: Option<Prediction>,
}

/// Sends a command and waits for its reply.
pub(crate) async fn command(desk: &Arc<Desk>, command: Command) -> Result<Reply, Problem> {
    let campaigns = Arc::clone(&desk.services.campaigns);
    Ok(blocking(move || campaigns.command(command)).await??)
}

async fn query(desk: &Arc<Desk>, query: Query) -> Result<Answer, Problem> {
    let campaigns = Arc::clone(&desk.services.campaigns);
    Ok(blocking(move || campaigns.query(query)).await??)
}

/// The campaign as the live view shows it; one that was made a moment ago, from the dialer itself.
pub(crate) async fn view(desk: &Arc<Desk>, id: u64) -> Result<CampaignView, Problem> {
    let live = desk.services.campaigns.view();
    match live.campaign(CampaignId(id)) {
        Some(view) => Ok(view.clone()),
        None => Ok(report(desk, id).await?.summary),
    }
}

/// Sends a command of the console, and waits until the live view has taken notice, so that the page that follows is right.
pub(crate) async fn steer(desk: &Arc<Desk>, asked: Command) -> Result<(), Problem> {
    let before = desk.services.campaigns.view();
    command(desk, asked).await?;
    for _ in 0..20 {
        if !Arc::ptr_eq(&before, &desk.services.campaigns.view()) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    Ok(())
}

/// The full report of a campaign.
pub(crate) async fn report(desk: &Arc<Desk>, id: u64) -> Result<CampaignReport, Problem> {
    match query(desk, Query::Report(CampaignId(id))).await? {
        Answer::Report(report) => Ok(*report),
        _ => Err(Problem::internal(&"the dialer answered another question")),
    }
}

/// How a campaign goes about reaching its recipients.
pub(crate) async fn policy_of(desk: &Arc<Desk>, id: u64) -> Result<Value, Problem> {
    match query(desk, Query::Policy(CampaignId(id))).await? {
        Answer::Policy(policy) => serde_json::to_value(&*policy).map_err(|error| Problem::internal(&error)),
        _ => Err(Problem::internal(&"the dialer answered another question")),
    }
}

/// What the attempts of a period cost.
pub(crate) async fn account(desk: &Arc<Desk>, period: Period, detail: bool) -> Result<Account, Problem> {
    match query(desk, Query::Account { period, detail }).await? {
        Answer::Account(account) => Ok(*account),
        _ => Err(Problem::internal(&"the dialer answered another question")),
    }
}

/// The library: the newest version of each message.
pub(crate) async fn messages(desk: &Arc<Desk>) -> Result<Vec<Edition>, Problem> {
    editions(desk, Query::Messages).await
}

async fn editions(desk: &Arc<Desk>, question: Query) -> Result<Vec<Edition>, Problem> {
    match query(desk, question).await? {
        Answer::Messages(editions) => Ok(editions),
        _ => Err(Problem::internal(&"the dialer answered another question")),
    }
}

/// One version of a message; `None` is the newest.
pub(crate) async fn message(desk: &Arc<Desk>, id: u64, version: Option<u32>) -> Result<Edition, Problem> {
    let found = editions(desk, Query::Message(MessageId(id), version)).await?;
    found
        .into_iter()
        .next_back()
        .ok_or_else(|| CommandError::NoMessage(MessageId(id)).into())
}

/// Saves a message: a new one for id 0, else a new version.
pub(crate) async fn save_message(
    desk: &Arc<Desk>,
    id: u64,
    written: Written,
    by: &str,
) -> Result<(MessageId, u32), Problem> {
    let message = compose(id, written)?;
    match command(
        desk,
        Command::SaveMessage {
            message,
            by: by.to_owned(),
        },
    )
    .await?
    {
        Reply::Message(id, version) => Ok((id, version)),
        _ => Err(Problem::internal(&"the dialer gave another reply")),
    }
}

fn compose(id: u64, written: Written) -> Result<Message, Problem> {
    let Written {
        title,
        text,
        language,
        mut texts,
    } = written;
    if texts.is_empty() {
        texts.push(WrittenText {
            language: language.unwrap_or_else(|| "fr".into()),
            text,
        });
    }
    let texts = texts
        .into_iter()
        .map(|text| {
            let words = text.text.trim().to_owned();
            if words.is_empty() {
                return Err(CommandError::EmptyMessage.into());
            }
            if words.chars().count() > LONGEST_TEXT {
                return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "text-too-long")
                    .with("most", LONGEST_TEXT.to_string()));
            }
            let language = text
                .language
                .parse()
                .map_err(|_| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-language"))?;
            Ok(Text {
                language,
                words,
                audio: None,
            })
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    let title = match title.trim() {
        "" => texts
            .first()
            .map(|text| text.words.chars().take(60).collect())
            .unwrap_or_default(),
        title => name(title, "title")?,
    };
    Ok(Message {
        id: MessageId(id),
        version: 0,
        title,
        texts,
    })
}

/// A name of one line.
pub(crate) fn name(text: &str, field: &'static str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST_NAME || text.chars().any(char::is_control) {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-name").with("field", field));
    }
    Ok(text.to_owned())
}

/// The list that is meant; without a wish, the global alert list (R22).
pub(crate) fn list(directory: &Directory, named: Option<&Named>) -> Result<ListId, Problem> {
    let unknown = || Problem::new(StatusCode::NOT_FOUND, "no-list");
    match named {
        None => Ok(ListId::GLOBAL),
        Some(Named::Id(id)) => directory.list(ListId(*id)).map(|list| list.id).ok_or_else(unknown),
        Some(Named::Name(name)) => directory
            .list_named(name.trim())
            .map(|list| list.id)
            .ok_or_else(unknown),
    }
}

/// The recipients that a list or a selection chooses, in order.
pub(crate) fn chosen(
    directory: &Directory,
    list_named: Option<&Named>,
    selection: Option<&Selection>,
) -> Result<Vec<RecipientId>, Problem> {
    let list = match (list_named, selection) {
        (None, Some(_)) => None,
        (named, _) => Some(list(directory, named)?),
    };
    let wanted = match (list, selection) {
        (Some(list), None) => return Ok(directory.members(list)?),
        (None, Some(selection)) => selection.clone(),
        (Some(list), Some(selection)) => Selection::And(vec![Selection::List(list), selection.clone()]),
        (None, None) => Selection::All,
    };
    Ok(directory.select(&wanted)?)
}

/// What the dialer needs to know of these recipients; those without a number to call are left out.
pub(crate) fn contacts(directory: &Directory, chosen: &[RecipientId]) -> Vec<Contact> {
    let known = chosen.iter().filter_map(|id| directory.contact(*id));
    known.filter(|contact| !contact.numbers.is_empty()).collect()
}

/// The preset's policy with the fields that differ.
pub(crate) fn policy(preset: Option<Preset>, overrides: Option<&Value>) -> Result<Policy, Problem> {
    let wrong = |reason: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-policy").with("reason", reason);
    let base = preset.unwrap_or(Preset::Immediate).policy();
    let policy = match overrides {
        None | Some(Value::Null) => base,
        Some(overrides) => {
            let mut whole = serde_json::to_value(&base).map_err(|error| Problem::internal(&error))?;
            merge(&mut whole, overrides);
            serde_json::from_value(whole).map_err(|error| wrong(error.to_string()))?
        }
    };
    policy.validate().map_err(|error| wrong(error.to_string()))?;
    Ok(policy)
}

fn merge(base: &mut Value, overrides: &Value) {
    match (base, overrides) {
        (Value::Object(base), Value::Object(overrides)) => {
            for (key, value) in overrides {
                merge(base.entry(key.as_str()).or_insert(Value::Null), value);
            }
        }
        (base, overrides) => *base = overrides.clone(),
    }
}

/// Makes a campaign, and launches it when asked.
pub(crate) async fn create(desk: &Arc<Desk>, wanted: Wanted, by: &str) -> Result<Made, Problem> {
    let name = name(&wanted.name, "name")?;
    let policy = policy(wanted.preset, wanted.policy.as_ref())?;
    let (directory, campaigns) = (desk.services.directory.snapshot(), Arc::clone(&desk.services.campaigns));
    let asked = policy.clone();
    let choice = Chosen {
        lists: wanted.list.iter().chain(&wanted.lists).cloned().collect(),
        waves: wanted.waves.clone(),
        selection: wanted.selection.clone(),
        merge: wanted.merge,
    };
    if !choice.waves.is_empty() && policy.escalation.is_none() {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "waves-without-escalation",
        ));
    }
    let (mut audience, prediction) = blocking(move || {
        let audience = audience::gather(&directory, &choice, &asked)?;
        let prediction = campaigns.predict(&audience.contacts, &asked);
        Ok::<_, Problem>((audience, prediction))
    })
    .await??;
    let recipients = std::mem::take(&mut audience.contacts);
    if recipients.is_empty() {
        return Err(CommandError::NoRecipients.into());
    }
    let mut made = Made {
        id: None,
        recipients: recipients.len(),
        audience,
        prediction,
    };
    let message = match wanted.message {
        Said::Id(id) => message(desk, id, None).await?.message.id,
        Said::Written(written) if wanted.dry_run => compose(0, written)?.id,
        Said::Written(mut written) => {
            if written.title.trim().is_empty() {
                written.title.clone_from(&name);
            }
            save_message(desk, 0, written, by).await?.0
        }
    };
    if wanted.dry_run {
        return Ok(made);
    }
    let by = by.to_owned();
    let create = Command::Create {
        name,
        message,
        policy,
        recipients,
        service: wanted.service,
        by: by.clone(),
    };
    let Reply::Campaign(campaign) = command(desk, create).await? else {
        return Err(Problem::internal(&"the dialer gave another reply"));
    };
    made.id = Some(campaign);
    if wanted.launch {
        command(desk, Command::Launch { campaign, by }).await?;
    }
    Ok(made)
}

/// Adds people to a campaign; those already in it are left alone.
pub(crate) async fn extend(
    desk: &Arc<Desk>,
    id: u64,
    lists: Vec<Named>,
    selection: Option<Selection>,
    by: String,
) -> Result<(), Problem> {
    if lists.is_empty() && selection.is_none() {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "no-recipients"));
    }
    let policy = report(desk, id).await?.policy;
    let directory = desk.services.directory.snapshot();
    let choice = Chosen {
        lists,
        selection,
        merge: true,
        ..Chosen::default()
    };
    let audience = blocking(move || audience::gather(&directory, &choice, &policy)).await??;
    let extend = Command::Extend {
        campaign: CampaignId(id),
        recipients: audience.contacts,
        by,
    };
    steer(desk, extend).await
}

/// The whole course of a campaign, from its launch to its end: what has happened, and what is to be expected.
pub(crate) async fn prediction(desk: &Arc<Desk>, id: u64) -> Result<Prediction, Problem> {
    match query(desk, Query::Outlook(CampaignId(id))).await? {
        Answer::Outlook(outlook) => blocking(move || outlook.predict()).await,
        _ => Err(Problem::internal(&"the dialer answered another question")),
    }
}

/// A change of what a campaign says.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct NewMessage {
    pub(crate) message: Said,
    /// Calls in progress take it at once.
    #[serde(default = "yes")]
    pub(crate) in_progress: bool,
    /// Those who confirmed the old one are called again.
    #[serde(default)]
    pub(crate) recall_confirmed: bool,
}

fn yes() -> bool {
    true
}

/// Changes what a campaign says. A text written on the spot becomes a new version of the campaign's message.
pub(crate) async fn change_message(desk: &Arc<Desk>, id: u64, new: NewMessage, by: &str) -> Result<(), Problem> {
    let current = view(desk, id).await?.message;
    let message = match new.message {
        Said::Id(id) => MessageId(id),
        Said::Written(mut written) => {
            if written.title.trim().is_empty() {
                written.title = message(desk, current.0, None).await?.message.title;
            }
            save_message(desk, current.0, written, by).await?.0
        }
    };
    let NewMessage {
        in_progress,
        recall_confirmed,
        ..
    } = new;
    let change = Command::ChangeMessage {
        campaign: CampaignId(id),
        message,
        in_progress,
        recall_confirmed,
        by: by.to_owned(),
    };
    command(desk, change).await.map(|_| ())
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Problem {
        let refused = |code| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code);
        let missing = |code| Problem::new(StatusCode::NOT_FOUND, code);
        match error {
            CommandError::NoCampaign(id) => missing("no-campaign").with("id", id.to_string()),
            CommandError::NoMessage(id) => missing("no-message").with("id", id.to_string()),
            CommandError::NoAttempt(_) | CommandError::NoRecipient(_) => missing("not-found"),
            CommandError::EmptyMessage => refused("empty-message"),
            CommandError::NoRecipients => refused("no-recipients"),
            CommandError::NoGateway => refused("no-gateway"),
            CommandError::Expired(id) => refused("expired").with("id", id.to_string()),
            CommandError::Policy(reason) => refused("bad-policy").with("reason", reason.to_string()),
            CommandError::State { campaign, state, .. } => Problem::new(StatusCode::CONFLICT, "campaign-state")
                .with("id", campaign.to_string())
                .with("state", state.to_string()),
            CommandError::Journal(reason) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "journal")
                .with("reason", reason)
                .retry_after(5),
            CommandError::Stopped => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopped").retry_after(5),
        }
    }
}

impl From<directory::SelectionError> for Problem {
    fn from(error: directory::SelectionError) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-selection").with("reason", error.to_string())
    }
}

impl From<directory::StoreError> for Problem {
    fn from(error: directory::StoreError) -> Problem {
        use directory::StoreError;
        match error {
            StoreError::NoSuchRecipient(_) => Problem::new(StatusCode::NOT_FOUND, "no-recipient"),
            StoreError::NoSuchImport(_) => Problem::new(StatusCode::NOT_FOUND, "no-import"),
            StoreError::LiveList(_) => Problem::new(StatusCode::CONFLICT, "live-list"),
            StoreError::NoSuchList(_) => Problem::new(StatusCode::NOT_FOUND, "no-list"),
            StoreError::NameTaken(_) | StoreError::KeyTaken(_) => Problem::new(StatusCode::CONFLICT, "name-taken"),
            StoreError::TooManyNumbers => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too-many-numbers"),
            StoreError::TooLong { field, most } => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "field-too-long")
                .with("field", field)
                .with("most", most.to_string()),
            StoreError::KeptAway => Problem::new(StatusCode::CONFLICT, "kept-away"),
            StoreError::GlobalList => Problem::new(StatusCode::CONFLICT, "global-list"),
            StoreError::Stale(_) => Problem::new(StatusCode::CONFLICT, "changed-meanwhile"),
            error => Problem::internal(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn overrides_change_only_what_they_name() {
        let policy = super::policy(
            Some(Preset::Immediate),
            Some(&json!({ "tries_per_number": 2, "delays": { "busy": 10 } })),
        )
        .unwrap();
        let base = Preset::Immediate.policy();
        assert_eq!(policy.tries_per_number, 2);
        assert_eq!(policy.delays.busy, Some(std::time::Duration::from_secs(10)));
        assert_eq!(policy.delays.no_answer, base.delays.no_answer);
        assert_eq!(policy.ring_timeout, base.ring_timeout);
        for wrong in [
            json!({ "tries_per_number": 0 }),
            json!({ "nonsense": 1 }),
            json!({ "repeats": "x" }),
            json!([1]),
        ] {
            assert_eq!(
                super::policy(None, Some(&wrong)).unwrap_err().code(),
                "bad-policy",
                "{wrong}"
            );
        }
    }
}
