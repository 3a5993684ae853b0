//! `connector-task-metrics`: what source and sink tasks have in common.

use super::mbean::MBean;
use super::registry::{Ticks, registered_tags};
use super::sampled::{Outcomes, SampledStat};
use super::state::{State, StateTimer};
use super::task_errors::TaskErrorMetrics;
use connect_api::ConnectorType;
use std::sync::Arc;
use std::time::Duration;

/// A plugin that a task uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginDescription {
    /// The class name.
    pub class: String,
    /// The version; `None` where the plugin has none.
    pub version: Option<String>,
}

/// A transform or predicate of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasedPlugin {
    /// The alias in the configuration.
    pub alias: String,
    /// The plugin.
    pub plugin: PluginDescription,
}

/// The task that metrics belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskDescription {
    /// The name of the connector.
    pub connector: String,
    /// The number of the task.
    pub task: i32,
    /// Source or sink.
    pub connector_type: ConnectorType,
    /// The connector's plugin.
    pub connector_plugin: PluginDescription,
    /// The task's class.
    pub task_plugin: PluginDescription,
    /// The converter of keys.
    pub key_converter: PluginDescription,
    /// The converter of values.
    pub value_converter: PluginDescription,
    /// The converter of headers.
    pub header_converter: PluginDescription,
    /// The transforms, in order.
    pub transforms: Vec<AliasedPlugin>,
    /// The predicates.
    pub predicates: Vec<AliasedPlugin>,
}

#[derive(Debug)]
struct Inner {
    description: TaskDescription,
    ticks: Ticks,
    state: StateTimer,
    commit_time_ms: SampledStat,
    commits: Outcomes,
    batch_size: SampledStat,
    errors: TaskErrorMetrics,
}

/// The metrics of one task. Clones share them. Updates take a few atomic operations; none waits.
#[derive(Clone, Debug)]
pub struct TaskMetrics {
    inner: Arc<Inner>,
}

impl TaskMetrics {
    pub(super) fn new(description: TaskDescription, ticks: Ticks) -> Self {
        let now_ms = ticks.now_ms();
        let window = ticks.window();
        Self {
            inner: Arc::new(Inner {
                description,
                state: StateTimer::new(now_ms),
                commit_time_ms: SampledStat::new(window, now_ms),
                commits: Outcomes::new(window, now_ms),
                batch_size: SampledStat::new(window, now_ms),
                errors: TaskErrorMetrics::default(),
                ticks,
            }),
        }
    }

    /// The task.
    pub fn description(&self) -> &TaskDescription {
        &self.inner.description
    }

    /// The task is in this state from now on.
    pub fn set_state(&self, state: State) {
        self.inner.state.set(self.inner.ticks.now_ms(), state);
    }

    /// The state that was set last.
    pub fn state(&self) -> State {
        self.inner.state.get()
    }

    /// A batch of so many records was processed.
    pub fn record_batch(&self, num_records: usize) {
        self.inner
            .batch_size
            .record(self.inner.ticks.now_ms(), as_i64(num_records));
    }

    /// An attempt to commit offsets ended. Only successful ones count for the times.
    pub fn record_offset_commit(&self, success: bool, duration: Duration) {
        let now_ms = self.inner.ticks.now_ms();
        if success {
            self.inner
                .commit_time_ms
                .record(now_ms, duration_ms(duration));
        }
        self.inner.commits.record(now_ms, success);
    }

    /// The metrics of faulty records.
    pub fn errors(&self) -> &TaskErrorMetrics {
        &self.inner.errors
    }

    pub(super) fn ticks(&self) -> &Ticks {
        &self.inner.ticks
    }

    pub(super) fn tags(&self) -> Vec<(&'static str, String)> {
        let description = &self.inner.description;
        registered_tags(&description.connector, description.task)
    }

    pub(super) fn mbeans(&self, beans: &mut Vec<MBean>) {
        let inner = &*self.inner;
        let now_ms = inner.ticks.now_ms();
        let description = &inner.description;
        let mut bean = MBean::connect("connector-task-metrics", self.tags());
        bean.text("status", inner.state.get().name());
        bean.gauge("running-ratio", inner.state.ratio(now_ms, State::Running));
        bean.gauge("pause-ratio", inner.state.ratio(now_ms, State::Paused));
        let commit_time_ms = inner.commit_time_ms.measure(now_ms);
        bean.gauge("offset-commit-max-time-ms", commit_time_ms.max());
        bean.gauge("offset-commit-avg-time-ms", commit_time_ms.avg());
        let batch_size = inner.batch_size.measure(now_ms);
        bean.gauge("batch-size-max", batch_size.max());
        bean.gauge("batch-size-avg", batch_size.avg());
        let (success, failure) = inner.commits.percentages(now_ms);
        bean.gauge("offset-commit-failure-percentage", failure);
        bean.gauge("offset-commit-success-percentage", success);
        bean.text("connector-type", description.connector_type.name());
        let plugins = [
            (
                "connector-class",
                "connector-version",
                &description.connector_plugin,
            ),
            ("task-class", "task-version", &description.task_plugin),
            (
                "key-converter-class",
                "key-converter-version",
                &description.key_converter,
            ),
            (
                "value-converter-class",
                "value-converter-version",
                &description.value_converter,
            ),
            (
                "header-converter-class",
                "header-converter-version",
                &description.header_converter,
            ),
        ];
        for (class_name, version_name, plugin) in plugins {
            bean.text(class_name, plugin.class.as_str());
            bean.text(version_name, version_text(plugin));
        }
        beans.push(bean);
        self.plugin_mbeans(
            beans,
            &description.transforms,
            ("connector-transform-metrics", "transform"),
            ("transform-class", "transform-version"),
        );
        self.plugin_mbeans(
            beans,
            &description.predicates,
            ("connector-predicate-metrics", "predicate"),
            ("predicate-class", "predicate-version"),
        );
        beans.push(inner.errors.mbean(self.tags()));
    }

    fn plugin_mbeans(
        &self,
        beans: &mut Vec<MBean>,
        plugins: &[AliasedPlugin],
        (bean_type, alias_tag): (&'static str, &'static str),
        (class_name, version_name): (&'static str, &'static str),
    ) {
        for plugin in plugins {
            let mut tags = self.tags();
            tags.push((alias_tag, plugin.alias.clone()));
            let mut bean = MBean::connect(bean_type, tags);
            bean.text(class_name, plugin.plugin.class.as_str());
            bean.text(version_name, version_text(&plugin.plugin));
            beans.push(bean);
        }
    }
}

fn version_text(plugin: &PluginDescription) -> &str {
    plugin.version.as_deref().unwrap_or("undefined")
}

pub(super) fn as_i64(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn duration_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
