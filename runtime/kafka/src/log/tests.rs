//! One suite for every [`CompactedLog`]: in memory, and on Kafka's embedded broker.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;

use super::{
    CompactedLog, KafkaLog, KafkaLogConfig, LogError, LogRecord, MemoryLog, MemoryTopic,
    RecordCallback,
};
use crate::client_config::ClientProperties;
use crate::mock::MockCluster;

const TOPIC: &str = "connect-offsets";
const NUM_PARTITIONS: i32 = 5;
const TIMEOUT: Duration = Duration::from_secs(30);

/// Opens several logs of one topic, as several workers do.
trait Fixture {
    fn open(&self) -> Arc<dyn CompactedLog>;
}

struct InMemory(Arc<MemoryTopic>);

impl Fixture for InMemory {
    fn open(&self) -> Arc<dyn CompactedLog> {
        Arc::new(MemoryLog::new(&self.0))
    }
}

struct Embedded(MockCluster);

impl Embedded {
    fn start() -> Self {
        let cluster = MockCluster::start(1).unwrap();
        cluster.create_topic(TOPIC, NUM_PARTITIONS, 1).unwrap();
        Self(cluster)
    }
}

impl Fixture for Embedded {
    fn open(&self) -> Arc<dyn CompactedLog> {
        Arc::new(KafkaLog::new(log_config(
            &self.0.bootstrap_servers(),
            TOPIC,
        )))
    }
}

fn log_config(bootstrap_servers: &str, topic: &str) -> KafkaLogConfig {
    let properties = ClientProperties::from_iter([("bootstrap.servers", bootstrap_servers)]);
    let mut consumer = properties.clone();
    // The embedded broker does not wake a waiting fetch for new records.
    consumer.set("fetch.max.wait.ms", "20");
    KafkaLogConfig {
        topic: topic.to_owned(),
        producer: Some(properties),
        consumer,
    }
}

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<LogRecord>>>);

impl Seen {
    fn callback(&self) -> RecordCallback {
        let seen = Arc::clone(&self.0);
        Box::new(move |record| seen.lock().unwrap().push(record))
    }

    fn records(&self) -> Vec<LogRecord> {
        self.0.lock().unwrap().clone()
    }

    /// The last value of each key, as a store keeps it.
    fn map(&self) -> BTreeMap<Bytes, Option<Bytes>> {
        self.records()
            .into_iter()
            .map(|record| (record.key.unwrap(), record.value))
            .collect()
    }
}

fn bytes(text: &str) -> Option<Bytes> {
    Some(Bytes::copy_from_slice(text.as_bytes()))
}

async fn nothing_runs_before_start(fixture: &dyn Fixture) {
    let log = fixture.open();
    let not_running = LogError::NotRunning {
        topic: TOPIC.to_owned(),
    };
    assert_eq!(
        log.send(bytes("k"), bytes("v")).await,
        Err(not_running.clone())
    );
    assert_eq!(log.read_to_end(TIMEOUT).await, Err(not_running));
    assert_eq!(log.num_partitions(), 0);
}

async fn a_reader_sees_all_acknowledged_records(fixture: &dyn Fixture) {
    let (writer, reader) = (fixture.open(), fixture.open());
    let (written, read) = (Seen::default(), Seen::default());
    writer.start(written.callback()).await.unwrap();
    reader.start(read.callback()).await.unwrap();
    assert_eq!(reader.num_partitions(), NUM_PARTITIONS);
    let mut acks = Vec::new();
    for number in 0..100 {
        acks.push(writer.send(
            bytes(&format!("key-{}", number % 20)),
            bytes(&number.to_string()),
        ));
    }
    for ack in acks {
        let metadata = ack.await.unwrap();
        assert!((0..NUM_PARTITIONS).contains(&metadata.partition));
    }
    writer.read_to_end(TIMEOUT).await.unwrap();
    reader.read_to_end(TIMEOUT).await.unwrap();
    let expected: BTreeMap<_, _> = (80..100)
        .map(|number| {
            (
                bytes(&format!("key-{}", number - 80)).unwrap(),
                bytes(&number.to_string()),
            )
        })
        .collect();
    for seen in [&written, &read] {
        assert_eq!(seen.map(), expected);
        assert_eq!(seen.records().len(), 100);
        let mut next_offsets = BTreeMap::new();
        for record in seen.records() {
            let next = next_offsets.entry(record.partition).or_insert(0);
            assert_eq!(record.offset, *next, "offsets of a partition come in order");
            assert_eq!(&*record.topic, TOPIC);
            *next += 1;
        }
    }
    writer.stop().await;
    reader.stop().await;
}

