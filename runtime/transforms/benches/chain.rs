//! Nanoseconds and allocations per record of a usual chain on flights of ten fields, with and without a
//! schema, and of each of its transforms: `cargo bench -p connect-transforms --bench chain`.

use connect_api::config::ConfigMap;
use connect_api::data::{Map, Schema, SchemaRef, SchemaType, Struct, Value};
use connect_api::{Origin, Record, SinkOrigin, TRANSFORMS, TimestampType, Topic, Transform};
use connect_transforms as _;
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const NUM_RECORDS: usize = 1_000;
const NUM_ROUNDS: usize = 300;

/// The allocator of the system, counting what it hands out.
struct Counting;

static NUM_ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call goes to the allocator of the system as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        NUM_ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of the trait.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of the trait.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        NUM_ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of the trait.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Class, and settings.
type Step = (&'static str, &'static [(&'static str, &'static str)]);

const CHAIN: [Step; 5] = [
    ("Cast$Value", &[("spec", "dep_delay:int32,flight:string")]),
    (
        "TimestampConverter$Value",
        &[
            ("field", "time_hour"),
            ("target.type", "Timestamp"),
            ("format", "yyyy-MM-dd HH:mm:ss"),
        ],
    ),
    (
        "ReplaceField$Value",
        &[("exclude", "tailnum"), ("renames", "origin:departure")],
    ),
    (
        "InsertField$Value",
        &[("topic.field", "topic"), ("timestamp.field", "loaded")],
    ),
    ("ValueToKey", &[("fields", "carrier,flight")]),
];

fn schema() -> SchemaRef {
    let optional = |schema_type| Schema::primitive(schema_type, true).expect("it is primitive");
    Schema::struct_builder()
        .name("flights.Value")
        .field("year", Schema::int32())
        .field("month", Schema::int32())
        .field("day", Schema::int32())
        .field("dep_delay", optional(SchemaType::Float64))
        .field("carrier", Schema::string())
        .field("flight", Schema::int32())
        .field("tailnum", Schema::optional_string())
        .field("origin", Schema::string())
        .field("distance", optional(SchemaType::Float64))
        .field("time_hour", Schema::string())
        .build()
        .expect("each name comes once")
}

fn values(index: usize) -> Vec<Value> {
    vec![
        Value::Int32(2013),
        Value::Int32(1),
        Value::Int32((index % 28) as i32 + 1),
        Value::Float64(index as f64 / 4.0),
        Value::from("UA"),
        Value::Int32(index as i32),
        Value::from(format!("N{index}")),
        Value::from("EWR"),
        Value::Float64(1400.0),
        Value::from(format!(
            "2013-01-{:02} {:02}:00:00",
            index % 28 + 1,
            index % 24
        )),
    ]
}

fn records(with_schema: bool) -> Vec<Record> {
    let schema = schema();
    let topic = Topic::from("flights");
    let shared_keys = {
        let names = schema
            .fields()
            .iter()
            .map(|field| Value::from(&*field.name));
        let map: Map = names.map(|name| (name, Value::Null)).collect();
        map.into_java_hash_order().shared_keys().clone()
    };
    (0..NUM_RECORDS)
        .map(|index| {
            let record = Struct::from_values(schema.clone(), values(index));
            let value = if with_schema {
                Value::from(record)
            } else {
                let field = |key: &Value| key.as_str().and_then(|name| record.get(name).ok());
                let values = shared_keys
                    .iter()
                    .map(|key| field(key).cloned().unwrap_or(Value::Null))
                    .collect();
                Value::Map(Map::with_shared_keys(shared_keys.clone(), values))
            };
            Record {
                topic: topic.clone(),
                kafka_partition: Some(0),
                key_schema: None,
                key: Value::Null,
                value_schema: with_schema.then(|| schema.clone()),
                value,
                timestamp: Some(1_357_020_000_000 + index as i64),
                headers: Vec::new(),
            }
        })
        .collect()
}

fn transforms(steps: &[Step]) -> Vec<Box<dyn Transform>> {
    steps
        .iter()
        .map(|(class, settings)| {
            let class = format!("org.apache.kafka.connect.transforms.{class}");
            let plugin = TRANSFORMS.iter().find(|plugin| plugin.class == class);
            let mut transform = (plugin.expect("it is linked in").create)();
            transform
                .configure(&ConfigMap::from_iter(settings.iter().copied()))
                .expect("the settings are valid");
            transform
        })
        .collect()
}

fn apply(chain: &mut [Box<dyn Transform>], origin: &SinkOrigin, record: Record) -> Record {
    chain.iter_mut().fold(record, |record, transform| {
        transform
            .apply(record, Origin::Sink(origin))
            .expect("the records fit the settings")
            .expect("none is dropped")
    })
}

fn origin() -> SinkOrigin {
    SinkOrigin {
        original_topic: "flights".into(),
        original_kafka_partition: 0,
        kafka_offset: 1,
        timestamp_type: TimestampType::CreateTime,
    }
}

/// The least time of all rounds for one record; what making and dropping the records takes is not in it.
fn measure(name: &str, steps: &[Step], records: &[Record]) {
    let mut chain = transforms(steps);
    let origin = origin();
    let mut least = f64::MAX;
    let mut num_allocations = 0;
    let mut out = Vec::with_capacity(records.len());
    for _ in 0..NUM_ROUNDS {
        let input = records.to_vec();
        out.clear();
        let before = NUM_ALLOCATIONS.load(Ordering::Relaxed);
        let start = Instant::now();
        out.extend(
            input
                .into_iter()
                .map(|record| apply(&mut chain, &origin, record)),
        );
        let ns = start.elapsed().as_nanos() as f64 / records.len() as f64;
        num_allocations = NUM_ALLOCATIONS.load(Ordering::Relaxed) - before;
        least = least.min(ns);
        black_box(&out);
    }
    let allocations = num_allocations as f64 / records.len() as f64;
    println!("{name:<44} {least:>8.0} ns/record {allocations:>8.2} allocations/record");
}

fn main() {
    for (name, with_schema) in [("with schema", true), ("schemaless", false)] {
        let input = records(with_schema);
        measure(&format!("{name}: no transform"), &[], &input);
        // Each one sees what those before it made.
        let mut seen = input.clone();
        for step in CHAIN {
            measure(&format!("{name}: {}", step.0), &[step], &seen);
            let mut chain = transforms(&[step]);
            seen = seen
                .into_iter()
                .map(|record| apply(&mut chain, &origin(), record))
                .collect();
        }
        measure(&format!("{name}: the chain of five"), &CHAIN, &input);
    }
}
