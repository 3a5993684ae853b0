//! Java client properties to librdkafka settings.
//!
//! Users write the names and values of Java clients, in `producer.*`, `consumer.*` and
//! `admin.*` of the worker and in a connector's `*.override.*`. The table in this module says
//! for each what becomes of it: the same name, another name, a converted value, read by this
//! crate itself, ignored (with the reason, logged once) or refused (with the reason, as an
//! error). Where Java's default differs and somebody could tell, Java's is set.

#[cfg(test)]
mod document;
mod security;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};

use table::Action;

use crate::security::OAuthLogin;

/// Which Java client the properties are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientType {
    /// `org.apache.kafka.clients.producer.KafkaProducer`
    Producer,
    /// `org.apache.kafka.clients.consumer.KafkaConsumer`
    Consumer,
    /// `org.apache.kafka.clients.admin.AdminClient`
    Admin,
}

impl ClientType {
    /// Whether the Java client has a property of this name (any name below `ssl.` and `sasl.`
    /// counts as one).
    pub fn knows(self, key: &str) -> bool {
        table::is_known(self, key)
    }
}

impl fmt::Display for ClientType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Producer => "producer",
            Self::Consumer => "consumer",
            Self::Admin => "admin client",
        })
    }
}

/// A client setting that can't be honoured. The text never holds the value of a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid {client} configuration {key}: {reason}")]
pub struct ClientConfigError {
    /// The client.
    pub client: ClientType,
    /// The key as the user writes it, without prefix.
    pub key: String,
    /// What is wrong, and what to do.
    pub reason: String,
}

/// Properties of one Java client, without prefix. Later settings replace earlier ones.
///
/// `Debug` shows the keys only: values may be secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ClientProperties {
    properties: BTreeMap<String, String>,
}

impl fmt::Debug for ClientProperties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.properties.keys()).finish()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for ClientProperties {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(properties: I) -> Self {
        let mut all = Self::default();
        all.extend(properties);
        all
    }
}

impl<K: Into<String>, V: Into<String>> Extend<(K, V)> for ClientProperties {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, properties: I) {
        for (key, value) in properties {
            self.set(key, value);
        }
    }
}

impl ClientProperties {
    /// The defaults of a source task's producer; the worker's `producer.*` and the
    /// connector's overrides go on top.
    pub fn connector_producer(bootstrap_servers: &str, client_id: &str) -> Self {
        Self::from_iter([
            ("bootstrap.servers", bootstrap_servers),
            ("client.id", client_id),
            ("acks", "all"),
            // One request in flight keeps the order of records without idempotence.
            ("max.in.flight.requests.per.connection", "1"),
            ("enable.idempotence", "false"),
            ("delivery.timeout.ms", "2147483647"),
            ("max.block.ms", "9223372036854775807"),
        ])
    }

    /// The defaults of a sink task's consumer; the worker's `consumer.*` and the connector's
    /// overrides go on top.
    pub fn connector_consumer(bootstrap_servers: &str, client_id: &str, group_id: &str) -> Self {
        Self::from_iter([
            ("bootstrap.servers", bootstrap_servers),
            ("client.id", client_id),
            ("group.id", group_id),
            ("enable.auto.commit", "false"),
            ("auto.offset.reset", "earliest"),
        ])
    }

    /// The defaults of an admin client.
    pub fn admin(bootstrap_servers: &str, client_id: &str) -> Self {
        Self::from_iter([
            ("bootstrap.servers", bootstrap_servers),
            ("client.id", client_id),
        ])
    }

