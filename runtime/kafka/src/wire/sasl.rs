//! Authentication of a connection, when it is fresh and again before its session ends.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
};
use kafka_protocol::protocol::StrBytes;
use tokio::time::Instant;

use super::connection::BrokerConnection;
use super::error::WireError;
use crate::security::{
    Credentials, OAuthLogin, OAuthSettings, SaslSettings, ScramClient, ScramHash,
};

/// The part of a session's lifetime after which a connection authenticates again. Java's clients
/// take a random part from 0.85 to 0.95; the lower end leaves the most time.
const SESSION_SHARE: f64 = 0.85;

/// Runs the exchange. Returns when the connection must authenticate again, if the session ends.
pub(super) async fn authenticate(
    connection: &mut BrokerConnection,
    settings: &SaslSettings,
    timeout: Duration,
) -> Result<Option<Instant>, WireError> {
    let started = Instant::now();
    let mechanism = settings.mechanism();
    let handshake = connection
        .send_as_is(timeout, |_| {
            SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str(mechanism))
        })
        .await?;
    if handshake.error_code != 0 {
        let offered: Vec<_> = handshake
            .mechanisms
            .iter()
            .map(|name| name.as_str())
            .collect();
        let reason = format!("the broker offers only {}", offered.join(", "));
        return Err(failure(connection, mechanism, reason));
    }
    let mut exchange = Exchange {
        connection,
        mechanism,
        timeout,
    };
    let last = match settings {
        SaslSettings::Plain(credentials) => exchange.plain(credentials).await,
        SaslSettings::Scram(hash, credentials) => exchange.scram(*hash, credentials).await,
        SaslSettings::OAuthBearer(settings) => exchange.oauth(settings).await,
    }?;
    Ok(u64::try_from(last.session_lifetime_ms)
        .ok()
        .filter(|ms| *ms > 0)
        .map(|ms| started + Duration::from_millis(ms).mul_f64(SESSION_SHARE)))
}

struct Exchange<'a> {
    connection: &'a mut BrokerConnection,
    mechanism: &'static str,
    timeout: Duration,
}

impl Exchange<'_> {
    async fn plain(
        &mut self,
        Credentials { username, password }: &Credentials,
    ) -> Result<SaslAuthenticateResponse, WireError> {
        let message = format!("\0{username}\0{}", password.expose());
        self.send(message.into_bytes()).await
    }

    async fn scram(
        &mut self,
        hash: ScramHash,
        credentials: &Credentials,
    ) -> Result<SaslAuthenticateResponse, WireError> {
        let client = ScramClient::new(hash, credentials.clone());
        let first = self.send(client.first_message()).await?;
        // Thousands of rounds of hashing are nothing for a thread that serves others.
        let answered =
            tokio::task::spawn_blocking(move || client.final_message(&first.auth_bytes)).await;
        let (message, verifier) = match answered {
            Ok(answered) => answered.map_err(|reason| self.failure(reason))?,
            Err(_) => return Err(self.failure("the worker is shutting down".to_owned())),
        };
        let last = self.send(message).await?;
        verifier
            .verify(&last.auth_bytes)
            .map_err(|reason| self.failure(reason))?;
        Ok(last)
    }

    async fn oauth(
        &mut self,
        settings: &OAuthSettings,
    ) -> Result<SaslAuthenticateResponse, WireError> {
        let login = OAuthLogin::shared(settings);
        let token = login.token().await.map_err(|error| WireError::NoToken {
            broker: self.connection.broker().clone(),
            reason: error.reason,
            is_retriable: error.is_retriable,
        })?;
        let answer = self.send(login.settings().first_message(&token)).await;
        let refused = match answer {
            Ok(answer) if answer.auth_bytes.is_empty() => return Ok(answer),
            // The broker tells why in JSON and ends the exchange after one more message.
            Ok(answer) => {
                let why = String::from_utf8_lossy(&answer.auth_bytes)
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(500)
                    .collect::<String>();
                match self.send(vec![1]).await {
                    Ok(_) => self.failure(why),
                    Err(WireError::Authentication { reason, .. }) => {
                        self.failure(format!("{reason} ({why})"))
                    }
                    Err(other) => other,
                }
            }
            Err(error) => error,
        };
        login.forget();
        Err(refused)
    }

    /// One message to the broker.
    async fn send(&mut self, message: Vec<u8>) -> Result<SaslAuthenticateResponse, WireError> {
        let response = self
            .connection
            .send_as_is(self.timeout, |_| {
                SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(message))
            })
            .await?;
        if let Some(error) = ResponseError::try_from_code(response.error_code) {
            let reason = response
                .error_message
                .map_or_else(|| error.to_string(), |message| message.to_string());
            return Err(self.failure(reason));
        }
        Ok(response)
    }

    fn failure(&self, reason: String) -> WireError {
        failure(self.connection, self.mechanism, reason)
    }
}

fn failure(connection: &BrokerConnection, mechanism: &'static str, reason: String) -> WireError {
    WireError::Authentication {
        broker: connection.broker().clone(),
        mechanism,
        reason,
    }
}
