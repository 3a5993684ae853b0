//! What a herder decides: a state machine from inputs to effects.
//!
//! [`Core::handle`] takes one input at a time and returns what is to be done, in order. It never waits,
//! asks no clock and touches no client; all that it sees of the world is in the [`View`] that comes with
//! each input. The shell (`crate::shell`) carries the effects out and feeds their outcomes back, and a
//! simulation can do so in its place.
//!
//! The same machine serves a standalone worker: its group has one member and its store is memory.

mod assignor;
mod catching_up;
mod changed_tasks;
#[cfg(test)]
mod cluster_tests;
mod fencing;
mod leading;
mod leaving;
mod messages;
mod obsolete_statuses;
mod rebalance;
mod requests;
mod restarting;
mod session_keys;
mod task_configs;
#[cfg(test)]
mod tests;
mod updates;
mod values;
mod work;

use crate::face::{Created, HerderError};
use crate::restart_policy::RestartPolicy;
use connect_kafka::group::protocol::{ConnectProtocol, ConnectorsAndTasks};
use connect_store::{ConnectorTaskId, TargetState};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use assignor::CooperativeAssignor;
use catching_up::CatchUp;
use changed_tasks::StartedWith;
#[cfg(test)]
pub(crate) use changed_tasks::concerns_tasks;
use fencing::Fencings;
use leading::Owners;
use leaving::Departure;
pub(crate) use messages::{
    Effect, ForwardError, Input, Outcome, PendingResponse, Request, RequestId, Response, View,
    Write, WriteReason,
};
pub use messages::{GenerateError, TaskConfigsAnswer};
pub(crate) use obsolete_statuses::ObsoleteStatuses;
use rebalance::PendingAssignment;
pub(crate) use requests::{connector_info, connector_status, task_state};
use restarting::Restarts;
pub(crate) use session_keys::SessionKeyConfig;
use session_keys::SessionKeys;
use task_configs::{Inquiries, LastAnswers, Retry};

/// The settings that the core decides by.
#[derive(Clone, Debug)]
pub(crate) struct CoreConfig {
    /// The advertised URL of this worker, with a slash at its end.
    pub(crate) worker_url: String,
    /// `host:port` of it, as statuses have it.
    pub(crate) worker_id: String,
    /// `connect.protocol`.
    pub(crate) protocol: ConnectProtocol,
    /// `worker.sync.timeout.ms`.
    pub(crate) sync_timeout: Duration,
    /// `scheduled.rebalance.max.delay.ms`.
    pub(crate) max_rebalance_delay: Duration,
    /// `worker.unsync.backoff.ms`.
    pub(crate) unsync_backoff: Duration,
    /// `inter.worker.key.*`.
    pub(crate) session_keys: SessionKeyConfig,
    /// Whether other workers may write to the topics that this one reads.
    pub(crate) is_distributed: bool,
    /// `dovetail.leave.handover.enable`.
    pub(crate) hands_over: bool,
    /// `dovetail.restart.*`.
    pub(crate) restarts: RestartPolicy,
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
    /// Whether the last rebalance has come to its end: the work that it gave has been started, and no
    /// other one has begun.
    is_settled: bool,
    /// Whether a rebalance was asked for that has not begun.
    is_rejoin_wanted: bool,
    /// The config offset that this worker told when it joined last.
    offset_at_join: i64,
    /// Who runs what by the last assignment that this worker made as the leader.
    owners: Owners,
    /// How many workers took part in that.
    num_members: usize,
    session_keys: SessionKeys,
    /// An assignment whose work waits for the config topic.
    pending_assignment: Option<PendingAssignment>,
    /// What was told to start and not to stop.
    running_connectors: BTreeSet<String>,
    running_tasks: BTreeSet<ConnectorTaskId>,
    started_with: StartedWith,
    /// The connectors that the herder knew when it looked last: others are new.
    known_connectors: HashSet<String>,
    /// Requests that wait for the group to form.
    deferred: Vec<(RequestId, Request)>,
    /// Requests that wait for a connector to have started.
    waiting_for_start: BTreeMap<String, Vec<RequestId>>,
    /// When to try again to configure tasks.
    retries: HashMap<String, Retry>,
    /// What connectors were asked about their tasks and have not answered.
    inquiries: Inquiries,
    last_answers: LastAnswers,
    /// Connectors to ask for their tasks' configurations once the group has formed.
    reconfigurations: BTreeSet<String>,
    /// Connectors whose task configurations are on their way to the leader, and whether there are newer
    /// ones by now.
    forwards: BTreeMap<String, bool>,
    fencings: Fencings,
    catch_up: CatchUp,
    departure: Departure,
    /// When to look whether statuses say what runs here.
    status_check: Option<Duration>,
    expiries: values::Expiries,
    restarts: Restarts,
    scheduled_rebalance: Option<Duration>,
}

