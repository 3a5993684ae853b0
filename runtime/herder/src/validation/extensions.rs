//! Settings that the JVM worker does not know.
//!
//! They are in the answer only of a configuration that sets them: every other answer is the JVM
//! worker's.

use super::definitions;
use crate::restart_policy::SETTINGS;
use connect_api::ConnectorType;
use connect_api::config::{
    ConfigDef, ConfigKey, ConfigMap, ConfigType, ConfigValue, Importance, Width,
};
use connect_worker::DeadLetterQueueConfig;
use indexmap::IndexMap;

const SOURCE_ENABLE: &str = DeadLetterQueueConfig::SOURCE_ENABLE_CONFIG;
const TRANSFORM_HEADERS_ENABLE: &str = DeadLetterQueueConfig::TRANSFORM_HEADERS_ENABLE_CONFIG;
const TOPIC_NAME: &str = DeadLetterQueueConfig::TOPIC_NAME_CONFIG;

/// Adds what the configuration sets.
pub(super) fn define(def: &mut ConfigDef, config: &ConfigMap, connector_type: ConnectorType) {
    let is_set = |key: &str| config.get(key).is_some();
    let key = |name: &str, order, display_name: &str, doc: &str| {
        ConfigKey::new(name, ConfigType::Boolean)
            .default(false)
            .importance(Importance::Medium)
            .doc(doc)
            .group("Error Handling", order, Width::Medium, display_name)
    };
    if connector_type == ConnectorType::Source && is_set(SOURCE_ENABLE) {
        let queue_keys = definitions::connector_type_def(ConnectorType::Sink).keys();
        for key in queue_keys.filter(|key| key.name().starts_with("errors.deadletterqueue.")) {
            def.add(key.clone());
        }
        def.add(key(
            SOURCE_ENABLE,
            9,
            "Enable Dead Letter Queue of Source",
            "If true, records of this source connector that cannot be transformed, converted or \
             written go to the topic of errors.deadletterqueue.topic.name.",
        ));
    }
    if is_set(TRANSFORM_HEADERS_ENABLE) {
        def.add(key(
            TRANSFORM_HEADERS_ENABLE,
            10,
            "Enable Transform Context Headers",
            "If true, add headers with the aliases of the transformation and predicate that failed \
             to the messages written to the dead letter queue: \
             <code>__connect.errors.transform.alias</code> and \
             <code>__connect.errors.predicate.alias</code>.",
        ));
    }
    for (order, setting) in (1..).zip(&SETTINGS) {
        if is_set(setting.name) {
            def.add(setting.connector_key(order));
        }
    }
}

/// A source that asks for a dead letter queue must name its topic.
pub(super) fn check_source(values: &mut IndexMap<String, ConfigValue>, config: &ConfigMap) {
    let text = |key: &str| config.get(key).map(str::trim).unwrap_or_default();
    if text(SOURCE_ENABLE).eq_ignore_ascii_case("true") && text(TOPIC_NAME).is_empty() {
        values
            .entry(TOPIC_NAME.to_string())
            .or_insert_with(|| ConfigValue::new(TOPIC_NAME, None))
            .add_error(format!(
                "{TOPIC_NAME} must name the dead letter queue that {SOURCE_ENABLE} asks for"
            ));
    }
}
