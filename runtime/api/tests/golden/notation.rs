//! The notation of the golden files that `tests/java/ConvertersGolden.java` prints: values with their
//! classes, and schemas with all their attributes.

// Each test crate that includes this file uses a part of it.
#![allow(dead_code)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use connect_api::ConnectError;
use connect_api::data::{Decimal, Map, Schema, SchemaRef, SchemaType, Struct, Value};
use serde_json::Value as Json;

/// The lines of a golden file.
pub fn lines(text: &str) -> impl Iterator<Item = Json> + '_ {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
}

/// Bytes in Base64.
pub fn base64(json: &Json) -> Vec<u8> {
    STANDARD.decode(json.as_str().unwrap()).unwrap()
}

/// Bytes that are a text, or Base64 where they are none; `None` for null.
pub fn bytes(json: &Json) -> Option<Vec<u8>> {
    match json {
        Json::Null => None,
        Json::String(text) => Some(text.as_bytes().to_vec()),
        other => Some(base64(&other["bytes"])),
    }
}

fn decimal(json: &Json) -> Decimal {
    Decimal {
        unscaled: json[0].as_str().unwrap().parse().unwrap(),
        scale: json[1].as_i64().unwrap() as i32,
    }
}

/// A schema for structs where the case has none that fits.
fn unlike_any_other(num_fields: usize) -> SchemaRef {
    (0..num_fields)
        .fold(Schema::struct_builder(), |builder, index| {
            builder.field(format!("unlike{index}"), Schema::optional_string())
        })
        .build()
        .unwrap()
}

/// The value of a notation; structs take their schema from the given one.
pub fn value(json: &Json, schema: Option<&SchemaRef>) -> Value {
    let object = match json {
        Json::Null => return Value::Null,
        Json::Bool(value) => return Value::Boolean(*value),
        Json::String(text) => return Value::from(text.as_str()),
        Json::Array(items) => {
            let item_schema = schema.and_then(|schema| schema.value_schema().ok().flatten());
            return Value::Array(items.iter().map(|item| value(item, item_schema)).collect());
        }
        Json::Object(object) => object,
        Json::Number(_) => panic!("a number without its class: {json}"),
    };
    let (class, json) = object.iter().next().unwrap();
    match class.as_str() {
        "i8" => Value::Int8(json.as_i64().unwrap() as i8),
        "i16" => Value::Int16(json.as_i64().unwrap() as i16),
        "i32" => Value::Int32(json.as_i64().unwrap() as i32),
        "i64" => Value::Int64(json.as_i64().unwrap()),
        "f32" => Value::Float32(f32::from_bits(json.as_u64().unwrap() as u32)),
        "f64" => Value::Float64(f64::from_bits(json.as_u64().unwrap())),
        "bytes" => Value::Bytes(base64(json).into()),
        "decimal" => Value::from(decimal(json)),
        "date" => Value::Date(json.as_i64().unwrap()),
        "map" => {
            let key_schema = schema.and_then(|schema| schema.key_schema().ok().flatten());
            let value_schema = schema.and_then(|schema| schema.value_schema().ok().flatten());
            let entries = json.as_array().unwrap().iter();
            Value::Map(
                entries
                    .map(|entry| (value(&entry[0], key_schema), value(&entry[1], value_schema)))
                    .collect::<Map>(),
            )
        }
        "struct" => {
            let num_fields = json.as_array().unwrap().len();
            let schema = match schema {
                Some(schema) if schema.fields().len() == num_fields => schema.clone(),
                _ => unlike_any_other(num_fields),
            };
            let values = json.as_array().unwrap().iter().zip(schema.fields());
            Value::from(Struct::from_values(
                schema.clone(),
                values
                    .map(|(json, field)| value(json, Some(&field.schema)))
                    .collect(),
            ))
        }
        other => panic!("unknown class {other}"),
    }
}

/// The notation of a value. Map entries come in their order.
pub fn value_text(value: &Value) -> Json {
    use serde_json::json;
    match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => json!(value),
        Value::Int8(value) => json!({ "i8": value }),
        Value::Int16(value) => json!({ "i16": value }),
        Value::Int32(value) => json!({ "i32": value }),
        Value::Int64(value) => json!({ "i64": value }),
        Value::Float32(value) => json!({ "f32": value.to_bits() }),
        Value::Float64(value) => json!({ "f64": value.to_bits() }),
        Value::String(text) => json!(&**text),
        Value::Bytes(bytes) => json!({ "bytes": STANDARD.encode(bytes) }),
        Value::Decimal(decimal) => {
            json!({ "decimal": [decimal.unscaled.to_string(), decimal.scale] })
        }
        Value::Date(ms) => json!({ "date": ms }),
        Value::Array(items) => Json::Array(items.iter().map(value_text).collect()),
        Value::Map(map) => {
            let entries = map
                .iter()
                .map(|(key, value)| json!([value_text(key), value_text(value)]));
            json!({ "map": entries.collect::<Vec<Json>>() })
        }
        Value::Struct(record) => {
            json!({ "struct": record.values().iter().map(value_text).collect::<Vec<Json>>() })
        }
    }
}

/// The notation of a schema.
pub fn schema_text(schema: Option<&Schema>) -> String {
    let Some(schema) = schema else {
        return "null".to_string();
    };
    let mut text = schema.schema_type().to_string();
    if schema.is_optional() {
        text.push('?');
    }
    let inner = |schema: connect_api::Result<Option<&SchemaRef>>| {
        schema_text(schema.unwrap().map(|schema| &**schema))
    };
    match schema.schema_type() {
        SchemaType::Array => text += &format!("<{}>", inner(schema.value_schema())),
        SchemaType::Map => {
            text += &format!(
                "<{},{}>",
                inner(schema.key_schema()),
                inner(schema.value_schema())
            );
        }
        SchemaType::Struct => {
            text.push('{');
            for field in schema.fields() {
                text += &format!("{}:{};", field.name, schema_text(Some(&field.schema)));
            }
            text.push('}');
        }
        _ => {}
    }
    if let Some(name) = schema.name() {
        text += &format!(" name={name}");
    }
    if let Some(version) = schema.version() {
        text += &format!(" version={version}");
    }
    if let Some(doc) = schema.doc() {
        text += &format!(" doc={doc}");
    }
    for (name, value) in schema.parameters() {
        text += &format!(" {name}={value}");
    }
    if let Some(default) = schema.default_value() {
        // As the generator prints it: other characters than those of ASCII are escaped.
        text += " default=";
        for character in value_text(default).to_string().chars() {
            if character.is_ascii() {
                text.push(character);
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    text += &format!("\\u{unit:04x}");
                }
            }
        }
    }
    text
}

/// An error and its causes, as `Throwable.toString()` prints each.
pub fn error_text(error: &ConnectError) -> Vec<String> {
    let mut chain = vec![error.to_java_string()];
    let mut cause = error.cause();
    while let Some(error) = cause {
        chain.push(error.to_java_string());
        cause = error.cause();
    }
    chain
}
