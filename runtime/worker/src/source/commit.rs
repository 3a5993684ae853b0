//! Commits of source offsets, beside the polling of records.

use super::submitted::SubmittedRecords;
use super::transactions::Transactions;
use connect_api::{Clock, TransactionContext};
use connect_store::{OffsetFlush, OffsetWriter};
use connect_telemetry::metrics::SourceTaskMetrics;
use std::time::Duration;

/// How the offsets of records are stored.
pub(super) enum Commits {
    /// On an interval, those of acknowledged records.
    OnInterval(Box<OffsetCommit>),
    /// With the records.
    InTransactions(Box<Transactions>),
}

impl Commits {
    pub(super) fn transactions(&mut self) -> Option<&mut Transactions> {
        match self {
            Self::OnInterval(_) => None,
            Self::InTransactions(transactions) => Some(transactions),
        }
    }

    pub(super) fn transaction_context(&self) -> Option<&TransactionContext> {
        match self {
            Self::OnInterval(_) => None,
            Self::InTransactions(transactions) => transactions.context(),
        }
    }

    /// Whether records of an open transaction are being dropped.
    pub(super) fn is_aborting(&self) -> bool {
        match self {
            Self::OnInterval(_) => false,
            Self::InTransactions(transactions) => transactions.is_aborting(),
        }
    }

    /// `offset.flush.timeout.ms`.
    pub(super) fn timeout(&self) -> Duration {
        match self {
            Self::OnInterval(commit) => commit.timeout,
            Self::InTransactions(transactions) => transactions.flush_timeout(),
        }
    }

    /// Whether a round has ended well since the last call.
    pub(super) fn take_completed_round(&mut self) -> bool {
        match self {
            Self::OnInterval(commit) => std::mem::take(&mut commit.completed_round),
            Self::InTransactions(transactions) => transactions.take_completed_round(),
        }
    }

    /// What is to be done beside the polling of records. Cancel-safe.
    pub(super) async fn step(
        &mut self,
        submitted: &mut SubmittedRecords,
        clock: &dyn Clock,
        metrics: &SourceTaskMetrics,
    ) {
        match self {
            Self::OnInterval(commit) => commit.step(submitted, clock, metrics).await,
            Self::InTransactions(_) => std::future::pending().await,
        }
    }
}

/// Writes the offsets of acknowledged records on an interval.
pub(super) struct OffsetCommit {
    writer: OffsetWriter,
    interval: Duration,
    timeout: Duration,
    next: Duration,
    in_flight: Option<InFlight>,
    /// A round has ended well and the task has not been told.
    completed_round: bool,
}

struct InFlight {
    flush: OffsetFlush,
    started: Duration,
}

impl OffsetCommit {
    pub(super) fn new(
        writer: OffsetWriter,
        now: Duration,
        interval: Duration,
        timeout: Duration,
    ) -> Self {
        Self {
            writer,
            interval,
            timeout,
            next: now + interval,
            in_flight: None,
            completed_round: false,
        }
    }

    /// Waits for the next thing to do (the interval, the end of a write, its timeout) and does it.
    /// Cancel-safe.
    async fn step(
        &mut self,
        submitted: &mut SubmittedRecords,
        clock: &dyn Clock,
        metrics: &SourceTaskMetrics,
    ) {
        let now = clock.monotonic();
        let Some(in_flight) = &mut self.in_flight else {
            clock.sleep(self.next.saturating_sub(now)).await;
            self.begin(submitted, clock.monotonic(), metrics);
            return;
        };
        let started = in_flight.started;
        let timeout = clock.sleep((started + self.timeout).saturating_sub(now));
        let outcome = tokio::select! {
            biased;
            outcome = &mut in_flight.flush => outcome.map_err(|error| error.to_string()),
            () = timeout => Err(format!(
                "Timed out waiting to flush offsets to storage after {} ms \
                 (offset.flush.timeout.ms)",
                self.timeout.as_millis()
            )),
        };
        let now = clock.monotonic();
        self.end(outcome, now.saturating_sub(started), metrics);
        self.next = now + self.interval;
    }

    fn begin(
        &mut self,
        submitted: &mut SubmittedRecords,
        now: Duration,
        metrics: &SourceTaskMetrics,
    ) {
        let writer = &mut self.writer;
        submitted.take_committable(|partition, offset| writer.offset(partition, offset));
        match self.writer.begin_flush() {
            Ok(Some(flush)) => {
                self.in_flight = Some(InFlight {
                    flush,
                    started: now,
                });
            }
            Ok(None) => {
                // Nothing to write counts as a commit: the task may have something of its own to do.
                self.completed_round = true;
                metrics.task().record_offset_commit(true, Duration::ZERO);
                self.next = now + self.interval;
            }
            Err(error) => {
                self.end(Err(error.to_string()), Duration::ZERO, metrics);
                self.next = now + self.interval;
            }
        }
    }

    fn end(&mut self, outcome: Result<(), String>, elapsed: Duration, metrics: &SourceTaskMetrics) {
        self.in_flight = None;
        self.writer.end_flush(outcome.is_ok());
        metrics
            .task()
            .record_offset_commit(outcome.is_ok(), elapsed);
        match outcome {
            Ok(()) => {
                tracing::debug!(
                    "Finished commitOffsets successfully in {} ms",
                    elapsed.as_millis()
                );
                self.completed_round = true;
            }
            Err(reason) => tracing::error!(
                "Failed to commit offsets: {reason}; they are kept and written with the next round"
            ),
        }
    }

    /// The last commit, when the task ends.
    pub(super) async fn finish(
        &mut self,
        submitted: &mut SubmittedRecords,
        metrics: &SourceTaskMetrics,
    ) {
        if let Some(in_flight) = self.in_flight.take() {
            let outcome = match tokio::time::timeout(self.timeout, in_flight.flush).await {
                Ok(outcome) => outcome.map_err(|error| error.to_string()),
                Err(_) => Err("timed out while the task was ending".to_string()),
            };
            self.end(outcome, Duration::ZERO, metrics);
        }
        let writer = &mut self.writer;
        submitted.take_committable(|partition, offset| writer.offset(partition, offset));
        match self.writer.flush(self.timeout).await {
            Ok(_) => {
                self.completed_round = true;
                metrics.task().record_offset_commit(true, Duration::ZERO);
            }
            Err(error) => {
                metrics.task().record_offset_commit(false, Duration::ZERO);
                tracing::error!(
                    "the last offsets could not be stored, their records will be read again: {error}"
                );
            }
        }
    }
}
