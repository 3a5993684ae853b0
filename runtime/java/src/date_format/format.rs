//! From a moment to its text.

use super::SimpleDateFormat;
use super::calendar::{Date, MS_PER_DAY};
use super::pattern::Element;
use super::texts::{HALVES_OF_DAY, names_of_zone};
use std::fmt::Write as _;

pub(super) fn format(format: &SimpleDateFormat, epoch_ms: i64) -> String {
    let (standard_ms, dst_ms) = format.zone.offsets(epoch_ms);
    let local_ms = i128::from(epoch_ms) + i128::from(standard_ms + dst_ms);
    let day = local_ms.div_euclid(i128::from(MS_PER_DAY)) as i64;
    let moment = Moment {
        format,
        date: Date::of_day(day),
        ms_of_day: local_ms.rem_euclid(i128::from(MS_PER_DAY)) as i64,
        offset_ms: standard_ms + dst_ms,
        is_dst: dst_ms != 0,
    };
    let mut out = String::with_capacity(format.pattern.len() + 8);
    for element in &format.elements {
        match element {
            Element::Literal(text) => out.push_str(text),
            Element::Field { letter, count } => moment.write(&mut out, *letter, *count),
        }
    }
    out
}

struct Moment<'f> {
    format: &'f SimpleDateFormat,
    date: Date,
    ms_of_day: i64,
    offset_ms: i64,
    is_dst: bool,
}

impl Moment<'_> {
    fn write(&self, out: &mut String, letter: char, count: usize) {
        let locale = self.format.locale;
        let hour = self.ms_of_day / 3_600_000;
        let number = match letter {
            'G' => return out.push_str(locale.eras()[usize::from(self.date.year > 0)]),
            'y' => return year(out, self.year_of_era(), count),
            'Y' => {
                let (_, week_year) = self.format.week_rule.week_of_year(&self.date);
                return year(out, week_year, count);
            }
            'M' | 'L' if count >= 3 => {
                return out.push_str(locale.month(self.date.month, count >= 4));
            }
            'M' | 'L' => self.date.month as i64 + 1,
            'E' => {
                return out.push_str(locale.day_of_week(self.date.day_of_week(), count >= 4));
            }
            'a' => return out.push_str(HALVES_OF_DAY[usize::from(hour >= 12)]),
            'z' => return self.zone_name(out, count >= 4),
            'Z' | 'X' => return self.zone_offset(out, letter, count),
            'd' => self.date.day_of_month,
            'D' => self.date.day_of_year(),
            'F' => self.date.day_of_week_in_month(),
            'w' => self.format.week_rule.week_of_year(&self.date).0,
            'W' => self.format.week_rule.week_of_month(&self.date),
            'u' => (self.date.day_of_week() + 5) % 7 + 1,
            'H' => hour,
            'k' => (hour + 23) % 24 + 1,
            'K' => hour % 12,
            'h' => (hour + 11) % 12 + 1,
            'm' => self.ms_of_day / 60_000 % 60,
            's' => self.ms_of_day / 1000 % 60,
            _ => self.ms_of_day % 1000,
        };
        padded(out, number, count);
    }

    fn year_of_era(&self) -> i64 {
        if self.date.year > 0 {
            self.date.year
        } else {
            1 - self.date.year
        }
    }

    fn zone_name(&self, out: &mut String, long: bool) {
        match names_of_zone(self.format.zone.id()) {
            Some(names) => out.push_str(names.name(self.is_dst, long)),
            None => {
                out.push_str("GMT");
                if self.offset_ms != 0 {
                    self.zone_offset(out, 'X', 3);
                }
            }
        }
    }

    fn zone_offset(&self, out: &mut String, letter: char, count: usize) {
        if letter == 'X' && self.offset_ms == 0 {
            return out.push('Z');
        }
        let minutes = self.offset_ms.abs() / 60_000;
        out.push(if self.offset_ms < 0 { '-' } else { '+' });
        padded(out, minutes / 60, 2);
        if letter == 'X' && count == 1 {
            return;
        }
        if letter == 'X' && count == 3 {
            out.push(':');
        }
        padded(out, minutes % 60, 2);
    }
}

/// Two letters mean the last two digits.
fn year(out: &mut String, year: i64, count: usize) {
    if count == 2 {
        if year < 0 {
            out.push('-');
        }
        padded(out, year.abs() % 100, 2);
    } else {
        padded(out, year, count);
    }
}

fn padded(out: &mut String, number: i64, width: usize) {
    if number < 0 {
        out.push('-');
    }
    // Writing into a string cannot fail.
    let _ = write!(out, "{:0width$}", number.unsigned_abs());
}
