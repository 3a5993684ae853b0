//! What tasks of exactly-once sources need from this worker (KIP-618).

use super::LocalHost;
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::{ConnectError, Result};
use connect_kafka::client_config::ClientProperties;
use connect_store::{
    ConnectorOffsets, ConnectorTaskId, OffsetStore, OffsetWriter, TransactionalProducerFactory,
};
use connect_worker::{
    SourceProducer, TaskPreflight, TransactionBoundary, TransactionPlan,
    TransactionalTaskProducerFactory,
};
use std::sync::Arc;
use std::time::Duration;

/// How long fencing may take: as long as a request of the REST API.
const FENCE_TIMEOUT: Duration = Duration::from_secs(90);

/// What tasks of exactly-once sources have the herder look at before they write. Dropping a returned
/// future gives the question up; an error fails the task.
#[async_trait]
pub trait TaskFencing: Send + Sync {
    /// Returns when no task of an earlier set of configurations of the connector can write any more.
    async fn fence_zombies(&self, connector: &str) -> Result<()>;

    /// Whether the task is still this worker's, and `generation` still the number of the present set of
    /// configurations.
    async fn verify(&self, task: &ConnectorTaskId, generation: i32) -> Result<()>;
}

struct Preflight {
    fencing: Arc<dyn TaskFencing>,
    task: ConnectorTaskId,
    generation: i32,
}

#[async_trait]
impl TaskPreflight for Preflight {
    async fn fence_zombies(&self) -> Result<()> {
        self.fencing.fence_zombies(&self.task.connector).await
    }

    async fn verify(&self) -> Result<()> {
        self.fencing.verify(&self.task, self.generation).await
    }
}

/// What a source task reads and writes with.
pub(super) struct SourceClients {
    pub(super) producer: SourceProducer,
    pub(super) offset_reader: Arc<ConnectorOffsets>,
    pub(super) offset_writer: OffsetWriter,
    pub(super) own_offsets: Option<Arc<dyn OffsetStore>>,
}

/// Sets what exactly-once needs, and says so if the user wants something else.
fn ensure(properties: &mut ClientProperties, key: &str, value: &str, is_case_sensitive: bool) {
    let matches = |present: &str| match is_case_sensitive {
        true => present == value,
        false => present.eq_ignore_ascii_case(value),
    };
    match properties.get(key) {
        Some(present) if matches(present) => return,
        Some(present) => tracing::warn!(
            "The value '{present}' for the '{key}' property will be ignored as it cannot be overridden \
             for connectors when exactly-once source support is enabled. The value '{value}' will be \
             used instead."
        ),
        None => {}
    }
    properties.set(key, value);
}

/// The properties of a consumer that reads committed offsets only.
pub(super) fn ensure_read_committed(properties: &mut ClientProperties) {
    ensure(properties, "isolation.level", "read_committed", false);
}

impl LocalHost {
    pub(super) fn is_exactly_once(&self) -> bool {
        self.config
            .worker
            .exactly_once_source_support()
            .is_enabled()
    }

    fn transactional_id(&self, connector: &str, task: i32) -> String {
        format!("{}-{connector}-{task}", self.config.worker.group_id())
    }

    /// The properties of the producer of an exactly-once task.
    pub(super) fn transactional_producer_properties(
        &self,
        task: &ConnectorTaskId,
        connector: &ConfigMap,
    ) -> ClientProperties {
        const IDEMPOTENCE: &str = "enable.idempotence";
        let mut properties = self.producer_properties(task, connector);
        // Connect's own default for other tasks is no wish of the user.
        let is_chosen = |config: &ConfigMap, prefix: &str| {
            config.contains_key(&format!("{prefix}{IDEMPOTENCE}"))
        };
        if !is_chosen(connector, "producer.override.")
            && !is_chosen(self.config.worker.raw(), "producer.")
        {
            properties.set(IDEMPOTENCE, "true");
        }
        ensure(&mut properties, IDEMPOTENCE, "true", false);
        let id = self.transactional_id(&task.connector, task.task);
        ensure(&mut properties, "transactional.id", &id, true);
        properties
    }

    /// What the producer of a source task is made from, and where its offsets are.
    pub(super) fn source_clients(
        &self,
        task: &ConnectorTaskId,
        connector: &ConfigMap,
        generation: i32,
    ) -> Result<SourceClients> {
        let offsets = self.task_offsets(task, connector)?;
        let clients = self.clients.clone();
        let producer = if self.is_exactly_once() {
            let properties = self.transactional_producer_properties(task, connector);
            let producer: TransactionalTaskProducerFactory = Box::new(move || {
                Box::pin(async move {
                    // It reads key stores.
                    tokio::task::spawn_blocking(move || clients.transactional_producer(&properties))
                        .await
                        .map_err(|error| ConnectError::fatal(error.to_string()))?
                })
            });
            let interval = self.config.worker.millis("offset.flush.interval.ms");
            SourceProducer::ExactlyOnce(TransactionPlan {
                producer,
                preflight: Box::new(Preflight {
                    fencing: self.config.fencing.clone(),
                    task: task.clone(),
                    generation,
                }),
                boundary: TransactionBoundary::from_config(connector, interval)?,
                offsets_topic: offsets.topic,
                worker_offsets: offsets.worker_store,
            })
        } else {
            let properties = self.producer_properties(task, connector);
            SourceProducer::AtLeastOnce(Box::new(move || {
                Box::pin(async move { clients.producer(properties).await })
            }))
        };
        let name = task.connector.clone();
        Ok(SourceClients {
            producer,
            offset_reader: Arc::new(ConnectorOffsets::new(name.clone(), offsets.store.clone())),
            offset_writer: OffsetWriter::new(name, offsets.store.clone()),
            own_offsets: offsets.is_own.then_some(offsets.store),
        })
    }

    /// Makes producers that change the offsets of a stopped connector, in place of its first task.
    pub(super) fn offset_change_producer(
        &self,
        connector: &str,
        config: &ConfigMap,
    ) -> TransactionalProducerFactory {
        let task = ConnectorTaskId {
            connector: connector.into(),
            task: 0,
        };
        let properties = self.transactional_producer_properties(&task, config);
        let clients = self.clients.clone();
        Box::new(move || {
            clients
                .transactional_producer(&properties)
                .map_err(|error| {
                    connect_kafka::producer::ProducerError::InvalidConfig(error.to_string())
                })
        })
    }

    /// Fences the producers of the tasks `0..num_tasks` with the connector's admin client.
    pub(super) async fn fence_task_producers(
        &self,
        connector: &str,
        config: &ConfigMap,
        num_tasks: i32,
    ) -> Result<()> {
        tracing::debug!(
            connector,
            "Fencing out {num_tasks} task producers for source connector {connector}"
        );
        let client_id = format!("connector-worker-adminclient-{connector}");
        let properties = self.admin_properties(&client_id, config);
        let ids: Vec<String> = (0..num_tasks)
            .map(|task| self.transactional_id(connector, task))
            .collect();
        self.clients
            .fence_producers(&properties, &ids, FENCE_TIMEOUT)
            .await
    }
}
