//! Records and where they come from.

use crate::data::{Map, SchemaRef, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The name of a topic, shared by the records of a batch.
pub type Topic = Arc<str>;

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// The topic.
    pub topic: Topic,
    /// The number of the partition, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// A partition of a topic.
    pub fn new(topic: impl Into<Topic>, partition: i32) -> Self {
        Self {
            topic: topic.into(),
            partition,
        }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// For each partition the offset of the next record to read, as consumer groups commit it.
pub type Offsets = BTreeMap<TopicPartition, i64>;

/// A header of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The key; several headers may share one.
    pub key: Arc<str>,
    /// The schema of the value, if it has one.
    pub schema: Option<SchemaRef>,
    /// The value.
    pub value: Value,
}

/// The headers of a record: ordered, duplicates allowed.
pub type Headers = Vec<Header>;

/// What transforms work on and what sources and sinks exchange with Kafka.
///
/// Where a record comes from is not part of it ([`Origin`]): no transform can change that.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The topic, as transforms left it.
    pub topic: Topic,
    /// The partition; `None` lets the producer choose.
    pub kafka_partition: Option<i32>,
    /// The schema of the key.
    pub key_schema: Option<SchemaRef>,
    /// The key.
    pub key: Value,
    /// The schema of the value.
    pub value_schema: Option<SchemaRef>,
    /// The value.
    pub value: Value,
    /// Milliseconds since the epoch.
    pub timestamp: Option<i64>,
    /// The headers.
    pub headers: Headers,
}

/// Who set the timestamp of a record in Kafka.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// The record has none.
    NoTimestampType,
    /// The producer.
    CreateTime,
    /// The broker.
    LogAppendTime,
}

impl TimestampType {
    /// The name that Kafka prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoTimestampType => "NoTimestampType",
            Self::CreateTime => "CreateTime",
            Self::LogAppendTime => "LogAppendTime",
        }
    }
}

/// Where a record of a sink stands in Kafka: topic and partition before any transform (KIP-793).
#[derive(Clone, Debug, PartialEq)]
pub struct SinkOrigin {
    /// The topic that it was read from.
    pub original_topic: Topic,
    /// The partition that it was read from.
    pub original_kafka_partition: i32,
    /// Its offset there.
    pub kafka_offset: i64,
    /// Who set its timestamp.
    pub timestamp_type: TimestampType,
}

impl SinkOrigin {
    /// The partition that it was read from.
    pub fn topic_partition(&self) -> TopicPartition {
        TopicPartition {
            topic: self.original_topic.clone(),
            partition: self.original_kafka_partition,
        }
    }
}

/// Where a record of a source stands in the outside system.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SourceOrigin {
    /// What it was read from, for example `{"filename": "a.txt"}`. The order of the entries is part
    /// of the key under which the offset is stored.
    pub source_partition: Option<Arc<Map>>,
    /// How far it goes in there, for example `{"position": 42}`.
    pub source_offset: Option<Arc<Map>>,
}

/// Where a record comes from; transforms see it and cannot change it.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// Read from Kafka for a sink.
    Sink(&'a SinkOrigin),
    /// Made by a source.
    Source(&'a SourceOrigin),
}

/// A record on its way to a sink.
#[derive(Clone, Debug, PartialEq)]
pub struct SinkRecord {
    /// The record after conversion and transforms.
    pub record: Record,
    /// Where it was read from.
    pub origin: SinkOrigin,
}

/// A record on its way from a source.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceRecord {
    /// The record.
    pub record: Record,
    /// Where it stands in the outside system.
    pub origin: SourceOrigin,
}

impl SourceRecord {
    /// A record with a value for a topic, and nothing else set.
    pub fn new(topic: impl Into<Topic>, value_schema: Option<SchemaRef>, value: Value) -> Self {
        Self {
            record: Record {
                topic: topic.into(),
                kafka_partition: None,
                key_schema: None,
                key: Value::Null,
                value_schema,
                value,
                timestamp: None,
                headers: Headers::new(),
            },
            origin: SourceOrigin::default(),
        }
    }
}

/// Where an acknowledged record of a source was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordMetadata {
    /// The partition.
    pub partition: i32,
    /// The offset; -1 with `acks=0`.
    pub offset: i64,
    /// The timestamp that the broker keeps, in milliseconds since the epoch.
    pub timestamp: Option<i64>,
}
