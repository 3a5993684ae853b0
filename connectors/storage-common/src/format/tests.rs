use super::*;
use connect_api::data::{Decimal, LogicalType, Map, Schema, Struct, Value};
use connect_api::json::DecimalFormat;
use connect_api::{BytesRecord, Record, SinkOrigin, SinkRecord, TimestampType};

fn row(schema: Option<SchemaRef>, value: Value) -> SinkRecord {
    SinkRecord {
        record: Record {
            topic: "t".into(),
            kafka_partition: None,
            key_schema: None,
            key: Value::Null,
            value_schema: schema,
            value,
            timestamp: None,
            headers: Vec::new(),
        },
        origin: SinkOrigin {
            original_topic: "t".into(),
            original_kafka_partition: 0,
            kafka_offset: 1,
            timestamp_type: TimestampType::NoTimestampType,
        },
    }
}

fn bytes(value: &'static [u8]) -> BytesRecord {
    BytesRecord {
        topic: "t".into(),
        partition: 0,
        offset: 1,
        timestamp: None,
        timestamp_type: TimestampType::NoTimestampType,
        key: None,
        value: Some(value.into()),
        headers: Vec::new(),
    }
}

fn write(format: &dyn Format, record: RecordRef<'_>) -> Result<String> {
    let mut out = Vec::new();
    let mut writer = format.new_writer(&"t".into(), record.value_schema())?;
    writer.write(record, &mut out)?;
    writer.finish(&mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn json(schema: Option<SchemaRef>, value: Value) -> String {
    let format = JsonFormat::new(DecimalFormat::Base64);
    write(&format, RecordRef::Row(&row(schema, value))).unwrap()
}

#[test]
fn json_is_a_line_for_each_value_without_an_envelope() {
    let map: Map = [("a", Value::Int32(1))].into_iter().collect();
    assert_eq!(json(None, Value::Map(map)), "{\"a\":1}\n");
    assert_eq!(
        json(Some(Schema::string()), Value::string("x\"y")),
        "\"x\\\"y\"\n"
    );
    let decimal = Decimal::builder(2).build().unwrap();
    let schema = Schema::struct_builder()
        .field("at", LogicalType::Timestamp.schema(false))
        .field("price", decimal)
        .build()
        .unwrap();
    let price: Decimal = "12.34".parse().unwrap();
    let values = vec![Value::Date(5), Value::from(price)];
    let value = Value::Struct(Box::new(Struct::from_values(schema.clone(), values)));
    assert_eq!(
        json(Some(schema.clone()), value.clone()),
        "{\"at\":5,\"price\":\"BNI=\"}\n"
    );
    let numeric = JsonFormat::new(DecimalFormat::Numeric);
    let row = row(Some(schema), value);
    assert_eq!(
        write(&numeric, RecordRef::Row(&row)).unwrap(),
        "{\"at\":5,\"price\":12.34}\n"
    );
}

#[test]
fn dates_outside_of_structs_are_milliseconds() {
    let map: Map = [("at", Value::Date(86_400_000))].into_iter().collect();
    assert_eq!(json(None, Value::Map(map)), "{\"at\":86400000}\n");
    let day = LogicalType::Date.schema(false);
    assert_eq!(json(Some(day), Value::Date(86_400_000)), "86400000\n");
}

#[test]
fn json_of_plain_bytes_is_that_of_their_value() {
    let format = JsonFormat::new(DecimalFormat::Base64);
    let record = bytes(b"x\ty");
    assert_eq!(
        write(&format, RecordRef::Bytes(&record, PlainType::String)).unwrap(),
        "\"x\\ty\"\n"
    );
    assert_eq!(
        write(&format, RecordRef::Bytes(&record, PlainType::Bytes)).unwrap(),
        "\"eAl5\"\n"
    );
}

#[test]
fn bytes_are_followed_by_the_separator_as_it_was_written() {
    for separator in ["\n", "", " ; ", "\r\n"] {
        let format = ByteArrayFormat::new(".txt", separator);
        assert_eq!(format.extension(), ".txt");
        let expected = format!("abc{separator}");
        let record = bytes(b"abc");
        let as_bytes = RecordRef::Bytes(&record, PlainType::Bytes);
        assert_eq!(write(&format, as_bytes).unwrap(), expected);
        let row = row(
            Some(Schema::optional_bytes()),
            Value::Bytes(b"abc"[..].into()),
        );
        assert_eq!(write(&format, RecordRef::Row(&row)).unwrap(), expected);
    }
}

#[test]
fn byte_array_format_takes_nothing_but_bytes() {
    let format = ByteArrayFormat::new(".bin", "\n");
    let record = bytes(b"abc");
    let text = row(Some(Schema::string()), Value::string("abc"));
    for record in [
        RecordRef::Bytes(&record, PlainType::String),
        RecordRef::Row(&text),
    ] {
        let error = write(&format, record).unwrap_err();
        assert_eq!(error.kind(), connect_api::ErrorKind::Data);
        let expected = "Invalid schema type for ByteArrayConverter: STRING (record t-0@1)";
        assert!(error.message().starts_with(expected), "{error}");
    }
    let number = row(None, Value::Int64(1));
    let error = write(&format, RecordRef::Row(&number)).unwrap_err();
    assert!(error.message().contains("class java.lang.Long"), "{error}");
}

fn avro(codec: &str, schema: Option<SchemaRef>, values: Vec<Value>) -> Vec<u8> {
    let mapping = connect_avro::AvroDataConfig::default();
    let format = AvroFormat::new(mapping, connect_avro::Codec::from_name(codec).unwrap());
    assert_eq!(format.extension(), ".avro");
    let mut writer = format.new_writer(&"t".into(), schema.as_ref()).unwrap();
    let mut out = Vec::new();
    for value in values {
        let record = row(schema.clone(), value);
        writer.write(RecordRef::Row(&record), &mut out).unwrap();
    }
    writer.finish(&mut out).unwrap();
    out
}

#[test]
fn avro_files_hold_values_under_the_schema_of_the_first() {
    use apache_avro::types::Value as Read;
    let schema = Schema::struct_builder()
        .field("id", Schema::int64())
        .build()
        .unwrap();
    let value = |id| Value::from(Struct::from_values(schema.clone(), vec![Value::Int64(id)]));
    for codec in ["null", "deflate", "snappy", "bzip2", "zstandard"] {
        let file = avro(codec, Some(schema.clone()), vec![value(1), value(2)]);
        let reader = apache_avro::Reader::new(&file[..]).unwrap();
        assert!(
            reader
                .writer_schema()
                .canonical_form()
                .contains("io.confluent.connect.avro.ConnectDefault")
        );
        let read: Vec<Read> = reader.map(|value| value.unwrap()).collect();
        let expected = |id| Read::Record(vec![("id".to_string(), Read::Long(id))]);
        assert_eq!(read, [expected(1), expected(2)]);
        // A replay writes the same bytes.
        assert_eq!(
            file,
            avro(codec, Some(schema.clone()), vec![value(1), value(2)])
        );
    }
    let file = avro("null", Some(Schema::int32()), vec![Value::Int32(5)]);
    let reader = apache_avro::Reader::new(&file[..]).unwrap();
    let read: Vec<Read> = reader.map(|value| value.unwrap()).collect();
    assert_eq!(read, [Read::Int(5)]);
}

#[test]
fn formats_of_rows_refuse_plain_bytes() {
    let mapping = connect_avro::AvroDataConfig::default();
    let format = AvroFormat::new(mapping, connect_avro::Codec::Null);
    let record = bytes(b"abc");
    let mut writer = format.new_writer(&"t".into(), None).unwrap();
    let error = writer
        .write(RecordRef::Bytes(&record, PlainType::Bytes), &mut Vec::new())
        .unwrap_err();
    assert!(error.message().contains("takes rows only"), "{error}");
}
