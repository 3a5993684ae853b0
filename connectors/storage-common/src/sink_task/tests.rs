//! The task on a store in memory: when objects appear, what is committed, and what faults do.

mod bounds;
mod fixture;
mod properties;
mod schemas;
mod views;

use super::*;
use crate::memory::{Fate, MemoryStore, Request};
use connect_api::ConnectError;
use fixture::{Fixture, record};

fn rows(offsets: impl IntoIterator<Item = i64>) -> SinkBatch {
    SinkBatch::Rows(offsets.into_iter().map(record).collect())
}

#[tokio::test(start_paused = true)]
async fn offsets_are_offered_only_once_objects_are_complete() {
    let mut fixture = Fixture::start(&[("flush.size", "3")]).await;
    fixture.task.put(&rows(0..2)).await.unwrap();
    assert_eq!(fixture.committed().await, None);
    fixture.task.put(&rows(2..4)).await.unwrap();
    assert_eq!(fixture.committed().await, Some(3));
    assert_eq!(fixture.lines(), [(0, vec![0, 1, 2])]);
    fixture.close().await;
    assert_eq!(fixture.lines(), [(0, vec![0, 1, 2])]);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_commits_every_open_file_and_closing_none() {
    let mut fixture = Fixture::start(&[
        ("flush.size", "4"),
        ("partitioner.class", fixture::TIME_BASED),
        ("partition.duration.ms", "1000"),
        ("path.format", "ss"),
        ("locale", "en"),
        ("timezone", "UTC"),
        ("timestamp.extractor", "Record"),
    ])
    .await;
    // Offset 7 is in the second of its own.
    let at = |offset: i64, seconds: i64| {
        let mut record = record(offset);
        record.record.timestamp = Some(seconds * 1000);
        record
    };
    let batch = vec![at(4, 1), at(5, 2), at(6, 1), at(7, 3), at(8, 1)];
    fixture.task.put(&SinkBatch::Rows(batch)).await.unwrap();
    assert_eq!(fixture.committed().await, Some(8));
    assert_eq!(
        fixture.store.objects().into_keys().collect::<Vec<_>>(),
        [
            "topics/t/01/t+0+0000000004.json",
            "topics/t/02/t+0+0000000005.json",
            "topics/t/03/t+0+0000000007.json",
        ]
    );
    fixture.close().await;
    assert_eq!(fixture.store.objects().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_failure_for_the_time_being_reads_the_partition_again_after_a_pause() {
    let mut fixture = Fixture::start(&[("flush.size", "2"), ("retry.backoff.ms", "700")]).await;
    fixture.task.put(&rows(10..12)).await.unwrap();
    assert_eq!(fixture.committed().await, Some(12));
    fixture.store.set_fault_plan(|_, request| match request {
        Request::Complete => Fate::Refused(ConnectError::retriable("SlowDown")),
        _ => Fate::Done,
    });
    fixture.task.put(&rows(12..17)).await.unwrap();
    assert_eq!(fixture.committed().await, Some(12));
    fixture.task.put(&SinkBatch::empty()).await.unwrap();
    let requests = fixture.context.take_requests();
    assert_eq!(requests.rewind, Offsets::from([(fixture::partition(), 12)]));
    assert!(requests.pause.contains(&fixture::partition()));
    assert_eq!(requests.timeout, Some(Duration::from_millis(700)));
    assert_eq!(fixture.store.open_uploads(), Vec::<String>::new());

    // Until the pause is over nothing is taken, and the rewind stands.
    fixture.task.put(&rows(17..19)).await.unwrap();
    assert_eq!(fixture.context.take_requests().rewind.len(), 1);
    fixture.store.set_fault_plan(|_, _| Fate::Done);
    tokio::time::advance(Duration::from_millis(700)).await;
    fixture.task.put(&SinkBatch::empty()).await.unwrap();
    let requests = fixture.context.take_requests();
    assert!(requests.resume.contains(&fixture::partition()));
    fixture.task.put(&rows(12..17)).await.unwrap();
    assert_eq!(fixture.committed().await, Some(16));
    assert_eq!(
        fixture.lines(),
        [(10, vec![10, 11]), (12, vec![12, 13]), (14, vec![14, 15])]
    );
    fixture.close().await;
}

#[tokio::test(start_paused = true)]
async fn requests_are_tried_again_and_a_lost_answer_does_no_harm() {
    let mut fixture = Fixture::start(&[("flush.size", "2")]).await;
    fixture.store.set_fault_plan(|number, _| match number % 3 {
        0 => Fate::Refused(ConnectError::retriable("InternalError")),
        1 => Fate::AnswerLost(ConnectError::retriable("timeout")),
        _ => Fate::Done,
    });
    fixture.task.put(&rows(0..2)).await.unwrap();
    assert_eq!(fixture.committed().await, Some(2));
    assert_eq!(fixture.lines(), [(0, vec![0, 1])]);
    fixture.task.put(&SinkBatch::empty()).await.unwrap();
    assert!(fixture.context.take_requests().rewind.is_empty());
}

#[tokio::test(start_paused = true)]
async fn any_other_failure_fails_the_task_and_leaves_nothing_behind() {
    let mut fixture = Fixture::start(&[("flush.size", "2")]).await;
    fixture.store.set_fault_plan(|_, request| match request {
        Request::Part => Fate::Refused(ConnectError::fatal("HTTP 403 AccessDenied")),
        _ => Fate::Done,
    });
    fixture.task.put(&rows(0..2)).await.unwrap();
    assert_eq!(fixture.committed().await, None);
    let error = fixture.task.put(&SinkBatch::empty()).await.unwrap_err();
    assert_eq!(error.message(), "Part upload failed: HTTP 403 AccessDenied");
    assert_eq!(error.kind(), ErrorKind::Fatal);
    fixture.close().await;
    assert!(fixture.store.objects().is_empty());
}

#[tokio::test(start_paused = true)]
async fn null_values_fail_or_are_left_out_and_committed() {
    let mut null = record(1);
    null.record.value = connect_api::data::Value::Null;
    let batch = SinkBatch::Rows(vec![record(0), null.clone(), record(2)]);

    let mut strict = Fixture::start(&[]).await;
    let error = strict.task.put(&batch).await.unwrap_err();
    assert!(
        error.message().starts_with(
            "Null valued records are not writeable with current behavior.on.null.values 'settings."
        ),
        "{error}"
    );
    assert!(error.message().contains("t-0@1"), "{error}");

    let mut lenient =
        Fixture::start(&[("behavior.on.null.values", "IGNORE"), ("flush.size", "2")]).await;
    lenient.task.put(&batch).await.unwrap();
    assert_eq!(lenient.committed().await, Some(3));
    assert_eq!(lenient.lines(), [(0, vec![0, 2])]);
    null.origin.kafka_offset = 3;
    lenient
        .task
        .put(&SinkBatch::Rows(vec![null]))
        .await
        .unwrap();
    assert_eq!(lenient.committed().await, Some(4));
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_rotation_needs_no_record_and_asks_to_be_called() {
    let mut fixture = Fixture::start(&[
        ("flush.size", "100"),
        ("rotate.schedule.interval.ms", "60000"),
        ("timezone", "UTC"),
    ])
    .await;
    fixture.task.put(&rows(0..1)).await.unwrap();
    let timeout = fixture.context.take_requests().timeout.unwrap();
    assert!(timeout <= Duration::from_secs(60), "{timeout:?}");
    tokio::time::advance(timeout - Duration::from_millis(1)).await;
    fixture.task.put(&SinkBatch::empty()).await.unwrap();
    assert_eq!(fixture.committed().await, None);
    tokio::time::advance(Duration::from_millis(1)).await;
    fixture.task.put(&SinkBatch::empty()).await.unwrap();
    assert_eq!(fixture.committed().await, Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_file_larger_than_a_part_streams_out_while_it_is_open() {
    for compression in ["none", "gzip"] {
        let mut fixture = Fixture::start_on(
            MemoryStore::new(64 * 1024),
            &[("flush.size", "2000")],
            compression,
        )
        .await;
        for start in (0..2000).step_by(100) {
            let batch = (start..start + 100).map(fixture::large_record).collect();
            fixture.task.put(&SinkBatch::Rows(batch)).await.unwrap();
        }
        assert_eq!(fixture.committed().await, Some(2000));
        let offsets: Vec<i64> = (0..2000).collect();
        assert_eq!(fixture.lines(), [(0, offsets)]);
        // Beside the start and the end there were several parts.
        assert!(fixture.store.num_requests() >= 5, "{compression}");
        fixture.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn records_that_come_again_begin_their_file_anew() {
    let mut fixture = Fixture::start(&[("flush.size", "4")]).await;
    fixture.task.put(&rows(0..3)).await.unwrap();
    fixture.task.put(&rows(0..5)).await.unwrap();
    assert_eq!(fixture.committed().await, Some(4));
    assert_eq!(fixture.lines(), [(0, vec![0, 1, 2, 3])]);
}
