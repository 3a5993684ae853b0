//! Schemas mapped between Avro and Connect.

mod anything;
mod default_value;
mod draft;
mod from_connect;
mod to_connect;

use crate::config::AvroDataConfig;
use crate::names::{scrub_full_name, split_name};
use crate::schema::{AvroSchema, AvroType};
use connect_api::data::{Schema, SchemaRef, SchemaType};
use connect_api::{ConnectError, Result};

pub(crate) use anything::{anything_schema, is_anything};
pub(crate) use default_value::default_value;
pub(crate) use to_connect::plain_branch;

pub(crate) const NAMESPACE: &str = "io.confluent.connect.avro";
pub(crate) const MAP_ENTRY: &str = "MapEntry";
pub(crate) const KEY_FIELD: &str = "key";
pub(crate) const VALUE_FIELD: &str = "value";

pub(crate) const AVRO_UNION: &str = "io.confluent.connect.avro.Union";
pub(crate) const AVRO_ENUM: &str = "io.confluent.connect.avro.Enum";
pub(crate) const GENERALIZED_UNION: &str = "org.apache.kafka.connect.data.Union";
pub(crate) const GENERALIZED_ENUM: &str = "org.apache.kafka.connect.data.Enum";
pub(crate) const VARIANT: &str = "org.apache.kafka.connect.data.Variant";
pub(crate) const FIXED_SIZE: &str = "connect.fixed.size";

const DEFAULT_SCHEMA_FULL_NAME: &str = "io.confluent.connect.avro.ConnectDefault";
const UNION_FIELD_PREFIX: &str = "connect_union_field_";
const CONNECT_NAME: &str = "connect.name";
const CONNECT_DOC: &str = "connect.doc";
const CONNECT_RECORD_DOC: &str = "connect.record.doc";
const CONNECT_ENUM_DOC: &str = "connect.enum.doc";
const CONNECT_VERSION: &str = "connect.version";
const CONNECT_DEFAULT: &str = "connect.default";
const CONNECT_PARAMETERS: &str = "connect.parameters";
const CONNECT_INTERNAL_TYPE: &str = "connect.internal.type";
const CONNECT_TYPE: &str = "connect.type";
const RECORD_DOC: &str = "io.confluent.connect.avro.record.doc";
const ENUM_DOC_PREFIX: &str = "io.confluent.connect.avro.enum.doc.";
const ENUM_DEFAULT_PREFIX: &str = "io.confluent.connect.avro.enum.default.";
const FIELD_DOC_PREFIX: &str = "io.confluent.connect.avro.field.doc.";
const FIELD_DEFAULT_FLAG: &str = "io.confluent.connect.avro.field.default";
const LOGICAL_TYPE: &str = "logicalType";
const DECIMAL_PRECISION: &str = "connect.decimal.precision";
const DEFAULT_PRECISION: i64 = 64;
/// Properties and parameters whose names start so are carried over in both directions.
const AVRO_PREFIX: &str = "avro";

/// Maps schemas. One instance serves one converter: it counts the unions of
/// `generalized.sum.type.support`. It keeps no schemas; whoever calls it keeps what it returns.
#[derive(Debug, Default)]
pub struct AvroData {
    config: AvroDataConfig,
    num_unions: u32,
}

impl AvroData {
    /// A mapping with the given settings.
    pub fn new(config: AvroDataConfig) -> Self {
        Self {
            config,
            num_unions: 0,
        }
    }

    /// The settings.
    pub fn config(&self) -> &AvroDataConfig {
        &self.config
    }

    /// The Connect schema of an Avro schema; `None` for the one that stands for schemaless data.
    ///
    /// `version` is the registry's version of the schema; a `connect.version` in the schema counts more.
    /// Errors: the schema has no counterpart in Connect, or would have too many parts.
    pub fn to_connect_schema(
        &mut self,
        schema: &AvroSchema,
        version: Option<i32>,
    ) -> Result<Option<SchemaRef>> {
        if is_anything(schema) {
            return Ok(None);
        }
        to_connect::to_connect_schema(&self.config, &mut self.num_unions, schema, version).map(Some)
    }

