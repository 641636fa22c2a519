//! The scheduler: who is called next, over which trunk, and when the call leaves.

use crate::campaign::{Campaign, Next, SLOTS};
use crate::dialer::{Call, Dialer, Gate};
use crate::plan::{Item, NO_ROUTE, Plan};
use crate::time::Moment;
use crate::{
    Action, AttemptId, CallStats, CampaignId, CampaignState, Event, FinalState, Now, NumberOrder, Order, Outcome,
    TrunkIndex,
};
use std::cmp::Reverse;

impl Dialer {
    /// Does everything that is due.
    pub(crate) fn turn(&mut self, now: Now, moment: Moment) {
        self.last_turn = moment;
        self.end_lost(now, moment);
        self.expire(now, moment);
        self.anonymise(now, moment);
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
                self.state
                    .campaigns
                    .get(id)
                    .and_then(Campaign::deadline)
                    .is_some_and(|deadline| deadline <= moment)
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
        let least = self.plans.values().map(|plan| plan.pass).fold(f64::INFINITY, f64::min);
        let start = if least.is_finite() { least } else { 0.0 };
        let plan = self.plans.entry(id).or_insert_with(|| Plan::new(start));
        for at in plan.members()..campaign.members.len() {
            let mut classes = [NO_ROUTE; SLOTS];
            for (slot, class) in classes.iter_mut().enumerate() {
                let Some(number) = campaign.members[at].slots[slot].number else {
                    if campaign.members[at].slots[slot].is_listed {
                        campaign.disable(at, slot);
                    }
                    continue;
                };
                match self
                    .router
                    .class(&self.trunks, number)
                    .and_then(|class| u16::try_from(class).ok())
                {
                    Some(found) => *class = found,
                    None => campaign.disable(at, slot),
                }
            }
            plan.add(classes);
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

    /// Puts a member, or with all numbers at once one of their slots, into the queue where it belongs now.
    pub(crate) fn schedule(&mut self, moment: Moment, id: CampaignId, at: u32, only: Option<u8>) {
        let Some(campaign) = self.state.campaigns.get(&id) else {
            return;
        };
        let (Some(plan), Some(member)) = (self.plans.get_mut(&id), campaign.members.get(at as usize)) else {
            return;
        };
        let at_once = campaign.policy.order == NumberOrder::AllAtOnce;
        let only = only.filter(|_| at_once);
        plan.withdraw(at, only);
        if member.state != FinalState::Pending
            || !matches!(campaign.state, CampaignState::Running | CampaignState::Paused)
        {
            return;
        }
        let mut enqueue = |next: Next| {
            if let Next::Try(slot, due) = next {
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
            (true, None) => (0..SLOTS as u8).for_each(|slot| enqueue(member.next(&campaign.policy, Some(slot)))),
        }
    }

    /// Writes down attempts as long as trunks have room for them.
    fn pump(&mut self, now: Now, moment: Moment) {
        if self.alarm.is_some() {
            return;
        }
        while let Some((campaign, class)) = self.choose(now, moment) {
            let item = self
                .plans
                .get_mut(&campaign)
                .and_then(|plan| plan.ready[class].pop_front());
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
            .filter(|trunk| trunk.is_up)
            .map(|trunk| u64::from(trunk.settings.channels))
            .sum();
        let mut best: Option<(f64, CampaignId, usize)> = None;
        for (id, plan) in &mut self.plans {
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
        let only = (campaign.policy.order == NumberOrder::AllAtOnce).then_some(item.slot);
        if !matches!(member.next(&campaign.policy, only), Next::Try(slot, due) if slot == item.slot && due <= moment) {
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
        let throttles = self.router.throttles(number);
        let recipient = member.recipient;
        if !self.locks.take(id, item, recipient, number, &throttles) {
            return;
        }
        plan.withdraw(item.member, only);
        plan.in_use += 1;
        plan.pass += 1.0 / f64::from(campaign.policy.priority.max(1));
        plan.count(moment);
        self.trunks[trunk].in_use += 1;
        self.trunks[trunk].on_the_way += 1;
        let attempt = self.state.new_attempt();
        let event = Event::AttemptStarted {
            attempt,
            campaign: id,
            recipient,
            slot: item.slot,
            trunk: self.trunks[trunk].settings.name.clone(),
            version: campaign.version,
            tariff: self.trunks[trunk].price(number),
            parts: 0,
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
                is_placed: false,
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
                    Some(order) => self.place(moment, at, order),
                    None => self.end(now, attempt, Outcome::Cancelled, &CallStats::default()),
                }
            }
        }
    }

    fn place(&mut self, moment: Moment, at: usize, order: Order) {
        let trunk = &mut self.trunks[at];
        trunk.place(moment);
        trunk.on_the_way = trunk.on_the_way.saturating_sub(1);
        if let Some(call) = self.calls.get_mut(&order.attempt) {
            call.is_placed = true;
        }
        let longest = order.ring_timeout + self.settings.longest_call + self.settings.lost_report_margin;
        self.watch(order.attempt, moment + longest);
        self.actions.push_back(Action::Place(order));
    }

    /// The order of an attempt, unless things have changed since it was written down.
    fn order(&self, id: AttemptId) -> Option<Order> {
        let call = self.calls.get(&id)?;
        let campaign = self.state.campaigns.get(&call.campaign)?;
        let member = campaign.members.get(call.member as usize)?;
        let attempt = self.state.attempt(id)?;
        if campaign.state != CampaignState::Running
            || member.state != FinalState::Pending
            || !campaign.is_current(attempt)
        {
            return None;
        }
        let trunk = &self.trunks[call.trunk];
        Some(Order {
            attempt: id,
            campaign: call.campaign,
            recipient: call.recipient,
            slot: call.slot,
            number: call.number,
            trunk: TrunkIndex(call.trunk as u16),
            caller: campaign.policy.caller.or(trunk.settings.caller),
            message: campaign.message,
            version: campaign.version,
            language: member.language.unwrap_or(campaign.policy.language),
            script: campaign.policy.script(),
            ring_timeout: campaign.policy.ring_timeout,
        })
    }
}
