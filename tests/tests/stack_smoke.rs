//! The stack itself: every server starts, does its one thing, and ends.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use dovetail_tests::flights::flights;
use dovetail_tests::stack::process::ServerProcess;
use dovetail_tests::stack::{
    ConnectWorker, KafkaCluster, KafkaOptions, KafkaVersion, Runtime, S3Server, TopicRecord,
    WorkerConfig, eventually, run, shared,
};
use rdkafka::config::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::json;

#[tokio::test]
async fn kafka_4_3_gives_back_what_was_produced() {
    let topics = shared::kafka().await.topics();
    let topic = shared::unique("round-trip");
    topics.create(&topic, 2).await;
    let sent = vec![
        TopicRecord {
            partition: Some(0),
            headers: vec![("a".into(), Some(b"1".to_vec())), ("b".into(), None)],
            timestamp_ms: Some(1_357_034_400_000),
            ..TopicRecord::of_key_value("N14228", "first")
        },
        TopicRecord {
            partition: Some(1),
            timestamp_ms: Some(1_357_034_400_001),
            ..TopicRecord::default()
        },
    ];
    topics.produce(&topic, &sent).await;
    assert_eq!(topics.read_all(&topic).await, sent);
    assert_eq!(topics.end_offsets(&topic).await, [1, 1]);
    assert_eq!(
        topics.committed_offsets("nobody", &topic).await,
        [None, None]
    );
}

#[tokio::test]
async fn kafka_4_3_keeps_its_records_and_its_port_over_a_kill() {
    let mut kafka = KafkaCluster::start(KafkaVersion::V4_3, KafkaOptions::default()).await;
    let (topics, address) = (kafka.topics(), kafka.bootstrap_servers());
    topics.create("kept", 1).await;
    topics.produce_lines("kept", &["before"]).await;
    kafka.kill9();
    kafka.start_again().await;
    assert_eq!(kafka.bootstrap_servers(), address);
    topics.produce_lines("kept", &["after"]).await;
    let values: Vec<_> = topics
        .read_all("kept")
        .await
        .iter()
        .map(|record| record.value_text().to_owned())
        .collect();
    assert_eq!(values, ["before", "after"]);
    kafka.stop().await;
}

#[tokio::test]
async fn kafka_3_9_on_zookeeper_gives_back_what_was_produced() {
    let kafka = KafkaCluster::start(KafkaVersion::V3_9, KafkaOptions::default()).await;
    let (topics, lines) = (kafka.topics(), flights(100));
    topics.create("flights", 1).await;
    topics.produce_lines("flights", &lines).await;
    let read = topics.wait_for_records("flights", 100).await;
    assert_eq!(
        read.iter().map(TopicRecord::value_text).collect::<Vec<_>>(),
        lines
    );
}

#[tokio::test]
async fn a_user_writes_where_an_acl_allows_it_and_makes_no_topic() {
    let options = KafkaOptions::default().user("limited", "limited-secret");
    let kafka = KafkaCluster::start(KafkaVersion::V4_3, options).await;
    kafka.topics().create("allowed", 1).await;
    kafka
        .change_acls(&[
            "--add",
            "--allow-principal",
            "User:limited",
            "--operation",
            "Write",
            "--topic",
            "allowed",
        ])
        .await;

    let mut client = ClientConfig::new();
    client.set(
        "bootstrap.servers",
        &kafka.client_properties_of("limited")[0].1,
    );
    client
        .set("security.protocol", "SASL_PLAINTEXT")
        .set("sasl.mechanism", "PLAIN");
    client
        .set("sasl.username", "limited")
        .set("sasl.password", "limited-secret");
    let producer: FutureProducer = client
        .set("message.timeout.ms", "20000")
        .create()
        .expect("a producer");
    let produce = |topic| {
        producer.send(
            FutureRecord::<(), _>::to(topic).payload("x"),
            Duration::from_secs(20),
        )
    };
    produce("allowed").await.expect("the ACL allows it");
    let (error, _) = produce("new-topic")
        .await
        .expect_err("no ACL allows to make a topic");
    let code = error
        .rdkafka_error_code()
        .expect("an error of the client or broker");
    assert_eq!(
        code,
        rdkafka::types::RDKafkaErrorCode::TopicAuthorizationFailed
    );
    let topics: Vec<_> = kafka
        .topics()
        .list()
        .await
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(topics, ["allowed"]);
}

#[tokio::test]
async fn the_jvm_worker_takes_lines_from_a_file_to_a_topic() {
    let (kafka, worker) = (shared::kafka().await, shared::jvm_worker().await);
    let name = shared::unique("file-source");
    let (file, lines) = (worker.folder().join(&name), flights(50));
    fs::write(&file, lines.join("\n") + "\n").expect("write the source file");
    let config = json!({
        "connector.class": "FileStreamSource",
        "file": file,
        "topic": name,
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    });
    worker.rest().run_connector(&name, config, 1).await;
    let records = kafka.topics().wait_for_records(&name, 50).await;
    assert_eq!(
        records
            .iter()
            .map(TopicRecord::value_text)
            .collect::<Vec<_>>(),
        lines
    );
    worker.rest().delete_connector(&name).await;
}

