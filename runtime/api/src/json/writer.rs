//! Connect data to JSON.

use super::base64_text::write_base64;
use super::scan::find_escape;
use super::{DecimalFormat, JsonOptions};
use crate::data::{LogicalType, Map, Schema, SchemaType, Struct, Value, push_double, push_float};
use crate::error::{ConnectError, Result};
use bytes::BufMut;
use std::io::Write;

/// Appends schemaless data.
pub fn write_value(value: &Value, options: &JsonOptions, out: &mut impl BufMut) -> Result<()> {
    match value {
        Value::Array(items) => write_array(None, items, options, out),
        Value::Map(map) => write_map(None, map, options, out),
        Value::Struct(_) => Err(ConnectError::data("Mismatching schema.")),
        Value::Decimal(_) | Value::Date(_) => Err(ConnectError::data(format!(
            "Java class class {} does not have corresponding schema type.",
            value.java_class().unwrap_or("null")
        ))),
        _ => {
            write_plain(value, out);
            Ok(())
        }
    }
}

/// Appends a value of a schema; `None` is schemaless data. What was appended before an error stays.
pub fn write_with_schema(
    schema: Option<&Schema>,
    value: &Value,
    options: &JsonOptions,
    out: &mut impl BufMut,
) -> Result<()> {
    let Some(schema) = schema else {
        return write_value(value, options, out);
    };
    if value.is_null() {
        return match schema.default_value() {
            Some(default) if options.replace_null_with_default => {
                write_with_schema(Some(schema), default, options, out)
            }
            _ if schema.is_optional() => {
                out.put_slice(b"null");
                Ok(())
            }
            _ => Err(ConnectError::data(
                "Conversion error: null value for field that is required and has no default value",
            )),
        };
    }
    if let Some(logical_type) = LogicalType::of(schema) {
        return write_logical(logical_type, schema, value, options, out);
    }
    match (schema.schema_type(), value) {
        (SchemaType::Int8, Value::Int8(_))
        | (SchemaType::Int16, Value::Int16(_))
        | (SchemaType::Int32, Value::Int32(_))
        | (SchemaType::Int64, Value::Int64(_))
        | (SchemaType::Float32, Value::Float32(_))
        | (SchemaType::Float64, Value::Float64(_))
        | (SchemaType::Boolean, Value::Boolean(_))
        | (SchemaType::String, Value::String(_))
        | (SchemaType::Bytes, Value::Bytes(_)) => {
            write_plain(value, out);
            Ok(())
        }
        (SchemaType::Array, Value::Array(items)) => write_array(Some(schema), items, options, out),
        (SchemaType::Map, Value::Map(map)) => write_map(Some(schema), map, options, out),
        (SchemaType::Struct, Value::Struct(record)) => write_struct(schema, record, options, out),
        (schema_type, _) => Err(wrong_class(schema_type, value)),
    }
}

#[cold]
fn wrong_class(schema_type: SchemaType, value: &Value) -> ConnectError {
    let class = value.java_class().unwrap_or("null");
    ConnectError::data(match schema_type {
        SchemaType::Bytes => format!("Invalid type for bytes type: class {class}"),
        _ => format!("Invalid type for {schema_type}: class {class}"),
    })
}

/// A value that holds no other one.
#[inline]
fn write_plain(value: &Value, out: &mut impl BufMut) {
    match value {
        Value::Boolean(true) => out.put_slice(b"true"),
        Value::Boolean(false) => out.put_slice(b"false"),
        Value::Int8(value) => write_integer(i64::from(*value), out),
        Value::Int16(value) => write_integer(i64::from(*value), out),
        Value::Int32(value) => write_integer(i64::from(*value), out),
        Value::Int64(value) => write_integer(*value, out),
        Value::Float32(value) => write_float(*value, out),
        Value::Float64(value) => write_double(*value, out),
        Value::String(text) => write_string(text, out),
        Value::Bytes(bytes) => {
            out.put_u8(b'"');
            write_base64(bytes, out);
            out.put_u8(b'"');
        }
        _ => out.put_slice(b"null"),
    }
}

/// Appends a whole number.
#[inline]
pub fn write_integer(value: i64, out: &mut impl BufMut) {
    out.put_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a number as `Double.toString` has it; NaN and the infinities as strings.
pub fn write_double(value: f64, out: &mut impl BufMut) {
    let mut text = String::with_capacity(24);
    push_double(value, &mut text);
    write_number_text(&text, value.is_finite(), out);
}

/// Appends a number as `Float.toString` has it; NaN and the infinities as strings.
pub fn write_float(value: f32, out: &mut impl BufMut) {
    let mut text = String::with_capacity(16);
    push_float(value, &mut text);
    write_number_text(&text, value.is_finite(), out);
}

fn write_number_text(text: &str, is_finite: bool, out: &mut impl BufMut) {
    if is_finite {
        out.put_slice(text.as_bytes());
    } else {
        out.put_u8(b'"');
        out.put_slice(text.as_bytes());
        out.put_u8(b'"');
    }
}

/// Appends a string with its quotes.
#[inline]
pub fn write_string(text: &str, out: &mut impl BufMut) {
    let bytes = text.as_bytes();
    out.put_u8(b'"');
    let end = find_escape(bytes, 0);
    out.put_slice(&bytes[..end]);
    if end < bytes.len() {
        write_escaped(text, end, out);
    }
    out.put_u8(b'"');
}

/// The rest of a string from its first byte on that needs an escape.
#[cold]
fn write_escaped(text: &str, mut at: usize, out: &mut impl BufMut) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let bytes = text.as_bytes();
    while let Some(&byte) = bytes.get(at) {
        let short = match byte {
            b'"' | b'\\' => Some(byte),
            0x08 => Some(b'b'),
            0x09 => Some(b't'),
            0x0A => Some(b'n'),
            0x0C => Some(b'f'),
            0x0D => Some(b'r'),
            _ => None,
        };
        let num_bytes = match short {
            Some(letter) => {
                out.put_slice(&[b'\\', letter]);
                1
            }
            None => {
                let character = text[at..].chars().next().unwrap_or_default();
                for &unit in &*character.encode_utf16(&mut [0; 2]) {
                    let digit = |shift: u32| HEX[usize::from(unit >> shift & 0xF)];
                    out.put_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
                }
                character.len_utf8()
            }
        };
        let start = at + num_bytes;
        at = find_escape(bytes, start);
        out.put_slice(&bytes[start..at]);
    }
}

