//! The suite of [`OffsetStore`], on every implementation, and its users: [`ConnectorOffsets`] and
//! [`OffsetWriter`].

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod topics;

use async_trait::async_trait;
use bytes::Bytes;
use connect_api::OffsetStorageReader;
use connect_api::data::{Map, Value};
use connect_store::{
    ConnectorOffsets, FileOffsetStore, KafkaOffsetStore, LayeredOffsetStore, MemoryOffsetStore,
    OffsetEntry, OffsetStore, OffsetWriter, StoreError, StoreResult, StoredPartition,
};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use topics::{TIMEOUT, Topic};

fn partition(name: &str) -> Map {
    [("filename", name)].into_iter().collect()
}

fn offset(position: i64) -> Map {
    [("position", position)].into_iter().collect()
}

fn entry(key: &str, value: Option<&str>) -> OffsetEntry {
    OffsetEntry {
        key: Bytes::copy_from_slice(key.as_bytes()),
        value: value.map(|value| Bytes::copy_from_slice(value.as_bytes())),
    }
}

async fn get(store: &dyn OffsetStore, key: &str) -> Option<Bytes> {
    let values = store.get(&[Bytes::copy_from_slice(key.as_bytes())]).await;
    let [value] = values
        .expect("readable")
        .try_into()
        .expect("one for each key");
    value
}

