//! Topic partitions and offsets, in Kafka's words.

pub use connect_api::{TimestampType, TopicPartition};

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
