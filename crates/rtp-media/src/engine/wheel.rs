//! Which streams are due in which millisecond.

use crate::session::Ptime;

/// For each packet time, one list of streams for each of its milliseconds.
#[derive(Debug)]
pub(super) struct Wheel {
    rounds: [Vec<Vec<u32>>; Ptime::ALL.len()],
}

impl Wheel {
    pub(super) fn new() -> Wheel {
        Wheel {
            rounds: Ptime::ALL.map(|ptime| vec![Vec::new(); ptime.ms() as usize]),
        }
    }

    /// Adds a stream to the millisecond that has the fewest, looking from `tick` on, so that the first packet leaves
    /// soon and packets leave evenly. The phase is what [`Wheel::remove`] wants back.
    pub(super) fn add(&mut self, stream: u32, ptime: Ptime, tick: u64) -> usize {
        let round = &mut self.rounds[index(ptime)];
        let len = round.len();
        let first = (tick % len as u64) as usize;
        let phases = (0..len).map(|step| (first + step) % len);
        let phase = phases.min_by_key(|&phase| round[phase].len()).unwrap_or(first);
        round[phase].push(stream);
        phase
    }

    pub(super) fn remove(&mut self, stream: u32, ptime: Ptime, phase: usize) {
        let list = &mut self.rounds[index(ptime)][phase];
        if let Some(at) = list.iter().position(|&other| other == stream) {
            list.swap_remove(at);
        }
    }

    /// The `n`th of the lists that are due at `tick`; there are as many as packet times.
    pub(super) fn due(&self, n: usize, tick: u64) -> &[u32] {
        let round = &self.rounds[n];
        &round[(tick % round.len() as u64) as usize]
    }

    pub(super) fn rounds(&self) -> usize {
        self.rounds.len()
    }
}

fn index(ptime: Ptime) -> usize {
    (ptime.ms() / 10 - 1) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_spread_evenly_and_each_is_due_once_a_packet_time() {
        let mut wheel = Wheel::new();
        for stream in 0..100 {
            wheel.add(stream, Ptime::MS_20, 7);
        }
        for tick in 0..20 {
            assert_eq!(wheel.due(1, tick).len(), 5);
        }
        let ms_30 = Ptime::new(30).unwrap();
        let phase = wheel.add(500, ms_30, 1_000);
        let due = |wheel: &Wheel| (0..90).filter(|&tick| wheel.due(2, tick).contains(&500)).count();
        assert_eq!(due(&wheel), 3);
        assert_eq!(phase as u64, 1_000 % 30, "the first packet leaves at once");
        wheel.remove(500, ms_30, phase);
        assert_eq!(due(&wheel), 0);
    }
}
