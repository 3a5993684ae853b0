//! What holds for all schemas, values and texts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use bytes::{Bytes, BytesMut};
use connect_api::data::{Decimal, LogicalType, Map, Schema, SchemaRef, SchemaType, Struct, Value};
use connect_api::json::DecimalFormat;
use connect_json_schema::{
    JsonSchema, JsonSchemaDataConfig, ValueReader, ValueWriter, derive_schema,
};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::Arc;

/// A schema with a value of it.
type Case = (SchemaRef, Value);

fn with(schema_type: SchemaType, value: Value) -> Case {
    (Schema::builder(schema_type).build().unwrap(), value)
}

fn leaf() -> impl Strategy<Value = Case> {
    prop_oneof![
        any::<i8>().prop_map(|v| with(SchemaType::Int8, Value::Int8(v))),
        any::<i16>().prop_map(|v| with(SchemaType::Int16, Value::Int16(v))),
        any::<i32>().prop_map(|v| with(SchemaType::Int32, Value::Int32(v))),
        any::<i64>().prop_map(|v| with(SchemaType::Int64, Value::Int64(v))),
        // Negative zero is zero to Java's decimals.
        (-1e30f32..1e30).prop_map(|v| with(SchemaType::Float32, Value::Float32(v + 0.0))),
        (-1e300f64..1e300).prop_map(|v| with(SchemaType::Float64, Value::Float64(v + 0.0))),
        any::<bool>().prop_map(|v| with(SchemaType::Boolean, Value::Boolean(v))),
        "\\PC{0,8}".prop_map(|v| with(SchemaType::String, Value::string(v))),
        vec(any::<u8>(), 0..9).prop_map(|v| with(SchemaType::Bytes, Value::Bytes(v.into()))),
        (any::<i32>(), 0i32..5).prop_map(|(unscaled, scale)| {
            let decimal = Decimal::from_bytes(&unscaled.to_be_bytes(), scale).unwrap();
            let schema = Decimal::builder(scale).build().unwrap();
            (schema, Value::Decimal(Box::new(decimal)))
        }),
        (-40_000i64..40_000).prop_map(|day| {
            let schema = LogicalType::Date.schema(false);
            (schema, Value::Date(day * 86_400_000))
        }),
        any::<i32>()
            .prop_map(|ms| { (LogicalType::Timestamp.schema(false), Value::Date(ms.into())) }),
    ]
}

/// The same schema as an optional one, with or without the value.
fn optional((schema, value): Case, is_null: bool) -> Case {
    let mut builder = match schema.schema_type() {
        SchemaType::Array => Schema::array_builder(schema.value_schema().unwrap().unwrap().clone()),
        SchemaType::Map => Schema::map_builder(
            schema.key_schema().unwrap().unwrap().clone(),
            schema.value_schema().unwrap().unwrap().clone(),
        ),
        other => Schema::builder(other),
    };
    for field in schema.fields() {
        builder = builder.field(field.name.clone(), field.schema.clone());
    }
    if let Some(name) = schema.name() {
        builder = builder.name(name);
    }
    if let Some(version) = schema.version() {
        builder = builder.version(version);
    }
    for (name, parameter) in schema.parameters() {
        builder = builder.parameter(name.as_str(), parameter.as_str());
    }
    let schema = builder.optional().build().unwrap();
    let value = match value {
        _ if is_null => Value::Null,
        Value::Struct(record) => Value::Struct(Box::new(Struct::from_values(
            schema.clone(),
            record.into_values(),
        ))),
        value => value,
    };
    (schema, value)
}

