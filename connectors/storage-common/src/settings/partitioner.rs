//! Which partitioner, with its settings.

use super::{Fault, Values};
use crate::joda::{DatePattern, Locale};
use crate::keys;
use crate::partitioner::{
    DefaultPartitioner, FieldAndTimeBasedPartitioner, FieldPartitioner, FieldSettings,
    PARTITIONER_PACKAGE, Partitioner, SchemaAffix, SchemaPartitioner, TimeBasedPartitioner,
    TimeBasedSettings,
};
use crate::time_zone::TimeZone;
use crate::timestamp::{TIMESTAMP_EXTRACTORS, timestamp_extractor};
use connect_api::config::ConfigData;
use std::sync::Arc;

/// Which partitioner, with its settings.
#[derive(Clone, Default)]
pub struct PartitionerSettings {
    /// The fields of `FieldPartitioner`.
    pub fields: Option<Arc<FieldSettings>>,
    /// The time of `TimeBasedPartitioner` and its like. With neither it is `DefaultPartitioner`.
    pub time: Option<TimeSettings>,
    /// A folder with the name of the schema, and `directory.delim`.
    pub schema_affix: Option<(SchemaAffix, String)>,
}

/// How folders go by time.
#[derive(Clone)]
pub struct TimeSettings {
    pub(super) settings: Arc<TimeBasedSettings>,
    /// `timestamp.extractor`.
    extractor: String,
    /// `timestamp.field`.
    field: String,
}

impl TimeSettings {
    fn new_partitioner(&self) -> Option<TimeBasedPartitioner> {
        let extractor = timestamp_extractor(&self.extractor, &self.field)?;
        Some(TimeBasedPartitioner::new(self.settings.clone(), extractor))
    }
}

impl PartitionerSettings {
    /// A partitioner for one Kafka partition.
    pub fn new_partitioner(&self) -> Box<dyn Partitioner> {
        let time = self.time.as_ref().and_then(TimeSettings::new_partitioner);
        let partitioner: Box<dyn Partitioner> = match (&self.fields, time) {
            (Some(fields), Some(time)) => {
                Box::new(FieldAndTimeBasedPartitioner::new(fields.clone(), time))
            }
            (Some(fields), None) => Box::new(FieldPartitioner::new(fields.clone())),
            (None, Some(time)) => Box::new(time),
            (None, None) => Box::new(DefaultPartitioner::default()),
        };
        match &self.schema_affix {
            Some((affix, delim)) => {
                Box::new(SchemaPartitioner::new(partitioner, *affix, delim.clone()))
            }
            None => partitioner,
        }
    }

    /// Whether it knows the time of records.
    pub fn is_time_based(&self) -> bool {
        self.time.is_some()
    }

    /// Whether it looks into values.
    pub fn reads_values(&self) -> bool {
        self.fields.is_some()
            || self.time.as_ref().is_some_and(|time| {
                timestamp_extractor(&time.extractor, &time.field)
                    .is_some_and(|extractor| extractor.reads_values())
            })
    }
}

const PARTITIONERS: &str = "DefaultPartitioner, FieldPartitioner, TimeBasedPartitioner, \
    DailyPartitioner, HourlyPartitioner, FieldAndTimeBasedPartitioner";

/// Under this name users have fields and time together today.
const WIDESPREAD_FIELD_AND_TIME: &str = "com.canelmas.kafka.connect.FieldAndTimeBasedPartitioner";

pub(super) fn read(values: Values<'_>, faults: &mut Vec<Fault>) -> Option<PartitionerSettings> {
    const DAY_MS: i64 = 86_400_000;
    const HOUR_MS: i64 = 3_600_000;
    let class = values.text(keys::PARTITIONER_CLASS);
    let delim = values.text(keys::DIRECTORY_DELIM);
    let simple = match class {
        WIDESPREAD_FIELD_AND_TIME => Some("FieldAndTimeBasedPartitioner"),
        _ => class.strip_prefix(PARTITIONER_PACKAGE),
    };
    let own_time = || {
        (
            values.text(keys::PATH_FORMAT).to_string(),
            values.number(keys::PARTITION_DURATION_MS, -1),
        )
    };
    let mut settings = PartitionerSettings::default();
    let (pattern, duration_ms) = match simple {
        Some("DefaultPartitioner") => return Some(settings),
        Some("FieldPartitioner") => {
            settings.fields = Some(read_fields(values, faults)?);
            return Some(settings);
        }
        Some("FieldAndTimeBasedPartitioner") => {
            settings.fields = Some(read_fields(values, faults)?);
            own_time()
        }
        Some("TimeBasedPartitioner") => own_time(),
        Some("DailyPartitioner") => (
            format!("'year'=YYYY{delim}'month'=MM{delim}'day'=dd"),
            DAY_MS,
        ),
        Some("HourlyPartitioner") => (
            format!("'year'=YYYY{delim}'month'=MM{delim}'day'=dd{delim}'hour'=HH"),
            HOUR_MS,
        ),
        _ => {
            faults.push(Fault::invalid(
                keys::PARTITIONER_CLASS,
                class,
                format!(
                    "Class {class} could not be found; supported: {PARTITIONERS} of \
                     io.confluent.connect.storage.partitioner"
                ),
            ));
            return None;
        }
    };
    settings.time = Some(read_time(values, &pattern, duration_ms, faults)?);
    Some(settings)
}

