//! Connect schemas to Protobuf files.

use crate::definition::{
    EnumDefinition, FieldDefinition, FileDefinition, MessageDefinition, OneofDefinition,
};
use crate::known;
use crate::names;
use crate::options::{
    CONNECT_PRECISION, CONNECT_TYPE, DataOptions, GENERALIZED_ENUM, GENERALIZED_UNION,
    META_PRECISION, META_SCALE, PROTOBUF_ENUM, PROTOBUF_TAG, PROTOBUF_TYPE, PROTOBUF_UNION,
    PROTOBUF_UNION_PREFIX, PROTOBUF_WRAPPER, VARIANT,
};
use connect_api::data::{Decimal, LogicalType, Schema, SchemaRef, SchemaType};
use connect_api::{ConnectError, Result};

/// How deep a schema may nest: no deeper than readers of its messages would follow.
const MAX_DEPTH: usize = crate::wire::MAX_DEPTH;
/// How many messages may come out of one schema. One that is used in many places is declared in each.
const MAX_MESSAGES: usize = 10_000;

pub(crate) fn illegal_argument(message: impl Into<String>) -> ConnectError {
    ConnectError::data(message).with_class("java.lang.IllegalArgumentException")
}

/// A file for a schema, with the full name of the message that holds a record.
pub(crate) struct Made {
    pub text: String,
    pub imports: Vec<&'static str>,
    pub message_name: String,
}

/// The file for a root schema.
pub(crate) fn file_of(options: DataOptions, schema: &Schema) -> Result<Made> {
    let mut maker = Maker {
        options,
        num_unnamed: 0,
        num_messages: 0,
        imports: Vec::new(),
    };
    let full_name = maker.name_or_default(schema.name());
    if let Some(wrapper) = wrapper_of(schema.schema_type(), None) {
        return Ok(Made {
            text: known::known_text(known::WRAPPERS_IMPORT)
                .unwrap_or_default()
                .to_string(),
            imports: Vec::new(),
            message_name: wrapper.to_string(),
        });
    }
    if schema.schema_type() != SchemaType::Struct {
        return Err(illegal_argument(format!(
            "Unsupported root schema of type {}",
            schema.schema_type()
        )));
    }
    // As Java splits: empty parts at the end do not count.
    let parts: Vec<String> = full_name
        .trim_end_matches('.')
        .split('.')
        .map(|part| maker.scrubbed(part))
        .collect();
    let (name, package) = parts.split_last().expect("a split has one part at least");
    let message = maker.message(name.clone(), schema, 0)?;
    let package = (!package.is_empty()).then(|| package.join("."));
    let file = FileDefinition {
        package,
        imports: maker.imports,
        messages: vec![message],
    };
    Ok(Made {
        text: file.to_text(),
        imports: file.imports,
        message_name: parts.join("."),
    })
}

/// The wrapper message for values of a primitive type; the parameter `Type` tells signed from unsigned.
pub(crate) fn wrapper_of(
    schema_type: SchemaType,
    protobuf_type: Option<&str>,
) -> Option<&'static str> {
    Some(match (schema_type, protobuf_type) {
        (SchemaType::Int8 | SchemaType::Int16 | SchemaType::Int32, _) => {
            "google.protobuf.Int32Value"
        }
        (SchemaType::Int64, Some("uint32" | "fixed32")) => "google.protobuf.UInt32Value",
        (SchemaType::Int64, Some("uint64" | "fixed64")) => "google.protobuf.UInt64Value",
        (SchemaType::Int64, _) => "google.protobuf.Int64Value",
        (SchemaType::Float32, _) => "google.protobuf.FloatValue",
        (SchemaType::Float64, _) => "google.protobuf.DoubleValue",
        (SchemaType::Boolean, _) => "google.protobuf.BoolValue",
        (SchemaType::String, _) => "google.protobuf.StringValue",
        (SchemaType::Bytes, _) => "google.protobuf.BytesValue",
        (SchemaType::Array | SchemaType::Map | SchemaType::Struct, _) => return None,
    })
}

/// The message of a logical type.
pub(crate) fn logical_message(schema: &Schema) -> Option<&'static str> {
    if schema.name() == Some(VARIANT) {
        return Some("confluent.type.Variant");
    }
    Some(match LogicalType::of(schema)? {
        LogicalType::Decimal => "confluent.type.Decimal",
        LogicalType::Date => "google.type.Date",
        LogicalType::Time => "google.type.TimeOfDay",
        LogicalType::Timestamp => "google.protobuf.Timestamp",
    })
}

pub(crate) fn is_union(schema: &Schema) -> bool {
    schema
        .name()
        .is_some_and(|name| name.starts_with(PROTOBUF_UNION))
        || schema.parameter(GENERALIZED_UNION).is_some()
}

pub(crate) fn is_enum(schema: &Schema) -> bool {
    schema.parameter(GENERALIZED_ENUM).is_some() || schema.parameter(PROTOBUF_ENUM).is_some()
}

