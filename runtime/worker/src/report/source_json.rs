//! A record of a source as JSON, for dead letters of records that no converter has taken.

use bytes::{BufMut, Bytes, BytesMut};
use connect_api::SourceRecord;
use connect_api::data::{Map, Schema, Value};
use connect_api::json::{JsonOptions, write_string, write_value, write_with_schema};

/// `{"topic":...,"kafkaPartition":...,"timestamp":...,"sourcePartition":...,"sourceOffset":...,
/// "keySchema":...,"key":...,"valueSchema":...,"value":...,"headers":[{"key":...,"schema":...,
/// "value":...}]}`. Data that does not fit its own schema, which may be why the record is here, is
/// written as the text that logs show.
pub(super) fn source_record_json(record: &SourceRecord) -> Bytes {
    let mut out = BytesMut::new();
    let data = &record.record;
    out.put_slice(b"{\"topic\":");
    write_string(&data.topic, &mut out);
    put_number(
        "kafkaPartition",
        data.kafka_partition.map(i64::from),
        &mut out,
    );
    put_number("timestamp", data.timestamp, &mut out);
    put_map(
        "sourcePartition",
        record.origin.source_partition.as_deref(),
        &mut out,
    );
    put_map(
        "sourceOffset",
        record.origin.source_offset.as_deref(),
        &mut out,
    );
    put_name("keySchema", &mut out);
    put_schema(data.key_schema.as_deref(), &mut out);
    put_name("key", &mut out);
    put_data(data.key_schema.as_deref(), &data.key, &mut out);
    put_name("valueSchema", &mut out);
    put_schema(data.value_schema.as_deref(), &mut out);
    put_name("value", &mut out);
    put_data(data.value_schema.as_deref(), &data.value, &mut out);
    put_name("headers", &mut out);
    out.put_u8(b'[');
    for (index, header) in data.headers.iter().enumerate() {
        out.put_slice(if index == 0 {
            b"{\"key\":"
        } else {
            b",{\"key\":"
        });
        write_string(&header.key, &mut out);
        put_name("schema", &mut out);
        put_schema(header.schema.as_deref(), &mut out);
        put_name("value", &mut out);
        put_data(header.schema.as_deref(), &header.value, &mut out);
        out.put_u8(b'}');
    }
    out.put_slice(b"]}");
    out.freeze()
}

fn put_name(name: &str, out: &mut BytesMut) {
    out.put_slice(b",\"");
    out.put_slice(name.as_bytes());
    out.put_slice(b"\":");
}

fn put_number(name: &str, number: Option<i64>, out: &mut BytesMut) {
    put_name(name, out);
    put_data(None, &number.map_or(Value::Null, Value::Int64), out);
}

fn put_map(name: &str, map: Option<&Map>, out: &mut BytesMut) {
    put_name(name, out);
    put_data(None, &Value::from(map.cloned()), out);
}

fn put_schema(schema: Option<&Schema>, out: &mut BytesMut) {
    match schema {
        Some(schema) => write_string(&schema.to_string(), out),
        None => out.put_slice(b"null"),
    }
}

fn put_data(schema: Option<&Schema>, value: &Value, out: &mut BytesMut) {
    let begin = out.len();
    let options = JsonOptions {
        replace_null_with_default: false,
        ..JsonOptions::default()
    };
    let written = match schema {
        Some(schema) => write_with_schema(Some(schema), value, &options, out),
        None => write_value(value, &options, out),
    };
    if written.is_err() {
        out.truncate(begin);
        write_string(&value.to_string(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::Header;
    use std::sync::Arc;

    #[test]
    fn a_record_that_fits_no_schema_is_still_written() {
        let mut record = SourceRecord::new("t", Some(Schema::int32()), Value::string("no number"));
        record.origin.source_partition = Some(Arc::new([("file", "a")].into_iter().collect()));
        record.record.key_schema = Some(Schema::string());
        record.record.key = Value::string("k");
        record.record.headers = vec![Header::new("h", None, Value::Int32(1)).unwrap()];
        record.record.timestamp = Some(5);
        assert_eq!(
            std::str::from_utf8(&source_record_json(&record)).unwrap(),
            "{\"topic\":\"t\",\"kafkaPartition\":null,\"timestamp\":5,\"sourcePartition\":\
             {\"file\":\"a\"},\"sourceOffset\":null,\"keySchema\":\"Schema{STRING}\",\"key\":\"k\",\
             \"valueSchema\":\"Schema{INT32}\",\"value\":\"no number\",\"headers\":[{\"key\":\"h\",\
             \"schema\":null,\"value\":1}]}"
        );
    }
}
