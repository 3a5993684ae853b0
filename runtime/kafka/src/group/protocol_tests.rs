use super::*;
use proptest::prelude::*;

const URL: &str = "http://h:8083/";

/// Bytes written by the Java classes, as hex with spaces.
fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| {
            let pair = std::str::from_utf8(pair).expect("ASCII digits");
            u8::from_str_radix(pair, 16).expect("two hex digits")
        })
        .collect()
}

fn task(connector: &str, task: i32) -> ConnectorTaskId {
    ConnectorTaskId {
        connector: connector.into(),
        task,
    }
}

fn one_connector_and_task() -> ConnectorsAndTasks {
    ConnectorsAndTasks {
        connectors: vec!["c".into()],
        tasks: vec![task("c", 0)],
    }
}

fn assignment(version: i16) -> Assignment {
    Assignment {
        version,
        error: AssignmentError::None,
        leader_id: "m1".to_owned(),
        leader_url: URL.to_owned(),
        config_offset: 5,
        assigned: one_connector_and_task(),
        revoked: ConnectorsAndTasks::default(),
        delay_ms: 0,
    }
}

fn metadata(version: i16, current_assignment: Option<Assignment>) -> Metadata {
    Metadata {
        version,
        url: URL.to_owned(),
        config_offset: 5,
        current_assignment,
    }
}

const URL_HEX: &str = "000e 687474703a2f2f683a383038332f 0000000000000005";
const WORK_HEX: &str = "00000001 0001 63 00000002 ffffffff 00000000";

#[test]
fn metadata_is_what_java_writes() {
    let assignment_hex = format!("0002 0000 0002 6d31 {URL_HEX} {WORK_HEX} 00000000 00000000");
    for (value, golden) in [
        (metadata(0, None), format!("0000 {URL_HEX}")),
        (metadata(2, None), format!("0002 {URL_HEX} ffffffff")),
        (
            metadata(2, Some(assignment(2))),
            format!("0002 {URL_HEX} 0000003b {assignment_hex}"),
        ),
        (
            metadata(1, Some(assignment(1))),
            format!("0001 {URL_HEX} 0000003b 0001 {}", &assignment_hex[5..]),
        ),
    ] {
        assert_eq!(value.encode().expect("encodes"), hex(&golden));
        assert_eq!(Metadata::decode(&hex(&golden)).expect("decodes"), value);
    }
}

#[test]
fn assignments_are_what_java_writes() {
    let revocation = Assignment {
        assigned: ConnectorsAndTasks::default(),
        revoked: one_connector_and_task(),
        delay_ms: 300_000,
        ..assignment(2)
    };
    let mismatch = Assignment {
        error: AssignmentError::ConfigMismatch,
        ..assignment(0)
    };
    for (value, golden) in [
        (
            assignment(2),
            format!("0002 0000 0002 6d31 {URL_HEX} {WORK_HEX} 00000000 00000000"),
        ),
        (
            revocation,
            format!("0002 0000 0002 6d31 {URL_HEX} 00000000 {WORK_HEX} 000493e0"),
        ),
        (
            mismatch,
            format!("0000 0001 0002 6d31 {URL_HEX} {WORK_HEX}"),
        ),
    ] {
        assert_eq!(value.encode().expect("encodes"), hex(&golden));
        assert_eq!(Assignment::decode(&hex(&golden)).expect("decodes"), value);
    }
}

#[test]
fn missing_trailing_fields_and_null_arrays_are_empty() {
    let head = format!("0001 0000 0002 6d31 {URL_HEX}");
    let nothing = Assignment {
        assigned: ConnectorsAndTasks::default(),
        ..assignment(1)
    };
    for (tail, expected) in [
        (String::new(), &nothing),
        ("ffffffff".to_owned(), &nothing),
        ("ffffffff ffffffff 00000000".to_owned(), &nothing),
        (WORK_HEX.to_owned(), &assignment(1)),
    ] {
        let decoded = Assignment::decode(&hex(&format!("{head} {tail}"))).expect("decodes");
        assert_eq!(&decoded, expected, "{tail}");
    }
    let decoded = Metadata::decode(&hex(&format!("0001 {URL_HEX}"))).expect("decodes");
    assert_eq!(decoded, metadata(1, None));
}

#[test]
fn later_versions_are_read_and_negative_ones_are_not() {
    let later = Metadata::decode(&hex(&format!("0007 {URL_HEX} ffffffff"))).expect("decodes");
    assert_eq!(later, metadata(7, None));
    let fault = ProtocolError::OutOfRange {
        field: "version",
        value: -1,
    };
    assert_eq!(
        Metadata::decode(&hex(&format!("ffff {URL_HEX}"))),
        Err(fault.clone())
    );
    assert_eq!(metadata(-1, None).encode(), Err(fault));
}

