//! The characters of a pattern, with Java's cursor, so that errors point where Java's do.

use super::PatternSyntaxException;

/// The flags that a pattern can set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub unix_lines: bool,
    pub case_insensitive: bool,
    pub comments: bool,
    pub multiline: bool,
    pub dotall: bool,
    pub unicode_case: bool,
    pub unicode_class: bool,
}

/// The end of a pattern reads as this character, as in Java.
pub(super) const END: char = '\0';

/// A cursor over a pattern.
pub(super) struct Lexer<'p> {
    pattern: &'p str,
    /// The characters after the quotes are taken away, each quoted one behind a backslash.
    chars: Vec<char>,
    pub cursor: usize,
    pub flags: Flags,
}

impl<'p> Lexer<'p> {
    pub fn new(pattern: &'p str) -> Self {
        Self {
            pattern,
            chars: without_quotes(pattern),
            cursor: 0,
            flags: Flags::default(),
        }
    }

    pub fn error(&self, description: impl Into<String>) -> PatternSyntaxException {
        PatternSyntaxException::new(description, self.pattern, self.cursor.checked_sub(1))
    }

    pub fn at(&self, index: usize) -> char {
        self.chars.get(index).copied().unwrap_or(END)
    }

    pub fn is_at_end(&self) -> bool {
        self.cursor >= self.chars.len()
    }

    /// The character under the cursor.
    pub fn peek(&mut self) -> char {
        self.skip_comments();
        self.at(self.cursor)
    }

    /// Takes the character under the cursor.
    pub fn read(&mut self) -> char {
        self.skip_comments();
        let read = self.at(self.cursor);
        self.cursor += 1;
        read
    }

    /// Goes to the next character and shows it.
    pub fn next(&mut self) -> char {
        self.cursor += 1;
        self.peek()
    }

    /// Goes to the next character, white space or not, and shows it.
    pub fn next_escaped(&mut self) -> char {
        self.cursor += 1;
        self.at(self.cursor)
    }

    /// Takes the character after the one under the cursor.
    pub fn skip(&mut self) -> char {
        let skipped = self.at(self.cursor + 1);
        self.cursor += 2;
        skipped
    }

    /// Takes a character that must be there.
    pub fn accept(&mut self, wanted: char, why: &str) -> Result<(), PatternSyntaxException> {
        if self.read() == wanted {
            Ok(())
        } else {
            Err(self.error(why))
        }
    }

    /// White space and comments count for nothing under the flag `x`.
    fn skip_comments(&mut self) {
        if !self.flags.comments {
            return;
        }
        loop {
            match self.at(self.cursor) {
                ' ' | '\t'..='\r' => self.cursor += 1,
                '#' => {
                    while !self.is_at_end() && !self.is_line_end(self.at(self.cursor)) {
                        self.cursor += 1;
                    }
                }
                _ => return,
            }
            if self.is_at_end() {
                return;
            }
        }
    }

    fn is_line_end(&self, character: char) -> bool {
        if self.flags.unix_lines {
            character == '\n'
        } else {
            matches!(character, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
        }
    }
}

/// Takes `\Q…\E` away by escaping what stands between.
fn without_quotes(pattern: &str) -> Vec<char> {
    let mut out = Vec::with_capacity(pattern.len());
    let mut rest = pattern.chars().peekable();
    while let Some(next) = rest.next() {
        if next != '\\' {
            out.push(next);
            continue;
        }
        if rest.next_if_eq(&'Q').is_none() {
            out.push('\\');
            out.extend(rest.next());
            continue;
        }
        let mut is_first = true;
        while let Some(quoted) = rest.next() {
            if quoted == '\\' && rest.next_if_eq(&'E').is_some() {
                break;
            }
            if quoted.is_ascii_digit() && is_first {
                // A number before the quote must not take this digit.
                out.extend(['\\', 'x', '3', quoted]);
            } else {
                if !quoted.is_ascii_alphanumeric() {
                    out.push('\\');
                }
                out.push(quoted);
            }
            is_first = false;
        }
    }
    out
}
