//! The scheduler: who is called next, over which trunk, and when the call leaves.

use crate::campaign::Campaign;
use crate::dialer::{Call, Dialer, Gate};
use crate::member::{Next, SLOTS, VOICE, is_text};
use crate::plan::{Item, NO_ROUTE, Plan};
use crate::time::Moment;
use crate::trunk::{Router, Trunk};
use crate::{
    Action, AttemptId, CallStats, CampaignId, CampaignState, Event, FinalState, Medium, Notice, Now, NumberOrder,
    Order, Outcome, TrunkIndex, Whom,
};
use std::cmp::Reverse;
use std::time::Duration;

/// How long a gateway may take to say whether it takes a text.
const LONGEST_SENDING: Duration = Duration::from_secs(120);

impl Dialer {
    /// Does everything that is due.
    pub(crate) fn turn(&mut self, now: Now, moment: Moment) {
        self.last_turn = moment;
        self.last_ms = now.utc_ms;
        self.end_lost(now, moment);
        self.expire(now, moment);
        self.anonymise(now, moment);
        self.escalate(now, moment);
        self.wake(moment);
        self.release(now, moment);
        self.pump(now, moment);
    }

    /// Ends campaigns whose period is over.
    fn expire(&mut self, now: Now, moment: Moment) {
        let over: Vec<CampaignId> = self
            .plans
            .keys()
            .copied()
            .filter(|id| {
                let Some(campaign) = self.state.campaigns.get(id) else {
                    return false;
                };
                let has_lapsed = campaign.policy.expires_ms.is_some_and(|expires| expires <= now.utc_ms);
                campaign
                    .deadline()
                    .is_some_and(|deadline| deadline <= moment || has_lapsed)
            })
            .collect();
        for id in over {
            self.emit(
                now,
                Event::CampaignEnded {
                    campaign: id,
                    expired: true,
                },
            );
            self.drop_plan(id);
        }
    }

    /// Moves what has waited long enough into the ready queues, and forgets what is not waited for any more.
    fn wake(&mut self, moment: Moment) {
        while let Some(Reverse((due, campaign, item))) = self.waiting.peek().copied()
            && (due <= moment || !self.plans.get(&campaign).is_some_and(|plan| plan.is_valid(item)))
        {
            self.waiting.pop();
            if let Some(plan) = self.plans.get_mut(&campaign) {
                plan.push(item);
            }
        }
    }

    /// Gives a campaign its queues, or the queues of added members their places.
    pub(crate) fn plan_members(&mut self, id: CampaignId) {
        let Some(campaign) = self.state.campaigns.get_mut(&id) else {
            return;
        };
        let start = self.served;
        let plan = self.plans.entry(id).or_insert_with(|| Plan::new(start));
        for at in plan.members()..campaign.members.len() {
            plan.add(classes(campaign, at, &mut self.router, &self.trunks));
        }
    }

    /// The places of a member whose numbers have changed.
    pub(crate) fn plan_member(&mut self, id: CampaignId, at: usize) {
        if let (Some(campaign), Some(plan)) = (self.state.campaigns.get_mut(&id), self.plans.get_mut(&id)) {
            plan.replace(at, classes(campaign, at, &mut self.router, &self.trunks));
        }
    }

    /// Puts every member who is owed a try into the queues.
    pub(crate) fn schedule_all(&mut self, moment: Moment, id: CampaignId, from: usize) {
        let Some(count) = self.state.campaigns.get(&id).map(|campaign| campaign.members.len()) else {
            return;
        };
        for member in from..count {
            self.schedule(moment, id, member as u32, None);
        }
    }

    /// Puts a member, or what hangs together with one of their slots, into the queue where it belongs now.
    pub(crate) fn schedule(&mut self, moment: Moment, id: CampaignId, at: u32, only: Option<u8>) {
        let Some(campaign) = self.state.campaigns.get(&id) else {
            return;
        };
        let (Some(plan), Some(member)) = (self.plans.get_mut(&id), campaign.members.get(at as usize)) else {
            return;
        };
        let at_once = campaign.policy.order == NumberOrder::AllAtOnce;
        let only = only.filter(|only| at_once && !is_text(*only));
        match only {
            Some(slot) => plan.withdraw(at, usize::from(slot)..usize::from(slot) + 1),
            None => plan.withdraw(at, 0..VOICE),
        }
        plan.withdraw(at, VOICE..SLOTS);
        if member.state != FinalState::Pending
            || !matches!(campaign.state, CampaignState::Running | CampaignState::Paused)
            || !campaign.calls_wave(member.wave)
            || campaign.has_enough
        {
            return;
        }
        let mut enqueue = |next: Next| {
            if let Next::Try(slot, due) = next {
                plan.set_again(at, slot, member.was_called());
                let item = plan.item(at, slot);
                if due <= moment {
                    plan.push(item);
                } else {
                    self.waiting.push(Reverse((due, id, item)));
                }
            }
        };
        match (at_once, only) {
            (false, _) => enqueue(member.next(&campaign.policy, None)),
            (true, Some(slot)) => enqueue(member.next(&campaign.policy, Some(slot))),
            (true, None) => (0..VOICE as u8).for_each(|slot| enqueue(member.next(&campaign.policy, Some(slot)))),
        }
        enqueue(member.next_text(&campaign.policy));
    }

