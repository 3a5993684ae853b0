//! Tokens of an identity provider: the client credentials grant, with renewal before the expiry.

use crate::cache::SingleFlight;
use crate::connection::{ConnectionError, connection_error, read_bounded, set_authorization};
use crate::error::{RegistryErrorKind, is_retriable_status};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use connect_api::config::Password;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde::Deserialize;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// The settings, checked.
#[derive(Clone, Debug)]
pub(crate) struct OAuthConfig {
    pub(crate) issuer_url: reqwest::Url,
    pub(crate) client_id: String,
    pub(crate) client_secret: Password,
    pub(crate) scope: Option<String>,
    pub(crate) expiry_buffer: Duration,
}

/// The share of its life after which a token is renewed, as Kafka's clients do.
const RENEWAL_SHARE: f64 = 0.8;

/// The life of a token that does not tell it.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(300);

const ADVICE: &str = "Check bearer.auth.issuer.endpoint.url, bearer.auth.client.id, \
                      bearer.auth.client.secret and bearer.auth.scope";

/// A token and when to renew it.
#[derive(Clone, Debug)]
struct Token {
    text: Password,
    renew_at: Instant,
}

/// Holds the current token. Requests that come while one is fetched wait for the same.
pub(crate) struct TokenSource {
    config: OAuthConfig,
    client: reqwest::Client,
    current: SingleFlight<(), Token, ConnectionError>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: Option<f64>,
}

impl TokenSource {
    pub(crate) fn new(config: OAuthConfig, client: reqwest::Client) -> Self {
        Self {
            config,
            client,
            current: SingleFlight::new(1, 1 << 20, |_, token: &Token| token.text.expose().len()),
        }
    }

    /// The current token, fetched or renewed if it is time.
    pub(crate) async fn token(&self) -> Result<Password, ConnectionError> {
        let token = self
            .current
            .get_or_fetch((), |token| Instant::now() < token.renew_at, self.fetch())
            .await?;
        Ok(token.text)
    }

    /// Drops the current token.
    pub(crate) async fn forget(&self) {
        self.current.forget(&()).await;
    }

    async fn fetch(&self) -> Result<Token, ConnectionError> {
        let mut form = reqwest::Url::parse("form:/").map_err(|_| refused("no form"))?;
        form.query_pairs_mut()
            .append_pair("grant_type", "client_credentials")
            .extend_pairs(self.config.scope.iter().map(|scope| ("scope", scope)));
        let mut headers = HeaderMap::new();
        let credentials = format!(
            "{}:{}",
            self.config.client_id,
            self.config.client_secret.expose()
        );
        set_authorization(
            &mut headers,
            &format!("Basic {}", STANDARD.encode(credentials)),
        )?;
        let answer = self
            .client
            .post(self.config.issuer_url.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .headers(headers)
            .body(form.query().unwrap_or_default().to_string())
            .send()
            .await
            .map_err(|error| {
                let mut error = connection_error(error);
                error.message = format!(
                    "No token from {}: {}",
                    self.config.issuer_url, error.message
                );
                error.advice = ADVICE;
                error
            })?;
        let status = answer.status().as_u16();
        let body = read_bounded(answer).await?;
        if !(200..300).contains(&status) {
            let mut error = refused(&format!(
                "The identity provider {} answered with HTTP {status} instead of a token",
                self.config.issuer_url
            ));
            if is_retriable_status(status) {
                error.kind = RegistryErrorKind::Network;
            }
            return Err(error);
        }
        let answer: TokenAnswer = serde_json::from_slice(&body).map_err(|_| {
            refused(&format!(
                "The identity provider {} answered without an access_token",
                self.config.issuer_url
            ))
        })?;
        let lifetime = lifetime(&answer, SystemTime::now());
        Ok(Token {
            renew_at: Instant::now() + renew_after(lifetime, self.config.expiry_buffer),
            text: Password::new(answer.access_token),
        })
    }
}

fn refused(message: &str) -> ConnectionError {
    ConnectionError {
        kind: RegistryErrorKind::TokenRefused,
        message: message.to_string(),
        advice: ADVICE,
    }
}

/// How long a token lives: as the answer says, or as the token itself does.
fn lifetime(answer: &TokenAnswer, now: SystemTime) -> Duration {
    let of_answer = answer
        .expires_in
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    of_answer
        .or_else(|| {
            let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
            Some(expiry_of_jwt(&answer.access_token)?.saturating_sub(now))
        })
        .unwrap_or(DEFAULT_LIFETIME)
        .min(Duration::from_secs(365 * 24 * 3600))
}

/// The claim `exp` of a JSON Web Token, since the epoch.
fn expiry_of_jwt(token: &str) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Claims {
        exp: f64,
    }
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Claims = serde_json::from_slice(&payload).ok()?;
    Duration::try_from_secs_f64(claims.exp).ok()
}

/// After what time to renew a token: at four fifths of its life, and at the latest the buffer before
/// its end, if it lives longer than that.
fn renew_after(lifetime: Duration, buffer: Duration) -> Duration {
    let share = lifetime.mul_f64(RENEWAL_SHARE);
    match lifetime.checked_sub(buffer) {
        Some(before_buffer) => share.min(before_buffer),
        None => share,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn tokens_are_renewed_at_four_fifths_or_the_buffer_before_their_end() {
        assert_eq!(renew_after(seconds(1000), seconds(100)), seconds(800));
        assert_eq!(renew_after(seconds(1000), seconds(300)), seconds(700));
        // The buffer does not fit: four fifths of what is left.
        assert_eq!(renew_after(seconds(100), seconds(300)), seconds(80));
    }

    #[test]
    fn the_lifetime_comes_from_the_answer_or_the_token() {
        let now = UNIX_EPOCH + seconds(1_000_000);
        let answer = |claims: &str, expires_in| TokenAnswer {
            access_token: format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims)),
            expires_in,
        };
        assert_eq!(
            lifetime(&answer("{\"exp\":1000600}", None), now),
            seconds(600)
        );
        assert_eq!(
            lifetime(&answer("{\"exp\":1000600}", Some(60.0)), now),
            seconds(60)
        );
        assert_eq!(lifetime(&answer("{\"exp\":5}", None), now), Duration::ZERO);
        assert_eq!(lifetime(&answer("{}", None), now), DEFAULT_LIFETIME);
        assert_eq!(lifetime(&answer("{}", Some(-1.0)), now), DEFAULT_LIFETIME);
        assert_eq!(
            lifetime(&answer("no json", Some(f64::INFINITY)), now),
            DEFAULT_LIFETIME
        );
    }
}
