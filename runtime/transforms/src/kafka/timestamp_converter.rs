//! `TimestampConverter`: timestamps as texts, numbers, or Connect's Date, Time and Timestamp.

mod conversion;

use crate::half::Half;
use crate::map_edit::{MapEdit, ShapeCache};
use crate::requirements::{require_map_mut, require_struct_mut};
use crate::schema_cache::SchemaCache;
use crate::settings::{REPLACE_NULL_WITH_DEFAULT, replace_null_with_default_key};
use crate::struct_edit::{copy_schema_basics, default_value, field_value, settle_null};
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance, Validator};
use connect_api::data::{Schema, SchemaRef, Struct, Value};
use connect_api::{ConnectError, KAFKA_VERSION, Origin, Record, Result, Transform};
use conversion::{Conversion, Representation, UnixPrecision};
use std::sync::LazyLock;

const FIELD: &str = "field";
const TARGET_TYPE: &str = "target.type";
const FORMAT: &str = "format";
const UNIX_PRECISION: &str = "unix.precision";
const PURPOSE: &str = "converting timestamp formats";

crate::register_halves!(
    "org.apache.kafka.connect.transforms.TimestampConverter",
    KAFKA_VERSION,
    config_def,
    TimestampConverter::new
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new()
            .define(
                ConfigKey::new(FIELD, ConfigType::String)
                    .default("")
                    .importance(Importance::High)
                    .doc("The field that holds the timestamp; empty if the whole key or value is one."),
            )
            .define(
                ConfigKey::new(TARGET_TYPE, ConfigType::String)
                    .validator(Validator::ValidString(&[
                        "string", "unix", "Date", "Time", "Timestamp",
                    ]))
                    .importance(Importance::High)
                    .doc("What the timestamp becomes: string, unix, Date, Time or Timestamp."),
            )
            .define(
                ConfigKey::new(FORMAT, ConfigType::String)
                    .default("")
                    .importance(Importance::Medium)
                    .doc(
                        "How texts are written and read, in UTC: a pattern of Java's \
                         `SimpleDateFormat`.",
                    ),
            )
            .define(
                ConfigKey::new(UNIX_PRECISION, ConfigType::String)
                    .default("milliseconds")
                    .validator(Validator::ValidString(&[
                        "nanoseconds",
                        "microseconds",
                        "milliseconds",
                        "seconds",
                    ]))
                    .importance(Importance::Low)
                    .doc(
                        "The unit of timestamps that are numbers: seconds, milliseconds, microseconds \
                         or nanoseconds. What is finer than a millisecond is lost in a conversion.",
                    ),
            )
            .define(replace_null_with_default_key())
    });
    &DEF
}

struct TimestampConverter {
    half: Half,
    /// The field, unless the whole key or value is the timestamp.
    field: Option<Value>,
    conversion: Conversion,
    replace_null_with_default: bool,
    schemas: SchemaCache<SchemaPlan>,
    shapes: ShapeCache<ShapePlan>,
}

/// What to do with structs of one schema.
struct SchemaPlan {
    schema: SchemaRef,
    /// The field, if there is one, and what its schema says about the timestamp.
    field: Option<(usize, Result<Representation>)>,
}

/// What to do with maps of one shape.
struct ShapePlan {
    entry: Option<usize>,
    /// Adds the entry as null if it is missing.
    edit: MapEdit,
}

impl TimestampConverter {
    fn new(half: Half) -> Self {
        Self {
            half,
            field: None,
            conversion: Conversion::default(),
            replace_null_with_default: true,
            schemas: SchemaCache::default(),
            shapes: ShapeCache::default(),
        }
    }

    fn apply_with_schema(
        &mut self,
        field: &Value,
        schema: &mut SchemaRef,
        value: &mut Value,
    ) -> Result<()> {
        let record = match value {
            Value::Null => None,
            value => Some(require_struct_mut(value, PURPOSE)?),
        };
        let (conversion, replace) = (&self.conversion, self.replace_null_with_default);
        let name = field.as_str().unwrap_or_default();
        let plan = self.schemas.get_or_make(schema, |schema| {
            schema_plan(schema, name, conversion, replace)
        })?;
        if let Some(record) = record {
            let (old, values) = record.parts_mut();
            if old.fields().len() != plan.schema.fields().len() {
                return Err(ConnectError::data("Struct schemas do not match."));
            }
            convert_values(old, values, plan, conversion, replace)?;
            *old = plan.schema.clone();
        }
        *schema = plan.schema.clone();
        Ok(())
    }

