//! The settings of the client, checked and in the form that it works with.

use super::keys::*;
use crate::auth::{AuthConfig, OAuthConfig, TargetHeaders, user_info_of_jaas};
use crate::tls::TlsConfig;
use crate::url::BaseUrl;
use connect_api::config::{ConfigMap, ParsedConfig, Password};
use connect_api::{ConnectError, Result};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;

/// The settings of a [`RegistryClient`](crate::RegistryClient).
#[derive(Clone, Debug)]
pub struct ClientConfig {
    pub(crate) urls: Vec<BaseUrl>,
    pub(crate) randomize_urls: bool,
    pub(crate) connect_timeout: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) retry: RetryConfig,
    /// `http://host:port`.
    pub(crate) proxy: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) auth: AuthConfig,
    pub(crate) tls: TlsConfig,
    pub(crate) max_schemas: u64,
    pub(crate) max_latest: u64,
    pub(crate) latest_ttl: Option<Duration>,
}

/// How often and after what wait a request is repeated at one address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryConfig {
    pub(crate) max_retries: u32,
    pub(crate) wait: Duration,
    pub(crate) max_wait: Duration,
}

/// The same settings with those of the client under their plain names: each may also be written with
/// `schema.registry.` before it, as Confluent's client allows, and then goes before the plain one.
#[must_use]
pub fn with_plain_names(config: &ConfigMap) -> ConfigMap {
    let mut plain = config.clone();
    for (name, value) in config.iter() {
        let Some(short) = name.strip_prefix(CLIENT_PREFIX) else {
            continue;
        };
        if super::client_config_def().key(short).is_some()
            && let Some(value) = value
            && !value.is_empty()
        {
            plain.insert(short, value);
        }
    }
    plain
}

impl ClientConfig {
    /// Takes the settings from a configuration that was parsed with
    /// [`client_config_def`](super::client_config_def); `originals` is the configuration itself, for
    /// `request.header.*`.
    ///
    /// Key stores are read here. Errors are of kind [`Config`](connect_api::ErrorKind::Config).
    pub fn new(parsed: &ParsedConfig, originals: &ConfigMap) -> Result<Self> {
        let urls: Vec<BaseUrl> = parsed
            .list(URL)?
            .iter()
            .map(|url| BaseUrl::parse(url))
            .collect::<Result<_>>()?;
        check_mocks(&urls)?;
        let ttl_sec = parsed.long(LATEST_CACHE_TTL_SEC)?;
        let ms = |name| Ok::<_, ConnectError>(Duration::from_millis(unsigned(parsed, name)?));
        Ok(Self {
            urls,
            randomize_urls: parsed.boolean(URL_RANDOMIZE)?,
            connect_timeout: no_zero(ms(CONNECT_TIMEOUT_MS)?),
            read_timeout: no_zero(ms(READ_TIMEOUT_MS)?),
            retry: RetryConfig {
                max_retries: u32::try_from(unsigned(parsed, MAX_RETRIES)?).unwrap_or(u32::MAX),
                wait: ms(RETRIES_WAIT_MS)?,
                max_wait: ms(RETRIES_MAX_WAIT_MS)?,
            },
            proxy: proxy(parsed)?,
            headers: request_headers(originals)?,
            auth: auth(parsed)?,
            tls: TlsConfig::new(parsed)?,
            max_schemas: unsigned(parsed, MAX_SCHEMAS_PER_SUBJECT)?,
            max_latest: unsigned(parsed, LATEST_CACHE_SIZE)?,
            latest_ttl: u64::try_from(ttl_sec).ok().map(Duration::from_secs),
        })
    }
}

fn unsigned(parsed: &ParsedConfig, name: &str) -> Result<u64> {
    Ok(u64::try_from(parsed.long(name)?).unwrap_or(0))
}

/// In Java a timeout of zero is none.
fn no_zero(timeout: Duration) -> Duration {
    const A_DAY: Duration = Duration::from_secs(24 * 3600);
    if timeout.is_zero() { A_DAY } else { timeout }
}

fn check_mocks(urls: &[BaseUrl]) -> Result<()> {
    let num_mocks = urls.iter().filter(|url| url.mock_scope().is_some()).count();
    match num_mocks {
        0 => Ok(()),
        1 if urls.len() == 1 => Ok(()),
        1 => Err(ConnectError::config(
            "Cannot mix mock and real urls for 'schema.registry.url'",
        )),
        _ => Err(ConnectError::config(
            "Only one mock scope is permitted for 'schema.registry.url'",
        )),
    }
}

fn proxy(parsed: &ParsedConfig) -> Result<Option<String>> {
    let host = parsed.string(PROXY_HOST)?;
    let port = parsed.long(PROXY_PORT)?;
    Ok((!host.is_empty() && port > 0).then(|| format!("http://{host}:{port}")))
}

fn request_headers(originals: &ConfigMap) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in originals.with_prefix(REQUEST_HEADER_PREFIX).iter() {
        let invalid = |what: &str| {
            ConnectError::config(format!(
                "Configuration {REQUEST_HEADER_PREFIX}{name} is no header of HTTP: its {what} holds \
                 characters that are not allowed"
            ))
        };
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid("name"))?;
        let mut value =
            HeaderValue::from_str(value.unwrap_or_default()).map_err(|_| invalid("value"))?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    Ok(headers)
}

