//! The face of a running herder: requests go to the command loop, reads come from snapshots.

use crate::core::{Request, Response, View, connector_info, connector_status, task_state};
use crate::face::{
    ActiveTopics, ClusterInfo, ConfigInfos, ConfigKeyInfo, ConnectorInfo, ConnectorOffsets,
    ConnectorStateInfo, ConnectorTaskId, Created, Herder, HerderError, HerderHealth, HerderResult,
    Level, LoggerLevel, PluginInfo, RestartRequest, TargetState, TaskInfo, TaskState,
};
use crate::host::{LocalHost, OffsetChange};
use crate::plugins::Plugins;
use crate::secrets;
use crate::shell::{Command, shutting_down};
use crate::signature::{self, InternalRequest};
use crate::stage::Stage;
use crate::validation::{self, WorkerView};
use crate::worker_config::{WorkerConfig, WorkerMode};
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::{Clock, ConnectorType, KAFKA_VERSION};
use connect_config_providers::ConfigTransformer;
use connect_store::{
    ClusterConfigState, ConfigStore, ConnectorTaskId as StoredTaskId, State, StatusStore,
    StoreError,
};
use connect_telemetry::logging::LogLevels;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// How long a health check waits for the command loop.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(10);

/// The herder of a worker, standalone or distributed.
pub(crate) struct LoopHerder {
    pub(crate) worker: Arc<WorkerConfig>,
    pub(crate) view: WorkerView,
    pub(crate) plugins: &'static Plugins,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) config_store: Arc<dyn ConfigStore>,
    pub(crate) status_store: Arc<dyn StatusStore>,
    pub(crate) host: Arc<LocalHost>,
    pub(crate) stage: Arc<Stage>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config_transformer: ConfigTransformer,
    pub(crate) log_levels: LogLevels,
    pub(crate) kafka_cluster_id: Arc<OnceLock<String>>,
    /// Counts the turns of the command loop.
    pub(crate) progress: watch::Receiver<u64>,
    /// Whether the group's protocol asks for signatures.
    pub(crate) requires_signatures: Arc<AtomicBool>,
}

fn connector_not_found(connector: &str) -> HerderError {
    HerderError::not_found(format!("Connector {connector} not found"))
}

impl LoopHerder {
    async fn ask(&self, request: Request) -> HerderResult<Response> {
        let (reply, response) = oneshot::channel();
        self.commands
            .send(Command { request, reply })
            .await
            .map_err(|_| shutting_down())?;
        response.await.map_err(|_| shutting_down())?
    }

