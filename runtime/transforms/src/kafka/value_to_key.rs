//! `ValueToKey`: makes the key anew from fields of the value.

use crate::map_edit::{Insertions, MapEdit, Source, buckets_of_capacity};
use crate::requirements::{require_map, require_struct};
use crate::schema_cache::SchemaCache;
use crate::settings::{REPLACE_NULL_WITH_DEFAULT, names_key, replace_null_with_default_key};
use crate::struct_edit::{field_value, settle_null};
use connect_api::config::{ConfigDef, ConfigMap};
use connect_api::data::{Map, Schema, SchemaRef, Struct, Value};
use connect_api::{ConnectError, KAFKA_VERSION, Origin, Record, Result, Transform};
use std::sync::{Arc, LazyLock};

const FIELDS: &str = "fields";
const PURPOSE: &str = "copying fields from value to key";

crate::register!(
    "org.apache.kafka.connect.transforms.ValueToKey",
    KAFKA_VERSION,
    config_def,
    ValueToKey::default()
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new()
            .define(names_key(FIELDS).doc("The fields of the value that make up the key."))
            .define(replace_null_with_default_key())
    });
    &DEF
}

#[derive(Default)]
struct ValueToKey {
    fields: Vec<String>,
    /// The keys of schemaless keys, in the order of their maps.
    keys: Arc<Vec<Value>>,
    replace_null_with_default: bool,
    schemas: SchemaCache<KeyPlan>,
}

/// How keys are made from values of one schema.
struct KeyPlan {
    schema: SchemaRef,
    /// For each field of the key the index in the value.
    sources: Vec<usize>,
}

impl Transform for ValueToKey {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let config = config_def().parse(config)?;
        self.fields = config.list(FIELDS)?.to_vec();
        let mut insertions = Insertions::default();
        for (number, field) in self.fields.iter().enumerate() {
            insertions.put(Value::from(field.as_str()), Source::New(number));
        }
        let edit: MapEdit = insertions.in_hash_order(buckets_of_capacity(self.fields.len()));
        self.keys = edit.keys().clone();
        self.replace_null_with_default = config.boolean(REPLACE_NULL_WITH_DEFAULT)?;
        Ok(())
    }

    fn apply(&mut self, mut record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        if record.value_schema.is_none() {
            let value = require_map(&record.value, PURPOSE)?;
            let entries = self.keys.iter().map(|key| {
                let name = key.as_str().unwrap_or_default();
                value.get_str(name).cloned().unwrap_or(Value::Null)
            });
            let values = entries.collect();
            record.key_schema = None;
            record.key = Value::Map(Map::with_shared_keys(self.keys.clone(), values));
            return Ok(Some(record));
        }
        let value = require_struct(&record.value, PURPOSE)?;
        let fields = &self.fields;
        let plan = self
            .schemas
            .get_or_make(value.schema(), |schema| key_plan(schema, fields))?;
        let mut values = Vec::with_capacity(plan.sources.len());
        for (field, &source) in plan.schema.fields().iter().zip(&plan.sources) {
            let mut value = field_value(value, source, self.replace_null_with_default);
            settle_null(field, &mut value, false)?;
            values.push(value);
        }
        let key = Struct::from_values(plan.schema.clone(), values);
        record.value_schema = Some(value.schema().clone());
        record.key_schema = Some(plan.schema.clone());
        record.key = Value::from(key);
        Ok(Some(record))
    }
}

fn key_plan(schema: &Schema, fields: &[String]) -> Result<KeyPlan> {
    let mut builder = Schema::struct_builder();
    let mut sources = Vec::with_capacity(fields.len());
    for name in fields {
        let field = schema
            .field(name)
            .ok_or_else(|| ConnectError::data(format!("Field does not exist: {name}")))?;
        builder = builder.field(field.name.clone(), field.schema.clone());
        sources.push(field.index);
    }
    Ok(KeyPlan {
        schema: builder.build()?,
        sources,
    })
}
