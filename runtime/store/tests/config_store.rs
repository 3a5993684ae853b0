//! The suite of [`ConfigStore`], on every implementation, and what holds for topics only.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod topics;

use async_trait::async_trait;
use bytes::Bytes;
use connect_api::config::ConfigMap;
use connect_kafka::error::ErrorCode;
use connect_kafka::log::{CompactedLog, MemoryTopic};
use connect_store::{
    ConfigStore, ConfigUpdate, ConfigUpdates, FencableWriter, KafkaConfigStore, MemoryConfigStore,
    RestartRequest, SessionKey, StoreError, StoreResult, TargetState,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use topics::{TIMEOUT, Topic};

fn config(version: &str) -> ConfigMap {
    [("connector.class", "X"), ("v", version), ("name", "a")]
        .into_iter()
        .collect()
}

fn version(config: Option<&Arc<ConfigMap>>) -> Option<&str> {
    config?.get("v")
}

fn drain(updates: &mut ConfigUpdates) -> Vec<ConfigUpdate> {
    std::iter::from_fn(|| updates.try_recv()).collect()
}

/// What holds for every store.
async fn suite(store: &dyn ConfigStore) {
    store.start().await.expect("starts");
    let mut updates = store.updates().expect("the first call");
    assert!(store.updates().is_none(), "one owner");
    store
        .claim_write_privileges()
        .await
        .expect("no other leader");

    store
        .put_connector_config("a", &config("1"), None)
        .await
        .expect("written");
    let state = store.snapshot();
    assert_eq!(version(state.raw_connector_config("a")), Some("1"));
    let keys: Vec<&str> = state
        .raw_connector_config("a")
        .expect("there")
        .keys()
        .collect();
    assert_eq!(keys.len(), 3);
    assert_eq!(state.target_state("a"), Some(TargetState::Started));
    assert_eq!(
        drain(&mut updates),
        [ConfigUpdate::ConnectorConfig("a".into())]
    );

    store
        .put_connector_config("b", &config("1"), Some(TargetState::Stopped))
        .await
        .expect("written");
    assert_eq!(
        store.snapshot().target_state("b"),
        Some(TargetState::Stopped)
    );
    assert_eq!(
        drain(&mut updates),
        [ConfigUpdate::ConnectorConfig("b".into())],
        "the first state of a new connector is no change"
    );
    assert_eq!(
        store.snapshot().connectors().collect::<Vec<_>>(),
        ["a", "b"]
    );

    let tasks = [config("t0"), config("t1")];
    store.put_task_configs("a", &tasks).await.expect("written");
    let state = store.snapshot();
    assert_eq!(state.tasks("a").len(), 2);
    assert_eq!(
        version(state.raw_task_config(&state.tasks("a")[1])),
        Some("t1")
    );
    assert_eq!(version(state.applied_connector_config("a")), Some("1"));
    let first_generation = state.task_config_generation("a").expect("applied");
    assert_eq!(drain(&mut updates), [ConfigUpdate::TaskConfigs("a".into())]);

    store
        .put_connector_config("a", &config("2"), None)
        .await
        .expect("written");
    let state = store.snapshot();
    assert_eq!(version(state.raw_connector_config("a")), Some("2"));
    assert_eq!(version(state.applied_connector_config("a")), Some("1"));
    store
        .put_task_configs("a", &tasks[..1])
        .await
        .expect("written");
    let state = store.snapshot();
    assert_eq!(state.tasks("a").len(), 1);
    assert_eq!(version(state.applied_connector_config("a")), Some("2"));
    assert_eq!(
        state.task_config_generation("a"),
        Some(first_generation + 1)
    );
    drain(&mut updates);

    for state in [TargetState::Paused, TargetState::Paused] {
        store.put_target_state("a", state).await.expect("written");
    }
    store.refresh(TIMEOUT).await.expect("read");
    assert_eq!(
        store.snapshot().target_state("a"),
        Some(TargetState::Paused)
    );
    assert_eq!(drain(&mut updates), [ConfigUpdate::TargetState("a".into())]);

    store.put_task_configs("a", &[]).await.expect("written");
    assert!(store.snapshot().tasks("a").is_empty());
    drain(&mut updates);

    store.remove_connector_config("a").await.expect("written");
    let state = store.snapshot();
    assert!(!state.contains("a"));
    assert_eq!(state.target_state("a"), None);
    assert_eq!(state.task_count("a"), 0);
    assert_eq!(
        drain(&mut updates),
        [ConfigUpdate::ConnectorRemoved("a".into())]
    );

    store.stop().await;
    assert_eq!(updates.recv().await, None);
}

#[tokio::test]
async fn in_memory() {
    suite(&MemoryConfigStore::new()).await;
}

#[tokio::test]
async fn on_a_topic_in_memory() {
    suite(&KafkaConfigStore::new(Topic::in_memory(1).open())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_an_embedded_broker() {
    let topic = Topic::embedded(1);
    suite(&KafkaConfigStore::new(topic.open())).await;
}

#[tokio::test]
async fn memory_knows_its_connectors() {
    let store = MemoryConfigStore::new();
    let error = store.put_target_state("a", TargetState::Paused).await;
    assert_eq!(
        error.expect_err("unknown").to_string(),
        "No connector `a` configured"
    );
    let error = store.put_task_configs("a", &[]).await;
    assert!(matches!(error, Err(StoreError::UnknownConnector { .. })));
    let mut updates = store.updates().expect("the first call");
    store
        .remove_connector_config("a")
        .await
        .expect("nothing to do");
    assert_eq!(drain(&mut updates), []);
    assert_eq!(store.snapshot().offset(), -1);
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_see_what_the_others_write() {
    for topic in [Topic::in_memory(1), Topic::embedded(1)] {
        let leader = KafkaConfigStore::new(topic.open());
        leader.start().await.expect("starts");
        leader
            .put_connector_config("a", &config("1"), Some(TargetState::Started))
            .await
            .expect("written");
        leader
            .put_task_configs("a", &[config("t0")])
            .await
            .expect("written");
        let restart = RestartRequest {
            connector: "a".into(),
            only_failed: false,
            include_tasks: true,
        };
        leader.put_restart_request(&restart).await.expect("written");
        leader
            .put_logger_level("org.example", "warn")
            .await
            .expect("written");

        let follower = KafkaConfigStore::new(topic.open());
        follower.start().await.expect("starts");
        let mut updates = follower.updates().expect("the first call");
        assert_eq!(drain(&mut updates), [], "what was there is in the snapshot");
        leader.refresh(TIMEOUT).await.expect("read");
        assert_eq!(follower.snapshot(), leader.snapshot());

        let session_key = SessionKey {
            key: Bytes::from_static(b"secret"),
            algorithm: "HmacSHA256".into(),
            creation_timestamp_ms: 7,
        };
        leader.put_session_key(&session_key).await.expect("written");
        leader.put_task_count_record("a", 1).await.expect("written");
        leader.put_restart_request(&restart).await.expect("written");
        follower
            .put_logger_level("org.example", "debug")
            .await
            .expect("written");
        follower.refresh(TIMEOUT).await.expect("read");
        leader.refresh(TIMEOUT).await.expect("read");
        assert_eq!(
            drain(&mut updates),
            [
                ConfigUpdate::SessionKey,
                ConfigUpdate::Restart(restart),
                ConfigUpdate::LoggerLevel {
                    logger: "org.example".into(),
                    level: "debug".into()
                },
            ]
        );
        let state = follower.snapshot();
        assert_eq!(state, leader.snapshot());
        assert_eq!(state.session_key().map(|key| &**key), Some(&session_key));
        assert_eq!(state.task_count_record("a"), Some(1));
        assert!(!state.is_pending_fencing("a"));
        assert!(!format!("{state:?}").contains("secret"));
        leader.stop().await;
        follower.stop().await;
    }
}

#[tokio::test]
async fn a_config_topic_has_one_partition() {
    let store = KafkaConfigStore::new(Topic::in_memory(2).open());
    let error = store.start().await.expect_err("two partitions").to_string();
    assert!(
        error.contains("'internal'") && error.contains("found 2 partitions"),
        "{error}"
    );
}

#[tokio::test]
async fn a_write_that_fails_says_where() {
    let topic = MemoryTopic::new("connect-configs", 1);
    let store = KafkaConfigStore::new(Topic::InMemory(Arc::clone(&topic)).open());
    store.start().await.expect("starts");
    topic.fail_writes(Some(ErrorCode::TOPIC_AUTHORIZATION_FAILED));
    let error = store.put_connector_config("a", &config("1"), None).await;
    let error = error.expect_err("refused");
    assert!(!error.is_retriable());
    assert!(error.to_string().contains("connect-configs"), "{error}");
    assert!(!store.snapshot().contains("a"));
}

/// A transaction is a batch that reaches the topic at once; the right to write goes with `is_claimed`.
struct TransactionalWriter {
    log: Arc<dyn CompactedLog>,
    is_claimed: AtomicBool,
}

#[async_trait]
impl FencableWriter for TransactionalWriter {
    async fn claim(&self) -> StoreResult<()> {
        self.is_claimed.store(true, Ordering::SeqCst);
        Ok(())
    }

    async fn write(&self, records: Vec<(Bytes, Option<Bytes>)>) -> StoreResult<()> {
        if !self.is_claimed.load(Ordering::SeqCst) {
            return Err(StoreError::Fenced {
                operation: "write".into(),
                topic: self.log.topic().to_string(),
            });
        }
        for (key, value) in records {
            self.log.send(Some(key), value).await?;
        }
        Ok(())
    }
}

/// A writer whose broker never answers.
struct SilentWriter;

#[async_trait]
impl FencableWriter for SilentWriter {
    async fn claim(&self) -> StoreResult<()> {
        Ok(())
    }

    async fn write(&self, _records: Vec<(Bytes, Option<Bytes>)>) -> StoreResult<()> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_without_answer_ends_after_thirty_seconds() {
    let log = Topic::in_memory(1).open();
    let store = KafkaConfigStore::new(log).with_privileged_writer(Arc::new(SilentWriter));
    store.start().await.expect("starts");
    let begun = tokio::time::Instant::now();
    let error = store.put_connector_config("a", &config("1"), None).await;
    assert_eq!(begun.elapsed(), Duration::from_secs(30));
    let error = error.expect_err("nobody answers");
    assert!(matches!(error, StoreError::Timeout { .. }), "{error:?}");
    assert!(error.to_string().contains("a"), "{error}");
}

#[tokio::test]
async fn privileged_writes_need_the_claim() {
    let log = Topic::in_memory(1).open();
    let writer = Arc::new(TransactionalWriter {
        log: Arc::clone(&log),
        is_claimed: AtomicBool::new(false),
    });
    let store = KafkaConfigStore::new(log).with_privileged_writer(writer);
    store.start().await.expect("starts");
    for outcome in [
        store.put_connector_config("a", &config("1"), None).await,
        store.put_task_configs("a", &[config("1")]).await,
        store.remove_connector_config("a").await,
        store.put_task_count_record("a", 1).await,
    ] {
        assert!(matches!(outcome, Err(StoreError::Fenced { .. })));
    }
    store
        .put_target_state("a", TargetState::Paused)
        .await
        .expect("any worker may");
    store
        .put_logger_level("a", "INFO")
        .await
        .expect("any worker may");
    store.claim_write_privileges().await.expect("claimed");
    store
        .put_connector_config("a", &config("1"), None)
        .await
        .expect("written");
    assert_eq!(
        store.snapshot().target_state("a"),
        Some(TargetState::Paused)
    );
}
