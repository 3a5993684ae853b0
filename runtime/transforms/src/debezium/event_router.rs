//! `EventRouter`: the events of an outbox table in their own topics.

use super::event_router_settings::{
    ADDITIONAL_MISSING, ADDITIONAL_PLACEMENT, AdditionalField, EVENT_ID, EVENT_KEY, EVENT_PAYLOAD,
    EVENT_SCHEMA_VERSION, EVENT_TIMESTAMP, EXPAND_JSON, FIELD_NAME_ADJUSTMENT, INVALID_OPERATION,
    JSON_EMPTY_ARRAY, JSON_NULL, Placement, ROUTE_BY_FIELD, ROUTE_TOMBSTONE, ROUTE_TOPIC_REGEX,
    ROUTE_TOPIC_REPLACEMENT, config_def,
};
use super::expand_json::JsonExpansion;
use super::name_adjuster::NameAdjustment;
use super::{VERSION, event_of, extracted, is_envelope, null_pointer, string_of, typed};
use crate::requirements::require_struct;
use crate::schema_cache::SchemaCache;
use crate::settings::regex_error;
use connect_api::config::ConfigMap;
use connect_api::data::{Schema, SchemaRef, SchemaType, Struct, Value};
use connect_api::{ConnectError, Header, Origin, Record, Result, Transform};
use connect_java::regex::{MatchError, Pattern};

/// The field of the payload beside additional fields.
const PAYLOAD: &str = "payload";

crate::register!(
    "io.debezium.transforms.outbox.EventRouter",
    VERSION,
    config_def,
    EventRouter::default()
);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum InvalidOperation {
    #[default]
    Warn,
    Error,
    Fatal,
}

/// The schema of values with additional fields, and what it was made for.
struct ValueSchema {
    row: SchemaRef,
    topic: String,
    version: Option<i32>,
    schema: SchemaRef,
}

#[derive(Default)]
struct EventRouter {
    id: String,
    key: String,
    payload: String,
    timestamp: Option<String>,
    schema_version: Option<String>,
    additional: Vec<AdditionalField>,
    ignores_missing: bool,
    route_by: String,
    regex: Option<Pattern>,
    replacement: String,
    tombstone_on_empty: bool,
    invalid_operation: InvalidOperation,
    expansion: Option<JsonExpansion>,
    /// By the schema of the payload.
    value_schemas: SchemaCache<Option<ValueSchema>>,
}

fn missing(what: &str, field: &str) -> ConnectError {
    ConnectError::data(format!("Unable to find {what} {field} in event"))
        .with_class("org.apache.kafka.connect.errors.ConnectException")
}

impl EventRouter {
    fn timestamp(&self, event: &Struct, row: &Struct) -> Result<Option<i64>> {
        let of_event = || Ok(typed(event, "ts_ms", SchemaType::Int64)?.as_i64());
        let Some(name) = &self.timestamp else {
            return of_event();
        };
        let field = row.schema().field(name);
        let field = field.ok_or_else(|| missing("timestamp field", name))?;
        let Some(timestamp) = typed(row, name, SchemaType::Int64)?.as_i64() else {
            return of_event();
        };
        let unsupported = |what: String| {
            Err(
                ConnectError::data(format!("Unsupported field type {what} for event timestamp"))
                    .with_class("org.apache.kafka.connect.errors.ConnectException"),
            )
        };
        match field.schema.name() {
            Some("io.debezium.time.Timestamp") => Ok(Some(timestamp)),
            Some("io.debezium.time.MicroTimestamp") => Ok(Some(timestamp / 1_000)),
            Some("io.debezium.time.NanoTimestamp") => Ok(Some(timestamp / 1_000_000)),
            Some(name) => unsupported(name.to_string()),
            None => unsupported(format!(
                "{} (without logical schema name)",
                field.schema.schema_type()
            )),
        }
    }

    /// Payload with its schema, expanded if that is asked for and can be.
    fn payload(&self, schema: &SchemaRef, payload: &Value) -> (SchemaRef, Value) {
        let Some(expansion) = &self.expansion else {
            return (schema.clone(), payload.clone());
        };
        match payload {
            Value::String(text) => match expansion.expand(&self.payload, text) {
                Ok(expanded) => return expanded,
                // The error may hold the data, which no log should.
                Err(_) => tracing::warn!(
                    "The payload of an outbox event is no JSON object with homogenous arrays and is \
                     left as it is"
                ),
            },
            Value::Null => {}
            _ => tracing::warn!(
                "'{EXPAND_JSON}' is set, but the payload of an outbox event is no text"
            ),
        }
        (schema.clone(), payload.clone())
    }

