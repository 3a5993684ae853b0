//! What clients ask for.

use super::updates::RestartPlan;
use super::{
    Core, Effect, PendingResponse, Request, RequestId, Response, View, Write, WriteReason,
};
use crate::face::{
    ConnectorInfo, ConnectorState, ConnectorStateInfo, ConnectorTaskId as TaskName, HerderError,
    HerderErrorKind, HerderResult, RestartRequest, TaskState,
};
use connect_api::config::ConfigMap;
use connect_store::{ConnectorStatus, ConnectorTaskId, Status, TargetState, TaskStatus};
use std::collections::BTreeSet;

/// How many requests may wait for the group to form.
pub(super) const MAX_DEFERRED: usize = 1024;

pub(super) const NO_LEADER: &str = "Cannot complete request momentarily due to no known leader URL, likely \
                         because a rebalance was underway.";

const STALE_CONFIGURATION: &str = "Cannot complete request momentarily due to stale configuration \
                                   (typically caused by a concurrent config change)";

impl Core {
    pub(super) fn on_request(
        &mut self,
        id: RequestId,
        request: Request,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        if matches!(request, Request::Health) {
            effects.push(Effect::Reply(id, Ok(Response::Done)));
            return;
        }
        // A task that waits for this is known already, whoever leads.
        let depends_on_group = !matches!(request, Request::VerifyTask { .. });
        if depends_on_group && self.must_wait(&request) {
            if self.deferred.len() < MAX_DEFERRED {
                // Bounded in time by the limit of the REST API.
                self.deferred.push((id, request));
            } else {
                effects.push(Effect::Reply(id, Err(HerderError::conflict(NO_LEADER))));
            }
            return;
        }
        if let Err(error) = self.try_request(id, request, view, effects) {
            effects.push(Effect::Reply(id, Err(error)));
        }
    }

    /// While the group forms nobody knows who leads, and while it is about to form anew who runs what.
    fn must_wait(&self, request: &Request) -> bool {
        let depends_on_assignment = matches!(
            request,
            Request::RestartConnector { .. }
                | Request::RestartConnectorAndTasks { .. }
                | Request::RestartTask { .. }
        );
        !self.is_settled || (depends_on_assignment && self.is_rejoin_wanted)
    }

    fn is_leader(&self) -> bool {
        self.member.as_ref().is_some_and(super::Member::is_leader)
    }

    /// Refuses what only the leader may do, unless this worker leads.
    pub(super) fn require_leader(&self, reason: &str) -> HerderResult<()> {
        if self.is_leader() {
            return Ok(());
        }
        let leader_url = self
            .member
            .as_ref()
            .map(|member| member.leader_url.as_str());
        Err(forward_to(leader_url, reason))
    }

    fn try_request(
        &mut self,
        id: RequestId,
        request: Request,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) -> HerderResult<()> {
        match request {
            Request::Health => {}
            Request::Lead => {
                self.require_leader("Only the leader can set connector configs.")?;
                effects.push(Effect::Reply(id, Ok(Response::Done)));
            }
            Request::PutConnectorConfig {
                connector,
                config,
                initial_state,
                replace,
            } => {
                self.require_leader("Only the leader can set connector configs.")?;
                let exists = view.configs.contains(&connector);
                if exists && !replace {
                    return Err(HerderError::conflict(format!(
                        "Connector {connector} already exists"
                    )));
                }
                effects.push(Effect::Write(
                    WriteReason::Request(
                        id,
                        PendingResponse::ConnectorInfo {
                            connector: connector.clone(),
                            config: Box::new(config.clone()),
                            created: !exists,
                        },
                    ),
                    Write::Connector {
                        connector,
                        config,
                        target_state: initial_state,
                    },
                ));
            }
            Request::DeleteConnector { connector } => {
                self.require_leader("Only the leader can delete connector configs.")?;
                if !view.configs.contains(&connector) {
                    return Err(not_found(&connector));
                }
                effects.push(Effect::Write(
                    WriteReason::Request(id, PendingResponse::Done),
                    Write::RemoveConnector { connector },
                ));
            }
            Request::StopConnector { connector } => {
                if !view.configs.contains(&connector) {
                    return Err(HerderError::not_found(format!(
                        "Unknown connector {connector}"
                    )));
                }
                self.require_leader(
                    "Only the leader can transition connectors to the STOPPED state.",
                )?;
                effects.push(Effect::Write(
                    WriteReason::Request(id, PendingResponse::Done),
                    Write::Stop { connector },
                ));
            }
            Request::PutTaskConfigs { connector, configs } => {
                self.put_task_configs(id, connector, configs, view, effects)?;
            }
            Request::FenceZombies { connector } => {
                self.fence_zombies(id, &connector, view, effects)?;
            }
            Request::VerifyTask { task, generation } => {
                self.verify_task(&task, generation, view)?;
                effects.push(Effect::Reply(id, Ok(Response::Done)));
            }
            Request::RestartConnector { connector } => {
                self.restart_connector(id, &connector, view, effects)?;
            }
            Request::RestartConnectorAndTasks { connector, request } => {
                self.restart_with_plan(id, &connector, request, view, effects)?;
            }
            Request::RestartTask { task } => self.restart_task(id, &task, view, effects)?,
            Request::CheckStopped { connector } => {
                self.require_leader("Only the leader can change the offsets of a connector.")?;
                self.check_stopped(&connector, view)?;
                effects.push(Effect::Reply(id, Ok(Response::Done)));
            }
        }
        Ok(())
    }

