//! The format JSON Schema: `io.confluent.connect.json.JsonSchemaConverter`.

use super::config::add_mapping_keys;
use super::{
    DerivedSchema, FormatReader, FormatWriter, NullValue, ReaderSpec, RegistryFormat, malformed,
    register_format, registry_config_def,
};
use bytes::{Bytes, BytesMut};
use connect_api::config::{
    ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, Validator, Width,
};
use connect_api::data::{Schema, SchemaRef, Value};
use connect_api::json::DecimalFormat;
use connect_api::{ConnectError, ConverterType, Result, SchemaAndValue};
use connect_json_schema::{
    JsonSchema, JsonSchemaDataConfig, SchemaValidator, ValueReader, ValueWriter, derive_schema,
};
use connect_registry::{ResolvedReference, SchemaType};
use std::sync::{Arc, LazyLock};

const GENERALIZED_SUM_TYPE_SUPPORT: &str = "generalized.sum.type.support";
const IGNORE_DEFAULT_FOR_NULLABLES: &str = "ignore.default.for.nullables";
const OBJECT_ADDITIONAL_PROPERTIES: &str = "object.additional.properties";
const USE_OPTIONAL_FOR_NON_REQUIRED: &str = "use.optional.for.nonrequired";
const IGNORE_MODERN_DIALECTS: &str = "ignore.modern.dialects";
const FLATTEN_SINGLETON_UNIONS: &str = "flatten.singleton.unions";
const PRESERVE_ADDITIONAL_PROPERTIES: &str = "preserve.additional.properties";
const FAIL_INVALID_SCHEMA: &str = "json.fail.invalid.schema";
const DECIMAL_FORMAT: &str = "decimal.format";

/// JSON Schemas and data under the settings of one converter.
#[derive(Debug)]
pub struct JsonSchemaFormat {
    data: JsonSchemaDataConfig,
    fail_invalid_schema: bool,
}

register_format!(
    "io.confluent.connect.json.JsonSchemaConverter",
    JsonSchemaFormat
);

/// Reads records of one schema.
#[derive(Debug)]
pub struct JsonSchemaReader {
    reader: ValueReader,
    validator: Option<SchemaValidator>,
}

/// Writes values of one Connect schema.
#[derive(Debug)]
pub struct JsonSchemaWriter {
    writer: ValueWriter,
    validator: Option<SchemaValidator>,
}

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        const GROUP: &str = "JSON Schema Mapping";
        let keys = [
            (
                GENERALIZED_SUM_TYPE_SUPPORT,
                false,
                "General enums and unions",
                "Whether enums and unions are marked in the way that Avro and Protobuf understand as \
                 well.",
            ),
            (
                IGNORE_DEFAULT_FOR_NULLABLES,
                false,
                "Ignore defaults",
                "Whether a null is written as null where its schema has a default, rather than as that \
                 default.",
            ),
            (
                OBJECT_ADDITIONAL_PROPERTIES,
                true,
                "Additional properties",
                "Whether the schemas of structs allow properties beside their fields.",
            ),
            (
                USE_OPTIONAL_FOR_NON_REQUIRED,
                false,
                "Optional if not required",
                "Whether properties that are not among the required ones become optional fields.",
            ),
            (
                IGNORE_MODERN_DIALECTS,
                false,
                "Ignore modern dialects",
                "Whether schemas of drafts after 7 are read as of draft 7. Here all are read by the same \
                 rules, so it changes nothing.",
            ),
            (
                FLATTEN_SINGLETON_UNIONS,
                true,
                "Flatten unions of one",
                "Whether a combination of one schema is read as that schema.",
            ),
            (
                PRESERVE_ADDITIONAL_PROPERTIES,
                false,
                "Preserve additional properties",
                "Whether properties that the schema does not name are kept as Variants. Not supported \
                 yet: refused while it is true.",
            ),
            (
                FAIL_INVALID_SCHEMA,
                false,
                "Validate data",
                "Whether data is checked against its schema after it is written and before it is read, \
                 as costly as parsing it once more.",
            ),
        ];
        let mut def = registry_config_def().clone();
        let order = add_mapping_keys(&mut def, GROUP, &keys);
        def.add(
            ConfigKey::new(DECIMAL_FORMAT, ConfigType::String)
                .default("BASE64")
                .validator(Validator::CaseInsensitiveValidString(&["NUMERIC", "BASE64"]))
                .importance(Importance::Low)
                .doc(
                    "How decimals are written: BASE64, as the bytes of the unscaled value, or NUMERIC, \
                     as numbers. Upper and lower case count alike. Both are read.",
                )
                .group(GROUP, order, Width::Medium, "Decimals"),
        );
        def
    });
    &DEF
}

