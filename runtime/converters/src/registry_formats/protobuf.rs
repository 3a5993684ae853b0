//! The format Protobuf: `io.confluent.connect.protobuf.ProtobufConverter`.

mod config;

use super::{
    Dependency, DerivedSchema, FormatReader, FormatWriter, NullValue, ReaderSpec, RegistryFormat,
    malformed, register_format,
};
use bytes::{Bytes, BytesMut};
use config::{ProtobufConfig, config_def};
use connect_api::config::{ConfigDef, ParsedConfig};
use connect_api::data::{Schema, SchemaRef, Value};
use connect_api::{ConnectError, ConverterType, Result, SchemaAndValue};
use connect_protobuf::{
    Decoder, Encoder, ProtobufData, ProtobufSchema, Reference, incompatibilities, known_text,
};
use connect_registry::{ResolvedReference, SchemaType};
use std::sync::Arc;

/// Protobuf schemas and data under the settings of one converter.
pub struct ProtobufFormat {
    config: ProtobufConfig,
    data: ProtobufData,
    /// What the last schema was mapped to, which `writer` is asked for next.
    derived: Option<(SchemaRef, Arc<Encoder>)>,
}

register_format!(
    "io.confluent.connect.protobuf.ProtobufConverter",
    ProtobufFormat
);

/// A schema of the registry, or one that a Connect schema was mapped to.
#[derive(Debug)]
pub struct RegisteredSchema {
    schema: ProtobufSchema,
    /// The message of a derived schema.
    message_name: Option<String>,
}

/// Reads messages of one type.
#[derive(Debug)]
pub struct ProtobufReader {
    decoder: Decoder,
}

/// Writes values of one Connect schema.
#[derive(Debug)]
pub struct ProtobufWriter {
    encoder: Arc<Encoder>,
    message_indexes: Vec<i32>,
}

impl ProtobufFormat {
    fn encoder(&mut self, schema: &SchemaRef) -> Result<Arc<Encoder>> {
        if let Some((known, encoder)) = &self.derived
            && (Arc::ptr_eq(known, schema) || known == schema)
        {
            return Ok(encoder.clone());
        }
        let encoder = Arc::new(self.data.encoder(schema)?);
        self.derived = Some((schema.clone(), encoder.clone()));
        Ok(encoder)
    }
}

/// Java stops at the missing schema; so does this, but it tells what to do.
fn schemaless() -> ConnectError {
    ConnectError::data(
        "Protobuf data needs a schema, and this record has none. Read it with a converter that brings \
         one, or set a schema by a transform.",
    )
}

/// What protobuf-java and the choice of the message refuse is an error of the deserializer, as are the
/// errors of schemas. What the mapping to Connect refuses is not.
fn of_deserializer(error: ConnectError) -> ConnectError {
    if error.class().starts_with("com.google.protobuf.") {
        malformed(error.message()).with_cause(error)
    } else {
        error
    }
}

impl RegistryFormat for ProtobufFormat {
    type Schema = RegisteredSchema;
    type Reader = ProtobufReader;
    type Writer = ProtobufWriter;

    const SCHEMA_TYPE: SchemaType = SchemaType::Protobuf;

    fn config_def() -> &'static ConfigDef {
        config_def()
    }

    fn new(config: &ParsedConfig, _converter_type: ConverterType) -> Result<Self> {
        let config = ProtobufConfig::new(config)?;
        Ok(Self {
            data: ProtobufData::new(config.options),
            config,
            derived: None,
        })
    }

    fn parse(&self, text: &str, references: &[ResolvedReference]) -> Result<RegisteredSchema> {
        let references: Vec<Reference<'_>> = references
            .iter()
            .map(|reference| Reference {
                import: &reference.name,
                schema: &reference.text,
            })
            .collect();
        let schema = ProtobufSchema::parse(text, &references)
            .map_err(|error| malformed(error.message()).with_cause(error))?;
        Ok(RegisteredSchema {
            schema,
            message_name: None,
        })
    }

    fn derive(&mut self, schema: Option<&SchemaRef>) -> Result<DerivedSchema<RegisteredSchema>> {
        let encoder = self.encoder(schema.ok_or_else(schemaless)?)?;
        let mut dependencies = Vec::new();
        if !self.config.skip_known_types {
            for import in encoder.imports() {
                let Some(text) = known_text(import) else {
                    continue;
                };
                dependencies.push(Dependency {
                    name: (*import).to_string(),
                    subject: self.config.reference_subject(import),
                    text: text.to_string(),
                    dependencies: Vec::new(),
                    lookup_only: self.config.lookup_only,
                });
            }
        }
        Ok(DerivedSchema {
            schema: Arc::new(RegisteredSchema {
                schema: encoder.schema().clone(),
                message_name: Some(encoder.message_name().to_string()),
            }),
            text: encoder.schema_text().to_string(),
            dependencies,
        })
    }

    fn record_name(&self, schema: &RegisteredSchema, message_indexes: &[i32]) -> Option<String> {
        schema.message_name.clone().or_else(|| {
            let message = schema.schema.message_at(message_indexes).ok()?;
            Some(message.full_name().to_string())
        })
    }

    fn incompatibilities(
        &self,
        reader: &RegisteredSchema,
        writer: &RegisteredSchema,
    ) -> Vec<String> {
        incompatibilities(&reader.schema, &writer.schema)
    }

    fn reader(&mut self, spec: &ReaderSpec<'_, RegisteredSchema>) -> Result<ProtobufReader> {
        let written = spec
            .schema
            .schema
            .message_at(spec.message_indexes)
            .map_err(|error| malformed(error.message()).with_cause(error))?;
        let message = match spec.reader_schema {
            // Messages are told apart by their names, not by their places.
            Some(reader) => reader
                .schema
                .message(written.full_name())
                .or_else(|| reader.schema.first_message())
                .unwrap_or(written),
            None => written,
        };
        Ok(ProtobufReader {
            decoder: self.data.decoder(&message, spec.version)?,
        })
    }

    fn writer(
        &mut self,
        connect: Option<&SchemaRef>,
        schema: &Arc<RegisteredSchema>,
    ) -> Result<ProtobufWriter> {
        let encoder = self.encoder(connect.ok_or_else(schemaless)?)?;
        // The bytes are those of the derived schema; only the place of the message is the registry's.
        let indexes = match schema.message_name {
            Some(_) => encoder.message_indexes().to_vec(),
            None => schema.schema.message_indexes(encoder.message_name()),
        };
        Ok(ProtobufWriter {
            encoder,
            message_indexes: if indexes.is_empty() { vec![0] } else { indexes },
        })
    }

    /// A null is a tombstone, whatever the schema says.
    fn null(&self, _schema: Option<&Schema>) -> Result<NullValue> {
        Ok(NullValue::Tombstone)
    }
}

impl FormatReader for ProtobufReader {
    fn read(&mut self, payload: &Bytes) -> Result<SchemaAndValue> {
        let value = self.decoder.decode(payload).map_err(of_deserializer)?;
        Ok(SchemaAndValue {
            schema: Some(self.decoder.schema().clone()),
            value,
        })
    }
}

impl FormatWriter for ProtobufWriter {
    fn write(&mut self, value: &Value, out: &mut BytesMut) -> Result<()> {
        self.encoder.encode(value, out).map(drop)
    }

    fn message_indexes(&self) -> Option<&[i32]> {
        Some(&self.message_indexes)
    }
}

#[cfg(test)]
mod tests;
