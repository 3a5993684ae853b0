//! Schemas.

mod builder;

pub use builder::SchemaBuilder;

use super::{Struct, Value};
use crate::error::{ConnectError, Result};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

/// A schema, shared by all values that it describes.
pub type SchemaRef = Arc<Schema>;

/// The physical type of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SchemaType {
    /// 8 bits, signed.
    Int8,
    /// 16 bits, signed.
    Int16,
    /// 32 bits, signed.
    Int32,
    /// 64 bits, signed.
    Int64,
    /// 32 bits IEEE 754.
    Float32,
    /// 64 bits IEEE 754.
    Float64,
    /// `true` or `false`.
    Boolean,
    /// Unicode text.
    String,
    /// Bytes.
    Bytes,
    /// Items of one schema.
    Array,
    /// Keys of one schema to values of one schema.
    Map,
    /// Named fields.
    Struct,
}

impl SchemaType {
    /// The name in messages: `INT8`, `STRING`, ...
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int8 => "INT8",
            Self::Int16 => "INT16",
            Self::Int32 => "INT32",
            Self::Int64 => "INT64",
            Self::Float32 => "FLOAT32",
            Self::Float64 => "FLOAT64",
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Bytes => "BYTES",
            Self::Array => "ARRAY",
            Self::Map => "MAP",
            Self::Struct => "STRUCT",
        }
    }

    /// Whether the class of a value is the one that the physical type stands for.
    pub(crate) fn holds(self, value: &Value) -> bool {
        matches!(
            (self, value),
            (Self::Int8, Value::Int8(_))
                | (Self::Int16, Value::Int16(_))
                | (Self::Int32, Value::Int32(_))
                | (Self::Int64, Value::Int64(_))
                | (Self::Float32, Value::Float32(_))
                | (Self::Float64, Value::Float64(_))
                | (Self::Boolean, Value::Boolean(_))
                | (Self::String, Value::String(_))
                | (Self::Bytes, Value::Bytes(_))
                | (Self::Array, Value::Array(_))
                | (Self::Map, Value::Map(_))
                | (Self::Struct, Value::Struct(_))
        )
    }

    /// Whether it holds no other schema.
    pub const fn is_primitive(self) -> bool {
        !matches!(self, Self::Array | Self::Map | Self::Struct)
    }
}

impl fmt::Display for SchemaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A field of a struct schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The name.
    pub name: Arc<str>,
    /// The position in the struct.
    pub index: usize,
    /// The schema.
    pub schema: SchemaRef,
}

/// The description of a value. Made by [`Schema::builder`] and not changed afterwards.
#[derive(Clone, Debug)]
pub struct Schema {
    schema_type: SchemaType,
    optional: bool,
    default: Option<Value>,
    name: Option<Arc<str>>,
    version: Option<i32>,
    doc: Option<Arc<str>>,
    /// Ordered; empty where Java has null.
    parameters: Vec<(String, String)>,
    fields: Vec<Field>,
    field_indices: HashMap<Arc<str>, usize>,
    key_schema: Option<SchemaRef>,
    value_schema: Option<SchemaRef>,
}

static PRIMITIVES: LazyLock<Vec<[SchemaRef; 2]>> = LazyLock::new(|| {
    const TYPES: [SchemaType; 9] = [
        SchemaType::Int8,
        SchemaType::Int16,
        SchemaType::Int32,
        SchemaType::Int64,
        SchemaType::Float32,
        SchemaType::Float64,
        SchemaType::Boolean,
        SchemaType::String,
        SchemaType::Bytes,
    ];
    TYPES
        .into_iter()
        .map(|schema_type| {
            [false, true].map(|optional| {
                let mut schema = Schema::bare(schema_type);
                schema.optional = optional;
                Arc::new(schema)
            })
        })
        .collect()
});

impl Schema {
    fn bare(schema_type: SchemaType) -> Self {
        Self {
            schema_type,
            optional: false,
            default: None,
            name: None,
            version: None,
            doc: None,
            parameters: Vec::new(),
            fields: Vec::new(),
            field_indices: HashMap::new(),
            key_schema: None,
            value_schema: None,
        }
    }

    /// A builder for a schema of any type.
    pub fn builder(schema_type: SchemaType) -> SchemaBuilder {
        SchemaBuilder {
            schema: Self::bare(schema_type),
            optional_set: false,
            error: None,
        }
    }

    /// A builder for a struct.
    pub fn struct_builder() -> SchemaBuilder {
        Self::builder(SchemaType::Struct)
    }

