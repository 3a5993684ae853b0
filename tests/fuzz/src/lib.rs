//! Everything of the data plane that reads bytes or texts from outside, as targets for fuzzing.
//!
//! Each target takes any bytes. It may fail to read them; it must not panic, hang, or take memory out of
//! proportion. `cargo +nightly fuzz run avro --fuzz-dir tests/fuzz --features libfuzzer` looks for such bytes
//! without end; the test of this crate tries some thousands for each target.

use bytes::Bytes;
use connect_api::config::ConfigMap;
use connect_api::{CONVERTERS, ConverterType, HEADER_CONVERTERS, RawMessage};
use connect_avro::{AvroData, AvroDataConfig, AvroSchema};
use connect_converters::registry_formats::frame::decode_frame;
use connect_java::date_format::{Locale, SimpleDateFormat, Zone};
use connect_java::regex::Pattern;
use connect_json_schema::{JsonSchema, JsonSchemaDataConfig, ValueReader};
use connect_protobuf::{ProtobufData, ProtobufSchema};
use std::cell::RefCell;

/// An Avro schema with every type.
pub const AVRO_SCHEMA: &str = r#"{"type":"record","name":"Everything","fields":[
  {"name":"i","type":"int"},{"name":"l","type":"long"},{"name":"f","type":"float"},
  {"name":"d","type":"double"},{"name":"b","type":"boolean"},{"name":"s","type":["null","string"]},
  {"name":"y","type":"bytes"},{"name":"x","type":{"type":"fixed","name":"Four","size":4}},
  {"name":"e","type":{"type":"enum","name":"Suit","symbols":["A","B"]}},
  {"name":"a","type":{"type":"array","items":"string"}},
  {"name":"m","type":{"type":"map","values":["null",{"type":"array","items":"long"}]}},
  {"name":"n","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},
  {"name":"t","type":{"type":"long","logicalType":"timestamp-millis"}},
  {"name":"u","type":["int","string",{"type":"record","name":"Inner","fields":[{"name":"z","type":"long"}]}]}]}"#;

/// A Protobuf schema with every type.
pub const PROTOBUF_SCHEMA: &str = r#"syntax = "proto3"; package test;
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
message Everything {
  int32 i = 1; sint64 l = 2; fixed32 x = 3; float f = 4; double d = 5; bool b = 6; string s = 7; bytes y = 8;
  optional int64 o = 9; repeated int32 packed = 10; repeated string texts = 11; map<string, Inner> map = 12;
  Suit e = 13; oneof choice { string left = 14; Inner right = 15; }
  google.protobuf.Timestamp t = 16; google.protobuf.StringValue w = 17; repeated Inner inners = 18;
  message Inner { sfixed64 z = 1; Leaf leaf = 2; }
  message Leaf { repeated double values = 1; }
  enum Suit { A = 0; B = 1; }
}"#;

/// A JSON Schema with every type.
pub const JSON_SCHEMA: &str = r##"{"type":"object","title":"Everything","properties":{
  "i":{"type":"integer"},"f":{"type":"number"},"b":{"type":"boolean"},"s":{"oneOf":[{"type":"null"},{"type":"string"}]},
  "y":{"type":"string","connect.type":"bytes"},"e":{"enum":["A","B",null]},
  "a":{"type":"array","items":{"$ref":"#/definitions/inner"}},
  "m":{"type":"object","connect.type":"map","additionalProperties":{"type":"integer","connect.type":"int32"}},
  "n":{"type":"string","title":"org.apache.kafka.connect.data.Decimal","connect.type":"bytes","connect.version":1,"connect.parameters":{"scale":"2"}},
  "u":{"oneOf":[{"type":"integer"},{"type":"string"},{"$ref":"#/definitions/inner"}]}},
  "definitions":{"inner":{"type":"object","properties":{"z":{"type":"integer"}}}}}"##;

thread_local! {
    static AVRO: RefCell<connect_avro::Decoder> = RefCell::new({
        let schema = AvroSchema::parse(AVRO_SCHEMA).expect("a good schema");
        connect_avro::Decoder::new(&mut AvroData::new(AvroDataConfig::default()), &schema, None)
            .expect("a mapped schema")
    });
    static PROTOBUF: RefCell<connect_protobuf::Decoder> = RefCell::new({
        let schema = ProtobufSchema::parse(PROTOBUF_SCHEMA, &[]).expect("a good schema");
        let message = schema.first_message().expect("it has one");
        ProtobufData::default().decoder(&message, None).expect("a mapped schema")
    });
    static JSON: RefCell<ValueReader> = RefCell::new({
        let schema = JsonSchema::parse(JSON_SCHEMA, []).expect("a good schema");
        let schema = schema
            .to_connect(&JsonSchemaDataConfig::default(), None)
            .expect("a mapped schema");
        ValueReader::new(&schema)
    });
}

/// The body of an Avro record.
pub fn avro(data: &[u8]) {
    AVRO.with_borrow(|decoder| drop(decoder.decode_message(&Bytes::copy_from_slice(data))));
}

/// The text of an Avro schema, mapped there and back.
pub fn avro_schema(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(schema) = AvroSchema::parse(text) {
        let mut mapping = AvroData::new(AvroDataConfig::default());
        let connect = mapping.to_connect_schema(&schema, None);
        if let Ok(connect) = connect {
            let _ = mapping.from_connect_schema(connect.as_ref());
        }
    }
}

/// A message of Protobuf.
pub fn protobuf(data: &[u8]) {
    PROTOBUF.with_borrow(|decoder| drop(decoder.decode(&Bytes::copy_from_slice(data))));
}

