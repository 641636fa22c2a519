//! The list scheduler: whenever a channel is free and a call may start, the first of those who may be called is called.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::Duration;

use dialer::{Cause, Contact};

use super::super::scene::contacts;
use super::super::setup::Setup;
use super::call::{Call, call};
use super::person::Person;
use super::{Order, Times};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A number may be called.
    Due { person: usize, slot: usize },
    /// The key is pressed.
    Confirmed { person: usize, call: u64 },
    /// A call is over.
    Ended { person: usize, slot: usize, call: u64 },
    /// A call may start again.
    Wake,
}

/// Who may be called, the first one on top: rank, moment since when, person, number.
type Ready = BinaryHeap<Reverse<(i64, Duration, usize, usize)>>;

/// Starts of calls by number and count, and when they begin if nobody else is called.
type Alone = HashMap<(usize, usize, u32), (Duration, Duration)>;

struct List<'s> {
    setup: &'s Setup,
    order: Order,
    channels: usize,
    per_second: usize,
    numbers: &'s [Vec<String>],
    people: Vec<Person>,
    /// What is known in advance: what is left to each of a person's calls, of time and of work.
    foreseen: Alone,
    now: Duration,
    events: BinaryHeap<Reverse<(Duration, u64, Event)>>,
    count: u64,
    new: Ready,
    again: Ready,
    turn: u32,
    live: HashMap<u64, (usize, usize, Call)>,
    starts: VecDeque<Duration>,
    reached: Vec<Duration>,
    last_end: Duration,
    /// Every call: person, number, count, start, length.
    log: Vec<(usize, usize, u32, Duration, Duration)>,
}

/// Calls everybody of a simulation in this order.
#[must_use]
pub fn schedule(setup: &Setup, order: Order) -> Times {
    let mut people: Vec<Contact> = contacts(setup).into_values().collect();
    people.sort_by_key(|contact| contact.recipient);
    let numbers: Vec<Vec<String>> = people
        .iter()
        .map(|contact| {
            contact
                .numbers
                .iter()
                .map(|number| number.digits().to_string())
                .collect()
        })
        .collect();
    let mut foreseen = Alone::new();
    if order.is_clairvoyant() {
        for at in 0..numbers.len() {
            foresee(setup, &numbers[at..=at], at, &mut foreseen);
        }
    }
    let mut list = List::new(setup, order, &numbers, foreseen);
    list.channels = setup.channels as usize;
    list.per_second = setup.calls_per_second as usize;
    list.run();
    Times::of(&list.reached, list.last_end)
}

/// Calls one person as if they were alone, and notes for each call the time and the work that are left at its start.
fn foresee(setup: &Setup, numbers: &[Vec<String>], at: usize, foreseen: &mut Alone) {
    let mut list = List::new(setup, Order::LongestDue, numbers, Alone::new());
    list.run();
    let work_until = list.reached.first().copied();
    for (_, slot, nth, start, _) in &list.log {
        let is_before = |other: Duration| work_until.is_some_and(|until| other <= until);
        let left = list
            .log
            .iter()
            .filter(|(.., other, _)| other >= start && is_before(*other));
        let work = match work_until {
            Some(_) => left.map(|(.., length)| *length).sum(),
            // Work for nothing comes last.
            None => Duration::from_secs(86_400),
        };
        foreseen.insert((at, *slot, *nth), (list.last_end.saturating_sub(*start), work));
    }
}

impl<'s> List<'s> {
    fn new(setup: &'s Setup, order: Order, numbers: &'s [Vec<String>], foreseen: Alone) -> Self {
        Self {
            setup,
            order,
            channels: usize::MAX,
            per_second: usize::MAX,
            numbers,
            people: numbers.iter().map(|numbers| Person::new(numbers.len())).collect(),
            foreseen,
            now: Duration::ZERO,
            events: BinaryHeap::new(),
            count: 0,
            new: Ready::new(),
            again: Ready::new(),
            turn: 0,
            live: HashMap::new(),
            starts: VecDeque::new(),
            reached: Vec::new(),
            last_end: Duration::ZERO,
            log: Vec::new(),
        }
    }

    fn tell(&mut self, at: Duration, event: Event) {
        self.count += 1;
        self.events.push(Reverse((at, self.count, event)));
    }

