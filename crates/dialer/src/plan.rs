//! What is to be tried when: the queues of one campaign, and the locks between campaigns.

use crate::hours::hours;
use crate::member::SLOTS;
use crate::queue::Queue;
use crate::time::Moment;
use crate::{CampaignId, E164, Now, Policy, RecipientId, Throttle};
use jiff::tz::TimeZone;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// A class of numbers that no trunk reaches.
pub(crate) const NO_ROUTE: u16 = u16::MAX;

/// One number of one member in a queue. Valid while its stamp is that of the member's slot: whatever re-schedules a
/// slot gives it a new stamp, and old entries are dropped when they come up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Item {
    pub(crate) member: u32,
    pub(crate) slot: u8,
    pub(crate) stamp: u32,
}

#[derive(Debug, Clone, Copy)]
struct Unit {
    stamp: u32,
    class: u16,
    /// The person was called before.
    is_again: bool,
}

/// The queues of one campaign.
#[derive(Debug)]
pub(crate) struct Plan {
    units: Vec<[Unit; SLOTS]>,
    /// What may be tried now, by class of number, in order.
    pub(crate) ready: Vec<Queue>,
    /// Stride scheduling: the campaign with the least pass is served next.
    pub(crate) pass: f64,
    /// Attempts in progress.
    pub(crate) in_use: u32,
    /// Whether the hours allow calls, and until when that was computed.
    hours: Option<(bool, Moment)>,
    rate: Rate,
}

impl Plan {
    pub(crate) fn new(pass: f64) -> Self {
        Self {
            units: Vec::new(),
            ready: Vec::new(),
            pass,
            in_use: 0,
            hours: None,
            rate: Rate::default(),
        }
    }

    /// Members added to the campaign, with the classes of their numbers.
    pub(crate) fn add(&mut self, classes: [u16; SLOTS]) {
        self.units.push(classes.map(|class| Unit {
            stamp: 0,
            class,
            is_again: false,
        }));
    }

    /// The numbers of a member have changed: other classes, and no entry of the old ones stands.
    pub(crate) fn replace(&mut self, member: usize, classes: [u16; SLOTS]) {
        let Some(units) = self.units.get_mut(member) else {
            return;
        };
        for (unit, class) in units.iter_mut().zip(classes) {
            unit.class = class;
            unit.stamp = unit.stamp.wrapping_add(1);
        }
    }

    pub(crate) fn members(&self) -> usize {
        self.units.len()
    }

    pub(crate) fn class(&self, member: u32, slot: u8) -> u16 {
        self.units
            .get(member as usize)
            .and_then(|units| units.get(usize::from(slot)))
            .map_or(NO_ROUTE, |unit| unit.class)
    }

    /// Takes these slots of a member out of every queue.
    pub(crate) fn withdraw(&mut self, member: u32, slots: std::ops::Range<usize>) {
        let units = self.units.get_mut(member as usize);
        for unit in units.into_iter().flat_map(|units| &mut units[slots.clone()]) {
            unit.stamp = unit.stamp.wrapping_add(1);
        }
    }

    /// The entry that stands for a slot from now on.
    pub(crate) fn item(&self, member: u32, slot: u8) -> Item {
        let stamp = self
            .units
            .get(member as usize)
            .map_or(0, |units| units[usize::from(slot) % SLOTS].stamp);
        Item { member, slot, stamp }
    }

    pub(crate) fn is_valid(&self, item: Item) -> bool {
        self.item(item.member, item.slot) == item
    }

    /// Whether the person was called before: such entries have a queue of their own.
    pub(crate) fn set_again(&mut self, member: u32, slot: u8, is_again: bool) {
        if let Some(units) = self.units.get_mut(member as usize) {
            units[usize::from(slot) % SLOTS].is_again = is_again;
        }
    }

    /// The queue where an entry belongs, if it still stands, and in which part of it.
    fn queue(&mut self, item: Item) -> Option<(&mut Queue, bool)> {
        let class = self.class(item.member, item.slot);
        if class == NO_ROUTE || !self.is_valid(item) {
            return None;
        }
        let is_again = self.units.get(item.member as usize)?[usize::from(item.slot) % SLOTS].is_again;
        let class = usize::from(class);
        if self.ready.len() <= class {
            self.ready.resize_with(class + 1, Queue::default);
        }
        Some((&mut self.ready[class], is_again))
    }

    pub(crate) fn push(&mut self, item: Item) {
        if let Some((queue, is_again)) = self.queue(item) {
            queue.push(item, is_again);
        }
    }

    pub(crate) fn push_first(&mut self, item: Item) {
        if let Some((queue, is_again)) = self.queue(item) {
            queue.push_first(item, is_again);
        }
    }

    pub(crate) fn has_ready(&self) -> bool {
        self.ready.iter().any(|queue| !queue.is_empty())
    }

