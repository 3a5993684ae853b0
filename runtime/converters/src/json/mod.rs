//! `JsonConverter`: JSON with or without a schema in every record.

mod cache;
mod config;
mod decode;
mod read_schema;
mod write_schema;

use crate::SERIALIZATION_EXCEPTION;
use async_trait::async_trait;
use bytes::{BufMut, Bytes, BytesMut};
use cache::{SchemaTexts, Schemas};
use config::JsonConverterConfig;
use connect_api::config::ConfigMap;
use connect_api::data::{SchemaRef, Value};
use connect_api::json::{JsonKind, JsonParser, JsonReader, write_with_schema};
use connect_api::{
    ConnectError, Converter, ConverterType, Encoded, RawHeader, RawMessage, Result, SchemaAndValue,
};
use decode::Decoder;

/// JSON. With `schemas.enable` every record is an object of `schema` and `payload`; without, it is the
/// bare payload. Schemas that were seen before are neither parsed nor written again.
#[derive(Debug, Default)]
pub struct JsonConverter {
    config: JsonConverterConfig,
    /// The schema of `schema.content`, which takes the place of those in records.
    fixed_schema: Option<SchemaRef>,
    parser: JsonParser,
    schemas: Schemas,
    schema_texts: SchemaTexts,
}

crate::register!(
    "org.apache.kafka.connect.json.JsonConverter",
    JsonConverter,
    config::config_def
);

const ENVELOPE_ERROR: &str = "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not \
     contain additional fields. If you are trying to deserialize plain JSON data, set \
     schemas.enable=false in your converter configuration.";

/// The error of a text that is not JSON, which Kafka's deserializer wraps once more.
#[cold]
fn not_json(what: &str, error: ConnectError) -> ConnectError {
    ConnectError::data(what).with_cause(
        ConnectError::data(error.to_java_string())
            .with_class(SERIALIZATION_EXCEPTION)
            .with_cause(error),
    )
}

#[cold]
fn bad_record(error: ConnectError) -> ConnectError {
    not_json(
        "Converting byte[] to Kafka Connect data failed due to serialization error: ",
        error,
    )
}

/// What the members of an envelope were so far.
#[derive(Default)]
struct Envelope {
    schema_at: Option<usize>,
    payload_at: Option<usize>,
    has_other_members: bool,
    /// The outcome for the last schema and payload, in this order, if they came in this order.
    outcome: Option<Result<SchemaAndValue>>,
}

impl JsonConverter {
    fn decoder(&self) -> Decoder {
        Decoder::new(self.config.options.replace_null_with_default)
    }

    /// The payload of a record without a schema in it, under the schema of the configuration.
    fn read_bare(&mut self, schema: &SchemaRef, input: &Bytes) -> Result<SchemaAndValue> {
        let mut decoder = self.decoder();
        let mut reader = JsonReader::new(input);
        let start = reader.position();
        let value = match reader.peek() {
            Ok(None) => decoder.missing_document(schema),
            Ok(Some(_)) => decoder.value(&mut self.parser, Some(schema), &mut reader),
            Err(error) => Err(error),
        };
        match value {
            Ok(value) => Ok(SchemaAndValue {
                schema: Some(schema.clone()),
                value,
            }),
            Err(error) => {
                // A text that breaks further on is not JSON, whatever went wrong before.
                reader.rewind(start, 0);
                if reader.peek().map_err(bad_record)?.is_some() {
                    reader.skip_value().map_err(bad_record)?;
                }
                Err(error)
            }
        }
    }

    fn read_envelope(&mut self, input: &Bytes) -> Result<SchemaAndValue> {
        let mut reader = JsonReader::new(input);
        match reader.peek().map_err(bad_record)? {
            Some(JsonKind::Object) => {}
            other => {
                if other.is_some() {
                    reader.skip_value().map_err(bad_record)?;
                }
                return Err(ConnectError::data(ENVELOPE_ERROR));
            }
        }
        let envelope = self.read_members(&mut reader).map_err(bad_record)?;
        let (Some(schema_at), Some(payload_at), false) = (
            envelope.schema_at,
            envelope.payload_at,
            envelope.has_other_members,
        ) else {
            return Err(ConnectError::data(ENVELOPE_ERROR));
        };
        match envelope.outcome {
            Some(outcome) => outcome,
            None => {
                reader.rewind(schema_at, 1);
                let schema = self.read_schema(&mut reader)?;
                reader.rewind(payload_at, 1);
                self.read_payload(schema, &mut reader)
            }
        }
    }

