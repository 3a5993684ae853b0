//! `HoistField`: puts the whole key or value into a struct or map of one field.

use crate::half::Half;
use crate::schema_cache::SchemaCache;
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance};
use connect_api::data::{Map, Schema, SchemaRef, Struct, Value, validate_value};
use connect_api::{KAFKA_VERSION, Origin, Record, Result, Transform};
use std::sync::{Arc, LazyLock};

const FIELD: &str = "field";

crate::register_halves!(
    "org.apache.kafka.connect.transforms.HoistField",
    KAFKA_VERSION,
    config_def,
    HoistField::new
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new().define(
            ConfigKey::new(FIELD, ConfigType::String)
                .importance(Importance::Medium)
                .doc("The name of the only field of the struct or map that is made."),
        )
    });
    &DEF
}

struct HoistField {
    half: Half,
    field: String,
    /// The only key of the maps that are made.
    keys: Arc<Vec<Value>>,
    schemas: SchemaCache<SchemaRef>,
}

impl HoistField {
    fn new(half: Half) -> Self {
        Self {
            half,
            field: String::new(),
            keys: Arc::default(),
            schemas: SchemaCache::default(),
        }
    }
}

impl Transform for HoistField {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let config = config_def().parse(config)?;
        self.field = config.string(FIELD)?.to_string();
        self.keys = Arc::new(vec![Value::from(self.field.as_str())]);
        Ok(())
    }

    fn apply(&mut self, mut record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        let (schema, value) = self.half.parts_mut(&mut record);
        match schema {
            None => {
                let hoisted = std::mem::replace(value, Value::Null);
                *value = Value::Map(Map::with_shared_keys(self.keys.clone(), vec![hoisted]));
            }
            Some(schema) => {
                let updated = self.schemas.get_or_make(schema, |schema| {
                    Schema::struct_builder()
                        .field(self.field.as_str(), schema.clone())
                        .build()
                })?;
                validate_value(Some(&self.field), schema, value)?;
                let hoisted = std::mem::replace(value, Value::Null);
                *value = Value::from(Struct::from_values(updated.clone(), vec![hoisted]));
                *schema = updated.clone();
            }
        }
        Ok(Some(record))
    }
}
