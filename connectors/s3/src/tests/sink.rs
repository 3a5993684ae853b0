//! The whole sink on a real S3 server.

use super::config;
use super::server::Server;
use crate::{S3SinkConnector, VERSION};
use connect_api::config::ConfigMap;
use connect_api::data::{Map, Schema, SchemaRef, Struct, Value};
use connect_api::{
    BytesRecord, CONNECTORS, Clock, ConnectorContext, ErrorKind, Form, Offsets, PlainType, Record,
    SinkBatch, SinkBytes, SinkConnector, SinkOrigin, SinkRecord, SinkTask, SinkTaskContext,
    SystemClock, TimestampType, TopicPartition,
};
use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new(|duration| {
        Box::pin(tokio::time::sleep(duration))
    }))
}

fn partition() -> TopicPartition {
    TopicPartition::new("flights", 0)
}

async fn started(config: &ConfigMap) -> connect_api::Result<Box<dyn SinkTask>> {
    let mut connector = S3SinkConnector::default();
    connector
        .start(ConnectorContext::new(clock(), Arc::new(|_| {})), config)
        .await?;
    let configs = connector.task_configs(2)?;
    assert_eq!(configs, [config.clone(), config.clone()]);
    let mut task = connector.new_task();
    let context = SinkTaskContext::new(clock(), None);
    context.set_assignment(BTreeSet::from([partition()]));
    task.start(context, &configs[0]).await?;
    task.open(&[partition()]).await?;
    Ok(task)
}

fn row(offset: i64, timestamp: i64, schema: Option<SchemaRef>, value: Value) -> SinkRecord {
    SinkRecord {
        record: Record {
            // A transform renamed the topic: names go by where the record came from.
            topic: "renamed".into(),
            kafka_partition: Some(7),
            key_schema: None,
            key: Value::Null,
            value_schema: schema,
            value,
            timestamp: Some(timestamp),
            headers: Vec::new(),
        },
        origin: SinkOrigin {
            original_topic: "flights".into(),
            original_kafka_partition: 0,
            kafka_offset: offset,
            timestamp_type: TimestampType::CreateTime,
        },
    }
}

fn flight(offset: i64) -> SinkRecord {
    let value: Map = [("flight", Value::Int64(1545 + offset))]
        .into_iter()
        .collect();
    row(offset, 0, None, Value::Map(value))
}

#[test]
fn the_plugin_is_registered_under_its_java_name() {
    let plugin = CONNECTORS
        .iter()
        .find(|plugin| plugin.class == "io.confluent.connect.s3.S3SinkConnector")
        .unwrap();
    assert_eq!(plugin.task_class, "io.confluent.connect.s3.S3SinkTask");
    assert_eq!(plugin.version, VERSION);
    assert!((plugin.config_def)().key("s3.bucket.name").is_some());
}

#[tokio::test]
async fn rows_become_lines_of_json_in_objects_named_by_their_origin() {
    let server = Server::start().await;
    let mut task = started(&config(&server.endpoint, &[])).await.unwrap();
    assert_eq!(task.accepts(), [Form::Rows]);
    task.put(&SinkBatch::Rows((5..9).map(flight).collect()))
        .await
        .unwrap();
    let offsets = task.pre_commit(&Offsets::new()).await.unwrap();
    assert_eq!(offsets, Offsets::from([(partition(), 8)]));
    assert_eq!(
        server.keys(),
        ["topics/flights/partition=0/flights+0+0000000005.json"]
    );
    assert_eq!(
        server
            .object("topics/flights/partition=0/flights+0+0000000005.json")
            .unwrap(),
        b"{\"flight\":1550}\n{\"flight\":1551}\n{\"flight\":1552}\n"
    );
    task.close(&[partition()]).await.unwrap();
    task.stop().await.unwrap();
    assert_eq!(server.keys().len(), 1);
    assert_eq!(server.num_open_uploads(), 0);
}

