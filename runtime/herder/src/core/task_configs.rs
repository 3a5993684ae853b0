//! The configurations of tasks: asked of their connector, and written by the leader.

use super::{Core, Effect, ForwardError, TaskConfigsAnswer, View, Write, WriteReason, values};
use connect_api::config::ConfigMap;
use connect_store::{ClusterConfigState, TargetState};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

/// When something that failed is tried again.
pub(super) struct Retry {
    pub(super) at: Duration,
    delay: Duration,
    /// When it was tried first.
    since: Duration,
}

const RECONFIGURE_DELAY_MIN: Duration = Duration::from_millis(250);
const RECONFIGURE_DELAY_MAX: Duration = Duration::from_mins(1);
/// A signature may be refused for this long because the key has just changed.
const KEY_ROTATION_GRACE: Duration = Duration::from_mins(1);

impl Retry {
    /// The next try after a failure; `previous` is that of the failure before.
    pub(super) fn after(previous: Option<&Self>, now: Duration) -> Self {
        let delay = previous.map_or(RECONFIGURE_DELAY_MIN, |retry| {
            (retry.delay * 2).min(RECONFIGURE_DELAY_MAX)
        });
        Self {
            at: now + delay,
            delay,
            since: previous.map_or(now, |retry| retry.since),
        }
    }
}

/// The last inquiry of each connector that waits for its answer. Only that one counts: answers to earlier
/// ones, or of instances that were stopped, come late and say what was true once.
#[derive(Default)]
pub(super) struct Inquiries {
    num_made: u64,
    open: HashMap<String, Inquiry>,
}

struct Inquiry {
    number: u64,
    /// What the connector was asked to make them from.
    config: Arc<ConfigMap>,
}

impl Inquiries {
    fn make(&mut self, connector: &str, config: &Arc<ConfigMap>) -> u64 {
        self.num_made += 1;
        let inquiry = Inquiry {
            number: self.num_made,
            config: config.clone(),
        };
        self.open.insert(connector.to_string(), inquiry);
        self.num_made
    }

    /// The configuration that the answer was made from, if it answers the last inquiry.
    fn end(&mut self, connector: &str, number: u64) -> Option<Arc<ConfigMap>> {
        if self.open.get(connector)?.number != number {
            return None;
        }
        self.open.remove(connector).map(|inquiry| inquiry.config)
    }

    /// These were stopped; they are asked again when they have started.
    pub(super) fn forget(&mut self, connectors: &[String]) {
        for connector in connectors {
            self.open.remove(connector);
        }
    }
}

/// What each running connector said last about its tasks, in short.
#[derive(Default)]
pub(super) struct LastAnswers(HashMap<String, u64>);

impl LastAnswers {
    fn note(&mut self, connector: &str, configs: &[ConfigMap]) {
        self.0.insert(connector.to_string(), digest(configs.iter()));
    }

    pub(super) fn forget(&mut self, connectors: &[String]) {
        for connector in connectors {
            self.0.remove(connector);
        }
    }
}

fn digest<'a>(configs: impl Iterator<Item = &'a ConfigMap>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for config in configs {
        let entries: BTreeMap<&str, Option<&str>> = config.iter().collect();
        entries.hash(&mut hasher);
    }
    hasher.finish()
}

impl Core {
    /// A set that another worker sent to the leader may come late, when the connector has moved here and
    /// a newer set has been written: then the older one is on the topic. Its connector knows better.
    pub(super) fn check_task_configs(
        &mut self,
        connector: &str,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let stored = view.configs.raw_task_configs(connector);
        // A connector that is being stopped has none.
        if stored.is_empty() {
            return;
        }
        let stored = digest(stored.iter().map(|config| &**config));
        if self
            .last_answers
            .0
            .get(connector)
            .is_some_and(|last| *last != stored)
        {
            tracing::debug!(
                connector,
                "its tasks are configured otherwise than it said last, so it is asked again"
            );
            self.generate_task_configs(connector, view, effects);
        }
    }

    /// Asks a running connector, which is wanted to run, how its tasks are to be configured.
    pub(super) fn generate_task_configs(
        &mut self,
        connector: &str,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let is_started = view.configs.target_state(connector) == Some(TargetState::Started);
        if !self.running_connectors.contains(connector) || !is_started {
            self.retries.remove(connector);
            return;
        }
        if let Some(config) = view.configs.raw_connector_config(connector) {
            effects.push(Effect::GenerateTaskConfigs {
                connector: connector.to_string(),
                config: config.clone(),
                inquiry: self.inquiries.make(connector, config),
            });
        }
    }

