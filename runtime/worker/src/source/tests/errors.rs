//! Bad records of a source, row by row of the reference (E01 to E17).

use super::{Fixture, Setup, rows, start_with};
use crate::testing::{
    DeadLetters, context, dead_letter_queue, error_counts, eventually, text_chain,
    transforming_chain,
};
use crate::tolerance::{ErrorPolicy, Tolerance};
use bytes::Bytes;
use connect_api::data::{Schema, Value};
use connect_api::{Header, PlainType, SourceBatch, SourceBytes, SourceOffsets, SourceRecord};
use connect_kafka::error::ErrorCode;
use connect_kafka::producer::SendError;
use std::sync::Arc;
use std::time::Duration;

fn all() -> ErrorPolicy {
    ErrorPolicy {
        tolerance: Tolerance::All,
        ..ErrorPolicy::default()
    }
}

fn start_with_queue(error_policy: ErrorPolicy) -> (Fixture, DeadLetters) {
    let (plan, letters) = dead_letter_queue();
    let fixture = start_with(Setup {
        error_policy,
        wants_acknowledgements: true,
        chain: Some(transforming_chain()),
        dead_letter_queue: Some(plan),
        ..Setup::default()
    });
    (fixture, letters)
}

/// A record each part of which can be made bad.
fn record(key: &str, value: &str, header: &str, offset: i64) -> SourceRecord {
    let SourceBatch::Rows(mut records) = rows(&[(value, offset)]) else {
        panic!("these are rows");
    };
    let mut record = records.remove(0);
    record.record.key = Value::string(key);
    record.record.key_schema = Some(Schema::string());
    record.record.headers = vec![Header::new("h", None, Value::string(header)).unwrap()];
    record
}

#[tokio::test(start_paused = true)]
async fn e05_transforms_headers_key_and_value_come_in_this_order_and_the_first_fault_ends_it() {
    let (fixture, letters) = start_with_queue(all());
    fixture.shared.poll_returns(Ok(SourceBatch::Rows(vec![
        record("bad", "t-bad", "bad", 1),
        record("bad", "bad", "bad", 2),
        record("bad", "bad", "h", 3),
        record("k", "bad", "h", 4),
        record("k", "good", "h", 5),
    ])));
    fixture.writes(&["good"]).await;
    eventually("all bad ones are in the queue", || {
        letters.producer.written().len() == 4
    })
    .await;
    let stages: Vec<String> = letters
        .producer
        .written()
        .iter()
        .map(|letter| context(letter, "stage"))
        .collect();
    assert_eq!(
        stages,
        [
            "TRANSFORMATION",
            "HEADER_CONVERTER",
            "KEY_CONVERTER",
            "VALUE_CONVERTER"
        ]
    );
    assert_eq!(error_counts(&fixture.metrics), [4, 4, 4, 0, 0, 4, 0]);
    fixture.stop().await;
    assert_eq!(fixture.stored_offset().await, Some(5));
}

#[tokio::test(start_paused = true)]
async fn e01_e03_retries_of_a_source_end_with_success_with_a_skip_or_with_the_task() {
    let policy = ErrorPolicy {
        retry_timeout: Some(Duration::from_secs(2)),
        ..all()
    };
    let (fixture, letters) = start_with_queue(policy);
    fixture.shared.poll_returns(Ok(rows(&[
        ("flaky", 1),
        ("hopeless", 2),
        ("bad-fatal", 3),
        ("good", 4),
    ])));
    fixture.writes(&["flaky", "good"]).await;
    eventually("two are in the queue", || letters.values().len() == 2).await;
    assert_eq!(error_counts(&fixture.metrics), [7, 2, 2, 5, 0, 2, 0]);
    fixture.stop().await;
    assert_eq!(fixture.stored_offset().await, Some(4));

    let (fixture, letters) = start_with_queue(ErrorPolicy {
        retry_timeout: None,
        ..all()
    });
    fixture
        .shared
        .poll_returns(Ok(rows(&[("good", 1), ("hopeless", 2), ("next", 3)])));
    eventually("some tries have failed", || {
        error_counts(&fixture.metrics)[0] > 5
    })
    .await;
    fixture.stop().await;
    assert_eq!(fixture.stored_offset().await, Some(1));
    assert!(letters.values().is_empty());
    assert_eq!(fixture.events.names(), ["startup", "shutdown"]);
}

