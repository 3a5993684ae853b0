//! How long a failed conversion or transform is tried again, and what is tolerated then
//! (`RetryWithToleranceOperator`).

use crate::chain::{ConversionError, Stage};
use connect_api::config::ConfigMap;
use connect_api::{Clock, ConnectError, Result};
use connect_telemetry::metrics::TaskErrorMetrics;
use std::sync::Arc;
use std::time::Duration;

/// `errors.tolerance`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tolerance {
    /// The first bad record fails the task.
    None,
    /// Bad records are skipped.
    All,
}

/// The settings below `errors.`, but for those of the dead letter queue.
#[derive(Clone, Copy, Debug)]
pub struct ErrorPolicy {
    /// `errors.tolerance`.
    pub tolerance: Tolerance,
    /// `errors.retry.timeout`: how long a retriable failure is retried; `None` forever.
    pub retry_timeout: Option<Duration>,
    /// `errors.retry.delay.max.ms`: the longest pause between two tries.
    pub retry_delay_max: Duration,
    /// `errors.log.enable`.
    pub log_enable: bool,
    /// `errors.log.include.messages`.
    pub log_include_messages: bool,
}

impl Default for ErrorPolicy {
    fn default() -> Self {
        Self {
            tolerance: Tolerance::None,
            retry_timeout: Some(Duration::ZERO),
            retry_delay_max: Duration::from_mins(1),
            log_enable: false,
            log_include_messages: false,
        }
    }
}

const RETRY_DELAY_MIN: Duration = Duration::from_millis(300);

/// Whether a boolean setting is set and true.
pub(crate) fn is_true(config: &ConfigMap, key: &str) -> bool {
    config
        .get(key)
        .is_some_and(|text| text.trim().eq_ignore_ascii_case("true"))
}

impl ErrorPolicy {
    /// Reads the settings of a connector, which validation has checked already.
    pub fn from_config(config: &ConfigMap) -> Result<Self> {
        let number = |key: &str, default: i64| match config.get(key).map(str::trim) {
            None => Ok(default),
            Some(text) => text.parse::<i64>().map_err(|_| {
                ConnectError::config(format!(
                    "Invalid value {text} for configuration {key}: Not a number of type LONG"
                ))
            }),
        };
        let millis = |ms: i64| Duration::from_millis(ms.max(0).unsigned_abs());
        let retry_timeout_ms = number("errors.retry.timeout", 0)?;
        Ok(Self {
            tolerance: match config.get("errors.tolerance").map(str::trim) {
                Some(text) if text.eq_ignore_ascii_case("all") => Tolerance::All,
                _ => Tolerance::None,
            },
            retry_timeout: (retry_timeout_ms >= 0).then(|| millis(retry_timeout_ms)),
            retry_delay_max: millis(number("errors.retry.delay.max.ms", 60_000)?),
            log_enable: is_true(config, "errors.log.enable"),
            log_include_messages: is_true(config, "errors.log.include.messages"),
        })
    }

    /// The pause before the next try after `attempt` failures (from 1), or `None` if the time for
    /// retries, of which `elapsed` is gone, is over. `random` is between 0 and 1.
    fn retry_delay(&self, attempt: u32, elapsed: Duration, random: f64) -> Option<Duration> {
        if self.retry_timeout.is_some_and(|timeout| elapsed >= timeout) {
            return None;
        }
        let exponent = attempt.saturating_sub(1).min(31);
        let delay = RETRY_DELAY_MIN.saturating_mul(1 << exponent);
        let delay = if delay > self.retry_delay_max {
            self.retry_delay_max.mul_f64(random)
        } else {
            delay
        };
        Some(match self.retry_timeout {
            Some(timeout) => delay.min(timeout - elapsed),
            None => delay,
        })
    }
}

/// What to do after a failed conversion.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Try the same record again after this pause.
    Retry(Duration),
    /// The record does not get through: report it, then skip it or fail the task.
    GiveUp(ConversionError),
}

/// The failures of one record. Each operation on it (a converter, a transform) has its own time for
/// retries.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    failed: Vec<FailedOperation>,
}

#[derive(Debug)]
struct FailedOperation {
    stage: Stage,
    transform: Option<Arc<str>>,
    count: u32,
    since: Duration,
}

impl Attempts {
    /// Decides about a failure and counts it. `describe_record` gives the coordinates of the record for
    /// the log.
    ///
    /// A retriable failure that outlives `errors.retry.timeout` counts like any other: the JVM skips
    /// the record then even under `errors.tolerance=none`, which loses it silently.
    pub(crate) fn failed(
        &mut self,
        policy: &ErrorPolicy,
        clock: &dyn Clock,
        metrics: &TaskErrorMetrics,
        failure: ConversionError,
        describe_record: &dyn Fn() -> String,
    ) -> Verdict {
        metrics.record_failure();
        if !failure.error.is_retriable() {
            return Verdict::GiveUp(failure);
        }
        let now = clock.monotonic();
        let known = self.failed.iter().position(|operation| {
            operation.stage == failure.stage && operation.transform == failure.transform
        });
        let index = known.unwrap_or_else(|| {
            self.failed.push(FailedOperation {
                stage: failure.stage,
                transform: failure.transform.clone(),
                count: 0,
                since: now,
            });
            self.failed.len() - 1
        });
        let operation = &mut self.failed[index];
        operation.count += 1;
        // Any spread will do for jitter; the clock's own digits are random enough.
        let random = f64::from(now.subsec_nanos() % 1000) / 1000.0;
        let elapsed = now.saturating_sub(operation.since);
        let Some(delay) = policy.retry_delay(operation.count, elapsed, random) else {
            return Verdict::GiveUp(failure);
        };
        tracing::warn!(
            stage = failure.stage.name(),
            attempt = operation.count,
            delay_ms = delay.as_millis() as u64,
            "Retrying {}: {}",
            describe_record(),
            failure.error
        );
        Verdict::Retry(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e03_delays_double_then_spread_below_the_maximum_and_end() {
        let policy = ErrorPolicy {
            retry_timeout: Some(Duration::from_secs(10)),
            retry_delay_max: Duration::from_secs(1),
            ..ErrorPolicy::default()
        };
        let ms = |attempt, elapsed_ms, random| {
            policy
                .retry_delay(attempt, Duration::from_millis(elapsed_ms), random)
                .map(|delay| delay.as_millis())
        };
        assert_eq!(ms(1, 0, 0.5), Some(300));
        assert_eq!(ms(2, 300, 0.5), Some(600));
        assert_eq!(ms(3, 900, 0.5), Some(500));
        assert_eq!(ms(40, 9_900, 0.5), Some(100));
        assert_eq!(ms(4, 10_000, 0.5), None);
        let forever = ErrorPolicy {
            retry_timeout: None,
            ..policy
        };
        assert!(
            forever
                .retry_delay(1, Duration::from_hours(99), 0.0)
                .is_some()
        );
    }

    #[test]
    fn settings_are_read_with_their_defaults() {
        let policy = ErrorPolicy::from_config(&ConfigMap::from_iter([
            ("errors.tolerance", " all "),
            ("errors.retry.timeout", "-1"),
        ]))
        .unwrap();
        assert_eq!(policy.tolerance, Tolerance::All);
        assert_eq!(policy.retry_timeout, None);
        let config = ConfigMap::from_iter([("errors.retry.timeout", "soon")]);
        assert!(ErrorPolicy::from_config(&config).is_err());
    }
}
