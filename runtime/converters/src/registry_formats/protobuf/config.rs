//! The settings of the converter beyond those of the registry.

use crate::registry_formats::config::{add_mapping_keys, registry_config_def};
use connect_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, Width};
use connect_api::{ConnectError, Result};
use connect_protobuf::DataOptions;
use std::sync::LazyLock;

const GENERALIZED_SUM_TYPE_SUPPORT: &str = "generalized.sum.type.support";
const IGNORE_DEFAULT_FOR_NULLABLES: &str = "ignore.default.for.nullables";
const ENHANCED_PROTOBUF_SCHEMA_SUPPORT: &str = "enhanced.protobuf.schema.support";
const SCRUB_INVALID_NAMES: &str = "scrub.invalid.names";
const INT_FOR_ENUMS: &str = "int.for.enums";
const OPTIONAL_FOR_NULLABLES: &str = "optional.for.nullables";
const OPTIONAL_FOR_PROTO2: &str = "optional.for.proto2";
const WRAPPER_FOR_NULLABLES: &str = "wrapper.for.nullables";
const WRAPPER_FOR_RAW_PRIMITIVES: &str = "wrapper.for.raw.primitives";
const GENERATE_STRUCT_FOR_NULLS: &str = "generate.struct.for.nulls";
const GENERATE_INDEX_FOR_UNIONS: &str = "generate.index.for.unions";
const FLATTEN_UNIONS: &str = "flatten.unions";
const REFERENCE_LOOKUP_ONLY: &str = "reference.lookup.only";
const SKIP_KNOWN_TYPES: &str = "skip.known.types";
const REFERENCE_SUBJECT_NAME_STRATEGY: &str = "reference.subject.name.strategy";

const DEFAULT_STRATEGY: &str =
    "io.confluent.kafka.serializers.subject.DefaultReferenceSubjectNameStrategy";
const QUALIFIED_STRATEGY: &str =
    "io.confluent.kafka.serializers.subject.QualifiedReferenceSubjectNameStrategy";

/// The definition under the class name of the converter.
pub(super) fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        let def = mapping(registry_config_def().clone());
        references(def)
    });
    &DEF
}

fn mapping(mut def: ConfigDef) -> ConfigDef {
    const GROUP: &str = "Protobuf Mapping";
    let keys = [
        (
            ENHANCED_PROTOBUF_SCHEMA_SUPPORT,
            false,
            "Full names",
            "Whether names of Connect schemas keep the package of messages and enums.",
        ),
        (
            GENERALIZED_SUM_TYPE_SUPPORT,
            false,
            "General enums and unions",
            "Whether enums and oneofs are marked in the way that Avro and JSON Schema understand as \
             well.",
        ),
        (
            IGNORE_DEFAULT_FOR_NULLABLES,
            false,
            "Ignore defaults",
            "Whether a null is left out where its schema has a default, rather than written as that \
             default.",
        ),
        (
            SCRUB_INVALID_NAMES,
            false,
            "Scrub names",
            "Whether names that Protobuf does not allow are written with valid characters in place of \
             the others.",
        ),
        (
            INT_FOR_ENUMS,
            false,
            "Enums as numbers",
            "Whether enums are read as their numbers and not as their names.",
        ),
        (
            OPTIONAL_FOR_NULLABLES,
            false,
            "Labels for nullables",
            "Whether fields that may be null are those with the label optional.",
        ),
        (
            OPTIONAL_FOR_PROTO2,
            true,
            "Nulls in proto2",
            "Whether an unset optional field of proto2 is read as null and not as its default.",
        ),
        (
            WRAPPER_FOR_NULLABLES,
            false,
            "Wrappers for nullables",
            "Whether fields that may be null are those of wrapper messages such as StringValue.",
        ),
        (
            WRAPPER_FOR_RAW_PRIMITIVES,
            true,
            "Unwrap primitives",
            "Whether a wrapper message such as StringValue is read as the value in it, also as a \
             whole record.",
        ),
        (
            GENERATE_STRUCT_FOR_NULLS,
            false,
            "Structs for nulls",
            "Whether a message that is not set is read as one in which nothing is set, and not as \
             null.",
        ),
        (
            GENERATE_INDEX_FOR_UNIONS,
            true,
            "Indexes of oneofs",
            "Whether the field for a oneof has the index of the oneof at the end of its name.",
        ),
        (
            FLATTEN_UNIONS,
            false,
            "Flatten oneofs",
            "Whether the members of a oneof are read as fields of the message itself.",
        ),
    ];
    add_mapping_keys(&mut def, GROUP, &keys);
    def
}

