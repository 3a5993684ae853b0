//! Nanoseconds per record from the bytes of a topic to Parquet on one thread: by rows, as the sink does
//! it, and by columns, as `arrow-avro` and `arrow-json` could: `cargo bench -p storage-common --bench
//! columns`. What follows from the figures is in `docs/decisions`.

use arrow_avro::reader::ReaderBuilder;
use arrow_avro::schema::{
    AvroSchema as ArrowAvroSchema, Fingerprint, FingerprintAlgorithm, SchemaStore,
};
use arrow_schema::{DataType, Field, Schema as ArrowSchema, TimeUnit};
use bytes::{Bytes, BytesMut};
use connect_api::config::ConfigMap;
use connect_api::data::{LogicalType, Schema, SchemaRef, SchemaType, Struct, Value};
use connect_api::{
    CONVERTERS, Converter, ConverterType, RawMessage, Record, SchemaAndValue, SinkOrigin,
    SinkRecord, TimestampType, Topic,
};
use connect_avro::{AvroData, AvroDataConfig, Decoder, Encoder};
use connect_converters as _;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use storage_common::format::{Format, ParquetCodec, ParquetFormat};
use storage_common::record::RecordRef;

const NUM_RECORDS: usize = 50_000;
const NUM_RUNS: usize = 9;
const BATCH_ROWS: usize = 1024;

fn schema() -> SchemaRef {
    let primitive = |schema_type| Schema::primitive(schema_type, false).expect("it is primitive");
    Schema::struct_builder()
        .name("flights.Flight")
        .field("year", primitive(SchemaType::Int32))
        .field("carrier", Schema::string())
        .field("flight", primitive(SchemaType::Int32))
        .field("tailnum", Schema::optional_string())
        .field("origin", Schema::string())
        .field("dest", Schema::string())
        .field(
            "air_time",
            Schema::primitive(SchemaType::Float64, true).expect("it is primitive"),
        )
        .field("distance", primitive(SchemaType::Int64))
        .field("cancelled", primitive(SchemaType::Boolean))
        .field("time_hour", LogicalType::Timestamp.schema(false))
        .build()
        .expect("the schema is valid")
}

const CARRIERS: [&str; 5] = [
    "United Air Lines",
    "Delta",
    "JetBlue",
    "American",
    "ExpressJet",
];
const AIRPORTS: [&str; 6] = [
    "Newark Liberty",
    "JFK",
    "La Guardia",
    "San Francisco",
    "Miami",
    "Boston",
];

fn flights(schema: &SchemaRef) -> Vec<Value> {
    (0..NUM_RECORDS as i64)
        .map(|i| {
            // A step that visits all remainders makes neighbours differ, as flights do.
            let mixed = (i * 7919) % 104_729;
            let pick =
                |texts: &[&str]| Value::string(texts[mixed as usize % texts.len()].to_string());
            let unless = |is_null: bool, value: Value| if is_null { Value::Null } else { value };
            let values = vec![
                Value::Int32(2013),
                pick(&CARRIERS),
                Value::Int32((mixed % 6000) as i32),
                unless(
                    mixed % 50 == 0,
                    Value::string(format!("N{:05}", mixed % 4000)),
                ),
                pick(&AIRPORTS[..3]),
                pick(&AIRPORTS[1..]),
                unless(mixed % 40 == 0, Value::Float64((mixed % 400) as f64 + 0.5)),
                Value::Int64(mixed % 2500),
                Value::Boolean(mixed % 40 == 0),
                Value::Date(1_357_020_000_000 + i * 36_000),
            ];
            Value::from(Struct::from_values(schema.clone(), values))
        })
        .collect()
}

