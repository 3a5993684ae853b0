use super::*;
use crate::joda::{DatePattern, Locale};
use crate::time_zone::TimeZone;
use crate::timestamp::timestamp_extractor;
use connect_api::data::{Schema, SchemaRef, Struct, Value};
use connect_api::{
    BytesRecord, PlainType, Record, SinkOrigin, SinkRecord, SystemClock, TimestampType,
};

fn record(partition: i32, timestamp: Option<i64>) -> BytesRecord {
    BytesRecord {
        topic: "t".into(),
        partition,
        offset: 4,
        timestamp,
        timestamp_type: TimestampType::CreateTime,
        key: None,
        value: None,
        headers: Vec::new(),
    }
}

fn clock() -> SystemClock {
    SystemClock::new(|_| Box::pin(std::future::ready(())))
}

fn by_time(pattern: &str, duration_ms: i64, zone: &str) -> TimeBasedPartitioner {
    let settings = TimeBasedSettings {
        duration_ms,
        pattern: DatePattern::compile(pattern, Locale::new("en-US")).unwrap(),
        time_zone: TimeZone::for_id(zone).unwrap(),
    };
    TimeBasedPartitioner::new(
        Arc::new(settings),
        timestamp_extractor("Record", "").unwrap(),
    )
}

#[test]
fn the_default_partitioner_names_the_kafka_partition() {
    let mut partitioner = DefaultPartitioner::default();
    for partition in [3, 3, 12] {
        let record = record(partition, None);
        let record = RecordRef::Bytes(&record, PlainType::Bytes);
        assert_eq!(partitioner.timestamp(record, &clock()).unwrap(), None);
        let encoded = partitioner.encode(record, None).unwrap();
        assert_eq!(&*encoded, format!("partition={partition}"));
    }
}

#[test]
fn time_is_floored_in_local_time_and_spans_share_their_text() {
    let mut partitioner = by_time("'day'=dd/'hour'=HH:mm", 3_600_000, "Asia/Kolkata");
    let record = record(0, Some(1_709_204_400_000));
    let record = RecordRef::Bytes(&record, PlainType::Bytes);
    let timestamp = partitioner.timestamp(record, &clock()).unwrap();
    // 11:00 UTC is 16:30 in India; the hour there begins at 16:00.
    let encoded = partitioner.encode(record, timestamp).unwrap();
    assert_eq!(&*encoded, "day=29/hour=16:00");
    let same = partitioner.encode(record, Some(1_709_204_400_001)).unwrap();
    assert!(Arc::ptr_eq(&encoded, &same));
    let next = partitioner.encode(record, Some(1_709_206_200_000)).unwrap();
    assert_eq!(&*next, "day=29/hour=17:00");
}

#[test]
fn a_record_without_a_timestamp_is_named() {
    let mut partitioner = by_time("yyyy", 1, "UTC");
    let record = record(7, None);
    let error = partitioner
        .timestamp(RecordRef::Bytes(&record, PlainType::Bytes), &clock())
        .unwrap_err();
    assert_eq!(
        error.message(),
        "Unable to determine timestamp using timestamp.extractor io.confluent.connect.storage.\
         partitioner.TimeBasedPartitioner$RecordTimestampExtractor for record: t-7@4"
    );
    let error = partitioner
        .encode(RecordRef::Bytes(&record, PlainType::Bytes), Some(i64::MAX))
        .unwrap_err();
    assert!(
        error.message().starts_with("Error encoding partition."),
        "{error}"
    );
}

fn row(value: impl Into<Value>, schema: SchemaRef) -> SinkRecord {
    SinkRecord {
        record: Record {
            topic: "t".into(),
            kafka_partition: None,
            key_schema: None,
            key: Value::Null,
            value_schema: Some(schema),
            value: value.into(),
            timestamp: Some(0),
            headers: Vec::new(),
        },
        origin: SinkOrigin {
            original_topic: "t".into(),
            original_kafka_partition: 7,
            kafka_offset: 4,
            timestamp_type: TimestampType::CreateTime,
        },
    }
}

