mod announced;
mod errors;
mod properties;

use super::{SinkTaskPlan, run_sink_task};
use crate::chain::Chain;
use crate::report::DeadLetterQueuePlan;
use crate::task::{TaskHandle, TaskTargetState, spawn_task};
use crate::testing::{Events, VirtualClock, description, eventually, metrics, task_id, text_chain};
use crate::tolerance::{ErrorPolicy, Tolerance};
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::{
    ConnectError, ConnectorType, Offsets, Result, SinkBatch, SinkTask, SinkTaskContext,
    TopicPartition,
};
use connect_kafka::consumer::{CommitError, FakeConsumer, FakeConsumerHandle, FakeRecord};
use connect_kafka::error::ErrorCode;
use connect_telemetry::metrics::{Metrics, SinkTaskMetrics};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Default)]
struct Script {
    calls: Vec<String>,
    /// Values that `put` has taken.
    taken: Vec<String>,
    /// What the next calls of `put` with records return.
    puts: VecDeque<ConnectError>,
    pre_commit_errors: VecDeque<ConnectError>,
    /// What `pre_commit` gives free; all that it was asked for where this is none.
    gives: Option<Offsets>,
    context: Option<SinkTaskContext>,
    /// Whether the task goes on after a report that said that it must not.
    swallows_errors: bool,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Script>>);

impl Shared {
    fn with<T>(&self, act: impl FnOnce(&mut Script) -> T) -> T {
        act(&mut self.0.lock().unwrap())
    }

    fn taken(&self) -> Vec<String> {
        self.with(|script| script.taken.clone())
    }

    fn called(&self, call: &str) -> bool {
        self.with(|script| script.calls.iter().any(|made| made == call))
    }
}

struct ScriptedTask(Shared);

#[async_trait]
impl SinkTask for ScriptedTask {
    async fn start(&mut self, context: SinkTaskContext, _: &ConfigMap) -> Result<()> {
        self.0.with(|script| {
            script.context = Some(context);
            script.calls.push("start".into());
        });
        Ok(())
    }

    async fn open(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        self.0
            .with(|script| script.calls.push(format!("open {partitions:?}")));
        Ok(())
    }

    async fn put(&mut self, batch: &SinkBatch) -> Result<()> {
        let SinkBatch::Rows(records) = batch else {
            panic!("this task takes rows");
        };
        self.0.with(|script| {
            if records.is_empty() {
                script.calls.push("put nothing".into());
                return Ok(());
            }
            if let Some(error) = script.puts.pop_front() {
                return Err(error);
            }
            for record in records {
                let value = record.record.value.to_string();
                // The outside system takes no such values.
                if value.starts_with("errant")
                    && let Some(context) = &script.context
                    && let Some(reporter) = context.errant_record_reporter()
                {
                    let error = ConnectError::data(format!("cannot write {value}"));
                    match reporter.report(&record.origin, error) {
                        Err(error) if !script.swallows_errors => return Err(error),
                        // Nobody need wait for the report.
                        Err(_) | Ok(_) => continue,
                    }
                }
                script.taken.push(value);
            }
            Ok(())
        })
    }

    async fn pre_commit(&mut self, current: &Offsets) -> Result<Offsets> {
        self.0.with(|script| {
            script.calls.push("pre_commit".into());
            match script.pre_commit_errors.pop_front() {
                Some(error) => Err(error),
                None => Ok(script.gives.clone().unwrap_or_else(|| current.clone())),
            }
        })
    }

    async fn close(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        self.0
            .with(|script| script.calls.push(format!("close {partitions:?}")));
        Ok(())
    }

    async fn stop(&mut self) -> Result<()> {
        self.0.with(|script| script.calls.push("stop".into()));
        Ok(())
    }
}

struct Fixture {
    script: Shared,
    consumer: FakeConsumerHandle,
    events: Arc<Events>,
    handle: TaskHandle,
    active_topics: Arc<Mutex<Vec<String>>>,
    metrics: Metrics,
    /// Metrics are shown as long as somebody holds them.
    _task_metrics: SinkTaskMetrics,
}

const FLUSH_INTERVAL: Duration = Duration::from_secs(60);