    /// The Avro schema for a Connect schema; `None` is schemaless data.
    ///
    /// Errors: a name that Avro does not allow (unless `scrub.invalid.names` is set), or a schema that
    /// Avro cannot express.
    pub fn from_connect_schema(&self, schema: Option<&SchemaRef>) -> Result<AvroSchema> {
        match schema {
            None => Ok(anything_schema().clone()),
            Some(schema) => from_connect::from_connect_schema(&self.config, schema),
        }
    }
}

/// Whether a struct stands for a union.
pub(crate) fn is_union(schema: &Schema) -> bool {
    schema.name() == Some(AVRO_UNION) || schema.parameter(GENERALIZED_UNION).is_some()
}

/// Whether a string stands for an enum.
pub(crate) fn is_enum(schema: &Schema) -> bool {
    schema.schema_type() == SchemaType::String
        && (schema.parameter(GENERALIZED_ENUM).is_some() || schema.parameter(AVRO_ENUM).is_some())
}

/// Whether bytes stand for a fixed.
pub(crate) fn is_fixed(schema: &Schema) -> bool {
    schema.schema_type() == SchemaType::Bytes
        && schema.name().is_some()
        && schema.parameter(FIXED_SIZE).is_some()
}

/// The size of a fixed.
pub(crate) fn fixed_size(schema: &Schema) -> Result<usize> {
    let text = schema.parameter(FIXED_SIZE).unwrap_or_default();
    text.parse().map_err(|_| {
        ConnectError::data(format!(
            "The schema parameter {FIXED_SIZE} must be a number of bytes but is \"{text}\""
        ))
    })
}

/// Whether a map has a counterpart in Avro, whose keys are strings.
pub(crate) fn has_string_keys(config: &AvroDataConfig, schema: &Schema) -> Result<bool> {
    Ok(schema.key_schema()?.is_some_and(|key| {
        key.schema_type() == SchemaType::String
            && (!key.is_optional() || config.allow_optional_map_keys)
    }))
}

/// Whether a record holds key and value of a map entry.
pub(crate) fn is_map_entry(avro_type: &AvroType) -> bool {
    let is_default_name = avro_type
        .name
        .as_ref()
        .is_some_and(|name| name.namespace() == Some(NAMESPACE) && name.simple() == MAP_ENTRY);
    let is_record = matches!(avro_type.kind, crate::AvroKind::Record { .. });
    is_record
        && (is_default_name || avro_type.string_prop(CONNECT_INTERNAL_TYPE) == Some(MAP_ENTRY))
}

/// Whether a record is a Variant of the registry's own types.
pub(crate) fn is_variant(schema: &AvroSchema, avro_type: &AvroType) -> bool {
    let is_bytes =
        |field: &crate::AvroField| schema.get(field.type_id).kind == crate::AvroKind::Bytes;
    avro_type.string_prop(LOGICAL_TYPE) == Some("variant")
        && matches!(avro_type.fields(), [a, b] if is_bytes(a) && is_bytes(b)
            && [&*a.name, &*b.name].contains(&"metadata") && [&*a.name, &*b.name].contains(&"value"))
}

/// The name of the member of a union struct that stands for a branch.
fn union_member_name(config: &AvroDataConfig, branch: &AvroType, index: usize) -> String {
    if config.generalized_sum_type_support {
        return format!("{UNION_FIELD_PREFIX}{index}");
    }
    match &branch.name {
        Some(name) if config.enhanced_avro_schema_support => name.full().to_string(),
        Some(name) => split_name(name.simple(), config.scrub_invalid_names).1,
        None => branch.type_name().to_string(),
    }
}

/// The full name that Avro knows a Connect name by.
fn avro_full_name<'a>(config: &AvroDataConfig, name: &'a str) -> std::borrow::Cow<'a, str> {
    scrub_full_name(name, config.scrub_invalid_names)
}

#[cfg(test)]
mod tests;
