//! Converters: bytes in Kafka to and from Connect data.

#![allow(
    clippy::wrong_self_convention,
    reason = "toConnectData and fromConnectData are Connect's names"
)]

use crate::config::ConfigMap;
use crate::data::{SchemaRef, Value};
use crate::error::Result;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use std::sync::Arc;

/// A value with its schema, as `SchemaAndValue` in Java.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaAndValue {
    /// The schema; `None` for schemaless data.
    pub schema: Option<SchemaRef>,
    /// The value.
    pub value: Value,
}

impl SchemaAndValue {
    /// No schema and no value.
    pub const NULL: Self = Self {
        schema: None,
        value: Value::Null,
    };
}

/// What a converter instance is for; it comes to the converter as `converter.type` in Java.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConverterType {
    /// Record keys.
    Key,
    /// Record values.
    Value,
    /// Header values.
    Header,
}

impl ConverterType {
    /// `key`, `value` or `header`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Value => "value",
            Self::Header => "header",
        }
    }
}

/// A header as Kafka stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawHeader {
    /// The key.
    pub key: Arc<str>,
    /// The value; `None` is Kafka's null.
    pub value: Option<Bytes>,
}

/// The bytes of one key or value with what a converter may look at besides.
#[derive(Clone, Copy, Debug)]
pub struct RawMessage<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The headers of the record.
    pub headers: &'a [RawHeader],
    /// The bytes; `None` is Kafka's null.
    pub payload: Option<&'a Bytes>,
}

/// What [`Converter::from_connect_data`] made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encoded {
    /// Kafka's null: a tombstone as a value.
    Null,
    /// The bytes were appended to the buffer that was handed in.
    Appended,
    /// The bytes stand in a buffer already: nothing was copied.
    Shared(Bytes),
}

/// Data whose bytes in Kafka are the value itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlainType {
    /// UTF-8 text with the schema `STRING` (optional on the way in).
    String,
    /// Bytes with the schema `BYTES` (optional on the way in).
    Bytes,
}

/// Bytes to and from Connect data.
///
/// Each task makes its own instances, one for keys and one for values, and calls them from one place
/// at a time; an instance may keep caches without locks.
///
/// Order of calls: `configure` once; then any number of conversions, each batch of which is announced
/// by a `prepare_*` call if [`Converter::needs_prepare`] says so.
///
/// Errors: a [`Data`](crate::ErrorKind::Data) or [`Retriable`](crate::ErrorKind::Retriable) error
/// belongs to the one record, and `errors.tolerance` and `errors.retry.timeout` decide about it.
#[async_trait]
pub trait Converter: Send {
    /// Takes the settings below `key.converter.` or `value.converter.`, without the prefix.
    /// A [`Config`](crate::ErrorKind::Config) error fails the task.
    fn configure(&mut self, config: &ConfigMap, converter_type: ConverterType) -> Result<()>;

    /// Whether the `prepare_*` methods do anything.
    fn needs_prepare(&self) -> bool {
        false
    }

    /// Resolves what the conversion of these messages needs from the network (schema ids), each id
    /// once. It never fails a batch: what could not be resolved is remembered, and the conversion of
    /// each record that needs it returns that error.
    async fn prepare_to_connect(&mut self, _messages: &[RawMessage<'_>]) {}

    /// Resolves what the encoding of values with these (topic, schema) pairs needs from the network.
    /// The same rule for failures holds.
    async fn prepare_from_connect(&mut self, _schemas: &[(&str, Option<&SchemaRef>)]) {}

    /// Bytes to Connect data.
    fn to_connect_data(&mut self, message: RawMessage<'_>) -> Result<SchemaAndValue>;

    /// Connect data to bytes, appended to `out`, which may hold other data already. Headers of the
    /// record may be added (KIP-440). After an error `out` is truncated by the caller.
    fn from_connect_data(
        &mut self,
        topic: &str,
        headers: &mut Vec<RawHeader>,
        schema: Option<&SchemaRef>,
        value: &Value,
        out: &mut BytesMut,
    ) -> Result<Encoded>;

    /// `Some` if the bytes in Kafka are the value itself, so that batches can pass as
    /// [`Form::Bytes`](crate::Form::Bytes).
    fn plain_type(&self) -> Option<PlainType> {
        None
    }
}

/// Header values to and from bytes.
pub trait HeaderConverter: Send {
    /// Takes the settings below `header.converter.`, without the prefix.
    fn configure(&mut self, config: &ConfigMap, converter_type: ConverterType) -> Result<()>;

    /// Bytes of the header `key` to Connect data.
    fn to_connect_header(
        &mut self,
        topic: &str,
        key: &str,
        value: Option<&Bytes>,
    ) -> Result<SchemaAndValue>;

    /// Connect data to the bytes of the header `key`.
    fn from_connect_header(
        &mut self,
        topic: &str,
        key: &str,
        schema: Option<&SchemaRef>,
        value: &Value,
    ) -> Result<Option<Bytes>>;
}
