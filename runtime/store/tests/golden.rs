//! Tapes of the internal topics of a JVM worker, recorded by `golden/record`: what we read from them,
//! and that the same operations write the same bytes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use async_trait::async_trait;
use bytes::Bytes;
use connect_api::config::ConfigMap;
use connect_api::data::Map;
use connect_kafka::log::{
    CompactedLog, LogAck, LogError, LogRecord, MemoryLog, MemoryTopic, RecordCallback,
};
use connect_store::{
    ClusterConfigState, ConfigStore, ConnectorOffsets, ConnectorStatus, ConnectorTaskId,
    KafkaConfigStore, KafkaOffsetStore, KafkaStatusStore, OffsetStore, RestartRequest, State,
    Status, StatusStore, TargetState, TaskStatus, TopicStatus,
};
use serde_json::Value as Json;
use std::sync::Arc;
use std::time::Duration;

const INPUT: &str = "/tmp/connect-store-golden.txt";

fn tape(text: &str) -> Vec<LogRecord> {
    text.lines()
        .map(|line| {
            let line: Json = serde_json::from_str(line).expect("a line of JSON");
            let bytes = |field: &str| {
                line[field]
                    .as_str()
                    .map(|text| Bytes::copy_from_slice(text.as_bytes()))
            };
            let number = |field: &str| line[field].as_i64().expect("a number");
            LogRecord {
                topic: "tape".into(),
                partition: number("partition") as i32,
                offset: number("offset"),
                timestamp_ms: -1,
                key: bytes("key"),
                value: bytes("value"),
            }
        })
        .collect()
}

fn configs() -> Vec<LogRecord> {
    tape(include_str!("golden/configs.jsonl"))
}

/// A topic that holds a tape and takes nothing more.
struct Tape {
    records: Vec<LogRecord>,
    num_partitions: i32,
}

#[async_trait]
impl CompactedLog for Tape {
    async fn start(&self, mut on_record: RecordCallback) -> Result<(), LogError> {
        self.records.iter().cloned().for_each(&mut on_record);
        Ok(())
    }
    fn send(&self, _key: Option<Bytes>, _value: Option<Bytes>) -> LogAck {
        Box::pin(async {
            Err(LogError::NotRunning {
                topic: "tape".into(),
            })
        })
    }
    async fn read_to_end(&self, _timeout: Duration) -> Result<(), LogError> {
        Ok(())
    }
    fn topic(&self) -> &str {
        "tape"
    }
    fn num_partitions(&self) -> i32 {
        self.num_partitions
    }
    async fn stop(&self) {}
}

fn log(records: Vec<LogRecord>, num_partitions: i32) -> Arc<dyn CompactedLog> {
    Arc::new(Tape {
        records,
        num_partitions,
    })
}

/// The state after the records up to `last_offset`.
async fn config_state(last_offset: i64) -> Arc<ClusterConfigState> {
    let mut records = configs();
    records.retain(|record| record.offset <= last_offset);
    let store = KafkaConfigStore::new(log(records, 1));
    store.start().await.expect("starts");
    store.snapshot()
}

/// What was written, for comparison with a tape; text, so that a difference can be read.
fn texts(records: &[LogRecord]) -> Vec<(i32, String, String)> {
    let text = |bytes: &Option<Bytes>| match bytes {
        Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        None => "(null)".to_string(),
    };
    records
        .iter()
        .map(|record| (record.partition, text(&record.key), text(&record.value)))
        .collect()
}

#[tokio::test]
async fn config_topic_is_read() {
    let state = config_state(i64::MAX).await;
    assert_eq!(state.offset(), 62);
    assert_eq!(state.connectors().collect::<Vec<_>>(), ["failing-1"]);
    assert_eq!(state.target_state("failing-1"), Some(TargetState::Started));
    assert_eq!(state.target_state("lines-source"), None);
    assert_eq!(state.task_count("failing-1"), 1);
    assert_eq!(state.task_config_generation("failing-1"), Some(0));
    assert!(
        state.is_pending_fencing("failing-1"),
        "sinks are never fenced"
    );
    assert!(!state.is_pending_fencing("lines-source"));
    assert_eq!(state.task_count_record("lines-source"), Some(0));
    assert_eq!(state.task_config_generation("lines-source"), Some(4));
    assert_eq!(state.inconsistent_connectors().count(), 0);
    let key = state.session_key().expect("the leader wrote one");
    assert_eq!((key.key.len(), &*key.algorithm), (32, "HmacSHA256"));

    let running = config_state(43).await;
    assert_eq!(running.tasks("lines-sink").len(), 2);
    assert_eq!(running.tasks("lines-source").len(), 1);
    let config = running
        .raw_task_config(&running.tasks("lines-sink")[1])
        .expect("there");
    assert_eq!(
        config.get("task.class"),
        Some("org.apache.kafka.connect.file.FileStreamSinkTask")
    );
    let stopped = config_state(26).await;
    assert_eq!(
        stopped.target_state("lines-source"),
        Some(TargetState::Stopped)
    );
    assert!(stopped.tasks("lines-source").is_empty());
    let first = config_state(8).await;
    let config = first.raw_connector_config("lines-source").expect("there");
    assert_eq!(config.get("note"), Some("é 😀 \"\\\n\u{1} /"));
    assert!(!first.is_pending_fencing("lines-source"));
}

