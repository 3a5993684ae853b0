//! Plans from pairs of schemas.

use super::plan::{FieldWrite, Number, OnNull, RecordWrite, Slot, UnionWrite, Write};
use crate::config::AvroDataConfig;
use crate::data::{KEY_FIELD, VALUE_FIELD, anything_schema, has_string_keys, is_union};
use crate::names::scrub_name;
use crate::schema::{AVRO_TYPE_EXCEPTION, AvroKind, AvroSchema, AvroType, TypeId};
use connect_api::data::{Decimal, LogicalType, Schema, SchemaRef, SchemaType};
use connect_api::{ConnectError, Result};

pub(super) struct Compiler<'a> {
    config: &'a AvroDataConfig,
    /// The Avro form of the Connect schema, by whose names branches are found.
    own: &'a AvroSchema,
    wire: &'a AvroSchema,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(
        config: &'a AvroDataConfig,
        own: &'a AvroSchema,
        wire: &'a AvroSchema,
    ) -> Self {
        Self { config, own, wire }
    }

    pub(super) fn compile_root(&self, schema: Option<&SchemaRef>) -> Result<Slot> {
        self.compile(schema, self.own.root_id(), self.wire.root_id())
    }

    fn compile(&self, schema: Option<&SchemaRef>, own: TypeId, wire: TypeId) -> Result<Slot> {
        let Some(schema) = schema else {
            let (branch, write) = self.compile_anything(wire);
            return Ok(Slot {
                optional: true,
                on_null: OnNull::Write,
                branch,
                write,
            });
        };
        let (branch, write) = if is_union_struct(schema) {
            (None, self.compile_union(schema, own, wire)?)
        } else {
            self.compile_value(schema, self.not_null(own), wire)?
        };
        Ok(Slot {
            optional: schema.is_optional(),
            on_null: self.on_null(wire),
            branch,
            write,
        })
    }

    fn on_null(&self, wire: TypeId) -> OnNull {
        let wire = self.wire.get(wire);
        match &wire.kind {
            AvroKind::Null => OnNull::Nothing,
            AvroKind::Union(branches) => match self.wire.branch_named(branches, "null") {
                Some(index) => OnNull::Branch(index as i64),
                None => OnNull::Fail(self.not_in_union(wire, "null")),
            },
            _ => OnNull::Fail(
                ConnectError::data(format!(
                    "null value for (non-nullable) {}",
                    wire.full_name()
                ))
                .with_class("java.lang.NullPointerException"),
            ),
        }
    }

    /// The branch of an own union that is not null.
    fn not_null(&self, own: TypeId) -> TypeId {
        let is_null = |id: TypeId| self.own.get(id).kind == AvroKind::Null;
        let branches = self.own.get(own).branches();
        branches
            .iter()
            .copied()
            .find(|&id| !is_null(id))
            .unwrap_or(own)
    }

    fn not_in_union(&self, union: &AvroType, name: &str) -> ConnectError {
        let names: Vec<&str> = union
            .branches()
            .iter()
            .map(|&branch| self.wire.get(branch).full_name())
            .collect();
        ConnectError::data(format!("Not in union [{}]: {name}", names.join(", ")))
            .with_class("org.apache.avro.UnresolvedUnionException")
    }

    /// The type of the wire that a value of the own type goes to, and its branch if there is a union.
    fn resolve(&self, own_name: &str, wire: TypeId) -> Result<(Option<i64>, TypeId), ConnectError> {
        let wire_type = self.wire.get(wire);
        let AvroKind::Union(branches) = &wire_type.kind else {
            return Ok((None, wire));
        };
        match self.wire.branch_named(branches, own_name) {
            Some(index) => Ok((Some(index as i64), branches[index])),
            None => Err(self.not_in_union(wire_type, own_name)),
        }
    }

    fn compile_anything(&self, wire: TypeId) -> (Option<i64>, Write) {
        let expected = anything_schema().root();
        match self.resolve(expected.full_name(), wire) {
            Err(error) => (None, Write::Fail(error)),
            Ok((branch, wire)) => {
                let wire = self.wire.get(wire);
                let names = |avro_type: &AvroType| -> Vec<String> {
                    avro_type
                        .fields()
                        .iter()
                        .map(|field| field.name.to_string())
                        .collect()
                };
                let is_anything =
                    wire.full_name() == expected.full_name() && names(wire) == names(expected);
                let write = if is_anything {
                    Write::Anything
                } else {
                    Write::Fail(unwritable(expected, wire))
                };
                (branch, write)
            }
        }
    }

    fn compile_union(&self, schema: &SchemaRef, own: TypeId, wire: TypeId) -> Result<Write> {
        let own_type = self.own.get(own);
        let mut own_branches: Vec<TypeId> = own_type
            .branches()
            .iter()
            .copied()
            .filter(|&branch| self.own.get(branch).kind != AvroKind::Null)
            .collect();
        if !matches!(own_type.kind, AvroKind::Union(_)) {
            own_branches.push(own);
        }
        let mut members = Vec::with_capacity(schema.fields().len());
        for (field, &own_branch) in schema.fields().iter().zip(&own_branches) {
            let (branch, write) = if is_union_struct(&field.schema) {
                (None, self.compile_union(&field.schema, own_branch, wire)?)
            } else {
                self.compile_value(&field.schema, self.not_null(own_branch), wire)?
            };
            members.push(FieldWrite {
                index: field.index,
                default: self.default_of(&field.schema),
                slot: Slot {
                    optional: true,
                    on_null: self.on_null(wire),
                    branch,
                    write,
                },
            });
        }
        Ok(Write::Union(Box::new(UnionWrite {
            schema: schema.clone(),
            members,
        })))
    }

    fn default_of(&self, schema: &Schema) -> Option<connect_api::data::Value> {
        schema
            .default_value()
            .filter(|_| !self.config.ignore_default_for_nullables)
            .cloned()
    }

    /// A value that is not null, of an own type that is no union.
    fn compile_value(
        &self,
        schema: &SchemaRef,
        own: TypeId,
        wire: TypeId,
    ) -> Result<(Option<i64>, Write)> {
        let own_type = self.own.get(own);
        let (branch, wire) = match self.resolve(own_type.full_name(), wire) {
            Ok(found) => found,
            Err(error) => return Ok((None, Write::Fail(error))),
        };
        let wire_type = self.wire.get(wire);
        let unwritable = || Write::Fail(unwritable(own_type, wire_type));
        let write = match (schema.schema_type(), &own_type.kind, &wire_type.kind) {
            (SchemaType::Boolean, _, AvroKind::Boolean) => Write::Boolean,
            (
                SchemaType::Int8
                | SchemaType::Int16
                | SchemaType::Int32
                | SchemaType::Int64
                | SchemaType::Float32
                | SchemaType::Float64,
                _,
                kind,
            ) => number_write(schema, kind).unwrap_or_else(unwritable),
            (SchemaType::String, AvroKind::Enum { .. }, AvroKind::Enum { symbols, .. }) => {
                let positions = symbols
                    .iter()
                    .enumerate()
                    .map(|(index, symbol)| (symbol.clone(), index as i64));
                Write::Enum(positions.collect())
            }
            (SchemaType::String, _, AvroKind::String) => Write::String,
            (SchemaType::String, AvroKind::String, AvroKind::Enum { .. }) => Write::Fail(
                ConnectError::data(format!(
                    "Not an enum: a string, for schema: {}. With enhanced.avro.schema.support=true \
                     strings that were enums are written as such",
                    wire_type.full_name()
                ))
                .with_class(AVRO_TYPE_EXCEPTION),
            ),
            (SchemaType::Bytes, AvroKind::Fixed { .. }, AvroKind::Fixed { size }) => {
                bytes_write(schema, Some(*size))?
            }
            (SchemaType::Bytes, AvroKind::Bytes, AvroKind::Bytes) => bytes_write(schema, None)?,
            (SchemaType::Array, AvroKind::Array(own_items), AvroKind::Array(items)) => {
                let inner = self.compile(schema.value_schema()?, *own_items, *items)?;
                Write::Array(Box::new(inner))
            }
            (SchemaType::Map, AvroKind::Map(own_values), AvroKind::Map(values))
                if has_string_keys(self.config, schema)? =>
            {
                Write::Map(Box::new(self.compile(
                    schema.value_schema()?,
                    *own_values,
                    *values,
                )?))
            }
            (SchemaType::Map, AvroKind::Array(own_entry), AvroKind::Array(entry)) => {
                self.compile_entries(schema, *own_entry, *entry)?
            }
            (SchemaType::Struct, AvroKind::Record { .. }, AvroKind::Record { .. }) => {
                self.compile_record(schema, own_type, wire_type)?
            }
            _ => unwritable(),
        };
        Ok((branch, write))
    }

    /// Entries go by position, like all fields of records.
    fn compile_entries(&self, schema: &SchemaRef, own: TypeId, wire: TypeId) -> Result<Write> {
        let (own_type, wire_type) = (self.own.get(own), self.wire.get(wire));
        let ([own_key, own_value], [first, second]) = (own_type.fields(), wire_type.fields())
        else {
            return Ok(Write::Fail(unwritable(own_type, wire_type)));
        };
        debug_assert_eq!((&*own_key.name, &*own_value.name), (KEY_FIELD, VALUE_FIELD));
        let key = self.compile(schema.key_schema()?, own_key.type_id, first.type_id)?;
        let value = self.compile(schema.value_schema()?, own_value.type_id, second.type_id)?;
        Ok(Write::Entries(Box::new((key, value))))
    }

    fn compile_record(&self, schema: &SchemaRef, own: &AvroType, wire: &AvroType) -> Result<Write> {
        let mut fields = Vec::with_capacity(wire.fields().len());
        for (position, wire_field) in wire.fields().iter().enumerate() {
            let Some(own_field) = own.fields().get(position) else {
                return Ok(Write::Fail(
                    ConnectError::data(format!(
                        "Index {position} out of bounds for length {}: the record {} of the registry has \
                         more fields than the data; the first one beyond is {}",
                        own.fields().len(),
                        wire.full_name(),
                        wire_field.name
                    ))
                    .with_class("java.lang.ArrayIndexOutOfBoundsException"),
                ));
            };
            let scrubs = self.config.scrub_invalid_names;
            let field = schema.field(&own_field.name).or_else(|| {
                let mut fields = schema.fields().iter().filter(|_| scrubs);
                fields.find(|field| scrub_name(&field.name) == *own_field.name)
            });
            let Some(field) = field else {
                return Ok(Write::Fail(ConnectError::data(format!(
                    "The struct {} has no field {}, which another struct of that name has; Avro knows \
                     only one record of a name",
                    own.full_name(),
                    own_field.name
                ))));
            };
            let slot = self.compile(Some(&field.schema), own_field.type_id, wire_field.type_id)?;
            fields.push(FieldWrite {
                index: field.index,
                default: self.default_of(&field.schema),
                slot,
            });
        }
        Ok(Write::Record(Box::new(RecordWrite {
            schema: schema.clone(),
            fields,
        })))
    }
}

