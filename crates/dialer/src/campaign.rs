//! One campaign as the fold of its records: its members, what was tried, what is still owed to each of them.

use crate::counts::Counts;
use crate::member::{Confirmation, Member, Texted, is_text};
use crate::prediction::Observed;
use crate::time::Moment;
use crate::{
    AttemptId, Bill, CallPhase, CallStats, CampaignId, CampaignState, Cause, ConfirmedBy, E164, Event, FinalState,
    Heard, MessageId, Outcome, Policy, RecipientId, TrunkIndex, Whom, state::Lookup, statistics::Quality,
};
use std::collections::HashMap;

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
    /// What its calls tell of telephones.
    pub(crate) observed: Observed,
    /// Whether its results have lost their persons.
    pub(crate) is_anonymous: bool,
    /// Grows with each change of the message.
    edition: u16,
    /// Confirmations of older editions do not count: those who gave them are called again.
    recalled_before: u16,
    /// The same for those who ring back, who hear the new message at once where calls in progress do.
    replaced_before: u16,
    /// The wave that is called now; the last one that anybody is in; when the current one began.
    pub(crate) wave: u8,
    pub(crate) last_wave: u8,
    pub(crate) wave_opened: Moment,
    /// Members still to be reached, by wave.
    pending_by_wave: Vec<u32>,
    /// An escalation has its people.
    pub(crate) has_enough: bool,
    /// Those who had answered before the last fresh start do not count for an escalation.
    pub(crate) answered_before: u64,
    /// It ended because its time was over.
    pub(crate) has_expired: bool,
    /// Who has which number; only kept where a shared number is called once.
    pub(crate) by_number: HashMap<E164, Vec<(u32, u8)>>,
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

impl Attempt {
    /// How long ago it began.
    pub(crate) fn age_ms(&self, now_ms: i64) -> u32 {
        u32::try_from((now_ms - self.started_ms).max(0)).unwrap_or(u32::MAX)
    }
}

