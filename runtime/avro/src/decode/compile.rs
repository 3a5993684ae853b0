//! Plans from pairs of schemas: Avro's schema resolution and the mapping to Connect, settled once.

use super::plan::{EntriesRead, EntryStep, Finish, MemberRead, Number, Read, RecordRead, Step};
use super::skip::Skip;
use crate::config::AvroDataConfig;
use crate::data::{
    AVRO_ENUM, FIXED_SIZE, GENERALIZED_ENUM, KEY_FIELD, default_value, is_anything, is_enum,
    is_fixed, is_map_entry, plain_branch,
};
use crate::resolution::{Effort, is_promotion, matching_branch, reader_field, simple_names_match};
use crate::schema::{AVRO_TYPE_EXCEPTION, AvroField, AvroKind, AvroSchema, AvroType, TypeId};
use connect_api::data::{Decimal, LogicalType, Schema, SchemaRef, SchemaType};
use connect_api::{ConnectError, Result};
use std::sync::Arc;

pub(super) struct Compiler<'a> {
    config: &'a AvroDataConfig,
    writer: Arc<AvroSchema>,
    reader: &'a AvroSchema,
    /// Whether reader and writer are one schema: then branch answers to branch.
    is_same: bool,
    effort: Effort,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(
        config: &'a AvroDataConfig,
        writer: &AvroSchema,
        reader: &'a AvroSchema,
    ) -> Self {
        Self {
            config,
            writer: Arc::new(writer.clone()),
            reader,
            is_same: std::ptr::eq(writer, reader),
            effort: Effort::default(),
        }
    }

    #[cold]
    fn found(&self, writer: &AvroType, reader: &AvroType) -> ConnectError {
        let branches: Vec<&str> = reader
            .branches()
            .iter()
            .map(|&branch| self.reader.get(branch))
            .map(|branch| {
                branch
                    .name
                    .as_ref()
                    .map_or(branch.type_name(), |name| name.simple())
            })
            .collect();
        let branches = match &reader.kind {
            AvroKind::Union(_) => format!("[{}]", branches.join(", ")),
            _ => String::new(),
        };
        ConnectError::data(format!(
            "Found {}, expecting {}{branches}",
            writer.full_name(),
            reader.full_name()
        ))
        .with_class(AVRO_TYPE_EXCEPTION)
    }

    /// The plan for the whole datum; `None` is schemaless data.
    pub(super) fn compile_root(&self, schema: Option<&SchemaRef>) -> Result<Read> {
        match schema {
            Some(schema) => self.compile(self.writer.root_id(), self.reader.root_id(), schema),
            None if is_anything(&self.writer) => Ok(Read::Anything),
            None => Ok(Read::Fail(
                self.found(self.writer.root(), self.reader.root()),
            )),
        }
    }

    fn compile(&self, writer_id: TypeId, reader_id: TypeId, schema: &SchemaRef) -> Result<Read> {
        let (writer, reader) = (self.writer.get(writer_id), self.reader.get(reader_id));
        if let AvroKind::Union(branches) = &writer.kind {
            let mut reads = Vec::with_capacity(branches.len());
            for (index, &branch) in branches.iter().enumerate() {
                let same = (self.is_same && writer_id == reader_id).then_some(index);
                reads.push(self.compile_branch(branch, reader_id, same, schema)?);
            }
            return Ok(union_read(reads));
        }
        if !reader.branches().is_empty() || matches!(reader.kind, AvroKind::Union(_)) {
            return self.compile_branch(writer_id, reader_id, None, schema);
        }
        self.compile_type(writer_id, reader_id, schema)
    }

    /// One branch of the writer, or all it writes, for a reader that may be a union.
    fn compile_branch(
        &self,
        writer_id: TypeId,
        reader_id: TypeId,
        same: Option<usize>,
        schema: &SchemaRef,
    ) -> Result<Read> {
        let writer = self.writer.get(writer_id);
        let reader = self.reader.get(reader_id);
        let AvroKind::Union(branches) = &reader.kind else {
            return self.compile_type(writer_id, reader_id, schema);
        };
        let Some(index) = same.or_else(|| {
            matching_branch(&self.writer, writer_id, self.reader, branches, &self.effort)
        }) else {
            return Ok(Read::Fail(self.found(writer, reader)));
        };
        if self.reader.get(branches[index]).kind == AvroKind::Null {
            return Ok(Read::Null);
        }
        if plain_branch(self.config, self.reader, branches).is_some() {
            return self.compile_type(writer_id, branches[index], schema);
        }
        self.compile_member(writer_id, branches, index, schema)
    }

    /// A branch that becomes a member of a union struct.
    fn compile_member(
        &self,
        writer_id: TypeId,
        branches: &[TypeId],
        index: usize,
        schema: &SchemaRef,
    ) -> Result<Read> {
        let own = branches[..index]
            .iter()
            .filter(|&&branch| self.reader.get(branch).kind != AvroKind::Null)
            .count();
        let branch = self.reader.get(branches[index]);
        let mut members: Vec<(Option<usize>, usize)> = Vec::new();
        for (position, field) in schema.fields().iter().enumerate() {
            if let Some(size) = self.takes(branch, &field.schema, position == own) {
                members.push((size, position));
                if size.is_none() {
                    break;
                }
            }
        }
        if members.last().is_none_or(|(size, _)| size.is_some()) {
            members.push((None, own));
        }
        let member = members.last().map_or(own, |&(_, position)| position);
        let field = schema
            .fields()
            .get(member)
            .ok_or_else(|| ConnectError::data("Did not find matching union field for data"))?;
        Ok(Read::Member(Box::new(MemberRead {
            read: self.compile_type(writer_id, branches[index], &field.schema)?,
            schema: schema.clone(),
            members,
        })))
    }

    /// Whether a member of a union struct takes values of a branch, as AvroData looks for it by the class
    /// of the value; with a size if it takes only bytes of that length.
    fn takes(&self, branch: &AvroType, member: &Schema, is_own: bool) -> Option<Option<usize>> {
        let yes = |takes: bool| takes.then_some(None);
        if is_enum(member) {
            let parameter = if self.config.generalized_sum_type_support {
                GENERALIZED_ENUM
            } else {
                AVRO_ENUM
            };
            let is_enum = matches!(branch.kind, AvroKind::Enum { .. });
            return yes(is_enum && member.parameter(parameter) == Some(branch.full_name()));
        }
        match (&branch.kind, member.schema_type()) {
            (AvroKind::Fixed { .. }, SchemaType::Bytes) if is_fixed(member) => yes(is_own),
            (AvroKind::Bytes, SchemaType::Bytes) if is_fixed(member) => member
                .parameter(FIXED_SIZE)
                .and_then(|size| size.parse().ok())
                .map(Some),
            (AvroKind::Fixed { .. } | AvroKind::Bytes, SchemaType::Bytes)
            | (AvroKind::Int, SchemaType::Int32)
            | (AvroKind::Long, SchemaType::Int64)
            | (AvroKind::Float, SchemaType::Float32)
            | (AvroKind::Double, SchemaType::Float64)
            | (AvroKind::Boolean, SchemaType::Boolean)
            | (AvroKind::String, SchemaType::String)
            | (AvroKind::Array(_), SchemaType::Array)
            | (AvroKind::Map(_), SchemaType::Map) => Some(None),
            _ => yes(is_own),
        }
    }

    /// Two types that are no unions.
    fn compile_type(
        &self,
        writer_id: TypeId,
        reader_id: TypeId,
        schema: &SchemaRef,
    ) -> Result<Read> {
        let (writer, reader) = (self.writer.get(writer_id), self.reader.get(reader_id));
        if matches!(reader.kind, AvroKind::Union(_)) {
            return self.compile_branch(writer_id, reader_id, None, schema);
        }
        let mismatch = || Ok(Read::Fail(self.found(writer, reader)));
        Ok(match (&writer.kind, &reader.kind) {
            (AvroKind::Null, AvroKind::Null) => Read::Null,
            (AvroKind::Boolean, AvroKind::Boolean) => {
                plain(Read::Boolean, "java.lang.Boolean", schema)
            }
            (
                AvroKind::Enum { symbols, .. },
                AvroKind::Enum {
                    symbols: known,
                    default,
                },
            ) => {
                if !simple_names_match(writer, reader) {
                    return mismatch();
                }
                let texts = symbols.iter().map(|symbol| {
                    let text = known
                        .contains(symbol)
                        .then_some(symbol)
                        .or(default.as_ref());
                    text.map(|text| text.as_str().into())
                        .ok_or_else(|| format!("No match for {symbol}"))
                });
                Read::Enum(texts.collect())
            }
            (AvroKind::Fixed { size }, AvroKind::Fixed { size: expected }) => {
                if size != expected || !simple_names_match(writer, reader) {
                    return mismatch();
                }
                bytes_read(Some(*size), schema)?
            }
            (AvroKind::String | AvroKind::Bytes, AvroKind::String) => {
                plain(Read::String, "java.lang.String", schema)
            }
            (AvroKind::String | AvroKind::Bytes, AvroKind::Bytes) => bytes_read(None, schema)?,
            (AvroKind::Array(items), AvroKind::Array(entry))
                if schema.schema_type() == SchemaType::Map =>
            {
                self.compile_entries(*items, *entry, schema)?
            }
            (AvroKind::Array(items), AvroKind::Array(expected)) => {
                let item_schema = inner(schema.value_schema()?)?;
                Read::Array(Box::new(self.compile(*items, *expected, item_schema)?))
            }
            (AvroKind::Map(values), AvroKind::Map(expected)) => {
                let value_schema = inner(schema.value_schema()?)?;
                let is_utf8 = reader.string_prop("avro.java.string") != Some("String");
                Read::Map(
                    Box::new(self.compile(*values, *expected, value_schema)?),
                    is_utf8,
                )
            }
            (
                AvroKind::Record { fields, .. },
                AvroKind::Record {
                    fields: expected, ..
                },
            ) => self.compile_record(writer, fields, reader, expected, schema)?,
            (from, to) => match number_read(from, to, schema) {
                Some(read) => read,
                None => return mismatch(),
            },
        })
    }

    fn compile_record(
        &self,
        writer: &AvroType,
        writer_fields: &[AvroField],
        reader: &AvroType,
        reader_fields: &[AvroField],
        schema: &SchemaRef,
    ) -> Result<Read> {
        if schema.fields().is_empty() && !reader_fields.is_empty() {
            return Ok(Read::Fail(ConnectError::data(format!(
                "The data nests {} deeper within itself than its Connect schema is laid out",
                reader.full_name()
            ))));
        }
        let target = |field: &AvroField| {
            schema.field(&field.name).ok_or_else(|| {
                ConnectError::data(format!("{} is not a valid field name", field.name))
            })
        };
        let mut steps = Vec::with_capacity(writer_fields.len());
        let mut is_written = vec![false; schema.fields().len()];
        for field in writer_fields {
            match reader_field(reader_fields, &field.name) {
                Some(expected) => {
                    let target = target(expected)?;
                    is_written[target.index] = true;
                    let read = self.compile(field.type_id, expected.type_id, &target.schema)?;
                    steps.push(Step::Field(target.index, read));
                }
                None => steps.push(Step::Skip(Skip {
                    schema: self.writer.clone(),
                    id: field.type_id,
                })),
            }
        }
        let mut defaults = Vec::new();
        for field in reader_fields {
            let target = target(field)?;
            if is_written[target.index] {
                continue;
            }
            let Some(json) = &field.default else {
                return Ok(Read::Fail(
                    ConnectError::data(format!(
                        "Found {}, expecting {}, missing required field {}",
                        writer.full_name(),
                        reader.full_name(),
                        field.name
                    ))
                    .with_class(AVRO_TYPE_EXCEPTION),
                ));
            };
            let value = default_value(self.reader, field.type_id, &target.schema, json)?;
            defaults.push((target.index, value));
        }
        let in_order = steps.len() == schema.fields().len()
            && steps
                .iter()
                .enumerate()
                .all(|(at, step)| matches!(step, Step::Field(index, _) if *index == at));
        Ok(Read::Record(Box::new(RecordRead {
            schema: schema.clone(),
            steps,
            in_order,
            defaults,
        })))
    }

    fn compile_entries(
        &self,
        writer_id: TypeId,
        reader_id: TypeId,
        schema: &SchemaRef,
    ) -> Result<Read> {
        let (writer, reader) = (self.writer.get(writer_id), self.reader.get(reader_id));
        let AvroKind::Record { fields, .. } = &writer.kind else {
            return Ok(Read::Fail(self.found(writer, reader)));
        };
        let mut steps = Vec::with_capacity(fields.len());
        let mut num_found = 0;
        for field in fields {
            let Some(expected) = reader_field(reader.fields(), &field.name) else {
                steps.push(EntryStep::Skip(Skip {
                    schema: self.writer.clone(),
                    id: field.type_id,
                }));
                continue;
            };
            num_found += 1;
            let compile = |schema| self.compile(field.type_id, expected.type_id, schema);
            steps.push(if &*expected.name == KEY_FIELD {
                EntryStep::Key(compile(inner(schema.key_schema()?)?)?)
            } else {
                EntryStep::Value(compile(inner(schema.value_schema()?)?)?)
            });
        }
        if num_found < 2 || !is_map_entry(reader) {
            return Ok(Read::Fail(self.found(writer, reader)));
        }
        Ok(Read::Entries(Box::new(EntriesRead { steps })))
    }
}