/// The text of a Protobuf schema, and its mapping.
pub fn protobuf_schema(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(schema) = ProtobufSchema::parse(text, &[])
        && let Some(message) = schema.first_message()
    {
        let _ = ProtobufData::default().decoder(&message, None);
    }
}

/// A document under a JSON Schema.
pub fn json_schema(data: &[u8]) {
    JSON.with_borrow_mut(|reader| drop(reader.read(&Bytes::copy_from_slice(data))));
}

/// The text of a JSON Schema, and its mapping.
pub fn json_schema_schema(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(schema) = JsonSchema::parse(text, []) {
        let _ = schema.to_connect(&JsonSchemaDataConfig::default(), None);
        let _ = schema.canonical_text();
    }
}

/// A record of JsonConverter, with and without its schema.
pub fn json_converter(data: &[u8]) {
    let payload = Bytes::copy_from_slice(data);
    let plugin = CONVERTERS
        .iter()
        .find(|plugin| plugin.class == "org.apache.kafka.connect.json.JsonConverter")
        .expect("it is linked");
    for with_schemas in ["true", "false"] {
        let mut config = ConfigMap::new();
        config.insert("schemas.enable", with_schemas);
        let mut converter = (plugin.create)();
        converter
            .configure(&config, ConverterType::Value)
            .expect("a good configuration");
        let _ = converter.to_connect_data(RawMessage {
            topic: "t",
            headers: &[],
            payload: Some(&payload),
        });
    }
}

/// The value of a header, which SimpleHeaderConverter guesses the type of.
pub fn header(data: &[u8]) {
    let payload = Bytes::copy_from_slice(data);
    let plugin = HEADER_CONVERTERS
        .iter()
        .find(|plugin| plugin.class == "org.apache.kafka.connect.storage.SimpleHeaderConverter")
        .expect("it is linked");
    let _ = (plugin.create)().to_connect_header("t", "h", Some(&payload));
}

/// The frame before a record of a Schema Registry.
pub fn frame(data: &[u8]) {
    for with_message_indexes in [false, true] {
        let _ = decode_frame(data, with_message_indexes);
    }
}

/// A pattern, a line end, a text, a line end, a replacement.
pub fn pattern(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut parts = text.splitn(3, '\n');
    let (Some(pattern), text) = (parts.next(), parts.next().unwrap_or_default()) else {
        return;
    };
    if let Ok(pattern) = Pattern::compile(pattern) {
        let _ = pattern.matches(text);
        let _ = pattern.replace_all(text, parts.next().unwrap_or("$0"));
    }
}

/// A pattern of a date, a line end, a text.
pub fn date_format(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (pattern, text) = text.split_once('\n').unwrap_or((&text, ""));
    if let Ok(format) = SimpleDateFormat::new(pattern, Zone::utc(), Locale::English) {
        let _ = format.format(1_357_034_400_000);
        let _ = format.parse(text);
    }
}

/// A file of Java properties.
pub fn properties(data: &[u8]) {
    let text = connect_java::properties::decode(data.to_vec());
    let _ = connect_java::properties::parse(&text);
}

/// A value of a configuration with variables.
pub fn variables(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = connect_config_providers::contains_variable(&text);
}

/// A target's name, the target, and something for it to begin with.
pub type Target = (&'static str, fn(&[u8]), &'static [&'static [u8]]);

/// All targets.
pub const TARGETS: &[Target] = &[
    ("avro", avro, &[b"\x02\x04\0\0\0\0\0\0\0\0\0\0\0\0\x01\x02\x02a\x02b\x01\x02\x03\x04\0\x02\x02c\0\x02\x02k\x02\x02\x06\0\0\x02\x7f\x08\0\x0e"]),
    ("avro_schema", avro_schema, &[AVRO_SCHEMA.as_bytes()]),
    ("protobuf", protobuf, &[b"\x08\x05\x10\x06\x1d\x01\0\0\0\x3a\x01s\x52\x02\x01\x02\x5a\x01a\x62\x0e\x0a\x01k\x12\x09\x09\x01\0\0\0\0\0\0\0\x72\x01l\x82\x01\x02\x08\x01\x8a\x01\x03\x0a\x01w"]),
    ("protobuf_schema", protobuf_schema, &[PROTOBUF_SCHEMA.as_bytes()]),
    ("json_schema", json_schema, &[br#"{"i":1,"f":1.5,"b":true,"s":null,"y":"AQI=","e":"A","a":[{"z":1}],"m":{"k":1},"n":"AQ==","u":"x"}"#]),
    ("json_schema_schema", json_schema_schema, &[JSON_SCHEMA.as_bytes()]),
    ("json_converter", json_converter, &[
        br#"{"schema":{"type":"struct","fields":[{"type":"int32","optional":true,"field":"a"},{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"},"field":"d"}]},"payload":{"a":1,"d":"AQ=="}}"#,
        br#"{"a":[1,2.5,{"b":null}]}"#,
    ]),
    ("header", header, &[b"[1, 2.5, \"a\"]", b"{\"a\": 1e3, \"b\": 2019-08-23T14:34:54.346Z}"]),
    ("frame", frame, &[b"\0\0\0\0\x07\x04\x02\x04rest", b"\x01\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\0rest"]),
    ("pattern", pattern, &[b"(?i)(a|b)++[^x&&[a-y]]\\Qz\\E(?<n>\\d{2,3})\naz12\n${n}_$1\\$"]),
    ("date_format", date_format, &[b"yyyy-MM-dd'T'HH:mm:ss.SSSXXX EEE w\n2013-01-01T10:00:00.000+01:00 Tue 1"]),
    ("properties", properties, &[b"# c\na.b = \\u0041\\\n  rest\nc:d e"]),
    ("variables", variables, &[b"${file:/a/b:key} and ${env:X}${dir:/d}"]),
];
