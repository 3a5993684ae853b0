//! The loop of a source task (`WorkerSourceTask`).
//!
//! ```text
//! poll ─► transforms ─► converters ─► producer ─ deliveries ─► queues of source partitions
//!                                                                │ acknowledged heads
//!                                                                ▼ on the commit interval
//!                                                          offset store ─► task.commit
//! ```
//!
//! An exactly-once source writes offsets with its producer, in the transactions of the records; see
//! `transactions`.

mod commit;
mod exactly_once;
mod failures;
mod producer;
mod rows;
mod send;
mod submitted;
#[cfg(test)]
mod tests;
mod topics;
mod transactions;

use crate::chain::Chain;
use crate::produce_error::delivery_error;
use crate::report::{DeadLetterQueue, DeadLetterQueuePlan, DeadLetterQueueWriter, ErrorReporters};
use crate::task::{TaskControl, TaskEvent, TaskTargetState};
use crate::tolerance::ErrorPolicy;
use commit::{Commits, OffsetCommit};
use connect_api::config::ConfigMap;
use connect_api::{
    AckedRecord, Clock, ConnectError, OffsetStorageReader, Result, SourceBatch, SourceTask,
    SourceTaskContext, Topic,
};
use connect_kafka::producer::{Deliveries, Delivery};
use connect_store::{OffsetStore, OffsetWriter};
use connect_telemetry::metrics::SourceTaskMetrics;
use failures::SettledReports;
use producer::TaskProducer;
use send::Sent;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use submitted::{SubmittedRecords, Token};
use transactions::{OFFSET_TOKEN, Transactions};

pub use exactly_once::{
    TaskPreflight, TransactionBoundary, TransactionPlan, TransactionalTaskProducerFactory,
};
pub use producer::{ProducerFactory, SourceProducer};
pub use topics::{TopicCreator, TopicMatcher};

/// Everything that a source task needs to run.
pub struct SourceTaskPlan {
    /// The task, not yet started.
    pub task: Box<dyn SourceTask>,
    /// Its configuration.
    pub config: ConfigMap,
    /// Its converters and transforms, configured.
    pub chain: Chain,
    /// What happens to bad records.
    pub error_policy: ErrorPolicy,
    /// Makes its producer.
    pub producer: SourceProducer,
    /// Where bad records go, if the user wants them kept.
    pub dead_letter_queue: Option<DeadLetterQueuePlan>,
    /// Where it finds how far it had come.
    pub offset_reader: Arc<dyn OffsetStorageReader>,
    /// Where it writes how far it has come; under exactly-once its own producer writes what is collected
    /// there.
    pub offset_writer: OffsetWriter,
    /// The store behind reader and writer, if it is the task's own: to be started before the task and
    /// stopped after it.
    pub own_offsets: Option<Arc<dyn OffsetStore>>,
    /// Creates topics before the first record goes there; `None` leaves that to the broker.
    pub topic_creator: Option<TopicCreator>,
    /// The time to live by.
    pub clock: Arc<dyn Clock>,
    /// `offset.flush.interval.ms`.
    pub offset_flush_interval: Duration,
    /// `offset.flush.timeout.ms`.
    pub offset_flush_timeout: Duration,
    /// Told once of each topic that holds a record of the task (KIP-558).
    pub on_active_topic: Arc<dyn Fn(&str) + Send + Sync>,
    /// The metrics of the task.
    pub metrics: SourceTaskMetrics,
}

/// No poll is made while so many bytes wait for acknowledgement.
const IN_FLIGHT_BYTES_MAX: usize = 32 << 20;
/// How long the producer may take to end.
const PRODUCER_CLOSE_TIMEOUT: Duration = Duration::from_secs(30);
/// Between polls that fail with a retriable error.
const POLL_RETRY_DELAY_MIN: Duration = Duration::from_millis(100);
const POLL_RETRY_DELAY_MAX: Duration = Duration::from_secs(30);

