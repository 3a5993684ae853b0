//! Source partitions and offsets, as the official connector stores them: what it has stored is carried on
//! here, and the other way round.

use super::copy_progress::CopyProgress;
use super::scope::Scope;
use crate::bson::{JsonMode, document_to_json, parse_document};
use bson::{Bson, Document};
use connect_api::data::{Map, Value};
use connect_api::{ConnectError, Result};

const NAMESPACE: &str = "ns";
/// The field of the resume token.
pub(super) const ID: &str = "_id";
/// The field of offsets that were stored while existing documents were copied.
const COPY: &str = "copy";
/// The field of what a restartable copy has still to read. The official connector does not look at it.
const COPY_PROGRESS: &str = "dovetail.copy.progress";
/// The field of offsets of heartbeats.
const HEARTBEAT: &str = "HEARTBEAT";

/// The partition of a name, or of hosts and namespace where the name is empty.
pub fn partition(name: &str, uri: &str, scope: &Scope) -> Map {
    let name = match name {
        "" => default_partition_name(uri, scope),
        name => name.to_string(),
    };
    Map::from_iter([(NAMESPACE, name)])
}

/// Hosts in the order of their text, no credentials, no options.
fn default_partition_name(uri: &str, scope: &Scope) -> String {
    let (scheme, rest) = match uri.strip_prefix("mongodb+srv://") {
        Some(rest) => ("mongodb+srv", rest),
        None => ("mongodb", uri.strip_prefix("mongodb://").unwrap_or(uri)),
    };
    let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
    let hosts = authority
        .rsplit_once('@')
        .map_or(authority, |(_, hosts)| hosts);
    let mut hosts: Vec<String> = hosts.split(',').map(decode_socket).collect();
    hosts.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
    let namespace = match scope {
        Scope::Deployment => String::new(),
        Scope::Database(database) => database.clone(),
        Scope::Collection(namespace) => namespace.to_string(),
    };
    format!("{scheme}://{}/{namespace}", hosts.join(","))
}

/// The path of a socket is written with percent signs.
fn decode_socket(host: &str) -> String {
    if !host.ends_with(".sock") {
        return host.to_string();
    }
    let mut bytes = Vec::with_capacity(host.len());
    let mut rest = host.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after
            .first_chunk::<2>()
            .filter(|_| byte == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What the offset of a record says beside the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetKind {
    /// A change.
    Change,
    /// A copied document: the copy is not finished.
    Copy,
    /// Nothing but the position.
    Heartbeat,
}

/// The offset of a record.
pub fn offset(token: &Document, kind: OffsetKind) -> Map {
    let mut offset = Map::from_iter([(ID, token_text(token))]);
    match kind {
        OffsetKind::Change => {}
        OffsetKind::Copy => offset.insert(COPY, "true"),
        OffsetKind::Heartbeat => offset.insert(HEARTBEAT, "true"),
    }
    offset.into_java_hash_order()
}

/// A token as it is stored.
pub fn token_text(token: &Document) -> String {
    document_to_json(token, JsonMode::Relaxed)
}

/// The offset of a record of a restartable copy.
pub(super) fn offset_amid_copy(token: &Document, progress_text: &Value) -> Map {
    let mut offset = offset(token, OffsetKind::Copy);
    offset.insert(COPY_PROGRESS, progress_text.clone());
    offset.into_java_hash_order()
}

/// The resume token of an event.
pub fn token_of(event: &Document) -> Result<&Document> {
    match event.get(ID) {
        Some(Bson::Document(token)) => Ok(token),
        Some(other) => Err(ConnectError::fatal(format!(
            "Value expected to be of type DOCUMENT is of unexpected type {}: the _id of a change event \
             is its resume token, which the pipeline must leave as it is",
            crate::bson::bson_type_name(other)
        ))
        .with_class("org.bson.BsonInvalidOperationException")),
        None => Err(ConnectError::fatal(
            "Document does not contain key _id: the _id of a change event is its resume token, which \
             the pipeline must leave as it is",
        )
        .with_class("org.bson.BsonInvalidOperationException")),
    }
}

/// What is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredOffset {
    /// Where the stream goes on; `None` begins as `startup.mode` says.
    pub token: Option<Document>,
    /// Whether copying has been finished, or was never begun though an offset is there.
    pub is_past_copy: bool,
    /// What a restartable copy has still to read.
    pub(super) copy_progress: Option<CopyProgress>,
}

impl StoredOffset {
    /// Reads an offset of this connector or of the official one.
    pub fn read(offset: Option<&Map>) -> Result<Self> {
        let Some(offset) = offset else {
            return Ok(Self::default());
        };
        if offset.get_str(COPY).is_some() {
            let copy_progress = match offset.get_str(COPY_PROGRESS) {
                Some(Value::String(text)) => {
                    let progress = CopyProgress::parse(text);
                    Some(progress.map_err(|error| unreadable(offset).with_cause(error))?)
                }
                _ => None,
            };
            return Ok(Self {
                copy_progress,
                ..Self::default()
            });
        }
        let token = match offset.get_str(ID) {
            None => None,
            Some(Value::String(text)) => {
                Some(parse_document(text).map_err(|error| unreadable(offset).with_cause(error))?)
            }
            Some(_) => return Err(unreadable(offset)),
        };
        Ok(Self {
            token,
            is_past_copy: true,
            copy_progress: None,
        })
    }
}

fn unreadable(offset: &Map) -> ConnectError {
    ConnectError::fatal(format!(
        "The stored offset {offset} has no resume token as JSON text under '{ID}'. Alter or reset the \
         offsets of the connector, or set offset.partition.name to a new name"
    ))
}
