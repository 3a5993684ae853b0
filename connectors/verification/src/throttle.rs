//! Messages per second, on average since the start, as Kafka's `ThroughputThrottler` keeps them.

use connect_api::Clock;
use std::time::Duration;

/// The longest wait of one poll.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(1);

/// Tells when the next message is due.
pub(crate) struct Throttle {
    start: Duration,
    messages_per_sec: i64,
}

impl Throttle {
    /// Below 0: as fast as possible. 0: never.
    pub(crate) fn new(messages_per_sec: i64, clock: &dyn Clock) -> Self {
        Self {
            start: clock.monotonic(),
            messages_per_sec,
        }
    }

    /// Waits until the message after `num_sent` ones is due. `false` if that takes longer than a poll
    /// may: ask again.
    pub(crate) async fn is_due(&self, num_sent: u64, clock: &dyn Clock) -> bool {
        if self.messages_per_sec < 0 {
            return true;
        }
        if self.messages_per_sec == 0 {
            clock.sleep(MAX_WAIT).await;
            return false;
        }
        let due = Duration::from_secs_f64(num_sent as f64 / self.messages_per_sec as f64);
        let wait = self
            .start
            .saturating_add(due)
            .saturating_sub(clock.monotonic());
        if !wait.is_zero() {
            clock.sleep(wait.min(MAX_WAIT)).await;
        }
        wait <= MAX_WAIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paused_clock::PausedClock;

    /// The seconds at which messages become due within the given number of polls.
    async fn due_secs(messages_per_sec: i64, num_polls: usize) -> Vec<f64> {
        let clock = PausedClock::new();
        let throttle = Throttle::new(messages_per_sec, &clock);
        let mut due_secs = Vec::new();
        for _ in 0..num_polls {
            if throttle.is_due(due_secs.len() as u64, &clock).await {
                due_secs.push(clock.monotonic().as_secs_f64());
            }
        }
        due_secs
    }

    #[tokio::test(start_paused = true)]
    async fn messages_are_spread_evenly() {
        assert_eq!(due_secs(2, 5).await, [0.0, 0.5, 1.0, 1.5, 2.0]);
    }

    #[tokio::test(start_paused = true)]
    async fn below_zero_is_unlimited_and_zero_never() {
        assert_eq!(due_secs(-1, 3).await, [0.0; 3]);
        assert_eq!(due_secs(0, 3).await, [0.0; 0]);
    }
}
