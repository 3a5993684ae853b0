//! Exactly-once: where transactions end, what is in them, and what fails a task.

use super::*;
use crate::source::{TaskPreflight, TransactionBoundary, TransactionPlan};
use crate::testing::{context, dead_letter_queue, error_metric};
use connect_api::TransactionContext;
use connect_kafka::producer::{
    FakeTransactions, ProducedRecord, SendError, TransactionError, TransactionalProducer,
};
use connect_telemetry::metrics::{Dialects, render_prometheus};
use std::sync::atomic::{AtomicBool, Ordering};

const ID: &str = "g-c-0";
const OFFSETS: &str = "offsets";

/// What a task asks for, and the batch that it returns then.
type Poll = (fn(&TransactionContext), Result<SourceBatch>);

#[derive(Default)]
struct Say {
    polls: VecDeque<Poll>,
    /// What the task was told, and what became of the task.
    heard: Vec<String>,
}

/// A task that a test tells what to return.
#[derive(Clone, Default)]
struct Puppet {
    say: Arc<Mutex<Say>>,
    more: Arc<Notify>,
    context: Option<TransactionContext>,
}

impl Puppet {
    fn returns(&self, asks: fn(&TransactionContext), batch: Result<SourceBatch>) {
        self.say.lock().unwrap().polls.push_back((asks, batch));
        self.more.notify_one();
    }

    fn hears(&self, what: String) {
        self.say.lock().unwrap().heard.push(what);
    }

    fn heard(&self) -> Vec<String> {
        self.say.lock().unwrap().heard.clone()
    }
}

#[async_trait]
impl SourceTask for Puppet {
    async fn start(&mut self, context: SourceTaskContext, _: &ConfigMap) -> Result<()> {
        self.context = context.transaction_context().cloned();
        self.hears("start".to_string());
        Ok(())
    }

    async fn poll(&mut self) -> Result<SourceBatch> {
        loop {
            let next = self.say.lock().unwrap().polls.pop_front();
            if let Some((asks, batch)) = next {
                if let Some(context) = &self.context {
                    asks(context);
                }
                return batch;
            }
            self.more.notified().await;
        }
    }

    fn wants_acknowledgements(&self) -> bool {
        true
    }

    async fn committed(&mut self, records: &[AckedRecord]) -> Result<()> {
        for acked in records {
            let place = acked.metadata.map_or("nowhere".to_string(), |metadata| {
                metadata.offset.to_string()
            });
            self.hears(format!("{}@{place}", acked.record.record.value));
        }
        Ok(())
    }

    async fn commit(&mut self) -> Result<()> {
        Ok(())
    }

    async fn stop(&mut self) -> Result<()> {
        self.hears("stop".to_string());
        Ok(())
    }
}

/// A gate that opens when a test says so.
#[derive(Clone, Default)]
struct Gate {
    puppet: Puppet,
    hangs: Arc<AtomicBool>,
    refusal: Option<(&'static str, &'static str)>,
}

