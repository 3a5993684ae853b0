//! Repetitions.

use super::PatternSyntaxException;
use super::translator::{MaxLength, Translator};

/// How often something may be repeated at most by number: each repetition is compiled.
const MAX_REPETITIONS: u32 = 20_000;

/// What stands for a length without an end that Java allows in a look-behind: of one character repeated.
const LONG: usize = i32::MAX as usize;

/// How often something is repeated.
struct Repetition {
    min: u32,
    max: Option<u32>,
}

impl Repetition {
    fn write(&self, out: &mut String) {
        out.push_str(&match (self.min, self.max) {
            (0, Some(1)) => "?".into(),
            (0, None) => "*".into(),
            (1, None) => "+".into(),
            (min, Some(max)) if min == max => format!("{{{min}}}"),
            (min, Some(max)) => format!("{{{min},{max}}}"),
            (min, None) => format!("{{{min},}}"),
        });
    }
}

impl Translator<'_> {
    /// Reads the quantifier behind what was written since `start`, if there is one. `is_character` tells
    /// that this is one character or a class.
    pub(super) fn quantified(
        &mut self,
        start: usize,
        length: MaxLength,
        is_character: bool,
    ) -> Result<MaxLength, PatternSyntaxException> {
        let repetition = match self.lexer.peek() {
            '?' => Repetition {
                min: 0,
                max: Some(1),
            },
            '*' => Repetition { min: 0, max: None },
            '+' => Repetition { min: 1, max: None },
            '{' => self.counted()?,
            _ => return Ok(length),
        };
        let kind = self.lexer.next();
        if matches!(kind, '?' | '+') {
            self.lexer.next();
        }
        if length == Some(0) {
            // What takes no characters counts once, or may be left out.
            if repetition.min == 0 && self.out.len() > start {
                self.insert(start, "(?:");
                self.out.push_str("|)");
            }
            return Ok(length);
        }
        if kind == '+' {
            self.insert(start, "(?>");
        }
        repetition.write(&mut self.out);
        match kind {
            '?' => self.out.push('?'),
            '+' => self.out.push(')'),
            _ => {}
        }
        Ok(match (length, repetition.max) {
            (Some(length), Some(max)) => Some(length.saturating_mul(max as usize)),
            _ if is_character => Some(LONG),
            _ => None,
        })
    }

    /// `{n}`, `{n,}` or `{n,m}`; leaves the cursor at the closing brace.
    fn counted(&mut self) -> Result<Repetition, PatternSyntaxException> {
        if !self.lexer.at(self.lexer.cursor + 1).is_ascii_digit() {
            self.lexer.skip();
            return Err(self.lexer.error("Illegal repetition"));
        }
        self.lexer.skip();
        self.lexer.cursor -= 1;
        let min = self.number()?;
        let mut max = Some(min);
        if self.lexer.peek() == ',' {
            self.lexer.read();
            max = match self.lexer.peek() {
                '}' => None,
                _ => Some(self.number()?),
            };
        }
        if self.lexer.peek() != '}' {
            self.lexer.cursor += 1;
            return Err(self.lexer.error("Unclosed counted closure"));
        }
        if max.is_some_and(|max| max < min) {
            self.lexer.cursor += 1;
            return Err(self.lexer.error("Illegal repetition range"));
        }
        if min.max(max.unwrap_or(0)) > MAX_REPETITIONS {
            return Err(self.lexer.error(format!(
                "More than {MAX_REPETITIONS} repetitions are not supported here"
            )));
        }
        Ok(Repetition { min, max })
    }

    fn number(&mut self) -> Result<u32, PatternSyntaxException> {
        let mut number = 0_u32;
        while let Some(digit) = self.lexer.peek().to_digit(10) {
            self.lexer.read();
            let longer = number
                .checked_mul(10)
                .and_then(|number| number.checked_add(digit))
                .filter(|number| *number <= i32::MAX as u32);
            number = match longer {
                Some(longer) => longer,
                None => {
                    return Err(self.lexer.error("Illegal repetition range"));
                }
            };
        }
        Ok(number)
    }
}
