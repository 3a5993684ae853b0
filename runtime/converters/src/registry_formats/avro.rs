//! The format Avro: `io.confluent.connect.avro.AvroConverter`.

use super::config::add_mapping_keys;
use super::{
    DerivedSchema, FormatReader, FormatWriter, NullValue, ReaderSpec, RegistryFormat, malformed,
    register_format, registry_config_def,
};
use bytes::{Bytes, BytesMut};
use connect_api::config::{ConfigDef, ParsedConfig};
use connect_api::data::{Schema, SchemaRef, Value};
use connect_api::{ConnectError, ConverterType, Result, SchemaAndValue};
use connect_avro::{
    AvroData, AvroDataConfig, AvroKind, AvroSchema, Decoder, Encoder, incompatibilities,
};
use connect_registry::{ResolvedReference, SchemaType};
use std::sync::{Arc, LazyLock};

const ENHANCED_AVRO_SCHEMA_SUPPORT: &str = "enhanced.avro.schema.support";
const GENERALIZED_SUM_TYPE_SUPPORT: &str = "generalized.sum.type.support";
const SCRUB_INVALID_NAMES: &str = "scrub.invalid.names";
const CONNECT_META_DATA: &str = "connect.meta.data";
const DISCARD_TYPE_DOC_DEFAULT: &str = "discard.type.doc.default";
const ALLOW_OPTIONAL_MAP_KEYS: &str = "allow.optional.map.keys";
const FLATTEN_SINGLETON_UNIONS: &str = "flatten.singleton.unions";
const IGNORE_DEFAULT_FOR_NULLABLES: &str = "ignore.default.for.nullables";

/// Avro schemas and data under the settings of one converter.
#[derive(Debug)]
pub struct AvroFormat {
    data: AvroData,
}

register_format!("io.confluent.connect.avro.AvroConverter", AvroFormat);

/// Reads records of one schema.
#[derive(Debug)]
pub struct AvroReader {
    decoder: Decoder,
}

/// Writes values of one Connect schema.
#[derive(Debug)]
pub struct AvroWriter {
    encoder: Encoder,
}

/// What Avro's own library refuses is an error of the serializer or deserializer. What the mapping to
/// and from Connect refuses is not.
fn of_library(error: ConnectError) -> ConnectError {
    let is_mapping = error.class().starts_with("org.apache.kafka.");
    if is_mapping {
        error
    } else {
        malformed(error.message()).with_cause(error)
    }
}

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        const GROUP: &str = "Avro Mapping";
        let keys = [
            (
                ENHANCED_AVRO_SCHEMA_SUPPORT,
                false,
                "Enums and full names",
                "Whether enums stay enums on their way through Connect, and members of unions are named \
                 with their namespace.",
            ),
            (
                GENERALIZED_SUM_TYPE_SUPPORT,
                false,
                "General enums and unions",
                "Whether enums and unions are marked in the way that Protobuf and JSON Schema \
                 understand as well.",
            ),
            (
                SCRUB_INVALID_NAMES,
                false,
                "Scrub names",
                "Whether names that Avro does not allow are written with valid characters in place of \
                 the others.",
            ),
            (
                CONNECT_META_DATA,
                true,
                "Connect metadata",
                "Whether names, versions, documentation, parameters and defaults of Connect schemas are \
                 kept as properties of the Avro schema.",
            ),
            (
                DISCARD_TYPE_DOC_DEFAULT,
                false,
                "Documentation and defaults of fields only",
                "Whether only documentation and defaults of fields are kept, not those of types.",
            ),
            (
                ALLOW_OPTIONAL_MAP_KEYS,
                false,
                "Optional map keys",
                "Whether a map whose keys are optional strings becomes an Avro map, rather than an \
                 array of entries.",
            ),
            (
                FLATTEN_SINGLETON_UNIONS,
                true,
                "Flatten unions of one",
                "Whether a union of one branch is read as that branch.",
            ),
            (
                IGNORE_DEFAULT_FOR_NULLABLES,
                false,
                "Ignore defaults",
                "Whether a null is written as null where its schema has a default, rather than as that \
                 default.",
            ),
        ];
        let mut def = registry_config_def().clone();
        add_mapping_keys(&mut def, GROUP, &keys);
        def
    });
    &DEF
}

