//! The choices of the mapping, and the names of the schema parameters that it reads and writes.

/// How schemas and values are mapped: the settings of `ProtobufDataConfig` under their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DataOptions {
    /// `enhanced.protobuf.schema.support`: schema names keep the package.
    pub enhanced_schema_support: bool,
    /// `generalized.sum.type.support`: enums and oneofs are marked in the way that all formats share.
    pub generalized_sum_type_support: bool,
    /// `ignore.default.for.nullables`: a null is written as null where the schema has a default.
    pub ignore_default_for_nullables: bool,
    /// `scrub.invalid.names`: names that Protobuf does not allow are replaced.
    pub scrub_invalid_names: bool,
    /// `int.for.enums`: enums are read as their numbers.
    pub int_for_enums: bool,
    /// `optional.for.nullables`: fields that may be null are those with the label `optional`.
    pub optional_for_nullables: bool,
    /// `optional.for.proto2`: an unset `optional` field of proto2 is read as null, not as its default.
    pub optional_for_proto2: bool,
    /// `wrapper.for.nullables`: fields that may be null are those of wrapper messages.
    pub wrapper_for_nullables: bool,
    /// `wrapper.for.raw.primitives`: wrapper messages are read as the value in them.
    pub wrapper_for_raw_primitives: bool,
    /// `generate.struct.for.nulls`: an unset message is read as one with nothing set.
    pub generate_struct_for_nulls: bool,
    /// `generate.index.for.unions`: the field of a oneof has the index of the oneof in its name.
    pub generate_index_for_unions: bool,
    /// `flatten.unions`: the members of a oneof are fields of the message itself.
    pub flatten_unions: bool,
}

impl Default for DataOptions {
    fn default() -> Self {
        Self {
            enhanced_schema_support: false,
            generalized_sum_type_support: false,
            ignore_default_for_nullables: false,
            scrub_invalid_names: false,
            int_for_enums: false,
            optional_for_nullables: false,
            optional_for_proto2: true,
            wrapper_for_nullables: false,
            wrapper_for_raw_primitives: true,
            generate_struct_for_nulls: false,
            generate_index_for_unions: true,
            flatten_unions: false,
        }
    }
}

impl DataOptions {
    /// The schema parameter that marks an enum; its symbols follow it after a dot.
    pub(crate) fn enum_parameter(&self) -> &'static str {
        if self.generalized_sum_type_support {
            GENERALIZED_ENUM
        } else {
            PROTOBUF_ENUM
        }
    }
}

pub(crate) const PROTOBUF_ENUM: &str = "io.confluent.connect.protobuf.Enum";
pub(crate) const PROTOBUF_UNION: &str = "io.confluent.connect.protobuf.Union";
pub(crate) const PROTOBUF_UNION_PREFIX: &str = "io.confluent.connect.protobuf.Union.";
pub(crate) const PROTOBUF_TAG: &str = "io.confluent.connect.protobuf.Tag";
pub(crate) const PROTOBUF_TYPE: &str = "io.confluent.connect.protobuf.Type";
pub(crate) const PROTOBUF_WRAPPER: &str = "io.confluent.connect.protobuf.Wrapper";
pub(crate) const GENERALIZED_ENUM: &str = "org.apache.kafka.connect.data.Enum";
pub(crate) const GENERALIZED_UNION: &str = "org.apache.kafka.connect.data.Union";
pub(crate) const VARIANT: &str = "org.apache.kafka.connect.data.Variant";
pub(crate) const CONNECT_PRECISION: &str = "connect.decimal.precision";
pub(crate) const CONNECT_TYPE: &str = "connect.type";
pub(crate) const META_PRECISION: &str = "precision";
pub(crate) const META_SCALE: &str = "scale";
