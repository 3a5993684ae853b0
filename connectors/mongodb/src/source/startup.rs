//! Where a source begins when no offset is stored.

use super::keys;
use crate::bson::{parse_document, parse_iso};
use crate::config::{Fault, Values, parse_json_array};
use bson::{Bson, Document, Timestamp};
use connect_api::config::ConfigMap;
use fancy_regex::Regex;
use std::sync::Arc;

/// Where a source begins.
#[derive(Clone, Debug)]
pub enum StartupMode {
    /// With the next change.
    Latest,
    /// With the changes since a moment; without one with the next.
    Timestamp(Option<Timestamp>),
    /// With all documents that are there.
    CopyExisting(CopySettings),
}

/// How existing documents are copied.
#[derive(Clone, Debug, Default)]
pub struct CopySettings {
    /// How many collections are copied at once.
    pub max_threads: usize,
    /// How many documents may wait.
    pub queue_size: usize,
    /// Stages before those of `pipeline`.
    pub pipeline: Vec<Document>,
    /// What namespaces must hold to be copied.
    pub namespace_regex: Option<Arc<Regex>>,
    /// Whether the server may use its disk.
    pub allow_disk_use: bool,
    /// Whether a copy goes on in the middle after a restart.
    pub is_restartable: bool,
}

/// The chunks of `startup.mode.copy.existing.queue.size` documents.
const NUM_CHUNKS: usize = 4;

/// The stages that leave documents one by one, with their ids.
const STAGES_OF_RESTARTABLE_COPIES: &[&str] =
    &["$match", "$project", "$addFields", "$set", "$unset"];

impl StartupMode {
    /// Reads the settings of values that the definition found without fault.
    pub(super) fn read(
        config: &ConfigMap,
        values: Values<'_>,
        faults: &mut Vec<Fault>,
    ) -> Option<Self> {
        let mode = values.text(keys::STARTUP_MODE).to_ascii_lowercase();
        match mode.as_str() {
            "timestamp" => {
                let text = values.text(keys::START_AT_OPERATION_TIME);
                let moment = (!text.is_empty()).then(|| parse_operation_time(text));
                match moment.transpose() {
                    Ok(moment) => Some(Self::Timestamp(moment)),
                    Err(why) => {
                        faults.push(Fault::invalid(keys::START_AT_OPERATION_TIME, text, &why));
                        None
                    }
                }
            }
            "copy_existing" => CopySettings::read(config, values, faults).map(Self::CopyExisting),
            "" if values.is_true(keys::OLD_COPY) => {
                CopySettings::read(config, values, faults).map(Self::CopyExisting)
            }
            _ => Some(Self::Latest),
        }
    }
}

impl CopySettings {
    fn read(config: &ConfigMap, values: Values<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        // The old key counts where the new one is not written.
        let either = |new: &'static str, old: &'static str| match config.contains_key(new) {
            true => new,
            false => old,
        };
        let number = |key| usize::try_from(values.number(key)).unwrap_or(1).max(1);
        let before = faults.len();
        let pipeline_key = either(keys::COPY_PIPELINE, keys::OLD_COPY_PIPELINE);
        let pipeline = read_pipeline(values, pipeline_key, faults);
        let is_restartable = values.is_true(keys::COPY_RESTARTABLE);
        let is_allowed = |stage: &Document| {
            let mut names = stage.keys();
            names.all(|name| STAGES_OF_RESTARTABLE_COPIES.contains(&name.as_str()))
        };
        if is_restartable && !pipeline.iter().all(is_allowed) {
            let why = format!(
                "With {}=true it may have these stages: {}",
                keys::COPY_RESTARTABLE,
                STAGES_OF_RESTARTABLE_COPIES.join(", ")
            );
            faults.push(Fault::invalid(
                pipeline_key,
                values.text(pipeline_key),
                &why,
            ));
        }
        let regex_key = either(keys::COPY_NAMESPACE_REGEX, keys::OLD_COPY_NAMESPACE_REGEX);
        let namespace_regex = match values.text(regex_key) {
            "" => None,
            text => match Regex::new(text) {
                Ok(regex) => Some(Arc::new(regex)),
                Err(error) => {
                    let why = format!("Invalid regex: {error}");
                    faults.push(Fault::invalid(regex_key, text, &why));
                    None
                }
            },
        };
        (faults.len() == before).then(|| Self {
            max_threads: match either(keys::COPY_MAX_THREADS, keys::OLD_COPY_MAX_THREADS) {
                key if values.get(key).is_some() => number(key),
                _ => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            },
            queue_size: number(either(keys::COPY_QUEUE_SIZE, keys::OLD_COPY_QUEUE_SIZE)),
            pipeline,
            namespace_regex,
            allow_disk_use: values.is_true(either(
                keys::COPY_ALLOW_DISK_USE,
                keys::OLD_COPY_ALLOW_DISK_USE,
            )),
            is_restartable,
        })
    }

