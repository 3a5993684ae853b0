//! One face for the records of both forms of a batch.

use connect_api::data::{Schema, SchemaRef, Value};
use connect_api::{BytesRecord, PlainType, SinkOrigin, SinkRecord, Topic};
use std::sync::LazyLock;

/// A record of a batch, in whichever form it came.
#[derive(Clone, Copy, Debug)]
pub enum RecordRef<'a> {
    /// Converted and transformed.
    Row(&'a SinkRecord),
    /// Its value are the bytes as they stand in Kafka, of the given type.
    Bytes(&'a BytesRecord, PlainType),
}

static PLAIN_SCHEMAS: LazyLock<[SchemaRef; 2]> =
    LazyLock::new(|| [Schema::optional_string(), Schema::optional_bytes()]);

impl<'a> RecordRef<'a> {
    /// The topic that the record was read from, whatever transforms made of its name.
    pub fn topic(self) -> &'a Topic {
        match self {
            Self::Row(record) => &record.origin.original_topic,
            Self::Bytes(record, _) => &record.topic,
        }
    }

    /// The partition that the record was read from.
    pub fn partition(self) -> i32 {
        match self {
            Self::Row(record) => record.origin.original_kafka_partition,
            Self::Bytes(record, _) => record.partition,
        }
    }

    /// The offset that the record was read from.
    pub fn offset(self) -> i64 {
        match self {
            Self::Row(record) => record.origin.kafka_offset,
            Self::Bytes(record, _) => record.offset,
        }
    }

    /// The timestamp, as transforms left it: milliseconds since the epoch.
    pub fn timestamp(self) -> Option<i64> {
        match self {
            Self::Row(record) => record.record.timestamp,
            Self::Bytes(record, _) => record.timestamp,
        }
    }

    /// Whether the value is null.
    pub fn has_null_value(self) -> bool {
        match self {
            Self::Row(record) => record.record.value.is_null(),
            Self::Bytes(record, _) => record.value.is_none(),
        }
    }

    /// The schema of the value.
    pub fn value_schema(self) -> Option<&'a SchemaRef> {
        match self {
            Self::Row(record) => record.record.value_schema.as_ref(),
            Self::Bytes(_, PlainType::String) => Some(&PLAIN_SCHEMAS[0]),
            Self::Bytes(_, PlainType::Bytes) => Some(&PLAIN_SCHEMAS[1]),
        }
    }

    /// The value of a row; `None` for bytes, which nothing looks into.
    pub fn value(self) -> Option<&'a Value> {
        match self {
            Self::Row(record) => Some(&record.record.value),
            Self::Bytes(..) => None,
        }
    }

    /// Where the record stands, for reports.
    pub fn origin(self) -> SinkOrigin {
        match self {
            Self::Row(record) => record.origin.clone(),
            Self::Bytes(record, _) => SinkOrigin {
                original_topic: record.topic.clone(),
                original_kafka_partition: record.partition,
                kafka_offset: record.offset,
                timestamp_type: record.timestamp_type,
            },
        }
    }
}

/// `topic-partition@offset`, which finds the record and shows none of its data.
impl std::fmt::Display for RecordRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}@{}", self.topic(), self.partition(), self.offset())
    }
}
