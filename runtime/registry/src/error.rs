//! What can go wrong between a converter and the registry.

use connect_api::{ConnectError, ErrorKind};
use std::fmt;

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryErrorKind {
    /// The registry answered with another status than success.
    Status {
        /// The status of HTTP.
        status: u16,
        /// The registry's own code, such as 40403 for an unknown schema.
        error_code: i32,
    },
    /// No answer came in time.
    Timeout,
    /// There was no connection, or it broke.
    Network,
    /// An answer came that is not the registry's.
    UnreadableAnswer,
    /// The identity provider refused to issue a token.
    TokenRefused,
    /// The references of a schema nest too deep or are too many.
    References,
}

/// A request to the registry that failed: what was asked for, where, what came back, what to do.
///
/// Neither URL nor text holds user names, passwords or tokens.
#[derive(Clone, Debug)]
pub struct RegistryError {
    pub(crate) kind: RegistryErrorKind,
    /// What the registry, the network or the client says.
    pub(crate) message: String,
    /// Method and URL; empty if the failure belongs to no request.
    pub(crate) request: String,
    /// What a person can do about it.
    pub(crate) advice: &'static str,
}

impl RegistryError {
    /// What went wrong.
    pub fn kind(&self) -> &RegistryErrorKind {
        &self.kind
    }

    /// The status of HTTP, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        match self.kind {
            RegistryErrorKind::Status { status, .. } => Some(status),
            _ => None,
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self.kind {
            RegistryErrorKind::Status { status, .. } => is_retriable_status(status),
            RegistryErrorKind::Timeout
            | RegistryErrorKind::Network
            | RegistryErrorKind::UnreadableAnswer => true,
            RegistryErrorKind::TokenRefused | RegistryErrorKind::References => false,
        }
    }

    /// The error as Confluent's client throws it: `RestClientException`, `SocketTimeoutException`,
    /// `ConnectException` or `IOException`.
    pub fn to_client_error(&self) -> ConnectError {
        let class = match self.kind {
            RegistryErrorKind::Status { .. } => {
                "io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException"
            }
            RegistryErrorKind::Timeout => "java.net.SocketTimeoutException",
            RegistryErrorKind::Network => "java.net.ConnectException",
            RegistryErrorKind::UnreadableAnswer | RegistryErrorKind::References => {
                "java.io.IOException"
            }
            RegistryErrorKind::TokenRefused => {
                "io.confluent.kafka.schemaregistry.client.security.bearerauth.oauth.exceptions.\
                 SchemaRegistryOauthTokenRetrieverException"
            }
        };
        ConnectError::data(self.to_string()).with_class(class)
    }

    /// The error as Confluent's serializers throw it, with `message` as its text: by status
    /// `AuthenticationException`, `AuthorizationException`, `ThrottlingQuotaExceededException`,
    /// `TimeoutException`, `DisconnectException` or else `SerializationException`.
    pub fn to_kafka_error(&self, message: impl Into<String>) -> ConnectError {
        const RETRIABLE: ErrorKind = ErrorKind::Retriable { after: None };
        let cause = self.to_client_error();
        let error = |kind: ErrorKind, class: &'static str| {
            ConnectError::new(
                kind,
                format!("org.apache.kafka.common.errors.{class}"),
                message,
            )
            .with_cause(cause)
        };
        match self.kind {
            RegistryErrorKind::Status { status: 401, .. } => {
                error(ErrorKind::Data, "AuthenticationException")
            }
            RegistryErrorKind::Status { status: 403, .. } => {
                error(ErrorKind::Data, "AuthorizationException")
            }
            RegistryErrorKind::Status { status: 429, .. } => {
                error(RETRIABLE, "ThrottlingQuotaExceededException")
            }
            RegistryErrorKind::Status { status: 502, .. } => {
                error(RETRIABLE, "DisconnectException")
            }
            RegistryErrorKind::Status {
                status: 408 | 500 | 503 | 504,
                ..
            }
            | RegistryErrorKind::Timeout => error(RETRIABLE, "TimeoutException"),
            RegistryErrorKind::Network | RegistryErrorKind::UnreadableAnswer => {
                error(RETRIABLE, "SerializationException")
            }
            RegistryErrorKind::Status { .. }
            | RegistryErrorKind::TokenRefused
            | RegistryErrorKind::References => error(ErrorKind::Data, "SerializationException"),
        }
    }
}

/// The statuses after which a request is repeated.
pub(crate) fn is_retriable_status(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let RegistryErrorKind::Status { error_code, .. } = self.kind {
            write!(f, "; error code: {error_code}")?;
        }
        match self.kind {
            RegistryErrorKind::Status { status, .. } => {
                write!(f, " ({}: HTTP {status})", self.request)?;
            }
            _ if !self.request.is_empty() => write!(f, " ({})", self.request)?,
            _ => {}
        }
        if !self.advice.is_empty() {
            write!(f, ". {}", self.advice)?;
        }
        Ok(())
    }
}

impl std::error::Error for RegistryError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_status(status: u16) -> RegistryError {
        RegistryError {
            kind: RegistryErrorKind::Status {
                status,
                error_code: i32::from(status) * 100 + 3,
            },
            message: "Schema 5 not found".to_string(),
            request: "GET http://registry:8081/schemas/ids/5".to_string(),
            advice: "Do this",
        }
    }

    #[test]
    fn each_status_has_kafkas_exception() {
        for (status, class, retriable) in [
            (401, "AuthenticationException", false),
            (403, "AuthorizationException", false),
            (404, "SerializationException", false),
            (408, "TimeoutException", true),
            (409, "SerializationException", false),
            (422, "SerializationException", false),
            (429, "ThrottlingQuotaExceededException", true),
            (500, "TimeoutException", true),
            (501, "SerializationException", false),
            (502, "DisconnectException", true),
            (503, "TimeoutException", true),
            (504, "TimeoutException", true),
        ] {
            let error = with_status(status);
            let kafka = error.to_kafka_error("Error retrieving");
            assert_eq!(
                kafka.class(),
                format!("org.apache.kafka.common.errors.{class}"),
                "{status}"
            );
            assert_eq!(kafka.is_retriable(), retriable, "{status}");
            assert_eq!(error.is_retriable(), retriable, "{status}");
        }
    }

    #[test]
    fn an_error_names_request_answer_and_advice() {
        assert_eq!(
            with_status(404).to_string(),
            "Schema 5 not found; error code: 40403 (GET http://registry:8081/schemas/ids/5: HTTP \
             404). Do this"
        );
    }
}
