//! The rounds of fencing, as the leader goes through them.

use super::super::{
    ConnectorsAndTasks, CoreConfig, Input, Member, Outcome, Request, SessionKeyConfig,
};
use super::*;
use crate::face::HerderErrorKind;
use crate::signature::MacAlgorithm;
use connect_kafka::group::protocol::ConnectProtocol;
use connect_store::{ConfigStore, ConfigUpdate, MemoryConfigStore, MemoryStatusStore};
use futures::FutureExt;
use std::time::Duration;

struct World {
    core: Core,
    configs: MemoryConfigStore,
    replies: BTreeMap<u64, HerderResult<Response>>,
    /// Rounds whose producers are being fenced, with the number of tasks.
    fencing: Vec<(FencingRound, i32)>,
    next_request: u64,
    write_error: Option<HerderError>,
}

fn written<T>(future: impl Future<Output = connect_store::StoreResult<T>>) {
    let outcome = future.now_or_never().expect("memory does not wait");
    assert!(outcome.is_ok(), "memory takes it");
}

fn task(number: i32) -> ConnectorTaskId {
    ConnectorTaskId {
        connector: "c".into(),
        task: number,
    }
}

impl World {
    /// A leader that knows connector `c`, which has no task yet.
    fn new() -> Self {
        let mut core = Core::new(CoreConfig {
            worker_url: "http://me:8083/".into(),
            worker_id: "me:8083".into(),
            is_distributed: true,
            hands_over: false,
            restarts: crate::restart_policy::RestartPolicy::FOR_TESTS,
            protocol: ConnectProtocol::Sessioned,
            sync_timeout: Duration::from_secs(3),
            max_rebalance_delay: Duration::from_mins(5),
            unsync_backoff: Duration::from_mins(5),
            session_keys: SessionKeyConfig {
                ttl: Duration::from_hours(1),
                algorithm: MacAlgorithm::Sha256,
                num_bytes: 32,
            },
        });
        core.member = Some(Member {
            generation: 1,
            member_id: "me".into(),
            leader_id: "me".into(),
            leader_url: "http://me:8083/".into(),
            protocol: ConnectProtocol::Sessioned,
            config_offset: 0,
        });
        core.is_settled = true;
        let configs = MemoryConfigStore::new();
        let config: ConfigMap = [("connector.class", "C")].into_iter().collect();
        written(configs.put_connector_config("c", &config, None));
        Self {
            core,
            configs,
            replies: BTreeMap::new(),
            fencing: Vec::new(),
            next_request: 0,
            write_error: None,
        }
    }

    fn set_tasks(&mut self, num_tasks: usize) {
        let config: ConfigMap = [("task.class", "T")].into_iter().collect();
        written(self.configs.put_task_configs("c", &vec![config; num_tasks]));
    }