fn write_array(
    schema: Option<&Schema>,
    items: &[Value],
    options: &JsonOptions,
    out: &mut impl BufMut,
) -> Result<()> {
    let item_schema = match schema {
        Some(schema) => schema.value_schema()?.map(|schema| &**schema),
        None => None,
    };
    out.put_u8(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.put_u8(b',');
        }
        write_with_schema(item_schema, item, options, out)?;
    }
    out.put_u8(b']');
    Ok(())
}

/// An object if the keys are strings, else an array of pairs.
fn write_map(
    schema: Option<&Schema>,
    map: &Map,
    options: &JsonOptions,
    out: &mut impl BufMut,
) -> Result<()> {
    let (key_schema, value_schema, is_object) = match schema {
        None => {
            let all_strings = map.iter().all(|(key, _)| matches!(key, Value::String(_)));
            (None, None, all_strings)
        }
        Some(schema) => {
            let key_schema = schema
                .key_schema()?
                .map(|schema| &**schema)
                .ok_or_else(|| {
                    ConnectError::data("A map without a key schema can't be written as JSON")
                        .with_class("java.lang.NullPointerException")
                })?;
            (
                Some(key_schema),
                schema.value_schema()?.map(|schema| &**schema),
                key_schema.schema_type() == SchemaType::String,
            )
        }
    };
    out.put_u8(if is_object { b'{' } else { b'[' });
    for (index, (key, value)) in map.iter().enumerate() {
        if index > 0 {
            out.put_u8(b',');
        }
        if is_object {
            write_name(key_schema, key, options, out)?;
            out.put_u8(b':');
            write_with_schema(value_schema, value, options, out)?;
        } else {
            out.put_u8(b'[');
            write_with_schema(key_schema, key, options, out)?;
            out.put_u8(b',');
            write_with_schema(value_schema, value, options, out)?;
            out.put_u8(b']');
        }
    }
    out.put_u8(if is_object { b'}' } else { b']' });
    Ok(())
}

/// A key of a map whose keys are strings.
fn write_name(
    schema: Option<&Schema>,
    key: &Value,
    options: &JsonOptions,
    out: &mut impl BufMut,
) -> Result<()> {
    if let Value::String(name) = key
        && schema.is_none_or(|schema| schema.name().is_none())
    {
        write_string(name, out);
        return Ok(());
    }
    // Whatever the key's text is becomes the name, also that of null or of a logical type.
    let mut text = Vec::new();
    write_with_schema(schema, key, options, &mut text)?;
    if text.first() == Some(&b'"') {
        out.put_slice(&text);
    } else {
        write_string(&String::from_utf8_lossy(&text), out);
    }
    Ok(())
}

fn write_struct(
    schema: &Schema,
    record: &Struct,
    options: &JsonOptions,
    out: &mut impl BufMut,
) -> Result<()> {
    if !std::ptr::eq(schema, &**record.schema()) && *schema != **record.schema() {
        return Err(ConnectError::data("Mismatching schema."));
    }
    out.put_u8(b'{');
    for (index, (field, value)) in schema.fields().iter().zip(record.values()).enumerate() {
        if index > 0 {
            out.put_u8(b',');
        }
        write_string(&field.name, out);
        out.put_u8(b':');
        write_with_schema(Some(&field.schema), value, options, out)?;
    }
    out.put_u8(b'}');
    Ok(())
}

fn write_logical(
    logical_type: LogicalType,
    schema: &Schema,
    value: &Value,
    options: &JsonOptions,
    out: &mut impl BufMut,
) -> Result<()> {
    let wrong_class = |name: &str, wanted: &str| {
        ConnectError::data(format!(
            "Invalid type for {name}, expected {wanted} but was class {}",
            value.java_class().unwrap_or("null")
        ))
    };
    if logical_type == LogicalType::Decimal {
        let Value::Decimal(decimal) = value else {
            return Err(wrong_class("Decimal", "BigDecimal"));
        };
        match options.decimal_format {
            DecimalFormat::Base64 => {
                let bytes = decimal.to_logical_bytes(schema)?;
                out.put_u8(b'"');
                write_base64(&bytes, out);
                out.put_u8(b'"');
            }
            DecimalFormat::Numeric => {
                // Writing to a buffer that grows does not fail.
                let _ = write!(out.writer(), "{decimal}");
            }
        }
        return Ok(());
    }
    let Value::Date(ms) = value else {
        let name = match logical_type {
            LogicalType::Date => "Date",
            LogicalType::Time => "Time",
            _ => "Timestamp",
        };
        return Err(wrong_class(name, "Date"));
    };
    write_plain(&logical_type.date_to_number(*ms)?, out);
    Ok(())
}
