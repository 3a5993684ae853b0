//! Structs: values by position under a shared schema.

use super::{SchemaRef, SchemaType, Value, validate_value};
use crate::error::{ConnectError, Result};
use std::fmt;

/// A record with named fields. The values stand in the order of the schema's fields.
#[derive(Clone, Debug)]
pub struct Struct {
    schema: SchemaRef,
    values: Vec<Value>,
}

impl Struct {
    /// A struct with every field null.
    pub fn new(schema: SchemaRef) -> Result<Self> {
        if schema.schema_type() != SchemaType::Struct {
            return Err(ConnectError::data(format!("Not a struct schema: {schema}")));
        }
        Ok(Self::from(&schema))
    }

    /// A struct of values in the order of the schema's fields, unchecked: for decoders, which made the
    /// values from that schema. Missing values are null.
    pub fn from_values(schema: SchemaRef, mut values: Vec<Value>) -> Self {
        values.resize(schema.fields().len(), Value::Null);
        Self { schema, values }
    }

    /// The schema.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The values as they were put, in the order of the fields.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The values, to be taken.
    pub fn into_values(self) -> Vec<Value> {
        self.values
    }

    /// Schema and values, to be changed together: for transforms, which keep values in their place and
    /// put them under another schema. As with [`Struct::from_values`], the caller answers for one value
    /// for each field, in their order.
    pub fn parts_mut(&mut self) -> (&mut SchemaRef, &mut Vec<Value>) {
        (&mut self.schema, &mut self.values)
    }

    fn index(&self, field: &str) -> Result<usize> {
        self.schema
            .field(field)
            .map(|field| field.index)
            .ok_or_else(|| ConnectError::data(format!("{field} is not a valid field name")))
    }

    /// The value of a field, or the default of the field's schema where it is null.
    pub fn get(&self, field: &str) -> Result<&Value> {
        let index = self.index(field)?;
        Ok(self.get_at(index))
    }

    /// The value of the field at an index, or its default. Null beyond the last field.
    pub fn get_at(&self, index: usize) -> &Value {
        match self.values.get(index) {
            None | Some(Value::Null) => self
                .schema
                .fields()
                .get(index)
                .and_then(|field| field.schema.default_value())
                .unwrap_or(&Value::Null),
            Some(value) => value,
        }
    }

    /// The value of a field as it was put.
    pub fn get_without_default(&self, field: &str) -> Result<&Value> {
        let index = self.index(field)?;
        Ok(&self.values[index])
    }

    /// Sets a field after checking the value against its schema.
    pub fn put(&mut self, field: &str, value: impl Into<Value>) -> Result<&mut Self> {
        let index = self.index(field)?;
        let value = value.into();
        let field = &self.schema.fields()[index];
        validate_value(Some(&field.name), &field.schema, &value)?;
        self.values[index] = value;
        Ok(self)
    }

    /// Checks that every field has a value, may be null, or has a default.
    pub fn validate(&self) -> Result<()> {
        for (field, value) in self.schema.fields().iter().zip(&self.values) {
            let may_be_null = field.schema.is_optional() || field.schema.default_value().is_some();
            if value.is_null() && may_be_null {
                continue;
            }
            validate_value(Some(&field.name), &field.schema, value)?;
        }
        Ok(())
    }
}

impl PartialEq for Struct {
    fn eq(&self, other: &Self) -> bool {
        self.schema == other.schema && self.values == other.values
    }
}

/// `Struct{a=1,b=x}`, without null fields and without defaults.
impl fmt::Display for Struct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Struct{")?;
        let mut first = true;
        for (field, value) in self.schema.fields().iter().zip(&self.values) {
            if value.is_null() {
                continue;
            }
            if !first {
                f.write_str(",")?;
            }
            first = false;
            write!(f, "{}={value}", field.name)?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::Schema;
    use super::*;

    fn schema() -> SchemaRef {
        let with_default = Schema::builder(SchemaType::String)
            .default_value("d")
            .build()
            .unwrap();
        Schema::struct_builder()
            .field("a", Schema::int32())
            .field("b", with_default)
            .build()
            .unwrap()
    }

    #[test]
    fn get_gives_the_default_for_null_and_text_does_not() {
        let mut record = Struct::new(schema()).unwrap();
        record.put("a", 1i32).unwrap();
        assert_eq!(record.get("b").unwrap(), &Value::string("d"));
        assert_eq!(record.get_without_default("b").unwrap(), &Value::Null);
        assert_eq!(record.to_string(), "Struct{a=1}");
        record.validate().unwrap();
    }

    #[test]
    fn put_and_validate_speak_javas_words() {
        let mut record = Struct::new(schema()).unwrap();
        assert_eq!(
            record.put("a", "x").unwrap_err().message(),
            "Invalid Java object for schema with type INT32: class java.lang.String for field: \"a\""
        );
        assert_eq!(
            record.put("c", 1i32).unwrap_err().message(),
            "c is not a valid field name"
        );
        assert_eq!(
            record.validate().unwrap_err().message(),
            "Invalid value: null used for required field: \"a\", schema type: INT32"
        );
        assert_eq!(
            Struct::new(Schema::int8()).unwrap_err().message(),
            "Not a struct schema: Schema{INT8}"
        );
    }
}
