//! `InsertField`: adds topic, partition, offset, timestamp or a constant as fields.

use crate::half::Half;
use crate::map_edit::{MapEdit, ShapeCache};
use crate::requirements::{require_map_mut, require_struct_mut};
use crate::schema_cache::SchemaCache;
use crate::settings::{REPLACE_NULL_WITH_DEFAULT, replace_null_with_default_key};
use crate::struct_edit::{copy_schema_basics, settle_nulls};
use bytestring::ByteString;
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance};
use connect_api::data::{LogicalType, Schema, SchemaRef, SchemaType, Value};
use connect_api::{ConnectError, KAFKA_VERSION, Origin, Record, Result, Topic, Transform};
use std::sync::LazyLock;

const STATIC_FIELD: &str = "static.field";
const STATIC_VALUE: &str = "static.value";
const PURPOSE: &str = "field insertion";

crate::register_halves!(
    "org.apache.kafka.connect.transforms.InsertField",
    KAFKA_VERSION,
    config_def,
    InsertField::new
);

fn config_def() -> &'static ConfigDef {
    const OPTIONALITY: &str = "A `!` behind the name makes it a required field; with `?` or nothing \
                               behind it is optional.";
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        let text = |name: &str| {
            ConfigKey::new(name, ConfigType::String)
                .default_null()
                .importance(Importance::Medium)
        };
        let mut def = ConfigDef::new();
        for attribute in Attribute::ALL {
            def.add(text(attribute.config_key()).doc(format!(
                "The name of a field for {}. {OPTIONALITY}",
                attribute.description()
            )));
        }
        def.define(text(STATIC_VALUE).doc("The value of the field that `static.field` names."))
            .define(replace_null_with_default_key())
    });
    &DEF
}

/// What a field is filled with, in the order in which Kafka adds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attribute {
    Topic,
    Partition,
    Offset,
    Timestamp,
    Static,
}

impl Attribute {
    const ALL: [Self; 5] = [
        Self::Topic,
        Self::Partition,
        Self::Offset,
        Self::Timestamp,
        Self::Static,
    ];

    fn config_key(self) -> &'static str {
        match self {
            Self::Topic => "topic.field",
            Self::Partition => "partition.field",
            Self::Offset => "offset.field",
            Self::Timestamp => "timestamp.field",
            Self::Static => STATIC_FIELD,
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Topic => "the topic",
            Self::Partition => "the partition",
            Self::Offset => "the offset in Kafka, which only records of sinks have",
            Self::Timestamp => "the timestamp of the record",
            Self::Static => "a constant",
        }
    }

    fn schema(self, optional: bool) -> Result<SchemaRef> {
        match self {
            Self::Topic | Self::Static => Schema::primitive(SchemaType::String, optional),
            Self::Partition => Schema::primitive(SchemaType::Int32, optional),
            Self::Offset => Schema::primitive(SchemaType::Int64, optional),
            Self::Timestamp => Ok(LogicalType::Timestamp.schema(optional)),
        }
    }
}

/// A field to add.
struct Insertion {
    attribute: Attribute,
    name: Value,
    schema: SchemaRef,
}

impl Insertion {
    fn parse(attribute: Attribute, spec: &str) -> Result<Self> {
        let required = spec.strip_suffix('!');
        let name = required.or(spec.strip_suffix('?')).unwrap_or(spec);
        Ok(Self {
            attribute,
            name: Value::from(name),
            schema: attribute.schema(required.is_none())?,
        })
    }
}

struct InsertField {
    half: Half,
    insertions: Vec<Insertion>,
    static_value: Value,
    replace_null_with_default: bool,
    schemas: SchemaCache<SchemaRef>,
    shapes: ShapeCache<MapEdit>,
    /// The topic that was inserted last, so that records of one topic share its text.
    topic: Option<(Topic, ByteString)>,
}

impl InsertField {
    fn new(half: Half) -> Self {
        Self {
            half,
            insertions: Vec::new(),
            static_value: Value::Null,
            replace_null_with_default: true,
            schemas: SchemaCache::default(),
            shapes: ShapeCache::default(),
            topic: None,
        }
    }

    fn topic(&mut self, topic: &Topic) -> Value {
        if let Some((known, text)) = &self.topic
            && Topic::ptr_eq(known, topic)
        {
            return Value::String(text.clone());
        }
        let text = ByteString::from(&**topic);
        self.topic = Some((topic.clone(), text.clone()));
        Value::String(text)
    }

