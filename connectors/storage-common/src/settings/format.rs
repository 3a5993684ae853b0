//! Which format, with its settings.

use super::{Fault, Values};
use crate::format::{AvroFormat, ByteArrayFormat, Format, JsonFormat, ParquetCodec, ParquetFormat};
use crate::keys;
use crate::topic_partition_writer::FileFormats;
use connect_api::config::ConfigMap;
use connect_api::json::DecimalFormat;
use connect_avro::{AvroDataConfig, Codec};
use std::sync::Arc;

const FORMATS: &str = "JsonFormat, AvroFormat, ParquetFormat, ByteArrayFormat";

/// The simple name of a class, if it stands in that package.
fn class_in<'a>(class: &'a str, package: &str) -> Option<&'a str> {
    let (prefix, simple) = class.rsplit_once('.')?;
    prefix.starts_with(package).then_some(simple)
}

/// Reads the formats. Whether they go with the compression is for the store to check, whose key that is.
pub(super) fn read(
    values: Values<'_>,
    config: &ConfigMap,
    package: &str,
    faults: &mut Vec<Fault>,
) -> Option<FileFormats> {
    let mut of_key = |key| read_one(values, config, package, key, faults);
    let value = of_key(keys::FORMAT_CLASS);
    let stored = |switch, format: &mut dyn FnMut() -> Option<Arc<dyn Format>>| {
        if values.is_true(switch) {
            format().map(Some)
        } else {
            Some(None)
        }
    };
    let keys_format = stored(keys::STORE_KEYS, &mut || of_key(keys::KEYS_FORMAT));
    let headers_format = stored(keys::STORE_HEADERS, &mut || of_key(keys::HEADERS_FORMAT));
    Some(FileFormats {
        value: value?,
        keys: keys_format?,
        headers: headers_format?,
    })
}

fn read_one(
    values: Values<'_>,
    config: &ConfigMap,
    package: &str,
    key: &'static str,
    faults: &mut Vec<Fault>,
) -> Option<Arc<dyn Format>> {
    let class = values.text(key);
    match class_in(class, &format!("{package}.format."))
        .or(class_in(class, &format!("{package}.format")))
    {
        Some("JsonFormat") => {
            let numeric = values
                .text(keys::JSON_DECIMAL_FORMAT)
                .eq_ignore_ascii_case("NUMERIC");
            let decimal_format = if numeric {
                DecimalFormat::Numeric
            } else {
                DecimalFormat::Base64
            };
            Some(Arc::new(JsonFormat::new(decimal_format)))
        }
        Some("AvroFormat") => {
            // Another name was found to be wrong by the definition.
            let codec = Codec::from_name(values.text(keys::AVRO_CODEC))?;
            Some(Arc::new(AvroFormat::new(avro_mapping(values), codec)))
        }
        Some("ParquetFormat") => {
            let name = values.text(keys::PARQUET_CODEC);
            let Some(codec) = ParquetCodec::from_name(name) else {
                if !name.is_empty() {
                    faults.push(Fault::unsupported(
                        keys::PARQUET_CODEC,
                        name,
                        ParquetCodec::SUPPORTED,
                    ));
                }
                return None;
            };
            Some(Arc::new(ParquetFormat::new(avro_mapping(values), codec)))
        }
        Some("ByteArrayFormat") if key == keys::HEADERS_FORMAT => {
            faults.push(Fault::invalid(
                key,
                class,
                "Headers are no bytes; supported: JsonFormat, AvroFormat, ParquetFormat",
            ));
            None
        }
        Some("ByteArrayFormat") => {
            // Every other text is trimmed; here a space or a line break is the very point.
            let separator = config
                .get(keys::BYTEARRAY_SEPARATOR)
                .unwrap_or("\n")
                .to_string();
            Some(Arc::new(ByteArrayFormat::new(
                values.text(keys::BYTEARRAY_EXTENSION),
                separator,
            )))
        }
        // A missing class was found before.
        _ if class.is_empty() => None,
        _ => {
            faults.push(Fault::invalid(
                key,
                class,
                format!(
                    "Class {class} could not be found; supported: {FORMATS} of {package}.format"
                ),
            ));
            None
        }
    }
}

/// How Connect schemas become Avro schemas, on which Parquet builds too.
fn avro_mapping(values: Values<'_>) -> AvroDataConfig {
    AvroDataConfig {
        connect_meta_data: values.is_true(keys::CONNECT_META_DATA),
        enhanced_avro_schema_support: values.is_true(keys::ENHANCED_AVRO_SCHEMA_SUPPORT),
        allow_optional_map_keys: values.is_true(keys::ALLOW_OPTIONAL_MAP_KEYS),
        ..AvroDataConfig::default()
    }
}
