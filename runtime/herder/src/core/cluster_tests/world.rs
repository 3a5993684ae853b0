//! Workers, their broker, their network and their clients, driven by one seed.

use super::super::{ForwardError, Input, Outcome, Request, RequestId, Response};
use super::broker::{Answer, Broker, Call, Refusal};
use super::statuses::SimStatuses;
use super::worker::{Act, Phase, Settings, Worker, state_of};
use crate::face::{HerderErrorKind, HerderResult, RestartRequest};
use crate::signature::{self, InternalRequest, MacAlgorithm, RequestSignature};
use bytes::Bytes;
use connect_api::config::ConfigMap;
use connect_kafka::group::GroupAssignment;
use connect_kafka::group::protocol::ConnectProtocol;
use connect_kafka::log::MemoryTopic;
use connect_store::{ClusterConfigState, ConfigStore, ConnectorTaskId, StatusStore, TargetState};
use futures::FutureExt;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const CONNECTORS: [&str; 4] = ["a", "b", "c", "d"];
const HEARTBEAT: Duration = Duration::from_secs(3);
const FAULTS_END: Duration = Duration::from_secs(100);
/// After the last fault and the longest delay, the cluster has this long to settle.
const TIME_TO_SETTLE: Duration = Duration::from_secs(900);
/// How long it must stay as it is then.
const TIME_TO_STAY: Duration = Duration::from_secs(30);

/// What happens at a time. `life` is that of the worker for whom it is meant.
enum Event {
    /// The worker takes its next input.
    Wake {
        worker: usize,
        life: u32,
    },
    /// The client of the group looks after its membership.
    Beat {
        worker: usize,
        life: u32,
    },
    /// The same, once, because the worker wants it.
    Look {
        worker: usize,
        life: u32,
    },
    /// The worker reads the config topic.
    Read {
        worker: usize,
        life: u32,
    },
    /// A request arrives at the coordinator.
    AtBroker {
        worker: usize,
        life: u32,
        call: Call,
        request: GroupRequest,
    },
    /// Its answer arrives.
    FromBroker {
        worker: usize,
        life: u32,
        answer: (Call, Answer),
    },
    /// The host, or another worker, has news.
    Tell {
        worker: usize,
        life: u32,
        input: Input,
    },
    /// A client's request, or one that was forwarded, arrives.
    Ask {
        worker: usize,
        id: u64,
        hops: u32,
    },
    /// Task configurations arrive at the worker that is held for the leader.
    Forwarded {
        from: usize,
        life: u32,
        to: usize,
        connector: String,
        configs: Vec<ConfigMap>,
        signature: Option<RequestSignature>,
        body: Bytes,
    },
    Client,
    Fault,
    Restart {
        worker: usize,
    },
    /// The way from a worker to its broker and its peers is open again.
    Reconnect {
        worker: usize,
    },
    Heal,
    BrokerTick,
    Check,
}

enum GroupRequest {
    Join(Vec<connect_kafka::group::GroupProtocol>),
    Sync(Vec<connect_kafka::group::MemberAssignment>),
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wake { worker, .. } => write!(f, "w{worker} wakes"),
            Self::Beat { worker, .. } => write!(f, "w{worker} beats"),
            Self::Look { worker, .. } => write!(f, "w{worker} wants to rejoin"),
            Self::Read { worker, .. } => write!(f, "w{worker} reads"),
            Self::AtBroker {
                worker, request, ..
            } => match request {
                GroupRequest::Join(_) => write!(f, "w{worker} joins"),
                GroupRequest::Sync(_) => write!(f, "w{worker} syncs"),
            },
            Self::FromBroker { worker, answer, .. } => {
                write!(f, "w{worker} is answered {:?}", answer.1)
            }
            Self::Tell { worker, input, .. } => write!(f, "w{worker} hears {input:?}"),
            Self::Ask { worker, id, hops } => write!(f, "w{worker} is asked {id}, hop {hops}"),
            Self::Forwarded {
                from,
                to,
                connector,
                ..
            } => {
                write!(f, "w{to} gets tasks of {connector} from w{from}")
            }
            Self::Client => f.write_str("client"),
            Self::Fault => f.write_str("fault"),
            Self::Restart { worker } => write!(f, "w{worker} starts"),
            Self::Reconnect { worker } => write!(f, "w{worker} is connected again"),
            Self::Heal => f.write_str("heal"),
            Self::BrokerTick => f.write_str("broker tick"),
            Self::Check => f.write_str("check"),
        }
    }
}

struct Asked {
    request: Request,
    hops: u32,
}

