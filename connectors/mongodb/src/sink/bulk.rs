//! Bulk writes: statements of one collection become as few commands as the server takes.

use super::namespace::Namespace;
use super::write_model::WriteModel;
use crate::client::{MongoConnection, is_retriable_code};
use crate::sink::document::ID_FIELD;
use bson::raw::{RawArrayBuf, RawDocumentBuf};
use bson::{Bson, Document, doc, oid::ObjectId, rawdoc};
use connect_api::{ConnectError, Result};
use mongodb::options::{Acknowledgment, WriteConcern};
use std::collections::VecDeque;

/// What a command may hold at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServerLimits {
    pub(super) max_document_bytes: usize,
    pub(super) max_statements: usize,
    /// Whether the server remembers statements, so that none is done twice.
    pub(super) supports_retryable_writes: bool,
}

impl ServerLimits {
    /// From the answer to `hello`. Claims beyond what MongoDB documents are not believed.
    pub(super) fn from_hello(hello: &Document) -> Self {
        let number = |name: &str, default: i64, most: i64| {
            let number = match hello.get(name) {
                Some(Bson::Int32(number)) => i64::from(*number),
                Some(Bson::Int64(number)) => *number,
                Some(Bson::Double(number)) => *number as i64,
                _ => default,
            };
            usize::try_from(number.clamp(1, most)).unwrap_or(1)
        };
        let is_router = hello
            .get_str("msg")
            .is_ok_and(|message| message == "isdbgrid");
        Self {
            max_document_bytes: number("maxBsonObjectSize", 16 << 20, 16 << 20),
            max_statements: number("maxWriteBatchSize", 100_000, 100_000),
            supports_retryable_writes: (is_router || hello.contains_key("setName"))
                && hello.contains_key("logicalSessionTimeoutMinutes"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CommandKind {
    Insert,
    Update,
    Delete,
}

impl CommandKind {
    fn of(model: &WriteModel) -> Self {
        match model {
            WriteModel::InsertOne { .. } => Self::Insert,
            WriteModel::ReplaceOne { .. } | WriteModel::UpdateOne { .. } => Self::Update,
            WriteModel::DeleteOne { .. } => Self::Delete,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    fn statements_name(self) -> &'static str {
        match self {
            Self::Insert => "documents",
            Self::Update => "updates",
            Self::Delete => "deletes",
        }
    }
}

/// A statement as the server reads it.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// The place of its record in the group.
    member: usize,
    kind: CommandKind,
    bytes: RawDocumentBuf,
}

/// A command on its way. Sent again under the same number, the server does nothing twice.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) body: RawDocumentBuf,
    pub(super) number: i64,
    members: Vec<usize>,
}

/// What the server said of one statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StatementError {
    /// The place of the record in the group.
    pub(super) member: usize,
    pub(super) code: i32,
    pub(super) message: String,
    pub(super) details: Document,
}

/// What the server said of the durability of a command.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WriteConcernError {
    pub(super) code: i32,
    pub(super) code_name: String,
    pub(super) message: String,
    pub(super) details: Document,
}

/// A bulk write: some statements of one collection, and how far it went.
#[derive(Debug)]
pub(super) struct BulkWrite {
    namespace: Namespace,
    ordered: bool,
    waiting: VecDeque<Statement>,
    in_flight: Option<Command>,
    /// In the order of the answers.
    pub(super) errors: Vec<StatementError>,
    pub(super) concern_error: Option<WriteConcernError>,
    /// Records that were not tried, because one before them failed.
    pub(super) skipped: Vec<usize>,
}

impl BulkWrite {
    /// A bulk write of statements; the place of each names it from now on.
    pub(super) fn new(namespace: Namespace, ordered: bool, statements: Vec<Statement>) -> Self {
        let mut waiting: VecDeque<Statement> = statements.into();
        for (member, statement) in waiting.iter_mut().enumerate() {
            statement.member = member;
        }
        if !ordered {
            // Fewer commands: statements of one kind stand together, as their order does not matter.
            let mut kinds: Vec<CommandKind> = Vec::new();
            for statement in &waiting {
                if !kinds.contains(&statement.kind) {
                    kinds.push(statement.kind);
                }
            }
            waiting
                .make_contiguous()
                .sort_by_key(|statement| kinds.iter().position(|kind| *kind == statement.kind));
        }
        Self {
            namespace,
            ordered,
            waiting,
            in_flight: None,
            errors: Vec::new(),
            concern_error: None,
            skipped: Vec::new(),
        }
    }

