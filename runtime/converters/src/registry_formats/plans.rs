//! Readers and writers that were compiled before, and failures that are not repeated at once.

use connect_api::ConnectError;
use std::time::Duration;
use tokio::time::Instant;

/// How long a failure stands before the next batch asks again; it doubles with each failure.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// What came of compiling a plan.
enum State<P> {
    Ready {
        plan: P,
        /// From when on it is made anew.
        until: Option<Instant>,
    },
    Failed {
        error: ConnectError,
        retry_at: Instant,
    },
}

struct Entry<K, P> {
    key: K,
    state: State<P>,
    num_failures: u32,
    last_used: u64,
}

/// Plans by key, bounded: the one that was not used for the longest time gives way.
///
/// A task sees few schemas at a time, mostly the same one again and again, so keys are compared one by
/// one, the last one first: nothing is hashed and nothing allocated for a record.
pub(super) struct Plans<K, P> {
    entries: Vec<Entry<K, P>>,
    last: usize,
    num_uses: u64,
    max_entries: usize,
}

impl<K, P> Plans<K, P> {
    pub(super) fn new(max_entries: usize) -> Self {
        Self {
            entries: Vec::new(),
            last: 0,
            num_uses: 0,
            max_entries,
        }
    }

    /// Where the plan of a key stands.
    #[inline]
    pub(super) fn find(&mut self, is_key: impl Fn(&K) -> bool) -> Option<usize> {
        let is_last = self
            .entries
            .get(self.last)
            .is_some_and(|entry| is_key(&entry.key));
        if !is_last {
            self.last = self.entries.iter().position(|entry| is_key(&entry.key))?;
        }
        self.num_uses += 1;
        self.entries[self.last].last_used = self.num_uses;
        Some(self.last)
    }

    /// The plan that stands at `index`, or the error that there was.
    #[inline]
    pub(super) fn at(&mut self, index: usize) -> Result<&mut P, &ConnectError> {
        match &mut self.entries[index].state {
            State::Ready { plan, .. } => Ok(plan),
            State::Failed { error, .. } => Err(error),
        }
    }

    /// The key of the plan that stands at `index`; what is changed must not make it another key.
    pub(super) fn key_at(&mut self, index: usize) -> &mut K {
        &mut self.entries[index].key
    }

    /// Whether the plan of a key is to be made: there is none, it is too old, or it failed and some
    /// time went by since.
    pub(super) fn is_due(&mut self, now: Instant, is_key: impl Fn(&K) -> bool) -> bool {
        match self.find(is_key) {
            None => true,
            Some(index) => match &self.entries[index].state {
                State::Ready { until, .. } => until.is_some_and(|until| until <= now),
                State::Failed { retry_at, .. } => *retry_at <= now,
            },
        }
    }

    /// Keeps what came of making the plan of a key. A plan that was good stays if making it anew fails,
    /// because data may still be of it.
    pub(super) fn put(
        &mut self,
        key: K,
        is_key: impl Fn(&K) -> bool,
        outcome: Result<P, ConnectError>,
        now: Instant,
        lifetime: Option<Duration>,
    ) {
        let index = match self.find(is_key) {
            Some(index) => index,
            None => self.make_room(key, now),
        };
        let entry = &mut self.entries[index];
        match outcome {
            Ok(plan) => {
                entry.num_failures = 0;
                entry.state = State::Ready {
                    plan,
                    until: lifetime.and_then(|lifetime| now.checked_add(lifetime)),
                };
            }
            Err(error) => {
                let backoff = FIRST_BACKOFF
                    .saturating_mul(1 << entry.num_failures.min(16))
                    .min(MAX_BACKOFF);
                entry.num_failures = entry.num_failures.saturating_add(1);
                let retry_at = now + backoff;
                match &mut entry.state {
                    State::Ready { until, .. } => *until = Some(retry_at),
                    state => *state = State::Failed { error, retry_at },
                }
            }
        }
    }

    fn make_room(&mut self, key: K, now: Instant) -> usize {
        if self.entries.len() >= self.max_entries {
            let oldest = self
                .entries
                .iter()
                .enumerate()
                .min_by_key(|(_, entry)| entry.last_used)
                .map(|(index, _)| index);
            if let Some(oldest) = oldest {
                self.entries.swap_remove(oldest);
            }
        }
        self.num_uses += 1;
        self.entries.push(Entry {
            key,
            state: State::Failed {
                error: ConnectError::retriable("The schema is being resolved"),
                retry_at: now,
            },
            num_failures: 0,
            last_used: self.num_uses,
        });
        self.last = self.entries.len() - 1;
        self.last
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    #[cfg(test)]
    fn get(&mut self, is_key: impl Fn(&K) -> bool) -> Option<Result<&mut P, &ConnectError>> {
        self.find(is_key).map(|index| self.at(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(
        plans: &mut Plans<u32, u32>,
        key: u32,
        outcome: Result<u32, ConnectError>,
        now: Instant,
    ) {
        plans.put(key, |known| *known == key, outcome, now, None);
    }

    #[test]
    fn the_plan_that_was_not_used_gives_way() {
        let now = Instant::now();
        let mut plans = Plans::new(3);
        for key in [1, 2, 3] {
            put(&mut plans, key, Ok(key * 10), now);
        }
        assert_eq!(
            plans.get(|key| *key == 1).unwrap().map(|plan| *plan).ok(),
            Some(10)
        );
        put(&mut plans, 4, Ok(40), now);
        assert_eq!(plans.len(), 3);
        assert!(plans.get(|key| *key == 2).is_none());
        for key in [1, 3, 4] {
            assert!(plans.get(|known| *known == key).is_some());
        }
    }

    #[test]
    fn failures_stand_for_a_while_and_longer_each_time() {
        let start = Instant::now();
        let mut plans = Plans::new(3);
        let is_key = |key: &u32| *key == 1;
        let mut now = start;
        for backoff_sec in [1, 2, 4, 8, 10, 10] {
            assert!(plans.is_due(now, is_key));
            put(&mut plans, 1, Err(ConnectError::retriable("down")), now);
            assert!(plans.get(is_key).unwrap().is_err());
            now += Duration::from_secs(backoff_sec);
            assert!(!plans.is_due(now - Duration::from_millis(1), is_key));
        }
        put(&mut plans, 1, Ok(5), now);
        assert!(plans.get(is_key).unwrap().is_ok());
        assert!(!plans.is_due(now + Duration::from_secs(1_000_000), is_key));
    }

    #[test]
    fn a_good_plan_outlives_its_renewal() {
        let now = Instant::now();
        let mut plans: Plans<u32, u32> = Plans::new(3);
        let is_key = |key: &u32| *key == 1;
        plans.put(1, is_key, Ok(5), now, Some(Duration::from_secs(60)));
        let later = now + Duration::from_secs(60);
        assert!(!plans.is_due(now, is_key));
        assert!(plans.is_due(later, is_key));
        plans.put(1, is_key, Err(ConnectError::retriable("down")), later, None);
        assert_eq!(plans.get(is_key).unwrap().map(|plan| *plan).ok(), Some(5));
        assert!(!plans.is_due(later, is_key));
        assert!(plans.is_due(later + Duration::from_secs(1), is_key));
    }
}
