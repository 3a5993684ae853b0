//! Data of every type through our converters and an independent implementation, both ways.
//!
//! Ours writes, Python reads and writes again by the same registered schema, ours reads: what comes back
//! must be what our own reader makes of our own bytes.

use super::{Format, judge};
use bytes::{Bytes, BytesMut};
use connect_api::config::ConfigMap;
use connect_api::data::{Decimal, LogicalType, Map, Schema, SchemaRef, SchemaType, Struct, Value};
use connect_api::{CONVERTERS, Converter, ConverterType, Encoded, RawMessage, SchemaAndValue};
use connect_converters as _;
use dovetail_tests::stack::shared;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const MAX_DEPTH: usize = 3;
const MS_PER_DAY: i64 = 86_400_000;

#[tokio::test]
async fn avro_of_every_type_is_what_python_reads_and_writes() {
    matrix(Format::Avro).await;
}

#[tokio::test]
async fn protobuf_of_every_type_is_what_python_reads_and_writes() {
    matrix(Format::Protobuf).await;
}

#[tokio::test]
async fn json_schema_of_every_type_is_what_python_reads_and_writes() {
    matrix(Format::JsonSchema).await;
}

fn one_of<T: Copy>(random: &mut StdRng, all: &[T]) -> T {
    all[random.random_range(0..all.len())]
}

/// A schema of any type that the format has.
fn any_schema(random: &mut StdRng, format: Format, depth: usize, in_array: bool) -> SchemaRef {
    const PLAIN: [SchemaType; 9] = [
        SchemaType::Int8,
        SchemaType::Int16,
        SchemaType::Int32,
        SchemaType::Int64,
        SchemaType::Float32,
        SchemaType::Float64,
        SchemaType::Boolean,
        SchemaType::String,
        SchemaType::Bytes,
    ];
    let is_optional = random.random_bool(0.4) && !in_array;
    let kind = random.random_range(0..if depth < MAX_DEPTH { 10 } else { 6 });
    let builder = match kind {
        0..=3 => Schema::builder(one_of(random, &PLAIN)),
        4 => Decimal::builder(random.random_range(0..6)),
        5 => {
            let logical = [LogicalType::Date, LogicalType::Time, LogicalType::Timestamp];
            return one_of(random, &logical).schema(is_optional);
        }
        // Protobuf has no lists of lists.
        6 | 7 if in_array && format == Format::Protobuf => Schema::builder(SchemaType::String),
        6 => Schema::array_builder(any_schema(random, format, depth + 1, true)),
        7 => Schema::map_builder(
            Schema::string(),
            any_schema(random, format, depth + 1, true),
        ),
        _ => return any_struct(random, format, depth + 1, is_optional),
    };
    let builder = if is_optional {
        builder.optional()
    } else {
        builder
    };
    builder.build().expect("a schema without defaults")
}

fn any_struct(random: &mut StdRng, format: Format, depth: usize, is_optional: bool) -> SchemaRef {
    // One name for one shape: a registry that is asked for two of one name would be right to refuse.
    let mut builder =
        Schema::struct_builder().name(format!("Record{:08x}", random.random::<u32>()));
    for index in 0..random.random_range(1..6) {
        let schema = any_schema(random, format, depth, false);
        builder = builder.field(format!("field_{index}"), schema);
    }
    let builder = if is_optional {
        builder.optional()
    } else {
        builder
    };
    builder.build().expect("a schema without defaults")
}

