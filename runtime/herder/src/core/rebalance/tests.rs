//! One worker in a group that a test plays, with a config topic that another worker writes to. The stores
//! bound their waiting by the clock of a runtime; nothing waits here.

use super::super::catching_up::CATCH_UP_DELAY_MIN;
use super::super::{CoreConfig, Input, Outcome, SessionKeyConfig};
use super::*;
use crate::restart_policy::RestartPolicy;
use crate::signature::MacAlgorithm;
use connect_api::config::ConfigMap;
use connect_kafka::group::{MemberAssignment, MemberMetadata};
use connect_kafka::log::{MemoryLog, MemoryTopic};
use connect_store::{ConfigStore, ConnectorTaskId, KafkaConfigStore, MemoryStatusStore};
use futures::FutureExt;
use std::sync::Arc;

struct Bench {
    core: Core,
    configs: KafkaConfigStore,
    log: Arc<MemoryLog>,
    other: KafkaConfigStore,
    now: Duration,
    generation: i32,
}

fn now<T>(future: impl Future<Output = connect_store::StoreResult<T>>) {
    let outcome = future.now_or_never().expect("memory does not wait");
    assert!(outcome.is_ok(), "memory takes it");
}

fn of(connectors: &[&str], tasks: &[(&str, i32)]) -> ConnectorsAndTasks {
    ConnectorsAndTasks {
        connectors: connectors
            .iter()
            .map(|connector| (*connector).into())
            .collect(),
        tasks: tasks
            .iter()
            .map(|(connector, task)| ConnectorTaskId {
                connector: (*connector).into(),
                task: *task,
            })
            .collect(),
    }
}

/// What an effect is, in short; what does not matter here is left out.
fn told(effects: &[Effect]) -> Vec<String> {
    let texts = effects.iter().filter_map(|effect| match effect {
        Effect::StartConnector { connector, .. } => Some(format!("start {connector}")),
        Effect::StartTask { task, .. } => Some(format!("start {task}")),
        Effect::StopConnectors(connectors) => Some(format!("stop {}", connectors.join(" "))),
        Effect::StopTasks(tasks) => {
            let tasks: Vec<String> = tasks.iter().map(ToString::to_string).collect();
            Some(format!("stop {}", tasks.join(" ")))
        }
        Effect::FlushStatuses => Some("flush".to_string()),
        Effect::Refresh { timeout } => Some(format!("read for {} s", timeout.as_secs())),
        Effect::RequestRejoin(_) => Some("rejoin".to_string()),
        Effect::LeaveGroup(_) => Some("leave".to_string()),
        Effect::CleanStatuses => Some("clean".to_string()),
        _ => None,
    });
    texts.collect()
}

impl Bench {
    /// The other worker has written two connectors with a task each; this one has read them.
    fn new(protocol: ConnectProtocol) -> Self {
        let topic = MemoryTopic::new("configs", 1);
        let log = Arc::new(MemoryLog::new(&topic));
        let configs = KafkaConfigStore::new(log.clone());
        let other = KafkaConfigStore::new(Arc::new(MemoryLog::new(&topic)));
        now(configs.start());
        now(other.start());
        let core = Core::new(CoreConfig {
            worker_url: "http://me:8083/".into(),
            worker_id: "me:8083".into(),
            is_distributed: true,
            hands_over: true,
            restarts: RestartPolicy::FOR_TESTS,
            protocol,
            sync_timeout: Duration::from_secs(3),
            max_rebalance_delay: Duration::from_mins(5),
            unsync_backoff: Duration::from_mins(4),
            session_keys: SessionKeyConfig {
                ttl: Duration::from_hours(1),
                algorithm: MacAlgorithm::Sha256,
                num_bytes: 32,
            },
        });
        let bench = Self {
            core,
            configs,
            log,
            other,
            now: Duration::ZERO,
            generation: 0,
        };
        bench.write("a");
        bench.write("b");
        bench.read();
        bench
    }

    fn write(&self, connector: &str) {
        let config = ConfigMap::from_iter([("connector.class", "C")]);
        now(self.other.put_connector_config(connector, &config, None));
        now(self.other.put_task_configs(connector, &[config]));
    }

    fn read(&self) {
        self.log.poll().unwrap();
    }

