//! Keys and values of records to BSON documents.

use super::{document_from_bytes, parse_document, to_decimal128};
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Document};
use connect_api::data::{LogicalType, Map, Schema, SchemaType, Struct, Value};
use connect_api::{ConnectError, Result};

/// How deep values may be nested: more than a server takes.
const MAX_DEPTH: usize = 200;

/// Makes a document of the key or value of a record: structs, maps, extended JSON as text, BSON as
/// bytes. Null and other types are refused.
pub fn to_document(value: &Value) -> Result<Document> {
    match value {
        Value::Struct(record) => from_struct(record, 0),
        Value::Map(map) => from_map(map, 0),
        Value::String(text) => parse_document(text),
        Value::Bytes(bytes) => document_from_bytes(bytes),
        other => Err(ConnectError::data(format!(
            "No converter present due to unexpected object type: {}",
            other.java_class().unwrap_or("null")
        ))),
    }
}

fn from_struct(record: &Struct, depth: usize) -> Result<Document> {
    check_depth(depth)?;
    let mut document = Document::new();
    for field in record.schema().fields() {
        let value = record.get_at(field.index);
        let converted = match value {
            Value::Null => Bson::Null,
            value => field_value(&field.schema, value, depth).map_err(|error| {
                // Logical types stand outside of Java's try block.
                if LogicalType::of(&field.schema).is_some() {
                    return error;
                }
                ConnectError::data(format!("error while processing field {}", field.name))
                    .with_cause(error)
            })?,
        };
        document.insert(field.name.as_ref(), converted);
    }
    Ok(document)
}

fn field_value(schema: &Schema, value: &Value, depth: usize) -> Result<Bson> {
    if value.is_null() {
        return match (schema.is_optional(), schema.default_value()) {
            _ if !schema.schema_type().is_primitive() => Ok(Bson::Null),
            (false, _) => Err(ConnectError::data("Schema not optional but data was null")),
            (true, Some(default)) => primitive(schema, default),
            (true, None) => Ok(Bson::Null),
        };
    }
    match (schema.schema_type(), value) {
        (SchemaType::Struct, Value::Struct(record)) => {
            from_struct(record, depth + 1).map(Bson::Document)
        }
        (SchemaType::Map, Value::Map(map)) => typed_map(schema, map, depth + 1).map(Bson::Document),
        (SchemaType::Array, Value::Array(items)) => typed_array(schema, items, depth + 1),
        _ => primitive(schema, value),
    }
}

fn typed_map(schema: &Schema, map: &Map, depth: usize) -> Result<Document> {
    check_depth(depth)?;
    let mut document = Document::new();
    for (key, value) in map.iter() {
        let key = map_key(key)?;
        let converted = match schema.value_schema()? {
            Some(value_schema) => field_value(value_schema, value, depth)?,
            None => untyped(value, depth)?,
        };
        document.insert(key, converted);
    }
    Ok(document)
}

fn typed_array(schema: &Schema, items: &[Value], depth: usize) -> Result<Bson> {
    check_depth(depth)?;
    let item_schema = schema.value_schema()?;
    items
        .iter()
        .map(|item| match (item_schema, item) {
            (_, Value::Null) => Ok(Bson::Null),
            (Some(item_schema), item) => field_value(item_schema, item, depth),
            (None, item) => untyped(item, depth),
        })
        .collect::<Result<Vec<_>>>()
        .map(Bson::Array)
}

fn primitive(schema: &Schema, value: &Value) -> Result<Bson> {
    Ok(match value {
        Value::Boolean(value) => Bson::Boolean(*value),
        Value::Int8(number) => Bson::Int32((*number).into()),
        Value::Int16(number) => Bson::Int32((*number).into()),
        Value::Int32(number) => Bson::Int32(*number),
        Value::Int64(number) => Bson::Int64(*number),
        Value::Float32(number) => Bson::Double((*number).into()),
        Value::Float64(number) => Bson::Double(*number),
        Value::String(text) => Bson::String(text.to_string()),
        Value::Bytes(bytes) => binary(bytes),
        Value::Decimal(decimal) => Bson::Decimal128(to_decimal128(decimal)?),
        Value::Date(ms) => Bson::DateTime(DateTime::from_millis(*ms)),
        other => {
            return Err(ConnectError::data(format!(
                "A value of type {} does not fit its schema {schema}",
                other.java_class().unwrap_or("null")
            )));
        }
    })
}

fn binary(bytes: &[u8]) -> Bson {
    Bson::Binary(Binary {
        subtype: BinarySubtype::Generic,
        bytes: bytes.to_vec(),
    })
}

fn from_map(map: &Map, depth: usize) -> Result<Document> {
    check_depth(depth)?;
    let mut document = Document::new();
    for (key, value) in map.iter() {
        document.insert(map_key(key)?, untyped(value, depth)?);
    }
    Ok(document)
}

/// A value without a schema: its class decides.
fn untyped(value: &Value, depth: usize) -> Result<Bson> {
    Ok(match value {
        Value::Null => Bson::Null,
        Value::Map(map) => Bson::Document(from_map(map, depth + 1)?),
        Value::Array(items) => {
            check_depth(depth + 1)?;
            Bson::Array(
                items
                    .iter()
                    .map(|item| untyped(item, depth + 1))
                    .collect::<Result<_>>()?,
            )
        }
        Value::Struct(_) => {
            return Err(ConnectError::data(
                "Can't find a codec for CodecCacheKey{clazz=class \
                 org.apache.kafka.connect.data.Struct, types=null}.",
            )
            .with_class("org.bson.codecs.configuration.CodecConfigurationException"));
        }
        other => primitive(&Schema::string(), other)?,
    })
}

fn map_key(key: &Value) -> Result<&str> {
    key.as_str().ok_or_else(|| {
        ConnectError::data(format!(
            "class {} cannot be cast to class java.lang.String",
            key.java_class().unwrap_or("null")
        ))
        .with_class("java.lang.ClassCastException")
    })
}

fn check_depth(depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(ConnectError::data(format!(
            "The value is nested more than {MAX_DEPTH} levels deep, which no server takes"
        )));
    }
    Ok(())
}
