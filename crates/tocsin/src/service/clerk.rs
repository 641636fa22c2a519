//! The clerk answers what calls from outside ask: the directory, the dialer, the desk and the voice may take their time, and
//! the signalling thread may not. Each question is answered on a thread where blocking is allowed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use api::Telephone;
use dialer::{Answer, Command, CommandError, ConfirmedBy, Handle, MessageId, Missed, Query, RecipientId, Reply};
use directory::E164;
use ivr::{Choice, Language, LaunchPrompt, LaunchSettings, catalogue};
use rtp_media::Clip;
use sip_core::CallId;
use tokio::runtime;

use crate::config::Incoming;
use crate::switchboard::{Ask, Member, Piece, Reception, Route, Sound, Told};

use super::signalling::Stopper;
use super::voice::Library;

/// Wait before a confirmation is tried again that the journal did not take.
const CONFIRM_AGAIN: Duration = Duration::from_millis(500);

/// Where the called numbers lead.
pub fn reception(config: &Incoming) -> Reception {
    let call_back = config.call_back.iter().map(|number| (number.clone(), Route::CallBack));
    let launch = config.launch.iter().map(|number| (number.clone(), Route::Launch));
    Reception {
        routes: call_back.chain(launch).collect::<HashMap<_, _>>(),
        channels: config.channels,
        launch: LaunchSettings {
            longest_recording: config.longest_recording,
            ..LaunchSettings::default()
        },
    }
}

/// Answers calls from outside. Cheap to clone.
#[derive(Clone)]
pub struct Clerk {
    runtime: runtime::Handle,
    house: Arc<House>,
    board: Stopper,
}

struct House {
    telephone: Telephone,
    directory: directory::Shared,
    dialer: Handle,
    library: Library,
    call_back_for: Duration,
}

impl Clerk {
    /// A clerk on the present runtime.
    pub fn new(
        config: &Incoming,
        telephone: Telephone,
        directory: directory::Shared,
        dialer: Handle,
        library: Library,
        board: Stopper,
    ) -> Self {
        let house = House {
            telephone,
            directory,
            dialer,
            library,
            call_back_for: config.call_back_for,
        };
        let clerk = Self {
            runtime: runtime::Handle::current(),
            house: Arc::new(house),
            board,
        };
        if !config.launch.is_empty() {
            clerk.warm();
        }
        clerk
    }

    /// Has the fixed words of launches spoken, so that the first caller does not wait for them.
    fn warm(&self) {
        const FIRST: [LaunchPrompt; 6] = [
            LaunchPrompt::AskCode,
            LaunchPrompt::AskPin,
            LaunchPrompt::AskMessage,
            LaunchPrompt::AskList,
            LaunchPrompt::LaunchMenu,
            LaunchPrompt::Launched,
        ];
        let house = Arc::clone(&self.house);
        self.runtime.spawn_blocking(move || {
            for prompt in FIRST {
                let words = catalogue::launch_words(prompt, Language::default(), "", &LaunchSettings::default());
                if let Some(words) = words {
                    house.library.piece(&Piece::Words(words));
                }
            }
        });
    }

    /// Writes down that the endpoint refused strangers; returns at once.
    pub fn note_strangers(&self, count: u64) {
        let house = Arc::clone(&self.house);
        self.runtime
            .spawn_blocking(move || house.telephone.note_strangers(count));
    }

    /// Takes a question; returns at once.
    pub fn take(&self, call: CallId, ask: Ask) {
        let (house, board) = (Arc::clone(&self.house), self.board.clone());
        self.runtime.spawn_blocking(move || {
            if let Some(told) = house.answer(ask) {
                board.tell(call, told);
            }
        });
    }
}

/// What a user may choose from by typing numbers. What has no number that can be typed is left out.
fn choices(member: api::telephone::Member, caller: String) -> Member {
    let choice = |id: u64| {
        let number = u32::try_from(id).ok()?;
        Some(Choice { number, id })
    };
    let titled = |all: Vec<(u64, String)>| {
        let all = all.into_iter();
        all.filter_map(|(id, title)| Some((choice(id)?, title)))
            // Zero records a message.
            .filter(|(choice, _)| choice.number != 0)
            .collect()
    };
    let lists = member.lists.into_iter();
    Member {
        login: member.login,
        caller,
        messages: titled(member.messages),
        lists: lists
            .filter_map(|(id, name, count)| Some((choice(id)?, format!("{name}, {count} destinataires"))))
            .collect(),
        campaigns: titled(member.campaigns),
    }
}

