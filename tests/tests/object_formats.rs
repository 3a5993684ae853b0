//! Objects of Avro and Parquet, of every codec and type, as fastavro and pyarrow read them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dovetail_tests::connectors::{JSON_CONVERTER, ObjectFormat, s3_sink, sink_group, with};
use dovetail_tests::stack::{python, shared};
use serde_json::{Value, json};

use super::e2e_flights::object_name;

const NUM_RECORDS: usize = 200;
const FLUSH_SIZE: usize = 100;

const AVRO_CODECS: [&str; 5] = ["null", "deflate", "snappy", "bzip2", "zstandard"];
/// With the extension of objects and the name that pyarrow has for the codec.
const PARQUET_CODECS: [(&str, &str, &str); 7] = [
    ("none", "parquet", "UNCOMPRESSED"),
    ("snappy", "snappy.parquet", "SNAPPY"),
    ("gzip", "gz.parquet", "GZIP"),
    ("brotli", "br.parquet", "BROTLI"),
    // The framing of Hadoop, which pyarrow reads but has no name for.
    ("lz4", "lz4.parquet", "UNKNOWN"),
    ("zstd", "zstd.parquet", "ZSTD"),
    ("lz4_raw", "lz4raw.parquet", "LZ4"),
];

/// A struct with every type of Connect, as JsonConverter has schemas.
fn schema() -> Value {
    let point = json!([
        {"field": "x", "type": "double", "optional": false},
        {"field": "label", "type": "string", "optional": true},
    ]);
    json!({
        "type": "struct",
        "name": "com.example.Everything",
        "optional": false,
        "fields": [
            {"field": "i8", "type": "int8", "optional": false},
            {"field": "i16", "type": "int16", "optional": false},
            {"field": "i32", "type": "int32", "optional": true},
            {"field": "i64", "type": "int64", "optional": false},
            {"field": "f32", "type": "float", "optional": false},
            {"field": "f64", "type": "double", "optional": true},
            {"field": "flag", "type": "boolean", "optional": false},
            {"field": "text", "type": "string", "optional": true},
            {"field": "raw", "type": "bytes", "optional": false},
            {"field": "date", "type": "int32", "optional": false, "version": 1,
             "name": "org.apache.kafka.connect.data.Date"},
            {"field": "time", "type": "int32", "optional": false, "version": 1,
             "name": "org.apache.kafka.connect.data.Time"},
            {"field": "at", "type": "int64", "optional": true, "version": 1,
             "name": "org.apache.kafka.connect.data.Timestamp"},
            {"field": "price", "type": "bytes", "optional": false, "version": 1,
             "name": "org.apache.kafka.connect.data.Decimal", "parameters": {"scale": "2"}},
            {"field": "list", "type": "array", "optional": false,
             "items": {"type": "int32", "optional": false}},
            {"field": "lists", "type": "array", "optional": true,
             "items": {"type": "array", "optional": false,
                       "items": {"type": "string", "optional": false}}},
            {"field": "points", "type": "array", "optional": false,
             "items": {"type": "struct", "name": "com.example.Item", "optional": false,
                       "fields": point.clone()}},
            {"field": "map", "type": "map", "optional": false,
             "keys": {"type": "string", "optional": false},
             "values": {"type": "int64", "optional": true}},
            {"field": "point", "type": "struct", "name": "com.example.Point", "optional": true,
             "fields": point},
        ],
    })
}

/// A record as it is sent; as it must be read, decimals are text.
fn payload(id: usize, is_read: bool) -> Value {
    let some = |value: Value| {
        if id.is_multiple_of(3) {
            Value::Null
        } else {
            value
        }
    };
    let point = |x: f64| json!({"x": x, "label": some(json!(format!("ü {x}")))});
    let cents = i16::try_from(id).expect("few records") - 100;
    let price = if is_read {
        json!(format!(
            "{}{}.{:02}",
            if cents < 0 { "-" } else { "" },
            cents.abs() / 100,
            cents.abs() % 100
        ))
    } else {
        json!(STANDARD.encode(cents.to_be_bytes()))
    };
    json!({
        "i8": id as i8,
        "i16": -(id as i64),
        "i32": some(json!(id * 1000)),
        "i64": 9_000_000_000_i64 * id as i64,
        "f32": id as f64 / 4.0,
        "f64": some(json!(id as f64 / 8.0)),
        "flag": id.is_multiple_of(2),
        "text": some(json!(format!("text {}", id % 7))),
        "raw": STANDARD.encode(&[0, 255, 128][..id % 4]),
        "date": 19_000 + id,
        "time": 3_600_000 + id,
        "at": some(json!(1_700_000_000_123_i64 + id as i64)),
        "price": price,
        "list": (0..id % 4).collect::<Vec<_>>(),
        "lists": some(json!([["a"], [], ["b", "c"]])),
        "points": (0..id % 3).map(|x| point(x as f64)).collect::<Vec<_>>(),
        "map": {"k": id, "none": null},
        "point": some(point(0.5)),
    })
}

