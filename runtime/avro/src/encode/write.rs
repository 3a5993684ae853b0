//! Carrying out a plan.

use super::plan::{FieldWrite, Number, OnNull, RecordWrite, Slot, UnionWrite, Write};
use crate::schema::MAX_DEPTH;
use crate::wire::{write_bytes, write_long};
use bytes::{BufMut, BytesMut};
use connect_api::data::{
    Decimal, LogicalType, Map, Schema, SchemaRef, SchemaType, Struct, Value, java_hash_order,
};
use connect_api::{ConnectError, Result};

const NULL_VALUE: &str = "Found null value for non-optional schema";

#[cold]
fn invalid_type(type_name: &str, value: &Value) -> ConnectError {
    ConnectError::data(format!(
        "Invalid type for {type_name}: class {}",
        value.java_class().unwrap_or("null")
    ))
}

impl Slot {
    #[inline]
    pub(super) fn write(&self, value: &Value, out: &mut BytesMut) -> Result<()> {
        if value.is_null() {
            return self.write_null(out);
        }
        if let Some(branch) = self.branch {
            write_long(branch, out);
        }
        self.write.write(value, out)
    }

    fn write_null(&self, out: &mut BytesMut) -> Result<()> {
        if !self.optional {
            return Err(ConnectError::data(NULL_VALUE));
        }
        match &self.on_null {
            OnNull::Nothing => {}
            OnNull::Branch(branch) => write_long(*branch, out),
            OnNull::Write => {
                if let Some(branch) = self.branch {
                    write_long(branch, out);
                }
                self.write.write(&Value::Null, out)?;
            }
            OnNull::Fail(error) => return Err(error.clone()),
        }
        Ok(())
    }

