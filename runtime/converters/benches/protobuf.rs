//! Nanoseconds per record to read and write Protobuf messages of ten fields, and what dynamic messages
//! take for the same: `cargo bench -p connect-converters --bench protobuf`.

use bytes::{Bytes, BytesMut};
use connect_protobuf::{ProtobufData, ProtobufSchema};
use prost_reflect::DynamicMessage;
use prost_reflect::prost::Message;
use std::hint::black_box;
use std::time::Instant;

const NUM_RECORDS: usize = 1_000;
const NUM_ROUNDS: usize = 200;
const SCHEMA: &str = "syntax = \"proto3\"; message Order { int64 id = 1; string name = 2; string email = 3; \
                      int32 quantity = 4; double price = 5; bool active = 6; string country = 7; fixed64 \
                      created = 8; double rating = 9; string comment = 10; }";

fn payloads(schema: &ProtobufSchema) -> Vec<Bytes> {
    use prost_reflect::Value;
    let message = schema.first_message().expect("the schema has a message");
    (0..NUM_RECORDS)
        .map(|i| {
            let mut order = DynamicMessage::new(message.clone());
            let number = i as i64;
            for (name, value) in [
                ("id", Value::I64(number)),
                ("name", Value::String(format!("customer number {i}"))),
                ("email", Value::String(format!("customer{i}@example.com"))),
                ("quantity", Value::I32(i as i32 % 17)),
                ("price", Value::F64(number as f64 * 3.25)),
                ("active", Value::Bool(i % 2 == 0)),
                ("country", Value::String("CH".to_string())),
                ("created", Value::U64(1_700_000_000_000 + i as u64)),
                ("rating", Value::F64(4.5)),
                (
                    "comment",
                    Value::String("a comment of a usual length, without escapes".to_string()),
                ),
            ] {
                order.set_field_by_name(name, value);
            }
            order.encode_to_vec().into()
        })
        .collect()
}

/// The least time of all rounds for one record, in nanoseconds.
fn measure(name: &str, records: &[Bytes], mut convert: impl FnMut(&Bytes, &mut BytesMut)) {
    let mut least = f64::MAX;
    let mut out = BytesMut::with_capacity(1 << 20);
    for _ in 0..NUM_ROUNDS {
        let start = Instant::now();
        for record in records {
            out.clear();
            convert(record, &mut out);
            black_box(&out);
        }
        let ns = start.elapsed().as_nanos() as f64 / records.len() as f64;
        least = least.min(ns);
    }
    println!("{name:<52} {least:>8.0} ns/record");
}

fn main() {
    let schema = ProtobufSchema::parse(SCHEMA, &[]).expect("the schema is valid");
    let records = payloads(&schema);
    let message = schema.first_message().expect("the schema has a message");
    let data = ProtobufData::default();
    let decoder = data
        .decoder(&message, None)
        .expect("the message can be mapped");
    let encoder = data
        .encoder(decoder.schema())
        .expect("the schema can be mapped");
    measure("ProtobufConverter's plans: read", &records, |record, _| {
        black_box(decoder.decode(record).expect("it is valid"));
    });
    measure(
        "ProtobufConverter's plans: read and write",
        &records,
        |record, out| {
            let value = decoder.decode(record).expect("it is valid");
            encoder.encode(&value, out).expect("it can be written");
        },
    );
    measure("DynamicMessage: read", &records, |record, _| {
        black_box(DynamicMessage::decode(message.clone(), record.clone()).expect("it is valid"));
    });
    measure("DynamicMessage: read and write", &records, |record, out| {
        let order = DynamicMessage::decode(message.clone(), record.clone()).expect("it is valid");
        order.encode(out).expect("it can be written");
    });
}
