//! The settings of the mapping.

/// How schemas and values are mapped. The names are those of the converter's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvroDataConfig {
    /// `connect.meta.data`: whether names, versions, parameters and defaults of Connect schemas travel as
    /// properties of the Avro schema.
    pub connect_meta_data: bool,
    /// `enhanced.avro.schema.support`: enums stay enums, and union members have full names.
    pub enhanced_avro_schema_support: bool,
    /// `generalized.sum.type.support`: enums and unions in the form that all schema formats share.
    pub generalized_sum_type_support: bool,
    /// `scrub.invalid.names`: characters that Avro does not allow in names are replaced.
    pub scrub_invalid_names: bool,
    /// `discard.type.doc.default`: only documentation and defaults of fields are kept.
    pub discard_type_doc_default: bool,
    /// `allow.optional.map.keys`: maps with optional string keys become Avro maps.
    pub allow_optional_map_keys: bool,
    /// `flatten.singleton.unions`: a union of one branch is that branch.
    pub flatten_singleton_unions: bool,
    /// `ignore.default.for.nullables`: null stays null where the field has a default.
    pub ignore_default_for_nullables: bool,
}

impl Default for AvroDataConfig {
    fn default() -> Self {
        Self {
            connect_meta_data: true,
            enhanced_avro_schema_support: false,
            generalized_sum_type_support: false,
            scrub_invalid_names: false,
            discard_type_doc_default: false,
            allow_optional_map_keys: false,
            flatten_singleton_unions: true,
            ignore_default_for_nullables: false,
        }
    }
}
