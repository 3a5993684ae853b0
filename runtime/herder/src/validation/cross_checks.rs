//! Checks that need more than one setting, or the worker's.

use super::{WorkerView, regex};
use connect_api::config::{ConfigData, ConfigMap, ConfigValue};
use connect_api::{ExactlyOnceSupport, SourceConnector};
use indexmap::IndexMap;

type Values = IndexMap<String, ConfigValue>;

fn add_error(values: &mut Values, key: &str, message: impl Into<String>) {
    values
        .entry(key.to_string())
        .or_insert_with(|| ConfigValue::new(key, None))
        .add_error(message);
}

fn present<'a>(config: &'a ConfigMap, key: &str) -> Option<&'a str> {
    config
        .get(key)
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

/// `topics` or `topics.regex`, the dead letter queue, the consumer group.
pub(super) fn sink(values: &mut Values, config: &ConfigMap, worker: &WorkerView) {
    let topics = present(config, "topics");
    let pattern = present(config, "topics.regex");
    let choice = match (topics, pattern) {
        (Some(_), Some(_)) => {
            Some("topics and topics.regex are mutually exclusive options, but both are set.")
        }
        (None, None) => Some("Must configure one of topics or topics.regex"),
        _ => None,
    };
    if let Some(message) = choice {
        add_error(values, "topics", message);
        add_error(values, "topics.regex", message);
    }
    if let Some(dlq) = present(config, "errors.deadletterqueue.topic.name") {
        let topics: Vec<&str> = topics
            .map(|topics| topics.split(',').map(str::trim).collect())
            .unwrap_or_default();
        if topics.contains(&dlq) {
            let topics = topics.join(", ");
            add_error(
                values,
                "topics",
                format!(
                    "The DLQ topic '{dlq}' may not be included in the list of topics \
                     ('topics=[{topics}]') consumed by the connector"
                ),
            );
        }
        if let Some(pattern) = pattern
            && regex::matches(pattern, dlq)
        {
            add_error(
                values,
                "topics.regex",
                format!(
                    "The DLQ topic '{dlq}' may not be matched by the regex for the topics \
                     ('topics.regex={pattern}') consumed by the connector"
                ),
            );
        }
    }
    consumer_group(values, config, worker);
}

fn consumer_group(values: &mut Values, config: &ConfigMap, worker: &WorkerView) {
    const OVERRIDE: &str = "consumer.override.group.id";
    let Some(distributed) = &worker.distributed else {
        return;
    };
    let worker_group = &distributed.group_id;
    if let Some(group) = config.get(OVERRIDE) {
        // It shows twice: here without a definition, and among the overrides.
        let mut value = ConfigValue::new(OVERRIDE, Some(ConfigData::from(group)));
        if group == worker_group {
            value.add_error(format!(
                "Consumer group {group} conflicts with Connect worker group {worker_group}"
            ));
        }
        values.insert(OVERRIDE.to_string(), value);
        return;
    }
    let name = config.get("name").unwrap_or_default();
    if format!("connect-{name}") == *worker_group {
        add_error(
            values,
            "name",
            format!(
                "Consumer group for sink connector named {name} conflicts with Connect worker \
                 group {worker_group}"
            ),
        );
    }
}

/// Exactly-once support and transaction boundaries, which only a distributed worker has.
pub(super) fn source(
    values: &mut Values,
    config: &ConfigMap,
    worker: &WorkerView,
    connector: &dyn SourceConnector,
) {
    let Some(distributed) = &worker.distributed else {
        return;
    };
    let chosen = |values: &Values, key: &str, choice: &str| {
        values.get(key).is_some_and(|value| {
            value.error_messages.is_empty()
                && matches!(&value.value, Some(ConfigData::String(text))
                    if text.eq_ignore_ascii_case(choice))
        })
    };
    if chosen(values, "exactly.once.support", "required") {
        const KEY: &str = "exactly.once.support";
        if !distributed.exactly_once_source_enabled {
            add_error(
                values,
                KEY,
                "This worker does not have exactly-once source support enabled.",
            );
        }
        match connector.exactly_once_support(config) {
            Some(ExactlyOnceSupport::Supported) => {}
            Some(ExactlyOnceSupport::Unsupported) => add_error(
                values,
                KEY,
                "The connector does not support exactly-once semantics with the provided \
                 configuration.",
            ),
            None => add_error(
                values,
                KEY,
                "The connector does not implement the API required for preflight validation of \
                 exactly-once source support. Please consult the documentation for the connector \
                 to determine whether it supports exactly-once semantics, and then consider \
                 reconfiguring the connector to use the value \"requested\" for this property \
                 (which will disable this preflight check and allow the connector to be created).",
            ),
        }
    }
    if chosen(values, "transaction.boundary", "connector")
        && !connector.can_define_transaction_boundaries(config)
    {
        add_error(
            values,
            "transaction.boundary",
            "The connector does not support connector-defined transaction boundaries with the \
             given configuration. Please reconfigure it to use a different transaction boundary \
             definition.",
        );
    }
}

/// A key that is there and null.
pub(super) fn null_values(values: &mut Values, config: &ConfigMap) {
    for (key, value) in config.iter() {
        if value.is_none() {
            add_error(
                values,
                key,
                "Null value can not be supplied as the configuration value.",
            );
        }
    }
}
