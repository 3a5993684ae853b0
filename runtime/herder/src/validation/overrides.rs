//! Client settings that a connector overrides, and what the worker's policy thinks of them.

use super::WorkerView;
use super::definitions::ClientType;
use super::infos::{append_prefixed, prefixed_info};
use crate::{ConfigInfos, HerderError, HerderErrorKind, HerderResult};
use connect_api::config::{ConfigData, ConfigMap, ConfigValue};
use connect_api::{ConnectorPlugin, ConnectorType};

/// `connector.client.config.override.policy`: which client settings connectors may override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OverridePolicy {
    /// Every setting.
    All,
    /// No setting.
    None,
    /// The settings of authentication: `sasl.jaas.config`, `sasl.mechanism`, `security.protocol`.
    Principal,
    /// These settings, of any client: `connector.client.config.override.allowlist`.
    Allowlist(Vec<String>),
}

impl OverridePolicy {
    /// The policy that a worker setting names, by alias or class; `None` if there is no such policy.
    pub fn of_setting(name: &str, allowlist: &[String]) -> Option<Self> {
        let simple = name.trim().rsplit('.').next().unwrap_or_default();
        let simple = simple
            .strip_suffix("ConnectorClientConfigOverridePolicy")
            .unwrap_or(simple);
        Some(match simple {
            "All" => Self::All,
            "None" => Self::None,
            "Principal" => Self::Principal,
            "Allowlist" => Self::Allowlist(allowlist.to_vec()),
            _ => return None,
        })
    }

    /// Whether a client setting, without its prefix, may be overridden.
    pub fn allows(&self, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Principal => {
                matches!(
                    key,
                    "sasl.jaas.config" | "sasl.mechanism" | "security.protocol"
                )
            }
            Self::Allowlist(keys) => keys.iter().any(|allowed| allowed == key),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::All => "All",
            Self::None => "None",
            Self::Principal => "Principal",
            Self::Allowlist(_) => "Allowlist",
        }
    }
}

/// The clients that the connector will make.
fn clients(connector_type: ConnectorType, config: &ConfigMap) -> Vec<ClientType> {
    match connector_type {
        ConnectorType::Source => {
            let creates_topics = config.keys().any(|key| key.starts_with("topic.creation."));
            let mut clients = vec![ClientType::Producer];
            clients.extend(creates_topics.then_some(ClientType::Admin));
            clients
        }
        ConnectorType::Sink => {
            let dlq = config.get("errors.deadletterqueue.topic.name");
            if dlq.is_some_and(|topic| !topic.trim().is_empty()) {
                vec![
                    ClientType::Producer,
                    ClientType::Consumer,
                    ClientType::Admin,
                ]
            } else {
                vec![ClientType::Consumer]
            }
        }
    }
}

/// Adds the overrides that are present, for the clients that the connector will make.
pub(super) fn append(
    infos: &mut ConfigInfos,
    config: &ConfigMap,
    worker: &WorkerView,
    plugin: &ConnectorPlugin,
) -> HerderResult<()> {
    for client in clients(plugin.connector_type(), config) {
        // Java copies from one hash map to another, which shows where keys share a bucket.
        let overrides = config
            .in_java_hash_order()
            .with_prefix(client.prefix())
            .in_java_hash_order();
        if overrides.is_empty() {
            continue;
        }
        let mut prefixed = Vec::new();
        for (key, text) in overrides.iter() {
            let definition = client.def().key(key);
            let data = match (definition, text) {
                (_, None) => None,
                (Some(definition), Some(text)) => {
                    let parsed = definition.parse_value(text).map_err(|message| {
                        HerderError::new(HerderErrorKind::Internal, message)
                            .with_exception("org.apache.kafka.common.config.ConfigException")
                    })?;
                    Some(parsed)
                }
                (None, Some(text)) => Some(ConfigData::String(text.to_string())),
            };
            let mut value = ConfigValue::new(key, data);
            if !worker.override_policy.allows(key) {
                value.add_error(format!(
                    "The '{}' policy does not allow '{key}' to be overridden in the connector \
                     configuration.",
                    worker.override_policy.name()
                ));
            }
            prefixed.push(prefixed_info(client.prefix(), definition, &value));
        }
        append_prefixed(infos, prefixed);
    }
    Ok(())
}