    /// Reads all members; its errors are those of JSON itself.
    fn read_members(&mut self, reader: &mut JsonReader<'_>) -> Result<Envelope> {
        let mut envelope = Envelope::default();
        reader.begin_object()?;
        let mut schema: Option<Result<Option<SchemaRef>>> = None;
        let mut first = true;
        while let Some(name) = reader.next_member(&mut first)? {
            reader.peek_value()?;
            let at = reader.position();
            match &*name {
                "schema" => {
                    envelope.schema_at = Some(at);
                    envelope.outcome = None;
                    let read = self.read_schema(reader);
                    if read.is_err() {
                        reader.rewind(at, 1);
                        reader.skip_value()?;
                    }
                    schema = Some(read);
                }
                "payload" => {
                    envelope.payload_at = Some(at);
                    envelope.outcome = match &schema {
                        Some(Ok(schema)) => Some(self.read_payload(schema.clone(), reader)),
                        Some(Err(error)) => Some(Err(error.clone())),
                        None => None,
                    };
                    if !matches!(envelope.outcome, Some(Ok(_))) {
                        reader.rewind(at, 1);
                        reader.skip_value()?;
                    }
                }
                _ => {
                    envelope.has_other_members = true;
                    reader.skip_value()?;
                }
            }
        }
        Ok(envelope)
    }

    fn read_payload(
        &mut self,
        schema: Option<SchemaRef>,
        reader: &mut JsonReader<'_>,
    ) -> Result<SchemaAndValue> {
        let value = self
            .decoder()
            .value(&mut self.parser, schema.as_ref(), reader)?;
        Ok(SchemaAndValue { schema, value })
    }

    /// The schema that comes next, from the cache if its text was read before.
    fn read_schema(&mut self, reader: &mut JsonReader<'_>) -> Result<Option<SchemaRef>> {
        if let Some((schema, num_bytes)) = self.schemas.known_prefix(reader.rest()) {
            reader.advance(num_bytes);
            return Ok(Some(schema));
        }
        let start = reader.position();
        reader.skip_value()?;
        let text = reader.slice_from(start);
        if let Some(schema) = self.schemas.get(&text) {
            return Ok(Some(schema));
        }
        let (end, depth) = (reader.position(), reader.depth());
        reader.rewind(start, depth);
        let schema = read_schema::read_schema(&mut self.decoder(), &mut self.parser, reader)?;
        reader.rewind(end, depth);
        if let Some(schema) = &schema {
            self.schemas
                .insert(&text, schema.clone(), self.config.schemas_cache_size);
        }
        Ok(schema)
    }
}

#[async_trait]
impl Converter for JsonConverter {
    fn configure(&mut self, config: &ConfigMap, converter_type: ConverterType) -> Result<()> {
        self.config = JsonConverterConfig::parse(config, converter_type)?;
        self.schemas = Schemas::default();
        self.schema_texts = SchemaTexts::default();
        self.fixed_schema = None;
        if let Some(content) = &self.config.schema_content {
            let wrap = |error| {
                not_json(
                    "Failed to parse schema in converter config due to serialization error: ",
                    error,
                )
            };
            let content = Bytes::copy_from_slice(content.as_bytes());
            let mut reader = JsonReader::new(&content);
            if reader.peek().map_err(wrap)?.is_none() {
                return Err(ConnectError::data("Schema must contain 'type' field"));
            }
            let start = reader.position();
            reader.skip_value().map_err(wrap)?;
            reader.rewind(start, 0);
            self.fixed_schema = self.read_schema(&mut reader)?;
        }
        Ok(())
    }

    fn to_connect_data(&mut self, message: RawMessage<'_>) -> Result<SchemaAndValue> {
        let Some(input) = message.payload else {
            return Ok(SchemaAndValue::NULL);
        };
        if !self.config.schemas_enable {
            let value = self.parser.parse(input).map_err(bad_record)?;
            return Ok(SchemaAndValue {
                schema: None,
                value: value.unwrap_or(Value::Null),
            });
        }
        match self.fixed_schema.clone() {
            Some(schema) => self.read_bare(&schema, input),
            None => self.read_envelope(input),
        }
    }

    fn from_connect_data(
        &mut self,
        _topic: &str,
        _headers: &mut Vec<RawHeader>,
        schema: Option<&SchemaRef>,
        value: &Value,
        out: &mut BytesMut,
    ) -> Result<Encoded> {
        if schema.is_none() && value.is_null() {
            return Ok(Encoded::Null);
        }
        let options = &self.config.options;
        if self.config.schemas_enable {
            match schema {
                None => out.put_slice(b"{\"schema\":null,\"payload\":"),
                Some(schema) => {
                    let opening = self.schema_texts.envelope_opening(
                        schema,
                        options,
                        self.config.schemas_cache_size,
                    )?;
                    out.put_slice(opening);
                }
            }
        }
        write_with_schema(schema.map(|schema| &**schema), value, options, out)?;
        if self.config.schemas_enable {
            out.put_u8(b'}');
        }
        Ok(Encoded::Appended)
    }
}

#[cfg(test)]
mod tests;
