//! The desk by telephone: the same users, rights, operations and audit trail as over HTTPS, for calls instead of requests.

use std::sync::Arc;

use dialer::{CampaignId, CampaignState, Command, Message, MessageId, Missed, Reply, Text};
use tokio::runtime::Handle;

use crate::audit::Operation;
use crate::desk::{Desk, now_ms};
use crate::problem::Problem;
use crate::rooms::{self, Named, NewMessage, Said, Wanted};
use crate::users::Right;

/// The desk for those who ring it up. Cheap to clone. Its methods block, and need a runtime: call them from
/// [`tokio::task::spawn_blocking`].
#[derive(Clone)]
pub struct Telephone {
    desk: Arc<Desk>,
}

/// Why something was not done. What it was stands in the audit trail; a caller learns no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("refused with status {status}")]
pub struct Refused {
    /// As the interface would have answered: 401, 403, 404, 409, 422, 429…
    pub status: u16,
}

/// Who signed in, and what there is to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The user.
    pub login: String,
    /// Messages of the library, by number.
    pub messages: Vec<(u64, String)>,
    /// Lists with their numbers of recipients, the global alert list first.
    pub lists: Vec<(u64, String, usize)>,
    /// Campaigns under way, the newest first.
    pub campaigns: Vec<(u64, String)>,
}

impl Telephone {
    pub(crate) fn new(desk: Arc<Desk>) -> Telephone {
        Telephone { desk }
    }

    /// Checks the codes of somebody who wants to launch. `caller` is the number that the network gave.
    ///
    /// # Errors
    /// 401 for wrong codes, 403 without the right to launch, 429 when too many wrong codes were tried: the right ones are not
    /// looked at then.
    pub fn sign_in(&self, code: &str, pin: &str, caller: &str) -> Result<Member, Refused> {
        let now = now_ms();
        let desk = &self.desk;
        let (login, status) = if !desk.lockout.may_try(code, caller, now) {
            (None, 429)
        } else {
            // A flood of calls must leave the cores to the media.
            let _turn = Handle::current().block_on(desk.verifying.acquire());
            match desk.users.by_telephone(code, pin) {
                Some(login) => {
                    desk.lockout.right(code, caller);
                    let status = if self.may_launch(&login) { 200 } else { 403 };
                    (Some(login), status)
                }
                None => {
                    desk.lockout.wrong(code, caller, now);
                    (None, 401)
                }
            }
        };
        let user = login.clone().unwrap_or_default();
        // A code that is not a user's may be a password typed at the wrong place: it is not written down.
        let target = desk.users.of_code(code).unwrap_or_default();
        self.trace(&user, caller, "telephone.login", target, status);
        match login {
            Some(login) if status == 200 => self.member(login).map_err(|problem| refused(&problem)),
            _ => Err(Refused { status }),
        }
    }

    fn member(&self, login: String) -> Result<Member, Problem> {
        let editions = Handle::current().block_on(rooms::messages(&self.desk))?;
        let messages = editions
            .into_iter()
            .map(|edition| (edition.message.id.0, edition.message.title));
        let directory = self.desk.services.directory.snapshot();
        let mut lists: Vec<(u64, String, usize)> = directory
            .lists()
            .iter()
            .map(|list| {
                let count = directory.members(list.id).map_or(0, |members| members.len());
                (list.id.0, list.name.to_string(), count)
            })
            .collect();
        lists.sort_by_key(|(id, ..)| (*id != directory::ListId::GLOBAL.0, *id));
        let view = self.desk.services.campaigns.view();
        let under_way = view
            .campaigns
            .iter()
            .filter(|campaign| matches!(campaign.state, CampaignState::Running | CampaignState::Paused));
        Ok(Member {
            login,
            messages: messages.collect(),
            lists,
            campaigns: under_way
                .map(|campaign| (campaign.id.0, campaign.name.clone()))
                .collect(),
        })
    }

    /// Makes a campaign and launches it, as `POST /campaigns` does.
    ///
    /// # Errors
    /// When the user may not launch (any more), or the campaign cannot be made.
    pub fn launch(&self, login: &str, caller: &str, message: u64, list: u64) -> Result<CampaignId, Refused> {
        let made = self.allowed(login).and_then(|()| {
            let edition = Handle::current().block_on(rooms::message(&self.desk, message, None))?;
            let wanted = Wanted {
                name: edition.message.title.chars().take(190).collect(),
                message: Said::Id(message),
                list: Some(Named::Id(list)),
                lists: Vec::new(),
                waves: Vec::new(),
                selection: None,
                merge: true,
                preset: None,
                policy: None,
                service: String::new(),
                launch: true,
                dry_run: false,
            };
            let made = Handle::current().block_on(rooms::create(&self.desk, wanted, login))?;
            made.id.ok_or_else(|| Problem::internal(&"the campaign got no number"))
        });
        let target = made.as_ref().map(ToString::to_string).unwrap_or_default();
        self.conclude(login, caller, "campaign.launch", target, made)
    }

