//! Values of a known type, coerced as the accessors of Jackson's tree do it in Java's converters: a text is
//! the number 0, a wide number loses its upper bits.

use super::{JsonKind, JsonNumber, JsonReader, decode_base64};
use crate::data::{Decimal, LogicalType, Schema, SchemaType, Value};
use crate::error::{ConnectError, Result};

/// Takes the next value; `None` if it is no number.
#[inline]
fn number<'a>(kind: JsonKind, reader: &mut JsonReader<'a>) -> Result<Option<JsonNumber<'a>>> {
    if kind == JsonKind::Number {
        return reader.read_number().map(Some);
    }
    reader.skip_value()?;
    Ok(None)
}

/// The next value, which is of `kind` and not null, as a number, boolean, text or bytes. `None`, with
/// nothing taken, for other types, and for text and bytes that are no string: there the converters differ.
#[inline]
pub fn read_scalar(
    schema_type: SchemaType,
    kind: JsonKind,
    reader: &mut JsonReader<'_>,
) -> Result<Option<Value>> {
    Ok(Some(match schema_type {
        SchemaType::Int8 => Value::Int8(number(kind, reader)?.map_or(0, |n| n.to_int() as i8)),
        SchemaType::Int16 => Value::Int16(number(kind, reader)?.map_or(0, |n| n.to_int() as i16)),
        SchemaType::Int32 => Value::Int32(number(kind, reader)?.map_or(0, |n| n.to_int())),
        SchemaType::Int64 => Value::Int64(number(kind, reader)?.map_or(0, |n| n.to_long())),
        SchemaType::Float32 => Value::Float32(number(kind, reader)?.map_or(0.0, |n| n.to_float())),
        SchemaType::Float64 => Value::Float64(number(kind, reader)?.map_or(0.0, |n| n.to_double())),
        SchemaType::Boolean if kind == JsonKind::Boolean => Value::Boolean(reader.read_boolean()?),
        SchemaType::Boolean => {
            reader.skip_value()?;
            Value::Boolean(false)
        }
        SchemaType::String if kind == JsonKind::String => Value::String(reader.read_string()?),
        SchemaType::Bytes if kind == JsonKind::String => {
            let bytes = decode_base64(&reader.read_str()?)
                .map_err(|error| ConnectError::data("Invalid bytes field").with_cause(error))?;
            Value::Bytes(bytes.into())
        }
        SchemaType::String
        | SchemaType::Bytes
        | SchemaType::Array
        | SchemaType::Map
        | SchemaType::Struct => return Ok(None),
    }))
}

/// What a scalar type, or an array, is where there is no text at all; `None` for maps and structs.
pub fn missing_value(schema_type: SchemaType) -> Option<Value> {
    Some(match schema_type {
        SchemaType::Int8 => Value::Int8(0),
        SchemaType::Int16 => Value::Int16(0),
        SchemaType::Int32 => Value::Int32(0),
        SchemaType::Int64 => Value::Int64(0),
        SchemaType::Float32 => Value::Float32(0.0),
        SchemaType::Float64 => Value::Float64(0.0),
        SchemaType::Boolean => Value::Boolean(false),
        SchemaType::String | SchemaType::Bytes => Value::Null,
        SchemaType::Array => Value::Array(Vec::new()),
        SchemaType::Map | SchemaType::Struct => return None,
    })
}

/// The next value, which is of `kind` and not null, as one of a logical type.
pub fn read_logical(
    logical_type: LogicalType,
    schema: &Schema,
    kind: JsonKind,
    reader: &mut JsonReader<'_>,
) -> Result<Value> {
    match (logical_type, kind) {
        (LogicalType::Decimal, JsonKind::Number) => Ok(Value::Decimal(Box::new(
            reader.read_number()?.to_decimal()?,
        ))),
        (LogicalType::Decimal, JsonKind::String) => {
            let decimal = decode_base64(&reader.read_str()?)
                .and_then(|bytes| Decimal::from_bytes(&bytes, Decimal::scale_of(schema)?))
                .map_err(|error| {
                    ConnectError::data("Invalid bytes for Decimal field").with_cause(error)
                })?;
            Ok(Value::Decimal(Box::new(decimal)))
        }
        (LogicalType::Date | LogicalType::Time, JsonKind::Number) => {
            match reader.read_number()?.to_exact_int() {
                Some(number) => logical_type.number_to_date(number.into()),
                None => Err(wrong_representation(logical_type, kind.name())),
            }
        }
        (LogicalType::Timestamp, JsonKind::Number) => {
            let number = reader.read_number()?;
            if number.is_integral() {
                logical_type.number_to_date(number.to_long())
            } else {
                Err(wrong_representation(logical_type, kind.name()))
            }
        }
        _ => Err(wrong_representation(logical_type, kind.name())),
    }
}

/// The error of a map with text keys that is of another kind.
#[cold]
pub fn not_an_object(kind: &str) -> ConnectError {
    ConnectError::data(format!(
        "Maps with string fields should be encoded as JSON objects, but found {kind}"
    ))
}

/// The error of a struct that is of another kind.
#[cold]
pub fn not_a_struct(kind: &str) -> ConnectError {
    ConnectError::data(format!(
        "Structs should be encoded as JSON objects, but found {kind}"
    ))
}

/// The error of a logical type that is of another kind.
#[cold]
pub fn wrong_representation(logical_type: LogicalType, kind: &str) -> ConnectError {
    let (name, wanted) = match logical_type {
        LogicalType::Decimal => ("Decimal", "numeric or bytes"),
        LogicalType::Date => ("Date", "integer"),
        LogicalType::Time => ("Time", "integer"),
        LogicalType::Timestamp => ("Timestamp", "integral"),
    };
    ConnectError::data(format!(
        "Invalid type for {name}, underlying representation should be {wanted} but was {kind}"
    ))
}
