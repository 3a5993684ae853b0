//! Connectors and tasks in this process.

use super::clients::KafkaClients;
use super::exactly_once::TaskFencing;
use super::plan::{complete_task_configs, subscription, topic_matcher};
use super::statuses::{Statuses, TaskMetricsHandle, connector_target};
use super::{GenerateError, HostEvent, TaskConfigsAnswer, WorkerHost};
use crate::face::HerderResult;
use crate::plugins::Plugins;
use crate::worker_config::WorkerConfig;
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::{
    Clock, ConnectError, ConnectorFactory, ConnectorPlugin, ConnectorType, Result, SinkTask,
    SourceTask,
};
use connect_kafka::client_config::ClientProperties;
use connect_store::{ConnectorTaskId, OffsetStore, StatusStore, TargetState};
use connect_telemetry::metrics::{ConnectorDescription, Metrics};
use connect_worker::{
    ConnectorHandle, ConnectorInstance, ErrorPolicy, SinkTaskPlan, SourceTaskPlan, TaskEvent,
    TaskHandle, TaskStatusListener, TaskTargetState, TopicCreator, run_sink_task, run_source_task,
    spawn_connector, spawn_task,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a connector may take to stop.
const CONNECTOR_STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connector may take to say how its tasks are configured.
const TASK_CONFIGS_TIMEOUT: Duration = Duration::from_secs(60);

/// What the host of a worker is made from.
pub struct LocalHostConfig {
    /// The settings of the worker.
    pub worker: Arc<WorkerConfig>,
    /// `bootstrap.servers`.
    pub bootstrap_servers: String,
    /// The settings without prefix that concern Kafka clients.
    pub client_properties: ClientProperties,
    /// `host:port` of the advertised URL.
    pub worker_id: String,
    /// Whom tasks of exactly-once sources ask before they write.
    pub fencing: Arc<dyn TaskFencing>,
}

/// Runs connectors and tasks in this process.
pub struct LocalHost {
    pub(super) config: LocalHostConfig,
    pub(super) plugins: &'static Plugins,
    pub(super) clients: Arc<dyn KafkaClients>,
    pub(super) offsets: Arc<dyn OffsetStore>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    statuses: Arc<Statuses>,
    events: mpsc::UnboundedSender<HostEvent>,
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    connectors: HashMap<String, Arc<ConnectorHandle>>,
    tasks: HashMap<ConnectorTaskId, TaskHandle>,
}

impl LocalHost {
    /// A host, and the events that its herder is to hear, with the means to add to them.
    pub fn new(
        config: LocalHostConfig,
        plugins: &'static Plugins,
        clients: Arc<dyn KafkaClients>,
        offsets: Arc<dyn OffsetStore>,
        status_store: Arc<dyn StatusStore>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> (
        Self,
        mpsc::UnboundedSender<HostEvent>,
        mpsc::UnboundedReceiver<HostEvent>,
    ) {
        let (events, receiver) = mpsc::unbounded_channel();
        let statuses = Arc::new(Statuses::new(
            config.worker_id.clone(),
            status_store,
            metrics.clone(),
            events.clone(),
        ));
        let host = Self {
            config,
            plugins,
            clients,
            offsets,
            clock,
            metrics,
            statuses,
            events: events.clone(),
            running: Mutex::default(),
        };
        (host, events, receiver)
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: HostEvent) {
        // The loop is gone only when the worker ends.
        let _ = self.events.send(event);
    }

    /// The plugin that a configuration names.
    pub(super) fn connector_plugin(
        &self,
        config: &ConfigMap,
    ) -> HerderResult<&'static ConnectorPlugin> {
        let class = config
            .get("connector.class")
            .map(str::trim)
            .unwrap_or_default();
        self.plugins.connector(class)
    }

    fn plugin(&self, config: &ConfigMap) -> Result<&'static ConnectorPlugin> {
        self.connector_plugin(config)
            .map_err(|error| ConnectError::config(error.message))
    }

    fn connector(&self, connector: &str) -> Option<Arc<ConnectorHandle>> {
        self.running().connectors.get(connector).cloned()
    }

    /// Brings a connector into a state in the background and tells of the outcome.
    fn transition_in_background(&self, handle: Arc<ConnectorHandle>, target_state: TargetState) {
        let events = self.events.clone();
        tokio::spawn(async move {
            let outcome = handle
                .transition(connector_target(target_state))
                .await
                .map(|_| target_state)
                .map_err(|error| error.to_string());
            let _ = events.send(HostEvent::ConnectorTransitioned(
                handle.name().to_string(),
                outcome,
            ));
        });
    }

    fn try_start_connector(
        &self,
        connector: &str,
        config: &ConfigMap,
    ) -> Result<Arc<ConnectorHandle>> {
        let plugin = self.plugin(config)?;
        if plugin.connector_type() == ConnectorType::Source
            && self.config.worker.boolean("topic.creation.enable")
        {
            TopicCreator::check_config(config, &topic_matcher)?;
        }
        let metrics = self.metrics.register_connector(ConnectorDescription {
            connector: connector.to_string(),
            class: plugin.class.to_string(),
            version: plugin.version.to_string(),
            connector_type: plugin.connector_type(),
        });
        self.statuses
            .connector_begins(connector, Some(plugin.version), Some(metrics));
        let instance = match plugin.factory {
            ConnectorFactory::Source(create) => ConnectorInstance::Source(create()),
            ConnectorFactory::Sink(create) => ConnectorInstance::Sink(create()),
        };
        tracing::info!(
            connector,
            "Creating connector {connector} of type {}",
            plugin.class
        );
        Ok(Arc::new(spawn_connector(
            connector,
            instance,
            config.clone(),
            self.clock.clone(),
            self.statuses.clone(),
        )))
    }

    fn try_start_task(
        &self,
        task: &ConnectorTaskId,
        connector_config: &ConfigMap,
        task_config: &ConfigMap,
        generation: i32,
        target_state: TaskTargetState,
    ) -> Result<TaskHandle> {
        let plugin = self.plugin(connector_config)?;
        let described = self.chain(task, plugin, connector_config)?;
        let error_policy = ErrorPolicy::from_config(connector_config)?;
        let listener: Arc<dyn TaskStatusListener> = self.statuses.clone();
        let on_active_topic = self.on_active_topic(task);
        tracing::info!(
            connector = &*task.connector,
            task = task.task,
            "Creating task {task}"
        );
        match plugin.factory {
            ConnectorFactory::Source(create) => {
                let metrics = self.metrics.register_source_task(described.description);
                self.statuses.task_begins(
                    task,
                    Some(plugin.version),
                    Some(TaskMetricsHandle::Source(metrics.clone())),
                );
                let dead_letter_queue = self.dead_letter_queue(task, plugin, connector_config)?;
                let clients = self.source_clients(task, connector_config, generation)?;
                let instance: Box<dyn SourceTask> = create().new_task();
                let plan = SourceTaskPlan {
                    task: instance,
                    config: task_config.clone(),
                    chain: described.chain,
                    error_policy,
                    producer: clients.producer,
                    dead_letter_queue,
                    offset_reader: clients.offset_reader,
                    offset_writer: clients.offset_writer,
                    own_offsets: clients.own_offsets,
                    topic_creator: self.topic_creator(task, connector_config)?,
                    clock: self.clock.clone(),
                    offset_flush_interval: self.config.worker.millis("offset.flush.interval.ms"),
                    offset_flush_timeout: self.config.worker.millis("offset.flush.timeout.ms"),
                    on_active_topic,
                    metrics,
                };
                Ok(spawn_task(
                    task.clone(),
                    target_state,
                    listener,
                    |control| run_source_task(plan, control),
                ))
            }
            ConnectorFactory::Sink(create) => {
                let metrics = self.metrics.register_sink_task(described.description);
                self.statuses.task_begins(
                    task,
                    Some(plugin.version),
                    Some(TaskMetricsHandle::Sink(metrics.clone())),
                );
                let dead_letter_queue = self.dead_letter_queue(task, plugin, connector_config)?;
                let clients = self.clients.clone();
                let properties = self.consumer_properties(task, connector_config);
                let subscription = subscription(task_config)?;
                let instance: Box<dyn SinkTask> = create().new_task();
                let plan = SinkTaskPlan {
                    task: instance,
                    config: task_config.clone(),
                    chain: described.chain,
                    error_policy,
                    consumer: Box::new(move || {
                        Box::pin(async move { clients.consumer(properties, subscription).await })
                    }),
                    clock: self.clock.clone(),
                    offset_flush_interval: self.config.worker.millis("offset.flush.interval.ms"),
                    offset_flush_timeout: self.config.worker.millis("offset.flush.timeout.ms"),
                    dead_letter_queue,
                    on_active_topic,
                    metrics,
                };
                Ok(spawn_task(
                    task.clone(),
                    target_state,
                    listener,
                    |control| run_sink_task(plan, control),
                ))
            }
        }
    }

    fn on_active_topic(&self, task: &ConnectorTaskId) -> Arc<dyn Fn(&str) + Send + Sync> {
        if !self.config.worker.boolean("topic.tracking.enable") {
            return Arc::new(|_| {});
        }
        let (statuses, clock, task) = (self.statuses.clone(), self.clock.clone(), task.clone());
        Arc::new(move |topic| statuses.active_topic(&task, topic, clock.now_ms()))
    }

    fn topic_creator(
        &self,
        task: &ConnectorTaskId,
        connector_config: &ConfigMap,
    ) -> Result<Option<TopicCreator>> {
        let has_groups = connector_config
            .keys()
            .any(|key| key.starts_with("topic.creation."));
        if !has_groups || !self.config.worker.boolean("topic.creation.enable") {
            return Ok(None);
        }
        let properties =
            self.admin_properties(&format!("connector-adminclient-{task}"), connector_config);
        let admin = self.clients.admin(&properties)?;
        TopicCreator::from_config(connector_config, admin, &topic_matcher)
    }

    async fn task_configs(
        handle: &ConnectorHandle,
        plugin: &ConnectorPlugin,
        config: &ConfigMap,
    ) -> Result<Vec<ConfigMap>, GenerateError> {
        let tasks_max = config
            .get("tasks.max")
            .map_or(Ok(1), |text| text.trim().parse::<usize>())
            .ok()
            .filter(|tasks_max| *tasks_max >= 1)
            .ok_or_else(|| GenerateError {
                message: "tasks.max is not a number of at least 1".to_string(),
                retry: false,
            })?;
        let configs = tokio::time::timeout(TASK_CONFIGS_TIMEOUT, handle.task_configs(tasks_max))
            .await
            .map_err(|_| GenerateError {
                message: format!(
                    "the connector did not say within {} s how its tasks are configured",
                    TASK_CONFIGS_TIMEOUT.as_secs()
                ),
                retry: true,
            })?
            .map_err(|error| GenerateError {
                message: error.to_string(),
                retry: true,
            })?;
        let enforced = config
            .get("tasks.max.enforce")
            .is_none_or(|text| !text.trim().eq_ignore_ascii_case("false"));
        if configs.len() > tasks_max {
            let message = format!(
                "The connector {} has generated {} tasks, which is greater than {tasks_max}, the \
                 maximum number of tasks it is configured to create. ",
                handle.name(),
                configs.len()
            );
            if enforced {
                return Err(GenerateError {
                    message,
                    retry: false,
                });
            }
            tracing::warn!("{message}It is allowed because tasks.max.enforce is false.");
        }
        Ok(complete_task_configs(plugin, config, configs))
    }
}

