//! Compiled plans for reading: for each message the fields by number, and where their values go.

use bytestring::ByteString;
use connect_api::data::{LogicalType, SchemaRef, SchemaType, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// Numbers below this are found by index.
const NUM_DENSE: usize = 256;

/// How the root of a record is read.
#[derive(Debug)]
pub(crate) struct RootPlan {
    pub schema: SchemaRef,
    pub message: MessagePlan,
}

/// How a message is read.
#[derive(Clone, Debug)]
pub(crate) enum MessagePlan {
    /// Into a struct of this schema.
    Struct(SchemaRef, Arc<Body>),
    /// Into the scalar in its only field.
    Wrapper(ScalarPlan),
    /// Into the value of a logical type.
    Logical(LogicalType),
    /// Not at all: it lies deeper than the schema was unrolled.
    TooDeep(Arc<str>),
}

/// The fields of a message and the values that it has when nothing is set.
#[derive(Debug)]
pub(crate) struct Body {
    /// One value for each field of the schema.
    pub unset: Vec<Value>,
    pub fields: Vec<FieldPlan>,
    pub index: NumberIndex,
    /// Positions in `fields` of those that proto2 requires.
    pub required: Vec<usize>,
    /// Positions in `fields` of messages that are read as empty ones if they are not there.
    pub generated: Vec<usize>,
    pub num_oneofs: usize,
}

/// The position of a field by its number.
#[derive(Debug, Default)]
pub(crate) struct NumberIndex {
    dense: Vec<u16>,
    sparse: HashMap<u32, usize>,
}

const ABSENT: u16 = u16::MAX;

impl NumberIndex {
    pub(crate) fn of(fields: &[FieldPlan]) -> Self {
        let mut index = Self::default();
        for (position, field) in fields.iter().enumerate() {
            match (field.number as usize, u16::try_from(position)) {
                (number, Ok(position)) if number < NUM_DENSE && position != ABSENT => {
                    if index.dense.len() <= number {
                        index.dense.resize(number + 1, ABSENT);
                    }
                    index.dense[number] = position;
                }
                _ => {
                    index.sparse.insert(field.number, position);
                }
            }
        }
        index
    }

    pub(crate) fn position(&self, number: u32) -> Option<usize> {
        match self.dense.get(number as usize) {
            Some(&position) if position != ABSENT => Some(usize::from(position)),
            _ if self.sparse.is_empty() => None,
            _ => self.sparse.get(&number).copied(),
        }
    }
}

/// How a field is read, and where to.
#[derive(Debug)]
pub(crate) struct FieldPlan {
    pub number: u32,
    pub name: Arc<str>,
    /// The position in the struct.
    pub slot: usize,
    pub member: Option<Member>,
    pub shape: Shape,
}

/// A member of a oneof.
#[derive(Debug)]
pub(crate) struct Member {
    pub oneof: usize,
    /// The schema of the union and the position in it; none if unions are flattened.
    pub union: Option<(SchemaRef, usize)>,
}

/// How many values a field holds, and of what.
#[derive(Debug)]
pub(crate) enum Shape {
    Single(Element),
    Repeated(Element),
    /// Entries of a map, each read as a message of two fields.
    Map(Arc<Body>),
}

/// One value.
#[derive(Debug)]
pub(crate) enum Element {
    Scalar(ScalarPlan),
    Message(MessagePlan),
}

/// How a scalar is read.
#[derive(Clone, Debug)]
pub(crate) struct ScalarPlan {
    pub kind: ScalarKind,
    /// The value of an unset field.
    pub default: Value,
}

/// The scalar types; the same Connect value comes of several.
#[derive(Clone, Debug)]
pub(crate) enum ScalarKind {
    Int32,
    Sint32,
    Sfixed32,
    /// One of the above, narrowed to `INT8` or `INT16`.
    Narrow(Box<ScalarKind>, SchemaType),
    Uint32,
    Fixed32,
    /// Also `uint64`, whose upper half is negative in Java.
    Int64,
    Sint64,
    Fixed64,
    Float,
    Double,
    Bool,
    /// Whether bytes that are not UTF-8 are an error, as in proto3, or replaced.
    String(bool),
    Bytes,
    Enum(Arc<EnumPlan>),
}

/// How numbers of an enum are read.
#[derive(Debug)]
pub(crate) struct EnumPlan {
    pub name: String,
    /// Whether unknown numbers are passed over, as in proto2.
    pub is_closed: bool,
    pub as_number: bool,
    /// The first name of each number, in the order of the numbers.
    pub symbols: Vec<(i32, ByteString)>,
}

impl EnumPlan {
    /// The value of a number; none if it is to be passed over.
    pub(crate) fn value(&self, number: i32) -> Option<Value> {
        let found = self
            .symbols
            .binary_search_by_key(&number, |symbol| symbol.0);
        if self.is_closed && found.is_err() {
            return None;
        }
        if self.as_number {
            return Some(Value::Int32(number));
        }
        Some(match found {
            Ok(index) => Value::String(self.symbols[index].1.clone()),
            Err(_) => Value::string(format!("UNKNOWN_ENUM_VALUE_{}_{number}", self.name)),
        })
    }
}
