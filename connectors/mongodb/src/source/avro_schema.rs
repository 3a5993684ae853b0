//! The schemas that users write as Avro.

use connect_api::data::{Schema, SchemaBuilder, SchemaRef, SchemaType, Struct, Value};
use connect_api::{ConnectError, Result};
use connect_avro::{AvroKind, AvroSchema, AvroType, TypeId};
use serde_json::Value as Json;
use std::collections::HashSet;

/// How deep types may be nested in each other.
const MAX_DEPTH: usize = 120;
/// How many types a schema may have, each counted as often as it is used.
const MAX_NUM_PARTS: usize = 10_000;

/// Why a text is no schema of records; the official connector's words.
pub fn check_avro_schema(text: &str) -> Result<(), String> {
    let schema = parse(text)?;
    if !matches!(schema.root().kind, AvroKind::Record { .. }) {
        return Err("Only Record schemas are supported at the top-level.".into());
    }
    check(&schema, schema.root_id(), "", &mut HashSet::new(), 0)?;
    let mut num_parts = 0;
    refuse_endless(&schema, schema.root_id(), &mut Vec::new(), &mut num_parts)
}

/// Makes a Connect schema of a schema that [`check_avro_schema`] finds no fault with.
pub fn connect_schema(text: &str) -> Result<SchemaRef> {
    check_avro_schema(text).map_err(ConnectError::config)?;
    let schema = parse(text).map_err(ConnectError::config)?;
    convert(&schema, schema.root_id(), false, None)
}

fn parse(text: &str) -> Result<AvroSchema, String> {
    AvroSchema::parse_with_any_names(text)
        .map_err(|error| format!("Invalid Avro schema. {}\n{text}", error.message()))
}

fn in_field(path: &str, message: &str) -> String {
    match path {
        "" => message.to_string(),
        path => format!("Field '{path}' is invalid. {message}"),
    }
}

fn word(avro_type: &AvroType) -> String {
    avro_type.type_name().to_uppercase()
}

fn check(
    schema: &AvroSchema,
    id: TypeId,
    path: &str,
    seen: &mut HashSet<TypeId>,
    depth: usize,
) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(in_field(
            path,
            &format!("The schema nests deeper than {MAX_DEPTH} levels"),
        ));
    }
    let avro_type = schema.get(id);
    let depth = depth + 1;
    let unsupported = |hint: &str| {
        let message = format!("Unsupported Avro schema type: '{}'.{hint}", word(avro_type));
        Err(in_field(path, &message))
    };
    match &avro_type.kind {
        AvroKind::Record { fields, .. } => {
            if !seen.insert(id) {
                return Ok(());
            }
            for field in fields {
                let path = match path {
                    "" => field.name.to_string(),
                    path => format!("{path}.{}", field.name),
                };
                check(schema, field.type_id, &path, seen, depth)?;
            }
            Ok(())
        }
        AvroKind::Array(inner) | AvroKind::Map(inner) => check(schema, *inner, path, seen, depth),
        AvroKind::Union(branches) => {
            let Some(inner) = other_than_null(schema, branches) else {
                return Err(in_field(
                    path,
                    "Union Schemas are not supported, unless one value is null to represent an \
                     optional value.",
                ));
            };
            check(schema, inner, "", seen, depth).map_err(|why| {
                let mut chars = why.chars();
                let why: String = chars
                    .next()
                    .map(|first| first.to_lowercase().chain(chars).collect())
                    .unwrap_or_default();
                let inner = schema.get(inner);
                let message = match inner.kind {
                    AvroKind::Record { .. }
                    | AvroKind::Array(_)
                    | AvroKind::Map(_)
                    | AvroKind::Union(_) => format!(
                        "Union Schema contains an unsupported Avro schema type: '{}', which \
                         contains an {why}",
                        word(inner)
                    ),
                    _ => format!("Union Schema contains an {why}"),
                };
                in_field(path, &message)
            })
        }
        AvroKind::Fixed { .. } => {
            unsupported(" The connector will not validate the length. Use bytes instead.")
        }
        AvroKind::Enum { .. } => {
            unsupported(" The connector will not validate the values. Use string instead.")
        }
        AvroKind::Null => unsupported(""),
        _ => Ok(()),
    }
}

/// The other type of a union of two of which one is null.
fn other_than_null(schema: &AvroSchema, branches: &[TypeId]) -> Option<TypeId> {
    let is_null = |id: &&TypeId| matches!(schema.get(**id).kind, AvroKind::Null);
    match branches {
        [_, _] if branches.iter().any(|id| is_null(&id)) => {
            branches.iter().find(|id| !is_null(id)).copied()
        }
        _ => None,
    }
}

