//! The transforms of Debezium, as of version 3.6, with the settings that 2.x had under other names.

mod by_logical_table_router;
mod delete_handling;
mod document;
mod document_schema;
mod event_router;
mod event_router_settings;
mod expand_json;
mod extract_new_document_state;
mod extract_new_record_state;
mod field_reference;
mod name_adjuster;

use crate::requirements::require_struct;
use connect_api::data::{Schema, SchemaRef, SchemaType, Struct, Value};
use connect_api::{ConnectError, Record, Result};

/// The version that the plugins report.
const VERSION: &str = "3.6.1.Final";

/// Whether the value of a record is a change event.
fn is_envelope(record: &Record) -> bool {
    let name = record
        .value_schema
        .as_ref()
        .and_then(|schema| schema.name());
    name.is_some_and(|name| name.ends_with(".Envelope"))
}

fn unknown_field(field: &str) -> ConnectError {
    ConnectError::data(format!("Unknown field: {field}"))
        .with_class("java.lang.IllegalArgumentException")
}

fn null_pointer(message: String) -> ConnectError {
    ConnectError::data(message).with_class("java.lang.NullPointerException")
}

/// The field of a change event that `ExtractField` takes out: its schema and its value.
fn extracted<'a>(
    schema: &'a Schema,
    event: &'a Struct,
    field: &str,
) -> Result<(&'a SchemaRef, &'a Value)> {
    let field = schema.field(field).ok_or_else(|| unknown_field(field))?;
    Ok((&field.schema, event.get_at(field.index)))
}

/// The change event of a record, with its schema.
fn event_of(record: &Record) -> Result<(&SchemaRef, &Struct)> {
    let event = require_struct(&record.value, "field extraction")?;
    Ok((
        record.value_schema.as_ref().unwrap_or(event.schema()),
        event,
    ))
}

/// `Struct.getString`: the text as it was put, of a field that is a string.
fn string_of<'a>(record: &'a Struct, field: &str) -> Result<Option<&'a str>> {
    let value = typed(record, field, SchemaType::String)?;
    Ok(value.as_str())
}

/// The value of a field of that type as it was put.
fn typed<'a>(record: &'a Struct, field: &str, wanted: SchemaType) -> Result<&'a Value> {
    let value = record.get_without_default(field)?;
    match record.schema().field(field) {
        Some(known) if known.schema.schema_type() != wanted => Err(ConnectError::data(format!(
            "Field '{field}' is not of type {wanted}"
        ))),
        _ => Ok(value),
    }
}
