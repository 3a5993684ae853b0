//! What Avro's own Java library makes of schemas and data, and what ours make of them
//! (`tests/java/AvroGolden.java`).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../../api/tests/golden/notation.rs"]
mod notation;

use bytes::{Bytes, BytesMut};
use connect_api::{ConnectError, Result};
use connect_avro::{AvroData, AvroDataConfig, AvroSchema, Decoder, Encoder};
use notation::{base64, lines, value_text};
use serde_json::Value as Json;

/// Unions whose members have full names, and enums that stay enums, so that data can go back.
fn enhanced() -> AvroData {
    AvroData::new(AvroDataConfig {
        enhanced_avro_schema_support: true,
        ..AvroDataConfig::default()
    })
}

fn schema(case: &Json, member: &str) -> AvroSchema {
    AvroSchema::parse(case[member].as_str().unwrap()).unwrap()
}

fn report(name: &str, num_cases: usize, least: usize, failures: &[String]) {
    assert!(num_cases >= least, "only {num_cases} cases in {name}");
    assert!(
        failures.is_empty(),
        "{} of {num_cases} cases of {name} differ:\n{}",
        failures.len(),
        failures
            .iter()
            .take(8)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
    );
}

/// Messages of the JSON parser, and those that name a class of the JVM's inside, are not compared.
fn same_error(error: &ConnectError, expected: &Json) -> bool {
    let class = expected[0].as_str().unwrap();
    let message = expected[1].as_str().unwrap();
    let is_library = message.contains("com.fasterxml") || class == "java.lang.NullPointerException";
    is_library || (error.message() == message && error.class() == class)
}

#[test]
fn schema_texts() {
    let (mut num_cases, mut failures) = (0, Vec::new());
    for case in lines(include_str!("golden/schemas.jsonl")) {
        num_cases += 1;
        let outcome = AvroSchema::parse(case["schema"].as_str().unwrap());
        let failure = match (&outcome, case["text"].as_str()) {
            (Ok(schema), Some(text)) => {
                let again = AvroSchema::parse(text).map(|again| again.to_string());
                (schema.to_string() != text || again.as_deref().ok() != Some(text))
                    .then(|| format!("{schema}\n  expected {text}"))
            }
            (Err(error), None) => (!same_error(error, &case["error"]))
                .then(|| format!("{}: {}\n  expected {}", error.class(), error, case["error"])),
            (Ok(schema), None) => Some(format!("{schema}\n  expected {}", case["error"])),
            (Err(error), Some(text)) => Some(format!("{error}\n  expected {text}")),
        };
        failures.extend(failure);
    }
    report("schemas.jsonl", num_cases, 300, &failures);
}

fn round_trip(case: &Json) -> Result<Json> {
    let avro = schema(case, "schema");
    let mut data = enhanced();
    let decoder = Decoder::new(&mut data, &avro, None)?;
    let bytes = Bytes::from(base64(&case["bytes"]));
    let (decoded, num_bytes) = decoder.decode(&bytes)?;
    assert_eq!(num_bytes, bytes.len(), "{case}");
    let text = value_text(&decoded.value);
    let encoder = Encoder::new(&data, decoder.schema(), &avro)?;
    let mut out = BytesMut::new();
    encoder.encode(&decoded.value, &mut out)?;
    // Null as a whole datum has no schema; the maps inside may have come in another order.
    let (again, num_bytes) = decoder.decode(&out.freeze())?;
    // An int that was cut to 8 or 16 bits goes back as what is left of it.
    let is_cut = case["schema"].as_str().unwrap().contains("connect.type");
    assert!(is_cut || num_bytes == bytes.len(), "{case}");
    assert_eq!(value_text(&again.value), text, "{case}");
    Ok(text)
}

#[test]
fn data_is_read_and_goes_back() {
    let (mut num_cases, mut failures) = (0, Vec::new());
    for case in lines(include_str!("golden/data.jsonl")) {
        num_cases += 1;
        match (round_trip(&case), case.get("value")) {
            (Ok(value), Some(expected)) if value == *expected => {}
            (Err(error), None) if error.class() == case["error"][0].as_str().unwrap() => {}
            (outcome, _) => failures.push(format!("{outcome:?}\n  for {case}")),
        }
    }
    report("data.jsonl", num_cases, 450, &failures);
}

fn resolve(case: &Json) -> Result<Json> {
    let (writer, reader) = (schema(case, "writer"), schema(case, "reader"));
    let decoder = Decoder::with_reader(&mut enhanced(), &writer, &reader, None)?;
    let (decoded, _) = decoder.decode(&Bytes::from(base64(&case["bytes"])))?;
    Ok(value_text(&decoded.value))
}

#[test]
fn readers_see_data_of_other_writers() {
    let (mut num_cases, mut failures) = (0, Vec::new());
    for case in lines(include_str!("golden/resolution.jsonl")) {
        num_cases += 1;
        match (resolve(&case), case.get("value")) {
            (Ok(value), Some(expected)) if value == *expected => {}
            (Err(error), None) if same_error(&error, &case["error"]) => {}
            (outcome, _) => failures.push(format!("{outcome:?}\n  for {case}")),
        }
    }
    report("resolution.jsonl", num_cases, 700, &failures);
}
