//! The settings, which these connectors read without a `ConfigDef`, as the JVM's do.

use connect_api::config::ConfigMap;
use connect_api::{ConnectError, ErrorKind, Result};

pub(crate) const NAME_CONFIG: &str = "name";
pub(crate) const ID_CONFIG: &str = "id";
pub(crate) const TOPIC_CONFIG: &str = "topic";
pub(crate) const THROUGHPUT_CONFIG: &str = "throughput";
pub(crate) const COMPLETE_RECORD_DATA_CONFIG: &str = "complete.record.data";
pub(crate) const NUM_MESSAGES_CONFIG: &str = "num.messages";
pub(crate) const MULTIPLE_SCHEMA_CONFIG: &str = "multiple.schema";
pub(crate) const PARTITION_COUNT_CONFIG: &str = "partition.count";
pub(crate) const MOCK_MODE_CONFIG: &str = "mock_mode";
pub(crate) const DELAY_MS_CONFIG: &str = "delay_ms";

/// A whole number that must be there; `Integer.parseInt` and `Long.parseLong`.
pub(crate) fn number<T: std::str::FromStr>(config: &ConfigMap, key: &str) -> Result<T> {
    let text = config.get(key);
    text.and_then(|text| text.parse().ok()).ok_or_else(|| {
        let fault = match text {
            None => "Cannot parse null string: null".to_string(),
            Some(text) => format!("For input string: \"{text}\""),
        };
        ConnectError::new(
            ErrorKind::Config,
            "java.lang.NumberFormatException",
            format!("{fault} (configuration '{key}' must be a whole number)"),
        )
    })
}

/// A whole number, or `default` where it is left out.
pub(crate) fn number_or<T: std::str::FromStr>(
    config: &ConfigMap,
    key: &str,
    default: T,
) -> Result<T> {
    match config.get(key) {
        None => Ok(default),
        Some(_) => number(config, key),
    }
}

/// `Boolean.parseBoolean`.
pub(crate) fn is_true(config: &ConfigMap, key: &str) -> bool {
    config
        .get(key)
        .is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// The text of a setting, empty if it is left out.
pub(crate) fn text(config: &ConfigMap, key: &str) -> String {
    config.get(key).unwrap_or_default().to_string()
}

/// The topic of a source. The JVM's tasks start without it and fail at the first record.
pub(crate) fn topic(config: &ConfigMap) -> Result<String> {
    let topic = text(config, TOPIC_CONFIG);
    if topic.is_empty() {
        return Err(ConnectError::config(
            "Missing required configuration \"topic\" which has no default value.",
        ));
    }
    Ok(topic)
}

/// The error of a task whose settings cannot be read.
pub(crate) fn invalid_task_config(task: &str, cause: ConnectError) -> ConnectError {
    ConnectError::fatal(format!("Invalid {task} configuration")).with_cause(cause)
}
