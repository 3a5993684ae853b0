//! From a text to the moment that it tells.

use super::SimpleDateFormat;
use super::calendar;
use super::fields::{Field, Fields};
use super::pattern::Element;
use super::texts::{self, HALVES_OF_DAY, ZoneNames};
use super::zone::Zone;

/// Where a text stops to be what the pattern wants, in bytes.
type Mismatch = usize;

/// The moment; the error is where the text fails, if it fails somewhere.
pub(super) fn parse(format: &SimpleDateFormat, text: &str) -> Result<i64, Option<Mismatch>> {
    let mut parser = Parser {
        format,
        text,
        at: 0,
        fields: Fields::default(),
        zone: None,
        year_is_ambiguous: false,
    };
    let mut elements = format.elements.iter().peekable();
    while let Some(element) = elements.next() {
        match element {
            Element::Literal(literal) => parser.literal(literal).map_err(Some)?,
            Element::Field { letter, count } => {
                // Fields without anything between them have as many digits as letters.
                let is_followed_by_field = matches!(elements.peek(), Some(Element::Field { .. }));
                parser
                    .field(*letter, *count, is_followed_by_field)
                    .map_err(Some)?;
            }
        }
    }
    if parser.at == 0 {
        // Nothing read is nothing found.
        return Err(None);
    }
    let zone = parser.zone.as_ref().unwrap_or(&format.zone);
    let epoch_ms = parser.fields.to_epoch_ms(zone, format.week_rule);
    if parser.year_is_ambiguous && epoch_ms < format.two_digit_year_start_ms {
        parser.fields.add_years(100);
        return Ok(parser.fields.to_epoch_ms(zone, format.week_rule));
    }
    Ok(epoch_ms)
}

struct Parser<'f> {
    format: &'f SimpleDateFormat,
    text: &'f str,
    at: usize,
    fields: Fields,
    /// The zone that the text names.
    zone: Option<Zone>,
    year_is_ambiguous: bool,
}

