//! The Schema Registry client: ids, subjects, fail-over, authentication, caches with bounds.

pub mod config;
mod schema;

pub use schema::{
    Guid, RegisteredSchema, ResolvedReference, SchemaDefinition, SchemaReference, SchemaType,
};
