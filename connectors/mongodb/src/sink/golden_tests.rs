//! The statements of the official connector, made by `tests/java/MongoGolden.java`, against ours.

use super::{SinkSettings, WriteModel, keys, process};
use crate::bson::{JsonMode, document_to_json, parse_document};
use bson::{Bson, Document};
use connect_api::config::ConfigMap;
use connect_api::data::{Decimal, Map, Schema, SchemaRef, SchemaType, Struct, Value};
use connect_api::{Record, SinkOrigin, SinkRecord, TimestampType};
use fancy_regex::Regex;

const GOLDEN: &str = include_str!("golden.jsonl");

/// Configurations, and what the official connector says of them, where ours speaks otherwise. Each
/// has its reason beside it.
fn is_other_by_intent(expected: &str, ours: &str) -> bool {
    let begins = |theirs: &str, own: &str| expected.starts_with(theirs) && ours.starts_with(own);
    // The same fault of the same key, told in other words: those of another parser, or without what the
    // key holds.
    let is_same_key = |key: &str| {
        let names = |text: &str| {
            text.starts_with("config Invalid value ")
                && text.contains(&format!(" for configuration {key}: "))
        };
        names(expected) && names(ours)
    };
    if [
        keys::TOPICS_REGEX,
        keys::FIELD_RENAMER_MAPPING,
        keys::FIELD_RENAMER_REGEXP,
        crate::config::connection::CONNECTION_URI,
        keys::TOPIC_OVERRIDE,
    ]
    .into_iter()
    .any(is_same_key)
    {
        return true;
    }
    // Without the key there.
    if let Some(why) = expected.strip_prefix("config state should be: ")
        && ours.ends_with(why)
    {
        return true;
    }
    // Here every fault is told, there the first.
    if ours
        .strip_prefix(expected)
        .is_some_and(|rest| rest.starts_with("\nInvalid value null"))
    {
        return true;
    }
    // A key that is no document is found when the statement is made, there when it is sent.
    if begins(
        "error org.apache.kafka.connect.errors.DataException: Could not convert key ",
        "error org.apache.kafka.connect.errors.DataException: Could not create write model",
    ) {
        return true;
    }
    // Two fields that get one name: an error there and here, with a reason here.
    begins("error java.util.ConcurrentModificationException", "error java.util.ConcurrentModificationException: Two fields")
        // A change of a schema where only documents are expected: a null pointer there, nothing here.
        || begins("error java.lang.NullPointerException", "none")
}

