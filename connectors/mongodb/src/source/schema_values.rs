//! Documents as values of a schema.

use crate::bson::{JsonMode, bson_type_name, document_to_json, from_decimal128, value_to_json};
use bson::{Bson, Document};
use connect_api::data::values::convert_to;
use connect_api::data::{LogicalType, Map, Schema, SchemaRef, SchemaType, Struct, Value};
use connect_api::{ConnectError, Result};

/// Makes a value that fits a schema; `json` is the notation of values that become strings.
pub fn value_of(schema: &SchemaRef, value: &Bson, json: JsonMode) -> Result<Value> {
    if schema.is_optional() && matches!(value, Bson::Null) {
        return Ok(Value::Null);
    }
    match schema.schema_type() {
        SchemaType::Boolean => match value {
            Bson::Boolean(value) => Ok(Value::Boolean(*value)),
            other => Err(unexpected(schema, other)),
        },
        SchemaType::String => Ok(Value::from(text_of(value, json))),
        SchemaType::Bytes => bytes_of(schema, value),
        SchemaType::Array => match (value, schema.value_schema()?) {
            (Bson::Array(items), Some(item_schema)) => items
                .iter()
                .map(|item| value_of(item_schema, item, json))
                .collect::<Result<Vec<_>>>()
                .map(Value::Array),
            (other, _) => Err(unexpected(schema, other)),
        },
        SchemaType::Map => match (value, schema.value_schema()?) {
            (Bson::Document(document), Some(value_schema)) => document
                .iter()
                .map(|(name, value)| {
                    Ok((
                        Value::string(name.as_str()),
                        value_of(value_schema, value, json)?,
                    ))
                })
                .collect::<Result<Map>>()
                .map(Value::Map),
            (other, _) => Err(unexpected(schema, other)),
        },
        SchemaType::Struct => match value {
            Bson::Document(document) => struct_of(schema, document, json),
            other => Err(unexpected(schema, other)),
        },
        _ => number_of(schema, value),
    }
}

fn struct_of(schema: &SchemaRef, document: &Document, json: JsonMode) -> Result<Value> {
    let mut record = Struct::new(schema.clone())?;
    for field in schema.fields() {
        let value = match look_up(document, &field.name) {
            Some(value) => value_of(&field.schema, value, json)?,
            None => match field.schema.default_value() {
                Some(default) => default.clone(),
                None if field.schema.is_optional() => Value::Null,
                None => {
                    return Err(ConnectError::data(format!(
                        "Missing field '{}' in: '{}'",
                        field.name,
                        document_to_json(document, json)
                    )));
                }
            },
        };
        record.put(&field.name, value)?;
    }
    Ok(Value::Struct(Box::new(record)))
}

/// The value of a path: a field of that name, or parts of it as documents within documents.
fn look_up<'d>(mut document: &'d Document, mut path: &str) -> Option<&'d Bson> {
    loop {
        if let Some(value) = document.get(path) {
            return Some(value);
        }
        let (first, rest) = path.split_once('.').filter(|_| !path.ends_with('.'))?;
        document = document.get(first)?.as_document()?;
        path = rest;
    }
}

fn number_of(schema: &SchemaRef, value: &Bson) -> Result<Value> {
    let number = match value {
        Bson::Int32(number) => Value::Int32(*number),
        Bson::Int64(number) => Value::Int64(*number),
        Bson::Double(number) => Value::Float64(*number),
        Bson::Timestamp(timestamp) => Value::Int64(i64::from(timestamp.time) * 1000),
        Bson::DateTime(date) => Value::Int64(date.timestamp_millis()),
        other => return Err(unexpected(schema, other)),
    };
    convert_to(schema, None, number)
}

fn bytes_of(schema: &Schema, value: &Bson) -> Result<Value> {
    Ok(match value {
        Bson::String(text) => Value::Bytes(text.clone().into_bytes().into()),
        Bson::Binary(binary) => Value::Bytes(binary.bytes.clone().into()),
        Bson::Document(document) => Value::Bytes(document_to_bytes(document)?.into()),
        Bson::Decimal128(decimal) if LogicalType::of(schema) == Some(LogicalType::Decimal) => {
            Value::from(from_decimal128(*decimal)?)
        }
        other => return Err(unexpected(schema, other)),
    })
}

/// A document as BSON.
pub fn document_to_bytes(document: &Document) -> Result<Vec<u8>> {
    document
        .to_vec()
        .map_err(|error| ConnectError::data(format!("The document is no BSON: {error}")))
}

fn text_of(value: &Bson, json: JsonMode) -> String {
    match value {
        Bson::String(text) => text.clone(),
        Bson::Document(document) => document_to_json(document, json),
        other => {
            let text = value_to_json(other, json);
            match text
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'))
            {
                Some(unquoted) => unquoted.to_string(),
                None => text,
            }
        }
    }
}

fn unexpected(schema: &Schema, value: &Bson) -> ConnectError {
    ConnectError::data(format!(
        "Schema type of {} but value was of type: {}",
        schema.schema_type().name().to_lowercase(),
        bson_type_name(value).to_lowercase()
    ))
}
