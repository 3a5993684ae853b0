//! Raw requests of the Kafka protocol, for what librdkafka does not offer.
//!
//! A [`ClusterClient`] knows how to reach the brokers of one cluster ([`ClientSettings`]) and opens
//! [`BrokerConnection`]s: one request in flight at a time, each answer matched by its correlation id,
//! every request under a timeout, every frame under a maximum size. Versions are negotiated once
//! for each connection, as the lower of what this crate and the broker know.
//!
//! Nothing here retries on its own: the caller knows whether a request may be repeated. Waiting
//! times come from [`Backoff`].

mod api;
mod backoff;
mod cluster;
mod connection;
mod error;
mod fencing;
mod sasl;
mod settings;
mod stream;
mod versions;

#[cfg(test)]
pub(crate) mod scripted_broker;
#[cfg(test)]
mod security_tests;

pub use api::ApiRequest;
pub use backoff::Backoff;
pub use cluster::{ClusterClient, ClusterMetadata, Coordinator, metadata};
pub use connection::BrokerConnection;
pub use error::WireError;
pub use settings::{BrokerAddress, ClientSettings, SettingsError};
pub use stream::{BrokerStream, Dialer, TcpDialer, TlsDialer};
pub use versions::{ApiVersionTable, VersionWindow};
