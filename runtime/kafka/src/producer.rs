//! Producing records: the face that task loops and stores use, and its implementations.

mod fake;
mod librdkafka;
#[cfg(test)]
mod tests;
mod transactions;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::error::ErrorCode;

pub use fake::{
    FakeProducer, FakeProducerHandle, FakeTransactionalProducer, FakeTransactions, ProducedRecord,
};
pub(crate) use librdkafka::flush_client;
pub use librdkafka::{LibrdkafkaProducer, LibrdkafkaTransactionalProducer};
pub use transactions::{TransactionError, TransactionalProducer};

/// One record on its way to a topic. All parts are borrowed: the producer copies them once.
#[derive(Clone, Copy, Debug)]
pub struct ProducerRecord<'a> {
    /// Topic to write to.
    pub topic: &'a str,
    /// Partition to write to; `None` leaves it to the partitioner (Java's murmur2 over the
    /// key, any partition for a record without key).
    pub partition: Option<i32>,
    /// Key; `None` is a null key, which differs from an empty one.
    pub key: Option<&'a [u8]>,
    /// Value; `None` is a null value (a tombstone on a compacted topic).
    pub value: Option<&'a [u8]>,
    /// Headers in order; names may repeat.
    pub headers: &'a [ProducerHeader<'a>],
    /// Creation time in milliseconds since the epoch; `None` takes the current time.
    pub timestamp_ms: Option<i64>,
    /// Number that comes back with the [`Delivery`] of this record.
    pub token: u64,
}

/// A header of a [`ProducerRecord`].
#[derive(Clone, Copy, Debug)]
pub struct ProducerHeader<'a> {
    /// Name of the header.
    pub key: &'a str,
    /// Value; `None` is a null value.
    pub value: Option<&'a [u8]>,
}

/// What became of one sent record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The token that was given to [`Producer::send`].
    pub token: u64,
    /// Where the record stands, or why it was not written.
    pub result: Result<RecordMetadata, ErrorCode>,
}

/// Where a delivered record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordMetadata {
    /// Partition that holds the record.
    pub partition: i32,
    /// Offset of the record; `-1` with `acks=0`, where the broker does not tell.
    pub offset: i64,
    /// Timestamp of the record in milliseconds; `-1` if unknown.
    pub timestamp_ms: i64,
}

/// Why a record was not taken by [`Producer::send`]. Nothing of it was kept: there will be no
/// delivery for its token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The buffer (`buffer.memory`) is full. Wait with [`Producer::wait_for_room`] and send
    /// the same record again.
    #[error("the producer's buffer is full")]
    QueueFull,
    /// The record is larger than `max.request.size`. Sending it again fails again.
    #[error(
        "the record for topic {topic} takes {num_bytes} bytes, more than the producer setting \
         max.request.size allows; raise it (and the topic's max.message.bytes) or drop the record"
    )]
    RecordTooLarge {
        /// Topic of the record.
        topic: String,
        /// Size of key and value.
        num_bytes: usize,
    },
    /// The topic or the chosen partition does not exist.
    #[error("topic {topic} has no partition {partition}")]
    UnknownPartition {
        /// Topic of the record.
        topic: String,
        /// Partition that was asked for.
        partition: i32,
    },
    /// The record can't be represented, for example a zero byte in a topic or header name.
    #[error("the record for topic {topic} can't be written: {reason}")]
    InvalidRecord {
        /// Topic of the record.
        topic: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The producer failed for good (fenced, or a lost idempotent sequence): close it and
    /// make a new one.
    #[error("the producer failed for good: {reason}")]
    Fatal {
        /// Code of the failure.
        code: ErrorCode,
        /// What the client library says about it.
        reason: String,
    },
    /// Any other refusal.
    #[error("the record for topic {topic} was refused: {code}")]
    Refused {
        /// Topic of the record.
        topic: String,
        /// Code of the refusal.
        code: ErrorCode,
    },
}

