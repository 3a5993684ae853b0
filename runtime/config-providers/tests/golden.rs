//! What Kafka's own providers make of variables, files, directories and the environment, and what ours do.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::{CONFIG_PROVIDERS, ConfigProvider, ConnectError, ProvidedValues, Result};
use connect_config_providers::{ConfigTransformer, EnvVarConfigProvider};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

fn lines(text: &'static str) -> impl Iterator<Item = Json> {
    text.lines().map(|line| serde_json::from_str(line).unwrap())
}

fn now<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Answers with what it was asked, except for keys that begin with a minus.
struct Echo(&'static str);

#[async_trait]
impl ConfigProvider for Echo {
    fn configure(&mut self, _config: &ConfigMap) -> Result<()> {
        Ok(())
    }

    async fn get(&self, path: &str, keys: &BTreeSet<&str>) -> Result<ProvidedValues> {
        let values = keys
            .iter()
            .filter(|key| !key.starts_with('-'))
            .map(|key| (key.to_string(), format!("<{}|{path}|{key}>", self.0)));
        Ok(ProvidedValues::new(values.collect()))
    }
}

#[test]
fn variables_are_replaced_as_by_kafka() {
    let echo = |name: &'static str| {
        let provider: Arc<dyn ConfigProvider> = Arc::new(Echo(name));
        (name.to_string(), provider)
    };
    let transformer = ConfigTransformer::new([echo("a"), echo("b")]);
    let mut num_cases = 0;
    for case in lines(include_str!("golden/transform.jsonl")) {
        let config = ConfigMap::from_iter([("x", case["text"].as_str().unwrap())]);
        let transformed = now(transformer.transform("test", &config)).unwrap();
        assert_eq!(
            transformed.config.get("x"),
            case["result"].as_str(),
            "{}",
            case["text"]
        );
        num_cases += 1;
    }
    assert_eq!(num_cases, 443);
}

fn provider(class: &str) -> Box<dyn ConfigProvider> {
    let plugin = CONFIG_PROVIDERS.iter().find(|plugin| plugin.class == class);
    (plugin.unwrap().create)()
}

fn ask(
    mut provider: Box<dyn ConfigProvider>,
    config: &ConfigMap,
    path: &str,
    keys: &Json,
) -> Result<BTreeMap<String, String>, ConnectError> {
    provider.configure(config)?;
    let keys = keys.as_array().unwrap().iter();
    let keys: BTreeSet<&str> = keys.map(|key| key.as_str().unwrap()).collect();
    now(provider.get(path, &keys)).map(|answer| answer.values)
}

/// The answer as the golden files have it. Java reports a malformed escape without naming the file.
fn assert_answer(case: &Json, answer: Result<BTreeMap<String, String>, ConnectError>, dir: &Path) {
    let dir = dir.to_str().unwrap();
    match answer {
        Ok(values) => {
            let data: Map<String, Json> = values
                .into_iter()
                .map(|(key, value)| (key, json!(value)))
                .collect();
            assert_eq!(Some(&Json::Object(data)), case.get("data"), "{case}");
        }
        Err(error) => {
            let text = format!("{}: {}", error.class(), error.message()).replace(dir, "/DIR");
            let expected = case["error"].as_str();
            if let Some(escape) = expected.and_then(|text| text.find("Malformed \\uxxxx")) {
                assert!(escape > 0 && error.to_string().contains("Malformed \\uxxxx"));
            } else {
                assert_eq!(Some(text.as_str()), expected, "{case}");
            }
        }
    }
}

fn is_about_contents(case: &Json) -> bool {
    case.get("content").is_some()
}

#[test]
fn files_are_read_as_by_kafka() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f.properties");
    let class = "org.apache.kafka.common.config.provider.FileConfigProvider";
    let mut num_cases = 0;
    for case in lines(include_str!("golden/file.jsonl")).filter(is_about_contents) {
        let content = case["content"].as_str().unwrap();
        let bytes: Vec<u8> = content.chars().map(|c| u8::try_from(c).unwrap()).collect();
        fs::write(&file, bytes).unwrap();
        let answer = ask(
            provider(class),
            &ConfigMap::new(),
            file.to_str().unwrap(),
            &case["keys"],
        );
        assert_answer(&case, answer, dir.path());
        num_cases += 1;
    }
    assert_eq!(num_cases, 279);
}

fn assert_paths(class: &str, cases: impl Iterator<Item = Json>) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().canonicalize().unwrap().join(name);
    for name in ["in/deep", "out", "inside"] {
        fs::create_dir_all(path(name)).unwrap();
    }
    for name in ["in/a", "in/deep/b", "out/a", "inside/a", "in/.hidden"] {
        fs::write(path(name), format!("k=v of {name}\n")).unwrap();
    }
    fs::write(path("in/text"), " two\nlines \n").unwrap();
    fs::write(path("in/umlaut"), "ä").unwrap();
    std::os::unix::fs::symlink(path("out"), path("in/link")).unwrap();
    std::os::unix::fs::symlink(path("out/a"), path("in/linked")).unwrap();
    let dir = dir.path().canonicalize().unwrap();
    let here = |text: &str| text.replace("/DIR", dir.to_str().unwrap());
    let mut num_cases = 0;
    for case in cases {
        let mut config = ConfigMap::new();
        if let Some(allowed) = case["allowed"].as_str() {
            config.insert("allowed.paths", here(allowed));
        }
        let path = here(case["path"].as_str().unwrap());
        let answer = ask(provider(class), &config, &path, &case["keys"]);
        assert_answer(&case, answer, &dir);
        num_cases += 1;
    }
    num_cases
}

#[test]
fn paths_are_allowed_as_by_kafka() {
    let files = lines(include_str!("golden/file.jsonl")).filter(|case| !is_about_contents(case));
    let class = "org.apache.kafka.common.config.provider.FileConfigProvider";
    assert_eq!(assert_paths(class, files), 224);
    let directories = lines(include_str!("golden/directory.jsonl"));
    let class = "org.apache.kafka.common.config.provider.DirectoryConfigProvider";
    assert_eq!(assert_paths(class, directories), 224);
}

#[test]
fn variables_of_the_environment_are_allowed_as_by_kafka() {
    let mut num_cases = 0;
    for case in lines(include_str!("golden/environment.jsonl")) {
        let variables = case["variables"].as_object().unwrap().iter();
        let variables = variables
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_string()))
            .collect();
        let mut config = ConfigMap::new();
        if let Some(pattern) = case["pattern"].as_str() {
            config.insert("allowlist.pattern", pattern);
        }
        let answer = ask(
            Box::new(EnvVarConfigProvider::with_variables(variables)),
            &config,
            case["path"].as_str().unwrap(),
            &case["keys"],
        );
        assert_answer(&case, answer, Path::new("/nowhere"));
        num_cases += 1;
    }
    assert_eq!(num_cases, 20);
}
