use super::*;
use crate::format::Compression;
use crate::retry::RetryPolicy;
use connect_api::config::{ConfigDef, ConfigValue};

const TIME_BASED: &str = "io.confluent.connect.storage.partitioner.TimeBasedPartitioner";

fn validate(config: &ConfigMap) -> Vec<ConfigValue> {
    ConfigDef::new()
        .define_all(&keys::connector_keys())
        .define_all(&keys::key_and_header_keys("p"))
        .define_all(&keys::conditional_write_keys())
        .define_all(&keys::storage_keys())
        .define_all(&keys::partitioner_keys())
        .validate(config)
}

fn read(more: &[(&str, &str)]) -> (Option<SinkSettings>, Vec<Fault>) {
    let mut config = ConfigMap::from_iter([
        ("format.class", " p.format.json.JsonFormat "),
        ("flush.size", "3"),
        ("storage.class", "p.storage.Storage"),
    ]);
    for (key, value) in more {
        config.insert(*key, *value);
    }
    let upload = UploadSettings {
        part_bytes: 1,
        compression: Compression::None,
        retry: RetryPolicy {
            max_retries: 0,
            backoff: Duration::ZERO,
            max_backoff: Duration::ZERO,
        },
    };
    let mut faults = Vec::new();
    let settings = SinkSettings::read(
        Values(&validate(&config)),
        &config,
        "p",
        upload,
        &mut faults,
    );
    (settings, faults)
}

fn fault(more: &[(&str, &str)]) -> Fault {
    let (settings, mut faults) = read(more);
    assert!(settings.is_none());
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.remove(0)
}

#[test]
fn defaults_are_those_of_the_java_connector() {
    let (settings, faults) = read(&[]);
    assert_eq!(faults, []);
    let settings = settings.unwrap();
    assert_eq!(settings.naming.topics_dir, "topics");
    assert_eq!(settings.naming.offset_pad_width, 10);
    assert_eq!(settings.null_values, NullValues::Fail);
    assert_eq!(settings.retry_backoff, Duration::from_secs(5));
    assert_eq!(settings.formats.value.extension(), ".json");
    assert!(!settings.partitioner.is_time_based() && !settings.partitioner.reads_values());
}

#[test]
fn compatibility_is_read_and_an_unknown_one_counts_as_none() {
    for (name, mode) in [
        ("WHATEVER", SchemaCompatibility::None),
        ("BACKWARD", SchemaCompatibility::Backward),
    ] {
        let (settings, faults) = read(&[("schema.compatibility", name)]);
        assert_eq!(faults, []);
        assert_eq!(settings.unwrap().schema_compatibility, mode);
    }
}

#[test]
fn formats_are_read_with_their_codecs() {
    for (class, codec, extension) in [
        ("p.format.avro.AvroFormat", ("avro.codec", "bzip2"), ".avro"),
        (
            "p.format.avro.AvroFormat",
            ("avro.codec", "zstandard"),
            ".avro",
        ),
        (
            "p.format.parquet.ParquetFormat",
            ("parquet.codec", "none"),
            ".parquet",
        ),
        (
            "p.format.parquet.ParquetFormat",
            ("parquet.codec", "gzip"),
            ".gz.parquet",
        ),
    ] {
        let (settings, faults) = read(&[("format.class", class), codec]);
        assert_eq!(faults, []);
        assert_eq!(settings.unwrap().formats.value.extension(), extension);
    }
    let fault = fault(&[
        ("format.class", "p.format.parquet.ParquetFormat"),
        ("parquet.codec", "lzo"),
    ]);
    assert_eq!(
        fault.message,
        "Invalid value lzo for configuration parquet.codec: It is not supported by this version yet; \
         supported: none, snappy, gzip, brotli, lz4, zstd, lz4_raw"
    );
}

#[test]
fn time_based_partitioners_need_their_settings() {
    let (_, faults) = read(&[("partitioner.class", TIME_BASED)]);
    let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "Invalid value -1 for configuration partition.duration.ms: Partition duration needs to be \
             a positive.",
            "Invalid value  for configuration locale: Locale cannot be empty.",
            "Invalid value  for configuration timezone: Timezone cannot be empty.",
            "Invalid value  for configuration path.format: Path format cannot be empty.",
        ]
    );
    let daily = "io.confluent.connect.storage.partitioner.DailyPartitioner";
    let (_, faults) = read(&[("partitioner.class", daily)]);
    let faulty: Vec<&str> = faults.iter().map(|fault| fault.key).collect();
    assert_eq!(faulty, ["locale", "timezone"]);
}

#[test]
fn patterns_are_compiled_and_a_delimiter_at_their_end_is_dropped() {
    let time_based = |pattern: &'static str| {
        [
            ("partitioner.class", TIME_BASED),
            ("partition.duration.ms", "3600000"),
            ("locale", "US"),
            ("timezone", "UTC"),
            ("path.format", pattern),
        ]
    };
    let (settings, faults) = read(&time_based("'y'=YYYY/"));
    assert_eq!(faults, []);
    let settings = settings.unwrap().partitioner.time.unwrap().settings;
    let mut text = String::new();
    settings
        .pattern
        .format(0, &settings.time_zone, &mut text)
        .unwrap();
    assert_eq!(text, "y=1970");

    let fault = fault(&time_based("dt=yyyy-MM-dd"));
    assert_eq!(fault.key, "path.format");
    assert!(
        fault.message.starts_with(
            "Invalid value dt=yyyy-MM-dd for configuration path.format: Illegal pattern component: t. \
             Put fixed letters in single quotes"
        ),
        "{}",
        fault.message
    );
}

