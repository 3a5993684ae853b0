//! A worker of the simulation: the core under test, with everything around it in memory.

use super::super::{
    Core, CoreConfig, Effect, GenerateError, Input, ObsoleteStatuses, Outcome, Request, RequestId,
    Response, SessionKeyConfig, TaskConfigsAnswer, View, Write,
};
use super::broker::Call;
use super::statuses::SimStatuses;
use crate::face::{HerderError, HerderResult};
use crate::host::Failure;
use crate::restart_policy::RestartPolicy;
use crate::signature::MacAlgorithm;
use bytes::Bytes;
use connect_api::config::ConfigMap;
use connect_kafka::group::protocol::ConnectProtocol;
use connect_kafka::group::{GroupProtocol, MemberAssignment};
use connect_kafka::log::{MemoryLog, MemoryTopic};
use connect_store::{
    ConfigStore, ConfigUpdates, ConnectorStatus, ConnectorTaskId, KafkaConfigStore, SessionKey,
    State, Status, StatusStore, StoreResult, TargetState, TaskStatus,
};
use futures::FutureExt;
use rand::rngs::StdRng;
use rand::{Rng, RngExt};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// What a worker asks of the world.
pub(super) enum Act {
    Join(Vec<GroupProtocol>),
    Assign(Vec<MemberAssignment>),
    Rejoin,
    Leave,
    HandedOver,
    /// Something was written to the config topic.
    Wrote,
    /// The host tells this in a while.
    Later(Input),
    Forward {
        connector: String,
        leader_url: String,
        configs: Vec<ConfigMap>,
    },
    Reply(RequestId, HerderResult<Response>),
}

/// Where the client of the group stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// A member, or about to be one.
    Resting,
    /// The core was asked for its metadata.
    Preparing,
    Joining,
    /// The core was asked for the assignments.
    Performing,
    Syncing,
    /// Has left, and waits for a wish to rejoin.
    Out,
}

pub(super) struct GroupClient {
    pub(super) member_id: Option<String>,
    pub(super) generation: Option<(i32, String)>,
    pub(super) leader_id: String,
    pub(super) phase: Phase,
    pub(super) must_rejoin: bool,
    /// The core has asked for a rebalance since it was asked for metadata last.
    pub(super) wants_rejoin: bool,
    pub(super) holds_assignment: bool,
    pub(super) unreachable_since: Option<Duration>,
    pub(super) awaits: Option<Call>,
}

impl GroupClient {
    fn new() -> Self {
        Self {
            member_id: None,
            generation: None,
            leader_id: String::new(),
            phase: Phase::Resting,
            must_rejoin: true,
            wants_rejoin: false,
            holds_assignment: false,
            unreachable_since: None,
            awaits: None,
        }
    }
}

pub(super) struct RunningTask {
    pub(super) connector_config: Arc<ConfigMap>,
    pub(super) config: Arc<ConfigMap>,
    pub(super) target_state: TargetState,
}

pub(super) struct Worker {
    pub(super) index: usize,
    pub(super) url: String,
    /// Counts its starts; what was meant for an earlier one is lost.
    pub(super) life: u32,
    pub(super) is_alive: bool,
    pub(super) is_cut_off: bool,
    /// Does nothing at all until then.
    pub(super) hangs_until: Duration,
    /// When it wakes next because the core has a deadline.
    pub(super) alarm: Option<Duration>,
    pub(super) core: Core,
    store: KafkaConfigStore,
    log: Arc<MemoryLog>,
    updates: ConfigUpdates,
    pub(super) group: GroupClient,
    pub(super) group_events: VecDeque<Input>,
    pub(super) host_events: VecDeque<Input>,
    pub(super) running_connectors: BTreeMap<String, (Arc<ConfigMap>, TargetState)>,
    pub(super) running_tasks: BTreeMap<ConnectorTaskId, RunningTask>,
    /// What has failed and was not restarted yet.
    failed: BTreeSet<(String, Option<ConnectorTaskId>)>,
    statuses: Arc<SimStatuses>,
    pub(super) generation: i32,
    pub(super) requires_signatures: bool,
}

/// Memory never waits.
fn now<T>(future: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
    future.now_or_never().expect("memory does not wait")
}

/// What the simulation decides by.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) protocol: ConnectProtocol,
    pub(super) max_delay: Duration,
    pub(super) key_ttl: Duration,
    pub(super) restarts: RestartPolicy,
}

