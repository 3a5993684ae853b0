//! What goes wrong outside the worker: bad requests, bad records, servers that are gone or say no, a full
//! disk. Each fault is told to a person, nothing is lost, and what may work on works on.

use std::fs;

use dovetail_tests::connectors::{
    JSON_CONVERTER, ObjectFormat, file_sink, file_source, s3_sink, sink_group, with,
};
use dovetail_tests::flights::flights;
use dovetail_tests::lines;
use dovetail_tests::stack::topics::values;
use dovetail_tests::stack::{
    ConnectWorker, KafkaCluster, KafkaOptions, KafkaVersion, RestClient, Runtime, SmallDisk,
    WorkerConfig, eventually, shared,
};
use reqwest::Method;
use serde_json::{Value, json};

/// The trace of the first task, which is FAILED, or will be.
async fn trace_of_failed_task(rest: &RestClient, connector: &str) -> String {
    let status = rest.wait_task_state(connector, 0, "FAILED").await;
    let trace = status["tasks"][0]["trace"].as_str();
    trace.expect("a failed task has a trace").to_owned()
}

fn assert_names(text: &str, names: &[&str]) {
    for name in names {
        assert!(text.contains(name), "{name} is not named in: {text}");
    }
}

#[tokio::test]
async fn a_bad_request_is_refused_with_what_is_wrong_and_the_worker_goes_on() {
    let rest = shared::dovetail_worker().await.rest();
    let name = shared::unique("refused");
    let create = |config: Value| json!({"name": name, "config": config}).to_string();
    for (body, status, named) in [
        ("{\"name\": \"cut".to_owned(), 400, vec!["line 1"]),
        (
            create(json!({"connector.class": "NoSuchConnector"})),
            400,
            vec!["NoSuchConnector", "FileStreamSource"],
        ),
        (
            create(json!({"connector.class": "FileStreamSource"})),
            400,
            vec!["Missing required configuration \"topic\""],
        ),
        (
            create(json!({"connector.class": "io.confluent.connect.s3.S3SinkConnector"})),
            400,
            vec!["s3.bucket.name", "flush.size", "format.class", "topics"],
        ),
    ] {
        let answer = rest
            .send_raw(Method::POST, "/connectors", "application/json", body)
            .await
            .expect(status);
        let error = answer.json();
        assert_eq!(error["error_code"], status);
        assert_names(error["message"].as_str().unwrap_or_default(), &named);
    }
    rest.get(&format!("/connectors/{name}")).await.expect(404);
}

#[tokio::test]
async fn a_source_waits_for_its_file_on_the_jvm() {
    a_source_waits_for_its_file(shared::jvm_worker().await).await;
}

#[tokio::test]
async fn a_source_waits_for_its_file_on_dovetail() {
    a_source_waits_for_its_file(shared::dovetail_worker().await).await;
}

async fn a_source_waits_for_its_file(worker: &ConnectWorker) {
    let (topics, rest) = (shared::kafka().await.topics(), worker.rest());
    let name = shared::unique("no-file");
    let (file, sent) = (worker.folder().join(&name), flights(10));
    rest.run_connector(&name, file_source(&file, &name), 1)
        .await;
    let warning = format!("Couldn't find file {} for", file.display());
    eventually("a warning about the file", async || {
        match worker.log_text().contains(&warning) {
            true => Ok(()),
            false => Err("no warning"),
        }
    })
    .await;
    lines::append(&file, &sent);
    let records = topics.wait_for_records(&name, sent.len()).await;
    assert_eq!(values(&records), sent);
    rest.wait_running(&name, 1).await;
    rest.delete_connector(&name).await;
}

const ONE_BAD_RECORD: [&str; 3] = ["\"first\"", "{not JSON", "\"third\""];

fn json_sink(topic: &str, file: &std::path::Path, tolerance: &str) -> Value {
    let keys = [
        ("value.converter", JSON_CONVERTER),
        ("value.converter.schemas.enable", "false"),
        ("errors.tolerance", tolerance),
    ];
    with(file_sink(topic, file), &keys)
}

#[tokio::test]
async fn a_record_that_is_no_json_fails_the_task_or_is_skipped_on_the_jvm() {
    a_record_that_is_no_json_fails_the_task_or_is_skipped(shared::jvm_worker().await).await;
}