/// What the readers say of objects in a format.
async fn judge(format: &str, objects: &[&[u8]]) -> Vec<Value> {
    let orders: String = objects
        .iter()
        .map(|object| {
            let order = json!({"format": format, "bytes": STANDARD.encode(object)});
            format!("{order}\n")
        })
        .collect();
    let answers = python::run("object_judge.py", &[], &orders).await;
    answers
        .lines()
        .map(|line| {
            let answer: Value = serde_json::from_str(line).expect("the judge answers in JSON");
            assert!(answer["error"].is_null(), "{format}: {answer}");
            answer
        })
        .collect()
}

#[tokio::test]
async fn objects_of_avro_and_parquet_hold_every_type_in_every_codec() {
    let (kafka, s3) = (shared::kafka().await, shared::s3().await);
    let worker = shared::dovetail_worker().await;
    let (topics, rest) = (kafka.topics(), worker.rest());
    let topic = shared::unique("object-formats");
    topics.create(&topic, 1).await;
    let schema = schema();
    let lines: Vec<String> = (0..NUM_RECORDS)
        .map(|id| json!({"schema": &schema, "payload": payload(id, false)}).to_string())
        .collect();
    topics.produce_lines(&topic, &lines).await;

    let avro = AVRO_CODECS.map(|codec| ("avro", codec, "avro", codec));
    let parquet =
        PARQUET_CODECS.map(|(codec, extension, name)| ("parquet", codec, extension, name));
    let cases: Vec<_> = avro.into_iter().chain(parquet).collect();
    let name_of =
        |format: &str, codec: &str| format!("{topic}-{format}-{}", codec.replace('_', "-"));
    for (format, codec, ..) in &cases {
        let name = name_of(format, codec);
        s3.create_bucket(&name).await;
        let class = match *format {
            "avro" => "io.confluent.connect.s3.format.avro.AvroFormat",
            _ => "io.confluent.connect.s3.format.parquet.ParquetFormat",
        };
        let config = with(
            s3_sink(&topic, s3, &name, ObjectFormat::Json, FLUSH_SIZE),
            &[
                ("format.class", class),
                (&format!("{format}.codec"), codec),
                ("value.converter", JSON_CONVERTER),
                ("value.converter.schemas.enable", "true"),
            ],
        );
        rest.run_connector(&name, config, 1).await;
    }
    for (format, codec, ..) in &cases {
        let group = sink_group(&name_of(format, codec));
        topics
            .wait_for_commit(&group, &topic, &[NUM_RECORDS as i64])
            .await;
    }

    for (format, codec, extension, codec_of_file) in &cases {
        let name = name_of(format, codec);
        let objects = s3.objects(&name);
        let names: Vec<String> = (0..NUM_RECORDS)
            .step_by(FLUSH_SIZE)
            .map(|start| object_name(&topic, 0, start, extension))
            .collect();
        assert_eq!(objects.keys().cloned().collect::<Vec<_>>(), names);
        let contents: Vec<&[u8]> = objects.values().map(Vec::as_slice).collect();
        let answers = judge(format, &contents).await;
        let rows: Vec<&Value> = answers
            .iter()
            .flat_map(|answer| answer["rows"].as_array().expect("rows"))
            .collect();
        assert_eq!(rows.len(), NUM_RECORDS, "{name}");
        for (id, row) in rows.into_iter().enumerate() {
            assert_eq!(*row, payload(id, true), "{name}: record {id}");
        }
        for answer in &answers {
            assert_eq!(answer["codec"], *codec_of_file, "{name}");
            let avro_schema = match *format {
                "avro" => &answer["schema"],
                _ => &answer["avro_schema"],
            };
            assert_eq!(avro_schema["name"], "Everything");
            assert_eq!(avro_schema["namespace"], "com.example");
            if *format == "parquet" {
                let types = &answer["types"];
                for (field, expected) in [
                    ("i8", "int32"),
                    ("i64", "int64"),
                    ("f32", "float"),
                    ("text", "string"),
                    ("raw", "binary"),
                    ("date", "date32[day]"),
                    ("time", "time32[ms]"),
                    ("at", "timestamp[ms, tz=UTC]"),
                    ("price", "decimal256(64, 2)"),
                ] {
                    assert_eq!(types[field], expected, "{field}");
                }
            }
        }
        rest.delete_connector(&name).await;
    }
}
