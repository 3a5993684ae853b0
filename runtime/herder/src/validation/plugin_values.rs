//! Settings that name plugins and their versions: converters, transforms, predicates and the connector
//! itself. What a connector leaves out shows the worker's view.

use super::WorkerView;
use super::definitions::connector_def;
use super::enrichment::ALIAS_KINDS;
use super::infos::{key_info, value_info};
use super::versions::VersionRange;
use crate::plugins::{PluginLookup, Plugins};
use crate::{ConfigInfo, ConfigInfos, PluginType};
use connect_api::ConnectorPlugin;
use connect_api::config::{ConfigData, ConfigKey, ConfigMap, ConfigValue};
use indexmap::IndexMap;

/// The three settings of converters: the key, the plugins that fit, the Java interface.
pub(super) const CONVERTER_KEYS: [(&str, PluginType, &str); 3] = [
    (
        "header.converter",
        PluginType::HeaderConverter,
        "HeaderConverter",
    ),
    ("key.converter", PluginType::Converter, "Converter"),
    ("value.converter", PluginType::Converter, "Converter"),
];

fn worker_converter<'a>(key: &str, worker: &'a WorkerView) -> Option<&'a str> {
    match key {
        "key.converter" => Some(&worker.key_converter),
        "value.converter" => Some(&worker.value_converter),
        "header.converter" => Some(&worker.header_converter),
        _ => None,
    }
}

fn converter_type(key: &str) -> Option<(PluginType, &'static str)> {
    CONVERTER_KEYS
        .iter()
        .find(|(name, ..)| *name == key)
        .map(|(_, plugin_type, interface)| (*plugin_type, *interface))
}

/// The framework's key with the default that holds on this worker.
pub(super) fn with_worker_default(
    key: &ConfigKey,
    config: &ConfigMap,
    worker: &WorkerView,
    plugin: &ConnectorPlugin,
    plugins: &Plugins,
) -> ConfigKey {
    let key = key.clone();
    let name = key.name().to_string();
    if name == "connector.plugin.version" {
        return key.default(plugin.version);
    }
    if let (Some(class), Some((plugin_type, _))) =
        (worker_converter(&name, worker), converter_type(&name))
    {
        return key.default(full_class(plugin_type, class, plugins));
    }
    let Some(class_key) = name.strip_suffix(".plugin.version") else {
        return key;
    };
    let Some((plugin_type, _)) = converter_type(class_key) else {
        return key;
    };
    let class = config
        .get(class_key)
        .or_else(|| worker_converter(class_key, worker));
    match class.map(|class| plugins.find(plugin_type, class.trim())) {
        Some(PluginLookup::Found(found)) => key.default(found.version),
        _ => key.default_null(),
    }
}

fn full_class(plugin_type: PluginType, name: &str, plugins: &Plugins) -> String {
    match plugins.find(plugin_type, name.trim()) {
        PluginLookup::Found(found) => found.class.to_string(),
        PluginLookup::OtherType(class) => class.to_string(),
        PluginLookup::Unknown => name.to_string(),
    }
}

/// Resolves the class names among the values, checks versions and fills in what to recommend.
pub(super) fn complete(
    values: &mut IndexMap<String, ConfigValue>,
    config: &ConfigMap,
    worker: &WorkerView,
    plugin: &ConnectorPlugin,
    plugins: &Plugins,
) {
    if let Some(value) = values.get_mut("connector.plugin.version") {
        value.recommended_values = vec![plugin.version.to_string()];
    }
    for (key, plugin_type, interface) in CONVERTER_KEYS {
        let in_use = config.get(key).or_else(|| worker_converter(key, worker));
        let found = complete_class(values, key, plugin_type, interface, in_use, plugins);
        complete_version(
            values,
            key,
            in_use.is_some() && found != Found::Nothing,
            found,
            plugins,
        );
    }
    for kind in &ALIAS_KINDS {
        for alias in kind.aliases(config) {
            let prefix = kind.prefix(&alias);
            let key = format!("{prefix}type");
            let class = config.get(&key);
            let found = complete_class(
                values,
                &key,
                kind.plugin_type,
                kind.interface(),
                class,
                plugins,
            );
            complete_version(values, prefix.trim_end_matches('.'), true, found, plugins);
            let negate = config.contains_key(&format!("{prefix}negate"));
            let predicate = config.contains_key(&format!("{prefix}predicate"));
            if kind.plugin_type == PluginType::Transformation
                && negate
                && !predicate
                && let Some(value) = values.get_mut(&key)
            {
                value.add_error(format!(
                    "Config '{prefix}negate' was provided but there is no config \
                     '{prefix}predicate' defining a predicate to be negated."
                ));
            }
        }
    }
}

/// What the name of a class came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    /// A fitting plugin.
    Plugin(&'static str),
    /// A class of another type.
    OtherType,
    /// No class.
    Nothing,
}

