//! Debezium's events of MongoDB: documents and keys stand in them as JSON.

use super::{Operation, caused_by, operation};
use crate::bson::{bson_type_name, parse_document};
use crate::sink::document::{ID_FIELD, SinkDocument};
use crate::sink::write_model::WriteModel;
use bson::{Bson, Document, doc};
use connect_api::{ConnectError, Result};

const KEY_ID: &str = "id";
const AFTER: &str = "after";
const PATCH: &str = "patch";

/// `from_change_stream`: updates carry the whole document and no patch.
pub(in crate::sink::cdc) fn handle(
    document: &mut SinkDocument<'_>,
    from_change_stream: bool,
) -> Result<Option<WriteModel>> {
    let key = document.key.take_or_empty()?;
    if key.is_empty() {
        return Err(ConnectError::data(
            "Key document must not be missing for CDC mode",
        ));
    }
    let event = document.value.take_or_empty()?;
    if key.contains_key(KEY_ID) && event.is_empty() {
        tracing::debug!("A tombstone for the compaction of the topic is skipped");
        return Ok(None);
    }
    // Events without op and with ddl only come from relational databases; in Java they end in a null
    // pointer here.
    let Some(operation) = operation(&event)? else {
        return Ok(None);
    };
    Ok(Some(match operation {
        Operation::Insert => insert(&event)?,
        Operation::Update if from_change_stream => {
            let replacement = embedded(&event, AFTER, "Update")?;
            WriteModel::ReplaceOne {
                filter: filter(&key, "Update")?,
                replacement,
                upsert: true,
            }
        }
        Operation::Update => patch(&key, &event)?,
        Operation::Delete => WriteModel::DeleteOne {
            filter: filter(&key, "Delete").map_err(|error| match error.cause() {
                Some(cause) => caused_by(cause.clone()),
                None => error,
            })?,
        },
    }))
}

fn insert(event: &Document) -> Result<WriteModel> {
    let replacement = embedded(event, AFTER, "Insert").map_err(|error| match error.cause() {
        Some(cause) => caused_by(cause.clone()),
        None => error,
    })?;
    let id = replacement.get(ID_FIELD).ok_or_else(|| {
        ConnectError::data("The document of an insert event has no _id: value can not be null")
    })?;
    Ok(WriteModel::ReplaceOne {
        filter: doc! {ID_FIELD: id.clone()},
        replacement,
        upsert: true,
    })
}

fn patch(key: &Document, event: &Document) -> Result<WriteModel> {
    let mut patch = embedded(event, PATCH, "Update")?;
    // The version of the format of the oplog is no change.
    patch.remove("$v");
    if let Some(id) = patch.get(ID_FIELD) {
        return Ok(WriteModel::ReplaceOne {
            filter: doc! {ID_FIELD: id.clone()},
            replacement: patch,
            upsert: true,
        });
    }
    Ok(WriteModel::UpdateOne {
        filter: filter(key, "Update")?,
        update: patch,
        upsert: false,
    })
}

/// The document that a field holds as JSON. A fault of the JSON has a cause, a missing field none.
fn embedded(event: &Document, field: &str, operation: &str) -> Result<Document> {
    let value = event.get(field).ok_or_else(|| {
        ConnectError::data(format!("{operation} document missing `{field}` field."))
    })?;
    let parsed = string(value).and_then(parse_document);
    parsed.map_err(with_cause)
}

fn filter(key: &Document, operation: &str) -> Result<Document> {
    let id = key.get(KEY_ID).ok_or_else(|| {
        ConnectError::data(format!("{operation} document missing `{KEY_ID}` field."))
    })?;
    let parsed = string(id).and_then(|id| parse_document(&format!("{{{ID_FIELD}: {id}}}")));
    parsed.map_err(with_cause)
}

fn with_cause(cause: ConnectError) -> ConnectError {
    ConnectError::data(cause.message()).with_cause(cause)
}

fn string(value: &Bson) -> Result<&str> {
    value.as_str().ok_or_else(|| {
        ConnectError::data(format!(
            "Value expected to be of type STRING is of unexpected type {}",
            bson_type_name(value)
        ))
        .with_class("org.bson.BsonInvalidOperationException")
    })
}
