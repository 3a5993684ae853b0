//! Carrying out a plan.

use super::plan::{EntriesRead, EntryStep, Finish, MemberRead, Number, Read, RecordRead, Step};
use super::skip::{bad_index, read_branch};
use crate::schema::{AVRO_TYPE_EXCEPTION, MAX_DEPTH};
use crate::wire::Cursor;
use bytestring::ByteString;
use connect_api::data::{Decimal, LogicalType, Map, Struct, Value};
use connect_api::{ConnectError, Result};
use std::collections::HashMap;
use std::sync::Arc;

/// How deep schemaless data may nest.
const MAX_SCHEMALESS_DEPTH: usize = MAX_DEPTH;

impl Read {
    pub(super) fn read(&self, cursor: &mut Cursor<'_>, depth: usize) -> Result<Value> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Boolean => Value::Boolean(cursor.read_boolean()?),
            Self::Int32 => Value::Int32(cursor.read_int()?),
            Self::Int64 => Value::Int64(cursor.read_long()?),
            Self::Float32 => Value::Float32(cursor.read_float()?),
            Self::Float64 => Value::Float64(cursor.read_double()?),
            Self::Timestamp => Value::Date(cursor.read_long()?),
            Self::Number(number, finish) => read_number(*number, *finish, cursor)?,
            Self::String => Value::String(cursor.read_string()?),
            Self::Bytes => Value::Bytes(cursor.read_bytes()?),
            Self::Fixed(size) => Value::Bytes(cursor.read_fixed(*size)?),
            Self::Decimal(size, scale) => {
                let bytes = match size {
                    Some(size) => cursor.read_fixed_slice(*size)?,
                    None => cursor.read_slice()?,
                };
                Value::from(Decimal::from_bytes(bytes, *scale)?)
            }
            Self::Enum(symbols) => {
                let index = cursor.read_int()?;
                let symbol = usize::try_from(index)
                    .ok()
                    .and_then(|index| symbols.get(index));
                match symbol.ok_or_else(|| bad_index(index, symbols.len()))? {
                    Ok(text) => Value::String(text.clone()),
                    Err(message) => return Err(mismatch(message)),
                }
            }
            Self::Array(items) => read_array(items, cursor, depth)?,
            Self::Map(values, is_utf8) => read_map(values, *is_utf8, cursor, depth)?,
            Self::Entries(entries) => read_entries(entries, cursor, depth)?,
            Self::Nullable { null_branch, other } => {
                let branch = read_branch(cursor, 2)? as i64;
                if branch == *null_branch {
                    Value::Null
                } else {
                    return other.read(cursor, depth);
                }
            }
            Self::Union(branches) => {
                let branch = read_branch(cursor, branches.len())?;
                return branches[branch].read(cursor, depth);
            }
            Self::Member(member) => read_member(member, cursor, depth)?,
            Self::Record(record) => read_record(record, cursor, depth)?,
            Self::Anything => read_anything(cursor, depth)?,
            Self::Fail(error) => return Err(error.clone()),
        })
    }
}

#[cold]
fn mismatch(message: &str) -> ConnectError {
    ConnectError::data(message).with_class(AVRO_TYPE_EXCEPTION)
}

fn read_number(number: Number, finish: Finish, cursor: &mut Cursor<'_>) -> Result<Value> {
    let (integer, fraction) = match number {
        Number::Int => {
            let value = i64::from(cursor.read_int()?);
            (value, value as f64)
        }
        Number::Long => {
            let value = cursor.read_long()?;
            (value, value as f64)
        }
        Number::Float => (0, f64::from(cursor.read_float()?)),
        Number::Double => (0, cursor.read_double()?),
    };
    Ok(match finish {
        Finish::Int8 => Value::Int8(integer as i8),
        Finish::Int16 => Value::Int16(integer as i16),
        Finish::Int32 => Value::Int32(integer as i32),
        Finish::Int64 => Value::Int64(integer),
        // A long becomes a float in one step: two would round twice.
        Finish::Float32 if matches!(number, Number::Int | Number::Long) => {
            Value::Float32(integer as f32)
        }
        Finish::Float32 => Value::Float32(fraction as f32),
        Finish::Float64 => Value::Float64(fraction),
        Finish::Date => LogicalType::Date.number_to_date(integer)?,
        Finish::Time => LogicalType::Time.number_to_date(integer)?,
        Finish::Timestamp => Value::Date(integer),
    })
}

