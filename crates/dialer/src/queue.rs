//! The numbers of one campaign whose turn has come.

use crate::plan::Item;
use std::collections::VecDeque;

/// People who were not called yet for one who was.
///
/// Calling everybody once before anybody a second time makes the last retries late, after their waits, when most channels
/// are free already; retries first make the last people late who need many calls. Between the two no campaign that was
/// measured loses more than a few percent of time to the best order known (docs/prediction.md).
const NEW_TO_ONE_RETRY: u32 = 3;

/// What may be tried now on the trunks of one class, in order.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    new: VecDeque<Item>,
    again: VecDeque<Item>,
    /// New ones served since the last retry.
    served: u32,
}

impl Queue {
    pub(crate) fn len(&self) -> usize {
        self.new.len() + self.again.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.new.is_empty() && self.again.is_empty()
    }

    pub(crate) fn push(&mut self, item: Item, is_again: bool) {
        self.of(is_again).push_back(item);
    }

    pub(crate) fn push_first(&mut self, item: Item, is_again: bool) {
        self.of(is_again).push_front(item);
    }

    pub(crate) fn pop(&mut self) -> Option<Item> {
        if self.served >= NEW_TO_ONE_RETRY && !self.again.is_empty() || self.new.is_empty() {
            self.served = 0;
            return self.again.pop_front();
        }
        self.served = (self.served + 1).min(NEW_TO_ONE_RETRY);
        self.new.pop_front()
    }

    fn of(&mut self, is_again: bool) -> &mut VecDeque<Item> {
        if is_again { &mut self.again } else { &mut self.new }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_go_between_new_ones_and_nobody_waits_for_an_empty_queue() {
        let mut queue = Queue::default();
        let item = |member| Item {
            member,
            slot: 0,
            stamp: 0,
        };
        (0..5).for_each(|member| queue.push(item(member), false));
        (10..13).for_each(|member| queue.push(item(member), true));
        let order: Vec<u32> = std::iter::from_fn(|| queue.pop()).map(|item| item.member).collect();
        assert_eq!(order, [0, 1, 2, 10, 3, 4, 11, 12]);
        assert!(queue.is_empty());
    }
}
