//! Connect values to bytes, field by field in the order of the numbers, as a `DynamicMessage` writes them.

mod compile;

use crate::from_connect::{file_of, illegal_argument, logical_message};
use crate::logical;
use crate::options::DataOptions;
use crate::schema::ProtobufSchema;
use crate::wire::{WireType, put_bytes, put_delimited, put_tag, put_varint, zigzag32, zigzag64};
use bytes::{BufMut, BytesMut};
use compile::Compiler;
use connect_api::data::{LogicalType, SchemaRef, SchemaType, Struct, Value};
use connect_api::{ConnectError, Result};
use std::collections::HashMap;
use std::sync::Arc;

/// Writes values of one Connect schema, and tells the Protobuf schema that they have then.
#[derive(Debug)]
pub struct Encoder {
    text: String,
    imports: Vec<&'static str>,
    message_name: String,
    message_indexes: Vec<i32>,
    schema: ProtobufSchema,
    plan: Element,
}

impl Encoder {
    /// Maps a schema and compiles the plan to write its values.
    pub(crate) fn new(options: DataOptions, schema: &SchemaRef) -> Result<Self> {
        let made = file_of(options, schema)?;
        let parsed = ProtobufSchema::parse(&made.text, &[])?;
        let compiler = Compiler { options };
        let (plan, message_indexes) = match logical_message(schema) {
            // The JVM writes a logical type as its own message under the schema of its physical type, which
            // has no such message, so that there are no indexes.
            Some(name) if schema.schema_type() != SchemaType::Struct => {
                (compiler.root_logical(schema), parsed.message_indexes(name))
            }
            _ => {
                let message = parsed.message(&made.message_name).ok_or_else(|| {
                    ConnectError::data(format!("Invalid message name: {}", made.message_name))
                })?;
                let plan = match schema.schema_type() {
                    SchemaType::Struct => Element::Message(compiler.message(schema, &message)?),
                    _ => compiler.root_wrapper(schema),
                };
                (plan, parsed.message_indexes(&made.message_name))
            }
        };
        Ok(Self {
            text: made.text,
            imports: made.imports,
            message_name: made.message_name,
            message_indexes,
            schema: parsed,
            plan,
        })
    }

    /// The text to register.
    pub fn schema_text(&self) -> &str {
        &self.text
    }

    /// The files that the text imports: all of them known to everybody, but `skip.known.types=false` wants
    /// a reference to each.
    pub fn imports(&self) -> &[&'static str] {
        &self.imports
    }

    /// The full name of the message that holds a value.
    pub fn message_name(&self) -> &str {
        &self.message_name
    }

    /// Where the message stands in the file; empty means the first one.
    pub fn message_indexes(&self) -> &[i32] {
        &self.message_indexes
    }

    /// The parsed schema.
    pub fn schema(&self) -> &ProtobufSchema {
        &self.schema
    }

    /// Appends the bytes of a value; false if it is null, which has none. After an error the buffer holds
    /// a part of the value, which the caller cuts off.
    pub fn encode(&self, value: &Value, out: &mut BytesMut) -> Result<bool> {
        if value.is_null() {
            return Ok(false);
        }
        match &self.plan {
            Element::Message(message) => message.body(value, out)?,
            Element::Wrapper(scalar) => scalar.put_unless_default(1, value, out)?,
            Element::Logical(logical) => put_logical(*logical, value, out)?,
            Element::Scalar(_) | Element::Enum(_) => {
                return Err(ConnectError::data(
                    "a record is a message or a wrapped scalar",
                ));
            }
        }
        Ok(true)
    }
}

/// How one value is written.
#[derive(Debug)]
enum Element {
    Scalar(Scalar),
    /// A scalar in a message of its own.
    Wrapper(Scalar),
    Enum(EnumEncoder),
    Logical(LogicalType),
    Message(MessageEncoder),
}

#[derive(Debug)]
struct MessageEncoder {
    /// The schema of the struct; none for the entries of a map.
    schema: Option<SchemaRef>,
    /// By number.
    fields: Vec<FieldEncoder>,
    /// Positions of unions, which must not be empty.
    unions: Vec<usize>,
    ignore_default: bool,
}

