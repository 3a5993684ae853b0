//! The loop of a sink task (`WorkerSinkTask`).
//!
//! ```text
//! consumer ─ PolledBatch ─► convert (rows or bytes) ─► put ─► pre_commit ─► commit of the group
//!                 ▲                                     │ retriable: same batch again, consumer paused
//!                 └──────────── rewind ─────────────────┘
//! ```

mod commit;
mod convert;
mod deliver;
mod errant;
mod open_reports;
mod rebalance;
#[cfg(test)]
mod tests;

use crate::chain::Chain;
use crate::report::{DeadLetterQueue, DeadLetterQueuePlan, DeadLetterQueueWriter, ErrorReporters};
use crate::task::{TaskControl, TaskEvent, TaskTargetState};
use crate::tolerance::ErrorPolicy;
use commit::Commits;
use connect_api::config::ConfigMap;
use connect_api::{
    Clock, ConnectError, ErrantRecordReporter, Form, Offsets, Result, SinkBatch, SinkTask,
    SinkTaskContext, TopicPartition,
};
use connect_kafka::consumer::{ConsumerEvent, PolledBatch, SinkConsumer};
use connect_kafka::record::PartitionOffset;
use connect_telemetry::metrics::SinkTaskMetrics;
use errant::WorkerErrantRecordReporter;
use futures::future::BoxFuture;
use open_reports::OpenReports;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Makes the consumer of a task; called once, when the task starts.
pub type ConsumerFactory =
    Box<dyn FnOnce() -> BoxFuture<'static, Result<Box<dyn SinkConsumer>>> + Send>;

/// Everything that a sink task needs to run.
pub struct SinkTaskPlan {
    /// The task, not yet started.
    pub task: Box<dyn SinkTask>,
    /// Its configuration.
    pub config: ConfigMap,
    /// Its converters and transforms, configured.
    pub chain: Chain,
    /// What happens to bad records.
    pub error_policy: ErrorPolicy,
    /// Makes its consumer.
    pub consumer: ConsumerFactory,
    /// The time to live by.
    pub clock: Arc<dyn Clock>,
    /// `offset.flush.interval.ms`.
    pub offset_flush_interval: Duration,
    /// `offset.flush.timeout.ms`.
    pub offset_flush_timeout: Duration,
    /// Where bad records go, if the user wants them kept.
    pub dead_letter_queue: Option<DeadLetterQueuePlan>,
    /// Told once of each topic that the task has read a record from (KIP-558).
    pub on_active_topic: Arc<dyn Fn(&str) + Send + Sync>,
    /// The metrics of the task.
    pub metrics: SinkTaskMetrics,
}

/// How long to wait for what the group coordinator must tell before records flow.
const POSITION_TIMEOUT: Duration = Duration::from_mins(1);
/// How long leaving the group may take at least.
const CLOSE_TIMEOUT_MIN: Duration = Duration::from_secs(5);

/// Runs a sink task until it is told to stop or fails. See [`spawn_task`](crate::spawn_task).
pub async fn run_sink_task(plan: SinkTaskPlan, mut control: TaskControl) -> Result<()> {
    if !control.await_unpaused().await {
        return Ok(());
    }
    let (queue, dead_letter_writer) = match plan.dead_letter_queue {
        None => (None, None),
        Some(queue) => {
            let metrics = plan.metrics.task().clone();
            let (queue, writer) = DeadLetterQueue::start(queue, metrics).await?;
            (Some(queue), Some(writer))
        }
    };
    let reporters = Arc::new(ErrorReporters::new(
        control.id().clone(),
        plan.error_policy,
        queue,
        plan.metrics.task().clone(),
        plan.clock.clone(),
    ));
    let open_reports = Arc::new(OpenReports::default());
    let errant_reporter = reporters.is_enabled().then(|| {
        Arc::new(WorkerErrantRecordReporter::new(
            reporters.clone(),
            open_reports.clone(),
        ))
    });
    let context = SinkTaskContext::new(
        plan.clock.clone(),
        errant_reporter
            .clone()
            .map(|reporter| reporter as Arc<dyn ErrantRecordReporter>),
    );
    let consumer = (plan.consumer)().await?;
    let mut runner = Runner {
        bytes_form: None,
        task: plan.task,
        chain: plan.chain,
        reporters,
        open_reports,
        errant_reporter,
        dead_letter_writer,
        consumer,
        context,
        offset_flush_interval: plan.offset_flush_interval,
        offset_flush_timeout: plan.offset_flush_timeout,
        current: Offsets::new(),
        lags: Offsets::new(),
        commits: Commits::default(),
        pending: None,
        paused: false,
        paused_by_task: BTreeSet::new(),
        next_commit: plan.clock.monotonic() + plan.offset_flush_interval,
        wake_at: None,
        on_active_topic: plan.on_active_topic,
        metrics: plan.metrics,
        clock: plan.clock,
    };
    let result = match runner
        .task
        .start(runner.context.clone(), &plan.config)
        .await
    {
        Ok(()) => {
            let accepts_bytes = runner.task.accepts().contains(&Form::Bytes);
            runner.bytes_form = runner.chain.plain_types().filter(|_| accepts_bytes);
            control.emit(TaskEvent::Startup);
            runner.drive(&mut control).await
        }
        Err(error) => Err(error),
    };
    runner.shut_down().await;
    result
}