#[test]
fn a_count_above_what_the_bytes_hold_is_refused() {
    let head = format!("0001 0000 0002 6d31 {URL_HEX}");
    for (tail, field) in [
        ("7fffffff 0001 63", "assigned"),
        ("fffffffe", "assigned"),
        ("00000001 0001 63 7fffffff 00000000", "number of tasks"),
    ] {
        let fault = Assignment::decode(&hex(&format!("{head} {tail}"))).expect_err(tail);
        assert!(
            matches!(fault, ProtocolError::OutOfRange { field: found, .. } if found == field),
            "{fault}"
        );
    }
    let fault = Metadata::decode(&hex(&format!("0001 {URL_HEX} 7fffffff 00"))).expect_err("short");
    assert!(
        fault.to_string().contains("current assignment length"),
        "{fault}"
    );
}

#[test]
fn a_text_too_long_for_the_wire_is_refused() {
    let mut value = metadata(1, None);
    value.url = "u".repeat(32_768);
    assert_eq!(
        value.encode(),
        Err(ProtocolError::OutOfRange {
            field: "url",
            value: 32_768
        })
    );
    value.url.pop();
    assert!(value.encode().is_ok());
}

#[test]
fn listed_protocols_follow_connect_protocol() {
    let names = |protocol: ConnectProtocol| -> Vec<_> {
        protocol
            .listed()
            .iter()
            .map(|listed| (listed.name(), listed.version()))
            .collect()
    };
    assert_eq!(
        names(ConnectProtocol::Sessioned),
        [("sessioned", 2), ("compatible", 1), ("default", 0)]
    );
    assert_eq!(
        names(ConnectProtocol::Compatible),
        [("compatible", 1), ("default", 0)]
    );
    assert_eq!(names(ConnectProtocol::Eager), [("default", 0)]);
    assert_eq!(
        ConnectProtocol::from_name("sessioned"),
        Some(ConnectProtocol::Sessioned)
    );
    assert_eq!(ConnectProtocol::from_name("range"), None);
}

/// Tasks stand grouped by connector, since that is the order in which the wire gives them back.
fn any_work() -> impl Strategy<Value = ConnectorsAndTasks> {
    proptest::collection::btree_map(".{0,12}", (any::<bool>(), 0..5_i32), 0..6).prop_map(|map| {
        let mut work = ConnectorsAndTasks::default();
        // Connectors come first on the wire, so those without an instance must come after the
        // ones with one for the tasks to be in wire order.
        for with_instance in [true, false] {
            for (connector, (instance, num_tasks)) in &map {
                if *instance == with_instance {
                    if with_instance {
                        work.connectors.push(connector.as_str().into());
                    }
                    work.tasks
                        .extend((0..*num_tasks).map(|number| task(connector, number)));
                }
            }
        }
        work
    })
}

prop_compose! {
    fn any_assignment()(
        version in 0..4_i16,
        code in any::<i16>(),
        leader_id in ".{0,20}",
        leader_url in ".{0,40}",
        config_offset in any::<i64>(),
        assigned in any_work(),
        revoked in any_work(),
        delay_ms in any::<i32>(),
    ) -> Assignment {
        let carries_all = version > 0;
        Assignment {
            version,
            error: AssignmentError::from_code(code),
            leader_id,
            leader_url,
            config_offset,
            assigned,
            revoked: if carries_all { revoked } else { ConnectorsAndTasks::default() },
            delay_ms: if carries_all { delay_ms } else { 0 },
        }
    }
}

proptest! {
    #[test]
    fn assignments_come_back(value in any_assignment()) {
        let bytes = value.encode().expect("encodes");
        prop_assert_eq!(Assignment::decode(&bytes).expect("decodes"), value);
    }

    #[test]
    fn metadata_comes_back(
        url in ".{0,40}",
        config_offset in any::<i64>(),
        current in proptest::option::of(any_assignment()),
        version in 1..4_i16,
    ) {
        let value = Metadata { version, url, config_offset, current_assignment: current };
        let bytes = value.encode().expect("encodes");
        prop_assert_eq!(Metadata::decode(&bytes).expect("decodes"), value);
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Metadata::decode(&bytes);
        let _ = Assignment::decode(&bytes);
    }

    #[test]
    fn damaged_bytes_are_answered(
        value in any_assignment(),
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
        keep in any::<proptest::sample::Index>(),
    ) {
        let mut bytes = value.encode().expect("encodes").to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes.truncate(keep.index(bytes.len() + 1));
        if let Ok(read) = Assignment::decode(&bytes) {
            let num_items = read.assigned.connectors.len() + read.assigned.tasks.len()
                + read.revoked.connectors.len() + read.revoked.tasks.len();
            prop_assert!(num_items <= bytes.len() / TASK_NUM_BYTES);
        }
    }
}