fn case() -> impl Strategy<Value = Case> {
    leaf().prop_recursive(4, 24, 5, |inner| {
        let member = (inner.clone(), any::<bool>(), any::<bool>()).prop_map(
            |(case, is_optional, is_null)| {
                if is_optional {
                    optional(case, is_null)
                } else {
                    case
                }
            },
        );
        prop_oneof![
            (inner.clone(), 0usize..4).prop_map(|((schema, value), length)| {
                let array = Schema::array_builder(schema).build().unwrap();
                (array, Value::Array(vec![value; length]))
            }),
            (inner.clone(), vec("[a-z]{1,5}", 0..4)).prop_map(|((schema, value), keys)| {
                let schema = Schema::map_builder(Schema::string(), schema)
                    .build()
                    .unwrap();
                let mut map = Map::new();
                for key in keys {
                    map.insert(Value::string(key), value.clone());
                }
                (schema, Value::Map(map.into_java_hash_order()))
            }),
            (inner, vec(any::<i32>(), 0..4)).prop_map(|((schema, value), keys)| {
                let schema = Schema::map_builder(Schema::int32(), schema)
                    .build()
                    .unwrap();
                let mut map = Map::new();
                for key in keys {
                    map.insert(Value::Int32(key), value.clone());
                }
                (schema, Value::Map(map.into_java_hash_order()))
            }),
            (
                vec(("[a-zA-Z0-9_.é]{1,6}", member), 0..16),
                proptest::option::of("[a-zA-Z.]{1,9}")
            )
                .prop_map(|(fields, name)| {
                    let mut builder = Schema::struct_builder();
                    if let Some(name) = name {
                        builder = builder.name(name.as_str());
                    }
                    let mut values = Vec::new();
                    for (index, (name, (schema, value))) in fields.into_iter().enumerate() {
                        builder = builder.field(format!("{name}{index}"), schema);
                        values.push(value);
                    }
                    let schema = builder.build().unwrap();
                    let record = Struct::from_values(schema.clone(), values);
                    (schema, Value::Struct(Box::new(record)))
                }),
        ]
    })
}

fn config() -> impl Strategy<Value = JsonSchemaDataConfig> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(numeric, closed, generalized)| {
        JsonSchemaDataConfig {
            generalized_sum_type_support: generalized,
            object_additional_properties: !closed,
            decimal_format: if numeric {
                DecimalFormat::Numeric
            } else {
                DecimalFormat::Base64
            },
            ..JsonSchemaDataConfig::default()
        }
    })
}

