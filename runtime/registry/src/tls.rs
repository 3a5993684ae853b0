//! TLS of the connections to the registry.

use crate::config::keys::*;
use connect_api::config::ParsedConfig;
use connect_api::{ConnectError, Result};
use connect_tls::TlsSettings;
use connect_tls::rustls;
use reqwest::ClientBuilder;
use std::fmt;
use tracing::warn;

/// The settings of TLS with the stores read.
#[derive(Clone, Default)]
pub(crate) struct TlsConfig {
    /// `None` where nothing is set.
    client: Option<rustls::ClientConfig>,
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig").finish_non_exhaustive()
    }
}

/// A setting of any type as the text that a user would write.
fn text_of(parsed: &ParsedConfig, name: &str) -> Option<String> {
    if name.strip_prefix(SSL_PREFIX) == Some(ENABLED_PROTOCOLS) {
        return parsed.list(name).ok().map(|protocols| protocols.join(","));
    }
    match parsed.opt_string(name) {
        Ok(text) => text.map(str::to_owned),
        Err(_) => parsed
            .password(name)
            .ok()
            .flatten()
            .map(|secret| secret.expose().to_owned()),
    }
}

impl TlsConfig {
    pub(crate) fn new(parsed: &ParsedConfig) -> Result<Self> {
        let cipher_suites = format!("{SSL_PREFIX}{CIPHER_SUITES}");
        if parsed
            .opt_string(&cipher_suites)?
            .is_some_and(|text| !text.is_empty())
        {
            warn!(
                setting = cipher_suites,
                "The cipher suites are not limited: all that are offered are strong ones"
            );
        }
        let client = TlsSettings::read(SSL_PREFIX, |name| text_of(parsed, name))
            .and_then(|settings| settings.client_config())
            .map_err(|error| ConnectError::config(error.to_string()))?;
        Ok(Self {
            client: Some(client),
        })
    }

    /// Adds the settings to those of the HTTP client.
    pub(crate) fn apply(&self, builder: ClientBuilder) -> ClientBuilder {
        match &self.client {
            Some(client) => builder.tls_backend_preconfigured(client.clone()),
            None => builder,
        }
    }
}
