//! Bad records of a sink, row by row of the reference (E01 to E17).

use super::{Fixture, Setup, append, partition, start_as, takes};
use crate::testing::{
    DeadLetters, context, dead_letter_queue, error_counts, error_metric, eventually,
    transforming_chain,
};
use crate::tolerance::{ErrorPolicy, Tolerance};
use connect_api::ConnectError;
use connect_kafka::admin::{Admin, AdminError};
use connect_kafka::consumer::FakeRecord;
use connect_kafka::error::ErrorCode;
use std::time::Duration;

fn all() -> ErrorPolicy {
    ErrorPolicy {
        tolerance: Tolerance::All,
        ..ErrorPolicy::default()
    }
}

/// A task with a dead letter queue, and partition 0 of its topic.
fn start_with_queue(error_policy: ErrorPolicy) -> (Fixture, DeadLetters) {
    let (plan, letters) = dead_letter_queue();
    let fixture = start_as(Setup {
        error_policy,
        chain: transforming_chain(),
        dead_letter_queue: Some(plan),
        ..Setup::default()
    });
    fixture.consumer.assign(&[partition(0)]);
    (fixture, letters)
}

async fn stop(fixture: &Fixture) {
    fixture.handle.stop();
    fixture.handle.ended().await;
}

/// A good record among which each part of a record can be made bad.
fn record(key: &str, value: &str, header: &str) -> FakeRecord {
    FakeRecord {
        key: Some(key.into()),
        value: Some(value.into()),
        headers: vec![("h".into(), Some(header.into()))],
        timestamp_ms: 1_000,
    }
}

#[tokio::test(start_paused = true)]
async fn e01_every_kind_of_error_is_tolerated_in_converters_and_transforms_alone() {
    let (fixture, letters) = start_with_queue(all());
    let mut records = Vec::new();
    for fault in ["bad", "bad-config", "bad-fatal", "hopeless"] {
        records.push(record(fault, "v", "h"));
        records.push(record("k", fault, "h"));
        records.push(record("k", "v", fault));
        records.push(record("k", &format!("t-{fault}"), "h"));
        records.push(record("k", &format!("p-{fault}"), "h"));
    }
    let num_bad = records.len();
    records.push(FakeRecord::value("good"));
    fixture.consumer.append(&partition(0), records);
    takes(&fixture, &["good"]).await;
    eventually("all bad ones are in the queue", || {
        letters.producer.written().len() == num_bad
    })
    .await;
    let stages: Vec<String> = letters
        .producer
        .written()
        .iter()
        .take(5)
        .map(|letter| context(letter, "stage"))
        .collect();
    assert_eq!(
        stages,
        [
            "KEY_CONVERTER",
            "VALUE_CONVERTER",
            "HEADER_CONVERTER",
            "TRANSFORMATION",
            "TRANSFORMATION"
        ]
    );
    // What put throws is nobody's bad record.
    fixture
        .script
        .with(|script| script.puts.push_back(ConnectError::data("disk full")));
    append(&fixture, 0, &["next"]);
    fixture.handle.ended().await;
    assert_eq!(
        fixture.events.failure().unwrap().message(),
        "Exiting WorkerSinkTask due to unrecoverable exception."
    );
    assert_eq!(letters.producer.written().len(), num_bad);
}

