//! What is done with a record that does not get through: it is logged, sent to the dead letter queue,
//! counted, and then skipped or not.
//!
//! ```text
//! failure ─► ErrorReporters ─┬─ log line                    (errors.log.enable)
//!                            ├─ DeadLetterQueue ─ producer   (errors.deadletterqueue.topic.name)
//!                            └─ errors.tolerance: go on without the record, or fail the task
//! ```

mod context_headers;
mod dead_letter_queue;
mod log_message;
mod source_json;

use crate::chain::{ConversionError, Stage};
use crate::tolerance::{ErrorPolicy, Tolerance};
use bytes::Bytes;
use connect_api::data::Value;
use connect_api::{Clock, ConnectError, RawHeader, Result, SourceRecord, TimestampType, Topic};
use connect_kafka::consumer::PolledRecord;
use connect_store::ConnectorTaskId;
use connect_telemetry::metrics::{TaskErrorMetrics, TaskMetrics};
use std::fmt;
use std::sync::Arc;

use dead_letter_queue::DeadLetter;
pub(crate) use dead_letter_queue::{DeadLetterQueue, DeadLetterQueueWriter, Settle};
pub use dead_letter_queue::{DeadLetterQueueConfig, DeadLetterQueuePlan};

/// A record as it stands in Kafka.
#[derive(Clone, Debug)]
pub(crate) struct ConsumedRecord {
    pub(crate) topic: Topic,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// -1 if it has none.
    pub(crate) timestamp_ms: i64,
    pub(crate) timestamp_type: TimestampType,
    pub(crate) key: Option<Bytes>,
    pub(crate) value: Option<Bytes>,
    pub(crate) headers: Vec<RawHeader>,
}

impl From<PolledRecord<'_>> for ConsumedRecord {
    fn from(polled: PolledRecord<'_>) -> Self {
        Self {
            topic: polled.topic().clone(),
            partition: polled.partition(),
            offset: polled.offset(),
            timestamp_ms: polled.timestamp_ms(),
            timestamp_type: polled.timestamp_type(),
            key: polled.key_bytes(),
            value: polled.value_bytes(),
            headers: crate::chain::raw_headers(polled),
        }
    }
}

/// A record of a source as converters left it.
#[derive(Clone, Debug)]
pub(crate) struct ConvertedRecord {
    pub(crate) topic: Topic,
    pub(crate) key: Option<Bytes>,
    pub(crate) value: Option<Bytes>,
    pub(crate) headers: Vec<RawHeader>,
    pub(crate) timestamp_ms: Option<i64>,
}

/// The record that failed, as it came.
#[derive(Clone, Copy)]
pub(crate) enum Original<'a> {
    /// Of a sink.
    Consumed(&'a ConsumedRecord),
    /// Of a source, before transforms; with its bytes, if conversion got that far.
    Source {
        record: &'a SourceRecord,
        converted: Option<&'a ConvertedRecord>,
    },
    /// Of a source that handed over bytes, not records.
    Converted(&'a ConvertedRecord),
    /// Not kept, because nobody reports.
    Unknown,
}

/// Where the record stands, without its data.
impl fmt::Display for Original<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Consumed(record) => {
                write!(f, "consumed record is ")?;
                log_message::write_coordinates(record, f)
            }
            Self::Source { record, .. } => write!(
                f,
                "source record for topic {} from partition {} at offset {}",
                record.record.topic,
                Value::from(record.origin.source_partition.as_deref().cloned()),
                Value::from(record.origin.source_offset.as_deref().cloned()),
            ),
            Self::Converted(record) => write!(f, "record for topic {}", record.topic),
            Self::Unknown => f.write_str("record"),
        }
    }
}

/// The reporters of one task, shared by its loop and its errant record reporter.
pub(crate) struct ErrorReporters {
    task: ConnectorTaskId,
    policy: ErrorPolicy,
    dead_letter_queue: Option<DeadLetterQueue>,
    metrics: TaskMetrics,
    clock: Arc<dyn Clock>,
}

