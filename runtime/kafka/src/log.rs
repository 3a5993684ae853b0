//! A compacted topic as a replicated map's log: what Connect calls `KafkaBasedLog`.

mod librdkafka;
mod memory;
#[cfg(test)]
mod tests;
mod topic;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::admin::AdminError;
use crate::error::ErrorCode;
use crate::producer::RecordMetadata;

pub use librdkafka::{KafkaLog, KafkaLogConfig};
pub use memory::{MemoryLog, MemoryTopic};
pub use topic::{TopicSpec, ensure_topic};

/// A record of a [`CompactedLog`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// Topic of the log.
    pub topic: Arc<str>,
    /// Partition of the record.
    pub partition: i32,
    /// Offset of the record in its partition.
    pub offset: i64,
    /// Timestamp in milliseconds since the epoch, `-1` if there is none.
    pub timestamp_ms: i64,
    /// Key; `None` is a null key.
    pub key: Option<Bytes>,
    /// Value; `None` is a tombstone.
    pub value: Option<Bytes>,
}

/// Called with every record, in offset order within a partition, from one thread of the log.
/// It must not block: it holds up the reading of the whole log.
pub type RecordCallback = Box<dyn FnMut(LogRecord) + Send>;

/// Resolves when a sent record is acknowledged or has failed for good. Dropping it does not
/// recall the record.
pub type LogAck = Pin<Box<dyn Future<Output = Result<RecordMetadata, LogError>> + Send>>;

/// Why a log failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The settings were refused by the client library.
    #[error("the log of topic {topic} can't be opened from its settings: {reason}")]
    InvalidConfig {
        /// Topic of the log.
        topic: String,
        /// What was refused.
        reason: String,
    },
    /// The topic does not exist and did not appear in time.
    #[error(
        "topic {topic} was not found within {timeout_ms} ms: create it, or give this worker's \
         principal the right to do so (CREATE on the topic or the cluster) and to see it \
         (DESCRIBE on the topic)"
    )]
    TopicNotFound {
        /// Topic of the log.
        topic: String,
        /// How long the topic was looked for.
        timeout_ms: u64,
    },
    /// The topic exists in a form that Connect can't use; nothing but an operator's change
    /// helps.
    #[error("{0}")]
    UnusableTopic(String),
    /// The topic could not be looked at or created.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// A record was not written.
    #[error("a record could not be written to topic {topic}: {code}")]
    NotWritten {
        /// Topic of the log.
        topic: String,
        /// Code of the failure.
        code: ErrorCode,
    },
    /// Reading failed for a reason that waiting does not mend.
    #[error("topic {topic} can't be read: {code}")]
    NotReadable {
        /// Topic of the log.
        topic: String,
        /// Code of the failure.
        code: ErrorCode,
    },
    /// The end was not reached in time.
    #[error("the end of topic {topic} was not reached within {timeout_ms} ms")]
    Timeout {
        /// Topic of the log.
        topic: String,
        /// How long the end was waited for.
        timeout_ms: u64,
    },
    /// The log was stopped, or not started.
    #[error("the log of topic {topic} is not running")]
    NotRunning {
        /// Topic of the log.
        topic: String,
    },
}

impl LogError {
    /// Whether the same call can succeed later without anybody changing anything.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Timeout { .. } => true,
            Self::Admin(error) => error.is_retriable(),
            Self::NotWritten { code, .. } | Self::NotReadable { code, .. } => code.is_retriable(),
            Self::InvalidConfig { .. }
            | Self::TopicNotFound { .. }
            | Self::UnusableTopic(_)
            | Self::NotRunning { .. } => false,
        }
    }
}

/// A topic that every worker reads from its beginning and some write to.
///
/// # Contract
///
/// - [`start`](Self::start) is called once; the callback has seen everything up to the end of
///   the topic (at the time of the call) when it returns. [`send`](Self::send) and
///   [`read_to_end`](Self::read_to_end) fail with [`LogError::NotRunning`] before.
/// - After `start` the callback goes on to see records as they arrive, the log's own too:
///   own records come back by reading, never directly.
/// - When [`read_to_end`](Self::read_to_end) returns `Ok`, the callback has returned for every
///   record that was acknowledged, to any writer, before the call.
/// - All methods may be called from several tasks at a time.
#[async_trait]
pub trait CompactedLog: Send + Sync {
    /// Opens the topic, reads it to its end and goes on reading.
    async fn start(&self, on_record: RecordCallback) -> Result<(), LogError>;

    /// Writes a record; keys decide the partition as in Java. Records sent one after the
    /// other to one partition are stored in that order.
    fn send(&self, key: Option<Bytes>, value: Option<Bytes>) -> LogAck;

    /// Waits until the callback has seen all that was in the topic at the time of the call,
    /// own records sent before included.
    async fn read_to_end(&self, timeout: Duration) -> Result<(), LogError>;

    /// Name of the topic.
    fn topic(&self) -> &str;

    /// Number of partitions; 0 before [`start`](Self::start).
    fn num_partitions(&self) -> i32;

    /// Flushes what was sent, stops reading and frees all resources. The callback is not
    /// called any more once this returns.
    async fn stop(&self);
}