fn read_array(items: &Read, cursor: &mut Cursor<'_>, depth: usize) -> Result<Value> {
    let mut values = Vec::new();
    loop {
        let count = cursor.read_block()?;
        if count == 0 {
            return Ok(Value::Array(values));
        }
        values.reserve(cursor.capacity(count));
        for _ in 0..count {
            let before = cursor.position();
            values.push(items.read(cursor, depth)?);
            cursor.count_item(before)?;
        }
    }
}

fn read_map(
    values_read: &Read,
    is_utf8: bool,
    cursor: &mut Cursor<'_>,
    depth: usize,
) -> Result<Value> {
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    loop {
        let count = cursor.read_block()?;
        if count == 0 {
            break;
        }
        keys.reserve(cursor.capacity(count));
        values.reserve(cursor.capacity(count));
        for _ in 0..count {
            keys.push(Value::String(cursor.read_string()?));
            values.push(values_read.read(cursor, depth)?);
        }
    }
    drop_repeated(&mut keys, &mut values);
    if is_utf8 && keys.len() > 1 {
        (keys, values) = in_utf8_order(keys, values);
    }
    Ok(Value::Map(hash_map(keys, values)))
}

/// The order in which Avro's own map hands out the entries, which decides within a bucket of the next one.
fn in_utf8_order(keys: Vec<Value>, values: Vec<Value>) -> (Vec<Value>, Vec<Value>) {
    let mut num_buckets = 16;
    while keys.len() > num_buckets * 3 / 4 {
        num_buckets *= 2;
    }
    let bucket = |key: &Value| {
        let text = key.as_str().unwrap_or_default();
        let hash = text.bytes().fold(1i32, |hash, byte| {
            hash.wrapping_mul(31)
                .wrapping_add(i32::from(byte.cast_signed()))
        });
        let hash = hash.cast_unsigned();
        (hash ^ (hash >> 16)) as usize & (num_buckets - 1)
    };
    let mut entries: Vec<(Value, Value)> = keys.into_iter().zip(values).collect();
    entries.sort_by_cached_key(|(key, _)| bucket(key));
    entries.into_iter().unzip()
}

/// Distinct entries as Java's `new HashMap<>(number of entries)` holds them, in the order of its buckets.
fn hash_map(keys: Vec<Value>, values: Vec<Value>) -> Map {
    let num_buckets = keys.len().next_power_of_two();
    let map = Map::with_shared_keys(Arc::new(keys), values);
    if map.len() < 2 {
        return map;
    }
    map.into_java_hash_order_from(num_buckets)
}

/// Keeps the first place and the last value of each key.
fn drop_repeated(keys: &mut Vec<Value>, values: &mut Vec<Value>) {
    let mut positions: HashMap<ByteString, usize> = HashMap::with_capacity(keys.len());
    let mut num_kept = 0;
    for at in 0..keys.len() {
        let text = match &keys[at] {
            Value::String(text) => text.clone(),
            other => format!("{other:?}").into(),
        };
        let position = *positions.entry(text).or_insert(num_kept);
        if position == num_kept {
            keys.swap(at, num_kept);
            values.swap(at, num_kept);
            num_kept += 1;
        } else {
            values.swap(at, position);
        }
    }
    keys.truncate(num_kept);
    values.truncate(num_kept);
}

