//! Worker settings out of the environment, as the two container images that people use have them.
//!
//! Both write variables into a properties file, so values are unescaped as in one.

use connect_api::config::ConfigMap;
use connect_java::properties;

/// Variables of Confluent's image that are no settings of the worker.
const NO_SETTINGS: &[&str] = &["CONNECT_LOG4J_", "CONNECT_CUB_"];

/// Plain names of Debezium's image, the settings that they stand for, and what the image sets
/// where they are missing.
const PLAIN_NAMES: &[(&str, &str, Option<&str>)] = &[
    ("BOOTSTRAP_SERVERS", "bootstrap.servers", None),
    ("GROUP_ID", "group.id", Some("1")),
    (
        "CONFIG_STORAGE_TOPIC",
        "config.storage.topic",
        Some("connect-configs"),
    ),
    (
        "OFFSET_STORAGE_TOPIC",
        "offset.storage.topic",
        Some("connect-offsets"),
    ),
    (
        "STATUS_STORAGE_TOPIC",
        "status.storage.topic",
        Some("connect-status"),
    ),
    ("KEY_CONVERTER", "key.converter", Some(JSON_CONVERTER)),
    ("VALUE_CONVERTER", "value.converter", Some(JSON_CONVERTER)),
    (
        "OFFSET_FLUSH_INTERVAL_MS",
        "offset.flush.interval.ms",
        Some("60000"),
    ),
    (
        "OFFSET_FLUSH_TIMEOUT_MS",
        "offset.flush.timeout.ms",
        Some("5000"),
    ),
    (
        "SHUTDOWN_TIMEOUT",
        "task.shutdown.graceful.timeout.ms",
        Some("10000"),
    ),
    ("REST_PORT", "rest.port", None),
    ("REST_HOST_NAME", "rest.host.name", None),
    ("ADVERTISED_HOST_NAME", "rest.advertised.host.name", None),
    ("ADVERTISED_PORT", "rest.advertised.port", None),
];

const JSON_CONVERTER: &str = "org.apache.kafka.connect.json.JsonConverter";

/// What stands in the properties file that Debezium's image starts from.
const BASE_OF_DEBEZIUM: &[(&str, &str)] = &[
    ("config.storage.replication.factor", "1"),
    ("offset.storage.replication.factor", "1"),
    ("status.storage.replication.factor", "1"),
];

/// Which image's rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageRules {
    /// `CONNECT_A_B` is `a.b`, `__` an underscore, `___` a hyphen.
    Confluent,
    /// Plain names for the common settings, and every `_` of `CONNECT_*` a dot.
    Debezium,
}

/// The settings in the environment. `has_file`: there is a file, too, over which they count; plain
/// names are too common then to be taken for settings.
pub fn settings(
    variables: impl IntoIterator<Item = (String, String)>,
    has_file: bool,
) -> ConfigMap {
    let mut variables: Vec<(String, String)> = variables.into_iter().collect();
    // The environment has no order of its own; logs and errors should have one.
    variables.sort();
    let rules = rules(&variables, has_file);
    let mut settings = ConfigMap::new();
    if rules == ImageRules::Debezium {
        for (key, value) in BASE_OF_DEBEZIUM {
            settings.insert(*key, *value);
        }
        for (name, key, default) in PLAIN_NAMES {
            let variable = variables.iter().find(|(variable, _)| variable == name);
            match (variable, default) {
                (Some((_, value)), _) if !value.is_empty() => settings.insert(*key, written(value)),
                (_, Some(default)) => settings.insert(*key, *default),
                _ => {}
            }
        }
    }
    for (name, value) in &variables {
        if let Some(key) = key(name, rules) {
            settings.insert(key, written(value));
        }
    }
    settings
}

fn rules(variables: &[(String, String)], has_file: bool) -> ImageRules {
    let is_set = |name| variables.iter().any(|(variable, _)| variable == name);
    if !has_file && is_set("BOOTSTRAP_SERVERS") && !is_set("CONNECT_BOOTSTRAP_SERVERS") {
        ImageRules::Debezium
    } else {
        ImageRules::Confluent
    }
}

