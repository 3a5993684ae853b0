//! Settings that nobody reads. The JVM worker passes over them in silence; here they are warned of.

use crate::ConfigInfos;
use crate::plugins::Plugins;
use connect_api::config::ConfigMap;
use std::collections::BTreeSet;
use tracing::warn;

/// Keys that other products and older versions read, and people carry along.
const PASSED_OVER: [&str; 3] = ["confluent.", "_", "config.providers"];

/// How alike two keys must be for one to be offered for the other, from 0 to 1.
const MIN_SIMILARITY: f64 = 0.9;

/// A setting that nobody reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKey {
    /// The key.
    pub key: String,
    /// That it has no effect, and which key may have been meant.
    pub message: String,
}

/// The settings that mean nothing, with the nearest ones that do, in the order of the configuration.
/// `infos` is the answer of the validation of this configuration. Of a connector that defines no
/// settings, like Kafka's own for tests, nobody knows what it reads.
pub fn unknown_keys(config: &ConfigMap, infos: &ConfigInfos, plugins: &Plugins) -> Vec<UnknownKey> {
    let class = config.get("connector.class").unwrap_or_default().trim();
    let plugin = plugins.connector(class);
    if plugin.is_ok_and(|plugin| (plugin.config_def)().keys().next().is_none()) {
        return Vec::new();
    }
    let unknown = config.keys().filter_map(|key| {
        let hint = hint(key, infos)?;
        Some(UnknownKey {
            key: key.to_string(),
            message: format!("The setting '{key}' is not known and has no effect{hint}"),
        })
    });
    unknown.collect()
}

/// Logs a warning for each of them.
pub(super) fn warn(config: &ConfigMap, infos: &ConfigInfos, plugins: &Plugins) {
    let name = config.get("name").unwrap_or_default();
    for UnknownKey { message, .. } in unknown_keys(config, infos, plugins) {
        warn!(connector = name, "{message}");
    }
}

/// What to say about a key that means nothing; `None` for one that does.
fn hint(key: &str, infos: &ConfigInfos) -> Option<String> {
    let known: BTreeSet<&str> = infos
        .configs
        .iter()
        .filter_map(|info| Some(info.definition.as_ref()?.name.as_str()))
        .collect();
    let of_others = [
        "producer.override.",
        "consumer.override.",
        "admin.override.",
        "topic.creation.",
        "topic.override.",
        "key.converter.",
        "value.converter.",
        "header.converter.",
    ];
    let is_passed_over = PASSED_OVER
        .iter()
        .chain(&of_others)
        .any(|prefix| key.starts_with(prefix));
    if known.contains(key) || is_passed_over {
        return None;
    }
    for client in ["producer", "consumer", "admin"] {
        if let Some(setting) = key
            .strip_prefix(client)
            .and_then(|rest| rest.strip_prefix('.'))
        {
            return Some(format!("; a connector writes {client}.override.{setting}"));
        }
    }
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(candidate, key), *candidate))
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    Some(match nearest {
        Some((_, candidate)) => format!("; did you mean '{candidate}'?"),
        None => String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConfigInfo, ConfigKeyInfo};

    fn infos(keys: &[&str]) -> ConfigInfos {
        let definition = |name: &str| ConfigKeyInfo {
            name: name.to_string(),
            config_type: "STRING",
            required: false,
            default_value: None,
            importance: "LOW",
            documentation: String::new(),
            group: None,
            order_in_group: -1,
            width: "NONE",
            display_name: name.to_string(),
            dependents: Vec::new(),
        };
        ConfigInfos {
            name: String::new(),
            error_count: 0,
            groups: Vec::new(),
            configs: keys
                .iter()
                .map(|key| ConfigInfo {
                    definition: Some(definition(key)),
                    value: None,
                })
                .collect(),
        }
    }

    #[test]
    fn misspelt_keys_get_the_nearest_name() {
        let infos = infos(&["errors.retry.timeout", "topics"]);
        let hint = |key| hint(key, &infos);
        assert_eq!(
            hint("errors.retry.timeout.ms").as_deref(),
            Some("; did you mean 'errors.retry.timeout'?")
        );
        assert_eq!(
            hint("consumer.max.poll.records").as_deref(),
            Some("; a connector writes consumer.override.max.poll.records")
        );
        assert_eq!(hint("zzz").as_deref(), Some(""));
        for known in [
            "topics",
            "_comment",
            "confluent.license",
            "consumer.override.x",
        ] {
            assert_eq!(hint(known), None, "{known}");
        }
    }
}
