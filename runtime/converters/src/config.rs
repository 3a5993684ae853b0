//! The setting that every converter has.

use connect_api::ConverterType;
use connect_api::Result;
use connect_api::config::{
    ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance, ParsedConfig, Validator,
};
use std::sync::LazyLock;

const CONVERTER_TYPE: &str = "converter.type";

/// A definition with `converter.type` only, to which converters add theirs.
pub(crate) fn converter_def() -> ConfigDef {
    ConfigDef::new().define(
        ConfigKey::new(CONVERTER_TYPE, ConfigType::String)
            .importance(Importance::Low)
            .doc("How this converter will be used.")
            .validator(Validator::ValidString(&["key", "value", "header"])),
    )
}

/// The definition of converters without settings of their own.
pub(crate) fn plain_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(converter_def);
    &DEF
}

/// Parses settings that come without `converter.type`, which the caller knows.
pub(crate) fn parse(
    def: &ConfigDef,
    config: &ConfigMap,
    converter_type: ConverterType,
) -> Result<ParsedConfig> {
    let mut config = config.clone();
    config.insert(CONVERTER_TYPE, converter_type.name());
    def.parse(&config)
}
