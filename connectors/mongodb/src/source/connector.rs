//! The connector: it checks configurations and hands them to its task.

use super::offset::StoredOffset;
use super::settings::SourceSettings;
use super::startup::deprecation_warnings;
use super::task::MongoSourceTask;
use super::{keys, validation};
use crate::config::add_faults;
use async_trait::async_trait;
use connect_api::config::{ConfigMap, ConfigValue};
use connect_api::data::Map;
use connect_api::{ConnectorContext, Result, SourceConnector, SourceTask};

/// `com.mongodb.kafka.connect.MongoSourceConnector`.
#[derive(Default)]
pub struct MongoSourceConnector {
    config: ConfigMap,
}

#[async_trait]
impl SourceConnector for MongoSourceConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &ConfigMap) -> Result<()> {
        SourceSettings::read(config)?;
        for warning in deprecation_warnings(config) {
            tracing::warn!("{warning}");
        }
        self.config = config.clone();
        Ok(())
    }

    fn task_configs(&self, _max_tasks: usize) -> Result<Vec<ConfigMap>> {
        // A stream is read in order: more tasks would have nothing to do.
        Ok(vec![self.config.clone()])
    }

    fn new_task(&self) -> Box<dyn SourceTask> {
        Box::new(MongoSourceTask::default())
    }

    async fn validate(&self, config: &ConfigMap, values: &mut Vec<ConfigValue>) -> Result<()> {
        if let Some(settings) = checked(config, values) {
            add_faults(values, validation::check_server(&settings).await);
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

    /// Offsets stand in the runtime's store alone. One that a task could not read is refused.
    async fn alter_offsets(
        &self,
        _config: &ConfigMap,
        offsets: &[(Option<Map>, Option<Map>)],
    ) -> Result<bool> {
        for (_, offset) in offsets {
            StoredOffset::read(offset.as_ref())?;
        }
        Ok(false)
    }
}

/// What the configuration says, if nothing is wrong with it as it stands; else the faults are added.
fn checked(config: &ConfigMap, values: &mut Vec<ConfigValue>) -> Option<SourceSettings> {
    let own = keys::config_def().validate(config);
    if own.iter().any(|value| !value.error_messages.is_empty()) {
        // The definition has said so; nothing further can be told from a broken configuration.
        return None;
    }
    let mut faults = Vec::new();
    let settings = SourceSettings::check(config, &own, &mut faults);
    if faults.is_empty() {
        return settings;
    }
    add_faults(values, faults);
    None
}
