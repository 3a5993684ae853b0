//! Bytes to Connect values, straight from the wire into the positions of structs.

mod check;

use crate::logical::{self, Parts};
use crate::plan::{Body, Element, FieldPlan, MessagePlan, RootPlan, ScalarKind, ScalarPlan, Shape};
use crate::wire::{
    MAX_DEPTH, Reader, WireType, invalid_utf8, missing_required, too_deep, unzigzag32, unzigzag64,
};
use bytes::Bytes;
use bytestring::ByteString;
use connect_api::data::{LogicalType, Map, SchemaRef, SchemaType, Struct, Value};
use connect_api::{ConnectError, Result};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Reads records of one message type.
#[derive(Debug)]
pub struct Decoder {
    plan: RootPlan,
}

impl Decoder {
    pub(crate) fn new(plan: RootPlan) -> Self {
        Self { plan }
    }

    /// The schema of every value that is read.
    pub fn schema(&self) -> &SchemaRef {
        &self.plan.schema
    }

    /// Reads one message. Texts and bytes in the value are slices of the payload.
    ///
    /// An error is a [`Data`](connect_api::ErrorKind::Data) error under the class and with the message of
    /// the JVM. Whatever the bytes are, memory stays within a multiple of their number.
    pub fn decode(&self, payload: &Bytes) -> Result<Value> {
        let mut missing = Vec::new();
        let mut source = Source {
            buffer: payload,
            missing: &mut missing,
        };
        let (plan, all) = (&self.plan.message, 0..payload.len());
        let read = source.message(plan, all.clone(), 0, &Path::Root);
        if read.is_err() {
            source.check(plan, all, 0)?;
        }
        if !missing.is_empty() {
            return Err(missing_required(&missing));
        }
        read
    }
}

/// The way to a message, for the names of missing fields.
enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, &'a str, usize),
}

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(parent, name) => write!(f, "{parent}{name}."),
            Self::Item(parent, name, index) => write!(f, "{parent}{name}[{index}]."),
        }
    }
}

/// A message that was met: it is read when all of its parts are known.
enum Pending {
    Range(Range<usize>),
    /// Several messages in one field are one: their bytes in a row mean the same.
    Joined(Vec<u8>),
}

impl Pending {
    fn join(&mut self, buffer: &[u8], range: Range<usize>) {
        match self {
            Self::Range(first) => {
                let mut bytes = Vec::with_capacity(first.len() + range.len());
                bytes.extend_from_slice(&buffer[first.clone()]);
                bytes.extend_from_slice(&buffer[range]);
                *self = Self::Joined(bytes);
            }
            Self::Joined(bytes) => bytes.extend_from_slice(&buffer[range]),
        }
    }
}

/// What is known of a message while it is read.
struct State<'p> {
    body: &'p Body,
    values: Vec<Value>,
    /// Messages by the position of their fields; few, so that a list does.
    pending: Vec<(usize, Pending)>,
    /// Entries of maps by the position of their fields.
    entries: Vec<(usize, Vec<(Value, Value)>)>,
    /// For each oneof the position of the field that was set last.
    members: Vec<Option<usize>>,
    /// Which fields were there; only kept where one is required.
    seen: Vec<bool>,
    /// Where the names of missing fields of this message go: before those of messages in it.
    missing_from: usize,
}

struct Source<'a> {
    buffer: &'a Bytes,
    missing: &'a mut Vec<String>,
}