    /// The schema of a value with additional fields.
    fn value_schema(
        &mut self,
        payload: &SchemaRef,
        row: &Struct,
        topic: &str,
    ) -> Result<SchemaRef> {
        let version = match &self.schema_version {
            Some(field) => typed(row, field, SchemaType::Int32)?.as_i64(),
            None => None,
        };
        let version = version.and_then(|version| i32::try_from(version).ok());
        let mut schemas = std::mem::take(&mut self.value_schemas);
        let known = schemas.get_or_make(payload, |payload| {
            self.make_value_schema(payload, row, topic, version)
                .map(Some)
        });
        let fits = |known: &ValueSchema| {
            known.row == *row.schema() && known.topic == topic && known.version == version
        };
        let schema = match known {
            Ok(Some(known)) if fits(known) => Ok(known.schema.clone()),
            Ok(_) => self
                .make_value_schema(payload, row, topic, version)
                .map(|made| made.schema),
            Err(error) => Err(error),
        };
        self.value_schemas = schemas;
        schema
    }

    fn make_value_schema(
        &self,
        payload: &SchemaRef,
        row: &Struct,
        topic: &str,
        version: Option<i32>,
    ) -> Result<ValueSchema> {
        let name = match row.schema().name() {
            None => topic.to_string(),
            Some(name) => match name.rsplit_once('.') {
                Some((before, last)) => format!("{before}.{topic}.{last}"),
                None => format!("{topic}.{name}"),
            },
        };
        let mut builder = Schema::struct_builder()
            .name(name)
            .field(PAYLOAD, payload.clone());
        for field in self.placed(Placement::Envelope) {
            match row.schema().field(&field.column) {
                Some(column) => {
                    builder = builder.field(field.alias.as_str(), column.schema.clone());
                }
                None if self.ignores_missing => {}
                None => return Err(missing("field", &field.column)),
            }
        }
        if let Some(version) = version {
            builder = builder.version(version);
        }
        Ok(ValueSchema {
            row: row.schema().clone(),
            topic: topic.to_string(),
            version,
            schema: builder.build()?,
        })
    }

    fn placed(&self, placement: Placement) -> impl Iterator<Item = &AdditionalField> {
        self.additional
            .iter()
            .filter(move |field| field.placement == placement)
    }

    fn route(&self, topic: &str) -> Result<String> {
        let Some(regex) = &self.regex else {
            return Ok(topic.to_string());
        };
        let failed = |error: MatchError| {
            ConnectError::data(error.to_string()).with_class(error.java_class())
        };
        if !regex.matches(topic).map_err(failed)? {
            return Ok(topic.to_string());
        }
        regex
            .replace_first(topic, &self.replacement)
            .map_err(failed)
    }

    /// The event of a row that was written to the outbox.
    fn event(&mut self, mut record: Record) -> Result<Record> {
        let (schema, event) = event_of(&record)?;
        let (_, row) = extracted(schema, event, "after")?;
        let row = require_struct(row, "Read Outbox Event")?.clone();
        let row_schema = row.schema().clone();
        let payload_field = row_schema.field(&self.payload);
        let payload_field = payload_field.ok_or_else(|| missing("payload field", &self.payload))?;
        let timestamp = self.timestamp(event, &row)?;
        let id = row.get(&self.id)?.clone();
        let id_schema = row_schema.field(&self.id).map(|field| field.schema.clone());
        record.headers.push(Header::new("id", id_schema, id)?);
        let (payload_schema, payload) =
            self.payload(&payload_field.schema, row.get_at(payload_field.index));

        let topic = string_of(&row, &self.route_by)?.map(str::to_string);
        let only_headers = self.placed(Placement::Envelope).next().is_none();
        let mut value = if only_headers {
            None
        } else {
            let topic = topic.as_deref().unwrap_or("null");
            let schema = self.value_schema(&payload_schema, &row, topic)?;
            let mut value = Struct::new(schema)?;
            value.put(PAYLOAD, payload.clone())?;
            Some(value)
        };
        record.kafka_partition = None;
        for field in &self.additional {
            let column = row_schema.field(&field.column);
            if self.ignores_missing && column.is_none() {
                continue;
            }
            match (field.placement, &mut value) {
                (Placement::Envelope, Some(value)) => {
                    value.put(&field.alias, row.get(&field.column)?.clone())?;
                }
                (Placement::Envelope, None) => {}
                (Placement::Header, _) => {
                    let header_value = row.get(&field.column)?.clone();
                    let schema = column.map(|column| column.schema.clone());
                    let header = Header::new(field.alias.as_str(), schema, header_value)?;
                    record.headers.push(header);
                }
                (Placement::Partition, _) => {
                    let partition = typed(&row, &field.column, SchemaType::Int32)?.as_i64();
                    record.kafka_partition =
                        partition.and_then(|partition| i32::try_from(partition).ok());
                }
            }
        }
        let is_empty =
            payload.is_null() || payload.as_str().is_some_and(|text| text.trim().is_empty());
        (record.value_schema, record.value) = match value {
            _ if is_empty && self.tombstone_on_empty => (None, Value::Null),
            Some(value) => (Some(value.schema().clone()), value.into()),
            None => (Some(payload_schema), payload),
        };
        record.key = row.get(&self.key)?.clone();
        record.key_schema = row_schema
            .field(&self.key)
            .map(|field| field.schema.clone());
        record.timestamp = timestamp;
        let topic = topic.ok_or_else(|| {
            null_pointer(format!(
                "The column {} of an outbox event is null, so there is no topic for it",
                self.route_by
            ))
        })?;
        record.topic = self.route(&topic)?.into();
        Ok(record)
    }
}

