//! The Schema Registry client: ids, subjects, fail-over, authentication, caches with bounds.
//!
//! [`RegistryClient`] speaks the REST API of Confluent's registry, with the settings of Confluent's
//! client ([`config::client_config_def`]). A [`RegistryError`] names the request, the answer and what to
//! do, and turns into the exception that Confluent's serializers throw.

mod auth;
mod cache;
mod client;
pub mod config;
mod connection;
mod error;
mod failover;
mod mock;
mod request;
mod schema;
mod tls;
mod url;
mod wire;

pub use client::{RegistryClient, Result};
pub use error::{RegistryError, RegistryErrorKind};
pub use mock::MockRegistry;
pub use schema::{
    Guid, RegisteredSchema, ResolvedReference, Rule, SchemaDefinition, SchemaReference, SchemaType,
};
