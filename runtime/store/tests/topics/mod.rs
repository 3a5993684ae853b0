//! Topics for the suites: in memory, and on the brokers that librdkafka embeds.

use connect_kafka::client_config::ClientProperties;
use connect_kafka::log::{CompactedLog, KafkaLog, KafkaLogConfig, MemoryLog, MemoryTopic};
use connect_kafka::mock::MockCluster;
use std::sync::Arc;
use std::time::Duration;

/// Longer than anything takes; a test that reaches it has failed.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// A topic that several workers open.
pub enum Topic {
    InMemory(Arc<MemoryTopic>),
    Embedded { cluster: MockCluster },
}

const NAME: &str = "internal";

impl Topic {
    pub fn in_memory(num_partitions: i32) -> Self {
        Self::InMemory(MemoryTopic::new(NAME, num_partitions))
    }

    pub fn embedded(num_partitions: i32) -> Self {
        let cluster = MockCluster::start(1).expect("an embedded broker");
        cluster
            .create_topic(NAME, num_partitions, 1)
            .expect("a new topic");
        Self::Embedded { cluster }
    }

    pub fn open(&self) -> Arc<dyn CompactedLog> {
        match self {
            Self::InMemory(topic) => Arc::new(MemoryLog::new(topic)),
            Self::Embedded { cluster } => {
                let bootstrap_servers = cluster.bootstrap_servers();
                let producer = ClientProperties::from_iter([(
                    "bootstrap.servers",
                    bootstrap_servers.as_str(),
                )]);
                let mut consumer = producer.clone();
                // The embedded broker does not wake a waiting fetch for new records.
                consumer.set("fetch.max.wait.ms", "20");
                Arc::new(KafkaLog::new(KafkaLogConfig {
                    topic: NAME.to_string(),
                    producer: Some(producer),
                    consumer,
                }))
            }
        }
    }
}
