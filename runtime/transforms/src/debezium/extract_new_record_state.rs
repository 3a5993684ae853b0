//! `ExtractNewRecordState`: the row after a change in place of the change event.

use super::delete_handling::{self, DeleteHandling, Deletion};
use super::field_reference::{
    self, ADD_FIELDS, ADD_FIELDS_PREFIX, ADD_HEADERS, ADD_HEADERS_PREFIX, FieldReference,
    ResolvedField,
};
use super::{VERSION, event_of, extracted, is_envelope, string_of};
use crate::half::Half;
use crate::requirements::require_struct;
use crate::schema_cache::SchemaCache;
use crate::settings::{REPLACE_NULL_WITH_DEFAULT, replace_null_with_default_key};
use crate::struct_edit::{Selection, copy_schema_basics, settle_nulls};
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance};
use connect_api::data::{Schema, SchemaRef, Struct, Value, validate_value};
use connect_api::{ConnectError, Origin, Record, Result, Topic, Transform};
use std::sync::LazyLock;

const ROUTE_BY_FIELD: &str = "route.by.field";
const DROP_FIELDS_HEADER: &str = "drop.fields.header.name";
const DROP_FIELDS_FROM_KEY: &str = "drop.fields.from.key";
const DROP_FIELDS_KEEP_COMPATIBLE: &str = "drop.fields.keep.schema.compatible";
const DELETED: &str = "__deleted";

crate::register!(
    "io.debezium.transforms.ExtractNewRecordState",
    VERSION,
    config_def,
    ExtractNewRecordState::default()
);
// Its name in Debezium before 1.0.
crate::register!(
    "io.debezium.transforms.UnwrapFromEnvelope",
    VERSION,
    config_def,
    ExtractNewRecordState::default()
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        let boolean = |name: &str, default: bool| {
            ConfigKey::new(name, ConfigType::Boolean)
                .default(default)
                .importance(Importance::Low)
        };
        let mut def = ConfigDef::new();
        for key in delete_handling::keys() {
            def = def.define(key);
        }
        def = def.define(
            ConfigKey::new(ROUTE_BY_FIELD, ConfigType::String)
                .default("")
                .importance(Importance::Low)
                .doc("The column whose value becomes the topic."),
        );
        for key in field_reference::keys() {
            def = def.define(key);
        }
        def.define(replace_null_with_default_key())
            .define(
                ConfigKey::new(DROP_FIELDS_HEADER, ConfigType::String)
                    .default_null()
                    .importance(Importance::Low)
                    .doc("The header that lists the fields to leave out of a record."),
            )
            .define(
                boolean(DROP_FIELDS_FROM_KEY, false)
                    .doc("Whether those fields are left out of the key too."),
            )
            .define(
                boolean(DROP_FIELDS_KEEP_COMPATIBLE, true)
                    .doc("Whether only optional fields are left out."),
            )
    });
    &DEF
}

/// What becomes of the rows in events of one schema.
#[derive(Debug)]
struct Plan {
    schema: SchemaRef,
    additions: Vec<(SchemaRef, ResolvedField)>,
}

#[derive(Default)]
struct ExtractNewRecordState {
    handling: DeleteHandling,
    route_by_field: Option<String>,
    add_fields: Vec<FieldReference>,
    add_headers: Vec<FieldReference>,
    replace_null_with_default: bool,
    drop_fields_header: Option<String>,
    drop_fields_from_key: bool,
    drop_fields_keep_compatible: bool,
    /// For events with a row after the change, by the schema of the event.
    written: SchemaCache<Plan>,
    /// For deletions that are rewritten.
    deleted: SchemaCache<Plan>,
}

