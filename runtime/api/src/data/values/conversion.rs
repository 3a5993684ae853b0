//! Values of one schema as values of another.

use super::{format, parse_string};
use crate::data::logical::MS_PER_DAY;
use crate::data::{Decimal, LogicalType, Schema, SchemaType, Value};
use crate::error::{ConnectError, Result};
use crate::json::JsonNumber;

/// `Values.convertTo`: the value under another schema; `from` is its own one if it is known. Numbers are
/// cut to the type without a word.
pub fn convert_to(to: &Schema, from: Option<&Schema>, value: Value) -> Result<Value> {
    if value.is_null() {
        return if to.is_optional() {
            Ok(Value::Null)
        } else {
            Err(ConnectError::data(
                "Unable to convert a null value to a schema that requires a value",
            ))
        };
    }
    let logical_type = LogicalType::of(to);
    match to.schema_type() {
        SchemaType::Bytes => match (logical_type, value) {
            (Some(LogicalType::Decimal), Value::Bytes(bytes)) => {
                Decimal::from_bytes(&bytes, Decimal::scale_of(to)?).map(Value::from)
            }
            (Some(LogicalType::Decimal), Value::Decimal(decimal)) => Ok(Value::Decimal(decimal)),
            (Some(LogicalType::Decimal), value) if is_number(&value) => {
                // As `BigDecimal.valueOf(double)` does it: by way of the text.
                let text = crate::data::double_to_java_string(as_double(&value, from)?);
                text.parse::<Decimal>().map(Value::from)
            }
            (_, Value::Bytes(bytes)) => Ok(Value::Bytes(bytes)),
            (_, Value::Decimal(decimal)) => Ok(Value::Bytes(decimal.to_logical_bytes(to)?.into())),
            (_, value) => Err(cannot_convert(&value, to)),
        },
        SchemaType::String => {
            let mut text = String::new();
            format::push(&value, false, &mut text);
            Ok(Value::from(text))
        }
        SchemaType::Boolean => {
            if let Value::Boolean(_) = value {
                return Ok(value);
            }
            if let Value::String(text) = &value
                && let parsed @ Value::Boolean(_) = parse_string(text)?.value
            {
                return Ok(parsed);
            }
            Ok(Value::Boolean(as_long(&value, from)? != 0))
        }
        SchemaType::Int8 => Ok(Value::Int8(as_long(&value, from)? as i8)),
        SchemaType::Int16 => Ok(Value::Int16(as_long(&value, from)? as i16)),
        SchemaType::Int32 => match logical_type {
            Some(logical_type @ (LogicalType::Date | LogicalType::Time)) => {
                to_date(logical_type, from, value)
            }
            _ => Ok(Value::Int32(as_long(&value, from)? as i32)),
        },
        SchemaType::Int64 => match logical_type {
            Some(LogicalType::Timestamp) => to_date(LogicalType::Timestamp, from, value),
            _ => Ok(Value::Int64(as_long(&value, from)?)),
        },
        SchemaType::Float32 => match value {
            Value::Float32(_) => Ok(value),
            _ => Ok(Value::Float32(as_double(&value, from)? as f32)),
        },
        SchemaType::Float64 => Ok(Value::Float64(as_double(&value, from)?)),
        SchemaType::Array | SchemaType::Map | SchemaType::Struct => {
            let value = match value {
                Value::String(text) if to.schema_type() != SchemaType::Struct => {
                    parse_string(&text)?.value
                }
                value => value,
            };
            match (to.schema_type(), &value) {
                (SchemaType::Array, Value::Array(_))
                | (SchemaType::Map, Value::Map(_))
                | (SchemaType::Struct, Value::Struct(_)) => Ok(value),
                _ => Err(cannot_convert(&value, to)),
            }
        }
    }
}

fn cannot_convert(value: &Value, to: &Schema) -> ConnectError {
    ConnectError::data(format!(
        "Unable to convert {value} (class {}) to {to}",
        value.java_class().unwrap_or("null")
    ))
}

fn is_number(value: &Value) -> bool {
    matches!(
        value,
        Value::Int8(_)
            | Value::Int16(_)
            | Value::Int32(_)
            | Value::Int64(_)
            | Value::Float32(_)
            | Value::Float64(_)
            | Value::Decimal(_)
    )
}

/// A value as Date, Time or Timestamp.
fn to_date(logical_type: LogicalType, from: Option<&Schema>, value: Value) -> Result<Value> {
    let value = match value {
        Value::String(text) => parse_string(&text)?.value,
        value => value,
    };
    if let Value::Date(ms) = value {
        let Some(from) = from else { return Ok(value) };
        match (LogicalType::of(from), logical_type) {
            (Some(from), to) if from == to => return Ok(value),
            (Some(LogicalType::Timestamp), LogicalType::Date) => {
                return LogicalType::Date.number_to_date(ms / MS_PER_DAY);
            }
            (Some(LogicalType::Timestamp), LogicalType::Time) => {
                return LogicalType::Time.number_to_date(ms.rem_euclid(MS_PER_DAY));
            }
            (Some(from @ (LogicalType::Date | LogicalType::Time)), LogicalType::Timestamp) => {
                from.date_to_number(ms)?;
                return Ok(value);
            }
            _ => {}
        }
    }
    let number = as_long(&value, from)?;
    logical_type.number_to_date(match logical_type {
        LogicalType::Timestamp => number,
        _ => i64::from(number as i32),
    })
}

/// `Number.longValue()`, the whole part of a number in a text, or the stored number of a date.
fn as_long(value: &Value, from: Option<&Schema>) -> Result<i64> {
    Ok(match value {
        Value::Float32(value) => *value as i64,
        Value::Float64(value) => *value as i64,
        Value::Decimal(decimal) => JsonNumber::of_decimal(&decimal.to_string()).to_long(),
        Value::String(text) if text.parse::<Decimal>().is_ok() => {
            let text = text.trim_start_matches('+');
            JsonNumber::of_decimal(text).to_long()
        }
        Value::Date(ms) => {
            let logical_type = from.and_then(LogicalType::of);
            return match logical_type.map(|logical_type| logical_type.date_to_number(*ms)) {
                Some(number) => Ok(number?.as_i64().unwrap_or(*ms)),
                None => Err(not_a_number(value, from)),
            };
        }
        _ => match value.as_i64() {
            Some(number) => number,
            None => return Err(not_a_number(value, from)),
        },
    })
}

/// `Number.doubleValue()`.
fn as_double(value: &Value, from: Option<&Schema>) -> Result<f64> {
    match value {
        Value::Float32(value) => Ok(f64::from(*value)),
        Value::Float64(value) => Ok(*value),
        Value::Decimal(decimal) => Ok(JsonNumber::of_decimal(&decimal.to_string()).to_double()),
        Value::String(text) if text.parse::<Decimal>().is_ok() => {
            Ok(JsonNumber::of_decimal(text.trim_start_matches('+')).to_double())
        }
        _ => as_long(value, from).map(|number| number as f64),
    }
}

fn not_a_number(value: &Value, from: Option<&Schema>) -> ConnectError {
    match from {
        Some(from) => cannot_convert(value, from),
        None => ConnectError::data(format!(
            "Unable to convert {value} (class {}) to a number",
            value.java_class().unwrap_or("null")
        )),
    }
}