/// Texts made of the words of schemas.
fn schema_text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("\"string\""),
        Just("\"integer\""),
        Just("\"number\""),
        Just("\"object\""),
        Just("\"array\""),
        Just("\"null\""),
        Just("5"),
        Just("null"),
        Just("true"),
        Just("\"#\""),
        Just("\"#/a\""),
        Just("\"x\""),
        Just("\"map\""),
        Just("\"int8\""),
        Just("\"bytes\""),
        Just("1.5"),
    ];
    let name = prop_oneof![
        Just("type"),
        Just("properties"),
        Just("items"),
        Just("oneOf"),
        Just("anyOf"),
        Just("allOf"),
        Just("$ref"),
        Just("enum"),
        Just("const"),
        Just("default"),
        Just("title"),
        Just("connect.type"),
        Just("connect.index"),
        Just("connect.version"),
        Just("connect.parameters"),
        Just("additionalProperties"),
        Just("required"),
        Just("a"),
        Just("format"),
        Just("minimum"),
        Just("not"),
        Just("key"),
        Just("value"),
        Just("$id"),
    ];
    word.prop_map(str::to_string)
        .prop_recursive(5, 40, 5, move |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
                vec((name.clone(), inner), 0..5).prop_map(|members| {
                    let members: Vec<String> = members
                        .into_iter()
                        .map(|(name, value)| format!("\"{name}\":{value}"))
                        .collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn data_goes_to_bytes_and_back((schema, value) in case(), config in config()) {
        let derived = derive_schema(&schema, &config).unwrap();
        let text = derived.canonical_text();
        let parsed = JsonSchema::parse(&text, []).unwrap();
        prop_assert_eq!(&parsed, &derived);
        let read_schema = parsed.to_connect(&config, None).unwrap();
        prop_assert_eq!(&read_schema, &schema, "{}", text);
        let mut out = BytesMut::new();
        prop_assert!(ValueWriter::new(&schema, &config).write(&value, &mut out).unwrap());
        let read = ValueReader::new(&read_schema).read(&out.freeze()).unwrap();
        prop_assert_eq!(read, value);
    }

    #[test]
    fn any_schema_text_is_mapped_or_refused(text in schema_text(), documents in vec(schema_text(), 0..3)) {
        let Ok(parsed) = JsonSchema::parse(&text, []) else { return Ok(()); };
        for generalized in [false, true] {
            let config = JsonSchemaDataConfig {
                generalized_sum_type_support: generalized,
                use_optional_for_nonrequired: generalized,
                ..JsonSchemaDataConfig::default()
            };
            let Ok(schema) = parsed.to_connect(&config, Some(1)) else { continue };
            if let Ok(derived) = derive_schema(&schema, &config) {
                let _ = derived.incompatibilities_with(&parsed);
                let _ = derived.to_connect(&config, None);
            }
            for document in &documents {
                let read = ValueReader::new(&schema).read(&Bytes::from(document.clone()));
                if let Ok(value) = read {
                    let mut out = BytesMut::new();
                    let _ = ValueWriter::new(&schema, &config).write(&value, &mut out);
                }
            }
        }
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "(?s).{0,64}") {
        let _ = JsonSchema::parse(&text, [(&*text, &*text)]);
    }

    #[test]
    fn any_bytes_are_read_or_refused((schema, value) in case(), at in any::<prop::sample::Index>(), byte in any::<u8>(), noise in vec(any::<u8>(), 0..32)) {
        let config = JsonSchemaDataConfig::default();
        let mut out = BytesMut::new();
        let _ = ValueWriter::new(&schema, &config).write(&value, &mut out);
        if !out.is_empty() {
            let at = at.index(out.len());
            out[at] = byte;
        }
        let mut reader = ValueReader::new(&schema);
        let _ = reader.read(&out.freeze());
        let _ = reader.read(&Bytes::from(noise));
        let _ = reader.read(&Bytes::new());
    }
}

#[test]
fn schemas_without_end_are_refused() {
    let config = JsonSchemaDataConfig::default();
    let recursive = r##"{"type":"object","title":"Node","properties":{"next":{"$ref":"#"}}}"##;
    let error = JsonSchema::parse(recursive, [])
        .unwrap()
        .to_connect(&config, None)
        .unwrap_err();
    assert!(error.message().contains("refers to itself at #"), "{error}");
    let circle = r##"{"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}}"##;
    assert!(
        JsonSchema::parse(circle, [])
            .unwrap()
            .to_connect(&config, None)
            .is_err()
    );
    // Each refers to the next one twice: two to the power of forty.
    let definitions: Vec<String> = (0..40)
        .map(|n| {
            let next = n + 1;
            format!(
                r##""d{n}":{{"type":"object","properties":{{"a":{{"$ref":"#/definitions/d{next}"}},"b":{{"$ref":"#/definitions/d{next}"}}}}}}"##
            )
        })
        .collect();
    let bomb = format!(
        r##"{{"$ref":"#/definitions/d0","definitions":{{{},"d40":{{"type":"string"}}}}}}"##,
        definitions.join(",")
    );
    let error = JsonSchema::parse(&bomb, [])
        .unwrap()
        .to_connect(&config, None)
        .unwrap_err();
    assert!(error.message().contains("unfolds to more than"), "{error}");
    let deep = format!("{}{}", "{\"items\":".repeat(100_000), "5");
    assert!(JsonSchema::parse(&deep, []).is_err());
    let deep = format!(
        "{}{{\"type\":\"string\"}}{}",
        r#"{"type":"array","items":"#.repeat(120),
        "}".repeat(120)
    );
    let error = JsonSchema::parse(&deep, [])
        .unwrap()
        .to_connect(&config, None)
        .unwrap_err();
    assert!(error.message().contains("levels"), "{error}");
    let mut schema: SchemaRef = Schema::string();
    for _ in 0..200 {
        schema = Arc::new((*Schema::array_builder(schema).build().unwrap()).clone());
    }
    assert!(derive_schema(&schema, &config).is_err());
}
