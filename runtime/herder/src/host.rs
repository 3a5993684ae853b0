//! What runs connectors and tasks for a herder.

mod clients;
mod exactly_once;
mod local;
mod offset_stores;
mod offsets;
mod plan;
mod resolving;
mod statuses;

pub use clients::{KafkaClients, LibrdkafkaClients};
pub use exactly_once::TaskFencing;
pub use local::{LocalHost, LocalHostConfig};
pub(crate) use offsets::OffsetChange;
pub(crate) use resolving::ResolvingHost;

pub use crate::core::{GenerateError, TaskConfigsAnswer};
use async_trait::async_trait;
use connect_api::ConnectError;
use connect_api::config::ConfigMap;
use connect_store::{ConnectorTaskId, TargetState};
use std::sync::Arc;
use std::time::Duration;

/// What a host tells the command loop, some time after it was asked for something.
#[derive(Debug)]
pub enum HostEvent {
    /// A connector has come into a state, or could not: then with the reason.
    ConnectorTransitioned(String, Result<TargetState, String>),
    /// The configurations of a connector's tasks.
    TaskConfigs(TaskConfigsAnswer),
    /// A connector asks for its tasks to be configured anew.
    TaskReconfigurationRequested(String),
    /// A connector, or one of its tasks, is being started with values of a config provider that hold
    /// for this time only.
    ValuesExpire(ValuesExpiry),
    /// A connector or a task has failed, perhaps one that was stopped since.
    Failed(Failure),
}

/// The end of a connector or a task that was not asked to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The connector.
    pub connector: String,
    /// The task, unless it is the connector itself.
    pub task: Option<ConnectorTaskId>,
    /// What went wrong, without secrets.
    pub reason: String,
}

/// How long values of a config provider hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValuesExpiry {
    /// The connector that is being started with them.
    pub connector: String,
    /// The task, unless it is the connector itself.
    pub task: Option<ConnectorTaskId>,
    /// The time from now on.
    pub ttl: Duration,
}

/// Runs connectors and tasks.
///
/// The calls that begin something return at once and report by [`HostEvent`]; states go to the status
/// store by themselves. The calls that stop something return when it is stopped or given up, which is
/// bounded by `task.shutdown.graceful.timeout.ms` and five seconds for connectors.
#[async_trait]
pub trait WorkerHost: Send + Sync {
    /// This worker's place in the group has changed: statuses carry the generation from now on.
    fn set_generation(&self, generation: i32);

    /// Starts a connector and brings it into its target state.
    fn start_connector(&self, connector: &str, config: Arc<ConfigMap>, target_state: TargetState);

    /// Tells that a connector could not be started.
    fn fail_connector(&self, connector: &str, error: ConnectError);

    /// Brings a running connector into another target state.
    fn transition_connector(&self, connector: &str, target_state: TargetState);

    /// Stops connectors.
    async fn stop_connectors(&self, connectors: Vec<String>);

    /// Asks a running connector for the configurations of its tasks. The number of the inquiry comes back
    /// with the answer.
    fn generate_task_configs(&self, connector: &str, config: Arc<ConfigMap>, inquiry: u64);

    /// Starts a task; `generation` is the number of the set of configurations that `task_config` belongs
    /// to.
    fn start_task(
        &self,
        task: &ConnectorTaskId,
        connector_config: Arc<ConfigMap>,
        task_config: Arc<ConfigMap>,
        generation: i32,
        target_state: TargetState,
    );

    /// Fences the producers of `num_tasks` tasks of an exactly-once source, with the rights that its
    /// configuration gives; returns when they can write nothing more.
    async fn fence_producers(
        &self,
        connector: &str,
        config: Arc<ConfigMap>,
        num_tasks: i32,
    ) -> Result<(), ConnectError>;

    /// Tells that a task could not be started.
    fn fail_task(&self, task: &ConnectorTaskId, error: ConnectError);

    /// Pauses or resumes a running task.
    fn set_task_target_state(&self, task: &ConnectorTaskId, target_state: TargetState);

    /// Stops tasks.
    async fn stop_tasks(&self, tasks: Vec<ConnectorTaskId>);

    /// Writes RESTARTING for what was stopped to be started again.
    fn mark_restarting(&self, connector: Option<&str>, tasks: &[ConnectorTaskId]);

    /// Writes the last statuses of what runs here once more.
    fn repeat_statuses(&self, connectors: &[String], tasks: &[ConnectorTaskId]);

    /// Whether what was started last under this name has failed, be it at its start.
    fn has_failed(&self, connector: &str, task: Option<&ConnectorTaskId>) -> bool;

    /// Stops everything.
    async fn shut_down(&self);
}
