//! The settings of the source.

use super::change_stream::ChangeStreamSettings;
use super::event_mapping::EventMapping;
use super::heartbeat::Heartbeat;
use super::keys;
use super::offset::partition;
use super::scope::Scope;
use super::startup::StartupMode;
use crate::client::ConnectionSettings;
use crate::config::connection::CONNECTION_URI;
use crate::config::{Fault, Values};
use connect_api::config::{ConfigMap, ConfigValue};
use connect_api::data::Map;
use connect_api::{ConnectError, Result};
use std::sync::Arc;

/// The settings of a source.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// The connection.
    pub connection: ConnectionSettings,
    /// What is read.
    pub stream: ChangeStreamSettings,
    /// Where to begin without a stored offset.
    pub startup: StartupMode,
    /// The source partition.
    pub partition: Arc<Map>,
    /// What records are made.
    pub mapping: EventMapping,
    /// How many records a batch has at most.
    pub max_batch_size: usize,
    pub(super) heartbeat: Heartbeat,
}

impl SourceSettings {
    /// Reads a configuration; the error names every fault.
    pub fn read(config: &ConfigMap) -> Result<Self> {
        let values = keys::config_def().validate(config);
        let mut faults: Vec<Fault> = values
            .iter()
            .flat_map(|value| {
                let fault = |message: &String| Fault::new(&value.name, message);
                value.error_messages.iter().map(fault)
            })
            .collect();
        if faults.is_empty()
            && let Some(settings) = Self::check(config, &values, &mut faults)
        {
            return Ok(settings);
        }
        let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
        Err(ConnectError::config(messages.join("\n")))
    }

    /// Finds the faults that no single key shows. `values` is the outcome of the definition, without
    /// faults. `None` if there is any fault.
    pub fn check(
        config: &ConfigMap,
        values: &[ConfigValue],
        faults: &mut Vec<Fault>,
    ) -> Option<Self> {
        let values = Values(values);
        let scope = Scope::read(values, faults);
        let connection = ConnectionSettings::read(values, faults);
        let startup = StartupMode::read(config, values, faults);
        let partition_name = values.text(keys::OFFSET_PARTITION_NAME);
        let uri = values.secret(CONNECTION_URI);
        let for_partition = scope.clone().unwrap_or(Scope::Deployment);
        let partition = Arc::new(partition(partition_name, uri, &for_partition));
        let mapping = EventMapping::read(config, values, partition.clone(), faults);
        let stream = ChangeStreamSettings::read(scope?, values, faults);
        Some(Self {
            connection: connection?,
            stream: stream?,
            startup: startup?,
            partition,
            mapping: mapping?,
            max_batch_size: usize::try_from(values.number(keys::POLL_MAX_BATCH_SIZE))
                .unwrap_or(1)
                .max(1),
            heartbeat: Heartbeat::new(
                values.number(keys::HEARTBEAT_INTERVAL_MS),
                values.text(keys::HEARTBEAT_TOPIC_NAME).into(),
            ),
        })
    }
}
