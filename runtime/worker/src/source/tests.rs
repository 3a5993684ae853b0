mod announced;
mod errors;
mod properties;
mod transactions;

use super::{SourceProducer, SourceTaskPlan, TopicCreator, run_source_task};
use crate::chain::Chain;
use crate::report::DeadLetterQueuePlan;
use crate::task::{TaskHandle, TaskTargetState, spawn_task};
use crate::testing::{Events, VirtualClock, description, eventually, metrics, task_id, text_chain};
use crate::tolerance::{ErrorPolicy, Tolerance};
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::data::{Map, Schema, Value};
use connect_api::{
    AckedRecord, ConnectError, ConnectorType, OffsetStorageReader, PlainType, Result, SourceBatch,
    SourceBytes, SourceOffsets, SourceRecord, SourceTask, SourceTaskContext,
};
use connect_kafka::admin::{Admin, FakeAdmin};
use connect_kafka::error::ErrorCode;
use connect_kafka::producer::{FakeProducer, FakeProducerHandle};
use connect_store::{ConnectorOffsets, MemoryOffsetStore, OffsetStore, OffsetWriter};
use connect_telemetry::metrics::{Metrics, SourceTaskMetrics};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

#[derive(Default)]
struct Script {
    polls: VecDeque<Result<SourceBatch>>,
    committed: Vec<String>,
    num_commits: usize,
    is_stopped: bool,
}

#[derive(Clone, Default)]
struct Shared {
    script: Arc<Mutex<Script>>,
    more: Arc<Notify>,
}

impl Shared {
    fn with<T>(&self, act: impl FnOnce(&mut Script) -> T) -> T {
        act(&mut self.script.lock().unwrap())
    }

    fn poll_returns(&self, batch: Result<SourceBatch>) {
        self.with(|script| script.polls.push_back(batch));
        self.more.notify_one();
    }
}

struct ScriptedTask {
    shared: Shared,
    wants_acknowledgements: bool,
}

#[async_trait]
impl SourceTask for ScriptedTask {
    async fn start(&mut self, _: SourceTaskContext, _: &ConfigMap) -> Result<()> {
        Ok(())
    }

    async fn poll(&mut self) -> Result<SourceBatch> {
        loop {
            if let Some(batch) = self.shared.with(|script| script.polls.pop_front()) {
                return batch;
            }
            self.shared.more.notified().await;
        }
    }

    fn wants_acknowledgements(&self) -> bool {
        self.wants_acknowledgements
    }

    async fn committed(&mut self, records: &[AckedRecord]) -> Result<()> {
        self.shared.with(|script| {
            script.committed.extend(records.iter().map(|acked| {
                let place = acked.metadata.map_or("dropped".to_string(), |metadata| {
                    metadata.offset.to_string()
                });
                format!("{}@{place}", acked.record.record.value)
            }));
        });
        Ok(())
    }

    async fn commit(&mut self) -> Result<()> {
        self.shared.with(|script| script.num_commits += 1);
        Ok(())
    }

    async fn stop(&mut self) -> Result<()> {
        self.shared.with(|script| script.is_stopped = true);
        Ok(())
    }
}

struct Fixture {
    shared: Shared,
    producer: FakeProducerHandle,
    offsets: Arc<MemoryOffsetStore>,
    events: Arc<Events>,
    handle: TaskHandle,
    active_topics: Arc<Mutex<Vec<String>>>,
    metrics: Metrics,
    /// Metrics are shown as long as somebody holds them.
    _task_metrics: SourceTaskMetrics,
}

#[derive(Default)]
struct Setup {
    error_policy: ErrorPolicy,
    wants_acknowledgements: bool,
    topic_creator: Option<TopicCreator>,
    chain: Option<Chain>,
    dead_letter_queue: Option<DeadLetterQueuePlan>,
}

