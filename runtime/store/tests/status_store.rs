//! The suite of [`StatusStore`], on every implementation, and what holds for topics only.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod topics;

use bytes::Bytes;
use connect_kafka::error::ErrorCode;
use connect_kafka::log::{CompactedLog, MemoryTopic};
use connect_store::{
    ConnectorStatus, ConnectorTaskId, KafkaStatusStore, MemoryStatusStore, State, Status,
    StatusStore, TaskStatus, TopicStatus,
};
use std::sync::Arc;
use topics::{TIMEOUT, Topic};

fn status(state: State, worker_id: &str, generation: i32) -> Status {
    Status {
        state,
        trace: (state == State::Failed).then(|| "java.lang.Exception: no \"luck\"\n".to_string()),
        worker_id: worker_id.to_string(),
        generation,
        version: Some("1.0".to_string()),
    }
}

fn connector(state: State, worker_id: &str, generation: i32) -> ConnectorStatus {
    ConnectorStatus {
        connector: "a".to_string(),
        status: status(state, worker_id, generation),
    }
}

fn id(task: i32) -> ConnectorTaskId {
    ConnectorTaskId {
        connector: "a".into(),
        task,
    }
}

fn task(number: i32, state: State, worker_id: &str, generation: i32) -> TaskStatus {
    TaskStatus {
        id: id(number),
        status: status(state, worker_id, generation),
    }
}

fn topic(name: &str, connector: &str) -> TopicStatus {
    TopicStatus {
        topic: name.to_string(),
        connector: connector.to_string(),
        task: 3,
        discover_timestamp_ms: 1_700_000_000_000,
    }
}

/// Waits until all that was put has been written and read back.
async fn settle(store: &dyn StatusStore, log: Option<&Arc<dyn CompactedLog>>) {
    store.flush().await.expect("flushed");
    if let Some(log) = log {
        log.read_to_end(TIMEOUT).await.expect("read");
    }
}

/// What holds for every store.
async fn suite(store: &dyn StatusStore, log: Option<&Arc<dyn CompactedLog>>) {
    store.start().await.expect("starts");
    assert_eq!(store.connector("a"), None);
    assert_eq!(store.connectors(), Vec::<String>::new());

    store.put_connector(connector(State::Running, "w1:1", 2));
    store.put_task(task(1, State::Running, "w1:1", 2));
    store.put_task(task(0, State::Paused, "w1:1", 2));
    store.put_task_safe(task(0, State::Failed, "w1:1", 2));
    settle(store, log).await;
    assert_eq!(
        store.connector("a"),
        Some(connector(State::Running, "w1:1", 2))
    );
    assert_eq!(store.task(&id(1)), Some(task(1, State::Running, "w1:1", 2)));
    assert_eq!(
        store.tasks("a"),
        [
            task(0, State::Failed, "w1:1", 2),
            task(1, State::Running, "w1:1", 2)
        ]
    );
    assert_eq!(store.connectors(), ["a"]);

    store.put_topic(topic("t", "a"));
    store.put_topic(topic("s", "a"));
    store.put_topic(topic("t", "b:connector-c"));
    settle(store, log).await;
    assert_eq!(store.topics("a"), [topic("s", "a"), topic("t", "a")]);
    assert_eq!(
        store.topic("t", "b:connector-c"),
        Some(topic("t", "b:connector-c"))
    );
    store.delete_topic("t", "a");
    settle(store, log).await;
    assert_eq!(store.topics("a"), [topic("s", "a")]);
    assert_eq!(store.topics("b:connector-c").len(), 1);

    store.put_task(task(0, State::Destroyed, "w1:1", 2));
    settle(store, log).await;
    assert_eq!(store.task(&id(0)), None);
    store.put_task(task(1, State::Destroyed, "w1:1", 2));
    store.put_connector(connector(State::Destroyed, "w1:1", 2));
    settle(store, log).await;
    assert_eq!(store.connector("a"), None);
    assert_eq!(store.connectors(), Vec::<String>::new());
    store.stop().await;
}

