//! Where a worker keeps configurations, offsets and statuses.

use connect_api::{ConnectError, Result};
use connect_herder::{StorageTopic, WorkerConfig, WorkerMode};
use connect_kafka::admin::LibrdkafkaAdmin;
use connect_kafka::client_config::{ClientProperties, ClientType};
use connect_kafka::log::{CompactedLog, KafkaLog, KafkaLogConfig, TopicSpec, ensure_topic};
use connect_kafka::producer::{LibrdkafkaTransactionalProducer, TransactionalProducer};
use connect_store::{
    ConfigStore, FileOffsetStore, KafkaConfigStore, KafkaOffsetStore, KafkaStatusStore,
    MemoryConfigStore, MemoryStatusStore, OffsetStore, StatusStore, StoreError,
    TransactionalConfigWriter,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;

/// How long the creation of a topic is tried; Kafka's default of `default.api.timeout.ms`.
const CREATE_TOPIC_TIMEOUT: Duration = Duration::from_secs(60);

/// The stores, not started yet.
pub(super) struct Stores {
    pub configs: Arc<dyn ConfigStore>,
    pub offsets: Arc<dyn OffsetStore>,
    pub statuses: Arc<dyn StatusStore>,
    /// Makes sure that their topics are there.
    pub prepare: Box<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>,
}

pub(super) fn stores(config: &WorkerConfig) -> Result<Stores> {
    Ok(match config.mode() {
        WorkerMode::Standalone => Stores {
            configs: Arc::new(MemoryConfigStore::new()),
            offsets: Arc::new(FileOffsetStore::new(
                config.text("offset.storage.file.filename"),
            )),
            statuses: Arc::new(MemoryStatusStore::new()),
            prepare: Box::new(|| async { Ok(()) }.boxed()),
        },
        WorkerMode::Distributed => Stores {
            configs: Arc::new(config_store(config)),
            offsets: Arc::new(KafkaOffsetStore::new(log(config, StorageTopic::Offsets))),
            statuses: Arc::new(KafkaStatusStore::new(log(config, StorageTopic::Statuses))),
            prepare: prepare(config),
        },
    })
}

fn config_store(config: &WorkerConfig) -> KafkaConfigStore {
    let store = KafkaConfigStore::new(log(config, StorageTopic::Configs));
    let Some(properties) = config.leader_producer_properties() else {
        return store;
    };
    let writer = TransactionalConfigWriter::new(
        config.storage_topic_name(StorageTopic::Configs),
        Box::new(move || {
            let producer = LibrdkafkaTransactionalProducer::new(&properties)?;
            Ok(Box::new(producer) as Box<dyn TransactionalProducer>)
        }),
    );
    store.with_privileged_writer(Arc::new(writer))
}

fn log(config: &WorkerConfig, topic: StorageTopic) -> Arc<dyn CompactedLog> {
    let with_id = |mut properties: ClientProperties| {
        properties.set("client.id", config.internal_client_id(topic));
        properties
    };
    Arc::new(KafkaLog::new(KafkaLogConfig {
        topic: config.storage_topic_name(topic).to_string(),
        producer: Some(with_id(config.client_properties(ClientType::Producer))),
        consumer: with_id(config.storage_consumer_properties(topic)),
    }))
}

fn prepare(config: &WorkerConfig) -> Box<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync> {
    let mut admin = config.client_properties(ClientType::Admin);
    admin.set("client.id", config.shared_admin_client_id());
    let topics: Arc<[TopicSpec]> = [
        StorageTopic::Offsets,
        StorageTopic::Statuses,
        StorageTopic::Configs,
    ]
    .map(|topic| config.storage_topic(topic))
    .into();
    Box::new(move || ensure_topics(admin.clone(), topics.clone()).boxed())
}

async fn ensure_topics(admin: ClientProperties, topics: Arc<[TopicSpec]>) -> Result<()> {
    let admin = LibrdkafkaAdmin::new(&admin).map_err(|error| {
        ConnectError::config(format!("Failed to create the admin client: {error}"))
    })?;
    let ensured = topics
        .iter()
        .map(|topic| ensure_topic(&admin, topic, CREATE_TOPIC_TIMEOUT));
    futures::future::try_join_all(ensured)
        .await
        .map_err(|error| ConnectError::from(StoreError::from(error)))?;
    Ok(())
}