impl Parser<'_> {
    fn literal(&mut self, literal: &str) -> Result<(), Mismatch> {
        for wanted in literal.chars() {
            if !self.text[self.at..].starts_with(wanted) {
                return Err(self.at);
            }
            self.at += wanted.len_utf8();
        }
        Ok(())
    }

    fn field(&mut self, letter: char, count: usize, fixed_width: bool) -> Result<(), Mismatch> {
        let start = self.at;
        let number_at = start + self.blanks_at(start);
        if number_at == self.text.len() {
            return Err(start);
        }
        let locale = self.format.locale;
        let field = match letter {
            'G' => return self.name(Field::Era, start, locale.eras_to_read()),
            'M' | 'L' if count >= 3 => {
                let names = (0..12).flat_map(|month| {
                    [true, false].map(|long| (month as i64, locale.month(month, long)))
                });
                return self.name(Field::Month, start, names);
            }
            'E' => {
                let names = (1..=7)
                    .flat_map(|day| [true, false].map(|long| (day, locale.day_of_week(day, long))));
                return self.name(Field::DayOfWeek, start, names);
            }
            'a' => {
                let names = (0..).zip(HALVES_OF_DAY);
                return self.name(Field::AmPm, start, names);
            }
            'z' | 'Z' => return self.zone(number_at),
            'X' => return self.iso_zone(number_at, count),
            'y' => Field::Year,
            'Y' => Field::WeekYear,
            'M' | 'L' => Field::Month,
            'd' => Field::DayOfMonth,
            'D' => Field::DayOfYear,
            'F' => Field::DayOfWeekInMonth,
            'w' => Field::WeekOfYear,
            'W' => Field::WeekOfMonth,
            'u' => Field::DayOfWeek,
            'H' | 'k' => Field::HourOfDay,
            'K' | 'h' => Field::Hour,
            'm' => Field::Minute,
            's' => Field::Second,
            _ => Field::Millisecond,
        };
        let text = if fixed_width {
            let mut ends = self.text[start..].char_indices().map(|(at, _)| start + at);
            match ends.nth(count) {
                Some(end) => &self.text[..end],
                None if self.text[start..].chars().count() == count => self.text,
                None => return Err(number_at),
            }
        } else {
            self.text
        };
        let (value, end) = number(text, number_at).ok_or(number_at)?;
        let value = match letter {
            'y' | 'Y' if count <= 2 => self.full_year(value, number_at, end),
            'M' | 'L' => value - 1,
            'k' if value == 24 => 0,
            'h' if value == 12 => 0,
            // From Monday = 1 to Sunday = 1; what is no day stays and carries over.
            'u' if (1..=7).contains(&value) => value % 7 + 1,
            _ => value,
        };
        self.fields.set(field, value);
        self.at = end;
        Ok(())
    }

    fn blanks_at(&self, start: usize) -> usize {
        self.text[start..]
            .bytes()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count()
    }

    /// A year of exactly two digits lies in the hundred years from the start on.
    fn full_year(&mut self, year: i64, start: usize, end: usize) -> i64 {
        let is_two_digits = end - start == 2
            && self.text[start..end]
                .bytes()
                .all(|byte| byte.is_ascii_digit());
        if !is_two_digits {
            return year;
        }
        let start_ms = self.format.two_digit_year_start_ms;
        let (standard_ms, dst_ms) = self.format.zone.offsets(start_ms);
        let local_ms = start_ms.saturating_add(standard_ms + dst_ms);
        let start_year = calendar::Date::of_day(local_ms.div_euclid(calendar::MS_PER_DAY)).year;
        let ambiguous = start_year.rem_euclid(100);
        self.year_is_ambiguous = year == ambiguous;
        year + start_year.div_euclid(100) * 100 + if year < ambiguous { 100 } else { 0 }
    }

    /// The longest of some names, in letters of any case.
    fn name<'n>(
        &mut self,
        field: Field,
        start: usize,
        names: impl Iterator<Item = (i64, &'n str)>,
    ) -> Result<(), Mismatch> {
        let best = names
            .filter(|(_, name)| self.has_at(start, name))
            .max_by_key(|(_, name)| name.len());
        let Some((value, name)) = best else {
            return Err(start + self.blanks_at(start));
        };
        self.fields.set(field, value);
        self.at = start + name.len();
        Ok(())
    }

    /// Whether an ASCII text stands at a place, in letters of any case.
    fn has_at(&self, start: usize, wanted: &str) -> bool {
        self.text
            .as_bytes()
            .get(start..start + wanted.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(wanted.as_bytes()))
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn zone(&mut self, start: usize) -> Result<(), Mismatch> {
        if let Some(sign) = sign(self.byte(start)) {
            return self.numeric_zone(start + 1, sign, 0, false);
        }
        if self.has_at(start, "GMT") {
            let end = start + 3;
            return match sign(self.byte(end)) {
                Some(sign) => self.numeric_zone(end + 1, sign, 0, true),
                None => self.set_offset(0, end),
            };
        }
        // The names of the own zone first, then those of all in their order.
        let own = texts::names_of_zone(self.format.zone.id());
        let found = own
            .into_iter()
            .chain(texts::zone_names())
            .find_map(|names| Some((names, self.name_of_zone(names, start)?)));
        let Some((names, index)) = found else {
            return Err(start);
        };
        let Some(zone) = Zone::for_id(names.id) else {
            return Err(start);
        };
        let is_dst = index >= 2;
        let same_in_summer =
            !is_dst && names.names[index].eq_ignore_ascii_case(names.names[index + 2]);
        let dst_ms = if is_dst { zone.dst_savings_ms() } else { 0 };
        if !(same_in_summer || is_dst && dst_ms == 0) {
            self.fields.clear(Field::ZoneOffset);
            self.fields.set(Field::DstOffset, dst_ms);
        }
        self.zone = Some(zone);
        self.at = start + names.names[index].len();
        Ok(())
    }

    fn name_of_zone(&self, names: &ZoneNames, start: usize) -> Option<usize> {
        names
            .names
            .iter()
            .position(|name| !name.is_empty() && self.has_at(start, name))
    }

    fn iso_zone(&mut self, start: usize, count: usize) -> Result<(), Mismatch> {
        if self.byte(start) == Some(b'Z') {
            return self.set_offset(0, start + 1);
        }
        match sign(self.byte(start)) {
            Some(sign) => self.numeric_zone(start + 1, sign, count, count == 3),
            None => Err(start + 1),
        }
    }

    /// Hours and minutes. Without a number of letters (`count` 0) a colon allows one digit of hours.
    fn numeric_zone(
        &mut self,
        start: usize,
        sign: i64,
        count: usize,
        colon: bool,
    ) -> Result<(), Mismatch> {
        let digit = |at: usize| {
            self.byte(at)
                .filter(u8::is_ascii_digit)
                .map(|digit| i64::from(digit - b'0'))
        };
        let mut at = start;
        let mut hours = digit(at).ok_or(at)?;
        at += 1;
        match digit(at) {
            Some(second) => {
                hours = hours * 10 + second;
                at += 1;
            }
            // The text must go on, for Java looks one character ahead.
            None if count > 0 || !colon || at >= self.text.len() => return Err(at),
            None => {}
        }
        if hours > 23 {
            return Err(at - 1);
        }
        let mut minutes = 0;
        if count != 1 {
            if colon {
                if self.byte(at) != Some(b':') {
                    return Err(at);
                }
                at += 1;
            }
            minutes = digit(at).ok_or(at)? * 10 + digit(at + 1).ok_or(at + 1)?;
            at += 2;
            if minutes > 59 {
                return Err(at - 1);
            }
        }
        self.set_offset(sign * (hours * 60 + minutes) * 60_000, at)
    }

    fn set_offset(&mut self, offset_ms: i64, end: usize) -> Result<(), Mismatch> {
        self.fields.set(Field::ZoneOffset, offset_ms);
        self.fields.set(Field::DstOffset, 0);
        self.at = end;
        Ok(())
    }
}

fn sign(byte: Option<u8>) -> Option<i64> {
    match byte? {
        b'+' => Some(1),
        b'-' => Some(-1),
        _ => None,
    }
}

/// A whole number as Java's number formats read it, cut to an `int`, and where it ends.
fn number(text: &str, start: usize) -> Option<(i64, usize)> {
    let bytes = text.as_bytes();
    let is_negative = bytes.get(start) == Some(&b'-');
    let first = start + usize::from(is_negative);
    let digits = bytes
        .get(first..)?
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if digits == 0 {
        return None;
    }
    let end = first + digits;
    let digits = &text[first..end];
    let value = match digits.parse::<i64>() {
        // A long is cut to its low bits, a larger number to the nearest int.
        Ok(value) => {
            let value = if is_negative { -value } else { value };
            i64::from(value as i32)
        }
        Err(_) if is_negative => i64::from(i32::MIN),
        Err(_) => i64::from(i32::MAX),
    };
    Some((value, end))
}
