//! Days, weeks and years of `java.util.GregorianCalendar`.
//!
//! A day is a number of days since January 1, 1970.

pub(super) const MS_PER_DAY: i64 = 86_400_000;

/// October 15, 1582: the first day of the Gregorian calendar.
const FIRST_GREGORIAN_DAY: i64 = -141_427;

const DAYS_BEFORE_MONTH: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// Which rule of leap years holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CalendarSystem {
    Julian,
    Gregorian,
}

impl CalendarSystem {
    fn is_leap(self, year: i64) -> bool {
        match self {
            Self::Julian => year.rem_euclid(4) == 0,
            Self::Gregorian => {
                year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
            }
        }
    }

    /// The first day of a month; months run from 0 to 11, years count through zero.
    pub fn first_day_of_month(self, year: i64, month: usize) -> i64 {
        let before = year - 1;
        let year_start = match self {
            Self::Julian => before * 365 + before.div_euclid(4) - 719_164,
            Self::Gregorian => {
                before * 365 + before.div_euclid(4) - before.div_euclid(100)
                    + before.div_euclid(400)
                    - 719_162
            }
        };
        let leap_day = i64::from(month > 1 && self.is_leap(year));
        year_start + DAYS_BEFORE_MONTH[month % 12] + leap_day
    }

    pub fn month_length(self, year: i64, month: usize) -> i64 {
        let (next_year, next_month) = if month == 11 {
            (year + 1, 0)
        } else {
            (year, month + 1)
        };
        self.first_day_of_month(next_year, next_month) - self.first_day_of_month(year, month)
    }
}

/// A day in the calendar that holds on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    pub day: i64,
    pub system: CalendarSystem,
    /// Counts through zero: 0 is 1 BC.
    pub year: i64,
    pub month: usize,
    pub day_of_month: i64,
}

impl Date {
    pub fn of_day(day: i64) -> Self {
        let system = if day >= FIRST_GREGORIAN_DAY {
            CalendarSystem::Gregorian
        } else {
            CalendarSystem::Julian
        };
        // Near enough, then made right; a year has between 365 and 366 days.
        let mut year = 1970 + (day as f64 / 365.2425).floor() as i64;
        while system.first_day_of_month(year, 0) > day {
            year -= 1;
        }
        while system.first_day_of_month(year + 1, 0) <= day {
            year += 1;
        }
        let month = (0..12)
            .rev()
            .find(|month| system.first_day_of_month(year, *month) <= day)
            .unwrap_or(0);
        Self {
            day,
            system,
            year,
            month,
            day_of_month: day - system.first_day_of_month(year, month) + 1,
        }
    }

    pub fn day_of_year(&self) -> i64 {
        self.day - first_day_of_year(self.year) + 1
    }

    /// The first day of the month: of October 1582 a Julian one.
    fn first_day_of_month(&self) -> i64 {
        if (self.year, self.month) == (1582, 9) {
            CalendarSystem::Julian.first_day_of_month(1582, 9)
        } else {
            self.system.first_day_of_month(self.year, self.month)
        }
    }

    /// How often the day of the week came in the month.
    pub fn day_of_week_in_month(&self) -> i64 {
        (self.day - self.first_day_of_month()) / 7 + 1
    }

    /// 1 is Sunday.
    pub fn day_of_week(&self) -> i64 {
        day_of_week(self.day)
    }
}

fn first_day_of_year(year: i64) -> i64 {
    let system = if year > 1582 {
        CalendarSystem::Gregorian
    } else {
        CalendarSystem::Julian
    };
    system.first_day_of_month(year, 0)
}

/// 1 is Sunday, 7 is Saturday.
pub(super) fn day_of_week(day: i64) -> i64 {
    (day + 4).rem_euclid(7) + 1
}

/// The last such day of a week that is not after a day.
pub(super) fn on_or_before(day: i64, day_of_week: i64) -> i64 {
    // January 1, 1970 was a Thursday.
    day - (day + 4 - (day_of_week - 1)).rem_euclid(7)
}

/// When weeks begin, and how much of a year makes its first week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WeekRule {
    /// 1 is Sunday.
    pub first_day: i64,
    pub minimal_days: i64,
}

impl WeekRule {
    /// The first day of the first week of a year or month that begins on a day.
    pub fn first_week(self, start: i64) -> i64 {
        let first = on_or_before(start + 6, self.first_day);
        if first - start >= self.minimal_days {
            first - 7
        } else {
            first
        }
    }

    pub fn week_of_month(self, date: &Date) -> i64 {
        (date.day - self.first_week(date.first_day_of_month())).div_euclid(7) + 1
    }

    /// The week and the year that it belongs to.
    pub fn week_of_year(self, date: &Date) -> (i64, i64) {
        let first_week = |year| self.first_week(first_day_of_year(year));
        let year = if date.day < first_week(date.year) {
            date.year - 1
        } else if date.day >= first_week(date.year + 1) {
            date.year + 1
        } else {
            date.year
        };
        ((date.day - first_week(year)).div_euclid(7) + 1, year)
    }
}

/// The day that two calendars make of fields of a date: the Gregorian one unless it falls before the
/// change of calendars.
pub(super) fn resolve(
    year: i64,
    counts_from_new_year: bool,
    day_in: impl Fn(CalendarSystem) -> i64,
) -> i64 {
    let gregorian = || day_in(CalendarSystem::Gregorian);
    let julian = || day_in(CalendarSystem::Julian);
    if year > 1582 {
        let day = gregorian();
        return if day >= FIRST_GREGORIAN_DAY {
            day
        } else {
            julian()
        };
    }
    let day = julian();
    if day < FIRST_GREGORIAN_DAY || (year == 1582 && counts_from_new_year) {
        return day;
    }
    if year == 1582 {
        let gregorian = gregorian();
        // In the ten days that were left out the Julian date counts.
        return if gregorian >= FIRST_GREGORIAN_DAY {
            gregorian
        } else {
            day
        };
    }
    day
}

/// The same date and time so many years before.
pub(super) fn years_before(epoch_ms: i64, years: i64) -> i64 {
    let date = Date::of_day(epoch_ms.div_euclid(MS_PER_DAY));
    let month = date
        .system
        .first_day_of_month(date.year - years, date.month);
    let length = date.system.month_length(date.year - years, date.month);
    let day = month + date.day_of_month.min(length) - 1;
    day * MS_PER_DAY + epoch_ms.rem_euclid(MS_PER_DAY)
}
