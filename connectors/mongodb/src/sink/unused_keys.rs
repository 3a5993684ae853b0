//! Keys that users set though they have no effect.

use super::keys;
use super::topic_settings::topic_config;
use connect_api::config::ConfigMap;
use std::collections::BTreeSet;

/// Keys of earlier versions.
const OBSOLETE: &[&str] = &["max.num.retries", "retries.defer.timeout"];

/// Keys that a CDC handler leaves without effect, and the values that are the same as not set.
const IGNORED_WITH_HANDLER: &[(&str, Option<&str>)] = &[
    (keys::POST_PROCESSOR_CHAIN, None),
    (keys::FIELD_RENAMER_MAPPING, Some("[]")),
    (keys::FIELD_RENAMER_REGEXP, Some("[]")),
    (keys::KEY_PROJECTION_LIST, Some("")),
    (keys::KEY_PROJECTION_TYPE, Some("none")),
    (keys::VALUE_PROJECTION_LIST, Some("")),
    (keys::VALUE_PROJECTION_TYPE, Some("none")),
    (keys::WRITEMODEL_STRATEGY, None),
    (keys::ID_STRATEGY, None),
    (keys::ID_OVERWRITE_EXISTING, Some("false")),
    (keys::ID_UUID_FORMAT, None),
    (keys::DELETE_ON_NULL_VALUES, Some("false")),
];

/// Logs a line for each.
pub(super) fn warn_about(config: &ConfigMap) {
    for warning in warnings(config) {
        tracing::warn!("{warning}");
    }
}

fn warnings(config: &ConfigMap) -> Vec<String> {
    let mut warnings = Vec::new();
    for key in config.keys() {
        let plain = key
            .strip_prefix(keys::TOPIC_OVERRIDE_PREFIX)
            .and_then(|key| key.split_once('.'))
            .map_or(key, |(_, plain)| plain);
        if OBSOLETE.contains(&plain) {
            warnings.push(format!(
                "The key {key} has no effect: failed writes are tried again by themselves, unless \
                 retryWrites=false stands in connection.uri"
            ));
        }
    }
    let mut topics: BTreeSet<&str> = config
        .keys()
        .filter_map(|key| key.strip_prefix(keys::TOPIC_OVERRIDE_PREFIX))
        .filter_map(|key| key.split('.').next())
        .collect();
    topics.insert("");
    for topic in topics {
        let merged = topic_config(topic, config);
        if merged.get(keys::CDC_HANDLER).unwrap_or("").is_empty() {
            continue;
        }
        let of_topic = match topic {
            "" => String::new(),
            topic => format!(" for topic {topic}"),
        };
        for (key, unset) in IGNORED_WITH_HANDLER {
            if merged.contains_key(key) && merged.get(key) != *unset {
                warnings.push(format!(
                    "The key {key} has no effect{of_topic}: {} is set",
                    keys::CDC_HANDLER
                ));
            }
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_without_effect_are_told() {
        let config = ConfigMap::from_iter([
            ("max.num.retries", "3"),
            ("topic.override.a.retries.defer.timeout", "5"),
            ("delete.on.null.values", "false"),
            ("document.id.strategy", "x.Y"),
            ("topic.override.b.change.data.capture.handler", "x.Z"),
        ]);
        let found = warnings(&config);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("The key max.num.retries has no effect"));
        assert!(found[1].starts_with("The key topic.override.a.retries.defer.timeout"));
        assert_eq!(
            found[2],
            "The key document.id.strategy has no effect for topic b: change.data.capture.handler is set"
        );
    }
}
