//! One worker with everything around it in memory.

use super::super::{
    Core, CoreConfig, Effect, GenerateError, Input, Outcome, Request, RequestId, SessionKeyConfig,
    TaskConfigsAnswer, View, Write,
};
use crate::face::{HerderError, RestartRequest};
use crate::host::ValuesExpiry;
use crate::restart_policy::RestartPolicy;
use crate::signature::MacAlgorithm;
use connect_api::config::ConfigMap;
use connect_kafka::group::protocol::ConnectProtocol;
use connect_kafka::group::{GroupAssignment, MemberMetadata};
use connect_store::{
    ConfigStore, ConfigUpdates, ConnectorStatus, ConnectorTaskId, MemoryConfigStore,
    MemoryStatusStore, State, Status, StatusStore, StoreResult, TargetState, TaskStatus,
};
use futures::FutureExt;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

const CONNECTORS: [&str; 3] = ["a", "b", "c"];

/// Memory stores never wait.
pub(in crate::core) fn now<T>(future: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
    future.now_or_never().expect("memory does not wait")
}

pub(in crate::core) struct World {
    pub(in crate::core) rng: StdRng,
    pub(in crate::core) core: Core,
    pub(in crate::core) configs: MemoryConfigStore,
    pub(in crate::core) updates: ConfigUpdates,
    pub(in crate::core) statuses: MemoryStatusStore,
    pub(in crate::core) now: Duration,
    /// What the group will tell.
    pub(in crate::core) group: VecDeque<Input>,
    pub(in crate::core) rejoin_wanted: bool,
    pub(in crate::core) is_joining: bool,
    pub(in crate::core) generation: i32,
    /// What the host will tell, in any order.
    pub(in crate::core) host: Vec<Input>,
    pub(in crate::core) running_connectors: BTreeMap<String, Arc<ConfigMap>>,
    pub(in crate::core) running_tasks: BTreeMap<ConnectorTaskId, (Arc<ConfigMap>, TargetState)>,
    pub(in crate::core) next_request: u64,
    pub(in crate::core) open_requests: BTreeSet<u64>,
    /// What the host was told to start and to stop.
    pub(in crate::core) told: Vec<String>,
    /// While faults last, writes, starts and generations fail now and then.
    pub(in crate::core) faults: bool,
}

impl World {
    pub(in crate::core) fn new(seed: u64) -> Self {
        let configs = MemoryConfigStore::new();
        now(configs.start()).unwrap();
        let updates = configs.updates().unwrap();
        let mut world = Self {
            rng: StdRng::seed_from_u64(seed),
            core: Core::new(CoreConfig {
                worker_url: "http://w:8083/".into(),
                worker_id: "w:8083".into(),
                is_distributed: false,
                hands_over: false,
                restarts: RestartPolicy::FOR_TESTS,
                // The memory store keeps no session keys.
                protocol: ConnectProtocol::Compatible,
                sync_timeout: Duration::from_secs(3),
                max_rebalance_delay: Duration::from_mins(5),
                unsync_backoff: Duration::from_mins(5),
                session_keys: SessionKeyConfig {
                    ttl: Duration::from_hours(1),
                    algorithm: MacAlgorithm::Sha256,
                    num_bytes: 32,
                },
            }),
            configs,
            updates,
            statuses: MemoryStatusStore::new(),
            now: Duration::ZERO,
            group: VecDeque::from([Input::PrepareJoin]),
            rejoin_wanted: false,
            is_joining: true,
            generation: 0,
            host: Vec::new(),
            running_connectors: BTreeMap::new(),
            running_tasks: BTreeMap::new(),
            next_request: 0,
            open_requests: BTreeSet::new(),
            told: Vec::new(),
            faults: true,
        };
        world.feed(Input::Started);
        world
    }

    pub(in crate::core) fn fails(&mut self) -> bool {
        self.faults && self.rng.random_ratio(1, 8)
    }

