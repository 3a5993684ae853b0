//! The statuses that have been read.

use super::types::{ConnectorStatus, State, Status, TaskStatus, TopicStatus};
use crate::ConnectorTaskId;
use std::collections::{BTreeMap, BTreeSet};

/// Statuses by connector, and by connector and task.
#[derive(Debug, Default)]
pub(super) struct StatusCache {
    connectors: BTreeMap<String, Status>,
    tasks: BTreeMap<String, BTreeMap<i32, Status>>,
    topics: BTreeMap<String, BTreeMap<String, TopicStatus>>,
}

impl StatusCache {
    pub(super) fn put_connector(&mut self, status: ConnectorStatus) {
        self.connectors.insert(status.connector, status.status);
    }

    pub(super) fn remove_connector(&mut self, connector: &str) {
        self.connectors.remove(connector);
    }

    pub(super) fn put_task(&mut self, TaskStatus { id, status }: TaskStatus) {
        self.tasks
            .entry(id.connector.to_string())
            .or_default()
            .insert(id.task, status);
    }

    pub(super) fn remove_task(&mut self, id: &ConnectorTaskId) {
        let Some(tasks) = self.tasks.get_mut(&*id.connector) else {
            return;
        };
        tasks.remove(&id.task);
        if tasks.is_empty() {
            self.tasks.remove(&*id.connector);
        }
    }

    pub(super) fn put_topic(&mut self, status: TopicStatus) {
        self.topics
            .entry(status.connector.clone())
            .or_default()
            .insert(status.topic.clone(), status);
    }

    pub(super) fn remove_topic(&mut self, topic: &str, connector: &str) {
        let Some(topics) = self.topics.get_mut(connector) else {
            return;
        };
        topics.remove(topic);
        if topics.is_empty() {
            self.topics.remove(connector);
        }
    }

    pub(super) fn connector(&self, connector: &str) -> Option<ConnectorStatus> {
        Some(ConnectorStatus {
            connector: connector.to_string(),
            status: self.connectors.get(connector)?.clone(),
        })
    }

    pub(super) fn task(&self, id: &ConnectorTaskId) -> Option<TaskStatus> {
        Some(TaskStatus {
            id: id.clone(),
            status: self.tasks.get(&*id.connector)?.get(&id.task)?.clone(),
        })
    }

    pub(super) fn tasks(&self, connector: &str) -> Vec<TaskStatus> {
        let name: std::sync::Arc<str> = connector.into();
        self.tasks
            .get(connector)
            .into_iter()
            .flatten()
            .map(|(&task, status)| TaskStatus {
                id: ConnectorTaskId {
                    connector: name.clone(),
                    task,
                },
                status: status.clone(),
            })
            .collect()
    }

    pub(super) fn topic(&self, topic: &str, connector: &str) -> Option<TopicStatus> {
        self.topics.get(connector)?.get(topic).cloned()
    }

    pub(super) fn topics(&self, connector: &str) -> Vec<TopicStatus> {
        self.topics
            .get(connector)
            .into_iter()
            .flat_map(BTreeMap::values)
            .cloned()
            .collect()
    }

    pub(super) fn connectors(&self) -> Vec<String> {
        let names: BTreeSet<&String> = self.connectors.keys().chain(self.tasks.keys()).collect();
        names.into_iter().cloned().collect()
    }

    /// Whether `status` may replace `cached`: nobody else has reported in a later generation.
    pub(super) fn is_safe(cached: Option<&Status>, status: &Status) -> bool {
        cached.is_none_or(|cached| {
            cached.worker_id == status.worker_id || cached.generation <= status.generation
        })
    }

    pub(super) fn connector_status(&self, connector: &str) -> Option<&Status> {
        self.connectors.get(connector)
    }

    pub(super) fn task_status(&self, id: &ConnectorTaskId) -> Option<&Status> {
        self.tasks.get(&*id.connector)?.get(&id.task)
    }

    /// Whether a status tells of an end that another worker's start has overtaken.
    pub(super) fn is_stale(cached: Option<&Status>, status: &Status) -> bool {
        status.state == State::Unassigned
            && cached.is_some_and(|cached| {
                cached.state == State::Running && cached.generation >= status.generation
            })
    }
}
