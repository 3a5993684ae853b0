//! The settings of a sink, read from the keys that all stores share.

mod format;

use crate::format::Format;
use crate::joda::{DatePattern, Locale};
use crate::keys;
use crate::object_name::ObjectNaming;
use crate::partitioner::{
    DefaultPartitioner, PARTITIONER_PACKAGE, Partitioner, TimeBasedPartitioner, TimeBasedSettings,
};
use crate::rotation::{RotationSchedule, RotationSettings};
use crate::schema_compatibility::SchemaCompatibility;
use crate::time_zone::TimeZone;
use crate::timestamp::{TIMESTAMP_EXTRACTORS, timestamp_extractor};
use crate::upload::UploadSettings;
use connect_api::ConnectError;
use connect_api::config::{ConfigData, ConfigMap};
use std::sync::Arc;
use std::time::Duration;

/// Everything that a sink task goes by.
#[derive(Clone)]
pub struct SinkSettings {
    /// How objects are named.
    pub naming: ObjectNaming,
    /// When files are committed.
    pub rotation: Arc<RotationSettings>,
    /// Which file a record belongs to.
    pub partitioner: PartitionerSettings,
    /// What files look like.
    pub format: Arc<dyn Format>,
    /// What happens when the schema of values changes.
    pub schema_compatibility: SchemaCompatibility,
    /// How objects are uploaded.
    pub upload: UploadSettings,
    /// What happens to records without a value.
    pub null_values: NullValues,
    /// `retry.backoff.ms`: the pause before a partition is read again.
    pub retry_backoff: Duration,
}

/// `behavior.on.null.values`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullValues {
    /// The task fails.
    Fail,
    /// They are left out.
    Ignore {
        /// `report.null.values.to.dlq`: and reported, where the user asked for reports.
        report: bool,
    },
}

/// A fault of one key, found by looking at several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key.
    pub key: &'static str,
    /// The whole message.
    pub message: String,
}

impl Fault {
    /// `Invalid value V for configuration K: WHY`.
    pub fn invalid(key: &'static str, value: &str, why: impl AsRef<str>) -> Self {
        Self {
            key,
            message: format!(
                "Invalid value {value} for configuration {key}: {}",
                why.as_ref()
            ),
        }
    }

    /// A value that is right and that this version does not know how to obey.
    pub fn unsupported(key: &'static str, value: &str, supported: &str) -> Self {
        Self::invalid(
            key,
            value,
            format!("It is not supported by this version yet; supported: {supported}"),
        )
    }
}

/// One error of all faults.
pub fn faults_to_error(faults: &[Fault]) -> ConnectError {
    let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
    ConnectError::config(messages.join("\n"))
}

/// Which partitioner, with its settings.
#[derive(Clone)]
pub enum PartitionerSettings {
    /// `DefaultPartitioner`.
    Default,
    /// `TimeBasedPartitioner`, `DailyPartitioner` and `HourlyPartitioner`.
    TimeBased {
        /// Its settings.
        settings: Arc<TimeBasedSettings>,
        /// `timestamp.extractor`.
        extractor: String,
        /// `timestamp.field`.
        field: String,
    },
}

impl PartitionerSettings {
    /// A partitioner for one Kafka partition.
    pub fn new_partitioner(&self) -> Box<dyn Partitioner> {
        match self {
            Self::TimeBased {
                settings,
                extractor,
                field,
            } if let Some(extractor) = timestamp_extractor(extractor, field) => {
                Box::new(TimeBasedPartitioner::new(settings.clone(), extractor))
            }
            _ => Box::new(DefaultPartitioner::default()),
        }
    }

    /// Whether it looks into values.
    pub fn reads_values(&self) -> bool {
        match self {
            Self::Default => false,
            Self::TimeBased {
                extractor, field, ..
            } => timestamp_extractor(extractor, field)
                .is_some_and(|extractor| extractor.reads_values()),
        }
    }
}

/// The outcome of a validation by key, for checks that need several keys.
#[derive(Clone, Copy)]
pub struct Values<'a>(pub &'a [connect_api::config::ConfigValue]);

impl<'a> Values<'a> {
    /// The value of a key; `None` if it is null, or wrong and said to be so already.
    pub fn get(self, key: &str) -> Option<&'a ConfigData> {
        self.0
            .iter()
            .find(|value| value.name == key)?
            .value
            .as_ref()
    }

    /// A text or class name; empty if there is none.
    pub fn text(self, key: &str) -> &'a str {
        match self.get(key) {
            Some(ConfigData::String(text) | ConfigData::Class(text)) => text,
            _ => "",
        }
    }

    /// A number, or what stands in for it.
    pub fn number(self, key: &str, otherwise: i64) -> i64 {
        match self.get(key) {
            Some(ConfigData::Long(number)) => *number,
            _ => otherwise,
        }
    }

    /// Whether it is `true`.
    pub fn is_true(self, key: &str) -> bool {
        matches!(self.get(key), Some(ConfigData::Boolean(true)))
    }
}

const PARTITIONERS: &str =
    "DefaultPartitioner, TimeBasedPartitioner, DailyPartitioner, HourlyPartitioner";

