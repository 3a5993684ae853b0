//! The settings of the mapping.

use connect_api::json::DecimalFormat;

/// The settings of `JsonSchemaConverter` that concern the mapping, with Confluent's defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonSchemaDataConfig {
    /// `generalized.sum.type.support`: enums and unions under names that other formats share.
    pub generalized_sum_type_support: bool,
    /// `ignore.default.for.nullables`: null is written as null, not as the default value.
    pub ignore_default_for_nullables: bool,
    /// `object.additional.properties`: whether derived objects allow more properties.
    pub object_additional_properties: bool,
    /// `use.optional.for.nonrequired`: properties that `required` does not name become optional.
    pub use_optional_for_nonrequired: bool,
    /// `decimal.format`.
    pub decimal_format: DecimalFormat,
    /// `flatten.singleton.unions`: a combination of one schema is that schema.
    pub flatten_singleton_unions: bool,
}

impl Default for JsonSchemaDataConfig {
    fn default() -> Self {
        Self {
            generalized_sum_type_support: false,
            ignore_default_for_nullables: false,
            object_additional_properties: true,
            use_optional_for_nonrequired: false,
            decimal_format: DecimalFormat::Base64,
            flatten_singleton_unions: true,
        }
    }
}