fn is_union_struct(schema: &Schema) -> bool {
    schema.schema_type() == SchemaType::Struct && is_union(schema)
}

fn unwritable(own: &AvroType, wire: &AvroType) -> ConnectError {
    ConnectError::data(format!(
        "A value of the Avro type {} cannot be written as {}, which the schema of the registry asks for",
        own.full_name(),
        wire.full_name()
    ))
    .with_class("java.lang.ClassCastException")
}

fn number_write(schema: &Schema, wire: &AvroKind) -> Option<Write> {
    let number = match wire {
        AvroKind::Int => Number::Int,
        AvroKind::Long => Number::Long,
        AvroKind::Float => Number::Float,
        AvroKind::Double => Number::Double,
        _ => return None,
    };
    let schema_type = schema.schema_type();
    Some(match (schema_type, LogicalType::of(schema), number) {
        (SchemaType::Int32, None, Number::Int) => Write::Int32,
        (SchemaType::Int64, None, Number::Long) => Write::Int64,
        (SchemaType::Float32, None, Number::Float) => Write::Float32,
        (SchemaType::Float64, None, Number::Double) => Write::Float64,
        (SchemaType::Int64, Some(LogicalType::Timestamp), Number::Long) => Write::Timestamp,
        (_, logical, _) => Write::Number(schema_type, logical, number),
    })
}

fn bytes_write(schema: &SchemaRef, size: Option<usize>) -> Result<Write> {
    if LogicalType::of(schema) == Some(LogicalType::Decimal) {
        return Ok(Write::Decimal(
            schema.clone(),
            Decimal::scale_of(schema)?,
            size,
        ));
    }
    Ok(size.map_or(Write::Bytes, Write::Fixed))
}
