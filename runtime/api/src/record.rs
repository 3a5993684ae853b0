//! Records and where they come from.

use crate::data::{LogicalType, Map, Schema, SchemaRef, Value};
use crate::error::{ConnectError, Result};
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

impl Header {
    /// A header whose value fits its schema, of which only the type is looked at.
    pub fn new(
        key: impl Into<Arc<str>>,
        schema: Option<SchemaRef>,
        value: impl Into<Value>,
    ) -> Result<Self> {
        let (key, value) = (key.into(), value.into());
        if let Some(schema) = &schema {
            if value.is_null() && !schema.is_optional() {
                return Err(ConnectError::data(format!(
                    "A null value requires an optional schema but was {schema}"
                )));
            }
            if !value.is_null() && !type_fits(schema, &value) {
                return Err(ConnectError::data(format!(
                    "The value {value} is not compatible with the schema {schema}"
                )));
            }
        }
        Ok(Self { key, schema, value })
    }
}

/// Whether the class of a value is one of those of the schema's type, a logical type's or the physical
/// one's.
fn type_fits(schema: &Schema, value: &Value) -> bool {
    match (LogicalType::of(schema), value) {
        (Some(LogicalType::Decimal), Value::Decimal(_)) => return true,
        (Some(LogicalType::Decimal) | None, _) => {}
        (Some(_), Value::Date(_)) => return true,
        (Some(_), _) => {}
    }
    schema.schema_type().holds(value)
}

/// `ConnectHeader(key=k, value=v, schema=Schema{STRING})`.
impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ConnectHeader(key={}, value={}, schema={})",
            self.key,
            self.value,
            OrNull(self.schema.as_deref())
        )
    }
}

/// A value, or `null`.
struct OrNull<T>(Option<T>);

impl<T: fmt::Display> fmt::Display for OrNull<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("null"),
        }
    }
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

/// `ConnectRecord{topic='t', kafkaPartition=null, ...}`, as logs show records. It holds the data of the
/// record: whoever logs it must have been told to.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ConnectRecord{{topic='{}', kafkaPartition={}, key={}, keySchema={}, value={}, \
             valueSchema={}, timestamp={}, headers=ConnectHeaders(headers=",
            self.topic,
            OrNull(self.kafka_partition),
            self.key,
            OrNull(self.key_schema.as_deref()),
            self.value,
            OrNull(self.value_schema.as_deref()),
            OrNull(self.timestamp)
        )?;
        for (index, header) in self.headers.iter().enumerate() {
            write!(f, "{}{header}", if index == 0 { "[" } else { ", " })?;
        }
        f.write_str(if self.headers.is_empty() { ")}" } else { "])}" })
    }
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

/// `SinkRecord{kafkaOffset=5, ...} ConnectRecord{...}`.
impl fmt::Display for SinkRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = &self.origin;
        write!(
            f,
            "SinkRecord{{kafkaOffset={offset}, timestampType={}, originalTopic={}, \
             originalKafkaPartition={}, originalKafkaOffset={offset}}} {}",
            origin.timestamp_type.name(),
            origin.original_topic,
            origin.original_kafka_partition,
            self.record,
            offset = origin.kafka_offset,
        )
    }
}

/// `SourceRecord{sourcePartition={a=1}, sourceOffset={b=2}} ConnectRecord{...}`.
impl fmt::Display for SourceRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SourceRecord{{sourcePartition={}, sourceOffset={}}} {}",
            OrNull(self.origin.source_partition.as_deref()),
            OrNull(self.origin.source_offset.as_deref()),
            self.record
        )
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_print_as_in_java() {
        let mut record = SourceRecord::new("t", Some(Schema::int32()), Value::Int32(5));
        record.origin = SourceOrigin {
            source_partition: Some(Arc::new([("a", 1i32)].into_iter().collect())),
            source_offset: None,
        };
        record.record.timestamp = Some(7);
        record.record.headers = vec![
            Header::new("h", Some(Schema::string()), "v").unwrap(),
            Header::new("n", None, Value::Null).unwrap(),
        ];
        assert_eq!(
            record.to_string(),
            "SourceRecord{sourcePartition={a=1}, sourceOffset=null} ConnectRecord{topic='t', \
             kafkaPartition=null, key=null, keySchema=null, value=5, valueSchema=Schema{INT32}, \
             timestamp=7, headers=ConnectHeaders(headers=[ConnectHeader(key=h, value=v, \
             schema=Schema{STRING}), ConnectHeader(key=n, value=null, schema=null)])}"
        );
        let record = SinkRecord {
            record: SourceRecord::new("u", None, Value::Null).record,
            origin: SinkOrigin {
                original_topic: "t".into(),
                original_kafka_partition: 1,
                kafka_offset: 42,
                timestamp_type: TimestampType::CreateTime,
            },
        };
        assert_eq!(
            record.to_string(),
            "SinkRecord{kafkaOffset=42, timestampType=CreateTime, originalTopic=t, \
             originalKafkaPartition=1, originalKafkaOffset=42} ConnectRecord{topic='u', \
             kafkaPartition=null, key=null, keySchema=null, value=null, valueSchema=null, \
             timestamp=null, headers=ConnectHeaders(headers=)}"
        );
    }

    #[test]
    fn headers_fit_the_type_of_their_schema() {
        let message = |schema: SchemaRef, value: Value| {
            Header::new("k", Some(schema), value)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            message(Schema::string(), Value::Null),
            "A null value requires an optional schema but was Schema{STRING}"
        );
        assert_eq!(
            message(Schema::int32(), Value::Date(0)),
            "The value Thu Jan 01 00:00:00 UTC 1970 is not compatible with the schema Schema{INT32}"
        );
        let items = Schema::array_builder(Schema::string()).build().unwrap();
        assert!(Header::new("k", Some(items), Value::Array(vec![Value::Int32(1)])).is_ok());
        let date = LogicalType::Date.schema(false);
        assert!(Header::new("k", Some(date.clone()), Value::Int32(5)).is_ok());
        assert!(Header::new("k", Some(date), Value::Date(5)).is_ok());
        assert!(Header::new("k", Some(Schema::optional_string()), Value::Null).is_ok());
    }
}
