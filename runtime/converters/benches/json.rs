//! Nanoseconds and allocations per record to read and write flat JSON of ten fields, with and without schemas, and what
//! a tree of `serde_json` takes for the same: `cargo bench -p connect-converters --bench json`.

mod allocations;

use allocations::measure;
use bytes::{Bytes, BytesMut};
use connect_api::config::ConfigMap;
use connect_api::{CONVERTERS, Converter, ConverterType, RawMessage};
use connect_converters as _;
use std::hint::black_box;

const NUM_RECORDS: usize = 1_000;

fn payloads(envelope: bool) -> Vec<Bytes> {
    let schema = concat!(
        r#"{"type":"struct","fields":["#,
        r#"{"type":"int64","optional":false,"field":"id"},"#,
        r#"{"type":"string","optional":false,"field":"name"},"#,
        r#"{"type":"string","optional":true,"field":"email"},"#,
        r#"{"type":"int32","optional":false,"field":"quantity"},"#,
        r#"{"type":"double","optional":false,"field":"price"},"#,
        r#"{"type":"boolean","optional":false,"field":"active"},"#,
        r#"{"type":"string","optional":true,"field":"country"},"#,
        r#"{"type":"int64","optional":false,"name":"org.apache.kafka.connect.data.Timestamp","version":1,"field":"created"},"#,
        r#"{"type":"double","optional":true,"field":"rating"},"#,
        r#"{"type":"string","optional":true,"field":"comment"}"#,
        r#"],"optional":false,"name":"orders.Value"}"#
    );
    (0..NUM_RECORDS)
        .map(|i| {
            let payload = format!(
                r#"{{"id":{i},"name":"customer number {i}","email":"customer{i}@example.com","quantity":{},"price":{}.25,"active":{},"country":"CH","created":{},"rating":4.5,"comment":"a comment of a usual length, without escapes"}}"#,
                i % 17,
                i * 3,
                i % 2 == 0,
                1_700_000_000_000u64 + i as u64
            );
            Bytes::from(if envelope {
                format!(r#"{{"schema":{schema},"payload":{payload}}}"#)
            } else {
                payload
            })
        })
        .collect()
}

fn converter(schemas_enable: &str) -> Box<dyn Converter> {
    let plugin = CONVERTERS
        .iter()
        .find(|plugin| plugin.class == "org.apache.kafka.connect.json.JsonConverter")
        .expect("the converter is linked in");
    let mut converter = (plugin.create)();
    converter
        .configure(
            &ConfigMap::from_iter([("schemas.enable", schemas_enable)]),
            ConverterType::Value,
        )
        .expect("the settings are valid");
    converter
}

fn message(payload: &Bytes) -> RawMessage<'_> {
    RawMessage {
        topic: "orders",
        headers: &[],
        payload: Some(payload),
    }
}

fn main() {
    for (name, schemas_enable) in [("schemaless", "false"), ("with schemas", "true")] {
        let records = payloads(schemas_enable == "true");
        let mut converter = converter(schemas_enable);
        let mut out = BytesMut::with_capacity(4 << 20);
        measure(&format!("JsonConverter {name}: read"), &records, |record| {
            black_box(
                converter
                    .to_connect_data(message(record))
                    .expect("it is valid"),
            );
        });
        measure(
            &format!("JsonConverter {name}: read and write"),
            &records,
            |record| {
                out.clear();
                let data = converter
                    .to_connect_data(message(record))
                    .expect("it is valid");
                converter
                    .from_connect_data(
                        "orders",
                        &mut Vec::new(),
                        data.schema.as_ref(),
                        &data.value,
                        &mut out,
                    )
                    .expect("it can be written");
                black_box(&out);
            },
        );
        measure(
            &format!("serde_json::Value {name}: read and write"),
            &records,
            |record| {
                out.clear();
                let tree: serde_json::Value = serde_json::from_slice(record).expect("it is valid");
                let text = serde_json::to_vec(&tree).expect("it can be written");
                out.extend_from_slice(&text);
                black_box(&out);
            },
        );
    }
}
