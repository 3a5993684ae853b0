//! One suite for every [`SinkConsumer`]: the fake, and the real one on the embedded broker.

mod group;

use std::collections::BTreeMap;
use std::time::Duration;

use super::{
    CommitError, ConsumerEvent, ConsumerSettings, FakeConsumer, FakeConsumerHandle, FakeRecord,
    Generation, LibrdkafkaConsumer, PolledBatch, SinkConsumer, Subscription,
};
use crate::client_config::ClientProperties;
use crate::mock::MockCluster;
use crate::producer::{LibrdkafkaProducer, Producer, ProducerHeader, ProducerRecord};
use crate::record::{PartitionOffset, TopicPartition};

const TOPIC: &str = "orders";
const GROUP: &str = "connect-orders-sink";
const TIMEOUT: Duration = Duration::from_secs(60);
const MAX_POLL_RECORDS: usize = 7;

fn partition(number: i32) -> TopicPartition {
    TopicPartition::new(TOPIC, number)
}

fn at(number: i32, offset: i64) -> PartitionOffset {
    PartitionOffset::new(partition(number), offset)
}

/// Two partitions of one topic, and a group with one member.
#[async_trait::async_trait]
trait Fixture: Send {
    /// A new member of the group; the one before is closed.
    async fn open(&mut self) -> Box<dyn SinkConsumer>;
    async fn append(&mut self, number: i32, records: Vec<FakeRecord>);
}

struct InMemory {
    handle: Option<FakeConsumerHandle>,
    records: Vec<(i32, Vec<FakeRecord>)>,
}

#[async_trait::async_trait]
impl Fixture for InMemory {
    async fn open(&mut self) -> Box<dyn SinkConsumer> {
        let (consumer, handle) = FakeConsumer::new();
        handle.set_max_poll_records(MAX_POLL_RECORDS);
        for (number, records) in &self.records {
            handle.append(&partition(*number), records.clone());
        }
        for number in 0..2 {
            let before = self.handle.as_ref();
            if let Some(offset) = before.and_then(|it| it.committed(&partition(number))) {
                handle.set_committed(&partition(number), offset);
            }
        }
        handle.assign(&[partition(0), partition(1)]);
        self.handle = Some(handle);
        Box::new(consumer)
    }

    async fn append(&mut self, number: i32, records: Vec<FakeRecord>) {
        self.records.push((number, records.clone()));
        if let Some(handle) = &self.handle {
            handle.append(&partition(number), records);
        }
    }
}

struct Embedded(MockCluster);

impl Embedded {
    fn start() -> Self {
        let cluster = MockCluster::start(1).unwrap();
        cluster.create_topic(TOPIC, 2, 1).unwrap();
        Self(cluster)
    }

    fn properties(&self) -> ClientProperties {
        let servers = self.0.bootstrap_servers();
        let mut properties = ClientProperties::connector_consumer(&servers, "test", GROUP);
        properties.extend([
            ("max.poll.records", MAX_POLL_RECORDS.to_string()),
            // The embedded broker does not wake a waiting fetch for new records.
            ("fetch.max.wait.ms", "20".to_owned()),
            ("heartbeat.interval.ms", "100".to_owned()),
            // It lets a group wait for about this long after a member has left.
            ("session.timeout.ms", "4000".to_owned()),
        ]);
        properties
    }

    fn consumer(&self, properties: &ClientProperties) -> LibrdkafkaConsumer {
        let subscription = Subscription::Topics(vec![TOPIC.to_owned()]);
        LibrdkafkaConsumer::new(properties, subscription, ConsumerSettings::default()).unwrap()
    }
}

#[async_trait::async_trait]
impl Fixture for Embedded {
    async fn open(&mut self) -> Box<dyn SinkConsumer> {
        Box::new(self.consumer(&self.properties()))
    }

    async fn append(&mut self, number: i32, records: Vec<FakeRecord>) {
        let servers = self.0.bootstrap_servers();
        let properties = ClientProperties::connector_producer(&servers, "test");
        let mut producer = LibrdkafkaProducer::new(&properties).unwrap();
        for record in &records {
            let headers: Vec<_> = record
                .headers
                .iter()
                .map(|(key, value)| ProducerHeader {
                    key,
                    value: value.as_deref(),
                })
                .collect();
            producer
                .send(ProducerRecord {
                    topic: TOPIC,
                    partition: Some(number),
                    key: record.key.as_deref(),
                    value: record.value.as_deref(),
                    headers: &headers,
                    timestamp_ms: Some(record.timestamp_ms),
                    token: 0,
                })
                .unwrap();
        }
        Box::new(producer).close(TIMEOUT).await.unwrap();
    }
}

