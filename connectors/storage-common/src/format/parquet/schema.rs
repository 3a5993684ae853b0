//! The Parquet schema of an Avro schema, as parquet-avro maps it, and the columns for its rows.

use super::columns::{Binary, Column, Fixed, Source, Values};
use connect_api::data::{Decimal, LogicalType as ConnectLogical, SchemaRef, SchemaType};
use connect_api::{ConnectError, Result};
use connect_avro::{AvroData, AvroKind, AvroSchema, AvroType, TypeId};
use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::errors::ParquetError;
use parquet::schema::types::Type;
use std::sync::Arc;

/// How a file is laid out.
pub(super) struct Layout {
    /// The text of the Avro schema.
    pub(super) avro_schema: String,
    pub(super) parquet_schema: Type,
    /// The columns, as one group.
    pub(super) root: Column,
}

/// The layout for values of `schema`.
///
/// Errors: the schema is not one of structs, is recursive, or has a struct without fields.
pub(super) fn layout(data: &AvroData, schema: &SchemaRef) -> Result<Layout> {
    let not_a_record = || {
        ConnectError::data(format!(
            "Avro schema must be a record. ParquetFormat writes structs only, but the schema of the \
             values is {schema}"
        ))
    };
    if schema.schema_type() != SchemaType::Struct {
        return Err(not_a_record());
    }
    let avro = data.from_connect_schema(Some(schema))?;
    // A null value never gets here, so an optional struct is as good as one that is not.
    let is_record = |id: &TypeId| matches!(avro.get(*id).kind, AvroKind::Record { .. });
    let mut branches = avro.root().branches().iter().copied().filter(is_record);
    let root = match (is_record(&avro.root_id()), branches.next(), branches.next()) {
        (true, ..) => avro.root_id(),
        (false, Some(branch), None) => branch,
        _ => return Err(not_a_record()),
    };
    let mut compiler = Compiler {
        avro: &avro,
        has_old_lists: !has_optional_items(&avro),
        path: Vec::new(),
    };
    let (fields, values) = compiler.record(root, schema)?;
    let parquet_schema = Type::group_type_builder(avro.get(root).full_name())
        .with_fields(fields)
        .build()
        .map_err(unwritable)?;
    Ok(Layout {
        avro_schema: avro.text_of(root),
        parquet_schema,
        root: Column::new(avro.get(root).full_name(), false, values),
    })
}

/// Lists are laid out in two levels, which has no place for null items; if any list has those, all are
/// laid out in three.
fn has_optional_items(avro: &AvroSchema) -> bool {
    avro.types().any(|avro_type| match avro_type.kind {
        AvroKind::Array(items) => avro
            .get(items)
            .branches()
            .iter()
            .any(|&branch| avro.get(branch).kind == AvroKind::Null),
        _ => false,
    })
}

#[cold]
fn unwritable(error: ParquetError) -> ConnectError {
    ConnectError::data(format!("The schema has no Parquet form: {error}"))
}

struct Compiler<'a> {
    avro: &'a AvroSchema,
    has_old_lists: bool,
    /// The records around the place at work.
    path: Vec<TypeId>,
}

/// A type of the Parquet schema and the column that takes its values.
type Compiled = (Type, Column);

impl<'a> Compiler<'a> {
    fn field(
        &mut self,
        name: &str,
        id: TypeId,
        schema: &SchemaRef,
        repetition: Repetition,
    ) -> Result<Compiled> {
        let avro_type = self.avro.get(id);
        let AvroKind::Union(branches) = &avro_type.kind else {
            return self.value(name, id, schema, repetition);
        };
        let is_null = |id: &&TypeId| self.avro.get(**id).kind == AvroKind::Null;
        let has_null = branches.iter().any(|id| is_null(&id));
        let members: Vec<TypeId> = branches.iter().filter(|id| !is_null(id)).copied().collect();
        let repetition = match repetition {
            Repetition::REQUIRED if has_null => Repetition::OPTIONAL,
            repetition => repetition,
        };
        match members[..] {
            [] => Err(ConnectError::data(format!(
                "Cannot convert Avro union of only nulls: {name}"
            ))),
            [member] if has_null => self.value(name, member, schema, repetition),
            _ => self.union(name, &members, schema, repetition),
        }
    }