impl<'a> Source<'a> {
    fn message(
        &mut self,
        plan: &MessagePlan,
        range: Range<usize>,
        depth: usize,
        path: &Path<'_>,
    ) -> Result<Value> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        match plan {
            MessagePlan::Struct(schema, body) => {
                let values = self.body(body, range, depth, path)?;
                Ok(Value::Struct(Box::new(Struct::from_values(
                    schema.clone(),
                    values,
                ))))
            }
            MessagePlan::Wrapper(scalar) => self.wrapper(scalar, range, depth),
            MessagePlan::Logical(logical) => self.logical(*logical, range, depth),
            MessagePlan::TooDeep(name) => Err(ConnectError::data(format!(
                "Field {} holds a {name} deeper within itself than the schema of the record was \
                 unrolled; a Connect schema cannot refer to itself. Flatten the message, or read the \
                 topic without its schema.",
                path.to_string().trim_end_matches('.')
            ))),
        }
    }

    fn body(
        &mut self,
        body: &Body,
        range: Range<usize>,
        depth: usize,
        path: &Path<'_>,
    ) -> Result<Vec<Value>> {
        let mut state = State {
            body,
            values: body.unset.clone(),
            pending: Vec::new(),
            entries: Vec::new(),
            members: vec![None; body.num_oneofs],
            seen: match body.required.is_empty() {
                true => Vec::new(),
                false => vec![false; body.fields.len()],
            },
            missing_from: self.missing.len(),
        };
        let buffer: &'a Bytes = self.buffer;
        let mut reader = Reader::new(buffer, range.start, range.end);
        while let Some((number, wire_type)) = reader.tag()? {
            let position = body.index.position(number);
            let known = match position {
                Some(position) => {
                    self.field(&mut state, position, wire_type, &mut reader, depth, path)?
                }
                None => false,
            };
            if !known {
                reader.skip(number, wire_type, depth)?;
            }
        }
        self.finish(state, depth, path)
    }

    /// Reads a field; false if its wire type is not one that the field may have.
    fn field(
        &mut self,
        state: &mut State<'_>,
        position: usize,
        wire_type: WireType,
        reader: &mut Reader<'_>,
        depth: usize,
        path: &Path<'_>,
    ) -> Result<bool> {
        let field = &state.body.fields[position];
        match &field.shape {
            Shape::Single(Element::Scalar(scalar)) => {
                if wire_type != wire_type_of(&scalar.kind) {
                    return Ok(false);
                }
                if let Some(value) = self.scalar(&scalar.kind, reader)? {
                    state.choose(position, field);
                    state.put(field, value);
                    state.note(position);
                }
            }
            Shape::Single(Element::Message(_)) => {
                if wire_type != WireType::LengthDelimited {
                    return Ok(false);
                }
                let range = reader.delimited()?;
                state.choose(position, field);
                match state
                    .pending
                    .iter_mut()
                    .find(|(other, _)| *other == position)
                {
                    Some((_, pending)) => pending.join(self.buffer, range),
                    None => state.pending.push((position, Pending::Range(range))),
                }
                state.note(position);
            }
            Shape::Repeated(Element::Scalar(scalar)) => {
                let Value::Array(items) = &mut state.values[field.slot] else {
                    return Ok(false);
                };
                let own = wire_type_of(&scalar.kind);
                if wire_type == own {
                    items.extend(self.scalar(&scalar.kind, reader)?);
                } else if wire_type == WireType::LengthDelimited {
                    // Packed. What is not packable has this wire type itself.
                    let range = reader.delimited()?;
                    let buffer: &'a Bytes = self.buffer;
                    let mut packed = Reader::new(buffer, range.start, range.end);
                    items.reserve(num_packed(own, range.len()));
                    while !packed.is_empty() {
                        items.extend(self.scalar_of(&scalar.kind, &mut packed)?);
                    }
                } else {
                    return Ok(false);
                }
            }
            Shape::Repeated(Element::Message(plan)) => {
                let Value::Array(items) = &mut state.values[field.slot] else {
                    return Ok(false);
                };
                if wire_type != WireType::LengthDelimited {
                    return Ok(false);
                }
                let range = reader.delimited()?;
                let path = Path::Item(path, &field.name, items.len());
                items.push(self.message(plan, range, depth + 1, &path)?);
            }
            Shape::Map(entry) => {
                if wire_type != WireType::LengthDelimited {
                    return Ok(false);
                }
                let range = reader.delimited()?;
                let path = Path::Field(path, &field.name);
                if depth >= MAX_DEPTH {
                    return Err(too_deep());
                }
                let mut parts = self.body(entry, range, depth + 1, &path)?.into_iter();
                let (key, value) = (
                    parts.next().unwrap_or(Value::Null),
                    parts.next().unwrap_or(Value::Null),
                );
                match state
                    .entries
                    .iter_mut()
                    .find(|(other, _)| *other == position)
                {
                    Some((_, entries)) => entries.push((key, value)),
                    None => state.entries.push((position, vec![(key, value)])),
                }
            }
        }
        Ok(true)
    }

    /// Reads the messages that wait, and makes maps of their entries.
    fn finish(
        &mut self,
        mut state: State<'_>,
        depth: usize,
        path: &Path<'_>,
    ) -> Result<Vec<Value>> {
        let body = state.body;
        let own = body
            .required
            .iter()
            .filter(|position| !state.seen[**position]);
        let own = own.map(|position| format!("{path}{}", body.fields[*position].name));
        let own: Vec<String> = own.collect();
        self.missing
            .splice(state.missing_from..state.missing_from, own);
        for &position in &body.generated {
            if !state.pending.iter().any(|(other, _)| *other == position) {
                state.pending.push((position, Pending::Range(0..0)));
            }
        }
        for (position, pending) in std::mem::take(&mut state.pending) {
            let field = &body.fields[position];
            let Shape::Single(Element::Message(plan)) = &field.shape else {
                continue;
            };
            let path = Path::Field(path, &field.name);
            let value = match pending {
                Pending::Range(range) => self.message(plan, range, depth + 1, &path)?,
                Pending::Joined(bytes) => {
                    let buffer = Bytes::from(bytes);
                    let mut source = Source {
                        buffer: &buffer,
                        missing: self.missing,
                    };
                    source.message(plan, 0..buffer.len(), depth + 1, &path)?
                }
            };
            state.put(field, value);
        }
        for (position, entries) in std::mem::take(&mut state.entries) {
            let slot = body.fields[position].slot;
            state.values[slot] = Value::Map(map_of(entries));
        }
        Ok(state.values)
    }

    fn wrapper(&mut self, scalar: &ScalarPlan, range: Range<usize>, depth: usize) -> Result<Value> {
        let mut value = scalar.default.clone();
        let buffer: &'a Bytes = self.buffer;
        let mut reader = Reader::new(buffer, range.start, range.end);
        while let Some((number, wire_type)) = reader.tag()? {
            if number == 1 && wire_type == wire_type_of(&scalar.kind) {
                if let Some(new) = self.scalar(&scalar.kind, &mut reader)? {
                    value = new;
                }
            } else {
                reader.skip(number, wire_type, depth)?;
            }
        }
        Ok(value)
    }

    fn logical(
        &mut self,
        logical: LogicalType,
        range: Range<usize>,
        depth: usize,
    ) -> Result<Value> {
        let mut parts = Parts::default();
        let buffer: &'a Bytes = self.buffer;
        let mut reader = Reader::new(buffer, range.start, range.end);
        while let Some((number, wire_type)) = reader.tag()? {
            match (number, wire_type, logical) {
                (1, WireType::LengthDelimited, LogicalType::Decimal) => {
                    let range = reader.delimited()?;
                    parts.bytes = self.buffer[range].to_vec();
                }
                (1, WireType::Varint, LogicalType::Timestamp) => {
                    parts.first = reader.varint()? as i64;
                }
                (1, WireType::Varint, LogicalType::Date | LogicalType::Time) => {
                    parts.first = i64::from(reader.varint()? as i32);
                }
                (2, WireType::Varint, _) => parts.second = reader.varint()? as i32,
                (3, WireType::Varint, _) if logical != LogicalType::Timestamp => {
                    parts.third = reader.varint()? as i32;
                }
                (4, WireType::Varint, LogicalType::Time) => {
                    parts.fourth = reader.varint()? as i32;
                }
                (number, wire_type, _) => reader.skip(number, wire_type, depth)?,
            }
        }
        logical::to_connect(logical, &parts)
    }

    /// Reads a scalar; none if it is a number that a closed enum does not know.
    fn scalar(&self, kind: &ScalarKind, reader: &mut Reader<'_>) -> Result<Option<Value>> {
        match kind {
            ScalarKind::String(strict) => text(self.buffer, reader.delimited()?, *strict).map(Some),
            ScalarKind::Bytes => Ok(Some(Value::Bytes(self.buffer.slice(reader.delimited()?)))),
            kind => self.scalar_of(kind, reader),
        }
    }

    /// Reads a scalar that may be packed.
    fn scalar_of(&self, kind: &ScalarKind, reader: &mut Reader<'_>) -> Result<Option<Value>> {
        Ok(Some(match kind {
            ScalarKind::Int32 => Value::Int32(reader.varint()? as i32),
            ScalarKind::Sint32 => Value::Int32(unzigzag32(reader.varint()? as u32)),
            ScalarKind::Sfixed32 => Value::Int32(reader.fixed32()? as i32),
            ScalarKind::Narrow(kind, narrow) => {
                return Ok(self
                    .scalar_of(kind, reader)?
                    .map(|value| narrowed(value, *narrow)));
            }
            ScalarKind::Uint32 => Value::Int64(i64::from(reader.varint()? as u32)),
            ScalarKind::Fixed32 => Value::Int64(i64::from(reader.fixed32()?)),
            ScalarKind::Int64 => Value::Int64(reader.varint()? as i64),
            ScalarKind::Sint64 => Value::Int64(unzigzag64(reader.varint()?)),
            ScalarKind::Fixed64 => Value::Int64(reader.fixed64()? as i64),
            ScalarKind::Float => Value::Float32(f32::from_bits(reader.fixed32()?)),
            ScalarKind::Double => Value::Float64(f64::from_bits(reader.fixed64()?)),
            ScalarKind::Bool => Value::Boolean(reader.varint()? != 0),
            ScalarKind::Enum(plan) => return Ok(plan.value(reader.varint()? as i32)),
            // Never packed: their wire type is the one of packed fields, so they do not come here.
            ScalarKind::String(_) | ScalarKind::Bytes => return self.scalar(kind, reader),
        }))
    }
}