    /// Writes down attempts as long as trunks have room for them.
    fn pump(&mut self, now: Now, moment: Moment) {
        if self.alarm.is_some() {
            return;
        }
        while let Some((campaign, class)) = self.choose(now, moment) {
            let item = self.plans.get_mut(&campaign).and_then(|plan| plan.ready[class].pop());
            if let Some(item) = item {
                self.intend(now, moment, campaign, class, item);
            }
        }
    }

    /// The campaign to serve next, and in it the queue.
    fn choose(&mut self, now: Now, moment: Moment) -> Option<(CampaignId, usize)> {
        let ahead = self.ahead;
        if !self.trunks.iter().any(|trunk| trunk.has_room(moment, ahead)) {
            return None;
        }
        let channels: u64 = self
            .trunks
            .iter()
            .filter(|trunk| trunk.is_up && trunk.medium == Medium::Voice)
            .map(|trunk| u64::from(trunk.settings.channels))
            .sum();
        let mut best: Option<(f64, CampaignId, usize)> = None;
        for (id, plan) in &mut self.plans {
            // Who had nothing to call, or was paused, has saved up no turns.
            plan.pass = plan.pass.max(self.served);
            if best.is_some_and(|(pass, ..)| plan.pass >= pass) || !plan.has_ready() {
                continue;
            }
            let Some(campaign) = self.state.campaigns.get(id) else {
                continue;
            };
            let share = (channels * u64::from(campaign.policy.channel_share) / 100).max(1);
            if campaign.state != CampaignState::Running
                || u64::from(plan.in_use) >= share
                || !plan.hours_allow(moment, now, &campaign.policy, &self.settings.time_zone)
            {
                continue;
            }
            let with_room = (0..plan.ready.len()).filter(|class| {
                !plan.ready[*class].is_empty()
                    && self
                        .router
                        .trunks(*class)
                        .iter()
                        .any(|at| self.trunks[*at].has_room(moment, ahead))
            });
            if let Some(class) = with_room.max_by_key(|class| plan.ready[*class].len()) {
                best = Some((plan.pass, *id, class));
            }
        }
        best.map(|(_, id, class)| (id, class))
    }

    /// Makes an attempt out of a queue's entry, if it still stands.
    fn intend(&mut self, now: Now, moment: Moment, id: CampaignId, class: usize, item: Item) {
        let Some(campaign) = self.state.campaigns.get(&id) else {
            return;
        };
        let Some(plan) = self.plans.get_mut(&id) else { return };
        let Some(member) = campaign.members.get(item.member as usize) else {
            return;
        };
        if !plan.is_valid(item) || member.state != FinalState::Pending {
            return;
        }
        let next = member.next_on(&campaign.policy, item.slot);
        if !matches!(next, Next::Try(slot, due) if slot == item.slot && due <= moment) {
            self.schedule(moment, id, item.member, Some(item.slot));
            return;
        }
        let slot = member.slots[usize::from(item.slot)];
        let Some(number) = slot.number else { return };
        let ahead = self.ahead;
        let has_room = |at: &&usize| self.trunks[**at].has_room(moment, ahead);
        let able = self.router.trunks(class);
        let other = able
            .iter()
            .filter(has_room)
            .find(|at| slot.avoid != Some(TrunkIndex(**at as u16)));
        let Some(trunk) = other.or_else(|| able.iter().find(has_room)).copied() else {
            return plan.push_first(item);
        };
        let is_text = is_text(item.slot);
        let recipient = member.recipient;
        let mut throttles = Vec::new();
        // A text rings nobody: it may go out beside a call.
        if !is_text {
            throttles = self.router.throttles(number);
            if !self.locks.take(id, item, recipient, number, &throttles) {
                return;
            }
        }
        let at_once = campaign.policy.order == NumberOrder::AllAtOnce;
        match (is_text, at_once) {
            (true, _) => plan.withdraw(item.member, VOICE..SLOTS),
            (false, false) => plan.withdraw(item.member, 0..VOICE),
            (false, true) => plan.withdraw(item.member, usize::from(item.slot)..usize::from(item.slot) + 1),
        }
        plan.in_use += u32::from(!is_text);
        self.served = self.served.max(plan.pass);
        plan.pass += 1.0 / f64::from(campaign.policy.priority.max(1));
        plan.count(moment);
        self.trunks[trunk].in_use += 1;
        self.trunks[trunk].on_the_way += 1;
        let attempt = self.state.new_attempt();
        let parts = if is_text { self.words(id, item.member).1 } else { 0 };
        let event = Event::AttemptStarted {
            attempt,
            campaign: id,
            whom: Whom::Member(item.member),
            slot: item.slot,
            trunk: self.trunks[trunk].settings.name.clone(),
            version: campaign.version,
            tariff: self.trunks[trunk].price(number),
            parts,
        };
        self.calls.insert(
            attempt,
            Call {
                campaign: id,
                member: item.member,
                slot: item.slot,
                recipient,
                number,
                trunk,
                throttles,
                parts,
                is_placed: false,
                is_taken: false,
                is_thanked: false,
            },
        );
        let sequence = self.emit(now, event);
        self.gate(sequence, Gate::Place(attempt));
    }

