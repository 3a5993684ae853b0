//! What this worker runs: started, stopped and given up.

use super::{Core, Effect, View};
use connect_kafka::group::protocol::{Assignment, ConnectProtocol, ConnectorsAndTasks};
use connect_store::{ConnectorTaskId, TargetState};
use std::collections::BTreeSet;

impl Core {
    /// Stops what was revoked or, under the eager protocol, is simply not assigned any more, and notes
    /// what this worker owns now.
    pub(super) fn take_over(
        &mut self,
        protocol: ConnectProtocol,
        assignment: &Assignment,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        if protocol == ConnectProtocol::Eager {
            // Nothing runs, unless the group was a cooperative one until now.
            let assigned = &assignment.assigned;
            let is_assigned = |connector: &str| {
                assigned
                    .connectors
                    .iter()
                    .any(|other| **other == *connector)
            };
            let connectors = self.running_connectors.iter();
            let connectors = connectors.filter(|connector| !is_assigned(connector));
            let connectors: BTreeSet<String> = connectors.cloned().collect();
            let tasks = self.running_tasks.iter();
            let tasks = tasks.filter(|task| !assigned.tasks.contains(task));
            let tasks: BTreeSet<ConnectorTaskId> = tasks.cloned().collect();
            self.give_up(connectors, tasks, view, effects);
            self.assignment = assigned.clone();
            return;
        }
        let revoked = &assignment.revoked;
        let connectors: BTreeSet<String> =
            revoked.connectors.iter().map(ToString::to_string).collect();
        let tasks: BTreeSet<ConnectorTaskId> = revoked.tasks.iter().cloned().collect();
        self.give_up(connectors, tasks, view, effects);
        let owned = &mut self.assignment;
        owned
            .connectors
            .retain(|connector| !revoked.connectors.contains(connector));
        owned.tasks.retain(|task| !revoked.tasks.contains(task));
        for connector in &assignment.assigned.connectors {
            if !owned.connectors.contains(connector) {
                owned.connectors.push(connector.clone());
            }
        }
        for task in &assignment.assigned.tasks {
            if !owned.tasks.contains(task) {
                owned.tasks.push(task.clone());
            }
        }
    }

    /// Gives up what is not configured any more; returns whether there was something. The leader revokes
    /// it, unless it never knew of it: it took over while this worker was out of the group.
    pub(super) fn give_up_unconfigured(
        &mut self,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let configs = view.configs;
        let is_gone = |task: &ConnectorTaskId| {
            // An inconsistent set says nothing about which tasks there are to be.
            !configs.contains(&task.connector)
                || (!configs.is_inconsistent(&task.connector)
                    && task.task >= configs.task_count(&task.connector))
        };
        let connectors = self.running_connectors.iter();
        let connectors = connectors.filter(|connector| !configs.contains(connector));
        let connectors: BTreeSet<String> = connectors.cloned().collect();
        let tasks = self.running_tasks.iter().filter(|task| is_gone(task));
        let tasks: BTreeSet<ConnectorTaskId> = tasks.cloned().collect();
        let owned = &mut self.assignment;
        owned
            .connectors
            .retain(|connector| configs.contains(connector));
        owned.tasks.retain(|task| !is_gone(task));
        let has_something = !connectors.is_empty() || !tasks.is_empty();
        self.give_up(connectors, tasks, view, effects);
        has_something
    }

    /// Stops work that others may get. What is known of its end is durable before they can begin.
    fn give_up(
        &mut self,
        connectors: BTreeSet<String>,
        tasks: BTreeSet<ConnectorTaskId>,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        if connectors.is_empty() && tasks.is_empty() {
            return;
        }
        let deleted: BTreeSet<String> = connectors
            .iter()
            .map(String::as_str)
            .chain(tasks.iter().map(|task| &*task.connector))
            .filter(|connector| !view.configs.contains(connector))
            .map(str::to_string)
            .collect();
        self.stop(connectors, tasks, effects);
        // Only now does nobody here write them anew.
        effects.extend(deleted.into_iter().map(Effect::ForgetTopics));
        effects.push(Effect::FlushStatuses);
    }

    /// Stops those of the given connectors and tasks that run.
    pub(super) fn stop(
        &mut self,
        connectors: BTreeSet<String>,
        tasks: BTreeSet<ConnectorTaskId>,
        effects: &mut Vec<Effect>,
    ) {
        let connectors: Vec<String> = connectors
            .into_iter()
            .filter(|connector| self.running_connectors.remove(connector))
            .collect();
        let tasks: Vec<ConnectorTaskId> = tasks
            .into_iter()
            .filter(|task| self.running_tasks.remove(task))
            .collect();
        self.expiries.forget(&connectors, &tasks);
        self.inquiries.forget(&connectors);
        self.last_answers.forget(&connectors);
        self.restarts.forget(&connectors, &tasks);
        self.started_with.forget(&tasks);
        if !connectors.is_empty() {
            effects.push(Effect::StopConnectors(connectors));
        }
        if !tasks.is_empty() {
            effects.push(Effect::StopTasks(tasks));
        }
    }

    pub(super) fn stop_everything(&mut self, view: &View<'_>, effects: &mut Vec<Effect>) {
        let connectors = self.running_connectors.clone();
        let tasks = self.running_tasks.clone();
        self.give_up(connectors, tasks, view, effects);
        self.assignment = ConnectorsAndTasks::default();
    }

    pub(super) fn start_connector(
        &mut self,
        connector: &str,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(config) = view.configs.raw_connector_config(connector) else {
            return;
        };
        if self.running_connectors.insert(connector.to_string()) {
            effects.push(Effect::StartConnector {
                connector: connector.to_string(),
                config: config.clone(),
                target_state: view
                    .configs
                    .target_state(connector)
                    .unwrap_or(TargetState::Started),
            });
        }
    }

    pub(super) fn start_task(
        &mut self,
        task: &ConnectorTaskId,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let (Some(connector_config), Some(task_config)) = (
            view.configs.raw_connector_config(&task.connector),
            view.configs.raw_task_config(task),
        ) else {
            return;
        };
        if self.running_tasks.insert(task.clone()) {
            self.started_with.note(task, connector_config, task_config);
            effects.push(Effect::StartTask {
                task: task.clone(),
                connector_config: connector_config.clone(),
                task_config: task_config.clone(),
                generation: super::fencing::generation_of(&task.connector, view),
                target_state: view
                    .configs
                    .target_state(&task.connector)
                    .unwrap_or(TargetState::Started),
            });
        }
    }
}
