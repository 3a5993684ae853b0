//! JSON as the clients of a JVM worker see it.

use connect_api::data::{Map, Value};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::ser::{CharEscape, CompactFormatter, Formatter};
use std::io::{self, Write};

/// Compact JSON with the escapes of Jackson: upper-case hexadecimal digits, and characters beyond the
/// basic plane as two of them.
pub(crate) fn to_bytes<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Jackson);
    match value.serialize(&mut serializer) {
        Ok(()) => bytes,
        // Answers are plain structs and maps with text keys, which always serialize.
        Err(error) => format!("\"{error}\"").into_bytes(),
    }
}

struct Jackson;

impl Formatter for Jackson {
    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        match escape {
            CharEscape::AsciiControl(byte) => write!(writer, "\\u{byte:04X}"),
            escape => CompactFormatter.write_char_escape(writer, escape),
        }
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // Whole runs at once: lists of connectors are long.
        let bytes = fragment.as_bytes();
        let mut num_written = 0;
        let is_beyond = |(_, c): &(usize, char)| c.len_utf16() > 1;
        for (at, c) in fragment.char_indices().filter(is_beyond) {
            writer.write_all(&bytes[num_written..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04X}")?;
            }
            num_written = at + c.len_utf8();
        }
        writer.write_all(&bytes[num_written..])
    }
}

/// Schemaless Connect data, as offsets hold it.
pub(crate) struct DataJson<'a>(pub &'a Value);

/// A map of schemaless Connect data.
pub(crate) struct MapJson<'a>(pub &'a Map);

impl Serialize for MapJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in self.0.iter() {
            map.serialize_entry(&key.to_string(), &DataJson(value))?;
        }
        map.end()
    }
}

impl Serialize for DataJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Boolean(value) => serializer.serialize_bool(*value),
            Value::Int8(value) => serializer.serialize_i8(*value),
            Value::Int16(value) => serializer.serialize_i16(*value),
            Value::Int32(value) => serializer.serialize_i32(*value),
            Value::Int64(value) => serializer.serialize_i64(*value),
            Value::Float32(value) => serializer.serialize_f32(*value),
            Value::Float64(value) => serializer.serialize_f64(*value),
            Value::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&DataJson(item))?;
                }
                list.end()
            }
            Value::Map(map) => MapJson(map).serialize(serializer),
            other => serializer.collect_str(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_jackson_does() {
        for (text, escaped) in [
            ("a/é\u{1f}\n\"😀", r#""a/é\u001F\n\"\uD83D\uDE00""#),
            ("😀😀b€😀c", r#""\uD83D\uDE00\uD83D\uDE00b€\uD83D\uDE00c""#),
            ("", r#""""#),
        ] {
            let bytes = to_bytes(text);
            assert_eq!(String::from_utf8(bytes).expect("JSON is UTF-8"), escaped);
        }
    }
}
