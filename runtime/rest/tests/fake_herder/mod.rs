//! A herder in memory: connectors run as soon as they are stored, each with one task.

#![allow(dead_code, reason = "each of the test binaries uses a part of it")]

use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_herder::*;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

const WORKER_ID: &str = "127.0.0.1:26183";
const VERSION: &str = "4.3.1";

#[derive(Default)]
pub struct FakeHerder {
    connectors: Mutex<Vec<(String, ConfigMap)>>,
    loggers: Mutex<BTreeMap<String, LoggerLevel>>,
    /// The state of all tasks.
    task_state: Option<&'static str>,
    hangs: bool,
    leader: Option<String>,
    internal: Mutex<Vec<InternalRequest>>,
}

impl FakeHerder {
    /// One that answers nothing.
    pub fn that_hangs() -> Self {
        Self {
            hangs: true,
            ..Self::default()
        }
    }

    /// One whose tasks are all in a state.
    pub fn with_tasks(state: &'static str) -> Self {
        Self {
            task_state: Some(state),
            ..Self::default()
        }
    }

    /// One that leaves everything that only a leader may do to the worker at this URL.
    pub fn that_follows(leader: &str) -> Self {
        Self {
            leader: Some(leader.to_string()),
            ..Self::default()
        }
    }

    /// What other workers have sent.
    pub fn internal_requests(&self) -> Vec<InternalRequest> {
        self.internal.lock().expect("no holder panics").clone()
    }

    fn lead(&self) -> HerderResult<()> {
        match self.leader.clone() {
            None => Ok(()),
            Some(url) => Err(HerderError::new(
                HerderErrorKind::Forward { url },
                "Only the leader can do that.",
            )),
        }
    }

    fn loggers(&self) -> MutexGuard<'_, BTreeMap<String, LoggerLevel>> {
        self.loggers.lock().expect("no holder panics")
    }

    fn connectors(&self) -> MutexGuard<'_, Vec<(String, ConfigMap)>> {
        self.connectors.lock().expect("no holder panics")
    }

    fn config(&self, connector: &str) -> Option<ConfigMap> {
        let connectors = self.connectors();
        let (_, config) = connectors.iter().find(|(name, _)| name == connector)?;
        Some(config.clone())
    }

    fn require(&self, connector: &str, message: &str) -> HerderResult<ConfigMap> {
        self.config(connector)
            .ok_or_else(|| HerderError::not_found(message.replace("{c}", connector)))
    }

    fn info(&self, connector: &str, config: ConfigMap, num_tasks: i32) -> ConnectorInfo {
        ConnectorInfo {
            name: connector.to_string(),
            config,
            tasks: (0..num_tasks)
                .map(|task| task_id(connector, task))
                .collect(),
            connector_type: "sink",
        }
    }

    fn status(&self, connector: &str, state: &str) -> ConnectorStateInfo {
        ConnectorStateInfo {
            name: connector.to_string(),
            connector: ConnectorState {
                state: state.to_string(),
                worker_id: WORKER_ID.to_string(),
                version: Some(Some(VERSION.to_string())),
                trace: None,
            },
            tasks: vec![task_state(self.task_state.unwrap_or(state))],
            connector_type: "sink",
        }
    }

    async fn hang(&self) {
        if self.hangs {
            std::future::pending::<()>().await;
        }
    }
}

fn task_id(connector: &str, task: i32) -> ConnectorTaskId {
    ConnectorTaskId {
        connector: connector.to_string(),
        task,
    }
}

fn task_state(state: &str) -> TaskState {
    TaskState {
        id: 0,
        state: state.to_string(),
        worker_id: WORKER_ID.to_string(),
        version: Some(Some(VERSION.to_string())),
        trace: None,
    }
}

#[async_trait]
impl Herder for FakeHerder {
    fn cluster_info(&self) -> ClusterInfo {
        ClusterInfo {
            version: VERSION.to_string(),
            commit: "26b251a451ce941d".to_string(),
            kafka_cluster_id: Some("ZG92ZXRhaWwtdGVzdHMwMQ==".to_string()),
        }
    }

