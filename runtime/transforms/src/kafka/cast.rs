//! `Cast`: fields, or the whole key or value, as another primitive type.

mod casting;
mod spec;

use crate::half::Half;
use crate::map_edit::{MapEdit, ShapeCache};
use crate::requirements::{require_map_mut, require_struct_mut};
use crate::schema_cache::SchemaCache;
use crate::settings::{REPLACE_NULL_WITH_DEFAULT, replace_null_with_default_key};
use crate::struct_edit::{copy_schema_basics, default_value, settle_null};
use casting::cast;
use connect_api::config::{
    ConfigData, ConfigDef, ConfigKey, ConfigMap, ConfigType, CustomValidator, Importance, Validator,
};
use connect_api::data::{Map, Schema, SchemaBuilder, SchemaRef, SchemaType, Struct, Value};
use connect_api::{ConnectError, KAFKA_VERSION, Origin, Record, Result, Transform};
use spec::{Casts, parse_spec};
use std::sync::{Arc, LazyLock};

const SPEC: &str = "spec";
const PURPOSE: &str = "cast types";

crate::register_halves!(
    "org.apache.kafka.connect.transforms.Cast",
    KAFKA_VERSION,
    config_def,
    Cast::new
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new()
            .define(
                ConfigKey::new(SPEC, ConfigType::List)
                    .validator(Validator::Custom(CustomValidator {
                        description: "list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>",
                        check: Arc::new(|_, value| {
                            let items = match value {
                                Some(ConfigData::List(items)) => items.as_slice(),
                                _ => &[],
                            };
                            parse_spec(items).map(drop).map_err(|error| error.message().to_string())
                        }),
                    }))
                    .importance(Importance::High)
                    .doc(
                        "The fields to cast with their types, as in `field1:type,field2:type`, or one \
                         type alone to cast the whole key or value. Types are int8, int16, int32, \
                         int64, float32, float64, boolean and string. Bytes can only become a string, \
                         in Base64.",
                    ),
            )
            .define(replace_null_with_default_key())
    });
    &DEF
}

struct Cast {
    half: Half,
    casts: Casts,
    replace_null_with_default: bool,
    schemas: SchemaCache<SchemaPlan>,
    shapes: ShapeCache<ShapePlan>,
}

/// What to do with structs of one schema.
struct SchemaPlan {
    schema: SchemaRef,
    /// What each field is cast to, if it is.
    targets: Vec<Option<SchemaType>>,
}

/// What to do with maps of one shape.
struct ShapePlan {
    /// Index and type of the entries to cast.
    entries: Vec<(usize, SchemaType)>,
    /// Adds what is missing, as null.
    edit: MapEdit,
}

impl Cast {
    fn new(half: Half) -> Self {
        Self {
            half,
            casts: Casts::Fields(Vec::new()),
            replace_null_with_default: true,
            schemas: SchemaCache::default(),
            shapes: ShapeCache::default(),
        }
    }
}

impl Transform for Cast {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let config = config_def().parse(config)?;
        self.casts = parse_spec(config.list(SPEC)?)?;
        self.replace_null_with_default = config.boolean(REPLACE_NULL_WITH_DEFAULT)?;
        Ok(())
    }

    fn apply(&mut self, mut record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        let (schema, value) = self.half.parts_mut(&mut record);
        if value.is_null() {
            return Ok(Some(record));
        }
        match (&self.casts, schema) {
            (Casts::Whole(target), None) => *value = cast(None, value, *target)?,
            (Casts::Whole(target), Some(schema)) => {
                let plan = self
                    .schemas
                    .get_or_make(schema, |schema| whole_plan(schema, *target))?;
                *value = cast(Some(schema), value, *target)?;
                *schema = plan.schema.clone();
            }
            (Casts::Fields(casts), None) => {
                let map = require_map_mut(value, PURPOSE)?;
                let plan = self
                    .shapes
                    .get_or_make(map.shared_keys(), 0, |keys| Ok(shape_plan(keys, casts)))?;
                cast_entries(map, plan)?;
            }
            (Casts::Fields(casts), Some(schema)) => {
                let plan = self
                    .schemas
                    .get_or_make(schema, |schema| struct_plan(schema, casts))?;
                let record = require_struct_mut(value, PURPOSE)?;
                cast_fields(record, plan, self.replace_null_with_default)?;
                *schema = plan.schema.clone();
            }
        }
        Ok(Some(record))
    }
}

fn cast_entries(map: &mut Map, plan: &ShapePlan) -> Result<()> {
    let values = map.values_mut();
    for (index, target) in &plan.entries {
        if let Some(value) = values.get_mut(*index) {
            *value = cast(None, value, *target)?;
        }
    }
    plan.edit.apply(map, &mut []);
    Ok(())
}

fn cast_fields(
    record: &mut Struct,
    plan: &SchemaPlan,
    replace_null_with_default: bool,
) -> Result<()> {
    let (schema, values) = record.parts_mut();
    if schema.fields().len() != plan.targets.len() {
        return Err(ConnectError::data("Struct schemas do not match."));
    }
    let fields = schema.fields().iter().zip(plan.schema.fields());
    for (((old, new), target), value) in fields.zip(&plan.targets).zip(values.iter_mut()) {
        if value.is_null()
            && replace_null_with_default
            && let Some(default) = default_value(old)
        {
            *value = default;
        }
        if let Some(target) = target {
            *value = cast(Some(&old.schema), value, *target)?;
        }
        settle_null(new, value, false)?;
    }
    *schema = plan.schema.clone();
    Ok(())
}

fn shape_plan(keys: &[Value], casts: &[(String, SchemaType)]) -> ShapePlan {
    let names: Vec<Value> = casts
        .iter()
        .map(|(name, _)| Value::from(name.as_str()))
        .collect();
    let entries = names
        .iter()
        .zip(casts)
        .filter_map(|(name, (_, target))| {
            let index = keys.iter().position(|key| key == name)?;
            Some((index, *target))
        })
        .collect();
    let missing = names.iter().filter(|name| !keys.contains(name));
    ShapePlan {
        entries,
        edit: MapEdit::copy_and_put(keys, missing),
    }
}

fn whole_plan(schema: &Schema, target: SchemaType) -> Result<SchemaPlan> {
    let builder = copy_schema_basics(schema, Schema::builder(target));
    Ok(SchemaPlan {
        schema: with_optional_and_default(builder, schema, target)?,
        targets: Vec::new(),
    })
}

fn struct_plan(schema: &Schema, casts: &[(String, SchemaType)]) -> Result<SchemaPlan> {
    let mut builder = copy_schema_basics(schema, Schema::struct_builder());
    let mut targets = Vec::with_capacity(schema.fields().len());
    for field in schema.try_fields()? {
        let target = casts
            .iter()
            .find(|(name, _)| **name == *field.name)
            .map(|(_, target)| *target);
        let field_schema = match target {
            Some(target) => {
                with_optional_and_default(Schema::builder(target), &field.schema, target)?
            }
            None => field.schema.clone(),
        };
        builder = builder.field(field.name.clone(), field_schema);
        targets.push(target);
    }
    Ok(SchemaPlan {
        schema: with_optional_and_default(builder, schema, SchemaType::Struct)?,
        targets,
    })
}

/// The optional flag and the default of the old schema, cast as values are.
fn with_optional_and_default(
    mut builder: SchemaBuilder,
    old: &Schema,
    target: SchemaType,
) -> Result<SchemaRef> {
    if old.is_optional() {
        builder = builder.optional();
    }
    if let Some(default) = old.default_value() {
        builder = builder.default_value(cast(Some(old), default, target)?);
    }
    builder.build()
}
