//! Plans to write values of a Connect schema as a message.

use super::{Element, EnumEncoder, FieldEncoder, MessageEncoder, Scalar, Shape, WireKind};
use crate::from_connect::{
    illegal_argument, is_enum, is_union, is_wrapped, key_schema, value_schema,
};
use crate::mapping::{declared_values, is_repeated};
use crate::names;
use crate::options::{DataOptions, PROTOBUF_ENUM, PROTOBUF_TYPE, VARIANT};
use connect_api::data::{LogicalType, Schema, SchemaRef, SchemaType};
use connect_api::{ConnectError, Result};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

/// Compiles plans under the options of the mapping.
pub(super) struct Compiler {
    pub options: DataOptions,
}

impl Compiler {
    pub(super) fn root_logical(&self, schema: &Schema) -> Element {
        LogicalType::of(schema).map_or_else(|| self.root_wrapper(schema), Element::Logical)
    }

    pub(super) fn root_wrapper(&self, schema: &Schema) -> Element {
        Element::Wrapper(wrapped_scalar(schema))
    }

    pub(super) fn message(
        &self,
        schema: &SchemaRef,
        message: &MessageDescriptor,
    ) -> Result<MessageEncoder> {
        let mut fields = Vec::new();
        let mut unions = Vec::new();
        for field in schema.fields() {
            if is_union(&field.schema) && field.schema.schema_type() == SchemaType::Struct {
                unions.push(field.index);
                for member in field.schema.fields() {
                    let target = self.target(message, &member.name)?;
                    fields.push(FieldEncoder {
                        number: target.number(),
                        slot: field.index,
                        member: Some(member.index),
                        has_presence: true,
                        shape: self.shape(&member.schema, &target, true)?,
                    });
                }
                continue;
            }
            let target = self.target(message, &field.name)?;
            fields.push(FieldEncoder {
                number: target.number(),
                slot: field.index,
                member: None,
                has_presence: target.supports_presence(),
                shape: self.shape(&field.schema, &target, false)?,
            });
        }
        fields.sort_by_key(|field| field.number);
        Ok(MessageEncoder {
            schema: Some(schema.clone()),
            fields,
            unions,
            ignore_default: self.options.ignore_default_for_nullables,
        })
    }

    fn target(&self, message: &MessageDescriptor, name: &str) -> Result<FieldDescriptor> {
        let scrubbed;
        let name = if self.options.scrub_invalid_names {
            scrubbed = names::scrub(name);
            &scrubbed
        } else {
            name
        };
        message
            .get_field_by_name(name)
            .ok_or_else(|| ConnectError::data(format!("Cannot find field with name {name}")))
    }

    fn shape(
        &self,
        schema: &SchemaRef,
        target: &FieldDescriptor,
        oneof_member: bool,
    ) -> Result<Shape> {
        match schema.schema_type() {
            SchemaType::Array => {
                let element = self.element(value_schema(schema)?, target, oneof_member)?;
                Ok(match element {
                    Element::Scalar(Scalar { kind, .. }) if kind != WireKind::Delimited => {
                        Shape::Packed(element)
                    }
                    Element::Enum(_) => Shape::Packed(element),
                    element => Shape::Repeated(element),
                })
            }
            SchemaType::Map => {
                let Kind::Message(entry) = target.kind() else {
                    return Err(wrong_type(target, schema.schema_type()));
                };
                let mut fields = Vec::new();
                for (slot, (name, schema)) in [
                    ("key", key_schema(schema)?),
                    ("value", value_schema(schema)?),
                ]
                .into_iter()
                .enumerate()
                {
                    let target = self.target(&entry, name)?;
                    fields.push(FieldEncoder {
                        number: target.number(),
                        slot,
                        member: None,
                        has_presence: target.supports_presence(),
                        shape: self.shape(schema, &target, false)?,
                    });
                }
                Ok(Shape::Map(Box::new(MessageEncoder {
                    schema: None,
                    fields,
                    unions: Vec::new(),
                    ignore_default: true,
                })))
            }
            _ if is_repeated(target) => Err(wrong_type(target, schema.schema_type())),
            _ => self
                .element(schema, target, oneof_member)
                .map(Shape::Single),
        }
    }