    async fn health(&self) -> HerderHealth {
        self.hang().await;
        HerderHealth::Healthy
    }

    fn stage(&self) -> Option<String> {
        let stage =
            "The worker is currently joining the group, which began at 2026-01-01T00:00:00Z.";
        self.hangs.then(|| stage.to_string())
    }

    async fn connectors(&self) -> HerderResult<Vec<String>> {
        Ok(self
            .connectors()
            .iter()
            .map(|(name, _)| name.clone())
            .collect())
    }

    async fn connector_info(&self, connector: &str) -> HerderResult<ConnectorInfo> {
        self.hang().await;
        let config = self.require(connector, "Connector {c} not found")?;
        Ok(self.info(connector, config, 1))
    }

    async fn put_connector_config(
        &self,
        connector: &str,
        config: ConfigMap,
        _initial_state: Option<TargetState>,
        replace: bool,
    ) -> HerderResult<Created<ConnectorInfo>> {
        self.lead()?;
        let exists = self.config(connector).is_some();
        if exists && !replace {
            let message = format!("Connector {connector} already exists");
            return Err(HerderError::conflict(message));
        }
        let mut connectors = self.connectors();
        connectors.retain(|(name, _)| name != connector);
        connectors.push((connector.to_string(), config.clone()));
        Ok(Created {
            created: !exists,
            result: self.info(connector, config, i32::from(exists)),
        })
    }

    async fn patch_connector_config(
        &self,
        connector: &str,
        patch: ConfigMap,
    ) -> HerderResult<ConnectorInfo> {
        self.lead()?;
        let mut config = self.require(connector, "Connector {c} not found")?;
        for (key, value) in patch.iter() {
            match value {
                Some(value) => config.insert(key, value),
                None => {
                    config.remove(key);
                }
            }
        }
        self.put_connector_config(connector, config, None, true)
            .await
            .map(|created| created.result)
    }

    async fn delete_connector(&self, connector: &str) -> HerderResult<()> {
        self.lead()?;
        self.require(connector, "Connector {c} not found")?;
        self.connectors().retain(|(name, _)| name != connector);
        Ok(())
    }

    async fn connector_status(&self, connector: &str) -> HerderResult<ConnectorStateInfo> {
        self.require(connector, "No status found for connector {c}")?;
        Ok(self.status(connector, "RUNNING"))
    }

    async fn task_status(&self, task: &ConnectorTaskId) -> HerderResult<TaskState> {
        if task.task != 0 || self.config(&task.connector).is_none() {
            let message = format!("No status found for task {task}");
            return Err(HerderError::not_found(message));
        }
        Ok(task_state("RUNNING"))
    }

    async fn task_configs(&self, connector: &str) -> HerderResult<Vec<TaskInfo>> {
        let config = self.require(connector, "Connector {c} not found")?;
        // In the order in which the JVM worker read its map back.
        let mut task_config = ConfigMap::new();
        for key in [
            "connector.class",
            "task.class",
            "topics",
            "tasks.max",
            "name",
        ] {
            let value = config
                .get(key)
                .unwrap_or("org.apache.kafka.connect.tools.MockSinkTask");
            task_config.insert(key, value);
        }
        Ok(vec![TaskInfo {
            id: task_id(connector, 0),
            config: task_config,
        }])
    }

    async fn set_target_state(&self, connector: &str, state: TargetState) -> HerderResult<()> {
        if state == TargetState::Stopped {
            self.lead()?;
        }
        self.require(connector, "Unknown connector {c}").map(|_| ())
    }

    async fn restart_connector(&self, connector: &str) -> HerderResult<()> {
        self.lead()?;
        self.require(connector, "Unknown connector: {c}")
            .map(|_| ())
    }

