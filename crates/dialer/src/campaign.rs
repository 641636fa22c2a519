//! One campaign as the fold of its records: its members, what was tried, what is still owed to each of them.

use crate::counts::Counts;
use crate::time::Moment;
use crate::{
    AttemptId, Bill, CallPhase, CallStats, CampaignId, CampaignState, Cause, ConfirmedBy, Contact, E164, Event,
    FinalState, Heard, Language, MessageId, NumberOrder, Outcome, Policy, RecipientId, TrunkIndex, state::Lookup,
    statistics::Quality,
};
use std::collections::HashMap;
use std::time::Duration;

/// Numbers that are tried per recipient (R23).
pub(crate) const SLOTS: usize = 3;
/// Unknown ends of one number that do not count as tries; beyond, they do, so that lost reports cannot ring for ever.
const FREE_UNKNOWNS: u8 = 3;

/// A campaign.
#[derive(Debug)]
pub(crate) struct Campaign {
    pub(crate) id: CampaignId,
    pub(crate) name: String,
    pub(crate) message: MessageId,
    pub(crate) version: u32,
    pub(crate) policy: Policy,
    pub(crate) service: String,
    pub(crate) state: CampaignState,
    pub(crate) created_by: String,
    pub(crate) created_ms: i64,
    pub(crate) launched_by: Option<String>,
    pub(crate) launched_ms: Option<i64>,
    pub(crate) ended_ms: Option<i64>,
    /// Start of the current period.
    pub(crate) period_start: Moment,
    pub(crate) members: Vec<Member>,
    pub(crate) index: HashMap<RecipientId, u32>,
    /// In order of their ids.
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) counts: Counts,
    /// Whether its results have lost their persons.
    pub(crate) is_anonymous: bool,
    /// Grows with each change of the message.
    edition: u16,
    /// Confirmations of older editions do not count: those who gave them are called again.
    recalled_before: u16,
}

/// A recipient in a campaign.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) recipient: RecipientId,
    pub(crate) language: Option<Language>,
    pub(crate) state: FinalState,
    pub(crate) slots: [Slot; SLOTS],
    /// Attempts that count against the policy, since the last fresh start.
    pub(crate) tries: u8,
    /// All attempts.
    pub(crate) attempts: u32,
    pub(crate) last_slot: u8,
    pub(crate) has_answered: bool,
    pub(crate) not_before: Moment,
    pub(crate) confirmation: Option<Confirmation>,
    pub(crate) first_ms: Option<i64>,
    pub(crate) last: Option<Outcome>,
    pub(crate) last_ms: Option<i64>,
}

/// One number of a recipient.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Slot {
    /// The number, while the directory knows it.
    pub(crate) number: Option<E164>,
    /// Whether there was a number when the person was added: what the story of the campaign goes by, also when the person
    /// has been erased since.
    pub(crate) is_listed: bool,
    pub(crate) tries: u8,
    pub(crate) unknowns: u8,
    /// Carrier failures in a row.
    pub(crate) congestions: u8,
    /// Never to be tried again.
    pub(crate) is_dead: bool,
    /// No trunk reaches it.
    has_no_route: bool,
    pub(crate) not_before: Moment,
    /// The attempt in progress.
    pub(crate) live: Option<AttemptId>,
    /// The trunk to avoid if there is another: the last attempt failed on it.
    pub(crate) avoid: Option<TrunkIndex>,
}

/// When and how a recipient confirmed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Confirmation {
    pub(crate) at_ms: i64,
    pub(crate) slot: Option<u8>,
    pub(crate) how: ConfirmedBy,
}

/// One attempt.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) id: AttemptId,
    pub(crate) member: u32,
    pub(crate) slot: u8,
    pub(crate) trunk: TrunkIndex,
    pub(crate) version: u32,
    edition: u16,
    pub(crate) is_confirmed: bool,
    pub(crate) phase: CallPhase,
    pub(crate) started_ms: i64,
    pub(crate) ended_ms: Option<i64>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) ringing_ms: u32,
    pub(crate) talking_ms: u32,
    pub(crate) status: Option<u16>,
    pub(crate) price: Price,
    pub(crate) bill: Bill,
    pub(crate) quality: Quality,
}

/// What an attempt is charged by.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Price {
    /// Its tariff, as [`Event::AttemptStarted`] names it.
    pub(crate) tariff: u32,
    /// Parts of a text message.
    pub(crate) parts: u32,
}