struct Setup {
    error_policy: ErrorPolicy,
    target_state: TaskTargetState,
    chain: Chain,
    dead_letter_queue: Option<DeadLetterQueuePlan>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            error_policy: ErrorPolicy::default(),
            target_state: TaskTargetState::Started,
            chain: text_chain(),
            dead_letter_queue: None,
        }
    }
}

fn start_with(error_policy: ErrorPolicy, target_state: TaskTargetState) -> Fixture {
    start_as(Setup {
        error_policy,
        target_state,
        ..Setup::default()
    })
}

fn start_as(setup: Setup) -> Fixture {
    let script = Shared::default();
    let (consumer, handle) = FakeConsumer::new();
    let clock = VirtualClock::shared();
    let metrics = metrics(&clock);
    let task_metrics = metrics.register_sink_task(description(ConnectorType::Sink));
    let active_topics: Arc<Mutex<Vec<String>>> = Arc::default();
    let told_topics = active_topics.clone();
    let plan = SinkTaskPlan {
        task: Box::new(ScriptedTask(script.clone())),
        config: ConfigMap::new(),
        chain: setup.chain,
        error_policy: setup.error_policy,
        consumer: Box::new(move || Box::pin(async move { Ok(Box::new(consumer) as _) })),
        clock,
        offset_flush_interval: FLUSH_INTERVAL,
        offset_flush_timeout: Duration::from_secs(5),
        dead_letter_queue: setup.dead_letter_queue,
        on_active_topic: Arc::new(move |topic| {
            told_topics.lock().unwrap().push(topic.to_owned());
        }),
        metrics: task_metrics.clone(),
    };
    let events = Arc::new(Events::default());
    let task = spawn_task(task_id(), setup.target_state, events.clone(), |control| {
        run_sink_task(plan, control)
    });
    Fixture {
        script,
        consumer: handle,
        events,
        handle: task,
        active_topics,
        metrics,
        _task_metrics: task_metrics,
    }
}

fn start() -> Fixture {
    start_with(ErrorPolicy::default(), TaskTargetState::Started)
}

fn partition(number: i32) -> TopicPartition {
    TopicPartition::new("t", number)
}

fn append(fixture: &Fixture, number: i32, values: &[&str]) {
    let records: Vec<FakeRecord> = values
        .iter()
        .map(|value| FakeRecord::value(*value))
        .collect();
    fixture.consumer.append(&partition(number), records);
}

