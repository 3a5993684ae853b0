//! What can go wrong with one request to one broker.

use std::io;

use connect_tls::rustls;
use kafka_protocol::ResponseError;

use super::settings::BrokerAddress;
use super::versions::VersionWindow;

/// A request that did not bring the wanted answer. Every text names the broker and the API.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// No connection could be opened.
    #[error("cannot connect to broker {broker}: {source}")]
    Connect {
        /// The broker dialled.
        broker: BrokerAddress,
        /// What the operating system said.
        source: io::Error,
    },
    /// The connection broke, or the broker closed it, before the answer was complete.
    #[error("connection to broker {broker} broke during {api} v{version}: {source}")]
    Disconnected {
        /// The broker.
        broker: BrokerAddress,
        /// The API asked.
        api: &'static str,
        /// The version asked.
        version: i16,
        /// What the operating system said.
        source: io::Error,
    },
    /// No complete answer in time. The connection is closed, since the answer may still come.
    #[error("broker {broker} did not answer {api} v{version} within {timeout_ms} ms")]
    Timeout {
        /// The broker.
        broker: BrokerAddress,
        /// The API asked.
        api: &'static str,
        /// The version asked.
        version: i16,
        /// How long was waited.
        timeout_ms: u128,
    },
    /// A request was sent on a connection whose last request was abandoned or failed.
    #[error(
        "connection to broker {broker} is no longer usable for {api}: its last request has no answer"
    )]
    Unusable {
        /// The broker.
        broker: BrokerAddress,
        /// The API asked.
        api: &'static str,
    },
    /// The bytes received are not an answer of Kafka to this request.
    #[error(
        "broker {broker} answered {api} v{version} with bytes that are not its answer ({reason}); is this a Kafka listener of the configured security.protocol?"
    )]
    Malformed {
        /// The broker.
        broker: BrokerAddress,
        /// The API asked.
        api: &'static str,
        /// The version asked.
        version: i16,
        /// What does not fit.
        reason: String,
    },
    /// The request holds what its version cannot carry, such as a text over 32767 bytes.
    #[error("cannot write {api} v{version} for broker {broker}: {reason}")]
    Unencodable {
        /// The broker.
        broker: BrokerAddress,
        /// The API.
        api: &'static str,
        /// The version.
        version: i16,
        /// What does not fit.
        reason: String,
    },
    /// Client and broker have no version of the API in common.
    #[error("broker {broker} and this worker share no version of {api}: the broker has {}, the worker {ours}", theirs.map_or_else(|| "none".to_owned(), |window| window.to_string()))]
    UnsupportedVersion {
        /// The broker.
        broker: BrokerAddress,
        /// The API.
        api: &'static str,
        /// What this crate speaks.
        ours: VersionWindow,
        /// What the broker speaks.
        theirs: Option<VersionWindow>,
    },
    /// TLS refused one side to the other.
    #[error(
        "TLS with broker {broker} failed: {reason}; check ssl.truststore.*, ssl.keystore.* and whether security.protocol is the one of the listener"
    )]
    Tls {
        /// The broker.
        broker: BrokerAddress,
        /// What the TLS library said.
        reason: String,
    },
    /// There is no token to authenticate with. The text holds no credential.
    #[error("no token for broker {broker}: {reason}")]
    NoToken {
        /// The broker.
        broker: BrokerAddress,
        /// What the identity provider said, or why it could not be asked.
        reason: String,
        /// Whether asking again later may help.
        is_retriable: bool,
    },
    /// SASL did not succeed. The text holds no credential.
    #[error(
        "authentication to broker {broker} with sasl.mechanism {mechanism} failed: {reason}; check sasl.jaas.config and sasl.mechanism"
    )]
    Authentication {
        /// The broker.
        broker: BrokerAddress,
        /// The mechanism tried.
        mechanism: &'static str,
        /// What the broker said, or which check failed here.
        reason: String,
    },
    /// The broker answered with an error code.
    #[error("broker {broker} answered {api} v{version} with error {} ({error}){}", error.code(), message.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    Response {
        /// The broker.
        broker: BrokerAddress,
        /// The API asked.
        api: &'static str,
        /// The version asked.
        version: i16,
        /// The code.
        error: ResponseError,
        /// The broker's own words, where the API has room for them.
        message: Option<String>,
    },
    /// No broker of `bootstrap.servers` could be used; the last failure stands for all.
    #[error("none of bootstrap.servers {bootstrap} could be used; the last: {last}")]
    NoBroker {
        /// The configured list.
        bootstrap: String,
        /// The failure of the last broker tried.
        last: Box<WireError>,
    },
}

impl WireError {
    /// A stream that could not be opened.
    pub(super) fn not_opened(broker: &BrokerAddress, source: io::Error) -> Self {
        Self::tls(broker, &source).unwrap_or_else(|| Self::Connect {
            broker: broker.clone(),
            source,
        })
    }

    /// What the TLS library objects to, if that is what went wrong.
    pub(super) fn tls(broker: &BrokerAddress, source: &io::Error) -> Option<Self> {
        let error = source.get_ref()?.downcast_ref::<rustls::Error>()?;
        Some(Self::Tls {
            broker: broker.clone(),
            reason: error.to_string(),
        })
    }

    /// Whether every broker of the cluster would refuse this client with these settings.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Authentication { .. } | Self::Tls { .. } => true,
            Self::NoToken { is_retriable, .. } => !is_retriable,
            Self::NoBroker { last, .. } => last.is_refusal(),
            _ => false,
        }
    }

    /// Whether trying again, with the same settings, can never help.
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Authentication { .. }
            | Self::Tls { .. }
            | Self::UnsupportedVersion { .. }
            | Self::Unencodable { .. } => true,
            Self::Response { error, .. } => !error.is_retriable(),
            Self::NoBroker { last, .. } => last.is_fatal(),
            Self::NoToken { is_retriable, .. } => !is_retriable,
            Self::Connect { .. }
            | Self::Disconnected { .. }
            | Self::Timeout { .. }
            | Self::Unusable { .. }
            | Self::Malformed { .. } => false,
        }
    }
}
