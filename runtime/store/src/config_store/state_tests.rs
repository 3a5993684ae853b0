use super::*;

fn config(version: &str) -> ConfigMap {
    [("v", version)].into_iter().collect()
}

fn connector(machine: &mut ConfigStateMachine, offset: i64, config: Option<ConfigMap>) {
    machine.apply(
        offset,
        ConfigRecord::Connector {
            connector: "a".into(),
            config,
        },
    );
}

fn task(machine: &mut ConfigStateMachine, offset: i64, task: i32) {
    let task = ConnectorTaskId {
        connector: "a".into(),
        task,
    };
    let config = config(&offset.to_string());
    let update = machine.apply(offset, ConfigRecord::Task { task, config });
    assert_eq!(update, None, "task configurations wait for their commit");
}

fn commit(machine: &mut ConfigStateMachine, offset: i64, num_tasks: i32) -> Option<ConfigUpdate> {
    machine.apply(
        offset,
        ConfigRecord::Commit {
            connector: "a".into(),
            num_tasks,
        },
    )
}

fn target(
    machine: &mut ConfigStateMachine,
    offset: i64,
    state: Option<TargetState>,
) -> Option<ConfigUpdate> {
    machine.apply(
        offset,
        ConfigRecord::TargetState {
            connector: "a".into(),
            state,
        },
    )
}

#[test]
fn task_configs_take_effect_together() {
    let mut machine = ConfigStateMachine::default();
    assert_eq!(machine.snapshot().offset(), NO_CONFIG_OFFSET);
    connector(&mut machine, 0, Some(config("1")));
    task(&mut machine, 1, 0);
    task(&mut machine, 2, 1);
    assert!(machine.snapshot().tasks("a").is_empty());
    assert_eq!(
        commit(&mut machine, 3, 2),
        Some(ConfigUpdate::TaskConfigs("a".into()))
    );
    let state = machine.snapshot();
    assert_eq!(state.offset(), 4);
    assert_eq!(state.tasks("a").len(), 2);
    assert_eq!(state.tasks("a")[1].to_string(), "a-1");
    assert_eq!(
        state
            .raw_task_config(&state.tasks("a")[1])
            .and_then(|c| c.get("v")),
        Some("2")
    );
    assert_eq!(state.raw_task_configs("a").len(), 2);
    assert_eq!(state.task_config_generation("a"), Some(0));
    assert!(state.is_pending_fencing("a"));
    assert_eq!(
        state.applied_connector_config("a"),
        state.raw_connector_config("a")
    );
}

#[test]
fn an_incomplete_set_is_inconsistent_until_a_complete_one() {
    let mut machine = ConfigStateMachine::default();
    connector(&mut machine, 0, Some(config("1")));
    task(&mut machine, 1, 1);
    commit(&mut machine, 2, 2);
    let state = machine.snapshot();
    assert!(state.is_inconsistent("a"));
    assert_eq!(state.task_count("a"), 2);
    assert!(state.tasks("a").is_empty());
    assert!(state.raw_task_configs("a").is_empty());
    assert_eq!(state.task_config_generation("a"), None);
    assert_eq!(state.applied_connector_config("a"), None);
    // What was deferred is gone: the missing half alone does not complete it.
    task(&mut machine, 3, 0);
    commit(&mut machine, 4, 2);
    assert!(machine.snapshot().is_inconsistent("a"));
    task(&mut machine, 5, 0);
    task(&mut machine, 6, 1);
    task(&mut machine, 7, 2);
    commit(&mut machine, 8, 2);
    let state = machine.snapshot();
    assert!(!state.is_inconsistent("a"));
    assert_eq!(
        state.tasks("a").len(),
        2,
        "an extra configuration does no harm"
    );
    assert_eq!(state.task_config_generation("a"), Some(0));
}

