//! A group whose coordinator goes away with its broker.

use dovetail_tests::connectors::{file_sink, file_source};
use dovetail_tests::flights::flights;
use dovetail_tests::lines;
use dovetail_tests::stack::{
    ConnectWorker, KafkaCluster, KafkaOptions, KafkaVersion, Runtime, SecondBroker, WorkerConfig,
    eventually, run,
};

/// The partition of the offsets topic that a group belongs to: Java's hash of its name.
fn partition_of(group: &str, num_partitions: usize) -> usize {
    let hash = group.bytes().fold(0i32, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(byte.into())
    });
    // Java's `Utils.abs`: the sign bit is dropped, except for the smallest number, which becomes 0.
    hash.checked_abs().unwrap_or_default() as usize % num_partitions
}

/// Waits until the worker has found its coordinator on this broker.
async fn wait_coordinator(worker: &ConnectWorker, node_id: i32) {
    let what = format!("the coordinator on broker {node_id}");
    eventually(&what, async || {
        match worker.log_text().contains(&format!("(id: {node_id})")) {
            true => Ok(()),
            false => Err("the log does not name it"),
        }
    })
    .await;
}

#[tokio::test]
async fn a_worker_follows_its_coordinator_to_another_broker() {
    let mut options = KafkaOptions::default();
    for (key, value) in [
        ("offsets.topic.replication.factor", "2"),
        ("default.replication.factor", "2"),
        ("broker.session.timeout.ms", "3000"),
        ("broker.heartbeat.interval.ms", "500"),
    ] {
        options = options.property(key, value);
    }
    let kafka = KafkaCluster::start(KafkaVersion::V4_3, options).await;
    let mut second = SecondBroker::start(&kafka).await;
    let leaders = kafka.topics().offsets_topic_leaders().await;
    let group = (0..1000)
        .map(|number| format!("moving-{number}"))
        .find(|group| leaders[partition_of(group, leaders.len())] == SecondBroker::NODE_ID)
        .expect("the second broker leads a part of the offsets topic");

    let servers = [kafka.bootstrap_servers(), second.bootstrap_servers()].join(",");
    let mut config = WorkerConfig::distributed(&servers, &group);
    for storage in ["config", "offset", "status"] {
        config = config.property(&format!("{storage}.storage.replication.factor"), "2");
    }
    let mut worker = ConnectWorker::start(Runtime::Dovetail, config).await;
    wait_coordinator(&worker, SecondBroker::NODE_ID).await;
    let rest = worker.rest();
    let folder = run::server_folder(&group);
    let (file, copy) = (folder.join("lines"), folder.join("copy"));
    let sent = flights(60);
    lines::append(&file, &sent[..20]);
    rest.run_connector("moving-source", file_source(&file, "moving"), 1)
        .await;
    rest.run_connector("moving-sink", file_sink("moving", &copy), 1)
        .await;
    lines::wait_for(&copy, 20).await;

    second.kill9();
    wait_coordinator(&worker, SecondBroker::FIRST_NODE_ID).await;
    lines::append(&file, &sent[20..40]);
    lines::wait_for(&copy, 40).await;
    rest.wait_running("moving-source", 1).await;
    rest.wait_running("moving-sink", 1).await;
    // Requests are served in the new generation, and what they ask for is carried out.
    let renamed = folder.join("renamed");
    let path = "/connectors/moving-sink/config";
    rest.after_rebalance(async || rest.put(path, Some(&file_sink("moving", &renamed))).await)
        .await
        .expect(200);
    lines::append(&file, &sent[40..]);
    lines::wait_for(&renamed, 20).await;
    worker.terminate().await;
}
