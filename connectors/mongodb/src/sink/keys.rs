//! The keys of the MongoDB sink.

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
    TOPICS = "topics";
    TOPICS_REGEX = "topics.regex";
    TOPIC_OVERRIDE = "topic.override.%s.%s";
    TOPIC_OVERRIDE_PREFIX = "topic.override.";
    DATABASE = "database";
    COLLECTION = "collection";
    NAMESPACE_MAPPER = "namespace.mapper";
    KEY_DATABASE_FIELD = "namespace.mapper.key.database.field";
    KEY_COLLECTION_FIELD = "namespace.mapper.key.collection.field";
    VALUE_DATABASE_FIELD = "namespace.mapper.value.database.field";
    VALUE_COLLECTION_FIELD = "namespace.mapper.value.collection.field";
    NAMESPACE_ERROR_IF_INVALID = "namespace.mapper.error.if.invalid";
    DELETE_ON_NULL_VALUES = "delete.on.null.values";
    WRITEMODEL_STRATEGY = "writemodel.strategy";
    DELETE_WRITEMODEL_STRATEGY = "delete.writemodel.strategy";
    MAX_BATCH_SIZE = "max.batch.size";
    BULK_WRITE_ORDERED = "bulk.write.ordered";
    RATE_LIMITING_TIMEOUT = "rate.limiting.timeout";
    RATE_LIMITING_EVERY_N = "rate.limiting.every.n";
    POST_PROCESSOR_CHAIN = "post.processor.chain";
    FIELD_VALUE_TRANSFORMER = "field.value.transformer";
    FIELD_VALUE_TRANSFORMER_FIELDS = "field.value.transformer.fields";
    KEY_PROJECTION_TYPE = "key.projection.type";
    KEY_PROJECTION_LIST = "key.projection.list";
    VALUE_PROJECTION_TYPE = "value.projection.type";
    VALUE_PROJECTION_LIST = "value.projection.list";
    FIELD_RENAMER_MAPPING = "field.renamer.mapping";
    FIELD_RENAMER_REGEXP = "field.renamer.regexp";
    ID_STRATEGY = "document.id.strategy";
    ID_OVERWRITE_EXISTING = "document.id.strategy.overwrite.existing";
    ID_UUID_FORMAT = "document.id.strategy.uuid.format";
    ID_PARTIAL_KEY_TYPE = "document.id.strategy.partial.key.projection.type";
    ID_PARTIAL_KEY_LIST = "document.id.strategy.partial.key.projection.list";
    ID_PARTIAL_VALUE_TYPE = "document.id.strategy.partial.value.projection.type";
    ID_PARTIAL_VALUE_LIST = "document.id.strategy.partial.value.projection.list";
    ERRORS_TOLERANCE = "errors.tolerance";
    MONGO_ERRORS_TOLERANCE = "mongo.errors.tolerance";
    ERRORS_LOG_ENABLE = "errors.log.enable";
    MONGO_ERRORS_LOG_ENABLE = "mongo.errors.log.enable";
    CDC_HANDLER = "change.data.capture.handler";
    TIMESERIES_TIMEFIELD = "timeseries.timefield";
    TIMESERIES_METAFIELD = "timeseries.metafield";
    TIMESERIES_EXPIRE_AFTER_SECONDS = "timeseries.expire.after.seconds";
    TIMESERIES_GRANULARITY = "timeseries.granularity";
    TIMESERIES_AUTO_CONVERT = "timeseries.timefield.auto.convert";
    TIMESERIES_DATE_FORMAT = "timeseries.timefield.auto.convert.date.format";
    TIMESERIES_LANGUAGE_TAG = "timeseries.timefield.auto.convert.locale.language.tag";
    CSFLE_ENABLED = "csfle.enabled";
    CSFLE_KEY_VAULT_NAMESPACE = "csfle.key.vault.namespace";
    CSFLE_LOCAL_MASTER_KEY = "csfle.local.master.key";
    CSFLE_SCHEMA_MAP = "csfle.schema.map";
    CSFLE_BYPASS_QUERY_ANALYSIS = "csfle.bypass.query.analysis";
}

/// The package of the sink's classes.
pub const PACKAGE: &str = "com.mongodb.kafka.connect.sink.";

/// The class of `namespace.mapper` unless it is set.
pub const DEFAULT_NAMESPACE_MAPPER: &str =
    "com.mongodb.kafka.connect.sink.namespace.mapping.DefaultNamespaceMapper";
/// The class of `writemodel.strategy` unless it is set.
pub const DEFAULT_WRITEMODEL_STRATEGY: &str =
    "com.mongodb.kafka.connect.sink.writemodel.strategy.DefaultWriteModelStrategy";
/// The class of `delete.writemodel.strategy` unless it is set.
pub const DEFAULT_DELETE_WRITEMODEL_STRATEGY: &str =
    "com.mongodb.kafka.connect.sink.writemodel.strategy.DeleteOneDefaultStrategy";
/// The class of `document.id.strategy` unless it is set.
pub const DEFAULT_ID_STRATEGY: &str =
    "com.mongodb.kafka.connect.sink.processor.id.strategy.BsonOidStrategy";
/// The post processor that there always is.
pub const DOCUMENT_ID_ADDER: &str = "com.mongodb.kafka.connect.sink.processor.DocumentIdAdder";

/// The pattern of `timeseries.timefield.auto.convert.date.format` unless it is set.
pub const DEFAULT_DATE_FORMAT: &str = "yyyy-MM-dd[['T'][ ]]\
    [HH:mm:ss[[.][SSSSSS][SSS]][ ]VV[ ]'['VV']']\
    [HH:mm:ss[[.][SSSSSS][SSS]][ ]X]\
    [HH:mm:ss[[.][SSSSSS][SSS]]]";

/// Every key of the connector.
pub fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new()
            .define_all(&definitions::connector_keys())
            .define_all(&connection::connection_keys())
            .define_all(&definitions::encryption_keys())
            .define_all(&definitions::override_keys())
            .define_all(topic_config_def())
    });
    &DEF
}

/// The keys that may differ from topic to topic.
pub fn topic_config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new()
            .define_all(&definitions::namespace_keys())
            .define_all(&definitions::write_keys())
            .define_all(&definitions::processing_keys())
            .define_all(&definitions::id_keys())
            .define_all(&definitions::error_keys())
            .define_all(&definitions::timeseries_keys())
    });
    &DEF
}
