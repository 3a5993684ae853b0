//! `Flatten`: nested structs and maps as one, with composed names.

use crate::half::Half;
use crate::map_edit::{Insertions, Source};
use crate::requirements::{require_map_mut, require_string_key, require_struct_mut};
use crate::schema_cache::SchemaCache;
use crate::struct_edit::{copy_schema_basics, settle_null};
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance};
use connect_api::data::{Field, Map, Schema, SchemaBuilder, SchemaRef, SchemaType, Struct, Value};
use connect_api::{ConnectError, KAFKA_VERSION, Origin, Record, Result, Transform};
use std::sync::LazyLock;

const DELIMITER: &str = "delimiter";
const PURPOSE: &str = "flattening";
/// Deeper nesting is an error, where Java runs out of stack.
const MAX_DEPTH: usize = 256;

crate::register_halves!(
    "org.apache.kafka.connect.transforms.Flatten",
    KAFKA_VERSION,
    config_def,
    Flatten::new
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new().define(
            ConfigKey::new(DELIMITER, ConfigType::String)
                .default(".")
                .importance(Importance::Medium)
                .doc("What stands between the names of the levels in the names of the new fields."),
        )
    });
    &DEF
}

struct Flatten {
    half: Half,
    delimiter: String,
    schemas: SchemaCache<SchemaRef>,
}

impl Flatten {
    fn new(half: Half) -> Self {
        Self {
            half,
            delimiter: String::new(),
            schemas: SchemaCache::default(),
        }
    }
}

impl Transform for Flatten {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        self.delimiter = config_def().parse(config)?.string(DELIMITER)?.to_string();
        Ok(())
    }

    fn apply(&mut self, mut record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        let (schema, value) = self.half.parts_mut(&mut record);
        if value.is_null() {
            return Ok(Some(record));
        }
        match schema {
            None => {
                let map = std::mem::take(require_map_mut(value, PURPOSE)?);
                *value = Value::Map(flat_map(map, &self.delimiter)?);
            }
            Some(schema) => {
                let record = require_struct_mut(value, PURPOSE)?;
                let delimiter = &self.delimiter;
                let flat = self
                    .schemas
                    .get_or_make(schema, |schema| flat_schema(schema, delimiter))?;
                if record.schema() != schema {
                    return Err(ConnectError::data("Struct schemas do not match."));
                }
                let (old, values) = record.parts_mut();
                let mut flat_values = Vec::with_capacity(flat.fields().len());
                flatten_values(old, std::mem::take(values), flat.fields(), &mut flat_values)?;
                *values = flat_values;
                *old = flat.clone();
                *schema = flat.clone();
            }
        }
        Ok(Some(record))
    }
}

#[cold]
fn too_deep() -> ConnectError {
    ConnectError::data(format!(
        "Data nested more than {MAX_DEPTH} levels deep can't be flattened"
    ))
    .with_class("java.lang.StackOverflowError")
}

fn composed_name(prefix: &str, delimiter: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_string()
    } else {
        format!("{prefix}{delimiter}{name}")
    }
}

fn flat_schema(schema: &Schema, delimiter: &str) -> Result<SchemaRef> {
    let builder = copy_schema_basics(schema, Schema::struct_builder());
    let default = match schema.default_value() {
        Some(Value::Struct(default)) => Some(&**default),
        _ => None,
    };
    let above = Above {
        prefix: String::new(),
        is_optional: schema.is_optional(),
        default,
        depth: 0,
    };
    add_fields(builder, schema, delimiter, &above)?.build()
}

/// What the levels above say about a struct.
struct Above<'a> {
    prefix: String,
    is_optional: bool,
    /// The default that holds the defaults of the fields.
    default: Option<&'a Struct>,
    depth: usize,
}

fn add_fields(
    mut builder: SchemaBuilder,
    schema: &Schema,
    delimiter: &str,
    above: &Above<'_>,
) -> Result<SchemaBuilder> {
    if above.depth > MAX_DEPTH {
        return Err(too_deep());
    }
    for field in schema.try_fields()? {
        let name = composed_name(&above.prefix, delimiter, &field.name);
        let is_optional = above.is_optional || field.schema.is_optional();
        let default = field.schema.default_value().or_else(|| {
            let default = above.default?.get_at(field.index);
            (!default.is_null()).then_some(default)
        });
        match field.schema.schema_type() {
            SchemaType::Map => {
                return Err(ConnectError::data(format!(
                    "Flatten transformation does not support MAP for record with schemas (for field \
                     {name})."
                )));
            }
            SchemaType::Struct => {
                let below = Above {
                    prefix: name,
                    is_optional,
                    default: match default {
                        Some(Value::Struct(default)) => Some(default),
                        _ => None,
                    },
                    depth: above.depth + 1,
                };
                builder = add_fields(builder, &field.schema, delimiter, &below)?;
            }
            _ => {
                let leaf = leaf_schema(&field.schema, is_optional, default)?;
                let name = if *name == *field.name {
                    field.name.clone()
                } else {
                    name.into()
                };
                builder = builder.field(name, leaf);
            }
        }
    }
    Ok(builder)
}

