//! Transforms of Jeremy Custenborder's kafka-connect-json-schema.

mod from_json;

/// The version of the origin.
const VERSION: &str = "0.2.5";