impl State<'_> {
    /// A member of a oneof takes the place of the one before.
    fn choose(&mut self, position: usize, field: &FieldPlan) {
        let Some(member) = &field.member else {
            return;
        };
        let before = self.members[member.oneof].replace(position);
        if let Some(before) = before
            && before != position
        {
            self.pending.retain(|(other, _)| *other != before);
            self.values[self.body.fields[before].slot] = Value::Null;
        }
    }

    fn put(&mut self, field: &FieldPlan, value: Value) {
        let value = match &field.member {
            Some(member) => match &member.union {
                Some((schema, position)) => {
                    let mut values = vec![Value::Null; schema.fields().len()];
                    values[*position] = value;
                    Value::Struct(Box::new(Struct::from_values(schema.clone(), values)))
                }
                None => value,
            },
            None => value,
        };
        self.values[field.slot] = value;
    }

    fn note(&mut self, position: usize) {
        if let Some(seen) = self.seen.get_mut(position) {
            *seen = true;
        }
    }
}

fn wire_type_of(kind: &ScalarKind) -> WireType {
    match kind {
        ScalarKind::Sfixed32 | ScalarKind::Fixed32 | ScalarKind::Float => WireType::Fixed32,
        ScalarKind::Fixed64 | ScalarKind::Double => WireType::Fixed64,
        ScalarKind::String(_) | ScalarKind::Bytes => WireType::LengthDelimited,
        ScalarKind::Narrow(kind, _) => wire_type_of(kind),
        _ => WireType::Varint,
    }
}

