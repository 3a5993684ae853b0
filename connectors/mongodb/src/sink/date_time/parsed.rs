//! What was read of a date.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use std::collections::BTreeMap;

/// A part of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Year,
    Month,
    Day,
    DayOfYear,
    DayOfWeek,
    HalfOfDay,
    Hour,
    HourOfHalf,
    Minute,
    Second,
    Nano,
}

/// Where a date is local.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Zone {
    /// So many seconds east of Greenwich.
    Offset(i32),
    /// A region with rules.
    Region(chrono_tz::Tz),
}

/// The fields that were read.
#[derive(Clone, Debug, Default)]
pub(super) struct Parsed {
    fields: BTreeMap<Field, i64>,
    zone: Option<Zone>,
}

impl Parsed {
    /// Sets a field; `None` if it was read before with another value.
    pub(super) fn set(&mut self, field: Field, number: i64) -> Option<()> {
        match self.fields.insert(field, number) {
            Some(before) if before != number => None,
            _ => Some(()),
        }
    }

    pub(super) fn set_zone(&mut self, zone: Zone) -> Option<()> {
        self.zone = Some(zone);
        Some(())
    }

    fn get(&self, field: Field) -> Option<i64> {
        self.fields.get(&field).copied()
    }

    fn number(&self, field: Field) -> Option<u32> {
        u32::try_from(self.get(field)?).ok()
    }

    fn date(&self) -> Option<NaiveDate> {
        let year = i32::try_from(self.get(Field::Year)?).ok()?;
        let date = if let Some(day) = self.number(Field::DayOfYear) {
            NaiveDate::from_yo_opt(year, day)?
        } else {
            let (month, day) = (self.number(Field::Month)?, self.number(Field::Day)?);
            if !(1..=31).contains(&day) {
                return None;
            }
            // The 31st of a shorter month is its last day.
            (0..=3)
                .find_map(|back| NaiveDate::from_ymd_opt(year, month, day - back.min(day - 1)))?
        };
        match self.number(Field::DayOfWeek) {
            Some(day) if day != date.weekday().number_from_monday() => None,
            _ => Some(date),
        }
    }

    /// The time, and whether it is the end of the day.
    fn time(&self) -> Option<Option<(NaiveTime, bool)>> {
        let hour = match (self.number(Field::Hour), self.number(Field::HourOfHalf)) {
            (Some(hour), _) => hour,
            (None, Some(hour @ 1..=12)) => hour % 12 + 12 * self.number(Field::HalfOfDay)?,
            (None, Some(_)) => return None,
            (None, None) => return Some(None),
        };
        let part = |field| self.get(field).map_or(Some(0), |_| self.number(field));
        let (minute, second, nano) = (
            part(Field::Minute)?,
            part(Field::Second)?,
            part(Field::Nano)?,
        );
        if (hour, minute, second, nano) == (24, 0, 0, 0) {
            return Some(Some((NaiveTime::MIN, true)));
        }
        if nano >= 1_000_000_000 {
            return None;
        }
        NaiveTime::from_hms_nano_opt(hour, minute, second, nano).map(|time| Some((time, false)))
    }

    /// Milliseconds since the epoch; `None` if the fields make no date.
    pub(super) fn to_epoch_ms(&self) -> Option<i64> {
        let date = self.date()?;
        let Some((time, is_end_of_day)) = self.time()? else {
            return Some(date.and_time(NaiveTime::MIN).and_utc().timestamp_millis());
        };
        let local = date
            .and_time(time)
            .checked_add_signed(TimeDelta::days(i64::from(is_end_of_day)))?;
        match self.zone {
            None => Some(local.and_utc().timestamp_millis()),
            Some(Zone::Offset(seconds)) => local
                .checked_sub_signed(TimeDelta::seconds(seconds.into()))
                .map(|utc| utc.and_utc().timestamp_millis()),
            Some(Zone::Region(region)) => in_region(region, local),
        }
    }
}

/// In a gap the clock has gone on already; of two instants the first counts.
fn in_region(region: chrono_tz::Tz, local: NaiveDateTime) -> Option<i64> {
    region
        .from_local_datetime(&local)
        .earliest()
        .map(|instant| instant.timestamp_millis())
        .or_else(|| {
            let before = local.checked_sub_signed(TimeDelta::hours(1))?;
            let instant = region.from_local_datetime(&before).earliest()?;
            Some(instant.timestamp_millis() + 3_600_000)
        })
}
