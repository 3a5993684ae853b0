//! The transactions of an exactly-once source task (`ExactlyOnceWorkerSourceTask`).
//!
//! A transaction begins with a record and ends where [`TransactionBoundary`] says. Its end writes the
//! offsets of its records with the same producer, so that both become visible together.

mod commit;

use super::Runner;
use super::exactly_once::{ClaimedPlan, TransactionBoundary, commit_error};
use super::producer::TaskProducer;
use super::submitted::{SubmittedOffset, Token};
use connect_api::data::Map;
use connect_api::{AckedRecord, ConnectError, Result, TransactionContext, TransactionRequests};
use connect_store::{ConnectorTaskId, OffsetStore, OffsetWriter};
use std::sync::Arc;
use std::time::Duration;

/// The token of offsets, which no queue of records has.
pub(super) const OFFSET_TOKEN: Token = Token(u64::MAX);

/// Where the transactions of a task stand.
pub(super) struct Transactions {
    task: ConnectorTaskId,
    boundary: TransactionBoundary,
    context: Option<TransactionContext>,
    /// What the task has asked for and is still to be done.
    requests: TransactionRequests,
    writer: OffsetWriter,
    offsets_topic: String,
    worker_offsets: Option<Arc<dyn OffsetStore>>,
    flush_timeout: Duration,
    is_open: bool,
    is_aborting: bool,
    /// Records in the open transaction.
    num_records: usize,
    /// When the present interval began.
    interval_began: Duration,
    /// The last offset; those before it in the same source partition are of no use any more.
    latest: Option<(Option<Arc<Map>>, SubmittedOffset)>,
    /// Records of the open transaction that are written or dropped.
    acked: Vec<AckedRecord>,
    /// Skipped records whose reports are not durable yet.
    num_open_reports: usize,
    completed_round: bool,
}

/// What is to be done where a transaction may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    None,
    Commit,
    Abort,
}

impl Transactions {
    /// The transactions of a task, and the producer to make them with.
    pub(super) fn new(
        task: ConnectorTaskId,
        plan: ClaimedPlan,
        writer: OffsetWriter,
        flush_timeout: Duration,
        now: Duration,
    ) -> (Self, TaskProducer) {
        let transactions = Self {
            task,
            boundary: plan.boundary,
            context: plan.context,
            requests: TransactionRequests::default(),
            writer,
            offsets_topic: plan.offsets_topic,
            worker_offsets: plan.worker_offsets,
            flush_timeout,
            is_open: false,
            is_aborting: false,
            num_records: 0,
            interval_began: now,
            latest: None,
            acked: Vec::new(),
            num_open_reports: 0,
            completed_round: false,
        };
        (transactions, plan.producer)
    }

    pub(super) fn context(&self) -> Option<&TransactionContext> {
        self.context.as_ref()
    }

    pub(super) fn flush_timeout(&self) -> Duration {
        self.flush_timeout
    }

    pub(super) fn take_completed_round(&mut self) -> bool {
        std::mem::take(&mut self.completed_round)
    }

    pub(super) fn is_aborting(&self) -> bool {
        self.is_aborting
    }

    /// The task hears of it when the transaction is over.
    pub(super) fn acknowledge(&mut self, record: AckedRecord) {
        self.acked.push(record);
    }

    pub(super) fn report_begins(&mut self) {
        self.num_open_reports += 1;
    }

    pub(super) fn report_ends(&mut self) {
        self.num_open_reports = self.num_open_reports.saturating_sub(1);
    }

    fn note_offset(&mut self, partition: Option<&Arc<Map>>, offset: SubmittedOffset) {
        let is_same = match (&self.latest, partition) {
            (Some((Some(latest), _)), Some(partition)) => Arc::ptr_eq(latest, partition),
            (Some((None, _)), None) => true,
            _ => false,
        };
        if !is_same {
            self.keep_latest();
        }
        self.latest = Some((partition.cloned(), offset));
    }

    fn keep_latest(&mut self) {
        if let Some((partition, offset)) = self.latest.take() {
            self.writer.offset(partition.as_ref(), offset.into_map());
        }
    }

    /// Takes what the task has asked for. `num_records` is the length of the batch that came with it.
    fn take_requests(&mut self, num_records: usize) {
        let Some(context) = &self.context else {
            return;
        };
        let taken = context.take_requests();
        self.requests.commit_batch |= taken.commit_batch;
        self.requests.abort_batch |= taken.abort_batch;
        let records = taken
            .commit_records
            .iter()
            .chain(&taken.abort_records)
            .filter(|index| **index >= num_records)
            .count();
        if records > 0 {
            tracing::warn!(
                num_records,
                "the task asked for the end of a transaction at {records} records that its batch does \
                 not have"
            );
        }
        self.requests.commit_records = taken.commit_records;
        self.requests.abort_records = taken.abort_records;
    }

    fn ending_of_batch(&mut self, now: Duration) -> Result<Ending> {
        match self.boundary {
            TransactionBoundary::Poll => Ok(Ending::Commit),
            TransactionBoundary::Interval(interval) => {
                if now < self.interval_began + interval {
                    return Ok(Ending::None);
                }
                self.interval_began = now;
                Ok(Ending::Commit)
            }
            TransactionBoundary::Connector => self.requested_ending_of_batch(),
        }
    }

    fn requested_ending_of_batch(&mut self) -> Result<Ending> {
        let commit = std::mem::take(&mut self.requests.commit_batch);
        let abort = std::mem::take(&mut self.requests.abort_batch);
        match (commit, abort) {
            (true, true) => Err(illegal_state(
                "Connector requested both commit and abort of same transaction".to_string(),
            )),
            (true, false) => Ok(Ending::Commit),
            (false, true) => {
                tracing::info!("Aborting transaction for batch as requested by connector");
                Ok(Ending::Abort)
            }
            (false, false) => Ok(Ending::None),
        }
    }

