//! What happens to a record that cannot be converted or transformed
//! (`RetryWithToleranceOperator`).

use crate::chain::ConversionError;
use connect_api::config::ConfigMap;
use connect_api::{Clock, ConnectError, ErrorKind, Result};
use std::time::Duration;

/// `errors.tolerance`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tolerance {
    /// The first bad record fails the task.
    None,
    /// Bad records are skipped.
    All,
}

/// The settings below `errors.`.
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
        let is_true = |key: &str| {
            config
                .get(key)
                .is_some_and(|text| text.trim().eq_ignore_ascii_case("true"))
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
            log_enable: is_true("errors.log.enable"),
            log_include_messages: is_true("errors.log.include.messages"),
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
    /// Try the same record again.
    Retry,
    /// Go on without the record.
    Skip,
    /// Fail the task.
    Fail(ConnectError),
}

/// The failures of one record.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    count: u32,
    since: Option<Duration>,
}

impl Attempts {
    /// Whether the record has failed before.
    pub(crate) fn any(&self) -> bool {
        self.count > 0
    }

    /// Decides about a failure; waits before a retry. `describe_record` gives the coordinates of the
    /// record for the log.
    ///
    /// A retriable failure that outlives `errors.retry.timeout` counts like any other: the JVM skips
    /// the record then even under `errors.tolerance=none`, which loses it silently.
    pub(crate) async fn failed(
        &mut self,
        policy: &ErrorPolicy,
        clock: &dyn Clock,
        failure: ConversionError,
        describe_record: &(dyn Fn() -> String + Send + Sync),
    ) -> Verdict {
        self.count += 1;
        let now = clock.monotonic();
        let since = *self.since.get_or_insert(now);
        let ConversionError {
            stage,
            class,
            error,
        } = failure;
        if error.is_retriable() {
            // Any spread will do for jitter; the clock's own digits are random enough.
            let random = f64::from(now.subsec_nanos() % 1000) / 1000.0;
            if let Some(delay) = policy.retry_delay(self.count, now.saturating_sub(since), random) {
                tracing::warn!(
                    stage = stage.name(),
                    attempt = self.count,
                    delay_ms = delay.as_millis() as u64,
                    "Retrying {}: {error}",
                    describe_record()
                );
                clock.sleep(delay).await;
                return Verdict::Retry;
            }
        }
        if policy.log_enable {
            let record = if policy.log_include_messages {
                format!(", where {}", describe_record())
            } else {
                String::new()
            };
            tracing::error!(
                "Error encountered in task. Executing stage '{}' with class '{class}'{record}. {}",
                stage.name(),
                error.trace().trim_end()
            );
        }
        match (policy.tolerance, error.kind()) {
            (Tolerance::All, ErrorKind::Data | ErrorKind::Retriable { .. }) => Verdict::Skip,
            // A stage that converts or transforms may fail in any way; all of it is tolerated.
            (Tolerance::All, _) => Verdict::Skip,
            (Tolerance::None, _) => Verdict::Fail(
                ConnectError::fatal("Tolerance exceeded in error handler").with_cause(
                    ConnectError::new(
                        error.kind(),
                        error.class().to_string(),
                        format!(
                            "{} ({} of {})",
                            error.message(),
                            stage.name(),
                            describe_record()
                        ),
                    )
                    .with_optional_cause(error.cause().cloned()),
                ),
            ),
        }
    }
}

trait WithOptionalCause {
    fn with_optional_cause(self, cause: Option<ConnectError>) -> Self;
}

impl WithOptionalCause for ConnectError {
    fn with_optional_cause(self, cause: Option<ConnectError>) -> Self {
        match cause {
            Some(cause) => self.with_cause(cause),
            None => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_then_spread_below_the_maximum_and_end() {
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