    fn offset(&self) -> i64 {
        self.configs.snapshot().offset()
    }

    fn offset_of_other(&self) -> i64 {
        self.other.snapshot().offset()
    }

    fn handle(&mut self, input: Input) -> Vec<Effect> {
        let configs = self.configs.snapshot();
        let view = View {
            configs: &configs,
            statuses: &MemoryStatusStore::new(),
            now: self.now,
            now_ms: 0,
            connector_type: &|_| "source",
        };
        self.core.handle(input, &view)
    }

    /// Joins, and returns what it says it has.
    fn prepare(&mut self) -> (Vec<Effect>, Option<Assignment>) {
        let effects = self.handle(Input::PrepareJoin);
        let Some(Effect::JoinReply(protocols)) = effects.last() else {
            panic!("there is no answer to the group in {effects:?}");
        };
        let metadata = Metadata::decode(&protocols[0].metadata).unwrap();
        assert_eq!(metadata.config_offset, self.offset());
        (effects, metadata.current_assignment)
    }

    fn assigned(
        &mut self,
        leader: &str,
        config_offset: i64,
        assigned: ConnectorsAndTasks,
        revoked: ConnectorsAndTasks,
        error: AssignmentError,
    ) -> Vec<String> {
        self.generation += 1;
        let protocol = self.core.config.protocol;
        let assignment = Assignment {
            version: protocol.version(),
            error,
            leader_id: leader.to_string(),
            leader_url: format!("http://{leader}:8083/"),
            config_offset,
            assigned,
            revoked,
            delay_ms: 0,
        };
        let effects = self.handle(Input::Assigned(GroupAssignment {
            generation: self.generation,
            member_id: "me".to_string(),
            leader_id: leader.to_string(),
            protocol: protocol.name().to_string(),
            assignment: assignment.encode().unwrap(),
        }));
        told(&effects)
    }

    fn refreshed(&mut self, result: Result<(), String>) -> Vec<String> {
        let effects = self.handle(Input::Outcome(Outcome::Refreshed(result)));
        told(&effects)
    }

    fn pass(&mut self, time: Duration) -> Vec<String> {
        self.now += time;
        let effects = self.handle(Input::Tick);
        told(&effects)
    }
}

fn nothing() -> ConnectorsAndTasks {
    ConnectorsAndTasks::default()
}

/// A member that runs `a` and its task.
fn at_work(protocol: ConnectProtocol) -> Bench {
    let mut bench = Bench::new(protocol);
    bench.prepare();
    let offset = bench.offset();
    let work = of(&["a"], &[("a", 0)]);
    let told = bench.assigned("you", offset, work, nothing(), AssignmentError::None);
    assert_eq!(told, ["start a", "start a-0"]);
    bench
}

#[tokio::test]
async fn work_starts_when_the_configurations_of_the_assignment_have_been_read() {
    let mut bench = Bench::new(ConnectProtocol::Sessioned);
    bench.prepare();
    bench.write("c");
    let offset = bench.offset_of_other();
    let work = of(&["c"], &[("c", 0)]);
    let told = bench.assigned("you", offset, work, nothing(), AssignmentError::None);
    assert_eq!(told, ["read for 3 s"]);
    bench.read();
    assert_eq!(bench.refreshed(Ok(())), ["start c", "start c-0"]);
}

#[tokio::test]
async fn work_does_not_start_from_other_configurations_than_the_assignment_was_made_from() {
    let mut bench = Bench::new(ConnectProtocol::Sessioned);
    bench.prepare();
    bench.write("c");
    let offset = bench.offset_of_other();
    // One more is read with it.
    bench.write("d");
    let work = of(&["c"], &[("c", 0)]);
    let told = bench.assigned("you", offset, work, nothing(), AssignmentError::None);
    assert_eq!(told, ["read for 3 s"]);
    bench.read();
    assert_eq!(bench.refreshed(Ok(())), ["rejoin"]);
}