    /// Only a connector that is wanted stopped, and has no task any more, keeps its offsets still.
    fn check_stopped(&self, connector: &str, view: &View<'_>) -> HerderResult<()> {
        if !view.configs.contains(connector) {
            return Err(not_found(connector));
        }
        let is_stopped = view.configs.target_state(connector) == Some(TargetState::Stopped)
            && view.configs.task_count(connector) == 0;
        if !is_stopped {
            return Err(HerderError::bad_request(format!(
                "Connectors must be in the STOPPED state before their offsets can be modified. This \
                 can be done for the specified connector by issuing a 'PUT' request to the \
                 '/connectors/{connector}/stop' endpoint"
            )));
        }
        let mut running = self.running_tasks.iter();
        if running.any(|task| &*task.connector == connector) {
            return Err(HerderError::conflict(STALE_CONFIGURATION));
        }
        Ok(())
    }

    fn restart_connector(
        &mut self,
        id: RequestId,
        connector: &str,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) -> HerderResult<()> {
        if !view.configs.contains(connector) {
            return Err(HerderError::not_found(format!(
                "Unknown connector: {connector}"
            )));
        }
        if !self.running_connectors.contains(connector) {
            self.require_leader("Only the leader can process restart requests.")?;
            return Err(forward_to(
                self.owners.of_connector(connector),
                "Cannot restart connector since it is not assigned to this member",
            ));
        }
        self.stop(
            BTreeSet::from([connector.to_string()]),
            BTreeSet::new(),
            effects,
        );
        self.start_connector(connector, view, effects);
        self.waiting_for_start
            .entry(connector.to_string())
            .or_default()
            .push(id);
        Ok(())
    }

    fn restart_task(
        &mut self,
        id: RequestId,
        task: &ConnectorTaskId,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) -> HerderResult<()> {
        if !view.configs.contains(&task.connector) {
            return Err(HerderError::not_found(format!(
                "Unknown connector: {}",
                task.connector
            )));
        }
        if view.configs.raw_task_config(task).is_none() {
            return Err(HerderError::not_found(format!("Unknown task: {task}")));
        }
        if !self.running_tasks.contains(task) {
            const NOT_ASSIGNED: &str =
                "Cannot restart task since it is not assigned to this member";
            self.require_leader(NOT_ASSIGNED)?;
            return Err(forward_to(self.owners.of_task(task), NOT_ASSIGNED));
        }
        self.stop(BTreeSet::new(), BTreeSet::from([task.clone()]), effects);
        self.start_task(task, view, effects);
        effects.push(Effect::Reply(id, Ok(Response::Done)));
        Ok(())
    }