/// A value of a schema. Times are those that Python can say: years 1 to 9999.
fn any_value(random: &mut StdRng, schema: &SchemaRef) -> Value {
    if schema.is_optional() && random.random_bool(0.3) {
        return Value::Null;
    }
    match LogicalType::of(schema) {
        Some(LogicalType::Decimal) => {
            return Value::Decimal(Box::new(Decimal {
                unscaled: random.random_range(-99_999_999_i64..99_999_999).into(),
                scale: Decimal::scale_of(schema).expect("a scale"),
            }));
        }
        Some(LogicalType::Date) => {
            return Value::Date(random.random_range(-20_000..40_000) * MS_PER_DAY);
        }
        Some(LogicalType::Time) => return Value::Date(random.random_range(0..MS_PER_DAY)),
        Some(LogicalType::Timestamp) => {
            return Value::Date(random.random_range(-1_000_000_000_000..4_000_000_000_000));
        }
        None => {}
    }
    match schema.schema_type() {
        SchemaType::Int8 => Value::Int8(random.random()),
        SchemaType::Int16 => Value::Int16(random.random()),
        SchemaType::Int32 => Value::Int32(random.random()),
        // JSON's readers agree on whole numbers up to 53 bits.
        SchemaType::Int64 => Value::Int64(random.random_range(-(1 << 53)..1 << 53)),
        SchemaType::Float32 => Value::Float32(random.random_range(-1e6..1e6)),
        SchemaType::Float64 => Value::Float64(random.random_range(-1e12..1e12)),
        SchemaType::Boolean => Value::Boolean(random.random()),
        SchemaType::String => Value::string(one_of(
            random,
            &["", "a", "ä€😀", "\"quoted\"\n", "null", "12"],
        )),
        SchemaType::Bytes => {
            let length = random.random_range(0..6);
            Value::Bytes((0..length).map(|_| random.random::<u8>()).collect())
        }
        SchemaType::Array => {
            let items = schema.value_schema().expect("an array").expect("a schema");
            (0..random.random_range(0..4))
                .map(|_| any_value(random, items))
                .collect::<Vec<_>>()
                .into()
        }
        SchemaType::Map => {
            let values = schema.value_schema().expect("a map").expect("a schema");
            let entries = (0..random.random_range(0..4)).map(|number| {
                (
                    Value::string(format!("key {number}")),
                    any_value(random, values),
                )
            });
            Value::Map(entries.collect::<Map>())
        }
        SchemaType::Struct => {
            let values = schema
                .fields()
                .iter()
                .map(|field| any_value(random, &field.schema))
                .collect();
            Value::Struct(Box::new(Struct::from_values(schema.clone(), values)))
        }
    }
}

fn converter(format: Format, registry_url: &str) -> Box<dyn Converter> {
    let plugin = CONVERTERS
        .iter()
        .find(|plugin| plugin.class == format.converter())
        .unwrap_or_else(|| panic!("{} is not linked", format.converter()));
    let mut config = ConfigMap::new();
    config.insert("schema.registry.url", registry_url);
    let mut converter = (plugin.create)();
    converter
        .configure(&config, ConverterType::Value)
        .expect("a good configuration");
    converter
}

async fn write(
    converter: &mut dyn Converter,
    topic: &str,
    schema: &SchemaRef,
    value: &Value,
) -> Vec<u8> {
    converter
        .prepare_from_connect(&[(topic, Some(schema))])
        .await;
    let mut out = BytesMut::new();
    let encoded = converter
        .from_connect_data(topic, &mut Vec::new(), Some(schema), value, &mut out)
        .unwrap_or_else(|error| panic!("cannot write {value} of {schema:?}: {}", error.trace()));
    assert_eq!(encoded, Encoded::Appended);
    out.to_vec()
}

async fn read(converter: &mut dyn Converter, topic: &str, bytes: &[u8]) -> SchemaAndValue {
    let payload = Bytes::copy_from_slice(bytes);
    let message = RawMessage {
        topic,
        headers: &[],
        payload: Some(&payload),
    };
    converter.prepare_to_connect(&[message]).await;
    converter
        .to_connect_data(message)
        .unwrap_or_else(|error| panic!("cannot read {bytes:02x?}: {}", error.trace()))
}

async fn matrix(format: Format) {
    let registry_url = shared::registry().await.url();
    let (mut writer, mut reader) = (
        converter(format, &registry_url),
        converter(format, &registry_url),
    );
    let stem = shared::unique("matrix");
    let mut cases = Vec::new();
    let num_cases = match format {
        // Python compiles each schema with protoc.
        Format::Protobuf => 150,
        Format::Avro | Format::JsonSchema => 300,
    };
    for seed in 0..num_cases {
        let mut random = StdRng::seed_from_u64(seed);
        let schema = any_struct(&mut random, format, 0, false);
        let value = any_value(&mut random, &schema);
        let topic = format!("{stem}-{seed}");
        let bytes = write(&mut *writer, &topic, &schema, &value).await;
        let ours = read(&mut *reader, &topic, &bytes).await;
        cases.push((topic, bytes, ours, value));
    }
    let theirs = judge::round_trip(
        &registry_url,
        format,
        cases
            .iter()
            .map(|(topic, bytes, ..)| (topic.as_str(), bytes.as_slice())),
    )
    .await;
    for (seed, ((topic, _, ours, value), bytes)) in cases.iter().zip(theirs).enumerate() {
        let read = read(&mut *reader, topic, &bytes).await;
        assert_eq!(read, *ours, "seed {seed}, {value}");
    }
}