#[tokio::test]
async fn bytes_pass_in_large_parts_and_come_out_as_they_were() {
    let server = Server::start().await;
    let more = [
        (
            "format.class",
            "io.confluent.connect.s3.format.bytearray.ByteArrayFormat",
        ),
        ("format.bytearray.separator", " \r\n"),
        ("flush.size", "3000"),
    ];
    let mut task = started(&config(&server.endpoint, &more)).await.unwrap();
    assert_eq!(task.accepts(), [Form::Rows, Form::Bytes]);
    let topic: connect_api::Topic = "flights".into();
    let value = |offset: i64| vec![b'a' + (offset % 26) as u8; 4096];
    for start in (0..3000).step_by(500) {
        let records = (start..start + 500)
            .map(|offset| BytesRecord {
                topic: topic.clone(),
                partition: 0,
                offset,
                timestamp: None,
                timestamp_type: TimestampType::NoTimestampType,
                key: None,
                value: Some(value(offset).into()),
                headers: Vec::new(),
            })
            .collect();
        let batch = SinkBytes {
            value_type: PlainType::Bytes,
            key_type: None,
            records,
        };
        task.put(&SinkBatch::Bytes(batch)).await.unwrap();
    }
    let offsets = task.pre_commit(&Offsets::new()).await.unwrap();
    assert_eq!(offsets, Offsets::from([(partition(), 3000)]));
    let expected: Vec<u8> = (0..3000)
        .flat_map(|offset| [value(offset), b" \r\n".to_vec()].concat())
        .collect();
    let object = server.object("topics/flights/partition=0/flights+0+0000000000.bin");
    assert!(object == Some(expected), "the content differs");
    task.stop().await.unwrap();
}

#[tokio::test]
async fn hourly_folders_and_gzip() {
    let server = Server::start().await;
    let more = [
        (
            "partitioner.class",
            "io.confluent.connect.storage.partitioner.HourlyPartitioner",
        ),
        ("timestamp.extractor", "Record"),
        ("locale", "en-US"),
        ("timezone", "America/New_York"),
        ("s3.compression.type", "gzip"),
        ("flush.size", "4"),
    ];
    let mut task = started(&config(&server.endpoint, &more)).await.unwrap();
    let schema = Schema::struct_builder()
        .field("carrier", Schema::string())
        .build()
        .unwrap();
    let hour = 3_600_000;
    // 2013-01-01T05:15 in New York, and the hours after it.
    let start = 1_357_035_300_000;
    let records = (0..4)
        .map(|offset| {
            let mut value = Struct::new(schema.clone()).unwrap();
            value.put("carrier", "UA").unwrap();
            let timestamp = start + offset % 2 * hour;
            row(
                offset,
                timestamp,
                Some(schema.clone()),
                Value::Struct(Box::new(value)),
            )
        })
        .collect();
    task.put(&SinkBatch::Rows(records)).await.unwrap();
    task.pre_commit(&Offsets::new()).await.unwrap();
    let keys = server.keys();
    assert_eq!(
        keys,
        [
            "topics/flights/year=2013/month=01/day=01/hour=05/flights+0+0000000000.json.gz",
            "topics/flights/year=2013/month=01/day=01/hour=06/flights+0+0000000001.json.gz",
        ]
    );
    for key in keys {
        let mut text = String::new();
        flate2::read::GzDecoder::new(&*server.object(&key).unwrap())
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "{\"carrier\":\"UA\"}\n{\"carrier\":\"UA\"}\n");
    }
    task.stop().await.unwrap();
}

#[tokio::test]
async fn a_missing_bucket_and_wrong_credentials_are_named() {
    let server = Server::start().await;
    let missing = config(&server.endpoint, &[("s3.bucket.name", "nowhere")]);
    let error = started(&missing).await.err().unwrap();
    assert!(
        error
            .message()
            .starts_with("Non-existent S3 bucket: nowhere. Create it, or correct"),
        "{error}"
    );

    let wrong = config(
        &server.endpoint,
        &[("aws.secret.access.key", "not-the-secret")],
    );
    let mut task = started(&wrong).await.unwrap();
    task.put(&SinkBatch::Rows((0..3).map(flight).collect()))
        .await
        .unwrap();
    assert_eq!(
        task.pre_commit(&Offsets::new()).await.unwrap(),
        Offsets::new()
    );
    let error = task.put(&SinkBatch::empty()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal);
    for part in [
        "s3://flights/topics/flights/partition=0/flights+0+0000000000.json",
        "HTTP 403",
        "SignatureDoesNotMatch",
        "check aws.secret.access.key",
    ] {
        assert!(error.message().contains(part), "{part}: {error}");
    }
    assert!(!error.message().contains("not-the-secret"), "{error}");
    task.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_fails_the_start_and_says_where() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = started(&config(&endpoint, &[])).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Fatal);
    assert!(error.message().contains(&endpoint), "{error}");
    assert!(error.message().contains("Check store.url"), "{error}");
}
