//! Defaults in Avro's JSON form as Connect values.

use super::{is_map_entry, is_union};
use crate::schema::{AvroKind, AvroSchema, TypeId};
use connect_api::data::SchemaRef;
use connect_api::data::{Decimal, LogicalType, Map, Schema, SchemaType, Struct, Value};
use connect_api::{ConnectError, Result};
use serde_json::Value as Json;

/// The Connect value of a default of the Avro type `id`, for the Connect schema that the type became.
///
/// An error if it does not fit; callers then do without the default.
pub(crate) fn default_value(
    avro: &AvroSchema,
    id: TypeId,
    schema: &SchemaRef,
    json: &Json,
) -> Result<Value> {
    if json.is_null() {
        return Ok(Value::Null);
    }
    let avro_type = avro.get(id);
    if let AvroKind::Union(branches) = &avro_type.kind {
        return union_default(avro, branches, schema, json);
    }
    if let Some(logical) = LogicalType::of(schema) {
        return logical_default(logical, schema, json);
    }
    let misfit = || {
        ConnectError::data(format!(
            "The default {json} does not fit the type {}",
            avro_type.full_name()
        ))
    };
    let integer = || json.as_i64().ok_or_else(misfit);
    Ok(match (schema.schema_type(), &avro_type.kind) {
        (SchemaType::Int8, _) => Value::Int8(integer()? as i8),
        (SchemaType::Int16, _) => Value::Int16(integer()? as i16),
        (SchemaType::Int32, _) => Value::Int32(i32::try_from(integer()?).map_err(|_| misfit())?),
        (SchemaType::Int64, _) => Value::Int64(integer()?),
        (SchemaType::Float32, _) => Value::Float32(json.as_f64().ok_or_else(misfit)? as f32),
        (SchemaType::Float64, _) => Value::Float64(json.as_f64().ok_or_else(misfit)?),
        (SchemaType::Boolean, _) => Value::Boolean(json.as_bool().ok_or_else(misfit)?),
        (SchemaType::String, _) => Value::string(json.as_str().ok_or_else(misfit)?.to_string()),
        (SchemaType::Bytes, _) => Value::Bytes(latin1_bytes(json).ok_or_else(misfit)?.into()),
        (SchemaType::Array, AvroKind::Array(items)) => {
            let item_schema = schema.value_schema()?.ok_or_else(misfit)?;
            let list = json.as_array().ok_or_else(misfit)?;
            Value::Array(
                list.iter()
                    .map(|item| default_value(avro, *items, item_schema, item))
                    .collect::<Result<_>>()?,
            )
        }
        (SchemaType::Map, AvroKind::Array(entry)) if is_map_entry(avro.get(*entry)) => {
            entries_default(avro, *entry, schema, json)?
        }
        (SchemaType::Map, AvroKind::Map(values)) => {
            let value_schema = schema.value_schema()?.ok_or_else(misfit)?;
            let mut map = Map::new();
            for (key, value) in json.as_object().ok_or_else(misfit)? {
                map.insert(
                    key.as_str(),
                    default_value(avro, *values, value_schema, value)?,
                );
            }
            Value::Map(hash_map(map))
        }
        (SchemaType::Struct, AvroKind::Record { fields, .. }) => {
            let members = json.as_object().ok_or_else(misfit)?;
            let mut record = Struct::new(schema.clone())?;
            for field in fields {
                let Some(target) = schema.field(&field.name) else {
                    continue;
                };
                let value = match members.get(&*field.name).or(field.default.as_ref()) {
                    Some(json) => default_value(avro, field.type_id, &target.schema, json)?,
                    None => Value::Null,
                };
                record.put(&target.name, value)?;
            }
            Value::from(record)
        }
        _ => return Err(misfit()),
    })
}

/// The order of a `new HashMap<>(number of entries)`.
fn hash_map(map: Map) -> Map {
    let num_buckets = map.len().next_power_of_two();
    map.into_java_hash_order_from(num_buckets)
}

/// A map of other than string keys: pairs, or records of key and value.
fn entries_default(
    avro: &AvroSchema,
    entry: TypeId,
    schema: &Schema,
    json: &Json,
) -> Result<Value> {
    let misfit = || ConnectError::data(format!("The default {json} is no list of map entries"));
    let (Some(key_schema), Some(value_schema)) = (schema.key_schema()?, schema.value_schema()?)
    else {
        return Err(misfit());
    };
    let [key_field, value_field] = avro.get(entry).fields() else {
        return Err(misfit());
    };
    let mut map = Map::new();
    for item in json.as_array().ok_or_else(misfit)? {
        let (key, value) = match item {
            Json::Array(pair) => match pair.as_slice() {
                [key, value] => (key, value),
                _ => return Err(misfit()),
            },
            Json::Object(members) => (
                members.get(&*key_field.name).ok_or_else(misfit)?,
                members.get(&*value_field.name).ok_or_else(misfit)?,
            ),
            _ => return Err(misfit()),
        };
        map.insert(
            default_value(avro, key_field.type_id, key_schema, key)?,
            default_value(avro, value_field.type_id, value_schema, value)?,
        );
    }
    Ok(Value::Map(hash_map(map)))
}

/// The default of a union is one of its first branch that it fits.
fn union_default(
    avro: &AvroSchema,
    branches: &[TypeId],
    schema: &SchemaRef,
    json: &Json,
) -> Result<Value> {
    let is_struct = schema.schema_type() == SchemaType::Struct && is_union(schema);
    let mut member = 0;
    for &branch in branches {
        if avro.get(branch).kind == AvroKind::Null {
            continue;
        }
        let fits = avro.is_valid_default(branch, json);
        if !is_struct {
            if fits {
                return default_value(avro, branch, schema, json);
            }
        } else if let Some(field) = schema.fields().get(member) {
            if fits {
                let value = default_value(avro, branch, &field.schema, json)?;
                let mut record = Struct::new(schema.clone())?;
                record.put(&field.name, value)?;
                return Ok(Value::from(record));
            }
            member += 1;
        }
    }
    Err(ConnectError::data(format!(
        "The default {json} fits no branch of its union"
    )))
}

fn logical_default(logical: LogicalType, schema: &Schema, json: &Json) -> Result<Value> {
    let misfit = || {
        ConnectError::data(format!(
            "The default {json} does not fit the logical type {}",
            logical.schema_name()
        ))
    };
    match logical {
        LogicalType::Decimal => {
            let bytes = latin1_bytes(json).ok_or_else(misfit)?;
            Ok(Value::from(Decimal::from_bytes(
                &bytes,
                Decimal::scale_of(schema)?,
            )?))
        }
        LogicalType::Timestamp => logical.number_to_date(json.as_i64().ok_or_else(misfit)?),
        LogicalType::Date | LogicalType::Time => {
            let number = json.as_i64().and_then(|number| i32::try_from(number).ok());
            logical.number_to_date(number.ok_or_else(misfit)?.into())
        }
    }
}

/// Bytes stand in JSON as a string of the characters U+0000 to U+00FF.
fn latin1_bytes(json: &Json) -> Option<Vec<u8>> {
    // What Java cannot put into one byte becomes a question mark.
    Some(
        json.as_str()?
            .chars()
            .map(|character| u8::try_from(character).unwrap_or(b'?'))
            .collect(),
    )
}
