//! What an exactly-once source task needs before it may write (KIP-618).

use super::producer::TaskProducer;
use crate::task::TaskControl;
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::{Clock, ConnectError, Result, TransactionContext};
use connect_kafka::producer::{TransactionError, TransactionalProducer};
use connect_store::OffsetStore;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;

/// How long one step of a transaction may take before it is asked for again.
pub(super) const STEP_TIMEOUT: Duration = Duration::from_secs(30);
/// Between tries of a step that failed retriably.
const RETRY_DELAY_MIN: Duration = Duration::from_millis(100);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(10);

/// Makes the transactional producer of a task; called once, when the task starts.
pub type TransactionalTaskProducerFactory =
    Box<dyn FnOnce() -> BoxFuture<'static, Result<Box<dyn TransactionalProducer>>> + Send>;

/// Where the transactions of a task end (`transaction.boundary`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionBoundary {
    /// After each batch that the task returns.
    Poll,
    /// After the batch in which this time is over since the last end.
    Interval(Duration),
    /// Where the task says so.
    Connector,
}

impl TransactionBoundary {
    /// Reads `transaction.boundary` and `transaction.boundary.interval.ms`; `default_interval` is the
    /// worker's `offset.flush.interval.ms`.
    ///
    /// # Errors
    /// A value that validation would have refused.
    pub fn from_config(config: &ConfigMap, default_interval: Duration) -> Result<Self> {
        const BOUNDARY: &str = "transaction.boundary";
        const INTERVAL: &str = "transaction.boundary.interval.ms";
        let boundary = config.get(BOUNDARY).map_or("poll", str::trim);
        let invalid = |key: &str, value: &str| {
            ConnectError::config(format!("Invalid value {value} for configuration {key}"))
        };
        match boundary.to_ascii_lowercase().as_str() {
            "poll" => Ok(Self::Poll),
            "connector" => Ok(Self::Connector),
            "interval" => match config.get(INTERVAL).map(str::trim) {
                None => Ok(Self::Interval(default_interval)),
                Some(text) => text
                    .parse()
                    .map(|interval_ms| Self::Interval(Duration::from_millis(interval_ms)))
                    .map_err(|_| invalid(INTERVAL, text)),
            },
            _ => Err(invalid(BOUNDARY, boundary)),
        }
    }
}

/// What a task has its herder look at before it writes. Dropping a returned future gives the question
/// up. An error fails the task.
#[async_trait]
pub trait TaskPreflight: Send + Sync {
    /// Returns when no task of an earlier set of configurations can write any more. Comes before the
    /// task takes its transactional id over.
    async fn fence_zombies(&self) -> Result<()>;

    /// Whether this is still the task's worker, and its configuration the present one. Comes after the
    /// task has taken its transactional id over: if a newer task did so before, this tells.
    async fn verify(&self) -> Result<()>;
}

/// What an exactly-once source task needs to run.
pub struct TransactionPlan {
    /// Makes its producer.
    pub producer: TransactionalTaskProducerFactory,
    /// What must be seen to before it writes.
    pub preflight: Box<dyn TaskPreflight>,
    /// Where its transactions end.
    pub boundary: TransactionBoundary,
    /// The topic of its offsets, to which its own producer writes.
    pub offsets_topic: String,
    /// The worker's offsets, if they are not on that topic: they get a copy.
    pub worker_offsets: Option<Arc<dyn OffsetStore>>,
}

/// A [`TransactionPlan`] whose producer has taken its id over.
pub(super) struct ClaimedPlan {
    pub(super) producer: TaskProducer,
    pub(super) boundary: TransactionBoundary,
    pub(super) context: Option<TransactionContext>,
    pub(super) offsets_topic: String,
    pub(super) worker_offsets: Option<Arc<dyn OffsetStore>>,
}

