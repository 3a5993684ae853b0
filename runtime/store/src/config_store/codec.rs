//! Bytes of the config topic.

use super::record::ConfigRecord;
use super::types::{RestartRequest, SessionKey, TargetState};
use crate::ConnectorTaskId;
use crate::json::{from_json, to_json};
use bytes::Bytes;
use connect_api::config::ConfigMap;
use connect_api::data::{Map, Value};
use connect_api::json::{decode_base64, write_base64};
use std::sync::Arc;

const TARGET_STATE_PREFIX: &str = "target-state-";
const CONNECTOR_PREFIX: &str = "connector-";
const TASK_PREFIX: &str = "task-";
const COMMIT_PREFIX: &str = "commit-";
const RESTART_PREFIX: &str = "restart-connector-";
const TASK_COUNT_PREFIX: &str = "tasks-fencing-";
const SESSION_KEY: &str = "session-key";
const LOGGER_PREFIX: &str = "logger-cluster-";

/// Key and value of a record of a compacted topic.
pub(crate) type KeyValue = (Bytes, Option<Bytes>);

/// The bytes of a record that this worker writes.
pub(super) fn encode(record: &ConfigRecord) -> connect_api::Result<KeyValue> {
    let (key, value) = match record {
        ConfigRecord::TargetState { connector, state } => (
            format!("{TARGET_STATE_PREFIX}{connector}"),
            state.map(target_state_value),
        ),
        ConfigRecord::Connector { connector, config } => (
            format!("{CONNECTOR_PREFIX}{connector}"),
            config.as_ref().map(properties_value),
        ),
        ConfigRecord::Task { task, config } => {
            // The maps of tasks come from a Java hash map.
            let config = config.in_java_hash_order();
            (
                format!("{TASK_PREFIX}{}-{}", task.connector, task.task),
                Some(properties_value(&config)),
            )
        }
        ConfigRecord::Commit {
            connector,
            num_tasks,
        } => (
            format!("{COMMIT_PREFIX}{connector}"),
            Some(object([("tasks", Value::from(*num_tasks))])),
        ),
        ConfigRecord::Restart(request) => (
            format!("{RESTART_PREFIX}{}", request.connector),
            Some(object([
                ("include-tasks", request.include_tasks.into()),
                ("only-failed", request.only_failed.into()),
            ])),
        ),
        ConfigRecord::TaskCount {
            connector,
            num_tasks,
        } => (
            format!("{TASK_COUNT_PREFIX}{connector}"),
            Some(object([("task-count", Value::from(*num_tasks))])),
        ),
        ConfigRecord::SessionKey(key) => (SESSION_KEY.to_string(), Some(session_key_value(key))),
        ConfigRecord::LoggerLevel { logger, level } => (
            format!("{LOGGER_PREFIX}{logger}"),
            Some(object([("level", Value::string(level.as_str()))])),
        ),
        ConfigRecord::Ignored => (String::new(), None),
    };
    let value = value.as_ref().map(to_json).transpose()?;
    Ok((Bytes::from(key), value))
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Map(fields.into_iter().collect())
}

fn properties_value(config: &ConfigMap) -> Value {
    let properties: Map = config
        .iter()
        .map(|(key, value)| (key, Value::from(value)))
        .collect();
    object([("properties", Value::Map(properties))])
}

fn target_state_value(state: TargetState) -> Value {
    // Workers before 3.5 know no STOPPED: they read `state` only.
    let readable_by_all = match state {
        TargetState::Stopped => TargetState::Paused,
        state => state,
    };
    object([
        ("state", readable_by_all.name().into()),
        ("state.v2", state.name().into()),
    ])
}

fn session_key_value(key: &SessionKey) -> Value {
    let mut secret = Vec::new();
    write_base64(&key.key, &mut secret);
    let secret = String::from_utf8(secret).unwrap_or_default();
    object([
        ("key", secret.into()),
        ("algorithm", Value::string(key.algorithm.as_str())),
        ("creation-timestamp", key.creation_timestamp_ms.into()),
    ])
}

/// What a record of the topic says; `None` if its value is no JSON: such a record does not even move
/// the config offset.
pub(super) fn decode(key: Option<&Bytes>, value: Option<&Bytes>) -> Option<ConfigRecord> {
    let key = key
        .map(|key| String::from_utf8_lossy(key))
        .unwrap_or_default();
    let value = match value.map(from_json).transpose() {
        Ok(value) => value.unwrap_or(Value::Null),
        Err(error) => {
            tracing::error!(
                key = &*key,
                "a record of the config topic was skipped, because its value is not JSON: {error}"
            );
            return None;
        }
    };
    Some(read(&key, &value).unwrap_or_else(|reason| {
        // The value may hold secrets, so only the key is shown.
        tracing::error!(
            key = &*key,
            "a record of the config topic was ignored: {reason}"
        );
        ConfigRecord::Ignored
    }))
}

