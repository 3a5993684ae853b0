//! The headers that tell in a dead letter what failed
//! (`errors.deadletterqueue.context.headers.enable`).

use super::Original;
use crate::chain::ConversionError;
use bytes::Bytes;
use connect_api::RawHeader;
use connect_api::data::{Map, Value};
use connect_store::ConnectorTaskId;
use connect_telemetry::redaction::redact;

const PREFIX: &str = "__connect.errors.";

fn header(name: &str, value: Option<String>) -> RawHeader {
    RawHeader {
        key: format!("{PREFIX}{name}").into(),
        value: value.map(Bytes::from),
    }
}

/// Appends the ten headers of the JVM worker in its order: where the record stood, which task and
/// operation failed, and how. A record of a source has its target topic and, in place of partition and
/// offset in Kafka, those of the source.
pub(super) fn push_context(
    task: &ConnectorTaskId,
    original: Original<'_>,
    failure: &ConversionError,
    headers: &mut Vec<RawHeader>,
) {
    let mut push = |name: &str, value: String| headers.push(header(name, Some(value)));
    match original {
        Original::Consumed(record) => {
            push("topic", record.topic.to_string());
            push("partition", record.partition.to_string());
            push("offset", record.offset.to_string());
        }
        Original::Source { record, .. } => {
            let text = |map: Option<&Map>| Value::from(map.cloned()).to_string();
            push("topic", record.record.topic.to_string());
            push(
                "source.partition",
                text(record.origin.source_partition.as_deref()),
            );
            push(
                "source.offset",
                text(record.origin.source_offset.as_deref()),
            );
        }
        Original::Converted(record) => push("topic", record.topic.to_string()),
        Original::Unknown => {}
    }
    push("connector.name", task.connector.to_string());
    push("task.id", task.task.to_string());
    push("stage", failure.stage.name().to_string());
    push("class.name", failure.class.clone());
    let error = &failure.error;
    push("exception.class.name", error.class().to_string());
    // Messages may quote settings; the values of config providers are not for readers of the topic.
    let message = error.message_opt().map(|text| redact(text).into_owned());
    headers.push(header("exception.message", message));
    let trace = redact(&error.trace()).into_owned();
    headers.push(header("exception.stacktrace", Some(trace)));
}

/// Appends the aliases of the transform and predicate that failed, if it was one: the class alone does
/// not tell two uses of it apart.
pub(super) fn push_transform(failure: &ConversionError, headers: &mut Vec<RawHeader>) {
    let aliases = [
        ("transform.alias", &failure.transform),
        ("predicate.alias", &failure.predicate),
    ];
    for (name, alias) in aliases {
        if let Some(alias) = alias {
            headers.push(header(name, Some(alias.to_string())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Stage;
    use crate::report::{ConsumedRecord, failure_in};
    use connect_api::{ConnectError, TimestampType};

    #[test]
    fn values_of_config_providers_are_not_told() {
        let secret = "swordfish-of-this-test";
        connect_telemetry::redaction::hide(secret, "${file:a:b}");
        let task = ConnectorTaskId {
            connector: "c".into(),
            task: 0,
        };
        let error = ConnectError::data(format!("401 for user:{secret}"));
        let failure = failure_in(Stage::ValueConverter, "a.Converter", error);
        let mut headers = Vec::new();
        push_context(&task, Original::Unknown, &failure, &mut headers);
        for header in headers {
            let value = String::from_utf8(header.value.unwrap().to_vec()).unwrap();
            assert!(!value.contains(secret), "{}: {value}", header.key);
        }
    }

    #[test]
    fn e09_ten_headers_stand_in_the_order_of_the_jvm_worker() {
        let record = ConsumedRecord {
            topic: "t".into(),
            partition: 3,
            offset: 42,
            timestamp_ms: 1,
            timestamp_type: TimestampType::CreateTime,
            key: None,
            value: None,
            headers: Vec::new(),
        };
        let task = ConnectorTaskId {
            connector: "c".into(),
            task: 7,
        };
        let error =
            ConnectError::data("bad").with_cause(ConnectError::fatal("deeper").without_message());
        let mut failure = failure_in(Stage::KeyConverter, "a.Converter", error);
        let texts = |failure: &ConversionError| {
            let mut headers = Vec::new();
            push_context(&task, Original::Consumed(&record), failure, &mut headers);
            push_transform(failure, &mut headers);
            headers
                .into_iter()
                .map(|header| {
                    let value = header
                        .value
                        .map(|value| String::from_utf8(value.to_vec()).unwrap());
                    (header.key.to_string(), value)
                })
                .collect::<Vec<_>>()
        };
        let expected = [
            ("__connect.errors.topic", "t"),
            ("__connect.errors.partition", "3"),
            ("__connect.errors.offset", "42"),
            ("__connect.errors.connector.name", "c"),
            ("__connect.errors.task.id", "7"),
            ("__connect.errors.stage", "KEY_CONVERTER"),
            ("__connect.errors.class.name", "a.Converter"),
            (
                "__connect.errors.exception.class.name",
                "org.apache.kafka.connect.errors.DataException",
            ),
            ("__connect.errors.exception.message", "bad"),
            (
                "__connect.errors.exception.stacktrace",
                "org.apache.kafka.connect.errors.DataException: bad\n\
                 Caused by: org.apache.kafka.connect.errors.ConnectException\n",
            ),
        ]
        .map(|(key, value)| (key.to_string(), Some(value.to_string())));
        assert_eq!(texts(&failure), expected);

        failure.error = failure.error.without_message();
        failure.transform = Some("route".into());
        let texts = texts(&failure);
        assert_eq!(
            texts[8],
            ("__connect.errors.exception.message".to_string(), None)
        );
        assert_eq!(
            texts[10],
            (
                "__connect.errors.transform.alias".to_string(),
                Some("route".to_string())
            )
        );
        assert_eq!(texts.len(), 11);
    }
}
