//! Files of settings: a worker's, and the connectors' of a standalone worker.

use config::{FileFormat, Source, Value, ValueKind};
use connect_api::config::ConfigMap;
use connect_herder::TargetState;
use connect_java::properties;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// A file that cannot be used: which one, and why.
#[derive(Debug)]
pub struct ConfigFileError {
    path: PathBuf,
    reason: String,
}

impl fmt::Display for ConfigFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Cannot use the file {}: {}",
            self.path.display(),
            self.reason
        )
    }
}

impl std::error::Error for ConfigFileError {}

fn read(path: &Path) -> Result<String, ConfigFileError> {
    std::fs::read(path)
        .map(properties::decode)
        .map_err(|error| ConfigFileError {
            path: path.to_path_buf(),
            reason: error.to_string(),
        })
}

/// Reads a worker's settings. The end of the name tells the format: `.json`, `.toml`, `.yaml` and
/// `.yml`; anything else is a Java properties file.
pub fn worker_settings(path: &Path) -> Result<ConfigMap, ConfigFileError> {
    let text = read(path)?;
    let extension = path.extension().and_then(|extension| extension.to_str());
    let settings = match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("json") => tree_settings(&text, FileFormat::Json),
        Some("toml") => tree_settings(&text, FileFormat::Toml),
        Some("yaml" | "yml") => tree_settings(&text, FileFormat::Yaml),
        _ => properties_settings(&text),
    };
    settings.map_err(|reason| ConfigFileError {
        path: path.to_path_buf(),
        reason,
    })
}

fn properties_settings(text: &str) -> Result<ConfigMap, String> {
    let entries = properties::parse(text).map_err(|error| error.to_string())?;
    Ok(entries
        .into_iter()
        .map(|(key, value)| (key, Some(value)))
        .collect())
}

/// Settings of a tree: the names on the way to a value are joined by dots, lists by commas.
fn tree_settings(text: &str, format: FileFormat) -> Result<ConfigMap, String> {
    // The library's own lookup splits keys at dots, and `key.converter` beside
    // `key.converter.schemas.enable` is no tree. So only its parsers are used.
    let root = config::File::from_str(text, format)
        .collect()
        .map_err(|error| error.to_string())?;
    let mut settings = BTreeMap::new();
    for (key, value) in root {
        flatten(key, value, &mut settings)?;
    }
    Ok(settings
        .into_iter()
        .map(|(key, value)| (key, Some(value)))
        .collect())
}

fn flatten(
    key: String,
    value: Value,
    settings: &mut BTreeMap<String, String>,
) -> Result<(), String> {
    let text = match value.kind {
        ValueKind::Nil => return Ok(()),
        ValueKind::Table(table) => {
            for (name, value) in table {
                flatten(format!("{key}.{name}"), value, settings)?;
            }
            return Ok(());
        }
        ValueKind::Array(items) => {
            let items: Result<Vec<String>, String> = items
                .into_iter()
                .map(|item| {
                    item.into_string()
                        .map_err(|_| format!("{key} is a list of something else than texts"))
                })
                .collect();
            items?.join(",")
        }
        _ => value
            .into_string()
            .map_err(|_| format!("{key} is no text"))?,
    };
    if settings.insert(key.clone(), text).is_some() {
        return Err(format!(
            "{key} is set twice, once with its name written out and once as a tree"
        ));
    }
    Ok(())
}

/// A connector that a standalone worker is to run.
#[derive(Debug, PartialEq, Eq)]
pub struct ConnectorFile {
    /// The name.
    pub name: String,
    /// The settings, the name among them.
    pub config: ConfigMap,
    /// The state to begin in; `None` is running.
    pub initial_state: Option<TargetState>,
}

/// Reads a connector's file: a JSON object of settings, or `{name, config, initial_state}` as the
/// REST API takes it, or Java properties. What it is shows in the text, not in the name.
pub fn connector_file(path: &Path) -> Result<ConnectorFile, ConfigFileError> {
    let text = read(path)?;
    connector(&text).map_err(|reason| ConfigFileError {
        path: path.to_path_buf(),
        reason,
    })
}

type Fields = BTreeMap<String, Box<RawValue>>;

fn connector(text: &str) -> Result<ConnectorFile, String> {
    let (given_name, config, initial_state) = match serde_json::from_str::<Fields>(text) {
        Ok(fields) => match fields
            .get("config")
            .filter(|config| config.get().starts_with('{'))
        {
            Some(config) => {
                let config: Fields = json(config)?;
                let name = fields.get("name").and_then(|name| plain_text(name));
                let state = fields
                    .get("initial_state")
                    .and_then(|state| plain_text(state));
                (name, json_settings(config)?, state)
            }
            None => (None, json_settings(fields)?, None),
        },
        Err(error) if text.trim_start().starts_with('{') => {
            return Err(format!("it is not JSON: {error}"));
        }
        Err(_) => (None, properties_settings(text)?, None),
    };
    named(given_name, config, initial_state)
}

fn named(
    given_name: Option<String>,
    mut config: ConfigMap,
    initial_state: Option<String>,
) -> Result<ConnectorFile, String> {
    let name = match (given_name, config.get("name")) {
        (Some(given), Some(inner)) if given != inner => {
            return Err(format!(
                "the name in 'config' is '{inner}' and the one beside it '{given}'; they must be \
                 the same"
            ));
        }
        (Some(given), _) => given,
        (None, Some(inner)) => inner.to_string(),
        (None, None) => return Err("the connector has no name; set 'name'".to_string()),
    };
    config.insert("name", name.clone());
    let initial_state = match initial_state {
        None => None,
        Some(state) => Some(match state.to_ascii_uppercase().as_str() {
            "RUNNING" => TargetState::Started,
            "PAUSED" => TargetState::Paused,
            "STOPPED" => TargetState::Stopped,
            _ => {
                return Err(format!(
                    "initial_state is '{state}'; it must be RUNNING, PAUSED or STOPPED"
                ));
            }
        }),
    };
    Ok(ConnectorFile {
        name,
        config,
        initial_state,
    })
}

