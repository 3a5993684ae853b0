//! The change events of the MongoDB source connector.

use super::super::document::SinkDocument;
use super::super::id_strategy::shown;
use super::super::write_model::WriteModel;
use crate::bson::{JsonMode, document_to_json};
use bson::{Bson, Document, doc};
use connect_api::{ConnectError, Result};

const OPERATION_TYPE: &str = "operationType";
const DOCUMENT_KEY: &str = "documentKey";
const FULL_DOCUMENT: &str = "fullDocument";
const UPDATE_DESCRIPTION: &str = "updateDescription";
const UPDATED_FIELDS: &str = "updatedFields";
const REMOVED_FIELDS: &str = "removedFields";
const TRUNCATED_ARRAYS: &str = "truncatedArrays";
const DISAMBIGUATED_PATHS: &str = "disambiguatedPaths";

pub(super) fn handle(document: &mut SinkDocument<'_>) -> Result<Option<WriteModel>> {
    let event = document.value.take_or_empty()?;
    let operation = match event.get(OPERATION_TYPE) {
        Some(Bson::String(operation)) => operation.to_ascii_lowercase(),
        Some(_) => {
            return Err(ConnectError::data(
                "Error: Unexpected CDC operation type, should be a string",
            ));
        }
        None => {
            return Err(ConnectError::data(format!(
                "Error: `{OPERATION_TYPE}` field is doc is missing. {}",
                json(&event)
            )));
        }
    };
    Ok(Some(match operation.as_str() {
        "insert" | "replace" => WriteModel::ReplaceOne {
            filter: sub_document(&event, DOCUMENT_KEY)?,
            replacement: sub_document(&event, FULL_DOCUMENT)?,
            upsert: true,
        },
        "update" => {
            let filter = sub_document(&event, DOCUMENT_KEY)?;
            if event.contains_key(FULL_DOCUMENT) {
                WriteModel::ReplaceOne {
                    filter,
                    replacement: sub_document(&event, FULL_DOCUMENT)?,
                    upsert: false,
                }
            } else {
                WriteModel::UpdateOne {
                    filter,
                    update: update(&event)?,
                    upsert: false,
                }
            }
        }
        "delete" => WriteModel::DeleteOne {
            filter: sub_document(&event, DOCUMENT_KEY)?,
        },
        other => {
            tracing::warn!("A change event of type {other} is skipped: only documents are copied");
            return Ok(None);
        }
    }))
}

fn json(document: &Document) -> String {
    document_to_json(document, JsonMode::Relaxed)
}

fn sub_document(event: &Document, field: &str) -> Result<Document> {
    match event.get(field) {
        Some(Bson::Document(found)) => Ok(found.clone()),
        Some(other) => Err(ConnectError::data(format!(
            "Unexpected {field} field type, expecting a document but found `{}`: {}",
            shown(other),
            json(event)
        ))),
        None => Err(ConnectError::data(format!(
            "Missing {field} field: {}",
            json(event)
        ))),
    }
}

fn update(event: &Document) -> Result<Document> {
    let description = match event.get(UPDATE_DESCRIPTION) {
        Some(Bson::Document(description)) => description,
        Some(other) => {
            return Err(ConnectError::data(format!(
                "Unexpected {UPDATE_DESCRIPTION} field type, expected a document found `{}`: {}",
                shown(other),
                json(event)
            )));
        }
        None => {
            return Err(ConnectError::data(format!(
                "Missing {UPDATE_DESCRIPTION} field: {}",
                json(event)
            )));
        }
    };
    let unknown: Vec<&str> = description
        .keys()
        .map(String::as_str)
        .filter(|name| {
            ![
                UPDATED_FIELDS,
                REMOVED_FIELDS,
                TRUNCATED_ARRAYS,
                DISAMBIGUATED_PATHS,
            ]
            .contains(name)
        })
        .collect();
    if !unknown.is_empty() {
        return Err(ConnectError::data(format!(
            "Warning unexpected field(s) in {UPDATE_DESCRIPTION} [{}]. {}. Cannot process due to risk \
             of data loss.",
            unknown.join(", "),
            json(description)
        )));
    }
    let missing = |field: &str| {
        ConnectError::data(format!(
            "Missing {UPDATE_DESCRIPTION}.{field} field: {}",
            json(description)
        ))
    };
    let unexpected = |field: &str, expected: &str, found: &str| {
        ConnectError::data(format!(
            "Unexpected {field} field type, expected {expected} but found `{found}`: {}",
            json(description)
        ))
    };
    let updated = match description.get(UPDATED_FIELDS) {
        Some(Bson::Document(updated)) => updated.clone(),
        Some(_) => {
            return Err(unexpected(
                UPDATE_DESCRIPTION,
                "a document",
                &json(description),
            ));
        }
        None => return Err(missing(UPDATED_FIELDS)),
    };
    let removed = match description.get(REMOVED_FIELDS) {
        Some(Bson::Array(removed)) => removed,
        Some(other) => return Err(unexpected(REMOVED_FIELDS, "an array", &shown(other))),
        None => return Err(missing(REMOVED_FIELDS)),
    };
    match description.get(TRUNCATED_ARRAYS) {
        None | Some(Bson::Array(_)) => {}
        Some(other) => return Err(unexpected(TRUNCATED_ARRAYS, "an array", &shown(other))),
    }
    match description.get(DISAMBIGUATED_PATHS) {
        None | Some(Bson::Document(_)) => {}
        Some(other) => return Err(unexpected(DISAMBIGUATED_PATHS, "an array", &shown(other))),
    }
    let mut unset = Document::new();
    for name in removed {
        let Bson::String(name) = name else {
            return Err(ConnectError::data(format!(
                "Unexpected value type in {REMOVED_FIELDS}, expected a string but found `{}`: {}",
                shown(name),
                json(description)
            )));
        };
        unset.insert(name, "");
    }
    let mut update = doc! {"$set": updated};
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    Ok(update)
}
