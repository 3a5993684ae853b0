//! `task-error-metrics`.

use super::mbean::{AttributeValue, MBean};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// What went wrong with the records of one task.
#[derive(Debug, Default)]
pub struct TaskErrorMetrics {
    record_failures: AtomicU64,
    record_errors: AtomicU64,
    records_skipped: AtomicU64,
    retries: AtomicU64,
    errors_logged: AtomicU64,
    dlq_requests: AtomicU64,
    dlq_failures: AtomicU64,
    last_error_timestamp_ms: AtomicI64,
}

impl TaskErrorMetrics {
    /// An operation failed; it may be tried again.
    pub fn record_failure(&self) {
        self.record_failures.fetch_add(1, Ordering::Relaxed);
    }

    /// An operation failed for good: the record is skipped, or the task fails.
    pub fn record_error(&self) {
        self.record_errors.fetch_add(1, Ordering::Relaxed);
    }

    /// A record was skipped.
    pub fn record_skipped(&self) {
        self.records_skipped.fetch_add(1, Ordering::Relaxed);
    }

    /// An operation is tried again.
    pub fn record_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// An error was logged.
    pub fn record_error_logged(&self) {
        self.errors_logged.fetch_add(1, Ordering::Relaxed);
    }

    /// A record is about to be written to the dead letter queue.
    pub fn record_dead_letter_queue_produce_request(&self) {
        self.dlq_requests.fetch_add(1, Ordering::Relaxed);
    }

    /// A record could not be written to the dead letter queue.
    pub fn record_dead_letter_queue_produce_failed(&self) {
        self.dlq_failures.fetch_add(1, Ordering::Relaxed);
    }

    /// An error happened at this moment (milliseconds since the epoch).
    pub fn set_last_error_timestamp_ms(&self, timestamp_ms: i64) {
        self.last_error_timestamp_ms
            .store(timestamp_ms, Ordering::Relaxed);
    }

    pub(super) fn mbean(&self, tags: Vec<(&'static str, String)>) -> MBean {
        let mut bean = MBean::connect("task-error-metrics", tags);
        let counters = [
            ("total-record-failures", &self.record_failures),
            ("total-record-errors", &self.record_errors),
            ("total-records-skipped", &self.records_skipped),
            ("total-retries", &self.retries),
            ("total-errors-logged", &self.errors_logged),
            ("deadletterqueue-produce-requests", &self.dlq_requests),
            ("deadletterqueue-produce-failures", &self.dlq_failures),
        ];
        for (name, counter) in counters {
            bean.counter(name, counter.load(Ordering::Relaxed));
        }
        let timestamp_ms = self.last_error_timestamp_ms.load(Ordering::Relaxed);
        bean.attributes.push((
            "last-error-timestamp",
            AttributeValue::Gauge(timestamp_ms as f64),
        ));
        bean
    }
}