impl Worker {
    pub(super) fn start(
        index: usize,
        life: u32,
        settings: &Settings,
        topic: &Arc<MemoryTopic>,
        statuses: &Arc<SimStatuses>,
    ) -> Self {
        let log = Arc::new(MemoryLog::new(topic));
        let store = KafkaConfigStore::new(log.clone());
        now(store.start()).unwrap();
        let updates = store.updates().unwrap();
        let url = format!("http://w{index}:8083/");
        let core = Core::new(CoreConfig {
            worker_url: url.clone(),
            worker_id: url.clone(),
            is_distributed: true,
            hands_over: true,
            restarts: settings.restarts,
            protocol: settings.protocol,
            sync_timeout: Duration::from_secs(3),
            max_rebalance_delay: settings.max_delay,
            unsync_backoff: Duration::from_secs(5),
            session_keys: SessionKeyConfig {
                ttl: settings.key_ttl,
                algorithm: MacAlgorithm::Sha256,
                num_bytes: 32,
            },
        });
        Self {
            index,
            url,
            life,
            is_alive: true,
            is_cut_off: false,
            hangs_until: Duration::ZERO,
            alarm: None,
            core,
            store,
            log,
            updates,
            group: GroupClient::new(),
            group_events: VecDeque::new(),
            host_events: VecDeque::from([Input::Started]),
            running_connectors: BTreeMap::new(),
            running_tasks: BTreeMap::new(),
            failed: BTreeSet::new(),
            statuses: statuses.clone(),
            generation: 0,
            requires_signatures: settings.protocol == ConnectProtocol::Sessioned,
        }
    }

    pub(super) fn store(&self) -> &KafkaConfigStore {
        &self.store
    }

    pub(super) fn read_configs(&self) {
        self.log.poll().unwrap();
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.group_events.is_empty() || !self.host_events.is_empty()
    }

    /// The next input, in the order of preference of the command loop.
    pub(super) fn next_input(&mut self, time: Duration) -> Option<Input> {
        if let Some(event) = self.group_events.pop_front() {
            return Some(event);
        }
        if let Some(update) = self.updates.try_recv() {
            return Some(Input::Config(update));
        }
        if let Some(event) = self.host_events.pop_front() {
            return Some(match event {
                Input::Failed(failure) if !self.has_failed(&failure) => Input::Tick,
                event => event,
            });
        }
        let is_due = self
            .core
            .next_deadline()
            .is_some_and(|deadline| deadline <= time);
        is_due.then_some(Input::Tick)
    }