fn inner(schema: Option<&SchemaRef>) -> Result<&SchemaRef> {
    schema.ok_or_else(|| {
        ConnectError::data("The Connect schema of an array or map has no item schema")
    })
}

/// Null beside one other branch is worth a plan of its own.
fn union_read(mut reads: Vec<Read>) -> Read {
    match reads.as_slice() {
        [Read::Null, other] if !matches!(other, Read::Null) => Read::Nullable {
            null_branch: 0,
            other: Box::new(reads.remove(1)),
        },
        [other, Read::Null] if !matches!(other, Read::Null) => Read::Nullable {
            null_branch: 1,
            other: Box::new(reads.remove(0)),
        },
        _ => Read::Union(reads),
    }
}

/// A value of a Java class that no logical type is made of.
fn plain(read: Read, class: &str, schema: &Schema) -> Read {
    match LogicalType::of(schema) {
        None => read,
        Some(logical) => Read::Fail(wrong_class(logical, class)),
    }
}

fn wrong_class(logical: LogicalType, class: &str) -> ConnectError {
    let (name, expected) = match logical {
        LogicalType::Decimal => ("Decimal", "bytes"),
        LogicalType::Date => ("Date", "int32"),
        LogicalType::Time => ("Time", "int32"),
        LogicalType::Timestamp => ("Timestamp", "int64"),
    };
    ConnectError::data(format!(
        "Invalid type for {name}, underlying representation should be {expected} but was class {class}"
    ))
}

