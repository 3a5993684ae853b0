use super::*;
use connect_api::data::Schema;
use connect_api::{Record, SinkOrigin, SinkRecord, SystemClock, TimestampType};
use proptest::prelude::*;

fn record(value: Value) -> SinkRecord {
    SinkRecord {
        record: Record {
            topic: "t".into(),
            kafka_partition: Some(0),
            key_schema: None,
            key: Value::Null,
            value_schema: None,
            value,
            timestamp: Some(77),
            headers: Vec::new(),
        },
        origin: SinkOrigin {
            original_topic: "t".into(),
            original_kafka_partition: 2,
            kafka_offset: 9,
            timestamp_type: TimestampType::CreateTime,
        },
    }
}

fn extract(class: &str, field: &str, value: Value) -> Result<Option<i64>> {
    let clock = SystemClock::new(|_| Box::pin(std::future::ready(())));
    let record = record(value);
    timestamp_extractor(class, field)
        .unwrap()
        .extract(RecordRef::Row(&record), &clock)
}

#[test]
fn extractors_go_by_short_and_full_names() {
    for name in TIMESTAMP_EXTRACTORS {
        let full = timestamp_extractor(name, "f").unwrap().class();
        assert_eq!(timestamp_extractor(full, "f").unwrap().class(), full);
    }
    assert!(timestamp_extractor("com.example.Mine", "f").is_none());
}

#[test]
fn record_takes_the_timestamp_of_kafka_and_record_field_that_of_the_value() {
    assert_eq!(extract("Record", "f", Value::Null).unwrap(), Some(77));
    let inner: Map = [("at", Value::string("2024-02-29T12:00:00+01:00"))]
        .into_iter()
        .collect();
    let map: Map = [
        ("ms", Value::Int64(5)),
        ("text", Value::string("123")),
        ("none", Value::Null),
        ("flag", Value::Boolean(true)),
        ("inner", Value::Map(inner)),
    ]
    .into_iter()
    .collect();
    let of = |field| extract("RecordField", field, Value::Map(map.clone()));
    assert_eq!(of("ms").unwrap(), Some(5));
    assert_eq!(of("text").unwrap(), Some(123));
    assert_eq!(of("none").unwrap(), None);
    assert_eq!(of("inner.at").unwrap(), Some(1_709_204_400_000));
    for field in ["missing", "flag", "inner.missing", "ms.deeper", "inner"] {
        let error = of(field).unwrap_err();
        assert_eq!(
            error.message(),
            format!("Error extracting timestamp from record field: {field} (t-2@9)")
        );
        assert_eq!(error.kind(), connect_api::ErrorKind::Data);
    }
    assert!(extract("RecordField", "f", Value::string("x")).is_err());
}

#[test]
fn structs_may_hold_timestamps_numbers_and_texts() {
    let inner = Schema::struct_builder()
        .field("at", Schema::int32())
        .build()
        .unwrap();
    let schema = Schema::struct_builder()
        .field("ts", LogicalType::Timestamp.schema(true))
        .field("ms", Schema::int64())
        .field("text", Schema::string())
        .field("float", Schema::float64())
        .field("inner", inner.clone())
        .build()
        .unwrap();
    let inner = Struct::from_values(inner, vec![Value::Int32(6)]);
    let value = |ts| {
        let values = vec![
            ts,
            Value::Int64(5),
            Value::string("1970-01-01"),
            Value::Float64(1.0),
            Value::Struct(Box::new(inner.clone())),
        ];
        Value::Struct(Box::new(Struct::from_values(schema.clone(), values)))
    };
    let of = |field| extract("RecordField", field, value(Value::Date(4)));
    assert_eq!(of("ts").unwrap(), Some(4));
    assert_eq!(of("ms").unwrap(), Some(5));
    assert_eq!(of("text").unwrap(), Some(0));
    assert_eq!(of("inner.at").unwrap(), Some(6));
    assert!(of("float").is_err() && of("inner").is_err() && of("nothing").is_err());
    assert_eq!(
        extract("RecordField", "ts", value(Value::Null)).unwrap(),
        None
    );
}

#[test]
fn texts_are_milliseconds_or_iso_dates() {
    for (text, ms) in [
        ("0", 0),
        ("-5", -5),
        ("2024", 2024),
        ("2024-02", 1_706_745_600_000),
        ("2024-02-29", 1_709_164_800_000),
        ("2024-060", 1_709_164_800_000),
        ("2024-W09-4", 1_709_164_800_000),
        ("2024-02-29T01", 1_709_168_400_000),
        ("2024-02-29T01:02Z", 1_709_168_520_000),
        ("2024-02-29T01:02:03.4567-08:00", 1_709_197_323_456),
        ("2024-02-29T01:02:03,5+0530", 1_709_148_723_500),
    ] {
        assert_eq!(parse_timestamp(text), Some(ms), "{text}");
    }
    for text in [
        "",
        "-",
        "x",
        "2024-13-01",
        "2024-02-30",
        "2024-02-29T25",
        "2024-02-29T01:02:03x",
        "2024-02-29 01:02",
        "2024-1-1-1",
        "2024-02-29T01:02.5",
        "2024-W",
        "12345678901234567890",
    ] {
        assert_eq!(parse_timestamp(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_timestamp_or_not(text in "\\PC{0,24}|[0-9TZW:+.,-]{0,30}") {
        let _ = parse_timestamp(&text);
    }

    #[test]
    fn what_iso_writes_is_read(ms in -62_135_596_800_000i64..253_402_300_799_999) {
        let text = naive(ms).unwrap().format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        prop_assert_eq!(parse_timestamp(&text), Some(ms), "{}", text);
    }
}
