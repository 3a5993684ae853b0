//! `JsonFormat`: a line of JSON for each value.

use super::{Format, RecordView, RecordWriter};
use crate::record::RecordRef;
use connect_api::data::{Map, SchemaRef, Value};
use connect_api::json::{DecimalFormat, JsonOptions, write_string, write_value, write_with_schema};
use connect_api::{ConnectError, PlainType, Result, Topic};

/// Structs as JsonConverter writes them without its envelope, everything else as plain JSON.
#[derive(Clone, Debug)]
pub struct JsonFormat {
    options: JsonOptions,
}

impl JsonFormat {
    /// `json.decimal.format`.
    pub fn new(decimal_format: DecimalFormat) -> Self {
        Self {
            options: JsonOptions {
                decimal_format,
                ..JsonOptions::default()
            },
        }
    }
}

impl Format for JsonFormat {
    fn extension(&self) -> &str {
        ".json"
    }

    /// The headers of a record are an object with one member.
    fn envelopes(&self, view: RecordView) -> bool {
        view == RecordView::Headers
    }

    fn new_writer(&self, _: &Topic, _: Option<&SchemaRef>) -> Result<Box<dyn RecordWriter>> {
        Ok(Box::new(JsonRecordWriter {
            options: self.options,
            last_start: 0,
        }))
    }
}

struct JsonRecordWriter {
    options: JsonOptions,
    last_start: usize,
}

impl JsonRecordWriter {
    /// What is no struct is written without its schema: dates are then milliseconds. Only what has no
    /// schemaless form falls back to its schema.
    fn write_plain(
        &self,
        value: &Value,
        schema: Option<&SchemaRef>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let start = out.len();
        let Err(error) = write_value(value, &self.options, out) else {
            return Ok(());
        };
        out.truncate(start);
        if write_value(&dates_as_milliseconds(value), &self.options, out).is_ok() {
            return Ok(());
        }
        out.truncate(start);
        match schema {
            Some(schema) => write_with_schema(Some(schema), value, &self.options, out),
            None => Err(error),
        }
    }

    fn write_line(&self, record: RecordRef<'_>, out: &mut Vec<u8>) -> Result<()> {
        match record {
            RecordRef::Row(row) => match (&row.record.value, &row.record.value_schema) {
                (value @ Value::Struct(_), schema) => {
                    write_with_schema(schema.as_deref(), value, &self.options, out)?;
                }
                (value, schema) => self.write_plain(value, schema.as_ref(), out)?,
            },
            RecordRef::Bytes(bytes, PlainType::String) => {
                let text = std::str::from_utf8(bytes.value.as_deref().unwrap_or_default())
                    .map_err(|_| {
                        ConnectError::data(format!("The value of record {record} is not UTF-8"))
                    })?;
                write_string(text, out);
            }
            RecordRef::Bytes(bytes, PlainType::Bytes) => {
                let value = bytes.value.clone().map_or(Value::Null, Value::Bytes);
                write_value(&value, &self.options, out)?;
            }
        }
        out.push(b'\n');
        Ok(())
    }
}

fn dates_as_milliseconds(value: &Value) -> Value {
    match value {
        Value::Date(ms) => Value::Int64(*ms),
        Value::Array(items) => Value::Array(items.iter().map(dates_as_milliseconds).collect()),
        Value::Map(map) => Value::Map(Map::with_shared_keys(
            map.shared_keys().clone(),
            map.values().iter().map(dates_as_milliseconds).collect(),
        )),
        other => other.clone(),
    }
}

impl RecordWriter for JsonRecordWriter {
    fn write(&mut self, record: RecordRef<'_>, out: &mut Vec<u8>) -> Result<()> {
        self.last_start = out.len();
        self.write_line(record, out)
            .inspect_err(|_| out.truncate(self.last_start))
    }

    fn retract(&mut self, out: &mut Vec<u8>) {
        out.truncate(self.last_start);
    }
}
