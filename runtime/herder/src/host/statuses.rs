//! States of connectors and tasks on their way to the status store and the metrics.

use super::{Failure, HostEvent};
use connect_api::ConnectError;
use connect_store::{
    ConnectorStatus, ConnectorTaskId, State, Status, StatusStore, TargetState, TaskStatus,
    TopicStatus,
};
use connect_telemetry::metrics::{
    ConnectorMetrics, Metrics, SinkTaskMetrics, SourceTaskMetrics, State as MetricState,
    TaskMetrics,
};
use connect_telemetry::redaction::redact;
use connect_worker::{ConnectorStatusListener, ConnectorUpdate, TaskEvent, TaskStatusListener};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;

/// The metrics of a task of either direction; they are shown as long as they are kept.
#[derive(Clone)]
pub(super) enum TaskMetricsHandle {
    Source(SourceTaskMetrics),
    Sink(SinkTaskMetrics),
}

impl TaskMetricsHandle {
    fn task(&self) -> &TaskMetrics {
        match self {
            Self::Source(metrics) => metrics.task(),
            Self::Sink(metrics) => metrics.task(),
        }
    }
}

struct ConnectorEntry {
    version: Option<String>,
    metrics: Option<ConnectorMetrics>,
    has_started: bool,
    last: Option<Status>,
}

struct TaskEntry {
    version: Option<String>,
    metrics: Option<TaskMetricsHandle>,
    has_started: bool,
    last: Option<Status>,
}

impl ConnectorEntry {
    fn new(version: Option<&str>, metrics: Option<ConnectorMetrics>) -> Self {
        Self {
            version: version.map(str::to_string),
            metrics,
            has_started: false,
            last: None,
        }
    }
}

impl TaskEntry {
    fn new(version: Option<&str>, metrics: Option<TaskMetricsHandle>) -> Self {
        Self {
            version: version.map(str::to_string),
            metrics,
            has_started: false,
            last: None,
        }
    }
}

#[derive(Default)]
struct Entries {
    connectors: HashMap<String, ConnectorEntry>,
    tasks: HashMap<ConnectorTaskId, TaskEntry>,
}

/// Hears of every state and writes it down.
pub(super) struct Statuses {
    worker_id: String,
    generation: AtomicI32,
    store: Arc<dyn StatusStore>,
    metrics: Arc<Metrics>,
    events: mpsc::UnboundedSender<HostEvent>,
    entries: Mutex<Entries>,
}

