//! Records that the task itself reports (`WorkerErrantRecordReporter`, KIP-610).

use super::open_reports::OpenReports;
use crate::chain::Stage;
use crate::report::{ConsumedRecord, ErrorReporters, Original, Settle, failure_in};
use connect_api::{
    ConnectError, ErrantRecordReporter, Offsets, Result, SinkOrigin, TopicPartition,
};
use connect_kafka::consumer::PolledBatch;
use futures::future::BoxFuture;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// The class that the JVM worker names for what a task reports.
const SINK_TASK: &str = "org.apache.kafka.connect.sink.SinkTask";

/// So many bytes of uncommitted batches are kept for reports that come late.
const ORIGINALS_BYTES_MAX: usize = 32 << 20;

/// Polled batches whose records the task may still report, oldest first. They share the memory that
/// the batches were polled into.
#[derive(Default)]
struct Originals {
    batches: VecDeque<(PolledBatch, Vec<(TopicPartition, i64)>)>,
    num_bytes: usize,
    /// Where the last record was found, as batch and index: the next one is often behind it.
    last_found: (usize, usize),
}

impl Originals {
    fn keep(&mut self, batch: PolledBatch, offsets: Vec<(TopicPartition, i64)>) {
        self.num_bytes += batch.num_bytes();
        self.batches.push_back((batch, offsets));
        while self.num_bytes > ORIGINALS_BYTES_MAX && self.batches.len() > 1 {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some((batch, _)) = self.batches.pop_front() {
            self.num_bytes -= batch.num_bytes();
            self.last_found = (0, 0);
        }
    }

    /// Lets go of what is committed, or assigned to others: `committed` has the partitions of the task.
    fn forget_before(&mut self, committed: &Offsets) {
        while self.batches.front().is_some_and(|(_, offsets)| {
            offsets.iter().all(|(partition, offset)| {
                committed
                    .get(partition)
                    .is_none_or(|committed| offset <= committed)
            })
        }) {
            self.drop_first();
        }
    }

    fn find(&mut self, origin: &SinkOrigin) -> Option<ConsumedRecord> {
        let num_batches = self.batches.len();
        let (first_batch, first_record) = self.last_found;
        for step in 0..num_batches {
            let batch_index = (first_batch + step) % num_batches;
            let batch = &self.batches[batch_index].0;
            let start = if step == 0 { first_record } else { 0 };
            for record_step in 0..batch.len() {
                let index = (start + record_step) % batch.len();
                let Some(record) = batch.get(index) else {
                    continue;
                };
                if record.offset() == origin.kafka_offset
                    && record.partition() == origin.original_kafka_partition
                    && *record.topic() == origin.original_topic
                {
                    self.last_found = (batch_index, index);
                    return Some(record.into());
                }
            }
        }
        None
    }
}

/// The reporter that a sink task gets if errors are logged or there is a dead letter queue.
pub(super) struct WorkerErrantRecordReporter {
    reporters: Arc<ErrorReporters>,
    open_reports: Arc<OpenReports>,
    originals: Mutex<Originals>,
    /// What `put` must fail with, although the task may have kept it to itself.
    put_error: Mutex<Option<ConnectError>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl WorkerErrantRecordReporter {
    pub(super) fn new(reporters: Arc<ErrorReporters>, open_reports: Arc<OpenReports>) -> Self {
        Self {
            reporters,
            open_reports,
            originals: Mutex::default(),
            put_error: Mutex::default(),
        }
    }

    /// Keeps a batch that goes to `put`, with the offsets after its last records.
    pub(super) fn keep(&self, batch: PolledBatch, offsets: Vec<(TopicPartition, i64)>) {
        lock(&self.originals).keep(batch, offsets);
    }

    /// See [`Originals::forget_before`].
    pub(super) fn forget_before(&self, committed: &Offsets) {
        lock(&self.originals).forget_before(committed);
    }

    /// The error of a report that the last `put` must fail with.
    pub(super) fn take_put_error(&self) -> Option<ConnectError> {
        lock(&self.put_error).take()
    }

    fn must_fail(&self, error: ConnectError) -> ConnectError {
        lock(&self.put_error).get_or_insert(error).clone()
    }
}

impl ErrantRecordReporter for WorkerErrantRecordReporter {
    fn report(
        &self,
        origin: &SinkOrigin,
        error: ConnectError,
    ) -> Result<BoxFuture<'static, Result<()>>> {
        let found = lock(&self.originals).find(origin);
        let Some(record) = found else {
            return Err(self.must_fail(
                ConnectError::fatal(format!(
                    "the record of {} at offset {} was reported so late that its original bytes are \
                     not held any more; the task begins again where it has committed",
                    origin.topic_partition(),
                    origin.kafka_offset
                ))
                .with_cause(error),
            ));
        };
        let partition = origin.topic_partition();
        let id = self
            .open_reports
            .open(partition.clone(), origin.kafka_offset);
        let open_reports = self.open_reports.clone();
        let (sender, receiver) = oneshot::channel();
        let settle = Settle::new(move |result: Result<()>| {
            open_reports.settle(&partition, id, result.clone());
            // The task may have dropped the future; the worker has heard above.
            let _ = sender.send(result);
        });
        let failure = failure_in(Stage::TaskPut, SINK_TASK, error);
        self.reporters
            .execute_failed(Original::Consumed(&record), &failure, settle)
            .map_err(|error| self.must_fail(error))?;
        Ok(Box::pin(async move {
            receiver.await.unwrap_or_else(|_| {
                Err(ConnectError::fatal(
                    "the task ended before its dead letter was written",
                ))
            })
        }))
    }
}
