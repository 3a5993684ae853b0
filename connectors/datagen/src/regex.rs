//! Texts that match a regular expression: the subset that describes texts, without look-around and
//! back references.

use crate::java_random::JavaRandom;

/// How often `*`, `+` and `{n,}` repeat beyond their least number, at most.
const MAX_OPEN_REPEATS: u32 = 8;
const MAX_DEPTH: usize = 16;
/// The longest text that an expression may describe, so that no record grows out of bounds.
const MAX_TEXT_NUM_CHARS: u64 = 64 * 1024;

/// A parsed expression.
#[derive(Clone, Debug)]
pub(crate) struct Regex(Part);

#[derive(Clone, Debug)]
enum Part {
    /// One of these characters.
    Chars(Vec<char>),
    Sequence(Vec<Part>),
    Alternatives(Vec<Part>),
    Repeat(Box<Part>, u32, u32),
}

impl Regex {
    /// The error tells what is not understood.
    pub(crate) fn parse(pattern: &str) -> Result<Self, String> {
        let mut parser = Parser {
            rest: pattern.chars().collect::<Vec<_>>(),
            at: 0,
        };
        let fault = |why: String| format!("regex '{pattern}': {why}");
        let part = parser.alternatives(0).map_err(fault)?;
        if parser.peek().is_some() {
            return Err(fault("')' without '('".to_string()));
        }
        if part.max_num_chars() > MAX_TEXT_NUM_CHARS {
            return Err(fault(format!(
                "its texts may be longer than {MAX_TEXT_NUM_CHARS} characters"
            )));
        }
        Ok(Self(part))
    }

    /// A text that matches.
    pub(crate) fn generate(&self, random: &mut JavaRandom) -> String {
        let mut text = String::new();
        self.0.append(random, &mut text);
        text
    }
}

impl Part {
    fn append(&self, random: &mut JavaRandom, text: &mut String) {
        match self {
            Self::Chars(chars) => text.push(chars[random.index(chars.len())]),
            Self::Sequence(parts) => parts.iter().for_each(|part| part.append(random, text)),
            Self::Alternatives(parts) => parts[random.index(parts.len())].append(random, text),
            Self::Repeat(part, min, max) => {
                let times = u64::from(*min) + random.below(u64::from(max - min) + 1);
                (0..times).for_each(|_| part.append(random, text));
            }
        }
    }

    fn max_num_chars(&self) -> u64 {
        match self {
            Self::Chars(_) => 1,
            Self::Sequence(parts) => parts
                .iter()
                .fold(0, |sum, part| part.max_num_chars().saturating_add(sum)),
            Self::Alternatives(parts) => parts.iter().map(Self::max_num_chars).max().unwrap_or(0),
            Self::Repeat(part, _, max) => part.max_num_chars().saturating_mul(u64::from(*max)),
        }
    }
}

struct Parser {
    rest: Vec<char>,
    at: usize,
}

fn range(first: char, last: char) -> impl Iterator<Item = char> {
    first..=last
}

