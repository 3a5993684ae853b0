//! The flights as Avro, Protobuf and JSON Schema, from a file through a chain of transforms and a topic into
//! objects, with Confluent's Python clients as judge; poisoned records; a registry that goes away.

mod flow;
mod judge;
mod matrix;
mod outage;
mod poison;

use dovetail_tests::connectors::{ObjectFormat, file_source, s3_sink, with};
use dovetail_tests::stack::S3Server;
use serde_json::{Map, Value, json};
use std::path::Path;

/// A format with a Schema Registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Avro,
    Protobuf,
    JsonSchema,
}

impl Format {
    fn converter(self) -> &'static str {
        match self {
            Self::Avro => "io.confluent.connect.avro.AvroConverter",
            Self::Protobuf => "io.confluent.connect.protobuf.ProtobufConverter",
            Self::JsonSchema => "io.confluent.connect.json.JsonSchemaConverter",
        }
    }

    /// What the registry calls it.
    fn schema_type(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
            Self::Protobuf => "PROTOBUF",
            Self::JsonSchema => "JSON",
        }
    }
}

const NULLABLE: [&str; 6] = [
    "air_time",
    "arr_delay",
    "arr_time",
    "dep_delay",
    "dep_time",
    "tailnum",
];

/// The JSON Schema by which `FromJson` reads a flight. Its name tells the format, as one subject holds
/// schemas of one language.
fn flight_schema(format: Format) -> String {
    let properties: Map<String, Value> = [
        ("year", "integer"),
        ("month", "integer"),
        ("day", "integer"),
        ("dep_time", "integer"),
        ("sched_dep_time", "integer"),
        ("dep_delay", "number"),
        ("arr_time", "integer"),
        ("sched_arr_time", "integer"),
        ("arr_delay", "number"),
        ("carrier", "string"),
        ("flight", "integer"),
        ("tailnum", "string"),
        ("origin", "string"),
        ("dest", "string"),
        ("air_time", "number"),
        ("distance", "integer"),
        ("hour", "integer"),
        ("minute", "integer"),
        ("time_hour", "string"),
    ]
    .into_iter()
    .map(|(name, kind)| (name.to_owned(), json!({"type": kind})))
    .collect();
    let required: Vec<&String> = properties
        .keys()
        .filter(|name| !NULLABLE.contains(&name.as_str()))
        .collect();
    let title = format!("Flight{}", format.schema_type());
    json!({"type": "object", "title": title, "required": required, "properties": properties})
        .to_string()
}

/// The converters of both halves, with the registry.
fn converters(format: Format, registry_url: &str) -> Vec<(&'static str, String)> {
    vec![
        ("key.converter", format.converter().to_owned()),
        ("key.converter.schema.registry.url", registry_url.to_owned()),
        ("value.converter", format.converter().to_owned()),
        (
            "value.converter.schema.registry.url",
            registry_url.to_owned(),
        ),
    ]
}

fn extended(config: Value, keys: &[(&str, String)]) -> Value {
    let keys: Vec<(&str, &str)> = keys
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    with(config, &keys)
}

