//! The client credentials grant at `sasl.oauthbearer.token.endpoint.url`.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use connect_api::config::Password;
use connect_tls::TlsSettings;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use tokio::time::Instant;

use super::{OAuthError, Token, URL_KEY, usable};
use crate::security::SecurityError;
use crate::security::jaas::JaasEntry;
use crate::security::read::jaas_refused;
use crate::wire::Backoff;

/// More than any identity provider answers with.
const MAX_ANSWER_NUM_BYTES: usize = 1 << 20;

/// Whom to ask for a token, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCredentials {
    url: reqwest::Url,
    client_id: String,
    client_secret: Password,
    scope: Option<String>,
    encodes_header: bool,
    sub_claim: String,
    tls: Option<TlsSettings>,
    connect_timeout: Option<Duration>,
    read_timeout: Option<Duration>,
    retry_backoff: Duration,
    retry_backoff_max: Duration,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Option<f64>,
}

impl ClientCredentials {
    pub(super) fn read<'a>(
        get: &dyn Fn(&str) -> Option<&'a str>,
        url: reqwest::Url,
        mut entry: JaasEntry,
    ) -> Result<Self, SecurityError> {
        let filled = |key: &str| {
            get(key)
                .filter(|value| !value.is_empty())
                .map(str::to_owned)
        };
        let millis = |key: &str| match filled(key) {
            None => Ok(None),
            Some(value) => value
                .parse::<u32>()
                .map(|ms| Some(Duration::from_millis(ms.into())))
                .map_err(|_| SecurityError {
                    key: key.to_owned(),
                    value: Some(value),
                    reason: "it must be a number of milliseconds".to_owned(),
                }),
        };
        let mut option = |key: &str, option: &str| {
            filled(key).or_else(|| entry.options.remove(option).filter(|it| !it.is_empty()))
        };
        let missing = |name: &str| {
            let reason = format!("the option '{name}' is missing: tokens of {URL_KEY} need it");
            jaas_refused(reason)
        };
        let client_id = option("sasl.oauthbearer.client.credentials.client.id", "clientId")
            .ok_or_else(|| missing("clientId"))?;
        let client_secret = option(
            "sasl.oauthbearer.client.credentials.client.secret",
            "clientSecret",
        )
        .ok_or_else(|| missing("clientSecret"))?;
        let scope = option("sasl.oauthbearer.scope", "scope");
        // As in Java, the TLS of the identity provider is that of the login module's options.
        let has_tls = entry.options.keys().any(|name| name.starts_with("ssl."));
        let tls = has_tls
            .then(|| TlsSettings::read("ssl.", |name| entry.options.get(name).cloned()))
            .transpose()
            .map_err(|error| jaas_refused(format!("its option: {error}")))?;
        Ok(Self {
            url,
            client_id,
            client_secret: Password::new(client_secret),
            scope,
            encodes_header: filled("sasl.oauthbearer.header.urlencode")
                .is_some_and(|value| value.eq_ignore_ascii_case("true")),
            sub_claim: filled("sasl.oauthbearer.sub.claim.name")
                .unwrap_or_else(|| "sub".to_owned()),
            tls,
            connect_timeout: millis("sasl.login.connect.timeout.ms")?,
            read_timeout: millis("sasl.login.read.timeout.ms")?,
            retry_backoff: millis("sasl.login.retry.backoff.ms")?
                .unwrap_or(Duration::from_millis(100)),
            retry_backoff_max: millis("sasl.login.retry.backoff.max.ms")?
                .unwrap_or(Duration::from_secs(10)),
        })
    }

    /// Asks until there is an answer, for `sasl.login.retry.backoff.max.ms` at most, as Java does.
    pub(super) async fn fetch(&self) -> Result<Token, OAuthError> {
        let deadline = Instant::now() + self.retry_backoff_max;
        let mut backoff = Backoff::new(self.retry_backoff, self.retry_backoff_max);
        loop {
            let error = match self.ask().await {
                Ok(token) => return Ok(token),
                Err(error) => error,
            };
            let delay = backoff.next_delay();
            if !error.is_retriable || Instant::now() + delay >= deadline {
                return Err(error);
            }
            tracing::warn!("{}. Trying again in {} ms", error.reason, delay.as_millis());
            tokio::time::sleep(delay).await;
        }
    }

    /// One request, with a client of its own: tokens are asked for once in minutes or hours, from
    /// threads that share no runtime.
    async fn ask(&self) -> Result<Token, OAuthError> {
        let error = |reason: String, is_retriable: bool| OAuthError {
            reason: format!("No token from {}: {reason}", self.url),
            is_retriable,
        };
        let client = self.client().map_err(|reason| error(reason, false))?;
        let answer = client
            .post(self.url.clone())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(AUTHORIZATION, self.authorization())
            .body(self.form())
            .send()
            .await
            .map_err(|cause| error(described(&cause.without_url()), true))?;
        let status = answer.status();
        let body = bounded(answer)
            .await
            .map_err(|reason| error(reason, true))?;
        if !status.is_success() {
            // What Java's clients try again, too: the rest is for a person to mend.
            let is_retriable = status.is_server_error() && status.as_u16() != 501
                || matches!(status.as_u16(), 408 | 429);
            let advice = "check clientId, clientSecret and scope of sasl.jaas.config, and the URL";
            return Err(error(
                format!("HTTP status {status}; {advice}"),
                is_retriable,
            ));
        }
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|_| error("the answer has no access_token".to_owned(), false))?;
        let text = answer.access_token.trim();
        usable(text).map_err(|unusable| error(unusable.reason, false))?;
        let expires_in = answer
            .expires_in
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .map(|lifetime| lifetime.min(Duration::from_secs(365 * 24 * 3600)));
        let mut token = Token::foreign(text, expires_in, &self.sub_claim);
        if token.principal.is_empty() {
            token.principal.clone_from(&self.client_id);
        }
        Ok(token)
    }

    fn client(&self) -> Result<reqwest::Client, String> {
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(self.connect_timeout.unwrap_or(Duration::from_secs(10)))
            .read_timeout(self.read_timeout.unwrap_or(Duration::from_secs(30)));
        if let Some(tls) = &self.tls {
            let tls = tls.client_config().map_err(|error| error.to_string())?;
            builder = builder.tls_backend_preconfigured(tls);
        }
        builder.build().map_err(|error| described(&error))
    }

    fn authorization(&self) -> HeaderValue {
        let encoded = |text: &str| {
            if self.encodes_header {
                url_encoded(text)
            } else {
                text.to_owned()
            }
        };
        let credentials = format!(
            "{}:{}",
            encoded(&self.client_id),
            encoded(self.client_secret.expose())
        );
        let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(credentials)))
            .expect("Base64 is made of characters that a header may have");
        value.set_sensitive(true);
        value
    }

    fn form(&self) -> String {
        let mut form = "grant_type=client_credentials".to_owned();
        if let Some(scope) = &self.scope {
            form.push_str("&scope=");
            form.push_str(&url_encoded(scope));
        }
        form
    }
}

/// As in a form: blanks become `+`.
fn url_encoded(text: &str) -> String {
    let mut url = reqwest::Url::parse("form:/").expect("a URL");
    url.query_pairs_mut().append_key_only(text);
    url.query().unwrap_or_default().to_owned()
}

async fn bounded(mut answer: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = answer
        .chunk()
        .await
        .map_err(|cause| described(&cause.without_url()))?
    {
        if body.len() + chunk.len() > MAX_ANSWER_NUM_BYTES {
            return Err(format!(
                "the answer has more than {MAX_ANSWER_NUM_BYTES} bytes"
            ));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error with its causes, which say what happened.
fn described(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    text
}