    fn union(
        &mut self,
        name: &str,
        members: &[TypeId],
        schema: &SchemaRef,
        repetition: Repetition,
    ) -> Result<Compiled> {
        if schema.fields().len() != members.len() {
            return Err(ConnectError::data(format!(
                "The union {name} has {} branches but {} fields in Connect",
                members.len(),
                schema.fields().len()
            )));
        }
        let mut types = Vec::with_capacity(members.len());
        let mut columns = Vec::with_capacity(members.len());
        for (index, (&member, field)) in members.iter().zip(schema.fields()).enumerate() {
            let name = format!("member{index}");
            let (member, column) =
                self.field(&name, member, &field.schema, Repetition::OPTIONAL)?;
            types.push(Arc::new(member));
            columns.push(column);
        }
        let group = group(name, repetition, None, types)?;
        Ok((group, column(name, repetition, Values::Union(columns))))
    }

    /// The fields of a record.
    fn record(&mut self, id: TypeId, schema: &SchemaRef) -> Result<(Vec<Arc<Type>>, Values)> {
        let record = self.avro.get(id);
        if self.path.contains(&id) {
            return Err(ConnectError::data(format!(
                "Recursive Avro schemas are not supported by parquet-avro: {}",
                record.full_name()
            )));
        }
        let fields = record.fields();
        if fields.is_empty() || fields.len() != schema.fields().len() {
            return Err(ConnectError::data(format!(
                "Cannot write a schema with an empty group: {}",
                record.full_name()
            )));
        }
        self.path.push(id);
        let mut types = Vec::with_capacity(fields.len());
        let mut columns = Vec::with_capacity(fields.len());
        for (field, connect) in fields.iter().zip(schema.fields()) {
            let (field, column) = self.field(
                &field.name,
                field.type_id,
                &connect.schema,
                Repetition::REQUIRED,
            )?;
            types.push(Arc::new(field));
            columns.push(column);
        }
        self.path.pop();
        Ok((types, Values::Record(columns, schema.clone())))
    }

    /// A value that is not null.
    fn value(
        &mut self,
        name: &str,
        id: TypeId,
        schema: &SchemaRef,
        repetition: Repetition,
    ) -> Result<Compiled> {
        let avro_type = self.avro.get(id);
        let logical = ConnectLogical::of(schema);
        let (physical, values) = match &avro_type.kind {
            AvroKind::Boolean => (Physical::BOOLEAN, Values::Boolean(Vec::new())),
            AvroKind::Int => (Physical::INT32, Values::Int32(Vec::new(), logical)),
            AvroKind::Long => (Physical::INT64, Values::Int64(Vec::new(), logical)),
            AvroKind::Float => (Physical::FLOAT, Values::Float32(Vec::new())),
            AvroKind::Double => (Physical::DOUBLE, Values::Float64(Vec::new())),
            AvroKind::String | AvroKind::Enum { .. } => {
                let binary = Binary::new(Source::Text);
                (Physical::BYTE_ARRAY, Values::Binary(binary))
            }
            AvroKind::Bytes => {
                let binary = Binary::new(bytes_source(schema));
                (Physical::BYTE_ARRAY, Values::Binary(binary))
            }
            AvroKind::Fixed { size } => {
                let fixed = Fixed::new(bytes_source(schema), *size);
                (Physical::FIXED_LEN_BYTE_ARRAY, Values::Fixed(fixed))
            }
            AvroKind::Record { .. } => {
                let (types, values) = self.record(id, schema)?;
                let group = group(name, repetition, None, types)?;
                return Ok((group, column(name, repetition, values)));
            }
            AvroKind::Array(items) => return self.array(name, *items, schema, repetition),
            AvroKind::Map(values) => return self.map(name, *values, schema, repetition),
            AvroKind::Null | AvroKind::Union(_) => {
                return Err(ConnectError::data(format!(
                    "The type {} of {name} has no Parquet form",
                    avro_type.type_name()
                )));
            }
        };
        let primitive = primitive(name, repetition, physical, avro_type)?;
        Ok((primitive, column(name, repetition, values)))
    }

