//! What a herder decides: a state machine from inputs to effects.
//!
//! [`Core::handle`] takes one input at a time and returns what is to be done, in order. It never waits,
//! asks no clock and touches no client; all that it sees of the world is in the [`View`] that comes with
//! each input. The shell (`crate::shell`) carries the effects out and feeds their outcomes back, and a
//! simulation can do so in its place.
//!
//! The same machine serves a standalone worker: its group has one member and its store is memory.

mod assignor;
mod rebalance;
mod requests;
#[cfg(test)]
mod tests;
mod updates;
mod values;

use crate::face::{ConnectorInfo, ConnectorStateInfo, Created, HerderError, RestartRequest};
use crate::host::ValuesExpiry;
use connect_api::config::ConfigMap;
use connect_kafka::group::protocol::{ConnectProtocol, ConnectorsAndTasks};
use connect_kafka::group::{GroupAssignment, GroupProtocol, MemberAssignment, MemberMetadata};
use connect_store::{ClusterConfigState, ConfigUpdate, ConnectorTaskId, StatusStore, TargetState};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use assignor::CooperativeAssignor;
use rebalance::PendingAssignment;
pub(crate) use requests::{connector_info, connector_status, task_state};

/// What the core sees of the world while it handles an input.
pub(crate) struct View<'a> {
    /// What has been read of the config topic.
    pub(crate) configs: &'a ClusterConfigState,
    /// What has been read of the status topic.
    pub(crate) statuses: &'a dyn StatusStore,
    /// The time, on a clock that never goes back.
    pub(crate) now: Duration,
    /// `source`, `sink` or `unknown` for a connector class.
    pub(crate) connector_type: &'a dyn Fn(&str) -> &'static str,
}

/// Names a request that waits for a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RequestId(pub(crate) u64);

/// What clients ask for, if it has to go through the command loop.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    PutConnectorConfig {
        connector: String,
        config: ConfigMap,
        initial_state: Option<TargetState>,
        replace: bool,
    },
    DeleteConnector {
        connector: String,
    },
    StopConnector {
        connector: String,
    },
    RestartConnector {
        connector: String,
    },
    RestartConnectorAndTasks {
        connector: String,
        request: RestartRequest,
    },
    RestartTask {
        task: ConnectorTaskId,
    },
    /// Whether the offsets of the connector may be changed now.
    CheckStopped {
        connector: String,
    },
    /// Answered as soon as the loop comes to it.
    Health,
}

/// What a request was answered with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Response {
    Done,
    ConnectorInfo(Created<ConnectorInfo>),
    StateInfo(ConnectorStateInfo),
}

/// What the core is told.
#[derive(Debug)]
pub(crate) enum Input {
    /// The stores have been read; the group is about to be joined.
    Started,
    /// A client asks for something.
    Request(RequestId, Request),
    /// The member is about to join: answer with [`Effect::JoinReply`].
    PrepareJoin,
    /// The member leads: answer with [`Effect::AssignmentReply`].
    PerformAssignment {
        generation: i32,
        leader_id: String,
        protocol: String,
        members: Vec<MemberMetadata>,
    },
    /// The rebalance is complete.
    Assigned(GroupAssignment),
    /// The group may have given the work to others.
    CoordinatorLost,
    /// Something was read from the config topic.
    Config(ConfigUpdate),
    /// A connector asks for its tasks to be configured anew.
    TaskReconfigurationRequested(String),
    /// What is being started has values of a config provider that hold for this time only.
    ValuesExpire(ValuesExpiry),
    /// An effect was carried out.
    Outcome(Outcome),
    /// Time has moved on.
    Tick,
}

/// What became of an effect.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Of [`Effect::Refresh`].
    Refreshed(Result<(), String>),
    /// Of [`Effect::Write`].
    Written(WriteReason, Result<(), HerderError>),
    /// Of [`Effect::StartConnector`] and [`Effect::TransitionConnector`]: the state that it is in now.
    ConnectorTransitioned(String, Result<TargetState, String>),
    /// Of [`Effect::GenerateTaskConfigs`]; a failure may be worth another try.
    TaskConfigs(String, Result<Vec<ConfigMap>, GenerateError>),
}