/// A batch that was or will be handed to `put`.
struct Pending {
    batch: SinkBatch,
    /// For each partition the offset after its last record, whether that record was dropped or not.
    offsets: Vec<(TopicPartition, i64)>,
    /// For each of those partitions the offset after its last record in Kafka, if known.
    end_offsets: Vec<Option<i64>>,
    /// How often `put` has refused it.
    num_failures: u32,
}

struct Runner {
    task: Box<dyn SinkTask>,
    chain: Chain,
    reporters: Arc<ErrorReporters>,
    open_reports: Arc<OpenReports>,
    /// What the task reports through, if it can.
    errant_reporter: Option<Arc<WorkerErrantRecordReporter>>,
    dead_letter_writer: Option<DeadLetterQueueWriter>,
    consumer: Box<dyn SinkConsumer>,
    context: SinkTaskContext,
    clock: Arc<dyn Clock>,
    offset_flush_interval: Duration,
    offset_flush_timeout: Duration,
    /// What keys and values are, if batches travel as bytes.
    bytes_form: Option<(connect_api::PlainType, connect_api::PlainType)>,
    /// For each assigned partition the offset after the last record that `put` has taken.
    current: Offsets,
    /// For each assigned partition the number of records that wait in Kafka, as of the last batch.
    lags: Offsets,
    commits: Commits,
    /// The batch that waits to be delivered again.
    pending: Option<Pending>,
    paused: bool,
    paused_by_task: BTreeSet<TopicPartition>,
    next_commit: Duration,
    /// When `put` is to be called although nothing has come.
    wake_at: Option<Duration>,
    on_active_topic: Arc<dyn Fn(&str) + Send + Sync>,
    metrics: SinkTaskMetrics,
}

/// What ended the wait for something to do.
enum Wake {
    Control,
    Time,
    Event(ConsumerEvent),
}

impl Runner {
    async fn drive(&mut self, control: &mut TaskControl) -> Result<()> {
        while !control.is_stopping() {
            if let Some(error) = self.open_reports.failure() {
                return Err(error);
            }
            self.follow_target_state(control);
            self.apply_requests();
            self.commit_if_due().await?;
            match self.wait(control).await {
                Wake::Control => {}
                Wake::Time => self.on_time().await?,
                Wake::Event(event) => self.on_event(event, control).await?,
            }
        }
        Ok(())
    }

    async fn wait(&mut self, control: &mut TaskControl) -> Wake {
        let now = self.clock.monotonic();
        let mut wake_at = self.next_commit;
        if let Some(time) = self.wake_at {
            wake_at = wake_at.min(time);
        }
        if let Some(time) = self.commits.times_out_at(self.offset_flush_timeout) {
            wake_at = wake_at.min(time);
        }
        let sleep = self.clock.sleep(wake_at.saturating_sub(now));
        tokio::select! {
            biased;
            () = control.changed() => Wake::Control,
            () = self.open_reports.failed() => Wake::Control,
            event = self.consumer.next() => Wake::Event(event),
            () = sleep => Wake::Time,
        }
    }

    async fn on_time(&mut self) -> Result<()> {
        let now = self.clock.monotonic();
        self.commits.check_timeout(now, self.offset_flush_timeout);
        let asked = self.wake_at.is_some_and(|time| now >= time);
        match self.pending.take() {
            // Only the time that was asked for delivers again; the commit timer does not.
            Some(pending) if asked => {
                self.wake_at = None;
                self.deliver(pending).await
            }
            Some(pending) => {
                self.pending = Some(pending);
                Ok(())
            }
            None => {
                if asked {
                    self.wake_at = None;
                }
                self.deliver(Pending {
                    batch: SinkBatch::empty(),
                    offsets: Vec::new(),
                    end_offsets: Vec::new(),
                    num_failures: 0,
                })
                .await
            }
        }
    }

    async fn on_event(&mut self, event: ConsumerEvent, control: &mut TaskControl) -> Result<()> {
        match event {
            ConsumerEvent::Records(batch) => self.on_records(batch, control).await,
            ConsumerEvent::Assigned { partitions, .. } => self.on_assigned(&partitions).await,
            ConsumerEvent::Revoked { partitions, .. } => self.on_revoked(&partitions).await,
            ConsumerEvent::Lost { partitions, .. } => self.on_lost(&partitions).await,
            ConsumerEvent::Committed { sequence, result } => {
                let outcome = result.map_err(|error| error.to_string());
                self.on_committed(sequence, outcome);
                Ok(())
            }
            ConsumerEvent::Error(error) if error.is_retriable() => {
                tracing::warn!("consumer: {error}; it goes on by itself");
                Ok(())
            }
            ConsumerEvent::Error(error) => Err(ConnectError::fatal(error.to_string())
                .with_class("org.apache.kafka.common.KafkaException")),
        }
    }