/// What an attempt is charged by.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Price {
    /// Its tariff, as [`Event::AttemptStarted`] names it.
    pub(crate) tariff: u32,
    /// Parts of a text message.
    pub(crate) parts: u32,
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
            observed: Observed::default(),
            is_anonymous: false,
            edition: 0,
            recalled_before: 0,
            replaced_before: 0,
            wave: 0,
            last_wave: 0,
            wave_opened: Moment::default(),
            pending_by_wave: vec![0],
            has_enough: false,
            answered_before: 0,
            has_expired: false,
            by_number: HashMap::new(),
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
                recipients,
                numbers,
                wave,
                ..
            } => self.add((recipients, numbers), *wave, contacts),
            Event::NumbersChanged { members, numbers, .. } => {
                for (place, listed) in members.iter().zip(numbers) {
                    let at = *place as usize;
                    let contact = self.members.get(at).and_then(|member| contacts(member.recipient));
                    self.renew(at, contact.as_ref(), Some(*listed));
                }
            }
            Event::CampaignLaunched { by, .. } => {
                self.state = CampaignState::Running;
                self.period_start = at;
                self.wave_opened = at;
                self.launched_ms = Some(at_ms);
                self.launched_by = Some(by.clone());
            }
            Event::CampaignPaused { .. } => self.state = CampaignState::Paused,
            Event::CampaignResumed { .. } => self.state = CampaignState::Running,
            Event::CampaignAnonymised { .. } => self.anonymise(),
            Event::CampaignStopped { .. } => self.finish(CampaignState::Stopped, at_ms),
            Event::CampaignEnded { expired, .. } => {
                self.has_expired = *expired;
                self.finish(CampaignState::Ended, at_ms);
            }
            Event::UnconfirmedRetried { .. } => {
                self.reopen(at, |state| {
                    !matches!(
                        state,
                        FinalState::Confirmed | FinalState::Informed | FinalState::ConfirmedElsewhere
                    )
                });
            }
            Event::WaveOpened { wave, .. } => {
                self.wave = *wave;
                self.wave_opened = at;
            }
            Event::EnoughAnswered { .. } => {
                self.has_enough = true;
                self.settle_all();
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
                    self.replaced_before = self.edition;
                    let slots = self.members.iter_mut().flat_map(|member| &mut member.slots);
                    slots.for_each(|slot| slot.is_spared = false);
                    self.reopen(at, |state| {
                        matches!(
                            state,
                            FinalState::Confirmed | FinalState::Informed | FinalState::ConfirmedElsewhere
                        )
                    });
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, (recipients, numbers): (&[RecipientId], &[u8]), wave: u8, contacts: Lookup<'_>) {
        self.last_wave = self.last_wave.max(wave);
        self.pending_by_wave.resize(usize::from(self.last_wave) + 1, 0);
        self.members.reserve(recipients.len());
        self.index.reserve(recipients.len());
        for (place, recipient) in recipients.iter().enumerate() {
            let at = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
            let contact = contacts(*recipient);
            let known = *self.index.entry(*recipient).or_insert(at);
            if known != at {
                self.renew(known as usize, contact.as_ref(), numbers.get(place).copied());
                continue;
            }
            let mut member = Member::new(*recipient, contact.as_ref(), numbers.get(place).copied(), wave);
            if !member.has_number(&self.policy) {
                member.state = FinalState::NoNumber;
            }
            *self.counts.of(&member) += 1;
            if member.state == FinalState::Pending {
                self.pending_by_wave[usize::from(wave)] += 1;
            }
            self.members.push(member);
            self.note_numbers(at as usize);
        }
    }

    /// A person is forgotten: what became of them stays; their telephone numbers do not.
    fn forget(&mut self, at: usize) {
        self.drop_numbers(at);
        let Some(member) = self.members.get_mut(at) else { return };
        member.language = None;
        member.is_withdrawn = true;
        for slot in &mut member.slots {
            slot.number = None;
            slot.is_listed = false;
        }
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
    pub(crate) fn erase(&mut self, at: usize) {
        self.forget(at);
        if let Some(member) = self.members.get_mut(at) {
            self.index.remove(&member.recipient);
            member.recipient = crate::contact::anonymous(at);
        }
    }

    /// The place of the member whom a record means.
    fn place(&self, whom: Whom) -> Option<u32> {
        match whom {
            Whom::Member(place) => ((place as usize) < self.members.len()).then_some(place),
            Whom::Recipient(recipient) => self.index.get(&recipient).copied(),
        }
    }

    /// Gives the members in some final states (and those still pending) fresh tries, and the campaign a fresh period.
    fn reopen(&mut self, at: Moment, which: impl Fn(FinalState) -> bool) {
        for at in 0..self.members.len() {
            let member = &self.members[at];
            if !member.has_number(&self.policy) || !(which(member.state) || member.state == FinalState::Pending) {
                continue;
            }
            self.set(at, FinalState::Pending);
            self.members[at].refresh();
        }
        self.has_enough = false;
        self.answered_before = self.counts.confirmed + self.counts.informed;
        self.wave = 0;
        self.wave_opened = at;
        self.has_expired = false;
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
            self.replaced_before = self.edition;
            for attempt in self.attempts.iter_mut().filter(|attempt| attempt.outcome.is_none()) {
                attempt.edition = self.edition;
                attempt.version = version;
            }
        }
    }

    fn finish(&mut self, state: CampaignState, at_ms: i64) {
        self.state = state;
        self.ended_ms = Some(at_ms);
        self.settle_all();
    }

    fn settle_all(&mut self) {
        for at in 0..self.members.len() {
            self.settle(at);
        }
    }

    /// Members of these waves who are still to be reached.
    pub(crate) fn pending_in(&self, waves: std::ops::RangeInclusive<u8>) -> u64 {
        waves
            .filter_map(|wave| self.pending_by_wave.get(usize::from(wave)))
            .map(|count| u64::from(*count))
            .sum()
    }

    /// The directory knows no number of somebody who had some, before a record tells why.
    pub(crate) fn miss(&mut self, at: usize) {
        if let Some(member) = self.members.get_mut(at) {
            member.is_withdrawn = true;
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

    pub(crate) fn edition(&self) -> u16 {
        self.edition
    }

    /// Whether who rang back and heard this has heard what counts.
    pub(crate) fn takes(&self, heard: u16) -> bool {
        heard >= self.replaced_before
    }

    /// Changes a member's state and the counts with it.
    pub(crate) fn set(&mut self, at: usize, state: FinalState) {
        let Some(member) = self.members.get_mut(at) else { return };
        *self.counts.of(member) -= 1;
        let pending = &mut self.pending_by_wave[usize::from(member.wave)];
        *pending -= u32::from(member.state == FinalState::Pending);
        *pending += u32::from(state == FinalState::Pending);
        member.state = state;
        *self.counts.of(member) += 1;
    }

    /// Closes a pending member to whom nothing more is owed.
    pub(crate) fn settle(&mut self, at: usize) {
        let Some(member) = self.members.get(at) else { return };
        if member.state != FinalState::Pending || member.is_busy() {
            return;
        }
        let is_exhausted = member.is_exhausted(&self.policy);
        if !is_exhausted && self.is_open() && !self.has_enough {
            return;
        }
        let state = match member.text {
            _ if member.has_answered => FinalState::NotConfirmed,
            Some(Texted::Delivered) => FinalState::Delivered,
            Some(Texted::Sent) => FinalState::Sent,
            None if is_exhausted && member.is_spared() => FinalState::ConfirmedElsewhere,
            None if is_exhausted && member.is_withdrawn => FinalState::Withdrawn,
            None if is_exhausted => FinalState::NotReached,
            None if self.has_enough => FinalState::NotNeeded,
            None => FinalState::CampaignOver,
        };
        self.set(at, state);
    }

    #[allow(clippy::too_many_arguments)] // The fields of one record.
    pub(crate) fn start(
        &mut self,
        id: AttemptId,
        whom: Whom,
        slot: u8,
        trunk: TrunkIndex,
        version: u32,
        price: Price,
        at_ms: i64,
    ) -> Option<usize> {
        let at = self.place(whom)?;
        let member = self.members.get_mut(at as usize)?;
        member.slots.get_mut(usize::from(slot))?.live = Some(id);
        member.attempts += 1;
        if !is_text(slot) {
            member.last_slot = slot;
        }
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
    pub(crate) fn set_phase(&mut self, at: usize, phase: CallPhase, now_ms: i64) {
        let Some(attempt) = self.attempts.get_mut(at) else {
            return;
        };
        if attempt.outcome.is_none() && attempt.phase != phase {
            *self.counts.phase(attempt.phase) -= 1;
            attempt.phase = phase;
            if phase == CallPhase::Speaking {
                // Until the end tells it to the millisecond.
                attempt.ringing_ms = attempt.age_ms(now_ms);
            }
            *self.counts.phase(phase) += 1;
        }
    }

    pub(crate) fn confirm(&mut self, whom: Whom, attempt: AttemptId, how: ConfirmedBy, at_ms: i64) {
        let Some(at) = self.place(whom).map(|at| at as usize) else {
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
            self.spare(at, slot);
        }
    }

    /// Somebody confirmed on a number: where shared numbers are called once, the others are not called on it any more.
    fn spare(&mut self, at: usize, slot: Option<u8>) {
        let number = slot
            .and_then(|slot| self.members[at].slots.get(usize::from(slot)))
            .and_then(|slot| slot.number);
        let Some(sharers) = number.and_then(|number| self.by_number.get(&number)).cloned() else {
            return;
        };
        for (other, slot) in sharers {
            if other as usize != at {
                self.members[other as usize].slots[usize::from(slot)].is_spared = true;
                self.settle(other as usize);
            }
        }
    }

    /// A text message reached the handset.
    pub(crate) fn deliver(&mut self, id: AttemptId, at_ms: i64) {
        let Ok(index) = self.attempts.binary_search_by_key(&id, |attempt| attempt.id) else {
            return;
        };
        let attempt = &mut self.attempts[index];
        // A restart may have cut the gateway's answer off.
        let Some(before @ (Outcome::Sent | Outcome::Unknown)) = attempt.outcome.filter(|_| is_text(attempt.slot))
        else {
            return;
        };
        attempt.outcome = Some(Outcome::Delivered);
        attempt.ended_ms = Some(at_ms);
        let (at, edition) = (attempt.member as usize, attempt.edition);
        self.counts.outcomes[before.cause() as usize] -= 1;
        self.counts.outcomes[Cause::Delivered as usize] += 1;
        self.texted(at, edition, Texted::Delivered);
    }

    /// A text came this far.
    fn texted(&mut self, at: usize, edition: u16, texted: Texted) {
        let Some(member) = self.members.get_mut(at) else { return };
        if edition < self.recalled_before {
            return;
        }
        member.text = member.text.max(Some(texted));
        let state = member.state;
        if texted == Texted::Sent {
            return;
        }
        let is_informed = !self.policy.confirmation && !matches!(state, FinalState::Confirmed | FinalState::Informed);
        if is_informed {
            self.set(at, FinalState::Informed);
        } else if state == FinalState::Sent {
            self.set(at, FinalState::Delivered);
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
        self.observed.add(attempt);
        let (member, slot, trunk, edition) = (attempt.member as usize, attempt.slot, attempt.trunk, attempt.edition);
        self.charge(member, slot, trunk, outcome, at, at_ms);
        match outcome {
            Outcome::Sent => self.texted(member, edition, Texted::Sent),
            Outcome::Delivered => self.texted(member, edition, Texted::Delivered),
            _ => {}
        }
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
}
