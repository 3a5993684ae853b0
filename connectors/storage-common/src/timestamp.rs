//! Where the time of a record comes from: `timestamp.extractor`.

use crate::record::RecordRef;
use crate::time_zone::{naive, parse_offset_ms};
use chrono::{NaiveDate, NaiveTime, Weekday};
use connect_api::data::{LogicalType, Map, SchemaType, Struct, Value};
use connect_api::{Clock, ConnectError, Result};

/// Tells the time of records.
pub trait TimestampExtractor: Send {
    /// The Java class name, for messages.
    fn class(&self) -> &'static str;

    /// Milliseconds since the epoch; `None` if the record does not say. An error is subject to the
    /// rules for faulty records.
    fn extract(&mut self, record: RecordRef<'_>, clock: &dyn Clock) -> Result<Option<i64>>;

    /// Whether it looks into values; if so, the task does not take batches of bytes.
    fn reads_values(&self) -> bool {
        false
    }
}

/// The classes that `timestamp.extractor` may name, in full or by the name before `TimestampExtractor`.
pub const TIMESTAMP_EXTRACTORS: [&str; 3] = ["Wallclock", "Record", "RecordField"];

/// Makes the extractor that a user named; `None` for a class that is not built in.
pub fn timestamp_extractor(name: &str, field: &str) -> Option<Box<dyn TimestampExtractor>> {
    let simple = name
        .strip_prefix("io.confluent.connect.storage.partitioner.TimeBasedPartitioner$")
        .and_then(|class| class.strip_suffix("TimestampExtractor"))
        .unwrap_or(name);
    Some(match simple {
        "Wallclock" => Box::new(WallclockTimestampExtractor),
        "Record" => Box::new(RecordTimestampExtractor),
        "RecordField" => Box::new(RecordFieldTimestampExtractor::new(field)),
        _ => return None,
    })
}

/// The time at which the sink sees the record.
pub struct WallclockTimestampExtractor;

impl TimestampExtractor for WallclockTimestampExtractor {
    fn class(&self) -> &'static str {
        "io.confluent.connect.storage.partitioner.TimeBasedPartitioner$WallclockTimestampExtractor"
    }

    fn extract(&mut self, _record: RecordRef<'_>, clock: &dyn Clock) -> Result<Option<i64>> {
        Ok(Some(clock.now_ms()))
    }
}

/// The timestamp of the record in Kafka.
pub struct RecordTimestampExtractor;

impl TimestampExtractor for RecordTimestampExtractor {
    fn class(&self) -> &'static str {
        "io.confluent.connect.storage.partitioner.TimeBasedPartitioner$RecordTimestampExtractor"
    }

    fn extract(&mut self, record: RecordRef<'_>, _clock: &dyn Clock) -> Result<Option<i64>> {
        Ok(record.timestamp())
    }
}

/// A field of the value: a timestamp, a number of milliseconds or a text.
pub struct RecordFieldTimestampExtractor {
    field: String,
    path: Vec<String>,
}

impl RecordFieldTimestampExtractor {
    /// The field may lie deeper: `a.b`.
    pub fn new(field: &str) -> Self {
        Self {
            field: field.to_string(),
            path: field.split('.').map(str::to_string).collect(),
        }
    }

    fn failure(&self, record: RecordRef<'_>, why: impl Into<String>) -> ConnectError {
        ConnectError::data(format!(
            "Error extracting timestamp from record field: {} ({record})",
            self.field
        ))
        .with_class(PARTITION_EXCEPTION)
        .with_cause(ConnectError::data(why))
    }

    fn of_struct(&self, record: &Struct) -> Result<Option<i64>, String> {
        let mut current = record;
        let (last, parents) = self.path.split_last().ok_or("no field is named")?;
        for name in parents {
            current = match current
                .get(name)
                .map_err(|error| error.message().to_string())?
            {
                Value::Struct(inner) => inner,
                _ => return Err(format!("{name} is no struct")),
            };
        }
        let field = current
            .schema()
            .field(last)
            .ok_or_else(|| format!("{last} is not a valid field name"))?;
        let value = current.get_at(field.index);
        match (field.schema.schema_type(), value) {
            (_, Value::Date(ms))
                if LogicalType::of(&field.schema) == Some(LogicalType::Timestamp) =>
            {
                Ok(Some(*ms))
            }
            (SchemaType::Int32 | SchemaType::Int64 | SchemaType::String, value) => of_value(value),
            (schema_type, _) => Err(format!(
                "{last} is of type {schema_type}; a timestamp is a Timestamp, INT64, INT32 or STRING"
            )),
        }
    }

    fn of_map(&self, map: &Map) -> Result<Option<i64>, String> {
        let mut current = map;
        let (last, parents) = self.path.split_last().ok_or("no field is named")?;
        for name in parents {
            current = match current.get_str(name) {
                Some(Value::Map(inner)) => inner,
                _ => return Err(format!("{name} is no map")),
            };
        }
        current
            .get_str(last)
            .map_or_else(|| Err(format!("there is no field {last}")), of_value)
    }
}