impl JsonSchemaFormat {
    fn validator(&self, schema: &JsonSchema) -> Result<Option<SchemaValidator>> {
        self.fail_invalid_schema
            .then(|| SchemaValidator::new(schema))
            .transpose()
            .map_err(unusable)
    }
}

/// What the check of `json.fail.invalid.schema` refuses is an error of the serializer or deserializer.
fn unusable(error: ConnectError) -> ConnectError {
    malformed(format!(
        "{}; set {FAIL_INVALID_SCHEMA}=false to let it pass",
        error.message()
    ))
}

impl RegistryFormat for JsonSchemaFormat {
    type Schema = JsonSchema;
    type Reader = JsonSchemaReader;
    type Writer = JsonSchemaWriter;

    const SCHEMA_TYPE: SchemaType = SchemaType::Json;

    fn config_def() -> &'static ConfigDef {
        config_def()
    }

    fn new(config: &ParsedConfig, _converter_type: ConverterType) -> Result<Self> {
        // To ignore it would drop data that it keeps.
        if config.boolean(PRESERVE_ADDITIONAL_PROPERTIES)? {
            return Err(ConnectError::config(format!(
                "Invalid value true for configuration {PRESERVE_ADDITIONAL_PROPERTIES}: \
                 JsonSchemaConverter does not support it yet; set it to false, or remove it"
            )));
        }
        let is_numeric = config
            .string(DECIMAL_FORMAT)?
            .eq_ignore_ascii_case("NUMERIC");
        Ok(Self {
            data: JsonSchemaDataConfig {
                generalized_sum_type_support: config.boolean(GENERALIZED_SUM_TYPE_SUPPORT)?,
                ignore_default_for_nullables: config.boolean(IGNORE_DEFAULT_FOR_NULLABLES)?,
                object_additional_properties: config.boolean(OBJECT_ADDITIONAL_PROPERTIES)?,
                use_optional_for_nonrequired: config.boolean(USE_OPTIONAL_FOR_NON_REQUIRED)?,
                decimal_format: if is_numeric {
                    DecimalFormat::Numeric
                } else {
                    DecimalFormat::Base64
                },
                flatten_singleton_unions: config.boolean(FLATTEN_SINGLETON_UNIONS)?,
            },
            fail_invalid_schema: config.boolean(FAIL_INVALID_SCHEMA)?,
        })
    }

    fn parse(&self, text: &str, references: &[ResolvedReference]) -> Result<JsonSchema> {
        let references = references
            .iter()
            .map(|reference| (reference.name.as_str(), &*reference.text));
        JsonSchema::parse(text, references)
            .map_err(|error| malformed(error.message()).with_cause(error))
    }

    fn derive(&mut self, schema: Option<&SchemaRef>) -> Result<DerivedSchema<JsonSchema>> {
        let schema = schema.ok_or_else(|| {
            malformed(
                "The record has no schema, and data without one has no JSON schema; use a connector or \
                 transform that gives it a schema, or JsonConverter with schemas.enable=false",
            )
        })?;
        let schema = derive_schema(schema, &self.data)?;
        Ok(DerivedSchema {
            text: schema.canonical_text(),
            schema: Arc::new(schema),
            dependencies: Vec::new(),
        })
    }

    fn record_name(&self, schema: &JsonSchema, _message_indexes: &[i32]) -> Option<String> {
        schema.name().map(str::to_string)
    }

    fn incompatibilities(&self, reader: &JsonSchema, writer: &JsonSchema) -> Vec<String> {
        reader.incompatibilities_with(writer)
    }

    /// JSON says by itself what it holds: the reader's schema, if there is one, is all that counts.
    fn reader(&mut self, spec: &ReaderSpec<'_, JsonSchema>) -> Result<JsonSchemaReader> {
        let schema = spec.reader_schema.unwrap_or(spec.schema);
        let connect = schema.to_connect(&self.data, spec.version)?;
        Ok(JsonSchemaReader {
            reader: ValueReader::new(&connect),
            validator: self.validator(schema)?,
        })
    }

    /// Values are written as their Connect schema says, whatever the registry holds.
    fn writer(
        &mut self,
        connect: Option<&SchemaRef>,
        schema: &Arc<JsonSchema>,
    ) -> Result<JsonSchemaWriter> {
        let connect = connect.ok_or_else(|| malformed("The record has no schema"))?;
        Ok(JsonSchemaWriter {
            writer: ValueWriter::new(connect, &self.data),
            validator: self.validator(schema)?,
        })
    }

    /// A null of an optional schema is written as JSON's null, as Confluent's converter does.
    fn null(&self, schema: Option<&Schema>) -> Result<NullValue> {
        let Some(schema) = schema else {
            return Ok(NullValue::Tombstone);
        };
        let has_default =
            schema.default_value().is_some() && !self.data.ignore_default_for_nullables;
        Ok(if has_default || schema.is_optional() {
            NullValue::Written
        } else {
            NullValue::Tombstone
        })
    }
}