    fn with_view<T>(&self, read: impl FnOnce(&View<'_>) -> T) -> T {
        let configs = self.config_store.snapshot();
        let connector_type = |class: &str| connector_type(self.plugins, class);
        read(&View {
            configs: &configs,
            statuses: &*self.status_store,
            now: self.clock.monotonic(),
            now_ms: self.clock.now_ms(),
            connector_type: &connector_type,
        })
    }

    fn configured(&self, connector: &str) -> HerderResult<Arc<ClusterConfigState>> {
        let configs = self.config_store.snapshot();
        if configs.contains(connector) {
            Ok(configs)
        } else {
            Err(connector_not_found(connector))
        }
    }

    fn is_standalone(&self) -> bool {
        self.worker.mode() == WorkerMode::Standalone
    }

    /// Refuses what does not come from a worker of the group.
    fn verify(&self, request: &InternalRequest) -> HerderResult<()> {
        let allowed = self
            .worker
            .parsed()
            .list("inter.worker.verification.algorithms")
            .unwrap_or_default();
        let configs = self.config_store.snapshot();
        signature::verify(
            request,
            self.requires_signatures.load(Ordering::Acquire),
            allowed,
            configs.session_key().map(AsRef::as_ref),
        )
    }

    async fn validate(&self, config: &ConfigMap) -> HerderResult<ConfigInfos> {
        let transformer = &self.config_transformer;
        validation::validate_transformed(config, transformer, &self.view, self.plugins).await
    }

    fn raw_config(&self, connector: &str) -> HerderResult<Arc<ConfigMap>> {
        let configs = self.configured(connector)?;
        let config = configs.raw_connector_config(connector);
        config
            .cloned()
            .ok_or_else(|| connector_not_found(connector))
    }

    /// The configuration of a connector with the values of config providers.
    async fn resolved_config(&self, connector: &str) -> HerderResult<ConfigMap> {
        let raw = self.raw_config(connector)?;
        let subject = format!("connector {connector}");
        let transformed = self.config_transformer.transform(&subject, &raw).await;
        transformed
            .map(|transformed| transformed.config)
            .map_err(|error| HerderError::internal(error.to_string()))
    }

    async fn change_offsets(&self, connector: &str, change: OffsetChange) -> HerderResult<String> {
        self.ask(Request::CheckStopped {
            connector: connector.to_string(),
        })
        .await?;
        let config = self.resolved_config(connector).await?;
        if self.worker.exactly_once_source_support().is_enabled() && self.is_source(&config) {
            self.fence_before_change(connector).await?;
        }
        let (host, connector) = (self.host.clone(), connector.to_string());
        // A client that goes away must not leave it half done.
        tokio::spawn(async move { host.change_offsets(&connector, &config, change).await })
            .await
            .map_err(|_| shutting_down())?
    }

    fn is_source(&self, config: &ConfigMap) -> bool {
        let class = config.get("connector.class").unwrap_or_default();
        connector_type(self.plugins, class.trim()) == ConnectorType::Source.name()
    }

    /// A task that is still at work somewhere must not write over what a user changes.
    async fn fence_before_change(&self, connector: &str) -> HerderResult<()> {
        let fenced = self.ask(Request::FenceZombies {
            connector: connector.to_string(),
        });
        if let Err(error) = fenced.await {
            tracing::error!(
                connector,
                "Failed to perform zombie fencing for source connector prior to modifying offsets: \
                 {error}"
            );
            return Err(HerderError::internal(
                "Failed to perform zombie fencing for source connector prior to modifying offsets",
            ));
        }
        // It takes a while, in which the connector may have been resumed.
        let stopped = self.ask(Request::CheckStopped {
            connector: connector.to_string(),
        });
        stopped.await.map(drop)
    }

    async fn put_validated(
        &self,
        connector: &str,
        mut config: ConfigMap,
        initial_state: Option<TargetState>,
        replace: bool,
    ) -> HerderResult<Created<ConnectorInfo>> {
        if !config.contains_key("name") {
            config.insert("name", connector);
        }
        let infos = self.validate(&config).await?;
        validation::reject(&infos)?;
        let response = self
            .ask(Request::PutConnectorConfig {
                connector: connector.to_string(),
                config,
                initial_state,
                replace,
            })
            .await?;
        let Response::ConnectorInfo(mut created) = response else {
            return Err(HerderError::internal("unexpected response of the herder"));
        };
        if self.is_standalone() {
            self.await_tasks(connector).await?;
            created.result = self.connector_info(connector).await?;
        }
        Ok(created)
    }

    /// A standalone worker answers when the connector has started and its tasks are configured.
    async fn await_tasks(&self, connector: &str) -> HerderResult<()> {
        let mut progress = self.progress.clone();
        loop {
            progress.borrow_and_update();
            let configs = self.config_store.snapshot();
            let state = self.status_store.connector(connector);
            match state.map(|status| status.status.state) {
                Some(State::Failed) => {
                    return Err(HerderError::internal(format!(
                        "Failed to transition connector {connector} to state STARTED"
                    )));
                }
                Some(State::Running) if configs.task_count(connector) > 0 => return Ok(()),
                Some(State::Paused | State::Stopped) => return Ok(()),
                _ => {}
            }
            if progress.changed().await.is_err() {
                return Err(shutting_down());
            }
        }
    }
}

/// `source`, `sink` or `unknown`.
pub(crate) fn connector_type(plugins: &Plugins, class: &str) -> &'static str {
    plugins
        .connector(class)
        .map_or("unknown", |plugin| plugin.connector_type().name())
}

fn store_failure(error: &StoreError) -> HerderError {
    HerderError::internal(error.to_string())
}

fn stored_task(task: &ConnectorTaskId) -> StoredTaskId {
    StoredTaskId {
        connector: task.connector.as_str().into(),
        task: task.task,
    }
}

#[async_trait]
impl Herder for LoopHerder {
    fn cluster_info(&self) -> ClusterInfo {
        ClusterInfo {
            version: KAFKA_VERSION.to_string(),
            commit: option_env!("DOVETAIL_COMMIT")
                .unwrap_or("unknown")
                .to_string(),
            kafka_cluster_id: self.kafka_cluster_id.get().cloned(),
        }
    }

    async fn health(&self) -> HerderHealth {
        let timeout = self.clock.sleep(HEALTH_TIMEOUT);
        tokio::select! {
            biased;
            outcome = self.ask(Request::Health) => match outcome {
                Ok(_) => HerderHealth::Healthy,
                Err(error) => HerderHealth::Unhealthy(error.message),
            },
            () = timeout => {
                let sentence = self.stage.sentence().unwrap_or_default();
                if self.stage.was_ready() {
                    HerderHealth::Unhealthy(sentence)
                } else {
                    HerderHealth::Starting(sentence)
                }
            }
        }
    }

