//! The registry goes away in the middle, and comes back: nothing is lost and nothing is doubled.

use super::{Format, extended, flights_sink, flights_source, object_lines, transformed};
use dovetail_tests::connectors::sink_group;
use dovetail_tests::flights::flights;
use dovetail_tests::lines;
use dovetail_tests::stack::{ConnectWorker, Proxy, Runtime, WorkerConfig, eventually, shared};
use serde_json::Value;

const PART: usize = 500;

/// Waits until the worker has said `times` times more than before that it retries a record of `connector`.
async fn wait_for_retries(worker: &ConnectWorker, connector: &str, before: usize) {
    eventually(&format!("a retry of {connector}"), async || {
        match num_retries(worker, connector) > before {
            true => Ok(()),
            false => Err("none in the log".to_owned()),
        }
    })
    .await;
}

fn num_retries(worker: &ConnectWorker, connector: &str) -> usize {
    worker
        .log_text()
        .lines()
        .filter(|line| line.contains(connector) && line.contains("Retrying"))
        .count()
}

#[tokio::test]
async fn a_registry_that_is_away_holds_records_back_and_loses_none() {
    let (kafka, s3) = (shared::kafka().await, shared::s3().await);
    let proxy = Proxy::to(shared::registry().await.port()).await;
    let registry_url = format!("http://127.0.0.1:{}/apis/ccompat/v7", proxy.port());
    // A worker of its own: the test reads its log.
    let config = WorkerConfig::distributed(&kafka.bootstrap_servers(), &shared::unique("outage"));
    let worker = ConnectWorker::start(Runtime::Dovetail, config).await;
    let (topics, rest) = (kafka.topics(), worker.rest());
    let topic = shared::unique("outage-flights");
    let bucket = shared::unique("outage-objects");
    let [source, sink] = ["source", "sink"].map(|role| format!("{topic}-{role}"));
    topics.create(&topic, 1).await;
    s3.create_bucket(&bucket).await;
    let sent = flights(3 * PART);
    let file = worker.folder().join(&topic);
    let patient = [
        ("errors.retry.timeout", "-1".to_owned()),
        ("errors.retry.delay.max.ms", "500".to_owned()),
        ("key.converter.max.retries", "1".to_owned()),
        ("key.converter.retries.wait.ms", "20".to_owned()),
        ("value.converter.max.retries", "1".to_owned()),
        ("value.converter.retries.wait.ms", "20".to_owned()),
    ];

    // Away from the beginning: the source cannot register, and no record goes out.
    proxy.cut().await;
    lines::append(&file, &sent[..PART]);
    let config = flights_source(&file, &topic, Format::Avro, &registry_url);
    rest.run_connector(&source, extended(config, &patient), 1)
        .await;
    wait_for_retries(&worker, &source, 0).await;
    assert_eq!(topics.end_offsets(&topic).await, [0]);
    proxy.mend().await;
    topics.wait_for_records(&topic, PART).await;

    // Away before the sink has seen an id.
    proxy.cut().await;
    let config = flights_sink(&topic, s3, &bucket, Format::Avro, &registry_url, PART);
    rest.run_connector(&sink, extended(config, &patient), 1)
        .await;
    wait_for_retries(&worker, &sink, 0).await;
    assert_eq!(s3.object_names(&bucket), Vec::<String>::new());
    // What the source knows already it goes on writing.
    lines::append(&file, &sent[PART..2 * PART]);
    topics.wait_for_records(&topic, 2 * PART).await;

    // New tasks know nothing: both wait, then both go on.
    let before = [&source, &sink].map(|connector| num_retries(&worker, connector));
    for connector in [&source, &sink] {
        let path = format!("/connectors/{connector}/restart?includeTasks=true");
        rest.post(&path, None).await.expect(202);
    }
    lines::append(&file, &sent[2 * PART..]);
    wait_for_retries(&worker, &source, before[0]).await;
    wait_for_retries(&worker, &sink, before[1]).await;
    proxy.mend().await;
    topics
        .wait_for_commit(&sink_group(&sink), &topic, &[3 * PART as i64])
        .await;

    let wanted: Vec<Value> = sent
        .iter()
        .map(|line| transformed(line, Format::Avro))
        .collect();
    assert!(
        object_lines(s3, &bucket) == wanted,
        "the objects hold other records"
    );
    for connector in [&source, &sink] {
        rest.delete_connector(connector).await;
    }
}