impl Statuses {
    pub(super) fn new(
        worker_id: String,
        store: Arc<dyn StatusStore>,
        metrics: Arc<Metrics>,
        events: mpsc::UnboundedSender<HostEvent>,
    ) -> Self {
        Self {
            worker_id,
            generation: AtomicI32::new(0),
            store,
            metrics,
            events,
            entries: Mutex::default(),
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_generation(&self, generation: i32) {
        self.generation.store(generation, Ordering::Release);
    }

    /// Before a connector's instance is made.
    pub(super) fn connector_begins(
        &self,
        connector: &str,
        version: Option<&str>,
        metrics: Option<ConnectorMetrics>,
    ) {
        let entry = ConnectorEntry::new(version, metrics);
        self.entries()
            .connectors
            .insert(connector.to_string(), entry);
    }

    /// Before its start is given up, perhaps before it began.
    pub(super) fn note_connector(&self, connector: &str) {
        self.entries()
            .connectors
            .entry(connector.to_string())
            .or_insert_with(|| ConnectorEntry::new(None, None));
    }

    /// Before a task is spawned.
    pub(super) fn task_begins(
        &self,
        task: &ConnectorTaskId,
        version: Option<&str>,
        metrics: Option<TaskMetricsHandle>,
    ) {
        let entry = TaskEntry::new(version, metrics);
        self.entries().tasks.insert(task.clone(), entry);
    }

    /// Before its start is given up, perhaps before it began.
    pub(super) fn note_task(&self, task: &ConnectorTaskId) {
        self.entries()
            .tasks
            .entry(task.clone())
            .or_insert_with(|| TaskEntry::new(None, None));
    }

    pub(super) fn has_failed(&self, connector: &str, task: Option<&ConnectorTaskId>) -> bool {
        let entries = self.entries();
        let last = match task {
            Some(task) => entries
                .tasks
                .get(task)
                .and_then(|entry| entry.last.as_ref()),
            None => entries
                .connectors
                .get(connector)
                .and_then(|entry| entry.last.as_ref()),
        };
        last.is_some_and(|status| status.state == State::Failed)
    }

    /// A connector was stopped here; its metrics go with it.
    pub(super) fn connector_gone(&self, connector: &str) {
        self.entries().connectors.remove(connector);
    }

    /// A task was stopped here; its metrics go with it.
    pub(super) fn task_gone(&self, task: &ConnectorTaskId) {
        self.entries().tasks.remove(task);
    }

    fn status(&self, state: State, version: Option<String>, trace: Option<String>) -> Status {
        Status {
            state,
            trace,
            worker_id: self.worker_id.clone(),
            generation: self.generation.load(Ordering::Acquire),
            version,
        }
    }

    pub(super) fn restarting(&self, connector: Option<&str>, tasks: &[ConnectorTaskId]) {
        if let Some(connector) = connector {
            self.store.put_connector(ConnectorStatus {
                connector: connector.to_string(),
                status: self.status(State::Restarting, None, None),
            });
        }
        for task in tasks {
            self.store.put_task(TaskStatus {
                id: task.clone(),
                status: self.status(State::Restarting, None, None),
            });
        }
    }

    /// Writes the last statuses of these once more, in the present generation.
    pub(super) fn repeat(&self, connectors: &[String], tasks: &[ConnectorTaskId]) {
        let again = |last: &Option<Status>| {
            let last = last.clone()?;
            Some(self.status(last.state, last.version, last.trace))
        };
        let entries = self.entries();
        for connector in connectors {
            let entry = entries.connectors.get(connector);
            if let Some(status) = entry.and_then(|entry| again(&entry.last)) {
                self.store.put_connector(ConnectorStatus {
                    connector: connector.clone(),
                    status,
                });
            }
        }
        for task in tasks {
            let entry = entries.tasks.get(task);
            if let Some(status) = entry.and_then(|entry| again(&entry.last)) {
                self.store.put_task(TaskStatus {
                    id: task.clone(),
                    status,
                });
            }
        }
    }

    /// Writes down a topic that a task uses, the first time that anybody tells of it.
    pub(super) fn active_topic(&self, task: &ConnectorTaskId, topic: &str, now_ms: i64) {
        if self.store.topic(topic, &task.connector).is_none() {
            self.store.put_topic(TopicStatus {
                topic: topic.to_string(),
                connector: task.connector.to_string(),
                task: task.task,
                discover_timestamp_ms: now_ms,
            });
        }
    }

    fn tell_of_failure(
        &self,
        connector: &str,
        task: Option<&ConnectorTaskId>,
        error: &ConnectError,
    ) {
        self.tell(HostEvent::Failed(Failure {
            connector: connector.to_string(),
            task: task.cloned(),
            reason: redact(&error.to_string()).into_owned(),
        }));
    }

    fn tell(&self, event: HostEvent) {
        // The loop is gone only when the worker ends.
        let _ = self.events.send(event);
    }
}

impl ConnectorStatusListener for Statuses {
    fn on_connector_update(&self, connector: &str, update: ConnectorUpdate) {
        let (state, metric, trace) = match &update {
            ConnectorUpdate::Started => (State::Running, MetricState::Running, None),
            ConnectorUpdate::Paused => (State::Paused, MetricState::Paused, None),
            ConnectorUpdate::Stopped => (State::Stopped, MetricState::Stopped, None),
            ConnectorUpdate::Shutdown => (State::Unassigned, MetricState::Unassigned, None),
            ConnectorUpdate::Failed(error) => {
                (State::Failed, MetricState::Failed, Some(shown_trace(error)))
            }
            ConnectorUpdate::TaskReconfigurationRequested => {
                self.tell(HostEvent::TaskReconfigurationRequested(
                    connector.to_string(),
                ));
                return;
            }
        };
        let mut version = None;
        if let Some(entry) = self.entries().connectors.get_mut(connector) {
            version.clone_from(&entry.version);
            if let Some(metrics) = &entry.metrics {
                metrics.set_state(metric);
            }
            if !entry.has_started && state != State::Unassigned {
                entry.has_started = true;
                self.metrics
                    .worker()
                    .record_connector_startup(state != State::Failed);
            }
        }
        if state == State::Unassigned {
            version = None;
        }
        let status = ConnectorStatus {
            connector: connector.to_string(),
            status: self.status(state, version, trace),
        };
        if let Some(entry) = self.entries().connectors.get_mut(connector) {
            entry.last = Some(status.status.clone());
        }
        match state {
            State::Failed | State::Unassigned => self.store.put_connector_safe(status),
            _ => self.store.put_connector(status),
        }
        if let ConnectorUpdate::Failed(error) = &update {
            self.tell_of_failure(connector, None, error);
        }
    }
}

impl TaskStatusListener for Statuses {
    fn on_task_event(&self, task: &ConnectorTaskId, event: TaskEvent) {
        let (state, metric, trace) = match &event {
            TaskEvent::Startup | TaskEvent::Resumed => (State::Running, MetricState::Running, None),
            TaskEvent::Paused => (State::Paused, MetricState::Paused, None),
            TaskEvent::Shutdown => (State::Unassigned, MetricState::Unassigned, None),
            TaskEvent::Failed(error) => {
                (State::Failed, MetricState::Failed, Some(shown_trace(error)))
            }
        };
        let mut version = None;
        if let Some(entry) = self.entries().tasks.get_mut(task) {
            version.clone_from(&entry.version);
            if let Some(metrics) = &entry.metrics {
                metrics.task().set_state(metric);
            }
            let counts = matches!(state, State::Running | State::Failed);
            if !entry.has_started && counts {
                entry.has_started = true;
                self.metrics
                    .worker()
                    .record_task_startup(state == State::Running);
            }
        }
        if state == State::Unassigned {
            version = None;
        }
        let status = TaskStatus {
            id: task.clone(),
            status: self.status(state, version, trace),
        };
        if let Some(entry) = self.entries().tasks.get_mut(task) {
            entry.last = Some(status.status.clone());
        }
        match state {
            State::Failed | State::Unassigned => self.store.put_task_safe(status),
            _ => self.store.put_task(status),
        }
        if let TaskEvent::Failed(error) = &event {
            self.tell_of_failure(&task.connector, Some(task), error);
        }
    }
}

/// The trace of an error as people may see it.
fn shown_trace(error: &ConnectError) -> String {
    redact(&error.trace()).into_owned()
}

/// A connector's target state in the words of its handle.
pub(super) fn connector_target(state: TargetState) -> connect_worker::ConnectorTargetState {
    match state {
        TargetState::Started => connect_worker::ConnectorTargetState::Started,
        TargetState::Paused => connect_worker::ConnectorTargetState::Paused,
        TargetState::Stopped => connect_worker::ConnectorTargetState::Stopped,
    }
}

#[cfg(test)]
mod tests;
