//! Values from the environment of the worker.

use async_trait::async_trait;
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance};
use connect_api::{ConfigProvider, ConnectError, ProvidedValues, Result};
use connect_java::regex::Pattern;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

const ALLOWLIST_PATTERN: &str = "allowlist.pattern";

/// `org.apache.kafka.common.config.provider.EnvVarConfigProvider`: `${env:NAME}` is the value of a
/// variable of the environment.
pub struct EnvVarConfigProvider {
    variables: BTreeMap<String, String>,
    allowlist: Option<Pattern>,
}

crate::register!(
    "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
    EnvVarConfigProvider,
    config_def
);

// What Strimzi's images had before Kafka brought the same.
crate::register!(
    "io.strimzi.kafka.EnvVarConfigProvider",
    EnvVarConfigProvider,
    config_def
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new().define(
            ConfigKey::new(ALLOWLIST_PATTERN, ConfigType::String)
                .default(".*")
                .importance(Importance::Low)
                .doc(
                    "A regular expression that the whole name of a variable must match for this \
                     provider to give its value.",
                ),
        )
    });
    &DEF
}

impl EnvVarConfigProvider {
    /// A provider of these variables instead of those of the process.
    pub fn with_variables(variables: BTreeMap<String, String>) -> Self {
        Self {
            variables,
            allowlist: None,
        }
    }
}

impl Default for EnvVarConfigProvider {
    fn default() -> Self {
        // Variables that are not UTF-8 cannot be named in a configuration, nor put into one.
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self::with_variables(variables)
    }
}

#[async_trait]
impl ConfigProvider for EnvVarConfigProvider {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        self.allowlist = match config.get(ALLOWLIST_PATTERN) {
            Some(pattern) => Some(Pattern::compile(pattern).map_err(|error| {
                ConnectError::config(error.to_string())
                    .with_class("java.util.regex.PatternSyntaxException")
            })?),
            None => None,
        };
        Ok(())
    }

    async fn get(&self, path: &str, keys: &BTreeSet<&str>) -> Result<ProvidedValues> {
        if !path.is_empty() {
            return Err(ConnectError::config(format!(
                "Path is not supported for EnvVarConfigProvider, invalid value '{path}'"
            )));
        }
        let is_allowed = |name: &str| match &self.allowlist {
            // A pattern that takes too long on a name does not allow it.
            Some(pattern) => pattern.matches(name).unwrap_or(false),
            None => true,
        };
        let values = keys
            .iter()
            .filter_map(|key| Some((key.to_string(), self.variables.get(*key)?.clone())))
            .filter(|(key, _)| is_allowed(key))
            .collect();
        Ok(ProvidedValues::new(values))
    }
}