/// How many scalars so many bytes hold if they have a fixed width; a guess from below else.
fn num_packed(wire_type: WireType, num_bytes: usize) -> usize {
    match wire_type {
        WireType::Fixed32 => num_bytes / 4,
        WireType::Fixed64 => num_bytes / 8,
        _ => num_bytes / 10,
    }
}

/// A text that is a slice of the buffer; a copy where bytes that are no text had to be replaced.
fn text(buffer: &Bytes, range: Range<usize>, strict: bool) -> Result<Value> {
    match ByteString::try_from(buffer.slice(range.clone())) {
        Ok(text) => Ok(Value::String(text)),
        Err(_) if strict => Err(invalid_utf8()),
        Err(_) => Ok(Value::string(
            String::from_utf8_lossy(&buffer[range]).into_owned(),
        )),
    }
}

/// An integer cut to fewer bits, as by Java.
pub(crate) fn narrowed(value: Value, narrow: SchemaType) -> Value {
    match (value, narrow) {
        (Value::Int32(value), SchemaType::Int8) => Value::Int8(value as i8),
        (Value::Int32(value), SchemaType::Int16) => Value::Int16(value as i16),
        (value, _) => value,
    }
}

/// A key of a map that can be looked up.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Number(i64),
    Float(u32),
    Double(u64),
    Text(ByteString),
    Bytes(Bytes),
    /// Of a type that maps proper do not have: its full text.
    Other(String),
}

impl Key {
    fn of(value: &Value) -> Self {
        match value {
            Value::Boolean(value) => Self::Number(i64::from(*value)),
            Value::Int8(value) => Self::Number(i64::from(*value)),
            Value::Int16(value) => Self::Number(i64::from(*value)),
            Value::Int32(value) => Self::Number(i64::from(*value)),
            Value::Int64(value) | Value::Date(value) => Self::Number(*value),
            Value::Float32(value) => Self::Float(value.to_bits()),
            Value::Float64(value) => Self::Double(value.to_bits()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Bytes(bytes) => Self::Bytes(bytes.clone()),
            Value::Struct(record) => Self::Other(format!("{:?}", record.values())),
            other => Self::Other(format!("{other:?}")),
        }
    }
}

/// A map as Java would hold it: the last value of a key, in the order of a hash map.
fn map_of(entries: Vec<(Value, Value)>) -> Map {
    let mut positions: HashMap<Key, usize> = HashMap::with_capacity(entries.len());
    let mut keys = Vec::with_capacity(entries.len());
    let mut values = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        match positions.entry(Key::of(&key)) {
            std::collections::hash_map::Entry::Occupied(known) => values[*known.get()] = value,
            std::collections::hash_map::Entry::Vacant(new) => {
                new.insert(keys.len());
                keys.push(key);
                values.push(value);
            }
        }
    }
    Map::with_shared_keys(Arc::new(keys), values).into_java_hash_order()
}
