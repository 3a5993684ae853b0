//! Where the offsets of a source are: with the worker's, or on a topic of its own
//! (`offsets.storage.topic`).

use super::LocalHost;
use super::exactly_once::ensure_read_committed;
use crate::worker_config::{StorageTopic, WorkerMode};
use async_trait::async_trait;
use bytes::Bytes;
use connect_api::Result;
use connect_api::config::ConfigMap;
use connect_kafka::admin::Admin;
use connect_kafka::client_config::ClientProperties;
use connect_kafka::log::{KafkaLogConfig, TopicSpec, ensure_topic};
use connect_store::{
    ConnectorTaskId, KafkaOffsetStore, LayeredOffsetStore, OffsetEntry, OffsetStore, StoreResult,
    StoredPartition, TransactionalOffsetStore,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// The connector's setting.
const OFFSETS_TOPIC: &str = "offsets.storage.topic";
/// How long the creation of a topic is tried; Kafka's default of `default.api.timeout.ms`.
const CREATE_TOPIC_TIMEOUT: Duration = Duration::from_secs(60);

/// The offsets of a source.
pub(super) struct SourceOffsets {
    pub(super) store: Arc<dyn OffsetStore>,
    /// Whether the store is of one user, who starts and stops it; otherwise it is the worker's.
    pub(super) is_own: bool,
    /// The topic to which an exactly-once task writes its offsets.
    pub(super) topic: String,
    /// The worker's offsets, if they are not on that topic.
    pub(super) worker_store: Option<Arc<dyn OffsetStore>>,
}

/// What the store of a connector's own offsets topic is for.
enum Purpose<'a> {
    /// For a task; one that is exactly-once writes with its own producer.
    Task(&'a ConnectorTaskId),
    /// For a look, or a change while the connector is stopped.
    Connector(&'a str),
}

impl Purpose<'_> {
    /// The end of the ids of its clients.
    fn id(&self) -> String {
        match self {
            Self::Task(task) => task.to_string(),
            Self::Connector(connector) => (*connector).to_string(),
        }
    }

    fn connector(&self) -> &str {
        match self {
            Self::Task(task) => &task.connector,
            Self::Connector(connector) => connector,
        }
    }
}

/// A store whose topic is made sure of when it starts.
struct EnsuredOffsetStore {
    admin: Arc<dyn Admin>,
    spec: TopicSpec,
    store: Arc<dyn OffsetStore>,
}

#[async_trait]
impl OffsetStore for EnsuredOffsetStore {
    async fn start(&self) -> StoreResult<()> {
        ensure_topic(&*self.admin, &self.spec, CREATE_TOPIC_TIMEOUT).await?;
        self.store.start().await
    }

    async fn stop(&self) {
        self.store.stop().await;
    }

    async fn get(&self, keys: &[Bytes]) -> StoreResult<Vec<Option<Bytes>>> {
        self.store.get(keys).await
    }

    async fn set(&self, entries: Vec<OffsetEntry>) -> StoreResult<()> {
        self.store.set(entries).await
    }

    async fn connector_partitions(&self, connector: &str) -> StoreResult<Vec<StoredPartition>> {
        self.store.connector_partitions(connector).await
    }
}

impl LocalHost {
    /// The offsets that a task goes on from.
    pub(super) fn task_offsets(
        &self,
        task: &ConnectorTaskId,
        connector: &ConfigMap,
    ) -> Result<SourceOffsets> {
        self.offsets_for(&Purpose::Task(task), connector)
    }

    /// The offsets of a connector, for a look or a change while it is stopped.
    pub(super) fn connector_offsets(
        &self,
        name: &str,
        connector: &ConfigMap,
    ) -> Result<SourceOffsets> {
        self.offsets_for(&Purpose::Connector(name), connector)
    }

    fn offsets_for(&self, purpose: &Purpose<'_>, connector: &ConfigMap) -> Result<SourceOffsets> {
        let worker = &self.config.worker;
        let own_topic = connector
            .get(OFFSETS_TOPIC)
            .map(str::trim)
            .filter(|topic| !topic.is_empty() && worker.mode() == WorkerMode::Distributed);
        let worker_topic = worker.storage_topic_name(StorageTopic::Offsets);
        let topic = own_topic.unwrap_or(worker_topic).to_string();
        if own_topic.is_none() && !self.is_exactly_once() {
            return Ok(SourceOffsets {
                store: self.offsets.clone(),
                is_own: false,
                topic,
                worker_store: None,
            });
        }
        let producer = self.offset_producer_properties(purpose, connector);
        let is_workers = topic == worker_topic
            && server_set(producer.get("bootstrap.servers").unwrap_or_default())
                == server_set(&self.config.bootstrap_servers);
        let own = self.own_store(purpose, connector, &topic, own_topic.is_some(), producer)?;
        let worker_store = (!is_workers).then(|| self.offsets.clone());
        let store: Arc<dyn OffsetStore> = match &worker_store {
            Some(worker_store) => Arc::new(LayeredOffsetStore::new(own, worker_store.clone())),
            None => own,
        };
        Ok(SourceOffsets {
            store,
            is_own: true,
            topic,
            worker_store,
        })
    }

    fn offset_producer_properties(
        &self,
        purpose: &Purpose<'_>,
        connector: &ConfigMap,
    ) -> ClientProperties {
        let client_id = format!("connector-offset-producer-{}", purpose.id());
        let base = ClientProperties::connector_producer(&self.config.bootstrap_servers, &client_id);
        self.with_overrides(base, "producer.", connector)
    }

    fn own_store(
        &self,
        purpose: &Purpose<'_>,
        connector: &ConfigMap,
        topic: &str,
        is_named: bool,
        producer: ClientProperties,
    ) -> Result<Arc<dyn OffsetStore>> {
        let id = purpose.id();
        let base = ClientProperties::connector_consumer(
            &self.config.bootstrap_servers,
            &format!("connector-consumer-{id}"),
            &format!("connect-{}", purpose.connector()),
        );
        let mut consumer = self.with_overrides(base, "consumer.", connector);
        let is_exactly_once = self.is_exactly_once();
        if is_exactly_once {
            ensure_read_committed(&mut consumer);
        } else {
            // What was written while the worker had exactly-once support, or will be.
            consumer.set_default("isolation.level", "read_committed");
        }
        let log = self.clients.log(KafkaLogConfig {
            topic: topic.to_string(),
            producer: (!is_exactly_once).then_some(producer),
            consumer,
        });
        let mut store: Arc<dyn OffsetStore> = Arc::new(KafkaOffsetStore::new(log));
        if is_exactly_once && let Purpose::Connector(name) = purpose {
            let factory = self.offset_change_producer(name, connector);
            store = Arc::new(TransactionalOffsetStore::new(topic, store, factory));
        }
        let mut spec = self.config.worker.storage_topic(StorageTopic::Offsets);
        spec.name = topic.to_string();
        if is_named {
            spec.setting = OFFSETS_TOPIC.to_string();
        }
        let admin = self.admin_properties(&format!("connector-adminclient-{id}"), connector);
        Ok(Arc::new(EnsuredOffsetStore {
            admin: self.clients.admin(&admin)?,
            spec,
            store,
        }))
    }
}

/// The servers of a list, whatever their order.
fn server_set(servers: &str) -> BTreeSet<&str> {
    let servers = servers.split(',').map(str::trim);
    servers.filter(|server| !server.is_empty()).collect()
}

#[cfg(test)]
mod tests;
