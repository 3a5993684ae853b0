//! Rows by column. Made once for a file by [`super::schema`]: each column knows what values it takes.

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, Float32Array, Float64Array,
    Int32Array, Int64Array, ListArray, StructArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, NullBufferBuilder, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, Field, Fields};
use connect_api::data::{Decimal, LogicalType, SchemaRef, Struct, Value};
use connect_api::{ConnectError, Result};
use std::sync::Arc;

/// A column, or a group of them, that is being filled.
#[derive(Debug)]
pub(super) struct Column {
    name: Arc<str>,
    /// For a column that may hold null.
    nulls: Option<NullBufferBuilder>,
    len: usize,
    values: Values,
}

#[derive(Debug)]
pub(super) enum Values {
    Boolean(Vec<bool>),
    /// Of a logical type, where there is one.
    Int32(Vec<i32>, Option<LogicalType>),
    Int64(Vec<i64>, Option<LogicalType>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Binary(Binary),
    Fixed(Fixed),
    /// The fields of a struct, in the order of its schema.
    Record(Vec<Column>, SchemaRef),
    /// The members of a union, one of which is set.
    Union(Vec<Column>),
    List(Offsets, Box<Column>),
    /// A group of key and value for each entry of a map.
    Entries(Offsets, Box<Column>),
}

/// Values of any length.
#[derive(Debug)]
pub(super) struct Binary {
    pub(super) source: Source,
    offsets: Offsets,
    bytes: Vec<u8>,
}

/// Values of one length.
#[derive(Debug)]
pub(super) struct Fixed {
    pub(super) source: Source,
    pub(super) size: usize,
    bytes: Vec<u8>,
}

/// What bytes are made of.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Text,
    Bytes,
    /// Decimals of that schema.
    Decimal(SchemaRef),
}

/// The ends of the items of each row, from zero.
#[derive(Debug)]
pub(super) struct Offsets(Vec<i32>);

impl Default for Offsets {
    fn default() -> Self {
        Self(vec![0])
    }
}

impl Offsets {
    fn push(&mut self, end: usize) -> Result<()> {
        let end = i32::try_from(end).map_err(|_| {
            ConnectError::data(
                "A value is too long for Parquet: it has more than 2^31 bytes or items",
            )
        })?;
        self.0.push(end);
        Ok(())
    }

    /// Nothing is added to a row of null.
    fn push_empty(&mut self) {
        self.0.push(self.0.last().copied().unwrap_or(0));
    }

    /// Goes back to `len` rows; returns how many items they have.
    fn truncate(&mut self, len: usize) -> usize {
        self.0.truncate(len + 1);
        self.0.last().map_or(0, |&end| end.cast_unsigned() as usize)
    }

    fn take(&mut self) -> OffsetBuffer<i32> {
        OffsetBuffer::new(std::mem::take(self).0.into())
    }
}

impl Binary {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            offsets: Offsets::default(),
            bytes: Vec::new(),
        }
    }
}

impl Fixed {
    pub(super) fn new(source: Source, size: usize) -> Self {
        Self {
            source,
            size,
            bytes: Vec::new(),
        }
    }

    fn push(&mut self, value: &Value) -> Result<()> {
        match (&self.source, value) {
            (Source::Decimal(schema), Value::Decimal(decimal)) => {
                let bytes = decimal_bytes(schema, decimal)?;
                let num_missing = self.size.checked_sub(bytes.len()).ok_or_else(|| {
                    ConnectError::data(format!(
                        "The decimal has {} bytes, its type {}",
                        bytes.len(),
                        self.size
                    ))
                })?;
                let is_negative = bytes.first().is_some_and(|&byte| byte >= 0x80);
                let sign = if is_negative { 0xFF } else { 0 };
                self.bytes.extend(std::iter::repeat_n(sign, num_missing));
                self.bytes.extend_from_slice(&bytes);
            }
            (Source::Bytes, Value::Bytes(bytes)) if bytes.len() == self.size => {
                self.bytes.extend_from_slice(bytes);
            }
            (Source::Bytes, Value::Bytes(bytes)) => {
                return Err(ConnectError::data(format!(
                    "The value has {} bytes, its type {}",
                    bytes.len(),
                    self.size
                )));
            }
            (_, value) => return Err(invalid("fixed", value)),
        }
        Ok(())
    }
}