/// Values of the numbers in a range, as records.
fn numbered(range: std::ops::Range<i64>) -> Vec<FakeRecord> {
    range
        .map(|number| FakeRecord::value(number.to_string()))
        .collect()
}

async fn next(consumer: &mut dyn SinkConsumer) -> ConsumerEvent {
    tokio::time::timeout(TIMEOUT, consumer.next())
        .await
        .expect("an event comes")
}

/// Waits for the assignment of both partitions.
async fn assigned(consumer: &mut dyn SinkConsumer) -> Generation {
    match next(consumer).await {
        ConsumerEvent::Assigned {
            generation,
            mut partitions,
        } => {
            partitions.sort();
            assert_eq!(partitions, [partition(0), partition(1)]);
            generation
        }
        other => panic!("expected an assignment, not {other:?}"),
    }
}

async fn records(consumer: &mut dyn SinkConsumer) -> PolledBatch {
    match next(consumer).await {
        ConsumerEvent::Records(batch) => {
            assert!((1..=MAX_POLL_RECORDS).contains(&batch.len()));
            batch
        }
        other => panic!("expected records, not {other:?}"),
    }
}

/// Reads until `num_records` have come; returns partition and offset of each.
async fn read(consumer: &mut dyn SinkConsumer, num_records: usize) -> Vec<(i32, i64)> {
    let mut found = Vec::new();
    while found.len() < num_records {
        let batch = records(consumer).await;
        found.extend(
            batch
                .iter()
                .map(|record| (record.partition(), record.offset())),
        );
    }
    assert_eq!(found.len(), num_records, "{found:?}");
    found
}

/// Fails if a record comes before an asynchronous commit that is asked for now.
async fn assert_no_records(consumer: &mut dyn SinkConsumer, offset: PartitionOffset) {
    let generation = consumer.generation();
    consumer.commit_async(generation, &[offset], 99).unwrap();
    match next(consumer).await {
        ConsumerEvent::Committed {
            sequence: 99,
            result: Ok(()),
        } => {}
        other => panic!("expected nothing but the commit, not {other:?}"),
    }
}

async fn records_arrive_as_they_were_written(fixture: &mut dyn Fixture) {
    let written = FakeRecord {
        key: Some(b"key".to_vec()),
        value: None,
        headers: vec![
            ("same".to_owned(), Some(b"1".to_vec())),
            ("same".to_owned(), None),
            ("empty".to_owned(), Some(Vec::new())),
        ],
        timestamp_ms: 1_700_000_000_000,
    };
    fixture
        .append(1, vec![written.clone(), FakeRecord::value("")])
        .await;
    let mut consumer = fixture.open().await;
    let generation = assigned(&mut *consumer).await;
    let batch = records(&mut *consumer).await;
    assert_eq!(batch.generation(), generation);
    assert_eq!(batch.len(), 2);
    let record = batch.get(0).unwrap();
    let found = FakeRecord {
        key: record.key().map(<[u8]>::to_vec),
        value: record.value().map(<[u8]>::to_vec),
        headers: record
            .headers()
            .map(|header| {
                let key = String::from_utf8(header.key.to_vec()).unwrap();
                (key, header.value.map(<[u8]>::to_vec))
            })
            .collect(),
        timestamp_ms: record.timestamp_ms(),
    };
    assert_eq!(found, written);
    assert_eq!(record.topic_partition(), &partition(1));
    assert_eq!(record.header_value_bytes(0).as_deref(), Some(&b"1"[..]));
    let empty = batch.get(1).unwrap();
    assert_eq!((empty.key(), empty.value()), (None, Some(&b""[..])));
    consumer.close(TIMEOUT).await.unwrap();
}

