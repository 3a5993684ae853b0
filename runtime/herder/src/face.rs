//! What the REST API asks of a herder, and the shapes of the answers.

use crate::signature::InternalRequest;
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::data::Map;
pub use connect_store::TargetState;
pub use connect_telemetry::logging::{Level, LoggerLevel};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// What went wrong with a request, as an HTTP status tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HerderErrorKind {
    /// The request is at fault: 400.
    BadRequest,
    /// Not allowed: 403.
    Forbidden,
    /// There is no such thing: 404.
    NotFound,
    /// Another operation is in the way, or the thing exists already: 409.
    Conflict,
    /// The worker is at fault, or something that it depends on: 500.
    Internal,
    /// Not ready yet: 503.
    Unavailable,
    /// Another worker must answer: the request is forwarded there.
    Forward {
        /// The URL of that worker's REST API, with a slash at its end.
        url: String,
    },
}

/// A refused or failed request. The message goes to the client as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HerderError {
    /// What kind of failure.
    pub kind: HerderErrorKind,
    /// What to tell the client.
    pub message: String,
    /// The Java exception that a JVM worker would have thrown: the validate endpoint names it.
    pub exception: &'static str,
}

impl HerderError {
    /// An error of a kind.
    pub fn new(kind: HerderErrorKind, message: impl Into<String>) -> Self {
        let exception = match kind {
            HerderErrorKind::BadRequest => {
                "org.apache.kafka.connect.runtime.rest.errors.BadRequestException"
            }
            HerderErrorKind::NotFound => "org.apache.kafka.connect.errors.NotFoundException",
            _ => "org.apache.kafka.connect.errors.ConnectException",
        };
        Self {
            kind,
            message: message.into(),
            exception,
        }
    }

    /// The same error under the name of another Java exception.
    #[must_use]
    pub fn with_exception(mut self, exception: &'static str) -> Self {
        self.exception = exception;
        self
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(HerderErrorKind::BadRequest, message)
    }

    /// 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(HerderErrorKind::NotFound, message)
    }

    /// 409.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(HerderErrorKind::Conflict, message)
    }

    /// 500.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(HerderErrorKind::Internal, message)
    }
}

impl fmt::Display for HerderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for HerderError {}

/// The result of a request.
pub type HerderResult<T> = std::result::Result<T, HerderError>;

/// `GET /`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClusterInfo {
    /// The version of Kafka whose API this is.
    pub version: String,
    /// The commit that the worker was built from.
    pub commit: String,
    /// The id of the Kafka cluster; null until it is known.
    pub kafka_cluster_id: Option<String>,
}

/// `GET /health`: how far the worker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HerderHealth {
    /// The command loop answers.
    Healthy,
    /// The worker has not been ready yet; what it is doing, as a sentence.
    Starting(String),
    /// The worker was ready and does not answer now; what it is doing, as a sentence.
    Unhealthy(String),
}

/// A task of a connector.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ConnectorTaskId {
    /// The connector.
    pub connector: String,
    /// The number, from 0.
    pub task: i32,
}

impl fmt::Display for ConnectorTaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.connector, self.task)
    }
}

/// `GET /connectors/{name}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectorInfo {
    /// The name.
    pub name: String,
    /// The configuration as it is stored.
    #[serde(serialize_with = "serialize_config")]
    pub config: ConfigMap,
    /// Its tasks.
    pub tasks: Vec<ConnectorTaskId>,
    /// `source`, `sink` or `unknown`.
    #[serde(rename = "type")]
    pub connector_type: &'static str,
}

/// An element of `GET /connectors/{name}/tasks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskInfo {
    /// The task.
    pub id: ConnectorTaskId,
    /// Its configuration as it is stored.
    #[serde(serialize_with = "serialize_config")]
    pub config: ConfigMap,
}

/// The state of a connector, as statuses show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectorState {
    /// `RUNNING`, `FAILED`, ...
    pub state: String,
    /// The worker that runs it.
    pub worker_id: String,
    /// The version of the plugin: outer `None` leaves the field out, inner `None` is null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Option<String>>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// The state of a task, as statuses show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskState {
    /// The number.
    pub id: i32,
    /// `RUNNING`, `FAILED`, ...
    pub state: String,
    /// The worker that runs it.
    pub worker_id: String,
    /// The version of the plugin: outer `None` leaves the field out, inner `None` is null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Option<String>>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// `GET /connectors/{name}/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectorStateInfo {
    /// The name.
    pub name: String,
    /// The connector itself.
    pub connector: ConnectorState,
    /// Its tasks, by number.
    pub tasks: Vec<TaskState>,
    /// `source`, `sink` or `unknown`.
    #[serde(rename = "type")]
    pub connector_type: &'static str,
}

