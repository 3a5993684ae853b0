//! Debezium's events.

pub(super) mod mongodb;
pub(super) mod rdbms;

use bson::{Bson, Document};
use connect_api::{ConnectError, Result};

/// What an event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    /// Created, or read by a snapshot.
    Insert,
    Update,
    Delete,
}

/// The operation of an event; `None` for a change of a schema.
fn operation(event: &Document) -> Result<Option<Operation>> {
    match event.get("op") {
        None if event.contains_key("ddl") => Ok(None),
        Some(Bson::String(operation)) => match operation.as_str() {
            "c" | "r" => Ok(Some(Operation::Insert)),
            "u" => Ok(Some(Operation::Update)),
            "d" => Ok(Some(Operation::Delete)),
            other => Err(ConnectError::data(format!(
                "Unknown operation type {other}"
            ))),
        },
        _ => Err(ConnectError::data(
            "Value document is missing or CDC operation is not a string",
        )),
    }
}

/// An error around another, as `new DataException(cause)` has it.
fn caused_by(cause: ConnectError) -> ConnectError {
    ConnectError::data(cause.to_java_string()).with_cause(cause)
}
