//! Authentication of a fresh connection.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{SaslAuthenticateRequest, SaslHandshakeRequest};
use kafka_protocol::protocol::StrBytes;
use tokio::time::Instant;

use super::connection::BrokerConnection;
use super::error::WireError;
use super::settings::{SaslMechanism, SaslSettings};

/// The part of a session's lifetime after which the connection is given up for a new one, so that
/// the broker never closes it under a request.
const SESSION_SHARE: f64 = 0.85;

/// Runs the exchange. Returns when the connection should be replaced, if the session ends at all.
pub(super) async fn authenticate(
    connection: &mut BrokerConnection,
    settings: &SaslSettings,
    timeout: Duration,
) -> Result<Option<Instant>, WireError> {
    let started = Instant::now();
    let mechanism = settings.mechanism.name();
    let handshake = connection
        .send(timeout, |_| {
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
    let lifetime_ms = match settings.mechanism {
        SaslMechanism::Plain => {
            let message =
                format!("\0{}\0{}", settings.username, settings.password.expose()).into_bytes();
            exchange(connection, mechanism, message, timeout).await?
        }
    };
    Ok(u64::try_from(lifetime_ms)
        .ok()
        .filter(|ms| *ms > 0)
        .map(|ms| started + Duration::from_millis(ms).mul_f64(SESSION_SHARE)))
}

/// One message to the broker; returns the lifetime of the session it grants in milliseconds.
async fn exchange(
    connection: &mut BrokerConnection,
    mechanism: &'static str,
    message: Vec<u8>,
    timeout: Duration,
) -> Result<i64, WireError> {
    let response = connection
        .send(timeout, |_| {
            SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(message))
        })
        .await?;
    if let Some(error) = ResponseError::try_from_code(response.error_code) {
        let reason = response
            .error_message
            .map_or_else(|| error.to_string(), |message| message.to_string());
        return Err(failure(connection, mechanism, reason));
    }
    Ok(response.session_lifetime_ms)
}

fn failure(connection: &BrokerConnection, mechanism: &'static str, reason: String) -> WireError {
    WireError::Authentication {
        broker: connection.broker().clone(),
        mechanism,
        reason,
    }
}