    /// A builder for an array.
    pub fn array_builder(value_schema: SchemaRef) -> SchemaBuilder {
        let mut builder = Self::builder(SchemaType::Array);
        builder.schema.value_schema = Some(value_schema);
        builder
    }

    /// A builder for a map.
    pub fn map_builder(key_schema: SchemaRef, value_schema: SchemaRef) -> SchemaBuilder {
        let mut builder = Self::builder(SchemaType::Map);
        builder.schema.key_schema = Some(key_schema);
        builder.schema.value_schema = Some(value_schema);
        builder
    }

    /// An array whose item schema is not known, as the parser of header values makes it from mixed or
    /// no items.
    pub fn untyped_array(optional: bool) -> SchemaRef {
        let mut schema = Self::bare(SchemaType::Array);
        schema.optional = optional;
        Arc::new(schema)
    }

    /// A map whose key or value schema is not known.
    pub fn untyped_map(
        key_schema: Option<SchemaRef>,
        value_schema: Option<SchemaRef>,
    ) -> SchemaRef {
        let mut schema = Self::bare(SchemaType::Map);
        schema.key_schema = key_schema;
        schema.value_schema = value_schema;
        Arc::new(schema)
    }

    /// The shared schema of a primitive type without further attributes; for other types an error.
    pub fn primitive(schema_type: SchemaType, optional: bool) -> Result<SchemaRef> {
        if !schema_type.is_primitive() {
            return Err(ConnectError::data(format!(
                "{schema_type} is not a primitive type"
            )));
        }
        Ok(Self::shared(schema_type, optional))
    }

    fn shared(schema_type: SchemaType, optional: bool) -> SchemaRef {
        PRIMITIVES[schema_type as usize][usize::from(optional)].clone()
    }

    /// `STRING`.
    pub fn string() -> SchemaRef {
        Self::shared(SchemaType::String, false)
    }

    /// `STRING`, optional.
    pub fn optional_string() -> SchemaRef {
        Self::shared(SchemaType::String, true)
    }

    /// `BYTES`.
    pub fn bytes() -> SchemaRef {
        Self::shared(SchemaType::Bytes, false)
    }

    /// `BYTES`, optional.
    pub fn optional_bytes() -> SchemaRef {
        Self::shared(SchemaType::Bytes, true)
    }

    /// `BOOLEAN`.
    pub fn boolean() -> SchemaRef {
        Self::shared(SchemaType::Boolean, false)
    }

    /// `INT8`.
    pub fn int8() -> SchemaRef {
        Self::shared(SchemaType::Int8, false)
    }

    /// `INT16`.
    pub fn int16() -> SchemaRef {
        Self::shared(SchemaType::Int16, false)
    }

    /// `INT32`.
    pub fn int32() -> SchemaRef {
        Self::shared(SchemaType::Int32, false)
    }

    /// `INT64`.
    pub fn int64() -> SchemaRef {
        Self::shared(SchemaType::Int64, false)
    }

    /// `FLOAT32`.
    pub fn float32() -> SchemaRef {
        Self::shared(SchemaType::Float32, false)
    }

    /// `FLOAT64`.
    pub fn float64() -> SchemaRef {
        Self::shared(SchemaType::Float64, false)
    }

    /// The physical type.
    pub fn schema_type(&self) -> SchemaType {
        self.schema_type
    }

    /// Whether null is allowed.
    pub fn is_optional(&self) -> bool {
        self.optional
    }

    /// The default value.
    pub fn default_value(&self) -> Option<&Value> {
        self.default.as_ref()
    }

    /// The name: of a logical type, or of a struct.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The version.
    pub fn version(&self) -> Option<i32> {
        self.version
    }

    /// The documentation.
    pub fn doc(&self) -> Option<&str> {
        self.doc.as_deref()
    }

