//! `TimestampRouter`: another topic, made of the old one and the timestamp of the record.

use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance};
use connect_api::{ConnectError, KAFKA_VERSION, Origin, Record, Result, Topic, Transform};
use connect_java::date_format::{IllegalPattern, Locale, SimpleDateFormat, Zone};
use std::sync::LazyLock;

const TOPIC_FORMAT: &str = "topic.format";
const TIMESTAMP_FORMAT: &str = "timestamp.format";

crate::register!(
    "org.apache.kafka.connect.transforms.TimestampRouter",
    KAFKA_VERSION,
    config_def,
    TimestampRouter::default()
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        let text =
            |name: &str| ConfigKey::new(name, ConfigType::String).importance(Importance::High);
        ConfigDef::new()
            .define(text(TOPIC_FORMAT).default("${topic}-${timestamp}").doc(
                "The new topic: `${topic}` stands for the old one, `${timestamp}` for the timestamp.",
            ))
            .define(text(TIMESTAMP_FORMAT).default("yyyyMMdd").doc(
                "How the timestamp is written, in UTC: a pattern of Java's `SimpleDateFormat`.",
            ))
    });
    &DEF
}

#[derive(Default)]
struct TimestampRouter {
    topic_format: String,
    /// As in Java, a pattern that is none shows only with the first record.
    timestamp_format: Option<Result<SimpleDateFormat, IllegalPattern>>,
    last: Option<Route>,
}

/// The topic of the last record: most records of a topic go where the one before went.
struct Route {
    from: Topic,
    timestamp: String,
    to: Topic,
}

impl Transform for TimestampRouter {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let config = config_def().parse(config)?;
        self.topic_format = config.string(TOPIC_FORMAT)?.to_string();
        let pattern = config.string(TIMESTAMP_FORMAT)?;
        self.timestamp_format = Some(SimpleDateFormat::new(pattern, Zone::utc(), Locale::English));
        Ok(())
    }

    fn apply(&mut self, mut record: Record, origin: Origin<'_>) -> Result<Option<Record>> {
        let Some(timestamp_ms) = record.timestamp else {
            return Err(missing_timestamp(record, origin));
        };
        let timestamp = match &self.timestamp_format {
            Some(Ok(format)) => format.format(timestamp_ms),
            Some(Err(error)) => {
                return Err(ConnectError::data(error.to_string())
                    .with_class("java.lang.IllegalArgumentException"));
            }
            None => return Ok(Some(record)),
        };
        if let Some(last) = &self.last
            && Topic::ptr_eq(&last.from, &record.topic)
            && last.timestamp == timestamp
        {
            record.topic = last.to.clone();
            return Ok(Some(record));
        }
        // One after the other, as in Java: a topic may itself contain the second placeholder.
        let to: Topic = self
            .topic_format
            .replace("${topic}", &record.topic)
            .replace("${timestamp}", &timestamp)
            .into();
        self.last = Some(Route {
            from: std::mem::replace(&mut record.topic, to.clone()),
            timestamp,
            to,
        });
        Ok(Some(record))
    }
}

/// Java prints the whole record; its data stays out of logs here.
#[cold]
fn missing_timestamp(record: Record, origin: Origin<'_>) -> ConnectError {
    let place = match origin {
        Origin::Sink(origin) => format!(
            "topic '{}', partition {}, offset {}",
            origin.original_topic, origin.original_kafka_partition, origin.kafka_offset
        ),
        Origin::Source(_) => format!("topic '{}'", record.topic),
    };
    ConnectError::data(format!("Timestamp missing on record: {place}"))
}