impl Core {
    pub(crate) fn new(config: CoreConfig) -> Self {
        Self {
            assignor: CooperativeAssignor::new(config.max_rebalance_delay),
            is_settled: false,
            is_rejoin_wanted: false,
            offset_at_join: connect_store::NO_CONFIG_OFFSET,
            owners: Owners::default(),
            num_members: 0,
            session_keys: SessionKeys::default(),
            inquiries: Inquiries::default(),
            last_answers: LastAnswers::default(),
            reconfigurations: BTreeSet::new(),
            forwards: BTreeMap::new(),
            fencings: Fencings::default(),
            catch_up: CatchUp::default(),
            departure: Departure::No,
            status_check: None,
            config,
            member: None,
            last_completed_generation: -1,
            assignment: ConnectorsAndTasks::default(),
            pending_assignment: None,
            running_connectors: BTreeSet::new(),
            running_tasks: BTreeSet::new(),
            started_with: StartedWith::default(),
            known_connectors: HashSet::new(),
            deferred: Vec::new(),
            waiting_for_start: BTreeMap::new(),
            retries: HashMap::new(),
            expiries: values::Expiries::default(),
            restarts: Restarts::default(),
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
            Input::Leave => self.on_leave(view, &mut effects),
            Input::CoordinatorLost => self.on_coordinator_lost(view, &mut effects),
            Input::Config(update) => self.on_config_update(update, view, &mut effects),
            Input::TaskReconfigurationRequested(connector) => {
                self.generate_task_configs(&connector, view, &mut effects);
            }
            Input::Failed(failure) => self.on_failed(failure, view),
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
            .chain(self.restarts.next())
            .chain(self.session_keys.next_check())
            .chain(self.catch_up.next_try())
            .chain(self.status_check)
            .min()
    }

    fn on_tick(&mut self, view: &View<'_>, effects: &mut Vec<Effect>) {
        if self
            .scheduled_rebalance
            .is_some_and(|time| view.now >= time)
        {
            self.scheduled_rebalance = None;
            self.request_rejoin("the delay of a scheduled rebalance is over", effects);
        }
        self.catch_up_if_due(view.now, effects);
        self.check_session_key(view, effects);
        self.check_statuses(view, effects);
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
        self.restart_failed(view, effects);
    }

    fn on_outcome(&mut self, outcome: Outcome, view: &View<'_>, effects: &mut Vec<Effect>) {
        match outcome {
            Outcome::Resumed(id, request) => self.on_request(id, request, view, effects),
            Outcome::Refreshed(result) => self.on_refreshed(result, view, effects),
            Outcome::RefreshedToFence(round, result) => {
                self.on_refreshed_to_fence(round, result, view, effects);
            }
            Outcome::ProducersFenced(round, result) => {
                self.on_producers_fenced(round, result, effects);
            }
            Outcome::Written(reason, result) => self.on_written(reason, result, view, effects),
            Outcome::ConnectorTransitioned(connector, result) => {
                self.on_connector_transitioned(&connector, result, view, effects);
            }
            Outcome::TaskConfigsForwarded(connector, result) => {
                self.on_task_configs_forwarded(&connector, result, view, effects);
            }
            Outcome::TaskConfigs(answer) => self.on_task_configs(answer, view, effects),
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
            (WriteReason::TaskCount(round), result) => {
                self.on_task_count_written(&round, result, effects);
            }
            (WriteReason::SessionKey, result) => self.on_session_key_written(result, view),
        }
    }
}