    /// Where it goes.
    pub(super) fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The next command to send: the one that got no answer, or a new one. `None` when all is done.
    pub(super) fn command(
        &mut self,
        limits: &ServerLimits,
        connection: &MongoConnection,
        next_number: &mut i64,
    ) -> bson::error::Result<Option<Command>> {
        if self.in_flight.is_none() {
            self.in_flight = self.next_command(limits, connection, next_number)?;
        }
        Ok(self.in_flight.clone())
    }

    fn next_command(
        &mut self,
        limits: &ServerLimits,
        connection: &MongoConnection,
        next_number: &mut i64,
    ) -> bson::error::Result<Option<Command>> {
        let Some(kind) = self.waiting.front().map(|statement| statement.kind) else {
            return Ok(None);
        };
        let mut statements = RawArrayBuf::new();
        let mut members = Vec::new();
        let mut num_bytes = 0;
        while let Some(next) = self.waiting.front() {
            let next_bytes = next.bytes.as_bytes().len() + 12;
            let is_full = members.len() >= limits.max_statements
                || (num_bytes > 0 && num_bytes + next_bytes > limits.max_document_bytes);
            if next.kind != kind || is_full {
                break;
            }
            num_bytes += next_bytes;
            if let Some(statement) = self.waiting.pop_front() {
                members.push(statement.member);
                statements.push(statement.bytes);
            }
        }
        let mut body = RawDocumentBuf::new();
        let collection = self.namespace.collection.as_ref();
        body.append(bson_name(kind.name())?, collection);
        body.append(bson_name("ordered")?, self.ordered);
        if let Some(concern) = &connection.write_concern
            && let Some(concern) = write_concern(concern)
        {
            body.append(
                bson_name("writeConcern")?,
                RawDocumentBuf::try_from(&concern)?,
            );
        }
        let number = *next_number;
        *next_number += 1;
        if limits.supports_retryable_writes && connection.retry_writes {
            body.append(bson_name("txnNumber")?, number);
        }
        body.append(bson_name(kind.statements_name())?, statements);
        Ok(Some(Command {
            body,
            number,
            members,
        }))
    }

    /// Takes the answer to the command in flight. `Err` holds the code of an error that passes: the
    /// command stays in flight.
    pub(super) fn answered(&mut self, answer: &Document) -> Result<(), (i32, String)> {
        let concern_error =
            answer
                .get_document("writeConcernError")
                .ok()
                .map(|error| WriteConcernError {
                    code: code(error),
                    code_name: error.get_str("codeName").unwrap_or("").to_string(),
                    message: error.get_str("errmsg").unwrap_or("").to_string(),
                    details: error.get_document("errInfo").cloned().unwrap_or_default(),
                });
        if let Some(error) = &concern_error
            && is_retriable_code(error.code)
        {
            return Err((error.code, error.message.clone()));
        }
        let Some(command) = self.in_flight.take() else {
            return Ok(());
        };
        self.concern_error = concern_error.or(self.concern_error.take());
        let errors = answer
            .get_array("writeErrors")
            .map_or(&[][..], Vec::as_slice);
        let num_errors = self.errors.len();
        for error in errors.iter().filter_map(Bson::as_document) {
            let index = error
                .get("index")
                .and_then(|index| match index {
                    Bson::Int32(index) => usize::try_from(*index).ok(),
                    Bson::Int64(index) => usize::try_from(*index).ok(),
                    _ => None,
                })
                .unwrap_or(0);
            let Some(member) = command.members.get(index) else {
                continue;
            };
            self.errors.push(StatementError {
                member: *member,
                code: code(error),
                message: error.get_str("errmsg").unwrap_or("").to_string(),
                details: error.get_document("errInfo").cloned().unwrap_or_default(),
            });
            if self.ordered {
                self.skipped.extend(&command.members[index + 1..]);
            }
        }
        if self.ordered && self.errors.len() > num_errors {
            let rest = self.waiting.drain(..);
            self.skipped.extend(rest.map(|statement| statement.member));
        }
        Ok(())
    }

