//! One recipient in a campaign: their numbers, what was tried on each, and what is still owed to them.

use crate::time::Moment;
use crate::{
    AttemptId, ConfirmedBy, Contact, E164, FinalState, Language, Medium, NumberOrder, Outcome, Policy, RecipientId,
    Texting, TrunkIndex,
};

/// Numbers that are called per recipient (R23).
pub(crate) const VOICE: usize = 3;
/// All numbers of a recipient: those that are called, then those that texts are sent to. The journal names a number by
/// its place among these.
pub(crate) const SLOTS: usize = 2 * VOICE;

/// Whether a number is one that texts are sent to.
pub(crate) fn is_text(slot: u8) -> bool {
    usize::from(slot) >= VOICE
}

/// How many numbers a person has, as records tell it: those that are called, and sixteen times those that take texts.
pub(crate) fn listed(contact: &Contact) -> u8 {
    let count = |numbers: &[E164]| numbers.len().min(VOICE) as u8;
    count(&contact.numbers) | count(&contact.texts) << 4
}

/// A recipient in a campaign.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) recipient: RecipientId,
    pub(crate) language: Option<Language>,
    /// The wave of an escalation in which they are called.
    pub(crate) wave: u8,
    pub(crate) state: FinalState,
    pub(crate) slots: [Slot; SLOTS],
    /// Calls that count against the policy, since the last fresh start.
    pub(crate) tries: u8,
    /// All attempts.
    pub(crate) attempts: u32,
    pub(crate) last_slot: u8,
    pub(crate) has_answered: bool,
    /// Heard the whole message at least once.
    pub(crate) has_heard: bool,
    /// How far a text came; `None`: none left yet.
    pub(crate) text: Option<Texted>,
    pub(crate) not_before: Moment,
    /// Left the directory, or wants no alerts any more, since they were added.
    pub(crate) is_withdrawn: bool,
    pub(crate) confirmation: Option<Confirmation>,
    pub(crate) first_ms: Option<i64>,
    pub(crate) last: Option<Outcome>,
    pub(crate) last_ms: Option<i64>,
}

/// How far a text message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Texted {
    /// The gateway took it.
    Sent,
    /// It reached the handset.
    Delivered,
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
    pub(crate) has_no_route: bool,
    /// Somebody else confirmed on it.
    pub(crate) is_spared: bool,
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

/// What a member is owed next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Try this slot, not before this moment.
    Try(u8, Moment),
    /// An attempt is in progress.
    InCall,
    /// Not now: what goes before it is not over.
    Later,
    /// Every try is used up.
    Exhausted,
}

impl Slot {
    fn is_open(&self, tries: u8) -> bool {
        self.is_listed && !self.is_dead && !self.has_no_route && !self.is_spared && self.tries < tries
    }

    fn refresh(&mut self) {
        *self = Self {
            number: self.number,
            is_listed: self.is_listed,
            live: self.live,
            has_no_route: self.has_no_route,
            is_spared: self.is_spared,
            ..Self::default()
        };
    }
}

impl Member {
    /// `listed`: how many numbers the person had, if the record tells, as [`listed`] gives it.
    pub(crate) fn new(recipient: RecipientId, contact: Option<&Contact>, listed: Option<u8>, wave: u8) -> Self {
        let mut slots = [Slot::default(); SLOTS];
        if let Some(contact) = contact {
            let (voice, text) = slots.split_at_mut(VOICE);
            for (slots, numbers) in [(voice, &contact.numbers), (text, &contact.texts)] {
                for (slot, number) in slots.iter_mut().zip(numbers) {
                    slot.number = Some(*number);
                }
            }
        }
        // Records of the first version do not tell; whoever is unknown then had every number that can be called.
        let counts = listed.or_else(|| contact.map(self::listed)).unwrap_or(VOICE as u8);
        let (voice, text) = slots.split_at_mut(VOICE);
        for (slots, count) in [(voice, counts & 0xf), (text, counts >> 4)] {
            let had = slots.iter_mut().take(usize::from(count));
            had.for_each(|slot| slot.is_listed = true);
        }
        Self {
            recipient,
            language: contact.and_then(|contact| contact.language),
            wave,
            state: FinalState::Pending,
            slots,
            tries: 0,
            attempts: 0,
            last_slot: (VOICE - 1) as u8,
            has_answered: false,
            has_heard: false,
            text: None,
            not_before: Moment::default(),
            is_withdrawn: false,
            confirmation: None,
            first_ms: None,
            last: None,
            last_ms: None,
        }
    }

