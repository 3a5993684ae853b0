//! Restarts of a worker alone, in virtual time.

use super::super::tests::world::{World, now};
use super::super::{Input, Request};
use super::*;
use connect_api::config::ConfigMap;
use connect_store::ConfigStore;

const BACKOFF: Duration = Duration::from_secs(1);

fn task(number: i32) -> ConnectorTaskId {
    ConnectorTaskId {
        connector: "a".into(),
        task: number,
    }
}

/// A worker with a connector of two tasks, which restart by themselves after 1, 2, 3 and 3 seconds.
fn world() -> World {
    let mut world = World::new(1);
    world.faults = false;
    world.settle();
    world.configure("a", &[("dovetail.restart.enable", "true")]);
    world.take_told();
    world
}

fn fail(world: &mut World, task: Option<ConnectorTaskId>) {
    world.feed(Input::Failed(Failure {
        connector: "a".to_string(),
        task,
        reason: "the database is gone".to_string(),
    }));
}

/// Lets time pass up to a millisecond before the given time, and then that too.
fn told_after(world: &mut World, time: Duration) -> Vec<String> {
    world.pass(time - Duration::from_millis(1));
    assert_eq!(world.take_told(), [""; 0], "restarted before {time:?}");
    world.pass(Duration::from_millis(1));
    world.take_told()
}

#[test]
fn a_failed_task_restarts_with_a_growing_backoff_until_its_attempts_are_used_up() {
    let mut world = world();
    for backoff in [BACKOFF, BACKOFF * 2, BACKOFF * 3, BACKOFF * 3] {
        fail(&mut world, Some(task(1)));
        // The same failure may be told again.
        fail(&mut world, Some(task(1)));
        assert_eq!(world.core.next_deadline(), Some(world.now + backoff));
        assert_eq!(
            told_after(&mut world, backoff),
            ["stop a-1", "mark a-1", "start a-1"]
        );
    }
    fail(&mut world, Some(task(1)));
    assert_eq!(world.core.next_deadline(), None);
    // The other one has all of its attempts.
    fail(&mut world, Some(task(0)));
    assert_eq!(world.core.next_deadline(), Some(world.now + BACKOFF));
}

#[test]
fn attempts_are_forgotten_after_a_while_of_running_or_a_restart_by_hand() {
    let mut world = world();
    for _ in 0..4 {
        fail(&mut world, Some(task(0)));
        world.pass(BACKOFF * 3);
    }
    world.pass(Duration::from_mins(1));
    fail(&mut world, Some(task(0)));
    assert_eq!(world.core.next_deadline(), Some(world.now + BACKOFF));
    world.pass(BACKOFF);
    fail(&mut world, Some(task(0)));
    assert_eq!(world.core.next_deadline(), Some(world.now + BACKOFF * 2));
    world.take_told();
    // A person is quicker: nothing is left to do, and counting begins anew.
    world.ask(Request::RestartTask { task: task(0) });
    assert_eq!(world.take_told(), ["stop a-0", "start a-0"]);
    assert_eq!(world.core.next_deadline(), None);
    fail(&mut world, Some(task(0)));
    assert_eq!(world.core.next_deadline(), Some(world.now + BACKOFF));
}

#[test]
fn a_failed_connector_restarts_and_is_asked_about_its_tasks_again() {
    let mut world = world();
    fail(&mut world, None);
    assert_eq!(
        told_after(&mut world, BACKOFF),
        ["stop a", "mark a", "start a"]
    );
    world.settle();
    world.check();
    // Its tasks run on.
    assert_eq!(world.take_told(), [""; 0]);
}

#[test]
fn only_what_runs_here_and_is_to_restart_restarts() {
    let mut world = world();
    fail(&mut world, Some(task(7)));
    world.feed(Input::Failed(Failure {
        connector: "b".to_string(),
        task: None,
        reason: "it never ran here".to_string(),
    }));
    assert_eq!(world.core.next_deadline(), None);
    // What was deleted is not started again.
    fail(&mut world, Some(task(0)));
    world.ask(Request::DeleteConnector {
        connector: "a".to_string(),
    });
    world.settle();
    assert!(!world.told.contains(&"start a-0".to_string()));
    assert_eq!(world.core.next_deadline(), None);
    // Nobody has asked for it.
    world.configure("a", &[]);
    fail(&mut world, Some(task(0)));
    fail(&mut world, None);
    assert_eq!(world.core.next_deadline(), None);
    // One who changes his mind is listened to, also while the worker waits.
    world.configure(
        "a",
        &[
            ("dovetail.restart.enable", "true"),
            ("dovetail.restart.only.changed.tasks", "true"),
            ("shared", "1"),
        ],
    );
    fail(&mut world, Some(task(0)));
    world.take_told();
    let configs = &world.configs;
    let disabled = ConfigMap::from_iter([
        ("connector.class", "C"),
        ("tasks.max", "2"),
        ("dovetail.restart.only.changed.tasks", "true"),
        ("shared", "1"),
    ]);
    now(configs.put_connector_config("a", &disabled, None)).unwrap();
    world.pass(BACKOFF);
    assert_eq!(world.take_told(), [""; 0]);
}
