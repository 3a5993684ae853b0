//! The registry of a worker's metrics.

use super::app_info::AppInfo;
use super::connector::{ConnectorDescription, ConnectorMetrics};
use super::mbean::{MBean, MBeanSource};
use super::rebalance::RebalanceMetrics;
use super::sampled::Window;
use super::sink::SinkTaskMetrics;
use super::source::SourceTaskMetrics;
use super::state::State;
use super::task::{TaskDescription, TaskMetrics};
use super::worker::WorkerMetrics;
use connect_api::Clock;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The settings of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricsConfig {
    /// `metrics.sample.window.ms`.
    pub sample_window_ms: u64,
    /// `metrics.num.samples`.
    pub num_samples: usize,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self {
            sample_window_ms: 30_000,
            num_samples: 2,
        }
    }
}

/// The clock of metrics with the window of their samples.
#[derive(Clone)]
pub(super) struct Ticks {
    clock: Arc<dyn Clock>,
    window: Window,
}

impl Ticks {
    /// Milliseconds of a clock that never goes back.
    pub fn now_ms(&self) -> i64 {
        super::task::duration_ms(self.clock.monotonic())
    }

    pub fn window(&self) -> Window {
        self.window
    }
}

impl fmt::Debug for Ticks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.window.fmt(f)
    }
}

pub(super) fn registered_tags(connector: &str, task: i32) -> Vec<(&'static str, String)> {
    vec![
        ("connector", connector.to_string()),
        ("task", task.to_string()),
    ]
}

/// A handle that the registry does not keep alive: it tells the beans, or `None` once it is dropped.
type Registered<T> = Box<dyn Fn() -> Option<T> + Send + Sync>;

struct RegisteredTask {
    state: Registered<State>,
    mbeans: Registered<Vec<MBean>>,
}

#[derive(Default)]
struct Entries {
    app_info: Option<AppInfo>,
    connectors: BTreeMap<String, Registered<MBean>>,
    tasks: BTreeMap<(String, i32), RegisteredTask>,
    sources: Vec<Weak<dyn MBeanSource>>,
}

/// All metrics of a worker.
pub struct Metrics {
    ticks: Ticks,
    worker: WorkerMetrics,
    rebalance: RebalanceMetrics,
    entries: Mutex<Entries>,
}

impl Metrics {
    /// The metrics of a worker that has just been started.
    pub fn new(clock: Arc<dyn Clock>, config: MetricsConfig) -> Self {
        let ticks = Ticks {
            clock,
            window: Window {
                sample_window_ms: i64::try_from(config.sample_window_ms).unwrap_or(i64::MAX),
                num_samples: config.num_samples.max(1),
            },
        };
        Self {
            worker: WorkerMetrics::new(ticks.clone()),
            rebalance: RebalanceMetrics::new(ticks.clone()),
            ticks,
            entries: Mutex::default(),
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts of connectors and tasks.
    pub fn worker(&self) -> &WorkerMetrics {
        &self.worker
    }

    /// Rebalances of the worker's group.
    pub fn rebalance(&self) -> &RebalanceMetrics {
        &self.rebalance
    }

    /// Tells version and id of the worker, as soon as its id is known.
    pub fn set_app_info(&self, app_info: AppInfo) {
        self.entries().app_info = Some(app_info);
    }

    /// Registers a connector instance.
    pub fn register_connector(&self, description: ConnectorDescription) -> ConnectorMetrics {
        let name = description.connector.clone();
        let metrics = ConnectorMetrics::new(description);
        let weak = metrics.downgrade();
        let registered: Registered<MBean> =
            Box::new(move || Some(ConnectorMetrics::upgrade(&weak)?.mbean()));
        self.entries().connectors.insert(name, registered);
        metrics
    }

    /// Registers a source task.
    pub fn register_source_task(&self, description: TaskDescription) -> SourceTaskMetrics {
        let key = (description.connector.clone(), description.task);
        let metrics = SourceTaskMetrics::new(TaskMetrics::new(description, self.ticks.clone()));
        let (states, beans) = (metrics.downgrade(), metrics.downgrade());
        let registered = RegisteredTask {
            state: Box::new(move || Some(SourceTaskMetrics::upgrade(&states)?.task().state())),
            mbeans: Box::new(move || {
                let mut all = Vec::new();
                SourceTaskMetrics::upgrade(&beans)?.mbeans(&mut all);
                Some(all)
            }),
        };
        self.entries().tasks.insert(key, registered);
        metrics
    }

    /// Registers a sink task.
    pub fn register_sink_task(&self, description: TaskDescription) -> SinkTaskMetrics {
        let key = (description.connector.clone(), description.task);
        let metrics = SinkTaskMetrics::new(TaskMetrics::new(description, self.ticks.clone()));
        let (states, beans) = (metrics.downgrade(), metrics.downgrade());
        let registered = RegisteredTask {
            state: Box::new(move || Some(SinkTaskMetrics::upgrade(&states)?.task().state())),
            mbeans: Box::new(move || {
                let mut all = Vec::new();
                SinkTaskMetrics::upgrade(&beans)?.mbeans(&mut all);
                Some(all)
            }),
        };
        self.entries().tasks.insert(key, registered);
        metrics
    }

    /// Adds metrics that are kept elsewhere; they are shown for as long as `source` lives.
    pub fn add_source(&self, source: Weak<dyn MBeanSource>) {
        self.entries().sources.push(source);
    }

    /// The present values of everything that is registered.
    pub fn mbeans(&self) -> Vec<MBean> {
        let mut entries = self.entries();
        let mut beans = Vec::new();
        if let Some(app_info) = &entries.app_info {
            app_info.mbeans(&mut beans);
        }
        let mut connector_beans = Vec::new();
        entries.connectors.retain(|_, connector| {
            let bean = connector();
            let lives = bean.is_some();
            connector_beans.extend(bean);
            lives
        });
        let mut task_states: BTreeMap<String, Vec<State>> = BTreeMap::new();
        let mut task_beans = Vec::new();
        entries.tasks.retain(|(connector, _), task| {
            let (Some(state), Some(beans)) = ((task.state)(), (task.mbeans)()) else {
                return false;
            };
            task_states
                .entry(connector.clone())
                .or_default()
                .push(state);
            task_beans.extend(beans);
            true
        });
        let worker_id = entries.app_info.as_ref().map(|info| info.worker_id.clone());
        entries.sources.retain(|source| source.strong_count() > 0);
        let sources: Vec<_> = entries.sources.iter().filter_map(Weak::upgrade).collect();
        drop(entries);
        self.worker
            .mbeans(connector_beans.len(), &task_states, &mut beans);
        beans.push(self.rebalance.mbean());
        if let Some(worker_id) = worker_id {
            let num_tasks = task_states.values().map(Vec::len).sum();
            self.rebalance
                .group_client(&worker_id, connector_beans.len(), num_tasks)
                .mbeans(&mut beans);
        }
        beans.extend(connector_beans);
        beans.extend(task_beans);
        for source in sources {
            beans.extend(source.mbeans());
        }
        beans
    }
}