impl FormatReader for JsonSchemaReader {
    fn read(&mut self, payload: &Bytes) -> Result<SchemaAndValue> {
        if let Some(validator) = &self.validator {
            validator.validate(payload).map_err(unusable)?;
        }
        let value = self.reader.read(payload).map_err(|error| {
            // What the mapping refuses has Connect's classes, a text that is not JSON has Jackson's.
            if error.class().starts_with("org.apache.kafka.") {
                error
            } else {
                malformed("Error deserializing JSON message").with_cause(error)
            }
        })?;
        Ok(SchemaAndValue {
            schema: Some(self.reader.schema().clone()),
            value,
        })
    }
}

impl FormatWriter for JsonSchemaWriter {
    fn write(&mut self, value: &Value, out: &mut BytesMut) -> Result<()> {
        let start = out.len();
        if !self.writer.write(value, out)? {
            return Err(ConnectError::data(
                "None of the fields of the union is set, and its schema does not allow null",
            ));
        }
        match &self.validator {
            Some(validator) => validator.validate(&out[start..]).map_err(unusable),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::config::ConfigMap;
    use connect_api::data::Struct;

    fn format(entries: &[(&str, &str)]) -> Result<JsonSchemaFormat> {
        let config: ConfigMap = [("schema.registry.url", "http://127.0.0.1:1")]
            .into_iter()
            .chain(entries.iter().copied())
            .collect();
        JsonSchemaFormat::new(&config_def().parse(&config)?, ConverterType::Value)
    }

    #[test]
    fn a_struct_goes_there_and_back() {
        let mut format = format(&[]).unwrap();
        let schema = Schema::struct_builder()
            .name("flight")
            .field("id", Schema::int32())
            .field("from", Schema::optional_string())
            .build()
            .unwrap();
        let derived = format.derive(Some(&schema)).unwrap();
        assert_eq!(
            format.record_name(&derived.schema, &[0]).as_deref(),
            Some("flight")
        );
        let parsed = format.parse(&derived.text, &[]).unwrap();
        assert_eq!(&parsed, &*derived.schema);
        let mut record = Struct::new(schema.clone()).unwrap();
        record.put("id", Value::Int32(5)).unwrap();
        let value = Value::Struct(Box::new(record));
        let mut out = BytesMut::from(&b"before"[..]);
        let mut writer = format.writer(Some(&schema), &derived.schema).unwrap();
        writer.write(&value, &mut out).unwrap();
        assert_eq!(&out[..], b"before{\"id\":5,\"from\":null}");
        let spec = ReaderSpec {
            schema: &derived.schema,
            reader_schema: None,
            version: None,
            message_indexes: &[0],
        };
        let mut reader = format.reader(&spec).unwrap();
        let read = reader
            .read(&Bytes::from_static(b"{\"id\":5,\"from\":null}"))
            .unwrap();
        assert_eq!(read.value, value);
        assert_eq!(read.schema.as_ref(), Some(&schema));
        let error = reader.read(&Bytes::from_static(b"{\"id\":")).unwrap_err();
        assert_eq!(error.class(), crate::SERIALIZATION_EXCEPTION);
        let error = reader.read(&Bytes::from_static(b"5")).unwrap_err();
        assert_eq!(
            error.message(),
            "Structs should be encoded as JSON objects, but found NUMBER"
        );
    }

    #[test]
    fn nulls_are_tombstones_only_where_nothing_else_stands_for_them() {
        let default = Schema::builder(connect_api::data::SchemaType::Int32)
            .default_value(Value::Int32(1))
            .build()
            .unwrap();
        let kinds = |format: &JsonSchemaFormat| {
            [
                None,
                Some(Schema::int32()),
                Some(Schema::optional_string()),
                Some(default.clone()),
            ]
            .map(|schema| format.null(schema.as_deref()).unwrap())
        };
        use NullValue::{Tombstone, Written};
        assert_eq!(
            kinds(&format(&[]).unwrap()),
            [Tombstone, Tombstone, Written, Written]
        );
        let ignoring = format(&[(IGNORE_DEFAULT_FOR_NULLABLES, "true")]).unwrap();
        assert_eq!(kinds(&ignoring), [Tombstone, Tombstone, Written, Tombstone]);
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let error = format(&[(PRESERVE_ADDITIONAL_PROPERTIES, "true")]).unwrap_err();
        let message = error.message();
        assert!(message.contains(PRESERVE_ADDITIONAL_PROPERTIES), "{error}");
        assert!(format(&[(DECIMAL_FORMAT, "numeric")]).is_ok());
        assert!(format(&[(DECIMAL_FORMAT, "octal")]).is_err());
        let mut format = format(&[]).unwrap();
        assert_eq!(
            format.derive(None).unwrap_err().class(),
            crate::SERIALIZATION_EXCEPTION
        );
    }
    #[test]
    fn data_is_checked_on_request_both_ways() {
        let schema = Schema::struct_builder()
            .name("flight")
            .field("id", Schema::int32())
            .build()
            .unwrap();
        let text = r#"{"type":"object","properties":{"id":{"type":"integer","maximum":9}}}"#;
        for (is_checked, id, is_good) in
            [("true", 9, true), ("true", 10, false), ("false", 10, true)]
        {
            let mut format = format(&[(FAIL_INVALID_SCHEMA, is_checked)]).unwrap();
            let registered = Arc::new(format.parse(text, &[]).unwrap());
            let mut record = Struct::new(schema.clone()).unwrap();
            record.put("id", Value::Int32(id)).unwrap();
            let mut out = BytesMut::from(&b"before"[..]);
            let mut writer = format.writer(Some(&schema), &registered).unwrap();
            let written = writer.write(&Value::Struct(Box::new(record)), &mut out);
            let spec = ReaderSpec {
                schema: &registered,
                reader_schema: None,
                version: None,
                message_indexes: &[0],
            };
            let payload = Bytes::from(format!("{{\"id\":{id}}}"));
            let read = format.reader(&spec).unwrap().read(&payload);
            assert_eq!(
                (written.is_ok(), read.is_ok()),
                (is_good, is_good),
                "{is_checked} {id}"
            );
            for error in [written.err(), read.err()].into_iter().flatten() {
                assert_eq!(error.class(), crate::SERIALIZATION_EXCEPTION);
                let message = error.message();
                assert!(
                    message.contains("at /id") && message.contains(FAIL_INVALID_SCHEMA),
                    "{message}"
                );
            }
        }
    }
}
