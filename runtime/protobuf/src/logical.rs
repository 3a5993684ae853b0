//! The messages of logical types: what their fields say as a Connect value, and back.

use crate::from_connect::illegal_argument;
use connect_api::data::{Decimal, LogicalType, Value};
use connect_api::{ConnectError, Result};
use num_bigint::{BigInt, Sign};

const MS_PER_DAY: i64 = 86_400_000;
const NANOS_PER_MS: i32 = 1_000_000;
/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
const TIMESTAMP_SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
/// The largest year of Java's calendar.
const MAX_YEAR: i32 = 292_278_994;

/// The first four fields of the message of a logical type by their numbers, as they stood on the wire.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// Years, hours, seconds of a timestamp.
    pub first: i64,
    /// Months, minutes, nanoseconds of a timestamp, precision of a decimal.
    pub second: i32,
    /// Days, seconds, scale of a decimal.
    pub third: i32,
    /// Nanoseconds of a time.
    pub fourth: i32,
    /// The digits of a decimal.
    pub bytes: Vec<u8>,
}

/// The value of a logical type.
pub(crate) fn to_connect(logical: LogicalType, parts: &Parts) -> Result<Value> {
    match logical {
        LogicalType::Timestamp => timestamp(parts.first, parts.second),
        LogicalType::Date => date(parts.first as i32, parts.second, parts.third),
        LogicalType::Time => time([
            (parts.first as i32, "HourOfDay", 23),
            (parts.second, "MinuteOfHour", 59),
            (parts.third, "SecondOfMinute", 59),
            (parts.fourth, "NanoOfSecond", 999_999_999),
        ]),
        LogicalType::Decimal => decimal(&parts.bytes, parts.second, parts.third),
    }
}

fn timestamp(seconds: i64, nanos: i32) -> Result<Value> {
    if !TIMESTAMP_SECONDS.contains(&seconds) || !(0..1_000_000_000).contains(&nanos) {
        return Err(illegal_argument(format!(
            "Timestamp is not valid. See proto definition for valid values. Seconds ({seconds}) must \
             be in range [-62,135,596,800, +253,402,300,799]. Nanos ({nanos}) must be in range [0, \
             +999,999,999]."
        )));
    }
    Ok(Value::Date(
        seconds * 1000 + i64::from(nanos / NANOS_PER_MS),
    ))
}

fn date(year: i32, month: i32, day: i32) -> Result<Value> {
    for (value, allowed, name) in [
        (year, 1..=MAX_YEAR, "YEAR"),
        (month, 1..=12, "MONTH"),
        (day, 1..=31, "DAY_OF_MONTH"),
    ] {
        if !allowed.contains(&value) {
            return Err(illegal_argument(name));
        }
    }
    let days = days_from_civil(year.into(), month.unsigned_abs(), day.into());
    let (_, month_there, _) = civil_from_days(days);
    // The calendar counts months from 0. The year cannot be another one: December has 31 days.
    if month_there != month.unsigned_abs() {
        return Err(illegal_argument(format!(
            "MONTH: {} -> {}",
            month - 1,
            month_there - 1
        )));
    }
    Ok(Value::Date(days * MS_PER_DAY))
}

fn time(parts: [(i32, &str, i32); 4]) -> Result<Value> {
    for (value, name, max) in parts {
        if !(0..=max).contains(&value) {
            return Err(ConnectError::data(format!(
                "Invalid value for {name} (valid values 0 - {max}): {value}"
            ))
            .with_class("java.time.DateTimeException"));
        }
    }
    let [hours, minutes, seconds, nanos] = parts.map(|(value, _, _)| i64::from(value));
    let seconds = (hours * 60 + minutes) * 60 + seconds;
    Ok(Value::Date(
        seconds * 1000 + nanos / i64::from(NANOS_PER_MS),
    ))
}

fn decimal(bytes: &[u8], precision: i32, scale: i32) -> Result<Value> {
    let exact = Decimal::from_bytes(bytes, scale)?;
    let Ok(precision) = usize::try_from(precision) else {
        return Err(illegal_argument("Digits < 0"));
    };
    if precision == 0 {
        return Ok(Value::from(exact));
    }
    rounded(exact, precision).map(Value::from)
}