impl TransactionPlan {
    /// Sees to it that this task alone can write; `None` if it is told to stop meanwhile.
    pub(super) async fn claim(
        self,
        control: &mut TaskControl,
        clock: &dyn Clock,
    ) -> Result<Option<ClaimedPlan>> {
        match control
            .unless_stopping(self.preflight.fence_zombies())
            .await
        {
            None => return Ok(None),
            Some(fenced) => fenced?,
        }
        // Not by a task that is to stop: it could fence the one that comes after it.
        let Some(producer) = control.unless_stopping((self.producer)()).await else {
            return Ok(None);
        };
        let mut producer = producer?;
        let mut retries = Retries::default();
        loop {
            let claimed = control.unless_stopping(producer.init_transactions(STEP_TIMEOUT));
            match claimed.await {
                None => return Ok(None),
                Some(Ok(())) => break,
                Some(Err(error)) if error.is_retriable() => {
                    let waited = retries.wait("initialize transactions", &error, clock);
                    if control.unless_stopping(waited).await.is_none() {
                        return Ok(None);
                    }
                }
                Some(Err(error)) => {
                    return Err(ConnectError::fatal(format!(
                        "the transactions of task {} cannot be initialized",
                        control.id()
                    ))
                    .with_cause(kafka_error(&error)));
                }
            }
        }
        match control.unless_stopping(self.preflight.verify()).await {
            None => return Ok(None),
            Some(verified) => verified?,
        }
        let context =
            (self.boundary == TransactionBoundary::Connector).then(TransactionContext::new);
        Ok(Some(ClaimedPlan {
            producer: TaskProducer::Transactional(producer),
            boundary: self.boundary,
            context,
            offsets_topic: self.offsets_topic,
            worker_offsets: self.worker_offsets,
        }))
    }
}

/// The pauses between tries.
#[derive(Default)]
pub(super) struct Retries {
    num_failures: u32,
}

impl Retries {
    pub(super) async fn wait(&mut self, what: &str, error: &TransactionError, clock: &dyn Clock) {
        self.num_failures += 1;
        let delay = RETRY_DELAY_MIN
            .saturating_mul(1 << (self.num_failures - 1).min(16))
            .min(RETRY_DELAY_MAX);
        tracing::warn!(
            attempt = self.num_failures,
            delay_ms = delay.as_millis() as u64,
            "failed to {what}, will retry: {error}"
        );
        clock.sleep(delay).await;
    }
}

/// The error of a transaction under the name of the Java exception.
pub(super) fn kafka_error(error: &TransactionError) -> ConnectError {
    let class = match error {
        TransactionError::Fenced { code, .. } if is_timeout(*code) => {
            "org.apache.kafka.common.errors.InvalidProducerEpochException"
        }
        TransactionError::Fenced { .. } => "org.apache.kafka.common.errors.ProducerFencedException",
        _ => "org.apache.kafka.common.KafkaException",
    };
    ConnectError::fatal(error.to_string()).with_class(class)
}

fn is_timeout(code: connect_kafka::error::ErrorCode) -> bool {
    code == connect_kafka::error::ErrorCode::INVALID_PRODUCER_EPOCH
}

/// Why a transaction of a task was not committed.
pub(super) fn commit_error(
    task: &connect_store::ConnectorTaskId,
    error: &TransactionError,
) -> ConnectError {
    let message = match error {
        TransactionError::Fenced { code, .. } if is_timeout(*code) => format!(
            "The task {task} was unable to finish writing records to Kafka before its producer \
             transaction expired. It may be necessary to reconfigure this connector in order for it \
             to run healthily with exactly-once support. Options for this include: tune the \
             connector's producer configuration for higher throughput, increase the transaction \
             timeout for the connector's producers, decrease the offset commit interval (if using \
             interval-based transaction boundaries), or use the 'poll' transaction boundary (if the \
             connector is not already configured to use it)."
        ),
        _ => format!("Failed to flush offsets and/or records for task {task}"),
    };
    ConnectError::fatal(message).with_cause(kafka_error(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_are_read_as_in_java() {
        let default_interval = Duration::from_secs(60);
        let read = |entries: &[(&str, &str)]| {
            TransactionBoundary::from_config(
                &ConfigMap::from_iter(entries.iter().copied()),
                default_interval,
            )
        };
        const BOUNDARY: &str = "transaction.boundary";
        const INTERVAL: &str = "transaction.boundary.interval.ms";
        assert_eq!(read(&[]).unwrap(), TransactionBoundary::Poll);
        assert_eq!(
            read(&[(BOUNDARY, " Connector ")]).unwrap(),
            TransactionBoundary::Connector
        );
        assert_eq!(
            read(&[(BOUNDARY, "INTERVAL")]).unwrap(),
            TransactionBoundary::Interval(default_interval)
        );
        assert_eq!(
            read(&[(BOUNDARY, "interval"), (INTERVAL, "0")]).unwrap(),
            TransactionBoundary::Interval(Duration::ZERO)
        );
        let error = read(&[(BOUNDARY, "interval"), (INTERVAL, "-1")]).unwrap_err();
        assert_eq!(
            error.message(),
            "Invalid value -1 for configuration transaction.boundary.interval.ms"
        );
        assert!(read(&[(BOUNDARY, "record")]).is_err());
    }
}
