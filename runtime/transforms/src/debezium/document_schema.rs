//! From documents to schemas and structs, as `MongoDataConverter` of Debezium does it.

use super::document::{Bson, Document};
use super::name_adjuster::{NameAdjustment, NameKind};
use connect_api::data::{LogicalType, Schema, SchemaBuilder, SchemaRef, SchemaType, Struct, Value};
use connect_api::{ConnectError, Result};

const REGEX_NAME: &str = "io.debezium.mongodb.regex";

/// How arrays are carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ArrayEncoding {
    /// As arrays, whose items must be of one type.
    #[default]
    Array,
    /// As structs with the fields `_0`, `_1` and so on.
    Document,
}

/// Turns documents into structs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DocumentConverter {
    pub arrays: ArrayEncoding,
    pub field_names: NameAdjustment,
}

/// Fields that are collected for a schema: of those with one name the first counts.
#[derive(Default)]
struct Fields(Vec<(String, SchemaRef)>);

impl Fields {
    fn add(&mut self, name: String, schema: SchemaRef) {
        if !self.0.iter().any(|(known, _)| *known == name) {
            self.0.push((name, schema));
        }
    }

    fn build(self, builder: SchemaBuilder) -> Result<SchemaRef> {
        self.0
            .into_iter()
            .fold(builder, |builder, (name, schema)| {
                builder.field(name, schema)
            })
            .build()
    }
}

fn different_types() -> ConnectError {
    ConnectError::data(
        "Array elements with different Bson types are not supported; set 'array.encoding' to document \
         for such arrays",
    )
    .with_class("io.debezium.DebeziumException")
}

fn optional(schema_type: SchemaType) -> Result<SchemaRef> {
    Schema::primitive(schema_type, true)
}

impl DocumentConverter {
    fn name(&self, name: &str) -> String {
        self.field_names.adjust(name, NameKind::Field)
    }

    /// The fields of a document. `parent` names the schema around them; structs within are named after it.
    pub fn add_fields(
        &self,
        mut builder: SchemaBuilder,
        parent: Option<&str>,
        document: &Document,
    ) -> Result<SchemaBuilder> {
        for (name, schema) in self.fields(parent.unwrap_or("null"), document)?.0 {
            builder = builder.field(name, schema);
        }
        Ok(builder)
    }

    fn fields(&self, parent: &str, document: &Document) -> Result<Fields> {
        let mut fields = Fields::default();
        for (name, value) in document {
            let name = self.name(name);
            if let Some(schema) = self.schema(parent, &name, value)? {
                fields.add(name, schema);
            }
        }
        Ok(fields)
    }

    /// The schema of a value; `None` if it has no counterpart in Connect.
    fn schema(&self, parent: &str, name: &str, value: &Bson) -> Result<Option<SchemaRef>> {
        Ok(Some(match value {
            Bson::Null
            | Bson::String(_)
            | Bson::JavaScript(_)
            | Bson::ObjectId(_)
            | Bson::Decimal128(_) => Schema::optional_string(),
            Bson::Double(_) => optional(SchemaType::Float64)?,
            Bson::Binary(_) => Schema::optional_bytes(),
            Bson::Int32(_) => optional(SchemaType::Int32)?,
            Bson::Int64(_) => optional(SchemaType::Int64)?,
            Bson::Boolean(_) => optional(SchemaType::Boolean)?,
            Bson::DateTime(_) | Bson::Timestamp(_) => LogicalType::Timestamp.schema(true),
            Bson::Regex { .. } => Schema::struct_builder()
                .name(REGEX_NAME)
                .optional()
                .field("regex", Schema::optional_string())
                .field("options", Schema::optional_string())
                .build()?,
            Bson::Document(inner) if inner.is_empty() => {
                Schema::struct_builder().optional().build()?
            }
            Bson::Document(inner) => {
                let path = format!("{parent}.{name}");
                let fields = self.fields(&path, inner)?;
                fields.build(Schema::struct_builder().name(path).optional())?
            }
            Bson::Array(items) => match self.arrays {
                ArrayEncoding::Array => return self.array_schema(parent, name, items),
                ArrayEncoding::Document => self.indexed_schema(parent, name, items)?,
            },
            Bson::Other(_) => return Ok(None),
        }))
    }

    fn array_schema(&self, parent: &str, name: &str, items: &[Bson]) -> Result<Option<SchemaRef>> {
        let array = |items: SchemaRef| Schema::array_builder(items).optional().build();
        if items.is_empty() {
            return array(Schema::optional_string()).map(Some);
        }
        let mut documents = Vec::new();
        let mut inner_arrays = Vec::new();
        let mut scalars = Vec::new();
        for item in items {
            match item {
                Bson::Document(document) => documents.push(document),
                Bson::Array(items) => inner_arrays.push(items),
                scalar => scalars.push(scalar),
            }
        }
        // Arrays come first, then documents, then what is neither: the first that makes a schema counts.
        for inner in inner_arrays {
            if let Some(item) = self.item_schema(None, inner)? {
                return array(array(item)?).map(Some);
            }
        }
        let path = format!("{parent}.{name}");
        if let Some(item) = self.merged_schema(Some(&path), &documents)? {
            return array(item).map(Some);
        }
        match self.scalar_schema(&scalars)? {
            Some(item) => array(item).map(Some),
            None => Ok(None),
        }
    }