fn config(entries: &[(&str, &str)]) -> ConfigMap {
    entries.iter().copied().collect()
}

fn source_config(note: &str) -> ConfigMap {
    config(&[
        ("connector.class", "FileStreamSource"),
        ("topic", "lines"),
        ("file", INPUT),
        ("tasks.max", "1"),
        ("note", note),
        ("name", "lines-source"),
    ])
}

fn task_config(connector: &ConfigMap, class: &str) -> ConfigMap {
    let mut config = connector.clone();
    config.insert(
        "task.class",
        format!("org.apache.kafka.connect.file.{class}"),
    );
    config
}

#[tokio::test]
async fn config_topic_is_written_to_the_byte() -> Result<(), connect_store::StoreError> {
    let topic = MemoryTopic::new("connect-configs", 1);
    let store = KafkaConfigStore::new(Arc::new(MemoryLog::new(&topic)));
    store.start().await?;
    let session_key = config_state(0)
        .await
        .session_key()
        .cloned()
        .expect("the first record");
    let source = "lines-source";
    let sink = "lines-sink";

    store.put_session_key(&session_key).await?;
    let source_1 = source_config("é 😀 \"\\\n\u{1} /");
    store.put_connector_config(source, &source_1, None).await?;
    let task = |config: &ConfigMap| [task_config(config, "FileStreamSourceTask")];
    store.put_task_configs(source, &task(&source_1)).await?;
    store.put_task_count_record(source, 1).await?;
    // A change, then the same once more.
    let source_2 = source_config("changed");
    store.put_connector_config(source, &source_2, None).await?;
    store.put_task_configs(source, &task(&source_2)).await?;
    store.put_task_count_record(source, 1).await?;
    store.put_connector_config(source, &source_2, None).await?;
    // Pause, resume, restart, stop, alter offsets, resume.
    store.put_target_state(source, TargetState::Paused).await?;
    store.put_target_state(source, TargetState::Started).await?;
    let restart = RestartRequest {
        connector: source.to_string(),
        only_failed: false,
        include_tasks: true,
    };
    store.put_restart_request(&restart).await?;
    store.put_task_configs(source, &[]).await?;
    store.put_target_state(source, TargetState::Stopped).await?;
    store.put_task_count_record(source, 0).await?;
    store.put_target_state(source, TargetState::Started).await?;
    store.put_task_configs(source, &task(&source_2)).await?;
    store.put_task_count_record(source, 1).await?;
    // A sink, created paused, then resumed.
    let sink_config = config(&[
        ("tasks.max", "2"),
        ("connector.class", "FileStreamSink"),
        ("topics", "lines"),
        ("file", "/tmp/connect-store-golden.out"),
        ("name", sink),
    ]);
    store
        .put_connector_config(sink, &sink_config, Some(TargetState::Paused))
        .await?;
    store.put_target_state(sink, TargetState::Started).await?;
    let sink_task = task_config(&sink_config, "FileStreamSinkTask");
    store
        .put_task_configs(sink, &[sink_task.clone(), sink_task])
        .await?;
    store.put_logger_level("org.example", "error").await?;
    let failing_config = config(&[
        ("connector.class", "FileStreamSink"),
        ("topics", "lines"),
        ("file", "/nonexistent/out"),
        ("tasks.max", "1"),
        ("name", "failing-1"),
    ]);
    store
        .put_connector_config("failing-1", &failing_config, None)
        .await?;
    let failing_task = task_config(&failing_config, "FileStreamSinkTask");
    store.put_task_configs("failing-1", &[failing_task]).await?;
    // Deletions.
    store.remove_connector_config(sink).await?;
    store.put_task_configs(source, &[]).await?;
    store.put_target_state(source, TargetState::Stopped).await?;
    store.put_task_count_record(source, 0).await?;
    store.remove_connector_config(source).await?;

    for (ours, theirs) in texts(&topic.records()).iter().zip(&texts(&configs())) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(topic.records().len(), configs().len());
    Ok(())
}

fn partition(filename: &str) -> Map {
    [("filename", filename)].into_iter().collect()
}

fn position(position: i64) -> Map {
    [("position", position)].into_iter().collect()
}