fn bytes_read(size: Option<usize>, schema: &Schema) -> Result<Read> {
    Ok(match LogicalType::of(schema) {
        Some(LogicalType::Decimal) => Read::Decimal(size, Decimal::scale_of(schema)?),
        Some(logical) => Read::Fail(wrong_class(logical, "java.nio.HeapByteBuffer")),
        None => size.map_or(Read::Bytes, Read::Fixed),
    })
}

fn number_read(from: &AvroKind, to: &AvroKind, schema: &Schema) -> Option<Read> {
    if from != to && !is_promotion(from, to) {
        return None;
    }
    let number = match from {
        AvroKind::Int => Number::Int,
        AvroKind::Long => Number::Long,
        AvroKind::Float => Number::Float,
        AvroKind::Double => Number::Double,
        _ => return None,
    };
    let (finish, class) = match to {
        AvroKind::Int => (
            match schema.schema_type() {
                SchemaType::Int8 => Finish::Int8,
                SchemaType::Int16 => Finish::Int16,
                _ => Finish::Int32,
            },
            "java.lang.Integer",
        ),
        AvroKind::Long => (Finish::Int64, "java.lang.Long"),
        AvroKind::Float => (Finish::Float32, "java.lang.Float"),
        AvroKind::Double => (Finish::Float64, "java.lang.Double"),
        _ => return None,
    };
    let finish = match (LogicalType::of(schema), to) {
        (None, _) => finish,
        (Some(LogicalType::Date), AvroKind::Int) => Finish::Date,
        (Some(LogicalType::Time), AvroKind::Int) => Finish::Time,
        (Some(LogicalType::Timestamp), AvroKind::Long) => Finish::Timestamp,
        (Some(logical), _) => return Some(Read::Fail(wrong_class(logical, class))),
    };
    Some(match (number, finish) {
        (Number::Int, Finish::Int32) => Read::Int32,
        (Number::Long, Finish::Int64) => Read::Int64,
        (Number::Float, Finish::Float32) => Read::Float32,
        (Number::Double, Finish::Float64) => Read::Float64,
        (Number::Long, Finish::Timestamp) => Read::Timestamp,
        (number, finish) => Read::Number(number, finish),
    })
}
