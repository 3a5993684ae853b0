//! The key and the value of a record as documents, made when somebody asks for them.

use crate::bson::to_document;
use bson::{Bson, Document};
use connect_api::data::Value;
use connect_api::{ConnectError, Result};

/// The field that identifies a document.
pub const ID_FIELD: &str = "_id";

/// So much of a key or value is shown in an error.
const MAX_SHOWN_CHARS: usize = 1000;

/// A document that is only made when it is needed: a key that is plain text does no harm as long as
/// nobody needs it as a document.
#[derive(Clone, Debug)]
pub struct LazyDocument<'a> {
    what: &'static str,
    source: &'a Value,
    made: Option<Document>,
}

impl<'a> LazyDocument<'a> {
    fn new(what: &'static str, source: &'a Value) -> Self {
        Self {
            what,
            source,
            made: None,
        }
    }

    /// Whether the record has it at all.
    pub fn is_present(&self) -> bool {
        self.made.is_some() || !self.source.is_null()
    }

    /// The document; `None` if the record has none.
    pub fn get(&mut self) -> Result<Option<&mut Document>> {
        if self.made.is_none() && !self.source.is_null() {
            let made = to_document(self.source).map_err(|error| {
                ConnectError::data(format!(
                    "Could not convert {} {} into a BsonDocument.",
                    self.what,
                    shown(self.source)
                ))
                .with_cause(error)
            })?;
            self.made = Some(made);
        }
        Ok(self.made.as_mut())
    }

    /// A copy of the document, empty if the record has none.
    pub fn copy_or_empty(&mut self) -> Result<Document> {
        Ok(self.get()?.map_or_else(Document::new, |made| made.clone()))
    }

    /// The document itself, empty if the record has none.
    pub fn take_or_empty(&mut self) -> Result<Document> {
        self.get()?;
        Ok(self.made.take().unwrap_or_default())
    }

    fn set(&mut self, document: Document) {
        self.made = Some(document);
    }
}

/// `'text' (class)`.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    let class = value.java_class().unwrap_or("null");
    let is_null_text = text == "null";
    let text = match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    };
    if is_null_text {
        format!("'{text}' ({class}, not a null reference)")
    } else {
        format!("'{text}' ({class})")
    }
}

/// What the `_id` of the value shares with the key. In Java it is the same object, so that what a later
/// post processor does to one shows in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharedId {
    /// Nothing.
    None,
    /// It is the whole key.
    Key,
    /// It is the `_id` of the key.
    IdOfKey,
}

/// The key and the value of a record.
#[derive(Clone, Debug)]
pub struct SinkDocument<'a> {
    /// The key.
    pub key: LazyDocument<'a>,
    /// The value.
    pub value: LazyDocument<'a>,
    shared_id: SharedId,
}

impl<'a> SinkDocument<'a> {
    /// The documents of a key and a value.
    pub fn new(key: &'a Value, value: &'a Value) -> Self {
        Self {
            key: LazyDocument::new("key", key),
            value: LazyDocument::new("value", value),
            shared_id: SharedId::None,
        }
    }

    /// Sets the `_id` of the value.
    pub fn set_id(&mut self, id: Bson, shared_id: SharedId) -> Result<()> {
        if let Some(value) = self.value.get()? {
            // Only documents and arrays are shared; other values cannot be changed.
            self.shared_id = match id {
                Bson::Document(_) | Bson::Array(_) => shared_id,
                _ => SharedId::None,
            };
            value.insert(ID_FIELD, id);
        }
        Ok(())
    }

    /// Changes the key.
    pub fn change_key(&mut self, change: impl FnOnce(&mut Document) -> Result<()>) -> Result<()> {
        let Some(key) = self.key.get()? else {
            return Ok(());
        };
        change(key)?;
        let id = match self.shared_id {
            SharedId::None => return Ok(()),
            SharedId::Key => Some(Bson::Document(key.clone())),
            SharedId::IdOfKey => key.get(ID_FIELD).cloned(),
        };
        if id.is_none() {
            self.shared_id = SharedId::None;
        }
        if let (Some(id), Some(value)) = (id, self.value.get()?)
            && value.contains_key(ID_FIELD)
        {
            value.insert(ID_FIELD, id);
        }
        Ok(())
    }

    /// Changes the value.
    pub fn change_value(&mut self, change: impl FnOnce(&mut Document) -> Result<()>) -> Result<()> {
        let Some(value) = self.value.get()? else {
            return Ok(());
        };
        change(value)?;
        let id = match value.get(ID_FIELD) {
            _ if self.shared_id == SharedId::None => return Ok(()),
            Some(id @ (Bson::Document(_) | Bson::Array(_))) => id.clone(),
            _ => {
                self.shared_id = SharedId::None;
                return Ok(());
            }
        };
        match (self.shared_id, id) {
            (SharedId::Key, Bson::Document(key)) => self.key.set(key),
            (SharedId::IdOfKey, id) => {
                if let Some(key) = self.key.get()? {
                    key.insert(ID_FIELD, id);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::doc;

    #[test]
    fn a_key_that_nobody_asks_for_is_not_converted() {
        let (key, value) = (Value::string("no document"), Value::string("{a: 1}"));
        let mut document = SinkDocument::new(&key, &value);
        assert_eq!(document.value.get().unwrap(), Some(&mut doc! {"a": 1}));
        assert_eq!(
            document.key.get().unwrap_err().message(),
            "Could not convert key 'no document' (java.lang.String) into a BsonDocument."
        );
    }

    #[test]
    fn what_an_error_shows_is_bounded() {
        let key = Value::string("é".repeat(5000));
        let mut document = SinkDocument::new(&key, &Value::Null);
        let error = document.key.get().unwrap_err();
        assert!(error.message().chars().count() < 1100);
    }
}
