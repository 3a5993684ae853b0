//! `SetSchemaMetadata`: another name or version for the schema.

use crate::half::Half;
use crate::requirements::require_schema;
use crate::schema_cache::SchemaCache;
use crate::settings::{REPLACE_NULL_WITH_DEFAULT, replace_null_with_default_key};
use crate::struct_edit::settle_nulls;
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance};
use connect_api::data::{SchemaRef, Value};
use connect_api::{ConnectError, KAFKA_VERSION, Origin, Record, Result, Transform};
use std::sync::{Arc, LazyLock};

const SCHEMA_NAME: &str = "schema.name";
const SCHEMA_VERSION: &str = "schema.version";
const PURPOSE: &str = "updating schema metadata";

crate::register_halves!(
    "org.apache.kafka.connect.transforms.SetSchemaMetadata",
    KAFKA_VERSION,
    config_def,
    SetSchemaMetadata::new
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        let key = |name: &str, config_type| {
            ConfigKey::new(name, config_type)
                .default_null()
                .importance(Importance::High)
        };
        ConfigDef::new()
            .define(key(SCHEMA_NAME, ConfigType::String).doc("The name that the schema gets."))
            .define(key(SCHEMA_VERSION, ConfigType::Int).doc("The version that the schema gets."))
            .define(replace_null_with_default_key())
    });
    &DEF
}

struct SetSchemaMetadata {
    half: Half,
    name: Option<String>,
    version: Option<i32>,
    replace_null_with_default: bool,
    schemas: SchemaCache<SchemaRef>,
}

impl SetSchemaMetadata {
    fn new(half: Half) -> Self {
        Self {
            half,
            name: None,
            version: None,
            replace_null_with_default: true,
            schemas: SchemaCache::default(),
        }
    }
}

impl Transform for SetSchemaMetadata {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let config = config_def().parse(config)?;
        self.name = config.opt_string(SCHEMA_NAME)?.map(str::to_string);
        self.version = match config.get(SCHEMA_VERSION) {
            Some(_) => i32::try_from(config.long(SCHEMA_VERSION)?).ok(),
            None => None,
        };
        if self.name.is_none() && self.version.is_none() {
            return Err(ConnectError::config(
                "Neither schema name nor version configured",
            ));
        }
        self.replace_null_with_default = config.boolean(REPLACE_NULL_WITH_DEFAULT)?;
        Ok(())
    }

    fn apply(&mut self, mut record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        let (schema, value) = self.half.parts_mut(&mut record);
        if value.is_null() && schema.is_none() {
            return Ok(Some(record));
        }
        let old = require_schema(schema.as_ref(), PURPOSE)?;
        let (name, version) = (self.name.as_deref(), self.version);
        let updated = self.schemas.get_or_make(old, |schema| {
            schema.try_fields()?;
            Ok(Arc::new(schema.relabelled(name, version)))
        })?;
        if let Value::Struct(record) = value {
            let (schema, values) = record.parts_mut();
            // The struct's own schema has the same fields; one with others can't be put under this one.
            if schema.fields().len() != updated.fields().len() {
                return Err(ConnectError::data("Struct schemas do not match."));
            }
            settle_nulls(updated, values, self.replace_null_with_default)?;
            *schema = updated.clone();
        }
        *schema = Some(updated.clone());
        Ok(Some(record))
    }
}