    /// Takes an input and carries out what can be done at once.
    pub(super) fn handle(
        &mut self,
        input: Input,
        time: Duration,
        rng: &mut StdRng,
        faults: bool,
    ) -> Vec<Act> {
        let mut acts = Vec::new();
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let configs = self.store.snapshot();
            let view = View {
                configs: &configs,
                statuses: &*self.statuses,
                now: time,
                now_ms: time.as_millis() as i64,
                connector_type: &|_| "source",
            };
            for effect in self.core.handle(input, &view) {
                if let Some(outcome) = self.carry_out(effect, time, rng, faults, &mut acts) {
                    inputs.push_back(Input::Outcome(outcome));
                }
            }
        }
        acts
    }

    fn carry_out(
        &mut self,
        effect: Effect,
        time: Duration,
        rng: &mut StdRng,
        faults: bool,
        acts: &mut Vec<Act>,
    ) -> Option<Outcome> {
        let fails = |rng: &mut StdRng| faults && rng.random_ratio(1, 12);
        match effect {
            Effect::Reply(id, response) => acts.push(Act::Reply(id, response)),
            Effect::Resume(id, request) => return Some(Outcome::Resumed(id, request)),
            Effect::JoinReply(protocols) => acts.push(Act::Join(protocols)),
            Effect::AssignmentReply(assignments) => acts.push(Act::Assign(assignments)),
            Effect::RequestRejoin(_) => acts.push(Act::Rejoin),
            Effect::LeaveGroup(_) => acts.push(Act::Leave),
            Effect::MembershipChanged {
                generation,
                protocol,
                ..
            } => {
                self.generation = generation;
                self.requires_signatures = protocol == ConnectProtocol::Sessioned;
            }
            Effect::Refresh { .. } => {
                if self.is_cut_off || fails(rng) {
                    return Some(Outcome::Refreshed(Err("the broker is gone".to_string())));
                }
                self.read_configs();
                return Some(Outcome::Refreshed(Ok(())));
            }
            Effect::Write(reason, write) => {
                if self.is_cut_off || fails(rng) {
                    let error = HerderError::internal("the broker is gone");
                    return Some(Outcome::Written(reason, Err(error)));
                }
                let result = self.write(write, time, rng);
                acts.push(Act::Wrote);
                // The answer may be lost after the write.
                let result = match result {
                    Ok(()) if fails(rng) => Err(HerderError::internal("it took too long")),
                    result => result.map_err(|error| HerderError::internal(error.to_string())),
                };
                return Some(Outcome::Written(reason, result));
            }
            Effect::ForwardTaskConfigs {
                connector,
                leader_url,
                configs,
            } => acts.push(Act::Forward {
                connector,
                leader_url,
                configs,
            }),
            Effect::StartConnector {
                connector,
                config,
                target_state,
            } => {
                self.connector_status(&connector, state_of(target_state));
                let before = self
                    .running_connectors
                    .insert(connector.clone(), (config, target_state));
                assert!(before.is_none(), "connector {connector} was started twice");
                let outcome = if self.may_fail(&connector) && fails(rng) {
                    acts.push(self.fail(&connector, None));
                    Err("the database is gone".to_string())
                } else {
                    Ok(target_state)
                };
                acts.push(Act::Later(Input::Outcome(Outcome::ConnectorTransitioned(
                    connector, outcome,
                ))));
            }
            Effect::TransitionConnector {
                connector,
                target_state,
            } => {
                let running = self.running_connectors.get_mut(&connector);
                running.expect("it runs").1 = target_state;
                let outcome = if self.failed.contains(&(connector.clone(), None)) {
                    Err("it has failed".to_string())
                } else {
                    self.connector_status(&connector, state_of(target_state));
                    Ok(target_state)
                };
                acts.push(Act::Later(Input::Outcome(Outcome::ConnectorTransitioned(
                    connector, outcome,
                ))));
            }
            Effect::StopConnectors(connectors) => {
                for connector in connectors {
                    let before = self.running_connectors.remove(&connector);
                    assert!(before.is_some(), "connector {connector} did not run");
                    self.failed.remove(&(connector.clone(), None));
                    self.statuses.put_connector_safe(
                        self.connector_status_of(&connector, State::Unassigned),
                    );
                }
            }
            Effect::StartTask {
                task,
                connector_config,
                task_config,
                generation: _,
                target_state,
            } => {
                self.task_status(&task, state_of(target_state));
                let running = RunningTask {
                    connector_config,
                    config: task_config,
                    target_state,
                };
                let before = self.running_tasks.insert(task.clone(), running);
                assert!(before.is_none(), "task {task} was started twice");
                if self.may_fail(&task.connector) && fails(rng) {
                    acts.push(self.fail(&task.connector, Some(&task)));
                }
            }
            Effect::SetTaskTargetState { task, target_state } => {
                let key = (task.connector.to_string(), Some(task.clone()));
                if !self.failed.contains(&key) {
                    self.task_status(&task, state_of(target_state));
                }
                let running = self.running_tasks.get_mut(&task);
                running.expect("it runs").target_state = target_state;
            }
            Effect::StopTasks(tasks) => {
                for task in tasks {
                    let before = self.running_tasks.remove(&task);
                    assert!(before.is_some(), "task {task} did not run");
                    self.failed
                        .remove(&(task.connector.to_string(), Some(task.clone())));
                    self.statuses.put_task_safe(TaskStatus {
                        id: task,
                        status: self.status(State::Unassigned),
                    });
                }
            }
            Effect::GenerateTaskConfigs {
                connector,
                config,
                inquiry,
            } => {
                let has_failed = self.failed.contains(&(connector.clone(), None));
                let result = if has_failed || fails(rng) {
                    Err(GenerateError {
                        message: "the database is gone".into(),
                        retry: true,
                    })
                } else {
                    Ok(task_configs(&config))
                };
                acts.push(Act::Later(Input::Outcome(Outcome::TaskConfigs(
                    TaskConfigsAnswer {
                        connector,
                        inquiry,
                        result,
                    },
                ))));
            }
            Effect::CleanStatuses => self.clean_statuses(),
            Effect::RepeatStatuses { connectors, tasks } => {
                for connector in connectors {
                    let target_state = self.running_connectors[&connector].1;
                    let has_failed = self.failed.contains(&(connector.clone(), None));
                    let state = if has_failed {
                        State::Failed
                    } else {
                        state_of(target_state)
                    };
                    self.connector_status(&connector, state);
                }
                for task in tasks {
                    let target_state = self.running_tasks[&task].target_state;
                    let key = (task.connector.to_string(), Some(task.clone()));
                    let state = if self.failed.contains(&key) {
                        State::Failed
                    } else {
                        state_of(target_state)
                    };
                    self.task_status(&task, state);
                }
            }
            Effect::HandedOver => acts.push(Act::HandedOver),
            Effect::MarkRestarting { .. }
            | Effect::FlushStatuses
            | Effect::ForgetTopics(_)
            | Effect::RefreshToFence { .. }
            | Effect::FenceProducers { .. } => {}
        }
        None
    }

    fn write(&self, write: Write, time: Duration, rng: &mut StdRng) -> StoreResult<()> {
        let store = &self.store;
        match write {
            Write::Connector {
                connector,
                config,
                target_state,
            } => now(store.put_connector_config(&connector, &config, target_state)),
            Write::RemoveConnector { connector } => now(store.remove_connector_config(&connector)),
            Write::TaskConfigs { connector, configs } => {
                now(store.put_task_configs(&connector, &configs))
            }
            Write::Stop { connector } => {
                now(store.put_task_configs(&connector, &[]))?;
                now(store.put_target_state(&connector, TargetState::Stopped))
            }
            Write::Restart(request) => now(store.put_restart_request(&request)),
            Write::SessionKey => {
                let mut key = vec![0; 32];
                rng.fill_bytes(&mut key);
                now(store.put_session_key(&SessionKey {
                    key: Bytes::from(key),
                    algorithm: MacAlgorithm::Sha256.name().into(),
                    creation_timestamp_ms: time.as_millis() as i64,
                }))
            }
            Write::TaskCount {
                connector,
                num_tasks,
            } => now(store.put_task_count_record(&connector, num_tasks)),
        }
    }

    /// As the shell does it.
    fn clean_statuses(&self) {
        let configs = self.store.snapshot();
        let obsolete = ObsoleteStatuses::find(&configs, &*self.statuses);
        for task in obsolete.tasks {
            self.task_status(&task, State::Destroyed);
        }
        for connector in obsolete.connectors {
            self.connector_status(&connector, State::Destroyed);
        }
    }

    fn status(&self, state: State) -> Status {
        Status {
            state,
            trace: None,
            worker_id: self.url.clone(),
            generation: self.generation,
            version: None,
        }
    }

    fn connector_status_of(&self, connector: &str, state: State) -> ConnectorStatus {
        ConnectorStatus {
            connector: connector.to_string(),
            status: self.status(state),
        }
    }

    fn connector_status(&self, connector: &str, state: State) {
        self.statuses
            .put_connector(self.connector_status_of(connector, state));
    }

    fn task_status(&self, task: &ConnectorTaskId, state: State) {
        self.statuses.put_task(TaskStatus {
            id: task.clone(),
            status: self.status(state),
        });
    }

    fn has_failed(&self, failure: &Failure) -> bool {
        let key = (failure.connector.clone(), failure.task.clone());
        self.failed.contains(&key)
    }

    /// Whether what fails of the connector restarts by itself.
    pub(super) fn may_fail(&self, connector: &str) -> bool {
        let configs = self.store.snapshot();
        let config = configs.raw_connector_config(connector);
        config.is_some_and(|config| config.get("dovetail.restart.enable") == Some("true"))
    }

    /// A connector or a task that runs here fails.
    pub(super) fn fail(&mut self, connector: &str, task: Option<&ConnectorTaskId>) -> Act {
        self.failed.insert((connector.to_string(), task.cloned()));
        let status = self.status(State::Failed);
        match task {
            Some(task) => self.statuses.put_task_safe(TaskStatus {
                id: task.clone(),
                status,
            }),
            None => self
                .statuses
                .put_connector_safe(self.connector_status_of(connector, State::Failed)),
        }
        Act::Later(Input::Failed(Failure {
            connector: connector.to_string(),
            task: task.cloned(),
            reason: "the database is gone".to_string(),
        }))
    }

    /// What a clean end does before the group is left.
    pub(super) fn stop_all(&mut self) {
        let connectors = std::mem::take(&mut self.running_connectors);
        for connector in connectors.keys() {
            self.statuses
                .put_connector_safe(self.connector_status_of(connector, State::Unassigned));
        }
        let tasks = std::mem::take(&mut self.running_tasks);
        for id in tasks.into_keys() {
            let status = self.status(State::Unassigned);
            self.statuses.put_task_safe(TaskStatus { id, status });
        }
    }

    pub(super) fn request(&self, id: RequestId, request: Request) -> Input {
        Input::Request(id, request)
    }
}

pub(super) fn state_of(target_state: TargetState) -> State {
    match target_state {
        TargetState::Started => State::Running,
        TargetState::Paused => State::Paused,
        TargetState::Stopped => State::Stopped,
    }
}

/// How a connector configures its tasks: every other one gets all of its configuration, the rest only
/// what seldom changes.
pub(super) fn task_configs(config: &ConfigMap) -> Vec<ConfigMap> {
    let num_tasks: usize = config.get("tasks.max").unwrap().parse().unwrap();
    let of = |number: usize| {
        if number.is_multiple_of(2) {
            return config.clone();
        }
        let number = number.to_string();
        ConfigMap::from_iter([
            ("connector.class", "C"),
            ("part", number.as_str()),
            ("table", config.get("table").unwrap_or("t")),
        ])
    };
    (0..num_tasks).map(of).collect()
}
