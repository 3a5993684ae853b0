//! Connectors: they validate a configuration and split it into task configurations.

use crate::clock::Clock;
use crate::config::{ConfigDef, ConfigMap, ConfigValue};
use crate::data::Map;
use crate::error::{ConnectError, Result};
use crate::record::Offsets;
use crate::sink::SinkTask;
use crate::source::SourceTask;
use async_trait::async_trait;
use std::sync::Arc;

/// The direction of a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConnectorType {
    /// From Kafka to an outside system.
    Sink,
    /// From an outside system to Kafka.
    Source,
}

impl ConnectorType {
    /// `sink` or `source`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sink => "sink",
            Self::Source => "source",
        }
    }
}

/// What a running connector tells the runtime.
#[derive(Debug)]
pub enum ConnectorEvent {
    /// The tasks must be configured anew: something changed outside.
    RequestTaskReconfiguration,
    /// The connector cannot go on: it becomes FAILED; its tasks keep running.
    RaiseError(ConnectError),
}

/// What a connector can ask of the runtime.
#[derive(Clone)]
#[non_exhaustive]
pub struct ConnectorContext {
    clock: Arc<dyn Clock>,
    events: Arc<dyn Fn(ConnectorEvent) + Send + Sync>,
}

impl ConnectorContext {
    /// A context; the runtime (or a test) makes one for each start. `events` must not block.
    pub fn new(clock: Arc<dyn Clock>, events: Arc<dyn Fn(ConnectorEvent) + Send + Sync>) -> Self {
        Self { clock, events }
    }

    /// The time to live by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Asks for `task_configs` to be called again soon.
    pub fn request_task_reconfiguration(&self) {
        (self.events)(ConnectorEvent::RequestTaskReconfiguration);
    }

    /// Makes the connector FAILED with this error.
    pub fn raise_error(&self, error: ConnectError) {
        (self.events)(ConnectorEvent::RaiseError(error));
    }
}

/// What a source says about exactly-once delivery with a given configuration (KIP-618).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExactlyOnceSupport {
    /// Its offsets say exactly what was read.
    Supported,
    /// They do not, with this configuration.
    Unsupported,
}

/// Splits a source configuration into task configurations.
///
/// Order of calls: on one instance `start`, then `task_configs` any number of times, then `stop`. The
/// other methods may be called on an instance that was never started, on any worker.
#[async_trait]
pub trait SourceConnector: Send + Sync {
    /// Begins to watch the outside system, if it does so at all. Long work belongs into tasks or a
    /// background task that ends with `stop`. An error makes the connector FAILED.
    async fn start(&mut self, context: ConnectorContext, config: &ConfigMap) -> Result<()>;

    /// One configuration for each task, `max_tasks` (`tasks.max`) at most. The runtime adds
    /// `task.class`. An error is retried with back-off unless it is of kind
    /// [`Config`](crate::ErrorKind::Config).
    fn task_configs(&self, max_tasks: usize) -> Result<Vec<ConfigMap>>;

    /// A task, not yet started.
    fn new_task(&self) -> Box<dyn SourceTask>;

    /// Checks what needs more than one key or a look at the outside system: adds errors to `values`,
    /// which hold the outcome of the plugin's [`ConfigDef`]. It must answer within seconds.
    async fn validate(&self, _config: &ConfigMap, _values: &mut Vec<ConfigValue>) -> Result<()> {
        Ok(())
    }

    /// The part of [`validate`](Self::validate) that needs no outside system, for checks of files on a
    /// machine that cannot reach it. A connector that asks its system in `validate` must override it.
    async fn validate_offline(
        &self,
        config: &ConfigMap,
        values: &mut Vec<ConfigValue>,
    ) -> Result<()> {
        self.validate(config, values).await
    }

    /// Whether exactly-once delivery is possible with this configuration; `None` if the connector does
    /// not know the question.
    fn exactly_once_support(&self, _config: &ConfigMap) -> Option<ExactlyOnceSupport> {
        None
    }

    /// Whether tasks can define transaction boundaries themselves with this configuration.
    fn can_define_transaction_boundaries(&self, _config: &ConfigMap) -> bool {
        false
    }

    /// Checks offsets that a user wants stored (source partition, offset or `None` to forget it) and
    /// changes them in the outside system, if that keeps any. `false`: the runtime's own store is all
    /// there is. An error refuses the change.
    async fn alter_offsets(
        &self,
        _config: &ConfigMap,
        _offsets: &[(Option<Map>, Option<Map>)],
    ) -> Result<bool> {
        Ok(false)
    }

    /// Ends what `start` began; also called if `start` failed. Errors are logged.
    async fn stop(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Splits a sink configuration into task configurations. The order of calls is that of
/// [`SourceConnector`].
#[async_trait]
pub trait SinkConnector: Send + Sync {
    /// See [`SourceConnector::start`].
    async fn start(&mut self, context: ConnectorContext, config: &ConfigMap) -> Result<()>;

    /// See [`SourceConnector::task_configs`]. The runtime adds `task.class`, `topics` and
    /// `topics.regex`.
    fn task_configs(&self, max_tasks: usize) -> Result<Vec<ConfigMap>>;

    /// A task, not yet started.
    fn new_task(&self) -> Box<dyn SinkTask>;

    /// See [`SourceConnector::validate`].
    async fn validate(&self, _config: &ConfigMap, _values: &mut Vec<ConfigValue>) -> Result<()> {
        Ok(())
    }

    /// See [`SourceConnector::validate_offline`].
    async fn validate_offline(
        &self,
        config: &ConfigMap,
        values: &mut Vec<ConfigValue>,
    ) -> Result<()> {
        self.validate(config, values).await
    }

    /// See [`SourceConnector::alter_offsets`]; `None` forgets the offset of that partition.
    async fn alter_offsets(
        &self,
        _config: &ConfigMap,
        _offsets: &Offsets,
        _forgotten: &[crate::TopicPartition],
    ) -> Result<bool> {
        Ok(false)
    }

    /// Ends what `start` began; also called if `start` failed. Errors are logged.
    async fn stop(&mut self) -> Result<()> {
        Ok(())
    }
}

/// The definition that a plugin without settings has.
pub(crate) fn empty_config_def() -> &'static ConfigDef {
    static EMPTY: std::sync::LazyLock<ConfigDef> = std::sync::LazyLock::new(ConfigDef::new);
    &EMPTY
}
