//! The settings of the converter.

use crate::config::{converter_def, parse};
use connect_api::config::{
    ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance, Validator, Width,
};
use connect_api::json::{DecimalFormat, JsonOptions};
use connect_api::{ConverterType, Result};
use std::sync::LazyLock;

const SCHEMAS_ENABLE: &str = "schemas.enable";
const SCHEMAS_CACHE_SIZE: &str = "schemas.cache.size";
const SCHEMA_CONTENT: &str = "schema.content";
const DECIMAL_FORMAT: &str = "decimal.format";
const REPLACE_NULL_WITH_DEFAULT: &str = "replace.null.with.default";

/// The definition under the class name of the converter.
pub(super) fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        const SCHEMAS: &str = "Schemas";
        const SERIALIZATION: &str = "Serialization";
        converter_def()
            .define(
                ConfigKey::new(SCHEMAS_ENABLE, ConfigType::Boolean)
                    .default(true)
                    .importance(Importance::High)
                    .doc("Include schemas within each of the serialized values and keys.")
                    .group(SCHEMAS, 0, Width::Medium, "Enable Schemas"),
            )
            .define(
                ConfigKey::new(SCHEMAS_CACHE_SIZE, ConfigType::Int)
                    .default(1000)
                    .importance(Importance::High)
                    .doc("The maximum number of schemas that can be cached in this converter instance.")
                    .group(SCHEMAS, 1, Width::Medium, "Schema Cache Size"),
            )
            .define(
                ConfigKey::new(SCHEMA_CONTENT, ConfigType::String)
                    .default_null()
                    .importance(Importance::High)
                    .doc(
                        "When set, this is used as the schema for all messages, and the schemas \
                         within each of the message will be ignored.Otherwise, the schema will be \
                         included in the content of each message. This configuration applies only \
                         'schemas.enable' is true, and it exclusively affects the sink connector.",
                    )
                    .group(SCHEMAS, 2, Width::Medium, "Schema Content"),
            )
            .define(
                ConfigKey::new(DECIMAL_FORMAT, ConfigType::String)
                    .default("BASE64")
                    .validator(Validator::CaseInsensitiveValidString(&["NUMERIC", "BASE64"]))
                    .importance(Importance::Low)
                    .doc(
                        "Controls which format this converter will serialize decimals in. This \
                         value is case insensitive and can be either 'BASE64' (default) or \
                         'NUMERIC'",
                    )
                    .group(SERIALIZATION, 0, Width::Medium, "Decimal Format"),
            )
            .define(
                ConfigKey::new(REPLACE_NULL_WITH_DEFAULT, ConfigType::Boolean)
                    .default(true)
                    .importance(Importance::Low)
                    .doc(
                        "Whether to replace fields that have a default value and that are null to \
                         the default value. When set to true, the default value is used, otherwise \
                         null is used.",
                    )
                    .group(SERIALIZATION, 1, Width::Medium, "Replace null with default"),
            )
    });
    &DEF
}

/// The parsed settings.
#[derive(Debug)]
pub(super) struct JsonConverterConfig {
    pub(super) schemas_enable: bool,
    pub(super) schemas_cache_size: usize,
    pub(super) schema_content: Option<String>,
    pub(super) options: JsonOptions,
}

impl Default for JsonConverterConfig {
    fn default() -> Self {
        Self {
            schemas_enable: true,
            schemas_cache_size: 1000,
            schema_content: None,
            options: JsonOptions::default(),
        }
    }
}

impl JsonConverterConfig {
    pub(super) fn parse(config: &ConfigMap, converter_type: ConverterType) -> Result<Self> {
        let config = parse(config_def(), config, converter_type)?;
        let decimal_format = if config
            .string(DECIMAL_FORMAT)?
            .eq_ignore_ascii_case("NUMERIC")
        {
            DecimalFormat::Numeric
        } else {
            DecimalFormat::Base64
        };
        Ok(Self {
            schemas_enable: config.boolean(SCHEMAS_ENABLE)?,
            schemas_cache_size: usize::try_from(config.long(SCHEMAS_CACHE_SIZE)?).unwrap_or(0),
            schema_content: config
                .opt_string(SCHEMA_CONTENT)?
                .filter(|content| !content.is_empty())
                .map(str::to_string),
            options: JsonOptions {
                decimal_format,
                replace_null_with_default: config.boolean(REPLACE_NULL_WITH_DEFAULT)?,
            },
        })
    }
}
