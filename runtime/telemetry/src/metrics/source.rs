//! `source-task-metrics`.

use super::mbean::MBean;
use super::sampled::{Meter, SampledStat};
use super::task::{TaskMetrics, as_i64, duration_ms};
use connect_api::PluginMetrics;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

#[derive(Debug)]
struct Inner {
    task: TaskMetrics,
    polled: Meter,
    poll_time_ms: SampledStat,
    written: Meter,
    active_count: AtomicI64,
    active: SampledStat,
    transaction_size: SampledStat,
    plugin: PluginMetrics,
}

/// A handle that keeps nothing alive.
pub(super) struct WeakMetrics(Weak<Inner>);

/// The metrics of one source task. Clones share them.
#[derive(Clone, Debug)]
pub struct SourceTaskMetrics {
    inner: Arc<Inner>,
}

impl SourceTaskMetrics {
    pub(super) fn new(task: TaskMetrics) -> Self {
        let now_ms = task.ticks().now_ms();
        let window = task.ticks().window();
        Self {
            inner: Arc::new(Inner {
                polled: Meter::new(window, now_ms),
                poll_time_ms: SampledStat::new(window, now_ms),
                written: Meter::new(window, now_ms),
                active_count: AtomicI64::new(0),
                active: SampledStat::new(window, now_ms),
                transaction_size: SampledStat::new(window, now_ms),
                plugin: PluginMetrics::default(),
                task,
            }),
        }
    }

    /// The metrics that all tasks have.
    pub fn task(&self) -> &TaskMetrics {
        &self.inner.task
    }

    /// What the task itself measures.
    pub fn plugin_metrics(&self) -> &PluginMetrics {
        &self.inner.plugin
    }

    /// A poll returned so many records after this time. They are active until
    /// [`SourceTaskMetrics::record_write`].
    pub fn record_poll(&self, num_records: usize, duration: Duration) {
        let inner = &*self.inner;
        let now_ms = inner.task.ticks().now_ms();
        inner.polled.record(now_ms, num_records as u64);
        inner.poll_time_ms.record(now_ms, duration_ms(duration));
        self.change_active(now_ms, as_i64(num_records));
    }

    /// So many polled records are done with, `num_skipped` of them without having been written because
    /// a transform dropped them or `errors.tolerance` skipped them.
    pub fn record_write(&self, num_records: usize, num_skipped: usize) {
        let now_ms = self.inner.task.ticks().now_ms();
        let num_written = num_records.saturating_sub(num_skipped) as u64;
        self.inner.written.record(now_ms, num_written);
        self.change_active(now_ms, -as_i64(num_records));
    }

    /// A transaction of so many records was committed.
    pub fn record_transaction(&self, num_records: usize) {
        let now_ms = self.inner.task.ticks().now_ms();
        self.inner
            .transaction_size
            .record(now_ms, as_i64(num_records));
    }

    /// The number of records polled so far.
    pub fn num_polled(&self) -> u64 {
        self.inner.polled.total()
    }

    /// The number of records written so far.
    pub fn num_written(&self) -> u64 {
        self.inner.written.total()
    }

    fn change_active(&self, now_ms: i64, change: i64) {
        let before = self.inner.active_count.fetch_add(change, Ordering::Relaxed);
        self.inner.active.record(now_ms, (before + change).max(0));
    }

    pub(super) fn downgrade(&self) -> WeakMetrics {
        WeakMetrics(Arc::downgrade(&self.inner))
    }

    pub(super) fn upgrade(weak: &WeakMetrics) -> Option<Self> {
        let inner = weak.0.upgrade()?;
        Some(Self { inner })
    }

    pub(super) fn mbeans(&self, beans: &mut Vec<MBean>) {
        let inner = &*self.inner;
        let now_ms = inner.task.ticks().now_ms();
        inner.task.mbeans(beans);
        let mut bean = MBean::connect("source-task-metrics", inner.task.tags());
        bean.gauge("source-record-poll-rate", inner.polled.rate(now_ms));
        bean.counter("source-record-poll-total", inner.polled.total());
        bean.gauge("source-record-write-rate", inner.written.rate(now_ms));
        bean.counter("source-record-write-total", inner.written.total());
        let poll_time_ms = inner.poll_time_ms.measure(now_ms);
        bean.gauge("poll-batch-max-time-ms", poll_time_ms.max());
        bean.gauge("poll-batch-avg-time-ms", poll_time_ms.avg());
        let active_count = inner.active_count.load(Ordering::Relaxed).max(0);
        bean.gauge("source-record-active-count", active_count as f64);
        let active = inner.active.measure(now_ms);
        bean.gauge("source-record-active-count-max", active.max());
        bean.gauge("source-record-active-count-avg", active.avg());
        let transaction_size = inner.transaction_size.measure(now_ms);
        bean.gauge("transaction-size-min", transaction_size.min());
        bean.gauge("transaction-size-max", transaction_size.max());
        bean.gauge("transaction-size-avg", transaction_size.avg());
        beans.push(bean);
        let own = inner.plugin.values();
        if !own.is_empty() {
            let mut bean = MBean::connect("plugins", inner.task.tags());
            for (name, value) in own {
                bean.gauge(name, value);
            }
            beans.push(bean);
        }
    }
}