impl Gate {
    async fn pass(&self, what: &'static str) -> Result<()> {
        self.puppet.hears(what.to_string());
        if self.hangs.load(Ordering::Acquire) {
            std::future::pending::<()>().await;
        }
        match self.refusal {
            Some((refused, why)) if refused == what => Err(ConnectError::fatal(why)),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl TaskPreflight for Gate {
    async fn fence_zombies(&self) -> Result<()> {
        self.pass("fence").await
    }

    async fn verify(&self) -> Result<()> {
        self.pass("verify").await
    }
}

struct World {
    brokers: FakeTransactions,
    producer: FakeProducerHandle,
    puppet: Puppet,
    worker_offsets: Arc<MemoryOffsetStore>,
    events: Arc<Events>,
    handle: TaskHandle,
    metrics: Metrics,
    _task_metrics: SourceTaskMetrics,
}

struct Setting {
    brokers: FakeTransactions,
    boundary: TransactionBoundary,
    gate: Gate,
    error_policy: ErrorPolicy,
    dead_letter_queue: Option<DeadLetterQueuePlan>,
}

impl Setting {
    fn new(boundary: TransactionBoundary) -> Self {
        Self {
            brokers: FakeTransactions::new(),
            boundary,
            gate: Gate::default(),
            error_policy: ErrorPolicy::default(),
            dead_letter_queue: None,
        }
    }

    fn run(self) -> World {
        let puppet = self.gate.puppet.clone();
        let (producer, handle) = self.brokers.producer(ID);
        let clock = VirtualClock::shared();
        let worker_offsets = Arc::new(MemoryOffsetStore::new());
        let store: Arc<dyn OffsetStore> = Arc::new(MemoryOffsetStore::new());
        let metrics = metrics(&clock);
        let task_metrics = metrics.register_source_task(description(ConnectorType::Source));
        let making = puppet.clone();
        let plan = SourceTaskPlan {
            task: Box::new(puppet.clone()),
            config: ConfigMap::new(),
            chain: text_chain(),
            error_policy: self.error_policy,
            producer: SourceProducer::ExactlyOnce(TransactionPlan {
                producer: Box::new(move || {
                    making.hears("produce".to_string());
                    Box::pin(async move { Ok(Box::new(producer) as _) })
                }),
                preflight: Box::new(self.gate),
                boundary: self.boundary,
                offsets_topic: OFFSETS.to_string(),
                worker_offsets: Some(worker_offsets.clone()),
            }),
            dead_letter_queue: self.dead_letter_queue,
            offset_reader: Arc::new(ConnectorOffsets::new("c", store.clone())),
            offset_writer: OffsetWriter::new("c", store),
            own_offsets: None,
            topic_creator: None,
            metrics: task_metrics.clone(),
            clock,
            offset_flush_interval: Duration::from_secs(60),
            offset_flush_timeout: Duration::from_secs(5),
            on_active_topic: Arc::new(|_| {}),
        };
        let events = Arc::new(Events::default());
        let task = spawn_task(
            task_id(),
            TaskTargetState::Started,
            events.clone(),
            |control| run_source_task(plan, control),
        );
        World {
            brokers: self.brokers,
            producer: handle,
            puppet,
            worker_offsets,
            events,
            handle: task,
            metrics,
            _task_metrics: task_metrics,
        }
    }
}

fn shown(record: &ProducedRecord) -> String {
    let value = record.value.as_deref().unwrap_or(b"gone");
    let value = String::from_utf8_lossy(value).into_owned();
    match record.topic.as_str() {
        OFFSETS => value,
        _ => value.trim_matches('"').to_string(),
    }
}

impl World {
    fn run(boundary: TransactionBoundary) -> Self {
        Setting::new(boundary).run()
    }

    fn returns(&self, batch: SourceBatch) {
        self.puppet.returns(|_| {}, Ok(batch));
    }

    /// What a `read_committed` reader of all topics sees.
    fn committed(&self) -> Vec<String> {
        self.brokers.committed().iter().map(shown).collect()
    }

    async fn sees(&self, expected: &[&str]) {
        eventually(&format!("{expected:?} is committed"), || {
            self.committed() == expected
        })
        .await;
    }

    /// The polls so far have been dealt with.
    async fn is_idle(&self) {
        eventually("nothing is left to poll", || {
            self.puppet.say.lock().unwrap().polls.is_empty()
        })
        .await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    async fn stop(&self) {
        self.handle.stop();
        self.handle.ended().await;
    }

    async fn failure(&self) -> String {
        self.handle.ended().await;
        let error = self.events.failure().expect("the task has failed");
        assert_eq!(self.puppet.heard().last().map(String::as_str), Some("stop"));
        error.trace()
    }

    fn transaction_size(&self, which: &str) -> f64 {
        let name = format!("kafka_connect_source_task_metrics_transaction_size_{which}{{");
        let rendered = render_prometheus(&self.metrics, Dialects::Confluent);
        let line = rendered
            .lines()
            .find(|line| line.starts_with(&name))
            .unwrap_or_else(|| panic!("no {name} in {rendered}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn each_batch_is_a_transaction_with_its_last_offset() {
    let world = World::run(TransactionBoundary::Poll);
    world.returns(rows(&[("a", 1), ("b", 2)]));
    world.sees(&["a", "b", r#"{"o":2}"#]).await;
    world.returns(SourceBatch::empty());
    world.returns(rows(&[("c", 3)]));
    world
        .sees(&["a", "b", r#"{"o":2}"#, "c", r#"{"o":3}"#])
        .await;
    world.stop().await;
    assert_eq!(world.events.names(), ["startup", "shutdown"]);
    assert_eq!(
        world.puppet.heard(),
        [
            "fence", "produce", "verify", "start", "a@0", "b@1", "c@2", "stop"
        ]
    );
    assert_eq!(world.transaction_size("max"), 2.0);
    assert_eq!(world.transaction_size("min"), 1.0);
    assert_eq!(world.transaction_size("avg"), 1.5);
    // The worker's own offsets, on another topic, have a copy.
    let stored = ConnectorOffsets::new("c", world.worker_offsets.clone());
    let expected: Map = [("o", 3i64)].into_iter().collect();
    assert_eq!(stored.list().await.unwrap(), [(partition(), expected)]);
}

#[tokio::test(start_paused = true)]
async fn an_interval_ends_with_a_batch_or_without_one() {
    let world = World::run(TransactionBoundary::Interval(Duration::from_secs(10)));
    world.returns(rows(&[("a", 1)]));
    world.returns(rows(&[("b", 2)]));
    world.is_idle().await;
    assert_eq!(world.committed(), [""; 0]);
    // The task says nothing more, and the time passes.
    world.sees(&["a", "b", r#"{"o":2}"#]).await;
    world.returns(rows(&[("c", 3)]));
    world.is_idle().await;
    assert_eq!(world.committed().len(), 3);
    // What is open when the task pauses or ends is committed.
    world.handle.set_target_state(TaskTargetState::Paused);
    world
        .sees(&["a", "b", r#"{"o":2}"#, "c", r#"{"o":3}"#])
        .await;
    world.handle.set_target_state(TaskTargetState::Started);
    world.returns(rows(&[("d", 4)]));
    world.is_idle().await;
    world.stop().await;
    assert_eq!(world.committed()[5..], ["d", r#"{"o":4}"#]);
    assert_eq!(
        world.events.names(),
        ["startup", "paused", "resumed", "shutdown"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_chooses_the_ends_of_its_transactions() {
    let world = World::run(TransactionBoundary::Connector);
    world.returns(rows(&[("a", 1)]));
    world.is_idle().await;
    assert_eq!(world.committed(), [""; 0]);
    let commit = |context: &TransactionContext| context.commit_transaction();
    world.puppet.returns(commit, Ok(rows(&[("b", 2)])));
    world.sees(&["a", "b", r#"{"o":2}"#]).await;
    let at_second = |context: &TransactionContext| context.commit_transaction_at(1);
    let batch = rows(&[("c", 3), ("d", 4), ("e", 5)]);
    world.puppet.returns(at_second, Ok(batch));
    world.is_idle().await;
    assert_eq!(world.committed()[3..], ["c", "d", r#"{"o":4}"#]);
    // An empty batch may end what is open.
    world.puppet.returns(commit, Ok(SourceBatch::empty()));
    world.is_idle().await;
    assert_eq!(world.committed()[6..], ["e", r#"{"o":5}"#]);
    // Nobody says that this one is complete.
    world.returns(rows(&[("f", 6)]));
    world.is_idle().await;
    world.stop().await;
    assert_eq!(world.committed().len(), 8);
    let heard = world.puppet.heard();
    assert_eq!(heard[4..], ["a@0", "b@1", "c@2", "d@3", "e@4", "stop"]);
    assert_eq!(world.events.names(), ["startup", "shutdown"]);
}

#[tokio::test(start_paused = true)]
async fn aborted_records_are_gone_and_their_offsets_are_not() {
    let world = World::run(TransactionBoundary::Connector);
    let at_second = |context: &TransactionContext| {
        context.abort_transaction_at(1);
        context.commit_transaction_at(2);
    };
    let batch = rows(&[("a", 1), ("b", 2), ("c", 3)]);
    world.puppet.returns(at_second, Ok(batch));
    world.sees(&[r#"{"o":2}"#, "c", r#"{"o":3}"#]).await;
    let abort = |context: &TransactionContext| context.abort_transaction();
    world.puppet.returns(abort, Ok(rows(&[("d", 4)])));
    world
        .sees(&[r#"{"o":2}"#, "c", r#"{"o":3}"#, r#"{"o":4}"#])
        .await;
    // There is nothing to abort, which is no failure.
    world.puppet.returns(abort, Ok(SourceBatch::empty()));
    world.is_idle().await;
    world.stop().await;
    let heard = world.puppet.heard();
    assert_eq!(
        heard[4..],
        ["a@nowhere", "b@nowhere", "c@2", "d@nowhere", "stop"]
    );
    assert_eq!(world.transaction_size("min"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn commit_and_abort_of_the_same_thing_fail_the_task() {
    let both: fn(&TransactionContext) = |context| {
        context.commit_transaction();
        context.abort_transaction();
    };
    let both_at: fn(&TransactionContext) = |context| {
        context.commit_transaction_at(0);
        context.abort_transaction_at(0);
    };
    for (asks, expected) in [
        (
            both,
            "java.lang.IllegalStateException: Connector requested both commit and abort of same \
             transaction",
        ),
        (
            both_at,
            "java.lang.IllegalStateException: Connector requested both commit and abort of same record \
             against topic t",
        ),
    ] {
        let world = World::run(TransactionBoundary::Connector);
        world.puppet.returns(asks, Ok(rows(&[("a", 1)])));
        let trace = world.failure().await;
        assert!(trace.starts_with(expected), "{trace}");
        assert_eq!(world.committed(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_zombie_fails_and_leaves_nothing() {
    let world = World::run(TransactionBoundary::Poll);
    world.returns(rows(&[("a", 1)]));
    world.sees(&["a", r#"{"o":1}"#]).await;
    world.brokers.fence(ID);
    world.returns(rows(&[("late", 2)]));
    let trace = world.failure().await;
    assert!(
        trace.contains("Failed to flush offsets and/or records for task c-0")
            && trace.contains("ProducerFencedException"),
        "{trace}"
    );
    assert_eq!(world.committed().len(), 2);
    assert_eq!(world.events.names(), ["startup", "failed"]);
}

#[tokio::test(start_paused = true)]
async fn a_commit_is_tried_again_or_fails_the_task() {
    let failure = |code| TransactionError::Retriable {
        transactional_id: ID.to_string(),
        code,
        reason: "no answer".to_string(),
    };
    let world = World::run(TransactionBoundary::Poll);
    for _ in 0..3 {
        world
            .brokers
            .fail_next_commit(failure(ErrorCode::TIMED_OUT));
    }
    world.returns(rows(&[("a", 1)]));
    world.sees(&["a", r#"{"o":1}"#]).await;
    // The broker has aborted what took too long.
    world.brokers.fail_next_commit(TransactionError::Fenced {
        transactional_id: ID.to_string(),
        code: ErrorCode::INVALID_PRODUCER_EPOCH,
        reason: "the epoch is old".to_string(),
    });
    world.returns(rows(&[("b", 2)]));
    let trace = world.failure().await;
    assert!(
        trace.contains(
            "was unable to finish writing records to Kafka before its producer transaction"
        ),
        "{trace}"
    );
    assert_eq!(world.committed().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_not_written_fails_the_task_whatever_is_tolerated() {
    let tolerant = || Setting {
        error_policy: ErrorPolicy {
            tolerance: Tolerance::All,
            ..ErrorPolicy::default()
        },
        ..Setting::new(TransactionBoundary::Poll)
    };
    let world = tolerant().run();
    world
        .producer
        .fail_next_delivery(ErrorCode::MESSAGE_TOO_LARGE);
    world.returns(rows(&[("a", 1)]));
    let trace = world.failure().await;
    assert!(trace.contains("ConnectException"), "{trace}");
    assert_eq!(world.committed(), [""; 0]);

    let world = tolerant().run();
    world.producer.fail_next_send(SendError::RecordTooLarge {
        topic: "t".to_string(),
        num_bytes: 5,
    });
    world.returns(rows(&[("a", 1)]));
    let trace = world.failure().await;
    assert!(
        trace.contains("Unrecoverable exception trying to send"),
        "{trace}"
    );
    assert_eq!(world.committed(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn dropped_records_have_no_offset_and_count_for_boundaries() {
    let world = Setting {
        error_policy: ErrorPolicy {
            tolerance: Tolerance::All,
            ..ErrorPolicy::default()
        },
        ..Setting::new(TransactionBoundary::Connector)
    }
    .run();
    let at_second = |context: &TransactionContext| context.commit_transaction_at(1);
    let batch = rows(&[("a", 1), ("bad", 2), ("c", 3)]);
    world.puppet.returns(at_second, Ok(batch));
    world.sees(&["a", r#"{"o":1}"#]).await;
    world.stop().await;
    assert_eq!(world.committed().len(), 2);
    let heard = world.puppet.heard();
    assert!(heard.contains(&"bad@nowhere".to_string()), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_commit_waits_for_the_reports_of_what_it_passes_over() {
    let (queue, letters) = dead_letter_queue();
    letters.producer.hold(true);
    let world = Setting {
        error_policy: ErrorPolicy {
            tolerance: Tolerance::All,
            ..ErrorPolicy::default()
        },
        dead_letter_queue: Some(queue),
        ..Setting::new(TransactionBoundary::Poll)
    }
    .run();
    world.returns(rows(&[("bad", 1), ("b", 2)]));
    world.is_idle().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(world.committed(), [""; 0]);
    letters.producer.hold(false);
    world.sees(&["b", r#"{"o":2}"#]).await;
    let written = letters.producer.written();
    assert_eq!(written.len(), 1);
    assert_eq!(context(&written[0], "connector.name"), "c");
    assert_eq!(error_metric(&world.metrics, "total_records_skipped"), 1.0);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_must_not_write_to_its_own_offsets() {
    let world = World::run(TransactionBoundary::Poll);
    let mut record = SourceRecord::new(OFFSETS, Some(Schema::string()), Value::string("x"));
    record.origin.source_partition = Some(Arc::new(partition()));
    world.returns(SourceBatch::Rows(vec![record]));
    let trace = world.failure().await;
    assert!(
        trace.contains(
            "Source tasks may not produce to their own offsets topics when exactly-once support is \
             enabled"
        ),
        "{trace}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_offset_that_is_removed_goes_from_the_workers_offsets_too() {
    let world = World::run(TransactionBoundary::Poll);
    world.returns(rows(&[("a", 1)]));
    world.sees(&["a", r#"{"o":1}"#]).await;
    let mut record = SourceRecord::new("t", Some(Schema::string()), Value::string("b"));
    record.origin.source_partition = Some(Arc::new(partition()));
    world.returns(SourceBatch::Rows(vec![record]));
    world.sees(&["a", r#"{"o":1}"#, "b", "gone"]).await;
    world.stop().await;
    let stored = ConnectorOffsets::new("c", world.worker_offsets.clone());
    assert_eq!(stored.list().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn offsets_that_cannot_be_stored_fail_the_task() {
    let world = World::run(TransactionBoundary::Poll);
    let mut record = SourceRecord::new("t", Some(Schema::string()), Value::string("a"));
    let nested: Map = [("o", Value::Array(Vec::new()))].into_iter().collect();
    record.origin.source_partition = Some(Arc::new(partition()));
    record.origin.source_offset = Some(Arc::new(nested));
    world.returns(SourceBatch::Rows(vec![record]));
    let trace = world.failure().await;
    assert!(trace.contains("may only contain primitive"), "{trace}");
    assert_eq!(world.committed(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_may_not_run_takes_nothing_over() {
    for (refused, num_steps) in [("fence", 1), ("verify", 3)] {
        let mut setting = Setting::new(TransactionBoundary::Poll);
        setting.gate.refusal = Some((refused, "not you"));
        let world = setting.run();
        world.handle.ended().await;
        let error = world.events.failure().expect("the task has failed");
        assert_eq!(error.message(), "not you");
        let steps = ["fence", "produce", "verify"];
        assert_eq!(world.puppet.heard(), steps[..num_steps]);
    }
    // One that is told to stop while it waits must not fence the task that comes after it.
    let setting = Setting::new(TransactionBoundary::Poll);
    setting.gate.hangs.store(true, Ordering::Release);
    let (mut next, _) = setting.brokers.producer(ID);
    next.init_transactions(Duration::ZERO).await.unwrap();
    let world = setting.run();
    eventually("it waits", || !world.puppet.heard().is_empty()).await;
    world.stop().await;
    assert_eq!(world.puppet.heard(), ["fence"]);
    assert_eq!(world.events.names(), ["shutdown"]);
    next.begin_transaction().expect("nobody has fenced it");
}

/// Numbers that look random (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// Crashes at any moment, with every boundary: a reader of what is committed sees each number once.
#[tokio::test(start_paused = true)]
async fn crashes_neither_lose_nor_double_records() {
    const NUM_RECORDS: i64 = 60;
    for seed in 0..150u64 {
        let mut dice = Dice(seed);
        let brokers = FakeTransactions::new();
        let mut num_lives = 0;
        loop {
            // Where the last life came to, by what it has committed.
            let committed = brokers.committed();
            let offset = committed
                .iter()
                .rev()
                .find(|record| record.topic == OFFSETS)
                .map_or(0, |record| {
                    let text = shown(record);
                    text.trim_matches(|c: char| !c.is_ascii_digit())
                        .parse()
                        .unwrap()
                });
            if offset == NUM_RECORDS {
                break;
            }
            num_lives += 1;
            assert!(num_lives < 200, "seed {seed}: it gets nowhere");
            let boundary = match dice.below(3) {
                0 => TransactionBoundary::Poll,
                1 => TransactionBoundary::Interval(Duration::from_millis(dice.below(50))),
                _ => TransactionBoundary::Connector,
            };
            let setting = Setting {
                brokers: brokers.clone(),
                ..Setting::new(boundary)
            };
            let world = setting.run();
            let mut next = offset + 1;
            while next <= NUM_RECORDS {
                let num_records = (1 + dice.below(5) as i64).min(NUM_RECORDS + 1 - next);
                let numbers: Vec<(String, i64)> = (next..next + num_records)
                    .map(|number| (number.to_string(), number))
                    .collect();
                let numbers: Vec<(&str, i64)> = numbers
                    .iter()
                    .map(|(text, number)| (text.as_str(), *number))
                    .collect();
                let asks: fn(&TransactionContext) = match dice.below(3) {
                    0 => |context| context.commit_transaction(),
                    1 => |context| context.commit_transaction_at(0),
                    _ => |_| {},
                };
                world.puppet.returns(asks, Ok(rows(&numbers)));
                next += num_records;
                tokio::time::sleep(Duration::from_millis(dice.below(20))).await;
                match dice.below(20) {
                    0 => break,
                    1 => world.handle.set_target_state(TaskTargetState::Paused),
                    2 => world.handle.set_target_state(TaskTargetState::Started),
                    3 => world.brokers.fence(ID),
                    _ => {}
                }
            }
            match dice.below(3) {
                0 => {
                    world.handle.cancel();
                    // What comes next reads offsets only after it has taken the id over.
                    world.brokers.fence(ID);
                }
                _ => world.stop().await,
            }
        }
        let numbers: Vec<String> = brokers
            .committed()
            .iter()
            .filter(|record| record.topic == "t")
            .map(shown)
            .collect();
        let expected: Vec<String> = (1..=NUM_RECORDS).map(|number| number.to_string()).collect();
        assert_eq!(numbers, expected, "seed {seed}");
    }
}
