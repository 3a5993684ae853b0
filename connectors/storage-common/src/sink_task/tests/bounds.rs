//! Bounds on open files and memory, names that are taken, and what the store is told of objects.

use super::fixture::{Fixture, large_record, record};
use super::*;
use crate::store::CompletedObject;

const SCHEDULED: [(&str, &str); 3] = [
    ("rotate.schedule.interval.ms", "60000"),
    ("timezone", "UTC"),
    ("enable.conditional.writes", "true"),
];

fn object(start: i64) -> String {
    format!("topics/t/partition=0/t+0+{start:010}.json")
}

#[tokio::test(start_paused = true)]
async fn the_store_is_told_what_an_object_holds() {
    let mut fixture = Fixture::start(&[("flush.size", "3")]).await;
    fixture.task.put(&rows([4, 6, 9, 11])).await.unwrap();
    assert_eq!(fixture.committed().await, Some(10));
    assert_eq!(
        fixture.store.labels(),
        [CompletedObject {
            key: object(4),
            start_offset: 4,
            end_offset: 9,
            num_records: 3,
        }]
    );
    fixture.close().await;
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_labelled_is_not_offered() {
    let mut fixture = Fixture::start(&[("flush.size", "2")]).await;
    fixture.store.set_fault_plan(|_, request| match request {
        Request::Label => Fate::Refused(ConnectError::fatal("Unable to tag")),
        _ => Fate::Done,
    });
    fixture.task.put(&rows(0..2)).await.unwrap();
    assert_eq!(fixture.committed().await, None);
    let error = fixture.task.put(&SinkBatch::empty()).await.unwrap_err();
    assert_eq!(error.message(), "Unable to tag");
    fixture.close().await;
}

#[tokio::test(start_paused = true)]
async fn one_more_file_than_allowed_commits_the_others() {
    let mut fixture = Fixture::start(&[
        ("flush.size", "100"),
        ("partitioner.max.open.files", "2"),
        ("partitioner.class", fixture::TIME_BASED),
        ("partition.duration.ms", "1000"),
        ("path.format", "ss"),
        ("locale", "en"),
        ("timezone", "UTC"),
        ("timestamp.extractor", "Record"),
    ])
    .await;
    let at = |offset: i64, second: i64| {
        let mut record = record(offset);
        record.record.timestamp = Some(second * 1000);
        record
    };
    let batch = vec![at(0, 1), at(1, 2), at(2, 1), at(3, 3)];
    fixture.task.put(&SinkBatch::Rows(batch)).await.unwrap();
    assert_eq!(fixture.committed().await, Some(3));
    assert_eq!(fixture.lines(), [(0, vec![0, 2]), (1, vec![1])]);
    fixture.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_is_passed_over_and_so_are_its_successors() {
    let store = MemoryStore::new(0).never_replacing();
    store.put(&object(10), b"10\n");
    store.put(&object(11), b"11\n12\n");
    let config = [
        &SCHEDULED[..],
        &[("flush.size", "4"), ("retry.backoff.ms", "5")],
    ]
    .concat();
    let mut fixture = Fixture::start_on(store, &config, "none").await;
    fixture.task.put(&rows(10..14)).await.unwrap();
    assert_eq!(fixture.committed().await, None);
    fixture.task.put(&SinkBatch::empty()).await.unwrap();
    // 10 and 11 are taken, 12 is the first free one.
    let requests = fixture.context.take_requests();
    assert_eq!(requests.rewind, Offsets::from([(fixture::partition(), 12)]));
    assert_eq!(fixture.store.open_uploads(), Vec::<String>::new());
    tokio::time::advance(Duration::from_millis(5)).await;
    fixture.task.put(&SinkBatch::empty()).await.unwrap();
    fixture.task.put(&rows(12..16)).await.unwrap();
    assert_eq!(fixture.committed().await, Some(16));
    assert_eq!(
        fixture.lines(),
        [
            (10, vec![10]),
            (11, vec![11, 12]),
            (12, vec![12, 13, 14, 15])
        ]
    );
    fixture.close().await;
}

#[tokio::test(start_paused = true)]
async fn files_after_a_taken_one_are_not_passed_over() {
    let store = MemoryStore::new(0).never_replacing();
    // Of the two files of a rotation only the first is there.
    store.put("topics/t/01/t+0+0000000000.json", b"0\n2\n");
    let config = [
        &SCHEDULED[..],
        &[
            ("flush.size", "3"),
            ("partitioner.class", fixture::TIME_BASED),
            ("partition.duration.ms", "1000"),
            ("path.format", "ss"),
            ("locale", "en"),
            ("timestamp.extractor", "Record"),
        ],
    ]
    .concat();
    let mut fixture = Fixture::start_on(store, &config, "none").await;
    let at = |offset: i64, second: i64| {
        let mut record = record(offset);
        record.record.timestamp = Some(second * 1000);
        record
    };
    let batch = vec![at(0, 1), at(1, 2), at(2, 1)];
    fixture.task.put(&SinkBatch::Rows(batch)).await.unwrap();
    assert_eq!(fixture.committed().await, None);
    fixture.task.put(&SinkBatch::empty()).await.unwrap();
    let requests = fixture.context.take_requests();
    assert_eq!(requests.rewind, Offsets::from([(fixture::partition(), 1)]));
    fixture.close().await;
}

#[tokio::test(start_paused = true)]
async fn names_are_conditional_only_with_a_schedule_and_without_keys() {
    let with_keys = [
        &SCHEDULED[..],
        &[
            ("store.kafka.keys", "true"),
            ("keys.format.class", "p.format.json.JsonFormat"),
        ],
    ]
    .concat();
    let switched_off = [&SCHEDULED[..2], &[("enable.conditional.writes", "false")]].concat();
    for (config, is_conditional) in [
        (&SCHEDULED[..], true),
        (&SCHEDULED[2..], false),
        (&with_keys, false),
        (&switched_off, false),
    ] {
        let mut fixture = Fixture::start(config).await;
        let started = fixture.task.started().unwrap();
        assert_eq!(
            started.settings.max_files_scan,
            is_conditional.then_some(100),
            "{config:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn five_hundred_open_files_stay_within_the_bound() {
    const MAX_BYTES: usize = 256 * 1024;
    let mut fixture = Fixture::start(&[
        ("flush.size", "1000000"),
        ("max.buffered.bytes", "262144"),
        ("partitioner.class", fixture::TIME_BASED),
        ("partition.duration.ms", "1000"),
        ("path.format", "mm/ss"),
        ("locale", "en"),
        ("timezone", "UTC"),
        ("timestamp.extractor", "Record"),
    ])
    .await;
    let mut most_files = 0;
    for start in (0..2000).step_by(50) {
        let batch = (start..start + 50).map(|offset| {
            let mut record = large_record(offset);
            // The text makes way for the number of open files.
            if offset < 1000 {
                record.record.value = connect_api::data::Value::string(offset.to_string());
            }
            record.record.timestamp = Some(offset % 500 * 1000);
            record
        });
        fixture
            .task
            .put(&SinkBatch::Rows(batch.collect()))
            .await
            .unwrap();
        let writer = &fixture.task.started().unwrap().writers[0].inner;
        assert!(writer.num_bytes_held() <= MAX_BYTES, "{start}");
        most_files = most_files.max(writer.num_files());
    }
    assert_eq!(most_files, 500);
    let committed = fixture.committed().await.unwrap();
    assert!(committed >= 1000, "{committed}");
    let mut offsets: Vec<i64> = fixture
        .lines()
        .into_iter()
        .flat_map(|(_, lines)| lines)
        .collect();
    offsets.sort_unstable();
    assert_eq!(offsets, (0..committed).collect::<Vec<_>>());
    fixture.close().await;
}