fn printable() -> impl Iterator<Item = char> {
    range(' ', '~')
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += 1;
        Some(next)
    }

    fn take(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        self.at += usize::from(found);
        found
    }

    fn alternatives(&mut self, depth: usize) -> Result<Part, String> {
        if depth > MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} groups in one another"));
        }
        let mut alternatives = vec![self.sequence(depth)?];
        while self.take('|') {
            alternatives.push(self.sequence(depth)?);
        }
        Ok(match alternatives.pop() {
            Some(only) if alternatives.is_empty() => only,
            last => {
                alternatives.extend(last);
                Part::Alternatives(alternatives)
            }
        })
    }

    fn sequence(&mut self, depth: usize) -> Result<Part, String> {
        let mut parts = Vec::new();
        while let Some(next) = self.peek() {
            if matches!(next, '|' | ')') {
                break;
            }
            self.at += 1;
            let part = match next {
                // Texts are generated whole: both ends are fixed anyway.
                '^' | '$' => continue,
                '(' => self.group(depth)?,
                '[' => Part::Chars(self.class()?),
                '.' => Part::Chars(printable().collect()),
                '\\' => Part::Chars(self.escape()?),
                '*' | '+' | '?' | '{' => return Err(format!("nothing to repeat before '{next}'")),
                literal => Part::Chars(vec![literal]),
            };
            parts.push(self.repeated(part)?);
        }
        Ok(Part::Sequence(parts))
    }

    fn group(&mut self, depth: usize) -> Result<Part, String> {
        if self.take('?') && !self.take(':') {
            return Err("groups other than (...) and (?:...) are not supported".to_string());
        }
        let part = self.alternatives(depth + 1)?;
        match self.take(')') {
            true => Ok(part),
            false => Err("'(' without ')'".to_string()),
        }
    }

    fn repeated(&mut self, part: Part) -> Result<Part, String> {
        let (min, max) = match self.peek() {
            Some('*') => (0, MAX_OPEN_REPEATS),
            Some('+') => (1, 1 + MAX_OPEN_REPEATS),
            Some('?') => (0, 1),
            Some('{') => {
                self.at += 1;
                let min = self.number()?;
                let max = match self.take(',') {
                    false => min,
                    true if self.peek() == Some('}') => min.saturating_add(MAX_OPEN_REPEATS),
                    true => self.number()?,
                };
                if self.peek() != Some('}') || max < min {
                    return Err("a repeat is not of the form {n}, {n,} or {n,m}".to_string());
                }
                (min, max)
            }
            _ => return Ok(part),
        };
        self.at += 1;
        // Reluctant and possessive marks change nothing for what is generated.
        let _ = self.take('?') || self.take('+');
        Ok(Part::Repeat(Box::new(part), min, max))
    }

    fn number(&mut self) -> Result<u32, String> {
        let mut digits = String::new();
        while let Some(digit) = self.peek().filter(char::is_ascii_digit) {
            digits.push(digit);
            self.at += 1;
        }
        digits
            .parse()
            .map_err(|_| "a repeat is not of the form {n}, {n,} or {n,m}".to_string())
    }

    fn escape(&mut self) -> Result<Vec<char>, String> {
        let word = || {
            range('a', 'z')
                .chain(range('A', 'Z'))
                .chain(range('0', '9'))
                .chain(['_'])
        };
        Ok(match self.next() {
            None => return Err("it ends with '\\'".to_string()),
            Some('d') => range('0', '9').collect(),
            Some('w') => word().collect(),
            Some('s') => vec![' '],
            Some('D') => printable().filter(|c| !c.is_ascii_digit()).collect(),
            Some('W') => printable().filter(|c| !word().any(|w| w == *c)).collect(),
            Some('S') => printable().filter(|c| *c != ' ').collect(),
            Some('t') => vec!['\t'],
            Some('n') => vec!['\n'],
            Some(letter) if letter.is_ascii_alphanumeric() => {
                return Err(format!("'\\{letter}' is not supported"));
            }
            Some(literal) => vec![literal],
        })
    }

    fn class(&mut self) -> Result<Vec<char>, String> {
        let negated = self.take('^');
        let mut chars: Vec<char> = Vec::new();
        loop {
            let first = match self.next() {
                None => return Err("'[' without ']'".to_string()),
                Some(']') if !chars.is_empty() => break,
                Some('\\') => {
                    let mut escaped = self.escape()?;
                    if escaped.len() > 1 || self.peek() != Some('-') {
                        chars.append(&mut escaped);
                        continue;
                    }
                    escaped[0]
                }
                Some(first) => first,
            };
            let is_range = self.peek() == Some('-')
                && self.rest.get(self.at + 1).is_some_and(|last| *last != ']');
            if !is_range {
                chars.push(first);
                continue;
            }
            self.at += 1;
            let last = match self.next() {
                Some('\\') => match self.escape()?.as_slice() {
                    [last] => *last,
                    _ => return Err("a range in [...] ends with a class".to_string()),
                },
                Some(last) => last,
                None => return Err("'[' without ']'".to_string()),
            };
            if last < first || u32::from(last) - u32::from(first) > 0xffff {
                return Err(format!("the range {first}-{last} is empty or too big"));
            }
            chars.extend(range(first, last));
        }
        if negated {
            chars = printable().filter(|c| !chars.contains(c)).collect();
        }
        match chars.is_empty() {
            true => Err("[...] leaves no character".to_string()),
            false => Ok(chars),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(pattern: &str) -> Vec<String> {
        let regex = Regex::parse(pattern).expect("parses");
        let mut random = JavaRandom::new(1);
        (0..200).map(|_| regex.generate(&mut random)).collect()
    }

    #[test]
    fn texts_have_the_form_of_the_expression() {
        for text in texts("^User_[1-9][0-9]{0,2}$") {
            let digits = text.strip_prefix("User_").expect("begins so");
            assert!(
                (1..=3).contains(&digits.len()) && !digits.starts_with('0'),
                "{text}"
            );
            assert!(digits.bytes().all(|byte| byte.is_ascii_digit()), "{text}");
        }
        let of = |pattern: &str| {
            let mut texts = texts(pattern);
            texts.sort();
            texts.dedup();
            texts
        };
        assert_eq!(of("(ab|c)(?:d|)"), ["ab", "abd", "c", "cd"]);
        assert_eq!(of(r"a?\.[\]-]"), [".-", ".]", "a.-", "a.]"]);
        assert_eq!(of("x{2}"), ["xx"]);
        assert!(
            of(r"[^\w]")
                .iter()
                .all(|text| !text.contains(char::is_alphanumeric))
        );
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (pattern, why) in [
            ("(a", "regex '(a': '(' without ')'"),
            ("a)", "regex 'a)': ')' without '('"),
            ("[a", "regex '[a': '[' without ']'"),
            ("*a", "regex '*a': nothing to repeat before '*'"),
            (
                "(?=a)",
                "regex '(?=a)': groups other than (...) and (?:...) are not supported",
            ),
            (r"(a)\1", r"regex '(a)\1': '\1' is not supported"),
            (
                "a{2,1}",
                "regex 'a{2,1}': a repeat is not of the form {n}, {n,} or {n,m}",
            ),
            (
                "((a{1000}){1000}){1000}",
                "regex '((a{1000}){1000}){1000}': its texts may be longer than 65536 characters",
            ),
        ] {
            assert_eq!(Regex::parse(pattern).err().as_deref(), Some(why));
        }
    }

    proptest! {
        #[test]
        fn any_pattern_is_parsed_or_refused(pattern in r"[a-c\[\](){}|*+?^$.\\,0-9-]{0,20}") {
            if let Ok(regex) = Regex::parse(&pattern) {
                let text = regex.generate(&mut JavaRandom::new(3));
                prop_assert!(text.chars().count() as u64 <= MAX_TEXT_NUM_CHARS);
            }
        }
    }
}
