//! What only a real group shows: rebalances between members, deadlines, patterns.

use std::sync::Arc;

use super::*;
use crate::consumer::ConsumerError;
use crate::error::ErrorCode;

/// Drives a member until `done` says so of an event; completes rebalances on the way.
async fn until<T>(
    consumer: &mut dyn SinkConsumer,
    mut done: impl FnMut(&ConsumerEvent) -> Option<T>,
) -> T {
    loop {
        let event = next(consumer).await;
        if let Some(found) = done(&event) {
            return found;
        }
    }
}

fn assignment_of(event: &ConsumerEvent, num_partitions: usize) -> Option<Vec<TopicPartition>> {
    match event {
        ConsumerEvent::Assigned { partitions, .. } if partitions.len() == num_partitions => {
            Some(partitions.clone())
        }
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_partition_goes_on_where_it_was_committed() {
    let mut fixture = Embedded::start();
    fixture.append(0, numbered(0..10)).await;
    fixture.append(1, numbered(0..10)).await;
    let mut first = fixture.open().await;
    let old = assigned(&mut *first).await;
    read(&mut *first, 20).await;
    first
        .commit(old, &[at(0, 4), at(1, 4)], TIMEOUT)
        .await
        .unwrap();
    let mut second = fixture.consumer(&fixture.properties());
    let joining = tokio::spawn(async move {
        let partitions = until(&mut second, |event| assignment_of(event, 1)).await;
        let positions = second.position(&partitions, TIMEOUT).await.unwrap();
        (second, positions)
    });
    let revoked = until(&mut *first, |event| match event {
        ConsumerEvent::Revoked {
            generation,
            partitions,
        } => Some((*generation, partitions.clone())),
        _ => None,
    })
    .await;
    assert_eq!(revoked.0, old);
    assert_eq!(revoked.1.len(), 2);
    // Within the rebalance the old generation may still commit. The embedded broker is less
    // patient than Kafka; so the offsets were committed before as well.
    match first.commit(old, &[at(0, 4), at(1, 4)], TIMEOUT).await {
        Ok(()) | Err(CommitError::Broker(ErrorCode::REBALANCE_IN_PROGRESS)) => {}
        Err(error) => panic!("{error}"),
    }
    first.complete_rebalance();
    assert_eq!(first.assignment(), []);
    let error = first.commit(old, &[at(0, 9)], TIMEOUT).await.unwrap_err();
    assert!(
        matches!(error, CommitError::DeadGeneration { .. }),
        "{error}"
    );
    let mine = until(&mut *first, |event| assignment_of(event, 1)).await;
    let (second, positions) = joining.await.unwrap();
    assert_eq!(positions.len(), 1);
    assert_eq!(positions[0].offset, 4);
    assert_ne!(positions[0].partition, mine[0]);
    let found = read(&mut *first, 6).await;
    assert_eq!(
        found[0],
        (mine[0].partition, 4),
        "records of the old generation are void"
    );
    // Leaving tells the group at once: well before the session times out.
    Box::new(second).close(TIMEOUT).await.unwrap();
    first.complete_rebalance();
    until(&mut *first, |event| assignment_of(event, 2)).await;
    first.close(TIMEOUT).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_hangs_in_a_rebalance_does_not_hold_up_the_group() {
    let mut fixture = Embedded::start();
    let mut properties = fixture.properties();
    properties.extend([
        ("max.poll.interval.ms", "1000"),
        ("session.timeout.ms", "1000"),
    ]);
    let mut hanging = fixture.consumer(&properties);
    let old = assigned(&mut hanging).await;
    hanging.complete_rebalance();
    fixture.append(0, numbered(0..1)).await;
    let mut other = fixture.consumer(&properties);
    // The hanging one is never asked for its next event until the other has its share.
    until(&mut other, |event| match event {
        ConsumerEvent::Assigned { partitions, .. } => (!partitions.is_empty()).then_some(()),
        _ => None,
    })
    .await;
    let error = hanging
        .commit(old, &[at(0, 1), at(1, 1)], TIMEOUT)
        .await
        .unwrap_err();
    assert!(
        matches!(error, CommitError::DeadGeneration { .. }),
        "{error:?}"
    );
    Box::new(other).close(TIMEOUT).await.unwrap();
    Box::new(hanging).close(TIMEOUT).await.unwrap();
}

#[tokio::test]
async fn a_pattern_takes_the_topics_that_match() {
    let mut fixture = Embedded::start();
    fixture.0.create_topic("other", 1, 1).unwrap();
    fixture.append(0, numbered(0..1)).await;
    let subscription = Subscription::Matching(Arc::new(|topic| topic.starts_with("ord")));
    let settings = ConsumerSettings::default();
    let properties = fixture.properties();
    let mut consumer = LibrdkafkaConsumer::new(&properties, subscription, settings).unwrap();
    assigned(&mut consumer).await;
    assert_eq!(read(&mut consumer, 1).await, [(0, 0)]);
    Box::new(consumer).close(TIMEOUT).await.unwrap();
}

#[tokio::test]
async fn what_waits_for_the_owner_is_bounded() {
    let mut fixture = Embedded::start();
    let record = FakeRecord::value(vec![b'x'; 1000]);
    fixture.append(0, vec![record; 500]).await;
    let settings = ConsumerSettings {
        max_buffered_bytes: 20_000,
        max_batch_bytes: 3_000,
    };
    let subscription = Subscription::Topics(vec![TOPIC.to_owned()]);
    let properties = fixture.properties();
    let mut consumer = LibrdkafkaConsumer::new(&properties, subscription, settings).unwrap();
    assigned(&mut consumer).await;
    let mut num_records = 0;
    while num_records < 500 {
        let batch = records(&mut consumer).await;
        assert!(batch.num_bytes() <= 3_000);
        num_records += batch.len();
        let buffered = consumer.buffered_bytes();
        assert!(buffered < 20_000 + 3_000, "{buffered}");
    }
    Box::new(consumer).close(TIMEOUT).await.unwrap();
}

#[tokio::test]
async fn no_offset_and_no_reset_is_an_error_that_names_the_partition() {
    let fixture = Embedded::start();
    let mut properties = fixture.properties();
    properties.set("auto.offset.reset", "none");
    let mut consumer = fixture.consumer(&properties);
    assigned(&mut consumer).await;
    let error = consumer
        .position(&[partition(1)], TIMEOUT)
        .await
        .unwrap_err();
    let expected = ConsumerError::NoOffset {
        group: GROUP.to_owned(),
        partition: partition(1),
    };
    assert_eq!(error, expected);
    assert!(!error.is_retriable());
    consumer.complete_rebalance();
    let from_poll = until(&mut consumer, |event| match event {
        ConsumerEvent::Error(error) => Some(error.clone()),
        _ => None,
    })
    .await;
    assert!(
        matches!(from_poll, ConsumerError::NoOffset { .. }),
        "{from_poll:?}"
    );
    Box::new(consumer).close(TIMEOUT).await.unwrap();
}

#[test]
fn a_consumer_without_group_is_refused() {
    let properties = ClientProperties::from_iter([("bootstrap.servers", "127.0.0.1:1")]);
    let subscription = Subscription::Topics(Vec::new());
    let refused = LibrdkafkaConsumer::new(&properties, subscription, ConsumerSettings::default());
    assert!(matches!(refused, Err(ConsumerError::InvalidConfig(_))));
}