    pub(in crate::core) fn feed(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let configs = self.configs.snapshot();
            let view = View {
                configs: &configs,
                statuses: &self.statuses,
                now: self.now,
                now_ms: 0,
                connector_type: &|_| "source",
            };
            for effect in self.core.handle(input, &view) {
                if let Some(outcome) = self.carry_out(effect) {
                    inputs.push_back(Input::Outcome(outcome));
                }
            }
        }
    }

    pub(in crate::core) fn carry_out(&mut self, effect: Effect) -> Option<Outcome> {
        match effect {
            Effect::Reply(RequestId(id), _) => {
                assert!(
                    self.open_requests.remove(&id),
                    "request {id} was answered twice"
                );
            }
            Effect::Resume(id, request) => return Some(Outcome::Resumed(id, request)),
            Effect::JoinReply(protocols) => {
                self.generation += 1;
                self.group.push_back(Input::PerformAssignment {
                    generation: self.generation,
                    leader_id: "me".into(),
                    protocol: protocols[0].name.clone(),
                    members: vec![MemberMetadata {
                        member_id: "me".into(),
                        metadata: protocols[0].metadata.clone(),
                    }],
                });
            }
            Effect::AssignmentReply(assignments) => {
                self.group.push_back(Input::Assigned(GroupAssignment {
                    generation: self.generation,
                    member_id: "me".into(),
                    leader_id: "me".into(),
                    protocol: ConnectProtocol::Compatible.name().into(),
                    assignment: assignments[0].assignment.clone(),
                }));
            }
            Effect::RequestRejoin(_) => self.rejoin_wanted = true,
            Effect::MembershipChanged { .. } => self.is_joining = false,
            Effect::Refresh { .. } => return Some(Outcome::Refreshed(Ok(()))),
            Effect::Write(reason, write) => {
                let result = if self.fails() {
                    Err(HerderError::internal("the broker is gone"))
                } else {
                    self.write(write)
                };
                return Some(Outcome::Written(reason, result));
            }
            Effect::StartConnector {
                connector,
                config,
                target_state,
            } => {
                let outcome = if self.fails() {
                    self.connector_status(&connector, State::Failed);
                    Err("it does not start".to_string())
                } else {
                    self.connector_status(&connector, State::Running);
                    Ok(target_state)
                };
                self.told.push(format!("start {connector}"));
                let before = self.running_connectors.insert(connector.clone(), config);
                assert!(before.is_none(), "connector {connector} was started twice");
                self.host
                    .push(Input::Outcome(Outcome::ConnectorTransitioned(
                        connector, outcome,
                    )));
            }
            Effect::TransitionConnector {
                connector,
                target_state,
            } => self
                .host
                .push(Input::Outcome(Outcome::ConnectorTransitioned(
                    connector,
                    Ok(target_state),
                ))),
            Effect::StopConnectors(connectors) => {
                for connector in connectors {
                    self.told.push(format!("stop {connector}"));
                    let before = self.running_connectors.remove(&connector);
                    assert!(before.is_some(), "connector {connector} did not run");
                }
            }
            Effect::StartTask {
                task,
                task_config,
                target_state,
                ..
            } => {
                self.told.push(format!("start {task}"));
                self.task_status(&task, State::Running);
                let before = self
                    .running_tasks
                    .insert(task.clone(), (task_config, target_state));
                assert!(before.is_none(), "task {task} was started twice");
            }
            Effect::SetTaskTargetState { task, target_state } => {
                self.running_tasks.get_mut(&task).expect("it runs").1 = target_state;
            }
            Effect::StopTasks(tasks) => {
                for task in tasks {
                    self.told.push(format!("stop {task}"));
                    let before = self.running_tasks.remove(&task);
                    assert!(before.is_some(), "task {task} did not run");
                }
            }
            Effect::GenerateTaskConfigs {
                connector,
                config,
                inquiry,
            } => {
                let result = if self.fails() {
                    Err(GenerateError {
                        message: "the database is gone".into(),
                        retry: true,
                    })
                } else {
                    Ok(task_configs(&config))
                };
                self.host
                    .push(Input::Outcome(Outcome::TaskConfigs(TaskConfigsAnswer {
                        connector,
                        inquiry,
                        result,
                    })));
            }
            Effect::MarkRestarting { connector, tasks } => {
                let connector = connector.into_iter();
                let names = connector.chain(tasks.iter().map(ToString::to_string));
                self.told.extend(names.map(|name| format!("mark {name}")));
            }
            Effect::CleanStatuses
            | Effect::FlushStatuses
            | Effect::RepeatStatuses { .. }
            | Effect::HandedOver
            | Effect::ForgetTopics(_)
            | Effect::RefreshToFence { .. }
            | Effect::FenceProducers { .. } => {}
            Effect::LeaveGroup(_) | Effect::ForwardTaskConfigs { .. } => {
                panic!("a worker alone leads, and reads what it has written")
            }
        }
        None
    }

    pub(in crate::core) fn write(&mut self, write: Write) -> Result<(), HerderError> {
        let configs = &self.configs;
        let result = match write {
            Write::Connector {
                connector,
                config,
                target_state,
            } => now(configs.put_connector_config(&connector, &config, target_state)),
            Write::RemoveConnector { connector } => {
                now(configs.remove_connector_config(&connector))
            }
            Write::TaskConfigs {
                connector,
                configs: tasks,
            } => now(configs.put_task_configs(&connector, &tasks)),
            Write::Stop { connector } => now(configs.put_task_configs(&connector, &[]))
                .and_then(|()| now(configs.put_target_state(&connector, TargetState::Stopped))),
            Write::Restart(request) => now(configs.put_restart_request(&request)),
            Write::SessionKey => panic!("nothing is signed under this protocol"),
            Write::TaskCount {
                connector,
                num_tasks,
            } => now(configs.put_task_count_record(&connector, num_tasks)),
        };
        result.map_err(|error| HerderError::internal(error.to_string()))
    }

    pub(in crate::core) fn status(&self, state: State) -> Status {
        Status {
            state,
            trace: None,
            worker_id: "w:8083".into(),
            generation: self.generation,
            version: None,
        }
    }

    pub(in crate::core) fn connector_status(&self, connector: &str, state: State) {
        self.statuses.put_connector(ConnectorStatus {
            connector: connector.into(),
            status: self.status(state),
        });
    }

    pub(in crate::core) fn task_status(&self, task: &ConnectorTaskId, state: State) {
        self.statuses.put_task(TaskStatus {
            id: task.clone(),
            status: self.status(state),
        });
    }

    /// One thing that may happen next; `false` if nothing is left to happen by itself.
    pub(in crate::core) fn step(&mut self) -> bool {
        if self.rejoin_wanted && !self.is_joining {
            self.rejoin_wanted = false;
            self.is_joining = true;
            self.group.push_back(Input::PrepareJoin);
        }
        let mut choices: Vec<u8> = Vec::new();
        if !self.group.is_empty() {
            choices.push(0);
        }
        if !self.host.is_empty() {
            choices.push(1);
        }
        choices.push(2);
        match choices[self.rng.random_range(0..choices.len())] {
            0 => {
                let input = self.group.pop_front().expect("it was seen");
                self.feed(input);
                return true;
            }
            1 => {
                let index = self.rng.random_range(0..self.host.len());
                let input = self.host.swap_remove(index);
                self.feed(input);
                return true;
            }
            _ => {}
        }
        if let Some(update) = self.updates.try_recv() {
            self.feed(Input::Config(update));
            return true;
        }
        if let Some(deadline) = self
            .core
            .next_deadline()
            .filter(|time| *time < Duration::MAX)
        {
            self.now = self.now.max(deadline);
            self.feed(Input::Tick);
            return true;
        }
        !self.group.is_empty() || !self.host.is_empty() || self.rejoin_wanted
    }

    pub(in crate::core) fn ask(&mut self, request: Request) {
        let id = self.next_request;
        self.next_request += 1;
        self.open_requests.insert(id);
        self.feed(Input::Request(RequestId(id), request));
    }

    pub(in crate::core) fn random_event(&mut self) {
        let connector = CONNECTORS[self.rng.random_range(0..CONNECTORS.len())].to_string();
        match self.rng.random_range(0..11) {
            0..=2 => {
                let version = self.rng.next_u32().to_string();
                let tasks_max = self.rng.random_range(1..4).to_string();
                let config = ConfigMap::from_iter([
                    ("connector.class", "C"),
                    ("tasks.max", tasks_max.as_str()),
                    ("version", version.as_str()),
                ]);
                let replace = self.rng.random_ratio(3, 4);
                self.ask(Request::PutConnectorConfig {
                    connector,
                    config,
                    initial_state: None,
                    replace,
                });
            }
            3 => self.ask(Request::DeleteConnector { connector }),
            4 => self.ask(Request::StopConnector { connector }),
            5 => self.ask(Request::RestartConnector { connector }),
            6 => self.ask(Request::RestartConnectorAndTasks {
                connector,
                request: RestartRequest {
                    only_failed: false,
                    include_tasks: true,
                },
            }),
            7 => self.ask(Request::RestartTask {
                task: ConnectorTaskId {
                    connector: connector.into(),
                    task: 0,
                },
            }),
            8 => {
                let state = if self.rng.random_ratio(1, 2) {
                    TargetState::Paused
                } else {
                    TargetState::Started
                };
                // Unknown connectors are refused by the face.
                _ = now(self.configs.put_target_state(&connector, state));
            }
            9 => {
                let id = ConnectorTaskId {
                    connector: connector.as_str().into(),
                    task: 0,
                };
                let task = self.rng.random_ratio(1, 2).then_some(id);
                let ttl = Duration::from_millis(self.rng.random_range(0..5_000));
                self.feed(Input::ValuesExpire(ValuesExpiry {
                    connector,
                    task,
                    ttl,
                }));
            }
            _ if !self.is_joining && self.faults => {
                self.feed(Input::CoordinatorLost);
                self.rejoin_wanted = true;
            }
            _ => {}
        }
    }

    /// Lets time pass, and nothing else happen.
    pub(in crate::core) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.feed(Input::Tick);
    }

    /// Has a client write a configuration, and all come of it that does.
    pub(in crate::core) fn configure(&mut self, connector: &str, config: &[(&str, &str)]) {
        let mut all = ConfigMap::from_iter([("connector.class", "C"), ("tasks.max", "2")]);
        for (key, value) in config {
            all.insert(*key, *value);
        }
        self.ask(Request::PutConnectorConfig {
            connector: connector.to_string(),
            config: all,
            initial_state: None,
            replace: true,
        });
        self.settle();
    }

    /// What the host was told since the last call.
    pub(in crate::core) fn take_told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }

    pub(in crate::core) fn settle(&mut self) {
        self.faults = false;
        for _ in 0..20_000 {
            if !self.step() {
                return;
            }
        }
        panic!("the worker never comes to rest");
    }

    pub(in crate::core) fn check(&self) {
        let configs = self.configs.snapshot();
        assert!(
            self.open_requests.is_empty(),
            "unanswered: {:?}",
            self.open_requests
        );
        let configured: Vec<&str> = configs.connectors().collect();
        let running: Vec<&str> = self.running_connectors.keys().map(String::as_str).collect();
        assert_eq!(running, configured);
        for (connector, config) in &self.running_connectors {
            assert_eq!(config, configs.raw_connector_config(connector).unwrap());
        }
        let tasks: Vec<ConnectorTaskId> = configured
            .iter()
            .flat_map(|connector| configs.tasks(connector))
            .collect();
        let running: Vec<ConnectorTaskId> = self.running_tasks.keys().cloned().collect();
        assert_eq!(running, tasks);
        for (task, (config, target_state)) in &self.running_tasks {
            assert_eq!(config, configs.raw_task_config(task).unwrap());
            assert_eq!(Some(*target_state), configs.target_state(&task.connector));
        }
    }
}

/// How the connector configures its tasks: each gets everything, or with `shared` only that, the class and
/// what begins with its number.
fn task_configs(config: &ConfigMap) -> Vec<ConfigMap> {
    let num_tasks: usize = config.get("tasks.max").unwrap().parse().unwrap();
    let of = |number: usize| {
        let Some(shared) = config.get("shared") else {
            return config.clone();
        };
        let mut task = ConfigMap::from_iter([("connector.class", "C"), ("shared", shared)]);
        let prefix = format!("{number}.");
        for (key, value) in config.iter().filter(|(key, _)| key.starts_with(&prefix)) {
            task.insert(key, value.unwrap_or_default());
        }
        task
    };
    (0..num_tasks).map(of).collect()
}
