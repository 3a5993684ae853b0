//! Checks across settings, and settings that ask for what this worker does not do.

use super::basic_auth::{ADMINS_SETTING, EXTENSION_CLASS, READERS_SETTING, is_extension};
use super::keys::MASK_SECRETS_SETTING;
use super::{Listener, WorkerConfig, WorkerMode};

/// Faults that no single setting shows, a line each.
pub(super) fn faults(config: &WorkerConfig) -> Vec<String> {
    let mut faults = Vec::new();
    let mut refuse = |key: &str, value: &str, why: &str| {
        faults.push(format!(
            "Invalid value {value} for configuration {key}: {why}"
        ));
    };
    if config.mode() == WorkerMode::Distributed {
        let (heartbeat, session) = (
            config.number("heartbeat.interval.ms"),
            config.number("session.timeout.ms"),
        );
        if heartbeat >= session {
            refuse(
                "heartbeat.interval.ms",
                &heartbeat.to_string(),
                &format!(
                    "Heartbeat must be set lower than the session timeout, which is {session}"
                ),
            );
        }
        let algorithms = config.parsed().list("inter.worker.verification.algorithms");
        let algorithms = algorithms.unwrap_or_default();
        let signature = config.text("inter.worker.signature.algorithm");
        if !algorithms.iter().any(|algorithm| algorithm == signature) {
            refuse(
                "inter.worker.signature.algorithm",
                signature,
                "Signature algorithm must be present in inter.worker.verification.algorithms list",
            );
        }
        storage_topics(config, &mut refuse);
    }
    advertised(config, &mut refuse);
    if config.override_policy().is_none() {
        let policy = config.text("connector.client.config.override.policy");
        refuse(
            "connector.client.config.override.policy",
            policy,
            &format!(
                "Failed to find any class that implements interface \
                 org.apache.kafka.connect.connector.policy.ConnectorClientConfigOverridePolicy and \
                 which name matches {policy}; there are All, None, Principal and Allowlist"
            ),
        );
    }
    for class in config
        .parsed()
        .list("rest.extension.classes")
        .unwrap_or_default()
        .iter()
        .filter(|class| !is_extension(class))
    {
        refuse(
            "rest.extension.classes",
            class,
            &format!(
                "it is a Java class, which can't be loaded here, and requests that it would refuse \
                 must not get through; remove it and protect the REST API otherwise, for example by \
                 {EXTENSION_CLASS}"
            ),
        );
    }
    // The validator of the listeners themselves takes no empty list, which switches /admin off.
    for url in config.parsed().list("admin.listeners").unwrap_or_default() {
        if let Err(why) = url.parse::<Listener>() {
            refuse("admin.listeners", url, &why);
        }
    }
    for setting in [READERS_SETTING, ADMINS_SETTING, MASK_SECRETS_SETTING] {
        if config.raw().contains_key(setting) && !has_users(config) {
            refuse(
                setting,
                config.raw().get(setting).unwrap_or_default(),
                &format!(
                    "it needs users: set rest.extension.classes to {EXTENSION_CLASS}, or remove it"
                ),
            );
        }
    }
    faults
}

fn has_users(config: &WorkerConfig) -> bool {
    let extensions = config.parsed().list("rest.extension.classes");
    extensions
        .unwrap_or_default()
        .iter()
        .any(|class| is_extension(class))
}

fn storage_topics(config: &WorkerConfig, refuse: &mut impl FnMut(&str, &str, &str)) {
    const KEYS: [&str; 3] = [
        "offset.storage.topic",
        "config.storage.topic",
        "status.storage.topic",
    ];
    for (index, key) in KEYS.iter().enumerate() {
        let Some(topic) = config.raw().get(key).map(str::trim) else {
            continue;
        };
        let twin = KEYS[..index].iter().find(|other| {
            config
                .raw()
                .get(other)
                .is_some_and(|other| other.trim() == topic)
        });
        if let Some(twin) = twin {
            refuse(
                key,
                topic,
                &format!("{twin} names the same topic; each needs its own"),
            );
        }
    }
}

fn advertised(config: &WorkerConfig, refuse: &mut impl FnMut(&str, &str, &str)) {
    let protocol = config.text("rest.advertised.listener");
    if !protocol.is_empty()
        && !config
            .listeners()
            .iter()
            .any(|listener| listener.protocol().eq_ignore_ascii_case(protocol))
    {
        refuse(
            "rest.advertised.listener",
            protocol,
            "it must be the protocol of one of the listeners: http or https",
        );
    }
}

/// What has no effect although a JVM worker would heed it, a sentence each.
pub(super) fn warnings(config: &WorkerConfig) -> Vec<String> {
    const JMX_REPORTER: &str = "org.apache.kafka.common.metrics.JmxReporter";
    config
        .parsed()
        .list("metric.reporters")
        .unwrap_or_default()
        .iter()
        .filter(|reporter| *reporter != JMX_REPORTER)
        .map(|reporter| {
            format!(
                "The metrics reporter {reporter} is a Java class, which can't be loaded here; \
                 metrics are at /metrics of the REST API"
            )
        })
        .collect()
}
