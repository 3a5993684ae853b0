//! Trying again: exponential back-off with full jitter.

use connect_api::{Clock, ConnectError, ErrorKind, Result};
use futures::future::BoxFuture;
use std::time::Duration;

/// How often and after which pauses a request is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// `s3.part.retries`: tries after the first one.
    pub max_retries: u32,
    /// `s3.retry.backoff.ms`: the greatest pause before the first retry; it doubles with each.
    pub backoff: Duration,
    /// No pause is longer.
    pub max_backoff: Duration,
}

impl RetryPolicy {
    /// Calls `request` until it succeeds, fails for good or was tried often enough. `what` goes into
    /// the log.
    pub async fn run<'a, T>(
        &self,
        clock: &dyn Clock,
        what: &str,
        mut request: impl FnMut() -> BoxFuture<'a, Result<T>>,
    ) -> Result<T> {
        let mut num_retries = 0;
        loop {
            let error = match request().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let ErrorKind::Retriable { after } = error.kind() else {
                return Err(error);
            };
            if num_retries == self.max_retries {
                return Err(error);
            }
            let pause = after
                .unwrap_or_else(|| self.pause(num_retries))
                .min(self.max_backoff);
            num_retries += 1;
            tracing::warn!(
                retry = num_retries,
                max_retries = self.max_retries,
                pause_ms = pause.as_millis(),
                reason = %error,
                "{what} failed and will be tried again"
            );
            clock.sleep(pause).await;
        }
    }

    /// Anything up to the doubled pause, so that tasks that failed together do not come back together.
    fn pause(&self, num_retries: u32) -> Duration {
        let factor = 2u32.checked_pow(num_retries).unwrap_or(u32::MAX);
        let longest = self.backoff.saturating_mul(factor).min(self.max_backoff);
        longest.mul_f64(rand::random::<f64>())
    }
}

/// The same error with words in front of its text; kind and class stay.
pub(crate) fn prefixed(error: &ConnectError, prefix: &str) -> ConnectError {
    ConnectError::new(
        error.kind(),
        error.class().to_string(),
        format!("{prefix}{}", error.message()),
    )
}
