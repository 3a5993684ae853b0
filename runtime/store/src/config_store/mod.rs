//! Configurations of connectors and tasks, target states and what else the cluster agrees on.

mod codec;
mod kafka;
mod memory;
mod record;
mod state;
mod transactional;
mod types;
mod updates;

use crate::error::StoreResult;
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use std::sync::Arc;
use std::time::Duration;

pub use kafka::{FencableWriter, KafkaConfigStore};
pub use memory::MemoryConfigStore;
pub use state::{ClusterConfigState, NO_CONFIG_OFFSET};
pub use transactional::TransactionalConfigWriter;
pub use types::{RestartRequest, SessionKey, TargetState};
pub use updates::{ConfigUpdate, ConfigUpdates};

/// Keeps the configurations of a cluster (`ConfigBackingStore` of Kafka Connect).
///
/// # Contract
///
/// - [`start`](Self::start) comes first and reads everything that is stored; [`stop`](Self::stop)
///   comes last. Writes in between may come from several tasks at a time.
/// - [`snapshot`](Self::snapshot) is cheap and never waits; it shows what has been read back, so a
///   snapshot taken after a write returned holds that write (except the two unprivileged ones).
/// - Changes that were read after `start` are told through [`updates`](Self::updates).
/// - *Privileged* writes are for the leader, after
///   [`claim_write_privileges`](Self::claim_write_privileges). The others any worker may make.
/// - Every write has a budget of 30 seconds, reading back included, and fails with
///   [`StoreError::Timeout`](crate::StoreError::Timeout) after that; it may still take effect.
///   After [`StoreError::Fenced`](crate::StoreError::Fenced) nothing was written.
#[async_trait]
pub trait ConfigStore: Send + Sync {
    /// Reads all that is stored. Retriable errors are retried inside.
    async fn start(&self) -> StoreResult<()>;

    /// Stops reading and writing. Updates that were not received are lost.
    async fn stop(&self);

    /// The configuration of the cluster as far as it has been read.
    fn snapshot(&self) -> Arc<ClusterConfigState>;

    /// The changes that are read after [`start`](Self::start). The first call returns the receiver,
    /// later ones `None`.
    fn updates(&self) -> Option<ConfigUpdates>;

    /// Makes this worker the only one that can make privileged writes, where the store can enforce
    /// that (transactional writers); fences the worker that could before. Without that a no-op.
    async fn claim_write_privileges(&self) -> StoreResult<()>;

    /// Reads up to the present end of what is stored.
    async fn refresh(&self, timeout: Duration) -> StoreResult<()>;

    /// Writes the configuration of a connector, new or changed, and with `target_state` its target
    /// state before it. The order of the keys is kept; the caller has put `name` last if it was not
    /// there. Privileged.
    async fn put_connector_config(
        &self,
        connector: &str,
        config: &ConfigMap,
        target_state: Option<TargetState>,
    ) -> StoreResult<()>;

    /// Removes a connector with its tasks and target state. Privileged.
    async fn remove_connector_config(&self, connector: &str) -> StoreResult<()>;

    /// Replaces the task configurations of a connector: the configuration at index `i` is that of
    /// task `i`. An empty list leaves the connector without tasks. They take effect together.
    /// Privileged.
    async fn put_task_configs(&self, connector: &str, configs: &[ConfigMap]) -> StoreResult<()>;

    /// Writes a target state and waits until it is durable, not until it is read back.
    async fn put_target_state(&self, connector: &str, state: TargetState) -> StoreResult<()>;

    /// Asks all workers for a restart. Privileged.
    async fn put_restart_request(&self, request: &RestartRequest) -> StoreResult<()>;

    /// Distributes the key by which workers sign requests to each other. Privileged.
    async fn put_session_key(&self, key: &SessionKey) -> StoreResult<()>;

    /// Sets the level of a logger on all workers. Waits until it is durable, not until it is read
    /// back. `level` is written as the user gave it.
    async fn put_logger_level(&self, logger: &str, level: &str) -> StoreResult<()>;

    /// Records for how many tasks producers have been fenced (exactly-once sources). Privileged.
    async fn put_task_count_record(&self, connector: &str, num_tasks: i32) -> StoreResult<()>;
}