/// The best of some runs, each over all records: what other work on the machine adds is left out.
fn measure(what: &str, mut run: impl FnMut()) -> f64 {
    run();
    let best = (0..NUM_RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .min()
        .unwrap_or_default();
    let ns = best.as_nanos() as f64 / NUM_RECORDS as f64;
    println!("{what:<52} {ns:>8.0} ns/record");
    ns
}

fn record(topic: &Topic, offset: usize, read: SchemaAndValue) -> SinkRecord {
    SinkRecord {
        record: Record {
            topic: topic.clone(),
            kafka_partition: Some(0),
            key_schema: None,
            key: Value::Null,
            value_schema: read.schema,
            value: read.value,
            timestamp: Some(0),
            headers: Vec::new(),
        },
        origin: SinkOrigin {
            original_topic: topic.clone(),
            original_kafka_partition: 0,
            kafka_offset: offset as i64,
            timestamp_type: TimestampType::CreateTime,
        },
    }
}

/// One object of rows; returns its size.
fn rows_to_parquet(records: impl Iterator<Item = SinkRecord>, schema: &SchemaRef) -> usize {
    let codec = ParquetCodec::from_name("snappy").expect("it is a codec");
    let format = ParquetFormat::new(AvroDataConfig::default(), codec);
    let mut writer = format
        .new_writer(&"flights".into(), Some(schema))
        .expect("structs have a Parquet form");
    let mut out = Vec::new();
    for record in records {
        writer
            .write(RecordRef::Row(&record), &mut out)
            .expect("it can be written");
    }
    writer.finish(&mut out).expect("it can be ended");
    out.len()
}

/// One object of batches; returns its size.
fn batches_to_parquet(
    schema: Arc<ArrowSchema>,
    batches: impl Iterator<Item = arrow_array::RecordBatch>,
) -> usize {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_data_page_size_limit(64 << 10)
        .build();
    let mut writer =
        ArrowWriter::try_new(Vec::new(), schema, Some(properties)).expect("it has a Parquet form");
    for batch in batches {
        writer.write(&batch).expect("it can be written");
    }
    writer.into_inner().expect("it can be ended").len()
}

fn compare(what: &str, rows: f64, columns: f64) {
    println!(
        "{what}: rows take {:.2} times what columns take\n",
        rows / columns
    );
}

fn avro(schema: &SchemaRef, values: &[Value]) {
    let mut data = AvroData::new(AvroDataConfig::default());
    let wire = data
        .from_connect_schema(Some(schema))
        .expect("it has an Avro form");
    let encoder = Encoder::new(&data, Some(schema), &wire).expect("it can be written");
    let bodies: Vec<Bytes> = values
        .iter()
        .map(|value| {
            let mut out = BytesMut::new();
            encoder.encode(value, &mut out).expect("it can be written");
            out.freeze()
        })
        .collect();
    let decoder = Decoder::new(&mut data, &wire, None).expect("it can be read");
    let read_schema = decoder.schema().expect("it has one").clone();
    let topic: Topic = "flights".into();
    let read = |body: &Bytes| decoder.decode_message(body).expect("it is valid");
    let num_bytes: usize = bodies.iter().map(Bytes::len).sum();
    println!("Avro, {} bytes/record", num_bytes / NUM_RECORDS);

    measure("bytes -> rows", || {
        for body in &bodies {
            black_box(read(body));
        }
    });
    let ready: Vec<SinkRecord> = bodies
        .iter()
        .enumerate()
        .map(|(offset, body)| record(&topic, offset, read(body)))
        .collect();
    measure("rows -> Parquet (with a copy of each row)", || {
        black_box(rows_to_parquet(ready.iter().cloned(), &read_schema));
    });
    let rows = measure("bytes -> rows -> Parquet", || {
        let records = bodies
            .iter()
            .enumerate()
            .map(|(offset, body)| record(&topic, offset, read(body)));
        black_box(rows_to_parquet(records, &read_schema));
    });

    let frames: Vec<Vec<u8>> = bodies
        .iter()
        .map(|body| [&[0, 0, 0, 0, 1], &body[..]].concat())
        .collect();
    let new_decoder = || {
        let mut store = SchemaStore::new_with_type(FingerprintAlgorithm::Id);
        store
            .set(Fingerprint::Id(1), ArrowAvroSchema::new(wire.to_string()))
            .expect("the schema is valid");
        ReaderBuilder::new()
            .with_batch_size(BATCH_ROWS)
            .with_writer_schema_store(store)
            .build_decoder()
            .expect("it can be read")
    };
    let mut arrow_decoder = new_decoder();
    let mut read_batch = |frames: &[Vec<u8>]| {
        for frame in frames {
            let consumed = arrow_decoder.decode(frame).expect("it is valid");
            assert_eq!(consumed, frame.len());
        }
        arrow_decoder
            .flush()
            .expect("it is valid")
            .expect("there are rows")
    };
    measure("bytes -> columns (arrow-avro)", || {
        for frames in frames.chunks(BATCH_ROWS) {
            black_box(read_batch(frames));
        }
    });
    let arrow_schema = read_batch(&frames[..1]).schema();
    let batches: Vec<_> = frames.chunks(BATCH_ROWS).map(&mut read_batch).collect();
    measure("columns -> Parquet", || {
        black_box(batches_to_parquet(
            arrow_schema.clone(),
            batches.iter().cloned(),
        ));
    });
    let columns = measure("bytes -> columns -> Parquet", || {
        let batches = frames.chunks(BATCH_ROWS).map(&mut read_batch);
        black_box(batches_to_parquet(arrow_schema.clone(), batches));
    });
    compare("Avro to Parquet", rows, columns);
}

fn json_converter() -> Box<dyn Converter> {
    let plugin = CONVERTERS
        .iter()
        .find(|plugin| plugin.class == "org.apache.kafka.connect.json.JsonConverter")
        .expect("the converter is linked in");
    let mut converter = (plugin.create)();
    converter
        .configure(&ConfigMap::new(), ConverterType::Value)
        .expect("the settings are valid");
    converter
}

fn json(schema: &SchemaRef, values: &[Value]) {
    let mut converter = json_converter();
    let messages: Vec<Bytes> = values
        .iter()
        .map(|value| {
            let mut out = BytesMut::new();
            converter
                .from_connect_data("flights", &mut Vec::new(), Some(schema), value, &mut out)
                .expect("it can be written");
            out.freeze()
        })
        .collect();
    let topic: Topic = "flights".into();
    let mut read = |payload: &Bytes| {
        let message = RawMessage {
            topic: "flights",
            headers: &[],
            payload: Some(payload),
        };
        converter.to_connect_data(message).expect("it is valid")
    };
    let num_bytes: usize = messages.iter().map(Bytes::len).sum();
    println!("JSON with schema, {} bytes/record", num_bytes / NUM_RECORDS);
    let read_schema = read(&messages[0]).schema.expect("it has one");
    measure("bytes -> rows", || {
        for message in &messages {
            black_box(read(message));
        }
    });
    let rows = measure("bytes -> rows -> Parquet", || {
        let records = messages
            .iter()
            .enumerate()
            .map(|(offset, message)| record(&topic, offset, read(message)));
        black_box(rows_to_parquet(records, &read_schema));
    });

    // In favour of columns: that the payload must be found in the envelope, and the schema be compared,
    // is not counted.
    const PAYLOAD: &[u8] = b"\"payload\":";
    let payloads: Vec<&[u8]> = messages
        .iter()
        .map(|message| {
            let at = message
                .windows(PAYLOAD.len())
                .rposition(|bytes| bytes == PAYLOAD)
                .expect("an envelope has a payload");
            &message[at + PAYLOAD.len()..message.len() - 1]
        })
        .collect();
    // Without a zone, whose names would ask for more than the numbers here need.
    let time = DataType::Timestamp(TimeUnit::Millisecond, None);
    let arrow_schema = Arc::new(ArrowSchema::new(vec![
        Field::new("year", DataType::Int32, false),
        Field::new("carrier", DataType::Utf8, false),
        Field::new("flight", DataType::Int32, false),
        Field::new("tailnum", DataType::Utf8, true),
        Field::new("origin", DataType::Utf8, false),
        Field::new("dest", DataType::Utf8, false),
        Field::new("air_time", DataType::Float64, true),
        Field::new("distance", DataType::Int64, false),
        Field::new("cancelled", DataType::Boolean, false),
        Field::new("time_hour", time, false),
    ]));
    let mut decoder = arrow_json::ReaderBuilder::new(arrow_schema.clone())
        .with_batch_size(BATCH_ROWS)
        .build_decoder()
        .expect("the schema is valid");
    let mut read_batch = |payloads: &[&[u8]]| {
        for payload in payloads {
            let consumed = decoder.decode(payload).expect("it is valid");
            assert_eq!(consumed, payload.len());
        }
        decoder
            .flush()
            .expect("it is valid")
            .expect("there are rows")
    };
    measure("payload -> columns (arrow-json)", || {
        for payloads in payloads.chunks(BATCH_ROWS) {
            black_box(read_batch(payloads));
        }
    });
    let columns = measure("payload -> columns -> Parquet", || {
        let batches = payloads.chunks(BATCH_ROWS).map(&mut read_batch);
        black_box(batches_to_parquet(arrow_schema.clone(), batches));
    });
    compare("JSON with schema to Parquet", rows, columns);
}

fn main() {
    let schema = schema();
    let values = flights(&schema);
    println!("best of {NUM_RUNS} runs over {NUM_RECORDS} records");
    avro(&schema, &values);
    json(&schema, &values);
}
