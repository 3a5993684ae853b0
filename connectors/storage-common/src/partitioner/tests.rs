use super::*;
use crate::joda::{DatePattern, Locale};
use crate::time_zone::TimeZone;
use crate::timestamp::timestamp_extractor;
use connect_api::{BytesRecord, PlainType, SystemClock, TimestampType};

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
