//! Validation of connector configurations, as Connect 4.3.1 answers it.
//!
//! [`validate`] checks everything and refuses nothing; [`reject_message`] makes the refusal of a
//! `POST` or `PUT` out of its answer.

mod converters;
mod cross_checks;
mod definitions;
mod enrichment;
mod extensions;
mod infos;
mod overrides;
mod plugin_values;
pub(crate) mod regex;
mod unknown_keys;
mod variables;
mod versions;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use infos::{ConfigDefOrigin, config_key_infos};
pub use overrides::OverridePolicy;
pub use unknown_keys::{UnknownKey, unknown_keys};
pub(crate) use variables::validate_transformed;

use crate::plugins::Plugins;
use crate::{ConfigInfo, ConfigInfos, HerderError, HerderErrorKind, HerderResult};
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigValue};
use connect_api::data::java_string_hash;
use connect_api::{
    ConnectError, ConnectorFactory, ConnectorPlugin, ErrorKind, SinkConnector, SourceConnector,
};
use indexmap::IndexMap;

/// What validation needs to know of the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerView {
    /// `key.converter` of the worker, by class name or alias.
    pub key_converter: String,
    /// `value.converter` of the worker.
    pub value_converter: String,
    /// `header.converter` of the worker.
    pub header_converter: String,
    /// The settings that only a distributed worker has; `None` for a standalone one.
    pub distributed: Option<DistributedView>,
    /// `connector.client.config.override.policy`.
    pub override_policy: OverridePolicy,
}

/// What validation needs to know of a distributed worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributedView {
    /// `group.id`.
    pub group_id: String,
    /// Whether `exactly.once.source.support` is `enabled`.
    pub exactly_once_source_enabled: bool,
}

/// A connector instance that is asked and never started.
enum Instance {
    Source(Box<dyn SourceConnector>),
    Sink(Box<dyn SinkConnector>),
}

impl Instance {
    fn new(plugin: &ConnectorPlugin) -> Self {
        match plugin.factory {
            ConnectorFactory::Source(create) => Self::Source(create()),
            ConnectorFactory::Sink(create) => Self::Sink(create()),
        }
    }

    async fn validate(
        &self,
        reach: Reach,
        config: &ConfigMap,
        values: &mut Vec<ConfigValue>,
    ) -> Result<(), ConnectError> {
        match (self, reach) {
            (Self::Source(connector), Reach::Online) => connector.validate(config, values).await,
            (Self::Sink(connector), Reach::Online) => connector.validate(config, values).await,
            (Self::Source(connector), Reach::Offline) => {
                connector.validate_offline(config, values).await
            }
            (Self::Sink(connector), Reach::Offline) => {
                connector.validate_offline(config, values).await
            }
        }
    }
}

/// Whether a connector may look at its outside system.
#[derive(Clone, Copy)]
enum Reach {
    Online,
    Offline,
}

/// Validates the configuration of a connector: every setting with its definition, its value and all
/// that is wrong with it.
///
/// It fails where there is no definition to check against: `connector.class` is missing or unknown
/// (400), an override does not parse (500, as the JVM worker does), or the plugin's own check fails.
/// Values are shown as given, except passwords; hand in a configuration whose provider variables are
/// not resolved, and no secret shows.
pub async fn validate(
    config: &ConfigMap,
    worker: &WorkerView,
    plugins: &Plugins,
) -> HerderResult<ConfigInfos> {
    let infos = checked(Reach::Online, config, worker, plugins).await?;
    unknown_keys::warn(config, &infos, plugins);
    Ok(infos)
}

/// As [`validate`], on a machine that cannot reach what the connector connects to. It logs nothing;
/// [`unknown_keys`] tells what has no effect.
pub async fn validate_offline(
    config: &ConfigMap,
    worker: &WorkerView,
    plugins: &Plugins,
) -> HerderResult<ConfigInfos> {
    checked(Reach::Offline, config, worker, plugins).await
}

async fn checked(
    reach: Reach,
    config: &ConfigMap,
    worker: &WorkerView,
    plugins: &Plugins,
) -> HerderResult<ConfigInfos> {
    let plugin = connector_plugin(config, plugins)?;
    let class = config.get("connector.class").unwrap_or_default();
    if let Some(fault) = plugin_values::connector_version_fault(config, plugin) {
        return Ok(plugin_values::wrong_version_infos(config, plugin, &fault));
    }
    let instance = Instance::new(plugin);

    let framework_def = framework_def(config, worker, plugin, plugins);
    let mut framework: IndexMap<String, ConfigValue> = framework_def
        .validate(config)
        .into_iter()
        .map(|value| (value.name.clone(), value))
        .collect();
    plugin_values::complete(&mut framework, config, worker, plugin, plugins);
    match &instance {
        Instance::Sink(_) => cross_checks::sink(&mut framework, config, worker),
        Instance::Source(connector) => {
            cross_checks::source(&mut framework, config, worker, connector.as_ref());
            extensions::check_source(&mut framework, config);
        }
    }
    cross_checks::null_values(&mut framework, config);

    let connector_def = (plugin.config_def)();
    let mut connector_values = connector_def.validate(config);
    instance
        .validate(reach, config, &mut connector_values)
        .await
        .map_err(|error| plugin_fault(class, &error))?;

    let mut infos = merge(
        class,
        &framework_def,
        connector_def,
        framework,
        connector_values,
    );
    overrides::append(&mut infos, config, worker, plugin)?;
    converters::append(&mut infos, config, plugins);
    Ok(infos)
}

