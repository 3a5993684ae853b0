//! The converters of numbers: big-endian, of fixed width.

use crate::SERIALIZATION_EXCEPTION;
use crate::config::plain_def;
use async_trait::async_trait;
use bytes::BytesMut;
use connect_api::config::ConfigMap;
use connect_api::data::{Schema, SchemaRef, SchemaType, Value};
use connect_api::{
    ConnectError, Converter, ConverterType, Encoded, RawHeader, RawMessage, Result, SchemaAndValue,
};

macro_rules! number_converter {
    ($name:ident, $class:literal, $variant:ident, $number:ty, $word:literal, $java:literal, $deserializer:literal) => {
        #[doc = concat!("`", $word, "` as big-endian bytes. The schema of values does not matter.")]
        #[derive(Debug, Default)]
        pub struct $name;

        crate::register!($class, $name, plain_def);

        #[async_trait]
        impl Converter for $name {
            fn configure(
                &mut self,
                _config: &ConfigMap,
                _converter_type: ConverterType,
            ) -> Result<()> {
                Ok(())
            }

            fn to_connect_data(&mut self, message: RawMessage<'_>) -> Result<SchemaAndValue> {
                let value = match message.payload {
                    None => Value::Null,
                    Some(bytes) => match <[u8; size_of::<$number>()]>::try_from(&bytes[..]) {
                        Ok(bytes) => Value::$variant(<$number>::from_be_bytes(bytes)),
                        Err(_) => {
                            return Err(wrong_size($word, $deserializer, size_of::<$number>()));
                        }
                    },
                };
                Ok(SchemaAndValue {
                    schema: Some(Schema::primitive(SchemaType::$variant, true)?),
                    value,
                })
            }

            fn from_connect_data(
                &mut self,
                _topic: &str,
                _headers: &mut Vec<RawHeader>,
                _schema: Option<&SchemaRef>,
                value: &Value,
                out: &mut BytesMut,
            ) -> Result<Encoded> {
                match value {
                    Value::Null => Ok(Encoded::Null),
                    Value::$variant(number) => {
                        out.extend_from_slice(&number.to_be_bytes());
                        Ok(Encoded::Appended)
                    }
                    other => Err(wrong_class($word, $java, other)),
                }
            }
        }
    };
}

number_converter!(
    ShortConverter,
    "org.apache.kafka.connect.converters.ShortConverter",
    Int16,
    i16,
    "short",
    "java.lang.Short",
    "ShortDeserializer"
);
number_converter!(
    IntegerConverter,
    "org.apache.kafka.connect.converters.IntegerConverter",
    Int32,
    i32,
    "integer",
    "java.lang.Integer",
    "IntegerDeserializer"
);
number_converter!(
    LongConverter,
    "org.apache.kafka.connect.converters.LongConverter",
    Int64,
    i64,
    "long",
    "java.lang.Long",
    "LongDeserializer"
);
number_converter!(
    FloatConverter,
    "org.apache.kafka.connect.converters.FloatConverter",
    Float32,
    f32,
    "float",
    "java.lang.Float",
    "Deserializer"
);
number_converter!(
    DoubleConverter,
    "org.apache.kafka.connect.converters.DoubleConverter",
    Float64,
    f64,
    "double",
    "java.lang.Double",
    "Deserializer"
);

#[cold]
fn wrong_size(word: &str, deserializer: &str, num_bytes: usize) -> ConnectError {
    ConnectError::data(format!("Failed to deserialize {word}: ")).with_cause(
        ConnectError::data(format!(
            "Size of data received by {deserializer} is not {num_bytes}"
        ))
        .with_class(SERIALIZATION_EXCEPTION),
    )
}

#[cold]
fn wrong_class(word: &str, java: &str, value: &Value) -> ConnectError {
    let class = value.java_class().unwrap_or("null");
    ConnectError::data(format!(
        "Failed to serialize to {word} (was class {class}): "
    ))
    .with_cause(
        ConnectError::data(format!("class {class} cannot be cast to class {java}"))
            .with_class("java.lang.ClassCastException"),
    )
}
