//! The command loop: takes what happens, asks the [`Core`], and carries its effects out.

mod effects;
mod writing;

use crate::core::{
    Core, CoreConfig, ForwardError, Input, Outcome, Request, RequestId, Response, View,
};
use crate::face::{HerderError, HerderResult};
use crate::host::{HostEvent, WorkerHost};
use crate::peers::PeerClient;
use crate::signature::MacAlgorithm;
use crate::stage::Stage;
use connect_api::{Clock, ConnectError, Result};
use connect_kafka::group::{GroupEvent, GroupMembership, GroupProtocol, MemberAssignment};
use connect_store::{ConfigStore, ConfigUpdate, ConfigUpdates, StatusStore};
use connect_telemetry::logging::{Level, LogLevels};
use connect_telemetry::metrics::Metrics;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use writing::WritePrivilege;

pub(crate) use writing::FENCED_FROM_CONFIG_TOPIC;

/// A request on its way to the loop.
pub(crate) struct Command {
    pub(crate) request: Request,
    pub(crate) reply: oneshot::Sender<HerderResult<Response>>,
}

/// How many requests may wait for the loop.
pub(crate) const COMMAND_QUEUE_LEN: usize = 1024;

/// What the loop works with.
pub(crate) struct ShellParts {
    pub(crate) core: CoreConfig,
    pub(crate) worker_id: String,
    pub(crate) config_store: Arc<dyn ConfigStore>,
    pub(crate) status_store: Arc<dyn StatusStore>,
    pub(crate) host: Arc<dyn WorkerHost>,
    pub(crate) host_events: mpsc::UnboundedReceiver<HostEvent>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) log_levels: LogLevels,
    pub(crate) connector_type: Box<dyn Fn(&str) -> &'static str + Send + Sync>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) shutdown: watch::Receiver<bool>,
    pub(crate) stage: Arc<Stage>,
    /// Counts the turns of the loop, for those who wait for something to come about.
    pub(crate) progress: watch::Sender<u64>,
    /// Reaches the leader.
    pub(crate) peers: Arc<dyn PeerClient>,
    /// `inter.worker.signature.algorithm`.
    pub(crate) signature_algorithm: MacAlgorithm,
    /// Whether the group's protocol asks for signatures.
    pub(crate) requires_signatures: Arc<AtomicBool>,
}

pub(crate) struct Shell {
    parts: ShellParts,
    core: Core,
    group: Arc<dyn GroupMembership>,
    group_events: mpsc::Receiver<GroupEvent>,
    config_updates: ConfigUpdates,
    replies: HashMap<RequestId, oneshot::Sender<HerderResult<Response>>>,
    next_request: u64,
    /// Where the answers to the group go; it asks for one thing at a time.
    join_reply: Option<oneshot::Sender<Vec<GroupProtocol>>>,
    assignment_reply: Option<oneshot::Sender<Vec<MemberAssignment>>>,
    /// Task configurations on their way to the leader, at most one set of each connector.
    forwards: JoinSet<(String, Result<(), ForwardError>)>,
    /// Rounds of fencing, at most one of each connector.
    fencings: JoinSet<Outcome>,
    is_handed_over: bool,
    write_privilege: WritePrivilege,
    generation: i32,
    rebalance_started: Option<Duration>,
}

/// How long a worker that ends waits for the others to take its work over. They hear of it with their
/// next heartbeat, three seconds later at most by default.
const HANDOVER_TIMEOUT: Duration = Duration::from_secs(5);

/// A sign of life goes to the group at least this often.
const LIVENESS_INTERVAL: Duration = Duration::from_secs(10);

impl Shell {
    pub(crate) fn new(
        parts: ShellParts,
        group: Arc<dyn GroupMembership>,
        group_events: mpsc::Receiver<GroupEvent>,
    ) -> Result<Self> {
        let config_updates = parts.config_store.updates().ok_or_else(|| {
            ConnectError::fatal("the updates of the config store are read by another herder")
        })?;
        Ok(Self {
            core: Core::new(parts.core.clone()),
            parts,
            group,
            group_events,
            config_updates,
            replies: HashMap::new(),
            next_request: 0,
            join_reply: None,
            assignment_reply: None,
            forwards: JoinSet::new(),
            fencings: JoinSet::new(),
            is_handed_over: false,
            write_privilege: WritePrivilege::None,
            generation: -1,
            rebalance_started: None,
        })
    }