impl ExtractNewRecordState {
    /// Puts the row that `field` of the event holds in the place of the event.
    fn take_row(&mut self, record: &mut Record, field: &str, is_deleted: bool) -> Result<()> {
        let rewrites = self.handling.deletion == Deletion::Rewrite;
        let add_fields = &self.add_fields;
        let schema = event_of(record)?.0.clone();
        let cache = if is_deleted {
            &mut self.deleted
        } else {
            &mut self.written
        };
        let plan =
            cache.get_or_make(&schema, |schema| plan(schema, field, rewrites, add_fields))?;
        let index = schema.field(field).map_or(0, |field| field.index);
        let Value::Struct(event) = &mut record.value else {
            return Err(ConnectError::data("The change event is no struct"));
        };
        let added: Vec<Value> = plan
            .additions
            .iter()
            .map(|(_, source)| source.value(event))
            .collect();
        let row = std::mem::replace(&mut event.parts_mut().1[index], Value::Null);
        let mut row = match row {
            Value::Struct(row) => row,
            // The default of the field, which `ExtractField` reads.
            Value::Null => match event.get_at(index) {
                Value::Struct(row) => row.clone(),
                other => return Err(no_row(other)),
            },
            other => return Err(no_row(&other)),
        };
        let row_schema = row.schema().clone();
        // The fault of a row without that field comes after that of a null that cannot be.
        let topic = match &self.route_by_field {
            Some(field) if !is_deleted => topic_of(field, &row).transpose(),
            _ => None,
        };
        let values = row.parts_mut().1;
        if rewrites {
            settle_nulls(&row_schema, values, self.replace_null_with_default)?;
            values.push(Value::from(if is_deleted { "true" } else { "false" }));
        }
        if let Some(topic) = topic {
            record.topic = topic?;
        }
        settle_nulls(&row_schema, values, false)?;
        for ((schema, _), value) in plan.additions.iter().zip(added) {
            if matches!(value, Value::Struct(_) | Value::Map(_)) {
                validate_value(None, schema, &value)?;
            }
            values.push(value);
        }
        *row.parts_mut().0 = plan.schema.clone();
        record.value = Value::Struct(row);
        record.value_schema = Some(plan.schema.clone());
        Ok(())
    }

    fn drop_fields(&self, record: &mut Record) -> Result<()> {
        let Some(name) = &self.drop_fields_header else {
            return Ok(());
        };
        let header = record.headers.iter().find(|header| *header.key == **name);
        let names: Vec<String> = match header.map(|header| &header.value) {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::Array(names)) => names
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_string)
                .collect(),
            Some(other) => return Err(crate::requirements::class_cast(other, "java.util.List")),
        };
        if self.drop_fields_from_key {
            self.drop_from(Half::Key, record, &names)?;
        }
        self.drop_from(Half::Value, record, &names)
    }

    fn drop_from(&self, half: Half, record: &mut Record, names: &[String]) -> Result<()> {
        let (schema, value) = half.parts_mut(record);
        let (Some(schema), Value::Struct(row)) = (schema, value) else {
            return Ok(());
        };
        let is_dropped = |name: &str, schema: &Schema| {
            names.iter().any(|dropped| dropped == name)
                && (!self.drop_fields_keep_compatible || schema.is_optional())
        };
        let kept: Vec<usize> = schema
            .fields()
            .iter()
            .filter(|field| !is_dropped(&field.name, &field.schema))
            .map(|field| field.index)
            .collect();
        if kept.len() == schema.fields().len() && self.drop_fields_keep_compatible {
            return Ok(());
        }
        let builder = kept.iter().map(|index| &schema.fields()[*index]).fold(
            copy_schema_basics(schema, Schema::struct_builder()),
            |builder, field| builder.field(field.name.clone(), field.schema.clone()),
        );
        let selection = Selection::new(schema, builder.build()?, kept);
        selection.apply(row, true)?;
        *schema = selection.schema;
        Ok(())
    }

    fn delete(&mut self, record: &mut Record) -> Result<bool> {
        let event = require_struct(&record.value, "Read record to set topic routing for DELETE")?;
        let topic = match (&self.route_by_field, event.get_without_default("before")?) {
            (Some(field), Value::Struct(before)) => topic_of(field, before)?,
            _ => None,
        };
        match self.handling.deletion {
            Deletion::Drop => return Ok(false),
            Deletion::Null => {
                let (schema, event) = event_of(record)?;
                let after = extracted(schema, event, "after")?.0.clone();
                record.value_schema = Some(after);
                record.value = Value::Null;
            }
            Deletion::Tombstone => {
                record.value_schema = None;
                record.value = Value::Null;
            }
            Deletion::Rewrite => {
                self.take_row(record, "before", true)?;
            }
        }
        if let Some(topic) = topic {
            record.topic = topic;
        }
        Ok(true)
    }
}

