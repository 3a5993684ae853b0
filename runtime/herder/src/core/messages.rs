//! What passes between the core and the world: inputs in, effects out.

use super::fencing::FencingRound;
use crate::face::{ConnectorInfo, ConnectorStateInfo, Created, HerderError, RestartRequest};
use crate::host::{Failure, ValuesExpiry};
use connect_api::config::ConfigMap;
use connect_kafka::group::protocol::ConnectProtocol;
use connect_kafka::group::{GroupAssignment, GroupProtocol, MemberAssignment, MemberMetadata};
use connect_store::{ClusterConfigState, ConfigUpdate, ConnectorTaskId, StatusStore, TargetState};
use std::sync::Arc;
use std::time::Duration;

/// What the core sees of the world while it handles an input.
pub(crate) struct View<'a> {
    /// What has been read of the config topic.
    pub(crate) configs: &'a ClusterConfigState,
    /// What has been read of the status topic.
    pub(crate) statuses: &'a dyn StatusStore,
    /// The time, on a clock that never goes back.
    pub(crate) now: Duration,
    /// The time of day, in milliseconds since the epoch.
    pub(crate) now_ms: i64,
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
    /// Another worker sends how the tasks of its connector are configured.
    PutTaskConfigs {
        connector: String,
        configs: Vec<ConfigMap>,
    },
    /// A worker is about to start a task of an exactly-once source.
    FenceZombies {
        connector: String,
    },
    /// Whether such a task may go on, which was started with the configurations of this generation.
    VerifyTask {
        task: ConnectorTaskId,
        generation: i32,
    },
    /// Whether the offsets of the connector may be changed now.
    CheckStopped {
        connector: String,
    },
    /// Done if this worker leads: what is read after that is what the leader would write over.
    Lead,
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
    /// The worker is about to end: answered with [`Effect::HandedOver`].
    Leave,
    /// Something was read from the config topic.
    Config(ConfigUpdate),
    /// A connector asks for its tasks to be configured anew.
    TaskReconfigurationRequested(String),
    /// The instance that was started last has failed.
    Failed(Failure),
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
    /// Of [`Effect::Resume`].
    Resumed(RequestId, Request),
    /// Of [`Effect::Refresh`].
    Refreshed(Result<(), String>),
    /// Of [`Effect::RefreshToFence`].
    RefreshedToFence(FencingRound, Result<(), String>),
    /// Of [`Effect::FenceProducers`].
    ProducersFenced(FencingRound, Result<(), String>),
    /// Of [`Effect::Write`].
    Written(WriteReason, Result<(), HerderError>),
    /// Of [`Effect::StartConnector`] and [`Effect::TransitionConnector`]: the state that it is in now.
    ConnectorTransitioned(String, Result<TargetState, String>),
    /// Of [`Effect::ForwardTaskConfigs`].
    TaskConfigsForwarded(String, Result<(), ForwardError>),
    /// Of [`Effect::GenerateTaskConfigs`]; a failure may be worth another try.
    TaskConfigs(TaskConfigsAnswer),
}

/// How a connector says its tasks are to be configured, or why it does not say so.
#[derive(Clone, Debug)]
pub struct TaskConfigsAnswer {
    /// The connector.
    pub connector: String,
    /// The number of the inquiry that it answers: those of earlier ones may come late.
    pub inquiry: u64,
    /// The configurations, complete as they are to be stored.
    pub result: Result<Vec<ConfigMap>, GenerateError>,
}

/// Why there are no task configurations.
#[derive(Clone, Debug)]
pub struct GenerateError {
    /// What went wrong.
    pub message: String,
    /// Whether another try may help.
    pub retry: bool,
}

/// Why the leader did not take task configurations.
#[derive(Clone, Debug)]
pub(crate) struct ForwardError {
    pub(crate) message: String,
    /// The leader refused the signature: the key may have changed on the way.
    pub(crate) is_forbidden: bool,
}

/// Why something is written to the config topic.
#[derive(Clone, Debug)]
pub(crate) enum WriteReason {
    /// A client asked for it and gets this response.
    Request(RequestId, PendingResponse),
    /// A connector's tasks were configured anew.
    TaskConfigs(String),
    /// Producers of earlier tasks are fenced.
    TaskCount(FencingRound),
    /// The leader hands out a key.
    SessionKey,
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
    /// A new key, made of randomness that this side has not.
    SessionKey,
    /// For how many tasks producers count as fenced.
    TaskCount {
        connector: String,
        num_tasks: i32,
    },
}

/// What is to be done. Effects are carried out in order; those that take time (writes, refreshes,
/// stops) hold up the ones behind them, the others only begin.
#[derive(Debug)]
pub(crate) enum Effect {
    Reply(RequestId, Result<Response, HerderError>),
    /// Hands a request that has waited back as [`Outcome::Resumed`], so that it sees what those before it
    /// have written.
    Resume(RequestId, Request),
    JoinReply(Vec<GroupProtocol>),
    AssignmentReply(Vec<MemberAssignment>),
    RequestRejoin(String),
    /// Leaves the group; work in hand goes on. A rejoin must be asked for.
    LeaveGroup(String),
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
    /// The same, for a round of fencing.
    RefreshToFence {
        round: FencingRound,
        timeout: Duration,
    },
    /// Begins to fence the producers of so many tasks of a connector.
    FenceProducers {
        round: FencingRound,
        config: Arc<ConfigMap>,
        num_tasks: i32,
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
        /// The number of the set of configurations that this one belongs to.
        generation: i32,
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
        /// Comes back with the answer.
        inquiry: u64,
    },
    /// Sends task configurations to the leader, which alone may write them.
    ForwardTaskConfigs {
        connector: String,
        leader_url: String,
        configs: Vec<ConfigMap>,
    },
    /// Writes the statuses of these once more: what the topic shows is another worker's late word.
    RepeatStatuses {
        connectors: Vec<String>,
        tasks: Vec<ConnectorTaskId>,
    },
    /// Nothing runs here any more, and what did is others' by now, if they could take it: the group can
    /// be left.
    HandedOver,
    /// Waits until the statuses of what was stopped are durable: others may write theirs next.
    FlushStatuses,
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
