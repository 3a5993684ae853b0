use super::*;
use crate::paused_clock::{PausedClock, StoredOffset};
use futures::FutureExt;
use proptest::prelude::*;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::Path;

async fn task_at(config: &[(&str, &str)], offset: Option<Map>) -> FileStreamSourceTask {
    let mut task = FileStreamSourceTask::default();
    let context =
        SourceTaskContext::new(Arc::new(PausedClock::new()), Arc::new(StoredOffset(offset)));
    let config = config.iter().copied().collect();
    task.start(context, &config).await.expect("starts");
    task
}

async fn task_of(file: &Path, batch_size: &str) -> FileStreamSourceTask {
    let file = file.to_str().expect("UTF-8");
    task_at(
        &[("file", file), ("topic", "t"), ("batch.size", batch_size)],
        None,
    )
    .await
}

fn append(file: &Path, bytes: &[u8]) {
    let opened = OpenOptions::new().append(true).create(true).open(file);
    opened.expect("opens").write_all(bytes).expect("writes");
}

/// Lines with the positions behind them.
fn lines_of(batch: &SourceBatch) -> Vec<(String, Option<i64>)> {
    let SourceBatch::Bytes(batch) = batch else {
        assert!(batch.is_empty(), "only empty batches are rows");
        return Vec::new();
    };
    assert_eq!(&*batch.topic, "t");
    assert_eq!(batch.value_type, PlainType::String);
    let line = |(index, value): (usize, &Bytes)| {
        let offset = batch.source_offsets.get(index).expect("one for each value");
        assert_eq!(offset.len(), 1);
        let position = offset.get_str("position").expect("named so").as_i64();
        (String::from_utf8(value.to_vec()).expect("UTF-8"), position)
    };
    batch.values.iter().enumerate().map(line).collect()
}

async fn poll(task: &mut FileStreamSourceTask) -> Vec<(String, Option<i64>)> {
    lines_of(&task.poll().await.expect("polls"))
}

fn line(text: &str, position: i64) -> (String, Option<i64>) {
    (text.to_string(), Some(position))
}

#[tokio::test(start_paused = true)]
async fn lines_come_in_batches_with_byte_positions() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("in.txt");
    append(&file, "a\ngrün\r\nc\rtail".as_bytes());
    let mut task = task_of(&file, "2").await;
    let batch = task.poll().await.expect("polls");
    let SourceBatch::Bytes(bytes) = &batch else {
        panic!("lines come as bytes");
    };
    assert_eq!(bytes.timestamp, Some(PausedClock::START_MS));
    let partition = bytes.source_partition.as_ref().expect("has one");
    assert_eq!(
        partition.to_string(),
        format!("{{filename={}}}", file.display())
    );
    assert_eq!(lines_of(&batch), [line("a", 2), line("grün", 9)]);
    assert_eq!(poll(&mut task).await, [line("c", 11)]);
    assert_eq!(poll(&mut task).await, []);
}

#[tokio::test(start_paused = true)]
async fn reading_goes_on_at_the_stored_byte() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("in.txt");
    append(&file, "grün\nblau\n".as_bytes());
    let name = file.to_str().expect("UTF-8");
    let offset = Map::from_iter([("position", 6i64)]);
    let mut task = task_at(&[("file", name), ("topic", "t")], Some(offset)).await;
    assert_eq!(poll(&mut task).await, [line("blau", 11)]);
}

#[tokio::test(start_paused = true)]
async fn position_of_another_type_fails_the_task() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("in.txt");
    append(&file, b"a\n");
    let name = file.to_str().expect("UTF-8");
    let offset = Map::from_iter([("position", "6")]);
    let mut task = task_at(&[("file", name), ("topic", "t")], Some(offset)).await;
    let error = task.poll().await.expect_err("refused");
    assert_eq!(error.message(), "Offset position is the incorrect type");
    assert!(!error.is_retriable());
}

#[tokio::test(start_paused = true)]
async fn missing_file_is_awaited_and_appended_lines_are_noticed() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("in.txt");
    let mut task = task_of(&file, "10").await;
    let before = tokio::time::Instant::now();
    assert_eq!(poll(&mut task).await, []);
    assert_eq!(before.elapsed(), Duration::from_secs(1));
    append(&file, b"one\ntw");
    assert_eq!(poll(&mut task).await, [line("one", 4)]);
    let before = tokio::time::Instant::now();
    assert_eq!(poll(&mut task).await, []);
    assert_eq!(before.elapsed(), Duration::from_secs(1));
    append(&file, b"o\r");
    assert_eq!(poll(&mut task).await, []);
    append(&file, b"three\n");
    assert_eq!(poll(&mut task).await, [line("two", 8), line("three", 14)]);
}

#[tokio::test(start_paused = true)]
async fn cut_file_gives_nothing_until_it_grows_beyond_the_position() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("in.txt");
    append(&file, b"one\n");
    let mut task = task_of(&file, "10").await;
    assert_eq!(poll(&mut task).await, [line("one", 4)]);
    std::fs::write(&file, b"x\n").expect("writes");
    assert_eq!(poll(&mut task).await, []);
    append(&file, b"y\nzz\n");
    assert_eq!(poll(&mut task).await, [line("zz", 7)]);
}

#[tokio::test(start_paused = true)]
async fn folder_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut task = task_of(folder.path(), "10").await;
    let error = task.poll().await.expect_err("refused");
    let name = folder.path().display();
    assert_eq!(
        error.message(),
        format!("Couldn't open file '{name}' for FileStreamSourceTask")
    );
    let cause = error.cause().expect("names the reason");
    assert_eq!(cause.class(), "java.nio.file.FileSystemException");
}

