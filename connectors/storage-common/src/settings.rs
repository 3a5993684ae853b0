//! The settings of a sink, read from the keys that all stores share.

mod format;
mod partitioner;

pub use partitioner::{PartitionerSettings, TimeSettings};

use crate::keys;
use crate::object_name::ObjectNaming;
use crate::rotation::{RotationSchedule, RotationSettings};
use crate::schema_compatibility::SchemaCompatibility;
use crate::time_zone::TimeZone;
use crate::topic_partition_writer::FileFormats;
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
    pub formats: FileFormats,
    /// What happens when the schema of values changes.
    pub schema_compatibility: SchemaCompatibility,
    /// How objects are uploaded.
    pub upload: UploadSettings,
    /// What happens to records without a value.
    pub null_values: NullValues,
    /// `partitioner.max.open.files`, if there is such a bound.
    pub max_open_files: Option<usize>,
    /// `max.files.scan.limit`, where no object takes the place of another: with
    /// `enable.conditional.writes` and `rotate.schedule.interval.ms`, and neither keys nor headers.
    pub max_files_scan: Option<usize>,
    /// `max.buffered.bytes`, if there is such a bound.
    pub max_buffered_bytes: Option<usize>,
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
    /// Their keys are written, to a folder of their own.
    Write,
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
        let formats = format::read(values, config, package, faults);
        let partitioner = partitioner::read(values, faults);
        let schedule = read_schedule(values, faults);
        let null_values = read_null_values(values, faults);
        let interval_ms = values.number(keys::ROTATE_INTERVAL_MS, -1);
        let rotate_interval_ms = match &partitioner {
            _ if interval_ms <= 0 => None,
            Some(partitioner) if !partitioner.is_time_based() => {
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
        let (Some(formats), Some(partitioner), Some(null_values), true) = (
            formats,
            partitioner,
            null_values,
            faults.len() == num_faults,
        ) else {
            return None;
        };
        let has_objects_beside = formats.keys.is_some() || formats.headers.is_some();
        let never_replaces =
            values.is_true(keys::CONDITIONAL_WRITES) && schedule.is_some() && !has_objects_beside;
        let tombstone_partition = (null_values == NullValues::Write)
            .then(|| values.text(keys::TOMBSTONE_PARTITION).into());
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
                tombstone_partition,
            }),
            partitioner,
            formats,
            schema_compatibility: SchemaCompatibility::from_name(
                values.text(keys::SCHEMA_COMPATIBILITY),
            ),
            upload,
            null_values,
            max_open_files: bound(values, keys::MAX_OPEN_FILES),
            max_files_scan: never_replaces
                .then(|| bound(values, keys::MAX_FILES_SCAN).unwrap_or_default()),
            max_buffered_bytes: bound(values, keys::MAX_BUFFERED_BYTES),
            retry_backoff: Duration::from_millis(u64::try_from(retry_backoff_ms).unwrap_or(0)),
        })
    }
}

/// A number that is a bound if it is greater than zero.
fn bound(values: Values<'_>, key: &str) -> Option<usize> {
    usize::try_from(values.number(key, -1))
        .ok()
        .filter(|bound| *bound > 0)
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
        "write" if values.is_true(keys::STORE_KEYS) => Some(NullValues::Write),
        "write" => {
            faults.push(Fault::invalid(
                keys::STORE_KEYS,
                "false",
                "Writing Kafka record keys to storage is mandatory when tombstone writing is enabled.",
            ));
            None
        }
        // The definition found it before.
        _ => None,
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
