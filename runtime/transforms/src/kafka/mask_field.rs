//! `MaskField`: an empty value or a replacement in place of what must not be seen.

use crate::half::Half;
use crate::map_edit::{MapEdit, ShapeCache};
use crate::requirements::{require_map_mut, require_struct_mut};
use crate::schema_cache::SchemaCache;
use crate::settings::{REPLACE_NULL_WITH_DEFAULT, names_key, replace_null_with_default_key};
use crate::struct_edit::settle_null;
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance, Validator};
use connect_api::data::values::convert_to;
use connect_api::data::{Decimal, Map, Schema, SchemaType, Value, java_hash_order};
use connect_api::{ConnectError, KAFKA_VERSION, Origin, Record, Result, Transform};
use std::sync::LazyLock;

const FIELDS: &str = "fields";
const REPLACEMENT: &str = "replacement";
const PURPOSE: &str = "mask fields";

crate::register_halves!(
    "org.apache.kafka.connect.transforms.MaskField",
    KAFKA_VERSION,
    config_def,
    MaskField::new
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new()
            .define(names_key(FIELDS).doc("The fields to mask."))
            .define(
                ConfigKey::new(REPLACEMENT, ConfigType::String)
                    .default_null()
                    .validator(Validator::NonEmptyString)
                    .importance(Importance::Low)
                    .doc(
                        "What stands in place of the values, converted to their types: numbers and \
                         texts only. Without it values become 0, false, an empty text, list or map, or \
                         the beginning of 1970.",
                    ),
            )
            .define(replace_null_with_default_key())
    });
    &DEF
}

/// What takes the place of values, by their classes.
enum Mask {
    Empty,
    Replacement(Box<Replacements>),
}

/// The replacement as each class that it can have; an error where it is no such number.
struct Replacements {
    int8: Result<Value>,
    int16: Result<Value>,
    int32: Result<Value>,
    int64: Result<Value>,
    float32: Result<Value>,
    float64: Result<Value>,
    string: Value,
    decimal: Result<Value>,
}

impl Replacements {
    fn new(text: &str) -> Self {
        let number = |schema_type| {
            let to = Schema::primitive(schema_type, true)?;
            convert_to(&to, None, Value::from(text)).map_err(|error| {
                error.with_cause(
                    ConnectError::data(format!("For input string: \"{text}\""))
                        .with_class("java.lang.NumberFormatException"),
                )
            })
        };
        Self {
            int8: number(SchemaType::Int8),
            int16: number(SchemaType::Int16),
            int32: number(SchemaType::Int32),
            int64: number(SchemaType::Int64),
            float32: number(SchemaType::Float32),
            float64: number(SchemaType::Float64),
            string: Value::from(text),
            decimal: text.parse::<Decimal>().map(Value::from).map_err(|cause| {
                ConnectError::data(format!(
                    "Unable to convert {text} (class java.lang.String) to number"
                ))
                .with_cause(cause)
            }),
        }
    }
}

impl Mask {
    /// The mask of a value; null needs none.
    fn masked(&self, value: &Value) -> Result<Value> {
        match self {
            Self::Empty => empty(value),
            Self::Replacement(replacements) => match value {
                Value::Null => Ok(Value::Null),
                Value::Int8(_) => replacements.int8.clone(),
                Value::Int16(_) => replacements.int16.clone(),
                Value::Int32(_) => replacements.int32.clone(),
                Value::Int64(_) => replacements.int64.clone(),
                Value::Float32(_) => replacements.float32.clone(),
                Value::Float64(_) => replacements.float64.clone(),
                Value::String(_) => Ok(replacements.string.clone()),
                Value::Decimal(_) => replacements.decimal.clone(),
                other => Err(ConnectError::data(format!(
                    "Cannot mask value of type class {} with custom replacement.",
                    other.java_class().unwrap_or("null")
                ))),
            },
        }
    }
}

