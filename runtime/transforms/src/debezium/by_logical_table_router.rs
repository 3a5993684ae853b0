//! `ByLogicalTableRouter`: change events of several tables in one topic.

use super::name_adjuster::{NameAdjustment, NameKind};
use super::{VERSION, is_envelope};
use crate::requirements::{require_struct, require_struct_mut};
use crate::schema_cache::SchemaCache;
use crate::settings::{regex_error, valid_regex};
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance, Validator};
use connect_api::data::{Schema, SchemaBuilder, SchemaRef, Struct, Value, validate_value};
use connect_api::{ConnectError, Origin, Record, Result, Topic, Transform};
use connect_java::regex::{MatchError, Pattern};
use std::collections::HashMap;
use std::sync::LazyLock;

const TOPIC_REGEX: &str = "topic.regex";
const TOPIC_REPLACEMENT: &str = "topic.replacement";
const KEY_ENFORCE_UNIQUENESS: &str = "key.enforce.uniqueness";
const KEY_FIELD_REGEX: &str = "key.field.regex";
const KEY_FIELD_NAME: &str = "key.field.name";
const KEY_FIELD_REPLACEMENT: &str = "key.field.replacement";
const ADJUSTMENT_MODE: &str = "schema.name.adjustment.mode";
const CACHE_SIZE: &str = "logical.table.cache.size";
const PURPOSE: &str = "Updating schema";
/// More topics than that, and all are forgotten.
const MAX_TOPICS: usize = 1024;

crate::register!(
    "io.debezium.transforms.ByLogicalTableRouter",
    VERSION,
    config_def,
    ByLogicalTableRouter::default()
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        let text = |name| ConfigKey::new(name, ConfigType::String).importance(Importance::Low);
        ConfigDef::new()
            .define(
                text(TOPIC_REGEX)
                    .validator(valid_regex())
                    .doc("The pattern that the whole name of a topic must match to be replaced."),
            )
            .define(
                text(TOPIC_REPLACEMENT)
                    .validator(Validator::NonEmptyString)
                    .doc("The new topic: `$1` stands for what the first group matched."),
            )
            .define(
                ConfigKey::new(KEY_ENFORCE_UNIQUENESS, ConfigType::Boolean)
                    .default(true)
                    .importance(Importance::Low)
                    .doc(
                        "Whether keys get a field that tells the table, for tables share a topic.",
                    ),
            )
            .define(
                text(KEY_FIELD_REGEX)
                    .default_null()
                    .validator(Validator::custom("valid regex", |value| match value {
                        Some(value) => match Pattern::compile(&value.to_string()) {
                            Ok(_) => Ok(()),
                            Err(error) => Err(format!("Invalid regex: {error}")),
                        },
                        None => Ok(()),
                    }))
                    .doc("The pattern by which the table is found in the name of the old topic."),
            )
            .define(
                text(KEY_FIELD_NAME)
                    .default("__dbz__physicalTableIdentifier")
                    .doc("The name of the field that tells the table."),
            )
            .define(
                text(KEY_FIELD_REPLACEMENT)
                    .default_null()
                    .doc("What tells the table; without it the name of the old topic does."),
            )
            .define(
                NameAdjustment::key(ADJUSTMENT_MODE)
                    .doc("How the names of schemas, made of the topic's, are made fit for Avro."),
            )
            .define(
                ConfigKey::new(CACHE_SIZE, ConfigType::Int)
                    .default(16)
                    .importance(Importance::Low)
                    .doc(
                        "Taken and not used: as many schemas are kept as Kafka's transforms keep.",
                    ),
            )
    });
    &DEF
}

/// A pattern with what takes the place of its match.
struct Replacement {
    regex: Pattern,
    replacement: String,
    /// The texts seen before.
    known: HashMap<Topic, Option<Topic>>,
}

impl Replacement {
    fn new(regex: &str, replacement: &str) -> Result<Self> {
        Ok(Self {
            regex: Pattern::compile(regex).map_err(regex_error)?,
            replacement: replacement.to_string(),
            known: HashMap::new(),
        })
    }

