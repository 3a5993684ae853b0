use super::*;
use crate::paused_clock::PausedClock;
use bytes::Bytes;
use connect_api::data::{Map, Schema, Struct};
use connect_api::{
    BytesRecord, PlainType, Record, SinkBytes, SinkOrigin, SinkRecord, TimestampType,
    TopicPartition,
};
use futures::FutureExt;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::Arc;

async fn task_of(file: &Path) -> FileStreamSinkTask {
    let mut task = FileStreamSinkTask::default();
    let file = file.to_str().expect("UTF-8");
    start(&mut task, file).await.expect("starts");
    task
}

async fn start(task: &mut FileStreamSinkTask, file: &str) -> Result<()> {
    let context = SinkTaskContext::new(Arc::new(PausedClock::new()), None);
    task.start(context, &ConfigMap::from_iter([("file", file)]))
        .await
}

fn rows(values: Vec<Value>) -> SinkBatch {
    let row = |(offset, value)| SinkRecord {
        record: Record {
            topic: "t".into(),
            kafka_partition: Some(0),
            key_schema: None,
            key: Value::Null,
            value_schema: None,
            value,
            timestamp: None,
            headers: Vec::new(),
        },
        origin: SinkOrigin {
            original_topic: "t".into(),
            original_kafka_partition: 0,
            kafka_offset: offset,
            timestamp_type: TimestampType::CreateTime,
        },
    };
    SinkBatch::Rows((0..).zip(values).map(row).collect())
}

fn plain(values: Vec<Option<Bytes>>) -> SinkBatch {
    let record = |(offset, value)| BytesRecord {
        topic: "t".into(),
        partition: 0,
        offset,
        timestamp: None,
        timestamp_type: TimestampType::CreateTime,
        key: None,
        value,
        headers: Vec::new(),
    };
    SinkBatch::Bytes(SinkBytes {
        value_type: PlainType::String,
        key_type: None,
        records: (0..).zip(values).map(record).collect(),
    })
}

fn offsets(next: i64) -> Offsets {
    Offsets::from([(TopicPartition::new("t", 0), next)])
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).expect("reads")
}

#[tokio::test(start_paused = true)]
async fn values_stand_as_java_prints_them() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("out.txt");
    let schema = Schema::struct_builder()
        .field("a", Schema::int32())
        .build()
        .expect("schema");
    let mut record = Struct::new(schema).expect("struct");
    record.put("a", 7i32).expect("fits");
    let mut task = task_of(&file).await;
    let values = vec![
        Value::string("text"),
        Value::Null,
        Map::from_iter([("some_key", 0i64)]).into(),
        record.into(),
        Value::Float64(1e7),
        Value::Bytes(Bytes::from_static(b"raw")),
    ];
    task.put(&rows(values)).await.expect("taken");
    assert_eq!(
        task.pre_commit(&offsets(6)).await.expect("written"),
        offsets(6)
    );
    assert_eq!(
        read(&file),
        "text\nnull\n{some_key=0}\nStruct{a=7}\n1.0E7\nraw\n"
    );
}

#[tokio::test(start_paused = true)]
async fn both_forms_append_the_same_lines_to_what_is_there() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let texts: Vec<String> = (0..5000)
        .map(|n| format!("{n}:{}", "x".repeat(n % 700)))
        .collect();
    let as_rows = rows(
        texts
            .iter()
            .map(|text| Value::from(text.as_str()))
            .collect(),
    );
    let as_bytes = plain(texts.iter().map(|text| Some(text.clone().into())).collect());
    for (name, batch) in [("rows", as_rows), ("bytes", as_bytes)] {
        let file = folder.path().join(name);
        std::fs::write(&file, "before\n").expect("writes");
        let mut task = task_of(&file).await;
        for _ in 0..2 {
            task.put(&batch).await.expect("taken");
        }
        task.put(&plain(vec![None])).await.expect("taken");
        task.pre_commit(&offsets(10_001)).await.expect("written");
        let lines = texts.join("\n");
        assert!(
            read(&file) == format!("before\n{lines}\n{lines}\nnull\n"),
            "{name}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn lines_put_before_stop_are_written() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("out.txt");
    let mut task = task_of(&file).await;
    task.put(&SinkBatch::empty()).await.expect("taken");
    task.put(&plain(vec![Some("a".into())]))
        .await
        .expect("taken");
    task.stop().await.expect("stops");
    assert_eq!(read(&file), "a\n");
    task.stop().await.expect("stops again");
}

#[tokio::test(start_paused = true)]
async fn full_disk_commits_nothing_and_names_the_file() {
    let mut task = task_of(Path::new("/dev/full")).await;
    task.put(&plain(vec![Some("a".into())]))
        .await
        .expect("buffered");
    let error = task.pre_commit(&offsets(1)).await.expect_err("no room");
    assert_eq!(
        error.message(),
        "Couldn't write to file '/dev/full' for FileStreamSinkTask. Make room on its disk, then \
         restart the task: it goes on from the last commit"
    );
    assert!(
        error
            .trace()
            .contains("Caused by: java.nio.file.FileSystemException: /dev/full: ")
    );
    // What was lost with the chunk must not be committed later either.
    task.pre_commit(&offsets(1))
        .await
        .expect_err("lines are missing");
    task.put(&plain(vec![Some("b".into())]))
        .await
        .expect_err("lines are missing");
    task.stop().await.expect("stops");
}

#[tokio::test(start_paused = true)]
async fn full_disk_fails_put_once_the_buffers_are_full() {
    let mut task = task_of(Path::new("/dev/full")).await;
    let batch = plain(vec![Some(Bytes::from(vec![b'x'; 100_000])); 10]);
    let error = task.put(&batch).await.expect_err("no room");
    assert!(
        error
            .message()
            .starts_with("Couldn't write to file '/dev/full'"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn dropped_put_is_not_committed() {
    let (reader, writer) = std::io::pipe().expect("pipe");
    let file = format!("/proc/self/fd/{}", writer.as_raw_fd());
    let mut task = task_of(Path::new(&file)).await;
    // More than the pipe and both chunks hold, and nobody reads.
    let batch = plain(vec![Some(Bytes::from(vec![b'x'; 100_000])); 20]);
    assert!(task.put(&batch).now_or_never().is_none());
    task.pre_commit(&offsets(20))
        .await
        .expect_err("half of the batch is missing");
    task.stop().await.expect("stops");
    drop(reader);
}

#[tokio::test(start_paused = true)]
async fn file_that_cannot_be_opened_is_refused_in_javas_words() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("missing").join("out.txt");
    let file = file.to_str().expect("UTF-8");
    let mut task = FileStreamSinkTask::default();
    let error = start(&mut task, file).await.expect_err("no such folder");
    assert_eq!(
        error.trace(),
        format!(
            "org.apache.kafka.connect.errors.ConnectException: Couldn't find or create file \
             '{file}' for FileStreamSinkTask\n\
             Caused by: java.nio.file.NoSuchFileException: {file}\n"
        )
    );
    task.stop().await.expect("stops without a start");
}

#[tokio::test(start_paused = true)]
async fn readers_see_a_batch_before_its_commit() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("out.txt");
    let mut task = task_of(&file).await;
    task.put(&plain(vec![Some("first".into())]))
        .await
        .expect("taken");
    // It waits until the batch before it is written.
    task.put(&plain(vec![Some("second".into())]))
        .await
        .expect("taken");
    assert!(read(&file).starts_with("first\n"), "{}", read(&file));
    task.stop().await.expect("stops");
}
