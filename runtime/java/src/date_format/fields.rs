//! From fields of a calendar to a moment, as `java.util.Calendar` resolves them.

use super::calendar::{self, CalendarSystem, Date, MS_PER_DAY, WeekRule};
use super::zone::Zone;

/// A field that a text can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Era,
    Year,
    WeekYear,
    Month,
    WeekOfYear,
    WeekOfMonth,
    DayOfMonth,
    DayOfYear,
    DayOfWeek,
    DayOfWeekInMonth,
    AmPm,
    Hour,
    HourOfDay,
    Minute,
    Second,
    Millisecond,
    ZoneOffset,
    DstOffset,
}

const FIELD_COUNT: usize = Field::DstOffset as usize + 1;

/// The fields of a text in the order in which they were set: later ones win over earlier ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    values: [i64; FIELD_COUNT],
    /// When a field was set; 0 is never.
    stamps: [u32; FIELD_COUNT],
    last_stamp: u32,
}

/// How the day within a year is told.
enum DayBy {
    Month(InMonth),
    DayOfYear,
    Week { day_of_week: Option<i64> },
}

enum InMonth {
    Day,
    Week { day_of_week: Option<i64> },
    DayOfWeek { day_of_week: Option<i64>, nth: i64 },
}

impl Fields {
    pub fn set(&mut self, field: Field, value: i64) {
        self.last_stamp += 1;
        self.values[field as usize] = value;
        self.stamps[field as usize] = self.last_stamp;
    }

    pub fn clear(&mut self, field: Field) {
        self.values[field as usize] = 0;
        self.stamps[field as usize] = 0;
    }

    pub fn get(&self, field: Field) -> Option<i64> {
        (self.stamp(field) > 0).then(|| self.value(field))
    }

    /// Adds to the year that was set last.
    pub fn add_years(&mut self, years: i64) {
        for field in [Field::Year, Field::WeekYear] {
            self.values[field as usize] += years;
        }
    }

    fn value(&self, field: Field) -> i64 {
        self.values[field as usize]
    }

    fn stamp(&self, field: Field) -> u32 {
        self.stamps[field as usize]
    }

    /// When the later of two fields was set, if both are.
    fn both(&self, one: Field, other: Field) -> u32 {
        match (self.stamp(one), self.stamp(other)) {
            (0, _) | (_, 0) => 0,
            (one, other) => one.max(other),
        }
    }

    /// The moment in milliseconds since the epoch.
    pub fn to_epoch_ms(&self, zone: &Zone, weeks: WeekRule) -> i64 {
        let time_ms = self.time_of_day_ms();
        let (more_days, time_ms) = (
            time_ms.div_euclid(MS_PER_DAY),
            time_ms.rem_euclid(MS_PER_DAY),
        );
        let is_week_date = self.stamp(Field::WeekYear) > self.stamp(Field::Year);
        let day = if is_week_date {
            self.with_week_date(weeks).day(more_days, weeks)
        } else {
            self.day(more_days, weeks)
        };
        // Years beyond what milliseconds can count turn over, as in Java.
        let local_ms = day.wrapping_mul(MS_PER_DAY).wrapping_add(time_ms);
        let (mut offset_ms, mut dst_ms) = zone.offsets_of_local(local_ms);
        if let Some(given) = self.get(Field::ZoneOffset) {
            offset_ms = given;
        }
        if let Some(given) = self.get(Field::DstOffset) {
            dst_ms = given;
        }
        local_ms.wrapping_sub(offset_ms + dst_ms)
    }

    fn time_of_day_ms(&self) -> i64 {
        let hour_of_day = self.stamp(Field::HourOfDay);
        let half_day = self.both(Field::Hour, Field::AmPm);
        let by_hour_of_day = match hour_of_day.max(half_day) {
            0 => false,
            best => best == hour_of_day,
        };
        let hours = if by_hour_of_day {
            self.value(Field::HourOfDay)
        } else {
            self.value(Field::Hour) + 12 * self.value(Field::AmPm)
        };
        let minutes = hours * 60 + self.value(Field::Minute);
        let seconds = minutes * 60 + self.value(Field::Second);
        seconds * 1000 + self.value(Field::Millisecond)
    }

    /// The fields with year, month and day in place of week year, week and day of the week.
    fn with_week_date(&self, weeks: WeekRule) -> Self {
        let mut week = self.get(Field::WeekOfYear).unwrap_or(1);
        let mut day_of_week = self.get(Field::DayOfWeek).unwrap_or(weeks.first_day);
        if !(1..=7).contains(&day_of_week) {
            // Beyond a week, days count from Monday on.
            let from_monday = day_of_week - 1;
            week += from_monday.div_euclid(7);
            day_of_week = from_monday.rem_euclid(7) + 1;
            day_of_week = day_of_week % 7 + 1;
        }
        let mut new_year = Self::default();
        new_year.set(Field::Year, self.value(Field::WeekYear));
        new_year.set(Field::WeekOfYear, 1);
        new_year.set(Field::DayOfWeek, weeks.first_day);
        let days = (day_of_week - weeks.first_day).rem_euclid(7) + 7 * (week - 1);
        let date = Date::of_day(new_year.day(0, weeks) + days);
        let mut fields = self.clone();
        fields.clear(Field::Era);
        fields.set(Field::Year, date.year);
        fields.set(Field::Month, date.month as i64);
        fields.set(Field::DayOfMonth, date.day_of_month);
        fields
    }

