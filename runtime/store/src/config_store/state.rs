//! What the configuration of a cluster is after a sequence of records: no input or output here.

use super::record::ConfigRecord;
use super::types::{SessionKey, TargetState};
use super::updates::ConfigUpdate;
use crate::ConnectorTaskId;
use connect_api::config::ConfigMap;
use connect_api::data::java_hash_order;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The config offset of a state into which no record was read.
pub const NO_CONFIG_OFFSET: i64 = -1;

/// The configuration of a cluster at one moment. All configurations are raw: references to config
/// providers stand in them as the user wrote them.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterConfigState {
    pub(super) offset: i64,
    pub(super) session_key: Option<Arc<SessionKey>>,
    pub(super) connector_configs: BTreeMap<String, Arc<ConfigMap>>,
    /// By connector and task number. May hold tasks beyond the count.
    pub(super) task_configs: BTreeMap<String, BTreeMap<i32, Arc<ConfigMap>>>,
    pub(super) task_counts: BTreeMap<String, i32>,
    pub(super) target_states: BTreeMap<String, TargetState>,
    pub(super) inconsistent: BTreeSet<String>,
    pub(super) task_count_records: BTreeMap<String, i32>,
    pub(super) task_config_generations: BTreeMap<String, i32>,
    pub(super) pending_fencing: BTreeSet<String>,
    pub(super) applied_connector_configs: BTreeMap<String, Arc<ConfigMap>>,
}

impl Default for ClusterConfigState {
    fn default() -> Self {
        Self {
            offset: NO_CONFIG_OFFSET,
            session_key: None,
            connector_configs: BTreeMap::new(),
            task_configs: BTreeMap::new(),
            task_counts: BTreeMap::new(),
            target_states: BTreeMap::new(),
            inconsistent: BTreeSet::new(),
            task_count_records: BTreeMap::new(),
            task_config_generations: BTreeMap::new(),
            pending_fencing: BTreeSet::new(),
            applied_connector_configs: BTreeMap::new(),
        }
    }
}

impl ClusterConfigState {
    /// The config offset: the offset of the last record that was read, plus one;
    /// [`NO_CONFIG_OFFSET`] before the first and in standalone mode.
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// The key by which requests between workers are signed.
    pub fn session_key(&self) -> Option<&Arc<SessionKey>> {
        self.session_key.as_ref()
    }

    /// Whether the connector has a configuration.
    pub fn contains(&self, connector: &str) -> bool {
        self.connector_configs.contains_key(connector)
    }

    /// The names of all connectors, sorted.
    pub fn connectors(&self) -> impl ExactSizeIterator<Item = &str> {
        self.connector_configs.keys().map(String::as_str)
    }

    /// The names of all connectors in the order of a Java hash set, as `GET /connectors` lists them.
    pub fn connectors_in_java_hash_order(&self) -> Vec<&str> {
        let names: Vec<&str> = self.connectors().collect();
        java_hash_order(names.iter().copied())
            .into_iter()
            .map(|index| names[index])
            .collect()
    }

    /// The configuration of a connector as it is stored.
    pub fn raw_connector_config(&self, connector: &str) -> Option<&Arc<ConfigMap>> {
        self.connector_configs.get(connector)
    }

    /// The configuration of a task as it is stored; `None` if [`tasks`](Self::tasks) does not list
    /// the task.
    pub fn raw_task_config(&self, task: &ConnectorTaskId) -> Option<&Arc<ConfigMap>> {
        if !(0..self.num_assignable_tasks(&task.connector)).contains(&task.task) {
            return None;
        }
        self.task_configs.get(&*task.connector)?.get(&task.task)
    }

    /// The configurations of the tasks of a connector, by task number.
    pub fn raw_task_configs(&self, connector: &str) -> Vec<Arc<ConfigMap>> {
        let Some(configs) = self.task_configs.get(connector) else {
            return Vec::new();
        };
        configs
            .range(0..self.num_assignable_tasks(connector).max(0))
            .map(|(_, config)| Arc::clone(config))
            .collect()
    }

