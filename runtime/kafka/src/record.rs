//! Topic partitions and offsets, in Kafka's words.

use std::fmt;
use std::sync::Arc;

/// A partition of a topic.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// Topic name.
    pub topic: Arc<str>,
    /// Partition number.
    pub partition: i32,
}

impl TopicPartition {
    /// Names a partition.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self {
            topic: topic.into(),
            partition,
        }
    }
}

// Java prints `topic-partition`, and log searches depend on it.
impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

impl fmt::Debug for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A partition with the next offset to read from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PartitionOffset {
    /// The partition.
    pub partition: TopicPartition,
    /// The offset of the next record to read, that is last handled + 1.
    pub offset: i64,
}

impl PartitionOffset {
    /// Pairs a partition with an offset.
    pub fn new(partition: TopicPartition, offset: i64) -> Self {
        Self { partition, offset }
    }
}

/// What a record's timestamp tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// The record has no timestamp (message format 0).
    NoTimestampType,
    /// The producer's time of creation.
    CreateTime,
    /// The broker's time of appending.
    LogAppendTime,
}
