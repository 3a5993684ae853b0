//! What a change of a configuration stops and starts on a worker alone.

use super::super::tests::world::World;
use super::*;

/// A connector of two tasks that each have their own part of the configuration.
fn world(policy: &[(&str, &str)]) -> (World, Vec<(String, String)>) {
    let mut world = World::new(1);
    world.faults = false;
    world.settle();
    let mut config: Vec<(String, String)> = Vec::new();
    for (key, value) in [("shared", "1"), ("0.table", "t"), ("1.table", "u")]
        .iter()
        .chain(policy)
    {
        config.push((key.to_string(), value.to_string()));
    }
    configure(&mut world, &config);
    assert_eq!(world.take_told(), ["start a", "start a-0", "start a-1"]);
    (world, config)
}

fn configure(world: &mut World, config: &[(String, String)]) {
    let config: Vec<(&str, &str)> = config
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    world.configure("a", &config);
    world.check();
}

/// What happens when a value is added to, or put in place of one of, the configuration.
fn change(policy: &[(&str, &str)], key: &str, value: &str) -> Vec<String> {
    let (mut world, mut config) = world(policy);
    config.retain(|(other, _)| other != key);
    config.push((key.to_string(), value.to_string()));
    configure(&mut world, &config);
    world.take_told()
}

fn told_of_all() -> Vec<String> {
    let told = [
        "stop a",
        "start a",
        "stop a-0",
        "stop a-1",
        "start a-0",
        "start a-1",
    ];
    Vec::from(told.map(str::to_string))
}

/// `DistributedHerder.processConnectorConfigUpdates` restarts the connector for every record of its
/// configuration; `processTaskConfigUpdatesWithIncrementalCooperative` stops, for every commit of task
/// configurations, all tasks of the connector that run here, and the rebalance that follows starts them
/// again. `AbstractHerder.taskConfigsChanged` decides whether there is a commit.
#[test]
fn by_default_the_same_restarts_as_on_the_jvm() {
    // A part of one task, a setting of no task, and one that the worker reads.
    for (key, value) in [
        ("0.table", "v"),
        ("unrelated", "x"),
        ("errors.tolerance", "all"),
    ] {
        assert_eq!(change(&[], key, value), told_of_all(), "{key}");
    }
    // Nothing has changed: the connector is restarted all the same, its tasks are not.
    assert_eq!(change(&[], "shared", "1"), ["stop a", "start a"]);
}

#[test]
fn if_asked_for_only_tasks_restart_for_which_something_has_changed() {
    let policy = [("dovetail.restart.only.changed.tasks", "true")];
    let change = |key, value| change(&policy, key, value);
    let restarts_of = |tasks: &[&str]| {
        let mut told = vec!["stop a".to_string(), "start a".to_string()];
        told.extend(tasks.iter().map(|task| format!("stop {task}")));
        told.extend(tasks.iter().map(|task| format!("start {task}")));
        told
    };
    assert_eq!(change("0.table", "v"), restarts_of(&["a-0"]));
    assert_eq!(change("1.key", "k"), restarts_of(&["a-1"]));
    assert_eq!(change("shared", "2"), told_of_all());
    // Read by the worker for each task, though no task is configured with it.
    assert_eq!(change("errors.tolerance", "all"), told_of_all());
    assert_eq!(change("unrelated", "x"), restarts_of(&[]));
    assert_eq!(change("dovetail.restart.enable", "true"), restarts_of(&[]));
    // More tasks, and fewer.
    let mut more = restarts_of(&[]);
    more.push("start a-2".to_string());
    assert_eq!(change("tasks.max", "3"), more);
    let mut fewer = restarts_of(&[]);
    fewer.push("stop a-1".to_string());
    assert_eq!(change("tasks.max", "1"), fewer);
}

#[test]
fn a_task_that_has_failed_is_restarted_by_any_change() {
    let (mut world, mut config) = world(&[("dovetail.restart.only.changed.tasks", "true")]);
    let task = ConnectorTaskId {
        connector: "a".into(),
        task: 1,
    };
    world.task_status(&task, State::Failed);
    config.push(("unrelated".to_string(), "x".to_string()));
    configure(&mut world, &config);
    assert_eq!(
        world.take_told(),
        ["stop a", "start a", "stop a-1", "start a-1"]
    );
}
