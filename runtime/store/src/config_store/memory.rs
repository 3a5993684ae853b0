//! Configurations in memory: what a standalone worker uses.

use super::ConfigStore;
use super::record::ConfigRecord;
use super::state::{ClusterConfigState, ConfigStateMachine, NO_CONFIG_OFFSET};
use super::types::{RestartRequest, SessionKey, TargetState};
use super::updates::{ConfigUpdates, UpdateSender};
use crate::ConnectorTaskId;
use crate::error::{StoreError, StoreResult};
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Keeps configurations in the memory of a standalone worker (`MemoryConfigBackingStore`).
///
/// Restart requests and logger levels, which only other workers would act on, are accepted and forgotten.
/// The config offset stays [`NO_CONFIG_OFFSET`].
#[derive(Debug)]
pub struct MemoryConfigStore {
    machine: Mutex<ConfigStateMachine>,
    updates: UpdateSender,
}

impl Default for MemoryConfigStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryConfigStore {
    /// An empty store.
    pub fn new() -> Self {
        Self {
            machine: Mutex::default(),
            updates: UpdateSender::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, ConfigStateMachine> {
        // The state machine does not panic, whatever it is given.
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies records at once, so that no snapshot shows half of them.
    fn apply(&self, machine: &mut ConfigStateMachine, records: Vec<ConfigRecord>) {
        // The offset must stay what it is without a topic.
        const OFFSET: i64 = NO_CONFIG_OFFSET - 1;
        for record in records {
            if let Some(update) = machine.apply(OFFSET, record) {
                self.updates.send(update);
            }
        }
    }

    fn known(machine: &ConfigStateMachine, connector: &str) -> StoreResult<()> {
        if machine.snapshot().contains(connector) {
            return Ok(());
        }
        Err(StoreError::UnknownConnector {
            connector: connector.to_string(),
        })
    }
}

#[async_trait]
impl ConfigStore for MemoryConfigStore {
    async fn start(&self) -> StoreResult<()> {
        Ok(())
    }

    async fn stop(&self) {
        self.updates.close();
    }

    fn snapshot(&self) -> Arc<ClusterConfigState> {
        self.lock().snapshot()
    }

    fn updates(&self) -> Option<ConfigUpdates> {
        self.updates.take_receiver()
    }

    async fn claim_write_privileges(&self) -> StoreResult<()> {
        Ok(())
    }

    async fn refresh(&self, _timeout: Duration) -> StoreResult<()> {
        Ok(())
    }

    async fn put_connector_config(
        &self,
        connector: &str,
        config: &ConfigMap,
        target_state: Option<TargetState>,
    ) -> StoreResult<()> {
        let connector = connector.to_string();
        let mut records = Vec::with_capacity(2);
        if let Some(state) = target_state {
            records.push(ConfigRecord::TargetState {
                connector: connector.clone(),
                state: Some(state),
            });
        }
        records.push(ConfigRecord::Connector {
            connector,
            config: Some(config.clone()),
        });
        self.apply(&mut self.lock(), records);
        Ok(())
    }

    async fn remove_connector_config(&self, connector: &str) -> StoreResult<()> {
        let mut machine = self.lock();
        if !machine.snapshot().contains(connector) {
            return Ok(());
        }
        let connector = connector.to_string();
        let records = vec![
            ConfigRecord::Connector {
                connector: connector.clone(),
                config: None,
            },
            ConfigRecord::TargetState {
                connector,
                state: None,
            },
        ];
        self.apply(&mut machine, records);
        Ok(())
    }

    async fn put_task_configs(&self, connector: &str, configs: &[ConfigMap]) -> StoreResult<()> {
        let mut machine = self.lock();
        Self::known(&machine, connector)?;
        let name: Arc<str> = Arc::from(connector);
        let mut records: Vec<ConfigRecord> = (0..)
            .zip(configs)
            .map(|(task, config)| ConfigRecord::Task {
                task: ConnectorTaskId {
                    connector: Arc::clone(&name),
                    task,
                },
                config: config.clone(),
            })
            .collect();
        records.push(ConfigRecord::Commit {
            connector: connector.to_string(),
            num_tasks: i32::try_from(configs.len()).unwrap_or(i32::MAX),
        });
        self.apply(&mut machine, records);
        Ok(())
    }

    async fn put_target_state(&self, connector: &str, state: TargetState) -> StoreResult<()> {
        let mut machine = self.lock();
        Self::known(&machine, connector)?;
        let record = ConfigRecord::TargetState {
            connector: connector.to_string(),
            state: Some(state),
        };
        self.apply(&mut machine, vec![record]);
        Ok(())
    }

    async fn put_restart_request(&self, _request: &RestartRequest) -> StoreResult<()> {
        Ok(())
    }

    async fn put_session_key(&self, key: &SessionKey) -> StoreResult<()> {
        let record = ConfigRecord::SessionKey(key.clone());
        self.apply(&mut self.lock(), vec![record]);
        Ok(())
    }

    async fn put_logger_level(&self, _logger: &str, _level: &str) -> StoreResult<()> {
        Ok(())
    }

    async fn put_task_count_record(&self, connector: &str, num_tasks: i32) -> StoreResult<()> {
        let record = ConfigRecord::TaskCount {
            connector: connector.to_string(),
            num_tasks,
        };
        self.apply(&mut self.lock(), vec![record]);
        Ok(())
    }
}