/// Why a producer could not be made or flushed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProducerError {
    /// The settings were refused by the client library.
    #[error("the producer can't be made from its settings: {0}")]
    InvalidConfig(String),
    /// Records were still on their way when the time was up.
    #[error("{num_in_flight} records were still not acknowledged after {timeout_ms} ms")]
    FlushTimeout {
        /// Records without acknowledgement.
        num_in_flight: usize,
        /// How long the flush waited.
        timeout_ms: u64,
    },
    /// The producer failed for good: close it and make a new one.
    #[error("the producer failed for good: {reason}")]
    Fatal {
        /// Code of the failure.
        code: ErrorCode,
        /// What the client library says about it.
        reason: String,
    },
}

/// Writes records to Kafka for one owner.
///
/// # Contract
///
/// - Each record that [`send`](Self::send) takes gets exactly one [`Delivery`], in the
///   receiver of [`deliveries`](Self::deliveries), also after a failure and after
///   [`close`](Self::close). Deliveries of one partition come in the order of sending.
/// - The owner must keep receiving deliveries: records whose delivery was not received count
///   as in flight, and [`SendError::QueueFull`] is the answer once too many are.
/// - Errors of a delivery are final: retries within `delivery.timeout.ms` lie behind it.
/// - Dropping a producer abandons records in flight; [`close`](Self::close) first.
#[async_trait]
pub trait Producer: Send {
    /// Takes over a copy of `record`. Never blocks.
    fn send(&mut self, record: ProducerRecord<'_>) -> Result<(), SendError>;

    /// The receiver of all deliveries. The first call returns it, later ones `None`.
    fn deliveries(&mut self) -> Option<Deliveries>;

    /// Waits until [`send`](Self::send) may succeed again after [`SendError::QueueFull`].
    /// It may return early: send again and wait again. Cancel-safe.
    async fn wait_for_room(&mut self);

    /// Sends what lingers at once and waits until all records sent before the call are
    /// acknowledged or failed; their deliveries are then in the receiver. Cancel-safe.
    async fn flush(&mut self, timeout: Duration) -> Result<(), ProducerError>;

    /// Bytes of keys and values that were sent and not yet acknowledged.
    fn in_flight_bytes(&self) -> usize;

    /// Records whose delivery was not yet received by the owner.
    fn in_flight_records(&self) -> usize;

    /// Flushes for at most `timeout`, then fails what is left with
    /// [`ErrorCode::PURGED_IN_QUEUE`] and frees all resources.
    async fn close(self: Box<Self>, timeout: Duration) -> Result<(), ProducerError>;
}

/// Receiver of a producer's deliveries, in batches: one batch for each wake of the producer's
/// thread, so that a record costs no channel operation of its own.
#[derive(Debug)]
pub struct Deliveries {
    receiver: mpsc::UnboundedReceiver<Vec<Delivery>>,
    num_unreceived: Arc<AtomicUsize>,
}

impl Deliveries {
    pub(crate) fn new(
        receiver: mpsc::UnboundedReceiver<Vec<Delivery>>,
        num_unreceived: Arc<AtomicUsize>,
    ) -> Self {
        Self {
            receiver,
            num_unreceived,
        }
    }

    /// Waits for the next batch; never empty. `None` after the producer was closed and all
    /// its deliveries were received. Cancel-safe.
    pub async fn recv(&mut self) -> Option<Vec<Delivery>> {
        let batch = self.receiver.recv().await?;
        self.num_unreceived.fetch_sub(batch.len(), Ordering::AcqRel);
        Some(batch)
    }

    /// Takes a batch that is there already.
    pub fn try_recv(&mut self) -> Option<Vec<Delivery>> {
        let batch = self.receiver.try_recv().ok()?;
        self.num_unreceived.fetch_sub(batch.len(), Ordering::AcqRel);
        Some(batch)
    }
}
