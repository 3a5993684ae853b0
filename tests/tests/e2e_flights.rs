//! End to end: the flights from a file through a topic into objects or another file, each exactly once,
//! and connectors that stand still when they are told to.

use std::collections::BTreeSet;
use std::fs;

use dovetail_tests::connectors::{
    JSON_CONVERTER, ObjectFormat, file_sink, file_source, s3_sink, sink_group, with,
};
use dovetail_tests::flights::{NUM_FLIGHTS, flights};
use dovetail_tests::lines;
use dovetail_tests::stack::topics::values;
use dovetail_tests::stack::{ConnectWorker, TopicRecord, eventually, shared};
use serde_json::{Value, json};

/// The one object name of partition `partition` that begins with record `offset`.
pub fn object_name(topic: &str, partition: i32, offset: usize, extension: &str) -> String {
    format!("topics/{topic}/partition={partition}/{topic}+{partition}+{offset:010}.{extension}")
}

#[tokio::test]
async fn every_flight_is_once_in_the_topic_and_once_in_objects_of_either_format() {
    // An eighth of all flights, so that the last object is full too and every record is committed.
    const FLUSH_SIZE: usize = NUM_FLIGHTS / 8;
    let (kafka, s3) = (shared::kafka().await, shared::s3().await);
    let worker = shared::dovetail_worker().await;
    let (topics, rest) = (kafka.topics(), worker.rest());
    let [topic, bucket] = ["all-flights", "all-flights-objects"].map(shared::unique);
    let [source, json_sink, bytes_sink] =
        ["source", "json", "bytes"].map(|role| format!("{topic}-{role}"));
    topics.create(&topic, 1).await;
    s3.create_bucket(&bucket).await;
    let sent = flights(NUM_FLIGHTS);
    let file = worker.folder().join(&topic);
    lines::append(&file, &sent);
    let text = fs::read(&file).expect("the file just written");

    rest.run_connector(&source, file_source(&file, &topic), 1)
        .await;
    for (name, format) in [
        (&json_sink, ObjectFormat::Json),
        (&bytes_sink, ObjectFormat::Bytes),
    ] {
        let config = s3_sink(&topic, s3, &bucket, format, FLUSH_SIZE);
        rest.run_connector(name, config, 1).await;
    }
    let end = NUM_FLIGHTS as i64;
    for sink in [&json_sink, &bytes_sink] {
        topics
            .wait_for_commit(&sink_group(sink), &topic, &[end])
            .await;
    }

    let records = topics.read_all(&topic).await;
    assert!(values(&records) == sent, "the topic holds other lines");
    let objects = s3.objects(&bucket);
    let starts = (0..NUM_FLIGHTS).step_by(FLUSH_SIZE);
    let names: BTreeSet<_> = starts
        .clone()
        .flat_map(|start| ["bin", "json"].map(|extension| object_name(&topic, 0, start, extension)))
        .collect();
    assert_eq!(objects.keys().cloned().collect::<BTreeSet<_>>(), names);
    let bytes: Vec<u8> = starts
        .clone()
        .flat_map(|start| objects[&object_name(&topic, 0, start, "bin")].clone())
        .collect();
    assert!(bytes == text, "the .bin objects are not the file");
    for start in starts {
        let object = &objects[&object_name(&topic, 0, start, "json")];
        let mut num_lines = 0;
        for line in object
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let written: Value = serde_json::from_slice(line).expect("a JSON line");
            let sent: Value = serde_json::from_str(&sent[start + num_lines]).expect("a flight");
            assert_eq!(written, sent, "record {} of the topic", start + num_lines);
            num_lines += 1;
        }
        assert_eq!(num_lines, FLUSH_SIZE, "lines in the object of {start}");
    }

    let position = json!([{"partition": {"filename": file}, "offset": {"position": text.len()}}]);
    rest.wait_offsets(&source, position).await;
    for sink in [&json_sink, &bytes_sink] {
        let partition = json!({"kafka_topic": topic, "kafka_partition": 0});
        let offsets = json!([{"partition": partition, "offset": {"kafka_offset": end}}]);
        rest.wait_offsets(sink, offsets).await;
    }
    for connector in [&source, &json_sink, &bytes_sink] {
        rest.wait_running(connector, 1).await;
        let used = rest
            .get(&format!("/connectors/{connector}/topics"))
            .await
            .expect(200);
        assert_eq!(used.json()[connector]["topics"], json!([topic]));
        rest.delete_connector(connector).await;
    }
}