/// What a member is owed next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Try this slot, not before this moment.
    Try(u8, Moment),
    /// A call is in progress.
    InCall,
    /// Every try is used up.
    Exhausted,
}

impl Slot {
    fn is_open(&self, policy: &Policy) -> bool {
        self.is_listed && !self.is_dead && !self.has_no_route && self.tries < policy.tries_per_number
    }

    fn refresh(&mut self) {
        *self = Self {
            number: self.number,
            is_listed: self.is_listed,
            live: self.live,
            has_no_route: self.has_no_route,
            ..Self::default()
        };
    }
}

impl Member {
    /// `listed`: how many numbers the person had, if the record tells.
    fn new(recipient: RecipientId, contact: Option<&Contact>, listed: Option<u8>) -> Self {
        let known = contact.map_or(SLOTS, |contact| contact.numbers.len());
        let listed = listed.map_or(known, usize::from);
        let mut slots = [Slot::default(); SLOTS];
        for (slot, number) in slots
            .iter_mut()
            .zip(contact.iter().flat_map(|contact| &contact.numbers))
        {
            slot.number = Some(*number);
        }
        slots.iter_mut().take(listed).for_each(|slot| slot.is_listed = true);
        Self {
            recipient,
            language: contact.and_then(|contact| contact.language),
            state: FinalState::Pending,
            slots,
            tries: 0,
            attempts: 0,
            last_slot: (SLOTS - 1) as u8,
            has_answered: false,
            not_before: Moment::default(),
            confirmation: None,
            first_ms: None,
            last: None,
            last_ms: None,
        }
    }

    pub(crate) fn is_in_call(&self) -> bool {
        self.slots.iter().any(|slot| slot.live.is_some())
    }

    /// What this member is owed. With all numbers at once, `only` asks about one slot.
    pub(crate) fn next(&self, policy: &Policy, only: Option<u8>) -> Next {
        let at_once = policy.order == NumberOrder::AllAtOnce;
        if !at_once && self.is_in_call() {
            return Next::InCall;
        }
        if self.tries >= policy.tries_per_recipient {
            return if self.is_in_call() {
                Next::InCall
            } else {
                Next::Exhausted
            };
        }
        let mut best: Option<(Moment, u8)> = None;
        for step in 1..=SLOTS as u8 {
            let at = (self.last_slot + step) % SLOTS as u8;
            let slot = &self.slots[usize::from(at)];
            if !slot.is_open(policy) || slot.live.is_some() || only.is_some_and(|only| only != at) {
                continue;
            }
            let due = if at_once {
                slot.not_before
            } else {
                slot.not_before.max(self.not_before)
            };
            if best.is_none_or(|(moment, _)| due < moment) {
                best = Some((due, at));
            }
        }
        match best {
            Some((due, slot)) => Next::Try(slot, due),
            None if self.is_in_call() => Next::InCall,
            None => Next::Exhausted,
        }
    }

    fn refresh(&mut self) {
        self.tries = 0;
        self.not_before = Moment::default();
        self.last_slot = (SLOTS - 1) as u8;
        self.slots.iter_mut().for_each(Slot::refresh);
    }
}

impl Campaign {
    pub(crate) fn created(event: &Event, at_ms: i64) -> Option<Self> {
        let Event::CampaignCreated {
            campaign,
            name,
            message,
            version,
            policy,
            service,
            by,
        } = event
        else {
            return None;
        };
        Some(Self {
            id: *campaign,
            name: name.clone(),
            message: *message,
            version: *version,
            policy: (**policy).clone(),
            service: service.clone(),
            state: CampaignState::Ready,
            created_by: by.clone(),
            created_ms: at_ms,
            launched_by: None,
            launched_ms: None,
            ended_ms: None,
            period_start: Moment::default(),
            members: Vec::new(),
            index: HashMap::new(),
            attempts: Vec::new(),
            counts: Counts::default(),
            is_anonymous: false,
            edition: 0,
            recalled_before: 0,
        })
    }

    /// Whether new attempts may start for it, apart from hours.
    pub(crate) fn is_open(&self) -> bool {
        matches!(
            self.state,
            CampaignState::Ready | CampaignState::Running | CampaignState::Paused
        )
    }

