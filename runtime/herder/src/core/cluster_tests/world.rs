//! Workers, their broker, their network and their clients, driven by one seed.

use super::super::{Input, Request};
use super::broker::{Answer, Broker, Call};
use super::statuses::SimStatuses;
use super::worker::{Act, Phase, Settings, Worker};
use crate::restart_policy::RestartPolicy;
use crate::signature::{self, MacAlgorithm, RequestSignature};
use bytes::Bytes;
use connect_api::config::ConfigMap;
use connect_kafka::group::protocol::ConnectProtocol;
use connect_kafka::log::MemoryTopic;
use connect_store::ConfigStore;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const FAULTS_END: Duration = Duration::from_secs(100);
/// After the last fault and the longest delay, the cluster has this long to settle.
const TIME_TO_SETTLE: Duration = Duration::from_secs(900);
/// How long it must stay as it is then.
const TIME_TO_STAY: Duration = Duration::from_secs(30);

/// Without end: what has failed for a while comes back.
const RESTARTS: RestartPolicy = RestartPolicy {
    max_attempts: None,
    ..RestartPolicy::FOR_TESTS
};

/// What happens at a time. `life` is that of the worker for whom it is meant.
pub(super) enum Event {
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
    /// The worker has had time enough to end.
    End {
        worker: usize,
        life: u32,
    },
    /// The way from a worker to its broker and its peers is open again.
    Reconnect {
        worker: usize,
    },
    Heal,
    BrokerTick,
    Check,
}

pub(super) enum GroupRequest {
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
            Self::End { worker, .. } => write!(f, "w{worker} has to end"),
            Self::Reconnect { worker } => write!(f, "w{worker} is connected again"),
            Self::Heal => f.write_str("heal"),
            Self::BrokerTick => f.write_str("broker tick"),
            Self::Check => f.write_str("check"),
        }
    }
}

pub(super) struct Asked {
    pub(super) request: Request,
    pub(super) hops: u32,
}

pub(super) struct World {
    pub(super) rng: StdRng,
    pub(super) now: Duration,
    pub(super) num_scheduled: u64,
    pub(super) queue: BinaryHeap<Reverse<(Duration, u64)>>,
    pub(super) events: BTreeMap<u64, Event>,
    pub(super) topic: Arc<MemoryTopic>,
    pub(super) statuses: Arc<SimStatuses>,
    pub(super) broker: Broker,
    pub(super) num_calls: u64,
    /// Whose a call is.
    pub(super) calls: BTreeMap<Call, (usize, u32)>,
    pub(super) workers: Vec<Worker>,
    pub(super) settings: Vec<Settings>,
    pub(super) asked: BTreeMap<u64, Asked>,
    pub(super) num_asked: u64,
    /// Task configurations on their way, by the request at the leader.
    pub(super) relayed: BTreeMap<u64, (usize, u32, String)>,
    /// The versions of connectors whose writing was confirmed.
    pub(super) confirmed: BTreeSet<u64>,
    pub(super) num_versions: u64,
    pub(super) faults: bool,
    pub(super) settled_since: Option<Duration>,
    pub(super) traces: bool,
}

impl World {
    /// A cluster to which things happen by this seed.
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
                restarts: RESTARTS,
            })
            .collect();
        let mut world = Self::of(rng, settings);
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

    /// A cluster without faults, in which a test says what happens.
    pub(super) fn calm(num_workers: usize, max_delay: Duration) -> Self {
        let settings = Settings {
            protocol: ConnectProtocol::Sessioned,
            max_delay,
            key_ttl: Duration::from_secs(3600),
            restarts: RESTARTS,
        };
        let rng = StdRng::seed_from_u64(1);
        let mut world = Self::of(rng, vec![settings; num_workers]);
        world.at(Duration::from_secs(1), Event::BrokerTick);
        world.faults = false;
        world
    }

    pub(super) fn of(rng: StdRng, settings: Vec<Settings>) -> Self {
        let num_workers = settings.len();
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
        world
    }

    /// Lets one thing happen.
    pub(super) fn step(&mut self) {
        let Reverse((time, number)) = self.queue.pop().expect("workers always have plans");
        self.now = time;
        let event = self.events.remove(&number).expect("each is queued once");
        if self.traces && !matches!(event, Event::Wake { .. } | Event::BrokerTick) {
            eprintln!("{:>9} ms  {event:?}", time.as_millis());
        }
        self.happen(event);
    }

    /// Runs until everything runs as it should; returns how long that took.
    pub(super) fn settle_within(&mut self, limit: Duration) -> Duration {
        let start = self.now;
        loop {
            self.step();
            // What was asked has to be on its way.
            if self.now > start + Duration::from_secs(2) && self.unsettled().is_ok() {
                break;
            }
            if self.now > start + limit {
                panic!("not settled in time: {}", self.unsettled().unwrap_err());
            }
        }
        self.now - start
    }

    pub(super) fn begin(&mut self, worker: usize) {
        let life = self.workers[worker].life;
        self.soon(1, 50, Event::Wake { worker, life });
        self.soon(1, 2_000, Event::Beat { worker, life });
        self.soon(1, 500, Event::Read { worker, life });
    }

    pub(super) fn random_ms(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(self.rng.random_range(from..=to))
    }

    pub(super) fn at(&mut self, time: Duration, event: Event) {
        self.num_scheduled += 1;
        self.queue.push(Reverse((time, self.num_scheduled)));
        self.events.insert(self.num_scheduled, event);
    }

    pub(super) fn soon(&mut self, from_ms: u64, to_ms: u64, event: Event) {
        let time = self.now + self.random_ms(from_ms, to_ms);
        self.at(time, event);
    }

    /// Runs to the end; panics if something is not as it must be.
    pub(super) fn run(&mut self) {
        let limit = FAULTS_END + TIME_TO_SETTLE + self.settings[0].max_delay * 3;
        loop {
            self.step();
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

    pub(super) fn is_here(&self, worker: usize, life: u32) -> bool {
        self.workers[worker].is_alive && self.workers[worker].life == life
    }

    pub(super) fn happen(&mut self, event: Event) {
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
            Event::FromBroker { worker, answer, .. } => self.on_answer(worker, answer),
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
            Event::End { worker, life } => {
                if self.is_here(worker, life) {
                    self.end(worker);
                }
            }
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

    pub(super) fn wake(&mut self, worker: usize, life: u32) {
        let Some(input) = self.workers[worker].next_input(self.now) else {
            let (now, one) = (self.now, &mut self.workers[worker]);
            if let Some(deadline) = one.core.next_deadline()
                && deadline < Duration::from_secs(1_000_000)
                && one
                    .alarm
                    .is_none_or(|alarm| alarm <= now || deadline < alarm)
            {
                one.alarm = Some(deadline);
                self.at(deadline, Event::Wake { worker, life });
            }
            return;
        };
        self.feed(worker, input);
        self.soon(0, 10, Event::Wake { worker, life });
    }

    pub(super) fn feed(&mut self, worker: usize, input: Input) {
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

    pub(super) fn act(&mut self, worker: usize, life: u32, act: Act) {
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
            Act::HandedOver => self.end(worker),
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
                // Some requests take long on their way.
                let is_slow = self.faults && self.rng.random_ratio(1, 10);
                self.soon(
                    1,
                    if is_slow { 20_000 } else { 200 },
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

    pub(super) fn worker_at(&self, url: &str) -> Option<usize> {
        self.workers.iter().position(|worker| worker.url == url)
    }
}
