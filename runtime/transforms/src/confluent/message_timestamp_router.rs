//! `MessageTimestampRouter`: another topic, made of the old one and a timestamp within the value.

use super::VERSION;
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance, Validator};
use connect_api::data::Value;
use connect_api::{ConnectError, Origin, Record, Result, Transform};
use connect_java::date_format::{Locale, SimpleDateFormat, Zone};
use std::sync::LazyLock;

const TOPIC_FORMAT: &str = "topic.format";
const MESSAGE_FORMAT: &str = "message.timestamp.format";
const TOPIC_TIMESTAMP_FORMAT: &str = "topic.timestamp.format";
const KEYS: &str = "message.timestamp.keys";

crate::register!(
    "io.confluent.connect.transforms.MessageTimestampRouter",
    VERSION,
    config_def,
    MessageTimestampRouter::default()
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        let text = |name, default: &str| {
            ConfigKey::new(name, ConfigType::String)
                .default(default)
                .importance(Importance::High)
        };
        ConfigDef::new()
            .define(text(TOPIC_FORMAT, "${topic}-${timestamp}").doc(
                "The new topic: `${topic}` stands for the old one, `${timestamp}` for the timestamp.",
            ))
            .define(text(MESSAGE_FORMAT, "yyyy-MM-dd").doc(
                "How the timestamp is written in the value, in UTC: a pattern of Java's \
                 `SimpleDateFormat`. A number is taken as milliseconds since the epoch.",
            ))
            .define(text(TOPIC_TIMESTAMP_FORMAT, "yyyyMMdd").doc(
                "How the timestamp is written in the topic, in UTC: a pattern of Java's \
                 `SimpleDateFormat`.",
            ))
            .define(
                ConfigKey::new(KEYS, ConfigType::List)
                    .validator(Validator::ListWithoutDuplicates { allow_empty: false })
                    .importance(Importance::High)
                    .doc(
                        "The fields that may hold the timestamp, as paths with dots; the first that is \
                         there counts.",
                    ),
            )
    });
    &DEF
}

#[derive(Default)]
struct MessageTimestampRouter {
    topic_format: String,
    message_format: Option<SimpleDateFormat>,
    topic_timestamp_format: Option<SimpleDateFormat>,
    keys: Vec<String>,
}

fn format(key: &str, pattern: &str) -> Result<SimpleDateFormat> {
    SimpleDateFormat::new(pattern, Zone::utc(), Locale::English).map_err(|error| {
        ConnectError::config(format!("Invalid value {pattern} for {key}: {error}"))
    })
}

/// The value at a path with dots.
fn at_path<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, name| match value {
        Value::Map(map) => map.get_str(name),
        Value::Struct(record) => record.get(name).ok(),
        _ => None,
    })
}

impl MessageTimestampRouter {
    fn timestamp_ms(&self, record: &Record) -> Result<i64> {
        let refused = |why: String| {
            ConnectError::data(format!(
                "{why}, in a record of topic {}; see '{KEYS}' and '{MESSAGE_FORMAT}'",
                record.topic
            ))
        };
        let found = self.keys.iter().find_map(|key| {
            let value = at_path(&record.value, key)?;
            (!value.is_null()).then_some((key, value))
        });
        let Some((key, value)) = found else {
            return Err(refused(format!(
                "None of the fields {} holds a timestamp",
                self.keys.join(", ")
            )));
        };
        match (value, &self.message_format) {
            (Value::Date(ms), _) => Ok(*ms),
            (Value::String(text), Some(format)) => format
                .parse(text)
                .map_err(|_| refused(format!("The timestamp in field {key} cannot be read"))),
            (value, _) => value
                .as_i64()
                .ok_or_else(|| refused(format!("Field {key} holds no timestamp"))),
        }
    }
}

impl Transform for MessageTimestampRouter {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let config = config_def().parse(config)?;
        let message_format = config.string(MESSAGE_FORMAT)?;
        *self = Self {
            topic_format: config.string(TOPIC_FORMAT)?.to_string(),
            message_format: if message_format.is_empty() {
                None
            } else {
                Some(format(MESSAGE_FORMAT, message_format)?)
            },
            topic_timestamp_format: Some(format(
                TOPIC_TIMESTAMP_FORMAT,
                config.string(TOPIC_TIMESTAMP_FORMAT)?,
            )?),
            keys: config.list(KEYS)?.to_vec(),
        };
        Ok(())
    }

    fn apply(&mut self, mut record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        let Some(format) = &self.topic_timestamp_format else {
            return Ok(Some(record));
        };
        let timestamp = format.format(self.timestamp_ms(&record)?);
        record.topic = self
            .topic_format
            .replace("${topic}", &record.topic)
            .replace("${timestamp}", &timestamp)
            .into();
        Ok(Some(record))
    }
}
