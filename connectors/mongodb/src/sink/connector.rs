//! The connector: it checks configurations and hands them to its tasks.

use super::settings::SinkSettings;
use super::task::MongoSinkTask;
use super::{keys, unused_keys, validation};
use crate::client::ConnectionSettings;
use crate::config::{Values, add_faults};
use async_trait::async_trait;
use connect_api::config::{ConfigMap, ConfigValue};
use connect_api::{ConnectorContext, Result, SinkConnector, SinkTask};

/// `com.mongodb.kafka.connect.MongoSinkConnector`.
#[derive(Default)]
pub struct MongoSinkConnector {
    config: ConfigMap,
}

#[async_trait]
impl SinkConnector for MongoSinkConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &ConfigMap) -> Result<()> {
        SinkSettings::read(config)?;
        unused_keys::warn_about(config);
        self.config = config.clone();
        Ok(())
    }

    fn task_configs(&self, max_tasks: usize) -> Result<Vec<ConfigMap>> {
        Ok(vec![self.config.clone(); max_tasks])
    }

    fn new_task(&self) -> Box<dyn SinkTask> {
        Box::new(MongoSinkTask::default())
    }

    async fn validate(&self, config: &ConfigMap, values: &mut Vec<ConfigValue>) -> Result<()> {
        if let Some((settings, connection)) = checked(config, values) {
            add_faults(
                values,
                validation::check_server(&settings, &connection).await,
            );
        }
        Ok(())
    }

    async fn validate_offline(
        &self,
        config: &ConfigMap,
        values: &mut Vec<ConfigValue>,
    ) -> Result<()> {
        checked(config, values);
        Ok(())
    }
}

/// What the configuration says, if nothing is wrong with it as it stands; else the faults are added.
fn checked(
    config: &ConfigMap,
    values: &mut Vec<ConfigValue>,
) -> Option<(SinkSettings, ConnectionSettings)> {
    let own = keys::config_def().validate(config);
    if own.iter().any(|value| !value.error_messages.is_empty()) {
        // The definition has said so; nothing further can be told from a broken configuration.
        return None;
    }
    let mut faults = Vec::new();
    let settings = SinkSettings::check(config, &own, &mut faults);
    let connection = ConnectionSettings::read(Values(&own), &mut faults);
    if faults.is_empty() {
        return settings.zip(connection);
    }
    add_faults(values, faults);
    None
}
