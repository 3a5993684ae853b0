//! The schema that a document seems to have.

use crate::bson::from_decimal128;
use bson::{Bson, Document};
use connect_api::Result;
use connect_api::data::{Decimal, LogicalType, Schema, SchemaRef, SchemaType};
use std::sync::{Arc, LazyLock};

/// The schema of what is null: it gives way to any other. It is told from other optional strings by its
/// place in memory.
static UNKNOWN: LazyLock<SchemaRef> =
    LazyLock::new(|| Arc::new((*Schema::optional_string()).clone()));

const ID: &str = "_id";
/// The name of the schema of the whole document.
const ROOT: &str = "default";

/// Infers the schema of a document: `_id` first, the other fields in the order of their names, all of
/// them optional.
pub fn infer_schema(document: &Document) -> Result<SchemaRef> {
    struct_schema(ROOT, document, false)
}

fn struct_schema(path: &str, document: &Document, optional: bool) -> Result<SchemaRef> {
    let mut builder = Schema::struct_builder().name(path);
    if let Some(id) = document.get(ID) {
        builder = builder.field(ID, value_schema(ID, id)?);
    }
    let mut fields: Vec<(&str, &Bson)> = document
        .iter()
        .filter(|(name, _)| *name != ID)
        .map(|(name, value)| (name.as_str(), value))
        .collect();
    fields.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    for (name, value) in fields {
        let path = match path {
            ROOT => name.to_string(),
            path => format!("{path}_{name}"),
        };
        builder = builder.field(name, value_schema(&path, value)?);
    }
    match optional {
        true => builder.optional(),
        false => builder.required(),
    }
    .build()
}

/// The depth of documents is bounded where they are read.
fn value_schema(path: &str, value: &Bson) -> Result<SchemaRef> {
    let primitive = |schema_type| Schema::primitive(schema_type, true);
    match value {
        Bson::Boolean(_) => primitive(SchemaType::Boolean),
        Bson::Int32(_) => primitive(SchemaType::Int32),
        Bson::Int64(_) => primitive(SchemaType::Int64),
        Bson::Double(_) => primitive(SchemaType::Float64),
        Bson::Binary(_) => primitive(SchemaType::Bytes),
        Bson::Decimal128(decimal) => {
            let scale = from_decimal128(*decimal)?.scale;
            Decimal::builder(scale).optional().build()
        }
        Bson::DateTime(_) | Bson::Timestamp(_) => Ok(LogicalType::Timestamp.schema(true)),
        Bson::Document(document) => struct_schema(path, document, true),
        Bson::Array(items) => {
            let mut combined = UNKNOWN.clone();
            for item in items {
                combined = combine(combined, value_schema(path, item)?)?;
                if Arc::ptr_eq(&combined, &Schema::optional_string()) {
                    break;
                }
            }
            Schema::array_builder(combined)
                .name(path)
                .optional()
                .build()
        }
        Bson::Null => Ok(UNKNOWN.clone()),
        _ => Ok(Schema::optional_string()),
    }
}

fn is_unknown(schema: &SchemaRef) -> bool {
    Arc::ptr_eq(schema, &UNKNOWN)
}

/// One schema for values of two; a string where nothing else holds both.
fn combine(first: SchemaRef, second: SchemaRef) -> Result<SchemaRef> {
    if is_unknown(&first) {
        return Ok(second);
    }
    if is_unknown(&second) || first == second {
        return Ok(first);
    }
    match (first.schema_type(), second.schema_type()) {
        (SchemaType::Array, SchemaType::Array) => {
            let items = match (first.value_schema()?, second.value_schema()?) {
                (Some(a), Some(b)) => combine(a.clone(), b.clone())?,
                (a, b) => a.or(b).cloned().unwrap_or_else(|| UNKNOWN.clone()),
            };
            let mut builder = Schema::array_builder(items).optional();
            if let Some(name) = first.name() {
                builder = builder.name(name);
            }
            builder.build()
        }
        (SchemaType::Struct, SchemaType::Struct) => combine_structs(&first, &second),
        _ => Ok(Schema::optional_string()),
    }
}

fn combine_structs(first: &Schema, second: &Schema) -> Result<SchemaRef> {
    let mut builder = Schema::struct_builder().optional();
    if let Some(name) = first.name() {
        builder = builder.name(name);
    }
    let mut names: Vec<&str> = first
        .fields()
        .iter()
        .chain(second.fields())
        .map(|field| &*field.name)
        .collect();
    // `_id` first, then by name.
    names.sort_by(|a, b| {
        (*a != ID)
            .cmp(&(*b != ID))
            .then_with(|| a.encode_utf16().cmp(b.encode_utf16()))
    });
    names.dedup();
    for name in names {
        let schema = match (first.field(name), second.field(name)) {
            (Some(a), Some(b)) => combine(a.schema.clone(), b.schema.clone())?,
            (Some(field), None) | (None, Some(field)) => field.schema.clone(),
            (None, None) => continue,
        };
        builder = builder.field(name, schema);
    }
    builder.build()
}
