//! From configurations with variables to configurations with values.

use crate::providers::providers;
use crate::variable::variables;
use connect_api::config::ConfigMap;
use connect_api::{ConfigProvider, ConnectError, Result};
use connect_telemetry::redaction;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How long a provider may take for an answer.
const GET_TIMEOUT: Duration = Duration::from_secs(60);

/// Puts values in place of variables (Kafka's `WorkerConfigTransformer`).
///
/// Values are told to [`connect_telemetry::redaction`], so that logs and traces show variables.
#[derive(Clone, Default)]
pub struct ConfigTransformer {
    providers: BTreeMap<String, Arc<dyn ConfigProvider>>,
}

/// A configuration with the values in place. `Debug` is left out: values may be secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Transformed {
    /// The configuration.
    pub config: ConfigMap,
    /// How long the value holds that holds shortest; `None` if no provider limits any.
    pub ttl: Option<Duration>,
}

impl ConfigTransformer {
    /// The providers that `config.providers` of a worker names.
    ///
    /// # Errors
    /// A class that is not there, or settings that a provider refuses.
    pub fn from_worker_settings(settings: &ConfigMap) -> Result<Self> {
        Ok(Self {
            providers: providers(settings)?,
        })
    }

    /// These providers by name.
    pub fn new(providers: impl IntoIterator<Item = (String, Arc<dyn ConfigProvider>)>) -> Self {
        Self {
            providers: providers.into_iter().collect(),
        }
    }

    /// The settings of a worker with the values of their own providers.
    ///
    /// # Errors
    /// As [`Self::from_worker_settings`] and [`Self::transform`].
    pub async fn transform_worker_settings(settings: &ConfigMap) -> Result<ConfigMap> {
        let transformer = Self::from_worker_settings(settings)?;
        let transformed = transformer.transform("the worker", settings).await?;
        Ok(transformed.config)
    }

    /// The configuration of `subject` (a connector, say) with all values in place that are known. Values
    /// are not looked at for further variables. A variable of an unknown provider or with an unknown key
    /// stays as it is, which a warning tells.
    ///
    /// # Errors
    /// That of the provider, with the variable's place. None has a value in it.
    pub async fn transform(&self, subject: &str, config: &ConfigMap) -> Result<Transformed> {
        let found = self.look_up(subject, config).await?;
        let mut transformed = ConfigMap::new();
        for (setting, text) in config.iter() {
            let text = text.map(|text| found.replace(subject, setting, text));
            transformed.insert_nullable(setting, text);
        }
        Ok(Transformed {
            config: transformed,
            ttl: found.ttl,
        })
    }

    async fn look_up(&self, subject: &str, config: &ConfigMap) -> Result<Found> {
        let mut wanted: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        for (_, variable) in config
            .iter()
            .filter_map(|(_, text)| text)
            .flat_map(variables)
        {
            if self.providers.contains_key(variable.provider) {
                let keys = wanted.entry((variable.provider, variable.path));
                keys.or_default().insert(variable.key);
            }
        }
        let mut found = Found {
            known_providers: self.providers.keys().cloned().collect(),
            ..Found::default()
        };
        for ((name, path), keys) in wanted {
            let provider = &self.providers[name];
            let place = if path.is_empty() {
                format!("The config provider {name}")
            } else {
                format!("The config provider {name} at {path}")
            };
            let answer = tokio::time::timeout(GET_TIMEOUT, provider.get(path, &keys))
                .await
                .map_err(|_| {
                    ConnectError::fatal(format!(
                        "{place} gave no answer within {} s, which {subject} waits for",
                        GET_TIMEOUT.as_secs()
                    ))
                })?
                .inspect_err(|error| tracing::error!("{place}, asked for {subject}: {error}"))?;
            found.ttl = found.ttl.into_iter().chain(answer.ttl).min();
            let values = found.values.entry((name.to_string(), path.to_string()));
            values.or_default().extend(answer.values);
        }
        Ok(found)
    }
}

/// What the providers gave.
#[derive(Default)]
struct Found {
    known_providers: BTreeSet<String>,
    /// By provider and path, then by key.
    values: BTreeMap<(String, String), BTreeMap<String, String>>,
    ttl: Option<Duration>,
}

impl Found {
    fn replace(&self, subject: &str, setting: &str, text: &str) -> String {
        let mut replaced = String::with_capacity(text.len());
        let mut copied = 0;
        for (range, variable) in variables(text) {
            let place = (variable.provider.to_string(), variable.path.to_string());
            let value = self
                .values
                .get(&place)
                .and_then(|values| values.get(variable.key));
            let Some(value) = value else {
                self.warn(subject, setting, variable.provider);
                continue;
            };
            redaction::hide(value, variable.text);
            replaced.push_str(&text[copied..range.start]);
            replaced.push_str(value);
            copied = range.end;
        }
        replaced.push_str(&text[copied..]);
        replaced
    }

    fn warn(&self, subject: &str, setting: &str, provider: &str) {
        if self.known_providers.contains(provider) {
            tracing::warn!(
                "{subject}: the config provider {provider} has no value for a variable in {setting}, \
                 which stays as it is. Check path and key of the variable, and what the provider may \
                 read"
            );
        } else {
            tracing::warn!(
                "{subject}: a variable in {setting} refers to the config provider {provider}, which \
                 config.providers of the worker does not name; it stays as it is"
            );
        }
    }
}