fn empty(value: &Value) -> Result<Value> {
    Ok(match value {
        Value::Null => Value::Null,
        Value::Boolean(_) => Value::Boolean(false),
        Value::Int8(_) => Value::Int8(0),
        Value::Int16(_) => Value::Int16(0),
        Value::Int32(_) => Value::Int32(0),
        Value::Int64(_) => Value::Int64(0),
        Value::Float32(_) => Value::Float32(0.0),
        Value::Float64(_) => Value::Float64(0.0),
        Value::String(_) => Value::from(""),
        Value::Decimal(_) => Value::from(Decimal::default()),
        Value::Date(_) => Value::Date(0),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Map(_) => Value::Map(Map::new()),
        Value::Bytes(_) | Value::Struct(_) => {
            return Err(ConnectError::data(format!(
                "Cannot mask value of type: class {}",
                value.java_class().unwrap_or("null")
            )));
        }
    })
}

struct MaskField {
    half: Half,
    /// In the order of a `java.util.HashSet`.
    fields: Vec<Value>,
    mask: Mask,
    replace_null_with_default: bool,
    /// Which fields to mask.
    schemas: SchemaCache<Vec<bool>>,
    shapes: ShapeCache<ShapePlan>,
}

/// What to do with maps of one shape.
struct ShapePlan {
    /// The indices of the entries to mask.
    entries: Vec<usize>,
    /// Adds what is missing, as null.
    edit: MapEdit,
}

impl MaskField {
    fn new(half: Half) -> Self {
        Self {
            half,
            fields: Vec::new(),
            mask: Mask::Empty,
            replace_null_with_default: true,
            schemas: SchemaCache::default(),
            shapes: ShapeCache::default(),
        }
    }
}

impl Transform for MaskField {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let config = config_def().parse(config)?;
        let fields = config.list(FIELDS)?;
        self.fields = java_hash_order(fields.iter().map(String::as_str))
            .into_iter()
            .filter_map(|index| fields.get(index))
            .map(|field| Value::from(field.as_str()))
            .collect();
        self.mask = match config.opt_string(REPLACEMENT)? {
            Some(text) => Mask::Replacement(Box::new(Replacements::new(text))),
            None => Mask::Empty,
        };
        self.replace_null_with_default = config.boolean(REPLACE_NULL_WITH_DEFAULT)?;
        Ok(())
    }

    fn apply(&mut self, mut record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        let (schema, value) = self.half.parts_mut(&mut record);
        let fields = &self.fields;
        if schema.is_none() {
            let map = require_map_mut(value, PURPOSE)?;
            let plan = self.shapes.get_or_make(map.shared_keys(), 0, |keys| {
                let missing = fields.iter().filter(|field| !keys.contains(field));
                Ok(ShapePlan {
                    entries: fields
                        .iter()
                        .filter_map(|field| keys.iter().position(|key| key == field))
                        .collect(),
                    edit: MapEdit::copy_and_put(keys, missing),
                })
            })?;
            let values = map.values_mut();
            for &index in &plan.entries {
                if let Some(value) = values.get_mut(index) {
                    *value = self.mask.masked(value)?;
                }
            }
            plan.edit.apply(map, &mut []);
        } else {
            let record = require_struct_mut(value, PURPOSE)?;
            let plan = self.schemas.get_or_make(record.schema(), |schema| {
                let is_masked = |name: &str| fields.iter().any(|f| f.as_str() == Some(name));
                let schema_fields = schema.fields().iter();
                Ok(schema_fields.map(|field| is_masked(&field.name)).collect())
            })?;
            let (schema, values) = record.parts_mut();
            for ((field, is_masked), value) in schema.fields().iter().zip(plan).zip(values) {
                settle_null(field, value, self.replace_null_with_default)?;
                if *is_masked {
                    *value = self.mask.masked(value)?;
                }
            }
        }
        Ok(Some(record))
    }
}