#[tokio::test]
async fn what_is_revoked_has_stopped_and_is_written_down_before_the_group_is_joined_again() {
    let mut bench = at_work(ConnectProtocol::Sessioned);
    let (_, current) = bench.prepare();
    assert_eq!(current.unwrap().assigned, of(&["a"], &[("a", 0)]));
    let offset = bench.offset();
    // New work comes at the same time; what was there and is not revoked stays.
    let (assigned, revoked) = (of(&["b"], &[]), of(&[], &[("a", 0)]));
    let told = bench.assigned("you", offset, assigned, revoked, AssignmentError::None);
    assert_eq!(told, ["stop a-0", "flush", "start b", "rejoin"]);
    let (_, current) = bench.prepare();
    assert_eq!(current.unwrap().assigned, of(&["a", "b"], &[]));
}

#[tokio::test]
async fn what_was_deleted_while_a_member_was_out_is_given_up_though_the_leader_never_knew_of_it() {
    for removes_connector in [true, false] {
        let mut bench = at_work(ConnectProtocol::Sessioned);
        if removes_connector {
            now(bench.other.remove_connector_config("a"));
        } else {
            now(bench.other.put_task_configs("a", &[]));
        }
        bench.read();
        let (_, current) = bench.prepare();
        assert_eq!(current.unwrap().assigned, of(&["a"], &[("a", 0)]));
        let offset = bench.offset();
        // A new leader takes what it has for its own.
        let told = bench.assigned("they", offset, nothing(), nothing(), AssignmentError::None);
        let (_, current) = bench.prepare();
        if removes_connector {
            assert_eq!(told, ["stop a", "stop a-0", "flush", "rejoin"]);
            assert_eq!(current, None);
        } else {
            assert_eq!(told, ["stop a-0", "flush", "rejoin"]);
            assert_eq!(current.unwrap().assigned, of(&["a"], &[]));
        }
    }
}

#[tokio::test]
async fn an_eager_member_gives_up_everything_before_it_joins() {
    let mut bench = at_work(ConnectProtocol::Eager);
    let (effects, current) = bench.prepare();
    assert_eq!(told(&effects), ["stop a", "stop a-0", "flush"]);
    assert_eq!(current, None);
}

#[tokio::test]
async fn a_member_whose_assignment_failed_reads_if_it_is_behind_and_joins_again() {
    let mut bench = Bench::new(ConnectProtocol::Sessioned);
    bench.prepare();
    let offset = bench.offset();
    let mismatch = AssignmentError::ConfigMismatch;
    // It is not this one that was behind.
    let told = bench.assigned("you", offset, nothing(), nothing(), mismatch);
    assert_eq!(told, ["rejoin"]);
    let told = bench.assigned("you", offset + 1, nothing(), nothing(), mismatch);
    assert_eq!(told, ["read for 3 s"]);
    assert_eq!(bench.refreshed(Ok(())), ["rejoin"]);
    // The leader is the one who was.
    let told = bench.assigned("me", offset, nothing(), nothing(), mismatch);
    assert_eq!(told, ["read for 3 s"]);
    assert_eq!(bench.refreshed(Ok(())), ["rejoin"]);
}

/// What the leader answers the group.
fn shares(effects: &[Effect]) -> Vec<(String, Assignment)> {
    let Some(Effect::AssignmentReply(replies)) = effects.last() else {
        panic!("there is no answer to the group in {effects:?}");
    };
    let decode = |reply: &MemberAssignment| {
        let assignment = Assignment::decode(&reply.assignment).unwrap();
        (reply.member_id.clone(), assignment)
    };
    replies.iter().map(decode).collect()
}

fn perform(bench: &mut Bench, offsets: &[(&str, i64)]) -> Vec<Effect> {
    let members = offsets.iter().map(|(member, config_offset)| {
        let metadata = Metadata {
            version: 2,
            url: format!("http://{member}:8083/"),
            config_offset: *config_offset,
            current_assignment: None,
        };
        MemberMetadata {
            member_id: (*member).to_string(),
            metadata: metadata.encode().unwrap(),
        }
    });
    let members = members.collect();
    bench.handle(Input::PerformAssignment {
        generation: 1,
        leader_id: "me".to_string(),
        protocol: "sessioned".to_string(),
        members,
    })
}

