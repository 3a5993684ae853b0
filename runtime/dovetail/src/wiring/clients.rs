//! The worker's own connection to its Kafka cluster, and its membership.

use connect_api::{ConnectError, Result};
use connect_herder::{AdvertisedAddress, Group, WorkerConfig, WorkerMode};
use connect_kafka::client_config::ClientType;
use connect_kafka::group::GroupConfig;
use connect_kafka::wire::{ClientSettings, ClusterClient};
use std::collections::BTreeMap;

/// How to reach the brokers. Ids of group members begin with the id of this client.
pub(super) fn cluster(config: &WorkerConfig, address: &AdvertisedAddress) -> Result<ClusterClient> {
    let mut properties: BTreeMap<String, String> = config
        .client_properties(ClientType::Admin)
        .iter()
        .map(|(key, value)| (key.to_string(), value.to_string()))
        .collect();
    let client_id = match config.text("client.id") {
        "" => format!("connect-{}", address.worker_id),
        client_id => client_id.to_string(),
    };
    properties.insert("client.id".to_string(), client_id);
    let settings = ClientSettings::from_properties(&properties)
        .map_err(|error| ConnectError::config(error.to_string()))?;
    Ok(ClusterClient::new(settings))
}

/// The group that the worker joins.
pub(super) fn group(config: &WorkerConfig, cluster: &ClusterClient) -> Group {
    if config.mode() == WorkerMode::Standalone {
        return Group::Solo;
    }
    let group = GroupConfig {
        group_id: config.group_id().to_string(),
        session_timeout: config.millis("session.timeout.ms"),
        rebalance_timeout: config.millis("rebalance.timeout.ms"),
        heartbeat_interval: config.millis("heartbeat.interval.ms"),
    };
    Group::Kafka(cluster.clone(), group, config.connect_protocol())
}