/// Runs a source task until it is told to stop or fails. See [`spawn_task`](crate::spawn_task).
pub async fn run_source_task(plan: SourceTaskPlan, mut control: TaskControl) -> Result<()> {
    if !control.await_unpaused().await {
        return Ok(());
    }
    let (writer, now) = (plan.offset_writer, plan.clock.monotonic());
    let (mut producer, commits) = match plan.producer {
        SourceProducer::AtLeastOnce(producer) => {
            let (interval, timeout) = (plan.offset_flush_interval, plan.offset_flush_timeout);
            let commit = OffsetCommit::new(writer, now, interval, timeout);
            (
                TaskProducer::Plain(producer().await?),
                Commits::OnInterval(Box::new(commit)),
            )
        }
        SourceProducer::ExactlyOnce(transactions) => {
            let Some(claimed) = transactions.claim(&mut control, &*plan.clock).await? else {
                return Ok(());
            };
            let (id, timeout) = (control.id().clone(), plan.offset_flush_timeout);
            let (transactions, producer) =
                Transactions::new(id, claimed, writer, timeout, plan.clock.monotonic());
            (producer, Commits::InTransactions(Box::new(transactions)))
        }
    };
    let deliveries = producer
        .deliveries()
        .ok_or_else(|| ConnectError::fatal("the producer was used before its task started"))?;
    if let Some(store) = &plan.own_offsets {
        let started = control.unless_stopping(store.start()).await;
        if !matches!(started, Some(Ok(()))) {
            store.stop().await;
            return started.unwrap_or(Ok(())).map_err(ConnectError::from);
        }
    }
    let (queue, dead_letter_writer) = match plan.dead_letter_queue {
        None => (None, None),
        Some(queue) => {
            let metrics = plan.metrics.task().clone();
            let (queue, writer) = DeadLetterQueue::start(queue, metrics).await?;
            (Some(queue), Some(writer))
        }
    };
    let reporters = ErrorReporters::new(
        control.id().clone(),
        plan.error_policy,
        queue,
        plan.metrics.task().clone(),
        plan.clock.clone(),
    );
    let mut context = SourceTaskContext::new(plan.clock.clone(), plan.offset_reader)
        .with_plugin_metrics(plan.metrics.plugin_metrics().clone());
    if let Some(transactions) = commits.transaction_context() {
        context = context.with_transaction_context(transactions.clone());
    }
    let mut task = plan.task;
    let mut runner = Runner {
        keeps_records: task.wants_acknowledgements(),
        chain: plan.chain,
        reporters,
        dead_letter_writer,
        settled_reports: SettledReports::new(),
        producer,
        deliveries,
        submitted: SubmittedRecords::default(),
        commits,
        topic_creator: plan.topic_creator,
        acked: Vec::new(),
        error: None,
        tracked_topics: HashSet::new(),
        unacked_topics: Vec::new(),
        on_active_topic: plan.on_active_topic,
        metrics: plan.metrics,
        clock: plan.clock,
        key_buffer: bytes::BytesMut::new(),
        value_buffer: bytes::BytesMut::new(),
    };
    let result = match task.start(context, &plan.config).await {
        Ok(()) => {
            control.emit(TaskEvent::Startup);
            runner.run(&mut *task, &mut control).await
        }
        Err(error) => Err(error),
    };
    runner.shut_down(task).await;
    if let Some(store) = &plan.own_offsets {
        store.stop().await;
    }
    result
}

struct Runner {
    chain: Chain,
    reporters: ErrorReporters,
    dead_letter_writer: Option<DeadLetterQueueWriter>,
    /// Skipped records whose reports have become durable.
    settled_reports: SettledReports,
    producer: TaskProducer,
    deliveries: Deliveries,
    submitted: SubmittedRecords,
    commits: Commits,
    topic_creator: Option<TopicCreator>,
    /// Whether the task wants to hear of acknowledgements.
    keeps_records: bool,
    /// Acknowledged records that the task has not heard of yet.
    acked: Vec<AckedRecord>,
    /// Why a record or its report could not be written; the task fails with it.
    error: Option<ConnectError>,
    /// The topics of `unacked_topics`.
    tracked_topics: HashSet<Topic>,
    /// Topics whose use is to be told, with the record whose acknowledgement shows it.
    unacked_topics: Vec<(Token, Topic)>,
    on_active_topic: Arc<dyn Fn(&str) + Send + Sync>,
    metrics: SourceTaskMetrics,
    clock: Arc<dyn Clock>,
    key_buffer: bytes::BytesMut,
    value_buffer: bytes::BytesMut,
}

/// What a wait for records ended with.
enum Polled {
    Batch(Result<SourceBatch>),
    ControlChanged,
}

impl Runner {
    async fn run(&mut self, task: &mut dyn SourceTask, control: &mut TaskControl) -> Result<()> {
        self.drive(task, control).await?;
        self.commit_finally().await
    }