pub(super) struct World {
    rng: StdRng,
    now: Duration,
    num_scheduled: u64,
    queue: BinaryHeap<Reverse<(Duration, u64)>>,
    events: BTreeMap<u64, Event>,
    topic: Arc<MemoryTopic>,
    statuses: Arc<SimStatuses>,
    broker: Broker,
    num_calls: u64,
    /// Whose a call is.
    calls: BTreeMap<Call, (usize, u32)>,
    workers: Vec<Worker>,
    settings: Vec<Settings>,
    asked: BTreeMap<u64, Asked>,
    num_asked: u64,
    /// Task configurations on their way, by the request at the leader.
    relayed: BTreeMap<u64, (usize, u32, String)>,
    /// The versions of connectors whose writing was confirmed.
    confirmed: BTreeSet<u64>,
    num_versions: u64,
    faults: bool,
    settled_since: Option<Duration>,
    pub(super) traces: bool,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let num_workers = rng.random_range(1..=9);
        let max_delay = [0, 2, 30, 300][rng.random_range(0..4)];
        let oldest = match rng.random_range(0..10) {
            0 => ConnectProtocol::Eager,
            1 => ConnectProtocol::Compatible,
            _ => ConnectProtocol::Sessioned,
        };
        let key_ttl_s = [0, 7, 3600][rng.random_range(0..3)];
        let settings: Vec<Settings> = (0..num_workers)
            .map(|index| Settings {
                protocol: if index == 0 {
                    oldest
                } else {
                    ConnectProtocol::Sessioned
                },
                max_delay: Duration::from_secs(max_delay),
                key_ttl: Duration::from_secs(key_ttl_s),
            })
            .collect();
        let topic = MemoryTopic::new("configs", 1);
        let statuses = Arc::new(SimStatuses::default());
        let workers = settings
            .iter()
            .enumerate()
            .map(|(index, settings)| Worker::start(index, 0, settings, &topic, &statuses))
            .collect();
        let mut world = Self {
            rng,
            now: Duration::ZERO,
            num_scheduled: 0,
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            topic,
            statuses,
            broker: Broker::new(),
            num_calls: 0,
            calls: BTreeMap::new(),
            workers,
            settings,
            asked: BTreeMap::new(),
            num_asked: 0,
            relayed: BTreeMap::new(),
            confirmed: BTreeSet::new(),
            num_versions: 0,
            faults: true,
            settled_since: None,
            traces: false,
        };
        for worker in 0..num_workers {
            world.begin(worker);
        }
        for _ in 0..world.rng.random_range(5..25) {
            let at = world.random_ms(0, FAULTS_END.as_millis() as u64);
            world.at(at, Event::Client);
        }
        for _ in 0..world.rng.random_range(0..12) {
            let at = world.random_ms(0, FAULTS_END.as_millis() as u64);
            world.at(at, Event::Fault);
        }
        world.at(FAULTS_END, Event::Heal);
        world.at(Duration::from_secs(1), Event::BrokerTick);
        world
    }

    fn begin(&mut self, worker: usize) {
        let life = self.workers[worker].life;
        self.soon(1, 50, Event::Wake { worker, life });
        self.soon(1, 2_000, Event::Beat { worker, life });
        self.soon(1, 500, Event::Read { worker, life });
    }

    fn random_ms(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(self.rng.random_range(from..=to))
    }

    fn at(&mut self, time: Duration, event: Event) {
        self.num_scheduled += 1;
        self.queue.push(Reverse((time, self.num_scheduled)));
        self.events.insert(self.num_scheduled, event);
    }

    fn soon(&mut self, from_ms: u64, to_ms: u64, event: Event) {
        let time = self.now + self.random_ms(from_ms, to_ms);
        self.at(time, event);
    }

    /// Runs to the end; panics if something is not as it must be.
    pub(super) fn run(&mut self) {
        let limit = FAULTS_END + TIME_TO_SETTLE + self.settings[0].max_delay * 3;
        while let Some(Reverse((time, number))) = self.queue.pop() {
            self.now = time;
            let event = self.events.remove(&number).expect("each is queued once");
            if self.traces && !matches!(event, Event::Wake { .. } | Event::BrokerTick) {
                eprintln!("{:>9} ms  {event:?}", time.as_millis());
            }
            self.happen(event);
            if let Some(since) = self.settled_since
                && self.now - since >= TIME_TO_STAY
            {
                self.check_confirmed();
                return;
            }
            if self.now > limit {
                panic!(
                    "the cluster never settles: {}",
                    self.unsettled().unwrap_err()
                );
            }
        }
    }

    fn is_here(&self, worker: usize, life: u32) -> bool {
        self.workers[worker].is_alive && self.workers[worker].life == life
    }

    fn happen(&mut self, event: Event) {
        // What a worker that hangs would do now, it does when it goes on.
        let hanging = match &event {
            Event::Wake { worker, life }
            | Event::Beat { worker, life }
            | Event::Look { worker, life }
            | Event::Read { worker, life }
            | Event::FromBroker { worker, life, .. }
            | Event::Tell { worker, life, .. } => {
                if !self.is_here(*worker, *life) {
                    return;
                }
                Some(*worker)
            }
            Event::Ask { worker, .. } | Event::Forwarded { to: worker, .. } => Some(*worker),
            _ => None,
        };
        if let Some(worker) = hanging
            && self.workers[worker].hangs_until > self.now
        {
            let time = self.workers[worker].hangs_until + self.random_ms(1, 200);
            self.at(time, event);
            return;
        }
        match event {
            Event::Wake { worker, life } => self.wake(worker, life),
            Event::Beat { worker, life } => {
                self.beat(worker);
                self.soon(500, 1_500, Event::Beat { worker, life });
            }
            Event::Look { worker, .. } => self.beat(worker),
            Event::Read { worker, life } => {
                if self.workers[worker].is_cut_off {
                    self.soon(200, 1_000, Event::Read { worker, life });
                } else {
                    self.workers[worker].read_configs();
                    self.soon(1, 20, Event::Wake { worker, life });
                }
            }
            Event::AtBroker {
                worker,
                life,
                call,
                request,
            } => {
                self.at_broker(worker, life, call, request);
            }
            Event::FromBroker { worker, answer, .. } => self.from_broker(worker, answer),
            Event::Tell {
                worker,
                life,
                input,
            } => {
                self.workers[worker].host_events.push_back(input);
                self.soon(0, 5, Event::Wake { worker, life });
            }
            Event::Ask { worker, id, hops } => self.ask(worker, id, hops),
            Event::Forwarded {
                from,
                life,
                to,
                connector,
                configs,
                signature,
                body,
            } => {
                self.forwarded(from, life, to, connector, configs, signature, body);
            }
            Event::Client => self.client_asks(),
            Event::Fault => self.fault(),
            Event::Restart { worker } => self.restart(worker),
            Event::Reconnect { worker } => self.workers[worker].is_cut_off = false,
            Event::Heal => self.heal(),
            Event::BrokerTick => {
                self.broker.tick(self.now);
                self.send_answers();
                self.soon(250, 1_000, Event::BrokerTick);
            }
            Event::Check => self.check(),
        }
    }

    fn wake(&mut self, worker: usize, life: u32) {
        let Some(input) = self.workers[worker].next_input(self.now) else {
            if let Some(deadline) = self.workers[worker].core.next_deadline()
                && deadline < Duration::from_secs(1_000_000)
            {
                self.at(deadline, Event::Wake { worker, life });
            }
            return;
        };
        self.feed(worker, input);
        self.soon(0, 10, Event::Wake { worker, life });
    }

    fn feed(&mut self, worker: usize, input: Input) {
        if self.traces {
            eprintln!(
                "{:>9} ms    w{worker} handles {input:?}",
                self.now.as_millis()
            );
        }
        let acts = self.workers[worker].handle(input, self.now, &mut self.rng, self.faults);
        let life = self.workers[worker].life;
        for act in acts {
            self.act(worker, life, act);
        }
        self.check_overlap(worker);
    }

    fn act(&mut self, worker: usize, life: u32, act: Act) {
        match act {
            Act::Join(protocols) => {
                if self.workers[worker].group.phase == Phase::Preparing {
                    self.workers[worker].group.phase = Phase::Joining;
                    self.send_to_broker(worker, GroupRequest::Join(protocols));
                }
            }
            Act::Assign(assignments) => {
                if self.workers[worker].group.phase == Phase::Performing {
                    self.workers[worker].group.phase = Phase::Syncing;
                    self.send_to_broker(worker, GroupRequest::Sync(assignments));
                }
            }
            Act::Rejoin => {
                self.workers[worker].group.wants_rejoin = true;
                self.soon(0, 20, Event::Wake { worker, life });
                self.soon(0, 50, Event::Look { worker, life });
            }
            Act::Leave => self.leave(worker),
            Act::Wrote => {
                for other in 0..self.workers.len() {
                    let life = self.workers[other].life;
                    self.soon(
                        1,
                        700,
                        Event::Read {
                            worker: other,
                            life,
                        },
                    );
                }
            }
            Act::Later(input) => self.soon(
                1,
                300,
                Event::Tell {
                    worker,
                    life,
                    input,
                },
            ),
            Act::Forward {
                connector,
                leader_url,
                configs,
            } => {
                let Some(to) = self.worker_at(&leader_url) else {
                    panic!("nobody has the URL {leader_url}");
                };
                let body = crate::peers::task_configs_body(&configs);
                let state = self.workers[worker].store().snapshot();
                let signature = state
                    .session_key()
                    .map(|key| signature::signature_of(key, MacAlgorithm::Sha256, &body));
                self.soon(
                    1,
                    200,
                    Event::Forwarded {
                        from: worker,
                        life,
                        to,
                        connector,
                        configs,
                        signature,
                        body,
                    },
                );
            }
            Act::Reply(id, response) => self.reply(id.0, response),
        }
    }

    fn worker_at(&self, url: &str) -> Option<usize> {
        self.workers.iter().position(|worker| worker.url == url)
    }

    // ---- the group ----

    fn beat(&mut self, worker: usize) {
        let (now, life) = (self.now, self.workers[worker].life);
        let is_cut_off = self.workers[worker].is_cut_off;
        let group = &mut self.workers[worker].group;
        if group.phase == Phase::Out {
            if !group.wants_rejoin {
                return;
            }
            group.phase = Phase::Resting;
            group.must_rejoin = true;
        }
        if is_cut_off {
            let since = *group.unreachable_since.get_or_insert(now);
            if matches!(group.phase, Phase::Joining | Phase::Syncing) {
                group.phase = Phase::Resting;
                group.must_rejoin = true;
            }
            if group.holds_assignment && now - since >= HEARTBEAT {
                group.holds_assignment = false;
                group.must_rejoin = true;
                self.workers[worker]
                    .group_events
                    .push_back(Input::CoordinatorLost);
                self.soon(0, 5, Event::Wake { worker, life });
            }
            return;
        }
        group.unreachable_since = None;
        if let (Some(member_id), Some((generation, _))) = (&group.member_id, &group.generation)
            && group.phase != Phase::Joining
        {
            match self.broker.heartbeat(now, member_id, *generation) {
                Ok(()) => {}
                Err(Refusal::RebalanceInProgress) => group.must_rejoin = true,
                Err(refusal) => Self::refused(group, refusal),
            }
        }
        let needs_join = group.must_rejoin || group.wants_rejoin || group.generation.is_none();
        if group.phase == Phase::Resting && needs_join {
            group.phase = Phase::Preparing;
            group.wants_rejoin = false;
            self.workers[worker]
                .group_events
                .push_back(Input::PrepareJoin);
            self.soon(0, 5, Event::Wake { worker, life });
        }
        self.send_answers();
    }

    fn refused(group: &mut super::worker::GroupClient, refusal: Refusal) {
        group.must_rejoin = true;
        match refusal {
            Refusal::UnknownMember => {
                group.member_id = None;
                group.generation = None;
            }
            Refusal::IllegalGeneration => group.generation = None,
            Refusal::RebalanceInProgress => {}
        }
    }

    fn send_to_broker(&mut self, worker: usize, request: GroupRequest) {
        self.num_calls += 1;
        let (call, life) = (self.num_calls, self.workers[worker].life);
        self.workers[worker].group.awaits = Some(call);
        self.calls.insert(call, (worker, life));
        self.soon(
            1,
            50,
            Event::AtBroker {
                worker,
                life,
                call,
                request,
            },
        );
    }

    fn at_broker(&mut self, worker: usize, life: u32, call: Call, request: GroupRequest) {
        if !self.is_here(worker, life) || self.workers[worker].is_cut_off {
            return self.connection_lost(worker, call);
        }
        let group = &self.workers[worker].group;
        match request {
            GroupRequest::Join(protocols) => {
                let id = group.member_id.clone();
                self.broker
                    .join(call, self.now, id.as_deref(), worker, protocols);
            }
            GroupRequest::Sync(assignments) => {
                let (Some(id), Some((generation, _))) = (&group.member_id, &group.generation)
                else {
                    return self.connection_lost(worker, call);
                };
                self.broker
                    .sync(call, self.now, id, *generation, assignments);
            }
        }
        self.send_answers();
    }

    /// The client does not learn what became of its request, and begins anew.
    fn connection_lost(&mut self, worker: usize, call: Call) {
        let group = &mut self.workers[worker].group;
        if group.awaits == Some(call) {
            group.awaits = None;
            group.phase = Phase::Resting;
            group.must_rejoin = true;
        }
    }

    fn send_answers(&mut self) {
        for answer in self.broker.take_answers() {
            if let Some((worker, life)) = self.calls.remove(&answer.0) {
                self.soon(
                    1,
                    50,
                    Event::FromBroker {
                        worker,
                        life,
                        answer,
                    },
                );
            }
        }
    }

    fn from_broker(&mut self, worker: usize, (call, answer): (Call, Answer)) {
        if self.workers[worker].is_cut_off {
            return self.connection_lost(worker, call);
        }
        let life = self.workers[worker].life;
        let group = &mut self.workers[worker].group;
        if group.awaits != Some(call) {
            return;
        }
        group.awaits = None;
        match answer {
            Answer::Join(Ok(joined)) => {
                group.generation = Some((joined.generation, joined.protocol.clone()));
                let leads = joined.member_id == joined.leader_id;
                group.leader_id.clone_from(&joined.leader_id);
                group.member_id = Some(joined.member_id);
                if leads {
                    group.phase = Phase::Performing;
                    self.workers[worker]
                        .group_events
                        .push_back(Input::PerformAssignment {
                            generation: joined.generation,
                            leader_id: joined.leader_id,
                            protocol: joined.protocol,
                            members: joined.members,
                        });
                    self.soon(0, 5, Event::Wake { worker, life });
                } else {
                    group.phase = Phase::Syncing;
                    self.send_to_broker(worker, GroupRequest::Sync(Vec::new()));
                }
            }
            Answer::Sync(Ok(assignment)) => {
                group.phase = Phase::Resting;
                group.must_rejoin = false;
                let (Some(member_id), Some((generation, protocol))) =
                    (group.member_id.clone(), group.generation.clone())
                else {
                    group.must_rejoin = true;
                    return;
                };
                group.holds_assignment = true;
                let assigned = Input::Assigned(GroupAssignment {
                    generation,
                    member_id,
                    leader_id: group.leader_id.clone(),
                    protocol,
                    assignment,
                });
                self.workers[worker].group_events.push_back(assigned);
                self.soon(0, 5, Event::Wake { worker, life });
            }
            Answer::Join(Err(refusal)) | Answer::Sync(Err(refusal)) => {
                group.phase = Phase::Resting;
                Self::refused(group, refusal);
                self.beat(worker);
            }
        }
    }

    fn leave(&mut self, worker: usize) {
        let (now, is_cut_off) = (self.now, self.workers[worker].is_cut_off);
        let group = &mut self.workers[worker].group;
        group.generation = None;
        group.phase = Phase::Out;
        group.wants_rejoin = false;
        group.awaits = None;
        if let Some(member_id) = group.member_id.take()
            && !is_cut_off
        {
            self.broker.leave(now, &member_id);
            self.send_answers();
        }
    }

    // ---- requests ----

    fn client_asks(&mut self) {
        let connector = CONNECTORS[self.rng.random_range(0..CONNECTORS.len())].to_string();
        let worker = self.rng.random_range(0..self.workers.len());
        let task = ConnectorTaskId {
            connector: connector.as_str().into(),
            task: self.rng.random_range(0..3),
        };
        let request = match self.rng.random_range(0..14) {
            0..=6 => {
                self.num_versions += 1;
                let tasks_max = self.rng.random_range(1..8).to_string();
                let version = self.num_versions.to_string();
                Request::PutConnectorConfig {
                    connector,
                    config: ConfigMap::from_iter([
                        ("connector.class", "C"),
                        ("tasks.max", tasks_max.as_str()),
                        ("version", version.as_str()),
                    ]),
                    initial_state: None,
                    replace: true,
                }
            }
            7 => Request::DeleteConnector { connector },
            8 => Request::StopConnector { connector },
            9 => Request::RestartConnector { connector },
            10 => Request::RestartConnectorAndTasks {
                connector,
                request: RestartRequest {
                    only_failed: false,
                    include_tasks: true,
                },
            },
            11 => Request::RestartTask { task },
            _ => {
                let state =
                    [TargetState::Started, TargetState::Paused][self.rng.random_range(0..2)];
                self.set_target_state(worker, &connector, state);
                return;
            }
        };
        self.num_asked += 1;
        self.asked
            .insert(self.num_asked, Asked { request, hops: 0 });
        self.soon(
            1,
            100,
            Event::Ask {
                worker,
                id: self.num_asked,
                hops: 0,
            },
        );
    }

    fn set_target_state(&mut self, worker: usize, connector: &str, state: TargetState) {
        let one = &self.workers[worker];
        let is_known = one.store().snapshot().contains(connector);
        if one.is_alive && !one.is_cut_off && is_known && one.hangs_until <= self.now {
            let written = one
                .store()
                .put_target_state(connector, state)
                .now_or_never();
            written.expect("memory does not wait").unwrap();
            let life = one.life;
            self.act(worker, life, Act::Wrote);
        }
    }

    fn ask(&mut self, worker: usize, id: u64, hops: u32) {
        let Some(asked) = self.asked.get_mut(&id) else {
            return;
        };
        if !self.workers[worker].is_alive || (hops > 0 && self.workers[worker].is_cut_off) {
            // The client, or who forwarded it, gets no connection.
            self.asked.remove(&id);
            return;
        }
        asked.hops = hops;
        let request = asked.request.clone();
        let input = self.workers[worker].request(RequestId(id), request);
        self.workers[worker].host_events.push_back(input);
        let life = self.workers[worker].life;
        self.soon(0, 5, Event::Wake { worker, life });
    }

    fn reply(&mut self, id: u64, response: HerderResult<Response>) {
        if let Some((from, life, connector)) = self.relayed.remove(&id) {
            let result = response.map(drop).map_err(|error| ForwardError {
                is_forbidden: error.kind == HerderErrorKind::Forbidden,
                message: error.message,
            });
            return self.tell_of_forward(from, life, connector, result);
        }
        let Some(asked) = self.asked.remove(&id) else {
            // Its client has had an answer, or none is possible any more.
            return;
        };
        match response {
            Err(error) => {
                if let HerderErrorKind::Forward { url } = error.kind
                    && asked.hops < 2
                    && let Some(to) = self.worker_at(&url)
                {
                    let hops = asked.hops + 1;
                    self.asked.insert(id, asked);
                    self.soon(
                        1,
                        100,
                        Event::Ask {
                            worker: to,
                            id,
                            hops,
                        },
                    );
                }
            }
            Ok(_) => {
                if let Request::PutConnectorConfig { config, .. } = &asked.request {
                    let version = config.get("version").unwrap().parse().unwrap();
                    self.confirmed.insert(version);
                }
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one request")]
    fn forwarded(
        &mut self,
        from: usize,
        life: u32,
        to: usize,
        connector: String,
        configs: Vec<ConfigMap>,
        signature: Option<RequestSignature>,
        body: Bytes,
    ) {
        let target = &self.workers[to];
        let is_reachable = target.is_alive && !target.is_cut_off && !self.workers[from].is_cut_off;
        let verified = if is_reachable {
            let (signature, algorithm) = match signature {
                Some(signature) => (Some(signature.signature), Some(signature.algorithm)),
                None => (None, None),
            };
            let request = InternalRequest {
                body,
                signature,
                signature_algorithm: algorithm,
            };
            let state = target.store().snapshot();
            signature::verify(
                &request,
                target.requires_signatures,
                &["HmacSHA256".to_string()],
                state.session_key().map(AsRef::as_ref),
            )
            .map_err(|error| ForwardError {
                is_forbidden: error.kind == HerderErrorKind::Forbidden,
                message: error.message,
            })
        } else {
            Err(ForwardError {
                is_forbidden: false,
                message: "connection refused".to_string(),
            })
        };
        if let Err(error) = verified {
            return self.tell_of_forward(from, life, connector, Err(error));
        }
        self.num_asked += 1;
        let id = self.num_asked;
        self.relayed.insert(id, (from, life, connector.clone()));
        let request = Request::PutTaskConfigs { connector, configs };
        let input = self.workers[to].request(RequestId(id), request);
        self.workers[to].host_events.push_back(input);
        let to_life = self.workers[to].life;
        self.soon(
            0,
            5,
            Event::Wake {
                worker: to,
                life: to_life,
            },
        );
    }

    fn tell_of_forward(
        &mut self,
        worker: usize,
        life: u32,
        connector: String,
        result: Result<(), ForwardError>,
    ) {
        let input = Input::Outcome(Outcome::TaskConfigsForwarded(connector, result));
        self.soon(
            1,
            100,
            Event::Tell {
                worker,
                life,
                input,
            },
        );
    }

    // ---- faults ----

    fn fault(&mut self) {
        let worker = self.rng.random_range(0..self.workers.len());
        if !self.workers[worker].is_alive {
            return;
        }
        match self.rng.random_range(0..10) {
            0..=2 => self.kill(worker, true),
            3 => self.die_while_writing(worker),
            4 => {
                self.workers[worker].stop_all();
                self.leave(worker);
                self.kill(worker, true);
            }
            5 | 6 => {
                let time = self.random_ms(1_000, 40_000);
                self.workers[worker].hangs_until = self.now + time;
            }
            _ => {
                self.workers[worker].is_cut_off = true;
                let time = self.random_ms(500, 30_000);
                self.at(self.now + time, Event::Reconnect { worker });
            }
        }
    }

    /// Half of a set of task configurations is on the topic when the worker dies.
    fn die_while_writing(&mut self, worker: usize) {
        let state = self.workers[worker].store().snapshot();
        let connector = state.connectors().next().map(str::to_string);
        if let Some(connector) = connector
            && !self.workers[worker].is_cut_off
        {
            let key = format!("task-{connector}-0");
            let value = r#"{"properties":{"connector.class":"C","version":"half"}}"#;
            self.topic.append(
                0,
                Some(key.into()),
                Some(Bytes::from_static(value.as_bytes())),
            );
            let life = self.workers[worker].life;
            self.act(worker, life, Act::Wrote);
        }
        self.kill(worker, true);
    }

    fn kill(&mut self, worker: usize, may_return: bool) {
        let one = &mut self.workers[worker];
        one.is_alive = false;
        one.running_connectors.clear();
        one.running_tasks.clear();
        // The workers that it had forwarded to, or that had forwarded to it, see the connection end.
        let broken: Vec<u64> = self.relayed.keys().copied().collect();
        for id in broken {
            let (from, life, connector) = self.relayed.remove(&id).expect("it was just seen");
            let error = ForwardError {
                is_forbidden: false,
                message: "reset by peer".into(),
            };
            self.tell_of_forward(from, life, connector, Err(error));
        }
        let num_alive = self.workers.iter().filter(|worker| worker.is_alive).count();
        if may_return && (num_alive == 0 || self.rng.random_ratio(2, 3)) {
            self.soon(100, 40_000, Event::Restart { worker });
        }
    }

    fn restart(&mut self, worker: usize) {
        if self.workers[worker].is_alive {
            return;
        }
        let life = self.workers[worker].life + 1;
        self.workers[worker] = Worker::start(
            worker,
            life,
            &self.settings[worker],
            &self.topic,
            &self.statuses,
        );
        self.begin(worker);
    }

    fn heal(&mut self) {
        self.faults = false;
        for worker in &mut self.workers {
            worker.is_cut_off = false;
            worker.hangs_until = Duration::ZERO;
        }
        self.soon(1_000, 1_000, Event::Check);
    }

    // ---- what must hold ----

    /// No connector or task runs on two workers of one generation.
    fn check_overlap(&self, worker: usize) {
        let one = &self.workers[worker];
        for other in &self.workers {
            if other.index == one.index || !other.is_alive || other.generation != one.generation {
                continue;
            }
            for task in one.running_tasks.keys() {
                assert!(
                    !other.running_tasks.contains_key(task),
                    "task {task} runs on w{} and w{} in generation {}",
                    one.index,
                    other.index,
                    one.generation
                );
            }
            for connector in one.running_connectors.keys() {
                assert!(
                    !other.running_connectors.contains_key(connector),
                    "connector {connector} runs on w{} and w{} in generation {}",
                    one.index,
                    other.index,
                    one.generation
                );
            }
        }
    }

    fn check(&mut self) {
        match self.unsettled() {
            Ok(()) => {
                self.settled_since.get_or_insert(self.now);
            }
            Err(reason) => {
                if self.traces {
                    eprintln!("{:>9} ms  not settled: {reason}", self.now.as_millis());
                }
                self.settled_since = None;
            }
        }
        self.soon(1_000, 1_000, Event::Check);
    }

    /// Everything that is configured runs once, as it is configured, and the statuses say so.
    fn unsettled(&self) -> Result<(), String> {
        let alive: Vec<&Worker> = self
            .workers
            .iter()
            .filter(|worker| worker.is_alive)
            .collect();
        let Some(first) = alive.first() else {
            return Err("nobody is alive yet".to_string());
        };
        first.read_configs();
        let state: Arc<ClusterConfigState> = first.store().snapshot();
        let Some(generation) = self.broker.stable_generation() else {
            return Err("the group is rebalancing".to_string());
        };
        if self.broker.num_members() != alive.len() {
            return Err("members are missing, or not given up yet".to_string());
        }
        if alive
            .iter()
            .any(|worker| worker.generation != generation || worker.is_busy())
        {
            return Err("a worker is behind".to_string());
        }
        let mut connectors: BTreeMap<&str, usize> = BTreeMap::new();
        let mut tasks: BTreeMap<ConnectorTaskId, usize> = BTreeMap::new();
        for worker in &alive {
            for (connector, (config, target)) in &worker.running_connectors {
                if connectors.insert(connector, worker.index).is_some() {
                    return Err(format!("{connector} runs twice"));
                }
                if state.raw_connector_config(connector) != Some(config) {
                    return Err(format!("{connector} runs with another configuration"));
                }
                if state.target_state(connector) != Some(*target) {
                    return Err(format!("{connector} is in the state {target}"));
                }
            }
            for (task, (config, target)) in &worker.running_tasks {
                if tasks.insert(task.clone(), worker.index).is_some() {
                    return Err(format!("{task} runs twice"));
                }
                if state.raw_task_config(task) != Some(config) {
                    return Err(format!("{task} runs with another configuration"));
                }
                if state.target_state(&task.connector) != Some(*target) {
                    return Err(format!("{task} is in the state {target}"));
                }
            }
        }
        for connector in state.connectors() {
            self.connector_unsettled(&state, connector, &connectors, &tasks)?;
        }
        let configured = state
            .connectors()
            .map(|connector| state.tasks(connector).len());
        if connectors.len() != state.connectors().len() || tasks.len() != configured.sum::<usize>()
        {
            return Err("something runs that is not configured".to_string());
        }
        for connector in self.statuses.connectors() {
            if !state.contains(&connector) {
                return Err(format!("{connector} is gone and has a status"));
            }
            if self.statuses.tasks(&connector).len() != state.tasks(&connector).len() {
                return Err(format!(
                    "statuses of tasks of {connector} are missing or left over"
                ));
            }
        }
        Ok(())
    }

    fn connector_unsettled(
        &self,
        state: &ClusterConfigState,
        connector: &str,
        connectors: &BTreeMap<&str, usize>,
        tasks: &BTreeMap<ConnectorTaskId, usize>,
    ) -> Result<(), String> {
        let target = state
            .target_state(connector)
            .unwrap_or(TargetState::Started);
        let Some(owner) = connectors.get(connector) else {
            return Err(format!("{connector} does not run"));
        };
        let status = self.statuses.connector(connector);
        let shown = status.map(|status| (status.status.state, status.status.worker_id));
        if shown.as_ref().is_none_or(|(state, worker)| {
            // A worker that was away may have had the last word about another one's work.
            *worker == self.workers[*owner].url && *state != state_of(target)
        }) {
            return Err(format!(
                "{connector} runs on w{owner} and is shown as {shown:?}"
            ));
        }
        let config = state
            .raw_connector_config(connector)
            .expect("it is configured");
        let configured = state.tasks(connector);
        if target == TargetState::Started {
            let num_tasks: usize = config.get("tasks.max").unwrap().parse().unwrap();
            if configured.len() != num_tasks {
                return Err(format!(
                    "{connector} has {} tasks of {num_tasks}",
                    configured.len()
                ));
            }
            for task in &configured {
                let version = state
                    .raw_task_config(task)
                    .and_then(|config| config.get("version"));
                if version != config.get("version") {
                    return Err(format!("{task} is configured for version {version:?}"));
                }
            }
        }
        for task in &configured {
            let Some(owner) = tasks.get(task) else {
                return Err(format!("{task} does not run"));
            };
            let status = self.statuses.task(task);
            let shown = status.map(|status| (status.status.state, status.status.worker_id));
            if shown.as_ref().is_none_or(|(state, worker)| {
                // A worker that was away may have had the last word about another one's work.
                *worker == self.workers[*owner].url && *state != state_of(target)
            }) {
                return Err(format!("{task} runs on w{owner} and is shown as {shown:?}"));
            }
        }
        Ok(())
    }

    /// What was confirmed is on the topic.
    fn check_confirmed(&self) {
        let topic: Vec<String> = self
            .topic
            .records()
            .into_iter()
            .filter(|record| {
                record
                    .key
                    .as_ref()
                    .is_some_and(|key| key.starts_with(b"connector-"))
            })
            .filter_map(|record| Some(String::from_utf8_lossy(&record.value?).into_owned()))
            .collect();
        for version in &self.confirmed {
            let written = format!("\"version\":\"{version}\"");
            assert!(
                topic.iter().any(|record| record.contains(&written)),
                "version {version} was confirmed and is lost"
            );
        }
    }
}
