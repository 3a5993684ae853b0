//! Every tenth record is poison: the good ones arrive, the bad ones lie in the dead letter queue.

use super::{Format, flights_sink, flights_source, object_lines, transformed};
use dovetail_tests::connectors::{BYTE_ARRAY_CONVERTER, sink_group, with};
use dovetail_tests::flights::flights;
use dovetail_tests::lines;
use dovetail_tests::stack::{TopicRecord, shared};
use serde_json::Value;

const NUM_RECORDS: usize = 2_000;
const NUM_BAD: usize = NUM_RECORDS / 10;
const FLUSH_SIZE: usize = (NUM_RECORDS - NUM_BAD) / 2;

#[tokio::test]
async fn poisoned_avro_lies_in_the_dead_letter_queue() {
    poisoned(Format::Avro).await;
}

#[tokio::test]
async fn poisoned_protobuf_lies_in_the_dead_letter_queue() {
    poisoned(Format::Protobuf).await;
}

#[tokio::test]
async fn poisoned_json_schema_lies_in_the_dead_letter_queue() {
    poisoned(Format::JsonSchema).await;
}

/// Bytes of no format, an id that nobody gave out, and a frame that is cut.
fn poison(number: usize) -> Vec<u8> {
    match number % 3 {
        0 => b"\x07not a frame".to_vec(),
        1 => b"\0\x7f\xff\xff\xf0whose schema?".to_vec(),
        _ => b"\0\0".to_vec(),
    }
}

fn header<'a>(record: &'a TopicRecord, key: &str) -> &'a str {
    let found = record.headers.iter().rfind(|(name, _)| name == key);
    let value = found.and_then(|(_, value)| value.as_deref());
    let value = value.unwrap_or_else(|| panic!("no header {key} in {:?}", record.headers));
    std::str::from_utf8(value).expect("headers of the queue are text")
}

async fn poisoned(format: Format) {
    let (kafka, s3) = (shared::kafka().await, shared::s3().await);
    let registry_url = shared::registry().await.url();
    let worker = shared::dovetail_worker().await;
    let (topics, rest) = (kafka.topics(), worker.rest());
    let topic = shared::unique("poisoned");
    let clean = format!("{topic}-clean");
    let queue = format!("{topic}-dead-letters");
    let bucket = shared::unique("poisoned-objects");
    for name in [&clean, &topic] {
        topics.create(name, 1).await;
    }
    s3.create_bucket(&bucket).await;
    // Subjects by the name of the record: the sink looks up versions in the subject, and its topic is
    // another one than the source's. Keys are not looked at.
    let by_record = [(
        "value.converter.value.subject.name.strategy",
        "io.confluent.kafka.serializers.subject.RecordNameStrategy",
    )];
    let sent = flights(NUM_RECORDS);
    let file = worker.folder().join(&topic);
    lines::append(&file, &sent);
    rest.run_connector(
        &clean,
        with(
            flights_source(&file, &clean, format, &registry_url),
            &by_record,
        ),
        1,
    )
    .await;
    let mut records = topics.wait_for_records(&clean, NUM_RECORDS).await;
    rest.delete_connector(&clean).await;
    for (number, record) in records.iter_mut().enumerate() {
        record.headers = vec![("mine".into(), Some(number.to_string().into_bytes()))];
        if number % 10 == 0 {
            record.value = Some(poison(number / 10));
        }
    }
    topics.produce(&topic, &records).await;

    let config = flights_sink(&topic, s3, &bucket, format, &registry_url, FLUSH_SIZE);
    let config = with(
        with(config, &by_record),
        &[
            ("key.converter", BYTE_ARRAY_CONVERTER),
            ("errors.tolerance", "all"),
            ("errors.deadletterqueue.topic.name", &queue),
            ("errors.deadletterqueue.topic.replication.factor", "1"),
            ("errors.deadletterqueue.context.headers.enable", "true"),
        ],
    );
    rest.run_connector(&topic, config, 1).await;
    topics
        .wait_for_commit(&sink_group(&topic), &topic, &[NUM_RECORDS as i64])
        .await;

    let good: Vec<Value> = sent
        .iter()
        .enumerate()
        .filter(|(number, _)| number % 10 != 0)
        .map(|(_, line)| transformed(line, format))
        .collect();
    let written = object_lines(s3, &bucket);
    assert_eq!(written.len(), good.len(), "lines in objects");
    for (number, (written, good)) in written.iter().zip(&good).enumerate() {
        assert_eq!(written, good, "good record {number}");
    }
    let dead = topics.wait_for_records(&queue, NUM_BAD).await;
    assert_eq!(dead.len(), NUM_BAD, "records in the dead letter queue");
    for (index, dead) in dead.iter().enumerate() {
        let (number, record) = (index * 10, &records[index * 10]);
        assert_eq!(
            (&dead.key, &dead.value, dead.timestamp_ms),
            (&record.key, &record.value, record.timestamp_ms),
            "dead letter {index}"
        );
        assert_eq!(dead.headers[0], record.headers[0], "own headers come first");
        let names: Vec<&str> = dead.headers[1..]
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "__connect.errors.topic",
                "__connect.errors.partition",
                "__connect.errors.offset",
                "__connect.errors.connector.name",
                "__connect.errors.task.id",
                "__connect.errors.stage",
                "__connect.errors.class.name",
                "__connect.errors.exception.class.name",
                "__connect.errors.exception.message",
                "__connect.errors.exception.stacktrace",
            ]
        );
        for (key, value) in [
            ("topic", topic.as_str()),
            ("partition", "0"),
            ("offset", &number.to_string()),
            ("connector.name", &topic),
            ("task.id", "0"),
            ("stage", "VALUE_CONVERTER"),
            ("class.name", format.converter()),
            (
                "exception.class.name",
                "org.apache.kafka.connect.errors.DataException",
            ),
        ] {
            assert_eq!(
                header(dead, &format!("__connect.errors.{key}")),
                value,
                "{key}"
            );
        }
        let message = header(dead, "__connect.errors.exception.message");
        assert!(
            message.contains(&topic),
            "the message names the topic: {message}"
        );
        let trace = header(dead, "__connect.errors.exception.stacktrace");
        assert!(
            trace.starts_with("org.apache.kafka.connect.errors.DataException: "),
            "{trace}"
        );
    }
    rest.wait_running(&topic, 1).await;
    rest.delete_connector(&topic).await;
}