    async fn drive(&mut self, task: &mut dyn SourceTask, control: &mut TaskControl) -> Result<()> {
        let mut num_failed_polls = 0u32;
        loop {
            self.fail_if_not_written()?;
            self.tell(task).await;
            if control.is_stopping() {
                return Ok(());
            }
            if control.target_state() == TaskTargetState::Paused {
                control.emit(TaskEvent::Paused);
                // Others may wait for the end of an open transaction, and brokers do not wait for ever.
                self.commit_finally().await?;
                let go_on = self.rest_while_paused(task, control).await?;
                if !go_on {
                    return Ok(());
                }
                self.restart_interval();
                control.emit(TaskEvent::Resumed);
                continue;
            }
            self.commit_on_time().await?;
            let started = self.clock.monotonic();
            match self.poll(task, control).await {
                Polled::ControlChanged => {}
                Polled::Batch(Ok(batch)) => {
                    num_failed_polls = 0;
                    self.batch_begins(batch.len());
                    if !batch.is_empty() {
                        let elapsed = self.clock.monotonic().saturating_sub(started);
                        self.metrics.record_poll(batch.len(), elapsed);
                        self.metrics.task().record_batch(batch.len());
                        if let Sent::Stopping = self.send_batch(batch, control).await? {
                            self.batch_is_cut_short();
                            continue;
                        }
                    }
                    self.batch_ends().await?;
                }
                Polled::Batch(Err(error)) if error.is_retriable() => {
                    self.batch_ends().await?;
                    num_failed_polls += 1;
                    let delay = POLL_RETRY_DELAY_MIN
                        .saturating_mul(1 << (num_failed_polls - 1).min(16))
                        .min(POLL_RETRY_DELAY_MAX);
                    tracing::warn!(
                        attempt = num_failed_polls,
                        delay_ms = delay.as_millis() as u64,
                        "failed to poll records from SourceTask. Will retry operation. {error}"
                    );
                    self.wait_for(delay, control).await;
                }
                Polled::Batch(Err(error)) => return Err(error),
            }
        }
    }

    /// Polls the task, seeing to deliveries and commits meanwhile; not before there is room in flight.
    async fn poll(&mut self, task: &mut dyn SourceTask, control: &mut TaskControl) -> Polled {
        while self.is_full() && self.error.is_none() {
            tokio::select! {
                biased;
                () = control.changed() => return Polled::ControlChanged,
                () = self.progress() => {}
            }
        }
        while let Some(deliveries) = self.deliveries.try_recv() {
            self.on_deliveries(&deliveries);
        }
        let mut commit_time = match self.time_to_commit() {
            Some(time) => self.clock.sleep(time),
            None => Box::pin(std::future::pending()),
        };
        let mut poll = task.poll();
        loop {
            tokio::select! {
                biased;
                () = control.changed() => return Polled::ControlChanged,
                batch = &mut poll => return Polled::Batch(batch),
                () = &mut commit_time => return Polled::ControlChanged,
                () = self.progress() => {
                    if self.error.is_some() || !self.acked.is_empty() {
                        // Polling is cancel-safe; the task is to hear of this soon.
                        return Polled::ControlChanged;
                    }
                }
            }
        }
    }

    fn is_full(&self) -> bool {
        let queue = self.reporters.dead_letter_queue();
        self.producer.in_flight_bytes() > IN_FLIGHT_BYTES_MAX
            || queue.is_some_and(|queue| !queue.has_room())
    }

    /// Waits for deliveries, the commit timer or the end of a commit, and does what is to do about it.
    /// Cancel-safe.
    async fn progress(&mut self) {
        tokio::select! {
            biased;
            deliveries = self.deliveries.recv() => match deliveries {
                Some(deliveries) => self.on_deliveries(&deliveries),
                // The producer ends only with this task.
                None => std::future::pending().await,
            },
            (token, result) = self.settled_reports.next() => self.on_report(token, result),
            () = self.commits.step(&mut self.submitted, &*self.clock, &self.metrics) => {}
        }
    }

    async fn rest_while_paused(
        &mut self,
        task: &mut dyn SourceTask,
        control: &mut TaskControl,
    ) -> Result<bool> {
        loop {
            self.fail_if_not_written()?;
            self.tell(task).await;
            tokio::select! {
                biased;
                go_on = control.await_unpaused() => return Ok(go_on),
                () = self.progress() => {}
            }
        }
    }

    async fn wait_for(&mut self, delay: Duration, control: &mut TaskControl) {
        let until = self.clock.monotonic() + delay;
        loop {
            let left = until.saturating_sub(self.clock.monotonic());
            let sleep = self.clock.sleep(left);
            tokio::select! {
                biased;
                () = control.changed() => return,
                () = sleep => return,
                () = self.progress() => {}
            }
        }
    }

