//! JSON text of schemaless values.

use bytes::Bytes;
use connect_api::data::{Map, Value};

/// The text of a value, as `JsonConverter` with `schemas.enable=false` writes it.
pub(crate) fn to_json(value: &Value) -> Bytes {
    Bytes::from(convert(value).to_string())
}

fn convert(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Boolean(value) => (*value).into(),
        Value::Float32(value) => (*value).into(),
        Value::Float64(value) => (*value).into(),
        Value::Array(items) => items.iter().map(convert).collect(),
        Value::Map(map) => serde_json::Value::Object(
            map.iter()
                .map(|(key, value)| (key.to_string(), convert(value)))
                .collect(),
        ),
        value => value
            .as_i64()
            .map_or_else(|| value.to_string().into(), Into::into),
    }
}

/// Reads a value: objects as maps, integers as 64-bit ones, fractions as doubles.
pub(crate) fn from_json(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice::<serde_json::Value>(bytes)
        .map(back)
        .map_err(|error| error.to_string())
}

fn back(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => value.into(),
        serde_json::Value::Number(number) => number
            .as_i64()
            .map_or_else(|| number.as_f64().into(), Into::into),
        serde_json::Value::String(text) => text.into(),
        serde_json::Value::Array(items) => Value::Array(items.into_iter().map(back).collect()),
        serde_json::Value::Object(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| (key, back(value)))
                .collect::<Map>(),
        ),
    }
}