    /// Changes what a campaign says from now on, also on calls in progress, as `PUT /campaigns/{id}/message` does.
    ///
    /// # Errors
    /// When the user may not, or the campaign is over.
    pub fn change(&self, login: &str, caller: &str, campaign: u64, message: u64) -> Result<(), Refused> {
        let changed = self.allowed(login).and_then(|()| {
            let new = NewMessage {
                message: Said::Id(message),
                in_progress: true,
                recall_confirmed: false,
            };
            Handle::current().block_on(rooms::change_message(&self.desk, campaign, new, login))
        });
        self.conclude(login, caller, "campaign.message", campaign.to_string(), changed)
    }

    /// Makes a recording of the audio store a message of the library; its number and title.
    ///
    /// # Errors
    /// When the user may not, or the journal does not take it.
    pub fn keep(&self, login: &str, caller: &str, audio: &str) -> Result<(u64, String), Refused> {
        let kept = self.allowed(login).and_then(|()| {
            let at = jiff::Timestamp::now().to_zoned(self.desk.zone.clone());
            let title = format!("Message dicté le {}", at.strftime("%d/%m/%Y à %H:%M"));
            let text = Text {
                language: dialer::Language::FRENCH,
                words: format!("({title} par {login}, au téléphone.)"),
                audio: Some(audio.to_owned()),
            };
            let message = Message {
                id: MessageId(0),
                version: 0,
                title: title.clone(),
                texts: vec![text],
            };
            let save = Command::SaveMessage {
                message,
                by: login.to_owned(),
            };
            match Handle::current().block_on(rooms::command(&self.desk, save))? {
                Reply::Message(id, _) => Ok((id.0, title)),
                _ => Err(Problem::internal(&"the dialer gave another reply")),
            }
        });
        let target = kept.as_ref().map(|(id, _)| id.to_string()).unwrap_or_default();
        self.conclude(login, caller, "message.save", target, kept)
    }

    /// Writes down that a recipient confirmed by calling back; the journal holds it already. Numbers are left out: they are the
    /// directory's to keep and to erase.
    pub fn note_call_back(&self, heard: &Missed) {
        let Missed {
            campaign,
            recipient,
            message,
            version,
            ..
        } = heard;
        let target = format!("{campaign}/{recipient} message {message}.{version}");
        self.trace("", "", "telephone.call-back", target, 200);
    }

    /// Writes down that strangers were refused: how many since the last time.
    pub fn note_strangers(&self, count: u64) {
        self.trace("", "", "telephone.stranger", count.to_string(), 403);
    }

    fn may_launch(&self, login: &str) -> bool {
        let rights = self.desk.users.rights(login);
        rights.is_some_and(|rights| rights.contains(&Right::Launch))
    }

    fn allowed(&self, login: &str) -> Result<(), Problem> {
        if self.may_launch(login) {
            Ok(())
        } else {
            Err(Problem::forbidden())
        }
    }

    fn conclude<T>(
        &self,
        login: &str,
        caller: &str,
        operation: &str,
        target: String,
        result: Result<T, Problem>,
    ) -> Result<T, Refused> {
        let status = result.as_ref().map_or_else(|problem| refused(problem).status, |_| 200);
        self.trace(login, caller, operation, target, status);
        result.map_err(|problem| refused(&problem))
    }

    fn trace(&self, user: &str, caller: &str, operation: &str, target: String, status: u16) {
        let address = if caller.is_empty() {
            "telephone".to_owned()
        } else {
            // What the network gave is no more trustworthy than its length and letters.
            let number = caller.chars().filter(|c| c.is_ascii_graphic()).take(64);
            format!("tel:{}", number.collect::<String>())
        };
        let operation = Operation {
            user: user.to_owned(),
            address,
            operation: operation.to_owned(),
            target,
            status,
        };
        if let Err(error) = self.desk.audit.write(operation, now_ms()) {
            tracing::error!(%error, "an operation could not be written to the audit trail");
        }
    }
}

fn refused(problem: &Problem) -> Refused {
    Refused {
        status: problem.status().as_u16(),
    }
}
