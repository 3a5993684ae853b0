//! `connect-worker-rebalance-metrics`.

use super::group_client::GroupClient;
use super::mbean::MBean;
use super::registry::Ticks;
use super::sampled::SampledStat;
use super::task::duration_ms;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const NEVER: i64 = i64::MIN;

/// What the worker knows of its group. The herder's loop is its only writer.
#[derive(Debug)]
pub struct RebalanceMetrics {
    ticks: Ticks,
    texts: Mutex<Texts>,
    epoch: AtomicI64,
    completed: AtomicU64,
    rebalancing: AtomicBool,
    time_ms: SampledStat,
    last_completed_ms: AtomicI64,
}

#[derive(Debug, Default)]
struct Texts {
    leader_name: String,
    connect_protocol: String,
}

impl RebalanceMetrics {
    pub(super) fn new(ticks: Ticks) -> Self {
        let time_ms = SampledStat::new(ticks.window(), ticks.now_ms());
        Self {
            ticks,
            texts: Mutex::default(),
            epoch: AtomicI64::new(0),
            completed: AtomicU64::new(0),
            rebalancing: AtomicBool::new(false),
            time_ms,
            last_completed_ms: AtomicI64::new(NEVER),
        }
    }

    /// The protocol that the group agreed on: `EAGER`, `COMPATIBLE` or `SESSIONED`.
    pub fn set_connect_protocol(&self, protocol: &str) {
        self.with_texts(|texts| texts.connect_protocol = protocol.to_string());
    }

    /// A rebalance begins.
    pub fn record_started(&self) {
        self.rebalancing.store(true, Ordering::Relaxed);
    }

    /// A rebalance ended after this time: the generation that came out, and the URL of the leader.
    pub fn record_completed(&self, epoch: i32, leader_name: &str, duration: Duration) {
        let now_ms = self.ticks.now_ms();
        self.with_texts(|texts| texts.leader_name = leader_name.to_string());
        self.epoch.store(epoch.into(), Ordering::Relaxed);
        self.completed.fetch_add(1, Ordering::Relaxed);
        self.time_ms.record(now_ms, duration_ms(duration));
        self.last_completed_ms.store(now_ms, Ordering::Relaxed);
        self.rebalancing.store(false, Ordering::Relaxed);
    }

    fn with_texts<T>(&self, access: impl FnOnce(&mut Texts) -> T) -> T {
        access(&mut self.texts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the group client has to say about rebalances.
    pub(super) fn group_client<'a>(
        &self,
        worker_id: &'a str,
        num_connectors: usize,
        num_tasks: usize,
    ) -> GroupClient<'a> {
        let now_ms = self.ticks.now_ms();
        let time_ms = self.time_ms.measure(now_ms);
        GroupClient {
            worker_id,
            num_connectors,
            num_tasks,
            num_rebalances: self.completed.load(Ordering::Relaxed),
            rebalance_avg_ms: time_ms.avg(),
            rebalance_max_ms: time_ms.max(),
            since_rebalance_ms: self.since_last_ms(now_ms),
        }
    }

    fn since_last_ms(&self, now_ms: i64) -> Option<f64> {
        match self.last_completed_ms.load(Ordering::Relaxed) {
            NEVER => None,
            completed_ms => Some((now_ms - completed_ms) as f64),
        }
    }

    pub(super) fn mbean(&self) -> MBean {
        let now_ms = self.ticks.now_ms();
        let mut bean = MBean::connect("connect-worker-rebalance-metrics", Vec::new());
        self.with_texts(|texts| {
            bean.text("connect-protocol", texts.connect_protocol.as_str());
            bean.text("leader-name", texts.leader_name.as_str());
        });
        bean.gauge("epoch", self.epoch.load(Ordering::Relaxed) as f64);
        bean.counter(
            "completed-rebalances-total",
            self.completed.load(Ordering::Relaxed),
        );
        let rebalancing = self.rebalancing.load(Ordering::Relaxed);
        bean.gauge("rebalancing", f64::from(u8::from(rebalancing)));
        let time_ms = self.time_ms.measure(now_ms);
        bean.gauge("rebalance-max-time-ms", time_ms.max());
        bean.gauge("rebalance-avg-time-ms", time_ms.avg());
        let since_ms = self.since_last_ms(now_ms).unwrap_or(f64::INFINITY);
        bean.gauge("time-since-last-rebalance-ms", since_ms);
        bean
    }
}