    /// Runs until shutdown is asked for, or the group refuses this worker for good.
    pub(crate) async fn run(mut self) -> Result<()> {
        self.process(Input::Started).await;
        let result = loop {
            match self.next_input().await {
                Ok(Some(input)) => {
                    self.group.poll_liveness();
                    self.process(input).await;
                    self.group.poll_liveness();
                    self.parts.progress.send_modify(|turns| *turns += 1);
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.refuse_requests();
        if result.is_ok() {
            self.hand_over().await;
        }
        self.shut_down().await;
        result
    }

    /// Requests that wait, here or in the queue, are answered before the work stops.
    fn refuse_requests(&mut self) {
        self.parts.commands.close();
        while let Ok(command) = self.parts.commands.try_recv() {
            let _ = command.reply.send(Err(shutting_down()));
        }
        for (_, reply) in self.replies.drain() {
            let _ = reply.send(Err(shutting_down()));
        }
    }

    /// Stops the work and has the group give it to others, if that does not take long.
    async fn hand_over(&mut self) {
        let stage = self.parts.stage.clone();
        let _stage = stage.enter("handing its work over");
        self.process(Input::Leave).await;
        let mut limit = self.parts.clock.sleep(HANDOVER_TIMEOUT);
        while !self.is_handed_over {
            let event = tokio::select! {
                biased;
                () = &mut limit => {
                    tracing::warn!(
                        "the group did not take this worker's work over within {} ms; it does so after \
                         scheduled.rebalance.max.delay.ms",
                        HANDOVER_TIMEOUT.as_millis()
                    );
                    return;
                }
                event = self.next_event() => event,
            };
            match event {
                Ok(input) => {
                    self.group.poll_liveness();
                    self.process(input).await;
                }
                Err(error) => {
                    tracing::warn!("this worker's work could not be handed over: {error}");
                    return;
                }
            }
        }
    }

    async fn next_input(&mut self) -> Result<Option<Input>> {
        let mut shutdown = self.parts.shutdown.clone();
        tokio::select! {
            biased;
            () = shutdown_asked(&mut shutdown) => Ok(None),
            event = self.next_event() => event.map(Some),
        }
    }

    async fn next_event(&mut self) -> Result<Input> {
        let now = self.parts.clock.monotonic();
        let wait = self
            .core
            .next_deadline()
            .map_or(LIVENESS_INTERVAL, |deadline| deadline.saturating_sub(now))
            .min(LIVENESS_INTERVAL);
        let sleep = self.parts.clock.sleep(wait);
        tokio::select! {
            biased;
            event = self.group_events.recv() => match event {
                Some(event) => self.on_group_event(event),
                None => Err(ConnectError::fatal("the membership of the group has ended")),
            },
            update = self.config_updates.recv() => match update {
                Some(update) => {
                    self.note_logger_level(&update);
                    Ok(Input::Config(update))
                }
                None => Err(ConnectError::fatal("the config topic is not read any more")),
            },
            Some(event) = self.parts.host_events.recv() => Ok(match event {
                HostEvent::ConnectorTransitioned(connector, result) => {
                    Input::Outcome(Outcome::ConnectorTransitioned(connector, result))
                }
                HostEvent::TaskConfigs(answer) => Input::Outcome(Outcome::TaskConfigs(answer)),
                HostEvent::TaskReconfigurationRequested(connector) => {
                    Input::TaskReconfigurationRequested(connector)
                }
                HostEvent::ValuesExpire(expiry) => Input::ValuesExpire(expiry),
                HostEvent::Failed(failure) => {
                    let host = &self.parts.host;
                    // It may have been stopped, and started again, since.
                    if host.has_failed(&failure.connector, failure.task.as_ref()) {
                        Input::Failed(failure)
                    } else {
                        Input::Tick
                    }
                }
            }),
            Some(forwarded) = self.forwards.join_next() => Ok(match forwarded {
                Ok((connector, result)) => {
                    Input::Outcome(Outcome::TaskConfigsForwarded(connector, result))
                }
                Err(error) => {
                    tracing::error!("task configurations were not forwarded: {error}");
                    Input::Tick
                }
            }),
            Some(fenced) = self.fencings.join_next() => Ok(match fenced {
                Ok(outcome) => Input::Outcome(outcome),
                Err(error) => {
                    tracing::error!("a round of fencing ended without a word: {error}");
                    Input::Tick
                }
            }),
            Some(command) = self.parts.commands.recv() => {
                let id = RequestId(self.next_request);
                self.next_request += 1;
                self.replies.insert(id, command.reply);
                Ok(Input::Request(id, command.request))
            }
            () = sleep => Ok(Input::Tick),
        }
    }

    /// A level that was set on all workers is nothing to decide about.
    fn note_logger_level(&self, update: &ConfigUpdate) {
        let ConfigUpdate::LoggerLevel { logger, level } = update else {
            return;
        };
        match Level::of_name(level) {
            Some(level) => {
                let now_ms = self.parts.clock.now_ms();
                self.parts.log_levels.set_namespace(logger, level, now_ms);
            }
            None => tracing::warn!(
                "The config topic has the level '{level}' for the logger {logger}, which is none; \
                 it is ignored"
            ),
        }
    }

    fn on_group_event(&mut self, event: GroupEvent) -> Result<Input> {
        Ok(match event {
            GroupEvent::PrepareJoin { reply } => {
                self.join_reply = Some(reply);
                self.rebalance_started
                    .get_or_insert_with(|| self.parts.clock.monotonic());
                self.parts.metrics.rebalance().record_started();
                Input::PrepareJoin
            }
            GroupEvent::PerformAssignment {
                generation,
                leader_id,
                protocol,
                members,
                reply,
            } => {
                self.assignment_reply = Some(reply);
                Input::PerformAssignment {
                    generation,
                    leader_id,
                    protocol,
                    members,
                }
            }
            GroupEvent::Assigned(assignment) => Input::Assigned(assignment),
            GroupEvent::CoordinatorLost { unreachable } => {
                tracing::warn!(
                    "no coordinator was reachable for {} ms",
                    unreachable.as_millis()
                );
                Input::CoordinatorLost
            }
            GroupEvent::Left { reason } => {
                tracing::warn!("this worker has left its group: {reason}; it joins again now");
                Input::Tick
            }
            GroupEvent::Fatal(error) => {
                return Err(ConnectError::fatal(error.to_string()));
            }
        })
    }

    async fn process(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let effects = {
                let snapshot = self.parts.config_store.snapshot();
                let view = View {
                    configs: &snapshot,
                    statuses: &*self.parts.status_store,
                    now: self.parts.clock.monotonic(),
                    now_ms: self.parts.clock.now_ms(),
                    connector_type: &*self.parts.connector_type,
                };
                self.core.handle(input, &view)
            };
            for effect in effects {
                if let Some(outcome) = self.carry_out(effect).await {
                    inputs.push_back(Input::Outcome(outcome));
                }
            }
        }
    }

    async fn shut_down(self) {
        let _stage = self.parts.stage.enter("shutting down");
        self.parts.host.shut_down().await;
        if let Err(error) = self.parts.status_store.flush().await {
            tracing::warn!("the last statuses could not be written: {error}");
        }
        self.group.shutdown("the worker is shutting down").await;
        self.parts.config_store.stop().await;
        self.parts.status_store.stop().await;
    }
}

async fn shutdown_asked(shutdown: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which ends the loop too.
    let _ = shutdown.wait_for(|stop| *stop).await;
}

pub(crate) fn shutting_down() -> HerderError {
    HerderError::internal("Worker is shutting down")
}
