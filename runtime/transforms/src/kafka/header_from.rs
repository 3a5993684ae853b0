//! `HeaderFrom`: moves or copies fields into headers.

use crate::half::Half;
use crate::map_edit::{MapEdit, ShapeCache};
use crate::requirements::{require_map_mut, require_struct_mut};
use crate::schema_cache::SchemaCache;
use crate::settings::{REPLACE_NULL_WITH_DEFAULT, non_empty_list, replace_null_with_default_key};
use crate::struct_edit::{Selection, copy_schema_basics, field_value};
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance, Validator};
use connect_api::data::{Schema, SchemaRef, Value};
use connect_api::{ConnectError, Header, KAFKA_VERSION, Origin, Record, Result, Transform};
use std::sync::{Arc, LazyLock};

const FIELDS: &str = "fields";
const HEADERS: &str = "headers";
const OPERATION: &str = "operation";
const MOVE: &str = "move";
const COPY: &str = "copy";

crate::register_halves!(
    "org.apache.kafka.connect.transforms.HeaderFrom",
    KAFKA_VERSION,
    config_def,
    HeaderFrom::new
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        let names = |name: &str| {
            ConfigKey::new(name, ConfigType::List)
                .validator(non_empty_list())
                .importance(Importance::High)
        };
        ConfigDef::new()
            .define(names(FIELDS).doc("The fields whose values become headers."))
            .define(names(HEADERS).doc("The keys of the headers, in the order of the fields."))
            .define(
                ConfigKey::new(OPERATION, ConfigType::String)
                    .validator(Validator::ValidString(&[MOVE, COPY]))
                    .importance(Importance::High)
                    .doc("`move` takes the fields out of the key or value, `copy` leaves them there."),
            )
            .define(replace_null_with_default_key())
    });
    &DEF
}

struct HeaderFrom {
    half: Half,
    /// Fields with the keys of their headers.
    fields: Vec<(Value, Arc<str>)>,
    is_move: bool,
    replace_null_with_default: bool,
    schemas: SchemaCache<SchemaPlan>,
    shapes: ShapeCache<ShapePlan>,
}

/// What to do with structs of one schema.
struct SchemaPlan {
    /// What is left after a move; `None` to copy.
    rest: Option<Selection>,
    /// For each header the index of its field, unless there is none.
    sources: Vec<Option<usize>>,
}

/// What to do with maps of one shape.
struct ShapePlan {
    rest: MapEdit,
    sources: Vec<Option<usize>>,
}

impl HeaderFrom {
    fn new(half: Half) -> Self {
        Self {
            half,
            fields: Vec::new(),
            is_move: false,
            replace_null_with_default: true,
            schemas: SchemaCache::default(),
            shapes: ShapeCache::default(),
        }
    }

    fn purpose(&self) -> &'static str {
        if self.is_move {
            "header move"
        } else {
            "header copy"
        }
    }

    /// Takes the headers out of a struct.
    fn split_struct(&mut self, schema: &mut SchemaRef, value: &mut Value) -> Result<Vec<Header>> {
        let record = require_struct_mut(value, self.purpose())?;
        let (fields, is_move) = (&self.fields, self.is_move);
        let plan = self.schemas.get_or_make(record.schema(), |schema| {
            schema_plan(schema, fields, is_move)
        })?;
        let old_schema = record.schema().clone();
        let mut values = Vec::with_capacity(fields.len());
        for source in &plan.sources {
            // Most fields make one header, and most values are cheap to copy.
            values.push(match source {
                Some(source) => field_value(record, *source, self.replace_null_with_default),
                None => Value::Null,
            });
        }
        if let Some(rest) = &plan.rest {
            rest.apply(record, self.replace_null_with_default)?;
            *schema = rest.schema.clone();
        }
        let mut headers = Vec::with_capacity(fields.len());
        for (((field, key), source), value) in fields.iter().zip(&plan.sources).zip(values) {
            let field = source
                .and_then(|source| old_schema.fields().get(source))
                .ok_or_else(|| {
                    ConnectError::data(format!("Field does not exist: {field}"))
                        .with_class("java.lang.NullPointerException")
                })?;
            headers.push(Header::new(key.clone(), Some(field.schema.clone()), value)?);
        }
        Ok(headers)
    }

    /// Takes the headers out of a map.
    fn split_map(&mut self, value: &mut Value) -> Result<Vec<Header>> {
        let map = require_map_mut(value, self.purpose())?;
        let (fields, is_move) = (&self.fields, self.is_move);
        let plan = self.shapes.get_or_make(map.shared_keys(), 0, |keys| {
            Ok(shape_plan(keys, fields, is_move))
        })?;
        let values = map.values();
        let headers = fields
            .iter()
            .zip(&plan.sources)
            .map(|((_, key), source)| Header {
                key: key.clone(),
                schema: None,
                value: source
                    .and_then(|source| values.get(source))
                    .cloned()
                    .unwrap_or(Value::Null),
            });
        let headers = headers.collect();
        plan.rest.apply(map, &mut []);
        Ok(headers)
    }
}

impl Transform for HeaderFrom {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let config = config_def().parse(config)?;
        let (fields, headers) = (config.list(FIELDS)?, config.list(HEADERS)?);
        if fields.len() != headers.len() {
            return Err(ConnectError::config(format!(
                "'{FIELDS}' config must have the same number of elements as '{HEADERS}' config."
            )));
        }
        self.fields = fields
            .iter()
            .zip(headers)
            .map(|(field, header)| (Value::from(field.as_str()), Arc::from(header.as_str())))
            .collect();
        self.is_move = config.string(OPERATION)? == MOVE;
        self.replace_null_with_default = config.boolean(REPLACE_NULL_WITH_DEFAULT)?;
        Ok(())
    }

    fn apply(&mut self, mut record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        let (schema, value) = self.half.parts_mut(&mut record);
        let mut headers = match schema {
            Some(schema) => self.split_struct(schema, value)?,
            None => self.split_map(value)?,
        };
        record.headers.append(&mut headers);
        Ok(Some(record))
    }
}

fn is_moved(fields: &[(Value, Arc<str>)], name: &str) -> bool {
    fields.iter().any(|(field, _)| field.as_str() == Some(name))
}

fn schema_plan(schema: &Schema, fields: &[(Value, Arc<str>)], is_move: bool) -> Result<SchemaPlan> {
    let sources = fields
        .iter()
        .map(|(field, _)| Some(schema.field(field.as_str()?)?.index))
        .collect();
    if !is_move {
        return Ok(SchemaPlan {
            rest: None,
            sources,
        });
    }
    let mut builder = copy_schema_basics(schema, Schema::struct_builder());
    let mut kept = Vec::new();
    for field in schema.fields() {
        if !is_moved(fields, &field.name) {
            builder = builder.field(field.name.clone(), field.schema.clone());
            kept.push(field.index);
        }
    }
    Ok(SchemaPlan {
        rest: Some(Selection::new(schema, builder.build()?, kept)),
        sources,
    })
}

fn shape_plan(keys: &[Value], fields: &[(Value, Arc<str>)], is_move: bool) -> ShapePlan {
    ShapePlan {
        sources: fields
            .iter()
            .map(|(field, _)| keys.iter().position(|key| key == field))
            .collect(),
        rest: MapEdit::copy_and_remove(keys, |key| {
            is_move && fields.iter().any(|(field, _)| field == key)
        }),
    }
}
