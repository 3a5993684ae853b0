//! Reads a pattern as Java does and writes it for `fancy_regex`.

use super::PatternSyntaxException;
use super::character_class::{self, CharacterSet};
use super::character_property;
use super::lexer::{END, Lexer};
use std::collections::HashMap;
use std::ops::Range;

type Result<T> = std::result::Result<T, PatternSyntaxException>;

/// How deep groups may stand in each other: the reader calls itself for each.
const MAX_DEPTH: usize = 50;

/// How long a pattern may become when its classes are written out.
const MAX_TRANSLATED_BYTES: usize = 1 << 20;

/// What never matches.
const NEVER: &str = "[a&&b]";

/// What stands for the end of a line within `[…]`.
const LINE_ENDS: &str = r"\n\r\x{85}\x{2028}\x{2029}";

/// A pattern for `fancy_regex` that needs no flags.
pub(super) struct Translated {
    pub regex: String,
    pub group_names: HashMap<String, usize>,
    pub group_count: usize,
}

/// How many characters something can take: Java bounds what a look-behind may.
pub(super) type MaxLength = Option<usize>;

pub(super) fn sum(one: MaxLength, other: MaxLength) -> MaxLength {
    one?.checked_add(other?)
}

/// What an escape stands for.
pub(super) enum Escape {
    Character(char),
    Set(CharacterSet),
    /// Something without a character of its own, already written, and how long it may be.
    Written(MaxLength),
}

pub(super) fn translate(pattern: &str) -> Result<Translated> {
    let mut translator = Translator {
        lexer: Lexer::new(pattern),
        out: String::new(),
        depth: 0,
        group_names: HashMap::new(),
        group_count: 0,
        open_groups: Vec::new(),
        references: Vec::new(),
    };
    translator.alternatives()?;
    if !translator.lexer.is_at_end() {
        let why = if translator.lexer.peek() == ')' {
            "Unmatched closing ')'"
        } else {
            "Unexpected internal error"
        };
        return Err(translator.lexer.error(why));
    }
    // A reference to a group that the pattern has not matches nothing.
    for (range, group) in translator.references.iter().rev() {
        if *group > translator.group_count {
            translator.out.replace_range(range.clone(), NEVER);
        }
    }
    Ok(Translated {
        regex: translator.out,
        group_names: translator.group_names,
        group_count: translator.group_count,
    })
}

pub(super) struct Translator<'p> {
    pub(super) lexer: Lexer<'p>,
    pub(super) out: String,
    depth: usize,
    group_names: HashMap<String, usize>,
    group_count: usize,
    /// The numbers of the capturing groups around the cursor.
    open_groups: Vec<usize>,
    /// Where references to groups by number were written.
    references: Vec<(Range<usize>, usize)>,
}

