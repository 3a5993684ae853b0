//! The text of data.

use super::temporal::push_date;
use crate::data::Value;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;

/// The text of a value, from which [`parse_string`](super::parse_string) makes the same data where it
/// can. Texts stand as they are at the top and in quotes within lists, maps and structs.
pub fn convert_to_string(value: &Value) -> String {
    let mut text = String::new();
    push(value, false, &mut text);
    text
}

pub(super) fn push(value: &Value, is_embedded: bool, out: &mut String) {
    match value {
        Value::String(text) if is_embedded => push_quoted(text, out),
        Value::String(text) => out.push_str(text),
        Value::Bytes(bytes) => {
            let quote = if is_embedded { "\"" } else { "" };
            out.push_str(quote);
            STANDARD.encode_string(bytes, out);
            out.push_str(quote);
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                push_comma(index, out);
                push(item, true, out);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (index, (key, value)) in map.iter().enumerate() {
                push_comma(index, out);
                push(key, true, out);
                out.push(':');
                push(value, true, out);
            }
            out.push('}');
        }
        Value::Struct(record) => {
            out.push('{');
            for (index, field) in record.schema().fields().iter().enumerate() {
                push_comma(index, out);
                push_quoted(&field.name, out);
                out.push(':');
                push(record.get_at(index), true, out);
            }
            out.push('}');
        }
        Value::Date(ms) => push_date(*ms, out),
        Value::Null
        | Value::Boolean(_)
        | Value::Int8(_)
        | Value::Int16(_)
        | Value::Int32(_)
        | Value::Int64(_)
        | Value::Float32(_)
        | Value::Float64(_)
        | Value::Decimal(_) => {
            // Writing to a String does not fail.
            let _ = write!(out, "{value}");
        }
    }
}

fn push_comma(index: usize, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
}

fn push_quoted(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        if matches!(character, '\\' | '"') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}
