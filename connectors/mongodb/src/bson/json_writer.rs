//! BSON to MongoDB's extended JSON, in the texts of the Java driver.

use super::{format_iso, format_iso_of_java};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bson::{Bson, Document};
use connect_api::data::double_to_java_string;
use std::fmt::Write;

/// How values without a JSON type are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonMode {
    /// Numbers and dates as JSON has them where nothing is lost.
    Relaxed,
    /// The type of each value stands beside it.
    Canonical,
    /// The oldest form: integers of 64 bits and dates with their type, in MongoDB's first notation.
    Strict,
    /// As relaxed, and what has no JSON type is a plain string.
    Simplified,
}

/// A document as text, with a space after each colon and comma.
pub fn document_to_json(document: &Document, mode: JsonMode) -> String {
    let mut text = String::new();
    write_document(&mut text, document, mode);
    text
}

/// A value as text.
pub fn value_to_json(value: &Bson, mode: JsonMode) -> String {
    let mut text = String::new();
    write_value(&mut text, value, mode);
    text
}

fn write_document(text: &mut String, document: &Document, mode: JsonMode) {
    text.push('{');
    for (index, (name, value)) in document.iter().enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        write_string(text, name);
        text.push_str(": ");
        write_value(text, value, mode);
    }
    text.push('}');
}

fn write_value(text: &mut String, value: &Bson, mode: JsonMode) {
    let canonical = mode == JsonMode::Canonical;
    match value {
        Bson::Document(document) => write_document(text, document, mode),
        Bson::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                write_value(text, item, mode);
            }
            text.push(']');
        }
        Bson::String(string) => write_string(text, string),
        Bson::Boolean(value) => text.push_str(if *value { "true" } else { "false" }),
        Bson::Null => text.push_str("null"),
        Bson::Int32(number) if canonical => wrap(text, "$numberInt", &number.to_string()),
        Bson::Int32(number) => text.push_str(&number.to_string()),
        Bson::Int64(number) if canonical || mode == JsonMode::Strict => {
            wrap(text, "$numberLong", &number.to_string());
        }
        Bson::Int64(number) => text.push_str(&number.to_string()),
        Bson::Double(number) => {
            let digits = double_to_java_string(*number);
            if canonical || (mode != JsonMode::Strict && !number.is_finite()) {
                wrap(text, "$numberDouble", &digits);
            } else {
                text.push_str(&digits);
            }
        }
        Bson::Decimal128(number) if mode == JsonMode::Simplified => {
            write_string(text, &number.to_string());
        }
        Bson::Decimal128(number) => wrap(text, "$numberDecimal", &number.to_string()),
        Bson::DateTime(date) if mode == JsonMode::Strict => {
            push(
                text,
                format_args!("{{\"$date\": {}}}", date.timestamp_millis()),
            );
        }
        Bson::DateTime(date) if mode == JsonMode::Simplified => {
            write_string(text, &format_iso_of_java(date.timestamp_millis()));
        }
        Bson::DateTime(date) => {
            let ms = date.timestamp_millis();
            match format_iso(ms).filter(|_| !canonical) {
                Some(date) => wrap(text, "$date", &date),
                None => {
                    text.push_str("{\"$date\": ");
                    wrap(text, "$numberLong", &ms.to_string());
                    text.push('}');
                }
            }
        }
        Bson::ObjectId(id) if mode == JsonMode::Simplified => write_string(text, &id.to_hex()),
        Bson::ObjectId(id) => wrap(text, "$oid", &id.to_hex()),
        Bson::Binary(binary) if mode == JsonMode::Simplified => {
            text.push('"');
            STANDARD.encode_string(&binary.bytes, text);
            text.push('"');
        }
        Bson::Binary(binary) if mode == JsonMode::Strict => {
            text.push_str("{\"$binary\": \"");
            STANDARD.encode_string(&binary.bytes, text);
            push(
                text,
                format_args!("\", \"$type\": \"{:02x}\"}}", u8::from(binary.subtype)),
            );
        }
        Bson::Binary(binary) => {
            text.push_str("{\"$binary\": {\"base64\": \"");
            STANDARD.encode_string(&binary.bytes, text);
            push(
                text,
                format_args!("\", \"subType\": \"{:02x}\"}}}}", u8::from(binary.subtype)),
            );
        }
        Bson::Timestamp(timestamp) => push(
            text,
            format_args!(
                "{{\"$timestamp\": {{\"t\": {}, \"i\": {}}}}}",
                timestamp.time, timestamp.increment
            ),
        ),
        Bson::RegularExpression(regex) if mode == JsonMode::Strict => {
            text.push_str("{\"$regex\": ");
            write_string(text, regex.pattern.as_str());
            text.push_str(", \"$options\": ");
            write_string(text, regex.options.as_str());
            text.push('}');
        }
        Bson::RegularExpression(regex) => {
            text.push_str("{\"$regularExpression\": {\"pattern\": ");
            write_string(text, regex.pattern.as_str());
            text.push_str(", \"options\": ");
            write_string(text, regex.options.as_str());
            text.push_str("}}");
        }
        Bson::JavaScriptCode(code) => wrap(text, "$code", code),
        Bson::JavaScriptCodeWithScope(code) => {
            text.push_str("{\"$code\": ");
            write_string(text, &code.code);
            text.push_str(", \"$scope\": ");
            write_document(text, &code.scope, mode);
            text.push('}');
        }
        Bson::Symbol(symbol) if mode == JsonMode::Simplified => write_string(text, symbol),
        Bson::Symbol(symbol) => wrap(text, "$symbol", symbol),
        Bson::Undefined => text.push_str("{\"$undefined\": true}"),
        Bson::MaxKey => text.push_str("{\"$maxKey\": 1}"),
        Bson::MinKey => text.push_str("{\"$minKey\": 1}"),
        // Its parts are closed to us; servers have not made any for many years.
        Bson::DbPointer(pointer) => write_string(text, &format!("{pointer:?}")),
    }
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = text.write_fmt(arguments);
}

fn wrap(text: &mut String, name: &str, value: &str) {
    push(text, format_args!("{{\"{name}\": "));
    write_string(text, value);
    text.push('}');
}

fn write_string(text: &mut String, string: &str) {
    text.push('"');
    for c in string.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if is_escaped(c) => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    push(text, format_args!("\\u{unit:04x}"));
                }
            }
            c => text.push(c),
        }
    }
    text.push('"');
}

/// Characters that the Java driver does not write as they are: controls, formats, private ones, and
/// everything that takes two UTF-16 units.
fn is_escaped(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{fffe}'..='\u{ffff}' | '\u{10000}'..)
}