/// Why there are no task configurations.
#[derive(Clone, Debug)]
pub struct GenerateError {
    /// What went wrong.
    pub message: String,
    /// Whether another try may help.
    pub retry: bool,
}

/// Why something is written to the config topic.
#[derive(Clone, Debug)]
pub(crate) enum WriteReason {
    /// A client asked for it and gets this response.
    Request(RequestId, PendingResponse),
    /// A connector's tasks were configured anew.
    TaskConfigs(String),
}

/// A response that is made once the write is done.
#[derive(Clone, Debug)]
pub(crate) enum PendingResponse {
    Done,
    ConnectorInfo {
        connector: String,
        /// In the order in which the client gave it, which the reply keeps.
        config: Box<ConfigMap>,
        created: bool,
    },
    StateInfo(Box<ConnectorStateInfo>),
}

/// A write to the config topic.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Connector {
        connector: String,
        config: ConfigMap,
        target_state: Option<TargetState>,
    },
    RemoveConnector {
        connector: String,
    },
    TaskConfigs {
        connector: String,
        configs: Vec<ConfigMap>,
    },
    /// No tasks first, then the target state: no reader sees a stopped connector with tasks.
    Stop {
        connector: String,
    },
    Restart(connect_store::RestartRequest),
}

/// What is to be done. Effects are carried out in order; those that take time (writes, refreshes,
/// stops) hold up the ones behind them, the others only begin.
#[derive(Debug)]
pub(crate) enum Effect {
    Reply(RequestId, Result<Response, HerderError>),
    JoinReply(Vec<GroupProtocol>),
    AssignmentReply(Vec<MemberAssignment>),
    RequestRejoin(String),
    /// This worker's place in the group has changed; statuses carry the generation from now on.
    MembershipChanged {
        generation: i32,
        is_leader: bool,
        leader_url: String,
        protocol: ConnectProtocol,
    },
    /// Reads the config topic to its end.
    Refresh {
        timeout: Duration,
    },
    Write(WriteReason, Write),
    StartConnector {
        connector: String,
        config: Arc<ConfigMap>,
        target_state: TargetState,
    },
    TransitionConnector {
        connector: String,
        target_state: TargetState,
    },
    StopConnectors(Vec<String>),
    StartTask {
        task: ConnectorTaskId,
        connector_config: Arc<ConfigMap>,
        task_config: Arc<ConfigMap>,
        target_state: TargetState,
    },
    SetTaskTargetState {
        task: ConnectorTaskId,
        target_state: TargetState,
    },
    StopTasks(Vec<ConnectorTaskId>),
    GenerateTaskConfigs {
        connector: String,
        config: Arc<ConfigMap>,
    },
    /// Writes RESTARTING for what was stopped to be started again.
    MarkRestarting {
        connector: Option<String>,
        tasks: Vec<ConnectorTaskId>,
    },
    /// Removes the statuses of what is not configured any more.
    CleanStatuses,
    /// Forgets the topics that deleted connectors have used.
    ForgetTopics(String),
}

/// The settings that the core decides by.
#[derive(Clone, Debug)]
pub(crate) struct CoreConfig {
    /// The advertised URL of this worker, with a slash at its end.
    pub(crate) worker_url: String,
    /// `connect.protocol`.
    pub(crate) protocol: ConnectProtocol,
    /// `worker.sync.timeout.ms`.
    pub(crate) sync_timeout: Duration,
    /// `scheduled.rebalance.max.delay.ms`.
    pub(crate) max_rebalance_delay: Duration,
}

/// This worker's place in the group.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) generation: i32,
    pub(crate) member_id: String,
    pub(crate) leader_id: String,
    pub(crate) leader_url: String,
    pub(crate) protocol: ConnectProtocol,
    pub(crate) config_offset: i64,
}

impl Member {
    pub(crate) fn is_leader(&self) -> bool {
        self.member_id == self.leader_id
    }
}

