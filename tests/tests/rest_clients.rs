//! Public clients of the Connect REST API, unchanged, against either worker.

use std::path::PathBuf;
use std::process::Stdio;

use dovetail_tests::stack::{ConnectWorker, layout, python, shared};
use serde_json::json;
use tokio::process::Command;

/// A source that sends numbers, slowly.
const CONFIG: [(&str, &str); 4] = [
    (
        "connector.class",
        "org.apache.kafka.connect.tools.VerifiableSourceConnector",
    ),
    ("topic", "clients"),
    ("throughput", "1"),
    ("tasks.max", "1"),
];

async fn python_client(worker: &ConnectWorker, client: &str) {
    let config = CONFIG
        .map(|(key, value)| (key.to_owned(), json!(value)))
        .into_iter()
        .collect();
    let config = serde_json::Value::Object(config).to_string();
    let arguments = [client, &worker.url(), &shared::unique(client), &config];
    python::run("rest_client_judge.py", &arguments, "").await;
}

async fn java_client(worker: &ConnectWorker) {
    let program: PathBuf = layout::repository().join("tests/java/RestClientJudge.java");
    let release = layout::version("CONNECT_CLIENT");
    let jars = layout::part(&format!("connect-client-{release}/libs")).join("*");
    let output = Command::new("java")
        .arg("-cp")
        .arg(jars)
        .arg(program)
        .args([worker.url(), shared::unique("java-client")])
        .args(CONFIG.map(|(key, value)| format!("{key}={value}")))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap_or_else(|error| panic!("cannot run java: {error}"));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
async fn the_command_line_of_kafka_connect_py_works_on_the_jvm() {
    python_client(shared::jvm_worker().await, "kafka-connect-py").await;
}

#[tokio::test]
async fn the_command_line_of_kafka_connect_py_works_on_dovetail() {
    python_client(shared::dovetail_worker().await, "kafka-connect-py").await;
}

#[tokio::test]
async fn the_classes_of_kafka_connect_api_work_on_the_jvm() {
    python_client(shared::jvm_worker().await, "kafka-connect-api").await;
}

#[tokio::test]
async fn the_classes_of_kafka_connect_api_work_on_dovetail() {
    python_client(shared::dovetail_worker().await, "kafka-connect-api").await;
}

#[tokio::test]
async fn the_java_client_of_sourcelab_works_on_the_jvm() {
    java_client(shared::jvm_worker().await).await;
}

#[tokio::test]
async fn the_java_client_of_sourcelab_works_on_dovetail() {
    java_client(shared::dovetail_worker().await).await;
}
