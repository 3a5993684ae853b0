//! Schemas to JSON.

use connect_api::Result;
use connect_api::data::{Schema, SchemaType};
use connect_api::json::{JsonOptions, write_integer, write_string, write_with_schema};

/// The name of a type in JSON.
const fn type_name(schema_type: SchemaType) -> &'static str {
    match schema_type {
        SchemaType::Int8 => "int8",
        SchemaType::Int16 => "int16",
        SchemaType::Int32 => "int32",
        SchemaType::Int64 => "int64",
        SchemaType::Float32 => "float",
        SchemaType::Float64 => "double",
        SchemaType::Boolean => "boolean",
        SchemaType::String => "string",
        SchemaType::Bytes => "bytes",
        SchemaType::Array => "array",
        SchemaType::Map => "map",
        SchemaType::Struct => "struct",
    }
}

/// Appends a schema, with the name of the field that it belongs to, if any.
pub(super) fn write_schema(
    schema: &Schema,
    field: Option<&str>,
    options: &JsonOptions,
    out: &mut Vec<u8>,
) -> Result<()> {
    out.extend_from_slice(b"{\"type\":");
    write_string(type_name(schema.schema_type()), out);
    match schema.schema_type() {
        SchemaType::Array => {
            out.extend_from_slice(b",\"items\":");
            write_optional(schema.value_schema()?.map(|schema| &**schema), options, out)?;
        }
        SchemaType::Map => {
            out.extend_from_slice(b",\"keys\":");
            write_optional(schema.key_schema()?.map(|schema| &**schema), options, out)?;
            out.extend_from_slice(b",\"values\":");
            write_optional(schema.value_schema()?.map(|schema| &**schema), options, out)?;
        }
        SchemaType::Struct => {
            out.extend_from_slice(b",\"fields\":[");
            for (index, field) in schema.fields().iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_schema(&field.schema, Some(&field.name), options, out)?;
            }
            out.push(b']');
        }
        _ => {}
    }
    out.extend_from_slice(if schema.is_optional() {
        b",\"optional\":true".as_slice()
    } else {
        b",\"optional\":false".as_slice()
    });
    if let Some(name) = schema.name() {
        out.extend_from_slice(b",\"name\":");
        write_string(name, out);
    }
    if let Some(version) = schema.version() {
        out.extend_from_slice(b",\"version\":");
        write_integer(version.into(), out);
    }
    if let Some(doc) = schema.doc() {
        out.extend_from_slice(b",\"doc\":");
        write_string(doc, out);
    }
    if !schema.parameters().is_empty() {
        out.extend_from_slice(b",\"parameters\":{");
        for (index, (name, value)) in schema.parameters().iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_string(name, out);
            out.push(b':');
            write_string(value, out);
        }
        out.push(b'}');
    }
    if let Some(default) = schema.default_value() {
        out.extend_from_slice(b",\"default\":");
        write_with_schema(Some(schema), default, options, out)?;
    }
    if let Some(field) = field {
        out.extend_from_slice(b",\"field\":");
        write_string(field, out);
    }
    out.push(b'}');
    Ok(())
}

fn write_optional(schema: Option<&Schema>, options: &JsonOptions, out: &mut Vec<u8>) -> Result<()> {
    match schema {
        Some(schema) => write_schema(schema, None, options, out),
        None => {
            out.extend_from_slice(b"null");
            Ok(())
        }
    }
}