#[test]
fn a_commit_of_no_tasks_is_complete() {
    let mut machine = ConfigStateMachine::default();
    connector(&mut machine, 0, Some(config("1")));
    commit(&mut machine, 1, 0);
    assert!(!machine.snapshot().is_inconsistent("a"));
    assert_eq!(
        machine.snapshot().task_config_generation("a"),
        None,
        "no map was deferred"
    );
    task(&mut machine, 2, 0);
    commit(&mut machine, 3, 1);
    assert_eq!(machine.snapshot().task_config_generation("a"), Some(0));
    commit(&mut machine, 4, 0);
    let state = machine.snapshot();
    assert_eq!(
        state.task_config_generation("a"),
        Some(1),
        "an empty map counts"
    );
    assert!(state.tasks("a").is_empty());
    let first = ConnectorTaskId {
        connector: "a".into(),
        task: 0,
    };
    assert_eq!(
        state.raw_task_config(&first),
        None,
        "kept, but out of reach"
    );
}

#[test]
fn a_removal_keeps_what_kafka_keeps() {
    let mut machine = ConfigStateMachine::default();
    connector(&mut machine, 0, Some(config("1")));
    target(&mut machine, 1, Some(TargetState::Paused));
    task(&mut machine, 2, 0);
    commit(&mut machine, 3, 1);
    machine.apply(
        4,
        ConfigRecord::TaskCount {
            connector: "a".into(),
            num_tasks: 1,
        },
    );
    assert!(!machine.snapshot().is_pending_fencing("a"));
    commit(&mut machine, 5, 3);
    task(&mut machine, 6, 0);
    connector(&mut machine, 7, None);
    let state = machine.snapshot();
    assert!(!state.contains("a"));
    assert_eq!(state.task_count("a"), 0);
    assert_eq!(state.applied_connector_config("a"), None);
    assert_eq!(state.target_state("a"), Some(TargetState::Paused));
    assert_eq!(state.task_count_record("a"), Some(1));
    assert_eq!(state.task_config_generation("a"), Some(0));
    assert!(state.is_inconsistent("a"));
    assert!(state.is_pending_fencing("a"));
    // A deferred configuration of the deleted connector must not reach its successor.
    connector(&mut machine, 8, Some(config("2")));
    commit(&mut machine, 9, 1);
    assert!(machine.snapshot().is_inconsistent("a"));
}

#[test]
fn a_commit_without_connector_is_left_over_from_a_deletion() {
    let mut machine = ConfigStateMachine::default();
    task(&mut machine, 0, 0);
    assert_eq!(commit(&mut machine, 1, 1), None);
    let state = machine.snapshot();
    assert_eq!(state.offset(), 2);
    assert_eq!(state.task_count("a"), 0);
    assert!(!state.is_pending_fencing("a"));
    connector(&mut machine, 2, Some(config("1")));
    commit(&mut machine, 3, 1);
    assert!(
        machine.snapshot().is_inconsistent("a"),
        "its tasks went with it"
    );
}

#[test]
fn target_states_are_told_only_when_they_change() {
    let mut machine = ConfigStateMachine::default();
    assert_eq!(target(&mut machine, 0, Some(TargetState::Stopped)), None);
    connector(&mut machine, 1, Some(config("1")));
    assert_eq!(
        machine.snapshot().target_state("a"),
        Some(TargetState::Stopped)
    );
    assert_eq!(target(&mut machine, 2, Some(TargetState::Stopped)), None);
    assert_eq!(
        target(&mut machine, 3, Some(TargetState::Started)),
        Some(ConfigUpdate::TargetState("a".into()))
    );
    target(&mut machine, 4, Some(TargetState::Paused));
    assert_eq!(target(&mut machine, 5, None), None);
    assert_eq!(
        machine.snapshot().target_state("a"),
        Some(TargetState::Started)
    );
    connector(&mut machine, 6, None);
    target(&mut machine, 7, None);
    assert_eq!(machine.snapshot().target_state("a"), None);
}

#[test]
fn a_snapshot_does_not_change() {
    let mut machine = ConfigStateMachine::default();
    connector(&mut machine, 0, Some(config("1")));
    let before = machine.snapshot();
    connector(&mut machine, 1, Some(config("2")));
    assert_eq!(before.offset(), 1);
    assert_eq!(
        before.raw_connector_config("a").and_then(|c| c.get("v")),
        Some("1")
    );
}
