//! Data of a Connect schema to JSON.

use crate::config::JsonSchemaDataConfig;
use crate::reader::is_plain_text;
use crate::union::is_union;
use crate::{KEY, VALUE, VARIANT};
use bytes::BytesMut;
use connect_api::data::{LogicalType, Map, Schema, SchemaRef, SchemaType, Struct, Value};
use connect_api::json::{
    DecimalFormat, write_base64, write_double, write_float, write_integer, write_string,
};
use connect_api::{ConnectError, Result};

/// Writes data of one schema as JSON.
#[derive(Debug)]
pub struct ValueWriter {
    plan: Plan,
    options: Options,
}

#[derive(Clone, Copy, Debug)]
struct Options {
    decimal_format: DecimalFormat,
    ignore_default: bool,
}

/// A schema with all that its values ask of it, looked up once.
#[derive(Debug)]
struct Plan {
    schema: SchemaRef,
    step: Step,
}

#[derive(Debug)]
enum Step {
    Primitive,
    Logical(LogicalType),
    Array(Box<Plan>),
    StringMap(Box<Plan>),
    EntryMap(Box<Plan>, Box<Plan>),
    /// With the text of each name, quoted, and a colon.
    Struct(Vec<(BytesMut, Plan)>),
    Union(Vec<Plan>),
    Variant,
}

impl Plan {
    fn new(schema: &SchemaRef) -> Self {
        let step = if schema.name() == Some(VARIANT) {
            Step::Variant
        } else if let Some(logical_type) = LogicalType::of(schema) {
            Step::Logical(logical_type)
        } else {
            let boxed =
                |schema: Option<&SchemaRef>| schema.map(|schema| Box::new(Self::new(schema)));
            let value = || boxed(schema.value_schema().ok().flatten());
            let key = || schema.key_schema().ok().flatten();
            match schema.schema_type() {
                SchemaType::Array => value().map_or(Step::Primitive, Step::Array),
                SchemaType::Map => match (key(), value()) {
                    (Some(key), Some(value)) if is_plain_text(key) => Step::StringMap(value),
                    (Some(key), Some(value)) => Step::EntryMap(Box::new(Self::new(key)), value),
                    _ => Step::Primitive,
                },
                SchemaType::Struct if is_union(schema) => Step::Union(
                    schema
                        .fields()
                        .iter()
                        .map(|field| Self::new(&field.schema))
                        .collect(),
                ),
                SchemaType::Struct => Step::Struct(
                    schema
                        .fields()
                        .iter()
                        .map(|field| {
                            let mut name = BytesMut::new();
                            write_string(&field.name, &mut name);
                            name.extend_from_slice(b":");
                            (name, Self::new(&field.schema))
                        })
                        .collect(),
                ),
                _ => Step::Primitive,
            }
        };
        Self {
            schema: schema.clone(),
            step,
        }
    }
}

impl ValueWriter {
    /// A writer of data of a schema.
    pub fn new(schema: &SchemaRef, config: &JsonSchemaDataConfig) -> Self {
        Self {
            plan: Plan::new(schema),
            options: Options {
                decimal_format: config.decimal_format,
                ignore_default: config.ignore_default_for_nullables,
            },
        }
    }

    /// Appends a value. `false` if there is nothing to write: null where the schema neither allows it nor
    /// has a default. What was appended before an error stays.
    ///
    /// # Errors
    /// A value whose class does not fit the schema.
    pub fn write(&self, value: &Value, out: &mut BytesMut) -> Result<bool> {
        self.options.write(&self.plan, value, out)
    }
}

impl Options {
    fn write(self, plan: &Plan, value: &Value, out: &mut BytesMut) -> Result<bool> {
        if value.is_null() {
            return match plan.schema.default_value() {
                Some(default) if !self.ignore_default && !default.is_null() => {
                    self.write(plan, default, out)
                }
                _ if plan.schema.is_optional() => {
                    out.extend_from_slice(b"null");
                    Ok(true)
                }
                _ => Ok(false),
            };
        }
        match (&plan.step, value) {
            (Step::Logical(logical_type), _) => {
                self.logical(*logical_type, &plan.schema, value, out)?;
            }
            (Step::Primitive, _) => primitive(&plan.schema, value, out)?,
            (Step::Array(items), Value::Array(values)) => self.array(items, values, out)?,
            (Step::StringMap(values), Value::Map(map)) => self.string_map(values, map, out)?,
            (Step::EntryMap(keys, values), Value::Map(map)) => {
                self.entry_map(keys, values, map, out)?;
            }
            (Step::Struct(_) | Step::Union(_), Value::Struct(record)) => {
                if record.schema() != &plan.schema {
                    return Err(ConnectError::data("Mismatching schema."));
                }
                match &plan.step {
                    Step::Union(fields) => return self.union(plan, fields, record, out),
                    Step::Struct(fields) => self.structure(fields, record, out)?,
                    _ => {}
                }
            }
            (Step::Variant, _) => {
                return Err(ConnectError::data(
                    "Values of the logical type Variant cannot be written as JSON yet",
                ));
            }
            _ => return Err(wrong_class(plan.schema.schema_type(), value)),
        }
        Ok(true)
    }

    /// As an item or member, where Java's null is JSON's.
    fn write_or_null(self, plan: &Plan, value: &Value, out: &mut BytesMut) -> Result<()> {
        if !self.write(plan, value, out)? {
            out.extend_from_slice(b"null");
        }
        Ok(())
    }

