//! `java.text.SimpleDateFormat` with the texts of English.
//!
//! Dates before October 15, 1582 are Julian, as in `java.util.GregorianCalendar`. What differs from
//! Java: the names of zones are those of a JVM 17, and a format does not keep a zone that it read.

mod calendar;
mod fields;
mod format;
mod parse;
mod pattern;
mod texts;
mod zone;

pub use zone::Zone;

use calendar::WeekRule;
use pattern::Element;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// Whose texts count. Weeks begin on Sunday, and the one with January 1 is the first, in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locale {
    /// `Locale.ROOT`: months and days have short names only.
    Root,
    /// `Locale.ENGLISH`, which is also what a JVM in a container without a locale has.
    English,
}

/// A pattern that is none: Java's `IllegalArgumentException`, shown as its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IllegalPattern(String);

impl fmt::Display for IllegalPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for IllegalPattern {}

/// A text that does not begin as the pattern wants: Java's `ParseException`, shown as its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseException {
    text: String,
    error_offset: Option<usize>,
}

impl ParseException {
    /// Where the text and the pattern part, in UTF-16 units as in Java; `None` (there -1) if nothing is
    /// wanted and so nothing found.
    pub fn error_offset(&self) -> Option<usize> {
        self.error_offset
    }
}

impl fmt::Display for ParseException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unparseable date: \"{}\"", self.text)
    }
}

impl std::error::Error for ParseException {}

/// A format of points in time. It is not changed by its use, so it can be shared.
#[derive(Clone, Debug)]
pub struct SimpleDateFormat {
    pattern: String,
    elements: Vec<Element>,
    zone: Zone,
    locale: Locale,
    week_rule: WeekRule,
    two_digit_year_start_ms: i64,
}

impl SimpleDateFormat {
    /// Compiles a pattern. Years of two digits are read as those from 80 years before now on.
    pub fn new(pattern: &str, zone: Zone, locale: Locale) -> Result<Self, IllegalPattern> {
        let now_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0));
        Ok(Self {
            pattern: pattern.to_string(),
            elements: pattern::compile(pattern)?,
            two_digit_year_start_ms: calendar::years_before(now_ms, 80),
            zone,
            locale,
            week_rule: WeekRule {
                first_day: 1,
                minimal_days: 1,
            },
        })
    }

    /// The same, with the moment from which years of two digits count: `set2DigitYearStart`.
    pub fn with_two_digit_year_start(mut self, epoch_ms: i64) -> Self {
        self.two_digit_year_start_ms = epoch_ms;
        self
    }

    /// The pattern as it was given.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The text of a moment, given in milliseconds since the epoch.
    pub fn format(&self, epoch_ms: i64) -> String {
        format::format(self, epoch_ms)
    }

    /// The moment that a text begins with, in milliseconds since the epoch. What follows in the text
    /// does not matter, and values beyond their range carry over, as in `DateFormat.parse`.
    pub fn parse(&self, text: &str) -> Result<i64, ParseException> {
        parse::parse(self, text).map_err(|at| ParseException {
            text: text.to_string(),
            error_offset: at
                .and_then(|at| text.get(..at))
                .map(|before| before.encode_utf16().count()),
        })
    }
}

#[cfg(test)]
mod tests;
