//! Time zones by the names that Joda-Time takes, with its arithmetic around changes of the clock.

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone as _};
use chrono_tz::Tz;

const MS_PER_DAY: i64 = 86_400_000;
const MS_PER_MINUTE: i64 = 60_000;

/// A time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone {
    id: String,
    rules: Rules,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rules {
    Fixed { offset_ms: i64 },
    Named(Tz),
}

impl TimeZone {
    /// UTC.
    pub fn utc() -> Self {
        Self {
            id: "UTC".into(),
            rules: Rules::Fixed { offset_ms: 0 },
        }
    }

    /// A zone of the tz database, or an offset such as `+01:00`. The error is Joda's.
    pub fn for_id(id: &str) -> Result<Self, String> {
        if id == "UTC" {
            return Ok(Self::utc());
        }
        let unknown = || format!("The datetime zone id '{id}' is not recognised");
        if id.starts_with(['+', '-']) {
            let offset_ms = parse_offset_ms(id).ok_or_else(unknown)?;
            return Ok(Self::fixed(offset_ms));
        }
        let zone: Tz = id.parse().map_err(|_| unknown())?;
        Ok(Self {
            id: id.into(),
            rules: Rules::Named(zone),
        })
    }

    fn fixed(offset_ms: i64) -> Self {
        if offset_ms == 0 {
            return Self::utc();
        }
        let sign = if offset_ms < 0 { '-' } else { '+' };
        let minutes = offset_ms.abs() / MS_PER_MINUTE;
        Self {
            id: format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60),
            rules: Rules::Fixed { offset_ms },
        }
    }

    /// The name, as it was asked for: of an alias Joda would tell the zone that it stands for.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What is added to UTC at that moment; zero beyond the years that can be told.
    pub fn offset_ms(&self, instant_ms: i64) -> i64 {
        match self.rules {
            Rules::Fixed { offset_ms } => offset_ms,
            Rules::Named(zone) => match naive(instant_ms) {
                Some(utc) => {
                    i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()) * 1000
                }
                None => 0,
            },
        }
    }

    /// The local time of a moment, as milliseconds since 1970-01-01T00:00 local time.
    pub fn to_local(&self, instant_ms: i64) -> i64 {
        instant_ms.saturating_add(self.offset_ms(instant_ms))
    }

    /// The moment of a local time. Of a time that comes twice it is the earlier one east of Greenwich
    /// and west of it the one that Joda's non-strict conversion picks; a time that is skipped counts
    /// with the offset before the gap.
    pub fn to_instant(&self, local_ms: i64) -> i64 {
        let first_guess = self.offset_ms(local_ms);
        let mut offset = self.offset_ms(local_ms.saturating_sub(first_guess));
        if first_guess != offset && first_guess < 0 {
            // West of Greenwich the second guess is wrong inside a gap, which shows in a change of
            // the clock between the two moments that the guesses give.
            let one = local_ms.saturating_sub(first_guess);
            let other = local_ms.saturating_sub(offset);
            if self.offset_ms(one) != self.offset_ms(other) {
                offset = first_guess;
            }
        }
        local_ms.saturating_sub(offset)
    }

    /// The moment at which the local day of a moment began: midnight, or the first moment after it
    /// where midnight is skipped.
    pub fn start_of_day(&self, instant_ms: i64) -> i64 {
        let local_ms = self.to_local(instant_ms);
        let midnight_ms = local_ms.saturating_sub(local_ms.rem_euclid(MS_PER_DAY));
        let offset_before = self.offset_ms(
            midnight_ms
                .saturating_sub(self.offset_ms(instant_ms))
                .saturating_sub(MS_PER_DAY / 2),
        );
        let offset_after = self.offset_ms(instant_ms);
        // Either offset may hold at midnight; the earlier moment that is midnight indeed counts.
        let mut candidates = [
            midnight_ms.saturating_sub(offset_before),
            midnight_ms.saturating_sub(offset_after),
        ];
        candidates.sort_unstable();
        for candidate in candidates {
            if self.to_local(candidate) == midnight_ms {
                return candidate;
            }
        }
        // Skipped: the clock went from before midnight to after it at this very moment.
        midnight_ms.saturating_sub(offset_before)
    }
}

/// The civil date and time of milliseconds since the epoch; `None` beyond some 260,000 years.
pub(crate) fn naive(ms: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp_millis(ms).map(|time| time.naive_utc())
}

/// `+hh`, `+hh:mm`, `+hhmm` and the same with minus.
pub(crate) fn parse_offset_ms(text: &str) -> Option<i64> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let digits: String = match rest.len() {
        2 | 4 => rest.to_string(),
        5 if rest.as_bytes()[2] == b':' => rest.replacen(':', "", 1),
        _ => return None,
    };
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let hours: i64 = digits[..2].parse().ok()?;
    let minutes: i64 = if digits.len() == 4 {
        digits[2..].parse().ok()?
    } else {
        0
    };
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes) * MS_PER_MINUTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_joda() {
        for id in [
            "UTC",
            "GMT",
            "Europe/Zurich",
            "America/Sao_Paulo",
            "US/Pacific",
            "EST",
        ] {
            assert_eq!(TimeZone::for_id(id).unwrap().id(), id);
        }
        assert_eq!(TimeZone::for_id("+0130").unwrap().id(), "+01:30");
        assert_eq!(
            TimeZone::for_id("-08:00").unwrap().offset_ms(0),
            -8 * 3_600_000
        );
        for id in [
            "",
            "utc+1",
            "Europe/Nowhere",
            "+1",
            "+25:00",
            "+aa:bb",
            "+é1",
        ] {
            assert_eq!(
                TimeZone::for_id(id).unwrap_err(),
                format!("The datetime zone id '{id}' is not recognised")
            );
        }
    }

    #[test]
    fn a_day_begins_after_a_skipped_midnight() {
        // 2018-11-04 in São Paulo began at 01:00, which was 03:00 UTC.
        let zone = TimeZone::for_id("America/Sao_Paulo").unwrap();
        assert_eq!(zone.start_of_day(1_541_340_000_000), 1_541_300_400_000);
        // The day before began at midnight, 03:00 UTC.
        assert_eq!(zone.start_of_day(1_541_250_000_000), 1_541_214_000_000);
    }

    #[test]
    fn extreme_moments_do_not_panic() {
        let zone = TimeZone::for_id("Europe/Zurich").unwrap();
        for ms in [i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX] {
            let _ = (zone.to_local(ms), zone.to_instant(ms));
        }
    }
}
