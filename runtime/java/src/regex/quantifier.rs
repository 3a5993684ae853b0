//! Repetitions.

use super::PatternSyntaxException;
use super::translator::{MaxLength, Translator};

/// How often something may be repeated at most by number: each repetition is compiled.
const MAX_REPETITIONS: u32 = 20_000;

impl Translator<'_> {
    /// Reads the quantifier behind what was written since `start`, if there is one.
    pub(super) fn quantified(
        &mut self,
        start: usize,
        length: MaxLength,
    ) -> Result<MaxLength, PatternSyntaxException> {
        let (quantifier, max) = match self.lexer.peek() {
            '?' => ("?".to_string(), Some(1)),
            '*' => ("*".to_string(), None),
            '+' => ("+".to_string(), None),
            '{' => self.counted()?,
            _ => return Ok(length),
        };
        let kind = self.lexer.next();
        if self.out.len() == start {
            // A repetition of nothing is nothing.
            self.out.push_str("(?:)");
        }
        let total = match (length, max) {
            (Some(0), _) => Some(0),
            (Some(length), Some(max)) => length.checked_mul(max as usize),
            _ => None,
        };
        match kind {
            '?' => {
                self.lexer.next();
                self.out.push_str(&quantifier);
                self.out.push('?');
            }
            '+' => {
                self.lexer.next();
                self.insert(start, "(?>");
                self.out.push_str(&quantifier);
                self.out.push(')');
            }
            _ => self.out.push_str(&quantifier),
        }
        Ok(total)
    }

    /// `{n}`, `{n,}` or `{n,m}`; leaves the cursor at the closing brace.
    fn counted(&mut self) -> Result<(String, Option<u32>), PatternSyntaxException> {
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
        let quantifier = match max {
            Some(max) if max == min => format!("{{{min}}}"),
            Some(max) => format!("{{{min},{max}}}"),
            None => format!("{{{min},}}"),
        };
        Ok((quantifier, max))
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
