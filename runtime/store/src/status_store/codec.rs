//! Bytes of the status topic.

use super::types::{ConnectorStatus, State, Status, TaskStatus, TopicStatus};
use crate::ConnectorTaskId;
use crate::json::{from_json, to_json};
use bytes::Bytes;
use connect_api::data::{Map, Value};
use std::sync::Arc;

const CONNECTOR_PREFIX: &str = "status-connector-";
const TASK_PREFIX: &str = "status-task-";
const TOPIC_PREFIX: &str = "status-topic-";
const TOPIC_CONNECTOR_SEPARATOR: &str = ":connector-";

/// What a record of the status topic is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    Connector(String),
    Task(ConnectorTaskId),
    Topic { topic: String, connector: String },
}

impl Subject {
    pub(super) fn key(&self) -> Bytes {
        Bytes::from(match self {
            Self::Connector(connector) => format!("{CONNECTOR_PREFIX}{connector}"),
            Self::Task(id) => format!("{TASK_PREFIX}{}-{}", id.connector, id.task),
            Self::Topic { topic, connector } => {
                format!("{TOPIC_PREFIX}{topic}{TOPIC_CONNECTOR_SEPARATOR}{connector}")
            }
        })
    }

    fn of_key(key: &str) -> Option<Self> {
        if let Some(connector) = key.strip_prefix(CONNECTOR_PREFIX) {
            Some(Self::Connector(connector.to_string()))
        } else if let Some(id) = key.strip_prefix(TASK_PREFIX) {
            // Names may hold hyphens.
            let (connector, task) = id.rsplit_once('-')?;
            Some(Self::Task(ConnectorTaskId {
                connector: Arc::from(connector),
                task: task.parse().ok()?,
            }))
        } else {
            // Names of topics hold no colon, those of connectors may.
            let (topic, rest) = key.strip_prefix(TOPIC_PREFIX)?.split_once(':')?;
            // A worker looks at the length of what stands between, not at its text.
            let connector = rest.get(TOPIC_CONNECTOR_SEPARATOR.len() - 1..)?;
            (!topic.is_empty() && !connector.is_empty()).then(|| Self::Topic {
                topic: topic.to_string(),
                connector: connector.to_string(),
            })
        }
    }
}

/// What a record of the status topic says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StatusRecord {
    Connector(ConnectorStatus),
    Task(TaskStatus),
    Topic(TopicStatus),
    Removed(Subject),
}

/// The value of a status; none for [`State::Destroyed`], which is written as a tombstone.
pub(super) fn encode_status(status: &Status) -> connect_api::Result<Option<Bytes>> {
    if status.state == State::Destroyed {
        return Ok(None);
    }
    let text = |text: &Option<String>| Value::from(text.as_deref());
    let map: Map = [
        ("state", Value::from(status.state.name())),
        ("trace", text(&status.trace)),
        ("worker_id", Value::from(status.worker_id.as_str())),
        ("generation", Value::from(status.generation)),
        ("version", text(&status.version)),
    ]
    .into_iter()
    .collect();
    to_json(&Value::Map(map)).map(Some)
}

/// The value of a topic record.
pub(super) fn encode_topic(status: &TopicStatus) -> connect_api::Result<Bytes> {
    let fields: Map = [
        ("name", Value::from(status.topic.as_str())),
        ("connector", Value::from(status.connector.as_str())),
        ("task", Value::from(status.task)),
        (
            "discoverTimestamp",
            Value::from(status.discover_timestamp_ms),
        ),
    ]
    .into_iter()
    .collect();
    let map: Map = [("topic", Value::Map(fields))].into_iter().collect();
    to_json(&Value::Map(map))
}

/// What a record of the topic says; none if it is malformed, which is logged and does no harm.
pub(super) fn decode(key: Option<&Bytes>, value: Option<&Bytes>) -> Option<StatusRecord> {
    let key = key
        .map(|key| String::from_utf8_lossy(key))
        .unwrap_or_default();
    let Some(subject) = Subject::of_key(&key) else {
        tracing::warn!(
            key = &*key,
            "a record of the status topic was ignored: its key is unknown"
        );
        return None;
    };
    let value = match value.map(from_json).transpose() {
        Ok(None | Some(Value::Null)) => return Some(StatusRecord::Removed(subject)),
        Ok(Some(value)) => value,
        Err(error) => {
            tracing::error!(
                key = &*key,
                "a record of the status topic was ignored, because its value is not JSON: {error}"
            );
            return None;
        }
    };
    let record = read(subject, &value);
    if record.is_none() {
        tracing::error!(
            key = &*key,
            "a record of the status topic was ignored: its value is not a status"
        );
    }
    record
}

