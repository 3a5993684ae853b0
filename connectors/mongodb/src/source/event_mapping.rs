//! Records of change events.

use super::avro_schema::connect_schema;
use super::keys;
use super::schema_inference::infer_schema;
use super::schema_values::{document_to_bytes, value_of};
use super::topic_mapper::TopicMapper;
use crate::bson::{JsonMode, bson_type_name, document_to_json};
use crate::config::{Fault, Values};
use bson::{Bson, Document, doc};
use connect_api::config::ConfigMap;
use connect_api::data::{Map, Schema, SchemaRef, Value};
use connect_api::{ConnectError, Result, SourceRecord, Topic};
use std::sync::Arc;

const ID: &str = "_id";
const DOCUMENT_KEY: &str = "documentKey";
const FULL_DOCUMENT: &str = "fullDocument";

/// The official texts show whole documents. A message must still fit into a status.
const MAX_SHOWN_BYTES: usize = 16 * 1024;

/// What keys or values are made of documents.
#[derive(Clone, Debug)]
pub(super) enum Output {
    /// A string.
    Json(JsonMode),
    /// Bytes.
    Bson,
    /// A struct.
    Schema(SchemaRef, JsonMode),
    /// A struct whose schema each document has for itself.
    Inferred(JsonMode),
}

impl Output {
    fn read(
        values: Values<'_>,
        (format_key, schema_key): (&str, &str),
        infers: bool,
        json: JsonMode,
        faults: &mut Vec<Fault>,
    ) -> Option<Self> {
        match values.text(format_key).to_ascii_lowercase().as_str() {
            "bson" => Some(Self::Bson),
            "schema" if infers => Some(Self::Inferred(json)),
            "schema" => {
                let text = values.text(schema_key);
                match connect_schema(text) {
                    Ok(schema) => Some(Self::Schema(schema, json)),
                    Err(error) => {
                        let why = error.to_string();
                        faults.push(Fault::invalid(schema_key, text, &why));
                        None
                    }
                }
            }
            _ => Some(Self::Json(json)),
        }
    }

    fn convert(&self, document: &Document) -> Result<(Option<SchemaRef>, Value)> {
        let (schema, value) = match self {
            Self::Json(mode) => (
                Schema::string(),
                Value::from(document_to_json(document, *mode)),
            ),
            Self::Bson => (
                Schema::bytes(),
                Value::Bytes(document_to_bytes(document)?.into()),
            ),
            Self::Schema(schema, mode) => {
                let document = Bson::Document(document.clone());
                (schema.clone(), value_of(schema, &document, *mode)?)
            }
            Self::Inferred(mode) => {
                let schema = infer_schema(document)?;
                let value = value_of(&schema, &Bson::Document(document.clone()), *mode)?;
                (schema, value)
            }
        };
        Ok((Some(schema), value))
    }
}

/// Makes records of events.
#[derive(Clone, Debug)]
pub struct EventMapping {
    partition: Arc<Map>,
    topics: TopicMapper,
    key: Output,
    value: Output,
    publishes_full_document_only: bool,
    sends_tombstones: bool,
    takes_document_key: bool,
    pub(super) tolerates_errors: bool,
    logs_errors: bool,
    dead_letter_topic: Option<Topic>,
}

impl EventMapping {
    pub(super) fn read(
        config: &ConfigMap,
        values: Values<'_>,
        partition: Arc<Map>,
        faults: &mut Vec<Fault>,
    ) -> Option<Self> {
        let class = values.text(keys::OUTPUT_JSON_FORMATTER);
        let json = match class.strip_prefix(keys::JSON_FORMATTER_PACKAGE) {
            Some("DefaultJson") => Some(JsonMode::Strict),
            Some("ExtendedJson") => Some(JsonMode::Canonical),
            Some("SimplifiedJson") => Some(JsonMode::Simplified),
            _ => {
                let why = format!("Class not found: {class}");
                faults.push(Fault::invalid(keys::OUTPUT_JSON_FORMATTER, class, &why));
                None
            }
        };
        let topics = TopicMapper::read(values, faults);
        let json = json?;
        let infers = values.is_true(keys::OUTPUT_SCHEMA_INFER_VALUE);
        let key_keys = (keys::OUTPUT_FORMAT_KEY, keys::OUTPUT_SCHEMA_KEY);
        let value_keys = (keys::OUTPUT_FORMAT_VALUE, keys::OUTPUT_SCHEMA_VALUE);
        let key = Output::read(values, key_keys, false, json, faults);
        let value = Output::read(values, value_keys, infers, json, faults);
        // The connector's own key wins where it is written.
        let either = |own, common| match config.contains_key(own) {
            true => own,
            false => common,
        };
        let tolerance = values.text(either(keys::MONGO_ERRORS_TOLERANCE, keys::ERRORS_TOLERANCE));
        let tolerates_errors = tolerance.eq_ignore_ascii_case("all");
        let log_key = either(keys::MONGO_ERRORS_LOG_ENABLE, keys::ERRORS_LOG_ENABLE);
        let topic_key = either(keys::MONGO_DEAD_LETTER_TOPIC, keys::DEAD_LETTER_TOPIC);
        let publishes_full_document_only = values.is_true(keys::PUBLISH_FULL_DOCUMENT_ONLY);
        Some(Self {
            partition,
            topics: topics?,
            key: key?,
            value: value?,
            publishes_full_document_only,
            sends_tombstones: publishes_full_document_only
                && values.is_true(keys::TOMBSTONE_ON_DELETE),
            takes_document_key: values.is_true(keys::DOCUMENT_KEY_AS_KEY),
            tolerates_errors,
            logs_errors: values.is_true(log_key),
            dead_letter_topic: Some(values.text(topic_key))
                .filter(|topic| !topic.is_empty())
                .map(Into::into),
        })
    }

