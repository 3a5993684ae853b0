//! A Connect schema in the making.

use connect_api::Result;
use connect_api::data::{
    Decimal, LogicalType, Schema, SchemaBuilder, SchemaRef, SchemaType, Value,
};

/// What has been said of a schema so far. Unlike a builder it can be asked.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) schema_type: SchemaType,
    pub(super) name: Option<String>,
    pub(super) version: Option<i32>,
    pub(super) doc: Option<String>,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) fields: Vec<(String, SchemaRef)>,
    pub(super) key_schema: Option<SchemaRef>,
    pub(super) value_schema: Option<SchemaRef>,
    pub(super) optional: bool,
}

impl Draft {
    pub(super) fn new(schema_type: SchemaType) -> Self {
        Self {
            schema_type,
            name: None,
            version: None,
            doc: None,
            parameters: Vec::new(),
            fields: Vec::new(),
            key_schema: None,
            value_schema: None,
            optional: false,
        }
    }

    pub(super) fn logical(logical: LogicalType) -> Self {
        let schema_type = match logical {
            LogicalType::Decimal => SchemaType::Bytes,
            LogicalType::Date | LogicalType::Time => SchemaType::Int32,
            LogicalType::Timestamp => SchemaType::Int64,
        };
        Self {
            name: Some(logical.schema_name().to_string()),
            version: Some(1),
            ..Self::new(schema_type)
        }
    }

    pub(super) fn decimal(scale: i32) -> Self {
        let mut draft = Self::logical(LogicalType::Decimal);
        draft.parameter(Decimal::SCALE_FIELD, scale.to_string());
        draft
    }

    /// Sets a parameter: in its place if it is there already.
    pub(super) fn parameter(&mut self, name: &str, value: impl Into<String>) {
        match self.parameters.iter_mut().find(|(known, _)| known == name) {
            Some(entry) => entry.1 = value.into(),
            None => self.parameters.push((name.to_string(), value.into())),
        }
    }

    /// A draft of a schema that exists, without its default.
    pub(super) fn of(schema: &Schema) -> Result<Self> {
        let is_map = schema.schema_type() == SchemaType::Map;
        Ok(Self {
            schema_type: schema.schema_type(),
            name: schema.name().map(String::from),
            version: schema.version(),
            doc: schema.doc().map(String::from),
            parameters: schema.parameters().to_vec(),
            fields: schema
                .fields()
                .iter()
                .map(|field| (field.name.to_string(), field.schema.clone()))
                .collect(),
            key_schema: if is_map {
                schema.key_schema()?.cloned()
            } else {
                None
            },
            value_schema: if is_map || schema.schema_type() == SchemaType::Array {
                schema.value_schema()?.cloned()
            } else {
                None
            },
            optional: schema.is_optional(),
        })
    }

    fn builder(&self) -> SchemaBuilder {
        let mut builder = match (&self.key_schema, &self.value_schema) {
            (Some(key), Some(value)) => Schema::map_builder(key.clone(), value.clone()),
            (None, Some(value)) => Schema::array_builder(value.clone()),
            _ => Schema::builder(self.schema_type),
        };
        for (name, schema) in &self.fields {
            builder = builder.field(name.as_str(), schema.clone());
        }
        if let Some(name) = &self.name {
            builder = builder.name(name.as_str());
        }
        if let Some(version) = self.version {
            builder = builder.version(version);
        }
        if let Some(doc) = &self.doc {
            builder = builder.doc(doc.as_str());
        }
        for (name, value) in &self.parameters {
            builder = builder.parameter(name.as_str(), value.as_str());
        }
        if self.optional {
            builder = builder.optional();
        }
        builder
    }

    fn is_bare_primitive(&self) -> bool {
        self.schema_type.is_primitive()
            && self.name.is_none()
            && self.version.is_none()
            && self.doc.is_none()
            && self.parameters.is_empty()
    }

    /// The schema without a default.
    pub(super) fn build(&self) -> Result<SchemaRef> {
        if self.is_bare_primitive() {
            return Schema::primitive(self.schema_type, self.optional);
        }
        self.builder().build()
    }

    /// The schema with a default; an error if the default does not fit.
    pub(super) fn build_with_default(&self, default: Value) -> Result<SchemaRef> {
        self.builder().default_value(default).build()
    }
}