fn decimal_bytes(schema: &SchemaRef, decimal: &Decimal) -> Result<Vec<u8>> {
    decimal.to_logical_bytes(schema)
}

#[cold]
fn invalid(expected: &str, value: &Value) -> ConnectError {
    ConnectError::data(format!(
        "Invalid type for {expected}: class {}",
        value.java_class().unwrap_or("null")
    ))
}

/// The number behind a date or time.
fn stored(logical: LogicalType, ms: i64) -> Result<i64> {
    let number = logical.date_to_number(ms)?;
    number
        .as_i64()
        .ok_or_else(|| ConnectError::data("A date must be a number of days or milliseconds"))
}

impl Column {
    pub(super) fn new(name: &str, is_optional: bool, values: Values) -> Self {
        Self {
            name: name.into(),
            nulls: is_optional.then(|| NullBufferBuilder::new(0)),
            len: 0,
            values,
        }
    }

    /// The number of rows.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a row, and the size of its values to `num_bytes`. After an error the caller truncates.
    pub(super) fn append(&mut self, value: &Value, num_bytes: &mut usize) -> Result<()> {
        self.len += 1;
        let appended = match (&mut self.nulls, value) {
            (Some(nulls), Value::Null) => {
                nulls.append_null();
                self.values.push_placeholder();
                return Ok(());
            }
            (None, Value::Null) => Err(ConnectError::data("null value for a type without null")),
            (nulls, value) => {
                if let Some(nulls) = nulls {
                    nulls.append_non_null();
                }
                self.values.push(value, num_bytes)
            }
        };
        appended.map_err(|error| self.at(&error))
    }

    #[cold]
    fn at(&self, error: &ConnectError) -> ConnectError {
        let separator = if error.message().starts_with("Field ") {
            " -> "
        } else {
            ": "
        };
        ConnectError::data(format!(
            "Field {}{separator}{}",
            self.name,
            error.message().trim_start_matches("Field ")
        ))
    }

    /// A row that nobody sees, below a group that is null.
    fn push_placeholder(&mut self) {
        self.len += 1;
        if let Some(nulls) = &mut self.nulls {
            nulls.append_null();
        }
        self.values.push_placeholder();
    }

    /// Goes back to `len` rows, wherever an append of more has stopped.
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
        if let Some(nulls) = &mut self.nulls {
            nulls.truncate(len);
        }
        self.values.truncate(len);
    }

    fn data_type(&self) -> DataType {
        match &self.values {
            Values::Boolean(_) => DataType::Boolean,
            Values::Int32(..) => DataType::Int32,
            Values::Int64(..) => DataType::Int64,
            Values::Float32(_) => DataType::Float32,
            Values::Float64(_) => DataType::Float64,
            Values::Binary(_) => DataType::Binary,
            Values::Fixed(fixed) => DataType::FixedSizeBinary(size_of_fixed(fixed.size)),
            Values::Record(columns, _) | Values::Union(columns) => {
                DataType::Struct(fields_of(columns))
            }
            Values::List(_, item) | Values::Entries(_, item) => {
                DataType::List(Arc::new(item.field()))
            }
        }
    }

    fn field(&self) -> Field {
        Field::new(&*self.name, self.data_type(), self.nulls.is_some())
    }

    /// The fields of a group.
    pub(super) fn fields(&self) -> Fields {
        match &self.values {
            Values::Record(columns, _) | Values::Union(columns) => fields_of(columns),
            _ => Fields::empty(),
        }
    }

    /// Takes the rows out of the columns of a group.
    pub(super) fn take_fields(&mut self) -> Result<Vec<ArrayRef>> {
        self.len = 0;
        match &mut self.values {
            Values::Record(columns, _) | Values::Union(columns) => {
                columns.iter_mut().map(Self::take).collect()
            }
            _ => Ok(Vec::new()),
        }
    }

    fn take(&mut self) -> Result<ArrayRef> {
        let len = std::mem::take(&mut self.len);
        let nulls = self.nulls.as_mut().and_then(NullBufferBuilder::finish);
        self.values.take(nulls, len).map_err(|error| {
            ConnectError::fatal(format!("Column {} could not be made: {error}", self.name))
        })
    }
}

fn fields_of(columns: &[Column]) -> Fields {
    columns.iter().map(Column::field).collect()
}