    fn array(
        &mut self,
        name: &str,
        items: TypeId,
        schema: &SchemaRef,
        repetition: Repetition,
    ) -> Result<Compiled> {
        let item_name = if self.has_old_lists {
            "array"
        } else {
            "element"
        };
        let item_repetition = if self.has_old_lists {
            Repetition::REPEATED
        } else {
            Repetition::REQUIRED
        };
        if schema.schema_type() == SchemaType::Map {
            // Maps whose keys are not strings are arrays of entries in Avro.
            let (key, value) = (part(schema.key_schema()?)?, part(schema.value_schema()?)?);
            let fields = self.avro.get(items).fields();
            let [key_field, value_field] = fields else {
                return Err(ConnectError::data(format!(
                    "The entries of map {name} are not records of key and value"
                )));
            };
            let parts = [
                (key_field.name.clone(), key_field.type_id, key),
                (value_field.name.clone(), value_field.type_id, value),
            ];
            let (types, entry) = self.entry(item_name, parts)?;
            let item = group(item_name, item_repetition, None, types)?;
            let list = self.list(name, repetition, item)?;
            return Ok((
                list,
                column(name, repetition, Values::Entries(<_>::default(), entry)),
            ));
        }
        let item_schema = part(schema.value_schema()?)?;
        let (item, item_column) = self.field(item_name, items, item_schema, item_repetition)?;
        let list = self.list(name, repetition, item)?;
        let values = Values::List(<_>::default(), Box::new(item_column));
        Ok((list, column(name, repetition, values)))
    }

    fn list(&self, name: &str, repetition: Repetition, item: Type) -> Result<Type> {
        let item = if self.has_old_lists {
            item
        } else {
            group("list", Repetition::REPEATED, None, vec![Arc::new(item)])?
        };
        let list = Some(LogicalType::List);
        group(name, repetition, list, vec![Arc::new(item)])
    }

    fn map(
        &mut self,
        name: &str,
        values: TypeId,
        schema: &SchemaRef,
        repetition: Repetition,
    ) -> Result<Compiled> {
        let value_schema = part(schema.value_schema()?)?;
        let key = Type::primitive_type_builder("key", Physical::BYTE_ARRAY)
            .with_repetition(Repetition::REQUIRED)
            .with_logical_type(Some(LogicalType::String))
            .build()
            .map_err(unwritable)?;
        let key_column = Column::new("key", false, Values::Binary(Binary::new(Source::Text)));
        let (value, value_column) =
            self.field("value", values, value_schema, Repetition::REQUIRED)?;
        let types = vec![Arc::new(key), Arc::new(value)];
        let entry = Values::Record(vec![key_column, value_column], schema.clone());
        let entries = group("key_value", Repetition::REPEATED, None, types)?;
        let map = Some(LogicalType::Map);
        let map = group(name, repetition, map, vec![Arc::new(entries)])?;
        let entry = Box::new(Column::new("key_value", false, entry));
        let values = Values::Entries(<_>::default(), entry);
        Ok((map, column(name, repetition, values)))
    }

