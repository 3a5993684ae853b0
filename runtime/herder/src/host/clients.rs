//! The Kafka clients that connectors get.

use async_trait::async_trait;
use connect_api::{ConnectError, Result};
use connect_kafka::admin::{Admin, LibrdkafkaAdmin};
use connect_kafka::client_config::ClientProperties;
use connect_kafka::consumer::{ConsumerSettings, LibrdkafkaConsumer, SinkConsumer, Subscription};
use connect_kafka::producer::{LibrdkafkaProducer, Producer};
use std::sync::Arc;

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

    /// An admin client.
    fn admin(&self, properties: &ClientProperties) -> Result<Arc<dyn Admin>>;
}

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

    fn admin(&self, properties: &ClientProperties) -> Result<Arc<dyn Admin>> {
        let admin =
            LibrdkafkaAdmin::new(properties).map_err(|error| refused("admin client", &error))?;
        Ok(Arc::new(admin))
    }
}
