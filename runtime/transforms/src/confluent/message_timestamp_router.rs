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

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::data::{Map, Schema, Struct};
    use connect_api::{SinkOrigin, SourceRecord, TimestampType};

    fn route(config: &[(&str, &str)], value: Value) -> Result<String> {
        let mut router = MessageTimestampRouter::default();
        router.configure(&config.iter().copied().collect())?;
        let origin = SinkOrigin {
            original_topic: "orders".into(),
            original_kafka_partition: 0,
            kafka_offset: 0,
            timestamp_type: TimestampType::CreateTime,
        };
        let record = SourceRecord::new("orders", None, value).record;
        let routed = router.apply(record, Origin::Sink(&origin))?;
        Ok(routed.expect("nothing is dropped").topic.to_string())
    }

    fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
        Value::from(entries.into_iter().collect::<Map>())
    }

    #[test]
    fn topics_are_made_of_the_first_field_that_is_there() {
        let date = || Value::from("2020-06-16");
        let keys = (KEYS, "created,source.at");
        for (config, value, topic) in [
            (vec![keys], map([("created", date())]), "orders-20200616"),
            (
                vec![keys],
                map([("created", Value::Null), ("source", map([("at", date())]))]),
                "orders-20200616",
            ),
            (
                vec![keys, (TOPIC_FORMAT, "${timestamp}_of_${topic}")],
                map([("created", date())]),
                "20200616_of_orders",
            ),
            (
                vec![
                    keys,
                    (MESSAGE_FORMAT, "dd/MM/yyyy HH:mm"),
                    (TOPIC_TIMESTAMP_FORMAT, "yyyy.MM.dd.HH"),
                ],
                map([("created", Value::from("31/12/1999 23:59"))]),
                "orders-1999.12.31.23",
            ),
            (
                vec![keys],
                map([("created", Value::Int64(1_592_300_893_000))]),
                "orders-20200616",
            ),
            (
                vec![keys],
                map([("created", Value::Date(1_592_300_893_000))]),
                "orders-20200616",
            ),
        ] {
            assert_eq!(route(&config, value).unwrap(), topic, "{config:?}");
        }
    }

    #[test]
    fn structs_have_fields_too() {
        let schema = Schema::struct_builder()
            .field("at", Schema::string())
            .build()
            .unwrap();
        let value = Struct::from_values(schema, vec![Value::from("2020-06-16")]);
        let topic = route(&[(KEYS, "at")], Value::Struct(Box::new(value))).unwrap();
        assert_eq!(topic, "orders-20200616");
    }

    #[test]
    fn records_without_a_timestamp_are_refused_without_their_data() {
        for value in [
            Value::Null,
            Value::from("secret"),
            map([("other", Value::from("secret"))]),
            map([("at", Value::from("secret"))]),
            map([("at", Value::Boolean(true))]),
        ] {
            let error = route(&[(KEYS, "at")], value).unwrap_err().to_string();
            assert!(
                error.contains("topic orders") && error.contains(KEYS),
                "{error}"
            );
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn keys_and_patterns_must_be_right() {
        assert!(route(&[], Value::Null).is_err());
        let error = route(&[(KEYS, "at"), (MESSAGE_FORMAT, "bb")], Value::Null).unwrap_err();
        assert!(error.to_string().contains(MESSAGE_FORMAT), "{error}");
    }
}