#[tokio::test(start_paused = true)]
async fn e02_a_retriable_error_that_outlives_its_time_is_skipped_only_if_all_is_tolerated() {
    let retry = |tolerance| ErrorPolicy {
        tolerance,
        retry_timeout: Some(Duration::from_secs(2)),
        ..ErrorPolicy::default()
    };
    let (fixture, letters) = start_with_queue(retry(Tolerance::All));
    append(&fixture, 0, &["hopeless", "good"]);
    takes(&fixture, &["good"]).await;
    stop(&fixture).await;
    assert_eq!(letters.values(), ["hopeless"]);
    assert_eq!(fixture.consumer.committed(&partition(0)), Some(2));

    // Decision 6: the JVM worker drops it here too.
    let (fixture, letters) = start_with_queue(retry(Tolerance::None));
    append(&fixture, 0, &["hopeless", "good"]);
    fixture.handle.ended().await;
    assert_eq!(
        fixture.events.failure().unwrap().message(),
        "Tolerance exceeded in error handler"
    );
    assert_eq!(letters.values(), ["hopeless"]);
    assert_eq!(fixture.consumer.committed(&partition(0)), None);
    // Tries after 0, 300, 900 and 2000 ms.
    assert_eq!(error_counts(&fixture.metrics), [4, 1, 0, 3, 0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn e03_a_pause_between_tries_ends_when_the_task_is_stopped() {
    let (fixture, letters) = start_with_queue(ErrorPolicy {
        retry_timeout: None,
        retry_delay_max: Duration::from_hours(1),
        ..all()
    });
    append(&fixture, 0, &["good", "hopeless"]);
    eventually("some tries have failed", || {
        error_counts(&fixture.metrics)[0] > 5
    })
    .await;
    let before = tokio::time::Instant::now();
    stop(&fixture).await;
    assert!(before.elapsed() < Duration::from_secs(1));
    assert_eq!(fixture.events.names(), ["startup", "shutdown"]);
    assert!(letters.values().is_empty());
    assert_eq!(fixture.consumer.committed(&partition(0)), None);
}

#[tokio::test(start_paused = true)]
async fn e03_each_operation_has_its_own_time_for_retries() {
    let (fixture, letters) = start_with_queue(ErrorPolicy {
        retry_timeout: Some(Duration::from_secs(1)),
        ..all()
    });
    // Key, value and header fail twice each: together that takes 2.7 s.
    fixture
        .consumer
        .append(&partition(0), [record("flaky", "flaky", "flaky")]);
    takes(&fixture, &["flaky"]).await;
    assert!(letters.values().is_empty());
    assert_eq!(error_counts(&fixture.metrics), [6, 0, 0, 6, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn e04_a_record_is_reported_before_it_fails_the_task() {
    let (fixture, letters) = start_with_queue(ErrorPolicy {
        log_enable: true,
        ..ErrorPolicy::default()
    });
    append(&fixture, 0, &["good", "bad", "worse"]);
    fixture.handle.ended().await;
    assert_eq!(letters.values(), ["bad"]);
    assert_eq!(error_counts(&fixture.metrics), [1, 1, 0, 0, 1, 1, 0]);
    assert_eq!(fixture.consumer.committed(&partition(0)), None);
    assert!(letters.producer.is_closed());
}

#[tokio::test(start_paused = true)]
async fn e05_key_value_headers_and_transforms_come_in_this_order_and_the_first_fault_ends_it() {
    let (fixture, letters) = start_with_queue(all());
    fixture.consumer.append(
        &partition(0),
        [
            record("bad", "bad", "bad"),
            record("k", "bad", "bad"),
            record("k", "t-bad", "bad"),
            record("k", "t-bad", "h"),
        ],
    );
    eventually("all are in the queue", || {
        letters.producer.written().len() == 4
    })
    .await;
    let written = letters.producer.written();
    let stages: Vec<String> = written
        .iter()
        .map(|letter| context(letter, "stage"))
        .collect();
    assert_eq!(
        stages,
        [
            "KEY_CONVERTER",
            "VALUE_CONVERTER",
            "HEADER_CONVERTER",
            "TRANSFORMATION"
        ]
    );
    assert_eq!(context(&written[3], "class.name"), "test.TextTransform");
    assert_eq!(context(&written[3], "transform.alias"), "mend");
    assert_eq!(context(&written[3], "predicate.alias"), "absent");
    assert_eq!(error_counts(&fixture.metrics), [4, 4, 4, 0, 0, 4, 0]);
}

#[tokio::test(start_paused = true)]
async fn e05_a_predicate_fails_under_the_class_of_its_transform() {
    let (fixture, letters) = start_with_queue(all());
    append(&fixture, 0, &["p-bad"]);
    eventually("it is in the queue", || !letters.values().is_empty()).await;
    let letter = &letters.producer.written()[0];
    assert_eq!(context(letter, "class.name"), "test.TextTransform");
    assert_eq!(context(letter, "predicate.alias"), "is-text");
}

#[tokio::test(start_paused = true)]
async fn e07_the_topic_is_made_at_the_start_or_the_task_fails() {
    let (fixture, letters) = start_with_queue(all());
    eventually("the task has started", || {
        fixture.events.names() == ["startup"]
    })
    .await;
    let topic = letters.admin.describe_topic("dlq").await.unwrap().unwrap();
    assert_eq!(topic.num_partitions, 1);

    let (plan, letters) = dead_letter_queue();
    letters.admin.fail_next(
        "create_topic",
        AdminError::InvalidReplicationFactor {
            operation: "creating topic dlq".into(),
        },
    );
    let fixture = start_as(Setup {
        dead_letter_queue: Some(plan),
        ..Setup::default()
    });
    fixture.handle.ended().await;
    assert_eq!(fixture.events.names(), ["failed"]);
    let trace = fixture.events.failure().unwrap().trace();
    let mut lines = trace.lines();
    assert_eq!(
        lines.next(),
        Some(
            "org.apache.kafka.connect.errors.ConnectException: Could not initialize dead letter \
             queue with topic=dlq"
        )
    );
    let cause = lines.next().unwrap();
    assert!(
        cause.starts_with(
            "Caused by: java.util.concurrent.ExecutionException: \
             org.apache.kafka.common.errors.InvalidReplicationFactorException: "
        ),
        "{cause}"
    );
    assert!(
        cause.contains("errors.deadletterqueue.topic.replication.factor"),
        "{cause}"
    );
    assert!(!fixture.script.called("start"));
}

#[tokio::test(start_paused = true)]
async fn e08_a_dead_letter_has_the_original_bytes_and_e09_its_context_behind_its_own_headers() {
    let (fixture, letters) = start_with_queue(all());
    fixture.consumer.assign(&[partition(3)]);
    let mut original = record("k", "bad \u{fffd} bytes", "h");
    original.key = Some(vec![0, 159, 146, 150]);
    original.headers.push(("h".into(), None));
    original
        .headers
        .push(("__connect.errors.topic".into(), Some(b"earlier".to_vec())));
    fixture
        .consumer
        .append(&partition(3), [FakeRecord::value("good"), original.clone()]);
    eventually("it is in the queue", || !letters.values().is_empty()).await;
    let letter = &letters.producer.written()[0];
    assert_eq!(letter.topic, "dlq");
    // The fake puts records without a partition into the first.
    assert_eq!(letter.partition, 0);
    assert_eq!(letter.key.as_deref(), original.key.as_deref());
    assert_eq!(letter.value.as_deref(), original.value.as_deref());
    assert_eq!(letter.timestamp_ms, Some(1_000));
    let (own, added) = letter.headers.split_at(original.headers.len());
    let own: Vec<_> = own
        .iter()
        .map(|(key, value)| (key.clone(), value.as_ref().map(|value| value.to_vec())))
        .collect();
    assert_eq!(own, original.headers);
    assert_eq!(added.len(), 10);
    assert_eq!(context(letter, "topic"), "t");
    assert_eq!(context(letter, "partition"), "3");
    assert_eq!(context(letter, "offset"), "1");
    assert_eq!(context(letter, "connector.name"), "c");
    assert_eq!(context(letter, "task.id"), "0");
    assert_eq!(context(letter, "class.name"), "test.TextConverter");
    assert_eq!(
        context(letter, "exception.class.name"),
        "org.apache.kafka.connect.errors.DataException"
    );
    assert_eq!(
        context(letter, "exception.message"),
        "cannot convert bad \u{fffd} bytes"
    );
}

#[tokio::test(start_paused = true)]
async fn e11_no_offset_is_committed_before_the_report_of_a_record_below_it_is_durable() {
    let (fixture, letters) = start_with_queue(all());
    letters.producer.hold(true);
    append(&fixture, 0, &["good", "errant", "bad", "better"]);
    takes(&fixture, &["good", "better"]).await;
    let context = fixture
        .script
        .with(|script| script.context.clone())
        .unwrap();
    context.request_commit();
    append(&fixture, 0, &["more"]);
    eventually("a commit was asked for, in vain", || {
        fixture.script.called("pre_commit")
    })
    .await;
    assert_eq!(fixture.consumer.committed(&partition(0)), None);
    assert_eq!(letters.producer.pending().len(), 2);
    letters.producer.hold(false);
    stop(&fixture).await;
    assert_eq!(fixture.consumer.committed(&partition(0)), Some(5));
    let mut values = letters.values();
    values.sort();
    assert_eq!(values, ["bad", "errant"]);
    assert_eq!(error_counts(&fixture.metrics), [2, 1, 1, 0, 0, 2, 0]);
}

#[tokio::test(start_paused = true)]
async fn e11_what_the_task_reports_keeps_its_original_bytes() {
    let (fixture, letters) = start_with_queue(all());
    let original = record("k", "errant", "h");
    fixture
        .consumer
        .append(&partition(0), [FakeRecord::value("good"), original.clone()]);
    eventually("it is in the queue", || !letters.values().is_empty()).await;
    let letter = &letters.producer.written()[0];
    assert_eq!(letter.key.as_deref(), original.key.as_deref());
    assert_eq!(letter.timestamp_ms, Some(1_000));
    assert_eq!(letter.headers[0].0, "h");
    assert_eq!(context(letter, "stage"), "TASK_PUT");
    assert_eq!(
        context(letter, "class.name"),
        "org.apache.kafka.connect.sink.SinkTask"
    );
    assert_eq!(context(letter, "offset"), "1");
    assert_eq!(context(letter, "exception.message"), "cannot write errant");
}

#[tokio::test(start_paused = true)]
async fn e11_a_task_has_a_reporter_only_if_errors_are_logged_or_queued() {
    let has_reporter = async |setup: Setup| {
        let fixture = start_as(setup);
        eventually("the task has started", || fixture.script.called("start")).await;
        let context = fixture
            .script
            .with(|script| script.context.clone())
            .unwrap();
        context.errant_record_reporter().is_some()
    };
    assert!(!has_reporter(Setup::default()).await);
    assert!(
        has_reporter(Setup {
            error_policy: ErrorPolicy {
                log_enable: true,
                ..ErrorPolicy::default()
            },
            ..Setup::default()
        })
        .await
    );
    let (plan, _letters) = dead_letter_queue();
    assert!(
        has_reporter(Setup {
            dead_letter_queue: Some(plan),
            ..Setup::default()
        })
        .await
    );
}

#[tokio::test(start_paused = true)]
async fn e12_a_report_fails_put_although_the_task_keeps_its_error_to_itself() {
    for swallows_errors in [false, true] {
        let (fixture, letters) = start_with_queue(ErrorPolicy::default());
        fixture
            .script
            .with(|script| script.swallows_errors = swallows_errors);
        append(&fixture, 0, &["good", "errant", "better"]);
        fixture.handle.ended().await;
        assert_eq!(
            fixture.events.failure().unwrap().trace(),
            "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to \
             unrecoverable exception.\n\
             Caused by: org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in \
             error handler\n\
             Caused by: org.apache.kafka.connect.errors.DataException: cannot write errant \
             (TASK_PUT of consumed record is {topic='t', partition=0, offset=1, timestamp=0, \
             timestampType=CreateTime})\n"
        );
        assert_eq!(letters.values(), ["errant"]);
        assert_eq!(fixture.consumer.committed(&partition(0)), None);
        assert_eq!(error_counts(&fixture.metrics), [1, 1, 0, 0, 0, 1, 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn e13_metrics_count_each_path_as_the_jvm_worker_does() {
    let policy = ErrorPolicy {
        retry_timeout: Some(Duration::from_secs(1)),
        log_enable: true,
        ..all()
    };
    let (fixture, letters) = start_with_queue(policy);
    let counts = async |what: &str, expected: [u64; 7]| {
        eventually(what, || error_counts(&fixture.metrics) == expected).await;
    };
    append(&fixture, 0, &["flaky"]);
    counts("two tries fail, two are made again", [2, 0, 0, 2, 0, 0, 0]).await;
    append(&fixture, 0, &["bad"]);
    counts("a record is skipped", [3, 1, 1, 2, 1, 1, 0]).await;
    append(&fixture, 0, &["errant"]);
    counts("a reported record is no skipped one", [4, 1, 1, 2, 2, 2, 0]).await;
    append(&fixture, 0, &["hopeless"]);
    // Tries after 0, 300, 900 and 1000 ms.
    counts("time for retries is over", [8, 2, 2, 5, 3, 3, 0]).await;
    assert!(error_metric(&fixture.metrics, "last_error_timestamp") >= 1_000.0);
    letters
        .producer
        .fail_next_delivery(ErrorCode::MESSAGE_TOO_LARGE);
    append(&fixture, 0, &["bad for ever"]);
    counts("a letter is lost", [9, 3, 3, 5, 4, 4, 1]).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_dead_letter_fails_the_task_and_the_record_is_read_again() {
    let (fixture, letters) = start_with_queue(all());
    append(&fixture, 0, &["good"]);
    takes(&fixture, &["good"]).await;
    letters
        .producer
        .fail_next_delivery(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    append(&fixture, 0, &["bad", "better"]);
    fixture.handle.ended().await;
    let trace = fixture.events.failure().unwrap().trace();
    assert!(
        trace.starts_with(
            "org.apache.kafka.connect.errors.ConnectException: Could not produce message to dead \
             letter queue. topic=dlq\nCaused by: org.apache.kafka.common.KafkaException: "
        ),
        "{trace}"
    );
    assert!(
        trace.contains("grant the producer's principal WRITE"),
        "{trace}"
    );
    // Nothing at or behind the lost letter.
    assert_eq!(fixture.consumer.committed(&partition(0)), None);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_holds_the_task_back_and_loses_nothing() {
    let (fixture, letters) = start_with_queue(all());
    letters.producer.set_max_pending(Some(1));
    letters.producer.hold(true);
    // Larger together than what may be in flight.
    let values: Vec<String> = (0..40).map(|number| format!("bad {number}")).collect();
    let key = "x".repeat(1 << 20);
    let records = values.iter().map(|value| record(&key, value, "h"));
    fixture
        .consumer
        .append(&partition(0), records.collect::<Vec<_>>());
    append(&fixture, 0, &["good"]);
    eventually("the queue is full", || {
        error_counts(&fixture.metrics)[5] == 16
    })
    .await;
    tokio::time::advance(Duration::from_mins(5)).await;
    assert_eq!(error_counts(&fixture.metrics)[5], 16);
    assert!(fixture.script.taken().is_empty());
    letters.producer.set_max_pending(None);
    letters.producer.hold(false);
    takes(&fixture, &["good"]).await;
    stop(&fixture).await;
    assert_eq!(letters.values(), values);
    assert_eq!(fixture.consumer.committed(&partition(0)), Some(41));
}

#[tokio::test(start_paused = true)]
async fn reports_of_lost_partitions_hold_nothing_back_when_they_return() {
    let (fixture, letters) = start_with_queue(all());
    letters.producer.hold(true);
    append(&fixture, 0, &["bad", "good"]);
    takes(&fixture, &["good"]).await;
    fixture.consumer.lose(&[partition(0)]);
    fixture.consumer.assign(&[partition(0)]);
    takes(&fixture, &["good", "good"]).await;
    assert_eq!(letters.producer.pending().len(), 2);
    letters.producer.acknowledge(1);
    stop_soon(&fixture, &letters).await;
    assert_eq!(fixture.consumer.committed(&partition(0)), Some(2));
    assert_eq!(letters.values(), ["bad", "bad"]);
}

/// Stops a task whose last letters are acknowledged while it ends.
async fn stop_soon(fixture: &Fixture, letters: &DeadLetters) {
    fixture.handle.stop();
    letters.producer.hold(false);
    fixture.handle.ended().await;
}

#[tokio::test(start_paused = true)]
async fn a_poisoned_record_comes_again_after_a_restart_of_the_task() {
    let (fixture, letters) = start_with_queue(ErrorPolicy::default());
    append(&fixture, 0, &["good"]);
    takes(&fixture, &["good"]).await;
    append(&fixture, 0, &["bad"]);
    fixture.handle.ended().await;
    assert_eq!(fixture.consumer.committed(&partition(0)), Some(1));
    assert_eq!(letters.values(), ["bad"]);
    let (plan, letters) = dead_letter_queue();
    let again = start_as(Setup {
        dead_letter_queue: Some(plan),
        ..Setup::default()
    });
    again.consumer.set_committed(&partition(0), 1);
    append(&again, 0, &["good", "bad"]);
    again.consumer.assign(&[partition(0)]);
    again.handle.ended().await;
    assert_eq!(letters.values(), ["bad"]);
    assert!(again.script.taken().is_empty());
    assert_eq!(
        again.events.failure().unwrap().message(),
        "Tolerance exceeded in error handler"
    );
}
