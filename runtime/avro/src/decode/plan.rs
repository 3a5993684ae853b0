//! What to read, in the order in which it stands in the bytes.

use super::skip::Skip;
use bytestring::ByteString;
use connect_api::ConnectError;
use connect_api::data::{SchemaRef, Value};

/// The number that the wire holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Int,
    Long,
    Float,
    Double,
}

/// What becomes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Date,
    Time,
    Timestamp,
}

/// One step of reading; yields one value.
#[derive(Debug)]
pub(super) enum Read {
    Null,
    Boolean,
    Int32,
    Int64,
    Float32,
    Float64,
    Timestamp,
    /// Any other pair of wire number and meaning.
    Number(Number, Finish),
    String,
    Bytes,
    Fixed(usize),
    /// Bytes, or a fixed if a size is given, as a decimal of this scale.
    Decimal(Option<usize>, i32),
    /// For each symbol of the writer the text, or why there is none.
    Enum(Vec<Result<ByteString, String>>),
    Array(Box<Read>),
    /// The flag says whether Java holds the keys as `Utf8` first, which have other hashes than strings.
    Map(Box<Read>, bool),
    /// A map written as an array of records of key and value.
    Entries(Box<EntriesRead>),
    /// Null beside one other branch.
    Nullable {
        null_branch: i64,
        other: Box<Read>,
    },
    /// For each branch of the writer what to read.
    Union(Vec<Read>),
    /// A branch that becomes a member of a struct.
    Member(Box<MemberRead>),
    Record(Box<RecordRead>),
    /// Schemaless data.
    Anything,
    /// What this place holds cannot be read as the reader wants it.
    Fail(ConnectError),
}

#[derive(Debug)]
pub(super) struct RecordRead {
    pub(super) schema: SchemaRef,
    /// In the writer's order.
    pub(super) steps: Vec<Step>,
    /// Whether the steps fill the fields one after the other, each once.
    pub(super) in_order: bool,
    /// Fields that the writer does not have.
    pub(super) defaults: Vec<(usize, Value)>,
}

#[derive(Debug)]
pub(super) enum Step {
    /// Fills the field at this position.
    Field(usize, Read),
    /// Reads past a field that nobody wants.
    Skip(Skip),
}

#[derive(Debug)]
pub(super) struct EntriesRead {
    /// The key's step, the value's step and what else stands in the record, in the writer's order.
    pub(super) steps: Vec<EntryStep>,
}

#[derive(Debug)]
pub(super) enum EntryStep {
    Key(Read),
    Value(Read),
    Skip(Skip),
}

#[derive(Debug)]
pub(super) struct MemberRead {
    pub(super) read: Read,
    pub(super) schema: SchemaRef,
    /// The members that take the value: the first whose size, if it has one, is that of the bytes.
    pub(super) members: Vec<(Option<usize>, usize)>,
}