/// Why a configuration is refused: the message of the 400, or `None` if nothing is wrong with it.
pub fn reject_message(infos: &ConfigInfos) -> Option<String> {
    if infos.error_count == 0 {
        return None;
    }
    let mut message = format!(
        "Connector configuration is invalid and contains the following {} error(s):",
        infos.error_count
    );
    for value in infos.configs.iter().filter_map(|info| info.value.as_ref()) {
        for error in &value.errors {
            message.push('\n');
            message.push_str(error);
        }
    }
    message.push_str(
        "\nYou can also find the above list of errors at the endpoint \
         `/connector-plugins/{connectorType}/config/validate`",
    );
    Some(message)
}

/// The refusal of a faulty configuration as an error for the client.
pub fn reject(infos: &ConfigInfos) -> HerderResult<()> {
    match reject_message(infos) {
        Some(message) => Err(HerderError::bad_request(message)),
        None => Ok(()),
    }
}

fn connector_plugin(
    config: &ConfigMap,
    plugins: &Plugins,
) -> HerderResult<&'static ConnectorPlugin> {
    match config.get("connector.class") {
        // Every type of setting is trimmed; that the JVM worker does not trim this one helps nobody.
        Some(class) => plugins.connector(class.trim()),
        None => Err(HerderError::bad_request(format!(
            "Connector config {} contains no connector type",
            java_map_text(config)
        ))),
    }
}

/// The map as Java prints it, without the values of settings that look like secrets.
fn java_map_text(config: &ConfigMap) -> String {
    // The order of a hash map that was made for just this number of entries.
    let mut num_buckets = config.len().next_power_of_two();
    if config.len() * 4 > num_buckets * 3 {
        num_buckets *= 2;
    }
    let bucket = |key: &str| {
        let hash = java_string_hash(key).cast_unsigned();
        (hash ^ (hash >> 16)) as usize & (num_buckets - 1)
    };
    let mut entries: Vec<(&str, Option<&str>)> = config.iter().collect();
    entries.sort_by_key(|(key, _)| bucket(key));
    let entries: Vec<String> = entries
        .into_iter()
        .map(|(key, value)| match value {
            Some(_) if looks_secret(key) => format!("{key}=[hidden]"),
            value => format!("{key}={}", value.unwrap_or("null")),
        })
        .collect();
    format!("{{{}}}", entries.join(", "))
}

/// Whether the name of a setting says that its value must not be shown, for where no definition does.
pub fn looks_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    // The class that looks a secret up is none.
    let names_a_class = key.ends_with(".class");
    let parts = [
        "password",
        "passphrase",
        "user.info",
        "secret",
        "jaas",
        "token",
        "credential",
        "private.key",
        "access.key",
        "api.key",
        "account.key",
    ];
    !names_a_class && parts.iter().any(|part| key.contains(part))
}

fn plugin_fault(class: &str, error: &ConnectError) -> HerderError {
    let kind = match error.kind() {
        ErrorKind::Config => HerderErrorKind::BadRequest,
        _ => HerderErrorKind::Internal,
    };
    HerderError::new(kind, format!("The check of {class} failed: {error}"))
}

/// The framework's settings for this connector, with the worker's view as defaults.
fn framework_def(
    config: &ConfigMap,
    worker: &WorkerView,
    plugin: &ConnectorPlugin,
    plugins: &Plugins,
) -> ConfigDef {
    let mut def = ConfigDef::new();
    let keys = definitions::connector_def()
        .keys()
        .chain(definitions::connector_type_def(plugin.connector_type()).keys());
    for key in keys {
        def.add(plugin_values::with_worker_default(
            key, config, worker, plugin, plugins,
        ));
    }
    enrichment::enrich(&mut def, config, plugins);
    extensions::define(&mut def, config, plugin.connector_type());
    def
}

/// Puts definitions and values together: values that nobody defines, then the framework's settings,
/// then the connector's. What both define keeps the framework's place and has the connector's content.
fn merge(
    class: &str,
    framework_def: &ConfigDef,
    connector_def: &ConfigDef,
    framework: IndexMap<String, ConfigValue>,
    connector_values: Vec<ConfigValue>,
) -> ConfigInfos {
    let mut groups = framework_def.groups().to_vec();
    for group in connector_def.groups() {
        if !groups.contains(group) {
            groups.push(group.clone());
        }
    }
    let mut keys: IndexMap<&str, &ConfigKey> = IndexMap::new();
    for key in framework_def.keys().chain(connector_def.keys()) {
        keys.insert(key.name(), key);
    }
    let mut values = framework;
    for value in connector_values {
        values.insert(value.name.clone(), value);
    }
    let undefined = values
        .values()
        .filter(|value| !keys.contains_key(value.name.as_str()))
        .map(|value| (None, value));
    let defined = keys
        .iter()
        .filter(|(_, key)| !key.is_internal())
        .filter_map(|(name, key)| Some((Some(*key), values.get(*name)?)));
    let mut error_count = 0;
    let configs = undefined
        .chain(defined)
        .map(|(key, value)| {
            error_count += value.error_messages.len();
            ConfigInfo {
                definition: key.map(infos::key_info),
                value: Some(infos::value_info(value)),
            }
        })
        .collect();
    ConfigInfos {
        name: class.to_string(),
        error_count,
        groups,
        configs,
    }
}
