//! What protobuf-java reads and writes by its `DynamicMessage`, and what our plans do with the same bytes.
//! `tests/java/run ProtobufGolden > runtime/protobuf/tests/golden/protobuf_java.jsonl` makes the file anew;
//! MORE_JARS names a folder with protobuf-java 4.36.1, such as that of the registry in the stack.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use bytes::{Bytes, BytesMut};
use connect_api::data::{Schema, Value};
use connect_protobuf::{DataOptions, Decoder, Encoder, ProtobufData, ProtobufSchema};
use serde_json::{Map, Value as Json};

const GOLDEN: &str = include_str!("golden/protobuf_java.jsonl");

/// A schema of the file, mapped there and back.
struct Suite {
    name: String,
    decoder: Decoder,
    /// What writes the values again; not where their schema has other bytes in proto3.
    encoder: Option<Encoder>,
}

impl Suite {
    fn new(name: &str, schema: &str) -> Self {
        let schema = ProtobufSchema::parse(schema, &[]).unwrap();
        let data = ProtobufData::new(DataOptions {
            optional_for_nullables: name == "presence",
            wrapper_for_nullables: name == "wrappers",
            ..DataOptions::default()
        });
        let decoder = data
            .decoder(&schema.first_message().unwrap(), None)
            .unwrap();
        let is_rewritten = name != "unpacked" && name != "proto2";
        let encoder = is_rewritten.then(|| data.encoder(decoder.schema()).unwrap());
        Self {
            name: name.to_string(),
            decoder,
            encoder,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Bytes {
    (0..text.len() / 2)
        .map(|index| u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).unwrap())
        .collect()
}

/// A value in the notation of the file: the members of a oneof stand among the other fields.
fn notation(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Float32(value) => format!("f{:x}", value.to_bits()).into(),
        Value::Float64(value) => format!("d{:x}", value.to_bits()).into(),
        Value::String(text) => format!("s{text}").into(),
        Value::Bytes(bytes) => format!("b{}", hex(bytes)).into(),
        Value::Array(items) => items.iter().map(notation).collect(),
        Value::Map(map) => map
            .iter()
            .map(|(key, value)| Json::from(vec![notation(key), notation(value)]))
            .collect(),
        Value::Struct(record) => {
            let mut fields = Map::new();
            for (field, value) in record.schema().fields().iter().zip(record.values()) {
                if is_union(&field.schema) {
                    for (index, member) in field.schema.fields().iter().enumerate() {
                        let value = match value {
                            Value::Struct(union) => notation(&union.values()[index]),
                            _ => Json::Null,
                        };
                        fields.insert(member.name.to_string(), value);
                    }
                } else {
                    fields.insert(field.name.to_string(), notation(value));
                }
            }
            fields.into()
        }
        value => value.to_string().into(),
    }
}

fn is_union(schema: &Schema) -> bool {
    schema
        .name()
        .is_some_and(|name| name.starts_with("io.confluent.connect.protobuf.Union."))
}

#[test]
fn bytes_are_read_and_written_as_by_protobuf_java() {
    let mut suite: Option<Suite> = None;
    let (mut num_values, mut num_errors, mut num_written) = (0, 0, 0);
    for (index, line) in GOLDEN.lines().enumerate() {
        let case: Json = serde_json::from_str(line).unwrap();
        if let Some(schema) = case["schema"].as_str() {
            suite = Some(Suite::new(case["suite"].as_str().unwrap(), schema));
            continue;
        }
        let suite = suite.as_ref().expect("a schema comes first");
        let place = format!("line {} of {}", index + 1, suite.name);
        let read = suite
            .decoder
            .decode(&unhex(case["bytes"].as_str().unwrap()));
        if let Some(error) = case["error"].as_str() {
            assert_eq!(read.unwrap_err().to_java_string(), error, "{place}");
            num_errors += 1;
            continue;
        }
        let value = read.unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(notation(&value), case["value"], "{place}");
        num_values += 1;
        // A number without a name has no symbol to be written as.
        let is_unnamed = case["value"].to_string().contains("UNKNOWN_ENUM_VALUE");
        if let Some(encoder) = suite.encoder.as_ref().filter(|_| !is_unnamed) {
            let mut written = BytesMut::new();
            assert!(encoder.encode(&value, &mut written).unwrap());
            assert_eq!(hex(&written), case["written"], "{place}");
            num_written += 1;
        }
    }
    assert_eq!((num_values, num_errors, num_written), (625, 136, 402));
}