fn start_with(setup: Setup) -> Fixture {
    let shared = Shared::default();
    let (producer, handle) = FakeProducer::new();
    let clock = VirtualClock::shared();
    let offsets = Arc::new(MemoryOffsetStore::new());
    let store: Arc<dyn OffsetStore> = offsets.clone();
    let metrics = metrics(&clock);
    let task_metrics = metrics.register_source_task(description(ConnectorType::Source));
    let active_topics: Arc<Mutex<Vec<String>>> = Arc::default();
    let told_topics = active_topics.clone();
    let plan = SourceTaskPlan {
        task: Box::new(ScriptedTask {
            shared: shared.clone(),
            wants_acknowledgements: setup.wants_acknowledgements,
        }),
        config: ConfigMap::new(),
        chain: setup.chain.unwrap_or_else(text_chain),
        error_policy: setup.error_policy,
        producer: SourceProducer::AtLeastOnce(Box::new(move || {
            Box::pin(async move { Ok(Box::new(producer) as _) })
        })),
        dead_letter_queue: setup.dead_letter_queue,
        offset_reader: Arc::new(ConnectorOffsets::new("c", store.clone())),
        offset_writer: OffsetWriter::new("c", store),
        own_offsets: None,
        topic_creator: setup.topic_creator,
        metrics: task_metrics.clone(),
        clock,
        offset_flush_interval: Duration::from_secs(60),
        offset_flush_timeout: Duration::from_secs(5),
        on_active_topic: Arc::new(move |topic| {
            told_topics.lock().unwrap().push(topic.to_owned());
        }),
    };
    let events = Arc::new(Events::default());
    let task = spawn_task(
        task_id(),
        TaskTargetState::Started,
        events.clone(),
        |control| run_source_task(plan, control),
    );
    Fixture {
        shared,
        producer: handle,
        offsets,
        events,
        handle: task,
        active_topics,
        metrics,
        _task_metrics: task_metrics,
    }
}

fn start() -> Fixture {
    start_with(Setup::default())
}

fn partition() -> Map {
    [("file", "a")].into_iter().collect()
}

fn rows(values: &[(&str, i64)]) -> SourceBatch {
    let source_partition = Arc::new(partition());
    SourceBatch::Rows(
        values
            .iter()
            .map(|(value, offset)| {
                let mut record =
                    SourceRecord::new("t", Some(Schema::string()), Value::string(*value));
                record.origin.source_partition = Some(source_partition.clone());
                let offset: Map = [("o", *offset)].into_iter().collect();
                record.origin.source_offset = Some(Arc::new(offset));
                record
            })
            .collect(),
    )
}

impl Fixture {
    fn written(&self) -> Vec<String> {
        self.producer
            .written()
            .into_iter()
            .map(|record| String::from_utf8(record.value.unwrap_or_default().to_vec()).unwrap())
            .collect()
    }

    async fn writes(&self, values: &[&str]) {
        eventually(&format!("{values:?} are written"), || {
            self.written() == values
        })
        .await;
    }

    async fn stored_offset(&self) -> Option<i64> {
        let store: Arc<dyn OffsetStore> = self.offsets.clone();
        ConnectorOffsets::new("c", store)
            .offsets(&[partition()])
            .await
            .unwrap()
            .remove(0)
            .and_then(|offset| offset.get_str("o").and_then(Value::as_i64))
    }

    async fn stop(&self) {
        self.handle.stop();
        self.handle.ended().await;
    }
}

#[tokio::test(start_paused = true)]
async fn records_are_written_and_their_offsets_stored_on_the_interval() {
    let fixture = start();
    fixture.shared.poll_returns(Ok(rows(&[("a", 1), ("b", 2)])));
    fixture.writes(&["a", "b"]).await;
    assert_eq!(fixture.stored_offset().await, None);
    eventually("the interval has come", || {
        fixture.shared.with(|script| script.num_commits > 0) || {
            // The task hears of a commit when its poll returns.
            fixture.shared.poll_returns(Ok(SourceBatch::empty()));
            false
        }
    })
    .await;
    assert_eq!(fixture.stored_offset().await, Some(2));
    fixture.stop().await;
    assert!(fixture.shared.with(|script| script.is_stopped));
    assert!(fixture.producer.is_closed());
    assert_eq!(fixture.events.names(), ["startup", "shutdown"]);
}

