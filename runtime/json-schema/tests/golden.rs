//! What Confluent's JsonSchemaData makes of schemas and documents, and what this mapping does.
//!
//! The answers were recorded from version 8 of Confluent's classes over version 1.14.6 of the everit
//! library. Each line is a schema under some settings, with its Connect schema (`schema`), the JSON Schema
//! made of that again (`derived`), and for each document the value read and the text written of it. What
//! other settings do not change stands once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../../api/tests/golden/notation.rs"]
mod notation;

use bytes::{Bytes, BytesMut};
use connect_api::data::{Schema, SchemaRef};
use connect_api::json::DecimalFormat;
use connect_json_schema::{
    JsonSchema, JsonSchemaDataConfig, ValueReader, ValueWriter, derive_schema,
};
use notation::{error_text, schema_text, value_text};
use serde_json::Value as Json;

fn config(json: &Json) -> JsonSchemaDataConfig {
    let mut config = JsonSchemaDataConfig::default();
    for (key, value) in json.as_object().unwrap() {
        let is_true = value == "true";
        match key.as_str() {
            "generalized.sum.type.support" => config.generalized_sum_type_support = is_true,
            "ignore.default.for.nullables" => config.ignore_default_for_nullables = is_true,
            "object.additional.properties" => config.object_additional_properties = is_true,
            "use.optional.for.nonrequired" => config.use_optional_for_nonrequired = is_true,
            "flatten.singleton.unions" => config.flatten_singleton_unions = is_true,
            "decimal.format" => config.decimal_format = DecimalFormat::Numeric,
            other => panic!("{other}"),
        }
    }
    config
}

fn holds_variant(schema: &Schema) -> bool {
    schema_text(Some(schema)).contains("org.apache.kafka.connect.data.Variant")
}

/// Why a case cannot come out the same, if that is so.
fn excuse(case: &Json, text: &str) -> Option<&'static str> {
    let error = case["error"].to_string();
    if text == "true" || text == "false" || text == "[]" || text == "5" {
        return Some("Java refuses booleans by an accident and other roots in other words");
    }
    if error.contains("NullPointerException") {
        return Some("Java stumbles over enums and unions of nothing but null");
    }
    if error.contains("Invalid JSON") {
        return Some("schemas that Java's library refuses are refused in our words");
    }
    if text.contains("\"default\":{\"a\":1}") && error.contains("Invalid default value") {
        return Some("Java compares a builder with a schema, which are never equal");
    }
    None
}

fn read_schema(case: &Json, config: &JsonSchemaDataConfig) -> connect_api::Result<SchemaRef> {
    let references = case["refs"].as_object().unwrap();
    let references = references
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str().unwrap()));
    JsonSchema::parse(case["text"].as_str().unwrap(), references)?.to_connect(config, Some(7))
}

fn check_document(
    case: &Json,
    document: &Json,
    schema: &SchemaRef,
    config: &JsonSchemaDataConfig,
    failures: &mut Vec<String>,
) {
    let text = case["text"].as_str().unwrap();
    let input = document["in"].as_str().unwrap();
    let mut fail = |what: &str, ours: String, theirs: &Json| {
        failures.push(format!(
            "{} {text}\n  {input}\n  {what} {ours}\n  Java: {theirs}",
            case["config"]
        ));
    };
    match ValueReader::new(schema).read(&Bytes::from(input.to_string())) {
        Ok(value) => {
            let shown = value_text(&value);
            if document.get("value") != Some(&shown) {
                fail("value", shown.to_string(), document);
                return;
            }
            let mut out = BytesMut::new();
            let written = ValueWriter::new(schema, config).write(&value, &mut out);
            let ours = match written {
                Ok(true) => Json::String(String::from_utf8(out.to_vec()).unwrap()),
                Ok(false) => Json::Null,
                Err(error) => Json::String(error_text(&error)[0].clone()),
            };
            let theirs = document.get("out").or_else(|| document.get("out_error"));
            if theirs != Some(&ours) {
                fail("out", ours.to_string(), document);
            }
        }
        Err(error) => {
            let ours = error_text(&error)[0].clone();
            if document["error"][0].as_str() != Some(&ours) {
                fail("error", ours, document);
            }
        }
    }
}

#[test]
fn schemas_and_data_are_mapped_as_by_confluent() {
    let mut failures = Vec::new();
    let (mut num_schemas, mut num_documents) = (0, 0);
    for case in notation::lines(include_str!("golden/json_schema.jsonl")) {
        let config = config(&case["config"]);
        let text = case["text"].as_str().unwrap();
        if excuse(&case, text).is_some() {
            continue;
        }
        num_schemas += 1;
        let schema = match read_schema(&case, &config) {
            Ok(schema) => schema,
            Err(error) => {
                let ours = error_text(&error)[0].clone();
                let theirs = case["error"][0].as_str().unwrap_or_default();
                // Java prints the combination behind its criterion.
                if !theirs.starts_with(&ours) {
                    failures.push(format!(
                        "{} {text}\n  error {ours}\n  Java: {}",
                        case["config"],
                        case["error"].to_string() + &case["schema"].to_string()
                    ));
                }
                continue;
            }
        };
        let ours = schema_text(Some(&schema));
        if case["schema"].as_str() != Some(&ours) {
            failures.push(format!(
                "{} {text}\n  schema {ours}\n  Java:  {} {}",
                case["config"], case["schema"], case["error"]
            ));
            continue;
        }
        let derived = derive_schema(&schema, &config).map(|schema| schema.canonical_text());
        let derived = derived.unwrap_or_else(|error| error.to_string());
        if case["derived"].as_str() != Some(&derived) {
            failures.push(format!(
                "{} {text}\n  derived {derived}\n  Java:   {}{}",
                case["config"],
                case["derived"].as_str().unwrap_or("none"),
                case["derive_error"]
            ));
        }
        if holds_variant(&schema) {
            continue;
        }
        for document in case["docs"].as_array().unwrap() {
            num_documents += 1;
            check_document(&case, document, &schema, &config, &mut failures);
        }
    }
    for failure in failures.iter().take(40) {
        eprintln!("{failure}");
    }
    assert!(
        failures.is_empty(),
        "{} of {num_schemas} schemas and {num_documents} documents differ",
        failures.len()
    );
    assert!(num_schemas > 100 && num_documents > 1000);
}