#[tokio::test(start_paused = true)]
async fn e04_a_record_of_a_source_is_reported_before_it_fails_the_task() {
    let (fixture, letters) = start_with_queue(ErrorPolicy {
        log_enable: true,
        ..ErrorPolicy::default()
    });
    fixture
        .shared
        .poll_returns(Ok(rows(&[("good", 1), ("bad", 2), ("next", 3)])));
    fixture.handle.ended().await;
    assert_eq!(letters.producer.written().len(), 1);
    assert_eq!(error_counts(&fixture.metrics), [1, 1, 0, 0, 1, 1, 0]);
    assert_eq!(fixture.stored_offset().await, Some(1));
    assert_eq!(
        fixture.events.failure().unwrap().message(),
        "Tolerance exceeded in error handler"
    );
}

#[tokio::test(start_paused = true)]
async fn a_record_that_was_not_converted_is_queued_as_json() {
    let (fixture, letters) = start_with_queue(all());
    fixture
        .shared
        .poll_returns(Ok(SourceBatch::Rows(vec![record("k", "bad", "h", 7)])));
    eventually("it is in the queue", || !letters.values().is_empty()).await;
    assert_eq!(
        letters.values(),
        [
            "{\"topic\":\"t\",\"kafkaPartition\":null,\"timestamp\":null,\"sourcePartition\":\
             {\"file\":\"a\"},\"sourceOffset\":{\"o\":7},\"keySchema\":\"Schema{STRING}\",\"key\":\
             \"k\",\"valueSchema\":\"Schema{STRING}\",\"value\":\"bad\",\"headers\":[{\"key\":\"h\",\
             \"schema\":null,\"value\":\"h\"}]}"
        ]
    );
    let letter = &letters.producer.written()[0];
    assert_eq!(context(letter, "topic"), "t");
    assert_eq!(context(letter, "source.partition"), "{file=a}");
    assert_eq!(context(letter, "source.offset"), "{o=7}");
    assert_eq!(context(letter, "partition"), "absent");
}

#[tokio::test(start_paused = true)]
async fn no_offset_is_stored_before_the_letter_of_a_record_below_it_is_durable() {
    let (fixture, letters) = start_with_queue(all());
    letters.producer.hold(true);
    fixture
        .shared
        .poll_returns(Ok(rows(&[("a", 1), ("bad", 2), ("b", 3)])));
    fixture.writes(&["a", "b"]).await;
    // The interval comes round.
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(fixture.stored_offset().await, Some(1));
    letters.producer.hold(false);
    fixture.stop().await;
    assert_eq!(fixture.stored_offset().await, Some(3));
    let mut committed = fixture.shared.with(|script| script.committed.clone());
    committed.sort();
    assert_eq!(committed, ["a@0", "b@1", "bad@dropped"]);
}

#[tokio::test(start_paused = true)]
async fn e14_a_refused_record_is_skipped_counted_and_queued_as_it_was_converted() {
    let (fixture, letters) = start_with_queue(ErrorPolicy {
        log_enable: true,
        ..all()
    });
    fixture
        .producer
        .fail_next_delivery(ErrorCode::MESSAGE_TOO_LARGE);
    fixture.shared.poll_returns(Ok(SourceBatch::Rows(vec![
        record("k", "large", "h", 1),
        record("k", "good", "h", 2),
    ])));
    fixture.writes(&["good"]).await;
    eventually("it is in the queue", || letters.values() == ["large"]).await;
    let letter = &letters.producer.written()[0];
    assert_eq!(letter.key.as_deref(), Some(&b"k"[..]));
    assert_eq!(letter.headers[0], ("h".to_string(), Some(Bytes::from("h"))));
    assert_eq!(context(letter, "stage"), "KAFKA_PRODUCE");
    assert_eq!(
        context(letter, "class.name"),
        "org.apache.kafka.connect.runtime.WorkerSourceTask"
    );
    // executeFailed: a failure, and neither an error nor a skipped record.
    assert_eq!(error_counts(&fixture.metrics), [1, 0, 0, 0, 1, 1, 0]);
    fixture.producer.fail_next_send(SendError::RecordTooLarge {
        topic: "t".into(),
        num_bytes: 1,
    });
    fixture.shared.poll_returns(Ok(rows(&[("larger", 3)])));
    eventually("both are in the queue", || {
        letters.values() == ["large", "larger"]
    })
    .await;
    fixture.stop().await;
    assert_eq!(fixture.stored_offset().await, Some(3));
    let mut committed = fixture.shared.with(|script| script.committed.clone());
    committed.sort();
    assert_eq!(committed, ["good@0", "large@dropped", "larger@dropped"]);
}

