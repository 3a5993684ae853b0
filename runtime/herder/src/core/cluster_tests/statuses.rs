//! The status topic, read by all workers at once.

use async_trait::async_trait;
use connect_store::{
    ConnectorStatus, ConnectorTaskId, MemoryStatusStore, State, Status, StatusStore, StoreResult,
    TaskStatus, TopicStatus,
};

/// Statuses as a topic with instant readers would show them: memory, with the rules for late news.
#[derive(Default)]
pub(super) struct SimStatuses(MemoryStatusStore);

fn is_safe(cached: Option<Status>, status: &Status) -> bool {
    cached.is_none_or(|cached| {
        cached.worker_id == status.worker_id || cached.generation <= status.generation
    })
}

/// Readers pass over the end of a task that another worker's start has overtaken.
fn is_stale(cached: Option<&Status>, status: &Status) -> bool {
    status.state == State::Unassigned
        && cached.is_some_and(|cached| {
            cached.state == State::Running && cached.generation >= status.generation
        })
}

#[async_trait]
impl StatusStore for SimStatuses {
    async fn start(&self) -> StoreResult<()> {
        Ok(())
    }

    async fn stop(&self) {}

    async fn flush(&self) -> StoreResult<()> {
        Ok(())
    }

    fn put_connector(&self, status: ConnectorStatus) {
        self.0.put_connector(status);
    }

    fn put_connector_safe(&self, status: ConnectorStatus) {
        let cached = self.0.connector(&status.connector);
        if is_safe(cached.map(|cached| cached.status), &status.status) {
            self.0.put_connector(status);
        }
    }

    fn put_task(&self, status: TaskStatus) {
        self.0.put_task(status);
    }

    fn put_task_safe(&self, status: TaskStatus) {
        let cached = self.0.task(&status.id).map(|cached| cached.status);
        if !is_stale(cached.as_ref(), &status.status) && is_safe(cached, &status.status) {
            self.0.put_task(status);
        }
    }

    fn put_topic(&self, status: TopicStatus) {
        self.0.put_topic(status);
    }

    fn delete_topic(&self, topic: &str, connector: &str) {
        self.0.delete_topic(topic, connector);
    }

    fn connector(&self, connector: &str) -> Option<ConnectorStatus> {
        self.0.connector(connector)
    }

    fn task(&self, task: &ConnectorTaskId) -> Option<TaskStatus> {
        self.0.task(task)
    }

    fn tasks(&self, connector: &str) -> Vec<TaskStatus> {
        self.0.tasks(connector)
    }

    fn topic(&self, topic: &str, connector: &str) -> Option<TopicStatus> {
        self.0.topic(topic, connector)
    }

    fn topics(&self, connector: &str) -> Vec<TopicStatus> {
        self.0.topics(connector)
    }

    fn connectors(&self) -> Vec<String> {
        self.0.connectors()
    }
}
