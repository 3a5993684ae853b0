//! `ByteArrayConverter`: bytes as they are.

use crate::config::plain_def;
use async_trait::async_trait;
use bytes::BytesMut;
use connect_api::config::ConfigMap;
use connect_api::data::{Schema, SchemaRef, SchemaType, Value};
use connect_api::{
    ConnectError, Converter, ConverterType, Encoded, PlainType, RawHeader, RawMessage, Result,
    SchemaAndValue,
};

/// Bytes as they are; nothing is copied.
#[derive(Debug, Default)]
pub struct ByteArrayConverter;

crate::register!(
    "org.apache.kafka.connect.converters.ByteArrayConverter",
    ByteArrayConverter,
    plain_def
);

#[async_trait]
impl Converter for ByteArrayConverter {
    fn configure(&mut self, _config: &ConfigMap, _converter_type: ConverterType) -> Result<()> {
        Ok(())
    }

    fn to_connect_data(&mut self, message: RawMessage<'_>) -> Result<SchemaAndValue> {
        Ok(SchemaAndValue {
            schema: Some(Schema::optional_bytes()),
            value: message.payload.cloned().into(),
        })
    }

    fn from_connect_data(
        &mut self,
        _topic: &str,
        _headers: &mut Vec<RawHeader>,
        schema: Option<&SchemaRef>,
        value: &Value,
        _out: &mut BytesMut,
    ) -> Result<Encoded> {
        if let Some(schema) = schema
            && schema.schema_type() != SchemaType::Bytes
        {
            return Err(ConnectError::data(format!(
                "Invalid schema type for ByteArrayConverter: {}",
                schema.schema_type()
            )));
        }
        match value {
            Value::Null => Ok(Encoded::Null),
            Value::Bytes(bytes) => Ok(Encoded::Shared(bytes.clone())),
            other => Err(ConnectError::data(format!(
                "ByteArrayConverter is not compatible with objects of type class {}",
                other.java_class().unwrap_or("null")
            ))),
        }
    }

    fn plain_type(&self) -> Option<PlainType> {
        Some(PlainType::Bytes)
    }
}
