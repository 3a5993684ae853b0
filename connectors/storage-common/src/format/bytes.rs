//! `ByteArrayFormat`: the bytes of values with a separator after each.

use super::{Format, RecordWriter, plain_type_name};
use crate::record::RecordRef;
use bytes::Bytes;
use connect_api::data::{SchemaRef, SchemaType, Value};
use connect_api::{ConnectError, PlainType, Result, Topic};

/// Values must be bytes; each is followed by the separator, the last one too.
#[derive(Clone, Debug)]
pub struct ByteArrayFormat {
    extension: String,
    separator: Bytes,
}

impl ByteArrayFormat {
    /// `format.bytearray.extension` and `format.bytearray.separator`, the latter as it was written.
    pub fn new(extension: impl Into<String>, separator: impl Into<Bytes>) -> Self {
        Self {
            extension: extension.into(),
            separator: separator.into(),
        }
    }
}

impl Format for ByteArrayFormat {
    fn extension(&self) -> &str {
        &self.extension
    }

    fn takes_bytes(&self) -> bool {
        true
    }

    fn new_writer(&self, _: &Topic, _: Option<&SchemaRef>) -> Result<Box<dyn RecordWriter>> {
        Ok(Box::new(ByteArrayRecordWriter {
            separator: self.separator.clone(),
            last_start: 0,
        }))
    }
}

struct ByteArrayRecordWriter {
    separator: Bytes,
    last_start: usize,
}

impl RecordWriter for ByteArrayRecordWriter {
    fn write(&mut self, record: RecordRef<'_>, out: &mut Vec<u8>) -> Result<()> {
        let bytes: &[u8] = match record {
            RecordRef::Bytes(record, PlainType::Bytes) => {
                record.value.as_deref().unwrap_or_default()
            }
            RecordRef::Bytes(_, plain_type) => {
                return Err(wrong_type(record, plain_type_name(plain_type)));
            }
            RecordRef::Row(row) => {
                if let Some(schema) = record.value_schema()
                    && schema.schema_type() != SchemaType::Bytes
                {
                    return Err(wrong_type(record, schema.schema_type().name()));
                }
                match &row.record.value {
                    Value::Bytes(bytes) => bytes,
                    Value::Null => &[],
                    other => return Err(not_bytes(record, other)),
                }
            }
        };
        self.last_start = out.len();
        out.extend_from_slice(bytes);
        out.extend_from_slice(&self.separator);
        Ok(())
    }

    fn retract(&mut self, out: &mut Vec<u8>) {
        out.truncate(self.last_start);
    }
}

const HINT: &str = "ByteArrayFormat writes bytes only: use \
    value.converter=org.apache.kafka.connect.converters.ByteArrayConverter, or another format.class";

fn wrong_type(record: RecordRef<'_>, schema_type: &str) -> ConnectError {
    ConnectError::data(format!(
        "Invalid schema type for ByteArrayConverter: {schema_type} (record {record}). {HINT}"
    ))
}

fn not_bytes(record: RecordRef<'_>, value: &Value) -> ConnectError {
    ConnectError::data(format!(
        "ByteArrayConverter is not compatible with objects of type class {} (record {record}). {HINT}",
        value.java_class().unwrap_or("null")
    ))
}
