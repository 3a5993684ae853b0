//! What the official connector asks of the server and makes of events, by `tests/java/MongoSourceGolden.java`,
//! against ours.

use super::change_stream::StartAt;
use super::failure::{Remedy, ServerError, after_opening};
use super::keys;
use super::offset::{OffsetKind, StoredOffset, offset, token_of};
use super::settings::SourceSettings;
use crate::bson::{JsonMode, document_to_json, parse_document};
use bson::{Bson, Document};
use connect_api::config::ConfigMap;
use connect_api::data::{Map, Schema, SchemaType, Value};
use connect_api::{ConnectError, SourceRecord};

const GOLDEN: &str = include_str!("golden.jsonl");
const PACKAGE: &str = "com.mongodb.kafka.connect.source.";

/// Outcomes where ours speaks otherwise. Each has its reason beside it.
fn is_other_by_intent(expected: &[String], ours: &[String]) -> bool {
    let last = |lines: &[String]| lines.last().cloned().unwrap_or_default();
    let (theirs, own) = (last(expected), last(ours));
    // Here every fault is told, there the first.
    if own
        .strip_prefix(&theirs)
        .is_some_and(|rest| rest.starts_with("\nInvalid value null"))
    {
        return true;
    }
    // The same fault of the same key, told in other words: those of another parser, or without a password.
    let key_of = |text: &str| {
        let rest = text.strip_prefix("config Invalid value ")?;
        let (_, rest) = rest.split_once(" for configuration ")?;
        rest.split_once(": ").map(|(key, _)| key.to_string())
    };
    const OTHER_WORDS: &[&str] = &[
        keys::PIPELINE,
        keys::COPY_PIPELINE,
        keys::OLD_COPY_PIPELINE,
        keys::COPY_NAMESPACE_REGEX,
        keys::OLD_COPY_NAMESPACE_REGEX,
        keys::TOPIC_NAMESPACE_MAP,
        keys::COLLATION,
        keys::OUTPUT_SCHEMA_KEY,
        keys::OUTPUT_SCHEMA_VALUE,
        keys::TOPIC_MAPPER,
        keys::OUTPUT_JSON_FORMATTER,
        "server.api.version",
        "connection.uri",
    ];
    if let (Some(theirs), Some(own)) = (key_of(&theirs), key_of(&own)) {
        return theirs == own && OTHER_WORDS.contains(&own.as_str());
    }
    // A default that does not fit is found by validation, there by the first poll.
    if theirs.contains("SchemaBuilderException: Invalid default value")
        && own.contains("Invalid default value")
    {
        return true;
    }
    // A default null within a default struct breaks the first poll there, with a class of Avro's.
    if theirs.contains("JsonProperties$Null") && own.contains("Struct schemas do not match.") {
        return true;
    }
    // Errors of the server that the official task goes on with, without a stream, and nobody notices.
    own.contains("The change stream on the whole deployment cannot be opened")
        && !theirs.starts_with("error")
}

