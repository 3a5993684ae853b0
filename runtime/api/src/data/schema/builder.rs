//! How schemas are made.

use super::{Field, Schema, SchemaRef, SchemaType};
use crate::data::{Value, validate_value};
use crate::error::{ConnectError, Result};
use std::sync::Arc;

/// Builds a [`Schema`]. The first mistake is kept and returned by [`SchemaBuilder::build`], with the
/// message that Java throws at once.
#[derive(Clone, Debug)]
pub struct SchemaBuilder {
    pub(super) schema: Schema,
    pub(super) optional_set: bool,
    pub(super) error: Option<ConnectError>,
}

impl SchemaBuilder {
    fn fail(&mut self, message: impl Into<String>) {
        if self.error.is_none() {
            self.error = Some(Self::error(message));
        }
    }

    fn error(message: impl Into<String>) -> ConnectError {
        ConnectError::data(message)
            .with_class("org.apache.kafka.connect.errors.SchemaBuilderException")
    }

    fn already_set(&mut self, attribute: &str) {
        self.fail(format!(
            "Invalid SchemaBuilder call: {attribute} has already been set."
        ));
    }

    /// Null is allowed.
    #[must_use]
    pub fn optional(mut self) -> Self {
        if self.optional_set {
            self.already_set("optional");
        }
        self.optional_set = true;
        self.schema.optional = true;
        self
    }

    /// Null is not allowed, which is the case anyway.
    #[must_use]
    pub fn required(mut self) -> Self {
        if self.optional_set {
            self.already_set("optional");
        }
        self.optional_set = true;
        self
    }

    /// The default value; it must fit the schema.
    #[must_use]
    pub fn default_value(mut self, value: impl Into<Value>) -> Self {
        if self.schema.default.is_some() {
            self.already_set("default");
        }
        self.schema.default = Some(value.into());
        self
    }

    /// The name.
    #[must_use]
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        if self.schema.name.is_some() {
            self.already_set("name");
        }
        self.schema.name = Some(name.into());
        self
    }

    /// The version.
    #[must_use]
    pub fn version(mut self, version: i32) -> Self {
        if self.schema.version.is_some() {
            self.already_set("version");
        }
        self.schema.version = Some(version);
        self
    }

    /// The documentation.
    #[must_use]
    pub fn doc(mut self, doc: impl Into<Arc<str>>) -> Self {
        if self.schema.doc.is_some() {
            self.already_set("doc");
        }
        self.schema.doc = Some(doc.into());
        self
    }

    /// A parameter; the last value of a name counts.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        match self
            .schema
            .parameters
            .iter_mut()
            .find(|(candidate, _)| *candidate == name)
        {
            Some(entry) => entry.1 = value,
            None => self.schema.parameters.push((name, value)),
        }
        self
    }

    /// The next field of a struct.
    #[must_use]
    pub fn field(mut self, name: impl Into<Arc<str>>, schema: SchemaRef) -> Self {
        let name = name.into();
        if self.schema.schema_type != SchemaType::Struct {
            let message = format!("Cannot create fields on type {}", self.schema.schema_type);
            self.fail(message);
        } else if name.is_empty() {
            self.fail("fieldName cannot be null.");
        } else if self.schema.field_indices.contains_key(&name) {
            self.fail(format!(
                "Cannot create field because of field name duplication {name}"
            ));
        } else {
            let index = self.schema.fields.len();
            self.schema.field_indices.insert(name.clone(), index);
            self.schema.fields.push(Field {
                name,
                index,
                schema,
            });
        }
        self
    }

    /// The schema, or the first mistake.
    pub fn build(mut self) -> Result<SchemaRef> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if let Some(default) = self.schema.default.take() {
            if let Err(cause) = validate_value(None, &self.schema, &default) {
                return Err(Self::error("Invalid default value").with_cause(cause));
            }
            self.schema.default = Some(default);
        }
        Ok(Arc::new(self.schema))
    }
}
