//! What a format of Schema Registry brings to the converter over it.

use bytes::{Bytes, BytesMut};
use connect_api::config::{ConfigDef, ParsedConfig};
use connect_api::data::{Schema, SchemaRef, Value};
use connect_api::{ConnectError, ConverterType, Result, SchemaAndValue};
use connect_registry::{ResolvedReference, SchemaType};
use std::sync::Arc;

/// Avro, Protobuf or JSON Schema: how its schemas and data become Connect's and back.
///
/// [`RegistryConverter`](super::RegistryConverter) does the rest: ids and framing, subjects, the
/// registry with its errors, caches of readers and writers. A format sees neither network nor frame.
///
/// Order of calls: [`RegistryFormat::new`] once for each converter; then, whenever a schema is met that
/// was not seen before,
///
/// - on the way in: `parse` of the writer's schema, `record_name` if the subject needs it, `reader`;
///   then [`FormatReader::read`] for each record;
/// - on the way out: `derive`, `record_name` if the subject needs it, `parse` if the registry holds
///   another text than the derived one, `incompatibilities` if a check is due, `writer`; then
///   [`FormatWriter::write`] for each record.
///
/// Schemas, readers and writers are made on the cold path and may cost what they need; `read` and
/// `write` run for every record and allocate nothing beyond the value. Readers and writers are kept in
/// a cache with bounds and dropped when they were not used for long.
///
/// # Errors
///
/// An error whose class is `org.apache.kafka.common.errors.SerializationException`
/// ([`malformed`] makes one) says that bytes or a value do not fit the schema of the registry: the
/// converter puts it below Confluent's `Failed to deserialize data for topic T to Avro:` and the like.
/// Every other error, such as `DataException` of the mapping to Connect data, reaches the user as it
/// is, as it does in Java. Neither schema texts nor data may make any of these calls panic or
/// recurse without bound.
pub trait RegistryFormat: Send + Sized + 'static {
    /// A schema of the registry, parsed.
    type Schema: Send + Sync + 'static;
    /// Turns bytes that were written with one schema into Connect data.
    type Reader: FormatReader;
    /// Turns values of one Connect schema into bytes of one schema of the registry.
    type Writer: FormatWriter;

    /// The language of the schemas.
    const SCHEMA_TYPE: SchemaType;

    /// Every setting of the converter: the format's own keys added to
    /// [`registry_config_def`](super::registry_config_def).
    fn config_def() -> &'static ConfigDef;

    /// Takes the settings, parsed with `config_def`. An error of kind
    /// [`Config`](connect_api::ErrorKind::Config) fails the task.
    fn new(config: &ParsedConfig, converter_type: ConverterType) -> Result<Self>;

    /// Parses a schema of the registry. `references` holds all that it imports, directly or through
    /// others, each once, those without imports of their own first.
    fn parse(&self, text: &str, references: &[ResolvedReference]) -> Result<Self::Schema>;

    /// The registry's schema for values of a Connect schema; `None` is schemaless data.
    fn derive(&mut self, schema: Option<&SchemaRef>) -> Result<DerivedSchema<Self::Schema>>;

    /// The full name for the subject name strategies that go by it; `None` if the schema is not of a
    /// record. `message_indexes` are those of the frame (`[0]` if it has none).
    fn record_name(&self, schema: &Self::Schema, message_indexes: &[i32]) -> Option<String>;

    /// Why data written with `writer` could not be read with `reader`; empty if it can be. Asked for
    /// `latest.compatibility.strict` and `id.compatibility.strict`.
    fn incompatibilities(&self, reader: &Self::Schema, writer: &Self::Schema) -> Vec<String>;

    /// Compiles a reader.
    fn reader(&mut self, spec: &ReaderSpec<'_, Self::Schema>) -> Result<Self::Reader>;

    /// Compiles a writer of values of `connect` (`None`: schemaless) into data of `schema`, which is
    /// the derived one or what the registry holds instead of it (`use.schema.id`,
    /// `use.latest.version`, a normalized text).
    fn writer(
        &mut self,
        connect: Option<&SchemaRef>,
        schema: &Arc<Self::Schema>,
    ) -> Result<Self::Writer>;

    /// What becomes of a null. The registry is not asked for a tombstone.
    ///
    /// Unless a format says otherwise: a tombstone if there is no schema or an optional one, the
    /// default value if the schema has one, and else the error
    /// `Found null value for non-optional schema`.
    fn null(&self, schema: Option<&Schema>) -> Result<NullValue> {
        match schema {
            None => Ok(NullValue::Tombstone),
            Some(schema) if schema.is_optional() => Ok(NullValue::Tombstone),
            Some(schema) if schema.default_value().is_some() => Ok(NullValue::Written),
            Some(_) => Err(ConnectError::data(
                "Found null value for non-optional schema",
            )),
        }
    }
}

/// Reads records of one schema.
pub trait FormatReader: Send + 'static {
    /// Turns the bytes after the frame into Connect data. Texts and bytes of the value may be slices of
    /// `payload`.
    fn read(&mut self, payload: &Bytes) -> Result<SchemaAndValue>;
}

/// Writes records of one pair of schemas.
pub trait FormatWriter: Send + 'static {
    /// Appends the bytes of a value to `out`, which holds other data already. `value` is null only if
    /// [`RegistryFormat::null`] answered [`NullValue::Written`]. After an error the caller truncates
    /// `out`.
    ///
    /// The value has the Connect schema that the writer was compiled for, or one that equals it.
    fn write(&mut self, value: &Value, out: &mut BytesMut) -> Result<()>;

    /// The path to the message within its file, for the frame; `None` for formats whose frames have
    /// none.
    fn message_indexes(&self) -> Option<&[i32]> {
        None
    }
}

/// What a reader is compiled from.
#[derive(Debug)]
pub struct ReaderSpec<'a, S> {
    /// The schema that the data was written with.
    pub schema: &'a Arc<S>,
    /// The schema that the data shall be read as, where `use.latest.version` or
    /// `use.latest.with.metadata` asks for one; else the data is read as it was written.
    pub reader_schema: Option<&'a Arc<S>>,
    /// The version of the writer's schema under its subject, which becomes the version of the Connect
    /// schema unless that brings its own.
    pub version: Option<i32>,
    /// The path to the message within its file; `[0]` if the frame has none.
    pub message_indexes: &'a [i32],
}

/// The registry's schema for a Connect schema.
#[derive(Debug)]
pub struct DerivedSchema<S> {
    /// The schema, as `parse` would have made it of the text.
    pub schema: Arc<S>,
    /// The text to register.
    pub text: String,
    /// What the text imports, to be registered before it; mostly nothing.
    pub dependencies: Vec<Dependency>,
}

/// A schema that a derived one imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The name under which it is imported.
    pub name: String,
    /// The subject to register it under.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// What it imports itself.
    pub dependencies: Vec<Dependency>,
    /// Whether it is only looked up, even under `auto.register.schemas`.
    pub lookup_only: bool,
}

/// What becomes of a null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullValue {
    /// Kafka's null.
    Tombstone,
    /// The writer writes something for it, such as the default value.
    Written,
}

/// The error of bytes or values that do not fit the schema of the registry.
pub fn malformed(message: impl Into<String>) -> ConnectError {
    ConnectError::data(message).with_class(crate::SERIALIZATION_EXCEPTION)
}
