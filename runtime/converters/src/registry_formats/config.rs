//! The settings that all converters over Schema Registry share.

use connect_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, Width};
use connect_registry::config::client_config_def;
use std::sync::LazyLock;

const SCHEMAS_CACHE_CONFIG: &str = "schemas.cache.config";
pub(super) const AUTO_REGISTER_SCHEMAS: &str = "auto.register.schemas";
pub(super) const NORMALIZE_SCHEMAS: &str = "normalize.schemas";
pub(super) const USE_SCHEMA_ID: &str = "use.schema.id";
pub(super) const USE_SCHEMA_GUID: &str = "use.schema.guid";
pub(super) const USE_MESSAGE_INDEXES: &str = "use.message.indexes";
pub(super) const ID_COMPATIBILITY_STRICT: &str = "id.compatibility.strict";
pub(super) const USE_LATEST_VERSION: &str = "use.latest.version";
pub(super) const USE_LATEST_WITH_METADATA: &str = "use.latest.with.metadata";
pub(super) const LATEST_COMPATIBILITY_STRICT: &str = "latest.compatibility.strict";
pub(super) const KEY_SUBJECT_NAME_STRATEGY: &str = "key.subject.name.strategy";
pub(super) const VALUE_SUBJECT_NAME_STRATEGY: &str = "value.subject.name.strategy";
pub(super) const FALLBACK_TYPE: &str = "subject.name.strategy.fallback.type";
pub(super) const KAFKA_CLUSTER_ID: &str = "subject.name.strategy.kafka.cluster.id";
pub(super) const KEY_SCHEMA_ID_SERIALIZER: &str = "key.schema.id.serializer";
pub(super) const VALUE_SCHEMA_ID_SERIALIZER: &str = "value.schema.id.serializer";
pub(super) const KEY_SCHEMA_ID_DESERIALIZER: &str = "key.schema.id.deserializer";
pub(super) const VALUE_SCHEMA_ID_DESERIALIZER: &str = "value.schema.id.deserializer";
pub(super) const RULE_EXECUTORS: &str = "rule.executors";
pub(super) const RULE_ACTIONS: &str = "rule.actions";
pub(super) const SCHEMA_BACKUP_ENABLED: &str = "schema.backup.enabled";

/// The settings of the registry and of how schemas are chosen, without those of a format. Formats add
/// theirs: `registry_config_def().clone().define(...)`.
pub fn registry_config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        let mut def = client_config_def().clone();
        choice_of_schemas(&mut def);
        subjects_and_frames(&mut def);
        refused(&mut def);
        def
    });
    &DEF
}

