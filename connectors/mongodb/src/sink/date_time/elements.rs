//! The elements of a pattern, and how each is read from a text.

use super::parsed::{Field, Parsed, Zone};

/// An element of a pattern.
#[derive(Clone, Debug)]
pub(super) enum Element {
    Literal(String),
    Number {
        field: Field,
        min_digits: usize,
        max_digits: usize,
    },
    /// The last two digits of a year of this century.
    ShortYear,
    Fraction(usize),
    Name {
        field: Field,
        names: &'static [&'static str],
        base: i64,
        short: bool,
    },
    Offset {
        colon: bool,
        minutes: Minutes,
        zero: &'static str,
    },
    ZoneId,
    Optional(Vec<Element>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Minutes {
    Optional,
    Required,
}

const MONTHS: &[&str] = &[
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: &[&str] = &[
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// Java's bound of a number without a width.
const MAX_DIGITS: usize = 19;

/// No pattern nests optional sections deeper.
const MAX_DEPTH: usize = 32;

pub(super) fn compile(pattern: &str) -> Result<Vec<Element>, String> {
    let mut sections = vec![Vec::new()];
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        let element = match c {
            '[' => {
                if sections.len() > MAX_DEPTH {
                    return Err("Pattern has too many optional sections in each other".into());
                }
                sections.push(Vec::new());
                continue;
            }
            ']' => match sections.pop() {
                Some(section) if !sections.is_empty() => Element::Optional(section),
                _ => return Err("Pattern invalid as it contains ] without previous [".into()),
            },
            '\'' => Element::Literal(quoted(&mut chars, pattern)?),
            '{' | '}' | '#' => {
                return Err(format!("Pattern includes reserved character: '{c}'"));
            }
            letter if letter.is_ascii_alphabetic() => {
                let mut count = 1;
                while chars.next_if_eq(&letter).is_some() {
                    count += 1;
                }
                letters(letter, count)?
            }
            c => Element::Literal(c.to_string()),
        };
        if let Some(section) = sections.last_mut() {
            section.push(element);
        }
    }
    // Java closes what is open at the end; a bracket left open is more often a slip.
    match (sections.pop(), sections.is_empty()) {
        (Some(elements), true) => Ok(elements),
        _ => Err("Pattern ends with an open [".into()),
    }
}

fn quoted(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    pattern: &str,
) -> Result<String, String> {
    let mut text = String::new();
    loop {
        match chars.next() {
            Some('\'') if chars.next_if_eq(&'\'').is_some() => text.push('\''),
            Some('\'') if text.is_empty() => return Ok("'".into()),
            Some('\'') => return Ok(text),
            Some(c) => text.push(c),
            None => {
                return Err(format!(
                    "Pattern ends with an incomplete string literal: {pattern}"
                ));
            }
        }
    }
}

fn letters(letter: char, count: usize) -> Result<Element, String> {
    let number = |field, min_digits, max_digits| Element::Number {
        field,
        min_digits,
        max_digits,
    };
    let one_or_two = |field| match count {
        1 => Ok(number(field, 1, MAX_DIGITS)),
        2 => Ok(number(field, 2, 2)),
        _ => Err(format!("Too many pattern letters: {letter}")),
    };
    let offset = |colon, minutes, zero| Element::Offset {
        colon,
        minutes,
        zero,
    };
    Ok(match (letter, count) {
        ('y' | 'u', 2) => Element::ShortYear,
        // More than four digits only with a sign, which nobody writes.
        ('y' | 'u', 4) => number(Field::Year, 4, 4),
        ('y' | 'u', count @ ..19) => number(Field::Year, count, MAX_DIGITS),
        ('M' | 'L', 3..=4) => Element::Name {
            field: Field::Month,
            names: MONTHS,
            base: 1,
            short: count == 3,
        },
        ('M' | 'L', 1..=2) => return one_or_two(Field::Month),
        ('E', 1..=4) => Element::Name {
            field: Field::DayOfWeek,
            names: DAYS,
            base: 1,
            short: count < 4,
        },
        ('d', _) => return one_or_two(Field::Day),
        ('D', 3) => number(Field::DayOfYear, 3, 3),
        ('D', 1..=2) => number(Field::DayOfYear, count, 3),
        ('H', _) => return one_or_two(Field::Hour),
        ('h', _) => return one_or_two(Field::HourOfHalf),
        ('m', _) => return one_or_two(Field::Minute),
        ('s', _) => return one_or_two(Field::Second),
        ('S', 1..=9) => Element::Fraction(count),
        ('n', _) => number(Field::Nano, count.min(MAX_DIGITS), MAX_DIGITS),
        ('a', 1) => Element::Name {
            field: Field::HalfOfDay,
            names: &["AM", "PM"],
            base: 0,
            short: false,
        },
        ('X', 1) => offset(false, Minutes::Optional, "Z"),
        ('X', 2) => offset(false, Minutes::Required, "Z"),
        ('X', 3) => offset(true, Minutes::Required, "Z"),
        ('x', 1) => offset(false, Minutes::Optional, "+00"),
        ('x', 2) => offset(false, Minutes::Required, "+0000"),
        ('x', 3) => offset(true, Minutes::Required, "+00:00"),
        ('Z', 1..=3) => offset(false, Minutes::Required, "+0000"),
        ('Z', 5) => offset(true, Minutes::Required, "Z"),
        ('V', 2) => Element::ZoneId,
        ('V', _) => return Err(format!("Pattern letter count must be 2: {letter}")),
        _ => return Err(format!("Unknown pattern letter: {letter}")),
    })
}

/// Reads the elements from a place in the text; the place behind them, or `None`.
pub(super) fn read(
    elements: &[Element],
    text: &str,
    mut position: usize,
    parsed: &mut Parsed,
) -> Option<usize> {
    for (index, element) in elements.iter().enumerate() {
        position = match element {
            Element::Optional(section) => {
                let mut attempt = parsed.clone();
                match read(section, text, position, &mut attempt) {
                    Some(end) => {
                        *parsed = attempt;
                        end
                    }
                    None => position,
                }
            }
            element => read_one(element, &elements[index + 1..], text, position, parsed)?,
        };
    }
    Some(position)
}

fn read_one(
    element: &Element,
    next: &[Element],
    text: &str,
    position: usize,
    parsed: &mut Parsed,
) -> Option<usize> {
    let rest = text.get(position..)?;
    let read_digits = |min: usize, max: usize| -> Option<(i64, usize)> {
        let run = rest.bytes().take_while(u8::is_ascii_digit).count();
        // Digits that the numbers right behind need are left to them.
        let count = run
            .saturating_sub(if min == max { 0 } else { reserved(next) })
            .min(max);
        if count < min {
            return None;
        }
        Some((rest[..count].parse().ok()?, count))
    };
    let (consumed, field, number) = match element {
        Element::Optional(_) => return None,
        Element::Literal(literal) => {
            return rest
                .starts_with(literal.as_str())
                .then(|| position + literal.len());
        }
        Element::Number {
            field,
            min_digits,
            max_digits,
        } => {
            let (number, count) = read_digits(*min_digits, *max_digits)?;
            (count, *field, number)
        }
        Element::ShortYear => {
            let (number, count) = read_digits(2, 2)?;
            (count, Field::Year, 2000 + number)
        }
        Element::Fraction(digits) => {
            let (number, count) = read_digits(*digits, *digits)?;
            let nanos = number * 10_i64.pow(9 - u32::try_from(*digits).ok()?);
            (count, Field::Nano, nanos)
        }
        Element::Name {
            field,
            names,
            base,
            short,
        } => {
            let found = names.iter().enumerate().find_map(|(index, name)| {
                let name = if *short { &name[..3] } else { name };
                rest.starts_with(name).then_some((index, name.len()))
            });
            let (index, length) = found?;
            (length, *field, base + i64::try_from(index).ok()?)
        }
        Element::Offset {
            colon,
            minutes,
            zero,
        } => {
            let (seconds, length) = read_offset(rest, *colon, *minutes, zero)?;
            parsed.set_zone(Zone::Offset(seconds))?;
            return Some(position + length);
        }
        Element::ZoneId => {
            let (zone, length) = read_zone(rest)?;
            parsed.set_zone(zone)?;
            return Some(position + length);
        }
    };
    parsed.set(field, number)?;
    Some(position + consumed)
}

fn reserved(next: &[Element]) -> usize {
    next.iter()
        .map_while(|element| match element {
            Element::Number {
                min_digits,
                max_digits,
                ..
            } if min_digits == max_digits => Some(*min_digits),
            Element::ShortYear => Some(2),
            Element::Fraction(digits) => Some(*digits),
            _ => None,
        })
        .sum()
}

fn read_offset(text: &str, colon: bool, minutes: Minutes, zero: &str) -> Option<(i32, usize)> {
    if text.starts_with(zero) {
        return Some((0, zero.len()));
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let pair = |at: usize| -> Option<i32> {
        let digits = text.get(at..at + 2)?;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse().ok())
            .flatten()
    };
    let hours = pair(1)?;
    let separator = usize::from(colon);
    let minute = if colon && text.as_bytes().get(3) != Some(&b':') {
        None
    } else {
        pair(3 + separator)
    };
    let (minute, length) = match (minute, minutes) {
        (Some(minute), _) => (minute, 5 + separator),
        (None, Minutes::Optional) => (0, 3),
        (None, Minutes::Required) => return None,
    };
    (hours <= 18 && minute < 60).then_some((sign * (hours * 3600 + minute * 60), length))
}

/// The longest beginning that is the name of a zone.
fn read_zone(text: &str) -> Option<(Zone, usize)> {
    let length = text
        .bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"/_+-:~.".contains(byte))
        .count();
    (1..=length).rev().find_map(|end| {
        let name = &text[..end];
        let offset = |text: &str| match text {
            "" => Some(0),
            text => [true, false].into_iter().find_map(|colon| {
                let (seconds, length) = read_offset(text, colon, Minutes::Optional, "Z")?;
                (length == text.len()).then_some(seconds)
            }),
        };
        let zone = if name == "Z" || name.starts_with(['+', '-']) {
            Zone::Offset(offset(name)?)
        } else if let Some(rest) = ["UTC", "GMT", "UT"]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))
            && let Some(seconds) = offset(rest)
        {
            Zone::Offset(seconds)
        } else {
            Zone::Region(name.parse().ok()?)
        };
        Some((zone, end))
    })
}