    /// Places the calls whose turn has come; gives up those that are not wanted any more.
    fn release(&mut self, now: Now, moment: Moment) {
        for at in 0..self.trunks.len() {
            if !self.trunks[at].takes_calls(moment) {
                while let Some(attempt) = self.trunks[at].outbox.pop_front() {
                    self.end(now, attempt, Outcome::Cancelled, &CallStats::default());
                }
            }
            while self.trunks[at].next_place().is_some_and(|due| due <= moment) {
                let Some(attempt) = self.trunks[at].outbox.pop_front() else {
                    break;
                };
                match self.order(attempt) {
                    Some(action) => self.place(moment, at, attempt, action),
                    None => self.end(now, attempt, Outcome::Cancelled, &CallStats::default()),
                }
            }
        }
    }

    fn place(&mut self, moment: Moment, at: usize, attempt: AttemptId, action: Action) {
        let trunk = &mut self.trunks[at];
        trunk.place(moment);
        trunk.on_the_way = trunk.on_the_way.saturating_sub(1);
        if let Some(call) = self.calls.get_mut(&attempt) {
            call.is_placed = true;
        }
        let longest = match &action {
            Action::Place(order) => order.ring_timeout + self.settings.longest_call,
            _ => LONGEST_SENDING,
        };
        self.watch(attempt, moment + longest + self.settings.lost_report_margin);
        self.actions.push_back(action);
    }

    /// The order of an attempt, unless things have changed since it was written down.
    fn order(&self, id: AttemptId) -> Option<Action> {
        let call = self.calls.get(&id)?;
        let campaign = self.state.campaigns.get(&call.campaign)?;
        let member = campaign.members.get(call.member as usize)?;
        let attempt = self.state.attempt(id)?;
        if campaign.state != CampaignState::Running
            || member.state != FinalState::Pending
            || !campaign.is_current(attempt)
            || campaign.has_enough
        {
            return None;
        }
        let trunk = &self.trunks[call.trunk];
        let caller = campaign.policy.caller.or(trunk.settings.caller);
        if is_text(call.slot) {
            return Some(Action::Send(Notice {
                attempt: id,
                campaign: call.campaign,
                recipient: call.recipient,
                number: call.number,
                gateway: (call.trunk - self.settings.trunks.len()) as u16,
                caller,
                text: self.words(call.campaign, call.member).0.to_owned(),
                parts: call.parts,
            }));
        }
        Some(Action::Place(Order {
            attempt: id,
            campaign: call.campaign,
            recipient: call.recipient,
            slot: call.slot,
            number: call.number,
            trunk: TrunkIndex(call.trunk as u16),
            caller,
            message: campaign.message,
            version: campaign.version,
            language: member.language.unwrap_or(campaign.policy.language),
            script: campaign.policy.script(),
            ring_timeout: campaign.policy.ring_timeout,
        }))
    }

    /// The words that a member gets as a text, and the parts that they take.
    fn words(&self, campaign: CampaignId, member: u32) -> (&str, u32) {
        let words = self.state.campaigns.get(&campaign).and_then(|campaign| {
            let member = campaign.members.get(member as usize)?;
            let language = member.language.unwrap_or(campaign.policy.language);
            let edition = self.state.message(campaign.message, Some(campaign.version))?;
            Some(edition.message.text(language)?.words.as_str())
        });
        let words = words.unwrap_or_default();
        (words, crate::parts(words))
    }
}

/// The classes of a member's numbers. Those that cannot be called are closed.
fn classes(campaign: &mut Campaign, at: usize, router: &mut Router, trunks: &[Trunk]) -> [u16; SLOTS] {
    let mut classes = [NO_ROUTE; SLOTS];
    let had_one = campaign.members[at].slots.iter().any(|slot| slot.is_listed);
    if had_one && campaign.members[at].slots.iter().all(|slot| slot.number.is_none()) {
        campaign.miss(at);
    }
    for (slot, class) in classes.iter_mut().enumerate() {
        let Some(number) = campaign.members[at].slots[slot].number else {
            if campaign.members[at].slots[slot].is_listed {
                campaign.disable(at, slot);
            }
            continue;
        };
        let medium = if slot < VOICE { Medium::Voice } else { Medium::Text };
        if !campaign.policy.uses(medium) {
            continue;
        }
        match router
            .class(trunks, number, medium)
            .and_then(|class| u16::try_from(class).ok())
        {
            Some(found) => *class = found,
            None => campaign.disable(at, slot),
        }
    }
    classes
}
