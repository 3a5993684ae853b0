//! What must hold: always, and once the faults are over.

use super::super::changed_tasks::differ_for_tasks;
use super::worker::{Worker, state_of, task_configs};
use super::world::{Event, World};
use connect_store::{ClusterConfigState, ConfigStore, ConnectorTaskId, StatusStore, TargetState};
use std::collections::BTreeMap;
use std::sync::Arc;

impl World {
    /// No connector or task runs on two workers of one generation.
    pub(super) fn check_overlap(&self, worker: usize) {
        let one = &self.workers[worker];
        for other in &self.workers {
            if other.index == one.index || !other.is_alive || other.generation != one.generation {
                continue;
            }
            for task in one.running_tasks.keys() {
                assert!(
                    !other.running_tasks.contains_key(task),
                    "task {task} runs on w{} and w{} in generation {}",
                    one.index,
                    other.index,
                    one.generation
                );
            }
            for connector in one.running_connectors.keys() {
                assert!(
                    !other.running_connectors.contains_key(connector),
                    "connector {connector} runs on w{} and w{} in generation {}",
                    one.index,
                    other.index,
                    one.generation
                );
            }
        }
    }

    pub(super) fn check(&mut self) {
        match self.unsettled() {
            Ok(()) => {
                self.settled_since.get_or_insert(self.now);
            }
            Err(reason) => {
                if self.traces {
                    eprintln!("{:>9} ms  not settled: {reason}", self.now.as_millis());
                }
                self.settled_since = None;
            }
        }
        self.soon(1_000, 1_000, Event::Check);
    }

    /// Everything that is configured runs once, as it is configured, and the statuses say so.
    pub(super) fn unsettled(&self) -> Result<(), String> {
        let alive: Vec<&Worker> = self
            .workers
            .iter()
            .filter(|worker| worker.is_alive)
            .collect();
        let Some(first) = alive.first() else {
            return Err("nobody is alive yet".to_string());
        };
        first.read_configs();
        let state: Arc<ClusterConfigState> = first.store().snapshot();
        let Some(generation) = self.broker.stable_generation() else {
            return Err("the group is rebalancing".to_string());
        };
        if self.broker.num_members() != alive.len() {
            return Err("members are missing, or not given up yet".to_string());
        }
        if alive
            .iter()
            .any(|worker| worker.generation != generation || worker.is_busy())
        {
            return Err("a worker is behind".to_string());
        }
        let mut connectors: BTreeMap<&str, usize> = BTreeMap::new();
        let mut tasks: BTreeMap<ConnectorTaskId, usize> = BTreeMap::new();
        for worker in &alive {
            for (connector, (config, target)) in &worker.running_connectors {
                if connectors.insert(connector, worker.index).is_some() {
                    return Err(format!("{connector} runs twice"));
                }
                if state.raw_connector_config(connector) != Some(config) {
                    return Err(format!("{connector} runs with another configuration"));
                }
                if state.target_state(connector) != Some(*target) {
                    return Err(format!("{connector} is in the state {target}"));
                }
            }
            for (task, running) in &worker.running_tasks {
                if tasks.insert(task.clone(), worker.index).is_some() {
                    return Err(format!("{task} runs twice"));
                }
                if state.raw_task_config(task) != Some(&running.config) {
                    return Err(format!("{task} runs with another configuration"));
                }
                let target = running.target_state;
                let connector_config = state.raw_connector_config(&task.connector);
                // While a connector is paused, nothing comes of a change of its configuration.
                if target == TargetState::Started
                    && connector_config
                        .is_none_or(|config| differ_for_tasks(&running.connector_config, config))
                {
                    return Err(format!("{task} runs with old settings of its connector"));
                }
                if state.target_state(&task.connector) != Some(target) {
                    return Err(format!("{task} is in the state {target}"));
                }
            }
        }
        for connector in state.connectors() {
            self.connector_unsettled(&state, connector, &connectors, &tasks)?;
        }
        let configured = state
            .connectors()
            .map(|connector| state.tasks(connector).len());
        if connectors.len() != state.connectors().len() || tasks.len() != configured.sum::<usize>()
        {
            return Err("something runs that is not configured".to_string());
        }
        for connector in self.statuses.connectors() {
            if !state.contains(&connector) {
                return Err(format!("{connector} is gone and has a status"));
            }
            if self.statuses.tasks(&connector).len() != state.tasks(&connector).len() {
                return Err(format!(
                    "statuses of tasks of {connector} are missing or left over"
                ));
            }
        }
        Ok(())
    }

    pub(super) fn connector_unsettled(
        &self,
        state: &ClusterConfigState,
        connector: &str,
        connectors: &BTreeMap<&str, usize>,
        tasks: &BTreeMap<ConnectorTaskId, usize>,
    ) -> Result<(), String> {
        let target = state
            .target_state(connector)
            .unwrap_or(TargetState::Started);
        let Some(owner) = connectors.get(connector) else {
            return Err(format!("{connector} does not run"));
        };
        let status = self.statuses.connector(connector);
        let shown = status.map(|status| (status.status.state, status.status.worker_id));
        if shown != Some((state_of(target), self.workers[*owner].url.clone())) {
            return Err(format!(
                "{connector} runs on w{owner} and is shown as {shown:?}"
            ));
        }
        let config = state
            .raw_connector_config(connector)
            .expect("it is configured");
        let configured = state.tasks(connector);
        if target == TargetState::Started {
            let wanted = task_configs(config);
            if configured.len() != wanted.len() {
                return Err(format!(
                    "{connector} has {} tasks of {}",
                    configured.len(),
                    wanted.len()
                ));
            }
            for (task, wanted) in configured.iter().zip(&wanted) {
                let stored = state.raw_task_config(task);
                if stored.is_none_or(|stored| **stored != *wanted) {
                    return Err(format!("{task} is configured with {stored:?}"));
                }
            }
        }
        for task in &configured {
            let Some(owner) = tasks.get(task) else {
                return Err(format!("{task} does not run"));
            };
            let status = self.statuses.task(task);
            let shown = status.map(|status| (status.status.state, status.status.worker_id));
            if shown != Some((state_of(target), self.workers[*owner].url.clone())) {
                return Err(format!("{task} runs on w{owner} and is shown as {shown:?}"));
            }
        }
        Ok(())
    }

    /// What was confirmed is on the topic.
    pub(super) fn check_confirmed(&self) {
        let topic: Vec<String> = self
            .topic
            .records()
            .into_iter()
            .filter(|record| {
                record
                    .key
                    .as_ref()
                    .is_some_and(|key| key.starts_with(b"connector-"))
            })
            .filter_map(|record| Some(String::from_utf8_lossy(&record.value?).into_owned()))
            .collect();
        for version in &self.confirmed {
            let written = format!("\"version\":\"{version}\"");
            assert!(
                topic.iter().any(|record| record.contains(&written)),
                "version {version} was confirmed and is lost"
            );
        }
    }
}