/// `GET /connectors/{name}/topics`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveTopics {
    /// The connector.
    pub connector: String,
    /// The topics that it has used.
    pub topics: Vec<String>,
}

/// One partition of `GET /connectors/{name}/offsets`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectorOffset {
    /// The partition.
    pub partition: Option<Map>,
    /// The offset.
    pub offset: Option<Map>,
}

/// `GET /connectors/{name}/offsets`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectorOffsets {
    /// The offsets of all known partitions.
    pub offsets: Vec<ConnectorOffset>,
}

/// What `POST /connectors/{name}/restart` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RestartRequest {
    /// Only what has failed.
    pub only_failed: bool,
    /// Also the tasks.
    pub include_tasks: bool,
}

/// Whether a `PUT` made a connector or changed one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created<T> {
    /// Whether it is new.
    pub created: bool,
    /// The outcome.
    pub result: T,
}

/// The kinds of plugins that `GET /connector-plugins` lists, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PluginType {
    /// A sink connector.
    Sink,
    /// A source connector.
    Source,
    /// A transform.
    Transformation,
    /// A predicate.
    Predicate,
    /// A converter.
    Converter,
    /// A header converter.
    HeaderConverter,
}

impl PluginType {
    /// The name in the REST API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sink => "sink",
            Self::Source => "source",
            Self::Transformation => "transformation",
            Self::Predicate => "predicate",
            Self::Converter => "converter",
            Self::HeaderConverter => "header_converter",
        }
    }
}

impl Serialize for PluginType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// An element of `GET /connector-plugins`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PluginInfo {
    /// The class name.
    pub class: String,
    /// The type.
    #[serde(rename = "type")]
    pub plugin_type: PluginType,
    /// The version, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// The definition of a setting, in the order of the fields that clients see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the fields of ConfigKey, which documents them")]
pub struct ConfigKeyInfo {
    pub name: String,
    #[serde(rename = "type")]
    pub config_type: &'static str,
    pub required: bool,
    pub default_value: Option<String>,
    pub importance: &'static str,
    pub documentation: String,
    pub group: Option<String>,
    pub order_in_group: i32,
    pub width: &'static str,
    pub display_name: String,
    pub dependents: Vec<String>,
}

/// The value of a setting with what is wrong about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(
    missing_docs,
    reason = "the fields of ConfigValue, which documents them"
)]
pub struct ConfigValueInfo {
    pub name: String,
    pub value: Option<String>,
    pub recommended_values: Vec<String>,
    pub errors: Vec<String>,
    pub visible: bool,
}

/// A setting in `PUT /connector-plugins/{class}/config/validate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigInfo {
    /// The definition; null for a key that nobody defines.
    pub definition: Option<ConfigKeyInfo>,
    /// The value.
    pub value: Option<ConfigValueInfo>,
}

/// The answer of `PUT /connector-plugins/{class}/config/validate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigInfos {
    /// The connector class as it was given.
    pub name: String,
    /// The number of faults.
    pub error_count: usize,
    /// The groups of settings.
    pub groups: Vec<String>,
    /// The settings.
    pub configs: Vec<ConfigInfo>,
}

fn serialize_config<S: Serializer>(config: &ConfigMap, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(config.iter())
}

/// The control of connectors and tasks, as the REST API sees it.
///
/// Implementations answer from a single command loop or from read-only snapshots; each method may be
/// called at any time from any number of callers. Dropping a returned future does not take back a
/// command that the loop has accepted. Errors carry the message for the client, and
/// [`HerderErrorKind::Forward`] where another worker must answer.
#[async_trait]
pub trait Herder: Send + Sync {
    /// The worker and its Kafka cluster.
    fn cluster_info(&self) -> ClusterInfo;

    /// Asks the command loop whether it is alive; waits for its answer as long as it takes.
    async fn health(&self) -> HerderHealth;

    /// What the worker is doing right now, as a sentence for the message of a request that timed out.
    fn stage(&self) -> Option<String>;

    /// The names of all connectors.
    async fn connectors(&self) -> HerderResult<Vec<String>>;

    /// A connector with its stored configuration and its tasks; 404 `Connector {c} not found`.
    async fn connector_info(&self, connector: &str) -> HerderResult<ConnectorInfo>;