    async fn restart_connector_and_tasks(
        &self,
        connector: &str,
        _request: RestartRequest,
    ) -> HerderResult<ConnectorStateInfo> {
        self.lead()?;
        self.require(connector, "Unknown connector: {c}")?;
        Ok(self.status(connector, "RESTARTING"))
    }

    async fn restart_task(&self, task: &ConnectorTaskId) -> HerderResult<()> {
        self.lead()?;
        self.require(&task.connector, "Unknown connector: {c}")?;
        if task.task != 0 {
            return Err(HerderError::not_found(format!("Unknown task: {task}")));
        }
        Ok(())
    }

    async fn put_task_configs(
        &self,
        connector: &str,
        _configs: Vec<ConfigMap>,
        request: &InternalRequest,
    ) -> HerderResult<()> {
        self.fence_zombies(connector, request).await
    }

    async fn fence_zombies(&self, connector: &str, request: &InternalRequest) -> HerderResult<()> {
        self.lead()?;
        let mut internal = self.internal.lock().expect("no holder panics");
        internal.push(request.clone());
        self.require(connector, "Connector {c} not found")
            .map(|_| ())
    }

    async fn connector_active_topics(&self, connector: &str) -> HerderResult<ActiveTopics> {
        Ok(ActiveTopics {
            connector: connector.to_string(),
            topics: Vec::new(),
        })
    }

    async fn reset_connector_active_topics(&self, _connector: &str) -> HerderResult<()> {
        Ok(())
    }

    async fn connector_offsets(&self, connector: &str) -> HerderResult<ConnectorOffsets> {
        self.require(connector, "Connector {c} not found")?;
        Ok(ConnectorOffsets {
            offsets: Vec::new(),
        })
    }

    async fn alter_connector_offsets(
        &self,
        connector: &str,
        offsets: ConnectorOffsets,
    ) -> HerderResult<String> {
        self.require(connector, "Connector {c} not found")?;
        Ok(format!("{} altered", offsets.offsets.len()))
    }

    async fn reset_connector_offsets(&self, connector: &str) -> HerderResult<String> {
        self.require(connector, "Connector {c} not found")?;
        Ok("reset".to_string())
    }

    fn logger_levels(&self) -> BTreeMap<String, LoggerLevel> {
        self.loggers().clone()
    }

    fn logger_level(&self, logger: &str) -> Option<LoggerLevel> {
        self.loggers().get(logger).cloned()
    }

    fn set_worker_logger_level(&self, namespace: &str, level: Level) -> Vec<String> {
        let level = LoggerLevel {
            level,
            last_modified: Some(1_700_000_000_000),
        };
        let before = self.loggers().insert(namespace.to_string(), level.clone());
        match before == Some(level) {
            true => Vec::new(),
            false => vec![namespace.to_string()],
        }
    }

    async fn set_cluster_logger_level(&self, namespace: &str, level: &str) -> HerderResult<()> {
        let level = Level::of_name(level).expect("the router has looked");
        self.set_worker_logger_level(namespace, level);
        Ok(())
    }

    fn secret_settings(&self, config: &ConfigMap) -> Vec<String> {
        let secrets = config.keys().filter(|key| key.contains("password"));
        secrets.map(str::to_string).collect()
    }

    fn plugins(&self, _connectors_only: bool) -> Vec<PluginInfo> {
        Vec::new()
    }

    fn plugin_config(&self, plugin: &str) -> HerderResult<Vec<ConfigKeyInfo>> {
        Err(HerderError::not_found(format!("Unknown plugin {plugin}.")))
    }

    async fn validate_connector_config(&self, config: ConfigMap) -> HerderResult<ConfigInfos> {
        match config.get("connector.class") {
            Some(class) => Ok(ConfigInfos {
                name: class.to_string(),
                error_count: 0,
                groups: Vec::new(),
                configs: Vec::new(),
            }),
            None => Err(HerderError::bad_request("there is no class")),
        }
    }
}
