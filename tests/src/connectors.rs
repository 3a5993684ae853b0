//! Configurations of the connectors that tests run, written as a user writes them.

use std::path::Path;

use serde_json::{Value, json};

use crate::stack::s3::{ACCESS_KEY, REGION, S3Server, SECRET_KEY};

/// Connect's converter of plain text.
pub const STRING_CONVERTER: &str = "org.apache.kafka.connect.storage.StringConverter";
/// Connect's converter of JSON.
pub const JSON_CONVERTER: &str = "org.apache.kafka.connect.json.JsonConverter";
/// Connect's converter that leaves bytes as they are.
pub const BYTE_ARRAY_CONVERTER: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";

/// A source that sends each line of `file` to `topic`, as text.
pub fn file_source(file: &Path, topic: &str) -> Value {
    json!({
        "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
        "tasks.max": "1",
        "file": file,
        "topic": topic,
        "key.converter": STRING_CONVERTER,
        "value.converter": STRING_CONVERTER,
    })
}

/// A sink that appends each record of `topic` to `file` as a line.
pub fn file_sink(topic: &str, file: &Path) -> Value {
    json!({
        "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
        "tasks.max": "1",
        "topics": topic,
        "file": file,
        "key.converter": STRING_CONVERTER,
        "value.converter": STRING_CONVERTER,
    })
}

/// What an S3 sink writes into its objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectFormat {
    /// `JsonFormat`, from records that are JSON without schemas.
    Json,
    /// `ByteArrayFormat`: the bytes of each record and a line end.
    Bytes,
}

/// An S3 sink of `topic` into a bucket of `s3`, an object for each `flush_size` records.
pub fn s3_sink(
    topic: &str,
    s3: &S3Server,
    bucket: &str,
    format: ObjectFormat,
    flush_size: usize,
) -> Value {
    let (format_class, converter) = match format {
        ObjectFormat::Json => (
            "io.confluent.connect.s3.format.json.JsonFormat",
            JSON_CONVERTER,
        ),
        ObjectFormat::Bytes => (
            "io.confluent.connect.s3.format.bytearray.ByteArrayFormat",
            BYTE_ARRAY_CONVERTER,
        ),
    };
    let mut config = json!({
        "connector.class": "io.confluent.connect.s3.S3SinkConnector",
        "tasks.max": "1",
        "topics": topic,
        "storage.class": "io.confluent.connect.s3.storage.S3Storage",
        "format.class": format_class,
        "flush.size": flush_size.to_string(),
        "s3.bucket.name": bucket,
        "s3.region": REGION,
        "store.url": s3.url(),
        "aws.access.key.id": ACCESS_KEY,
        "aws.secret.access.key": SECRET_KEY,
        "key.converter": STRING_CONVERTER,
        "value.converter": converter,
    });
    if format == ObjectFormat::Json {
        config["value.converter.schemas.enable"] = "false".into();
    }
    config
}

/// `config` with further keys, or other values for its own.
pub fn with(mut config: Value, keys: &[(&str, &str)]) -> Value {
    for (key, value) in keys {
        config[*key] = Value::from(*value);
    }
    config
}

/// The consumer group of a sink connector.
pub fn sink_group(connector: &str) -> String {
    format!("connect-{connector}")
}