    /// Writes bytes without their length; `false` if the value is written in another way.
    pub(super) fn write_raw(&self, value: &Value, out: &mut BytesMut) -> Result<bool> {
        match (&self.write, value) {
            (Write::Bytes, Value::Bytes(bytes)) => out.put_slice(bytes),
            (Write::Decimal(schema, scale, None), Value::Decimal(decimal)) => {
                out.put_slice(&decimal_bytes(schema, *scale, decimal)?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Write {
    fn write(&self, value: &Value, out: &mut BytesMut) -> Result<()> {
        match (self, value) {
            (Self::Int32, Value::Int32(value)) => write_long(i64::from(*value), out),
            (Self::Int64, Value::Int64(value)) | (Self::Timestamp, Value::Date(value)) => {
                write_long(*value, out);
            }
            (Self::Float32, Value::Float32(value)) => out.put_f32_le(*value),
            (Self::Float64, Value::Float64(value)) => out.put_f64_le(*value),
            (Self::Boolean, Value::Boolean(value)) => out.put_u8(u8::from(*value)),
            (Self::String, Value::String(text)) => write_bytes(text.as_bytes(), out),
            (Self::Bytes, Value::Bytes(bytes)) => write_bytes(bytes, out),
            (Self::Number(schema_type, logical, number), value) => {
                write_number(*schema_type, *logical, *number, value, out)?;
            }
            (Self::Enum(symbols), Value::String(text)) => {
                let index = symbols.get(&**text).ok_or_else(|| {
                    ConnectError::data(format!("enum value '{text}' is not in the enum symbol set"))
                        .with_class(crate::schema::AVRO_RUNTIME_EXCEPTION)
                })?;
                write_long(*index, out);
            }
            (Self::Fixed(size), Value::Bytes(bytes)) => {
                if bytes.len() != *size {
                    return Err(ConnectError::data(format!(
                        "A fixed of {size} bytes cannot hold {} bytes",
                        bytes.len()
                    )));
                }
                out.put_slice(bytes);
            }
            (Self::Decimal(schema, scale, size), Value::Decimal(decimal)) => {
                write_decimal(schema, *scale, *size, decimal, out)?;
            }
            (Self::Array(slot), Value::Array(items)) => {
                if !items.is_empty() {
                    write_long(items.len() as i64, out);
                    for item in items {
                        slot.write(item, out)?;
                    }
                }
                out.put_u8(0);
            }
            (Self::Map(slot), Value::Map(map)) => write_map(slot, map, out)?,
            (Self::Entries(slots), Value::Map(map)) => {
                if !map.is_empty() {
                    write_long(map.len() as i64, out);
                    for (key, value) in map.iter() {
                        slots.0.write(key, out)?;
                        slots.1.write(value, out)?;
                    }
                }
                out.put_u8(0);
            }
            (Self::Record(record), Value::Struct(value)) => write_record(record, value, out)?,
            (Self::Union(union), Value::Struct(value)) => write_union(union, value, out)?,
            (Self::Anything, value) => write_anything(value, 0, out)?,
            (Self::Fail(error), _) => return Err(error.clone()),
            (_, value) => return Err(self.invalid(value)),
        }
        Ok(())
    }

    /// The error for a value of another class than the schema asks for.
    #[cold]
    fn invalid(&self, value: &Value) -> ConnectError {
        let type_name = match self {
            Self::Boolean => "BOOLEAN",
            Self::Int32 => "INT32",
            Self::Int64 => "INT64",
            Self::Float32 => "FLOAT32",
            Self::Float64 => "FLOAT64",
            Self::Timestamp => return expected_class("Timestamp", "Date", value),
            Self::Decimal(..) => return expected_class("Decimal", "BigDecimal", value),
            Self::Number(schema_type, ..) => schema_type.name(),
            Self::String | Self::Enum(_) => "STRING",
            Self::Bytes | Self::Fixed(_) => "BYTES",
            Self::Array(_) => "ARRAY",
            Self::Map(_) | Self::Entries(_) => "MAP",
            Self::Record(_) | Self::Union(_) | Self::Anything | Self::Fail(_) => "STRUCT",
        };
        invalid_type(type_name, value)
    }
}

#[cold]
fn expected_class(name: &str, expected: &str, value: &Value) -> ConnectError {
    ConnectError::data(format!(
        "Invalid type for {name}, expected {expected} but was class {}",
        value.java_class().unwrap_or("null")
    ))
}

fn write_number(
    schema_type: SchemaType,
    logical: Option<LogicalType>,
    number: Number,
    value: &Value,
    out: &mut BytesMut,
) -> Result<()> {
    let stored;
    let value = match (logical, value) {
        (None, value) => value,
        (Some(LogicalType::Decimal), value) => {
            return Err(expected_class("Decimal", "BigDecimal", value));
        }
        (Some(logical), Value::Date(ms)) => {
            stored = logical.date_to_number(*ms)?;
            &stored
        }
        (Some(logical), value) => {
            let name = logical.schema_name();
            let simple = name.rsplit('.').next().unwrap_or(name);
            return Err(expected_class(simple, "Date", value));
        }
    };
    let (integer, fraction) = match (schema_type, value) {
        (SchemaType::Int8, Value::Int8(value)) => (i64::from(*value), f64::from(*value)),
        (SchemaType::Int16, Value::Int16(value)) => (i64::from(*value), f64::from(*value)),
        (SchemaType::Int32, Value::Int32(value)) => (i64::from(*value), f64::from(*value)),
        (SchemaType::Int64, Value::Int64(value)) => (*value, *value as f64),
        (SchemaType::Float32, Value::Float32(value)) => (*value as i64, f64::from(*value)),
        (SchemaType::Float64, Value::Float64(value)) => (*value as i64, *value),
        (schema_type, value) => return Err(invalid_type(schema_type.name(), value)),
    };
    let is_fraction = matches!(schema_type, SchemaType::Float32 | SchemaType::Float64);
    match number {
        // Java narrows a double to an int at its bounds, and a long by its lowest bits.
        Number::Int if is_fraction => write_long(i64::from(fraction as i32), out),
        Number::Int => write_long(i64::from(integer as i32), out),
        Number::Long => write_long(integer, out),
        Number::Float if is_fraction => out.put_f32_le(fraction as f32),
        Number::Float => out.put_f32_le(integer as f32),
        Number::Double => out.put_f64_le(fraction),
    }
    Ok(())
}

fn decimal_bytes(schema: &Schema, scale: i32, decimal: &Decimal) -> Result<Vec<u8>> {
    if decimal.scale == scale {
        Ok(decimal.to_bytes())
    } else {
        decimal.to_logical_bytes(schema)
    }
}

fn write_decimal(
    schema: &Schema,
    scale: i32,
    size: Option<usize>,
    decimal: &Decimal,
    out: &mut BytesMut,
) -> Result<()> {
    let bytes = decimal_bytes(schema, scale, decimal)?;
    let Some(size) = size else {
        write_bytes(&bytes, out);
        return Ok(());
    };
    let Some(num_missing) = size.checked_sub(bytes.len()) else {
        return Err(ConnectError::data(format!(
            "Unscaled value byte array length {} is greater than fixed size {size}",
            bytes.len()
        )));
    };
    let is_negative = bytes.first().is_some_and(|&byte| byte >= 0x80);
    out.put_bytes(if is_negative { 0xFF } else { 0 }, num_missing);
    out.put_slice(&bytes);
    Ok(())
}

/// Java puts the entries into a `HashMap` first, and its order is the one of the bytes.
fn write_map(slot: &Slot, map: &Map, out: &mut BytesMut) -> Result<()> {
    let mut texts = Vec::with_capacity(map.len());
    for key in map.shared_keys().iter() {
        texts.push(key.as_str().ok_or_else(|| match key {
            Value::Null => ConnectError::data("A map with string keys cannot hold the key null"),
            key => invalid_type("MAP", key),
        })?);
    }
    if !texts.is_empty() {
        write_long(texts.len() as i64, out);
        let order = match texts.len() {
            1 => vec![0],
            _ => java_hash_order(texts.iter().copied()),
        };
        for index in order {
            write_bytes(texts[index].as_bytes(), out);
            slot.write(&map.values()[index], out)?;
        }
    }
    out.put_u8(0);
    Ok(())
}

fn check_schema(expected: &SchemaRef, value: &Struct) -> Result<()> {
    let actual = value.schema();
    if std::sync::Arc::ptr_eq(expected, actual) || expected == actual {
        return Ok(());
    }
    // A struct that is a default belongs to the schema without that default.
    let is_default = expected.default_value().is_some()
        && expected.name() == actual.name()
        && expected.fields() == actual.fields();
    if is_default {
        return Ok(());
    }
    Err(ConnectError::data("Mismatching struct schema"))
}

fn write_record(record: &RecordWrite, value: &Struct, out: &mut BytesMut) -> Result<()> {
    check_schema(&record.schema, value)?;
    let values = value.values();
    for field in &record.fields {
        field.slot.write(field.value(values), out)?;
    }
    Ok(())
}

impl FieldWrite {
    #[inline]
    fn value<'a>(&'a self, values: &'a [Value]) -> &'a Value {
        match (values.get(self.index), &self.default) {
            (None | Some(Value::Null), Some(default)) => default,
            (None, None) => &Value::Null,
            (Some(value), _) => value,
        }
    }
}

fn write_union(union: &UnionWrite, value: &Struct, out: &mut BytesMut) -> Result<()> {
    check_schema(&union.schema, value)?;
    let values = value.values();
    for member in &union.members {
        let value = member.value(values);
        if !value.is_null() {
            return member.slot.write(value, out);
        }
    }
    if !union.schema.is_optional() {
        return Err(ConnectError::data(NULL_VALUE));
    }
    match union.members.first() {
        Some(member) => member.slot.write(&Value::Null, out),
        None => Ok(()),
    }
}

/// Schemaless data: the field of its class is set, of the nine that there are.
fn write_anything(value: &Value, depth: usize, out: &mut BytesMut) -> Result<()> {
    const NUM_FIELDS: usize = 9;
    if depth > MAX_DEPTH {
        return Err(ConnectError::data(format!(
            "Schemaless data nests deeper than {MAX_DEPTH} levels"
        )));
    }
    let field = match value {
        Value::Null => {
            out.put_bytes(0, NUM_FIELDS);
            return Ok(());
        }
        Value::Boolean(_) => 0,
        Value::Float64(_) => 2,
        Value::Float32(_) => 3,
        Value::Int8(_) | Value::Int16(_) | Value::Int32(_) => 4,
        Value::Int64(_) => 5,
        Value::String(_) => 6,
        Value::Array(_) => 7,
        Value::Map(_) => 8,
        Value::Bytes(_) | Value::Struct(_) | Value::Decimal(_) | Value::Date(_) => {
            return Err(ConnectError::data(format!(
                "Unknown Java type for schemaless data: class {}",
                value.java_class().unwrap_or("null")
            )));
        }
    };
    out.put_bytes(0, field);
    write_long(1, out);
    match value {
        Value::Boolean(value) => out.put_u8(u8::from(*value)),
        Value::Float64(value) => out.put_f64_le(*value),
        Value::Float32(value) => out.put_f32_le(*value),
        Value::String(text) => write_bytes(text.as_bytes(), out),
        Value::Array(items) => {
            if !items.is_empty() {
                write_long(items.len() as i64, out);
                for item in items {
                    write_anything(item, depth + 1, out)?;
                }
            }
            out.put_u8(0);
        }
        Value::Map(map) => {
            if !map.is_empty() {
                write_long(map.len() as i64, out);
                for (key, value) in map.iter() {
                    write_anything(key, depth + 1, out)?;
                    write_anything(value, depth + 1, out)?;
                }
            }
            out.put_u8(0);
        }
        value => write_long(value.as_i64().unwrap_or_default(), out),
    }
    out.put_bytes(0, NUM_FIELDS - 1 - field);
    Ok(())
}
