//! Every file in `connector-configs` can be posted as it stands.

use crate::repository;
use connect_api::config::ConfigMap;
use connect_herder::plugins::Plugins;
use connect_herder::validation::{DistributedView, OverridePolicy, WorkerView, reject, validate};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The JSON files below the folder, data aside.
fn files() -> Vec<PathBuf> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a readable folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, files);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&repository().join("connector-configs"), &mut files);
    files.sort();
    assert!(files.len() > 10, "only {files:?}");
    files
}

/// Name and settings of a file that holds exactly `{name, config}`.
fn connector(path: &Path) -> Result<(String, ConfigMap), String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let root: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let fields: Vec<&String> = root.as_object().ok_or("it is no object")?.keys().collect();
    if fields != ["name", "config"] {
        return Err(format!("its fields are {fields:?}, not name and config"));
    }
    let name = root["name"].as_str().ok_or("name is no text")?;
    let mut config = ConfigMap::new();
    for (key, value) in root["config"].as_object().ok_or("config is no object")? {
        match value {
            Value::String(text) => config.insert(key, text),
            // The REST API takes their text.
            Value::Number(_) | Value::Bool(_) => config.insert(key, value.to_string()),
            _ => return Err(format!("{key} is no text, number or boolean")),
        }
    }
    config.insert("name", name);
    Ok((name.to_owned(), config))
}

fn worker() -> WorkerView {
    let json = "org.apache.kafka.connect.json.JsonConverter".to_owned();
    WorkerView {
        key_converter: json.clone(),
        value_converter: json,
        header_converter: "org.apache.kafka.connect.storage.SimpleHeaderConverter".to_owned(),
        distributed: Some(DistributedView {
            group_id: "connect".to_owned(),
            exactly_once_source_enabled: false,
        }),
        override_policy: OverridePolicy::of_setting("All", &[]).expect("the default policy"),
    }
}

async fn fault(config: &ConfigMap) -> Option<String> {
    match validate(config, &worker(), Plugins::linked()).await {
        Ok(infos) => reject(&infos).err().map(|error| error.to_string()),
        Err(error) => Some(error.to_string()),
    }
}

/// What connectors that look at their server say without one; everything else was checked before.
const NO_SERVER: &str = "contains the following 1 error(s):\nUnable to connect to the server.\n";

/// Where validation looks for a server, it shall not look long.
fn without_server(mut config: ConfigMap) -> ConfigMap {
    if let Some(uri) = config.get("connection.uri").map(str::to_owned) {
        config.insert("connection.uri", uri.replace('?', "?connectTimeoutMS=1&"));
    }
    config
}

#[tokio::test]
async fn every_example_passes_validation_under_a_name_of_its_own() {
    let mut faults = Vec::new();
    let mut paths_by_name: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in files() {
        let (name, config) = match connector(&path) {
            Ok(connector) => connector,
            Err(fault) => {
                faults.push(format!("{}: {fault}", path.display()));
                continue;
            }
        };
        if let Some(fault) = fault(&without_server(config)).await
            && !fault.contains(NO_SERVER)
        {
            faults.push(format!("{}: {fault}", path.display()));
        }
        if let Some(other) = paths_by_name.insert(name.clone(), path.clone()) {
            faults.push(format!(
                "{} and {} both name {name}",
                path.display(),
                other.display()
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test]
async fn an_example_without_its_topic_would_not_pass() {
    let path = repository().join("connector-configs/file/file-source-v1.json");
    let (_, mut config) = connector(&path).expect("a connector");
    config.remove("topic");
    let fault = fault(&config).await.expect("it is refused");
    assert!(
        fault.contains("Missing required configuration \"topic\""),
        "{fault}"
    );
}