    /// The record of an event; `None` if it makes none.
    pub fn record(&mut self, event: &Document, offset: Map) -> Result<Option<SourceRecord>> {
        let Some(topic) = self.topics.topic(event) else {
            tracing::warn!(
                "No topic set. Could not publish the message: {}",
                shown(event)
            );
            return Ok(None);
        };
        let is_tombstone = self.sends_tombstones && !event.contains_key(FULL_DOCUMENT);
        let value = match (self.publishes_full_document_only, event.get(FULL_DOCUMENT)) {
            (false, _) => Some(event),
            (true, Some(Bson::Document(document))) => Some(document),
            (true, _) if is_tombstone => None,
            (true, _) => return Ok(None),
        };
        let own_key;
        let key = match (&self.key, event.get(DOCUMENT_KEY)) {
            (Output::Schema(..), _) => event,
            (_, Some(Bson::Document(key))) if self.takes_document_key => key,
            (_, Some(other)) if self.takes_document_key => {
                return Err(ConnectError::fatal(format!(
                    "Value expected to be of type DOCUMENT is of unexpected type {}: the documentKey of \
                     a change event is a document, which the pipeline must leave as it is",
                    bson_type_name(other)
                ))
                .with_class("org.bson.BsonInvalidOperationException"));
            }
            _ => {
                own_key = match event.get(ID) {
                    Some(id) => doc! {ID: id.clone()},
                    None => Document::new(),
                };
                &own_key
            }
        };
        let converted = self.key.convert(key).and_then(|key| {
            let value = match value {
                Some(value) => self.value.convert(value)?,
                None => (None, Value::Null),
            };
            Ok((key, value))
        });
        let mut record = match converted {
            Ok(((key_schema, key), (value_schema, value))) => {
                let mut record = SourceRecord::new(topic, value_schema, value);
                (record.record.key_schema, record.record.key) = (key_schema, key);
                record
            }
            Err(error) => {
                let empty = Document::new();
                match self.dead_letter(key, value.unwrap_or(&empty), error)? {
                    Some(record) => record,
                    None => return Ok(None),
                }
            }
        };
        record.origin.source_partition = Some(self.partition.clone());
        record.origin.source_offset = Some(Arc::new(offset));
        Ok(Some(record))
    }

    fn dead_letter(
        &self,
        key: &Document,
        value: &Document,
        error: ConnectError,
    ) -> Result<Option<SourceRecord>> {
        let message = format!(
            "{} : Exception creating Source record for: Key={} Value={}",
            error.message_opt().unwrap_or("null"),
            shown(key),
            shown(value)
        );
        if !self.tolerates_errors {
            return Err(ConnectError::data(message).with_cause(error));
        }
        if self.logs_errors {
            tracing::error!("{message}");
        }
        let Some(topic) = &self.dead_letter_topic else {
            return Ok(None);
        };
        let text = |document| Value::from(document_to_json(document, JsonMode::Relaxed));
        let mut record = SourceRecord::new(topic.clone(), Some(Schema::string()), text(value));
        record.record.key_schema = Some(Schema::string());
        record.record.key = text(key);
        Ok(Some(record))
    }
}

fn shown(document: &Document) -> String {
    let mut text = document_to_json(document, JsonMode::Relaxed);
    if text.len() > MAX_SHOWN_BYTES {
        let num_bytes = text.len();
        text.truncate(text.floor_char_boundary(MAX_SHOWN_BYTES));
        text.push_str(&format!("… ({num_bytes} bytes in all)"));
    }
    text
}