async fn start_reads_what_is_there(fixture: &dyn Fixture) {
    let (first, second) = (fixture.open(), fixture.open());
    first.start(Seen::default().callback()).await.unwrap();
    first.send(bytes("k"), bytes("v")).await.unwrap();
    first.send(bytes("k"), None).await.unwrap();
    first.send(bytes("empty"), bytes("")).await.unwrap();
    first.stop().await;
    let seen = Seen::default();
    second.start(seen.callback()).await.unwrap();
    assert_eq!(
        seen.map()[&bytes("k").unwrap()],
        None,
        "tombstones are records"
    );
    assert_eq!(
        seen.map()[&bytes("empty").unwrap()],
        bytes(""),
        "empty is not null"
    );
    second.stop().await;
}

async fn nothing_comes_after_stop(fixture: &dyn Fixture) {
    let (stopped, other) = (fixture.open(), fixture.open());
    let seen = Seen::default();
    stopped.start(seen.callback()).await.unwrap();
    other.start(Seen::default().callback()).await.unwrap();
    stopped.stop().await;
    let before = seen.records().len();
    other.send(bytes("late"), bytes("v")).await.unwrap();
    other.read_to_end(TIMEOUT).await.unwrap();
    assert_eq!(seen.records().len(), before);
    let error = stopped.send(bytes("k"), bytes("v")).await.unwrap_err();
    assert!(matches!(error, LogError::NotRunning { .. }));
    stopped.stop().await;
    other.stop().await;
}

async fn the_whole_suite(fixture: impl Fn() -> Box<dyn Fixture>) {
    nothing_runs_before_start(&*fixture()).await;
    a_reader_sees_all_acknowledged_records(&*fixture()).await;
    start_reads_what_is_there(&*fixture()).await;
    nothing_comes_after_stop(&*fixture()).await;
}

#[tokio::test]
async fn memory_log_fulfils_the_contract() {
    the_whole_suite(|| Box::new(InMemory(MemoryTopic::new(TOPIC, NUM_PARTITIONS)))).await;
}

#[tokio::test]
async fn kafka_log_fulfils_the_contract() {
    the_whole_suite(|| Box::new(Embedded::start())).await;
}

#[tokio::test]
async fn both_put_keys_into_the_same_partitions() {
    let embedded = Embedded::start();
    let fixtures: [&dyn Fixture; 2] = [
        &InMemory(MemoryTopic::new(TOPIC, NUM_PARTITIONS)),
        &embedded,
    ];
    let mut partitions = Vec::new();
    for fixture in fixtures {
        let log = fixture.open();
        log.start(Seen::default().callback()).await.unwrap();
        let mut found = Vec::new();
        for number in 0..50 {
            let key = bytes(&"x".repeat(number));
            found.push(log.send(key, bytes("v")).await.unwrap().partition);
        }
        partitions.push(found);
        log.stop().await;
    }
    assert_eq!(partitions[0], partitions[1]);
}

#[tokio::test]
async fn a_refused_setting_is_named() {
    let embedded = Embedded::start();
    let mut config = log_config(&embedded.0.bootstrap_servers(), TOPIC);
    config.consumer.set("security.protocol", "SSL");
    config
        .consumer
        .set("ssl.truststore.location", "/etc/store.jks");
    let error = KafkaLog::new(config)
        .start(Seen::default().callback())
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(TOPIC) && text.contains("ssl.truststore.location"),
        "{text}"
    );
}

#[tokio::test]
async fn a_log_without_a_producer_is_read_only() {
    let embedded = Embedded::start();
    let writer = embedded.open();
    writer.start(Seen::default().callback()).await.unwrap();
    writer.send(bytes("k"), bytes("1")).await.unwrap();
    let mut config = log_config(&embedded.0.bootstrap_servers(), TOPIC);
    config.producer = None;
    let (log, seen) = (KafkaLog::new(config), Seen::default());
    log.start(seen.callback()).await.unwrap();
    assert_eq!(seen.map()[&bytes("k").unwrap()], bytes("1"));
    writer.send(bytes("k"), bytes("2")).await.unwrap();
    log.read_to_end(TIMEOUT).await.unwrap();
    assert_eq!(seen.map()[&bytes("k").unwrap()], bytes("2"));
    let error = log.send(bytes("k"), bytes("3")).await.unwrap_err();
    assert!(error.to_string().contains("only read"), "{error}");
    log.stop().await;
    writer.stop().await;
}

#[tokio::test]
async fn writes_to_a_failing_topic_fail() {
    let topic = MemoryTopic::new(TOPIC, 1);
    let log = MemoryLog::new(&topic);
    log.start(Seen::default().callback()).await.unwrap();
    topic.fail_writes(Some(crate::error::ErrorCode::TOPIC_AUTHORIZATION_FAILED));
    let error = log.send(bytes("k"), bytes("v")).await.unwrap_err();
    assert!(!error.is_retriable(), "{error}");
    topic.fail_writes(None);
    log.send(bytes("k"), bytes("v")).await.unwrap();
}
