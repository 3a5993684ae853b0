//! `connect-worker-metrics`.

use super::mbean::MBean;
use super::registry::Ticks;
use super::sampled::Outcomes;
use super::state::State;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug)]
struct Startups {
    attempts: AtomicU64,
    successes: AtomicU64,
    failures: AtomicU64,
    outcomes: Outcomes,
}

impl Startups {
    fn new(ticks: &Ticks) -> Self {
        Self {
            attempts: AtomicU64::new(0),
            successes: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            outcomes: Outcomes::new(ticks.window(), ticks.now_ms()),
        }
    }

    fn record(&self, now_ms: i64, success: bool) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        let counter = if success {
            &self.successes
        } else {
            &self.failures
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.outcomes.record(now_ms, success);
    }
}

/// What the worker has started so far. The numbers of connectors and tasks come from the registry.
#[derive(Debug)]
pub struct WorkerMetrics {
    ticks: Ticks,
    connectors: Startups,
    tasks: Startups,
}

impl WorkerMetrics {
    pub(super) fn new(ticks: Ticks) -> Self {
        Self {
            connectors: Startups::new(&ticks),
            tasks: Startups::new(&ticks),
            ticks,
        }
    }

    /// The first start of a connector instance ended: it is RUNNING, or it FAILED.
    pub fn record_connector_startup(&self, success: bool) {
        self.connectors.record(self.ticks.now_ms(), success);
    }

    /// The first start of a task ended: it is RUNNING, or it FAILED.
    pub fn record_task_startup(&self, success: bool) {
        self.tasks.record(self.ticks.now_ms(), success);
    }

    /// The numbers of the whole worker, then those of each connector that has tasks here.
    pub(super) fn mbeans(
        &self,
        num_connectors: usize,
        task_states: &BTreeMap<String, Vec<State>>,
        beans: &mut Vec<MBean>,
    ) {
        let now_ms = self.ticks.now_ms();
        let mut bean = MBean::connect("connect-worker-metrics", Vec::new());
        bean.gauge("connector-count", num_connectors as f64);
        let num_tasks: usize = task_states.values().map(Vec::len).sum();
        bean.gauge("task-count", num_tasks as f64);
        let (success, failure) = self.connectors.outcomes.percentages(now_ms);
        bean.counter(
            "connector-startup-attempts-total",
            load(&self.connectors.attempts),
        );
        bean.counter(
            "connector-startup-success-total",
            load(&self.connectors.successes),
        );
        bean.counter(
            "connector-startup-failure-total",
            load(&self.connectors.failures),
        );
        bean.gauge("connector-startup-success-percentage", success);
        bean.gauge("connector-startup-failure-percentage", failure);
        let (success, failure) = self.tasks.outcomes.percentages(now_ms);
        bean.counter("task-startup-attempts-total", load(&self.tasks.attempts));
        bean.counter("task-startup-success-total", load(&self.tasks.successes));
        bean.counter("task-startup-failure-total", load(&self.tasks.failures));
        bean.gauge("task-startup-success-percentage", success);
        bean.gauge("task-startup-failure-percentage", failure);
        beans.push(bean);
        for (connector, states) in task_states {
            beans.push(connector_mbean(connector, states));
        }
    }
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn connector_mbean(connector: &str, states: &[State]) -> MBean {
    let mut bean = MBean::connect(
        "connect-worker-metrics",
        vec![("connector", connector.to_string())],
    );
    bean.gauge("connector-total-task-count", states.len() as f64);
    for (name, state) in [
        ("connector-running-task-count", State::Running),
        ("connector-paused-task-count", State::Paused),
        ("connector-failed-task-count", State::Failed),
        ("connector-unassigned-task-count", State::Unassigned),
        ("connector-destroyed-task-count", State::Destroyed),
        ("connector-restarting-task-count", State::Restarting),
    ] {
        let count = states.iter().filter(|one| **one == state).count();
        bean.gauge(name, count as f64);
    }
    bean
}
