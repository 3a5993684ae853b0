//! Which collection a record goes to.

use super::document::SinkDocument;
use crate::bson::{JsonMode, bson_type_name, document_to_json};
use bson::{Bson, Document};
use connect_api::{ConnectError, Result, SinkRecord};
use std::fmt;
use std::sync::Arc;

/// A database and a collection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Namespace {
    /// The name of the database.
    pub database: Arc<str>,
    /// The name of the collection.
    pub collection: Arc<str>,
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.database, self.collection)
    }
}

impl Namespace {
    /// A namespace with names that a server takes.
    pub fn new(database: impl Into<Arc<str>>, collection: impl Into<Arc<str>>) -> Result<Self> {
        let (database, collection) = (database.into(), collection.into());
        let refuse = |what: String| {
            Err(ConnectError::data(format!("state should be: {what}"))
                .with_class("java.lang.IllegalArgumentException"))
        };
        if database.is_empty() {
            return refuse("databaseName is not empty".into());
        }
        if let Some(c) = database
            .chars()
            .find(|c| matches!(c, '\0' | '/' | '\\' | ' ' | '"' | '.'))
        {
            return refuse(format!("databaseName does not contain '{c}'"));
        }
        if collection.is_empty() {
            return refuse("collectionName is not empty".into());
        }
        Ok(Self {
            database,
            collection,
        })
    }
}

/// Where the name of a database or collection stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameField {
    /// A path in the key.
    Key(String),
    /// A path in the value.
    Value(String),
}

/// Names the collection of a record.
#[derive(Clone, Debug)]
pub struct NamespaceMapper {
    /// Where a record goes without fields that say otherwise.
    pub default: Namespace,
    /// The field with the name of the database.
    pub database_field: Option<NameField>,
    /// The field with the name of the collection.
    pub collection_field: Option<NameField>,
    /// Whether a record without the field is an error.
    pub error_if_invalid: bool,
}

impl NamespaceMapper {
    /// Whether every record goes to one collection.
    pub fn is_fixed(&self) -> bool {
        self.database_field.is_none() && self.collection_field.is_none()
    }

    /// The collection of a record.
    pub fn namespace(
        &self,
        record: &SinkRecord,
        document: &mut SinkDocument<'_>,
    ) -> Result<Namespace> {
        if self.is_fixed() {
            return Ok(self.default.clone());
        }
        let database = self.look_up(self.database_field.as_ref(), record, document)?;
        let collection = self.look_up(self.collection_field.as_ref(), record, document)?;
        Namespace::new(
            database.unwrap_or_else(|| self.default.database.clone()),
            collection.unwrap_or_else(|| self.default.collection.clone()),
        )
    }

    fn look_up(
        &self,
        field: Option<&NameField>,
        record: &SinkRecord,
        document: &mut SinkDocument<'_>,
    ) -> Result<Option<Arc<str>>> {
        let (what, path, source) = match field {
            None => return Ok(None),
            Some(NameField::Key(path)) => ("key", path, document.key.get()?),
            Some(NameField::Value(path)) => ("value", path, document.value.get()?),
        };
        let problem = match source {
            None => format!("Invalid {what} document: {record}"),
            Some(source) => match field_at(path, source) {
                Some(Bson::String(name)) => return Ok(Some(name.as_str().into())),
                Some(other) => format!(
                    "Invalid type for {} field path '{path}', expected a String: {}",
                    bson_type_name(other),
                    document_to_json(source, JsonMode::Relaxed)
                ),
                None => format!(
                    "Missing document path '{path}': {}",
                    document_to_json(source, JsonMode::Relaxed)
                ),
            },
        };
        match self.error_if_invalid {
            true => Err(ConnectError::data(problem)),
            false => Ok(None),
        }
    }
}

/// The value at a path with dots. A field whose name holds the dots comes first.
fn field_at<'d>(path: &str, document: &'d Document) -> Option<&'d Bson> {
    let (mut path, mut document) = (path, document);
    loop {
        if let Some(value) = document.get(path) {
            return Some(value);
        }
        if path.ends_with('.') {
            return None;
        }
        let (first, rest) = path.split_once('.')?;
        document = document.get_document(first).ok()?;
        path = rest;
    }
}
