use super::*;
use connect_api::data::{Decimal, LogicalType, Map, Schema, SchemaType, Struct};
use proptest::prelude::*;
use std::sync::Arc;

fn configured(settings: &[(&str, &str)]) -> JsonConverter {
    let mut converter = JsonConverter::default();
    converter
        .configure(&settings.iter().copied().collect(), ConverterType::Value)
        .unwrap();
    converter
}

fn read(converter: &mut JsonConverter, text: impl Into<Bytes>) -> Result<SchemaAndValue> {
    converter.to_connect_data(RawMessage {
        topic: "t",
        headers: &[],
        payload: Some(&text.into()),
    })
}

fn written(converter: &mut JsonConverter, data: &SchemaAndValue) -> Bytes {
    let mut out = BytesMut::new();
    let encoded = converter
        .from_connect_data(
            "t",
            &mut Vec::new(),
            data.schema.as_ref(),
            &data.value,
            &mut out,
        )
        .unwrap();
    assert_eq!(encoded, Encoded::Appended);
    out.freeze()
}

#[test]
fn equal_schema_texts_give_the_same_schema() {
    let mut converter = configured(&[]);
    let mut schema = |text: &'static str| read(&mut converter, text).unwrap().schema.unwrap();
    let first = schema(r#"{"schema":{"type":"int32"},"payload":1}"#);
    let other = schema(r#"{"schema":{"type":"int64"},"payload":1}"#);
    let again = schema(r#"{"schema":{"type":"int32"},"payload":2}"#);
    let spaced = schema(r#"{ "payload" : 3 , "schema" : {"type":"int32"} }"#);
    assert!(Arc::ptr_eq(&first, &again));
    assert!(Arc::ptr_eq(&first, &spaced));
    assert_ne!(first, other);
}

#[test]
fn the_cache_of_schemas_is_bounded() {
    let mut converter = configured(&[("schemas.cache.size", "3")]);
    for index in 0..20 {
        let text = format!(r#"{{"schema":{{"type":"int32","doc":"{index}"}},"payload":{index}}}"#);
        let data = read(&mut converter, text.clone()).unwrap();
        assert_eq!(
            data.schema.as_ref().unwrap().doc(),
            Some(index.to_string().as_str())
        );
        assert!(read(&mut converter, text).unwrap().schema == data.schema);
        written(&mut converter, &data);
    }
    assert!(converter.schemas.len() <= 3 && converter.schema_texts.len() <= 3);
}

#[test]
fn faults_are_named_in_the_order_of_the_schema_and_syntax_comes_first() {
    let mut converter = configured(&[]);
    let mut message = |payload: &str| {
        let schema = r#"{"type":"struct","fields":[{"type":"bytes","field":"a"},{"type":"int8","field":"b"}]}"#;
        let text = format!(r#"{{"schema":{schema},"payload":{payload}}}"#);
        read(&mut converter, text)
            .unwrap_err()
            .message()
            .to_string()
    };
    assert_eq!(message(r#"{"b":null,"a":"!"}"#), "Invalid bytes field");
    assert_eq!(
        message(r#"{"b":null,"a":""}"#),
        "Invalid null value for required INT8 field"
    );
    assert_eq!(
        message(r#"{"b":1,"a":"!"},}"#),
        "Converting byte[] to Kafka Connect data failed due to serialization error: "
    );
    assert_eq!(
        message(r#"{"b":1,"a":5}"#),
        "Invalid value: null used for required field: \"a\", schema type: BYTES"
    );
}

/// A schema and a value of it.
fn any_data() -> impl Strategy<Value = (SchemaRef, Value)> {
    let leaf = prop_oneof![
        any::<i8>().prop_map(|v| (Schema::int8(), Value::Int8(v))),
        any::<i16>().prop_map(|v| (Schema::int16(), Value::Int16(v))),
        any::<i32>().prop_map(|v| (Schema::int32(), Value::Int32(v))),
        any::<i64>().prop_map(|v| (Schema::int64(), Value::Int64(v))),
        proptest::num::f32::NORMAL.prop_map(|v| (Schema::float32(), Value::Float32(v))),
        proptest::num::f64::NORMAL.prop_map(|v| (Schema::float64(), Value::Float64(v))),
        any::<bool>().prop_map(|v| (Schema::boolean(), Value::Boolean(v))),
        any::<String>().prop_map(|v| (Schema::string(), Value::from(v))),
        any::<Option<String>>().prop_map(|v| (Schema::optional_string(), Value::from(v))),
        any::<Vec<u8>>().prop_map(|v| (Schema::bytes(), Value::Bytes(v.into()))),
        any::<i64>().prop_map(|v| (LogicalType::Timestamp.schema(false), Value::Date(v))),
        (any::<i128>(), -5i32..30).prop_map(|(unscaled, scale)| {
            let schema = Decimal::builder(scale).build().unwrap();
            (
                schema,
                Value::from(Decimal {
                    unscaled: unscaled.into(),
                    scale,
                }),
            )
        }),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            (inner.clone(), 0usize..4).prop_map(|((schema, value), len)| {
                (
                    Schema::array_builder(schema).build().unwrap(),
                    Value::Array(vec![value; len]),
                )
            }),
            (
                inner.clone(),
                proptest::collection::vec(any::<String>(), 0..20)
            )
                .prop_map(|((schema, value), keys)| {
                    let map: Map = keys.into_iter().map(|key| (key, value.clone())).collect();
                    (
                        Schema::map_builder(Schema::string(), schema)
                            .build()
                            .unwrap(),
                        Value::Map(map.into_java_hash_order()),
                    )
                }),
            (inner.clone(), proptest::collection::vec(any::<i32>(), 0..5)).prop_map(
                |((schema, value), keys)| {
                    let map: Map = keys.into_iter().map(|key| (key, value.clone())).collect();
                    (
                        Schema::map_builder(Schema::int32(), schema)
                            .build()
                            .unwrap(),
                        Value::Map(map.into_java_hash_order()),
                    )
                }
            ),
            proptest::collection::vec(inner, 0..5).prop_map(|fields| {
                let mut builder = Schema::builder(SchemaType::Struct)
                    .name("Record")
                    .version(2);
                let mut values = Vec::new();
                for (index, (schema, value)) in fields.into_iter().enumerate() {
                    builder = builder.field(format!("f{index}"), schema);
                    values.push(value);
                }
                let schema = builder.build().unwrap();
                (
                    schema.clone(),
                    Value::from(Struct::from_values(schema, values)),
                )
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back((schema, value) in any_data(), numeric in any::<bool>()) {
        let format = if numeric { "NUMERIC" } else { "BASE64" };
        let mut converter = configured(&[("decimal.format", format)]);
        let data = SchemaAndValue { schema: Some(schema), value };
        let text = written(&mut converter, &data);
        let again = read(&mut converter, text.clone()).unwrap();
        prop_assert_eq!(&again, &data);
        prop_assert_eq!(written(&mut converter, &again), text);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), enable in any::<bool>()) {
        let mut converter = configured(&[("schemas.enable", if enable { "true" } else { "false" })]);
        let _ = read(&mut converter, bytes);
    }

    #[test]
    fn no_schema_and_payload_panic(
        schema in r#"\{("type":"(int8|string|bytes|struct|array|map)",?|"fields":\[(\{"field":"a","type":"int8"\})?\],?|"items":\{"type":"int8"\},?|"default":(1|null|"x"),?|"name":"org.apache.kafka.connect.data.(Decimal|Date)",?){0,4}\}"#,
        payload in r#"(null|1|"x"|\[1,2\]|\{"a":1\}|\[\[1,2\]\]|1.5e3|tru)"#,
    ) {
        let mut converter = configured(&[]);
        let _ = read(&mut converter, format!(r#"{{"schema":{schema},"payload":{payload}}}"#));
    }
}