#[tokio::test(start_paused = true)]
async fn endless_line_fails_the_task_and_not_the_worker() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("in.txt");
    append(&file, b"short\n");
    let opened = OpenOptions::new().write(true).open(&file).expect("opens");
    opened
        .set_len(3 * MAX_LINE_NUM_BYTES as u64)
        .expect("sparse");
    let mut task = task_of(&file, "10").await;
    assert_eq!(poll(&mut task).await, [line("short", 6)]);
    let error = task.poll().await.expect_err("refused");
    let message = error.message();
    assert!(
        message.starts_with("The line at position 6 of file '"),
        "{message}"
    );
    let held = task.running.as_ref().map(|running| running.pending.len());
    assert!(held.is_some_and(|held| held <= 2 * MAX_LINE_NUM_BYTES));
}

#[tokio::test(start_paused = true)]
async fn few_lines_do_not_hold_a_whole_read_buffer() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("in.txt");
    append(&file, b"one\n");
    let opened = File::open(&file).expect("opens");
    let read = read_file_at(&opened, 0, READ_NUM_BYTES, b"carry").expect("reads");
    let buffer = read.bytes.try_into_mut().expect("not shared");
    assert_eq!(&buffer[..], b"carryone\n");
    assert!(buffer.capacity() < 1024, "{}", buffer.capacity());
}

#[tokio::test(start_paused = true)]
async fn pipe_is_read_to_its_end() {
    let (reader, mut writer) = std::io::pipe().expect("pipe");
    let file = format!("/proc/self/fd/{}", reader.as_raw_fd());
    let mut task = task_of(Path::new(&file), "10").await;
    writer.write_all(b"one\ntwo\nend").expect("writes");
    // Time stands still while a read may come; an empty batch says that it ran on.
    let mut lines = Vec::new();
    while lines.len() < 2 {
        lines.extend(poll(&mut task).await);
    }
    assert_eq!(lines, [line("one", 4), line("two", 8)]);
    drop(writer);
    while !matches!(
        task.running.as_ref().and_then(|r| r.input.as_ref()),
        Some(Input::Ended)
    ) {
        assert_eq!(poll(&mut task).await, []);
    }
    assert_eq!(poll(&mut task).await, []);
}

#[tokio::test(start_paused = true)]
async fn standard_input_belongs_to_one_task_and_has_no_position() {
    let mut task = task_at(&[("topic", "t")], None).await;
    let context =
        SourceTaskContext::new(Arc::new(PausedClock::new()), Arc::new(StoredOffset(None)));
    let config = ConfigMap::from_iter([("topic", "t")]);
    let mut second = FileStreamSourceTask::default();
    let error = second
        .start(context.clone(), &config)
        .await
        .expect_err("taken");
    assert!(
        error.message().contains("already read by another"),
        "{error}"
    );

    // The lines of a pipe in its place: what the test's own input holds is not known.
    let (reader, mut writer) = std::io::pipe().expect("pipe");
    let pieces = Pieces::of_pipe(&format!("/proc/self/fd/{}", reader.as_raw_fd()));
    let running = task.running.as_mut().expect("started");
    running.input = Some(Input::Pipe(pieces.expect("pipe")));
    writer.write_all(b"one\n").expect("writes");
    let batch = loop {
        match task.poll().await.expect("polls") {
            SourceBatch::Bytes(batch) => break batch,
            batch => assert!(batch.is_empty()),
        }
    };
    let partition = batch.source_partition.expect("has one");
    assert_eq!(partition.to_string(), "{filename=null}");
    let offset = batch.source_offsets.get(0).expect("has one");
    assert_eq!(offset.to_string(), "{position=null}");

    // It was given back when the pipe took its place.
    second.start(context, &config).await.expect("free again");
    second.stop().await.expect("stops");
}

fn text_with_line_ends() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => Just(b'a'), 1 => Just(b'\n'), 1 => Just(b'\r'), 1 => Just(0xc3)];
    prop::collection::vec(byte, 1..300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever polls are dropped half-way and however the file grows: each line comes once, in
    /// order, with the position behind it.
    #[test]
    fn dropped_polls_lose_and_repeat_nothing(
        bytes in text_with_line_ends(),
        cuts in prop::collection::vec(1usize..60, 1..12),
        drops in prop::collection::vec(0usize..4, 1..12),
        batch_size in 1usize..6,
    ) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let file = folder.path().join("in.txt");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("runtime");
        let lines = runtime.block_on(async {
            let mut task = task_of(&file, &batch_size.to_string()).await;
            let (mut lines, mut written) = (Vec::new(), 0);
            for (cut, drops) in cuts.iter().zip(drops.iter().cycle()).cycle() {
                if written == bytes.len() {
                    break;
                }
                let end = (written + cut).min(bytes.len());
                append(&file, &bytes[written..end]);
                written = end;
                for _ in 0..*drops {
                    if let Some(batch) = task.poll().now_or_never() {
                        lines.extend(lines_of(&batch.expect("polls")));
                    }
                    tokio::task::yield_now().await;
                }
                loop {
                    let batch = poll(&mut task).await;
                    if batch.is_empty() {
                        break;
                    }
                    assert!(batch.len() <= batch_size);
                    lines.extend(batch);
                }
            }
            lines
        });
        let whole = split_lines(&Bytes::from(bytes), 0, usize::MAX);
        let expected: Vec<_> = whole
            .values
            .iter()
            .zip(&whole.ends)
            .map(|(value, end)| line(&String::from_utf8_lossy(value), *end as i64))
            .collect();
        prop_assert_eq!(lines, expected);
    }
}