async fn every_record_comes_once_and_in_order(fixture: &mut dyn Fixture) {
    fixture.append(0, numbered(0..40)).await;
    fixture.append(1, numbered(0..30)).await;
    let mut consumer = fixture.open().await;
    assigned(&mut *consumer).await;
    let mut next_offsets = BTreeMap::new();
    for (number, offset) in read(&mut *consumer, 70).await {
        let next = next_offsets.entry(number).or_insert(0);
        assert_eq!(offset, *next);
        *next += 1;
    }
    assert_eq!(next_offsets, BTreeMap::from([(0, 40), (1, 30)]));
    let positions = consumer
        .position(&[partition(0), partition(1)], TIMEOUT)
        .await;
    assert_eq!(positions.unwrap(), [at(0, 40), at(1, 30)]);
    consumer.close(TIMEOUT).await.unwrap();
}

async fn a_new_member_starts_at_the_committed_offset(fixture: &mut dyn Fixture) {
    fixture.append(0, numbered(0..10)).await;
    let mut consumer = fixture.open().await;
    let generation = assigned(&mut *consumer).await;
    let both = [partition(0), partition(1)];
    let positions = consumer.position(&both, TIMEOUT).await.unwrap();
    assert_eq!(
        positions,
        [at(0, 0), at(1, 0)],
        "auto.offset.reset=earliest"
    );
    read(&mut *consumer, 10).await;
    consumer
        .commit(generation, &[at(0, 6)], TIMEOUT)
        .await
        .unwrap();
    let committed = consumer.committed(&both, TIMEOUT).await.unwrap();
    assert_eq!(committed, [(partition(0), Some(6)), (partition(1), None)]);
    consumer.close(TIMEOUT).await.unwrap();

    let mut consumer = fixture.open().await;
    assigned(&mut *consumer).await;
    assert_eq!(
        consumer.position(&both, TIMEOUT).await.unwrap(),
        [at(0, 6), at(1, 0)]
    );
    let found = read(&mut *consumer, 4).await;
    assert_eq!(found, [(0, 6), (0, 7), (0, 8), (0, 9)]);
    consumer.close(TIMEOUT).await.unwrap();
}

async fn commits_that_must_not_happen_are_refused(fixture: &mut dyn Fixture) {
    let mut consumer = fixture.open().await;
    let generation = assigned(&mut *consumer).await;
    let dead = Generation(generation.0 - 1);
    let error = consumer
        .commit(dead, &[at(0, 1)], TIMEOUT)
        .await
        .unwrap_err();
    let expected = CommitError::DeadGeneration {
        generation: dead,
        current: generation,
    };
    assert_eq!(error, expected);
    assert_eq!(consumer.commit_async(dead, &[at(0, 1)], 1), Err(expected));
    let error = consumer
        .commit(generation, &[at(5, 1)], TIMEOUT)
        .await
        .unwrap_err();
    assert_eq!(error, CommitError::NotAssigned(partition(5)));
    let committed = consumer.committed(&[partition(0)], TIMEOUT).await.unwrap();
    assert_eq!(committed, [(partition(0), None)]);
    consumer.close(TIMEOUT).await.unwrap();
}

async fn asynchronous_commits_report_by_sequence(fixture: &mut dyn Fixture) {
    let mut consumer = fixture.open().await;
    let generation = assigned(&mut *consumer).await;
    for sequence in 1..=3 {
        consumer.complete_rebalance();
        consumer
            .commit_async(generation, &[at(0, sequence as i64)], sequence)
            .unwrap();
        match next(&mut *consumer).await {
            ConsumerEvent::Committed {
                sequence: found,
                result,
            } => {
                assert_eq!((found, result), (sequence, Ok(())));
            }
            other => panic!("expected a commit, not {other:?}"),
        }
    }
    let committed = consumer.committed(&[partition(0)], TIMEOUT).await.unwrap();
    assert_eq!(committed, [(partition(0), Some(3))]);
    consumer.close(TIMEOUT).await.unwrap();
}

