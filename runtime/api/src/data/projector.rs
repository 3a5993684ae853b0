//! `SchemaProjector`: a value of one schema version as a value of another.

use super::schema::same_parameters;
use super::{Map, Schema, SchemaRef, SchemaType, Struct, Value};
use crate::error::{ConnectError, Result};

fn error(message: impl Into<String>) -> ConnectError {
    ConnectError::data(message)
        .with_class("org.apache.kafka.connect.errors.SchemaProjectorException")
}

/// The value of a `source` schema as a value of the `target` schema: numbers are widened, fields that
/// the target does not know are dropped, and null becomes the target's default where it must not be
/// null.
///
/// Errors: if the schemas differ in type (beyond widening), name or parameters, or if the target
/// requires what the source does not have.
pub fn project(source: &SchemaRef, record: &Value, target: &SchemaRef) -> Result<Value> {
    check_compatible(source, target)?;
    if source.is_optional() && !target.is_optional() {
        let Some(default) = target.default_value() else {
            return Err(error(
                "Writer schema is optional, however, target schema does not provide a default \
                 value.",
            ));
        };
        if record.is_null() {
            return Ok(default.clone());
        }
    }
    if record.is_null() {
        return Ok(Value::Null);
    }
    match (target.schema_type(), record) {
        (SchemaType::Struct, Value::Struct(record)) => project_struct(source, record, target),
        (SchemaType::Array, Value::Array(items)) => {
            let (from, to) = (
                inner(source.value_schema()?)?,
                inner(target.value_schema()?)?,
            );
            let items = items.iter().map(|item| project(from, item, to));
            items.collect::<Result<Vec<Value>>>().map(Value::Array)
        }
        (SchemaType::Map, Value::Map(map)) => {
            let keys = (inner(source.key_schema()?)?, inner(target.key_schema()?)?);
            let values = (
                inner(source.value_schema()?)?,
                inner(target.value_schema()?)?,
            );
            let mut projected = Map::new();
            for (key, value) in map.iter() {
                projected.insert(
                    project(keys.0, key, keys.1)?,
                    project(values.0, value, values.1)?,
                );
            }
            Ok(Value::Map(projected.into_java_hash_order()))
        }
        _ => project_primitive(source, record, target),
    }
}

fn inner(schema: Option<&SchemaRef>) -> Result<&SchemaRef> {
    schema.ok_or_else(|| {
        error("An array or map without a schema of its items or values can't be projected")
    })
}

fn check_compatible(source: &Schema, target: &Schema) -> Result<()> {
    let (from, to) = (source.schema_type(), target.schema_type());
    if from != to && !is_promotable(from, to) {
        return Err(error(format!(
            "Schema type mismatch. source type: {from} and target type: {to}"
        )));
    }
    if source.name() != target.name() {
        return Err(error(format!(
            "Schema name mismatch. source name: {} and target name: {}",
            source.name().unwrap_or("null"),
            target.name().unwrap_or("null")
        )));
    }
    if !same_parameters(source.parameters(), target.parameters()) {
        return Err(error(format!(
            "Schema parameters not equal. source parameters: {} and target parameters: {}",
            parameters_text(source),
            parameters_text(target)
        )));
    }
    Ok(())
}

/// `Map.toString()`, or `null` without parameters.
fn parameters_text(schema: &Schema) -> String {
    if schema.parameters().is_empty() {
        return "null".to_string();
    }
    let entries: Vec<String> = schema
        .parameters()
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!("{{{}}}", entries.join(", "))
}

fn is_promotable(from: SchemaType, to: SchemaType) -> bool {
    // The numbers come first among the types, in the order of their width.
    to <= SchemaType::Float64 && from <= to
}

fn project_struct(source: &SchemaRef, record: &Struct, target: &SchemaRef) -> Result<Value> {
    let mut projected = Struct::new(target.clone())?;
    for field in target.fields() {
        match source.field(&field.name) {
            Some(source_field) => {
                let value = record.get_at(source_field.index);
                project(&source_field.schema, value, &field.schema)
                    .and_then(|value| projected.put(&field.name, value).map(drop))
                    .map_err(|cause| {
                        error(format!("Error projecting {}", field.name)).with_cause(cause)
                    })?;
            }
            // Null stays null, also where there is a default: readers of the field see that.
            None if field.schema.is_optional() => {}
            None => match field.schema.default_value() {
                Some(default) => drop(projected.put(&field.name, default.clone())?),
                None => {
                    return Err(error(format!(
                        "Required field `{}` is missing from source schema: {source}",
                        field.name
                    )));
                }
            },
        }
    }
    Ok(Value::from(projected))
}

fn project_primitive(source: &Schema, record: &Value, target: &Schema) -> Result<Value> {
    let (from, to) = (source.schema_type(), target.schema_type());
    if !is_promotable(from, to) {
        return Ok(record.clone());
    }
    Ok(match (record, to) {
        (Value::Float32(value), SchemaType::Float64) => Value::Float64(f64::from(*value)),
        (Value::Float32(_) | Value::Float64(_), _) => record.clone(),
        _ => {
            let Some(number) = record.as_i64() else {
                return Ok(record.clone());
            };
            match to {
                SchemaType::Int8 => Value::Int8(number as i8),
                SchemaType::Int16 => Value::Int16(number as i16),
                SchemaType::Int32 => Value::Int32(number as i32),
                SchemaType::Int64 => Value::Int64(number),
                SchemaType::Float32 => Value::Float32(number as f32),
                _ => Value::Float64(number as f64),
            }
        }
    })
}
