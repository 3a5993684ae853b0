//! TLS as Kafka's clients set it: trust and key stores as PEM, PKCS #12 or JKS.
//!
//! The same settings serve the client of the Schema Registry, the client of groups and librdkafka,
//! so that they are read in one place: [`TlsSettings::read`]. rustls takes them as a
//! [`rustls::ClientConfig`], OpenSSL inside librdkafka as PEM texts.

mod jks;
mod settings;
mod store;
mod verifier;

pub use settings::{TlsSettings, TlsSettingsError};

pub use rustls;