fn references(def: ConfigDef) -> ConfigDef {
    const GROUP: &str = "Protobuf References";
    def.define(
        ConfigKey::new(SKIP_KNOWN_TYPES, ConfigType::Boolean)
            .default(true)
            .importance(Importance::Low)
            .doc("Whether imports that everybody knows are registered without a reference to them.")
            .group(GROUP, 0, Width::Medium, "Skip known types"),
    )
    .define(
        ConfigKey::new(REFERENCE_LOOKUP_ONLY, ConfigType::Boolean)
            .default(false)
            .importance(Importance::Medium)
            .doc("Whether imported schemas are only looked up, whatever else is registered.")
            .group(GROUP, 1, Width::Medium, "Look references up"),
    )
    .define(
        ConfigKey::new(REFERENCE_SUBJECT_NAME_STRATEGY, ConfigType::String)
            .default(DEFAULT_STRATEGY)
            .importance(Importance::Low)
            .doc(
                "The class that names the subject of an imported schema: \
                 DefaultReferenceSubjectNameStrategy takes the name of the import, \
                 QualifiedReferenceSubjectNameStrategy puts dots in place of its slashes and drops the \
                 ending.",
            )
            .group(GROUP, 2, Width::Long, "Subjects of references"),
    )
}

/// The settings, read.
pub(super) struct ProtobufConfig {
    pub options: DataOptions,
    pub skip_known_types: bool,
    pub lookup_only: bool,
    is_qualified: bool,
}

impl ProtobufConfig {
    pub(super) fn new(config: &ParsedConfig) -> Result<Self> {
        let strategy = config.string(REFERENCE_SUBJECT_NAME_STRATEGY)?;
        let is_qualified = match strategy {
            QUALIFIED_STRATEGY => true,
            DEFAULT_STRATEGY => false,
            other => {
                return Err(ConnectError::config(format!(
                    "Invalid value {other} for configuration {REFERENCE_SUBJECT_NAME_STRATEGY}: Class \
                     {other} could not be found. Built in are {DEFAULT_STRATEGY} and \
                     {QUALIFIED_STRATEGY}."
                )));
            }
        };
        Ok(Self {
            options: DataOptions {
                enhanced_schema_support: config.boolean(ENHANCED_PROTOBUF_SCHEMA_SUPPORT)?,
                generalized_sum_type_support: config.boolean(GENERALIZED_SUM_TYPE_SUPPORT)?,
                ignore_default_for_nullables: config.boolean(IGNORE_DEFAULT_FOR_NULLABLES)?,
                scrub_invalid_names: config.boolean(SCRUB_INVALID_NAMES)?,
                int_for_enums: config.boolean(INT_FOR_ENUMS)?,
                optional_for_nullables: config.boolean(OPTIONAL_FOR_NULLABLES)?,
                optional_for_proto2: config.boolean(OPTIONAL_FOR_PROTO2)?,
                wrapper_for_nullables: config.boolean(WRAPPER_FOR_NULLABLES)?,
                wrapper_for_raw_primitives: config.boolean(WRAPPER_FOR_RAW_PRIMITIVES)?,
                generate_struct_for_nulls: config.boolean(GENERATE_STRUCT_FOR_NULLS)?,
                generate_index_for_unions: config.boolean(GENERATE_INDEX_FOR_UNIONS)?,
                flatten_unions: config.boolean(FLATTEN_UNIONS)?,
            },
            skip_known_types: config.boolean(SKIP_KNOWN_TYPES)?,
            lookup_only: config.boolean(REFERENCE_LOOKUP_ONLY)?,
            is_qualified,
        })
    }

    /// The subject of an imported schema.
    pub(super) fn reference_subject(&self, import: &str) -> String {
        if self.is_qualified {
            import.replace(".proto", "").replace('/', ".")
        } else {
            import.to_string()
        }
    }
}