#[tokio::test]
async fn in_memory() {
    suite(&MemoryStatusStore::new(), None).await;
}

#[tokio::test]
async fn on_a_topic_in_memory() {
    let log = Topic::in_memory(5).open();
    suite(&KafkaStatusStore::new(Arc::clone(&log)), Some(&log)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_an_embedded_broker() {
    let topic = Topic::embedded(5);
    let log = topic.open();
    suite(&KafkaStatusStore::new(Arc::clone(&log)), Some(&log)).await;
}

/// Two workers on one topic.
struct Workers {
    topic: Arc<MemoryTopic>,
    logs: [Arc<dyn CompactedLog>; 2],
    stores: [KafkaStatusStore; 2],
}

impl Workers {
    async fn start() -> Self {
        let topic = MemoryTopic::new("connect-status", 5);
        let shared = Topic::InMemory(Arc::clone(&topic));
        let logs = [shared.open(), shared.open()];
        let stores = logs.clone().map(KafkaStatusStore::new);
        for store in &stores {
            store.start().await.expect("starts");
        }
        Self {
            topic,
            logs,
            stores,
        }
    }

    async fn settle(&self) {
        for store in &self.stores {
            store.flush().await.expect("flushed");
        }
        for log in &self.logs {
            log.read_to_end(TIMEOUT).await.expect("read");
        }
    }

    fn num_records(&self) -> usize {
        self.topic.records().len()
    }
}

#[tokio::test]
async fn a_late_failure_does_not_cover_a_later_generation() {
    let workers = Workers::start().await;
    let [old, new] = &workers.stores;
    new.put_task(task(0, State::Running, "new:1", 5));
    workers.settle().await;
    old.put_task_safe(task(0, State::Failed, "old:1", 4));
    workers.settle().await;
    assert_eq!(workers.num_records(), 1, "not even written");
    old.put_task_safe(task(0, State::Failed, "old:1", 5));
    workers.settle().await;
    assert_eq!(new.task(&id(0)), Some(task(0, State::Failed, "old:1", 5)));
    new.put_task(task(0, State::Running, "new:1", 6));
    workers.settle().await;
    old.put_task(task(0, State::Paused, "old:1", 5));
    workers.settle().await;
    assert_eq!(
        new.task(&id(0)),
        Some(task(0, State::Paused, "old:1", 5)),
        "the other writes are not held back"
    );
    // Its own later status does not hold a worker back.
    new.put_connector(connector(State::Running, "new:1", 7));
    workers.settle().await;
    new.put_connector_safe(connector(State::Unassigned, "new:1", 6));
    workers.settle().await;
    assert_eq!(
        old.connector("a"),
        Some(connector(State::Unassigned, "new:1", 6))
    );
}

#[tokio::test]
async fn a_late_unassigned_is_ignored_by_readers() {
    let workers = Workers::start().await;
    let [old, new] = &workers.stores;
    // Written before the other's RUNNING was read.
    new.put_task(task(0, State::Running, "new:1", 5));
    old.put_task_safe(task(0, State::Unassigned, "old:1", 5));
    workers.settle().await;
    assert_eq!(workers.num_records(), 2);
    for store in &workers.stores {
        assert_eq!(
            store.task(&id(0)),
            Some(task(0, State::Running, "new:1", 5))
        );
    }
    new.put_task_safe(task(0, State::Unassigned, "new:1", 6));
    workers.settle().await;
    assert_eq!(
        old.task(&id(0)),
        Some(task(0, State::Unassigned, "new:1", 6))
    );
}

#[tokio::test]
async fn the_end_of_a_connector_is_that_of_its_tasks() {
    let workers = Workers::start().await;
    let [one, other] = &workers.stores;
    one.put_connector(connector(State::Running, "w:1", 1));
    one.put_task(task(0, State::Running, "w:1", 1));
    workers.settle().await;
    one.put_connector(connector(State::Destroyed, "w:1", 1));
    workers.settle().await;
    assert_eq!(other.connector("a"), None);
    assert_eq!(other.tasks("a"), []);
    let last = workers.topic.records().pop().expect("a tombstone");
    assert_eq!(last.key.as_deref(), Some(b"status-connector-a".as_slice()));
    assert_eq!(last.value, None);
}

#[tokio::test(start_paused = true)]
async fn failed_writes_are_made_again_while_they_are_of_use() {
    let workers = Workers::start().await;
    let [store, _] = &workers.stores;
    workers.topic.fail_writes(Some(ErrorCode::TIMED_OUT));
    store.put_connector(connector(State::Running, "w:1", 1));
    store.put_connector(connector(State::Paused, "w:1", 1));
    store.put_topic(topic("t", "a"));
    let waiting = tokio::time::timeout(TIMEOUT, store.flush()).await;
    assert!(waiting.is_err(), "they wait for the broker");
    workers.topic.fail_writes(None);
    workers.settle().await;
    assert_eq!(
        store.connector("a"),
        Some(connector(State::Paused, "w:1", 1))
    );
    assert_eq!(store.topics("a").len(), 1);
    assert_eq!(workers.num_records(), 2, "RUNNING was out of date");

    // A new generation makes what was written in the old one worthless.
    workers.topic.fail_writes(Some(ErrorCode::TIMED_OUT));
    store.put_connector(connector(State::Running, "w:1", 1));
    store.put_task(task(0, State::Running, "w:1", 2));
    let waiting = tokio::time::timeout(TIMEOUT, store.flush()).await;
    assert!(waiting.is_err());
    workers.topic.fail_writes(None);
    workers.settle().await;
    assert_eq!(
        store.connector("a"),
        Some(connector(State::Paused, "w:1", 1))
    );
    assert_eq!(store.task(&id(0)), Some(task(0, State::Running, "w:1", 2)));

    // What cannot succeed is given up.
    workers
        .topic
        .fail_writes(Some(ErrorCode::TOPIC_AUTHORIZATION_FAILED));
    store.put_task(task(0, State::Paused, "w:1", 2));
    store.flush().await.expect("given up");
    workers.topic.fail_writes(None);
    workers.settle().await;
    assert_eq!(workers.num_records(), 3);
}

#[tokio::test]
async fn records_of_other_shapes_do_no_harm() {
    let workers = Workers::start().await;
    let [store, _] = &workers.stores;
    store.put_connector(connector(State::Running, "w:1", 1));
    workers.settle().await;
    for (key, value) in [
        (None, Some("{}")),
        (Some("other"), None),
        (Some("status-connector-a"), Some("{")),
        (Some("status-connector-a"), Some("[]")),
        (
            Some("status-connector-a"),
            Some(r#"{"state":"HAPPY","worker_id":"w","generation":1}"#),
        ),
        (
            Some("status-connector-a"),
            Some(r#"{"state":"FAILED","generation":1}"#),
        ),
        (
            Some("status-connector-a"),
            Some(r#"{"state":"FAILED","worker_id":"w"}"#),
        ),
        (Some("status-task-a"), None),
        (Some("status-task-a-x"), None),
        (Some("status-topic-t"), None),
        (Some("status-topic-:connector-a"), None),
        (Some("status-topic-t:"), None),
        (
            Some("status-topic-t:connector-a"),
            Some(r#"{"topic":{"name":"t"}}"#),
        ),
    ] {
        let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        workers.topic.append(0, key.map(bytes), value.map(bytes));
    }
    workers.settle().await;
    assert_eq!(
        store.connector("a"),
        Some(connector(State::Running, "w:1", 1))
    );
    assert_eq!(store.topics("a"), []);
    // Workers before 4.0 write no version.
    let value = r#"{"state":"PAUSED","trace":null,"worker_id":"w:1","generation":2}"#;
    let (key, value) = (Bytes::from("status-connector-a"), Bytes::from(value));
    workers.topic.append(0, Some(key), Some(value));
    workers.settle().await;
    let status = store.connector("a").expect("there").status;
    assert_eq!((status.state, status.version), (State::Paused, None));
}