    /// The replaced text, if the pattern matches all of it.
    fn of(&mut self, text: &Topic) -> Result<Option<Topic>> {
        if let Some(known) = self.known.get(text) {
            return Ok(known.clone());
        }
        let failed = |error: MatchError| {
            ConnectError::data(error.to_string()).with_class(error.java_class())
        };
        let replaced = if self.regex.matches(text).map_err(failed)? {
            let replaced = self.regex.replace_first(text, &self.replacement);
            Some(Topic::from(replaced.map_err(failed)?))
        } else {
            None
        };
        if self.known.len() >= MAX_TOPICS {
            self.known.clear();
        }
        self.known.insert(text.clone(), replaced.clone());
        Ok(replaced)
    }
}

/// The schemas of change events under the name of a topic.
struct EventSchemas {
    topic: Topic,
    event: SchemaRef,
    row: Option<SchemaRef>,
}

#[derive(Default)]
struct ByLogicalTableRouter {
    topic: Option<Replacement>,
    table: Option<Replacement>,
    key_field: Option<String>,
    adjustment: NameAdjustment,
    keys: SchemaCache<(Topic, SchemaRef)>,
    events: SchemaCache<EventSchemas>,
}

/// Version, documentation, parameters and the optional flag, but neither name nor default.
fn copy_without_name(schema: &Schema) -> SchemaBuilder {
    let mut builder = Schema::struct_builder();
    if let Some(version) = schema.version() {
        builder = builder.version(version);
    }
    if let Some(doc) = schema.doc() {
        builder = builder.doc(doc);
    }
    for (name, value) in schema.parameters() {
        builder = builder.parameter(name, value);
    }
    if schema.is_optional() {
        builder = builder.optional();
    }
    builder
}

fn with_fields(builder: SchemaBuilder, schema: &Schema) -> SchemaBuilder {
    schema.fields().iter().fold(builder, |builder, field| {
        builder.field(field.name.clone(), field.schema.clone())
    })
}

/// Checks values as `Struct.put` does, of which only null can be wrong under a copied schema.
fn check_nulls(schema: &Schema, values: &[Value]) -> Result<()> {
    for (field, value) in schema.fields().iter().zip(values) {
        if value.is_null() {
            validate_value(Some(&field.name), &field.schema, value)?;
        }
    }
    Ok(())
}

impl ByLogicalTableRouter {
    fn name(&self, topic: &str, suffix: &str) -> String {
        let name = format!("{topic}{suffix}");
        self.adjustment.adjust(&name, NameKind::Schema)
    }

    fn update_key(&mut self, record: &mut Record, topic: &Topic) -> Result<()> {
        if record.key.is_null() {
            record.key_schema = None;
            return Ok(());
        }
        let table = match (&self.key_field, &mut self.table) {
            (None, _) => None,
            (Some(_), None) => Some(record.topic.clone()),
            (Some(_), Some(table)) => Some(
                table
                    .of(&record.topic)?
                    .unwrap_or_else(|| record.topic.clone()),
            ),
        };
        let old = require_struct(&record.key, PURPOSE)?.schema().clone();
        let name = self.name(topic, ".Key");
        let key_field = self.key_field.as_deref();
        let make = |old: &SchemaRef| {
            let mut builder = with_fields(copy_without_name(old), old).name(name.as_str());
            if let Some(field) = key_field {
                builder = builder.field(field, Schema::string());
            }
            Ok((topic.clone(), builder.build()?))
        };
        let (known_topic, schema) = self.keys.get_or_make(&old, make)?;
        let schema = if known_topic == topic {
            schema.clone()
        } else {
            make(&old)?.1
        };
        let key = require_struct_mut(&mut record.key, PURPOSE)?;
        let values = key.parts_mut().1;
        check_nulls(&old, values)?;
        values.extend(table.map(|table| Value::from(&*table)));
        *key.parts_mut().0 = schema.clone();
        record.key_schema = Some(schema);
        Ok(())
    }

    fn event_schemas(&self, old: &SchemaRef, topic: &Topic) -> Result<EventSchemas> {
        let row = old.field("before").or_else(|| old.field("after"));
        let row = match row {
            Some(field) => Some(
                with_fields(copy_without_name(&field.schema), &field.schema)
                    .name(self.name(topic, ".Value"))
                    .build()?,
            ),
            None => None,
        };
        let builder = old
            .fields()
            .iter()
            .fold(copy_without_name(old), |builder, field| {
                let schema = match &row {
                    Some(row) if matches!(&*field.name, "before" | "after") => row,
                    _ => &field.schema,
                };
                builder.field(field.name.clone(), schema.clone())
            });
        Ok(EventSchemas {
            topic: topic.clone(),
            event: builder.name(self.name(topic, ".Envelope")).build()?,
            row,
        })
    }

