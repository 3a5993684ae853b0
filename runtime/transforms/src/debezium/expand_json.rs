//! JSON in a text turned into Connect data, as `JsonSchemaData` of Debezium does it.

use super::name_adjuster::{NameAdjustment, NameKind};
use connect_api::data::{Schema, SchemaRef, SchemaType, Struct, Value};
use connect_api::{ConnectError, Result};
use serde_json::Value as Json;

/// How JSON becomes data.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct JsonExpansion {
    /// Null becomes optional bytes; otherwise fields that are null are left out.
    pub null_as_bytes: bool,
    /// An array without items becomes one of texts; otherwise such fields are left out.
    pub empty_array_of_strings: bool,
    pub field_names: NameAdjustment,
}

impl JsonExpansion {
    /// The data of a text that holds an object.
    pub fn expand(&self, name: &str, text: &str) -> Result<(SchemaRef, Value)> {
        if !text.starts_with(['{', '[']) {
            return Err(ConnectError::data("it begins with neither { nor ["));
        }
        // The reader bounds how deep values may stand in each other.
        let json: Json =
            serde_json::from_str(text).map_err(|error| ConnectError::data(error.to_string()))?;
        let schema = self.schema(Some(name), &json)?;
        let schema = schema.ok_or_else(|| ConnectError::data("it has no schema"))?;
        let value = self.object(&json, &schema)?;
        Ok((schema, value))
    }

    /// The schema of a value; `None` if it is left out.
    fn schema(&self, name: Option<&str>, json: &Json) -> Result<Option<SchemaRef>> {
        Ok(Some(match json {
            Json::String(_) => Schema::optional_string(),
            Json::Bool(_) => optional(SchemaType::Boolean)?,
            Json::Number(number) => optional(match number.as_i64() {
                Some(number) if i32::try_from(number).is_ok() => SchemaType::Int32,
                Some(_) => SchemaType::Int64,
                None => SchemaType::Float64,
            })?,
            Json::Array(items) if items.is_empty() => {
                if !self.empty_array_of_strings {
                    return Ok(None);
                }
                Schema::array_builder(Schema::optional_string())
                    .optional()
                    .build()?
            }
            Json::Array(items) => Schema::array_builder(self.item_schema(name, items)?)
                .optional()
                .build()?,
            Json::Object(members) => {
                let mut builder = Schema::struct_builder().optional();
                if let Some(name) = name {
                    builder = builder.name(name);
                }
                let mut names = Vec::new();
                for (member, value) in members {
                    let field = self.field_names.adjust(member, NameKind::Field);
                    let path = match name.filter(|name| !name.trim().is_empty()) {
                        Some(name) => format!("{name}.{field}"),
                        None => field.clone(),
                    };
                    if let Some(schema) = self.schema(Some(&path), value)?
                        && !names.contains(&field)
                    {
                        builder = builder.field(field.as_str(), schema);
                        names.push(field);
                    }
                }
                builder.build()?
            }
            Json::Null if self.null_as_bytes => Schema::optional_bytes(),
            Json::Null => return Ok(None),
        }))
    }

    /// The one schema of the items of an array.
    fn item_schema(&self, name: Option<&str>, items: &[Json]) -> Result<SchemaRef> {
        let present = || items.iter().filter(|item| !item.is_null());
        let first = present().next().unwrap_or(&Json::Null);
        let kind = std::mem::discriminant(first);
        if let Some(other) = present().find(|item| std::mem::discriminant(*item) != kind) {
            return Err(ConnectError::data(format!(
                "Field is not a homogenous array ({first} x {other})."
            )));
        }
        if first.is_number() {
            let schema = self.schema(None, first)?;
            for item in present() {
                if self.schema(None, item)? != schema {
                    return Err(ConnectError::data(format!(
                        "Field is not a homogenous array ({first} x {item}), different number types"
                    )));
                }
            }
        }
        let schema = if first.is_object() {
            let mut merged: Option<SchemaRef> = None;
            for item in items.iter().filter(|item| item.is_object()) {
                let schema = self.schema(name, item)?;
                merged = match (merged, schema) {
                    (Some(merged), Some(schema)) => Some(merge(&merged, &schema)?),
                    (None, schema) => schema,
                    (merged, None) => merged,
                };
            }
            merged
        } else {
            self.schema(None, first)?
        };
        schema.ok_or_else(|| ConnectError::data("Array has unrecognized member schema."))
    }

    fn object(&self, json: &Json, schema: &SchemaRef) -> Result<Value> {
        let mut record = Struct::new(schema.clone())?;
        for field in schema.fields() {
            if let Some(member) = json.get(&*field.name) {
                record.put(&field.name, self.value(member, &field.schema)?)?;
            }
        }
        Ok(record.into())
    }

    fn value(&self, json: &Json, schema: &SchemaRef) -> Result<Value> {
        Ok(match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Boolean(*value),
            Json::String(text) => Value::from(text.as_str()),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(number), _) => match i32::try_from(number) {
                    Ok(number) => Value::Int32(number),
                    Err(_) => Value::Int64(number),
                },
                (None, Some(number)) => Value::Float64(number),
                (None, None) => Value::Null,
            },
            Json::Array(items) => {
                let item_schema = schema
                    .value_schema()?
                    .ok_or_else(|| ConnectError::data("the array has no schema of items"))?;
                Value::Array(
                    items
                        .iter()
                        .map(|item| self.value(item, item_schema))
                        .collect::<Result<_>>()?,
                )
            }
            Json::Object(_) => self.object(json, schema)?,
        })
    }
}

fn optional(schema_type: SchemaType) -> Result<SchemaRef> {
    Schema::primitive(schema_type, true)
}

/// The fields of both, of two with one name the first unless it stands for null.
fn merge(left: &Schema, right: &Schema) -> Result<SchemaRef> {
    let mut fields: Vec<_> = left.fields().iter().collect();
    for field in right.fields() {
        match fields.iter_mut().find(|known| known.name == field.name) {
            None => fields.push(field),
            Some(known) => {
                let stands_for_null = known.schema.schema_type() == SchemaType::Bytes;
                if stands_for_null && field.schema.schema_type() != SchemaType::Bytes {
                    *known = field;
                }
            }
        }
    }
    let builder = crate::struct_edit::copy_schema_basics(left, Schema::struct_builder());
    fields
        .into_iter()
        .fold(builder, |builder, field| {
            builder.field(field.name.clone(), field.schema.clone())
        })
        .build()
}
