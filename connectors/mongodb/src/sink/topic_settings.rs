//! What the sink does with the records of one topic.

mod reading;

use super::cdc::CdcHandler;
use super::id_strategy::IdStrategy;
use super::keys;
use super::namespace::NamespaceMapper;
use super::processor::PostProcessor;
use super::write_model::WriteModelStrategy;
use crate::config::{Fault, Values};
use connect_api::config::{ConfigMap, ConfigValue};
use std::time::Duration;

/// Which errors do not end the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tolerance {
    /// None.
    None,
    /// Those of single records.
    Data,
    /// All.
    All,
}

/// A collection of time series, made when it is not there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeSeries {
    /// The field with the time.
    pub time_field: String,
    /// The field that tells series apart.
    pub meta_field: Option<String>,
    /// `seconds`, `minutes` or `hours`.
    pub granularity: Option<String>,
    /// After how many seconds documents are deleted.
    pub expire_after_s: Option<i64>,
}

/// The settings of a topic: those of the connector, and the overrides of the topic.
#[derive(Clone, Debug)]
pub struct TopicSettings {
    /// The topic.
    pub topic: String,
    /// Where records go.
    pub namespaces: NamespaceMapper,
    /// Where ids come from.
    pub id_strategy: IdStrategy,
    /// What changes documents, in order.
    pub post_processors: Vec<PostProcessor>,
    /// How values are written.
    pub write_strategy: WriteModelStrategy,
    /// How null values are written; `None` if they are errors.
    pub delete_strategy: Option<WriteModelStrategy>,
    /// Reads records as changes, in place of all of the above but the namespace.
    pub cdc_handler: Option<CdcHandler>,
    /// How many records are written at once; 0 for any number.
    pub max_batch_size: usize,
    /// Whether the first error ends a bulk write.
    pub ordered: bool,
    /// A pause after so many bulk writes.
    pub rate_limit: Option<(Duration, u32)>,
    /// Which errors do not end the task.
    pub tolerance: Tolerance,
    /// Whether tolerated errors are logged.
    pub log_errors: bool,
    /// What the collection is created as.
    pub time_series: Option<TimeSeries>,
}

/// The configuration of a topic: everything but overrides, and the overrides of this topic.
pub(crate) fn topic_config(topic: &str, config: &ConfigMap) -> ConfigMap {
    let mut merged: ConfigMap = config
        .iter()
        .filter(|(key, _)| !key.starts_with(keys::TOPIC_OVERRIDE_PREFIX))
        .map(|(key, value)| (key.to_string(), value.map(str::to_string)))
        .collect();
    merged.extend(&config.with_prefix(&format!("{}{topic}.", keys::TOPIC_OVERRIDE_PREFIX)));
    merged
}

impl TopicSettings {
    /// Reads the settings of a topic; every fault is told.
    pub fn read(topic: &str, config: &ConfigMap) -> Result<Self, Vec<Fault>> {
        let merged = topic_config(topic, config);
        let values = keys::topic_config_def().validate(&merged);
        let mut faults: Vec<Fault> = values
            .iter()
            .flat_map(|value| {
                let fault = |message: &String| Fault::new(&value.name, message);
                value.error_messages.iter().map(fault)
            })
            .collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        let settings = Self::from_values(topic, &merged, &values, &mut faults);
        match (settings, faults.is_empty()) {
            (Some(settings), true) => Ok(settings),
            _ => Err(faults),
        }
    }

    fn from_values(
        topic: &str,
        config: &ConfigMap,
        values: &[ConfigValue],
        faults: &mut Vec<Fault>,
    ) -> Option<Self> {
        let values = Values(values);
        let namespaces = reading::read_namespaces(topic, values, faults);
        let time_series = reading::read_time_series(values, faults);
        let id_strategy = reading::read_id_strategy(values, faults);
        let post_processors = reading::read_post_processors(values, time_series.as_ref(), faults);
        let write_strategy = reading::read_write_strategy(values, time_series.is_some(), faults);
        let delete_strategy = reading::read_delete_strategy(values, id_strategy.as_ref(), faults);
        let handler = values.text(keys::CDC_HANDLER);
        let cdc_handler = CdcHandler::from_class(handler);
        if cdc_handler.is_none() && !handler.is_empty() {
            faults.push(reading::not_found(keys::CDC_HANDLER, handler));
        }
        let timeout_ms = u64::try_from(values.number(keys::RATE_LIMITING_TIMEOUT)).unwrap_or(0);
        let every_n = u32::try_from(values.number(keys::RATE_LIMITING_EVERY_N)).unwrap_or(0);
        let tolerance = match either(
            config,
            values.0,
            keys::MONGO_ERRORS_TOLERANCE,
            keys::ERRORS_TOLERANCE,
        )
        .to_ascii_lowercase()
        .as_str()
        {
            "all" => Tolerance::All,
            "data" => Tolerance::Data,
            _ => Tolerance::None,
        };
        let log_key = if config.contains_key(keys::MONGO_ERRORS_LOG_ENABLE) {
            keys::MONGO_ERRORS_LOG_ENABLE
        } else {
            keys::ERRORS_LOG_ENABLE
        };
        Some(Self {
            topic: topic.to_string(),
            namespaces: namespaces?,
            id_strategy: id_strategy?,
            post_processors: post_processors?,
            write_strategy: write_strategy?,
            delete_strategy,
            cdc_handler,
            max_batch_size: usize::try_from(values.number(keys::MAX_BATCH_SIZE)).unwrap_or(0),
            ordered: values.is_true(keys::BULK_WRITE_ORDERED),
            rate_limit: (timeout_ms > 0 && every_n > 0)
                .then(|| (Duration::from_millis(timeout_ms), every_n)),
            tolerance,
            log_errors: tolerance == Tolerance::None || values.is_true(log_key),
            time_series,
        })
    }
}

/// The value of the connector's own key if it is there, otherwise the framework's.
fn either<'a>(config: &ConfigMap, values: &'a [ConfigValue], own: &str, shared: &str) -> &'a str {
    Values(values).text(if config.contains_key(own) {
        own
    } else {
        shared
    })
}