    fn update_event(&mut self, record: &mut Record, topic: &Topic) -> Result<()> {
        let old = require_struct(&record.value, PURPOSE)?.schema().clone();
        let mut events = std::mem::take(&mut self.events);
        let made = events.get_or_make(&old, |old| self.event_schemas(old, topic));
        let result = made.and_then(|schemas| {
            let other;
            let schemas = if schemas.topic == *topic {
                schemas
            } else {
                other = self.event_schemas(&old, topic)?;
                &other
            };
            put_under(record, &old, schemas)
        });
        self.events = events;
        result
    }
}

/// Puts a change event and its rows under new schemas.
fn put_under(record: &mut Record, old: &Schema, schemas: &EventSchemas) -> Result<()> {
    let event = require_struct_mut(&mut record.value, PURPOSE)?;
    let values = event.parts_mut().1;
    for (field, value) in old.fields().iter().zip(values.iter_mut()) {
        if value.is_null()
            && let Some(default) = field.schema.default_value()
        {
            *value = default.clone();
        }
        if let Some(row_schema) = &schemas.row
            && matches!(&*field.name, "before" | "after")
            && !value.is_null()
        {
            let row = require_struct_mut(value, PURPOSE)?;
            *row = moved(row, row_schema)?;
        }
    }
    check_nulls(&schemas.event, values)?;
    *event.parts_mut().0 = schemas.event.clone();
    record.value_schema = Some(schemas.event.clone());
    Ok(())
}

/// The values of a row under another schema, by their names.
fn moved(row: &mut Struct, schema: &SchemaRef) -> Result<Struct> {
    let (old, new) = (row.schema().fields(), schema.fields());
    let has_same_names =
        old.len() == new.len() && old.iter().zip(new).all(|(old, new)| old.name == new.name);
    if has_same_names {
        check_nulls(schema, row.values())?;
        let values = std::mem::take(row.parts_mut().1);
        return Ok(Struct::from_values(schema.clone(), values));
    }
    let mut moved = Struct::new(schema.clone())?;
    for (field, value) in row.schema().fields().iter().zip(row.values()) {
        moved.put(&field.name, value.clone())?;
    }
    Ok(moved)
}

impl Transform for ByLogicalTableRouter {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let config = config_def().parse(config)?;
        let text = |key: &str| -> Result<Option<&str>> {
            Ok(config
                .opt_string(key)?
                .filter(|text| !text.trim().is_empty()))
        };
        let table = match (text(KEY_FIELD_REGEX)?, text(KEY_FIELD_REPLACEMENT)?) {
            (Some(regex), Some(replacement)) => Some(Replacement::new(regex, replacement)?),
            (Some(_), None) => {
                return Err(ConnectError::config(format!(
                    "{KEY_FIELD_REPLACEMENT} must be non-empty if {KEY_FIELD_REGEX} is set."
                )));
            }
            (None, _) => None,
        };
        *self = Self {
            topic: Some(Replacement::new(
                config.string(TOPIC_REGEX)?,
                config.string(TOPIC_REPLACEMENT)?,
            )?),
            table,
            key_field: if config.boolean(KEY_ENFORCE_UNIQUENESS)? {
                Some(config.string(KEY_FIELD_NAME)?.to_string())
            } else {
                None
            },
            adjustment: NameAdjustment::parse(config.string(ADJUSTMENT_MODE)?),
            keys: SchemaCache::default(),
            events: SchemaCache::default(),
        };
        Ok(())
    }

    fn apply(&mut self, mut record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        let Some(replacement) = &mut self.topic else {
            return Ok(Some(record));
        };
        let Some(topic) = replacement.of(&record.topic)? else {
            return Ok(Some(record));
        };
        if topic.is_empty() {
            tracing::warn!(
                topic = &*record.topic,
                "'{TOPIC_REGEX}' makes an empty name of this topic; the record keeps its topic"
            );
            return Ok(Some(record));
        }
        self.update_key(&mut record, &topic)?;
        if !record.value.is_null() && is_envelope(&record) {
            self.update_event(&mut record, &topic)?;
        }
        record.topic = topic;
        Ok(Some(record))
    }
}