/// What holds for every store. `reopen` makes another one on the same data, if they outlive a store.
async fn suite(store: Arc<dyn OffsetStore>, reopen: Option<&dyn Fn() -> Arc<dyn OffsetStore>>) {
    store.start().await.expect("starts");
    assert!(store.get(&[]).await.expect("readable").is_empty());
    assert_eq!(get(&*store, r#"["a",{"filename":"1"}]"#).await, None);

    let first = r#"["a",{"filename":"1"}]"#;
    let second = r#"["a",{"x":1,"filename":"1"}]"#;
    store
        .set(vec![
            entry(first, Some(r#"{"position":1}"#)),
            entry(second, Some(r#"{"position":2}"#)),
            entry(r#"["b",{"filename":"1"}]"#, Some(r#"{"position":3}"#)),
            entry(r#"["a",null]"#, Some(r#"{"position":4}"#)),
            entry("no key", Some("no offset")),
            entry(first, Some(r#"{"position":5}"#)),
        ])
        .await
        .expect("writable");
    assert_eq!(
        get(&*store, first).await.as_deref(),
        Some(br#"{"position":5}"#.as_slice())
    );
    assert_eq!(
        get(&*store, r#"["a",{"filename":"1","x":1}]"#).await,
        None,
        "another order is another key"
    );
    assert_eq!(
        get(&*store, "no key").await.as_deref(),
        Some(b"no offset".as_slice())
    );
    let mut partitions = store.connector_partitions("a").await.expect("readable");
    partitions.sort_by(|left, right| left.key.cmp(&right.key));
    let keys: Vec<&[u8]> = partitions.iter().map(|stored| &*stored.key).collect();
    assert_eq!(keys, [first.as_bytes(), second.as_bytes()]);
    assert_eq!(partitions[0].partition, partition("1"));

    store.set(vec![entry(first, None)]).await.expect("writable");
    assert_eq!(get(&*store, first).await, None);
    let partitions = store.connector_partitions("a").await.expect("readable");
    assert_eq!(partitions.len(), 1);

    let offsets = ConnectorOffsets::new("c", Arc::clone(&store));
    offsets
        .alter(&[
            (Some(partition("é\u{7}😀")), Some(offset(6))),
            (Some(partition("2")), None),
        ])
        .await
        .expect("writable");
    let key = "[\"c\",{\"filename\":\"é\\u0007\\uD83D\\uDE00\"}]";
    assert_eq!(
        get(&*store, key).await.as_deref(),
        Some(br#"{"position":6}"#.as_slice())
    );
    assert_eq!(
        offsets.list().await.expect("readable"),
        [(partition("é\u{7}😀"), offset(6))]
    );
    assert_eq!(
        offsets
            .offsets(&[partition("2"), partition("é\u{7}😀")])
            .await
            .expect("readable"),
        [None, Some(offset(6))]
    );

    store.stop().await;
    let Some(reopen) = reopen else {
        return;
    };
    let store = reopen();
    store.start().await.expect("starts");
    assert!(get(&*store, second).await.is_some());
    assert_eq!(get(&*store, first).await, None);
    assert_eq!(
        store
            .connector_partitions("a")
            .await
            .expect("readable")
            .len(),
        1
    );
    let offsets = ConnectorOffsets::new("c", Arc::clone(&store));
    offsets.reset().await.expect("writable");
    assert_eq!(offsets.list().await.expect("readable"), []);
    assert!(get(&*store, second).await.is_some(), "another connector's");
    store.stop().await;
}

#[tokio::test]
async fn in_memory() {
    suite(Arc::new(MemoryOffsetStore::new()), None).await;
}

#[tokio::test]
async fn in_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("connect.offsets");
    let open = || -> Arc<dyn OffsetStore> { Arc::new(FileOffsetStore::new(&path)) };
    suite(open(), Some(&open)).await;
}

#[tokio::test]
async fn on_a_topic_in_memory() {
    let topic = Topic::in_memory(5);
    let open = || -> Arc<dyn OffsetStore> { Arc::new(KafkaOffsetStore::new(topic.open())) };
    suite(open(), Some(&open)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_an_embedded_broker() {
    let topic = Topic::embedded(5);
    let open = || -> Arc<dyn OffsetStore> { Arc::new(KafkaOffsetStore::new(topic.open())) };
    suite(open(), Some(&open)).await;
}

#[tokio::test]
async fn on_a_topic_of_the_connector_and_that_of_the_worker() {
    let (own, shared) = (Topic::in_memory(5), Topic::in_memory(5));
    let worker_store = Arc::new(KafkaOffsetStore::new(shared.open()));
    worker_store.start().await.expect("starts");
    let open = || -> Arc<dyn OffsetStore> {
        let connector_store = Arc::new(KafkaOffsetStore::new(own.open()));
        Arc::new(LayeredOffsetStore::new(
            connector_store,
            Arc::clone(&worker_store) as _,
        ))
    };
    suite(open(), Some(&open)).await;
}

#[tokio::test]
async fn a_connector_falls_back_to_the_offsets_of_the_worker() {
    let (own, shared) = (Arc::new(Moody::default()), Arc::new(Moody::default()));
    let store = LayeredOffsetStore::new(Arc::clone(&own) as _, Arc::clone(&shared) as _);
    shared
        .set(vec![entry("old", Some("1")), entry("both", Some("1"))])
        .await
        .expect("writable");
    store
        .set(vec![entry("both", Some("2"))])
        .await
        .expect("writable");
    assert_eq!(get(&store, "old").await.as_deref(), Some(b"1".as_slice()));
    assert_eq!(get(&store, "both").await.as_deref(), Some(b"2".as_slice()));
    assert_eq!(
        get(&*shared, "both").await.as_deref(),
        Some(b"2".as_slice()),
        "copied"
    );

    // A copy may fail, a removal may not: the offset would come back.
    shared.mood.store(FAILS, Ordering::SeqCst);
    store
        .set(vec![entry("both", Some("3"))])
        .await
        .expect("only a copy");
    assert_eq!(get(&store, "both").await.as_deref(), Some(b"3".as_slice()));
    let failure = store
        .set(vec![entry("both", None), entry("new", Some("4"))])
        .await;
    assert!(failure.is_err());
    assert_eq!(get(&*own, "both").await.as_deref(), Some(b"3".as_slice()));
    assert_eq!(get(&store, "new").await, None);
    shared.mood.store(WELL, Ordering::SeqCst);
    own.mood.store(FAILS, Ordering::SeqCst);
    assert!(store.set(vec![entry("new", Some("5"))]).await.is_err());
    assert_eq!(
        get(&*shared, "new").await,
        None,
        "the connector's own store comes first"
    );
}

#[tokio::test]
async fn a_worker_sees_the_offsets_of_the_others() {
    let topic = Topic::in_memory(5);
    let (one, other) = (
        KafkaOffsetStore::new(topic.open()),
        KafkaOffsetStore::new(topic.open()),
    );
    one.start().await.expect("starts");
    other.start().await.expect("starts");
    one.set(vec![entry("k", Some("1"))])
        .await
        .expect("writable");
    assert_eq!(get(&other, "k").await.as_deref(), Some(b"1".as_slice()));
}

#[tokio::test]
async fn the_files_of_a_jvm_worker_are_taken_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("connect.offsets");
    std::fs::write(&path, include_bytes!("golden/offset-file-20.bin")).expect("written");
    let store = Arc::new(FileOffsetStore::new(&path));
    store.start().await.expect("starts");
    let offsets = ConnectorOffsets::new("source", store);
    assert_eq!(
        offsets.list().await.expect("readable").len(),
        19,
        "one of 20 is null"
    );
    assert_eq!(
        offsets
            .offsets(&[partition("12.txt"), partition("7.txt")])
            .await
            .expect("readable"),
        [Some(offset(12)), None]
    );
}

#[tokio::test]
async fn a_damaged_file_is_not_taken_for_an_empty_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("connect.offsets");
    let content = include_bytes!("golden/offset-file-20.bin");
    std::fs::write(&path, &content[..content.len() / 2]).expect("written");
    let error = FileOffsetStore::new(&path)
        .start()
        .await
        .expect_err("cut off")
        .to_string();
    assert!(
        error.contains("connect.offsets") && error.contains("restore it"),
        "{error}"
    );
    std::fs::write(&path, b"").expect("written");
    FileOffsetStore::new(&path)
        .start()
        .await
        .expect("an empty file holds no offsets");
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_an_error_and_the_next_write_mends_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("missing").join("connect.offsets");
    let store = FileOffsetStore::new(&path);
    store.start().await.expect("starts");
    let error = store
        .set(vec![entry("k", Some("1"))])
        .await
        .expect_err("no folder");
    assert!(error.is_retriable());
    std::fs::create_dir(folder.path().join("missing")).expect("created");
    store
        .set(vec![entry("l", Some("2"))])
        .await
        .expect("writable");
    let reopened = FileOffsetStore::new(&path);
    reopened.start().await.expect("starts");
    assert_eq!(get(&reopened, "k").await.as_deref(), Some(b"1".as_slice()));
    assert_eq!(get(&reopened, "l").await.as_deref(), Some(b"2".as_slice()));
}

#[tokio::test]
async fn offsets_are_altered_under_the_keys_they_were_written_with() {
    let store = Arc::new(MemoryOffsetStore::new());
    // Not the order of a Java hash map, which is server, database.
    let key = r#"["a",{"database":"d","server":"s"}]"#;
    store
        .set(vec![entry(key, Some(r#"{"position":1}"#))])
        .await
        .expect("writable");
    let offsets = ConnectorOffsets::new("a", Arc::clone(&store) as _);
    let known: Map = [("server", "s"), ("database", "d")].into_iter().collect();
    let new: Map = [("database", "e"), ("server", "s")].into_iter().collect();
    offsets
        .alter(&[
            (Some(known.clone()), Some(offset(2))),
            (Some(new), Some(offset(3))),
        ])
        .await
        .expect("writable");
    let bytes = |text: &'static str| Some(Bytes::from(text));
    assert_eq!(get(&*store, key).await, bytes(r#"{"position":2}"#));
    let hash_order = r#"["a",{"server":"s","database":"e"}]"#;
    assert_eq!(get(&*store, hash_order).await, bytes(r#"{"position":3}"#));
    assert_eq!(offsets.list().await.expect("readable").len(), 2);
    offsets
        .alter(&[(Some(known), None)])
        .await
        .expect("writable");
    assert_eq!(get(&*store, key).await, None);
}

#[tokio::test]
async fn only_primitive_values_can_be_stored() {
    let offsets = ConnectorOffsets::new("a", Arc::new(MemoryOffsetStore::new()));
    let nested: Map = [("k", Value::Array(vec![]))].into_iter().collect();
    let error = offsets
        .alter(&[(Some(nested.clone()), None)])
        .await
        .expect_err("a list");
    assert_eq!(
        error.to_string(),
        "Offsets may only contain primitive types as values, but field k contains ARRAY"
    );
    let number_as_key: Map = [(1i32, 1i32)].into_iter().collect();
    let error = ConnectorOffsets::normalize(&number_as_key).expect_err("a number");
    assert_eq!(error.to_string(), "Offsets may only use String keys");
    let mixed: Map = [
        ("i", Value::Int32(1)),
        ("f", Value::Float32(1.5)),
        ("n", Value::Null),
        ("b", Value::Bytes(Bytes::from_static(b"hi"))),
    ]
    .into_iter()
    .collect();
    let normalized = ConnectorOffsets::normalize(&mixed).expect("primitive");
    assert_eq!(normalized.get_str("i"), Some(&Value::Int64(1)));
    assert_eq!(normalized.get_str("f"), Some(&Value::Float64(1.5)));
    assert_eq!(normalized.get_str("n"), Some(&Value::Null));
    assert_eq!(normalized.get_str("b"), Some(&Value::string("aGk=")));
}

/// A store that can be told to fail or to hang.
#[derive(Default)]
struct Moody {
    inner: MemoryOffsetStore,
    mood: AtomicU8,
    written: Mutex<Vec<Vec<OffsetEntry>>>,
}

const WELL: u8 = 0;
const FAILS: u8 = 1;
const HANGS: u8 = 2;

#[async_trait]
impl OffsetStore for Moody {
    async fn start(&self) -> StoreResult<()> {
        Ok(())
    }
    async fn stop(&self) {}
    async fn get(&self, keys: &[Bytes]) -> StoreResult<Vec<Option<Bytes>>> {
        self.inner.get(keys).await
    }
    async fn set(&self, entries: Vec<OffsetEntry>) -> StoreResult<()> {
        match self.mood.load(Ordering::SeqCst) {
            FAILS => Err(StoreError::Data(connect_api::ConnectError::retriable(
                "out of order",
            ))),
            HANGS => std::future::pending().await,
            _ => {
                self.written
                    .lock()
                    .expect("unpoisoned")
                    .push(entries.clone());
                self.inner.set(entries).await
            }
        }
    }
    async fn connector_partitions(&self, connector: &str) -> StoreResult<Vec<StoredPartition>> {
        self.inner.connector_partitions(connector).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_flush_keeps_the_offsets_and_newer_ones_win() {
    let store = Arc::new(Moody::default());
    let mut writer = OffsetWriter::new("a", Arc::clone(&store) as Arc<dyn OffsetStore>);
    assert!(!writer.flush(TIMEOUT).await.expect("nothing to do"));
    let (one, two) = (Arc::new(partition("1")), Arc::new(partition("2")));
    let put = |writer: &mut OffsetWriter, partition: &Arc<Map>, position| {
        writer.offset(Some(partition), Some(Arc::new(offset(position))));
    };
    put(&mut writer, &one, 1);
    put(&mut writer, &two, 1);
    put(&mut writer, &one, 2);
    store.mood.store(FAILS, Ordering::SeqCst);
    assert!(
        writer
            .flush(TIMEOUT)
            .await
            .expect_err("fails")
            .is_retriable()
    );
    store.mood.store(HANGS, Ordering::SeqCst);
    let error = writer
        .flush(Duration::from_secs(5))
        .await
        .expect_err("hangs");
    assert!(error.is_retriable());
    assert!(error.to_string().contains("5000 ms"), "{error}");
    let flush = writer
        .begin_flush()
        .expect("serializable")
        .expect("pending");
    put(&mut writer, &two, 7);
    assert!(writer.begin_flush().is_err(), "one at a time");
    drop(flush);
    writer.end_flush(false);
    // A flush whose future is dropped half way keeps everything too.
    assert!(
        tokio::time::timeout(Duration::from_millis(1), writer.flush(TIMEOUT))
            .await
            .is_err()
    );
    store.mood.store(WELL, Ordering::SeqCst);
    assert!(writer.flush(TIMEOUT).await.expect("writable"));
    assert_eq!(
        *store.written.lock().expect("unpoisoned"),
        [vec![
            entry(r#"["a",{"filename":"1"}]"#, Some(r#"{"position":2}"#)),
            entry(r#"["a",{"filename":"2"}]"#, Some(r#"{"position":7}"#)),
        ]]
    );
    assert!(!writer.has_pending());
    assert!(!writer.flush(TIMEOUT).await.expect("nothing to do"));
}

#[tokio::test]
async fn what_cannot_be_serialized_stops_every_flush() {
    let store = Arc::new(Moody::default());
    let mut writer = OffsetWriter::new("a", Arc::clone(&store) as Arc<dyn OffsetStore>);
    let nested: Arc<Map> = Arc::new([("k", Value::Map(Map::new()))].into_iter().collect());
    let one = Arc::new(partition("1"));
    writer.offset(Some(&one), Some(Arc::clone(&nested)));
    assert!(writer.flush(TIMEOUT).await.is_err());
    // An offset of the same partition that can be stored mends it.
    writer.offset(Some(&one), None);
    assert!(writer.flush(TIMEOUT).await.expect("writable"));
    writer.offset(Some(&nested), None);
    writer.offset(None, Some(Arc::new(offset(1))));
    assert!(writer.flush(TIMEOUT).await.is_err());
    assert!(writer.has_pending());
    assert_eq!(store.written.lock().expect("unpoisoned").len(), 1);
}
