//! Answers of connectors about their tasks, in any order.

use super::super::tests::world::{World, now};
use super::super::{Input, Outcome};
use super::*;
use connect_store::ConfigStore;

fn answer(inquiry: u64, version: &str) -> Input {
    let config = ConfigMap::from_iter([
        ("connector.class", "C"),
        ("tasks.max", "2"),
        ("version", version),
    ]);
    Input::Outcome(Outcome::TaskConfigs(TaskConfigsAnswer {
        connector: "a".to_string(),
        inquiry,
        result: Ok(vec![config; 2]),
    }))
}

fn stored_version(world: &World) -> Option<String> {
    let configs = world.configs.snapshot();
    let tasks = configs.raw_task_configs("a");
    Some(tasks.first()?.get("version")?.to_string())
}

#[test]
fn an_answer_of_an_earlier_inquiry_does_not_overwrite_a_later_one() {
    let mut world = World::new(1);
    world.faults = false;
    world.settle();
    world.configure("a", &[("version", "1")]);
    world.configure("a", &[("version", "2")]);
    let last = world.core.inquiries.num_made;
    assert_eq!(stored_version(&world).as_deref(), Some("2"));
    for inquiry in 1..=last + 1 {
        world.feed(answer(inquiry, "1"));
        assert_eq!(stored_version(&world).as_deref(), Some("2"), "{inquiry}");
    }
    // The last one counts while it is open.
    world.feed(Input::TaskReconfigurationRequested("a".to_string()));
    world.host.clear();
    world.feed(answer(last + 1, "dynamic"));
    assert_eq!(stored_version(&world).as_deref(), Some("dynamic"));
}

#[test]
fn an_answer_made_from_a_configuration_that_has_changed_since_does_not_count() {
    let mut world = World::new(1);
    world.faults = false;
    world.settle();
    world.configure("a", &[("version", "1")]);
    world.feed(Input::TaskReconfigurationRequested("a".to_string()));
    world.host.clear();
    // The change is on the topic, and this worker has not come to it.
    let changed = ConfigMap::from_iter([
        ("connector.class", "C"),
        ("tasks.max", "2"),
        ("version", "2"),
    ]);
    now(world.configs.put_connector_config("a", &changed, None)).unwrap();
    world.feed(answer(world.core.inquiries.num_made, "late"));
    assert_eq!(stored_version(&world).as_deref(), Some("1"));
    world.settle();
    assert_eq!(stored_version(&world).as_deref(), Some("2"));
    world.check();
}

/// Writes a set as the leader does for another worker.
fn write_elsewhere(world: &World, version: &str) {
    let config = ConfigMap::from_iter([
        ("connector.class", "C"),
        ("tasks.max", "2"),
        ("version", version),
    ]);
    let set = [config.clone(), config];
    now(world.configs.put_task_configs("a", &set)).unwrap();
}

#[test]
fn a_late_set_of_another_worker_is_replaced_by_what_the_connector_says() {
    let mut world = World::new(1);
    world.faults = false;
    world.settle();
    world.configure("a", &[("version", "1")]);
    world.configure("a", &[("version", "2")]);
    write_elsewhere(&world, "1");
    assert_eq!(stored_version(&world).as_deref(), Some("1"));
    world.settle();
    assert_eq!(stored_version(&world).as_deref(), Some("2"));
    world.check();
}

#[test]
fn a_connector_that_says_something_new_each_time_is_not_asked_for_ever() {
    let mut world = World::new(1);
    world.faults = false;
    world.settle();
    world.configure("a", &[("version", "1")]);
    let num_made = world.core.inquiries.num_made;
    world.feed(Input::TaskReconfigurationRequested("a".to_string()));
    world.host.clear();
    world.feed(answer(num_made + 1, "random"));
    world.settle();
    // What is read is what it said: nothing to ask.
    assert_eq!(world.core.inquiries.num_made, num_made + 1);
    assert_eq!(stored_version(&world).as_deref(), Some("random"));
}

#[test]
fn a_set_that_arrived_does_not_end_the_tries_of_a_newer_inquiry() {
    let mut world = World::new(1);
    world.faults = false;
    world.settle();
    world.configure("a", &[]);
    let arrived = || Input::Outcome(Outcome::TaskConfigsForwarded("a".to_string(), Ok(())));
    world.core.forwards.insert("a".to_string(), false);
    world
        .core
        .retry_later("a", "the database is gone", world.now);
    world.feed(arrived());
    assert_eq!(
        world.core.next_deadline(),
        Some(world.now + RECONFIGURE_DELAY_MIN)
    );
    // The try itself succeeds.
    world.pass(RECONFIGURE_DELAY_MIN);
    world.core.forwards.insert("a".to_string(), false);
    world.feed(arrived());
    assert!(world.core.retries.is_empty());
}
