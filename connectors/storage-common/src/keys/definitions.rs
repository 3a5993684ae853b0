//! What each shared key means.

use super::*;
use ConfigType::{Boolean, Class, Int, List, Long};
use Importance::{High, Low, Medium};
use KeyDefault::{Null, Required};

/// Codecs of `avro.codec`.
pub const AVRO_CODECS: [&str; 5] = ["null", "deflate", "snappy", "bzip2", "zstandard"];
/// Codecs of `parquet.codec`.
pub const PARQUET_CODECS: [&str; 8] = [
    "none", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4_raw",
];

fn text() -> ConfigType {
    ConfigType::String
}

/// Keys about files: when they end and what they hold.
pub fn connector_keys() -> ConfigDef {
    KeyGroup::new(CONNECTOR_GROUP)
        .key(FORMAT_CLASS, Class, High, Required, None, "Format class",
            "The format of the objects.")
        .key(FLUSH_SIZE, Int, High, Required, None, "Flush Size",
            "After this many records of a Kafka partition, counted over all its open files, the files \
             are committed.")
        .key(ROTATE_INTERVAL_MS, Long, High, -1, None, "Rotate Interval (ms)",
            "The span of record time, as timestamp.extractor tells it, after which the open files of a \
             Kafka partition are committed. It needs a time-based partitioner, and a record: silence \
             does not end a file. -1 switches it off.")
        .key(ROTATE_SCHEDULE_INTERVAL_MS, Long, Medium, -1, None, "Rotate Schedule Interval (ms)",
            "The span of wall-clock time after which the open files of a Kafka partition are committed, \
             counted from the midnight of timezone. Which records share a file then depends on when \
             they arrive, so a repeated record may end up in two objects. -1 switches it off.")
        .key(ROTATE_ON_PARTITION_CHANGE, Boolean, Low, true, None, "Rotate File On Partition Change",
            "Whether, beside rotate.interval.ms, a record of another encoded partition than the one \
             before it commits the open files.")
        .key(MAX_WRITE_DURATION_MS, Long, Low, i64::MAX, None, "Max Write Duration (ms)",
            "How long one call may write. Accepted; calls are bounded by the size of a batch here.")
        .key(SCHEMAS_CACHE, Int, Low, 1000, None, "Schema Cache Size",
            "How many schemas are kept in the form of Avro.")
        .key(ENHANCED_AVRO_SCHEMA_SUPPORT, Boolean, Low, true, None, "Enhanced Avro Support",
            "Whether Avro schemas keep the names of packages and enums.")
        .key(CONNECT_META_DATA, Boolean, Low, true, None, "Connect Metadata",
            "Whether Avro schemas carry Connect's own properties.")
        .key(ALLOW_OPTIONAL_MAP_KEYS, Boolean, Low, false, None, "Allow Optional Map Keys",
            "Whether maps with optional text keys become Avro maps.")
        .key(RETRY_BACKOFF_MS, Long, Low, 5000, None, "Retry Backoff (ms)",
            "The pause before a Kafka partition is read again after its upload failed for the time \
             being.")
        .key(SHUTDOWN_TIMEOUT_MS, Long, Medium, 3000, None, "Shutdown Timeout (ms)",
            "Accepted; stopping is bounded by the worker.")
        .key(OFFSET_PAD_WIDTH, Int, Low, 10, Some(Validator::at_least(0)),
            "Filename Offset Zero Pad Width",
            "To how many digits offsets in the names of objects are filled with zeros.")
        .key(AVRO_CODEC, text(), Low, "null", Some(Validator::ValidString(&AVRO_CODECS)),
            "Avro Compression Codec", "The codec of Avro objects. zstandard is Dovetail's own addition.")
        .key(PARQUET_CODEC, text(), Low, "snappy", Some(Validator::ValidString(&PARQUET_CODECS)),
            "Parquet Compression Codec", "The codec of Parquet objects.")
        .key(SCHEMA_COMPATIBILITY, text(), High, "NONE", None, "Schema Compatibility",
            "What happens when the schema of values changes: NONE ends the file at any difference; \
             BACKWARD, FORWARD and FULL convert records where their versions allow it. Anything else acts \
             as NONE.")
        .key(JSON_DECIMAL_FORMAT, text(), Low, "BASE64",
            Some(Validator::CaseInsensitiveValidString(&["BASE64", "NUMERIC"])),
            "Json Decimal Format", "How JSON holds decimals.")
        .key(BYTEARRAY_EXTENSION, text(), Low, ".bin", None, "Output file extension for ByteArrayFormat",
            "The extension of the objects of ByteArrayFormat.")
        .key(BYTEARRAY_SEPARATOR, text(), Low, Null, None, "Line separator ByteArrayFormat",
            "What ByteArrayFormat writes after each value, spaces and line breaks included. A line \
             feed unless it is set.")
        .key(NULL_VALUES, text(), Low, "fail",
            Some(Validator::CaseInsensitiveValidString(&["fail", "ignore", "write"])),
            "Behavior for null-valued records",
            "Whether a record without a value fails the task, is left out, or is written by its key.")
        .key(REPORT_NULL_VALUES, Boolean, Low, true, None, "Report null value to dlq",
            "Whether records that are left out for having no value are reported to the dead letter \
             queue, if there is one.")
        .into_def()
}

