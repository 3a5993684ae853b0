//! Time zones as `java.util.TimeZone` has them.

use chrono::{DateTime, LocalResult, Offset as _, TimeZone as _};
use chrono_tz::{OffsetComponents as _, Tz, TzOffset};

/// The start of the year 1900: Java knows no changes of the clock before.
const FIRST_CHANGE_MS: i64 = -2_208_988_800_000;

/// A moment by which the clock is as it is today, to ask for the rules in force.
const TODAY_MS: i64 = 1_767_225_600_000;

/// Names of three letters that Java has besides those of the tz database.
const OLD_IDS: &[(&str, &str)] = &[
    ("ACT", "Australia/Darwin"),
    ("AET", "Australia/Sydney"),
    ("AGT", "America/Argentina/Buenos_Aires"),
    ("ART", "Africa/Cairo"),
    ("AST", "America/Anchorage"),
    ("BET", "America/Sao_Paulo"),
    ("BST", "Asia/Dhaka"),
    ("CAT", "Africa/Harare"),
    ("CNT", "America/St_Johns"),
    ("CST", "America/Chicago"),
    ("CTT", "Asia/Shanghai"),
    ("EAT", "Africa/Addis_Ababa"),
    ("ECT", "Europe/Paris"),
    ("IET", "America/Indiana/Indianapolis"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MIT", "Pacific/Apia"),
    ("NET", "Asia/Yerevan"),
    ("NST", "Pacific/Auckland"),
    ("PLT", "Asia/Karachi"),
    ("PNT", "America/Phoenix"),
    ("PRT", "America/Puerto_Rico"),
    ("PST", "America/Los_Angeles"),
    ("SST", "Pacific/Guadalcanal"),
    ("VST", "Asia/Ho_Chi_Minh"),
];

/// A time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    id: String,
    rules: Rules,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rules {
    Fixed { offset_ms: i64 },
    Named(Tz),
}

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self {
            id: "UTC".into(),
            rules: Rules::Fixed { offset_ms: 0 },
        }
    }

    /// A zone by its name: one of the tz database, an old one of three letters, or `GMT+hh:mm`.
    pub fn for_id(id: &str) -> Option<Self> {
        if matches!(id, "UTC" | "GMT") {
            return Some(Self {
                id: id.into(),
                rules: Rules::Fixed { offset_ms: 0 },
            });
        }
        if let Some(offset) = id.strip_prefix("GMT")
            && let Some(zone) = custom(offset)
        {
            return Some(zone);
        }
        let name = OLD_IDS
            .iter()
            .find(|(old, _)| *old == id)
            .map_or(id, |(_, name)| name);
        let zone: Tz = name.parse().ok()?;
        Some(Self {
            id: id.into(),
            rules: Rules::Named(zone),
        })
    }

    /// The name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What standard time and what summer time add to UTC at a moment, in milliseconds.
    pub(super) fn offsets(&self, epoch_ms: i64) -> (i64, i64) {
        match self.rules {
            Rules::Fixed { offset_ms } => (offset_ms, 0),
            Rules::Named(zone) => {
                if epoch_ms < FIRST_CHANGE_MS {
                    return (standard_today_ms(zone), 0);
                }
                match DateTime::from_timestamp_millis(epoch_ms) {
                    Some(utc) => parts(&zone.offset_from_utc_datetime(&utc.naive_utc())),
                    None => (standard_today_ms(zone), 0),
                }
            }
        }
    }

    /// The same for a local time. One that is skipped counts with the offset before, and of one that
    /// comes twice the later counts.
    pub(super) fn offsets_of_local(&self, local_ms: i64) -> (i64, i64) {
        let zone = match self.rules {
            Rules::Fixed { offset_ms } => return (offset_ms, 0),
            Rules::Named(zone) => zone,
        };
        let standard_ms = standard_today_ms(zone);
        if local_ms.saturating_sub(standard_ms) < FIRST_CHANGE_MS {
            return (standard_ms, 0);
        }
        let Some(local) = DateTime::from_timestamp_millis(local_ms).map(|local| local.naive_utc())
        else {
            return (standard_ms, 0);
        };
        match zone.offset_from_local_datetime(&local) {
            LocalResult::Single(offset) => parts(&offset),
            LocalResult::Ambiguous(_, later) => parts(&later),
            LocalResult::None => {
                // A day before, no zone is within the same gap.
                let before = local - chrono::TimeDelta::days(1);
                match zone.offset_from_local_datetime(&before) {
                    LocalResult::Single(offset) | LocalResult::Ambiguous(offset, _) => {
                        parts(&offset)
                    }
                    LocalResult::None => (standard_ms, 0),
                }
            }
        }
    }

    /// What summer time adds in this zone nowadays; 0 if there is none.
    pub(super) fn dst_savings_ms(&self) -> i64 {
        let Rules::Named(zone) = self.rules else {
            return 0;
        };
        (0..12)
            .filter_map(|month| {
                let at_ms = TODAY_MS + month * 30 * 86_400_000;
                let utc = DateTime::from_timestamp_millis(at_ms)?;
                Some(parts(&zone.offset_from_utc_datetime(&utc.naive_utc())).1)
            })
            .max()
            .unwrap_or(0)
    }
}

/// Standard and summer part of an offset. Where winter time is told as a negative summer time, the
/// winter is the standard, as in Java.
fn parts(offset: &TzOffset) -> (i64, i64) {
    let total_ms = i64::from(offset.fix().local_minus_utc()) * 1000;
    let dst_ms = offset.dst_offset().num_milliseconds();
    if dst_ms < 0 {
        return (total_ms, 0);
    }
    (total_ms - dst_ms, dst_ms)
}

fn standard_today_ms(zone: Tz) -> i64 {
    DateTime::from_timestamp_millis(TODAY_MS).map_or(0, |utc| {
        parts(&zone.offset_from_utc_datetime(&utc.naive_utc())).0
    })
}

/// `+h`, `+hh`, `+hh:mm` or `+hhmm` behind `GMT`.
fn custom(offset: &str) -> Option<Zone> {
    let sign = match offset.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = &offset[1..];
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) if minutes.len() == 2 => (hours, minutes),
        Some(_) => return None,
        None if digits.len() <= 2 => (digits, "00"),
        None => digits.split_at_checked(digits.len() - 2)?,
    };
    let number = |text: &str| {
        (!text.is_empty() && text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<i64>().ok())
            .flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset_ms = sign * (hours * 60 + minutes) * 60_000;
    let id = match offset_ms {
        0 => "GMT".to_string(),
        _ => format!(
            "GMT{}{hours:02}:{minutes:02}",
            if sign < 0 { '-' } else { '+' }
        ),
    };
    Some(Zone {
        id,
        rules: Rules::Fixed { offset_ms },
    })
}
