//! Standalone workers: connectors named on the command line, offsets in a file.

use dovetail_tests::connectors::{file_sink, file_source, sink_group};
use dovetail_tests::flights::flights;
use dovetail_tests::lines;
use dovetail_tests::stack::topics::values;
use dovetail_tests::stack::{ConnectWorker, Runtime, WorkerConfig, run, shared};
use serde_json::json;

#[tokio::test]
async fn two_connector_files_run_and_go_on_after_a_restart_on_the_jvm() {
    two_connector_files_run_and_go_on_after_a_restart(Runtime::Jvm).await;
}

#[tokio::test]
async fn two_connector_files_run_and_go_on_after_a_restart_on_dovetail() {
    two_connector_files_run_and_go_on_after_a_restart(Runtime::Dovetail).await;
}

async fn two_connector_files_run_and_go_on_after_a_restart(runtime: Runtime) {
    let kafka = shared::kafka().await;
    let (topics, topic) = (kafka.topics(), shared::unique("standalone"));
    let [source, sink] = ["source", "sink"].map(|role| format!("{topic}-{role}"));
    let folder = run::server_folder("standalone-files");
    let (file, copy, sent) = (folder.join("lines"), folder.join("copy"), flights(100));
    topics.create(&topic, 1).await;
    lines::append(&file, &sent[..50]);
    let config = WorkerConfig::standalone(&kafka.bootstrap_servers())
        .connector(&source, file_source(&file, &topic))
        .connector(&sink, file_sink(&topic, &copy));
    let mut worker = ConnectWorker::start(runtime, config).await;
    for connector in [&source, &sink] {
        worker.rest().wait_running(connector, 1).await;
    }
    lines::wait_for(&copy, 50).await;
    let mut names: Vec<_> = worker
        .rest()
        .get("/connectors")
        .await
        .expect(200)
        .json()
        .as_array()
        .cloned()
        .unwrap_or_default();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, [json!(sink), json!(source)]);
    worker.terminate().await;
    topics
        .wait_for_commit(&sink_group(&sink), &topic, &[50])
        .await;

    lines::append(&file, &sent[50..]);
    worker.start_again().await;
    assert_eq!(lines::wait_for(&copy, 100).await, sent);
    assert_eq!(values(&topics.read_all(&topic).await), sent);
    worker.terminate().await;
}

#[tokio::test]
async fn a_connector_file_that_is_wrong_ends_the_start_and_is_named() {
    for runtime in [Runtime::Jvm, Runtime::Dovetail] {
        let config = WorkerConfig::standalone(&shared::kafka().await.bootstrap_servers())
            .connector("wrong", json!({"connector.class": "FileStreamSource"}));
        let mut worker = ConnectWorker::start_unready(runtime, config);
        let (status, log) = worker.wait_exit().await;
        assert_eq!(status.code(), Some(3), "{runtime:?}: {log}");
        for named in ["wrong.json", "\"topic\" which has no default value"] {
            assert!(log.contains(named), "{runtime:?}: {named} is not in: {log}");
        }
    }
}
