//! The properties of Kafka clients that a worker's settings give.
//!
//! Un-prefixed client settings are for the worker's own clients (storage topics, the group, the
//! cluster's id) and for connectors' admin clients. Connectors' producers and consumers take only what
//! stands behind `producer.` and `consumer.`, beside `bootstrap.servers`.

use super::{StorageTopic, WorkerConfig};
use connect_api::config::ConfigMap;
use connect_kafka::client_config::{ClientProperties, ClientType};

/// Client settings that mean something else to a worker.
const OF_THE_WORKER: &[&str] = &[
    "bootstrap.servers",
    "client.id",
    "config.providers",
    "group.id",
    "heartbeat.interval.ms",
    "metric.reporters",
    "metrics.num.samples",
    "metrics.recording.level",
    "metrics.sample.window.ms",
    "session.timeout.ms",
];

fn texts(map: &ConfigMap) -> impl Iterator<Item = (&str, &str)> {
    map.iter().filter_map(|(key, value)| Some((key, value?)))
}

impl WorkerConfig {
    /// The settings of one of the worker's own clients: `bootstrap.servers` and the un-prefixed
    /// settings that such a client knows. Ids are the caller's, see
    /// [`internal_client_id`](Self::internal_client_id).
    pub fn client_properties(&self, client: ClientType) -> ClientProperties {
        let mut properties =
            ClientProperties::from_iter([("bootstrap.servers", self.bootstrap_servers())]);
        properties.extend(
            texts(self.raw()).filter(|(key, _)| !OF_THE_WORKER.contains(key) && client.knows(key)),
        );
        properties
    }

    /// The id of a client of a storage topic: `<group.id>-[<client.id>-]configs`, and so on.
    pub fn internal_client_id(&self, topic: StorageTopic) -> String {
        self.client_id_with(topic.client_id_suffix())
    }

    /// The id of the admin client that storage topics share.
    pub fn shared_admin_client_id(&self) -> String {
        self.client_id_with("shared-admin")
    }

    fn client_id_with(&self, suffix: &str) -> String {
        let mut parts = vec![self.group_id(), self.text("client.id"), suffix];
        parts.retain(|part| !part.is_empty());
        parts.join("-")
    }
}
