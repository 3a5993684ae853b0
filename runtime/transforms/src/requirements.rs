//! What transforms require of the data that they get, with Kafka's words when it is not so.

use connect_api::data::{Map, SchemaRef, Struct, Value};
use connect_api::{ConnectError, Result};

/// The class of a value in messages.
fn class_name(value: &Value) -> &'static str {
    value.java_class().unwrap_or("null")
}

#[cold]
fn no_map(value: &Value, purpose: &str) -> ConnectError {
    ConnectError::data(format!(
        "Only Map objects supported in absence of schema for [{purpose}], found: {}",
        class_name(value)
    ))
}

#[cold]
fn no_struct(value: &Value, purpose: &str) -> ConnectError {
    ConnectError::data(format!(
        "Only Struct objects supported for [{purpose}], found: {}",
        class_name(value)
    ))
}

/// The map, to be read.
pub(crate) fn require_map<'a>(value: &'a Value, purpose: &str) -> Result<&'a Map> {
    match value {
        Value::Map(map) => Ok(map),
        other => Err(no_map(other, purpose)),
    }
}

/// The map, to be changed.
pub(crate) fn require_map_mut<'a>(value: &'a mut Value, purpose: &str) -> Result<&'a mut Map> {
    match value {
        Value::Map(map) => Ok(map),
        other => Err(no_map(other, purpose)),
    }
}

/// The struct, to be read.
pub(crate) fn require_struct<'a>(value: &'a Value, purpose: &str) -> Result<&'a Struct> {
    match value {
        Value::Struct(record) => Ok(record),
        other => Err(no_struct(other, purpose)),
    }
}

/// The struct, to be changed.
pub(crate) fn require_struct_mut<'a>(
    value: &'a mut Value,
    purpose: &str,
) -> Result<&'a mut Struct> {
    match value {
        Value::Struct(record) => Ok(record),
        other => Err(no_struct(other, purpose)),
    }
}

/// The schema of a record's half.
pub(crate) fn require_schema<'a>(
    schema: Option<&'a SchemaRef>,
    purpose: &str,
) -> Result<&'a SchemaRef> {
    schema.ok_or_else(|| ConnectError::data(format!("Schema required for [{purpose}]")))
}

/// `java.lang.ClassCastException`, where Java finds out late that a value is of another class.
#[cold]
pub(crate) fn class_cast(value: &Value, wanted: &str) -> ConnectError {
    ConnectError::data(format!(
        "class {} cannot be cast to class {wanted}",
        class_name(value)
    ))
    .with_class("java.lang.ClassCastException")
}

/// The text of a map's key; null is a key like others.
pub(crate) fn require_string_key(key: &Value) -> Result<Option<&str>> {
    match key {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        other => Err(class_cast(other, "java.lang.String")),
    }
}