fn text(parsed: &ParsedConfig, name: &str) -> Result<Option<String>> {
    Ok(parsed
        .opt_string(name)?
        .filter(|text| !text.is_empty())
        .map(str::to_string))
}

fn secret(parsed: &ParsedConfig, name: &str) -> Result<Option<Password>> {
    Ok(parsed
        .password(name)?
        .filter(|secret| !secret.expose().is_empty())
        .cloned())
}

fn required<T>(value: Option<T>, name: &str, source: &str) -> Result<T> {
    value.ok_or_else(|| {
        ConnectError::config(format!("Configuration {name} must be set for {source}"))
    })
}

fn auth(parsed: &ParsedConfig) -> Result<AuthConfig> {
    match (text(parsed, BASIC_SOURCE)?, text(parsed, BEARER_SOURCE)?) {
        (None, None) => Ok(AuthConfig::None),
        (Some(_), Some(_)) => Err(ConnectError::config(format!(
            "Only one of '{BASIC_SOURCE}' and '{BEARER_SOURCE}' may be specified"
        ))),
        (Some(source), None) => basic_auth(parsed, &source),
        (None, Some(source)) => bearer_auth(parsed, &source),
    }
}

fn basic_auth(parsed: &ParsedConfig, source: &str) -> Result<AuthConfig> {
    match source {
        "URL" => Ok(AuthConfig::Url),
        "USER_INFO" => {
            let user_info = secret(parsed, LEGACY_USER_INFO)?.or(secret(parsed, USER_INFO)?);
            user_info.map(AuthConfig::UserInfo).ok_or_else(|| {
                ConnectError::config(
                    "UserInfo must be provided when basic.auth.credentials.source is set to \
                     USER_INFO",
                )
            })
        }
        "SASL_INHERIT" => secret(parsed, SASL_JAAS_CONFIG)?
            .and_then(|jaas| user_info_of_jaas(jaas.expose()))
            .map(AuthConfig::UserInfo)
            .ok_or_else(|| {
                ConnectError::config(
                    "Provided SASL Login module doesn't provide username and password options and \
                     can't be inherited. Set sasl.jaas.config of this converter",
                )
            }),
        other => Err(ConnectError::config(format!(
            "Invalid value {other} for configuration {BASIC_SOURCE}: it must be URL, USER_INFO or \
             SASL_INHERIT"
        ))),
    }
}