#[derive(Debug)]
struct FieldEncoder {
    number: u32,
    /// The position in the struct.
    slot: usize,
    /// The position in the union of that slot.
    member: Option<usize>,
    /// Whether a default value is written as well.
    has_presence: bool,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Single(Element),
    Packed(Element),
    Repeated(Element),
    Map(Box<MessageEncoder>),
}

#[derive(Clone, Copy, Debug)]
struct Scalar {
    schema_type: SchemaType,
    kind: WireKind,
}

/// How a number, text or bytes stand on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WireKind {
    Int32,
    Sint32,
    Uint32,
    Fixed32,
    Int64,
    Sint64,
    Fixed64,
    Float,
    Double,
    Bool,
    Delimited,
}

#[derive(Debug)]
struct EnumEncoder {
    schema_type: SchemaType,
    /// For enums as text: the number of each symbol.
    numbers: HashMap<String, i32>,
    known: Vec<i32>,
    default: i32,
}

impl WireKind {
    fn wire_type(self) -> WireType {
        match self {
            Self::Fixed32 | Self::Float => WireType::Fixed32,
            Self::Fixed64 | Self::Double => WireType::Fixed64,
            Self::Delimited => WireType::LengthDelimited,
            _ => WireType::Varint,
        }
    }
}

impl Element {
    fn wire_type(&self) -> WireType {
        match self {
            Self::Scalar(scalar) => scalar.kind.wire_type(),
            Self::Enum(_) => WireType::Varint,
            Self::Wrapper(_) | Self::Logical(_) | Self::Message(_) => WireType::LengthDelimited,
        }
    }

    /// Writes a field of one value; not if the value is the default and the field has no presence.
    fn put_field(
        &self,
        number: u32,
        has_presence: bool,
        value: &Value,
        out: &mut BytesMut,
    ) -> Result<()> {
        match self {
            Self::Scalar(scalar) if !has_presence => scalar.put_unless_default(number, value, out),
            Self::Enum(definition) => match definition.number(value)? {
                Some(number) if !has_presence && number == definition.default => Ok(()),
                Some(symbol) => {
                    put_tag(number, WireType::Varint, out);
                    put_varint(i64::from(symbol) as u64, out);
                    Ok(())
                }
                None => Ok(()),
            },
            element => {
                put_tag(number, element.wire_type(), out);
                element.put(value, out)
            }
        }
    }

    /// Writes a value without tag.
    fn put(&self, value: &Value, out: &mut BytesMut) -> Result<()> {
        match self {
            Self::Scalar(scalar) => scalar.put(value, out),
            Self::Wrapper(scalar) => {
                put_delimited(out, |out| scalar.put_unless_default(1, value, out))
            }
            Self::Enum(definition) => {
                let number = definition.number(value)?.ok_or_else(null_item)?;
                put_varint(i64::from(number) as u64, out);
                Ok(())
            }
            Self::Logical(logical) => put_delimited(out, |out| put_logical(*logical, value, out)),
            Self::Message(message) => put_delimited(out, |out| message.body(value, out)),
        }
    }
}

/// What Java throws at a list with a null in it.
fn null_item() -> ConnectError {
    ConnectError::data("")
        .with_class("java.lang.NullPointerException")
        .without_message()
}

impl EnumEncoder {
    /// The number of a value; none for a number that the enum does not have.
    fn number(&self, value: &Value) -> Result<Option<i32>> {
        match (self.schema_type, value) {
            (SchemaType::String, Value::String(symbol)) => match self.numbers.get(&**symbol) {
                Some(number) => Ok(Some(*number)),
                None => Err(illegal_argument(
                    "DynamicMessage should use EnumValueDescriptor to set Enum Value.",
                )),
            },
            (SchemaType::Int32, value) => {
                let number = integer(SchemaType::Int32, value)? as i32;
                Ok(self.known.contains(&number).then_some(number))
            }
            (schema_type, value) => Err(invalid_type(schema_type, value)),
        }
    }
}

fn invalid_type(schema_type: SchemaType, value: &Value) -> ConnectError {
    ConnectError::data(format!(
        "Invalid type for {schema_type}: class {}",
        value.java_class().unwrap_or("null")
    ))
}

/// `((Number) value).longValue()`.
fn integer(schema_type: SchemaType, value: &Value) -> Result<i64> {
    match value {
        Value::Float32(value) => Ok(*value as i64),
        Value::Float64(value) => Ok(*value as i64),
        value => value
            .as_i64()
            .ok_or_else(|| invalid_type(schema_type, value)),
    }
}

