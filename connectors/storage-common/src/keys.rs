//! The keys that all stores share, under the names of Confluent's sinks.

mod definitions;

pub use definitions::{
    AVRO_CODECS, PARQUET_CODECS, conditional_write_keys, connector_keys, key_and_header_keys,
    partitioner_keys, storage_keys,
};

use crate::time_zone::TimeZone;
use crate::timestamp::TIMESTAMP_EXTRACTORS;
use connect_api::config::{
    ConfigData, ConfigDef, ConfigKey, ConfigType, Importance, Validator, Width,
};

macro_rules! names {
    ($($(#[$doc:meta])* $constant:ident = $name:literal;)*) => {
        $(#[doc = concat!("`", $name, "`")] pub const $constant: &str = $name;)*
    };
}

names! {
    FORMAT_CLASS = "format.class";
    FLUSH_SIZE = "flush.size";
    ROTATE_INTERVAL_MS = "rotate.interval.ms";
    ROTATE_SCHEDULE_INTERVAL_MS = "rotate.schedule.interval.ms";
    ROTATE_ON_PARTITION_CHANGE = "rotate.file.on.partition.change";
    MAX_WRITE_DURATION_MS = "max.write.duration.ms";
    SCHEMAS_CACHE = "schemas.cache.config";
    ENHANCED_AVRO_SCHEMA_SUPPORT = "enhanced.avro.schema.support";
    CONNECT_META_DATA = "connect.meta.data";
    ALLOW_OPTIONAL_MAP_KEYS = "allow.optional.map.keys";
    RETRY_BACKOFF_MS = "retry.backoff.ms";
    SHUTDOWN_TIMEOUT_MS = "shutdown.timeout.ms";
    OFFSET_PAD_WIDTH = "filename.offset.zero.pad.width";
    AVRO_CODEC = "avro.codec";
    PARQUET_CODEC = "parquet.codec";
    SCHEMA_COMPATIBILITY = "schema.compatibility";
    STORAGE_CLASS = "storage.class";
    TOPICS_DIR = "topics.dir";
    STORE_URL = "store.url";
    DIRECTORY_DELIM = "directory.delim";
    FILE_DELIM = "file.delim";
    PARTITIONER_CLASS = "partitioner.class";
    PARTITION_FIELD_NAME = "partition.field.name";
    PARTITION_DURATION_MS = "partition.duration.ms";
    PATH_FORMAT = "path.format";
    LOCALE = "locale";
    TIMEZONE = "timezone";
    TIMESTAMP_EXTRACTOR = "timestamp.extractor";
    TIMESTAMP_FIELD = "timestamp.field";
    JSON_DECIMAL_FORMAT = "json.decimal.format";
    BYTEARRAY_EXTENSION = "format.bytearray.extension";
    BYTEARRAY_SEPARATOR = "format.bytearray.separator";
    NULL_VALUES = "behavior.on.null.values";
    REPORT_NULL_VALUES = "report.null.values.to.dlq";
    TOMBSTONE_PARTITION = "tombstone.encoded.partition";
    STORE_KEYS = "store.kafka.keys";
    STORE_HEADERS = "store.kafka.headers";
    KEYS_FORMAT = "keys.format.class";
    HEADERS_FORMAT = "headers.format.class";
    CONDITIONAL_WRITES = "enable.conditional.writes";
    MAX_FILES_SCAN = "max.files.scan.limit";
    MAX_OPEN_FILES = "partitioner.max.open.files";
    MAX_BUFFERED_BYTES = "max.buffered.bytes";
}

/// The group of keys about files.
pub const CONNECTOR_GROUP: &str = "Connector";
/// The group of keys about the store.
pub const STORAGE_GROUP: &str = "Storage";
/// The group of keys about partitioners.
pub const PARTITIONER_GROUP: &str = "Partitioner";

/// Builds keys of one group, which stand in the order in which they are added.
pub struct KeyGroup {
    def: ConfigDef,
    group: &'static str,
    order: i32,
}

impl KeyGroup {
    /// An empty group.
    pub fn new(group: &'static str) -> Self {
        Self {
            def: ConfigDef::new(),
            group,
            order: 0,
        }
    }

    /// Adds a key.
    #[must_use]
    #[allow(clippy::too_many_arguments)] // A table of keys reads best with one row for each.
    pub fn key(
        mut self,
        name: &str,
        config_type: ConfigType,
        importance: Importance,
        default: impl Into<KeyDefault>,
        validator: Option<Validator>,
        label: &str,
        doc: &str,
    ) -> Self {
        self.order += 1;
        let width = match config_type {
            ConfigType::Class | ConfigType::List => Width::Long,
            ConfigType::String | ConfigType::Password => Width::Medium,
            _ => Width::Short,
        };
        let mut key = ConfigKey::new(name, config_type)
            .importance(importance)
            .doc(doc)
            .group(self.group, self.order, width, label);
        match default.into() {
            KeyDefault::Required => {}
            KeyDefault::Null => key = key.default_null(),
            KeyDefault::Data(data) => key = key.default(data),
        }
        if let Some(validator) = validator {
            key = key.validator(validator);
        }
        self.def.add(key);
        self
    }

    /// The keys.
    pub fn into_def(self) -> ConfigDef {
        self.def
    }
}

/// What a key is when it is left out.
pub enum KeyDefault {
    /// A fault.
    Required,
    /// Null.
    Null,
    /// A value.
    Data(ConfigData),
}

impl<T: Into<ConfigData>> From<T> for KeyDefault {
    fn from(value: T) -> Self {
        Self::Data(value.into())
    }
}
