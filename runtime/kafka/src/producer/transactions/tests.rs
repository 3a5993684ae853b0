//! One suite for every [`TransactionalProducer`]: the fake, and the real one on the embedded broker. What
//! readers see, and who is fenced, is only asked of the fake: the embedded broker does neither.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::client_config::ClientProperties;
use crate::mock::MockCluster;
use crate::producer::{
    FakeTransactions, LibrdkafkaTransactionalProducer, ProducerRecord, SendError,
};

const TOPIC: &str = "orders";
const ID: &str = "group-connector-0";
const TIMEOUT: Duration = Duration::from_secs(20);

fn record(value: &[u8], token: u64) -> ProducerRecord<'_> {
    ProducerRecord {
        topic: TOPIC,
        partition: Some(0),
        key: None,
        value: Some(value),
        headers: &[],
        timestamp_ms: None,
        token,
    }
}

type Make<'a> = &'a dyn Fn() -> Box<dyn TransactionalProducer>;

async fn started(make: Make<'_>) -> Box<dyn TransactionalProducer> {
    let mut producer = make();
    producer.init_transactions(TIMEOUT).await.unwrap();
    producer
}

async fn transactions_follow_each_other(make: Make<'_>) {
    let mut producer = started(make).await;
    let mut deliveries = producer.deliveries().unwrap();
    for token in 0..3 {
        producer.begin_transaction().unwrap();
        producer.send(record(b"value", token)).unwrap();
        if token == 1 {
            producer.abort_transaction(TIMEOUT).await.unwrap();
        } else {
            producer.commit_transaction(TIMEOUT).await.unwrap();
        }
        let batch = tokio::time::timeout(TIMEOUT, deliveries.recv())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(batch.len(), 1);
        assert_eq!(batch[0].token, token);
        assert!(batch[0].result.is_ok() || token == 1);
    }
    // A transaction without records.
    producer.begin_transaction().unwrap();
    producer.commit_transaction(TIMEOUT).await.unwrap();
    producer.close(TIMEOUT).await.unwrap();
}

async fn calls_out_of_order_are_refused(make: Make<'_>) {
    let mut producer = make();
    assert!(producer.begin_transaction().is_err(), "not initialized");
    producer.init_transactions(TIMEOUT).await.unwrap();
    let error = producer.send(record(b"value", 1)).unwrap_err();
    assert!(matches!(error, SendError::Refused { .. }), "{error}");
    assert!(producer.commit_transaction(TIMEOUT).await.is_err());
}

async fn a_newer_producer_fences(make: Make<'_>) {
    let mut old = started(make).await;
    old.begin_transaction().unwrap();
    let mut new = started(make).await;
    let sent = old.send(record(b"late", 1));
    let error = match sent {
        Ok(()) => old.commit_transaction(TIMEOUT).await.unwrap_err(),
        Err(_) => old.abort_transaction(TIMEOUT).await.unwrap_err(),
    };
    assert!(matches!(error, TransactionError::Fenced { .. }), "{error}");
    assert!(error.to_string().contains(ID), "{error}");
    assert!(!error.is_retriable());
    new.begin_transaction().unwrap();
    new.send(record(b"value", 2)).unwrap();
    new.commit_transaction(TIMEOUT).await.unwrap();
}

#[tokio::test]
async fn the_fake_keeps_the_contract() {
    for case in 0..3 {
        let brokers = FakeTransactions::new();
        let make = || Box::new(brokers.producer(ID).0) as Box<dyn TransactionalProducer>;
        match case {
            0 => transactions_follow_each_other(&make).await,
            1 => calls_out_of_order_are_refused(&make).await,
            _ => a_newer_producer_fences(&make).await,
        }
    }
}

async fn on_the_embedded_broker(suite: impl AsyncFn(Make<'_>)) {
    let cluster = MockCluster::start(1).unwrap();
    cluster.create_topic(TOPIC, 1, 1).unwrap();
    let make = || {
        let servers = cluster.bootstrap_servers();
        let mut properties = ClientProperties::connector_producer(&servers, "test");
        properties.set("transactional.id", ID);
        properties.set("enable.idempotence", "true");
        let producer = LibrdkafkaTransactionalProducer::new(&properties).unwrap();
        Box::new(producer) as Box<dyn TransactionalProducer>
    };
    suite(&make).await;
}

#[tokio::test]
async fn transactions_follow_each_other_on_the_embedded_broker() {
    on_the_embedded_broker(transactions_follow_each_other).await;
}

#[tokio::test]
async fn calls_out_of_order_are_refused_on_the_embedded_broker() {
    on_the_embedded_broker(calls_out_of_order_are_refused).await;
}

#[test]
fn an_id_is_needed() {
    let properties = ClientProperties::connector_producer("127.0.0.1:1", "test");
    let Err(error) = LibrdkafkaTransactionalProducer::new(&properties) else {
        panic!("it has no id");
    };
    assert!(error.to_string().contains("transactional.id"), "{error}");
}

/// What happens to one transaction.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Commit,
    Abort,
    FailedDelivery,
    FailedCommit,
    /// The producer dies with the transaction open; another takes the id over.
    Death,
}

fn any_ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        3 => Just(Ending::Commit),
        1 => Just(Ending::Abort),
        1 => Just(Ending::FailedDelivery),
        1 => Just(Ending::FailedCommit),
        1 => Just(Ending::Death),
    ]
}

proptest! {
    /// A reader sees the records of the transactions whose commit succeeded, each once and in order.
    #[test]
    fn readers_see_whole_transactions(
        transactions in proptest::collection::vec((1u64..5, any_ending()), 1..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let brokers = FakeTransactions::new();
        let mut expected = Vec::new();
        runtime.block_on(async {
            let (mut producer, mut handle) = brokers.producer(ID);
            producer.init_transactions(TIMEOUT).await.unwrap();
            let mut token = 0;
            for (num_records, ending) in transactions {
                producer.begin_transaction().unwrap();
                if let Ending::FailedDelivery = ending {
                    handle.fail_next_delivery(ErrorCode::MESSAGE_TIMED_OUT);
                }
                let first = token;
                for _ in 0..num_records {
                    producer.send(record(b"value", token)).unwrap();
                    token += 1;
                }
                if let Ending::FailedCommit = ending {
                    brokers.fail_next_commit(TransactionError::MustAbort {
                        transactional_id: ID.to_owned(),
                        code: ErrorCode::TIMED_OUT,
                        reason: "no answer".to_owned(),
                    });
                }
                match ending {
                    Ending::Commit => {
                        producer.commit_transaction(TIMEOUT).await.unwrap();
                        expected.extend(first..token);
                    }
                    Ending::Abort => producer.abort_transaction(TIMEOUT).await.unwrap(),
                    Ending::FailedDelivery | Ending::FailedCommit => {
                        let error = producer.commit_transaction(TIMEOUT).await.unwrap_err();
                        let must_abort = matches!(error, TransactionError::MustAbort { .. });
                        assert!(must_abort, "{error}");
                        producer.abort_transaction(TIMEOUT).await.unwrap();
                    }
                    Ending::Death => {
                        (producer, handle) = brokers.producer(ID);
                        producer.init_transactions(TIMEOUT).await.unwrap();
                    }
                }
            }
        });
        let seen: Vec<u64> = brokers.committed().iter().map(|record| record.token).collect();
        prop_assert_eq!(&seen, &expected);
        let by_token: BTreeMap<_, _> = seen.iter().map(|token| (token, ())).collect();
        prop_assert_eq!(by_token.len(), seen.len());
    }
}