/// Adds the switches of a format's mapping (name, default, display name, documentation) in their order, and
/// the setting for its cache behind them. Returns the place in the group that is free then.
pub(super) fn add_mapping_keys(
    def: &mut ConfigDef,
    group: &'static str,
    switches: &[(&'static str, bool, &'static str, &'static str)],
) -> i32 {
    let mut order = 0;
    for &(name, default, display_name, doc) in switches {
        order += 1;
        def.add(
            ConfigKey::new(name, ConfigType::Boolean)
                .default(default)
                .importance(Importance::Medium)
                .doc(doc)
                .group(group, order, Width::Medium, display_name),
        );
    }
    def.add(
        ConfigKey::new(SCHEMAS_CACHE_CONFIG, ConfigType::Int)
            .default(1000)
            .importance(Importance::Low)
            .doc(
                "How many mapped schemas the JVM worker keeps. Here the plans made of schemas are kept, \
                 as many as max.schemas.per.subject says, and this setting is accepted without effect.",
            )
            .group(group, order + 1, Width::Medium, "Mapped schemas"),
    );
    order + 2
}

fn choice_of_schemas(def: &mut ConfigDef) {
    const GROUP: &str = "Choice of Schemas";
    let boolean = |name: &str, default: bool| {
        ConfigKey::new(name, ConfigType::Boolean)
            .default(default)
            .importance(Importance::Medium)
    };
    let text = |name: &str| {
        ConfigKey::new(name, ConfigType::String)
            .default_null()
            .importance(Importance::Low)
    };
    let keys = [
        (
            boolean(AUTO_REGISTER_SCHEMAS, true),
            "Register",
            "Whether to register the schema of the data. While it is true, none of the use.* settings \
             counts for writing.",
        ),
        (
            boolean(NORMALIZE_SCHEMAS, false),
            "Normalize",
            "Whether the registry shall take schemas as equal that differ only in what has no \
             meaning, such as an order.",
        ),
        (
            ConfigKey::new(USE_SCHEMA_ID, ConfigType::Int).default(-1),
            "Schema id",
            "The id of the schema to write with; -1 is none.",
        ),
        (
            text(USE_SCHEMA_GUID),
            "Schema GUID",
            "The GUID of the schema to write with.",
        ),
        (
            text(USE_MESSAGE_INDEXES),
            "Message indexes",
            "The path to the message within the schema of use.schema.id or use.schema.guid, as numbers \
             with commas, for data without a frame (ConfigSchemaIdDeserializer).",
        ),
        (
            boolean(ID_COMPATIBILITY_STRICT, true),
            "Check schema of the id",
            "Whether the schema of use.schema.id or use.schema.guid must be able to read data of the \
             schema that the data has.",
        ),
        (
            boolean(USE_LATEST_VERSION, false),
            "Latest version",
            "Whether to write with the latest version of the subject instead of the schema of the \
             data, and to read data as that version.",
        ),
        (
            text(USE_LATEST_WITH_METADATA),
            "Latest with metadata",
            "Like use.latest.version, but the latest version whose metadata has these properties, such \
             as application.version=v1.",
        ),
        (
            boolean(LATEST_COMPATIBILITY_STRICT, true),
            "Check latest version",
            "Whether the latest version must be able to read data of the schema that the data has.",
        ),
    ];
    for ((key, label, doc), order) in keys.into_iter().zip(1..) {
        def.add(key.doc(doc).group(GROUP, order, Width::Medium, label));
    }
}

fn subjects_and_frames(def: &mut ConfigDef) {
    const GROUP: &str = "Subjects and Frames";
    const STRATEGY: &str = "How the subject is named: io.confluent.kafka.serializers.subject. with \
        TopicNameStrategy (TOPIC-key, TOPIC-value), RecordNameStrategy (name of the record), \
        TopicRecordNameStrategy (TOPIC-name) or AssociatedNameStrategy (what the registry associates \
        with the topic; without an association the fallback counts).";
    const SERIALIZER: &str = "Where the frame is written: io.confluent.kafka.serializers.schema.id. \
        with PrefixSchemaIdSerializer (the id before the data) or HeaderSchemaIdSerializer (the GUID \
        in a header of the record).";
    const DESERIALIZER: &str = "Where the frame is read: io.confluent.kafka.serializers.schema.id. \
        with DualSchemaIdDeserializer (a header of the record if there is one, else before the data), \
        PrefixSchemaIdDeserializer (before the data) or ConfigSchemaIdDeserializer (there is none: \
        use.schema.id or use.schema.guid count).";
    let class = |name: &str, default: &str| {
        ConfigKey::new(name, ConfigType::Class)
            .default(default)
            .importance(Importance::Medium)
    };
    let text = |name: &str| ConfigKey::new(name, ConfigType::String);
    let keys = [
        (
            class(KEY_SUBJECT_NAME_STRATEGY, ASSOCIATED_NAME_STRATEGY),
            "Subject of keys",
            STRATEGY,
        ),
        (
            class(VALUE_SUBJECT_NAME_STRATEGY, ASSOCIATED_NAME_STRATEGY),
            "Subject of values",
            STRATEGY,
        ),
        (
            text(FALLBACK_TYPE).default("TOPIC"),
            "Fallback",
            "What AssociatedNameStrategy does without an association: TOPIC, RECORD, TOPIC_RECORD or \
             NONE, which is an error.",
        ),
        (
            text(KAFKA_CLUSTER_ID).default_null(),
            "Kafka cluster",
            "The id of the Kafka cluster whose topics have associations; without it any cluster's count.",
        ),
        (
            class(KEY_SCHEMA_ID_SERIALIZER, PREFIX_SERIALIZER),
            "Frame of keys, writing",
            SERIALIZER,
        ),
        (
            class(VALUE_SCHEMA_ID_SERIALIZER, PREFIX_SERIALIZER),
            "Frame of values, writing",
            SERIALIZER,
        ),
        (
            class(KEY_SCHEMA_ID_DESERIALIZER, DUAL_DESERIALIZER),
            "Frame of keys, reading",
            DESERIALIZER,
        ),
        (
            class(VALUE_SCHEMA_ID_DESERIALIZER, DUAL_DESERIALIZER),
            "Frame of values, reading",
            DESERIALIZER,
        ),
    ];
    for ((key, label, doc), order) in keys.into_iter().zip(1..) {
        def.add(key.doc(doc).group(GROUP, order, Width::Long, label));
    }
}

/// Settings of what only Java code can do.
fn refused(def: &mut ConfigDef) {
    const GROUP: &str = "Data Contracts";
    let list = |name: &str| ConfigKey::new(name, ConfigType::List).default(Vec::new());
    let keys = [
        (
            list(RULE_EXECUTORS),
            "Rule executors",
            "Executors of data contract rules: refused, because they are Java classes.",
        ),
        (
            list(RULE_ACTIONS),
            "Rule actions",
            "Actions of data contract rules: refused, because they are Java classes.",
        ),
        (
            ConfigKey::new(SCHEMA_BACKUP_ENABLED, ConfigType::Boolean).default(false),
            "Backup envelope",
            "The backup envelope of Confluent Platform 8.4: refused while it is true.",
        ),
    ];
    for ((key, label, doc), order) in keys.into_iter().zip(1..) {
        def.add(key.doc(doc).group(GROUP, order, Width::Medium, label));
    }
}

pub(super) const ASSOCIATED_NAME_STRATEGY: &str =
    "io.confluent.kafka.serializers.subject.AssociatedNameStrategy";
pub(super) const PREFIX_SERIALIZER: &str =
    "io.confluent.kafka.serializers.schema.id.PrefixSchemaIdSerializer";
pub(super) const DUAL_DESERIALIZER: &str =
    "io.confluent.kafka.serializers.schema.id.DualSchemaIdDeserializer";
