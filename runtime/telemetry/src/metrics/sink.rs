//! `sink-task-metrics`.

use super::mbean::MBean;
use super::sampled::{Meter, SampledStat};
use super::task::{TaskMetrics, as_i64, duration_ms};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

#[derive(Debug)]
struct Inner {
    task: TaskMetrics,
    read: Meter,
    sent: Meter,
    put_time_ms: SampledStat,
    partition_count: AtomicU64,
    commit_seq_no: AtomicU64,
    commit_completions: Meter,
    commit_skips: Meter,
    active_count: AtomicU64,
    active: SampledStat,
    /// Topic, partition and lag; replaced as a whole, by the task alone.
    lags: Mutex<Vec<(Arc<str>, i32, i64)>>,
}

/// A handle that keeps nothing alive.
pub(super) struct WeakMetrics(Weak<Inner>);

/// The metrics of one sink task. Clones share them.
#[derive(Clone, Debug)]
pub struct SinkTaskMetrics {
    inner: Arc<Inner>,
}

impl SinkTaskMetrics {
    pub(super) fn new(task: TaskMetrics) -> Self {
        let now_ms = task.ticks().now_ms();
        let window = task.ticks().window();
        Self {
            inner: Arc::new(Inner {
                read: Meter::new(window, now_ms),
                sent: Meter::new(window, now_ms),
                put_time_ms: SampledStat::new(window, now_ms),
                partition_count: AtomicU64::new(0),
                commit_seq_no: AtomicU64::new(0),
                commit_completions: Meter::new(window, now_ms),
                commit_skips: Meter::new(window, now_ms),
                active_count: AtomicU64::new(0),
                active: SampledStat::new(window, now_ms),
                lags: Mutex::default(),
                task,
            }),
        }
    }

    /// The metrics that all tasks have.
    pub fn task(&self) -> &TaskMetrics {
        &self.inner.task
    }

    /// So many records came from Kafka, before transforms.
    pub fn record_read(&self, num_records: usize) {
        let now_ms = self.inner.task.ticks().now_ms();
        self.inner.read.record(now_ms, num_records as u64);
    }

    /// So many records were handed to the task, after transforms.
    pub fn record_send(&self, num_records: usize) {
        let now_ms = self.inner.task.ticks().now_ms();
        self.inner.sent.record(now_ms, num_records as u64);
    }

    /// A `put` took this time.
    pub fn record_put(&self, duration: Duration) {
        let now_ms = self.inner.task.ticks().now_ms();
        self.inner.put_time_ms.record(now_ms, duration_ms(duration));
    }

    /// So many partitions are assigned to the task.
    pub fn set_partition_count(&self, num_partitions: usize) {
        self.inner
            .partition_count
            .store(num_partitions as u64, Ordering::Relaxed);
    }

    /// The number of the commit that was begun last.
    pub fn set_offset_commit_seq_no(&self, seq_no: u64) {
        self.inner.commit_seq_no.store(seq_no, Ordering::Relaxed);
    }

    /// A commit was completed in time.
    pub fn record_offset_commit_completion(&self) {
        let now_ms = self.inner.task.ticks().now_ms();
        self.inner.commit_completions.record(now_ms, 1);
    }

    /// The completion of a commit came too late and was ignored.
    pub fn record_offset_commit_skip(&self) {
        let now_ms = self.inner.task.ticks().now_ms();
        self.inner.commit_skips.record(now_ms, 1);
    }

    /// So many records have been consumed beyond the committed offsets.
    pub fn set_active_count(&self, num_records: u64) {
        let now_ms = self.inner.task.ticks().now_ms();
        self.inner
            .active_count
            .store(num_records, Ordering::Relaxed);
        let num_records = usize::try_from(num_records).unwrap_or(usize::MAX);
        self.inner.active.record(now_ms, as_i64(num_records));
    }

    /// How many records of each assigned partition the task has not been handed yet, as of the last
    /// batch. The names are those of the consumer's own metrics, which dashboards query.
    pub fn set_record_lags(&self, lags: Vec<(Arc<str>, i32, i64)>) {
        *self.lags() = lags;
    }

    fn lags(&self) -> std::sync::MutexGuard<'_, Vec<(Arc<str>, i32, i64)>> {
        self.inner
            .lags
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of records read so far.
    pub fn num_read(&self) -> u64 {
        self.inner.read.total()
    }

    /// The number of records handed to the task so far.
    pub fn num_sent(&self) -> u64 {
        self.inner.sent.total()
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
        let mut bean = MBean::connect("sink-task-metrics", inner.task.tags());
        bean.gauge("sink-record-read-rate", inner.read.rate(now_ms));
        bean.counter("sink-record-read-total", inner.read.total());
        bean.gauge("sink-record-send-rate", inner.sent.rate(now_ms));
        bean.counter("sink-record-send-total", inner.sent.total());
        bean.gauge(
            "partition-count",
            inner.partition_count.load(Ordering::Relaxed) as f64,
        );
        bean.gauge(
            "offset-commit-seq-no",
            inner.commit_seq_no.load(Ordering::Relaxed) as f64,
        );
        bean.gauge(
            "offset-commit-completion-rate",
            inner.commit_completions.rate(now_ms),
        );
        bean.counter(
            "offset-commit-completion-total",
            inner.commit_completions.total(),
        );
        bean.gauge("offset-commit-skip-rate", inner.commit_skips.rate(now_ms));
        bean.counter("offset-commit-skip-total", inner.commit_skips.total());
        let put_time_ms = inner.put_time_ms.measure(now_ms);
        bean.gauge("put-batch-max-time-ms", put_time_ms.max());
        bean.gauge("put-batch-avg-time-ms", put_time_ms.avg());
        bean.gauge(
            "sink-record-active-count",
            inner.active_count.load(Ordering::Relaxed) as f64,
        );
        let active = inner.active.measure(now_ms);
        bean.gauge("sink-record-active-count-max", active.max());
        bean.gauge("sink-record-active-count-avg", active.avg());
        beans.push(bean);
        self.lag_mbeans(beans);
    }

    /// `kafka.consumer:type=consumer-fetch-manager-metrics`: one bean for the client, one for each
    /// partition.
    fn lag_mbeans(&self, beans: &mut Vec<MBean>) {
        let task = self.inner.task.description();
        let client_id = format!("connector-consumer-{}-{}", task.connector, task.task);
        let lags = self.lags();
        let bean = |tags| MBean {
            domain: "kafka.consumer",
            bean_type: "consumer-fetch-manager-metrics",
            tags,
            attributes: Vec::new(),
        };
        if let Some(max) = lags.iter().map(|(_, _, lag)| *lag).max() {
            let mut client = bean(vec![("client-id", client_id.clone())]);
            client.gauge("records-lag-max", max as f64);
            beans.push(client);
        }
        for (topic, partition, lag) in &*lags {
            let mut partition_bean = bean(vec![
                ("client-id", client_id.clone()),
                ("topic", topic.to_string()),
                ("partition", partition.to_string()),
            ]);
            partition_bean.gauge("records-lag", *lag as f64);
            beans.push(partition_bean);
        }
    }
}