#[tokio::test(start_paused = true)]
async fn e14_without_a_queue_a_refused_record_is_skipped_and_counted() {
    let fixture = start_with(Setup {
        error_policy: all(),
        ..Setup::default()
    });
    fixture
        .producer
        .fail_next_delivery(ErrorCode::MESSAGE_TOO_LARGE);
    fixture
        .shared
        .poll_returns(Ok(rows(&[("large", 1), ("good", 2)])));
    fixture.writes(&["good"]).await;
    fixture.stop().await;
    assert_eq!(fixture.stored_offset().await, Some(2));
    assert_eq!(error_counts(&fixture.metrics), [1, 0, 0, 0, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn e14_without_tolerance_a_refused_record_fails_the_task_unreported() {
    let (fixture, letters) = start_with_queue(ErrorPolicy::default());
    fixture
        .producer
        .fail_next_delivery(ErrorCode::MESSAGE_TOO_LARGE);
    fixture
        .shared
        .poll_returns(Ok(rows(&[("large", 1), ("good", 2)])));
    fixture.handle.ended().await;
    assert_eq!(
        fixture.events.failure().unwrap().message(),
        "Unrecoverable exception from producer send callback"
    );
    assert_eq!(fixture.stored_offset().await, None);
    assert!(letters.values().is_empty());
    assert_eq!(error_counts(&fixture.metrics), [0; 7]);
}

#[tokio::test(start_paused = true)]
async fn e14_refused_bytes_that_no_converter_touched_are_queued_too() {
    let (plan, letters) = dead_letter_queue();
    let mut chain = text_chain();
    chain.value = Box::new(PlainText);
    let fixture = start_with(Setup {
        error_policy: all(),
        chain: Some(chain),
        dead_letter_queue: Some(plan),
        ..Setup::default()
    });
    fixture
        .producer
        .fail_next_delivery(ErrorCode::MESSAGE_TOO_LARGE);
    fixture
        .shared
        .poll_returns(Ok(SourceBatch::Bytes(SourceBytes {
            topic: "t".into(),
            source_partition: Some(Arc::new(super::partition())),
            value_type: PlainType::String,
            values: vec!["large".into(), "good".into()],
            source_offsets: SourceOffsets::Int64 {
                field: "o".into(),
                values: vec![1, 2],
            },
            timestamp: Some(5),
        })));
    fixture.writes(&["good"]).await;
    eventually("it is in the queue", || letters.values() == ["large"]).await;
    assert_eq!(letters.producer.written()[0].timestamp_ms, Some(5));
    fixture.stop().await;
    assert_eq!(fixture.stored_offset().await, Some(2));
}

/// A converter that lets text through as it is.
struct PlainText;

impl connect_api::Converter for PlainText {
    fn configure(
        &mut self,
        _: &connect_api::config::ConfigMap,
        _: connect_api::ConverterType,
    ) -> connect_api::Result<()> {
        Ok(())
    }

    fn plain_type(&self) -> Option<PlainType> {
        Some(PlainType::String)
    }

    fn to_connect_data(
        &mut self,
        _: connect_api::RawMessage<'_>,
    ) -> connect_api::Result<connect_api::SchemaAndValue> {
        Err(connect_api::ConnectError::fatal("bytes pass by"))
    }

    fn from_connect_data(
        &mut self,
        _: &str,
        _: &mut Vec<connect_api::RawHeader>,
        _: Option<&connect_api::data::SchemaRef>,
        _: &Value,
        _: &mut bytes::BytesMut,
    ) -> connect_api::Result<connect_api::Encoded> {
        Err(connect_api::ConnectError::fatal("bytes pass by"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_dead_letter_fails_the_source_task_and_holds_its_offset_back() {
    let (fixture, letters) = start_with_queue(all());
    letters
        .producer
        .fail_next_delivery(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    fixture
        .shared
        .poll_returns(Ok(rows(&[("a", 1), ("bad", 2), ("b", 3)])));
    fixture.handle.ended().await;
    assert_eq!(
        fixture.events.failure().unwrap().message(),
        "Could not produce message to dead letter queue. topic=dlq"
    );
    assert_eq!(fixture.stored_offset().await, Some(1));
    assert_eq!(error_counts(&fixture.metrics), [1, 1, 1, 0, 0, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_transform_may_change_a_record_but_the_task_hears_of_its_own() {
    let (fixture, _letters) = start_with_queue(all());
    let record = record("k", "rename", "h", 1);
    fixture
        .shared
        .poll_returns(Ok(SourceBatch::Rows(vec![record])));
    fixture.writes(&["renamed"]).await;
    fixture.stop().await;
    assert_eq!(
        fixture.shared.with(|script| script.committed.clone()),
        ["rename@0"]
    );
}
