//! Properties that hold for any data and any bytes.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use prost_reflect::{DynamicMessage, Kind, MapKey, ReflectMessage, Value as Dynamic};
use std::collections::BTreeMap;

/// A message with fields of every kind.
const EVERYTHING: &str = "syntax = \"proto3\"; package p; import \"google/protobuf/wrappers.proto\"; message M { \
    int32 a = 1; sint32 b = 2; uint32 c = 3; fixed32 d = 4; sfixed32 e = 5; int64 f = 6; sint64 g = 7; uint64 \
    h = 8; fixed64 i = 9; sfixed64 j = 10; float k = 11; double l = 12; bool m = 13; string n = 14; bytes o = \
    15; optional int32 oa = 16; optional string on = 17; repeated int32 ra = 18; repeated sint64 rg = 19; \
    repeated fixed32 rd = 20; repeated string rn = 21; repeated E re = 22; repeated N rm = 23; map<string, \
    int32> ms = 24; map<int32, N> mm = 25; map<bool, string> mb = 26; oneof u { int32 ua = 27; string un = \
    28; N um = 29; } N nested = 30; E en = 31; google.protobuf.StringValue w = 300; repeated bool rb = \
    301; message N { int32 x = 1; string y = 2; repeated N z = 3; } enum E { ZERO = 0; ONE = 1; MINUS = -1; \
    } }";

fn everything() -> ProtobufSchema {
    ProtobufSchema::parse(EVERYTHING, &[]).unwrap()
}

/// Bytes that look like the message often enough: fields with a known number and any content.
fn likely_bytes() -> impl Strategy<Value = Vec<u8>> {
    let field = (
        prop_oneof![1u32..32, 300u32..302, any::<u32>()],
        0u32..6,
        vec(any::<u8>(), 0..12),
    );
    vec(field, 0..12).prop_map(|fields| {
        let mut bytes = BytesMut::new();
        for (number, wire_type, content) in fields {
            // The library makes an entry of a map even of what has another wire type.
            let number = number & 0x1fff_ffff;
            let wire_type = if (24..=26).contains(&number) {
                2
            } else {
                wire_type
            };
            crate::wire::put_varint(u64::from(number << 3 | wire_type), &mut bytes);
            match wire_type {
                0 => crate::wire::put_varint(content.len() as u64, &mut bytes),
                1 => bytes.extend_from_slice(&[content.len() as u8; 8]),
                2 => crate::wire::put_bytes(&content, &mut bytes),
                5 => bytes.extend_from_slice(&[content.len() as u8; 4]),
                _ => bytes.extend_from_slice(&content),
            }
        }
        bytes.to_vec()
    })
}

/// The value of a `DynamicMessage` as text, in the notation of [`connect_text`].
fn dynamic_text(message: &DynamicMessage) -> String {
    let fields: BTreeMap<String, String> = message
        .descriptor()
        .fields()
        .map(|field| {
            let is_set = !field.supports_presence() || message.has_field(&field);
            let text = if is_set {
                dynamic_value(&field.kind(), &message.get_field(&field))
            } else {
                "null".to_string()
            };
            (field.name().to_string(), text)
        })
        .collect();
    format!("{fields:?}")
}

fn dynamic_value(kind: &Kind, value: &Dynamic) -> String {
    match value {
        Dynamic::Bool(value) => value.to_string(),
        Dynamic::I32(value) => value.to_string(),
        Dynamic::I64(value) => value.to_string(),
        Dynamic::U32(value) => value.to_string(),
        Dynamic::U64(value) => (*value as i64).to_string(),
        Dynamic::F32(value) => format!("f{:x}", value.to_bits()),
        Dynamic::F64(value) => format!("d{:x}", value.to_bits()),
        Dynamic::String(text) => format!("{text:?}"),
        Dynamic::Bytes(bytes) => hex(bytes),
        Dynamic::EnumNumber(number) => {
            let definition = kind.as_enum().unwrap();
            match definition.get_value(*number) {
                Some(value) => format!("{:?}", value.name()),
                None => format!("\"UNKNOWN_ENUM_VALUE_{}_{number}\"", definition.name()),
            }
        }
        Dynamic::Message(message) => match message.descriptor().full_name() {
            "google.protobuf.StringValue" => {
                let value = message.get_field_by_name("value").unwrap();
                format!("{:?}", value.as_str().unwrap())
            }
            _ => dynamic_text(message),
        },
        Dynamic::List(items) => {
            let items: Vec<String> = items.iter().map(|item| dynamic_value(kind, item)).collect();
            format!("[{}]", items.join(","))
        }
        Dynamic::Map(entries) => {
            let entry = kind.as_message().unwrap();
            let value_field = entry.map_entry_value_field();
            let mut entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| {
                    let key = match key {
                        MapKey::Bool(key) => key.to_string(),
                        MapKey::I32(key) => key.to_string(),
                        MapKey::String(key) => format!("{key:?}"),
                        key => format!("{key:?}"),
                    };
                    let value = dynamic_value(&value_field.kind(), value);
                    format!("{key}={value}")
                })
                .collect();
            entries.sort();
            format!("{{{}}}", entries.join(","))
        }
    }
}