impl RegistryFormat for AvroFormat {
    type Schema = AvroSchema;
    type Reader = AvroReader;
    type Writer = AvroWriter;

    const SCHEMA_TYPE: SchemaType = SchemaType::Avro;

    fn config_def() -> &'static ConfigDef {
        config_def()
    }

    fn new(config: &ParsedConfig, _converter_type: ConverterType) -> Result<Self> {
        Ok(Self {
            data: AvroData::new(AvroDataConfig {
                connect_meta_data: config.boolean(CONNECT_META_DATA)?,
                enhanced_avro_schema_support: config.boolean(ENHANCED_AVRO_SCHEMA_SUPPORT)?,
                generalized_sum_type_support: config.boolean(GENERALIZED_SUM_TYPE_SUPPORT)?,
                scrub_invalid_names: config.boolean(SCRUB_INVALID_NAMES)?,
                discard_type_doc_default: config.boolean(DISCARD_TYPE_DOC_DEFAULT)?,
                allow_optional_map_keys: config.boolean(ALLOW_OPTIONAL_MAP_KEYS)?,
                flatten_singleton_unions: config.boolean(FLATTEN_SINGLETON_UNIONS)?,
                ignore_default_for_nullables: config.boolean(IGNORE_DEFAULT_FOR_NULLABLES)?,
            }),
        })
    }

    fn parse(&self, text: &str, references: &[ResolvedReference]) -> Result<AvroSchema> {
        let references: Vec<&str> = references
            .iter()
            .map(|reference| &*reference.text)
            .collect();
        AvroSchema::parse_with_references(text, &references)
            .map_err(|error| malformed(error.message()).with_cause(error))
    }

    fn derive(&mut self, schema: Option<&SchemaRef>) -> Result<DerivedSchema<AvroSchema>> {
        let schema = self.data.from_connect_schema(schema)?;
        Ok(DerivedSchema {
            text: schema.to_string(),
            schema: Arc::new(schema),
            dependencies: Vec::new(),
        })
    }

    fn record_name(&self, schema: &AvroSchema, _message_indexes: &[i32]) -> Option<String> {
        let root = schema.root();
        matches!(root.kind, AvroKind::Record { .. }).then(|| root.full_name().to_string())
    }

    fn incompatibilities(&self, reader: &AvroSchema, writer: &AvroSchema) -> Vec<String> {
        incompatibilities(reader, writer)
    }

    fn reader(&mut self, spec: &ReaderSpec<'_, AvroSchema>) -> Result<AvroReader> {
        let decoder = match spec.reader_schema {
            Some(reader) => {
                Decoder::with_reader(&mut self.data, spec.schema, reader, spec.version)?
            }
            None => Decoder::new(&mut self.data, spec.schema, spec.version)?,
        };
        Ok(AvroReader { decoder })
    }

    fn writer(
        &mut self,
        connect: Option<&SchemaRef>,
        schema: &Arc<AvroSchema>,
    ) -> Result<AvroWriter> {
        Ok(AvroWriter {
            encoder: Encoder::new(&self.data, connect, schema)?,
        })
    }

    /// A default does not stand in for a null that is the whole value.
    fn null(&self, schema: Option<&Schema>) -> Result<NullValue> {
        match schema {
            Some(schema) if !schema.is_optional() => Err(ConnectError::data(
                "Found null value for non-optional schema",
            )),
            _ => Ok(NullValue::Tombstone),
        }
    }
}

impl FormatReader for AvroReader {
    fn read(&mut self, payload: &Bytes) -> Result<SchemaAndValue> {
        self.decoder.decode_message(payload).map_err(of_library)
    }
}

impl FormatWriter for AvroWriter {
    fn write(&mut self, value: &Value, out: &mut BytesMut) -> Result<()> {
        self.encoder
            .encode_message(value, out)
            .map(drop)
            .map_err(of_library)
    }
}

#[cfg(test)]
mod tests;
