//! `s3.proxy.*`: requests to S3 go through a proxy.

use crate::keys;
use aws_sdk_s3::config::SharedHttpClient;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use connect_api::config::{ConfigData, Password};
use connect_api::{ConnectError, Result};
use storage_common::settings::{Fault, Values};

/// Where the proxy is and who asks it.
#[derive(Clone, Debug)]
pub struct ProxySettings {
    /// Scheme, host and port.
    url: String,
    user: Option<String>,
    password: Password,
}

impl ProxySettings {
    /// Reads the keys; user and password may stand in the address too.
    pub(crate) fn read(values: Values<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let url = values.text(keys::PROXY_URL);
        if url.is_empty() {
            return None;
        }
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let scheme = scheme.to_ascii_lowercase();
        let authority = rest.split('/').next().unwrap_or("");
        let (user_info, host) = authority
            .rsplit_once('@')
            .map_or((None, authority), |(user_info, host)| {
                (Some(user_info), host)
            });
        // The address may hold a password: the message shows its host alone.
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]%".contains(&byte);
        if !matches!(&*scheme, "http" | "https") || host.is_empty() || !host.bytes().all(is_host) {
            faults.push(Fault::invalid(
                keys::PROXY_URL,
                host,
                "It must be the address of a proxy, for example http://proxy:3128",
            ));
            return None;
        }
        let (url_user, url_password) = match user_info.map(|info| info.split_once(':')) {
            Some(Some((user, password))) => (user, password),
            Some(None) => (user_info.unwrap_or(""), ""),
            None => ("", ""),
        };
        let user = Some(values.text(keys::PROXY_USER))
            .filter(|user| !user.is_empty())
            .unwrap_or(url_user);
        let password = match values.get(keys::PROXY_PASSWORD) {
            Some(ConfigData::Password(password)) if !password.expose().trim().is_empty() => {
                password.clone()
            }
            _ => Password::new(url_password),
        };
        Some(Self {
            url: format!("{scheme}://{host}"),
            user: Some(user.to_string()).filter(|user| !user.is_empty()),
            password,
        })
    }

    /// The HTTP client that goes through the proxy.
    pub(crate) fn http_client(&self) -> Result<SharedHttpClient> {
        let proxy = ProxyConfig::all(self.url.as_str())
            .map_err(|error| ConnectError::config(format!("{}: {error}", keys::PROXY_URL)))?;
        let proxy = match &self.user {
            Some(user) => proxy.with_basic_auth(user, self.password.expose()),
            None => proxy,
        };
        Ok(
            Builder::new().build_with_connector_fn(move |settings, components| {
                let mut connector = Connector::builder().proxy_config(proxy.clone());
                connector.set_connector_settings(settings.cloned());
                connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
                connector
                    .tls_provider(tls::Provider::Rustls(CryptoMode::AwsLc))
                    .build()
            }),
        )
    }
}
