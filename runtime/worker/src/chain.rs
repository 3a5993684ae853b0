//! The conversion chain of a task: converters and transforms with their predicates.

use bytes::{Bytes, BytesMut};
use connect_api::data::{SchemaRef, Value};
use connect_api::{
    ConnectError, Converter, Encoded, Header, HeaderConverter, Headers, Origin, PlainType,
    Predicate, RawHeader, RawMessage, Record, SinkOrigin, SinkRecord, Transform,
};
use connect_kafka::consumer::PolledRecord;
use std::sync::Arc;

/// A step of the chain, named in error reports (`Stage` in Java).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// A transform or its predicate.
    Transformation,
    /// The key converter.
    KeyConverter,
    /// The value converter.
    ValueConverter,
    /// The header converter.
    HeaderConverter,
    /// The task's own writing, which reports through its errant record reporter.
    TaskPut,
    /// The producer of a source.
    KafkaProduce,
}

impl Stage {
    /// `TRANSFORMATION`, `KEY_CONVERTER`, ...
    pub fn name(self) -> &'static str {
        match self {
            Self::Transformation => "TRANSFORMATION",
            Self::KeyConverter => "KEY_CONVERTER",
            Self::ValueConverter => "VALUE_CONVERTER",
            Self::HeaderConverter => "HEADER_CONVERTER",
            Self::TaskPut => "TASK_PUT",
            Self::KafkaProduce => "KAFKA_PRODUCE",
        }
    }
}

/// A record that did not get through, as error reports name it.
#[derive(Clone, Debug)]
pub struct ConversionError {
    /// Where it failed.
    pub stage: Stage,
    /// The class name of the plugin that failed; of the transform, if its predicate failed.
    pub class: String,
    /// The alias of the transform, in [`Stage::Transformation`].
    pub transform: Option<Arc<str>>,
    /// The alias of the predicate, if it was that which failed.
    pub predicate: Option<Arc<str>>,
    /// Why.
    pub error: ConnectError,
}

/// A predicate in front of a transform.
pub struct PredicateStage {
    /// The alias in the configuration.
    pub alias: Arc<str>,
    /// The predicate.
    pub predicate: Box<dyn Predicate>,
    /// Whether the transform is applied where the predicate does not hold.
    pub negate: bool,
}

/// A transform in the chain.
pub struct TransformStage {
    /// The alias in the configuration.
    pub alias: Arc<str>,
    /// The class name.
    pub class: String,
    /// The transform.
    pub transform: Box<dyn Transform>,
    /// Its predicate, if it has one.
    pub predicate: Option<PredicateStage>,
}

/// The converters and transforms of one task, configured.
pub struct Chain {
    /// The class name of the key converter.
    pub key_class: String,
    /// The key converter.
    pub key: Box<dyn Converter>,
    /// The class name of the value converter.
    pub value_class: String,
    /// The value converter.
    pub value: Box<dyn Converter>,
    /// The class name of the header converter.
    pub header_class: String,
    /// The header converter.
    pub header: Box<dyn HeaderConverter>,
    /// The transforms, in order.
    pub transforms: Vec<TransformStage>,
}

const SIMPLE_HEADER_CONVERTER: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

/// A record of a source, ready for the producer.
pub(crate) struct EncodedRecord {
    pub(crate) key: Encoded,
    pub(crate) value: Encoded,
    pub(crate) headers: Vec<RawHeader>,
}

impl Chain {
    /// What the values are, if keys and values pass through untouched.
    pub(crate) fn plain_types(&self) -> Option<(PlainType, PlainType)> {
        if !self.transforms.is_empty() {
            return None;
        }
        Some((self.key.plain_type()?, self.value.plain_type()?))
    }

    /// Whether headers can be left as bytes: no conversion of them ever fails.
    pub(crate) fn headers_never_fail(&self) -> bool {
        self.header_class == SIMPLE_HEADER_CONVERTER
    }

    /// Whether converters want to know of records before they convert them.
    pub(crate) fn needs_prepare(&self) -> bool {
        self.key.needs_prepare() || self.value.needs_prepare()
    }

