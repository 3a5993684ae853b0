//! Objects of keys and headers beside those of values, and tombstones.

use super::fixture::{Fixture, record};
use super::*;
use connect_api::data::{Schema, Value};
use connect_api::{Header, SinkRecord};

const JSON: &str = "p.format.json.JsonFormat";
const BYTES: &str = "p.format.bytearray.ByteArrayFormat";

fn keyed(offset: i64, key: &str) -> SinkRecord {
    let mut record = record(offset);
    record.record.key_schema = Some(Schema::string());
    record.record.key = Value::string(key);
    record.record.headers = vec![
        Header::new("source", Some(Schema::string()), "faa").unwrap(),
        Header::new("try", Some(Schema::int32()), 7i32).unwrap(),
    ];
    record
}

fn texts(fixture: &Fixture) -> Vec<(String, String)> {
    let objects = fixture.store.objects().into_iter();
    objects
        .map(|(key, content)| (key, String::from_utf8_lossy(&content).into_owned()))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = expected.iter();
    pairs
        .map(|(key, text)| ((*key).to_string(), (*text).to_string()))
        .collect()
}

const KEYS_AND_HEADERS: [(&str, &str); 4] = [
    ("store.kafka.keys", "true"),
    ("store.kafka.headers", "true"),
    ("keys.format.class", JSON),
    ("headers.format.class", JSON),
];

#[tokio::test(start_paused = true)]
async fn keys_and_headers_stand_line_for_line_beside_values() {
    let mut fixture = Fixture::start(&KEYS_AND_HEADERS).await;
    assert_eq!(fixture.task.accepts(), [Form::Rows]);
    let batch = ["UA", "DL", "AA"].iter().zip(5..);
    let batch = batch.map(|(key, offset)| keyed(offset, key)).collect();
    fixture.task.put(&SinkBatch::Rows(batch)).await.unwrap();
    assert_eq!(fixture.committed().await, Some(8));
    let headers = "{\"headers\":[{\"key\":\"source\",\"value\":\"faa\"},\
                   {\"key\":\"try\",\"value\":\"7\"}]}\n";
    assert_eq!(
        texts(&fixture),
        pairs(&[
            (
                "topics/t/partition=0/t+0+0000000005.headers.json",
                &headers.repeat(3)
            ),
            ("topics/t/partition=0/t+0+0000000005.json", "5\n6\n7\n"),
            (
                "topics/t/partition=0/t+0+0000000005.keys.json",
                "\"UA\"\n\"DL\"\n\"AA\"\n"
            ),
        ])
    );
    fixture.close().await;
}

