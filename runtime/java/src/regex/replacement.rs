//! Replacement strings.

use super::{Match, MatchError, Pattern};

/// Appends what a replacement makes of a match.
pub(super) fn append(
    out: &mut String,
    pattern: &Pattern,
    found: &Match<'_>,
    replacement: &str,
) -> Result<(), MatchError> {
    let illegal = |why: String| Err(MatchError::IllegalReplacement(why));
    let mut rest = replacement.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '\\' => match rest.next() {
                Some(plain) => out.push(plain),
                None => return illegal("character to be escaped is missing".into()),
            },
            '$' => {
                let group = match rest.next() {
                    None => {
                        return illegal("Illegal group reference: group index is missing".into());
                    }
                    Some('{') => {
                        let mut name = String::new();
                        while let Some(letter) = rest.next_if(char::is_ascii_alphanumeric) {
                            name.push(letter);
                        }
                        named_group(pattern, &name, rest.next())?
                    }
                    Some(digit) => {
                        let Some(mut group) = digit.to_digit(10).map(|digit| digit as usize) else {
                            return illegal("Illegal group reference".into());
                        };
                        if group > pattern.group_count() {
                            return Err(MatchError::NoSuchGroup(group));
                        }
                        // As many more digits as still name a group of the pattern.
                        while let Some(longer) = rest
                            .peek()
                            .and_then(|digit| digit.to_digit(10))
                            .map(|digit| group * 10 + digit as usize)
                            .filter(|longer| *longer <= pattern.group_count())
                        {
                            group = longer;
                            rest.next();
                        }
                        group
                    }
                };
                out.push_str(found.group(group).unwrap_or_default());
            }
            plain => out.push(plain),
        }
    }
    Ok(())
}

fn named_group(pattern: &Pattern, name: &str, end: Option<char>) -> Result<usize, MatchError> {
    let why = if name.is_empty() {
        "named capturing group has 0 length name".to_string()
    } else if end != Some('}') {
        "named capturing group is missing trailing '}'".to_string()
    } else if name.starts_with(|first: char| first.is_ascii_digit()) {
        format!("capturing group name {{{name}}} starts with digit character")
    } else {
        match pattern.group_number(name) {
            Some(group) => return Ok(group),
            None => format!("No group with name {{{name}}}"),
        }
    };
    Err(MatchError::IllegalReplacement(why))
}
