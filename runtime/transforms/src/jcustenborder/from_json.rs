//! `FromJson`: JSON in a string or in bytes becomes a struct, by a JSON Schema of the configuration.

mod plan;
mod schema;
#[cfg(test)]
mod tests;

use crate::half::Half;
use bytes::Bytes;
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance, Validator};
use connect_api::data::Value;
use connect_api::json::JsonReader;
use connect_api::{ConnectError, Origin, Record, Result, Transform};
use plan::Plan;
use std::sync::LazyLock;

const URL: &str = "json.schema.url";
const LOCATION: &str = "json.schema.location";
const INLINE: &str = "json.schema.inline";
const VALIDATION: &str = "json.schema.validation.enabled";
const EXCLUDE: &str = "json.exclude.locations";

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new()
            .define(
                ConfigKey::new(URL, ConfigType::String)
                    .default("File:///doesNotExist")
                    .importance(Importance::High)
                    .doc("Where the schema lies, if `json.schema.location` is Url: a `file:` URL."),
            )
            .define(
                ConfigKey::new(LOCATION, ConfigType::String)
                    .default("Url")
                    .validator(Validator::ValidString(&["Url", "Inline"]))
                    .importance(Importance::High)
                    .doc("Where the schema comes from: `json.schema.url` or `json.schema.inline`."),
            )
            .define(
                ConfigKey::new(VALIDATION, ConfigType::Boolean)
                    .default(false)
                    .importance(Importance::Medium)
                    .doc("Whether records are checked against the whole schema. Only false is supported."),
            )
            .define(
                ConfigKey::new(INLINE, ConfigType::String)
                    .default("")
                    .importance(Importance::High)
                    .doc("The text of the schema, if `json.schema.location` is Inline."),
            )
            .define(
                ConfigKey::new(EXCLUDE, ConfigType::List)
                    .default(Vec::<String>::new())
                    .importance(Importance::Low)
                    .doc(
                        "Places in the schema, such as `#/properties/choice`, that are left out \
                         because Connect has no type for them.",
                    ),
            )
    });
    &DEF
}

/// Reads JSON into structs. Types, optional fields and logical types come from the schema; what it does
/// not name is dropped.
struct FromJson {
    half: Half,
    plan: Option<Plan>,
}

impl FromJson {
    fn of(half: Half) -> Self {
        Self { half, plan: None }
    }
}

crate::register_halves!(
    "com.github.jcustenborder.kafka.connect.json.FromJson",
    super::VERSION,
    config_def,
    FromJson::of
);

fn invalid(key: &str, value: &str, why: impl std::fmt::Display) -> ConnectError {
    ConnectError::config(format!(
        "Invalid value {value} for configuration {key}: {why}"
    ))
}

/// The text of a schema below a `file:` URL.
fn read_url(url: &str) -> Result<String> {
    let path = url
        .split_once(':')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("file"))
        .map(|(_, rest)| rest)
        .ok_or_else(|| {
            invalid(
                URL,
                url,
                "only file: URLs are read; put the text of the schema into json.schema.inline and set \
                 json.schema.location to Inline",
            )
        })?;
    let path = match path.strip_prefix("//") {
        // The host of a file URL, mostly empty, names this machine.
        Some(rest) => rest.find('/').map_or("/", |slash| &rest[slash..]),
        None => path,
    };
    std::fs::read_to_string(path).map_err(|error| {
        invalid(
            URL,
            url,
            format_args!("exception while loading schema: {error}"),
        )
    })
}

impl Transform for FromJson {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let config = config_def().parse(config)?;
        if config.boolean(VALIDATION)? {
            return Err(invalid(
                VALIDATION,
                "true",
                "checking records against the whole schema is not supported; types and required fields \
                 are checked without it",
            ));
        }
        let (key, text) = match config.string(LOCATION)? {
            "Inline" => (INLINE, config.string(INLINE)?.to_string()),
            _ => (URL, read_url(config.string(URL)?)?),
        };
        let plan = schema::plan_of(&text, config.list(EXCLUDE)?)
            .map_err(|why| ConnectError::config(format!("The JSON Schema of {key}: {why}")))?;
        self.plan = Some(plan);
        Ok(())
    }

    fn apply(&mut self, mut record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        let plan = self.plan.as_ref().ok_or_else(|| {
            ConnectError::fatal("FromJson was given a record before its configuration")
        })?;
        let (schema, value) = self.half.parts_mut(&mut record);
        let text: Bytes = match value {
            Value::Null => {
                *schema = None;
                return Ok(Some(record));
            }
            Value::String(text) => text.as_bytes().clone(),
            Value::Bytes(bytes) => bytes.clone(),
            other => {
                return Err(ConnectError::data(format!(
                    "FromJson reads strings and bytes, found {}: use the StringConverter or the \
                     ByteArrayConverter",
                    other.java_class().unwrap_or("null")
                )));
            }
        };
        let mut reader = JsonReader::new(&text);
        if reader.peek()?.is_none() {
            return Err(ConnectError::data(
                "FromJson found no JSON: the text is empty",
            ));
        }
        *value = plan.read(&mut reader)?;
        *schema = Some(plan.schema().clone());
        Ok(Some(record))
    }
}
