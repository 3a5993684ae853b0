//! Consuming for sink tasks: the face that the task loop uses, and its implementations.

mod batch;
mod fake;
mod inbox;
mod librdkafka;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::ErrorCode;
use crate::record::{PartitionOffset, TopicPartition};

pub use batch::{Header, PolledBatch, PolledBatchBuilder, PolledRecord};
pub use fake::{FakeConsumer, FakeConsumerHandle, FakeRecord};
pub use librdkafka::{ConsumerSettings, LibrdkafkaConsumer};

/// Number of an assignment. It grows with each rebalance; commits of an older one are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

/// What to read.
#[derive(Clone)]
pub enum Subscription {
    /// These topics (`topics`).
    Topics(Vec<String>),
    /// All topics whose name the function accepts (`topics.regex`); new topics join when the
    /// metadata is refreshed (`metadata.max.age.ms`).
    Matching(Arc<dyn Fn(&str) -> bool + Send + Sync>),
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topics(topics) => f.debug_tuple("Topics").field(topics).finish(),
            Self::Matching(_) => f.write_str("Matching(..)"),
        }
    }
}

/// What the consumer has for its owner.
#[derive(Debug)]
pub enum ConsumerEvent {
    /// Records, at most `max.poll.records` of them.
    Records(PolledBatch),
    /// Partitions were added. The owner opens them, may [`seek`](SinkConsumer::seek) and
    /// [`pause`](SinkConsumer::pause), then calls
    /// [`complete_rebalance`](SinkConsumer::complete_rebalance); no record of them comes
    /// before. Commits need this generation from now on.
    Assigned {
        /// The new generation.
        generation: Generation,
        /// The partitions that were added; empty when the group gave this member nothing.
        partitions: Vec<TopicPartition>,
    },
    /// Partitions are to be given up. The owner does pre-commit, close and a synchronous
    /// [`commit`](SinkConsumer::commit), then calls
    /// [`complete_rebalance`](SinkConsumer::complete_rebalance); when that takes longer than
    /// the rebalance deadline the partitions are given up without it.
    Revoked {
        /// The generation that ends with this rebalance.
        generation: Generation,
        /// The partitions to give up.
        partitions: Vec<TopicPartition>,
    },
    /// Partitions were lost: another member may own them already. The owner closes them
    /// without a commit, then calls
    /// [`complete_rebalance`](SinkConsumer::complete_rebalance).
    Lost {
        /// The generation that has ended.
        generation: Generation,
        /// The lost partitions.
        partitions: Vec<TopicPartition>,
    },
    /// An asynchronous commit is done.
    Committed {
        /// The number that was given to [`commit_async`](SinkConsumer::commit_async).
        sequence: u64,
        /// Whether the offsets are stored.
        result: Result<(), CommitError>,
    },
    /// Something failed. Retriable errors are for the log only, the consumer goes on; after
    /// any other one the task should fail.
    Error(ConsumerError),
}

/// Why consuming failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConsumerError {
    /// The settings were refused by the client library.
    #[error("the consumer can't be made from its settings: {0}")]
    InvalidConfig(String),
    /// A broker or the client library reports an error.
    #[error("consumer of group {group}: {reason}")]
    Broker {
        /// Group of the consumer.
        group: String,
        /// Code of the error.
        code: ErrorCode,
        /// What failed, on which topic and partition.
        reason: String,
    },
    /// A partition has no committed offset, or one that was deleted, and
    /// `auto.offset.reset=none` forbids to choose another.
    #[error(
        "{partition} has no valid committed offset in group {group} and auto.offset.reset is none: \
         set the group's offset or choose earliest or latest"
    )]
    NoOffset {
        /// Group of the consumer.
        group: String,
        /// The partition.
        partition: TopicPartition,
    },
    /// No answer within the timeout.
    #[error("{operation} had no answer within {timeout_ms} ms")]
    Timeout {
        /// What was asked.
        operation: &'static str,
        /// How long the answer was waited for.
        timeout_ms: u64,
    },
    /// The consumer was closed.
    #[error("the consumer is closed")]
    Closed,
}

impl ConsumerError {
    /// Whether the consumer goes on by itself.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Broker { code, .. } => {
                code.is_retriable() || *code == ErrorCode::MAX_POLL_EXCEEDED
            }
            Self::Timeout { .. } => true,
            Self::InvalidConfig(_) | Self::NoOffset { .. } | Self::Closed => false,
        }
    }
}