/// Whether an optional scalar is written as a wrapper message.
pub(crate) fn is_wrapped(options: DataOptions, schema: &Schema, oneof_member: bool) -> bool {
    // A member of a oneof may always be unset, so only the mark tells whether it was a wrapper.
    options.wrapper_for_nullables
        && schema.is_optional()
        && (!oneof_member
            || schema
                .parameter(PROTOBUF_WRAPPER)
                .is_some_and(|mark| mark.eq_ignore_ascii_case("true")))
}

pub(crate) fn value_schema(schema: &Schema) -> Result<&SchemaRef> {
    match schema.value_schema()? {
        Some(schema) => Ok(schema),
        None => Err(ConnectError::data(format!(
            "{schema} does not tell the schema of its values, which Protobuf needs"
        ))),
    }
}

pub(crate) fn key_schema(schema: &Schema) -> Result<&SchemaRef> {
    match schema.key_schema()? {
        Some(schema) => Ok(schema),
        None => Err(ConnectError::data(format!(
            "{schema} does not tell the schema of its keys, which Protobuf needs"
        ))),
    }
}

struct Maker {
    options: DataOptions,
    num_unnamed: usize,
    num_messages: usize,
    imports: Vec<&'static str>,
}

impl Maker {
    fn scrubbed(&self, name: &str) -> String {
        if self.options.scrub_invalid_names {
            names::scrub(name)
        } else {
            name.to_string()
        }
    }

    fn name_or_default(&mut self, name: Option<&str>) -> String {
        match name {
            Some(name) if !name.is_empty() => name.to_string(),
            _ => {
                self.num_unnamed += 1;
                format!("ConnectDefault{}", self.num_unnamed)
            }
        }
    }

    fn simple_name(&mut self, name: Option<&str>) -> String {
        let name = self.name_or_default(name);
        let simple = name.rsplit('.').next().unwrap_or(&name);
        self.scrubbed(simple)
    }

    fn message(
        &mut self,
        name: String,
        schema: &Schema,
        depth: usize,
    ) -> Result<MessageDefinition> {
        let mut message = self.begin(name, depth)?;
        let mut next_number = 1;
        for field in schema.fields() {
            let number = match tag(&field.schema)? {
                Some(number) => number,
                None => {
                    next_number += 1;
                    next_number - 1
                }
            };
            let name = self.scrubbed(&field.name);
            if let Some(field) =
                self.field(&mut message, &field.schema, name, number, false, depth)?
            {
                message.fields.push(field);
            }
        }
        Ok(message)
    }

    fn begin(&mut self, name: String, depth: usize) -> Result<MessageDefinition> {
        self.num_messages += 1;
        if depth >= MAX_DEPTH || self.num_messages > MAX_MESSAGES {
            return Err(illegal_argument(format!(
                "Invalid protobuf schema definition: {name} lies deeper than {MAX_DEPTH} messages, or \
                 the schema needs more than {MAX_MESSAGES} messages"
            )));
        }
        Ok(MessageDefinition {
            name,
            ..MessageDefinition::default()
        })
    }

    /// A field, with what it needs declared in its message; nothing for a union, which becomes a oneof.
    fn field(
        &mut self,
        message: &mut MessageDefinition,
        schema: &Schema,
        name: String,
        number: i32,
        oneof_member: bool,
        depth: usize,
    ) -> Result<Option<FieldDefinition>> {
        let label = match schema.schema_type() {
            SchemaType::Array | SchemaType::Map => Some("repeated"),
            _ if self.options.optional_for_nullables && schema.is_optional() => Some("optional"),
            _ => None,
        };
        let schema = match schema.schema_type() {
            SchemaType::Array => value_schema(schema)?,
            _ => schema,
        };
        let mut params = Vec::new();
        let type_name = self.type_name(schema, &name, &mut params, oneof_member)?;
        if let Some(import) = known::import_of(&type_name) {
            if !self.imports.contains(&import) {
                self.imports.push(import);
            }
        } else {
            match schema.schema_type() {
                SchemaType::Struct if is_union(schema) => {
                    self.oneof(message, schema, depth)?;
                    return Ok(None);
                }
                // A message may stand for itself in its own fields, and is declared once.
                SchemaType::Struct if message.name == type_name => {}
                SchemaType::Struct
                    if message.messages.iter().any(|known| known.name == type_name) => {}
                SchemaType::Struct => {
                    let inner = self.message(type_name.clone(), schema, depth + 1)?;
                    message.messages.push(inner);
                }
                SchemaType::Map => {
                    let entry = self.map_entry(type_name.clone(), schema, depth + 1)?;
                    message.messages.push(entry);
                }
                _ if is_enum(schema) => {
                    let enum_name = self.simple_name(schema.name());
                    if !message.enums.iter().any(|known| known.name == enum_name) {
                        message.enums.push(self.enumeration(enum_name, schema)?);
                    }
                }
                _ => {}
            }
        }
        Ok(Some(FieldDefinition {
            // Members of a oneof bear no label.
            label: label.filter(|_| !oneof_member),
            type_name,
            name,
            number,
            params,
        }))
    }