fn connect_text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_string(),
        Value::Float32(value) => format!("f{:x}", value.to_bits()),
        Value::Float64(value) => format!("d{:x}", value.to_bits()),
        Value::String(text) => format!("{:?}", &**text),
        Value::Bytes(bytes) => hex(bytes),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(connect_text).collect();
            format!("[{}]", items.join(","))
        }
        Value::Map(map) => {
            let mut entries: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}={}", connect_text(key), connect_text(value)))
                .collect();
            entries.sort();
            format!("{{{}}}", entries.join(","))
        }
        Value::Struct(record) => {
            let fields: BTreeMap<String, String> = record
                .schema()
                .fields()
                .iter()
                .zip(record.values())
                .map(|(field, value)| (field.name.to_string(), connect_text(value)))
                .collect();
            format!("{fields:?}")
        }
        value => value.to_string(),
    }
}

/// A Connect schema with a value of it.
fn data_of_any_schema() -> impl Strategy<Value = (SchemaRef, Value)> {
    let leaf = prop_oneof![
        any::<i8>().prop_map(|value| (Schema::int8(), Value::Int8(value))),
        any::<i16>().prop_map(|value| {
            (
                Schema::primitive(SchemaType::Int16, false).unwrap(),
                Value::Int16(value),
            )
        }),
        any::<i32>().prop_map(|value| (Schema::int32(), Value::Int32(value))),
        any::<i64>().prop_map(|value| (Schema::int64(), Value::Int64(value))),
        any::<f32>().prop_map(|value| {
            (
                Schema::primitive(SchemaType::Float32, false).unwrap(),
                Value::Float32(value),
            )
        }),
        any::<f64>().prop_map(|value| (Schema::float64(), Value::Float64(value))),
        any::<bool>().prop_map(|value| (Schema::boolean(), Value::Boolean(value))),
        any::<String>().prop_map(|value| (Schema::string(), Value::string(value))),
        proptest::option::of(any::<String>())
            .prop_map(|value| (Schema::optional_string(), Value::from(value))),
        vec(any::<u8>(), 0..20).prop_map(|value| (Schema::bytes(), Value::Bytes(value.into()))),
        (-4_000_000_000_000i64..4_000_000_000_000)
            .prop_map(|ms| (LogicalType::Timestamp.schema(true), Value::Date(ms))),
        (-20_000i64..40_000).prop_map(|days| (
            LogicalType::Date.schema(true),
            Value::Date(days * 86_400_000)
        )),
        (0i64..86_400_000).prop_map(|ms| (LogicalType::Time.schema(true), Value::Date(ms))),
        (any::<i64>(), 0i32..20).prop_map(|(unscaled, scale)| {
            let schema = Decimal::builder(scale).optional().build().unwrap();
            let unscaled = unscaled.into();
            (schema, Value::from(Decimal { unscaled, scale }))
        }),
    ];
    let structs = leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..5).prop_map(structure),
            (inner.clone(), 1usize..4).prop_map(|((schema, value), length)| {
                let is_list = schema.schema_type() == SchemaType::Array;
                if is_list || schema.schema_type() == SchemaType::Map || value.is_null() {
                    return (schema, value);
                }
                let schema = Schema::array_builder(schema).build().unwrap();
                (schema, Value::Array(vec![value; length]))
            }),
            (inner, vec("[a-z]{1,4}", 1..4)).prop_map(|((schema, value), keys)| {
                if matches!(schema.schema_type(), SchemaType::Array | SchemaType::Map) {
                    return (schema, value);
                }
                let schema = Schema::map_builder(Schema::string(), schema)
                    .name("entries")
                    .build()
                    .unwrap();
                (
                    schema,
                    Value::Map(keys.into_iter().map(|key| (key, value.clone())).collect()),
                )
            }),
        ]
    });
    vec(structs, 1..6).prop_map(structure)
}