/// A source of the flights in `file`, through six transforms and two predicates.
fn flights_source(file: &Path, topic: &str, format: Format, registry_url: &str) -> Value {
    let config = extended(file_source(file, topic), &converters(format, registry_url));
    with(
        config,
        &[
            ("transforms", "parse, cast,time,trim ,stamp,never,key"),
            (
                "transforms.parse.type",
                "com.github.jcustenborder.kafka.connect.json.FromJson$Value",
            ),
            ("transforms.parse.json.schema.location", "Inline"),
            (
                "transforms.parse.json.schema.inline",
                &flight_schema(format),
            ),
            (
                "transforms.cast.type",
                "org.apache.kafka.connect.transforms.Cast$Value",
            ),
            (
                "transforms.cast.spec",
                "flight:int32,distance:float64,month:int16",
            ),
            (
                "transforms.time.type",
                "org.apache.kafka.connect.transforms.TimestampConverter$Value",
            ),
            ("transforms.time.field", "time_hour"),
            ("transforms.time.format", "yyyy-MM-dd'T'HH:mm:ss'Z'"),
            ("transforms.time.target.type", "Timestamp"),
            (
                "transforms.trim.type",
                "org.apache.kafka.connect.transforms.ReplaceField$Value",
            ),
            ("transforms.trim.exclude", "hour,minute"),
            ("transforms.trim.renames", "dest:destination"),
            (
                "transforms.stamp.type",
                "org.apache.kafka.connect.transforms.InsertField$Value",
            ),
            ("transforms.stamp.static.field", "source"),
            ("transforms.stamp.static.value", "nycflights13"),
            ("transforms.stamp.predicate", "mine"),
            (
                "transforms.never.type",
                "org.apache.kafka.connect.transforms.InsertField$Value",
            ),
            ("transforms.never.static.field", "never"),
            ("transforms.never.static.value", "there"),
            ("transforms.never.predicate", "mine"),
            ("transforms.never.negate", "true"),
            (
                "transforms.key.type",
                "org.apache.kafka.connect.transforms.ValueToKey",
            ),
            ("transforms.key.fields", "carrier,flight"),
            ("predicates", "mine"),
            (
                "predicates.mine.type",
                "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
            ),
            ("predicates.mine.pattern", topic),
        ],
    )
}

/// An S3 sink of JSON from records of `format`.
fn flights_sink(
    topic: &str,
    s3: &S3Server,
    bucket: &str,
    format: Format,
    registry_url: &str,
    flush_size: usize,
) -> Value {
    let config = s3_sink(topic, s3, bucket, ObjectFormat::Json, flush_size);
    extended(config, &converters(format, registry_url))
}

/// The milliseconds since the epoch of a `time_hour`.
fn epoch_ms(text: &str) -> i64 {
    // Year 2013 only: days by hand need no library.
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let number = |range: std::ops::Range<usize>| -> i64 { text[range].parse().expect("digits") };
    let (year, month) = (number(0..4), number(5..7) as usize);
    let days = match year {
        2013 => 15_706 + BEFORE[month - 1] + number(8..10) - 1,
        2014 => 16_071 + BEFORE[month - 1] + number(8..10) - 1,
        _ => panic!("{text} is in another year"),
    };
    days * 86_400_000 + number(11..13) * 3_600_000 + number(14..16) * 60_000
}

/// What the chain makes of a line, as the JSON of an object has it. Proto3 has no null for a plain field:
/// it comes back as zero or empty.
fn transformed(line: &str, format: Format) -> Value {
    let mut flight: Map<String, Value> = serde_json::from_str(line).expect("a flight");
    for gone in ["hour", "minute"] {
        flight.remove(gone);
    }
    let destination = flight.remove("dest").expect("every flight has one");
    flight.insert("destination".to_owned(), destination);
    flight.insert("source".to_owned(), "nycflights13".into());
    let time = epoch_ms(flight["time_hour"].as_str().expect("text"));
    flight.insert("time_hour".to_owned(), time.into());
    for name in NULLABLE {
        let value = flight.entry(name).or_insert(Value::Null);
        if value.is_null() && format == Format::Protobuf {
            *value = if name == "tailnum" {
                "".into()
            } else {
                0.into()
            };
        }
    }
    numbers_as_doubles(Value::Object(flight))
}

/// 1 and 1.0 are the same number here.
fn numbers_as_doubles(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().into(),
        Value::Array(items) => items.into_iter().map(numbers_as_doubles).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, numbers_as_doubles(value)))
            .collect(),
        other => other,
    }
}

/// The lines of all objects of a bucket, in the order of the objects' names.
fn object_lines(s3: &S3Server, bucket: &str) -> Vec<Value> {
    s3.objects(bucket)
        .values()
        .flat_map(|object| object.split(|byte| *byte == b'\n'))
        .filter(|line| !line.is_empty())
        .map(|line| numbers_as_doubles(serde_json::from_slice(line).expect("a JSON line")))
        .collect()
}
