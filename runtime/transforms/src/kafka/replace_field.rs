//! `ReplaceField`: leaves fields out and renames others.

use crate::half::Half;
use crate::map_edit::{Insertions, MapEdit, ShapeCache, Source, buckets_of_capacity};
use crate::requirements::{require_map_mut, require_string_key, require_struct_mut};
use crate::schema_cache::SchemaCache;
use crate::settings::{REPLACE_NULL_WITH_DEFAULT, replace_null_with_default_key, split_at_colons};
use crate::struct_edit::{Selection, copy_schema_basics};
use connect_api::config::{
    ConfigData, ConfigDef, ConfigKey, ConfigMap, ConfigType, CustomValidator, Importance, Validator,
};
use connect_api::data::{Schema, Value, java_hash_order};
use connect_api::{ConnectError, KAFKA_VERSION, Origin, Record, Result, Transform};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

const EXCLUDE: &str = "exclude";
const INCLUDE: &str = "include";
const RENAMES: &str = "renames";
const PURPOSE: &str = "field replacement";

/// Names of settings before Kafka 4.0, each with the one that took its place.
const LEGACY_NAMES: [(&str, &str); 2] = [("blacklist", EXCLUDE), ("whitelist", INCLUDE)];

crate::register_halves!(
    "org.apache.kafka.connect.transforms.ReplaceField",
    KAFKA_VERSION,
    config_def,
    ReplaceField::new
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        let names = |name: &str| {
            ConfigKey::new(name, ConfigType::List)
                .default(Vec::new())
                .validator(Validator::ListWithoutDuplicates { allow_empty: true })
                .importance(Importance::Medium)
        };
        ConfigDef::new()
            .define(
                names(EXCLUDE)
                    .doc("The fields to leave out, also if they stand among those to keep."),
            )
            .define(names(INCLUDE).doc("The fields to keep; if it is empty, all of them."))
            .define(
                ConfigKey::new(RENAMES, ConfigType::List)
                    .default(Vec::new())
                    .validator(Validator::Custom(CustomValidator {
                        description: "list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>",
                        check: Arc::new(|_, value| match value {
                            Some(ConfigData::List(items)) => parse_renames(items)
                                .map(drop)
                                .map_err(|error| error.message().to_string()),
                            _ => Ok(()),
                        }),
                    }))
                    .importance(Importance::Medium)
                    .doc("New names for fields, as in `old:new,other:another`."),
            )
            .define(replace_null_with_default_key())
    });
    &DEF
}

/// Pairs of an old and a new name, each old one once.
fn parse_renames(items: &[String]) -> Result<Vec<(String, String)>> {
    let mut renames: Vec<(String, String)> = Vec::new();
    for item in items {
        let [old, new] = split_at_colons(item)[..] else {
            return Err(ConnectError::config(format!(
                "Invalid value [{}] for configuration {RENAMES}: Invalid rename mapping: {item}",
                items.join(", ")
            )));
        };
        match renames.iter_mut().find(|(known, _)| known == old) {
            Some(known) => known.1 = new.to_string(),
            None => renames.push((old.to_string(), new.to_string())),
        }
    }
    Ok(renames)
}

/// The settings with those of older workers under their present names.
fn with_present_names(config: &ConfigMap) -> ConfigMap {
    let mut config = config.clone();
    for (legacy, present) in LEGACY_NAMES {
        let Some(value) = config.remove(legacy) else {
            continue;
        };
        if config.contains_key(present) {
            tracing::warn!(
                "ReplaceField: '{legacy}' is ignored, because '{present}', which took its place, is set \
                 too. Remove '{legacy}'."
            );
        } else {
            tracing::warn!(
                "ReplaceField: '{legacy}' is a name of Kafka before 4.0; it is taken as '{present}'. \
                 Write '{present}' in its place."
            );
            config.insert(present, value);
        }
    }
    config
}

#[derive(Default)]
struct Fields {
    exclude: HashSet<String>,
    include: HashSet<String>,
    new_names: HashMap<String, String>,
    /// The other way round; of several fields with one new name Java knows the last in a hash map.
    old_names: HashMap<String, String>,
}

impl Fields {
    fn keeps(&self, name: &str) -> bool {
        !self.exclude.contains(name) && (self.include.is_empty() || self.include.contains(name))
    }

    fn renamed<'a>(&'a self, name: &'a str) -> &'a str {
        self.new_names.get(name).map_or(name, String::as_str)
    }

    fn original<'a>(&'a self, name: &'a str) -> &'a str {
        self.old_names.get(name).map_or(name, String::as_str)
    }