    /// Stores the configuration of a connector. With `replace` an existing one is changed; without, it
    /// is a conflict. The configuration is validated first.
    async fn put_connector_config(
        &self,
        connector: &str,
        config: ConfigMap,
        initial_state: Option<TargetState>,
        replace: bool,
    ) -> HerderResult<Created<ConnectorInfo>>;

    /// Merges changes into the configuration of a connector; null removes a key (KIP-477).
    async fn patch_connector_config(
        &self,
        connector: &str,
        patch: ConfigMap,
    ) -> HerderResult<ConnectorInfo>;

    /// Deletes a connector.
    async fn delete_connector(&self, connector: &str) -> HerderResult<()>;

    /// The states of a connector and its tasks.
    async fn connector_status(&self, connector: &str) -> HerderResult<ConnectorStateInfo>;

    /// The state of a task.
    async fn task_status(&self, task: &ConnectorTaskId) -> HerderResult<TaskState>;

    /// The tasks of a connector with their stored configurations.
    async fn task_configs(&self, connector: &str) -> HerderResult<Vec<TaskInfo>>;

    /// Changes what a connector is wanted to be.
    async fn set_target_state(&self, connector: &str, state: TargetState) -> HerderResult<()>;

    /// Restarts the connector instance alone.
    async fn restart_connector(&self, connector: &str) -> HerderResult<()>;

    /// Restarts a connector and its tasks as asked (KIP-745); answers the plan.
    async fn restart_connector_and_tasks(
        &self,
        connector: &str,
        request: RestartRequest,
    ) -> HerderResult<ConnectorStateInfo>;

    /// Restarts a task.
    async fn restart_task(&self, task: &ConnectorTaskId) -> HerderResult<()>;

    /// Another worker, which runs the connector, has the leader store the configurations of its tasks.
    /// `configs` is what the body of `request` says. Its signature is checked where the group's protocol
    /// asks for one.
    async fn put_task_configs(
        &self,
        connector: &str,
        configs: Vec<ConfigMap>,
        request: &InternalRequest,
    ) -> HerderResult<()>;

    /// Another worker has the leader see to it that no producer of an earlier set of tasks of an
    /// exactly-once source can write any more (KIP-618). Checked like
    /// [`put_task_configs`](Self::put_task_configs).
    async fn fence_zombies(&self, connector: &str, request: &InternalRequest) -> HerderResult<()>;

    /// The topics that a connector has used (KIP-558).
    async fn connector_active_topics(&self, connector: &str) -> HerderResult<ActiveTopics>;

    /// Forgets the topics that a connector has used.
    async fn reset_connector_active_topics(&self, connector: &str) -> HerderResult<()>;

    /// The committed offsets of a connector (KIP-875).
    async fn connector_offsets(&self, connector: &str) -> HerderResult<ConnectorOffsets>;

    /// Replaces stored offsets of a stopped connector, or forgets them where the offset is null
    /// (KIP-875); answers what has been done, as a sentence. At least one offset is given.
    async fn alter_connector_offsets(
        &self,
        connector: &str,
        offsets: ConnectorOffsets,
    ) -> HerderResult<String>;

    /// Forgets all stored offsets of a stopped connector; answers what has been done, as a sentence.
    async fn reset_connector_offsets(&self, connector: &str) -> HerderResult<String>;

    /// The levels of all loggers of this worker that are not off, by name.
    fn logger_levels(&self) -> BTreeMap<String, LoggerLevel>;

    /// The level that holds for a logger of this worker; `None` if nobody knows it.
    fn logger_level(&self, logger: &str) -> Option<LoggerLevel>;

    /// Sets the level of the loggers of this worker whose names begin with a text; answers which of
    /// them have another level than before, by name.
    fn set_worker_logger_level(&self, namespace: &str, level: Level) -> Vec<String>;

    /// Sets the level of a logger on all workers; they hear of it a moment later. `level` is passed on
    /// as the client wrote it.
    async fn set_cluster_logger_level(&self, namespace: &str, level: &str) -> HerderResult<()>;

    /// The keys of a connector's configuration whose values are secrets and stand there as they are, not
    /// as references to config providers.
    fn secret_settings(&self, config: &ConfigMap) -> Vec<String>;

    /// The plugins; only connectors, if so asked.
    fn plugins(&self, connectors_only: bool) -> Vec<PluginInfo>;

    /// The settings of a plugin, by class name or alias.
    fn plugin_config(&self, plugin: &str) -> HerderResult<Vec<ConfigKeyInfo>>;

    /// Validates a configuration.
    async fn validate_connector_config(&self, config: ConfigMap) -> HerderResult<ConfigInfos>;
}
