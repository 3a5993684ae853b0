//! Nanoseconds and allocations per record to read and write flat Avro of ten fields, and what a tree of
//! `apache_avro` takes for the same: `cargo bench -p connect-converters --bench avro`.

mod allocations;

use allocations::measure;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use bytes::{Bytes, BytesMut};
use connect_api::config::ConfigMap;
use connect_api::data::{LogicalType, Schema, SchemaRef, SchemaType, Struct, Value};
use connect_api::{CONVERTERS, Converter, ConverterType, RawMessage};
use connect_converters as _;
use std::hint::black_box;

const NUM_RECORDS: usize = 1_000;
/// The magic byte and the id before the data.
const FRAME_NUM_BYTES: usize = 5;

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

fn flights(schema: &SchemaRef) -> Vec<Value> {
    (0..NUM_RECORDS as i64)
        .map(|i| {
            Value::from(Struct::from_values(
                schema.clone(),
                vec![
                    Value::Int32(2013),
                    Value::from("United Air Lines"),
                    Value::Int32(i as i32),
                    Value::from(format!("N{i:05}")),
                    Value::from("Newark Liberty"),
                    Value::from("San Francisco"),
                    Value::Float64(227.5),
                    Value::Int64(1_400 + i),
                    Value::Boolean(i % 7 == 0),
                    Value::Date(1_357_020_000_000 + i * 3_600_000),
                ],
            ))
        })
        .collect()
}

fn converter() -> Box<dyn Converter> {
    let plugin = CONVERTERS
        .iter()
        .find(|plugin| plugin.class == "io.confluent.connect.avro.AvroConverter")
        .expect("the converter is linked in");
    let mut converter = (plugin.create)();
    let config = ConfigMap::from_iter([("schema.registry.url", "mock://bench")]);
    converter
        .configure(&config, ConverterType::Value)
        .expect("the settings are valid");
    converter
}

fn message(payload: &Bytes) -> RawMessage<'_> {
    RawMessage {
        topic: "flights",
        headers: &[],
        payload: Some(payload),
    }
}

fn write(converter: &mut dyn Converter, schema: &SchemaRef, value: &Value, out: &mut BytesMut) {
    converter
        .from_connect_data("flights", &mut Vec::new(), Some(schema), value, out)
        .expect("it can be written");
}

fn main() {
    let schema = schema();
    let values = flights(&schema);
    let mut converter = converter();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(converter.prepare_from_connect(&[("flights", Some(&schema))]));
    let records: Vec<Bytes> = values
        .iter()
        .map(|value| {
            let mut out = BytesMut::new();
            write(&mut *converter, &schema, value, &mut out);
            out.freeze()
        })
        .collect();
    runtime.block_on(converter.prepare_to_connect(&[message(&records[0])]));
    // What is read has the version of the registry in its schema, and is written as another one.
    let read = |converter: &mut Box<dyn Converter>, record: &Bytes| {
        converter
            .to_connect_data(message(record))
            .expect("it is valid")
    };
    let read_schema = read(&mut converter, &records[0])
        .schema
        .expect("it has one");
    runtime.block_on(converter.prepare_from_connect(&[("flights", Some(&read_schema))]));

    let mut out = BytesMut::with_capacity(4 << 10);
    measure("AvroConverter: read", &records, |record| {
        black_box(read(&mut converter, record));
    });
    measure("AvroConverter: write", &values, |value| {
        out.clear();
        write(&mut *converter, &schema, value, &mut out);
        black_box(&out);
    });
    measure("AvroConverter: read and write", &records, |record| {
        out.clear();
        let data = read(&mut converter, record);
        write(&mut *converter, &read_schema, &data.value, &mut out);
        black_box(&out);
    });

    let text = connect_avro::AvroData::default()
        .from_connect_schema(Some(&schema))
        .expect("it can be mapped")
        .to_string();
    let tree_schema = apache_avro::Schema::parse_str(&text).expect("it is valid");
    let reader = GenericDatumReader::builder(&tree_schema)
        .build()
        .expect("the schema is whole");
    let writer = GenericDatumWriter::builder(&tree_schema)
        .build()
        .expect("the schema is whole");
    measure("apache_avro::Value: read and write", &records, |record| {
        let mut body = &record[FRAME_NUM_BYTES..];
        let tree = reader.read_value(&mut body).expect("it is valid");
        black_box(writer.write_value_to_vec(tree).expect("it can be written"));
    });
}
