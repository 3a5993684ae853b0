//! Read back by the `parquet` crate's own reader of records, which knows nothing of the writer's columns.

mod random;

use super::*;
use bytes::Bytes;
use connect_api::data::{Decimal, LogicalType, Map, Schema, SchemaType, Struct};
use connect_api::{Record, SinkOrigin, SinkRecord, TimestampType};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::printer::print_schema;
use proptest::prelude::*;

const CODECS: [(&str, &str); 7] = [
    ("none", ".parquet"),
    ("snappy", ".snappy.parquet"),
    ("gzip", ".gz.parquet"),
    ("brotli", ".br.parquet"),
    ("lz4", ".lz4.parquet"),
    ("zstd", ".zstd.parquet"),
    ("lz4_raw", ".lz4raw.parquet"),
];

fn mapping() -> AvroDataConfig {
    AvroDataConfig {
        enhanced_avro_schema_support: true,
        ..AvroDataConfig::default()
    }
}

fn format(codec: &str) -> ParquetFormat {
    ParquetFormat::new(mapping(), ParquetCodec::from_name(codec).unwrap())
}

fn record(schema: &SchemaRef, value: Value) -> SinkRecord {
    SinkRecord {
        record: Record {
            topic: "t".into(),
            kafka_partition: None,
            key_schema: None,
            key: Value::Null,
            value_schema: Some(schema.clone()),
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

fn structure(schema: &SchemaRef, values: Vec<Value>) -> Value {
    Value::from(Struct::from_values(schema.clone(), values))
}

/// The pieces in which the file was handed out, the last one by `finish`.
fn write(format: &ParquetFormat, schema: &SchemaRef, values: &[Value]) -> Vec<Vec<u8>> {
    let mut writer = format.new_writer(&"t".into(), Some(schema)).unwrap();
    let mut pieces = Vec::new();
    let mut out = Vec::new();
    for value in values {
        let record = record(schema, value.clone());
        writer.write(RecordRef::Row(&record), &mut out).unwrap();
        if !out.is_empty() {
            pieces.push(std::mem::take(&mut out));
        }
    }
    writer.finish(&mut out).unwrap();
    pieces.push(out);
    pieces
}

fn reader(file: Vec<u8>) -> SerializedFileReader<Bytes> {
    SerializedFileReader::new(Bytes::from(file)).unwrap()
}

/// The text of each row.
fn rows(reader: &SerializedFileReader<Bytes>) -> Vec<String> {
    reader
        .get_row_iter(None)
        .unwrap()
        .map(|row| found(&Field::Group(row.unwrap())))
        .collect()
}

fn braced<T: AsRef<str>>(parts: impl IntoIterator<Item = T>) -> String {
    let parts: Vec<String> = parts.into_iter().map(|part| part.as_ref().into()).collect();
    format!("({})", parts.join(" "))
}

/// The text of what a reader finds.
fn found(field: &Field) -> String {
    match field {
        Field::Null => "null".to_string(),
        Field::Bool(value) => value.to_string(),
        Field::Int(value) | Field::Date(value) | Field::TimeMillis(value) => value.to_string(),
        Field::Long(value) | Field::TimestampMillis(value) => value.to_string(),
        Field::Float(value) => format!("{:x}", value.to_bits()),
        Field::Double(value) => format!("{:x}", value.to_bits()),
        Field::Str(text) => format!("{text:?}"),
        Field::Bytes(bytes) => format!("{:x?}", bytes.data()),
        Field::Decimal(decimal) => format!("{:x?}e{}", decimal.data(), decimal.scale()),
        Field::Group(row) => braced(row.get_column_iter().map(|(_, field)| found(field))),
        Field::ListInternal(_) => braced(items_found(field)),
        Field::MapInternal(_) => braced(items_found(field)),
        other => panic!("unexpected {other:?}"),
    }
}

fn entry<T: AsRef<str>>(key: T, value: T) -> String {
    braced([key, value])
}

/// The items of a list, with those of the lists and maps right within it in their place: of lists of two
/// levels the row reader of this crate puts lists into one another once too often, and makes one map of
/// many. How they nest is for the end-to-end test to hold.
fn items_found(field: &Field) -> Vec<String> {
    match field {
        Field::ListInternal(list) => list.elements().iter().flat_map(items_found).collect(),
        Field::MapInternal(map) => {
            let entries = map.entries().iter();
            entries
                .map(|(key, value)| entry(found(key), found(value)))
                .collect()
        }
        other => vec![found(other)],
    }
}

/// The items that must be found for a list, as [`items_found`] has them.
fn items_expected(value: &Value, schema: &SchemaRef) -> Vec<String> {
    match value {
        Value::Array(items) => {
            let schema = schema.value_schema().unwrap().unwrap();
            let items = items.iter();
            items
                .flat_map(|item| items_expected(item, schema))
                .collect()
        }
        Value::Map(map) => {
            let keys = schema.key_schema().unwrap().unwrap();
            let values = schema.value_schema().unwrap().unwrap();
            map.iter()
                .map(|(key, value)| entry(expected(key, keys), expected(value, values)))
                .collect()
        }
        other => vec![expected(other, schema)],
    }
}

/// The text that must be found for a value.
fn expected(value: &Value, schema: &SchemaRef) -> String {
    match value {
        Value::Null => match schema.default_value() {
            Some(default) => expected(default, schema),
            None => "null".to_string(),
        },
        Value::Boolean(value) => value.to_string(),
        Value::Int8(_) | Value::Int16(_) | Value::Int32(_) | Value::Int64(_) => {
            value.as_i64().unwrap().to_string()
        }
        Value::Float32(value) => format!("{:x}", value.to_bits()),
        Value::Float64(value) => format!("{:x}", value.to_bits()),
        Value::String(text) => format!("{:?}", &**text),
        Value::Bytes(bytes) => format!("{:x?}", &bytes[..]),
        Value::Decimal(decimal) => format!("{:x?}e{}", decimal.to_bytes(), decimal.scale),
        Value::Date(ms) => {
            let logical = LogicalType::of(schema).unwrap();
            let number = logical.date_to_number(*ms).unwrap();
            number.as_i64().unwrap().to_string()
        }
        Value::Array(_) => braced(items_expected(value, schema)),
        Value::Map(_) => braced(items_expected(value, schema)),
        Value::Struct(value) => {
            let fields = schema.fields().iter();
            braced(fields.map(|field| expected(value.get_at(field.index), &field.schema)))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn rows_out_are_rows_in(seed in any::<u64>(), num_rows in 1usize..40) {
        let mut dice = random::Dice::new(seed);
        let schema = random::record_schema(&mut dice, 3);
        let values: Vec<Value> = (0..num_rows)
            .map(|_| random::value(&mut dice, &schema))
            .collect();
        let codec = CODECS[seed as usize % CODECS.len()].0;
        let file = write(&format(codec), &schema, &values).concat();
        let expected: Vec<String> = values.iter().map(|value| expected(value, &schema)).collect();
        prop_assert_eq!(rows(&reader(file)), expected);
    }
}

fn schema_text(schema: &SchemaRef, value: Value) -> String {
    let file = write(&format("none"), schema, &[value]).concat();
    let mut text = Vec::new();
    print_schema(&mut text, reader(file).metadata().file_metadata().schema());
    String::from_utf8(text).unwrap()
}

/// What parquet-avro makes of the same schema.
#[test]
fn the_schema_is_the_one_of_parquet_avro() {
    let inner = Schema::struct_builder()
        .name("com.example.Inner")
        .optional()
        .field("x", Schema::int8())
        .build()
        .unwrap();
    let list = |item: SchemaRef| Schema::array_builder(item).build().unwrap();
    let map = Schema::map_builder(Schema::string(), Schema::optional_string());
    let entries = Schema::map_builder(Schema::int32(), Schema::boolean());
    let schema = Schema::struct_builder()
        .name("com.example.Flight")
        .field("i", Schema::int32())
        .field("l", Schema::int64())
        .field("f", Schema::float32())
        .field("d", Schema::float64())
        .field("s", Schema::optional_string())
        .field("b", Schema::bytes())
        .field("dec", Decimal::builder(2).build().unwrap())
        .field("date", LogicalType::Date.schema(true))
        .field("time", LogicalType::Time.schema(false))
        .field("at", LogicalType::Timestamp.schema(false))
        .field("inner", inner)
        .field("list", list(Schema::int16()))
        .field("lists", list(list(Schema::string())))
        .field("map", map.build().unwrap())
        .field("entries", entries.build().unwrap())
        .build()
        .unwrap();
    let value = random::value(&mut random::Dice::new(1), &schema);
    assert_eq!(
        schema_text(&schema, value),
        "\
message com.example.Flight {
  REQUIRED INT32 i;
  REQUIRED INT64 l;
  REQUIRED FLOAT f;
  REQUIRED DOUBLE d;
  OPTIONAL BYTE_ARRAY s (STRING);
  REQUIRED BYTE_ARRAY b;
  REQUIRED BYTE_ARRAY dec (DECIMAL(64,2));
  OPTIONAL INT32 date (DATE);
  REQUIRED INT32 time (TIME(MILLIS,true));
  REQUIRED INT64 at (TIMESTAMP(MILLIS,true));
  OPTIONAL group inner {
    REQUIRED INT32 x;
  }
  REQUIRED group list (LIST) {
    REPEATED INT32 array;
  }
  REQUIRED group lists (LIST) {
    REPEATED group array (LIST) {
      REPEATED BYTE_ARRAY array (STRING);
    }
  }
  REQUIRED group map (MAP) {
    REPEATED group key_value {
      REQUIRED BYTE_ARRAY key (STRING);
      OPTIONAL BYTE_ARRAY value (STRING);
    }
  }
  REQUIRED group entries (LIST) {
    REPEATED group array {
      REQUIRED INT32 key;
      REQUIRED BOOLEAN value;
    }
  }
}
"
    );
}

#[test]
fn lists_have_three_levels_where_items_may_be_null() {
    let list = |item: SchemaRef| Schema::array_builder(item).build().unwrap();
    let schema = Schema::struct_builder()
        .name("R")
        .field("a", list(Schema::optional_string()))
        .field("b", list(Schema::int64()))
        .build()
        .unwrap();
    let items = vec![Value::string("x"), Value::Null];
    let value = structure(&schema, vec![Value::Array(items), Value::Array(Vec::new())]);
    assert_eq!(
        schema_text(&schema, value.clone()),
        "\
message R {
  REQUIRED group a (LIST) {
    REPEATED group list {
      OPTIONAL BYTE_ARRAY element (STRING);
    }
  }
  REQUIRED group b (LIST) {
    REPEATED group list {
      REQUIRED INT64 element;
    }
  }
}
"
    );
    let file = write(&format("snappy"), &schema, &[value]).concat();
    assert_eq!(rows(&reader(file)), ["((\"x\" null) ())"]);
}

#[test]
fn unions_are_groups_of_members() {
    let union = Schema::struct_builder()
        .name("io.confluent.connect.avro.Union")
        .optional()
        .field("string", Schema::optional_string())
        .field("long", random::optional(SchemaType::Int64))
        .build()
        .unwrap();
    let schema = Schema::struct_builder()
        .name("R")
        .field("u", union.clone())
        .build()
        .unwrap();
    let of = |members: Vec<Value>| structure(&schema, vec![structure(&union, members)]);
    let values = [
        of(vec![Value::string("x"), Value::Null]),
        of(vec![Value::Null, Value::Int64(5)]),
        structure(&schema, vec![Value::Null]),
    ];
    let file = write(&format("snappy"), &schema, &values).concat();
    assert_eq!(
        rows(&reader(file)),
        ["((\"x\" null))", "((null 5))", "(null)"]
    );
}

#[test]
fn the_file_names_its_avro_schema_and_codec() {
    let schema = Schema::struct_builder()
        .name("com.example.R")
        .field("x", Schema::int64())
        .build()
        .unwrap();
    for (codec, extension) in CODECS {
        let format = format(codec);
        assert_eq!(format.extension(), extension);
        let file = write(
            &format,
            &schema,
            &[structure(&schema, vec![Value::Int64(7)])],
        );
        let reader = reader(file.concat());
        let metadata = reader.metadata();
        let of_file = metadata.file_metadata().key_value_metadata().unwrap();
        let entries: Vec<(&str, Option<&str>)> = of_file
            .iter()
            .map(|entry| (&*entry.key, entry.value.as_deref()))
            .collect();
        let avro = "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"com.example\",\"fields\":\
            [{\"name\":\"x\",\"type\":\"long\"}],\"connect.name\":\"com.example.R\"}";
        assert_eq!(
            entries,
            [
                ("parquet.avro.schema", Some(avro)),
                ("writer.model.name", Some("avro"))
            ]
        );
        let of_column = metadata.row_group(0).column(0).compression();
        assert_eq!(
            std::mem::discriminant(&of_column),
            std::mem::discriminant(&ParquetCodec::from_name(codec).unwrap().compression)
        );
        assert_eq!(rows(&reader), ["(7)"]);
    }
    assert_eq!(ParquetCodec::from_name("lzo"), None);
}

#[test]
fn full_row_groups_go_out_before_the_file_ends() {
    let schema = Schema::struct_builder()
        .name("R")
        .field("x", Schema::int64())
        .build()
        .unwrap();
    let values: Vec<Value> = (0..100_000i64)
        .map(|x| {
            structure(
                &schema,
                vec![Value::Int64(
                    x.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64),
                )],
            )
        })
        .collect();
    let format = ParquetFormat {
        row_group_bytes: 64 << 10,
        ..format("snappy")
    };
    let pieces = write(&format, &schema, &values);
    assert!(pieces.len() > 5, "{} pieces", pieces.len());
    let reader = reader(pieces.concat());
    assert!(reader.num_row_groups() > 5);
    assert!(
        reader
            .metadata()
            .row_groups()
            .iter()
            .all(|group| group.compressed_size() < 200 << 10),
        "row groups are bounded"
    );
    let expected: Vec<String> = values
        .iter()
        .map(|value| expected(value, &schema))
        .collect();
    assert!(rows(&reader) == expected);
}

#[test]
fn a_row_that_does_not_fit_leaves_nothing_behind() {
    let point = Schema::struct_builder()
        .name("Point")
        .field("x", Schema::int64())
        .field("y", Schema::string())
        .build()
        .unwrap();
    let schema = Schema::struct_builder()
        .name("R")
        .field("name", Schema::optional_string())
        .field(
            "points",
            Schema::array_builder(point.clone()).build().unwrap(),
        )
        .field("last", Schema::int32())
        .build()
        .unwrap();
    let point = |x, y: Value| structure(&point, vec![Value::Int64(x), y]);
    let row = |points: Vec<Value>, last: Value| {
        structure(
            &schema,
            vec![Value::string("n"), Value::Array(points), last],
        )
    };
    let good = row(vec![point(1, Value::string("a"))], Value::Int32(5));
    let mut writer = format("none")
        .new_writer(&"t".into(), Some(&schema))
        .unwrap();
    let mut out = Vec::new();
    for (value, message) in [
        (good.clone(), None),
        (
            row(
                vec![point(2, Value::string("b")), point(3, Value::Int32(0))],
                Value::Int32(6),
            ),
            Some(
                "Field R -> points -> array -> y: Invalid type for STRING: class java.lang.Integer",
            ),
        ),
        (
            row(vec![point(2, Value::string("b"))], Value::Null),
            Some("Field R -> last: null value for a type without null"),
        ),
        (good, None),
    ] {
        let record = record(&schema, value);
        let written = writer.write(RecordRef::Row(&record), &mut out);
        assert_eq!(
            written
                .err()
                .map(|error| error.message().to_string())
                .as_deref(),
            message
        );
    }
    writer.finish(&mut out).unwrap();
    assert_eq!(
        rows(&reader(out)),
        ["(\"n\" ((1 \"a\")) 5)", "(\"n\" ((1 \"a\")) 5)"]
    );
}

#[test]
fn what_has_no_parquet_form_is_refused() {
    let refusal = |schema: Option<SchemaRef>| {
        let writer = format("snappy").new_writer(&"t".into(), schema.as_ref());
        let error = writer.err().expect("a refusal");
        assert_eq!(error.kind(), connect_api::ErrorKind::Data);
        error.message().to_string()
    };
    assert!(refusal(None).starts_with("Avro schema must be a record. The values of topic t"));
    assert!(refusal(Some(Schema::string())).contains("Avro schema must be a record."));
    let empty = Schema::struct_builder().name("E").build().unwrap();
    assert!(refusal(Some(empty)).contains("Cannot write a schema with an empty group"));
}

#[test]
fn an_optional_struct_is_as_good_as_one_that_is_not() {
    let schema = Schema::struct_builder()
        .name("R")
        .optional()
        .field("x", Schema::int64())
        .build()
        .unwrap();
    let value = structure(&schema, vec![Value::Int64(3)]);
    let file = write(&format("snappy"), &schema, &[value]).concat();
    assert_eq!(rows(&reader(file)), ["(3)"]);
}

#[test]
fn defaults_stand_in_for_null() {
    let with_default = Schema::builder(SchemaType::String)
        .optional()
        .default_value("d");
    let schema = Schema::struct_builder()
        .name("R")
        .field("x", with_default.build().unwrap())
        .build()
        .unwrap();
    let file = write(
        &format("none"),
        &schema,
        &[structure(&schema, vec![Value::Null])],
    )
    .concat();
    assert_eq!(rows(&reader(file)), ["(\"d\")"]);
}