    /// Lets converters resolve what records from Kafka need from the network.
    pub(crate) async fn prepare_to_connect<'a>(
        &mut self,
        records: impl Iterator<Item = PolledRecord<'a>>,
    ) {
        let records: Vec<PolledRecord<'a>> = records.collect();
        let headers: Vec<Vec<RawHeader>> = records.iter().copied().map(raw_headers).collect();
        let keys: Vec<Option<Bytes>> = records.iter().map(|record| record.key_bytes()).collect();
        let values: Vec<Option<Bytes>> =
            records.iter().map(|record| record.value_bytes()).collect();
        for (converter, payloads) in [(&mut self.key, keys), (&mut self.value, values)] {
            if !converter.needs_prepare() {
                continue;
            }
            let raw: Vec<RawMessage<'_>> = records
                .iter()
                .zip(&headers)
                .zip(&payloads)
                .map(|((record, headers), payload)| RawMessage {
                    topic: record.topic(),
                    headers,
                    payload: payload.as_ref(),
                })
                .collect();
            converter.prepare_to_connect(&raw).await;
        }
    }

    /// Lets converters resolve what records of a source, after all transforms, need from the network.
    pub(crate) async fn prepare_from_connect(&mut self, records: &[&Record]) {
        /// A null needs no schema, unless its schema forbids it.
        fn announced<'a>(
            record: &'a Record,
            schema: Option<&'a SchemaRef>,
            value: &Value,
        ) -> Option<(&'a str, Option<&'a SchemaRef>)> {
            let is_null = value.is_null() && schema.is_none_or(|schema| schema.is_optional());
            (!is_null).then_some((&*record.topic, schema))
        }
        if self.key.needs_prepare() {
            let schemas: Vec<_> = records
                .iter()
                .filter_map(|record| announced(record, record.key_schema.as_ref(), &record.key))
                .collect();
            self.key.prepare_from_connect(&schemas).await;
        }
        if self.value.needs_prepare() {
            let schemas: Vec<_> = records
                .iter()
                .filter_map(|record| announced(record, record.value_schema.as_ref(), &record.value))
                .collect();
            self.value.prepare_from_connect(&schemas).await;
        }
    }

    /// A record from Kafka for a sink; `None` if a transform dropped it.
    pub(crate) fn convert_for_sink(
        &mut self,
        polled: PolledRecord<'_>,
    ) -> Result<Option<SinkRecord>, ConversionError> {
        let topic = polled.topic();
        let raw_headers = raw_headers(polled);
        let message = |payload| RawMessage {
            topic,
            headers: &raw_headers,
            payload,
        };
        let key_bytes = polled.key_bytes();
        let key = self
            .key
            .to_connect_data(message(key_bytes.as_ref()))
            .map_err(failed(Stage::KeyConverter, &self.key_class))?;
        let value_bytes = polled.value_bytes();
        let value = self
            .value
            .to_connect_data(message(value_bytes.as_ref()))
            .map_err(failed(Stage::ValueConverter, &self.value_class))?;
        let mut headers = Headers::with_capacity(raw_headers.len());
        for header in &raw_headers {
            let converted = self
                .header
                .to_connect_header(topic, &header.key, header.value.as_ref())
                .map_err(failed(Stage::HeaderConverter, &self.header_class))?;
            headers.push(Header {
                key: header.key.clone(),
                schema: converted.schema,
                value: converted.value,
            });
        }
        let origin = SinkOrigin {
            original_topic: topic.clone(),
            original_kafka_partition: polled.partition(),
            kafka_offset: polled.offset(),
            timestamp_type: polled.timestamp_type(),
        };
        let record = Record {
            topic: topic.clone(),
            kafka_partition: Some(polled.partition()),
            key_schema: key.schema,
            key: key.value,
            value_schema: value.schema,
            value: value.value,
            timestamp: timestamp(polled),
            headers,
        };
        let record = self.transform(record, Origin::Sink(&origin))?;
        Ok(record.map(|record| SinkRecord { record, origin }))
    }

    /// Applies the transforms; `None` if one dropped the record.
    pub(crate) fn transform(
        &mut self,
        record: Record,
        origin: Origin<'_>,
    ) -> Result<Option<Record>, ConversionError> {
        let mut record = record;
        for stage in &mut self.transforms {
            if let Some(predicate) = &mut stage.predicate {
                let holds = predicate.predicate.test(&record, origin);
                let holds = holds.map_err(|error| ConversionError {
                    predicate: Some(predicate.alias.clone()),
                    ..failed_transform(&stage.alias, &stage.class, error)
                })?;
                if holds == predicate.negate {
                    continue;
                }
            }
            match stage
                .transform
                .apply(record, origin)
                .map_err(|error| failed_transform(&stage.alias, &stage.class, error))?
            {
                Some(next) => record = next,
                None => return Ok(None),
            }
        }
        Ok(Some(record))
    }

    /// A transformed record of a source as bytes. `key_out` and `value_out` are buffers to append to;
    /// headers are converted first, so that converters may add their own.
    pub(crate) fn encode(
        &mut self,
        record: &Record,
        key_out: &mut BytesMut,
        value_out: &mut BytesMut,
    ) -> Result<EncodedRecord, ConversionError> {
        let mut headers = Vec::with_capacity(record.headers.len());
        for header in &record.headers {
            let value = self
                .header
                .from_connect_header(
                    &record.topic,
                    &header.key,
                    header.schema.as_ref(),
                    &header.value,
                )
                .map_err(failed(Stage::HeaderConverter, &self.header_class))?;
            headers.push(RawHeader {
                key: header.key.clone(),
                value,
            });
        }
        let key = self
            .key
            .from_connect_data(
                &record.topic,
                &mut headers,
                record.key_schema.as_ref(),
                &record.key,
                key_out,
            )
            .map_err(failed(Stage::KeyConverter, &self.key_class))?;
        let value = self
            .value
            .from_connect_data(
                &record.topic,
                &mut headers,
                record.value_schema.as_ref(),
                &record.value,
                value_out,
            )
            .map_err(failed(Stage::ValueConverter, &self.value_class))?;
        Ok(EncodedRecord {
            key,
            value,
            headers,
        })
    }
}

fn failed(stage: Stage, class: &str) -> impl FnOnce(ConnectError) -> ConversionError {
    move |error| ConversionError {
        stage,
        class: class.to_string(),
        transform: None,
        predicate: None,
        error,
    }
}

fn failed_transform(alias: &Arc<str>, class: &str, error: ConnectError) -> ConversionError {
    ConversionError {
        stage: Stage::Transformation,
        class: class.to_string(),
        transform: Some(alias.clone()),
        predicate: None,
        error,
    }
}

/// The timestamp of a record; Kafka says -1 where there is none.
pub(crate) fn timestamp(record: PolledRecord<'_>) -> Option<i64> {
    Some(record.timestamp_ms()).filter(|timestamp| *timestamp >= 0)
}

/// The headers of a record as they stand in Kafka.
pub(crate) fn raw_headers(record: PolledRecord<'_>) -> Vec<RawHeader> {
    record
        .headers()
        .enumerate()
        .map(|(index, header)| RawHeader {
            key: Arc::from(String::from_utf8_lossy(header.key)),
            value: record.header_value_bytes(index),
        })
        .collect()
}
