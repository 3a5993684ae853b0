//! Names: what Avro allows, and how other names are made to fit.

use connect_api::{ConnectError, Result};
use std::borrow::Cow;

pub(crate) const SCHEMA_PARSE_EXCEPTION: &str = "org.apache.avro.SchemaParseException";

/// Checks one part of a name: a letter or `_`, then letters, digits and `_`. Letters of all scripts are
/// allowed, as in Avro's Java library since 1.12.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let refuse = |text: String| Err(ConnectError::data(text).with_class(SCHEMA_PARSE_EXCEPTION));
    let mut characters = name.chars();
    let Some(first) = characters.next() else {
        return refuse("Empty name".to_string());
    };
    if !first.is_alphabetic() && first != '_' {
        return refuse(format!("Illegal initial character: {name}"));
    }
    if !characters.all(|c| c.is_alphanumeric() || c == '_') {
        return refuse(format!("Illegal character in: {name}"));
    }
    Ok(())
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// One part of a name made valid: encoded as in a URL, then whatever is not a letter, digit or `_`
/// becomes `_`; a leading digit gets an `x` before it.
pub(crate) fn scrub_name(name: &str) -> Cow<'_, str> {
    let bytes = name.as_bytes();
    if bytes.first().is_none_or(|first| !first.is_ascii_digit())
        && bytes.iter().all(|&b| is_plain(b))
    {
        return Cow::Borrowed(name);
    }
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut text = String::with_capacity(name.len() + 8);
    if bytes.first().is_some_and(u8::is_ascii_digit) {
        text.push('x');
    }
    for &byte in bytes {
        match byte {
            _ if is_plain(byte) => text.push(char::from(byte)),
            // These four stay as they are in a URL (the space as a plus), so one `_` stands for them.
            b'.' | b'-' | b'*' | b' ' => text.push('_'),
            _ => {
                text.push('_');
                text.push(char::from(HEX[usize::from(byte >> 4)]));
                text.push(char::from(HEX[usize::from(byte & 0xF)]));
            }
        }
    }
    Cow::Owned(text)
}

/// A full name split at its last dot, each part scrubbed if asked for: the namespace, if there is one,
/// and the simple name. Empty parts at the end are dropped, as `String.split` does.
pub(crate) fn split_name(full_name: &str, scrub: bool) -> (Option<String>, String) {
    if full_name.is_empty() {
        return (None, String::new());
    }
    let mut parts: Vec<Cow<'_, str>> = full_name
        .split('.')
        .map(|part| {
            if scrub {
                scrub_name(part)
            } else {
                Cow::Borrowed(part)
            }
        })
        .collect();
    while parts.len() > 1 && parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    let name = parts.pop().map(Cow::into_owned).unwrap_or_default();
    let namespace = (!parts.is_empty()).then(|| parts.join("."));
    (namespace, name)
}

/// A full name with every part scrubbed, if asked for.
pub(crate) fn scrub_full_name(full_name: &str, scrub: bool) -> Cow<'_, str> {
    if !scrub {
        return Cow::Borrowed(full_name);
    }
    match split_name(full_name, true) {
        (None, name) => Cow::Owned(name),
        (Some(namespace), name) => Cow::Owned(format!("{namespace}.{name}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrubbed_names_are_those_of_a_url() {
        for (name, scrubbed) in [
            ("plain_1", "plain_1"),
            ("1a", "x1a"),
            ("a b", "a_b"),
            ("a-b.c*", "a_b_c_"),
            ("a/b", "a_2Fb"),
            ("é", "_C3_A9"),
            ("", ""),
            ("a$", "a_24"),
        ] {
            assert_eq!(scrub_name(name), scrubbed);
        }
        assert_eq!(
            split_name("org.my-co.1x", true),
            (Some("org.my_co".to_string()), "x1x".to_string())
        );
        assert_eq!(
            split_name("a.b.", false),
            (Some("a".to_string()), "b".to_string())
        );
        assert_eq!(scrub_full_name("a b.c", true), "a_b.c");
    }
}
