//! One suite for every [`Producer`]: the fake, and the real one on the embedded broker.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{
    Delivery, FakeProducer, LibrdkafkaProducer, Producer, ProducerError, ProducerHeader,
    ProducerRecord, SendError,
};
use crate::client_config::ClientProperties;
use crate::error::ErrorCode;
use crate::mock::MockCluster;

const TOPIC: &str = "orders";
const TIMEOUT: Duration = Duration::from_secs(20);

fn record(value: &[u8], token: u64) -> ProducerRecord<'_> {
    ProducerRecord {
        topic: TOPIC,
        partition: Some(0),
        key: Some(b"key"),
        value: Some(value),
        headers: &[],
        timestamp_ms: Some(5),
        token,
    }
}

fn start() -> MockCluster {
    let cluster = MockCluster::start(1).unwrap();
    cluster.create_topic(TOPIC, 2, 1).unwrap();
    cluster
}

fn producer(cluster: &MockCluster, properties: &[(&str, &str)]) -> LibrdkafkaProducer {
    let mut all = ClientProperties::connector_producer(&cluster.bootstrap_servers(), "test");
    all.extend(properties.iter().copied());
    LibrdkafkaProducer::new(&all).unwrap()
}

async fn receive(deliveries: &mut super::Deliveries, num_records: usize) -> Vec<Delivery> {
    let mut all = Vec::new();
    while all.len() < num_records {
        let batch = tokio::time::timeout(TIMEOUT, deliveries.recv())
            .await
            .unwrap()
            .unwrap();
        assert!(!batch.is_empty());
        all.extend(batch);
    }
    all
}

async fn each_record_is_delivered_once_and_in_order(mut producer: Box<dyn Producer>) {
    let mut deliveries = producer.deliveries().unwrap();
    assert!(producer.deliveries().is_none());
    for token in 0..300 {
        producer.send(record(b"value", token)).unwrap();
    }
    producer.flush(TIMEOUT).await.unwrap();
    assert_eq!(producer.in_flight_bytes(), 0);
    let all = receive(&mut deliveries, 300).await;
    assert!(deliveries.try_recv().is_none());
    assert_eq!(producer.in_flight_records(), 0);
    for (expected, delivery) in all.iter().enumerate() {
        let metadata = delivery.result.unwrap();
        assert_eq!(delivery.token, expected as u64);
        assert_eq!((metadata.partition, metadata.offset), (0, expected as i64));
    }
    producer.close(TIMEOUT).await.unwrap();
    assert!(
        deliveries.recv().await.is_none(),
        "a closed producer delivers no more"
    );
}

async fn records_that_can_not_be_written_are_refused(mut producer: Box<dyn Producer>) {
    let mut topic = record(b"value", 1);
    topic.topic = "zero\0byte";
    let mut header = record(b"value", 2);
    let headers = [ProducerHeader {
        key: "zero\0byte",
        value: None,
    }];
    header.headers = &headers;
    for refused in [topic, header] {
        let error = producer.send(refused).unwrap_err();
        assert!(matches!(error, SendError::InvalidRecord { .. }), "{error}");
    }
    assert_eq!(producer.in_flight_records(), 0);
    assert_eq!(producer.in_flight_bytes(), 0);
    producer.close(TIMEOUT).await.unwrap();
}

#[tokio::test]
async fn fake_producer_fulfils_the_contract() {
    each_record_is_delivered_once_and_in_order(Box::new(FakeProducer::new().0)).await;
    records_that_can_not_be_written_are_refused(Box::new(FakeProducer::new().0)).await;
}

#[tokio::test]
async fn librdkafka_producer_fulfils_the_contract() {
    let cluster = start();
    each_record_is_delivered_once_and_in_order(Box::new(producer(&cluster, &[]))).await;
    records_that_can_not_be_written_are_refused(Box::new(producer(&cluster, &[]))).await;
}