#[tokio::test]
async fn offsets_topic_is_read_and_written_to_the_byte() {
    const NUM_PARTITIONS: i32 = 5;
    let records = tape(include_str!("golden/offsets.jsonl"));
    let (first, last) = (partition(INPUT), partition("other \u{7}😀"));
    let read = async |num_records: usize| {
        let store = Arc::new(KafkaOffsetStore::new(log(
            records[..num_records].to_vec(),
            NUM_PARTITIONS,
        )));
        store.start().await.expect("starts");
        let offsets = ConnectorOffsets::new("lines-source", store);
        offsets.list().await.expect("readable")
    };
    assert_eq!(
        read(3).await,
        [(first.clone(), position(4)), (last.clone(), position(9))]
    );
    assert_eq!(read(records.len()).await, []);

    let topic = MemoryTopic::new("connect-offsets", NUM_PARTITIONS);
    let store = Arc::new(KafkaOffsetStore::new(Arc::new(MemoryLog::new(&topic))));
    store.start().await.expect("starts");
    let offsets = ConnectorOffsets::new("lines-source", store);
    let write = async |partition: &Map, offset: Option<i64>| {
        let entry = (Some(partition.clone()), offset.map(position));
        offsets.alter(&[entry]).await.expect("writable");
    };
    // The task; the altered offsets; the task again; the reset. In the tape the records of one
    // transaction stand in the order of the JVM's hash map.
    write(&first, Some(8)).await;
    write(&last, Some(9)).await;
    write(&first, Some(4)).await;
    write(&first, Some(8)).await;
    write(&last, None).await;
    write(&first, None).await;
    assert_eq!(texts(&topic.records()), texts(&records));
}

fn status_of(value: &Json) -> Status {
    let text = |field: &str| value[field].as_str().map(str::to_string);
    Status {
        state: State::from_name(&text("state").expect("a state")).expect("a known state"),
        trace: text("trace"),
        worker_id: text("worker_id").expect("a worker"),
        generation: value["generation"].as_i64().expect("a generation") as i32,
        version: text("version"),
    }
}

#[tokio::test]
async fn status_topic_is_read_and_written_to_the_byte() {
    const NUM_PARTITIONS: i32 = 2;
    let records = tape(include_str!("golden/status.jsonl"));
    let read = KafkaStatusStore::new(log(records.clone(), NUM_PARTITIONS));
    read.start().await.expect("starts");
    assert_eq!(read.connectors(), ["failing-1"]);
    let connector = read.connector("failing-1").expect("there").status;
    assert_eq!(
        (connector.state, connector.version.as_deref()),
        (State::Running, Some("4.3.1"))
    );
    let tasks = read.tasks("failing-1");
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0].status.state, State::Failed);
    let trace = tasks[0].status.trace.as_deref().expect("a failure has one");
    assert!(
        trace.starts_with("org.apache.kafka.connect.errors.ConnectException: "),
        "{trace}"
    );
    for gone in ["lines-source", "lines-sink"] {
        assert_eq!(read.topics(gone), []);
    }

    let topic = MemoryTopic::new("connect-status", NUM_PARTITIONS);
    let store = KafkaStatusStore::new(Arc::new(MemoryLog::new(&topic)));
    store.start().await.expect("starts");
    let destroyed = Status {
        state: State::Destroyed,
        trace: None,
        worker_id: "w:1".to_string(),
        generation: 1,
        version: None,
    };
    for record in &records {
        let key = std::str::from_utf8(record.key.as_ref().expect("a key")).expect("text");
        let value: Option<Json> = record
            .value
            .as_ref()
            .map(|value| serde_json::from_slice(value).expect("JSON"));
        if let Some(topic_key) = key.strip_prefix("status-topic-") {
            let (topic, connector) = topic_key.split_once(":connector-").expect("both");
            let Some(value) = &value else {
                store.delete_topic(topic, connector);
                continue;
            };
            let fields = &value["topic"];
            let number = |field: &str| fields[field].as_i64().expect("a number");
            store.put_topic(TopicStatus {
                topic: topic.to_string(),
                connector: connector.to_string(),
                task: number("task") as i32,
                discover_timestamp_ms: number("discoverTimestamp"),
            });
            continue;
        }
        let status = value.as_ref().map_or_else(|| destroyed.clone(), status_of);
        if let Some(connector) = key.strip_prefix("status-connector-") {
            let connector = connector.to_string();
            store.put_connector(ConnectorStatus { connector, status });
        } else {
            let task = key.strip_prefix("status-task-").expect("a task");
            let (connector, task) = task.rsplit_once('-').expect("a number");
            let id = ConnectorTaskId {
                connector: connector.into(),
                task: task.parse().expect("a number"),
            };
            store.put_task(TaskStatus { id, status });
        }
    }
    store.flush().await.expect("flushed");
    for (ours, theirs) in texts(&topic.records()).iter().zip(&texts(&records)) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(topic.records().len(), records.len());
}
