//! Waiting for a condition, never for a time.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// How long a condition may take before the test fails: far more than a busy two-core machine needs,
/// so that no test measures time by it.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// Asks until `condition` is `Ok`, with growing pauses; after [`DEADLINE`] fails with its last reason.
pub async fn eventually<T, E: Display>(
    what: &str,
    condition: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    eventually_within(DEADLINE, what, condition).await
}

/// As [`eventually`], with a deadline of its own.
pub async fn eventually_within<T, E: Display>(
    deadline: Duration,
    what: &str,
    mut condition: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let began = Instant::now();
    let mut pause = Duration::from_millis(10);
    loop {
        match condition().await {
            Ok(value) => return value,
            Err(reason) if began.elapsed() > deadline => {
                panic!("waited {deadline:?} in vain for: {what}. Last seen: {reason}")
            }
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause = (pause * 3 / 2).min(Duration::from_millis(500));
    }
}