    fn run(&mut self) {
        for person in 0..self.people.len() {
            self.line_up(person, None);
        }
        self.start_calls();
        while let Some(Reverse((at, _, event))) = self.events.pop() {
            self.now = at;
            self.handle(event);
            // Everything of this moment is known before a choice is made.
            if self.events.peek().is_none_or(|Reverse((next, ..))| *next > at) {
                self.start_calls();
            }
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Wake => {}
            Event::Due { person, slot } => self.make_ready(person, slot),
            Event::Confirmed { person, call } => {
                if !self.live.contains_key(&call) || self.people[person].has_confirmed {
                    return;
                }
                self.people[person].has_confirmed = true;
                self.reached.push(self.now);
                let others: Vec<u64> = self
                    .live
                    .iter()
                    .filter(|(other, (of, ..))| *of == person && **other != call)
                    .map(|(other, _)| *other)
                    .collect();
                for other in others {
                    if let Some((_, slot, _)) = self.live.remove(&other) {
                        self.people[person].end(slot, None, self.now, &self.setup.policy);
                        self.last_end = self.last_end.max(self.now);
                    }
                }
            }
            Event::Ended { person, slot, call } => {
                let Some((_, _, known)) = self.live.remove(&call) else {
                    return;
                };
                self.last_end = self.last_end.max(self.now);
                self.people[person].end(slot, Some(known.cause), self.now, &self.setup.policy);
                if known.cause != Cause::Confirmed {
                    self.line_up(person, Some(slot));
                }
            }
        }
    }

    /// Lets a person wait for what the policy wants next; with all numbers at once, for `only` this number.
    fn line_up(&mut self, person: usize, only: Option<usize>) {
        let at_once = self.setup.policy.order == dialer::NumberOrder::AllAtOnce;
        for (slot, due) in self.people[person].next(&self.setup.policy) {
            if at_once && only.is_some_and(|only| only != slot) {
                continue;
            }
            if due <= self.now {
                self.make_ready(person, slot);
            } else {
                self.tell(due, Event::Due { person, slot });
            }
        }
    }

    fn make_ready(&mut self, person: usize, slot: usize) {
        let calls = self.people[person].calls;
        let nth = self.people[person].calls_of(slot) + 1;
        let foreseen = self.foreseen.get(&(person, slot, nth)).copied().unwrap_or_default();
        let rank = match self.order {
            Order::FewestCalls => i64::from(calls),
            Order::MostCalls => -i64::from(calls),
            Order::CriticalPath => -(foreseen.0.as_micros() as i64),
            Order::LeastWork => foreseen.1.as_micros() as i64,
            _ => 0,
        };
        let is_apart = matches!(self.order, Order::NewFirst | Order::RetriesFirst | Order::Mixed(_));
        let queue = if is_apart && calls > 0 {
            &mut self.again
        } else {
            &mut self.new
        };
        queue.push(Reverse((rank, self.now, person, slot)));
    }

    fn choose(&mut self) -> Option<(usize, usize)> {
        self.turn += 1;
        let again_first = match self.order {
            Order::RetriesFirst => true,
            Order::Mixed(new) => self.turn.is_multiple_of(new + 1),
            _ => false,
        };
        let (first, second) = if again_first {
            (&mut self.again, &mut self.new)
        } else {
            (&mut self.new, &mut self.again)
        };
        let Reverse((.., person, slot)) = first.pop().or_else(|| second.pop())?;
        Some((person, slot))
    }

    fn start_calls(&mut self) {
        while self.live.len() < self.channels && !(self.new.is_empty() && self.again.is_empty()) {
            if self.starts.len() >= self.per_second {
                let again = self.starts[self.starts.len() - self.per_second] + Duration::from_secs(1);
                if again > self.now {
                    return self.tell(again, Event::Wake);
                }
                self.starts.pop_front();
            }
            let Some((person, slot)) = self.choose() else { return };
            let policy = &self.setup.policy;
            if !self.people[person].next(policy).iter().any(|(next, _)| *next == slot) {
                continue;
            }
            let nth = self.people[person].begin(slot);
            let deed = self
                .setup
                .population
                .deed(self.setup.seed, &self.numbers[person][slot], nth);
            let made = call(&deed, policy);
            self.count += 1;
            let id = self.count;
            self.live.insert(id, (person, slot, made));
            if self.per_second < usize::MAX {
                self.starts.push_back(self.now);
            }
            self.log.push((person, slot, nth, self.now, made.length));
            if let Some(after) = made.confirmed {
                self.tell(self.now + after, Event::Confirmed { person, call: id });
            }
            let ended = Event::Ended { person, slot, call: id };
            self.tell(self.now + made.length, ended);
        }
    }
}