    /// Key and value of an entry, and the column of the group that holds them.
    fn entry(
        &mut self,
        name: &str,
        parts: [(Arc<str>, TypeId, &SchemaRef); 2],
    ) -> Result<(Vec<Arc<Type>>, Box<Column>)> {
        let mut types = Vec::with_capacity(2);
        let mut columns = Vec::with_capacity(2);
        for (part_name, id, schema) in &parts {
            let (part, column) = self.field(part_name, *id, schema, Repetition::REQUIRED)?;
            types.push(Arc::new(part));
            columns.push(column);
        }
        let values = Values::Record(columns, parts[1].2.clone());
        Ok((types, Box::new(Column::new(name, false, values))))
    }
}

fn part(schema: Option<&SchemaRef>) -> Result<&SchemaRef> {
    schema.ok_or_else(|| {
        ConnectError::data(
            "An array or map without a schema of its items or values has no Parquet form",
        )
    })
}

fn bytes_source(schema: &SchemaRef) -> Source {
    if schema.name() == Some(Decimal::NAME) {
        Source::Decimal(schema.clone())
    } else {
        Source::Bytes
    }
}

/// What is repeated is never null itself.
fn column(name: &str, repetition: Repetition, values: Values) -> Column {
    Column::new(name, repetition == Repetition::OPTIONAL, values)
}

fn group(
    name: &str,
    repetition: Repetition,
    logical: Option<LogicalType>,
    fields: Vec<Arc<Type>>,
) -> Result<Type> {
    Type::group_type_builder(name)
        .with_repetition(repetition)
        .with_logical_type(logical)
        .with_fields(fields)
        .build()
        .map_err(unwritable)
}

fn primitive(
    name: &str,
    repetition: Repetition,
    physical: Physical,
    avro_type: &AvroType,
) -> Result<Type> {
    let mut builder = Type::primitive_type_builder(name, physical).with_repetition(repetition);
    if let AvroKind::Fixed { size } = avro_type.kind {
        let length = i32::try_from(size)
            .map_err(|_| ConnectError::data(format!("The fixed type of {name} is too long")))?;
        builder = builder.with_length(length);
    }
    let logical = logical_type(avro_type);
    if let Some(LogicalType::Decimal(decimal)) = &logical {
        builder = builder
            .with_precision(decimal.precision)
            .with_scale(decimal.scale);
    }
    builder
        .with_logical_type(logical)
        .build()
        .map_err(unwritable)
}

/// As in Java, a logical type that does not go with its type counts as none.
fn logical_type(avro_type: &AvroType) -> Option<LogicalType> {
    use TimeUnit::{MICROS, MILLIS};
    let name = avro_type.string_prop("logicalType");
    match (&avro_type.kind, name) {
        (AvroKind::String, _) => Some(LogicalType::String),
        (AvroKind::Enum { .. }, _) => Some(LogicalType::Enum),
        (AvroKind::Int, Some("date")) => Some(LogicalType::Date),
        (AvroKind::Int, Some("time-millis")) => Some(LogicalType::time(true, MILLIS)),
        (AvroKind::Long, Some("time-micros")) => Some(LogicalType::time(true, MICROS)),
        (AvroKind::Long, Some("timestamp-millis")) => Some(LogicalType::timestamp(true, MILLIS)),
        (AvroKind::Long, Some("timestamp-micros")) => Some(LogicalType::timestamp(true, MICROS)),
        (AvroKind::Long, Some("local-timestamp-millis")) => {
            Some(LogicalType::timestamp(false, MILLIS))
        }
        (AvroKind::Long, Some("local-timestamp-micros")) => {
            Some(LogicalType::timestamp(false, MICROS))
        }
        (AvroKind::Bytes | AvroKind::Fixed { .. }, Some("decimal")) => {
            let number = |name: &str| {
                let number = avro_type.prop(name).and_then(|number| number.as_i64());
                number.and_then(|number| i32::try_from(number).ok())
            };
            let precision = number("precision").filter(|&precision| precision > 0)?;
            let scale = number("scale").unwrap_or(0);
            (0..=precision)
                .contains(&scale)
                .then(|| LogicalType::decimal(scale, precision))
        }
        _ => None,
    }
}
