//! The properties of Kafka clients that a worker's settings give.
//!
//! Un-prefixed client settings are for the worker's own clients: storage topics, the group and the
//! cluster's id. Connectors' producers and consumers take only what stands behind `producer.` and
//! `consumer.`, beside `bootstrap.servers`; their admin clients take both.

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

const fn prefix(client: ClientType) -> &'static str {
    match client {
        ClientType::Producer => "producer.",
        ClientType::Consumer => "consumer.",
        ClientType::Admin => "admin.",
    }
}

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

    /// What the worker's settings give a connector's client, over the defaults of
    /// [`ClientProperties::connector_producer`] and the like, and under the connector's overrides:
    /// `bootstrap.servers`, for admin clients the un-prefixed settings, then all settings behind
    /// the prefix of the client, known or not.
    pub fn connector_client_properties(&self, client: ClientType) -> ClientProperties {
        let mut properties = match client {
            ClientType::Admin => self.client_properties(client),
            _ => ClientProperties::from_iter([("bootstrap.servers", self.bootstrap_servers())]),
        };
        properties.extend(texts(&self.raw().with_prefix(prefix(client))));
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
