use super::*;
use crate::config_store::state::ConfigStateMachine;
use proptest::prelude::*;

fn read_text(key: &str, value: &str) -> Option<ConfigRecord> {
    decode(
        Some(&Bytes::copy_from_slice(key.as_bytes())),
        Some(&Bytes::copy_from_slice(value.as_bytes())),
    )
}

#[test]
fn the_newer_field_of_a_target_state_wins() {
    let state = |value: &str| match read_text("target-state-a", value) {
        Some(ConfigRecord::TargetState { state, .. }) => state,
        _ => None,
    };
    assert_eq!(
        state(r#"{"state":"PAUSED","state.v2":"STOPPED"}"#),
        Some(TargetState::Stopped)
    );
    assert_eq!(state(r#"{"state":"PAUSED"}"#), Some(TargetState::Paused));
    assert_eq!(
        state(r#"{"state":"PAUSED","state.v2":7}"#),
        Some(TargetState::Paused)
    );
    assert_eq!(state(r#"{"state":"paused"}"#), None, "names are exact");
}

#[test]
fn names_of_connectors_may_hold_hyphens() {
    let Some(ConfigRecord::Task { task, .. }) = read_text("task-a-b-1-12", r#"{"properties":{}}"#)
    else {
        panic!("a task")
    };
    assert_eq!((&*task.connector, task.task), ("a-b-1", 12));
    for key in ["task-a", "task-a-", "task-a-x", "task-a-99999999999"] {
        assert_eq!(
            read_text(key, r#"{"properties":{}}"#),
            Some(ConfigRecord::Ignored),
            "{key}"
        );
    }
}

#[test]
fn what_kafka_ignores_moves_the_offset_and_bad_json_does_not() {
    for (key, value) in [
        ("other-a", "{}"),
        ("connector-a", "[]"),
        ("connector-a", r#"{"properties":1}"#),
        ("task-a-0", "null"),
        ("commit-a", "null"),
        ("commit-a", r#"{"tasks":1.5}"#),
        ("commit-a", r#"{"tasks":-1}"#),
        ("tasks-fencing-a", r#"{"task-count":"1"}"#),
        ("restart-connector-a", "null"),
        (
            "session-key",
            r#"{"key":"!","algorithm":"HmacSHA256","creation-timestamp":1}"#,
        ),
        ("logger-cluster-a", r#"{"level":1}"#),
    ] {
        assert_eq!(
            read_text(key, value),
            Some(ConfigRecord::Ignored),
            "{key} {value}"
        );
    }
    assert_eq!(read_text("connector-a", "{"), None);
    assert_eq!(read_text("other-a", ""), None);
}

#[test]
fn flags_of_a_restart_default_to_false() {
    assert_eq!(
        read_text("restart-connector-a", r#"{"include-tasks":"true"}"#),
        Some(ConfigRecord::Restart(RestartRequest {
            connector: "a".into(),
            only_failed: false,
            include_tasks: false,
        }))
    );
}

#[test]
fn null_properties_stay() {
    let Some(ConfigRecord::Connector {
        config: Some(config),
        ..
    }) = read_text(
        "connector-a",
        r#"{"properties":{"a":null,"b":1,"c":"x"},"extra":1}"#,
    )
    else {
        panic!("a connector")
    };
    assert!(config.contains_key("a"));
    assert_eq!(config.get("a"), None);
    assert_eq!(config.get("b"), Some("1"));
    assert_eq!(config.get("c"), Some("x"));
}

fn config() -> impl Strategy<Value = ConfigMap> {
    prop::collection::vec((".{0,8}", prop::option::of(".{0,8}")), 0..6)
        .prop_map(|entries| entries.into_iter().collect())
}

fn record() -> impl Strategy<Value = ConfigRecord> {
    let name = ".{0,6}";
    let state = prop::sample::select(vec![
        None,
        Some(TargetState::Started),
        Some(TargetState::Paused),
        Some(TargetState::Stopped),
    ]);
    prop_oneof![
        (name, state).prop_map(|(connector, state)| ConfigRecord::TargetState { connector, state }),
        (name, prop::option::of(config()))
            .prop_map(|(connector, config)| ConfigRecord::Connector { connector, config }),
        (name, 0..i32::MAX, config()).prop_map(|(connector, task, config)| ConfigRecord::Task {
            task: ConnectorTaskId {
                connector: connector.into(),
                task,
            },
            config,
        }),
        (name, 0..i32::MAX).prop_map(|(connector, num_tasks)| ConfigRecord::Commit {
            connector,
            num_tasks
        }),
        (name, any::<bool>(), any::<bool>()).prop_map(|(connector, only_failed, include_tasks)| {
            ConfigRecord::Restart(RestartRequest {
                connector,
                only_failed,
                include_tasks,
            })
        }),
        (name, 0..i32::MAX).prop_map(|(connector, num_tasks)| ConfigRecord::TaskCount {
            connector,
            num_tasks
        }),
        (
            prop::collection::vec(any::<u8>(), 0..40),
            name,
            any::<i64>()
        )
            .prop_map(
                |(key, algorithm, creation_timestamp_ms)| ConfigRecord::SessionKey(SessionKey {
                    key: key.into(),
                    algorithm,
                    creation_timestamp_ms,
                })
            ),
        (name, name).prop_map(|(logger, level)| ConfigRecord::LoggerLevel { logger, level }),
    ]
}

/// Keys that mean something, and values that nearly do.
fn bytes() -> impl Strategy<Value = (Option<Vec<u8>>, Option<Vec<u8>>)> {
    let key = prop_oneof![
        "(target-state|connector|task|commit|restart-connector|tasks-fencing|logger-cluster)-[a-b]{0,1}(-[0-2])?"
            .prop_map(String::into_bytes),
        Just(b"session-key".to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
    ];
    let value = prop_oneof![
        Just(br#"{"properties":{"a":"b"}}"#.to_vec()),
        (-3i64..5_000_000_000).prop_map(|n| {
            format!(r#"{{"tasks":{n},"task-count":{n},"state":"PAUSED","level":"x"}}"#).into_bytes()
        }),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    (prop::option::of(key), prop::option::of(value))
}

proptest! {
    #[test]
    fn records_read_back(record in record()) {
        let (key, value) = encode(&record).expect("maps of strings can be written");
        prop_assert_eq!(decode(Some(&key), value.as_ref()), Some(record));
    }

    #[test]
    fn no_bytes_break_the_state(records in prop::collection::vec(bytes(), 0..40)) {
        let mut machine = ConfigStateMachine::default();
        for (offset, (key, value)) in (0..).zip(records) {
            let (key, value) = (key.map(Bytes::from), value.map(Bytes::from));
            let before = machine.snapshot().offset();
            match decode(key.as_ref(), value.as_ref()) {
                Some(record) => {
                    machine.apply(offset, record);
                    prop_assert_eq!(machine.snapshot().offset(), offset + 1);
                }
                None => prop_assert_eq!(machine.snapshot().offset(), before),
            }
            let state = machine.snapshot();
            for connector in state.connectors() {
                prop_assert!(state.target_state(connector).is_some());
                let tasks = state.tasks(connector);
                prop_assert_eq!(state.raw_task_configs(connector).len(), tasks.len());
                for task in &tasks {
                    prop_assert!(state.raw_task_config(task).is_some());
                }
            }
        }
    }
}