    fn oneof(
        &mut self,
        message: &mut MessageDefinition,
        schema: &Schema,
        depth: usize,
    ) -> Result<()> {
        let name = match schema.parameter(GENERALIZED_UNION) {
            Some(name) if self.options.generalized_sum_type_support => name.to_string(),
            _ => {
                let name = schema.name().unwrap_or_default();
                let name = name.strip_prefix(PROTOBUF_UNION_PREFIX).unwrap_or(name);
                let name = name.to_string();
                self.simple_name(Some(&name))
            }
        };
        let mut oneof = OneofDefinition {
            name,
            fields: Vec::new(),
        };
        for field in schema.fields() {
            let number = tag(&field.schema)?.unwrap_or(0);
            let name = self.scrubbed(&field.name);
            oneof
                .fields
                .extend(self.field(message, &field.schema, name, number, true, depth)?);
        }
        message.oneofs.push(oneof);
        Ok(())
    }

    fn map_entry(
        &mut self,
        name: String,
        schema: &Schema,
        depth: usize,
    ) -> Result<MessageDefinition> {
        let mut entry = self.begin(name, depth)?;
        for (name, number, schema) in [
            ("key", 1, key_schema(schema)?),
            ("value", 2, value_schema(schema)?),
        ] {
            match self.field(&mut entry, schema, name.to_string(), number, false, depth)? {
                // Keys and values are never labelled `optional`.
                Some(field) => entry.fields.push(FieldDefinition {
                    label: field.label.filter(|label| *label == "repeated"),
                    ..field
                }),
                None => {
                    return Err(illegal_argument(format!(
                        "Invalid protobuf schema definition: {}.{name} cannot be a union",
                        entry.name
                    )));
                }
            }
        }
        Ok(entry)
    }

    fn enumeration(&self, name: String, schema: &Schema) -> Result<EnumDefinition> {
        let prefix = format!("{}.", self.options.enum_parameter());
        let mut values = Vec::new();
        for (parameter, number) in schema.parameters() {
            if let Some(symbol) = parameter.strip_prefix(&prefix) {
                values.push((symbol.to_string(), parse_number(number)?));
            }
        }
        Ok(EnumDefinition { name, values })
    }

    fn type_name(
        &mut self,
        schema: &Schema,
        field_name: &str,
        params: &mut Vec<(&'static str, String)>,
        oneof_member: bool,
    ) -> Result<String> {
        if let Some(message) = logical_message(schema) {
            if LogicalType::of(schema) == Some(LogicalType::Decimal) {
                for (param, parameter) in [
                    (META_PRECISION, CONNECT_PRECISION),
                    (META_SCALE, Decimal::SCALE_FIELD),
                ] {
                    if let Some(value) = schema.parameter(parameter) {
                        params.push((param, value.to_string()));
                    }
                }
            }
            return Ok(message.to_string());
        }
        let given_type = schema.parameter(PROTOBUF_TYPE);
        let scalar = match schema.schema_type() {
            SchemaType::Int8 => {
                params.push((CONNECT_TYPE, "int8".to_string()));
                "int32"
            }
            SchemaType::Int16 => {
                params.push((CONNECT_TYPE, "int16".to_string()));
                "int32"
            }
            SchemaType::Int32 => match schema.parameter(PROTOBUF_ENUM) {
                Some(name) => return Ok(name.to_string()),
                None => given_type.unwrap_or("int32"),
            },
            SchemaType::Int64 => given_type.unwrap_or("int64"),
            SchemaType::Float32 => "float",
            SchemaType::Float64 => "double",
            SchemaType::Boolean => "bool",
            SchemaType::String => {
                let name = schema
                    .parameter(GENERALIZED_ENUM)
                    .or_else(|| schema.parameter(PROTOBUF_ENUM));
                match name {
                    Some(name) => return Ok(name.to_string()),
                    None => "string",
                }
            }
            SchemaType::Bytes => "bytes",
            SchemaType::Array => return Err(illegal_argument("Array cannot be nested")),
            SchemaType::Map => {
                let name = self.simple_name(schema.name());
                return Ok(names::map_entry(&name));
            }
            SchemaType::Struct => {
                let name = self.simple_name(schema.name());
                // A type and a field of one message cannot share a name.
                let suffix = if name == field_name { "Message" } else { "" };
                return Ok(name + suffix);
            }
        };
        let wrapper = wrapper_of(schema.schema_type(), given_type);
        Ok(match wrapper {
            Some(wrapper) if is_wrapped(self.options, schema, oneof_member) => wrapper,
            _ => scalar,
        }
        .to_string())
    }
}

fn tag(schema: &Schema) -> Result<Option<i32>> {
    schema.parameter(PROTOBUF_TAG).map(parse_number).transpose()
}

fn parse_number(text: &str) -> Result<i32> {
    text.parse().map_err(|_| {
        ConnectError::data(format!("For input string: \"{text}\""))
            .with_class("java.lang.NumberFormatException")
    })
}