fn task_target(state: TargetState) -> TaskTargetState {
    match state {
        TargetState::Started => TaskTargetState::Started,
        TargetState::Paused | TargetState::Stopped => TaskTargetState::Paused,
    }
}

#[async_trait]
impl WorkerHost for LocalHost {
    fn set_generation(&self, generation: i32) {
        self.statuses.set_generation(generation);
    }

    fn start_connector(&self, connector: &str, config: Arc<ConfigMap>, target_state: TargetState) {
        crate::secrets::hide(self.plugins, &config);
        match self.try_start_connector(connector, &config) {
            Ok(handle) => {
                self.running()
                    .connectors
                    .insert(connector.to_string(), handle.clone());
                self.transition_in_background(handle, target_state);
            }
            Err(error) => self.fail_connector(connector, error),
        }
    }

    fn fail_connector(&self, connector: &str, error: ConnectError) {
        use connect_worker::{ConnectorStatusListener, ConnectorUpdate};
        tracing::error!(
            connector,
            "Failed to start connector '{connector}': {error}"
        );
        let message = error.to_string();
        self.statuses.note_connector(connector);
        self.statuses
            .on_connector_update(connector, ConnectorUpdate::Failed(error));
        self.tell(HostEvent::ConnectorTransitioned(
            connector.to_string(),
            Err(message),
        ));
    }

