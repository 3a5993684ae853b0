//! The properties of Kafka clients that a worker's settings give.
//!
//! Un-prefixed client settings are for the worker's own clients (storage topics, the group, the
//! cluster's id) and for connectors' admin clients. Connectors' producers and consumers take only what
//! stands behind `producer.` and `consumer.`, beside `bootstrap.servers`.

use super::{ExactlyOnceSourceSupport, StorageTopic, WorkerConfig};
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

    /// The settings of the consumer of a storage topic. Of configurations and offsets it sees what is
    /// committed, in a cluster whose sources are exactly-once.
    pub fn storage_consumer_properties(&self, topic: StorageTopic) -> ClientProperties {
        let mut properties = self.client_properties(ClientType::Consumer);
        let is_transactional = matches!(topic, StorageTopic::Configs | StorageTopic::Offsets);
        if is_transactional && self.exactly_once_source_support().is_enabled() {
            properties.set("isolation.level", "read_committed");
        }
        properties
    }

    /// The settings of the producer with which the leader alone writes to the config topic, if the
    /// cluster wants that (`exactly.once.source.support` of `preparing` and `enabled`).
    pub fn leader_producer_properties(&self) -> Option<ClientProperties> {
        if self.exactly_once_source_support() == ExactlyOnceSourceSupport::Disabled {
            return None;
        }
        let mut properties = self.client_properties(ClientType::Producer);
        let client_id = format!("{}-leader", self.internal_client_id(StorageTopic::Configs));
        let transactional_id = format!("connect-cluster-{}", self.group_id());
        for (key, value) in [
            ("client.id", client_id.as_str()),
            ("transactional.id", &transactional_id),
            ("enable.idempotence", "true"),
            ("acks", "all"),
            ("max.in.flight.requests.per.connection", "5"),
        ] {
            properties.set(key, value);
        }
        Some(properties)
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