    fn stage(&self) -> Option<String> {
        self.stage.sentence()
    }

    async fn connectors(&self) -> HerderResult<Vec<String>> {
        let configs = self.config_store.snapshot();
        let names = configs.connectors_in_java_hash_order();
        Ok(names.into_iter().map(str::to_string).collect())
    }

    async fn connector_info(&self, connector: &str) -> HerderResult<ConnectorInfo> {
        self.with_view(|view| connector_info(connector, view))
    }

    async fn put_connector_config(
        &self,
        connector: &str,
        config: ConfigMap,
        initial_state: Option<TargetState>,
        replace: bool,
    ) -> HerderResult<Created<ConnectorInfo>> {
        self.put_validated(connector, config, initial_state, replace)
            .await
    }

    async fn patch_connector_config(
        &self,
        connector: &str,
        patch: ConfigMap,
    ) -> HerderResult<ConnectorInfo> {
        // Another worker may not have read what the leader has written.
        self.ask(Request::Lead).await?;
        let configs = self.configured(connector)?;
        let current = configs
            .raw_connector_config(connector)
            .ok_or_else(|| connector_not_found(connector))?;
        let mut config = (**current).clone();
        for (key, value) in patch.iter() {
            match value {
                Some(value) => config.insert(key, value),
                None => {
                    config.remove(key);
                }
            }
        }
        if patch.contains_key("name") && patch.get("name").is_none() {
            return Err(HerderError::bad_request(
                "Connector configuration is invalid and contains the following 1 error(s):\n\
                 Missing required configuration \"name\" which has no default value.\n\
                 You can also find the above list of errors at the endpoint \
                 `/connector-plugins/{connectorType}/config/validate`",
            ));
        }
        let config = config.in_java_hash_order();
        self.put_validated(connector, config, None, true)
            .await
            .map(|created| created.result)
    }

    async fn delete_connector(&self, connector: &str) -> HerderResult<()> {
        self.ask(Request::DeleteConnector {
            connector: connector.to_string(),
        })
        .await
        .map(drop)
    }

    async fn connector_status(&self, connector: &str) -> HerderResult<ConnectorStateInfo> {
        self.with_view(|view| connector_status(connector, view))
    }

    async fn task_status(&self, task: &ConnectorTaskId) -> HerderResult<TaskState> {
        self.status_store
            .task(&stored_task(task))
            .map(task_state)
            .ok_or_else(|| HerderError::not_found(format!("No status found for task {task}")))
    }

    async fn task_configs(&self, connector: &str) -> HerderResult<Vec<TaskInfo>> {
        let configs = self.configured(connector)?;
        Ok(configs
            .tasks(connector)
            .into_iter()
            .filter_map(|task| {
                Some(TaskInfo {
                    config: (**configs.raw_task_config(&task)?).clone(),
                    id: ConnectorTaskId {
                        connector: task.connector.to_string(),
                        task: task.task,
                    },
                })
            })
            .collect())
    }

    async fn set_target_state(&self, connector: &str, state: TargetState) -> HerderResult<()> {
        let configs = self.config_store.snapshot();
        if state == TargetState::Stopped {
            if self.is_standalone() && !configs.contains(connector) {
                return Err(HerderError::internal(format!(
                    "No connector `{connector}` configured"
                )));
            }
            return self
                .ask(Request::StopConnector {
                    connector: connector.to_string(),
                })
                .await
                .map(drop);
        }
        if !configs.contains(connector) {
            return Err(HerderError::not_found(format!(
                "Unknown connector {connector}"
            )));
        }
        self.config_store
            .put_target_state(connector, state)
            .await
            .map_err(|error| store_failure(&error))
    }

    async fn restart_connector(&self, connector: &str) -> HerderResult<()> {
        self.ask(Request::RestartConnector {
            connector: connector.to_string(),
        })
        .await
        .map(drop)
    }

    async fn restart_connector_and_tasks(
        &self,
        connector: &str,
        request: RestartRequest,
    ) -> HerderResult<ConnectorStateInfo> {
        let response = self
            .ask(Request::RestartConnectorAndTasks {
                connector: connector.to_string(),
                request,
            })
            .await?;
        match response {
            Response::StateInfo(info) => Ok(info),
            _ => Err(HerderError::internal("unexpected response of the herder")),
        }
    }