/// The topic that a row asks for.
fn topic_of(field: &str, row: &Struct) -> Result<Option<Topic>> {
    let topic = string_of(row, field)?;
    Ok(topic
        .filter(|topic| !topic.trim().is_empty())
        .map(Topic::from))
}

fn no_row(value: &Value) -> ConnectError {
    require_struct(value, "source field insertion")
        .err()
        .unwrap_or_else(|| ConnectError::data("The change event has no row"))
}

/// The schema of a row in events of a schema, with what is added.
fn plan(
    event: &SchemaRef,
    field: &str,
    rewrites: bool,
    add_fields: &[FieldReference],
) -> Result<Plan> {
    let row = &event
        .field(field)
        .ok_or_else(|| super::unknown_field(field))?
        .schema;
    let mut builder = copy_schema_basics(row, Schema::struct_builder());
    for field in row.try_fields()? {
        builder = builder.field(field.name.clone(), field.schema.clone());
    }
    if rewrites {
        builder = builder.field(DELETED, Schema::optional_string());
    }
    let mut additions = Vec::new();
    for reference in add_fields {
        if let Some(field) = reference.resolve(event)? {
            builder = builder.field(reference.new_name.as_str(), field.schema.clone());
            additions.push((field.schema.clone(), field));
        }
    }
    Ok(Plan {
        schema: builder.build()?,
        additions,
    })
}

impl Transform for ExtractNewRecordState {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let given = config;
        let config = config_def().parse(config)?;
        let text = |key: &str| -> Result<Option<String>> {
            let text = config
                .opt_string(key)?
                .filter(|text| !text.trim().is_empty());
            Ok(text.map(str::to_string))
        };
        *self = Self {
            handling: DeleteHandling::of(&config, given)?,
            route_by_field: text(ROUTE_BY_FIELD)?,
            add_fields: FieldReference::parse_all(
                config.string(ADD_FIELDS_PREFIX)?,
                config.list(ADD_FIELDS)?,
            )?,
            add_headers: FieldReference::parse_all(
                config.string(ADD_HEADERS_PREFIX)?,
                config.list(ADD_HEADERS)?,
            )?,
            replace_null_with_default: config.boolean(REPLACE_NULL_WITH_DEFAULT)?,
            drop_fields_header: text(DROP_FIELDS_HEADER)?,
            drop_fields_from_key: config.boolean(DROP_FIELDS_FROM_KEY)?,
            drop_fields_keep_compatible: config.boolean(DROP_FIELDS_KEEP_COMPATIBLE)?,
            written: SchemaCache::default(),
            deleted: SchemaCache::default(),
        };
        Ok(())
    }

    fn apply(&mut self, mut record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        if record.value.is_null() {
            field_reference::add_headers(&mut record.headers, &self.add_headers, None)?;
            return Ok((!self.handling.drop_tombstones).then_some(record));
        }
        if !is_envelope(&record) {
            return Ok(Some(record));
        }
        if !self.add_headers.is_empty() {
            let event = require_struct(&record.value, "field extraction")?;
            field_reference::add_headers(&mut record.headers, &self.add_headers, Some(event))?;
        }
        let (schema, event) = event_of(&record)?;
        if extracted(schema, event, "after")?.1.is_null() {
            // Neither before nor after: the table was emptied.
            if extracted(schema, event, "before")?.1.is_null() || !self.delete(&mut record)? {
                return Ok(None);
            }
            self.drop_fields(&mut record)?;
            return Ok(Some(record));
        }
        self.take_row(&mut record, "after", false)?;
        self.drop_fields(&mut record)?;
        Ok(Some(record))
    }
}