/// The schema was refused if it does not fit.
fn size_of_fixed(size: usize) -> i32 {
    i32::try_from(size).unwrap_or(i32::MAX)
}

impl Values {
    #[inline]
    fn push(&mut self, value: &Value, num_bytes: &mut usize) -> Result<()> {
        *num_bytes += size_of::<i64>();
        match (self, value) {
            (Self::Boolean(values), Value::Boolean(value)) => values.push(*value),
            (Self::Int32(values, None), Value::Int32(value)) => values.push(*value),
            (Self::Int32(values, None), Value::Int16(value)) => values.push(i32::from(*value)),
            (Self::Int32(values, None), Value::Int8(value)) => values.push(i32::from(*value)),
            (Self::Int32(values, Some(logical)), Value::Date(ms)) => {
                let number = stored(*logical, *ms)?;
                values.push(i32::try_from(number).map_err(|_| {
                    ConnectError::data("The number of days or milliseconds has more than 32 bits")
                })?);
            }
            (Self::Int64(values, None), Value::Int64(value)) => values.push(*value),
            (Self::Int64(values, Some(logical)), Value::Date(ms)) => {
                values.push(stored(*logical, *ms)?);
            }
            (Self::Float32(values), Value::Float32(value)) => values.push(*value),
            (Self::Float64(values), Value::Float64(value)) => values.push(*value),
            (Self::Binary(binary), value) => return binary.push(value, num_bytes),
            (Self::Fixed(fixed), value) => {
                *num_bytes += fixed.size;
                return fixed.push(value);
            }
            (Self::Record(columns, schema), Value::Struct(value)) => {
                check_schema(schema, value)?;
                for (index, column) in columns.iter_mut().enumerate() {
                    column.append(value.get_at(index), num_bytes)?;
                }
            }
            (Self::Union(members), Value::Struct(value)) => {
                return push_union(members, value, num_bytes);
            }
            (Self::List(offsets, item), Value::Array(items)) => {
                for value in items {
                    item.append(value, num_bytes)?;
                }
                offsets.push(item.len)?;
            }
            (Self::Entries(offsets, entry), Value::Map(map)) => {
                let Self::Record(columns, _) = &mut entry.values else {
                    return Err(ConnectError::fatal("An entry of a map is not a group"));
                };
                for entry in map.iter() {
                    for (column, value) in columns.iter_mut().zip([entry.0, entry.1]) {
                        column.append(value, num_bytes)?;
                    }
                }
                entry.len += map.len();
                offsets.push(entry.len)?;
            }
            (values, value) => return Err(invalid(values.expected(), value)),
        }
        Ok(())
    }