/// The setting that a `CONNECT_*` variable stands for.
fn key(variable: &str, rules: ImageRules) -> Option<String> {
    if NO_SETTINGS
        .iter()
        .any(|prefix| variable.starts_with(prefix))
    {
        return None;
    }
    let name = variable.strip_prefix("CONNECT_")?.to_ascii_lowercase();
    if name.is_empty() {
        return None;
    }
    Some(match rules {
        ImageRules::Debezium => name.replace('_', "."),
        // The longest first.
        ImageRules::Confluent => name
            .replace("___", "-")
            .replace("__", "\0")
            .replace('_', ".")
            .replace('\0', "_"),
    })
}

fn written(value: &str) -> String {
    // Java would refuse the whole file for a malformed escape; here the text counts as it is.
    properties::unescape_value(value).unwrap_or_else(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)], has_file: bool) -> Vec<(String, String)> {
        let variables = variables
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        settings(variables, has_file)
            .iter()
            .map(|(key, value)| (key.to_string(), value.unwrap_or_default().to_string()))
            .collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .collect()
    }

    #[test]
    fn confluents_names_have_dots_underscores_and_hyphens() {
        let settings = of(
            &[
                ("CONNECT_BOOTSTRAP_SERVERS", "b:9092"),
                ("CONNECT_PRODUCER_MAX__X___Y_Z", "1"),
                ("CONNECT_LOG4J_LOGGERS", "org.reflections=ERROR"),
                ("CONNECT_CUB_KAFKA_TIMEOUT", "300"),
                ("CONNECT_", "x"),
                ("KAFKA_HEAP_OPTS", "-Xmx1g"),
                ("GROUP_ID", "9"),
                ("PATH", "/bin"),
            ],
            false,
        );
        assert_eq!(
            settings,
            pairs(&[("bootstrap.servers", "b:9092"), ("producer.max_x-y.z", "1")])
        );
    }

    #[test]
    fn values_are_unescaped_as_in_a_properties_file() {
        let settings = of(
            &[(
                "CONNECT_SASL_JAAS_CONFIG",
                r#" X required password=\"a\\b\";"#,
            )],
            true,
        );
        assert_eq!(
            settings,
            pairs(&[("sasl.jaas.config", r#"X required password="a\b";"#)])
        );
        assert_eq!(of(&[("CONNECT_A", r"\u1")], true), pairs(&[("a", r"\u1")]));
    }

    #[test]
    fn debeziums_names_are_plain_and_have_defaults() {
        let settings = of(
            &[
                ("BOOTSTRAP_SERVERS", "kafka:9092"),
                ("CONFIG_STORAGE_TOPIC", "my_connect_configs"),
                ("STATUS_STORAGE_TOPIC", ""),
                ("POSTGRES_USER", "x"),
                ("SHUTDOWN_TIMEOUT", "1"),
                ("REST_PORT", "8084"),
                ("CONNECT_KEY_CONVERTER_SCHEMAS_ENABLE", "false"),
                ("CONNECT_A__B", "c"),
                ("CONNECT_GROUP_ID", "2"),
            ],
            false,
        );
        let value = |wanted: &str| {
            settings
                .iter()
                .find(|(key, _)| key == wanted)
                .map(|(_, value)| value.as_str())
        };
        assert_eq!(value("bootstrap.servers"), Some("kafka:9092"));
        assert_eq!(value("config.storage.topic"), Some("my_connect_configs"));
        assert_eq!(value("status.storage.topic"), Some("connect-status"));
        assert_eq!(value("task.shutdown.graceful.timeout.ms"), Some("1"));
        assert_eq!(value("value.converter"), Some(JSON_CONVERTER));
        assert_eq!(value("key.converter.schemas.enable"), Some("false"));
        assert_eq!(value("status.storage.replication.factor"), Some("1"));
        assert_eq!(value("rest.port"), Some("8084"));
        assert_eq!(value("a..b"), Some("c"));
        assert_eq!(value("group.id"), Some("2"));
        assert_eq!(value("postgres.user"), None);
        assert_eq!(value("rest.host.name"), None);
    }

    #[test]
    fn plain_names_count_only_without_a_file() {
        assert!(of(&[("BOOTSTRAP_SERVERS", "b:1"), ("GROUP_ID", "1")], true).is_empty());
        assert_eq!(
            of(&[("CONNECT_GROUP_ID", "1")], true),
            pairs(&[("group.id", "1")])
        );
    }
}
