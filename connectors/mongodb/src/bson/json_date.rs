//! Dates in MongoDB's JSON.

use super::json_scanner::Token;
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc};

const SHELL_FORMAT: &str = "%a %b %d %Y %H:%M:%S";

/// Milliseconds since the epoch as `2020-01-31T12:00:00.5Z`; `None` outside of the years that this
/// form is used for, 1970 to 9999.
pub fn format_iso(ms: i64) -> Option<String> {
    let date = DateTime::<Utc>::from_timestamp_millis(ms)?;
    if !(1970..=9999).contains(&date.year()) {
        return None;
    }
    let mut text = date.format("%Y-%m-%dT%H:%M:%S").to_string();
    let fraction = ms.rem_euclid(1000);
    if fraction != 0 {
        let digits = format!("{fraction:03}");
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
    text.push('Z');
    Some(text)
}

/// Milliseconds since the epoch as Java's `ISO_DATE_TIME` writes them in UTC, for any year.
pub fn format_iso_of_java(ms: i64) -> String {
    const MS_PER_DAY: i64 = 86_400_000;
    // The civil calendar in cycles of 400 years, counted from the first of March of the year 0.
    let days = ms.div_euclid(MS_PER_DAY) + 719_468;
    let (cycle, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_cycle = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = cycle * 400 + year_of_cycle + i64::from(month <= 2);
    let sign = match year {
        ..0 => "-",
        0..=9999 => "",
        _ => "+",
    };
    let in_day = ms.rem_euclid(MS_PER_DAY);
    let (seconds, fraction) = (in_day / 1000, in_day % 1000);
    let mut text = format!(
        "{sign}{:04}-{month:02}-{day_of_month:02}T{:02}:{:02}:{:02}",
        year.unsigned_abs(),
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    if fraction != 0 {
        text.push('.');
        text.push_str(format!("{fraction:03}").trim_end_matches('0'));
    }
    text.push('Z');
    text
}

/// Reads `2020-01-31`, or a date with time and offset as ISO 8601 writes it.
pub fn parse_iso(text: &str) -> Option<i64> {
    if !text.is_ascii() {
        return None;
    }
    if text.len() == 10 {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        return Some(date.and_time(NaiveTime::MIN).and_utc().timestamp_millis());
    }
    let (date, rest) = text.split_once(['T', 't'])?;
    let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
    let offset_at = rest.find(['Z', 'z', '+', '-'])?;
    let (time, offset) = rest.split_at(offset_at);
    let time = parse_time(time)?;
    let offset_s = parse_offset(offset)?;
    date.and_time(time)
        .and_utc()
        .checked_sub_signed(TimeDelta::seconds(offset_s))
        .map(|date| date.timestamp_millis())
}

fn parse_time(text: &str) -> Option<NaiveTime> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = clock.split(':');
    let hour = two_digits(parts.next()?)?;
    let minute = two_digits(parts.next()?)?;
    let second = parts.next().map_or(Some(0), two_digits)?;
    if parts.next().is_some()
        || fraction.is_empty()
        || fraction.len() > 9
        || !fraction.bytes().all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let nanos: u32 = format!("{fraction:0<9}").parse().ok()?;
    NaiveTime::from_hms_nano_opt(hour, minute, second, nanos)
}

/// Seconds east of Greenwich of `Z`, `+01:00` or `+01:00:30`.
fn parse_offset(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let mut parts = text.get(1..)?.split(':');
    let hours = i64::from(two_digits(parts.next()?)?);
    let minutes = i64::from(two_digits(parts.next()?)?);
    let seconds = i64::from(parts.next().map_or(Some(0), two_digits)?);
    (parts.next().is_none() && hours <= 18 && minutes < 60 && seconds < 60)
        .then_some(sign * (hours * 3600 + minutes * 60 + seconds))
}

fn two_digits(text: &str) -> Option<u32> {
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// The arguments of the shell's `new Date(…)` to milliseconds since the epoch.
pub(super) fn parse_shell_date(arguments: &[Token]) -> Result<i64, String> {
    if let [Token::String(text)] = arguments {
        let parsed = text
            .strip_suffix(" UTC")
            .or_else(|| text.strip_suffix(" GMT"))
            .and_then(|text| chrono::NaiveDateTime::parse_from_str(text, SHELL_FORMAT).ok());
        return parsed
            .map(|date| date.and_utc().timestamp_millis())
            .ok_or_else(|| {
                format!(
                    "JSON reader expected a date in 'EEE MMM dd yyyy HH:mm:ss z' format but found \
                     '{text}'."
                )
            });
    }
    let mut numbers = Vec::with_capacity(arguments.len());
    for argument in arguments {
        match argument {
            Token::Int32(number) => numbers.push(i64::from(*number)),
            Token::Int64(number) => numbers.push(*number),
            other => {
                return Err(format!(
                    "JSON reader expected an integer but found '{}'.",
                    other.text()
                ));
            }
        }
    }
    match numbers.as_slice() {
        [ms] => Ok(*ms),
        [year, month, day, rest @ ..] if rest.len() <= 4 => {
            let at = |index: usize| rest.get(index).copied().unwrap_or(0);
            from_calendar(*year, *month, *day, [at(0), at(1), at(2), at(3)])
                .ok_or_else(|| "The date is out of range".to_string())
        }
        numbers => Err(format!(
            "JSON reader expected 1 or 3-7 integers but found {}.",
            numbers.len()
        )),
    }
}

/// A lenient calendar: a month of 12 is January of the next year, an hour of 24 the next day.
fn from_calendar(year: i64, month: i64, day: i64, [h, m, s, ms]: [i64; 4]) -> Option<i64> {
    let months = year.checked_mul(12)?.checked_add(month)?;
    let first = NaiveDate::from_ymd_opt(
        i32::try_from(months.div_euclid(12)).ok()?,
        u32::try_from(months.rem_euclid(12)).ok()? + 1,
        1,
    )?;
    let first_ms = first.and_time(NaiveTime::MIN).and_utc().timestamp_millis();
    [
        (day - 1, 86_400_000),
        (h, 3_600_000),
        (m, 60_000),
        (s, 1000),
        (ms, 1),
    ]
    .into_iter()
    .try_fold(first_ms, |sum, (count, unit)| {
        sum.checked_add(count.checked_mul(unit)?)
    })
}

/// What the shell's `Date()` without `new` gives.
pub(super) fn format_shell(ms: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(ms).map_or_else(String::new, |date| {
        format!("{} UTC", date.format(SHELL_FORMAT))
    })
}