    /// How many documents are handed on at once.
    pub(super) fn chunk_len(&self, max_batch_size: usize) -> usize {
        (self.queue_size / NUM_CHUNKS).clamp(1, max_batch_size)
    }
}

/// The stages of a key.
pub(super) fn read_pipeline(
    values: Values<'_>,
    key: &str,
    faults: &mut Vec<Fault>,
) -> Vec<Document> {
    let text = values.text(key);
    parse_json_array(text).unwrap_or_else(|_| {
        faults.push(Fault::invalid(key, text, "Not a valid JSON array"));
        Vec::new()
    })
}

/// Reads a moment: seconds, a date, or a BSON timestamp.
pub fn parse_operation_time(text: &str) -> Result<Timestamp, String> {
    let at = |seconds: i32| Timestamp {
        // A negative number stands for its bits, as in Java.
        time: seconds as u32,
        increment: 0,
    };
    if let Ok(seconds) = text.parse::<i32>() {
        return Ok(at(seconds));
    }
    if text.contains(['T', 't'])
        && let Some(ms) = parse_iso(text)
        && let Ok(seconds) = i32::try_from(ms.div_euclid(1000))
    {
        if ms.rem_euclid(1000) != 0 {
            tracing::warn!(
                "{}={text} is cut to the second",
                keys::START_AT_OPERATION_TIME
            );
        }
        return Ok(at(seconds));
    }
    if let Ok(document) = parse_document(&format!("{{v: {text}}}"))
        && let Some(Bson::Timestamp(timestamp)) = document.get("v")
    {
        return Ok(*timestamp);
    }
    Err(
        "Must be either an integer number of seconds since the Epoch in the decimal format (example: \
         30), or an instant in the ISO-8601 format with one second precision (example: \
         '1970-01-01T00:00:30Z'), or a BSON Timestamp in the canonical extended JSON (v2) format \
         (example: '{\"$timestamp\": {\"t\": 30, \"i\": 0}}')."
            .into(),
    )
}

/// Tells of deprecated keys, and of those that a newer one leaves without effect.
pub(super) fn deprecation_warnings(config: &ConfigMap) -> Vec<String> {
    let twins = [
        (keys::OLD_COPY, keys::STARTUP_MODE),
        (keys::OLD_COPY_MAX_THREADS, keys::COPY_MAX_THREADS),
        (keys::OLD_COPY_QUEUE_SIZE, keys::COPY_QUEUE_SIZE),
        (keys::OLD_COPY_PIPELINE, keys::COPY_PIPELINE),
        (keys::OLD_COPY_NAMESPACE_REGEX, keys::COPY_NAMESPACE_REGEX),
        (keys::OLD_COPY_ALLOW_DISK_USE, keys::COPY_ALLOW_DISK_USE),
    ];
    twins
        .iter()
        .filter(|(old, _)| config.contains_key(old))
        .map(|(old, new)| match config.contains_key(new) {
            true => format!("The key {old} has no effect: {new} is set"),
            false => format!("The key {old} is deprecated: write {new}"),
        })
        .collect()
}
