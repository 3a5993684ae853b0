//! Classes of characters, and the escapes that may stand in them.

use super::PatternSyntaxException;
use super::character_property;
use super::lexer::{END, Lexer};
use super::translator::Escape;
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

type Result<T> = std::result::Result<T, PatternSyntaxException>;

/// How deep classes may stand in each other.
const MAX_DEPTH: usize = 50;

/// A set of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CharacterSet(ClassUnicode);

impl CharacterSet {
    pub fn of(ranges: &[(char, char)]) -> Self {
        Self(ClassUnicode::new(
            ranges
                .iter()
                .map(|(first, last)| ClassUnicodeRange::new(*first, *last)),
        ))
    }

    pub fn of_class(class: ClassUnicode) -> Self {
        Self(class)
    }

    pub fn single(character: char) -> Self {
        Self::of(&[(character, character)])
    }

    pub fn empty() -> Self {
        Self::of(&[])
    }

    pub fn union(mut self, other: &Self) -> Self {
        self.0.union(&other.0);
        self
    }

    pub fn intersection(mut self, other: &Self) -> Self {
        self.0.intersect(&other.0);
        self
    }

    pub fn negated(mut self) -> Self {
        self.0.negate();
        self
    }

    pub fn negated_if(self, negate: bool) -> Self {
        if negate { self.negated() } else { self }
    }

    /// The set with upper and lower cases of what it holds: of ASCII letters, or of all.
    pub fn with_other_cases(mut self, unicode: bool) -> Self {
        if unicode {
            // Fails only without the tables of Unicode, which are compiled in.
            let _ = self.0.try_case_fold_simple();
            return self;
        }
        let letters = Self::of(&[('A', 'Z'), ('a', 'z')]).intersection(&self);
        let mut other_cases = Vec::new();
        for range in letters.0.iter() {
            let flip = |letter: char| {
                if letter.is_ascii_lowercase() {
                    letter.to_ascii_uppercase()
                } else {
                    letter.to_ascii_lowercase()
                }
            };
            other_cases.push((flip(range.start()), flip(range.end())));
        }
        self.union(&Self::of(&other_cases))
    }

    /// Writes the set as a class of `fancy_regex`.
    pub fn write(&self, out: &mut String) {
        if self.0.ranges().is_empty() {
            // A class of nothing matches nothing.
            out.push_str("[a&&b]");
            return;
        }
        out.push('[');
        for range in self.0.iter() {
            write_one(out, range.start());
            if range.start() != range.end() {
                out.push('-');
                write_one(out, range.end());
            }
        }
        out.push(']');
    }
}

fn write_one(out: &mut String, character: char) {
    if character.is_ascii_alphanumeric() {
        out.push(character);
    } else {
        out.push_str(&format!("\\x{{{:X}}}", u32::from(character)));
    }
}

/// Reads a class; the cursor is at its bracket. Without `consume` it stops at the closing bracket: the
/// right side of an intersection without brackets of its own.
pub(super) fn read(lexer: &mut Lexer<'_>, consume: bool, depth: usize) -> Result<CharacterSet> {
    if depth == MAX_DEPTH {
        return Err(lexer.error(format!(
            "Classes stand deeper in each other than {MAX_DEPTH}"
        )));
    }
    let mut set: Option<CharacterSet> = None;
    let mut negate = false;
    let add = |set: Option<CharacterSet>, more: &CharacterSet| match set {
        Some(set) => set.union(more),
        None => more.clone(),
    };
    let mut next = lexer.next();
    loop {
        match next {
            '^' if lexer.at(lexer.cursor - 1) == '[' && set.is_none() && !negate => {
                next = lexer.next();
                negate = true;
                continue;
            }
            '[' => {
                let inner = read(lexer, true, depth + 1)?;
                set = Some(add(set, &inner));
                next = lexer.peek();
                continue;
            }
            '&' => {
                if lexer.next() == '&' {
                    next = lexer.next();
                    let mut right: Option<CharacterSet> = None;
                    while next != ']' && next != '&' && !lexer.is_at_end() {
                        let part = if next == '[' {
                            read(lexer, true, depth + 1)?
                        } else {
                            lexer.cursor -= 1;
                            read(lexer, false, depth + 1)?
                        };
                        right = Some(add(right, &part));
                        next = lexer.peek();
                    }
                    set = match (set, right) {
                        (None, None) => return Err(lexer.error("Bad class syntax")),
                        (None, Some(right)) => Some(right),
                        (Some(set), Some(right)) => Some(set.intersection(&right)),
                        (Some(set), None) => Some(set),
                    };
                    continue;
                }
                lexer.cursor -= 1;
            }
            END if lexer.is_at_end() => return Err(lexer.error("Unclosed character class")),
            ']' if set.is_some() => {
                if consume {
                    lexer.next();
                }
                break;
            }
            _ => {}
        }
        let more = range(lexer)?;
        set = Some(add(set, &more));
        next = lexer.peek();
    }
    Ok(set.unwrap_or_else(CharacterSet::empty).negated_if(negate))
}

