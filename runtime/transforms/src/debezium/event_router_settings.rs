//! The settings of `EventRouter`.

use super::name_adjuster::NameAdjustment;
use crate::settings::valid_regex;
use connect_api::config::{ConfigData, ConfigDef, ConfigKey, ConfigType, Importance, Validator};
use std::sync::LazyLock;

pub(super) const EVENT_ID: &str = "table.field.event.id";
pub(super) const EVENT_KEY: &str = "table.field.event.key";
pub(super) const EVENT_TYPE: &str = "table.field.event.type";
pub(super) const EVENT_TIMESTAMP: &str = "table.field.event.timestamp";
pub(super) const EVENT_PAYLOAD: &str = "table.field.event.payload";
pub(super) const EVENT_SCHEMA_VERSION: &str = "table.field.event.schema.version";
pub(super) const ADDITIONAL_PLACEMENT: &str = "table.fields.additional.placement";
pub(super) const ADDITIONAL_MISSING: &str = "table.field.additional.missing";
pub(super) const ROUTE_BY_FIELD: &str = "route.by.field";
pub(super) const ROUTE_TOPIC_REGEX: &str = "route.topic.regex";
pub(super) const ROUTE_TOPIC_REPLACEMENT: &str = "route.topic.replacement";
pub(super) const ROUTE_TOMBSTONE: &str = "route.tombstone.on.empty.payload";
pub(super) const INVALID_OPERATION: &str = "table.op.invalid.behavior";
pub(super) const EXPAND_JSON: &str = "table.expand.json.payload";
pub(super) const JSON_NULL: &str = "table.json.payload.null.behavior";
pub(super) const JSON_EMPTY_ARRAY: &str = "table.json.payload.empty.array.behavior";
pub(super) const FIELD_NAME_ADJUSTMENT: &str = "field.name.adjustment.mode";

pub(super) fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        let text = |name| ConfigKey::new(name, ConfigType::String);
        let column = |name, default: &str, what: &str| {
            text(name)
                .default(default)
                .importance(Importance::Low)
                .doc(format!("The column with {what}."))
        };
        let boolean = |name| ConfigKey::new(name, ConfigType::Boolean).default(false);
        let choice = |name, valid: &'static [&'static str]| {
            text(name)
                .default(valid[0])
                .validator(Validator::CaseInsensitiveValidString(valid))
                .importance(Importance::Medium)
        };
        ConfigDef::new()
            .define(column(EVENT_ID, "id", "the id of an event, which becomes the header `id`"))
            .define(column(EVENT_KEY, "aggregateid", "the key of an event"))
            .define(column(EVENT_TYPE, "type", "the type of an event"))
            .define(column(EVENT_PAYLOAD, "payload", "the payload of an event"))
            .define(
                text(EVENT_TIMESTAMP)
                    .default_null()
                    .importance(Importance::Medium)
                    .doc("The column with the timestamp; without it that of the change event counts."),
            )
            .define(
                ConfigKey::new(ADDITIONAL_PLACEMENT, ConfigType::List)
                    .default_null()
                    .validator(Validator::custom("list of column:placement[:alias]", |value| {
                        match value {
                            Some(ConfigData::List(items)) => {
                                AdditionalField::parse_all(items).map(drop)
                            }
                            _ => Ok(()),
                        }
                    }))
                    .importance(Importance::High)
                    .doc(
                        "Further columns and where they go, as in \
                         `type:header,region:envelope:area,shard:partition`.",
                    ),
            )
            .define(
                choice(ADDITIONAL_MISSING, &["error", "ignore"])
                    .doc("What happens if one of those columns is not there."),
            )
            .define(
                text(EVENT_SCHEMA_VERSION)
                    .default_null()
                    .importance(Importance::Low)
                    .doc("The column with the version of the schema."),
            )
            .define(
                text(ROUTE_BY_FIELD)
                    .default("aggregatetype")
                    .importance(Importance::High)
                    .doc("The column by which events are routed."),
            )
            .define(
                text(ROUTE_TOPIC_REGEX)
                    .default("(?<routedByValue>.*)")
                    .validator(valid_regex())
                    .importance(Importance::Low)
                    .doc("The pattern that the value of that column must match as a whole."),
            )
            .define(
                text(ROUTE_TOPIC_REPLACEMENT)
                    .default("outbox.event.${routedByValue}")
                    .importance(Importance::High)
                    .doc("The topic: `${routedByValue}` stands for the value of that column."),
            )
            .define(
                boolean(ROUTE_TOMBSTONE)
                    .importance(Importance::High)
                    .doc("Whether an empty payload becomes a tombstone."),
            )
            .define(
                choice(INVALID_OPERATION, &["warn", "error", "fatal"]).doc(
                    "What happens to updates, which an outbox table should not have: they are dropped \
                     with a warning or an error in the log, or the task fails.",
                ),
            )
            .define(
                boolean(EXPAND_JSON)
                    .importance(Importance::Medium)
                    .doc("Whether a payload that is JSON in a text becomes a struct."),
            )
            .define(
                choice(JSON_NULL, &["ignore", "optional_bytes"])
                    .doc("What becomes of null in such JSON: left out, or optional bytes."),
            )
            .define(
                choice(JSON_EMPTY_ARRAY, &["ignore", "optional_string"])
                    .doc("What becomes of an empty array in such JSON: left out, or one of texts."),
            )
            .define(
                NameAdjustment::key(FIELD_NAME_ADJUSTMENT)
                    .doc("How the names of fields in such JSON are made fit for Avro."),
            )
    });
    &DEF
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placement {
    Header,
    Envelope,
    Partition,
}

/// A further column and where it goes.
#[derive(Clone, Debug)]
pub(super) struct AdditionalField {
    pub column: String,
    pub placement: Placement,
    pub alias: String,
}

impl AdditionalField {
    pub fn parse_all(items: &[String]) -> std::result::Result<Vec<Self>, String> {
        let parse = |item: &String| {
            let parts: Vec<&str> = item.split(':').map(str::trim).collect();
            let (column, placement, alias) = match parts[..] {
                [column, placement] => (column, placement, column),
                [column, placement, alias] => (column, placement, alias),
                _ => return None,
            };
            let placement = match placement.to_ascii_lowercase().as_str() {
                "header" => Placement::Header,
                "envelope" => Placement::Envelope,
                "partition" => Placement::Partition,
                _ => return None,
            };
            Some(Self {
                column: column.to_string(),
                placement,
                alias: alias.to_string(),
            })
        };
        items
            .iter()
            .map(|item| {
                parse(item).ok_or_else(|| {
                    format!(
                        "A comma-separated list of column:placement or column:placement:alias is \
                         expected, with header, envelope or partition as placement, but got: {item}"
                    )
                })
            })
            .collect()
    }
}
