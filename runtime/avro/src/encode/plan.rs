//! What to write, in the order in which it stands in the bytes.

use connect_api::ConnectError;
use connect_api::data::{LogicalType, SchemaRef, SchemaType, Value};
use std::collections::HashMap;

/// A place for a value, which may be null.
#[derive(Debug)]
pub(super) struct Slot {
    /// Whether the Connect schema allows null.
    pub(super) optional: bool,
    pub(super) on_null: OnNull,
    /// The branch of the union that the value is written as.
    pub(super) branch: Option<i64>,
    pub(super) write: Write,
}

#[derive(Debug)]
pub(super) enum OnNull {
    /// Null has no bytes.
    Nothing,
    /// Null is this branch.
    Branch(i64),
    /// There is a form for it: schemaless data.
    Write,
    /// Null has no place here.
    Fail(ConnectError),
}

/// The number that the wire wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Int,
    Long,
    Float,
    Double,
}

/// One step of writing a value that is not null.
#[derive(Debug)]
pub(super) enum Write {
    Boolean,
    Int32,
    Int64,
    Float32,
    Float64,
    Timestamp,
    /// Any other pair of Connect type, with its logical type, and wire number.
    Number(SchemaType, Option<LogicalType>, Number),
    String,
    /// The text's position among the symbols.
    Enum(HashMap<String, i64>),
    Bytes,
    Fixed(usize),
    /// A decimal of this schema and scale, as bytes or as a fixed of a size.
    Decimal(SchemaRef, i32, Option<usize>),
    Array(Box<Slot>),
    Map(Box<Slot>),
    /// An array of records of key and value.
    Entries(Box<(Slot, Slot)>),
    Record(Box<RecordWrite>),
    /// The one member that is set, each with its own branch.
    Union(Box<UnionWrite>),
    Anything,
    Fail(ConnectError),
}

#[derive(Debug)]
pub(super) struct RecordWrite {
    pub(super) schema: SchemaRef,
    /// In the order of the wire.
    pub(super) fields: Vec<FieldWrite>,
}

#[derive(Debug)]
pub(super) struct FieldWrite {
    /// The position in the struct.
    pub(super) index: usize,
    /// What null stands for.
    pub(super) default: Option<Value>,
    pub(super) slot: Slot,
}

#[derive(Debug)]
pub(super) struct UnionWrite {
    pub(super) schema: SchemaRef,
    pub(super) members: Vec<FieldWrite>,
}