fn read_fields(values: Values<'_>, faults: &mut Vec<Fault>) -> Option<Arc<FieldSettings>> {
    let fields = match values.get(keys::PARTITION_FIELD_NAME) {
        Some(ConfigData::List(fields)) => fields.clone(),
        _ => Vec::new(),
    };
    let num_faults = faults.len();
    if fields.is_empty() {
        faults.push(Fault::invalid(
            keys::PARTITION_FIELD_NAME,
            "[]",
            "Partition field name cannot be null or empty when using FieldPartitioner.",
        ));
    }
    for field in &fields {
        check_field_name(keys::PARTITION_FIELD_NAME, field, faults);
    }
    (faults.len() == num_faults).then(|| {
        Arc::new(FieldSettings {
            fields,
            delim: values.text(keys::DIRECTORY_DELIM).to_string(),
        })
    })
}

fn read_time(
    values: Values<'_>,
    pattern: &str,
    duration_ms: i64,
    faults: &mut Vec<Fault>,
) -> Option<TimeSettings> {
    let num_faults = faults.len();
    if duration_ms <= 0 {
        faults.push(Fault::invalid(
            keys::PARTITION_DURATION_MS,
            &duration_ms.to_string(),
            "Partition duration needs to be a positive.",
        ));
    }
    let delim = values.text(keys::DIRECTORY_DELIM);
    let locale = values.text(keys::LOCALE);
    let time_zone = values.text(keys::TIMEZONE);
    for (key, value, what) in [
        (keys::LOCALE, locale, "Locale cannot be empty."),
        (keys::TIMEZONE, time_zone, "Timezone cannot be empty."),
    ] {
        // A zone that is not empty was checked by the definition.
        if value.is_empty() && !(key == keys::TIMEZONE && values.get(key).is_none()) {
            faults.push(Fault::invalid(key, value, what));
        }
    }
    let compiled = if pattern.is_empty() || pattern == delim {
        Err("Path format cannot be empty.".to_string())
    } else {
        let trimmed = (!delim.is_empty())
            .then(|| pattern.strip_suffix(delim))
            .flatten();
        DatePattern::compile(trimmed.unwrap_or(pattern), Locale::new(locale))
    };
    let compiled = match compiled {
        Ok(compiled) => Some(compiled),
        Err(why) => {
            faults.push(Fault::invalid(keys::PATH_FORMAT, pattern, why));
            None
        }
    };
    let extractor = values.text(keys::TIMESTAMP_EXTRACTOR);
    let field = values.text(keys::TIMESTAMP_FIELD);
    if timestamp_extractor(extractor, field).is_none() {
        faults.push(Fault::invalid(
            keys::TIMESTAMP_EXTRACTOR,
            extractor,
            format!(
                "Class {extractor} could not be found; supported: {}",
                TIMESTAMP_EXTRACTORS.join(", ")
            ),
        ));
    } else if extractor.contains("RecordField") {
        check_field_name(keys::TIMESTAMP_FIELD, field, faults);
    }
    let time_zone = TimeZone::for_id(time_zone).ok()?;
    let pattern = compiled?;
    (faults.len() == num_faults).then(|| TimeSettings {
        settings: Arc::new(TimeBasedSettings {
            duration_ms,
            pattern,
            time_zone,
        }),
        extractor: extractor.to_string(),
        field: field.to_string(),
    })
}

fn check_field_name(key: &'static str, field: &str, faults: &mut Vec<Fault>) {
    let why = if field.trim().is_empty() {
        "Field name cannot be null or empty"
    } else if field.split('.').any(|segment| segment.trim().is_empty()) {
        "Field name cannot contain an empty or whitespace-only path segment"
    } else {
        return;
    };
    faults.push(Fault::invalid(key, field, why));
}
