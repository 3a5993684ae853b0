//! States of connectors and tasks as users see them, and the topics that connectors use.

mod cache;
mod codec;
mod kafka;
mod memory;
mod types;

use crate::ConnectorTaskId;
use crate::error::StoreResult;
use async_trait::async_trait;

pub use kafka::KafkaStatusStore;
pub use memory::MemoryStatusStore;
pub use types::{ConnectorStatus, State, Status, TaskStatus, TopicStatus};

/// Keeps the states of connectors and tasks (`StatusBackingStore` of Kafka Connect).
///
/// # Contract
///
/// - [`start`](Self::start) comes first and reads everything that is stored; [`stop`](Self::stop)
///   comes last.
/// - Writes never wait: a status is handed over, in the order of the calls, and retried behind the
///   scenes while it is still of use. [`flush`](Self::flush) waits for them.
/// - Reads show what has been read back, so they may lag behind a write.
/// - [`State::Destroyed`] removes the status.
/// - The `_safe` writes are dropped if another worker has written a status of a higher generation:
///   for FAILED and UNASSIGNED, which a worker may report late. RUNNING, PAUSED, STOPPED, RESTARTING
///   and DESTROYED are written without that check.
#[async_trait]
pub trait StatusStore: Send + Sync {
    /// Reads all that is stored.
    async fn start(&self) -> StoreResult<()>;

    /// Lets what was put go out once more, without retries, and stops reading and writing.
    async fn stop(&self);

    /// Waits until what was put before is durable or given up.
    async fn flush(&self) -> StoreResult<()>;

    /// Writes the status of a connector.
    fn put_connector(&self, status: ConnectorStatus);

    /// Writes the status of a connector, unless another worker of a later generation did.
    fn put_connector_safe(&self, status: ConnectorStatus);

    /// Writes the status of a task.
    fn put_task(&self, status: TaskStatus);

    /// Writes the status of a task, unless another worker of a later generation did.
    fn put_task_safe(&self, status: TaskStatus);

    /// Notes that a connector uses a topic.
    fn put_topic(&self, status: TopicStatus);

    /// Forgets that a connector uses a topic.
    fn delete_topic(&self, topic: &str, connector: &str);

    /// The status of a connector.
    fn connector(&self, connector: &str) -> Option<ConnectorStatus>;

    /// The status of a task.
    fn task(&self, task: &ConnectorTaskId) -> Option<TaskStatus>;

    /// The statuses of all tasks of a connector, by task number.
    fn tasks(&self, connector: &str) -> Vec<TaskStatus>;

    /// What is known of a connector's use of a topic.
    fn topic(&self, topic: &str, connector: &str) -> Option<TopicStatus>;

    /// All topics that a connector uses, by name.
    fn topics(&self, connector: &str) -> Vec<TopicStatus>;

    /// The names of all connectors that have a status or a task with one, sorted.
    fn connectors(&self) -> Vec<String>;
}
