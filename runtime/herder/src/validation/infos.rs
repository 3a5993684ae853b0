//! Definitions and values in the shapes that clients see.

use super::definitions::{connector_def, connector_type_def};
use crate::{ConfigInfo, ConfigInfos, ConfigKeyInfo, ConfigValueInfo};
use connect_api::ConnectorType;
use connect_api::config::{ConfigData, ConfigDef, ConfigKey, ConfigValue};

/// Whose framework keys stand behind the plugin's own in `GET /connector-plugins/{p}/config`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConfigDefOrigin {
    Sink,
    Source,
    PluginAlone,
}

/// The settings of a plugin, its own first.
pub(crate) fn config_key_infos(
    def: &ConfigDef,
    origin: ConfigDefOrigin,
    version: &str,
) -> Vec<ConfigKeyInfo> {
    let mut infos: Vec<ConfigKeyInfo> = def
        .keys()
        .filter(|key| !key.is_internal())
        .map(key_info)
        .collect();
    let framework: Vec<ConfigKey> = match origin {
        ConfigDefOrigin::Sink => connector_keys(ConnectorType::Sink, version),
        ConfigDefOrigin::Source => connector_keys(ConnectorType::Source, version),
        ConfigDefOrigin::PluginAlone => Vec::new(),
    };
    let redefined = |key: &ConfigKey| def.key(key.name()).is_some();
    infos.extend(framework.iter().filter(|key| !redefined(key)).map(key_info));
    infos
}

fn connector_keys(connector_type: ConnectorType, version: &str) -> Vec<ConfigKey> {
    connector_def()
        .keys()
        .chain(connector_type_def(connector_type).keys())
        .map(|key| match key.name() {
            "connector.plugin.version" => key.clone().default(version),
            _ => key.clone(),
        })
        .collect()
}

pub(super) fn key_info(key: &ConfigKey) -> ConfigKeyInfo {
    ConfigKeyInfo {
        name: key.name().to_string(),
        config_type: key.config_type().name(),
        required: key.is_required(),
        default_value: key.default_data().map(ConfigData::to_string),
        importance: key.get_importance().name(),
        documentation: key.documentation().to_string(),
        group: key.group_name().map(str::to_string),
        order_in_group: key.order_in_group(),
        width: key.width().name(),
        display_name: key.display_name().to_string(),
        dependents: key.dependent_names().to_vec(),
    }
}

pub(super) fn value_info(value: &ConfigValue) -> ConfigValueInfo {
    ConfigValueInfo {
        name: value.name.clone(),
        value: value.value.as_ref().map(ConfigData::to_string),
        recommended_values: value.recommended_values.clone(),
        errors: value.error_messages.clone(),
        visible: value.visible,
    }
}

/// A setting under a prefix, as overrides and converters show it: the label stays short.
pub(super) fn prefixed_info(
    prefix: &str,
    key: Option<&ConfigKey>,
    value: &ConfigValue,
) -> ConfigInfo {
    let name = format!("{prefix}{}", value.name);
    let mut value_info = value_info(value);
    value_info.name.clone_from(&name);
    ConfigInfo {
        definition: key.map(|key| ConfigKeyInfo {
            name,
            ..key_info(key)
        }),
        value: Some(value_info),
    }
}

/// Adds the settings below a prefix. Faulty settings count, not their faults.
pub(super) fn append_prefixed(infos: &mut ConfigInfos, prefixed: Vec<ConfigInfo>) {
    for info in &prefixed {
        if info
            .value
            .as_ref()
            .is_some_and(|value| !value.errors.is_empty())
        {
            infos.error_count += 1;
        }
        let group = info.definition.as_ref().and_then(|key| key.group.as_ref());
        if let Some(group) = group
            && !infos.groups.contains(group)
        {
            infos.groups.push(group.clone());
        }
    }
    infos.configs.extend(prefixed);
}