fn read(subject: Subject, value: &Value) -> Option<StatusRecord> {
    let Value::Map(map) = value else {
        return None;
    };
    Some(match subject {
        Subject::Connector(connector) => StatusRecord::Connector(ConnectorStatus {
            connector,
            status: read_status(map)?,
        }),
        Subject::Task(id) => StatusRecord::Task(TaskStatus {
            id,
            status: read_status(map)?,
        }),
        Subject::Topic { .. } => {
            let Value::Map(fields) = map.get_str("topic")? else {
                return None;
            };
            // As in Kafka the value names topic and connector, the key is only looked at for removal.
            StatusRecord::Topic(TopicStatus {
                topic: text(fields, "name")?,
                connector: text(fields, "connector")?,
                task: integer(fields, "task")?,
                discover_timestamp_ms: fields.get_str("discoverTimestamp")?.as_i64()?,
            })
        }
    })
}

fn read_status(map: &Map) -> Option<Status> {
    Some(Status {
        state: State::from_name(map.get_str("state")?.as_str()?)?,
        trace: text(map, "trace"),
        worker_id: text(map, "worker_id")?,
        generation: integer(map, "generation")?,
        // Absent from workers before 4.0.
        version: text(map, "version"),
    })
}

fn text(map: &Map, field: &str) -> Option<String> {
    map.get_str(field)?.as_str().map(str::to_string)
}

fn integer(map: &Map, field: &str) -> Option<i32> {
    i32::try_from(map.get_str(field)?.as_i64()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_do_harm(
            key in prop_oneof![
                "status-(connector|task|topic)-[a-c:-]{0,4}(:connector-|-[0-9])?[a-c:é]{0,3}"
                    .prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 0..30),
            ],
            value in prop::option::of(prop::collection::vec(any::<u8>(), 0..30)),
        ) {
            let (key, is_tombstone) = (Bytes::from(key), value.is_none());
            let record = decode(Some(&key), value.map(Bytes::from).as_ref());
            if is_tombstone && let Some(StatusRecord::Removed(subject)) = &record {
                let read_back = Subject::of_key(&String::from_utf8_lossy(&subject.key()));
                prop_assert_eq!(read_back.as_ref(), Some(subject));
            }
        }

        #[test]
        fn statuses_read_back(
            connector in ".{1,8}",
            topic in "[a-z.]{1,8}",
            task in 0..i32::MAX,
            state in prop::sample::select(vec![
                State::Unassigned,
                State::Running,
                State::Paused,
                State::Failed,
                State::Restarting,
                State::Stopped,
            ]),
            trace in prop::option::of(".*"),
            version in prop::option::of(".{0,5}"),
            generation in any::<i32>(),
        ) {
            let status = Status { state, trace, worker_id: "h:1".into(), generation, version };
            let value = encode_status(&status).expect("text can be written");
            let id = ConnectorTaskId { connector: connector.as_str().into(), task };
            prop_assert_eq!(
                decode(Some(&Subject::Task(id.clone()).key()), value.as_ref()),
                Some(StatusRecord::Task(TaskStatus { id, status: status.clone() }))
            );
            prop_assert_eq!(
                decode(Some(&Subject::Connector(connector.clone()).key()), value.as_ref()),
                Some(StatusRecord::Connector(ConnectorStatus {
                    connector: connector.clone(),
                    status,
                }))
            );
            let status = TopicStatus {
                topic: topic.clone(),
                connector: connector.clone(),
                task,
                discover_timestamp_ms: 1,
            };
            let value = encode_topic(&status).expect("text can be written");
            let subject = Subject::Topic { topic, connector };
            prop_assert_eq!(
                decode(Some(&subject.key()), Some(&value)),
                Some(StatusRecord::Topic(status))
            );
        }
    }
}
