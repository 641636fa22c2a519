//! The clerk answers what calls from outside ask: the directory, the dialer, the desk and the voice may take their time, and
//! the signalling thread may not. Each question is answered on a thread where blocking is allowed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use api::Telephone;
use dialer::{Answer, CampaignId, Command, CommandError, ConfirmedBy, Handle, Missed, Query, RecipientId};
use directory::E164;
use sip_core::CallId;
use tokio::runtime;

use crate::config::Incoming;
use crate::switchboard::{Ask, Reception, Route, Told};

use super::signalling::Stopper;
use super::voice::Library;

/// Wait before a confirmation is tried again that the journal did not take.
const CONFIRM_AGAIN: Duration = Duration::from_millis(500);

/// Where the called numbers lead.
pub fn reception(config: &Incoming) -> Reception {
    let call_back = config.call_back.iter().map(|number| (number.clone(), Route::CallBack));
    Reception {
        routes: call_back.collect::<HashMap<_, _>>(),
        channels: config.channels,
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
        Self {
            runtime: runtime::Handle::current(),
            house: Arc::new(house),
            board,
        }
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

impl House {
    fn answer(&self, ask: Ask) -> Option<Told> {
        match ask {
            Ask::Recognise { caller } => Some(Told::Missed(
                caller.map(|number| self.missed(number)).unwrap_or_default(),
            )),
            Ask::Confirm { campaign, recipient } => self.confirm(campaign, recipient).then_some(Told::Confirmed),
            Ask::Speak { turn, pieces } => {
                let clips = pieces.iter().filter_map(|piece| self.library.piece(piece)).collect();
                Some(Told::Spoken { turn, clips })
            }
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
    fn confirm(&self, campaign: CampaignId, recipient: RecipientId) -> bool {
        let command = Command::Confirm {
            campaign,
            recipient,
            how: ConfirmedBy::CallBack,
            by: String::new(),
        };
        loop {
            match self.dialer.command(command.clone()) {
                Ok(_) => {
                    metrics::counter!("tocsin_confirmations_by_call_back_total").increment(1);
                    self.telephone.note_call_back(campaign, recipient);
                    return true;
                }
                Err(CommandError::Journal(_)) => std::thread::sleep(CONFIRM_AGAIN),
                Err(error) => {
                    tracing::warn!(%error, "a confirmation by call back could not be taken");
                    return false;
                }
            }
        }
    }
}