    /// Sets a property.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.properties.insert(key.into(), value.into());
    }

    /// Sets a property that is not set.
    pub fn set_default(&mut self, key: &str, value: impl Into<String>) {
        self.properties
            .entry(key.to_owned())
            .or_insert_with(|| value.into());
    }

    /// The value of a property, blanks around it removed.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.properties.get(key).map(|value| value.trim())
    }

    /// All properties in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.properties
            .iter()
            .map(|(key, value)| (key.as_str(), value.trim()))
    }

    /// The property as a time, or its default.
    pub(crate) fn duration_ms(
        &self,
        client: ClientType,
        key: &str,
        default_ms: u64,
    ) -> Result<Duration, ClientConfigError> {
        self.number(client, key, default_ms)
            .map(Duration::from_millis)
    }

    /// The property as a number, or its default.
    pub(crate) fn number(
        &self,
        client: ClientType,
        key: &str,
        default: u64,
    ) -> Result<u64, ClientConfigError> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value.parse().map_err(|_| ClientConfigError {
                client,
                key: key.to_owned(),
                reason: format!("'{value}' is not a number of 0 or more"),
            }),
        }
    }

    /// Translates the properties for the client library.
    pub(crate) fn to_native(&self, client: ClientType) -> Result<NativeConfig, ClientConfigError> {
        let mut config = NativeConfig::default();
        // The library's own lines are filtered by the subscriber, not here.
        config.set_log_level(RDKafkaLogLevel::Info);
        for (key, value) in table::defaults(client) {
            config.set(*key, *value);
        }
        for (key, value) in self.iter() {
            let invalid = |reason| ClientConfigError {
                client,
                key: key.to_owned(),
                reason,
            };
            match table::action(client, key) {
                Action::Same => _ = config.set(key, value),
                Action::Clamped(name, min, max) => {
                    _ = config.set(name, clamped(value, min, max).map_err(invalid)?);
                }
                Action::Convert(convert) => {
                    for (name, value) in convert(value).map_err(invalid)? {
                        config.set(name, value);
                    }
                }
                Action::Own | Action::Security => {}
                Action::Ignored(reason) => warn_once(client, key, reason),
                Action::IgnoredSilently => {}
                Action::Refused(reason) => return Err(invalid(reason.to_owned())),
            }
        }
        security::apply(self, client, &mut config)?;
        if client == ClientType::Producer {
            finish_producer(self, &mut config);
        }
        Ok(config)
    }
}

/// The library's settings, with what they cannot hold as text.
#[derive(Clone, Default)]
pub(crate) struct NativeConfig {
    texts: ClientConfig,
    /// Gives tokens to the client, if its mechanism is OAUTHBEARER.
    pub(crate) login: Option<Arc<OAuthLogin>>,
}

impl fmt::Debug for NativeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys and passwords are among the texts.
        f.debug_struct("NativeConfig").finish_non_exhaustive()
    }
}

impl Deref for NativeConfig {
    type Target = ClientConfig;

    fn deref(&self) -> &ClientConfig {
        &self.texts
    }
}

impl DerefMut for NativeConfig {
    fn deref_mut(&mut self) -> &mut ClientConfig {
        &mut self.texts
    }
}

/// Settings that the library wants to fit to each other.
fn finish_producer(properties: &ClientProperties, config: &mut NativeConfig) {
    // Java keys must reach the partition that a JVM producer would choose, also when the user
    // has set something else.
    config.set("partitioner", "murmur2_random");
    if properties
        .get("transactional.id")
        .is_some_and(|id| !id.is_empty())
    {
        // The library refuses records that may outlive their transaction.
        let number = |key: &str, default| {
            config
                .get(key)
                .and_then(|value| value.parse::<u64>().ok())
                .unwrap_or(default)
        };
        let timeout_ms = number("transaction.timeout.ms", 60_000);
        let delivery_timeout_ms = match number("delivery.timeout.ms", 120_000) {
            0 => timeout_ms,
            delivery_timeout_ms => delivery_timeout_ms.min(timeout_ms),
        };
        config.set("delivery.timeout.ms", delivery_timeout_ms.to_string());
    }
    if let Some(codec) = config.get("compression.type").map(str::to_owned) {
        let level = properties.get(&format!("compression.{codec}.level"));
        if let Some(level) = level {
            config.set("compression.level", level);
        }
    }
}

fn clamped(value: &str, min: i64, max: i64) -> Result<String, String> {
    let number: i64 = value
        .parse()
        .map_err(|_| format!("'{value}' is not a number"))?;
    Ok(number.clamp(min, max).to_string())
}

/// Logs once for each key and client type that a setting has no effect.
fn warn_once(client: ClientType, key: &str, reason: &str) {
    static WARNED: OnceLock<Mutex<HashSet<(ClientType, String)>>> = OnceLock::new();
    let warned = WARNED.get_or_init(Mutex::default);
    let mut warned = warned
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    // A bound, as overrides come from users and may name anything.
    if warned.len() < 1000 && warned.insert((client, key.to_owned())) {
        tracing::warn!("the {client} setting {key} has no effect: {reason}");
    }
}