/// `new BigDecimal(unscaled, scale, new MathContext(precision))`: at most so many digits, half up.
fn rounded(exact: Decimal, precision: usize) -> Result<Decimal> {
    let (mut unscaled, mut scale) = (exact.unscaled, exact.scale);
    // Rounding up may bring one more digit, which is then cut off as well.
    loop {
        let num_digits = unscaled.magnitude().to_string().len();
        let surplus = num_digits.saturating_sub(precision);
        if surplus == 0 || unscaled.sign() == Sign::NoSign {
            return Ok(Decimal { unscaled, scale });
        }
        let surplus = u32::try_from(surplus).unwrap_or(u32::MAX);
        let divisor = BigInt::from(10u8).pow(surplus);
        let half = &divisor / 2;
        unscaled = match unscaled.sign() {
            Sign::Minus => (unscaled - half) / divisor,
            _ => (unscaled + half) / divisor,
        };
        scale = i32::try_from(surplus)
            .ok()
            .and_then(|surplus| scale.checked_sub(surplus))
            .ok_or_else(|| {
                ConnectError::data("Overflow").with_class("java.lang.ArithmeticException")
            })?;
    }
}

/// The fields of the message for a value of `java.util.Date`.
pub(crate) fn from_date(logical: LogicalType, ms: i64) -> Result<Parts> {
    match logical {
        LogicalType::Timestamp => {
            let (seconds, nanos) = (
                ms.div_euclid(1000),
                ms.rem_euclid(1000) as i32 * NANOS_PER_MS,
            );
            timestamp(seconds, nanos)?;
            Ok(Parts {
                first: seconds,
                second: nanos,
                ..Parts::default()
            })
        }
        LogicalType::Time => {
            if !(0..=MS_PER_DAY).contains(&ms) {
                return Err(ConnectError::data(
                    "Time values must use number of millis greater than 0 and less than 86400000",
                ));
            }
            let ms = (ms % MS_PER_DAY) as i32;
            Ok(Parts {
                first: i64::from(ms / 3_600_000),
                second: ms / 60_000 % 60,
                third: ms / 1000 % 60,
                fourth: ms % 1000 * NANOS_PER_MS,
                ..Parts::default()
            })
        }
        LogicalType::Date | LogicalType::Decimal => {
            if ms.rem_euclid(MS_PER_DAY) != 0 {
                return Err(ConnectError::data(
                    "Kafka Connect Date type should not have any time fields set to non-zero values.",
                ));
            }
            let (year, month, day) = civil_from_days(ms.div_euclid(MS_PER_DAY));
            // Java tells the year within its era.
            let year = if year > 0 { year } else { 1 - year };
            Ok(Parts {
                first: i64::from(year as i32),
                second: month as i32,
                third: day as i32,
                ..Parts::default()
            })
        }
    }
}

/// The first day of the Gregorian calendar, 15 October 1582. Java counts earlier days in the Julian one.
const FIRST_GREGORIAN_DAY: i64 = -141_427;

/// Days since the epoch to year, month and day.
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let (days_in_cycle, years_in_cycle, offset) = if days >= FIRST_GREGORIAN_DAY {
        (146_097, 400, 719_468)
    } else {
        (1_461, 4, 719_470)
    };
    // Counted from the first of March, so that a leap day ends the year.
    let shifted = days + offset;
    let cycle = shifted.div_euclid(days_in_cycle);
    let day = shifted.rem_euclid(days_in_cycle);
    let leap_days = if years_in_cycle == 400 {
        day / 1_460 - day / 36_524 + day / 146_096
    } else {
        day / 1_460
    };
    let year_of_cycle = (day - leap_days) / 365;
    let first_day = 365 * year_of_cycle + year_of_cycle / 4
        - if years_in_cycle == 400 {
            year_of_cycle / 100
        } else {
            0
        };
    let day_of_year = day - first_day;
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = cycle * years_in_cycle + year_of_cycle + i64::from(month <= 2);
    (year, month as u32, day_of_month as u32)
}

/// Year, month and day to days since the epoch; a day beyond the month goes on into the next.
fn days_from_civil(year: i64, month: u32, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let month_from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let gregorian =
        year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year
            - 719_468;
    if gregorian >= FIRST_GREGORIAN_DAY {
        gregorian
    } else {
        year * 365 + year.div_euclid(4) + day_of_year - 719_470
    }
}