#[tokio::test]
async fn records_of_several_partitions_lie_in_the_objects_of_their_partition() {
    const NUM_PARTITIONS: i32 = 3;
    const NUM_RECORDS: usize = 1_000;
    const FLUSH_SIZE: usize = 250;
    let (kafka, s3) = (shared::kafka().await, shared::s3().await);
    let worker = shared::dovetail_worker().await;
    let (topics, rest) = (kafka.topics(), worker.rest());
    let [topic, bucket] = ["three-partitions", "three-partitions-objects"].map(shared::unique);
    topics.create(&topic, NUM_PARTITIONS).await;
    s3.create_bucket(&bucket).await;
    let sent = flights(NUM_RECORDS * NUM_PARTITIONS as usize);
    let records: Vec<_> = sent
        .iter()
        .zip((0..NUM_PARTITIONS).cycle())
        .map(|(line, partition)| TopicRecord {
            partition: Some(partition),
            ..TopicRecord::of_value(line.as_str())
        })
        .collect();
    topics.produce(&topic, &records).await;
    let config = s3_sink(&topic, s3, &bucket, ObjectFormat::Bytes, FLUSH_SIZE);
    rest.run_connector(&topic, with(config, &[("tasks.max", "2")]), 2)
        .await;
    topics
        .wait_for_commit(&sink_group(&topic), &topic, &[NUM_RECORDS as i64; 3])
        .await;

    let objects = s3.objects(&bucket);
    assert_eq!(
        objects.len(),
        NUM_PARTITIONS as usize * NUM_RECORDS / FLUSH_SIZE
    );
    for partition in 0..NUM_PARTITIONS {
        let of_partition: Vec<_> = sent
            .iter()
            .skip(partition as usize)
            .step_by(NUM_PARTITIONS as usize)
            .collect();
        for (number, chunk) in of_partition.chunks(FLUSH_SIZE).enumerate() {
            let name = object_name(&topic, partition, number * FLUSH_SIZE, "bin");
            let text: String = chunk.iter().flat_map(|line| [line, "\n"]).collect();
            let object = objects
                .get(&name)
                .unwrap_or_else(|| panic!("no object {name}"));
            assert!(*object == text.as_bytes(), "{name} holds other records");
        }
    }
    rest.delete_connector(&topic).await;
}

#[tokio::test]
async fn json_lines_keep_their_quotes_through_the_json_converter() {
    for worker in [shared::dovetail_worker().await, shared::jvm_worker().await] {
        let (topics, rest) = (shared::kafka().await.topics(), worker.rest());
        let topic = shared::unique("json-lines");
        let (file, sent) = (worker.folder().join(&topic), flights(10));
        lines::append(&file, &sent);
        let converter = [
            ("value.converter", JSON_CONVERTER),
            ("value.converter.schemas.enable", "false"),
        ];
        rest.run_connector(&topic, with(file_source(&file, &topic), &converter), 1)
            .await;
        let records = topics.wait_for_records(&topic, sent.len()).await;
        let expected: Vec<_> = sent
            .iter()
            .map(|line| Value::from(line.as_str()).to_string())
            .collect();
        assert_eq!(values(&records), expected);
        rest.delete_connector(&topic).await;
    }
}

#[tokio::test]
async fn a_paused_or_stopped_source_reads_nothing_on_the_jvm() {
    a_paused_or_stopped_source_reads_nothing(shared::jvm_worker().await).await;
}

#[tokio::test]
async fn a_paused_or_stopped_source_reads_nothing_on_dovetail() {
    a_paused_or_stopped_source_reads_nothing(shared::dovetail_worker().await).await;
}

