//! When the open files of a Kafka partition are committed. Pure: it is told the time and the records,
//! and answers with what to do.

use crate::time_zone::TimeZone;
use std::fmt;
use std::sync::Arc;

const MS_PER_DAY: i64 = 86_400_000;

/// The settings of rotation.
#[derive(Clone, Debug)]
pub struct RotationSettings {
    /// `flush.size`: records per Kafka partition, all open files together. Anything below 1 acts as 1.
    pub flush_size: i64,
    /// `rotate.interval.ms`, if it is on and the partitioner tells record times.
    pub rotate_interval_ms: Option<i64>,
    /// `rotate.file.on.partition.change`; it acts only beside `rotate_interval_ms`.
    pub rotate_on_partition_change: bool,
    /// `rotate.schedule.interval.ms`, if it is on.
    pub schedule: Option<RotationSchedule>,
    /// `tombstone.encoded.partition`, if tombstones are written: a change to it or from it ends no file.
    pub tombstone_partition: Option<Arc<str>>,
}

/// Wall-clock boundaries: from the start of each day in a time zone, every so often.
#[derive(Clone, Debug)]
pub struct RotationSchedule {
    /// `rotate.schedule.interval.ms`.
    pub interval_ms: i64,
    /// `timezone`.
    pub time_zone: TimeZone,
}

impl RotationSchedule {
    /// The first boundary after `now_ms`; the next midnight is always one.
    pub fn next_after(&self, now_ms: i64) -> i64 {
        let start_of_day = self.time_zone.start_of_day(now_ms);
        // A day has 23 to 25 hours: 36 hours on from its start it is the next one.
        let start_of_next_day = self
            .time_zone
            .start_of_day(start_of_day.saturating_add(MS_PER_DAY / 2 * 3));
        let interval_ms = self.interval_ms.max(1);
        let intervals = now_ms.saturating_sub(start_of_day) / interval_ms + 1;
        start_of_day
            .saturating_add(intervals.saturating_mul(interval_ms))
            .min(start_of_next_day)
    }
}

/// Why files are committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationCause {
    /// `flush.size` records were written.
    FlushSize,
    /// `rotate.interval.ms` of record time went by.
    Interval,
    /// The record belongs to another encoded partition than the one before it.
    PartitionChange,
    /// A boundary of `rotate.schedule.interval.ms` went by.
    Schedule,
    /// The schema of the record differs from the file's.
    Schema,
    /// Another file would be more than `partitioner.max.open.files`.
    MaxOpenFiles,
    /// More than `max.buffered.bytes` was held, and these files were the oldest.
    Memory,
}

impl fmt::Display for RotationCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FlushSize => "flush.size",
            Self::Interval => "rotate.interval.ms",
            Self::PartitionChange => "rotate.file.on.partition.change",
            Self::Schedule => "rotate.schedule.interval.ms",
            Self::Schema => "schema change",
            Self::MaxOpenFiles => "partitioner.max.open.files",
            Self::Memory => "max.buffered.bytes",
        })
    }
}

/// The state of rotation of one Kafka partition.
///
/// For each record: [`before_record`](Self::before_record); if it names a cause, commit every open
/// file, call [`rotated`](Self::rotated) and ask again; then write the record and call
/// [`record_written`](Self::record_written), whose cause commits in the same way, the record
/// included. Without records [`idle`](Self::idle) is asked now and then.
#[derive(Debug)]
pub struct Rotation {
    settings: Arc<RotationSettings>,
    num_records: i64,
    first_timestamp_ms: Option<i64>,
    encoded_partition: Option<Arc<str>>,
    next_scheduled_ms: i64,
}

impl Rotation {
    /// The state of a partition without open files.
    pub fn new(settings: Arc<RotationSettings>, now_ms: i64) -> Self {
        let mut rotation = Self {
            settings,
            num_records: 0,
            first_timestamp_ms: None,
            encoded_partition: None,
            next_scheduled_ms: i64::MAX,
        };
        rotation.advance_schedule(now_ms);
        rotation
    }

    /// The number of records in open files.
    pub fn num_records(&self) -> i64 {
        self.num_records
    }

    /// When [`idle`](Self::idle) will have something to do; `None` if time alone does nothing.
    pub fn next_scheduled_ms(&self) -> Option<i64> {
        (self.num_records > 0 && self.settings.schedule.is_some()).then_some(self.next_scheduled_ms)
    }

    /// Whether the files must be committed before this record is written.
    pub fn before_record(
        &mut self,
        encoded_partition: &Arc<str>,
        timestamp_ms: Option<i64>,
        now_ms: i64,
    ) -> Option<RotationCause> {
        if self.first_timestamp_ms.is_none() {
            self.first_timestamp_ms = timestamp_ms;
        }
        if self.num_records == 0 {
            if now_ms >= self.next_scheduled_ms {
                self.advance_schedule(now_ms);
            }
            return None;
        }
        let cause = self
            .interval_cause(encoded_partition, timestamp_ms)
            .or_else(|| (now_ms >= self.next_scheduled_ms).then_some(RotationCause::Schedule))?;
        self.advance_schedule(now_ms);
        Some(cause)
    }

    fn interval_cause(
        &self,
        encoded_partition: &Arc<str>,
        timestamp_ms: Option<i64>,
    ) -> Option<RotationCause> {
        let interval_ms = self.settings.rotate_interval_ms?;
        if let (Some(timestamp_ms), Some(first_ms)) = (timestamp_ms, self.first_timestamp_ms)
            && timestamp_ms.saturating_sub(first_ms) >= interval_ms
        {
            return Some(RotationCause::Interval);
        }
        let changed = self.encoded_partition.as_ref() != Some(encoded_partition)
            && !self.is_tombstone(Some(encoded_partition))
            && !self.is_tombstone(self.encoded_partition.as_ref());
        (changed && self.settings.rotate_on_partition_change)
            .then_some(RotationCause::PartitionChange)
    }

    fn is_tombstone(&self, encoded_partition: Option<&Arc<str>>) -> bool {
        self.settings.tombstone_partition.is_some()
            && self.settings.tombstone_partition.as_ref() == encoded_partition
    }

    /// Counts a record that was written to a file; says whether the files must be committed now.
    pub fn record_written(&mut self, encoded_partition: &Arc<str>) -> Option<RotationCause> {
        self.num_records += 1;
        match &mut self.encoded_partition {
            Some(current) if Arc::ptr_eq(current, encoded_partition) => {}
            current => *current = Some(encoded_partition.clone()),
        }
        (self.num_records >= self.settings.flush_size).then_some(RotationCause::FlushSize)
    }

    /// Whether the files must be committed although no record came.
    pub fn idle(&mut self, now_ms: i64) -> Option<RotationCause> {
        if now_ms < self.next_scheduled_ms {
            return None;
        }
        self.advance_schedule(now_ms);
        (self.num_records > 0).then_some(RotationCause::Schedule)
    }

    /// Every open file was handed over to be committed.
    pub fn rotated(&mut self) {
        self.num_records = 0;
        self.first_timestamp_ms = None;
        self.encoded_partition = None;
    }

    fn advance_schedule(&mut self, now_ms: i64) {
        if let Some(schedule) = &self.settings.schedule {
            self.next_scheduled_ms = schedule.next_after(now_ms);
        }
    }
}

#[cfg(test)]
#[path = "rotation_tests.rs"]
mod tests;