/// Schemas here are trees: a type that holds itself has no end, and one that is used again is there
/// again.
fn refuse_endless(
    schema: &AvroSchema,
    id: TypeId,
    open: &mut Vec<TypeId>,
    num_parts: &mut usize,
) -> Result<(), String> {
    let avro_type = schema.get(id);
    if open.contains(&id) {
        return Err(format!(
            "The type {} holds itself, which is not supported: give each level a type of its own, or \
             make it a string",
            avro_type.full_name()
        ));
    }
    *num_parts += 1;
    if *num_parts > MAX_NUM_PARTS {
        return Err(format!(
            "The schema has more than {MAX_NUM_PARTS} fields, those of types that are used again \
             counted again"
        ));
    }
    open.push(id);
    match &avro_type.kind {
        AvroKind::Record { fields, .. } => {
            for field in fields {
                refuse_endless(schema, field.type_id, open, num_parts)?;
            }
        }
        AvroKind::Array(inner) | AvroKind::Map(inner) => {
            refuse_endless(schema, *inner, open, num_parts)?;
        }
        AvroKind::Union(branches) => {
            for branch in branches {
                refuse_endless(schema, *branch, open, num_parts)?;
            }
        }
        _ => {}
    }
    open.pop();
    Ok(())
}

fn convert(
    schema: &AvroSchema,
    id: TypeId,
    optional: bool,
    default: Option<&Json>,
) -> Result<SchemaRef> {
    let avro_type = schema.get(id);
    let mut builder = match &avro_type.kind {
        AvroKind::Record { fields, .. } => {
            let mut builder = Schema::struct_builder().name(avro_type.full_name());
            for field in fields {
                let inner = convert(schema, field.type_id, false, field.default.as_ref())?;
                builder = builder.field(field.name.clone(), inner);
            }
            builder
        }
        // The default goes to what is inside, too: so it is there.
        AvroKind::Map(values) => {
            Schema::map_builder(Schema::string(), convert(schema, *values, false, default)?)
        }
        AvroKind::Array(items) => Schema::array_builder(convert(schema, *items, false, default)?),
        AvroKind::Union(branches) => {
            let inner = other_than_null(schema, branches)
                .ok_or_else(|| ConnectError::config("A union has no type beside null"))?;
            return convert(schema, inner, true, None);
        }
        AvroKind::String => Schema::builder(SchemaType::String),
        AvroKind::Bytes => Schema::builder(SchemaType::Bytes),
        AvroKind::Int => Schema::builder(SchemaType::Int32),
        AvroKind::Long => Schema::builder(SchemaType::Int64),
        AvroKind::Float => Schema::builder(SchemaType::Float32),
        AvroKind::Double => Schema::builder(SchemaType::Float64),
        AvroKind::Boolean => Schema::builder(SchemaType::Boolean),
        AvroKind::Null | AvroKind::Fixed { .. } | AvroKind::Enum { .. } => {
            return Err(ConnectError::config(format!(
                "Unsupported Avro schema type: '{}'.",
                word(avro_type)
            )));
        }
    };
    if optional {
        builder = builder.optional();
    }
    if let Some(default) = default {
        let value = default_value(&builder, avro_type, default)?;
        builder = builder.default_value(value);
    }
    builder.build()
}

/// A default as a value of the type. What does not fit stays what it is, and the builder refuses it.
fn default_value(builder: &SchemaBuilder, avro_type: &AvroType, default: &Json) -> Result<Value> {
    Ok(match (&avro_type.kind, default) {
        (AvroKind::Record { .. }, Json::Object(members)) => {
            let bare = builder.clone().build()?;
            let values = bare
                .fields()
                .iter()
                .map(|field| plain_value(field.schema.schema_type(), members.get(&*field.name)))
                .collect();
            Value::Struct(Box::new(Struct::from_values(bare, values)))
        }
        (AvroKind::Bytes, _) => plain_value(SchemaType::Bytes, Some(default)),
        (AvroKind::Int, _) => plain_value(SchemaType::Int32, Some(default)),
        (AvroKind::Long, _) => plain_value(SchemaType::Int64, Some(default)),
        (AvroKind::Float, _) => plain_value(SchemaType::Float32, Some(default)),
        (AvroKind::Double, _) => plain_value(SchemaType::Float64, Some(default)),
        (_, default) => plain_value(SchemaType::String, Some(default)),
    })
}

fn plain_value(schema_type: SchemaType, json: Option<&Json>) -> Value {
    match json {
        None | Some(Json::Null) => Value::Null,
        Some(Json::Bool(value)) => Value::Boolean(*value),
        Some(Json::String(text)) if schema_type == SchemaType::Bytes => {
            // Each character stands for a byte.
            let bytes: Vec<u8> = text.chars().map(|c| c as u8).collect();
            Value::Bytes(bytes.into())
        }
        Some(Json::String(text)) => Value::string(text.as_str()),
        Some(Json::Number(number)) => match schema_type {
            SchemaType::Float32 => Value::Float32(number.as_f64().unwrap_or(0.0) as f32),
            SchemaType::Float64 => Value::Float64(number.as_f64().unwrap_or(0.0)),
            SchemaType::Int32 => match number.as_i64().map(i32::try_from) {
                Some(Ok(number)) => Value::Int32(number),
                _ => Value::string(number.to_string()),
            },
            _ => number
                .as_i64()
                .map_or_else(|| Value::string(number.to_string()), Value::Int64),
        },
        Some(Json::Array(items)) => Value::Array(
            items
                .iter()
                .map(|item| plain_value(schema_type, Some(item)))
                .collect(),
        ),
        Some(Json::Object(members)) => Value::Map(
            members
                .iter()
                .map(|(name, value)| {
                    (
                        Value::string(name.as_str()),
                        plain_value(schema_type, Some(value)),
                    )
                })
                .collect(),
        ),
    }
}
