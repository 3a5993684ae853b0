//! `TombstoneHandler`: records without a value are dropped or refused.

use super::VERSION;
use connect_api::config::{ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance, Validator};
use connect_api::{ConnectError, Origin, Record, Result, Transform};
use std::sync::LazyLock;

const BEHAVIOR: &str = "behavior";

crate::register!(
    "io.confluent.connect.transforms.TombstoneHandler",
    VERSION,
    config_def,
    TombstoneHandler::default()
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        ConfigDef::new().define(
            ConfigKey::new(BEHAVIOR, ConfigType::String)
                .default("warn")
                .validator(Validator::CaseInsensitiveValidString(&[
                    "ignore", "warn", "fail",
                ]))
                .importance(Importance::Medium)
                .doc(
                    "What happens to a record without a value: dropped silently (`ignore`), dropped with \
                     a warning (`warn`), or refused (`fail`).",
                ),
        )
    });
    &DEF
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Behavior {
    Ignore,
    #[default]
    Warn,
    Fail,
}

#[derive(Default)]
struct TombstoneHandler {
    behavior: Behavior,
}

impl Transform for TombstoneHandler {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let config = config_def().parse(config)?;
        let behavior = config.string(BEHAVIOR)?.trim();
        self.behavior = if behavior.eq_ignore_ascii_case("fail") {
            Behavior::Fail
        } else if behavior.eq_ignore_ascii_case("ignore") {
            Behavior::Ignore
        } else {
            Behavior::Warn
        };
        Ok(())
    }

    fn apply(&mut self, record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        if !record.value.is_null() {
            return Ok(Some(record));
        }
        match self.behavior {
            Behavior::Ignore => tracing::debug!(topic = &*record.topic, "A tombstone is dropped"),
            Behavior::Warn => tracing::warn!(topic = &*record.topic, "A tombstone is dropped"),
            Behavior::Fail => {
                return Err(ConnectError::data(format!(
                    "Tombstone record encountered in topic {}, failing due to configured '{BEHAVIOR}' \
                     option 'fail'",
                    record.topic
                )));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::data::Value;
    use connect_api::{SinkOrigin, SourceRecord, TimestampType};

    fn handle(behavior: Option<&str>, value: Value) -> Result<Option<Record>> {
        let mut handler = TombstoneHandler::default();
        handler.configure(
            &behavior
                .map(|behavior| (BEHAVIOR, behavior))
                .into_iter()
                .collect(),
        )?;
        let origin = SinkOrigin {
            original_topic: "t".into(),
            original_kafka_partition: 0,
            kafka_offset: 0,
            timestamp_type: TimestampType::CreateTime,
        };
        handler.apply(
            SourceRecord::new("orders", None, value).record,
            Origin::Sink(&origin),
        )
    }

    #[test]
    fn records_with_a_value_stay() {
        for behavior in [None, Some("ignore"), Some("warn"), Some("fail")] {
            let kept = handle(behavior, Value::from("x")).unwrap().unwrap();
            assert_eq!(kept.value, Value::from("x"));
        }
    }

    #[test]
    fn tombstones_are_dropped_or_refused() {
        for behavior in [None, Some("ignore"), Some("warn"), Some("Warn")] {
            assert!(handle(behavior, Value::Null).unwrap().is_none());
        }
        for behavior in ["fail", "FAIL"] {
            let error = handle(Some(behavior), Value::Null).unwrap_err();
            assert!(error.to_string().contains("topic orders"), "{error}");
        }
    }

    #[test]
    fn an_unknown_behavior_is_refused() {
        let error = handle(Some("drop"), Value::Null).unwrap_err();
        assert!(error.to_string().contains(BEHAVIOR), "{error}");
    }
}
