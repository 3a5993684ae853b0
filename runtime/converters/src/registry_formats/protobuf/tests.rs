//! The converter under its Java class name over a registry in memory.

use bytes::{Bytes, BytesMut};
use connect_api::config::ConfigMap;
use connect_api::data::{LogicalType, Schema, SchemaRef, Struct, Value};
use connect_api::{
    CONVERTERS, Converter, ConverterType, Encoded, RawMessage, Result, SchemaAndValue,
};
use connect_registry::MockRegistry;

fn converter(scope: &str, entries: &[(&str, &str)]) -> Box<dyn Converter> {
    let url = format!("mock://{scope}");
    let mut config = ConfigMap::from_iter([("schema.registry.url", url.as_str())]);
    config.extend(&ConfigMap::from_iter(entries.iter().copied()));
    let class = "io.confluent.connect.protobuf.ProtobufConverter";
    let plugin = CONVERTERS.iter().find(|plugin| plugin.class == class);
    let mut converter = (plugin.expect("the class is registered").create)();
    converter.configure(&config, ConverterType::Value).unwrap();
    converter
}

/// The text of the first schema under a subject.
fn registered(scope: &str, subject: &str) -> Option<serde_json::Value> {
    let path = ["subjects", subject, "versions", "1"];
    let (status, answer) = MockRegistry::of_scope(scope).answer("GET", &path, &[], None);
    (status == 200).then(|| serde_json::from_str(&answer).unwrap())
}

async fn write(
    converter: &mut dyn Converter,
    schema: &SchemaRef,
    value: &Value,
) -> Result<Option<Bytes>> {
    converter.prepare_from_connect(&[("t", Some(schema))]).await;
    let mut out = BytesMut::new();
    let encoded =
        converter.from_connect_data("t", &mut Vec::new(), Some(schema), value, &mut out)?;
    Ok(match encoded {
        Encoded::Null => None,
        Encoded::Appended => Some(out.freeze()),
        Encoded::Shared(bytes) => Some(bytes),
    })
}

async fn read(converter: &mut dyn Converter, payload: &Bytes) -> Result<SchemaAndValue> {
    let message = RawMessage {
        topic: "t",
        headers: &[],
        payload: Some(payload),
    };
    converter.prepare_to_connect(&[message]).await;
    converter.to_connect_data(message)
}

fn order() -> (SchemaRef, Value) {
    let schema = Schema::struct_builder()
        .name("shop.Order")
        .field("id", Schema::int64())
        .field("at", LogicalType::Timestamp.schema(false))
        .build()
        .unwrap();
    let mut record = Struct::new(schema.clone()).unwrap();
    record
        .put("id", 7i64)
        .unwrap()
        .put("at", Value::Date(5000))
        .unwrap();
    (schema, Value::from(record))
}

#[tokio::test]
async fn records_are_registered_written_and_read() {
    let scope = "protobuf-records";
    let mut converter = converter(scope, &[]);
    let (schema, value) = order();
    let payload = write(&mut *converter, &schema, &value)
        .await
        .unwrap()
        .unwrap();
    // Magic byte, id, the indexes of the first message in one byte, and the message.
    assert_eq!(
        &payload[..],
        b"\x00\x00\x00\x00\x01\x00\x08\x07\x12\x02\x08\x05"
    );
    let answer = registered(scope, "t-value").unwrap();
    assert_eq!(answer["schemaType"], "PROTOBUF");
    assert_eq!(
        answer["schema"],
        "syntax = \"proto3\";\npackage shop;\n\nimport \"google/protobuf/timestamp.proto\";\n\nmessage Order {\n  \
         int64 id = 1;\n  google.protobuf.Timestamp at = 2;\n}\n"
    );
    let back = read(&mut *converter, &payload).await.unwrap();
    assert_eq!(
        back.value.to_string(),
        "Struct{id=7,at=Thu Jan 01 00:00:05 UTC 1970}"
    );
    let schema_read = back.schema.unwrap();
    assert_eq!(
        (schema_read.name(), schema_read.version()),
        (Some("Order"), Some(1))
    );
    assert_eq!(
        write(&mut *converter, &schema, &Value::Null).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn scalars_are_written_as_wrappers_with_their_place_in_the_file() {
    let mut converter = converter("protobuf-scalars", &[]);
    let payload = write(&mut *converter, &Schema::int32(), &Value::Int32(5))
        .await
        .unwrap()
        .unwrap();
    // One index, 4, both in zigzag.
    assert_eq!(&payload[5..], b"\x02\x08\x08\x05");
    assert_eq!(
        read(&mut *converter, &payload).await.unwrap().value,
        Value::Int32(5)
    );
}

#[tokio::test]
async fn imports_are_registered_on_request() {
    let scope = "protobuf-imports";
    let strategy = "io.confluent.kafka.serializers.subject.QualifiedReferenceSubjectNameStrategy";
    let settings = [
        ("skip.known.types", "false"),
        ("reference.subject.name.strategy", strategy),
    ];
    let mut converter = converter(scope, &settings);
    let (schema, value) = order();
    let payload = write(&mut *converter, &schema, &value)
        .await
        .unwrap()
        .unwrap();
    let import = registered(scope, "google.protobuf.timestamp").unwrap();
    assert!(
        import["schema"]
            .as_str()
            .unwrap()
            .contains("message Timestamp {")
    );
    let answer = registered(scope, "t-value").unwrap();
    assert_eq!(
        answer["references"],
        serde_json::json!([{
            "name": "google/protobuf/timestamp.proto",
            "subject": "google.protobuf.timestamp",
            "version": 1
        }])
    );
    assert!(read(&mut *converter, &payload).await.is_ok());
}

#[tokio::test]
async fn errors_of_the_bytes_come_below_those_of_the_deserializer() {
    let mut converter = converter("protobuf-errors", &[]);
    let (schema, value) = order();
    let payload = write(&mut *converter, &schema, &value)
        .await
        .unwrap()
        .unwrap();
    let broken = payload.slice(..payload.len() - 1);
    let error = read(&mut *converter, &broken).await.unwrap_err();
    let trace = error.trace();
    for line in [
        "org.apache.kafka.connect.errors.DataException: Failed to deserialize data for topic t to Protobuf:",
        "Caused by: org.apache.kafka.common.errors.SerializationException: Error deserializing Protobuf \
         message for id SchemaId{schemaType='PROTOBUF', id=1,",
        "Caused by: com.google.protobuf.InvalidProtocolBufferException: While parsing a protocol message,",
    ] {
        assert!(trace.contains(line), "{line} in {trace}");
    }
    // The mapping's own errors come as they are.
    let list = Schema::array_builder(Schema::int32()).build().unwrap();
    let error = write(&mut *converter, &list, &Value::Array(Vec::new()))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_java_string(),
        "java.lang.IllegalArgumentException: Unsupported root schema of type ARRAY"
    );
}

#[test]
fn an_unknown_strategy_is_named_with_what_is_built_in() {
    let config = ConfigMap::from_iter([
        ("schema.registry.url", "mock://protobuf-strategy"),
        ("reference.subject.name.strategy", "com.example.Own"),
    ]);
    let mut converter = super::super::RegistryConverter::<super::ProtobufFormat>::default();
    let error = converter
        .configure(&config, ConverterType::Value)
        .unwrap_err();
    assert!(
        error
            .message()
            .contains("com.example.Own could not be found"),
        "{error}"
    );
    assert!(
        error
            .message()
            .contains("DefaultReferenceSubjectNameStrategy"),
        "{error}"
    );
}
