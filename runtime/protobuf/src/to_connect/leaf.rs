//! Fields that hold no struct: their schemas and how they are read.

use super::{Making, single};
use crate::mapping::{declared_fields, declared_values, is_proto2, type_name};
use crate::meta::FieldMeta;
use crate::options::{
    CONNECT_PRECISION, CONNECT_TYPE, DataOptions, META_PRECISION, META_SCALE, PROTOBUF_TYPE,
    VARIANT,
};
use crate::plan::{Element, EnumPlan, MessagePlan, ScalarKind, ScalarPlan};
use connect_api::data::{Decimal, LogicalType, Schema, SchemaBuilder, SchemaType, Value};
use connect_api::{ConnectError, Result};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use std::sync::Arc;

pub(super) fn logical_builder(
    logical: LogicalType,
    field: &FieldDescriptor,
) -> Result<SchemaBuilder> {
    let builder = match logical {
        LogicalType::Decimal => {
            let meta = FieldMeta::of(field);
            let number = |name: &str| meta.param(name)?.parse::<i32>().ok();
            let scale = number(META_SCALE).unwrap_or(0);
            let builder = Decimal::builder(scale);
            return Ok(match number(META_PRECISION) {
                Some(precision) => builder.parameter(CONNECT_PRECISION, precision.to_string()),
                None => builder,
            });
        }
        LogicalType::Date | LogicalType::Time => Schema::builder(SchemaType::Int32),
        LogicalType::Timestamp => Schema::builder(SchemaType::Int64),
    };
    Ok(builder.name(logical.schema_name()).version(1))
}

pub(super) fn variant(
    options: DataOptions,
    message: &MessageDescriptor,
) -> Result<(SchemaBuilder, MessagePlan)> {
    let mut making = Making::default();
    let mut builder = Schema::struct_builder().name(VARIANT);
    for field in declared_fields(message) {
        let scalar = scalar_plan(options, &field, None)?;
        let unset = scalar.default.clone();
        let slot = making.slot(field.name(), Schema::bytes(), unset);
        making.push(&field, slot, None, single(Element::Scalar(scalar)));
        builder = builder.field(field.name(), Schema::bytes());
    }
    let plan = making.finish().plan;
    Ok((builder, MessagePlan::Struct(Schema::bytes(), plan)))
}

pub(super) fn enum_builder(options: DataOptions, definition: &EnumDescriptor) -> SchemaBuilder {
    let schema_type = if options.int_for_enums {
        SchemaType::Int32
    } else {
        SchemaType::String
    };
    let parameter = options.enum_parameter();
    let mut builder = Schema::builder(schema_type)
        .name(type_name(
            options,
            definition.name(),
            definition.full_name(),
        ))
        .parameter(parameter, definition.name());
    for (symbol, number) in declared_values(definition) {
        builder = builder.parameter(format!("{parameter}.{symbol}"), number.to_string());
    }
    builder
}

/// The schema of a scalar that is no enum, and whether it is narrowed.
pub(super) fn scalar_builder(
    field: &FieldDescriptor,
    kind: &Kind,
) -> Result<(SchemaBuilder, Option<SchemaType>)> {
    let (schema_type, type_parameter) = match kind {
        Kind::Int32 => (SchemaType::Int32, None),
        Kind::Sint32 => (SchemaType::Int32, Some("sint32")),
        Kind::Sfixed32 => (SchemaType::Int32, Some("sfixed32")),
        Kind::Int64 => (SchemaType::Int64, None),
        Kind::Uint32 => (SchemaType::Int64, Some("uint32")),
        Kind::Fixed32 => (SchemaType::Int64, Some("fixed32")),
        Kind::Uint64 => (SchemaType::Int64, Some("uint64")),
        Kind::Sint64 => (SchemaType::Int64, Some("sint64")),
        Kind::Fixed64 => (SchemaType::Int64, Some("fixed64")),
        Kind::Sfixed64 => (SchemaType::Int64, Some("sfixed64")),
        Kind::Float => (SchemaType::Float32, None),
        Kind::Double => (SchemaType::Float64, None),
        Kind::Bool => (SchemaType::Boolean, None),
        Kind::String => (SchemaType::String, None),
        Kind::Bytes => (SchemaType::Bytes, None),
        Kind::Message(_) | Kind::Enum(_) => {
            return Err(ConnectError::data(format!(
                "Unknown Connect schema type: {kind:?}"
            )));
        }
    };
    if schema_type == SchemaType::Int32 {
        let narrow = match FieldMeta::of(field).param(CONNECT_TYPE) {
            Some("int8") => Some(SchemaType::Int8),
            Some("int16") => Some(SchemaType::Int16),
            _ => None,
        };
        if let Some(narrow) = narrow {
            return Ok((Schema::builder(narrow), Some(narrow)));
        }
    }
    let builder = Schema::builder(schema_type);
    Ok((
        match type_parameter {
            Some(name) => builder.parameter(PROTOBUF_TYPE, name),
            None => builder,
        },
        None,
    ))
}

