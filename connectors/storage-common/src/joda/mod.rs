//! Dates as Joda-Time's `DateTimeFormat` writes them: the language of `path.format`.

mod locale;

pub use locale::Locale;

use crate::time_zone::{TimeZone, naive};
use chrono::{Datelike, NaiveDateTime, Timelike};
use std::fmt::Write;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct DatePattern {
    parts: Vec<Part>,
    locale: Locale,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Field { letter: u8, width: usize },
}

/// The letters that mean something. `z` does too, but the texts that Java has for it do not follow
/// from the tz database.
const LETTERS: &[u8] = b"GCYxweEyDMdaKhHkmsSZ";

/// Beyond this width a field is a mistake; Joda would pad it all the same.
const MAX_WIDTH: usize = 100;

impl DatePattern {
    /// Compiles a pattern. The error is Joda's, with the way out added.
    pub fn compile(pattern: &str, locale: Locale) -> Result<Self, String> {
        if pattern.is_empty() {
            return Err("Invalid pattern specification".into());
        }
        let mut parts = Vec::new();
        let mut rest = pattern;
        while let Some(first) = rest.bytes().next() {
            if first.is_ascii_alphabetic() {
                let width = rest.bytes().take_while(|byte| *byte == first).count();
                let (run, after) = rest.split_at(width);
                rest = after;
                if first == b'z' {
                    return Err(format!(
                        "The pattern letter z (name of a time zone) is not supported: use Z, ZZ \
                         (offset) or ZZZ (id) in place of {run}"
                    ));
                }
                if !LETTERS.contains(&first) || width > MAX_WIDTH {
                    return Err(format!(
                        "Illegal pattern component: {run}. Put fixed letters in single quotes, for \
                         example 'year'=YYYY/'month'=MM"
                    ));
                }
                parts.push(Part::Field {
                    letter: first,
                    width,
                });
            } else {
                let (text, after) = take_literal(rest);
                rest = after;
                parts.push(Part::Literal(text));
            }
        }
        Ok(Self { parts, locale })
    }

    /// Appends the text of a moment in a time zone. `None` beyond some 260,000 years, where there is
    /// no calendar.
    #[must_use]
    pub fn format(&self, instant_ms: i64, zone: &TimeZone, out: &mut String) -> Option<()> {
        let offset_ms = zone.offset_ms(instant_ms);
        let local = naive(instant_ms.checked_add(offset_ms)?)?;
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Field { letter, width } => {
                    self.push_field(*letter, *width, &local, offset_ms, zone, out);
                }
            }
        }
        Some(())
    }

    fn push_field(
        &self,
        letter: u8,
        width: usize,
        local: &NaiveDateTime,
        offset_ms: i64,
        zone: &TimeZone,
        out: &mut String,
    ) {
        let symbols = self.locale.symbols();
        let weekday = local.weekday().num_days_from_monday() as usize;
        let (hour, month) = (local.hour(), local.month0() as usize);
        let afternoon = usize::from(hour >= 12);
        let number: i64 = match letter {
            b'G' => return out.push_str(symbols.eras[usize::from(local.year() > 0)]),
            b'a' => return out.push_str(symbols.halves_of_day[afternoon]),
            b'E' if width >= 4 => return out.push_str(symbols.weekdays[weekday]),
            b'E' => return out.push_str(symbols.short_weekdays[weekday]),
            b'M' if width >= 4 => return out.push_str(symbols.months[month]),
            b'M' if width == 3 => return out.push_str(symbols.short_months[month]),
            b'Z' if width >= 3 => return out.push_str(zone.id()),
            b'Z' => return push_offset(offset_ms, width == 2, out),
            b'S' => return push_fraction(local.and_utc().timestamp_subsec_millis(), width, out),
            b'C' => i64::from(year_of_era(local)) / 100,
            b'Y' | b'y' if width == 2 => return push_two_digits(local.year(), out),
            b'x' if width == 2 => return push_two_digits(local.iso_week().year(), out),
            b'Y' => i64::from(year_of_era(local)),
            b'y' => i64::from(local.year()),
            b'x' => i64::from(local.iso_week().year()),
            b'w' => i64::from(local.iso_week().week()),
            b'e' => weekday as i64 + 1,
            b'D' => i64::from(local.ordinal()),
            b'M' => month as i64 + 1,
            b'd' => i64::from(local.day()),
            b'K' => i64::from(hour % 12),
            b'h' => i64::from((hour + 11) % 12 + 1),
            b'H' => i64::from(hour),
            b'k' => i64::from((hour + 23) % 24 + 1),
            b'm' => i64::from(local.minute()),
            // What is left is 's': other letters were refused.
            _ => i64::from(local.second()),
        };
        push_padded(number, width, out);
    }
}

/// Takes what is not a field: text between quotes and everything that is no letter. Two quotes are
/// one; a quote that is never closed reaches to the end.
fn take_literal(text: &str) -> (String, &str) {
    let mut literal = String::new();
    let mut quoted = false;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character == '\'' {
            if characters.next_if(|(_, next)| *next == '\'').is_some() {
                literal.push('\'');
            } else {
                quoted = !quoted;
            }
        } else if !quoted && character.is_ascii_alphabetic() {
            return (literal, &text[at..]);
        } else {
            literal.push(character);
        }
    }
    (literal, "")
}

fn year_of_era(local: &NaiveDateTime) -> i32 {
    let year = local.year();
    if year > 0 { year } else { 1 - year }
}

fn push_padded(number: i64, width: usize, out: &mut String) {
    if number < 0 {
        out.push('-');
    }
    // Writing to a String does not fail.
    let _ = write!(out, "{:0width$}", number.unsigned_abs());
}

fn push_two_digits(year: i32, out: &mut String) {
    push_padded(i64::from(year.unsigned_abs() % 100), 2, out);
}

/// Three digits are all that there is; more are zeros.
fn push_fraction(ms: u32, width: usize, out: &mut String) {
    let digits = format!("{ms:03}");
    out.push_str(&digits[..width.min(3)]);
    out.extend(std::iter::repeat_n('0', width.saturating_sub(3)));
}

fn push_offset(offset_ms: i64, colon: bool, out: &mut String) {
    let minutes = offset_ms.abs() / 60_000;
    out.push(if offset_ms < 0 { '-' } else { '+' });
    push_padded(minutes / 60, 2, out);
    if colon {
        out.push(':');
    }
    push_padded(minutes % 60, 2, out);
}

#[cfg(test)]
mod tests;
