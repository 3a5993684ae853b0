//! The converters over Schema Registry: what Avro, Protobuf and JSON Schema have in common, and one
//! file for each of them.

mod config;
mod format;
pub mod frame;

pub use config::registry_config_def;
pub use format::{
    Dependency, DerivedSchema, FormatReader, FormatWriter, NullValue, ReaderSpec, RegistryFormat,
    malformed,
};
