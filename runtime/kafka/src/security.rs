//! How clients prove who they are, and whom they trust: Java's settings, read once for both clients.
//!
//! librdkafka and the client of groups take the same [`SecuritySettings`], so that the same settings
//! have the same outcome in both, and the same refusals.

mod jaas;
mod oauth;
mod read;
mod scram;

use std::fmt;

use connect_api::config::Password;
use connect_tls::TlsSettings;

pub use jaas::{JaasEntry, parse_jaas};
pub(crate) use oauth::{OAuthLogin, Token};
pub use oauth::{OAuthSettings, OAuthTokens};
#[cfg(test)]
pub(crate) use read::JAVA_CLASSES;
pub use scram::{ScramClient, ScramHash};

/// A setting of security that cannot be used. The text holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityError {
    /// The key as the user writes it.
    pub key: String,
    /// The value, where it is not a secret.
    pub value: Option<String>,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl fmt::Display for SecurityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value.as_deref().unwrap_or(Password::HIDDEN);
        let Self { key, reason, .. } = self;
        write!(f, "Invalid value {value} for configuration {key}: {reason}")
    }
}

impl std::error::Error for SecurityError {}

/// `security.protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityProtocol {
    /// Plain TCP.
    Plaintext,
    /// TLS.
    Ssl,
    /// SASL over plain TCP.
    SaslPlaintext,
    /// SASL over TLS.
    SaslSsl,
}

impl SecurityProtocol {
    /// The name in the properties.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }
}

/// User name and password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: Password,
}

/// How to authenticate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaslSettings {
    /// User name and password in one message.
    Plain(Credentials),
    /// RFC 5802: neither side sends the password.
    Scram(ScramHash, Credentials),
    /// A token, unsecured or of an identity provider.
    OAuthBearer(OAuthSettings),
}

impl SaslSettings {
    /// The mechanism's name on the wire and in `sasl.mechanism`.
    pub fn mechanism(&self) -> &'static str {
        match self {
            Self::Plain(_) => "PLAIN",
            Self::Scram(hash, _) => hash.mechanism(),
            Self::OAuthBearer(_) => "OAUTHBEARER",
        }
    }
}

/// What `security.protocol`, `ssl.*` and `sasl.*` say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecuritySettings {
    /// The protocol.
    pub protocol: SecurityProtocol,
    /// Set exactly when the protocol is one over TLS.
    pub tls: Option<TlsSettings>,
    /// Set exactly when the protocol is a SASL one.
    pub sasl: Option<SaslSettings>,
}

#[cfg(test)]
mod tests;
