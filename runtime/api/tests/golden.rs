//! What Kafka's own classes make of texts, and what this crate makes of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "golden/notation.rs"]
mod notation;

use connect_api::data::{Decimal, Map, Value, values};
use notation::{lines, schema_text, value, value_text};
use serde_json::Value as Json;

/// Collects differences, so that a run shows all of them.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn compare(&mut self, case: &Json, ours: &Json, javas: &Json) {
        if ours != javas {
            self.0
                .push(format!("{case}\n  ours  {ours}\n  Javas {javas}"));
        }
    }

    fn finish(self, num_cases: usize, at_least: usize) {
        assert!(num_cases >= at_least, "only {num_cases} cases were read");
        assert!(
            self.0.is_empty(),
            "{} of {num_cases} cases differ:\n{}",
            self.0.len(),
            self.0.join("\n")
        );
    }
}

#[test]
fn values_parse_and_format_as_in_java() {
    let (mut differences, mut num_cases) = (Differences::default(), 0);
    for case in lines(include_str!("golden/values.jsonl")) {
        num_cases += 1;
        if let Some(text) = case["parse"].as_str() {
            let parsed = values::parse_string(text).unwrap();
            let ours = serde_json::json!([
                schema_text(parsed.schema.as_deref()),
                value_text(&parsed.value)
            ]);
            differences.compare(
                &case["parse"],
                &ours,
                &serde_json::json!([case["schema"], case["value"]]),
            );
        } else {
            let text = values::convert_to_string(&value(&case["format"], None));
            differences.compare(&case["format"], &Json::from(text), &case["text"]);
        }
    }
    differences.finish(num_cases, 600);
}

#[test]
fn numbers_dates_and_hash_orders_are_javas() {
    let (mut differences, mut num_cases) = (Differences::default(), 0);
    for case in lines(include_str!("golden/text.jsonl")) {
        num_cases += 1;
        let kind = case.as_object().unwrap().keys().next().unwrap().as_str();
        match kind {
            "f32" | "f64" => {
                let number = value(&serde_json::json!({ kind: case[kind] }), None);
                differences.compare(&case, &Json::from(number.to_string()), &case["text"]);
            }
            "decimal" => {
                let Value::Decimal(decimal) = value(&case["decimal"], None) else {
                    panic!("no decimal: {case}");
                };
                differences.compare(&case, &Json::from(decimal.to_string()), &case["text"]);
                assert_eq!(
                    decimal.to_bytes(),
                    notation::base64(&case["unscaled"]),
                    "{case}"
                );
                let read = Decimal::from_bytes(&decimal.to_bytes(), decimal.scale).unwrap();
                assert_eq!(read, *decimal);
            }
            "parse_decimal" => {
                let parsed = case[kind].as_str().unwrap().parse::<Decimal>().ok();
                let ours = value_text(&Value::from(parsed));
                differences.compare(&case[kind], &ours, &case["value"]);
            }
            "date" => {
                let text = Value::Date(case["date"].as_i64().unwrap()).to_string();
                differences.compare(&case, &Json::from(text), &case["text"]);
            }
            "keys" => {
                let Value::Array(keys) = value(&case["keys"], None) else {
                    panic!("no keys: {case}");
                };
                let map: Map = keys.into_iter().map(|key| (key, 1i32)).collect();
                let order: Vec<Json> = map
                    .into_java_hash_order()
                    .iter()
                    .map(|(key, _)| value_text(key))
                    .collect();
                differences.compare(&case["keys"], &Json::from(order), &case["order"]);
            }
            other => panic!("unknown case {other}"),
        }
    }
    differences.finish(num_cases, 900);
}