/// A flight from an airport, whose struct is null without a name.
fn flight(carrier: Option<&str>, airport: Option<&str>) -> SinkRecord {
    let origin = Schema::struct_builder()
        .field("faa", Schema::optional_string())
        .optional()
        .build()
        .unwrap();
    let schema = Schema::struct_builder()
        .name("Flight")
        .field("flight", Schema::int16())
        .field("carrier", Schema::optional_string())
        .field("late", Schema::boolean())
        .field("distance", Schema::float64())
        .field("origin", origin.clone())
        .build()
        .unwrap();
    let mut value = Struct::new(schema.clone()).unwrap();
    value.put("flight", 1545i16).unwrap();
    value
        .put("carrier", carrier.map_or(Value::Null, Value::string))
        .unwrap();
    value.put("late", true).unwrap();
    value.put("distance", 1400.0).unwrap();
    if let Some(airport) = airport {
        let mut inner = Struct::new(origin).unwrap();
        inner.put("faa", airport).unwrap();
        value.put("origin", inner).unwrap();
    }
    row(value, schema)
}

fn fields(names: &[&str]) -> Arc<FieldSettings> {
    Arc::new(FieldSettings {
        fields: names.iter().map(|name| (*name).to_string()).collect(),
        delim: "/".into(),
    })
}

#[test]
fn fields_become_folders_in_their_order() {
    let names = ["flight", "carrier", "late", "origin.faa"];
    let mut partitioner = FieldPartitioner::new(fields(&names));
    let record = flight(Some("UA"), Some("EWR"));
    let first = partitioner.encode(RecordRef::Row(&record), None).unwrap();
    assert_eq!(&*first, "flight=1545/carrier=UA/late=true/origin.faa=EWR");
    let again = partitioner.encode(RecordRef::Row(&record), None).unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    let record = flight(None, None);
    assert_eq!(
        &*partitioner.encode(RecordRef::Row(&record), None).unwrap(),
        "flight=1545/carrier=null/late=true/origin.faa=null"
    );
}

#[test]
fn fields_that_are_not_there_or_have_no_text_are_named() {
    let refusal = |name: &str, record: &SinkRecord| {
        let mut partitioner = FieldPartitioner::new(fields(&[name]));
        let error = partitioner
            .encode(RecordRef::Row(record), None)
            .unwrap_err();
        assert_eq!(error.kind(), connect_api::ErrorKind::Data);
        error.message().to_string()
    };
    let record = flight(None, None);
    let message = refusal("tail", &record);
    assert!(
        message.starts_with("Field 'tail' is not present in the schema."),
        "{message}"
    );
    let message = refusal("carrier.name", &record);
    assert!(message.contains("'carrier.name'"), "{message}");
    let message = refusal("distance", &record);
    assert!(
        message.starts_with("Error encoding partition.") && message.contains("FLOAT64"),
        "{message}"
    );
    let plain = row("text", Schema::string());
    let message = refusal("flight", &plain);
    assert!(message.contains("no struct (record t-7@4)"), "{message}");
}

#[test]
fn fields_stand_before_the_time() {
    let time = by_time("'year'=YYYY", 1, "UTC");
    let mut partitioner = FieldAndTimeBasedPartitioner::new(fields(&["carrier"]), time);
    let record = flight(Some("UA"), None);
    let record = RecordRef::Row(&record);
    let timestamp = partitioner.timestamp(record, &clock()).unwrap();
    assert_eq!(timestamp, Some(0));
    assert_eq!(
        &*partitioner.encode(record, timestamp).unwrap(),
        "carrier=UA/year=1970"
    );
}

#[test]
fn the_name_of_the_schema_stands_before_or_behind() {
    let named = flight(None, None);
    let unnamed = row("text", Schema::string());
    for (affix, record, expected) in [
        (
            SchemaAffix::Prefix,
            &named,
            "schema_name=Flight/partition=7",
        ),
        (
            SchemaAffix::Suffix,
            &named,
            "partition=7/schema_name=Flight",
        ),
        (
            SchemaAffix::Suffix,
            &unnamed,
            "partition=7/schema_name=null",
        ),
    ] {
        let inner = Box::new(DefaultPartitioner::default());
        let mut partitioner = SchemaPartitioner::new(inner, affix, "/".into());
        let encoded = partitioner.encode(RecordRef::Row(record), None).unwrap();
        assert_eq!(&*encoded, expected);
        let again = partitioner.encode(RecordRef::Row(record), None).unwrap();
        assert!(Arc::ptr_eq(&encoded, &again));
    }
}
