//! Structs put under another schema: values are moved, and the untouched ones not looked into.

use connect_api::Result;
use connect_api::data::{Field, Schema, SchemaBuilder, SchemaRef, Struct, Value, validate_value};

/// A builder with name, version, documentation and parameters of a schema, but neither its optional flag
/// nor its default (`SchemaUtil.copySchemaBasics`).
pub(crate) fn copy_schema_basics(source: &Schema, mut builder: SchemaBuilder) -> SchemaBuilder {
    if let Some(name) = source.name() {
        builder = builder.name(name);
    }
    if let Some(version) = source.version() {
        builder = builder.version(version);
    }
    if let Some(doc) = source.doc() {
        builder = builder.doc(doc);
    }
    for (name, value) in source.parameters() {
        builder = builder.parameter(name, value);
    }
    builder
}

/// The default value of a field, to be put into it. A struct among them, which was made before the schema
/// that it belongs to was finished, gets that schema.
pub(crate) fn default_value(field: &Field) -> Option<Value> {
    let mut default = field.schema.default_value()?.clone();
    if let Value::Struct(record) = &mut default {
        let (schema, values) = record.parts_mut();
        if values.len() == field.schema.fields().len() {
            *schema = field.schema.clone();
        }
    }
    Some(default)
}

/// Null as `Struct.get` reads it, if `replace_null_with_default`, and as `Struct.put` takes it: an error
/// if the field requires a value and there is no default to take. A value that already stands under the
/// schema of its field was checked when it got there, so it is not looked at again.
#[inline]
pub(crate) fn settle_null(
    field: &Field,
    value: &mut Value,
    replace_null_with_default: bool,
) -> Result<()> {
    if value.is_null() {
        if replace_null_with_default && let Some(default) = default_value(field) {
            *value = default;
        } else if !field.schema.is_optional() {
            validate_value(Some(&field.name), &field.schema, value)?;
        }
    }
    Ok(())
}

/// [`settle_null`] for all fields of a struct.
#[inline]
pub(crate) fn settle_nulls(
    schema: &Schema,
    values: &mut [Value],
    replace_null_with_default: bool,
) -> Result<()> {
    for (field, value) in schema.fields().iter().zip(values) {
        settle_null(field, value, replace_null_with_default)?;
    }
    Ok(())
}

/// A copy of the value of a field, as `Struct.get` reads it if `replace_null_with_default`, else as it was
/// put.
pub(crate) fn field_value(record: &Struct, index: usize, replace_null_with_default: bool) -> Value {
    match (
        record.values().get(index),
        record.schema().fields().get(index),
    ) {
        (None | Some(Value::Null), Some(field)) if replace_null_with_default => {
            default_value(field).unwrap_or(Value::Null)
        }
        (value, _) => value.cloned().unwrap_or(Value::Null),
    }
}

/// Which fields of a struct make up another one.
#[derive(Debug)]
pub(crate) struct Selection {
    /// The schema of the other struct.
    pub(crate) schema: SchemaRef,
    /// For each of its fields the index in the first struct.
    sources: Box<[usize]>,
    /// Whether each field comes once at most, in the old order, with its own schema.
    is_subsequence: bool,
}

impl Selection {
    /// A selection from the fields of `from`; there must be one source for each field of `schema`, and
    /// it must be an index into the fields of `from`.
    pub(crate) fn new(from: &Schema, schema: SchemaRef, sources: Vec<usize>) -> Self {
        let own_schemas = schema
            .fields()
            .iter()
            .zip(&sources)
            .all(|(field, &source)| {
                SchemaRef::ptr_eq(&field.schema, &from.fields()[source].schema)
            });
        Self {
            is_subsequence: own_schemas && sources.is_sorted_by(|left, right| left < right),
            schema,
            sources: sources.into(),
        }
    }

    /// Turns a struct into the selected one. On an error nothing is left of it.
    pub(crate) fn apply(&self, record: &mut Struct, replace_null_with_default: bool) -> Result<()> {
        let (schema, values) = record.parts_mut();
        if self.is_subsequence {
            let fields = self.schema.fields().iter().zip(&self.sources);
            for (index, (field, &source)) in fields.enumerate() {
                settle_null(field, &mut values[source], replace_null_with_default)?;
                if index != source {
                    values.swap(index, source);
                }
            }
            values.truncate(self.sources.len());
        } else {
            let mut selected = Vec::with_capacity(self.sources.len());
            for (field, &source) in self.schema.fields().iter().zip(&self.sources) {
                let mut value = values[source].clone();
                if value.is_null()
                    && replace_null_with_default
                    && let Some(default) = default_value(&schema.fields()[source])
                {
                    value = default;
                }
                validate_value(Some(&field.name), &field.schema, &value)?;
                selected.push(value);
            }
            *values = selected;
        }
        *schema = self.schema.clone();
        Ok(())
    }
}