/// The class of errors about the partition of a record.
pub(crate) const PARTITION_EXCEPTION: &str =
    "io.confluent.connect.storage.errors.PartitionException";

impl TimestampExtractor for RecordFieldTimestampExtractor {
    fn class(&self) -> &'static str {
        "io.confluent.connect.storage.partitioner.TimeBasedPartitioner$RecordFieldTimestampExtractor"
    }

    fn extract(&mut self, record: RecordRef<'_>, _clock: &dyn Clock) -> Result<Option<i64>> {
        let timestamp = match record.value() {
            Some(Value::Struct(value)) => self.of_struct(value),
            Some(Value::Map(map)) => self.of_map(map),
            _ => Err("the value is neither a struct nor a map".to_string()),
        };
        timestamp.map_err(|why| self.failure(record, why))
    }

    fn reads_values(&self) -> bool {
        true
    }
}

fn of_value(value: &Value) -> Result<Option<i64>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Date(ms) => Ok(Some(*ms)),
        // The fraction goes, as in `Number.longValue()`.
        Value::Float64(number) => Ok(Some(*number as i64)),
        Value::Float32(number) => Ok(Some(*number as i64)),
        Value::String(text) => parse_timestamp(text)
            .map(Some)
            .ok_or_else(|| format!("not a timestamp: a text of {} characters", text.len())),
        other => other
            .as_i64()
            .map(Some)
            .ok_or_else(|| "its type is no time".to_string()),
    }
}

/// Milliseconds as digits, or an ISO date and time; without an offset it is UTC.
pub fn parse_timestamp(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // Four digits are a year in ISO, but a number comes first, as in the Java connector.
    if is_number && text.len() <= 19 {
        return text.parse().ok();
    }
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let date = parse_date(date)?;
    let (time, offset_ms) = time.map_or(Some((NaiveTime::MIN, 0)), parse_time_and_offset)?;
    date.and_time(time)
        .and_utc()
        .timestamp_millis()
        .checked_sub(offset_ms)
}

/// `2024`, `2024-02`, `2024-02-29`, `2024-060`, `2024-W09`, `2024-W09-4`.
fn parse_date(text: &str) -> Option<NaiveDate> {
    if !text.is_ascii() {
        return None;
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let mut fields = digits.split('-');
    let year: i32 = format!("{sign}{}", number(fields.next()?)?).parse().ok()?;
    let second = fields.next();
    let third = fields.next();
    if fields.next().is_some() {
        return None;
    }
    match (second, third) {
        (None, _) => NaiveDate::from_ymd_opt(year, 1, 1),
        (Some(week), day) if week.starts_with('W') => {
            let day: u8 = day.map_or(Some(1), |day| number(day)?.parse().ok())?;
            let weekday = Weekday::try_from(day.checked_sub(1)?).ok()?;
            NaiveDate::from_isoywd_opt(year, number(&week[1..])?.parse().ok()?, weekday)
        }
        (Some(day), None) if day.len() == 3 => {
            NaiveDate::from_yo_opt(year, number(day)?.parse().ok()?)
        }
        (Some(month), day) => {
            let day = day.map_or(Some(1), |day| number(day)?.parse().ok())?;
            NaiveDate::from_ymd_opt(year, number(month)?.parse().ok()?, day)
        }
    }
}

/// `12`, `12:30`, `12:30:15`, `12:30:15.123`, each with `Z` or an offset behind it or nothing.
fn parse_time_and_offset(text: &str) -> Option<(NaiveTime, i64)> {
    let (time, offset_ms) = match text.find(['Z', '+', '-']) {
        Some(at) if &text[at..] == "Z" => (&text[..at], 0),
        Some(at) => (&text[..at], parse_offset_ms(&text[at..])?),
        None => (text, 0),
    };
    if time.is_empty() {
        return Some((NaiveTime::MIN, offset_ms));
    }
    let (whole, fraction) = time.split_once(['.', ',']).unwrap_or((time, ""));
    let mut fields = whole.split(':');
    let hour = number(fields.next()?)?.parse().ok()?;
    let minute = fields
        .next()
        .map_or(Some(0), |field| number(field)?.parse().ok())?;
    let second = fields
        .next()
        .map_or(Some(0), |field| number(field)?.parse().ok())?;
    if fields.next().is_some() || whole.matches(':').count() < 2 && !fraction.is_empty() {
        return None;
    }
    let mut ms = 0;
    if !fraction.is_empty() {
        let digits: String = number(fraction)?
            .chars()
            .chain("000".chars())
            .take(3)
            .collect();
        ms = digits.parse().ok()?;
    }
    Some((
        NaiveTime::from_hms_milli_opt(hour, minute, second, ms)?,
        offset_ms,
    ))
}

fn number(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

/// The text of a moment for messages.
pub(crate) fn moment(ms: i64) -> String {
    naive(ms).map_or_else(|| ms.to_string(), |time| format!("{time}Z"))
}

#[cfg(test)]
#[path = "timestamp_tests.rs"]
mod tests;