    fn transition_connector(&self, connector: &str, target_state: TargetState) {
        if let Some(handle) = self.connector(connector) {
            self.transition_in_background(handle, target_state);
        }
    }

    async fn stop_connectors(&self, connectors: Vec<String>) {
        let handles: Vec<Arc<ConnectorHandle>> = {
            let mut running = self.running();
            connectors
                .iter()
                .filter_map(|connector| running.connectors.remove(connector))
                .collect()
        };
        let stops = handles
            .iter()
            .map(|handle| handle.shut_down_within(CONNECTOR_STOP_TIMEOUT));
        futures::future::join_all(stops).await;
        for connector in &connectors {
            self.statuses.connector_gone(connector);
        }
    }

    fn generate_task_configs(&self, connector: &str, config: Arc<ConfigMap>, inquiry: u64) {
        let Some(handle) = self.connector(connector) else {
            return;
        };
        let plugin = match self.plugin(&config) {
            Ok(plugin) => plugin,
            Err(error) => {
                self.tell(HostEvent::TaskConfigs(TaskConfigsAnswer {
                    connector: connector.to_string(),
                    inquiry,
                    result: Err(GenerateError {
                        message: error.to_string(),
                        retry: false,
                    }),
                }));
                return;
            }
        };
        let (events, statuses) = (self.events.clone(), self.statuses.clone());
        tokio::spawn(async move {
            let result = Self::task_configs(&handle, plugin, &config).await;
            if let Err(error) = &result
                && !error.retry
            {
                use connect_worker::{ConnectorStatusListener, ConnectorUpdate};
                let failure = ConnectError::fatal(error.message.clone())
                    .with_class("org.apache.kafka.connect.runtime.TooManyTasksException");
                statuses.on_connector_update(handle.name(), ConnectorUpdate::Failed(failure));
            }
            let _ = events.send(HostEvent::TaskConfigs(TaskConfigsAnswer {
                connector: handle.name().to_string(),
                inquiry,
                result,
            }));
        });
    }