    /// The schema of the items of an array within an array.
    fn item_schema(&self, path: Option<&str>, items: &[Bson]) -> Result<Option<SchemaRef>> {
        let mut documents = Vec::new();
        let mut scalars = Vec::new();
        for item in items {
            match item {
                Bson::Document(document) => documents.push(document),
                Bson::Array(_) => return Err(different_types()),
                scalar => scalars.push(scalar),
            }
        }
        match self.merged_schema(path, &documents)? {
            Some(schema) => Ok(Some(schema)),
            None => self.scalar_schema(&scalars),
        }
    }

    fn scalar_schema(&self, items: &[&Bson]) -> Result<Option<SchemaRef>> {
        let mut schema: Option<SchemaRef> = None;
        for item in items {
            let next = match item {
                Bson::Other(_) | Bson::Regex { .. } => None,
                item => self.schema("", "", item)?,
            };
            let next = next.ok_or_else(|| {
                ConnectError::data("An array holds values that are not supported in arrays")
                    .with_class("java.lang.IllegalArgumentException")
            })?;
            match &schema {
                Some(known) if *known != next => return Err(different_types()),
                _ => schema = Some(next),
            }
        }
        Ok(schema)
    }

    /// One schema for all documents of an array: the fields of all, each of one type.
    fn merged_schema(
        &self,
        path: Option<&str>,
        documents: &[&Document],
    ) -> Result<Option<SchemaRef>> {
        let mut merged: Vec<(String, SchemaRef, SchemaType)> = Vec::new();
        let parent = path.unwrap_or("null");
        for document in documents {
            for (name, value) in *document {
                let name = self.name(name);
                let Some(schema) = self.schema(parent, &name, value)? else {
                    continue;
                };
                let schema_type = schema.schema_type();
                match merged.iter_mut().find(|(known, _, _)| *known == name) {
                    None => merged.push((name, schema, schema_type)),
                    Some((_, known, known_type)) => {
                        let is_nested = matches!(value, Bson::Document(_) | Bson::Array(_));
                        if *known_type != schema_type || !is_nested && *known != schema {
                            return Err(different_types());
                        }
                        *known = schema;
                    }
                }
            }
        }
        if merged.is_empty() {
            return Ok(None);
        }
        let mut fields = Fields::default();
        for (name, schema, _) in merged {
            fields.add(name, schema);
        }
        let mut builder = Schema::struct_builder().optional();
        if let Some(path) = path {
            builder = builder.name(path);
        }
        fields.build(builder).map(Some)
    }

    /// The schema of an array as a struct.
    fn indexed_schema(&self, parent: &str, name: &str, items: &[Bson]) -> Result<SchemaRef> {
        let path = format!("{parent}.{name}");
        let mut fields = Fields::default();
        for (index, item) in items.iter().enumerate() {
            let field = format!("_{index}");
            if let Some(schema) = self.schema(&path, &field, item)? {
                fields.add(field, schema);
            }
        }
        fields.build(Schema::struct_builder().name(path).optional())
    }

    /// Puts the values of a document into a struct of its schema.
    pub fn put_values(&self, record: &mut Struct, document: &Document) -> Result<()> {
        for (name, value) in document {
            if matches!(value, Bson::Other("UNDEFINED")) {
                continue;
            }
            let name = self.name(name);
            let is_empty_array = matches!(value, Bson::Array(items) if items.is_empty());
            if is_empty_array && self.field_names != NameAdjustment::None {
                continue;
            }
            let schema = match record.schema().field(&name) {
                Some(field) => field.schema.clone(),
                None => {
                    return Err(ConnectError::data(format!(
                        "{name} is not a valid field name"
                    )));
                }
            };
            record.put(&name, self.value(&schema, value)?)?;
        }
        Ok(())
    }

    fn value(&self, schema: &SchemaRef, value: &Bson) -> Result<Value> {
        Ok(match value {
            Bson::Null | Bson::Other(_) => Value::Null,
            Bson::Boolean(value) => Value::Boolean(*value),
            Bson::Int32(value) => Value::Int32(*value),
            Bson::Int64(value) => Value::Int64(*value),
            Bson::Double(value) => Value::Float64(*value),
            Bson::String(text)
            | Bson::ObjectId(text)
            | Bson::Decimal128(text)
            | Bson::JavaScript(text) => Value::from(text.as_str()),
            Bson::Binary(bytes) => Value::Bytes(bytes.clone()),
            Bson::DateTime(ms) => Value::Date(*ms),
            Bson::Timestamp(seconds) => Value::Date(seconds.saturating_mul(1000)),
            Bson::Regex { pattern, options } => {
                let mut record = Struct::new(schema.clone())?;
                record.put("regex", pattern.as_str())?;
                record.put("options", options.as_str())?;
                record.into()
            }
            Bson::Document(document) => {
                let mut record = Struct::new(schema.clone())?;
                self.put_values(&mut record, document)?;
                record.into()
            }
            Bson::Array(items) if self.arrays == ArrayEncoding::Array => {
                let item_schema = schema
                    .value_schema()?
                    .cloned()
                    .unwrap_or_else(Schema::optional_string);
                Value::Array(
                    items
                        .iter()
                        // An array within that is empty is left out.
                        .filter(|item| !matches!(item, Bson::Array(inner) if inner.is_empty()))
                        .map(|item| self.value(&item_schema, item))
                        .collect::<Result<_>>()?,
                )
            }
            Bson::Array(items) => {
                let mut record = Struct::new(schema.clone())?;
                let indexed = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| (format!("_{index}"), item.clone()))
                    .collect();
                self.put_values(&mut record, &indexed)?;
                record.into()
            }
        })
    }
}