    /// The target state of a connector; `None` if it was never seen.
    pub fn target_state(&self, connector: &str) -> Option<TargetState> {
        self.target_states.get(connector).copied()
    }

    /// The number of tasks that was committed last, 0 if none was.
    pub fn task_count(&self, connector: &str) -> i32 {
        self.task_counts.get(connector).copied().unwrap_or(0)
    }

    /// The tasks of a connector: none if its task configurations are incomplete.
    pub fn tasks(&self, connector: &str) -> Vec<ConnectorTaskId> {
        let name: Arc<str> = Arc::from(connector);
        (0..self.num_assignable_tasks(connector))
            .map(|task| ConnectorTaskId {
                connector: Arc::clone(&name),
                task,
            })
            .collect()
    }

    fn num_assignable_tasks(&self, connector: &str) -> i32 {
        if self.is_inconsistent(connector) {
            return 0;
        }
        self.task_count(connector)
    }

    /// Whether the set of task configurations that was committed last is incomplete, because the
    /// topic was compacted while they were written. The worker that runs the connector repairs this
    /// by generating them anew.
    pub fn is_inconsistent(&self, connector: &str) -> bool {
        self.inconsistent.contains(connector)
    }

    /// All connectors whose task configurations are incomplete.
    pub fn inconsistent_connectors(&self) -> impl ExactSizeIterator<Item = &str> {
        self.inconsistent.iter().map(String::as_str)
    }

    /// For how many tasks producers have been fenced last; `None` if never.
    pub fn task_count_record(&self, connector: &str) -> Option<i32> {
        self.task_count_records.get(connector).copied()
    }

    /// How many sets of task configurations were applied since the start of this worker, less one;
    /// `None` if none was. Tells a task whether its configuration is still the present one.
    pub fn task_config_generation(&self, connector: &str) -> Option<i32> {
        self.task_config_generations.get(connector).copied()
    }

    /// Whether task configurations were committed after producers were last fenced. Only of interest
    /// for exactly-once sources.
    pub fn is_pending_fencing(&self, connector: &str) -> bool {
        self.pending_fencing.contains(connector)
    }

    /// The configuration of the connector from which its present tasks were generated, as far as
    /// this worker has seen that.
    pub fn applied_connector_config(&self, connector: &str) -> Option<&Arc<ConfigMap>> {
        self.applied_connector_configs.get(connector)
    }
}

/// The state machine that reads a config topic.
#[derive(Debug, Default)]
pub(crate) struct ConfigStateMachine {
    state: Arc<ClusterConfigState>,
    /// Task configurations that no commit followed yet. A map that was emptied by a commit stays:
    /// only a connector without any map has no task config generation.
    deferred: BTreeMap<String, BTreeMap<i32, Arc<ConfigMap>>>,
}

impl ConfigStateMachine {
    /// The state after the records so far.
    pub(crate) fn snapshot(&self) -> Arc<ClusterConfigState> {
        Arc::clone(&self.state)
    }

