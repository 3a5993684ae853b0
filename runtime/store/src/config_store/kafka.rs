//! Configurations on a compacted topic, shared by the workers of a cluster.

use super::ConfigStore;
use super::codec::{KeyValue, decode, encode};
use super::record::ConfigRecord;
use super::state::{ClusterConfigState, ConfigStateMachine};
use super::types::{RestartRequest, SessionKey, TargetState};
use super::updates::{ConfigUpdates, UpdateSender};
use crate::ConnectorTaskId;
use crate::error::{StoreError, StoreResult};
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_kafka::log::{CompactedLog, LogRecord};
use futures::future::try_join_all;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a write may take, reading back included.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Writes for a leader such that no earlier leader can write any more: a transactional producer with
/// the transactional id of the cluster.
///
/// # Contract
///
/// [`write`](Self::write) comes after a successful [`claim`](Self::claim); after any error
/// [`claim`](Self::claim) comes again. Calls may come from several tasks at a time.
#[async_trait]
pub trait FencableWriter: Send + Sync {
    /// Fences whoever wrote before.
    async fn claim(&self) -> StoreResult<()>;

    /// Writes records to the config topic in one transaction and returns when they are committed.
    /// [`StoreError::Fenced`] if another worker has claimed the right since.
    async fn write(&self, records: Vec<KeyValue>) -> StoreResult<()>;
}

/// Keeps configurations on the config topic (`KafkaConfigBackingStore`).
pub struct KafkaConfigStore {
    log: Arc<dyn CompactedLog>,
    privileged_writer: Option<Arc<dyn FencableWriter>>,
    shared: Arc<Shared>,
}

struct Shared {
    reading: Mutex<Reading>,
    updates: UpdateSender,
}

#[derive(Default)]
struct Reading {
    machine: ConfigStateMachine,
    /// Whether the herder is to be told: not of what was there before the start.
    is_started: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Reading> {
        // The state machine does not panic, whatever it is given.
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, record: &LogRecord) {
        let Some(decoded) = decode(record.key.as_ref(), record.value.as_ref()) else {
            return;
        };
        let mut reading = self.lock();
        let update = reading.machine.apply(record.offset, decoded);
        if let Some(update) = update
            && reading.is_started
        {
            self.updates.send(update);
        }
    }
}

impl KafkaConfigStore {
    /// A store on a log of the config topic, which must have one partition; the store starts and
    /// stops it.
    pub fn new(log: Arc<dyn CompactedLog>) -> Self {
        Self {
            log,
            privileged_writer: None,
            shared: Arc::new(Shared {
                reading: Mutex::default(),
                updates: UpdateSender::new(),
            }),
        }
    }

    /// The same store with a writer for privileged writes
    /// (`exactly.once.source.support=preparing|enabled`); without one they go over the log.
    #[must_use]
    pub fn with_privileged_writer(mut self, writer: Arc<dyn FencableWriter>) -> Self {
        self.privileged_writer = Some(writer);
        self
    }

    /// Writes records and waits until they are durable.
    async fn write(&self, records: &[ConfigRecord]) -> StoreResult<()> {
        let records = encode_all(records)?;
        // Sent before the first is waited for: the order of one partition is the order of sending.
        let acks: Vec<_> = records
            .into_iter()
            .map(|(key, value)| self.log.send(Some(key), value))
            .collect();
        try_join_all(acks).await?;
        Ok(())
    }

    async fn write_privileged(&self, records: &[ConfigRecord]) -> StoreResult<()> {
        match &self.privileged_writer {
            Some(writer) => writer.write(encode_all(records)?).await,
            None => self.write(records).await,
        }
    }

    async fn read_to_end(&self) -> StoreResult<()> {
        Ok(self.log.read_to_end(WRITE_TIMEOUT).await?)
    }

    async fn within_budget(
        &self,
        operation: impl FnOnce() -> String,
        write: impl Future<Output = StoreResult<()>>,
    ) -> StoreResult<()> {
        match tokio::time::timeout(WRITE_TIMEOUT, write).await {
            Ok(outcome) => outcome,
            Err(_) => Err(StoreError::Timeout {
                operation: operation(),
                topic: self.log.topic().to_string(),
                timeout_ms: WRITE_TIMEOUT.as_millis() as u64,
            }),
        }
    }

    /// Writes records with the leader's privileges and reads them back.
    async fn put(
        &self,
        operation: impl FnOnce() -> String,
        records: &[ConfigRecord],
    ) -> StoreResult<()> {
        self.within_budget(operation, async {
            self.write_privileged(records).await?;
            self.read_to_end().await
        })
        .await
    }
}

fn encode_all(records: &[ConfigRecord]) -> StoreResult<Vec<KeyValue>> {
    Ok(records
        .iter()
        .map(encode)
        .collect::<connect_api::Result<_>>()?)
}

