//! The connectors under their Java names.

use crate::config::ID_CONFIG;
use crate::mock::{MockSinkConnector, MockSourceConnector};
use crate::{SchemaSourceTask, VerifiableSinkTask, VerifiableSourceTask};
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::registry::linkme;
use connect_api::{
    CONNECTORS, ConnectorContext, ConnectorFactory, ConnectorPlugin, KAFKA_VERSION, Result,
    SinkConnector, SinkTask, SourceConnector, SourceTask, no_config,
};

macro_rules! register {
    ($plugin:ident, $name:literal, $factory:expr) => {
        #[linkme::distributed_slice(CONNECTORS)]
        #[linkme(crate = connect_api::registry::linkme)]
        static $plugin: ConnectorPlugin = ConnectorPlugin {
            class: concat!("org.apache.kafka.connect.tools.", $name, "Connector"),
            task_class: concat!("org.apache.kafka.connect.tools.", $name, "Task"),
            version: KAFKA_VERSION,
            config_def: no_config,
            factory: $factory,
        };
    };
}

register!(
    VERIFIABLE_SOURCE,
    "VerifiableSource",
    ConnectorFactory::Source(|| {
        Box::new(NumberedSource::new(|| {
            Box::new(VerifiableSourceTask::default())
        }))
    })
);
register!(
    VERIFIABLE_SINK,
    "VerifiableSink",
    ConnectorFactory::Sink(|| Box::new(VerifiableSinkConnector::default()))
);
register!(
    MOCK_SOURCE,
    "MockSource",
    ConnectorFactory::Source(|| Box::new(MockSourceConnector::default()))
);
register!(
    MOCK_SINK,
    "MockSink",
    ConnectorFactory::Sink(|| Box::new(MockSinkConnector::default()))
);
register!(
    SCHEMA_SOURCE,
    "SchemaSource",
    ConnectorFactory::Source(|| {
        Box::new(NumberedSource::new(
            || Box::new(SchemaSourceTask::default()),
        ))
    })
);

/// As many tasks as are allowed, each with its number as `id`.
fn numbered(config: &ConfigMap, max_tasks: usize) -> Vec<ConfigMap> {
    let with_id = |id: usize| {
        let mut config = config.clone();
        config.insert(ID_CONFIG, id.to_string());
        config
    };
    (0..max_tasks).map(with_id).collect()
}

/// A source whose tasks differ by their number alone.
struct NumberedSource {
    config: ConfigMap,
    new_task: fn() -> Box<dyn SourceTask>,
}

impl NumberedSource {
    fn new(new_task: fn() -> Box<dyn SourceTask>) -> Self {
        Self {
            config: ConfigMap::new(),
            new_task,
        }
    }
}

#[async_trait]
impl SourceConnector for NumberedSource {
    async fn start(&mut self, _context: ConnectorContext, config: &ConfigMap) -> Result<()> {
        self.config = config.clone();
        Ok(())
    }

    fn task_configs(&self, max_tasks: usize) -> Result<Vec<ConfigMap>> {
        Ok(numbered(&self.config, max_tasks))
    }

    fn new_task(&self) -> Box<dyn SourceTask> {
        (self.new_task)()
    }
}

#[derive(Default)]
struct VerifiableSinkConnector {
    config: ConfigMap,
}

#[async_trait]
impl SinkConnector for VerifiableSinkConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &ConfigMap) -> Result<()> {
        self.config = config.clone();
        Ok(())
    }

    fn task_configs(&self, max_tasks: usize) -> Result<Vec<ConfigMap>> {
        Ok(numbered(&self.config, max_tasks))
    }

    fn new_task(&self) -> Box<dyn SinkTask> {
        Box::new(VerifiableSinkTask::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paused_clock::PausedClock;
    use std::sync::Arc;

    #[test]
    fn all_are_registered_under_the_names_of_kafkas() {
        let mut classes: Vec<&str> = CONNECTORS.iter().map(|plugin| plugin.class).collect();
        classes.sort_unstable();
        assert_eq!(
            classes,
            [
                "org.apache.kafka.connect.integration.BlockingConnectorTest$BlockingSinkConnector",
                "org.apache.kafka.connect.integration.TestableSinkConnector",
                "org.apache.kafka.connect.integration.TestableSourceConnector",
                "org.apache.kafka.connect.tools.MockSinkConnector",
                "org.apache.kafka.connect.tools.MockSourceConnector",
                "org.apache.kafka.connect.tools.SchemaSourceConnector",
                "org.apache.kafka.connect.tools.VerifiableSinkConnector",
                "org.apache.kafka.connect.tools.VerifiableSourceConnector",
            ]
        );
    }

    #[test]
    fn those_of_the_system_tests_have_no_settings() {
        for plugin in CONNECTORS {
            if plugin.class.contains(".tools.") {
                assert_eq!((plugin.config_def)().keys().len(), 0);
                assert_eq!(plugin.task_class, plugin.class.replace("Connector", "Task"));
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_are_numbered_whatever_id_is_configured() {
        let context = ConnectorContext::new(Arc::new(PausedClock::new()), Arc::new(|_| {}));
        let ConnectorFactory::Source(new) = VERIFIABLE_SOURCE.factory else {
            panic!("a source");
        };
        let mut connector = new();
        let config = ConfigMap::from_iter([("topic", "t"), ("id", "9")]);
        connector.start(context, &config).await.expect("starts");
        let configs = connector.task_configs(2).expect("two");
        let ids: Vec<_> = configs.iter().map(|config| config.get("id")).collect();
        assert_eq!(ids, [Some("0"), Some("1")]);
    }
}
