//! Which tasks a new set of task configurations restarts.
//!
//! As on the JVM, all of their connector's that run here; or, with
//! `dovetail.restart.only.changed.tasks`, those for which something has changed, and those that have
//! failed.

use super::{Core, View};
use connect_api::config::ConfigMap;
use connect_store::{ConnectorTaskId, State};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What running tasks were started with.
#[derive(Default)]
pub(super) struct StartedWith(HashMap<ConnectorTaskId, (Arc<ConfigMap>, Arc<ConfigMap>)>);

impl StartedWith {
    pub(super) fn note(
        &mut self,
        task: &ConnectorTaskId,
        connector_config: &Arc<ConfigMap>,
        task_config: &Arc<ConfigMap>,
    ) {
        let configs = (connector_config.clone(), task_config.clone());
        self.0.insert(task.clone(), configs);
    }

    pub(super) fn forget(&mut self, tasks: &[ConnectorTaskId]) {
        for task in tasks {
            self.0.remove(task);
        }
    }

    /// Whether the task would be started with something else by now.
    fn is_outdated(&self, task: &ConnectorTaskId, view: &View<'_>) -> bool {
        let (Some((connector, own)), Some(connector_now), Some(own_now)) = (
            self.0.get(task),
            view.configs.raw_connector_config(&task.connector),
            view.configs.raw_task_config(task),
        ) else {
            return true;
        };
        own != own_now || differ_for_tasks(connector, connector_now)
    }
}

impl Core {
    /// The running tasks of a connector that a new set of configurations restarts.
    pub(super) fn tasks_to_restart(
        &self,
        connector: &str,
        view: &View<'_>,
    ) -> BTreeSet<ConnectorTaskId> {
        let only_changed = self.restart_policy(connector, view).only_changed_tasks;
        let configured = view.configs.tasks(connector);
        self.running_tasks
            .iter()
            .filter(|task| &*task.connector == connector)
            .filter(|task| {
                !only_changed
                    || !configured.contains(task)
                    || has_failed(task, view)
                    || self.started_with.is_outdated(task, view)
            })
            .cloned()
            .collect()
    }
}

/// A change is often made to mend what has failed.
fn has_failed(task: &ConnectorTaskId, view: &View<'_>) -> bool {
    let status = view.statuses.task(task);
    status.is_some_and(|status| status.status.state == State::Failed)
}

/// Whether two configurations of a connector differ in what the worker reads for a task. All that the
/// connector itself reads reaches a task through the task's own configuration.
pub(crate) fn differ_for_tasks(before: &ConfigMap, after: &ConfigMap) -> bool {
    before
        .keys()
        .chain(after.keys())
        .any(|key| concerns_tasks(key) && before.get(key) != after.get(key))
}

/// Whether the worker reads this setting of a connector for the connector's tasks.
pub(crate) fn concerns_tasks(key: &str) -> bool {
    const PREFIXES: [&str; 16] = [
        "connector.",
        "key.converter",
        "value.converter",
        "header.converter",
        "transforms",
        "predicates",
        "errors.",
        "dovetail.errors.",
        "config.action.",
        "topics",
        "topic.creation.",
        "producer.override.",
        "consumer.override.",
        "admin.override.",
        "offsets.storage.",
        "transaction.boundary",
    ];
    key == "exactly.once.support" || PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

#[cfg(test)]
mod tests;
