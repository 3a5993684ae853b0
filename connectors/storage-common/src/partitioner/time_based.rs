//! Folders by time.

use super::Partitioner;
use crate::joda::DatePattern;
use crate::record::RecordRef;
use crate::time_zone::TimeZone;
use crate::timestamp::{PARTITION_EXCEPTION, TimestampExtractor, moment};
use connect_api::{Clock, ConnectError, Result};
use std::sync::Arc;

/// The settings of a time-based partitioner.
#[derive(Clone, Debug)]
pub struct TimeBasedSettings {
    /// `partition.duration.ms`.
    pub duration_ms: i64,
    /// `path.format`, in `locale`.
    pub pattern: DatePattern,
    /// `timezone`.
    pub time_zone: TimeZone,
}

impl TimeBasedSettings {
    /// The moment at which the local time span of a moment begins.
    pub fn floor(&self, timestamp_ms: i64) -> i64 {
        let duration_ms = self.duration_ms.max(1);
        // Java's division goes towards zero.
        let local_ms = self.time_zone.to_local(timestamp_ms) / duration_ms * duration_ms;
        self.time_zone.to_instant(local_ms)
    }
}

/// `TimeBasedPartitioner`, and with fixed settings `DailyPartitioner` and `HourlyPartitioner`: the local
/// time of the record, floored to a duration, in the words of a pattern.
pub struct TimeBasedPartitioner {
    settings: Arc<TimeBasedSettings>,
    extractor: Box<dyn TimestampExtractor>,
    /// Consecutive records mostly fall into one span.
    last: Option<(i64, Arc<str>)>,
}

impl TimeBasedPartitioner {
    /// A partitioner for one Kafka partition.
    pub fn new(settings: Arc<TimeBasedSettings>, extractor: Box<dyn TimestampExtractor>) -> Self {
        Self {
            settings,
            extractor,
            last: None,
        }
    }

    fn undetermined(&self, record: RecordRef<'_>) -> ConnectError {
        ConnectError::data(format!(
            "Unable to determine timestamp using timestamp.extractor {} for record: {record}",
            self.extractor.class()
        ))
        .with_class("org.apache.kafka.connect.errors.ConnectException")
    }
}

impl Partitioner for TimeBasedPartitioner {
    fn timestamp(&mut self, record: RecordRef<'_>, clock: &dyn Clock) -> Result<Option<i64>> {
        match self.extractor.extract(record, clock)? {
            Some(timestamp_ms) => Ok(Some(timestamp_ms)),
            None => Err(self.undetermined(record)),
        }
    }

    fn encode(&mut self, record: RecordRef<'_>, timestamp_ms: Option<i64>) -> Result<Arc<str>> {
        let timestamp_ms = timestamp_ms.ok_or_else(|| self.undetermined(record))?;
        let floored_ms = self.settings.floor(timestamp_ms);
        if let Some((of, encoded)) = &self.last
            && *of == floored_ms
        {
            return Ok(encoded.clone());
        }
        let mut text = String::new();
        self.settings
            .pattern
            .format(floored_ms, &self.settings.time_zone, &mut text)
            .ok_or_else(|| {
                ConnectError::data(format!(
                    "Error encoding partition. The timestamp {} of record {record} has no date",
                    moment(timestamp_ms)
                ))
                .with_class(PARTITION_EXCEPTION)
            })?;
        let encoded: Arc<str> = text.into();
        self.last = Some((floored_ms, encoded.clone()));
        Ok(encoded)
    }
}