    async fn on_records(&mut self, batch: PolledBatch, control: &mut TaskControl) -> Result<()> {
        self.metrics.record_read(batch.len());
        if self.pending.is_some() {
            // The consumer is paused while a batch waits; whatever slips through is read again.
            self.seek_to_start_of(&batch);
            return Ok(());
        }
        for partition in batch.partitions() {
            // Each time: a user may have reset the topics since.
            (self.on_active_topic)(&partition.topic);
        }
        let Some(pending) = self.convert(&batch, control).await? else {
            // The task is to end. Nothing of the batch counts as consumed.
            return Ok(());
        };
        if let Some(reporter) = &self.errant_reporter {
            reporter.keep(batch, pending.offsets.clone());
        }
        self.deliver(pending).await?;
        // A task may have reported many records at once.
        if let Some(queue) = self.reporters.dead_letter_queue() {
            control.unless_stopping(queue.room()).await;
        }
        Ok(())
    }

    fn seek_to_start_of(&mut self, batch: &PolledBatch) {
        let mut starts = Offsets::new();
        for record in batch.iter() {
            starts
                .entry(record.topic_partition().clone())
                .or_insert(record.offset());
        }
        self.seek(&starts);
        self.consumer.pause(batch.partitions());
    }

    fn follow_target_state(&mut self, control: &TaskControl) {
        let pause = control.target_state() == TaskTargetState::Paused;
        if pause == self.paused {
            return;
        }
        self.paused = pause;
        if pause {
            let all = self.consumer.assignment().to_vec();
            self.consumer.pause(&all);
            self.context.request_commit();
            control.emit(TaskEvent::Paused);
        } else {
            self.resume_consumption();
            control.emit(TaskEvent::Resumed);
        }
    }

    /// Resumes all partitions but those that the task has paused itself.
    fn resume_consumption(&mut self) {
        if self.paused || self.pending.is_some() {
            return;
        }
        let partitions: Vec<TopicPartition> = self
            .consumer
            .assignment()
            .iter()
            .filter(|partition| !self.paused_by_task.contains(partition))
            .cloned()
            .collect();
        self.consumer.resume(&partitions);
    }

    fn apply_requests(&mut self) {
        let requests = self.context.take_requests();
        if !requests.rewind.is_empty() {
            tracing::debug!(offsets = ?requests.rewind, "the task goes to other offsets");
            self.seek(&requests.rewind);
            for (partition, offset) in &requests.rewind {
                if self.current.contains_key(partition) {
                    self.current.insert(partition.clone(), *offset);
                    self.commits.rewound(partition, *offset);
                }
            }
            self.drop_pending_of(&requests.rewind.keys().cloned().collect());
        }
        if !requests.pause.is_empty() {
            let partitions: Vec<_> = requests.pause.into_iter().collect();
            self.consumer.pause(&partitions);
            self.paused_by_task.extend(partitions);
        }
        if !requests.resume.is_empty() {
            for partition in &requests.resume {
                self.paused_by_task.remove(partition);
            }
            if !self.paused && self.pending.is_none() {
                let partitions: Vec<_> = requests.resume.into_iter().collect();
                self.consumer.resume(&partitions);
            }
        }
        if let Some(timeout) = requests.timeout
            && self.pending.is_none()
        {
            self.wake_at = Some(self.clock.monotonic() + timeout);
        }
        if requests.commit {
            self.commits.requested = true;
        }
    }

    fn seek(&mut self, offsets: &Offsets) {
        let offsets: Vec<PartitionOffset> = offsets
            .iter()
            .map(|(partition, offset)| PartitionOffset::new(partition.clone(), *offset))
            .collect();
        self.consumer.seek(&offsets);
    }

    /// Takes the records of some partitions out of the batch that waits: they come again or belong to
    /// another task now.
    fn drop_pending_of(&mut self, partitions: &BTreeSet<TopicPartition>) {
        let Some(mut pending) = self.pending.take() else {
            return;
        };
        let (offsets, end_offsets) = std::mem::take(&mut pending.offsets)
            .into_iter()
            .zip(std::mem::take(&mut pending.end_offsets))
            .filter(|((partition, _), _)| !partitions.contains(partition))
            .unzip();
        (pending.offsets, pending.end_offsets) = (offsets, end_offsets);
        convert::retain_partitions(&mut pending.batch, |partition| {
            !partitions.contains(partition)
        });
        if pending.batch.is_empty() && pending.offsets.is_empty() {
            self.wake_at = None;
            self.resume_consumption();
        } else {
            self.pending = Some(pending);
        }
    }

    async fn shut_down(mut self) {
        let all: Vec<TopicPartition> = self.current.keys().cloned().collect();
        if !all.is_empty() {
            self.commit_and_close(&all).await;
        }
        if let Err(error) = self.task.stop().await {
            tracing::warn!("stop of the task failed: {error}");
        }
        let timeout = self.offset_flush_timeout.max(CLOSE_TIMEOUT_MIN);
        if let Some(writer) = self.dead_letter_writer.take() {
            writer.close(timeout).await;
        }
        if let Err(error) = self.consumer.close(timeout).await {
            tracing::warn!("closing the consumer: {error}");
        }
    }
}
