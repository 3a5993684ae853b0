//! Debezium's events of relational databases.

use super::{Operation, caused_by, operation};
use crate::sink::document::{ID_FIELD, SinkDocument};
use crate::sink::write_model::WriteModel;
use bson::{Bson, Document, doc, oid::ObjectId};
use connect_api::{ConnectError, Result};

pub(in crate::sink::cdc) fn handle(document: &mut SinkDocument<'_>) -> Result<Option<WriteModel>> {
    let key = document.key.take_or_empty()?;
    let event = document.value.take_or_empty()?;
    if event.is_empty() {
        tracing::debug!("A tombstone for the compaction of the topic is skipped");
        return Ok(None);
    }
    let Some(operation) = operation(&event)? else {
        return Ok(None);
    };
    write_model(operation, key, event)
        .map(Some)
        .map_err(caused_by)
}

fn write_model(operation: Operation, key: Document, event: Document) -> Result<WriteModel> {
    let filter = filter(operation, &key, &event)?;
    if operation == Operation::Delete {
        return Ok(WriteModel::DeleteOne { filter });
    }
    let replacement = replacement(&key, event, &filter)?;
    Ok(WriteModel::ReplaceOne {
        filter,
        replacement,
        upsert: true,
    })
}

/// By the primary key, which is the key of the record; without one, by the row as it was.
fn filter(operation: Operation, key: &Document, event: &Document) -> Result<Document> {
    if !key.is_empty() {
        return Ok(doc! {ID_FIELD: key.clone()});
    }
    if operation == Operation::Insert {
        return Ok(doc! {ID_FIELD: ObjectId::new()});
    }
    match event.get("before") {
        Some(Bson::Document(before)) if !before.is_empty() => Ok(before.clone()),
        _ => Err(ConnectError::data(
            "Value doc 'before' field is empty or has invalid type for update/delete operation.  -> \
             defensive actions taken!",
        )),
    }
}

fn replacement(key: &Document, mut event: Document, filter: &Document) -> Result<Document> {
    let after = match event.remove("after") {
        Some(Bson::Document(after)) if !after.is_empty() => after,
        _ => {
            return Err(ConnectError::data(
                "Value document must contain non-empty 'after' field of type document for \
                 insert/update operation",
            ));
        }
    };
    let mut replacement = Document::new();
    if let Some(id) = filter.get(ID_FIELD) {
        replacement.insert(ID_FIELD, id.clone());
    }
    for (name, value) in after {
        if !key.contains_key(&name) {
            replacement.insert(name, value);
        }
    }
    Ok(replacement)
}