impl Translator<'_> {
    /// Everything up to the end of the group.
    fn alternatives(&mut self) -> Result<MaxLength> {
        let mut longest = Some(0);
        loop {
            let length = self.sequence()?;
            longest = match (longest, length) {
                (Some(one), Some(other)) => Some(one.max(other)),
                _ => None,
            };
            if self.lexer.peek() != '|' || self.lexer.is_at_end() {
                return Ok(longest);
            }
            self.lexer.next();
            self.out.push('|');
        }
    }

    fn sequence(&mut self) -> Result<MaxLength> {
        let mut total = Some(0);
        loop {
            let start = self.out.len();
            let length = match self.lexer.peek() {
                END if self.lexer.is_at_end() => return Ok(total),
                '|' | ')' => return Ok(total),
                '(' => match self.group()? {
                    Some(length) => length,
                    // Only flags.
                    None => continue,
                },
                '[' => {
                    let set = character_class::read(&mut self.lexer, true, 0)?;
                    self.write_set(&set);
                    Some(1)
                }
                '^' => {
                    self.lexer.next();
                    self.line_start();
                    Some(0)
                }
                '$' => {
                    self.lexer.next();
                    let multiline = self.lexer.flags.multiline;
                    self.line_end(multiline);
                    Some(0)
                }
                '.' => {
                    self.lexer.next();
                    let flags = self.lexer.flags;
                    if flags.dotall {
                        self.out.push_str("(?s:.)");
                    } else if flags.unix_lines {
                        self.out.push_str(r"[^\n]");
                    } else {
                        self.out.push_str(&format!("[^{LINE_ENDS}]"));
                    }
                    Some(1)
                }
                dangling @ ('?' | '*' | '+') => {
                    self.lexer.next();
                    return Err(self
                        .lexer
                        .error(format!("Dangling meta character '{dangling}'")));
                }
                // A repetition of nothing.
                '{' => Some(0),
                '\\' => self.escaped()?,
                literal => {
                    self.lexer.next();
                    self.write_literal(literal);
                    Some(1)
                }
            };
            let is_character = length == Some(1) && !self.out[start..].starts_with('(');
            total = sum(total, self.quantified(start, length, is_character)?);
            if self.out.len() > MAX_TRANSLATED_BYTES {
                return Err(self.lexer.error("The pattern is too large"));
            }
        }
    }

    fn escaped(&mut self) -> Result<MaxLength> {
        let letter = self.lexer.next_escaped();
        if letter == 'p' || letter == 'P' {
            let set = character_property::read(&mut self.lexer, letter == 'P')?;
            self.write_set(&set);
            return Ok(Some(1));
        }
        self.lexer.cursor -= 1;
        match self.escape()? {
            Escape::Character(literal) => {
                self.write_literal(literal);
                Ok(Some(1))
            }
            Escape::Set(set) => {
                self.write_set(&set);
                Ok(Some(1))
            }
            Escape::Written(length) => Ok(length),
        }
    }

    /// An escape outside of a class; the cursor is at its backslash.
    fn escape(&mut self) -> Result<Escape> {
        let letter = self.lexer.skip();
        let flags = self.lexer.flags;
        match letter {
            '1'..='9' => self.reference(letter)?,
            'A' => self.out.push_str(r"\A"),
            'z' => self.out.push_str(r"\z"),
            'Z' => self.line_end(false),
            'G' => self.out.push_str(r"\G"),
            'b' | 'B' => {
                if letter == 'b' && self.lexer.at(self.lexer.cursor) == '{' {
                    return Err(self.lexer.error(r"\b{g} is not supported here"));
                }
                let word = if flags.unicode_class {
                    r"\w"
                } else {
                    "[0-9A-Z_a-z]"
                };
                self.out.push_str(&match letter {
                    'b' => format!("(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"),
                    _ => format!("(?:(?<={word})(?={word})|(?<!{word})(?!{word}))"),
                });
            }
            'R' => {
                self.out
                    .push_str(r"(?:\r\n|[\n\x{B}\x{C}\r\x{85}\x{2028}\x{2029}])");
                return Ok(Escape::Written(Some(2)));
            }
            'X' => return Err(self.lexer.error(r"\X is not supported here")),
            'k' => return self.named_reference(),
            _ => return character_class::escape(&mut self.lexer, letter, false),
        }
        Ok(Escape::Written(if letter.is_ascii_digit() {
            None
        } else {
            Some(0)
        }))
    }

    /// A reference to a group by number: as many digits as still name a group that has begun.
    fn reference(&mut self, digit: char) -> Result<()> {
        let mut group = digit.to_digit(10).unwrap_or_default() as usize;
        while let Some(digit) = self.lexer.peek().to_digit(10) {
            let longer = group * 10 + digit as usize;
            if longer > self.group_count {
                break;
            }
            group = longer;
            self.lexer.read();
        }
        self.write_reference(group)
    }

    fn named_reference(&mut self) -> Result<Escape> {
        if self.lexer.read() != '<' {
            return Err(self
                .lexer
                .error("\\k is not followed by '<' for named capturing group"));
        }
        let name = self.group_name()?;
        let Some(group) = self.group_names.get(&name).copied() else {
            return Err(self
                .lexer
                .error(format!("named capturing group <{name}> does not exist")));
        };
        self.write_reference(group)?;
        Ok(Escape::Written(None))
    }

    fn write_reference(&mut self, group: usize) -> Result<()> {
        if self.open_groups.contains(&group) {
            return Err(self.lexer.error(format!(
                "A reference to group {group} within that group is not supported here"
            )));
        }
        let start = self.out.len();
        let flags = if self.lexer.flags.case_insensitive {
            "i"
        } else {
            ""
        };
        self.out.push_str(&format!("(?{flags}:\\{group})"));
        self.references.push((start..self.out.len(), group));
        Ok(())
    }

    /// The name of a group, with the `>` after it; the cursor is at its first letter.
    fn group_name(&mut self) -> Result<String> {
        let mut letter = self.lexer.read();
        if !letter.is_ascii_alphabetic() {
            return Err(self
                .lexer
                .error("capturing group name does not start with a Latin letter"));
        }
        let mut name = String::new();
        while letter.is_ascii_alphanumeric() {
            name.push(letter);
            letter = self.lexer.read();
        }
        if letter != '>' {
            return Err(self
                .lexer
                .error("named capturing group is missing trailing '>'"));
        }
        Ok(name)
    }

    /// A group; `None` if it only sets flags for what follows.
    fn group(&mut self) -> Result<Option<MaxLength>> {
        let flags = self.lexer.flags;
        let group_count = self.group_count;
        let mut is_look_behind = false;
        let mut is_look_around = false;
        if self.lexer.next() == '?' {
            match self.lexer.skip() {
                ':' => self.out.push_str("(?:"),
                '>' => self.out.push_str("(?>"),
                look_ahead @ ('=' | '!') => {
                    is_look_around = true;
                    self.out.push_str("(?");
                    self.out.push(look_ahead);
                }
                '<' => match self.lexer.read() {
                    look_behind @ ('=' | '!') => {
                        is_look_around = true;
                        is_look_behind = true;
                        self.out.push_str("(?<");
                        self.out.push(look_behind);
                    }
                    _ => {
                        self.lexer.cursor -= 1;
                        let name = self.group_name()?;
                        if self.group_names.contains_key(&name) {
                            return Err(self.lexer.error(format!(
                                "Named capturing group <{name}> is already defined"
                            )));
                        }
                        self.group_count += 1;
                        self.group_names.insert(name, self.group_count);
                        self.out.push('(');
                    }
                },
                '$' | '@' => return Err(self.lexer.error("Unknown group type")),
                _ => {
                    self.lexer.cursor -= 1;
                    self.read_flags()?;
                    match self.lexer.read() {
                        ')' => return Ok(None),
                        ':' => self.out.push_str("(?:"),
                        _ => return Err(self.lexer.error("Unknown inline modifier")),
                    }
                }
            }
        } else {
            self.group_count += 1;
            self.out.push('(');
        }
        if self.depth == MAX_DEPTH {
            return Err(self.lexer.error(format!(
                "Groups stand deeper in each other than {MAX_DEPTH}"
            )));
        }
        self.depth += 1;
        let is_capturing = self.group_count > group_count;
        if is_capturing {
            self.open_groups.push(self.group_count);
        }
        let length = self.alternatives()?;
        if is_capturing {
            self.open_groups.pop();
        }
        self.depth -= 1;
        if is_look_behind && length.is_none() {
            return Err(self
                .lexer
                .error("Look-behind group does not have an obvious maximum length"));
        }
        self.lexer.accept(')', "Unclosed group")?;
        self.lexer.flags = flags;
        self.out.push(')');
        Ok(Some(if is_look_around { Some(0) } else { length }))
    }

    fn read_flags(&mut self) -> Result<()> {
        let mut on = true;
        loop {
            let flag = self.lexer.at(self.lexer.cursor);
            let flags = &mut self.lexer.flags;
            match flag {
                'i' => flags.case_insensitive = on,
                'm' => flags.multiline = on,
                's' => flags.dotall = on,
                'd' => flags.unix_lines = on,
                'u' => flags.unicode_case = on,
                'x' => flags.comments = on,
                'U' => {
                    flags.unicode_class = on;
                    flags.unicode_case |= on;
                }
                'c' => {
                    return Err(self
                        .lexer
                        .error("Canonical equivalence is not supported here"));
                }
                '-' if on => on = false,
                _ => return Ok(()),
            }
            self.lexer.next();
        }
    }

    fn line_start(&mut self) {
        let flags = self.lexer.flags;
        self.out
            .push_str(match (flags.multiline, flags.unix_lines) {
                (false, _) => r"\A",
                // Not at the end of the text.
                (true, true) => r"(?:(?!\z)(?:\A|(?<=\n)))",
                (true, false) => r"(?:(?!\z)(?:\A|(?<=[\n\x{85}\x{2028}\x{2029}])|(?<=\r)(?!\n)))",
            });
    }

    fn line_end(&mut self, multiline: bool) {
        self.out
            .push_str(match (multiline, self.lexer.flags.unix_lines) {
                (false, true) => r"(?=\n?\z)",
                (true, true) => r"(?=\n|\z)",
                // Not between the two characters of one line end.
                (false, false) => r"(?:\z|(?=\r\n\z|[\r\x{85}\x{2028}\x{2029}]\z)|(?<!\r)(?=\n\z))",
                (true, false) => r"(?:\z|(?=[\r\x{85}\x{2028}\x{2029}])|(?<!\r)(?=\n))",
            });
    }

    fn write_literal(&mut self, literal: char) {
        let flags = self.lexer.flags;
        if flags.case_insensitive && (literal.is_ascii_alphabetic() || flags.unicode_case) {
            let set = CharacterSet::single(literal).with_other_cases(flags.unicode_case);
            self.write_set(&set);
        } else if literal.is_ascii() && !literal.is_ascii_alphanumeric() {
            self.out
                .push_str(&format!("\\x{{{:X}}}", u32::from(literal)));
        } else {
            self.out.push(literal);
        }
    }

    /// Puts text before something that is already written.
    pub(super) fn insert(&mut self, at: usize, text: &str) {
        self.out.insert_str(at, text);
        for (range, _) in &mut self.references {
            if range.start >= at {
                *range = range.start + text.len()..range.end + text.len();
            }
        }
    }

    fn write_set(&mut self, set: &CharacterSet) {
        set.write(&mut self.out);
    }
}
