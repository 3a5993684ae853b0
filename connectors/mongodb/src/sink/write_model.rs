//! How a record is written: one statement for each.

use super::document::{ID_FIELD, SinkDocument};
use super::id_strategy::{Half, IdStrategy};
use bson::{Bson, DateTime, Document, doc};
use connect_api::{ConnectError, Result, SinkRecord};

/// A statement for the server.
#[derive(Clone, Debug, PartialEq)]
pub enum WriteModel {
    /// Adds a document.
    InsertOne {
        /// The document.
        document: Document,
    },
    /// Puts a document in the place of one.
    ReplaceOne {
        /// Which one.
        filter: Document,
        /// The new document.
        replacement: Document,
        /// Whether it is added if there is none.
        upsert: bool,
    },
    /// Changes a document.
    UpdateOne {
        /// Which one.
        filter: Document,
        /// What changes.
        update: Document,
        /// Whether it is added if there is none.
        upsert: bool,
    },
    /// Removes a document.
    DeleteOne {
        /// Which one.
        filter: Document,
    },
}

/// The strategies of `writemodel.strategy` and `delete.writemodel.strategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteModelStrategy {
    /// `InsertOneDefaultStrategy`.
    InsertOneDefault,
    /// `ReplaceOneDefaultStrategy`.
    ReplaceOneDefault,
    /// `ReplaceOneBusinessKeyStrategy`.
    ReplaceOneBusinessKey,
    /// `UpdateOneDefaultStrategy`.
    UpdateOneDefault,
    /// `UpdateOneTimestampsStrategy`.
    UpdateOneTimestamps,
    /// `UpdateOneBusinessKeyTimestampStrategy`.
    UpdateOneBusinessKeyTimestamp,
    /// `DeleteOneDefaultStrategy` by the `_id` of the key, or the key as `_id`.
    DeleteOneById,
    /// `DeleteOneDefaultStrategy` by the id strategy.
    DeleteOneByIdStrategy,
    /// `DeleteOneBusinessKeyStrategy`.
    DeleteOneBusinessKey,
    /// `DeleteOneTombstoneBusinessKeyStrategy`.
    DeleteOneTombstoneBusinessKey,
}

const NO_VALUE: &str = "Could not build the WriteModel,the value document was missing unexpectedly";
const NO_KEY: &str = "Could not build the WriteModel,the key document was missing unexpectedly";
const NO_ID: &str = "Could not build the WriteModel,the `_id` field was missing unexpectedly";
const NO_BUSINESS_KEY: &str = "Could not build the WriteModel,the value document does not contain an \
    _id field of type BsonDocument which holds the business key fields.\n\n If you are including an \
    existing `_id` value in the business key then ensure \
    `document.id.strategy.overwrite.existing=true`.";
const NO_BUSINESS_KEY_FOR_DELETE: &str = "Could not build the WriteModel, the value document does not \
    contain an _id field of type BsonDocument which holds the business key fields.";