#[async_trait]
impl ConfigStore for KafkaConfigStore {
    async fn start(&self) -> StoreResult<()> {
        let shared = Arc::clone(&self.shared);
        self.log
            .start(Box::new(move |record| shared.read(&record)))
            .await?;
        match self.log.num_partitions() {
            1 => {}
            num_partitions => {
                self.log.stop().await;
                return Err(StoreError::Data(connect_api::ConnectError::config(
                    format!(
                        "Topic '{}' supplied via the 'config.storage.topic' property is required to \
                     have a single partition in order to guarantee consistency of connector \
                     configurations, but found {num_partitions} partitions.",
                        self.log.topic()
                    ),
                )));
            }
        }
        self.shared.lock().is_started = true;
        Ok(())
    }

    async fn stop(&self) {
        self.log.stop().await;
        self.shared.updates.close();
    }

    fn snapshot(&self) -> Arc<ClusterConfigState> {
        self.shared.lock().machine.snapshot()
    }

    fn updates(&self) -> Option<ConfigUpdates> {
        self.shared.updates.take_receiver()
    }

    async fn claim_write_privileges(&self) -> StoreResult<()> {
        match &self.privileged_writer {
            Some(writer) => writer.claim().await,
            None => Ok(()),
        }
    }

    async fn refresh(&self, timeout: Duration) -> StoreResult<()> {
        Ok(self.log.read_to_end(timeout).await?)
    }

    async fn put_connector_config(
        &self,
        connector: &str,
        config: &ConfigMap,
        target_state: Option<TargetState>,
    ) -> StoreResult<()> {
        let mut records = Vec::with_capacity(2);
        if let Some(state) = target_state {
            records.push(ConfigRecord::TargetState {
                connector: connector.to_string(),
                state: Some(state),
            });
        }
        records.push(ConfigRecord::Connector {
            connector: connector.to_string(),
            config: Some(config.clone()),
        });
        let operation = || format!("write the configuration of connector {connector}");
        self.put(operation, &records).await
    }

    async fn remove_connector_config(&self, connector: &str) -> StoreResult<()> {
        let records = [
            ConfigRecord::Connector {
                connector: connector.to_string(),
                config: None,
            },
            ConfigRecord::TargetState {
                connector: connector.to_string(),
                state: None,
            },
        ];
        let operation = || format!("remove the configuration of connector {connector}");
        self.put(operation, &records).await
    }

    async fn put_task_configs(&self, connector: &str, configs: &[ConfigMap]) -> StoreResult<()> {
        let name: Arc<str> = Arc::from(connector);
        let tasks: Vec<ConfigRecord> = (0..)
            .zip(configs)
            .map(|(task, config)| ConfigRecord::Task {
                task: ConnectorTaskId {
                    connector: Arc::clone(&name),
                    task,
                },
                config: config.clone(),
            })
            .collect();
        let commit = [ConfigRecord::Commit {
            connector: connector.to_string(),
            num_tasks: i32::try_from(configs.len()).unwrap_or(i32::MAX),
        }];
        let operation = || format!("write the task configurations of connector {connector}");
        self.within_budget(operation, async {
            // What another leader has left half written must not be completed by this commit.
            self.read_to_end().await?;
            if !tasks.is_empty() {
                self.write_privileged(&tasks).await?;
                self.read_to_end().await?;
            }
            self.write_privileged(&commit).await?;
            self.read_to_end().await
        })
        .await
    }

    async fn put_target_state(&self, connector: &str, state: TargetState) -> StoreResult<()> {
        let record = [ConfigRecord::TargetState {
            connector: connector.to_string(),
            state: Some(state),
        }];
        let operation = || format!("write the target state of connector {connector}");
        self.within_budget(operation, self.write(&record)).await
    }

    async fn put_restart_request(&self, request: &RestartRequest) -> StoreResult<()> {
        let record = [ConfigRecord::Restart(request.clone())];
        let operation = || {
            format!(
                "write a restart request for connector {}",
                request.connector
            )
        };
        self.within_budget(operation, self.write_privileged(&record))
            .await
    }

    async fn put_session_key(&self, key: &SessionKey) -> StoreResult<()> {
        let record = [ConfigRecord::SessionKey(key.clone())];
        self.put(|| "write the session key".to_string(), &record)
            .await
    }

    async fn put_logger_level(&self, logger: &str, level: &str) -> StoreResult<()> {
        let record = [ConfigRecord::LoggerLevel {
            logger: logger.to_string(),
            level: level.to_string(),
        }];
        let operation = || format!("write the level of logger {logger}");
        self.within_budget(operation, self.write(&record)).await
    }

    async fn put_task_count_record(&self, connector: &str, num_tasks: i32) -> StoreResult<()> {
        let record = [ConfigRecord::TaskCount {
            connector: connector.to_string(),
            num_tasks,
        }];
        let operation = || format!("write the task count record of connector {connector}");
        self.put(operation, &record).await
    }
}