#[tokio::test(start_paused = true)]
async fn a_topic_is_told_of_by_acknowledgements_and_again_as_a_user_may_have_reset_it() {
    let fixture = start();
    let told = |times| {
        let told = fixture.active_topics.clone();
        async move {
            eventually("the topic is told of", || {
                told.lock().unwrap().len() == times
            })
            .await;
        }
    };
    fixture.producer.hold(true);
    fixture.shared.poll_returns(Ok(rows(&[("a", 1), ("b", 2)])));
    eventually("both are sent", || fixture.producer.pending().len() == 2).await;
    assert!(fixture.active_topics.lock().unwrap().is_empty());
    fixture.producer.acknowledge(2);
    told(1).await;
    fixture.shared.poll_returns(Ok(rows(&[("c", 3)])));
    eventually("it is sent", || fixture.producer.pending().len() == 1).await;
    fixture.producer.acknowledge(1);
    told(2).await;
    assert_eq!(*fixture.active_topics.lock().unwrap(), ["t", "t"]);
    fixture.stop().await;
}

#[tokio::test(start_paused = true)]
async fn only_the_acknowledged_head_is_stored_when_the_task_ends() {
    let fixture = start();
    fixture.producer.hold(true);
    fixture
        .shared
        .poll_returns(Ok(rows(&[("a", 1), ("b", 2), ("c", 3)])));
    eventually("all are sent", || fixture.producer.pending().len() == 3).await;
    fixture.producer.acknowledge(2);
    fixture.stop().await;
    assert_eq!(fixture.stored_offset().await, Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_refused_record_fails_the_task_and_holds_its_offset_back() {
    let fixture = start();
    fixture.producer.hold(true);
    fixture.shared.poll_returns(Ok(rows(&[("a", 1), ("b", 2)])));
    eventually("both are sent", || fixture.producer.pending().len() == 2).await;
    fixture.producer.acknowledge(1);
    fixture
        .producer
        .fail(1, ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    fixture.handle.ended().await;
    let trace = fixture.events.failure().unwrap().trace();
    assert!(
        trace.contains("Unrecoverable exception from producer send callback"),
        "{trace}"
    );
    assert!(
        trace.contains("grant the producer's principal WRITE"),
        "{trace}"
    );
    assert_eq!(fixture.stored_offset().await, Some(1));
}

#[tokio::test(start_paused = true)]
async fn tolerated_failures_skip_the_record_and_tell_the_task() {
    let fixture = start_with(Setup {
        error_policy: ErrorPolicy {
            tolerance: Tolerance::All,
            ..ErrorPolicy::default()
        },
        wants_acknowledgements: true,
        ..Setup::default()
    });
    fixture
        .shared
        .poll_returns(Ok(rows(&[("a", 1), ("bad one", 2), ("c", 3)])));
    fixture.writes(&["a", "c"]).await;
    fixture.stop().await;
    assert_eq!(fixture.stored_offset().await, Some(3));
    let mut committed = fixture.shared.with(|script| script.committed.clone());
    committed.sort();
    assert_eq!(committed, ["a@0", "bad one@dropped", "c@1"]);
}

#[tokio::test(start_paused = true)]
async fn a_bad_record_fails_the_task_naming_its_place() {
    let fixture = start();
    fixture.shared.poll_returns(Ok(rows(&[("bad one", 7)])));
    fixture.handle.ended().await;
    let trace = fixture.events.failure().unwrap().trace();
    assert!(trace.contains("{file=a} at offset {o=7}"), "{trace}");
    assert_eq!(fixture.stored_offset().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_retriable_poll_is_tried_again_and_others_fail() {
    let fixture = start();
    fixture
        .shared
        .poll_returns(Err(ConnectError::retriable("the database restarts")));
    fixture.shared.poll_returns(Ok(rows(&[("a", 1)])));
    fixture.writes(&["a"]).await;
    fixture
        .shared
        .poll_returns(Err(ConnectError::fatal("the table is gone")));
    fixture.handle.ended().await;
    assert_eq!(
        fixture.events.failure().unwrap().message(),
        "the table is gone"
    );
    assert_eq!(fixture.stored_offset().await, Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_full_producer_holds_the_task_back_and_loses_nothing() {
    let fixture = start();
    fixture.producer.hold(true);
    fixture.producer.set_max_pending(Some(1));
    fixture
        .shared
        .poll_returns(Ok(rows(&[("a", 1), ("b", 2), ("c", 3)])));
    eventually("the first is sent", || {
        fixture.producer.pending().len() == 1
    })
    .await;
    fixture.producer.hold(false);
    fixture.producer.acknowledge(1);
    fixture.writes(&["a", "b", "c"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_task_is_not_polled_and_goes_on() {
    let fixture = start();
    fixture.shared.poll_returns(Ok(rows(&[("a", 1)])));
    fixture.writes(&["a"]).await;
    fixture.handle.set_target_state(TaskTargetState::Paused);
    eventually("it is paused", || {
        fixture.events.names() == ["startup", "paused"]
    })
    .await;
    fixture.shared.poll_returns(Ok(rows(&[("b", 2)])));
    fixture.handle.set_target_state(TaskTargetState::Started);
    fixture.writes(&["a", "b"]).await;
    assert_eq!(fixture.events.names(), ["startup", "paused", "resumed"]);
}

#[tokio::test(start_paused = true)]
async fn bytes_become_rows_for_a_converter_that_looks_inside() {
    let fixture = start();
    let batch = SourceBytes {
        topic: "t".into(),
        source_partition: Some(Arc::new(partition())),
        value_type: PlainType::String,
        values: vec!["a".into(), "b".into()],
        source_offsets: SourceOffsets::Int64 {
            field: "o".into(),
            values: vec![5, 9],
        },
        timestamp: Some(1),
    };
    fixture.shared.poll_returns(Ok(SourceBatch::Bytes(batch)));
    fixture.writes(&["a", "b"]).await;
    fixture.stop().await;
    assert_eq!(fixture.stored_offset().await, Some(9));
}

#[tokio::test(start_paused = true)]
async fn topics_are_created_by_the_first_group_that_takes_them() {
    let admin = Arc::new(FakeAdmin::new());
    let config = ConfigMap::from_iter([
        ("topic.creation.groups", "compact"),
        ("topic.creation.compact.include", "t"),
        ("topic.creation.compact.cleanup.policy", "compact"),
        ("topic.creation.default.partitions", "3"),
        ("topic.creation.default.replication.factor", "-1"),
    ]);
    let whole_name = |pattern: &str| {
        let pattern = pattern.to_string();
        let matcher: super::topics::TopicMatcher = Arc::new(move |topic| topic == pattern);
        Ok(matcher)
    };
    let creator = TopicCreator::from_config(&config, admin.clone(), &whole_name)
        .unwrap()
        .unwrap();
    let fixture = start_with(Setup {
        topic_creator: Some(creator),
        ..Setup::default()
    });
    fixture.shared.poll_returns(Ok(rows(&[("a", 1)])));
    fixture.writes(&["a"]).await;
    let description = admin.describe_topic("t").await.unwrap().unwrap();
    assert_eq!(description.num_partitions, 3);
    assert_eq!(
        admin.topic_configs("t").await.unwrap()["cleanup.policy"],
        "compact"
    );
}

#[test]
fn groups_without_partitions_are_refused() {
    let config = ConfigMap::from_iter([("topic.creation.groups", "x")]);
    let error = TopicCreator::from_config(&config, Arc::new(FakeAdmin::new()), &|_| {
        Err(ConnectError::fatal("not asked for"))
    })
    .err()
    .unwrap();
    assert_eq!(
        error.message(),
        "Missing required configuration \"topic.creation.default.partitions\" which has no default \
         value."
    );
}
