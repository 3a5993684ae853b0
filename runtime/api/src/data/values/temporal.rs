//! Dates and times in texts, as a lenient `SimpleDateFormat` in UTC reads and writes them.
//!
//! `Z` is only a letter in these formats: the JVM works in its own time zone. Workers run in UTC.

use super::number::digit_value;
use crate::converter::SchemaAndValue;
use crate::data::logical::{MS_PER_DAY, civil_from_days, days_from_civil};
use crate::data::{LogicalType, Value};
use std::fmt::Write;

/// The date, time or timestamp that a text of the right length holds at its beginning.
pub(super) fn parse_temporal(text: &str) -> Option<SchemaAndValue> {
    // Who escapes colons to keep a text in one token leaves the backslashes in it.
    let text = text.replace("\\:", ":");
    let mut fields = Fields(text.chars().peekable());
    let (logical_type, ms) = match text.encode_utf16().count() {
        10 => (LogicalType::Date, fields.date()?),
        13 => (LogicalType::Time, fields.time()?),
        24 => {
            let date = fields.date()?;
            fields.literal('T')?;
            (LogicalType::Timestamp, date.wrapping_add(fields.time()?))
        }
        _ => return None,
    };
    Some(SchemaAndValue {
        schema: Some(logical_type.schema(false)),
        value: Value::Date(ms),
    })
}

/// What is left of a text.
struct Fields<'a>(std::iter::Peekable<std::str::Chars<'a>>);

impl Fields<'_> {
    fn literal(&mut self, expected: char) -> Option<()> {
        self.0.next_if_eq(&expected).map(drop)
    }

    /// A number; blanks and a minus sign may stand before it, and it may exceed what the field means.
    fn number(&mut self) -> Option<i64> {
        while self.0.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        let is_negative = self.0.next_if_eq(&'-').is_some();
        let mut number = i64::from(digit_value(self.0.next()?)?);
        while let Some(digit) = self.0.peek().copied().and_then(digit_value) {
            self.0.next();
            number = (number * 10 + i64::from(digit)).min(i64::from(i32::MAX));
        }
        Some(if is_negative { -number } else { number })
    }

    /// `yyyy-MM-dd`
    fn date(&mut self) -> Option<i64> {
        let year = self.number()?;
        self.literal('-')?;
        let month = self.number()?;
        self.literal('-')?;
        let day = self.number()?;
        let months = year * 12 + month - 1;
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) as u32 + 1);
        days_from_civil(year, month, day).checked_mul(MS_PER_DAY)
    }

    /// `HH:mm:ss.SSS'Z'`
    fn time(&mut self) -> Option<i64> {
        let hours = self.number()?;
        self.literal(':')?;
        let minutes = self.number()?;
        self.literal(':')?;
        let seconds = self.number()?;
        self.literal('.')?;
        let ms = self.number()?;
        self.literal('Z')?;
        Some(((hours * 60 + minutes) * 60 + seconds) * 1000 + ms)
    }
}

/// Appends a `java.util.Date`: everything before the second day of the epoch as a time, whole days as
/// dates, the rest as timestamps.
pub(super) fn push_date(ms: i64, out: &mut String) {
    let (days, ms_of_day) = (ms.div_euclid(MS_PER_DAY), ms.rem_euclid(MS_PER_DAY));
    // Writing to a String does not fail.
    if ms >= MS_PER_DAY {
        let (year, month, day) = civil_from_days(days);
        let _ = write!(out, "{year:04}-{month:02}-{day:02}");
        if ms_of_day == 0 {
            return;
        }
        out.push('T');
    }
    let seconds = ms_of_day / 1000;
    let _ = write!(
        out,
        "{:02}:{:02}:{:02}.{:03}Z",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        ms_of_day % 1000
    );
}