    /// When its period is over.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        matches!(self.state, CampaignState::Running | CampaignState::Paused)
            .then(|| self.period_start + self.policy.total_period)
    }

    pub(crate) fn apply(&mut self, event: &Event, at: Moment, at_ms: i64, contacts: Lookup<'_>) {
        match event {
            Event::RecipientsAdded {
                recipients, numbers, ..
            } => self.add(recipients, numbers, contacts),
            Event::CampaignLaunched { by, .. } => {
                self.state = CampaignState::Running;
                self.period_start = at;
                self.launched_ms = Some(at_ms);
                self.launched_by = Some(by.clone());
            }
            Event::CampaignPaused { .. } => self.state = CampaignState::Paused,
            Event::CampaignResumed { .. } => self.state = CampaignState::Running,
            Event::CampaignAnonymised { .. } => self.anonymise(),
            Event::CampaignStopped { .. } => self.finish(CampaignState::Stopped, at_ms),
            Event::CampaignEnded { .. } => self.finish(CampaignState::Ended, at_ms),
            Event::UnconfirmedRetried { .. } => {
                self.reopen(at, |state| {
                    !matches!(state, FinalState::Confirmed | FinalState::Informed)
                });
            }
            Event::MessageChanged {
                message,
                version,
                in_progress,
                recall_confirmed,
                ..
            } => {
                self.change_message(*message, *version, *in_progress);
                if *recall_confirmed {
                    self.recalled_before = self.edition;
                    self.reopen(at, |state| {
                        matches!(state, FinalState::Confirmed | FinalState::Informed)
                    });
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, recipients: &[RecipientId], numbers: &[u8], contacts: Lookup<'_>) {
        self.members.reserve(recipients.len());
        self.index.reserve(recipients.len());
        for (place, recipient) in recipients.iter().enumerate() {
            let at = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
            let contact = contacts(*recipient);
            if *self.index.entry(*recipient).or_insert(at) != at {
                continue;
            }
            let mut member = Member::new(*recipient, contact.as_ref(), numbers.get(place).copied());
            if !member.slots[0].is_listed {
                member.state = FinalState::NoNumber;
            }
            *self.counts.of(&member) += 1;
            self.counts.numbers += member.slots.iter().filter(|slot| slot.is_listed).count() as u64;
            self.members.push(member);
        }
    }

    /// A person was erased: what became of them stays, by number; their telephone numbers are forgotten.
    fn forget(&mut self, at: usize) {
        let Some(member) = self.members.get_mut(at) else { return };
        member.language = None;
        let listed = member.slots.iter().filter(|slot| slot.is_listed).count() as u64;
        for slot in &mut member.slots {
            slot.number = None;
            slot.is_listed = false;
        }
        self.counts.numbers = self.counts.numbers.saturating_sub(listed);
        self.settle(at);
    }

    /// See [`Event::CampaignAnonymised`]: members are numbered by their place in this campaign alone.
    fn anonymise(&mut self) {
        self.is_anonymous = true;
        self.index.clear();
        for at in 0..self.members.len() {
            self.forget(at);
            self.members[at].recipient = crate::contact::anonymous(at);
        }
    }

    /// See [`Event::RecipientErased`].
    pub(crate) fn erase(&mut self, recipient: RecipientId) {
        if let Some(at) = self.index.get(&recipient) {
            self.forget(*at as usize);
        }
    }

    /// Gives the members in some final states (and those still pending) fresh tries, and the campaign a fresh period.
    fn reopen(&mut self, at: Moment, which: impl Fn(FinalState) -> bool) {
        for member in &mut self.members {
            if !member.slots[0].is_listed || !(which(member.state) || member.state == FinalState::Pending) {
                continue;
            }
            *self.counts.of(member) -= 1;
            member.state = FinalState::Pending;
            member.refresh();
            *self.counts.of(member) += 1;
        }
        self.period_start = at;
        if !self.is_open() {
            self.state = CampaignState::Running;
            self.ended_ms = None;
        }
        // Numbers that no trunk reaches, or that the directory has forgotten, are no tries to wait for.
        (0..self.members.len()).for_each(|at| self.settle(at));
    }

    fn change_message(&mut self, message: MessageId, version: u32, in_progress: bool) {
        self.message = message;
        self.version = version;
        self.edition += 1;
        if in_progress {
            for attempt in self.attempts.iter_mut().filter(|attempt| attempt.outcome.is_none()) {
                attempt.edition = self.edition;
                attempt.version = version;
            }
        }
    }

    fn finish(&mut self, state: CampaignState, at_ms: i64) {
        self.state = state;
        self.ended_ms = Some(at_ms);
        for at in 0..self.members.len() {
            self.settle(at);
        }
    }

    /// No trunk reaches this number. Follows from the settings, not from a record, and so is done again at each start.
    pub(crate) fn disable(&mut self, at: usize, slot: usize) {
        if let Some(slot) = self.members.get_mut(at).and_then(|member| member.slots.get_mut(slot)) {
            slot.has_no_route = true;
        }
        self.settle(at);
    }

    /// Whether an attempt says what the campaign says now.
    pub(crate) fn is_current(&self, attempt: &Attempt) -> bool {
        attempt.edition == self.edition
    }

    /// Changes a member's state and the counts with it.
    fn set(&mut self, at: usize, state: FinalState) {
        let Some(member) = self.members.get_mut(at) else { return };
        *self.counts.of(member) -= 1;
        member.state = state;
        *self.counts.of(member) += 1;
    }

    /// Closes a pending member to whom nothing more is owed.
    fn settle(&mut self, at: usize) {
        let Some(member) = self.members.get(at) else { return };
        if member.state != FinalState::Pending || member.is_in_call() {
            return;
        }
        let is_exhausted = member.next(&self.policy, None) == Next::Exhausted;
        let state = match (is_exhausted, self.is_open(), member.has_answered) {
            (false, true, _) => return,
            (_, _, true) => FinalState::NotConfirmed,
            (true, _, false) => FinalState::NotReached,
            (false, false, false) => FinalState::CampaignOver,
        };
        self.set(at, state);
    }

    #[allow(clippy::too_many_arguments)] // The fields of one record.
    pub(crate) fn start(
        &mut self,
        id: AttemptId,
        recipient: RecipientId,
        slot: u8,
        trunk: TrunkIndex,
        version: u32,
        price: Price,
        at_ms: i64,
    ) -> Option<usize> {
        let at = *self.index.get(&recipient)?;
        let member = self.members.get_mut(at as usize)?;
        member.slots.get_mut(usize::from(slot))?.live = Some(id);
        member.attempts += 1;
        member.last_slot = slot;
        member.first_ms.get_or_insert(at_ms);
        self.counts.calling += 1;
        self.attempts.push(Attempt {
            id,
            member: at,
            slot,
            trunk,
            version,
            edition: self.edition,
            is_confirmed: false,
            phase: CallPhase::Calling,
            started_ms: at_ms,
            ended_ms: None,
            outcome: None,
            ringing_ms: 0,
            talking_ms: 0,
            status: None,
            price,
            bill: Bill::default(),
            quality: Quality::default(),
        });
        Some(self.attempts.len() - 1)
    }

    /// The only change that is not a record: how far a call in progress is.
    pub(crate) fn set_phase(&mut self, at: usize, phase: CallPhase) {
        let Some(attempt) = self.attempts.get_mut(at) else {
            return;
        };
        if attempt.outcome.is_none() && attempt.phase != phase {
            *self.counts.phase(attempt.phase) -= 1;
            attempt.phase = phase;
            *self.counts.phase(phase) += 1;
        }
    }

    pub(crate) fn confirm(&mut self, recipient: RecipientId, attempt: AttemptId, how: ConfirmedBy, at_ms: i64) {
        let Some(at) = self.index.get(&recipient).map(|at| *at as usize) else {
            return;
        };
        let mut slot = None;
        let mut edition = self.edition;
        if let Ok(index) = self.attempts.binary_search_by_key(&attempt, |attempt| attempt.id) {
            let attempt = &mut self.attempts[index];
            attempt.is_confirmed = true;
            slot = Some(attempt.slot);
            edition = attempt.edition;
        }
        if edition < self.recalled_before {
            return;
        }
        let Some(member) = self.members.get_mut(at) else { return };
        if member.state != FinalState::Confirmed {
            member.confirmation = Some(Confirmation { at_ms, slot, how });
            self.set(at, FinalState::Confirmed);
        }
    }

    pub(crate) fn end_attempt(
        &mut self,
        index: usize,
        outcome: Outcome,
        stats: &CallStats,
        bill: Bill,
        at: Moment,
        at_ms: i64,
    ) {
        let Some(attempt) = self.attempts.get_mut(index) else {
            return;
        };
        *self.counts.phase(attempt.phase) -= 1;
        attempt.outcome = Some(outcome);
        attempt.ended_ms = Some(at_ms);
        attempt.ringing_ms = u32::try_from(stats.ringing.as_millis()).unwrap_or(u32::MAX);
        attempt.talking_ms = u32::try_from(stats.talking.as_millis()).unwrap_or(u32::MAX);
        attempt.status = stats.status;
        attempt.bill = bill;
        attempt.quality = Quality::of(stats);
        self.counts.outcomes[outcome.cause() as usize] += 1;
        self.counts.cost_micros += bill.micros;
        self.counts.billed_seconds += u64::from(bill.seconds);
        if !matches!(outcome, Outcome::Cancelled | Outcome::Unknown) {
            self.counts.held += 1;
            self.counts.held_ms += u64::from(attempt.ringing_ms) + u64::from(attempt.talking_ms);
        }
        let (member, slot, trunk, edition) = (attempt.member as usize, attempt.slot, attempt.trunk, attempt.edition);
        self.charge(member, slot, trunk, outcome, at, at_ms);
        let is_current = edition >= self.recalled_before;
        let is_pending = self
            .members
            .get(member)
            .is_some_and(|member| member.state == FinalState::Pending);
        if is_pending
            && is_current
            && !self.policy.confirmation
            && outcome == Outcome::AnsweredNotConfirmed(Heard::Whole)
        {
            self.set(member, FinalState::Informed);
        }
        self.settle(member);
    }

    /// Enters an outcome into the account of its number and its member.
    fn charge(&mut self, at: usize, slot: u8, trunk: TrunkIndex, outcome: Outcome, now: Moment, at_ms: i64) {
        let delay = self.delay(&outcome);
        let Some(member) = self.members.get_mut(at) else { return };
        let Some(slot) = member.slots.get_mut(usize::from(slot)) else {
            return;
        };
        slot.live = None;
        if outcome == Outcome::Cancelled {
            return;
        }
        member.last_ms = Some(at_ms);
        // Safe for the counts: a member that is over without an answer has no call that could end.
        member.last = Some(outcome);
        member.has_answered |= matches!(outcome, Outcome::Confirmed | Outcome::AnsweredNotConfirmed(_));
        slot.avoid = None;
        if let Outcome::Congestion { .. } = outcome {
            slot.avoid = Some(trunk);
            slot.not_before = now + congestion_delay(slot.congestions);
            slot.congestions = slot.congestions.saturating_add(1);
            return;
        }
        slot.congestions = 0;
        let is_free = outcome == Outcome::Unknown && slot.unknowns < FREE_UNKNOWNS;
        if is_free {
            slot.unknowns += 1;
        } else {
            slot.tries = slot.tries.saturating_add(1);
            member.tries = member.tries.saturating_add(1);
        }
        match delay {
            Some(delay) => slot.not_before = now + delay,
            None => slot.is_dead = true,
        }
        member.not_before = now + self.policy.between_numbers;
    }

    /// The wait after an outcome; `None`: the number is not tried again.
    fn delay(&self, outcome: &Outcome) -> Option<Duration> {
        let delays = &self.policy.delays;
        match outcome.cause() {
            // Only seen when an older message was confirmed that had been recalled.
            Cause::Confirmed | Cause::Cancelled | Cause::Congestion => Some(Duration::ZERO),
            Cause::NotConfirmed => delays.not_confirmed,
            Cause::HungUpEarly => delays.hung_up_early,
            Cause::Machine => delays.machine,
            Cause::Busy => delays.busy,
            Cause::NoAnswer => delays.no_answer,
            Cause::Unreachable => delays.unreachable,
            Cause::Rejected => delays.rejected,
            Cause::Failed => delays.failed,
            Cause::Unknown => Some(delays.unknown.unwrap_or(Duration::from_secs(5))),
        }
    }
}

/// Wait after carrier failures in a row: 1, 2, 4 … 30 s. The first one leaves time for a change of trunk.
fn congestion_delay(failures: u8) -> Duration {
    Duration::from_secs(1 << failures.min(5)).min(Duration::from_secs(30))
}
