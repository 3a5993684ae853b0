//! The keys of the MongoDB source.

mod definitions;

use crate::config::connection;
use connect_api::config::ConfigDef;
use std::sync::LazyLock;

macro_rules! names {
    ($($constant:ident = $name:literal;)*) => {
        $(#[doc = concat!("`", $name, "`")] pub const $constant: &str = $name;)*
    };
}

names! {
    DATABASE = "database";
    COLLECTION = "collection";
    PIPELINE = "pipeline";
    BATCH_SIZE = "batch.size";
    PUBLISH_FULL_DOCUMENT_ONLY = "publish.full.document.only";
    TOMBSTONE_ON_DELETE = "publish.full.document.only.tombstone.on.delete";
    DOCUMENT_KEY_AS_KEY = "change.stream.document.key.as.key";
    FULL_DOCUMENT_BEFORE_CHANGE = "change.stream.full.document.before.change";
    FULL_DOCUMENT = "change.stream.full.document";
    SHOW_EXPANDED_EVENTS = "change.stream.show.expanded.events";
    COLLATION = "collation";
    POLL_MAX_BATCH_SIZE = "poll.max.batch.size";
    POLL_AWAIT_TIME_MS = "poll.await.time.ms";
    STALL_TIMEOUT_MS = "dovetail.change.stream.stall.timeout.ms";
    SPLIT_LARGE_EVENTS = "dovetail.change.stream.split.large.events";
    TOPIC_MAPPER = "topic.mapper";
    TOPIC_SEPARATOR = "topic.separator";
    TOPIC_PREFIX = "topic.prefix";
    TOPIC_SUFFIX = "topic.suffix";
    TOPIC_NAMESPACE_MAP = "topic.namespace.map";
    OUTPUT_FORMAT_KEY = "output.format.key";
    OUTPUT_FORMAT_VALUE = "output.format.value";
    OUTPUT_SCHEMA_INFER_VALUE = "output.schema.infer.value";
    OUTPUT_SCHEMA_KEY = "output.schema.key";
    OUTPUT_SCHEMA_VALUE = "output.schema.value";
    OUTPUT_JSON_FORMATTER = "output.json.formatter";
    STARTUP_MODE = "startup.mode";
    START_AT_OPERATION_TIME = "startup.mode.timestamp.start.at.operation.time";
    COPY_MAX_THREADS = "startup.mode.copy.existing.max.threads";
    COPY_QUEUE_SIZE = "startup.mode.copy.existing.queue.size";
    COPY_PIPELINE = "startup.mode.copy.existing.pipeline";
    COPY_NAMESPACE_REGEX = "startup.mode.copy.existing.namespace.regex";
    COPY_ALLOW_DISK_USE = "startup.mode.copy.existing.allow.disk.use";
    COPY_RESTARTABLE = "dovetail.startup.mode.copy.existing.restartable";
    OLD_COPY = "copy.existing";
    OLD_COPY_MAX_THREADS = "copy.existing.max.threads";
    OLD_COPY_QUEUE_SIZE = "copy.existing.queue.size";
    OLD_COPY_PIPELINE = "copy.existing.pipeline";
    OLD_COPY_NAMESPACE_REGEX = "copy.existing.namespace.regex";
    OLD_COPY_ALLOW_DISK_USE = "copy.existing.allow.disk.use";
    ERRORS_TOLERANCE = "errors.tolerance";
    MONGO_ERRORS_TOLERANCE = "mongo.errors.tolerance";
    ERRORS_LOG_ENABLE = "errors.log.enable";
    MONGO_ERRORS_LOG_ENABLE = "mongo.errors.log.enable";
    DEAD_LETTER_TOPIC = "errors.deadletterqueue.topic.name";
    MONGO_DEAD_LETTER_TOPIC = "mongo.errors.deadletterqueue.topic.name";
    HEARTBEAT_INTERVAL_MS = "heartbeat.interval.ms";
    HEARTBEAT_TOPIC_NAME = "heartbeat.topic.name";
    OFFSET_PARTITION_NAME = "offset.partition.name";
}

/// The class of `topic.mapper`.
pub const DEFAULT_TOPIC_MAPPER: &str =
    "com.mongodb.kafka.connect.source.topic.mapping.DefaultTopicMapper";
/// The package of the classes of `output.json.formatter`.
pub const JSON_FORMATTER_PACKAGE: &str = "com.mongodb.kafka.connect.source.json.formatter.";
/// The class of `output.json.formatter` unless it is set.
pub const DEFAULT_JSON_FORMATTER: &str =
    "com.mongodb.kafka.connect.source.json.formatter.DefaultJson";

/// The schema of keys unless it is set.
pub const DEFAULT_KEY_SCHEMA: &str =
    r#"{"type": "record", "name": "keySchema", "fields": [{"name": "_id", "type": "string"}]}"#;

/// The schema of values unless it is set: that of change events.
pub const DEFAULT_VALUE_SCHEMA: &str = include_str!("keys/change_stream.avsc");

/// Every key of the connector.
pub fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new()
            .define_all(&definitions::connector_keys())
            .define_all(&connection::connection_keys())
            .define_all(&definitions::change_stream_keys())
            .define_all(&definitions::topic_keys())
            .define_all(&definitions::schema_keys())
            .define_all(&definitions::startup_keys())
            .define_all(&definitions::error_keys())
    });
    &DEF
}
