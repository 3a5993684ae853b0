//! The providers that the settings of a worker name.

use connect_api::config::ConfigMap;
use connect_api::{
    CONFIG_PROVIDERS, ConfigProvider, ConfigProviderPlugin, ConnectError, Result, plugin_aliases,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Classes that read the API of Kubernetes; what they read can be mounted just as well.
const OF_KUBERNETES: [&str; 2] = [
    "io.strimzi.kafka.KubernetesSecretConfigProvider",
    "io.strimzi.kafka.KubernetesConfigMapConfigProvider",
];

/// The providers by name, configured.
pub(crate) fn providers(settings: &ConfigMap) -> Result<BTreeMap<String, Arc<dyn ConfigProvider>>> {
    let names = settings
        .get("config.providers")
        .into_iter()
        .flat_map(|names| names.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty());
    let mut providers = BTreeMap::new();
    for name in names {
        let key = format!("config.providers.{name}.class");
        let Some(class) = settings.get(&key).map(str::trim) else {
            tracing::warn!(
                "config.providers names {name}, but there is no setting {key}: its variables stay as \
                 they are"
            );
            continue;
        };
        let plugin = plugin(class).ok_or_else(|| unknown_class(&key, class))?;
        let mut provider = (plugin.create)();
        let params = settings.with_prefix(&format!("config.providers.{name}.param."));
        provider.configure(&params).map_err(|error| {
            ConnectError::config(format!("The config provider {name} cannot be set up"))
                .with_cause(error)
        })?;
        providers.insert(name.to_string(), Arc::from(provider));
    }
    Ok(providers)
}

fn plugin(class: &str) -> Option<&'static ConfigProviderPlugin> {
    CONFIG_PROVIDERS
        .iter()
        .find(|plugin| plugin.class == class)
        .or_else(|| {
            CONFIG_PROVIDERS
                .iter()
                .find(|plugin| plugin_aliases(plugin.class, "ConfigProvider").contains(&class))
        })
}

fn unknown_class(key: &str, class: &str) -> ConnectError {
    let hint = if OF_KUBERNETES.contains(&class) {
        "Mount the secret or config map as a volume, take \
         org.apache.kafka.common.config.provider.DirectoryConfigProvider and write \
         ${provider:/path/of/the/mount:key}"
            .to_string()
    } else {
        let mut classes: Vec<&str> = CONFIG_PROVIDERS.iter().map(|plugin| plugin.class).collect();
        classes.sort_unstable();
        format!("There are {}", classes.join(", "))
    };
    ConnectError::config(format!(
        "Invalid value {class} for configuration {key}: Could not load config provider class or one of \
         its dependencies. {hint}"
    ))
}