impl WriteModelStrategy {
    /// The statement for a record.
    pub fn create(
        self,
        document: &mut SinkDocument<'_>,
        record: &SinkRecord,
        id_strategy: &IdStrategy,
        now_ms: i64,
    ) -> Result<WriteModel> {
        let is_partial = id_strategy.is_partial();
        let now = DateTime::from_millis(now_ms);
        Ok(match self {
            Self::InsertOneDefault => WriteModel::InsertOne {
                document: take_value(document)?,
            },
            Self::ReplaceOneDefault => {
                let replacement = take_value(document)?;
                let id = replacement.get(ID_FIELD).ok_or_else(no_id)?;
                WriteModel::ReplaceOne {
                    filter: doc! {ID_FIELD: id.clone()},
                    replacement,
                    upsert: true,
                }
            }
            Self::UpdateOneDefault => {
                let mut value = take_value(document)?;
                let id = value.remove(ID_FIELD).ok_or_else(no_id)?;
                WriteModel::UpdateOne {
                    filter: doc! {ID_FIELD: id},
                    update: doc! {"$set": value},
                    upsert: true,
                }
            }
            Self::UpdateOneTimestamps => {
                let value = take_value(document)?;
                let id = value.get(ID_FIELD).ok_or_else(no_id)?.clone();
                WriteModel::UpdateOne {
                    filter: doc! {ID_FIELD: id},
                    update: with_timestamps(value, now),
                    upsert: true,
                }
            }
            Self::ReplaceOneBusinessKey => {
                let mut value = take_value(document)?;
                WriteModel::ReplaceOne {
                    filter: take_business_key(&mut value, is_partial, NO_BUSINESS_KEY)?,
                    replacement: value,
                    upsert: true,
                }
            }
            Self::UpdateOneBusinessKeyTimestamp => {
                let mut value = take_value(document)?;
                WriteModel::UpdateOne {
                    filter: take_business_key(&mut value, is_partial, NO_BUSINESS_KEY)?,
                    update: with_timestamps(value, now),
                    upsert: true,
                }
            }
            Self::DeleteOneBusinessKey => {
                let mut value = take_value(document)?;
                WriteModel::DeleteOne {
                    filter: take_business_key(&mut value, is_partial, NO_BUSINESS_KEY_FOR_DELETE)?,
                }
            }
            Self::DeleteOneById => {
                let key = document
                    .key
                    .get()?
                    .ok_or_else(|| ConnectError::data(NO_KEY))?;
                let filter = if key.contains_key(ID_FIELD) {
                    key.clone()
                } else {
                    doc! {ID_FIELD: key.clone()}
                };
                WriteModel::DeleteOne { filter }
            }
            Self::DeleteOneByIdStrategy => {
                need_key(document)?;
                let (id, _) = id_strategy.generate(document, record)?;
                WriteModel::DeleteOne {
                    filter: doc! {ID_FIELD: id},
                }
            }
            Self::DeleteOneTombstoneBusinessKey => {
                need_key(document)?;
                let IdStrategy::Partial(Half::Key, _) = id_strategy else {
                    return Err(ConnectError::fatal(
                        "DeleteOneTombstoneBusinessKeyStrategy expects PartialKeyStrategy to be defined",
                    ));
                };
                let (id, _) = id_strategy.generate(document, record)?;
                let Bson::Document(key) = id else {
                    return Err(no_id());
                };
                WriteModel::DeleteOne {
                    filter: flatten(key),
                }
            }
        })
    }
}

fn no_id() -> ConnectError {
    ConnectError::data(NO_ID)
}

fn need_key(document: &SinkDocument<'_>) -> Result<()> {
    match document.key.is_present() {
        true => Ok(()),
        false => Err(ConnectError::data(NO_KEY)),
    }
}

fn take_value(document: &mut SinkDocument<'_>) -> Result<Document> {
    match document.value.is_present() {
        true => document.value.take_or_empty(),
        false => Err(ConnectError::data(NO_VALUE)),
    }
}

fn take_business_key(value: &mut Document, flat: bool, missing: &str) -> Result<Document> {
    if !matches!(value.get(ID_FIELD), Some(Bson::Document(_))) {
        return Err(ConnectError::data(missing));
    }
    match value.remove(ID_FIELD) {
        Some(Bson::Document(key)) if flat => Ok(flatten(key)),
        Some(Bson::Document(key)) => Ok(key),
        _ => Err(ConnectError::data(missing)),
    }
}

fn with_timestamps(mut value: Document, now: DateTime) -> Document {
    value.insert("_modifiedTS", now);
    doc! {"$set": value, "$setOnInsert": {"_insertedTS": now}}
}

/// Fields of documents in documents by their paths, so that a filter does not ask for whole documents.
fn flatten(document: Document) -> Document {
    let mut flat = Document::new();
    flatten_into(&mut flat, "", document);
    flat
}

fn flatten_into(flat: &mut Document, path: &str, document: Document) {
    for (name, value) in document {
        let path = format!("{path}{name}");
        match value {
            Bson::Document(inner) => flatten_into(flat, &format!("{path}."), inner),
            value => {
                flat.insert(path, value);
            }
        }
    }
}