    pub(super) fn on_task_configs(
        &mut self,
        answer: TaskConfigsAnswer,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let connector = answer.connector.as_str();
        let Some(asked_with) = self.inquiries.end(connector, answer.inquiry) else {
            tracing::debug!(connector, "its answer about its tasks is out of date");
            return;
        };
        let current = view.configs.raw_connector_config(connector);
        if current.is_none_or(|current| *current != asked_with) {
            // The change is on its way to this core; the connector is then restarted and asked again.
            tracing::debug!(
                connector,
                "its configuration has changed since it was asked"
            );
            return;
        }
        let configs = match answer.result {
            Ok(configs) => configs,
            Err(error) if error.retry => {
                self.retry_later(connector, &error.message, view.now);
                return;
            }
            Err(error) => {
                tracing::error!(connector, "tasks cannot be configured: {}", error.message);
                self.retries.remove(connector);
                return;
            }
        };
        // Wish and assignment may have changed while the connector was thinking.
        if view.configs.target_state(connector) != Some(TargetState::Started)
            || !self.running_connectors.contains(connector)
        {
            return;
        }
        let configs = values::with_variables(view.configs.raw_connector_config(connector), configs);
        self.last_answers.note(connector, &configs);
        if !task_configs_changed(connector, &configs, view.configs) {
            tracing::debug!(
                connector,
                "the configurations of its tasks have not changed"
            );
            self.retries.remove(connector);
            return;
        }
        self.publish_task_configs(connector, configs, view.now, effects);
    }

    /// Writes task configurations as the leader, or has the leader write them.
    fn publish_task_configs(
        &mut self,
        connector: &str,
        configs: Vec<ConfigMap>,
        now: Duration,
        effects: &mut Vec<Effect>,
    ) {
        let member = self.member.as_ref().filter(|_| self.is_settled);
        let Some(member) = member else {
            // Who leads shows when the group has formed; the connector is asked again then.
            self.reconfigurations.insert(connector.to_string());
            return;
        };
        if member.is_leader() {
            effects.push(Effect::Write(
                WriteReason::TaskConfigs(connector.to_string()),
                Write::TaskConfigs {
                    connector: connector.to_string(),
                    configs,
                },
            ));
            return;
        }
        if member.leader_url.is_empty() {
            let reason = "the URL of the leader's REST interface is empty";
            self.retry_later(connector, reason, now);
            return;
        }
        if let Some(is_outdated) = self.forwards.get_mut(connector) {
            // An older set is on its way; two at once could arrive in either order.
            *is_outdated = true;
            return;
        }
        self.forwards.insert(connector.to_string(), false);
        effects.push(Effect::ForwardTaskConfigs {
            connector: connector.to_string(),
            leader_url: member.leader_url.clone(),
            configs,
        });
    }

    pub(super) fn on_task_configs_forwarded(
        &mut self,
        connector: &str,
        result: Result<(), ForwardError>,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let is_outdated = self.forwards.remove(connector).unwrap_or(false);
        match result {
            Ok(()) => {
                // A try that is still to come is one of a newer inquiry than this.
                let retry = self.retries.get(connector);
                if retry.is_some_and(|retry| retry.at == Duration::MAX) {
                    self.retries.remove(connector);
                }
                if is_outdated {
                    self.generate_task_configs(connector, view, effects);
                }
            }
            Err(error) => {
                let since = self.retries.get(connector).map(|retry| retry.since);
                let is_recent =
                    since.is_none_or(|since| view.now <= since.saturating_add(KEY_ROTATION_GRACE));
                if error.is_forbidden && is_recent {
                    tracing::debug!(
                        connector,
                        "the leader refused the signature of task configurations, possibly because \
                         the session key has just changed"
                    );
                    let retry = Retry::after(self.retries.get(connector), view.now);
                    self.retries.insert(connector.to_string(), retry);
                } else {
                    self.retry_later(connector, &error.message, view.now);
                }
            }
        }
    }

    pub(super) fn retry_later(&mut self, connector: &str, reason: &str, now: Duration) {
        let retry = Retry::after(self.retries.get(connector), now);
        tracing::error!(
            connector,
            delay_ms = retry.delay.as_millis() as u64,
            "Failed to reconfigure connector's tasks ({connector}), retrying after backoff: {reason}"
        );
        self.retries.insert(connector.to_string(), retry);
    }
}

/// Whether a set of task configurations differs from the stored one, or belongs to another connector
/// configuration than the one applied last (`AbstractHerder.taskConfigsChanged`).
fn task_configs_changed(
    connector: &str,
    configs: &[ConfigMap],
    state: &ClusterConfigState,
) -> bool {
    let stored = state.raw_task_configs(connector);
    if state.is_inconsistent(connector) || stored.len() != configs.len() {
        return true;
    }
    let same_entries = |left: &ConfigMap, right: &ConfigMap| {
        left.len() == right.len()
            && left
                .iter()
                .all(|(key, value)| right.contains_key(key) && right.get(key) == value)
    };
    if !configs
        .iter()
        .zip(&stored)
        .all(|(config, stored)| same_entries(config, stored))
    {
        return true;
    }
    match (
        state.applied_connector_config(connector),
        state.raw_connector_config(connector),
    ) {
        (Some(applied), Some(current)) => !same_entries(applied, current),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
