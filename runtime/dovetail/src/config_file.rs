//! Files of a worker's settings.

use config::{FileFormat, Source, Value, ValueKind};
use connect_api::config::ConfigMap;
use connect_java::properties;
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