fn bearer_auth(parsed: &ParsedConfig, source: &str) -> Result<AuthConfig> {
    let header = |name| -> Result<Option<HeaderValue>> {
        text(parsed, name)?
            .map(|text| {
                HeaderValue::from_str(&text).map_err(|_| {
                    ConnectError::config(format!(
                        "Invalid value for configuration {name}: no header can carry it"
                    ))
                })
            })
            .transpose()
    };
    let target = TargetHeaders {
        logical_cluster: header(LOGICAL_CLUSTER)?,
        identity_pool_id: header(IDENTITY_POOL_ID)?,
    };
    match source {
        "STATIC_TOKEN" => {
            let token = required(secret(parsed, BEARER_TOKEN)?, BEARER_TOKEN, source)?;
            Ok(AuthConfig::StaticToken(token, target))
        }
        "OAUTHBEARER" => {
            let url = required(text(parsed, ISSUER_URL)?, ISSUER_URL, source)?;
            let issuer_url = reqwest::Url::parse(&url)
                .ok()
                .filter(|url| {
                    matches!(url.scheme(), "http" | "https")
                        && url.username().is_empty()
                        && url.password().is_none()
                })
                .ok_or_else(|| {
                    ConnectError::config(format!(
                        "Invalid value for configuration {ISSUER_URL}: it must be a URL with http:// \
                         or https:// and without credentials"
                    ))
                })?;
            let oauth = OAuthConfig {
                issuer_url,
                client_id: required(text(parsed, CLIENT_ID)?, CLIENT_ID, source)?,
                client_secret: required(secret(parsed, CLIENT_SECRET)?, CLIENT_SECRET, source)?,
                scope: text(parsed, SCOPE)?,
                expiry_buffer: Duration::from_secs(unsigned(parsed, EXPIRY_BUFFER_SECONDS)?),
            };
            Ok(AuthConfig::OAuth(Box::new(oauth), target))
        }
        "SASL_OAUTHBEARER_INHERIT" | "UAMI" | "CUSTOM" => Err(ConnectError::config(format!(
            "{BEARER_SOURCE}={source} is not supported: set OAUTHBEARER with bearer.auth.issuer.\
             endpoint.url, bearer.auth.client.id and bearer.auth.client.secret, or STATIC_TOKEN"
        ))),
        other => Err(ConnectError::config(format!(
            "Invalid value {other} for configuration {BEARER_SOURCE}: it must be STATIC_TOKEN or \
             OAUTHBEARER"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::client_config_def;
    use super::*;

    fn parse(entries: &[(&str, &str)]) -> Result<ClientConfig> {
        let mut config = ConfigMap::from_iter([(URL, "http://h:8081")]);
        config.extend(&ConfigMap::from_iter(entries.iter().copied()));
        let config = with_plain_names(&config);
        ClientConfig::new(&client_config_def().parse(&config)?, &config)
    }

    fn refusal(entries: &[(&str, &str)]) -> String {
        let error = parse(entries).unwrap_err();
        assert_eq!(error.kind(), connect_api::ErrorKind::Config);
        error.to_string()
    }

    #[test]
    fn defaults_are_confluents() {
        let config = parse(&[]).unwrap();
        assert_eq!(config.connect_timeout, Duration::from_secs(60));
        assert_eq!(config.read_timeout, Duration::from_secs(60));
        assert_eq!(config.retry.max_retries, 3);
        assert_eq!(config.retry.wait, Duration::from_secs(1));
        assert_eq!(config.retry.max_wait, Duration::from_secs(20));
        assert_eq!(config.max_schemas, 1000);
        assert_eq!(config.latest_ttl, None);
        assert_eq!(config.proxy, None);
        assert!(matches!(config.auth, AuthConfig::None));
    }

    #[test]
    fn every_setting_may_carry_the_prefix_of_the_client() {
        let config = parse(&[
            ("basic.auth.credentials.source", "USER_INFO"),
            ("basic.auth.user.info", "new:1"),
            ("schema.registry.basic.auth.user.info", "old:2"),
            ("schema.registry.proxy.host", "p"),
            ("schema.registry.proxy.port", "3128"),
        ])
        .unwrap();
        assert_eq!(config.proxy.as_deref(), Some("http://p:3128"));
        let AuthConfig::UserInfo(user_info) = config.auth else {
            panic!("not USER_INFO");
        };
        assert_eq!(user_info.expose(), "old:2");
    }

    #[test]
    fn addresses_keep_their_order_and_mocks_stand_alone() {
        let config = parse(&[(URL, "http://a/x , https://b")]).unwrap();
        let urls: Vec<String> = config.urls.iter().map(ToString::to_string).collect();
        assert_eq!(urls, ["http://a/x", "https://b/"]);
        assert_eq!(
            refusal(&[(URL, "mock://a,http://b")]),
            "Cannot mix mock and real urls for 'schema.registry.url'"
        );
        assert_eq!(
            refusal(&[(URL, "mock://a,mock://b")]),
            "Only one mock scope is permitted for 'schema.registry.url'"
        );
    }

    #[test]
    fn sources_of_credentials_say_what_they_lack() {
        for (entries, expected) in [
            (
                &[("basic.auth.credentials.source", "USER_INFO")][..],
                "UserInfo must be provided when basic.auth.credentials.source is set to USER_INFO",
            ),
            (
                &[("basic.auth.credentials.source", "KEYTAB")],
                "Invalid value KEYTAB for configuration basic.auth.credentials.source: it must be \
                 URL, USER_INFO or SASL_INHERIT",
            ),
            (
                &[
                    ("basic.auth.credentials.source", "URL"),
                    ("bearer.auth.credentials.source", "STATIC_TOKEN"),
                ],
                "Only one of 'basic.auth.credentials.source' and 'bearer.auth.credentials.source' \
                 may be specified",
            ),
            (
                &[("bearer.auth.credentials.source", "STATIC_TOKEN")],
                "Configuration bearer.auth.token must be set for STATIC_TOKEN",
            ),
            (
                &[
                    ("bearer.auth.credentials.source", "OAUTHBEARER"),
                    ("bearer.auth.issuer.endpoint.url", "http://idp"),
                    ("bearer.auth.client.id", "me"),
                ],
                "Configuration bearer.auth.client.secret must be set for OAUTHBEARER",
            ),
            (
                &[("bearer.auth.credentials.source", "UAMI")],
                "bearer.auth.credentials.source=UAMI is not supported: set OAUTHBEARER with \
                 bearer.auth.issuer.endpoint.url, bearer.auth.client.id and \
                 bearer.auth.client.secret, or STATIC_TOKEN",
            ),
            (
                &[("request.header.bad name", "x")],
                "Configuration request.header.bad name is no header of HTTP: its name holds \
                 characters that are not allowed",
            ),
        ] {
            assert_eq!(refusal(entries), expected);
        }
    }

    #[test]
    fn nothing_printed_holds_a_secret() {
        let config = parse(&[
            (URL, "http://user:hidden1@h"),
            ("basic.auth.credentials.source", "SASL_INHERIT"),
            (
                "sasl.jaas.config",
                "Plain required username=\"u\" password=\"hidden2\";",
            ),
            ("request.header.Authorization", "Bearer hidden3"),
            ("schema.registry.ssl.truststore.password", "hidden4"),
        ])
        .unwrap();
        let printed = format!("{config:?}");
        assert!(!printed.contains("hidden1"), "{printed}");
        assert!(!printed.contains("hidden2"), "{printed}");
        assert!(!printed.contains("hidden3"), "{printed}");
        assert!(!printed.contains("hidden4"), "{printed}");
    }
}