#[test]
fn a_schedule_needs_a_zone_and_an_interval_needs_time() {
    let schedule = ("rotate.schedule.interval.ms", "60000");
    assert_eq!(
        fault(&[schedule]).message,
        "Invalid value  for configuration timezone: timezone configuration must be set when using \
         rotate.schedule.interval.ms"
    );
    let (settings, _) = read(&[schedule, ("timezone", "Europe/Zurich")]);
    assert_eq!(
        settings
            .unwrap()
            .rotation
            .schedule
            .as_ref()
            .unwrap()
            .interval_ms,
        60_000
    );
    let (settings, faults) = read(&[("rotate.interval.ms", "60000")]);
    assert_eq!(faults, []);
    assert_eq!(settings.unwrap().rotation.rotate_interval_ms, None);
}

#[test]
fn classes_that_are_not_built_in_are_named_with_those_that_are() {
    for (key, class) in [
        ("format.class", "p.format.orc.OrcFormat"),
        ("format.class", "com.example.Mine"),
        ("partitioner.class", "com.example.Mine"),
    ] {
        let fault = fault(&[(key, class)]);
        assert_eq!(fault.key, key);
        assert!(fault.message.contains(class), "{}", fault.message);
        assert!(fault.message.contains("supported: "), "{}", fault.message);
    }
}

#[test]
fn the_zone_is_checked_by_the_definition() {
    let config = ConfigMap::from_iter([("timezone", "Mars/Olympus")]);
    let values = validate(&config);
    let value = values
        .iter()
        .find(|value| value.name == "timezone")
        .unwrap();
    assert_eq!(
        value.error_messages,
        [
            "Invalid value Mars/Olympus for configuration timezone: The datetime zone id 'Mars/Olympus' \
          is not recognised"
        ]
    );
}

#[test]
fn field_names_have_no_empty_segments() {
    for (field, why) in [
        ("", "Field name cannot be null or empty"),
        (
            "a..b",
            "Field name cannot contain an empty or whitespace-only path segment",
        ),
    ] {
        let fault = fault(&[
            (
                "partitioner.class",
                "io.confluent.connect.storage.partitioner.HourlyPartitioner",
            ),
            ("locale", "en"),
            ("timezone", "UTC"),
            ("timestamp.extractor", "RecordField"),
            ("timestamp.field", field),
        ]);
        assert_eq!(fault.key, "timestamp.field");
        assert!(fault.message.ends_with(why), "{}", fault.message);
    }
}

const PARTITIONERS: &str = "io.confluent.connect.storage.partitioner.";

#[test]
fn fields_are_read_and_a_time_may_stand_behind_them() {
    let class = format!("{PARTITIONERS}FieldPartitioner");
    let (settings, faults) = read(&[
        ("partitioner.class", &class),
        ("partition.field.name", "a.b, c"),
    ]);
    assert_eq!(faults, []);
    let partitioner = settings.unwrap().partitioner;
    assert_eq!(partitioner.fields.unwrap().fields, ["a.b", "c"]);
    assert!(partitioner.time.is_none());

    for class in [
        "com.canelmas.kafka.connect.FieldAndTimeBasedPartitioner",
        "io.confluent.connect.storage.partitioner.FieldAndTimeBasedPartitioner",
    ] {
        let (settings, faults) = read(&[
            ("partitioner.class", class),
            ("partition.field.name", "carrier"),
            ("path.format", "'year'=YYYY"),
            ("partition.duration.ms", "1000"),
            ("locale", "en"),
            ("timezone", "UTC"),
            ("rotate.interval.ms", "5"),
        ]);
        assert_eq!(faults, []);
        let settings = settings.unwrap();
        assert!(settings.partitioner.is_time_based() && settings.partitioner.reads_values());
        assert_eq!(settings.rotation.rotate_interval_ms, Some(5));
    }
}

#[test]
fn a_partitioner_of_fields_needs_their_names() {
    let class = format!("{PARTITIONERS}FieldPartitioner");
    let missing = fault(&[("partitioner.class", &class)]);
    assert_eq!(missing.key, "partition.field.name");
    assert!(
        missing
            .message
            .ends_with("Partition field name cannot be null or empty when using FieldPartitioner."),
        "{}",
        missing.message
    );
    let empty = fault(&[
        ("partitioner.class", &class),
        ("partition.field.name", "a..b"),
    ]);
    assert!(
        empty
            .message
            .ends_with("Field name cannot contain an empty or whitespace-only path segment"),
        "{}",
        empty.message
    );
}

#[test]
fn tombstones_need_keys() {
    let missing = fault(&[("behavior.on.null.values", "write")]);
    assert_eq!(missing.key, "store.kafka.keys");
    assert!(
        missing.message.ends_with(
            "Writing Kafka record keys to storage is mandatory when tombstone writing is enabled."
        ),
        "{}",
        missing.message
    );
    let (settings, faults) = read(&[
        ("behavior.on.null.values", "WRITE"),
        ("store.kafka.keys", "true"),
    ]);
    assert_eq!(faults, []);
    let settings = settings.unwrap();
    assert_eq!(settings.null_values, NullValues::Write);
    assert_eq!(
        settings.rotation.tombstone_partition.as_deref(),
        Some("tombstone")
    );
}

#[test]
fn headers_are_no_bytes() {
    let class = "p.format.bytearray.ByteArrayFormat";
    let refused = fault(&[
        ("store.kafka.headers", "true"),
        ("headers.format.class", class),
    ]);
    assert_eq!(refused.key, "headers.format.class");
    let (settings, faults) = read(&[("store.kafka.keys", "true"), ("keys.format.class", class)]);
    assert_eq!(faults, []);
    assert_eq!(settings.unwrap().formats.keys.unwrap().extension(), ".bin");
}