/// Keys about the objects of keys and headers beside those of values. `package` is that of the store's
/// classes.
pub fn key_and_header_keys(package: &str) -> ConfigDef {
    let avro = format!("{package}.format.avro.AvroFormat");
    KeyGroup::new(CONNECTOR_GROUP)
        .key(TOMBSTONE_PARTITION, text(), Low, "tombstone", None, "Tombstone Encoded Partition",
            "The folder of the keys of records without values, with behavior.on.null.values=write.")
        .key(STORE_KEYS, Boolean, Low, false, None, "Store Kafka Keys",
            "Whether keys are written to objects of their own, line for line beside those of values.")
        .key(STORE_HEADERS, Boolean, Low, false, None, "Store Kafka Headers",
            "Whether headers are written to objects of their own, line for line beside those of values.")
        .key(KEYS_FORMAT, Class, Low, avro.as_str(), None, "Keys format class",
            "The format of the objects of keys.")
        .key(HEADERS_FORMAT, Class, Low, avro.as_str(), None, "Headers format class",
            "The format of the objects of headers; ByteArrayFormat is none.")
        .into_def()
}

/// Keys about names that are taken and about bounds.
pub fn conditional_write_keys() -> ConfigDef {
    KeyGroup::new(CONNECTOR_GROUP)
        .key(CONDITIONAL_WRITES, Boolean, Low, true, None, "Enable Conditional Writes",
            "Whether, with rotate.schedule.interval.ms and neither keys nor headers stored, an object \
             never takes the place of another.")
        .key(MAX_FILES_SCAN, Int, Low, 100, None, "Max Files Scan Limit",
            "How many names are tried when the first is taken.")
        .key(MAX_OPEN_FILES, Int, Low, -1, None, "Max Open Files Per Partition",
            "After how many open files those of a Kafka partition are committed; -1 for no such bound.")
        .key(MAX_BUFFERED_BYTES, Long, Low, -1, None, "Max Buffered Bytes",
            "How many bytes the open files of a task hold in memory together. Beyond it the Kafka \
             partition with the oldest open file is committed, so that which records share a file then \
             depends on when they arrive. -1 for no such bound. It is Dovetail's own addition.")
        .into_def()
}

/// Keys about the store that all stores have.
pub fn storage_keys() -> ConfigDef {
    KeyGroup::new(STORAGE_GROUP)
        .key(
            STORAGE_CLASS,
            Class,
            High,
            Required,
            None,
            "Storage Class",
            "The kind of store.",
        )
        .key(
            TOPICS_DIR,
            text(),
            High,
            "topics",
            None,
            "Topics directory",
            "The folder at the top of the store that all objects go to; blank for none.",
        )
        .key(
            STORE_URL,
            text(),
            High,
            Null,
            None,
            "Store URL",
            "The address of the store, where it is not the cloud's own: that of an S3-compatible \
             server, for example. https:// is added where no scheme stands.",
        )
        .key(
            DIRECTORY_DELIM,
            text(),
            Medium,
            "/",
            None,
            "Directory Delimiter",
            "What stands between folders.",
        )
        .key(
            FILE_DELIM,
            text(),
            Medium,
            "+",
            None,
            "File Delimiter",
            "What stands between topic, partition and offset in the name of an object.",
        )
        .into_def()
}

/// Keys about partitioners.
pub fn partitioner_keys() -> ConfigDef {
    let zone = Validator::custom(
        "any timezone accepted by: class org.joda.time.DateTimeZone",
        |value| match value {
            Some(ConfigData::String(id)) if !id.is_empty() => TimeZone::for_id(id).map(|_| ()),
            _ => Ok(()),
        },
    );
    KeyGroup::new(PARTITIONER_GROUP)
        .key(PARTITIONER_CLASS, Class, High,
            "io.confluent.connect.storage.partitioner.DefaultPartitioner", None, "Partitioner Class",
            "What decides into which folder below the topic a record goes.")
        .key(PARTITION_FIELD_NAME, List, Medium, Vec::<String>::new(), None, "Partition Field Name",
            "The fields that FieldPartitioner goes by.")
        .key(PARTITION_DURATION_MS, Long, Medium, -1, None, "Partition Duration (ms)",
            "The span of time that one folder of TimeBasedPartitioner holds.")
        .key(PATH_FORMAT, text(), Medium, "", None, "Path Format",
            "The folders of TimeBasedPartitioner, as a Joda-Time pattern with fixed letters in single \
             quotes: 'year'=YYYY/'month'=MM/'day'=dd.")
        .key(LOCALE, text(), Medium, "", None, "Locale",
            "The language of months and days in path.format.")
        .key(TIMEZONE, text(), Medium, "", Some(zone), "Timezone",
            "The time zone of folders and of rotate.schedule.interval.ms, for example UTC or \
             Europe/Zurich.")
        .key(TIMESTAMP_EXTRACTOR, text(), Medium, TIMESTAMP_EXTRACTORS[0], None, "Timestamp Extractor",
            "Where the time of a record comes from: Wallclock, Record (its Kafka timestamp) or \
             RecordField.")
        .key(TIMESTAMP_FIELD, text(), Medium, "timestamp", None, "Record Field for Timestamp Extractor",
            "The field that RecordField takes; a dot leads into structs.")
        .into_def()
}
