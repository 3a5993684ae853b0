//! The worker on Kafka 3.9 with ZooKeeper, where many clusters still are: a file through a topic into
//! another file, and into objects whose folders are days of the records' own time.

use dovetail_tests::connectors::{ObjectFormat, file_sink, file_source, s3_sink, sink_group, with};
use dovetail_tests::flights::flights;
use dovetail_tests::lines;
use dovetail_tests::stack::{
    ConnectWorker, KafkaCluster, KafkaOptions, KafkaVersion, Runtime, WorkerConfig, shared,
};

#[tokio::test]
async fn flights_reach_a_file_and_daily_objects_on_kafka_3_9() {
    const NUM_LINES: usize = 3_000;
    const FLUSH_SIZE: usize = 1_000;
    let kafka = KafkaCluster::start(KafkaVersion::V3_9, KafkaOptions::default()).await;
    let s3 = shared::s3().await;
    let config = WorkerConfig::distributed(&kafka.bootstrap_servers(), "on-zookeeper");
    let worker = ConnectWorker::start(Runtime::Dovetail, config).await;
    let (topics, rest) = (kafka.topics(), worker.rest());
    let bucket = shared::unique("daily-objects");
    s3.create_bucket(&bucket).await;
    topics.create("flights", 1).await;
    let (from, to) = (worker.folder().join("from"), worker.folder().join("to"));
    let sent = flights(NUM_LINES);
    lines::append(&from, &sent);

    rest.run_connector("source", file_source(&from, "flights"), 1)
        .await;
    rest.run_connector("file-sink", file_sink("flights", &to), 1)
        .await;
    let daily = with(
        s3_sink("flights", s3, &bucket, ObjectFormat::Bytes, FLUSH_SIZE),
        &[
            (
                "partitioner.class",
                "io.confluent.connect.storage.partitioner.TimeBasedPartitioner",
            ),
            ("path.format", "'year'=YYYY/'month'=MM/'day'=dd"),
            ("partition.duration.ms", "86400000"),
            ("locale", "en-US"),
            ("timezone", "UTC"),
            ("timestamp.extractor", "Record"),
        ],
    );
    rest.run_connector("daily", daily, 1).await;

    assert!(lines::wait_for(&to, NUM_LINES).await == sent);
    topics
        .wait_for_commit(&sink_group("daily"), "flights", &[NUM_LINES as i64])
        .await;
    let objects = s3.objects(&bucket);
    let mut stored = Vec::new();
    for (name, content) in &objects {
        let folders: Vec<&str> = name.split('/').collect();
        assert_eq!(folders[..2], ["topics", "flights"], "{name}");
        assert!(
            folders[2].starts_with("year=20")
                && folders[3].starts_with("month=")
                && folders[4].starts_with("day="),
            "{name}"
        );
        let text = String::from_utf8(content.clone()).expect("the flights are UTF-8");
        stored.extend(text.lines().map(str::to_owned));
    }
    let (mut stored_sorted, mut sent_sorted) = (stored, sent);
    stored_sorted.sort();
    sent_sorted.sort();
    assert!(stored_sorted == sent_sorted, "the objects hold other lines");
}
