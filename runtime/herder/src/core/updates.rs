//! What is read from the config topic while the worker runs.

use super::{Core, Effect, View};
use connect_kafka::group::protocol::ConnectProtocol;
use connect_store::{ConfigUpdate, ConnectorTaskId, RestartRequest, State, Status, TargetState};
use std::collections::BTreeSet;
use std::time::Duration;

/// How often a worker looks whether statuses say what it runs.
pub(super) const STATUS_CHECK_INTERVAL: Duration = Duration::from_secs(10);

impl Core {
    pub(super) fn on_config_update(
        &mut self,
        update: ConfigUpdate,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        match update {
            ConfigUpdate::ConnectorConfig(connector) => {
                self.on_connector_config(&connector, view, effects);
            }
            ConfigUpdate::ConnectorRemoved(connector) => {
                self.retries.remove(&connector);
                if self.known_connectors.remove(&connector) {
                    tracing::info!(connector, "Connector {connector} was removed");
                    self.request_rejoin("a connector was removed", effects);
                }
            }
            ConfigUpdate::TaskConfigs(connector) => {
                self.on_new_task_configs(&connector, view, effects);
            }
            ConfigUpdate::TargetState(connector) => {
                self.on_target_state(&connector, view, effects);
            }
            ConfigUpdate::Restart(request) => self.on_restart(&request, view, effects),
            ConfigUpdate::SessionKey => {
                tracing::info!("Session key updated");
                self.check_session_key(view, effects);
            }
            // Levels of the whole cluster are not handled here.
            ConfigUpdate::LoggerLevel { .. } => {}
        }
    }

    fn on_connector_config(&mut self, connector: &str, view: &View<'_>, effects: &mut Vec<Effect>) {
        if self.known_connectors.insert(connector.to_string()) {
            self.request_rejoin("there is a new connector", effects);
        }
        // One that was removed and made again at once may still run with its old configuration.
        if self.running_connectors.contains(connector) {
            tracing::info!(connector, "Handling connector-only config update");
            self.stop(
                BTreeSet::from([connector.to_string()]),
                BTreeSet::new(),
                effects,
            );
            self.start_connector(connector, view, effects);
        }
    }

    fn on_new_task_configs(&mut self, connector: &str, view: &View<'_>, effects: &mut Vec<Effect>) {
        self.give_up_fencing(connector, effects);
        if view.configs.is_inconsistent(connector) {
            tracing::warn!(
                connector,
                "the set of task configurations is not complete and is not used; its connector will \
                 write a new one"
            );
            return;
        }
        let is_eager = self
            .member
            .as_ref()
            .is_some_and(|member| member.protocol == ConnectProtocol::Eager);
        // Under the eager protocol everything is stopped before the group is joined anew.
        if !is_eager {
            let tasks = self.tasks_to_restart(connector, view);
            self.stop(BTreeSet::new(), tasks, effects);
        }
        self.request_rejoin("tasks have new configurations", effects);
        self.check_task_configs(connector, view, effects);
    }

    fn on_target_state(&mut self, connector: &str, view: &View<'_>, effects: &mut Vec<Effect>) {
        let Some(target_state) = view.configs.target_state(connector) else {
            return;
        };
        if self.running_connectors.contains(connector) {
            effects.push(Effect::TransitionConnector {
                connector: connector.to_string(),
                target_state,
            });
        }
        if target_state == TargetState::Stopped {
            return;
        }
        for task in &self.running_tasks {
            if &*task.connector == connector {
                effects.push(Effect::SetTaskTargetState {
                    task: task.clone(),
                    target_state,
                });
            }
        }
    }

    /// A worker that was out of the group for a while may write about work that this one has had since,
    /// its end for instance, in a generation that this one has not seen: statuses then tell of nobody, or
    /// of the wrong worker; one that believes that it still leads may have removed them. What another one writes in a later generation may be true: then this worker
    /// is the one that is out.
    pub(super) fn check_statuses(&mut self, view: &View<'_>, effects: &mut Vec<Effect>) {
        if self.status_check.is_none_or(|time| view.now < time) {
            return;
        }
        self.status_check = None;
        let Some(member) = self.member.as_ref().filter(|_| self.is_settled) else {
            return;
        };
        self.status_check = Some(view.now + STATUS_CHECK_INTERVAL);
        let is_late_word = |status: &Status| {
            status.worker_id != self.config.worker_id && status.generation <= member.generation
        };
        let statuses = view.statuses;
        let connectors: Vec<String> = self
            .running_connectors
            .iter()
            .filter(|connector| {
                statuses
                    .connector(connector)
                    .is_none_or(|status| is_late_word(&status.status))
            })
            .cloned()
            .collect();
        let tasks: Vec<ConnectorTaskId> = self
            .running_tasks
            .iter()
            .filter(|task| {
                statuses
                    .task(task)
                    .is_none_or(|status| is_late_word(&status.status))
            })
            .cloned()
            .collect();
        if !connectors.is_empty() || !tasks.is_empty() {
            effects.push(Effect::RepeatStatuses { connectors, tasks });
        }
    }

    /// Restarts what a request asks for and this worker runs.
    fn on_restart(&mut self, request: &RestartRequest, view: &View<'_>, effects: &mut Vec<Effect>) {
        let connector = request.connector.as_str();
        let plan = RestartPlan::new(request, view);
        let restarts_connector = plan.connector && self.running_connectors.contains(connector);
        let tasks: Vec<ConnectorTaskId> = plan
            .tasks
            .into_iter()
            .filter(|task| self.running_tasks.contains(task))
            .collect();
        if !restarts_connector && tasks.is_empty() {
            return;
        }
        tracing::info!(
            connector,
            num_tasks = tasks.len(),
            restarts_connector,
            "Restarting as requested (onlyFailed={}, includeTasks={})",
            request.only_failed,
            request.include_tasks
        );
        let connectors = if restarts_connector {
            BTreeSet::from([connector.to_string()])
        } else {
            BTreeSet::new()
        };
        self.stop(connectors, tasks.iter().cloned().collect(), effects);
        effects.push(Effect::MarkRestarting {
            connector: restarts_connector.then(|| connector.to_string()),
            tasks: tasks.clone(),
        });
        if restarts_connector {
            self.start_connector(connector, view, effects);
        }
        for task in tasks {
            self.start_task(&task, view, effects);
        }
    }
}

/// What a restart request covers, by the statuses of the moment (KIP-745).
pub(super) struct RestartPlan {
    pub(super) connector: bool,
    pub(super) tasks: Vec<ConnectorTaskId>,
}

impl RestartPlan {
    pub(super) fn new(request: &RestartRequest, view: &View<'_>) -> Self {
        let covers = |state: State| !request.only_failed || state == State::Failed;
        let connector = view
            .statuses
            .connector(&request.connector)
            .is_some_and(|status| covers(status.status.state));
        let tasks = if request.include_tasks {
            view.statuses
                .tasks(&request.connector)
                .into_iter()
                .filter(|status| covers(status.status.state))
                .map(|status| status.id)
                .collect()
        } else {
            Vec::new()
        };
        Self { connector, tasks }
    }
}