impl SinkSettings {
    /// Reads the shared keys; every fault is added to `faults`. `None` if there was one. `package` is
    /// that of the store's classes, for example `io.confluent.connect.s3`.
    pub fn read(
        values: Values<'_>,
        config: &ConfigMap,
        package: &str,
        upload: UploadSettings,
        faults: &mut Vec<Fault>,
    ) -> Option<Self> {
        let num_faults = faults.len();
        let format = format::read(values, config, package, faults);
        let partitioner = read_partitioner(values, faults);
        let schedule = read_schedule(values, faults);
        let null_values = read_null_values(values, faults);
        let interval_ms = values.number(keys::ROTATE_INTERVAL_MS, -1);
        let rotate_interval_ms = match &partitioner {
            _ if interval_ms <= 0 => None,
            Some(PartitionerSettings::Default) => {
                tracing::warn!(
                    "Property 'rotate.interval.ms' is set to '{interval_ms}ms' but the partitioner is \
                     not time-based. It is ignored"
                );
                None
            }
            _ => Some(interval_ms),
        };
        let pad_width = values.number(keys::OFFSET_PAD_WIDTH, 10);
        let retry_backoff_ms = values.number(keys::RETRY_BACKOFF_MS, 5000);
        let (Some(format), Some(partitioner), Some(null_values), true) =
            (format, partitioner, null_values, faults.len() == num_faults)
        else {
            return None;
        };
        Some(Self {
            naming: ObjectNaming {
                topics_dir: values.text(keys::TOPICS_DIR).to_string(),
                directory_delim: values.text(keys::DIRECTORY_DELIM).to_string(),
                file_delim: values.text(keys::FILE_DELIM).to_string(),
                offset_pad_width: usize::try_from(pad_width).unwrap_or(0),
            },
            rotation: Arc::new(RotationSettings {
                flush_size: values.number(keys::FLUSH_SIZE, 1),
                rotate_interval_ms,
                rotate_on_partition_change: values.is_true(keys::ROTATE_ON_PARTITION_CHANGE),
                schedule,
            }),
            partitioner,
            format,
            schema_compatibility: SchemaCompatibility::from_name(
                values.text(keys::SCHEMA_COMPATIBILITY),
            ),
            upload,
            null_values,
            retry_backoff: Duration::from_millis(u64::try_from(retry_backoff_ms).unwrap_or(0)),
        })
    }
}

fn read_partitioner(values: Values<'_>, faults: &mut Vec<Fault>) -> Option<PartitionerSettings> {
    let class = values.text(keys::PARTITIONER_CLASS);
    const DAY_MS: i64 = 86_400_000;
    const HOUR_MS: i64 = 3_600_000;
    let delim = values.text(keys::DIRECTORY_DELIM);
    let (pattern, duration_ms) = match class.strip_prefix(PARTITIONER_PACKAGE) {
        Some("DefaultPartitioner") => return Some(PartitionerSettings::Default),
        Some("TimeBasedPartitioner") => (
            values.text(keys::PATH_FORMAT).to_string(),
            values.number(keys::PARTITION_DURATION_MS, -1),
        ),
        Some("DailyPartitioner") => (
            format!("'year'=YYYY{delim}'month'=MM{delim}'day'=dd"),
            DAY_MS,
        ),
        Some("HourlyPartitioner") => (
            format!("'year'=YYYY{delim}'month'=MM{delim}'day'=dd{delim}'hour'=HH"),
            HOUR_MS,
        ),
        Some("FieldPartitioner") => {
            faults.push(Fault::unsupported(
                keys::PARTITIONER_CLASS,
                class,
                PARTITIONERS,
            ));
            return None;
        }
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
    read_time_based(values, &pattern, duration_ms, faults)
}

fn read_time_based(
    values: Values<'_>,
    pattern: &str,
    duration_ms: i64,
    faults: &mut Vec<Fault>,
) -> Option<PartitionerSettings> {
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
    (faults.len() == num_faults).then(|| PartitionerSettings::TimeBased {
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

fn read_schedule(values: Values<'_>, faults: &mut Vec<Fault>) -> Option<RotationSchedule> {
    let interval_ms = values.number(keys::ROTATE_SCHEDULE_INTERVAL_MS, -1);
    if interval_ms <= 0 {
        return None;
    }
    let id = values.text(keys::TIMEZONE);
    if id.is_empty() {
        if values.get(keys::TIMEZONE).is_some() {
            faults.push(Fault::invalid(
                keys::TIMEZONE,
                id,
                "timezone configuration must be set when using rotate.schedule.interval.ms",
            ));
        }
        return None;
    }
    let time_zone = TimeZone::for_id(id).ok()?;
    Some(RotationSchedule {
        interval_ms,
        time_zone,
    })
}

fn read_null_values(values: Values<'_>, faults: &mut Vec<Fault>) -> Option<NullValues> {
    let text = values.text(keys::NULL_VALUES);
    match text.to_ascii_lowercase().as_str() {
        "fail" => Some(NullValues::Fail),
        "ignore" => Some(NullValues::Ignore {
            report: values.is_true(keys::REPORT_NULL_VALUES),
        }),
        "write" => {
            faults.push(Fault::unsupported(keys::NULL_VALUES, text, "fail, ignore"));
            None
        }
        // The definition found it before.
        _ => None,
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