async fn seeks_decide_the_next_record(fixture: &mut dyn Fixture) {
    fixture.append(0, numbered(0..50)).await;
    fixture.append(1, numbered(0..3)).await;
    let mut consumer = fixture.open().await;
    assigned(&mut *consumer).await;
    // Before the rebalance is complete: the first record is the sought one.
    consumer.seek(&[at(0, 45)]);
    let mut found = read(&mut *consumer, 8).await;
    found.sort_unstable();
    let expected: Vec<_> = (45..50)
        .map(|it| (0, it))
        .chain((0..3).map(|it| (1, it)))
        .collect();
    assert_eq!(found, expected);
    // Back, while nothing else comes.
    consumer.seek(&[at(0, 20)]);
    assert_eq!(
        consumer.position(&[partition(0)], TIMEOUT).await.unwrap(),
        [at(0, 20)]
    );
    let first = records(&mut *consumer).await.get(0).unwrap().offset();
    assert_eq!(first, 20);
    // Forth, while records of the old place wait.
    consumer.seek(&[at(0, 48)]);
    assert_eq!(read(&mut *consumer, 2).await, [(0, 48), (0, 49)]);
    // A partition of somebody else.
    consumer.seek(&[at(7, 0)]);
    assert_eq!(
        consumer.position(&[partition(7)], TIMEOUT).await.unwrap(),
        []
    );
    consumer.close(TIMEOUT).await.unwrap();
}

async fn paused_partitions_are_silent_and_lose_nothing(fixture: &mut dyn Fixture) {
    fixture.append(0, numbered(0..60)).await;
    let mut consumer = fixture.open().await;
    assigned(&mut *consumer).await;
    let mut found = Vec::new();
    while found.len() < 60 {
        let batch = records(&mut *consumer).await;
        found.extend(batch.iter().map(|record| record.offset()));
        // More waits, or is being fetched.
        consumer.pause(&[partition(0)]);
        assert_no_records(&mut *consumer, at(0, found.len() as i64)).await;
        consumer.resume(&[partition(0)]);
    }
    assert_eq!(found, (0..60).collect::<Vec<_>>());
    // The other partition goes on.
    consumer.pause(&[partition(0)]);
    fixture.append(0, numbered(60..65)).await;
    fixture.append(1, numbered(0..2)).await;
    assert_eq!(read(&mut *consumer, 2).await, [(1, 0), (1, 1)]);
    consumer.resume(&[partition(0)]);
    let expected: Vec<_> = (60..65).map(|offset| (0, offset)).collect();
    assert_eq!(read(&mut *consumer, 5).await, expected);
    consumer.close(TIMEOUT).await.unwrap();
}

async fn a_pause_before_the_first_record_holds(fixture: &mut dyn Fixture) {
    fixture.append(0, numbered(0..3)).await;
    let mut consumer = fixture.open().await;
    assigned(&mut *consumer).await;
    consumer.pause(&[partition(0), partition(1)]);
    consumer.complete_rebalance();
    assert_no_records(&mut *consumer, at(1, 0)).await;
    consumer.resume(&[partition(0)]);
    assert_eq!(read(&mut *consumer, 3).await, [(0, 0), (0, 1), (0, 2)]);
    consumer.close(TIMEOUT).await.unwrap();
}

async fn dropping_next_loses_nothing(fixture: &mut dyn Fixture) {
    let mut consumer = fixture.open().await;
    assigned(&mut *consumer).await;
    fixture.append(0, numbered(0..20)).await;
    let mut found = Vec::new();
    while found.len() < 20 {
        // Polled once, whether there is something or not, then dropped.
        let polled = futures::poll!(std::pin::pin!(consumer.next()));
        let event = match polled {
            std::task::Poll::Ready(event) => event,
            std::task::Poll::Pending => next(&mut *consumer).await,
        };
        if let ConsumerEvent::Records(batch) = event {
            found.extend(batch.iter().map(|record| record.offset()));
        }
    }
    assert_eq!(found, (0..20).collect::<Vec<_>>());
    consumer.close(TIMEOUT).await.unwrap();
}

macro_rules! suite {
    ($fixture:expr => $($test:ident),* $(,)?) => {
        $(#[tokio::test]
        async fn $test() {
            super::$test(&mut $fixture).await;
        })*
    };
}

macro_rules! for_every_consumer {
    ($($test:ident),* $(,)?) => {
        mod fake_consumer {
            suite!(super::InMemory { handle: None, records: Vec::new() } => $($test),*);
        }
        mod librdkafka_consumer {
            suite!(super::Embedded::start() => $($test),*);
        }
    };
}

for_every_consumer!(
    records_arrive_as_they_were_written,
    every_record_comes_once_and_in_order,
    a_new_member_starts_at_the_committed_offset,
    commits_that_must_not_happen_are_refused,
    asynchronous_commits_report_by_sequence,
    seeks_decide_the_next_record,
    paused_partitions_are_silent_and_lose_nothing,
    a_pause_before_the_first_record_holds,
    dropping_next_loses_nothing,
);