fn float(schema_type: SchemaType, value: &Value) -> Result<f64> {
    match value {
        Value::Float32(value) => Ok(f64::from(*value)),
        Value::Float64(value) => Ok(*value),
        value => integer(schema_type, value).map(|value| value as f64),
    }
}

impl Scalar {
    fn put_unless_default(self, number: u32, value: &Value, out: &mut BytesMut) -> Result<()> {
        let is_default = match value {
            Value::String(text) => text.is_empty(),
            Value::Bytes(bytes) => bytes.is_empty(),
            Value::Boolean(value) => !value,
            // Minus zero is not the default.
            Value::Float32(value) => value.to_bits() == 0,
            Value::Float64(value) => value.to_bits() == 0,
            value => match self.kind {
                WireKind::Int64 | WireKind::Sint64 | WireKind::Fixed64 => {
                    integer(self.schema_type, value)? == 0
                }
                _ => integer(self.schema_type, value)? as i32 == 0,
            },
        };
        if is_default && self.holds(value) {
            return Ok(());
        }
        put_tag(number, self.kind.wire_type(), out);
        self.put(value, out)
    }

    /// Whether the value is of the class that the schema names.
    fn holds(self, value: &Value) -> bool {
        match self.kind {
            WireKind::Delimited => matches!(
                (self.schema_type, value),
                (SchemaType::String, Value::String(_)) | (SchemaType::Bytes, Value::Bytes(_))
            ),
            WireKind::Bool => matches!(value, Value::Boolean(_)),
            WireKind::Float => matches!(value, Value::Float32(_)),
            WireKind::Double => matches!(value, Value::Float64(_)),
            _ => value.as_i64().is_some(),
        }
    }

    fn put(self, value: &Value, out: &mut BytesMut) -> Result<()> {
        let schema_type = self.schema_type;
        match self.kind {
            WireKind::Int32 => {
                put_varint(i64::from(integer(schema_type, value)? as i32) as u64, out);
            }
            WireKind::Sint32 => {
                let value = integer(schema_type, value)? as i32;
                put_varint(u64::from(zigzag32(value)), out);
            }
            WireKind::Uint32 => put_varint(u64::from(integer(schema_type, value)? as u32), out),
            WireKind::Fixed32 => out.put_u32_le(integer(schema_type, value)? as u32),
            WireKind::Int64 => put_varint(integer(schema_type, value)? as u64, out),
            WireKind::Sint64 => put_varint(zigzag64(integer(schema_type, value)?), out),
            WireKind::Fixed64 => out.put_u64_le(integer(schema_type, value)? as u64),
            WireKind::Float => match value {
                Value::Float32(value) => out.put_f32_le(*value),
                value => out.put_f32_le(float(schema_type, value)? as f32),
            },
            WireKind::Double => out.put_f64_le(float(schema_type, value)?),
            WireKind::Bool => match value {
                Value::Boolean(value) => out.put_u8(u8::from(*value)),
                value => return Err(invalid_type(schema_type, value)),
            },
            WireKind::Delimited => match (schema_type, value) {
                (SchemaType::String, Value::String(text)) => put_bytes(text.as_bytes(), out),
                (SchemaType::Bytes, Value::Bytes(bytes)) => put_bytes(bytes, out),
                (_, value) => return Err(invalid_type(schema_type, value)),
            },
        }
        Ok(())
    }
}

fn put_logical(logical: LogicalType, value: &Value, out: &mut BytesMut) -> Result<()> {
    let varint = |number: u32, value: i64, out: &mut BytesMut| {
        if value != 0 {
            put_tag(number, WireType::Varint, out);
            put_varint(value as u64, out);
        }
    };
    let wrong = |name: &str, class: &str| {
        ConnectError::data(format!(
            "Invalid type for {name}, expected {class} but was class {}",
            value.java_class().unwrap_or("null")
        ))
    };
    match (logical, value) {
        (LogicalType::Decimal, Value::Decimal(decimal)) => {
            put_tag(1, WireType::LengthDelimited, out);
            put_bytes(&decimal.to_bytes(), out);
            let num_digits = decimal.unscaled.magnitude().to_string().len();
            varint(2, num_digits as i64, out);
            varint(3, decimal.scale.into(), out);
            Ok(())
        }
        (LogicalType::Decimal, _) => Err(wrong("Decimal", "BigDecimal")),
        (logical, Value::Date(ms)) => {
            let parts = logical::from_date(logical, *ms)?;
            varint(1, parts.first, out);
            for (number, part) in [(2, parts.second), (3, parts.third), (4, parts.fourth)] {
                varint(number, part.into(), out);
            }
            Ok(())
        }
        (LogicalType::Date, _) => Err(wrong("Date", "Date")),
        (LogicalType::Time, _) => Err(wrong("Time", "Date")),
        (LogicalType::Timestamp, _) => Err(wrong("Timestamp", "Date")),
    }
}