    fn handle(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let snapshot = self.configs.snapshot();
            let view = View {
                configs: &snapshot,
                statuses: &MemoryStatusStore::new(),
                now: Duration::ZERO,
                now_ms: 0,
                connector_type: &|class| if class == "C" { "source" } else { "sink" },
            };
            for effect in self.core.handle(input, &view) {
                match effect {
                    Effect::Reply(id, reply) => {
                        self.replies.insert(id.0, reply);
                    }
                    Effect::RefreshToFence { round, .. } => {
                        let outcome = Outcome::RefreshedToFence(round, Ok(()));
                        inputs.push(Input::Outcome(outcome));
                    }
                    Effect::FenceProducers {
                        round, num_tasks, ..
                    } => self.fencing.push((round, num_tasks)),
                    Effect::Write(
                        reason,
                        Write::TaskCount {
                            connector,
                            num_tasks,
                        },
                    ) => {
                        let result = match self.write_error.take() {
                            Some(error) => Err(error),
                            None => {
                                written(self.configs.put_task_count_record(&connector, num_tasks));
                                Ok(())
                            }
                        };
                        inputs.push(Input::Outcome(Outcome::Written(reason, result)));
                    }
                    Effect::RequestRejoin(_) => {}
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    fn ask(&mut self, request: Request) -> u64 {
        let id = self.next_request;
        self.next_request += 1;
        self.handle(Input::Request(RequestId(id), request));
        id
    }

    fn fence(&mut self) -> u64 {
        self.ask(Request::FenceZombies {
            connector: "c".to_string(),
        })
    }

    fn producers_are_fenced(&mut self, result: Result<(), String>) -> i32 {
        let (round, num_tasks) = self.fencing.remove(0);
        self.handle(Input::Outcome(Outcome::ProducersFenced(round, result)));
        num_tasks
    }

    fn record(&self) -> Option<i32> {
        self.configs.snapshot().task_count_record("c")
    }

    fn error(&self, id: u64) -> &HerderError {
        self.replies[&id].as_ref().expect_err("it is refused")
    }
}

#[test]
fn what_has_no_zombies_is_only_recorded() {
    let mut world = World::new();
    world.set_tasks(3);
    // The first set of tasks.
    let first = world.fence();
    assert_eq!(world.replies[&first], Ok(Response::Done));
    assert_eq!(world.record(), Some(3));
    // Nothing has changed since.
    let second = world.fence();
    assert_eq!(world.replies[&second], Ok(Response::Done));
    assert!(world.fencing.is_empty());
    // One task that takes over from one task.
    let mut world = World::new();
    world.set_tasks(1);
    world.fence();
    world.set_tasks(1);
    assert!(world.configs.snapshot().is_pending_fencing("c"));
    let id = world.fence();
    assert_eq!(world.replies[&id], Ok(Response::Done));
    assert!(world.fencing.is_empty());
    assert!(!world.configs.snapshot().is_pending_fencing("c"));
}

#[test]
fn tasks_of_another_number_are_fenced_before_the_new_number_is_recorded() {
    for (before, after) in [(1, 3), (3, 1), (3, 3), (2, 0)] {
        let mut world = World::new();
        world.set_tasks(before);
        world.fence();
        world.set_tasks(after);
        let ids = [world.fence(), world.fence()];
        assert!(ids.iter().all(|id| !world.replies.contains_key(id)));
        assert_eq!(world.record(), Some(before as i32));
        assert_eq!(world.fencing.len(), 1, "those who come later wait with it");
        assert_eq!(world.producers_are_fenced(Ok(())), before as i32);
        for id in ids {
            assert_eq!(world.replies[&id], Ok(Response::Done));
        }
        assert_eq!(world.record(), Some(after as i32));
    }
}

#[test]
fn a_round_that_fails_is_told_to_all_and_can_begin_again() {
    let mut world = World::new();
    world.set_tasks(2);
    world.fence();
    world.set_tasks(3);
    let first = world.fence();
    world.producers_are_fenced(Err("no permission".to_string()));
    assert_eq!(
        world.error(first).message,
        "Failed to perform zombie fencing: no permission"
    );
    assert_eq!(world.record(), Some(2));
    let second = world.fence();
    world.write_error = Some(HerderError::internal("the broker is gone"));
    world.producers_are_fenced(Ok(()));
    assert_eq!(world.error(second).message, "the broker is gone");
    let third = world.fence();
    world.producers_are_fenced(Ok(()));
    assert_eq!(world.replies[&third], Ok(Response::Done));
    assert_eq!(world.record(), Some(3));
}

#[test]
fn new_configurations_end_a_round() {
    let mut world = World::new();
    world.set_tasks(2);
    world.fence();
    world.set_tasks(3);
    let told = world.fence();
    // They are read by the update of the config topic.
    world.set_tasks(4);
    world.handle(Input::Config(ConfigUpdate::TaskConfigs("c".to_string())));
    assert_eq!(world.error(told).kind, HerderErrorKind::Conflict);
    assert_eq!(
        world.error(told).message,
        "Failed to complete zombie fencing because a new set of task configs was generated"
    );
    // What comes of the round after that changes nothing.
    world.producers_are_fenced(Ok(()));
    assert_eq!(world.record(), Some(2));
    // Or after the fencing, when the topic is read to its end.
    let found = world.fence();
    world.set_tasks(5);
    world.producers_are_fenced(Ok(()));
    assert_eq!(world.error(found).kind, HerderErrorKind::Conflict);
    assert_eq!(
        world.error(found).message,
        "Fencing failed because new task configurations were generated for the connector"
    );
    assert_eq!(world.record(), Some(2));
}

#[test]
fn only_the_leader_fences_and_only_sources() {
    let mut world = World::new();
    let config: ConfigMap = [("connector.class", "S")].into_iter().collect();
    written(world.configs.put_connector_config("s", &config, None));
    for (connector, message) in [
        ("x", "Connector x not found"),
        ("s", "Connector s is not a source connector"),
    ] {
        let id = world.ask(Request::FenceZombies {
            connector: connector.to_string(),
        });
        assert_eq!(world.error(id).message, message);
    }
    world.set_tasks(2);
    world.fence();
    world.set_tasks(3);
    let id = world.fence();
    if let Some(member) = &mut world.core.member {
        member.leader_id = "other".into();
        member.leader_url = "http://other:8083/".into();
    }
    // It has lost the lead meanwhile.
    world.producers_are_fenced(Ok(()));
    let url = "http://other:8083/".to_string();
    assert_eq!(world.error(id).kind, HerderErrorKind::Forward { url });
    assert_eq!(world.record(), Some(2));
}

#[test]
fn a_task_is_verified_by_its_generation_and_owner() {
    let mut world = World::new();
    world.set_tasks(1);
    let verify = |generation| Request::VerifyTask {
        task: task(0),
        generation,
    };
    let revoked = world.ask(verify(0));
    assert_eq!(
        world.error(revoked).message,
        "Cannot start source task c-0 as it has already been revoked from this worker"
    );
    world.core.assignment = ConnectorsAndTasks {
        connectors: Vec::new(),
        tasks: vec![task(0)],
    };
    let fine = world.ask(verify(0));
    assert_eq!(world.replies[&fine], Ok(Response::Done));
    world.set_tasks(1);
    // It need not wait for a group that is about to form.
    world.core.is_settled = false;
    let late = world.ask(verify(0));
    assert_eq!(
        world.error(late).message,
        "Cannot start source task c-0 with exactly-once support as the connector has already generated \
         a new set of task configs"
    );
}
