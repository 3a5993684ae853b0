//! Batches on their way into the task.

use super::{Pending, Runner};
use connect_api::{ConnectError, ErrorKind, Result, TopicPartition};
use std::time::Duration;

/// The first pause before a batch is delivered again; it doubles up to the longest one.
const REDELIVERY_DELAY_MIN: Duration = Duration::from_millis(500);
const REDELIVERY_DELAY_MAX: Duration = Duration::from_mins(1);
impl Runner {
    /// Hands a batch to `put`; keeps it after a retriable failure.
    pub(super) async fn deliver(&mut self, mut pending: Pending) -> Result<()> {
        let started = self.clock.monotonic();
        let num_records = pending.batch.len();
        let mut outcome = self.task.put(&pending.batch).await;
        if let Some(error) = self.take_put_error() {
            outcome = Err(error);
        }
        match outcome {
            Ok(()) => {
                let elapsed = self.clock.monotonic().saturating_sub(started);
                self.metrics.task().record_batch(num_records);
                self.metrics.record_put(elapsed);
                self.metrics.record_send(num_records);
                self.note_lags(&pending.offsets, &pending.end_offsets);
                self.current.extend(pending.offsets);
                self.metrics
                    .set_active_count(self.commits.num_uncommitted(&self.current));
                if pending.num_failures > 0 {
                    tracing::info!(
                        "put took the batch after {} failures; reading on",
                        pending.num_failures
                    );
                    self.resume_consumption();
                }
                Ok(())
            }
            Err(error) if error.is_retriable() => {
                pending.num_failures += 1;
                let delay = self.redelivery_delay(&error, pending.num_failures);
                tracing::warn!(
                    attempt = pending.num_failures,
                    delay_ms = delay.as_millis() as u64,
                    num_records,
                    "RetriableException from SinkTask: the same batch is delivered again: {error}"
                );
                self.wake_at = Some(self.clock.monotonic() + delay);
                if pending.num_failures == 1 {
                    let all = self.consumer.assignment().to_vec();
                    self.consumer.pause(&all);
                }
                self.pending = Some(pending);
                Ok(())
            }
            Err(error) => Err(ConnectError::fatal(
                "Exiting WorkerSinkTask due to unrecoverable exception.",
            )
            .with_cause(error)),
        }
    }

    fn take_put_error(&self) -> Option<ConnectError> {
        self.errant_reporter.as_ref()?.take_put_error()
    }

    fn note_lags(&mut self, offsets: &[(TopicPartition, i64)], end_offsets: &[Option<i64>]) {
        for ((partition, offset), end_offset) in offsets.iter().zip(end_offsets) {
            if let Some(end_offset) = end_offset {
                let lag = (end_offset - offset).max(0);
                self.lags.insert(partition.clone(), lag);
            }
        }
        if !offsets.is_empty() {
            self.publish_lags();
        }
    }

    pub(super) fn publish_lags(&self) {
        self.metrics.set_record_lags(
            self.lags
                .iter()
                .map(|(partition, lag)| (partition.topic.clone(), partition.partition, *lag))
                .collect(),
        );
    }

    /// What the task asked for comes first, then what its error says, then a growing pause.
    fn redelivery_delay(&self, error: &ConnectError, num_failures: u32) -> Duration {
        let requests = self.context.take_requests();
        let asked = requests.timeout;
        // The other requests stand until they are applied.
        self.put_back(requests);
        if let Some(timeout) = asked {
            return timeout;
        }
        if let ErrorKind::Retriable { after: Some(after) } = error.kind() {
            return after;
        }
        REDELIVERY_DELAY_MIN
            .saturating_mul(1 << (num_failures - 1).min(16))
            .min(REDELIVERY_DELAY_MAX)
    }

    fn put_back(&self, requests: connect_api::SinkRequests) {
        self.context.offset(requests.rewind);
        self.context.pause(requests.pause);
        self.context.resume(requests.resume);
        if requests.commit {
            self.context.request_commit();
        }
    }
}