    fn ending_of_record(&mut self, index: usize, topic: &str) -> Result<Ending> {
        let commit = self.requests.commit_records.remove(&index);
        let abort = self.requests.abort_records.remove(&index);
        match (commit, abort) {
            (true, true) => Err(illegal_state(format!(
                "Connector requested both commit and abort of same record against topic {topic}"
            ))),
            (true, false) => Ok(Ending::Commit),
            (false, true) => {
                tracing::info!(
                    "Aborting transaction for record on topic {topic} as requested by connector"
                );
                Ok(Ending::Abort)
            }
            (false, false) => Ok(Ending::None),
        }
    }
}

fn illegal_state(message: String) -> ConnectError {
    ConnectError::fatal(message).with_class("java.lang.IllegalStateException")
}

impl Runner {
    /// Comes before a record goes to the producer.
    pub(super) fn begin_record(&mut self, topic: &str) -> Result<()> {
        let Some(transactions) = self.commits.transactions() else {
            return Ok(());
        };
        if transactions.offsets_topic == topic {
            // The task could wait for itself: a look-up of its offsets waits for open transactions.
            return Err(ConnectError::fatal(
                "Source tasks may not produce to their own offsets topics when exactly-once support is \
                 enabled",
            ));
        }
        self.begin_transaction()
    }

    fn begin_transaction(&mut self) -> Result<()> {
        let Some(transactions) = self.commits.transactions() else {
            return Ok(());
        };
        if transactions.is_open {
            return Ok(());
        }
        if let Some(producer) = self.producer.transactional() {
            producer
                .begin_transaction()
                .map_err(|error| commit_error(&transactions.task, &error))?;
        }
        transactions.is_open = true;
        Ok(())
    }

    /// The offset of a record that is about to go to the producer, if a transaction wants it.
    pub(super) fn offset_to_note(&mut self, offset: &SubmittedOffset) -> Option<SubmittedOffset> {
        self.commits.transactions().map(|_| offset.clone())
    }

    /// The producer has taken a record; `offset` is that of [`offset_to_note`](Self::offset_to_note).
    pub(super) fn record_dispatched(
        &mut self,
        partition: Option<&Arc<Map>>,
        offset: Option<SubmittedOffset>,
    ) {
        if let (Some(transactions), Some(offset)) = (self.commits.transactions(), offset) {
            transactions.num_records += 1;
            transactions.note_offset(partition, offset);
        }
    }

    /// A record is with the producer or was dropped; a transaction may end here.
    pub(super) async fn record_ends(&mut self, index: usize, topic: &str) -> Result<()> {
        let Some(transactions) = self.commits.transactions() else {
            return Ok(());
        };
        if transactions.boundary != TransactionBoundary::Connector {
            return Ok(());
        }
        let ending = transactions.ending_of_record(index, topic)?;
        self.end_transaction(ending).await
    }

    /// A batch has come, whose records follow.
    pub(super) fn batch_begins(&mut self, num_records: usize) {
        if let Some(transactions) = self.commits.transactions() {
            transactions.take_requests(num_records);
        }
    }

    /// A batch is with the producer, or the task had nothing to say; a transaction may end here.
    pub(super) async fn batch_ends(&mut self) -> Result<()> {
        let now = self.clock.monotonic();
        let Some(transactions) = self.commits.transactions() else {
            return Ok(());
        };
        let ending = transactions.ending_of_batch(now)?;
        self.end_transaction(ending).await
    }

    /// A part of a batch is with the producer, and the rest will not follow. Where the task chooses what
    /// belongs together, a part must not be committed.
    pub(super) fn batch_is_cut_short(&mut self) {
        if let Some(transactions) = self.commits.transactions() {
            transactions.requests = TransactionRequests::default();
        }
    }

    /// How long the open transaction may stay open; `None` if that is not a matter of time.
    pub(super) fn time_to_commit(&mut self) -> Option<Duration> {
        let now = self.clock.monotonic();
        let transactions = self.commits.transactions()?;
        match transactions.boundary {
            TransactionBoundary::Interval(interval) if transactions.is_open => {
                Some((transactions.interval_began + interval).saturating_sub(now))
            }
            _ => None,
        }
    }

    /// Commits if the interval is over: a task that has nothing more to say keeps no transaction open.
    pub(super) async fn commit_on_time(&mut self) -> Result<()> {
        if self.time_to_commit() == Some(Duration::ZERO) {
            self.batch_ends().await?;
        }
        Ok(())
    }

    /// The task pauses or ends: what is open is committed, unless the task chooses what belongs together
    /// and has not said that it is complete.
    pub(super) async fn commit_finally(&mut self) -> Result<()> {
        let Some(transactions) = self.commits.transactions() else {
            return Ok(());
        };
        let ending = match transactions.boundary {
            TransactionBoundary::Poll | TransactionBoundary::Interval(_) => Ending::Commit,
            TransactionBoundary::Connector => {
                transactions.take_requests(0);
                transactions.requested_ending_of_batch()?
            }
        };
        self.end_transaction(ending).await
    }

    /// A paused task goes on.
    pub(super) fn restart_interval(&mut self) {
        let now = self.clock.monotonic();
        if let Some(transactions) = self.commits.transactions() {
            transactions.interval_began = now;
        }
    }

    async fn end_transaction(&mut self, ending: Ending) -> Result<()> {
        match ending {
            Ending::None => Ok(()),
            Ending::Commit => self.commit_transaction().await,
            Ending::Abort => {
                self.abort_as_requested().await?;
                // The offsets are stored nevertheless: the task does not want these records again.
                self.commit_transaction().await
            }
        }
    }
}