#[tokio::test]
async fn the_standalone_jvm_worker_runs_the_connector_of_its_command_line() {
    let kafka = shared::kafka().await;
    let topic = shared::unique("standalone");
    let file = run::server_folder("input").join("lines");
    fs::write(&file, "one\ntwo\n").expect("write the source file");
    let connector = json!({"connector.class": "FileStreamSource", "file": file, "topic": topic});
    let config = WorkerConfig::standalone(&kafka.bootstrap_servers())
        .property(
            "value.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        )
        .connector("lines", connector);
    let mut worker = ConnectWorker::start(Runtime::Jvm, config).await;
    let records = kafka.topics().wait_for_records(&topic, 2).await;
    assert_eq!(
        records
            .iter()
            .map(TopicRecord::value_text)
            .collect::<Vec<_>>(),
        ["one", "two"]
    );
    worker.terminate().await;
    assert!(worker.folder().join("standalone.offsets").exists());
}

#[tokio::test]
async fn an_object_put_by_s3_lies_in_its_bucket_and_outlives_a_restart() {
    let mut s3 = S3Server::start(&["bucket"]).await;
    let body = ByteStream::from_static(b"{\"a\":1}\n");
    s3.client()
        .put_object()
        .bucket("bucket")
        .key("topics/a b/0.json")
        .body(body)
        .send()
        .await
        .expect("put");
    assert_eq!(s3.object_names("bucket"), ["topics/a b/0.json"]);
    assert_eq!(s3.objects("bucket")["topics/a b/0.json"], b"{\"a\":1}\n");
    s3.stop().await;
    s3.start_again().await;
    let object = s3
        .client()
        .get_object()
        .bucket("bucket")
        .key("topics/a b/0.json")
        .send()
        .await
        .expect("get");
    assert_eq!(
        &object.body.collect().await.expect("the body").into_bytes()[..],
        b"{\"a\":1}\n"
    );
}

#[tokio::test]
async fn a_small_disk_refuses_an_object_that_does_not_fit() {
    let s3 = S3Server::start_on_small_disk(&["bucket"], 1 << 20).await;
    let put = async |key: &str, num_bytes: usize| {
        let body = ByteStream::from(vec![b'x'; num_bytes]);
        s3.client()
            .put_object()
            .bucket("bucket")
            .key(key)
            .body(body)
            .send()
            .await
    };
    put("small", 1 << 10).await.expect("1 KiB fits into 1 MiB");
    put("large", 4 << 20)
        .await
        .expect_err("4 MiB do not fit into 1 MiB");
    assert_eq!(s3.object_names("bucket"), ["small"]);
}

#[tokio::test]
async fn servers_end_with_their_handle() {
    let mut s3 = S3Server::start(&["bucket"]).await;
    let listens = async || {
        tokio::net::TcpStream::connect(s3.url().trim_start_matches("http://"))
            .await
            .is_ok()
    };
    assert!(listens().await);
    s3.stop().await;
    let address = s3.url();
    drop(s3);
    let address = address.trim_start_matches("http://");
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "something still listens on {address}"
    );
}

/// The test process itself is killed: nothing it started may stay. A second test process is the victim.
#[tokio::test]
async fn servers_end_with_a_killed_test_process() {
    const PID_FILE: &str = "DOVETAIL_TEST_PID_FILE";
    if let Some(file) = std::env::var_os(PID_FILE) {
        let s3 = S3Server::start(&["bucket"]).await;
        fs::write(file, s3.pid().to_string()).expect("write the pid");
        std::future::pending::<()>().await;
    }
    let folder = run::server_folder("victim");
    let file = folder.join("pid");
    let mut command = Command::new(std::env::current_exe().expect("this test's path"));
    command
        .args([
            "stack_smoke::servers_end_with_a_killed_test_process",
            "--exact",
        ])
        .env(PID_FILE, &file);
    let victim = ServerProcess::start("the victim", &folder, command);
    let read = async || match fs::read_to_string(&file).unwrap_or_default().parse::<u32>() {
        Ok(pid) => Ok(pid),
        Err(error) => Err(error.to_string()),
    };
    let server = eventually("the server of the victim", read).await;
    let is_alive = || {
        Path::new(&format!("/proc/{server}/exe"))
            .read_link()
            .is_ok()
    };
    assert!(is_alive());
    let folder = std::env::temp_dir().join(format!("dovetail-stack-{}", victim.pid()));
    victim.kill9();
    eventually("the end of the victim's server", async || {
        if is_alive() { Err("alive") } else { Ok(()) }
    })
    .await;
    // Killed, it could not clear its folder.
    fs::remove_dir_all(folder).expect("the victim's folder");
}