type Malformed = &'static str;

fn read(key: &str, value: &Value) -> Result<ConfigRecord, Malformed> {
    // The order of the cases is Kafka's; no prefix begins with another one.
    if let Some(connector) = key.strip_prefix(TARGET_STATE_PREFIX) {
        Ok(ConfigRecord::TargetState {
            connector: connector.to_string(),
            state: nullable(value, read_target_state)?,
        })
    } else if let Some(connector) = key.strip_prefix(CONNECTOR_PREFIX) {
        Ok(ConfigRecord::Connector {
            connector: connector.to_string(),
            config: nullable(value, read_properties)?,
        })
    } else if key.starts_with(TASK_PREFIX) {
        Ok(ConfigRecord::Task {
            task: read_task_key(key).ok_or("its key names no task")?,
            config: read_properties(value)?,
        })
    } else if let Some(connector) = key.strip_prefix(COMMIT_PREFIX) {
        Ok(ConfigRecord::Commit {
            connector: connector.to_string(),
            num_tasks: read_count(value, "tasks")?,
        })
    } else if let Some(connector) = key.strip_prefix(RESTART_PREFIX) {
        let request = as_map(value)?;
        let flag = |name| matches!(request.get_str(name), Some(Value::Boolean(true)));
        Ok(ConfigRecord::Restart(RestartRequest {
            connector: connector.to_string(),
            only_failed: flag("only-failed"),
            include_tasks: flag("include-tasks"),
        }))
    } else if let Some(connector) = key.strip_prefix(TASK_COUNT_PREFIX) {
        Ok(ConfigRecord::TaskCount {
            connector: connector.to_string(),
            num_tasks: read_count(value, "task-count")?,
        })
    } else if key == SESSION_KEY {
        Ok(ConfigRecord::SessionKey(read_session_key(value)?))
    } else if let Some(logger) = key.strip_prefix(LOGGER_PREFIX) {
        Ok(ConfigRecord::LoggerLevel {
            logger: logger.to_string(),
            level: text(as_map(value)?, "level")
                .ok_or("its field level is not a string")?
                .to_string(),
        })
    } else {
        Err("its key is unknown; a newer worker may have written it")
    }
}

fn nullable<T>(
    value: &Value,
    read: impl FnOnce(&Value) -> Result<T, Malformed>,
) -> Result<Option<T>, Malformed> {
    if value.is_null() {
        return Ok(None);
    }
    read(value).map(Some)
}

fn as_map(value: &Value) -> Result<&Map, Malformed> {
    match value {
        Value::Map(map) => Ok(map),
        Value::Null => Err("its value is null"),
        _ => Err("its value is not an object"),
    }
}

fn text<'a>(map: &'a Map, field: &str) -> Option<&'a str> {
    map.get_str(field)?.as_str()
}

fn read_target_state(value: &Value) -> Result<TargetState, Malformed> {
    let map = as_map(value)?;
    text(map, "state.v2")
        .or_else(|| text(map, "state"))
        .and_then(TargetState::from_name)
        .ok_or("it holds no target state that this worker knows")
}

fn read_properties(value: &Value) -> Result<ConfigMap, Malformed> {
    let Some(Value::Map(properties)) = as_map(value)?.get_str("properties") else {
        return Err("its field properties is not an object");
    };
    Ok(properties
        .iter()
        .map(|(key, value)| {
            // Workers write strings only; another writer's number is taken as its text.
            let value = match value {
                Value::Null => None,
                value => Some(value.to_string()),
            };
            (key.to_string(), value)
        })
        .collect())
}

/// `task-NAME-NUMBER`; the name may hold hyphens.
fn read_task_key(key: &str) -> Option<ConnectorTaskId> {
    let (connector, task) = key.strip_prefix(TASK_PREFIX)?.rsplit_once('-')?;
    let task = task.parse().ok().filter(|task| *task >= 0)?;
    Some(ConnectorTaskId {
        connector: Arc::from(connector),
        task,
    })
}

fn read_count(value: &Value, field: &str) -> Result<i32, Malformed> {
    as_map(value)?
        .get_str(field)
        .and_then(Value::as_i64)
        .and_then(|count| i32::try_from(count).ok())
        .filter(|count| *count >= 0)
        .ok_or("it holds no number of tasks")
}

fn read_session_key(value: &Value) -> Result<SessionKey, Malformed> {
    let map = as_map(value)?;
    let key = text(map, "key").ok_or("its field key is not a string")?;
    Ok(SessionKey {
        key: decode_base64(key)
            .map_err(|_| "its field key is not Base64")?
            .into(),
        algorithm: text(map, "algorithm")
            .ok_or("its field algorithm is not a string")?
            .to_string(),
        creation_timestamp_ms: map
            .get_str("creation-timestamp")
            .and_then(Value::as_i64)
            .ok_or("its field creation-timestamp is not a number")?,
    })
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
