//! The converter over a registry that stands in for a server.

use super::*;
use crate::registry_formats::RegistryConverter;
use connect_api::config::ConfigMap;
use connect_api::data::{SchemaType as ConnectType, Struct};
use connect_api::{Converter, Encoded, RawMessage};
use connect_registry::MockRegistry;

fn converter(scope: &str, entries: &[(&str, &str)]) -> RegistryConverter<AvroFormat> {
    let url = format!("mock://{scope}");
    let mut config = ConfigMap::from_iter([("schema.registry.url", url.as_str())]);
    config.extend(&ConfigMap::from_iter(entries.iter().copied()));
    let mut converter = RegistryConverter::default();
    converter.configure(&config, ConverterType::Value).unwrap();
    converter
}

async fn write(
    converter: &mut RegistryConverter<AvroFormat>,
    schema: Option<&SchemaRef>,
    value: &Value,
) -> Result<Option<Bytes>> {
    converter.prepare_from_connect(&[("t", schema)]).await;
    let mut out = BytesMut::new();
    let encoded = converter.from_connect_data("t", &mut Vec::new(), schema, value, &mut out)?;
    Ok((encoded != Encoded::Null).then(|| out.freeze()))
}

async fn read(
    converter: &mut RegistryConverter<AvroFormat>,
    payload: &Bytes,
) -> Result<SchemaAndValue> {
    let message = RawMessage {
        topic: "t",
        headers: &[],
        payload: Some(payload),
    };
    converter.prepare_to_connect(&[message]).await;
    converter.to_connect_data(message)
}

fn register(scope: &str, text: &str) {
    let body = serde_json::json!({ "schema": text }).to_string();
    let (status, answer) = MockRegistry::of_scope(scope).answer(
        "POST",
        &["subjects", "t-value", "versions"],
        &[],
        Some(&body),
    );
    assert_eq!(status, 200, "{answer}");
}

fn record() -> (SchemaRef, Value) {
    let schema = Schema::struct_builder()
        .name("n.R")
        .field("a", Schema::int32())
        .field("b", Schema::optional_string())
        .build()
        .unwrap();
    let mut record = Struct::new(schema.clone()).unwrap();
    record.put("a", 5i32).unwrap().put("b", "x").unwrap();
    (schema, record.into())
}

#[tokio::test]
async fn records_go_out_framed_and_come_back_with_the_version() {
    let mut converter = converter("avro-round-trip", &[]);
    let (schema, value) = record();
    let bytes = write(&mut converter, Some(&schema), &value)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(bytes, [0, 0, 0, 0, 1, 10, 2, 2, b'x'][..]);
    let back = read(&mut converter, &bytes).await.unwrap();
    let back_schema = back.schema.unwrap();
    assert_eq!(
        (back_schema.name(), back_schema.version()),
        (Some("n.R"), Some(1))
    );
    let Value::Struct(record) = back.value else {
        panic!("not a struct");
    };
    assert_eq!(record.values(), [Value::Int32(5), Value::from("x")]);
}

#[tokio::test]
async fn bytes_as_a_whole_message_have_no_length() {
    let mut converter = converter("avro-bytes", &[]);
    let value = Value::Bytes(Bytes::from_static(b"raw"));
    let bytes = write(&mut converter, Some(&Schema::bytes()), &value)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(bytes, b"\0\0\0\0\x01raw"[..]);
    assert_eq!(read(&mut converter, &bytes).await.unwrap().value, value);
}

#[tokio::test]
async fn null_is_a_tombstone_only_where_it_is_allowed() {
    let mut converter = converter("avro-null", &[]);
    assert_eq!(
        write(&mut converter, None, &Value::Null).await.unwrap(),
        None
    );
    let optional = Schema::optional_string();
    assert_eq!(
        write(&mut converter, Some(&optional), &Value::Null)
            .await
            .unwrap(),
        None
    );
    let with_default = Schema::builder(ConnectType::Int32)
        .default_value(1i32)
        .build()
        .unwrap();
    let error = write(&mut converter, Some(&with_default), &Value::Null)
        .await
        .unwrap_err();
    assert_eq!(error.message(), "Found null value for non-optional schema");
}

#[tokio::test]
async fn schemaless_data_is_anything() {
    let mut converter = converter("avro-anything", &[]);
    let value = Value::Array(vec![Value::Int64(1), Value::Null, Value::from("x")]);
    let bytes = write(&mut converter, None, &value).await.unwrap().unwrap();
    let back = read(&mut converter, &bytes).await.unwrap();
    assert_eq!((back.schema, back.value), (None, value));
}

/// Row W07: the latest version is what is written, by position.
#[tokio::test]
async fn a_looked_up_schema_decides_about_the_bytes() {
    let scope = "avro-latest";
    register(
        scope,
        r#"{"type":"record","name":"R","namespace":"n","fields":[{"name":"x","type":"long"},{"name":"y","type":["string","null"]}]}"#,
    );
    let settings = [
        ("auto.register.schemas", "false"),
        ("use.latest.version", "true"),
        ("latest.compatibility.strict", "false"),
    ];
    let mut converter = converter(scope, &settings);
    let (schema, value) = record();
    let bytes = write(&mut converter, Some(&schema), &value)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(bytes, [0, 0, 0, 0, 1, 10, 0, 2, b'x'][..]);
}

#[tokio::test]
async fn broken_bytes_are_an_error_of_the_deserializer() {
    let mut converter = converter("avro-broken", &[]);
    let (schema, value) = record();
    let bytes = write(&mut converter, Some(&schema), &value)
        .await
        .unwrap()
        .unwrap();
    let error = read(&mut converter, &bytes.slice(..7)).await.unwrap_err();
    assert_eq!(
        error.message(),
        "Failed to deserialize data for topic t to Avro:"
    );
    let trace = error.trace();
    assert!(trace.contains("Caused by: java.io.EOFException"), "{trace}");
}

#[tokio::test]
async fn names_are_scrubbed_if_asked_for() {
    let mut scrubbing = converter("avro-scrub", &[("scrub.invalid.names", "true")]);
    let schema = Schema::struct_builder()
        .name("my-co.R 1")
        .field("a b", Schema::int32())
        .build()
        .unwrap();
    let value = Value::from(Struct::from_values(schema.clone(), vec![Value::Int32(1)]));
    let bytes = write(&mut scrubbing, Some(&schema), &value)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(bytes, [0, 0, 0, 0, 1, 2][..]);
    let mut plain = converter("avro-no-scrub", &[]);
    let error = write(&mut plain, Some(&schema), &value).await.unwrap_err();
    assert!(
        error.to_string().contains("Illegal character in: R 1"),
        "{error}"
    );
}
