//! The S3 sink connector.
//!
//! What is special about S3: its keys ([`keys`]), its credentials and its client. How records become
//! objects is told in `storage-common`.

mod client;
mod credentials;
mod error;
pub mod keys;
mod proxy;
mod settings;
mod store;
mod unknown_keys;

pub use proxy::ProxySettings;
pub use settings::{CustomerKey, S3Settings, Tagging};
pub use store::S3Store;

use async_trait::async_trait;
use connect_api::config::{ConfigDef, ConfigMap, ConfigValue};
use connect_api::{
    ConnectorContext, ConnectorFactory, ConnectorPlugin, Result, SinkConnector, SinkTask,
    SinkTaskContext,
};
use linkme::distributed_slice;
use std::sync::Arc;
use storage_common::{ObjectStore, ObjectStoreSinkTask, SinkSettings, StoreConnection};

/// The version of Confluent's connector whose behaviour is reproduced.
pub const VERSION: &str = "12.2.0";

#[distributed_slice(connect_api::CONNECTORS)]
#[linkme(crate = connect_api::registry::linkme)]
static S3_SINK: ConnectorPlugin = ConnectorPlugin {
    class: "io.confluent.connect.s3.S3SinkConnector",
    task_class: "io.confluent.connect.s3.S3SinkTask",
    version: VERSION,
    config_def,
    factory: ConnectorFactory::Sink(|| Box::new(S3SinkConnector::default())),
};

fn config_def() -> &'static ConfigDef {
    keys::config_def()
}

/// `io.confluent.connect.s3.S3SinkConnector`.
#[derive(Default)]
pub struct S3SinkConnector {
    config: ConfigMap,
}

#[async_trait]
impl SinkConnector for S3SinkConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &ConfigMap) -> Result<()> {
        S3Settings::read(config)?;
        unknown_keys::warn_about(config);
        self.config = config.clone();
        Ok(())
    }

    fn task_configs(&self, max_tasks: usize) -> Result<Vec<ConfigMap>> {
        Ok(vec![self.config.clone(); max_tasks])
    }

    fn new_task(&self) -> Box<dyn SinkTask> {
        Box::new(ObjectStoreSinkTask::new(S3Connection))
    }

    async fn validate(&self, config: &ConfigMap, values: &mut Vec<ConfigValue>) -> Result<()> {
        let mut faults = Vec::new();
        S3Settings::check(config, values, &mut faults);
        for fault in faults {
            match values.iter_mut().find(|value| value.name == fault.key) {
                Some(value) => value.add_error(fault.message),
                None => {
                    let mut value = ConfigValue::new(fault.key, None);
                    value.add_error(fault.message);
                    values.push(value);
                }
            }
        }
        Ok(())
    }
}

/// Makes the client of a task.
struct S3Connection;

#[async_trait]
impl StoreConnection for S3Connection {
    async fn open(
        &mut self,
        _context: &SinkTaskContext,
        config: &ConfigMap,
    ) -> Result<(SinkSettings, Arc<dyn ObjectStore>)> {
        let (settings, sink) = S3Settings::read(config)?;
        let store = S3Store::connect(settings).await?;
        Ok((sink, Arc::new(store)))
    }
}

#[cfg(test)]
mod tests;
