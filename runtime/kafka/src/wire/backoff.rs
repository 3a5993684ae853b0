//! Waiting times between attempts.

use std::time::Duration;

/// Exponential back-off with jitter: doubles from `initial` up to `max`, each wait spread by ±20 %,
/// so that the members of a group do not come back to a broker in step.
#[derive(Debug, Clone)]
pub struct Backoff {
    initial: Duration,
    max: Duration,
    num_attempts: u32,
}

impl Backoff {
    /// A back-off that starts at `initial` and never waits longer than `max`.
    ///
    /// A `max` below `initial` is the wait from the start, as `retry.backoff.max.ms` is in Kafka.
    pub fn new(initial: Duration, max: Duration) -> Self {
        Self {
            initial,
            max,
            num_attempts: 0,
        }
    }

    /// The wait before the next attempt. Each call makes the one after it longer.
    pub fn next_delay(&mut self) -> Duration {
        let doubled = self
            .initial
            .saturating_mul(1_u32 << self.num_attempts.min(20));
        self.num_attempts = self.num_attempts.saturating_add(1);
        let spread = rand::random_range(0.8..=1.2);
        doubled.min(self.max).mul_f64(spread).min(self.max)
    }

    /// Starts over, after an attempt that went well.
    pub fn reset(&mut self) {
        self.num_attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_the_maximum_and_starts_over() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(1000));
        let first = backoff.next_delay();
        assert!(first >= Duration::from_millis(80) && first <= Duration::from_millis(120));
        let later: Vec<_> = (0..40).map(|_| backoff.next_delay()).collect();
        assert!(
            later
                .iter()
                .all(|delay| *delay <= Duration::from_millis(1000))
        );
        assert!(later[39] >= Duration::from_millis(800));
        backoff.reset();
        assert!(backoff.next_delay() <= Duration::from_millis(120));
    }

    #[test]
    fn a_maximum_below_the_start_wins() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_millis(10));
        assert!(backoff.next_delay() <= Duration::from_millis(10));
    }
}