fn json<'a, T: serde::Deserialize<'a>>(text: &'a RawValue) -> Result<T, String> {
    serde_json::from_str(text.get()).map_err(|error| error.to_string())
}

fn json_settings(fields: Fields) -> Result<ConfigMap, String> {
    fields
        .into_iter()
        .map(|(key, value)| match value.get().as_bytes().first() {
            Some(b'{' | b'[') => Err(format!("the value of {key} must be a text")),
            _ => Ok((key, plain_text(&value))),
        })
        .collect()
}

/// A text as it is, numbers and booleans as they are written; null is none.
fn plain_text(value: &RawValue) -> Option<String> {
    match value.get() {
        "null" => None,
        text if text.starts_with('"') => serde_json::from_str(text).ok(),
        text => Some(text.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(settings: &ConfigMap) -> Vec<(&str, &str)> {
        let mut pairs: Vec<_> = settings
            .iter()
            .map(|(key, value)| (key, value.unwrap_or("null")))
            .collect();
        pairs.sort_unstable();
        pairs
    }

    #[test]
    fn trees_are_flattened_and_flat_keys_stay() {
        let expected = [
            ("bootstrap.servers", "a:1,b:2"),
            ("key.converter", "X"),
            ("key.converter.schemas.enable", "false"),
            ("offset.flush.interval.ms", "1000"),
        ];
        let yaml = "bootstrap.servers: [a:1, b:2]\nkey.converter: X\n\
                    key.converter.schemas.enable: false\noffset: {flush: {interval.ms: 1000}}\n\
                    nothing:\n";
        let toml = "\"bootstrap.servers\" = [\"a:1\", \"b:2\"]\n\"key.converter\" = \"X\"\n\
                    \"key.converter.schemas.enable\" = false\n[offset.flush]\n\"interval.ms\" = 1000\n";
        let json = r#"{"bootstrap.servers": "a:1,b:2", "key.converter": "X",
                      "key": {"converter": {"schemas": {"enable": false}}},
                      "offset.flush.interval.ms": 1000}"#;
        for (text, format) in [
            (yaml, FileFormat::Yaml),
            (toml, FileFormat::Toml),
            (json, FileFormat::Json),
        ] {
            assert_eq!(pairs(&tree_settings(text, format).unwrap()), expected);
        }
    }

    #[test]
    fn trees_that_contradict_themselves_are_refused() {
        for (text, why) in [
            (r#"{"a.b": 1, "a": {"b": 2}}"#, "a.b is set twice"),
            (r#"{"a": [{"b": 1}]}"#, "a is a list"),
            ("[1]", ""),
            ("{", ""),
        ] {
            let error = tree_settings(text, FileFormat::Json).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn the_end_of_the_name_tells_the_format() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("w.properties", "group.id=g\n"),
            ("w.conf", "group.id g\n"),
            ("w.json", "{\"group.id\": \"g\"}"),
            ("w.TOML", "group.id = 'g'"),
            ("w.yml", "group: {id: g}"),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            assert_eq!(
                worker_settings(&path).unwrap().get("group.id"),
                Some("g"),
                "{name}"
            );
        }
        let missing = folder.path().join("missing.properties");
        let error = worker_settings(&missing).unwrap_err().to_string();
        assert!(
            error.contains("missing.properties") && error.contains("No such file"),
            "{error}"
        );
    }

    #[test]
    fn connectors_come_in_three_shapes() {
        let expected = [("a", "1.50"), ("b", "true"), ("name", "c")];
        for text in [
            "name=c\na=1.50\nb=true\n",
            r#"{"name": "c", "a": 1.50, "b": true}"#,
            r#"{"name": "c", "config": {"a": "1.50", "b": true}, "other": 1}"#,
            r#"{"name": "c", "config": {"name": "c", "a": 1.50, "b": "true"}}"#,
        ] {
            let file = connector(text).unwrap();
            assert_eq!(file.name, "c");
            assert_eq!(pairs(&file.config), expected);
            assert_eq!(file.initial_state, None);
        }
        let paused =
            connector(r#"{"name": "c", "config": {}, "initial_state": "paused"}"#).unwrap();
        assert_eq!(paused.initial_state, Some(TargetState::Paused));
        // A setting may be called config.
        let odd = connector(r#"{"name": "c", "config": "x"}"#).unwrap();
        assert_eq!(odd.config.get("config"), Some("x"));
    }

    #[test]
    fn faulty_connectors_are_refused_with_the_reason() {
        for (text, why) in [
            ("a=b", "has no name"),
            (r#"{"name": "c""#, "not JSON"),
            (
                r#"{"name": "c", "config": {"name": "d"}}"#,
                "must be the same",
            ),
            (
                r#"{"name": "c", "config": {}, "initial_state": "FAST"}"#,
                "FAST",
            ),
            (r#"{"name": "c", "x": {"y": 1}}"#, "the value of x"),
            ("name=\\u1", "line 1"),
        ] {
            let error = connector(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_connector_or_refused(text in "(?s).*") {
            let _ = connector(&text);
        }
    }
}
