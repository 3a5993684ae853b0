//! FAILED connectors and tasks that restart by themselves, where `dovetail.restart.enable` asks for it.
//!
//! Each worker restarts what it runs itself. What moves to another worker, or is started anew for another
//! reason, begins with no restarts counted.

use super::{Core, Effect, View};
use crate::host::Failure;
use crate::restart_policy::{MAX_ATTEMPTS, RestartPolicy};
use connect_store::ConnectorTaskId;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A connector, or one of its tasks.
type Subject = (String, Option<ConnectorTaskId>);

/// What has failed here, and how often it was restarted for that.
#[derive(Default)]
pub(super) struct Restarts(BTreeMap<Subject, Restart>);

#[derive(Default)]
struct Restart {
    num_attempts: u32,
    last_attempt: Option<Duration>,
    next: Option<NextAttempt>,
}

struct NextAttempt {
    at: Duration,
    /// Why it failed.
    reason: String,
}

impl Restarts {
    pub(super) fn next(&self) -> Option<Duration> {
        let attempts = self.0.values().filter_map(|restart| restart.next.as_ref());
        attempts.map(|next| next.at).min()
    }

    /// They were stopped: whatever starts them again has dealt with their failure.
    pub(super) fn forget(&mut self, connectors: &[String], tasks: &[ConnectorTaskId]) {
        for connector in connectors {
            self.0.remove(&(connector.clone(), None));
        }
        for task in tasks {
            self.0
                .remove(&(task.connector.to_string(), Some(task.clone())));
        }
    }

    fn take_due(&mut self, now: Duration) -> Vec<(Subject, Restart)> {
        let is_due = |restart: &Restart| restart.next.as_ref().is_some_and(|next| next.at <= now);
        self.0
            .extract_if(.., |_, restart| is_due(restart))
            .collect()
    }
}

impl Core {
    pub(super) fn restart_policy(&self, connector: &str, view: &View<'_>) -> RestartPolicy {
        match view.configs.raw_connector_config(connector) {
            Some(config) => self.config.restarts.overridden_by(config),
            None => self.config.restarts,
        }
    }

    fn runs(&self, (connector, task): &Subject) -> bool {
        match task {
            Some(task) => self.running_tasks.contains(task),
            None => self.running_connectors.contains(connector),
        }
    }

    pub(super) fn on_failed(&mut self, failure: Failure, view: &View<'_>) {
        let Failure {
            connector,
            task,
            reason,
        } = failure;
        let policy = self.restart_policy(&connector, view);
        let subject = (connector, task);
        if !policy.is_enabled || !self.runs(&subject) {
            return;
        }
        let name = name_of(&subject);
        let connector = subject.0.clone();
        let restart = self.restarts.0.entry(subject).or_default();
        if restart.next.is_some() {
            return;
        }
        let has_run = |last: Duration| view.now.saturating_sub(last) >= policy.reset_after;
        if restart.last_attempt.is_some_and(has_run) {
            restart.num_attempts = 0;
        }
        let num_attempts = restart.num_attempts;
        if policy.max_attempts.is_some_and(|max| num_attempts >= max) {
            tracing::error!(
                connector,
                num_attempts,
                "{name} has failed again and stays FAILED until somebody restarts it: {MAX_ATTEMPTS} \
                 does not let it restart by itself any more. {reason}"
            );
            return;
        }
        let delay = policy.backoff(num_attempts);
        tracing::warn!(
            connector,
            delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            num_attempts,
            "{name} has failed and is going to be restarted: {reason}"
        );
        restart.next = Some(NextAttempt {
            at: view.now.saturating_add(delay),
            reason,
        });
    }

    /// Restarts what has failed and waited long enough.
    pub(super) fn restart_failed(&mut self, view: &View<'_>, effects: &mut Vec<Effect>) {
        for (subject, restart) in self.restarts.take_due(view.now) {
            let (connector, task) = subject.clone();
            if !self.restart_policy(&connector, view).is_enabled {
                continue;
            }
            let num_attempts = restart.num_attempts.saturating_add(1);
            tracing::info!(
                connector,
                attempt = num_attempts,
                "Restarting {}, which has failed: {}",
                name_of(&subject),
                restart.next.map(|next| next.reason).unwrap_or_default()
            );
            match task {
                Some(task) => {
                    self.stop(BTreeSet::new(), BTreeSet::from([task.clone()]), effects);
                    effects.push(Effect::MarkRestarting {
                        connector: None,
                        tasks: vec![task.clone()],
                    });
                    self.start_task(&task, view, effects);
                }
                None => {
                    let connectors = BTreeSet::from([connector.clone()]);
                    self.stop(connectors, BTreeSet::new(), effects);
                    effects.push(Effect::MarkRestarting {
                        connector: Some(connector.clone()),
                        tasks: Vec::new(),
                    });
                    self.start_connector(&connector, view, effects);
                }
            }
            // Unless it was deleted meanwhile.
            if self.runs(&subject) {
                let restart = Restart {
                    num_attempts,
                    last_attempt: Some(view.now),
                    next: None,
                };
                self.restarts.0.insert(subject, restart);
            }
        }
    }
}

fn name_of((connector, task): &Subject) -> String {
    match task {
        Some(task) => format!("Task {task}"),
        None => format!("Connector {connector}"),
    }
}

#[cfg(test)]
mod tests;