    /// Whether the policy finds a number to call or to send a text to.
    pub(crate) fn has_number(&self, policy: &Policy) -> bool {
        let has = |slots: &[Slot]| slots.iter().any(|slot| slot.is_listed);
        policy.uses(Medium::Voice) && has(&self.slots[..VOICE])
            || policy.uses(Medium::Text) && has(&self.slots[VOICE..])
    }

    /// Whether one of their telephones is being called.
    pub(crate) fn is_in_call(&self) -> bool {
        self.slots[..VOICE].iter().any(|slot| slot.live.is_some())
    }

    /// Whether somebody was called, well or not, since the last fresh start.
    pub(crate) fn was_called(&self) -> bool {
        let was_tried = |slot: &Slot| slot.tries > 0 || slot.unknowns > 0 || slot.congestions > 0;
        self.slots[..VOICE].iter().any(was_tried)
    }

    /// Whether a call or a text is on its way.
    pub(crate) fn is_busy(&self) -> bool {
        self.slots.iter().any(|slot| slot.live.is_some())
    }

    /// Whether nothing more is owed, whatever becomes of what is on its way.
    pub(crate) fn is_exhausted(&self, policy: &Policy) -> bool {
        self.next(policy, None) == Next::Exhausted && self.next_text(policy) == Next::Exhausted
    }

    /// Whether every number that could still be tried is one on which somebody else confirmed.
    pub(crate) fn is_spared(&self) -> bool {
        self.slots.iter().any(|slot| slot.is_spared)
    }

    /// The call that this member is owed. With all numbers at once, `only` asks about one slot.
    pub(crate) fn next(&self, policy: &Policy, only: Option<u8>) -> Next {
        let at_once = policy.order == NumberOrder::AllAtOnce;
        if !at_once && self.is_in_call() {
            return Next::InCall;
        }
        if self.tries >= policy.tries_per_recipient || policy.texts.when == Texting::Only {
            return if self.is_in_call() {
                Next::InCall
            } else {
                Next::Exhausted
            };
        }
        let mut best: Option<(Moment, u8)> = None;
        for step in 1..=VOICE as u8 {
            let at = (self.last_slot + step) % VOICE as u8;
            let slot = &self.slots[usize::from(at)];
            if !slot.is_open(policy.tries_per_number) || slot.live.is_some() || only.is_some_and(|only| only != at) {
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

    /// The text that this member is owed: one, on the first of their numbers that takes it.
    pub(crate) fn next_text(&self, policy: &Policy) -> Next {
        let texts = &policy.texts;
        if texts.when == Texting::Never || self.text.is_some() {
            return Next::Exhausted;
        }
        let numbers = self.slots.iter().enumerate().skip(VOICE);
        if numbers.clone().any(|(_, slot)| slot.live.is_some()) {
            return Next::InCall;
        }
        let Some((at, slot)) = numbers.into_iter().find(|(_, slot)| slot.is_open(texts.tries)) else {
            return Next::Exhausted;
        };
        let is_time = match texts.when {
            Texting::AfterFailures => self.tries >= texts.failures || self.next(policy, None) == Next::Exhausted,
            Texting::Never | Texting::Together | Texting::Only => true,
        };
        if is_time {
            Next::Try(at as u8, slot.not_before)
        } else {
            Next::Later
        }
    }

    /// What is owed on one slot.
    pub(crate) fn next_on(&self, policy: &Policy, slot: u8) -> Next {
        if is_text(slot) {
            self.next_text(policy)
        } else {
            self.next(policy, (policy.order == NumberOrder::AllAtOnce).then_some(slot))
        }
    }

    pub(crate) fn refresh(&mut self) {
        self.tries = 0;
        self.text = None;
        self.not_before = Moment::default();
        self.last_slot = (VOICE - 1) as u8;
        self.slots.iter_mut().for_each(Slot::refresh);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_tell_both_kinds_of_numbers_and_old_ones_only_those_that_are_called() {
        let number = |n: u64| E164::parse(&format!("+33199000{n:03}")).unwrap();
        let contact = Contact {
            numbers: vec![number(1), number(2)],
            texts: vec![number(2)],
            ..Contact::default()
        };
        let kinds = |member: &Member| member.slots.map(|slot| slot.is_listed);
        let told = Member::new(RecipientId(1), None, Some(listed(&contact)), 0);
        assert_eq!(kinds(&told), [true, true, false, true, false, false]);
        let old = Member::new(RecipientId(1), None, Some(2), 0);
        assert_eq!(kinds(&old), [true, true, false, false, false, false]);
        let first = Member::new(RecipientId(1), None, None, 0);
        assert_eq!(kinds(&first), [true, true, true, false, false, false]);
        let known = Member::new(RecipientId(1), Some(&contact), None, 0);
        assert_eq!(kinds(&known), kinds(&told));
    }
}
