//! Qlik Replicate's events of relational databases.

use super::super::document::{ID_FIELD, SinkDocument};
use super::super::write_model::WriteModel;
use crate::bson::{JsonMode, document_to_json};
use bson::{Bson, Document, doc, oid::ObjectId};
use connect_api::{ConnectError, Result};

const MESSAGE: &str = "message";
const HEADERS: &str = "headers";
const DATA: &str = "data";
const BEFORE_DATA: &str = "beforeData";

pub(super) fn handle(document: &mut SinkDocument<'_>) -> Result<Option<WriteModel>> {
    let key = document.key.take_or_empty()?;
    let event = document.value.take_or_empty()?;
    if event.is_empty() {
        tracing::debug!("A tombstone for the compaction of the topic is skipped");
        return Ok(None);
    }
    match operation(&event)?.to_ascii_lowercase().as_str() {
        "insert" | "refresh" | "read" => replace(key, &event).map(Some),
        "update" => update(key, &event),
        "delete" => {
            let filter = match by_key(key) {
                Some(filter) => filter,
                None => {
                    let data = part(DATA, part(MESSAGE, &event, false)?, true)?;
                    part(BEFORE_DATA, data, true)?.clone()
                }
            };
            Ok(Some(WriteModel::DeleteOne {
                filter: not_empty(filter, &event)?,
            }))
        }
        _ => Err(ConnectError::data(format!(
            "Unable to determine the CDC operation from: {}",
            json(&event)
        ))),
    }
}

fn json(document: &Document) -> String {
    document_to_json(document, JsonMode::Relaxed)
}

/// The document in a field, or the document around it if there is no such field.
fn part<'d>(field: &str, document: &'d Document, null_is_none: bool) -> Result<&'d Document> {
    match document.get(field) {
        None => Ok(document),
        Some(Bson::Null) if null_is_none => Ok(document),
        Some(Bson::Document(part)) => Ok(part),
        Some(_) => Err(ConnectError::data(format!(
            "Error: Value document contains a '{field}' that is not a document: {}",
            json(document)
        ))),
    }
}

fn operation(event: &Document) -> Result<&str> {
    let headers = part(HEADERS, part(MESSAGE, event, false)?, false)?;
    let operation = headers
        .get("operation")
        .or_else(|| headers.get("headers_operation"));
    operation.and_then(Bson::as_str).ok_or_else(|| {
        ConnectError::data(format!(
            "Error: Could not determine the CDC operation type. {}",
            json(event)
        ))
    })
}

fn by_key(key: Document) -> Option<Document> {
    (!key.is_empty()).then(|| doc! {ID_FIELD: key})
}

fn not_empty(filter: Document, event: &Document) -> Result<Document> {
    if filter.is_empty() {
        return Err(no_data(event));
    }
    Ok(filter)
}

fn no_data(event: &Document) -> ConnectError {
    ConnectError::data(format!(
        "Error: Value Document does not contain the expected data, cannot create filter: {}.",
        json(event)
    ))
}

fn replace(key: Document, event: &Document) -> Result<WriteModel> {
    let filter = by_key(key).unwrap_or_else(|| doc! {ID_FIELD: ObjectId::new()});
    let data = part(DATA, part(MESSAGE, event, false)?, false)?;
    let mut replacement = filter.clone();
    replacement.extend(data.clone());
    Ok(WriteModel::ReplaceOne {
        filter,
        replacement,
        upsert: true,
    })
}

fn update(key: Document, event: &Document) -> Result<Option<WriteModel>> {
    let message = part(MESSAGE, event, false)?;
    let filter = match by_key(key) {
        Some(filter) => filter,
        None => part(BEFORE_DATA, message, false)?.clone(),
    };
    let filter = not_empty(filter, event)?;
    let before = part(BEFORE_DATA, message, false)?;
    let after = part(DATA, message, false)?;
    if after.is_empty() {
        return Err(no_data(event));
    }
    let changed: Document = after
        .iter()
        .filter(|(name, value)| before.get(name) != Some(value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if changed.is_empty() {
        return Ok(None);
    }
    Ok(Some(WriteModel::UpdateOne {
        filter,
        update: doc! {"$set": changed},
        upsert: true,
    }))
}