#[tokio::test]
async fn a_record_that_is_no_json_fails_the_task_or_is_skipped_on_dovetail() {
    let worker = shared::dovetail_worker().await;
    let (topic, trace) = a_record_that_is_no_json_fails_the_task_or_is_skipped(worker).await;
    assert_names(&trace, &[&topic, "partition=0", "offset=1"]);
}

/// Returns the topic and the trace.
async fn a_record_that_is_no_json_fails_the_task_or_is_skipped(
    worker: &ConnectWorker,
) -> (String, String) {
    let (topics, rest) = (shared::kafka().await.topics(), worker.rest());
    let topic = shared::unique("no-json");
    topics.create(&topic, 1).await;
    topics.produce_lines(&topic, &ONE_BAD_RECORD).await;
    let [strict, tolerant] = ["strict", "tolerant"].map(|role| format!("{topic}-{role}"));
    let [strict_file, tolerant_file] = [&strict, &tolerant].map(|name| worker.folder().join(name));

    rest.create_connector(&strict, json_sink(&topic, &strict_file, "none"))
        .await;
    let trace = trace_of_failed_task(&rest, &strict).await;
    assert_names(&trace, &["Tolerance exceeded in error handler"]);
    let committed = topics.committed_offsets(&sink_group(&strict), &topic).await[0];
    assert!(
        committed.unwrap_or(0) <= 1,
        "{committed:?} is behind the bad record"
    );

    rest.run_connector(&tolerant, json_sink(&topic, &tolerant_file, "all"), 1)
        .await;
    assert_eq!(lines::wait_for(&tolerant_file, 2).await, ["first", "third"]);
    topics
        .wait_for_commit(&sink_group(&tolerant), &topic, &[3])
        .await;
    rest.wait_running(&tolerant, 1).await;
    for connector in [&strict, &tolerant] {
        rest.delete_connector(connector).await;
    }
    (topic, trace)
}

#[tokio::test]
async fn a_bucket_that_is_not_there_fails_the_task_and_is_named() {
    let (rest, s3) = (shared::dovetail_worker().await.rest(), shared::s3().await);
    let topic = shared::unique("no-bucket");
    shared::kafka().await.topics().create(&topic, 1).await;
    let config = s3_sink(&topic, s3, "missing-bucket", ObjectFormat::Bytes, 1);
    rest.create_connector(&topic, config).await;
    let trace = trace_of_failed_task(&rest, &topic).await;
    assert_names(&trace, &["missing-bucket", "s3.bucket.name"]);
    rest.delete_connector(&topic).await;
}

#[tokio::test]
async fn a_refused_upload_names_the_object_and_the_status_but_no_secret() {
    const WRONG_SECRET: &str = "wrong-secret-0123456789";
    let (topics, s3) = (shared::kafka().await.topics(), shared::s3().await);
    let worker = shared::dovetail_worker().await;
    let (rest, topic) = (worker.rest(), shared::unique("refused-upload"));
    topics.create(&topic, 1).await;
    topics.produce_lines(&topic, &["one"]).await;
    let config = s3_sink(&topic, s3, shared::BUCKET, ObjectFormat::Bytes, 1);
    let config = with(config, &[("aws.secret.access.key", WRONG_SECRET)]);
    rest.create_connector(&topic, config).await;
    let trace = trace_of_failed_task(&rest, &topic).await;
    let object = format!("topics/{topic}/partition=0/{topic}+0+0000000000.bin");
    assert_names(&trace, &[shared::BUCKET, &object, "403"]);
    assert!(!trace.contains(WRONG_SECRET), "the secret is in: {trace}");
    assert!(
        !worker.log_text().contains(WRONG_SECRET),
        "the secret is in the log {}",
        worker.process().log().display()
    );
    let committed = topics.committed_offsets(&sink_group(&topic), &topic).await;
    assert_eq!(committed, [None]);
    rest.delete_connector(&topic).await;
}

#[tokio::test]
async fn a_worker_waits_for_a_broker_that_is_down_at_its_start() {
    let mut kafka = KafkaCluster::start(KafkaVersion::V4_3, KafkaOptions::default()).await;
    kafka.kill9();
    let config = WorkerConfig::distributed(&kafka.bootstrap_servers(), "waits");
    let mut worker = ConnectWorker::start_unready(Runtime::Dovetail, config);
    let rest = worker.rest();
    eventually("an answer without a broker", async || {
        let answer = rest.try_send(Method::GET, "/health", None).await?;
        match answer.status.as_u16() {
            503 if answer.text.contains("starting") => Ok(()),
            status => Err(format!("{status} {}", answer.text)),
        }
    })
    .await;
    kafka.start_again().await;
    eventually("a healthy worker", async || {
        let answer = rest.try_send(Method::GET, "/health", None).await?;
        match answer.status.as_u16() {
            200 => Ok(()),
            status => Err(format!("{status} {}", answer.text)),
        }
    })
    .await;
    worker.wait_ready().await;
    lines_go_on_over_a_kill_of_the_broker(&mut kafka, &worker).await;
    worker.terminate().await;
}