/// A struct of these fields. Each has a type of its own, so that no two are declared under one name.
fn structure(fields: Vec<(SchemaRef, Value)>) -> (SchemaRef, Value) {
    let mut builder = Schema::struct_builder();
    let mut values = Vec::new();
    for (index, (schema, value)) in fields.into_iter().enumerate() {
        let (schema, value) = renamed(index, schema, value);
        builder = builder.field(format!("f{index}"), schema);
        values.push(value);
    }
    let schema = builder.build().unwrap();
    (
        schema.clone(),
        Value::from(Struct::from_values(schema, values)),
    )
}

fn renamed(index: usize, schema: SchemaRef, value: Value) -> (SchemaRef, Value) {
    match (schema.schema_type(), value) {
        (SchemaType::Map, value) => {
            let key = schema.key_schema().unwrap().cloned().unwrap();
            let item = schema.value_schema().unwrap().cloned().unwrap();
            let name = format!("map{index}");
            (
                Schema::map_builder(key, item).name(name).build().unwrap(),
                value,
            )
        }
        (_, value) => (schema, value),
    }
}

/// What reading back must give: keys of maps in Java's order, and no difference between a null and an
/// empty text.
fn expected(value: &Value, schema: &Schema) -> String {
    match value {
        Value::Null if schema.schema_type() == SchemaType::String => "\"\"".to_string(),
        Value::Struct(record) => {
            let fields: BTreeMap<String, String> = record
                .schema()
                .fields()
                .iter()
                .zip(record.values())
                .map(|(field, value)| (field.name.to_string(), expected(value, &field.schema)))
                .collect();
            format!("{fields:?}")
        }
        Value::Map(map) => {
            let item = schema.value_schema().unwrap().unwrap();
            let mut entries: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}={}", connect_text(key), expected(value, item)))
                .collect();
            entries.sort();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(items) => {
            let item = schema.value_schema().unwrap().unwrap();
            let items: Vec<String> = items.iter().map(|value| expected(value, item)).collect();
            format!("[{}]", items.join(","))
        }
        value => connect_text(value),
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(payload in vec(any::<u8>(), 0..200)) {
        let schema = everything();
        let decoder = data(|_| {}).decoder(&schema.first_message().unwrap(), None).unwrap();
        let _ = decoder.decode(&Bytes::from(payload));
    }

    #[test]
    fn reading_equals_that_of_a_dynamic_message(payload in likely_bytes()) {
        let schema = everything();
        let message = schema.first_message().unwrap();
        let flat = data(|options| options.flatten_unions = true);
        let ours = flat.decoder(&message, None).unwrap().decode(&Bytes::from(payload.clone()));
        // The library refuses a field of a wrong wire type, which protobuf-java passes over, so only what
        // both read is compared; what ours refuses, the library must refuse too.
        if let Ok(theirs) = DynamicMessage::decode(message, &*payload) {
            let ours = ours.map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(connect_text(&ours), dynamic_text(&theirs));
        }
    }

    #[test]
    fn data_survives_the_way_to_bytes_and_back((schema, value) in data_of_any_schema()) {
        for optional_for_nullables in [false, true] {
            let data = data(|options| options.optional_for_nullables = optional_for_nullables);
            let encoder = data.encoder(&schema).unwrap();
            let mut payload = BytesMut::new();
            encoder.encode(&value, &mut payload).unwrap();
            let payload = payload.freeze();
            let message = encoder.schema().message(encoder.message_name()).unwrap();
            let decoder = data.decoder(&message, None).unwrap();
            let back = decoder.decode(&payload).unwrap();
            if !optional_for_nullables {
                prop_assert_eq!(connect_text(&back), expected(&value, &schema));
            }
            // The schema that is read stands for the same text and bytes.
            let again = data.encoder(decoder.schema()).unwrap();
            let mut bytes = BytesMut::new();
            again.encode(&back, &mut bytes).unwrap();
            prop_assert_eq!(hex(&bytes).len(), hex(&payload).len());
            // The library reads the same bytes.
            let dynamic = DynamicMessage::decode(message, payload).unwrap();
            prop_assert!(dynamic.unknown_fields().next().is_none());
        }
    }

    #[test]
    fn any_schema_text_is_parsed_or_refused(text in "(syntax = \"proto3\"; )?(message [A-C] \\{ ([a-z0-9 =;{}<>,]{0,20}|int32 a = 1;|A b = 2;)* \\}){0,3}") {
        let _ = ProtobufSchema::parse(&text, &[]);
    }
}
