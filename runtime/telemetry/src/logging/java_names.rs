//! The Java loggers that parts of this program stand for, so that commands and settings that name
//! Java classes have the effect that people expect.

/// Modules and the Java classes or packages that do their work in a JVM worker.
const JAVA_NAMES: &[(&str, &str)] = &[
    (
        "connect_config_providers",
        "org.apache.kafka.common.config.provider",
    ),
    ("connect_converters", "org.apache.kafka.connect.converters"),
    (
        "connect_herder",
        "org.apache.kafka.connect.runtime.distributed.DistributedHerder",
    ),
    (
        "connect_herder.core.assignor",
        "org.apache.kafka.connect.runtime.distributed.IncrementalCooperativeAssignor",
    ),
    (
        "connect_herder.host",
        "org.apache.kafka.connect.runtime.Worker",
    ),
    (
        "connect_herder.plugins",
        "org.apache.kafka.connect.runtime.isolation.Plugins",
    ),
    (
        "connect_herder.validation",
        "org.apache.kafka.connect.runtime.AbstractHerder",
    ),
    (
        "connect_herder.worker_config",
        "org.apache.kafka.connect.runtime.WorkerConfig",
    ),
    ("connect_kafka", "org.apache.kafka.clients"),
    (
        "connect_kafka.admin",
        "org.apache.kafka.clients.admin.KafkaAdminClient",
    ),
    (
        "connect_kafka.consumer",
        "org.apache.kafka.clients.consumer.KafkaConsumer",
    ),
    (
        "connect_kafka.group",
        "org.apache.kafka.connect.runtime.distributed.WorkerCoordinator",
    ),
    (
        "connect_kafka.log",
        "org.apache.kafka.connect.util.KafkaBasedLog",
    ),
    (
        "connect_kafka.producer",
        "org.apache.kafka.clients.producer.KafkaProducer",
    ),
    (
        "connect_kafka.wire",
        "org.apache.kafka.clients.NetworkClient",
    ),
    (
        "connect_registry",
        "io.confluent.kafka.schemaregistry.client.rest.RestService",
    ),
    (
        "connect_rest",
        "org.apache.kafka.connect.runtime.rest.RestServer",
    ),
    ("connect_store", "org.apache.kafka.connect.storage"),
    (
        "connect_store.config_store",
        "org.apache.kafka.connect.storage.KafkaConfigBackingStore",
    ),
    (
        "connect_store.offset_store",
        "org.apache.kafka.connect.storage.KafkaOffsetBackingStore",
    ),
    (
        "connect_store.status_store",
        "org.apache.kafka.connect.storage.KafkaStatusBackingStore",
    ),
    ("connect_transforms", "org.apache.kafka.connect.transforms"),
    (
        "connect_worker",
        "org.apache.kafka.connect.runtime.WorkerTask",
    ),
    (
        "connect_worker.chain",
        "org.apache.kafka.connect.runtime.TransformationChain",
    ),
    (
        "connect_worker.connector",
        "org.apache.kafka.connect.runtime.WorkerConnector",
    ),
    (
        "connect_worker.report",
        "org.apache.kafka.connect.runtime.errors.LogReporter",
    ),
    (
        "connect_worker.sink",
        "org.apache.kafka.connect.runtime.WorkerSinkTask",
    ),
    (
        "connect_worker.source",
        "org.apache.kafka.connect.runtime.WorkerSourceTask",
    ),
    (
        "connect_worker.tolerance",
        "org.apache.kafka.connect.runtime.errors.RetryWithToleranceOperator",
    ),
    ("connector_datagen", "io.confluent.kafka.connect.datagen"),
    ("connector_file", "org.apache.kafka.connect.file"),
    ("connector_mongodb", "com.mongodb.kafka.connect"),
    ("connector_s3", "io.confluent.connect.s3"),
    ("connector_verification", "org.apache.kafka.connect.tools"),
    (
        "dovetail",
        "org.apache.kafka.connect.cli.ConnectDistributed",
    ),
    ("librdkafka", "org.apache.kafka.clients.NetworkClient"),
    ("storage_common", "io.confluent.connect.storage"),
];

/// The Java logger of a module, given with dots: that of the longest name it is under.
pub(super) fn java_name(module: &str) -> Option<&'static str> {
    let is_under = |name: &str| {
        module
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    JAVA_NAMES
        .iter()
        .filter(|(name, _)| is_under(name))
        .max_by_key(|(name, _)| name.len())
        .map(|(_, java)| *java)
}

/// All names on both sides.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    JAVA_NAMES.iter().flat_map(|(name, java)| [*name, *java])
}
