//! Statuses in memory: what a standalone worker uses.

use super::StatusStore;
use super::cache::StatusCache;
use super::types::{ConnectorStatus, State, TaskStatus, TopicStatus};
use crate::ConnectorTaskId;
use crate::error::StoreResult;
use async_trait::async_trait;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Keeps statuses in the memory of a standalone worker (`MemoryStatusBackingStore`). There is no
/// other worker, so that safe writes are plain ones.
#[derive(Debug, Default)]
pub struct MemoryStatusStore {
    cache: Mutex<StatusCache>,
}

impl MemoryStatusStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, StatusCache> {
        // Nothing panics while it is held.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl StatusStore for MemoryStatusStore {
    async fn start(&self) -> StoreResult<()> {
        Ok(())
    }

    async fn stop(&self) {}

    async fn flush(&self) -> StoreResult<()> {
        Ok(())
    }

    fn put_connector(&self, status: ConnectorStatus) {
        if status.status.state == State::Destroyed {
            self.lock().remove_connector(&status.connector);
        } else {
            self.lock().put_connector(status);
        }
    }

    fn put_connector_safe(&self, status: ConnectorStatus) {
        self.put_connector(status);
    }

    fn put_task(&self, status: TaskStatus) {
        if status.status.state == State::Destroyed {
            self.lock().remove_task(&status.id);
        } else {
            self.lock().put_task(status);
        }
    }

    fn put_task_safe(&self, status: TaskStatus) {
        self.put_task(status);
    }

    fn put_topic(&self, status: TopicStatus) {
        self.lock().put_topic(status);
    }

    fn delete_topic(&self, topic: &str, connector: &str) {
        self.lock().remove_topic(topic, connector);
    }

    fn connector(&self, connector: &str) -> Option<ConnectorStatus> {
        self.lock().connector(connector)
    }

    fn task(&self, task: &ConnectorTaskId) -> Option<TaskStatus> {
        self.lock().task(task)
    }

    fn tasks(&self, connector: &str) -> Vec<TaskStatus> {
        self.lock().tasks(connector)
    }

    fn topic(&self, topic: &str, connector: &str) -> Option<TopicStatus> {
        self.lock().topic(topic, connector)
    }

    fn topics(&self, connector: &str) -> Vec<TopicStatus> {
        self.lock().topics(connector)
    }

    fn connectors(&self) -> Vec<String> {
        self.lock().connectors()
    }
}