/// Why offsets were not committed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The generation is over: its partitions may belong to another member. Never retry.
    #[error("generation {generation:?} is over, the current one is {current:?}")]
    DeadGeneration {
        /// Generation of the refused commit.
        generation: Generation,
        /// Generation that is alive.
        current: Generation,
    },
    /// An offset is for a partition that is not assigned.
    #[error("{0} is not assigned to this consumer")]
    NotAssigned(TopicPartition),
    /// The broker refused.
    #[error("the group coordinator refused the offsets: {0}")]
    Broker(ErrorCode),
    /// No answer within the timeout; the offsets may or may not be stored.
    #[error("the group coordinator did not answer within {timeout_ms} ms")]
    Timeout {
        /// How long the answer was waited for.
        timeout_ms: u64,
    },
    /// The consumer was closed.
    #[error("the consumer is closed")]
    Closed,
}

/// The consumer of one sink task.
///
/// # Contract
///
/// - One owner calls [`next`](Self::next) in a loop. Rebalance events come before records
///   that wait, and records of revoked, paused or rewound partitions never come after the
///   call or event that made them void.
/// - After [`ConsumerEvent::Assigned`], [`Revoked`](ConsumerEvent::Revoked) and
///   [`Lost`](ConsumerEvent::Lost) the owner must call
///   [`complete_rebalance`](Self::complete_rebalance) or [`next`](Self::next) within the
///   rebalance deadline (`max.poll.interval.ms`); the group waits for it.
/// - A generation ends when all its partitions are revoked (after `complete_rebalance`), when
///   they are lost (at once), and when a new one begins.
/// - An owner that does not call [`next`](Self::next) for `max.poll.interval.ms` loses its
///   partitions, as in Java.
/// - Offsets passed to commits are the next offsets to read (last handled + 1).
#[async_trait]
pub trait SinkConsumer: Send {
    /// Waits for the next event. Cancel-safe: nothing is lost when the future is dropped.
    async fn next(&mut self) -> ConsumerEvent;

    /// Tells that the owner has done what the last rebalance event asked for. A call of
    /// [`next`](Self::next) tells it too.
    fn complete_rebalance(&mut self);

    /// The partitions now assigned.
    fn assignment(&self) -> &[TopicPartition];

    /// The generation that commits must carry now.
    fn generation(&self) -> Generation;

    /// Starts to commit `offsets`; [`ConsumerEvent::Committed`] with `sequence` tells the
    /// outcome. A dead generation and partitions that are not assigned are refused at once.
    fn commit_async(
        &mut self,
        generation: Generation,
        offsets: &[PartitionOffset],
        sequence: u64,
    ) -> Result<(), CommitError>;

    /// Commits `offsets` and waits for the coordinator's answer.
    async fn commit(
        &mut self,
        generation: Generation,
        offsets: &[PartitionOffset],
        timeout: Duration,
    ) -> Result<(), CommitError>;

    /// The group's committed offsets of `partitions`; `None` where nothing is committed.
    async fn committed(
        &mut self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<(TopicPartition, Option<i64>)>, ConsumerError>;

    /// The offset of the next record that [`next`](Self::next) will return of each of the
    /// assigned `partitions`: after the last record returned, else what was sought, else the
    /// committed offset, else what `auto.offset.reset` chooses.
    async fn position(
        &mut self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<PartitionOffset>, ConsumerError>;

    /// Makes `offset` the next one to read of an assigned partition, forth or back. Records
    /// of the partition that wait are dropped. Partitions that are not assigned are ignored.
    fn seek(&mut self, offsets: &[PartitionOffset]);

    /// Stops records of `partitions` until [`resume`](Self::resume). The pause ends when the
    /// partition is revoked. Partitions that are not assigned are ignored.
    fn pause(&mut self, partitions: &[TopicPartition]);

    /// Ends the pause of `partitions`, without loss or repetition.
    fn resume(&mut self, partitions: &[TopicPartition]);

    /// Leaves the group at once, so that others take over without waiting for the session to
    /// time out, and frees all resources. Offsets must be committed before.
    async fn close(self: Box<Self>, timeout: Duration) -> Result<(), ConsumerError>;
}