    fn selection(&self, schema: &Schema) -> Result<Selection> {
        let mut builder = copy_schema_basics(schema, Schema::struct_builder());
        for field in schema.fields() {
            if self.keeps(&field.name) {
                // The name is shared where it stays.
                let name = match self.new_names.get(&*field.name) {
                    Some(name) => name.as_str().into(),
                    None => field.name.clone(),
                };
                builder = builder.field(name, field.schema.clone());
            }
        }
        let updated = builder.build()?;
        let mut sources = Vec::with_capacity(updated.fields().len());
        for field in updated.fields() {
            let original = self.original(&field.name);
            let source = schema.field(original).ok_or_else(|| {
                ConnectError::data(format!("{original} is not a valid field name"))
            })?;
            sources.push(source.index);
        }
        Ok(Selection::new(schema, updated, sources))
    }

    fn map_edit(&self, keys: &[Value]) -> Result<MapEdit> {
        let mut insertions = Insertions::default();
        for (index, key) in keys.iter().enumerate() {
            let name = require_string_key(key)?;
            let Some(name) = name else {
                if self.include.is_empty() {
                    insertions.put(Value::Null, Source::Old(index));
                }
                continue;
            };
            if self.keeps(name) {
                let key = match self.new_names.get(name) {
                    Some(_) => Value::from(self.renamed(name)),
                    None => key.clone(),
                };
                insertions.put(key, Source::Old(index));
            }
        }
        Ok(insertions.in_hash_order(buckets_of_capacity(keys.len())))
    }
}

struct ReplaceField {
    half: Half,
    fields: Fields,
    replace_null_with_default: bool,
    schemas: SchemaCache<Selection>,
    shapes: ShapeCache<MapEdit>,
}

impl ReplaceField {
    fn new(half: Half) -> Self {
        Self {
            half,
            fields: Fields::default(),
            replace_null_with_default: true,
            schemas: SchemaCache::default(),
            shapes: ShapeCache::default(),
        }
    }
}

impl Transform for ReplaceField {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let config = config_def().parse(&with_present_names(config))?;
        let names = |key: &str| -> Result<HashSet<String>> {
            Ok(config.list(key)?.iter().cloned().collect())
        };
        let renames = parse_renames(config.list(RENAMES)?)?;
        let order = java_hash_order(renames.iter().map(|(old, _)| old.as_str()));
        self.fields = Fields {
            exclude: names(EXCLUDE)?,
            include: names(INCLUDE)?,
            old_names: order
                .into_iter()
                .filter_map(|index| renames.get(index).cloned())
                .map(|(old, new)| (new, old))
                .collect(),
            new_names: renames.into_iter().collect(),
        };
        self.replace_null_with_default = config.boolean(REPLACE_NULL_WITH_DEFAULT)?;
        Ok(())
    }

    fn apply(&mut self, mut record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        let (schema, value) = self.half.parts_mut(&mut record);
        if value.is_null() {
            return Ok(Some(record));
        }
        match schema {
            None => {
                let map = require_map_mut(value, PURPOSE)?;
                let edit = self
                    .shapes
                    .get_or_make(map.shared_keys(), 0, |keys| self.fields.map_edit(keys))?;
                edit.apply(map, &mut []);
            }
            Some(schema) => {
                let record = require_struct_mut(value, PURPOSE)?;
                let selection = self
                    .schemas
                    .get_or_make(record.schema(), |schema| self.fields.selection(schema))?;
                selection.apply(record, self.replace_null_with_default)?;
                *schema = selection.schema.clone();
            }
        }
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn present(config: &[(&str, &str)]) -> Vec<(String, Option<String>)> {
        with_present_names(&config.iter().copied().collect())
            .iter()
            .map(|(key, value)| (key.to_string(), value.map(str::to_string)))
            .collect()
    }

    #[test]
    fn legacy_names_stand_for_the_present_ones() {
        let entry = |key: &str, value: &str| (key.to_string(), Some(value.to_string()));
        assert_eq!(
            present(&[("blacklist", "a"), ("whitelist", "b,a")]),
            [entry("exclude", "a"), entry("include", "b,a")]
        );
        assert_eq!(
            present(&[("blacklist", "a"), ("exclude", "b")]),
            [entry("exclude", "b")]
        );
    }

    #[test]
    fn a_legacy_name_drops_the_field() {
        let mut transform = ReplaceField::new(Half::Value);
        transform
            .configure(&[("blacklist", "secret")].into_iter().collect())
            .unwrap();
        let map = [("secret", 1), ("b", 2)].into_iter().collect();
        let record = connect_api::SourceRecord::new("t", None, Value::Map(map));
        let out = transform.apply(record.record, Origin::Source(&record.origin));
        assert_eq!(out.unwrap().unwrap().value.to_string(), "{b=2}");
    }
}
