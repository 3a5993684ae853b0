//! Keys that are unknown, gone, or of no effect.

use super::WorkerMode;
use super::basic_auth::{ADMINS_SETTING, READERS_SETTING};
use super::definition::{belongs_to_other_mode, definition};
use connect_api::config::ConfigMap;
use connect_kafka::client_config::ClientType;

/// Keys and families of keys that belong to somebody: a plugin, a client, a topic.
const KNOWN_PREFIXES: &[&str] = &[
    "producer.",
    "consumer.",
    "admin.",
    "offset.storage.",
    "config.storage.",
    "status.storage.",
    "config.providers.",
    "key.converter.",
    "value.converter.",
    "header.converter.",
    "metrics.context.",
    "metrics.jmx.",
    "listeners.https.",
    "admin.listeners.https.",
    "connector.client.config.override.",
    // Licence and monitoring settings of Confluent's own plugins stand in many worker files.
    "confluent.",
];

/// Shows `[hidden]` in place of secrets to users of the REST API who may only read.
pub(super) const MASK_SECRETS_SETTING: &str = "dovetail.rest.mask.secrets";

/// Keys that a JVM worker does not know.
const OWN_KEYS: &[&str] = &[READERS_SETTING, ADMINS_SETTING, MASK_SECRETS_SETTING];

/// Keys of older versions or of the scripts of images, and what the user should know.
const NO_EFFECT: &[(&str, &str)] = &[
    (
        "internal.key.converter",
        "Connect 3.0 removed it: internal topics always hold JSON without schemas",
    ),
    (
        "internal.value.converter",
        "Connect 3.0 removed it: internal topics always hold JSON without schemas",
    ),
    (
        "zookeeper.connect",
        "Connect workers do not speak to ZooKeeper",
    ),
    (
        "auto.include.jmx.reporter",
        "Connect 4.0 removed it; metrics are at /metrics",
    ),
    (
        "log4j.",
        "levels of logs are set by the CONNECT_LOG4J_* variables or at /admin/loggers",
    ),
    ("offset.storage.cleanup.policy", "Connect needs compact"),
    ("config.storage.cleanup.policy", "Connect needs compact"),
    ("status.storage.cleanup.policy", "Connect needs compact"),
    (
        "config.storage.partitions",
        "the topic has exactly one partition",
    ),
];

const REST_HOST_NAME: &str = "rest.host.name";
const REST_PORT: &str = "rest.port";

/// Whether what stands behind `offset.storage.` and the like is a setting of the topic itself.
pub(super) fn is_topic_setting(key: &str) -> bool {
    !matches!(
        key,
        "topic" | "partitions" | "replication.factor" | "cleanup.policy" | "file.filename"
    )
}

/// Makes `listeners` of `rest.host.name` and `rest.port`, which it replaced in 3.0.
pub(super) fn replace_removed_listener_keys(raw: &mut ConfigMap) {
    let is_removed = raw.contains_key(REST_HOST_NAME) || raw.contains_key(REST_PORT);
    if !is_removed || raw.contains_key("listeners") {
        return;
    }
    let text = |key| raw.get(key).map(str::trim).filter(|text| !text.is_empty());
    let host = text(REST_HOST_NAME).unwrap_or("");
    let port = text(REST_PORT).unwrap_or("8083");
    let listener = if host.contains(':') && !host.starts_with('[') {
        format!("http://[{host}]:{port}")
    } else {
        format!("http://{host}:{port}")
    };
    raw.insert("listeners", listener);
}

/// What to tell the user about the keys, a sentence each; never a value.
pub(super) fn warnings(mode: WorkerMode, raw: &ConfigMap) -> Vec<String> {
    let def = definition(mode);
    let known: Vec<&str> = def
        .keys()
        .map(|key| key.name())
        .chain(OWN_KEYS.iter().copied())
        .collect();
    raw.keys()
        .filter(|key| !known.contains(key))
        .filter_map(|key| warning(mode, raw, &known, key))
        .collect()
}

fn warning(mode: WorkerMode, raw: &ConfigMap, known: &[&str], key: &str) -> Option<String> {
    if key == REST_HOST_NAME || key == REST_PORT {
        return Some(if raw.contains_key("listeners") {
            format!("The setting {key} has no effect: listeners is set, which replaced it in 3.0")
        } else {
            format!(
                "The setting {key} was replaced by listeners in 3.0; it is honoured as long as \
                 listeners is not set"
            )
        });
    }
    let is_or_is_below = |name: &str| {
        key.strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || name.ends_with('.') || rest.starts_with('.'))
    };
    if let Some((_, reason)) = NO_EFFECT.iter().find(|(name, _)| is_or_is_below(name)) {
        return Some(format!("The setting {key} has no effect: {reason}"));
    }
    let clients = [
        ClientType::Producer,
        ClientType::Consumer,
        ClientType::Admin,
    ];
    if clients.iter().any(|client| client.knows(key)) && !is_of_group(key) {
        return None;
    }
    if belongs_to_other_mode(mode, key) {
        return Some(format!(
            "The setting {key} has no effect in a {} worker",
            mode.name()
        ));
    }
    if KNOWN_PREFIXES.iter().any(|prefix| key.starts_with(prefix)) {
        return None;
    }
    Some(match nearest(known, key) {
        Some(near) => format!(
            "The setting {key} is not known to workers and has no effect. Did you mean {near}?"
        ),
        None => format!("The setting {key} is not known to workers and has no effect"),
    })
}

/// Settings of a group membership, which only a distributed worker has.
fn is_of_group(key: &str) -> bool {
    matches!(
        key,
        "group.id" | "session.timeout.ms" | "heartbeat.interval.ms"
    )
}

/// The known key that the user may have meant.
fn nearest<'a>(known: &[&'a str], key: &str) -> Option<&'a str> {
    // Environment variables and other writing habits: underscores, capitals.
    let key = key.to_ascii_lowercase().replace(['_', '-'], ".");
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(name, &key), *name))
        .min()
        .filter(|(distance, name)| *distance <= (name.len() / 5).max(1))
        .map(|(_, name)| name)
}
