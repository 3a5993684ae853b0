//! What Confluent's Python clients say of records.

use super::Format;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dovetail_tests::stack::python;
use serde_json::{Value, json};

/// One question to the judge, and which answer belongs to it.
async fn ask(registry_url: &str, orders: &[Value]) -> Vec<Value> {
    let input: String = orders.iter().map(|order| format!("{order}\n")).collect();
    let output = python::run("registry_judge.py", &[registry_url], &input).await;
    let answers: Vec<Value> = output
        .lines()
        .map(|line| serde_json::from_str(line).expect("the judge answers in JSON"))
        .collect();
    assert_eq!(answers.len(), orders.len(), "answers of the judge");
    answers
}

/// The values that the judge reads in the bytes of records.
pub(super) async fn deserialize(
    registry_url: &str,
    format: Format,
    topic: &str,
    field: &str,
    records: impl Iterator<Item = &[u8]>,
) -> Vec<Value> {
    let orders: Vec<Value> = records
        .map(|bytes| {
            json!({
                "do": "deserialize",
                "format": format.schema_type(),
                "topic": topic,
                "field": field,
                "bytes": STANDARD.encode(bytes),
            })
        })
        .collect();
    ask(registry_url, &orders)
        .await
        .into_iter()
        .map(|mut answer| {
            assert!(answer["error"].is_null(), "{format:?}: {}", answer["error"]);
            answer["value"].take()
        })
        .collect()
}

/// The bytes that the judge writes after reading these of topics, by the same schemas.
pub(super) async fn round_trip<'a>(
    registry_url: &str,
    format: Format,
    records: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Vec<Vec<u8>> {
    let orders: Vec<Value> = records
        .map(|(topic, bytes)| {
            json!({
                "do": "round_trip",
                "format": format.schema_type(),
                "topic": topic,
                "field": "value",
                "bytes": STANDARD.encode(bytes),
            })
        })
        .collect();
    let answers = ask(registry_url, &orders).await;
    answers
        .iter()
        .zip(&orders)
        .map(|(answer, order)| {
            let bytes = answer["bytes"]
                .as_str()
                .unwrap_or_else(|| panic!("{format:?} {order}: {}", answer["error"]));
            STANDARD.decode(bytes).expect("Base64")
        })
        .collect()
}