    fn day(&self, more_days: i64, weeks: WeekRule) -> i64 {
        let year = self.get(Field::Year).unwrap_or(1970);
        let year = match self.get(Field::Era) {
            Some(0) => 1 - year,
            _ => year,
        };
        let day_by = self.day_by();
        calendar::resolve(year, !matches!(day_by, DayBy::Month(_)), |system| {
            self.day_in(system, year, &day_by, weeks) + more_days
        })
    }

    /// The latest group of fields that tells a day of the year.
    fn day_by(&self) -> DayBy {
        let stamp = |field| self.stamp(field);
        let day_of_week = self.get(Field::DayOfWeek);
        let mut of_month = stamp(Field::DayOfMonth);
        let of_year = stamp(Field::DayOfYear);
        let mut week_of_month = self.both(Field::WeekOfMonth, Field::DayOfWeek);
        let mut nth_in_month = self.both(Field::DayOfWeekInMonth, Field::DayOfWeek);
        let mut week_of_year = self.both(Field::WeekOfYear, Field::DayOfWeek);
        let mut best = of_month
            .max(week_of_month)
            .max(nth_in_month)
            .max(of_year)
            .max(week_of_year);
        if best == 0 {
            // Nothing whole: a week alone, or a day of the week alone.
            week_of_month = stamp(Field::WeekOfMonth);
            nth_in_month = stamp(Field::DayOfWeekInMonth).max(stamp(Field::DayOfWeek));
            week_of_year = stamp(Field::WeekOfYear);
            best = week_of_month.max(nth_in_month).max(week_of_year);
            if best == 0 {
                of_month = stamp(Field::Month);
                best = of_month;
            }
        }
        if best == of_month {
            return DayBy::Month(InMonth::Day);
        }
        let week = stamp(Field::WeekOfYear);
        let by_week_of_month = best == week_of_month && stamp(Field::WeekOfMonth) >= week;
        let by_nth = best == nth_in_month && stamp(Field::DayOfWeekInMonth) >= week;
        if by_week_of_month || by_nth {
            let takes_week = if week_of_month == nth_in_month {
                stamp(Field::WeekOfMonth) >= stamp(Field::DayOfWeekInMonth)
            } else {
                best == week_of_month
            };
            return DayBy::Month(if takes_week {
                InMonth::Week { day_of_week }
            } else {
                InMonth::DayOfWeek {
                    day_of_week,
                    nth: self.get(Field::DayOfWeekInMonth).unwrap_or(1),
                }
            });
        }
        if best == of_year {
            DayBy::DayOfYear
        } else {
            DayBy::Week { day_of_week }
        }
    }

    fn day_in(&self, system: CalendarSystem, year: i64, day_by: &DayBy, weeks: WeekRule) -> i64 {
        let by_month = match day_by {
            DayBy::DayOfYear => {
                return system.first_day_of_month(year, 0) + self.value(Field::DayOfYear) - 1;
            }
            DayBy::Week { day_of_week } => {
                let first = weeks.first_week(system.first_day_of_month(year, 0));
                let first = match day_of_week {
                    Some(day_of_week) => calendar::on_or_before(first + 6, *day_of_week),
                    None => first,
                };
                return first + 7 * (self.value(Field::WeekOfYear) - 1);
            }
            DayBy::Month(by_month) => by_month,
        };
        let months = self.value(Field::Month);
        let year = year + months.div_euclid(12);
        let month = months.rem_euclid(12) as usize;
        let start = system.first_day_of_month(year, month);
        match by_month {
            InMonth::Day => start + self.get(Field::DayOfMonth).unwrap_or(1) - 1,
            InMonth::Week { day_of_week } => {
                let first = weeks.first_week(start);
                let first = match day_of_week {
                    Some(day_of_week) => calendar::on_or_before(first + 6, *day_of_week),
                    None => first,
                };
                first + 7 * (self.value(Field::WeekOfMonth) - 1)
            }
            InMonth::DayOfWeek { day_of_week, nth } => {
                let day_of_week = day_of_week.unwrap_or(weeks.first_day);
                let last = if *nth >= 0 {
                    7 * nth - 1
                } else {
                    system.month_length(year, month) + 7 * (nth + 1) - 1
                };
                calendar::on_or_before(start + last, day_of_week)
            }
        }
    }
}