    /// Applies the record at `offset` and says what to tell the herder, if anything.
    pub(crate) fn apply(&mut self, offset: i64, record: ConfigRecord) -> Option<ConfigUpdate> {
        // Copies the state if a snapshot of it is in use. Configurations are shared.
        let state = Arc::make_mut(&mut self.state);
        state.offset = offset.saturating_add(1);
        match record {
            ConfigRecord::TargetState {
                connector,
                state: target_state,
            } => apply_target_state(state, connector, target_state),
            ConfigRecord::Connector {
                connector,
                config: Some(config),
            } => {
                state
                    .target_states
                    .entry(connector.clone())
                    .or_insert(TargetState::Started);
                state
                    .connector_configs
                    .insert(connector.clone(), Arc::new(config));
                Some(ConfigUpdate::ConnectorConfig(connector))
            }
            ConfigRecord::Connector {
                connector,
                config: None,
            } => {
                self.remove_connector(&connector);
                Some(ConfigUpdate::ConnectorRemoved(connector))
            }
            ConfigRecord::Task { task, config } => {
                self.deferred
                    .entry(task.connector.to_string())
                    .or_default()
                    .insert(task.task, Arc::new(config));
                None
            }
            ConfigRecord::Commit {
                connector,
                num_tasks,
            } => self.apply_commit(connector, num_tasks),
            ConfigRecord::Restart(request) => Some(ConfigUpdate::Restart(request)),
            ConfigRecord::TaskCount {
                connector,
                num_tasks,
            } => {
                state.pending_fencing.remove(&connector);
                state.task_count_records.insert(connector, num_tasks);
                None
            }
            ConfigRecord::SessionKey(key) => {
                state.session_key = Some(Arc::new(key));
                Some(ConfigUpdate::SessionKey)
            }
            ConfigRecord::LoggerLevel { logger, level } => {
                Some(ConfigUpdate::LoggerLevel { logger, level })
            }
            ConfigRecord::Ignored => None,
        }
    }

    /// Target state, fencing record, generation, inconsistent and pending fencing stay, as in Kafka.
    fn remove_connector(&mut self, connector: &str) {
        let state = Arc::make_mut(&mut self.state);
        state.connector_configs.remove(connector);
        state.task_counts.remove(connector);
        state.task_configs.remove(connector);
        state.applied_connector_configs.remove(connector);
        self.deferred.remove(connector);
    }

    fn apply_commit(&mut self, connector: String, num_tasks: i32) -> Option<ConfigUpdate> {
        let Some(connector_config) = self.state.connector_configs.get(&connector).cloned() else {
            // The connector was deleted and its tombstone has been compacted away.
            self.remove_connector(&connector);
            return None;
        };
        let state = Arc::make_mut(&mut self.state);
        let deferred = self.deferred.get_mut(&connector);
        if is_complete(deferred.as_deref(), num_tasks) {
            if let Some(deferred) = deferred {
                state
                    .task_configs
                    .entry(connector.clone())
                    .or_default()
                    .append(deferred);
                state
                    .task_config_generations
                    .entry(connector.clone())
                    .and_modify(|generation| *generation = generation.saturating_add(1))
                    .or_insert(0);
            }
            state.inconsistent.remove(&connector);
            state
                .applied_connector_configs
                .insert(connector.clone(), connector_config);
        } else {
            if let Some(deferred) = deferred {
                deferred.clear();
            }
            state.inconsistent.insert(connector.clone());
        }
        state.task_counts.insert(connector.clone(), num_tasks);
        state.pending_fencing.insert(connector.clone());
        Some(ConfigUpdate::TaskConfigs(connector))
    }
}

fn apply_target_state(
    state: &mut ClusterConfigState,
    connector: String,
    target_state: Option<TargetState>,
) -> Option<ConfigUpdate> {
    let exists = state.connector_configs.contains_key(&connector);
    let Some(target_state) = target_state else {
        if exists {
            state.target_states.insert(connector, TargetState::Started);
        } else {
            state.target_states.remove(&connector);
        }
        // The removal of the connector itself is what the herder is told.
        return None;
    };
    let previous = state.target_states.insert(connector.clone(), target_state);
    (exists && previous != Some(target_state)).then_some(ConfigUpdate::TargetState(connector))
}

/// Whether all of `0..num_tasks` are there; more may be.
fn is_complete(deferred: Option<&BTreeMap<i32, Arc<ConfigMap>>>, num_tasks: i32) -> bool {
    let num_present = deferred.map_or(0, |configs| configs.range(0..num_tasks.max(0)).count());
    usize::try_from(num_tasks).is_ok_and(|num_tasks| num_present == num_tasks)
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
