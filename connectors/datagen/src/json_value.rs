//! JSON in a schema (`options`, `default`) to values.

use crate::generator::NumberType;
use crate::schema::{Outcome, Place};
use connect_api::data::{Decimal, LogicalType, Map, SchemaRef, SchemaType, Struct, Value};
use serde_json::Value as Json;

/// The value of a type.
pub(crate) fn to_value(json: &Json, schema: &SchemaRef, place: &Place) -> Outcome<Value> {
    let misfit = || {
        place.fault(format!(
            "{json} is no value of type {}",
            schema.schema_type()
        ))
    };
    let number_type = match (LogicalType::of(schema), schema.schema_type()) {
        (Some(LogicalType::Decimal), _) => {
            let scale = Decimal::scale_of(schema).or_else(|error| place.fault(error))?;
            let number = json.as_f64().map(|number| number * 10f64.powi(scale));
            let Some(number) = number else {
                return misfit();
            };
            return Ok(NumberType::Decimal { scale }.of_fraction(number.round()));
        }
        (Some(LogicalType::Date), _) => NumberType::Date,
        (Some(LogicalType::Time), _) => NumberType::Time,
        (Some(LogicalType::Timestamp), _) => NumberType::Timestamp,
        (None, SchemaType::Int32) => NumberType::Int32,
        (None, SchemaType::Int64) => NumberType::Int64,
        (None, SchemaType::Float32) => NumberType::Float32,
        (None, SchemaType::Float64) => NumberType::Float64,
        (None, other) => return to_other_value(json, schema, other, place),
    };
    match (json.as_i64(), json.as_f64(), number_type) {
        (_, Some(number), NumberType::Float32 | NumberType::Float64) => {
            Ok(number_type.of_fraction(number))
        }
        (Some(number), _, NumberType::Int32 | NumberType::Date | NumberType::Time)
            if i32::try_from(number).is_err() =>
        {
            misfit()
        }
        (Some(number), ..) => Ok(number_type.of_whole(number)),
        _ if json.is_null() && schema.is_optional() => Ok(Value::Null),
        _ => misfit(),
    }
}

fn to_other_value(
    json: &Json,
    schema: &SchemaRef,
    schema_type: SchemaType,
    place: &Place,
) -> Outcome<Value> {
    let misfit = || place.fault(format!("{json} is no value of type {schema_type}"));
    let inner = |schema: connect_api::Result<Option<&SchemaRef>>| match schema {
        Ok(Some(schema)) => Ok(schema.clone()),
        _ => place.fault("the type of items is not known"),
    };
    match (schema_type, json) {
        (SchemaType::Boolean, Json::Bool(value)) => Ok(Value::Boolean(*value)),
        (SchemaType::String, Json::String(text)) => Ok(Value::from(text.as_str())),
        // Avro writes bytes in JSON as characters of one byte each.
        (SchemaType::Bytes, Json::String(text)) => {
            let bytes: Option<Vec<u8>> = text
                .chars()
                .map(|c| u8::try_from(u32::from(c)).ok())
                .collect();
            bytes.map_or_else(misfit, |bytes| Ok(Value::Bytes(bytes.into())))
        }
        (SchemaType::Array, Json::Array(items)) => {
            let item_schema = inner(schema.value_schema())?;
            let items = items.iter().map(|item| to_value(item, &item_schema, place));
            Ok(Value::Array(items.collect::<Outcome<_>>()?))
        }
        (SchemaType::Map, Json::Object(entries)) => {
            let value_schema = inner(schema.value_schema())?;
            let mut map = Map::new();
            for (key, value) in entries {
                map.insert(key.as_str(), to_value(value, &value_schema, place)?);
            }
            Ok(Value::Map(map.into_java_hash_order()))
        }
        (SchemaType::Struct, Json::Object(entries)) => {
            let value = |field: &connect_api::data::Field| {
                let json = entries.get(&*field.name).unwrap_or(&Json::Null);
                to_value(
                    json,
                    &field.schema,
                    &place.inner(format!("field '{}'", field.name)),
                )
            };
            let values = schema.fields().iter().map(value).collect::<Outcome<_>>()?;
            Ok(Struct::from_values(schema.clone(), values).into())
        }
        (_, Json::Null) if schema.is_optional() => Ok(Value::Null),
        _ => misfit(),
    }
}