    fn array(self, items: &Plan, values: &[Value], out: &mut BytesMut) -> Result<()> {
        out.extend_from_slice(b"[");
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b",");
            }
            self.write_or_null(items, value, out)?;
        }
        out.extend_from_slice(b"]");
        Ok(())
    }

    fn string_map(self, values: &Plan, map: &Map, out: &mut BytesMut) -> Result<()> {
        out.extend_from_slice(b"{");
        for (index, (key, value)) in map.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b",");
            }
            match key {
                Value::String(name) => write_string(name, out),
                other => return Err(wrong_class(SchemaType::String, other)),
            }
            out.extend_from_slice(b":");
            self.write_or_null(values, value, out)?;
        }
        out.extend_from_slice(b"}");
        Ok(())
    }

    fn entry_map(self, keys: &Plan, values: &Plan, map: &Map, out: &mut BytesMut) -> Result<()> {
        out.extend_from_slice(b"[");
        for (index, (key, value)) in map.iter().enumerate() {
            out.extend_from_slice(if index > 0 { b",{\"" } else { b"{\"" });
            out.extend_from_slice(KEY.as_bytes());
            out.extend_from_slice(b"\":");
            self.write_or_null(keys, key, out)?;
            out.extend_from_slice(b",\"");
            out.extend_from_slice(VALUE.as_bytes());
            out.extend_from_slice(b"\":");
            self.write_or_null(values, value, out)?;
            out.extend_from_slice(b"}");
        }
        out.extend_from_slice(b"]");
        Ok(())
    }

    fn structure(
        self,
        fields: &[(BytesMut, Plan)],
        record: &Struct,
        out: &mut BytesMut,
    ) -> Result<()> {
        out.extend_from_slice(b"{");
        let mut is_first = true;
        for ((name, plan), value) in fields.iter().zip(record.values()) {
            let start = out.len();
            if !is_first {
                out.extend_from_slice(b",");
            }
            out.extend_from_slice(name);
            if self.write(plan, value, out)? {
                is_first = false;
            } else {
                // Required and unset: the member is left out.
                out.truncate(start);
            }
        }
        out.extend_from_slice(b"}");
        Ok(())
    }

    /// The value of the first field that is set.
    fn union(
        self,
        plan: &Plan,
        fields: &[Plan],
        record: &Struct,
        out: &mut BytesMut,
    ) -> Result<bool> {
        for (field, value) in fields.iter().zip(record.values()) {
            let has_default = field.schema.default_value().is_some();
            if !value.is_null() || has_default && !self.ignore_default {
                return self.write(field, value, out);
            }
        }
        self.write(plan, &Value::Null, out)
    }

    fn logical(
        self,
        logical_type: LogicalType,
        schema: &Schema,
        value: &Value,
        out: &mut BytesMut,
    ) -> Result<()> {
        match (logical_type, value) {
            (LogicalType::Decimal, Value::Decimal(decimal)) => match self.decimal_format {
                DecimalFormat::Numeric => {
                    out.extend_from_slice(decimal.to_string().as_bytes());
                    Ok(())
                }
                DecimalFormat::Base64 => {
                    let bytes = decimal.to_logical_bytes(schema)?;
                    base64(&bytes, out);
                    Ok(())
                }
            },
            (LogicalType::Date | LogicalType::Time | LogicalType::Timestamp, Value::Date(ms)) => {
                primitive_number(&logical_type.date_to_number(*ms)?, out);
                Ok(())
            }
            (logical_type, value) => {
                let (name, wanted) = match logical_type {
                    LogicalType::Decimal => ("Decimal", "BigDecimal"),
                    LogicalType::Date => ("Date", "Date"),
                    LogicalType::Time => ("Time", "Date"),
                    LogicalType::Timestamp => ("Timestamp", "Date"),
                };
                Err(ConnectError::data(format!(
                    "Invalid type for {name}, expected {wanted} but was class {}",
                    value.java_class().unwrap_or("null")
                )))
            }
        }
    }
}

fn base64(bytes: &[u8], out: &mut BytesMut) {
    out.extend_from_slice(b"\"");
    write_base64(bytes, out);
    out.extend_from_slice(b"\"");
}

fn primitive_number(value: &Value, out: &mut BytesMut) {
    if let Some(number) = value.as_i64() {
        write_integer(number, out);
    }
}

fn primitive(schema: &Schema, value: &Value, out: &mut BytesMut) -> Result<()> {
    match (schema.schema_type(), value) {
        (SchemaType::Int8, Value::Int8(_))
        | (SchemaType::Int16, Value::Int16(_))
        | (SchemaType::Int32, Value::Int32(_))
        | (SchemaType::Int64, Value::Int64(_)) => primitive_number(value, out),
        (SchemaType::Float32, Value::Float32(number)) => write_float(*number, out),
        (SchemaType::Float64, Value::Float64(number)) => write_double(*number, out),
        (SchemaType::Boolean, Value::Boolean(true)) => out.extend_from_slice(b"true"),
        (SchemaType::Boolean, Value::Boolean(false)) => out.extend_from_slice(b"false"),
        (SchemaType::String, Value::String(text)) => write_string(text, out),
        (SchemaType::Bytes, Value::Bytes(bytes)) => base64(bytes, out),
        (SchemaType::Bytes, Value::Decimal(decimal)) => {
            out.extend_from_slice(decimal.to_string().as_bytes());
        }
        (schema_type, _) => return Err(wrong_class(schema_type, value)),
    }
    Ok(())
}

#[cold]
fn wrong_class(schema_type: SchemaType, value: &Value) -> ConnectError {
    let class = value.java_class().unwrap_or("null");
    ConnectError::data(match schema_type {
        SchemaType::Bytes => format!("Invalid type for bytes type: class {class}"),
        _ => format!("Invalid type for {schema_type}: class {class}"),
    })
}