    /// The parameters, in the order in which they were set.
    pub fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }

    /// One parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(candidate, _)| candidate == name)
            .map(|(_, value)| value.as_str())
    }

    /// The fields of a struct; for other types none. [`Schema::try_fields`] tells them apart.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The fields of a struct.
    pub fn try_fields(&self) -> Result<&[Field]> {
        match self.schema_type {
            SchemaType::Struct => Ok(&self.fields),
            _ => Err(ConnectError::data("Cannot list fields on non-struct type")),
        }
    }

    /// The field of a struct with the given name; `None` also for other types.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.get(*self.field_indices.get(name)?)
    }

    /// The schema of the keys of a map.
    pub fn key_schema(&self) -> Result<Option<&SchemaRef>> {
        match self.schema_type {
            SchemaType::Map => Ok(self.key_schema.as_ref()),
            _ => Err(ConnectError::data(
                "Cannot look up key schema on non-map type",
            )),
        }
    }

    /// The schema of the items of an array or of the values of a map.
    pub fn value_schema(&self) -> Result<Option<&SchemaRef>> {
        match self.schema_type {
            SchemaType::Map | SchemaType::Array => Ok(self.value_schema.as_ref()),
            _ => Err(ConnectError::data(
                "Cannot look up value schema on non-array and non-map type",
            )),
        }
    }

    /// The same schema under another name or version; `None` keeps what it has. The default value stays
    /// as it is: a struct among them keeps its own schema, as in Java.
    #[must_use]
    pub fn relabelled(&self, name: Option<&str>, version: Option<i32>) -> Self {
        let mut schema = self.clone();
        if let Some(name) = name {
            schema.name = Some(name.into());
        }
        schema.version = version.or(schema.version);
        schema
    }

    /// Whether values are text or bytes without any meaning beyond.
    pub fn is_plain(&self, schema_type: SchemaType) -> bool {
        self.schema_type == schema_type && self.name.is_none()
    }
}

/// Equality counts every attribute, also documentation and default value, as in Java.
impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        // Most schemas that are compared are one and the same.
        std::ptr::eq(self, other)
            || self.schema_type == other.schema_type
                && self.optional == other.optional
                && self.version == other.version
                && self.name == other.name
                && self.doc == other.doc
                && self.default == other.default
                && self.fields == other.fields
                && self.key_schema == other.key_schema
                && self.value_schema == other.value_schema
                && same_parameters(&self.parameters, &other.parameters)
    }
}

/// Whether two lists of parameters are equal as maps.
pub(super) fn same_parameters(left: &[(String, String)], right: &[(String, String)]) -> bool {
    left.len() == right.len() && left.iter().all(|entry| right.contains(entry))
}

/// `Schema{name:TYPE}` or `Schema{TYPE}`.
impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "Schema{{{name}:{}}}", self.schema_type),
            None => write!(f, "Schema{{{}}}", self.schema_type),
        }
    }
}

/// A struct that uses this schema, with every field null.
impl From<&SchemaRef> for Struct {
    fn from(schema: &SchemaRef) -> Self {
        Self::from_values(schema.clone(), vec![Value::Null; schema.fields().len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_primitives_match_their_types() {
        assert_eq!(Schema::string().schema_type(), SchemaType::String);
        assert_eq!(Schema::bytes().schema_type(), SchemaType::Bytes);
        assert_eq!(Schema::int8().schema_type(), SchemaType::Int8);
        assert_eq!(Schema::float64().schema_type(), SchemaType::Float64);
        assert!(Schema::optional_string().is_optional());
        assert!(Schema::primitive(SchemaType::Map, false).is_err());
    }

    #[test]
    fn builder_reports_the_first_mistake_in_javas_words() {
        let message = |builder: SchemaBuilder| builder.build().unwrap_err().message().to_string();
        let builder = || Schema::builder(SchemaType::Int32);
        assert_eq!(
            message(builder().name("a").name("b")),
            "Invalid SchemaBuilder call: name has already been set."
        );
        assert_eq!(
            message(builder().optional().required()),
            "Invalid SchemaBuilder call: optional has already been set."
        );
        assert_eq!(
            message(builder().field("f", Schema::string())),
            "Cannot create fields on type INT32"
        );
        assert_eq!(
            message(
                Schema::struct_builder()
                    .field("f", Schema::string())
                    .field("f", Schema::string())
            ),
            "Cannot create field because of field name duplication f"
        );
        assert_eq!(
            message(builder().default_value("x")),
            "Invalid default value"
        );
    }

    #[test]
    fn equality_counts_doc_default_and_field_order() {
        let base = || Schema::struct_builder().field("a", Schema::int8());
        assert_eq!(base().build().unwrap(), base().build().unwrap());
        assert_ne!(base().build().unwrap(), base().doc("d").build().unwrap());
        let ab = base().field("b", Schema::int8()).build().unwrap();
        let ba = Schema::struct_builder()
            .field("b", Schema::int8())
            .field("a", Schema::int8())
            .build()
            .unwrap();
        assert_ne!(ab, ba);
    }
}