impl Transform for EventRouter {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let config = config_def().parse(config)?;
        let text = |key: &str| config.string(key).map(str::to_string);
        let opt_text = |key: &str| -> Result<Option<String>> {
            Ok(config.opt_string(key)?.map(str::to_string))
        };
        let is = |key: &str, wanted: &str| -> Result<bool> {
            Ok(config.string(key)?.trim().eq_ignore_ascii_case(wanted))
        };
        let additional = AdditionalField::parse_all(config.list(ADDITIONAL_PLACEMENT)?);
        *self = Self {
            id: text(EVENT_ID)?,
            key: text(EVENT_KEY)?,
            payload: text(EVENT_PAYLOAD)?,
            timestamp: opt_text(EVENT_TIMESTAMP)?,
            schema_version: opt_text(EVENT_SCHEMA_VERSION)?,
            additional: additional.map_err(ConnectError::config)?,
            ignores_missing: is(ADDITIONAL_MISSING, "ignore")?,
            route_by: text(ROUTE_BY_FIELD)?,
            regex: Some(Pattern::compile(config.string(ROUTE_TOPIC_REGEX)?).map_err(regex_error)?),
            replacement: text(ROUTE_TOPIC_REPLACEMENT)?,
            tombstone_on_empty: config.boolean(ROUTE_TOMBSTONE)?,
            invalid_operation: if is(INVALID_OPERATION, "fatal")? {
                InvalidOperation::Fatal
            } else if is(INVALID_OPERATION, "error")? {
                InvalidOperation::Error
            } else {
                InvalidOperation::Warn
            },
            expansion: if config.boolean(EXPAND_JSON)? {
                Some(JsonExpansion {
                    null_as_bytes: is(JSON_NULL, "optional_bytes")?,
                    empty_array_of_strings: is(JSON_EMPTY_ARRAY, "optional_string")?,
                    field_names: NameAdjustment::parse(config.string(FIELD_NAME_ADJUSTMENT)?),
                })
            } else {
                None
            },
            value_schemas: SchemaCache::default(),
        };
        Ok(())
    }

    fn apply(&mut self, record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        if record.value.is_null() {
            return Ok(None);
        }
        if !is_envelope(&record) {
            return Ok(Some(record));
        }
        let event = require_struct(&record.value, "Detect Debezium Operation")?;
        match string_of(event, "op")? {
            Some("d") => Ok(None),
            Some("u") => match self.invalid_operation {
                InvalidOperation::Warn => {
                    tracing::warn!("An update of an outbox table is dropped");
                    Ok(None)
                }
                InvalidOperation::Error => {
                    tracing::error!("An update of an outbox table is dropped");
                    Ok(None)
                }
                InvalidOperation::Fatal => Err(ConnectError::data(format!(
                    "Unexpected update message received {}, fail.",
                    record.key
                ))
                .with_class("java.lang.IllegalStateException")),
            },
            Some(_) => self.event(record).map(Some),
            None => Err(null_pointer(
                "A change event has no operation in its field op".to_string(),
            )),
        }
    }
}