    /// The values to insert, null for what the record does not have.
    fn values(
        &mut self,
        record: &Record,
        origin: Origin<'_>,
        has_schema: bool,
    ) -> Result<[Value; Attribute::ALL.len()]> {
        let mut values = [const { Value::Null }; Attribute::ALL.len()];
        for (index, value) in values.iter_mut().enumerate().take(self.insertions.len()) {
            *value = match self.insertions[index].attribute {
                Attribute::Topic => self.topic(&record.topic),
                Attribute::Partition => record.kafka_partition.into(),
                Attribute::Offset => match origin {
                    Origin::Sink(origin) => Value::Int64(origin.kafka_offset),
                    Origin::Source(_) => {
                        return Err(ConnectError::data(format!(
                            "Only SinkRecord supported for [{PURPOSE}], found: \
                             org.apache.kafka.connect.source.SourceRecord"
                        )));
                    }
                },
                Attribute::Timestamp if has_schema => {
                    record.timestamp.map_or(Value::Null, Value::Date)
                }
                Attribute::Timestamp => record.timestamp.into(),
                Attribute::Static => self.static_value.clone(),
            };
        }
        Ok(values)
    }
}

impl Transform for InsertField {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let config = config_def().parse(config)?;
        self.insertions.clear();
        for attribute in Attribute::ALL {
            if let Some(spec) = config.opt_string(attribute.config_key())? {
                self.insertions.push(Insertion::parse(attribute, spec)?);
            }
        }
        let Some(last) = self.insertions.last() else {
            return Err(ConnectError::config("No field insertion configured"));
        };
        let static_value = config.opt_string(STATIC_VALUE)?;
        if last.attribute == Attribute::Static && static_value.is_none() {
            return Err(ConnectError::config(format!(
                "Invalid value null for configuration {STATIC_VALUE}: No value specified for static \
                 field: {}",
                last.name
            )));
        }
        self.static_value = static_value.map_or(Value::Null, Value::from);
        self.replace_null_with_default = config.boolean(REPLACE_NULL_WITH_DEFAULT)?;
        Ok(())
    }

    fn apply(&mut self, mut record: Record, origin: Origin<'_>) -> Result<Option<Record>> {
        let (schema, value) = self.half.parts_mut(&mut record);
        if value.is_null() {
            return Ok(Some(record));
        }
        let has_schema = schema.is_some();
        if has_schema {
            let old = require_struct_mut(value, PURPOSE)?;
            let updated = self.schemas.get_or_make(old.schema(), |schema| {
                updated_schema(schema, &self.insertions)
            })?;
            let (schema, values) = old.parts_mut();
            settle_nulls(schema, values, self.replace_null_with_default)?;
            *schema = updated.clone();
        } else {
            require_map_mut(value, PURPOSE)?;
        }
        let mut inserted = self.values(&record, origin, has_schema)?;
        let (schema, value) = self.half.parts_mut(&mut record);
        match value {
            Value::Struct(record) => {
                let (updated, values) = record.parts_mut();
                values.reserve_exact(self.insertions.len());
                values.extend(inserted.into_iter().take(self.insertions.len()));
                *schema = Some(updated.clone());
            }
            Value::Map(map) => {
                let insertions = &self.insertions;
                // Without partition or timestamp their fields are not added.
                let present = inserted
                    .iter()
                    .enumerate()
                    .filter(|(_, value)| !value.is_null())
                    .fold(0u8, |present, (index, _)| present | 1 << index);
                let edit = self
                    .shapes
                    .get_or_make(map.shared_keys(), present, |keys| {
                        let names = insertions
                            .iter()
                            .enumerate()
                            .filter(|(index, _)| present & 1 << index != 0)
                            .map(|(_, insertion)| &insertion.name);
                        Ok(MapEdit::copy_and_put(keys, names))
                    })?;
                // What is there stands in front, as it is numbered in the edit.
                inserted.sort_by_key(Value::is_null);
                edit.apply(map, &mut inserted);
            }
            _ => {}
        }
        Ok(Some(record))
    }
}

fn updated_schema(schema: &Schema, insertions: &[Insertion]) -> Result<SchemaRef> {
    let mut builder = copy_schema_basics(schema, Schema::struct_builder());
    for field in schema.fields() {
        builder = builder.field(field.name.clone(), field.schema.clone());
    }
    for insertion in insertions {
        let name = insertion.name.as_str().unwrap_or_default();
        builder = builder.field(name, insertion.schema.clone());
    }
    builder.build()
}