    /// Writes a restart request; the workers act when they read it. The reply shows the plan.
    fn restart_with_plan(
        &self,
        id: RequestId,
        connector: &str,
        request: RestartRequest,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) -> HerderResult<()> {
        if !view.configs.contains(connector) {
            return Err(HerderError::not_found(format!(
                "Unknown connector: {connector}"
            )));
        }
        self.require_leader("Only the leader can process restart requests.")?;
        let Some(status) = view.statuses.connector(connector) else {
            return Err(HerderError::not_found(format!(
                "Status for connector {connector} not found"
            )));
        };
        let request = connect_store::RestartRequest {
            connector: connector.to_string(),
            only_failed: request.only_failed,
            include_tasks: request.include_tasks,
        };
        let plan = RestartPlan::new(&request, view);
        let mut info = state_info(status, view.statuses.tasks(connector), view);
        if plan.connector {
            info.connector.state = "RESTARTING".to_string();
        }
        for task in &mut info.tasks {
            if plan.tasks.iter().any(|planned| planned.task == task.id) {
                task.state = "RESTARTING".to_string();
            }
        }
        effects.push(Effect::Write(
            WriteReason::Request(id, PendingResponse::StateInfo(Box::new(info))),
            Write::Restart(request),
        ));
        Ok(())
    }

    /// Another worker runs the connector and cannot write the configurations of its tasks itself.
    fn put_task_configs(
        &self,
        id: RequestId,
        connector: String,
        configs: Vec<ConfigMap>,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) -> HerderResult<()> {
        self.require_leader("Only the leader may write task configurations.")?;
        if !view.configs.contains(&connector) {
            return Err(not_found(&connector));
        }
        let is_stopped = view.configs.target_state(&connector) == Some(TargetState::Stopped);
        if is_stopped && !configs.is_empty() {
            return Err(HerderError::bad_request(format!(
                "Cannot submit non-empty set of task configs for stopped connector {connector}"
            )));
        }
        effects.push(Effect::Write(
            WriteReason::Request(id, PendingResponse::Done),
            Write::TaskConfigs { connector, configs },
        ));
        Ok(())
    }
}

pub(super) fn not_found(connector: &str) -> HerderError {
    HerderError::not_found(format!("Connector {connector} not found"))
}

/// Another worker must answer; without its URL nobody can, for now.
fn forward_to(url: Option<&str>, reason: &str) -> HerderError {
    match url {
        Some(url) if !url.is_empty() => HerderError::new(
            HerderErrorKind::Forward {
                url: url.to_string(),
            },
            reason,
        ),
        _ => HerderError::conflict(NO_LEADER),
    }
}

/// `GET /connectors/{name}`.
pub(crate) fn connector_info(connector: &str, view: &View<'_>) -> HerderResult<ConnectorInfo> {
    let config = view
        .configs
        .raw_connector_config(connector)
        .ok_or_else(|| not_found(connector))?;
    Ok(ConnectorInfo {
        name: connector.to_string(),
        config: (**config).clone(),
        tasks: view
            .configs
            .tasks(connector)
            .into_iter()
            .map(|task| TaskName {
                connector: task.connector.to_string(),
                task: task.task,
            })
            .collect(),
        connector_type: type_of(connector, view),
    })
}

pub(super) fn type_of(connector: &str, view: &View<'_>) -> &'static str {
    view.configs
        .raw_connector_config(connector)
        .and_then(|config| config.get("connector.class"))
        .map_or("unknown", |class| (view.connector_type)(class.trim()))
}

/// `GET /connectors/{name}/status`.
pub(crate) fn connector_status(
    connector: &str,
    view: &View<'_>,
) -> HerderResult<ConnectorStateInfo> {
    let status = view.statuses.connector(connector).ok_or_else(|| {
        HerderError::not_found(format!("No status found for connector {connector}"))
    })?;
    Ok(state_info(status, view.statuses.tasks(connector), view))
}

fn state_info(
    connector: ConnectorStatus,
    tasks: Vec<TaskStatus>,
    view: &View<'_>,
) -> ConnectorStateInfo {
    let connector_type = type_of(&connector.connector, view);
    let Status {
        state,
        trace,
        worker_id,
        version,
        ..
    } = connector.status;
    ConnectorStateInfo {
        name: connector.connector,
        connector: ConnectorState {
            state: state.name().to_string(),
            worker_id,
            version: Some(version),
            trace: trace.filter(|trace| !trace.is_empty()),
        },
        tasks: tasks.into_iter().map(task_state).collect(),
        connector_type,
    }
}

/// `GET /connectors/{name}/tasks/{n}/status`.
pub(crate) fn task_state(status: TaskStatus) -> TaskState {
    let Status {
        state,
        trace,
        worker_id,
        version,
        ..
    } = status.status;
    TaskState {
        id: status.id.task,
        state: state.name().to_string(),
        worker_id,
        version: Some(version),
        trace: trace.filter(|trace| !trace.is_empty()),
    }
}

#[cfg(test)]
mod tests;
