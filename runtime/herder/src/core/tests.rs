//! A simulation of one worker: its store, its group, its host and its clients, all driven by a seed.
//!
//! Whatever is asked in whatever order, and whatever fails meanwhile: every request is answered once,
//! nothing is started twice, and once the faults are over the host runs what is configured, with the
//! configurations that are stored.

pub(in crate::core) mod world;

use super::{Effect, Input, Outcome, PendingResponse, Request, RequestId, View, WriteReason};
use crate::face::HerderError;
use crate::host::ValuesExpiry;
use connect_api::config::ConfigMap;
use connect_store::{ConfigStore, ConnectorTaskId, TargetState};
use rand::RngExt;
use std::time::Duration;
use world::{World, now};

fn simulate(seed: u64) {
    let mut world = World::new(seed);
    for _ in 0..60 {
        if world.rng.random_ratio(1, 3) {
            world.random_event();
        }
        world.step();
    }
    world.settle();
    world.check();
}

#[test]
fn a_worker_converges_whatever_happens() {
    for seed in 0..2_000 {
        let outcome = std::panic::catch_unwind(|| simulate(seed));
        if let Err(payload) = outcome {
            eprintln!("seed {seed} fails: run simulate({seed})");
            std::panic::resume_unwind(payload);
        }
    }
}

#[test]
fn a_stopped_connector_has_no_tasks_and_gets_them_back_when_resumed() {
    let mut world = World::new(1);
    world.settle();
    world.ask(Request::PutConnectorConfig {
        connector: "a".into(),
        config: ConfigMap::from_iter([("connector.class", "C"), ("tasks.max", "2")]),
        initial_state: None,
        replace: false,
    });
    world.settle();
    assert_eq!(world.running_tasks.len(), 2);
    world.ask(Request::StopConnector {
        connector: "a".into(),
    });
    world.settle();
    assert!(world.running_tasks.is_empty());
    assert!(world.running_connectors.contains_key("a"));
    now(world.configs.put_target_state("a", TargetState::Started)).unwrap();
    world.settle();
    assert_eq!(world.running_tasks.len(), 2);
    world.check();
}

#[test]
fn requests_that_waited_see_what_those_before_them_have_written() {
    let mut world = World::new(1);
    world.faults = false;
    world.settle();
    world.configure("a", &[]);
    // Both wait for the group.
    world.feed(Input::PrepareJoin);
    world.ask(Request::StopConnector {
        connector: "a".into(),
    });
    let config = ConfigMap::from_iter([("connector.class", "C")]);
    world.ask(Request::PutTaskConfigs {
        connector: "a".into(),
        configs: vec![config],
    });
    assert_eq!(world.open_requests.len(), 2);
    world.settle();
    world.check();
    // What a stopped connector had to say is refused.
    assert!(world.configs.snapshot().tasks("a").is_empty());
}

#[test]
fn what_runs_with_values_that_expire_is_restarted_when_they_do() {
    let mut world = World::new(3);
    world.settle();
    let variable = "${vault:db:password}";
    world.ask(Request::PutConnectorConfig {
        connector: "a".into(),
        config: ConfigMap::from_iter([
            ("connector.class", "C"),
            ("tasks.max", "2"),
            ("password", variable),
        ]),
        initial_state: None,
        replace: false,
    });
    world.settle();
    let task = |task: i32| ConnectorTaskId {
        connector: "a".into(),
        task,
    };
    let stops_after = |world: &mut World, elapsed: Duration| {
        world.now += elapsed;
        let configs = world.configs.snapshot();
        let view = View {
            configs: &configs,
            statuses: &world.statuses,
            now: world.now,
            now_ms: 0,
            connector_type: &|_| "source",
        };
        let effects = world.core.handle(Input::Tick, &view);
        let effects = effects.into_iter().filter_map(|effect| match effect {
            Effect::StopConnectors(connectors) => Some(format!("stop {}", connectors.join(","))),
            Effect::StopTasks(tasks) => Some(format!("stop {}", tasks[0])),
            Effect::StartConnector { config, .. } => {
                Some(format!("start {}", config.get("password")?))
            }
            Effect::StartTask { task, .. } => Some(format!("start {task}")),
            _ => None,
        });
        effects.collect::<Vec<String>>()
    };
    let expire = |world: &mut World, number: Option<i32>, ttl_ms: u64| {
        world.feed(Input::ValuesExpire(ValuesExpiry {
            connector: "a".into(),
            task: number.map(task),
            ttl: Duration::from_millis(ttl_ms),
        }));
    };
    expire(&mut world, None, 5_000);
    expire(&mut world, Some(1), 8_000);
    // Nobody runs these.
    expire(&mut world, Some(7), 5_000);
    let deadline = world.core.next_deadline().unwrap() - world.now;
    assert_eq!(deadline, Duration::from_secs(5));
    assert!(stops_after(&mut world, Duration::from_millis(4_999)).is_empty());
    assert_eq!(
        stops_after(&mut world, Duration::from_millis(1)),
        ["stop a", &format!("start {variable}")]
    );
    // It is once, unless the new start tells of another time.
    assert_eq!(
        stops_after(&mut world, Duration::from_secs(3)),
        ["stop a-1", "start a-1"]
    );
    assert_eq!(world.core.next_deadline(), None);
    // A value that holds for no time at all does not keep the worker busy.
    expire(&mut world, None, 0);
    assert!(stops_after(&mut world, Duration::from_millis(999)).is_empty());
    assert_eq!(stops_after(&mut world, Duration::from_millis(1)).len(), 2);
    // What was stopped meanwhile stays so.
    expire(&mut world, None, 5_000);
    world.ask(Request::DeleteConnector {
        connector: "a".into(),
    });
    world.settle();
    assert!(stops_after(&mut world, Duration::from_secs(60)).is_empty());
}

#[test]
fn a_write_that_fails_is_told_to_who_asked() {
    let mut world = World::new(2);
    world.settle();
    let configs = world.configs.snapshot();
    let view = View {
        configs: &configs,
        statuses: &world.statuses,
        now: Duration::ZERO,
        now_ms: 0,
        connector_type: &|_| "source",
    };
    let effects = world.core.handle(
        Input::Outcome(Outcome::Written(
            WriteReason::Request(RequestId(7), PendingResponse::Done),
            Err(HerderError::internal("Failed to write")),
        )),
        &view,
    );
    assert!(matches!(
        effects.as_slice(),
        [Effect::Reply(RequestId(7), Err(error))] if error.message == "Failed to write"
    ));
}