/// The schema of a field that stays one: with the flag and the default that the levels above give it.
fn leaf_schema(
    schema: &SchemaRef,
    is_optional: bool,
    default: Option<&Value>,
) -> Result<SchemaRef> {
    if schema.is_optional() == is_optional && schema.default_value() == default {
        return Ok(schema.clone());
    }
    let builder = match (schema.schema_type(), schema.value_schema()) {
        (SchemaType::Array, Ok(Some(items))) => Schema::array_builder(items.clone()),
        (schema_type, _) => Schema::builder(schema_type),
    };
    let mut builder = copy_schema_basics(schema, builder);
    if is_optional {
        builder = builder.optional();
    }
    if let Some(default) = default {
        builder = builder.default_value(default.clone());
    }
    builder.build()
}

/// Appends the values of a struct, level by level, in the order of the flat fields. The schema was
/// flattened before, so it is not too deep.
fn flatten_values(
    schema: &Schema,
    values: Vec<Value>,
    flat: &[Field],
    out: &mut Vec<Value>,
) -> Result<()> {
    for (field, mut value) in schema.fields().iter().zip(values) {
        if field.schema.schema_type() != SchemaType::Struct {
            if value.is_null()
                && let Some(default) = field.schema.default_value()
            {
                value = default.clone();
            }
            if let Some(flat) = flat.get(out.len()) {
                settle_null(flat, &mut value, false)?;
            }
            out.push(value);
            continue;
        }
        match value {
            Value::Struct(nested) if *nested.schema() == field.schema => {
                flatten_values(&field.schema, nested.into_values(), flat, out)?;
            }
            Value::Null => {
                let num_leaves = num_leaves(&field.schema);
                out.extend(std::iter::repeat_n(Value::Null, num_leaves));
            }
            _ => return Err(ConnectError::data("Struct schemas do not match.")),
        }
    }
    Ok(())
}

fn num_leaves(schema: &Schema) -> usize {
    schema
        .fields()
        .iter()
        .map(|field| match field.schema.schema_type() {
            SchemaType::Struct => num_leaves(&field.schema),
            _ => 1,
        })
        .sum()
}

fn flat_map(map: Map, delimiter: &str) -> Result<Map> {
    let mut flat = FlatMap {
        delimiter,
        insertions: Insertions::default(),
        values: Vec::new(),
    };
    flat.add(map, "", 0)?;
    let mut values = flat.values;
    let mut map = Map::new();
    flat.insertions.in_order().apply(&mut map, &mut values);
    Ok(map)
}

struct FlatMap<'a> {
    delimiter: &'a str,
    insertions: Insertions,
    values: Vec<Value>,
}

impl FlatMap<'_> {
    fn add(&mut self, map: Map, prefix: &str, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        let (keys, values) = map.into_parts();
        for (key, value) in keys.iter().zip(values) {
            let text = require_string_key(key)?;
            let name = || composed_name(prefix, self.delimiter, text.unwrap_or("null"));
            match value {
                Value::Map(nested) => {
                    let name = name();
                    self.add(nested, &name, depth + 1)?;
                }
                Value::Struct(_) => {
                    return Err(ConnectError::data(format!(
                        "Flatten transformation does not support class \
                         org.apache.kafka.connect.data.Struct for record without schemas (for field {}).",
                        name()
                    )));
                }
                Value::Decimal(_) | Value::Date(_) => {
                    return Err(ConnectError::data(format!(
                        "Flatten transformation was passed a value of type class {} which is not \
                         supported by Connect's data API",
                        value.java_class().unwrap_or("null")
                    )));
                }
                leaf => {
                    let key = if prefix.is_empty() {
                        key.clone()
                    } else {
                        Value::from(name())
                    };
                    self.insertions.put(key, Source::New(self.values.len()));
                    self.values.push(leaf);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flatten(schema: Option<SchemaRef>, value: Value) -> Result<Option<Record>> {
        let mut flatten = Flatten::new(Half::Value);
        flatten.configure(&ConfigMap::new())?;
        let record = connect_api::SourceRecord::new("t", schema, value);
        flatten.apply(record.record, Origin::Source(&record.origin))
    }

    #[test]
    fn too_deep_data_is_an_error() {
        for (depth, is_fine) in [(MAX_DEPTH, true), (MAX_DEPTH + 1, false)] {
            let mut schema = Schema::int32();
            let (mut with_schema, mut schemaless) = (Value::Int32(1), Value::Int32(1));
            for _ in 0..=depth {
                let builder = Schema::struct_builder().field("f", schema);
                schema = builder.build().unwrap();
                let values = vec![with_schema];
                with_schema = Value::from(Struct::from_values(schema.clone(), values));
                schemaless = Value::Map([("f", schemaless)].into_iter().collect());
            }
            assert_eq!(flatten(Some(schema), with_schema).is_ok(), is_fine);
            assert_eq!(flatten(None, schemaless).is_ok(), is_fine);
        }
    }
}