    /// Whether calls may start now by the clock on the wall.
    pub(crate) fn hours_allow(&mut self, moment: Moment, now: Now, policy: &Policy, zone: &TimeZone) -> bool {
        if policy.allowed_hours.is_empty() && policy.quiet_hours.is_empty() {
            return true;
        }
        match self.hours {
            Some((is_open, until)) if moment < until => is_open,
            _ => {
                let (is_open, left) = hours(now.utc_ms, policy, zone);
                // A clock that is set right is noticed within a minute.
                self.hours = Some((is_open, moment + left.min(Duration::from_secs(60))));
                is_open
            }
        }
    }

    pub(crate) fn hours_until(&self) -> Option<Moment> {
        self.hours.map(|(_, until)| until)
    }

    pub(crate) fn count(&mut self, moment: Moment) {
        self.rate.count(moment);
    }

    pub(crate) fn rate(&self, moment: Moment) -> f64 {
        self.rate.per_second(moment)
    }
}

/// Starts per second over the last ten seconds.
#[derive(Debug, Default)]
struct Rate {
    seconds: [(i64, u32); 11],
}

impl Rate {
    fn count(&mut self, moment: Moment) {
        let second = moment.0.div_euclid(1_000_000);
        let cell = &mut self.seconds[second.rem_euclid(11) as usize];
        if cell.0 != second {
            *cell = (second, 0);
        }
        cell.1 += 1;
    }

    fn per_second(&self, moment: Moment) -> f64 {
        let second = moment.0.div_euclid(1_000_000);
        let count: u32 = self
            .seconds
            .iter()
            .filter(|(at, _)| (second - 10..second).contains(at))
            .map(|(_, count)| count)
            .sum();
        f64::from(count) / 10.0
    }
}

/// Who is being called now, over all campaigns, and who waits for that to end.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    recipients: HashMap<RecipientId, (CampaignId, u32)>,
    numbers: HashMap<E164, u32>,
    throttles: Vec<Gauge>,
    waiting_recipient: HashMap<RecipientId, VecDeque<(CampaignId, Item)>>,
    waiting_number: HashMap<E164, VecDeque<(CampaignId, Item)>>,
}

#[derive(Debug)]
struct Gauge {
    limit: u32,
    in_use: u32,
    waiting: VecDeque<(CampaignId, Item)>,
}

impl Locks {
    pub(crate) fn new(throttles: &[Throttle]) -> Self {
        let throttles = throttles
            .iter()
            .map(|throttle| Gauge {
                limit: throttle.calls.max(1),
                in_use: 0,
                waiting: VecDeque::new(),
            })
            .collect();
        Self {
            throttles,
            ..Self::default()
        }
    }

    /// Takes the locks of an attempt, or puts its entry aside until the first lock that is held is given back.
    pub(crate) fn take(
        &mut self,
        campaign: CampaignId,
        item: Item,
        recipient: RecipientId,
        number: E164,
        throttles: &[usize],
    ) -> bool {
        if self
            .recipients
            .get(&recipient)
            .is_some_and(|(holder, _)| *holder != campaign)
        {
            self.waiting_recipient
                .entry(recipient)
                .or_default()
                .push_back((campaign, item));
            return false;
        }
        if self.numbers.contains_key(&number) {
            self.waiting_number
                .entry(number)
                .or_default()
                .push_back((campaign, item));
            return false;
        }
        if let Some(full) = throttles
            .iter()
            .find(|at| self.throttles[**at].in_use >= self.throttles[**at].limit)
        {
            self.throttles[*full].waiting.push_back((campaign, item));
            return false;
        }
        self.recipients.entry(recipient).or_insert((campaign, 0)).1 += 1;
        self.numbers.insert(number, 1);
        throttles.iter().for_each(|at| self.throttles[*at].in_use += 1);
        true
    }

    /// Gives the locks of an attempt back; returns the entries that may be tried again.
    pub(crate) fn give_back(
        &mut self,
        recipient: RecipientId,
        number: E164,
        throttles: &[usize],
        is_valid: impl Fn(CampaignId, Item) -> bool,
    ) -> Vec<(CampaignId, Item)> {
        let mut freed = Vec::new();
        if let Some((_, count)) = self.recipients.get_mut(&recipient) {
            *count -= 1;
            if *count == 0 {
                self.recipients.remove(&recipient);
                freed.extend(self.waiting_recipient.remove(&recipient).into_iter().flatten());
            }
        }
        self.numbers.remove(&number);
        freed.extend(self.waiting_number.remove(&number).into_iter().flatten());
        for at in throttles {
            let gauge = &mut self.throttles[*at];
            gauge.in_use = gauge.in_use.saturating_sub(1);
            while let Some((campaign, item)) = gauge.waiting.pop_front() {
                if is_valid(campaign, item) {
                    freed.push((campaign, item));
                    break;
                }
            }
        }
        freed
    }
}