/// One character, one range or one escape of a class.
fn range(lexer: &mut Lexer<'_>) -> Result<CharacterSet> {
    let flags = lexer.flags;
    let folded = |set: CharacterSet| {
        if flags.case_insensitive {
            set.with_other_cases(flags.unicode_case)
        } else {
            set
        }
    };
    let mut first = lexer.peek();
    if first == '\\' {
        let letter = lexer.next_escaped();
        if letter == 'p' || letter == 'P' {
            return character_property::read(lexer, letter == 'P');
        }
        // `\v` is one character at the start of a range and a class elsewhere.
        let starts_range = lexer.at(lexer.cursor + 1) == '-';
        lexer.cursor -= 1;
        let letter = lexer.skip();
        first = match escape_in_class(lexer, letter, starts_range)? {
            Ok(first) => first,
            Err(set) => return Ok(set),
        };
    } else {
        lexer.next();
    }
    if lexer.peek() == '-' {
        let end = lexer.at(lexer.cursor + 1);
        if end == '[' {
            return Ok(folded(CharacterSet::single(first)));
        }
        if end != ']' {
            lexer.next();
            let mut last = lexer.peek();
            if last == '\\' {
                let letter = lexer.skip();
                last = match escape_in_class(lexer, letter, true)? {
                    Ok(last) => last,
                    Err(_) => return Err(lexer.error("Illegal character range")),
                };
            } else {
                lexer.next();
            }
            if last < first {
                return Err(lexer.error("Illegal character range"));
            }
            return Ok(folded(CharacterSet::of(&[(first, last)])));
        }
    }
    Ok(folded(CharacterSet::single(first)))
}

/// An escape in a class: a character, or a class of its own.
fn escape_in_class(
    lexer: &mut Lexer<'_>,
    letter: char,
    in_range: bool,
) -> Result<std::result::Result<char, CharacterSet>> {
    if letter == 'v' && in_range {
        return Ok(Ok('\u{B}'));
    }
    match escape(lexer, letter, true)? {
        Escape::Character(character) => Ok(Ok(character)),
        Escape::Set(set) => Ok(Err(set)),
        Escape::Written(_) => Ok(Err(CharacterSet::empty())),
    }
}

/// An escape that may stand in a class; the cursor is behind its letter.
pub(super) fn escape(lexer: &mut Lexer<'_>, letter: char, in_class: bool) -> Result<Escape> {
    let unicode = lexer.flags.unicode_class;
    let named = |name: &str, negate: bool| {
        let set = character_property::by_escape(name, unicode);
        Ok(Escape::Set(set.negated_if(negate)))
    };
    let character = match letter {
        'd' | 'D' => return named("d", letter == 'D'),
        's' | 'S' => return named("s", letter == 'S'),
        'w' | 'W' => return named("w", letter == 'W'),
        'h' | 'H' => return named("h", letter == 'H'),
        'v' | 'V' => return named("v", letter == 'V'),
        '0' => octal(lexer)?,
        'a' => '\u{7}',
        'e' => '\u{1B}',
        'f' => '\u{C}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'c' => {
            if lexer.is_at_end() {
                return Err(lexer.error("Illegal control escape sequence"));
            }
            char::from_u32(u32::from(lexer.read()) ^ 64).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        'u' => return code_point(unicode_escape(lexer)?),
        'x' => return code_point(hexadecimal(lexer)?),
        'N' => return Err(lexer.error(r"\N{…} is not supported here")),
        'A'..='Z' | 'a'..='z' => {
            return Err(lexer.error("Illegal/unsupported escape sequence"));
        }
        '1'..='9' if in_class => {
            return Err(lexer.error("Illegal/unsupported escape sequence"));
        }
        // The backslash at the end of a pattern.
        END if lexer.cursor > 1 && lexer.at(lexer.cursor - 1) == END => {
            return Err(lexer.error("Unexpected internal error"));
        }
        other => other,
    };
    Ok(Escape::Character(character))
}

/// Half of a surrogate pair alone is in no text.
fn code_point(number: u32) -> Result<Escape> {
    Ok(match char::from_u32(number) {
        Some(character) => Escape::Character(character),
        None => Escape::Set(CharacterSet::empty()),
    })
}

fn octal(lexer: &mut Lexer<'_>) -> Result<char> {
    let digit = |read: char| read.to_digit(8);
    let Some(first) = digit(lexer.read()) else {
        return Err(lexer.error("Illegal octal escape sequence"));
    };
    let mut number = first;
    for at_most in [7, 3] {
        if number > at_most && at_most == 3 && number >= 0o40 {
            break;
        }
        match digit(lexer.at(lexer.cursor)) {
            Some(next) => {
                lexer.cursor += 1;
                number = number * 8 + next;
            }
            None => break,
        }
    }
    Ok(char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER))
}

fn four_digits(lexer: &mut Lexer<'_>) -> Result<u32> {
    let mut number = 0;
    for _ in 0..4 {
        let Some(digit) = lexer.read().to_digit(16) else {
            return Err(lexer.error("Illegal Unicode escape sequence"));
        };
        number = number * 16 + digit;
    }
    Ok(number)
}

fn unicode_escape(lexer: &mut Lexer<'_>) -> Result<u32> {
    let high = four_digits(lexer)?;
    if (0xD800..0xDC00).contains(&high) {
        let cursor = lexer.cursor;
        if lexer.read() == '\\' && lexer.read() == 'u' {
            let low = four_digits(lexer)?;
            if (0xDC00..0xE000).contains(&low) {
                return Ok(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
            }
        }
        lexer.cursor = cursor;
    }
    Ok(high)
}

fn hexadecimal(lexer: &mut Lexer<'_>) -> Result<u32> {
    let first = lexer.read();
    if let Some(first) = first.to_digit(16) {
        if let Some(second) = lexer.read().to_digit(16) {
            return Ok(first * 16 + second);
        }
    } else if first == '{' && lexer.peek().is_ascii_hexdigit() {
        let mut number = 0;
        while let Some(digit) = lexer.read().to_digit(16) {
            number = number * 16 + digit;
            if number > 0x10_FFFF {
                return Err(lexer.error("Hexadecimal codepoint is too big"));
            }
        }
        lexer.cursor -= 1;
        if lexer.read() != '}' {
            return Err(lexer.error("Unclosed hexadecimal escape sequence"));
        }
        return Ok(number);
    }
    Err(lexer.error("Illegal hexadecimal escape sequence"))
}
