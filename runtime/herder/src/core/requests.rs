//! What clients ask for.

use super::updates::RestartPlan;
use super::{
    Core, Effect, PendingResponse, Request, RequestId, Response, View, Write, WriteReason,
};
use crate::face::{
    ConnectorInfo, ConnectorState, ConnectorStateInfo, ConnectorTaskId as TaskName, HerderError,
    HerderErrorKind, HerderResult, RestartRequest, TaskState,
};
use connect_store::{ConnectorStatus, ConnectorTaskId, Status, TargetState, TaskStatus};
use std::collections::BTreeSet;

const NO_LEADER: &str = "Cannot complete request momentarily due to no known leader URL, likely \
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
        let Some(member) = &self.member else {
            // The group is forming: the request waits, bounded by the time limit of the REST API.
            self.deferred.push((id, request));
            return;
        };
        let leader_url = member.leader_url.clone();
        let is_leader = member.is_leader();
        let needs_leader = match &request {
            Request::RestartConnector { connector } => !self.running_connectors.contains(connector),
            Request::RestartTask { task } => !self.running_tasks.contains(task),
            _ => true,
        };
        if needs_leader && !is_leader {
            let error = if leader_url.is_empty() {
                HerderError::conflict(NO_LEADER)
            } else {
                HerderError::new(
                    HerderErrorKind::Forward { url: leader_url },
                    "another worker leads the group",
                )
            };
            effects.push(Effect::Reply(id, Err(error)));
            return;
        }
        if let Err(error) = self.try_request(id, request, view, effects) {
            effects.push(Effect::Reply(id, Err(error)));
        }
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
            Request::PutConnectorConfig {
                connector,
                config,
                initial_state,
                replace,
            } => {
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
                effects.push(Effect::Write(
                    WriteReason::Request(id, PendingResponse::Done),
                    Write::Stop { connector },
                ));
            }
            Request::RestartConnector { connector } => {
                self.restart_connector(id, &connector, view, effects)?;
            }
            Request::RestartConnectorAndTasks { connector, request } => {
                restart_with_plan(id, &connector, request, view, effects)?;
            }
            Request::RestartTask { task } => self.restart_task(id, &task, view, effects)?,
            Request::CheckStopped { connector } => {
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
            return Err(HerderError::conflict(
                "Cannot complete request because of a conflicting operation (e.g. worker rebalance)",
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
            return Err(HerderError::conflict(NO_LEADER));
        }
        self.stop(BTreeSet::new(), BTreeSet::from([task.clone()]), effects);
        self.start_task(task, view, effects);
        effects.push(Effect::Reply(id, Ok(Response::Done)));
        Ok(())
    }
}

fn not_found(connector: &str) -> HerderError {
    HerderError::not_found(format!("Connector {connector} not found"))
}

/// Writes a restart request; the workers act when they read it. The reply shows the plan.
fn restart_with_plan(
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

fn type_of(connector: &str, view: &View<'_>) -> &'static str {
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
mod tests {
    use super::super::{CoreConfig, Member};
    use super::*;
    use connect_api::config::ConfigMap;
    use connect_kafka::group::protocol::ConnectProtocol;
    use connect_store::{ConfigStore, MemoryConfigStore, MemoryStatusStore};
    use futures::FutureExt;
    use std::time::Duration;

    fn core(leader_id: &str) -> Core {
        let mut core = Core::new(CoreConfig {
            worker_url: "http://me:8083/".into(),
            protocol: ConnectProtocol::Sessioned,
            sync_timeout: Duration::from_secs(3),
            max_rebalance_delay: Duration::from_mins(5),
        });
        core.member = Some(Member {
            generation: 1,
            member_id: "me".into(),
            leader_id: leader_id.into(),
            leader_url: "http://leader:8083/".into(),
            protocol: ConnectProtocol::Sessioned,
            config_offset: 0,
        });
        core
    }

    /// What a core answers when it is asked whether the offsets of `c` may be changed.
    fn may_change_offsets(core: &mut Core, configs: &MemoryConfigStore) -> HerderResult<Response> {
        let snapshot = configs.snapshot();
        let view = View {
            configs: &snapshot,
            statuses: &MemoryStatusStore::new(),
            now: Duration::ZERO,
            connector_type: &|_| "source",
        };
        let request = Request::CheckStopped {
            connector: "c".to_string(),
        };
        let mut effects = Vec::new();
        core.on_request(RequestId(1), request, &view, &mut effects);
        match effects.pop() {
            Some(Effect::Reply(RequestId(1), answer)) if effects.is_empty() => answer,
            other => panic!("it was answered with {other:?}"),
        }
    }

    fn written<T>(future: impl Future<Output = connect_store::StoreResult<T>>) {
        let outcome = future.now_or_never().expect("memory does not wait");
        assert!(outcome.is_ok(), "memory takes it");
    }

    #[test]
    fn offsets_are_changed_by_the_leader_while_the_connector_is_stopped() {
        let configs = MemoryConfigStore::new();
        let mut leader = core("me");
        let unknown = Err(HerderError::not_found("Connector c not found"));
        assert_eq!(may_change_offsets(&mut leader, &configs), unknown);

        let config: ConfigMap = [("connector.class", "C")].into_iter().collect();
        written(configs.put_connector_config("c", &config, None));
        let must_stop = Err(HerderError::bad_request(
            "Connectors must be in the STOPPED state before their offsets can be modified. This can \
             be done for the specified connector by issuing a 'PUT' request to the \
             '/connectors/c/stop' endpoint",
        ));
        for state in [TargetState::Started, TargetState::Paused] {
            written(configs.put_target_state("c", state));
            assert_eq!(may_change_offsets(&mut leader, &configs), must_stop);
        }
        written(configs.put_task_configs("c", std::slice::from_ref(&config)));
        written(configs.put_target_state("c", TargetState::Stopped));
        assert_eq!(may_change_offsets(&mut leader, &configs), must_stop);
        written(configs.put_task_configs("c", &[]));
        assert_eq!(
            may_change_offsets(&mut leader, &configs),
            Ok(Response::Done)
        );

        // A task of it that is still to be stopped here.
        leader.running_tasks.insert(ConnectorTaskId {
            connector: "c".into(),
            task: 0,
        });
        let stale = Err(HerderError::conflict(STALE_CONFIGURATION));
        assert_eq!(may_change_offsets(&mut leader, &configs), stale);

        let forwarded = may_change_offsets(&mut core("other"), &configs);
        let kind = forwarded.expect_err("another worker leads").kind;
        assert!(matches!(kind, HerderErrorKind::Forward { url } if url == "http://leader:8083/"));
    }
}
