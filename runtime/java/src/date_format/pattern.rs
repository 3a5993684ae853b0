//! Patterns.

use super::IllegalPattern;

/// The letters that mean something.
const LETTERS: &str = "GyMdkHmsSEDFwWahKzZYuXL";

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// Text that stands for itself.
    Literal(String),
    /// A letter and how often it stands there.
    Field { letter: char, count: usize },
}

pub(super) fn compile(pattern: &str) -> Result<Vec<Element>, IllegalPattern> {
    let mut elements: Vec<Element> = Vec::new();
    let mut rest = pattern.chars().peekable();
    let literal = |elements: &mut Vec<Element>, character: char| match elements.last_mut() {
        Some(Element::Literal(text)) => text.push(character),
        _ => elements.push(Element::Literal(character.to_string())),
    };
    let mut in_quotes = false;
    while let Some(next) = rest.next() {
        if next == '\'' {
            if rest.next_if_eq(&'\'').is_some() {
                literal(&mut elements, '\'');
            } else {
                in_quotes = !in_quotes;
            }
        } else if in_quotes || !next.is_ascii_alphabetic() {
            literal(&mut elements, next);
        } else if LETTERS.contains(next) {
            let mut count = 1;
            while rest.next_if_eq(&next).is_some() {
                count += 1;
            }
            if next == 'X' && count > 3 {
                return Err(IllegalPattern(format!(
                    "invalid ISO 8601 format: length={count}"
                )));
            }
            elements.push(Element::Field {
                letter: next,
                count,
            });
        } else {
            return Err(IllegalPattern(format!(
                "Illegal pattern character '{next}'"
            )));
        }
    }
    if in_quotes {
        return Err(IllegalPattern("Unterminated quote".into()));
    }
    Ok(elements)
}