    fn start_task(
        &self,
        task: &ConnectorTaskId,
        connector_config: Arc<ConfigMap>,
        task_config: Arc<ConfigMap>,
        generation: i32,
        target_state: TargetState,
    ) {
        crate::secrets::hide(self.plugins, &connector_config);
        match self.try_start_task(
            task,
            &connector_config,
            &task_config,
            generation,
            task_target(target_state),
        ) {
            Ok(handle) => {
                self.running().tasks.insert(task.clone(), handle);
            }
            Err(error) => self.fail_task(task, error),
        }
    }

    async fn fence_producers(
        &self,
        connector: &str,
        config: Arc<ConfigMap>,
        num_tasks: i32,
    ) -> Result<()> {
        self.fence_task_producers(connector, &config, num_tasks)
            .await
    }

    fn fail_task(&self, task: &ConnectorTaskId, error: ConnectError) {
        tracing::error!(
            connector = &*task.connector,
            task = task.task,
            "Failed to start task {task}: {error}"
        );
        self.statuses.note_task(task);
        self.statuses.on_task_event(task, TaskEvent::Failed(error));
    }

    fn set_task_target_state(&self, task: &ConnectorTaskId, target_state: TargetState) {
        if let Some(handle) = self.running().tasks.get(task) {
            handle.set_target_state(task_target(target_state));
        }
    }

    async fn stop_tasks(&self, tasks: Vec<ConnectorTaskId>) {
        let handles: Vec<TaskHandle> = {
            let mut running = self.running();
            tasks
                .iter()
                .filter_map(|task| running.tasks.remove(task))
                .collect()
        };
        let timeout = self
            .config
            .worker
            .millis("task.shutdown.graceful.timeout.ms");
        // All are told to stop at once and share the time.
        for handle in &handles {
            handle.stop();
        }
        let stops = handles.iter().map(|handle| handle.stop_within(timeout));
        futures::future::join_all(stops).await;
        for task in &tasks {
            self.statuses.task_gone(task);
        }
    }

    fn mark_restarting(&self, connector: Option<&str>, tasks: &[ConnectorTaskId]) {
        self.statuses.restarting(connector, tasks);
    }

    fn has_failed(&self, connector: &str, task: Option<&ConnectorTaskId>) -> bool {
        self.statuses.has_failed(connector, task)
    }

    fn repeat_statuses(&self, connectors: &[String], tasks: &[ConnectorTaskId]) {
        self.statuses.repeat(connectors, tasks);
    }

    async fn shut_down(&self) {
        let (connectors, tasks) = {
            let running = self.running();
            (
                running.connectors.keys().cloned().collect(),
                running.tasks.keys().cloned().collect(),
            )
        };
        self.stop_connectors(connectors).await;
        self.stop_tasks(tasks).await;
    }
}