fn read_entries(entries: &EntriesRead, cursor: &mut Cursor<'_>, depth: usize) -> Result<Value> {
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    loop {
        let count = cursor.read_block()?;
        if count == 0 {
            break;
        }
        for _ in 0..count {
            let before = cursor.position();
            let (mut key, mut value) = (Value::Null, Value::Null);
            for step in &entries.steps {
                match step {
                    EntryStep::Key(read) => key = read.read(cursor, depth)?,
                    EntryStep::Value(read) => value = read.read(cursor, depth)?,
                    EntryStep::Skip(skip) => skip.skip(cursor)?,
                }
            }
            keys.push(key);
            values.push(value);
            cursor.count_item(before)?;
        }
    }
    drop_repeated(&mut keys, &mut values);
    Ok(Value::Map(hash_map(keys, values)))
}

fn read_member(member: &MemberRead, cursor: &mut Cursor<'_>, depth: usize) -> Result<Value> {
    let value = member.read.read(cursor, depth)?;
    let num_bytes = match &value {
        Value::Bytes(bytes) => Some(bytes.len()),
        _ => None,
    };
    let index = member
        .members
        .iter()
        .find(|(size, _)| size.is_none() || *size == num_bytes)
        .map(|(_, index)| *index)
        .ok_or_else(|| ConnectError::data("Did not find matching union field for data"))?;
    let mut values = vec![Value::Null; member.schema.fields().len()];
    values[index] = value;
    Ok(Value::from(Struct::from_values(
        member.schema.clone(),
        values,
    )))
}

fn read_record(record: &RecordRead, cursor: &mut Cursor<'_>, depth: usize) -> Result<Value> {
    let num_fields = record.schema.fields().len();
    if record.in_order {
        let mut values = Vec::with_capacity(num_fields);
        for step in &record.steps {
            if let Step::Field(_, read) = step {
                values.push(read.read(cursor, depth)?);
            }
        }
        return Ok(Value::from(Struct::from_values(
            record.schema.clone(),
            values,
        )));
    }
    let mut values = vec![Value::Null; num_fields];
    for (index, default) in &record.defaults {
        values[*index] = default.clone();
    }
    for step in &record.steps {
        match step {
            Step::Field(index, read) => values[*index] = read.read(cursor, depth)?,
            Step::Skip(skip) => skip.skip(cursor)?,
        }
    }
    Ok(Value::from(Struct::from_values(
        record.schema.clone(),
        values,
    )))
}

/// Schemaless data: a record of which one field is set, or none for null. The first one that is set
/// counts.
fn read_anything(cursor: &mut Cursor<'_>, depth: usize) -> Result<Value> {
    if depth > MAX_SCHEMALESS_DEPTH {
        return Err(ConnectError::data(format!(
            "Schemaless Avro data nests deeper than {MAX_SCHEMALESS_DEPTH} levels"
        )));
    }
    const SCALARS: [Read; 7] = [
        Read::Boolean,
        Read::Bytes,
        Read::Float64,
        Read::Float32,
        Read::Int32,
        Read::Int64,
        Read::String,
    ];
    let mut found = Value::Null;
    let mut take = |value: Value| {
        if found.is_null() {
            found = value;
        }
    };
    for scalar in &SCALARS {
        if read_branch(cursor, 2)? == 1 {
            take(scalar.read(cursor, depth)?);
        }
    }
    if read_branch(cursor, 2)? == 1 {
        let mut items = Vec::new();
        loop {
            let count = cursor.read_block()?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                items.push(read_anything(cursor, depth + 1)?);
            }
        }
        take(Value::Array(items));
    }
    if read_branch(cursor, 2)? == 1 {
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        loop {
            let count = cursor.read_block()?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                keys.push(read_anything(cursor, depth + 1)?);
                values.push(read_anything(cursor, depth + 1)?);
            }
        }
        drop_repeated(&mut keys, &mut values);
        take(Value::Map(hash_map(keys, values)));
    }
    Ok(found)
}
