//! What a message or field of Protobuf stands for in Connect.

use crate::known;
use crate::names;
use crate::options::DataOptions;
use connect_api::data::{LogicalType, SchemaType};
use prost_reflect::{
    Cardinality, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Syntax,
};

/// What a field of a message type holds.
pub(crate) enum MessageKind {
    /// Entries of a map.
    Entries,
    /// Decimal, Date, Time or Timestamp.
    Logical(LogicalType),
    /// A value of any type in bytes, as Confluent's Variant.
    Variant,
    /// One scalar, which is read without its wrapper.
    Wrapper(FieldDescriptor),
    /// A struct.
    Struct,
}

pub(crate) fn message_kind(
    options: DataOptions,
    field: &FieldDescriptor,
    message: &MessageDescriptor,
) -> MessageKind {
    if let Some(logical) = logical_type(message.full_name()) {
        return MessageKind::Logical(logical);
    }
    if message.full_name() == "confluent.type.Variant" {
        return MessageKind::Variant;
    }
    if (options.wrapper_for_nullables || options.wrapper_for_raw_primitives)
        && let Some(value) = wrapped_field(message)
    {
        return MessageKind::Wrapper(value);
    }
    if entry_fields(field, message).is_some() {
        return MessageKind::Entries;
    }
    MessageKind::Struct
}

/// The logical type of a message by its name.
pub(crate) fn logical_type(full_name: &str) -> Option<LogicalType> {
    Some(match full_name {
        "confluent.type.Decimal" => LogicalType::Decimal,
        "google.type.Date" => LogicalType::Date,
        "google.type.TimeOfDay" => LogicalType::Time,
        "google.protobuf.Timestamp" => LogicalType::Timestamp,
        _ => return None,
    })
}

/// The field of a wrapper message.
pub(crate) fn wrapped_field(message: &MessageDescriptor) -> Option<FieldDescriptor> {
    if known::is_wrapper(message.full_name()) {
        message.get_field_by_name("value")
    } else {
        None
    }
}

/// Key and value if the field is a map. Its entries need not be marked: the name and the fields tell.
pub(crate) fn entry_fields(
    field: &FieldDescriptor,
    message: &MessageDescriptor,
) -> Option<(FieldDescriptor, FieldDescriptor)> {
    if !is_repeated(field) || !names::is_map_entry(message.name()) {
        return None;
    }
    let mut fields = declared_fields(message).into_iter();
    let (key, value) = (fields.next()?, fields.next()?);
    let fits = fields.next().is_none()
        && key.name() == "key"
        && value.name() == "value"
        && !is_repeated(&key)
        && !is_repeated(&value);
    fits.then_some((key, value))
}

/// The fields in the order of their declaration; the library has them by number.
pub(crate) fn declared_fields(message: &MessageDescriptor) -> Vec<FieldDescriptor> {
    message
        .descriptor_proto()
        .field
        .iter()
        .filter_map(|field| message.get_field_by_name(field.name()))
        .collect()
}

/// Names and numbers of an enum in the order of their declaration.
pub(crate) fn declared_values(definition: &EnumDescriptor) -> impl Iterator<Item = (&str, i32)> {
    let values = &definition.enum_descriptor_proto().value;
    values.iter().map(|value| (value.name(), value.number()))
}

pub(crate) fn is_repeated(field: &FieldDescriptor) -> bool {
    field.cardinality() == Cardinality::Repeated
}

pub(crate) fn is_proto2(field: &FieldDescriptor) -> bool {
    field.parent_file().syntax() == Syntax::Proto2
}

pub(crate) fn is_proto3_optional(field: &FieldDescriptor) -> bool {
    field.field_descriptor_proto().proto3_optional()
}

/// Whether the field bears the label `optional`.
pub(crate) fn has_optional_keyword(field: &FieldDescriptor) -> bool {
    is_proto3_optional(field)
        || (is_proto2(field)
            && field.cardinality() == Cardinality::Optional
            && field.containing_oneof().is_none())
}

/// The name of a type in Connect.
pub(crate) fn type_name<'a>(options: DataOptions, simple: &'a str, full: &'a str) -> &'a str {
    if options.enhanced_schema_support {
        full
    } else {
        simple
    }
}

/// The messages that become structs in the fields of a message, also those in maps.
pub(crate) fn message_edges(
    options: DataOptions,
    message: &MessageDescriptor,
) -> Vec<MessageDescriptor> {
    let mut edges = Vec::new();
    for field in declared_fields(message) {
        add_edges(options, &field, &mut edges);
    }
    edges
}

fn add_edges(options: DataOptions, field: &FieldDescriptor, edges: &mut Vec<MessageDescriptor>) {
    let Kind::Message(message) = field.kind() else {
        return;
    };
    match message_kind(options, field, &message) {
        MessageKind::Struct => edges.push(message),
        MessageKind::Entries => {
            // Keys and values are not repeated, so neither of them is a map again.
            for part in declared_fields(&message) {
                add_edges(options, &part, edges);
            }
        }
        _ => {}
    }
}

/// The physical type of a wrapped scalar.
pub(crate) fn wrapped_type(value: &FieldDescriptor) -> SchemaType {
    match value.kind() {
        Kind::Int32 => SchemaType::Int32,
        Kind::Float => SchemaType::Float32,
        Kind::Double => SchemaType::Float64,
        Kind::Bool => SchemaType::Boolean,
        Kind::String => SchemaType::String,
        Kind::Bytes => SchemaType::Bytes,
        _ => SchemaType::Int64,
    }
}