#[test]
fn statements_are_those_of_the_official_connector() {
    let mut num_cases = 0;
    let mut differences = Vec::new();
    for line in GOLDEN.lines() {
        let case = parse_document(line).expect("the golden file holds documents");
        let expected = case.get_str("expected").expect("each case has an outcome");
        let ours = outcome(&case);
        num_cases += 1;
        if ours != expected && !is_other_by_intent(expected, &ours) {
            let input = [case.get("config"), case.get("key"), case.get("value")];
            differences.push(format!(
                "{input:?}\n  official {expected}\n  ours     {ours}"
            ));
        }
    }
    assert!(num_cases > 2000, "only {num_cases} cases");
    assert!(
        differences.is_empty(),
        "{} of {num_cases} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

fn outcome(case: &Document) -> String {
    let mut config = ConfigMap::new();
    for (name, value) in case.get_document("config").unwrap() {
        config.insert(name, value.as_str().unwrap().replace('~', keys::PACKAGE));
    }
    let unshortened = |text: String| text.replace(keys::PACKAGE, "~");
    if !config.contains_key(keys::TOPICS_REGEX) && !config.contains_key(keys::TOPICS) {
        config.insert(keys::TOPICS, "orders");
    }
    let settings = SinkSettings::read(&config).and_then(|mut settings| settings.topic("orders"));
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => return unshortened(format!("config {}", error.message())),
    };
    let timestamp_type = match case.get_str("timestampType").unwrap_or("CREATE_TIME") {
        "CREATE_TIME" => TimestampType::CreateTime,
        "LOG_APPEND_TIME" => TimestampType::LogAppendTime,
        _ => TimestampType::NoTimestampType,
    };
    let timestamp = match case.get("timestamp") {
        None => Some(1_600_000_000_000),
        Some(Bson::Null) => None,
        Some(Bson::Int32(ms)) => Some(i64::from(*ms)),
        Some(other) => other.as_i64(),
    };
    let (key_schema, key) = half(case.get("key").unwrap());
    let (value_schema, value) = half(case.get("value").unwrap());
    let record = SinkRecord {
        record: Record {
            topic: "orders".into(),
            kafka_partition: Some(3),
            key_schema,
            key,
            value_schema,
            value,
            timestamp,
            headers: Vec::new(),
        },
        origin: SinkOrigin {
            original_topic: "orders".into(),
            original_kafka_partition: 3,
            kafka_offset: 42,
            timestamp_type,
        },
    };
    match process(&settings, &record, 0) {
        Ok(None) => "none".into(),
        Ok(Some((namespace, model))) => mask(&format!("{namespace} {}", text(&model))),
        Err(error) => {
            let hashes = Regex::new(r"\[B@[0-9a-f]+").unwrap();
            let text = hashes
                .replace_all(&error.to_java_string(), "[B")
                .into_owned();
            unshortened(format!("error {text}"))
        }
    }
}

fn text(model: &WriteModel) -> String {
    let json = |document: &Document| document_to_json(document, JsonMode::Canonical);
    match model {
        WriteModel::InsertOne { document } => format!("insert {}", json(document)),
        WriteModel::ReplaceOne {
            filter,
            replacement,
            upsert,
        } => format!("replace {} {} {upsert}", json(filter), json(replacement)),
        WriteModel::UpdateOne {
            filter,
            update,
            upsert,
        } => format!("update {} {} {upsert}", json(filter), json(update)),
        WriteModel::DeleteOne { filter } => format!("delete {}", json(filter)),
    }
}

/// As `MongoGolden.mask`.
fn mask(text: &str) -> String {
    let mut text = text.to_string();
    for (pattern, replacement) in [
        (r#"\{"\$oid": "(?!5f1f)[0-9a-f]{24}"\}"#, "OID"),
        (
            r#""[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}""#,
            "UUID",
        ),
        (r#""(?!oaKj)[A-Za-z0-9+/]{22}==", "subType": "04""#, "UUID"),
        (
            r#"(TS": \{"\$date": )\{"\$numberLong": "[0-9]+"\}"#,
            "${1}NOW",
        ),
    ] {
        text = Regex::new(pattern)
            .unwrap()
            .replace_all(&text, replacement)
            .into_owned();
    }
    text
}

fn half(described: &Bson) -> (Option<SchemaRef>, Value) {
    match described {
        Bson::Null => (None, Value::Null),
        Bson::String(text) => (None, Value::string(text.as_str())),
        Bson::Document(described) => (
            schema(described.get("schema").unwrap()),
            value(described.get("value").unwrap()),
        ),
        other => panic!("{other}"),
    }
}

fn schema(described: &Bson) -> Option<SchemaRef> {
    let described = described.as_document()?;
    let child = |name: &str| schema(described.get(name).unwrap()).unwrap();
    let mut builder = match described.get_str("type").unwrap() {
        "STRUCT" => {
            let mut builder = Schema::struct_builder();
            for field in described.get_array("fields").unwrap() {
                let field = field.as_document().unwrap();
                builder = builder.field(
                    field.get_str("name").unwrap(),
                    schema(field.get("schema").unwrap()).unwrap(),
                );
            }
            builder
        }
        "MAP" => Schema::map_builder(child("keySchema"), child("valueSchema")),
        "ARRAY" => Schema::array_builder(child("valueSchema")),
        name => Schema::builder(
            [
                SchemaType::Int8,
                SchemaType::Int16,
                SchemaType::Int32,
                SchemaType::Int64,
                SchemaType::Float32,
                SchemaType::Float64,
                SchemaType::Boolean,
                SchemaType::String,
                SchemaType::Bytes,
            ]
            .into_iter()
            .find(|schema_type| schema_type.name() == name)
            .unwrap(),
        ),
    };
    if described.get_bool("optional").unwrap() {
        builder = builder.optional();
    }
    if let Ok(name) = described.get_str("name") {
        builder = builder.name(name);
    }
    if let Ok(parameters) = described.get_document("parameters") {
        for (name, value) in parameters {
            builder = builder.parameter(name, value.as_str().unwrap());
        }
    }
    if let Some(default) = described.get("default") {
        builder = builder.default_value(value(default));
    }
    Some(builder.build().unwrap())
}

fn value(described: &Bson) -> Value {
    let Bson::Document(described) = described else {
        return Value::Null;
    };
    let (kind, content) = described.iter().next().unwrap();
    let text = || content.as_str().unwrap();
    let float = || match text() {
        "Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        text => text.parse().unwrap(),
    };
    match kind.as_str() {
        "boolean" => Value::Boolean(content.as_bool().unwrap()),
        "int8" => Value::Int8(content.as_i32().unwrap() as i8),
        "int16" => Value::Int16(content.as_i32().unwrap() as i16),
        "int32" => Value::Int32(content.as_i32().unwrap()),
        "int64" => Value::Int64(text().parse().unwrap()),
        "float32" => Value::Float32(float() as f32),
        "float64" => Value::Float64(float()),
        "string" => Value::string(text()),
        "bytes" => {
            use base64::Engine;
            let bytes = base64::engine::general_purpose::STANDARD.decode(text());
            Value::Bytes(bytes.unwrap().into())
        }
        "date" => Value::Date(text().parse().unwrap()),
        "decimal" => {
            let parts = content.as_array().unwrap();
            Value::Decimal(Box::new(Decimal {
                unscaled: parts[0].as_str().unwrap().parse().unwrap(),
                scale: parts[1].as_i32().unwrap(),
            }))
        }
        "array" => Value::Array(content.as_array().unwrap().iter().map(value).collect()),
        "map" => Value::Map(
            content
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| {
                    let entry = entry.as_array().unwrap();
                    (Value::string(entry[0].as_str().unwrap()), value(&entry[1]))
                })
                .collect::<Map>(),
        ),
        "struct" => Value::Struct(Box::new(Struct::from_values(
            schema(described.get("schema").unwrap()).unwrap(),
            content.as_array().unwrap().iter().map(value).collect(),
        ))),
        other => panic!("{other}"),
    }
}