    async fn restart_task(&self, task: &ConnectorTaskId) -> HerderResult<()> {
        self.ask(Request::RestartTask {
            task: stored_task(task),
        })
        .await
        .map(drop)
    }

    async fn put_task_configs(
        &self,
        connector: &str,
        configs: Vec<ConfigMap>,
        request: &InternalRequest,
    ) -> HerderResult<()> {
        if self.is_standalone() {
            return Err(HerderError::internal(
                "Kafka Connect in standalone mode does not support externally setting task \
                 configurations.",
            ));
        }
        self.verify(request)?;
        self.ask(Request::PutTaskConfigs {
            connector: connector.to_string(),
            configs,
        })
        .await
        .map(drop)
    }

    async fn fence_zombies(&self, connector: &str, request: &InternalRequest) -> HerderResult<()> {
        if self.is_standalone() {
            return Err(HerderError::internal(
                "Kafka Connect in standalone mode does not support exactly-once source connectors.",
            ));
        }
        self.verify(request)?;
        self.ask(Request::FenceZombies {
            connector: connector.to_string(),
        })
        .await
        .map(drop)
    }

    async fn connector_active_topics(&self, connector: &str) -> HerderResult<ActiveTopics> {
        if !self.worker.boolean("topic.tracking.enable") {
            return Err(HerderError::new(
                crate::face::HerderErrorKind::Forbidden,
                "Topic tracking is disabled.",
            ));
        }
        Ok(ActiveTopics {
            connector: connector.to_string(),
            topics: self
                .status_store
                .topics(connector)
                .into_iter()
                .map(|status| status.topic)
                .collect(),
        })
    }

    async fn reset_connector_active_topics(&self, connector: &str) -> HerderResult<()> {
        let forbidden =
            |text: &str| HerderError::new(crate::face::HerderErrorKind::Forbidden, text);
        if !self.worker.boolean("topic.tracking.enable") {
            return Err(forbidden("Topic tracking is disabled."));
        }
        if !self.worker.boolean("topic.tracking.allow.reset") {
            return Err(forbidden("Topic tracking reset is disabled."));
        }
        for status in self.status_store.topics(connector) {
            self.status_store.delete_topic(&status.topic, connector);
        }
        Ok(())
    }

    async fn connector_offsets(&self, connector: &str) -> HerderResult<ConnectorOffsets> {
        let raw = self.raw_config(connector)?;
        let class = raw.get("connector.class").unwrap_or_default().trim();
        let config = match self.plugins.connector(class)?.connector_type() {
            // What a source has stored does not depend on its settings.
            ConnectorType::Source => (*raw).clone(),
            ConnectorType::Sink => self.resolved_config(connector).await?,
        };
        let offsets = self.host.stored_offsets(connector, &config).await?;
        Ok(ConnectorOffsets { offsets })
    }

    async fn alter_connector_offsets(
        &self,
        connector: &str,
        offsets: ConnectorOffsets,
    ) -> HerderResult<String> {
        self.change_offsets(connector, OffsetChange::Alter(offsets.offsets))
            .await
    }

    async fn reset_connector_offsets(&self, connector: &str) -> HerderResult<String> {
        self.change_offsets(connector, OffsetChange::Reset).await
    }

    fn logger_levels(&self) -> BTreeMap<String, LoggerLevel> {
        self.log_levels.known()
    }

    fn logger_level(&self, logger: &str) -> Option<LoggerLevel> {
        self.log_levels.known_level(logger)
    }

    fn set_worker_logger_level(&self, namespace: &str, level: Level) -> Vec<String> {
        self.log_levels
            .set_namespace(namespace, level, self.clock.now_ms())
    }

    async fn set_cluster_logger_level(&self, namespace: &str, level: &str) -> HerderResult<()> {
        if self.is_standalone() {
            if let Some(level) = Level::of_name(level) {
                self.set_worker_logger_level(namespace, level);
            }
            return Ok(());
        }
        self.config_store
            .put_logger_level(namespace, level)
            .await
            .map_err(|error| store_failure(&error))
    }

    fn secret_settings(&self, config: &ConfigMap) -> Vec<String> {
        secrets::secret_settings(self.plugins, config)
    }

    fn plugins(&self, connectors_only: bool) -> Vec<PluginInfo> {
        self.plugins.list(connectors_only)
    }

    fn plugin_config(&self, plugin: &str) -> HerderResult<Vec<ConfigKeyInfo>> {
        self.plugins.config(plugin)
    }

    async fn validate_connector_config(&self, config: ConfigMap) -> HerderResult<ConfigInfos> {
        self.validate(&config).await
    }
}
