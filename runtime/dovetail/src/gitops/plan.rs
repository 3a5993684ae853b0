//! What has to change so that a cluster has the connectors of a folder.

use super::secrets;
use crate::connector_file::ConnectorFile;
use connect_api::config::ConfigMap;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The connectors that a cluster has, by name.
pub type Present = BTreeMap<String, ConfigMap>;

/// What is to be done, by name.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// One step for each connector of the folder or the cluster.
    pub steps: Vec<Step>,
}

/// What is to be done with a connector.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The connector.
    pub name: String,
    /// What to do.
    pub action: Action,
    /// Its file, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// What an update changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

/// What to do with a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is only in the folder.
    Create,
    /// Its settings differ.
    Update,
    /// It is as the folder says.
    Unchanged,
    /// It is only in the cluster, and whatever is only there shall go.
    Delete,
    /// It is only in the cluster, and stays.
    Keep,
}

/// A setting that an update changes. Secrets are masked here, so no form of the plan can show them.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The key.
    pub key: String,
    /// The value in the cluster; none if the key is new.
    pub from: Option<String>,
    /// The value in the file; none if the key goes.
    pub to: Option<String>,
}

impl Plan {
    /// Compares. With `prune`, what is only in the cluster is to be deleted.
    pub fn new(files: &BTreeMap<String, ConnectorFile>, present: &Present, prune: bool) -> Self {
        let names: BTreeSet<&String> = files.keys().chain(present.keys()).collect();
        let steps = names.into_iter().map(|name| {
            let (action, changes) = match (files.get(name), present.get(name)) {
                (Some(file), Some(present)) => match changes(present, &file.config) {
                    changes if changes.is_empty() => (Action::Unchanged, changes),
                    changes => (Action::Update, changes),
                },
                (Some(_), None) => (Action::Create, Vec::new()),
                (None, _) if prune => (Action::Delete, Vec::new()),
                (None, _) => (Action::Keep, Vec::new()),
            };
            Step {
                name: name.clone(),
                action,
                file: files.get(name).map(|file| file.path.clone()),
                changes,
            }
        });
        Self {
            steps: steps.collect(),
        }
    }

    /// The steps of a kind.
    pub fn of(&self, action: Action) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.action == action)
    }

    /// Whether anything is to be done.
    pub fn has_changes(&self) -> bool {
        let does_nothing = |step: &Step| matches!(step.action, Action::Unchanged | Action::Keep);
        !self.steps.iter().all(does_nothing)
    }
}

fn changes(from: &ConfigMap, to: &ConfigMap) -> Vec<Change> {
    let keys: BTreeSet<&str> = from.keys().chain(to.keys()).collect();
    let class = to.get("connector.class").unwrap_or_default();
    let changed = keys.into_iter().filter(|key| {
        from.contains_key(key) != to.contains_key(key) || from.get(key) != to.get(key)
    });
    changed
        .map(|key| {
            let shown = |config: &ConfigMap| {
                config.contains_key(key).then(|| match config.get(key) {
                    Some(value) => secrets::masked(class, key, value),
                    None => "null".to_string(),
                })
            };
            Change {
                key: key.to_string(),
                from: shown(from),
                to: shown(to),
            }
        })
        .collect()
}

/// Reads `GET /connectors?expand=info`.
pub fn present(answer: &Value) -> Result<Present, String> {
    let connectors = answer
        .as_object()
        .ok_or("the list of connectors is no object; Connect before 2.3 has no ?expand")?;
    let mut present = Present::new();
    for (name, connector) in connectors {
        // A connector that is being deleted may have no info any more.
        let Some(settings) = connector["info"]["config"].as_object() else {
            continue;
        };
        let settings = settings.iter().map(|(key, value)| {
            let value = match value {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            };
            (key.clone(), value)
        });
        let mut config: ConfigMap = settings.collect();
        config.insert("name", name);
        present.insert(name.clone(), config);
    }
    Ok(present)
}

/// The settings as a request holds them.
pub fn body(config: &ConfigMap) -> Value {
    let settings = config.iter().map(|(key, value)| {
        let value = value.map_or(Value::Null, |text| Value::String(text.to_string()));
        (key.to_string(), value)
    });
    Value::Object(settings.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector_file;
    use serde_json::json;

    fn files(texts: &[&str]) -> BTreeMap<String, ConnectorFile> {
        let folder = tempfile::tempdir().unwrap();
        let files = texts.iter().map(|text| {
            let path = folder.path().join("c.json");
            std::fs::write(&path, text).unwrap();
            let file = connector_file::read(&path).unwrap();
            (file.name.clone(), file)
        });
        files.collect()
    }

    fn cluster(connectors: Value) -> Present {
        present(&connectors).unwrap()
    }

    fn actions(plan: &Plan) -> Vec<(&str, Action)> {
        let steps = plan.steps.iter();
        steps
            .map(|step| (step.name.as_str(), step.action))
            .collect()
    }

    #[test]
    fn each_connector_has_one_step() {
        let files = files(&[
            r#"{"name": "new", "a": "1"}"#,
            r#"{"name": "same", "config": {"a": 1, "b": true, "n": null}}"#,
            r#"{"name": "other", "config": {"a": "2"}}"#,
        ]);
        let present = cluster(json!({
            "same": {"info": {"config": {"name": "same", "a": "1", "b": "true", "n": null}}},
            "other": {"info": {"config": {"a": "1", "gone": "x"}}},
            "strange": {"info": {"config": {"name": "strange"}}},
            "dying": {},
        }));
        let plan = Plan::new(&files, &present, false);
        assert_eq!(
            actions(&plan),
            [
                ("new", Action::Create),
                ("other", Action::Update),
                ("same", Action::Unchanged),
                ("strange", Action::Keep)
            ]
        );
        assert!(plan.has_changes());
        let change = |key: &str, from: Option<&str>, to: Option<&str>| Change {
            key: key.to_string(),
            from: from.map(str::to_string),
            to: to.map(str::to_string),
        };
        assert_eq!(
            plan.steps[1].changes,
            [
                change("a", Some("1"), Some("2")),
                change("gone", Some("x"), None)
            ]
        );
        let pruned = Plan::new(&files, &present, true);
        assert_eq!(pruned.steps[3].action, Action::Delete);
    }

    #[test]
    fn null_and_missing_differ() {
        let files = files(&[r#"{"name": "c", "a": null}"#]);
        let plan = Plan::new(
            &files,
            &cluster(json!({"c": {"info": {"config": {}}}})),
            false,
        );
        assert_eq!(plan.steps[0].changes[0].to.as_deref(), Some("null"));
    }

    #[test]
    fn no_form_of_the_plan_shows_a_secret() {
        let files = files(&[
            r#"{"name": "c", "db.password": "hunter2", "uri": "mongodb://u:hunter2@h/", "b": "2"}"#,
        ]);
        let present = cluster(json!({"c": {"info": {"config": {"db.password": "hunter1"}}}}));
        let plan = Plan::new(&files, &present, false);
        let shown = format!("{plan:?} {}", crate::output::json(&plan));
        assert!(!shown.contains("hunter"), "{shown}");
        assert_eq!(plan.steps[0].changes.len(), 3);
    }

    #[test]
    fn a_list_of_names_is_no_answer() {
        assert!(present(&json!(["a"])).unwrap_err().contains("?expand"));
    }
}