#[tokio::test(start_paused = true)]
async fn every_format_writes_keys_under_its_own_extension() {
    for (format, key, magic) in [
        ("p.format.avro.AvroFormat", "keys.avro", &b"Obj\x01"[..]),
        (
            "p.format.parquet.ParquetFormat",
            "keys.snappy.parquet",
            b"PAR1",
        ),
        (JSON, "keys.json", b"\"UA\"\n"),
    ] {
        let mut fixture = Fixture::start(&[
            ("store.kafka.keys", "true"),
            ("store.kafka.headers", "true"),
            ("keys.format.class", format),
            ("headers.format.class", format),
            ("flush.size", "1"),
        ])
        .await;
        let batch = SinkBatch::Rows(vec![keyed(0, "UA")]);
        fixture.task.put(&batch).await.unwrap();
        assert_eq!(fixture.committed().await, Some(1));
        let objects = fixture.store.objects();
        let name = format!("topics/t/partition=0/t+0+0000000000.{key}");
        assert!(objects[&name].starts_with(magic), "{name}");
        assert_eq!(objects.len(), 3, "{format}");
        fixture.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_key_or_headers_cannot_be_written_is_in_no_object() {
    for (what, spoil) in [
        (
            "Key cannot be null for SinkRecord: t-0@1",
            (|record| record.record.key = Value::Null) as fn(&mut SinkRecord),
        ),
        ("Headers cannot be null for SinkRecord: t-0@1", |record| {
            record.record.headers.clear()
        }),
        (
            "Invalid value: null used for required field: \"value\"",
            |record| {
                record.record.headers = vec![Header::new("h", None, Value::Null).unwrap()];
            },
        ),
        // Found only by the last writer, after value and key were taken.
        ("Mismatching schema.", |record| {
            record.record.key_schema = None;
            record.record.key = Value::Struct(Box::new(
                connect_api::data::Struct::new(
                    Schema::struct_builder()
                        .field("a", Schema::string())
                        .build()
                        .unwrap(),
                )
                .unwrap(),
            ));
        }),
    ] {
        let mut fixture = Fixture::start_reporting(&KEYS_AND_HEADERS).await;
        let mut batch = vec![keyed(0, "a"), keyed(1, "b"), keyed(2, "c"), keyed(3, "d")];
        spoil(&mut batch[1]);
        fixture.task.put(&SinkBatch::Rows(batch)).await.unwrap();
        assert_eq!(fixture.committed().await, Some(4), "{what}");
        let reports = fixture.reports();
        assert_eq!(reports.len(), 1, "{what}");
        assert!(reports[0].contains(what), "{what}: {}", reports[0]);
        let objects = texts(&fixture);
        assert_eq!(objects.len(), 3);
        for (key, text) in objects {
            assert_eq!(text.lines().count(), 3, "{what}: {key} {text}");
            if key.ends_with("0.json") {
                assert_eq!(text, "0\n2\n3\n");
            }
        }
        fixture.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_of_another_schema_begins_new_files_only_where_files_have_schemas() {
    for (format, num_objects) in [("p.format.avro.AvroFormat", 4), (JSON, 2)] {
        let mut fixture = Fixture::start(&[
            ("store.kafka.keys", "true"),
            ("keys.format.class", format),
            ("flush.size", "2"),
        ])
        .await;
        let mut other = keyed(1, "b");
        other.record.key_schema = Some(Schema::int32());
        other.record.key = Value::Int32(5);
        let batch = vec![keyed(0, "a"), other.clone(), {
            other.origin.kafka_offset = 2;
            other
        }];
        fixture.task.put(&SinkBatch::Rows(batch)).await.unwrap();
        fixture.committed().await;
        assert_eq!(fixture.store.objects().len(), num_objects, "{format}");
        fixture.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn tombstones_are_keys_in_a_folder_of_their_own() {
    let mut fixture = Fixture::start(&[
        ("store.kafka.keys", "true"),
        ("keys.format.class", BYTES),
        ("format.bytearray.separator", ","),
        ("behavior.on.null.values", "Write"),
        ("tombstone.encoded.partition", "gone"),
        ("flush.size", "4"),
    ])
    .await;
    let with_key = |offset: i64, key: &'static [u8], is_tombstone: bool| {
        let mut record = record(offset);
        record.record.key = Value::Bytes(key.into());
        if is_tombstone {
            record.record.value = Value::Null;
        }
        record
    };
    let batch = vec![
        with_key(0, b"a", false),
        with_key(1, b"b", true),
        with_key(2, b"c", false),
        with_key(3, b"d", true),
    ];
    fixture.task.put(&SinkBatch::Rows(batch)).await.unwrap();
    assert_eq!(fixture.committed().await, Some(4));
    assert_eq!(
        texts(&fixture),
        pairs(&[
            ("topics/t/gone/t+0+0000000001.keys.bin", "b,d,"),
            ("topics/t/partition=0/t+0+0000000000.json", "0\n2\n"),
            ("topics/t/partition=0/t+0+0000000000.keys.bin", "a,c,"),
        ])
    );
    fixture.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_is_called_like_that_of_tombstones_keeps_its_values() {
    let mut fixture = Fixture::start(&[
        ("store.kafka.keys", "true"),
        ("keys.format.class", JSON),
        ("behavior.on.null.values", "write"),
        ("partitioner.class", fixture::TIME_BASED),
        ("partition.duration.ms", "1000"),
        ("path.format", "'tombstone'"),
        ("locale", "en"),
        ("timezone", "UTC"),
        ("timestamp.extractor", "Record"),
        ("flush.size", "2"),
    ])
    .await;
    let mut tombstone = keyed(1, "b");
    tombstone.record.value = Value::Null;
    let batch = vec![keyed(0, "a"), tombstone, keyed(2, "c")];
    fixture.task.put(&SinkBatch::Rows(batch)).await.unwrap();
    fixture
        .task
        .put(&SinkBatch::Rows(vec![keyed(3, "d")]))
        .await
        .unwrap();
    assert_eq!(fixture.committed().await, Some(4));
    let keys: Vec<String> = fixture.store.objects().into_keys().collect();
    let object = |name: &str| format!("topics/t/tombstone/t+0+{name}.json");
    assert_eq!(
        keys,
        [
            object("0000000000"),
            object("0000000000.keys"),
            object("0000000001.keys"),
            object("0000000002"),
            object("0000000002.keys"),
        ]
    );
    fixture.close().await;
}
