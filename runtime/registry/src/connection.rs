//! One attempt at one address.

use crate::auth::Auth;
use crate::config::ClientConfig;
use crate::error::{RegistryError, RegistryErrorKind};
use crate::request::{Method, Request};
use crate::url::BaseUrl;
use async_trait::async_trait;
use connect_api::{ConnectError, Result};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use reqwest::redirect::Policy;
use std::error::Error;

const CONTENT: &str = "application/vnd.schemaregistry.v1+json";
const ACCEPTED: &str = "application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, \
                        application/json";

/// The largest answer that is read. Schemas have kilobytes; registries themselves refuse much less.
const MAX_ANSWER_NUM_BYTES: usize = 16 << 20;

/// How often one request may be sent elsewhere by its server.
const MAX_REDIRECTS: usize = 5;

/// What came back, whatever the status.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Why nothing came back.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionError {
    pub(crate) kind: RegistryErrorKind,
    /// Without URL and without secrets.
    pub(crate) message: String,
    pub(crate) advice: &'static str,
}

impl ConnectionError {
    pub(crate) fn into_registry_error(self, method: &str, url: &reqwest::Url) -> RegistryError {
        RegistryError {
            kind: self.kind,
            message: self.message,
            request: format!("{method} {url}"),
            advice: self.advice,
        }
    }
}

/// Carries requests to a registry, each once: repeating them is not its part.
#[async_trait]
pub(crate) trait Connection: Send + Sync {
    /// Sends a request to the registry at `base`. Every status is an answer.
    async fn send(&self, base: &BaseUrl, request: &Request) -> Result<Answer, ConnectionError>;
}

/// Over HTTP.
pub(crate) struct HttpConnection {
    client: reqwest::Client,
    auth: Auth,
    headers: HeaderMap,
}

impl HttpConnection {
    pub(crate) fn new(config: &ClientConfig) -> Result<Self> {
        let client = http_client(config)?;
        Ok(Self {
            auth: Auth::new(&config.auth, client.clone()),
            client,
            headers: config.headers.clone(),
        })
    }
}

/// The client of HTTP with everything that does not change from request to request.
fn http_client(config: &ClientConfig) -> Result<reqwest::Client> {
    let follow_on_same_host = Policy::custom(|attempt| {
        let previous = attempt.previous();
        let first = previous.first();
        if previous.len() > MAX_REDIRECTS {
            return attempt.error("too many redirects");
        }
        // Another host must not get the headers that the user meant for this one.
        if first.is_some_and(|first| first.host_str() == attempt.url().host_str()) {
            attempt.follow()
        } else {
            attempt.stop()
        }
    });
    let mut builder = reqwest::Client::builder()
        .redirect(follow_on_same_host)
        .connect_timeout(config.connect_timeout)
        .read_timeout(config.read_timeout);
    builder = match &config.proxy {
        Some(proxy) => builder.proxy(reqwest::Proxy::all(proxy.as_str()).map_err(|error| {
            ConnectError::config(format!(
                "Invalid value {proxy} for configuration proxy.host: {}",
                describe(error)
            ))
        })?),
        // As in Java: the environment does not decide.
        None => builder.no_proxy(),
    };
    config.tls.apply(builder).build().map_err(|error| {
        ConnectError::config(format!(
            "The client of the Schema Registry cannot be made, check schema.registry.ssl.*: {}",
            describe(error)
        ))
    })
}

#[async_trait]
impl Connection for HttpConnection {
    async fn send(&self, base: &BaseUrl, request: &Request) -> Result<Answer, ConnectionError> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let mut outgoing = self
            .client
            .request(method, base.join(request))
            .header(ACCEPT, ACCEPTED);
        if let Some(body) = &request.body {
            outgoing = outgoing.header(CONTENT_TYPE, CONTENT).body(body.clone());
        }
        let auth = self.auth.headers(base).await?;
        outgoing = outgoing.headers(auth).headers(self.headers.clone());
        let answer = outgoing.send().await.map_err(connection_error)?;
        let status = answer.status().as_u16();
        let body = read_bounded(answer).await?;
        if status == 401 {
            self.auth.forget_token().await;
        }
        Ok(Answer { status, body })
    }
}

/// Reads an answer up to the largest size.
pub(crate) async fn read_bounded(
    mut answer: reqwest::Response,
) -> Result<Vec<u8>, ConnectionError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(connection_error)? {
        if body.len() + chunk.len() > MAX_ANSWER_NUM_BYTES {
            return Err(ConnectionError {
                kind: RegistryErrorKind::UnreadableAnswer,
                message: format!("The answer has more than {MAX_ANSWER_NUM_BYTES} bytes"),
                advice: "Check that schema.registry.url is that of a Schema Registry",
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error of the HTTP client in our terms.
pub(crate) fn connection_error(error: reqwest::Error) -> ConnectionError {
    let (kind, advice) = if error.is_timeout() {
        (
            RegistryErrorKind::Timeout,
            "The registry did not answer in time: look whether it runs, or raise \
             http.connect.timeout.ms and http.read.timeout.ms",
        )
    } else {
        (
            RegistryErrorKind::Network,
            "Look whether the registry runs and can be reached from here: check schema.registry.url, \
             proxy.* and schema.registry.ssl.*",
        )
    };
    ConnectionError {
        kind,
        message: describe(error),
        advice,
    }
}

/// The texts of an error and its causes; the URL is not part of it.
pub(crate) fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(current) = cause {
        let current_text = current.to_string();
        if !text.ends_with(&current_text) {
            text.push_str(": ");
            text.push_str(&current_text);
        }
        cause = current.source();
    }
    text
}

/// Marks a header as secret, so that it never shows in a log.
pub(crate) fn set_authorization(
    headers: &mut HeaderMap,
    text: &str,
) -> Result<(), ConnectionError> {
    let mut value = reqwest::header::HeaderValue::from_str(text).map_err(|_| ConnectionError {
        kind: RegistryErrorKind::TokenRefused,
        message: "The credentials hold characters that no header can carry".to_string(),
        advice: "Check basic.auth.* or bearer.auth.* of the converter",
    })?;
    value.set_sensitive(true);
    headers.insert(AUTHORIZATION, value);
    Ok(())
}