#[test]
fn records_are_those_of_the_official_connector() {
    let mut num_cases = 0;
    let mut differences = Vec::new();
    for line in GOLDEN.lines() {
        let case = parse_document(line).expect("the golden file holds documents");
        let expected: Vec<String> = case
            .get_array("expected")
            .expect("each case has an outcome")
            .iter()
            .map(|line| line.as_str().expect("a text").to_string())
            // What the server does anyway is not asked for here.
            .filter(|line| !line.starts_with("fullDocument") || !line.ends_with(" default"))
            .collect();
        let ours = outcome(&case);
        num_cases += 1;
        if ours != expected && !is_other_by_intent(&expected, &ours) {
            let input = [
                case.get("config"),
                case.get("offset"),
                case.get("openErrors"),
            ];
            let differing: Vec<String> = (0..ours.len().max(expected.len()))
                .filter(|index| ours.get(*index) != expected.get(*index))
                .map(|index| {
                    format!(
                        "\n  official {:?}\n  ours     {:?}",
                        expected.get(index),
                        ours.get(index)
                    )
                })
                .collect();
            differences.push(format!("{input:?}{}", differing.join("")));
        }
    }
    assert!(num_cases > 1000, "only {num_cases} cases");
    assert!(
        differences.is_empty(),
        "{} of {num_cases} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

fn outcome(case: &Document) -> Vec<String> {
    let mut config = ConfigMap::new();
    for (name, value) in case.get_document("config").unwrap() {
        config.insert(name, value.as_str().unwrap().replace('~', PACKAGE));
    }
    let mut settings = match SourceSettings::read(&config) {
        Ok(settings) => settings,
        Err(error) => return vec![format!("config {}", error.message())],
    };
    let stored: Option<Map> = case.get_document("offset").ok().map(|offset| {
        let entry =
            |(name, value): (&String, &Bson)| (name.clone(), value.as_str().unwrap().to_string());
        offset.iter().map(entry).collect()
    });
    let mut token = StoredOffset::read(stored.as_ref()).unwrap().token;
    let errors = case.get_array("openErrors").map_or(&[][..], Vec::as_slice);
    let mut log = Vec::new();
    for error in errors {
        let (code, message) = error.as_str().unwrap().split_once(' ').unwrap();
        watch(&settings, token.as_ref(), &mut log);
        let told = ServerError {
            code: Some(code.parse().unwrap()),
            message,
            error: ConnectError::fatal(message),
        };
        let (has_token, tolerates) = (token.is_some(), settings.mapping.tolerates_errors);
        match after_opening(told, &settings.stream.scope, has_token, tolerates) {
            Remedy::Fail(error) => {
                log.push(format!("error {}", error.to_java_string()));
                return log;
            }
            Remedy::TryLater => {}
            Remedy::StartAnew { .. } => token = None,
        }
    }
    watch(&settings, token.as_ref(), &mut log);
    let num_before = log.len();
    for event in case.get_array("events").unwrap() {
        let event = event.as_document().unwrap();
        let record = token_of(event)
            .map(|token| offset(token, OffsetKind::Change))
            .and_then(|offset| settings.mapping.record(event, offset));
        match record {
            Ok(record) => log.extend(record.as_ref().map(text)),
            // The official task throws away what came before.
            Err(error) => {
                log.truncate(num_before);
                let text = error.to_java_string();
                // What to do stands behind the official words.
                let text = text.split(": the ").next().unwrap_or(&text);
                log.push(format!("error {text}"));
                return log;
            }
        }
    }
    if log.len() == num_before {
        log.push("none".into());
    }
    log
}

/// What is asked of the server, in the order in which the official connector does.
fn watch(settings: &SourceSettings, token: Option<&Document>, log: &mut Vec<String>) {
    let stream = &settings.stream;
    let json = |document: &Document| document_to_json(document, JsonMode::Canonical);
    let (database, collection) = stream.scope.names();
    let mut line = format!("watch {database}");
    if !collection.is_empty() {
        line.push_str(&format!(".{collection}"));
    }
    // The official connector asks for the stream without the pipeline, too, and forgets it.
    if !stream.pipeline.is_empty() {
        let stages: Vec<String> = stream.pipeline.iter().map(json).collect();
        log.push(format!("{line} {}", stages.join(" ")));
    }
    log.retain(|before| *before != line);
    log.push(line);
    log.push(format!("maxAwaitTime {}", stream.await_time.as_millis()));
    if let Some(size) = stream.batch_size {
        log.push(format!("batchSize {size}"));
    }
    log.push(format!(
        "showExpandedEvents {}",
        stream.show_expanded_events
    ));
    let name = |mode: &dyn std::fmt::Debug| {
        let text = format!("{mode:?}");
        text[..1].to_lowercase() + &text[1..]
    };
    if let Some(mode) = &stream.full_document_before_change {
        log.push(format!("fullDocumentBeforeChange {}", name(mode)));
    }
    if let Some(mode) = &stream.full_document {
        log.push(format!("fullDocument {}", name(mode)));
    }
    if let Some(collation) = &stream.collation {
        let mut document = bson::serialize_to_document(collation).unwrap();
        // The order of the official connector.
        if let Some(strength) = document.remove("strength") {
            let mut reordered = Document::new();
            for (name, value) in document {
                if name == "numericOrdering" {
                    reordered.insert("strength", strength.clone());
                }
                reordered.insert(name, value);
            }
            document = reordered;
        }
        log.push(format!(
            "collation {}",
            document_to_json(&document, JsonMode::Relaxed)
        ));
    }
    let start = match token {
        Some(token) => StartAt::After(token.clone()),
        None => StartAt::of_mode(&settings.startup),
    };
    match start {
        StartAt::After(token) => log.push(format!("startAfter {}", json(&token))),
        StartAt::OperationTime(time) => log.push(format!(
            "startAtOperationTime {} {}",
            time.time as i32, time.increment as i32
        )),
        StartAt::Now => {}
    }
}

/// As `MongoSourceGolden.text`.
fn text(record: &SourceRecord) -> String {
    let shown = |map: &Option<std::sync::Arc<Map>>| map.as_ref().unwrap().to_string();
    let half = |schema: Option<&Schema>, value: &Value| {
        format!("{} {}", schema_text(schema), value_text(value))
    };
    format!(
        "{} {} {} key {} value {}",
        record.record.topic,
        shown(&record.origin.source_partition),
        shown(&record.origin.source_offset),
        half(record.record.key_schema.as_deref(), &record.record.key),
        half(record.record.value_schema.as_deref(), &record.record.value),
    )
}

fn schema_text(schema: Option<&Schema>) -> String {
    let Some(schema) = schema else {
        return "none".into();
    };
    let mut text = schema.schema_type().name().to_string();
    if schema.is_optional() {
        text.push('?');
    }
    if let Some(name) = schema.name() {
        text.push_str(&format!("<{name}>"));
    }
    if !schema.parameters().is_empty() {
        let entries: Vec<String> = schema
            .parameters()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        text.push_str(&format!("{{{}}}", entries.join(", ")));
    }
    if let Some(default) = schema.default_value() {
        text.push_str(&format!("={}", value_text(default)));
    }
    let inner = |schema: connect_api::Result<Option<&std::sync::Arc<Schema>>>| {
        schema_text(schema.unwrap().map(AsRef::as_ref))
    };
    match schema.schema_type() {
        SchemaType::Struct if !schema.fields().is_empty() => {
            let fields: Vec<String> = schema
                .fields()
                .iter()
                .map(|field| format!("{}: {}", field.name, schema_text(Some(&field.schema))))
                .collect();
            text.push_str(&format!("({})", fields.join(", ")));
        }
        SchemaType::Map => text.push_str(&format!(
            "({}, {})",
            inner(schema.key_schema()),
            inner(schema.value_schema())
        )),
        SchemaType::Array => text.push_str(&format!("({})", inner(schema.value_schema()))),
        _ => {}
    }
    text
}

fn value_text(value: &Value) -> String {
    let list = |values: &mut dyn Iterator<Item = String>| {
        format!("[{}]", values.collect::<Vec<_>>().join(", "))
    };
    match value {
        Value::Null => "null".into(),
        Value::Bytes(bytes) => {
            use base64::Engine;
            let text = base64::engine::general_purpose::STANDARD.encode(bytes);
            format!("bytes {text}")
        }
        Value::String(text) => format!("'{text}'"),
        // The digits of Java's floats depend on its version.
        Value::Float32(number) => format!("Float {:x}", number.to_bits()),
        Value::Date(ms) => format!("date {ms}"),
        Value::Decimal(decimal) => format!("decimal {} {}", decimal.unscaled, decimal.scale),
        Value::Array(items) => list(&mut items.iter().map(value_text)),
        Value::Map(map) => format!(
            "map {}",
            list(
                &mut map
                    .iter()
                    .map(|(key, value)| format!("{key}={}", value_text(value)))
            )
        ),
        Value::Struct(record) => {
            format!(
                "struct {}",
                list(&mut record.values().iter().map(value_text))
            )
        }
        other => {
            let class = other.java_class().unwrap();
            format!("{} {other}", class.rsplit('.').next().unwrap())
        }
    }
}