async fn takes(fixture: &Fixture, values: &[&str]) {
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    eventually(&format!("put has taken {values:?}"), || {
        fixture.script.taken() == values
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn offsets_are_committed_on_the_interval_and_when_the_task_ends() {
    let fixture = start();
    fixture.consumer.assign(&[partition(0)]);
    append(&fixture, 0, &["a", "b"]);
    takes(&fixture, &["a", "b"]).await;
    assert_eq!(fixture.consumer.committed(&partition(0)), None);
    eventually("the interval has committed", || {
        fixture.consumer.committed(&partition(0)) == Some(2)
    })
    .await;
    append(&fixture, 0, &["c"]);
    takes(&fixture, &["a", "b", "c"]).await;
    fixture.handle.stop();
    fixture.handle.ended().await;
    assert_eq!(fixture.consumer.committed(&partition(0)), Some(3));
    assert!(fixture.consumer.is_closed());
    let calls = fixture.script.with(|script| script.calls.clone());
    assert_eq!(calls.first().unwrap(), "start");
    assert_eq!(calls.last().unwrap(), "stop");
    assert_eq!(fixture.events.names(), ["startup", "shutdown"]);
}

#[tokio::test(start_paused = true)]
async fn a_topic_is_told_of_again_as_a_user_may_have_reset_it() {
    let fixture = start();
    fixture.consumer.assign(&[partition(0)]);
    append(&fixture, 0, &["a"]);
    takes(&fixture, &["a"]).await;
    append(&fixture, 0, &["b"]);
    takes(&fixture, &["a", "b"]).await;
    assert_eq!(*fixture.active_topics.lock().unwrap(), ["t", "t"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_beyond_what_put_has_taken_is_ever_committed() {
    let fixture = start();
    fixture
        .script
        .with(|script| script.gives = Some(Offsets::from([(partition(0), 99)])));
    fixture.consumer.assign(&[partition(0)]);
    append(&fixture, 0, &["a"]);
    takes(&fixture, &["a"]).await;
    fixture.handle.stop();
    fixture.handle.ended().await;
    assert_eq!(fixture.consumer.committed(&partition(0)), None);
}

#[tokio::test(start_paused = true)]
async fn e17_a_retriable_failure_delivers_the_same_batch_again_with_consumption_paused() {
    let fixture = start();
    fixture.script.with(|script| {
        script.puts.extend([
            ConnectError::retriable("busy"),
            ConnectError::retriable("still busy"),
        ]);
    });
    fixture.consumer.assign(&[partition(0)]);
    append(&fixture, 0, &["a", "b"]);
    eventually("consumption is paused", || {
        fixture.consumer.paused() == [partition(0)]
    })
    .await;
    append(&fixture, 0, &["c"]);
    takes(&fixture, &["a", "b", "c"]).await;
    assert!(fixture.consumer.paused().is_empty());
    assert!(fixture.events.failure().is_none());
}

#[tokio::test(start_paused = true)]
async fn e16_a_failure_of_put_fails_the_task_and_commits_nothing_of_the_batch() {
    let fixture = start();
    fixture.consumer.assign(&[partition(0)]);
    append(&fixture, 0, &["a"]);
    takes(&fixture, &["a"]).await;
    fixture.script.with(|script| {
        script.puts.push_back(ConnectError::fatal("disk full"));
    });
    append(&fixture, 0, &["b"]);
    fixture.handle.ended().await;
    let error = fixture.events.failure().unwrap();
    assert_eq!(
        error.trace(),
        "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to \
         unrecoverable exception.\n\
         Caused by: org.apache.kafka.connect.errors.ConnectException: disk full\n"
    );
    assert_eq!(fixture.consumer.committed(&partition(0)), Some(1));
    assert!(fixture.script.called("stop"));
}

#[tokio::test(start_paused = true)]
async fn a_bad_record_fails_the_task_naming_its_place() {
    let fixture = start();
    fixture.consumer.assign(&[partition(0)]);
    append(&fixture, 0, &["a", "bad one", "c"]);
    fixture.handle.ended().await;
    let trace = fixture.events.failure().unwrap().trace();
    assert!(
        trace.contains("Tolerance exceeded in error handler"),
        "{trace}"
    );
    assert!(
        trace.contains("topic='t', partition=0, offset=1"),
        "{trace}"
    );
    assert!(fixture.script.taken().is_empty());
}

#[tokio::test(start_paused = true)]
async fn tolerated_records_are_skipped_and_their_offsets_committed() {
    let fixture = start_with(
        ErrorPolicy {
            tolerance: Tolerance::All,
            ..ErrorPolicy::default()
        },
        TaskTargetState::Started,
    );
    fixture.consumer.assign(&[partition(0)]);
    append(&fixture, 0, &["a", "bad one"]);
    takes(&fixture, &["a"]).await;
    fixture.handle.stop();
    fixture.handle.ended().await;
    assert_eq!(fixture.consumer.committed(&partition(0)), Some(2));
    let text = connect_telemetry::metrics::render_prometheus(
        &fixture.metrics,
        connect_telemetry::metrics::Dialects::Confluent,
    );
    assert!(
        text.lines().any(|line| line
            .starts_with("kafka_connect_task_error_metrics_total_records_skipped{")
            && line.ends_with(" 1")),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn retriable_conversions_are_retried_while_there_is_time() {
    let fixture = start_with(
        ErrorPolicy {
            retry_timeout: Some(Duration::from_secs(10)),
            ..ErrorPolicy::default()
        },
        TaskTargetState::Started,
    );
    fixture.consumer.assign(&[partition(0)]);
    append(&fixture, 0, &["flaky"]);
    takes(&fixture, &["flaky"]).await;
}

#[tokio::test(start_paused = true)]
async fn revoked_partitions_are_committed_then_closed_and_lost_ones_only_closed() {
    let fixture = start();
    fixture.consumer.assign(&[partition(0), partition(1)]);
    append(&fixture, 0, &["a"]);
    takes(&fixture, &["a"]).await;
    append(&fixture, 1, &["b"]);
    takes(&fixture, &["a", "b"]).await;
    fixture.consumer.revoke(&[partition(0)]);
    eventually("the revocation is complete", || {
        fixture.consumer.num_completed_rebalances() == 2
    })
    .await;
    assert_eq!(fixture.consumer.committed(&partition(0)), Some(1));
    assert_eq!(fixture.consumer.committed(&partition(1)), None);
    fixture.consumer.lose(&[partition(1)]);
    eventually("the loss is complete", || {
        fixture.consumer.num_completed_rebalances() == 3
    })
    .await;
    fixture.handle.stop();
    fixture.handle.ended().await;
    assert_eq!(fixture.consumer.committed(&partition(1)), None);
    assert!(
        fixture
            .script
            .called(&format!("close {:?}", [partition(1)]))
    );
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_waits_loses_the_records_of_revoked_partitions() {
    let fixture = start();
    fixture
        .script
        .with(|script| script.puts.push_back(ConnectError::retriable("busy")));
    fixture.consumer.assign(&[partition(0), partition(1)]);
    append(&fixture, 0, &["a"]);
    eventually("the batch waits", || !fixture.consumer.paused().is_empty()).await;
    fixture.consumer.revoke(&[partition(0)]);
    append(&fixture, 1, &["b"]);
    takes(&fixture, &["b"]).await;
    fixture.handle.stop();
    fixture.handle.ended().await;
    // Reading began at 0 and nothing was taken, so there is nothing to commit.
    assert_eq!(fixture.consumer.committed(&partition(0)), None);
    assert_eq!(fixture.consumer.committed(&partition(1)), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_failed_pre_commit_goes_back_to_what_is_committed() {
    let fixture = start();
    fixture.consumer.set_committed(&partition(0), 1);
    append(&fixture, 0, &["before", "a"]);
    fixture.script.with(|script| {
        script
            .pre_commit_errors
            .push_back(ConnectError::fatal("upload failed"));
    });
    fixture.consumer.assign(&[partition(0)]);
    takes(&fixture, &["a", "a"]).await;
    assert!(fixture.events.failure().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_failed_commit_is_made_up_for_by_the_next_one() {
    let fixture = start();
    fixture.consumer.assign(&[partition(0)]);
    fixture
        .consumer
        .fail_next_commit(CommitError::Broker(ErrorCode::TIMED_OUT));
    append(&fixture, 0, &["a"]);
    takes(&fixture, &["a"]).await;
    eventually("a later round has committed", || {
        fixture.consumer.committed(&partition(0)) == Some(1)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_task_may_go_back_pause_and_ask_for_a_commit() {
    let fixture = start();
    fixture.consumer.assign(&[partition(0)]);
    append(&fixture, 0, &["a", "b"]);
    takes(&fixture, &["a", "b"]).await;
    let context = fixture
        .script
        .with(|script| script.context.clone())
        .unwrap();
    assert!(context.assignment().contains(&partition(0)));
    context.offset(Offsets::from([(partition(0), 1)]));
    append(&fixture, 0, &["c"]);
    eventually("it has read b again", || {
        fixture
            .script
            .taken()
            .iter()
            .filter(|value| *value == "b")
            .count()
            == 2
    })
    .await;
    context.pause([partition(0)]);
    context.request_commit();
    // Requests take effect when the loop turns.
    append(&fixture, 0, &["d"]);
    eventually("the commit was made long before the interval", || {
        fixture.consumer.committed(&partition(0)).is_some()
    })
    .await;
    eventually("the partition is paused", || {
        fixture.consumer.paused() == [partition(0)]
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_task_reads_nothing_and_goes_on_where_it_was() {
    let fixture = start_with(ErrorPolicy::default(), TaskTargetState::Paused);
    assert!(!fixture.script.called("start"));
    fixture.handle.set_target_state(TaskTargetState::Started);
    fixture.consumer.assign(&[partition(0)]);
    append(&fixture, 0, &["a"]);
    takes(&fixture, &["a"]).await;
    fixture.handle.set_target_state(TaskTargetState::Paused);
    eventually("it is paused and has committed", || {
        fixture.consumer.committed(&partition(0)) == Some(1)
            && fixture.consumer.paused() == [partition(0)]
    })
    .await;
    append(&fixture, 0, &["b"]);
    eventually("put is still called without records", || {
        fixture.script.called("put nothing")
    })
    .await;
    assert_eq!(fixture.script.taken(), ["a"]);
    fixture.handle.set_target_state(TaskTargetState::Started);
    takes(&fixture, &["a", "b"]).await;
    assert_eq!(
        fixture.events.names(),
        ["paused", "startup", "paused", "resumed"]
    );
}