impl MessageEncoder {
    fn body(&self, value: &Value, out: &mut BytesMut) -> Result<()> {
        let Some(schema) = &self.schema else {
            return Err(invalid_type(SchemaType::Map, value));
        };
        let Value::Struct(record) = value else {
            return Err(invalid_type(SchemaType::Struct, value));
        };
        if !Arc::ptr_eq(record.schema(), schema) && record.schema() != schema {
            return Err(ConnectError::data("Mismatching struct schema"));
        }
        for &union in &self.unions {
            check_union(self.slot(record, union), self.ignore_default)?;
        }
        for field in &self.fields {
            let value = self.slot(record, field.slot);
            if value.is_null() {
                continue;
            }
            match field.member {
                None => field.put(value, out)?,
                Some(position) => {
                    if let Value::Struct(union) = value
                        && chosen(union, self.ignore_default) == Some(position)
                    {
                        field.put(slot_of(union, position, self.ignore_default), out)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn slot<'a>(&self, record: &'a Struct, index: usize) -> &'a Value {
        slot_of(record, index, self.ignore_default)
    }

    fn entry(&self, key: &Value, value: &Value, out: &mut BytesMut) -> Result<()> {
        for (field, part) in self.fields.iter().zip([key, value]) {
            if !part.is_null() {
                field.put(part, out)?;
            }
        }
        Ok(())
    }
}

fn slot_of(record: &Struct, index: usize, ignore_default: bool) -> &Value {
    if ignore_default {
        record.values().get(index).unwrap_or(&Value::Null)
    } else {
        record.get_at(index)
    }
}

/// The first member of a union that is not null.
fn chosen(union: &Struct, ignore_default: bool) -> Option<usize> {
    (0..union.values().len()).find(|&index| !slot_of(union, index, ignore_default).is_null())
}

fn check_union(value: &Value, ignore_default: bool) -> Result<()> {
    match value {
        Value::Null => Ok(()),
        Value::Struct(union) if chosen(union, ignore_default).is_some() => Ok(()),
        Value::Struct(_) => Err(ConnectError::data("Cannot find non-null field")),
        value => Err(invalid_type(SchemaType::Struct, value)),
    }
}

impl FieldEncoder {
    fn put(&self, value: &Value, out: &mut BytesMut) -> Result<()> {
        match (&self.shape, value) {
            (Shape::Single(element), value) => {
                element.put_field(self.number, self.has_presence, value, out)
            }
            (Shape::Packed(element), Value::Array(items)) => {
                if items.is_empty() {
                    return Ok(());
                }
                put_tag(self.number, WireType::LengthDelimited, out);
                put_delimited(out, |out| {
                    items
                        .iter()
                        .try_for_each(|item| put_item(element, item, out))
                })
            }
            (Shape::Repeated(element), Value::Array(items)) => items.iter().try_for_each(|item| {
                put_tag(self.number, element.wire_type(), out);
                put_item(element, item, out)
            }),
            (Shape::Map(entry), Value::Map(map)) => map.iter().try_for_each(|(key, value)| {
                put_tag(self.number, WireType::LengthDelimited, out);
                put_delimited(out, |out| entry.entry(key, value, out))
            }),
            (Shape::Map(_), value) => Err(invalid_type(SchemaType::Map, value)),
            (Shape::Packed(_) | Shape::Repeated(_), value) => {
                Err(invalid_type(SchemaType::Array, value))
            }
        }
    }
}

fn put_item(element: &Element, item: &Value, out: &mut BytesMut) -> Result<()> {
    if item.is_null() {
        return Err(null_item());
    }
    element.put(item, out)
}
