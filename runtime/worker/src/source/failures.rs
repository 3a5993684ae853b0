//! Records of a source that are not written to their topic: dropped, skipped, or refused by Kafka.

use super::Runner;
use super::submitted::{Kept, SubmittedOffset, Token};
use crate::chain::{ConversionError, Stage};
use crate::report::{Original, Settle, failure_in};
use crate::task::TaskControl;
use crate::tolerance::Tolerance;
use connect_api::{ConnectError, Result, SourceRecord};
use tokio::sync::mpsc;

/// The class that the JVM worker names for records that its producer could not write.
const WORKER_SOURCE_TASK: &str = "org.apache.kafka.connect.runtime.WorkerSourceTask";

/// What has become of the reports of skipped records. A report waits here no longer than the dead
/// letter queue lets it be in flight, so their number is bounded by that.
pub(super) struct SettledReports {
    sender: mpsc::UnboundedSender<(Token, Result<()>)>,
    receiver: mpsc::UnboundedReceiver<(Token, Result<()>)>,
}

impl SettledReports {
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { sender, receiver }
    }

    /// Waits for the next one. Cancel-safe.
    pub(super) async fn next(&mut self) -> (Token, Result<()>) {
        match self.receiver.recv().await {
            Some(settled) => settled,
            // The sender lives beside the receiver.
            None => std::future::pending().await,
        }
    }

    pub(super) fn try_next(&mut self) -> Option<(Token, Result<()>)> {
        self.receiver.try_recv().ok()
    }

    fn settle(&self, token: Token) -> Settle {
        let sender = self.sender.clone();
        Settle::new(move |result| {
            // Nobody is left to hear of it when the task has ended.
            let _ = sender.send((token, result));
        })
    }
}

impl Runner {
    fn submit(&mut self, record: &SourceRecord) -> Token {
        let offset = SubmittedOffset::Map(record.origin.source_offset.clone());
        let kept = Kept {
            record: self.keeps_records.then(|| Box::new(record.clone())),
            converted: None,
        };
        self.submitted
            .submit(record.origin.source_partition.as_ref(), offset, kept)
    }

    /// A record that a transform dropped: its offset may be committed once those before it are.
    pub(super) fn drop_record(&mut self, record: &SourceRecord) {
        let token = self.submit(record);
        self.acknowledge(token, None);
    }

    /// A record that cannot be transformed or converted: its offset may be committed once its report
    /// is durable. An error fails the task.
    pub(super) fn skip_record(
        &mut self,
        record: &SourceRecord,
        failure: &ConversionError,
    ) -> Result<()> {
        let original = Original::Source {
            record,
            converted: None,
        };
        if self.reporters.policy().tolerance == Tolerance::None {
            return self.reporters.give_up(original, failure, Settle::ignored());
        }
        let token = self.submit(record);
        let settle = self.settle(token);
        if self.reporters.dead_letter_queue().is_some()
            && let Some(transactions) = self.commits.transactions()
        {
            transactions.report_begins();
        }
        self.reporters.give_up(original, failure, settle)?;
        self.acknowledge_unless_reported(token);
        Ok(())
    }

    /// A record that Kafka refused: skipped under `errors.tolerance=all`, otherwise the task fails. A
    /// transaction cannot be committed without one of its records, so that its task fails always.
    pub(super) fn on_send_failure(&mut self, token: Token, error: ConnectError) {
        let is_fatal = self.commits.transactions().is_some()
            || self.reporters.policy().tolerance == Tolerance::None;
        if is_fatal {
            tracing::error!("a record was not written: {error}");
            self.error.get_or_insert_with(|| {
                ConnectError::fatal("Unrecoverable exception from producer send callback")
                    .with_cause(error)
            });
            return;
        }
        tracing::warn!("a record was not written and is skipped (errors.tolerance=all): {error}");
        let Kept { record, converted } = self.submitted.take_kept(token);
        let original = match (&record, &converted) {
            (Some(record), converted) => Original::Source {
                record,
                converted: converted.as_deref(),
            },
            (None, Some(converted)) => Original::Converted(converted),
            // Nothing is kept where nobody reports.
            (None, None) => Original::Unknown,
        };
        let failure = failure_in(Stage::KafkaProduce, WORKER_SOURCE_TASK, error);
        let settle = self.settle(token);
        if let Err(error) = self.reporters.execute_failed(original, &failure, settle) {
            self.error.get_or_insert(error);
        }
        self.metrics.record_write(1, 1);
        self.submitted.keep(token, record);
        self.acknowledge_unless_reported(token);
    }

    fn settle(&self, token: Token) -> Settle {
        match self.reporters.dead_letter_queue() {
            Some(_) => self.settled_reports.settle(token),
            None => Settle::ignored(),
        }
    }

    fn acknowledge_unless_reported(&mut self, token: Token) {
        if self.reporters.dead_letter_queue().is_none() {
            self.acknowledge(token, None);
        }
    }

    /// Waits while the dead letter queue is full, seeing to deliveries and commits.
    pub(super) async fn await_dead_letter_room(&mut self, control: &mut TaskControl) {
        while self
            .reporters
            .dead_letter_queue()
            .is_some_and(|queue| !queue.has_room())
            && self.error.is_none()
            && !control.is_stopping()
        {
            tokio::select! {
                biased;
                () = control.changed() => {}
                () = self.progress() => {}
            }
        }
    }

    /// The report of a skipped record is durable, or lost.
    pub(super) fn on_report(&mut self, token: Token, result: Result<()>) {
        if let Some(transactions) = self.commits.transactions() {
            transactions.report_ends();
        }
        match result {
            Ok(()) => self.acknowledge(token, None),
            Err(error) => {
                self.error.get_or_insert(error);
            }
        }
    }
}