    fn fail_if_not_written(&mut self) -> Result<()> {
        match self.error.take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn on_deliveries(&mut self, deliveries: &[Delivery]) {
        let (mut num_written, mut num_aborted) = (0, 0);
        for delivery in deliveries {
            let token = Token(delivery.token);
            match delivery.result {
                Ok(_) if token == OFFSET_TOKEN => {}
                Ok(metadata) => {
                    num_written += 1;
                    if !self.unacked_topics.is_empty() {
                        self.topic_acknowledged(token);
                    }
                    let metadata = connect_api::RecordMetadata {
                        partition: metadata.partition,
                        offset: metadata.offset,
                        timestamp: Some(metadata.timestamp_ms).filter(|timestamp| *timestamp >= 0),
                    };
                    self.acknowledge(token, Some(metadata));
                }
                Err(_) if self.commits.is_aborting() => {
                    num_aborted += usize::from(token != OFFSET_TOKEN);
                    self.acknowledge(token, None);
                }
                Err(code) => self.on_send_failure(token, delivery_error(code)),
            }
        }
        self.metrics
            .record_write(num_written + num_aborted, num_aborted);
    }

    /// A record is written, dropped or skipped; the task is to hear of it.
    fn acknowledge(&mut self, token: Token, metadata: Option<connect_api::RecordMetadata>) {
        let Some(record) = self.submitted.acknowledge(token) else {
            return;
        };
        if !self.keeps_records {
            return;
        }
        let acked = AckedRecord {
            record: *record,
            metadata,
        };
        match self.commits.transactions() {
            Some(transactions) => transactions.acknowledge(acked),
            None => self.acked.push(acked),
        }
    }

    fn topic_acknowledged(&mut self, token: Token) {
        if let Some(index) = self
            .unacked_topics
            .iter()
            .position(|(first, _)| *first == token)
        {
            let (_, topic) = self.unacked_topics.swap_remove(index);
            (self.on_active_topic)(&topic);
            // The next record tells again: a user may have reset the topics since.
            self.tracked_topics.remove(&topic);
        }
    }

    /// Tells the task what it wants to hear: acknowledgements and commits.
    async fn tell(&mut self, task: &mut dyn SourceTask) {
        if !self.acked.is_empty() {
            let acked = std::mem::take(&mut self.acked);
            if let Err(error) = task.committed(&acked).await {
                tracing::error!("Exception thrown while calling task.commitRecord(): {error}");
            }
        }
        if self.commits.take_completed_round()
            && let Err(error) = task.commit().await
        {
            tracing::error!("Exception thrown while calling task.commit(): {error}");
        }
    }

    async fn shut_down(mut self, mut task: Box<dyn SourceTask>) {
        let timeout = self.commits.timeout();
        match self.commits.transactions() {
            Some(_) => {
                let aborting = self.abort_what_is_open();
                if tokio::time::timeout(PRODUCER_CLOSE_TIMEOUT, aborting)
                    .await
                    .is_err()
                {
                    tracing::warn!(
                        "the open transaction could not be aborted; it ends by its timeout"
                    );
                }
            }
            None => {
                if let Err(error) = self.producer.flush(timeout).await {
                    tracing::warn!(
                        "{error}; records without acknowledgement will be read again after a restart"
                    );
                }
            }
        }
        while let Some(deliveries) = self.deliveries.try_recv() {
            self.on_deliveries(&deliveries);
        }
        if let Some(writer) = self.dead_letter_writer.take() {
            writer.close(timeout).await;
        }
        while let Some((token, result)) = self.settled_reports.try_next() {
            self.on_report(token, result);
        }
        if let Commits::OnInterval(commit) = &mut self.commits {
            commit.finish(&mut self.submitted, &self.metrics).await;
            let num_unacknowledged = self.submitted.num_unacknowledged();
            if num_unacknowledged > 0 {
                tracing::warn!(
                    num_unacknowledged,
                    "the task ends with records that Kafka has not acknowledged; they will be read again"
                );
            }
        }
        self.tell(&mut *task).await;
        if let Err(error) = task.stop().await {
            tracing::warn!("Could not stop task: {error}");
        }
        if let Err(error) = self.producer.close(PRODUCER_CLOSE_TIMEOUT).await {
            tracing::warn!("closing the producer: {error}");
        }
    }
}
