//! The classes that are offered, and their settings.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use connect_api::config::ConfigDef;
use connect_api::{CONVERTERS, HEADER_CONVERTERS, PlainType};
use connect_converters as _;

const BOTH: [&str; 9] = [
    "org.apache.kafka.connect.converters.BooleanConverter",
    "org.apache.kafka.connect.converters.ByteArrayConverter",
    "org.apache.kafka.connect.converters.DoubleConverter",
    "org.apache.kafka.connect.converters.FloatConverter",
    "org.apache.kafka.connect.converters.IntegerConverter",
    "org.apache.kafka.connect.converters.LongConverter",
    "org.apache.kafka.connect.converters.ShortConverter",
    "org.apache.kafka.connect.json.JsonConverter",
    "org.apache.kafka.connect.storage.StringConverter",
];

/// Those over Schema Registry convert keys and values only.
const REGISTRY: [&str; 3] = [
    "io.confluent.connect.avro.AvroConverter",
    "io.confluent.connect.json.JsonSchemaConverter",
    "io.confluent.connect.protobuf.ProtobufConverter",
];

#[test]
fn the_classes_of_kafka_and_confluent_are_registered() {
    let mut converters: Vec<&str> = CONVERTERS.iter().map(|plugin| plugin.class).collect();
    converters.sort_unstable();
    let mut expected = BOTH.to_vec();
    expected.extend(REGISTRY);
    expected.sort_unstable();
    assert_eq!(converters, expected);
    let mut header_converters: Vec<&str> = HEADER_CONVERTERS
        .iter()
        .map(|plugin| plugin.class)
        .collect();
    header_converters.sort_unstable();
    let mut expected = BOTH.to_vec();
    expected.push("org.apache.kafka.connect.storage.SimpleHeaderConverter");
    expected.sort_unstable();
    assert_eq!(header_converters, expected);
}

fn config_def(class: &str) -> &'static ConfigDef {
    let plugin = CONVERTERS.iter().find(|plugin| plugin.class == class);
    (plugin.expect("the class is registered").config_def)()
}

/// Name, default, group, place in it and label of each key, in order.
fn keys(class: &str) -> Vec<(String, String, String, i32, String)> {
    config_def(class)
        .keys()
        .map(|key| {
            (
                key.name().to_string(),
                match key.default_data() {
                    Some(default) => default.to_string(),
                    None if key.is_required() => "required".to_string(),
                    None => "null".to_string(),
                },
                key.group_name().unwrap_or("null").to_string(),
                key.order_in_group(),
                key.display_name().to_string(),
            )
        })
        .collect()
}

fn key(
    name: &str,
    default: &str,
    group: &str,
    order: i32,
    label: &str,
) -> (String, String, String, i32, String) {
    (
        name.into(),
        default.into(),
        group.into(),
        order,
        label.into(),
    )
}

#[test]
fn settings_come_in_kafkas_order() {
    let converter_type = || key("converter.type", "required", "null", -1, "converter.type");
    assert_eq!(
        keys("org.apache.kafka.connect.json.JsonConverter"),
        [
            converter_type(),
            key("schemas.enable", "true", "Schemas", 0, "Enable Schemas"),
            key(
                "schemas.cache.size",
                "1000",
                "Schemas",
                1,
                "Schema Cache Size"
            ),
            key("schema.content", "null", "Schemas", 2, "Schema Content"),
            key(
                "decimal.format",
                "BASE64",
                "Serialization",
                0,
                "Decimal Format"
            ),
            key(
                "replace.null.with.default",
                "true",
                "Serialization",
                1,
                "Replace null with default"
            ),
        ]
    );
    assert_eq!(
        keys("org.apache.kafka.connect.storage.StringConverter"),
        [
            converter_type(),
            key("converter.encoding", "UTF-8", "null", -1, "Encoding"),
        ]
    );
    assert_eq!(
        keys("org.apache.kafka.connect.converters.LongConverter"),
        [converter_type()]
    );
}

#[test]
fn texts_and_bytes_pass_as_they_are() {
    for plugin in CONVERTERS {
        let expected = match plugin.class {
            "org.apache.kafka.connect.storage.StringConverter" => Some(PlainType::String),
            "org.apache.kafka.connect.converters.ByteArrayConverter" => Some(PlainType::Bytes),
            _ => None,
        };
        assert_eq!((plugin.create)().plain_type(), expected, "{}", plugin.class);
    }
}
