//! The converters over Schema Registry: what Avro, Protobuf and JSON Schema have in common, and one
//! file for each of them.
//!
//! A format implements [`RegistryFormat`] and registers itself with `register_format!`;
//! [`RegistryConverter`] is the converter over it.

mod avro;
mod config;
mod converter;
mod errors;
mod format;
pub mod frame;
mod json_schema;
mod plans;
mod protobuf;
mod read;
mod settings;
mod subject;
mod write;

pub use config::registry_config_def;
pub use converter::RegistryConverter;
pub use format::{
    Dependency, DerivedSchema, FormatReader, FormatWriter, NullValue, ReaderSpec, RegistryFormat,
    malformed,
};

/// Registers the converter over a format under its Java class name.
macro_rules! register_format {
    ($class:literal, $format:ty) => {
        const _: () = {
            #[linkme::distributed_slice(connect_api::CONVERTERS)]
            #[linkme(crate = connect_api::registry::linkme)]
            static CONVERTER: connect_api::ConverterPlugin = connect_api::ConverterPlugin {
                class: $class,
                version: $crate::registry_formats::CONFLUENT_VERSION,
                config_def: <$format as $crate::registry_formats::RegistryFormat>::config_def,
                create: || {
                    Box::new($crate::registry_formats::RegistryConverter::<$format>::default())
                },
            };
        };
    };
}
pub(crate) use register_format;

/// The version of Confluent Platform whose converters are reproduced.
pub(crate) const CONFLUENT_VERSION: &str = "8.5.0";

#[cfg(test)]
mod tests;