#[tokio::test]
async fn lines_go_on_over_a_kill_of_the_broker_on_the_jvm() {
    let mut kafka = KafkaCluster::start(KafkaVersion::V4_3, KafkaOptions::default()).await;
    let config = WorkerConfig::distributed(&kafka.bootstrap_servers(), "goes-on");
    let mut worker = ConnectWorker::start(Runtime::Jvm, config).await;
    lines_go_on_over_a_kill_of_the_broker(&mut kafka, &worker).await;
    worker.terminate().await;
}

/// The broker is killed while lines wait for it. Some may be sent twice then, none may be missing.
async fn lines_go_on_over_a_kill_of_the_broker(kafka: &mut KafkaCluster, worker: &ConnectWorker) {
    let (topics, rest) = (kafka.topics(), worker.rest());
    topics.create("flights", 1).await;
    let [file, copy] = ["flights", "copy"].map(|name| worker.folder().join(name));
    let sent = flights(300);
    lines::append(&file, &sent[..100]);
    rest.run_connector("source", file_source(&file, "flights"), 1)
        .await;
    rest.run_connector("sink", file_sink("flights", &copy), 1)
        .await;
    lines::wait_for(&copy, 100).await;
    kafka.kill9();
    lines::append(&file, &sent[100..200]);
    kafka.start_again().await;
    lines::append(&file, &sent[200..]);
    eventually("every line in the copy", async || {
        let written = lines::read(&copy);
        match sent.iter().find(|line| !written.contains(line)) {
            None => Ok(()),
            Some(missing) => Err(format!("{} lines, but not {missing}", written.len())),
        }
    })
    .await;
    for connector in ["source", "sink"] {
        rest.wait_running(connector, 1).await;
    }
}

#[tokio::test]
async fn a_worker_without_the_right_to_create_topics_names_the_topic() {
    let options = KafkaOptions::default()
        .without_automatic_topics()
        .user("limited", "limited-secret");
    let kafka = KafkaCluster::start(KafkaVersion::V4_3, options).await;
    kafka
        .change_acls(&[
            "--add",
            "--allow-principal",
            "User:limited",
            "--operation",
            "Describe",
            "--topic",
            "*",
        ])
        .await;
    let config = WorkerConfig::distributed(&kafka.bootstrap_servers(), "limited")
        .properties(kafka.client_properties_of("limited"));
    let mut worker = ConnectWorker::start_unready(Runtime::Dovetail, config);
    let (status, log) = worker.wait_exit().await;
    assert!(!status.success());
    let error = log
        .lines()
        .skip_while(|line| !line.contains("ERROR"))
        .collect::<Vec<_>>()
        .join("\n");
    assert_names(&error, &["topic limited-", "principal", "CREATE"]);
    assert!(!log.contains("limited-secret"), "the password is in: {log}");
}

#[tokio::test]
async fn a_full_disk_fails_the_sink_and_nothing_beyond_it_is_committed() {
    const NUM_BYTES: u64 = 64 * 1024;
    let (topics, disk) = (shared::kafka().await.topics(), SmallDisk::mount(NUM_BYTES));
    let rest = shared::dovetail_worker().await.rest();
    let (topic, sent) = (shared::unique("full-disk"), flights(1_000));
    topics.create(&topic, 1).await;
    topics.produce_lines(&topic, &sent).await;
    let file = disk.folder().join("out");
    rest.create_connector(&topic, file_sink(&topic, &file))
        .await;
    let trace = trace_of_failed_task(&rest, &topic).await;
    assert_names(&trace, &[&file.display().to_string()]);
    let bytes = fs::read(&file).expect("what fitted");
    let num_whole_lines = bytes.iter().filter(|byte| **byte == b'\n').count();
    let committed = topics.committed_offsets(&sink_group(&topic), &topic).await[0].unwrap_or(0);
    assert!(
        committed <= num_whole_lines as i64,
        "{committed} committed, {num_whole_lines} written"
    );
    rest.delete_connector(&topic).await;
}