/// The state machine of a herder.
pub(crate) struct Core {
    config: CoreConfig,
    member: Option<Member>,
    /// The last generation that this worker took part in to its end; -1 before the first one.
    last_completed_generation: i32,
    /// What this worker remembers of its rounds as the leader.
    assignor: CooperativeAssignor,
    /// What this worker owns by the last assignments.
    assignment: ConnectorsAndTasks,
    /// An assignment whose work waits for the config topic.
    pending_assignment: Option<PendingAssignment>,
    /// What was told to start and not to stop.
    running_connectors: BTreeSet<String>,
    running_tasks: BTreeSet<ConnectorTaskId>,
    /// The connectors that the herder knew when it looked last: others are new.
    known_connectors: HashSet<String>,
    /// Requests that wait for the group to form.
    deferred: Vec<(RequestId, Request)>,
    /// Requests that wait for a connector to have started.
    waiting_for_start: BTreeMap<String, Vec<RequestId>>,
    /// When to try again to configure tasks.
    retries: HashMap<String, Retry>,
    expiries: values::Expiries,
    scheduled_rebalance: Option<Duration>,
}

struct Retry {
    at: Duration,
    delay: Duration,
}

const RECONFIGURE_DELAY_MIN: Duration = Duration::from_millis(250);
const RECONFIGURE_DELAY_MAX: Duration = Duration::from_mins(1);

impl Core {
    pub(crate) fn new(config: CoreConfig) -> Self {
        Self {
            assignor: CooperativeAssignor::new(config.max_rebalance_delay),
            config,
            member: None,
            last_completed_generation: -1,
            assignment: ConnectorsAndTasks::default(),
            pending_assignment: None,
            running_connectors: BTreeSet::new(),
            running_tasks: BTreeSet::new(),
            known_connectors: HashSet::new(),
            deferred: Vec::new(),
            waiting_for_start: BTreeMap::new(),
            retries: HashMap::new(),
            expiries: values::Expiries::default(),
            scheduled_rebalance: None,
        }
    }

