//! What of a record a file holds: its value, its key or its headers.

use crate::record::RecordRef;
use connect_api::data::values::convert_to_string;
use connect_api::data::{Schema, SchemaRef, Struct, Value};
use connect_api::{ConnectError, Record, Result, SinkRecord};
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

/// What of a record a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordView {
    /// The value.
    Value,
    /// The key.
    Key,
    /// The headers.
    Headers,
}

impl RecordView {
    /// What stands before the extension of the object.
    pub fn infix(self) -> &'static str {
        match self {
            Self::Value => "",
            Self::Key => ".keys",
            Self::Headers => ".headers",
        }
    }
}

/// Puts keys and headers in the place of values, so that every format can write them.
pub(crate) struct ViewMaker {
    view: RecordView,
    is_enveloped: bool,
    /// The schema of the last key, and the struct around it.
    key_envelope: Option<(Option<SchemaRef>, SchemaRef)>,
}

/// The schemas of headers: one, all of a record, and all in a struct.
static HEADER_SCHEMAS: LazyLock<Option<[SchemaRef; 3]>> = LazyLock::new(|| {
    let header = Schema::struct_builder()
        .field("key", Schema::string())
        .field("value", Schema::string())
        .build()
        .ok()?;
    let headers = Schema::array_builder(header.clone()).build().ok()?;
    let envelope = Schema::struct_builder()
        .name("RecordHeaders")
        .field("headers", headers.clone())
        .build()
        .ok()?;
    Some([header, headers, envelope])
});

impl ViewMaker {
    pub(crate) fn new(view: RecordView, is_enveloped: bool) -> Self {
        Self {
            view,
            is_enveloped,
            key_envelope: None,
        }
    }

    pub(crate) fn view(&self) -> RecordView {
        self.view
    }

    /// The record whose value is the key, or the headers, of `record`.
    ///
    /// Errors: the record has none, or they do not fit into the struct.
    pub(crate) fn record<'a>(&mut self, record: &'a SinkRecord) -> Result<Cow<'a, SinkRecord>> {
        let (schema, value) = match self.view {
            RecordView::Value => return Ok(Cow::Borrowed(record)),
            RecordView::Key => self.key(record)?,
            RecordView::Headers => self.headers(record)?,
        };
        Ok(Cow::Owned(SinkRecord {
            record: Record {
                topic: record.record.topic.clone(),
                kafka_partition: record.record.kafka_partition,
                key_schema: None,
                key: Value::Null,
                value_schema: schema,
                value,
                timestamp: record.record.timestamp,
                headers: Vec::new(),
            },
            origin: record.origin.clone(),
        }))
    }

    fn key(&mut self, record: &SinkRecord) -> Result<(Option<SchemaRef>, Value)> {
        let (schema, key) = (&record.record.key_schema, &record.record.key);
        if key.is_null() {
            return Err(missing("Key", record));
        }
        if !self.is_enveloped {
            return Ok((schema.clone(), key.clone()));
        }
        let envelope = match &self.key_envelope {
            Some((of, envelope)) if of == schema => envelope.clone(),
            _ => {
                let envelope = key_envelope(schema.as_ref(), record)?;
                self.key_envelope = Some((schema.clone(), envelope.clone()));
                envelope
            }
        };
        let value = Struct::from_values(envelope.clone(), vec![key.clone()]);
        Ok((Some(envelope), value.into()))
    }

    fn headers(&self, record: &SinkRecord) -> Result<(Option<SchemaRef>, Value)> {
        if record.record.headers.is_empty() {
            return Err(missing("Headers", record));
        }
        let Some([header_schema, schema, envelope]) = &*HEADER_SCHEMAS else {
            return Err(ConnectError::fatal("The schema of headers is wrong"));
        };
        let headers = record.record.headers.iter().map(|header| {
            if header.value.is_null() {
                return Err(ConnectError::data(format!(
                    "Invalid value: null used for required field: \"value\", schema type: STRING \
                     (header {} of record {})",
                    header.key,
                    RecordRef::Row(record)
                )));
            }
            let values = vec![
                Value::string(header.key.to_string()),
                Value::string(convert_to_string(&header.value)),
            ];
            Ok(Value::from(Struct::from_values(
                header_schema.clone(),
                values,
            )))
        });
        let headers = Value::Array(headers.collect::<Result<_>>()?);
        if !self.is_enveloped {
            return Ok((Some(schema.clone()), headers));
        }
        let value = Struct::from_values(envelope.clone(), vec![headers]);
        Ok((Some(envelope.clone()), value.into()))
    }
}

fn key_envelope(schema: Option<&SchemaRef>, record: &SinkRecord) -> Result<SchemaRef> {
    let Some(schema) = schema else {
        return Err(ConnectError::data(format!(
            "fieldSchema for field key cannot be null. The key of record {} has no schema, which Parquet \
             needs: use a key.converter with schemas, or another keys.format.class",
            RecordRef::Row(record)
        ))
        .with_class("org.apache.kafka.connect.errors.SchemaBuilderException"));
    };
    Schema::struct_builder()
        .name("RecordKey")
        .field("key", Arc::clone(schema))
        .build()
}

fn missing(what: &str, record: &SinkRecord) -> ConnectError {
    ConnectError::data(format!(
        "{what} cannot be null for SinkRecord: {}",
        RecordRef::Row(record)
    ))
}