pub(super) fn scalar_plan(
    options: DataOptions,
    field: &FieldDescriptor,
    narrow: Option<SchemaType>,
) -> Result<ScalarPlan> {
    let kind = match field.kind() {
        Kind::Int32 => ScalarKind::Int32,
        Kind::Sint32 => ScalarKind::Sint32,
        Kind::Sfixed32 => ScalarKind::Sfixed32,
        Kind::Uint32 => ScalarKind::Uint32,
        Kind::Fixed32 => ScalarKind::Fixed32,
        Kind::Int64 | Kind::Uint64 => ScalarKind::Int64,
        Kind::Sint64 => ScalarKind::Sint64,
        Kind::Fixed64 | Kind::Sfixed64 => ScalarKind::Fixed64,
        Kind::Float => ScalarKind::Float,
        Kind::Double => ScalarKind::Double,
        Kind::Bool => ScalarKind::Bool,
        Kind::String => ScalarKind::String(!is_proto2(field)),
        Kind::Bytes => ScalarKind::Bytes,
        Kind::Enum(definition) => {
            ScalarKind::Enum(Arc::new(enum_plan(options, field, &definition)))
        }
        Kind::Message(message) => {
            return Err(ConnectError::data(format!(
                "{} is not a scalar",
                message.full_name()
            )));
        }
    };
    let default = match (field.default_value(), &kind) {
        (prost_reflect::Value::I32(value), _) => Value::Int32(value),
        (prost_reflect::Value::U32(value), _) => Value::Int64(value.into()),
        (prost_reflect::Value::I64(value), _) => Value::Int64(value),
        (prost_reflect::Value::U64(value), _) => Value::Int64(value as i64),
        (prost_reflect::Value::F32(value), _) => Value::Float32(value),
        (prost_reflect::Value::F64(value), _) => Value::Float64(value),
        (prost_reflect::Value::Bool(value), _) => Value::Boolean(value),
        (prost_reflect::Value::String(value), _) => Value::string(value),
        (prost_reflect::Value::Bytes(value), _) => Value::Bytes(value),
        (prost_reflect::Value::EnumNumber(number), ScalarKind::Enum(plan)) => {
            plan.value(number).unwrap_or(Value::Null)
        }
        // Of a repeated field: its items have no default.
        _ => Value::Null,
    };
    Ok(match narrow {
        Some(narrow) => ScalarPlan {
            default: crate::decode::narrowed(default, narrow),
            kind: ScalarKind::Narrow(Box::new(kind), narrow),
        },
        None => ScalarPlan { kind, default },
    })
}

fn enum_plan(
    options: DataOptions,
    field: &FieldDescriptor,
    definition: &EnumDescriptor,
) -> EnumPlan {
    let mut symbols: Vec<(i32, bytestring::ByteString)> = declared_values(definition)
        .map(|(symbol, number)| (number, symbol.into()))
        .collect();
    // Of several names for a number the first one counts.
    symbols.sort_by_key(|symbol| symbol.0);
    symbols.dedup_by_key(|symbol| symbol.0);
    EnumPlan {
        name: definition.name().to_string(),
        is_closed: is_proto2(field)
            || definition.parent_file().syntax() == prost_reflect::Syntax::Proto2,
        as_number: options.int_for_enums,
        symbols,
    }
}