impl ErrorReporters {
    pub(crate) fn new(
        task: ConnectorTaskId,
        policy: ErrorPolicy,
        dead_letter_queue: Option<DeadLetterQueue>,
        metrics: TaskMetrics,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            task,
            policy,
            dead_letter_queue,
            metrics,
            clock,
        }
    }

    pub(crate) fn policy(&self) -> &ErrorPolicy {
        &self.policy
    }

    pub(crate) fn metrics(&self) -> &TaskErrorMetrics {
        self.metrics.errors()
    }

    /// Whether there is anything that reports, so that originals are worth keeping.
    pub(crate) fn is_enabled(&self) -> bool {
        self.policy.log_enable || self.dead_letter_queue.is_some()
    }

    pub(crate) fn dead_letter_queue(&self) -> Option<&DeadLetterQueue> {
        self.dead_letter_queue.as_ref()
    }

    /// A record whose conversion or transform failed for good (its failures are counted): reports it,
    /// and says whether to go on without it. `settle` hears when the report is durable; at once, if
    /// nothing has to be waited for.
    pub(crate) fn give_up(
        &self,
        original: Original<'_>,
        failure: &ConversionError,
        settle: Settle,
    ) -> Result<()> {
        let metrics = self.metrics();
        metrics.set_last_error_timestamp_ms(self.clock.now_ms());
        metrics.record_error();
        self.report(original, failure, settle);
        match self.policy.tolerance {
            Tolerance::All => {
                metrics.record_skipped();
                Ok(())
            }
            Tolerance::None => Err(tolerance_exceeded(original, failure)),
        }
    }

    /// A record that failed outside the chain, in the task's writing or in the producer
    /// (`executeFailed`). Nothing counts as skipped here, and as an error only what fails the task.
    pub(crate) fn execute_failed(
        &self,
        original: Original<'_>,
        failure: &ConversionError,
        settle: Settle,
    ) -> Result<()> {
        let metrics = self.metrics();
        metrics.set_last_error_timestamp_ms(self.clock.now_ms());
        metrics.record_failure();
        self.report(original, failure, settle);
        match self.policy.tolerance {
            Tolerance::All => Ok(()),
            Tolerance::None => {
                metrics.record_error();
                Err(tolerance_exceeded(original, failure))
            }
        }
    }

    fn report(&self, original: Original<'_>, failure: &ConversionError, settle: Settle) {
        if self.policy.log_enable {
            self.metrics().record_error_logged();
            let message = log_message::log_message(
                &self.task,
                original,
                failure,
                self.policy.log_include_messages,
            );
            tracing::error!("{message}\n{}", failure.error.trace().trim_end());
        }
        match &self.dead_letter_queue {
            Some(queue) => {
                let letter = DeadLetter::new(&self.task, original, failure, queue.config());
                queue.send(letter, settle);
            }
            None => settle.settle(Ok(())),
        }
    }
}

/// What fails the task. The JVM's trace has no place of the record; whoever has to mend it needs one.
fn tolerance_exceeded(original: Original<'_>, failure: &ConversionError) -> ConnectError {
    let error = &failure.error;
    let message = format!(
        "{} ({} of {original})",
        error.message(),
        failure.stage.name()
    );
    let mut cause = ConnectError::new(error.kind(), error.class().to_string(), message);
    if let Some(root) = error.cause() {
        cause = cause.with_cause(root.clone());
    }
    ConnectError::fatal("Tolerance exceeded in error handler").with_cause(cause)
}

/// A failure outside the chain.
pub(crate) fn failure_in(stage: Stage, class: &str, error: ConnectError) -> ConversionError {
    ConversionError {
        stage,
        class: class.to_string(),
        transform: None,
        predicate: None,
        error,
    }
}