#[tokio::test]
async fn a_full_buffer_makes_the_owner_wait_and_loses_nothing() {
    let cluster = start();
    let mut producer = producer(&cluster, &[("buffer.memory", "65536")]);
    let mut deliveries = producer.deliveries().unwrap();
    let receiving = tokio::spawn(async move { receive(&mut deliveries, 500).await });
    let value = vec![b'x'; 1000];
    let mut num_refusals = 0;
    for token in 0..500 {
        loop {
            match producer.send(record(&value, token)) {
                Ok(()) => break,
                Err(SendError::QueueFull) => {
                    num_refusals += 1;
                    producer.wait_for_room().await;
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert!(producer.in_flight_bytes() <= 65536 + 1003);
    }
    assert!(num_refusals > 0);
    let all = receiving.await.unwrap();
    let tokens: BTreeSet<u64> = all.iter().map(|delivery| delivery.token).collect();
    assert_eq!(tokens.len(), 500);
    assert!(all.iter().all(|delivery| delivery.result.is_ok()));
}

#[tokio::test]
async fn a_record_beyond_the_limit_is_named() {
    let cluster = start();
    let mut producer = producer(&cluster, &[("max.request.size", "2000")]);
    let value = vec![b'x'; 5000];
    let error = producer.send(record(&value, 1)).unwrap_err();
    let expected = SendError::RecordTooLarge {
        topic: TOPIC.to_owned(),
        num_bytes: 5003,
    };
    assert_eq!(error, expected);
    assert!(error.to_string().contains("max.request.size"));
}

#[tokio::test]
async fn a_partition_that_is_not_there_fails_the_record() {
    let cluster = start();
    let mut producer = producer(&cluster, &[]);
    let mut deliveries = producer.deliveries().unwrap();
    let mut missing = record(b"value", 1);
    missing.partition = Some(7);
    // The library knows it at once only when it has the topic's metadata.
    match producer.send(missing) {
        Err(error) => assert!(matches!(
            error,
            SendError::UnknownPartition { partition: 7, .. }
        )),
        Ok(()) => {
            let delivery = receive(&mut deliveries, 1).await[0];
            assert_eq!(delivery.result, Err(ErrorCode::UNKNOWN_PARTITION));
        }
    }
}

#[tokio::test]
async fn closing_fails_what_is_left() {
    // Nobody listens there.
    let properties = ClientProperties::connector_producer("127.0.0.1:1", "test");
    let mut producer = LibrdkafkaProducer::new(&properties).unwrap();
    let mut deliveries = producer.deliveries().unwrap();
    producer.send(record(b"value", 8)).unwrap();
    let closed = Box::new(producer).close(Duration::from_millis(50)).await;
    assert!(
        matches!(
            closed,
            Err(ProducerError::FlushTimeout {
                num_in_flight: 1,
                ..
            })
        ),
        "{closed:?}"
    );
    let delivery = receive(&mut deliveries, 1).await[0];
    assert_eq!(
        (delivery.token, delivery.result),
        (8, Err(ErrorCode::PURGED_IN_QUEUE))
    );
    assert!(deliveries.recv().await.is_none());
}

#[tokio::test]
async fn tokens_use_all_bits() {
    let cluster = start();
    let mut producer = producer(&cluster, &[]);
    let mut deliveries = producer.deliveries().unwrap();
    producer.send(record(b"value", u64::MAX)).unwrap();
    assert_eq!(receive(&mut deliveries, 1).await[0].token, u64::MAX);
}

#[tokio::test]
async fn a_fake_fails_and_holds_as_told() {
    let (mut producer, handle) = FakeProducer::new();
    let mut deliveries = producer.deliveries().unwrap();
    handle.hold(true);
    handle.set_max_pending(Some(2));
    for token in 0..2 {
        producer.send(record(b"value", token)).unwrap();
    }
    assert_eq!(
        producer.send(record(b"value", 2)),
        Err(SendError::QueueFull)
    );
    assert!(matches!(
        producer.flush(Duration::ZERO).await,
        Err(ProducerError::FlushTimeout {
            num_in_flight: 2,
            ..
        })
    ));
    assert_eq!(handle.acknowledge(1), 1);
    assert_eq!(handle.fail(9, ErrorCode::MESSAGE_TOO_LARGE), 1);
    let all = receive(&mut deliveries, 2).await;
    assert!(all[0].result.is_ok());
    assert_eq!(all[1].result, Err(ErrorCode::MESSAGE_TOO_LARGE));
    assert_eq!(handle.written().len(), 1);
    drop(producer);
    assert!(handle.is_closed());
}