#[tokio::test]
async fn a_leader_that_is_behind_reads_first_and_says_so_if_that_does_not_help() {
    for reads in [true, false] {
        let mut bench = Bench::new(ConnectProtocol::Sessioned);
        bench.prepare();
        let behind = bench.offset();
        bench.write("c");
        let offset = bench.offset_of_other();
        let effects = perform(&mut bench, &[("me", behind), ("you", offset)]);
        assert_eq!(told(&effects), ["read for 3 s"]);
        let result = if reads {
            bench.read();
            Ok(())
        } else {
            Err("it took too long".to_string())
        };
        let effects = bench.handle(Input::Outcome(Outcome::Refreshed(result)));
        let shares = shares(&effects);
        let names: Vec<&str> = shares.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["me", "you"]);
        let mut num_connectors = 0;
        for (_, assignment) in &shares {
            assert_eq!(assignment.config_offset, offset);
            assert_eq!(assignment.leader_url, "http://me:8083/");
            assert_eq!(assignment.delay_ms, 0);
            let error = if reads {
                AssignmentError::None
            } else {
                AssignmentError::ConfigMismatch
            };
            assert_eq!(assignment.error, error);
            num_connectors += assignment.assigned.connectors.len();
            assert!(assignment.revoked.is_empty());
        }
        assert_eq!(num_connectors, if reads { 3 } else { 0 });
    }
}

/// Lets time pass up to a millisecond before the next try, and then that too.
fn tries_again_after(bench: &mut Bench, wait: Duration) {
    let nothing: [&str; 0] = [];
    assert_eq!(bench.pass(wait - Duration::from_millis(1)), nothing);
    assert_eq!(bench.pass(Duration::from_millis(1)), ["read for 3 s"]);
}

#[tokio::test]
async fn a_member_that_cannot_read_stays_out_ever_longer_and_then_gives_up_its_work() {
    let mut bench = at_work(ConnectProtocol::Sessioned);
    bench.prepare();
    let offset = bench.offset() + 1;
    let told = bench.assigned("you", offset, nothing(), nothing(), AssignmentError::None);
    assert_eq!(told, ["read for 3 s"]);
    let fails = || Err("the broker is gone".to_string());
    let mut told = bench.refreshed(fails());
    // A tenth of scheduled.rebalance.max.delay.ms by the number of tries that are left.
    for wait_ms in [6_000, 7_500, 10_000, 15_000, 30_000] {
        assert_eq!(told, ["leave"], "before {wait_ms} ms");
        tries_again_after(&mut bench, Duration::from_millis(wait_ms));
        told = bench.refreshed(fails());
    }
    assert_eq!(told, ["leave", "stop a", "stop a-0", "flush"]);
    tries_again_after(&mut bench, CATCH_UP_DELAY_MIN);
    assert_eq!(bench.refreshed(Ok(())), ["rejoin"]);
    // All tries are there again.
    bench.prepare();
    bench.assigned("you", offset, nothing(), nothing(), AssignmentError::None);
    assert_eq!(bench.refreshed(fails()), ["leave"]);
    tries_again_after(&mut bench, Duration::from_secs(6));
}

#[tokio::test]
async fn an_eager_member_that_cannot_read_waits_for_worker_unsync_backoff() {
    let mut bench = Bench::new(ConnectProtocol::Eager);
    bench.prepare();
    let offset = bench.offset() + 1;
    bench.assigned("you", offset, nothing(), nothing(), AssignmentError::None);
    assert_eq!(bench.refreshed(Err("gone".to_string())), ["leave"]);
    tries_again_after(&mut bench, Duration::from_mins(4));
}

#[tokio::test]
async fn a_member_without_coordinator_stops_its_work_and_forgets_it() {
    let mut bench = at_work(ConnectProtocol::Sessioned);
    let effects = bench.handle(Input::CoordinatorLost);
    assert_eq!(told(&effects), ["stop a", "stop a-0", "flush"]);
    let (_, current) = bench.prepare();
    assert_eq!(current, None);
}

#[tokio::test]
async fn the_leader_cleans_statuses_once_it_has_started_its_work() {
    let mut bench = Bench::new(ConnectProtocol::Compatible);
    bench.prepare();
    let offset = bench.offset();
    let work = of(&["a"], &[]);
    let told = bench.assigned("me", offset, work, nothing(), AssignmentError::None);
    assert_eq!(told, ["start a", "clean"]);
}