    /// Takes an input and returns what is to be done.
    pub(crate) fn handle(&mut self, input: Input, view: &View<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Started => {
                self.known_connectors = view.configs.connectors().map(str::to_string).collect();
            }
            Input::Request(id, request) => self.on_request(id, request, view, &mut effects),
            Input::PrepareJoin => self.on_prepare_join(view, &mut effects),
            Input::PerformAssignment {
                generation,
                leader_id,
                protocol,
                members,
            } => self.on_perform_assignment(
                generation,
                leader_id,
                protocol,
                members,
                view,
                &mut effects,
            ),
            Input::Assigned(assignment) => self.on_assigned(&assignment, view, &mut effects),
            Input::CoordinatorLost => self.on_coordinator_lost(&mut effects),
            Input::Config(update) => self.on_config_update(update, view, &mut effects),
            Input::TaskReconfigurationRequested(connector) => {
                self.generate_task_configs(&connector, view, &mut effects);
            }
            Input::ValuesExpire(expiry) => self.on_values_expire(expiry, view.now),
            Input::Outcome(outcome) => self.on_outcome(outcome, view, &mut effects),
            Input::Tick => self.on_tick(view, &mut effects),
        }
        effects
    }

    /// When [`Input::Tick`] is due next.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.retries
            .values()
            .map(|retry| retry.at)
            .chain(self.scheduled_rebalance)
            .chain(self.expiries.next())
            .min()
    }

    fn on_tick(&mut self, view: &View<'_>, effects: &mut Vec<Effect>) {
        if self
            .scheduled_rebalance
            .is_some_and(|time| view.now >= time)
        {
            self.scheduled_rebalance = None;
            effects.push(Effect::RequestRejoin(
                "the delay of a scheduled rebalance is over".to_string(),
            ));
        }
        let due: Vec<String> = self
            .retries
            .iter()
            .filter(|(_, retry)| view.now >= retry.at)
            .map(|(connector, _)| connector.clone())
            .collect();
        for connector in due {
            if let Some(retry) = self.retries.get_mut(&connector) {
                // It stays for its delay until the configuration succeeds.
                retry.at = Duration::MAX;
            }
            self.generate_task_configs(&connector, view, effects);
        }
        self.restart_expired(view, effects);
    }

    fn on_outcome(&mut self, outcome: Outcome, view: &View<'_>, effects: &mut Vec<Effect>) {
        match outcome {
            Outcome::Refreshed(result) => self.on_refreshed(result, view, effects),
            Outcome::Written(reason, result) => self.on_written(reason, result, view, effects),
            Outcome::ConnectorTransitioned(connector, result) => {
                self.on_connector_transitioned(&connector, result, view, effects);
            }
            Outcome::TaskConfigs(connector, result) => {
                self.on_task_configs(&connector, result, view, effects);
            }
        }
    }

    fn on_connector_transitioned(
        &mut self,
        connector: &str,
        result: Result<TargetState, String>,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let waiting = self.waiting_for_start.remove(connector).unwrap_or_default();
        for id in waiting {
            effects.push(Effect::Reply(
                id,
                match &result {
                    Ok(_) => Ok(Response::Done),
                    Err(_) => Err(HerderError::internal(format!(
                        "Failed to start connector: {connector}"
                    ))),
                },
            ));
        }
        if matches!(result, Ok(TargetState::Started)) {
            self.generate_task_configs(connector, view, effects);
        }
    }

    /// Asks a running connector, which is wanted to run, how its tasks are to be configured.
    fn generate_task_configs(
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
            });
        }
    }

    fn on_task_configs(
        &mut self,
        connector: &str,
        result: Result<Vec<ConfigMap>, GenerateError>,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let configs = match result {
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
        // The wish may have changed while the connector was thinking.
        if view.configs.target_state(connector) != Some(TargetState::Started) {
            return;
        }
        let configs = values::with_variables(view.configs.raw_connector_config(connector), configs);
        if !task_configs_changed(connector, &configs, view.configs) {
            tracing::debug!(
                connector,
                "the configurations of its tasks have not changed"
            );
            self.retries.remove(connector);
            return;
        }
        match &self.member {
            Some(member) if member.is_leader() => effects.push(Effect::Write(
                WriteReason::TaskConfigs(connector.to_string()),
                Write::TaskConfigs {
                    connector: connector.to_string(),
                    configs,
                },
            )),
            Some(member) => {
                let reason = format!(
                    "the configurations of its tasks must be written by the leader at {}, to which \
                     this worker does not forward them yet",
                    member.leader_url
                );
                self.retry_later(connector, &reason, view.now);
            }
            None => self.retry_later(connector, "the group has no leader now", view.now),
        }
    }

    fn retry_later(&mut self, connector: &str, reason: &str, now: Duration) {
        let delay = self
            .retries
            .get(connector)
            .map_or(RECONFIGURE_DELAY_MIN, |retry| {
                (retry.delay * 2).min(RECONFIGURE_DELAY_MAX)
            });
        tracing::error!(
            connector,
            delay_ms = delay.as_millis() as u64,
            "Failed to reconfigure connector's tasks ({connector}), retrying after backoff: {reason}"
        );
        self.retries.insert(
            connector.to_string(),
            Retry {
                at: now + delay,
                delay,
            },
        );
    }

    fn on_written(
        &mut self,
        reason: WriteReason,
        result: Result<(), HerderError>,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        match (reason, result) {
            (WriteReason::Request(id, _), Err(error)) => {
                effects.push(Effect::Reply(id, Err(error)));
            }
            (WriteReason::Request(id, response), Ok(())) => {
                let response = match response {
                    PendingResponse::Done => Ok(Response::Done),
                    PendingResponse::StateInfo(info) => Ok(Response::StateInfo(*info)),
                    PendingResponse::ConnectorInfo {
                        connector,
                        config,
                        created,
                    } => requests::connector_info(&connector, view).map(|mut result| {
                        result.config = *config;
                        Response::ConnectorInfo(Created { created, result })
                    }),
                };
                effects.push(Effect::Reply(id, response));
            }
            (WriteReason::TaskConfigs(connector), Err(error)) => {
                self.retry_later(&connector, &error.message, view.now);
            }
            (WriteReason::TaskConfigs(connector), Ok(())) => {
                self.retries.remove(&connector);
            }
        }
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