fn complete_class(
    values: &mut IndexMap<String, ConfigValue>,
    key: &str,
    plugin_type: PluginType,
    interface: &str,
    class: Option<&str>,
    plugins: &Plugins,
) -> Found {
    let lookup = class.map(|class| plugins.find(plugin_type, class.trim()));
    let found = match &lookup {
        Some(PluginLookup::Found(found)) => Found::Plugin(found.class),
        Some(PluginLookup::OtherType(_)) => Found::OtherType,
        Some(PluginLookup::Unknown) | None => Found::Nothing,
    };
    let Some(value) = values.get_mut(key) else {
        return found;
    };
    value.recommended_values = plugins.classes(plugin_type);
    match lookup {
        Some(PluginLookup::Found(found)) => {
            value.value = Some(ConfigData::Class(found.class.to_string()));
        }
        Some(PluginLookup::OtherType(class)) => {
            value.value = Some(ConfigData::Class(class.to_string()));
            value.add_error(format!(
                "Class class {class} does not implement the {interface} interface"
            ));
        }
        Some(PluginLookup::Unknown) => {
            let class = class.unwrap_or_default().trim();
            value.value = None;
            value.add_error(format!(
                "Invalid value {class} for configuration {key}: Class {class} could not be found."
            ));
        }
        None => {}
    }
    found
}

/// `base` is the key before `.plugin.version`; the class stands at `base` or at `base.type`.
fn complete_version(
    values: &mut IndexMap<String, ConfigValue>,
    base: &str,
    visible: bool,
    found: Found,
    plugins: &Plugins,
) {
    let version_key = format!("{base}.plugin.version");
    let Some(value) = values.get_mut(&version_key) else {
        return;
    };
    value.visible = visible;
    let Found::Plugin(class) = found else {
        return;
    };
    let versions = plugins.versions(class);
    value.recommended_values = versions
        .first()
        .map(ToString::to_string)
        .into_iter()
        .collect();
    let range = match &value.value {
        Some(ConfigData::String(range)) => range.clone(),
        _ => return,
    };
    match version_fault(class, &range, &versions) {
        None => {}
        Some(VersionFault::Malformed(message)) => value.add_error(message),
        Some(VersionFault::NoMatch(message)) => {
            value.add_error(message.clone());
            let class_key = format!("{base}.type");
            let class_key = if values.contains_key(&class_key) {
                &class_key
            } else {
                base
            };
            if let Some(value) = values.get_mut(class_key) {
                value.add_error(message);
            }
        }
    }
}

/// What is wrong with the version of a plugin.
pub(super) enum VersionFault {
    /// The text is no range.
    Malformed(String),
    /// The plugin has no such version.
    NoMatch(String),
}

fn version_fault(class: &str, range: &str, versions: &[&str]) -> Option<VersionFault> {
    let range = match VersionRange::parse(range) {
        Ok(range) => range,
        Err(message) => return Some(VersionFault::Malformed(message)),
    };
    if versions.iter().any(|version| range.contains(version)) {
        return None;
    }
    Some(VersionFault::NoMatch(format!(
        "Plugin {class} not found that matches the version range {range}, available versions: [{}]",
        versions.join(", ")
    )))
}

/// What is wrong with `connector.plugin.version`.
pub(super) fn connector_version_fault(
    config: &ConfigMap,
    plugin: &ConnectorPlugin,
) -> Option<String> {
    let range = config.get("connector.plugin.version")?.trim();
    match version_fault(plugin.class, range, &[plugin.version])? {
        VersionFault::Malformed(message) | VersionFault::NoMatch(message) => Some(message),
    }
}

/// The short answer to a connector version that does not exist: the keys that all connectors have, and
/// the fault at the class and at the version.
pub(super) fn wrong_version_infos(
    config: &ConfigMap,
    plugin: &ConnectorPlugin,
    fault: &str,
) -> ConfigInfos {
    let mut error_count = 0;
    let configs = connector_def()
        .keys()
        .zip(connector_def().validate(config))
        .map(|(key, mut value)| {
            let mut key = key.clone();
            let name = value.name.clone();
            if name == "connector.plugin.version" {
                key = key.default(plugin.version);
                value.recommended_values = vec![plugin.version.to_string()];
            }
            if matches!(
                name.as_str(),
                "connector.class" | "connector.plugin.version"
            ) {
                value.add_error(fault);
            } else if name.ends_with(".plugin.version") {
                value.visible = false;
            }
            error_count += value.error_messages.len();
            ConfigInfo {
                definition: Some(key_info(&key)),
                value: Some(value_info(&value)),
            }
        })
        .collect();
    ConfigInfos {
        name: config
            .get("connector.class")
            .unwrap_or_default()
            .to_string(),
        error_count,
        groups: connector_def().groups().to_vec(),
        configs,
    }
}