    /// The records that neither succeeded nor failed, after an error of a whole command.
    pub(super) fn give_up(&mut self) -> Vec<usize> {
        let mut members = self
            .in_flight
            .take()
            .map(|command| command.members)
            .unwrap_or_default();
        members.extend(self.waiting.drain(..).map(|statement| statement.member));
        members.sort_unstable();
        members
    }
}

fn bson_name(name: &str) -> bson::error::Result<bson::raw::CString> {
    bson::raw::CString::try_from(name)
}

fn code(error: &Document) -> i32 {
    match error.get("code") {
        Some(Bson::Int32(code)) => *code,
        Some(Bson::Int64(code)) => i32::try_from(*code).unwrap_or(0),
        Some(Bson::Double(code)) => *code as i32,
        _ => 0,
    }
}

/// The write concern for a command. Without an acknowledgement nothing may be committed, so `w=0`
/// counts as not set.
fn write_concern(concern: &WriteConcern) -> Option<Document> {
    let mut document = Document::new();
    match &concern.w {
        Some(Acknowledgment::Nodes(0)) | None => {}
        Some(Acknowledgment::Nodes(nodes)) => {
            document.insert("w", i32::try_from(*nodes).unwrap_or(i32::MAX));
        }
        Some(Acknowledgment::Majority) => {
            document.insert("w", "majority");
        }
        Some(Acknowledgment::Custom(name)) => {
            document.insert("w", name);
        }
        Some(_) => {}
    }
    if let Some(journal) = concern.journal {
        document.insert("j", journal);
    }
    if let Some(timeout) = concern.w_timeout {
        document.insert(
            "wtimeout",
            i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX),
        );
    }
    (!document.is_empty()).then_some(document)
}

impl Statement {
    /// Encodes a statement. One that is too large, or that a server would read as another kind, is
    /// refused.
    pub(super) fn encode(model: WriteModel, limits: &ServerLimits) -> Result<Self> {
        check_names(&model)?;
        let kind = CommandKind::of(&model);
        let whole = |document: &Document| -> Result<RawDocumentBuf> {
            let raw = encode(document)?;
            let (num_bytes, most) = (raw.as_bytes().len(), limits.max_document_bytes);
            if num_bytes > most {
                return Err(ConnectError::data(format!(
                    "Document size of {num_bytes} is larger than maximum of {most}."
                ))
                .with_class("org.bson.BsonMaximumSizeExceededException"));
            }
            Ok(raw)
        };
        let bytes = match model {
            WriteModel::InsertOne { mut document } => {
                if !document.contains_key(ID_FIELD) {
                    document.insert(ID_FIELD, ObjectId::new());
                }
                whole(&with_id_first(document))?
            }
            WriteModel::ReplaceOne {
                filter,
                replacement,
                upsert,
            } => rawdoc! {
                "q": encode(&filter)?,
                "u": whole(&with_id_first(replacement))?,
                "upsert": upsert,
            },
            WriteModel::UpdateOne {
                filter,
                update,
                upsert,
            } => rawdoc! { "q": encode(&filter)?, "u": whole(&update)?, "upsert": upsert },
            WriteModel::DeleteOne { filter } => rawdoc! { "q": whole(&filter)?, "limit": 1_i32 },
        };
        Ok(Self {
            member: 0,
            kind,
            bytes,
        })
    }
}

fn encode(document: &Document) -> Result<RawDocumentBuf> {
    RawDocumentBuf::try_from(document).map_err(|error| {
        ConnectError::data(format!("The document cannot be encoded: {error}"))
            .with_class("org.bson.BsonSerializationException")
    })
}

/// A server takes an update without operators for a replacement, and the other way round.
fn check_names(model: &WriteModel) -> Result<()> {
    let why = match model {
        WriteModel::ReplaceOne { replacement, .. } => replacement
            .keys()
            .find(|name| name.starts_with('$'))
            .map(|name| {
                format!(
                    "Field names in a replacement document can not start with '$' but '{name}' does"
                )
            }),
        WriteModel::UpdateOne { update, .. } if update.is_empty() => {
            Some("Invalid BSON document for an update. The document may not be empty.".into())
        }
        WriteModel::UpdateOne { update, .. } => update
            .keys()
            .find(|name| !name.starts_with('$'))
            .map(|name| format!("All update operators must start with '$', but '{name}' does not")),
        WriteModel::InsertOne { .. } | WriteModel::DeleteOne { .. } => None,
    };
    match why {
        Some(why) => Err(ConnectError::data(why).with_class("java.lang.IllegalArgumentException")),
        None => Ok(()),
    }
}

/// The id stands first in what is stored, as servers and drivers have it.
fn with_id_first(mut document: Document) -> Document {
    if document.keys().next().map(String::as_str) == Some(ID_FIELD) {
        return document;
    }
    match document.remove(ID_FIELD) {
        Some(id) => {
            let mut ordered = doc! { ID_FIELD: id };
            ordered.extend(document);
            ordered
        }
        None => document,
    }
}

#[cfg(test)]
mod tests;