/// A second source on the same file shows when the one that stands still could have read.
async fn a_paused_or_stopped_source_reads_nothing(worker: &ConnectWorker) {
    let (topics, rest) = (shared::kafka().await.topics(), worker.rest());
    let name = shared::unique("still-source");
    let twin = format!("{name}-twin");
    let (file, sent) = (worker.folder().join(&name), flights(150));
    lines::append(&file, &sent[..50]);
    for connector in [&name, &twin] {
        topics.create(connector, 1).await;
        rest.run_connector(connector, file_source(&file, connector), 1)
            .await;
        topics.wait_for_records(connector, 50).await;
    }
    for (verb, status, state, num_tasks, seen) in [
        ("pause", 202, "PAUSED", 1, 50),
        ("stop", 204, "STOPPED", 0, 100),
    ] {
        rest.put(&format!("/connectors/{name}/{verb}"), None)
            .await
            .expect(status);
        rest.wait_states(&name, state, num_tasks).await;
        lines::append(&file, &sent[seen..seen + 50]);
        topics.wait_for_records(&twin, seen + 50).await;
        assert_eq!(topics.end_offsets(&name).await, [seen as i64], "{verb}");
        rest.put(&format!("/connectors/{name}/resume"), None)
            .await
            .expect(202);
        rest.wait_running(&name, 1).await;
        let records = topics.wait_for_records(&name, seen + 50).await;
        assert_eq!(values(&records), sent[..seen + 50], "after {verb}");
    }
    let num_bytes = fs::metadata(&file).expect("the source file").len();
    let offsets = json!([{"partition": {"filename": file}, "offset": {"position": num_bytes}}]);
    rest.wait_offsets(&name, offsets).await;
    for connector in [&name, &twin] {
        rest.delete_connector(connector).await;
    }
}

#[tokio::test]
async fn a_paused_or_stopped_sink_writes_nothing_on_the_jvm() {
    a_paused_or_stopped_sink_writes_nothing(shared::jvm_worker().await).await;
}

#[tokio::test]
async fn a_paused_or_stopped_sink_writes_nothing_on_dovetail() {
    a_paused_or_stopped_sink_writes_nothing(shared::dovetail_worker().await).await;
}

/// A second sink of the same topic shows when the one that stands still could have written.
async fn a_paused_or_stopped_sink_writes_nothing(worker: &ConnectWorker) {
    let (topics, rest) = (shared::kafka().await.topics(), worker.rest());
    let name = shared::unique("still-sink");
    let twin = format!("{name}-twin");
    let [file, twin_file] = [&name, &twin].map(|name| worker.folder().join(name));
    let sent = flights(150);
    topics.create(&name, 1).await;
    topics.produce_lines(&name, &sent[..50]).await;
    for (connector, file) in [(&name, &file), (&twin, &twin_file)] {
        rest.run_connector(connector, file_sink(&name, file), 1)
            .await;
        lines::wait_for(file, 50).await;
    }
    for (verb, status, state, num_tasks, seen) in [
        ("pause", 202, "PAUSED", 1, 50),
        ("stop", 204, "STOPPED", 0, 100),
    ] {
        rest.put(&format!("/connectors/{name}/{verb}"), None)
            .await
            .expect(status);
        rest.wait_states(&name, state, num_tasks).await;
        topics.produce_lines(&name, &sent[seen..seen + 50]).await;
        lines::wait_for(&twin_file, seen + 50).await;
        assert_eq!(lines::read(&file), sent[..seen], "{verb}");
        rest.put(&format!("/connectors/{name}/resume"), None)
            .await
            .expect(202);
        rest.wait_running(&name, 1).await;
        let written = lines::wait_for(&file, seen + 50).await;
        assert_eq!(written, sent[..seen + 50], "after {verb}");
    }
    topics
        .wait_for_commit(&sink_group(&name), &name, &[150])
        .await;
    for connector in [&name, &twin] {
        rest.delete_connector(connector).await;
    }
    // Its status is kept until the group has settled.
    let path = format!("/connectors/{name}/status");
    eventually("the status of a deleted connector gone", async || {
        let answer = rest.get(&path).await;
        match answer.status.as_u16() {
            404 => Ok(()),
            _ => Err(answer.text),
        }
    })
    .await;
}
