//! The client settings of a worker, read from its properties.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use connect_tls::rustls::ClientConfig;

use crate::security::{SaslSettings, SecurityError, SecurityProtocol, SecuritySettings};

/// Answers above this size are refused: a JoinGroup answer carries the metadata of all members,
/// which stays far below it, and a stray length prefix must not become an allocation.
const DEFAULT_MAX_FRAME_NUM_BYTES: usize = 64 * 1024 * 1024;

/// A setting that cannot be used: which, what it is, and why not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid value {value} for configuration {key}: {reason}")]
pub struct SettingsError {
    /// The key as the user writes it.
    pub key: String,
    /// The value as the user wrote it, `[hidden]` where it is a secret.
    pub value: String,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl From<SecurityError> for SettingsError {
    fn from(error: SecurityError) -> Self {
        Self {
            key: error.key,
            value: error.value.unwrap_or_else(|| "[hidden]".to_owned()),
            reason: error.reason,
        }
    }
}

/// Where a broker listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BrokerAddress {
    /// Host name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl fmt::Display for BrokerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for BrokerAddress {
    type Err = String;

    /// Reads `host:port` or `[v6 address]:port`; a `scheme://` before it is skipped, as Kafka does.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let text = text.split_once("://").map_or(text, |(_, rest)| rest);
        let (host, port) = text.rsplit_once(':').ok_or("it must be host:port")?;
        let host = match host.strip_prefix('[') {
            Some(v6) => v6
                .strip_suffix(']')
                .ok_or("the bracket of the host is not closed")?,
            None if host.contains(':') => return Err("an IPv6 host needs brackets".to_owned()),
            None => host,
        };
        if host.is_empty() {
            return Err("the host is missing".to_owned());
        }
        let port = port
            .parse()
            .map_err(|_| "the port must be a number from 0 to 65535")?;
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

/// How to reach the brokers of one cluster. Keys, defaults and units are Kafka's.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// `bootstrap.servers`, never empty.
    pub bootstrap_servers: Vec<BrokerAddress>,
    /// `client.id`; empty is sent as it is, like the Java client does.
    pub client_id: String,
    /// `security.protocol`, `ssl.*` and `sasl.*`.
    pub security: SecuritySettings,
    /// The part of `security` that is TLS, ready to use.
    pub tls: Option<Arc<ClientConfig>>,
    /// `request.timeout.ms`.
    pub request_timeout: Duration,
    /// `socket.connection.setup.timeout.ms`: one dial, with TLS and SASL.
    pub connection_setup_timeout: Duration,
    /// `retry.backoff.ms`.
    pub retry_backoff: Duration,
    /// `retry.backoff.max.ms`.
    pub retry_backoff_max: Duration,
    /// `reconnect.backoff.ms`.
    pub reconnect_backoff: Duration,
    /// `reconnect.backoff.max.ms`.
    pub reconnect_backoff_max: Duration,
    /// `connections.max.idle.ms`; `None` where it is negative.
    pub connections_max_idle: Option<Duration>,
    /// The largest answer accepted. Not a Kafka key.
    pub max_frame_num_bytes: usize,
}

impl ClientSettings {
    /// Settings with every default, for the given brokers.
    pub fn new(bootstrap_servers: Vec<BrokerAddress>) -> Self {
        Self {
            bootstrap_servers,
            client_id: String::new(),
            security: SecuritySettings {
                protocol: SecurityProtocol::Plaintext,
                tls: None,
                sasl: None,
            },
            tls: None,
            request_timeout: Duration::from_millis(40_000),
            connection_setup_timeout: Duration::from_millis(10_000),
            retry_backoff: Duration::from_millis(100),
            retry_backoff_max: Duration::from_millis(1_000),
            reconnect_backoff: Duration::from_millis(50),
            reconnect_backoff_max: Duration::from_millis(1_000),
            connections_max_idle: Some(Duration::from_millis(540_000)),
            max_frame_num_bytes: DEFAULT_MAX_FRAME_NUM_BYTES,
        }
    }

    /// Reads the settings from a worker's properties; keys of other parts are passed over.
    ///
    /// # Errors
    /// The first setting that is missing, malformed, or asks for what is not supported.
    pub fn from_properties<'a>(
        properties: impl IntoIterator<Item = (&'a String, &'a String)>,
    ) -> Result<Self, SettingsError> {
        let properties = Properties(
            properties
                .into_iter()
                .map(|(key, value)| (key.as_str(), value.trim()))
                .collect(),
        );
        let mut settings = Self::new(properties.bootstrap_servers()?);
        if let Some(client_id) = properties.get("client.id") {
            client_id.clone_into(&mut settings.client_id);
        }
        for (key, field) in [
            ("request.timeout.ms", &mut settings.request_timeout),
            (
                "socket.connection.setup.timeout.ms",
                &mut settings.connection_setup_timeout,
            ),
            ("retry.backoff.ms", &mut settings.retry_backoff),
            ("retry.backoff.max.ms", &mut settings.retry_backoff_max),
            ("reconnect.backoff.ms", &mut settings.reconnect_backoff),
            (
                "reconnect.backoff.max.ms",
                &mut settings.reconnect_backoff_max,
            ),
        ] {
            if let Some(duration) = properties.duration_ms(key)? {
                *field = duration;
            }
        }
        if let Some(max_idle) = properties.get("connections.max.idle.ms") {
            settings.connections_max_idle = match max_idle.parse::<i64>() {
                Ok(ms) => u64::try_from(ms).ok().map(Duration::from_millis),
                Err(_) => {
                    return Err(SettingsError {
                        key: "connections.max.idle.ms".to_owned(),
                        value: max_idle.to_owned(),
                        reason: "it must be a number of milliseconds".to_owned(),
                    });
                }
            };
        }
        settings.security = SecuritySettings::read(&|key| properties.get(key))?;
        settings.tls = settings
            .security
            .tls
            .as_ref()
            .map(|tls| tls.client_config().map(Arc::new))
            .transpose()
            .map_err(|error| SettingsError {
                key: error.key,
                value: error.value.unwrap_or_else(|| "[hidden]".to_owned()),
                reason: error.reason,
            })?;
        Ok(settings)
    }

    /// How to authenticate, if at all.
    pub fn sasl(&self) -> Option<&SaslSettings> {
        self.security.sasl.as_ref()
    }

    /// `bootstrap.servers` as one text, for messages.
    pub fn bootstrap_text(&self) -> String {
        let servers: Vec<_> = self
            .bootstrap_servers
            .iter()
            .map(ToString::to_string)
            .collect();
        servers.join(",")
    }
}

