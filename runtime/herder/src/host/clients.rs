//! The Kafka clients that connectors get.

use async_trait::async_trait;
use connect_api::{ConnectError, Result};
use connect_kafka::admin::{Admin, LibrdkafkaAdmin};
use connect_kafka::client_config::ClientProperties;
use connect_kafka::consumer::{ConsumerSettings, LibrdkafkaConsumer, SinkConsumer, Subscription};
use connect_kafka::log::{CompactedLog, KafkaLog, KafkaLogConfig};
use connect_kafka::producer::{
    LibrdkafkaProducer, LibrdkafkaTransactionalProducer, Producer, TransactionalProducer,
};
use connect_kafka::wire::{ClientSettings, ClusterClient};
use futures::future::try_join_all;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Makes the clients of tasks. Each task gets its own.
#[async_trait]
pub trait KafkaClients: Send + Sync {
    /// The consumer of a sink task; it joins its group in the background.
    async fn consumer(
        &self,
        properties: ClientProperties,
        subscription: Subscription,
    ) -> Result<Box<dyn SinkConsumer>>;

    /// The producer of a source task.
    async fn producer(&self, properties: ClientProperties) -> Result<Box<dyn Producer>>;

    /// The producer of a task of an exactly-once source. May read files.
    fn transactional_producer(
        &self,
        properties: &ClientProperties,
    ) -> Result<Box<dyn TransactionalProducer>>;

    /// An admin client.
    fn admin(&self, properties: &ClientProperties) -> Result<Arc<dyn Admin>>;

    /// A log, not yet started.
    fn log(&self, config: KafkaLogConfig) -> Arc<dyn CompactedLog>;

    /// Fences every producer with one of these transactional ids, within `timeout`.
    async fn fence_producers(
        &self,
        properties: &ClientProperties,
        transactional_ids: &[String],
        timeout: Duration,
    ) -> Result<()>;
}

/// Each costs connections of its own.
const MAX_FENCED_AT_ONCE: usize = 8;

/// Clients of librdkafka.
#[derive(Debug, Default)]
pub struct LibrdkafkaClients;

fn refused(what: &str, error: &dyn std::fmt::Display) -> ConnectError {
    ConnectError::config(format!("Failed to construct kafka {what}: {error}"))
        .with_class("org.apache.kafka.common.KafkaException")
}

#[async_trait]
impl KafkaClients for LibrdkafkaClients {
    async fn consumer(
        &self,
        properties: ClientProperties,
        subscription: Subscription,
    ) -> Result<Box<dyn SinkConsumer>> {
        let consumer =
            LibrdkafkaConsumer::new(&properties, subscription, ConsumerSettings::default())
                .map_err(|error| refused("consumer", &error))?;
        Ok(Box::new(consumer))
    }

    async fn producer(&self, properties: ClientProperties) -> Result<Box<dyn Producer>> {
        let producer =
            LibrdkafkaProducer::new(&properties).map_err(|error| refused("producer", &error))?;
        Ok(Box::new(producer))
    }

    fn transactional_producer(
        &self,
        properties: &ClientProperties,
    ) -> Result<Box<dyn TransactionalProducer>> {
        let producer = LibrdkafkaTransactionalProducer::new(properties)
            .map_err(|error| refused("producer", &error))?;
        Ok(Box::new(producer))
    }

    fn admin(&self, properties: &ClientProperties) -> Result<Arc<dyn Admin>> {
        let admin =
            LibrdkafkaAdmin::new(properties).map_err(|error| refused("admin client", &error))?;
        Ok(Arc::new(admin))
    }

    fn log(&self, config: KafkaLogConfig) -> Arc<dyn CompactedLog> {
        Arc::new(KafkaLog::new(config))
    }

    async fn fence_producers(
        &self,
        properties: &ClientProperties,
        transactional_ids: &[String],
        timeout: Duration,
    ) -> Result<()> {
        let properties: BTreeMap<String, String> = properties
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .collect();
        let settings = ClientSettings::from_properties(&properties)
            .map_err(|error| refused("admin client", &error))?;
        let cluster = ClusterClient::new(settings);
        for ids in transactional_ids.chunks(MAX_FENCED_AT_ONCE) {
            let fenced = ids.iter().map(|id| cluster.fence_producers(id, timeout));
            try_join_all(fenced).await.map_err(|error| {
                ConnectError::fatal(format!(
                    "producers of earlier tasks cannot be fenced: {error}; the principal of the \
                     connector's admin client needs Write and Describe on their transactional ids"
                ))
            })?;
        }
        Ok(())
    }
}