    fn expected(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "BOOLEAN",
            Self::Int32(_, None) => "INT32",
            Self::Int64(_, None) => "INT64",
            Self::Int32(_, Some(logical)) | Self::Int64(_, Some(logical)) => logical.schema_name(),
            Self::Float32(_) => "FLOAT32",
            Self::Float64(_) => "FLOAT64",
            Self::Binary(_) | Self::Fixed(_) => "BYTES",
            Self::Record(..) | Self::Union(_) => "STRUCT",
            Self::List(..) => "ARRAY",
            Self::Entries(..) => "MAP",
        }
    }

    fn push_placeholder(&mut self) {
        match self {
            Self::Boolean(values) => values.push(false),
            Self::Int32(values, _) => values.push(0),
            Self::Int64(values, _) => values.push(0),
            Self::Float32(values) => values.push(0.0),
            Self::Float64(values) => values.push(0.0),
            Self::Binary(binary) => binary.offsets.push_empty(),
            Self::Fixed(fixed) => fixed.bytes.resize(fixed.bytes.len() + fixed.size, 0),
            Self::Record(columns, _) | Self::Union(columns) => {
                columns.iter_mut().for_each(Column::push_placeholder);
            }
            Self::List(offsets, _) | Self::Entries(offsets, _) => offsets.push_empty(),
        }
    }

    fn truncate(&mut self, len: usize) {
        match self {
            Self::Boolean(values) => values.truncate(len),
            Self::Int32(values, _) => values.truncate(len),
            Self::Int64(values, _) => values.truncate(len),
            Self::Float32(values) => values.truncate(len),
            Self::Float64(values) => values.truncate(len),
            Self::Binary(binary) => {
                let num_bytes = binary.offsets.truncate(len);
                binary.bytes.truncate(num_bytes);
            }
            Self::Fixed(fixed) => fixed.bytes.truncate(len * fixed.size),
            Self::Record(columns, _) | Self::Union(columns) => {
                columns.iter_mut().for_each(|column| column.truncate(len));
            }
            Self::List(offsets, item) | Self::Entries(offsets, item) => {
                item.truncate(offsets.truncate(len));
            }
        }
    }

    fn take(
        &mut self,
        nulls: Option<NullBuffer>,
        len: usize,
    ) -> std::result::Result<ArrayRef, ArrowError> {
        use std::mem::take;
        Ok(match self {
            Self::Boolean(values) => {
                Arc::new(BooleanArray::new(BooleanBuffer::from(take(values)), nulls))
            }
            Self::Int32(values, _) => Arc::new(Int32Array::try_new(take(values).into(), nulls)?),
            Self::Int64(values, _) => Arc::new(Int64Array::try_new(take(values).into(), nulls)?),
            Self::Float32(values) => Arc::new(Float32Array::try_new(take(values).into(), nulls)?),
            Self::Float64(values) => Arc::new(Float64Array::try_new(take(values).into(), nulls)?),
            Self::Binary(binary) => {
                let bytes = Buffer::from_vec(take(&mut binary.bytes));
                Arc::new(BinaryArray::try_new(binary.offsets.take(), bytes, nulls)?)
            }
            Self::Fixed(fixed) => {
                let bytes = Buffer::from_vec(take(&mut fixed.bytes));
                Arc::new(FixedSizeBinaryArray::try_new_with_len(
                    size_of_fixed(fixed.size),
                    bytes,
                    nulls,
                    len,
                )?)
            }
            Self::Record(columns, _) | Self::Union(columns) => {
                let fields = fields_of(columns);
                let arrays = columns.iter_mut().map(Column::take).collect::<Result<_>>();
                let arrays = arrays.map_err(|error| ArrowError::ComputeError(error.to_string()))?;
                Arc::new(StructArray::try_new_with_length(
                    fields, arrays, nulls, len,
                )?)
            }
            Self::List(offsets, item) | Self::Entries(offsets, item) => {
                let field = Arc::new(item.field());
                let items = item
                    .take()
                    .map_err(|error| ArrowError::ComputeError(error.to_string()))?;
                Arc::new(ListArray::try_new(field, offsets.take(), items, nulls)?)
            }
        })
    }
}

impl Binary {
    fn push(&mut self, value: &Value, num_bytes: &mut usize) -> Result<()> {
        let start = self.bytes.len();
        match (&self.source, value) {
            (Source::Text, Value::String(text)) => self.bytes.extend_from_slice(text.as_bytes()),
            (Source::Bytes, Value::Bytes(bytes)) => self.bytes.extend_from_slice(bytes),
            (Source::Decimal(schema), Value::Decimal(decimal)) => {
                self.bytes
                    .extend_from_slice(&decimal_bytes(schema, decimal)?);
            }
            (source, value) => {
                let expected = match source {
                    Source::Text => "STRING",
                    Source::Bytes => "BYTES",
                    Source::Decimal(_) => Decimal::NAME,
                };
                return Err(invalid(expected, value));
            }
        }
        *num_bytes += self.bytes.len() - start;
        self.offsets.push(self.bytes.len())
    }
}

fn check_schema(expected: &SchemaRef, value: &Struct) -> Result<()> {
    let actual = value.schema();
    // A struct that is a default belongs to the schema without that default.
    if Arc::ptr_eq(expected, actual) || expected.fields() == actual.fields() {
        return Ok(());
    }
    Err(ConnectError::data("Mismatching struct schema"))
}

fn push_union(members: &mut [Column], value: &Struct, num_bytes: &mut usize) -> Result<()> {
    let mut is_set = false;
    for (index, member) in members.iter_mut().enumerate() {
        let value = value.get_at(index);
        let value = if is_set { &Value::Null } else { value };
        is_set |= !value.is_null();
        member.append(value, num_bytes)?;
    }
    if is_set {
        Ok(())
    } else {
        Err(ConnectError::data("No member of a union is set"))
    }
}