impl House {
    fn answer(&self, ask: Ask) -> Option<Told> {
        match ask {
            Ask::Recognise { caller } => Some(Told::Missed(
                caller.map(|number| self.missed(number)).unwrap_or_default(),
            )),
            Ask::Confirm { heard } => self.confirm(&heard),
            Ask::SignIn { code, pin, caller } => {
                Some(match self.telephone.sign_in(code.digits(), pin.digits(), &caller) {
                    Ok(member) => Told::Member(Arc::new(choices(member, caller))),
                    Err(_) => Told::Refused,
                })
            }
            Ask::Launch { member, launch } => {
                let Member { login, caller, .. } = &*member;
                let launched = self.telephone.launch(login, caller, launch.message, launch.list);
                Some(launched.map_or(Told::Refused, |_| Told::Done))
            }
            Ask::Change { member, change } => {
                let Member { login, caller, .. } = &*member;
                let changed = self.telephone.change(login, caller, change.campaign, change.message);
                Some(changed.map_or(Told::Refused, |()| Told::Done))
            }
            Ask::Keep { member, sound } => Some(self.keep(&member, &sound)),
            Ask::Speak { turn, pieces } => {
                let clips = pieces.iter().filter_map(|piece| self.sound(piece)).collect();
                Some(Told::Spoken { turn, clips })
            }
        }
    }

    /// Makes a recording a file, then a message. The file is durable before the journal names it.
    fn keep(&self, member: &Member, sound: &Sound) -> Told {
        let audio = match self.library.keep(sound) {
            Ok(audio) => audio,
            Err(error) => {
                tracing::error!(%error, "a recording could not be kept");
                return Told::Refused;
            }
        };
        match self.telephone.keep(&member.login, &member.caller, &audio) {
            Ok((id, title)) => match u32::try_from(id) {
                Ok(number) => Told::Kept(Choice { number, id }, title),
                Err(_) => Told::Refused,
            },
            Err(_) => Told::Refused,
        }
    }

    fn sound(&self, piece: &Piece) -> Option<Arc<Clip>> {
        let Piece::Message(id) = piece else {
            return self.library.piece(piece);
        };
        match self.dialer.query(Query::Message(MessageId(*id), None)) {
            Ok(Answer::Messages(editions)) => self.library.message(&editions.last()?.message),
            _ => None,
        }
    }

    /// What everybody who has this number has missed.
    fn missed(&self, number: E164) -> Vec<Missed> {
        let directory = self.directory.snapshot();
        let recipients: Vec<RecipientId> = directory.by_number(number).map(|recipient| recipient.id).collect();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let since = now.saturating_sub(self.call_back_for);
        let query = Query::Missed {
            recipients,
            since_ms: i64::try_from(since.as_millis()).unwrap_or(0),
        };
        match self.dialer.query(query) {
            Ok(Answer::Missed(missed)) => missed,
            _ => Vec::new(),
        }
    }

    /// Makes a confirmation durable. A journal that does not work now will work again: until then the call waits, and even
    /// when the caller has gone the confirmation is not given up.
    fn confirm(&self, heard: &Missed) -> Option<Told> {
        let command = Command::Confirm {
            campaign: heard.campaign,
            recipient: heard.recipient,
            how: ConfirmedBy::CallBack,
            heard: Some(heard.edition),
            by: String::new(),
        };
        loop {
            match self.dialer.command(command.clone()) {
                Ok(Reply::Changed(missed)) => return Some(Told::Changed(missed)),
                Ok(_) => {
                    metrics::counter!("tocsin_confirmations_by_call_back_total").increment(1);
                    self.telephone.note_call_back(heard);
                    return Some(Told::Confirmed);
                }
                Err(CommandError::Journal(_)) => std::thread::sleep(CONFIRM_AGAIN),
                Err(error) => {
                    tracing::warn!(%error, "a confirmation by call back could not be taken");
                    return None;
                }
            }
        }
    }
}
