//! Folders by the fields of values, and by fields and time together.

use super::{Partitioner, TimeBasedPartitioner};
use crate::record::RecordRef;
use crate::timestamp::PARTITION_EXCEPTION;
use connect_api::data::{SchemaType, Struct, Value};
use connect_api::{Clock, ConnectError, Result};
use std::fmt::Write;
use std::sync::Arc;

/// The settings of a partitioner by fields.
#[derive(Clone, Debug)]
pub struct FieldSettings {
    /// `partition.field.name`; a dot leads into structs.
    pub fields: Vec<String>,
    /// `directory.delim`.
    pub delim: String,
}

impl FieldSettings {
    /// Appends `field=value` for each field, with the delimiter between them.
    fn encode(&self, record: RecordRef<'_>, out: &mut String) -> Result<()> {
        let Some(Value::Struct(value)) = record.value() else {
            return Err(refused(record, "The value is no struct"));
        };
        for (index, field) in self.fields.iter().enumerate() {
            if index > 0 {
                out.push_str(&self.delim);
            }
            out.push_str(field);
            out.push('=');
            encode_field(value, field, record, out)?;
        }
        Ok(())
    }
}

fn encode_field(value: &Struct, path: &str, record: RecordRef<'_>, out: &mut String) -> Result<()> {
    let mut schema = value.schema();
    let mut current = Some(value);
    let mut names = path.split('.').peekable();
    while let Some(name) = names.next() {
        let Some(field) = schema.field(name) else {
            return Err(ConnectError::data(format!(
                "Field '{path}' is not present in the schema. (record {record})"
            )));
        };
        schema = &field.schema;
        // Below a struct that is null every field is null.
        let found = current.map_or(&Value::Null, |current| current.get_at(field.index));
        if names.peek().is_some() {
            current = match found {
                Value::Struct(inner) => Some(&**inner),
                _ => None,
            };
            continue;
        }
        return match (schema.schema_type(), found) {
            (_, Value::Null) => {
                out.push_str("null");
                Ok(())
            }
            (
                SchemaType::Int8 | SchemaType::Int16 | SchemaType::Int32 | SchemaType::Int64,
                value,
            ) if value.as_i64().is_some() => {
                // Writing to a String does not fail.
                let _ = write!(out, "{}", value.as_i64().unwrap_or_default());
                Ok(())
            }
            (SchemaType::String, Value::String(text)) => {
                out.push_str(text);
                Ok(())
            }
            (SchemaType::Boolean, Value::Boolean(value)) => {
                out.push_str(if *value { "true" } else { "false" });
                Ok(())
            }
            (schema_type, _) => Err(refused(
                record,
                &format!("Type {schema_type} of field {path} is not supported as a partition key"),
            )),
        };
    }
    Ok(())
}

fn refused(record: RecordRef<'_>, why: &str) -> ConnectError {
    ConnectError::data(format!("Error encoding partition. {why} (record {record})"))
        .with_class(PARTITION_EXCEPTION)
}

/// `FieldPartitioner`: `field=value` for each field.
pub struct FieldPartitioner {
    settings: Arc<FieldSettings>,
    text: String,
    last: Option<Arc<str>>,
}

impl FieldPartitioner {
    /// A partitioner for one Kafka partition.
    pub fn new(settings: Arc<FieldSettings>) -> Self {
        Self {
            settings,
            text: String::new(),
            last: None,
        }
    }
}

impl Partitioner for FieldPartitioner {
    fn encode(&mut self, record: RecordRef<'_>, _timestamp_ms: Option<i64>) -> Result<Arc<str>> {
        self.text.clear();
        self.settings.encode(record, &mut self.text)?;
        Ok(shared(&self.text, &mut self.last))
    }
}

/// Equal partitions in a row share one allocation.
fn shared(text: &str, last: &mut Option<Arc<str>>) -> Arc<str> {
    match last {
        Some(last) if **last == *text => last.clone(),
        _ => last.insert(text.into()).clone(),
    }
}

/// `FieldAndTimeBasedPartitioner`: the folders of the fields, and below them those of the time.
pub struct FieldAndTimeBasedPartitioner {
    fields: Arc<FieldSettings>,
    time: TimeBasedPartitioner,
    text: String,
    last: Option<Arc<str>>,
}

impl FieldAndTimeBasedPartitioner {
    /// A partitioner for one Kafka partition.
    pub fn new(fields: Arc<FieldSettings>, time: TimeBasedPartitioner) -> Self {
        Self {
            fields,
            time,
            text: String::new(),
            last: None,
        }
    }
}

impl Partitioner for FieldAndTimeBasedPartitioner {
    fn timestamp(&mut self, record: RecordRef<'_>, clock: &dyn Clock) -> Result<Option<i64>> {
        self.time.timestamp(record, clock)
    }

    fn encode(&mut self, record: RecordRef<'_>, timestamp_ms: Option<i64>) -> Result<Arc<str>> {
        let time = self.time.encode(record, timestamp_ms)?;
        self.text.clear();
        self.fields.encode(record, &mut self.text)?;
        self.text.push_str(&self.fields.delim);
        self.text.push_str(&time);
        Ok(shared(&self.text, &mut self.last))
    }
}
