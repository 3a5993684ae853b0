//! Time, so that tests and simulations can drive it.

use futures::future::BoxFuture;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The time that the runtime and its tasks live by. Tasks take it from their context and never ask
/// the operating system, so that a test decides what time it is.
pub trait Clock: Send + Sync {
    /// Milliseconds since the epoch, as record timestamps have them.
    fn now_ms(&self) -> i64;

    /// Time since some fixed moment; never goes back.
    fn monotonic(&self) -> Duration;

    /// Completes once `duration` has gone by on this clock.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The clock of the operating system. Its `sleep` needs the timer that the runtime hands in, because
/// this crate depends on no executor.
pub struct SystemClock {
    start: Instant,
    sleep: fn(Duration) -> BoxFuture<'static, ()>,
}

impl SystemClock {
    /// A clock whose `sleep` is the given timer of the executor in use.
    pub fn new(sleep: fn(Duration) -> BoxFuture<'static, ()>) -> Self {
        Self {
            start: Instant::now(),
            sleep,
        }
    }
}

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        (self.sleep)(duration)
    }
}
