//! The states of connectors and tasks, and how long a task has been in each.

use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

/// The state of a connector or a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Not started yet, or given away.
    Unassigned,
    /// At work.
    Running,
    /// Told to wait.
    Paused,
    /// Ended by an error.
    Failed,
    /// Deleted.
    Destroyed,
    /// On its way from an old run to a new one.
    Restarting,
    /// Without tasks; connectors only.
    Stopped,
}

impl State {
    pub(super) const ALL: [Self; 7] = [
        Self::Unassigned,
        Self::Running,
        Self::Paused,
        Self::Failed,
        Self::Destroyed,
        Self::Restarting,
        Self::Stopped,
    ];

    /// The name in metrics: lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unassigned => "unassigned",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Failed => "failed",
            Self::Destroyed => "destroyed",
            Self::Restarting => "restarting",
            Self::Stopped => "stopped",
        }
    }

    fn index(self) -> u8 {
        self as u8
    }

    fn of_index(index: u8) -> Self {
        Self::ALL[usize::from(index) % Self::ALL.len()]
    }
}

/// A state with the time spent in each of them. One owner changes it; anybody reads.
#[derive(Debug)]
pub(super) struct StateTimer {
    state: AtomicU8,
    since_ms: AtomicI64,
    spent_ms: [AtomicI64; State::ALL.len()],
}

impl StateTimer {
    pub fn new(now_ms: i64) -> Self {
        Self {
            state: AtomicU8::new(State::Unassigned.index()),
            since_ms: AtomicI64::new(now_ms),
            spent_ms: Default::default(),
        }
    }

    pub fn set(&self, now_ms: i64, state: State) {
        let since_ms = self.since_ms.swap(now_ms, Ordering::Relaxed);
        let previous = self.state.swap(state.index(), Ordering::Relaxed);
        self.spent_ms[usize::from(previous)]
            .fetch_add((now_ms - since_ms).max(0), Ordering::Relaxed);
    }

    pub fn get(&self) -> State {
        State::of_index(self.state.load(Ordering::Relaxed))
    }

    /// The share of the time since the beginning that was spent in `state`; 0 before any time has gone
    /// by.
    pub fn ratio(&self, now_ms: i64, state: State) -> f64 {
        let current = self.get();
        let in_current_ms = (now_ms - self.since_ms.load(Ordering::Relaxed)).max(0);
        let spent_in_ms = |one: State| {
            let before_ms = self.spent_ms[usize::from(one.index())].load(Ordering::Relaxed);
            before_ms + if one == current { in_current_ms } else { 0 }
        };
        let total_ms: i64 = State::ALL.into_iter().map(spent_in_ms).sum();
        if total_ms == 0 {
            return 0.0;
        }
        spent_in_ms(state) as f64 / total_ms as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_shares_of_the_whole_time() {
        let timer = StateTimer::new(100);
        assert_eq!(timer.ratio(100, State::Running), 0.0);
        timer.set(200, State::Running);
        timer.set(500, State::Paused);
        assert_eq!(timer.ratio(600, State::Running), 0.6);
        assert_eq!(timer.ratio(600, State::Paused), 0.2);
        assert_eq!(timer.get(), State::Paused);
    }

    #[test]
    fn every_state_keeps_its_place() {
        for state in State::ALL {
            assert_eq!(State::of_index(state.index()), state);
        }
    }
}
