//! Values of config providers: which texts stand for them in task configurations, and when they expire.

use super::{Core, Effect, View};
use crate::host::ValuesExpiry;
use connect_api::config::ConfigMap;
use connect_config_providers::contains_variable;
use connect_store::ConnectorTaskId;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// A value that holds for less than this would have its connector start all the time.
const RESTART_DELAY_MIN: Duration = Duration::from_secs(1);

/// When the values expire that connectors and tasks were started with.
#[derive(Default)]
pub(super) struct Expiries {
    connectors: HashMap<String, Duration>,
    tasks: HashMap<ConnectorTaskId, Duration>,
}

impl Expiries {
    pub(super) fn next(&self) -> Option<Duration> {
        self.connectors
            .values()
            .chain(self.tasks.values())
            .min()
            .copied()
    }

    /// They were stopped; what starts tells anew.
    pub(super) fn forget(&mut self, connectors: &[String], tasks: &[ConnectorTaskId]) {
        for connector in connectors {
            self.connectors.remove(connector);
        }
        for task in tasks {
            self.tasks.remove(task);
        }
    }
}

impl Core {
    pub(super) fn on_values_expire(&mut self, expiry: ValuesExpiry, now: Duration) {
        let ValuesExpiry {
            connector,
            task,
            ttl,
        } = expiry;
        let ttl = ttl.max(RESTART_DELAY_MIN);
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        let at = now.saturating_add(ttl);
        match task {
            None if self.running_connectors.contains(&connector) => {
                tracing::info!(
                    connector,
                    "Scheduling a restart of connector {connector} in {ttl_ms} ms"
                );
                self.expiries.connectors.insert(connector, at);
            }
            Some(task) if self.running_tasks.contains(&task) => {
                tracing::info!(
                    connector,
                    task = task.task,
                    "Scheduling a restart of task {task} in {ttl_ms} ms"
                );
                self.expiries.tasks.insert(task, at);
            }
            // It was stopped meanwhile.
            _ => {}
        }
    }

    /// Restarts what runs with values that have expired.
    pub(super) fn restart_expired(&mut self, view: &View<'_>, effects: &mut Vec<Effect>) {
        let connectors: BTreeSet<String> = due(&self.expiries.connectors, view.now);
        let tasks: BTreeSet<ConnectorTaskId> = due(&self.expiries.tasks, view.now);
        if connectors.is_empty() && tasks.is_empty() {
            return;
        }
        tracing::info!(
            ?connectors,
            num_tasks = tasks.len(),
            "Restarting what was started with values of config providers that have expired"
        );
        self.stop(connectors.clone(), tasks.clone(), effects);
        for connector in connectors {
            self.start_connector(&connector, view, effects);
        }
        for task in tasks {
            self.start_task(&task, view, effects);
        }
    }
}

fn due<K: Clone + Ord>(expiries: &HashMap<K, Duration>, now: Duration) -> BTreeSet<K> {
    expiries
        .iter()
        .filter(|(_, at)| now >= **at)
        .map(|(key, _)| key.clone())
        .collect()
}

/// Task configurations as they are stored: where the connector's configuration has a variable, the value
/// that the connector passed on under the same key becomes that text again
/// (`AbstractHerder.reverseTransform`).
pub(super) fn with_variables(
    raw_connector: Option<&Arc<ConfigMap>>,
    tasks: Vec<ConfigMap>,
) -> Vec<ConfigMap> {
    let variables: Vec<(&str, &str)> = raw_connector
        .into_iter()
        .flat_map(|raw| raw.iter())
        .filter_map(|(key, text)| Some((key, text.filter(|text| contains_variable(text))?)))
        .collect();
    let mut tasks = tasks;
    for task in &mut tasks {
        for (key, text) in &variables {
            if task.contains_key(key) {
                task.insert(*key, *text);
            }
        }
    }
    tasks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_variables_become_their_text_again() {
        let raw = ConfigMap::from_iter([
            ("user", "admin"),
            ("password", "${vault:db:password}"),
            ("url", "jdbc:db://${env:HOST}/x"),
            ("unused", "${env:X}"),
            ("no.variable", "${x}"),
        ]);
        let task = ConfigMap::from_iter([
            ("user", "s3cret"),
            ("password", "s3cret"),
            ("url", "jdbc:db://h/x"),
            ("no.variable", "y"),
            ("table", "t"),
        ]);
        let raw = Arc::new(raw);
        let stored = with_variables(Some(&raw), vec![task, ConfigMap::new()]);
        let expected = ConfigMap::from_iter([
            ("user", "s3cret"),
            ("password", "${vault:db:password}"),
            ("url", "jdbc:db://${env:HOST}/x"),
            ("no.variable", "y"),
            ("table", "t"),
        ]);
        assert_eq!(stored, [expected, ConfigMap::new()]);
    }
}
