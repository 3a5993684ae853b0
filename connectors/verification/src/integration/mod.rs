//! The connectors that Kafka's own integration tests of Connect start, so that those tests can judge
//! this worker too: `make test-kafka`.

mod blocking_sink;
mod testable_sink;
mod testable_source;

use crate::config::NAME_CONFIG;
use blocking_sink::BlockingSinkConnector;
use connect_api::config::ConfigMap;
use connect_api::registry::linkme;
use connect_api::{
    CONNECTORS, ConnectError, ConnectorFactory, ConnectorPlugin, ErrorKind, no_config,
};
use testable_sink::TestableSinkConnector;
use testable_source::TestableSourceConnector;

const CONNECTOR_NAME_CONFIG: &str = "connector.name";
const TASK_ID_CONFIG: &str = "task.id";
/// What `alterOffsets` answers.
const ALTER_OFFSETS_RESULT: &str = "alter.offsets.result";
/// The version of the sample connectors that Kafka's extend.
const VERSION: &str = "some great version";

macro_rules! register {
    ($plugin:ident, $class:literal, $task:literal, $version:expr, $config_def:expr, $factory:expr) => {
        #[linkme::distributed_slice(CONNECTORS)]
        #[linkme(crate = connect_api::registry::linkme)]
        static $plugin: ConnectorPlugin = ConnectorPlugin {
            class: concat!("org.apache.kafka.connect.integration.", $class),
            task_class: concat!("org.apache.kafka.connect.integration.", $class, "$", $task),
            version: $version,
            config_def: $config_def,
            factory: $factory,
        };
    };
}

register!(
    TESTABLE_SOURCE,
    "TestableSourceConnector",
    "TestableSourceTask",
    VERSION,
    no_config,
    ConnectorFactory::Source(|| Box::new(TestableSourceConnector::default()))
);
register!(
    TESTABLE_SINK,
    "TestableSinkConnector",
    "TestableSinkTask",
    VERSION,
    no_config,
    ConnectorFactory::Sink(|| Box::new(TestableSinkConnector::default()))
);
register!(
    BLOCKING_SINK,
    "BlockingConnectorTest$BlockingSinkConnector",
    "BlockingSinkTask",
    "0.0.0",
    blocking_sink::config_def,
    ConnectorFactory::Sink(|| Box::new(BlockingSinkConnector::default()))
);

/// Task configurations that name the connector and the task, as `connector-0`, `connector-1`, …
fn named_task_configs(config: &ConfigMap, num_tasks: usize) -> Vec<ConfigMap> {
    let connector = config.get(NAME_CONFIG).unwrap_or_default();
    let named = |task: usize| {
        let mut config = config.clone();
        config.insert(CONNECTOR_NAME_CONFIG, connector);
        config.insert(TASK_ID_CONFIG, format!("{connector}-{task}"));
        config
    };
    (0..num_tasks).map(named).collect()
}

/// The `RuntimeException` that a test asked for.
fn injected_error(during: &str) -> ConnectError {
    ConnectError::new(
        ErrorKind::Fatal,
        "java.lang.RuntimeException",
        format!("Injecting errors during {during}"),
    )
}
