//! Bytes that are a BSON document already.

use bson::raw::{RawBsonRef, RawDocument};
use bson::{Bson, Document};
use connect_api::{ConnectError, Result};

/// How deep documents and arrays may be nested: more than a server takes.
pub const MAX_BSON_DEPTH: usize = 200;

/// Reads a document from its bytes. What follows it is not looked at.
pub fn document_from_bytes(bytes: &[u8]) -> Result<Document> {
    let claimed = bytes
        .first_chunk::<4>()
        .map(|length| i32::from_le_bytes(*length))
        .and_then(|length| usize::try_from(length).ok())
        .and_then(|length| bytes.get(..length))
        .ok_or_else(|| {
            serialization_error(format!(
                "The {} bytes are no BSON document: its length does not fit",
                bytes.len()
            ))
        })?;
    let raw = RawDocument::from_bytes(claimed).map_err(malformed)?;
    document(raw, 0)
}

fn document(raw: &RawDocument, depth: usize) -> Result<Document> {
    check_depth(depth)?;
    let mut document = Document::new();
    for element in raw {
        let (name, value) = element.map_err(malformed)?;
        document.insert(name.as_str(), self::value(value, depth)?);
    }
    Ok(document)
}

fn value(value: RawBsonRef<'_>, depth: usize) -> Result<Bson> {
    Ok(match value {
        RawBsonRef::Document(raw) => Bson::Document(document(raw, depth + 1)?),
        RawBsonRef::Array(raw) => {
            check_depth(depth + 1)?;
            let mut items = Vec::new();
            for item in raw {
                items.push(self::value(item.map_err(malformed)?, depth + 1)?);
            }
            Bson::Array(items)
        }
        RawBsonRef::JavaScriptCodeWithScope(code) => {
            Bson::JavaScriptCodeWithScope(bson::JavaScriptCodeWithScope {
                code: code.code.to_string(),
                scope: document(code.scope, depth + 1)?,
            })
        }
        other => Bson::try_from(other).map_err(malformed)?,
    })
}

fn check_depth(depth: usize) -> Result<()> {
    if depth > MAX_BSON_DEPTH {
        return Err(serialization_error(format!(
            "The document is nested more than {MAX_BSON_DEPTH} levels deep, which no server takes"
        )));
    }
    Ok(())
}

fn malformed(error: bson::error::Error) -> ConnectError {
    serialization_error(format!("The bytes are no BSON document: {error}"))
}

fn serialization_error(message: String) -> ConnectError {
    ConnectError::data(message).with_class("org.bson.BsonSerializationException")
}
