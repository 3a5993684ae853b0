//! File, chain, topic, objects.

use super::{
    Format, flights_sink, flights_source, judge, numbers_as_doubles, object_lines, transformed,
};
use dovetail_tests::connectors::sink_group;
use dovetail_tests::flights::flights;
use dovetail_tests::lines;
use dovetail_tests::stack::shared;
use serde_json::{Value, json};

const NUM_FLIGHTS: usize = 3_000;
const FLUSH_SIZE: usize = 1_000;

#[tokio::test]
async fn flights_go_as_avro_through_the_chain_into_objects() {
    flow(Format::Avro).await;
}

#[tokio::test]
async fn flights_go_as_protobuf_through_the_chain_into_objects() {
    flow(Format::Protobuf).await;
}

#[tokio::test]
async fn flights_go_as_json_schema_through_the_chain_into_objects() {
    flow(Format::JsonSchema).await;
}

/// What the judge reads in a value, as the object has it.
fn as_in_objects(mut read: Value, format: Format) -> Value {
    let flight = read.as_object_mut().expect("a flight is an object");
    if let Some(text) = flight["time_hour"].as_str() {
        let time = super::epoch_ms(text);
        flight.insert("time_hour".to_owned(), time.into());
    }
    if format == Format::Protobuf {
        // JSON of Protobuf leaves out what is zero or empty, and has 64-bit integers as text.
        for (name, empty) in [
            ("tailnum", json!("")),
            ("air_time", json!(0)),
            ("arr_delay", json!(0)),
            ("arr_time", json!(0)),
            ("dep_delay", json!(0)),
            ("dep_time", json!(0)),
            ("sched_arr_time", json!(0)),
        ] {
            flight.entry(name).or_insert(empty);
        }
        for (name, value) in flight.iter_mut() {
            if let Some(number) = value.as_str().and_then(|text| text.parse::<i64>().ok())
                && name != "tailnum"
            {
                *value = number.into();
            }
        }
    }
    numbers_as_doubles(read)
}

async fn flow(format: Format) {
    let (kafka, s3) = (shared::kafka().await, shared::s3().await);
    let registry_url = shared::registry().await.url();
    let worker = shared::dovetail_worker().await;
    let (topics, rest) = (kafka.topics(), worker.rest());
    let topic = shared::unique("flow");
    let bucket = shared::unique("flow-objects");
    let [source, sink] = ["source", "sink"].map(|role| format!("{topic}-{role}"));
    topics.create(&topic, 1).await;
    s3.create_bucket(&bucket).await;
    let sent = flights(NUM_FLIGHTS);
    let file = worker.folder().join(&topic);
    lines::append(&file, &sent);

    rest.run_connector(
        &source,
        flights_source(&file, &topic, format, &registry_url),
        1,
    )
    .await;
    let config = flights_sink(&topic, s3, &bucket, format, &registry_url, FLUSH_SIZE);
    rest.run_connector(&sink, config, 1).await;
    topics
        .wait_for_commit(&sink_group(&sink), &topic, &[NUM_FLIGHTS as i64])
        .await;

    let wanted: Vec<Value> = sent.iter().map(|line| transformed(line, format)).collect();
    let written = object_lines(s3, &bucket);
    assert_eq!(written.len(), wanted.len(), "lines in objects");
    for (number, (written, wanted)) in written.iter().zip(&wanted).enumerate() {
        assert_eq!(written, wanted, "record {number} in objects");
    }

    let records = topics.read_all(&topic).await;
    let values = records
        .iter()
        .map(|record| record.value.as_deref().expect("a value"));
    let values = judge::deserialize(&registry_url, format, &topic, "value", values).await;
    for (number, (read, wanted)) in values.into_iter().zip(&wanted).enumerate() {
        assert_eq!(
            &as_in_objects(read, format),
            wanted,
            "record {number} read by Python"
        );
    }
    let keys = records
        .iter()
        .map(|record| record.key.as_deref().expect("a key"));
    let keys = judge::deserialize(&registry_url, format, &topic, "key", keys).await;
    for (read, wanted) in keys.into_iter().zip(&wanted) {
        let key = json!({"carrier": wanted["carrier"], "flight": wanted["flight"]});
        assert_eq!(numbers_as_doubles(read), key);
    }
    for connector in [&source, &sink] {
        rest.delete_connector(connector).await;
    }
}