    fn element(
        &self,
        schema: &SchemaRef,
        target: &FieldDescriptor,
        oneof_member: bool,
    ) -> Result<Element> {
        if schema.name() != Some(VARIANT)
            && let Some(logical) = LogicalType::of(schema)
        {
            return Ok(Element::Logical(logical));
        }
        match (schema.schema_type(), target.kind()) {
            (SchemaType::Struct, Kind::Message(message)) => {
                self.message(schema, &message).map(Element::Message)
            }
            // A list in a list was refused; maps in a list have no message of their own.
            (SchemaType::Struct | SchemaType::Array | SchemaType::Map, _) => {
                Err(wrong_type(target, schema.schema_type()))
            }
            (_, Kind::Enum(definition)) if is_enum(schema) => {
                self.enumeration(schema, &definition).map(Element::Enum)
            }
            (_, Kind::Enum(_)) => Err(illegal_argument(
                "DynamicMessage should use EnumValueDescriptor to set Enum Value.",
            )),
            (_, Kind::Message(_)) if is_wrapped(self.options, schema, oneof_member) => {
                Ok(Element::Wrapper(wrapped_scalar(schema)))
            }
            (schema_type, kind) => match wire_kind(schema_type, &kind) {
                Some(kind) => Ok(Element::Scalar(Scalar { schema_type, kind })),
                None => Err(wrong_type(target, schema_type)),
            },
        }
    }

    fn enumeration(&self, schema: &Schema, definition: &EnumDescriptor) -> Result<EnumEncoder> {
        let parameter = match schema.schema_type() {
            SchemaType::String => self.options.enum_parameter(),
            _ => PROTOBUF_ENUM,
        };
        let prefix = format!("{parameter}.");
        let numbers = schema.parameters().iter().filter_map(|(name, number)| {
            Some((
                name.strip_prefix(&prefix)?.to_string(),
                number.parse().ok()?,
            ))
        });
        Ok(EnumEncoder {
            schema_type: schema.schema_type(),
            numbers: numbers.collect(),
            known: declared_values(definition)
                .map(|(_, number)| number)
                .collect(),
            default: declared_values(definition)
                .next()
                .map_or(0, |(_, number)| number),
        })
    }
}

fn wrong_type(target: &FieldDescriptor, schema_type: SchemaType) -> ConnectError {
    illegal_argument(format!(
        "Wrong object type used with protocol message reflection.\nField number: {}, field {} of type \
         {:?}, schema type: {schema_type}\n",
        target.number(),
        target.full_name(),
        target.kind()
    ))
}

/// How the wrapper of a scalar holds it. Unsigned 32-bit numbers go in as signed ones, as on the JVM.
fn wrapped_scalar(schema: &Schema) -> Scalar {
    let kind = match schema.schema_type() {
        SchemaType::Int8 | SchemaType::Int16 | SchemaType::Int32 => WireKind::Int32,
        SchemaType::Int64 => match schema.parameter(PROTOBUF_TYPE) {
            Some("uint32" | "fixed32") => WireKind::Int32,
            _ => WireKind::Int64,
        },
        SchemaType::Float32 => WireKind::Float,
        SchemaType::Float64 => WireKind::Double,
        SchemaType::Boolean => WireKind::Bool,
        _ => WireKind::Delimited,
    };
    Scalar {
        schema_type: schema.schema_type(),
        kind,
    }
}

/// How a field holds values of a schema type; none if it cannot.
fn wire_kind(schema_type: SchemaType, kind: &Kind) -> Option<WireKind> {
    use SchemaType as Type;
    Some(match (schema_type, kind) {
        (Type::Int8 | Type::Int16 | Type::Int32, Kind::Int32) => WireKind::Int32,
        (Type::Int8 | Type::Int16 | Type::Int32, Kind::Sint32) => WireKind::Sint32,
        (Type::Int8 | Type::Int16 | Type::Int32, Kind::Sfixed32 | Kind::Fixed32) => {
            WireKind::Fixed32
        }
        (Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64, Kind::Uint32) => WireKind::Uint32,
        (Type::Int64, Kind::Fixed32) => WireKind::Fixed32,
        (Type::Int64, Kind::Int64 | Kind::Uint64) => WireKind::Int64,
        (Type::Int64, Kind::Sint64) => WireKind::Sint64,
        (Type::Int64, Kind::Fixed64 | Kind::Sfixed64) => WireKind::Fixed64,
        (Type::Float32, Kind::Float) => WireKind::Float,
        (Type::Float64, Kind::Double) => WireKind::Double,
        (Type::Boolean, Kind::Bool) => WireKind::Bool,
        (Type::String, Kind::String) | (Type::Bytes, Kind::Bytes) => WireKind::Delimited,
        _ => return None,
    })
}
