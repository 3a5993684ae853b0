//! The settings of the converters that a connector names itself.

use super::infos::{append_prefixed, prefixed_info};
use super::plugin_values::CONVERTER_KEYS;
use crate::ConfigInfos;
use crate::plugins::{PluginLookup, Plugins};
use connect_api::config::{ConfigMap, ConfigValue};
use connect_api::data::java_hash_order;

/// Adds the settings of each converter that the connector sets. One that is left out is the worker's,
/// and so are its settings.
pub(super) fn append(infos: &mut ConfigInfos, config: &ConfigMap, plugins: &Plugins) {
    for (key, plugin_type, _) in CONVERTER_KEYS {
        let Some(class) = config.get(key) else {
            continue;
        };
        let PluginLookup::Found(plugin) = plugins.find(plugin_type, class.trim()) else {
            continue;
        };
        // A version that does not exist has no settings to show.
        let version_key = format!("{key}.plugin.version");
        let has_wrong_version = infos
            .configs
            .iter()
            .filter_map(|info| info.value.as_ref())
            .any(|value| value.name == version_key && !value.errors.is_empty());
        if has_wrong_version {
            continue;
        }
        let prefix = format!("{key}.");
        let mut converter_config = config.with_prefix(&prefix);
        if !converter_config.contains_key("converter.type") {
            let role = key.strip_suffix(".converter").unwrap_or(key);
            converter_config.insert("converter.type", role);
        }
        let values: Vec<ConfigValue> = plugin.config_def.validate(&converter_config);
        let order = java_hash_order(values.iter().map(|value| value.name.as_str()));
        let prefixed = order
            .into_iter()
            .map(|index| &values[index])
            .map(|value| prefixed_info(&prefix, plugin.config_def.key(&value.name), value))
            .collect();
        append_prefixed(infos, prefixed);
    }
}