    fn apply_schemaless(&mut self, field: &Value, value: &mut Value) -> Result<()> {
        if value.is_null() {
            return Ok(());
        }
        let map = require_map_mut(value, PURPOSE)?;
        let plan = self.shapes.get_or_make(map.shared_keys(), 0, |keys| {
            let entry = keys.iter().position(|key| key == field);
            let missing = entry.is_none().then_some(field);
            Ok(ShapePlan {
                entry,
                edit: MapEdit::copy_and_put(keys, missing),
            })
        })?;
        if let Some(value) = plan.entry.and_then(|index| map.values_mut().get_mut(index)) {
            *value = self.conversion.convert_inferred(value)?;
        }
        plan.edit.apply(map, &mut []);
        Ok(())
    }
}

impl Transform for TimestampConverter {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let config = config_def().parse(config)?;
        let field = config.string(FIELD)?;
        self.field = (!field.is_empty()).then(|| Value::from(field));
        self.conversion = Conversion::new(
            Representation::of_target_type(config.string(TARGET_TYPE)?),
            config.string(FORMAT)?,
            UnixPrecision::of_name(config.string(UNIX_PRECISION)?),
        )?;
        self.replace_null_with_default = config.boolean(REPLACE_NULL_WITH_DEFAULT)?;
        Ok(())
    }

    fn apply(&mut self, mut record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        let (schema, value) = self.half.parts_mut(&mut record);
        match (self.field.take(), schema) {
            (Some(field), schema) => {
                let result = match schema {
                    Some(schema) => self.apply_with_schema(&field, schema, value),
                    None => self.apply_schemaless(&field, value),
                };
                self.field = Some(field);
                result?;
            }
            (None, Some(schema)) => {
                let source = Representation::of_schema(schema)?;
                *value = self.conversion.convert(value, source)?;
                *schema = self.conversion.schema(schema.is_optional());
            }
            (None, None) => *value = self.conversion.convert_inferred(value)?,
        }
        Ok(Some(record))
    }
}

fn convert_values(
    old: &Schema,
    values: &mut [Value],
    plan: &SchemaPlan,
    conversion: &Conversion,
    replace_null_with_default: bool,
) -> Result<()> {
    let fields = old.fields().iter().zip(plan.schema.fields());
    for (index, ((old, new), value)) in fields.zip(values).enumerate() {
        if let Some((_, source)) = plan.field.as_ref().filter(|(field, _)| *field == index) {
            if value.is_null()
                && replace_null_with_default
                && let Some(default) = default_value(old)
            {
                *value = default;
            }
            *value = conversion.convert(value, source.clone()?)?;
            settle_null(new, value, false)?;
        } else {
            settle_null(old, value, replace_null_with_default)?;
        }
    }
    Ok(())
}

fn schema_plan(
    schema: &Schema,
    name: &str,
    conversion: &Conversion,
    replace_null_with_default: bool,
) -> Result<SchemaPlan> {
    let mut builder = copy_schema_basics(schema, Schema::struct_builder());
    let mut target = None;
    for field in schema.try_fields()? {
        let field_schema = if *field.name == *name {
            target = Some((field.index, Representation::of_schema(&field.schema)));
            conversion.schema(field.schema.is_optional())
        } else {
            field.schema.clone()
        };
        builder = builder.field(field.name.clone(), field_schema);
    }
    if schema.is_optional() {
        builder = builder.optional();
    }
    let mut plan = SchemaPlan {
        schema: builder.clone().build()?,
        field: target,
    };
    if let Some(Value::Struct(default)) = schema.default_value() {
        let mut values: Vec<Value> = (0..schema.fields().len())
            .map(|index| field_value(default, index, replace_null_with_default))
            .collect();
        convert_values(
            schema,
            &mut values,
            &plan,
            conversion,
            replace_null_with_default,
        )?;
        let default = Struct::from_values(plan.schema.clone(), values);
        plan.schema = builder.default_value(default).build()?;
    }
    Ok(plan)
}
