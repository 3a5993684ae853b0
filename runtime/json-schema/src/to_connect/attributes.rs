//! What the members of a JSON Schema say besides its type.

use super::{builder_error, text_attribute};
use crate::document::Node;
use crate::java_order::of_new_map;
use crate::reader::ValueReader;
use crate::{CONNECT_PARAMETERS, CONNECT_VERSION, JSON_ID};
use bytes::Bytes;
use connect_api::Result;
use connect_api::data::{Schema, SchemaBuilder, SchemaRef, Value};

/// Adds what the members of a schema say besides its type.
pub(super) fn finish(
    mut builder: SchemaBuilder,
    is_named: bool,
    attributes: Option<&Node>,
    version: Option<i32>,
    force_optional: bool,
    id: Option<String>,
) -> Result<SchemaRef> {
    if let Some(title) = text_attribute(attributes, "title")
        && !is_named
    {
        builder = builder.name(title);
    }
    let own_version = attributes.and_then(|node| node.get(CONNECT_VERSION)?.as_i32());
    if let Some(version) = own_version.or(version) {
        builder = builder.version(version);
    }
    if let Some(doc) = text_attribute(attributes, "description") {
        builder = builder.doc(doc);
    }
    let parameters = attributes.and_then(|node| node.get(CONNECT_PARAMETERS)?.as_object());
    if let Some(parameters) = parameters.filter(|parameters| !parameters.is_empty()) {
        let parameters = of_new_map(parameters.iter().collect(), |(name, _)| name.as_str());
        for (name, value) in parameters {
            builder = builder.parameter(name.as_str(), value.to_java_text());
        }
        if let Some(id) = id {
            builder = builder.parameter(JSON_ID, id);
        }
    }
    if let Some(default) = attributes.and_then(|node| node.get("default")) {
        let plain = optional_once(builder.clone(), false).build()?;
        let text = Bytes::from(default.to_text());
        let value = ValueReader::new(&plain).read(&text)?;
        if value == Value::Null {
            return Err(builder_error("Invalid default value"));
        }
        builder = builder.default_value(value);
    }
    optional_once(builder, force_optional).build()
}

fn optional_once(builder: SchemaBuilder, optional: bool) -> SchemaBuilder {
    if optional {
        builder.optional()
    } else {
        builder
    }
}

/// The schema with the id that tells it from others in derived schemas.
pub(super) fn with_id(schema: &SchemaRef, id: String) -> Result<SchemaRef> {
    let mut builder = Schema::struct_builder();
    for field in schema.fields() {
        builder = builder.field(field.name.clone(), field.schema.clone());
    }
    if let Some(name) = schema.name() {
        builder = builder.name(name);
    }
    if let Some(version) = schema.version() {
        builder = builder.version(version);
    }
    if let Some(doc) = schema.doc() {
        builder = builder.doc(doc);
    }
    for (name, value) in schema.parameters() {
        builder = builder.parameter(name.as_str(), value.as_str());
    }
    if let Some(default) = schema.default_value() {
        builder = builder.default_value(default.clone());
    }
    builder = builder.parameter(JSON_ID, id);
    optional_once(builder, schema.is_optional()).build()
}
