//! `BooleanConverter`: one byte, 0 or 1.

use crate::SERIALIZATION_EXCEPTION;
use crate::config::plain_def;
use async_trait::async_trait;
use bytes::{BufMut, BytesMut};
use connect_api::config::ConfigMap;
use connect_api::data::{Schema, SchemaRef, SchemaType, Value};
use connect_api::{
    ConnectError, Converter, ConverterType, Encoded, RawHeader, RawMessage, Result, SchemaAndValue,
};

/// Booleans as one byte.
#[derive(Debug, Default)]
pub struct BooleanConverter;

crate::register!(
    "org.apache.kafka.connect.converters.BooleanConverter",
    BooleanConverter,
    plain_def
);

#[async_trait]
impl Converter for BooleanConverter {
    fn configure(&mut self, _config: &ConfigMap, _converter_type: ConverterType) -> Result<()> {
        Ok(())
    }

    fn to_connect_data(&mut self, message: RawMessage<'_>) -> Result<SchemaAndValue> {
        let value = match message.payload.map(|bytes| &bytes[..]) {
            None => Value::Null,
            Some([0]) => Value::Boolean(false),
            Some([1]) => Value::Boolean(true),
            Some(bytes) => {
                let cause = match bytes {
                    // Java prints the byte in hexadecimal, with its sign.
                    [byte] => format!(
                        "Unexpected byte received by BooleanDeserializer: {}",
                        byte.cast_signed()
                    ),
                    _ => "Size of data received by BooleanDeserializer is not 1".to_string(),
                };
                return Err(ConnectError::data("Failed to deserialize boolean: ")
                    .with_cause(ConnectError::data(cause).with_class(SERIALIZATION_EXCEPTION)));
            }
        };
        Ok(SchemaAndValue {
            schema: Some(Schema::primitive(SchemaType::Boolean, true)?),
            value,
        })
    }

    fn from_connect_data(
        &mut self,
        _topic: &str,
        _headers: &mut Vec<RawHeader>,
        schema: Option<&SchemaRef>,
        value: &Value,
        out: &mut BytesMut,
    ) -> Result<Encoded> {
        if let Some(schema) = schema
            && schema.schema_type() != SchemaType::Boolean
        {
            return Err(ConnectError::data(format!(
                "Invalid schema type for BooleanConverter: {}",
                schema.schema_type()
            )));
        }
        match value {
            Value::Null => Ok(Encoded::Null),
            Value::Boolean(value) => {
                out.put_u8(u8::from(*value));
                Ok(Encoded::Appended)
            }
            other => Err(ConnectError::data(format!(
                "BooleanConverter is not compatible with objects of type class {}",
                other.java_class().unwrap_or("null")
            ))),
        }
    }
}