struct Properties<'a>(HashMap<&'a str, &'a str>);

impl<'a> Properties<'a> {
    fn get(&self, key: &str) -> Option<&'a str> {
        self.0.get(key).copied()
    }

    fn bootstrap_servers(&self) -> Result<Vec<BrokerAddress>, SettingsError> {
        const KEY: &str = "bootstrap.servers";
        let list = self.get(KEY).unwrap_or_default();
        let servers = list
            .split(',')
            .filter(|server| !server.trim().is_empty())
            .map(|server| {
                server.parse().map_err(|reason| SettingsError {
                    key: KEY.to_owned(),
                    value: server.trim().to_owned(),
                    reason,
                })
            })
            .collect::<Result<Vec<BrokerAddress>, _>>()?;
        if servers.is_empty() {
            return Err(SettingsError {
                key: KEY.to_owned(),
                value: format!("'{list}'"),
                reason: "at least one broker as host:port is needed".to_owned(),
            });
        }
        Ok(servers)
    }

    fn duration_ms(&self, key: &'static str) -> Result<Option<Duration>, SettingsError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        match value.parse::<i32>() {
            Ok(ms) if ms >= 0 => Ok(Some(Duration::from_millis(ms.unsigned_abs().into()))),
            _ => Err(SettingsError {
                key: key.to_owned(),
                value: value.to_owned(),
                reason: format!("it must be a number of milliseconds from 0 to {}", i32::MAX),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn read(lines: &[(&str, &str)]) -> Result<ClientSettings, SettingsError> {
        let properties: BTreeMap<String, String> = lines
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        ClientSettings::from_properties(&properties)
    }

    #[test]
    fn reads_addresses_as_kafka_does() {
        let settings = read(&[("bootstrap.servers", " a:1, PLAINTEXT://b.c:9092 ,[::1]:3,")])
            .expect("valid servers");
        assert_eq!(settings.bootstrap_text(), "a:1,b.c:9092,[::1]:3");
        assert_eq!(settings.bootstrap_servers[2].host, "::1");
    }

    #[test]
    fn defaults_are_kafkas() {
        let settings = read(&[("bootstrap.servers", "a:1"), ("group.id", "x")]).expect("valid");
        assert_eq!(settings.request_timeout, Duration::from_secs(40));
        assert_eq!(settings.retry_backoff, Duration::from_millis(100));
        assert_eq!(settings.retry_backoff_max, Duration::from_secs(1));
        assert_eq!(settings.reconnect_backoff, Duration::from_millis(50));
        assert_eq!(settings.reconnect_backoff_max, Duration::from_secs(1));
        assert_eq!(settings.connection_setup_timeout, Duration::from_secs(10));
        assert_eq!(settings.sasl(), None);
        assert_eq!(
            settings.connections_max_idle,
            Some(Duration::from_secs(540))
        );
    }

    #[test]
    fn faults_name_key_value_and_reason() {
        for (lines, text) in [
            (
                vec![],
                "Invalid value '' for configuration bootstrap.servers: at least one",
            ),
            (
                vec![("bootstrap.servers", "a:1,b")],
                "Invalid value b for configuration bootstrap.servers: it must be host:port",
            ),
            (
                vec![("bootstrap.servers", "a:70000")],
                "Invalid value a:70000",
            ),
            (vec![("bootstrap.servers", "::1:9092")], "brackets"),
            (vec![("bootstrap.servers", ":9092")], "the host is missing"),
            (
                vec![("bootstrap.servers", "a:1"), ("request.timeout.ms", "-1")],
                "Invalid value -1 for configuration request.timeout.ms: it must be a number",
            ),
            (
                vec![("bootstrap.servers", "a:1"), ("security.protocol", "TLS")],
                "must be one of",
            ),
            (
                vec![
                    ("bootstrap.servers", "a:1"),
                    ("security.protocol", "SASL_PLAINTEXT"),
                ],
                "Invalid value GSSAPI for configuration sasl.mechanism: supported are",
            ),
        ] {
            let error = read(&lines).expect_err(text).to_string();
            assert!(error.contains(text), "{error}");
        }
    }
}
